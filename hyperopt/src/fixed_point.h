/* Positions and velocities of training as integers: int64 in units of 2^-52, range +-2048 exclusive.
 *
 * A vector is a pointer and a count; a hyperparameter comes with a stride, 0 for one value shared by all
 * elements and 1 for one value per element. A function that can fail returns HYPER_FINE, or else the
 * index of the first element at which it failed; what it was writing is then unspecified. Vectors must not overlap. */
#ifndef HYPER_FIXED_POINT_H
#define HYPER_FIXED_POINT_H

#include <stdint.h>

#define HYPER_FINE ((int64_t)-1)            /* no element failed */
#define HYPER_FIXED_ONE 0x1p52              /* 1 in units */
#define HYPER_MOMENTUM_BITS 16              /* beta = numerator / 2^16 */
#define HYPER_MOMENTUM_ONE ((uint32_t)1 << HYPER_MOMENTUM_BITS)

/* fixed = value rounded to the nearest 2^-52, ties to even. Fails at NaN, infinity, |value| >= 2048. */
int64_t hyper_fixed_encode(int64_t count, const double *value, int64_t *fixed);

/* value = fixed rounded to the nearest double. */
void hyper_fixed_decode(int64_t count, const int64_t *fixed, double *value);

/* numerator = beta * 2^16 rounded to the nearest integer of 1..2^16. Fails unless 0 < beta <= 1. */
int64_t hyper_momentum_quantise(int64_t count, const double *beta, uint32_t *numerator);

/* increment = round(alpha v). Fails where the product is NaN or out of range. */
int64_t hyper_fixed_position_increment(int64_t count, const double *alpha, int64_t stride, const int64_t *v, int64_t *increment);

/* increment = round(-(1 - beta) g) in fixed point. Fails where g is NaN or infinite, or the product out of range.
 * Increments of several processes may be summed with hyper_fixed_add. */
int64_t hyper_fixed_velocity_increment(int64_t count, const uint32_t *numerator, int64_t stride, const double *g, int64_t *increment);

/* x += increment, and its inverse. Fail where the result is out of range. */
int64_t hyper_fixed_add(int64_t count, int64_t *x, const int64_t *increment);
int64_t hyper_fixed_subtract(int64_t count, int64_t *x, const int64_t *increment);

#endif
