/* Weight decay by gaps.
 *
 * The coder cannot multiply by 1 - c for a c of 1e-6: no n/d with 16 bits is near it. The inverse, which is an
 * injective map, is used in its place. With e = c / (1 - c),
 *
 *     E(k) = k + round(e k)
 *
 * is strictly increasing, as conversion, product and rounding never decrease. So every x is E(k) + r with r = 0 .. gap
 * - 1 and gap = E(k + 1) - E(k), in one way only. k takes the place of x. r goes to the coder where the gap is more
 * than 1, which k alone decides. One x in 1/(2c) costs a bit.
 *
 * Numbers below 2^61 go through loops that compilers make into vectors. The same formulas are applied one by one to a
 * block with larger numbers, and to one for which the guess of k was off by more than 1. */
#include "decay.h"

#include "arithmetic.h"
#include "dynamics.h"

#include <math.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))

typedef int64_t integers[HYPER_BLOCK] __attribute__((aligned(64)));

/* For a block: what takes the place of x, the rest r of x, and the gap that r is below. */
typedef struct {
    integers k, rest, gap;
} parts;

ALWAYS_INLINE double expansion(double c)
{
    return c / (1 - c);
}

/* ---- all at once ---- */

#define LARGE (INT64_C(1) << 61)

/* Modulo 2^64: for a block with large numbers the result makes no sense, and it is not used. */
ALWAYS_INLINE int64_t sum(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

ALWAYS_INLINE int64_t difference(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

/* E(k), |k| <= LARGE. */
ALWAYS_INLINE int64_t expanded(int64_t k, double e)
{
    return sum(k, hyper_round(e * hyper_real(k)));
}

/* Gives whether no number was large and all results are right. */
ALWAYS_INLINE bool contract_all_body(int64_t count, const int64_t *restrict x, const double *restrict c, parts *restrict p)
{
    int64_t wrong = 0;
    for (int64_t i = 0; i < count; i++) {
        double e = expansion(c[i]);
        int64_t k = difference(x[i], hyper_round(c[i] * hyper_real(x[i])));
        k = difference(k, expanded(k, e) > x[i]);
        k = sum(k, expanded(sum(k, 1), e) <= x[i]);
        int64_t from = expanded(k, e), to = expanded(sum(k, 1), e);
        p->k[i] = k;
        p->rest[i] = difference(x[i], from);
        p->gap[i] = difference(to, from);
        wrong += (from > x[i]) + (to <= x[i]) + (x[i] >= LARGE) + (x[i] <= -LARGE);
    }
    return wrong == 0;
}

ALWAYS_INLINE bool expand_all_body(int64_t count, const int64_t *restrict k, const double *restrict c, int64_t *restrict x, int64_t *restrict gap)
{
    int64_t wrong = 0;
    for (int64_t i = 0; i < count; i++) {
        double e = expansion(c[i]);
        int64_t from = expanded(k[i], e);
        x[i] = from;
        gap[i] = difference(expanded(sum(k[i], 1), e), from);
        wrong += (k[i] >= LARGE) + (k[i] <= -LARGE);
    }
    return wrong == 0;
}

HYPER_VERSIONS(static, bool, contract_all, (int64_t count, const int64_t *x, const double *c, parts *p), (count, x, c, p))
HYPER_VERSIONS(static, bool, expand_all, (int64_t count, const int64_t *k, const double *c, int64_t *x, int64_t *gap), (count, k, c, x, gap))

/* ---- one by one ---- */

__extension__ typedef __int128 wide; /* E(k + 1) may be out of range where x is not */

static wide expand(wide k, double e)
{
    return k + llrint(e * (double)k);
}

static void contract_each(int64_t count, const int64_t *x, const double *c, parts *p)
{
    for (int64_t i = 0; i < count; i++) {
        double e = expansion(c[i]);
        int64_t k = x[i] - llrint(c[i] * (double)x[i]);
        while (expand(k, e) > x[i])
            k--;
        while (expand((wide)k + 1, e) <= x[i])
            k++;
        p->k[i] = k;
        p->rest[i] = (int64_t)(x[i] - expand(k, e));
        p->gap[i] = (int64_t)(expand((wide)k + 1, e) - expand(k, e));
    }
}

static void expand_each(int64_t count, const int64_t *k, const double *c, int64_t *x, int64_t *gap)
{
    for (int64_t i = 0; i < count; i++) {
        wide from = expand(k[i], expansion(c[i]));
        x[i] = (int64_t)from;
        gap[i] = (int64_t)(expand((wide)k[i] + 1, expansion(c[i])) - from);
    }
}

/* ---- what goes to the coder ---- */

/* Finds the elements whose gap is more than 1. */
static int64_t find_gaps(int64_t count, const int64_t *gap, int64_t *element)
{
    int64_t found = 0;
    for (int64_t i = 0; i < count; i++) {
        element[found] = i;
        found += gap[i] > 1;
    }
    return found;
}

int64_t hyper_decay(hyper_coder *coder, int64_t count, int64_t *x, const double *c)
{
    parts p;
    integers element, digit, base;
    if (!contract_all(count, x, c, &p))
        contract_each(count, x, c, &p);
    memcpy(x, p.k, (size_t)count * sizeof *x);
    int64_t digits = find_gaps(count, p.gap, element);
    for (int64_t j = 0; j < digits; j++) {
        digit[j] = p.rest[element[j]];
        base[j] = p.gap[element[j]];
    }
    int64_t bad = hyper_coder_push(coder, digits, digit, base);
    return bad == HYPER_FINE ? bad : element[bad];
}

int64_t hyper_undo_decay(hyper_coder *coder, int64_t count, int64_t *x, const double *c)
{
    integers from, gap, element, digit, base;
    if (!expand_all(count, x, c, from, gap))
        expand_each(count, x, c, from, gap);
    memcpy(x, from, (size_t)count * sizeof *x);
    int64_t digits = find_gaps(count, gap, element);
    for (int64_t j = 0; j < digits; j++)
        base[j] = gap[element[j]];
    int64_t bad = hyper_coder_pop(coder, digits, digit, base);
    if (bad != HYPER_FINE)
        return element[bad];
    for (int64_t j = 0; j < digits; j++)
        x[element[j]] = sum(x[element[j]], digit[j]);
    return HYPER_FINE;
}
