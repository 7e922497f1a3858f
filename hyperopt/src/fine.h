/* Integers of 96 bits, in two arrays: v, a word, and fine, 32 bits below it. The number is v + fine 2^-32, in units of
 * the word, and never negative.
 *
 * Sums and differences are exact. Conversions are rounded once; from 2^51 on they are conversions of the word alone.
 * They never decrease. */
#ifndef HYPER_FINE_NUMBERS_H
#define HYPER_FINE_NUMBERS_H

#include "arithmetic.h"

#define HYPER_FINE_DIGIT 0x1p32

static inline __attribute__((always_inline)) double hyper_fine_real(bool native, int64_t v, uint32_t fine)
{
    double below = hyper_low_half(fine) * (1 / HYPER_FINE_DIGIT);
    return hyper_real_by(native, v) + (v < INT64_C(1) << 51 ? below : 0);
}

/* The nearest number to x, where 0 <= x < 2^63; for any other x some number. */
static inline __attribute__((always_inline)) int64_t hyper_fine_round(bool native, double x, uint32_t *fine)
{
    int64_t nearest = hyper_round_by(native, x);
    int64_t below = hyper_integer((x - hyper_real_by(native, nearest)) * HYPER_FINE_DIGIT); /* from -2^31 to 2^31 */
    *fine = (uint32_t)below;
    return (int64_t)((uint64_t)nearest + (uint64_t)(below >> 32));
}

/* v + fine 2^-32 plus or minus another such number. This adds the fine parts, and gives the carry for the words, 0 or
 * 1. The sum of the words is left to the caller, who knows about overflow. */
static inline __attribute__((always_inline)) int64_t hyper_fine_carry(uint32_t *fine, uint32_t more)
{
    uint64_t sum = (uint64_t)*fine + more;
    *fine = (uint32_t)sum;
    return (int64_t)(sum >> 32);
}

static inline __attribute__((always_inline)) int64_t hyper_fine_borrow(uint32_t *fine, uint32_t less)
{
    int64_t borrow = *fine < less;
    *fine -= less;
    return borrow;
}

#endif
