/* Factorizations of square matrices, and QR: LU, Cholesky, eigenvalues of Hermitian ones, by OpenBLAS and its LAPACK; linalg.inc has them for one dtype.
 *
 * Every call runs on the calling thread alone. Sizes fit an int: the callers refuse larger ones. The singular value decomposition is in lapack.c. */
#include "kernels/kernels.h"
#include <cblas.h>
#include <complex.h>
#include <math.h>
#include <string.h>

enum { SMALL = 8 }; /* what plain loops take, of real numbers */

struct eigh_sizes {
    int64_t work, reals, integers;
};

#define TYPE                double
#define REAL                double
#define COMPLEX             0
#define NAME(f)             d_##f
#define LAPACK(f)           LAPACK_(d, f)
#define CBLAS(f)            cblas_d##f
#define SCALAR(x)           x
#define CONJUGATE(x)        (x)
#define ORGQR               orgqr
#define LAPACK_(letter, f)  LAPACK__(letter, f)
#define LAPACK__(letter, f) letter##f##_
#include "kernels/linalg/linalg.inc"

#define TYPE         float
#define REAL         float
#define COMPLEX      0
#define NAME(f)      s_##f
#define LAPACK(f)    LAPACK_(s, f)
#define CBLAS(f)     cblas_s##f
#define SCALAR(x)    x
#define CONJUGATE(x) (x)
#define ORGQR        orgqr
#include "kernels/linalg/linalg.inc"

#define TYPE         double _Complex
#define REAL         double
#define COMPLEX      1
#define NAME(f)      z_##f
#define LAPACK(f)    LAPACK_(z, f)
#define CBLAS(f)     cblas_z##f
#define SCALAR(x)    &(x)
#define CONJUGATE(x) conj(x)
#define ORGQR        ungqr
#include "kernels/linalg/linalg.inc"

#define TYPE         float _Complex
#define REAL         float
#define COMPLEX      1
#define NAME(f)      c_##f
#define LAPACK(f)    LAPACK_(c, f)
#define CBLAS(f)     cblas_c##f
#define SCALAR(x)    &(x)
#define CONJUGATE(x) conjf(x)
#define ORGQR        ungqr
#include "kernels/linalg/linalg.inc"

/* Calls a function for the dtype; where the library is called in it, on this thread alone. */
#define FOR_DTYPE(n, dtype, f, ...)                                                                                    \
    do {                                                                                                               \
        bool library_ = (n) > SMALL || (dtype) == AD_C128 || (dtype) == AD_C64;                                        \
        int threads_ = library_ ? ad_openblas_hold() : 0;                                                              \
        switch (dtype) {                                                                                               \
        case AD_F64: f(d)(__VA_ARGS__); break;                                                                         \
        case AD_F32: f(s)(__VA_ARGS__); break;                                                                         \
        case AD_C128: f(z)(__VA_ARGS__); break;                                                                        \
        default: f(c)(__VA_ARGS__); break;                                                                             \
        }                                                                                                              \
        if (library_)                                                                                                  \
            ad_openblas_release(threads_);                                                                             \
    } while (0)

int ad_lu_factor(ad_dtype dtype, int64_t n, void *a, int32_t *pivots)
{
    int info = 0;
#define LU(letter) info = letter##_lu_factor
    FOR_DTYPE(n, dtype, LU, (int)n, a, pivots);
    return info;
}

void ad_lu_solve(ad_dtype dtype, bool transposed, int64_t n, int64_t k, const void *lu, const int32_t *pivots, void *x)
{
#define LU_SOLVE(letter) letter##_lu_solve
    FOR_DTYPE(n > k ? n : k, dtype, LU_SOLVE, transposed, (int)n, k, lu, pivots, x);
}

int ad_zero_on_diagonal(ad_dtype dtype, int64_t n, const void *a)
{
    int place = 0;
#define ZERO(letter) place = letter##_zero_on_diagonal
    FOR_DTYPE(0, dtype, ZERO, n, a);
    return place;
}

int ad_cholesky(ad_dtype dtype, int64_t n, void *a)
{
    int info = 0;
#define CHOLESKY(letter) info = letter##_cholesky
    FOR_DTYPE(n, dtype, CHOLESKY, (int)n, a);
    return info;
}

void ad_triangular_solve(ad_dtype dtype, bool lower, bool transposed, bool unit, int64_t n, int64_t k, const void *a, void *x)
{
#define TRIANGULAR(letter) letter##_triangular_solve
    FOR_DTYPE(SMALL + 1, dtype, TRIANGULAR, lower, transposed, unit, (int)n, k, a, x);
}

size_t ad_eigh_scratch(ad_dtype dtype, int64_t n)
{
    switch (dtype) {
    case AD_F64: return d_eigh_scratch(n);
    case AD_F32: return s_eigh_scratch(n);
    case AD_C128: return z_eigh_scratch(n);
    default: return c_eigh_scratch(n);
    }
}

int ad_eigh(ad_dtype dtype, bool lower, int64_t n, const void *a, void *w, void *v, void *scratch)
{
    int info = 0;
#define EIGH(letter) info = letter##_eigh
    FOR_DTYPE(SMALL + 1, dtype, EIGH, lower, (int)n, a, w, v, scratch);
    return info;
}

size_t ad_qr_scratch(ad_dtype dtype, int64_t m, int64_t n, int64_t columns)
{
    switch (dtype) {
    case AD_F64: return d_qr_scratch(m, n, columns);
    case AD_F32: return s_qr_scratch(m, n, columns);
    case AD_C128: return z_qr_scratch(m, n, columns);
    default: return c_qr_scratch(m, n, columns);
    }
}

int ad_qr(ad_dtype dtype, int64_t m, int64_t n, int64_t columns, const void *a, void *q, void *r, void *scratch)
{
    int info = 0;
#define QR(letter) info = letter##_qr
    FOR_DTYPE(SMALL + 1, dtype, QR, (int)m, (int)n, (int)columns, a, q, r, scratch);
    return info;
}
