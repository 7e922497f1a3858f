/* What the files of linear algebra share. Matrices are the last two axes of an array; the axes before them count a
 * stack. */
#ifndef AD_OPS_LINALG_H
#define AD_OPS_LINALG_H

#include "ad/create.h"
#include "ad/index.h"
#include "ad/linalg.h"
#include "ad/math.h"
#include "ad/product.h"
#include "ad/reduce.h"
#include "ad/shape.h"
#include "ops/ops.h"
#include <float.h>

/* stack.c */

/* x as float matrices that LAPACK takes, and square ones if asked for; NULL and an error that names the operation. */
ad_array *ad_matrices(const char *operation, ad_array *x, bool square);

/* The rows and columns of the matrices in an operand. */
struct matrix_size {
    int64_t rows, columns;
};
struct matrix_size ad_matrix_size(const ad_node *node, int operand);

/* The shape of a stack of matrices of another size, with the leading axes of `like`. */
ad_shape ad_stack_shape(ad_shape like, int64_t rows, int64_t columns);

/* Which matrix of x is at place i. x is a stack that broadcasts with the leading axes of `all`. */
int64_t ad_stack_place(const ad_array *x, int own_axes, const ad_shape *all, int64_t i);

/* How many matrices there are. */
int64_t ad_stack_count(const ad_shape *shape, int own_axes);

/* The infer of systems of equations: the dtype and size of the right-hand sides, with the leading axes of both
 * operands. */
bool ad_system_infer(const ad_node *node, int matrix, int right, ad_spec *output);

/* Whether the first operand has no NaN and no infinity, on which LAPACK may not end. If it has: false and an error that
 * names the operation. */
bool ad_all_finite(const ad_node *node, const char *operation);

/* Whether a derivative in x is in sight. Values that need no vectors themselves have rules that do: where there will be
 * a rule, both come of one decomposition; where not, values alone cost less than half of it. */
bool ad_is_differentiated(const ad_array *x);

/* eigen.c, for eig.c and eigh.c: `both` is the operation of values and vectors, `alone` that of the values. */
enum { AD_EIGENVALUES, AD_EIGENVECTORS };

/* Decomposes the matrices a, in scratch memory of so many bytes; v NULL: their values alone. False and an error. */
typedef size_t ad_eigen_scratch(ad_dtype dtype, int64_t n);
typedef bool ad_eigen_decompose(const ad_node *node, const char *a, char *w, char *v, void *scratch);

bool ad_eigen_eval(const ad_node *node, ad_eigen_scratch *scratch_for, ad_eigen_decompose *decompose, void *w, void *v);
bool ad_eigenvalues_infer(const ad_primitive *both, const ad_node *node, ad_spec *output);
ad_array *ad_eigenvectors_anew(const ad_primitive *both, const ad_node *node); /* in a rule of the values alone */

/* What users get, of matrices or NULL. */
ad_tree *ad_eigen_tree(const ad_primitive *both, ad_array *a);
ad_array *ad_eigenvalues(const ad_primitive *both, const ad_primitive *alone, ad_array *a);

/* x, floats, as it is: NULL and an error if the part of its matrices that is read holds a NaN or an infinity. For
 * users' operands of functions that SciPy checks so. Rules of differentiation call operations without it: what they are
 * given, they hand on. */
typedef enum ad_matrix_part { AD_WHOLE, AD_LOWER, AD_STRICT_LOWER, AD_UPPER, AD_STRICT_UPPER } ad_matrix_part;
ad_array *ad_finite(const char *operation, const char *operand, ad_array *x, ad_matrix_part part);

/* Right-hand sides of systems with the n columns of the matrices a, as matrices of floats, and whether they were one
 * vector; NULL and an error that names the operation. */
ad_array *ad_right_sides(const char *operation, const ad_array *a, ad_array *b, bool *vector);

/* cholesky.c: ad_linalg_solve_triangular(a, b), without a look at whether they are finite. Its options by name:
 * AD_TRIANGULAR(l, b, .lower = true). */
ad_array *ad_triangular(ad_array *a, ad_array *b, ad_linalg_solve_triangular_options options);
#define AD_TRIANGULAR(a, b, ...) ad_triangular(a, b, (ad_linalg_solve_triangular_options){ .ad_unused_ = 0, __VA_ARGS__ })

/* conj(x) for complex x; and its transpose. */
ad_array *ad_conjugated(ad_array *x);
ad_array *ad_adjoint(ad_array *x);

/* The rounding unit of x's real dtype. */
static inline double ad_epsilon(const ad_array *x)
{
    return x && ad_dtype_real((ad_dtype)x->dtype) == AD_F32 ? FLT_EPSILON : DBL_EPSILON;
}

/* F_ij = 1/(w_j - w_i) for eigenvalues w, real or complex, and 0 where that gap is within n eps max|w|: (..., n, n). */
ad_array *ad_inverse_gaps(ad_array *w);

/* One triangle of x without the diagonal, its adjoint in the other triangle, and the real part of the diagonal. */
ad_array *ad_mirrored(ad_array *x, bool lower);

/* The Hermitian matrices whose lower or upper triangle a holds. With a NULL uplo the lower one is read, and derivatives
 * are those on Hermitian matrices, whose cotangents are Hermitian. With "L" or "U" derivatives are those of the
 * triangle. */
ad_array *ad_hermitian(const char *operation, ad_array *a, const char *uplo);

/* solve.c: the constant factors of a stack of square matrices, and what is made of them. */
struct lu_factors {
    ad_array *lu, *pivots;
};
struct lu_factors ad_lu_factors(ad_array *a);                       /* lu NULL and an error */
ad_array *ad_inverse_or_infinity(ad_array *a, struct lu_factors f); /* all infinite where a is singular */

/* qr.c: orthonormal columns that complete those of q, (..., m, k), to a basis: (..., m, m - k). */
ad_array *ad_orthogonal_complement(ad_array *q);

/* svd.c: the thin decomposition, for the operation named; false and an error. */
bool ad_thin_svd(const char *operation, ad_array *x, ad_array *outputs[3]);

#endif
