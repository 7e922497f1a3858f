/* Everything a run can do beside training: other methods than reversal, states to go on from, losses along the way,
 * directions, progress, errors. */
#include "testing.h"
#include <hyperopt/hyperopt.h>

enum { T = 12, N = 5 };

/* Nonlinear, with theta, and another loss for every iteration. */
static ad_array *loss(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    (void)context;
    ad_array *w = ad_tree_get(x, "w"), *b = ad_tree_get(x, "b");
    ad_array *wrong = ad_sub(ad_sin(ad_add(w, b)), ad_mul(ad_tree_get(theta, "aim"), 1 + 0.1 * (double)(iteration % 3)));
    return ad_add(ad_sum(ad_square(wrong)), ad_mul(ad_exp(ad_tree_get(theta, "penalty")), ad_sum(ad_square(w))));
}

static ad_tree *hypers(void)
{
    ad_tree *x = ad_tree_of("w", ad_linspace(-1, 1, .num = N), "b", 0.3), *theta = ad_tree_of("aim", ad_linspace(0, 0.5, .num = N), "penalty", -2.0);
    return ad_tree_of("x", x, "alpha", ad_linspace(0.1, 0.3, .num = T), "beta", ad_tree_of("w", 0.8, "b", ad_linspace(0.5, 0.9, .num = T)), "theta", theta);
}

static ad_array *norm_of_trained(ad_tree *h, void *training)
{
    ad_tree *x = hyper_sgd(training, h);
    return x ? ad_sum(ad_square(ad_sub(ad_flatten(x), 0.2))) : NULL;
}

static ad_tree *hyper_sgd_of(ad_tree *h, void *training)
{
    return hyper_sgd(training, h);
}

static ad_array *norm_of_state(ad_tree *h, void *training)
{
    ad_tree *s = hyper_sgd_state(training, h);
    return s ? ad_add(ad_sum(ad_square(ad_flatten(ad_tree_sub(s, "x")))), ad_sum(ad_mul(ad_flatten(ad_tree_sub(s, "v")), 3))) : NULL;
}

static ad_array *meta_loss(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    (void)context;
    ad_array *wrong = ad_sub(ad_tree_get(x, "w"), ad_tree_get(theta, "aim"));
    return ad_mul(ad_add(ad_sum(ad_square(wrong)), ad_tree_get(x, "b")), 1 + 0.01 * (double)iteration);
}

static ad_array *along(ad_tree *h, void *training)
{
    return hyper_sgd_along(training, h);
}

static void assert_same_gradients(ad_tree *a, ad_tree *b, double tolerance)
{
    ck_assert_msg(a && b, "%s", ad_error_message());
    ad_array *difference = ad_max(ad_abs(ad_sub(ad_flatten(a), ad_flatten(b))));
    ck_assert_msg(ad_item(difference) <= tolerance, "gradients differ by %g", ad_item(difference));
}

static ad_array *equal(ad_array *a, ad_array *b)
{
    return ad_all(ad_equal(a, b));
}

static hyper_training with(hyper_method method)
{
    return (hyper_training){ .loss = loss, .iterations = T, .method = method, .meta_loss = meta_loss, .meta_every = 5, .last_iterations = T };
}

/* ---- methods ---- */

START_TEST(all_methods_train_to_the_same_bits)
{
    hyper_training reverse = with(HYPER_REVERSE);
    ad_array *expected = ad_flatten(hyper_sgd(&reverse, hypers()));
    for (int method = HYPER_STORE; method <= HYPER_IMPLICIT; method++) {
        hyper_training other = with((hyper_method)method);
        ck_assert(ad_item(ad_all(ad_equal(ad_flatten(hyper_sgd(&other, hypers())), expected))));
    }
}
END_TEST

START_TEST(reversal_storage_checkpoints_tangents_and_the_whole_of_a_truncation_agree)
{
    static ad_array *(*const functions[])(ad_tree *, void *) = { norm_of_trained, norm_of_state, along };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        hyper_training reverse = with(HYPER_REVERSE);
        ad_tree *(*gradient)(ad_tree *, void *) = ad_grad(functions[i]), *expected = gradient(hypers(), &reverse);
        for (int method = HYPER_STORE; method <= HYPER_TRUNCATED; method++) {
            hyper_training other = with((hyper_method)method);
            assert_same_gradients(gradient(hypers(), &other), expected, 1e-9);
        }
    }
}
END_TEST

START_TEST(checkpoints_keep_to_any_memory_that_holds_one)
{
    hyper_training reverse = with(HYPER_REVERSE), checkpoint = with(HYPER_CHECKPOINT);
    ad_tree *(*gradient)(ad_tree *, void *) = ad_grad(norm_of_trained), *expected = gradient(hypers(), &reverse);
    for (size_t memory = 1000; memory <= 8000; memory += 500) {
        checkpoint.checkpoint_memory = memory;
        assert_same_gradients(gradient(hypers(), &checkpoint), expected, 1e-12);
    }
    checkpoint.checkpoint_memory = 10;
    assert_fails(gradient(hypers(), &checkpoint), AD_ERROR_MEMORY, "checkpoint_memory is 10 bytes");
}
END_TEST

START_TEST(a_truncated_pass_sees_the_last_iterations_only)
{
    hyper_report report = { 0 };
    hyper_training whole = with(HYPER_REVERSE), truncated = with(HYPER_TRUNCATED);
    truncated.last_iterations = 3;
    truncated.report = &report;
    ad_tree *(*gradient)(ad_tree *, void *) = ad_grad(norm_of_trained), *all = gradient(hypers(), &whole), *last = gradient(hypers(), &truncated);
    ck_assert_msg(last != NULL, "%s", ad_error_message());
    ck_assert(report.reversed_exactly);
    ck_assert(ad_item(ad_max(ad_abs(ad_at(ad_tree_get(last, "alpha"), ":9")))) == 0);
    ck_assert(ad_item(ad_max(ad_abs(ad_sub(ad_at(ad_tree_get(last, "alpha"), "9:"), ad_at(ad_tree_get(all, "alpha"), "9:"))))) < 1e-12);
    ck_assert(ad_item(ad_max(ad_abs(ad_flatten(ad_tree_sub(last, "x"))))) == 0);
    truncated.last_iterations = 0;
    assert_fails(hyper_sgd(&truncated, hypers()), AD_ERROR_VALUE, "last 0 iterations");
}
END_TEST

/* L = (x - theta)' A (x - theta) / 2 has its minimum at theta: dx/dtheta = 1. */
static ad_array *bowl(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    (void)iteration, (void)context;
    ad_array *from = ad_sub(ad_tree_get(x, "w"), ad_tree_get(theta, "minimum"));
    return ad_sum(ad_mul(ad_square(from), ad_from((double[]){ 0.5, 1, 2 }, AD_SHAPE(3))));
}

static ad_array *weighted(ad_tree *h, void *training)
{
    ad_tree *x = hyper_sgd(training, h);
    return x ? ad_sum(ad_mul(ad_tree_get(x, "w"), ad_from((double[]){ 1, 10, 100 }, AD_SHAPE(3)))) : NULL;
}

START_TEST(implicit_derivatives_are_those_of_the_minimum)
{
    hyper_report report = { 0 };
    hyper_training training = { .loss = bowl, .iterations = 300, .method = HYPER_IMPLICIT, .report = &report, .solver_iterations = 1000 };
    ad_tree *h = ad_tree_of("x", ad_tree_of("w", ad_zeros(AD_SHAPE(3))), "alpha", 0.3, "beta", 0.5, "theta", ad_tree_of("minimum", ad_ones(AD_SHAPE(3))));
    for (int solver = HYPER_CONJUGATE_GRADIENTS; solver <= HYPER_NEUMANN; solver++) {
        training.solver = (hyper_solver)solver;
        ad_tree *g = ad_grad(weighted)(h, (void *)&training);
        ck_assert_msg(g != NULL, "%s", ad_error_message());
        assert_array(ad_tree_get(g, "theta/minimum"), AD_SHAPE(3), 1e-4, 1, 10, 100);
        assert_close(ad_item(ad_tree_get(g, "alpha")), 0, 0);
        ck_assert_double_lt(report.residual, 2e-4);
    }
}
END_TEST

static ad_array *saddle(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    (void)iteration, (void)context;
    return ad_sum(ad_mul(ad_square(ad_tree_get(x, "w")), ad_mul(ad_tree_get(theta, "minimum"), ad_from((double[]){ 1, -1, 1 }, AD_SHAPE(3)))));
}

START_TEST(conjugate_gradients_refuse_a_saddle)
{
    hyper_training training = { .loss = saddle, .iterations = 3, .method = HYPER_IMPLICIT };
    ad_tree *h = ad_tree_of("x", ad_tree_of("w", ad_zeros(AD_SHAPE(3))), "alpha", 0.3, "beta", 0.5, "theta", ad_tree_of("minimum", ad_ones(AD_SHAPE(3))));
    assert_fails(ad_grad(weighted)(h, (void *)&training), AD_ERROR_NUMERIC, "not positive definite");
}
END_TEST

/* ---- going on ---- */

static ad_tree *go_on(ad_tree *state, ad_tree *h, bool exact)
{
    ad_tree *next = ad_tree_of("x", ad_tree_sub(state, "x"), "v", ad_tree_sub(state, "v"), "alpha", 0.2, "beta", 0.9, "theta", ad_tree_sub(h, "theta"));
    return exact ? ad_tree_set(next, "exact", ad_tree_get(state, "exact")) : next;
}

static ad_tree *constant_rates(ad_tree *h)
{
    return ad_tree_of("x", ad_tree_sub(h, "x"), "alpha", 0.2, "beta", 0.9, "theta", ad_tree_sub(h, "theta"));
}

static ad_array *two_halves(ad_tree *h, void *unused)
{
    (void)unused;
    hyper_training first = { .loss = loss, .iterations = T }, second = { .loss = loss, .iterations = T, .first = T };
    ad_tree *state = hyper_sgd_state(&first, constant_rates(h));
    ad_tree *x = state ? hyper_sgd(&second, go_on(state, h, true)) : NULL;
    return x ? ad_sum(ad_square(ad_flatten(x))) : NULL;
}

static ad_array *one_whole(ad_tree *h, void *unused)
{
    (void)unused;
    hyper_training whole = { .loss = loss, .iterations = 2 * T };
    return ad_sum(ad_square(ad_flatten(hyper_sgd(&whole, constant_rates(h)))));
}

START_TEST(two_runs_are_one_of_twice_the_length_to_the_bit)
{
    hyper_training whole = { .loss = loss, .iterations = 2 * T }, first = { .loss = loss, .iterations = T },
                   second = { .loss = loss, .iterations = T, .first = T };
    ad_tree *h = hypers(), *state = hyper_sgd_state(&first, constant_rates(h));
    ad_tree *once = hyper_sgd_state(&whole, constant_rates(h)), *twice = hyper_sgd_state(&second, go_on(state, h, true));
    ck_assert_msg(once && twice, "%s", ad_error_message());
    ck_assert(ad_item(equal(ad_tree_get(once, "exact"), ad_tree_get(twice, "exact"))));
    ad_tree *rounded = hyper_sgd_state(&second, go_on(state, h, false));
    assert_same_gradients(ad_tree_sub(rounded, "x"), ad_tree_sub(once, "x"), 1e-12);
    assert_same_gradients(ad_grad(two_halves)(h, NULL), ad_grad(one_whole)(h, NULL), 1e-11);
}
END_TEST

START_TEST(integers_of_another_state_are_refused)
{
    hyper_training training = { .loss = loss, .iterations = T };
    ad_tree *h = hypers(), *state = hyper_sgd_state(&training, constant_rates(h)), *next = go_on(state, h, true);
    assert_fails(hyper_sgd(&training, ad_tree_set(next, "x/w", ad_zeros(AD_SHAPE(N)))), AD_ERROR_VALUE, "\"exact\" does not belong to this \"x\"");
    assert_fails(hyper_sgd(&training, ad_tree_set(next, "exact", ad_zeros(AD_SHAPE(3), .dtype = AD_I64))), AD_ERROR_VALUE,
                 "\"exact\" is not that of a state with 6");
    training.v_bits = 50;
    assert_fails(hyper_sgd(&training, next), AD_ERROR_VALUE, "these units");
}
END_TEST

/* ---- along the way ---- */

START_TEST(the_mean_along_the_way_is_that_of_shorter_runs)
{
    hyper_training training = with(HYPER_REVERSE);
    ad_tree *h = ad_tree_of("x", ad_tree_sub(hypers(), "x"), "alpha", 0.2, "beta", 0.9, "theta", ad_tree_sub(hypers(), "theta"));
    double expected = 0;
    for (int t = 5; t <= T; t += 5) {
        hyper_training shorter = { .loss = loss, .iterations = t };
        expected += ad_item(meta_loss(hyper_sgd(&shorter, h), ad_tree_sub(h, "theta"), t, NULL)) / 2;
    }
    assert_close(ad_item(along(h, &training)), expected, 1e-15);
    training.meta_every = T + 1;
    assert_fails(along(h, &training), AD_ERROR_VALUE, "every 13 of 12 iterations");
}
END_TEST

START_TEST(derivatives_of_every_kind_of_run_are_those_of_differences)
{
    static ad_array *(*const functions[])(ad_tree *, void *) = { norm_of_trained, norm_of_state, along };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        hyper_training training = with(HYPER_REVERSE);
        ck_assert_msg(ad_check_grads(functions[i], hypers(), (void *)&training), "%zu: %s", i, ad_error_message());
    }
}
END_TEST

/* ---- directions ---- */

/* The gradient, clipped to a norm smoothly. */
static ad_tree *clipped(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    (void)context, (void)iteration;
    ad_array *w = ad_tree_get(x, "w"), *wrong = ad_sub(ad_sin(w), ad_tree_get(theta, "aim"));
    ad_array *slope = ad_mul(2, ad_mul(wrong, ad_cos(w))), *size = ad_sqrt(ad_sum(ad_square(slope)));
    return ad_tree_of("w", ad_div(slope, ad_maximum(1, ad_div(size, 0.5))), "b", ad_mul(ad_tree_get(x, "b"), ad_tree_get(theta, "penalty")));
}

/* Two players: w descends, b ascends (w - aim) b - b^2 / 2. */
static ad_tree *game(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    (void)iteration, (void)context;
    ad_array *w = ad_tree_get(x, "w"), *b = ad_tree_get(x, "b");
    ad_array *away = ad_sub(w, ad_tree_get(theta, "aim"));
    return ad_tree_of("w", ad_mul(b, ad_ones_like(w)), "b", ad_sub(b, ad_sum(away)));
}

START_TEST(directions_that_are_no_gradients_are_reversed)
{
    static ad_tree *(*const directions[])(ad_tree *, ad_tree *, int64_t, void *) = { clipped, game };
    for (size_t i = 0; i < sizeof directions / sizeof *directions; i++) {
        for (int method = HYPER_REVERSE; method <= HYPER_FORWARD; method++) {
            hyper_report report = { 0 };
            hyper_training training = { .direction = directions[i], .iterations = T, .method = (hyper_method)method, .report = &report };
            ck_assert_msg(ad_check_grads(norm_of_trained, hypers(), (void *)&training, .order = 1), "%zu: %s", i, ad_error_message());
            ck_assert(method != HYPER_REVERSE || report.reversed_exactly);
        }
    }
}
END_TEST

static ad_tree *of_another_shape(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    (void)theta, (void)context;
    ad_array *w = ad_tree_get(x, "w");
    return iteration < 2 ? x : iteration == 2 ? ad_tree_of("w", ad_at(w, ":2"), "b", 1.0) : ad_tree_of("w", w);
}

START_TEST(directions_unlike_x_are_refused)
{
    hyper_training training = { .direction = of_another_shape, .iterations = T };
    assert_fails(hyper_sgd(&training, hypers()), AD_ERROR_SHAPE,
                 "the direction for x/w has shape (2,), not (5,) (in iteration 2 of hyper_sgd)");
    training.first = 3;
    assert_fails(hyper_sgd(&training, hypers()), AD_ERROR_SHAPE, "another structure than x");
    training.loss = loss;
    assert_fails(hyper_sgd(&training, hypers()), AD_ERROR_VALUE, "has both");
    training.direction = NULL;
    training.loss = NULL;
    assert_fails(hyper_sgd(&training, hypers()), AD_ERROR_VALUE, "no loss");
}
END_TEST

/* ---- progress ---- */

struct seen {
    int64_t calls, stop_at;
    double loss[T], x_norm;
    ad_tree *x;
};

static bool observe(const hyper_progress *progress, void *context)
{
    struct seen *seen = context;
    if (progress->iteration != seen->calls || progress->iterations != T || !(progress->gradient_norm > 0))
        return false;
    seen->loss[seen->calls++] = progress->loss;
    seen->x_norm = progress->x_norm;
    if (seen->calls == 3)
        seen->x = ad_retain(progress->x);
    return seen->calls != seen->stop_at;
}

START_TEST(every_iteration_is_observed_once)
{
    struct seen seen = { 0 };
    hyper_training training = { .loss = loss, .iterations = T, .observe = observe, .context = &seen }, shorter = { .loss = loss, .iterations = 3 };
    ad_tree *h = constant_rates(hypers()), *g = ad_grad(norm_of_trained)(h, (void *)&training);
    ck_assert_msg(g != NULL, "%s", ad_error_message());
    ck_assert_int_eq(seen.calls, T);
    assert_close(seen.loss[0], ad_item(loss(ad_tree_sub(h, "x"), ad_tree_sub(h, "theta"), 0, NULL)), 1e-15);
    ck_assert(seen.loss[T - 1] < seen.loss[0]);
    assert_same_gradients(seen.x, hyper_sgd(&shorter, h), 0);
    training.observe = NULL;
    assert_close(seen.x_norm, sqrt(ad_item(ad_sum(ad_square(ad_flatten(hyper_sgd(&training, h)))))), 1e-12);
    ad_release(seen.x);
}
END_TEST

START_TEST(an_observer_can_cancel)
{
    struct seen seen = { .stop_at = 5 };
    hyper_training training = { .loss = loss, .iterations = T, .observe = observe, .context = &seen };
    assert_fails(hyper_sgd(&training, constant_rates(hypers())), AD_ERROR_CANCELLED, "cancelled by observe after iteration 4");
    ad_release(seen.x);
}
END_TEST

/* ---- errors ---- */

static ad_array *failing_loss(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    (void)theta, (void)context;
    ad_array *w = ad_tree_get(x, "w");
    return ad_sum(iteration == 4 ? ad_add(w, ad_ones(AD_SHAPE(3))) : ad_square(w));
}

START_TEST(an_error_in_the_loss_says_in_which_iteration)
{
    hyper_training training = { .loss = failing_loss, .iterations = T };
    assert_fails(hyper_sgd(&training, constant_rates(hypers())), AD_ERROR_SHAPE, "(in iteration 4 of hyper_sgd)");
    ad_set_error(AD_ERROR_USER, "later");
    ck_assert_str_eq(ad_error_message(), "later");
    ad_clear_error();
}
END_TEST

static ad_array *nan_loss(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    (void)theta, (void)context;
    return ad_add(ad_sum(ad_square(ad_flatten(x))), iteration == 2 ? NAN : 0.0);
}

START_TEST(a_nan_loss_with_a_finite_gradient_is_an_error)
{
    hyper_training training = { .loss = nan_loss, .iterations = T };
    assert_fails(hyper_sgd(&training, constant_rates(hypers())), AD_ERROR_NUMERIC, "iteration 2: the loss is NaN");
}
END_TEST

static ad_array *closing_loss(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    (void)theta, (void)iteration;
    return ad_mul(ad_sum(ad_square(ad_flatten(x))), *(ad_array **)context);
}

static ad_array *over_a_closure(ad_array *penalty, void *unused)
{
    (void)unused;
    hyper_training training = { .loss = closing_loss, .iterations = T, .context = &penalty };
    return ad_sum(ad_flatten(hyper_sgd(&training, constant_rates(hypers()))));
}

static ad_array *along_over_a_closure(ad_array *penalty, void *unused)
{
    (void)unused;
    hyper_training training = { .loss = failing_loss, .meta_loss = closing_loss, .meta_every = 2, .iterations = 4, .context = &penalty };
    return hyper_sgd_along(&training, constant_rates(hypers()));
}

START_TEST(a_meta_loss_that_closes_over_what_is_differentiated_is_an_error)
{
    ck_assert(along_over_a_closure(ad_scalar(1), NULL) != NULL);
    assert_fails(ad_grad(along_over_a_closure)(ad_scalar(1), NULL), AD_ERROR_TRANSFORM, "the meta_loss depends on an array");
}
END_TEST

START_TEST(a_loss_that_closes_over_what_is_differentiated_is_an_error)
{
    ck_assert(over_a_closure(ad_scalar(1), NULL) != NULL);
    assert_fails(ad_grad(over_a_closure)(ad_scalar(1), NULL), AD_ERROR_TRANSFORM, "neither in x nor in theta");
    assert_fails(ad_deriv(over_a_closure)(ad_scalar(1), NULL), AD_ERROR_TRANSFORM, "neither in x nor in theta");
}
END_TEST

START_TEST(units_say_what_the_range_is)
{
    hyper_training training = { .loss = loss, .iterations = T, .x_bits = 62 };
    ad_tree *h = ad_tree_set(constant_rates(hypers()), "x/b", ad_scalar(3));
    assert_fails(hyper_sgd(&training, h), AD_ERROR_NUMERIC, "the initial value of x/b, element 0, is 3; the range of x is +-2");
    training.x_bits = 40;
    ck_assert(hyper_sgd(&training, ad_tree_set(h, "x/b", ad_scalar(5000))) != NULL);
    training.x_bits = 63;
    assert_fails(hyper_sgd(&training, h), AD_ERROR_VALUE, "1 to 62 bits");
}
END_TEST

START_TEST(a_later_plain_run_keeps_the_report_of_the_reversal)
{
    hyper_report report = { 0 };
    hyper_training training = with(HYPER_REVERSE);
    training.report = &report;
    ck_assert(ad_grad(norm_of_trained)(hypers(), (void *)&training) != NULL);
    hyper_report before = report;
    ck_assert(before.reversed_exactly && before.growth > 0 && !before.chaotic && before.memory_bytes > 0);
    ck_assert(hyper_sgd(&training, hypers()) != NULL);
    ck_assert(report.reversed_exactly && report.seconds_reverse == before.seconds_reverse && report.growth == before.growth);
}
END_TEST

/* One parameter, and steps that are too long by far: every one multiplies it, and the cotangent, by about -3. */
START_TEST(a_run_whose_gradient_explodes_is_called_chaotic)
{
    hyper_report report = { 0 };
    hyper_training training = { .loss = bowl, .iterations = T, .report = &report };
    ad_tree *h =
        ad_tree_of("x", ad_tree_of("w", ad_full(AD_SHAPE(3), 1e-6)), "alpha", 1.3, "beta", 1e-3, "theta", ad_tree_of("minimum", ad_zeros(AD_SHAPE(3))));
    ad_tree *g = ad_grad(weighted)(h, (void *)&training);
    ck_assert_msg(g != NULL, "%s", ad_error_message());
    ck_assert(report.chaotic && report.growth > 3 && report.growth < 5 && report.amplification > 1e4);
    training.growth_limit = 1e12;
    g = ad_grad(weighted)(h, (void *)&training);
    ck_assert(g != NULL && !report.chaotic);
}
END_TEST

START_TEST(a_spill_file_that_cannot_be_used_is_found_before_training)
{
    struct seen seen = { 0 };
    hyper_training training = { .loss = loss, .iterations = T, .observe = observe, .context = &seen, .spill = fopen("/dev/full", "w+b") };
    if (!training.spill)
        return;
    assert_fails(hyper_sgd(&training, constant_rates(hypers())), AD_ERROR_IO, "spill file");
    ck_assert_int_eq(seen.calls, 0);
    fclose(training.spill);
}
END_TEST

/* Rates that lie in memory in another order than their own, or share it. */
START_TEST(rates_may_be_views)
{
    ad_tree *all = hypers(), *views[2], *gradients[2], *tangents[2];
    ad_tree *x = ad_tree_sub(all, "x"), *aims = ad_tree_sub(all, "theta");
    ad_array *shared = ad_full(AD_SHAPE(T), 0.2), *turned = ad_flip(ad_linspace(0.5, 0.9, .num = T));
    views[0] = ad_tree_of("x", x, "alpha", shared, "beta", ad_tree_of("w", 0.8, "b", turned), "theta", aims);
    views[1] = ad_tree_of("x", x, "alpha", ad_copy(shared), "beta", ad_tree_of("w", 0.8, "b", ad_copy(turned)), "theta", aims);
    for (int method = HYPER_REVERSE; method <= HYPER_TRUNCATED; method++) {
        hyper_training training = with((hyper_method)method);
        for (int i = 0; i < 2; i++) {
            gradients[i] = ad_grad(norm_of_trained)(views[i], (void *)&training);
            tangents[i] = NULL;
            ad_jvp(hyper_sgd_of, views[i], (void *)&training, views[i], &tangents[i]);
            ck_assert_msg(gradients[i] && tangents[i], "%s", ad_error_message());
        }
        ck_assert(ad_item(equal(ad_flatten(gradients[0]), ad_flatten(gradients[1]))));
        ck_assert(ad_item(equal(ad_flatten(tangents[0]), ad_flatten(tangents[1]))));
    }
}
END_TEST

/* Several strips, several threads. */
static ad_array *wide_loss(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    (void)iteration, (void)context;
    ad_array *w = ad_astype(ad_tree_get(x, "w"), AD_F64);
    return ad_add(ad_sum(ad_mul(ad_square(w), ad_tree_get(theta, "weights"))), ad_sum(ad_square(ad_tree_get(x, "b"))));
}

START_TEST(any_number_of_threads_gives_the_same_bits)
{
    enum { WIDE = 70000 };
    ad_array *w = ad_astype(ad_sin(ad_arange(0.0, WIDE)), AD_F32), *rows = ad_reshape(ad_linspace(0.01, 0.3, .num = 7), AD_SHAPE(7, 1));
    ad_tree *x = ad_tree_of("w", ad_reshape(w, AD_SHAPE(7, 10000)), "b", ad_ones(AD_SHAPE(3)));
    ad_tree *h = ad_tree_of("x", x, "alpha", ad_tree_of("w", rows, "b", 0.1), "beta",
                            ad_tree_of("w", ad_reshape(ad_linspace(0.3, 0.95, .num = WIDE), AD_SHAPE(7, 10000)), "b", 0.9), "theta",
                            ad_tree_of("weights", ad_linspace(0.5, 1, .num = 10000)));
    ad_array *result[2];
    for (int i = 0; i < 2; i++) {
        hyper_report report = { 0 };
        hyper_training training = { .loss = wide_loss, .iterations = 5, .report = &report };
        ad_set_num_threads(1 + 2 * i);
        ad_tree *g = ad_grad(norm_of_trained)(h, (void *)&training);
        ck_assert_msg(g && report.reversed_exactly, "%s", ad_error_message());
        result[i] = ad_flatten(g);
    }
    ad_set_num_threads(0);
    ck_assert(ad_item(equal(result[0], result[1])));
}
END_TEST

RUN_TESTS("hyperopt_methods", all_methods_train_to_the_same_bits, reversal_storage_checkpoints_tangents_and_the_whole_of_a_truncation_agree,
          checkpoints_keep_to_any_memory_that_holds_one, a_truncated_pass_sees_the_last_iterations_only, implicit_derivatives_are_those_of_the_minimum,
          conjugate_gradients_refuse_a_saddle, two_runs_are_one_of_twice_the_length_to_the_bit, integers_of_another_state_are_refused,
          the_mean_along_the_way_is_that_of_shorter_runs, derivatives_of_every_kind_of_run_are_those_of_differences,
          directions_that_are_no_gradients_are_reversed, directions_unlike_x_are_refused, every_iteration_is_observed_once, an_observer_can_cancel,
          an_error_in_the_loss_says_in_which_iteration, a_nan_loss_with_a_finite_gradient_is_an_error,
          a_meta_loss_that_closes_over_what_is_differentiated_is_an_error,
          a_loss_that_closes_over_what_is_differentiated_is_an_error, units_say_what_the_range_is, a_later_plain_run_keeps_the_report_of_the_reversal,
          a_run_whose_gradient_explodes_is_called_chaotic,
          a_spill_file_that_cannot_be_used_is_found_before_training, rates_may_be_views, any_number_of_threads_gives_the_same_bits)
