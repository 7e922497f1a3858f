/* Moves within a matrix: transposes and triangles, tile by tile; and whether all of its numbers are finite. tiles.inc
 * has them for one dtype. */
#include "kernels/kernels.h"
#include <complex.h>

enum { TILE = 16 };

static inline int64_t end_of(int64_t start, int64_t n)
{
    return start + TILE < n ? start + TILE : n;
}

#define EACH_DTYPE "kernels/linalg/tiles.inc"
#include "kernels/linalg/each_dtype.inc"

void ad_transpose_matrix(ad_dtype dtype, bool conjugate, int64_t m, int64_t n, const void *a, void *b)
{
    FOR_DTYPE(dtype, transpose, conjugate, m, n, a, b);
}

void ad_hermitian_of(ad_dtype dtype, int64_t n, const void *a, void *b)
{
    FOR_DTYPE(dtype, hermitian, n, a, b);
}

void ad_lower_to_upper(ad_dtype dtype, int64_t n, const void *a, void *b)
{
    FOR_DTYPE(dtype, lower_to_upper, n, a, b);
}

void ad_upper_to_lower(ad_dtype dtype, int64_t n, void *x)
{
    FOR_DTYPE(dtype, upper_to_lower, n, x);
}

/* x - x is 0 of what is finite, and NaN of all else. */
bool ad_numbers_finite(ad_dtype dtype, int64_t count, const void *x)
{
    int64_t numbers = ad_dtype_is_complex(dtype) ? 2 * count : count;
    return FOR_DTYPE(dtype, finite, numbers, x);
}
