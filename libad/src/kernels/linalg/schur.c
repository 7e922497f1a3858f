/* Matrices without symmetry: eigenvalues, Schur factors and what they solve, by LAPACK on the calling thread. schur.inc
 * has them for one dtype.
 *
 * LAPACK takes matrices by columns, so it sees the transpose of a matrix by rows. Eigenvectors need the matrix itself,
 * which is transposed on the way. The others do not: with A^T = U T U^H the equation A Y + Y B = X becomes B^T Y^T +
 * Y^T A^T = X^T, and the root of A^T is the transposed root of A. LAPACK is never given a NaN or an infinity: the
 * callers refuse them. Sizes fit an int. */
#include "kernels/kernels.h"
#include <cblas.h>
#include <complex.h>
#include <float.h>
#include <math.h>
#include <string.h>

/* LAPACK's work memory in items. Its blocks are at most 128 wide, and the reduction to Hessenberg form keeps 65 * 64
 * numbers beside them. */
static inline int64_t schur_work(int64_t n)
{
    return 260 * n + 4160;
}

#define EACH_DTYPE "kernels/linalg/schur.inc"
#include "kernels/linalg/each_dtype.inc"

size_t ad_eig_scratch(ad_dtype dtype, int64_t n)
{
    return FOR_DTYPE(dtype, eig_scratch, n);
}

ad_schur_outcome ad_eig(ad_dtype dtype, int64_t n, const void *a, void *w, void *v, void *scratch)
{
    ALONE(SMALL + 1, dtype);
    return FOR_DTYPE(dtype, eig, dtype, (int)n, a, w, v, scratch) == 0 ? AD_SCHUR_DONE : AD_SCHUR_NOT_CONVERGED;
}

size_t ad_schur_scratch(ad_dtype dtype, int64_t n)
{
    return FOR_DTYPE(dtype, schur_scratch, n);
}

ad_schur_outcome ad_schur(ad_dtype dtype, int64_t n, const void *a, void *t, void *u, void *scratch)
{
    ALONE(SMALL + 1, dtype);
    return FOR_DTYPE(dtype, schur, (int)n, a, t, u, scratch) == 0 ? AD_SCHUR_DONE : AD_SCHUR_NOT_CONVERGED;
}

size_t ad_sylvester_scratch(ad_dtype dtype, int64_t m, int64_t n)
{
    return FOR_DTYPE(dtype, sylvester_scratch, m, n);
}

ad_schur_outcome ad_sylvester(ad_dtype dtype, bool transposed, int64_t m, int64_t n, const void *ta, const void *ua, const void *tb, const void *ub, void *x,
                              void *scratch)
{
    ALONE(SMALL + 1, dtype);
    return FOR_DTYPE(dtype, sylvester, transposed, (int)m, (int)n, ta, ua, tb, ub, x, scratch) ? AD_SCHUR_DONE : AD_SCHUR_SINGULAR;
}

size_t ad_root_scratch(ad_dtype dtype, int64_t n)
{
    return FOR_DTYPE(dtype, root_scratch, n);
}

ad_schur_outcome ad_root(ad_dtype dtype, int64_t n, const void *a, void *x, void *scratch)
{
    ALONE(SMALL + 1, dtype);
    return FOR_DTYPE(dtype, root, (int)n, a, x, scratch);
}
