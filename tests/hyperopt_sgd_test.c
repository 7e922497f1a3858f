/* Hypergradients: exact reversal, the price of it, and its gradients against stored trajectories and differences. */
#include "hyperopt_network.h"
#include "testing.h"
#include <hyperopt/hyperopt.h>

/* theta = { penalty, data (6,3), targets int64 }. */

static ad_array *training_loss(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    (void)context;
    ad_array *wrong = ad_sub(prediction(x, ad_mul(ad_tree_get(theta, "data"), 1 + 0.1 * (double)(iteration % 3))), ad_tree_get(theta, "targets"));
    ad_array *penalty = ad_mul(ad_exp(ad_tree_get(theta, "penalty")), ad_sum(ad_square(ad_tree_get(x, "hidden/W"))));
    return ad_add(ad_mean(ad_square(wrong)), penalty);
}

static ad_array *validation_loss(ad_tree *x)
{
    return ad_sum(ad_square(ad_sub(prediction(x, noise(77, AD_SHAPE(6, 3))), 0.5)));
}

static ad_array *meta_loss(ad_tree *hypers, void *training)
{
    ad_tree *trained = hyper_sgd(training, hypers);
    return trained ? validation_loss(trained) : NULL;
}

static ad_tree *parameters(int64_t seed)
{
    return ad_tree_of("hidden", ad_tree_of("W", noise(seed, AD_SHAPE(3, 4)), "b", noise(seed + 1, AD_SHAPE(4))), "out", noise(seed + 2, AD_SHAPE(4)));
}

static ad_tree *theta(void)
{
    ad_array *targets = ad_from_data(AD_I64, (int64_t[]){ 0, 1, 0, 1, 1, 0 }, AD_SHAPE(6));
    return ad_tree_of("penalty", -3.0, "data", noise(5, AD_SHAPE(6, 3)), "targets", targets);
}

static ad_tree *hypers_of(ad_tree *rates, ad_tree *momenta)
{
    return ad_tree_of("theta", theta(), "alpha", rates, "x", parameters(1), "beta", momenta, "v", ad_tree_map2((ad_sub), parameters(1), parameters(2)));
}

enum { T = 20 };

/* A scalar, a vector over time and a full array, in both schedules. */
static ad_tree *various(void)
{
    ad_tree *rates = ad_tree_of("hidden", ad_tree_of("W", 0.3, "b", ad_add(0.2, ad_mul(0.1, noise(3, AD_SHAPE(T))))), "out",
                                ad_add(0.2, ad_mul(0.1, ad_reshape(noise(4, AD_SHAPE(T)), AD_SHAPE(T, 1)))));
    ad_tree *momenta = ad_tree_of("hidden", ad_tree_of("W", ad_add(0.5, ad_mul(0.3, noise(6, AD_SHAPE(3, 4)))), "b", 0.9), "out",
                                  ad_add(0.7, ad_mul(0.2, noise(7, AD_SHAPE(T)))));
    return hypers_of(rates, momenta);
}

static ad_tree *simple(double alpha, double beta)
{
    return ad_tree_of("x", parameters(1), "alpha", alpha, "beta", beta, "theta", theta());
}

START_TEST(a_thousand_iterations_are_reversed_to_the_bit_at_the_price_of_the_bound)
{
    hyper_report report = { 0 };
    hyper_training training = { .loss = training_loss, .iterations = 1000, .report = &report };
    ad_tree *g = ad_grad(meta_loss)(simple(0.1, 0.9), (void *)&training);
    ck_assert_msg(g != NULL, "%s", ad_error_message());
    ck_assert(report.reversed_exactly);
    ck_assert_msg(fabs(report.bits_per_step / report.bound - 1) < 0.01, "%g bits, bound %g", report.bits_per_step, report.bound);
    ck_assert_double_eq_tol(report.bound, log2(10 / 9.0), 1e-12);
    ck_assert_int_lt(report.buffer_bytes * 100, report.trajectory_bytes);
}
END_TEST

START_TEST(reversal_and_a_stored_trajectory_give_the_same_gradients)
{
    hyper_training reverse = { .loss = training_loss, .iterations = T }, stored = { .loss = training_loss, .iterations = T, .method = HYPER_STORE };
    ad_tree *a = ad_grad(meta_loss)(various(), (void *)&reverse), *b = ad_grad(meta_loss)(various(), (void *)&stored);
    ck_assert_msg(a && b, "%s", ad_error_message());
    ck_assert(ad_tree_same_structure(a, various()));
    ad_array *x = ad_flatten(a), *y = ad_flatten(b);
    double one[ad_size(x)], other[ad_size(x)];
    ad_copy_to(x, one, ad_size(x));
    ad_copy_to(y, other, ad_size(x));
    for (int64_t i = 0; i < ad_size(x); i++)
        assert_close(one[i], other[i], 1e-6);
}
END_TEST

/* (f(x + h d) - f(x - h d)) / 2h with f the exact integer dynamics, extrapolated once, whose momenta are rounded: their
 * steps should not be too small. */
static double meta_at(ad_tree *hypers, const char *path, ad_array *direction, double h, hyper_training *training)
{
    AD_SCOPE;
    return ad_item(meta_loss(ad_tree_set(hypers, path, ad_add(ad_tree_get(hypers, path), ad_mul(h, direction))), training));
}

static double difference(ad_tree *hypers, const char *path, ad_array *direction, double h, hyper_training *training)
{
    return (meta_at(hypers, path, direction, h, training) - meta_at(hypers, path, direction, -h, training)) / (2 * h);
}

static void compare_with_differences(ad_tree *hypers, ad_tree *gradient, const char *path, ad_array *direction, double h, hyper_training *training)
{
    double coarse = difference(hypers, path, direction, 2 * h, training), fine = difference(hypers, path, direction, h, training);
    double expected = (4 * fine - coarse) / 3, actual = ad_item(ad_sum(ad_mul(ad_tree_get(gradient, path), direction)));
    ck_assert_msg(is_close(actual, expected, 1e-6), "%s: gradient %.12g, differences %.12g (%s)", path, actual, expected, ad_error_message());
}

START_TEST(gradients_are_those_of_the_exact_dynamics)
{
    static const char *const smooth[] = { "x/hidden/W", "x/hidden/b", "x/out", "v/hidden/W", "v/out", "alpha/hidden/W", "alpha/hidden/b", "alpha/out",
                                          "theta/penalty", "theta/data" };
    static const char *const rounded[] = { "beta/hidden/W", "beta/hidden/b", "beta/out" };
    hyper_training training = { .loss = training_loss, .iterations = T };
    ad_tree *hypers = various(), *g = ad_grad(meta_loss)(hypers, (void *)&training);
    ck_assert_msg(g != NULL, "%s", ad_error_message());
    for (size_t i = 0; i < sizeof smooth / sizeof *smooth; i++)
        compare_with_differences(hypers, g, smooth[i], noise(90 + (int64_t)i, ad_shape_of(ad_tree_get(hypers, smooth[i]))), 1e-3, &training);
    for (size_t i = 0; i < sizeof rounded / sizeof *rounded; i++)
        compare_with_differences(hypers, g, rounded[i], ad_ones(ad_shape_of(ad_tree_get(hypers, rounded[i]))), 2e-3, &training);
}
END_TEST

START_TEST(integer_parameters_get_zero)
{
    hyper_training training = { .loss = training_loss, .iterations = 3 };
    ad_tree *g = ad_grad(meta_loss)(simple(0.1, 0.9), (void *)&training);
    assert_array(ad_tree_get(g, "theta/targets"), AD_SHAPE(6), 0, 0, 0, 0, 0, 0, 0);
}
END_TEST

/* L = a x^2 / 2, by hand: v = -(1-b) a x, x' = x (1 - alpha (1-b) a). */
static ad_array *quadratic(ad_tree *x, ad_tree *none, int64_t iteration, void *context)
{
    (void)none, (void)iteration;
    return ad_mul(*(double *)context / 2, ad_sum(ad_square(ad_tree_get(x, "x"))));
}

static ad_array *trained_value(ad_tree *hypers, void *training)
{
    return ad_sum(ad_tree_get(hyper_sgd(training, hypers), "x"));
}

START_TEST(one_step_by_hand)
{
    double a = 3;
    hyper_training training = { .loss = quadratic, .context = &a, .iterations = 1 };
    ad_tree *hypers = ad_tree_of("x", ad_tree_of("x", 2.0), "alpha", 0.25, "beta", 0.5);
    assert_close(ad_item(trained_value(hypers, &training)), 2 * (1 - 0.25 * 0.5 * 3), 1e-15);
    ad_tree *g = ad_grad(trained_value)(hypers, (void *)&training);
    assert_close(ad_item(ad_tree_get(g, "x/x")), 1 - 0.25 * 0.5 * 3, 1e-15);
    assert_close(ad_item(ad_tree_get(g, "alpha")), -0.5 * 3 * 2, 1e-15);
    assert_close(ad_item(ad_tree_get(g, "beta")), 0.25 * 3 * 2, 1e-15);
}
END_TEST

START_TEST(no_iterations_change_nothing)
{
    double a = 3;
    hyper_training training = { .loss = quadratic, .context = &a };
    ad_tree *hypers = ad_tree_of("x", ad_tree_of("x", 2.0), "alpha", 0.25, "beta", 0.5);
    ad_tree *g = ad_grad(trained_value)(hypers, (void *)&training);
    assert_close(ad_item(trained_value(hypers, &training)), 2, 0);
    assert_close(ad_item(ad_tree_get(g, "x/x")), 1, 0);
    assert_close(ad_item(ad_tree_get(g, "alpha")), 0, 0);
}
END_TEST

START_TEST(float32_parameters_stay_float32)
{
    double a = 1;
    hyper_report report = { 0 };
    hyper_training training = { .loss = quadratic, .context = &a, .iterations = 50, .report = &report };
    ad_tree *hypers = ad_tree_of("x", ad_tree_of("x", ad_astype(noise(1, AD_SHAPE(5)), AD_F32)), "alpha", 0.5, "beta", 0.9);
    ck_assert_int_eq(ad_dtype_of(ad_tree_get(hyper_sgd(&training, hypers), "x")), AD_F32);
    ad_tree *g = ad_grad(trained_value)(hypers, (void *)&training);
    ck_assert_msg(g && report.reversed_exactly, "%s", ad_error_message());
    ck_assert_int_eq(ad_dtype_of(ad_tree_get(g, "x/x")), AD_F32);
}
END_TEST

static ad_array *drifting_loss(ad_tree *x, ad_tree *none, int64_t iteration, void *context)
{
    (void)none;
    int *calls = context;
    return ad_mul(iteration == 4 ? 1 + 1e-9 * (*calls)++ : 1, ad_sum(ad_square(ad_tree_get(x, "x"))));
}

START_TEST(a_loss_that_changes_is_reported_where_it_does)
{
    int calls = 0;
    hyper_training training = { .loss = drifting_loss, .context = &calls, .iterations = 10 };
    ad_tree *hypers = ad_tree_of("x", ad_tree_of("x", 2.0), "alpha", 0.1, "beta", 0.5);
    assert_fails(ad_grad(trained_value)(hypers, (void *)&training), AD_ERROR_NUMERIC, "iteration 4");
}
END_TEST

START_TEST(what_leaves_the_range_is_named)
{
    double a = 1000;
    hyper_training training = { .loss = quadratic, .context = &a, .iterations = 10 };
    assert_fails(hyper_sgd(&training, ad_tree_of("x", ad_tree_of("x", 2.0), "alpha", 1.0, "beta", 0.5)), AD_ERROR_NUMERIC, "x/x");
    assert_fails(hyper_sgd(&training, ad_tree_of("x", ad_tree_of("x", 5000.0), "alpha", 1.0, "beta", 0.5)), AD_ERROR_NUMERIC, "initial value of x/x");
    a = NAN;
    assert_fails(hyper_sgd(&training, ad_tree_of("x", ad_tree_of("x", 2.0), "alpha", 1.0, "beta", 0.5)), AD_ERROR_NUMERIC, "iteration 0: the gradient of x/x");
}
END_TEST

START_TEST(wrong_hyperparameters_are_refused)
{
    double a = 1;
    hyper_training training = { .loss = quadratic, .context = &a, .iterations = 10 };
    ad_tree *x = ad_tree_of("x", noise(1, AD_SHAPE(3)));
    assert_fails(hyper_sgd(&training, ad_tree_of("x", x, "alpha", 1.0, "beta", 0.0)), AD_ERROR_VALUE, "beta is 0; it should be above 0 and at most 1");
    assert_fails(hyper_sgd(&training, ad_tree_of("x", x, "alpha", 1.0, "beta", ad_tree_of("x", ad_at_set(ad_full(AD_SHAPE(10), 0.5), 2, "3")))), AD_ERROR_VALUE,
                 "beta of x/x is 2 at element 3 of 10");
    assert_fails(hyper_sgd(&training, ad_tree_of("x", x, "alpha", NAN, "beta", 0.5)), AD_ERROR_VALUE, "alpha is nan; it should be a finite number");
    assert_fails(hyper_sgd(&training, ad_tree_of("x", x, "alpha", 1.0)), AD_ERROR_VALUE, "no \"beta\"");
    assert_fails(hyper_sgd(&training, ad_tree_of("x", x, "alpha", 1.0, "beta", 0.5, "gamma", 1.0)), AD_ERROR_VALUE, "gamma");
    assert_fails(hyper_sgd(&training, ad_tree_of("x", x, "alpha", noise(1, AD_SHAPE(9)), "beta", 0.5)), AD_ERROR_SHAPE, "(9,)");
    assert_fails(hyper_sgd(&training, ad_tree_of("x", x, "alpha", ad_tree_of("x", noise(1, AD_SHAPE(9, 3))), "beta", 0.5)), AD_ERROR_SHAPE, "(9,3)");
    assert_fails(hyper_sgd(&training, ad_tree_of("x", x, "alpha", ad_tree_of("y", 1.0), "beta", 0.5)), AD_ERROR_VALUE, "structure");
    assert_fails(hyper_sgd(&training, ad_tree_of("x", ad_ones(AD_SHAPE(3)), "alpha", 1.0, "beta", 0.5)), AD_ERROR_VALUE, "should be a tree");
    ck_assert_ptr_null(hyper_sgd(&training, NULL));
    ad_clear_error();
}
END_TEST

static ad_array *along_alpha(ad_array *alpha, void *training)
{
    return trained_value(ad_tree_of("x", ad_tree_of("x", 2.0), "alpha", alpha, "beta", 0.5), training);
}

/* One step from x: x (1 - alpha c), c = (1-b) a; two with v: the polynomial below, twice differentiated by hand. */
START_TEST(second_derivatives_go_through_floating_point)
{
    double a = 3, alpha = 0.25, c = 0.5 * a;
    hyper_training training = { .loss = quadratic, .context = &a, .iterations = 2 };
    ad_array *(*first)(ad_array *, void *) = ad_grad(along_alpha), *(*second)(ad_array *, void *) = ad_grad(first);
    for (int method = HYPER_REVERSE; method <= HYPER_FORWARD; method++) {
        training.method = (hyper_method)method;
        /* v2 = -c x1, x2 = x1 (1 - alpha c), v3 = b v2 - c x2, x3 = x2 + alpha v3 = 2 (1 - (2 + b) alpha c + alpha^2
         * c^2) */
        assert_close(ad_item(first(ad_scalar(alpha), &training)), 2 * (-2.5 * c + 2 * alpha * c * c), 1e-14);
        assert_close(ad_item(second(ad_scalar(alpha), &training)), 4 * c * c, 1e-13);
        assert_close(ad_item(ad_deriv(along_alpha)(ad_scalar(alpha), (void *)&training)), 2 * (-2.5 * c + 2 * alpha * c * c), 1e-14);
    }
}
END_TEST

static ad_array *along_rates(ad_array *x, void *training)
{
    ad_tree *hypers = ad_tree_set(ad_tree_set(various(), "theta/penalty", ad_sum(x)), "alpha/hidden/W", ad_square(ad_sum(x)));
    return meta_loss(ad_tree_set(hypers, "x/out", x), training);
}

/* The modes are not mixed: fixed point multiplies a velocity with an error of up to 2^-36, which they are held to be
 * closer than. */
START_TEST(derivatives_of_a_stored_run_hold_to_second_order_in_both_modes)
{
    hyper_training training = { .loss = training_loss, .iterations = T, .method = HYPER_STORE };
    ck_assert_msg(ad_check_grads(along_rates, noise(8, AD_SHAPE(4)), (void *)&training, .modes = AD_REV), "%s", ad_error_message());
    ck_assert_msg(ad_check_grads(along_rates, noise(8, AD_SHAPE(4)), (void *)&training, .modes = AD_FWD), "%s", ad_error_message());
}
END_TEST

START_TEST(forward_and_reverse_mode_agree)
{
    hyper_training training = { .loss = training_loss, .iterations = T };
    ad_tree *hypers = various(), *g = ad_grad(meta_loss)(hypers, (void *)&training);
    ad_array *tangent = NULL;
    ck_assert_msg(ad_jvp(meta_loss, hypers, (void *)&training, g, &tangent) != NULL, "%s", ad_error_message());
    assert_close(ad_item(tangent), ad_item(ad_sum(ad_square(ad_flatten(g)))), 1e-9);
}
END_TEST

static ad_array *trained_vector(ad_array *x, void *training)
{
    return ad_tree_get(hyper_sgd(training, ad_tree_of("x", ad_tree_of("x", x), "alpha", 0.25, "beta", 0.5)), "x");
}

START_TEST(a_jacobian_reverses_several_times)
{
    double a = 3;
    hyper_training training = { .loss = quadratic, .context = &a, .iterations = 2 };
    double d = 1 - 2.5 * 0.25 * 1.5 + 0.0625 * 2.25;
    assert_array(ad_jacobian(trained_vector)(noise(1, AD_SHAPE(2)), (void *)&training), AD_SHAPE(2, 2), 1e-14, d, 0, 0, d);
}
END_TEST

START_TEST(naive_reversal_drifts_and_exact_reversal_does_not)
{
    hyper_report report = { 0 };
    hyper_training training = { .loss = training_loss, .iterations = 300, .report = &report };
    ad_tree *errors = hyper_naive_reversal(&training, simple(0.1, 0.9), AD_F32);
    ck_assert_msg(errors != NULL, "%s", ad_error_message());
    ck_assert(ad_shape_equal(ad_shape_of(ad_tree_get(errors, "naive")), AD_SHAPE(301)));
    double naive[301], exact[301];
    ad_copy_to(ad_tree_get(errors, "naive"), naive, 301);
    ad_copy_to(ad_tree_get(errors, "exact"), exact, 301);
    for (int t = 0; t <= 300; t++)
        ck_assert(exact[t] == 0);
    ck_assert(naive[300] == 0 && naive[299] < 1e-6);
    ck_assert_msg(!(naive[150] < 1e-3), "after 150 iterations back the naive error is only %g", naive[150]);
    ck_assert(report.reversed_exactly);
}
END_TEST

START_TEST(a_spill_file_changes_nothing)
{
    hyper_report report = { 0 };
    hyper_training training = { .loss = training_loss, .iterations = 200, .report = &report };
    double expected = ad_item(ad_tree_get(ad_grad(meta_loss)(simple(0.1, 0.5), (void *)&training), "alpha"));
    training.spill = tmpfile();
    training.buffer_memory = 64;
    ck_assert_double_eq(ad_item(ad_tree_get(ad_grad(meta_loss)(simple(0.1, 0.5), (void *)&training), "alpha")), expected);
    ck_assert(report.reversed_exactly);
    fclose(training.spill);
}
END_TEST

START_TEST(memory_does_not_grow_with_the_iterations)
{
    int64_t peak[2];
    for (int i = 0; i < 2; i++) {
        AD_SCOPE;
        hyper_training training = { .loss = training_loss, .iterations = i ? 400 : 40 };
        ad_memory_usage before, after;
        ad_memory_stats(&before);
        ck_assert(ad_grad(meta_loss)(simple(0.1, 0.9), (void *)&training) != NULL);
        ad_memory_stats(&after);
        peak[i] = after.peak;
        ck_assert_int_ge(after.live + 4096, before.live);
    }
    ck_assert_int_lt(peak[1], peak[0] + 65536);
}
END_TEST

static int64_t live_bytes(void)
{
    ad_memory_usage usage;
    ad_memory_stats(&usage);
    return usage.live;
}

/* The gradient with the n-th allocation failing; false if it did fail. */
static bool survives(ad_tree *hypers, hyper_training *training, int64_t n)
{
    AD_SCOPE;
    ad_tree *(*gradient)(ad_tree *, void *) = ad_grad(meta_loss);
    ad_memory_fail_after(n);
    ad_tree *g = gradient(hypers, training);
    ad_memory_fail_after(0);
    ck_assert_msg(g || ad_error_code() == AD_ERROR_MEMORY, "failing after %lld: error %d \"%s\"", (long long)n, (int)ad_error_code(), ad_error_message());
    ad_clear_error();
    return g != NULL;
}

/* Every allocation up to the 200th, and then ever fewer. Twice each: the first time the stack of scopes may still
 * grow. */
START_TEST(every_allocation_may_fail)
{
    hyper_training training = { .loss = training_loss, .iterations = T };
    ad_tree *hypers = various();
    bool survived = false;
    ck_assert(ad_grad(meta_loss)(hypers, (void *)&training) != NULL); /* makes what lives as long as the thread */
    for (int64_t n = 1; !survived; n += 1 + n / 200) {
        survives(hypers, &training, n);
        int64_t before = live_bytes();
        survived = survives(hypers, &training, n);
        ck_assert_msg(live_bytes() == before, "failing after %lld: %lld bytes before, %lld after", (long long)n, (long long)before, (long long)live_bytes());
    }
}
END_TEST

enum { MANY = 12000 };

static ad_array *sum_of_squares(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    (void)theta, (void)iteration, (void)context;
    return ad_sum(ad_square(ad_flatten(x)));
}

/* One step with alpha = beta = 1/2 halves x. */
static ad_array *squares_of_half(ad_tree *hypers, void *training)
{
    ad_tree *x = hyper_sgd(training, hypers);
    return x ? ad_sum(ad_square(ad_flatten(x))) : NULL;
}

static ad_array *squares_of_gradient(ad_tree *hypers, void *training)
{
    ad_tree *g = ad_grad(squares_of_half)(hypers, training);
    return g ? ad_sum(ad_square(ad_flatten(ad_tree_sub(g, "x")))) : NULL;
}

static void *train_many(void *unused)
{
    (void)unused;
    AD_SCOPE;
    hyper_training training = { .loss = sum_of_squares, .iterations = 1, .method = HYPER_STORE };
    ad_tree *hypers = ad_tree_of("x", ad_unstack(ad_ones(AD_SHAPE(MANY))), "alpha", 0.5, "beta", 0.5);
    ad_tree *g = ad_grad(squares_of_half)(hypers, (void *)&training);
    assert_close(ad_item(ad_sum(ad_flatten(ad_tree_sub(g, "x")))), MANY / 2, 1e-12);
    g = ad_grad(squares_of_gradient)(hypers, (void *)&training);
    assert_close(ad_item(ad_sum(ad_flatten(ad_tree_sub(g, "x")))), MANY / 2, 1e-12);
    return NULL;
}

START_TEST(parameters_of_12000_leaves_on_a_stack_of_256_kib)
{
    on_a_small_stack(train_many, NULL);
}
END_TEST

START_TEST(a_pipe_cannot_take_the_buffer)
{
    FILE *pipe = popen("cat > /dev/null", "w");
    hyper_training training = { .loss = training_loss, .iterations = T, .spill = pipe };
    assert_fails(hyper_sgd(&training, simple(0.1, 0.9)), AD_ERROR_IO, "a pipe");
    pclose(pipe);
}
END_TEST

RUN_TESTS("hyperopt_sgd", one_step_by_hand, no_iterations_change_nothing, a_thousand_iterations_are_reversed_to_the_bit_at_the_price_of_the_bound,
          reversal_and_a_stored_trajectory_give_the_same_gradients, gradients_are_those_of_the_exact_dynamics, integer_parameters_get_zero,
          float32_parameters_stay_float32, a_loss_that_changes_is_reported_where_it_does, what_leaves_the_range_is_named,
          wrong_hyperparameters_are_refused, second_derivatives_go_through_floating_point, derivatives_of_a_stored_run_hold_to_second_order_in_both_modes,
          forward_and_reverse_mode_agree, a_jacobian_reverses_several_times,
          naive_reversal_drifts_and_exact_reversal_does_not, a_spill_file_changes_nothing, memory_does_not_grow_with_the_iterations,
          a_pipe_cannot_take_the_buffer, parameters_of_12000_leaves_on_a_stack_of_256_kib, every_allocation_may_fail)
