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

void ad_sort_with_places(const struct ad_sorts *sorts, ad_dtype dtype, int64_t rows, int64_t n, const char *in, char *out, int64_t *places, void *scratch)
{
    size_t item = (size_t)ad_item_size(dtype), row = (size_t)n * item;
    for (int64_t r = 0; r < rows; r++, in += row, out += row, places += n) {
        sorts->order(dtype, 1, n, in, places, scratch);
        ad_gather(item, 1, n, 1, places, n, in, out);
        for (int64_t i = 0; r && i < n; i++)
            places[i] += r * n;
    }
}

#define PUT_ROW(T)                                                                                                     \
    for (int64_t j = 0; j < count; j++)                                                                                \
        ((T *)to)[index[j]] = *(const T *)(from + j * in.step);                                                        \
    break

void ad_put_rows(size_t item, int64_t outer, int64_t n, int64_t inner, const int64_t *index, int64_t count, struct ad_rows in, void *out)
{
    size_t row = (size_t)inner * item;
    for (int64_t o = 0; o < outer; o++) {
        const char *from = in.data + o * in.outer_step;
        char *to = (char *)out + (size_t)(o * n) * row;
        switch (inner == 1 ? item : 0) {
        case 16: PUT_ROW(c128);
        case 8: PUT_ROW(uint64_t);
        case 4: PUT_ROW(uint32_t);
        case 1: PUT_ROW(uint8_t);
        default:
            for (int64_t j = 0; j < count; j++)
                memcpy(to + (size_t)index[j] * row, from + j * in.step, row);
        }
    }
}

void ad_clear_rows(size_t item, int64_t outer, int64_t n, int64_t inner, const int64_t *index, int64_t count, void *out)
{
    size_t row = (size_t)inner * item;
    for (int64_t o = 0; o < outer; o++)
        for (int64_t j = 0; j < count; j++)
            memset((char *)out + (size_t)(o * n + index[j]) * row, 0, row);
}

void ad_keep_rows(size_t item, int64_t outer, int64_t count, int64_t inner, const uint8_t *keep, void *out)
{
    size_t row = (size_t)inner * item;
    char *to = out;
    for (int64_t o = 0; o < outer; o++)
        for (int64_t j = 0; j < count; j++, to += row)
            if (!keep[j])
                memset(to, 0, row);
}

#define NAME         scatter_f64
#define T            double
#define JOINED(a, b) ((a) + (b))
#include "scatter.inc"

#define NAME         scatter_f32
#define T            float
#define JOINED(a, b) ((a) + (b))
#include "scatter.inc"

#define NAME         scatter_c128
#define T            c128
#define JOINED(a, b) ((a) + (b))
#include "scatter.inc"

#define NAME         scatter_c64
#define T            c64
#define JOINED(a, b) ((a) + (b))
#include "scatter.inc"

#define NAME         scatter_i64
#define T            int64_t
#define JOINED(a, b) ((int64_t)((uint64_t)(a) + (uint64_t)(b)))
#include "scatter.inc"

#define NAME         scatter_i32
#define T            int32_t
#define JOINED(a, b) ((int32_t)((uint32_t)(a) + (uint32_t)(b)))
#include "scatter.inc"

#define NAME         scatter_u8
#define T            uint8_t
#define JOINED(a, b) ((uint8_t)((a) + (b)))
#include "scatter.inc"

#define NAME         scatter_b8
#define T            uint8_t
#define JOINED(a, b) ((uint8_t)((a) | (b)))
#include "scatter.inc"

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
