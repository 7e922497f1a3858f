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
#define TRANSPOSE(letter) letter##_transpose
    FOR_DTYPE(0, dtype, TRANSPOSE, conjugate, m, n, a, b);
}

void ad_hermitian_of(ad_dtype dtype, int64_t n, const void *a, void *b)
{
#define HERMITIAN(letter) letter##_hermitian
    FOR_DTYPE(0, dtype, HERMITIAN, n, a, b);
}

void ad_lower_to_upper(ad_dtype dtype, int64_t n, const void *a, void *b)
{
#define LOWER_TO_UPPER(letter) letter##_lower_to_upper
    FOR_DTYPE(0, dtype, LOWER_TO_UPPER, n, a, b);
}

void ad_upper_to_lower(ad_dtype dtype, int64_t n, void *x)
{
#define UPPER_TO_LOWER(letter) letter##_upper_to_lower
    FOR_DTYPE(0, dtype, UPPER_TO_LOWER, n, x);
}

/* x - x is 0 of what is finite, and NaN of all else. */
bool ad_numbers_finite(ad_dtype dtype, int64_t count, const void *x)
{
    bool finite = false;
    int64_t numbers = ad_dtype_is_complex(dtype) ? 2 * count : count;
#define FINITE(letter) finite = letter##_finite
    FOR_DTYPE(0, dtype, FINITE, numbers, x);
    return finite;
}
