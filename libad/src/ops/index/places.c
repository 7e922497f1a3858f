/* Places as values of their own: constants that are made of integers and masks.
 *
 * Each primitive has a shape that follows from shapes and options alone. What picks by a mask (ad_flatnonzero,
 * ad_compress) looks at the mask first, to learn how many elements there are. That number is an option of the call. The
 * call fails if a mask has another number. */
#include "ad/array.h"
#include "ad/create.h"
#include "ad/index.h"
#include "ad/reduce.h"
#include "ad/shape.h"
#include "ops/ops.h"
#include <string.h>

static const ad_field places_fields[] = {
    AD_FIELD(struct places, operation, ASIDE), AD_FIELD(struct places, axis, INT), AD_FIELD(struct places, named, ASIDE), AD_FIELDS_END,
};

/* ---- within an axis, counted from the end where they are negative ---- */

struct within {
    struct places places;
    int64_t n; /* of the axis */
};

static bool within_infer(const ad_node *node, ad_spec *output)
{
    const struct within *o = ad_node_options(node);
    output->dtype = AD_I64;
    ad_shape_set(&output->shape, ad_input_ndim(node, 0), ad_input_dims(node, 0));
    return ad_index_fits(&o->places, node, 0);
}

static bool within_eval(const ad_node *node, void *const *outputs)
{
    AD_SCRATCH room = { 0 };
    const struct within *o = ad_node_options(node);
    const ad_array *index = ad_node_input(node, 0);
    const int64_t *places = ad_places_within(&o->places, index, o->n, &room);
    if (places)
        memcpy(outputs[0], places, (size_t)index->size * sizeof *places);
    return places != NULL;
}

static const ad_field within_fields[] = { AD_FIELD(struct within, places, ASIDE), AD_FIELD(struct within, n, INT64), AD_FIELDS_END };
static const ad_primitive within_op = {
    .name = "ad_places_within", .infer = within_infer, .eval = within_eval, .constant = true, .options_size = sizeof(struct within), .fields = within_fields,
};
AD_OPERATION(within_op);

ad_array *ad_index_within(struct places p, ad_array *index, int64_t n)
{
    return index ? ad_call_primitive(&within_op, &index, 1, &(struct within){ p, n }) : NULL;
}

/* ---- one index for each place, as in ad_take_along_axis, turned into places in the flattened array ---- */

static bool flat_infer(const ad_node *node, ad_spec *output)
{
    const struct places *p = ad_node_options(node);
    int ndim = ad_input_ndim(node, 0);
    if (ndim != ad_input_ndim(node, 1))
        return AD_FAIL(AD_ERROR_SHAPE, "%s: an index of shape %s for an array of shape %s; both should have as many axes", p->operation, AD_INPUT_TEXT(node, 0),
                       AD_INPUT_TEXT(node, 1));
    ad_shape own = ad_node_shape(node, 0);
    output->dtype = AD_I64;
    output->shape = ad_node_shape(node, 1);
    output->shape.dim[p->axis] = own.dim[p->axis];
    if (!ad_shape_broadcast(&output->shape, &own) || output->shape.dim[p->axis] != own.dim[p->axis])
        return AD_FAIL(AD_ERROR_SHAPE, "%s: an index of shape %s does not broadcast with an array of shape %s beside axis %d", p->operation,
                       AD_INPUT_TEXT(node, 0), AD_INPUT_TEXT(node, 1), p->axis);
    return ad_index_fits(p, node, 0);
}

static bool flat_eval(const ad_node *node, void *const *outputs)
{
    AD_SCRATCH room = { 0 };
    const struct places *p = ad_node_options(node);
    const ad_array *index = ad_node_input(node, 0), *x = ad_node_input(node, 1);
    const ad_shape *shape = &ad_node_spec(node, 0)->shape;
    const int64_t *places = ad_places_within(p, index, ad_dims(x)[p->axis], &room);
    int64_t strides[AD_MAX_NDIM], own[AD_MAX_NDIM], steps[AD_MAX_NDIM];
    if (!places)
        return false;
    c_order_strides(AD_I64, index->ndim, ad_dims(index), own);
    c_order_strides(AD_I64, shape->ndim, shape->dim, strides);
    c_order_strides(AD_U8, x->ndim, ad_dims(x), steps); /* the strides of items of one byte count elements */
    int64_t step = steps[p->axis];
    for (int d = 0; d < x->ndim; d++) {
        own[d] = ad_dims(index)[d] == 1 ? 0 : own[d];
        steps[d] = d == p->axis || ad_dims(x)[d] == 1 ? 0 : steps[d];
    }
    ad_copy_strided(shape->ndim, shape->dim, (struct ad_operand){ (char *)places, own, AD_I64 }, (struct ad_operand){ outputs[0], strides, AD_I64 });
    ad_flat_places(shape->ndim, shape->dim, steps, step, ad_shape_size(*shape), outputs[0]);
    return true;
}

static const ad_primitive flat_op = {
    .name = "ad_flat_places", .infer = flat_infer, .eval = flat_eval, .constant = true, .options_size = sizeof(struct places), .fields = places_fields,
};
AD_OPERATION(flat_op);

ad_array *ad_flat_places_of(struct places p, ad_array *x, ad_array *index)
{
    return ad_call_primitive(&flat_op, (ad_array *[]){ index, x }, 2, &p);
}

/* ---- masks ---- */

struct true_places {
    int64_t count;
};

static bool flatnonzero_infer(const ad_node *node, ad_spec *output)
{
    const struct true_places *o = ad_node_options(node);
    output->dtype = AD_I64;
    ad_shape_set(&output->shape, 1, &o->count);
    return true;
}

static bool flatnonzero_eval(const ad_node *node, void *const *outputs)
{
    const struct ad_indices *indices = ad_current()->loops->indices;
    const struct true_places *o = ad_node_options(node);
    int64_t n = ad_input_size(node, 0);
    const uint8_t *mask = data_of(node, 0);
    if (!mask)
        return false;
    int64_t count = indices->count_true(n, mask);
    if (count != o->count)
        return AD_FAIL(AD_ERROR_VALUE, "ad_flatnonzero: %lld elements are not 0, but %lld were when the call was first made", (long long)count,
                       (long long)o->count);
    indices->places_of_true(n, mask, count, outputs[0]);
    return true;
}

static const ad_field true_places_fields[] = { AD_FIELD_OF(struct true_places, count, NULL), AD_FIELDS_END };
static const ad_primitive flatnonzero_op = {
    .name = "ad_flatnonzero", .infer = flatnonzero_infer, .eval = flatnonzero_eval, .constant = true, .options_size = sizeof(struct true_places),
    .fields = true_places_fields,
};
AD_OPERATION(flatnonzero_op);

ad_array *(ad_flatnonzero)(ad_array *x)
{
    ad_context *c = ad_current();
    ad_array *mask = !ad_given(x, "ad_flatnonzero", "array") ? NULL : ad_array_contiguous(c, ad_astype(x, AD_BOOL));
    if (!mask)
        return NULL;
    struct true_places o = { c->loops->indices->count_true(mask->size, (const uint8_t *)memory_of(mask)) };
    return ad_call_primitive(&flatnonzero_op, &mask, 1, &o);
}

ad_array *ad_compress_with(ad_array *condition, ad_array *x, ad_take_options options)
{
    struct places p = { "ad_compress", options.axis, 0 };
    if (!ad_given(condition, "ad_compress", "condition") || !ad_given(x, "ad_compress", "array") || !ad_along_axis_or_flat(&x, &p))
        return NULL;
    if (condition->ndim != 1)
        return ad_set_error(AD_ERROR_SHAPE, "ad_compress: a condition of shape %s; it should have one axis", AD_SHAPE_TEXT(condition));
    return ad_read_places(p, x, ad_flatnonzero(condition));
}

/* ---- classes ---- */

struct one_hot {
    int64_t classes;
    ad_dtype dtype;
};

static const struct places class_places = { "ad_one_hot", 0, 0 };

static bool one_hot_infer(const ad_node *node, ad_spec *output)
{
    const struct one_hot *o = ad_node_options(node);
    if (!ad_index_fits(&class_places, node, 0) || !ad_count_fits("ad_one_hot", ad_input_ndim(node, 0) + 1, AD_MAX_NDIM, "dimensions"))
        return false;
    output->dtype = o->dtype;
    ad_shape_set(&output->shape, ad_input_ndim(node, 0), ad_input_dims(node, 0));
    output->shape.dim[output->shape.ndim++] = o->classes;
    return ad_known_dtype("ad_one_hot", o->dtype);
}

/* A class is not counted from the end. */
static bool one_hot_eval(const ad_node *node, void *const *outputs)
{
    AD_SCRATCH room = { 0 }, counted = { 0 };
    const struct one_hot *o = ad_node_options(node);
    ad_array *index = ad_node_input(node, 0);
    const int64_t *classes = ad_integers_of(index, &room);
    if (!classes)
        return false;
    if (ad_current()->loops->indices->all_within(index->size, o->classes, classes)) {
        memset(outputs[0], 0, (size_t)(index->size * o->classes) * ad_dtype_size(o->dtype));
        ad_fill_classes(o->dtype, index->size, o->classes, classes, outputs[0]);
        return true;
    }
    return ad_places_within(&class_places, index, o->classes, &counted) &&
           AD_FAIL(AD_ERROR_INDEX, "ad_one_hot: %lld is not a class of 0 to %lld", (long long)ad_item_int(ad_min(index)), (long long)o->classes - 1);
}

static const ad_field one_hot_fields[] = { AD_FIELD_UNNAMED(struct one_hot, classes, INT64), AD_FIELD(struct one_hot, dtype, DTYPE), AD_FIELDS_END };
static const ad_primitive one_hot_op = {
    .name = "ad_one_hot", .infer = one_hot_infer, .eval = one_hot_eval, .constant = true, .options_size = sizeof(struct one_hot), .fields = one_hot_fields,
};
AD_OPERATION(one_hot_op);

ad_array *ad_one_hot_with(ad_array *index, int64_t classes, ad_one_hot_options options)
{
    if (!ad_given(index, "ad_one_hot", "index"))
        return NULL;
    if (classes < 0)
        return ad_set_error(AD_ERROR_VALUE, "ad_one_hot: %lld classes; there should be 0 or more", (long long)classes);
    return ad_call_primitive(&one_hot_op, &index, 1, &(struct one_hot){ classes, options.dtype });
}
