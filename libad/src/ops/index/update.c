/* Updates at places: how a value joins what is there.
 *
 * Setting and adding are operations of their own (gather.c). Of a product, a minimum or a maximum a place that is
 * named again joins one value after the other, so one primitive walks along the index. Its derivatives are walks too,
 * of tangents along the index and of cotangents back, and so are theirs: a set of joins, with a result of two kinds,
 * that is closed under differentiation. What is called does not depend on which places are named. */
#include "ad/array.h"
#include "ad/create.h"
#include "ad/index.h"
#include "ad/math.h"
#include "ad/reduce.h"
#include "ad/shape.h"
#include "ops/ops.h"
#include "tape/tape.h"
#include <string.h>

ad_array *ad_update_of(update kind, ad_array *old, ad_array *value)
{
    switch (kind) {
    case UPDATE_ADD: return ad_add(old, value);
    case UPDATE_MUL: return ad_mul(old, value);
    case UPDATE_MIN: return ad_minimum(old, value);
    case UPDATE_MAX: return ad_maximum(old, value);
    default: return value;
    }
}

/* ---- values that join one after the other, each with what stands at its place by then: operands are x, the values,
 * the places, and factors in a recurrence ---- */

enum { X, VALUE, INDEX, FACTOR };

/* In the order of the index or against it. */
struct walk {
    struct places places;
    bool reverse;
};

/* What a primitive gives: x with the values joined in, or for each value what the kernel keeps: what stood at its place
 * before it came, or of an extremum the slope along that. */
typedef enum walk_result { JOINED, KEPT } walk_result;

/* join + result: a primitive's code */
#define CODE(join, result) (2 * (join) + (result))

static ad_join join_of(const ad_node *node)
{
    return (ad_join)(ad_node_primitive(node)->code / 2);
}

static walk_result result_of(const ad_node *node)
{
    return (walk_result)(ad_node_primitive(node)->code % 2);
}

static bool is_extremum(ad_join join)
{
    return join == AD_JOIN_MIN || join == AD_JOIN_MAX;
}

static bool walk_infer(const ad_node *node, ad_spec *output)
{
    const struct walk *o = ad_node_options(node);
    output->dtype = ad_input_dtype(node, X);
    output->shape = ad_node_shape(node, result_of(node) == JOINED ? X : VALUE);
    return ad_index_fits(&o->places, node, INDEX);
}

/* All but the values. */
static bool places_of_walk(const ad_node *node, struct ad_scratch *room, struct ad_walk *w)
{
    const struct walk *o = ad_node_options(node);
    const ad_array *x = node->inputs[X], *index = ad_node_input(node, INDEX);
    struct layout l = layout_of(x, o->places.axis);
    *w = (struct ad_walk){ .join = join_of(node), .dtype = (ad_dtype)x->dtype, .reverse = o->reverse, .outer = l.outer, .n = l.n, .inner = l.inner };
    w->count = index ? index->size : 0;
    w->index = index ? ad_places_within(&o->places, index, l.n, room) : NULL;
    return w->index != NULL;
}

/* An array of the values' shape. */
static bool rows_along(const ad_node *node, ad_array *x, struct ad_rows *rows)
{
    const struct walk *o = ad_node_options(node);
    return ad_rows_of(x, o->places.axis, ad_input_ndim(node, INDEX), rows);
}

/* In a copy of x, or where few places are named, of these. */
static bool walk_aside(struct ad_walk *w, const void *x, void *kept)
{
    enum { SPARSE = 8 };
    AD_SCRATCH copy = { 0 }, numbers = { 0 };
    ad_context *c = ad_current();
    size_t row = (size_t)(w->outer * w->inner * ad_item_size(w->dtype));
    bool sparse = w->count < w->n / SPARSE;
    int64_t size = 2;
    while (sparse && size <= w->count)
        size *= 2;
    int64_t *number = sparse ? ad_scratch_take(c, &numbers, 1, (size_t)(2 * w->count + size) * sizeof *number) : NULL, *different = number + w->count;
    void *state = sparse && !number ? NULL : ad_scratch_take(c, &copy, 1, (size_t)(sparse ? w->count : w->n) * row);
    if (!state)
        return false;
    if (sparse) {
        int64_t found = ad_number_places(w->index, w->count, number, different, different + w->count, size);
        ad_gather((size_t)ad_item_size(w->dtype), w->outer, w->n, w->inner, different, found, x, state);
        w->index = number;
        w->n = found;
    } else {
        memcpy(state, x, (size_t)w->n * row);
    }
    ad_walk_places(w, state, kept);
    return true;
}

static bool walk_eval(const ad_node *node, void *const *outputs)
{
    AD_SCRATCH room = { 0 };
    struct ad_walk w;
    const ad_array *x = ad_node_input(node, X);
    const void *data = data_of(node, X);
    if (!data || !places_of_walk(node, &room, &w) || !rows_along(node, ad_node_input(node, VALUE), &w.value))
        return false;
    if (w.join == AD_JOIN_RECURRENCE && !rows_along(node, ad_node_input(node, FACTOR), &w.factor))
        return false;
    if (result_of(node) == KEPT)
        return walk_aside(&w, data, outputs[0]);
    memcpy(outputs[0], data, (size_t)x->size * (size_t)ad_item_size(w.dtype));
    ad_walk_places(&w, outputs[0], NULL);
    return true;
}

static ad_array *walk_vjp(const ad_node *node, int operand, ad_array *g);
static bool walk_vjp_within(const ad_node *node, void *g);
static ad_array *walk_jvp(const ad_node *node, int operand, ad_array *t);

static const ad_field walk_fields[] = {
    AD_FIELD(struct walk, places.operation, ASIDE),
    { "axis", offsetof(struct walk, places.axis), sizeof(int), AD_FIELD_INT, false, NULL },
    AD_FIELD(struct walk, places.named, ASIDE),
    AD_FIELD(struct walk, reverse, FLAG),
    AD_FIELDS_END,
};

#define WALK \
    .infer = walk_infer, .eval = walk_eval, .parameters = 1u << INDEX, .options_size = sizeof(struct walk), .fields = walk_fields

/* PUT(mul, AD_JOIN_MUL, saved) defines the primitive put_mul_op, ad_put_mul, which gives x with the values joined in;
 * BEFORE so before_mul_op, which gives what stood there before; SLOPE(min, AD_JOIN_MIN) so slope_min_op. */
#define PUT(kind, join, saved)                                                                                         \
    static const ad_primitive put_##kind##_op = {                                                                      \
        .name = "ad_put_" #kind, .code = CODE(join, JOINED), .vjp = walk_vjp, .vjp_within = walk_vjp_within, .jvp = walk_jvp, .saves = saved, WALK, \
    };                                                                                                                 \
    AD_OPERATION(put_##kind##_op)
#define BEFORE(kind, join, saved)                                                                                      \
    static const ad_primitive before_##kind##_op = {                                                                   \
        .name = "ad_before_" #kind, .code = CODE(join, KEPT), .vjp = walk_vjp, .jvp = walk_jvp, .saves = saved, WALK,  \
    };                                                                                                                 \
    AD_OPERATION(before_##kind##_op)
#define SLOPE(kind, join)                                                                                              \
    static const ad_primitive slope_##kind##_op = { .name = "ad_slope_" #kind, .code = CODE(join, KEPT), .constant = true, WALK }; \
    AD_OPERATION(slope_##kind##_op)

PUT(mul, AD_JOIN_MUL, AD_SAVE_OTHERS | AD_SAVE_INPUT(VALUE));
PUT(zzmul, AD_JOIN_ZZMUL, AD_SAVE_OTHERS | AD_SAVE_INPUT(VALUE));
PUT(recurrence, AD_JOIN_RECURRENCE, AD_SAVE_OTHERS | AD_SAVE_INPUT(FACTOR));
PUT(min, AD_JOIN_MIN, AD_SAVE_INPUTS);
PUT(max, AD_JOIN_MAX, AD_SAVE_INPUTS);
BEFORE(mul, AD_JOIN_MUL, AD_SAVE_INPUT(VALUE) | AD_SAVE_INPUT(INDEX) | AD_SAVE_OUTPUT);
BEFORE(zzmul, AD_JOIN_ZZMUL, AD_SAVE_INPUT(VALUE) | AD_SAVE_INPUT(INDEX) | AD_SAVE_OUTPUT);
BEFORE(recurrence, AD_JOIN_RECURRENCE, AD_SAVE_INPUT(FACTOR) | AD_SAVE_INPUT(INDEX) | AD_SAVE_OUTPUT);
SLOPE(min, AD_JOIN_MIN);
SLOPE(max, AD_JOIN_MAX);

static const ad_primitive *const walks[] = {
    [CODE(AD_JOIN_MUL, JOINED)] = &put_mul_op,
    [CODE(AD_JOIN_MUL, KEPT)] = &before_mul_op,
    [CODE(AD_JOIN_ZZMUL, JOINED)] = &put_zzmul_op,
    [CODE(AD_JOIN_ZZMUL, KEPT)] = &before_zzmul_op,
    [CODE(AD_JOIN_RECURRENCE, JOINED)] = &put_recurrence_op,
    [CODE(AD_JOIN_RECURRENCE, KEPT)] = &before_recurrence_op,
    [CODE(AD_JOIN_MIN, JOINED)] = &put_min_op,
    [CODE(AD_JOIN_MIN, KEPT)] = &slope_min_op,
    [CODE(AD_JOIN_MAX, JOINED)] = &put_max_op,
    [CODE(AD_JOIN_MAX, KEPT)] = &slope_max_op,
};

/* With the places of a node. */
static ad_array *walked(const ad_node *node, ad_join join, walk_result result, bool reverse, ad_array *x, ad_array *value, ad_array *factor)
{
    const struct walk *o = ad_node_options(node);
    ad_array *inputs[] = { [X] = x, [VALUE] = value, [INDEX] = ad_node_input(node, INDEX), [FACTOR] = factor };
    return x && value ? ad_call_primitive(walks[CODE(join, result)], inputs, factor ? 4 : 3, &(struct walk){ o->places, reverse }) : NULL;
}

/* ---- rules: y = join(before, value) of each value, with its slopes along what stood before and along what comes
 * ---- */

static ad_array *kept(const ad_node *node)
{
    const struct walk *o = ad_node_options(node);
    ad_join join = join_of(node);
    if (result_of(node) == KEPT)
        return ad_node_output(node, 0);
    ad_array *factor = join == AD_JOIN_RECURRENCE ? ad_node_input(node, FACTOR) : NULL;
    return walked(node, join, KEPT, o->reverse, ad_node_input(node, X), ad_node_input(node, VALUE), factor);
}

static ad_array *slope_along_before(const ad_node *node)
{
    ad_join join = join_of(node);
    return is_extremum(join) ? kept(node) : ad_node_input(node, join == AD_JOIN_RECURRENCE ? FACTOR : VALUE);
}

/* d times the slope along an operand that comes with each value; `along_before`: that along what stood before. */
static ad_array *times_slope(const ad_node *node, int operand, ad_array *d, ad_array *along_before)
{
    if (join_of(node) == AD_JOIN_RECURRENCE && operand == VALUE)
        return d;
    return ad_zzmul(d, is_extremum(join_of(node)) ? ad_sub(1, along_before) : kept(node));
}

/* A tangent t of x goes along with what stands there; one of a value joins it there. */
static ad_array *walk_jvp(const ad_node *node, int operand, ad_array *t)
{
    const struct walk *o = ad_node_options(node);
    ad_array *slope = slope_along_before(node);
    if (operand == X)
        return walked(node, AD_JOIN_ZZMUL, result_of(node), o->reverse, t, slope, NULL);
    ad_array *nothing = ad_zeros(ad_node_shape(node, X), .dtype = ad_dtype_of(t));
    return walked(node, AD_JOIN_RECURRENCE, result_of(node), o->reverse, nothing, times_slope(node, operand, t, slope), slope);
}

/* The same walk back, on which the cotangent g of what stood before a value joins where that value came. */
static ad_array *walk_vjp(const ad_node *node, int operand, ad_array *g)
{
    const struct walk *o = ad_node_options(node);
    ad_array *slope = slope_along_before(node), *d;
    walk_result result = operand == X ? JOINED : KEPT;
    if (result_of(node) == JOINED)
        d = walked(node, AD_JOIN_ZZMUL, result, !o->reverse, g, slope, NULL);
    else
        d = walked(node, AD_JOIN_RECURRENCE, result, !o->reverse, ad_zeros(ad_node_shape(node, X), .dtype = ad_dtype_of(g)), g, slope);
    return operand == X || !d ? d : times_slope(node, operand, d, slope);
}

static bool walk_vjp_within(const ad_node *node, void *g)
{
    AD_SCRATCH room = { 0 };
    struct ad_walk w;
    if (!places_of_walk(node, &room, &w) || !rows_along(node, slope_along_before(node), &w.value))
        return false;
    w.join = AD_JOIN_ZZMUL;
    w.reverse = !w.reverse;
    ad_walk_places(&w, g, NULL);
    return true;
}

/* ---- updates ---- */

ad_array *ad_update_places(update kind, struct places p, ad_array *x, ad_array *index, ad_array *value)
{
    static const ad_join joins[] = { [UPDATE_MUL] = AD_JOIN_MUL, [UPDATE_MIN] = AD_JOIN_MIN, [UPDATE_MAX] = AD_JOIN_MAX };
    ad_shape shape;
    if (!x || !index || !ad_shape_of_places(&p, x, index, &shape))
        return NULL;
    value = ad_value_like(p.operation, value, x, shape);
    switch (kind) {
    case UPDATE_SET: return ad_put_places(p, x, index, value);
    case UPDATE_ADD: return ad_add_places(p, x, index, value);
    default: return value ? ad_call_primitive(walks[CODE(joins[kind], JOINED)], (ad_array *[]){ x, value, index }, 3, &(struct walk){ p, false }) : NULL;
    }
}

ad_array *ad_value_like(const char *operation, ad_array *value, const ad_array *x, ad_shape shape)
{
    if (!value)
        return NULL;
    if (ad_dtype_is_complex((ad_dtype)value->dtype) && !ad_dtype_is_complex((ad_dtype)x->dtype))
        return ad_set_error(AD_ERROR_DTYPE, "%s: a value of dtype %s into an array of dtype %s; take its ad_real", operation,
                            ad_dtype_name((ad_dtype)value->dtype), ad_dtype_name((ad_dtype)x->dtype));
    if (!ad_number_fits(operation, value, (ad_dtype)x->dtype))
        return NULL;
    ad_shape_buffer text;
    if (!ad_shape_broadcasts_to(value, shape))
        return ad_set_error(AD_ERROR_SHAPE, "%s: a value of shape %s does not broadcast to the places' shape %s", operation, AD_SHAPE_TEXT(value),
                            ad_shape_text(text.text, sizeof text, shape.ndim, shape.dim));
    return ad_broadcast_to(ad_astype(value, (ad_dtype)x->dtype), shape);
}
