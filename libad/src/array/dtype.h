/* Dtypes: sizes, classes, promotion. */
#ifndef AD_DTYPE_INTERNAL_H
#define AD_DTYPE_INTERNAL_H

#include "array/array.h"

/* ad_dtype_size of a valid dtype. */
static inline int64_t ad_item_size(ad_dtype dtype)
{
    static const uint8_t sizes[AD_DTYPE_COUNT] = { [AD_F64] = 8, [AD_F32] = 4, [AD_C128] = 16, [AD_C64] = 8, [AD_I64] = 8, [AD_I32] = 4, [AD_U8] = 1, [AD_BOOL] = 1 };
    return sizes[dtype];
}

ad_dtype ad_dtype_promote(ad_dtype a, ad_dtype b);
ad_dtype ad_dtype_common(ad_array *const *inputs, int count); /* NumPy's rules, weak scalars included */
bool ad_number_fits(const char *operation, const ad_array *x, ad_dtype dtype); /* false and an error: it overflows */
bool ad_number_overflows(const ad_array *x, ad_dtype dtype, int64_t *value); /* whether x is a C integer that int32 or uint8 cannot hold, and which */
ad_dtype ad_dtype_real(ad_dtype dtype);                       /* complex128 to float64, complex64 to float32; others as they are */
ad_dtype ad_dtype_complex(ad_dtype dtype);

/* Real or complex: what can be differentiated. */
static inline bool ad_dtype_is_float(ad_dtype dtype)
{
    return dtype <= AD_C64;
}

static inline bool ad_dtype_is_complex(ad_dtype dtype)
{
    return dtype == AD_C128 || dtype == AD_C64;
}

#endif
