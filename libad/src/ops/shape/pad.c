/* Padding: a constant border, or a gather along each axis.
 *
 * One primitive writes its operand within a border of one number. The other modes continue an axis with its own
 * elements, and the places of those are a constant. */
#include "ad/array.h"
#include "ad/create.h"
#include "ad/index.h"
#include "ad/shape.h"
#include "ops/ops.h"
#include <string.h>

static const char *const mode_names[AD_PAD_MODES] = { "constant", "edge", "reflect", "symmetric", "wrap" };

/* AD_PAD_MODES: no mode has that name. */
static ad_pad_mode mode_of(const char *name)
{
    ad_pad_mode mode = AD_PAD_CONSTANT;
    while (name && mode < AD_PAD_MODES && strcmp(name, mode_names[mode]) != 0)
        mode++;
    return mode;
}

/* What a constant pads. */
struct padding {
    int64_t width;     /* 0: the public function's, which `widths` replace */
    ad_widths *widths; /* a pair for each axis */
    double constant_values;
};

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

/* Writes the border along one axis after the other. The blocks before and behind x along axis d have the length of x in
 * the axes before d, and the length of the result in the axes after it. */
static bool pad_eval(const ad_node *node, void *const *outputs)
{
    const struct padding *padding = ad_node_options(node);
    const ad_array *x = ad_node_input(node, 0);
    static const int64_t still[AD_MAX_NDIM];
    int64_t strides[AD_MAX_NDIM];
    const ad_dtype dtype = (ad_dtype)x->dtype;
    ad_shape block = ad_node_spec(node, 0)->shape;
    struct ad_operand value = { (char *)&padding->constant_values, still, AD_F64 }, place = { outputs[0], strides, dtype };
    c_order_strides(dtype, block.ndim, block.dim, strides);
    for (int d = 0; d < block.ndim; d++) {
        const int64_t *pair = padding->widths->width[d], n = ad_dims(x)[d];
        block.dim[d] = pair[0];
        ad_copy_strided(block.ndim, block.dim, value, place);
        block.dim[d] = pair[1];
        ad_copy_strided(block.ndim, block.dim, value, (struct ad_operand){ place.data + (pair[0] + n) * strides[d], strides, dtype });
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

static const ad_field padding_fields[] = {
    AD_FIELD_UNNAMED(struct padding, width, INT64), AD_FIELD(struct padding, widths, WIDTHS), AD_FIELD(struct padding, constant_values, REAL), AD_FIELDS_END,
};
static const ad_primitive pad_op = {
    .name = "ad_pad", .infer = pad_infer, .eval = pad_eval, .vjp = pad_vjp, .jvp = pad_jvp, .options_size = sizeof(struct padding),
    .fields = padding_fields,
};
AD_OPERATION(pad_op);

static ad_array *pad_constant(ad_array *x, ad_widths *widths, double value)
{
    return ad_call_primitive(&pad_op, &x, 1, &(struct padding){ .widths = widths, .constant_values = value });
}

static ad_array *pad_gather(ad_array *x, int axis, const int64_t width[2], ad_pad_mode mode)
{
    int64_t n = ad_dims(x)[axis], total;
    if (n == 0)
        return ad_set_error(AD_ERROR_SHAPE, "ad_pad: mode \"%s\" along axis %d of an array of shape %s, which has no elements to continue", mode_names[mode],
                            axis, AD_SHAPE_TEXT(x));
    if (__builtin_add_overflow(n, width[0], &total) || __builtin_add_overflow(total, width[1], &total))
        return ad_set_error(AD_ERROR_SHAPE, "ad_pad: the result has more elements than can be addressed");
    ad_array *index = ad_array_new(ad_current(), AD_I64, 1, &total);
    if (!index)
        return NULL;
    ad_pad_places(mode, n, width[0], total, (int64_t *)memory_of(index));
    return ad_take(x, index, .axis = axis);
}

ad_array *ad_pad_with(ad_array *x, int64_t width, ad_pad_options options)
{
    ad_pad_mode mode = mode_of(options.mode);
    ad_widths *widths = &options.widths;
    if (!ad_given(x, "ad_pad", "array"))
        return NULL;
    if (mode == AD_PAD_MODES)
        return ad_set_error(AD_ERROR_VALUE, "ad_pad: mode \"%s\"; possible are constant, edge, reflect, symmetric, wrap", options.mode);
    if (mode != AD_PAD_CONSTANT && options.constant_values != 0)
        return ad_set_error(AD_ERROR_VALUE, "ad_pad: mode \"%s\" does not take .constant_values", options.mode);
    if (widths->count == 0)
        *widths = AD_WIDTHS({ width, width });
    if (widths->count != 1 && widths->count != x->ndim)
        return ad_set_error(AD_ERROR_AXIS, "ad_pad: %d pairs of widths for an array of shape %s; there should be one, or one for each axis", widths->count,
                            AD_SHAPE_TEXT(x));
    for (int axis = 1; axis < x->ndim && widths->count == 1; axis++)
        memcpy(widths->width[axis], widths->width[0], sizeof widths->width[0]);
    widths->count = x->ndim;
    bool any = false;
    for (int axis = 0; axis < x->ndim; axis++) {
        const int64_t *pair = widths->width[axis];
        any |= pair[0] || pair[1];
        if (pair[0] < 0 || pair[1] < 0)
            return ad_set_error(AD_ERROR_VALUE, "ad_pad: widths %lld and %lld along axis %d; they should be 0 or more", (long long)pair[0], (long long)pair[1],
                                axis);
    }
    if (any && mode == AD_PAD_CONSTANT)
        return pad_constant(x, widths, options.constant_values);
    for (int axis = 0; x && axis < x->ndim; axis++)
        if (widths->width[axis][0] || widths->width[axis][1])
            x = pad_gather(x, axis, widths->width[axis], mode);
    return ad_unchanged(x);
}
