/* Products of vectors, matrices and tensors. The names are NumPy's.
 *
 * Operands are arrays or C numbers. dtypes promote as in NumPy, integers stay integers, and the product of bools is "or
 * of ands". Products of real and complex floating numbers go to BLAS, and transposed operands go there as they are.
 * Every function is linear in each operand and differentiable to any order in both modes. The bare names are functions
 * too. */
#ifndef AD_PRODUCT_H
#define AD_PRODUCT_H

#include <ad/array.h>
#include <ad/each.h>

AD_BEGIN_DECLS

/* ---- Products of two ---- */

/** Matrix product over the last two axes, the leading axes broadcast.
 *
 * @param a  (..., m, k), or (k) for a row that leaves no axis in the result
 * @param b  (..., k, n), or (k) for a column that leaves no axis in the result
 * @return   (..., m, n)
 * Errors: a 0-d operand; different k; leading axes that do not broadcast.
 * Derivative: g b^T in a, a^T g in b, summed over broadcast axes. Also named ad_linalg_matmul. */
AD_API ad_array *ad_matmul(ad_array *a, ad_array *b);

/** NumPy's dot: over the last axis of a and the second to last of b (its only one if it is 1-d). A 0-d operand
 * multiplies.
 *
 * @param a  (..., k)
 * @param b  (..., k, n) or (k)
 * @return   the other axes of a, then those of b
 * Errors: different k. */
AD_API ad_array *ad_dot(ad_array *a, ad_array *b);

/** Over the last axis of both: (..., k), (..., k) -> the other axes of a, then those of b; a 0-d operand multiplies. */
AD_API ad_array *ad_inner(ad_array *a, ad_array *b);

/** All products of an element of a with an element of b, both flattened: (a's size, b's size). */
AD_API ad_array *ad_outer(ad_array *a, ad_array *b);

/** Sum of conj(a) b over all elements: 0-d. Operands of any shapes with the same number of elements, flattened. */
AD_API ad_array *ad_vdot(ad_array *a, ad_array *b);

/** Matrix times vector, leading axes broadcast: (..., m, k), (..., k) -> (..., m). */
AD_API ad_array *ad_matvec(ad_array *a, ad_array *b);

/** Conjugated vector times matrix, leading axes broadcast: (..., k), (..., k, n) -> (..., n). */
AD_API ad_array *ad_vecmat(ad_array *a, ad_array *b);

/** Kronecker product: blocks of b, each times an element of a. The operand with fewer axes gets axes of length 1 in
 * front.
 * Errors: more than AD_MAX_NDIM / 2 axes. */
AD_API ad_array *ad_kron(ad_array *a, ad_array *b);

/** Options of ad_vecdot. */
typedef struct ad_vecdot_options {
    int axis; /**< = -1: the axis of length k, in each operand */
    int ad_unused_;
} AD_NAMED_ ad_vecdot_options;

/** Sum of conj(a) b along an axis, the others broadcast: (..., k), (..., k) -> (...). Options: .axis = -1.
 * Also named ad_linalg_vecdot. */
AD_API ad_array *ad_vecdot(ad_array *a, ad_array *b);
AD_API ad_array *ad_vecdot_with(ad_array *a, ad_array *b, ad_vecdot_options options);

/** Options of ad_tensordot. */
typedef struct ad_tensordot_options {
    int axes;       /**< = 2: how many of the last axes of a, and of the first axes of b */
    ad_axes a_axes; /**< instead: axes of a ... */
    ad_axes b_axes; /**< ... and the axes of b that go with them, in the same order */
    int ad_unused_;
} AD_NAMED_ ad_tensordot_options;

/** Sum of products over pairs of axes.
 *
 * ad_tensordot(a, b), ad_tensordot(a, b, .axes = 1),
 * ad_tensordot(a, b, .a_axes = AD_AXES(0, 1), .b_axes = AD_AXES(1, 0)).
 * @return  the other axes of a, then those of b
 * Errors: lists of different lengths; an axis out of range or given twice; paired axes of different lengths.
 * Also named ad_linalg_tensordot. */
AD_API ad_array *ad_tensordot(ad_array *a, ad_array *b);
AD_API ad_array *ad_tensordot_with(ad_array *a, ad_array *b, ad_tensordot_options options);

/* ---- Products of many ---- */

/** Einstein's summation: ad_einsum("ij,jk->ik", a, b).
 *
 * Each operand has a letter for every axis, and "..." for any axes that broadcast. Letters that are not in the output
 * are summed over. A letter that an operand repeats takes its diagonal. Without "->" the output has the letters that
 * occur once, in alphabetical order, after the axes of "...". An axis of length 1 goes with any length of another
 * operand. More than two operands get the common dtype and are multiplied in pairs; the pair with the smallest result
 * comes first.
 *
 * @param subscripts  the operands' letters, separated by commas; spaces are ignored
 * @param operands    count arrays
 * @return            the axes of the output
 * Errors: subscripts that cannot be read, or that do not fit the shapes; axes of one letter with different lengths. */
AD_API ad_array *ad_einsum_from(const char *subscripts, ad_array *const *operands, int count);

/* ---- Cross product and trace ---- */

/** Options of ad_cross. */
typedef struct ad_cross_options {
    int axisa, axisb; /**< = -1: the axes of the vectors in a and in b */
    int axisc;        /**< = -1: where the result has its vectors; not read if it has none */
    int axis;         /**< = AD_NO_AXIS: in place of all three */
    int ad_unused_;
} AD_NAMED_ ad_cross_options;

/** Cross product of vectors of length 3, or of length 2, whose third component counts as 0. The other axes broadcast.
 *
 * @param a  (..., 3) or (..., 2)
 * @param b  (..., 3) or (..., 2)
 * @return   (..., 3); for two vectors of length 2 only the third component: (...)
 * Errors: other lengths; bools; other axes that do not broadcast. */
AD_API ad_array *ad_cross(ad_array *a, ad_array *b);
AD_API ad_array *ad_cross_with(ad_array *a, ad_array *b, ad_cross_options options);

/** Options of ad_trace. */
typedef struct ad_trace_options {
    int64_t offset;   /**< 0: which diagonal; above the main one if positive */
    int axis1, axis2; /**< = 0, 1: the axes of the matrix */
    ad_dtype dtype;   /**< = AD_NO_DTYPE: of the sum; by default that of ad_sum */
    int ad_unused_;
} AD_NAMED_ ad_trace_options;

/** Sum along a diagonal, in the shape of the other axes: (n, m, ...) -> (...). Options: .offset, .axis1, .axis2 = 1,
 * .dtype. Integers smaller than int64, and bools, are summed as int64 unless .dtype says otherwise.
 * Errors: fewer than two axes; an axis out of range; the same axis twice. */
AD_API ad_array *ad_trace(ad_array *x);
AD_API ad_array *ad_trace_with(ad_array *x, ad_trace_options options);

#ifndef __cplusplus

/** ad_einsum("ij,jk", a, b): up to 64 operands, arrays or C numbers. */
#define ad_einsum(subscripts, ...)           AD_EINSUM_1_(AD_UNIQUE_, subscripts, __VA_ARGS__)
#define AD_EINSUM_1_(id, subscripts, ...)    AD_EINSUM_2_(id, subscripts, __VA_ARGS__)
#define AD_EINSUM_2_(id, subscripts, ...)                                                                              \
    __extension__({                                                                                                    \
        ad_array *id[] = { AD_EACH_(AD_OPERAND_, __VA_ARGS__) };                                                       \
        AD_SITE_("ad_einsum");                                                                                         \
        ad_einsum_from(subscripts, id, (int)(sizeof id / sizeof *id));                                                 \
    })

#endif

#include <ad/macros/product.h>

AD_END_DECLS

#endif
