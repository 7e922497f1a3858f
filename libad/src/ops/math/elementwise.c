/* Elementwise functions of one array.
 *
 * Each line gives the name, what the rule needs to remember, and dy/dx written in public operations, with x the operand
 * and y the result. One expression serves both modes: the reverse rule multiplies the cotangent by it, the forward rule
 * the tangent. kernels/elementwise/elementwise.def has the same names, kernels/elementwise/real.inc their loops.
 *
 * A slope keeps its digits wherever the function has them, and so do the slopes of slopes. A formula in the other
 * functions may cancel or overflow. There the slope is a function of its own, whose slope is a product of it and other
 * functions. */
#include "ad/array.h"
#include "ad/create.h"
#include "ad/math.h"
#include "ad/reduce.h"
#include "ad/transform.h"
#include "ops/ops.h"
#include "tape/tape.h"
#include <complex.h>
#include <float.h>
#include <string.h>

/* ---- shapes and dtypes of every elementwise operation, of one operand or several ---- */

/* The functions below are compiled for one operand, for two, and for any number. */
#define FOR_EACH_COUNT AD_ALWAYS_INLINE

/* The dtype of the operands, if all have the same float dtype, apart from C numbers that are not complex. This is so in
 * most calls. Otherwise AD_NO_DTYPE. */
FOR_EACH_COUNT ad_dtype float_dtype(const ad_node *node, int count)
{
    ad_dtype dtype = AD_NO_DTYPE;
#pragma GCC unroll 2
    for (int i = count == 3 && node->op->code == AD_LOOP_where; i < count; i++) { /* a condition takes no part */
        bool number = ad_input_is_number(node, i) && ad_input_dtype(node, i) != AD_C128;
        if (!number && (ad_input_dtype(node, i) == dtype || dtype == AD_NO_DTYPE))
            dtype = ad_input_dtype(node, i);
        else if (!number)
            return AD_NO_DTYPE;
    }
    return ad_dtype_is_inexact(dtype) ? dtype : AD_NO_DTYPE;
}

/* The dtype that the loop runs in: the common one, or float64 where the function has no integer form. */
static __attribute__((noinline)) ad_dtype mixed_dtype(const ad_node *node, const struct ad_loops *loops)
{
    int id = node->op->code, first = id == AD_LOOP_where;
    ad_dtype dtype = ad_input_dtype_common(node, first, node->count - first);
    if (!loops->loop[id][dtype] && !ad_dtype_is_inexact(dtype) && !loops->loop[id][AD_I64])
        return AD_F64;
    return loops->loop[id][dtype] ? dtype : AD_NO_DTYPE;
}

FOR_EACH_COUNT ad_dtype loop_dtype(const ad_node *node, const struct ad_loops *loops, int count)
{
    ad_dtype dtype = float_dtype(node, count);
    return dtype != AD_NO_DTYPE && loops->loop[node->op->code][dtype] ? dtype : mixed_dtype(node, loops);
}

static bool refuse_dtype(const ad_node *node)
{
    ad_dtype first = ad_node_dtype(node, 0), last = ad_node_dtype(node, ad_node_inputs(node) - 1);
    if (ad_node_inputs(node) == 1)
        return AD_REFUSE(node, AD_ERROR_DTYPE, "not defined for %s", ad_dtype_name(first));
    return AD_REFUSE(node, AD_ERROR_DTYPE, "not defined for %s and %s", ad_dtype_name(first), ad_dtype_name(last));
}

static bool refuse_shapes(const ad_node *node)
{
    char text[4 * sizeof(ad_shape_buffer)] = "";
    for (int i = 0; i < ad_node_inputs(node); i++) {
        strcat(text, i ? i + 1 < ad_node_inputs(node) ? ", " : " and " : "");
        strcat(text, AD_INPUT_TEXT(node, i));
    }
    return AD_REFUSE(node, AD_ERROR_SHAPE, "shapes %s do not broadcast", text);
}

FOR_EACH_COUNT bool infer(const ad_node *node, ad_spec *output, int count)
{
    ad_dtype dtype = loop_dtype(node, ad_current()->loops, count);
    if (dtype == AD_NO_DTYPE)
        return refuse_dtype(node);
    output->dtype = ad_loop_output((ad_loop_id)node->op->code, dtype);
    output->shape.ndim = 0;
    int last = -1;
#pragma GCC unroll 2
    for (int i = 0; i < count; i++) {
        int ndim = ad_input_ndim(node, i);
        if (ndim == 0 || (last >= 0 && ad_inputs_same_shape(node, i, last)))
            continue;
        if (last < 0)
            ad_shape_set(&output->shape, ndim, ad_input_dims(node, i));
        else if (!ad_broadcast_dims(&output->shape, ndim, ad_input_dims(node, i)))
            return refuse_shapes(node);
        last = i;
    }
    return true;
}

bool ad_elementwise_infer(const ad_node *node, ad_spec *output)
{
    return node->count == 1 ? infer(node, output, 1) : node->count == 2 ? infer(node, output, 2) : infer(node, output, node->count);
}

/* Strides of x in a broadcast index space of ndim dimensions: 0 where x repeats. */
static void broadcast_strides(const ad_array *x, int ndim, int64_t *strides)
{
    int extra = ndim - x->ndim;
    for (int i = 0; i < ndim; i++)
        strides[i] = i < extra || ad_dims(x)[i - extra] == 1 ? 0 : ad_strides(x)[i - extra];
}

/* Runs the loop over one row: operands that are dense and of one shape, beside single numbers. Most calls are such.
 * False where the operands are not so, or where the row is long or has to be converted. */
FOR_EACH_COUNT bool run_row(const ad_node *node, int count, ad_loop *loop, ad_dtype dtype, char *out, ad_dtype out_dtype)
{
    const ad_array *row = NULL;
    const char *in[AD_LOOP_MAX_INPUTS];
    int64_t strides[AD_LOOP_MAX_INPUTS], n = 1;
    struct {
        _Alignas(16) char bytes[16];
    } numbers[AD_LOOP_MAX_INPUTS];
#pragma GCC unroll 2
    for (int i = 0; i < count; i++) {
        const ad_array *x = node->inputs[i];
        bool single = x->size == 1, condition = i == 0 && count == 3 && node->op->code == AD_LOOP_where; /* which is read as it is */
        in[i] = memory_of(x);
        strides[i] = 0;
        if (!single) {
            if (!(x->flags & AD_CONTIGUOUS) || (row ? !ad_same_shape(x, row) : x->size >= AD_LOOP_SHARED))
                return false;
            row = x;
            n = x->size;
            strides[i] = ad_item_size((ad_dtype)x->dtype);
        }
        if (x->dtype == dtype || condition)
            continue;
        if (!single)
            return false;
        ad_cast((ad_dtype)x->dtype, dtype)(1, &in[i], &strides[i], numbers[i].bytes, sizeof numbers[i]);
        in[i] = numbers[i].bytes;
    }
    if (n)
        loop(n, in, strides, out, ad_item_size(out_dtype));
    return true;
}

/* Runs the loop over any operands. */
static __attribute__((noinline)) void run_broadcast(const ad_node *node, ad_loop *loop, ad_dtype dtype, char *out, ad_dtype out_dtype)
{
    int64_t dims[AD_MAX_NDIM], strides[AD_LOOP_MAX_INPUTS + 1][AD_MAX_NDIM];
    struct ad_operand operands[AD_LOOP_MAX_INPUTS];
    int count = node->count, ndim = 0;
    for (int i = 0; i < count; i++)
        ndim = node->inputs[i]->ndim > ndim ? node->inputs[i]->ndim : ndim;
    for (int d = 0; d < ndim; d++)
        dims[d] = 1;
    for (int i = 0; i < count; i++) {
        const ad_array *x = node->inputs[i];
        broadcast_strides(x, ndim, strides[i]);
        for (int d = 0; d < x->ndim; d++)
            if (ad_dims(x)[d] != 1)
                dims[ndim - x->ndim + d] = ad_dims(x)[d];
        operands[i] = (struct ad_operand){ memory_of(x), strides[i], (ad_dtype)x->dtype };
    }
    if (node->op->code == AD_LOOP_where)
        operands[0].dtype = dtype; /* a condition is read as it is */
    c_order_strides(out_dtype, ndim, dims, strides[AD_LOOP_MAX_INPUTS]);
    ad_run_loop(loop, dtype, ndim, dims, count, operands, (struct ad_operand){ out, strides[AD_LOOP_MAX_INPUTS], out_dtype });
}

/* Whether each C integer among the operands fits the dtype of the arrays beside it. A comparison with one that does not
 * is exact in int64, and one that is not selected does not count. */
static __attribute__((noinline)) bool numbers_fit(const ad_node *node, ad_dtype *dtype)
{
    int64_t number;
    for (int i = 0; i < node->count && node->op->code != AD_LOOP_where; i++) {
        if (!ad_number_overflows(node->inputs[i], *dtype, &number))
            continue;
        if (ad_loop_output((ad_loop_id)node->op->code, *dtype) != AD_BOOL)
            return ad_number_fits(node->op->name, node->inputs[i], *dtype);
        *dtype = AD_I64;
    }
    return true;
}

FOR_EACH_COUNT bool eval(const ad_node *node, char *out, int count)
{
    const struct ad_loops *loops = ad_current()->loops;
    ad_dtype dtype = loop_dtype(node, loops, count), out_dtype = ad_output_spec(node, 0)->dtype;
    if ((dtype == AD_U8 || dtype == AD_I32) && !numbers_fit(node, &dtype))
        return false;
    ad_loop *loop = loops->loop[node->op->code][dtype];
    if (!run_row(node, count, loop, dtype, out, out_dtype))
        run_broadcast(node, loop, dtype, out, out_dtype);
    return true;
}

bool ad_elementwise_eval(const ad_node *node, void *const *outputs)
{
    char *out = outputs[0];
    return node->count == 1 ? eval(node, out, 1) : node->count == 2 ? eval(node, out, 2) : eval(node, out, node->count);
}

/* ---- the plainest calls: one or two dense arrays of one shape and float dtype; one may be a number or a repeated one
 * ---- */

AD_ALWAYS_INLINE bool is_row(const ad_array *x)
{
    return x->ndim && (x->flags & (AD_CONTIGUOUS | AD_WEAK)) == AD_CONTIGUOUS;
}

/* Whether x repeats one element in the shape and dtype of a row, as the cotangent of a sum does. */
static bool is_repeated(const ad_array *x, const ad_array *row)
{
    bool repeated = x->dtype == row->dtype && !(x->flags & AD_WEAK) && ad_same_shape(x, row);
    for (int i = 0; i < x->ndim && repeated; i++)
        repeated = ad_strides(x)[i] == 0;
    return repeated;
}

/* Where the value of x stands, if x is a number that leaves the shape and dtype of a row beside it as they are. A
 * converted value stands in `room`. NULL if x is not such a number. */
static __attribute__((noinline)) const char *number_beside(const ad_array *x, const ad_array *row, void *room)
{
    const char *in = memory_of(x);
    int64_t stride = 0;
    ad_dtype dtype = (ad_dtype)row->dtype;
    if (x->ndim)
        return is_repeated(x, row) ? in : NULL;
    if (x->dtype == dtype)
        return in;
    if (ad_dtype_is_complex(dtype) || !(x->flags & AD_WEAK) || x->dtype == AD_C128)
        return NULL;
    ad_cast((ad_dtype)x->dtype, dtype)(1, &in, &stride, room, ad_item_size(dtype));
    return room;
}

FOR_EACH_COUNT bool direct(const ad_node *node, ad_array **output, int count)
{
    ad_context *c = ad_current();
    const ad_array *a = node->inputs[0], *b = node->inputs[count - 1], *row = is_row(a) ? a : b;
    ad_dtype dtype = (ad_dtype)row->dtype, out_dtype = ad_loop_output((ad_loop_id)node->op->code, dtype);
    ad_loop *loop = ad_dtype_is_inexact(dtype) ? c->loops->loop[node->op->code][dtype] : NULL;
    int64_t n = row->size, item = ad_item_size(dtype), strides[] = { item, item };
    const char *in[] = { memory_of(a), memory_of(b) };
    double number;
    if (!loop || (!is_row(row)) || n >= AD_LOOP_SHARED)
        return false;
    if (count == 2 && !ad_is_alike(a, b)) {
        int other = row == a;
        strides[other] = 0;
        if (!(in[other] = number_beside(node->inputs[other], row, &number)))
            return false;
    }
    *output = ad_array_like(c, out_dtype, row);
    if (*output && n)
        loop(n, in, strides, memory_of(*output), ad_item_size(out_dtype));
    return true;
}

bool ad_elementwise_direct(const ad_node *node, ad_array **output)
{
    return node->count == 1 ? direct(node, output, 1) : node->count == 2 && direct(node, output, 2);
}

/* ---- the table ---- */

#define NOTHING AD_SAVE_NOTHING
#define OUTPUT  AD_SAVE_OUTPUT
#define INPUT   AD_SAVE_INPUT(0)
#define BOTH    (INPUT | OUTPUT)

/* ELEMENTWISE(exp, OUTPUT, y) defines exp_derivative, the primitive exp_op and the function ad_exp. */
#define ELEMENTWISE(name, remembers, dydx)                                                                             \
    static ad_array *name##_derivative(const ad_node *node, int operand)                                               \
    {                                                                                                                  \
        (void)operand;                                                                                                 \
        ad_array *x __attribute__((unused)) = (remembers) & INPUT ? ad_saved_input(node, 0) : NULL;                     \
        ad_array *y __attribute__((unused)) = (remembers) & OUTPUT ? ad_saved_output(node, 0) : NULL;                   \
        return dydx;                                                                                                   \
    }                                                                                                                  \
    UNARY(name, .scalar = ad_elementwise_scalar, .derivative = name##_derivative, .saves = remembers)

/* A linear function, with its transpose as an expression of g. */
#define LINEAR(name, transpose)                                                                                        \
    static ad_array *name##_transpose(const ad_node *node, int operand, ad_array *g)                                   \
    {                                                                                                                  \
        (void)node, (void)operand;                                                                                     \
        return transpose;                                                                                              \
    }                                                                                                                  \
    UNARY(name, .scalar = ad_elementwise_scalar, .linear = AD_LINEAR, .vjp = name##_transpose)

/* A function whose result is a constant: its derivative is zero almost everywhere. */
#define CONSTANT(name) UNARY(name, .constant = true)

/* A record alone, and one with the function of its name. */
#define RECORD(name_, ...)                                                                                             \
    static const ad_primitive name_##_op = { .name = "ad_" #name_, .infer = ad_elementwise_infer,                      \
                                             .eval = ad_elementwise_eval, .direct = ad_elementwise_direct,          \
                                             .code = AD_LOOP_##name_, __VA_ARGS__ };                                   \
    AD_OPERATION(name_##_op);
#define UNARY(name, ...)                                                                                               \
    RECORD(name, __VA_ARGS__)                                                                                          \
    ad_array *(ad_##name)(ad_array * x)                                                                                \
    {                                                                                                                  \
        return ad_call_primitive(&name##_op, &x, 1, NULL);                                                             \
    }

/* x/|x| moves only along the circle: v -> i y Im(conj(y) v) / |x|, and 0 at 0. This map is its own transpose up to
 * conjugation. */
static ad_array *sign_jvp(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    if (!ad_dtype_is_complex(ad_node_dtype(node, 0)))
        return NULL;
    ad_array *y = ad_saved_output(node, 0), *r = ad_abs(ad_saved_input(node, 0));
    ad_array *across = ad_mul(ad_weak_complex(1.0i), ad_imag(ad_mul(ad_conj(y), t)));
    return ad_zdiv(ad_zzmul(across, y), r);
}

static ad_array *sign_vjp(const ad_node *node, int operand, ad_array *g)
{
    return ad_dtype_is_complex(ad_node_dtype(node, 0)) ? ad_conj(sign_jvp(node, operand, ad_conj(g))) : NULL;
}

/* Im(t/x) has the slope -i/x, and 0 at 0. For a real x the angle is a constant. */
static ad_array *angle_derivative(const ad_node *node, int operand)
{
    if (!ad_dtype_is_complex(ad_node_dtype(node, operand)))
        return NULL;
    ad_array *x = ad_saved_input(node, operand), *zero = ad_equal(x, 0);
    return ad_where(zero, 0, ad_div(ad_weak_complex(-1.0i), ad_where(zero, 1, x)));
}

static ad_array *one_where(ad_array *condition, ad_array *x)
{
    return ad_astype(condition, ad_dtype_of(x));
}

/* 1 + y^2. For a complex x it is computed as 1/cosh(i x)^2: far from the real axis y is near i, and the sum cancels. */
static ad_array *tan_slope(ad_array *x, ad_array *y)
{
    return ad_dtype_is_complex(ad_dtype_of(x)) ? ad_sech_squared(ad_mul(ad_weak_complex(1.0i), x)) : ad_add(1, ad_square(y));
}

/* 1/x. At a complex 0 it is the real infinity. */
static ad_array *inverse(ad_array *x)
{
    return ad_dtype_is_complex(ad_dtype_of(x)) ? ad_zdiv(1, x) : ad_reciprocal(x);
}

/* p^2, also of an infinite complex p. */
static ad_array *squared(ad_array *p)
{
    return ad_zzmul(p, p);
}

/* p^3 x, multiplied in an order in which nothing overflows or underflows before the product does. For a large x, |p| is
 * at most 1/|x|. */
static ad_array *cube_times(ad_array *p, ad_array *x)
{
    return ad_zzmul(ad_zzmul(ad_zzmul(x, p), p), p);
}

/* clang-format off */
/*          name         remembers  dy/dx */
ELEMENTWISE(neg,         NOTHING,   ad_weak_integer(-1))
ELEMENTWISE(reciprocal,  OUTPUT,    ad_neg(ad_square(y)))
ELEMENTWISE(square,      INPUT,     ad_mul(2, x))
ELEMENTWISE(sqrt,        OUTPUT,    ad_zdiv(0.5, y))
ELEMENTWISE(cbrt,        INPUT,     ad_cbrt_slope(x))
ELEMENTWISE(abs,         INPUT,     ad_conj(ad_sign(x)))
ELEMENTWISE(fabs,        INPUT,     ad_sign(x))
ELEMENTWISE(exp,         OUTPUT,    y)
ELEMENTWISE(exp2,        OUTPUT,    ad_mul(M_LN2, y))
ELEMENTWISE(expm1,       INPUT,     ad_exp(x))
ELEMENTWISE(log,         INPUT,     inverse(x))
ELEMENTWISE(log2,        INPUT,     ad_zdiv(1 / M_LN2, x))
ELEMENTWISE(log10,       INPUT,     ad_zdiv(1 / M_LN10, x))
ELEMENTWISE(log1p,       INPUT,     inverse(ad_add(1, x)))
ELEMENTWISE(sin,         INPUT,     ad_cos(x))
ELEMENTWISE(cos,         INPUT,     ad_neg(ad_sin(x)))
ELEMENTWISE(tan,         BOTH,      tan_slope(x, y))
ELEMENTWISE(arcsin,      INPUT,     ad_arcsin_slope(x))
ELEMENTWISE(arccos,      INPUT,     ad_neg(ad_arcsin_slope(x)))
ELEMENTWISE(arctan,      INPUT,     squared(ad_arcsinh_slope(x)))
ELEMENTWISE(sinh,        INPUT,     ad_cosh(x))
ELEMENTWISE(cosh,        INPUT,     ad_sinh(x))
ELEMENTWISE(tanh,        INPUT,     ad_sech_squared(x))
ELEMENTWISE(arcsinh,     INPUT,     ad_arcsinh_slope(x))
ELEMENTWISE(arccosh,     INPUT,     ad_arccosh_slope(x))
ELEMENTWISE(arctanh,     INPUT,     squared(ad_arcsin_slope(x)))
ELEMENTWISE(sigmoid,     INPUT,     ad_sigmoid_slope(x))
ELEMENTWISE(log_sigmoid, INPUT,     ad_sigmoid(ad_neg(x)))
ELEMENTWISE(softplus,    INPUT,     ad_sigmoid(x))
ELEMENTWISE(relu,        INPUT,     one_where(ad_greater(x, 0), x))
ELEMENTWISE(erf,         INPUT,     ad_mul(M_2_SQRTPI, ad_gaussian(x)))
ELEMENTWISE(erfc,        INPUT,     ad_mul(-M_2_SQRTPI, ad_gaussian(x)))
ELEMENTWISE(gammaln,     INPUT,     ad_digamma(x))
ELEMENTWISE(digamma,     INPUT,     ad_polygamma(1, x))

/* slopes: x^(-2/3)/3, s(x) s(-x), 1/cosh(x)^2, e^(-x^2), 1/sqrt(1 - x^2), 1/sqrt(1 + x^2), 1/(sqrt(x - 1) sqrt(x +
 * 1)) */
ELEMENTWISE(cbrt_slope,    BOTH,    ad_div(ad_mul(-2.0 / 3, y), x))
ELEMENTWISE(sigmoid_slope, BOTH,    ad_zzmul(ad_neg(ad_tanh(ad_mul(0.5, x))), y))
ELEMENTWISE(sech_squared,  BOTH,    ad_zzmul(ad_mul(-2, ad_tanh(x)), y))
ELEMENTWISE(gaussian,      BOTH,    ad_zzmul(ad_mul(-2, x), y))
ELEMENTWISE(arcsin_slope,  BOTH,    cube_times(y, x))
ELEMENTWISE(arcsinh_slope, BOTH,    ad_neg(cube_times(y, x)))
ELEMENTWISE(arccosh_slope, BOTH,    ad_neg(cube_times(y, x)))

/*     name  transpose; the pairing is Re sum(g v), without conjugation */
LINEAR(deg2rad, ad_deg2rad(g))
LINEAR(rad2deg, ad_rad2deg(g))
LINEAR(conj, ad_conj(g))
LINEAR(real, g)
LINEAR(imag, ad_mul(ad_weak_complex(-1.0i), g))

UNARY(sign, .vjp = sign_vjp, .jvp = sign_jvp, .saves = BOTH)
RECORD(angle, .scalar = ad_elementwise_scalar, .derivative = angle_derivative, .saves = INPUT)
CONSTANT(floor)
CONSTANT(ceil)
CONSTANT(trunc)
CONSTANT(rint)
CONSTANT(isnan)
CONSTANT(isinf)
CONSTANT(isfinite)
CONSTANT(logical_not)
/* clang-format on */

ad_array *ad_angle_with(ad_array *x, ad_angle_options options)
{
    ad_array *angle = ad_call_primitive(&angle_op, &x, 1, NULL);
    return options.deg ? ad_rad2deg(angle) : angle;
}

/* ---- real_if_close: the dtype of the result depends on the values, so the function looks at them as a program does
 * ---- */

/* Whether all imaginary parts are small: 1 or 0; -1 and an error. */
static int has_small_imaginary_parts(ad_array *x, double tolerance)
{
    AD_SCOPE;
    ad_array *answer = ad_all(ad_less(ad_abs(ad_imag(ad_stop_gradient(x))), tolerance));
    return answer ? (int)ad_item_int(answer) : -1;
}

ad_array *ad_real_if_close_with(ad_array *x, ad_real_if_close_options options)
{
    if (!ad_given(x, "ad_real_if_close", "array"))
        return NULL;
    if (!ad_dtype_is_complex((ad_dtype)x->dtype))
        return ad_unchanged(x);
    double unit = x->dtype == AD_C64 ? FLT_EPSILON : DBL_EPSILON;
    int small = has_small_imaginary_parts(x, options.tol > 1 ? options.tol * unit : options.tol);
    return small < 0 ? NULL : small ? ad_real(x) : ad_unchanged(x);
}
