/* Descent with momentum as a dynamics: integer arithmetic on blocks, and its exact inverse.
 *
 * With v in units of unit_v and x in units of unit_x, both powers of two,
 *
 *     v = beta v (momentum.c) + round(-(1 - beta) g / unit_v),     x = x + round(alpha v unit_v / unit_x).
 *
 * What is added is rounded to an integer once, by one function that both directions call, and that integer is
 * subtracted again. So x and v return to the bit whatever the rounding was. Each increment is one product of two
 * doubles, rounded. There is no sum that a compiler could contract with it.
 *
 * A block is a few kilobytes, so each step is a loop of its own over it in the first-level cache, which compilers make
 * into vectors. A loop notes whether any element failed. Only when one has, it is looked for, with the reason. Loops
 * are compiled for rates that all elements share, and for rates of each element. Where only some rates are shared,
 * these are spread. */
#include "block.h"

#include <math.h>

enum { X, V, ALPHA = 0, BETA = 1 };

#define LIMIT 0x1p63 /* a rounded increment is below it */

/* ---- what a block reads ---- */

ALWAYS_INLINE double of(bool shared, const double *rate, int64_t i)
{
    return rate[shared ? 0 : i];
}

/* Spreads a rate that is shared, where the others are not. Gives the number of values. */
ALWAYS_INLINE int64_t spread(const hyper_block *b, int rate, bool shared)
{
    return shared || b->rate[rate].stride == 0 ? 1 : b->count;
}

ALWAYS_INLINE void fill(const hyper_block *b, bool shared, int64_t known, double *value)
{
    for (int64_t i = known; !shared && i < b->count; i++)
        value[i] = *value;
}

ALWAYS_INLINE void read_alpha(const hyper_block *b, bool shared, double *value)
{
    int64_t count = spread(b, ALPHA, shared);
    memcpy(value, b->rate[ALPHA].value, (size_t)count * sizeof *value);
    fill(b, shared, count, value);
}

/* beta or 1 - beta. */
ALWAYS_INLINE void read_beta(const hyper_block *b, bool shared, bool complement, double *value)
{
    const hyper_momentum *beta = b->rate[BETA].value;
    int64_t count = spread(b, BETA, shared);
    for (int64_t i = 0; i < count; i++)
        value[i] = complement ? 1 - beta[i].value : beta[i].value;
    fill(b, shared, count, value);
}

/* ---- integers ---- */

/* Negative where the absolute value is not below LIMIT, and for NaN. */
ALWAYS_INLINE int64_t unfit(double product)
{
    return hyper_bits(LIMIT) - 1 - (hyper_bits(product) & INT64_MAX);
}

/* old + step or old - step. A sum that left the range has wrapped, which `wrapped` finds. */
ALWAYS_INLINE int64_t moved(int64_t old, int64_t step, bool back)
{
    return (int64_t)(back ? (uint64_t)old - (uint64_t)step : (uint64_t)old + (uint64_t)step);
}

/* Negative where the sum has wrapped. */
ALWAYS_INLINE int64_t wrapped(int64_t old, int64_t step, int64_t new, bool back)
{
    return (back ? old ^ step : ~(old ^ step)) & (old ^ new);
}

/* The element at which a state wrapped; HYPER_FINE: there is none. */
static __attribute__((cold, noinline)) int64_t find_wrapped(hyper_block *b, int state, const int64_t *step, bool back, const char *what)
{
    for (int64_t i = 0; i < b->count; i++) {
        int64_t new = b->state[state][i], old = moved(new, step[i], !back);
        if (wrapped(old, step[i], new, back) < 0)
            return hyper_fail(b, i, state, what, ((double)old + (back ? -(double)step[i] : (double)step[i])) * b->unit[state]);
    }
    return HYPER_FINE;
}

/* ---- the increments ---- */

/* The increments of v, from the gradient. Gives whether all fit. weight: times 1 - beta it is the weight of the
 * gradient. */
ALWAYS_INLINE bool round_gradient(bool native, bool shared, bool single, int64_t count, double weight, const double *restrict rest,
                                  const void *restrict gradient, int64_t *restrict step)
{
    int64_t bad = 0;
    for (int64_t i = 0; i < count; i++) {
        double product = of(shared, rest, i) * weight * hyper_real_at(single, gradient, i);
        bad |= unfit(product);
        step[i] = hyper_round_by(native, product);
    }
    return bad >= 0;
}

static __attribute__((cold, noinline)) int64_t gradient_failed(hyper_block *b, bool shared, double weight, const double *rest)
{
    int64_t i = 0;
    while (i < b->count && unfit(of(shared, rest, i) * weight * hyper_real_at(b->single, b->gradient, i)) >= 0)
        i++;
    return hyper_fail(b, i, V, "the gradient", hyper_real_at(b->single, b->gradient, i));
}

/* The same, with their checksum. */
ALWAYS_INLINE int64_t gradient_step(bool native, bool shared, bool single, hyper_block *b, int64_t *restrict step)
{
    hyper_reals rest;
    double weight = -1 / b->unit[V];
    read_beta(b, shared, true, rest);
    if (!round_gradient(native, shared, single, b->count, weight, rest, b->gradient, step))
        return gradient_failed(b, shared, weight, rest);
    b->checksum = hyper_checksum(b->count, step, 0);
    return HYPER_FINE;
}

/* Finds the element that left the range as x moved by v. ratio: of their units. */
static __attribute__((cold, noinline)) int64_t move_failed(hyper_block *b, bool shared, double ratio, const double *alpha, bool back)
{
    hyper_integers step;
    for (int64_t i = 0; i < b->count; i++) {
        double product = of(shared, alpha, i) * ratio * (double)b->state[V][i];
        if (unfit(product) < 0)
            return hyper_fail(b, i, X, "learning rate times velocity", product * b->unit[X]);
        step[i] = hyper_round(product);
    }
    return find_wrapped(b, X, step, back, "the value");
}

/* ---- the dynamics ---- */

/* Moves v and x, and writes x for the loss too. Gives whether all stayed in range. */
ALWAYS_INLINE bool advance_both(bool native, bool shared, bool single, int64_t count, double ratio, double unit, const double *restrict alpha,
                                const int64_t *restrict step, int64_t *restrict v, int64_t *restrict x, void *restrict x_out)
{
    int64_t bad = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t velocity = moved(v[i], step[i], false);
        double product = of(shared, alpha, i) * ratio * hyper_real_by(native, velocity);
        int64_t by = hyper_round_by(native, product), position = moved(x[i], by, false);
        bad |= wrapped(v[i], step[i], velocity, false) | unfit(product) | wrapped(x[i], by, position, false);
        v[i] = velocity;
        x[i] = position;
        hyper_put_real(single, x_out, i, hyper_real_by(native, position) * unit);
    }
    return bad >= 0;
}

ALWAYS_INLINE int64_t advance(bool native, bool shared, bool single, hyper_block *b)
{
    hyper_reals alpha;
    hyper_integers step;
    double ratio = b->unit[V] / b->unit[X];
    int64_t bad = gradient_step(native, shared, single, b, step);
    if (bad != HYPER_FINE)
        return bad;
    bad = hyper_momentum_multiply(b->coder, b->count, b->state[V], b->rate[BETA].value, b->rate[BETA].stride);
    if (bad != HYPER_FINE)
        return hyper_fail(b, bad, V, NULL, 0);
    read_alpha(b, shared, alpha);
    if (advance_both(native, shared, single, b->count, ratio, b->unit[X], alpha, step, b->state[V], b->state[X], b->x_out))
        return HYPER_FINE;
    bad = find_wrapped(b, V, step, false, "the velocity");
    return bad == HYPER_FINE ? move_failed(b, shared, ratio, alpha, false) : bad;
}

/* Moves x back, and writes x for the loss too. Gives whether all stayed in range. */
ALWAYS_INLINE bool move_back(bool native, bool shared, bool single, int64_t count, double ratio, double unit, const double *restrict alpha,
                             const int64_t *restrict v, int64_t *restrict x, void *restrict x_out)
{
    int64_t bad = 0;
    for (int64_t i = 0; i < count; i++) {
        double product = of(shared, alpha, i) * ratio * hyper_real_by(native, v[i]);
        int64_t by = hyper_round_by(native, product), position = moved(x[i], by, true);
        bad |= unfit(product) | wrapped(x[i], by, position, true);
        x[i] = position;
        hyper_put_real(single, x_out, i, hyper_real_by(native, position) * unit);
    }
    return bad >= 0;
}

/* The cotangents through x. unit: that of v; rest: 1 - beta. */
ALWAYS_INLINE void through_position(bool native, bool shared, bool single, int64_t count, double unit, const double *restrict alpha,
                                    const double *restrict rest, const int64_t *restrict v, const double *restrict dx, double *restrict dv,
                                    double *restrict term, void *restrict direction)
{
    for (int64_t i = 0; i < count; i++) {
        double through = dv[i] + of(shared, alpha, i) * dx[i];
        term[i] = dx[i] * (hyper_real_by(native, v[i]) * unit);
        dv[i] = through;
        hyper_put_real(single, direction, i, of(shared, rest, i) * through);
    }
}

ALWAYS_INLINE int64_t retreat_position(bool native, bool shared, bool single, hyper_block *b)
{
    hyper_reals alpha, rest;
    double ratio = b->unit[V] / b->unit[X];
    read_alpha(b, shared, alpha);
    read_beta(b, shared, true, rest);
    if (!move_back(native, shared, single, b->count, ratio, b->unit[X], alpha, b->state[V], b->state[X], b->x_out))
        return move_failed(b, shared, ratio, alpha, true);
    through_position(native, shared, single, b->count, b->unit[V], alpha, rest, b->state[V], b->cotangent[X], b->cotangent[V], b->rate_term[ALPHA],
                     b->direction_out);
    return HYPER_FINE;
}

ALWAYS_INLINE bool undo_gradient(int64_t count, const int64_t *restrict step, int64_t *restrict v)
{
    int64_t bad = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t velocity = moved(v[i], step[i], true);
        bad |= wrapped(v[i], step[i], velocity, true);
        v[i] = velocity;
    }
    return bad >= 0;
}

ALWAYS_INLINE void through_velocity(bool native, bool shared, bool single, int64_t count, double unit, const double *restrict beta, const int64_t *restrict v,
                                    const void *restrict gradient, double *restrict dv, double *restrict term)
{
    for (int64_t i = 0; i < count; i++) {
        term[i] = dv[i] * (hyper_real_by(native, v[i]) * unit + hyper_real_at(single, gradient, i));
        dv[i] *= of(shared, beta, i);
    }
}

ALWAYS_INLINE void subtract(bool single, int64_t count, const void *restrict product, double *restrict dx)
{
    for (int64_t i = 0; i < count; i++)
        dx[i] -= hyper_real_at(single, product, i);
}

ALWAYS_INLINE int64_t retreat_moments(bool native, bool shared, bool single, hyper_block *b)
{
    hyper_reals beta;
    hyper_integers step;
    int64_t bad = gradient_step(native, shared, single, b, step);
    if (bad != HYPER_FINE)
        return bad;
    if (b->coder) {
        if (!undo_gradient(b->count, step, b->state[V]))
            return find_wrapped(b, V, step, true, "the velocity");
        bad = hyper_momentum_divide(b->coder, b->count, b->state[V], b->rate[BETA].value, b->rate[BETA].stride);
        if (bad != HYPER_FINE)
            return hyper_fail(b, bad, V, NULL, 0);
    }
    read_beta(b, shared, false, beta);
    through_velocity(native, shared, single, b->count, b->unit[V], beta, b->state[V], b->gradient, b->cotangent[V], b->rate_term[BETA]);
    if (b->product)
        subtract(single, b->count, b->product, b->cotangent[X]);
    return HYPER_FINE;
}

ALWAYS_INLINE bool all_shared(const hyper_block *b)
{
    return b->rate[ALPHA].stride == 0 && b->rate[BETA].stride == 0;
}

ALWAYS_INLINE int64_t sgd_advance_body(bool native, hyper_block *b)
{
    if (b->single)
        return all_shared(b) ? advance(native, true, true, b) : advance(native, false, true, b);
    return all_shared(b) ? advance(native, true, false, b) : advance(native, false, false, b);
}

ALWAYS_INLINE int64_t sgd_retreat_position_body(bool native, hyper_block *b)
{
    if (b->single)
        return all_shared(b) ? retreat_position(native, true, true, b) : retreat_position(native, false, true, b);
    return all_shared(b) ? retreat_position(native, true, false, b) : retreat_position(native, false, false, b);
}

ALWAYS_INLINE int64_t sgd_retreat_moments_body(bool native, hyper_block *b)
{
    if (b->single)
        return all_shared(b) ? retreat_moments(native, true, true, b) : retreat_moments(native, false, true, b);
    return all_shared(b) ? retreat_moments(native, true, false, b) : retreat_moments(native, false, false, b);
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
    read_alpha(b, false, alpha);
    read_beta(b, false, false, beta);
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
    .state_count = 2, .state_name = { "x", "v" }, .state_bits = { 52, 52 },
    .rate_count = 2, .rate_name = { "alpha", "beta" }, .rate_is_momentum = { [BETA] = true }, .rate_default = { NAN, NAN },
    .advance = sgd_advance, .retreat_position = sgd_retreat_position, .retreat_moments = sgd_retreat_moments,
    .follow = sgd_follow,
    .position_terms = 1u << ALPHA, .moment_terms = 1u << BETA,
};
