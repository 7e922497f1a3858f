/* Running sums, running products and linear recurrences along an axis.
 *
 * Every rule here is again a scan, in the other direction, of arrays moved by one place: the derivative of a recurrence
 * is a recurrence. Nothing is divided, so it is exact with any number of zeros. An array is seen as (outer, n,
 * inner). */
#include "ad/create.h"
#include "ad/math.h"
#include "ad/reduce.h"
#include "ad/shape.h"
#include "ops/ops.h"

struct scan {
    int axis;
    bool reverse; /* from the last element to the first */
    double first; /* in a shift: what moves in */
};

/* ---- shift: y_i = x_(i-1) and y_0 = first; in reverse y_i = x_(i+1) ---- */

static ad_array *shift(ad_array *x, const struct scan *s, bool reverse, double first);

static bool shift_eval(const ad_node *node, void *const *outputs)
{
    const struct scan *s = ad_node_options(node);
    ad_array *x = ad_node_input(node, 0);
    ad_dtype dtype = (ad_dtype)x->dtype;
    ad_shape shape = ad_shape_of(x);
    int64_t n = shape.dim[s->axis], strides[AD_MAX_NDIM];
    static const int64_t still[AD_MAX_NDIM];
    if (x->size == 0)
        return true;
    c_order_strides(dtype, x->ndim, ad_dims(x), strides);
    int64_t step = strides[s->axis], last = (n - 1) * step;
    char *out = outputs[0];
    shape.dim[s->axis] = n - 1;
    ad_copy_strided(x->ndim, shape.dim, (struct ad_operand){ memory_of(x) + (s->reverse ? ad_strides(x)[s->axis] : 0), ad_strides(x), dtype },
                    (struct ad_operand){ out + (s->reverse ? 0 : step), strides, dtype });
    shape.dim[s->axis] = 1;
    ad_copy_strided(x->ndim, shape.dim, (struct ad_operand){ (char *)&s->first, still, AD_F64 },
                    (struct ad_operand){ out + (s->reverse ? last : 0), strides, dtype });
    return true;
}

static ad_array *shift_vjp(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    const struct scan *s = ad_node_options(node);
    return shift(g, s, !s->reverse, 0);
}

static ad_array *shift_jvp(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    const struct scan *s = ad_node_options(node);
    return shift(t, s, s->reverse, 0);
}

static const ad_field scan_fields[] = {
    AD_FIELD(struct scan, axis, INT), AD_FIELD(struct scan, reverse, FLAG), AD_FIELD(struct scan, first, ASIDE), AD_FIELDS_END,
};
static const ad_field shift_fields[] = {
    AD_FIELD(struct scan, axis, INT), AD_FIELD(struct scan, reverse, FLAG), AD_FIELD(struct scan, first, REAL), AD_FIELDS_END,
};
static const ad_primitive shift_op = {
    .name = "ad_shift",
    .infer = ad_same_infer,
    .eval = shift_eval,
    .vjp = shift_vjp,
    .jvp = shift_jvp,
    .options_size = sizeof(struct scan),
    .fields = shift_fields,
};
AD_OPERATION(shift_op);

static ad_array *shift(ad_array *x, const struct scan *s, bool reverse, double first)
{
    return ad_call_primitive(&shift_op, &x, 1, &(struct scan){ s->axis, reverse, first });
}

ad_array *ad_shifted(ad_array *x, int axis, bool reverse)
{
    return shift(x, &(struct scan){ .axis = axis }, reverse, 0);
}

/* ---- linear recurrence ---- */

static bool recurrence_eval(const ad_node *node, void *const *outputs)
{
    const struct scan *s = ad_node_options(node);
    const void *a = data_of(node, 0), *b = data_of(node, 1);
    struct layout l = layout_of(ad_node_input(node, 0), s->axis);
    if (!a || !b)
        return false;
    ad_recurrence(ad_node_dtype(node, 0), l.outer, l.n, l.inner, a, b, outputs[0], s->reverse);
    return true;
}

static ad_array *recurrence(ad_array *a, ad_array *b, const struct scan *s, bool reverse);

/* r_i = g_i + a_(i+1) r_(i+1) is the cotangent of b. That of a is r_i y_(i-1). */
static ad_array *recurrence_vjp(const ad_node *node, int operand, ad_array *g)
{
    const struct scan *s = ad_node_options(node);
    ad_array *r = recurrence(shift(ad_node_input(node, 0), s, !s->reverse, 0), g, s, !s->reverse);
    return operand == 1 ? r : ad_zzmul(r, shift(ad_node_output(node, 0), s, s->reverse, 0));
}

static ad_array *recurrence_jvp(const ad_node *node, int operand, ad_array *t)
{
    const struct scan *s = ad_node_options(node);
    ad_array *added = operand == 1 ? t : ad_zzmul(t, shift(ad_node_output(node, 0), s, s->reverse, 0));
    return recurrence(ad_node_input(node, 0), added, s, s->reverse);
}

static const ad_primitive recurrence_op = {
    .name = "ad_linear_recurrence", .infer = ad_same_infer, .eval = recurrence_eval, .vjp = recurrence_vjp, .jvp = recurrence_jvp,
    .saves = AD_SAVE_INPUT(0) | AD_SAVE_OUTPUT, .options_size = sizeof(struct scan), .fields = scan_fields,
};
AD_OPERATION(recurrence_op);

static ad_array *recurrence(ad_array *a, ad_array *b, const struct scan *s, bool reverse)
{
    return ad_call_primitive(&recurrence_op, (ad_array *[]){ a, b }, 2, &(struct scan){ s->axis, reverse, 0 });
}

ad_array *ad_linear_recurrence_with(ad_array *a, ad_array *b, ad_recurrence_options options)
{
    struct scan s = { 0 };
    if (!ad_both_given(a, b, "ad_linear_recurrence"))
        return NULL;
    ad_dtype dtype = ad_dtype_common((ad_array *[]){ a, b }, 2);
    ad_shape shape = ad_shape_of(a), with = ad_shape_of(b);
    if (!ad_shape_broadcast(&shape, &with))
        return ad_set_error(AD_ERROR_SHAPE, "ad_linear_recurrence: shapes %s and %s do not broadcast", AD_SHAPE_TEXT(a), AD_SHAPE_TEXT(b));
    s.axis = ad_axis_resolve("ad_linear_recurrence", options.axis, shape.ndim);
    if (s.axis < 0)
        return NULL;
    dtype = ad_dtype_is_inexact(dtype) ? dtype : AD_F64;
    return recurrence(ad_broadcast_to(ad_astype(a, dtype), shape), ad_broadcast_to(ad_astype(b, dtype), shape), &s, options.reverse);
}

/* ---- running sums and products; a primitive's code says which ---- */

enum { SUM, PRODUCT };

static bool scan_infer(const ad_node *node, ad_spec *output)
{
    ad_same_infer(node, output);
    if (!ad_dtype_is_inexact(output->dtype))
        output->dtype = AD_I64;
    return true;
}

/* An x that is not C-contiguous, or of another dtype, is copied to the output and scanned there in place. */
static bool scan_eval(const ad_node *node, void *const *outputs)
{
    const struct scan *s = ad_node_options(node);
    const ad_array *x = ad_node_input(node, 0);
    struct layout l = layout_of(x, s->axis);
    ad_dtype dtype = ad_output_spec(node, 0)->dtype;
    const void *from = memory_of(x);
    if (x->size == 0)
        return true;
    if (dtype != (ad_dtype)x->dtype || !(x->flags & AD_CONTIGUOUS)) {
        int64_t strides[AD_MAX_NDIM];
        c_order_strides(dtype, x->ndim, ad_dims(x), strides);
        ad_copy_strided(x->ndim, ad_dims(x), operand_of(x), (struct ad_operand){ outputs[0], strides, dtype });
        from = outputs[0];
    }
    (ad_node_primitive(node)->code == PRODUCT ? ad_scan_prod : ad_scan_sum)(dtype, l.outer, l.n, l.inner, from, outputs[0], s->reverse);
    return true;
}

static ad_array *cumsum_transpose(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    const struct scan *s = ad_node_options(node);
    return ad_cumsum(g, .axis = s->axis, .reverse = !s->reverse);
}

/* P_(i-1): the product of the elements before each one. */
static ad_array *product_before(const ad_node *node)
{
    const struct scan *s = ad_node_options(node);
    return ad_cumprod(ad_node_input(node, 0), .axis = s->axis, .reverse = s->reverse, .exclusive = true);
}

/* P_(i-1) R_i with R_i = g_i + x_(i+1) R_(i+1). */
static ad_array *cumprod_vjp(const ad_node *node, int operand, ad_array *g)
{
    const struct scan *s = ad_node_options(node);
    ad_array *next = shift(ad_node_input(node, operand), s, !s->reverse, 0);
    return ad_zzmul(recurrence(next, g, s, !s->reverse), product_before(node));
}

/* dy_i = x_i dy_(i-1) + P_(i-1) t_i. */
static ad_array *cumprod_jvp(const ad_node *node, int operand, ad_array *t)
{
    const struct scan *s = ad_node_options(node);
    return recurrence(ad_node_input(node, operand), ad_zzmul(t, product_before(node)), s, s->reverse);
}

static const ad_primitive cumsum_op = {
    .name = "ad_cumsum", .infer = scan_infer, .eval = scan_eval, .vjp = cumsum_transpose, .linear = AD_LINEAR, .options_size = sizeof(struct scan),
    .fields = scan_fields, .code = SUM,
};
static const ad_primitive cumprod_op = {
    .name = "ad_cumprod", .infer = scan_infer, .eval = scan_eval, .vjp = cumprod_vjp, .jvp = cumprod_jvp, .saves = AD_SAVE_INPUTS,
    .options_size = sizeof(struct scan), .fields = scan_fields, .code = PRODUCT,
};
AD_OPERATION(cumsum_op);
AD_OPERATION(cumprod_op);

static ad_array *scan(const ad_primitive *op, ad_array *x, const ad_scan_options *o, double nothing)
{
    struct scan s = { 0, o->reverse, 0 };
    if (!ad_given(x, op->name, "array"))
        return NULL;
    if (o->dtype != AD_NO_DTYPE)
        x = ad_astype(x, o->dtype);
    int axis = ad_axis_of_scalar(x, o->axis);
    if (axis == AD_NO_AXIS)
        x = ad_ravel(x);
    else if (x && (s.axis = ad_axis_resolve(op->name, axis, x->ndim)) < 0)
        return NULL;
    if (o->exclusive)
        x = shift(x, &s, o->reverse, nothing);
    ad_array *y = ad_call_primitive(op, &x, 1, &s);
    return o->dtype == AD_NO_DTYPE ? y : ad_astype(y, o->dtype);
}

ad_array *ad_cumsum_with(ad_array *x, ad_scan_options options)
{
    return scan(&cumsum_op, x, &options, 0);
}

ad_array *ad_cumprod_with(ad_array *x, ad_scan_options options)
{
    return scan(&cumprod_op, x, &options, 1);
}
