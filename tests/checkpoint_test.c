/* Checkpoints: right whatever the function closes over, in every nesting of modes, and with less memory. */
#include "testing.h"
#include <ad/primitive.h>

typedef ad_array *function(ad_array *);

/* What the functions below close over. */
static ad_array *captured, *other;
static int runs;
static bool with_checkpoints;

/* f, in a checkpoint or not. */
static function *maybe(function *f)
{
    return with_checkpoints ? ad_checkpoint(f) : f;
}

/* Makes and frees arrays of many sizes: what the function lost is overwritten. */
static void disturb(void)
{
    for (int64_t size = 0; size < 60; size++) {
        AD_SCOPE;
        ad_full(AD_SHAPE(size), 1e9);
        ad_scalar(1e9);
    }
}

/* f with and without checkpoints: value and derivatives to order 3 in all nestings of modes, to the last digits. */
static void assert_same_derivatives(function *f, ad_array *x)
{
    for (int order = 1; order <= 3; order++)
        for (int modes = 0; modes < 1 << order; modes++) {
            AD_SCOPE;
            double derivative[2];
            for (int checkpoints = 0; checkpoints < 2; checkpoints++) {
                function *d = f;
                for (int k = 0; k < order; k++)
                    d = modes >> k & 1 ? ad_deriv(d) : ad_grad(d);
                with_checkpoints = checkpoints;
                derivative[checkpoints] = ad_item(d(x));
            }
            assert_close(derivative[1], derivative[0], 1e-13);
        }
    with_checkpoints = true;
    ck_assert_msg(ad_check_grads(f, x, .order = 2, .tolerance = 1e-5), "%s", ad_error_message());
}

/* ---- closures ---- */

static ad_array *times_captured(ad_array *y)
{
    return ad_mul(ad_sin(y), captured);
}

/* As the manual writes a function: what it makes goes at the brace, the captured array too. */
static ad_array *layer(ad_array *x)
{
    AD_SCOPE;
    captured = ad_mul(x, ad_linspace(1, 2, .num = 40));
    return ad_escape(ad_sum(maybe(times_captured)(x)));
}

static ad_array *of_a_value_in_a_scope(ad_array *x)
{
    AD_SCOPE;
    ad_array *y = layer(x);
    disturb();
    return ad_escape(y);
}

/* The same variable, with values of other shapes from layer to layer. */
static ad_array *of_a_variable_that_changes(ad_array *x)
{
    for (int i = 1; i < 6; i++) {
        AD_SCOPE;
        captured = i % 2 ? ad_add(x, ad_ones(AD_SHAPE(i, 2))) : ad_mul(0.1 * i, ad_cos(x));
        x = ad_escape(ad_mean(maybe(times_captured)(x)));
    }
    captured = ad_scalar(NAN);
    disturb();
    return x;
}

/* It closes over a number, which is a constant, and an array that is not differentiated and gone by the time of the
 * sweep. */
static ad_array *of_constants(ad_array *x)
{
    for (int i = 1; i < 4; i++) {
        AD_SCOPE;
        captured = ad_full(AD_SHAPE(30), i);
        x = ad_escape(ad_mean(ad_tanh(maybe(times_captured)(x))));
    }
    disturb();
    return x;
}

static ad_array *as_often_as_captured(ad_array *y)
{
    for (int i = 0; i < ad_item(captured); i++)
        y = ad_sin(ad_mul(1.5, y));
    return ad_mul(y, ad_item(captured));
}

/* What the function does depends on the values of what it closes over. */
static ad_array *of_control_flow(ad_array *x)
{
    for (int i = 1; i < 4; i++) {
        AD_SCOPE;
        captured = ad_add(ad_mul(x, 0), i);
        x = ad_escape(maybe(as_often_as_captured)(x));
    }
    captured = ad_scalar(0);
    disturb();
    return x;
}

static ad_array *leaves_another(ad_array *y)
{
    other = ad_retain(ad_exp(y));
    return ad_sin(y);
}

/* A value that leaves the function in another way than as its result. */
static ad_array *of_a_value_that_leaks(ad_array *x)
{
    ad_array *y = maybe(leaves_another)(ad_mul(x, x)), *z = ad_mul(other, y);
    ad_release(other);
    return z;
}

static ad_array *changes(ad_array *y)
{
    return runs++ ? ad_mul(y, 1e9) : ad_sin(y);
}

/* Each call does something else. */
static ad_array *of_a_function_that_changes(ad_array *x)
{
    runs = 0;
    return ad_mul(maybe(changes)(x), x);
}

START_TEST(what_a_checkpoint_closes_over_may_be_gone_when_it_is_swept)
{
    static function *const functions[] = { of_a_value_in_a_scope, of_a_variable_that_changes, of_constants, of_control_flow, of_a_value_that_leaks,
                                           of_a_function_that_changes };
    assert_same_derivatives(functions[_i], ad_scalar(0.7));
}
END_TEST

START_TEST(a_checkpoint_calls_its_function_once)
{
    with_checkpoints = true;
    assert_close(ad_item(ad_grad(of_a_function_that_changes)(ad_scalar(1))), sin(1) + cos(1), 1e-15);
    ck_assert_int_eq(runs, 1);
}
END_TEST

/* ---- nesting ---- */

static ad_array *innermost(ad_array *y)
{
    AD_SCOPE;
    captured = ad_cos(ad_mul(y, other));
    return ad_escape(ad_mul(captured, ad_tanh(ad_mul(captured, y))));
}

static ad_array *middle(ad_array *y)
{
    AD_SCOPE;
    other = ad_exp(ad_mul(0.3, y));
    ad_array *z = maybe(innermost)(y);
    other = ad_sin(z);
    return ad_escape(ad_mul(maybe(innermost)(z), other));
}

static ad_array *outermost(ad_array *x)
{
    AD_SCOPE;
    ad_array *y = maybe(middle)(ad_mul(x, x));
    return ad_escape(ad_add(maybe(middle)(y), y));
}

static ad_array *of_nested(ad_array *x)
{
    ad_array *y = maybe(outermost)(x);
    disturb();
    return y;
}

static ad_array *gradient_of_nested(ad_array *x)
{
    return ad_mul(ad_grad(of_nested)(ad_mul(x, 0.5)), x);
}

/* A checkpoint around a gradient of checkpoints. */
static ad_array *of_an_inner_gradient(ad_array *x)
{
    ad_array *y = maybe(gradient_of_nested)(ad_sin(x));
    disturb();
    return y;
}

static ad_array *weighted(ad_array *y, ad_array *weight)
{
    return ad_mul(ad_square(ad_sin(y)), ad_exp(weight));
}

/* The inner gradient is of a constant: what depends on it alone cannot be computed again when its level is over. */
static ad_array *gradient_at_a_constant(ad_array *x)
{
    ad_array *g = ad_grad(weighted)(ad_scalar(0.4), x), *t;
    ad_jvp(weighted, ad_scalar(0.3), ad_mul(x, g), ad_scalar(2), &t);
    return ad_add(ad_mul(g, x), ad_sin(t));
}

static ad_array *of_a_gradient_at_a_constant(ad_array *x)
{
    return ad_mul(maybe(gradient_at_a_constant)(ad_sin(x)), x);
}

static ad_array *pulled_back(ad_array *x)
{
    ad_pullback *pull;
    ad_array *y = ad_vjp(of_nested, x, &pull), *g = ad_vjp_apply(pull, ad_mul(x, y));
    ad_vjp_free(pull);
    return ad_add(g, y);
}

static ad_array *of_a_pullback(ad_array *x)
{
    return ad_mul(maybe(pulled_back)(ad_mul(x, 0.9)), x);
}

static ad_array *halved(ad_array *y, ad_array *a)
{
    return ad_mul(0.5, ad_add(ad_cos(y), a));
}

static ad_array *solved(ad_array *a)
{
    return ad_fixed_point(halved, ad_scalar(0.5), a);
}

static ad_array *of_a_fixed_point(ad_array *x)
{
    return ad_square(maybe(solved)(ad_sin(x)));
}

START_TEST(checkpoints_nest_with_everything)
{
    static function *const functions[] = { of_nested, of_an_inner_gradient, of_a_gradient_at_a_constant, of_a_pullback, of_a_fixed_point };
    assert_same_derivatives(functions[_i], ad_scalar(0.6));
}
END_TEST

/* ---- arrays, trees, several outputs ---- */

static ad_tree *rotated(ad_tree *t)
{
    AD_SCOPE;
    ad_array *a = ad_tree_get(t, "a"), *b = ad_tree_get(t, "b"), *mask = ad_greater(a, 0.5);
    ad_array *c = ad_where(mask, ad_sin(b), ad_reshape(ad_broadcast_to(ad_mean(a), AD_SHAPE(2, 2)), AD_SHAPE(4)));
    ad_array *d = ad_take(ad_flatten(ad_list_of(a, c, 3)), ad_argsort(a));
    return ad_escape(ad_tree_of("a", ad_sort(ad_matmul(ad_outer(c, d), a)), "b", ad_cumsum(d), "n", ad_tree_get(t, "n")));
}

static ad_array *of_trees(ad_tree *t)
{
    for (int i = 0; i < 3; i++)
        t = with_checkpoints ? ad_checkpoint(rotated)(t) : rotated(t);
    return ad_sum(ad_mul(ad_tree_get(t, "a"), ad_tree_get(t, "b")));
}

START_TEST(trees_pass_through_checkpoints)
{
    ad_tree *t = ad_tree_of("a", VECTOR(0.1, 0.7, 0.2, 0.9), "b", VECTOR(0.3, 0.2, -0.4, 0.1), "n", 7);
    ad_array *g[2], *h[2];
    for (with_checkpoints = 0; ; with_checkpoints = 1) {
        ad_tree *v = ad_tree_map(ad_cos, ad_tree_set(t, "n", ad_scalar(0)));
        v = ad_tree_set(v, "n", ad_from_data(AD_I64, (int64_t[]){ 0 }, AD_SCALAR_SHAPE));
        g[with_checkpoints] = ad_flatten(ad_grad(of_trees)(t));
        h[with_checkpoints] = ad_flatten(ad_hvp(of_trees)(t, v));
        if (with_checkpoints)
            break;
    }
    ck_assert_msg(g[0] && g[1] && h[0] && h[1], "%s", ad_error_message());
    assert_close(ad_item(ad_max(ad_abs(ad_sub(g[0], g[1])))), 0, 0);
    assert_close(ad_item(ad_max(ad_abs(ad_sub(h[0], h[1])))), 0, 0);
    ck_assert_msg(ad_check_grads(of_trees, t, .order = 2, .tolerance = 1e-4), "%s", ad_error_message());
}
END_TEST

static ad_array *singular(ad_array *x)
{
    AD_SCOPE;
    return ad_escape(ad_linalg_svdvals(ad_matmul(x, ad_exp(x))));
}

static ad_array *of_singular_values(ad_array *x)
{
    return ad_sum(ad_mul(ad_checkpoint(singular)(x), VECTOR(1, 2, 3)));
}

START_TEST(operations_of_several_outputs_are_computed_again)
{
    ad_array *x = ad_random_normal(ad_random_key(3), AD_SHAPE(3, 3));
    ck_assert_msg(ad_check_grads(of_singular_values, x, .order = 2, .tolerance = 1e-4), "%s", ad_error_message());
    ck_assert_msg(ad_jacobian(ad_grad(of_singular_values))(x) != NULL, "%s", ad_error_message());
}
END_TEST

/* ---- memory ---- */

enum { LONG = 4000, LAYERS = 30, SCALAR_STEPS = 20000 };

static ad_array *ten_steps(ad_array *y)
{
    AD_SCOPE;
    for (int i = 0; i < 10; i++)
        y = ad_tanh(ad_mul(ad_sin(y), captured));
    return ad_escape(y);
}

static ad_array *many_layers(ad_array *x)
{
    for (int i = 0; i < LAYERS; i++) {
        AD_SCOPE;
        captured = ad_add(1, ad_mul(0.01 * i, x));
        x = ad_escape(maybe(ten_steps)(x));
    }
    return ad_sum(x);
}

static ad_array *five_layers(ad_array *y)
{
    AD_SCOPE;
    for (int i = 0; i < 5; i++) {
        captured = ad_add(1, ad_mul(0.01 * i, y));
        y = ad_checkpoint(ten_steps)(y);
    }
    return ad_escape(y);
}

static ad_array *nested_layers(ad_array *x)
{
    for (int i = 0; i < LAYERS / 5; i++)
        x = ad_checkpoint(five_layers)(x);
    return ad_sum(x);
}

static ad_array *scalar_steps(ad_array *y)
{
    for (int i = 0; i < SCALAR_STEPS; i++) {
        AD_SCOPE;
        y = ad_escape(ad_add(ad_sin(y), 0.1));
    }
    return y;
}

static ad_array *of_scalars(ad_array *x)
{
    for (int i = 0; i < 5; i++)
        x = maybe(scalar_steps)(x);
    return x;
}

/* What a gradient needs at most, in bytes: measured in a thread of its own, whose peak it is. */
struct measure {
    function *function;
    ad_array *(*argument)(void);
    int64_t bytes;
};

static void *measure(void *pointer)
{
    struct measure *m = pointer;
    ad_memory_usage before, after;
    AD_SCOPE;
    ad_array *x = m->argument();
    ad_memory_stats(&before);
    ck_assert_msg(ad_grad(m->function)(x) != NULL, "%s", ad_error_message());
    ad_memory_stats(&after);
    m->bytes = after.peak - before.live;
    return NULL;
}

static int64_t peak_of(function *f, ad_array *(*argument)(void), bool checkpoints)
{
    struct measure m = { .function = f, .argument = argument };
    pthread_t thread;
    with_checkpoints = checkpoints;
    ck_assert_int_eq(pthread_create(&thread, NULL, measure, &m), 0);
    pthread_join(thread, NULL);
    return m.bytes;
}

static ad_array *long_vector(void)
{
    return ad_linspace(0, 1, .num = LONG);
}

static ad_array *number(void)
{
    return ad_scalar(0.5);
}

START_TEST(checkpoints_save_memory)
{
    int64_t whole = peak_of(many_layers, long_vector, false), folded = peak_of(many_layers, long_vector, true);
    ck_assert_msg(folded * 4 < whole, "%lld bytes with checkpoints, %lld without", (long long)folded, (long long)whole);
    int64_t nested = peak_of(nested_layers, long_vector, true);
    ck_assert_msg(nested * 3 < folded * 2, "%lld bytes with nested checkpoints, %lld with plain ones", (long long)nested, (long long)folded);
    whole = peak_of(of_scalars, number, false);
    folded = peak_of(of_scalars, number, true);
    ck_assert_msg(folded * 8 < whole * 7, "scalars: %lld bytes with checkpoints, %lld without", (long long)folded, (long long)whole);
}
END_TEST

/* ---- errors ---- */

static ad_array *fails_in_the_third(ad_array *y)
{
    return ++runs == 3 ? ad_set_error(AD_ERROR_USER, "the third") : ad_sin(y);
}

static ad_array *of_three(ad_array *x)
{
    for (int i = 0; i < 3; i++)
        x = ad_checkpoint(fails_in_the_third)(x);
    return x;
}

START_TEST(a_function_that_fails_leaves_nothing_behind)
{
    for (int i = 0; i < 3; i++) {
        runs = 0;
        assert_fails(ad_grad(of_three)(ad_scalar(1)), AD_ERROR_USER, "the third");
        assert_close(ad_item(ad_grad(of_three)(ad_scalar(1))), cos(sin(sin(1))) * cos(sin(1)) * cos(1), 1e-15);
    }
}
END_TEST

static ad_array *gradient_of_layers(ad_array *x)
{
    with_checkpoints = true;
    return ad_grad(of_nested)(ad_sum(x));
}

static ad_array *gradient_of_reshaped(ad_array *x)
{
    return ad_grad(of_singular_values)(ad_reshape(x, AD_SHAPE(3, 3)));
}

START_TEST(any_allocation_of_a_checkpoint_may_fail)
{
    assert_every_allocation_may_fail(gradient_of_layers, ad_scalar(0.5));
    assert_every_allocation_may_fail(gradient_of_reshaped, ad_random_normal(ad_random_key(3), AD_SHAPE(9)));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("checkpoints");
    TCase *tests = tcase_create("checkpoints");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, what_a_checkpoint_closes_over_may_be_gone_when_it_is_swept, 0, 6);
    tcase_add_test(tests, a_checkpoint_calls_its_function_once);
    tcase_add_loop_test(tests, checkpoints_nest_with_everything, 0, 5);
    tcase_add_test(tests, trees_pass_through_checkpoints);
    tcase_add_test(tests, operations_of_several_outputs_are_computed_again);
    tcase_add_test(tests, checkpoints_save_memory);
    tcase_add_test(tests, a_function_that_fails_leaves_nothing_behind);
    tcase_add_test(tests, any_allocation_of_a_checkpoint_may_fail);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
