/* Small arrays for the tests of indexing. */
#ifndef AD_INDEXING_H
#define AD_INDEXING_H

#include "testing.h"

/* 0, 1, 2, ... as float64 in the given shape. */
static inline ad_array *counting(ad_shape shape)
{
    return ad_reshape(ad_astype(ad_arange(ad_shape_size(shape)), AD_F64), shape);
}

/* INTEGERS(AD_SHAPE(2), 0, -1), MASK(AD_SHAPE(2), 1, 0) and NUMBERS(0.5, 2): small arrays. */
#define INTEGERS(shape, ...) ad_from_data(AD_I64, (const int64_t[]){ __VA_ARGS__ }, shape)
#define MASK(shape, ...)     ad_from_data(AD_BOOL, (const uint8_t[]){ __VA_ARGS__ }, shape)
#define NUMBERS(...)         ad_from((const double[]){ __VA_ARGS__ }, AD_SHAPE(sizeof((double[]){ __VA_ARGS__ }) / sizeof(double)))

#endif
