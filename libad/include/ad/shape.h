/* Rearranging elements: shapes, axes, order, repetition, joining and splitting. The names are NumPy's.
 *
 * Every function here is linear in its arrays, keeps their dtype (a join takes the common one) and works for every
 * dtype. Its derivative is exact at every order. A tangent goes through the same function. A cotangent goes through its
 * transpose, which undoes the rearrangement and adds up what was repeated. A function that changes only shape, strides
 * or direction shares memory with its operand and costs nothing per element. An operand may be a C number. A negative
 * axis counts from the last.
 *
 * Errors of all: an axis that is out of range or given twice (AD_ERROR_AXIS); a shape that does not fit
 * (AD_ERROR_SHAPE). A 0-d array has no axis, but ad_squeeze, ad_repeat and ad_take accept 0 and -1 for it, as NumPy
 * does. */
#ifndef AD_SHAPE_H
#define AD_SHAPE_H

#include <ad/array.h>
#include <ad/tree.h>

AD_BEGIN_DECLS

/* ---- Options. Each has a constant with the defaults, AD_RESHAPE_DEFAULTS and so on. ---- */

/** Options of ad_reshape and ad_ravel. */
typedef struct ad_reshape_options {
    const char *order; /**< = "C": the last axis runs fastest; "F": the first */
    int ad_unused_;
} AD_NAMED_ ad_reshape_options;

/** Options of ad_transpose. */
typedef struct ad_transpose_options {
    ad_axes axes; /**< for each axis of the result, the operand's axis; none given: all, reversed */
    int ad_unused_;
} AD_NAMED_ ad_transpose_options;

/** Options of ad_squeeze and ad_flip: one axis, or several. If none is given, all that the function can mean. */
typedef struct ad_axes_options {
    int axis; /**< = AD_NO_AXIS */
    ad_axes axes;
    int ad_unused_;
} AD_NAMED_ ad_axes_options;

/** Options of ad_rot90. */
typedef struct ad_rot90_options {
    int k;        /**< = 1: quarter turns, from the first axis towards the second; may be negative */
    ad_axes axes; /**< the two axes of the plane; none given: 0 and 1 */
    int ad_unused_;
} AD_NAMED_ ad_rot90_options;

/** Options of ad_concatenate, ad_stack and ad_unstack. */
typedef struct ad_join_options {
    int axis;
    int ad_unused_;
} AD_NAMED_ ad_join_options;

/** Options of ad_split. */
typedef struct ad_split_options {
    int axis;
    ad_shape indices; /**< where to cut, in place of a number of sections: AD_SHAPE(2, 5) */
    int ad_unused_;
} AD_NAMED_ ad_split_options;

/** Options of ad_repeat. */
typedef struct ad_repeat_options {
    int axis; /**< = AD_NO_AXIS: the flattened array */
    int ad_unused_;
} AD_NAMED_ ad_repeat_options;

/** Options of ad_roll. */
typedef struct ad_roll_options {
    int axis;        /**< = AD_NO_AXIS: the flattened array, and the result has the shape of x */
    ad_axes axes;    /**< several axes, all rolled by the shift, or each by one of `shifts` */
    ad_shape shifts; /**< in place of the shift: one for each axis */
    int ad_unused_;
} AD_NAMED_ ad_roll_options;

/** Options of ad_pad. */
typedef struct ad_pad_options {
    const char *mode;       /**< = "constant": or "edge", "reflect", "symmetric", "wrap" */
    ad_widths widths;       /**< in place of the width: a pair for each axis, or one for all of them */
    double constant_values; /**< what mode "constant" pads with */
    int ad_unused_;
} AD_NAMED_ ad_pad_options;

/* ---- Shapes ---- */

/** The same elements in another shape. One dimension may be -1, and follows from the others. It shares memory where the
 * strides allow it.
 *
 * @param shape  with as many elements as x; .order "C" or "F" says in which order they are read and placed */
AD_API ad_array *ad_reshape_with(ad_array *x, ad_shape shape, ad_reshape_options options);
AD_API ad_array *ad_reshape(ad_array *x, ad_shape shape);

/** The elements as a vector. */
AD_API ad_array *ad_ravel_with(ad_array *x, ad_reshape_options options);
AD_API ad_array *ad_ravel(ad_array *x);

/** x with an axis of length 1 that becomes axis `axis` of the result; ad_expand_dims(x, AD_AXES(0, -1)) inserts
 * several. */
AD_API ad_array *ad_expand_dims(ad_array *x, int axis);
AD_API ad_array *ad_expand_dims_axes(ad_array *x, ad_axes axes);

/** x without axes of length 1: without all of them, or without those given, which must have length 1. */
AD_API ad_array *ad_squeeze_with(ad_array *x, ad_axes_options options);
AD_API ad_array *ad_squeeze(ad_array *x);

/** x repeated along new leading axes and along axes of length 1, without a copy. The cotangent is summed over them. */
AD_API ad_array *ad_broadcast_to(ad_array *x, ad_shape shape);

/** x with at least 1, 2 or 3 axes: () becomes (1,1); (n,) becomes (1,n) and (1,n,1); (m,n) becomes (m,n,1). */
AD_API ad_array *ad_atleast_1d(ad_array *x);
AD_API ad_array *ad_atleast_2d(ad_array *x);
AD_API ad_array *ad_atleast_3d(ad_array *x);

/* ---- The order of axes; never a copy ---- */

/** x with its axes in another order; reversed if none is given. Also named ad_permute_dims, as in the array API
 * standard. */
AD_API ad_array *ad_transpose_with(ad_array *x, ad_transpose_options options);
AD_API ad_array *ad_transpose(ad_array *x);

/** (..., m, n) to (..., n, m). Also named ad_linalg_matrix_transpose. */
AD_API ad_array *ad_matrix_transpose(ad_array *x);

/** x with two axes exchanged. */
AD_API ad_array *ad_swapaxes(ad_array *x, int axis1, int axis2);

/** x with axis `source` at position `destination`, and the others in their order. ad_moveaxis(x, AD_AXES(0, 1),
 * AD_AXES(-1, -2)) moves several. */
AD_API ad_array *ad_moveaxis(ad_array *x, int source, int destination);
AD_API ad_array *ad_moveaxis_axes(ad_array *x, ad_axes sources, ad_axes destinations);

/* ---- The order of elements ---- */

/** x backwards along the axes given, or all; never a copy. */
AD_API ad_array *ad_flip_with(ad_array *x, ad_axes_options options);
AD_API ad_array *ad_flip(ad_array *x);

/** x backwards along axis 1 (left to right); backwards along axis 0 (up and down). */
AD_API ad_array *ad_fliplr(ad_array *x);
AD_API ad_array *ad_flipud(ad_array *x);

/** x turned by quarter turns in the plane of two axes; never a copy. */
AD_API ad_array *ad_rot90_with(ad_array *x, ad_rot90_options options);
AD_API ad_array *ad_rot90(ad_array *x);

/** x with its elements moved by `shift` places. Those that leave at one end enter at the other. */
AD_API ad_array *ad_roll_with(ad_array *x, int64_t shift, ad_roll_options options);
AD_API ad_array *ad_roll(ad_array *x, int64_t shift);

/* ---- Repetition ---- */

/** x laid side by side reps.dim[i] times along axis i. The shorter of x's shape and reps gets leading ones.
 *
 * @param reps  AD_SHAPE(2, 3); 0 is legal and gives an empty array */
AD_API ad_array *ad_tile(ad_array *x, ad_shape reps);

/** Each element `repeats` times in a row.
 *
 * @param repeats  a C integer, an integer array of one element, or one with as many elements as the axis is long; none
 *                 is negative. It is a parameter: there is no derivative in it. The length of the result depends on it,
 *                 so an array is looked at. A recorded call that is made again with repeats of another total is an
 *                 error */
AD_API ad_array *ad_repeat_with(ad_array *x, ad_array *repeats, ad_repeat_options options);
AD_API ad_array *ad_repeat(ad_array *x, ad_array *repeats);

/** x with `width` more elements before and after every axis.
 *
 * The new elements are constant_values, the outermost element ("edge"), x mirrored at its end ("reflect" does not
 * repeat the last element, "symmetric" does), or x over again ("wrap"). Errors: a negative width; a mode other than
 * "constant" along an axis of length 0. */
AD_API ad_array *ad_pad_with(ad_array *x, int64_t width, ad_pad_options options);
AD_API ad_array *ad_pad(ad_array *x, int64_t width);

/* ---- Joining and splitting ---- */

/** The arrays of a list behind one another along an axis, in their common dtype. Their other axes agree. With .axis =
 * AD_NO_AXIS they are flattened first, as NumPy does for axis=None. Errors: an empty list; a 0-d array; shapes that
 * differ along other axes. */
AD_API ad_array *ad_concatenate_with(const ad_tree *arrays, ad_join_options options);
AD_API ad_array *ad_concatenate(const ad_tree *arrays);

/** Arrays of one shape along a new axis, which becomes axis `axis` of the result. */
AD_API ad_array *ad_stack_with(const ad_tree *arrays, ad_join_options options);
AD_API ad_array *ad_stack(const ad_tree *arrays);

/** Arrays as rows: concatenated along axis 0, each with at least 2 axes. */
AD_API ad_array *ad_vstack(const ad_tree *arrays) AD_NOTED_;

/** Arrays side by side: concatenated along axis 1, vectors along axis 0. */
AD_API ad_array *ad_hstack(const ad_tree *arrays) AD_NOTED_;

/** x cut along an axis into a list of `sections` equal parts, or at .indices (out of range as in NumPy's slices). Parts
 * share memory with x. A part that is not used contributes zeros to the cotangent. Errors: sections that do not divide
 * the axis. */
AD_API ad_tree *ad_split_with(ad_array *x, int64_t sections, ad_split_options options);
AD_API ad_tree *ad_split(ad_array *x, int64_t sections);

/** As ad_split, but parts may differ by one element, the longer ones first. */
AD_API ad_tree *ad_array_split_with(ad_array *x, int64_t sections, ad_split_options options);
AD_API ad_tree *ad_array_split(ad_array *x, int64_t sections);

/** x taken apart along an axis into a list of arrays without that axis. It undoes ad_stack. */
AD_API ad_tree *ad_unstack_with(ad_array *x, ad_join_options options);
AD_API ad_tree *ad_unstack(ad_array *x);

#ifndef __cplusplus

/** Pairs of widths: AD_WIDTHS({1, 2}, {0, 3}). Expands to `(ad_widths){ .count = 2, .width = { {1, 2}, {0, 3} } }`. */
#define AD_WIDTHS(...) ((ad_widths){ .count = (int)(sizeof((int64_t[][2]){ __VA_ARGS__ }) / sizeof(int64_t[2])), .width = { __VA_ARGS__ } })

#define ad_expand_dims(x, axis)             AD_CALL_CHOSEN_(ad_expand_dims, ad_expand_dims_axes, x, axis, axis)
#define ad_moveaxis(x, source, destination) AD_CALL_CHOSEN_(ad_moveaxis, ad_moveaxis_axes, x, source, source, destination)

/* Calls f, or f_axes if `axis` is an ad_axes. */
#define AD_CALL_CHOSEN_(f, f_axes, x, axis, ...)       AD_CALL_CHOSEN_1_(AD_UNIQUE_, f, f_axes, x, axis, __VA_ARGS__)
#define AD_CALL_CHOSEN_1_(id, f, f_axes, x, axis, ...) AD_CALL_CHOSEN_2_(id, f, f_axes, x, axis, __VA_ARGS__)
#define AD_CALL_CHOSEN_2_(id, f, f_axes, x, axis, ...)                                                                 \
    __extension__({                                                                                                    \
        __auto_type id = (x);                                                                                          \
        AD_SITE_(#f);                                                                                                  \
        _Generic((axis), ad_axes: f_axes, default: (f))(AD_ARRAY_(id), __VA_ARGS__);                                   \
    })

#endif

#include <ad/macros/shape.h>

AD_END_DECLS

#endif
