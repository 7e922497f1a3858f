/* Elements named by integers: gathers, and their transposes.
 *
 * There are four primitives along one axis, all linear. gather reads places. put replaces what is there; if a place is
 * named again, the last value stays. add adds to what is there. gather_last reads a place only where it is named for
 * the last time. The places are their last operand, an index as users give it: of any integer dtype and shape, with
 * negative ones counted from the end. Each primitive checks that the places are within the axis. */
#include "ad/array.h"
#include "ad/create.h"
#include "ad/index.h"
#include "ad/math.h"
#include "ad/reduce.h"
#include "ad/shape.h"
#include "array/hash.h"
#include "ops/ops.h"
#include "tape/tape.h"
#include <string.h>

/* ---- an index as an operand ---- */

static const struct places *places_of(const ad_node *node)
{
    return ad_node_options(node);
}

bool ad_index_fits(const struct places *p, const ad_node *node, int operand)
{
    ad_dtype dtype = ad_input_dtype(node, operand);
    if (ad_dtype_is_inexact(dtype) && ad_input_size(node, operand))
        return AD_FAIL(AD_ERROR_DTYPE, "%s: an index of dtype %s; it should be integers", p->operation, ad_dtype_name(dtype));
    return dtype != AD_BOOL || AD_FAIL(AD_ERROR_DTYPE, "%s: an index of dtype bool; a mask goes to ad_compress or ad_at_list", p->operation);
}

static int64_t *copy_of_integers(const ad_array *index, struct ad_scratch *room)
{
    int64_t strides[AD_MAX_NDIM], *copy = ad_scratch_take(ad_current(), room, 1, (size_t)index->size * sizeof *copy);
    c_order_strides(AD_I64, index->ndim, ad_dims(index), strides);
    if (copy)
        ad_copy_strided(index->ndim, ad_dims(index), operand_of(index), (struct ad_operand){ (char *)copy, strides, AD_I64 });
    return copy;
}

const int64_t *ad_integers_of(const ad_array *index, struct ad_scratch *room)
{
    bool ready = index->dtype == AD_I64 && index->flags & AD_CONTIGUOUS;
    return ready ? (const int64_t *)memory_of(index) : copy_of_integers(index, room);
}

const int64_t *ad_places_within(const struct places *p, const ad_array *index, int64_t n, struct ad_scratch *room)
{
    const struct ad_indices *indices = ad_current()->loops->indices;
    const int64_t *given = ad_integers_of(index, room);
    if (!given || indices->all_within(index->size, n, given))
        return given;
    int64_t *places = room->bytes ? (int64_t *)given : copy_of_integers(index, room);
    if (!places || indices->count_from_end(index->size, n, places))
        return places;
    int64_t beyond = ad_first_beyond(n, places);
    return ad_set_error(AD_ERROR_INDEX, "%s: index %lld is out of bounds for axis %d of length %lld", p->operation,
                        (long long)(beyond < 0 ? beyond - n : beyond), p->named, (long long)n);
}

/* The dimensions of x, with those of index in place of the axis; false on error. */
static bool shape_in_place(const char *operation, int ndim, const int64_t *dims, int index_ndim, const int64_t *index_dims, int axis, ad_shape *shape)
{
    shape->ndim = ndim - 1 + index_ndim;
    if (!ad_count_fits(operation, shape->ndim, AD_MAX_NDIM, "dimensions"))
        return false;
    for (int i = 0; i < axis; i++)
        shape->dim[i] = dims[i];
    for (int i = 0; i < index_ndim; i++)
        shape->dim[axis + i] = index_dims[i];
    for (int i = axis + 1; i < ndim; i++)
        shape->dim[i - 1 + index_ndim] = dims[i];
    return true;
}

/* What a call of the primitives works on: an array like its first operand, and the places within its axis. */
struct work {
    struct layout l; /* of that array */
    ad_dtype dtype;
    size_t item;
    const int64_t *index;
    int64_t count;
};

/* `places` is the number of the operand with the places. False and an error. */
static bool work_of(const ad_node *node, int places, struct ad_scratch *room, struct work *w)
{
    const struct places *p = places_of(node);
    const ad_array *like = node->inputs[0], *index = ad_node_input(node, places);
    if (!index)
        return false;
    w->l = layout_of(like, p->axis);
    w->dtype = (ad_dtype)like->dtype;
    w->item = (size_t)ad_item_size(w->dtype);
    w->count = index->size;
    w->index = ad_places_within(p, index, w->l.n, room);
    return w->index != NULL;
}

/* ---- reading: operands are the array and the places ---- */

enum { ALL, LAST }; /* a primitive's code: whether a place that is named again is read every time, or only the last time */

static bool gather_infer(const ad_node *node, ad_spec *output)
{
    const struct places *p = places_of(node);
    output->dtype = ad_input_dtype(node, 0);
    return shape_in_place(p->operation, ad_input_ndim(node, 0), ad_input_dims(node, 0), ad_input_ndim(node, 1), ad_input_dims(node, 1), p->axis,
                          &output->shape) &&
           ad_index_fits(p, node, 1);
}

/* Clears the rows of places that are named again later. */
static bool keep_last(const struct work *w, void *rows)
{
    ad_context *c = ad_current();
    size_t bytes = (size_t)(w->l.n + w->count);
    uint8_t *named = ad_allocate(c, bytes), *last = named ? named + w->l.n : NULL;
    if (named && ad_last_named(w->l.n, w->index, w->count, named, last) < w->count)
        ad_keep_rows(w->item, w->l.outer, w->count, w->l.inner, last, rows);
    ad_deallocate(c, named, bytes);
    return named != NULL;
}

static bool gather_eval(const ad_node *node, void *const *outputs)
{
    AD_SCRATCH room = { 0 };
    struct work w;
    const void *data = data_of(node, 0);
    if (!data || !work_of(node, 1, &room, &w))
        return false;
    ad_gather(w.item, w.l.outer, w.l.n, w.l.inner, w.index, w.count, data, outputs[0]);
    return ad_node_primitive(node)->code == ALL || keep_last(&w, outputs[0]);
}

/* Elements of one place are first summed among themselves. So the order of a sum does not depend on what was added
 * before. */
static bool scatter_apart(const struct work *w, const void *from, void *sum)
{
    ad_context *c = ad_current();
    int64_t count = w->count, size = 2;
    while (size <= count)
        size *= 2;
    size_t bytes = (size_t)(2 * count + size) * sizeof(int64_t), apart_bytes = 0;
    int64_t *number = ad_allocate(c, bytes), *different = number + count;
    int64_t found = number ? ad_number_places(w->index, count, number, different, different + count, size) : -1;
    void *apart = NULL;
    if (found >= 0 && found < count) {
        apart_bytes = (size_t)(w->l.outer * found * w->l.inner) * w->item;
        if ((apart = ad_allocate(c, apart_bytes))) {
            memset(apart, 0, apart_bytes);
            ad_scatter_add(w->dtype, w->l.outer, found, w->l.inner, number, count, from, apart);
        }
    }
    if (found == count || apart)
        ad_scatter_add(w->dtype, w->l.outer, w->l.n, w->l.inner, different, found, apart ? apart : from, sum);
    ad_deallocate(c, apart, apart_bytes);
    ad_deallocate(c, number, bytes);
    return found == count || apart;
}

static bool scatter(const struct work *w, const void *from, void *sum, bool zeros)
{
    if (!zeros && w->count > 1)
        return scatter_apart(w, from, sum);
    ad_scatter_add(w->dtype, w->l.outer, w->l.n, w->l.inner, w->index, w->count, from, sum);
    return true;
}

static bool gather_vjp_into(const ad_node *node, ad_array *g, void *sum, bool zeros)
{
    AD_SCRATCH room = { 0 };
    ad_context *c = ad_current();
    struct work w;
    if (!g->size)
        return true;
    if (!work_of(node, 1, &room, &w))
        return false;
    bool all = ad_node_primitive(node)->code == ALL;
    g = all ? ad_array_contiguous(c, g) : ad_array_cast(c, g, w.dtype);
    return g && (all || keep_last(&w, memory_of(g))) && scatter(&w, memory_of(g), sum, zeros);
}

/* ---- updates: operands are what is there, what is put or added, and the places ---- */

bool ad_rows_of(ad_array *x, int axis, int index_ndim, struct ad_rows *rows)
{
    if (!x)
        return false;
    int64_t next = ad_item_size((ad_dtype)x->dtype), count = 1;
    bool strided = axis <= 1 && index_ndim <= 1 && x->size;
    for (int d = x->ndim - 1; d >= axis + index_ndim; next *= ad_dims(x)[d--])
        strided = strided && (ad_strides(x)[d] == next || ad_dims(x)[d] == 1);
    for (int d = axis; d < axis + index_ndim; d++)
        count *= ad_dims(x)[d];
    int64_t outer_step = count * next, step = next;
    if (strided) {
        outer_step = axis ? ad_strides(x)[axis - 1] : 0;
        step = index_ndim ? ad_strides(x)[axis] : 0;
    } else if (!(x = ad_array_contiguous(ad_current(), x))) {
        return false;
    }
    *rows = (struct ad_rows){ memory_of(x), outer_step, step };
    return true;
}

static bool put_eval(const ad_node *node, void *const *outputs)
{
    AD_SCRATCH room = { 0 };
    struct work w;
    struct ad_rows rows;
    const ad_array *x = ad_node_input(node, 0);
    const void *old = data_of(node, 0);
    if (!old || !work_of(node, 2, &room, &w) || !ad_rows_of(ad_node_input(node, 1), places_of(node)->axis, ad_input_ndim(node, 2), &rows))
        return false;
    memcpy(outputs[0], old, (size_t)x->size * w.item);
    ad_put_rows(w.item, w.l.outer, w.l.n, w.l.inner, w.index, w.count, rows, outputs[0]);
    return true;
}

/* The values of one place are first summed among themselves. */
static bool add_eval(const ad_node *node, void *const *outputs)
{
    AD_SCRATCH room = { 0 };
    struct work w;
    const ad_array *x = ad_node_input(node, 0);
    int64_t strides[AD_MAX_NDIM];
    const void *values = data_of(node, 1);
    if (!values || !work_of(node, 2, &room, &w))
        return false;
    c_order_strides(w.dtype, x->ndim, ad_dims(x), strides);
    struct ad_operand sum = { outputs[0], strides, w.dtype };
    memset(outputs[0], 0, (size_t)x->size * w.item);
    if (x->size)
        ad_scatter_add(w.dtype, w.l.outer, w.l.n, w.l.inner, w.index, w.count, values, outputs[0]);
    ad_run_loop(ad_current()->loops->loop[AD_LOOP_add][w.dtype], w.dtype, x->ndim, ad_dims(x), 2, (struct ad_operand[]){ operand_of(x), sum }, sum);
    return true;
}

static bool update_infer(const ad_node *node, ad_spec *output)
{
    return ad_same_infer(node, output) && ad_index_fits(places_of(node), node, 2);
}

static ad_array *add_vjp(const ad_node *node, int operand, ad_array *g);
static ad_array *add_jvp(const ad_node *node, int operand, ad_array *t);
static ad_array *put_transpose(const ad_node *node, int operand, ad_array *g);
static bool put_vjp_within(const ad_node *node, void *g);

static const ad_field places_fields[] = {
    AD_FIELD(struct places, operation, ASIDE), AD_FIELD(struct places, axis, INT), AD_FIELD(struct places, named, ASIDE), AD_FIELDS_END,
};
#define PLACES(operand) \
    .parameters = 1u << (operand), .saves = AD_SAVE_INPUT(operand), .options_size = sizeof(struct places), .fields = places_fields

static const ad_primitive gather_op = {
    .name = "ad_take", .infer = gather_infer, .eval = gather_eval, .code = ALL, .vjp_into = gather_vjp_into, .linear = AD_LINEAR, PLACES(1),
};
static const ad_primitive gather_last_op = {
    .name = "ad_take_last", .infer = gather_infer, .eval = gather_eval, .code = LAST, .vjp_into = gather_vjp_into, .linear = AD_LINEAR, PLACES(1),
};
static const ad_primitive put_op = {
    .name = "ad_put_set", .infer = update_infer, .eval = put_eval, .vjp = put_transpose, .vjp_within = put_vjp_within, .linear = AD_LINEAR, PLACES(2),
};
static const ad_primitive add_op = {
    .name = "ad_put_add", .infer = update_infer, .eval = add_eval, .vjp = add_vjp, .jvp = add_jvp, PLACES(2),
};
AD_OPERATION(gather_op);
AD_OPERATION(gather_last_op);
AD_OPERATION(put_op);
AD_OPERATION(add_op);

static ad_array *add_vjp(const ad_node *node, int operand, ad_array *g)
{
    return operand == 0 ? g : ad_call_primitive(&gather_op, (ad_array *[]){ g, ad_node_input(node, 2) }, 2, places_of(node));
}

static ad_array *add_jvp(const ad_node *node, int operand, ad_array *t)
{
    if (operand == 0)
        return t;
    return ad_transposed(&gather_op, places_of(node), ad_node_input(node, 0), (ad_array *[]){ t, ad_node_input(node, 2) }, 2);
}

/* The old elements get 0 where new ones are. The new ones get what is there. */
static ad_array *put_transpose(const ad_node *node, int operand, ad_array *g)
{
    ad_array *index = ad_node_input(node, 2);
    if (operand == 1)
        return ad_call_primitive(&gather_last_op, (ad_array *[]){ g, index }, 2, places_of(node));
    ad_array *nothing = ad_zeros(ad_node_shape(node, 1), .dtype = ad_dtype_of(g));
    return ad_call_primitive(&put_op, (ad_array *[]){ g, nothing, index }, 3, places_of(node));
}

static bool put_vjp_within(const ad_node *node, void *g)
{
    AD_SCRATCH room = { 0 };
    struct work w;
    if (!work_of(node, 2, &room, &w))
        return false;
    ad_clear_rows(w.item, w.l.outer, w.l.n, w.l.inner, w.index, w.count, g);
    return true;
}

ad_array *ad_read_places(struct places p, ad_array *x, ad_array *index)
{
    return x && index ? ad_call_primitive(&gather_op, (ad_array *[]){ x, index }, 2, &p) : NULL;
}

ad_array *ad_put_places(struct places p, ad_array *x, ad_array *index, ad_array *value)
{
    return x && index && value ? ad_call_primitive(&put_op, (ad_array *[]){ x, value, index }, 3, &p) : NULL;
}

ad_array *ad_add_places(struct places p, ad_array *x, ad_array *index, ad_array *value)
{
    return x && index && value ? ad_call_primitive(&add_op, (ad_array *[]){ x, value, index }, 3, &p) : NULL;
}

bool ad_shape_of_places(const struct places *p, const ad_array *x, const ad_array *index, ad_shape *shape)
{
    return shape_in_place(p->operation, x->ndim, ad_dims(x), index->ndim, ad_dims(index), p->axis, shape);
}

/* ---- take and put ---- */

/* Gives x and its axis. If no axis is given, x is flattened. False on error. */
bool ad_along_axis_or_flat(ad_array **x, struct places *p)
{
    p->axis = ad_axis_of_scalar(*x, p->axis);
    if (p->axis == AD_NO_AXIS) {
        *x = ad_ravel(*x);
        p->axis = 0;
    }
    return *x && (p->named = p->axis = ad_axis_resolve(p->operation, p->axis, (*x)->ndim)) >= 0;
}

ad_array *ad_take_with(ad_array *x, ad_array *index, ad_take_options options)
{
    struct places p = { "ad_take", options.axis, 0 };
    if (!ad_given(x, "ad_take", "array") || !ad_given(index, "ad_take", "index") || !ad_along_axis_or_flat(&x, &p))
        return NULL;
    return ad_read_places(p, x, index);
}

static ad_array *put_with(const char *operation, update kind, ad_array *x, ad_array *index, ad_array *value, int axis)
{
    struct places p = { operation, axis, 0 };
    ad_array *y = x;
    if (!ad_given(x, operation, "array") || !ad_given(index, operation, "index") || !ad_given(value, operation, "value") || !ad_along_axis_or_flat(&y, &p))
        return NULL;
    y = ad_update_places(kind, p, y, index, value);
    return y && !ad_same_shape(y, x) ? ad_reshape(y, ad_shape_of(x)) : y;
}

ad_array *ad_put_add_with(ad_array *x, ad_array *index, ad_array *value, ad_take_options options)
{
    return put_with("ad_put_add", UPDATE_ADD, x, index, value, options.axis);
}

ad_array *ad_put_set_with(ad_array *x, ad_array *index, ad_array *value, ad_take_options options)
{
    return put_with("ad_put_set", UPDATE_SET, x, index, value, options.axis);
}

/* ---- one index for each place ---- */

ad_array *(ad_take_along_axis)(ad_array *x, ad_array *index, int axis)
{
    struct places p = { "ad_take_along_axis", axis, 0 };
    if (!ad_given(x, p.operation, "array") || !ad_given(index, p.operation, "index") || (p.axis = ad_axis_resolve(p.operation, axis, x->ndim)) < 0)
        return NULL;
    p.named = p.axis;
    ad_array *places = ad_flat_places_of(p, x, index);
    return places ? ad_read_places((struct places){ p.operation, 0, 0 }, ad_ravel(x), places) : NULL;
}

ad_array *(ad_put_along_axis)(ad_array *x, ad_array *index, ad_array *value, int axis)
{
    struct places p = { "ad_put_along_axis", axis, 0 };
    if (!ad_given(x, p.operation, "array") || !ad_given(index, p.operation, "index") || !ad_given(value, p.operation, "value") ||
        (p.axis = ad_axis_resolve(p.operation, axis, x->ndim)) < 0)
        return NULL;
    p.named = p.axis;
    ad_array *places = ad_flat_places_of(p, x, index);
    value = places ? ad_value_like(p.operation, value, x, ad_shape_of(places)) : NULL;
    ad_array *y = value ? ad_put_places((struct places){ p.operation, 0, 0 }, ad_ravel(x), places, value) : NULL;
    return y ? ad_reshape(y, ad_shape_of(x)) : NULL;
}
