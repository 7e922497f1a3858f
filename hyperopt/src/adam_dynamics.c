/* Adam in fixed point, and its exact inverse: a dynamics, on blocks.
 *
 * Forward, with p1, p2 the products of the momenta so far (correction.c gives 1 - p1 and 1 - p2):
 *
 *     m = beta1 m (moment.c) + round((1 - beta1) g),   s = beta2 s (moment.c) + round((1 - beta2) g^2),
 *     u = (m / (1 - p1)) / (sqrt(s / (1 - p2)) + epsilon),
 *     x = (1 - alpha decay) x (decay.c),   x = x - round(alpha u).
 *
 * u is a function of the new m and s alone. So going back x comes first, then the gradient at x, then s and m. Every
 * rounding is of a number that both directions compute by the same function from the same integers. No sum is
 * contracted with a product (-ffp-contract=off), so it is the same number in every build. s is never negative: its
 * multiplication leaves 0 at 0 and is monotone, and its increments are squares.
 *
 * The exponents of squared gradients have twice the range of the gradients' own: s has 32 bits more than a word
 * (fine.h).
 *
 * With a sum of squares in place of their mean (AdaGrad), s = s + round(g^2). There is no beta2 and no p2. */
#include "block.h"
#include "decay.h"
#include "fine.h"
#include "moment.h"

#include <math.h>
#include <string.h>

enum { X, M, S };
enum { ALPHA, BETA1, EPSILON, DECAY, CORRECTION1, BETA2, CORRECTION2 }; /* a sum does not have the last two */

#define LIMIT 0x1p63 /* |fixed| < LIMIT, so INT64_MIN does not occur */

/* The failure of the coder. The engine asks the coder for the reason. */
static int64_t coder_failed(hyper_block *block, int64_t i)
{
    return hyper_fail(block, i, X, NULL, 0);
}

/* ---- rates ---- */

ALWAYS_INLINE double real_rate(const hyper_block *block, int which, int64_t i)
{
    return ((const double *)block->rate[which].value)[i * block->rate[which].stride];
}

ALWAYS_INLINE double beta_rate(const hyper_block *block, int which, int64_t i)
{
    return ((const hyper_momentum *)block->rate[which].value)[i * block->rate[which].stride].value;
}

/* The coefficients of an element, computed from its rates. */
typedef struct {
    double alpha, epsilon, decay;
    double beta1, beta2, w1, w2; /* w: 1 - beta; where s is a sum, beta2 and w2 are 1 */
    double per1, per2;           /* 1 / (1 - p1), 1 / (1 - p2) */
} coefficients;

ALWAYS_INLINE coefficients coefficients_at(const hyper_block *block, bool sum, int64_t i)
{
    double beta1 = beta_rate(block, BETA1, i), beta2 = sum ? 1 : beta_rate(block, BETA2, i);
    return (coefficients){
        .alpha = real_rate(block, ALPHA, i), .epsilon = real_rate(block, EPSILON, i), .decay = real_rate(block, DECAY, i),
        .beta1 = beta1, .beta2 = beta2, .w1 = 1 - beta1, .w2 = sum ? 1 : 1 - beta2,
        .per1 = 1 / real_rate(block, CORRECTION1, i), .per2 = sum ? 1 : 1 / real_rate(block, CORRECTION2, i),
    };
}

/* Whether one set of coefficients serves the whole block. Loops are compiled for both cases. */
static bool all_shared(const hyper_block *block, bool sum)
{
    int64_t strides = 0;
    for (int r = 0; r < (sum ? BETA2 : HYPER_RATES); r++)
        strides |= block->rate[r].stride;
    return strides == 0;
}

/* ---- what both directions compute ---- */

/* A number that does not fit becomes INT64_MIN. */
ALWAYS_INLINE int64_t round_to_fixed(bool native, double units)
{
    int64_t nearest = hyper_round_by(native, units);
    return fabs(units) < LIMIT ? nearest : INT64_MIN;
}

ALWAYS_INLINE int64_t round_to_fine(bool native, double units, uint32_t *fine)
{
    int64_t nearest = hyper_fine_round(native, units, fine);
    return units < LIMIT ? nearest : INT64_MIN;
}

/* 1 or 0, so that results can be added up. */
ALWAYS_INLINE int64_t is_unfit(int64_t fixed)
{
    return fixed == INT64_MIN;
}

static __attribute__((cold, noinline)) int64_t first_unfit(int64_t count, const int64_t *fixed)
{
    int64_t i = 0;
    while (i < count && fixed[i] != INT64_MIN)
        i++;
    return i < count ? i : HYPER_FINE;
}

/* What the gradient adds to m and s. */
typedef struct {
    double g[HYPER_BLOCK];
    int64_t m[HYPER_BLOCK], s[HYPER_BLOCK];
    int64_t fine[HYPER_BLOCK]; /* of s: the bits below the word */
} increments;

ALWAYS_INLINE bool round_increments(bool native, const hyper_block *block, bool sum, bool shared, increments *restrict add)
{
    const int64_t count = block->count;
    const double per_m = 1 / block->unit[M], per_s = 1 / block->unit[S];
    int64_t beyond = 0;
    coefficients k = coefficients_at(block, sum, 0);
    for (int64_t i = 0; i < count; i++) {
        if (!shared)
            k = coefficients_at(block, sum, i);
        double g = add->g[i];
        add->m[i] = round_to_fixed(native, k.w1 * per_m * g);
        uint32_t fine;
        add->s[i] = round_to_fine(native, k.w2 * per_s * (g * g), &fine);
        add->fine[i] = fine;
        beyond += is_unfit(add->m[i]) + is_unfit(add->s[i]);
    }
    return beyond == 0;
}

ALWAYS_INLINE int64_t increments_of(bool native, hyper_block *block, bool sum, bool shared, increments *add)
{
    hyper_read_vector(block->count, block->single, block->gradient, add->g);
    if (!round_increments(native, block, sum, shared, add)) {
        int64_t m = first_unfit(block->count, add->m), s = first_unfit(block->count, add->s);
        if (m != HYPER_FINE && (m <= s || s == HYPER_FINE))
            return hyper_fail(block, m, M, "the gradient", add->g[m]);
        return hyper_fail(block, s, S, "the square of the gradient", add->g[s] * add->g[s]);
    }
    block->checksum = hyper_checksum(block->count, add->fine, hyper_checksum(block->count, add->s, hyper_checksum(block->count, add->m, 0)));
    return HYPER_FINE;
}

/* Everything about the steps of a block that is a function of the new m and s. */
typedef struct {
    double mh[HYPER_BLOCK], sh[HYPER_BLOCK]; /* the moments, corrected */
    double root[HYPER_BLOCK];                /* the root of sh */
    double below[HYPER_BLOCK];               /* 1 / (root + epsilon) */
    double units[HYPER_BLOCK];               /* what is added to x, in its units, before it is rounded */
} steps;

ALWAYS_INLINE void steps_of(bool native, const hyper_block *block, bool sum, bool shared, steps *restrict a)
{
    const int64_t count = block->count, *restrict m = block->state[M], *restrict s = block->state[S];
    const uint32_t *restrict fine = block->fine[S];
    const double per_x = 1 / block->unit[X], unit_m = block->unit[M], unit_s = block->unit[S];
    coefficients k = coefficients_at(block, sum, 0);
    for (int64_t i = 0; i < count; i++) {
        if (!shared)
            k = coefficients_at(block, sum, i);
        a->mh[i] = hyper_real_by(native, m[i]) * (k.per1 * unit_m);
        a->sh[i] = hyper_fine_real(native, s[i], fine[i]) * (k.per2 * unit_s);
        a->root[i] = sqrt(a->sh[i]);
        a->below[i] = 1 / (a->root[i] + k.epsilon);
        a->units[i] = -k.alpha * per_x * (a->mh[i] * a->below[i]);
    }
}

/* ---- moments ---- */

/* a + b, or INT64_MIN where that is out of range: an overflow shows as a sign that neither operand has. */
ALWAYS_INLINE int64_t sum_of(int64_t a, int64_t b)
{
    uint64_t sum = (uint64_t)a + (uint64_t)b;
    return (int64_t)(((uint64_t)a ^ sum) & ((uint64_t)b ^ sum)) < 0 ? INT64_MIN : (int64_t)sum;
}

ALWAYS_INLINE int64_t wrapped_difference(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

/* more: NULL, or what is added to the bits below the word. */
ALWAYS_INLINE int64_t add_moment(hyper_block *block, int state, const int64_t *restrict increment, const int64_t *restrict more, const char *what)
{
    const int64_t count = block->count;
    int64_t *restrict value = block->state[state], beyond = 0;
    uint32_t *restrict fine = block->fine[state];
    for (int64_t i = 0; i < count; i++) {
        int64_t now = sum_of(value[i], more ? sum_of(increment[i], hyper_fine_carry(&fine[i], (uint32_t)more[i])) : increment[i]);
        value[i] = now;
        beyond += is_unfit(now);
    }
    int64_t bad = beyond ? first_unfit(count, value) : HYPER_FINE;
    return bad == HYPER_FINE ? bad : hyper_fail(block, bad, state, what, (double)increment[bad] * block->unit[state]);
}

/* ---- weight decay ---- */

static bool decays(const hyper_block *block)
{
    return block->rate[DECAY].stride || real_rate(block, DECAY, 0) != 0;
}

/* (1 - alpha decay) x, or its inverse. A rate that is out of range stops the run before it does harm. */
static int64_t decay(hyper_block *block, int64_t (*move)(hyper_coder *, int64_t, int64_t *, const double *))
{
    hyper_reals c;
    for (int64_t i = 0; i < block->count; i++) {
        c[i] = real_rate(block, ALPHA, i) * real_rate(block, DECAY, i);
        if (!(c[i] >= 0 && c[i] <= 0.5))
            return hyper_fail(block, i, HYPER_NO_UNIT, "alpha times decay, which should be from 0 to 1/2,", c[i]);
    }
    int64_t bad = move(block->coder, block->count, block->state[X], c);
    return bad == HYPER_FINE ? bad : coder_failed(block, bad);
}

/* ---- forward ---- */

/* Finds the element that left its range. x has moved already, and may have wrapped. */
static __attribute__((cold, noinline)) int64_t move_failed(hyper_block *block, const steps *a)
{
    for (int64_t i = 0; i < block->count; i++) {
        int64_t by = round_to_fixed(false, a->units[i]), x = wrapped_difference(block->state[X][i], by);
        double step = a->units[i] * block->unit[X];
        if (by == INT64_MIN)
            return hyper_fail(block, i, X, "the step", step);
        if (sum_of(x, by) == INT64_MIN)
            return hyper_fail(block, i, X, "the value", hyper_real(x) * block->unit[X] + step);
    }
    return HYPER_FINE;
}

ALWAYS_INLINE int64_t move(bool native, hyper_block *block, steps *restrict a)
{
    const int64_t count = block->count;
    int64_t *restrict x = block->state[X], beyond = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t by = round_to_fixed(native, a->units[i]);
        beyond += is_unfit(by) + is_unfit(sum_of(x[i], by));
        x[i] = (int64_t)((uint64_t)x[i] + (uint64_t)by);
    }
    if (beyond)
        return move_failed(block, a);
    hyper_write_position(native, block, a->units);
    return HYPER_FINE;
}

ALWAYS_INLINE int64_t advance_position(bool native, hyper_block *block, bool sum, bool shared)
{
    steps a;
    steps_of(native, block, sum, shared, &a);
    return move(native, block, &a);
}

ALWAYS_INLINE int64_t advance(bool native, hyper_block *block, bool sum, bool shared)
{
    increments add;
    int64_t bad = increments_of(native, block, sum, shared, &add);
    if (bad != HYPER_FINE)
        return bad;
    if ((bad = hyper_moment_multiply(block, M, BETA1)) != HYPER_FINE || (!sum && (bad = hyper_moment_multiply(block, S, BETA2)) != HYPER_FINE))
        return coder_failed(block, bad);
    if ((bad = add_moment(block, M, add.m, NULL, "the mean of the gradient")) != HYPER_FINE ||
        (bad = add_moment(block, S, add.s, add.fine, sum ? "the sum of the squared gradient" : "the mean of the squared gradient")) != HYPER_FINE)
        return bad;
    return decays(block) ? HYPER_FINE : advance_position(native, block, sum, shared);
}

/* Going back, the decay of x is undone before all moments. So its digits have to lie above those of the moments of all
 * blocks. */
ALWAYS_INLINE int64_t settle(bool native, hyper_block *block, bool sum, bool shared)
{
    if (!decays(block))
        return HYPER_FINE;
    int64_t bad = decay(block, hyper_decay);
    return bad == HYPER_FINE ? advance_position(native, block, sum, shared) : bad;
}

/* ---- and back ---- */

/* The cotangents of x, m and s through the position, at the old x:
 *
 *     dalpha = -dx (u + decay x),   ddecay = -alpha dx x,   du = -alpha dx,   depsilon = -du u / (sqrt(sh) + epsilon),
 *     dmh = du / (sqrt(sh) + epsilon),   dsh = -du u / ((sqrt(sh) + epsilon) 2 sqrt(sh)), or 0 where sh is 0,
 *     d(1 - p1) = -dmh mh / (1 - p1),   d(1 - p2) = -dsh sh / (1 - p2),
 *     dm += dmh / (1 - p1),   ds += dsh / (1 - p2),   dx *= 1 - alpha decay. */
ALWAYS_INLINE void through_position(hyper_block *block, bool sum, bool shared, const steps *restrict a, const double *restrict x)
{
    const int64_t count = block->count;
    double *restrict dx = block->cotangent[X], *restrict dm = block->cotangent[M], *restrict ds = block->cotangent[S];
    double *restrict dalpha = block->rate_term[ALPHA], *restrict ddecay = block->rate_term[DECAY], *restrict depsilon = block->rate_term[EPSILON];
    double *restrict dc1 = block->rate_term[CORRECTION1], *restrict dc2 = sum ? NULL : block->rate_term[CORRECTION2];
    double dmh[HYPER_BLOCK], dsh[HYPER_BLOCK];
    coefficients k = coefficients_at(block, sum, 0);
    for (int64_t i = 0; i < count; i++) {
        if (!shared)
            k = coefficients_at(block, sum, i);
        double u = a->mh[i] * a->below[i], du = -k.alpha * dx[i], slope = -du * u * a->below[i], half = 0.5 / a->root[i];
        dmh[i] = du * a->below[i] * k.per1;
        dsh[i] = (a->root[i] > 0 ? slope * half : 0) * k.per2;
        dalpha[i] = -dx[i] * (u + k.decay * x[i]);
        ddecay[i] = du * x[i];
        depsilon[i] = slope;
        dx[i] *= 1 - k.alpha * k.decay;
    }
    for (int64_t i = 0; i < count; i++) {
        dc1[i] = -dmh[i] * a->mh[i];
        if (!sum)
            dc2[i] = -dsh[i] * a->sh[i];
        dm[i] += dmh[i];
        ds[i] += dsh[i];
    }
}

ALWAYS_INLINE void move_back(bool native, hyper_block *block, const steps *restrict a)
{
    const int64_t count = block->count;
    int64_t *restrict x = block->state[X];
    for (int64_t i = 0; i < count; i++)
        x[i] = wrapped_difference(x[i], round_to_fixed(native, a->units[i]));
}

ALWAYS_INLINE int64_t retreat_position(bool native, hyper_block *block, bool sum, bool shared)
{
    steps a;
    steps_of(native, block, sum, shared, &a);
    if (block->coder) {
        move_back(native, block, &a);
        int64_t bad = decays(block) ? decay(block, hyper_undo_decay) : HYPER_FINE;
        if (bad != HYPER_FINE)
            return bad;
    }
    hyper_write_position(native, block, a.units);
    through_position(block, sum, shared, &a, a.units);
    return HYPER_FINE;
}

/* -dg = -((1 - beta1) dm + 2 (1 - beta2) g ds): the engine subtracts the product. */
ALWAYS_INLINE int64_t direction(hyper_block *block, bool sum, bool shared)
{
    const int64_t count = block->count;
    const double *restrict dm = block->cotangent[M], *restrict ds = block->cotangent[S];
    double g[HYPER_BLOCK], d[HYPER_BLOCK];
    coefficients k = coefficients_at(block, sum, 0);
    hyper_read_vector(block->count, block->single, block->gradient, g);
    for (int64_t i = 0; i < count; i++) {
        if (!shared)
            k = coefficients_at(block, sum, i);
        d[i] = -(k.w1 * dm[i] + 2 * k.w2 * (g[i] * ds[i]));
    }
    hyper_write_vector(block->count, block->single, d, block->direction_out);
    return HYPER_FINE;
}

/* A difference overflows only where the gradient is not that of the forward pass. The coder or the checksum finds that
 * out. */
ALWAYS_INLINE int64_t undo_moments(hyper_block *block, bool sum, const increments *restrict add)
{
    const int64_t count = block->count;
    int64_t *restrict m = block->state[M], *restrict s = block->state[S];
    uint32_t *restrict fine = block->fine[S];
    for (int64_t i = 0; i < count; i++) {
        m[i] = wrapped_difference(m[i], add->m[i]);
        s[i] = wrapped_difference(wrapped_difference(s[i], add->s[i]), hyper_fine_borrow(&fine[i], (uint32_t)add->fine[i]));
    }
    int64_t bad = sum ? HYPER_FINE : hyper_moment_divide(block, S, BETA2);
    if (bad == HYPER_FINE)
        bad = hyper_moment_divide(block, M, BETA1);
    return bad == HYPER_FINE ? bad : coder_failed(block, bad);
}

/* dbeta1 = dm (m - g),   dbeta2 = ds (s - g^2),   dm = beta1 dm,   ds = beta2 ds, with m and s the old ones. */
ALWAYS_INLINE void through_moments(bool native, hyper_block *block, bool sum, bool shared, const double *restrict g)
{
    const int64_t count = block->count, *restrict m = block->state[M], *restrict s = block->state[S];
    const uint32_t *restrict fine = block->fine[S];
    double *restrict dx = block->cotangent[X], *restrict dm = block->cotangent[M], *restrict ds = block->cotangent[S];
    double *restrict dbeta1 = block->rate_term[BETA1], *restrict dbeta2 = sum ? NULL : block->rate_term[BETA2];
    double product[HYPER_BLOCK], unit_m = block->unit[M], unit_s = block->unit[S];
    coefficients k = coefficients_at(block, sum, 0);
    if (block->product)
        hyper_read_vector(block->count, block->single, block->product, product);
    else
        memset(product, 0, sizeof product);
    for (int64_t i = 0; i < count; i++) {
        if (!shared)
            k = coefficients_at(block, sum, i);
        dx[i] -= product[i];
        dbeta1[i] = dm[i] * (hyper_real_by(native, m[i]) * unit_m - g[i]);
        dm[i] *= k.beta1;
        if (!sum) {
            dbeta2[i] = ds[i] * (hyper_fine_real(native, s[i], fine[i]) * unit_s - g[i] * g[i]);
            ds[i] *= k.beta2;
        }
    }
}

ALWAYS_INLINE int64_t retreat_moments(bool native, hyper_block *block, bool sum, bool shared)
{
    increments add;
    int64_t bad = increments_of(native, block, sum, shared, &add);
    if (bad == HYPER_FINE && block->coder)
        bad = undo_moments(block, sum, &add);
    if (bad != HYPER_FINE)
        return bad;
    through_moments(native, block, sum, shared, add.g);
    return HYPER_FINE;
}

/* ---- tangents ---- */

ALWAYS_INLINE double tangent_rate(const hyper_block *block, int which, int64_t i)
{
    return ((const double *)block->rate_tangent[which].value)[i * block->rate_tangent[which].stride];
}

/* The tangents of one element after the iteration, from the state before it:
 *
 *     dm' = beta1 dm + (1 - beta1) dg + dbeta1 (m - g),   ds' = beta2 ds + (1 - beta2) 2 g dg + dbeta2 (s - g^2),
 *     du = dmh / (sqrt(sh) + epsilon) - u (dsh / (2 sqrt(sh)) + depsilon) / (sqrt(sh) + epsilon),
 *     dx' = (1 - alpha decay) dx - d(alpha decay) x - alpha du - dalpha u. */
ALWAYS_INLINE void follow_element(hyper_block *block, bool sum, int64_t i, double g, double dg)
{
    coefficients k = coefficients_at(block, sum, i);
    double *dx = &block->cotangent[X][i], *dm = &block->cotangent[M][i], *ds = &block->cotangent[S][i];
    double x = hyper_real(block->state[X][i]) * block->unit[X], m = hyper_real(block->state[M][i]) * block->unit[M];
    double s = hyper_fine_real(false, block->state[S][i], block->fine[S][i]) * block->unit[S], dalpha = tangent_rate(block, ALPHA, i);
    *dm = k.beta1 * *dm + k.w1 * dg + tangent_rate(block, BETA1, i) * (m - g);
    *ds = k.beta2 * *ds + 2 * k.w2 * (g * dg) + (sum ? 0 : tangent_rate(block, BETA2, i) * (s - g * g));
    double mh = (k.beta1 * m + k.w1 * g) * k.per1, sh = (k.beta2 * s + k.w2 * (g * g)) * k.per2;
    double dmh = (*dm - mh * tangent_rate(block, CORRECTION1, i)) * k.per1;
    double dsh = (*ds - (sum ? 0 : sh * tangent_rate(block, CORRECTION2, i))) * k.per2;
    double root = sqrt(sh), below = 1 / (root + k.epsilon), u = mh * below;
    double droot = root > 0 ? 0.5 * dsh / root : 0, du = below * (dmh - u * (droot + tangent_rate(block, EPSILON, i)));
    double ddecay = dalpha * k.decay + k.alpha * tangent_rate(block, DECAY, i);
    *dx = (1 - k.alpha * k.decay) * *dx - ddecay * x - k.alpha * du - dalpha * u;
}

ALWAYS_INLINE int64_t follow(hyper_block *block, bool sum)
{
    double g[HYPER_BLOCK], dg[HYPER_BLOCK] = { 0 };
    hyper_read_vector(block->count, block->single, block->gradient, g);
    if (block->product)
        hyper_read_vector(block->count, block->single, block->product, dg);
    for (int64_t i = 0; i < block->count; i++)
        follow_element(block, sum, i, g[i], dg[i]);
    return HYPER_FINE;
}

/* ---- the two dynamics: with the mean of the squares, and with their sum ---- */

ALWAYS_INLINE int64_t adam_advance_body(bool native, hyper_block *block)
{
    return all_shared(block, false) ? advance(native, block, false, true) : advance(native, block, false, false);
}

ALWAYS_INLINE int64_t adam_settle_body(bool native, hyper_block *block)
{
    return all_shared(block, false) ? settle(native, block, false, true) : settle(native, block, false, false);
}

ALWAYS_INLINE int64_t adam_retreat_position_body(bool native, hyper_block *block)
{
    return all_shared(block, false) ? retreat_position(native, block, false, true) : retreat_position(native, block, false, false);
}

ALWAYS_INLINE int64_t adam_direction_body(hyper_block *block)
{
    return all_shared(block, false) ? direction(block, false, true) : direction(block, false, false);
}

ALWAYS_INLINE int64_t adam_retreat_moments_body(bool native, hyper_block *block)
{
    return all_shared(block, false) ? retreat_moments(native, block, false, true) : retreat_moments(native, block, false, false);
}

ALWAYS_INLINE int64_t sum_advance_body(bool native, hyper_block *block)
{
    return all_shared(block, true) ? advance(native, block, true, true) : advance(native, block, true, false);
}

ALWAYS_INLINE int64_t sum_settle_body(bool native, hyper_block *block)
{
    return all_shared(block, true) ? settle(native, block, true, true) : settle(native, block, true, false);
}

ALWAYS_INLINE int64_t sum_retreat_position_body(bool native, hyper_block *block)
{
    return all_shared(block, true) ? retreat_position(native, block, true, true) : retreat_position(native, block, true, false);
}

ALWAYS_INLINE int64_t sum_direction_body(hyper_block *block)
{
    return all_shared(block, true) ? direction(block, true, true) : direction(block, true, false);
}

ALWAYS_INLINE int64_t sum_retreat_moments_body(bool native, hyper_block *block)
{
    return all_shared(block, true) ? retreat_moments(native, block, true, true) : retreat_moments(native, block, true, false);
}

static int64_t adam_follow(hyper_block *block)
{
    return follow(block, false);
}

static int64_t sum_follow(hyper_block *block)
{
    return follow(block, true);
}

HYPER_NATIVE_VERSIONS(static, int64_t, adam_advance, (hyper_block *block), block)
HYPER_NATIVE_VERSIONS(static, int64_t, adam_settle, (hyper_block *block), block)
HYPER_NATIVE_VERSIONS(static, int64_t, adam_retreat_position, (hyper_block *block), block)
HYPER_VERSIONS(static, int64_t, adam_direction, (hyper_block *block), (block))
HYPER_NATIVE_VERSIONS(static, int64_t, adam_retreat_moments, (hyper_block *block), block)
HYPER_NATIVE_VERSIONS(static, int64_t, sum_advance, (hyper_block *block), block)
HYPER_NATIVE_VERSIONS(static, int64_t, sum_settle, (hyper_block *block), block)
HYPER_NATIVE_VERSIONS(static, int64_t, sum_retreat_position, (hyper_block *block), block)
HYPER_VERSIONS(static, int64_t, sum_direction, (hyper_block *block), (block))
HYPER_NATIVE_VERSIONS(static, int64_t, sum_retreat_moments, (hyper_block *block), block)

#define POSITION_TERMS (1u << ALPHA | 1u << EPSILON | 1u << DECAY | 1u << CORRECTION1)

const hyper_dynamics hyper_adam_dynamics = {
    .name = "hyper_adam",
    .state_count = 3, .state_name = { "x", "m", "s" }, .state_bits = { 52, 54, 54 }, .state_is_square = { [S] = true }, .state_is_fine = { [S] = true },
    .rate_count = 7, .rate_name = { "alpha", "beta1", "epsilon", "decay", NULL, "beta2", NULL },
    .rate_is_momentum = { [BETA1] = true, [BETA2] = true }, .bits_of_zero = { [BETA1] = 64, [BETA2] = 96 },
    .rate_is_positive = { [EPSILON] = true }, .rate_corrects = { [CORRECTION1] = BETA1, [CORRECTION2] = BETA2 },
    .rate_default = { NAN, NAN, 1e-8, 0, 0, NAN, 0 }, .position_loses_by = 1u << DECAY,
    .advance = adam_advance, .settle = adam_settle, .retreat_position = adam_retreat_position, .direction = adam_direction,
    .retreat_moments = adam_retreat_moments, .follow = adam_follow,
    .position_terms = POSITION_TERMS | 1u << CORRECTION2, .moment_terms = 1u << BETA1 | 1u << BETA2,
};

const hyper_dynamics hyper_adam_sum_dynamics = {
    .name = "hyper_adam",
    .state_count = 3, .state_name = { "x", "m", "s" }, .state_bits = { 52, 54, 50 }, .state_is_square = { [S] = true }, .state_is_fine = { [S] = true },
    .rate_count = 5, .rate_name = { "alpha", "beta1", "epsilon", "decay", NULL },
    .rate_is_momentum = { [BETA1] = true }, .bits_of_zero = { [BETA1] = 64 },
    .rate_is_positive = { [EPSILON] = true }, .rate_corrects = { [CORRECTION1] = BETA1 },
    .rate_default = { NAN, NAN, 1e-8, 0, 0 }, .position_loses_by = 1u << DECAY,
    .advance = sum_advance, .settle = sum_settle, .retreat_position = sum_retreat_position, .direction = sum_direction,
    .retreat_moments = sum_retreat_moments, .follow = sum_follow,
    .position_terms = POSITION_TERMS, .moment_terms = 1u << BETA1,
};
