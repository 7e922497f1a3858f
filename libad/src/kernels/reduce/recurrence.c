/* Linear recurrences along the middle axis of C-contiguous (outer, n, inner) arrays. */
#include "kernels/complex_product.h"
#include "kernels/kernels.h"

#define NAME          recurrence_f64
#define T             double
#define PRODUCT(a, b) (a) * (b)
#include "recurrence.inc"

#define NAME          recurrence_f32
#define T             float
#define PRODUCT(a, b) (a) * (b)
#include "recurrence.inc"

#define NAME          recurrence_c128
#define T             c128
#define PRODUCT(a, b) product_c128(a, b)
#include "recurrence.inc"

#define NAME          recurrence_c64
#define T             c64
#define PRODUCT(a, b) product_c64(a, b)
#include "recurrence.inc"

void ad_recurrence(ad_dtype dtype, int64_t outer, int64_t n, int64_t inner, const void *a, const void *b, void *y, bool reverse)
{
    switch (dtype) {
    case AD_F32: recurrence_f32(outer, n, inner, a, b, y, reverse); break;
    case AD_C128: recurrence_c128(outer, n, inner, a, b, y, reverse); break;
    case AD_C64: recurrence_c64(outer, n, inner, a, b, y, reverse); break;
    default: recurrence_f64(outer, n, inner, a, b, y, reverse); break;
    }
}
