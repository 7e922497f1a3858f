/* Sorting. What nobody differentiates is sorted by its values alone. Else its order is found with it, as places in the array, and the derivative moves
 * tangents as x was moved, and cotangents back. */
#include "ad/sort.h"
#include "ad/index.h"
#include "ad/shape.h"
#include "ad/transform.h"
#include "ops/ops.h"

/* ---- the primitives, all along the last axis ---- */

static bool argsort_infer(const ad_node *node, ad_spec *output)
{
    *output = (ad_spec){ AD_I64, ad_node_shape(node, 0) };
    return true;
}

static bool sorted_infer(const ad_node *node, ad_spec *outputs)
{
    return ad_same_infer(node, &outputs[0]) && argsort_infer(node, &outputs[1]);
}

/* A row in order, and its places in an array in which it begins at `first`. */
static void sort_with_places(const struct ad_sorts *sorts, ad_dtype dtype, int64_t n, int64_t first, const char *in, char *out, int64_t *places, void *scratch)
{
    sorts->order(dtype, 1, n, in, places, scratch);
    ad_gather(ad_dtype_size(dtype), 1, n, 1, places, n, in, out);
    for (int64_t i = 0; first && i < n; i++)
        places[i] += first;
}

enum { VALUES, ORDER, BOTH }; /* a primitive's code */

static bool sort_eval(const ad_node *node, void *const *outputs)
{
    ad_context *c = ad_current();
    const ad_array *x = ad_node_operand(node, 0);
    const struct ad_sorts *sorts = c->loops->sorts;
    if (x->size == 0)
        return true;
    ad_dtype dtype = (ad_dtype)x->dtype;
    int64_t n = ad_dims(x)[x->ndim - 1], row = n * (int64_t)ad_dtype_size(dtype);
    size_t bytes = ad_sort_scratch(n);
    const char *data = data_of(node, 0);
    void *scratch = data ? ad_allocate(c, bytes) : NULL;
    if (!scratch)
        return false;
    switch (ad_node_primitive(node)->code) {
    case VALUES: sorts->values(dtype, x->size / n, n, data, outputs[0], scratch); break;
    case ORDER: sorts->order(dtype, x->size / n, n, data, outputs[0], scratch); break;
    default:
        for (int64_t r = 0; r < x->size / n; r++)
            sort_with_places(sorts, dtype, n, r * n, data + r * row, (char *)outputs[0] + r * row, (int64_t *)outputs[1] + r * n, scratch);
    }
    ad_deallocate(c, scratch, bytes);
    return true;
}

static ad_array *sort_vjp(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    return ad_pick_cotangent(node, ad_node_output(node, 1), g);
}

static ad_array *sort_jvp(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    return ad_node_target(node) == 0 ? ad_pick(t, ad_node_output(node, 1)) : NULL;
}

static const ad_primitive argsort_op = { .name = "ad_argsort", .infer = argsort_infer, .eval = sort_eval, .code = ORDER, .constant = true };
static const ad_primitive sort_op = { .name = "ad_sort", .infer = ad_same_infer, .eval = sort_eval, .code = VALUES, .constant = true };
static const ad_primitive sort_with_places_op = {
    .name = "ad_sort_with_places", .infer = sorted_infer, .eval = sort_eval, .code = BOTH, .vjp = sort_vjp, .jvp = sort_jvp, .saves = AD_SAVE_OUTPUT,
    .outputs = 2,
};
AD_OPERATION(argsort_op);
AD_OPERATION(sort_op);
AD_OPERATION(sort_with_places_op);

static ad_array *sorted(ad_array *x)
{
    ad_array *both[2];
    if (!ad_is_traced(x))
        return ad_call_primitive(&sort_op, &x, 1, NULL);
    return ad_call_primitive_many(&sort_with_places_op, &x, 1, NULL, both) ? both[0] : NULL;
}

static ad_array *order_of(ad_array *x)
{
    return ad_call_primitive(&argsort_op, &x, 1, NULL);
}

/* ---- along any axis, which is out of range for 0-d arrays ---- */

static ad_array *along(const char *name, ad_array *(*f)(ad_array *), ad_array *x, int axis)
{
    if (!x || (axis = ad_axis_resolve(name, axis, x->ndim)) < 0)
        return NULL;
    x = ad_moveaxis(x, axis, -1);
    return x ? ad_moveaxis(f(x), -1, axis) : NULL;
}

ad_array *ad_argsort_with(ad_array *x, ad_sort_options options)
{
    if (!ad_given(x, "ad_argsort", "array"))
        return NULL;
    options.axis = ad_axis_of_scalar(x, options.axis);
    return options.axis == AD_NO_AXIS ? along("ad_argsort", order_of, ad_ravel(x), 0) : along("ad_argsort", order_of, x, options.axis);
}

ad_array *(ad_argsort)(ad_array *x)
{
    return ad_argsort_with(x, AD_SORT_DEFAULTS);
}

ad_array *ad_sort_with(ad_array *x, ad_sort_options options)
{
    if (!ad_given(x, "ad_sort", "array"))
        return NULL;
    return options.axis == AD_NO_AXIS ? along("ad_sort", sorted, ad_ravel(x), 0) : along("ad_sort", sorted, x, options.axis);
}

ad_array *(ad_sort)(ad_array *x)
{
    return ad_sort_with(x, AD_SORT_DEFAULTS);
}
