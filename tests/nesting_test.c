/* Levels within levels: perturbation confusion, closures, values that escape, checkpoints, failing callbacks. */
#include "testing.h"

typedef ad_array *function(ad_array *);

/* x d/dy (x + y) and x d/dy (y + x), with either mode inside and outside. Siskind and Pearlmutter (2005), "Perturbation
 * confusion and referential transparency": the answer is 1; confusing the two derivatives gives 2. */
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
    ck_assert_int_eq(times_run, 1);
    for (int modes = 0; modes < 4; modes++) {
        function *d = modes & 1 ? ad_deriv(checkpointed_square) : ad_grad(checkpointed_square);
        d = modes & 2 ? ad_deriv(d) : ad_grad(d);
        assert_close(ad_item(d(ad_scalar(3))), 2, 1e-15);
    }
    ck_assert_msg(ad_check_grads(deep, ad_scalar(0.3), .order = 3, .tolerance = 1e-5), "%s", ad_error_message());
}
END_TEST

/* (e^x sin x)^2, where the checkpoint closes over a sine that its caller makes. */
static ad_array *exp_times_w(ad_array *x)
{
    return ad_mul(ad_exp(x), w);
}

static ad_array *closes_over_a_local(ad_array *x)
{
    w = ad_sin(x);
    return ad_square(ad_checkpoint(exp_times_w)(x));
}

/* (e^x sin^2 x)^2: the same in a checkpoint of its own. */
static ad_array *exp_sin_squared(ad_array *x)
{
    ad_array *local = w = ad_sin(x);
    return ad_mul(ad_checkpoint(exp_times_w)(x), local);
}

static ad_array *nested_closure(ad_array *x)
{
    return ad_square(ad_checkpoint(exp_sin_squared)(ad_mul(x, 1)));
}

/* e^x cos x: the checkpoint belongs to the outer level, and closes over what the inner function makes. */
static ad_array *times_checkpoint_of_outer(ad_array *y)
{
    w = ad_cos(outer_x);
    return ad_mul(y, ad_checkpoint(exp_times_w)(outer_x));
}

static ad_array *exp_cos(ad_array *x)
{
    outer_x = x;
    return ad_grad(times_checkpoint_of_outer)(ad_scalar(3));
}

/* y sin(y) e^y x: the inner checkpoint is one of the inner level, the outer one depends on both. */
static ad_array *times_outer_and_local(ad_array *y)
{
    w = ad_mul(y, ad_sin(y));
    return ad_mul(ad_checkpoint(exp_times_w)(y), outer_x);
}

static ad_array *through_two_checkpoints(ad_array *x)
{
    outer_x = x;
    return ad_grad(ad_checkpoint(times_outer_and_local))(ad_scalar(0.5));
}

START_TEST(checkpoints_may_close_over_what_inner_functions_make)
{
    double x = 0.7, s = sin(x), c = cos(x), e = exp(x);
    for (int modes = 0; modes < 4; modes++) {
        AD_SCOPE;
        function *d = modes & 1 ? ad_deriv(closes_over_a_local) : ad_grad(closes_over_a_local);
        assert_close(ad_item(d(ad_scalar(x))), e * e * (2 * s * s + 2 * s * c), 1e-14);
        d = modes & 2 ? ad_deriv(d) : ad_grad(d);
        assert_close(ad_item(d(ad_scalar(x))), e * e * (4 * s * s + 8 * s * c + 2 * (c * c - s * s)), 1e-14);
        assert_close(ad_item((modes & 1 ? ad_deriv(exp_cos) : ad_grad(exp_cos))(ad_scalar(x))), e * (c - s), 1e-14);
        double d1 = exp(0.5) * ((1 + 0.5) * sin(0.5) + 0.5 * cos(0.5));
        assert_close(ad_item((modes & 1 ? ad_deriv(through_two_checkpoints) : ad_grad(through_two_checkpoints))(ad_scalar(x))), d1, 1e-14);
        ck_assert_msg(ad_check_grads(nested_closure, ad_scalar(x), .order = 3, .tolerance = 1e-5), "%s", ad_error_message());
    }
}
END_TEST

/* The first result depends on the inner level only, the second on the outer one only. */
static ad_tree *inner_and_outer(ad_array *y)
{
    return ad_list_of(ad_mul(y, 2), ad_sin(outer_x));
}

static ad_array *product_of_checkpointed(ad_array *y)
{
    ad_tree *t = ad_checkpoint(inner_and_outer)(y);
    return ad_mul(ad_tree_get(t, "0"), ad_tree_get(t, "1"));
}

static ad_array *twice_sine(ad_array *x)
{
    outer_x = x;
    return ad_grad(product_of_checkpointed)(ad_scalar(3));
}

START_TEST(results_of_a_checkpoint_may_depend_on_different_levels)
{
    assert_close(ad_item(ad_grad(twice_sine)(ad_scalar(0.7))), 2 * cos(0.7), 1e-15);
    assert_close(ad_item(ad_deriv(twice_sine)(ad_scalar(0.7))), 2 * cos(0.7), 1e-15);
}
END_TEST

/* ---- scopes that a function leaves open ---- */

static ad_array *leaves_scopes_open(ad_array *x)
{
    ad_scope_open();
    ad_array *y = ad_sin(x);
    ad_scope_open();
    return ad_mul(y, x);
}

static ad_array *checkpoint_that_leaves_scopes_open(ad_array *x)
{
    return ad_mul(ad_checkpoint(leaves_scopes_open)(x), x);
}

static ad_array *contraction_that_leaves_scopes_open(ad_array *x, ad_array *a)
{
    ad_scope_open();
    return ad_mul(a, ad_cos(x));
}

START_TEST(results_outlive_the_scopes_that_a_function_left_open)
{
    AD_SCOPE;
    ad_array *x = ad_scalar(2), *g, *v = ad_value_and_grad(leaves_scopes_open)(x, &g);
    for (int i = 0; i < 100; i++)
        ad_scalar(i); /* would take the place of what is freed too early */
    assert_close(ad_item(v), 2 * sin(2), 1e-15);
    assert_close(ad_item(g), sin(2) + 2 * cos(2), 1e-15);
    assert_close(ad_item(ad_deriv(leaves_scopes_open)(x)), sin(2) + 2 * cos(2), 1e-15);
    assert_close(ad_item(ad_grad(checkpoint_that_leaves_scopes_open)(x)), 4 * sin(2) + 4 * cos(2), 1e-15);
    assert_close(ad_item(ad_fixed_point(contraction_that_leaves_scopes_open, ad_scalar(1), ad_scalar(0.5))), 0.45018361129487357, 1e-12);
    assert_close(ad_item(x), 2, 0);
}
END_TEST

/* ---- programs made at random ---- */

struct program {
    uint64_t seed;
    ad_array *closed_over;
    int depth;
};

enum { MOST_PROGRAMS = 1 << 18 };
static struct program programs[MOST_PROGRAMS]; /* they must be there in the sweep */
static int programs_made;

static uint64_t draw(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

static struct program *program(uint64_t seed, ad_array *closed_over, int depth)
{
    struct program *p = &programs[programs_made++ % MOST_PROGRAMS];
    *p = (struct program){ seed, closed_over, depth };
    return p;
}

static ad_array *run(ad_array *x, void *context);

static ad_tree *run_both_ways(ad_array *x, void *context)
{
    const struct program *p = context;
    return ad_list_of(run(x, program(p->seed, p->closed_over, p->depth)), ad_add(run(p->closed_over, program(p->seed + 1, x, p->depth)), 0.25), x);
}

static ad_array *random_expression(ad_array *x, ad_array *c, uint64_t *seed, int depth)
{
    uint64_t kind = draw(seed) % (depth > 0 ? 13 : 4);
    ad_array *y = depth > 0 ? random_expression(x, c, seed, depth - 1) : x, *z = depth > 0 ? random_expression(c, x, seed, depth - 2) : c, *t;
    struct program *p = program(draw(seed), z, depth - 2);
    ad_pullback *pull;
    ad_tree *both;
    switch (kind) {
    case 0: return ad_sin(z);
    case 1: return ad_mul(y, z);
    case 2: return ad_add(ad_mul(0.5, y), 0.3);
    case 3: return ad_mul(ad_tanh(y), ad_cos(z));
    case 4: return ad_grad(run)(y, p);
    case 5: return ad_deriv(run)(y, p);
    case 6: return ad_checkpoint(run)(y, p);
    case 7: return ad_checkpoint(ad_grad(run))(y, p);
    case 8: return ad_sum(ad_sin(ad_mul(y, ad_stack(ad_list_of(x, z, 0.5)))));
    case 9: t = ad_value_and_grad(run)(y, p, &z); return ad_tanh(ad_add(t, z));
    case 10: y = ad_jvp(run, y, p, z, &t); return ad_sin(ad_add(y, t));
    case 11: t = ad_vjp(run, y, p, &pull); y = ad_add(ad_vjp_apply(pull, z), ad_mul(t, ad_vjp_apply(pull, t))); ad_vjp_free(pull); return ad_sin(y);
    default: both = ad_checkpoint(run_both_ways)(y, p); return ad_tanh(ad_mul(ad_tree_get(both, "0"), ad_add(ad_tree_get(both, "1"), ad_tree_get(both, "2"))));
    }
}

static ad_array *run(ad_array *x, void *context)
{
    const struct program *p = context;
    uint64_t seed = p->seed;
    return ad_tanh(random_expression(x, p->closed_over, &seed, p->depth));
}

static ad_array *run_pair(ad_array *x, void *context)
{
    const struct program *p = context;
    return run(ad_at(x, "0"), program(p->seed, ad_at(x, "1"), p->depth));
}

START_TEST(random_programs_of_nested_derivatives_agree_with_differences)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        AD_SCOPE;
        programs_made = 0;
        struct program p = { seed, NULL, 4 };
        ad_array *x = ad_from((double[]){ 0.4, 0.7 }, AD_SHAPE(2));
        ck_assert_msg(ad_check_grads(run_pair, x, &p, .tolerance = 1e-5), "seed %llu: %s", (unsigned long long)seed, ad_error_message());
    }
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
    assert_fails(ad_grad(null)(ad_scalar(1)), AD_ERROR_TRANSFORM, "NULL");
    assert_fails(ad_grad(ad_sin, 1)(ad_scalar(1)), AD_ERROR_TRANSFORM, "argument 1");
    assert_fails(ad_grad(gives_null)(ad_scalar(1)), AD_ERROR_TRANSFORM, "returned NULL");
    assert_fails(ad_grad(ad_sin)(NULL), AD_ERROR_VALUE, "argument 0 is NULL");
    assert_fails(ad_hvp(ad_sum)(ad_ones(AD_SHAPE(2)), ad_ones(AD_SHAPE(3))), AD_ERROR_SHAPE, "(3,)");
    ad_array *n = ad_arange(3);
    assert_fails(ad_grad(ad_sum)(n), AD_ERROR_DTYPE, "argument 0 is int64, not real or complex; see ad_astype");
    assert_fails(ad_deriv(ad_sin)(n), AD_ERROR_DTYPE, "argument 0 is int64");
    assert_fails(ad_jacobian(ad_sin)(n), AD_ERROR_DTYPE, "argument 0 is int64");
}
END_TEST

START_TEST(no_derivative_is_taken_while_an_error_is_recorded)
{
    ad_array *x = ad_scalar(1), *t;
    ad_pullback *pull;
    ad_set_error(AD_ERROR_USER, "an old error");
    ck_assert(!ad_grad(ad_sin)(x) && !ad_deriv(ad_sin)(x) && !ad_jacobian(ad_sin)(x) && !ad_vjp(ad_sin, x, &pull) && !ad_jvp(ad_sin, x, x, &t));
    ck_assert(!pull && !t);
    ck_assert_str_eq(ad_error_message(), "an old error");
    ad_clear_error();
    assert_close(ad_item(ad_grad(ad_sin)(x)), cos(1), 1e-15);
}
END_TEST

static int differentiations_seen;

static ad_array *watching(ad_array *x)
{
    differentiations_seen += ad_is_differentiating();
    return ad_sum(ad_sin(x));
}

START_TEST(a_function_sees_whether_it_is_differentiated)
{
    AD_SCOPE;
    differentiations_seen = 0;
    watching(ad_scalar(1));
    ck_assert_int_eq(differentiations_seen, 0);
    ad_grad(watching)(ad_scalar(1));
    ad_deriv(watching)(ad_scalar(1));
    ck_assert_int_eq(differentiations_seen, 2);
    ck_assert(!ad_is_differentiating());
}
END_TEST

RUN_TESTS("nesting", perturbations_are_not_confused, closures_over_outer_inputs_to_higher_order, escaped_value_is_constant_in_the_next_trace,
          value_from_a_finished_inner_level_keeps_its_outer_dependence, a_failing_callback_unwinds_every_level, checkpoints_see_what_they_close_over,
          checkpoints_may_close_over_what_inner_functions_make, results_of_a_checkpoint_may_depend_on_different_levels,
          results_outlive_the_scopes_that_a_function_left_open,
          random_programs_of_nested_derivatives_agree_with_differences, stop_gradient_stops, inner_gradients_in_a_loop,
          errors_of_transformations_say_what_is_wrong, no_derivative_is_taken_while_an_error_is_recorded, a_function_sees_whether_it_is_differentiated)
