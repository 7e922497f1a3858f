/* Any bytes as an IDX file: after a zero byte as they are, else compressed first. What can be read is written and read
 * again. */
#include "fuzz.h"
#include <zlib.h>

static const char *compressed(struct bytes content)
{
    const char *path = file_to_write(".gz");
    gzFile stream = gzopen(path, "wb1");
    if (!stream || (content.size && gzwrite(stream, content.data, (unsigned)content.size) != (int)content.size) || gzclose(stream) != Z_OK)
        abort();
    return path;
}

void fuzz_input(struct bytes input)
{
    bool compress = take_byte(&input);
    ad_array *x = ad_load_idx(compress ? compressed(input) : file_of(input));
    REQUIRE_RESULT_OR_ERROR(x);
    if (!x)
        return;
    const char *path = file_to_write(".gz");
    REQUIRE(ad_save_idx(path, x));
    ad_array *y = ad_load_idx(path);
    REQUIRE(y && ad_dtype_of(x) == ad_dtype_of(y) && ad_shape_equal(ad_shape_of(x), ad_shape_of(y)));
    REQUIRE(memcmp(ad_data(x), ad_data(y), (size_t)ad_size(x) * ad_dtype_size(ad_dtype_of(x))) == 0);
}
