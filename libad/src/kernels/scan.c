/* Running sums and products along the middle axis of a C-contiguous (outer, n, inner) array; in may be out. */
#include "kernels/loops.h"

#define SCAN(name, T, joined)                                                                                          \
    static void name(int64_t outer, int64_t n, int64_t inner, const T *in, T *out, bool reverse)                       \
    {                                                                                                                  \
        for (int64_t o = 0; o < outer; o++, in += n * inner, out += n * inner)                                         \
            for (int64_t j = 0; j < n; j++) {                                                                          \
                int64_t row = (reverse ? n - 1 - j : j) * inner, before = row + (reverse ? inner : -inner);            \
                for (int64_t i = 0; i < inner; i++) {                                                                  \
                    T b = in[row + i];                                                                                 \
                    if (j) {                                                                                           \
                        T a = out[before + i];                                                                         \
                        b = joined;                                                                                    \
                    }                                                                                                  \
                    out[row + i] = b;                                                                                  \
                }                                                                                                      \
            }                                                                                                          \
    }

/* The same for sums of single precision, kept in double precision: running sums of ones in float32 stop at 2^24 otherwise. */
#define WIDE_SCAN(name, T, WIDE)                                                                                       \
    static void name(int64_t outer, int64_t n, int64_t inner, const T *in, T *out, bool reverse)                       \
    {                                                                                                                  \
        for (int64_t o = 0; o < outer; o++, in += n * inner, out += n * inner)                                         \
            for (int64_t start = 0; start < inner; start += WIDTH) {                                                   \
                int64_t width = inner - start < WIDTH ? inner - start : WIDTH;                                         \
                WIDE sum[WIDTH];                                                                                       \
                for (int64_t i = 0; i < width; i++)                                                                    \
                    sum[i] = 0;                                                                                        \
                for (int64_t j = 0; j < n; j++) {                                                                      \
                    int64_t row = (reverse ? n - 1 - j : j) * inner + start;                                           \
                    for (int64_t i = 0; i < width; i++) {                                                              \
                        sum[i] += in[row + i];                                                                         \
                        out[row + i] = (T)sum[i];                                                                      \
                    }                                                                                                  \
                }                                                                                                      \
            }                                                                                                          \
    }

enum { WIDTH = 64 };

SCAN(sums_f64, double, a + b)
WIDE_SCAN(sums_f32, float, double)
SCAN(sums_c128, c128, a + b)
WIDE_SCAN(sums_c64, c64, c128)
SCAN(sums_i64, int64_t, (int64_t)((uint64_t)a + (uint64_t)b))
SCAN(products_f64, double, a * b)
SCAN(products_f32, float, a * b)
SCAN(products_c128, c128, product_c128(a, b))
SCAN(products_c64, c64, product_c64(a, b))
SCAN(products_i64, int64_t, (int64_t)((uint64_t)a * (uint64_t)b))

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
