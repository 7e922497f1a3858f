/* Linear systems, determinants and decompositions: what they are, by their definitions and by NumPy's and SciPy's
 * figures; their derivatives; bad input. */
#include "testing.h"

/* A function of real or complex results that depends on every part of every element. */
static ad_array *wave(ad_array *x)
{
    bool complex = x && ad_dtype_of(x) == AD_C128;
    return ad_sum(ad_sin(complex ? ad_add(ad_real(x), ad_mul(0.7, ad_imag(x))) : x));
}

static ad_array *adjoint(ad_array *x)
{
    return ad_matrix_transpose(ad_conj(x));
}

/* Positive definite. */
static ad_array *definite(ad_array *x)
{
    return ad_add(ad_matmul(x, adjoint(x)), ad_astype(ad_mul(2, ad_eye(ad_dim(x, -1))), ad_dtype_of(x)));
}

static ad_array *part(ad_tree *t, const char *name)
{
    return ad_tree_get(t, name);
}

static ad_array *projector(ad_array *columns)
{
    return ad_matmul(columns, adjoint(columns));
}

#define WAVE_OF(name, expression)    OF_X(name, wave(expression))
#define WAVE_OF_AB(name, expression) OF_AB(name, wave(expression))

WAVE_OF(inverse, ad_linalg_inv(x))
WAVE_OF(determinant, ad_linalg_det(x))
WAVE_OF(log_determinant, part(ad_linalg_slogdet(x), "logabsdet"))
WAVE_OF(sign, part(ad_linalg_slogdet(x), "sign"))
WAVE_OF(cholesky, ad_linalg_cholesky(definite(x)))
WAVE_OF(upper_cholesky, ad_linalg_cholesky(definite(x), .upper = true))
WAVE_OF(eigenvalues, ad_linalg_eigvalsh(definite(x)))
WAVE_OF(eigenvalues_of_lower, ad_linalg_eigvalsh(x, .UPLO = "L"))
WAVE_OF(eigenvalues_of_upper, ad_linalg_eigvalsh(x, .UPLO = "U"))
WAVE_OF(eigenvectors, ad_abs(part(ad_linalg_eigh(definite(x)), "eigenvectors")))
WAVE_OF(q, part(ad_linalg_qr(x), "Q"))
WAVE_OF(r, part(ad_linalg_qr(x), "R"))
WAVE_OF(completed_q, projector(ad_at(part(ad_linalg_qr(x, .mode = "complete"), "Q"), "..., %lld:", (long long)ad_dim(x, -1))))
WAVE_OF(completed_u, projector(ad_at(part(ad_linalg_svd(x), "U"), "..., 2:")))
WAVE_OF(completed_v, projector(adjoint(ad_at(part(ad_linalg_svd(x), "Vh"), "..., 2:, :"))))
WAVE_OF(pseudo_inverse, ad_linalg_pinv(x))
WAVE_OF(exponential, ad_linalg_expm(x))
WAVE_OF(fifth_power, ad_linalg_matrix_power(x, 5))
WAVE_OF(negative_power, ad_linalg_matrix_power(x, -3))
WAVE_OF(condition, ad_linalg_cond(x))
WAVE_OF(condition_of_columns, ad_linalg_cond(x, .p = 1))
WAVE_OF_AB(solution, ad_linalg_solve(a, b))
WAVE_OF_AB(positive_solution, ad_linalg_solve(definite(a), b, .assume_a = "pos"))
WAVE_OF_AB(hermitian_solution, ad_linalg_solve(definite(a), b, .assume_a = "her"))
WAVE_OF_AB(by_upper, ad_linalg_solve_triangular(a, b))
WAVE_OF_AB(by_transposed_lower, ad_linalg_solve_triangular(a, b, .lower = true, .trans = 1))
WAVE_OF_AB(by_adjoint_of_unit, ad_linalg_solve_triangular(a, b, .unit_diagonal = true, .trans = 2))
WAVE_OF_AB(by_factor, ad_linalg_cho_solve(ad_linalg_cholesky(definite(a)), b, .lower = true))
WAVE_OF_AB(least_squares, part(ad_linalg_lstsq(a, b), "x"))
WAVE_OF_AB(residuals, part(ad_linalg_lstsq(a, b), "residuals"))

static ad_array *random_of(bool complex, int64_t stream, ad_shape shape)
{
    ad_key key = ad_random_fold_in(ad_random_key(11), (uint64_t)stream);
    ad_array *x = ad_random_normal(key, shape);
    return complex ? ad_add(x, ad_mul(ad_weak_complex(1.0i), ad_random_normal(ad_random_fold_in(key, 1), shape))) : x;
}

#define assert_checks(f, ...) ck_assert_msg(ad_check_grads(f, __VA_ARGS__), "%s: %s", #f, ad_error_message())

START_TEST(derivatives_of_one_matrix_agree_with_differences)
{
    for (int complex = 0; complex < 2; complex++) {
        AD_SCOPE;
        ad_array *a = random_of(complex, 1, AD_SHAPE(3, 3)), *stack = random_of(complex, 2, AD_SHAPE(2, 1, 3, 3));
        ad_array *tall = random_of(complex, 3, AD_SHAPE(4, 2)), *wide = random_of(complex, 4, AD_SHAPE(2, 4));
        ad_array *(*const square[])(ad_array *) = {
            inverse,      determinant, log_determinant, sign,           cholesky,  upper_cholesky,      eigenvalues, eigenvalues_of_lower, eigenvalues_of_upper,
            eigenvectors, exponential, fifth_power,     negative_power, condition, condition_of_columns
        };
        ad_array *(*const any[])(ad_array *) = { q, r, pseudo_inverse };
        for (size_t i = 0; i < sizeof square / sizeof *square; i++) {
            ck_assert_msg(ad_check_grads(square[i], a), "square function %zu: %s", i, ad_error_message());
            ck_assert_msg(ad_check_grads(square[i], stack, .order = 1), "square function %zu of a stack: %s", i, ad_error_message());
        }
        for (size_t i = 0; i < sizeof any / sizeof *any; i++) {
            ck_assert_msg(ad_check_grads(any[i], tall), "function %zu of a tall matrix: %s", i, ad_error_message());
            ck_assert_msg(ad_check_grads(any[i], wide), "function %zu of a wide matrix: %s", i, ad_error_message());
        }
        assert_checks(completed_q, tall);
        assert_checks(completed_u, tall);
        assert_checks(completed_v, wide);
    }
}
END_TEST

START_TEST(derivatives_of_two_operands_agree_with_differences)
{
    for (int complex = 0; complex < 2; complex++) {
        AD_SCOPE;
        ad_array *a = random_of(complex, 1, AD_SHAPE(3, 3)), *b = random_of(complex, 2, AD_SHAPE(3, 2)), *vector = random_of(complex, 3, AD_SHAPE(3));
        ad_array *stack = random_of(complex, 4, AD_SHAPE(2, 1, 3, 3)), *columns = random_of(complex, 5, AD_SHAPE(2, 3, 2));
        ad_array *(*const all[])(ad_array *, ad_array *) = { solution,           positive_solution, hermitian_solution, by_upper, by_transposed_lower,
                                                             by_adjoint_of_unit, by_factor };
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
            ck_assert_msg(ad_check_grads(all[i], a, b), "function %zu: %s", i, ad_error_message());
            ck_assert_msg(ad_check_grads(all[i], a, vector, .order = 1), "function %zu of a vector: %s", i, ad_error_message());
            ck_assert_msg(ad_check_grads(all[i], stack, columns, .order = 1), "function %zu of stacks: %s", i, ad_error_message());
        }
        assert_checks(least_squares, random_of(complex, 6, AD_SHAPE(4, 2)), random_of(complex, 7, AD_SHAPE(4, 3)));
        assert_checks(residuals, random_of(complex, 6, AD_SHAPE(4, 2)), random_of(complex, 7, AD_SHAPE(4, 3)));
        ad_array *large = random_of(complex, 8, AD_SHAPE(12, 12)); /* not by the loops for small matrices */
        assert_checks(solution, large, random_of(complex, 9, AD_SHAPE(12, 2)));
        assert_checks(inverse, large);
    }
}
END_TEST

/* All of them, of one stack; `tolerance` for its dtype. */
static void assert_definitions(ad_array *a, double tolerance)
{
    ad_dtype dtype = ad_dtype_of(a);
    int64_t n = ad_dim(a, -1);
    ad_array *one = ad_broadcast_to(ad_eye(n, .dtype = dtype), ad_shape_of(a)), *h = definite(a), *l = ad_linalg_cholesky(h);
    assert_arrays_near(ad_matmul(a, ad_linalg_inv(a)), one, 100 * tolerance);
    assert_arrays_near(ad_matmul(l, adjoint(l)), h, tolerance);
    assert_arrays_near(ad_tril(l), l, 0);
    ad_tree *eigen = ad_linalg_eigh(h), *factors = ad_linalg_qr(a), *usv = ad_linalg_svd(a);
    ad_array *v = part(eigen, "eigenvectors"), *w = part(eigen, "eigenvalues");
    ck_assert_int_eq(ad_dtype_of(w), dtype == AD_C128 ? AD_F64 : dtype == AD_C64 ? AD_F32 : dtype);
    assert_arrays_near(ad_matmul(ad_mul(v, ad_expand_dims(w, -2)), adjoint(v)), h, tolerance);
    assert_arrays_near(ad_matmul(adjoint(v), v), one, tolerance);
    ck_assert(n < 2 || !ad_size(w) || ad_item(ad_all(ad_greater_equal(ad_at(w, "..., 1:"), ad_at(w, "..., :-1")))) != 0);
    ad_array *q_of = part(factors, "Q");
    assert_arrays_near(ad_matmul(q_of, part(factors, "R")), a, tolerance);
    assert_arrays_near(ad_matmul(adjoint(q_of), q_of), one, tolerance);
    assert_arrays_near(ad_triu(part(factors, "R")), part(factors, "R"), 0);
    assert_arrays_near(ad_matmul(ad_mul(part(usv, "U"), ad_expand_dims(part(usv, "S"), -2)), part(usv, "Vh")), a, tolerance);
    ad_tree *logarithm = ad_linalg_slogdet(a);
    assert_arrays_near(ad_mul(part(logarithm, "sign"), ad_exp(part(logarithm, "logabsdet"))), ad_linalg_det(a), 10 * tolerance);
    assert_arrays_near(ad_linalg_pinv(a), ad_linalg_inv(a), 1000 * tolerance);
    assert_arrays_near(ad_matmul(ad_linalg_expm(a), ad_linalg_expm(ad_neg(a))), one, 10000 * tolerance);
    ck_assert_int_eq(ad_dtype_of(ad_linalg_det(a)), dtype);
}

START_TEST(results_are_what_their_names_say_for_every_dtype_and_size)
{
    const ad_dtype dtypes[] = { AD_F64, AD_F32, AD_C128, AD_C64 };
    const int64_t sizes[] = { 1, 2, 3, 8, 9, 30 };
    for (int d = 0; d < 4; d++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            AD_SCOPE;
            int64_t n = sizes[i];
            ad_array *shift = ad_mul(3, ad_eye(n));
            ad_array *a = ad_astype(ad_add(ad_div(random_of(d > 1, 20 + n, AD_SHAPE(2, 3, n, n)), sqrt((double)n)), shift), dtypes[d]);
            assert_definitions(a, dtypes[d] == AD_F64 || dtypes[d] == AD_C128 ? 1e-13 : 1e-4);
            assert_definitions(ad_matrix_transpose(a), dtypes[d] == AD_F64 || dtypes[d] == AD_C128 ? 1e-13 : 1e-4);
            ck_assert_msg(!ad_failed(), "%s", ad_error_message());
        }
}
END_TEST

/* Made with NumPy 2.4 and SciPy: np.linalg.det, slogdet, pinv, lstsq, matrix_power, scipy.linalg.expm of [[1, 2], [3,
 * 4], [5, 7]] and its first two rows. */
START_TEST(figures_are_those_of_numpy_and_scipy)
{
    AD_SCOPE;
    ad_array *a = ad_from((double[]){ 1, 2, 3, 4 }, AD_SHAPE(2, 2)), *t = ad_from((double[]){ 1, 2, 3, 4, 5, 7 }, AD_SHAPE(3, 2));
    assert_close(ad_item(ad_linalg_det(a)), -2, 1e-14);
    assert_close(ad_item(part(ad_linalg_slogdet(a), "sign")), -1, 0);
    assert_close(ad_item(part(ad_linalg_slogdet(a), "logabsdet")), 0.6931471805599455, 1e-14);
    assert_array(ad_linalg_pinv(t), AD_SHAPE(2, 3), 1e-13, -2.0714285714285703, 0.7857142857142865, 0.14285714285714235, 1.4999999999999991, -0.5, 0);
    ad_tree *fit = ad_linalg_lstsq(t, VECTOR(1, 2, 2));
    assert_array(part(fit, "x"), AD_SHAPE(2), 1e-13, -0.21428571428571428, 0.5);
    assert_array(part(fit, "residuals"), AD_SHAPE(1), 1e-13, 0.6428571428571429);
    ck_assert_int_eq(ad_item_int(part(fit, "rank")), 2);
    assert_array(ad_linalg_expm(a), AD_SHAPE(2, 2), 1e-13, 51.968956198705, 74.73656456700328, 112.10484685050491, 164.07380304920991);
    assert_array(ad_linalg_matrix_power(ad_astype(a, AD_I64), 3), AD_SHAPE(2, 2), 0, 37, 54, 81, 118);
    ck_assert_int_eq(ad_dtype_of(ad_linalg_matrix_power(ad_astype(a, AD_I64), 3)), AD_I64);
    assert_array(ad_linalg_matrix_power(a, -2), AD_SHAPE(2, 2), 1e-13, 5.5, -2.5, -3.75, 1.75);
    assert_array(ad_linalg_matrix_power(a, 0), AD_SHAPE(2, 2), 0, 1, 0, 0, 1);
    assert_close(ad_item(ad_linalg_cond(a)), 14.933034373659268, 1e-13);
    assert_close(ad_item(ad_linalg_cond(a, .p = 1)), 21, 1e-13);
    ck_assert_int_eq(ad_item_int(ad_linalg_matrix_rank(ad_ones(AD_SHAPE(4, 3)))), 1);
    ck_assert_int_eq(ad_item_int(ad_linalg_matrix_rank(VECTOR(0, 2))), 1);
    ck_assert_int_eq(ad_item_int(ad_linalg_matrix_rank(ad_scalar(0))), 0);
    assert_array(ad_linalg_eigvalsh(a), AD_SHAPE(2), 1e-14, -0.8541019662496846, 5.854101966249685);
    assert_array(ad_linalg_eigvalsh(a, .UPLO = "U"), AD_SHAPE(2), 1e-14, 0, 5);
    ad_array *tensor = ad_reshape(ad_eye(24), AD_SHAPE(4, 6, 8, 3));
    assert_arrays_near(ad_linalg_tensorsolve(tensor, ad_reshape(ad_arange(24), AD_SHAPE(4, 6))), ad_reshape(ad_astype(ad_arange(24), AD_F64), AD_SHAPE(8, 3)), 1e-14);
    ck_assert(ad_shape_equal(ad_shape_of(ad_linalg_tensorinv(tensor)), AD_SHAPE(8, 3, 4, 6)));
}
END_TEST

START_TEST(empty_stacks_and_matrices_are_legal)
{
    AD_SCOPE;
    ad_array *none = ad_zeros(AD_SHAPE(0, 3, 3)), *zero = ad_zeros(AD_SHAPE(2, 0, 0));
    ck_assert(ad_shape_equal(ad_shape_of(ad_linalg_inv(none)), AD_SHAPE(0, 3, 3)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_linalg_det(none)), AD_SHAPE(0)));
    assert_array(ad_linalg_det(zero), AD_SHAPE(2), 0, 1, 1);
    ck_assert(ad_shape_equal(ad_shape_of(ad_linalg_solve(none, ad_zeros(AD_SHAPE(3, 4)))), AD_SHAPE(0, 3, 4)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_linalg_solve(ad_eye(3), ad_zeros(AD_SHAPE(3, 0)))), AD_SHAPE(3, 0)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_linalg_cholesky(zero)), AD_SHAPE(2, 0, 0)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_linalg_eigvalsh(zero)), AD_SHAPE(2, 0)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_grad(eigenvectors)(zero)), AD_SHAPE(2, 0, 0)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_linalg_pinv(ad_zeros(AD_SHAPE(0, 3)))), AD_SHAPE(3, 0)));
    ck_assert(ad_shape_equal(ad_shape_of(part(ad_linalg_qr(ad_zeros(AD_SHAPE(3, 0)), .mode = "complete"), "Q")), AD_SHAPE(3, 3)));
    ck_assert_msg(!ad_failed(), "%s", ad_error_message());
}
END_TEST

START_TEST(bad_matrices_are_named)
{
    AD_SCOPE;
    ad_array *singular = ad_stack(ad_list_of(ad_eye(2), ad_ones(AD_SHAPE(2, 2)))), *indefinite = ad_from((double[]){ 1, 2, 2, 1 }, AD_SHAPE(2, 2));
    assert_fails(ad_linalg_inv(singular), AD_ERROR_NUMERIC, "ad_linalg_inv: matrix 1 is singular: pivot 1 is 0");
    assert_fails(ad_linalg_solve(singular, ad_ones(AD_SHAPE(2))), AD_ERROR_NUMERIC, "ad_linalg_solve: matrix 1 is singular: pivot 1 is 0");
    assert_fails(ad_linalg_solve(indefinite, ad_ones(AD_SHAPE(2)), .assume_a = "pos"), AD_ERROR_NUMERIC, "leading minor of order 2 is not positive");
    assert_fails(ad_linalg_cholesky(indefinite), AD_ERROR_NUMERIC,
                 "ad_linalg_cholesky: matrix 0 is not positive definite: its leading minor of order 2 is not positive");
    assert_fails(ad_linalg_cholesky(ad_full(AD_SHAPE(2, 2), NAN)), AD_ERROR_NUMERIC, "not positive definite");
    assert_fails(ad_linalg_eigh(ad_full(AD_SHAPE(2, 2), NAN)), AD_ERROR_NUMERIC, "ad_linalg_eigh: a NaN or an infinity");
    assert_fails(ad_linalg_solve_triangular(ad_diag(VECTOR(1, 0, 2)), ad_ones(AD_SHAPE(3))), AD_ERROR_NUMERIC,
                 "matrix 0 is singular: element 1 of its diagonal is 0");
    assert_fails(ad_linalg_det(ad_ones(AD_SHAPE(2, 3))), AD_ERROR_SHAPE, "ad_linalg_det: an operand of shape (2,3); the matrices should be square");
    assert_fails(ad_linalg_inv(ad_ones(AD_SHAPE(3))), AD_ERROR_SHAPE, "ad_linalg_inv: a matrix has two axes");
    assert_fails(ad_linalg_solve(ad_eye(3), ad_ones(AD_SHAPE(2))), AD_ERROR_SHAPE, "do not align (3 != 2)");
    assert_fails(ad_linalg_solve(ad_eye(3), ad_ones(AD_SHAPE(3)), .assume_a = "sym"), AD_ERROR_VALUE, "\"sym\"");
    assert_fails(ad_linalg_eigh(ad_eye(3), .UPLO = "l"), AD_ERROR_VALUE, ".UPLO is \"l\"");
    assert_fails(ad_linalg_qr(ad_eye(3), .mode = "full"), AD_ERROR_VALUE, "\"full\"");
    assert_fails(ad_grad(q)(ad_ones(AD_SHAPE(3, 2))), AD_ERROR_NUMERIC, "ad_linalg_qr: a matrix whose columns are not independent");
    assert_fails(ad_linalg_matrix_power(ad_zeros(AD_SHAPE(2, 2)), -1), AD_ERROR_NUMERIC, "singular");
    assert_fails(ad_linalg_tensorinv(ad_ones(AD_SHAPE(2, 3))), AD_ERROR_SHAPE, "ad_linalg_tensorinv");
}
END_TEST

/* ---- at the awkward points ---- */

OF_X(det_alone, ad_linalg_det(x))
OF_X(log_alone, part(ad_linalg_slogdet(x), "logabsdet"))

START_TEST(a_determinant_has_two_derivatives_at_singular_matrices)
{
    AD_SCOPE;
    ad_array *rank_two = ad_from((double[]){ 1, 2, 3, 2, 4, 6, 1, 1, 1 }, AD_SHAPE(3, 3)), *zero = ad_zeros(AD_SHAPE(2, 2));
    assert_array(ad_grad(det_alone)(rank_two), AD_SHAPE(3, 3), 1e-13, -2, 4, -2, 1, -2, 1, 0, 0, 0);
    assert_array(ad_hessian(det_alone)(zero), AD_SHAPE(2, 2, 2, 2), 1e-15, 0, 0, 0, 1, 0, 0, -1, 0, 0, -1, 0, 0, 1, 0, 0, 0);
    ck_assert_msg(ad_check_grads(determinant, rank_two), "%s", ad_error_message());
    ck_assert_msg(ad_check_grads(determinant, ad_zeros(AD_SHAPE(3, 3))), "%s", ad_error_message());
    ad_tree *logarithm = ad_linalg_slogdet(rank_two);
    assert_close(ad_item(part(logarithm, "sign")), 0, 0);
    assert_close(ad_item(part(logarithm, "logabsdet")), -INFINITY, 0);
    ck_assert(isinf(ad_item(ad_at(ad_grad(log_alone)(rank_two), "0, 0"))));
}
END_TEST

OF_X(sum_of_exponentials, ad_sum(ad_exp(ad_linalg_eigvalsh(x))))
OF_X(trace_of_exponential, ad_trace(ad_linalg_expm(x)))

START_TEST(equal_eigenvalues_leave_everything_finite)
{
    AD_SCOPE;
    ad_array *one = ad_eye(3);
    assert_array(ad_grad(sum_of_exponentials)(one), AD_SHAPE(3, 3), 1e-14, M_E, 0, 0, 0, M_E, 0, 0, 0, M_E);
    assert_array(ad_grad(trace_of_exponential)(one), AD_SHAPE(3, 3), 1e-14, M_E, 0, 0, 0, M_E, 0, 0, 0, M_E);
    ad_array *vectors = ad_grad(eigenvectors)(one);
    ck_assert(vectors && ad_item(ad_all(ad_isfinite(vectors))) != 0);
    ck_assert_msg(ad_check_grads(exponential, one, .order = 3), "%s", ad_error_message());
}
END_TEST

START_TEST(gradients_on_hermitian_matrices_are_hermitian_and_those_of_a_triangle_are_not)
{
    AD_SCOPE;
    ad_array *a = definite(random_of(false, 30, AD_SHAPE(3, 3)));
    ad_array *(*const hermitian[])(ad_array *) = { sum_of_exponentials };
    for (int i = 0; i < 1; i++) {
        ad_array *g = ad_grad(hermitian[i])(a);
        assert_arrays_near(g, adjoint(g), 0);
    }
    ad_array *lower = ad_grad(eigenvalues_of_lower)(a);
    assert_arrays_near(ad_triu(lower, .k = 1), ad_zeros(AD_SHAPE(3, 3)), 0);
    ck_assert(ad_item(ad_any(ad_tril(lower, .k = -1))) != 0);
}
END_TEST

/* ---- cost ---- */

static bool count_factors(const ad_call_event *event, void *context)
{
    *(int *)context += strcmp(event->operation->name, "ad_linalg_lu_factors") == 0;
    return true;
}

START_TEST(a_system_is_factorized_once_for_the_value_and_all_its_derivatives)
{
    AD_SCOPE;
    int count = 0;
    ad_array *a = random_of(false, 1, AD_SHAPE(5, 5)), *b = random_of(false, 2, AD_SHAPE(5, 2));
    ad_on_call(count_factors, &count);
    ck_assert(ad_grad(solution)(a, b));
    ck_assert_int_eq(count, 1);
    count = 0;
    ck_assert(ad_hvp(solution)(a, b, a));
    ck_assert_int_eq(count, 1);
    ad_on_call(NULL, NULL);
}
END_TEST

static ad_array *memory_is_needed(ad_array *x)
{
    ad_array *h = definite(x);
    return ad_add(ad_add(ad_grad(solution)(x, x), ad_grad(cholesky)(x)), ad_add(ad_linalg_inv(h), ad_grad(eigenvectors)(x)));
}

START_TEST(memory_may_run_out_anywhere)
{
    AD_SCOPE;
    assert_every_allocation_may_fail(memory_is_needed, random_of(false, 1, AD_SHAPE(2, 2)));
}
END_TEST

START_TEST(checkpoints_and_pullbacks_take_them)
{
    AD_SCOPE;
    ad_array *a = random_of(false, 1, AD_SHAPE(3, 3)), *b = random_of(false, 2, AD_SHAPE(3, 2));
    assert_arrays_near(ad_grad(ad_checkpoint(solution))(a, b), ad_grad(solution)(a, b), 0);
    ad_pullback *pull;
    ck_assert(ad_vjp(solution, a, b, &pull));
    assert_arrays_near(ad_vjp_apply(pull, ad_scalar(1)), ad_grad(solution)(a, b), 0);
    ad_vjp_free(pull);
}
END_TEST

RUN_TESTS("linalg_factors", derivatives_of_one_matrix_agree_with_differences, derivatives_of_two_operands_agree_with_differences,
          results_are_what_their_names_say_for_every_dtype_and_size, figures_are_those_of_numpy_and_scipy, empty_stacks_and_matrices_are_legal,
          bad_matrices_are_named, a_determinant_has_two_derivatives_at_singular_matrices, equal_eigenvalues_leave_everything_finite,
          gradients_on_hermitian_matrices_are_hermitian_and_those_of_a_triangle_are_not, a_system_is_factorized_once_for_the_value_and_all_its_derivatives,
          memory_may_run_out_anywhere, checkpoints_and_pullbacks_take_them)
