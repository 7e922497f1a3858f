/* Fixed-point arithmetic of reversible training, elementwise over plain vectors.
 *
 * Invariant: an increment is rounded to an integer once, by one function which both directions call, and
 * that very integer is added or subtracted. So x returns to the bit whatever the rounding was. Each
 * increment is a single floating-point product followed by a rounding to integer: there is no sum that a
 * compiler could contract with the product, and the product of the same two doubles is the same double
 * in every build and at every vector width. (The rounding mode is that of the thread; it must not change
 * between the two passes.)
 *
 * Multiplication of the velocity by beta loses digits and needs the information buffer: bit_buffer.c. */
#include "fixed_point.h"

#include <math.h>
#include <stdbool.h>

#define LIMIT 0x1p63 /* 2048 in units: |fixed| < LIMIT, so INT64_MIN does not occur */

/* An element that does not fit becomes INT64_MIN, which is not a fixed-point number. */
static inline int64_t round_to_fixed(double units)
{
    return fabs(units) < LIMIT ? llrint(units) : INT64_MIN;
}

static int64_t first_failure(int64_t count, const int64_t *fixed)
{
    for (int64_t i = 0; i < count; i++)
        if (fixed[i] == INT64_MIN)
            return i;
    return HYPER_FINE;
}

int64_t hyper_fixed_encode(int64_t count, const double *value, int64_t *fixed)
{
    for (int64_t i = 0; i < count; i++)
        fixed[i] = round_to_fixed(value[i] * HYPER_FIXED_ONE);
    return first_failure(count, fixed);
}

void hyper_fixed_decode(int64_t count, const int64_t *fixed, double *value)
{
    for (int64_t i = 0; i < count; i++)
        value[i] = (double)fixed[i] * (1 / HYPER_FIXED_ONE);
}

int64_t hyper_momentum_quantise(int64_t count, const double *beta, uint32_t *numerator)
{
    for (int64_t i = 0; i < count; i++) {
        if (!(beta[i] > 0 && beta[i] <= 1))
            return i;
        long long nearest = llrint(beta[i] * HYPER_MOMENTUM_ONE);
        numerator[i] = nearest > 0 ? (uint32_t)nearest : 1;
    }
    return HYPER_FINE;
}

int64_t hyper_fixed_position_increment(int64_t count, const double *alpha, int64_t stride, const int64_t *v, int64_t *increment)
{
    for (int64_t i = 0; i < count; i++)
        increment[i] = round_to_fixed(alpha[i * stride] * (double)v[i]);
    return first_failure(count, increment);
}

/* (numerator - 2^16) 2^36 is an exact double, so the product with g rounds once. It is taken even where
 * beta is 1, so that NaN and infinity are seen. */
int64_t hyper_fixed_velocity_increment(int64_t count, const uint32_t *numerator, int64_t stride, const double *g, int64_t *increment)
{
    for (int64_t i = 0; i < count; i++) {
        double weight = ((double)numerator[i * stride] - HYPER_MOMENTUM_ONE) * (HYPER_FIXED_ONE / HYPER_MOMENTUM_ONE);
        increment[i] = round_to_fixed(weight * g[i]);
    }
    return first_failure(count, increment);
}

int64_t hyper_fixed_add(int64_t count, int64_t *x, const int64_t *increment)
{
    bool leaves = false;
    for (int64_t i = 0; i < count; i++) {
        bool here = __builtin_add_overflow(x[i], increment[i], &x[i]);
        x[i] = here ? INT64_MIN : x[i];
        leaves |= x[i] == INT64_MIN;
    }
    return leaves ? first_failure(count, x) : HYPER_FINE;
}

int64_t hyper_fixed_subtract(int64_t count, int64_t *x, const int64_t *increment)
{
    bool leaves = false;
    for (int64_t i = 0; i < count; i++) {
        bool here = __builtin_sub_overflow(x[i], increment[i], &x[i]);
        x[i] = here ? INT64_MIN : x[i];
        leaves |= x[i] == INT64_MIN;
    }
    return leaves ? first_failure(count, x) : HYPER_FINE;
}
