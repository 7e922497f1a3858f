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
    ALONE(SMALL + 1, dtype);
    return FOR_DTYPE(dtype, band_factor, (int)n, (int)l, (int)u, band, factors, pivots);
}

void ad_band_solve(ad_dtype dtype, bool transposed, int64_t n, int64_t l, int64_t u, int64_t k, const void *factors, const int32_t *pivots, void *x,
                   void *scratch)
{
    ALONE(SMALL + 1, dtype);
    FOR_DTYPE(dtype, band_solve, transposed, (int)n, (int)l, (int)u, (int)k, factors, pivots, x, scratch);
}
