/* Operations that change how elements are addressed, and not the elements: reshape, broadcast, transpose, flip.
 *
 * Each of the four primitives gives a view: new dimensions and strides over the operand's memory. Only a reshape across
 * strides that do not join makes a copy. All are linear, so each states its transpose and nothing else. The other
 * functions are one of the four with computed arguments. What moves elements is in join.c. */
#include "ad/array.h"
#include "ad/shape.h"
#include "ops/ops.h"
#include <string.h>

#define TEXT_OF(shape) ad_shape_text((ad_shape_buffer){ { 0 } }.text, sizeof(ad_shape_buffer), (shape)->ndim, (shape)->dim)

static bool has_shape(const ad_array *x, const ad_shape *shape)
{
    return x->ndim == shape->ndim && memcmp(ad_dims(x), shape->dim, x->ndim * sizeof *shape->dim) == 0;
}

/* ---- reshape: the transpose is the reshape back ---- */

/* The options point to the target shape, which infer and view read. */
struct target {
    ad_shape *shape;
};

static const ad_field target_fields[] = { { "", offsetof(struct target, shape), sizeof(ad_shape *), AD_FIELD_SHAPE, .value_only = true }, AD_FIELDS_END };
#define TARGET .options_size = sizeof(struct target), .fields = target_fields

static const ad_shape *target_of(const ad_node *node)
{
    return ((const struct target *)ad_node_options(node))->shape;
}

static bool reshape_infer(const ad_node *node, ad_spec *output)
{
    const ad_shape *shape = target_of(node);
    int64_t size, own = ad_input_size(node, 0);
    if (!ad_shape_checked_size(shape->ndim, shape->dim, 1, &size) || size != own)
        return AD_REFUSE(node, AD_ERROR_SHAPE, "an array of shape %s (%lld elements) does not fit into shape %s", AD_INPUT_TEXT(node, 0), (long long)own,
                         TEXT_OF(shape));
    output->dtype = ad_input_dtype(node, 0);
    ad_shape_set(&output->shape, shape->ndim, shape->dim);
    return true;
}

/* Finds strides under which x's memory reads as shape `to`; false where only a copy does. Axes of x that follow one
 * another in memory form a run. From the last axis on, each new axis takes its part of the current run. */
static bool strides_for(const ad_array *x, const ad_shape *to, int64_t *strides)
{
    int axis = x->ndim - 1;
    int64_t left = 1, stride = ad_item_size((ad_dtype)x->dtype); /* of the run: elements not yet taken, and the distance between them */
    for (int i = to->ndim - 1; i >= 0; i--) {
        if (to->dim[i] != 1 && left == 1) {
            while (ad_dims(x)[axis] == 1)
                axis--;
            left = ad_dims(x)[axis];
            stride = ad_strides(x)[axis--];
            while (axis >= 0 && (ad_dims(x)[axis] == 1 || ad_strides(x)[axis] == stride * left))
                left *= ad_dims(x)[axis--];
        }
        if (left % to->dim[i])
            return false;
        strides[i] = stride;
        stride *= to->dim[i];
        left /= to->dim[i];
    }
    return true;
}

static ad_array *reshape_view(const ad_node *node, const ad_spec *output)
{
    ad_context *c = ad_current();
    ad_array *x = ad_node_input(node, 0);
    const ad_shape *to = &output->shape;
    int64_t strides[AD_MAX_NDIM];
    bool shares = !(x->flags & AD_CONTIGUOUS) && x->size && strides_for(x, to, strides);
    if (!shares) {
        x = ad_array_contiguous(c, x);
        c_order_strides(output->dtype, to->ndim, to->dim, strides);
    }
    return x ? ad_array_view(c, x, output->dtype, to->ndim, to->dim, strides, 0) : NULL;
}

static ad_array *reshape_transpose(const ad_node *node, int operand, ad_array *g)
{
    return ad_reshape(g, ad_node_shape(node, operand));
}

static const ad_primitive reshape_op = {
    .name = "ad_reshape", .infer = reshape_infer, .view = reshape_view, .vjp = reshape_transpose, .linear = AD_LINEAR, TARGET,
};
AD_OPERATION(reshape_op);

/* Puts the dimension that follows from the others in place of -1. */
static bool fill_wildcard(const ad_array *x, ad_shape *shape)
{
    int wildcard = -1;
    int64_t known = 1;
    for (int i = 0; i < shape->ndim; i++) {
        if (shape->dim[i] == -1) {
            if (wildcard >= 0)
                return AD_FAIL(AD_ERROR_SHAPE, "ad_reshape: shape %s leaves more than one dimension open", TEXT_OF(shape));
            wildcard = i;
        } else if (__builtin_mul_overflow(known, shape->dim[i], &known)) {
            known = 0;
        }
    }
    if (wildcard < 0)
        return true;
    if (known <= 0 || x->size % known)
        return AD_FAIL(AD_ERROR_SHAPE, "ad_reshape: an array of shape %s (%lld elements) does not fit into shape %s", AD_SHAPE_TEXT(x), (long long)x->size,
                       TEXT_OF(shape));
    shape->dim[wildcard] = x->size / known;
    return true;
}

static ad_array *reshape(ad_array *x, const ad_shape *shape)
{
    if (has_shape(x, shape) && !(x->flags & AD_WEAK))
        return ad_unchanged(x);
    return ad_call_primitive(&reshape_op, &x, 1, &(struct target){ (ad_shape *)shape });
}

/* Reading and placing elements with the first axis fastest is the same as doing so in C order on reversed axes. */
static ad_array *reshape_fortran(ad_array *x, const ad_shape *shape)
{
    ad_shape reversed = { .ndim = shape->ndim };
    for (int i = 0; i < shape->ndim; i++)
        reversed.dim[i] = shape->dim[shape->ndim - 1 - i];
    x = ad_transpose(x);
    return ad_transpose(x ? reshape(x, &reversed) : NULL);
}

ad_array *ad_reshape_with(ad_array *x, ad_shape shape, ad_reshape_options options)
{
    if (!ad_given(x, "ad_reshape", "array") || !ad_count_fits("ad_reshape", shape.ndim, AD_MAX_NDIM, "dimensions") || !fill_wildcard(x, &shape))
        return NULL;
    if (!options.order || strcmp(options.order, "C") == 0)
        return reshape(x, &shape);
    if (strcmp(options.order, "F") == 0)
        return reshape_fortran(x, &shape);
    return ad_set_error(AD_ERROR_VALUE, "ad_reshape: order \"%s\"; possible are \"C\" and \"F\"", options.order);
}

ad_array *ad_ravel_with(ad_array *x, ad_reshape_options options)
{
    return ad_given(x, "ad_ravel", "array") ? ad_reshape_with(x, AD_SHAPE(-1), options) : NULL;
}

/* ---- axes of length 1 ---- */

ad_array *(ad_expand_dims_axes)(ad_array *x, ad_axes axes)
{
    bool inserted[AD_MAX_NDIM] = { false };
    if (!ad_given(x, "ad_expand_dims", "array") || !ad_count_fits("ad_expand_dims", axes.count, AD_MAX_NDIM, "new axes") ||
        !ad_count_fits("ad_expand_dims", x->ndim + axes.count, AD_MAX_NDIM, "dimensions"))
        return NULL;
    ad_shape shape = { .ndim = x->ndim + axes.count };
    if (axes.count && !ad_axes_resolve("ad_expand_dims", AD_NO_AXIS, &axes, shape.ndim, inserted))
        return NULL;
    for (int i = 0, from = 0; i < shape.ndim; i++)
        shape.dim[i] = inserted[i] ? 1 : ad_dims(x)[from++];
    return reshape(x, &shape);
}

ad_array *(ad_expand_dims)(ad_array *x, int axis)
{
    return ad_expand_dims_axes(x, AD_AXES(axis));
}

ad_array *ad_squeeze_with(ad_array *x, ad_axes_options options)
{
    options.axis = ad_axis_of_scalar(x, options.axis);
    bool selected[AD_MAX_NDIM], all = options.axis == AD_NO_AXIS && options.axes.count == 0;
    ad_shape shape = { .ndim = 0 };
    if (!ad_given(x, "ad_squeeze", "array") || !ad_axes_resolve("ad_squeeze", options.axis, &options.axes, x->ndim, selected))
        return NULL;
    for (int i = 0; i < x->ndim; i++) {
        if (selected[i] && !all && ad_dims(x)[i] != 1)
            return ad_set_error(AD_ERROR_SHAPE, "ad_squeeze: axis %d of an array of shape %s does not have length 1", i, AD_SHAPE_TEXT(x));
        if (!selected[i] || ad_dims(x)[i] != 1)
            shape.dim[shape.ndim++] = ad_dims(x)[i];
    }
    return reshape(x, &shape);
}

ad_array *(ad_atleast_1d)(ad_array *x)
{
    if (!ad_given(x, "ad_atleast_1d", "array"))
        return NULL;
    return x->ndim >= 1 ? ad_unchanged(x) : ad_expand_dims(x, 0);
}

ad_array *(ad_atleast_2d)(ad_array *x)
{
    if (!ad_given(x, "ad_atleast_2d", "array"))
        return NULL;
    return x->ndim >= 2 ? ad_unchanged(x) : x->ndim == 1 ? ad_expand_dims(x, 0) : ad_expand_dims(x, AD_AXES(0, 1));
}

ad_array *(ad_atleast_3d)(ad_array *x)
{
    if (!ad_given(x, "ad_atleast_3d", "array"))
        return NULL;
    if (x->ndim >= 3)
        return ad_unchanged(x);
    return x->ndim == 2 ? ad_expand_dims(x, 2) : x->ndim == 1 ? ad_expand_dims(x, AD_AXES(0, 2)) : ad_expand_dims(x, AD_AXES(0, 1, 2));
}

/* ---- broadcast: the transpose sums over what was repeated, which the engine does for every cotangent ---- */

static bool broadcast_infer(const ad_node *node, ad_spec *output)
{
    const ad_shape *shape = target_of(node);
    const int64_t *dims = ad_input_dims(node, 0);
    int ndim = ad_input_ndim(node, 0);
    bool fits = ndim <= shape->ndim;
    for (int i = 1; i <= ndim && fits; i++)
        fits = dims[ndim - i] == shape->dim[shape->ndim - i] || dims[ndim - i] == 1;
    if (!fits)
        return AD_REFUSE(node, AD_ERROR_SHAPE, "an array of shape %s does not broadcast to shape %s", AD_INPUT_TEXT(node, 0), TEXT_OF(shape));
    output->dtype = ad_input_dtype(node, 0);
    ad_shape_set(&output->shape, shape->ndim, shape->dim);
    return true;
}

static ad_array *broadcast_view(const ad_node *node, const ad_spec *output)
{
    const ad_array *x = ad_node_input(node, 0);
    int64_t strides[AD_MAX_NDIM];
    int extra = output->shape.ndim - x->ndim;
    for (int i = 0; i < output->shape.ndim; i++)
        strides[i] = i < extra || ad_dims(x)[i - extra] == 1 ? 0 : ad_strides(x)[i - extra];
    return ad_array_view(ad_current(), x, output->dtype, output->shape.ndim, output->shape.dim, strides, 0);
}

static ad_array *broadcast_transpose(const ad_node *node, int operand, ad_array *g)
{
    (void)node, (void)operand;
    return g;
}

static const ad_primitive broadcast_op = {
    .name = "ad_broadcast_to", .infer = broadcast_infer, .view = broadcast_view, .vjp = broadcast_transpose, .linear = AD_LINEAR, TARGET,
};
AD_OPERATION(broadcast_op);

ad_array *(ad_broadcast_to)(ad_array *x, ad_shape shape)
{
    if (!ad_given(x, "ad_broadcast_to", "array") || !ad_count_fits("ad_broadcast_to", shape.ndim, AD_MAX_NDIM, "dimensions"))
        return NULL;
    if (has_shape(x, &shape) && !(x->flags & AD_WEAK))
        return ad_unchanged(x);
    return ad_call_primitive(&broadcast_op, &x, 1, &(struct target){ &shape });
}

/* ---- transpose: its transpose is the inverse order ---- */

struct order {
    uint8_t count, axis[AD_MAX_NDIM]; /* of the operand, for each axis of the result */
};

static bool transpose_infer(const ad_node *node, ad_spec *output)
{
    const struct order *order = ad_node_options(node);
    output->dtype = ad_input_dtype(node, 0);
    output->shape.ndim = ad_input_ndim(node, 0);
    for (int i = 0; i < output->shape.ndim; i++)
        output->shape.dim[i] = ad_input_dims(node, 0)[order->axis[i]];
    return true;
}

static ad_array *transpose_view(const ad_node *node, const ad_spec *output)
{
    const ad_array *x = ad_node_input(node, 0);
    const struct order *order = ad_node_options(node);
    int64_t strides[AD_MAX_NDIM];
    for (int i = 0; i < x->ndim; i++)
        strides[i] = ad_strides(x)[order->axis[i]];
    return ad_array_view(ad_current(), x, output->dtype, x->ndim, output->shape.dim, strides, 0);
}

static ad_array *transpose_transpose(const ad_node *node, int operand, ad_array *g);

static const ad_field order_fields[] = { AD_FIELD_WHOLE(struct order, "axes", PERMUTATION), AD_FIELDS_END };
static const ad_primitive transpose_op = {
    .name = "ad_transpose", .infer = transpose_infer, .view = transpose_view, .vjp = transpose_transpose, .linear = AD_LINEAR,
    .options_size = sizeof(struct order), .fields = order_fields,
};
AD_OPERATION(transpose_op);

/* x itself if the order is that of its axes. */
static ad_array *in_order(ad_array *x, struct order order)
{
    bool moves = x->flags & AD_WEAK;
    for (int i = 0; i < x->ndim; i++)
        moves |= order.axis[i] != i;
    order.count = x->ndim;
    return moves ? ad_call_primitive(&transpose_op, &x, 1, &order) : ad_unchanged(x);
}

static ad_array *transpose_transpose(const ad_node *node, int operand, ad_array *g)
{
    const struct order *order = ad_node_options(node);
    struct order inverse = { 0 };
    for (int i = 0; i < ad_input_ndim(node, operand); i++)
        inverse.axis[order->axis[i]] = (uint8_t)i;
    return in_order(g, inverse);
}

ad_array *ad_transpose_with(ad_array *x, ad_transpose_options options)
{
    const ad_axes *axes = &options.axes;
    struct order order = { 0 };
    bool seen[AD_MAX_NDIM];
    if (!ad_given(x, "ad_transpose", "array"))
        return NULL;
    if (axes->count && axes->count != x->ndim)
        return ad_set_error(AD_ERROR_AXIS, "ad_transpose: %d axes given for an array of shape %s; there should be one for each", axes->count, AD_SHAPE_TEXT(x));
    if (axes->count && !ad_axes_resolve("ad_transpose", AD_NO_AXIS, axes, x->ndim, seen))
        return NULL;
    for (int i = 0; i < x->ndim; i++)
        order.axis[i] = (uint8_t)(!axes->count ? x->ndim - 1 - i : axes->axis[i] < 0 ? axes->axis[i] + x->ndim : axes->axis[i]);
    return in_order(x, order);
}

ad_array *(ad_swapaxes)(ad_array *x, int axis1, int axis2)
{
    struct order order = { 0 };
    int a = ad_given(x, "ad_swapaxes", "array") ? ad_axis_resolve("ad_swapaxes", axis1, x->ndim) : -1,
        b = a >= 0 ? ad_axis_resolve("ad_swapaxes", axis2, x->ndim) : -1;
    if (b < 0)
        return NULL;
    for (int i = 0; i < x->ndim; i++)
        order.axis[i] = (uint8_t)(i == a ? b : i == b ? a : i);
    return in_order(x, order);
}

ad_array *(ad_matrix_transpose)(ad_array *x)
{
    if (!ad_given(x, "ad_matrix_transpose", "array"))
        return NULL;
    if (x->ndim < 2)
        return ad_set_error(AD_ERROR_SHAPE, "ad_matrix_transpose: an array of shape %s is not a matrix", AD_SHAPE_TEXT(x));
    return ad_swapaxes(x, -2, -1);
}

ad_array *(ad_moveaxis_axes)(ad_array *x, ad_axes sources, ad_axes destinations)
{
    bool moved[AD_MAX_NDIM] = { false }, taken[AD_MAX_NDIM] = { false };
    struct order order = { 0 };
    if (!ad_given(x, "ad_moveaxis", "array"))
        return NULL;
    if (sources.count != destinations.count)
        return ad_set_error(AD_ERROR_AXIS, "ad_moveaxis: %d sources and %d destinations; there should be as many", sources.count, destinations.count);
    if (sources.count && (!ad_axes_resolve("ad_moveaxis", AD_NO_AXIS, &sources, x->ndim, moved) ||
                          !ad_axes_resolve("ad_moveaxis", AD_NO_AXIS, &destinations, x->ndim, taken)))
        return NULL;
    for (int k = 0; k < sources.count; k++) {
        int from = sources.axis[k], to = destinations.axis[k];
        order.axis[to < 0 ? to + x->ndim : to] = (uint8_t)(from < 0 ? from + x->ndim : from);
    }
    for (int i = 0, from = 0; i < x->ndim; i++) {
        if (taken[i])
            continue;
        while (moved[from])
            from++;
        order.axis[i] = (uint8_t)from++;
    }
    return in_order(x, order);
}

ad_array *(ad_moveaxis)(ad_array *x, int source, int destination)
{
    return ad_moveaxis_axes(x, AD_AXES(source), AD_AXES(destination));
}

/* ---- flip: its own transpose ---- */

struct flipped {
    uint32_t axes; /* bit i: axis i is flipped */
};

static ad_array *flip_view(const ad_node *node, const ad_spec *output)
{
    const ad_array *x = ad_node_input(node, 0);
    const struct flipped *flipped = ad_node_options(node);
    int64_t strides[AD_MAX_NDIM], offset = 0;
    for (int i = 0; i < x->ndim; i++) {
        strides[i] = flipped->axes >> i & 1 ? -ad_strides(x)[i] : ad_strides(x)[i];
        if (flipped->axes >> i & 1 && x->size)
            offset += (ad_dims(x)[i] - 1) * ad_strides(x)[i];
    }
    return ad_array_view(ad_current(), x, output->dtype, x->ndim, ad_dims(x), strides, offset);
}

static ad_array *flip_transpose(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    return ad_call_primitive(ad_node_primitive(node), &g, 1, ad_node_options(node));
}

static const ad_field flipped_fields[] = { AD_FIELD(struct flipped, axes, AXIS_BITS), AD_FIELDS_END };
static const ad_primitive flip_op = {
    .name = "ad_flip", .infer = ad_same_infer, .view = flip_view, .vjp = flip_transpose, .linear = AD_LINEAR, .options_size = sizeof(struct flipped),
    .fields = flipped_fields,
};
AD_OPERATION(flip_op);

ad_array *ad_flip_with(ad_array *x, ad_axes_options options)
{
    struct flipped flipped = { 0 };
    bool selected[AD_MAX_NDIM];
    if (!ad_given(x, "ad_flip", "array") || !ad_axes_resolve("ad_flip", options.axis, &options.axes, x->ndim, selected))
        return NULL;
    for (int i = 0; i < x->ndim; i++)
        flipped.axes |= (uint32_t)selected[i] << i;
    return ad_call_primitive(&flip_op, &x, 1, &flipped);
}

ad_array *(ad_fliplr)(ad_array *x)
{
    return ad_given(x, "ad_fliplr", "array") ? ad_flip(x, .axis = 1) : NULL;
}

ad_array *(ad_flipud)(ad_array *x)
{
    return ad_given(x, "ad_flipud", "array") ? ad_flip(x, .axis = 0) : NULL;
}

/* One turn reverses the second axis and then exchanges both. Three turns do so the other way round. */
ad_array *ad_rot90_with(ad_array *x, ad_rot90_options options)
{
    ad_axes plane = options.axes.count ? options.axes : AD_AXES(0, 1);
    bool seen[AD_MAX_NDIM];
    if (plane.count != 2)
        return ad_set_error(AD_ERROR_AXIS, "ad_rot90: %d axes given; a plane has two", plane.count);
    if (!ad_given(x, "ad_rot90", "array") || !ad_axes_resolve("ad_rot90", AD_NO_AXIS, &plane, x->ndim, seen))
        return NULL;
    int a = plane.axis[0], b = plane.axis[1];
    switch ((options.k % 4 + 4) % 4) {
    case 1:
        return ad_swapaxes(ad_flip(x, .axis = b), a, b);
    case 2:
        return ad_flip(x, .axes = plane);
    case 3:
        return ad_flip(ad_swapaxes(x, a, b), .axis = b);
    default:
        return ad_unchanged(x);
    }
}
