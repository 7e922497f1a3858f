/* Logarithms of sums of exponentials, and softmax.
 *
 * Values are composed of public operations on the operand without its trace. They take the largest element out, so that
 * no exponential overflows, and so that the sum of the others keeps its digits. Rules are written in softmax. There too
 * the largest weight w is never subtracted from 1: 1 - w is the sum of the others. The options of a node are the axes,
 * counted from 0. Its results keep them with length 1, or have the shape of x. */
#include "ad/special.h"
#include "ad/create.h"
#include "ad/math.h"
#include "ad/shape.h"
#include "ad/transform.h"
#include "ops/ops.h"
#include "ops/special/special.h"

static const ad_field axes_fields[] = { AD_FIELD_WHOLE(ad_axes, "axes", AXES), AD_FIELDS_END };

static ad_array *sum_along(const ad_node *node, ad_array *x)
{
    const ad_axes *axes = ad_node_options(node);
    return ad_sum(x, .axes = *axes, .keepdims = true);
}

static ad_array *largest_along(const ad_node *node, ad_array *x)
{
    const ad_axes *axes = ad_node_options(node);
    if (x && x->size == 0)
        return ad_zeros(AD_SCALAR_SHAPE, .dtype = ad_dtype_real((ad_dtype)x->dtype));
    return ad_max(x, .axes = *axes, .keepdims = true);
}

/* What is subtracted from x: its largest elements, or 0 where those are not finite. */
static ad_array *peak_of(const ad_node *node, ad_array *x)
{
    ad_array *largest = largest_along(node, ad_real(x));
    return ad_where(ad_isfinite(largest), largest, 0);
}

/* log(sum(exp(below))) with below = x - peak. It is computed as log(1 + the rest), where 1 stands for one of the
 * largest elements. */
static ad_array *log_of_sum(const ad_node *node, ad_array *below)
{
    ad_array *top = ad_equal(below, 0), *count = ad_sum(top, .axes = *(const ad_axes *)ad_node_options(node), .keepdims = true);
    return ad_log1p(ad_add(sum_along(node, ad_where(top, 0, ad_exp(below))), ad_astype(ad_sub(count, 1), ad_dtype_of(below))));
}

/* ---- softmax: its Jacobian diag(y) - y y' is symmetric, so one rule serves both modes ---- */

static ad_array *softmax(const ad_node *node, ad_array *x)
{
    ad_array *e = ad_exp(ad_sub(x, largest_along(node, ad_real(x))));
    return ad_div(e, sum_along(node, e));
}

static ad_array *softmax_compose(const ad_node *node, const ad_spec *output)
{
    (void)output;
    return softmax(node, ad_node_input(node, 0));
}

/* The sums of rows of n floats. */
static void sum_rows(ad_context *c, ad_dtype dtype, int64_t rows, int64_t n, void *x, void *sums)
{
    int64_t item = (int64_t)ad_dtype_size(dtype);
    ad_reduce(AD_REDUCE_SUM, c->loops, 2, (int64_t[]){ rows, n }, (bool[]){ false, true }, (struct ad_operand){ x, (int64_t[]){ n * item, item }, dtype },
              (struct ad_operand){ sums, NULL, dtype });
}

static bool centre_eval(const ad_node *node, void *const *outputs)
{
    ad_context *c = ad_current();
    ad_array *t = ad_array_contiguous(c, ad_node_input(node, 0)), *y = ad_array_contiguous(c, ad_node_input(node, 1));
    if (!t || !y)
        return false;
    ad_dtype dtype = (ad_dtype)t->dtype;
    const struct ad_centre *centre = dtype == AD_F32 ? &ad_centre_f32 : &ad_centre_f64;
    size_t item = ad_dtype_size(dtype);
    int64_t n = ad_dims(t)[t->ndim - 1], rows = t->size / n;
    AD_SCRATCH room = { 0 };
    char *x = ad_scratch_take(c, &room, (int)(t->size + 2 * rows), item);
    if (!x)
        return false;
    char *counts = x + item * (size_t)t->size, *sums = counts + item * (size_t)rows;
    centre->top(rows, n, memory_of(t), memory_of(y), x, counts);
    sum_rows(c, dtype, rows, n, x, sums);
    centre->move(rows, n, memory_of(t), memory_of(y), sums, counts, outputs[0], x);
    sum_rows(c, dtype, rows, n, x, sums);
    centre->take(rows, n, sums, outputs[0]);
    return true;
}

/* The largest weights of each row, as 1 among 0, and how many they are. */
struct top {
    ad_array *is, *count;
};

static struct top top_of(const ad_node *node, ad_array *y)
{
    ad_array *size = ad_abs(ad_stop_gradient(y)), *is = ad_equal(size, largest_along(node, size));
    return (struct top){ is, sum_along(node, ad_astype(is, ad_dtype_of(y))) };
}

static ad_array *mean_of_top(const ad_node *node, struct top top, ad_array *t)
{
    return ad_zdiv(sum_along(node, ad_where(top.is, t, 0)), top.count);
}

/* t, moved so that under the largest weights its mean is 0. */
static ad_array *moved(const ad_node *node, ad_array *t, ad_array *y)
{
    return ad_sub(t, mean_of_top(node, top_of(node, y), t));
}

static ad_array *centred(const ad_node *node, ad_array *t, ad_array *y);

/* Linear in t. In y it is what is subtracted, of the moved t. */
static ad_array *centre_jvp(const ad_node *node, int operand, ad_array *t)
{
    ad_array *x = ad_node_input(node, 0), *y = ad_node_input(node, 1);
    if (operand == 0)
        return centred(node, t, y);
    return x && y ? ad_broadcast_to(ad_neg(sum_along(node, ad_zzmul(moved(node, x, y), t))), ad_shape_of(x)) : NULL;
}

static ad_array *centre_vjp(const ad_node *node, int operand, ad_array *g)
{
    ad_array *x = ad_node_input(node, 0), *y = ad_node_input(node, 1), *all = sum_along(node, g);
    if (!x || !y || !all)
        return NULL;
    if (operand == 1)
        return ad_neg(ad_zzmul(moved(node, x, y), all));
    struct top top = top_of(node, y);
    ad_array *rest = ad_sub(g, ad_zzmul(y, all));
    return ad_sub(rest, ad_where(top.is, ad_zdiv(sum_along(node, rest), top.count), 0));
}

static const ad_primitive centre_op = {
    .name = "ad_centre", .infer = ad_same_infer, .eval = centre_eval, .vjp = centre_vjp, .jvp = centre_jvp, .saves = AD_SAVE_INPUTS,
    .options_size = sizeof(ad_axes), .fields = axes_fields,
};
AD_OPERATION(centre_op);

enum { MOST_AT_ONCE = 1 << 14 }; /* more elements are for threads, and operations share them out */

/* Whether centring may be one call: nobody differentiates the operations that it stands for. */
static bool is_centred_at_once(const ad_node *node, const ad_array *t, const ad_array *y)
{
    const ad_axes *axes = ad_node_options(node);
    return t && y && t->size > 0 && t->size <= MOST_AT_ONCE && axes->count == 1 && axes->axis[0] == y->ndim - 1 && ad_same_shape(t, y) &&
           t->dtype == y->dtype && (t->dtype == AD_F64 || t->dtype == AD_F32) && !((t->flags | y->flags) & AD_WEAK) && !ad_is_traced(t) && !ad_is_traced(y);
}

/* t - sum(t y), whose elements are the sums of y_j (t_i - t_j). It does not change when a constant is added to t. So t
 * is moved to be 0 under the largest weight, which then takes no part. Where several weights are the largest, the mean
 * of t under them is moved to 0. */
static ad_array *centred(const ad_node *node, ad_array *t, ad_array *y)
{
    if (is_centred_at_once(node, t, y))
        return ad_call_primitive(&centre_op, (ad_array *[]){ t, y }, 2, ad_node_options(node));
    t = moved(node, t, y);
    return ad_sub(t, sum_along(node, ad_zzmul(t, y)));
}

static ad_array *softmax_rule(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    ad_array *y = ad_node_output(node, 0);
    return ad_zzmul(centred(node, t, y), y);
}

static const ad_primitive softmax_op = {
    .name = "ad_softmax", .infer = ad_same_infer, .compose = softmax_compose, .vjp = softmax_rule, .jvp = softmax_rule, .saves = AD_SAVE_OUTPUT,
    .options_size = sizeof(ad_axes), .fields = axes_fields,
};
AD_OPERATION(softmax_op);

static ad_array *softmax_of(const ad_node *node, ad_array *x)
{
    return ad_call_primitive(&softmax_op, &x, 1, ad_node_options(node));
}

/* ---- logsumexp ---- */

static bool logsumexp_infer(const ad_node *node, ad_spec *output)
{
    const ad_axes *axes = ad_node_options(node);
    ad_same_infer(node, output);
    for (int i = 0; i < axes->count; i++)
        output->shape.dim[axes->axis[i]] = 1;
    return true;
}

static ad_array *logsumexp_compose(const ad_node *node, const ad_spec *output)
{
    (void)output;
    ad_array *x = ad_node_input(node, 0), *peak = peak_of(node, x);
    return ad_add(log_of_sum(node, ad_sub(x, peak)), peak);
}

/* The weights of x in y = logsumexp(x), which is a parameter: softmax(x). Where y = -inf nothing contributes. Where y =
 * +inf the infinite elements contribute equally. */
static ad_array *weights_compose(const ad_node *node, const ad_spec *output)
{
    (void)output;
    ad_array *x = ad_node_input(node, 0), *y = ad_node_input(node, 1), *infinite = ad_isinf(y), *any = ad_any(infinite);
    if (!any)
        return NULL;
    if (!ad_item_int(any))
        return softmax(node, x);
    ad_array *top = ad_astype(ad_logical_and(ad_equal(x, y), ad_greater(ad_real(y), 0)), ad_dtype_of(x));
    ad_array *number = sum_along(node, top);
    ad_array *equally = ad_div(top, ad_where(ad_equal(number, 0), 1, number));
    return ad_where(infinite, equally, softmax(node, ad_where(infinite, 0, x)));
}

/* The rule of softmax where y is finite, otherwise 0. */
static ad_array *weights_rule(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    ad_array *w = ad_node_output(node, 0);
    return ad_zzmul(centred(node, ad_where(ad_isinf(ad_node_input(node, 1)), 0, t), w), w);
}

static const ad_primitive weights_op = {
    .name = "ad_logsumexp_weights", .infer = ad_same_infer, .compose = weights_compose, .vjp = weights_rule, .jvp = weights_rule, .parameters = 1u << 1,
    .saves = AD_SAVE_INPUT(1) | AD_SAVE_OUTPUT, .options_size = sizeof(ad_axes), .fields = axes_fields,
};
AD_OPERATION(weights_op);

static ad_array *weights_of(const ad_node *node)
{
    ad_array *x = ad_node_input(node, 0), *y = ad_node_output(node, 0);
    return x && y ? ad_call_primitive(&weights_op, (ad_array *[]){ x, ad_stop_gradient(y) }, 2, ad_node_options(node)) : NULL;
}

static ad_array *logsumexp_vjp(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    return ad_zzmul(g, weights_of(node));
}

static ad_array *logsumexp_jvp(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    return sum_along(node, ad_zzmul(t, weights_of(node)));
}

static const ad_primitive logsumexp_op = {
    .name = "ad_logsumexp", .infer = logsumexp_infer, .compose = logsumexp_compose, .vjp = logsumexp_vjp, .jvp = logsumexp_jvp,
    .saves = AD_SAVE_INPUTS | AD_SAVE_OUTPUT, .options_size = sizeof(ad_axes), .fields = axes_fields,
};
AD_OPERATION(logsumexp_op);

/* ---- log_softmax ---- */

static ad_array *log_softmax_compose(const ad_node *node, const ad_spec *output)
{
    (void)output;
    ad_array *x = ad_node_input(node, 0), *below = ad_sub(x, peak_of(node, x));
    return ad_sub(below, log_of_sum(node, below));
}

/* g - w sum(g), whose elements add up to 0. The element of a weight above 1/2 may cancel, so it is computed as minus
 * the sum of the others. */
static ad_array *log_softmax_vjp(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    ad_array *w = softmax_of(node, ad_node_input(node, 0)), *most = ad_greater(w, 0.5);
    ad_array *all = ad_sub(g, ad_zzmul(sum_along(node, g), w));
    return ad_where(most, ad_neg(sum_along(node, ad_where(most, 0, all))), all);
}

static ad_array *log_softmax_jvp(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    return centred(node, t, softmax_of(node, ad_node_input(node, 0)));
}

static const ad_primitive log_softmax_op = {
    .name = "ad_log_softmax", .infer = ad_same_infer, .compose = log_softmax_compose, .vjp = log_softmax_vjp, .jvp = log_softmax_jvp,
    .saves = AD_SAVE_INPUTS, .options_size = sizeof(ad_axes), .fields = axes_fields,
};
AD_OPERATION(log_softmax_op);

/* ---- the public functions ---- */

/* Calls a primitive. `fields` are the option fields that it takes; their axes are counted from 0, put in order, and
 * given back. */
static ad_array *along(const ad_primitive *op, ad_array *x, const ad_reduce_options *o, unsigned fields, ad_axes *axes)
{
    bool selected[AD_MAX_NDIM];
    *axes = (ad_axes){ 0 };
    if (!ad_reduce_takes(op->name, o, fields))
        return NULL;
    if (x && !ad_dtype_is_inexact((ad_dtype)x->dtype))
        x = ad_astype(x, AD_F64);
    if (x && !ad_axes_resolve(op->name, ad_axis_of_scalar(x, o->axis), &o->axes, x->ndim, selected))
        return NULL;
    for (int i = 0; x && i < x->ndim; i++)
        if (selected[i])
            axes->axis[axes->count++] = i;
    return ad_call_primitive(op, &x, 1, axes);
}

ad_array *ad_logsumexp_with(ad_array *x, ad_logsumexp_options options)
{
    ad_axes axes;
    if (options.b)
        return ad_weighted_logsumexp(x, &options);
    ad_reduce_options o = { .axis = options.axis, .axes = options.axes, .dtype = AD_NO_DTYPE };
    ad_array *y = along(&logsumexp_op, x, &o, 0, &axes);
    return options.keepdims || !axes.count ? y : ad_squeeze(y, .axes = axes);
}

/* The primitives take complex numbers too, since logsumexp needs them. The public functions of the same names do
 * not. */
static ad_array *along_real(const ad_primitive *op, ad_array *x, const ad_reduce_options *o)
{
    ad_axes axes;
    if (x && ad_dtype_is_complex((ad_dtype)x->dtype))
        return ad_set_error(AD_ERROR_DTYPE, "%s: not defined for %s", op->name, ad_dtype_name((ad_dtype)x->dtype));
    return along(op, x, o, 0, &axes);
}

ad_array *ad_softmax_with(ad_array *x, ad_reduce_options options)
{
    return along_real(&softmax_op, x, &options);
}

ad_array *ad_log_softmax_with(ad_array *x, ad_reduce_options options)
{
    return along_real(&log_softmax_op, x, &options);
}
