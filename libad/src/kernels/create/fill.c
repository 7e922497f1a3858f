/* Values that follow from their position: ranges, and the masks of triangles. */
#include "kernels/kernels.h"

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

void ad_fill_triangle(int64_t rows, int64_t columns, int64_t k, bool lower, uint8_t *out)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++)
            out[i * columns + j] = lower ? j <= i + k : j >= i + k;
}
