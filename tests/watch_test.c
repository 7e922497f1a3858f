/* Seeing every call: hooks, and what the environment asks for. */
#include "testing.h"
#include "texts.h"
#include <unistd.h>

OF_X(tanh_sum, ad_sum(ad_tanh(ad_mul(x, 2))))
OF_X(half_sqrt_sum, ad_sum(ad_mul(ad_sqrt(x), 0.5)))
OF_X(half_log_sum, ad_sum(ad_mul(ad_log(ad_name(x, "rate")), 0.5)))

static ad_array *named_cube(ad_array *x)
{
    return ad_sum(ad_pow(ad_name(x, "x"), 3));
}

static ad_array *loop(ad_array *x)
{
    ad_array *y = x;
    for (int i = 0; i < 1000; i++)
        y = ad_sin(y);
    return y;
}

static bool write_tanh_sum(FILE *stream, void *x)
{
    return ad_fprint_trace(stream, tanh_sum, (ad_array *)x);
}

/* ---- the hook ---- */

struct told {
    int calls, by_phase[3], inner, refused_after;
    int64_t bytes;
};

static bool count(const ad_call_event *event, void *context)
{
    struct told *told = context;
    told->calls++;
    told->by_phase[event->phase]++;
    told->inner += event->depth > 0;
    told->bytes += event->bytes;
    ck_assert(event->operation && event->inputs_count > 0 && event->outputs_count > 0 && event->seconds >= 0);
    for (int k = 0; k < event->outputs_count; k++)
        ck_assert(ad_size(ad_add(event->outputs[k], 1)) >= 0); /* its own calls are not told */
    return !told->refused_after || told->calls < told->refused_after;
}

START_TEST(a_hook_sees_every_call)
{
    AD_SCOPE;
    struct told told = { 0 };
    ad_array *x = VECTOR(0.5, 2);
    ad_on_call(count, &told);
    tanh_sum(x);
    ck_assert_int_eq(told.calls, 3);
    ck_assert_int_eq(told.bytes, 16 + 16 + 8);
    ck_assert(ad_hvp(tanh_sum)(x, x));
    ck_assert(told.by_phase[AD_PHASE_REVERSE] > 2 && told.by_phase[AD_PHASE_TANGENT] > 2 && !told.inner);
    ck_assert(ad_softmax(x));
    ck_assert_int_gt(told.inner, 0);
    ad_on_call(NULL, NULL);
    int calls = told.calls;
    tanh_sum(x);
    ck_assert_int_eq(told.calls, calls);
}
END_TEST

START_TEST(a_hook_may_refuse_a_call)
{
    AD_SCOPE;
    struct told told = { .refused_after = 2 };
    ad_on_call(count, &told);
    assert_fails(tanh_sum(VECTOR(0.5, 2)), AD_ERROR_VALUE, "ad_tanh: refused by the hook of ad_on_call");
    ad_on_call(NULL, NULL);
    ck_assert(tanh_sum(VECTOR(0.5, 2)));
}
END_TEST

static bool traces(const ad_call_event *event, void *context)
{
    (void)event;
    ++*(int *)context;
    FILE *nowhere = fopen("/dev/null", "w");
    ck_assert(nowhere && ad_fprint_trace(nowhere, ad_grad(tanh_sum), VECTOR(1, 2)));
    fclose(nowhere);
    ck_assert(ad_grad(tanh_sum)(VECTOR(1, 2)));
    return true;
}

START_TEST(a_hook_may_trace_and_differentiate_and_is_not_told_of_that)
{
    AD_SCOPE;
    int calls = 0;
    ad_on_call(traces, &calls);
    tanh_sum(VECTOR(0.5, 2));
    ck_assert_int_eq(calls, 3);
    char *text = text_of(write_tanh_sum, VECTOR(0.5, 2)); /* nor is the trace around it */
    ad_on_call(NULL, NULL);
    ck_assert_int_eq(calls, 6);
    assert_contains(text, "    v3: float64 () = ad_sum(v2, .axes = AD_AXES(0))\n    return v3\n");
    free(text);
}
END_TEST

static bool ends_itself(const ad_call_event *event, void *context)
{
    (void)event;
    ++*(int *)context;
    ad_on_call(NULL, NULL);
    return true;
}

static bool begins_another(const ad_call_event *event, void *context)
{
    (void)event;
    ad_on_call(traces, context);
    return ad_tanh(VECTOR(0.5, 2)) != NULL;
}

START_TEST(a_hook_may_end_itself_or_begin_another)
{
    AD_SCOPE;
    int calls = 0;
    ad_on_call(ends_itself, &calls);
    tanh_sum(VECTOR(0.5, 2));
    ck_assert_int_eq(calls, 1);
    ad_on_call(begins_another, &calls);
    tanh_sum(VECTOR(0.5, 2));
    ck_assert_int_eq(calls, 3); /* from the next call on */
    ad_on_call(NULL, NULL);
}
END_TEST

static bool count_reverse(const ad_call_event *event, void *context)
{
    if (event->depth)
        ((int *)context)[event->phase == AD_PHASE_REVERSE && event->rule_of]++;
    return true;
}

static bool twice_infer(const ad_node *node, ad_spec *output)
{
    *output = (ad_spec){ ad_node_dtype(node, 0), ad_node_shape(node, 0) };
    return true;
}

static ad_array *twice_compose(const ad_node *node, const ad_spec *output)
{
    (void)output;
    return ad_mul(ad_node_input(node, 0), 2);
}

static ad_array *twice_vjp(const ad_node *node, int operand, ad_array *g)
{
    (void)node, (void)operand;
    return ad_softmax(g);
}

static const ad_primitive twice = { .name = "test_twice", .infer = twice_infer, .compose = twice_compose, .vjp = twice_vjp, .linear = AD_LINEAR };

OF_X(twice_sum, ad_sum(ad_call_primitive(&twice, &x, 1, NULL)))

START_TEST(calls_in_a_composed_value_belong_to_the_rule_that_asked_for_it)
{
    AD_SCOPE;
    int counts[2] = { 0, 0 }; /* of values, of rules */
    ad_on_call(count_reverse, counts);
    ck_assert_msg(ad_grad(twice_sum)(VECTOR(0.5, 2)) != NULL, "%s", ad_error_message());
    ad_on_call(NULL, NULL);
    ck_assert_int_eq(counts[0], 1);
    ck_assert_int_gt(counts[1], 1);
}
END_TEST

static ad_array *picks(ad_array *x)
{
    ad_array *sum = ad_scalar(0);
    for (int i = 0; i < 4; i++)
        sum = ad_add(ad_mul(sum, ad_at(x, "%d", i)), ad_exp(ad_at(x, "%d", 3 - i)));
    return ad_add(sum, ad_sum(ad_at_set(x, sum, "1:3")));
}

static void assert_same_bits(ad_array *a, ad_array *b)
{
    ck_assert(a && b && ad_size(a) == ad_size(b));
    ck_assert_int_eq(memcmp(ad_data(a), ad_data(b), (size_t)ad_size(a) * sizeof(double)), 0);
}

START_TEST(being_watched_changes_no_bit)
{
    AD_SCOPE;
    ad_array *(*const functions[])(ad_array *) = { tanh_sum, picks, named_cube };
    ad_array *x = VECTOR(0.3, -0.7, 1.1, 0.2);
    for (int i = 0; i < 3; i++) {
        ad_array *(*f)(ad_array *) = functions[i], *(*g)(ad_array *) = ad_grad(f);
        ad_array *results[2][4];
        for (int watched = 0; watched < 2; watched++) {
            struct told told = { 0 };
            ad_on_call(watched ? count : NULL, &told);
            results[watched][0] = f(x);
            results[watched][1] = g(x);
            results[watched][2] = ad_hvp(f)(x, x);
            results[watched][3] = ad_hessian(f)(x);
            ad_on_call(NULL, NULL);
        }
        for (int k = 0; k < 4; k++)
            assert_same_bits(results[0][k], results[1][k]);
    }
    ad_array *s = ad_scalar(0.4), *plain = ad_grad(ad_grad(loop))(s);
    struct told told = { 0 };
    ad_on_call(count, &told);
    assert_same_bits(plain, ad_grad(ad_grad(loop))(s));
    ad_on_call(NULL, NULL);
}
END_TEST

/* ---- the environment ---- */

static void *finds_infinity(void *unused)
{
    (void)unused;
    AD_SCOPE;
    assert_fails(half_log_sum(VECTOR(1, 0, 2)), AD_ERROR_NUMERIC, "ad_log: gives -inf at (1,) of finite operands (rate, float64 (3,)), in the value");
    assert_fails(ad_grad(ad_sqrt)(ad_scalar(0)), AD_ERROR_NUMERIC, "of finite operands");
    ck_assert_msg(half_log_sum(VECTOR(1, 2)) != NULL, "%s", ad_error_message());
    ck_assert(ad_log(VECTOR(INFINITY, 1))); /* an operand is not finite */
    ck_assert(ad_logsumexp(VECTOR(-1e308, 1e308)));
    ck_assert(ad_logsumexp(ad_zeros(AD_SHAPE(0)))); /* -inf, by definition */
    ck_assert(ad_max(ad_zeros(AD_SHAPE(0)), .initial = ad_scalar(-INFINITY)));
    ck_assert(ad_pad(VECTOR(1, 2), 1, .constant_values = INFINITY)); /* an option is not finite */
    ck_assert(ad_full(AD_SHAPE(2), INFINITY) && ad_where(ad_greater(VECTOR(1, 2), 1), 1, -INFINITY));
    ck_assert(ad_grad(half_log_sum)(VECTOR(NAN, 1)));
    assert_fails(ad_log(ad_astype(VECTOR(1, 0), AD_C64)), AD_ERROR_NUMERIC, "ad_log: gives (-inf+0j) at (1,) of finite operands (complex64 (2,)), in the value");
    assert_fails(ad_hvp(half_sqrt_sum)(VECTOR(0, 1), VECTOR(1, 1)), AD_ERROR_NUMERIC, "in the tangent of ad_sqrt");
    assert_fails(ad_grad(ad_checkpoint(half_sqrt_sum))(VECTOR(0, 1)), AD_ERROR_NUMERIC, "in the reverse rule of ad_sqrt");
    return NULL;
}

START_TEST(the_first_operation_that_makes_an_infinity_is_named)
{
    pthread_t thread;
    setenv("AD_DEBUG_NAN", "1", 1);
    ck_assert_int_eq(pthread_create(&thread, NULL, finds_infinity, NULL), 0);
    pthread_join(thread, NULL);
}
END_TEST

static void *works(void *unused)
{
    (void)unused;
    AD_SCOPE;
    for (int i = 0; i < 10; i++)
        ck_assert(ad_grad(tanh_sum)(VECTOR(0.5, 2)));
    return NULL;
}

START_TEST(a_profile_is_printed_when_a_thread_ends)
{
    pthread_t thread;
    char text[4096] = { 0 };
    FILE *file = tmpfile();
    int console = dup(STDERR_FILENO);
    ck_assert(file && dup2(fileno(file), STDERR_FILENO) >= 0);
    setenv("AD_PROFILE", "1", 1);
    ck_assert_int_eq(pthread_create(&thread, NULL, works, NULL), 0);
    pthread_join(thread, NULL);
    fflush(stderr);
    dup2(console, STDERR_FILENO);
    rewind(file);
    ck_assert_int_gt((int)fread(text, 1, sizeof text - 1, file), 0);
    fclose(file);
    assert_contains(text, "AD_PROFILE: 80 calls of operations in thread ");
    assert_contains(text, "operation                         calls      seconds  share        value      reverse      tangent     bytes made\n");
    assert_contains(text, "ad_tanh                              10 ");
}
END_TEST

RUN_TESTS("watch", a_hook_sees_every_call, a_hook_may_refuse_a_call, a_hook_may_trace_and_differentiate_and_is_not_told_of_that,
          a_hook_may_end_itself_or_begin_another, calls_in_a_composed_value_belong_to_the_rule_that_asked_for_it, being_watched_changes_no_bit,
          the_first_operation_that_makes_an_infinity_is_named, a_profile_is_printed_when_a_thread_ends)
