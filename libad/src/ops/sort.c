/* Sorting. The order is an operation of its own, a constant; the sorted array is x in that order, and so its derivative moves tangents as x was moved,
 * and cotangents back. Values alone are sorted without an order. */
#include "ad/sort.h"
#include "ad/index.h"
#include "ad/shape.h"
#include "ops/ops.h"

/* Along the last axis. */
static bool argsort_infer(const ad_node *node, ad_spec *output)
{
    *output = (ad_spec){ AD_I64, ad_node_shape(node, 0) };
    return true;
}

enum { VALUES, ORDER }; /* a primitive's code */

static bool sort_eval(const ad_node *node, void *const *outputs)
{
    ad_context *c = ad_current();
    const ad_array *x = ad_node_operand(node, 0);
    const struct ad_sorts *sorts = c->loops->sorts;
    if (x->size == 0)
        return true;
    int64_t n = ad_dims(x)[x->ndim - 1];
    size_t bytes = ad_sort_scratch(n);
    const void *data = data_of(node, 0);
    void *scratch = data ? ad_allocate(c, bytes) : NULL;
    if (!scratch)
        return false;
    if (ad_node_primitive(node)->code == ORDER)
        sorts->order((ad_dtype)x->dtype, x->size / n, n, data, outputs[0], scratch);
    else
        sorts->values((ad_dtype)x->dtype, x->size / n, n, data, outputs[0], scratch);
    ad_deallocate(c, scratch, bytes);
    return true;
}

static const ad_primitive argsort_op = { .name = "ad_argsort", .infer = argsort_infer, .eval = sort_eval, .code = ORDER, .constant = true };
AD_OPERATION(argsort_op);

static ad_array *order_of(const ad_node *node)
{
    ad_array *x = ad_node_input(node, 0);
    return ad_call_primitive(&argsort_op, &x, 1, NULL);
}

static ad_array *sort_vjp(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    return ad_permute_back(g, order_of(node), g->ndim - 1);
}

static ad_array *sort_jvp(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    return ad_take_along_axis(t, order_of(node), -1);
}

static const ad_primitive sort_op = {
    .name = "ad_sort", .infer = ad_same_infer, .eval = sort_eval, .code = VALUES, .vjp = sort_vjp, .jvp = sort_jvp, .saves = AD_SAVE_INPUTS,
};
AD_OPERATION(sort_op);

/* One of both along `axis`, which is out of range for 0-d arrays. */
static ad_array *along(const ad_primitive *op, ad_array *x, int axis)
{
    if (!x || (axis = ad_axis_resolve(op->name, axis, x->ndim)) < 0)
        return NULL;
    x = ad_moveaxis(x, axis, -1);
    return ad_moveaxis(ad_call_primitive(op, &x, 1, NULL), -1, axis);
}

ad_array *ad_argsort_with(ad_array *x, ad_sort_options options)
{
    if (!ad_given(x, "ad_argsort", "array"))
        return NULL;
    options.axis = ad_axis_of_scalar(x, options.axis);
    return options.axis == AD_NO_AXIS ? along(&argsort_op, ad_ravel(x), 0) : along(&argsort_op, x, options.axis);
}

ad_array *(ad_argsort)(ad_array *x)
{
    return ad_argsort_with(x, AD_SORT_DEFAULTS);
}

ad_array *ad_sort_with(ad_array *x, ad_sort_options options)
{
    if (!ad_given(x, "ad_sort", "array"))
        return NULL;
    return options.axis == AD_NO_AXIS ? along(&sort_op, ad_ravel(x), 0) : along(&sort_op, x, options.axis);
}

ad_array *(ad_sort)(ad_array *x)
{
    return ad_sort_with(x, AD_SORT_DEFAULTS);
}
