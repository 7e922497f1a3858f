/* Linear algebra, as numpy.linalg. */
#ifndef AD_LINALG_H
#define AD_LINALG_H

#include <ad/array.h>
#include <ad/product.h>
#include <ad/shape.h>
#include <ad/tree.h>

AD_BEGIN_DECLS

/** The Frobenius norm of a matrix, for .ord. */
#define AD_NORM_FRO (-0x1.46524fp100)
/** The nuclear norm of a matrix, for .ord. */
#define AD_NORM_NUC (-0x1.4e5543p100)
/** .ord not given: the 2-norm of all elements that are taken. */
#define AD_NORM_NONE (-0x1.4e4f4ep100)

/** Options of ad_linalg_norm. Begin with AD_LINALG_NORM_DEFAULTS. */
typedef struct ad_linalg_norm_options {
    double ord;    /**< = AD_NORM_NONE: 1, 2, INFINITY, -INFINITY, 0, any p; AD_NORM_FRO, AD_NORM_NUC */
    int axis;      /**< = AD_NO_AXIS: one axis, of vectors */
    ad_axes axes;  /**< one: the axis of vectors; two: those of matrices (rows, columns) */
    bool keepdims; /**< keep the axes with length 1 */
    int ad_unused_;
} AD_NAMED_ ad_linalg_norm_options;

/** Norm of vectors or matrices, real or complex. The result is real. Integers count as float64.
 *
 * Without axes, a 1-d array is a vector and a 2-d array a matrix; an array of any shape has a norm if ord is not given.
 * Vectors: ord p is sum(|x|^p)^(1/p), INFINITY and -INFINITY the largest and smallest |x|, 0 the number of elements
 * that are not 0. Matrices: AD_NORM_FRO; 1 and -1 the largest and smallest column sum of |x|; INFINITY and -INFINITY
 * those of rows; 2 and -2 the largest and smallest singular value; AD_NORM_NUC the sum of them. Elements are scaled
 * where their squares or powers would overflow or underflow.
 *
 * Derivative: conj(x)/y for the 2-norm, where infinite real elements share it, and the like for the others. Ties are
 * shared. ord 0 is a constant. A norm that is 0 counts as a constant: its derivatives of every order are 0, and so are
 * those of its square, in every nesting of modes. (ad_sum(ad_square(x)) has the second derivative 2 there.) For
 * matrices with ord 2, -2 or AD_NORM_NUC it is as for ad_linalg_svdvals; singular values within its tolerance of the
 * largest or smallest one are ties.
 * Errors: a number of axes other than 1 or 2; an ord that is not defined for matrices, or for vectors; those of
 * ad_linalg_svdvals. */
AD_API ad_array *ad_linalg_norm(ad_array *x);
AD_API ad_array *ad_linalg_norm_with(ad_array *x, ad_linalg_norm_options options);

/** Options of ad_linalg_vector_norm. Begin with AD_LINALG_VECTOR_NORM_DEFAULTS. */
typedef struct ad_linalg_vector_norm_options {
    double ord;    /**< = 2: 1, INFINITY, -INFINITY, 0, any p */
    int axis;      /**< = AD_NO_AXIS: one axis; by default all of them */
    ad_axes axes;  /**< several, whose elements are one vector */
    bool keepdims; /**< keep the axes with length 1 */
    int ad_unused_;
} AD_NAMED_ ad_linalg_vector_norm_options;

/** Norm of vectors, which may lie along several axes. Without axes it is the norm of all elements. Otherwise as
 * ad_linalg_norm. As numpy.linalg.vector_norm. */
AD_API ad_array *ad_linalg_vector_norm(ad_array *x);
AD_API ad_array *ad_linalg_vector_norm_with(ad_array *x, ad_linalg_vector_norm_options options);

/** Options of ad_linalg_matrix_norm. Begin with AD_LINALG_MATRIX_NORM_DEFAULTS. */
typedef struct ad_linalg_matrix_norm_options {
    double ord;    /**< = AD_NORM_FRO: 1, -1, 2, -2, INFINITY, -INFINITY, AD_NORM_NUC */
    bool keepdims; /**< keep the last two axes with length 1 */
    int ad_unused_;
} AD_NAMED_ ad_linalg_matrix_norm_options;

/** Norm of the matrices in the last two axes. Otherwise as ad_linalg_norm. As numpy.linalg.matrix_norm. */
AD_API ad_array *ad_linalg_matrix_norm(ad_array *x);
AD_API ad_array *ad_linalg_matrix_norm_with(ad_array *x, ad_linalg_matrix_norm_options options);

/** Singular values of matrices, real or complex, the largest first. Integers count as float64.
 *
 * @param x  (..., m, n)
 * @return   (..., min(m, n)), real; NaN for a matrix with an infinity in it
 * Derivative: Re diag(U^H dx V) of the thin decomposition x = U diag(s) V^H, which does not depend on the gaps between
 * singular values. A singular value that is at most tolerance = max(m, n) eps max(s) is a constant, so the derivative
 * is 0 at a zero matrix.
 *
 * From the second order on the derivatives of U and V come in (Wan and Zhang 2019, arXiv 1909.02659). 1/gap is taken as
 * 0 for gaps within the tolerance, so that everything is finite. A gap above it costs eps max(s)/gap in relative
 * accuracy. At equal singular values the first derivative of a function that is symmetric in them is exact, and so is
 * the second derivative of their sum. All other derivatives lack, without an error, the terms that would be divided by
 * the gap.
 * Errors: fewer than two axes; a NaN in x, or no convergence (AD_ERROR_NUMERIC, as NumPy's LinAlgError). */
AD_API ad_array *ad_linalg_svdvals(ad_array *x);

/* ---- Systems, inverses, determinants ----
 *
 * Matrices are the last two axes; leading axes count a stack. Elements are real or complex, in float32 or float64;
 * integers and bools count as float64. Errors of all: fewer than two axes; matrices that are not square where they
 * should be; sizes above 30000. The value and the derivatives of one call share one LU factorization, at every order.
 *
 * NaN and infinities: a function of numpy.linalg hands them on where NumPy does. A function of scipy.linalg refuses
 * them in what it reads of its operands (AD_ERROR_NUMERIC). Rules of differentiation refuse none: a NaN in a cotangent
 * or a tangent is handed on. */

/** Options of ad_linalg_solve. */
typedef struct ad_linalg_solve_options {
    const char *assume_a; /**< "gen", the default; "her": Hermitian; "pos": Hermitian and positive definite. For "her" and "pos" only the lower triangle is
                               read */
    int ad_unused_;
} AD_NAMED_ ad_linalg_solve_options;

/** x with a x = b.
 *
 * @param a  (..., n, n)
 * @param b  (n,), or (..., n, k), whose leading axes broadcast with those of a
 * @return   (..., n), or (..., n, k), in their common dtype
 * Derivative: with y = a^-T g, it is y in b and -y x^T in a. For "her" and "pos" it is the one on Hermitian matrices,
 * whose cotangent is Hermitian.
 * Errors: shapes that do not fit; an a that is singular (AD_ERROR_NUMERIC, with the matrix and the pivot) or not
 * positive definite; for "her" and "pos" a NaN or an infinity. As numpy.linalg.solve, and as scipy.linalg.solve for
 * "her" and "pos". */
AD_API ad_array *ad_linalg_solve(ad_array *a, ad_array *b);
AD_API ad_array *ad_linalg_solve_with(ad_array *a, ad_array *b, ad_linalg_solve_options options);

/** Options of ad_linalg_solve_triangular. */
typedef struct ad_linalg_solve_triangular_options {
    int trans;          /**< = 0: a x = b; 1: a^T x = b; 2: a^H x = b */
    bool lower;         /**< the lower triangle is read; false: the upper one */
    bool unit_diagonal; /**< the diagonal counts as 1 and is not read */
    int ad_unused_;
} AD_NAMED_ ad_linalg_solve_triangular_options;

/** x with a x = b for a triangular a. The other elements of a are not read, and their cotangents are 0. Shapes are as
 * in ad_linalg_solve. Errors: a zero on the diagonal; a NaN or an infinity in b or in what is read of a.
 * As scipy.linalg.solve_triangular. */
AD_API ad_array *ad_linalg_solve_triangular(ad_array *a, ad_array *b);
AD_API ad_array *ad_linalg_solve_triangular_with(ad_array *a, ad_array *b, ad_linalg_solve_triangular_options options);

/** The inverse y of square matrices. Derivative: -y da y. Errors: a singular matrix. As numpy.linalg.inv. */
AD_API ad_array *ad_linalg_inv(ad_array *a);

/** The determinant, (...). Derivative: the cofactors, also at singular matrices. There they and their change are made
 * of singular values, without a division. The third derivative at a singular matrix is an error. As
 * numpy.linalg.det. */
AD_API ad_array *ad_linalg_det(ad_array *a);

/** {"sign", "logabsdet"} of the determinant, (...) each. A singular matrix has 0 and -infinity. Derivative: that of the
 * logarithm is a^-T, infinite at a singular matrix. The sign of a complex determinant turns; that of a real one is a
 * constant.
 * As numpy.linalg.slogdet. */
AD_API ad_tree *ad_linalg_slogdet(ad_array *a);

/** Options of ad_linalg_cholesky. */
typedef struct ad_linalg_cholesky_options {
    bool upper;       /**< reads the upper triangle and gives u with a = u^H u */
    const char *UPLO; /**< "L" or "U": the triangle that is read, and the derivative is that of a function of its elements. Default: the triangle that .upper
                           says, and derivatives on Hermitian matrices */
    int ad_unused_;
} AD_NAMED_ ad_linalg_cholesky_options;

/** The Cholesky factor of positive definite matrices: a = l l^H, where l is lower triangular with a positive diagonal.
 *
 * @param a  (..., n, n), of which the lower triangle is read
 * @return   (..., n, n), zero above the diagonal
 * Derivative: Murray 2016, arXiv 1602.07527, on Hermitian matrices: the cotangent is Hermitian.
 * Errors: not positive definite (AD_ERROR_NUMERIC, with the matrix and the leading minor). As numpy.linalg.cholesky. */
AD_API ad_array *ad_linalg_cholesky(ad_array *a);
AD_API ad_array *ad_linalg_cholesky_with(ad_array *a, ad_linalg_cholesky_options options);

/** Options of ad_linalg_cho_factor and ad_linalg_cho_solve. */
typedef struct ad_linalg_cho_solve_options {
    bool lower; /**< the factor is lower triangular, as ad_linalg_cholesky gives it; false, as in SciPy: upper */
    int ad_unused_;
} AD_NAMED_ ad_linalg_cho_solve_options;

/** The Cholesky factor for ad_linalg_cho_solve with the same .lower. It is upper triangular unless .lower is true. It
 * is made of that triangle of a, and the other triangle is 0. Derivative and errors: as ad_linalg_cholesky, and a NaN
 * or an infinity in that triangle. As scipy.linalg.cho_factor, without the flag that SciPy returns. */
AD_API ad_array *ad_linalg_cho_factor(ad_array *a);
AD_API ad_array *ad_linalg_cho_factor_with(ad_array *a, ad_linalg_cho_solve_options options);

/** x with a x = b, given the Cholesky factor of a. Errors: as ad_linalg_solve_triangular. As scipy.linalg.cho_solve. */
AD_API ad_array *ad_linalg_cho_solve(ad_array *factor, ad_array *b);
AD_API ad_array *ad_linalg_cho_solve_with(ad_array *factor, ad_array *b, ad_linalg_cho_solve_options options);

/** Options of ad_linalg_solve_banded. */
typedef struct ad_linalg_solve_banded_options {
    int l; /**< diagonals below the main one; default 0 */
    int u; /**< diagonals above the main one; default 0 */
    int ad_unused_;
} AD_NAMED_ ad_linalg_solve_banded_options;

/** x with a x = b for a band matrix a, given by its diagonals: ab[u + i - j, j] is a[i, j].
 *
 * @param ab  (..., l+u+1, n), the uppermost diagonal first; its elements that are not in a are not read
 * @param b   (n,), or (..., n, k), whose leading axes broadcast with those of ab
 * @return    in the shape of b, with the leading axes of both
 * Derivative: as ad_linalg_solve, for the elements that are read; the others have the cotangent 0. No (n, n) matrix is
 * made.
 * Errors: shapes that do not fit; an a that is singular (AD_ERROR_NUMERIC, with the matrix and the pivot); a NaN or an
 * infinity in a or b. As scipy.linalg.solve_banded((l, u), ab, b). */
AD_API ad_array *ad_linalg_solve_banded(ad_array *ab, ad_array *b);
AD_API ad_array *ad_linalg_solve_banded_with(ad_array *ab, ad_array *b, ad_linalg_solve_banded_options options);

/** x with a x + x b = q.
 *
 * @param a  (..., m, m)
 * @param b  (..., n, n)
 * @param q  (..., m, n); leading axes broadcast
 * @return   (..., m, n), in their common dtype
 * Derivative: with a^T h + h b^T = g, it is h in q, -h x^T in a and -x^T h in b. The value and the derivatives of one
 * call share the Schur factors of a and b.
 * Errors: shapes that do not fit; a and -b have an eigenvalue in common, up to rounding (AD_ERROR_NUMERIC); a NaN or an
 * infinity in a or b. As scipy.linalg.solve_sylvester. */
AD_API ad_array *ad_linalg_solve_sylvester(ad_array *a, ad_array *b, ad_array *q);

/* ---- Decompositions ---- */

/** Options of ad_linalg_lu. */
typedef struct ad_linalg_lu_options {
    bool permute_l; /**< {"PL", "U"} in place of {"P", "L", "U"} */
    int ad_unused_;
} AD_NAMED_ ad_linalg_lu_options;

/** {"P", "L", "U"}: a = p l u, where p is a permutation, l has ones on its diagonal and zeros above, and u has zeros
 * below.
 *
 * @param a  (..., m, n)
 * @return   p (..., m, m), real; l (..., m, k); u (..., k, n), with k = min(m, n)
 * Derivative: the one for the same exchanges of rows; p is a constant. It is an error if one of the first k - 1 pivots
 * is 0, or one of all k for a matrix with more rows than columns (AD_ERROR_NUMERIC). The values exist for any matrix.
 * Errors: a NaN or an infinity in a. As scipy.linalg.lu. */
AD_API ad_tree *ad_linalg_lu(ad_array *a);
AD_API ad_tree *ad_linalg_lu_with(ad_array *a, ad_linalg_lu_options options);

/** {"lu", "piv"}: the factors of ad_linalg_lu in one matrix, without the diagonal of l, and the exchanges of rows, for
 * ad_linalg_lu_solve.
 *
 * @return  lu (..., m, n); piv (..., min(m, n)), int32: row i was exchanged with row piv[i], with i from 0 on
 * Derivative and errors: as ad_linalg_lu. As scipy.linalg.lu_factor, without its warning of a singular matrix. */
AD_API ad_tree *ad_linalg_lu_factor(ad_array *a);

/** Options of ad_linalg_lu_solve. */
typedef struct ad_linalg_lu_solve_options {
    int trans; /**< 0, the default: a x = b; 1: a^T x = b; 2: a^H x = b */
    int ad_unused_;
} AD_NAMED_ ad_linalg_lu_solve_options;

/** x with a x = b, given the factors of a that ad_linalg_lu_factor made. b is as in ad_linalg_solve. Differentiable in
 * lu and b.
 * Errors: shapes that do not fit; a pivot that is not a row (AD_ERROR_VALUE); a NaN or an infinity in b; a zero on the
 * diagonal of lu (AD_ERROR_NUMERIC), where scipy.linalg.lu_solve gives infinities. */
AD_API ad_array *ad_linalg_lu_solve(ad_array *lu, ad_array *piv, ad_array *b);
AD_API ad_array *ad_linalg_lu_solve_with(ad_array *lu, ad_array *piv, ad_array *b, ad_linalg_lu_solve_options options);

/** {"eigenvalues", "eigenvectors"} of square matrices: a v = v diag(w).
 *
 * @return  w (..., n) and v (..., n, n), unit vectors in columns, in LAPACK's order. Both are always complex: complex64
 *          for float32 and complex64, otherwise complex128. numpy.linalg.eig gives real ones if all eigenvalues are
 *          real
 * Derivative: Boeddeker et al. 2017, arXiv 1701.00392. Vectors keep their length. Their phase is arbitrary and counts
 * as fixed. 1/(w_j - w_i) is taken as 0 where the gap is within n eps max|w|, as in ad_linalg_eigh. A matrix without n
 * independent eigenvectors has no derivative: what is given there is huge, or an error.
 * Errors: NaN or infinity in a, or no convergence (AD_ERROR_NUMERIC). As numpy.linalg.eig. */
AD_API ad_tree *ad_linalg_eig(ad_array *a);

/** The eigenvalues alone, always complex. Their first derivative divides by no gap. As numpy.linalg.eigvals. */
AD_API ad_array *ad_linalg_eigvals(ad_array *a);

/** Options of ad_linalg_eigh and ad_linalg_eigvalsh. */
typedef struct ad_linalg_eigh_options {
    const char *
        UPLO; /**< "L" or "U": the triangle that is read, and the derivative is that of a function of its elements. Default: the lower one, and derivatives
                   on Hermitian matrices */
    int ad_unused_;
} AD_NAMED_ ad_linalg_eigh_options;

/** {"eigenvalues", "eigenvectors"} of Hermitian matrices: a = v diag(w) v^H.
 *
 * @return  w (..., n), real, ascending; v (..., n, n), unit vectors in columns
 * Derivative: v (diag gw + f o (v^H gv)) v^H with f_ij = 1/(w_j - w_i), taken as 0 where |w_j - w_i| <= n eps max|w|.
 * So everything is finite.
 *
 * At equal eigenvalues the derivative is exact for functions that do not depend on the choice of vectors in their
 * space, with one exception: for v diag(h(w)) v^H the derivative within the space is missing. ad_linalg_inv,
 * ad_linalg_expm and ad_linalg_matrix_power are exact there. The phase of complex vectors is arbitrary and counts as
 * fixed. Errors: NaN or infinity in a, or no convergence (AD_ERROR_NUMERIC). As numpy.linalg.eigh. */
AD_API ad_tree *ad_linalg_eigh(ad_array *a);
AD_API ad_tree *ad_linalg_eigh_with(ad_array *a, ad_linalg_eigh_options options);

/** The eigenvalues alone. Their first derivative divides by no gap. As numpy.linalg.eigvalsh. */
AD_API ad_array *ad_linalg_eigvalsh(ad_array *a);
AD_API ad_array *ad_linalg_eigvalsh_with(ad_array *a, ad_linalg_eigh_options options);

/** Options of ad_linalg_qr. */
typedef struct ad_linalg_qr_options {
    const char *mode; /**< "reduced", the default; "complete": q square; "r": r alone */
    int ad_unused_;
} AD_NAMED_ ad_linalg_qr_options;

/** {"Q", "R"}: a = q r with orthonormal columns in q and r upper triangular.
 *
 * @param a  (..., m, n)
 * @return   q (..., m, k), r (..., k, n), with k = min(m, n), or k = m with "complete"
 * Derivative: Walter and Lehmann 2013, arXiv 1009.6112. The columns that "complete" adds turn as little as they must.
 * Errors, when differentiated: the first k columns are dependent. As numpy.linalg.qr. */
AD_API ad_tree *ad_linalg_qr(ad_array *a);
AD_API ad_tree *ad_linalg_qr_with(ad_array *a, ad_linalg_qr_options options);

/** Options of ad_linalg_svd. */
typedef struct ad_linalg_svd_options {
    bool full_matrices; /**< = true: square u and vh; false: (..., m, k) and (..., k, n), with k = min(m, n) */
    bool compute_uv;    /**< = true: all three; false: "S" alone */
    int ad_unused_;
} AD_NAMED_ ad_linalg_svd_options;

/** {"U", "S", "Vh"}: x = u diag(s) vh, with s real and descending. Derivative and errors: as ad_linalg_svdvals. The
 * rows and columns that full_matrices adds turn as little as they must. As numpy.linalg.svd. */
AD_API ad_tree *ad_linalg_svd(ad_array *x);
AD_API ad_tree *ad_linalg_svd_with(ad_array *x, ad_linalg_svd_options options);

/** Options of ad_linalg_pinv, ad_linalg_matrix_rank and ad_linalg_lstsq. */
typedef struct ad_linalg_rcond_options {
    double rcond; /**< = -1: singular values at most rcond times the largest count as 0; any negative number: max(m, n) eps */
    int ad_unused_;
} AD_NAMED_ ad_linalg_rcond_options;

/** The pseudo-inverse p, (..., n, m), of matrices (..., m, n). Derivative: for the same number of
 * singular values that count (Golub and Pereyra 1973); those that do not need not be 0. As numpy.linalg.pinv with its
 * rtol. */
AD_API ad_array *ad_linalg_pinv(ad_array *x);
AD_API ad_array *ad_linalg_pinv_with(ad_array *x, ad_linalg_rcond_options options);

/** How many singular values count, (...), int64; a constant. For a vector or a number it is 1 unless all of it is 0. As
 * numpy.linalg.matrix_rank. */
AD_API ad_array *ad_linalg_matrix_rank(ad_array *x);
AD_API ad_array *ad_linalg_matrix_rank_with(ad_array *x, ad_linalg_rcond_options options);

/** {"x", "residuals", "rank", "s"}: x = pinv(a) b, which has the least norm among those with the least |a x - b|.
 *
 * @param a  (m, n)
 * @param b  (m,) or (m, k)
 * @return   x (n,) or (n, k); residuals (k,), sums of squares, or (0,) where a's columns are dependent or m <= n; rank,
 *           0-d; s, the singular values of a
 * Derivatives: as ad_linalg_pinv. As numpy.linalg.lstsq. */
AD_API ad_tree *ad_linalg_lstsq(ad_array *a, ad_array *b);
AD_API ad_tree *ad_linalg_lstsq_with(ad_array *a, ad_array *b, ad_linalg_rcond_options options);

/* ---- Powers, and what else is made of these ---- */

/** a to the whole power n, by squaring. A negative power is one of the inverse. Integers stay integers for n >= 0. As
 * numpy.linalg.matrix_power. */
AD_API ad_array *ad_linalg_matrix_power(ad_array *a, int64_t n);

/** The exponential of square matrices (Higham 2005; Al-Mohy and Higham 2009), each of a stack by itself. A matrix with
 * a NaN or an infinity gives NaN. Derivatives of every order are exact at equal eigenvalues. As scipy.linalg.expm. */
AD_API ad_array *ad_linalg_expm(ad_array *a);

/** The principal square root y of square matrices, y y = a: none of the eigenvalues of y has a negative real part.
 *
 * @return  of a's dtype. A real matrix has a real root unless it has a negative eigenvalue; then give it as complex.
 *          (The dtype that scipy.linalg.sqrtm gives depends on that.) A negative eigenvalue within n eps of the largest
 *          counts as rounding of the positive one of its size.
 * Derivative: y dy + dy y = da (ad_linalg_solve_sylvester), exact at equal eigenvalues at every order.
 * Errors (AD_ERROR_NUMERIC): a negative eigenvalue of a real matrix; a singular matrix that has no root, as [[0, 1],
 * [0, 0]]; when differentiated, a singular matrix; a NaN or an infinity. As scipy.linalg.sqrtm, which gives infinities
 * for some of these. */
AD_API ad_array *ad_linalg_sqrtm(ad_array *a);

/** Options of ad_linalg_cond. */
typedef struct ad_linalg_cond_options {
    double p; /**< = AD_NORM_NONE: a norm, as .ord of ad_linalg_norm; not given: 2, so that it is the largest singular value over the smallest */
    int ad_unused_;
} AD_NAMED_ ad_linalg_cond_options;

/** The condition number, (...): |x| |x^-1|, infinite where x is singular. Errors: matrices of size 0. As
 * numpy.linalg.cond. */
AD_API ad_array *ad_linalg_cond(ad_array *x);
AD_API ad_array *ad_linalg_cond_with(ad_array *x, ad_linalg_cond_options options);

/** Options of ad_linalg_tensorsolve. */
typedef struct ad_linalg_tensorsolve_options {
    ad_axes axes; /**< axes of a that are moved to its end first, in this order */
    int ad_unused_;
} AD_NAMED_ ad_linalg_tensorsolve_options;

/** x with tensordot(a, x, x.ndim) = b. x has those axes of a that come after the ones of b. As
 * numpy.linalg.tensorsolve. */
AD_API ad_array *ad_linalg_tensorsolve(ad_array *a, ad_array *b);
AD_API ad_array *ad_linalg_tensorsolve_with(ad_array *a, ad_array *b, ad_linalg_tensorsolve_options options);

/** Options of ad_linalg_tensorinv. */
typedef struct ad_linalg_tensorinv_options {
    int ind; /**< = 2: how many of the first axes the inverse sums over */
    int ad_unused_;
} AD_NAMED_ ad_linalg_tensorinv_options;

/** The inverse of a as a map of tensors. As numpy.linalg.tensorinv. */
AD_API ad_array *ad_linalg_tensorinv(ad_array *a);
AD_API ad_array *ad_linalg_tensorinv_with(ad_array *a, ad_linalg_tensorinv_options options);

/* ---- Products, and matrices made of parts ---- */

/** The product of a list of arrays, multiplied in the order that takes the fewest multiplications of numbers.
 *
 * @param arrays  two or more matrices; the first may be a vector (a row), and so may the last one (a column)
 * @return        (m, n), without the axes that vectors lack, in the common dtype, in which everything is multiplied
 * Errors: fewer than two arrays; another number of axes; shapes that do not align. As numpy.linalg.multi_dot. */
AD_API ad_array *ad_linalg_multi_dot(const ad_tree *arrays) AD_NOTED_;

/** All products of an element of the vector a with an element of the vector b, (m,), (n,) -> (m, n). Errors: an operand
 * that is not a vector, as in numpy.linalg.outer; ad_outer takes any. */
AD_API ad_array *ad_linalg_outer(ad_array *a, ad_array *b);

/** Options of ad_linalg_cross. */
typedef struct ad_linalg_cross_options {
    int axis; /**< = -1: the axis of length 3, in each operand and the result */
    int ad_unused_;
} AD_NAMED_ ad_linalg_cross_options;

/** Cross product of vectors of length 3. ad_cross also takes vectors of length 2. As numpy.linalg.cross. */
AD_API ad_array *ad_linalg_cross(ad_array *a, ad_array *b);
AD_API ad_array *ad_linalg_cross_with(ad_array *a, ad_array *b, ad_linalg_cross_options options);

/** Options of ad_linalg_diagonal. */
typedef struct ad_linalg_diagonal_options {
    int64_t offset; /**< which diagonal: 0, the default, is the main one; positive ones are above it */
    int ad_unused_;
} AD_NAMED_ ad_linalg_diagonal_options;

/** The diagonals of the matrices in the last two axes, as the last axis. ad_diagonal takes the first two. As
 * numpy.linalg.diagonal. */
AD_API ad_array *ad_linalg_diagonal(ad_array *x);
AD_API ad_array *ad_linalg_diagonal_with(ad_array *x, ad_linalg_diagonal_options options);

/** Options of ad_linalg_trace. */
typedef struct ad_linalg_trace_options {
    int64_t offset; /**< which diagonal: 0, the default, is the main one; positive ones are above it */
    ad_dtype dtype; /**< = AD_NO_DTYPE: of the sum; by default as ad_trace */
    int ad_unused_;
} AD_NAMED_ ad_linalg_trace_options;

/** The sums of the diagonals of the matrices in the last two axes. ad_trace takes the first two. As
 * numpy.linalg.trace. */
AD_API ad_array *ad_linalg_trace(ad_array *x);
AD_API ad_array *ad_linalg_trace_with(ad_array *x, ad_linalg_trace_options options);

/** A matrix with the given matrices along its diagonal and 0 elsewhere.
 *
 * @param arrays  (..., m_i, n_i), whose leading axes broadcast. A vector counts as a row, and a number as (1, 1). A
 *                matrix without elements adds its rows or columns
 * @return        (..., sum of m_i, sum of n_i), in the common dtype; (1, 0) for an empty list
 * As scipy.linalg.block_diag. */
AD_API ad_array *ad_linalg_block_diag(const ad_tree *arrays) AD_NOTED_;

/** Options of ad_linalg_toeplitz. */
typedef struct ad_linalg_toeplitz_options {
    ad_array *r; /**< the first row, whose element 0 is not read; differentiable; by default the conjugate of c */
    int ad_unused_;
} AD_NAMED_ ad_linalg_toeplitz_options;

/** Matrices with constant diagonals. Element (i, j) is c[i - j] on and below the main one, and r[j - i] above it.
 *
 * @param c  (..., m), the first columns. The first rows, .r, are (..., n), and their leading axes broadcast with those
 *           of c
 * @return   (..., m, n), in the common dtype
 * As scipy.linalg.toeplitz. */
AD_API ad_array *ad_linalg_toeplitz(ad_array *c);
AD_API ad_array *ad_linalg_toeplitz_with(ad_array *c, ad_linalg_toeplitz_options options);

#include <ad/macros/linalg.h>

AD_END_DECLS

#endif
