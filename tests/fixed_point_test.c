/* Fixed points: implicit derivatives, and what cannot be differentiated so. */
#include "testing.h"

static ad_array *sqrt_step(ad_array *x, ad_array *a)
{
    return ad_mul(0.5, ad_add(x, ad_div(a, x)));
}

static ad_array *root(ad_array *a)
{
    return ad_fixed_point(sqrt_step, ad_scalar(1), a);
}

static ad_array *damped_step(ad_array *x, ad_array *a)
{
    return ad_mul(ad_cos(ad_mul(x, a)), 0.5);
}

static ad_array *damped(ad_array *a)
{
    return ad_sum(ad_fixed_point(damped_step, ad_zeros_like(a), a));
}

START_TEST(fixed_points_differentiate_implicitly)
{
    ad_array *a = ad_scalar(2);
    assert_close(ad_item(root(a)), sqrt(2), 1e-12);
    assert_close(ad_item(ad_grad(root)(a)), 0.5 / sqrt(2), 1e-11);
    assert_close(ad_item(ad_deriv(root)(a)), 0.5 / sqrt(2), 1e-11);
    assert_close(ad_item(ad_grad(ad_grad(root))(a)), -0.25 * pow(2, -1.5), 1e-10);
    ck_assert_msg(ad_check_grads(damped, ad_from((double[]){ 0.5, 0.8 }, AD_SHAPE(2)), .order = 2), "%s", ad_error_message());
}
END_TEST

/* x = a x / 2 + 1: 2 / (2 - a) */
static ad_array *halving_step(ad_array *x, ad_array *a)
{
    return ad_add(ad_mul(0.5, ad_mul(x, a)), 1);
}

static ad_array *tiny_solution(ad_array *a)
{
    return ad_mul(1e-10, ad_fixed_point(halving_step, ad_scalar(1), a));
}

static ad_array *cosine_step(ad_array *x, int power, ad_array *a, double scale)
{
    return ad_mul(ad_cos(ad_mul(ad_pow(x, power), a)), scale);
}

static ad_array *of_a_signature(ad_array *a)
{
    return ad_sum(ad_fixed_point(ad_function(cosine_step, "a(a,i,a,d)"), ad_full(AD_SHAPE(2), 0.5), 2, a, 0.5));
}

static ad_array *runs_away(ad_array *x, ad_array *a)
{
    return ad_mul(ad_add(x, a), 3);
}

static ad_array *closed_over;

static ad_array *step_that_closes_over(ad_array *x)
{
    return sqrt_step(x, closed_over);
}

static ad_array *root_of_closed_over(ad_array *a)
{
    closed_over = a;
    return ad_fixed_point(step_that_closes_over, ad_scalar(1));
}

static ad_tree *step_that_grows(ad_tree *x)
{
    return ad_list_of(ad_tree_array_at(x, 0), 1.0);
}

START_TEST(fixed_points_refuse_what_they_cannot_differentiate)
{
    assert_close(ad_item(root_of_closed_over(ad_scalar(2))), sqrt(2), 1e-12);
    assert_fails(ad_grad(root_of_closed_over)(ad_scalar(2)), AD_ERROR_TRANSFORM, "pass it as an argument");
    assert_fails(ad_deriv(root_of_closed_over)(ad_scalar(2)), AD_ERROR_TRANSFORM, "pass it as an argument");
    assert_fails(ad_fixed_point(step_that_grows, ad_list_of(1.0)), AD_ERROR_TRANSFORM, "another structure");
}
END_TEST

START_TEST(fixed_points_of_any_scale_dtype_and_signature)
{
    assert_close(1e10 * ad_item(ad_grad(tiny_solution)(ad_scalar(1.8))), 50, 1e-10);
    assert_close(1e10 * ad_item(ad_deriv(tiny_solution)(ad_scalar(1.8))), 50, 1e-10);
    ad_array *a = ad_astype(ad_scalar(1.3), AD_F32), *x = ad_fixed_point(damped_step, ad_astype(ad_scalar(0.3), AD_F32), a);
    ck_assert_int_eq(ad_dtype_of(x), AD_F32);
    assert_close(ad_item(x), ad_item(ad_fixed_point(damped_step, ad_scalar(0.3), ad_astype(a, AD_F64))), 1e-6);
    ck_assert_msg(ad_check_grads(of_a_signature, ad_from((double[]){ 0.5, 0.7 }, AD_SHAPE(2))), "%s", ad_error_message());
    assert_fails(ad_fixed_point(runs_away, ad_scalar(1), ad_scalar(2)), AD_ERROR_NUMERIC, "no convergence");
}
END_TEST

RUN_TESTS("fixed_point", fixed_points_differentiate_implicitly, fixed_points_refuse_what_they_cannot_differentiate,
          fixed_points_of_any_scale_dtype_and_signature)
