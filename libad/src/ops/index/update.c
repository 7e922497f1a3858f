/* Updates at places: how a value joins what is there.
 *
 * Setting and adding are operations of their own (gather.c). Of a product, a minimum or a maximum a place that is
 * named again joins one value after the other. So the places are brought into order, in which those that are the
 * same lie together, a running fold begins anew with each of them, and the last of its results is put. What is
 * computed does not depend on which places are named. */
#include "ad/array.h"
#include "ad/create.h"
#include "ad/index.h"
#include "ad/math.h"
#include "ad/reduce.h"
#include "ad/shape.h"
#include "ops/ops.h"
#include "tape/tape.h"

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

/* ---- a running fold along an axis: y_j = f(before_j, value_j), where before_j is begin_j if first_j, else y_(j-1) ---- */

enum { BEGIN, VALUE, STARTS }; /* operands; the last has length 1 beside the axis */

struct fold {
    int axis;
};

static bool fold_eval(const ad_node *node, void *const *outputs)
{
    static const ad_loop_id loops[] = { [UPDATE_MUL] = AD_LOOP_mul, [UPDATE_MIN] = AD_LOOP_minimum, [UPDATE_MAX] = AD_LOOP_maximum };
    const struct fold *o = ad_node_options(node);
    const ad_array *x = ad_node_input(node, BEGIN);
    const void *begin = data_of(node, BEGIN), *value = data_of(node, VALUE), *first = data_of(node, STARTS);
    if (!begin || !value || !first)
        return false;
    ad_dtype dtype = (ad_dtype)x->dtype;
    struct layout l = layout_of(x, o->axis);
    ad_loop *loop = ad_current()->loops->loop[loops[ad_node_primitive(node)->code]][dtype];
    ad_run_fold(loop, ad_item_size(dtype), l.outer, l.n, l.inner, first, begin, value, outputs[0]);
    return true;
}

/* The slopes of f: along what was there before (which = BEGIN), and along the value. */
static ad_array *slope(const ad_node *node, int which)
{
    const struct fold *o = ad_node_options(node);
    ad_array *value = ad_node_input(node, VALUE), *first = ad_node_input(node, STARTS);
    ad_array *before = ad_where(first, ad_node_input(node, BEGIN), ad_shifted(ad_node_output(node, 0), o->axis, false));
    ad_array *a = which == BEGIN ? before : value, *b = which == BEGIN ? value : before;
    switch (ad_node_primitive(node)->code) {
    case UPDATE_MUL: return b;
    case UPDATE_MIN: return ad_share(a, b, ad_less(a, b));
    default: return ad_share(a, b, ad_greater(a, b));
    }
}

/* What each y_j takes over from the one before. */
static ad_array *taken_over(const ad_node *node)
{
    return ad_where(ad_node_input(node, STARTS), 0, slope(node, BEGIN));
}

static ad_array *fold_jvp(const ad_node *node, int operand, ad_array *t)
{
    const struct fold *o = ad_node_options(node);
    ad_array *added = ad_zzmul(t, slope(node, operand));
    if (operand == BEGIN)
        added = ad_where(ad_node_input(node, STARTS), added, 0);
    return ad_linear_recurrence(taken_over(node), added, .axis = o->axis);
}

static ad_array *fold_vjp(const ad_node *node, int operand, ad_array *g)
{
    const struct fold *o = ad_node_options(node);
    ad_array *r = ad_linear_recurrence(ad_shifted(taken_over(node), o->axis, true), g, .axis = o->axis, .reverse = true);
    ad_array *d = ad_zzmul(r, slope(node, operand));
    return operand == BEGIN ? ad_where(ad_node_input(node, STARTS), d, 0) : d;
}

static const ad_field fold_fields[] = { AD_FIELD(struct fold, axis, INT), AD_FIELDS_END };

/* FOLD(mul, UPDATE_MUL) defines the primitive mul_op. */
#define FOLD(name_, kind)                                                                                              \
    static const ad_primitive name_##_op = {                                                                           \
        .name = "ad_running_" #name_, .infer = ad_same_infer, .eval = fold_eval, .vjp = fold_vjp, .jvp = fold_jvp, .code = kind, .parameters = 1u << STARTS, \
        .saves = AD_SAVE_INPUTS | AD_SAVE_OUTPUT, .options_size = sizeof(struct fold), .fields = fold_fields,          \
    };                                                                                                                 \
    AD_OPERATION(name_##_op);

FOLD(mul, UPDATE_MUL)
FOLD(min, UPDATE_MIN)
FOLD(max, UPDATE_MAX)

/* ---- updates ---- */

/* value has the shape of what the index reads. */
static ad_array *fold_places(update kind, struct places p, ad_array *x, ad_array *index, ad_array *value)
{
    enum { ORDER, SORTED, FIRST };
    const ad_primitive *op = kind == UPDATE_MUL ? &mul_op : kind == UPDATE_MIN ? &min_op : &max_op;
    ad_array *in_order[3];
    if (!ad_places_in_order(p, index, ad_dims(x)[p.axis], in_order))
        return NULL;
    ad_shape rows = ad_shape_of(x), along = { .ndim = x->ndim };
    rows.dim[p.axis] = index->size;
    for (int i = 0; i < along.ndim; i++)
        along.dim[i] = i == p.axis ? index->size : 1;
    ad_array *begin = ad_read_places(p, x, in_order[SORTED]), *values = ad_read_places(p, ad_reshape(value, rows), in_order[ORDER]);
    ad_array *starts = ad_reshape(in_order[FIRST], along);
    if (!begin || !values || !starts)
        return NULL;
    return ad_put_places(p, x, in_order[SORTED], ad_call_primitive(op, (ad_array *[]){ begin, values, starts }, 3, &(struct fold){ p.axis }));
}

ad_array *ad_update_places(update kind, struct places p, ad_array *x, ad_array *index, ad_array *value)
{
    ad_shape shape;
    if (!x || !index || !ad_shape_of_places(&p, x, index, &shape))
        return NULL;
    value = ad_value_like(p.operation, value, x, shape);
    switch (kind) {
    case UPDATE_SET: return ad_put_places(p, x, index, value);
    case UPDATE_ADD: return ad_add_places(p, x, index, value);
    default: return value ? fold_places(kind, p, x, index, value) : NULL;
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
