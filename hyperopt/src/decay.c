/* Weight decay by gaps.
 *
 * No n/d with 16 bits is near 1 - c for a c of 1e-6, so the coder cannot multiply by it. The inverse is an injective map: with e = c / (1 - c),
 *
 *     E(k) = k + round(e k)
 *
 * is strictly increasing, as conversion, product and rounding never decrease. So every x is E(k) + r, r = 0 .. gap - 1 with gap = E(k + 1) - E(k), in one
 * way only. k takes the place of x; r goes to the coder where the gap is more than 1, which k alone decides. One x in 1/(2c) costs a bit. */
#include "decay.h"

#include "arithmetic.h"
#include "dynamics.h"

#include <math.h>

__extension__ typedef __int128 wide; /* E(k + 1) may be out of range where x is not */

static inline double expansion(double c)
{
    return c / (1 - c);
}

/* E(k). */
static inline wide expand(wide k, double e)
{
    return k + llrint(e * (double)k);
}

static inline int64_t gap_of(int64_t k, double e)
{
    return (int64_t)(expand((wide)k + 1, e) - expand(k, e));
}

/* The k with E(k) <= x < E(k + 1): the guess is off by the rounding of doubles at most. */
static inline int64_t contract(int64_t x, double c, double e)
{
    int64_t k = x - llrint(c * (double)x);
    while (expand(k, e) > x)
        k--;
    while (expand((wide)k + 1, e) <= x)
        k++;
    return k;
}

/* The digits r of the elements whose gap is more than 1, as the coder takes them. */
typedef struct {
    int64_t count, element[HYPER_BLOCK], gap[HYPER_BLOCK], digit[HYPER_BLOCK];
} digits;

static inline void add_digit(digits *d, int64_t element, int64_t gap, int64_t digit)
{
    d->element[d->count] = element;
    d->gap[d->count] = gap;
    d->digit[d->count++] = digit;
}

int64_t hyper_decay(hyper_coder *coder, int64_t count, int64_t *x, const double *c)
{
    digits d;
    d.count = 0;
    for (int64_t i = 0; i < count; i++) {
        double e = expansion(c[i]);
        int64_t k = contract(x[i], c[i], e), gap = gap_of(k, e);
        if (gap > 1)
            add_digit(&d, i, gap, (int64_t)(x[i] - expand(k, e)));
        x[i] = k;
    }
    int64_t bad = hyper_coder_push(coder, d.count, d.digit, d.gap);
    return bad == HYPER_FINE ? bad : d.element[bad];
}

int64_t hyper_undo_decay(hyper_coder *coder, int64_t count, int64_t *x, const double *c)
{
    digits d;
    d.count = 0;
    for (int64_t i = 0; i < count; i++) {
        double e = expansion(c[i]);
        int64_t gap = gap_of(x[i], e);
        if (gap > 1)
            add_digit(&d, i, gap, 0);
        x[i] = (int64_t)expand(x[i], e);
    }
    int64_t bad = hyper_coder_pop(coder, d.count, d.digit, d.gap);
    if (bad != HYPER_FINE)
        return d.element[bad];
    for (int64_t j = 0; j < d.count; j++)
        x[d.element[j]] += d.digit[j];
    return HYPER_FINE;
}
