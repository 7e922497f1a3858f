/* Small arrays for the tests of indexing. */
#ifndef AD_INDEXING_H
#define AD_INDEXING_H

#include "testing.h"

/* INTEGERS(AD_SHAPE(2), 0, -1) and MASK(AD_SHAPE(2), 1, 0). */
#define INTEGERS(shape, ...) ad_from_data(AD_I64, (const int64_t[]){ __VA_ARGS__ }, shape)
#define MASK(shape, ...)     ad_from_data(AD_BOOL, (const uint8_t[]){ __VA_ARGS__ }, shape)

#endif
