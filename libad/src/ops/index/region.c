/* Regions: what integers, slices and new axes show of an array, and the array with something else there.
 *
 * There are two primitives, linear and closed among themselves. One shows a region as a view, whatever the number of
 * axes. The other puts a value into a copy. Where the region is in the array is a constant in the options. ops.h has
 * the interface; index.c reads indices; gather.c names single places. */
#include "ad/array.h"
#include "ad/shape.h"
#include "array/hash.h"
#include "ops/ops.h"
#include "tape/tape.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- the options: a list that ends with REGION_END ---- */

struct region {
    const struct region_axis *axes;
};

static size_t region_bytes(const struct region_axis *axes)
{
    size_t count = 1;
    while (axes[count - 1].kind != REGION_END)
        count++;
    return count * sizeof *axes;
}

static bool axes_keep(void *field)
{
    const struct region_axis **axes = field;
    size_t bytes = region_bytes(*axes);
    void *copy = ad_allocate(ad_current(), bytes);
    if (copy)
        *axes = memcpy(copy, *axes, bytes);
    return copy != NULL;
}

static void axes_drop(const void *field)
{
    const struct region_axis *axes = *(const struct region_axis *const *)field;
    ad_deallocate(ad_current(), (void *)axes, region_bytes(axes));
}

static void axis_write(const struct region_axis *r, FILE *out)
{
    int64_t end = r->start + r->count * r->step;
    switch (r->kind) {
    case REGION_NEW: fprintf(out, "None"); break;
    case REGION_WHOLE: fprintf(out, ":"); break;
    case REGION_PLACE: fprintf(out, "%" PRId64, r->start); break;
    default:
        fprintf(out, "%" PRId64 ":", r->start);
        if (end >= 0 || r->step > 0)
            fprintf(out, "%" PRId64, end);
        if (r->step != 1)
            fprintf(out, ":%" PRId64, r->step);
    }
}

/* "1:3, 0, None": the text of the index. */
static void axes_write(const void *field, FILE *out)
{
    const char *between = "\"";
    for (const struct region_axis *r = *(const struct region_axis *const *)field; r->kind != REGION_END; r++)
        for (int64_t k = 0; k < (r->kind == REGION_WHOLE ? r->count : 1); k++, between = ", ") {
            fprintf(out, "%s", between);
            axis_write(r, out);
        }
    fprintf(out, *between == ',' ? "\"" : "\"...\"");
}

/* A number for each member that the kind has a use for. */
static uint64_t axis_hash(uint64_t hash, const struct region_axis *r)
{
    hash = ad_hash(hash, r->kind);
    if (r->kind == REGION_PART || r->kind == REGION_PLACE)
        hash = ad_hash(hash, (uint64_t)r->start);
    if (r->kind == REGION_PART)
        hash = ad_hash(hash, (uint64_t)r->step);
    return r->kind == REGION_PART || r->kind == REGION_WHOLE ? ad_hash(hash, (uint64_t)r->count) : hash;
}

static uint64_t axes_hash(const void *field)
{
    uint64_t hash = 0;
    for (const struct region_axis *r = *(const struct region_axis *const *)field; r->kind != REGION_END; r++)
        hash = axis_hash(hash, r);
    return hash;
}

static bool axis_equal(const struct region_axis *a, const struct region_axis *b)
{
    switch (a->kind == b->kind ? a->kind : REGION_END) {
    case REGION_PART: return a->start == b->start && a->step == b->step && a->count == b->count;
    case REGION_PLACE: return a->start == b->start;
    case REGION_WHOLE: return a->count == b->count;
    case REGION_NEW: return true;
    default: return false;
    }
}

static bool axes_equal(const void *a, const void *b)
{
    const struct region_axis *one = *(const struct region_axis *const *)a, *other = *(const struct region_axis *const *)b;
    while (axis_equal(one, other))
        one++, other++;
    return one->kind == REGION_END && other->kind == REGION_END;
}

static const ad_field_functions axes_functions = { axes_write, axes_equal, axes_hash, axes_keep, axes_drop };
static const ad_field region_fields[] = { { "", offsetof(struct region, axes), sizeof(void *), AD_FIELD_OTHER, false, &axes_functions }, AD_FIELDS_END };
#define REGION .options_size = sizeof(struct region), .fields = region_fields

/* A region of an array with these dimensions and byte strides. */
struct view {
    ad_shape shape;
    int64_t strides[AD_MAX_NDIM];
    int64_t offset; /* bytes */
};

static void view_axis(struct view *view, int64_t n, int64_t stride)
{
    view->shape.dim[view->shape.ndim] = n;
    view->strides[view->shape.ndim++] = stride;
}

static void view_region(const struct region_axis *r, int ndim, const int64_t *dims, const int64_t *strides, struct view *view)
{
    int axis = 0;
    view->shape.ndim = 0;
    view->offset = 0;
    for (; r->kind != REGION_END; r++) {
        if (r->kind == REGION_NEW)
            view_axis(view, 1, 0);
        for (int64_t k = 0; r->kind == REGION_WHOLE && k < r->count; k++, axis++)
            view_axis(view, dims[axis], strides[axis]);
        if (r->kind != REGION_PART && r->kind != REGION_PLACE)
            continue;
        if (r->count)
            view->offset += strides[axis] * r->start;
        if (r->kind == REGION_PART)
            view_axis(view, r->count, strides[axis] * r->step);
        axis++;
    }
    for (; axis < ndim; axis++)
        view_axis(view, dims[axis], strides[axis]);
    if (ad_shape_size(view->shape) == 0)
        view->offset = 0;
}

static const struct region_axis *axes_of(const ad_node *node)
{
    return ((const struct region *)ad_node_options(node))->axes;
}

/* The region of C-contiguous memory in the shape and dtype of x. */
static struct ad_operand region_in(const ad_node *node, const ad_array *x, void *memory, struct view *view)
{
    int64_t strides[AD_MAX_NDIM];
    c_order_strides((ad_dtype)x->dtype, x->ndim, ad_dims(x), strides);
    view_region(axes_of(node), x->ndim, ad_dims(x), strides, view);
    return (struct ad_operand){ (char *)memory + view->offset, view->strides, (ad_dtype)x->dtype };
}

/* ---- showing ---- */

static bool show_infer(const ad_node *node, ad_spec *output)
{
    static const int64_t still[AD_MAX_NDIM];
    struct view view;
    view_region(axes_of(node), ad_input_ndim(node, 0), ad_input_dims(node, 0), still, &view);
    output->dtype = ad_input_dtype(node, 0);
    output->shape = view.shape;
    return true;
}

static ad_array *shown(const ad_node *node)
{
    const ad_array *x = ad_node_input(node, 0);
    struct view view;
    view_region(axes_of(node), x->ndim, ad_dims(x), ad_strides(x), &view);
    if (view.shape.ndim == 0 && x->dtype == AD_F64) {
        double number; /* this is not larger than a reference to it, and operations on it are fast */
        memcpy(&number, memory_of(x) + view.offset, sizeof number);
        return ad_scalar(number);
    }
    return ad_array_view(ad_current(), x, (ad_dtype)x->dtype, view.shape.ndim, view.shape.dim, view.strides, view.offset);
}

static ad_array *show_view(const ad_node *node, const ad_spec *output)
{
    (void)output;
    return shown(node);
}

/* The view is a new array for every call. */
static bool show_direct(const ad_node *node, ad_array **output)
{
    *output = shown(node);
    return true;
}

/* If `sum` is all zeros, it is replaced, so that the cotangent's own zeros keep their sign. */
static bool show_vjp_into(const ad_node *node, ad_array *g, void *sum, bool zeros)
{
    struct view view;
    struct ad_operand part = region_in(node, node->inputs[0], sum, &view);
    if (zeros)
        ad_copy_strided(g->ndim, ad_dims(g), operand_of(g), part);
    else
        ad_add_strided(ad_current()->loops, g->ndim, ad_dims(g), operand_of(g), part);
    return true;
}

static const ad_primitive show_op = {
    .name = "ad_at", .infer = show_infer, .view = show_view, .direct = show_direct, .vjp_into = show_vjp_into, .linear = AD_LINEAR, REGION,
};
AD_OPERATION(show_op);

ad_array *ad_region(ad_array *x, const struct region_axis *axes)
{
    return x ? ad_call_primitive(&show_op, &x, 1, &(struct region){ axes }) : NULL;
}

ad_shape ad_region_shape(const ad_array *x, const struct region_axis *axes)
{
    struct view view;
    view_region(axes, x->ndim, ad_dims(x), ad_strides(x), &view);
    return view.shape;
}

/* ---- putting: operands are what is there and what is put ---- */

static bool put_eval(const ad_node *node, void *const *outputs)
{
    const ad_array *x = ad_node_input(node, 0), *value = ad_node_input(node, 1);
    const void *old = data_of(node, 0);
    struct view view;
    if (!old)
        return false;
    memcpy(outputs[0], old, (size_t)x->size * ad_dtype_size((ad_dtype)x->dtype));
    ad_copy_strided(value->ndim, ad_dims(value), operand_of(value), region_in(node, x, outputs[0], &view));
    return true;
}

static ad_array *put(ad_array *x, const struct region_axis *axes, ad_array *value);

/* The old elements get 0 where new ones are. The new ones get what is there. */
static ad_array *put_vjp(const ad_node *node, int operand, ad_array *g)
{
    if (operand == 1)
        return ad_region(g, axes_of(node));
    ad_array *nothing = ad_array_zeros(ad_current(), (ad_dtype)g->dtype, 0, NULL);
    return put(g, axes_of(node), ad_broadcast_to(nothing, ad_node_shape(node, 1)));
}

static bool put_vjp_within(const ad_node *node, void *g)
{
    const int64_t still[AD_MAX_NDIM] = { 0 };
    struct view view;
    struct ad_operand part = region_in(node, node->inputs[0], g, &view);
    ad_copy_strided(view.shape.ndim, view.shape.dim, (struct ad_operand){ (char *)&(ad_complex){ 0 }, still, part.dtype }, part);
    return true;
}

static const ad_primitive put_op = {
    .name = "ad_at_set", .infer = ad_same_infer, .eval = put_eval, .vjp = put_vjp, .vjp_within = put_vjp_within, .linear = AD_LINEAR, REGION,
};
AD_OPERATION(put_op);

static ad_array *put(ad_array *x, const struct region_axis *axes, ad_array *value)
{
    return x && value ? ad_call_primitive(&put_op, (ad_array *[]){ x, value }, 2, &(struct region){ axes }) : NULL;
}

ad_array *ad_update_region(update kind, ad_array *x, const struct region_axis *axes, ad_array *value)
{
    return put(x, axes, kind == UPDATE_SET ? value : ad_update_of(kind, ad_region(x, axes), value));
}

/* ---- a slice of one axis ---- */

ad_array *ad_slice_of(ad_array *x, int axis, int64_t start, int64_t count, int64_t step, bool keep_axis)
{
    const struct region_axis axes[] = { { REGION_WHOLE, .count = axis }, ad_region_part(start, count, step), { .kind = REGION_END } };
    const struct region_axis place[] = { axes[0], ad_region_place(start), { .kind = REGION_END } };
    if (!x || (keep_axis && count == ad_dims(x)[axis] && (step == 1 || count <= 1)))
        return ad_unchanged(x);
    return ad_region(x, (keep_axis ? axes : place) + (axis == 0));
}

ad_array *(ad_slice_axis)(ad_array *x, int axis, int64_t start, int64_t count, int64_t step)
{
    int64_t last;
    if (!ad_given(x, "ad_slice_axis", "array") || (axis = ad_axis_resolve("ad_slice_axis", axis, x->ndim)) < 0)
        return NULL;
    int64_t length = ad_dims(x)[axis];
    bool fits = count >= 0 && step != 0;
    if (fits && count > 0)
        fits = start >= 0 && start < length && !__builtin_mul_overflow(count - 1, step, &last) && !__builtin_add_overflow(last, start, &last) && last >= 0 &&
               last < length;
    if (!fits)
        return ad_set_error(AD_ERROR_INDEX, "ad_slice_axis: %lld elements from %lld on, %lld apart, are not within axis %d of length %lld", (long long)count,
                            (long long)start, (long long)step, axis, (long long)length);
    return ad_slice_of(x, axis, start, count, step, true);
}
