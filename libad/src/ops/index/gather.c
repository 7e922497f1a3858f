/* Elements named by integers: gathers, and their transposes.
 *
 * Three primitives along one axis, all linear: gather reads places, put replaces what is there, by the last value of a place that is named again, and add
 * adds to it. The places are a constant, held in the options, checked before a primitive is called. Everything else here computes places and reshapes. */
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

/* ---- the primitives ---- */

struct places {
    ad_array *index; /* (count,), C-contiguous int64, without trace */
    int64_t length;  /* of the axis that is indexed */
    int axis;
};

static void places_keep(const void *options)
{
    (ad_retain)(((const struct places *)options)->index);
}

static void places_drop(const void *options)
{
    (ad_release)(((const struct places *)options)->index);
}

static bool gather_infer(const ad_node *node, ad_spec *output)
{
    const struct places *p = ad_node_options(node);
    *output = (ad_spec){ ad_node_dtype(node, 0), ad_node_shape(node, 0) };
    output->shape.dim[p->axis] = p->index->size;
    return true;
}

static bool gather_eval(const ad_node *node, void *const *outputs)
{
    const struct places *p = ad_node_options(node);
    const ad_array *x = ad_node_operand(node, 0);
    const void *data = data_of(node, 0);
    struct layout l = layout_of(x, p->axis);
    if (data && x->size)
        ad_gather(ad_dtype_size((ad_dtype)x->dtype), l.outer, p->length, l.inner, (const int64_t *)p->index->data, p->index->size, data, outputs[0]);
    return data != NULL;
}

/* Numbers the different places in the order in which they first come: place j is different[number[j]]. Gives how many there are. The table, of
 * `size` entries, a power of 2 larger than count, is an open-addressing one of numbers, -1 where it is free. */
static int64_t number_places(const int64_t *place, int64_t count, int64_t *number, int64_t *different, int64_t *table, int64_t size)
{
    int64_t found = 0;
    memset(table, -1, (size_t)size * sizeof *table);
    for (int64_t j = 0; j < count; j++) {
        uint64_t at = ad_hash(0, (uint64_t)place[j]) >> 32;
        while (table[at &= (uint64_t)size - 1] >= 0 && different[table[at]] != place[j])
            at++;
        if (table[at] < 0)
            different[table[at] = found++] = place[j];
        number[j] = table[at];
    }
    return found;
}

/* Elements of one place are summed among themselves first, as they are where nothing is there yet: the order of a sum does not depend on what was
 * added before. */
static bool scatter_apart(const struct places *p, ad_dtype dtype, struct layout l, const void *from, void *sum)
{
    ad_context *c = ad_current();
    int64_t count = p->index->size, size = 2;
    while (size <= count)
        size *= 2;
    size_t bytes = (size_t)(2 * count + size) * sizeof(int64_t), apart_bytes = 0;
    int64_t *number = ad_allocate(c, bytes), *different = number + count;
    int64_t found = number ? number_places((const int64_t *)p->index->data, count, number, different, different + count, size) : -1;
    void *apart = NULL;
    if (found >= 0 && found < count) {
        apart_bytes = (size_t)(l.outer * found * l.inner) * ad_dtype_size(dtype);
        if ((apart = ad_allocate(c, apart_bytes))) {
            memset(apart, 0, apart_bytes);
            ad_scatter_add(dtype, l.outer, found, l.inner, number, count, from, apart);
        }
    }
    if (found == count || apart)
        ad_scatter_add(dtype, l.outer, p->length, l.inner, different, found, apart ? apart : from, sum);
    ad_deallocate(c, apart, apart_bytes);
    ad_deallocate(c, number, bytes);
    return found == count || apart;
}

static bool gather_vjp_into(const ad_node *node, ad_array *g, void *sum, bool zeros)
{
    const struct places *p = ad_node_options(node);
    struct layout l = layout_of(g, p->axis);
    ad_dtype dtype = (ad_dtype)g->dtype;
    if (!g->size)
        return true;
    if (!(g = ad_array_contiguous(ad_current(), g)))
        return false;
    if (!zeros && p->index->size > 1)
        return scatter_apart(p, dtype, l, g->data, sum);
    ad_scatter_add(dtype, l.outer, p->length, l.inner, (const int64_t *)p->index->data, p->index->size, g->data, sum);
    return true;
}

/* Rows of x, of what lies behind `axis`: one after the other in memory, `step` bytes apart along the axis and `outer_step` along what lies before it. False
 * where there are no such steps. */
static bool rows_of(const ad_array *x, int axis, int64_t *outer_step, int64_t *step)
{
    int64_t next = (int64_t)ad_dtype_size((ad_dtype)x->dtype);
    for (int d = x->ndim - 1; d > axis; next *= ad_dims(x)[d--])
        if (ad_strides(x)[d] != next && ad_dims(x)[d] != 1)
            return false;
    *step = ad_strides(x)[axis];
    *outer_step = axis ? ad_strides(x)[axis - 1] : 0;
    return axis <= 1;
}

/* Operands: what is there, what is put. */
static bool put_eval(const ad_node *node, void *const *outputs)
{
    const struct places *p = ad_node_options(node);
    const ad_array *x = ad_node_operand(node, 0), *value = ad_node_operand(node, 1);
    const int64_t *index = (const int64_t *)p->index->data;
    const void *old = data_of(node, 0);
    struct layout l = layout_of(x, p->axis);
    int64_t outer_step, step, item = (int64_t)ad_dtype_size((ad_dtype)x->dtype), row = l.inner * item;
    bool by_rows = l.inner > 1 && value->size && rows_of(value, p->axis, &outer_step, &step);
    const void *new = by_rows ? value->data : data_of(node, 1);
    if (!old || !new)
        return false;
    memcpy(outputs[0], old, (size_t)(x->size * item));
    if (!by_rows)
        ad_put_rows((size_t)item, l.outer, p->length, l.inner, index, p->index->size, new, outputs[0]);
    for (int64_t o = 0; by_rows && o < l.outer; o++)
        ad_put_row((size_t)row, index, p->index->size, (const char *)new + o * outer_step, step, (char *)outputs[0] + o * p->length * row);
    return true;
}

/* The same, what is added. The values of a place are summed among themselves first. */
static bool add_eval(const ad_node *node, void *const *outputs)
{
    const struct places *p = ad_node_options(node);
    const ad_array *x = ad_node_operand(node, 0);
    ad_dtype dtype = (ad_dtype)x->dtype;
    struct layout l = layout_of(x, p->axis);
    int64_t strides[AD_MAX_NDIM];
    const void *values = data_of(node, 1);
    if (!values)
        return false;
    c_order_strides(dtype, x->ndim, ad_dims(x), strides);
    struct ad_operand sum = { outputs[0], strides, dtype };
    memset(outputs[0], 0, (size_t)x->size * ad_dtype_size(dtype));
    if (x->size)
        ad_scatter_add(dtype, l.outer, p->length, l.inner, (const int64_t *)p->index->data, p->index->size, values, outputs[0]);
    ad_run_loop(ad_current()->loops->loop[AD_LOOP_add][dtype], dtype, x->ndim, ad_dims(x), 2, (struct ad_operand[]){ operand_of(x), sum }, sum);
    return true;
}

static ad_array *add_vjp(const ad_node *node, int operand, ad_array *g);
static ad_array *add_jvp(const ad_node *node, int operand, ad_array *t);
static ad_array *put_transpose(const ad_node *node, int operand, ad_array *g);
static bool put_vjp_within(const ad_node *node, void *g);

static const ad_field places_fields[] = { AD_FIELD_UNNAMED(struct places, index, ARRAY), AD_FIELD(struct places, axis, INT), AD_FIELDS_END };
#define PLACES .options_size = sizeof(struct places), .options_keep = places_keep, .options_drop = places_drop, .fields = places_fields

static const ad_primitive gather_op = {
    .name = "ad_take", .infer = gather_infer, .eval = gather_eval, .vjp_into = gather_vjp_into, .linear = AD_LINEAR, PLACES,
};
static const ad_primitive put_op = {
    .name = "ad_put_set", .infer = ad_same_infer, .eval = put_eval, .vjp = put_transpose, .vjp_within = put_vjp_within, .linear = AD_LINEAR, PLACES,
};
static const ad_primitive add_op = {
    .name = "ad_put_add", .infer = ad_same_infer, .eval = add_eval, .vjp = add_vjp, .jvp = add_jvp, PLACES,
};
AD_OPERATION(gather_op);
AD_OPERATION(put_op);
AD_OPERATION(add_op);

static ad_array *add_vjp(const ad_node *node, int operand, ad_array *g)
{
    return operand == 0 ? g : ad_call_primitive(&gather_op, &g, 1, ad_node_options(node));
}

static ad_array *add_jvp(const ad_node *node, int operand, ad_array *t)
{
    return operand == 0 ? t : ad_transposed(&gather_op, ad_node_options(node), ad_node_input(node, 0), t);
}

/* Whether each place is not named again later on, in the shape of an index along the axis; NULL without an error: none is. */
static ad_array *last_namings(const ad_node *node)
{
    ad_context *c = ad_current();
    const struct places *p = ad_node_options(node);
    int64_t count = p->index->size, last = 0;
    const int64_t *place = (const int64_t *)p->index->data;
    ad_shape shape = ad_node_shape(node, 1);
    for (int i = 0; i < shape.ndim; i++)
        shape.dim[i] = i == p->axis ? count : 1;
    ad_array *mask = ad_array_new(c, AD_BOOL, shape.ndim, shape.dim);
    uint8_t *named = mask ? ad_allocate(c, (size_t)p->length) : NULL;
    if (!named)
        return NULL;
    memset(named, 0, (size_t)p->length);
    for (int64_t j = count - 1; j >= 0; j--) {
        last += mask->data[j] = !named[place[j]];
        named[place[j]] = 1;
    }
    ad_deallocate(c, named, (size_t)p->length);
    return last < count ? mask : NULL;
}

/* The old elements get nothing where new ones stand; the new ones get what stands there. */
static ad_array *put_transpose(const ad_node *node, int operand, ad_array *g)
{
    if (operand == 0) {
        ad_array *nothing = ad_zeros(ad_node_shape(node, 1), .dtype = ad_dtype_of(g));
        return ad_call_primitive(&put_op, (ad_array *[]){ g, nothing }, 2, ad_node_options(node));
    }
    ad_array *last = last_namings(node), *taken = ad_failed() ? NULL : ad_call_primitive(&gather_op, &g, 1, ad_node_options(node));
    return last ? ad_where(last, taken, 0) : taken;
}

static bool put_vjp_within(const ad_node *node, void *g)
{
    const struct places *p = ad_node_options(node);
    const ad_array *x = ad_node_operand(node, 0);
    struct layout l = layout_of(x, p->axis);
    ad_clear_rows(ad_dtype_size((ad_dtype)x->dtype), l.outer, p->length, l.inner, (const int64_t *)p->index->data, p->index->size, g);
    return true;
}

static ad_array *gather(ad_array *x, ad_array *index, int axis)
{
    return x && index ? ad_call_primitive(&gather_op, &x, 1, &(struct places){ index, ad_dims(x)[axis], axis }) : NULL;
}

/* ---- places ---- */

ad_array *ad_places_of(ad_shape shape)
{
    ad_array *places = ad_array_new(ad_current(), AD_I64, shape.ndim, shape.dim);
    for (int64_t i = 0; places && i < places->size; i++)
        ((int64_t *)places->data)[i] = i;
    return places;
}

ad_array *ad_index_within(const char *operation, ad_array *index, int64_t n, int axis)
{
    ad_context *c = ad_current();
    if (!index)
        return NULL;
    if (ad_dtype_is_float((ad_dtype)index->dtype) && index->size)
        return ad_set_error(AD_ERROR_DTYPE, "%s: an index of dtype %s; it should be integers", operation, ad_dtype_name((ad_dtype)index->dtype));
    if (index->dtype == AD_BOOL)
        return ad_set_error(AD_ERROR_DTYPE, "%s: an index of dtype bool; a mask goes to ad_compress or ad_at_list", operation);
    const struct ad_indices *indices = c->loops->indices;
    bool ready = index->dtype == AD_I64 && index->flags & AD_CONTIGUOUS && !(index->flags & AD_WEAK);
    ready = ready && !(index->flags & AD_STORED && index->storage->release); /* nor the caller's memory */
    if (ready && indices->all_within(index->size, n, (const int64_t *)index->data))
        return index;
    ad_array *places = ad_array_cast(c, index, AD_I64);
    if (!places || indices->count_from_end(places->size, n, (int64_t *)places->data))
        return places;
    const int64_t *place = (const int64_t *)places->data;
    while (*place >= 0 && *place < n)
        place++;
    return ad_set_error(AD_ERROR_INDEX, "%s: index %lld is out of bounds for axis %d of length %lld", operation, (long long)(*place < 0 ? *place - n : *place),
                        axis, (long long)n);
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

/* ---- updates ---- */

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

/* How often each place was named before; the largest such number. */
static int64_t count_repetitions(const ad_array *index, int64_t length, int64_t *seen, int64_t *repetition)
{
    const int64_t *place = (const int64_t *)index->data;
    int64_t most = 0;
    memset(seen, 0, (size_t)length * sizeof *seen);
    for (int64_t j = 0; j < index->size; j++) {
        repetition[j] = seen[place[j]]++;
        most = repetition[j] > most ? repetition[j] : most;
    }
    return most;
}

/* The numbers j sorted by repetition[j], which is at most `most`; those of round r end before end[r]. */
static void sort_by_round(const int64_t *repetition, int64_t count, int64_t most, int64_t *numbers, int64_t *end)
{
    memset(end, 0, (size_t)(most + 2) * sizeof *end);
    for (int64_t j = 0; j < count; j++)
        end[repetition[j] + 1]++;
    for (int64_t round = 0; round < most; round++)
        end[round + 1] += end[round];
    for (int64_t j = 0; j < count; j++)
        numbers[end[repetition[j]]++] = j;
}

static ad_array *put(update kind, ad_array *x, ad_array *index, ad_array *value, int axis)
{
    if (kind != UPDATE_SET)
        value = ad_update_of(kind, gather(x, index, axis), value);
    return x && index && value ? ad_call_primitive(&put_op, (ad_array *[]){ x, value }, 2, &(struct places){ index, ad_dims(x)[axis], axis }) : NULL;
}

/* In rounds, in each of which every place is named once: the second naming of a place comes in the second round. `scratch` has room for the axis, three
 * times the index, and 2. */
static ad_array *put_in_rounds(update kind, ad_array *x, ad_array *index, ad_array *value, int axis, int64_t *scratch)
{
    int64_t *seen = scratch, *repetition = seen + ad_dims(x)[axis], *sorted = repetition + index->size, *end = sorted + index->size;
    int64_t most = count_repetitions(index, ad_dims(x)[axis], seen, repetition);
    if (most == 0)
        return put(kind, x, index, value, axis);
    sort_by_round(repetition, index->size, most, sorted, end);
    for (int64_t round = 0, first = 0; round <= most && x; first = end[round++]) {
        ad_array *numbers = ad_from_data(AD_I64, sorted + first, AD_SHAPE(end[round] - first));
        x = put(kind, x, gather(index, numbers, 0), gather(value, numbers, axis), axis);
    }
    return x;
}

ad_array *ad_update_axis(update kind, ad_array *x, ad_array *index, ad_array *value, int axis)
{
    ad_context *c = ad_current();
    index = index ? ad_array_contiguous(c, index) : NULL; /* a slice of ad_places_of has strides */
    if (!x || !index || !value)
        return NULL;
    int64_t length = ad_dims(x)[axis];
    if (kind == UPDATE_ADD)
        return ad_call_primitive(&add_op, (ad_array *[]){ x, value }, 2, &(struct places){ index, length, axis });
    if (kind == UPDATE_SET)
        return put(kind, x, index, value, axis);
    size_t bytes = (size_t)(length + 3 * index->size + 2) * sizeof(int64_t);
    int64_t *scratch = ad_allocate(c, bytes);
    ad_array *y = scratch ? put_in_rounds(kind, x, index, value, axis, scratch) : NULL;
    ad_deallocate(c, scratch, bytes);
    return y;
}

/* ---- take and put ---- */

/* The shape of x with axis replaced by the shape of index. */
static bool shape_in_place(const char *operation, const ad_array *x, const ad_array *index, int axis, ad_shape *shape)
{
    shape->ndim = x->ndim - 1 + index->ndim;
    if (!ad_count_fits(operation, shape->ndim, AD_MAX_NDIM, "dimensions"))
        return false;
    for (int i = 0; i < axis; i++)
        shape->dim[i] = ad_dims(x)[i];
    for (int i = 0; i < index->ndim; i++)
        shape->dim[axis + i] = ad_dims(index)[i];
    for (int i = axis + 1; i < x->ndim; i++)
        shape->dim[i - 1 + index->ndim] = ad_dims(x)[i];
    return true;
}

/* x and its axis, flattened if none is given; false on error. */
static bool along(const char *operation, ad_array **x, int *axis)
{
    *axis = ad_axis_of_scalar(*x, *axis);
    if (*axis == AD_NO_AXIS) {
        *x = ad_ravel(*x);
        *axis = 0;
    }
    return *x && (*axis = ad_axis_resolve(operation, *axis, (*x)->ndim)) >= 0;
}

ad_array *ad_take_with(ad_array *x, ad_array *index, ad_take_options options)
{
    ad_shape shape;
    if (!ad_given(x, "ad_take", "array") || !ad_given(index, "ad_take", "index") || !along("ad_take", &x, &options.axis) || !shape_in_place("ad_take", x, index, options.axis, &shape))
        return NULL;
    ad_array *places = ad_index_within("ad_take", index, ad_dims(x)[options.axis], options.axis);
    return ad_reshape(gather(x, ad_ravel(places), options.axis), shape);
}

ad_array *(ad_take)(ad_array *x, ad_array *index)
{
    return ad_take_with(x, index, AD_TAKE_DEFAULTS);
}

ad_array *ad_update_places(const char *operation, update kind, ad_array *x, ad_array *places, ad_array *value, int axis)
{
    ad_shape shape;
    if (!x || !places || !shape_in_place(operation, x, places, axis, &shape))
        return NULL;
    value = ad_value_like(operation, value, x, shape);
    shape = ad_shape_of(x);
    shape.dim[axis] = places->size;
    return ad_update_axis(kind, x, ad_ravel(places), ad_reshape(value, shape), axis);
}

static ad_array *put_with(const char *operation, update kind, ad_array *x, ad_array *index, ad_array *value, int axis)
{
    if (!ad_given(x, operation, "array") || !ad_given(index, operation, "index") || !ad_given(value, operation, "value"))
        return NULL;
    ad_array *y = x;
    if (!along(operation, &y, &axis))
        return NULL;
    ad_array *places = ad_index_within(operation, index, ad_dims(y)[axis], axis);
    return ad_reshape(ad_update_places(operation, kind, y, places, value, axis), ad_shape_of(x));
}

ad_array *ad_put_add_with(ad_array *x, ad_array *index, ad_array *value, ad_take_options options)
{
    return put_with("ad_put_add", UPDATE_ADD, x, index, value, options.axis);
}

ad_array *(ad_put_add)(ad_array *x, ad_array *index, ad_array *value)
{
    return ad_put_add_with(x, index, value, AD_TAKE_DEFAULTS);
}

ad_array *ad_put_set_with(ad_array *x, ad_array *index, ad_array *value, ad_take_options options)
{
    return put_with("ad_put_set", UPDATE_SET, x, index, value, options.axis);
}

ad_array *(ad_put_set)(ad_array *x, ad_array *index, ad_array *value)
{
    return ad_put_set_with(x, index, value, AD_TAKE_DEFAULTS);
}

/* ---- one index for each place ---- */

/* Places in the flattened x of what an index reads along an axis; *shape: of what it reads. */
static ad_array *places_along(const char *operation, const ad_array *x, ad_array *index, int axis)
{
    if (index->ndim != x->ndim)
        return ad_set_error(AD_ERROR_SHAPE, "%s: an index of shape %s for an array of shape %s; both should have as many axes", operation, AD_SHAPE_TEXT(index),
                            AD_SHAPE_TEXT(x));
    ad_shape shape = ad_shape_of(x), own = ad_shape_of(index);
    shape.dim[axis] = own.dim[axis];
    if (!ad_shape_broadcast(&shape, &own) || shape.dim[axis] != own.dim[axis])
        return ad_set_error(AD_ERROR_SHAPE, "%s: an index of shape %s does not broadcast with an array of shape %s beside axis %d", operation,
                            AD_SHAPE_TEXT(index), AD_SHAPE_TEXT(x), axis);
    index = ad_index_within(operation, index, ad_dims(x)[axis], axis);
    ad_array *read = index ? ad_broadcast_to(index, shape) : NULL, *places = read ? ad_array_new(ad_current(), AD_I64, shape.ndim, shape.dim) : NULL;
    if (!places || !places->size)
        return places;
    ad_copy_strided(shape.ndim, shape.dim, operand_of(read), operand_of(places));
    int64_t counter[AD_MAX_NDIM] = { 0 }, stride[AD_MAX_NDIM], *place = (int64_t *)places->data;
    c_order_strides(AD_U8, x->ndim, ad_dims(x), stride); /* of one byte: in elements */
    for (int64_t k = 0, base = 0; k < places->size; k++) {
        place[k] = base + place[k] * stride[axis];
        for (int d = shape.ndim - 1; d >= 0; d--) {
            int64_t step = d == axis || ad_dims(x)[d] == 1 ? 0 : stride[d];
            base += step;
            if (++counter[d] < shape.dim[d])
                break;
            base -= step * shape.dim[d];
            counter[d] = 0;
        }
    }
    return places;
}

ad_array *(ad_take_along_axis)(ad_array *x, ad_array *index, int axis)
{
    if (!ad_given(x, "ad_take_along_axis", "array") || !ad_given(index, "ad_take_along_axis", "index") ||
        (axis = ad_axis_resolve("ad_take_along_axis", axis, x->ndim)) < 0)
        return NULL;
    ad_array *places = places_along("ad_take_along_axis", x, index, axis);
    return places ? ad_reshape(gather(ad_ravel(x), ad_ravel(places), 0), ad_shape_of(places)) : NULL;
}

ad_array *(ad_put_along_axis)(ad_array *x, ad_array *index, ad_array *value, int axis)
{
    if (!ad_given(x, "ad_put_along_axis", "array") || !ad_given(index, "ad_put_along_axis", "index") || !ad_given(value, "ad_put_along_axis", "value") ||
        (axis = ad_axis_resolve("ad_put_along_axis", axis, x->ndim)) < 0)
        return NULL;
    ad_array *places = places_along("ad_put_along_axis", x, index, axis);
    value = places ? ad_value_like("ad_put_along_axis", value, x, ad_shape_of(places)) : NULL;
    return ad_reshape(ad_update_axis(UPDATE_SET, ad_ravel(x), ad_ravel(places), ad_ravel(value), 0), ad_shape_of(x));
}

/* ---- masks ---- */

ad_array *(ad_flatnonzero)(ad_array *x)
{
    ad_context *c = ad_current();
    const struct ad_indices *indices = c->loops->indices;
    ad_array *mask = !ad_given(x, "ad_flatnonzero", "array") ? NULL : x->dtype == AD_BOOL ? ad_array_contiguous(c, x) : ad_array_cast(c, x, AD_BOOL);
    if (!mask)
        return NULL;
    int64_t count = indices->count_true(mask->size, (const uint8_t *)mask->data);
    ad_array *places = ad_array_new(c, AD_I64, 1, &count);
    if (places)
        indices->places_of_true(mask->size, (const uint8_t *)mask->data, count, (int64_t *)places->data);
    return places;
}

ad_array *ad_compress_with(ad_array *condition, ad_array *x, ad_take_options options)
{
    if (!ad_given(condition, "ad_compress", "condition") || !ad_given(x, "ad_compress", "array") || !along("ad_compress", &x, &options.axis))
        return NULL;
    if (condition->ndim != 1)
        return ad_set_error(AD_ERROR_SHAPE, "ad_compress: a condition of shape %s; it should have one axis", AD_SHAPE_TEXT(condition));
    ad_array *places = ad_index_within("ad_compress", ad_flatnonzero(condition), ad_dims(x)[options.axis], options.axis);
    return gather(x, places, options.axis);
}

ad_array *(ad_compress)(ad_array *condition, ad_array *x)
{
    return ad_compress_with(condition, x, AD_TAKE_DEFAULTS);
}

ad_array *ad_one_hot_with(ad_array *index, int64_t classes, ad_one_hot_options options)
{
    ad_context *c = ad_current();
    if (!ad_given(index, "ad_one_hot", "index"))
        return NULL;
    ad_array *places = classes < 0 ? ad_set_error(AD_ERROR_VALUE, "ad_one_hot: %lld classes", (long long)classes)
                                   : ad_index_within("ad_one_hot", index, classes, 0);
    if (!places)
        return NULL;
    if (!ad_count_fits("ad_one_hot", index->ndim + 1, AD_MAX_NDIM, "dimensions"))
        return NULL;
    if (places != index && ad_item(ad_any(ad_less(index, 0))) != 0) /* what is used as it is has none */
        return ad_set_error(AD_ERROR_INDEX, "ad_one_hot: %lld is no class of 0 to %lld", (long long)ad_item_int(ad_min(index)), (long long)classes - 1);
    ad_shape shape = ad_shape_of(index);
    shape.dim[shape.ndim++] = classes;
    ad_array *rows = ad_array_zeros(c, AD_BOOL, shape.ndim, shape.dim);
    for (int64_t i = 0; rows && i < places->size; i++)
        rows->data[i * classes + ((const int64_t *)places->data)[i]] = 1;
    return ad_astype(rows, options.dtype);
}

ad_array *(ad_one_hot)(ad_array *index, int64_t classes)
{
    return ad_one_hot_with(index, classes, AD_ONE_HOT_DEFAULTS);
}
