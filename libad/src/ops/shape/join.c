/* Operations that lay elements out anew: joining, splitting, repeating, rolling. Padding is in pad.c.
 *
 * Two primitives write their operands behind one another along an axis, and their transpose gives each operand its
 * slice of the cotangent. A third gives the places of what is repeated. Everything else is composed of them, of views
 * (shape.c), slices and gathers (index/), and so differentiates by itself. */
#include "ad/array.h"
#include "ad/create.h"
#include "ad/index.h"
#include "ad/shape.h"
#include "ops/ops.h"
#include <string.h>

/* ---- concatenate and stack ---- */

/* How arrays are joined. A stacked operand counts as having an axis of length 1 at `axis`. */
struct join {
    int axis;
    ad_dtype dtype; /* of the result */
};

/* A primitive's code. */
enum { STACK, CONCATENATE };

static int64_t join_length(bool stacked, const ad_array *x, int axis)
{
    return stacked ? 1 : ad_dims(x)[axis];
}

static bool fits_beside(const ad_node *node, int i, int axis, bool stacked)
{
    const int64_t *a = ad_input_dims(node, 0), *b = ad_input_dims(node, i);
    int ndim = ad_input_ndim(node, 0);
    bool fits = ad_input_ndim(node, i) == ndim;
    for (int d = 0; d < ndim && fits; d++)
        fits = a[d] == b[d] || (d == axis && !stacked);
    return fits;
}

static bool join_infer(const ad_node *node, ad_spec *output)
{
    const struct join *join = ad_node_options(node);
    const char *name = ad_node_primitive(node)->name;
    int ndim = ad_input_ndim(node, 0);
    bool stacked = ad_node_primitive(node)->code == STACK;
    int64_t length = 0;
    for (int i = 0; i < ad_node_inputs(node); i++) {
        if (!fits_beside(node, i, join->axis, stacked))
            return AD_FAIL(AD_ERROR_SHAPE, "%s: arrays of shapes %s (number 0) and %s (number %d) do not fit together along axis %d", name,
                           AD_INPUT_TEXT(node, 0), AD_INPUT_TEXT(node, i), i, join->axis);
        if (__builtin_add_overflow(length, stacked ? 1 : ad_input_dims(node, i)[join->axis], &length))
            return AD_FAIL(AD_ERROR_SHAPE, "%s: the arrays have more elements together than can be addressed", name);
    }
    output->dtype = join->dtype;
    output->shape.ndim = 0;
    for (int d = 0; d < ndim + stacked; d++)
        output->shape.dim[output->shape.ndim++] = d == join->axis ? length : ad_input_dims(node, 0)[d - (stacked && d > join->axis)];
    return true;
}

static bool join_eval(const ad_node *node, void *const *outputs)
{
    const struct join *join = ad_node_options(node);
    const ad_spec *output = ad_node_spec(node, 0);
    bool stacked = ad_node_primitive(node)->code == STACK;
    int64_t strides[AD_MAX_NDIM];
    c_order_strides(output->dtype, output->shape.ndim, output->shape.dim, strides);
    int64_t step = strides[join->axis];
    if (stacked)
        memmove(strides + join->axis, strides + join->axis + 1, (size_t)(output->shape.ndim - 1 - join->axis) * sizeof *strides);
    char *to = outputs[0];
    for (int i = 0; i < ad_node_inputs(node); i++) {
        const ad_array *x = ad_node_input(node, i);
        if (x->size)
            ad_copy_strided(x->ndim, ad_dims(x), operand_of(x), (struct ad_operand){ to, strides, output->dtype });
        to += step * join_length(stacked, x, join->axis);
    }
    return true;
}

static ad_array *stack_transpose(const ad_node *node, int operand, ad_array *g)
{
    const struct join *join = ad_node_options(node);
    return ad_slice_of(g, join->axis, operand, 1, 1, false);
}

/* One array's cotangent stands behind another's: one pass over the shapes finds where. */
static bool concatenate_pull(const ad_node *node, ad_array *const *g, unsigned wanted, ad_array **cotangents)
{
    int axis = ((const struct join *)ad_node_options(node))->axis;
    int64_t start = 0;
    for (int i = 0; i < ad_node_inputs(node); i++) {
        int64_t length = ad_input_dims(node, i)[axis];
        if ((i >= 32 || wanted >> i & 1) && !(cotangents[i] = ad_slice_of(g[0], axis, start, length, 1, true)))
            return false;
        start += length;
    }
    return true;
}

static const ad_field join_fields[] = { AD_FIELD(struct join, axis, INT), AD_FIELD_OF(struct join, dtype, NULL), AD_FIELDS_END };
#define JOIN .listed = true, .infer = join_infer, .eval = join_eval, .linear = AD_LINEAR, .options_size = sizeof(struct join), .fields = join_fields

static const ad_primitive stack_op = { .name = "ad_stack", .code = STACK, .vjp = stack_transpose, JOIN };
static const ad_primitive concatenate_op = { .name = "ad_concatenate", .code = CONCATENATE, .pull = concatenate_pull, JOIN };
AD_OPERATION(stack_op);
AD_OPERATION(concatenate_op);

static ad_array *join_arrays(const ad_primitive *op, ad_array *const *arrays, int count, int axis)
{
    int ndim = arrays[0]->ndim + (op->code == STACK);
    if (ndim == 0)
        return ad_set_error(AD_ERROR_SHAPE, "ad_concatenate: 0-d arrays have no axis to be joined along; ad_stack makes one");
    if (!ad_count_fits("ad_stack", ndim, AD_MAX_NDIM, "dimensions"))
        return NULL;
    struct join join = { ad_axis_resolve(op->name, axis, ndim), ad_dtype_common(arrays, count) };
    return join.axis >= 0 ? ad_call_primitive(op, arrays, count, &join) : NULL;
}

static ad_array *join_list(const ad_primitive *op, const ad_tree *arrays, int axis)
{
    ad_context *c = ad_current();
    if (!ad_given(arrays, op->name, "list of arrays"))
        return NULL;
    int count = ad_tree_count(arrays), found = 0;
    if (count == 0)
        return ad_set_error(AD_ERROR_VALUE, "%s: the list of arrays is empty", op->name);
    size_t bytes = (size_t)count * sizeof(ad_array *);
    ad_array **inputs = ad_allocate(c, bytes);
    if (!inputs)
        return NULL;
    while (found < count && (inputs[found] = ad_tree_array_at(arrays, found)))
        found++;
    ad_array *joined = found == count ? join_arrays(op, inputs, count, axis)
                                      : ad_set_error(AD_ERROR_VALUE, "%s: entry %d of the list is a tree, not an array", op->name, found);
    ad_deallocate(c, inputs, bytes);
    return joined;
}

ad_array *ad_concatenate_with(const ad_tree *arrays, ad_join_options options)
{
    if (options.axis == AD_NO_AXIS)
        return ad_concatenate(ad_tree_map(ad_ravel, arrays));
    return join_list(&concatenate_op, arrays, options.axis);
}

ad_array *ad_stack_with(const ad_tree *arrays, ad_join_options options)
{
    return join_list(&stack_op, arrays, options.axis);
}

ad_array *(ad_vstack)(const ad_tree *arrays)
{
    return ad_given(arrays, "ad_vstack", "list of arrays") ? ad_concatenate(ad_tree_map(ad_atleast_2d, arrays)) : NULL;
}

ad_array *(ad_hstack)(const ad_tree *arrays)
{
    ad_tree *list = ad_given(arrays, "ad_hstack", "list of arrays") ? ad_tree_map(ad_atleast_1d, arrays) : NULL;
    if (!list)
        return NULL;
    const ad_array *first = ad_tree_count(list) ? ad_tree_array_at(list, 0) : NULL;
    return ad_concatenate(list, .axis = first && first->ndim > 1);
}

/* ---- split and unstack ---- */

/* How an axis of a given length is cut: at indices, or into sections that differ by at most one. */
struct cuts {
    int64_t length, parts;
    const ad_shape *indices; /* NULL: sections */
};

/* Where part i begins. For i = parts it is where the last part ends. */
static int64_t cut(const struct cuts *cuts, int64_t i)
{
    int64_t n = cuts->length;
    if (!cuts->indices) {
        int64_t longer = n % cuts->parts;
        return i * (n / cuts->parts) + (i < longer ? i : longer);
    }
    if (i == 0 || i == cuts->parts)
        return i ? n : 0;
    int64_t at = cuts->indices->dim[i - 1];
    at += at < 0 ? n : 0;
    return at < 0 ? 0 : at > n ? n : at;
}

/* The parts as a list, with the axis, or without it where each part has length 1. */
static ad_tree *cut_up(ad_array *x, int axis, const struct cuts *cuts, bool keep_axis)
{
    ad_context *c = ad_current();
    size_t bytes = (size_t)(cuts->parts + 1) * sizeof(ad_tree_item);
    ad_tree_item *items = ad_allocate(c, bytes);
    if (!items)
        return NULL;
    bool done = true;
    for (int64_t i = 0; i < cuts->parts && done; i++) {
        int64_t start = cut(cuts, i), end = cut(cuts, i + 1);
        items[i] = (ad_tree_item){ AD_ITEM_ARRAY, ad_slice_of(x, axis, start, end > start ? end - start : 0, 1, keep_axis) };
        done = items[i].value != NULL;
    }
    ad_tree *list = done ? ad_list_from(items, (int)cuts->parts) : NULL;
    ad_deallocate(c, items, bytes);
    return list;
}

static ad_tree *split(const char *name, ad_array *x, int64_t sections, const ad_split_options *options, bool equal)
{
    int axis = ad_given(x, name, "array") ? ad_axis_resolve(name, options->axis, x->ndim) : -1;
    if (axis < 0 || !ad_count_fits(name, options->indices.ndim, AD_MAX_NDIM, "indices"))
        return NULL;
    struct cuts cuts = { ad_dims(x)[axis], sections, NULL };
    if (options->indices.ndim) {
        cuts.indices = &options->indices;
        cuts.parts = options->indices.ndim + 1;
    } else if (sections < 1 || sections > INT_MAX) {
        return ad_set_error(AD_ERROR_VALUE, "%s: %lld sections; there should be 1 or more", name, (long long)sections);
    } else if (equal && cuts.length % sections) {
        return ad_set_error(AD_ERROR_SHAPE, "%s: axis %d of an array of shape %s cannot be cut into %lld equal sections", name, axis, AD_SHAPE_TEXT(x),
                            (long long)sections);
    }
    return cut_up(x, axis, &cuts, true);
}

ad_tree *ad_split_with(ad_array *x, int64_t sections, ad_split_options options)
{
    return split("ad_split", x, sections, &options, true);
}

ad_tree *ad_array_split_with(ad_array *x, int64_t sections, ad_split_options options)
{
    return split("ad_array_split", x, sections, &options, false);
}

ad_tree *ad_unstack_with(ad_array *x, ad_join_options options)
{
    int axis = ad_given(x, "ad_unstack", "array") ? ad_axis_resolve("ad_unstack", options.axis, x->ndim) : -1;
    if (axis < 0)
        return NULL;
    int64_t n = ad_dims(x)[axis];
    if (n > INT_MAX)
        return ad_set_error(AD_ERROR_SHAPE, "ad_unstack: axis %d of an array of shape %s is too long for a list", axis, AD_SHAPE_TEXT(x));
    return cut_up(x, axis, &(struct cuts){ n, n, NULL }, false);
}

/* ---- repetition: an axis of length 1 beside the one that repeats, broadcast, and both made one ---- */

ad_array *(ad_tile)(ad_array *x, ad_shape reps)
{
    ad_shape spread = { .ndim = 0 }, repeated = { .ndim = 0 }, tiled = { .ndim = 0 };
    if (!ad_given(x, "ad_tile", "array") || !ad_count_fits("ad_tile", reps.ndim, AD_MAX_NDIM, "repetitions"))
        return NULL;
    int ndim = x->ndim > reps.ndim ? x->ndim : reps.ndim, new_axes = 0;
    for (int i = 0; i < reps.ndim; i++) {
        new_axes += reps.dim[i] != 1;
        if (reps.dim[i] < 0)
            return ad_set_error(AD_ERROR_VALUE, "ad_tile: %lld repetitions along axis %d; there should be 0 or more", (long long)reps.dim[i],
                                ndim - reps.ndim + i);
    }
    if (ndim + new_axes > AD_MAX_NDIM)
        return ad_set_error(AD_ERROR_SHAPE, "ad_tile: an array of shape %s along %d axes needs more than %d dimensions", AD_SHAPE_TEXT(x), new_axes,
                            AD_MAX_NDIM);
    for (int i = 0; i < ndim; i++) {
        int64_t n = i < ndim - x->ndim ? 1 : ad_dims(x)[i - (ndim - x->ndim)];
        int64_t times = i < ndim - reps.ndim ? 1 : reps.dim[i - (ndim - reps.ndim)];
        if (times != 1) {
            spread.dim[spread.ndim++] = 1;
            repeated.dim[repeated.ndim++] = times;
        }
        spread.dim[spread.ndim++] = n;
        repeated.dim[repeated.ndim++] = n;
        if (__builtin_mul_overflow(n, times, &tiled.dim[tiled.ndim++]))
            return ad_set_error(AD_ERROR_SHAPE, "ad_tile: the result has more elements than can be addressed");
    }
    return ad_reshape(ad_broadcast_to(ad_reshape(x, spread), repeated), tiled);
}

static ad_array *repeat_each(ad_array *x, int axis, int64_t times)
{
    ad_shape spread = ad_shape_of(x), result = spread;
    memmove(spread.dim + axis + 2, spread.dim + axis + 1, (size_t)(x->ndim - axis - 1) * sizeof *spread.dim);
    spread.dim[axis + 1] = 1;
    spread.ndim++;
    ad_shape repeated = spread;
    repeated.dim[axis + 1] = times;
    if (__builtin_mul_overflow(result.dim[axis], times, &result.dim[axis]))
        return ad_set_error(AD_ERROR_SHAPE, "ad_repeat: the result has more elements than can be addressed");
    return ad_reshape(ad_broadcast_to(ad_reshape(x, spread), repeated), result);
}

/* The places of repeats: 0 0 0 1 2 2 for repeats 3 1 2; one number of repeats serves all n places. Their total is an
 * option, so the repeats are looked at before the call. */
struct repeating {
    int64_t n, total;
};

static int64_t repeats_step(const ad_node *node)
{
    return ad_input_size(node, 0) == 1 ? 0 : 1;
}

static bool repeats_infer(const ad_node *node, ad_spec *output)
{
    const struct repeating *o = ad_node_options(node);
    output->dtype = AD_I64;
    ad_shape_set(&output->shape, 1, &o->total);
    return true;
}

/* The sum of the repeats; -1 and an error. */
static int64_t total_of(const int64_t *repeats, int64_t step, int64_t n)
{
    int64_t total, wrong = ad_total_of_repeats(n, repeats, step, &total);
    if (wrong < 0)
        return ad_set_error(AD_ERROR_VALUE, "ad_repeat: %lld repetitions; there should be 0 or more", (long long)wrong), -1;
    return total < 0 ? ad_set_error(AD_ERROR_SHAPE, "ad_repeat: the result has more elements than can be addressed"), -1 : total;
}

static bool repeats_eval(const ad_node *node, void *const *outputs)
{
    AD_SCRATCH room = { 0 };
    const struct repeating *o = ad_node_options(node);
    const int64_t *repeats = ad_integers_of(ad_node_input(node, 0), &room), step = repeats_step(node);
    int64_t total = repeats ? total_of(repeats, step, o->n) : -1;
    if (total < 0)
        return false;
    if (total != o->total)
        return AD_FAIL(AD_ERROR_VALUE, "ad_repeat: %lld repetitions in all, but there were %lld when the call was first made", (long long)total,
                       (long long)o->total);
    ad_repeat_places(o->n, repeats, step, outputs[0]);
    return true;
}

static const ad_field repeating_fields[] = { AD_FIELD(struct repeating, n, INT64), AD_FIELD(struct repeating, total, INT64), AD_FIELDS_END };
static const ad_primitive repeats_op = {
    .name = "ad_repeat_places", .infer = repeats_infer, .eval = repeats_eval, .constant = true, .options_size = sizeof(struct repeating),
    .fields = repeating_fields,
};
AD_OPERATION(repeats_op);

/* A C integer is known before the call. Other repeats are looked at for their sum. */
static ad_array *repeat(ad_array *x, int axis, ad_array *repeats)
{
    AD_SCRATCH room = { 0 };
    const int64_t *numbers = ad_integers_of(repeats, &room);
    struct repeating o = { .n = ad_dims(x)[axis] };
    if (!numbers)
        return NULL;
    if (repeats->flags & AD_WEAK && x->ndim < AD_MAX_NDIM)
        return numbers[0] < 0 ? ad_set_error(AD_ERROR_VALUE, "ad_repeat: %lld repetitions; there should be 0 or more", (long long)numbers[0])
                              : repeat_each(x, axis, numbers[0]);
    o.total = total_of(numbers, repeats->size == 1 ? 0 : 1, o.n);
    return o.total < 0 ? NULL : ad_take(x, ad_call_primitive(&repeats_op, &repeats, 1, &o), .axis = axis);
}

ad_array *ad_repeat_with(ad_array *x, ad_array *repeats, ad_repeat_options options)
{
    if (!ad_given(x, "ad_repeat", "array") || !ad_given(repeats, "ad_repeat", "array of repeats"))
        return NULL;
    if (ad_dtype_is_inexact((ad_dtype)repeats->dtype))
        return ad_set_error(AD_ERROR_DTYPE, "ad_repeat: repeats of dtype %s; they should be integers", ad_dtype_name((ad_dtype)repeats->dtype));
    options.axis = ad_axis_of_scalar(x, options.axis);
    if (options.axis == AD_NO_AXIS) {
        x = ad_ravel(x);
        options.axis = 0;
    }
    int axis = x ? ad_axis_resolve("ad_repeat", options.axis, x->ndim) : -1;
    if (axis < 0)
        return NULL;
    if (repeats->ndim > 1 || (repeats->size != 1 && repeats->size != ad_dims(x)[axis]))
        return ad_set_error(AD_ERROR_SHAPE, "ad_repeat: repeats of shape %s for an axis of length %lld; there should be one, or one for each element",
                            AD_SHAPE_TEXT(repeats), (long long)ad_dims(x)[axis]);
    return repeat(x, axis, repeats);
}

/* ---- roll: two slices, exchanged ---- */

static ad_array *roll_axis(ad_array *x, int axis, int64_t shift)
{
    int64_t n = x ? ad_dims(x)[axis] : 0;
    shift = n ? (shift % n + n) % n : 0;
    if (shift == 0)
        return x;
    return ad_concatenate(ad_list_of(ad_slice_axis(x, axis, n - shift, shift, 1), ad_slice_axis(x, axis, 0, n - shift, 1)), .axis = axis);
}

ad_array *ad_roll_with(ad_array *x, int64_t shift, ad_roll_options options)
{
    ad_shape *shifts = &options.shifts;
    ad_axes *axes = &options.axes;
    if (!ad_given(x, "ad_roll", "array") || !ad_count_fits("ad_roll", shifts->ndim, AD_MAX_NDIM, "shifts") ||
        !ad_count_fits("ad_roll", axes->count, AD_MAX_NDIM, "axes"))
        return NULL;
    if (options.axis != AD_NO_AXIS && axes->count)
        return ad_set_error(AD_ERROR_AXIS, "ad_roll: takes .axis or .axes, not both");
    if (options.axis == AD_NO_AXIS && axes->count == 0) {
        ad_array *flat = ad_ravel(x);
        for (int i = 0; i < (shifts->ndim ? shifts->ndim : 1); i++)
            flat = roll_axis(flat, 0, shifts->ndim ? shifts->dim[i] : shift);
        return ad_reshape(flat, ad_shape_of(x));
    }
    if (options.axis != AD_NO_AXIS)
        *axes = AD_AXES(options.axis);
    if (shifts->ndim == 0)
        *shifts = AD_SHAPE(shift);
    if (shifts->ndim != axes->count && shifts->ndim != 1 && axes->count != 1)
        return ad_set_error(AD_ERROR_AXIS, "ad_roll: %d shifts for %d axes; there should be one for each", shifts->ndim, axes->count);
    int count = shifts->ndim > axes->count ? shifts->ndim : axes->count;
    for (int i = 0; i < count && x; i++) {
        int axis = ad_axis_resolve("ad_roll", axes->axis[axes->count == 1 ? 0 : i], x->ndim);
        x = axis < 0 ? NULL : roll_axis(x, axis, shifts->dim[shifts->ndim == 1 ? 0 : i]);
    }
    return ad_unchanged(x);
}
