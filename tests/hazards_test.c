/* What goes wrong in engines that seem to work: long loops, small stacks, threads, growth, exhausted memory. */
#include "testing.h"
#include <time.h>

/* ---- a long loop on a small stack ---- */

static int64_t steps;

static ad_array *long_loop(ad_array *x)
{
    ad_array *y = x;
    for (int64_t i = 0; i < steps; i++)
        y = i % 2 ? ad_sin(y) : ad_add(y, x);
    return y;
}

static double loop_derivative(double x)
{
    double y = x, d = 1;
    for (int64_t i = 0; i < steps; i++) {
        d = i % 2 ? d * cos(y) : d + 1;
        y = i % 2 ? sin(y) : y + x;
    }
    return d;
}

static double gradient_of_loop(int64_t n, double *peak)
{
    AD_SCOPE;
    ad_memory_usage usage;
    steps = n;
    double d = ad_item(ad_grad(long_loop)(ad_scalar(0.7)));
    ad_memory_stats(&usage);
    *peak = (double)usage.peak;
    return d;
}

static void *run_long_loop(void *result)
{
    double *out = result;
    out[0] = gradient_of_loop(100000, &out[1]);
    out[2] = gradient_of_loop(1000000, &out[3]);
    return NULL;
}

/* Memory is linear in the length, and so is the time, or the test would not end: tests/bench/scalar_bench.c has
 * figures. */
START_TEST(a_million_operations_on_a_stack_of_256_kib)
{
    double out[4];
    on_a_small_stack(run_long_loop, out);
    steps = 100000;
    assert_close(out[0], loop_derivative(0.7), 1e-9);
    steps = 1000000;
    assert_close(out[2], loop_derivative(0.7), 1e-9);
    ck_assert_msg(out[3] < 11 * out[1], "100,000 operations took %g bytes, 1,000,000 took %g", out[1], out[3]);
}
END_TEST

/* ---- as many leaves and operands ---- */

enum { MANY = 100000 };

static ad_array *sum_of_squares(ad_tree *t)
{
    return ad_sum(ad_square(ad_flatten(t)));
}

static ad_array *product_of_sums(ad_array *a, ad_array *b)
{
    return ad_mul(ad_sum(a), ad_sum(b));
}

static ad_tree *each_squared(ad_tree *t)
{
    return ad_tree_map(ad_square, t);
}

static ad_array *sum_of_checkpointed(ad_tree *t)
{
    return sum_of_squares(ad_checkpoint(each_squared)(t));
}

static void *use_many(void *unused)
{
    (void)unused;
    AD_SCOPE;
    ad_tree *t = ad_unstack(ad_ones(AD_SHAPE(MANY))), *tangent;
    ck_assert_int_eq(ad_tree_count(t), MANY);
    assert_close(ad_item(ad_sum(ad_stack(ad_tree_map2(product_of_sums, t, t)))), MANY, 0);
    assert_close(ad_item(ad_tree_get(ad_tree_set(t, "99999", ad_scalar(2)), "99999")), 2, 0);
    assert_close(ad_item(ad_sum(ad_flatten(ad_unflatten(t, ad_flatten(t))))), MANY, 0);
    assert_close(ad_item(ad_sum(ad_flatten(ad_grad(sum_of_squares)(t)))), 2 * MANY, 0);
    assert_close(ad_item(ad_sum(ad_flatten(ad_grad(sum_of_checkpointed)(t)))), 4 * MANY, 0);
    ck_assert(ad_jvp(each_squared, t, t, &tangent));
    assert_close(ad_item(ad_sum(ad_flatten(tangent))), 2 * MANY, 0);
    ad_pullback *pull;
    ck_assert(ad_vjp(each_squared, t, &pull));
    assert_close(ad_item(ad_sum(ad_flatten(ad_vjp_apply_any(pull, t)))), 2 * MANY, 0);
    ad_vjp_free(pull);
    ck_assert_msg(ad_check_grads(sum_of_squares, t, .order = 1, .modes = AD_FWD), "%s", ad_error_message());
    return NULL;
}

START_TEST(trees_of_100000_leaves_on_a_stack_of_256_kib)
{
    on_a_small_stack(use_many, NULL);
}
END_TEST

START_TEST(a_list_of_two_million_entries)
{
    AD_SCOPE;
    ad_tree *t = ad_unstack(ad_zeros(AD_SHAPE(2000000)));
    ck_assert_int_eq(ad_tree_count(t), 2000000);
}
END_TEST

/* ---- threads ---- */

static ad_array *network(ad_tree *p, ad_array *x)
{
    ad_array *h = ad_tanh(ad_add(ad_matmul(x, ad_tree_get(p, "W")), ad_tree_get(p, "b")));
    return ad_sum(ad_logsumexp(ad_matmul(h, ad_tree_get(p, "V")), .axis = 1));
}

static ad_array *squared_gradient(ad_tree *p, ad_array *x)
{
    ad_tree *g = ad_grad(network)(p, x);
    return ad_sum(ad_square(ad_flatten(g)));
}

enum { NUMBERS = 5 * 4 + 4 + 4 * 3 };

static void nested_gradient(double *out)
{
    AD_SCOPE;
    ad_tree *p = ad_tree_of("W", ad_random_normal(ad_random_key(1), AD_SHAPE(5, 4)), "b", ad_random_normal(ad_random_key(2), AD_SHAPE(4)), "V",
                            ad_random_normal(ad_random_key(3), AD_SHAPE(4, 3)));
    ad_array *x = ad_random_normal(ad_random_key(4), AD_SHAPE(6, 5));
    ad_copy_to(ad_flatten(ad_grad(squared_gradient)(p, x)), out, NUMBERS);
}

static void *nested_gradient_often(void *out)
{
    for (int i = 0; i < 50; i++)
        nested_gradient(out);
    return NULL;
}

START_TEST(eight_threads_give_the_serial_bits)
{
    double serial[NUMBERS], threaded[8][NUMBERS];
    pthread_t threads[8];
    nested_gradient(serial);
    ck_assert_msg(!ad_failed(), "%s", ad_error_message());
    for (int t = 0; t < 8; t++)
        ck_assert_int_eq(pthread_create(&threads[t], NULL, nested_gradient_often, threaded[t]), 0);
    for (int t = 0; t < 8; t++) {
        pthread_join(threads[t], NULL);
        ck_assert(memcmp(serial, threaded[t], sizeof serial) == 0);
    }
}
END_TEST

static ad_array *smuggled;
static ad_code code_in_thread;

static void *use_smuggled(void *unused)
{
    (void)unused;
    ad_mul(smuggled, 2);
    code_in_thread = ad_error_code();
    return NULL;
}

static ad_array *smuggles(ad_array *x)
{
    pthread_t thread;
    smuggled = ad_mul(x, 3);
    pthread_create(&thread, NULL, use_smuggled, NULL);
    pthread_join(thread, NULL);
    return smuggled;
}

START_TEST(a_traced_value_in_another_thread_is_an_error)
{
    assert_close(ad_item(ad_grad(smuggles)(ad_scalar(1))), 3, 0);
    ck_assert_int_eq(code_in_thread, AD_ERROR_THREAD);
    smuggled = ad_scalar(2);
    use_smuggled(NULL);
    ck_assert_int_eq(ad_error_code(), AD_OK);
}
END_TEST

static ad_pullback *pull_of_another_thread;

static void *pull_here(void *code)
{
    ck_assert(!ad_vjp_apply(pull_of_another_thread, ad_scalar(1)));
    *(ad_code *)code = ad_error_code();
    return NULL;
}

START_TEST(a_pullback_in_another_thread_is_an_error)
{
    pthread_t thread;
    ad_code code = AD_OK;
    ad_vjp(ad_sin, ad_scalar(1), &pull_of_another_thread);
    pthread_create(&thread, NULL, pull_here, &code);
    pthread_join(thread, NULL);
    ck_assert_int_eq(code, AD_ERROR_THREAD);
    ad_vjp_free(pull_of_another_thread);
}
END_TEST

static ad_array *plus_one_and_two[2];

static ad_tree *plus_numbers(ad_array *x)
{
    return ad_list_of(ad_add(x, 1), ad_add(x, 2));
}

/* Both sums have one and the same tangent. */
static void *differentiate_for_others(void *unused)
{
    (void)unused;
    ad_array *x = ad_scalar(1), *g, *v = ad_value_and_grad(ad_sin)(x, &g);
    ad_tree *tangents, *sums = ad_jvp(plus_numbers, x, ad_scalar(1), &tangents);
    for (int i = 0; i < 2; i++)
        plus_one_and_two[i] = ad_retain(ad_tree_array_at(sums, i));
    return ad_retain(v);
}

START_TEST(values_of_a_finished_differentiation_are_good_in_other_threads)
{
    pthread_t thread;
    void *value;
    pthread_create(&thread, NULL, differentiate_for_others, NULL);
    pthread_join(thread, &value);
    assert_close(ad_item(ad_mul((ad_array *)value, 2)), 2 * sin(1), 1e-15);
    assert_close(ad_item(ad_add(plus_one_and_two[0], plus_one_and_two[1])), 5, 0);
    ad_release((ad_array *)value);
    ad_release(plus_one_and_two[0]);
    ad_release(plus_one_and_two[1]);
}
END_TEST

/* ---- growth ---- */

static ad_array *small_function(ad_array *x)
{
    return ad_sum(ad_mul(ad_tanh(x), ad_exp(ad_neg(ad_square(x)))));
}

START_TEST(a_gradient_loop_of_100000_rounds_does_not_grow)
{
    ad_memory_usage before, after;
    ad_array *x = ad_from((double[]){ 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0 }, AD_SHAPE(10));
    for (int i = 0; i < 100000; i++) {
        if (i == 10)
            ad_memory_stats(&before);
        AD_SCOPE;
        ad_item(ad_sum((i % 2 ? ad_grad(small_function) : ad_grad(ad_grad(ad_sum)))(x)));
        ad_clear_error();
    }
    ad_memory_stats(&after);
    ck_assert_int_eq(after.live, before.live);
    if (is_cached())
        ck_assert_int_eq(after.system_allocations, before.system_allocations);
}
END_TEST

static ad_array *inner(ad_array *y)
{
    return ad_sum(ad_square(y));
}

static int64_t live_after_inner[2];

static ad_array *many_inner_gradients(ad_array *x)
{
    ad_array *kept = ad_mul(x, 2);
    for (int i = 0; i < 2000; i++) {
        AD_SCOPE;
        ad_grad(inner)(ad_stop_gradient(x));
        ad_memory_usage usage;
        ad_memory_stats(&usage);
        live_after_inner[i > 100] = usage.live;
    }
    return ad_sum(kept);
}

START_TEST(inner_gradients_leave_nothing_on_an_outer_tape)
{
    assert_close(ad_item(ad_sum(ad_grad(many_inner_gradients)(ad_ones(AD_SHAPE(100))))), 200, 1e-15);
    /* slots keep their numbers, so pages of 256 may still be in use: some tens of kilobytes, not 2000 gradients */
    ck_assert_msg(live_after_inner[1] < live_after_inner[0] + 100000, "live bytes grew from %lld to %lld", (long long)live_after_inner[0],
                  (long long)live_after_inner[1]);
}
END_TEST

/* ---- out of memory ---- */

START_TEST(every_allocation_of_a_nested_gradient_may_fail)
{
    double want[NUMBERS], got[NUMBERS];
    nested_gradient(want); /* makes what lives as long as the thread: closures, scope stack, tape */
    int64_t n = 1, survived = 0;
    for (; survived < 3; n++) {
        ad_memory_usage before, after;
        ad_memory_stats(&before);
        ad_memory_fail_after(n);
        nested_gradient(got);
        ad_memory_fail_after(0);
        ad_memory_stats(&after);
        ck_assert_msg(before.live == after.live, "failing allocation %lld leaks %lld bytes", (long long)n, (long long)(after.live - before.live));
        if (!ad_failed()) {
            survived++;
            continue;
        }
        ck_assert_msg(ad_error_code() == AD_ERROR_MEMORY, "allocation %lld: %s", (long long)n, ad_error_message());
        ad_clear_error();
    }
    ck_assert_int_gt(n, 150); /* so many allocations there are */
    nested_gradient(got);
    ck_assert(memcmp(want, got, sizeof want) == 0);
}
END_TEST

/* ---- scopes ---- */

START_TEST(scopes_drop_and_escape)
{
    ad_memory_usage before, after;
    ad_memory_stats(&before);
    ad_array *kept;
    ad_scope outer = ad_scope_open();
    {
        AD_SCOPE;
        for (int i = 0; i < 1000; i++)
            ad_ones(AD_SHAPE(1000));
        kept = ad_escape(ad_full(AD_SHAPE(2), 3));
    }
    assert_array(kept, AD_SHAPE(2), 0, 3, 3);
    ad_scope_open(); /* closed by its outer one */
    ad_ones(AD_SHAPE(1000));
    ad_scope_close(outer);
    ad_memory_stats(&after);
    ck_assert_msg(after.live - before.live < 20000, "%lld bytes are left", (long long)(after.live - before.live)); /* the stack of scopes */
}
END_TEST

START_TEST(errors_stay_until_cleared_and_null_passes_through)
{
    ck_assert(ad_add(NULL, 1) == NULL);
    ck_assert_int_eq(ad_error_code(), AD_ERROR_VALUE);
    ad_clear_error();
    ad_array *x = ad_matmul(ad_ones(AD_SHAPE(3, 4)), ad_ones(AD_SHAPE(5, 6)));
    ck_assert(ad_sum(ad_mul(ad_exp(x), 2)) == NULL);
    ck_assert_str_eq(ad_error_message(), "ad_matmul: shapes (3,4) and (5,6) do not align (4 != 5)");
    ck_assert(isnan(ad_item(x)));
    ck_assert_int_eq(ad_error_code(), AD_ERROR_SHAPE);
    ad_clear_error();
    assert_close(ad_item(ad_add(ad_scalar(1), 1)), 2, 0);
}
END_TEST

/* ---- many functions ---- */

struct asking {
    int64_t functions;
    double seconds;
};

/* Functions from a language binding or a JIT are many. These are never called. */
static void *ask_for_gradients(void *pointer)
{
    struct asking *asking = pointer;
    struct timespec start, end;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
    for (int64_t i = 0; i < asking->functions; i++)
        ck_assert(ad_grad_fn(ad_function_of((void (*)(void))(uintptr_t)(0x10000 + 16 * i), "a(a)"), 0) != NULL);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    asking->seconds = (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
    return NULL;
}

static double seconds_for(int64_t functions)
{
    double least = INFINITY;
    for (int i = 0; i < 3; i++) {
        struct asking asking = { .functions = functions };
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, ask_for_gradients, &asking), 0);
        pthread_join(thread, NULL);
        least = fmin(least, asking.seconds);
    }
    return least;
}

/* A list of them would take 64 times as long for eight times as many. */
START_TEST(asking_for_a_gradient_takes_as_long_with_many_functions)
{
    double few = seconds_for(2000), many = seconds_for(16000);
    ck_assert_msg(many < 24 * few, "%g s for 2000 functions, %g s for 16000", few, many);
}
END_TEST

/* ---- results that do not fit ---- */

static ad_array *sines(ad_array *x)
{
    return ad_sin(x);
}

static ad_array *sum_of_sines(ad_array *x)
{
    return ad_sum(ad_sin(x));
}

/* A Jacobian is written once, and not begun where it has no room. */
START_TEST(a_jacobian_is_made_in_place_or_refused_at_once)
{
    enum { N = 1000 };
    ad_array *x = ad_linspace(0, 1, .num = N);
    ad_memory_usage now;
    for (int hessian = 0; hessian < 2; hessian++) {
        AD_SCOPE;
        ad_memory_stats(&now);
        ad_memory_limit(now.live + N * N * (int64_t)sizeof(double) * 5 / 4);
        ck_assert_msg((hessian ? ad_hessian(sum_of_sines) : ad_jacobian(sines))(x) != NULL, "%s", ad_error_message());
        ad_memory_limit(0);
    }
    ad_memory_stats(&now);
    ad_memory_limit(now.live + N * N * (int64_t)sizeof(double));
    assert_fails(ad_jacobian(sines)(x), AD_ERROR_MEMORY, "ad_jacobian: out of memory");
    ad_memory_limit(0);
}
END_TEST

RUN_TESTS("hazards", asking_for_a_gradient_takes_as_long_with_many_functions, a_jacobian_is_made_in_place_or_refused_at_once,
          a_million_operations_on_a_stack_of_256_kib, trees_of_100000_leaves_on_a_stack_of_256_kib, a_list_of_two_million_entries,
          eight_threads_give_the_serial_bits, a_traced_value_in_another_thread_is_an_error, a_pullback_in_another_thread_is_an_error,
          values_of_a_finished_differentiation_are_good_in_other_threads, a_gradient_loop_of_100000_rounds_does_not_grow,
          inner_gradients_leave_nothing_on_an_outer_tape, every_allocation_of_a_nested_gradient_may_fail, scopes_drop_and_escape,
          errors_stay_until_cleared_and_null_passes_through)
