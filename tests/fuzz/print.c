/* Arrays of any dtype, shape, strides and values, as text. */
#include "fuzz.h"
#include <stdio.h>

enum { MOST_AXES = 7, MOST_ELEMENTS = 1500 };

/* A view whose strides are not those of C. */
static ad_array *rearranged(ad_array *x, unsigned how)
{
    if (how & 1)
        x = ad_transpose(x);
    if (how & 2)
        x = ad_flip(x);
    if (how & 4 && ad_ndim(x) > 0 && ad_dim(x, 0) > 1)
        x = ad_at(x, "::2");
    if (how & 8)
        x = ad_at(ad_broadcast_to(x, ad_shape_of(ad_stack(ad_list_of(x, x)))), "::-1");
    return x;
}

void fuzz_input(struct bytes input)
{
    ad_dtype dtype = (ad_dtype)(take_byte(&input) % AD_DTYPE_COUNT);
    unsigned how = take_byte(&input);
    ad_shape shape = { .ndim = (int)(take_byte(&input) % (MOST_AXES + 1)) };
    for (int i = 0; i < shape.ndim; i++)
        shape.dim[i] = take_byte(&input) % 40;
    int64_t size = ad_shape_size(shape);
    if (size > MOST_ELEMENTS)
        return;
    size_t bytes = (size_t)size * ad_dtype_size(dtype);
    uint8_t *data = malloc(bytes + 1);
    for (size_t i = 0; i < bytes; i++) /* over and over again what is left */
        data[i] = input.size ? input.data[i % input.size] : 0;
    for (size_t i = 0; dtype == AD_BOOL && i < bytes; i++)
        data[i] &= 1;
    ad_array *x = rearranged(ad_from_data(dtype, data, shape), how);
    free(data);
    REQUIRE(x);

    char *text = ad_tostring(x);
    REQUIRE(text && strlen(text) > 0);
    if (dtype == AD_F64 && ad_ndim(x) == 0) {
        double value = ad_item(x), back = strtod(text, NULL);
        REQUIRE(back == value || (isnan(back) && isnan(value)));
    }
    free(text);
    static FILE *nowhere;
    if (!nowhere)
        nowhere = fopen("/dev/null", "w");
    ad_fprint(nowhere, x);
    ad_tree_fprint(nowhere, ad_tree_of("x", x, "list", ad_list_of(x, 1)));
    REQUIRE(!ad_failed());
    ad_item(x), ad_clear_error();
    ad_item_int(x), ad_clear_error();
    ad_item_complex(x);
}
