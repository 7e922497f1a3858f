/* Sorting: argsort is the operation, a constant; the sorted array is gathered by it, and differentiates as a gather. */
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

static bool argsort_eval(const ad_node *node, void *const *outputs)
{
    ad_context *c = ad_current();
    const ad_array *x = ad_node_operand(node, 0);
    if (x->size == 0)
        return true;
    int64_t n = ad_dims(x)[x->ndim - 1];
    size_t bytes = ad_sort_order_scratch(n);
    const void *data = data_of(node, 0);
    void *scratch = data ? ad_allocate(c, bytes) : NULL;
    if (!scratch)
        return false;
    ad_sort_order((ad_dtype)x->dtype, x->size / n, n, data, outputs[0], scratch);
    ad_deallocate(c, scratch, bytes);
    return true;
}

static const ad_primitive argsort_op = { .name = "ad_argsort", .infer = argsort_infer, .eval = argsort_eval, .constant = true };
AD_OPERATION(argsort_op);

/* The order along `axis`, which is out of range for 0-d arrays. */
static ad_array *order(const char *operation, ad_array *x, int axis)
{
    if (!x || (axis = ad_axis_resolve(operation, axis, x->ndim)) < 0)
        return NULL;
    x = ad_moveaxis(x, axis, -1);
    return ad_moveaxis(ad_call_primitive(&argsort_op, &x, 1, NULL), -1, axis);
}

ad_array *ad_argsort_with(ad_array *x, ad_sort_options options)
{
    if (!ad_given(x, "ad_argsort", "array"))
        return NULL;
    options.axis = ad_axis_of_scalar(x, options.axis);
    return options.axis == AD_NO_AXIS ? order("ad_argsort", ad_ravel(x), 0) : order("ad_argsort", x, options.axis);
}

ad_array *(ad_argsort)(ad_array *x)
{
    return ad_argsort_with(x, AD_SORT_DEFAULTS);
}

ad_array *ad_sort_with(ad_array *x, ad_sort_options options)
{
    if (!ad_given(x, "ad_sort", "array"))
        return NULL;
    if (options.axis == AD_NO_AXIS) {
        x = ad_ravel(x);
        options.axis = 0;
    }
    return ad_take_along_axis(x, order("ad_sort", x, options.axis), options.axis);
}

ad_array *(ad_sort)(ad_array *x)
{
    return ad_sort_with(x, AD_SORT_DEFAULTS);
}
