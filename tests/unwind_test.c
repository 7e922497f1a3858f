/* Callbacks that are left by longjmp: closing the scope that was opened before brings everything back. */
#include "testing.h"
#include <ad/primitive.h>
#include <setjmp.h>

enum { TIMES = 100 };

static jmp_buf back;
static int calls, leaving; /* the callback leaves in call number `leaving` */

static void leave(void)
{
    if (++calls == leaving)
        longjmp(back, 1);
}

static ad_array *f(ad_array *x)
{
    ad_array *y = ad_sin(x);
    leave();
    return ad_mul(y, x);
}

static ad_array *through_checkpoints(ad_array *x)
{
    return ad_checkpoint(f)(ad_checkpoint(f)(x));
}

static ad_array *gradient_inside(ad_array *x)
{
    return ad_mul(ad_grad(f)(ad_mul(x, 2)), ad_deriv(f)(x));
}

static ad_array *contraction(ad_array *y, ad_array *a)
{
    leave();
    return ad_mul(0.5, ad_add(ad_cos(y), a));
}

static ad_array *solved(ad_array *a)
{
    return ad_fixed_point(contraction, ad_scalar(1), a);
}

/* A primitive whose functions leave, each in its turn. */
static bool like_the_input(const ad_node *node, ad_spec *output)
{
    leave();
    *output = (ad_spec){ ad_node_dtype(node, 0), ad_node_shape(node, 0) };
    return true;
}

static ad_array *composed(const ad_node *node, const ad_spec *output)
{
    (void)output;
    AD_SCOPE;
    ad_array *y = ad_exp(ad_node_input(node, 0));
    leave();
    return ad_escape(ad_mul(y, 2));
}

static ad_array *rule(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    ad_scope_open();
    ad_array *d = ad_mul(t, ad_node_output(node, 0));
    leave();
    return d;
}

static const ad_primitive twice_exp = { .name = "twice_exp", .infer = like_the_input, .view = composed, .vjp = rule, .jvp = rule, .saves = AD_SAVE_OUTPUT };

static ad_array *through_a_primitive(ad_array *x)
{
    return ad_mul(x, ad_call_primitive(&twice_exp, &x, 1, NULL));
}

typedef ad_array *function(ad_array *);
static function *const functions[] = { f, through_checkpoints, gradient_inside, solved, through_a_primitive };
enum { FUNCTIONS = sizeof functions / sizeof *functions, WAYS = 8 };

/* A derivative of g at 0.5, taken in one of several ways. */
static double differentiate(function *g, int way)
{
    ad_array *x = ad_scalar(0.5), *t;
    ad_pullback *pull;
    switch (way) {
    case 0: return ad_item(ad_grad(g)(x));
    case 1: return ad_item(ad_deriv(g)(x));
    case 2: return ad_item(ad_grad(ad_grad(g))(x));
    case 3: return ad_item(ad_hvp(g)(x, x));
    case 4: return ad_item(ad_jacobian(g)(x));
    case 5: ad_jvp(g, x, x, &t); return ad_item(t);
    case 6: ad_vjp(g, x, &pull); t = ad_vjp_apply(pull, x); ad_vjp_free(pull); return ad_item(t);
    default: return ad_check_grads(g, x, .order = 2, .tolerance = 1e-5);
    }
}

START_TEST(a_callback_may_leave_anywhere_and_any_number_of_times)
{
    function *g = functions[_i / WAYS];
    int way = _i % WAYS;
    leaving = 0;
    calls = 0;
    const double want = differentiate(g, way);
    ck_assert_msg(!ad_failed(), "%s", ad_error_message());
    const int all = calls;
    volatile int left = 0;
    for (volatile int i = 0; i < TIMES; i++) {
        volatile ad_scope scope = ad_scope_open();
        calls = 0;
        leaving = 1 + i % all;
        if (!setjmp(back)) {
            differentiate(g, way);
            ck_abort_msg("the callback was called %d times", calls);
        }
        ad_scope_close(scope);
        left++;
        leaving = 0;
        AD_SCOPE;
        double value = differentiate(g, way);
        ck_assert_msg(value == want, "after %d times: %.17g, expected %.17g (%s)", left, value, want, ad_error_message());
        ck_assert(!ad_is_traced(ad_scalar(1)));
        assert_fails(ad_reshape(ad_scalar(1), AD_SHAPE(2)), AD_ERROR_SHAPE, "ad_reshape: ");
    }
}
END_TEST

/* Left and caught within a function that is being differentiated, which goes on. */
static ad_array *goes_on(ad_array *x)
{
    ad_array *volatile sum = ad_scalar(0);
    ad_array *volatile point = x;
    for (volatile int i = 0; i < 5 * FUNCTIONS; i++) {
        volatile ad_scope scope = ad_scope_open();
        calls = 0;
        leaving = 1;
        if (!setjmp(back))
            ad_checkpoint(functions[i % FUNCTIONS])(point);
        ad_scope_close(scope);
        sum = ad_add(sum, ad_mul(point, point));
    }
    leaving = 0;
    return ad_mul(sum, f(point));
}

/* 25 x^3 sin x */
START_TEST(a_function_goes_on_after_what_it_called_was_left)
{
    double x = 0.5, slope = 25 * (3 * x * x * sin(x) + x * x * x * cos(x));
    assert_close(ad_item(ad_grad(goes_on)(ad_scalar(x))), slope, 1e-14);
    assert_close(ad_item(ad_deriv(goes_on)(ad_scalar(x))), slope, 1e-14);
    double second = 25 * (6 * x * sin(x) + 6 * x * x * cos(x) - x * x * x * sin(x));
    assert_close(ad_item(ad_grad(ad_grad(goes_on))(ad_scalar(x))), second, 1e-14);
    assert_close(ad_item(ad_deriv(ad_grad(goes_on))(ad_scalar(x))), second, 1e-14);
}
END_TEST

/* Prints a trace of f at 0.5 to nowhere; gives whether that worked. */
static __attribute__((noinline)) bool trace_f(void)
{
    FILE *nowhere = fopen("/dev/null", "w");
    bool done = nowhere && ad_fprint_trace(nowhere, ad_grad(f), ad_scalar(0.5));
    if (nowhere)
        fclose(nowhere);
    return done;
}

/* Writes over what was left on the stack. */
static __attribute__((noinline)) int overwrite(void)
{
    volatile char bytes[16384];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)0x5a;
    return bytes[calls & 1];
}

START_TEST(a_trace_whose_function_was_left_sees_nothing_more)
{
    for (volatile int i = 0; i < 3; i++) {
        volatile ad_scope scope = ad_scope_open();
        calls = 0;
        leaving = 1;
        if (!setjmp(back)) {
            trace_f();
            ck_abort_msg("the function was called %d times", calls);
        }
        ad_scope_close(scope);
        leaving = 0;
        ck_assert_int_ne(overwrite(), 0);
        AD_SCOPE;
        assert_close(ad_item(ad_grad(f)(ad_scalar(0.5))), sin(0.5) + 0.5 * cos(0.5), 1e-15);
        ck_assert_msg(trace_f(), "%s", ad_error_message());
    }
}
END_TEST

/* A pullback whose rule is left half way is good afterwards. */
START_TEST(a_pullback_serves_again_after_a_rule_was_left)
{
    ad_pullback *volatile pull;
    ad_pullback *made;
    leaving = 0;
    ad_vjp(through_a_primitive, ad_scalar(0.5), &made);
    pull = made;
    double want = ad_item(ad_vjp_apply(pull, ad_scalar(1)));
    for (volatile int i = 0; i < 3; i++) {
        volatile ad_scope scope = ad_scope_open();
        calls = 0;
        leaving = 1;
        if (!setjmp(back))
            ad_vjp_apply(pull, ad_scalar(1e6));
        ad_scope_close(scope);
        leaving = 0;
        assert_close(ad_item(ad_vjp_apply(pull, ad_scalar(1))), want, 0);
    }
    ad_vjp_free(pull);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("unwinding");
    TCase *tests = tcase_create("unwinding");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, a_callback_may_leave_anywhere_and_any_number_of_times, 0, FUNCTIONS * WAYS);
    tcase_add_test(tests, a_function_goes_on_after_what_it_called_was_left);
    tcase_add_test(tests, a_pullback_serves_again_after_a_rule_was_left);
    tcase_add_test(tests, a_trace_whose_function_was_left_sees_nothing_more);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
