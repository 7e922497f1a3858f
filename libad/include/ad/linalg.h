/* Linear algebra, as numpy.linalg. */
#ifndef AD_LINALG_H
#define AD_LINALG_H

#include <ad/array.h>

AD_BEGIN_DECLS

/** The Frobenius norm of a matrix, for .ord. */
#define AD_NORM_FRO (-0x1.46524fp100)
/** The nuclear norm of a matrix, for .ord. */
#define AD_NORM_NUC (-0x1.4e5543p100)
/** .ord not given: the 2-norm of all elements taken. */
#define AD_NORM_NONE (-0x1.4e4f4ep100)

/** Options of ad_linalg_norm. Begin with AD_LINALG_NORM_DEFAULTS. */
typedef struct ad_linalg_norm_options {
    double ord;    /**< 1, 2, INFINITY, -INFINITY, 0, any p; AD_NORM_FRO; AD_NORM_NONE */
    int axis;      /**< one axis: of vectors */
    ad_axes axes;  /**< one: of vectors; two: of matrices (rows, columns) */
    bool keepdims; /**< keep the axes with length 1 */
    int ad_unused_;
} ad_linalg_norm_options;

#define AD_LINALG_NORM_DEFAULTS_FIELDS_ .ord = AD_NORM_NONE, .axis = AD_NO_AXIS
#define AD_LINALG_NORM_DEFAULTS         ((ad_linalg_norm_options){ AD_LINALG_NORM_DEFAULTS_FIELDS_ })

/** Norm of vectors or matrices, real or complex; the result is real. Integers as float64.
 *
 * Without axes a 1-d array is a vector, a 2-d array a matrix, and an array of any shape has a norm if ord is not given. Vectors: ord p
 * is sum(|x|^p)^(1/p), INFINITY and -INFINITY the largest and smallest |x|, 0 the number of elements that are not 0. Matrices: AD_NORM_FRO, 1 and -1 the
 * largest and smallest column sum of |x|, INFINITY and -INFINITY those of rows.
 * Derivative: conj(x)/y for the 2-norm and its like for the others; 0 where the norm is 0, at every order; ties are shared; constant for ord 0.
 * Errors: a number of axes that is not 1 or 2; an ord that is not defined for matrices. */
AD_API ad_array *ad_linalg_norm(ad_array *x);
AD_API ad_array *ad_linalg_norm_with(ad_array *x, ad_linalg_norm_options options);

#ifndef __cplusplus
#define ad_linalg_norm(...) ad_linalg_norm_options_(__VA_ARGS__, .ad_unused_ = 0)
#define ad_linalg_norm_options_(x, ...) \
    ad_linalg_norm_with(AD_OPERAND_(x), AD_OPTIONS_(ad_linalg_norm_options, AD_LINALG_NORM_DEFAULTS_FIELDS_, __VA_ARGS__))
#endif

AD_END_DECLS

#endif
