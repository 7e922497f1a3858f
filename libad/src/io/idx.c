/* IDX, the format of the MNIST files: two zero bytes, the type, the number of axes, their lengths, the data; all
 * big-endian. */
#include "ad/io.h"
#include "io/io.h"
#include <string.h>

/* Stored types. A stored type narrower than its dtype is widened. */
static const struct idx_type {
    unsigned char code;
    size_t stored_size;
    ad_dtype dtype;
} types[] = {
    { 0x08, 1, AD_U8 }, { 0x09, 1, AD_I32 }, { 0x0b, 2, AD_I32 }, { 0x0c, 4, AD_I32 }, { 0x0d, 4, AD_F32 }, { 0x0e, 8, AD_F64 },
};
enum { TYPES = sizeof types / sizeof *types };

static uint32_t big_endian(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static const struct idx_type *read_type(struct ad_file *f, int *ndim)
{
    unsigned char head[4];
    if (!ad_file_read(f, head, sizeof head, "its header"))
        return NULL;
    if (head[0] || head[1])
        return ad_file_damaged(f, 0, "it begins with 0x%02x 0x%02x, not with two zero bytes as an IDX file does", head[0], head[1]);
    if (head[3] > AD_MAX_NDIM)
        return ad_file_damaged(f, 3, "%d axes; at most %d are possible", head[3], AD_MAX_NDIM);
    *ndim = head[3];
    for (int i = 0; i < TYPES; i++)
        if (types[i].code == head[2])
            return &types[i];
    return ad_file_damaged(f, 2, "0x%02x is not a type of IDX", head[2]);
}

/* int8 or int16 numbers become int32. They are big-endian, in the last part of the array's memory. Each is read before
 * it is overwritten. */
static void widen(ad_array *x, size_t stored_size)
{
    int32_t *out = (int32_t *)memory_of(x);
    const unsigned char *at = (unsigned char *)memory_of(x) + (size_t)x->size * (sizeof *out - stored_size);
    for (int64_t i = 0; i < x->size; i++, at += stored_size)
        out[i] = stored_size == 1 ? (int8_t)at[0] : (int16_t)(at[0] << 8 | at[1]);
}

static ad_array *load(struct ad_file *f)
{
    ad_shape shape = { .ndim = 0 };
    const struct idx_type *type = read_type(f, &shape.ndim);
    if (!type)
        return NULL;
    for (int i = 0; i < shape.ndim; i++) {
        unsigned char length[4];
        if (!ad_file_read(f, length, sizeof length, "its header"))
            return NULL;
        shape.dim[i] = big_endian(length);
    }
    ad_array *x = ad_file_read_array(f, type->dtype, &shape, type->stored_size);
    if (!x)
        return NULL;
    int more = ad_file_more(f);
    if (more)
        return more < 0 ? NULL : ad_file_damaged(f, f->offset, "there is more after its data");
    if (type->stored_size < ad_dtype_size(type->dtype))
        widen(x, type->stored_size);
    else if (AD_LITTLE_ENDIAN)
        ad_swap_bytes(memory_of(x), type->stored_size, x->size);
    return x;
}

ad_array *ad_load_idx(const char *path)
{
    return ad_file_load("ad_load_idx", path, load);
}

static bool write_header(struct ad_file *f, const ad_array *x)
{
    unsigned char header[4 + 4 * AD_MAX_NDIM] = { 0, 0, 0, x->ndim };
    ad_dtype dtype = x->dtype == AD_BOOL ? AD_U8 : (ad_dtype)x->dtype;
    for (int i = 0; i < TYPES; i++)
        if (types[i].dtype == dtype)
            header[2] = types[i].code;
    for (int i = 0; i < x->ndim; i++)
        for (int byte = 0; byte < 4; byte++)
            header[4 + 4 * i + byte] = (unsigned char)(ad_dims(x)[i] >> (24 - 8 * byte));
    return ad_file_write(f, header, 4 + 4 * x->ndim);
}

static bool write_big_endian(struct ad_file *f, const ad_array *x)
{
    size_t item = ad_dtype_size((ad_dtype)x->dtype);
    char part[4096];
    int64_t room = (int64_t)(sizeof part / item);
    for (int64_t i = 0; i < x->size; i += room) {
        int64_t count = x->size - i < room ? x->size - i : room;
        memcpy(part, memory_of(x) + i * (int64_t)item, (size_t)count * item);
        if (AD_LITTLE_ENDIAN)
            ad_swap_bytes(part, item, count);
        if (!ad_file_write(f, part, count * (int64_t)item))
            return false;
    }
    return true;
}

static bool can_be_idx(const ad_array *x)
{
    ad_dtype dtype = (ad_dtype)x->dtype;
    if (dtype == AD_I64 || ad_dtype_is_complex(dtype))
        return AD_FAIL(AD_ERROR_DTYPE, "ad_save_idx: IDX has no %s; convert with ad_astype", ad_dtype_name(dtype));
    for (int i = 0; i < x->ndim; i++)
        if (ad_dims(x)[i] > UINT32_MAX)
            return AD_FAIL(AD_ERROR_SHAPE, "ad_save_idx: shape %s has an axis longer than 2^32 - 1", AD_SHAPE_TEXT(x));
    return true;
}

static bool write_idx(struct ad_file *f, const ad_array *x)
{
    return write_header(f, x) && write_big_endian(f, x);
}

bool ad_save_idx(const char *path, const ad_array *x)
{
    return ad_given(x, "ad_save_idx", "array") && can_be_idx(x) && ad_file_save_array("ad_save_idx", path, x, write_idx);
}
