/* Ratios that integers are multiplied by: n/d with 1 <= n <= d <= 2^16. */
#ifndef HYPER_RATIO_H
#define HYPER_RATIO_H

#include <stdbool.h>
#include <stdint.h>

typedef struct hyper_ratio {
    uint16_t n_less_1, d_less_1;
} hyper_ratio;

/* Stands for a momentum of 0, which is none of the ratios: no coder takes it. */
#define HYPER_RATIO_ZERO ((hyper_ratio){ UINT16_MAX, 0 })

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
