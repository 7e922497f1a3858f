/* Reductions and running sums. The names are NumPy's.
 *
 * A reduction takes its axes as .axis = k or as .axes = AD_AXES(0, -1). If neither is given, it is over all axes. The
 * reduced axes go, or stay with length 1 where .keepdims is true. The bare names are functions of one argument with the
 * defaults, so ad_grad(ad_sum) works. ad_x_with takes the options as a struct. Every operand may be a C number.
 *
 * Errors of all: an axis that is out of range or given twice (a 0-d array takes 0 and -1, as NumPy's does). NaN
 * propagates. */
#ifndef AD_REDUCE_H
#define AD_REDUCE_H

#include <ad/array.h>

AD_BEGIN_DECLS

/** Options of the reductions. Begin with AD_REDUCE_DEFAULTS. A field that a function does not take is an error, and
 * never ignored. So is .axis beside .axes. */
typedef struct ad_reduce_options {
    int axis;          /**< = AD_NO_AXIS: one axis */
    ad_axes axes;      /**< several axes; if none are given, and no axis either: all */
    bool keepdims;     /**< all but softmax and log_softmax: keep the reduced axes with length 1 */
    ad_dtype dtype;    /**< = AD_NO_DTYPE; sum, prod, mean, var, std: compute in this dtype. In mean, var and std integers count as float64 */
    int ddof;          /**< var, std: divide by n - ddof */
    ad_array *where;   /**< sum, prod, mean, var, std, max, min, any, all: include only elements where it is not 0; broadcasts to x. NULL: everything */
    ad_array *initial; /**< sum, prod, max, min: one more element, 0-d. max and min need one if they have .where, or no elements. NULL: none */
    int ad_unused_;
} AD_NAMED_ ad_reduce_options;

/** Options of running sums and products. Begin with AD_SCAN_DEFAULTS. */
typedef struct ad_scan_options {
    int axis;       /**< = AD_NO_AXIS: along the flattened array */
    bool reverse;   /**< from the last element to the first */
    bool exclusive; /**< leave the element itself out: the first result is that of no elements */
    ad_dtype dtype; /**< = AD_NO_DTYPE: compute in and give this dtype */
    int ad_unused_;
} AD_NAMED_ ad_scan_options;

/** Options of ad_linear_recurrence. Begin with AD_RECURRENCE_DEFAULTS. */
typedef struct ad_recurrence_options {
    int axis; /**< = -1 */
    bool reverse;
    int ad_unused_;
} AD_NAMED_ ad_recurrence_options;

/* ---- Sums and products ---- */

/** Sum. Integers and bool give int64. Without elements 0. Derivative: g, spread over the axes. */
AD_API ad_array *ad_sum(ad_array *x);
AD_API ad_array *ad_sum_with(ad_array *x, ad_reduce_options options);

/** Arithmetic mean. Integers and bool give float64. Without elements NaN. */
AD_API ad_array *ad_mean(ad_array *x);
AD_API ad_array *ad_mean_with(ad_array *x, ad_reduce_options options);

/** Product. Integers and bool give int64. Without elements 1. Derivative: the product of the others, without a
 * division: exact for any number of zeros, at every order. */
AD_API ad_array *ad_prod(ad_array *x);
AD_API ad_array *ad_prod_with(ad_array *x, ad_reduce_options options);

/** Variance: sum of |x - mean|^2 over n - ddof; real for complex x. Integers give float64. With n <= ddof the divisor
 * is 0, as in NumPy. */
AD_API ad_array *ad_var(ad_array *x);
AD_API ad_array *ad_var_with(ad_array *x, ad_reduce_options options);

/** Standard deviation: square root of ad_var, without overflow or underflow of the squares. Where it is 0 it counts as
 * a constant, as ad_linalg_norm does: its derivatives of every order are 0, and so are those of its square. */
AD_API ad_array *ad_std(ad_array *x);
AD_API ad_array *ad_std_with(ad_array *x, ad_reduce_options options);

/* ---- Selections; complex numbers are ordered by real part, then imaginary part, as in NumPy ---- */

/** Largest element; NaN if there is a NaN. Derivative: shared equally by all elements that attain it, or by the NaN.
 * Errors: nothing to choose from. Also named ad_amax. */
AD_API ad_array *ad_max(ad_array *x);
AD_API ad_array *ad_max_with(ad_array *x, ad_reduce_options options);

/** Smallest element; otherwise as ad_max. Also named ad_amin. */
AD_API ad_array *ad_min(ad_array *x);
AD_API ad_array *ad_min_with(ad_array *x, ad_reduce_options options);

/** Largest minus smallest element. */
AD_API ad_array *ad_ptp(ad_array *x);
AD_API ad_array *ad_ptp_with(ad_array *x, ad_reduce_options options);

/** Index of the largest element, int64. Of equal elements it is the first; if there is a NaN, it is the first NaN. It
 * is along one axis, or in the flattened array if no axis is given. A constant of every derivative. Errors: nothing to
 * choose from; several axes but not all. */
AD_API ad_array *ad_argmax(ad_array *x);
AD_API ad_array *ad_argmax_with(ad_array *x, ad_reduce_options options);

/** Index of the smallest element; otherwise as ad_argmax. */
AD_API ad_array *ad_argmin(ad_array *x);
AD_API ad_array *ad_argmin_with(ad_array *x, ad_reduce_options options);

/** Whether one element is not 0; bool. Without elements false. */
AD_API ad_array *ad_any(ad_array *x);
AD_API ad_array *ad_any_with(ad_array *x, ad_reduce_options options);

/** Whether no element is 0; bool. Without elements true. */
AD_API ad_array *ad_all(ad_array *x);
AD_API ad_array *ad_all_with(ad_array *x, ad_reduce_options options);

/* ---- Running sums and products ---- */

/** Running sum along an axis, or along the flattened array. Integers and bool give int64. Derivative: the running sum
 * of g from the other end. */
AD_API ad_array *ad_cumsum(ad_array *x);
AD_API ad_array *ad_cumsum_with(ad_array *x, ad_scan_options options);

/** Running product, as ad_cumsum. Derivative: without a division, exact for any number of zeros, at every order. */
AD_API ad_array *ad_cumprod(ad_array *x);
AD_API ad_array *ad_cumprod_with(ad_array *x, ad_scan_options options);

/** y_i = a_i y_(i-1) + b_i along an axis, with y_(-1) = 0; with .reverse y_i = a_i y_(i+1) + b_i. A zero wins over an
 * infinity beside it, as in ad_zzmul.
 *
 * @param a  real or complex, broadcast with b; the first coefficient is not used (with .reverse the last one)
 * @return   the broadcast shape and the common dtype
 * Derivative: the same recurrence from the other end.
 * Errors: shapes that do not broadcast; 0-d operands. */
AD_API ad_array *ad_linear_recurrence(ad_array *a, ad_array *b);
AD_API ad_array *ad_linear_recurrence_with(ad_array *a, ad_array *b, ad_recurrence_options options);

#include <ad/macros/reduce.h>

AD_END_DECLS

#endif
