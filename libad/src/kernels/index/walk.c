/* Values joined one after the other with what stands at places along the middle axis of C-contiguous (outer, n, inner)
 * arrays. Each join rounds as the elementwise loop of its name, so a place that is named again gives the bits of as
 * many calls of that. */
#include "kernels/loops.h"

#define INEXACT
#define ORDERED
#define IS_NAN(x) ((x) != (x))

#define T               double
#define NAME(x)         x##_f64
#define PRODUCT(x, y)   ((x) * (y))
#define ZERO_WINS(x, y) AD_ZERO_WINS(x, y)
#include "walk.inc"

#define T               float
#define NAME(x)         x##_f32
#define PRODUCT(x, y)   ((x) * (y))
#define ZERO_WINS(x, y) AD_ZERO_WINS(x, y)
#include "walk.inc"

#undef ORDERED

#define T               c128
#define NAME(x)         x##_c128
#define PRODUCT(x, y)   product_c128(x, y)
#define ZERO_WINS(x, y) zero_wins_c128(x, y)
#include "walk.inc"

#define T               c64
#define NAME(x)         x##_c64
#define PRODUCT(x, y)   product_c64(x, y)
#define ZERO_WINS(x, y) zero_wins_c64(x, y)
#include "walk.inc"

#undef INEXACT
#undef IS_NAN
#define ORDERED
#define IS_NAN(x) false

#define T             int64_t
#define NAME(x)       x##_i64
#define PRODUCT(x, y) ((int64_t)((uint64_t)(x) * (uint64_t)(y)))
#include "walk.inc"

#define T             int32_t
#define NAME(x)       x##_i32
#define PRODUCT(x, y) ((int32_t)((uint32_t)(x) * (uint32_t)(y)))
#include "walk.inc"

#define T             uint8_t
#define NAME(x)       x##_u8
#define PRODUCT(x, y) ((uint8_t)((x) * (y)))
#include "walk.inc"

#define T             uint8_t
#define NAME(x)       x##_b8
#define PRODUCT(x, y) ((uint8_t)((x) & (y)))
#include "walk.inc"

void ad_walk_places(const struct ad_walk *walk, void *x, void *kept)
{
    switch (walk->dtype) {
    case AD_F64: walk_f64(walk, x, kept); break;
    case AD_F32: walk_f32(walk, x, kept); break;
    case AD_C128: walk_c128(walk, x, kept); break;
    case AD_C64: walk_c64(walk, x, kept); break;
    case AD_I64: walk_i64(walk, x, kept); break;
    case AD_I32: walk_i32(walk, x, kept); break;
    case AD_U8: walk_u8(walk, x, kept); break;
    default: walk_b8(walk, x, kept); break;
    }
}
