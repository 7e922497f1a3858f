/* The cross product.
 *
 * The one of vectors of length 3 is a primitive along the last axis. It is linear in each operand, and its transpose in
 * one of them is a cross product again: sum(g (a x b)) = sum(a (b x g)) = sum(b (g x a)). The one of vectors of length
 * 2 is composed of their components. */
#include "ad/array.h"
#include "ad/math.h"
#include "ad/product.h"
#include "ad/shape.h"
#include "ops/ops.h"

static bool cross_infer(const ad_node *node, ad_spec *output)
{
    *output = (ad_spec){ ad_input_dtype_common(node, 0, 2), ad_node_shape(node, 0) };
    return ad_broadcast_dims(&output->shape, ad_input_ndim(node, 1), ad_input_dims(node, 1)) ||
           AD_FAIL(AD_ERROR_SHAPE, "ad_cross: vectors of shapes %s and %s do not broadcast", AD_INPUT_TEXT(node, 0), AD_INPUT_TEXT(node, 1));
}

/* a(1) b(2) - a(2) b(1), where (1) takes the components in the order 1, 2, 0 and (2) in the order 2, 0, 1. */
static ad_array *cross_compose(const ad_node *node, const ad_spec *output)
{
    (void)output;
    ad_array *a = ad_node_input(node, 0), *b = ad_node_input(node, 1);
    ad_array *forth = ad_mul(ad_roll(a, -1, .axis = -1), ad_roll(b, -2, .axis = -1));
    return ad_sub(forth, ad_mul(ad_roll(a, -2, .axis = -1), ad_roll(b, -1, .axis = -1)));
}

static ad_array *cross(ad_array *a, ad_array *b);

static ad_array *cross_vjp(const ad_node *node, int operand, ad_array *g)
{
    return operand == 0 ? cross(ad_node_input(node, 1), g) : cross(g, ad_node_input(node, 0));
}

static const ad_primitive cross_op = {
    .name = "ad_cross", .infer = cross_infer, .compose = cross_compose, .vjp = cross_vjp, .linear = AD_MULTILINEAR, .saves = AD_SAVE_OTHERS,
};
AD_OPERATION(cross_op);

static ad_array *cross(ad_array *a, ad_array *b)
{
    return ad_call_primitive(&cross_op, (ad_array *[]){ a, b }, 2, NULL);
}

/* ---- vectors of length 2 ---- */

static ad_array *component(ad_array *x, int64_t i)
{
    return ad_slice_of(x, x->ndim - 1, i, 1, 1, false);
}

static ad_array *third(ad_array *a, ad_array *b)
{
    return ad_sub(ad_mul(component(a, 0), component(b, 1)), ad_mul(component(a, 1), component(b, 0)));
}

/* At least one of the two has length 2. Nothing is multiplied by the zero of the missing component. */
static ad_array *cross_of_two(ad_array *a, ad_array *b)
{
    int64_t of_a = ad_dims(a)[a->ndim - 1], of_b = ad_dims(b)[b->ndim - 1];
    if (of_a == of_b)
        return third(a, b);
    ad_array *high = component(of_a == 3 ? a : b, 2), *x = of_a == 3 ? ad_neg(ad_mul(high, component(b, 1))) : ad_mul(component(a, 1), high);
    ad_array *y = of_a == 3 ? ad_mul(high, component(b, 0)) : ad_neg(ad_mul(component(a, 0), high));
    return ad_stack(ad_list_of(x, y, third(a, b)), .axis = -1);
}

/* x with its vectors, of length 2 or 3, along the last axis; NULL and an error. */
static ad_array *vectors(ad_array *x, int axis)
{
    if ((axis = ad_axis_resolve("ad_cross", axis, x->ndim)) < 0)
        return NULL;
    int64_t length = ad_dims(x)[axis];
    if (length != 2 && length != 3)
        return ad_set_error(AD_ERROR_SHAPE, "ad_cross: vectors of length %lld, along axis %d of an operand of shape %s; they should have 2 or 3 components",
                            (long long)length, axis, AD_SHAPE_TEXT(x));
    return ad_moveaxis(x, axis, -1);
}

ad_array *ad_cross_with(ad_array *a, ad_array *b, ad_cross_options options)
{
    if (!ad_both_given(a, b, "ad_cross"))
        return NULL;
    if (options.axis != AD_NO_AXIS)
        options.axisa = options.axisb = options.axisc = options.axis;
    if (a->dtype == AD_BOOL && b->dtype == AD_BOOL)
        return ad_set_error(AD_ERROR_DTYPE, "ad_cross: not defined for bool and bool");
    if (!(a = vectors(a, options.axisa)) || !(b = vectors(b, options.axisb)))
        return NULL;
    int64_t of_a = ad_dims(a)[a->ndim - 1], of_b = ad_dims(b)[b->ndim - 1];
    ad_array *product = of_a == 3 && of_b == 3 ? cross(a, b) : cross_of_two(a, b);
    return of_a == 2 && of_b == 2 ? product : ad_moveaxis(product, -1, options.axisc);
}
