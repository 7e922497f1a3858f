/* Linear algebra where numbers are not finite, or of very different sizes: what SciPy refuses is refused, what NumPy
 * hands on is handed on, and digits stay. */
#include "testing.h"
#include <math.h>

#define MATRIX(...) ad_from((double[]){ __VA_ARGS__ }, AD_SHAPE(3, 3))

static ad_array *with(ad_array *x, int64_t i, int64_t j, double number)
{
    return ad_at_set(x, ad_scalar(number), "%lld, %lld", (long long)i, (long long)j);
}

/* ---- NaN and infinity ---- */

START_TEST(what_scipy_checks_is_an_error_that_names_the_operand)
{
    AD_SCOPE;
    ad_array *a = MATRIX(4, 1, 0, 1, 3, 1, 0, 1, 5), *b = VECTOR(1, 2, 3), *pivots = ad_from_data(AD_I32, (int32_t[]){ 0, 1, 2 }, AD_SHAPE(3));
    for (int infinite = 0; infinite < 2; infinite++) {
        double number = infinite ? -INFINITY : NAN;
        ad_array *c = VECTOR(1, number, 3), *columns = ad_stack(ad_list_of(b, c), .axis = 1), *low = with(a, 2, 1, number), *high = with(a, 1, 2, number);
        ad_array *diagonal = with(a, 0, 0, number);
        assert_fails(ad_linalg_solve_triangular(a, c), AD_ERROR_NUMERIC, "ad_linalg_solve_triangular: a NaN or an infinity in b");
        assert_fails(ad_linalg_solve_triangular(a, columns, .trans = 2), AD_ERROR_NUMERIC, "in b");
        assert_fails(ad_linalg_solve_triangular(ad_astype(a, AD_C64), ad_mul(c, ad_weak_complex(1.0i))), AD_ERROR_NUMERIC, "in b");
        assert_fails(ad_linalg_solve_triangular(high, b), AD_ERROR_NUMERIC, "ad_linalg_solve_triangular: a NaN or an infinity in a");
        assert_fails(ad_linalg_solve_triangular(low, b, .lower = true), AD_ERROR_NUMERIC, "in a");
        assert_fails(ad_linalg_solve_triangular(diagonal, b), AD_ERROR_NUMERIC, "in a");
        assert_fails(ad_linalg_solve_banded(a, c, .l = 1, .u = 1), AD_ERROR_NUMERIC, "ad_linalg_solve_banded: a NaN or an infinity in b");
        assert_fails(ad_linalg_solve_banded(with(a, 1, 0, number), b, .l = 1, .u = 1), AD_ERROR_NUMERIC, "ad_linalg_solve_banded: a NaN or an infinity in matrix 0");
        assert_fails(ad_linalg_lu_solve(a, pivots, c), AD_ERROR_NUMERIC, "ad_linalg_lu_solve: a NaN or an infinity in b");
        assert_fails(ad_linalg_lu_factor(low), AD_ERROR_NUMERIC, "a NaN or an infinity");
        assert_fails(ad_linalg_cho_factor(diagonal), AD_ERROR_NUMERIC, "ad_linalg_cho_factor: a NaN or an infinity in a");
        assert_fails(ad_linalg_cho_factor(low, .lower = true), AD_ERROR_NUMERIC, "ad_linalg_cho_factor: a NaN or an infinity in a");
        assert_fails(ad_linalg_cho_solve(high, b), AD_ERROR_NUMERIC, "ad_linalg_cho_solve: a NaN or an infinity in factor");
        assert_fails(ad_linalg_cho_solve(a, c, .lower = true), AD_ERROR_NUMERIC, "ad_linalg_cho_solve: a NaN or an infinity in b");
        assert_fails(ad_linalg_solve(low, b, .assume_a = "her"), AD_ERROR_NUMERIC, "ad_linalg_solve: a NaN or an infinity in a");
        assert_fails(ad_linalg_solve(diagonal, b, .assume_a = "pos"), AD_ERROR_NUMERIC, "ad_linalg_solve: a NaN or an infinity in a");
        assert_fails(ad_linalg_solve(a, c, .assume_a = "pos"), AD_ERROR_NUMERIC, "ad_linalg_solve: a NaN or an infinity in b");
        assert_fails(ad_linalg_solve(a, ad_transpose(ad_stack(ad_list_of(c, b, b))), .assume_a = "her"), AD_ERROR_NUMERIC, "in b");
        assert_fails(ad_linalg_solve_sylvester(low, a, a), AD_ERROR_NUMERIC, "ad_linalg_solve_sylvester: a NaN or an infinity in");
        assert_fails(ad_linalg_sqrtm(low), AD_ERROR_NUMERIC, "ad_linalg_sqrtm: a NaN or an infinity in");
    }
}
END_TEST

START_TEST(what_is_not_read_may_be_anything)
{
    AD_SCOPE;
    ad_array *a = MATRIX(4, 1, 2, 1, 3, 1, 2, 1, 5), *b = VECTOR(1, 2, 3);
    ad_array *without_low = with(with(a, 2, 0, NAN), 1, 0, INFINITY), *without_high = ad_transpose(without_low);
    assert_arrays_near(ad_linalg_solve_triangular(without_low, b), ad_linalg_solve_triangular(a, b), 0);
    assert_arrays_near(ad_linalg_solve_triangular(with(without_low, 1, 1, NAN), b, .unit_diagonal = true), ad_linalg_solve_triangular(a, b, .unit_diagonal = true), 0);
    assert_arrays_near(ad_linalg_solve_triangular(without_high, b, .lower = true), ad_linalg_solve_triangular(a, b, .lower = true), 0);
    assert_arrays_near(ad_linalg_cho_solve(without_low, b), ad_linalg_cho_solve(a, b), 0);
    assert_arrays_near(ad_linalg_cho_factor(without_low), ad_linalg_cho_factor(a), 0);
    assert_arrays_near(ad_linalg_solve(without_high, b, .assume_a = "her"), ad_linalg_solve(a, b, .assume_a = "her"), 0);
    assert_arrays_near(ad_linalg_solve(without_high, b, .assume_a = "pos"), ad_linalg_solve(a, b, .assume_a = "pos"), 0);
}
END_TEST

OF_AB(upper_system, ad_linalg_solve_triangular(a, b))
OF_AB(lower_system, ad_linalg_solve_triangular(a, b, .lower = true, .trans = 1))
OF_AB(band_system, ad_linalg_solve_banded(a, b, .l = 1, .u = 1))
OF_AB(by_factor, ad_linalg_cho_solve(a, b))
OF_AB(positive_system, ad_linalg_solve(a, b, .assume_a = "pos"))
OF_AB(hermitian_system, ad_linalg_solve(a, b, .assume_a = "her"))
OF_AB(by_lu, ad_linalg_lu_solve(a, ad_from_data(AD_I32, (int32_t[]){ 0, 1, 2 }, AD_SHAPE(3)), b))
OF_AB(equation, ad_linalg_solve_sylvester(a, a, ad_mul(a, b)))
OF_AB(factor, ad_mul(ad_linalg_cho_factor(a), b))
OF_AB(root, ad_mul(ad_linalg_sqrtm(a), b))
OF_AB(triangle_of_qr, ad_mul(ad_tree_get(ad_linalg_qr(a), "R"), b))
OF_AB(both_of_lu, ad_mul(ad_tree_get(ad_linalg_lu_factor(a), "lu"), b))

/* A NaN in a cotangent or a tangent is a number like others: the rules call the same operations, and do not look at
 * it. */
START_TEST(rules_hand_nan_on)
{
    AD_SCOPE;
    ad_array *a = MATRIX(4, 1, 2, 1, 3, 1, 2, 1, 5), *b = VECTOR(1, 2, 3);
    ad_array *(*const functions[])(ad_array *, ad_array *) = { upper_system, lower_system, band_system, by_factor, positive_system, hermitian_system,
                                                               by_lu, equation, factor, root, triangle_of_qr, both_of_lu };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        ad_pullback *pull;
        ad_array *y = ad_vjp(functions[i], a, b, &pull), *slope, *nan = ad_full(ad_shape_of(y), NAN);
        ad_array *of_a = ad_vjp_apply(pull, nan);
        ck_assert_msg(of_a && ad_item(ad_any(ad_isnan(of_a))) != 0, "function %zu: %s", i, ad_error_message());
        ad_vjp_free(pull);
        ad_jvp(functions[i], a, b, ad_full(AD_SHAPE(3, 3), NAN), &slope);
        ck_assert_msg(slope && ad_item(ad_any(ad_isnan(slope))) != 0, "function %zu: %s", i, ad_error_message());
    }
}
END_TEST

OF_X(determinant, ad_linalg_det(x))

START_TEST(determinants_hand_nan_and_infinity_on_as_numpy_does)
{
    AD_SCOPE;
    ad_tree *t = ad_linalg_slogdet(MATRIX(INFINITY, 1, 0, 1, -3, 1, 0, 1, 5));
    assert_close(ad_item(ad_tree_get(t, "sign")), -1, 0);
    assert_close(ad_item(ad_tree_get(t, "logabsdet")), INFINITY, 0);
    ad_array *stack = ad_from((double[]){ 1, 2, 3, 4, NAN, 2, 3, 4, 1, 2, 2, 4 }, AD_SHAPE(3, 2, 2));
    assert_array(ad_elementwise_grad(determinant)(ad_at(stack, ":2")), AD_SHAPE(2, 2, 2), 1e-14, 4, -3, -2, 1, NAN, NAN, NAN, NAN);
    assert_array(ad_elementwise_grad(determinant)(stack), AD_SHAPE(3, 2, 2), 1e-14, 4, -3, -2, 1, NAN, NAN, NAN, NAN, 4, -2, -2, 1);
}
END_TEST

/* ---- dtypes ---- */

/* As the comment on the family says, also beside a float32: NumPy's promotion would be float32 for bools. */
START_TEST(whole_numbers_count_as_float64)
{
    AD_SCOPE;
    ad_array *a = ad_eye(2, .dtype = AD_F32), *b = ad_ones(AD_SHAPE(2), .dtype = AD_BOOL), *c = ad_eye(2, .dtype = AD_C64);
    ck_assert_int_eq(ad_dtype_of(ad_linalg_solve(a, b)), AD_F64);
    ck_assert_int_eq(ad_dtype_of(ad_linalg_solve(c, b)), AD_C128);
    ck_assert_int_eq(ad_dtype_of(ad_linalg_solve_triangular(a, b)), AD_F64);
    ck_assert_int_eq(ad_dtype_of(ad_linalg_cho_solve(a, b)), AD_F64);
    ck_assert_int_eq(ad_dtype_of(ad_linalg_solve_banded(ad_ones(AD_SHAPE(1, 2), .dtype = AD_F32), b)), AD_F64);
    ck_assert_int_eq(ad_dtype_of(ad_linalg_lu_solve(a, ad_arange(2), b)), AD_F64);
    ck_assert_int_eq(ad_dtype_of(ad_linalg_solve(ad_eye(2, .dtype = AD_U8), ad_ones(AD_SHAPE(2), .dtype = AD_F32))), AD_F64);
}
END_TEST

/* ---- sizes ---- */

/* By mpmath with 60 digits. */
START_TEST(exponentials_in_a_stack_are_those_of_each_matrix)
{
    AD_SCOPE;
    ad_array *stack = ad_from((double[]){ 0.1, 1e-3, 2e-3, 0.2, 0, 3e4, -3e4, 0, NAN, 0, 0, 1 }, AD_SHAPE(3, 2, 2)), *y = ad_linalg_expm(stack);
    assert_array(ad_at(y, "0"), AD_SHAPE(2, 2), 1e-15, 1.1051720610254949, 0.0011623187882201699, 0.0023246375764403398, 1.2214039398475118);
    assert_arrays_near(ad_at(y, "0"), ad_linalg_expm(ad_at(stack, "0")), 1e-15);
    assert_arrays_near(ad_at(y, "1"), ad_linalg_expm(ad_at(stack, "1")), 0);
    ck_assert(ad_item(ad_all(ad_isnan(ad_at(y, "2")))) != 0);
}
END_TEST

/* [[1, s, 0], [0, 1, s], [0, 0, 1]] has the exponential e [[1, s, s^2/2], [0, 1, s], [0, 0, 1]]. Halving it as often as
 * its norm asks for would lose ten digits. */
START_TEST(exponentials_of_defective_matrices_keep_their_digits)
{
    AD_SCOPE;
    double s = 1e6;
    ad_array *y = ad_linalg_expm(MATRIX(1, s, 0, 0, 1, s, 0, 0, 1));
    ad_array *relative = ad_div(y, MATRIX(M_E, M_E *s, M_E *s *s / 2, 1, M_E, M_E *s, 1, 1, M_E));
    assert_array(relative, AD_SHAPE(3, 3), 1e-11, 1, 1, 1, 0, 1, 1, 0, 0, 1);
    ad_array *nilpotent = ad_from((double[]){ 100, 100, -100, -100 }, AD_SHAPE(2, 2)); /* its square is 0, unlike that of its sizes */
    assert_array(ad_linalg_expm(nilpotent), AD_SHAPE(2, 2), 1e-9, 101, 100, -100, -99);
}
END_TEST

OF_X(trace_of_exponential, ad_trace(ad_linalg_expm(x)))
OF_AB(scaled_exponential, ad_mul(ad_linalg_expm(a), b))

START_TEST(the_size_of_a_cotangent_does_not_cost_digits_of_an_exponential)
{
    AD_SCOPE;
    ad_array *a = ad_from((double[]){ 0.1, 1, 0.3, 0.2 }, AD_SHAPE(2, 2)), *right = ad_elementwise_grad(scaled_exponential)(a, ad_scalar(1));
    for (int power = -300; power <= 300; power += 60) {
        ad_array *scale = ad_scalar(pow(10, power)), *slope;
        assert_arrays_near(ad_div(ad_elementwise_grad(scaled_exponential)(a, scale), scale), right, 1e-14);
        ad_jvp(trace_of_exponential, a, ad_mul(scale, ad_ones(AD_SHAPE(2, 2))), &slope);
        assert_close(ad_item(slope) / pow(10, power), ad_item(ad_sum(ad_grad(trace_of_exponential)(a))), 1e-13);
    }
}
END_TEST

START_TEST(cofactors_do_not_underflow_with_the_determinant)
{
    AD_SCOPE;
    ad_array *a = ad_mul(1e-110, MATRIX(1, 2, 0, 0, 1, 3, 0, 0, 2));
    assert_close(ad_item(ad_linalg_det(a)), 0, 0);
    assert_array(ad_mul(1e220, ad_grad(determinant)(a)), AD_SHAPE(3, 3), 1e-13, 2, 0, 0, -4, 2, 0, 6, -3, 1);
    assert_array(ad_mul(1e110, ad_at(ad_hessian(determinant)(a), "0, 0")), AD_SHAPE(3, 3), 1e-13, 0, 0, 0, 0, 2, 0, 0, -3, 1);
}
END_TEST

/* ---- values that are cut off ---- */

OF_X(of_two_values, ad_sum(ad_sin(ad_abs(ad_linalg_pinv(x, .rcond = 0.3)))))
OF_AB(fit_of_two_values, ad_sum(ad_sin(ad_abs(ad_tree_get(ad_linalg_lstsq(a, b, .rcond = 0.3), "x")))))

/* u diag(s) v^T with orthogonal u and v. */
static ad_array *with_values(ad_array *s, ad_shape shape, ad_dtype dtype)
{
    ad_array *numbers = ad_sin(ad_add(1, ad_arange(2 * shape.dim[0] * shape.dim[1])));
    ad_array *x = ad_reshape(ad_at(numbers, ":%lld", (long long)(shape.dim[0] * shape.dim[1])), shape);
    if (ad_dtype_is_complex(dtype))
        x = ad_add(x, ad_mul(ad_weak_complex(1.0i), ad_reshape(ad_at(numbers, "%lld:", (long long)(shape.dim[0] * shape.dim[1])), shape)));
    ad_tree *t = ad_linalg_svd(x, .full_matrices = false);
    return ad_matmul(ad_mul(ad_tree_get(t, "U"), s), ad_tree_get(t, "Vh"));
}

/* The formula for constant rank is that of a matrix without what is cut off; kept vectors turn towards the others. */
START_TEST(what_a_pseudo_inverse_cuts_off_counts_in_its_derivative)
{
    AD_SCOPE;
    ad_array *s = VECTOR(2, 1, 0.4), *b = VECTOR(1, -2, 0.5, 3);
    for (int complex = 0; complex < 2; complex++) {
        ad_array *tall = with_values(s, AD_SHAPE(4, 3), complex ? AD_C128 : AD_F64);
        ck_assert_msg(ad_check_grads(of_two_values, tall), "%s", ad_error_message());
        ck_assert_msg(ad_check_grads(of_two_values, ad_matrix_transpose(tall)), "%s", ad_error_message());
        ck_assert_msg(ad_check_grads(of_two_values, ad_stack(ad_list_of(tall, ad_mul(3, tall)))), "%s", ad_error_message());
        ck_assert_msg(ad_check_grads(fit_of_two_values, tall, ad_astype(b, ad_dtype_of(tall))), "%s", ad_error_message());
    }
}
END_TEST

/* ---- equal values, and what errors say ---- */

OF_X(condition, ad_linalg_cond(x))
OF_X(inverse_condition, ad_linalg_cond(x, .p = -2))

/* The identity has the least condition; one of its singular values alone would point away from it. */
START_TEST(the_slope_of_the_condition_is_zero_where_it_is_least)
{
    AD_SCOPE;
    ad_array *zero = ad_zeros(AD_SHAPE(3, 3)), *turned = ad_tree_get(ad_linalg_qr(MATRIX(4, 1, 2, 0, 3, 1, 5, 1, 0)), "Q");
    assert_arrays_near(ad_grad(condition)(ad_eye(3)), zero, 1e-15);
    assert_arrays_near(ad_grad(condition)(turned), zero, 1e-15);
    assert_arrays_near(ad_grad(inverse_condition)(ad_mul(7, turned)), zero, 1e-15);
}
END_TEST

START_TEST(systems_that_do_not_align_are_named_as_they_were_given)
{
    AD_SCOPE;
    ad_array *a = ad_eye(3), *b = ad_ones(AD_SHAPE(2));
    const char *end = "matrices of shape (3,3) and right-hand sides of shape (2,) do not align (3 != 2)";
    assert_fails(ad_linalg_solve(a, b), AD_ERROR_SHAPE, end);
    assert_fails(ad_linalg_solve_triangular(a, b), AD_ERROR_SHAPE, end);
    assert_fails(ad_linalg_cho_solve(a, b), AD_ERROR_SHAPE, end);
    assert_fails(ad_linalg_cho_solve(a, b), AD_ERROR_SHAPE, "ad_linalg_cho_solve: ");
    assert_fails(ad_linalg_lu_solve(a, ad_arange(3), b), AD_ERROR_SHAPE, end);
    assert_fails(ad_linalg_lu_solve(a, ad_arange(3), b), AD_ERROR_SHAPE, "ad_linalg_lu_solve: ");
    assert_fails(ad_linalg_solve_banded(a, b, .l = 1, .u = 1), AD_ERROR_SHAPE, end);
}
END_TEST

RUN_TESTS("linalg_edges", what_scipy_checks_is_an_error_that_names_the_operand, what_is_not_read_may_be_anything, rules_hand_nan_on,
          determinants_hand_nan_and_infinity_on_as_numpy_does, whole_numbers_count_as_float64, exponentials_in_a_stack_are_those_of_each_matrix,
          exponentials_of_defective_matrices_keep_their_digits, the_size_of_a_cotangent_does_not_cost_digits_of_an_exponential,
          cofactors_do_not_underflow_with_the_determinant, what_a_pseudo_inverse_cuts_off_counts_in_its_derivative,
          the_slope_of_the_condition_is_zero_where_it_is_least, systems_that_do_not_align_are_named_as_they_were_given)
