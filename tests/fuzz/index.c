/* Any text as an index of an array of one of several shapes: reading, the derivative of reading, updating. */
#include "fuzz.h"

/* As many as a text may have conversions. */
#define NUMBERS INT64_C(1), INT64_C(0), INT64_C(-1), INT64_C(2), INT64_MAX, INT64_MIN, INT64_C(5), INT64_C(-2)
enum { MOST_CONVERSIONS = 8 };

/* Whether the text has no conversions but those of int64_t: others are as wrong as in printf. */
static bool is_format(const char *text)
{
    int conversions = 0;
    for (; *text; text++) {
        if (*text != '%')
            continue;
        text += text[1] == 'l' ? (text[2] == 'l' ? 3 : 2) : 1;
        if (*text != 'd' || ++conversions > MOST_CONVERSIONS)
            return false;
    }
    return true;
}

static ad_array *part(ad_array *x, void *text)
{
    return ad_sum(ad_at(x, (const char *)text, NUMBERS));
}

void fuzz_input(struct bytes input)
{
    const ad_shape shapes[] = { AD_SCALAR_SHAPE, AD_SHAPE(5), AD_SHAPE(3, 4), AD_SHAPE(2, 3, 4), AD_SHAPE(0, 2), AD_SHAPE(1, 1, 3, 1, 2, 1, 1, 2) };
    ad_shape shape = shapes[take_byte(&input) % (sizeof shapes / sizeof *shapes)];
    ad_array *x = ad_reshape(ad_linspace(1, 2, .num = ad_shape_size(shape)), shape);
    char *text = rest_as_text(input);
    if (is_format(text)) {
        ad_array *y = ad_at(x, text, NUMBERS);
        REQUIRE_RESULT_OR_ERROR(y);
        if (y) {
            /* Reading is linear: its derivative, applied to x, is the sum of what was read. */
            ad_array *g = ad_grad(part)(x, text);
            REQUIRE(g && ad_shape_equal(ad_shape_of(g), shape));
            REQUIRE(fabs(ad_item(ad_sum(ad_mul(g, x))) - ad_item(ad_sum(y))) < 1e-9);
            REQUIRE(ad_item(ad_sum(ad_at(ad_at_set(x, 0, text, NUMBERS), text, NUMBERS))) == 0);
            REQUIRE(ad_at_add(x, y, text, NUMBERS) && ad_at_mul(x, y, text, NUMBERS) && ad_at_max(x, y, text, NUMBERS));
        }
    }
    free(text);
}
