/* Any bytes as a .npy file. What can be read is written and read again, to the same dtype, shape and bytes. */
#include "fuzz.h"

void fuzz_input(struct bytes input)
{
    ad_array *x = ad_load(file_of(input));
    REQUIRE_RESULT_OR_ERROR(x);
    if (!x)
        return;
    const char *path = file_to_write(".npy");
    REQUIRE(ad_save(path, x));
    ad_array *y = ad_load(path);
    REQUIRE(y && ad_dtype_of(x) == ad_dtype_of(y) && ad_shape_equal(ad_shape_of(x), ad_shape_of(y)));
    REQUIRE(memcmp(ad_data(x), ad_data(y), (size_t)ad_size(x) * ad_dtype_size(ad_dtype_of(x))) == 0);
}
