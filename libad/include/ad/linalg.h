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
    double ord;    /**< 1, 2, INFINITY, -INFINITY, 0, any p; AD_NORM_FRO, AD_NORM_NUC; AD_NORM_NONE */
    int axis;      /**< one axis: of vectors */
    ad_axes axes;  /**< one: of vectors; two: of matrices (rows, columns) */
    bool keepdims; /**< keep the axes with length 1 */
    int ad_unused_;
} AD_NAMED_ ad_linalg_norm_options;

#define AD_LINALG_NORM_DEFAULTS_FIELDS_ .ord = AD_NORM_NONE, .axis = AD_NO_AXIS
#define AD_LINALG_NORM_DEFAULTS         ((ad_linalg_norm_options){ AD_LINALG_NORM_DEFAULTS_FIELDS_ })

/** Norm of vectors or matrices, real or complex; the result is real. Integers as float64.
 *
 * Without axes a 1-d array is a vector, a 2-d array a matrix, and an array of any shape has a norm if ord is not given. Vectors: ord p
 * is sum(|x|^p)^(1/p), INFINITY and -INFINITY the largest and smallest |x|, 0 the number of elements that are not 0. Matrices: AD_NORM_FRO, 1 and -1 the
 * largest and smallest column sum of |x|, INFINITY and -INFINITY those of rows; 2 and -2 the largest and smallest singular value,
 * AD_NORM_NUC the sum of them.
 * Elements are scaled where squares or powers of them would overflow or underflow.
 * Derivative: conj(x)/y for the 2-norm, which real infinities share, and its like for the others; ties are shared; constant for ord 0. A norm that is 0 counts as constant: its derivatives
 * of every order are 0, and so are those of its square, in every nesting of modes. (ad_sum(ad_square(x)) has the second derivative 2 there.)
 * Matrices, ord 2, -2, AD_NORM_NUC: as ad_linalg_svdvals; singular values within its tolerance of the largest or smallest one are ties.
 * Errors: a number of axes that is not 1 or 2; an ord that is not defined for matrices, or for vectors; those of ad_linalg_svdvals. */
AD_API ad_array *ad_linalg_norm(ad_array *x);
AD_API ad_array *ad_linalg_norm_with(ad_array *x, ad_linalg_norm_options options);

/** Singular values of matrices, real or complex, the largest first. Integers as float64.
 *
 * @param x  (..., m, n)
 * @return   (..., min(m, n)), real; NaN for a matrix with an infinity in it
 * Derivative: Re diag(U^H dx V) of the thin decomposition x = U diag(s) V^H, which does not depend on the gaps between singular values; one that
 * is at most tolerance = max(m, n) eps max(s) is a constant, so the derivative is 0 at a zero matrix. From the second order on the derivatives of U
 * and V come in (Wan and Zhang 2019, arXiv 1909.02659), with 1/gap taken as 0 for gaps within the tolerance, so that all is finite; a
 * gap above it costs eps max(s)/gap in relative accuracy. At equal singular values the first derivative of a function symmetric in them is
 * exact, and so is the second one of their sum; all others lack, without an error, what would be divided by the gap.
 * Errors: fewer than two axes; a NaN in x, or no convergence (AD_ERROR_NUMERIC, as NumPy's LinAlgError). */
AD_API ad_array *ad_linalg_svdvals(ad_array *x);

#ifndef __cplusplus
#define ad_linalg_svdvals(x) AD_CALL_A_(ad_linalg_svdvals, x)
#define ad_linalg_norm(...)  AD_WITH_A_(ad_linalg_norm, AD_LINALG_NORM, __VA_ARGS__)
#endif

AD_END_DECLS

#endif
