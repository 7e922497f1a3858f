/* Norms of vectors and matrices: compositions of public operations.
 *
 * A norm that is 0 has derivative 0 at every order: the operation whose slope is infinite there is given 1 instead, and its result
 * is not selected. Everything is computed with the reduced axes kept; they go at the end. */
#include "ad/array.h"
#include "ad/create.h"
#include "ad/linalg.h"
#include "ad/math.h"
#include "ad/reduce.h"
#include "ad/shape.h"
#include "ad/transform.h"
#include "ops/ops.h"
#include <math.h>
#include <stdio.h>

static ad_array *sum_over(ad_array *x, ad_axes axes)
{
    return ad_sum(x, .axes = axes, .keepdims = true);
}

/* The largest of no absolute values is 0. */
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

static ad_array *two_norm(ad_array *x, ad_axes axes)
{
    ad_array *s = sum_over(square_of(x), axes), *zero = ad_equal(s, 0);
    return ad_where(zero, 0, ad_sqrt(ad_where(zero, 1, s)));
}

enum { LARGEST_EVEN_POWER = 64 }; /* that is computed by products */

/* |x|^p. Even powers are smooth at 0; elsewhere an element that is 0 has derivative 0. */
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

/* The largest or smallest of them. Those that rounding alone may keep from it are made equal to it, so that they share what comes. */
static ad_array *extreme_singular(ad_array *s, ad_array *tolerance, bool largest)
{
    ad_array *values = ad_stop_gradient(s), *y = extreme(values, AD_AXES(-1), largest);
    ad_array *tie = ad_less_equal(ad_abs(ad_sub(values, y)), tolerance);
    return extreme(ad_where(tie, ad_add(y, ad_sub(s, values)), s), AD_AXES(-1), largest);
}

static ad_array *singular_norm(ad_array *x, ad_axes axes, double ord)
{
    ad_array *tolerance, *s = ad_singular_values("ad_linalg_norm", ad_moveaxis(x, axes, AD_AXES(-2, -1)), &tolerance);
    ad_array *y = ord == AD_NORM_NUC ? sum_over(s, AD_AXES(-1)) : extreme_singular(s, tolerance, ord > 0);
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
    snprintf(buffer, size, "%g", ord);
    return buffer;
}
#define ORD_TEXT(ord) ord_text(ord, (char[32]){ 0 }, 32)

static ad_array *vector_norm(ad_array *x, ad_axes axes, double ord)
{
    if (ord == AD_NORM_NONE || ord == 2)
        return two_norm(x, axes);
    if (ord == AD_NORM_FRO || ord == AD_NORM_NUC || isnan(ord))
        return ad_set_error(AD_ERROR_VALUE, "ad_linalg_norm: vectors take ord 0, 1, 2, any other number, INFINITY or -INFINITY, not %s", ORD_TEXT(ord));
    if (isinf(ord))
        return extreme(ad_abs(x), axes, ord > 0);
    if (ord == 0)
        return ad_astype(sum_over(ad_not_equal(x, 0), axes), ad_dtype_real(ad_dtype_of(x)));
    return ord == 1 ? sum_over(ad_abs(x), axes) : p_norm(x, axes, ord);
}

static ad_array *matrix_norm(ad_array *x, ad_axes axes, double ord)
{
    ad_axes rows = { 1, { axes.axis[0] } }, columns = { 1, { axes.axis[1] } };
    if (ord == AD_NORM_NONE || ord == AD_NORM_FRO)
        return two_norm(x, axes);
    if (fabs(ord) == 1)
        return extreme(sum_over(ad_abs(x), rows), columns, ord > 0);
    if (isinf(ord))
        return extreme(sum_over(ad_abs(x), columns), rows, ord > 0);
    if (fabs(ord) == 2 || ord == AD_NORM_NUC)
        return singular_norm(x, axes, ord);
    return ad_set_error(AD_ERROR_VALUE, "ad_linalg_norm: matrices take ord 1, -1, 2, -2, INFINITY, -INFINITY, AD_NORM_FRO or AD_NORM_NUC, not %s",
                        ORD_TEXT(ord));
}

/* The axes asked for, resolved, in the order given; all of them if none. */
static bool resolve_axes(const ad_array *x, const ad_linalg_norm_options *o, ad_axes *axes)
{
    bool selected[AD_MAX_NDIM];
    if (!ad_axes_resolve("ad_linalg_norm", o->axis, &o->axes, x->ndim, selected))
        return false;
    bool none = o->axis == AD_NO_AXIS && o->axes.count == 0;
    axes->count = none ? x->ndim : o->axis != AD_NO_AXIS ? 1 : o->axes.count;
    for (int i = 0; i < axes->count; i++) {
        int axis = none ? i : o->axis != AD_NO_AXIS ? o->axis : o->axes.axis[i];
        axes->axis[i] = axis < 0 ? axis + x->ndim : axis;
    }
    bool flat = none && o->ord == AD_NORM_NONE;
    if (!flat && axes->count != 1 && axes->count != 2)
        return AD_FAIL(AD_ERROR_AXIS, "ad_linalg_norm: a norm is over one axis or two, not %d", axes->count);
    return true;
}

ad_array *ad_linalg_norm_with(ad_array *x, ad_linalg_norm_options options)
{
    ad_axes axes = { 0 };
    if (!x)
        return ad_abs(x);
    if (!ad_dtype_is_float((ad_dtype)x->dtype) && !(x = ad_astype(x, AD_F64)))
        return NULL;
    if (!resolve_axes(x, &options, &axes))
        return NULL;
    ad_array *y = axes.count == 2 ? matrix_norm(x, axes, options.ord) : vector_norm(x, axes, options.ord);
    return options.keepdims || !axes.count ? y : ad_squeeze(y, .axes = axes);
}

ad_array *(ad_linalg_norm)(ad_array *x)
{
    return ad_linalg_norm_with(x, AD_LINALG_NORM_DEFAULTS);
}
