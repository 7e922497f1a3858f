/* Reductions: sum, product, extrema, their positions, any, all, and the moments made of them.
 *
 * A node knows its axes as a bit mask, which is made before the call. Rules treat the reduced axes as if they were
 * still there with length 1 (`restore`), so that broadcasting does the rest. Running sums and products are in
 * scan.c. */
#include "ad/reduce.h"
#include "ad/array.h"
#include "ad/create.h"
#include "ad/index.h"
#include "ad/math.h"
#include "ad/shape.h"
#include "ad/transform.h"
#include "ops/ops.h"
#include <string.h>

struct reduction {
    uint32_t axes; /* bit i: axis i is reduced */
    bool keepdims;
};

static bool is_reduced(const struct reduction *r, int axis)
{
    return r->axes >> axis & 1;
}

/* ---- axes ---- */

static bool resolve(const char *name, const ad_array *x, const ad_reduce_options *o, struct reduction *r)
{
    bool selected[AD_MAX_NDIM];
    if (!ad_axes_resolve(name, ad_axis_of_scalar(x, o->axis), &o->axes, x->ndim, selected))
        return false;
    *r = (struct reduction){ 0, o->keepdims };
    for (int i = 0; i < x->ndim; i++)
        r->axes |= (uint32_t)selected[i] << i;
    return true;
}

/* How many elements become one. */
static int64_t count_along(int ndim, const int64_t *dims, const struct reduction *r)
{
    int64_t count = 1;
    for (int i = 0; i < ndim; i++)
        count *= is_reduced(r, i) ? dims[i] : 1;
    return count;
}

static int64_t count_of(const ad_array *x, const struct reduction *r)
{
    return count_along(x->ndim, ad_dims(x), r);
}

static ad_array *reduce(const ad_primitive *op, ad_array *x, const ad_reduce_options *o)
{
    struct reduction r = { 0 };
    return x && !resolve(op->name, x, o, &r) ? NULL : ad_call_primitive(op, &x, 1, &r);
}

/* A result, cotangent or tangent of the node, in a shape that broadcasts with its input. */
static ad_array *restore(const ad_node *node, ad_array *y)
{
    const struct reduction *r = ad_node_options(node);
    bool leading = !(r->axes & (r->axes + 1)); /* the bits are 0...01...1: these are the first axes, which broadcasting adds by itself */
    if (r->keepdims || leading)
        return y;
    ad_shape shape = ad_node_shape(node, 0);
    for (int i = 0; i < shape.ndim; i++)
        if (is_reduced(r, i))
            shape.dim[i] = 1;
    return ad_reshape(y, shape);
}

/* ---- what all have in common; a primitive's code is its kernel ---- */

static ad_dtype result_dtype(const ad_node *node)
{
    ad_dtype dtype = ad_input_dtype(node, 0);
    switch ((ad_reduction)ad_node_primitive(node)->code) {
    case AD_REDUCE_SUM:
    case AD_REDUCE_PROD:
        return ad_dtype_is_inexact(dtype) ? dtype : AD_I64;
    case AD_REDUCE_ARGMAX:
    case AD_REDUCE_ARGMIN:
        return AD_I64;
    case AD_REDUCE_ANY:
    case AD_REDUCE_ALL:
        return AD_BOOL;
    default:
        return dtype;
    }
}

static bool reduce_infer(const ad_node *node, ad_spec *output)
{
    const struct reduction *r = ad_node_options(node);
    output->dtype = result_dtype(node);
    output->shape.ndim = 0;
    for (int i = 0; i < ad_input_ndim(node, 0); i++)
        if (!is_reduced(r, i) || r->keepdims)
            output->shape.dim[output->shape.ndim++] = is_reduced(r, i) ? 1 : ad_input_dims(node, 0)[i];
    return true;
}

/* An extremum of no elements has no value. */
static bool has_choice(const char *name, int ndim, const int64_t *dims, const struct reduction *r)
{
    ad_shape_buffer text;
    return count_along(ndim, dims, r) > 0 || AD_FAIL(AD_ERROR_VALUE, "%s: no elements to choose from along the axes given, shape %s", name,
                                                     ad_shape_text(text.text, sizeof text, ndim, dims));
}

static bool choice_infer(const ad_node *node, ad_spec *output)
{
    return reduce_infer(node, output) && has_choice(node->op->name, ad_input_ndim(node, 0), ad_input_dims(node, 0), ad_node_options(node));
}

static bool position_infer(const ad_node *node, ad_spec *output)
{
    const struct reduction *r = ad_node_options(node);
    int axes = __builtin_popcount(r->axes), ndim = ad_input_ndim(node, 0);
    if (axes != 1 && axes != ndim)
        return AD_REFUSE(node, AD_ERROR_AXIS, "takes one axis or all %d of them, not %d", ndim, axes);
    return choice_infer(node, output);
}

static bool reduce_eval(const ad_node *node, void *const *outputs)
{
    const struct reduction *r = ad_node_options(node);
    const ad_array *x = ad_node_input(node, 0);
    bool reduced[AD_MAX_NDIM];
    for (int i = 0; i < x->ndim; i++)
        reduced[i] = is_reduced(r, i);
    ad_reduce((ad_reduction)ad_node_primitive(node)->code, ad_current()->loops, x->ndim, ad_dims(x), reduced, operand_of(x),
              (struct ad_operand){ outputs[0], NULL, ad_output_spec(node, 0)->dtype });
    return true;
}

/* A position is counted along one axis. If there are several, they are all axes, and it is counted in C order. */
static bool position_eval(const ad_node *node, void *const *outputs)
{
    const struct reduction *r = ad_node_options(node);
    if (__builtin_popcount(r->axes) <= 1)
        return reduce_eval(node, outputs);
    const ad_array *x = ad_node_input(node, 0);
    const int64_t stride = (int64_t)ad_dtype_size((ad_dtype)x->dtype);
    void *data = (void *)data_of(node, 0);
    if (!data)
        return false;
    ad_reduce((ad_reduction)ad_node_primitive(node)->code, ad_current()->loops, 1, &x->size, (bool[]){ true },
              (struct ad_operand){ data, &stride, (ad_dtype)x->dtype }, (struct ad_operand){ outputs[0], NULL, AD_I64 });
    return true;
}

static const ad_field reduction_fields[] = { AD_FIELD(struct reduction, axes, AXIS_BITS), AD_FIELD(struct reduction, keepdims, FLAG), AD_FIELDS_END };

/* REDUCTION(sum, SUM, reduce_infer, reduce_eval, ...) defines the primitive sum_op. FUNCTION(max) defines the public
 * functions over max_op. */
#define REDUCTION(name_, kernel, infer_, eval_, ...)                                                                   \
    static const ad_primitive name_##_op = { .name = "ad_" #name_, .infer = infer_, .eval = eval_, .code = AD_REDUCE_##kernel, \
                                             .options_size = sizeof(struct reduction), .fields = reduction_fields, __VA_ARGS__ }; \
    AD_OPERATION(name_##_op);
#define FUNCTION(name)                                                                                                 \
    ad_array *ad_##name##_with(ad_array *x, ad_reduce_options options)                                                 \
    {                                                                                                                  \
        return ad_reduce_takes("ad_" #name, &options, AD_TAKES_KEEPDIMS) ? reduce(&name##_op, x, &options) : NULL;     \
    }

/* ---- sum: the transpose spreads g over the axes that were summed ---- */

static ad_array *sum_transpose(const ad_node *node, int operand, ad_array *g)
{
    return ad_broadcast_to(restore(node, g), ad_node_shape(node, operand));
}

REDUCTION(sum, SUM, reduce_infer, reduce_eval, .linear = AD_LINEAR, .vjp = sum_transpose)

/* The sum over the axes of a node. */
static ad_array *sum_like(const ad_node *node, ad_array *x, bool keepdims)
{
    const struct reduction *r = ad_node_options(node);
    return ad_call_primitive(&sum_op, &x, 1, &(struct reduction){ r->axes, keepdims });
}

/* ---- sum of squares, of real numbers ---- */

static ad_array *squares_vjp(const ad_node *node, int operand, ad_array *g)
{
    return ad_zzmul(restore(node, g), ad_mul(2, ad_node_input(node, operand)));
}

static ad_array *squares_jvp(const ad_node *node, int operand, ad_array *t)
{
    return sum_like(node, ad_zzmul(t, ad_mul(2, ad_node_input(node, operand))), ((const struct reduction *)ad_node_options(node))->keepdims);
}

REDUCTION(sum_of_squares, SQUARES, reduce_infer, reduce_eval, .vjp = squares_vjp, .jvp = squares_jvp, .saves = AD_SAVE_INPUTS)

/* ---- product ---- */

/* For each element the product of the others: of those before it times those after it. For that the reduced axes are
 * brought to the end and made one. */
static ad_array *product_of_others(const ad_node *node, ad_array *x)
{
    if (!x)
        return NULL;
    const struct reduction *r = ad_node_options(node);
    ad_axes order = { 0 }, back = { .count = x->ndim };
    ad_shape rows = { 0 }, moved = { .ndim = x->ndim };
    for (int i = 0; i < x->ndim; i++)
        if (!is_reduced(r, i)) {
            rows.dim[rows.ndim++] = ad_dims(x)[i];
            order.axis[order.count++] = i;
        }
    for (int i = 0; i < x->ndim; i++)
        if (is_reduced(r, i))
            order.axis[order.count++] = i;
    rows.dim[rows.ndim++] = count_of(x, r);
    for (int i = 0; i < x->ndim; i++) {
        moved.dim[i] = ad_dims(x)[order.axis[i]];
        back.axis[order.axis[i]] = i;
    }
    ad_array *row = ad_reshape(ad_transpose(x, .axes = order), rows);
    ad_array *before = ad_cumprod(row, .axis = -1, .exclusive = true);
    ad_array *after = ad_cumprod(row, .axis = -1, .exclusive = true, .reverse = true);
    return ad_transpose(ad_reshape(ad_mul(before, after), moved), .axes = back);
}

static bool no_axes(const ad_node *node)
{
    return ((const struct reduction *)ad_node_options(node))->axes == 0;
}

static ad_array *prod_vjp(const ad_node *node, int operand, ad_array *g)
{
    return no_axes(node) ? g : ad_zzmul(restore(node, g), product_of_others(node, ad_node_input(node, operand)));
}

static ad_array *prod_jvp(const ad_node *node, int operand, ad_array *t)
{
    const struct reduction *r = ad_node_options(node);
    return no_axes(node) ? t : sum_like(node, ad_zzmul(t, product_of_others(node, ad_node_input(node, operand))), r->keepdims);
}

REDUCTION(prod, PROD, reduce_infer, reduce_eval, .vjp = prod_vjp, .jvp = prod_jvp, .saves = AD_SAVE_INPUTS)

/* Reduces in the dtype asked for, and gives a result of that dtype. `neutral` changes no result, and `join` adds one
 * more element. */
static ad_array *reduce_in(const ad_primitive *op, ad_array *x, const ad_reduce_options *o, double neutral, ad_array *(*join)(ad_array *, ad_array *))
{
    if (!ad_reduce_takes(op->name, o, AD_TAKES_KEEPDIMS | AD_TAKES_DTYPE | AD_TAKES_WHERE | AD_TAKES_INITIAL))
        return NULL;
    if (o->dtype != AD_NO_DTYPE)
        x = ad_astype(x, o->dtype);
    if (o->where)
        x = ad_where_included(op->name, x, o, ad_weak_real(neutral));
    ad_array *y = reduce(op, x, o);
    if (o->dtype != AD_NO_DTYPE)
        y = ad_astype(y, o->dtype);
    return y && o->initial ? join(y, ad_initial_of(op->name, o, (ad_dtype)y->dtype)) : y;
}

ad_array *ad_sum_with(ad_array *x, ad_reduce_options options)
{
    return reduce_in(&sum_op, x, &options, 0, ad_add);
}

ad_array *ad_prod_with(ad_array *x, ad_reduce_options options)
{
    return reduce_in(&prod_op, x, &options, 1, ad_mul);
}

/* ---- extrema: the elements that attain the result share what comes ---- */

/* If a result has fewer elements than these to choose from, a mask costs no more than places. */
enum { FEW_ELEMENTS = 32 };

/* The elements of x that attain the result y, if each result is attained once or twice. */
struct attained {
    ad_array *places;  /* in the flattened input; NULL: a result is attained more often */
    ad_array *results; /* the number of the result of each; NULL if each is attained once: the places then have the order and shape of the results */
    ad_array *share;   /* one over the number of elements that attain the same result, in the input's dtype */
};

/* For `count` places, one for each result, in the order of the results. */
static bool place_of_each(struct attained *a, ad_shape shape, int64_t count, const int64_t *places, const int64_t *results)
{
    a->places = ad_array_new(ad_current(), AD_I64, shape.ndim, shape.dim);
    if (a->places)
        ad_put_rows(sizeof *places, 1, count, 1, results, count, (struct ad_rows){ (const char *)places, 0, sizeof *places }, operand_of(a->places).data);
    return a->places != NULL;
}

static bool place_some(struct attained *a, const ad_array *y, int64_t count, const int64_t *places, const int64_t *results)
{
    a->results = ad_from_data(AD_I64, results, AD_SHAPE(count));
    ad_array *times = a->results ? ad_put_add(ad_zeros(AD_SHAPE(y->size), .dtype = AD_I64), a->results, ad_weak_integer(1)) : NULL;
    a->share = times ? ad_astype(ad_take(times, a->results), (ad_dtype)y->dtype) : NULL;
    if (!a->share || ad_item_int(ad_max(times)) > 2)
        return a->share != NULL;
    return (a->places = ad_from_data(AD_I64, places, AD_SHAPE(count))) != NULL;
}

static bool find_attained(const struct reduction *r, const ad_array *x, ad_array *y, struct attained *a)
{
    ad_context *c = ad_current();
    bool reduced[AD_MAX_NDIM];
    *a = (struct attained){ 0 };
    if (!(y = ad_array_contiguous(c, y)))
        return false;
    for (int i = 0; i < x->ndim; i++)
        reduced[i] = is_reduced(r, i);
    int64_t room = 2 * y->size;
    size_t bytes = (size_t)(2 * room + AD_ATTAINED_SLACK) * sizeof(int64_t);
    int64_t *results = ad_allocate(c, bytes), *places = results ? results + room : NULL;
    if (!results)
        return false;
    int64_t count = ad_attained_places(c->loops, x->ndim, ad_dims(x), reduced, operand_of(x), memory_of(y), room, places, results);
    bool done = count > room || (count == y->size ? place_of_each(a, ad_shape_of(y), count, places, results) : place_some(a, y, count, places, results));
    ad_deallocate(c, results, bytes);
    return done;
}

/* p at the elements of x that attain the result y, divided by their number, and 0 elsewhere. If the result is NaN, the
 * NaN attain it. */
static ad_array *shared(const ad_node *node, ad_array *x, ad_array *y, ad_array *p)
{
    ad_array *attained = ad_attains(x, restore(node, y)), *count = ad_astype(sum_like(node, attained, true), ad_node_dtype(node, 0));
    return ad_where(attained, ad_div(p, count), 0);
}

/* ---- what t, of the shape of x, has where x attains y, in the mean of those that attain one result ---- */

enum { PART, OF_X, OF_Y }; /* operands */

static bool attained_infer(const ad_node *node, ad_spec *output)
{
    output->dtype = ad_input_dtype(node, PART);
    ad_shape_set(&output->shape, ad_input_ndim(node, OF_Y), ad_input_dims(node, OF_Y));
    return true;
}

static ad_array *attained_compose(const ad_node *node, const ad_spec *output)
{
    const struct reduction *r = ad_node_options(node);
    ad_array *t = ad_node_input(node, PART), *x = ad_node_input(node, OF_X), *y = ad_node_input(node, OF_Y);
    struct attained a;
    if (!find_attained(r, x, y, &a))
        return NULL;
    if (!a.places)
        return sum_like(node, shared(node, x, y, t), r->keepdims);
    t = ad_pick(t, a.places);
    return a.results ? ad_put_add(ad_zeros(output->shape, .dtype = output->dtype), a.results, ad_div(t, a.share)) : t;
}

/* If `sum` is all zeros, it is replaced, so that the cotangent's own zeros keep their sign. */
static bool attained_vjp_into(const ad_node *node, ad_array *g, void *sum, bool zeros)
{
    ad_context *c = ad_current();
    ad_array *x = ad_node_input(node, OF_X), *y = ad_node_input(node, OF_Y);
    int64_t strides[AD_MAX_NDIM];
    struct attained a;
    if (!x || !y || !find_attained(ad_node_options(node), x, y, &a))
        return false;
    ad_dtype dtype = (ad_dtype)x->dtype;
    ad_array *part = !a.places ? shared(node, x, y, restore(node, g)) : a.results ? ad_div(ad_take(g, a.results), a.share) : g;
    if (!part || (a.places && !(part = ad_array_contiguous(c, part))))
        return false;
    if (a.places && zeros) {
        const int64_t *places = (const int64_t *)memory_of(a.places);
        ad_put_rows((size_t)ad_item_size(dtype), 1, x->size, 1, places, part->size, (struct ad_rows){ memory_of(part), 0, ad_item_size(dtype) }, sum);
        return true;
    }
    if (a.places) {
        ad_scatter_add(dtype, 1, x->size, 1, (const int64_t *)memory_of(a.places), part->size, memory_of(part), sum);
        return true;
    }
    c_order_strides(dtype, x->ndim, ad_dims(x), strides);
    struct ad_operand whole = { sum, strides, dtype };
    if (zeros)
        ad_copy_strided(x->ndim, ad_dims(x), operand_of(part), whole);
    else
        ad_add_strided(c->loops, x->ndim, ad_dims(x), operand_of(part), whole);
    return true;
}

static const ad_primitive attained_op = {
    .name = "ad_attained", .infer = attained_infer, .compose = attained_compose, .vjp_into = attained_vjp_into, .linear = AD_LINEAR,
    .parameters = 1u << OF_X | 1u << OF_Y, .saves = AD_SAVE_INPUT(OF_X) | AD_SAVE_INPUT(OF_Y), .options_size = sizeof(struct reduction),
    .fields = reduction_fields,
};
AD_OPERATION(attained_op);

/* The inputs of attained_op for the node of an extremum. In x and y there is no derivative, though they may be
 * functions of outer levels, or of one under which these calls are made again. */
static bool inputs_of_attained(const ad_node *node, ad_array *part, ad_array **inputs)
{
    ad_array *x = ad_node_input(node, 0), *y = ad_node_output(node, 0);
    inputs[PART] = part;
    inputs[OF_X] = x ? ad_stop_gradient(x) : NULL;
    inputs[OF_Y] = y ? ad_stop_gradient(y) : NULL;
    return inputs[OF_X] && inputs[OF_Y];
}

static bool is_short(const ad_node *node)
{
    ad_array *x = ad_node_input(node, 0);
    return x && count_of(x, ad_node_options(node)) < FEW_ELEMENTS;
}

static ad_array *extremum_vjp(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    ad_array *inputs[3];
    if (no_axes(node))
        return g;
    if (is_short(node))
        return shared(node, ad_node_input(node, 0), ad_node_output(node, 0), restore(node, g));
    return inputs_of_attained(node, g, inputs) ? ad_cotangent_of_part(node, &attained_op, ad_node_options(node), inputs, 3) : NULL;
}

static ad_array *extremum_jvp(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    ad_array *inputs[3];
    if (no_axes(node))
        return t;
    if (is_short(node))
        return sum_like(node, shared(node, ad_node_input(node, 0), ad_node_output(node, 0), t), ((const struct reduction *)ad_node_options(node))->keepdims);
    return inputs_of_attained(node, t, inputs) ? ad_call_primitive(&attained_op, inputs, 3, ad_node_options(node)) : NULL;
}

#define EXTREMUM .vjp = extremum_vjp, .jvp = extremum_jvp, .saves = AD_SAVE_INPUTS | AD_SAVE_OUTPUT

REDUCTION(max, MAX, choice_infer, reduce_eval, EXTREMUM)
REDUCTION(min, MIN, choice_infer, reduce_eval, EXTREMUM)
REDUCTION(argmax, ARGMAX, position_infer, position_eval, .constant = true)
REDUCTION(argmin, ARGMIN, position_infer, position_eval, .constant = true)
REDUCTION(any, ANY, reduce_infer, reduce_eval, .constant = true)
REDUCTION(all, ALL, reduce_infer, reduce_eval, .constant = true)
FUNCTION(argmax)
FUNCTION(argmin)

/* The extremum of the elements and of .initial, if there is one. */
static ad_array *choose(const ad_primitive *op, ad_array *x, const ad_reduce_options *o)
{
    struct reduction r;
    if (!ad_reduce_takes(op->name, o, AD_TAKES_KEEPDIMS | AD_TAKES_WHERE | AD_TAKES_INITIAL))
        return NULL;
    if (o->where && !o->initial)
        return ad_set_error(AD_ERROR_VALUE, "%s: with .where it needs an .initial, for where nothing is left", op->name);
    if (!x || !o->initial)
        return reduce(op, x, o);
    ad_array *initial = ad_initial_of(op->name, o, (ad_dtype)x->dtype);
    if (o->where)
        x = ad_where_included(op->name, x, o, initial);
    if (!x || !initial || !resolve(op->name, x, o, &r))
        return NULL;
    ad_array *y = reduce(count_of(x, &r) ? op : &sum_op, x, o), *begin = y ? ad_broadcast_to(initial, ad_shape_of(y)) : NULL;
    if (!begin || count_of(x, &r) == 0)
        return begin;
    ad_array *both = ad_stack(ad_list_of(y, begin));
    return ad_call_primitive(op, &both, 1, &(struct reduction){ 1, false });
}

ad_array *ad_max_with(ad_array *x, ad_reduce_options options)
{
    return choose(&max_op, x, &options);
}

ad_array *ad_min_with(ad_array *x, ad_reduce_options options)
{
    return choose(&min_op, x, &options);
}

static ad_array *truth(const ad_primitive *op, ad_array *x, const ad_reduce_options *o, int64_t neutral)
{
    if (!ad_reduce_takes(op->name, o, AD_TAKES_KEEPDIMS | AD_TAKES_WHERE))
        return NULL;
    return reduce(op, o->where ? ad_where_included(op->name, x, o, ad_weak_integer(neutral)) : x, o);
}

ad_array *ad_any_with(ad_array *x, ad_reduce_options options)
{
    return truth(&any_op, x, &options, 0);
}

ad_array *ad_all_with(ad_array *x, ad_reduce_options options)
{
    return truth(&all_op, x, &options, 1);
}

ad_array *ad_ptp_with(ad_array *x, ad_reduce_options options)
{
    struct reduction r;
    if (!ad_given(x, "ad_ptp", "array") || !ad_reduce_takes("ad_ptp", &options, AD_TAKES_KEEPDIMS))
        return NULL;
    if (!resolve("ad_ptp", x, &options, &r) || !has_choice("ad_ptp", x->ndim, ad_dims(x), &r))
        return NULL;
    return ad_sub(ad_max_with(x, options), ad_min_with(x, options));
}

/* ---- moments ---- */

/* x in the dtype that moments are computed in. */
static ad_array *as_float(ad_array *x, ad_reduce_options *o)
{
    ad_dtype dtype = o->dtype != AD_NO_DTYPE ? o->dtype : x && !ad_dtype_is_inexact((ad_dtype)x->dtype) ? AD_F64 : AD_NO_DTYPE;
    o->dtype = AD_NO_DTYPE;
    return dtype == AD_NO_DTYPE ? x : ad_astype(x, dtype);
}

/* The sum, or the sum of squares, over n - ddof, where n counts what .where includes. `name` is for the errors. */
static ad_array *average(const char *name, const ad_primitive *sum, ad_array *x, const ad_reduce_options *o)
{
    struct reduction r;
    if (!x || !resolve(name, x, o, &r))
        return NULL;
    if (o->where) {
        ad_array *mask = ad_mask_of_where(name, x, o->where), *n = ad_sub(reduce(&sum_op, mask, o), o->ddof);
        return ad_div(reduce(sum, ad_where(mask, x, 0), o), ad_astype(ad_maximum(n, 0), ad_dtype_real((ad_dtype)x->dtype)));
    }
    int64_t n = count_of(x, &r) - o->ddof;
    return ad_div(reduce(sum, x, o), n > 0 ? n : 0);
}

/* x minus its mean, in the dtype that moments are computed in. The options then no longer name a dtype. */
static ad_array *deviations(const char *name, ad_array *x, ad_reduce_options *options)
{
    if (!ad_given(x, name, "array") || !ad_reduce_takes(name, options, AD_TAKES_KEEPDIMS | AD_TAKES_DTYPE | AD_TAKES_WHERE | AD_TAKES_DDOF))
        return NULL;
    x = as_float(x, options);
    ad_reduce_options of_mean = *options;
    of_mean.keepdims = true;
    of_mean.ddof = 0;
    return ad_sub(x, average(name, &sum_op, x, &of_mean));
}

ad_array *ad_mean_with(ad_array *x, ad_reduce_options options)
{
    if (!ad_given(x, "ad_mean", "array") || !ad_reduce_takes("ad_mean", &options, AD_TAKES_KEEPDIMS | AD_TAKES_DTYPE | AD_TAKES_WHERE))
        return NULL;
    x = as_float(x, &options);
    return average("ad_mean", &sum_op, x, &options);
}

ad_array *ad_var_with(ad_array *x, ad_reduce_options options)
{
    ad_array *d = deviations("ad_var", x, &options);
    if (d && ad_dtype_is_complex((ad_dtype)d->dtype))
        return average("ad_var", &sum_op, ad_real(ad_mul(d, ad_conj(d))), &options);
    return average("ad_var", &sum_of_squares_op, d, &options);
}

/* It is the 2-norm of the deviations. The root of the variance could overflow or underflow. */
ad_array *ad_std_with(ad_array *x, ad_reduce_options options)
{
    struct reduction r;
    ad_axes axes = { 0 };
    ad_array *d = deviations("ad_std", x, &options);
    if (!d || !resolve("ad_std", d, &options, &r))
        return NULL;
    for (int i = 0; i < d->ndim; i++)
        if (is_reduced(&r, i))
            axes.axis[axes.count++] = i;
    ad_array *y;
    if (options.where) {
        ad_array *mask = ad_mask_of_where("ad_std", d, options.where), *n = ad_maximum(ad_sub(ad_sum(mask, .axes = axes, .keepdims = true), options.ddof), 0);
        y = ad_two_norm(ad_where(mask, d, 0), axes, 1);
        y = y ? ad_div(y, ad_sqrt(ad_astype(n, (ad_dtype)y->dtype))) : NULL;
    } else {
        int64_t n = count_of(d, &r) - options.ddof;
        y = ad_two_norm(d, axes, n > 0 ? (double)n : 0);
    }
    return options.keepdims || !axes.count ? y : ad_squeeze(y, .axes = axes);
}
