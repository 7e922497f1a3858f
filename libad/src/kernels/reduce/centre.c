/* Steps of centring rows, for floats of both sizes. */
#include "kernels/kernels.h"
#include <math.h>

#define T       double
#define ABS     fabs
#define NAME(x) x##_f64
#include "centre.inc"
#define T       float
#define ABS     fabsf
#define NAME(x) x##_f32
#include "centre.inc"
