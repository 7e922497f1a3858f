/* Moments of a block times their momenta. */
#ifndef HYPER_MOMENT_H
#define HYPER_MOMENT_H

#include "dynamics.h"

/* A state of the block by one of its rates, which are momenta from 0 to 1. HYPER_FINE, or the first element at which the coder failed. */
int64_t hyper_moment_multiply(hyper_block *block, int state, int rate);

/* The inverse; as hyper_momentum_divide it fails where the state is nothing that multiplying gives. */
int64_t hyper_moment_divide(hyper_block *block, int state, int rate);

#endif
