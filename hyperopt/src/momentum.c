/* Momenta as ratios and what is left of them.
 *
 * beta = n/d (1 + e), where n/d is the largest ratio up to beta with d <= D, so that 0 <= e < 2^-15. The coder
 * multiplies by n/d. Then
 *
 *     F(v) = v + round(e v)
 *
 * is strictly increasing, as conversion, product and rounding never decrease. So no two v have the same F(v), and
 * nothing has to be kept to undo it. Without F training would not change between one ratio and the next. Near 9/10
 * ratios are 10^-6 apart, and near 1/2 10^-5, so differences in beta would not see the slope that is there.
 *
 * Undoing: v is first guessed as F - round(e/(1 + e) F), which is off by at most 1, as |e v| < 2^48 has more than 4
 * bits behind the point. F of the guess says in which direction, and F of the result says that it is right.
 *
 * With 32 bits more (fine.h) e v has fewer bits than v, and so is a staircase. It rises by at most 2^-15 of the width
 * of its steps. The guess is on the same step as v or on a neighbouring one. On a neighbouring one, F less the e v of
 * the guess is off by the height of a step, and so it is on the step of v. F less the e v of that is v.
 *
 * The ratio: beta is m / 2^k exactly. Euclid's algorithm on (2^k, m) gives its partial quotients and convergents p / q
 * (Knuth, The Art of Computer Programming, 4.5.3). The remainders are 2^k |q beta - p|. Convergents lie above beta and
 * below it by turns. Where q passes D, two ratios remain: the last convergent, and the last semiconvergent, (t p +
 * p_before) / (t q + q_before) with the largest t that keeps to D. They lie on either side of beta, and no ratio lies
 * between them. */
#include "momentum.h"

#include "dynamics.h"
#include "fine.h"

#include <math.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))

typedef double reals[HYPER_BLOCK] __attribute__((aligned(64)));

/* ---- ratios ---- */

enum { D = 1 << 16 };

__extension__ typedef unsigned __int128 wide;

static hyper_momentum momentum(double beta, uint64_t n, uint64_t d)
{
    return (hyper_momentum){ beta, { (uint16_t)(n - 1), (uint16_t)(d - 1) } };
}

bool hyper_momentum_of(double beta, hyper_momentum *found)
{
    if (!(beta > 0 && beta <= 1))
        return false;
    if (beta <= 1.0 / D) {
        *found = momentum(1.0 / D, 1, D);
        return true;
    }
    int exponent;
    uint64_t m = (uint64_t)ldexp(frexp(beta, &exponent), 53); /* 2^52 <= m < 2^53 */
    wide whole = (wide)1 << (53 - exponent);                  /* at most 2^69 */
    uint64_t a = (uint64_t)(whole / m), before = m, now = (uint64_t)(whole % m); /* remainders */
    uint64_t p_before = 0, q_before = 1, p = 1, q = a;
    bool above = true; /* p / q is not below beta */
    while ((wide)now << 50 > (wide)q * m) {
        uint64_t quotient = before / now, rest = before % now, room = (D - q_before) / q;
        if (quotient > room) {
            *found = above ? momentum(beta, room * p + p_before, room * q + q_before) : momentum(beta, p, q);
            return true;
        }
        uint64_t p_next = quotient * p + p_before, q_next = quotient * q + q_before;
        p_before = p, q_before = q, p = p_next, q = q_next;
        before = now, now = rest;
        above = !above;
    }
    *found = momentum(beta, p, q);
    return true;
}

/* ---- multiplication ---- */

ALWAYS_INLINE int64_t moved(bool native, int64_t v, double excess)
{
    return v + hyper_round_by(native, excess * hyper_real_by(native, v));
}

/* Reads the ratio of every element and what is left of it. Gives whether any of what is left is not 0. */
ALWAYS_INLINE bool read_momenta_body(int64_t count, const hyper_momentum *restrict beta, hyper_ratio *restrict ratio, double *restrict excess)
{
    int64_t any = 0;
    for (int64_t i = 0; i < count; i++) {
        uint64_t word; /* a whole word, so that compilers make vectors */
        memcpy(&word, (const char *)&beta[i] + offsetof(hyper_momentum, ratio), sizeof word);
        uint32_t low = (uint32_t)word;
        memcpy(&ratio[i], &low, sizeof low);
    }
    for (int64_t i = 0; i < count; i++) {
        excess[i] = hyper_momentum_excess((hyper_momentum){ beta[i].value, ratio[i] });
        any |= hyper_bits(excess[i]);
    }
    return any != 0;
}

ALWAYS_INLINE void add_excess_body(bool native, int64_t count, int64_t *v, const double *excess)
{
    for (int64_t i = 0; i < count; i++)
        v[i] = moved(native, v[i], excess[i]);
}

/* Gives whether all elements could be undone. */
ALWAYS_INLINE bool take_excess_body(bool native, int64_t count, int64_t *v, const double *excess)
{
    int64_t wrong = 0;
    for (int64_t i = 0; i < count; i++) {
        double e = excess[i], inverse = e * ((1 - e) * (1 + e * e)); /* e / (1 + e), apart from e^5 */
        int64_t guess = v[i] - hyper_round_by(native, inverse * hyper_real_by(native, v[i]));
        int64_t back = guess - (moved(native, guess, excess[i]) - v[i]);
        wrong |= moved(native, back, excess[i]) ^ v[i];
        v[i] = back;
    }
    return !wrong;
}

/* Modulo 2^64, as integers that are undone in error may be anything. */
ALWAYS_INLINE int64_t moved_fine(bool native, int64_t v, uint32_t *fine, double excess)
{
    uint32_t more;
    int64_t up = hyper_fine_round(native, excess * hyper_fine_real(native, v, *fine), &more);
    return (int64_t)((uint64_t)v + (uint64_t)up + (uint64_t)hyper_fine_carry(fine, more));
}

/* F - part */
ALWAYS_INLINE int64_t less_fine(bool native, int64_t f, uint32_t *fine, double part)
{
    uint32_t less;
    int64_t down = hyper_fine_round(native, part, &less);
    return (int64_t)((uint64_t)f - (uint64_t)down - (uint64_t)hyper_fine_borrow(fine, less));
}

ALWAYS_INLINE void add_fine_excess_body(bool native, int64_t count, int64_t *restrict v, uint32_t *restrict fine, const double *restrict excess)
{
    for (int64_t i = 0; i < count; i++) {
        uint32_t below = fine[i];
        v[i] = moved_fine(native, v[i], &below, excess[i]);
        fine[i] = below;
    }
}

ALWAYS_INLINE bool take_fine_excess_body(bool native, int64_t count, int64_t *restrict v, uint32_t *restrict fine, const double *restrict excess)
{
    int64_t wrong = 0;
    for (int64_t i = 0; i < count; i++) {
        double e = excess[i], part = e * ((1 - e) * (1 + e * e)) * hyper_fine_real(native, v[i], fine[i]);
        int64_t word = v[i];
        uint32_t below = fine[i];
        for (int k = 0; k < 3; k++) {
            below = fine[i];
            word = less_fine(native, v[i], &below, part);
            part = e * hyper_fine_real(native, word, below);
        }
        uint32_t below_there = below;
        wrong |= moved_fine(native, word, &below_there, e) ^ v[i];
        wrong |= below_there ^ fine[i];
        v[i] = word;
        fine[i] = below;
    }
    return !wrong;
}

HYPER_NATIVE_VERSIONS(static, void, add_excess, (int64_t count, int64_t *v, const double *excess), count, v, excess)
HYPER_NATIVE_VERSIONS(static, bool, take_excess, (int64_t count, int64_t *v, const double *excess), count, v, excess)

HYPER_NATIVE_VERSIONS(static, void, add_fine_excess, (int64_t count, int64_t *v, uint32_t *fine, const double *excess), count, v, fine, excess)
HYPER_NATIVE_VERSIONS(static, bool, take_fine_excess, (int64_t count, int64_t *v, uint32_t *fine, const double *excess), count, v, fine, excess)

HYPER_VERSIONS(static, bool, read_momenta, (int64_t count, const hyper_momentum *beta, hyper_ratio *ratio, double *excess), (count, beta, ratio, excess))

/* The same for one momentum that serves all elements. */
static bool read_momentum(int64_t count, const hyper_momentum *beta, hyper_ratio *ratio, double *excess)
{
    double shared = hyper_momentum_excess(*beta);
    *ratio = beta->ratio;
    for (int64_t i = 0; i < count && shared > 0; i++)
        excess[i] = shared;
    return shared > 0;
}

int64_t hyper_momentum_multiply_fine(hyper_coder *coder, int64_t count, int64_t *v, uint32_t *fine, const hyper_momentum *beta, int64_t stride)
{
    reals excess;
    hyper_ratio ratio[HYPER_BLOCK];
    bool any = stride ? read_momenta(count, beta, ratio, excess) : read_momentum(count, beta, ratio, excess);
    int64_t bad = fine ? hyper_coder_multiply_fine(coder, count, v, fine, ratio, stride) : hyper_coder_multiply(coder, count, v, ratio, stride);
    if (bad != HYPER_FINE || !any)
        return bad;
    if (fine)
        add_fine_excess(count, v, fine, excess);
    else
        add_excess(count, v, excess);
    return HYPER_FINE;
}

int64_t hyper_momentum_divide_fine(hyper_coder *coder, int64_t count, int64_t *v, uint32_t *fine, const hyper_momentum *beta, int64_t stride)
{
    reals excess;
    hyper_ratio ratio[HYPER_BLOCK];
    bool any = stride ? read_momenta(count, beta, ratio, excess) : read_momentum(count, beta, ratio, excess);
    if (any && !(fine ? take_fine_excess(count, v, fine, excess) : take_excess(count, v, excess)))
        return 0;
    return fine ? hyper_coder_divide_fine(coder, count, v, fine, ratio, stride) : hyper_coder_divide(coder, count, v, ratio, stride);
}

int64_t hyper_momentum_multiply(hyper_coder *coder, int64_t count, int64_t *v, const hyper_momentum *beta, int64_t stride)
{
    return hyper_momentum_multiply_fine(coder, count, v, NULL, beta, stride);
}

int64_t hyper_momentum_divide(hyper_coder *coder, int64_t count, int64_t *v, const hyper_momentum *beta, int64_t stride)
{
    return hyper_momentum_divide_fine(coder, count, v, NULL, beta, stride);
}
