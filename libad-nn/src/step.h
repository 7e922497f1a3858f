/* One step of an optimizer, on one leaf. Only for the files of this library. */
#ifndef ADNN_STEP_INTERNAL_H
#define ADNN_STEP_INTERNAL_H

#include "model.h"

struct adnn_step {
    adnn_optimizer optimizer;
    double m_sum, v_sum; /* adam: the sums of the weights in m and in v */
    double kept;         /* adamw: the part of a parameter that its decay leaves */
};

/* The step as one pass over the leaf, with the bits that the operations give. false, with nothing done, where the
 * operations are needed: if one of the arrays is being differentiated, or if they are not of one shape and of one
 * dtype, float64 or float32. If it fails, the new arrays are NULL and an error is set. */
bool adnn_step_in_one_pass(const struct adnn_step *s, ad_array *g, ad_array **m, ad_array **v, ad_array **x);

#endif
