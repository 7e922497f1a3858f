/* Losses and measures. */
#include "model.h"

#include <stdlib.h>

/* Labels as a matrix of probabilities like the logits. */
static ad_array *probabilities(const char *operation, ad_array *logits, ad_array *labels)
{
    if (!adnn_given(logits, operation, "array of logits") || !adnn_given(labels, operation, "array of labels"))
        return NULL;
    ad_shape shape = ad_shape_of(logits);
    if (shape.ndim != 2)
        return ad_set_error(AD_ERROR_SHAPE, "%s: logits of %d dimensions; they should be (batch, classes)", operation, shape.ndim);
    if (ad_ndim(labels) == 2 && ad_shape_equal(ad_shape_of(labels), shape))
        return labels;
    if (ad_ndim(labels) != 1 || ad_dim(labels, 0) != shape.dim[0])
        return ad_set_error(AD_ERROR_SHAPE, "%s: labels of %d dimensions and %lld elements; logits of shape (%lld,%lld) ask for (%lld,) or (%lld,%lld)",
                            operation, ad_ndim(labels), (long long)ad_size(labels), (long long)shape.dim[0], (long long)shape.dim[1], (long long)shape.dim[0],
                            (long long)shape.dim[0], (long long)shape.dim[1]);
    ad_dtype dtype = ad_dtype_of(labels);
    if (dtype != AD_I64 && dtype != AD_I32 && dtype != AD_U8)
        return ad_set_error(AD_ERROR_DTYPE, "%s: labels of one dimension that are no integers; see ad_astype", operation);
    int64_t lowest = shape.dim[0] ? ad_item_int(ad_min(labels)) : 0, highest = shape.dim[0] ? ad_item_int(ad_max(labels)) : 0;
    if (lowest < 0 || (shape.dim[0] && highest >= shape.dim[1]))
        return ad_set_error(AD_ERROR_INDEX, "%s: label %lld is no class of 0 to %lld", operation, (long long)(lowest < 0 ? lowest : highest),
                            (long long)shape.dim[1] - 1);
    return ad_one_hot(labels, shape.dim[1], .dtype = ad_dtype_of(logits));
}

ad_array *adnn_softmax_cross_entropy(ad_array *logits, ad_array *labels)
{
    ad_array *p = probabilities("adnn_softmax_cross_entropy", logits, labels);
    if (!p)
        return NULL;
    return ad_div(ad_neg(ad_sum(ad_zmul(p, ad_log_softmax(logits, .axis = 1)))), ad_dim(logits, 0));
}

ad_array *adnn_mean_squared_error(ad_array *prediction, ad_array *target)
{
    bool given = adnn_given(prediction, "adnn_mean_squared_error", "prediction") && adnn_given(target, "adnn_mean_squared_error", "target");
    return given ? ad_mean(ad_square(ad_sub(prediction, target))) : NULL;
}

double adnn_accuracy(ad_array *logits, ad_array *labels)
{
    AD_SCOPE;
    ad_array *p = probabilities("adnn_accuracy", logits, labels);
    ad_array *hits = p ? ad_equal(ad_argmax(logits, .axis = 1), ad_argmax(p, .axis = 1)) : NULL;
    return ad_item(ad_mean(hits));
}

ad_array *adnn_squared_norm(ad_tree *parameters)
{
    if (!adnn_given(parameters, "adnn_squared_norm", "tree of parameters"))
        return NULL;
    int count = ad_tree_leaf_count(parameters);
    ad_array *sum = ad_scalar(0), **leaves = calloc((size_t)count + 1, sizeof *leaves);
    if (!leaves)
        return ad_set_error(AD_ERROR_MEMORY, "adnn_squared_norm: out of memory");
    ad_tree_leaves(parameters, leaves, count);
    for (int i = 0; i < count; i++)
        sum = ad_add(sum, ad_sum(ad_square(leaves[i])));
    free(leaves);
    return sum;
}
