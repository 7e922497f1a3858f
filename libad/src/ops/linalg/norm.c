/* Norms of vectors and matrices: the 2-norm, and compositions of public operations.
 *
 * A norm that is 0 has derivative 0 at every order: the operation whose slope is infinite there is given 1 instead, and
 * its result is not selected. Everything is computed with the reduced axes kept, which go at the end. */
#include "ad/array.h"
#include "ad/create.h"
#include "ad/linalg.h"
#include "ad/math.h"
#include "ad/reduce.h"
#include "ad/shape.h"
#include "ad/transform.h"
#include "ops/ops.h"
#include <float.h>
#include <math.h>
#include <stdio.h>

static ad_array *sum_over(ad_array *x, ad_axes axes)
{
    return ad_sum(x, .axes = axes, .keepdims = true);
}

/* The largest absolute value, where there are none, is 0. */
static ad_array *extreme(ad_array *x, ad_axes axes, bool largest)
{
    if (x && x->size == 0 && largest)
        return sum_over(x, axes);
    return largest ? ad_max(x, .axes = axes, .keepdims = true) : ad_min(x, .axes = axes, .keepdims = true);
}

/* |x|^2, smooth at 0. */
static ad_array *square_of(ad_array *x)
{
    return x && ad_dtype_is_complex((ad_dtype)x->dtype) ? ad_real(ad_mul(x, ad_conj(x))) : ad_square(x);
}

/* ---- the 2-norm: sqrt(sum(|x|^2) / divisor) ---- */

struct two_norm {
    ad_axes axes;
    double divisor;
};

static bool two_norm_infer(const ad_node *node, ad_spec *output)
{
    const struct two_norm *o = ad_node_options(node);
    *output = (ad_spec){ ad_dtype_real(ad_node_dtype(node, 0)), ad_node_shape(node, 0) };
    for (int i = 0; i < o->axes.count; i++)
        output->shape.dim[o->axes.axis[i]] = 1;
    return true;
}

/* sqrt(sum(|x/m|^2)) m, with m the largest |x|. */
static ad_array *scaled_two_norm(ad_array *x, const struct two_norm *o)
{
    ad_array *size = ad_abs(x), *m = extreme(size, o->axes, true);
    ad_array *scale = ad_where(ad_logical_and(ad_greater(m, 0), ad_isfinite(m)), m, 1);
    ad_array *s = sum_over(ad_square(ad_div(size, scale)), o->axes);
    return ad_mul(ad_sqrt(ad_div(s, o->divisor)), scale);
}

/* sum(|x|^2). The squares of a real x are not stored. */
static ad_array *sum_of_squares(ad_array *x, ad_axes axes)
{
    ad_context *c = ad_current();
    if (ad_dtype_is_complex((ad_dtype)x->dtype))
        return sum_over(square_of(x), axes);
    bool reduced[AD_MAX_NDIM] = { false };
    ad_shape shape = ad_shape_of(x);
    for (int i = 0; i < axes.count; i++) {
        reduced[axes.axis[i]] = true;
        shape.dim[axes.axis[i]] = 1;
    }
    ad_array *s = ad_array_new(c, (ad_dtype)x->dtype, shape.ndim, shape.dim);
    x = s ? ad_array_contiguous(c, x) : NULL;
    if (x)
        ad_reduce(AD_REDUCE_SQUARES, c->loops, x->ndim, ad_dims(x), reduced, operand_of(x), (struct ad_operand){ memory_of(s), NULL, (ad_dtype)x->dtype });
    return x ? s : NULL;
}

/* Whether the sizes of all elements of a real array lie within bounds; that of a NaN does not. Also false if x is
 * NULL. */
static bool lies_within(ad_array *x, double least, double most)
{
    x = x ? ad_array_contiguous(ad_current(), x) : NULL;
    return x && ad_lie_within((ad_dtype)x->dtype, x->size, memory_of(x), least, most);
}

static bool is_single(ad_dtype dtype)
{
    return ad_dtype_real(dtype) == AD_F32;
}

/* The plain sum of squares is used unless it overflows, or is so small that squares have lost digits to underflow. */
static bool two_norm_eval(const ad_node *node, void *const *outputs)
{
    AD_SCOPE;
    const struct two_norm *o = ad_node_options(node);
    ad_array *x = ad_node_input(node, 0), *s = sum_of_squares(x, o->axes);
    if (!s)
        return false;
    ad_dtype dtype = (ad_dtype)s->dtype;
    ad_roots(dtype, s->size, memory_of(s), o->divisor, outputs[0]);
    bool single = is_single(dtype);
    double least = single ? FLT_MIN / FLT_EPSILON : DBL_MIN / DBL_EPSILON, most = single ? FLT_MAX : DBL_MAX;
    if (lies_within(s, least, most))
        return true;
    ad_array *scaled = ad_array_contiguous(ad_current(), scaled_two_norm(x, o));
    if (scaled)
        ad_replace_beyond(dtype, s->size, memory_of(s), least, most, memory_of(scaled), outputs[0]);
    return scaled != NULL;
}

/* ---- x g / y, which the slope of the 2-norm is made of; g and y have fewer elements than x ---- */

static ad_array *share(ad_array *x, ad_array *g, ad_array *y);

static ad_array *one_like(ad_array *y)
{
    return y ? ad_ones(AD_SCALAR_SHAPE, .dtype = (ad_dtype)y->dtype) : NULL;
}

/* x/y. If y is infinite, the infinite elements of a real x share the direction equally, which is their limit. */
static ad_array *direction(ad_array *x, ad_array *y)
{
    ad_array *quotient = ad_div(x, y);
    if (!x || !y || ad_dtype_is_complex((ad_dtype)x->dtype) || lies_within(x, 0, DBL_MAX))
        return quotient;
    ad_axes axes = { 0 };
    for (int i = 0; i < x->ndim; i++)
        if (ad_dims(y)[i] == 1 && ad_dims(x)[i] != 1)
            axes.axis[axes.count++] = i;
    ad_array *infinite = ad_isinf(x), *number = axes.count ? sum_over(infinite, axes) : infinite;
    ad_array *part = ad_div(ad_sign(x), ad_astype(ad_sqrt(number), (ad_dtype)x->dtype));
    return ad_where(ad_logical_and(infinite, ad_isinf(y)), part, quotient);
}

/* It is computed as x (g / y) unless that quotient overflows or underflows. */
static ad_array *share_compose(const ad_node *node, const ad_spec *output)
{
    ad_array *x = ad_node_input(node, 0), *g = ad_node_input(node, 1), *y = ad_node_input(node, 2), *quotient = ad_div(g, y);
    bool single = is_single(output->dtype);
    if (lies_within(quotient, single ? FLT_MIN : DBL_MIN, single ? FLT_MAX : DBL_MAX))
        return ad_mul(x, quotient);
    return ad_zzmul(direction(x, y), g);
}

static ad_array *share_rule(const ad_node *node, int operand, ad_array *t)
{
    ad_array *x = ad_node_input(node, 0), *g = ad_node_input(node, 1), *y = ad_node_input(node, 2);
    switch (operand) {
    case 0: return share(t, g, y);
    case 1: return ad_mul(share(x, one_like(y), y), t);
    default: return ad_neg(ad_mul(ad_div(ad_node_output(node, 0), y), t));
    }
}

static const ad_primitive share_op = {
    .name = "ad_norm_direction",
    .infer = ad_same_infer,
    .compose = share_compose,
    .vjp = share_rule,
    .jvp = share_rule,
    .saves = AD_SAVE_INPUTS | AD_SAVE_OUTPUT,
};
AD_OPERATION(share_op);

static ad_array *share(ad_array *x, ad_array *g, ad_array *y)
{
    return ad_call_primitive(&share_op, (ad_array *[]){ x, g, y }, 3, NULL);
}

/* g conj(x) / (y divisor), and 0 where y is 0. */
static ad_array *two_norm_slope(const ad_node *node, ad_array *g)
{
    const struct two_norm *o = ad_node_options(node);
    ad_array *y = ad_node_output(node, 0);
    return share(ad_conj(ad_node_input(node, 0)), o->divisor == 1 ? g : ad_div(g, o->divisor), ad_where(ad_equal(y, 0), INFINITY, y));
}

static ad_array *two_norm_vjp(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    return two_norm_slope(node, g);
}

static ad_array *two_norm_jvp(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    const struct two_norm *o = ad_node_options(node);
    return sum_over(ad_real(ad_zzmul(t, two_norm_slope(node, one_like(ad_node_output(node, 0))))), o->axes);
}

static const ad_field two_norm_fields[] = { AD_FIELD(struct two_norm, axes, AXES), AD_FIELD(struct two_norm, divisor, REAL), AD_FIELDS_END };
static const ad_primitive two_norm_op = {
    .name = "ad_linalg_norm",
    .infer = two_norm_infer,
    .eval = two_norm_eval,
    .vjp = two_norm_vjp,
    .jvp = two_norm_jvp,
    .saves = AD_SAVE_INPUTS | AD_SAVE_OUTPUT,
    .options_size = sizeof(struct two_norm),
    .fields = two_norm_fields,
};
AD_OPERATION(two_norm_op);

ad_array *ad_two_norm(ad_array *x, ad_axes axes, double divisor)
{
    return ad_call_primitive(&two_norm_op, &x, 1, &(struct two_norm){ axes, divisor });
}

/* ---- other vector norms ---- */

enum { LARGEST_EVEN_POWER = 64 }; /* the largest one that is computed by products */

/* |x|^p. Even powers are smooth at 0. With other powers, an element that is 0 has derivative 0. */
static ad_array *power_of(ad_array *x, double p)
{
    if (p > 0 && p <= LARGEST_EVEN_POWER && fmod(p, 2) == 0)
        return ad_pow(square_of(x), (int)p / 2);
    ad_array *zero = ad_equal(x, 0), *r = ad_pow(ad_abs(ad_where(zero, 1, x)), p);
    return ad_where(zero, 0, r);
}

/* m sum((|x|/m)^p)^(1/p) with m the element that dominates. The value does not depend on m, so m is a constant. */
static ad_array *p_norm(ad_array *x, ad_axes axes, double p)
{
    if (x->size == 0)
        return ad_pow(sum_over(ad_abs(x), axes), 1 / p);
    ad_array *m = extreme(ad_abs(ad_stop_gradient(x)), axes, p > 0), *zero = ad_equal(m, 0);
    ad_array *scale = ad_where(ad_logical_or(zero, ad_logical_not(ad_isfinite(m))), 1, m);
    ad_array *s = sum_over(power_of(ad_div(x, scale), p), axes);
    return ad_where(zero, 0, ad_mul(scale, ad_pow(ad_where(zero, 1, s), 1 / p)));
}

/* ---- singular values ---- */

/* Ties are made equal, for the rule of an extremum. */
ad_array *ad_extreme_singular(ad_array *s, ad_array *tolerance, bool largest)
{
    ad_array *values = ad_stop_gradient(s), *y = extreme(values, AD_AXES(-1), largest);
    ad_array *tie = ad_less_equal(ad_abs(ad_sub(values, y)), tolerance);
    return extreme(ad_where(tie, ad_add(y, ad_sub(s, values)), s), AD_AXES(-1), largest);
}

static ad_array *singular_norm(const char *name, ad_array *x, ad_axes axes, double ord)
{
    ad_array *tolerance, *s = ad_singular_values(name, ad_moveaxis(x, axes, AD_AXES(-2, -1)), &tolerance);
    ad_array *y = ord == AD_NORM_NUC ? sum_over(s, AD_AXES(-1)) : ad_extreme_singular(s, tolerance, ord > 0);
    return ad_expand_dims(ad_squeeze(y, .axis = -1), axes);
}

/* ---- by the number of axes ---- */

/* ord in NumPy's words. */
static const char *ord_text(double ord, char *buffer, size_t size)
{
    if (ord == AD_NORM_FRO)
        return "'fro'";
    if (ord == AD_NORM_NUC)
        return "'nuc'";
    locale_t users = uselocale(ad_c_locale());
    snprintf(buffer, size, "%g", ord);
    uselocale(users);
    return buffer;
}
#define ORD_TEXT(ord) ord_text(ord, (char[32]){ 0 }, 32)

static ad_array *vector_norm(const char *name, ad_array *x, ad_axes axes, double ord)
{
    if (ord == AD_NORM_NONE || ord == 2)
        return ad_two_norm(x, axes, 1);
    if (ord == AD_NORM_FRO || ord == AD_NORM_NUC || isnan(ord))
        return ad_set_error(AD_ERROR_VALUE, "%s: vectors take ord 0, 1, 2, any other number, INFINITY or -INFINITY, not %s", name, ORD_TEXT(ord));
    if (isinf(ord))
        return extreme(ad_abs(x), axes, ord > 0);
    if (ord == 0)
        return ad_astype(sum_over(ad_not_equal(x, 0), axes), ad_dtype_real(ad_dtype_of(x)));
    return ord == 1 ? sum_over(ad_abs(x), axes) : p_norm(x, axes, ord);
}

static ad_array *matrix_norm(const char *name, ad_array *x, ad_axes axes, double ord)
{
    ad_axes rows = { 1, { axes.axis[0] } }, columns = { 1, { axes.axis[1] } };
    if (ord == AD_NORM_NONE || ord == AD_NORM_FRO)
        return ad_two_norm(x, axes, 1);
    if (fabs(ord) == 1)
        return extreme(sum_over(ad_abs(x), rows), columns, ord > 0);
    if (isinf(ord))
        return extreme(sum_over(ad_abs(x), columns), rows, ord > 0);
    if (fabs(ord) == 2 || ord == AD_NORM_NUC)
        return singular_norm(name, x, axes, ord);
    return ad_set_error(AD_ERROR_VALUE, "%s: matrices take ord 1, -1, 2, -2, INFINITY, -INFINITY, AD_NORM_FRO or AD_NORM_NUC, not %s", name,
                        ORD_TEXT(ord));
}

/* The axes asked for, counted from 0, in the order given; all axes if none are given. */
static bool resolve_axes(const char *name, const ad_array *x, int axis, const ad_axes *asked, ad_axes *axes)
{
    bool selected[AD_MAX_NDIM];
    if (!ad_axes_resolve(name, axis, asked, x->ndim, selected))
        return false;
    bool none = axis == AD_NO_AXIS && asked->count == 0;
    axes->count = none ? x->ndim : axis != AD_NO_AXIS ? 1 : asked->count;
    for (int i = 0; i < axes->count; i++) {
        int one = none ? i : axis != AD_NO_AXIS ? axis : asked->axis[i];
        axes->axis[i] = one < 0 ? one + x->ndim : one;
    }
    return true;
}

static ad_array *as_float(ad_array *x)
{
    return ad_dtype_is_inexact((ad_dtype)x->dtype) ? x : ad_astype(x, AD_F64);
}

static ad_array *without(ad_array *y, ad_axes axes, bool keepdims)
{
    return keepdims || !axes.count ? y : ad_squeeze(y, .axes = axes);
}

ad_array *ad_linalg_norm_with(ad_array *x, ad_linalg_norm_options options)
{
    const char *name = "ad_linalg_norm";
    ad_axes axes = { 0 };
    if (!ad_given(x, name, "array") || !(x = as_float(x)) || !resolve_axes(name, x, options.axis, &options.axes, &axes))
        return NULL;
    bool flat = options.axis == AD_NO_AXIS && options.axes.count == 0 && options.ord == AD_NORM_NONE;
    if (!flat && axes.count != 1 && axes.count != 2)
        return ad_set_error(AD_ERROR_AXIS, "%s: a norm is over one axis or two, not %d", name, axes.count);
    ad_array *y = axes.count == 2 ? matrix_norm(name, x, axes, options.ord) : vector_norm(name, x, axes, options.ord);
    return without(y, axes, options.keepdims);
}

ad_array *ad_linalg_vector_norm_with(ad_array *x, ad_linalg_vector_norm_options options)
{
    const char *name = "ad_linalg_vector_norm";
    ad_axes axes = { 0 };
    if (!ad_given(x, name, "array") || !(x = as_float(x)) || !resolve_axes(name, x, options.axis, &options.axes, &axes))
        return NULL;
    return without(vector_norm(name, x, axes, options.ord), axes, options.keepdims);
}

ad_array *ad_linalg_matrix_norm_with(ad_array *x, ad_linalg_matrix_norm_options options)
{
    const char *name = "ad_linalg_matrix_norm";
    if (!ad_given(x, name, "array") || !(x = as_float(x)))
        return NULL;
    if (x->ndim < 2)
        return ad_set_error(AD_ERROR_SHAPE, "%s: a matrix has two axes, an operand of shape %s does not", name, AD_SHAPE_TEXT(x));
    ad_axes axes = AD_AXES(x->ndim - 2, x->ndim - 1);
    return without(matrix_norm(name, x, axes, options.ord), axes, options.keepdims);
}
