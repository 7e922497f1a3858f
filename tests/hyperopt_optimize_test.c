/* The loop around hypergradients: what it finds, what it gives back, how it ends, and what it refuses. */
#include "testing.h"
#include <hyperopt/hyperopt.h>
#include <stdio.h>

/* ---- problems with known answers ---- */

/* Sum over the leaves a (an array) and b/0 of (x - target)^2, minimal at a = 3, -1 and b/0 = 0.25. */
static ad_array *bowl(ad_tree *hypers, ad_key key, void *context)
{
    (void)key, (void)context;
    ad_array *a = ad_sub(ad_tree_get(hypers, "a"), VECTOR(3, -1)), *b = ad_sub(ad_tree_get(hypers, "b/0"), 0.25);
    return ad_add(ad_sum(ad_square(a)), ad_sum(ad_square(b)));
}

static ad_tree *bowl_start(void)
{
    return ad_tree_of("a", VECTOR(0, 0), "b", ad_list_of(ad_scalar(0.5), ad_arange(3)), "n", 7);
}

/* (log(a) - log(20))^2 + (logit(b) - logit(0.99))^2. */
static ad_array *scales(ad_tree *hypers, ad_key key, void *context)
{
    (void)key, (void)context;
    ad_array *a = ad_tree_get(hypers, "rate/a"), *b = ad_tree_get(hypers, "momentum");
    return ad_add(ad_sum(ad_square(ad_log(ad_div(a, 20)))), ad_sum(ad_square(ad_sub(ad_log(ad_div(b, ad_sub(1, b))), log(99)))));
}

/* |x| up to noise of the key. */
static ad_array *noisy(ad_tree *hypers, ad_key key, void *context)
{
    (void)context;
    return ad_add(ad_sum(ad_square(ad_tree_get(hypers, "x"))), ad_mul(0.1, ad_sum(ad_mul(ad_random_normal(key, AD_SHAPE(2)), ad_tree_get(hypers, "x")))));
}

START_TEST(a_quadratic_is_minimised_by_every_optimizer)
{
    adnn_optimizer optimizers[] = { adnn_sgd(.step_size = 0.1), adnn_sgd(.step_size = 0.02, .momentum = 0.8), adnn_adam(.step_size = 0.1),
                                    adnn_adamw(.step_size = 0.1, .weight_decay = 0), adnn_rmsprop(.step_size = 0.02), adnn_adagrad(.step_size = 1) };
    for (size_t i = 0; i < sizeof optimizers / sizeof *optimizers; i++) {
        ad_tree *found = hyper_optimize(bowl, bowl_start(), .optimizer = optimizers[i], .iterations = 400);
        ck_assert_msg(found && ad_tree_same_structure(found, bowl_start()), "%s", ad_error_message());
        double tolerance = optimizers[i].rule == ADNN_RMSPROP ? 0.02 : 1e-5; /* its steps do not become smaller */
        assert_array(ad_tree_get(found, "a"), AD_SHAPE(2), tolerance, 3, -1);
        assert_array(ad_tree_get(found, "b/0"), AD_SCALAR_SHAPE, tolerance, 0.25);
    }
}
END_TEST

static ad_array *plane(ad_tree *hypers, ad_key key, void *context)
{
    (void)key, (void)context;
    return ad_tree_get(hypers, "x");
}

START_TEST(annealed_steps_fall_linearly_to_zero)
{
    ad_tree *start = ad_tree_of("x", 0.0);
    ad_tree *found = hyper_optimize(plane, start, .optimizer = adnn_sgd(.step_size = 0.1), .anneal = true, .iterations = 5, .returns = HYPER_LAST);
    assert_close(ad_item(ad_tree_get(found, "x")), -0.1 * (1 + 0.8 + 0.6 + 0.4 + 0.2), 1e-14);
    found = hyper_optimize(plane, start, .optimizer = adnn_adam(.step_size = 0.1), .anneal = true, .iterations = 5, .returns = HYPER_LAST);
    assert_close(ad_item(ad_tree_get(found, "x")), -0.1 * (1 + 0.8 + 0.6 + 0.4 + 0.2), 1e-6);
}
END_TEST

START_TEST(leaves_of_integers_and_fixed_ones_stay_as_they_are)
{
    ad_tree *found = hyper_optimize(bowl, bowl_start(), .iterations = 5, .fixed = " a ,n");
    assert_array(ad_tree_get(found, "a"), AD_SHAPE(2), 0, 0, 0);
    assert_array(ad_tree_get(found, "b/1"), AD_SHAPE(3), 0, 0, 1, 2);
    ck_assert_int_eq(ad_dtype_of(ad_tree_get(found, "n")), AD_I64);
    ck_assert_int_eq(ad_item_int(ad_tree_get(found, "n")), 7);
    ck_assert(ad_item(ad_tree_get(found, "b/0")) < 0.5);
}
END_TEST

START_TEST(logarithms_and_logits_are_taken_by_path_and_given_back_in_natural_units)
{
    ad_tree *hypers = ad_tree_of("rate", ad_tree_of("a", VECTOR(0.5, 2000)), "momentum", VECTOR(0.5, 0.9999));
    ad_tree *found = hyper_optimize(scales, hypers, .iterations = 300, .optimizer = adnn_sgd(.step_size = 0.1), .log = "rate", .logit = "momentum");
    assert_array(ad_tree_get(found, "rate/a"), AD_SHAPE(2), 1e-9, 20, 20);
    assert_array(ad_tree_get(found, "momentum"), AD_SHAPE(2), 1e-9, 0.99, 0.99);
    /* One step by hand: log(0.5) - 0.1 * 2 log(0.5 / 20). */
    found = hyper_optimize(scales, hypers, .iterations = 1, .optimizer = adnn_sgd(.step_size = 0.1), .log = "rate/a", .logit = "momentum",
                           .returns = HYPER_LAST);
    assert_close(ad_item(ad_at(ad_tree_get(found, "rate/a"), "0")), exp(log(0.5) - 0.2 * log(0.5 / 20)), 1e-14);
}
END_TEST

START_TEST(the_round_trip_through_coordinates_keeps_the_digits)
{
    ad_array *small = ad_from((const double[]){ 1e-300, 1e-9, 0.1, 0.5, 0.9, 0.999999 }, AD_SHAPE(6));
    ad_array *single = ad_astype(ad_from((const double[]){ 1e-30, 1e-3, 1, 3e8 }, AD_SHAPE(4)), AD_F32);
    ad_tree *hypers = ad_tree_of("x", VECTOR(1, 1), "small", small, "single", single);
    ad_tree *found = hyper_optimize(noisy, hypers, .iterations = 1, .logit = "small", .log = "single", .returns = HYPER_LAST);
    ck_assert_msg(found != NULL, "%s", ad_error_message());
    ck_assert_int_eq(ad_dtype_of(ad_tree_get(found, "single")), AD_F32);
    for (int i = 0; i < 6; i++)
        assert_close(ad_item(ad_at(ad_div(ad_tree_get(found, "small"), small), "%d", i)), 1, 1e-12);
    for (int i = 0; i < 4; i++)
        assert_close(ad_item(ad_at(ad_div(ad_tree_get(found, "single"), single), "%d", i)), 1, 1e-5);
}
END_TEST

/* ---- what is given back, and told ---- */

struct told {
    double loss[64], norm[64], x[64], gradient[64], best[64];
    int count, stop_at;
    bool clipped[64], skipped[64];
};

static bool note(const hyper_meta_step *step, void *context)
{
    struct told *told = context;
    ck_assert_int_eq(step->iteration, told->count);
    ck_assert(step->seconds >= 0 && step->seconds_left >= 0);
    ck_assert_int_eq(step->gradient == NULL, step->skipped);
    told->loss[told->count] = step->loss;
    told->norm[told->count] = step->gradient_norm;
    told->best[told->count] = step->best_loss;
    told->clipped[told->count] = step->clipped;
    told->skipped[told->count] = step->skipped;
    told->x[told->count] = ad_item(ad_at(ad_tree_get(step->hypers, "x"), "0"));
    told->gradient[told->count] = step->gradient ? ad_item(ad_at(ad_tree_get(step->gradient, "x"), "0")) : NAN;
    return ++told->count != told->stop_at;
}

/* x^2 / 2 summed, as sgd with momentum overshoots it. */
static ad_array *half_square(ad_tree *hypers, ad_key key, void *context)
{
    (void)key, (void)context;
    return ad_mul(0.5, ad_sum(ad_square(ad_tree_get(hypers, "x"))));
}

START_TEST(the_best_hypers_are_those_with_the_smallest_loss_and_the_last_those_after_the_last_step)
{
    struct told told = { 0 };
    hyper_optimize_report report;
    ad_tree *best = hyper_optimize(half_square, ad_tree_of("x", VECTOR(2)), .iterations = 40, .optimizer = adnn_sgd(.step_size = 0.5, .momentum = 0.9),
                                   .on_step = note, .context = &told, .report = &report);
    ck_assert_msg(best != NULL, "%s", ad_error_message());
    int smallest = 0;
    double x = 2, v = 0;
    for (int i = 0; i < 40; i++) {
        smallest = told.loss[i] < told.loss[smallest] ? i : smallest;
        assert_close(told.x[i], x, 1e-12);
        assert_close(told.gradient[i], x, 1e-12);
        assert_close(told.norm[i], fabs(x), 1e-12);
        ck_assert_double_eq(told.best[i], told.loss[smallest]);
        v = 0.9 * v + x;
        x -= 0.5 * v;
    }
    ck_assert_int_eq(report.ending, HYPER_DONE);
    ck_assert_int_eq(report.best_iteration, smallest);
    ck_assert_double_eq(report.best_loss, told.loss[smallest]);
    ck_assert_double_eq(ad_item(ad_tree_get(best, "x")), told.x[smallest]);
    ck_assert_double_eq(ad_item(ad_tree_get(report.best, "x")), told.x[smallest]);
    assert_close(ad_item(ad_tree_get(report.last, "x")), x, 1e-12);
    ck_assert_int_eq(ad_size(report.losses), 40);
    ck_assert_double_eq(ad_item(ad_at(report.losses, "17")), told.loss[17]);
    ck_assert_double_eq(ad_item(ad_at(report.gradient_norms, "17")), told.norm[17]);
    ad_tree *last = hyper_optimize(half_square, ad_tree_of("x", VECTOR(2)), .iterations = 40, .optimizer = adnn_sgd(.step_size = 0.5, .momentum = 0.9),
                                   .returns = HYPER_LAST);
    assert_close(ad_item(ad_tree_get(last, "x")), x, 1e-12);
}
END_TEST

START_TEST(without_meta_iterations_hypers_come_back_unchanged)
{
    hyper_optimize_report report;
    for (hyper_returned returns = HYPER_BEST; returns <= HYPER_LAST; returns++) {
        ad_tree *found = hyper_optimize(half_square, ad_tree_of("x", VECTOR(0.1, 3)), .iterations = 0, .log = "x", .report = &report, .returns = returns);
        assert_array(ad_tree_get(found, "x"), AD_SHAPE(2), 0, 0.1, 3);
        ck_assert(report.ending == HYPER_DONE && report.iterations == 0 && report.best_iteration == -1 && isinf(report.best_loss));
        ck_assert_int_eq(ad_size(report.losses), 0);
    }
}
END_TEST

static ad_array *of_key(ad_tree *hypers, ad_key key, void *keys)
{
    ad_key *expected = keys;
    ad_key should = ad_random_fold_in(expected[0], expected[1].lo++);
    ck_assert(key.hi == should.hi && key.lo == should.lo);
    return half_square(hypers, key, NULL);
}

START_TEST(each_meta_iteration_has_a_key_of_its_own)
{
    ad_key keys[2] = { ad_random_key(5), { 0, 0 } };
    ck_assert(hyper_optimize(of_key, ad_tree_of("x", VECTOR(1)), .iterations = 10, .key = keys[0], .context = keys) != NULL);
    ck_assert_uint_eq(keys[1].lo, 10);
}
END_TEST

START_TEST(the_same_call_gives_the_same_bits)
{
    hyper_optimize_report report[2];
    double value[2][2];
    for (int i = 0; i < 2; i++) {
        ad_tree *found = hyper_optimize(noisy, ad_tree_of("x", VECTOR(1, -2)), .iterations = 30, .key = ad_random_key(3), .report = &report[i]);
        ck_assert(ad_copy_to(ad_tree_get(found, "x"), value[i], 2));
    }
    ck_assert_mem_eq(value[0], value[1], sizeof value[0]);
    ck_assert_mem_eq(ad_data(report[0].losses), ad_data(report[1].losses), 30 * sizeof(double));
}
END_TEST

START_TEST(a_callback_ends_the_optimisation_without_an_error)
{
    struct told told = { .stop_at = 7 };
    hyper_optimize_report report;
    ad_tree *found = hyper_optimize(half_square, ad_tree_of("x", VECTOR(2)), .iterations = 40, .on_step = note, .context = &told, .report = &report);
    ck_assert_msg(found && !ad_failed(), "%s", ad_error_message());
    ck_assert(report.ending == HYPER_CANCELLED && report.iterations == 7 && told.count == 7);
    ck_assert_int_eq(ad_size(report.losses), 7);
}
END_TEST

static bool fail_in_the_callback(const hyper_meta_step *step, void *context)
{
    (void)context;
    return step->iteration < 3 || ad_set_error(AD_ERROR_IO, "the disk is full") || true;
}

START_TEST(an_error_in_the_callback_is_an_error)
{
    hyper_optimize_report report;
    assert_fails(hyper_optimize(half_square, ad_tree_of("x", VECTOR(2)), .iterations = 40, .on_step = fail_in_the_callback, .report = &report), AD_ERROR_IO,
                 "the disk is full");
    ck_assert(report.ending == HYPER_FAILED && report.iterations == 4 && report.best && report.last);
}
END_TEST

/* ---- clipping, growth, failures ---- */

START_TEST(a_long_gradient_is_clipped_by_its_norm_in_coordinates)
{
    struct told told = { 0 };
    hyper_optimize_report report;
    ad_tree *found = hyper_optimize(half_square, ad_tree_of("x", VECTOR(30, 40)), .iterations = 2, .optimizer = adnn_sgd(.step_size = 1), .clip_norm = 5,
                                    .on_step = note, .context = &told, .report = &report, .returns = HYPER_LAST);
    assert_array(ad_tree_get(found, "x"), AD_SHAPE(2), 1e-14, 24, 32);
    ck_assert(told.clipped[0] && told.clipped[1] && report.clipped == 2);
    assert_close(told.norm[0], 50, 1e-14);
    assert_close(told.norm[1], 45, 1e-14);
    found = hyper_optimize(half_square, ad_tree_of("x", VECTOR(3, 4)), .iterations = 1, .optimizer = adnn_sgd(.step_size = 0.5), .clip_norm = 5,
                           .report = &report, .returns = HYPER_LAST);
    assert_array(ad_tree_get(found, "x"), AD_SHAPE(2), 0, 1.5, 2);
    ck_assert_int_eq(report.clipped, 0);
}
END_TEST

/* A gradient of 1 until meta-iteration 5, then of a million. */
static ad_array *cliff(ad_tree *hypers, ad_key key, void *calls)
{
    (void)key;
    return ad_sum(ad_mul(ad_tree_get(hypers, "x"), (*(int *)calls)++ < 5 ? 1 : 1e6));
}

START_TEST(a_hypergradient_that_grows_ends_the_optimisation_before_its_step)
{
    int calls = 0;
    hyper_optimize_report report;
    ad_tree *found = hyper_optimize(cliff, ad_tree_of("x", VECTOR(0)), .iterations = 50, .optimizer = adnn_sgd(.step_size = 1), .stop_growth = 100,
                                    .context = &calls, .report = &report, .returns = HYPER_LAST);
    assert_array(ad_tree_get(found, "x"), AD_SHAPE(1), 0, -5);
    ck_assert_int_eq(report.ending, HYPER_GREW);
    ck_assert_int_eq(report.iterations, 5);
    ck_assert_int_eq(ad_size(report.gradient_norms), 6);
    assert_close(report.growth, 1e6, 1e-12);
}
END_TEST

START_TEST(a_hypergradient_that_grows_is_clipped_to_a_multiple_of_the_median)
{
    int calls = 0;
    hyper_optimize_report report;
    ad_tree *found = hyper_optimize(cliff, ad_tree_of("x", VECTOR(0)), .iterations = 7, .optimizer = adnn_sgd(.step_size = 1), .clip_growth = 10,
                                    .context = &calls, .report = &report, .returns = HYPER_LAST);
    assert_array(ad_tree_get(found, "x"), AD_SHAPE(1), 1e-9, -25);
    ck_assert(report.ending == HYPER_DONE && report.clipped == 2);
}
END_TEST

/* How meta-iterations fail that stand in a list of digits: 1 NaN loss, 2 infinite gradient, 3 a training run that
 * diverges, 4 another error, 5 no result. */
struct fates {
    const char *fate;
    int calls;
};

static ad_array *doomed(ad_tree *hypers, ad_key key, void *context)
{
    struct fates *fates = context;
    ad_array *loss = half_square(hypers, key, NULL);
    switch (fates->fate[fates->calls++]) {
    case '1':
        return ad_mul(loss, NAN);
    case '2':
        return ad_sum(ad_sqrt(ad_sub(ad_tree_get(hypers, "x"), ad_stop_gradient(ad_tree_get(hypers, "x")))));
    case '3':
        return ad_set_error(AD_ERROR_NUMERIC, "hyper_sgd: it diverged");
    case '4':
        return ad_set_error(AD_ERROR_USER, "something else");
    case '5':
        return NULL;
    default:
        return loss;
    }
}

START_TEST(a_meta_iteration_that_fails_numerically_is_an_error_that_keeps_what_was_reached)
{
    static const struct {
        const char *fate, *sentence;
        ad_code code;
    } rows[] = {
        { "00010", "hyper_optimize: meta-iteration 3: the meta-loss is nan", AD_ERROR_NUMERIC },
        { "00020", "hyper_optimize: meta-iteration 3: the meta-loss is 0 and its gradient has the norm ", AD_ERROR_NUMERIC },
        { "00030", "hyper_optimize: meta-iteration 3: hyper_sgd: it diverged", AD_ERROR_NUMERIC },
        { "00040", "hyper_optimize: meta-iteration 3: something else", AD_ERROR_USER },
        { "00050", "hyper_optimize: meta-iteration 3: ", AD_ERROR_USER },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fates fates = { rows[i].fate, 0 };
        hyper_optimize_report report;
        assert_fails(hyper_optimize(doomed, ad_tree_of("x", VECTOR(2)), .iterations = 5, .context = &fates, .report = &report,
                                    .optimizer = adnn_sgd(.step_size = 0.5)), rows[i].code, rows[i].sentence);
        ck_assert(report.ending == HYPER_FAILED && report.iterations == 3 && report.best_iteration == 2);
        assert_array(ad_tree_get(report.best, "x"), AD_SHAPE(1), 0, 0.5);
        assert_array(ad_tree_get(report.last, "x"), AD_SHAPE(1), 0, 0.25);
    }
}
END_TEST

START_TEST(a_step_that_leaves_the_numbers_is_an_error_and_not_made)
{
    hyper_optimize_report report;
    assert_fails(hyper_optimize(half_square, ad_tree_of("x", VECTOR(2, 1)), .iterations = 5, .log = "x", .report = &report, .skip_failures = 3,
                                .optimizer = adnn_sgd(.step_size = 1e300, .momentum = -1e9)), AD_ERROR_NUMERIC, "leads to NaN or infinity");
    ck_assert_int_eq(report.iterations, 1);
    for (int i = 0; i < 2; i++)
        ck_assert(isfinite(ad_item(ad_at(ad_tree_get(report.last, "x"), "%d", i))));
}
END_TEST

/* note, where the context is that of doomed. */
static struct told *of_doomed;

static bool note_doomed(const hyper_meta_step *step, void *context)
{
    (void)context;
    return note(step, of_doomed);
}

START_TEST(failures_are_skipped_where_that_is_allowed)
{
    struct fates fates = { "0120130", 0 };
    struct told told = { 0 };
    hyper_optimize_report report;
    of_doomed = &told;
    ad_tree *found = hyper_optimize(doomed, ad_tree_of("x", VECTOR(2)), .iterations = 7, .context = &fates, .report = &report, .skip_failures = 2,
                                    .optimizer = adnn_sgd(.step_size = 0.5), .on_step = note_doomed, .returns = HYPER_LAST);
    ck_assert_msg(found && !ad_failed(), "%s", ad_error_message());
    assert_array(ad_tree_get(found, "x"), AD_SHAPE(1), 0, 0.25);
    ck_assert(report.skipped == 4 && report.iterations == 7 && report.ending == HYPER_DONE);
    ck_assert(!told.skipped[0] && told.skipped[1] && told.skipped[2] && !told.skipped[3] && isnan(told.loss[5]) && told.best[2] == told.loss[0]);
    fates = (struct fates){ "0110111", 0 };
    assert_fails(hyper_optimize(doomed, ad_tree_of("x", VECTOR(2)), .iterations = 7, .context = &fates, .skip_failures = 2, .report = &report),
                 AD_ERROR_NUMERIC, "meta-iteration 6");
    ck_assert_int_eq(report.iterations, 6);
    fates = (struct fates){ "040", 0 };
    assert_fails(hyper_optimize(doomed, ad_tree_of("x", VECTOR(2)), .iterations = 3, .context = &fates, .skip_failures = 9), AD_ERROR_USER, "something else");
}
END_TEST

/* ---- refusals ---- */

START_TEST(paths_and_values_that_do_not_fit_are_refused_with_path_and_value)
{
    ad_tree *hypers = ad_tree_of("alpha", ad_tree_of("W", VECTOR(0.1, 0), "b", 0.1), "beta", VECTOR(0.5, 1), "n", ad_arange(3), "z", ad_scalar(NAN), "empty",
                                 ad_tree_empty(), "i", ad_list_of(1, 2));
#define REFUSED(code, text, ...) assert_fails(hyper_optimize(half_square, hypers, .iterations = 1, __VA_ARGS__), code, text)
    REFUSED(AD_ERROR_VALUE, "element 1 of alpha/W is 0; it should be finite and above 0, to have a logarithm", .log = "alpha");
    REFUSED(AD_ERROR_VALUE, "element 1 of beta is 1; it should be between 0 and 1", .logit = "beta", .fixed = "z, alpha");
    REFUSED(AD_ERROR_VALUE, "element 0 of z is nan; it should be finite", .log = "alpha/b");
    REFUSED(AD_ERROR_INDEX, ".log names \"gamma\", and hypers has no such entry", .log = "gamma");
    REFUSED(AD_ERROR_INDEX, ".logit names \"bet\"", .logit = "bet");
    REFUSED(AD_ERROR_INDEX, ".fixed names \"\"", .fixed = "beta,");
    REFUSED(AD_ERROR_INDEX, ".fixed names \"alpha/\"", .fixed = "alpha/");
    REFUSED(AD_ERROR_INDEX, ".fixed names \"alpha/W/0\"", .fixed = "alpha/W/0");
    REFUSED(AD_ERROR_VALUE, "alpha/b is under a path of .log and under one of .logit", .log = "alpha/b", .logit = "alpha");
    REFUSED(AD_ERROR_DTYPE, ".log names \"n\", which has no float leaf", .log = "n");
    REFUSED(AD_ERROR_DTYPE, ".logit names \"i\", which has no float leaf", .logit = "i");
    REFUSED(AD_ERROR_VALUE, "nothing to optimise", .fixed = "alpha,beta,z,empty");
#undef REFUSED
    assert_fails(hyper_optimize(half_square, ad_tree_of("x", VECTOR(1), "z", 1i), .iterations = 1), AD_ERROR_DTYPE, "z is complex128");
    ck_assert(hyper_optimize(half_square, ad_tree_of("x", VECTOR(1), "z", 1i), .iterations = 1, .fixed = "z") != NULL);
    assert_fails(hyper_optimize(half_square, ad_tree_empty(), .iterations = 1), AD_ERROR_VALUE, "nothing to optimise");
}
END_TEST

START_TEST(options_out_of_range_are_refused)
{
    ad_tree *hypers = ad_tree_of("x", VECTOR(1));
#define REFUSED(text, ...) assert_fails(hyper_optimize(half_square, hypers, __VA_ARGS__), AD_ERROR_VALUE, text)
    REFUSED(".iterations should be given", .key = ad_random_key(1));
    REFUSED(".iterations should be given", .iterations = -5);
    REFUSED(".clip_norm is -1", .iterations = 1, .clip_norm = -1);
    REFUSED(".clip_norm is nan", .iterations = 1, .clip_norm = NAN);
    REFUSED(".clip_growth is 0.5", .iterations = 1, .clip_growth = 0.5);
    REFUSED(".stop_growth is nan", .iterations = 1, .stop_growth = NAN);
    REFUSED(".skip_failures is -1", .iterations = 1, .skip_failures = -1);
    REFUSED(".returns is 7", .iterations = 1, .returns = (hyper_returned)7);
    REFUSED(".optimizer.step_size is 0", .iterations = 1, .optimizer = adnn_adam(.step_size = 0));
    REFUSED("is not a rule", .iterations = 1, .optimizer = { .rule = (adnn_rule)77, .step_size = 1 });
#undef REFUSED
    assert_fails(hyper_optimize_with(NULL, hypers, HYPER_OPTIMIZE_DEFAULTS), AD_ERROR_VALUE, "the meta-loss is NULL");
    assert_fails(hyper_optimize(half_square, (ad_tree *)NULL, .iterations = 1), AD_ERROR_VALUE, "NULL");
}
END_TEST

static ad_array *vector_loss(ad_tree *hypers, ad_key key, void *context)
{
    (void)key, (void)context;
    return ad_tree_get(hypers, "x");
}

START_TEST(a_meta_loss_that_is_no_scalar_is_refused)
{
    assert_fails(hyper_optimize(vector_loss, ad_tree_of("x", VECTOR(1, 2)), .iterations = 1), AD_ERROR_TRANSFORM, "meta-iteration 0");
}
END_TEST

/* ---- nesting, memory ---- */

static ad_array *pulled(ad_tree *hypers, ad_key key, void *target)
{
    (void)key;
    return ad_sum(ad_square(ad_sub(ad_tree_get(hypers, "x"), (ad_array *)target)));
}

/* The optimum as a function of the target: a constant. */
static ad_array *through_it(ad_array *target)
{
    return ad_sum(ad_tree_get(hyper_optimize(pulled, ad_tree_of("x", ad_mul(target, 0.5)), .iterations = 3, .context = target), "x"));
}

START_TEST(inside_a_differentiation_the_result_is_a_constant)
{
    ad_array *g = ad_grad(through_it)(VECTOR(1, 2));
    assert_array(g, AD_SHAPE(2), 0, 0, 0);
}
END_TEST

static ad_array *training_loss(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    (void)iteration, (void)context;
    return ad_sum(ad_square(ad_sub(ad_tree_get(x, "w"), ad_tree_get(theta, "t"))));
}

static const hyper_training training = { .loss = training_loss, .iterations = 5 };

static ad_array *trained_loss(ad_tree *hypers, ad_key key, void *context)
{
    (void)context;
    ad_tree *run = ad_tree_of("x", ad_tree_of("w", ad_random_normal(key, AD_SHAPE(3))), "alpha", ad_tree_get(hypers, "alpha"), "beta",
                              ad_tree_get(hypers, "beta"), "theta", ad_tree_of("t", ad_tree_get(hypers, "t")));
    ad_tree *end = hyper_sgd(&training, run);
    return end ? ad_sum(ad_square(ad_sub(ad_tree_get(end, "w"), VECTOR(1, 2, 3)))) : NULL;
}

static ad_tree *trained_hypers(void)
{
    return ad_tree_of("alpha", ad_mul(0.1, ad_ones(AD_SHAPE(5))), "beta", 0.5, "t", VECTOR(0, 0, 0));
}

START_TEST(learning_rates_momenta_and_targets_of_a_training_run_are_learned)
{
    ad_tree *found = hyper_optimize(trained_loss, trained_hypers(), .iterations = 100, .log = "alpha", .logit = "beta", .key = ad_random_key(2),
                                    .optimizer = adnn_adam(.step_size = 0.1));
    ck_assert_msg(found != NULL, "%s", ad_error_message());
    ck_assert(ad_item(trained_loss(found, ad_random_key(99), NULL)) * 20 < ad_item(trained_loss(trained_hypers(), ad_random_key(99), NULL)));
}
END_TEST

static bool note_memory(const hyper_meta_step *step, void *context)
{
    ad_memory_usage usage;
    ad_memory_stats(&usage);
    int64_t *most = &((int64_t *)context)[step->iteration >= 31]; /* a run's information buffer is larger or smaller by a block */
    *most = usage.live > *most ? usage.live : *most;
    return true;
}

START_TEST(memory_does_not_grow_with_the_meta_iterations_and_nothing_stays)
{
    int64_t live[2] = { 0 };
    ad_memory_usage before, after;
    hyper_optimize(trained_loss, trained_hypers(), .iterations = 3);
    for (int round = 0; round < 2; round++) {
        AD_SCOPE;
        ad_memory_stats(&before);
        {
            AD_SCOPE;
            ck_assert(hyper_optimize(trained_loss, trained_hypers(), .iterations = 62, .on_step = note_memory, .context = live) != NULL);
        }
        ad_memory_stats(&after);
    }
    ck_assert_int_eq(live[0], live[1]);
    ck_assert_int_eq(before.live, after.live);
}
END_TEST

static ad_array *optimised(ad_array *x)
{
    AD_SCOPE;
    hyper_optimize_report report;
    ad_tree *hypers = ad_tree_of("alpha", ad_mul(0.1, ad_ones(AD_SHAPE(5))), "beta", 0.5, "t", x);
    ad_tree *found = hyper_optimize(trained_loss, hypers, .iterations = 2, .log = "alpha", .logit = "beta", .fixed = "beta", .clip_norm = 0.1,
                                    .report = &report);
    return found ? ad_escape(ad_tree_get(found, "t")) : NULL;
}

START_TEST(every_allocation_may_fail)
{
    assert_every_allocation_may_fail(optimised, VECTOR(1, 2, 3));
}
END_TEST

static void *optimise_deep(void *result)
{
    AD_SCOPE;
    ad_tree *deep = ad_tree_of("x", VECTOR(2));
    for (int i = 0; i < 990; i++)
        deep = ad_tree_of("down", deep);
    ad_tree *found = hyper_optimize(half_square, ad_tree_of("x", VECTOR(2), "deep", deep), .iterations = 1, .returns = HYPER_LAST, .log = "deep");
    *(bool *)result = found && ad_tree_leaf_count(found) == 2;
    if (!found)
        fprintf(stderr, "%s\n", ad_error_message());
    return NULL;
}

START_TEST(deep_trees_are_walked_on_small_stacks)
{
    bool done = false;
    on_a_small_stack(optimise_deep, &done);
    ck_assert(done);
}
END_TEST

RUN_TESTS("hyperopt_optimize", a_quadratic_is_minimised_by_every_optimizer, annealed_steps_fall_linearly_to_zero,
          leaves_of_integers_and_fixed_ones_stay_as_they_are,
          logarithms_and_logits_are_taken_by_path_and_given_back_in_natural_units, the_round_trip_through_coordinates_keeps_the_digits,
          the_best_hypers_are_those_with_the_smallest_loss_and_the_last_those_after_the_last_step, without_meta_iterations_hypers_come_back_unchanged,
          each_meta_iteration_has_a_key_of_its_own, the_same_call_gives_the_same_bits, a_callback_ends_the_optimisation_without_an_error,
          an_error_in_the_callback_is_an_error, a_long_gradient_is_clipped_by_its_norm_in_coordinates,
          a_hypergradient_that_grows_ends_the_optimisation_before_its_step, a_hypergradient_that_grows_is_clipped_to_a_multiple_of_the_median,
          a_meta_iteration_that_fails_numerically_is_an_error_that_keeps_what_was_reached, a_step_that_leaves_the_numbers_is_an_error_and_not_made,
          failures_are_skipped_where_that_is_allowed,
          paths_and_values_that_do_not_fit_are_refused_with_path_and_value, options_out_of_range_are_refused, a_meta_loss_that_is_no_scalar_is_refused,
          inside_a_differentiation_the_result_is_a_constant, learning_rates_momenta_and_targets_of_a_training_run_are_learned,
          memory_does_not_grow_with_the_meta_iterations_and_nothing_stays, every_allocation_may_fail, deep_trees_are_walked_on_small_stacks)
