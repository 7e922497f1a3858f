/* What the operation files share: the table they enter themselves into, and access to arrays for their eval functions.
 *
 * An operation is an ad_primitive (ad/primitive.h), static in the file of its family, entered with AD_OPERATION. */
#ifndef AD_OPS_H
#define AD_OPS_H

#include "ad/index.h"
#include "ad/primitive.h"
#include "ad/tree.h"
#include "ad/reduce.h"
#include "kernels/kernels.h"
#include "tape/tape.h"
#include <stdarg.h>

/* Enters an operation into the table: a pointer in a section of its own, whose pointers the linker puts side by
 * side. */
#define AD_OPERATION(primitive)                                                                                        \
    static const ad_primitive *const primitive##_entry __attribute__((section(AD_TABLE_SECTION), used)) = &primitive

/* The input as C-contiguous memory of its dtype; NULL and an error when there is no room for a copy. */
static inline const void *data_of(const ad_node *node, int operand)
{
    ad_array *x = ad_array_contiguous(ad_current(), ad_node_input(node, operand));
    return x ? memory_of(x) : NULL;
}

/* An array seen as (outer, n, inner), with n elements along an axis. */
struct layout {
    int64_t outer, n, inner;
};

static inline struct layout layout_of(const ad_array *x, int axis)
{
    struct layout l = { 1, ad_dims(x)[axis], 1 };
    for (int i = 0; i < x->ndim; i++)
        *(i < axis ? &l.outer : &l.inner) *= i == axis ? 1 : ad_dims(x)[i];
    return l;
}

/* The `count` leaves of t, in the room given; NULL and an error. */
static inline ad_array **leaves_of(const ad_tree *t, int count, struct ad_scratch *room)
{
    ad_array **leaves = ad_scratch_take(ad_current(), room, count, sizeof *leaves);
    if (leaves)
        ad_tree_walk(t, leaves, count);
    return leaves;
}

/* elementwise.c: infer and eval of every elementwise operation; its loop is the primitive's code. */
bool ad_elementwise_infer(const ad_node *node, ad_spec *output);
bool ad_elementwise_eval(const ad_node *node, void *const *outputs);
bool ad_elementwise_direct(const ad_node *node, ad_array **output);

/* elementwise.c: functions that only slopes need. */
ad_array *ad_cbrt_slope(ad_array *x);
ad_array *ad_sigmoid_slope(ad_array *x);
ad_array *ad_sech_squared(ad_array *x);
ad_array *ad_gaussian(ad_array *x);
ad_array *ad_arcsin_slope(ad_array *x);
ad_array *ad_arcsinh_slope(ad_array *x);
ad_array *ad_arccosh_slope(ad_array *x);

/* arithmetic.c: the derivative of the larger or smaller of a and b along a. It is 1 where a is that one, 1/2 where they
 * are equal or NaN, otherwise 0. */
ad_array *ad_share(ad_array *a, ad_array *b, ad_array *wins);

/* scan.c: x moved by one place along an axis. y_j = x_(j-1), or x_(j+1) in reverse. What moves in at the end is 0. */
ad_array *ad_shifted(ad_array *x, int axis, bool reverse);

/* arithmetic.c: where x attains y, an extremum of x: where they are equal, or x is NaN. */
ad_array *ad_attains(ad_array *x, ad_array *y);

/* create.c: whether the value is a dtype; if not, false and an error that names the operation. */
bool ad_known_dtype(const char *operation, ad_dtype dtype);

/* index_parse.c: NumPy's index notation, printf-like, as a list. */
bool ad_index_parse(const char *operation, const char *format, va_list arguments, ad_index_list *indices);

/* taken.c: the options beside .axis and .axes that a function with ad_reduce_options takes. If another one is given:
 * false and an error. */
enum { AD_TAKES_KEEPDIMS = 1, AD_TAKES_DTYPE = 2, AD_TAKES_DDOF = 4, AD_TAKES_WHERE = 8, AD_TAKES_INITIAL = 16 };
bool ad_reduce_takes(const char *name, const ad_reduce_options *o, unsigned fields);

/* taken.c: .where in the shape of x; x with `neutral` in place of what .where leaves out; .initial in the given dtype.
 * NULL and an error on failure. */
ad_array *ad_mask_of_where(const char *name, const ad_array *x, ad_array *where);
ad_array *ad_where_included(const char *name, ad_array *x, const ad_reduce_options *o, ad_array *neutral);
ad_array *ad_initial_of(const char *name, const ad_reduce_options *o, ad_dtype dtype);

/* norm.c: sqrt(sum(|x|^2) / divisor) over axes, which are counted from 0 and stay with length 1. x is real or complex.
 * It is scaled where squares overflow or underflow. Where it is 0, its derivative is 0 at every order. */
ad_array *ad_two_norm(ad_array *x, ad_axes axes, double divisor);

/* Options of what has an index along an axis for an operand: the public operation, and the axis as its errors name
 * it. */
struct places {
    const char *operation;
    int axis, named;
};

/* gather.c, for an index along an axis. The first function is for infer: it says by the dtype whether an operand may be
 * an index. The second gives the integers of an index, C-contiguous. The third gives them as places within an axis of n
 * elements, with negative ones counted from the end. The integers are in place or in the room given; NULL and an
 * error. */
bool ad_index_fits(const struct places *p, const ad_node *node, int operand);
const int64_t *ad_integers_of(const ad_array *index, struct ad_scratch *room);
const int64_t *ad_places_within(const struct places *p, const ad_array *index, int64_t n, struct ad_scratch *room);

/* gather.c: x at the places of an index; x with a value put there; x with a value added there; the shape of what an
 * index reads. A value has that shape, and the dtype of x. */
ad_array *ad_read_places(struct places p, ad_array *x, ad_array *index);
ad_array *ad_put_places(struct places p, ad_array *x, ad_array *index, ad_array *value);
ad_array *ad_add_places(struct places p, ad_array *x, ad_array *index, ad_array *value);
bool ad_shape_of_places(const struct places *p, const ad_array *x, const ad_array *index, ad_shape *shape);

/* gather.c: x and the axis of p. If no axis is given, x is flattened. False and an error. */
bool ad_along_axis_or_flat(ad_array **x, struct places *p);

/* gather.c: x, of the shape of what an index of index_ndim dimensions reads along an axis, as rows of what lies behind
 * the index: in x, or where they have no steps there, in a copy. False and an error. */
bool ad_rows_of(ad_array *x, int axis, int index_ndim, struct ad_rows *rows);

/* places.c: an index within an axis of n elements, counted from its beginning; an index of one place for each
 * element, as places in the flattened x. */
ad_array *ad_index_within(struct places p, ad_array *index, int64_t n);
ad_array *ad_flat_places_of(struct places p, ad_array *x, ad_array *index);

/* update.c: how an update joins the value with what is there, and so what stands there afterwards. */
typedef enum update { UPDATE_SET, UPDATE_ADD, UPDATE_MUL, UPDATE_MIN, UPDATE_MAX } update;
ad_array *ad_update_of(update kind, ad_array *old, ad_array *value);

/* update.c: x with a value joined in at the places of an index. The value broadcasts to what the index reads. */
ad_array *ad_update_places(update kind, struct places p, ad_array *x, ad_array *index, ad_array *value);

/* region.c: a region of an array. It is a list of what it shows of the axes, in their order, and of new axes between
 * them. Axes that are not in the list are shown whole. */
struct region_axis {
    enum {
        REGION_END,   /* the end of the list */
        REGION_PART,  /* count elements from start on, step apart; step < 0 goes backwards */
        REGION_PLACE, /* one element; the axis goes */
        REGION_NEW,   /* a new axis of length 1 */
        REGION_WHOLE  /* all of the next count axes */
    } kind;
    int64_t start, step, count;
};

/* A step that is never taken may be so large that strides overflow. */
static inline struct region_axis ad_region_part(int64_t start, int64_t count, int64_t step)
{
    return (struct region_axis){ REGION_PART, start, count > 1 ? step : 1, count };
}

static inline struct region_axis ad_region_place(int64_t place)
{
    return (struct region_axis){ REGION_PLACE, place, 1, 1 };
}

ad_array *ad_region(ad_array *x, const struct region_axis *axes);
ad_shape ad_region_shape(const ad_array *x, const struct region_axis *axes);

/* x with `value` joined in at a region. The value has x's dtype and the region's shape. */
ad_array *ad_update_region(update kind, ad_array *x, const struct region_axis *axes, ad_array *value);

/* Part of one axis, which is within bounds. Without keep_axis it is one place, and the axis goes. */
ad_array *ad_slice_of(ad_array *x, int axis, int64_t start, int64_t count, int64_t step, bool keep_axis);

/* pick.c: the elements at different places of the flattened x, in the shape of `places`, which are int64 and within
 * bounds. */
ad_array *ad_pick(ad_array *x, ad_array *places);

/* For the vjp of a primitive of one input whose derivative is ad_pick at these places; as ad_cotangent_of_part. */
ad_array *ad_pick_cotangent(const ad_node *node, ad_array *places, ad_array *g);

/* The places 0 ... size-1 as an int64 array of the given shape. */
ad_array *ad_places_of(ad_shape shape);

/* value in the dtype of x, and in the shape of what an index reads from x. */
ad_array *ad_value_like(const char *operation, ad_array *value, const ad_array *x, ad_shape shape);

/* svd.c: the singular values of the matrices in the last two axes of a float x, the largest first, for the operation
 * named. *tolerance, (..., 1), is what rounding alone may do to them: those within it of 0 are constants. */
ad_array *ad_singular_values(const char *operation, ad_array *x, ad_array **tolerance);

/* norm.c: the largest or smallest of them, (..., 1). Those within the tolerance of it are ties, which share what
 * comes. */
ad_array *ad_extreme_singular(ad_array *s, ad_array *tolerance, bool largest);

#endif
