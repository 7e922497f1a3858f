/* How exact decompositions are, in rounding units beside the size of the matrix: of thousands of matrices of the kinds
 * that are hard, of the sizes that have kernels of their own and of some beyond; and that very large and very small
 * matrices are decomposed as those of size 1 are. */
#include "testing.h"

enum { COUNT = 500 };

/* ---- kinds of matrices ---- */

typedef enum kind { RANDOM, GRADED, GRADED_COLUMNS, NEARLY_EQUAL, OF_LOW_RANK, SPARSE, WHOLE_NUMBERS, KINDS } kind;
static const char *const kind_names[] = { "random", "graded", "graded columns", "nearly equal", "of low rank", "sparse", "whole numbers" };

static ad_array *noise(ad_shape shape, bool complex, uint64_t seed)
{
    ad_key key = ad_random_key(seed);
    ad_array *x = ad_random_uniform(key, shape, .low = -1, .high = 1);
    return complex ? ad_add(x, ad_mul(ad_random_uniform(ad_random_key(seed + 1000), shape, .low = -1, .high = 1), ad_weak_complex(1.0i))) : x;
}

static ad_array *matrices(kind k, bool complex, int64_t m, int64_t n, uint64_t seed)
{
    ad_shape shape = AD_SHAPE(COUNT, m, n);
    ad_array *x = noise(shape, complex, seed), *powers = ad_random_uniform(ad_random_key(seed + 1), AD_SHAPE(COUNT, 1, 1), .low = 0, .high = 8);
    ad_array *rows = ad_expand_dims(ad_arange(m), -1), *columns = ad_arange(n);
    switch (k) {
    case GRADED: return ad_mul(x, ad_pow(10, ad_neg(ad_mul(powers, ad_maximum(rows, columns)))));
    case GRADED_COLUMNS: return ad_mul(x, ad_pow(10, ad_neg(ad_mul(powers, columns))));
    case NEARLY_EQUAL: return ad_add(ad_eye(m, .M = n), ad_mul(x, ad_pow(10, ad_mul(-2, powers))));
    case OF_LOW_RANK: return ad_matmul(noise(AD_SHAPE(COUNT, m, 1), complex, seed + 2), noise(AD_SHAPE(COUNT, 1, n), complex, seed + 3));
    case SPARSE: return ad_where(ad_greater(noise(shape, false, seed + 4), 0.3), x, 0);
    case WHOLE_NUMBERS: return ad_astype(ad_astype(ad_mul(2.5, noise(shape, false, seed + 5)), AD_I64), ad_dtype_of(x));
    default: return x;
    }
}

static ad_array *adjoint(ad_array *x)
{
    return ad_matrix_transpose(ad_conj(x));
}

static ad_array *hermitian(ad_array *x)
{
    return ad_mul(0.5, ad_add(x, adjoint(x)));
}

/* ---- what is measured ---- */

static void assert_near(ad_array *actual, ad_array *expected, double tolerance)
{
    ck_assert_msg(actual && expected, "%s", ad_error_message());
    ck_assert(ad_shape_equal(ad_shape_of(actual), ad_shape_of(expected)));
    ad_array *away = ad_max(ad_abs(ad_sub(actual, expected)));
    ck_assert_msg(ad_item(away) <= tolerance, "off by %g", ad_item(away));
}

static double most(ad_array *x)
{
    ad_array *y = ad_max(ad_abs(x));
    ck_assert_msg(y != NULL, "%s", ad_error_message());
    return ad_item(y);
}

static ad_array *size_of(ad_array *x)
{
    return ad_linalg_norm(x, .axes = AD_AXES(-2, -1), .ord = AD_NORM_FRO, .keepdims = true);
}

/* A tridiagonal matrix that it has to all digits, for which LAPACK's sterf has three of single precision. */
START_TEST(eigenvalues_alone_have_the_digits_of_those_with_vectors)
{
    AD_SCOPE;
    ad_array *row = ad_from((const double[]){ 0, 0, 0.12940484, 0.17856795, 0.44321877 }, AD_SHAPE(5));
    ad_array *turned = ad_from((const double[]){ 0, 0, 0.29142773, 0.22123991, 0.24473317 }, AD_SHAPE(5));
    ad_array *first = ad_mul(ad_sub(row, ad_mul(turned, ad_weak_complex(1.0i))), ad_equal(ad_expand_dims(ad_arange(5), -1), 0));
    ad_array *x = ad_astype(ad_add(first, adjoint(first)), AD_C64);
    assert_near(ad_linalg_eigvalsh(x), ad_tree_get(ad_linalg_eigh(x), "eigenvalues"), 1e-6);
    for (int64_t n = 5; n <= 80; n += 25) {
        ad_array *y = hermitian(noise(AD_SHAPE(n, n), false, 7));
        assert_near(ad_linalg_eigvalsh(y), ad_tree_get(ad_linalg_eigh(y), "eigenvalues"), 1e-13);
    }
}
END_TEST

/* The largest element of the difference in units of eps times the size of x, over all matrices. */
static double units(ad_array *difference, ad_array *x, double eps)
{
    return most(ad_div(ad_abs(difference), ad_maximum(size_of(x), 1e-300))) / eps;
}

/* Of the columns. */
static double units_from_orthonormal(ad_array *q, double eps)
{
    ad_array *product = ad_matmul(adjoint(q), q);
    return most(ad_sub(product, ad_eye(ad_dim(product, -1)))) / eps;
}

static bool ascends(ad_array *w)
{
    return ad_item(ad_all(ad_greater_equal(ad_at(w, "..., 1:"), ad_at(w, "..., :-1")))) != 0;
}

typedef struct situation {
    kind kind;
    bool complex, single;
    int64_t m, n;
} situation;

#define WITHIN(what, figure, bound)                                                                                    \
    do {                                                                                                               \
        double figure_ = figure;                                                                                       \
        ck_assert_msg(figure_ <= (bound), "%s of %s matrices (%lld,%lld)%s%s: %g units, should be %g", what, kind_names[s.kind], (long long)s.m,   \
                      (long long)s.n, s.complex ? ", complex" : "", s.single ? ", single" : "", figure_, (double)(bound));                         \
    } while (0)

/* Up to 4 rows and columns the kernels are this library's, beyond they are LAPACK's. */
static double bound_of(situation s)
{
    return s.m <= 4 && s.n <= 4 ? 13 : 64;
}

static ad_array *operand_of(situation s)
{
    ad_array *x = matrices(s.kind, s.complex, s.m, s.n, 17 * (uint64_t)s.m + 5 * (uint64_t)s.n + 100 * s.kind);
    return s.single ? ad_astype(x, s.complex ? AD_C64 : AD_F32) : x;
}

static void each_situation(void (*check)(situation s, double eps), int64_t most_rows, bool square)
{
    for (int k = 0; k < KINDS; k++)
        for (int which = 0; which < 4; which++)
            for (int64_t m = 1; m <= most_rows; m++)
                for (int64_t n = square ? m : 1; n <= (square ? m : most_rows); n++) {
                    AD_SCOPE;
                    check((situation){ (kind)k, which & 1, which >> 1, m, n }, which >> 1 ? 1.1920929e-7 : 2.220446049250313e-16);
                }
}

static ad_array *wide(ad_array *x)
{
    return ad_astype(x, ad_dtype_of(x) == AD_C64 || ad_dtype_of(x) == AD_C128 ? AD_C128 : AD_F64);
}

static void check_eigh(situation s, double eps)
{
    ad_array *x = hermitian(operand_of(s));
    ad_tree *t = ad_linalg_eigh(x);
    ck_assert_msg(t != NULL, "%s", ad_error_message());
    ad_array *w = ad_tree_get(t, "eigenvalues"), *v = wide(ad_tree_get(t, "eigenvectors")), *values = ad_linalg_eigvalsh(x);
    x = wide(x);
    ad_array *product = ad_matmul(x, v), *scaled = ad_mul(v, ad_expand_dims(wide(w), -2));
    double bound = bound_of(s);
    WITHIN("eigenvectors", units_from_orthonormal(v, eps), bound);
    WITHIN("the decomposition", units(ad_sub(product, scaled), x, eps), bound);
    WITHIN("values alone", units(ad_expand_dims(ad_sub(wide(values), wide(w)), -1), x, eps), bound);
    ck_assert_msg(ascends(w) && ascends(values), "%s", kind_names[s.kind]);
}

START_TEST(eigenvalues_of_hermitian_matrices_are_exact_to_rounding)
{
    each_situation(check_eigh, 6, true);
}
END_TEST

static void check_svd(situation s, double eps)
{
    ad_array *x = operand_of(s), *values = ad_linalg_svdvals(x);
    ad_tree *t = ad_linalg_svd(x, .full_matrices = false);
    ck_assert_msg(t != NULL, "%s", ad_error_message());
    ad_array *u = wide(ad_tree_get(t, "U")), *d = ad_tree_get(t, "S"), *vh = wide(ad_tree_get(t, "Vh"));
    x = wide(x);
    double bound = bound_of(s);
    WITHIN("U", units_from_orthonormal(u, eps), bound);
    WITHIN("V", units_from_orthonormal(adjoint(vh), eps), bound);
    WITHIN("the decomposition", units(ad_sub(ad_matmul(ad_mul(u, ad_expand_dims(wide(d), -2)), vh), x), x, eps), bound);
    WITHIN("values alone", units(ad_expand_dims(ad_sub(wide(values), wide(d)), -1), x, eps), bound);
    ck_assert_msg(ascends(ad_neg(d)) && ad_item(ad_all(ad_greater_equal(d, 0))) != 0, "%s", kind_names[s.kind]);
}

START_TEST(singular_values_are_exact_to_rounding)
{
    each_situation(check_svd, 5, false);
}
END_TEST

static void check_qr(situation s, double eps)
{
    ad_array *x = operand_of(s), *a = wide(x);
    double bound = bound_of(s);
    for (int complete = 0; complete < 2; complete++) {
        ad_tree *t = ad_linalg_qr(x, .mode = complete ? "complete" : "reduced");
        ck_assert_msg(t != NULL, "%s", ad_error_message());
        ad_array *q = wide(ad_tree_get(t, "Q")), *r = wide(ad_tree_get(t, "R"));
        WITHIN("Q", units_from_orthonormal(q, eps), bound);
        WITHIN("the decomposition", units(ad_sub(ad_matmul(q, r), a), a, eps), bound);
        ck_assert(ad_item(ad_all(ad_equal(ad_tril(r, .k = -1), 0))) != 0);
    }
}

START_TEST(orthogonal_factors_are_exact_to_rounding)
{
    each_situation(check_qr, 5, false);
}
END_TEST

/* The columns of V have the length 1, and those of a real matrix are real or pairs. Graded matrices are balanced, which
 * gives small eigenvalues their digits and takes some from the largest eigenvectors. */
static void check_eig(situation s, double eps)
{
    if (s.kind == GRADED || s.kind == GRADED_COLUMNS)
        return;
    ad_array *x = operand_of(s), *values = ad_linalg_eigvals(x);
    ad_tree *t = ad_linalg_eig(x);
    ck_assert_msg(t != NULL, "%s", ad_error_message());
    ad_array *w = ad_tree_get(t, "eigenvalues"), *v = wide(ad_tree_get(t, "eigenvectors"));
    ad_array *lengths = ad_linalg_norm(v, .axis = -2), *trace = ad_trace(wide(x), .axis1 = -2, .axis2 = -1);
    x = wide(x);
    WITHIN("lengths", most(ad_sub(lengths, 1)) / eps, 4);
    WITHIN("the decomposition", units(ad_sub(ad_matmul(x, v), ad_mul(v, ad_expand_dims(wide(w), -2))), x, eps), 400);
    WITHIN("the sum of values alone", units(ad_expand_dims(ad_expand_dims(ad_sub(ad_sum(wide(values), .axis = -1), trace), -1), -1), x, eps), 64);
    if (!s.complex) {
        ad_array *sums = ad_sum(ad_imag(w), .axis = -1);
        ck_assert_msg(most(sums) == 0, "%s", kind_names[s.kind]);
    }
}

START_TEST(eigenvalues_of_matrices_without_symmetry_are_exact_to_rounding)
{
    each_situation(check_eig, 9, true);
}
END_TEST

/* ---- edges of the range ---- */

static void assert_scales(ad_array *x, double factor, double tolerance)
{
    ad_array *scaled = ad_mul(x, factor), *h = hermitian(x), *scaled_h = ad_mul(h, factor);
    assert_near(ad_div(ad_linalg_eigvalsh(scaled_h), factor), ad_linalg_eigvalsh(h), tolerance);
    assert_near(ad_div(ad_linalg_svdvals(scaled), factor), ad_linalg_svdvals(x), tolerance);
    ad_tree *usv = ad_linalg_svd(scaled), *eigh = ad_linalg_eigh(scaled_h), *qr = ad_linalg_qr(scaled);
    ad_array *u = ad_tree_get(usv, "U"), *v = ad_tree_get(eigh, "eigenvectors"), *q = ad_tree_get(qr, "Q");
    ck_assert_double_le(units_from_orthonormal(u, 2.22e-16), 10);
    ck_assert_double_le(units_from_orthonormal(v, 2.22e-16), 10);
    ck_assert_double_le(units_from_orthonormal(q, 2.22e-16), 10);
    assert_near(ad_abs(ad_div(ad_tree_get(qr, "R"), factor)), ad_abs(ad_tree_get(ad_linalg_qr(x), "R")), tolerance);
}

/* A denormal number has fewer digits, so that the results of the smallest have. */
START_TEST(the_largest_and_the_smallest_numbers_are_decomposed)
{
    for (int64_t n = 1; n <= 5; n++)
        for (int complex = 0; complex < 2; complex++) {
            AD_SCOPE;
            ad_array *x = noise(AD_SHAPE(20, n, n), complex, (uint64_t)n);
            assert_scales(x, 0x1p1000, 1e-14);
            assert_scales(x, 0x1p-900, 1e-14);
            assert_scales(x, 0x1p-1000, 1e-5);
        }
}
END_TEST

START_TEST(matrices_of_zeros_and_of_one_number_have_their_decompositions)
{
    for (int64_t n = 1; n <= 5; n++)
        for (int k = 0; k < 3; k++) {
            AD_SCOPE;
            ad_array *x = k == 0 ? ad_zeros(AD_SHAPE(n, n)) : k == 1 ? ad_eye(n) : ad_ones(AD_SHAPE(n, n));
            ad_tree *usv = ad_linalg_svd(x), *eigh = ad_linalg_eigh(x);
            ad_array *u = ad_tree_get(usv, "U"), *s = ad_tree_get(usv, "S"), *vh = ad_tree_get(usv, "Vh");
            ck_assert_double_le(units_from_orthonormal(u, 2.22e-16), 4);
            ck_assert_double_le(units_from_orthonormal(vh, 2.22e-16), 4);
            assert_near(ad_matmul(ad_mul(u, s), vh), x, 1e-15);
            assert_near(ad_linalg_eigvalsh(x), ad_flip(s), 1e-15);
            ck_assert_double_le(units_from_orthonormal(ad_tree_get(eigh, "eigenvectors"), 2.22e-16), 4);
        }
}
END_TEST

/* Jacobi's method keeps the digits of small values of graded positive matrices: diag(d) B diag(d) with B well
 * conditioned. */
START_TEST(small_eigenvalues_of_graded_matrices_keep_their_digits)
{
    AD_SCOPE;
    ad_array *d = VECTOR(1, 1e-20), *b = ad_from((const double[]){ 2, 1, 1, 2 }, AD_SHAPE(2, 2));
    ad_array *w = ad_linalg_eigvalsh(ad_mul(ad_mul(b, d), ad_expand_dims(d, -1)));
    assert_close(ad_item(ad_at(w, "0")), 1.5e-40, 1e-55);
    assert_close(ad_item(ad_at(w, "1")), 2, 1e-15);
}
END_TEST

/* ---- the reverse rule of cholesky ---- */

static ad_array *definite(ad_array *x)
{
    return ad_add(ad_matmul(x, adjoint(x)), ad_astype(ad_mul((double)ad_dim(x, -1), ad_eye(ad_dim(x, -1))), ad_dtype_of(x)));
}

static ad_array *sum_of_factor(ad_array *a)
{
    ad_array *l = ad_linalg_cholesky(a);
    bool complex = l && ad_dtype_is_complex(ad_dtype_of(l));
    return ad_sum(ad_sin(complex ? ad_add(ad_real(l), ad_mul(0.7, ad_imag(l))) : l));
}

/* The forward rule, which is made of two triangular systems, says the same, for small matrices and for those that are
 * halved. */
START_TEST(the_reverse_rule_of_cholesky_is_the_transpose_of_the_forward_one)
{
    static const int64_t sizes[] = { 1, 3, 24, 25, 50, 131 };
    for (int i = 0; i < 6; i++)
        for (int complex = 0; complex < 2; complex++) {
            AD_SCOPE;
            ad_shape shape = AD_SHAPE(2, sizes[i], sizes[i]);
            ad_array *a = definite(noise(shape, complex, 3)), *t = hermitian(noise(shape, complex, 5)), *tangent;
            ck_assert(ad_jvp(sum_of_factor, a, t, &tangent));
            ad_array *g = ad_grad(sum_of_factor)(a), *along = ad_real(ad_sum(ad_mul(g, t)));
            assert_close(ad_item(along), ad_item(tangent), 1e-12 * (1 + fabs(ad_item(tangent))));
            assert_near(g, adjoint(ad_conj(ad_conj(g))), 1e-15);
        }
}
END_TEST

RUN_TESTS("linalg_accuracy", eigenvalues_alone_have_the_digits_of_those_with_vectors, eigenvalues_of_hermitian_matrices_are_exact_to_rounding, singular_values_are_exact_to_rounding,
          orthogonal_factors_are_exact_to_rounding, eigenvalues_of_matrices_without_symmetry_are_exact_to_rounding, the_largest_and_the_smallest_numbers_are_decomposed,
          matrices_of_zeros_and_of_one_number_have_their_decompositions, small_eigenvalues_of_graded_matrices_keep_their_digits,
          the_reverse_rule_of_cholesky_is_the_transpose_of_the_forward_one)
