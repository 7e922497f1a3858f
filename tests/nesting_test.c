/* Levels within levels: perturbation confusion, closures, values that escape, checkpoints, failing callbacks. */
#include "testing.h"

typedef ad_array *function(ad_array *);

/* x d/dy (x + y) and x d/dy (y + x), with either mode inside and outside. Siskind and Pearlmutter (2005), "Perturbation confusion and
 * referential transparency": the answer is 1; confusing the two derivatives gives 2. */
static ad_array *outer_x;

static ad_array *plus_outer(ad_array *y)
{
    return ad_add(outer_x, y);
}

static ad_array *outer_plus(ad_array *y)
{
    return ad_add(y, outer_x);
}

static ad_array *times_outer(ad_array *y)
{
    return ad_mul(outer_x, y);
}

static ad_array *outer_times(ad_array *y)
{
    return ad_mul(y, outer_x);
}

static function *inner_function;
static bool inner_forward;

static ad_array *confusing(ad_array *x)
{
    outer_x = x;
    function *d = inner_forward ? ad_deriv(inner_function) : ad_grad(inner_function);
    return ad_mul(x, d(ad_scalar(3)));
}

START_TEST(perturbations_are_not_confused)
{
    static const struct {
        function *inner;
        double want; /* at x = 5 */
    } cases[] = { { plus_outer, 1 }, { outer_plus, 1 }, { times_outer, 10 }, { outer_times, 10 } };
    for (int i = 0; i < 4; i++)
        for (int modes = 0; modes < 4; modes++) {
            AD_SCOPE;
            inner_function = cases[i].inner;
            inner_forward = modes & 1;
            function *d = modes & 2 ? ad_deriv(confusing) : ad_grad(confusing);
            assert_close(ad_item(d(ad_scalar(5))), cases[i].want, 1e-15);
        }
}
END_TEST

/* d/dx of x times the derivative, at y = x, of y -> x^2 y^3: 3 x^5, differentiated twice more. */
static ad_array *x_squared_y_cubed(ad_array *y)
{
    return ad_mul(ad_square(outer_x), ad_pow(y, 3));
}

static ad_array *at_itself(ad_array *x)
{
    ad_array *saved = outer_x;
    outer_x = x;
    ad_array *y = ad_mul(x, (inner_forward ? ad_deriv(x_squared_y_cubed) : ad_grad(x_squared_y_cubed))(x));
    outer_x = saved;
    return y;
}

START_TEST(closures_over_outer_inputs_to_higher_order)
{
    for (int modes = 0; modes < 8; modes++) {
        AD_SCOPE;
        inner_forward = modes & 1;
        function *d = modes & 2 ? ad_deriv(at_itself) : ad_grad(at_itself);
        assert_close(ad_item(d(ad_scalar(2))), 15 * 16, 1e-14);
        d = modes & 4 ? ad_deriv(d) : ad_grad(d);
        assert_close(ad_item(d(ad_scalar(2))), 60 * 8, 1e-14);
    }
}
END_TEST

static ad_array *kept;

static ad_array *keeps_a_value(ad_array *x)
{
    ad_release(kept);
    kept = ad_retain(ad_mul(x, x));
    return ad_mul(kept, x);
}

static ad_array *uses_the_kept_value(ad_array *x)
{
    return ad_mul(x, kept);
}

START_TEST(escaped_value_is_constant_in_the_next_trace)
{
    ad_array *x = ad_scalar(3);
    assert_close(ad_item(ad_grad(keeps_a_value)(x)), 27, 1e-15);
    ck_assert(!ad_is_traced(kept));
    assert_close(ad_item(ad_grad(uses_the_kept_value)(x)), 9, 1e-15);
    assert_close(ad_item(ad_deriv(uses_the_kept_value)(x)), 9, 1e-15);
    assert_close(ad_item(ad_grad(ad_grad(uses_the_kept_value))(x)), 0, 0);
    ad_release(kept);
    kept = NULL;
}
END_TEST

/* The same across levels of one trace: a value kept from a finished inner level, used in the next one. */
static ad_array *inner_levels(ad_array *x)
{
    ad_array *a = ad_grad(keeps_a_value)(x); /* 3 x^2; kept = x'^2 of a level that is over, but still depends on x */
    return ad_add(a, ad_grad(uses_the_kept_value)(ad_scalar(7)));
}

START_TEST(value_from_a_finished_inner_level_keeps_its_outer_dependence)
{
    assert_close(ad_item(inner_levels(ad_scalar(2))), 12 + 4, 1e-15);
    assert_close(ad_item(ad_grad(inner_levels)(ad_scalar(2))), 12 + 4, 1e-15);
    ad_release(kept);
    kept = NULL;
}
END_TEST

static ad_array *fails(ad_array *x)
{
    return ad_matmul(ad_reshape(x, AD_SHAPE(1, 1)), ad_ones(AD_SHAPE(3, 2)));
}

static ad_array *calls_what_fails(ad_array *x)
{
    return ad_grad(fails)(ad_mul(x, x));
}

START_TEST(a_failing_callback_unwinds_every_level)
{
    ad_array *x = ad_scalar(2);
    assert_fails(ad_grad(calls_what_fails)(x), AD_ERROR_SHAPE, "ad_matmul");
    assert_fails(ad_deriv(ad_grad(calls_what_fails))(x), AD_ERROR_SHAPE, "ad_matmul");
    assert_fails(ad_hessian(calls_what_fails)(x), AD_ERROR_SHAPE, "ad_matmul");
    ck_assert(!ad_is_traced(x));
    assert_close(ad_item(ad_grad(ad_sin)(x)), cos(2), 1e-15);
}
END_TEST

/* autograd returns w here, not 2w (NUMPY.md, rule 12). */
static ad_array *w;
static int times_run;

static ad_array *times_w(ad_array *x)
{
    times_run++;
    return ad_mul(x, w);
}

static ad_array *checkpointed_square(ad_array *x)
{
    w = x;
    return ad_checkpoint(times_w)(x);
}

static ad_array *deep(ad_array *x)
{
    return ad_mul(ad_sin(x), ad_checkpoint(checkpointed_square)(ad_exp(x)));
}

START_TEST(checkpoints_see_what_they_close_over)
{
    times_run = 0;
    assert_close(ad_item(ad_grad(checkpointed_square)(ad_scalar(3))), 6, 1e-15);
    ck_assert_int_eq(times_run, 2);
    for (int modes = 0; modes < 4; modes++) {
        function *d = modes & 1 ? ad_deriv(checkpointed_square) : ad_grad(checkpointed_square);
        d = modes & 2 ? ad_deriv(d) : ad_grad(d);
        assert_close(ad_item(d(ad_scalar(3))), 2, 1e-15);
    }
    ck_assert_msg(ad_check_grads(deep, ad_scalar(0.3), .order = 3, .tolerance = 1e-5), "%s", ad_error_message());
}
END_TEST

static ad_array *stopped(ad_array *x)
{
    return ad_mul(x, ad_stop_gradient(ad_square(x)));
}

START_TEST(stop_gradient_stops)
{
    assert_close(ad_item(ad_grad(stopped)(ad_scalar(3))), 9, 1e-15);
    assert_close(ad_item(ad_deriv(stopped)(ad_scalar(3))), 9, 1e-15);
}
END_TEST

/* A loop of inner gradients inside an outer one. */
static ad_array *sum_of_inner_gradients(ad_array *x)
{
    ad_array *sum = ad_scalar(0);
    for (int i = 0; i < 50; i++) {
        outer_x = ad_mul(x, i);
        sum = ad_add(sum, ad_grad(x_squared_y_cubed)(ad_scalar(1)));
    }
    return sum;
}

START_TEST(inner_gradients_in_a_loop)
{
    double want = 0;
    for (int i = 0; i < 50; i++)
        want += 3.0 * i * i;
    assert_close(ad_item(ad_grad(sum_of_inner_gradients)(ad_scalar(2))), 4 * want, 1e-14);
    assert_close(ad_item(ad_grad(ad_deriv(sum_of_inner_gradients))(ad_scalar(2))), 2 * want, 1e-14);
}
END_TEST

static ad_array *not_a_scalar(ad_array *x)
{
    return ad_mul(x, ad_ones(AD_SHAPE(3)));
}

static ad_array *gives_null(ad_array *x)
{
    (void)x;
    return NULL;
}

START_TEST(errors_of_transformations_say_what_is_wrong)
{
    ad_array *(*null)(ad_array *) = NULL;
    assert_fails(ad_grad(not_a_scalar)(ad_scalar(1)), AD_ERROR_TRANSFORM, "ad_grad: the function returned shape (3,), not a scalar; see ad_jacobian");
    assert_fails(ad_grad(null), AD_ERROR_TRANSFORM, "NULL");
    assert_fails(ad_grad(ad_sin, 1), AD_ERROR_TRANSFORM, "argument 1");
    assert_fails(ad_grad(gives_null)(ad_scalar(1)), AD_ERROR_TRANSFORM, "returned NULL");
    assert_fails(ad_grad(ad_sin)(NULL), AD_ERROR_VALUE, "argument 0 is NULL");
    assert_fails(ad_hvp(ad_sum)(ad_ones(AD_SHAPE(2)), ad_ones(AD_SHAPE(3))), AD_ERROR_SHAPE, "(3,)");
}
END_TEST

RUN_TESTS("nesting", perturbations_are_not_confused, closures_over_outer_inputs_to_higher_order, escaped_value_is_constant_in_the_next_trace,
          value_from_a_finished_inner_level_keeps_its_outer_dependence, a_failing_callback_unwinds_every_level, checkpoints_see_what_they_close_over,
          stop_gradient_stops, inner_gradients_in_a_loop, errors_of_transformations_say_what_is_wrong)
