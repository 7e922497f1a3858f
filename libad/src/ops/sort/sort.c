/* Sorting. If nobody differentiates, an array is sorted by its values alone. Otherwise its order is found with it, as
 * places in the array. The derivative moves tangents as x was moved, and cotangents back. */
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

enum { VALUES, ORDER, BOTH }; /* a primitive's code */
static bool sort_with_places(ad_array *x, ad_array **both);

static bool sort_eval(const ad_node *node, void *const *outputs)
{
    ad_context *c = ad_current();
    const ad_array *x = ad_node_input(node, 0);
    const struct ad_sorts *sorts = c->loops->sorts;
    if (x->size == 0)
        return true;
    ad_dtype dtype = (ad_dtype)x->dtype;
    int64_t n = ad_dims(x)[x->ndim - 1];
    size_t bytes = ad_sort_scratch(n);
    const char *data = data_of(node, 0);
    void *scratch = data ? ad_allocate(c, bytes) : NULL;
    if (!scratch)
        return false;
    switch (ad_node_primitive(node)->code) {
    case VALUES: sorts->values(dtype, x->size / n, n, data, outputs[0], scratch); break;
    case ORDER: sorts->order(dtype, x->size / n, n, data, outputs[0], scratch); break;
    default: ad_sort_with_places(sorts, dtype, x->size / n, n, data, outputs[0], outputs[1], scratch); break;
    }
    ad_deallocate(c, scratch, bytes);
    return true;
}

/* Where the elements of the sorted x came from. A call that was recorded without the places, because nobody
 * differentiated, sorts again. */
static ad_array *places_of(const ad_node *node)
{
    ad_array *both[2];
    if (ad_node_primitive(node)->code == BOTH)
        return ad_node_output(node, 1);
    ad_array *x = ad_stop_gradient(ad_node_input(node, 0));
    return sort_with_places(x, both) ? both[1] : NULL;
}

static ad_array *sort_vjp(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    ad_array *places = places_of(node);
    return places ? ad_pick_cotangent(node, places, g) : NULL;
}

static ad_array *sort_jvp(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    ad_array *places = ad_node_target(node) == 0 ? places_of(node) : NULL;
    return places ? ad_pick(t, places) : NULL;
}

static const ad_primitive argsort_op = { .name = "ad_argsort", .infer = argsort_infer, .eval = sort_eval, .code = ORDER, .constant = true };
static const ad_primitive sort_op = {
    .name = "ad_sort", .infer = ad_same_infer, .eval = sort_eval, .code = VALUES, .vjp = sort_vjp, .jvp = sort_jvp, .saves = AD_SAVE_INPUT(0),
};
static const ad_primitive sort_with_places_op = {
    .name = "ad_sort_with_places", .infer = sorted_infer, .eval = sort_eval, .code = BOTH, .vjp = sort_vjp, .jvp = sort_jvp, .saves = AD_SAVE_OUTPUT_OF(1),
    .outputs = 2,
};
AD_OPERATION(argsort_op);
AD_OPERATION(sort_op);
AD_OPERATION(sort_with_places_op);

static bool sort_with_places(ad_array *x, ad_array **both)
{
    return ad_call_primitive_many(&sort_with_places_op, &x, 1, NULL, both);
}

static ad_array *sorted(ad_array *x)
{
    ad_array *both[2];
    if (!ad_is_traced(x))
        return ad_call_primitive(&sort_op, &x, 1, NULL);
    return sort_with_places(x, both) ? both[0] : NULL;
}

static ad_array *order_of(ad_array *x)
{
    return ad_call_primitive(&argsort_op, &x, 1, NULL);
}

/* ---- along any axis; a 0-d array has none ---- */

static ad_array *along(const char *name, ad_array *(*f)(ad_array *), ad_array *x, int axis)
{
    if (!x || (axis = ad_axis_resolve(name, axis, x->ndim)) < 0)
        return NULL;
    x = ad_moveaxis(x, axis, -1);
    return x ? ad_moveaxis(f(x), -1, axis) : NULL;
}

static ad_array *sort_along(const char *name, ad_array *(*f)(ad_array *), ad_array *x, int axis)
{
    return axis == AD_NO_AXIS ? along(name, f, ad_ravel(x), 0) : along(name, f, x, axis);
}

ad_array *ad_argsort_with(ad_array *x, ad_sort_options options)
{
    return ad_given(x, "ad_argsort", "array") ? sort_along("ad_argsort", order_of, x, ad_axis_of_scalar(x, options.axis)) : NULL;
}

ad_array *ad_sort_with(ad_array *x, ad_sort_options options)
{
    return ad_given(x, "ad_sort", "array") ? sort_along("ad_sort", sorted, x, options.axis) : NULL;
}

/* ---- partitions: the sorted array is a partition, whatever the places ---- */

/* Whether each place is on the axis. As in NumPy, the places are not checked for an array without elements. */
static bool are_places(const char *name, const ad_array *x, int axis, const ad_shape *kths)
{
    if (!ad_count_fits(name, kths->ndim, AD_MAX_NDIM, "places"))
        return false;
    int resolved = axis == AD_NO_AXIS ? 0 : ad_axis_resolve(name, axis, x->ndim);
    if (resolved < 0)
        return false;
    int64_t n = axis == AD_NO_AXIS ? x->size : ad_dims(x)[resolved];
    for (int i = 0; x->size && i < kths->ndim; i++)
        if (kths->dim[i] < -n || kths->dim[i] >= n)
            return AD_FAIL(AD_ERROR_INDEX, "%s: place %lld is not on an axis of length %lld", name, (long long)kths->dim[i], (long long)n);
    return true;
}

static ad_array *partition(const char *name, ad_array *(*f)(ad_array *), ad_array *x, int axis, int64_t kth, ad_shape kths)
{
    if (kths.ndim == 0)
        kths = AD_SHAPE(kth);
    return are_places(name, x, axis, &kths) ? sort_along(name, f, x, axis) : NULL;
}

ad_array *ad_partition_with(ad_array *x, int64_t kth, ad_partition_options options)
{
    return ad_given(x, "ad_partition", "array") ? partition("ad_partition", sorted, x, options.axis, kth, options.kths) : NULL;
}

ad_array *ad_argpartition_with(ad_array *x, int64_t kth, ad_partition_options options)
{
    const char *name = "ad_argpartition";
    return ad_given(x, name, "array") ? partition(name, order_of, x, ad_axis_of_scalar(x, options.axis), kth, options.kths) : NULL;
}
