/* One step of an optimizer, on one leaf. Inside the library only. */
#ifndef ADNN_STEP_INTERNAL_H
#define ADNN_STEP_INTERNAL_H

#include "model.h"

struct adnn_step {
    adnn_optimizer optimizer;
    double m_sum, v_sum; /* of adam: the weights in m and in v add up to this */
    double kept;         /* of adamw: the part of a parameter that its decay leaves */
};

/* The step as one pass over the leaf, with the bits that the operations give; false, with nothing done, where it needs these: if one of the arrays is
 * being differentiated, or they are not float64 or float32 of one dtype and shape. If it fails the new arrays are NULL and an error is recorded. */
bool adnn_step_in_one_pass(const struct adnn_step *s, ad_array *g, ad_array **m, ad_array **v, ad_array **x);

#endif
