/* Special functions along axes: logarithms of sums of exponentials.
 *
 * Values never overflow where the result does not. Axes are given as in ad/reduce.h: .axis, .axes, or neither for all.
 * Elementwise special functions (ad_sigmoid, ad_gammaln, ad_erf, ...) are in ad/math.h. */
#ifndef AD_SPECIAL_H
#define AD_SPECIAL_H

#include <ad/reduce.h>
#include <ad/tree.h>

AD_BEGIN_DECLS

/** Options of ad_logsumexp and ad_signed_logsumexp. Begin with AD_LOGSUMEXP_DEFAULTS. */
typedef struct ad_logsumexp_options {
    int axis;      /**< = AD_NO_AXIS: one axis */
    ad_axes axes;  /**< several; neither: all */
    bool keepdims; /**< keep the axes with length 1 */
    ad_array *b;   /**< weights of the exponentials, of any sign; broadcasts with x; differentiable. NULL: all are 1 */
    int ad_unused_;
} AD_NAMED_ ad_logsumexp_options;

/** log(sum(b exp(x))), real or complex; integers count as float64. Without elements -inf; NaN where a real sum is
 * negative. An element with weight 0 adds nothing, even if it is infinite or NaN.
 *
 * Options: axis, axes, keepdims, b.
 * Derivative: without b softmax(x); with b, b exp(x)/sum in x and exp(x)/sum in b. It is 0 where all elements are -inf.
 * Elements that are +inf share it. Small results, and slopes near 0 and 1, keep their digits. As
 * scipy.special.logsumexp. Also named ad_special_logsumexp. */
AD_API ad_array *ad_logsumexp(ad_array *x);
AD_API ad_array *ad_logsumexp_with(ad_array *x, ad_logsumexp_options options);

/** {"logsumexp", "sign"}: the logarithm of the size of sum(b exp(x)), real, and the sign of the sum. The sign is -1, 0
 * or 1; for complex sums it is their direction. As scipy.special.logsumexp with return_sign. */
AD_API ad_tree *ad_signed_logsumexp(ad_array *x);
AD_API ad_tree *ad_signed_logsumexp_with(ad_array *x, ad_logsumexp_options options);

/** exp(x) / sum(exp(x)), in the shape of x; real. Options: axis, axes.
 * Derivative: y (v - sum(y v)), where a y near 1 keeps its digits. As scipy.special.softmax: if neither axis nor axes
 * is given, over all elements. Also named ad_special_softmax. */
AD_API ad_array *ad_softmax(ad_array *x);
AD_API ad_array *ad_softmax_with(ad_array *x, ad_reduce_options options);

/** x - log(sum(exp(x))), in the shape of x; real. Options: axis, axes. VJP: g - softmax(x) sum(g). As
 * scipy.special.log_softmax. Also named ad_special_log_softmax. */
AD_API ad_array *ad_log_softmax(ad_array *x);
AD_API ad_array *ad_log_softmax_with(ad_array *x, ad_reduce_options options);

#include <ad/macros/special.h>

AD_END_DECLS

#endif
