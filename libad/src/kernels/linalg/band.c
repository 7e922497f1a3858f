/* Systems with band matrices, by LAPACK on the calling thread; band.inc has them for one dtype. Sizes fit an int: the
 * callers refuse larger ones. */
#include "kernels/kernels.h"
#include <complex.h>
#include <math.h>
#include <string.h>

#define EACH_DTYPE "kernels/linalg/band.inc"
#include "kernels/linalg/each_dtype.inc"

int ad_band_factor(ad_dtype dtype, int64_t n, int64_t l, int64_t u, const void *band, void *factors, int32_t *pivots)
{
    int info = 0;
#define FACTOR(letter) info = letter##_band_factor
    FOR_DTYPE(SMALL + 1, dtype, FACTOR, (int)n, (int)l, (int)u, band, factors, pivots);
    return info;
}

void ad_band_solve(ad_dtype dtype, bool transposed, int64_t n, int64_t l, int64_t u, int64_t k, const void *factors, const int32_t *pivots, void *x,
                   void *scratch)
{
#define SOLVE(letter) letter##_band_solve
    FOR_DTYPE(SMALL + 1, dtype, SOLVE, transposed, (int)n, (int)l, (int)u, (int)k, factors, pivots, x, scratch);
}
