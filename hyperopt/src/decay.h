/* Weight decay of integers: x = (1 - c) x, reversibly, with 0 <= c <= 1/2 for each element.
 *
 * What the rounding loses goes to the coder: about 2 c bits an element. The functions take at most HYPER_BLOCK
 * elements. They give HYPER_FINE, or the element at which the coder failed. */
#ifndef HYPER_DECAY_H
#define HYPER_DECAY_H

#include "coder.h"

int64_t hyper_decay(hyper_coder *coder, int64_t count, int64_t *x, const double *c);
int64_t hyper_undo_decay(hyper_coder *coder, int64_t count, int64_t *x, const double *c);

#endif
