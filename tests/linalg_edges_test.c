/* Linear algebra where numbers are not finite, or of very different sizes: what SciPy refuses is refused, what NumPy hands on is handed on, and
 * digits stay. */
#include "testing.h"
#include <math.h>

#define MATRIX(...) ad_from((double[]){ __VA_ARGS__ }, AD_SHAPE(3, 3))

/* ---- NaN and infinity ---- */

/* A NaN in a cotangent or a tangent is a number like others: the rules call the same operations, and do not look at it. */
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

/* [[1, s, 0], [0, 1, s], [0, 0, 1]] has the exponential e [[1, s, s^2/2], [0, 1, s], [0, 0, 1]]. Halving it as often as its norm asks for would
 * lose ten digits. */
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

RUN_TESTS("linalg_edges", determinants_hand_nan_and_infinity_on_as_numpy_does, exponentials_in_a_stack_are_those_of_each_matrix, exponentials_of_defective_matrices_keep_their_digits, the_size_of_a_cotangent_does_not_cost_digits_of_an_exponential, cofactors_do_not_underflow_with_the_determinant)
