/* Elementwise functions of several arrays: arithmetic, powers, comparisons, selection.
 *
 * A rule gives what a tangent t of one operand adds to the tangent of the result. For an elementwise function the
 * reverse rule is the same expression of the cotangent, so one function serves both modes. Products with a slope are
 * ad_zzmul: where the tangent or the slope is 0, nothing is added, however large the other is. */
#include "ad/array.h"
#include "ad/create.h"
#include "ad/math.h"
#include "ad/reduce.h"
#include "ops/ops.h"
#include "tape/tape.h"
#include <stdlib.h>
#include <string.h>

/* RECORD(add, ...) defines the primitive add_op, FUNCTION(add) the public function over it, BINARY(add, ...) both. */
#define RECORD(name_, ...)                                                                                             \
    static const ad_primitive name_##_op = { .name = "ad_" #name_, .infer = ad_elementwise_infer,                      \
                                             .eval = ad_elementwise_eval, .direct = ad_elementwise_direct,          \
                                             .code = AD_LOOP_##name_, __VA_ARGS__ };                                   \
    AD_OPERATION(name_##_op);
#define FUNCTION(name)                                                                                                 \
    ad_array *(ad_##name)(ad_array * a, ad_array * b)                                                                  \
    {                                                                                                                  \
        return ad_call_primitive(&name##_op, (ad_array *[]){ a, b }, 2, NULL);                                         \
    }
#define BINARY(name, ...) RECORD(name, __VA_ARGS__) FUNCTION(name)

/* An elementwise rule of t, the same in both modes. a and b are the operands and y the result, as far as `remembers`
 * names them. OTHERS is b in the rule along a, and a in the rule along b. TIMES is the product of t with a slope. The
 * result is written into the slope where the rule made it. */
#define A      AD_SAVE_INPUT(0)
#define B      AD_SAVE_INPUT(1)
#define Y      AD_SAVE_OUTPUT
#define OTHERS AD_SAVE_OTHERS
#define OPERAND_IN_RULE(i, remembers)                                                                                  \
    ((remembers) & AD_SAVE_INPUT(i) || ((remembers) & AD_SAVE_OTHERS && operand != (i)) ? ad_saved_input(node, i) : NULL)
#define TIMES(slope) times(t, slope, made)
#define RULE(name, remembers, of_a, of_b)                                                                              \
    static ad_array *name##_rule(const ad_node *node, int operand, ad_array *t)                                        \
    {                                                                                                                  \
        ad_array *a __attribute__((unused)) = OPERAND_IN_RULE(0, remembers);                                           \
        ad_array *b __attribute__((unused)) = OPERAND_IN_RULE(1, remembers);                                           \
        ad_array *y __attribute__((unused)) = (remembers) & AD_SAVE_OUTPUT ? ad_saved_output(node, 0) : NULL;           \
        uint32_t made __attribute__((unused)) = ad_current()->scopes.count;                                            \
        return operand == 0 ? of_a : of_b;                                                                             \
    }                                                                                                                  \
    RECORD(name, .scalar = ad_elementwise_scalar, .vjp = name##_rule, .jvp = name##_rule, .saves = remembers)

/* ---- products: the derivative in each operand is the other ---- */

static ad_array *other_operand(const ad_node *node, int operand)
{
    return ad_saved_input(node, 1 - operand);
}

BINARY(mul, .scalar = ad_elementwise_scalar, .derivative = other_operand, .saves = AD_SAVE_OTHERS)

/* ---- slopes that need more than a line ---- */

/* 1 where a wins, 1/2 where both do. A NaN wins. `wins` compares the operand with the other. */
static ad_array *share(ad_array *a, ad_array *b, ad_array *wins)
{
    ad_array *nan_a = ad_isnan(a), *nan_b = ad_isnan(b);
    ad_array *tie = ad_logical_or(ad_equal(a, b), ad_logical_and(nan_a, nan_b));
    return ad_where(tie, 0.5, ad_where(ad_logical_or(wins, nan_a), 1.0, 0.0));
}

ad_array *ad_share(ad_array *a, ad_array *b, ad_array *wins)
{
    return share(a, b, wins);
}

/* The sine and cosine s, c of the angle of (b, a) are a/h and b/h with h = hypot(a, b). ds = c (c da - s db)/h is a sum
 * of products in which nothing cancels. All of them are 0 at the origin, at every order. */
static ad_array *direction(ad_array *a, ad_array *b);

static ad_array *times(ad_array *t, ad_array *slope, uint32_t made)
{
    return t && slope ? ad_times(ad_current(), t, slope, made) : NULL;
}

static ad_array *along_angle(ad_array *t, ad_array *a, ad_array *b, ad_array *factor)
{
    return ad_zdiv(ad_zzmul(t, factor), ad_hypot(a, b));
}

/* sigmoid(a - b), the derivative of log(e^a + e^b) in a. It is 0 where both are -inf and 1/2 where both are +inf. */
static ad_array *logaddexp_slope(ad_array *a, ad_array *b)
{
    ad_array *tie = ad_logical_and(ad_isinf(a), ad_equal(a, b)), *slope = ad_sigmoid(ad_sub(ad_where(tie, 0, a), ad_where(tie, 0, b)));
    return ad_where(ad_logical_and(tie, ad_less(a, 0)), 0, slope);
}

/* The integer quotient that the remainder y belongs to. */
static ad_array *fmod_quotient(ad_array *a, ad_array *b, ad_array *y)
{
    return ad_rint(ad_div(ad_sub(a, y), b));
}

/* clang-format off */
/*   name        remembers  along a                                         along b */
RULE(div,        B | Y,     ad_zdiv(t, b),                                  TIMES(ad_neg(ad_div(y, b))))
RULE(maximum,    A | B,     TIMES(share(a, b, ad_greater(a, b))),           TIMES(share(b, a, ad_greater(b, a))))
RULE(minimum,    A | B,     TIMES(share(a, b, ad_less(a, b))),              TIMES(share(b, a, ad_less(b, a))))
RULE(hypot,      A | B,     TIMES(direction(a, b)),                         TIMES(direction(b, a)))
RULE(arctan2,    A | B,     along_angle(t, a, b, direction(b, a)),          along_angle(t, a, b, ad_neg(direction(a, b))))
RULE(direction,  A | B | Y, along_angle(t, a, b, ad_square(direction(b, a))), along_angle(t, a, b, ad_neg(ad_mul(y, direction(b, a)))))
RULE(mod,        A | B,     t,                                              TIMES(ad_neg(ad_floor_divide(a, b))))
RULE(fmod,       A | B | Y, t,                                              TIMES(ad_neg(fmod_quotient(a, b, y))))
RULE(logaddexp,  A | B,     TIMES(logaddexp_slope(a, b)),                   TIMES(logaddexp_slope(b, a)))
RULE(polygamma,  A | B,     NULL,                                           TIMES(ad_polygamma(ad_add(a, 1), b)))
/* these have a derivative of 0 where the first operand is 0, and where t is 0 */
RULE(zmul,       OTHERS,    ad_zmul(t, b),                                  ad_zzmul(t, a))
RULE(zdiv,       B | Y,     ad_zdiv(t, b),                                  TIMES(ad_neg(ad_zdiv(y, b))))
RULE(zzmul,      OTHERS,    ad_zzmul(t, b),                                 ad_zzmul(t, a))
/* clang-format on */
FUNCTION(div)
FUNCTION(maximum)
FUNCTION(minimum)
FUNCTION(hypot)
FUNCTION(arctan2)
FUNCTION(mod)
FUNCTION(fmod)
FUNCTION(logaddexp)
FUNCTION(polygamma)
FUNCTION(zmul)
FUNCTION(zdiv)
FUNCTION(zzmul)

static ad_array *direction(ad_array *a, ad_array *b)
{
    return ad_call_primitive(&direction_op, (ad_array *[]){ a, b }, 2, NULL);
}

/* ---- powers: every derivative of x^p is one function ---- */

/* The derivative of x^p of order k in x and m in p. */
struct power_slope {
    int k, m;
};

static bool power_slopes_eval(const ad_node *node, void *const *outputs)
{
    const struct power_slope *o = ad_node_options(node);
    struct ad_node with_order = *node;
    ad_array *inputs[] = { node->inputs[0], node->inputs[1], ad_weak_integer(AD_POWER_ORDER(o->k, o->m)) };
    with_order.inputs = inputs;
    with_order.count = 3;
    return inputs[2] && ad_elementwise_eval(&with_order, outputs);
}

static double power_slopes_scalar(const ad_primitive *op, const void *options, double x, double p)
{
    const struct power_slope *o = options;
    double order = AD_POWER_ORDER(o->k, o->m), y = 0;
    ad_current()->loops->loop[op->code][AD_F64](1, (const char *const[]){ (const char *)&x, (const char *)&p, (const char *)&order },
                                                (const int64_t[]){ sizeof x, sizeof p, sizeof order }, (char *)&y, sizeof y);
    return y;
}

static ad_array *power_slope(const ad_node *node, int operand, struct power_slope of);

static ad_array *power_slopes_derivative(const ad_node *node, int operand)
{
    return power_slope(node, operand, *(const struct power_slope *)ad_node_options(node));
}

static const ad_field power_slope_fields[] = { AD_FIELD(struct power_slope, k, INT), AD_FIELD(struct power_slope, m, INT), AD_FIELDS_END };
static const ad_primitive power_slopes_op = {
    .name = "ad_power_slopes", .infer = ad_elementwise_infer, .eval = power_slopes_eval, .scalar = power_slopes_scalar,
    .derivative = power_slopes_derivative, .saves = AD_SAVE_INPUTS, .options_size = sizeof(struct power_slope),
    .fields = power_slope_fields, .code = AD_LOOP_power_slopes,
};
AD_OPERATION(power_slopes_op);

/* The derivative of one order more in an operand. */
static ad_array *power_slope(const ad_node *node, int operand, struct power_slope of)
{
    *(operand == 0 ? &of.k : &of.m) += 1;
    ad_array *inputs[] = { ad_saved_input(node, 0), ad_saved_input(node, 1) };
    if (of.k >= AD_POWER_ORDERS || of.m >= AD_POWER_ORDERS)
        return ad_set_error(AD_ERROR_VALUE, "ad_pow: a derivative of order %d; less than %d is possible", of.k > of.m ? of.k : of.m, AD_POWER_ORDERS);
    return ad_call_primitive(&power_slopes_op, inputs, 2, &of);
}

static ad_array *pow_derivative(const ad_node *node, int operand)
{
    return power_slope(node, operand, (struct power_slope){ 0, 0 });
}

RECORD(pow, .scalar = ad_elementwise_scalar, .derivative = pow_derivative, .saves = AD_SAVE_INPUTS)

/* ---- sums ---- */

static ad_array *one(const ad_node *node, int operand)
{
    (void)node, (void)operand;
    return ad_weak_integer(1);
}

static ad_array *one_and_minus_one(const ad_node *node, int operand)
{
    (void)node;
    return ad_weak_integer(operand == 0 ? 1 : -1);
}

BINARY(add, .scalar = ad_elementwise_scalar, .derivative = one)
BINARY(sub, .scalar = ad_elementwise_scalar, .derivative = one_and_minus_one)

/* ---- constants ---- */

#define COMPARISON(name) BINARY(name, .constant = true)

COMPARISON(equal)
COMPARISON(not_equal)
COMPARISON(less)
COMPARISON(less_equal)
COMPARISON(greater)
COMPARISON(greater_equal)
COMPARISON(logical_and)
COMPARISON(logical_or)
COMPARISON(logical_xor)
COMPARISON(floor_divide)
RECORD(attains, .constant = true)

ad_array *ad_attains(ad_array *x, ad_array *y)
{
    return ad_call_primitive(&attains_op, (ad_array *[]){ x, y }, 2, NULL);
}

/* ---- selection ---- */

/* y = c ? a : b. It is linear in a and b. Masked places get an exact zero. */
static ad_array *where_rule(const ad_node *node, int operand, ad_array *t)
{
    ad_array *c = ad_saved_input(node, 0);
    return operand == 0 ? NULL : operand == 1 ? ad_where(c, t, 0) : ad_where(c, 0, t);
}

static const ad_primitive where_op = {
    .name = "ad_where", .infer = ad_elementwise_infer, .eval = ad_elementwise_eval, .vjp = where_rule, .jvp = where_rule, .saves = AD_SAVE_INPUT(0),
    .code = AD_LOOP_where,
};
AD_OPERATION(where_op);

ad_array *(ad_where)(ad_array *condition, ad_array *a, ad_array *b)
{
    if (condition && condition->dtype != AD_BOOL)
        condition = ad_not_equal(condition, 0);
    return ad_call_primitive(&where_op, (ad_array *[]){ condition, a, b }, 3, NULL);
}

/* ---- clip: minimum(maximum(x, low), high), in one loop where both bounds are numbers of x's dtype ---- */

static ad_array *clip_rule(const ad_node *node, int operand, ad_array *t)
{
    ad_array *x = ad_saved_input(node, 0), *low = ad_saved_input(node, 1), *high = ad_saved_input(node, 2), *raised = ad_maximum(x, low);
    if (operand == 2)
        return ad_zzmul(t, share(high, raised, ad_less(high, raised)));
    t = ad_zzmul(t, share(raised, high, ad_less(raised, high)));
    return ad_zzmul(t, operand == 0 ? share(x, low, ad_greater(x, low)) : share(low, x, ad_greater(low, x)));
}

RECORD(clip, .vjp = clip_rule, .jvp = clip_rule, .saves = AD_SAVE_INPUTS)

/* -1 for a C integer below everything that the dtype of x can hold, 1 for one above it, otherwise 0. */
static int side_of_all(const ad_array *bound, const ad_array *x)
{
    int64_t number;
    return x && bound && ad_number_overflows(bound, (ad_dtype)x->dtype, &number) ? number < 0 ? -1 : 1 : 0;
}

/* A bound changes nothing if it is missing, or if no number of x's dtype passes it. */
ad_array *(ad_clip)(ad_array *x, ad_array *low, ad_array *high)
{
    ad_array *operands[] = { x, low, high };
    if (!ad_given(x, "ad_clip", "array") || ((!low || !high) && ad_failed()))
        return NULL;
    for (int i = 0; i < 3; i++)
        if (operands[i] && ad_dtype_is_complex((ad_dtype)operands[i]->dtype))
            return ad_set_error(AD_ERROR_DTYPE, "ad_clip: not defined for %s", ad_dtype_name((ad_dtype)operands[i]->dtype));
    int below = side_of_all(low, x), above = side_of_all(high, x); /* 0 where there is no bound */
    /* NOLINTBEGIN(clang-analyzer-core.NullDereference): x is there */
    if (below > 0 || above < 0)
        return ad_set_error(AD_ERROR_VALUE, "ad_clip: a bound of %lld is out of range for %s", (long long)ad_item_int(below > 0 ? low : high),
                            ad_dtype_name((ad_dtype)x->dtype));
    bool both = low && below == 0 && low->ndim == 0 && high && above == 0 && high->ndim == 0;
    if (both && ad_dtype_is_inexact((ad_dtype)x->dtype) && ad_dtype_common(operands, 3) == (ad_dtype)x->dtype)
        return ad_call_primitive(&clip_op, (ad_array *[]){ x, ad_astype(low, (ad_dtype)x->dtype), ad_astype(high, (ad_dtype)x->dtype) }, 3, NULL);
    ad_array *y = low && below == 0 ? ad_maximum(x, low) : x;
    /* NOLINTEND(clang-analyzer-core.NullDereference) */
    return high && above == 0 ? ad_minimum(y, high) : ad_unchanged(y);
}

/* ---- integer powers: products, exact for every x ---- */

/* Beyond this exponent the rounding errors of the products add up, and x^n is computed as any other power. NumPy has
 * the same limit for complex numbers. */
enum { LARGEST_PRODUCT = 100 };

struct power_options {
    int64_t exponent;
};

/* Square and multiply, or divide, from the bit after the exponent's leading one down to the last. */
#define FOR_EACH_BIT(bit, magnitude) for (int bit = 30 - __builtin_clz((unsigned)(magnitude)); bit >= 0; bit--)

static bool power_eval(const ad_node *node, void *const *outputs)
{
    int exponent = (int)((const struct power_options *)ad_node_options(node))->exponent, magnitude = abs(exponent);
    ad_context *c = ad_current();
    ad_array *x = ad_node_input(node, 0);
    ad_dtype dtype = (ad_dtype)x->dtype;
    int64_t strides[AD_MAX_NDIM];
    c_order_strides(dtype, x->ndim, ad_dims(x), strides);
    struct ad_operand base = operand_of(x), y = { outputs[0], strides, dtype };
    ad_loop *square = c->loops->loop[AD_LOOP_square][dtype], *step = c->loops->loop[exponent < 0 ? AD_LOOP_div : AD_LOOP_mul][dtype];
    if (exponent == 0) {
        ad_array *one = ad_array_cast(c, ad_weak_integer(1), dtype);
        static const int64_t still[AD_MAX_NDIM];
        if (one)
            ad_copy_strided(x->ndim, ad_dims(x), (struct ad_operand){ memory_of(one), still, dtype }, y);
        return one != NULL;
    }
    const struct ad_operand *last = exponent < 0 ? &y : &base; /* x is squared where it stands */
    if (exponent < 0)
        ad_run_loop(c->loops->loop[AD_LOOP_reciprocal][dtype], dtype, x->ndim, ad_dims(x), 1, &base, y);
    else if (exponent == 1)
        ad_copy_strided(x->ndim, ad_dims(x), base, y);
    FOR_EACH_BIT(bit, magnitude)
    {
        ad_run_loop(square, dtype, x->ndim, ad_dims(x), 1, last, y);
        last = &y;
        if (magnitude >> bit & 1)
            ad_run_loop(step, dtype, x->ndim, ad_dims(x), 2, (struct ad_operand[]){ y, base }, y);
    }
    return true;
}

static double power_scalar(const ad_primitive *op, const void *options, double x, double y)
{
    (void)op, (void)y;
    int exponent = (int)((const struct power_options *)options)->exponent, magnitude = abs(exponent);
    if (exponent == 0)
        return 1;
    double power = exponent < 0 ? 1 / x : x;
    FOR_EACH_BIT(bit, magnitude)
    {
        power *= power;
        if (magnitude >> bit & 1)
            power = exponent < 0 ? power / x : power * x;
    }
    return power;
}

static ad_array *integer_power(ad_array *x, int exponent);

static ad_array *power_derivative(const ad_node *node, int operand)
{
    (void)operand;
    const struct power_options *o = ad_node_options(node);
    ad_array *x = ad_saved_input(node, 0);
    return o->exponent == 0 ? NULL : ad_mul(o->exponent, integer_power(x, (int)o->exponent - 1));
}

static const ad_field power_fields[] = { AD_FIELD_UNNAMED(struct power_options, exponent, INT64), AD_FIELDS_END };
static const ad_primitive power_op = {
    .name = "ad_integer_power", .infer = ad_same_infer, .eval = power_eval, .scalar = power_scalar, .derivative = power_derivative, .saves = AD_SAVE_INPUTS,
    .options_size = sizeof(struct power_options), .fields = power_fields,
};
AD_OPERATION(power_op);

/* Gives x itself where the exponent is 1. */
static ad_array *integer_power(ad_array *x, int exponent)
{
    return exponent == 1 ? x : ad_call_primitive(&power_op, &x, 1, &(struct power_options){ exponent });
}

static bool whole(const ad_array *x)
{
    return !ad_dtype_is_inexact((ad_dtype)x->dtype);
}

/* Exponents that are integers already are viewed as they are. */
static ad_array *exponents_view(const ad_node *node, const ad_spec *output)
{
    (void)output;
    ad_array *p = ad_node_input(node, 0), *any = ad_any(ad_less(p, 0));
    if (any && ad_item_int(any))
        return ad_set_error(AD_ERROR_VALUE, "ad_pow: an integer to a negative integer power is not an integer; convert it to float64");
    return any ? p : NULL;
}

static const ad_primitive exponents_op = { .name = "ad_not_negative", .infer = ad_same_infer, .view = exponents_view, .constant = true };
AD_OPERATION(exponents_op);

/* If the exponent is a C integer, the power is an integer power. */
ad_array *(ad_pow)(ad_array *x, ad_array *p)
{
    if (x && p && p->flags & AD_WEAK && p->dtype == AD_I64 && ad_dtype_is_inexact((ad_dtype)x->dtype)) {
        int64_t exponent;
        memcpy(&exponent, memory_of(p), sizeof exponent);
        if (exponent >= -LARGEST_PRODUCT && exponent <= LARGEST_PRODUCT)
            return exponent == 1 ? ad_unchanged(x) : integer_power(x, (int)exponent);
    }
    if (x && p && whole(x) && whole(p) && x->size > 0) {
        ad_array *exponents = ad_call_primitive(&exponents_op, &p, 1, NULL);
        if (!exponents || !(p->flags & AD_WEAK)) /* only a C integer takes the dtype of x */
            p = exponents;
    }
    return ad_call_primitive(&pow_op, (ad_array *[]){ x, p }, 2, NULL);
}
