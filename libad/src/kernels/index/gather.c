/* Moving elements by an index along the middle axis of C-contiguous (outer, n, inner) arrays. */
#include "kernels/loops.h"
#include <string.h>

#define GATHER_ROW(T)                                                                                                  \
    for (int64_t j = 0; j < count; j++)                                                                                \
        ((T *)to)[j] = ((const T *)from)[index[j]];                                                                    \
    break

void ad_gather(size_t item, int64_t outer, int64_t n, int64_t inner, const int64_t *index, int64_t count, const void *in, void *out)
{
    size_t row = (size_t)inner * item;
    for (int64_t o = 0; o < outer; o++) {
        const char *from = (const char *)in + (size_t)(o * n) * row;
        char *to = (char *)out + (size_t)(o * count) * row;
        switch (inner == 1 ? item : 0) {
        case 16: GATHER_ROW(c128);
        case 8: GATHER_ROW(uint64_t);
        case 4: GATHER_ROW(uint32_t);
        case 1: GATHER_ROW(uint8_t);
        default:
            for (int64_t j = 0; j < count; j++)
                memcpy(to + (size_t)j * row, from + (size_t)index[j] * row, row);
        }
    }
}

#define PUT_ROW(T)                                                                                                     \
    for (int64_t j = 0; j < count; j++)                                                                                \
        ((T *)to)[index[j]] = ((const T *)from)[j];                                                                    \
    break

void ad_put_rows(size_t item, int64_t outer, int64_t n, int64_t inner, const int64_t *index, int64_t count, const void *in, void *out)
{
    size_t row = (size_t)inner * item;
    for (int64_t o = 0; o < outer; o++) {
        const char *from = (const char *)in + (size_t)(o * count) * row;
        char *to = (char *)out + (size_t)(o * n) * row;
        switch (inner == 1 ? item : 0) {
        case 16: PUT_ROW(c128);
        case 8: PUT_ROW(uint64_t);
        case 4: PUT_ROW(uint32_t);
        case 1: PUT_ROW(uint8_t);
        default: ad_put_row(row, index, count, from, (int64_t)row, to);
        }
    }
}

void ad_put_row(size_t row, const int64_t *index, int64_t count, const void *in, int64_t step, void *out)
{
    for (int64_t j = 0; j < count; j++)
        memcpy((char *)out + (size_t)index[j] * row, (const char *)in + j * step, row);
}

void ad_clear_rows(size_t item, int64_t outer, int64_t n, int64_t inner, const int64_t *index, int64_t count, void *out)
{
    size_t row = (size_t)inner * item;
    for (int64_t o = 0; o < outer; o++)
        for (int64_t j = 0; j < count; j++)
            memset((char *)out + (size_t)(o * n + index[j]) * row, 0, row);
}

#define SCATTER(T, dtype, joined)                                                                                      \
    static void scatter_##dtype(int64_t outer, int64_t n, int64_t inner, const int64_t *index, int64_t count, const T *in, T *out) \
    {                                                                                                                  \
        for (int64_t o = 0; o < outer; o++, out += n * inner)                                                          \
            for (int64_t j = 0; j < count; j++, in += inner) {                                                         \
                T *to = out + index[j] * inner;                                                                        \
                for (int64_t i = 0; i < inner; i++) {                                                                  \
                    T a = to[i], b = in[i];                                                                            \
                    to[i] = joined;                                                                                    \
                }                                                                                                      \
            }                                                                                                          \
    }

SCATTER(double, f64, a + b)
SCATTER(float, f32, a + b)
SCATTER(c128, c128, a + b)
SCATTER(c64, c64, a + b)
SCATTER(int64_t, i64, (int64_t)((uint64_t)a + (uint64_t)b))
SCATTER(int32_t, i32, (int32_t)((uint32_t)a + (uint32_t)b))
SCATTER(uint8_t, u8, (uint8_t)(a + b))
SCATTER(uint8_t, b8, a | b)

void ad_scatter_add(ad_dtype dtype, int64_t outer, int64_t n, int64_t inner, const int64_t *index, int64_t count, const void *in, void *out)
{
    switch (dtype) {
    case AD_F64: scatter_f64(outer, n, inner, index, count, in, out); break;
    case AD_F32: scatter_f32(outer, n, inner, index, count, in, out); break;
    case AD_C128: scatter_c128(outer, n, inner, index, count, in, out); break;
    case AD_C64: scatter_c64(outer, n, inner, index, count, in, out); break;
    case AD_I64: scatter_i64(outer, n, inner, index, count, in, out); break;
    case AD_I32: scatter_i32(outer, n, inner, index, count, in, out); break;
    case AD_U8: scatter_u8(outer, n, inner, index, count, in, out); break;
    default: scatter_b8(outer, n, inner, index, count, in, out); break;
    }
}
