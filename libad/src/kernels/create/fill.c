/* Values that follow from their position: ranges, triangles, and ones at places. */
#include "kernels/kernels.h"
#include <string.h>

void ad_fill_integers(int64_t n, uint64_t start, uint64_t step, int64_t *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = (int64_t)(start + (uint64_t)i * step);
}

void ad_fill_reals(int64_t n, double start, double step, double *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = start + (double)i * step;
}

static int64_t within(int64_t n, int64_t i)
{
    return i < 0 ? 0 : i > n ? n : i;
}

void ad_copy_triangle(ad_dtype dtype, bool lower, int64_t count, int64_t rows, int64_t columns, int64_t k, const void *x, void *out)
{
    const size_t item = (size_t)ad_item_size(dtype), row = (size_t)columns * item;
    for (int64_t i = 0; i < count * rows; i++) {
        const char *from = (const char *)x + (size_t)i * row;
        char *to = (char *)out + (size_t)i * row;
        size_t end = (size_t)within(columns, i % rows + k + lower) * item; /* of the part below, or of what is left out */
        if (lower) {
            memcpy(to, from, end);
            memset(to + end, 0, row - end);
        } else {
            memset(to, 0, end);
            memcpy(to + end, from + end, row - end);
        }
    }
}

void ad_unit_lower(ad_dtype dtype, int64_t rows, int64_t columns, int64_t stride, const void *x, void *out)
{
    const double one[2] = { 1, 0 };
    const float single[2] = { 1, 0 };
    const size_t item = (size_t)ad_item_size(dtype);
    const void *unit = dtype == AD_F64 || dtype == AD_C128 ? (const void *)one : single;
    for (int64_t i = 0; i < rows; i++) {
        const char *from = (const char *)x + (size_t)(i * stride) * item;
        char *to = (char *)out + (size_t)(i * columns) * item;
        size_t below = (size_t)within(columns, i), diagonal = i < columns;
        memcpy(to, from, below * item);
        memcpy(to + below * item, unit, diagonal * item);
        memset(to + (below + diagonal) * item, 0, ((size_t)columns - below - diagonal) * item);
    }
}

void ad_fill_ones_at(ad_dtype dtype, int64_t rows, int64_t columns, const int64_t *places, void *out)
{
    memset(out, 0, (size_t)(rows * columns * ad_item_size(dtype)));
    for (int64_t i = 0; i < rows; i++)
        if (dtype == AD_F64)
            ((double *)out)[i * columns + places[i]] = 1;
        else
            ((float *)out)[i * columns + places[i]] = 1;
}
