/* Elementwise loops of integers and bools, and of item sizes, compiled once.
 *
 * Arithmetic wraps as NumPy's does: it is done unsigned. Division by zero gives 0. */
#include "kernels/loops.h"

/* The source is the same for signed and unsigned types, and some comparisons are always true for the latter. */
#pragma GCC diagnostic ignored "-Wtype-limits"
#ifdef __clang__
#pragma clang diagnostic ignored "-Wtautological-compare"
#endif

#define T       int64_t
#define U       uint64_t
#define NAME(x) x##_i64
#include "integer.inc"

#define T       int32_t
#define U       uint32_t
#define NAME(x) x##_i32
#include "integer.inc"

#define T       uint8_t
#define U       uint32_t
#define NAME(x) x##_u8
#include "integer.inc"

typedef uint8_t boolean;
#define T       boolean
#define NAME(x) x##_b8
#include "comparisons.inc"
#undef T
#undef NAME
LOOP2(, ad_add_b8, boolean, boolean, x | y)
LOOP2(, ad_mul_b8, boolean, boolean, x & y)
LOOP1(, ad_abs_b8, boolean, boolean, x)

typedef struct pair {
    uint64_t low, high;
} pair;
#define LINKAGE
#define WHERE   ad_where_1
#define ITEM    uint8_t
#include "where.inc"
#define LINKAGE
#define WHERE   ad_where_16
#define ITEM    pair
#include "where.inc"
