/* Multiplication of a block's moments by their momenta, and its exact inverse. A moment has a word or 96 bits, and a
 * momentum may be 0. */
#include "moment.h"

/* A momentum of 0 is so many times 2^-16: all bits go to the coder, and what is left is -1, 0 or 1. */
enum { TIMES_FOR_ZERO = 4, TIMES_FOR_FINE_ZERO = 6 };

static int times_for_zero(const hyper_block *block, int state)
{
    return block->fine[state] ? TIMES_FOR_FINE_ZERO : TIMES_FOR_ZERO;
}

static const hyper_momentum one = { 1, { 0, 0 } };

static const hyper_momentum *momentum_at(const hyper_block *block, int which, int64_t i)
{
    return (const hyper_momentum *)block->rate[which].value + i * block->rate[which].stride;
}

static bool has_zero(const hyper_block *block, int which)
{
    bool any = false;
    for (int64_t i = 0; i < (block->rate[which].stride ? block->count : 1); i++)
        any |= momentum_at(block, which, i)->value == 0;
    return any;
}

/* The momenta for one of these multiplications. Momenta that are not zero take part in the first one only. */
static void zero_momenta(const hyper_block *block, int which, bool first, hyper_momentum *momentum)
{
    const hyper_momentum *own = block->rate[which].value;
    for (int64_t i = 0; i < (block->rate[which].stride ? block->count : 1); i++)
        momentum[i] = first || own[i].value == 0 ? own[i] : one;
}

int64_t hyper_moment_multiply(hyper_block *block, int state, int which)
{
    hyper_momentum momentum[HYPER_BLOCK];
    int64_t stride = block->rate[which].stride, failed = HYPER_FINE;
    if (!has_zero(block, which))
        return hyper_momentum_multiply_fine(block->coder, block->count, block->state[state], block->fine[state], block->rate[which].value, stride);
    for (int k = 0; k < times_for_zero(block, state) && failed == HYPER_FINE; k++) {
        zero_momenta(block, which, k == 0, momentum);
        failed = hyper_momentum_multiply_fine(block->coder, block->count, block->state[state], block->fine[state], momentum, stride);
    }
    return failed;
}

int64_t hyper_moment_divide(hyper_block *block, int state, int which)
{
    hyper_momentum momentum[HYPER_BLOCK];
    int64_t stride = block->rate[which].stride, failed = HYPER_FINE;
    if (!has_zero(block, which))
        return hyper_momentum_divide_fine(block->coder, block->count, block->state[state], block->fine[state], block->rate[which].value, stride);
    for (int k = times_for_zero(block, state) - 1; k >= 0 && failed == HYPER_FINE; k--) {
        zero_momenta(block, which, k == 0, momentum);
        failed = hyper_momentum_divide_fine(block->coder, block->count, block->state[state], block->fine[state], momentum, stride);
    }
    return failed;
}
