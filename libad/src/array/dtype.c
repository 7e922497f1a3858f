/* Dtypes: sizes, names, and NumPy 2's promotion with weak C scalars. */
#include "array/error.h"
#include "array/shape.h"
#include <string.h>

static const char *const names[AD_DTYPE_COUNT] = {
    [AD_F64] = "float64", [AD_F32] = "float32", [AD_C128] = "complex128", [AD_C64] = "complex64",
    [AD_I64] = "int64",   [AD_I32] = "int32",   [AD_U8] = "uint8",        [AD_BOOL] = "bool",
};

/* NumPy's table. It is symmetric. */
static const uint8_t promoted[AD_DTYPE_COUNT][AD_DTYPE_COUNT] = {
    /*             f64      f32      c128     c64      i64      i32      u8       bool */
    [AD_F64] = { AD_F64, AD_F64, AD_C128, AD_C128, AD_F64, AD_F64, AD_F64, AD_F64 },
    [AD_F32] = { AD_F64, AD_F32, AD_C128, AD_C64, AD_F64, AD_F64, AD_F32, AD_F32 },
    [AD_C128] = { AD_C128, AD_C128, AD_C128, AD_C128, AD_C128, AD_C128, AD_C128, AD_C128 },
    [AD_C64] = { AD_C128, AD_C64, AD_C128, AD_C64, AD_C128, AD_C128, AD_C64, AD_C64 },
    [AD_I64] = { AD_F64, AD_F64, AD_C128, AD_C128, AD_I64, AD_I64, AD_I64, AD_I64 },
    [AD_I32] = { AD_F64, AD_F64, AD_C128, AD_C128, AD_I64, AD_I32, AD_I32, AD_I32 },
    [AD_U8] = { AD_F64, AD_F32, AD_C128, AD_C64, AD_I64, AD_I32, AD_U8, AD_U8 },
    [AD_BOOL] = { AD_F64, AD_F32, AD_C128, AD_C64, AD_I64, AD_I32, AD_U8, AD_BOOL },
};

size_t ad_dtype_size(ad_dtype dtype)
{
    return (unsigned)dtype < AD_DTYPE_COUNT ? (size_t)ad_item_size(dtype) : 0;
}

const char *ad_dtype_name(ad_dtype dtype)
{
    return (unsigned)dtype < AD_DTYPE_COUNT ? names[dtype] : "no dtype";
}

bool (ad_dtype_is_inexact)(ad_dtype dtype)
{
    return ad_dtype_is_inexact(dtype);
}

bool (ad_dtype_is_complex)(ad_dtype dtype)
{
    return ad_dtype_is_complex(dtype);
}

bool (ad_dtype_is_integer)(ad_dtype dtype)
{
    return ad_dtype_is_integer(dtype);
}

ad_dtype ad_dtype_promote(ad_dtype a, ad_dtype b)
{
    return (ad_dtype)promoted[a][b];
}

/* bool < integer < real < complex */
static int kind(ad_dtype dtype)
{
    static const uint8_t kinds[AD_DTYPE_COUNT] = { [AD_F64] = 2, [AD_F32] = 2, [AD_C128] = 3, [AD_C64] = 3, [AD_I64] = 1, [AD_I32] = 1, [AD_U8] = 1 };
    return kinds[dtype];
}

/* The dtype of `strong` next to a C number: the kind of the number counts, its width does not. */
static ad_dtype with_weak(ad_dtype strong, ad_dtype weak)
{
    if (kind(weak) <= kind(strong))
        return strong;
    if (kind(weak) == 3)
        return strong == AD_F32 ? AD_C64 : AD_C128;
    return weak;
}

ad_dtype ad_dtype_common(ad_array *const *inputs, int count)
{
    ad_dtype strong = AD_BOOL, weak = AD_BOOL;
    bool any_strong = false;
    for (int i = 0; i < count; i++) {
        ad_dtype dtype = (ad_dtype)inputs[i]->dtype;
        if (inputs[i]->flags & AD_WEAK) {
            weak = ad_dtype_promote(weak, dtype);
        } else {
            strong = ad_dtype_promote(strong, dtype);
            any_strong = true;
        }
    }
    return any_strong ? with_weak(strong, weak) : weak;
}

bool ad_number_overflows(const ad_array *x, ad_dtype dtype, int64_t *value)
{
    if (!(x->flags & AD_WEAK) || x->dtype != AD_I64)
        return false;
    memcpy(value, x->data, sizeof *value);
    return dtype == AD_U8 ? *value < 0 || *value > UINT8_MAX : dtype == AD_I32 && (*value < INT32_MIN || *value > INT32_MAX);
}

bool ad_number_fits(const char *operation, const ad_array *x, ad_dtype dtype)
{
    int64_t value;
    if (!ad_number_overflows(x, dtype, &value))
        return true;
    return AD_FAIL(AD_ERROR_VALUE, "%s: %lld is out of range for %s", operation, (long long)value, ad_dtype_name(dtype));
}

ad_dtype ad_dtype_complex(ad_dtype dtype)
{
    return dtype == AD_F32 || dtype == AD_C64 ? AD_C64 : AD_C128;
}
