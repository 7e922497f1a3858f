/* Operations that lay elements out anew: joining, splitting, repeating, rolling, padding.
 *
 * Two primitives: one writes its operands behind one another along an axis, and its transpose hands each operand its slice of the
 * cotangent; the other writes its operand within a border of one number. Everything else is composed of them, of views (shape.c), slices and
 * gathers (index.c), and so differentiates by itself. */
#include "ad/array.h"
#include "ad/create.h"
#include "ad/index.h"
#include "ad/shape.h"
#include "ops/ops.h"
#include <string.h>

/* ---- concatenate and stack ---- */

/* Stacked operands count as having an axis of length 1 at `axis`. */
struct join {
    int axis;
    bool stacked;
    ad_dtype dtype;   /* of the result */
    ad_array *starts; /* int64: where along the axis each operand begins, and the end; infer fills it in */
};

static void join_keep(const void *options)
{
    (ad_retain)(((const struct join *)options)->starts);
}

static void join_drop(const void *options)
{
    (ad_release)(((const struct join *)options)->starts);
}

static const char *join_name(const struct join *join)
{
    return join->stacked ? "ad_stack" : "ad_concatenate";
}

static int64_t join_length(const struct join *join, const ad_array *x)
{
    return join->stacked ? 1 : ad_dims(x)[join->axis];
}

static bool fits_beside(const struct join *join, const ad_array *first, const ad_array *x)
{
    bool fits = x->ndim == first->ndim;
    for (int d = 0; d < first->ndim && fits; d++)
        fits = ad_dims(x)[d] == ad_dims(first)[d] || (d == join->axis && !join->stacked);
    return fits;
}

static bool join_infer(const ad_node *node, ad_spec *output)
{
    const struct join *join = ad_node_options(node);
    const ad_array *first = ad_node_operand(node, 0);
    int64_t *start = (int64_t *)join->starts->data, length = 0;
    for (int i = 0; i < ad_node_inputs(node); i++) {
        const ad_array *x = ad_node_operand(node, i);
        if (!fits_beside(join, first, x))
            return AD_FAIL(AD_ERROR_SHAPE, "%s: arrays of shapes %s (number 0) and %s (number %d) do not fit together along axis %d", join_name(join),
                           AD_SHAPE_TEXT(first), AD_SHAPE_TEXT(x), i, join->axis);
        if (__builtin_add_overflow(length, join_length(join, x), &length))
            return AD_FAIL(AD_ERROR_SHAPE, "%s: the arrays have more elements together than can be addressed", join_name(join));
        start[i + 1] = length;
    }
    output->dtype = join->dtype;
    output->shape.ndim = 0;
    for (int d = 0; d < first->ndim + join->stacked; d++)
        output->shape.dim[output->shape.ndim++] = d == join->axis ? length : ad_dims(first)[d - (join->stacked && d > join->axis)];
    return true;
}

static bool join_eval(const ad_node *node, void *const *outputs)
{
    const struct join *join = ad_node_options(node);
    int64_t strides[AD_MAX_NDIM];
    ad_spec output;
    if (!join_infer(node, &output))
        return false;
    c_order_strides(output.dtype, output.shape.ndim, output.shape.dim, strides);
    int64_t step = strides[join->axis];
    if (join->stacked)
        memmove(strides + join->axis, strides + join->axis + 1, (size_t)(output.shape.ndim - 1 - join->axis) * sizeof *strides);
    char *to = outputs[0];
    for (int i = 0; i < ad_node_inputs(node); i++) {
        const ad_array *x = ad_node_operand(node, i);
        if (x->size)
            ad_copy_strided(x->ndim, ad_dims(x), operand_of(x), (struct ad_operand){ to, strides, output.dtype });
        to += step * join_length(join, x);
    }
    return true;
}

static ad_array *join_transpose(const ad_node *node, int operand, ad_array *g)
{
    const struct join *join = ad_node_options(node);
    const int64_t *start = (const int64_t *)join->starts->data + operand;
    return ad_slice_of(g, join->axis, start[0], start[1] - start[0], 1, !join->stacked);
}

static const ad_field join_fields[] = { AD_FIELD(struct join, axis, INT), AD_FIELD(struct join, stacked, FLAG), AD_FIELDS_END };
static const ad_primitive join_op = {
    .name = "ad_concatenate", .infer = join_infer, .eval = join_eval, .vjp = join_transpose, .linear = AD_LINEAR, .options_size = sizeof(struct join),
    .options_keep = join_keep, .options_drop = join_drop, .fields = join_fields,
};
AD_OPERATION(join_op);

static ad_array *join_inputs(ad_array *const *inputs, int count, struct join join)
{
    int ndim = inputs[0]->ndim + join.stacked;
    if (ndim == 0)
        return ad_set_error(AD_ERROR_SHAPE, "ad_concatenate: 0-d arrays have no axis to be joined along; ad_stack makes one");
    if (!ad_count_fits("ad_stack", ndim, AD_MAX_NDIM, "dimensions"))
        return NULL;
    join.axis = ad_axis_resolve(join_name(&join), join.axis, ndim);
    join.dtype = ad_dtype_common(inputs, count);
    join.starts = ad_zeros(AD_SHAPE(count + 1), .dtype = AD_I64);
    return join.axis < 0 || !join.starts ? NULL : ad_call_primitive(&join_op, inputs, count, &join);
}

static ad_array *join_list(const ad_tree *arrays, struct join join)
{
    ad_context *c = ad_current();
    if (!ad_given(arrays, join_name(&join), "list of arrays"))
        return NULL;
    int count = ad_tree_count(arrays), found = 0;
    if (count == 0)
        return ad_set_error(AD_ERROR_VALUE, "%s: the list of arrays is empty", join_name(&join));
    ad_array **inputs = ad_allocate(c, (size_t)count * sizeof *inputs);
    if (!inputs)
        return NULL;
    while (found < count && (inputs[found] = ad_tree_array_at(arrays, found)))
        found++;
    ad_array *joined = found == count ? join_inputs(inputs, count, join)
                                      : ad_set_error(AD_ERROR_VALUE, "%s: entry %d of the list is a tree, not an array", join_name(&join), found);
    ad_deallocate(c, inputs, (size_t)count * sizeof *inputs);
    return joined;
}

ad_array *ad_concatenate_with(const ad_tree *arrays, ad_join_options options)
{
    if (options.axis == AD_NO_AXIS)
        return ad_concatenate(ad_tree_map(ad_ravel, arrays));
    return join_list(arrays, (struct join){ .axis = options.axis });
}

ad_array *(ad_concatenate)(const ad_tree *arrays)
{
    return ad_concatenate_with(arrays, AD_JOIN_DEFAULTS);
}

ad_array *ad_stack_with(const ad_tree *arrays, ad_join_options options)
{
    return join_list(arrays, (struct join){ .axis = options.axis, .stacked = true });
}

ad_array *(ad_stack)(const ad_tree *arrays)
{
    return ad_stack_with(arrays, AD_JOIN_DEFAULTS);
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

/* Where part i begins; for i = parts where the last one ends. */
static int64_t cut(const struct cuts *cuts, int64_t i)
{
    int64_t n = cuts->length, longer = cuts->parts ? n % cuts->parts : 0;
    if (!cuts->indices)
        return i * (n / cuts->parts) + (i < longer ? i : longer);
    if (i == 0 || i == cuts->parts)
        return i ? n : 0;
    int64_t at = cuts->indices->dim[i - 1];
    at += at < 0 ? n : 0;
    return at < 0 ? 0 : at > n ? n : at;
}

/* The parts as a list; with the axis, or without it where each has length 1. */
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
        return ad_set_error(AD_ERROR_VALUE, "%s: %lld sections", name, (long long)sections);
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

ad_tree *(ad_split)(ad_array *x, int64_t sections)
{
    return ad_split_with(x, sections, AD_SPLIT_DEFAULTS);
}

ad_tree *ad_array_split_with(ad_array *x, int64_t sections, ad_split_options options)
{
    return split("ad_array_split", x, sections, &options, false);
}

ad_tree *(ad_array_split)(ad_array *x, int64_t sections)
{
    return ad_array_split_with(x, sections, AD_SPLIT_DEFAULTS);
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

ad_tree *(ad_unstack)(ad_array *x)
{
    return ad_unstack_with(x, AD_JOIN_DEFAULTS);
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
            return ad_set_error(AD_ERROR_VALUE, "ad_tile: %lld repetitions along axis %d", (long long)reps.dim[i], ndim - reps.ndim + i);
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

/* 0 0 0 1 2 2 for repeats 3 1 2; one number stands for n of them. */
static ad_array *repeat_index(const int64_t *repeats, bool one, int64_t n)
{
    int64_t total = 0, at = 0;
    for (int64_t i = 0; i < n; i++)
        if (__builtin_add_overflow(total, repeats[one ? 0 : i], &total))
            return ad_set_error(AD_ERROR_SHAPE, "ad_repeat: the result has more elements than can be addressed");
    ad_array *index = ad_array_new(ad_current(), AD_I64, 1, &total);
    for (int64_t i = 0; i < n && index; i++)
        for (int64_t k = 0; k < repeats[one ? 0 : i]; k++)
            ((int64_t *)index->data)[at++] = i;
    return index;
}

ad_array *ad_repeat_with(ad_array *x, ad_array *repeats, ad_repeat_options options)
{
    if (!ad_given(x, "ad_repeat", "array") || !ad_given(repeats, "ad_repeat", "array of repeats"))
        return NULL;
    if (ad_dtype_is_float((ad_dtype)repeats->dtype))
        return ad_set_error(AD_ERROR_DTYPE, "ad_repeat: repeats of dtype %s; they should be integers", ad_dtype_name((ad_dtype)repeats->dtype));
    options.axis = ad_axis_of_scalar(x, options.axis);
    if (options.axis == AD_NO_AXIS) {
        x = ad_ravel(x);
        options.axis = 0;
    }
    int axis = x ? ad_axis_resolve("ad_repeat", options.axis, x->ndim) : -1;
    ad_array *plain = axis >= 0 ? ad_array_of_integers(ad_current(), repeats) : NULL;
    if (!plain)
        return NULL;
    bool one = plain->size == 1;
    const int64_t *numbers = (const int64_t *)plain->data;
    if (plain->ndim > 1 || (!one && plain->size != ad_dims(x)[axis]))
        return ad_set_error(AD_ERROR_SHAPE, "ad_repeat: repeats of shape %s for an axis of length %lld", AD_SHAPE_TEXT(plain), (long long)ad_dims(x)[axis]);
    for (int64_t i = 0; i < plain->size; i++)
        if (numbers[i] < 0)
            return ad_set_error(AD_ERROR_VALUE, "ad_repeat: %lld repetitions", (long long)numbers[i]);
    if (one && x->ndim < AD_MAX_NDIM)
        return repeat_each(x, axis, numbers[0]);
    return ad_take(x, repeat_index(numbers, one, ad_dims(x)[axis]), .axis = axis);
}

ad_array *(ad_repeat)(ad_array *x, ad_array *repeats)
{
    return ad_repeat_with(x, repeats, AD_REPEAT_DEFAULTS);
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
    if (!ad_given(x, "ad_roll", "array") || !ad_count_fits("ad_roll", shifts->ndim, AD_MAX_NDIM, "shifts") || !ad_count_fits("ad_roll", axes->count, AD_MAX_NDIM, "axes"))
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
        return ad_set_error(AD_ERROR_AXIS, "ad_roll: %d shifts for %d axes", shifts->ndim, axes->count);
    int count = shifts->ndim > axes->count ? shifts->ndim : axes->count;
    for (int i = 0; i < count && x; i++) {
        int axis = ad_axis_resolve("ad_roll", axes->axis[axes->count == 1 ? 0 : i], x->ndim);
        x = axis < 0 ? NULL : roll_axis(x, axis, shifts->dim[shifts->ndim == 1 ? 0 : i]);
    }
    return ad_unchanged(x);
}

ad_array *(ad_roll)(ad_array *x, int64_t shift)
{
    return ad_roll_with(x, shift, AD_ROLL_DEFAULTS);
}

/* ---- pad: a constant around, or a gather along each axis ---- */

enum mode { CONSTANT, EDGE, REFLECT, SYMMETRIC, WRAP, MODES };
static const char *const mode_names[MODES] = { "constant", "edge", "reflect", "symmetric", "wrap" };

static enum mode mode_of(const char *name)
{
    enum mode mode = CONSTANT;
    while (name && mode < MODES && strcmp(name, mode_names[mode]) != 0)
        mode++;
    return mode;
}

/* What a constant pads. The widths stay with the call; a recorded node copies them. */
struct padding {
    ad_widths *widths; /* a pair for each axis */
    char value[16];    /* of the dtype of x */
};

static void padding_keep(const void *options)
{
    struct padding *padding = (struct padding *)options;
    const ad_widths *widths = padding->widths;
    padding->widths = ad_allocate(ad_current(), sizeof *widths);
    if (padding->widths)
        *padding->widths = *widths;
}

static void padding_drop(const void *options)
{
    ad_deallocate(ad_current(), ((const struct padding *)options)->widths, sizeof(ad_widths));
}

static bool pad_infer(const ad_node *node, ad_spec *output)
{
    const struct padding *padding = ad_node_options(node);
    *output = (ad_spec){ ad_node_dtype(node, 0), ad_node_shape(node, 0) };
    for (int d = 0; d < output->shape.ndim; d++) {
        const int64_t *pair = padding->widths->width[d];
        int64_t *n = &output->shape.dim[d];
        if (__builtin_add_overflow(*n, pair[0], n) || __builtin_add_overflow(*n, pair[1], n))
            return AD_FAIL(AD_ERROR_SHAPE, "ad_pad: the result has more elements than can be addressed");
    }
    return true;
}

/* Around axis d stand blocks as long as the result in the axes behind it, and as x in those before. */
static bool pad_eval(const ad_node *node, void *const *outputs)
{
    const struct padding *padding = ad_node_options(node);
    const ad_array *x = ad_node_operand(node, 0);
    static const int64_t still[AD_MAX_NDIM];
    int64_t strides[AD_MAX_NDIM];
    ad_spec output;
    if (!pad_infer(node, &output))
        return false;
    ad_shape block = output.shape;
    struct ad_operand value = { (char *)padding->value, still, output.dtype }, place = { outputs[0], strides, output.dtype };
    c_order_strides(output.dtype, block.ndim, block.dim, strides);
    for (int d = 0; d < block.ndim; d++) {
        const int64_t *pair = padding->widths->width[d], n = ad_dims(x)[d];
        block.dim[d] = pair[0];
        ad_copy_strided(block.ndim, block.dim, value, place);
        block.dim[d] = pair[1];
        ad_copy_strided(block.ndim, block.dim, value, (struct ad_operand){ place.data + (pair[0] + n) * strides[d], strides, output.dtype });
        block.dim[d] = n;
        place.data += pair[0] * strides[d];
    }
    ad_copy_strided(x->ndim, ad_dims(x), operand_of(x), place);
    return true;
}

static ad_array *pad_vjp(const ad_node *node, int operand, ad_array *g)
{
    const struct padding *padding = ad_node_options(node);
    ad_shape shape = ad_node_shape(node, operand);
    for (int d = 0; d < shape.ndim; d++)
        g = ad_slice_axis(g, d, padding->widths->width[d][0], shape.dim[d], 1);
    return g;
}

static ad_array *pad_jvp(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    const struct padding *padding = ad_node_options(node);
    return ad_call_primitive(ad_node_primitive(node), &t, 1, &(struct padding){ .widths = padding->widths });
}

static const ad_field padding_fields[] = { AD_FIELD(struct padding, widths, WIDTHS), AD_FIELDS_END };
static const ad_primitive pad_op = {
    .name = "ad_pad", .infer = pad_infer, .eval = pad_eval, .vjp = pad_vjp, .jvp = pad_jvp, .options_size = sizeof(struct padding),
    .options_keep = padding_keep, .options_drop = padding_drop, .fields = padding_fields,
};
AD_OPERATION(pad_op);

static ad_array *pad_constant(ad_array *x, ad_widths *widths, double value)
{
    ad_array *number = ad_full(AD_SCALAR_SHAPE, value, .dtype = ad_dtype_of(x));
    struct padding padding = { .widths = widths };
    if (!number)
        return NULL;
    memcpy(padding.value, number->data, ad_dtype_size((ad_dtype)number->dtype));
    return ad_call_primitive(&pad_op, &x, 1, &padding);
}

/* The element of 0 ... n-1 that stands at place p of the infinite continuation. */
static int64_t continued(enum mode mode, int64_t p, int64_t n)
{
    if (mode == EDGE)
        return p < 0 ? 0 : p < n ? p : n - 1;
    int64_t period = mode == WRAP ? n : mode == SYMMETRIC ? 2 * n : n > 1 ? 2 * n - 2 : 1;
    p = (p % period + period) % period;
    return p < n ? p : mode == SYMMETRIC ? period - 1 - p : period - p;
}

static ad_array *pad_gather(ad_array *x, int axis, const int64_t width[2], enum mode mode)
{
    int64_t n = ad_dims(x)[axis], total;
    if (n == 0)
        return ad_set_error(AD_ERROR_SHAPE, "ad_pad: mode \"%s\" along axis %d of an array of shape %s, which has no elements to continue", mode_names[mode],
                            axis, AD_SHAPE_TEXT(x));
    if (__builtin_add_overflow(n, width[0], &total) || __builtin_add_overflow(total, width[1], &total))
        return ad_set_error(AD_ERROR_SHAPE, "ad_pad: the result has more elements than can be addressed");
    ad_array *index = ad_array_new(ad_current(), AD_I64, 1, &total);
    for (int64_t i = 0; i < total && index; i++)
        ((int64_t *)index->data)[i] = continued(mode, i - width[0], n);
    return ad_take(x, index, .axis = axis);
}

ad_array *ad_pad_with(ad_array *x, int64_t width, ad_pad_options options)
{
    enum mode mode = mode_of(options.mode);
    ad_widths *widths = &options.widths;
    if (!ad_given(x, "ad_pad", "array"))
        return NULL;
    if (mode == MODES)
        return ad_set_error(AD_ERROR_VALUE, "ad_pad: mode \"%s\"; possible are constant, edge, reflect, symmetric, wrap", options.mode);
    if (mode != CONSTANT && options.constant_values != 0)
        return ad_set_error(AD_ERROR_VALUE, "ad_pad: mode \"%s\" takes no .constant_values", options.mode);
    if (widths->count == 0)
        *widths = AD_WIDTHS({ width, width });
    if (widths->count != 1 && widths->count != x->ndim)
        return ad_set_error(AD_ERROR_AXIS, "ad_pad: %d pairs of widths for an array of shape %s", widths->count, AD_SHAPE_TEXT(x));
    for (int axis = 1; axis < x->ndim && widths->count == 1; axis++)
        memcpy(widths->width[axis], widths->width[0], sizeof widths->width[0]);
    bool any = false;
    for (int axis = 0; axis < x->ndim; axis++) {
        const int64_t *pair = widths->width[axis];
        any |= pair[0] || pair[1];
        if (pair[0] < 0 || pair[1] < 0)
            return ad_set_error(AD_ERROR_VALUE, "ad_pad: widths %lld and %lld along axis %d", (long long)pair[0], (long long)pair[1], axis);
    }
    if (any && mode == CONSTANT)
        return pad_constant(x, widths, options.constant_values);
    for (int axis = 0; x && axis < x->ndim; axis++)
        if (widths->width[axis][0] || widths->width[axis][1])
            x = pad_gather(x, axis, widths->width[axis], mode);
    return ad_unchanged(x);
}

ad_array *(ad_pad)(ad_array *x, int64_t width)
{
    return ad_pad_with(x, width, AD_PAD_DEFAULTS);
}
