/* A small network with every kind of leaf, for the tests of hyperopt: x = { hidden: { W (3,4), b (4) }, out (4) }. */
#ifndef HYPEROPT_NETWORK_H
#define HYPEROPT_NETWORK_H

#include <ad/ad.h>

/* Up to 512 numbers between -1 and 1, a function of the seed. */
static ad_array *noise(int64_t seed, ad_shape shape)
{
    double value[512];
    uint64_t state = (uint64_t)seed * 2 + 1;
    for (int64_t i = 0; i < ad_shape_size(shape); i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        value[i] = (double)(state >> 11) * 0x1p-52 - 1;
    }
    return ad_from(value, shape);
}

static ad_array *prediction(ad_tree *x, ad_array *data)
{
    ad_array *hidden = ad_tanh(ad_add(ad_matmul(data, ad_tree_get(x, "hidden/W")), ad_tree_get(x, "hidden/b")));
    return ad_matmul(hidden, ad_tree_get(x, "out"));
}

#endif
