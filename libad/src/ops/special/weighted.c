/* Logarithms of weighted sums of exponentials: log(sum(b exp(x))).
 *
 * Let m be the largest x that has a weight. Then s = sum(b exp(x - m)) neither overflows nor vanishes. The slope in b
 * is exp(x - m)/s, and the slope in x is b times that. m is a constant in the derivative, since the result does not
 * depend on it. Where a weight is 0, the number beside it does not count, whatever it is. The options of a node are the
 * axes, counted from 0, and its results keep them with length 1. */
#include "ad/special.h"
#include "ad/create.h"
#include "ad/math.h"
#include "ad/reduce.h"
#include "ad/shape.h"
#include "ad/transform.h"
#include "ops/ops.h"
#include "ops/special/special.h"
#include <math.h>

struct weighted {
    ad_axes axes;
    bool absolute; /* log|s| of a real s, which is not NaN where s is negative */
};

static ad_array *sum_over(ad_array *x, const ad_axes *axes)
{
    return ad_sum(x, .axes = *axes, .keepdims = true);
}

/* m. It is real, and 0 where nothing counts. */
static ad_array *peak_of(ad_array *x, ad_array *b, const ad_axes *axes)
{
    ad_array *size = ad_where(ad_equal(ad_stop_gradient(b), 0), -INFINITY, ad_real(ad_stop_gradient(x)));
    if (!size || !size->size)
        return size ? ad_zeros(AD_SCALAR_SHAPE, .dtype = (ad_dtype)size->dtype) : NULL;
    ad_array *largest = ad_max(size, .axes = *axes, .keepdims = true);
    return ad_where(ad_equal(largest, -INFINITY), 0, largest);
}

/* exp(x - m). Under an infinite m the infinite elements count equally, and no others count. */
static ad_array *powers_of(ad_array *x, ad_array *m)
{
    ad_array *top = ad_logical_and(ad_isinf(m), ad_equal(ad_real(ad_stop_gradient(x)), m));
    return ad_exp(ad_where(top, 0, ad_sub(x, m)));
}

/* s, given the powers exp(x - m). */
static ad_array *weighted_sum(ad_array *b, ad_array *powers, const ad_axes *axes)
{
    return sum_over(ad_zzmul(b, powers), axes);
}

static bool weighted_infer(const ad_node *node, ad_spec *output)
{
    const struct weighted *o = ad_node_options(node);
    *output = (ad_spec){ ad_input_dtype_common(node, 0, 2), ad_node_shape(node, 0) };
    for (int i = 0; i < o->axes.count; i++)
        output->shape.dim[o->axes.axis[i]] = 1;
    return true;
}

/* m + log(t) + log(1 + r/t) where t is the part of s that comes from the largest elements and the rest r is smaller;
 * otherwise m + log(s). */
static ad_array *weighted_compose(const ad_node *node, const ad_spec *output)
{
    const struct weighted *o = ad_node_options(node);
    ad_array *x = ad_node_input(node, 0), *b = ad_node_input(node, 1), *m = peak_of(x, b, &o->axes), *powers = powers_of(x, m);
    ad_array *s = weighted_sum(b, powers, &o->axes);
    if (ad_dtype_is_complex(output->dtype))
        return ad_add(m, ad_log(s));
    ad_array *top = ad_equal(powers, 1), *t = sum_over(ad_where(top, b, 0), &o->axes), *r = weighted_sum(b, ad_where(top, 0, powers), &o->axes);
    ad_array *part = ad_div(r, t), *precise = ad_less(ad_abs(part), 1);
    ad_array *of_top = ad_log(o->absolute ? ad_abs(t) : t), *of_all = ad_log(o->absolute ? ad_abs(s) : s);
    return ad_add(m, ad_where(precise, ad_add(of_top, ad_log1p(ad_where(precise, part, 0))), of_all));
}

/* exp(x - m)/s, and 0 where nothing counts. */
static ad_array *shares_of(const ad_node *node)
{
    const struct weighted *o = ad_node_options(node);
    ad_array *x = ad_node_input(node, 0), *b = ad_node_input(node, 1), *powers = powers_of(x, peak_of(x, b, &o->axes));
    return ad_zdiv(powers, weighted_sum(b, powers, &o->axes));
}

static ad_array *weighted_slope(const ad_node *node, int operand)
{
    ad_array *shares = shares_of(node);
    return operand == 0 ? ad_zzmul(ad_node_input(node, 1), shares) : shares;
}

static ad_array *weighted_vjp(const ad_node *node, int operand, ad_array *g)
{
    return ad_zzmul(g, weighted_slope(node, operand));
}

static ad_array *weighted_jvp(const ad_node *node, int operand, ad_array *t)
{
    const struct weighted *o = ad_node_options(node);
    return sum_over(ad_zzmul(t, weighted_slope(node, operand)), &o->axes);
}

static const ad_field weighted_fields[] = { AD_FIELD(struct weighted, axes, AXES), AD_FIELD(struct weighted, absolute, FLAG), AD_FIELDS_END };
static const ad_primitive weighted_op = {
    .name = "ad_weighted_logsumexp", .infer = weighted_infer, .compose = weighted_compose, .vjp = weighted_vjp, .jvp = weighted_jvp, .saves = AD_SAVE_INPUTS,
    .options_size = sizeof(struct weighted), .fields = weighted_fields,
};
AD_OPERATION(weighted_op);

/* ---- the public functions ---- */

/* Brings x and the weights into one float dtype and shape, with weights of 1 if there are none, and the axes into
 * numbers from 0; false and an error. */
static bool prepare(const char *name, ad_array **x, ad_array **b, const ad_logsumexp_options *o, struct weighted *weighted)
{
    bool selected[AD_MAX_NDIM];
    if (!ad_given(*x, name, "array") || (!*b && !(*b = ad_ones(AD_SCALAR_SHAPE, .dtype = ad_dtype_real((ad_dtype)(*x)->dtype)))))
        return false;
    ad_dtype dtype = ad_dtype_common((ad_array *[]){ *x, *b }, 2);
    dtype = ad_dtype_is_inexact(dtype) ? dtype : AD_F64;
    ad_shape shape = ad_shape_of(*x);
    if (!ad_broadcast_dims(&shape, (*b)->ndim, ad_dims(*b)))
        return AD_FAIL(AD_ERROR_SHAPE, "%s: an array of shape %s and weights of shape %s do not broadcast", name, AD_SHAPE_TEXT(*x), AD_SHAPE_TEXT(*b));
    *x = ad_broadcast_to(ad_astype(*x, dtype), shape);
    *b = ad_broadcast_to(ad_astype(*b, dtype), shape);
    if (!*x || !*b || !ad_axes_resolve(name, ad_axis_of_scalar(*x, o->axis), &o->axes, shape.ndim, selected))
        return false;
    weighted->axes = (ad_axes){ 0 };
    for (int i = 0; i < shape.ndim; i++)
        if (selected[i])
            weighted->axes.axis[weighted->axes.count++] = i;
    return true;
}

static ad_array *weighted_logsumexp(ad_array *x, ad_array *b, const struct weighted *weighted)
{
    return ad_call_primitive(&weighted_op, (ad_array *[]){ x, b }, 2, weighted);
}

static ad_array *without(ad_array *y, const struct weighted *weighted, bool keepdims)
{
    return keepdims || !weighted->axes.count ? y : ad_squeeze(y, .axes = weighted->axes);
}

ad_array *ad_weighted_logsumexp(ad_array *x, const ad_logsumexp_options *o)
{
    struct weighted weighted = { .absolute = false };
    ad_array *b = o->b;
    return prepare("ad_logsumexp", &x, &b, o, &weighted) ? without(weighted_logsumexp(x, b, &weighted), &weighted, o->keepdims) : NULL;
}

ad_tree *ad_signed_logsumexp_with(ad_array *x, ad_logsumexp_options options)
{
    struct weighted weighted = { .absolute = true };
    ad_array *b = options.b;
    if (!prepare("ad_signed_logsumexp", &x, &b, &options, &weighted))
        return NULL;
    ad_array *s = weighted_sum(b, powers_of(x, peak_of(x, b, &weighted.axes)), &weighted.axes), *y = ad_real(weighted_logsumexp(x, b, &weighted));
    ad_array *sign = without(ad_where(ad_isnan(y), NAN, ad_sign(s)), &weighted, options.keepdims); /* infinity less infinity has none */
    y = without(y, &weighted, options.keepdims);
    return y && sign ? ad_tree_of("logsumexp", y, "sign", sign) : NULL;
}
