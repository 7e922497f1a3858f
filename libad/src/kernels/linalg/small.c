/* Decompositions of the smallest matrices, of which LAPACK's calls take longer than its arithmetic: eigenvalues of
 * Hermitian ones and singular values by Jacobi's rotations, QR by reflections; jacobi.inc has them, real and complex.
 *
 * All of them compute in double, whatever the dtype. Jacobi's methods converge quadratically and give small values
 * with more digits than LAPACK does (Demmel and Veselic 1992). Matrices of very large or small numbers are scaled by a
 * power of 2. */
#include "kernels/complex_product.h"
#include "kernels/kernels.h"
#include <complex.h>
#include <float.h>
#include <math.h>
#include <string.h>

enum { SMALL_EIGH = 4, SMALL_SVD = 4, SMALL_QR = 8, SWEEPS = 40 };

/* Compiled for each size that it is called with, so that the loops over rows and columns go. */
#define EVERY_SIZE static inline __attribute__((always_inline))

/* An element that is so small beside its diagonal elements, or a product beside its columns, is done with. */
#define DONE (DBL_EPSILON / 4)

/* What rounding makes of the product of two columns that are orthogonal. */
#define ROUNDING (4 * DBL_EPSILON)

/* The squares of elements that are nothing beside the largest one: DONE^4, nearly. */
#define FLOOR 1e-66

#define TYPE         double
#define COMPLEX      0
#define NAME(f)      real_##f
#define CONJUGATE(x) (x)
#define REAL_PART(x) (x)
#define PRODUCT(x, y) ((x) * (y))
#include "kernels/linalg/jacobi.inc"
#undef TYPE
#undef COMPLEX
#undef NAME
#undef CONJUGATE
#undef REAL_PART
#undef PRODUCT

#define TYPE         double _Complex
#define COMPLEX      1
#define NAME(f)      complex_##f
#define CONJUGATE(x) conj(x)
#define REAL_PART(x) creal(x)
#define PRODUCT(x, y) product_c128(x, y)
#include "kernels/linalg/jacobi.inc"
#undef TYPE
#undef COMPLEX
#undef NAME
#undef CONJUGATE
#undef REAL_PART
#undef PRODUCT

/* ---- numbers in double, and back ---- */

static bool is_double(ad_dtype dtype)
{
    return dtype == AD_F64 || dtype == AD_C128;
}

static int numbers_in(ad_dtype dtype, int items)
{
    return ad_dtype_is_complex(dtype) ? 2 * items : items;
}

static void load(bool doubles, int count, const void *x, double *out)
{
    if (doubles)
        memcpy(out, x, (size_t)count * sizeof *out);
    for (int i = 0; i < count && !doubles; i++)
        out[i] = ((const float *)x)[i];
}

static void store(bool doubles, int count, const double *x, void *out)
{
    if (doubles)
        memcpy(out, x, (size_t)count * sizeof *x);
    for (int i = 0; i < count && !doubles; i++)
        ((float *)out)[i] = (float)x[i];
}

static double largest(int count, const double *x)
{
    double most = 0;
    for (int i = 0; i < count; i++)
        most = fabs(x[i]) > most ? fabs(x[i]) : most;
    return most;
}

/* Brings numbers to a size whose squares neither overflow nor vanish, and gives by which power of 2 the results are to
 * be multiplied. */
static int scale(int count, double *x, double *most)
{
    *most = largest(count, x);
    if (*most == 0 || (*most > 1e-60 && *most < 1e60))
        return 0;
    int power;
    *most = frexp(*most, &power);
    for (int i = 0; i < count; i++)
        x[i] = ldexp(x[i], -power);
    return power;
}

static void scale_back(int count, double *x, int power)
{
    for (int i = 0; i < count && power; i++)
        x[i] = ldexp(x[i], power);
}

/* ---- decompositions ---- */

bool ad_eigh_is_small(int64_t n)
{
    return n <= SMALL_EIGH;
}

bool ad_eigh_small(ad_dtype dtype, int n, const void *a, void *w, void *v)
{
    double matrix[2 * SMALL_EIGH * SMALL_EIGH], vectors[2 * SMALL_EIGH * SMALL_EIGH], values[SMALL_EIGH], most;
    bool doubles = is_double(dtype), done;
    int numbers = numbers_in(dtype, n * n);
    load(doubles, numbers, a, matrix);
    int power = scale(numbers, matrix, &most);
    if (ad_dtype_is_complex(dtype))
        done = complex_eigh(n, most, (double _Complex *)matrix, values, v ? (double _Complex *)vectors : NULL);
    else
        done = real_eigh(n, most, matrix, values, v ? vectors : NULL);
    scale_back(n, values, power);
    store(doubles, n, values, w);
    if (v)
        store(doubles, numbers, vectors, v);
    return done;
}

bool ad_svd_is_small(int64_t m, int64_t n)
{
    return m <= SMALL_SVD && n <= SMALL_SVD;
}

/* out (n, m) = x^T, x (m, n), or x^H, of one number or of two for each element. */
static void transpose(bool complex_numbers, bool conjugate, int m, int n, const double *x, double *out)
{
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            if (!complex_numbers) {
                out[j * m + i] = x[i * n + j];
            } else {
                out[2 * (j * m + i)] = x[2 * (i * n + j)];
                out[2 * (j * m + i) + 1] = conjugate ? -x[2 * (i * n + j) + 1] : x[2 * (i * n + j) + 1];
            }
        }
}

static void conjugate_all(bool complex_numbers, int count, double *x)
{
    for (int i = 1; i < count && complex_numbers; i += 2)
        x[i] = -x[i];
}

/* Of the matrix, or of its adjoint where that is not wide: A^H = V S U^H. Its columns, and the vectors, are rows in
 * memory. */
bool ad_svd_small(ad_dtype dtype, int m, int n, const void *a, void *u, void *s, void *vh)
{
    enum { ROOM = 2 * SMALL_SVD * SMALL_SVD };
    double matrix[ROOM] = { 0 }, columns[ROOM], right[ROOM], values[SMALL_SVD], most;
    bool doubles = is_double(dtype), of_two = ad_dtype_is_complex(dtype), wide = m < n, done;
    int numbers = numbers_in(dtype, m * n), k = wide ? m : n, longer = wide ? n : m, squares = numbers_in(dtype, k * k);
    load(doubles, numbers, a, matrix);
    int power = scale(numbers, matrix, &most);
    if (wide) {
        memcpy(columns, matrix, (size_t)numbers * sizeof *matrix);
        conjugate_all(of_two, numbers, columns);
    } else {
        transpose(of_two, false, m, n, matrix, columns);
    }
    if (of_two)
        done = complex_svd(longer, k, most, (double _Complex *)columns, values, u ? (double _Complex *)right : NULL);
    else
        done = real_svd(longer, k, most, columns, values, u ? right : NULL);
    scale_back(k, values, power);
    store(doubles, k, values, s);
    if (!u)
        return done;
    transpose(of_two, false, k, wide ? k : longer, wide ? right : columns, matrix);
    store(doubles, numbers_in(dtype, m * k), matrix, u);
    conjugate_all(of_two, wide ? numbers : squares, wide ? columns : right);
    store(doubles, numbers_in(dtype, k * n), wide ? columns : right, vh);
    return done;
}

bool ad_qr_is_small(int64_t m, int64_t n, int64_t columns)
{
    return m <= SMALL_QR && n <= SMALL_QR && columns <= SMALL_QR;
}

void ad_qr_small(ad_dtype dtype, int m, int n, int columns, const void *a, void *q, void *r)
{
    enum { ROOM = 2 * SMALL_QR * SMALL_QR };
    double matrix[ROOM], orthogonal[ROOM];
    bool doubles = is_double(dtype);
    load(doubles, numbers_in(dtype, m * n), a, matrix);
    if (ad_dtype_is_complex(dtype))
        complex_qr(m, n, columns, (double _Complex *)matrix, (double _Complex *)orthogonal);
    else
        real_qr(m, n, columns, matrix, orthogonal);
    if (q)
        store(doubles, numbers_in(dtype, m * columns), orthogonal, q);
    int own = numbers_in(dtype, 1);
    for (int i = 0; i < columns; i++) /* below the diagonal are the reflections */
        for (int j = 0; j < own * n; j++)
            orthogonal[i * own * n + j] = j >= own * i && i < m ? matrix[i * own * n + j] : 0;
    store(doubles, numbers_in(dtype, columns * n), orthogonal, r);
}
