/* Dtypes: promotion. Their sizes and classes are in kernels.h. */
#ifndef AD_DTYPE_INTERNAL_H
#define AD_DTYPE_INTERNAL_H

#include "array/array.h"
#include "kernels/kernels.h"

ad_dtype ad_dtype_promote(ad_dtype a, ad_dtype b);
ad_dtype ad_dtype_common(ad_array *const *inputs, int count); /* NumPy's rules, including those for weak scalars */
bool ad_number_fits(const char *operation, const ad_array *x, ad_dtype dtype); /* false and an error: the number overflows */
bool ad_number_overflows(const ad_array *x, ad_dtype dtype, int64_t *value); /* whether x is a C integer that int32 or uint8 cannot hold, and which */
ad_dtype ad_dtype_complex(ad_dtype dtype);

#endif
