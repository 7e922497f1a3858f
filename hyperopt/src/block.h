/* What dynamics share: reading and writing the vectors of a block, and saying what failed in it. */
#ifndef HYPER_BLOCK_H
#define HYPER_BLOCK_H

#include "arithmetic.h"
#include "dynamics.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

typedef double hyper_reals[HYPER_BLOCK] __attribute__((aligned(64)));
typedef int64_t hyper_integers[HYPER_BLOCK] __attribute__((aligned(64)));

/* Floats or doubles, in doubles. */
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

/* Position, the first state, as a real number, and for the loss. */
ALWAYS_INLINE void hyper_write_position(bool native, const hyper_block *b, double *restrict value)
{
    const int64_t *restrict x = b->state[0];
    const double unit = b->unit[0];
    for (int64_t i = 0; i < b->count; i++)
        value[i] = hyper_real_by(native, x[i]) * unit;
    hyper_write_vector(b->count, b->single, value, b->x_out);
}

enum { HYPER_LINE = 64, HYPER_LINES_AHEAD = 2 };

/* Asks for the first lines of what the next block will take: what follows a vector in memory, or stands before it. A processor goes on by itself from
 * there, but only within a page, and a block takes about a page of each vector: it would wait at the beginning of each. */
ALWAYS_INLINE void hyper_ask_ahead(const hyper_block *b, const void *vector, size_t size, bool backwards)
{
    uintptr_t next = (uintptr_t)vector + (backwards ? (uintptr_t)0 - HYPER_LINE : (uintptr_t)b->count * size);
    for (uintptr_t i = 0; i < HYPER_LINES_AHEAD; i++)
        __builtin_prefetch((const void *)(backwards ? next - HYPER_LINE * i : next + HYPER_LINE * i), 1);
}

/* Of a vector in the dtype of the block, or NULL. */
ALWAYS_INLINE void hyper_ask_for_real(const hyper_block *b, const void *vector, bool backwards)
{
    if (vector)
        hyper_ask_ahead(b, vector, b->single ? sizeof(float) : sizeof(double), backwards);
}

static __attribute__((cold, noinline, unused)) int64_t hyper_fail(hyper_block *b, int64_t i, int state, const char *what, double value)
{
    b->failed_state = state;
    b->failed_what = what;
    b->failed_value = value;
    return i;
}

#endif
