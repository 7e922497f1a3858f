/* Descent with momentum on blocks: an internal unit test, which includes headers of hyperopt/src.
 * hyperopt_adam_core_test.c has Adam's. */
#include "hyperopt_calls.h"

enum { MOST_STEPS = 40 };

/* A block of a run with all that it points at. */
typedef struct {
    hyper_block b;
    int64_t x[BLOCK], v[BLOCK];
    double dx[BLOCK], dv[BLOCK], alpha[BLOCK], alpha_term[BLOCK], beta_term[BLOCK];
    hyper_momentum beta[BLOCK];
    union {
        float single[BLOCK];
        double whole[BLOCK];
    } gradient, product, x_out, direction;
} trial;

static void set_trial(trial *s, hyper_coder *coder, int64_t count, bool single, int64_t alpha_stride, int64_t beta_stride)
{
    memset(s, 0, sizeof *s);
    s->b = (hyper_block){ .count = count, .single = single, .state = { s->x, s->v }, .unit = { 0x1p-52, 0x1p-52 }, .cotangent = { s->dx, s->dv },
                          .rate = { { s->alpha, alpha_stride }, { s->beta, beta_stride } }, .rate_term = { s->alpha_term, s->beta_term },
                          .gradient = &s->gradient, .product = &s->product, .x_out = &s->x_out, .direction_out = &s->direction, .coder = coder };
    random_state = 11;
    for (int i = 0; i < BLOCK; i++) {
        s->x[i] = (int64_t)((uniform() - 0.5) * 0x1p53);
        s->v[i] = (int64_t)((uniform() - 0.5) * 0x1p50);
        s->alpha[i] = exp(-5 * uniform());
        hyper_ratio r = random_ratio();
        s->beta[i] = momentum(r.n_less_1 + 1, r.d_less_1 + 1);
        s->beta[i].value *= i % 3 ? 1 : 1 + 1e-6 * (r.n_less_1 < r.d_less_1);
        s->dx[i] = uniform() - 0.5;
        s->dv[i] = uniform() - 0.5;
    }
}

static void set_vector(bool single, void *vector, int seed)
{
    random_state = (uint64_t)seed * 12345 + 7;
    for (int i = 0; i < BLOCK; i++) {
        double value = i % 5 == 0 ? 0 : (uniform() - 0.5) * exp(4 * uniform());
        if (single)
            ((float *)vector)[i] = (float)value;
        else
            ((double *)vector)[i] = value;
    }
}

static double element(bool single, const void *vector, int64_t i)
{
    return single ? (double)((const float *)vector)[i] : ((const double *)vector)[i];
}

/* The increments by the formulas: beta's part of v is what the coder gave. */
static void assert_advanced(const trial *before, const trial *after, const int64_t *multiplied)
{
    for (int64_t i = 0; i < after->b.count; i++) {
        double alpha = after->alpha[i * after->b.rate[0].stride], weight = 1 - after->beta[i * after->b.rate[1].stride].value;
        int64_t v = multiplied[i] + llrint(-weight * 0x1p52 * element(after->b.single, &after->gradient, i)), x = before->x[i] + llrint(alpha * (double)v);
        double out = (double)x * 0x1p-52;
        if (after->v[i] != v || after->x[i] != x || element(after->b.single, &after->x_out, i) != (after->b.single ? (double)(float)out : out))
            ck_abort_msg("element %lld", (long long)i);
    }
}

static void assert_retreated(const trial *after, const trial *before)
{
    bool single = before->b.single;
    for (int64_t i = 0; i < before->b.count; i++) {
        double alpha = before->alpha[i * before->b.rate[0].stride], beta = before->beta[i * before->b.rate[1].stride].value;
        double weight = 1 - before->beta[i * before->b.rate[1].stride].value, dv = after->dv[i] + alpha * after->dx[i];
        bool right = before->alpha_term[i] == after->dx[i] * ((double)after->v[i] * 0x1p-52) &&
                     element(single, &before->direction, i) == (single ? (double)(float)(weight * dv) : weight * dv) &&
                     before->beta_term[i] == dv * ((double)before->v[i] * 0x1p-52 + element(single, &before->gradient, i)) && before->dv[i] == dv * beta &&
                     before->dx[i] == after->dx[i] - element(single, &before->product, i);
        if (!right)
            ck_abort_msg("element %lld", (long long)i);
    }
}

/* Steps there and back; gives a sum over all bits that were computed. */
static uint64_t run_trial(int64_t count, bool single, int64_t alpha_stride, int64_t beta_stride)
{
    static trial s, before, first;
    static int64_t multiplied[BLOCK];
    uint64_t checksum[MOST_STEPS], all = 0;
    hyper_store *store = hyper_store_new(2, NULL, 0);
    set_trial(&s, hyper_store_coder(store, 0), count, single, alpha_stride, beta_stride);
    first = s;
    for (int t = 0; t < MOST_STEPS; t++) {
        set_vector(single, &s.gradient, t);
        before = s;
        memcpy(multiplied, s.v, sizeof multiplied);
        hyper_momentum_multiply(hyper_store_coder(store, 1), count, multiplied, s.beta, beta_stride);
        ck_assert_int_eq(hyper_sgd_dynamics.advance(&s.b), HYPER_FINE);
        assert_advanced(&before, &s, multiplied);
        checksum[t] = s.b.checksum;
        all = all * 31 + checksum[t] + (uint64_t)s.x[count - 1] + (uint64_t)s.v[0];
    }
    for (int t = MOST_STEPS - 1; t >= 0; t--) {
        memset(&s.gradient, 0xff, sizeof s.gradient); /* NaN: it is not there yet */
        before = s;
        ck_assert_int_eq(hyper_sgd_dynamics.retreat_position(&s.b), HYPER_FINE);
        set_vector(single, &s.gradient, t);
        set_vector(single, &s.product, t + 100);
        ck_assert_int_eq(hyper_sgd_dynamics.retreat_moments(&s.b), HYPER_FINE);
        ck_assert_uint_eq(s.b.checksum, checksum[t]);
        assert_retreated(&before, &s);
    }
    ck_assert_mem_eq(s.x, first.x, sizeof s.x);
    ck_assert_mem_eq(s.v, first.v, sizeof s.v);
    hyper_store_free(store);
    return all;
}

START_TEST(steps_are_the_formulas_and_are_undone_to_the_bit)
{
    static const int64_t counts[] = { BLOCK, 1, 16, 17, 250 };
    for (int i = 0; i < 5 * 8; i++)
        run_trial(counts[i / 8], i & 1, i >> 1 & 1, i >> 2 & 1);
}
END_TEST

START_TEST(every_instruction_set_gives_the_same_bits)
{
#ifdef __x86_64__
    for (int i = 0; i < 8; i++) {
        uint64_t sums[3];
        for (int set = HYPER_BASELINE; set <= HYPER_AVX512; set++) {
            hyper_limit_instruction_set(set);
            sums[set] = run_trial(i < 4 ? BLOCK : 131, i & 1, i >> 1 & 1, i >> 2 & 1);
        }
        ck_assert(sums[0] == sums[1] && sums[1] == sums[2]);
    }
    for (int set = HYPER_BASELINE; set < HYPER_AVX512; set++) {
        hyper_limit_instruction_set(set);
        hyper_store *store = hyper_store_new(1, NULL, 0);
        there_and_back(store, 0, 100, true);
        hyper_store_free(store);
    }
    hyper_limit_instruction_set(HYPER_AVX512);
#endif
}
END_TEST

/* Which words move, and in which order, is the same: another instruction set than the one that multiplied divides. */
START_TEST(what_one_instruction_set_multiplies_another_divides)
{
#ifdef __x86_64__
    static call c;
    static int64_t v[BLOCK], first[BLOCK];
    for (int i = 0; i < BLOCK; i++)
        first[i] = random_integer();
    for (int sets = 0; sets < 9; sets++) {
        hyper_store *store = hyper_store_new(1, NULL, 0);
        memcpy(v, first, sizeof v);
        for (int k = 0; k < 800; k++) {
            int number = k < 400 ? k : 799 - k;
            hyper_limit_instruction_set(k < 400 ? sets % 3 : sets / 3);
            make_call(&c, number);
            int64_t bad = k < 400 ? hyper_coder_multiply(hyper_store_coder(store, 0), c.count, v, c.ratio, c.stride)
                                  : hyper_coder_divide(hyper_store_coder(store, 0), c.count, v, c.ratio, c.stride);
            ck_assert_int_eq(bad, HYPER_FINE);
        }
        ck_assert(hyper_store_is_empty(store));
        ck_assert_mem_eq(v, first, sizeof v);
        hyper_store_free(store);
    }
    hyper_limit_instruction_set(HYPER_AVX512);
#endif
}
END_TEST

START_TEST(where_the_moments_are_stored_going_back_leaves_them_alone)
{
    static trial s;
    int64_t v[BLOCK];
    set_trial(&s, NULL, BLOCK, false, 0, 0);
    memcpy(v, s.v, sizeof v);
    set_vector(false, &s.gradient, 1);
    ck_assert_int_eq(hyper_sgd_dynamics.retreat_moments(&s.b), HYPER_FINE);
    ck_assert_mem_eq(v, s.v, sizeof v);
    ck_assert(s.dx[9] != 0);
    ck_assert_double_eq(s.beta_term[9], (s.dv[9] / s.beta[0].value) * (0x1p-52 * (double)v[9] + s.gradient.whole[9]));
}
END_TEST

/* dv' and dx' by differences of the step in float64. */
START_TEST(tangents_follow_the_step)
{
    static trial s;
    static double dalpha[BLOCK], dbeta[BLOCK], dx[BLOCK], dv[BLOCK];
    set_trial(&s, NULL, BLOCK, false, 1, 1);
    set_vector(false, &s.gradient, 1);
    set_vector(false, &s.product, 2);
    set_vector(false, dalpha, 3);
    set_vector(false, dbeta, 4);
    s.b.rate_tangent[0] = (hyper_rate_view){ dalpha, 1 };
    s.b.rate_tangent[1] = (hyper_rate_view){ dbeta, 1 };
    memcpy(dx, s.dx, sizeof dx);
    memcpy(dv, s.dv, sizeof dv);
    ck_assert_int_eq(hyper_sgd_dynamics.follow(&s.b), HYPER_FINE);
    for (int i = 0; i < BLOCK; i++) {
        double out[2][2], h = 1e-5;
        for (int side = 0; side < 2; side++) {
            double e = side ? h : -h, beta = s.beta[i].value + e * dbeta[i], alpha = s.alpha[i] + e * dalpha[i];
            double v = beta * ((double)s.v[i] * 0x1p-52 + e * dv[i]) - (1 - beta) * (s.gradient.whole[i] + e * s.product.whole[i]);
            out[side][0] = v;
            out[side][1] = (double)s.x[i] * 0x1p-52 + e * dx[i] + alpha * v;
        }
        if (fabs((out[1][0] - out[0][0]) / (2 * h) - s.dv[i]) > 1e-6 || fabs((out[1][1] - out[0][1]) / (2 * h) - s.dx[i]) > 1e-5)
            ck_abort_msg("element %d: %g and %g", i, s.dv[i], s.dx[i]);
    }
}
END_TEST

static void assert_step_fails(trial *s, hyper_block_function step, int64_t at, int state, const char *what, double value)
{
    ck_assert_int_eq(step(&s->b), at);
    ck_assert_int_eq(s->b.failed_state, state);
    ck_assert_msg(s->b.failed_what && strstr(s->b.failed_what, what), "%s, not %s", s->b.failed_what, what);
    ck_assert_msg(isnan(value) ? isnan(s->b.failed_value) : fabs(s->b.failed_value / value - 1) < 1e-6 || s->b.failed_value == value, "%s is %g, not %g", what,
                  s->b.failed_value, value);
}

START_TEST(the_first_element_that_is_not_a_number_or_does_not_fit_is_named)
{
    static trial s;
    static const double bad[] = { NAN, INFINITY, -INFINITY, 1e9 };
    for (int i = 0; i < 16; i++) {
        bool single = i & 1, own = i & 2;
        hyper_store *store = hyper_store_new(1, NULL, 0);
        hyper_coder *coder = hyper_store_coder(store, 0);
        double value = bad[i / 4];
        set_trial(&s, coder, 300, single, own, own);
        for (int k = 0; k < BLOCK; k++)
            s.beta[k] = momentum(1, 2);
        if (single)
            s.gradient.single[77] = s.gradient.single[200] = (float)value;
        else
            s.gradient.whole[77] = s.gradient.whole[200] = value;
        assert_step_fails(&s, hyper_sgd_dynamics.advance, 77, 1, "the gradient", value);
        assert_step_fails(&s, hyper_sgd_dynamics.retreat_moments, 77, 1, "the gradient", value);

        set_trial(&s, coder, 300, single, own, own);
        s.beta[0] = s.beta[131] = momentum(1, 2);
        s.alpha[own ? 131 : 0] = value * 1e6;
        s.v[own ? 131 : 0] = INT64_C(1) << 52;
        assert_step_fails(&s, hyper_sgd_dynamics.advance, own ? 131 : 0, 0, "learning rate times velocity", value * 0.5e6);
        hyper_store_clear(store, false);

        set_trial(&s, coder, 300, single, own, own);
        for (int k = 0; k < BLOCK; k++)
            s.beta[k] = momentum(999, 1000);
        s.v[50] = INT64_MIN + 5;
        if (single)
            s.gradient.single[50] = 20480;
        else
            s.gradient.whole[50] = 20480;
        assert_step_fails(&s, hyper_sgd_dynamics.advance, 50, 1, "the velocity", -0.999 * 2048 - 20.48);
        hyper_store_clear(store, false);

        set_trial(&s, coder, 300, single, own, own);
        for (int k = 0; k < BLOCK; k++)
            s.beta[k] = momentum(1, 1);
        s.alpha[40 * own] = 1;
        s.x[40] = INT64_MAX - 5;
        s.v[40] = INT64_C(1) << 52;
        assert_step_fails(&s, hyper_sgd_dynamics.advance, 40, 0, "the value", 2049);
        set_trial(&s, coder, 300, single, own, own);
        s.alpha[40 * own] = 1;
        s.x[40] = INT64_MIN + 5;
        s.v[40] = INT64_C(1) << 52;
        assert_step_fails(&s, hyper_sgd_dynamics.retreat_position, 40, 0, "the value", -2049);
        hyper_store_free(store);
    }
}
END_TEST

START_TEST(a_failure_of_the_coder_is_told_as_such)
{
    static trial s;
    hyper_store *store = hyper_store_new(1, NULL, 0);
    set_trial(&s, hyper_store_coder(store, 0), BLOCK, false, 0, 0);
    s.beta[0] = momentum(1, 65536);
    int64_t bad = HYPER_FINE;
    for (int k = 0; k < 3 && bad == HYPER_FINE; k++) {
        memset(s.v, 0, sizeof s.v);
        bad = hyper_sgd_dynamics.retreat_moments(&s.b);
    }
    ck_assert(bad >= 0 && !s.b.failed_what && hyper_store_failure(store) == HYPER_STORE_MISMATCH);
    hyper_store_free(store);
}
END_TEST

RUN_TESTS("hyperopt_core", steps_are_the_formulas_and_are_undone_to_the_bit, every_instruction_set_gives_the_same_bits,
          what_one_instruction_set_multiplies_another_divides, where_the_moments_are_stored_going_back_leaves_them_alone, tangents_follow_the_step,
          the_first_element_that_is_not_a_number_or_does_not_fit_is_named, a_failure_of_the_coder_is_told_as_such)
