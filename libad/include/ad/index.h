/* Indexing: elements, slices, gathers and masks, and functional updates in place of assignment.
 *
 * An index is NumPy's, as a string: ad_at(x, "0, 1:3, ..., None, ::-1"). Integers may come from the program, as in
 * printf: ad_at(x, "%d:%d, :", lo, hi). Where an index is an array, or computed, it is a list of ad_index:
 * ad_at_list(x, AD_INDICES(AD_PICK(rows), AD_SLICE(0, 3))). Integers and slices give a view; arrays copy.
 *
 * All functions are linear in x, and most are in the value. The derivative of reading adds into zeros at the places
 * read, so an index that names a place twice adds up there. Index arrays are parameters, int64, int32, uint8 or bool.
 * Every dtype is possible, but min and max do not take complex numbers.
 *
 * A mask is looked at, in an index and in ad_compress, and so is the operand of ad_flatnonzero: the shape of the result
 * depends on their values. A recorded call (ad_on_call) that is made again with a mask of another number of true
 * elements is an error.
 *
 * Errors of all: an index out of bounds, too many indices, a string that cannot be read, step 0 (AD_ERROR_INDEX); an
 * index array of another dtype (AD_ERROR_DTYPE); shapes that do not broadcast (AD_ERROR_SHAPE). An index out of bounds
 * is never clamped, except in slices. */
#ifndef AD_INDEX_H
#define AD_INDEX_H

#include <ad/array.h>

AD_BEGIN_DECLS

/** What one entry of an index does. */
typedef enum ad_index_kind {
    AD_INDEX_SLICE,   /**< start:stop:step */
    AD_INDEX_INTEGER, /**< one place; the axis goes */
    AD_INDEX_NEW,     /**< None: a new axis of length 1 */
    AD_INDEX_REST,    /**< ...: as many full slices as are missing */
    AD_INDEX_ARRAY    /**< an integer array, or a bool array that takes as many axes as it has */
} ad_index_kind;

/** "Not given" for the ends of a slice. */
#define AD_NO_INDEX INT64_MIN

/** One entry of an index. Zero is not a full slice; begin with AD_SLICE_ALL. */
typedef struct ad_index {
    ad_index_kind kind;
    int64_t start; /**< of a slice, or the integer; negative counts from the end */
    int64_t stop, step;
    ad_array *array;
} ad_index;

/** A list of entries. */
typedef struct ad_index_list {
    int count;
    ad_index index[2 * AD_MAX_NDIM];
} ad_index_list;

/** Options of ad_take, ad_compress, ad_put_add, ad_put_set. */
typedef struct ad_take_options {
    int axis; /**< = AD_NO_AXIS: the flattened array */
    int ad_unused_;
} AD_NAMED_ ad_take_options;

/** Options of ad_one_hot. */
typedef struct ad_one_hot_options {
    ad_dtype dtype; /**< = AD_F64: dtype of the result */
    int ad_unused_;
} AD_NAMED_ ad_one_hot_options;

/* ---- Reading ---- */

/** The part of x that an index names, x[...]. As in NumPy, several index arrays are broadcast together. If they are
 * neighbours, their axes stand where the arrays stood; otherwise they come first. The result shares memory with x
 * unless there is an index array. */
AD_API ad_array *ad_at(ad_array *x, const char *index, ...) __attribute__((format(printf, 2, 3)));
AD_API ad_array *ad_at_list(ad_array *x, ad_index_list index);

/** `count` elements of one axis from `start` on, `step` apart (step may be negative, not 0); a view. */
AD_API ad_array *ad_slice_axis(ad_array *x, int axis, int64_t start, int64_t count, int64_t step);

/** The elements that integers name, or the slices along an axis: x.shape with the axis replaced by index.shape.
 *
 * @param index  an integer array of any shape, or a C integer; negative counts from the end */
AD_API ad_array *ad_take(ad_array *x, ad_array *index);
AD_API ad_array *ad_take_with(ad_array *x, ad_array *index, ad_take_options options);

/** For each place of index, the element of x at that place along the axis. ad_argsort, and ad_argmax with .keepdims,
 * give such an index.
 *
 * @param index  integers, with as many axes as x; its other axes broadcast with those of x
 * @return       the broadcast shape, with the length of index along the axis */
AD_API ad_array *ad_take_along_axis(ad_array *x, ad_array *index, int axis);

/** The slices along an axis (or elements of the flattened array) where a condition holds.
 *
 * @param condition  (n,), with n at most the length of the axis; true where it is not 0 */
AD_API ad_array *ad_compress(ad_array *condition, ad_array *x);
AD_API ad_array *ad_compress_with(ad_array *condition, ad_array *x, ad_take_options options);

/** The places in the flattened array where x is not 0: int64, a constant of every derivative. */
AD_API ad_array *ad_flatnonzero(ad_array *x);

/** A row of zeros with a one for each integer: index.shape + (classes,). A constant of every derivative. As
 * jax.nn.one_hot, but an integer that is not in 0 ... classes-1 is an error. */
AD_API ad_array *ad_one_hot(ad_array *index, int64_t classes);
AD_API ad_array *ad_one_hot_with(ad_array *index, int64_t classes, ad_one_hot_options options);

/* ---- Functional updates ----
 *
 * Each gives a new array like x, changed at the places that an index names. The value broadcasts to them and is
 * converted to x's dtype. Complex into real is an error, and so is a C integer out of its range. If an index names a
 * place twice, ad_at_add adds both values, and mul, min and max apply both. In ad_at_set the last value stays, and it
 * alone gets the cotangent. */

/** x[index] = value. The old elements there get cotangent 0. */
AD_API ad_array *ad_at_set(ad_array *x, ad_array *value, const char *index, ...) __attribute__((format(printf, 3, 4)));
AD_API ad_array *ad_at_set_list(ad_array *x, ad_array *value, ad_index_list index);

/** x[index] += value. */
AD_API ad_array *ad_at_add(ad_array *x, ad_array *value, const char *index, ...) __attribute__((format(printf, 3, 4)));
AD_API ad_array *ad_at_add_list(ad_array *x, ad_array *value, ad_index_list index);

/** x[index] *= value. */
AD_API ad_array *ad_at_mul(ad_array *x, ad_array *value, const char *index, ...) __attribute__((format(printf, 3, 4)));
AD_API ad_array *ad_at_mul_list(ad_array *x, ad_array *value, ad_index_list index);

/** x[index] = minimum(x[index], value); ties as in ad_minimum. */
AD_API ad_array *ad_at_min(ad_array *x, ad_array *value, const char *index, ...) __attribute__((format(printf, 3, 4)));
AD_API ad_array *ad_at_min_list(ad_array *x, ad_array *value, ad_index_list index);

/** x[index] = maximum(x[index], value). */
AD_API ad_array *ad_at_max(ad_array *x, ad_array *value, const char *index, ...) __attribute__((format(printf, 3, 4)));
AD_API ad_array *ad_at_max_list(ad_array *x, ad_array *value, ad_index_list index);

/** x with value added at the places that ad_take(x, index) reads. The value broadcasts to what that gives. */
AD_API ad_array *ad_put_add(ad_array *x, ad_array *index, ad_array *value);
AD_API ad_array *ad_put_add_with(ad_array *x, ad_array *index, ad_array *value, ad_take_options options);

/** x with value in place of the elements that ad_take(x, index) reads. */
AD_API ad_array *ad_put_set(ad_array *x, ad_array *index, ad_array *value);
AD_API ad_array *ad_put_set_with(ad_array *x, ad_array *index, ad_array *value, ad_take_options options);

/** x with value at the places that ad_take_along_axis(x, index, axis) reads; index and value broadcast to that. */
AD_API ad_array *ad_put_along_axis(ad_array *x, ad_array *index, ad_array *value, int axis);

#ifndef __cplusplus

/** Entries of a list: x[3], x[1:5], x[1:9:2], x[:], x[None], x[...], x[array]. */
#define AD_INTEGER(i)               ((ad_index){ .kind = AD_INDEX_INTEGER, .start = (i) })
#define AD_SLICE(from, to)          ((ad_index){ .kind = AD_INDEX_SLICE, .start = (from), .stop = (to), .step = 1 })
#define AD_SLICE_BY(from, to, by)   ((ad_index){ .kind = AD_INDEX_SLICE, .start = (from), .stop = (to), .step = (by) })
#define AD_SLICE_ALL                ((ad_index){ .kind = AD_INDEX_SLICE, .start = AD_NO_INDEX, .stop = AD_NO_INDEX, .step = 1 })
#define AD_NEW_AXIS                 ((ad_index){ .kind = AD_INDEX_NEW })
#define AD_REST                     ((ad_index){ .kind = AD_INDEX_REST })
#define AD_PICK(indices)            ((ad_index){ .kind = AD_INDEX_ARRAY, .array = (indices) })

/** AD_INDICES(AD_PICK(rows), AD_INTEGER(0)). Expands to `(ad_index_list){ .count = 2, .index = { ... } }`. */
#define AD_INDICES(...) ((ad_index_list){ .count = (int)(sizeof((ad_index[]){ __VA_ARGS__ }) / sizeof(ad_index)), .index = { __VA_ARGS__ } })

#endif

#include <ad/macros/index.h>

AD_END_DECLS

#endif
