/* Momenta as rationals: beta is n/d with 1 <= n <= d <= 2^16, the nearest there is. */
#ifndef HYPER_RATIO_H
#define HYPER_RATIO_H

#include <stdbool.h>
#include <stdint.h>

typedef struct hyper_ratio {
    uint16_t n_less_1, d_less_1;
} hyper_ratio;

/* Stands for a momentum of 0, which is none of the ratios: no coder takes it. */
#define HYPER_RATIO_ZERO ((hyper_ratio){ UINT16_MAX, 0 })

/* The ratio nearest to beta; of two as near, the one with the smaller denominator. 0.9 is 9/10. Ratios n/d and n'/d' next to each other, with
 * d + d' > 2^16, are 1 / (d d') apart: the error is about 2^-32, and more where one of the two is simple, up to 2^-17 beside 1 and 2^-18 beside 1/2.
 * A beta below 1/2^16 is that. false unless 0 < beta <= 1. */
bool hyper_ratio_of(double beta, hyper_ratio *ratio);

static inline bool hyper_ratio_is_zero(hyper_ratio r)
{
    return r.n_less_1 > r.d_less_1;
}

/* n/d and 1 - n/d as the nearest doubles. */
static inline double hyper_ratio_value(hyper_ratio r)
{
    return (r.n_less_1 + 1.0) / (r.d_less_1 + 1.0);
}

static inline double hyper_ratio_complement(hyper_ratio r)
{
    return (double)(r.d_less_1 - r.n_less_1) / (r.d_less_1 + 1.0);
}

#endif
