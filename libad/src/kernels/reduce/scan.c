/* Running sums and products along the middle axis of a C-contiguous (outer, n, inner) array; `in` may be `out`.
 *
 * Running sums of single precision are kept in double precision: those of ones in float32 would stop at 2^24. */
#include "kernels/loops.h"

enum { NARROW = 8, WIDTH = 1024 };

#define NAME            sums_f64
#define T               double
#define WIDE            double
#define FIRST(b)        (b)
#define JOINED(a, b)    ((a) + (b))
#include "scan.inc"

#define NAME            sums_f32
#define T               float
#define WIDE            double
#define FIRST(b)        (0 + (WIDE)(b))
#define JOINED(a, b)    ((a) + (b))
#include "scan.inc"

#define NAME            sums_c128
#define T               c128
#define WIDE            c128
#define FIRST(b)        (b)
#define JOINED(a, b)    ((a) + (b))
#include "scan.inc"

#define NAME            sums_c64
#define T               c64
#define WIDE            c128
#define FIRST(b)        (0 + (WIDE)(b))
#define JOINED(a, b)    ((a) + (b))
#include "scan.inc"

#define NAME            sums_i64
#define T               int64_t
#define WIDE            int64_t
#define FIRST(b)        (b)
#define JOINED(a, b)    ((int64_t)((uint64_t)(a) + (uint64_t)(b)))
#include "scan.inc"

#define NAME            products_f64
#define T               double
#define WIDE            double
#define FIRST(b)        (b)
#define JOINED(a, b)    ((a) * (b))
#include "scan.inc"

#define NAME            products_f32
#define T               float
#define WIDE            float
#define FIRST(b)        (b)
#define JOINED(a, b)    ((a) * (b))
#include "scan.inc"

#define NAME            products_c128
#define T               c128
#define WIDE            c128
#define FIRST(b)        (b)
#define JOINED(a, b)    product_c128(a, b)
#include "scan.inc"

#define NAME            products_c64
#define T               c64
#define WIDE            c64
#define FIRST(b)        (b)
#define JOINED(a, b)    product_c64(a, b)
#include "scan.inc"

#define NAME            products_i64
#define T               int64_t
#define WIDE            int64_t
#define FIRST(b)        (b)
#define JOINED(a, b)    ((int64_t)((uint64_t)(a) * (uint64_t)(b)))
#include "scan.inc"

void ad_scan_sum(ad_dtype dtype, int64_t outer, int64_t n, int64_t inner, const void *in, void *out, bool reverse)
{
    switch (dtype) {
    case AD_F64: sums_f64(outer, n, inner, in, out, reverse); break;
    case AD_F32: sums_f32(outer, n, inner, in, out, reverse); break;
    case AD_C128: sums_c128(outer, n, inner, in, out, reverse); break;
    case AD_C64: sums_c64(outer, n, inner, in, out, reverse); break;
    default: sums_i64(outer, n, inner, in, out, reverse); break;
    }
}

void ad_scan_prod(ad_dtype dtype, int64_t outer, int64_t n, int64_t inner, const void *in, void *out, bool reverse)
{
    switch (dtype) {
    case AD_F64: products_f64(outer, n, inner, in, out, reverse); break;
    case AD_F32: products_f32(outer, n, inner, in, out, reverse); break;
    case AD_C128: products_c128(outer, n, inner, in, out, reverse); break;
    case AD_C64: products_c64(outer, n, inner, in, out, reverse); break;
    default: products_i64(outer, n, inner, in, out, reverse); break;
    }
}
