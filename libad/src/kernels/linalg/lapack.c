/* Decompositions of a matrix by LAPACK, which is part of OpenBLAS.
 *
 * LAPACK takes matrices by columns. A C-contiguous matrix is its transpose there. A^T = (Vh)^T S U^T is a singular
 * value decomposition too, so with the two factors exchanged nothing has to be transposed. LAPACK is never given a NaN
 * or an infinity, on which its versions differ. */
#include "kernels/kernels.h"
#include <float.h>
#include <limits.h>
#include <math.h>
#include <string.h>

/* Fortran's interface: everything by address, and the length of a string at the end. */
#define REAL_SVD(name, type)                                                                                           \
    void name(const char *job, const int *m, const int *n, type *a, const int *leading_a, type *s, type *u, const int *leading_u, type *vh, \
              const int *leading_vh, type *work, const int *work_size, int *integers, int *info, size_t job_length);
#define COMPLEX_SVD(name, type)                                                                                        \
    void name(const char *job, const int *m, const int *n, type *a, const int *leading_a, type *s, type *u, const int *leading_u, type *vh, \
              const int *leading_vh, type *work, const int *work_size, type *reals, int *integers, int *info, size_t job_length);
REAL_SVD(dgesdd_, double)
REAL_SVD(sgesdd_, float)
COMPLEX_SVD(zgesdd_, double)
COMPLEX_SVD(cgesdd_, float)

static int64_t least(const struct ad_svd *svd)
{
    return svd->m < svd->n ? svd->m : svd->n;
}

/* Calls LAPACK on the transpose of `a`, which it overwrites. Gives its info. */
static int decompose(const struct ad_svd *svd, void *a, void *s, void *u, void *vh, void *work, int work_size, void *reals, int *integers)
{
    const char *job = svd->vectors ? "S" : "N";
    int info = 0, k = (int)least(svd), threads = ad_openblas_hold();
    const int *m = &svd->n, *n = &svd->m;
    switch (svd->dtype) {
    case AD_F64: dgesdd_(job, m, n, a, m, s, vh, m, u, &k, work, &work_size, integers, &info, 1); break;
    case AD_F32: sgesdd_(job, m, n, a, m, s, vh, m, u, &k, work, &work_size, integers, &info, 1); break;
    case AD_C128: zgesdd_(job, m, n, a, m, s, vh, m, u, &k, work, &work_size, reals, integers, &info, 1); break;
    default: cgesdd_(job, m, n, a, m, s, vh, m, u, &k, work, &work_size, reals, integers, &info, 1); break;
    }
    ad_openblas_release(threads);
    return info;
}

/* ---- scratch: the copy of the matrix, then LAPACK's work memory, each piece at a multiple of 64 bytes ---- */

static bool is_double(ad_dtype dtype)
{
    return dtype == AD_F64 || dtype == AD_C128;
}

/* The number of reals that the complex routines need, by their documentation. */
static int64_t reals_of(const struct ad_svd *svd)
{
    int64_t k = least(svd), longer = svd->m + (int64_t)svd->n - k;
    int64_t square = 5 * k * k + 5 * k, rectangle = 2 * longer * k + 2 * k * k + k;
    return !ad_dtype_is_complex(svd->dtype) ? 0 : square > rectangle ? square : rectangle;
}

struct pieces {
    size_t work, reals, integers, end; /* offsets; the copy comes first */
};

static size_t rounded(size_t bytes)
{
    return (bytes + 63) & ~(size_t)63;
}

static struct pieces pieces_of(const struct ad_svd *svd)
{
    size_t item = (size_t)ad_item_size(svd->dtype), real = is_double(svd->dtype) ? sizeof(double) : sizeof(float);
    struct pieces p;
    p.work = rounded((size_t)svd->m * (size_t)svd->n * item);
    p.reals = p.work + rounded((size_t)svd->work_size * item);
    p.integers = p.reals + rounded((size_t)reals_of(svd) * real);
    p.end = p.integers + 8 * (size_t)least(svd) * sizeof(int);
    return p;
}

/* LAPACK gives the size as a number of the matrix's dtype, which a float may have rounded down. */
static int work_size(const struct ad_svd *svd)
{
    double wide[2] = { 0 };
    float narrow[2] = { 0 };
    bool doubles = is_double(svd->dtype);
    decompose(svd, NULL, NULL, NULL, NULL, doubles ? (void *)wide : (void *)narrow, -1, NULL, NULL);
    return doubles ? (int)wide[0] : (int)(nextafterf(narrow[0], INFINITY) + 1);
}

/* Everything that LAPACK asks for is below 5 k^2 + 300 (m + n) items, and it counts them in an int. */
bool ad_svd_takes(int64_t m, int64_t n)
{
    double k = (double)(m < n ? m : n);
    return m <= INT_MAX && n <= INT_MAX && 5 * k * k + 300. * ((double)m + (double)n) <= INT_MAX;
}

struct ad_svd ad_svd_plan(ad_dtype dtype, int64_t m, int64_t n, bool vectors)
{
    struct ad_svd svd = { .dtype = dtype, .m = (int)m, .n = (int)n, .vectors = vectors };
    svd.work_size = work_size(&svd);
    svd.scratch = pieces_of(&svd).end;
    return svd;
}

/* ---- numbers that LAPACK is not given ---- */

/* NaN if there is one; otherwise infinity if there is one; otherwise something finite. */
#define EXTREME(name, type)                                                                                            \
    static double name(int64_t count, const type *x)                                                                   \
    {                                                                                                                  \
        bool is_infinite = false, is_nan = false;                                                                      \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            is_infinite |= isinf(x[i]) != 0;                                                                           \
            is_nan |= isnan(x[i]) != 0;                                                                                \
        }                                                                                                              \
        return is_nan ? NAN : is_infinite ? INFINITY : 0;                                                              \
    }
EXTREME(extreme_double, double)
EXTREME(extreme_float, float)

static int64_t numbers_in(ad_dtype dtype, int64_t count)
{
    return ad_dtype_is_complex(dtype) ? 2 * count : count;
}

static double extreme_of(const struct ad_svd *svd, const void *a)
{
    int64_t count = numbers_in(svd->dtype, (int64_t)svd->m * svd->n);
    return is_double(svd->dtype) ? extreme_double(count, a) : extreme_float(count, a);
}

static void fill_nan(bool doubles, int64_t count, void *x)
{
    for (int64_t i = 0; i < count; i++)
        if (doubles)
            ((double *)x)[i] = NAN;
        else
            ((float *)x)[i] = NAN;
}

ad_lapack_outcome ad_svd(const struct ad_svd *svd, const void *a, void *u, void *s, void *vh, void *scratch)
{
    double extreme = ad_numbers_finite(svd->dtype, (int64_t)svd->m * svd->n, a) ? 0 : extreme_of(svd, a);
    int64_t k = least(svd);
    if (isnan(extreme))
        return AD_LAPACK_NAN;
    if (isinf(extreme)) {
        bool doubles = is_double(svd->dtype);
        fill_nan(doubles, k, s);
        fill_nan(doubles, svd->vectors ? numbers_in(svd->dtype, svd->m * k) : 0, u);
        fill_nan(doubles, svd->vectors ? numbers_in(svd->dtype, svd->n * k) : 0, vh);
        return AD_LAPACK_DONE;
    }
    if (ad_svd_is_small(svd->m, svd->n))
        return ad_svd_small(svd->dtype, svd->m, svd->n, a, u, s, vh) ? AD_LAPACK_DONE : AD_LAPACK_NOT_CONVERGED;
    char *start = scratch;
    struct pieces p = pieces_of(svd);
    memcpy(start, a, (size_t)svd->m * (size_t)svd->n * (size_t)ad_item_size(svd->dtype));
    int info = decompose(svd, start, s, u, vh, start + p.work, svd->work_size, start + p.reals, (int *)(void *)(start + p.integers));
    return info == 0 ? AD_LAPACK_DONE : AD_LAPACK_NOT_CONVERGED;
}
