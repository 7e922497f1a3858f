/* Where the largest or smallest element of a row is: the first of equals, or the first NaN; and all elements that
 * attain an extremum. Compiled once for each instruction set, as elementwise.c. The answer does not depend on the order
 * in which elements are compared. */
#include "kernels/loops.h"
#include "kernels/vectors.h"
#include <string.h>

/* The source is the same for floats and integers, and compilers know that no integer is NaN. */
#pragma GCC diagnostic ignored "-Wtautological-compare"

#define T       double
#define NAME(x) x##_f64
#define FLOATS  true
#include "position.inc"
#define T       float
#define NAME(x) x##_f32
#define FLOATS  true
#include "position.inc"
#define T       int64_t
#define NAME(x) x##_i64
#define FLOATS  false
#include "position.inc"
#define T       int32_t
#define NAME(x) x##_i32
#define FLOATS  false
#include "position.inc"
#define T       uint8_t
#define NAME(x) x##_u8
#define FLOATS  false
#include "position.inc"

#define T       c128
#define NAME(x) x##_c128
#include "position_complex.inc"
#define T       c64
#define NAME(x) x##_c64
#include "position_complex.inc"

ad_position *const FOR_ISA(ad_positions)[AD_DTYPE_COUNT] = {
    [AD_F64] = position_f64, [AD_F32] = position_f32, [AD_C128] = position_c128, [AD_C64] = position_c64,
    [AD_I64] = position_i64, [AD_I32] = position_i32, [AD_U8] = position_u8, [AD_BOOL] = position_u8,
};

/* ---- which elements attain the extremum ---- */

#define T       double
#define COMPLEX 0
#define NAME(x) x##_f64
#include "attained.inc"
#define T       float
#define COMPLEX 0
#define NAME(x) x##_f32
#include "attained.inc"
#define T       c128
#define COMPLEX 1
#define NAME(x) x##_c128
#include "attained.inc"
#define T       c64
#define COMPLEX 1
#define NAME(x) x##_c64
#include "attained.inc"

ad_attained *const FOR_ISA(ad_attained_by)[AD_DTYPE_COUNT] = {
    [AD_F64] = attained_f64, [AD_F32] = attained_f32, [AD_C128] = attained_c128, [AD_C64] = attained_c64,
};
