/* Losses and measures. */
#include "model.h"

#include <stdlib.h>

/* ---- labels as rows of probabilities: a constant primitive; nothing else looks at the values of labels ---- */

struct classes {
    const char *operation; /* for its errors */
    int64_t count;
    ad_dtype dtype;
};

static bool classes_infer(const ad_node *node, ad_spec *output)
{
    const struct classes *o = ad_node_options(node);
    *output = (ad_spec){ o->dtype, { .ndim = 2, .dim = { ad_node_shape(node, 0).dim[0], o->count } } };
    return true;
}

/* If labels are bad, they are looked at a second time, to say what is wrong. */
static ad_array *classes_compose(const ad_node *node, const ad_spec *output)
{
    (void)output;
    const struct classes *o = ad_node_options(node);
    bool failed = ad_failed();
    ad_array *labels = ad_node_input(node, 0), *rows = ad_one_hot(labels, o->count, .dtype = o->dtype);
    if (rows || failed || ad_error_code() != AD_ERROR_INDEX)
        return rows;
    ad_clear_error();
    int64_t lowest = ad_item_int(ad_min(labels)), highest = ad_item_int(ad_max(labels));
    return ad_set_error(AD_ERROR_INDEX, "%s: label %lld is not a class of 0 to %lld", o->operation, (long long)(lowest < 0 ? lowest : highest),
                        (long long)o->count - 1);
}

static const ad_field classes_fields[] = {
    AD_FIELD(struct classes, operation, ASIDE), AD_FIELD(struct classes, count, INT64), AD_FIELD(struct classes, dtype, DTYPE), AD_FIELDS_END,
};
static const ad_primitive classes_op = {
    .name = "adnn_rows_of_classes", .infer = classes_infer, .compose = classes_compose, .constant = true, .options_size = sizeof(struct classes),
    .fields = classes_fields,
};

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
        return ad_set_error(AD_ERROR_SHAPE, "%s: labels of shape %s; logits of shape %s ask for (%lld,) or %s", operation,
                            ADNN_SHAPE_TEXT(ad_shape_of(labels)), ADNN_SHAPE_TEXT(shape), (long long)shape.dim[0], ADNN_SHAPE_TEXT(shape));
    ad_dtype dtype = ad_dtype_of(labels);
    if (!ad_dtype_is_integer(dtype))
        return ad_set_error(AD_ERROR_DTYPE, "%s: labels of one dimension that are not integers; see ad_astype", operation);
    return ad_call_primitive(&classes_op, &labels, 1, &(struct classes){ operation, shape.dim[1], ad_dtype_of(logits) });
}

static bool is_reduction(const char *operation, adnn_reduction reduction)
{
    if (reduction == ADNN_MEAN || reduction == ADNN_SUM || reduction == ADNN_NONE)
        return true;
    ad_set_error(AD_ERROR_VALUE, "%s: %d is not a reduction", operation, (int)reduction);
    return false;
}

ad_array *adnn_softmax_cross_entropy_with(ad_array *logits, ad_array *labels, adnn_loss_options options)
{
    const char *name = "adnn_softmax_cross_entropy";
    ad_array *p = is_reduction(name, options.reduction) ? probabilities(name, logits, labels) : NULL;
    if (!p)
        return NULL;
    ad_array *terms = ad_zmul(p, ad_log_softmax(logits, .axis = 1));
    if (options.reduction == ADNN_NONE)
        return ad_neg(ad_sum(terms, .axis = 1));
    ad_array *sum = ad_neg(ad_sum(terms));
    return options.reduction == ADNN_SUM ? sum : ad_div(sum, ad_dim(logits, 0));
}

/* The mean over the elements of each example, which lie along the first axis. */
static ad_array *means_of_examples(ad_array *x)
{
    ad_axes others = { .count = ad_ndim(x) - 1 };
    for (int i = 0; i < others.count; i++)
        others.axis[i] = i + 1;
    return others.count > 0 ? ad_mean(x, .axes = others) : x;
}

ad_array *adnn_mean_squared_error_with(ad_array *prediction, ad_array *target, adnn_loss_options options)
{
    const char *name = "adnn_mean_squared_error";
    if (!is_reduction(name, options.reduction) || !adnn_given(prediction, name, "prediction") || !adnn_given(target, name, "target"))
        return NULL;
    ad_array *squares = ad_square(ad_sub(prediction, target));
    if (!squares || options.reduction == ADNN_MEAN)
        return ad_mean(squares);
    if (ad_ndim(squares) == 0)
        return ad_set_error(AD_ERROR_SHAPE, "%s: numbers without an axis of examples; only their mean can be taken", name);
    ad_array *losses = means_of_examples(squares);
    return options.reduction == ADNN_SUM ? ad_sum(losses) : losses;
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
