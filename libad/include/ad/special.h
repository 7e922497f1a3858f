/* Special functions along axes: logarithms of sums of exponentials.
 *
 * Values never overflow where the result does not. Axes as in ad/reduce.h: .axis, .axes, or neither for all. Elementwise special
 * functions (ad_sigmoid, ad_gammaln, ad_erf, ...) are in ad/math.h. */
#ifndef AD_SPECIAL_H
#define AD_SPECIAL_H

#include <ad/reduce.h>

AD_BEGIN_DECLS

/** log(sum(exp(x))); integers as float64. Of no elements -inf.
 *
 * Options: axis, axes, keepdims.
 * Derivative: softmax(x). Where all elements are -inf it is 0; elements that are +inf share it. Small results and slopes near 0 and 1 keep their digits.
 * As scipy.special.logsumexp. Also named ad_special_logsumexp. */
AD_API ad_array *ad_logsumexp(ad_array *x);
AD_API ad_array *ad_logsumexp_with(ad_array *x, ad_reduce_options options);

/** exp(x) / sum(exp(x)), of the shape of x; real. Options: axis, axes.
 * Derivative: y (v - sum(y v)), where y near 1 keeps its digits. As scipy.special.softmax: with neither axis nor axes over all elements.
 * Also named ad_special_softmax. */
AD_API ad_array *ad_softmax(ad_array *x);
AD_API ad_array *ad_softmax_with(ad_array *x, ad_reduce_options options);

/** x - log(sum(exp(x))), of the shape of x; real. Options: axis, axes.
 * VJP: g - softmax(x) sum(g). As scipy.special.log_softmax. Also named ad_special_log_softmax. */
AD_API ad_array *ad_log_softmax(ad_array *x);
AD_API ad_array *ad_log_softmax_with(ad_array *x, ad_reduce_options options);

#include <ad/macros/special.h>

AD_END_DECLS

#endif
