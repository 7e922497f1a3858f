/* Descent with momentum as a dynamics: integer arithmetic on blocks, and its exact inverse.
 *
 * With v in units of unit_v and x in units of unit_x, both powers of two,
 *
 *     v = beta v (momentum.c) + round(-(1 - beta) g / unit_v),     x = x + round(alpha v unit_v / unit_x).
 *
 * What is added is rounded to an integer once, by one function that both directions call, and that integer is subtracted again: x and v return to the
 * bit whatever the rounding was. Each is one product of two doubles, rounded; there is no sum that a compiler could contract with it.
 *
 * A block is a few kilobytes, so each step is a loop of its own over it in the first-level cache, which compilers make into vectors. A loop notes whether any
 * element failed; which one, and why, is looked for afterwards, when it has. Rates are spread over the block first, so that shared ones and
 * those of each element go the same way. */
#include "block.h"

#include <math.h>
#include <xxhash.h>

enum { X, V, ALPHA = 0, BETA = 1 };

#define LIMIT 0x1p63 /* of a rounded increment */
/* ---- what a block reads ---- */

/* Times a power of two. */
ALWAYS_INLINE void read_alpha(const hyper_block *b, double factor, double *restrict value)
{
    const double *alpha = b->rate[ALPHA].value;
    if (b->rate[ALPHA].stride)
        for (int64_t i = 0; i < b->count; i++)
            value[i] = alpha[i] * factor;
    else
        for (int64_t i = 0; i < b->count; i++)
            value[i] = *alpha * factor;
}

/* beta or 1 - beta, times a power of two. */
ALWAYS_INLINE void read_beta(const hyper_block *b, bool complement, double factor, double *restrict value)
{
    const hyper_momentum *beta = b->rate[BETA].value;
    if (b->rate[BETA].stride) {
        for (int64_t i = 0; i < b->count; i++)
            value[i] = (complement ? 1 - beta[i].value : beta[i].value) * factor;
    } else {
        double shared = (complement ? 1 - beta->value : beta->value) * factor;
        for (int64_t i = 0; i < b->count; i++)
            value[i] = shared;
    }
}

ALWAYS_INLINE void ask_for_rates(const hyper_block *b, bool alpha, bool backwards)
{
    const hyper_momentum *beta = b->rate[BETA].value;
    if (alpha && b->rate[ALPHA].stride)
        hyper_ask_ahead(b, b->rate[ALPHA].value, sizeof(double), backwards);
    if (b->rate[BETA].stride)
        hyper_ask_ahead(b, beta, sizeof *beta, backwards);
}

/* ---- integers ---- */

/* step = round(weight value); whether all fit. */
ALWAYS_INLINE bool round_product(bool native, int64_t count, const double *restrict weight, const double *restrict value, int64_t *restrict step)
{
    int64_t bad = 0;
    for (int64_t i = 0; i < count; i++) {
        double product = weight[i] * value[i];
        bad |= hyper_bits(LIMIT) - 1 - (hyper_bits(product) & INT64_MAX); /* negative: beyond, or NaN */
        step[i] = hyper_round_by(native, product);
    }
    return bad >= 0;
}

static __attribute__((cold, noinline)) int64_t first_unfit(int64_t count, const double *weight, const double *value)
{
    int64_t i = 0;
    while (i < count && fabs(weight[i] * value[i]) < LIMIT)
        i++;
    return i;
}

/* state += step or state -= step; whether none left the range. A sum that did has wrapped, for whoever looks for it. */
ALWAYS_INLINE bool add(int64_t count, int64_t *restrict state, const int64_t *restrict step, bool subtract)
{
    int64_t left = 0;
    for (int64_t i = 0; i < count; i++) {
        uint64_t old = (uint64_t)state[i], by = (uint64_t)step[i], new = subtract ? old - by : old + by;
        left |= (int64_t)((subtract ? old ^ by : ~(old ^ by)) & (old ^ new));
        state[i] = (int64_t)new;
    }
    return left >= 0;
}

static __attribute__((cold, noinline)) int64_t find_wrapped(hyper_block *b, int state, const int64_t *step, bool subtract, const char *what)
{
    for (int64_t i = 0; i < b->count; i++) {
        int64_t new = b->state[state][i], old = (int64_t)(subtract ? (uint64_t)new + (uint64_t)step[i] : (uint64_t)new - (uint64_t)step[i]), same;
        if (subtract ? __builtin_sub_overflow(old, step[i], &same) : __builtin_add_overflow(old, step[i], &same))
            return hyper_fail(b, i, state, what, ((double)old + (subtract ? -(double)step[i] : (double)step[i])) * b->unit[state]);
    }
    return HYPER_FINE;
}

/* ---- the increments ---- */

/* Of v, from the gradient; and their checksum. */
ALWAYS_INLINE int64_t gradient_step(bool native, hyper_block *b, const double *restrict g, int64_t *restrict step)
{
    hyper_reals weight;
    read_beta(b, true, -1 / b->unit[V], weight);
    if (!round_product(native, b->count, weight, g, step)) {
        int64_t i = first_unfit(b->count, weight, g);
        return hyper_fail(b, i, V, "the gradient", g[i]);
    }
    b->checksum = XXH3_64bits(step, (size_t)b->count * sizeof *step);
    return HYPER_FINE;
}

/* Of x, from v; value is v in units. */
ALWAYS_INLINE int64_t velocity_step(bool native, hyper_block *b, double *restrict value, int64_t *restrict step)
{
    hyper_reals scale;
    read_alpha(b, b->unit[V] / b->unit[X], scale);
    for (int64_t i = 0; i < b->count; i++)
        value[i] = hyper_real_by(native, b->state[V][i]);
    if (round_product(native, b->count, scale, value, step))
        return HYPER_FINE;
    int64_t i = first_unfit(b->count, scale, value);
    return hyper_fail(b, i, X, "learning rate times velocity", scale[i] * value[i] * b->unit[X]);
}

/* ---- the dynamics ---- */

ALWAYS_INLINE int64_t sgd_advance_body(bool native, hyper_block *b)
{
    hyper_reals value;
    hyper_integers step;
    const hyper_momentum *beta = b->rate[BETA].value;
    hyper_read_vector(b->count, b->single, b->gradient, value);
    hyper_ask_ahead(b, b->state[V], sizeof(int64_t), false);
    hyper_ask_ahead(b, b->state[X], sizeof(int64_t), false);
    hyper_ask_for_real(b, b->gradient, false);
    hyper_ask_for_real(b, b->x_out, false);
    ask_for_rates(b, true, false);
    int64_t bad = gradient_step(native, b, value, step);
    if (bad != HYPER_FINE)
        return bad;
    bad = hyper_momentum_multiply(b->coder, b->count, b->state[V], beta, b->rate[BETA].stride);
    if (bad != HYPER_FINE)
        return hyper_fail(b, bad, V, NULL, 0);
    if (!add(b->count, b->state[V], step, false))
        return find_wrapped(b, V, step, false, "the velocity");
    bad = velocity_step(native, b, value, step);
    if (bad != HYPER_FINE)
        return bad;
    if (!add(b->count, b->state[X], step, false))
        return find_wrapped(b, X, step, false, "the value");
    hyper_write_position(native, b, value);
    return HYPER_FINE;
}

ALWAYS_INLINE int64_t sgd_retreat_position_body(bool native, hyper_block *b)
{
    hyper_reals value, rate, direction;
    hyper_integers step;
    double *restrict dx = b->cotangent[X], *restrict dv = b->cotangent[V], *restrict term = b->rate_term[ALPHA], unit = b->unit[V];
    hyper_ask_ahead(b, b->state[V], sizeof(int64_t), false);
    hyper_ask_ahead(b, b->state[X], sizeof(int64_t), false);
    hyper_ask_ahead(b, dx, sizeof *dx, false);
    hyper_ask_ahead(b, dv, sizeof *dv, false);
    hyper_ask_for_real(b, b->direction_out, false);
    hyper_ask_for_real(b, b->x_out, false);
    ask_for_rates(b, true, false);
    int64_t bad = velocity_step(native, b, value, step);
    if (bad != HYPER_FINE)
        return bad;
    if (!add(b->count, b->state[X], step, true))
        return find_wrapped(b, X, step, true, "the value");
    hyper_write_position(native, b, direction);
    read_alpha(b, 1, rate);
    for (int64_t i = 0; i < b->count; i++) {
        term[i] = dx[i] * (value[i] * unit);
        dv[i] += rate[i] * dx[i];
    }
    read_beta(b, true, 1, rate);
    for (int64_t i = 0; i < b->count; i++)
        direction[i] = rate[i] * dv[i];
    hyper_write_vector(b->count, b->single, direction, b->direction_out);
    return HYPER_FINE;
}

ALWAYS_INLINE int64_t sgd_retreat_moments_body(bool native, hyper_block *b)
{
    hyper_reals gradient, rate, product;
    hyper_integers step;
    double *restrict dx = b->cotangent[X], *restrict dv = b->cotangent[V], *restrict term = b->rate_term[BETA], unit = b->unit[V];
    const hyper_momentum *beta = b->rate[BETA].value;
    hyper_read_vector(b->count, b->single, b->gradient, gradient);
    hyper_ask_ahead(b, b->state[V], sizeof(int64_t), true);
    hyper_ask_ahead(b, dx, sizeof *dx, true);
    hyper_ask_ahead(b, dv, sizeof *dv, true);
    hyper_ask_for_real(b, b->gradient, true);
    hyper_ask_for_real(b, b->product, true);
    ask_for_rates(b, false, true);
    int64_t bad = gradient_step(native, b, gradient, step);
    if (bad != HYPER_FINE)
        return bad;
    if (b->coder) {
        if (!add(b->count, b->state[V], step, true))
            return find_wrapped(b, V, step, true, "the velocity");
        bad = hyper_momentum_divide(b->coder, b->count, b->state[V], beta, b->rate[BETA].stride);
        if (bad != HYPER_FINE)
            return hyper_fail(b, bad, V, NULL, 0);
    }
    read_beta(b, false, 1, rate);
    for (int64_t i = 0; i < b->count; i++) {
        term[i] = dv[i] * (hyper_real_by(native, b->state[V][i]) * unit + gradient[i]);
        dv[i] *= rate[i];
    }
    if (!b->product)
        return HYPER_FINE;
    hyper_read_vector(b->count, b->single, b->product, product);
    for (int64_t i = 0; i < b->count; i++)
        dx[i] -= product[i];
    return HYPER_FINE;
}

/* Tangents: dv' = beta dv - (1 - beta) dg + dbeta (v + g),  dx' = dx + alpha dv' + dalpha v'. */
static int64_t sgd_follow(hyper_block *b)
{
    hyper_reals gradient, product, alpha, beta;
    double *dx = b->cotangent[X], *dv = b->cotangent[V];
    const double *dalpha = b->rate_tangent[ALPHA].value, *dbeta = b->rate_tangent[BETA].value;
    hyper_read_vector(b->count, b->single, b->gradient, gradient);
    memset(product, 0, sizeof product);
    if (b->product)
        hyper_read_vector(b->count, b->single, b->product, product);
    read_alpha(b, 1, alpha);
    read_beta(b, false, 1, beta);
    for (int64_t i = 0; i < b->count; i++) {
        double v = (double)b->state[V][i] * b->unit[V], next = beta[i] * v - (1 - beta[i]) * gradient[i];
        dv[i] = beta[i] * dv[i] - (1 - beta[i]) * product[i] + dbeta[i * b->rate_tangent[BETA].stride] * (v + gradient[i]);
        dx[i] += alpha[i] * dv[i] + dalpha[i * b->rate_tangent[ALPHA].stride] * next;
    }
    return HYPER_FINE;
}

HYPER_NATIVE_VERSIONS(static, int64_t, sgd_advance, (hyper_block *b), b)
HYPER_NATIVE_VERSIONS(static, int64_t, sgd_retreat_position, (hyper_block *b), b)
HYPER_NATIVE_VERSIONS(static, int64_t, sgd_retreat_moments, (hyper_block *b), b)

const hyper_dynamics hyper_sgd_dynamics = {
    .name = "hyper_sgd",
    .states = 2, .state_name = { "x", "v" }, .state_bits = { 52, 52 },
    .rates = 2, .rate_name = { "alpha", "beta" }, .rate_is_momentum = { [BETA] = true }, .rate_default = { NAN, NAN },
    .advance = sgd_advance, .retreat_position = sgd_retreat_position, .retreat_moments = sgd_retreat_moments,
    .follow = sgd_follow,
    .position_terms = 1u << ALPHA, .moment_terms = 1u << BETA,
};
