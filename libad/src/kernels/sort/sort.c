/* Sorting rows, and the stable order that sorts them. Compiled once for each instruction set, as elementwise.c.
 *
 * There is one sort for every dtype, and it is one of integers. The bits of floats, with the sign handled, are ordered
 * as integers; -0 becomes 0, and NaN becomes the largest. Elements that were made equal are in the order of the input.
 * Complex numbers are sorted by their imaginary parts, then by their real parts. Those with a NaN are last: first the
 * ones with a real part, then the ones with an imaginary part, then the rest. */
#include "kernels/loops.h"
#include <math.h>
#include <string.h>

#if defined(AD_ISA_AVX512)
#include <immintrin.h>
enum { BYTES = 64 };
#elif defined(AD_ISA_AVX2)
enum { BYTES = 32 };
#else
enum { BYTES = 16 };
#endif

#define LARGEST(T) ((T)(sizeof(T) == sizeof(int64_t) ? INT64_MAX : INT32_MAX))

#define SPLAT(x)       _mm512_set1_epi64(x)
#define IS_LESS(a, b)  _mm512_cmplt_epi64_mask(a, b)
#define PACK(mask, v)  _mm512_maskz_compress_epi64((__mmask8)(mask), v)
#define KEY            int64_t
#define NAME(x)        x##_64
#include "sort.inc"
#define WITH_PLACES
#define NAME(x)        x##_64_with_places
#include "sort.inc"
#undef WITH_PLACES
#undef SPLAT
#undef IS_LESS
#undef PACK
#undef KEY

#define SPLAT(x)       _mm512_set1_epi32(x)
#define IS_LESS(a, b)  _mm512_cmplt_epi32_mask(a, b)
#define PACK(mask, v)  _mm512_maskz_compress_epi32((__mmask16)(mask), v)
#define KEY            int32_t
#define NAME(x)        x##_32
#include "sort.inc"
#define WITH_PLACES
#define NAME(x)        x##_32_with_places
#include "sort.inc"
#undef WITH_PLACES
#undef SPLAT
#undef IS_LESS
#undef PACK
#undef KEY

/* With a good choice of pivots, log2 n levels are enough. */
static int levels_for(int64_t n)
{
    return 2 * (64 - __builtin_clzll((unsigned long long)n | 1));
}

#define T        double
#define KEY      int64_t
#define UNSIGNED uint64_t
#define NAME(x)  x##_64
#include "floats.inc"
#define T        float
#define KEY      int32_t
#define UNSIGNED uint32_t
#define NAME(x)  x##_32
#include "floats.inc"

/* Keys above that of infinity are free for NaN. */
static int64_t key_of_complex(double real, double imaginary, bool minor)
{
    if (!isnan(real) && !isnan(imaginary))
        return key_of_float_64(minor ? imaginary : real);
    if (!isnan(real))
        return minor ? key_of_float_64(real) : INT64_MAX - 2;
    if (!isnan(imaginary))
        return minor ? key_of_float_64(imaginary) : INT64_MAX - 1;
    return INT64_MAX;
}

static void sort_bytes(int64_t n, const uint8_t *in, uint8_t *out)
{
    int64_t count[256] = { 0 };
    for (int64_t i = 0; i < n; i++)
        count[in[i]]++;
    for (int value = 0; value < 256; out += count[value++])
        memset(out, value, (size_t)count[value]);
}

/* ---- the order ---- */

static void order_by_64(ad_dtype dtype, int64_t n, const void *in, int64_t *out, int64_t *scratch)
{
    struct row_64_with_places row = { scratch, scratch + n, out, scratch + 2 * n + AD_SORT_SLACK };
    bool complex = ad_dtype_is_complex(dtype);
    for (int64_t i = 0; i < n; i++)
        out[i] = i;
    for (int minor = complex; minor >= 0; minor--) {
        for (int64_t i = 0; i < n; i++) {
            int64_t at = 2 * out[i];
            switch (dtype) {
            case AD_C128: row.key[i] = key_of_complex(((const double *)in)[at], ((const double *)in)[at + 1], minor); break;
            case AD_C64: row.key[i] = key_of_complex(((const float *)in)[at], ((const float *)in)[at + 1], minor); break;
            case AD_F64: row.key[i] = key_of_float_64(((const double *)in)[i]); break;
            case AD_F32: row.key[i] = key_of_float_64(((const float *)in)[i]); break;
            case AD_I64: row.key[i] = ((const int64_t *)in)[i]; break;
            case AD_I32: row.key[i] = ((const int32_t *)in)[i]; break;
            default: row.key[i] = ((const uint8_t *)in)[i];
            }
        }
        sort_64_with_places(row, n, levels_for(n));
    }
}

/* Where keys and places are short, half the memory has to be moved. */
static void order_by_32(ad_dtype dtype, int64_t n, const void *in, int64_t *out, int32_t *scratch)
{
    struct row_32_with_places row = { scratch, scratch + n, scratch + 2 * n + AD_SORT_SLACK, scratch + 3 * n + AD_SORT_SLACK };
    for (int64_t i = 0; i < n; i++) {
        row.place[i] = (int32_t)i;
        switch (dtype) {
        case AD_F32: row.key[i] = key_of_float_32(((const float *)in)[i]); break;
        case AD_I32: row.key[i] = ((const int32_t *)in)[i]; break;
        default: row.key[i] = ((const uint8_t *)in)[i];
        }
    }
    sort_32_with_places(row, n, levels_for(n));
    for (int64_t i = 0; i < n; i++)
        out[i] = row.place[i];
}

/* ---- rows ---- */

static void sort_order(ad_dtype dtype, int64_t rows, int64_t n, const void *in, int64_t *out, void *scratch)
{
    size_t item = (size_t)ad_item_size(dtype);
    bool is_short = n <= INT32_MAX && item <= sizeof(int32_t);
    for (int64_t r = 0; r < rows; r++, in = (const char *)in + (size_t)n * item, out += n) {
        if (is_short)
            order_by_32(dtype, n, in, out, scratch);
        else
            order_by_64(dtype, n, in, out, scratch);
    }
}

static void sort_values(ad_dtype dtype, int64_t rows, int64_t n, const void *in, void *out, void *scratch)
{
    size_t item = (size_t)ad_item_size(dtype), bytes = (size_t)n * item;
    for (int64_t r = 0; r < rows; r++, in = (const char *)in + bytes, out = (char *)out + bytes)
        switch (dtype) {
        case AD_F64: sort_floats_64(n, in, out, scratch); break;
        case AD_F32: sort_floats_32(n, in, out, scratch); break;
        case AD_I64:
            memcpy(out, in, bytes);
            sort_64((struct row_64){ out, scratch }, n, levels_for(n));
            break;
        case AD_I32:
            memcpy(out, in, bytes);
            sort_32((struct row_32){ out, scratch }, n, levels_for(n));
            break;
        case AD_U8:
        case AD_BOOL: sort_bytes(n, in, out); break;
        default: /* complex numbers, which are moved once their order is known */
            order_by_64(dtype, n, in, scratch, (int64_t *)scratch + n);
            ad_gather(item, 1, n, 1, scratch, n, in, out);
        }
}

const struct ad_sorts FOR_ISA(ad_sorts) = { .values = sort_values, .order = sort_order };
