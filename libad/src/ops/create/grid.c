/* Numbers between two ends at equal distances or ratios, and the coordinates of grids. The names are NumPy's.
 *
 * Two primitives look at values: one multiplies steps, the other refuses zeros. Everything else is composed of
 * arithmetic, ad_where and views, and so differentiates by itself. The ends of a range are put in unchanged, so that
 * they are exact to the bit. */
#include "ad/create.h"
#include "ad/index.h"
#include "ad/math.h"
#include "ad/reduce.h"
#include "ad/shape.h"
#include "ad/transform.h"
#include "ad/tree.h"
#include "ops/ops.h"
#include <string.h>

/* ---- what is common ---- */

/* Broadcasts the shape of arrays 0 ... i-1 with that of x, which is array i. */
static bool broadcast_with(const char *operation, ad_shape *shape, const ad_array *x, int i)
{
    ad_shape own = ad_shape_of(x);
    ad_shape_buffer before;
    if (ad_shape_broadcast(shape, &own))
        return true;
    return AD_FAIL(AD_ERROR_SHAPE, "%s: an array of shape %s (number %d) does not broadcast with shape %s of those before it", operation, AD_SHAPE_TEXT(x), i,
                   ad_shape_text(before.text, sizeof before, shape->ndim, shape->dim));
}

/* 1 if an element of x is 0, 0 if none is, -1 and an error if that cannot be found out. For functions that compute the
 * value of a primitive. */
static int has_zero(ad_array *x)
{
    ad_array *any = ad_any(ad_equal(x, 0));
    return any ? (int)ad_item_int(any) : -1;
}

/* The numbers 0 ... num-1 along a new first axis, before the axes of the operands. Checks the options, and counts their
 * axis from 0. */
static ad_array *places_before(const char *operation, ad_array *const *operands, int count, ad_linspace_options *o)
{
    ad_shape shape = AD_SCALAR_SHAPE;
    for (int i = 0; i < count; i++)
        if (!ad_given(operands[i], operation, i == 0 ? "start" : i == 1 ? "stop" : "base") || !broadcast_with(operation, &shape, operands[i], i))
            return NULL;
    if (o->num < 0)
        return ad_set_error(AD_ERROR_VALUE, "%s: %lld values; there should be 0 or more", operation, (long long)o->num);
    if (o->dtype != AD_NO_DTYPE && !ad_known_dtype(operation, o->dtype))
        return NULL;
    ad_shape column = { .ndim = shape.ndim + 1 };
    if (!ad_count_fits(operation, column.ndim, AD_MAX_NDIM, "dimensions"))
        return NULL;
    o->axis = ad_axis_resolve(operation, o->axis, column.ndim);
    if (o->axis < 0)
        return NULL;
    for (int i = 0; i < column.ndim; i++)
        column.dim[i] = i ? 1 : o->num;
    return ad_reshape(ad_arange(o->num), column);
}

/* The result with its first axis moved to its place, in its dtype. */
static ad_array *placed(ad_array *y, const ad_linspace_options *o)
{
    y = o->axis == 0 ? y : ad_moveaxis(y, 0, o->axis);
    return o->dtype == AD_NO_DTYPE ? y : ad_astype(y, o->dtype);
}

/* ---- equal distances ---- */

/* An end in a dtype whose differences do not wrap: integers get the real dtype of the result. C numbers beside a float
 * array stay weak and widen nothing. */
static ad_array *end_of_range(ad_array *x, ad_dtype common)
{
    bool is_inexact = ad_dtype_is_inexact(common);
    if (ad_dtype_is_inexact((ad_dtype)x->dtype) || (is_inexact && x->flags & AD_WEAK))
        return x;
    return ad_astype(x, is_inexact ? ad_dtype_real(common) : AD_F64);
}

/* distance place / divisor. Where a distance is so small that its step would be 0, the places are divided in its place,
 * as in NumPy. */
struct steps {
    double divisor;
};

enum { DISTANCE, PLACE };

static bool steps_infer(const ad_node *node, ad_spec *output)
{
    output->dtype = ad_input_dtype(node, DISTANCE);
    output->shape = ad_node_shape(node, PLACE);
    return ad_broadcast_dims(&output->shape, ad_input_ndim(node, DISTANCE), ad_input_dims(node, DISTANCE));
}

static ad_array *steps_compose(const ad_node *node, const ad_spec *output)
{
    (void)output;
    const struct steps *o = ad_node_options(node);
    ad_array *distance = ad_node_input(node, DISTANCE), *place = ad_node_input(node, PLACE), *step = ad_div(distance, o->divisor);
    int vanishes = step ? has_zero(step) : -1;
    if (vanishes < 0)
        return NULL;
    return vanishes ? ad_mul(ad_div(place, o->divisor), distance) : ad_mul(place, step);
}

static ad_array *steps_vjp(const ad_node *node, int operand, ad_array *g)
{
    const struct steps *o = ad_node_options(node);
    return ad_zdiv(ad_match(ad_zzmul(g, ad_node_input(node, PLACE)), node->inputs[operand]), o->divisor);
}

static ad_array *steps_jvp(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    const struct steps *o = ad_node_options(node);
    return ad_zzmul(ad_zdiv(t, o->divisor), ad_node_input(node, PLACE));
}

static const ad_field steps_fields[] = { AD_FIELD(struct steps, divisor, REAL), AD_FIELDS_END };
static const ad_primitive steps_op = {
    .name = "ad_equal_steps", .infer = steps_infer, .compose = steps_compose, .vjp = steps_vjp, .jvp = steps_jvp, .parameters = 1u << PLACE,
    .saves = AD_SAVE_INPUT(PLACE), .options_size = sizeof(struct steps), .fields = steps_fields,
};
AD_OPERATION(steps_op);

/* start + place (stop - start)/intervals, with stop itself in the last place. */
static ad_array *spread(ad_array *start, ad_array *stop, ad_array *place, const ad_linspace_options *o)
{
    if (!place)
        return NULL;
    ad_dtype common = ad_dtype_common((ad_array *[]){ start, stop }, 2);
    start = end_of_range(start, common);
    stop = end_of_range(stop, common);
    int64_t intervals = o->endpoint ? o->num - 1 : o->num;
    double divisor = intervals > 0 ? (double)intervals : 1;
    ad_array *distance = ad_sub(stop, start);
    if (!distance)
        return NULL;
    ad_array *inputs[] = { distance, ad_astype(place, ad_dtype_real((ad_dtype)distance->dtype)) };
    ad_array *y = ad_add(start, ad_call_primitive(&steps_op, inputs, 2, &(struct steps){ divisor }));
    return o->endpoint && o->num > 1 ? ad_where(ad_equal(place, intervals), stop, y) : y;
}

/* Rounds down where the dtype is one of integers. */
static ad_array *floored(ad_array *y, ad_dtype dtype)
{
    if (!y || dtype == AD_NO_DTYPE || dtype == AD_BOOL || ad_dtype_is_inexact(dtype))
        return y;
    if (ad_dtype_is_complex((ad_dtype)y->dtype))
        return ad_set_error(AD_ERROR_DTYPE, "ad_linspace: %s values cannot be rounded down to %s", ad_dtype_name((ad_dtype)y->dtype), ad_dtype_name(dtype));
    return ad_floor(y);
}

ad_array *ad_linspace_with(ad_array *start, ad_array *stop, ad_linspace_options options)
{
    ad_array *place = places_before("ad_linspace", (ad_array *[]){ start, stop }, 2, &options);
    return placed(floored(spread(start, stop, place, &options), options.dtype), &options);
}

/* ---- equal ratios ---- */

ad_array *ad_logspace_with(ad_array *start, ad_array *stop, ad_logspace_options options)
{
    ad_linspace_options powers = { .num = options.num, .endpoint = options.endpoint, .axis = options.axis, .dtype = options.dtype };
    if (options.bases && options.base != AD_LOGSPACE_DEFAULTS.base)
        return ad_set_error(AD_ERROR_VALUE, "ad_logspace: takes .base or .bases, not both");
    ad_array *base = options.bases ? options.bases : ad_weak_real(options.base);
    ad_array *place = places_before("ad_logspace", (ad_array *[]){ start, stop, base }, 3, &powers);
    ad_array *power = spread(start, stop, place, &powers);
    return power ? placed(ad_pow(base, power), &powers) : NULL;
}

/* The dtype in which a geometric sequence is computed. A real result of complex ends is the real part; a complex result
 * of real ends is a spiral. */
static ad_dtype dtype_of_ratios(ad_array *start, ad_array *stop, ad_dtype wanted)
{
    ad_dtype common = ad_dtype_common((ad_array *[]){ start, stop }, 2);
    common = ad_dtype_is_inexact(common) ? common : AD_F64;
    return wanted == AD_NO_DTYPE ? common : ad_dtype_promote(common, wanted);
}

/* An end of a geometric sequence, whose value is not changed. */
struct end {
    bool stop; /* the end at stop; otherwise the one at start */
};

static ad_array *end_view(const ad_node *node, const ad_spec *output)
{
    (void)output;
    const struct end *o = ad_node_options(node);
    ad_array *x = ad_node_input(node, 0);
    int zero = has_zero(x);
    if (zero > 0)
        return ad_set_error(AD_ERROR_VALUE, "ad_geomspace: %s, of shape %s, has an element 0, which no geometric sequence has", o->stop ? "stop" : "start",
                            AD_SHAPE_TEXT(x));
    return zero == 0 ? x : NULL;
}

static ad_array *end_rule(const ad_node *node, int operand, ad_array *t)
{
    (void)node, (void)operand;
    return t;
}

static const ad_field end_fields[] = { AD_FIELD(struct end, stop, FLAG), AD_FIELDS_END };
static const ad_primitive end_op = {
    .name = "ad_without_zero",
    .infer = ad_same_infer,
    .view = end_view,
    .vjp = end_rule,
    .jvp = end_rule,
    .options_size = sizeof(struct end),
    .fields = end_fields,
};
AD_OPERATION(end_op);

static ad_array *end_of_ratios(ad_array *x, ad_dtype dtype, bool stop)
{
    x = ad_astype(x, dtype);
    return x ? ad_call_primitive(&end_op, &x, 1, &(struct end){ stop }) : NULL;
}

/* s 10^(log10(start/s) ... log10(stop/s)) with s = start/|start|. Apart from rounding the values do not depend on s. So
 * s is a constant in the derivative, for complex ends too. */
static ad_array *ratios(ad_array *start, ad_array *stop, ad_array *place, const ad_linspace_options *o)
{
    ad_array *sign = ad_sign(ad_stop_gradient(start));
    ad_array *first = ad_log10(ad_div(start, sign)), *last = ad_log10(ad_div(stop, sign));
    return first && last ? ad_mul(sign, ad_pow(10.0, spread(first, last, place, o))) : NULL;
}

ad_array *ad_geomspace_with(ad_array *start, ad_array *stop, ad_linspace_options options)
{
    ad_array *place = places_before("ad_geomspace", (ad_array *[]){ start, stop }, 2, &options);
    if (!place)
        return NULL;
    ad_dtype dtype = dtype_of_ratios(start, stop, options.dtype);
    start = end_of_ratios(start, dtype, false);
    stop = start ? end_of_ratios(stop, dtype, true) : NULL;
    if (!stop)
        return NULL;
    ad_array *y = ad_where(ad_equal(place, 0), start, ratios(start, stop, place, &options));
    if (options.endpoint && options.num > 1)
        y = ad_where(ad_equal(place, options.num - 1), stop, y);
    return placed(y, &options);
}

/* ---- grids: an array for each axis, of length 1 along the others, broadcast ---- */

ad_tree *ad_broadcast_arrays(const ad_tree *arrays)
{
    if (!ad_given(arrays, "ad_broadcast_arrays", "list of arrays"))
        return NULL;
    int count = ad_tree_leaf_count(arrays);
    AD_SCRATCH room = { 0 };
    ad_array **leaves = leaves_of(arrays, count, &room);
    if (!leaves)
        return NULL;
    ad_shape shape = AD_SCALAR_SHAPE;
    for (int i = 0; i < count; i++)
        if (!broadcast_with("ad_broadcast_arrays", &shape, leaves[i], i))
            return NULL;
    for (int i = 0; i < count; i++)
        if (!(leaves[i] = ad_broadcast_to(leaves[i], shape)))
            return NULL;
    return ad_tree_with_leaves(arrays, leaves);
}

/* The elements of x along one axis of `ndim`. */
static ad_array *along_axis(ad_array *x, int axis, int ndim)
{
    ad_shape shape = { .ndim = ndim };
    for (int i = 0; i < ndim; i++)
        shape.dim[i] = i == axis ? x->size : 1;
    return ad_reshape(x, shape);
}

/* With "xy" the first array runs along the second axis, and the second array along the first. */
ad_tree *ad_meshgrid_with(const ad_tree *arrays, ad_meshgrid_options options)
{
    if (!ad_given(arrays, "ad_meshgrid", "list of arrays"))
        return NULL;
    const char *indexing = options.indexing ? options.indexing : "xy";
    int count = ad_tree_leaf_count(arrays);
    bool exchanged = strcmp(indexing, "xy") == 0 && count > 1;
    if (strcmp(indexing, "xy") != 0 && strcmp(indexing, "ij") != 0)
        return ad_set_error(AD_ERROR_VALUE, "ad_meshgrid: indexing \"%s\"; possible are \"xy\" and \"ij\"", indexing);
    if (!ad_count_fits("ad_meshgrid", count, AD_MAX_NDIM, "arrays"))
        return NULL;
    ad_array *leaves[AD_MAX_NDIM];
    ad_tree_walk(arrays, leaves, count);
    for (int i = 0; i < count; i++)
        if (!(leaves[i] = along_axis(leaves[i], exchanged && i < 2 ? 1 - i : i, count)))
            return NULL;
    ad_tree *open = ad_tree_with_leaves(arrays, leaves);
    return options.sparse ? open : ad_broadcast_arrays(open);
}

ad_array *ad_indices_with(ad_shape shape, ad_indices_options options)
{
    ad_tree_item axes[AD_MAX_NDIM];
    if (!ad_known_dtype("ad_indices", options.dtype) || !ad_count_fits("ad_indices", shape.ndim, AD_MAX_NDIM - 1, "dimensions") ||
        !ad_shape_possible("ad_indices", options.dtype, &shape))
        return NULL;
    if (shape.ndim == 0)
        return ad_zeros(AD_SHAPE(0), .dtype = options.dtype);
    for (int i = 0; i < shape.ndim; i++)
        axes[i] = (ad_tree_item){ AD_ITEM_ARRAY, ad_astype(ad_arange(shape.dim[i]), options.dtype) };
    return ad_stack(ad_meshgrid(ad_list_from(axes, shape.ndim), .indexing = "ij"));
}

/* ---- places in a matrix ---- */

/* The rows and columns of the places that a triangle of a matrix keeps, row by row. */
static ad_tree *triangle_indices(const char *operation, int64_t n, ad_triangle_indices_options o, bool lower)
{
    int64_t columns = o.m < 0 ? n : o.m;
    ad_shape matrix = AD_SHAPE(n, columns);
    ad_array *ones = ad_shape_possible(operation, AD_BOOL, &matrix) ? ad_ones(matrix, .dtype = AD_BOOL) : NULL;
    ad_array *places = ones ? ad_flatnonzero(lower ? ad_tril(ones, .k = o.k) : ad_triu(ones, .k = o.k)) : NULL;
    return places ? ad_list_of(ad_floor_divide(places, columns), ad_mod(places, columns)) : NULL;
}

ad_tree *ad_tril_indices_with(int64_t n, ad_triangle_indices_options options)
{
    return triangle_indices("ad_tril_indices", n, options, true);
}

ad_tree *ad_triu_indices_with(int64_t n, ad_triangle_indices_options options)
{
    return triangle_indices("ad_triu_indices", n, options, false);
}

ad_tree *ad_diag_indices_with(int64_t n, ad_diag_indices_options options)
{
    ad_tree_item axes[AD_MAX_NDIM];
    if (n < 0)
        return ad_set_error(AD_ERROR_SHAPE, "ad_diag_indices: %lld elements; there should be 0 or more", (long long)n);
    if (!ad_count_fits("ad_diag_indices", options.ndim, AD_MAX_NDIM, "dimensions"))
        return NULL;
    ad_array *places = ad_arange(n);
    if (!places)
        return NULL;
    for (int i = 0; i < options.ndim; i++)
        axes[i] = (ad_tree_item){ AD_ITEM_ARRAY, places };
    return ad_list_from(axes, options.ndim);
}
