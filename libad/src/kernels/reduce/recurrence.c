/* Linear recurrences along the middle axis of C-contiguous (outer, n, inner) arrays. */
#include "kernels/kernels.h"
#include <complex.h>

#define NAME recurrence_f64
#define T    double
#include "recurrence.inc"

#define NAME recurrence_f32
#define T    float
#include "recurrence.inc"

#define NAME recurrence_c128
#define T    double complex
#include "recurrence.inc"

#define NAME recurrence_c64
#define T    float complex
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
