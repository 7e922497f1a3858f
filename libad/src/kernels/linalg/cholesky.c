/* Cholesky factors by LAPACK, and what takes a cotangent of the factor to that of the matrix; cholesky.inc has them for
 * one dtype. Every call runs on the calling thread alone.
 *
 * The reverse rule is Murray's (2016, arXiv 1602.07527), by halves: it goes through the factorization from its end, in
 * products and one triangular system for each half. It takes twice the steps of the factorization; two triangular
 * systems of the size of the whole matrix and a product would take nine times as many. */
#include "kernels/kernels.h"
#include <cblas.h>
#include <complex.h>
#include <math.h>
#include <string.h>

/* From this size on OpenBLAS's lower factor is so much faster than its upper one that a matrix by rows is transposed on
 * the way in and out. */
enum { TRANSPOSED = 48 };

enum { SMALL_REVERSE = 24 }; /* what plain loops take */

#define EACH_DTYPE "kernels/linalg/cholesky.inc"
#include "kernels/linalg/each_dtype.inc"

int ad_cholesky(ad_dtype dtype, int64_t n, const void *a, void *l)
{
    ALONE(n, dtype);
    return FOR_DTYPE(dtype, cholesky, dtype, (int)n, a, l);
}

void ad_cholesky_reverse(ad_dtype dtype, int64_t n, const void *l, const void *g, void *out)
{
    ALONE(n, dtype);
    FOR_DTYPE(dtype, cholesky_reverse, (int)n, l, g, out);
}
