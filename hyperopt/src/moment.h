/* Moments of a block times their momenta. */
#ifndef HYPER_MOMENT_H
#define HYPER_MOMENT_H

#include "dynamics.h"

/* Multiplies a state of the block by one of its rates, which are momenta from 0 to 1. Gives HYPER_FINE, or the first
 * element at which the coder failed. */
int64_t hyper_moment_multiply(hyper_block *block, int state, int rate);

/* The inverse. As hyper_momentum_divide it fails where multiplying never gives such a state. */
int64_t hyper_moment_divide(hyper_block *block, int state, int rate);

#endif
