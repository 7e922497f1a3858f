/* Rows for ad/special.h: logarithms of sums of exponentials, softmax. row.h says what a row is and how one is added. */
#include "row.h"

OF_X(logsumexp_first, ad_logsumexp(x, .axis = 0))
OF_X(logsumexp_last_kept, ad_logsumexp(x, .axis = -1, .keepdims = true))
OF_AB(logsumexp_weighted, ad_logsumexp(a, .b = ad_exp(b)))
OF_AB(logsumexp_weighted_last, ad_logsumexp(a, .b = ad_add(3, b), .axis = -1, .keepdims = true))
OF_AB(logsumexp_negative, ad_tree_get(ad_signed_logsumexp(a, .b = ad_sub(b, 3), .axis = 0), "logsumexp"))
OF_AB(sign_of_weighted_sum, ad_tree_get(ad_signed_logsumexp(a, .b = ad_add(3, b)), "sign"))
OF_X(logsumexp_two, ad_logsumexp(x, .axes = AD_AXES(-1, 0)))
OF_X(softmax_first, ad_softmax(x, .axis = 0))
OF_X(softmax_last, ad_softmax(x, .axis = -1))
OF_X(softmax_two, ad_softmax(x, .axes = AD_AXES(0, -1)))
OF_X(log_softmax_last, ad_log_softmax(x, .axis = -1))
OF_X(log_softmax_two, ad_log_softmax(x, .axes = AD_AXES(0, -1)))

static const struct row special_rows[] = {
    UNARY(logsumexp, -2, 2, COMPLEX | NO_EMPTY),
    ONE("ad_logsumexp", logsumexp_first, -2, 2, NO_SCALAR | NO_EMPTY),
    ONE("ad_logsumexp", logsumexp_last_kept, -2, 2, NO_SCALAR),
    TWO("ad_weighted_logsumexp", logsumexp_weighted, -1, 1, COMPLEX | NO_EMPTY),
    TWO("ad_weighted_logsumexp", logsumexp_weighted_last, -1, 1, COMPLEX | NO_SCALAR),
    TWO("ad_weighted_logsumexp", logsumexp_negative, -1, 1, COMPLEX | NO_SCALAR | NO_EMPTY | NO_BOOL),
    TWO("ad_weighted_logsumexp", sign_of_weighted_sum, -1, 1, COMPLEX | NO_EMPTY),
    ONE("ad_logsumexp", logsumexp_two, -2, 2, MATRIX | NO_EMPTY),
    ONE("ad_logsumexp_weights", logsumexp_first, -2, 2, NO_SCALAR | NO_EMPTY),
    UNARY(softmax, -2, 2, 0),
    ONE("ad_softmax", softmax_first, -2, 2, NO_SCALAR),
    ONE("ad_softmax", softmax_two, -2, 2, MATRIX),
    ONE("ad_centre", softmax_last, -2, 2, NO_SCALAR),
    UNARY(log_softmax, -2, 2, 0),
    ONE("ad_log_softmax", log_softmax_last, -2, 2, NO_SCALAR),
    ONE("ad_log_softmax", log_softmax_two, -2, 2, MATRIX),
};
