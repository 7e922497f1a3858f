/* Linear algebra of one matrix on LAPACK and BLAS (linalg_by_hand.h). */
#include "linalg_by_hand.h"
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void dgetrf_(const int *m, const int *n, double *a, const int *leading, int *pivots, int *info);
void dgetrs_(const char *trans, const int *n, const int *k, const double *a, const int *leading, const int *pivots, double *b, const int *leading_b, int *info,
             size_t length);
void dgetri_(const int *n, double *a, const int *leading, const int *pivots, double *work, const int *size, int *info);
void dpotrf_(const char *triangle, const int *n, double *a, const int *leading, int *info, size_t length);
void dsyevd_(const char *job, const char *triangle, const int *n, double *a, const int *leading, double *w, double *work, const int *size, int *integers,
             const int *integers_size, int *info, size_t job_length, size_t triangle_length);
void dgesdd_(const char *job, const int *m, const int *n, double *a, const int *leading, double *s, double *u, const int *leading_u, double *vt,
             const int *leading_vt, double *work, const int *size, int *integers, int *info, size_t length);
void dgeqrf_(const int *m, const int *n, double *a, const int *leading, double *tau, double *work, const int *size, int *info);
void dorgqr_(const int *m, const int *n, const int *k, double *a, const int *leading, const double *tau, double *work, const int *size, int *info);
void dgeev_(const char *left, const char *right, const int *n, double *a, const int *leading, double *wr, double *wi, double *vl, const int *leading_vl, double *vr,
            const int *leading_vr, double *work, const int *size, int *info, size_t left_length, size_t right_length);

static int work_size(int n)
{
    return 7 * n * n + 300 * n + 5000;
}

static int integers_size(int n)
{
    return 8 * n + 10;
}

static void take(by_hand *h, const double *x)
{
    memcpy(h->a, x, (size_t)h->n * (size_t)h->n * sizeof *x);
}

static double *element(double *x, const by_hand *h, int i, int j)
{
    return &x[(size_t)i * (size_t)h->n + (size_t)j];
}

/* x as the result, transposed, with zeros below or above the diagonal where those are not wanted. */
static void give(by_hand *h, double *x, bool transposed, bool lower, bool upper)
{
    for (int i = 0; i < h->n; i++)
        for (int j = 0; j < h->n; j++)
            *element(h->result, h, i, j) = (i > j && !lower) || (i < j && !upper) ? 0 : transposed ? *element(x, h, j, i) : *element(x, h, i, j);
    h->count = (int64_t)h->n * h->n;
}

static void give_vector(by_hand *h, const double *x, int count)
{
    memcpy(h->result, x, (size_t)count * sizeof *x);
    h->count = count;
}

/* ---- values ---- */

static void solve(by_hand *h)
{
    int one = 1, info;
    take(h, h->columns);
    for (int i = 0; i < h->n; i++)
        h->w[i] = h->columns[i] - (i == 0 ? h->n : 0);
    dgetrf_(&h->n, &h->n, h->a, &h->n, h->pivots, &info);
    dgetrs_("N", &h->n, &one, h->a, &h->n, h->pivots, h->w, &h->n, &info, 1);
}

static void solution(by_hand *h)
{
    give_vector(h, h->w, h->n);
}

static void inverse(by_hand *h)
{
    int size = work_size(h->n), info;
    take(h, h->columns);
    dgetrf_(&h->n, &h->n, h->a, &h->n, h->pivots, &info);
    dgetri_(&h->n, h->a, &h->n, h->pivots, h->work, &size, &info);
}

static void inverted(by_hand *h)
{
    give(h, h->a, true, true, true);
}

static void log_determinant(by_hand *h)
{
    int info;
    take(h, h->columns);
    dgetrf_(&h->n, &h->n, h->a, &h->n, h->pivots, &info);
    h->w[0] = 0;
    for (int i = 0; i < h->n; i++)
        h->w[0] += log(fabs(*element(h->a, h, i, i)));
}

static void one_number(by_hand *h)
{
    give_vector(h, h->w, 1);
}

static void cholesky(by_hand *h)
{
    int info;
    take(h, h->rows);
    dpotrf_("L", &h->n, h->a, &h->n, &info, 1);
}

static void lower_factor(by_hand *h)
{
    give(h, h->a, true, true, false);
}

static void eigh(by_hand *h)
{
    int size = work_size(h->n), integers = integers_size(h->n), info;
    take(h, h->rows);
    dsyevd_("V", "L", &h->n, h->a, &h->n, h->w, h->work, &size, h->integers, &integers, &info, 1, 1);
}

static void eigvalsh(by_hand *h)
{
    int size = work_size(h->n), integers = integers_size(h->n), info;
    take(h, h->rows);
    dsyevd_("N", "L", &h->n, h->a, &h->n, h->w, h->work, &size, h->integers, &integers, &info, 1, 1);
}

static void decompose(by_hand *h, const char *job)
{
    int size = work_size(h->n), info;
    take(h, h->columns);
    dgesdd_(job, &h->n, &h->n, h->a, &h->n, h->w, h->b, &h->n, h->c, &h->n, h->work, &size, h->integers, &info, 1);
}

static void svd(by_hand *h)
{
    decompose(h, "S");
}

static void svdvals(by_hand *h)
{
    decompose(h, "N");
}

static void qr(by_hand *h)
{
    int size = work_size(h->n), info;
    take(h, h->columns);
    dgeqrf_(&h->n, &h->n, h->a, &h->n, h->tau, h->work, &size, &info);
    for (int j = 0; j < h->n; j++)
        memcpy(element(h->b, h, j, 0), element(h->a, h, j, 0), (size_t)(j + 1) * sizeof(double));
    dorgqr_(&h->n, &h->n, &h->n, h->a, &h->n, h->tau, h->work, &size, &info);
}

static void sizes_of_r(by_hand *h)
{
    give(h, h->b, true, false, true);
    for (int64_t i = 0; i < h->count; i++)
        h->result[i] = fabs(h->result[i]);
}

static void lu(by_hand *h)
{
    int info;
    take(h, h->columns);
    dgetrf_(&h->n, &h->n, h->a, &h->n, h->pivots, &info);
}

static void upper_factor(by_hand *h)
{
    give(h, h->a, true, false, true);
}

static void eigen(by_hand *h, const char *vectors)
{
    int size = work_size(h->n), info;
    take(h, h->columns);
    dgeev_("N", vectors, &h->n, h->a, &h->n, h->w, h->w + h->n, NULL, &h->n, h->b, &h->n, h->work, &size, &info, 1, 1);
}

static void eig(by_hand *h)
{
    eigen(h, "V");
}

static void eigvals(by_hand *h)
{
    eigen(h, "N");
}

static int by_size(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static void sorted_sizes(by_hand *h)
{
    for (int i = 0; i < h->n; i++)
        h->result[i] = hypot(h->w[i], h->w[h->n + i]);
    h->count = h->n;
    qsort(h->result, (size_t)h->n, sizeof *h->result, by_size);
}

/* ---- gradients, by rows in b ---- */

/* x = A^-1 b with b the squares of the first column c, and r = A^-T 1: -r x^T, and 2 c r in the first column. */
static void solve_gradient(by_hand *h)
{
    int one = 1, info;
    take(h, h->columns);
    for (int i = 0; i < h->n; i++) {
        h->w[i] = h->columns[i] * h->columns[i];
        h->tau[i] = 1;
    }
    dgetrf_(&h->n, &h->n, h->a, &h->n, h->pivots, &info);
    dgetrs_("N", &h->n, &one, h->a, &h->n, h->pivots, h->w, &h->n, &info, 1);
    dgetrs_("T", &h->n, &one, h->a, &h->n, h->pivots, h->tau, &h->n, &info, 1);
    for (int i = 0; i < h->n; i++)
        for (int j = 0; j < h->n; j++)
            *element(h->b, h, i, j) = -h->tau[i] * h->w[j] + (j == 0 ? 2 * h->columns[i] * h->tau[i] : 0);
}

/* A^-T, by columns in a, is the gradient by rows. */
static void gradient_in_a(by_hand *h)
{
    give(h, h->a, false, true, true);
}

static void gradient_in_b(by_hand *h)
{
    give(h, h->b, false, true, true);
}

/* Murray (2016, arXiv 1602.07527): the symmetric part of L^-T Phi(L^T G) L^-1, with G of ones. */
static void cholesky_gradient(by_hand *h)
{
    int n = h->n, info;
    take(h, h->rows);
    dpotrf_("L", &n, h->a, &n, &info, 1);
    for (int j = 0; j < n; j++)
        for (int i = 0; i < n; i++)
            *element(h->b, h, j, i) = i >= j;
    cblas_dtrmm(CblasColMajor, CblasLeft, CblasLower, CblasTrans, CblasNonUnit, n, n, 1, h->a, n, h->b, n);
    for (int j = 0; j < n; j++) {
        *element(h->b, h, j, j) *= 0.5;
        for (int i = 0; i < j; i++)
            *element(h->b, h, j, i) = 0;
    }
    cblas_dtrsm(CblasColMajor, CblasLeft, CblasLower, CblasTrans, CblasNonUnit, n, n, 1, h->a, n, h->b, n);
    cblas_dtrsm(CblasColMajor, CblasRight, CblasLower, CblasNoTrans, CblasNonUnit, n, n, 1, h->a, n, h->b, n);
    for (int j = 0; j < n; j++)
        for (int i = 0; i < j; i++)
            *element(h->b, h, j, i) = *element(h->b, h, i, j) = 0.5 * (*element(h->b, h, i, j) + *element(h->b, h, j, i));
}

/* V diag(2 w) V^T. */
static void eigvalsh_gradient(by_hand *h)
{
    int n = h->n;
    eigh(h);
    for (int j = 0; j < n; j++)
        for (int i = 0; i < n; i++)
            *element(h->c, h, j, i) = 2 * h->w[j] * *element(h->a, h, j, i);
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasTrans, n, n, n, 1, h->a, n, h->c, n, 0, h->b, n);
}

/* ---- pieces ---- */

static const by_hand_routine routines[] = {
    { "solve", solve, solution },
    { "inv", inverse, inverted },
    { "slogdet", log_determinant, one_number },
    { "cholesky", cholesky, lower_factor },
    { "eigh", eigh, NULL },
    { "svd", svd, NULL },
    { "qr", qr, sizes_of_r },
    { "lu", lu, upper_factor },
    { "eig", eig, sorted_sizes },
    { "eigvalsh", eigvalsh, NULL },
    { "svdvals", svdvals, NULL },
    { "eigvals", eigvals, sorted_sizes },
    { "gradient through solve", solve_gradient, gradient_in_b },
    { "gradient through slogdet", inverse, gradient_in_a },
    { "gradient through cholesky", cholesky_gradient, gradient_in_b },
    { "gradient through eigvalsh", eigvalsh_gradient, gradient_in_b },
};

const by_hand_routine *by_hand_find(const char *name)
{
    for (size_t i = 0; i < sizeof routines / sizeof *routines; i++)
        if (!strcmp(routines[i].name, name))
            return &routines[i];
    return NULL;
}

by_hand *by_hand_new(const by_hand_routine *routine, ad_array *x)
{
    by_hand *h = calloc(1, sizeof *h);
    int n = (int)ad_dim(x, -1);
    size_t items = (size_t)n * (size_t)n;
    double *room = h ? calloc(6 * items + 3 * (size_t)n + (size_t)work_size(n), sizeof *room) : NULL;
    int *integers = room ? calloc((size_t)n + (size_t)integers_size(n), sizeof *integers) : NULL;
    if (!integers) {
        free(room);
        free(h);
        return NULL;
    }
    *h = (by_hand){ routine, n, room, room + items, room + 2 * items, room + 3 * items, room + 4 * items, NULL, NULL, NULL, integers, integers + n, NULL, 0 };
    h->result = room + 5 * items;
    h->w = h->result + items;
    h->tau = h->w + 2 * n;
    h->work = h->tau + n;
    const double *data = ad_data(x);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            *element(h->rows, h, i, j) = *element(h->columns, h, j, i) = data[(size_t)i * (size_t)n + (size_t)j];
    return h;
}

void by_hand_free(by_hand *h)
{
    if (!h)
        return;
    free(h->pivots);
    free(h->rows);
    free(h);
}

void by_hand_run(void *h)
{
    ((by_hand *)h)->routine->run(h);
}

bench_sum by_hand_sum(void *context)
{
    by_hand *h = context;
    h->routine->run(h);
    if (h->routine->arrange)
        h->routine->arrange(h);
    else
        give_vector(h, h->w, h->n);
    return bench_sum_values(h->result, h->count);
}
