/* Momenta: numbers that integers are multiplied by, reversibly. beta is the largest ratio n/d up to it, times what is
 * left, which is at least 1. */
#ifndef HYPER_MOMENTUM_H
#define HYPER_MOMENTUM_H

#include "coder.h"

typedef struct hyper_momentum {
    double value;
    hyper_ratio ratio;
} hyper_momentum;

/* beta, with the largest ratio whose denominator is at most 2^16 and that is not above beta by more than rounding: 9/10
 * for 0.9. A beta below 2^-16 becomes 2^-16. false unless 0 < beta <= 1. */
bool hyper_momentum_of(double beta, hyper_momentum *momentum);

/* beta d/n - 1: what is left, from 0 to 2^-15. Less than 2^-50 is rounding, and counts as 0. */
static inline double hyper_momentum_excess(hyper_momentum beta)
{
    double n = beta.ratio.n_less_1 + 1.0, d = beta.ratio.d_less_1 + 1.0, excess = (beta.value * d - n) / n;
    return excess > 0x1p-50 ? excess : 0;
}

/* v = beta v for at most HYPER_BLOCK elements. Each is off by less than 2, and 0 stays 0. stride 0: one momentum for
 * all; 1: one each. Gives HYPER_FINE, or the first element at which the coder failed. */
int64_t hyper_momentum_multiply(hyper_coder *coder, int64_t count, int64_t *v, const hyper_momentum *beta, int64_t stride);

/* The inverse. It also fails where multiplying never gives such a v; then hyper_store_failure is HYPER_STORE_FINE. */
int64_t hyper_momentum_divide(hyper_coder *coder, int64_t count, int64_t *v, const hyper_momentum *beta, int64_t stride);

/* The same for integers that are not negative and have 32 bits more, v + fine 2^-32. If fine is NULL, they are
 * words. */
int64_t hyper_momentum_multiply_fine(hyper_coder *coder, int64_t count, int64_t *v, uint32_t *fine, const hyper_momentum *beta, int64_t stride);
int64_t hyper_momentum_divide_fine(hyper_coder *coder, int64_t count, int64_t *v, uint32_t *fine, const hyper_momentum *beta, int64_t stride);

#endif
