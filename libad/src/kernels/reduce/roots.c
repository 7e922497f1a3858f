/* Roots of sums of squares, and which sums have lost digits to overflow or underflow. */
#include "kernels/kernels.h"
#include <math.h>

#define NAME(function) function##_f64
#define T              double
#define ROOT           sqrt
#define SIZE           fabs
#include "roots.inc"

#define NAME(function) function##_f32
#define T              float
#define ROOT           sqrtf
#define SIZE           fabsf
#include "roots.inc"

bool ad_lie_within(ad_dtype dtype, int64_t n, const void *x, double least, double most)
{
    return dtype == AD_F32 ? lie_within_f32(n, x, least, most) : lie_within_f64(n, x, least, most);
}

void ad_roots(ad_dtype dtype, int64_t n, const void *x, double divisor, void *y)
{
    if (dtype == AD_F32)
        roots_f32(n, x, divisor, y);
    else
        roots_f64(n, x, divisor, y);
}

void ad_replace_beyond(ad_dtype dtype, int64_t n, const void *x, double least, double most, const void *other, void *y)
{
    if (dtype == AD_F32)
        replace_f32(n, x, least, most, other, y);
    else
        replace_f64(n, x, least, most, other, y);
}
