/* Any bytes as a PNG picture. What can be read is written and read again, to the same bytes. */
#include "fuzz.h"

void fuzz_input(struct bytes input)
{
    ad_array *x = ad_load_png(file_of(input));
    REQUIRE_RESULT_OR_ERROR(x);
    if (!x)
        return;
    const char *path = file_to_write(".png");
    REQUIRE(ad_save_png(path, x));
    ad_array *y = ad_load_png(path);
    REQUIRE(y && ad_dtype_of(y) == AD_U8 && ad_shape_equal(ad_shape_of(x), ad_shape_of(y)));
    REQUIRE(memcmp(ad_data(x), ad_data(y), (size_t)ad_size(x)) == 0);
}
