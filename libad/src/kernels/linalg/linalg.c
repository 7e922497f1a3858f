/* Factorizations of square matrices, and QR: LU and eigenvalues of Hermitian ones, by OpenBLAS and its LAPACK;
 * linalg.inc has them for one dtype.
 *
 * Every call runs on the calling thread alone. Sizes fit an int: the callers refuse larger ones. Cholesky factors are
 * in cholesky.c, the singular value decomposition is in lapack.c. */
#include "kernels/kernels.h"
#include <cblas.h>
#include <complex.h>
#include <float.h>
#include <math.h>
#include <string.h>

struct eigh_sizes {
    int64_t work, reals, integers;
};

/* Eigenvalues of a tridiagonal matrix. */
void dsterf_(const int *n, double *d, double *e, int *info);
void ssterf_(const int *n, float *d, float *e, int *info);
void dsteqr_(const char *vectors, const int *n, double *d, double *e, double *z, const int *leading, double *work, int *info, size_t length);
void ssteqr_(const char *vectors, const int *n, float *d, float *e, float *z, const int *leading, float *work, int *info, size_t length);

/* The function of the real dtype of which a REAL is. */
#define LAPACK_REAL(f) _Generic((REAL)0, double: d##f##_, float: s##f##_)

#define EACH_DTYPE "kernels/linalg/linalg.inc"
#include "kernels/linalg/each_dtype.inc"

int ad_lu_factor(ad_dtype dtype, int64_t n, void *a, int32_t *pivots)
{
    ALONE(n, dtype);
    return FOR_DTYPE(dtype, lu_factor, (int)n, a, pivots);
}

void ad_lu_solve(ad_dtype dtype, bool transposed, int64_t n, int64_t k, const void *lu, const int32_t *pivots, void *x)
{
    ALONE(n > k ? n : k, dtype);
    FOR_DTYPE(dtype, lu_solve, transposed, (int)n, k, lu, pivots, x);
}

size_t ad_lu_inverse_scratch(ad_dtype dtype, int64_t n)
{
    return (size_t)(64 * n * ad_item_size(dtype)); /* LAPACK's blocks are 64 wide */
}

void ad_lu_inverse(ad_dtype dtype, int64_t n, const void *lu, const int32_t *pivots, void *x, void *scratch)
{
    ALONE(n, dtype);
    FOR_DTYPE(dtype, lu_inverse, (int)n, lu, pivots, x, scratch);
}

void ad_lu_by_rows(ad_dtype dtype, int64_t m, int64_t n, const void *a, void *lu, int32_t *pivots, void *scratch)
{
    ALONE(m > n ? m : n, dtype);
    FOR_DTYPE(dtype, lu_by_rows, dtype, (int)m, (int)n, a, lu, pivots, scratch);
}

/* Exchanges two pieces of memory, part by part. */
static void swap(size_t bytes, char *a, char *b)
{
    char kept[256];
    for (size_t part; bytes; bytes -= part, a += part, b += part) {
        part = bytes < sizeof kept ? bytes : sizeof kept;
        memcpy(kept, a, part);
        memcpy(a, b, part);
        memcpy(b, kept, part);
    }
}

int64_t ad_exchange_rows(size_t row, bool back, int64_t m, int64_t count, const int64_t *pivots, void *x)
{
    for (int64_t i = 0; i < count; i++)
        if (pivots[i] < 0 || pivots[i] >= m)
            return i + 1;
    for (int64_t i = 0; i < count; i++) {
        int64_t at = back ? count - 1 - i : i;
        if (pivots[at] != at)
            swap(row, (char *)x + (size_t)at * row, (char *)x + (size_t)pivots[at] * row);
    }
    return 0;
}

int ad_zero_on_diagonal(ad_dtype dtype, int64_t n, const void *a)
{
    return FOR_DTYPE(dtype, zero_on_diagonal, n, a);
}

void ad_triangular_solve(ad_dtype dtype, bool lower, bool transposed, bool unit, int64_t n, int64_t k, const void *a, void *x)
{
    ALONE(SMALL + 1, dtype);
    FOR_DTYPE(dtype, triangular_solve, lower, transposed, unit, (int)n, k, a, x);
}

size_t ad_eigh_scratch(ad_dtype dtype, int64_t n)
{
    return FOR_DTYPE(dtype, eigh_scratch, n);
}

int ad_eigh(ad_dtype dtype, bool lower, int64_t n, const void *a, void *w, void *v, void *scratch)
{
    if (ad_eigh_is_small(n))
        return ad_eigh_small(dtype, (int)n, a, w, v) ? 0 : 1;
    ALONE(SMALL + 1, dtype);
    return FOR_DTYPE(dtype, eigh, dtype, lower, (int)n, a, w, v, scratch);
}

size_t ad_qr_scratch(ad_dtype dtype, int64_t m, int64_t n, int64_t columns)
{
    return FOR_DTYPE(dtype, qr_scratch, m, n, columns);
}

int ad_qr(ad_dtype dtype, int64_t m, int64_t n, int64_t columns, const void *a, void *q, void *r, void *scratch)
{
    if (ad_qr_is_small(m, n, columns)) {
        ad_qr_small(dtype, (int)m, (int)n, (int)columns, a, q, r);
        return 0;
    }
    ALONE(SMALL + 1, dtype);
    return FOR_DTYPE(dtype, qr, dtype, (int)m, (int)n, (int)columns, a, q, r, scratch);
}
