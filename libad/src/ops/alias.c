/* NumPy's and SciPy's other names as functions too, for languages that cannot use the macros of the headers. A macro's name stands in a string
 * here, where it is not replaced. */
#include "ad/ad.h"

#define TEXT(x)        TEXT_OF(x)
#define TEXT_OF(x)     #x
#define SYMBOL(alias)  TEXT(__USER_LABEL_PREFIX__) "ad_" #alias

#define ALIAS(alias, name)                                                                                             \
    AD_API ad_array *alias##_function(ad_array *x) __asm__(SYMBOL(alias));                                             \
    ad_array *alias##_function(ad_array *x)                                                                            \
    {                                                                                                                  \
        return (ad_##name)(x);                                                                                         \
    }
#define ALIAS_OF_TWO(alias, name)                                                                                      \
    AD_API ad_array *alias##_function(ad_array *a, ad_array *b) __asm__(SYMBOL(alias));                                \
    ad_array *alias##_function(ad_array *a, ad_array *b)                                                               \
    {                                                                                                                  \
        return (ad_##name)(a, b);                                                                                      \
    }
#define ALIAS_OF_REDUCTION(alias, name)                                                                                \
    ALIAS(alias, name)                                                                                                 \
    AD_API ad_array *alias##_with_function(ad_array *x, ad_reduce_options options) __asm__(SYMBOL(alias##_with));      \
    ad_array *alias##_with_function(ad_array *x, ad_reduce_options options)                                            \
    {                                                                                                                  \
        return ad_##name##_with(x, options);                                                                           \
    }
#define ALIAS_OF_TWO_WITH(alias, name, options_type)                                                                   \
    ALIAS_OF_TWO(alias, name)                                                                                          \
    AD_API ad_array *alias##_with_function(ad_array *a, ad_array *b, options_type options) __asm__(SYMBOL(alias##_with)); \
    ad_array *alias##_with_function(ad_array *a, ad_array *b, options_type options)                                    \
    {                                                                                                                  \
        return ad_##name##_with(a, b, options);                                                                        \
    }

ALIAS(negative, neg)
ALIAS(absolute, abs)
ALIAS(radians, deg2rad)
ALIAS(degrees, rad2deg)
ALIAS(asin, arcsin)
ALIAS(acos, arccos)
ALIAS(atan, arctan)
ALIAS(asinh, arcsinh)
ALIAS(acosh, arccosh)
ALIAS(atanh, arctanh)
ALIAS(conjugate, conj)
ALIAS(linalg_matrix_transpose, matrix_transpose)
ALIAS(special_expit, sigmoid)
ALIAS(special_log_expit, log_sigmoid)
ALIAS(special_erf, erf)
ALIAS(special_erfc, erfc)
ALIAS(special_gammaln, gammaln)
ALIAS(special_digamma, digamma)

ALIAS_OF_TWO(subtract, sub)
ALIAS_OF_TWO(multiply, mul)
ALIAS_OF_TWO(divide, div)
ALIAS_OF_TWO(true_divide, div)
ALIAS_OF_TWO(power, pow)
ALIAS_OF_TWO(remainder, mod)
ALIAS_OF_TWO(atan2, arctan2)
ALIAS_OF_TWO(special_polygamma, polygamma)
ALIAS_OF_TWO(linalg_matmul, matmul)

ALIAS_OF_TWO_WITH(linalg_vecdot, vecdot, ad_vecdot_options)
ALIAS_OF_TWO_WITH(linalg_tensordot, tensordot, ad_tensordot_options)

ALIAS_OF_REDUCTION(amax, max)
ALIAS_OF_REDUCTION(amin, min)
ALIAS_OF_REDUCTION(special_logsumexp, logsumexp)
ALIAS_OF_REDUCTION(special_softmax, softmax)
ALIAS_OF_REDUCTION(special_log_softmax, log_softmax)
