/* Any text as the subscripts of an einsum, over operands whose shapes come from the input too. */
#include "fuzz.h"

enum { MOST_OPERANDS = 4, MOST_AXES = 6, LONGEST = 4, MOST_TEXT = 200 };

struct sum {
    const char *subscripts;
    ad_array *operands[MOST_OPERANDS];
    int count;
};

static ad_array *total(ad_array *x, void *context)
{
    struct sum sum = *(const struct sum *)context;
    sum.operands[0] = x;
    return ad_sum(ad_einsum_from(sum.subscripts, sum.operands, sum.count));
}

void fuzz_input(struct bytes input)
{
    struct sum sum = { .count = 1 + (int)(take_byte(&input) % MOST_OPERANDS) };
    for (int i = 0; i < sum.count; i++) {
        ad_shape shape = { .ndim = (int)(take_byte(&input) % (MOST_AXES + 1)) };
        for (int k = 0; k < shape.ndim; k++)
            shape.dim[k] = take_byte(&input) % (LONGEST + 1);
        sum.operands[i] = ad_reshape(ad_linspace(1, 2, .num = ad_shape_size(shape)), shape);
    }
    if (input.size > MOST_TEXT)
        input.size = MOST_TEXT;
    char *text = rest_as_text(input);
    sum.subscripts = text;
    ad_array *y = ad_einsum_from(text, sum.operands, sum.count);
    /* An outer product of all that is too large for the limit is an error too. */
    REQUIRE_RESULT_OR_ERROR(y);
    ad_array *g = y ? ad_grad(total)(sum.operands[0], &sum) : NULL;
    if (g) {
        /* The sum is linear in each operand. */
        double expected = ad_item(ad_sum(y)), actual = ad_item(ad_sum(ad_mul(g, sum.operands[0])));
        REQUIRE(ad_shape_equal(ad_shape_of(g), ad_shape_of(sum.operands[0])) && fabs(actual - expected) <= 1e-9 * (1 + fabs(expected)));
    } else {
        REQUIRE(!y || ad_error_code() == AD_ERROR_MEMORY);
    }
    free(text);
}
