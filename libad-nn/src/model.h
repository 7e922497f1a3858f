/* What a layer is: three functions and its options. Only for the files of this library. */
#ifndef ADNN_MODEL_INTERNAL_H
#define ADNN_MODEL_INTERNAL_H

#include "ad-nn/nn.h"

struct adnn_kind {
    ad_tree *(*init)(const adnn_model *model, ad_key key, ad_shape input);
    ad_array *(*apply)(const adnn_model *model, ad_tree *parameters, ad_array *x);
    ad_shape (*output)(const adnn_model *model, ad_shape input); /* ndim -1 and an error on failure */
};

struct adnn_model {
    const struct adnn_kind *kind;
    int64_t units;
    adnn_dense_options dense;
    ad_array *(*function)(ad_array *, void *context); /* of an elementwise layer */
    ad_array *(*plain)(ad_array *);                   /* one that takes no context */
    void *context;
    void (*release)(void *context);
    int count;
    adnn_model *parts[]; /* of a sequence */
};

adnn_model *adnn_model_new(const struct adnn_kind *kind, int parts); /* zeroed; NULL and an error */

/* Whether a pointer is not NULL. If it is NULL, an error says what is missing, unless there is an error already. */
bool adnn_given(const void *pointer, const char *function, const char *what);

/* The text of a shape, for an error. */
#define ADNN_SHAPE_TEXT(shape) ad_shape_tostring(shape, (char[AD_SHAPE_ROOM]){ "" }, AD_SHAPE_ROOM)

#define ADNN_NO_SHAPE ((ad_shape){ .ndim = -1 })

#endif
