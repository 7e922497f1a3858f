/* Linear systems, decompositions and gradients through them, of one matrix and of stacks of small ones. LAPACK by hand
 * is in linalg_by_hand.c, NumPy's rows are in numpy_peer.py, JAX's gradients in autodiff_peers.py. */
#include "linalg_by_hand.h"
#include <stdio.h>
#include <string.h>

/* A function of square matrices x, of y = x + n I, or of h = y y^T. */
#define FUNCTIONS(ROW)                                                                                                                                         \
    ROW("solve", ad_linalg_solve(y, ad_at(x, "..., :1")))                                                                                                      \
    ROW("inv", ad_linalg_inv(y)) ROW("slogdet", ad_tree_get(ad_linalg_slogdet(y), "logabsdet")) ROW("cholesky", ad_linalg_cholesky(h))                         \
        ROW("eigh", ad_tree_get(ad_linalg_eigh(h), "eigenvalues")) ROW("svd", ad_tree_get(ad_linalg_svd(y), "S"))                                              \
            ROW("qr", ad_abs(ad_tree_get(ad_linalg_qr(y), "R"))) ROW("lu", ad_tree_get(ad_linalg_lu(y), "U"))                                                  \
                ROW("eig", ad_sort(ad_abs(ad_tree_get(ad_linalg_eig(y), "eigenvalues")))) ROW("sqrtm", ad_linalg_sqrtm(y))                                     \
                    ROW("eigvalsh", ad_linalg_eigvalsh(h)) ROW("svdvals", ad_linalg_svdvals(y))                                                                \
                        ROW("eigvals", ad_sort(ad_abs(ad_linalg_eigvals(y)))) ROW("toeplitz", ad_linalg_toeplitz(ad_at(x, "..., 0")))

static ad_array *apply(const bench_call *call)
{
    ad_array *x = call->x, *y = call->y, *h = call->z;
    int64_t which = 0;
#define CASE(name, value)                                                                                                                                      \
    if (call->n == which++)                                                                                                                                    \
        return value;
    FUNCTIONS(CASE)
    return NULL;
}

static ad_array *sum_of_solution(ad_array *a)
{
    return ad_sum(ad_linalg_solve(a, ad_square(ad_at(a, "..., :1"))));
}

static ad_array *log_determinant(ad_array *a)
{
    return ad_sum(ad_tree_get(ad_linalg_slogdet(a), "logabsdet"));
}

static ad_array *sum_of_factor(ad_array *a)
{
    return ad_sum(ad_linalg_cholesky(a));
}

static ad_array *sum_of_squared_values(ad_array *a)
{
    return ad_sum(ad_square(ad_linalg_eigvalsh(a)));
}

static ad_array *gradient(const bench_call *call)
{
    ad_array *(*const functions[])(ad_array *) = { sum_of_solution, log_determinant, sum_of_factor, sum_of_squared_values };
    return ad_grad(functions[call->n])(call->x);
}

/* libad and, for one matrix, LAPACK by hand. A call costs as much as the smallest matrix: there is no aim for that. */
static void measure(bench *b, const char *name, const char *of, bench_call *call, ad_array *operand, double aim)
{
    char row[80];
    snprintf(row, sizeof row, "%s, %s", name, of);
    const by_hand_routine *routine = ad_ndim(operand) == 2 && bench_wants(b, row) ? by_hand_find(name) : NULL;
    by_hand *hand = routine ? by_hand_new(routine, operand) : NULL;
    bench_piece pieces[] = { BENCH_LIBAD(call),
                             { .who = "LAPACK by hand", .run = by_hand_run, .sum = by_hand_sum, .context = hand, .aim = ad_dim(operand, -1) >= 100 ? aim : 0 } };
    bench_compare(b, row, 1e-9, pieces, hand ? 2 : 1);
    by_hand_free(hand);
}

static void compare(bench *b, const char *of, ad_array *x)
{
#define NAMED(name, value) name,
    static const char *const functions[] = { FUNCTIONS(NAMED) };
    static const char *const gradients[] = { "gradient through solve", "gradient through slogdet", "gradient through cholesky", "gradient through eigvalsh" };
    int64_t n = ad_dim(x, -1);
    ad_array *y = ad_add(x, ad_mul((double)n, ad_eye(n)));
    ad_array *h = ad_matmul(y, ad_matrix_transpose(y));
    for (int64_t f = 0; f < (int64_t)(sizeof functions / sizeof *functions); f++) {
        bench_call call = { .f = apply, .x = x, .y = y, .z = h, .n = f };
        bool symmetric = !strcmp(functions[f], "cholesky") || !strcmp(functions[f], "eigh") || !strcmp(functions[f], "eigvalsh");
        measure(b, functions[f], of, &call, symmetric ? h : y, 1.05);
    }
    for (int64_t f = 0; f < 4; f++) {
        bench_call call = { .f = gradient, .x = f >= 2 ? h : y, .n = f };
        measure(b, gradients[f], of, &call, call.x, 1.15);
    }
}

int main(int argc, char **argv)
{
    static const int64_t sizes[] = { 10, 100, 500 };
    bench b = bench_begin("linalg", argc, argv);
    for (int i = 0; i < 3; i++) {
        AD_SCOPE;
        char of[40];
        snprintf(of, sizeof of, "n = %lld", (long long)sizes[i]);
        compare(&b, of, ad_sub(bench_uniform(AD_SHAPE(sizes[i], sizes[i]), 1), 0.5));
    }
    for (int64_t n = 2; n <= 4; n++) {
        AD_SCOPE;
        char of[40];
        snprintf(of, sizeof of, "10000 of n = %lld", (long long)n);
        compare(&b, of, ad_sub(bench_uniform(AD_SHAPE(10000, n, n), 1), 0.5));
    }
    return bench_end(&b);
}
