/* hyper_adam: Adam run backwards to the bit, and its gradients against differences of the exact dynamics and against
 * other methods. */
#include "hyperopt_network.h"
#include "testing.h"
#include <hyperopt/hyperopt.h>

/* theta = { penalty, data (6,3) }; x has a leaf idle (2), too, whose gradient is 0. */

static ad_array *training_loss(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    (void)context;
    ad_array *wrong = ad_sub(prediction(x, ad_mul(ad_tree_get(theta, "data"), 1 + 0.1 * (double)(iteration % 3))), noise(9, AD_SHAPE(6)));
    ad_array *penalty = ad_mul(ad_exp(ad_tree_get(theta, "penalty")), ad_sum(ad_square(ad_tree_get(x, "hidden/W"))));
    return ad_add(ad_mean(ad_square(wrong)), penalty);
}

static ad_array *validation_loss(ad_tree *x)
{
    ad_array *idle = ad_sum(ad_square(ad_tree_get(x, "idle")));
    return ad_add(ad_sum(ad_square(ad_sub(prediction(x, noise(77, AD_SHAPE(6, 3))), 0.5))), idle);
}

static ad_array *meta_loss(ad_tree *hypers, void *training)
{
    ad_tree *trained = hyper_adam(training, hypers);
    return trained ? validation_loss(trained) : NULL;
}

static ad_tree *parameters(int64_t seed)
{
    return ad_tree_of("hidden", ad_tree_of("W", noise(seed, AD_SHAPE(3, 4)), "b", noise(seed + 1, AD_SHAPE(4))), "out", noise(seed + 2, AD_SHAPE(4)), "idle",
                      noise(seed + 3, AD_SHAPE(2)));
}

static ad_tree *like(double W, ad_array *b, ad_array *out, double idle)
{
    return ad_tree_of("hidden", ad_tree_of("W", W, "b", b), "out", out, "idle", idle);
}

static ad_tree *without_beta2(double alpha, double beta1)
{
    return ad_tree_of("x", parameters(1), "alpha", alpha, "beta1", beta1, "theta", ad_tree_of("penalty", -3.0, "data", noise(5, AD_SHAPE(6, 3))));
}

static ad_tree *simple(double alpha, double beta1, double beta2)
{
    return ad_tree_set(without_beta2(alpha, beta1), "beta2", ad_scalar(beta2));
}

static ad_array *around(double value, double spread, int64_t seed, ad_shape shape)
{
    return ad_add(value, ad_mul(spread, noise(seed, shape)));
}

static ad_array *square_of(ad_array *x)
{
    return ad_mul(0.3, ad_square(x));
}

enum { T = 20 };

/* All forms of rates: numbers, vectors over time, arrays over elements, and both. */
static ad_tree *various(void)
{
    ad_tree *h = simple(0.02, 0.9, 0.99);
    h = ad_tree_set_tree(h, "m", ad_tree_map2((ad_sub), parameters(11), parameters(12)));
    h = ad_tree_set_tree(h, "s", ad_tree_map(square_of, parameters(14)));
    h = ad_tree_set_tree(h, "alpha", like(0.02, around(0.02, 0.01, 3, AD_SHAPE(T)), around(0.02, 0.01, 4, AD_SHAPE(T, 4)), 0.03));
    h = ad_tree_set_tree(h, "beta1", like(0.8, around(0.8, 0.1, 6, AD_SHAPE(T)), around(0.7, 0.2, 7, AD_SHAPE(4)), 0.9));
    h = ad_tree_set_tree(h, "beta2", like(0.97, around(0.95, 0.03, 8, AD_SHAPE(4)), around(0.97, 0.02, 9, AD_SHAPE(T, 4)), 0.99));
    h = ad_tree_set_tree(h, "epsilon", like(1e-3, around(0.01, 0.005, 10, AD_SHAPE(4)), around(0.01, 0.005, 10, AD_SHAPE(T, 1)), 0.1));
    return ad_tree_set_tree(h, "decay", like(0.3, around(0.2, 0.1, 13, AD_SHAPE(T)), around(0.2, 0.1, 15, AD_SHAPE(4)), 1.5));
}

static const char *const paths[] = {
    "x/hidden/W", "x/hidden/b", "x/out", "x/idle", "m/hidden/W", "m/hidden/b", "m/out", "m/idle", "s/hidden/W", "s/hidden/b", "s/out", "s/idle",
    "alpha/hidden/W", "alpha/hidden/b", "alpha/out", "alpha/idle", "beta1/hidden/W", "beta1/hidden/b", "beta1/out", "beta1/idle",
    "beta2/hidden/W", "beta2/hidden/b", "beta2/out", "beta2/idle", "epsilon/hidden/W", "epsilon/hidden/b", "epsilon/out", "epsilon/idle",
    "decay/hidden/W", "decay/hidden/b", "decay/out", "decay/idle", "theta/penalty", "theta/data",
};
enum { PATHS = sizeof paths / sizeof *paths };

static double meta_at(ad_tree *hypers, const char *path, ad_array *direction, double h, hyper_training *training)
{
    AD_SCOPE;
    return ad_item(meta_loss(ad_tree_set(hypers, path, ad_add(ad_tree_get(hypers, path), ad_mul(h, direction))), training));
}

static double difference(ad_tree *hypers, const char *path, ad_array *direction, double h, hyper_training *training)
{
    return (meta_at(hypers, path, direction, h, training) - meta_at(hypers, path, direction, -h, training)) / (2 * h);
}

/* In a random direction relative to the values, by (f(h) - f(-h)) / 2h extrapolated once. */
static void compare_with_differences(ad_tree *hypers, ad_tree *gradient, const char *path, hyper_training *training)
{
    AD_SCOPE;
    ad_array *value = ad_tree_get(hypers, path), *direction = ad_mul(value, around(1, 0.5, (int64_t)strlen(path), ad_shape_of(value)));
    double step = path[0] == 'b' ? 1e-4 : 1e-3, coarse = difference(hypers, path, direction, 2 * step, training);
    double expected = (4 * difference(hypers, path, direction, step, training) - coarse) / 3;
    double actual = ad_item(ad_sum(ad_mul(ad_tree_get(gradient, path), direction)));
    ck_assert_msg(fabs(actual - expected) <= 1e-6 * fabs(expected) + 1e-10, "%s: gradient %.12g, differences %.12g (%s)", path, actual, expected,
                  ad_error_message());
}

START_TEST(a_thousand_iterations_are_reversed_to_the_bit_at_the_price_of_the_bound)
{
    hyper_report report = { 0 };
    hyper_training training = { .loss = training_loss, .iterations = 1000, .report = &report };
    ad_tree *g = ad_grad(meta_loss)(simple(0.01, 0.9, 0.999), (void *)&training);
    ck_assert_msg(g != NULL, "%s", ad_error_message());
    ck_assert(report.reversed_exactly);
    ck_assert_msg(fabs(report.bits_per_step / report.bound - 1) < 0.01, "%g bits, bound %g", report.bits_per_step, report.bound);
    ck_assert_double_eq_tol(report.bound, log2(10 / 9.0) + log2(1 / 0.999), 1e-12);
}
END_TEST

START_TEST(a_momentum_of_zero_costs_all_bits_of_its_moment)
{
    hyper_report report = { 0 };
    hyper_training training = { .loss = training_loss, .iterations = 50, .report = &report };
    ck_assert(ad_grad(meta_loss)(simple(1e-3, 0.5, 0), (void *)&training) && report.reversed_exactly);
    ck_assert_double_eq_tol(report.bound, 1 + 96, 1e-12);
    ck_assert_msg(fabs(report.bits_per_step / report.bound - 1) < 0.01, "%g bits, bound %g", report.bits_per_step, report.bound);
}
END_TEST

START_TEST(gradients_in_everything_are_those_of_the_exact_dynamics)
{
    hyper_training training = { .loss = training_loss, .iterations = T };
    ad_tree *hypers = various(), *g = ad_grad(meta_loss)(hypers, (void *)&training);
    ck_assert_msg(g != NULL, "%s", ad_error_message());
    for (int i = 0; i < PATHS; i++)
        compare_with_differences(hypers, g, paths[i], &training);
}
END_TEST

/* ---- against Adam in double ---- */

enum { PARAMETERS = 400, STEPS = 1000 };

/* Gradients that training follows: the size of the largest, and whether those of some parameters begin near zero. */
typedef struct {
    double size;
    bool near_zero;
} gradients;

/* A quarter of the parameters has no gradient; those of the others range over two orders of magnitude, and change with
 * the iteration. Of those that begin near zero some begin a millionth as large as they get, and in some of these the
 * sign changes. */
static double slope_of(const gradients *of, const double *x, int i, int64_t iteration)
{
    double scale = of->size * pow(10, -(i % 16) / 8.0), t = (double)iteration;
    if (of->near_zero)
        return i % 4 == 0 ? 0 : of->size * (0.1 * pow(10, -(i % 7)) * (i % 3 - 1) + 0.1 * sin(0.001 * i * t) * t / (t + 20));
    return i % 4 == 0 ? 0 : scale * (0.5 * x[i] - sin(0.1 * i + 0.01 * t));
}

static ad_tree *slopes(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    double at[PARAMETERS], slope[PARAMETERS];
    (void)theta;
    ad_copy_to(ad_tree_get(x, "x"), at, PARAMETERS);
    for (int i = 0; i < PARAMETERS; i++)
        slope[i] = slope_of(context, at, i, iteration);
    return ad_tree_of("x", ad_from(slope, AD_SHAPE(PARAMETERS)));
}

typedef struct {
    double alpha, beta1, beta2, epsilon, decay;
    bool sum;
} rates;

static void adam_in_double(rates r, const gradients *of, double *x)
{
    double m[PARAMETERS] = { 0 }, s[PARAMETERS] = { 0 }, slope[PARAMETERS], p1 = 1, p2 = 1;
    for (int64_t t = 0; t < STEPS; t++) {
        p1 *= r.beta1, p2 *= r.beta2;
        for (int i = 0; i < PARAMETERS; i++)
            slope[i] = slope_of(of, x, i, t);
        for (int i = 0; i < PARAMETERS; i++) {
            m[i] = r.beta1 * m[i] + (1 - r.beta1) * slope[i];
            s[i] = r.sum ? s[i] + slope[i] * slope[i] : r.beta2 * s[i] + (1 - r.beta2) * slope[i] * slope[i];
            double mh = m[i] / (1 - p1), sh = r.sum ? s[i] : s[i] / (1 - p2);
            x[i] -= r.alpha * (r.decay * x[i] + mh / (sqrt(sh) + r.epsilon));
        }
    }
}

static ad_tree *hypers_at(rates r, const double *x)
{
    ad_tree *h = ad_tree_of("x", ad_tree_of("x", ad_from(x, AD_SHAPE(PARAMETERS))), "alpha", r.alpha, "beta1", r.beta1, "epsilon", r.epsilon, "decay", r.decay);
    return r.sum ? h : ad_tree_set(h, "beta2", ad_scalar(r.beta2));
}

/* The largest distance after a thousand steps. */
static double distance_from_double(rates r, gradients of)
{
    double x[PARAMETERS], exact[PARAMETERS], most = 0;
    ad_copy_to(around(0, 1, 3, AD_SHAPE(PARAMETERS)), x, PARAMETERS);
    hyper_training training = { .direction = slopes, .context = &of, .iterations = STEPS, .second_moment = r.sum ? HYPER_SUM : HYPER_MEAN };
    ad_tree *trained = hyper_adam(&training, hypers_at(r, x));
    ck_assert_msg(trained != NULL, "%s", ad_error_message());
    ad_copy_to(ad_tree_get(trained, "x"), exact, PARAMETERS);
    adam_in_double(r, &of, x);
    for (int i = 0; i < PARAMETERS; i++)
        most = fmax(most, fabs(x[i] - exact[i]));
    return most;
}

START_TEST(training_follows_adam_in_double)
{
    static const rates all[] = {
        { 1e-3, 0.9, 0.999, 1e-8, 0, false }, { 1e-3, 0.9123456789, 0.9987654321, 1e-8, 0, false }, { 1e-3, 0.9, 0.999, 1e-8, 0.01, false },
        { 1e-3, 0, 0.99, 1e-8, 0, false },    { 1e-2, 0, 0, 1e-8, 0, true },                        { 1e-2, 0.9, 0, 1e-8, 0.01, true },
    };
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        ck_assert_double_lt(distance_from_double(all[k], (gradients){ 1, false }), 1e-8);
}
END_TEST

START_TEST(training_follows_adam_in_double_with_small_gradients_and_those_that_begin_near_zero)
{
    static const rates all[] = { { 1e-3, 0.9, 0.999, 1e-8, 0, false },    { 1e-3, 0.9123456789, 0.9987654321, 1e-8, 0, false },
                                 { 1e-3, 0.9, 0.9999, 1e-8, 0, false },   { 1e-3, 0.9, 0, 1e-8, 0, true } };
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        for (int power = 0; power <= 6; power++)
            for (int near_zero = 0; near_zero < 2; near_zero++) {
                double off = distance_from_double(all[k], (gradients){ pow(10, -power), near_zero });
                ck_assert_msg(off < 1e-8, "beta2 %g, gradients of 1e-%d%s: off by %g", all[k].beta2, power, near_zero ? " from near zero" : "", off);
            }
}
END_TEST

/* ---- other methods and other modes ---- */

static void assert_same_gradients(ad_tree *a, ad_tree *b, double tolerance)
{
    ck_assert_msg(a && b, "%s", ad_error_message());
    for (int i = 0; i < PATHS; i++) {
        ad_array *x = ad_tree_get(a, paths[i]), *y = ad_tree_get(b, paths[i]);
        double size = ad_item(ad_sqrt(ad_sum(ad_square(x)))), off = ad_item(ad_sqrt(ad_sum(ad_square(ad_sub(x, y)))));
        ck_assert_msg(off <= tolerance * size + 1e-12, "%s: off by %g of %g", paths[i], off, size);
    }
}

START_TEST(all_methods_give_the_same_gradients)
{
    static const hyper_method methods[] = { HYPER_STORE, HYPER_CHECKPOINT, HYPER_FORWARD, HYPER_TRUNCATED };
    hyper_training training = { .loss = training_loss, .iterations = T, .last_iterations = T };
    ad_tree *expected = ad_grad(meta_loss)(various(), (void *)&training);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        training.method = methods[i];
        assert_same_gradients(ad_grad(meta_loss)(various(), (void *)&training), expected, 1e-9);
    }
}
END_TEST

static ad_array *meta_loss_of_float32(ad_tree *hypers, void *training)
{
    ad_tree *trained = hyper_adam(training, ad_tree_set(hypers, "x/hidden/W", ad_astype(ad_tree_get(hypers, "x/hidden/W"), AD_F32)));
    ck_assert(!trained || ad_dtype_of(ad_tree_get(trained, "hidden/W")) == AD_F32);
    return trained ? validation_loss(trained) : NULL;
}

START_TEST(float32_parameters_stay_float32)
{
    hyper_training training = { .loss = training_loss, .iterations = T };
    assert_same_gradients(ad_grad(meta_loss_of_float32)(various(), (void *)&training), ad_grad(meta_loss)(various(), (void *)&training), 1e-3);
}
END_TEST

static ad_array *squared_gradient(ad_tree *hypers, void *training)
{
    ad_tree *g = ad_grad(meta_loss)(hypers, training);
    return g ? ad_sum(ad_square(ad_tree_get(g, "x/out"))) : NULL;
}

static double slope_of_squared_gradient(ad_tree *hypers, const char *name, double step, hyper_training *training)
{
    AD_SCOPE;
    double at = ad_item(ad_tree_get(hypers, name)), h = step * at;
    double up = ad_item(squared_gradient(ad_tree_set(hypers, name, ad_scalar(at + h)), training));
    return (up - ad_item(squared_gradient(ad_tree_set(hypers, name, ad_scalar(at - h)), training))) / (2 * h);
}

START_TEST(second_derivatives_go_through_operations)
{
    hyper_training training = { .loss = training_loss, .iterations = 5 };
    ad_tree *hypers = ad_tree_set(simple(0.02, 0.9, 0.99), "decay", ad_scalar(0.5)), *g = ad_grad(squared_gradient)(hypers, (void *)&training);
    ck_assert_msg(g != NULL, "%s", ad_error_message());
    static const char *const names[] = { "alpha", "beta1", "beta2", "decay", "theta/penalty" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        double coarse = slope_of_squared_gradient(hypers, names[i], 2e-4, &training), fine = slope_of_squared_gradient(hypers, names[i], 1e-4, &training);
        double expected = (4 * fine - coarse) / 3, actual = ad_item(ad_tree_get(g, names[i]));
        ck_assert_msg(fabs(actual - expected) < 1e-4 * fabs(expected), "%s: %.9g, differences %.9g", names[i], actual, expected);
    }
}
END_TEST

/* What is made of a run: by hyper_adam, by its state, and along its way. */
static ad_array *of_the_state(ad_tree *hypers, void *training)
{
    ad_tree *state = hyper_adam_state(training, hypers);
    ad_array *moments = state ? ad_add(ad_sum(ad_tree_get(state, "m/out")), ad_sum(ad_square(ad_tree_get(state, "s/hidden/W")))) : NULL;
    return moments ? ad_add(validation_loss(ad_tree_sub(state, "x")), moments) : NULL;
}

static ad_array *loss_along_the_way(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    (void)context;
    return ad_mul(1 + 0.1 * (double)iteration, ad_add(validation_loss(x), ad_tree_get(theta, "penalty")));
}

static ad_array *along_the_way(ad_tree *hypers, void *training)
{
    return hyper_adam_along(training, hypers);
}

START_TEST(all_that_is_made_of_a_run_has_right_derivatives_in_both_modes)
{
    static const hyper_method methods[] = { HYPER_REVERSE, HYPER_CHECKPOINT };
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        hyper_training training = { .loss = training_loss, .iterations = 5, .method = methods[i], .meta_loss = loss_along_the_way, .meta_every = 2 };
        ad_tree *hypers = ad_tree_set(ad_tree_set(simple(0.02, 0.8, 0.95), "decay", ad_scalar(0.3)), "epsilon", ad_scalar(1e-2));
        ck_assert_msg(ad_check_grads(of_the_state, hypers, (void *)&training), "%d: %s", (int)i, ad_error_message());
        ck_assert_msg(ad_check_grads(along_the_way, hypers, (void *)&training), "%d: %s", (int)i, ad_error_message());
    }
}
END_TEST

/* ---- going on ---- */

static ad_tree *second_half(ad_tree *hypers, hyper_training training)
{
    ad_tree *state = hyper_adam_state(&training, hypers);
    training.first += training.iterations;
    return state ? hyper_adam(&training, ad_tree_set(ad_tree_set_tree(ad_tree_set_tree(ad_tree_set_tree(hypers, "x", ad_tree_sub(state, "x")), "m",
                     ad_tree_sub(state, "m")), "s", ad_tree_sub(state, "s")), "exact", ad_tree_get(state, "exact"))) : NULL;
}

static ad_array *loss_after_two_halves(ad_tree *hypers, void *training)
{
    ad_tree *x = second_half(hypers, *(hyper_training *)training);
    return x ? validation_loss(x) : NULL;
}

START_TEST(twice_half_a_run_is_the_run_to_the_bit)
{
    hyper_training whole = { .loss = training_loss, .iterations = 2 * T }, half = { .loss = training_loss, .iterations = T };
    ad_tree *hypers = ad_tree_set(simple(0.02, 0.9, 0.99), "decay", ad_scalar(0.5));
    ad_tree *x = hyper_adam(&whole, hypers), *y = second_half(hypers, half);
    ck_assert_msg(x && y, "%s", ad_error_message());
    double one[22], other[22];
    ad_copy_to(ad_flatten(x), one, 22);
    ad_copy_to(ad_flatten(y), other, 22);
    ck_assert_mem_eq(one, other, sizeof one);
    ad_tree *g = ad_grad(meta_loss)(hypers, (void *)&whole), *h = ad_grad(loss_after_two_halves)(hypers, (void *)&half);
    ck_assert_msg(g && h, "%s", ad_error_message());
    static const char *const names[] = { "alpha", "beta1", "beta2", "decay", "theta/penalty" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_close(ad_item(ad_tree_get(g, names[i])), ad_item(ad_tree_get(h, names[i])), 1e-9);
}
END_TEST

START_TEST(a_run_that_goes_on_has_gradients_of_its_own)
{
    hyper_training training = { .loss = training_loss, .iterations = T, .first = 7 };
    ad_tree *hypers = various(), *g = ad_grad(meta_loss)(hypers, (void *)&training);
    ck_assert_msg(g != NULL, "%s", ad_error_message());
    for (int i = 0; i < PATHS; i++)
        if (paths[i][0] == 'b')
            compare_with_differences(hypers, g, paths[i], &training);
}
END_TEST

/* ---- relatives ---- */

static void reverse_and_compare(ad_tree *hypers, hyper_training *training, const char *const *names, int count)
{
    hyper_report report = { 0 };
    training->report = &report;
    ad_tree *g = ad_grad(meta_loss)(hypers, (void *)training);
    ck_assert_msg(g != NULL, "%s", ad_error_message());
    ck_assert(report.reversed_exactly);
    for (int i = 0; i < count; i++)
        compare_with_differences(hypers, g, names[i], training);
    training->report = NULL;
}

START_TEST(rmsprop_is_adam_with_a_first_momentum_of_zero)
{
    static const char *const names[] = { "x/hidden/W", "alpha", "beta2", "theta/data", "s/out", "epsilon" };
    hyper_training training = { .loss = training_loss, .iterations = T };
    ad_tree *hypers = ad_tree_set(ad_tree_set_tree(simple(0.02, 0, 0.95), "s", ad_tree_map(square_of, parameters(14))), "epsilon", ad_scalar(1e-2));
    reverse_and_compare(hypers, &training, names, 6);
}
END_TEST

START_TEST(the_derivative_in_a_momentum_of_zero_is_one_sided)
{
    hyper_training training = { .loss = training_loss, .iterations = 6 };
    ad_tree *hypers = ad_tree_set(simple(0.02, 0, 0.95), "epsilon", ad_scalar(1e-2)), *g = ad_grad(meta_loss)(hypers, (void *)&training);
    double h = 1e-3, at = ad_item(meta_loss(hypers, &training)), once = ad_item(meta_loss(ad_tree_set(hypers, "beta1", ad_scalar(h)), &training));
    double twice = ad_item(meta_loss(ad_tree_set(hypers, "beta1", ad_scalar(2 * h)), &training));
    assert_close(ad_item(ad_tree_get(g, "beta1")), (4 * once - twice - 3 * at) / (2 * h), 1e-6);
}
END_TEST

START_TEST(adagrad_adds_up_the_squares)
{
    static const char *const names[] = { "x/hidden/W", "alpha", "beta1", "theta/data", "s/out", "epsilon", "decay" };
    hyper_training training = { .loss = training_loss, .iterations = T, .second_moment = HYPER_SUM };
    ad_tree *hypers = ad_tree_set(ad_tree_set_tree(without_beta2(0.1, 0.5), "s", ad_tree_map(square_of, parameters(14))), "epsilon", ad_scalar(1e-2));
    reverse_and_compare(ad_tree_set(hypers, "decay", ad_scalar(0.1)), &training, names, 7);
}
END_TEST

/* ---- many parameters: several strips, on several threads ---- */

enum { MANY = 40000 };

static ad_array *quartic(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    (void)context;
    ad_array *all = ad_add(ad_tree_get(x, "a"), ad_sub(ad_tree_get(x, "b"), 0.01 * (double)iteration));
    return ad_sum(ad_mul(ad_tree_get(theta, "curvature"), ad_add(ad_square(all), ad_square(ad_square(all)))));
}

static ad_array *sum_of_trained(ad_tree *hypers, void *training)
{
    ad_tree *x = hyper_adam(training, hypers);
    return x ? ad_add(ad_sum(ad_square(ad_tree_get(x, "a"))), ad_sum(ad_tree_get(x, "b"))) : NULL;
}

static ad_tree *many(void)
{
    ad_array *ramp = ad_linspace(-1, 1, .num = MANY), *narrow = ad_astype(ad_div(ramp, 2), AD_F32);
    return ad_tree_of("x", ad_tree_of("a", ramp, "b", narrow), "alpha", ad_tree_of("a", 0.01, "b", ad_add(0.02, ad_mul(0.01, ramp))), "beta1", 0.9, "beta2",
                      ad_tree_of("a", ad_add(0.98, ad_mul(0.01, ramp)), "b", 0.99), "decay", ad_tree_of("a", 0.5, "b", 0.0), "theta",
                      ad_tree_of("curvature", ad_add(1.5, ramp)));
}

START_TEST(strips_and_threads_do_not_change_a_bit)
{
    hyper_report report = { 0 };
    hyper_training training = { .loss = quartic, .iterations = 30, .report = &report }, stored = { .loss = quartic, .iterations = 30, .method = HYPER_STORE };
    int threads = ad_num_threads();
    ad_set_num_threads(1);
    ad_tree *one = ad_grad(sum_of_trained)(many(), (void *)&training);
    ad_set_num_threads(3);
    ad_tree *three = ad_grad(sum_of_trained)(many(), (void *)&training), *kept = ad_grad(sum_of_trained)(many(), (void *)&stored);
    ad_set_num_threads(threads);
    ck_assert_msg(one && three && kept, "%s", ad_error_message());
    ck_assert(report.reversed_exactly);
    ck_assert_msg(report.bits_per_step / report.bound < 1.01 + 2 * 0.5 * 0.01 / report.bound, "%g bits, bound %g", report.bits_per_step, report.bound);
    ck_assert_double_eq(ad_item(ad_sum(ad_abs(ad_sub(ad_flatten(one), ad_flatten(three))))), 0);
    ck_assert_double_eq(ad_item(ad_sum(ad_abs(ad_sub(ad_flatten(one), ad_flatten(kept))))), 0);
}
END_TEST

/* ---- what is refused, and how ---- */

static void assert_refused(const hyper_training *training, ad_tree *hypers, const char *sentence)
{
    AD_SCOPE;
    ck_assert_ptr_null(hyper_adam(training, hypers));
    ck_assert_msg(strstr(ad_error_message(), sentence) != NULL, "\"%s\" does not say \"%s\"", ad_error_message(), sentence);
    ad_clear_error();
}

static ad_array *steep(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    (void)context;
    return ad_mul(iteration == 3 ? 1e5 : 1, training_loss(x, theta, iteration, NULL));
}

START_TEST(mistakes_are_told)
{
    hyper_training training = { .loss = training_loss, .iterations = T }, steeper = { .loss = steep, .iterations = T, .m_bits = 52 };
    ad_tree *hypers = simple(0.02, 0.9, 0.99);
    assert_refused(&training, ad_tree_set(hypers, "beta1", ad_scalar(1)), "beta1 is 1; it should be at least 0 and below 1");
    assert_refused(&training, ad_tree_set(hypers, "beta2", ad_scalar(-0.1)), "beta2 is -0.1; it should be at least 0 and below 1");
    assert_refused(&training, ad_tree_set(hypers, "epsilon", ad_scalar(0)), "epsilon is 0; it should be above 0");
    assert_refused(&training, ad_tree_set(hypers, "decay", ad_scalar(-1)), "iteration 0: alpha times decay, which should be from 0 to 1/2, of x/hidden/W");
    assert_refused(&training, ad_tree_set(hypers, "decay", ad_scalar(30)), "is 0.6");
    assert_refused(&training, ad_tree_set(hypers, "beta", ad_scalar(0.9)),
                   "an entry \"beta\"; x, m, s, alpha, beta1, epsilon, decay, beta2, theta and exact are known");
    assert_refused(&training, without_beta2(0.1, 0.9), "hypers has no \"beta2\"");
    assert_refused(&training, ad_tree_set(hypers, "alpha", ad_scalar(NAN)), "alpha is nan");
    assert_refused(&training, ad_tree_set_tree(hypers, "s", ad_tree_map(ad_neg, ad_tree_map(square_of, parameters(3)))),
                   "the initial value of s/hidden/W, element 0, is -");
    assert_refused(&steeper, hypers, "iteration 3: ");
    assert_refused(&steeper, hypers, "the range of s is +-512, by s_bits");
    training.first = -1;
    assert_refused(&training, hypers, "the first iteration is -1; it should be at least 0");
    training.first = 0;
    training.second_moment = HYPER_SUM;
    assert_refused(&training, hypers, "an entry \"beta2\"");
    training.second_moment = (hyper_second_moment)7;
    assert_refused(&training, hypers, "there is no second_moment 7");
}
END_TEST

START_TEST(nothing_to_train_is_trained)
{
    hyper_training training = { .loss = training_loss }, some = { .loss = quartic, .iterations = 3 };
    ad_tree *hypers = simple(0.02, 0.9, 0.99), *g = ad_grad(meta_loss)(hypers, (void *)&training);
    ck_assert_msg(g != NULL, "%s", ad_error_message());
    assert_close(ad_item(ad_tree_get(g, "beta1")), 0, 0);
    ad_array *none = ad_zeros(AD_SHAPE(0));
    hypers = ad_tree_of("x", ad_tree_of("a", none, "b", none), "alpha", 0.1, "beta1", 0.9, "beta2", 0.99, "theta", ad_tree_of("curvature", none));
    ck_assert_msg(ad_grad(sum_of_trained)(hypers, (void *)&some) != NULL, "%s", ad_error_message());
}
END_TEST

RUN_TESTS("hyperopt_adam", a_thousand_iterations_are_reversed_to_the_bit_at_the_price_of_the_bound, gradients_in_everything_are_those_of_the_exact_dynamics,
          a_momentum_of_zero_costs_all_bits_of_its_moment, training_follows_adam_in_double,
          training_follows_adam_in_double_with_small_gradients_and_those_that_begin_near_zero,
          all_methods_give_the_same_gradients, float32_parameters_stay_float32,
          all_that_is_made_of_a_run_has_right_derivatives_in_both_modes, second_derivatives_go_through_operations, twice_half_a_run_is_the_run_to_the_bit,
          a_run_that_goes_on_has_gradients_of_its_own, rmsprop_is_adam_with_a_first_momentum_of_zero, the_derivative_in_a_momentum_of_zero_is_one_sided,
          adagrad_adds_up_the_squares, strips_and_threads_do_not_change_a_bit, mistakes_are_told, nothing_to_train_is_trained)
