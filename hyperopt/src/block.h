/* What dynamics share: reading and writing the vectors of a block, and saying what failed in it. */
#ifndef HYPER_BLOCK_H
#define HYPER_BLOCK_H

#include "arithmetic.h"
#include "dynamics.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

typedef double hyper_reals[HYPER_BLOCK] __attribute__((aligned(64)));
typedef int64_t hyper_integers[HYPER_BLOCK] __attribute__((aligned(64)));

/* Reads floats or doubles into doubles. */
ALWAYS_INLINE void hyper_read_vector(int64_t count, bool single, const void *vector, double *restrict value)
{
    if (single)
        for (int64_t i = 0; i < count; i++)
            value[i] = ((const float *)vector)[i];
    else
        memcpy(value, vector, (size_t)count * sizeof *value);
}

ALWAYS_INLINE void hyper_write_vector(int64_t count, bool single, const double *restrict value, void *restrict vector)
{
    if (single)
        for (int64_t i = 0; i < count; i++)
            ((float *)vector)[i] = (float)value[i];
    else
        memcpy(vector, value, (size_t)count * sizeof *value);
}

/* Reads one element. */
ALWAYS_INLINE double hyper_real_at(bool single, const void *vector, int64_t i)
{
    return single ? (double)((const float *)vector)[i] : ((const double *)vector)[i];
}

ALWAYS_INLINE void hyper_put_real(bool single, void *vector, int64_t i, double value)
{
    if (single)
        ((float *)vector)[i] = (float)value;
    else
        ((double *)vector)[i] = value;
}

/* Writes the position, the first state, as real numbers, and in the form that the loss takes. */
ALWAYS_INLINE void hyper_write_position(bool native, const hyper_block *b, double *restrict value)
{
    const int64_t *restrict x = b->state[0];
    const double unit = b->unit[0];
    for (int64_t i = 0; i < b->count; i++)
        value[i] = hyper_real_by(native, x[i]) * unit;
    hyper_write_vector(b->count, b->single, value, b->x_out);
}

static __attribute__((cold, noinline, unused)) int64_t hyper_fail(hyper_block *b, int64_t i, int state, const char *what, double value)
{
    b->failed_state = state;
    b->failed_what = what;
    b->failed_value = value;
    return i;
}

#endif
