/* Rows for ad/linalg.h: norms, decompositions, systems. row.h says what a row is and how one is added. */
#include "row.h"

OF_X(norm_last_kept, ad_linalg_norm(x, .axis = -1, .keepdims = true))
OF_X(norm_1, ad_linalg_norm(x, .axis = -1, .ord = 1))
OF_X(sum_of_norms, ad_sum(ad_square(ad_linalg_norm(x, .axis = -1))))
OF_X(norm_slope, ad_grad(sum_of_norms)(x))
OF_X(norm_3, ad_linalg_norm(x, .axis = 0, .ord = 3))
OF_X(norm_4, ad_linalg_norm(x, .axis = 0, .ord = 4))
OF_X(norm_half, ad_linalg_norm(x, .axis = -1, .ord = 0.5))
OF_X(norm_minus_2, ad_linalg_norm(x, .axis = -1, .ord = -2))
OF_X(norm_largest, ad_linalg_norm(x, .axis = -1, .ord = INFINITY))
OF_X(norm_smallest, ad_linalg_norm(x, .axis = -1, .ord = -INFINITY))
OF_X(norm_frobenius, ad_linalg_norm(x, .axes = AD_AXES(0, -1), .ord = AD_NORM_FRO))
OF_X(norm_columns, ad_linalg_norm(x, .axes = AD_AXES(-1, 0), .ord = 1))
OF_X(norm_rows_kept, ad_linalg_norm(x, .axes = AD_AXES(0, -1), .ord = -INFINITY, .keepdims = true))
OF_X(norm_spectral, ad_linalg_norm(x, .axes = AD_AXES(0, -1), .ord = 2))
OF_X(norm_least_singular_kept, ad_linalg_norm(x, .axes = AD_AXES(-1, 0), .ord = -2, .keepdims = true))
OF_X(norm_nuclear, ad_linalg_norm(x, .axes = AD_AXES(-1, 0), .ord = AD_NORM_NUC))
OF_X(svdvals_of_columns, ad_linalg_svdvals(ad_swapaxes(x, 0, -1)))

/* Regular, and positive definite, matrices of x. */
static ad_array *regular(ad_array *x)
{
    return ad_add(x, ad_mul(7, ad_eye(ad_dim(x, -1), .dtype = ad_dtype_of(x))));
}

static ad_array *definite(ad_array *x)
{
    return ad_add(ad_matmul(x, ad_conj(ad_matrix_transpose(x))), ad_eye(ad_dim(x, -1), .dtype = ad_dtype_of(x)));
}

OF_X(inverse, ad_linalg_inv(regular(x)))
OF_X(determinant, ad_mul(0.01, ad_linalg_det(regular(x))))
OF_X(sum_of_determinants, ad_mul(0.01, ad_sum(ad_linalg_det(regular(x)))))
OF_X(determinant_slope, ad_grad(sum_of_determinants)(x))
OF_X(log_determinant, ad_tree_get(ad_linalg_slogdet(regular(x)), "logabsdet"))
OF_X(sign_of_determinant, ad_tree_get(ad_linalg_slogdet(regular(x)), "sign"))
OF_X(cholesky_lower, ad_linalg_cholesky(definite(x)))
OF_X(sum_of_cholesky, ad_sum(ad_sin(ad_linalg_cholesky(definite(x)))))
OF_X(cholesky_slope, ad_grad(sum_of_cholesky)(x))
OF_X(hermitian_values, ad_linalg_eigvalsh(definite(x)))

/* Values alone have rules too, though these functions call something else where a derivative is in sight. */
static ad_array *call_of(const char *name, ad_array *x)
{
    int i = 0;
    while (strcmp(ad_operation(i)->name, name) != 0)
        i++;
    return x ? ad_call_primitive(ad_operation(i), &x, 1, name) : NULL;
}

OF_X(values_of_hermitian, call_of("ad_linalg_eigvalsh", definite(x)))
OF_X(values_of_general, ad_real(call_of("ad_linalg_eigvals", ad_matmul(regular(x), ad_make_diagonal(ad_arange(1, ad_dim(x, -1) + 1))))))
OF_X(values_of_singular, call_of("ad_linalg_svdvals", regular(x)))
OF_X(triangular_qr, ad_tree_get(ad_linalg_qr(regular(x)), "R"))
OF_X(pseudo_inverse, ad_linalg_pinv(regular(x)))

/* The projector on what the first column leaves. */
static ad_array *completion(ad_array *x)
{
    ad_array *q = ad_tree_get(ad_linalg_qr(ad_at(regular(x), "..., :1"), .mode = "complete"), "Q"), *rest = ad_at(q, "..., 1:");
    return ad_matmul(rest, ad_conj(ad_matrix_transpose(rest)));
}

OF_AB(linear_system, ad_linalg_solve(regular(a), b))
OF_AB(triangular_system, ad_linalg_solve_triangular(regular(a), b, .lower = true))

OF_X(vector_norm_of_two_axes, ad_linalg_vector_norm(x, .axes = AD_AXES(0, -1), .keepdims = true))
OF_X(vector_norm_3, ad_linalg_vector_norm(x, .ord = 3))
OF_X(matrix_norm_of_columns, ad_linalg_matrix_norm(x, .ord = 1, .keepdims = true))
/* Of the triangle that is read: the matrix need not be Hermitian. */
OF_X(cholesky_of_lower, ad_linalg_cholesky(regular(x), .UPLO = "L"))
OF_X(cholesky_of_upper, ad_linalg_cholesky(regular(x), .UPLO = "U", .upper = true))
OF_AB(factorised_system, ad_linalg_cho_solve(ad_linalg_cho_factor(definite(a)), b))
WAVE_AB(chain_of_four, ad_linalg_multi_dot(ad_list_of(ad_at(ad_reshape(a, AD_SHAPE(-1, ad_dim(a, -1))), "0"), b, ad_sin(b), ad_at(b, ":, 0"))))
WAVE_AB(blocks, ad_linalg_block_diag(ad_list_of(a, ad_sum(b), ad_square(b))))
WAVE_AB(blocks_of_vectors, ad_linalg_block_diag(ad_list_of(ad_ravel(a), 3, ad_ravel(b))))
WAVE_X(toeplitz_hermitian, ad_linalg_toeplitz(x))
WAVE_AB(toeplitz_of_two, ad_linalg_toeplitz(a, .r = ad_square(b)))
WAVE_X(linalg_trace_below, ad_linalg_trace(x, .offset = -1))
WAVE_X(linalg_diagonal_above, ad_linalg_diagonal(x, .offset = 1))
WAVE_AB(linalg_outer_flat, ad_linalg_outer(ad_ravel(a), ad_ravel(b)))

static ad_array *packed_lu(ad_array *x)
{
    return ad_tree_get(ad_linalg_lu_factor(x), "lu");
}

static ad_array *solved_by_lu(ad_array *a, ad_array *b)
{
    ad_tree *factors = ad_linalg_lu_factor(regular(a));
    return ad_linalg_lu_solve(ad_tree_get(factors, "lu"), ad_tree_get(factors, "piv"), b, .trans = 1);
}

/* Lengths of the parts of eigenvectors, which no phase changes. */
static ad_array *general_vectors(ad_array *x)
{
    return ad_abs(ad_tree_get(ad_linalg_eig(x), "eigenvectors"));
}

/* x with the main diagonal in its middle row. */
static ad_array *diagonals(ad_array *x)
{
    int64_t rows = ad_dim(x, -2);
    return ad_add(x, ad_mul(7, ad_expand_dims(ad_equal(ad_arange(rows), rows / 2), -1)));
}

OF_X(lu_of_square, packed_lu(regular(x)))
OF_X(lu_of_tall, packed_lu(ad_at(regular(x), "..., :1")))
OF_X(lu_of_wide, packed_lu(ad_at(regular(x), "..., :1, :")))
OF_X(lower_of_lu, ad_tree_get(ad_linalg_lu(regular(x)), "L"))
OF_X(permutation_of_lu, ad_tree_get(ad_linalg_lu(regular(x)), "P"))
OF_X(general_values, ad_abs(ad_linalg_eigvals(x)))
OF_X(square_root, ad_linalg_sqrtm(regular(x)))
OF_AB(sylvester, ad_linalg_solve_sylvester(regular(a), b, ad_add(a, b)))
OF_AB(banded, ad_linalg_solve_banded(diagonals(a), b, .l = (int)ad_dim(a, -2) / 2, .u = (int)ad_dim(a, -2) / 2))

/* What a line through two columns leaves. */
static ad_array *left_of_fit(ad_array *x)
{
    ad_array *rows = ad_reshape(regular(x), AD_SHAPE(-1, ad_dim(x, -1)));
    return ad_tree_get(ad_linalg_lstsq(ad_at(rows, ":, :2"), ad_cos(ad_arange(ad_dim(rows, 0)))), "residuals");
}

static const struct row linalg_rows[] = {
    ONE("ad_linalg_of_rank", left_of_fit, -1, 1, COMPLEX | SQUARE),
    ONE("ad_linalg_lu_factor", lu_of_square, -2, 2, COMPLEX | SQUARE),
    ONE("ad_linalg_lu_factor", lu_of_tall, -2, 2, COMPLEX | SQUARE),
    ONE("ad_linalg_lu_factor", lu_of_wide, -2, 2, COMPLEX | SQUARE),
    ONE("ad_linalg_unit_lower", lower_of_lu, -2, 2, COMPLEX | SQUARE),
    ONE("ad_linalg_permutation", permutation_of_lu, -2, 2, COMPLEX | SQUARE),
    TWO("ad_linalg_exchange_rows", solved_by_lu, -2, 2, COMPLEX | SQUARE),
    ONE("ad_linalg_eig", general_values, -2, 2, COMPLEX | SQUARE),
    ONE("ad_linalg_eig", general_vectors, -2, 2, COMPLEX | SQUARE),
    ONE("ad_linalg_sqrtm", square_root, -2, 2, COMPLEX | SQUARE),
    ONE("ad_linalg_schur_factors", square_root, -2, 2, COMPLEX | SQUARE),
    TWO("ad_linalg_solve_sylvester", sylvester, -2, 2, COMPLEX | SQUARE),
    TWO("ad_linalg_banded_factors", banded, -2, 2, COMPLEX | SQUARE),
    TWO("ad_linalg_solve_banded", banded, -2, 2, COMPLEX | SQUARE),
    UNARY(linalg_norm, 0.3, 2, COMPLEX),
    ONE("ad_linalg_norm", norm_last_kept, 0.3, 2, COMPLEX | NO_SCALAR),
    ONE("ad_norm_direction", norm_slope, 0.3, 2, COMPLEX | NO_SCALAR),
    ONE("ad_linalg_norm", norm_1, 0.3, 2, COMPLEX | NO_SCALAR),
    ONE("ad_linalg_norm", norm_3, 0.3, 2, COMPLEX | NO_SCALAR),
    ONE("ad_linalg_norm", norm_4, 0.3, 2, COMPLEX | NO_SCALAR),
    ONE("ad_linalg_norm", norm_half, 0.3, 2, COMPLEX | NO_SCALAR),
    ONE("ad_linalg_norm", norm_minus_2, 0.3, 2, COMPLEX | NO_SCALAR),
    ONE("ad_linalg_norm", norm_largest, 0.3, 2, COMPLEX | NO_SCALAR),
    ONE("ad_linalg_norm", norm_smallest, 0.3, 2, COMPLEX | NO_SCALAR),
    ONE("ad_linalg_norm", norm_frobenius, 0.3, 2, COMPLEX | MATRIX),
    ONE("ad_linalg_norm", norm_columns, 0.3, 2, COMPLEX | MATRIX | NO_EMPTY),
    ONE("ad_linalg_norm", norm_rows_kept, 0.3, 2, COMPLEX | MATRIX | NO_EMPTY),
    ONE("ad_linalg_norm", norm_spectral, -2, 2, COMPLEX | MATRIX),
    ONE("ad_linalg_norm", norm_least_singular_kept, -2, 2, COMPLEX | MATRIX | NO_EMPTY),
    ONE("ad_linalg_norm", norm_nuclear, -2, 2, COMPLEX | MATRIX),
    ONE("ad_linalg_svd", ad_linalg_svdvals, -2, 2, COMPLEX | MATRIX),
    ONE("ad_linalg_svd", svdvals_of_columns, -2, 2, COMPLEX | MATRIX),
    ONE("ad_linalg_lu_factors", inverse, -2, 2, COMPLEX | SQUARE),
    ONE("ad_linalg_inv", inverse, -2, 2, COMPLEX | SQUARE),
    TWO("ad_linalg_solve", linear_system, -2, 2, COMPLEX | SQUARE),
    TWO("ad_linalg_solve_triangular", triangular_system, -2, 2, COMPLEX | SQUARE),
    TWO("ad_linalg_finite", triangular_system, -2, 2, COMPLEX | SQUARE),
    ONE("ad_linalg_det", determinant, -2, 2, COMPLEX | SQUARE),
    ONE("ad_linalg_cofactors", determinant_slope, -2, 2, SQUARE),
    ONE("ad_linalg_cofactors_change", determinant_slope, -2, 2, SQUARE),
    ONE("ad_linalg_slogdet", log_determinant, -2, 2, COMPLEX | SQUARE),
    ONE("ad_linalg_slogdet_sign", sign_of_determinant, -2, 2, COMPLEX | SQUARE),
    ONE("ad_linalg_hermitian", hermitian_values, -2, 2, COMPLEX | SQUARE),
    ONE("ad_linalg_cholesky", cholesky_lower, -2, 2, COMPLEX | SQUARE),
    ONE("ad_linalg_cholesky_reverse", cholesky_slope, -2, 2, SQUARE),
    ONE("ad_linalg_eigvalsh", values_of_hermitian, -2, 2, COMPLEX | SQUARE),
    ONE("ad_linalg_eigvals", values_of_general, -1, 1, COMPLEX | SQUARE),
    ONE("ad_linalg_svdvals", values_of_singular, -2, 2, COMPLEX | SQUARE),
    ONE("ad_linalg_eigh", hermitian_values, -2, 2, COMPLEX | SQUARE),
    ONE("ad_linalg_qr", triangular_qr, -2, 2, COMPLEX | SQUARE),
    ONE("ad_linalg_divisor", triangular_qr, -2, 2, COMPLEX | SQUARE),
    ONE("ad_linalg_complement", completion, -2, 2, COMPLEX | SQUARE),
    ONE("ad_linalg_pinv", pseudo_inverse, -2, 2, COMPLEX | SQUARE),
    ONE("ad_linalg_expm", ad_linalg_expm, -1, 1, COMPLEX | SQUARE),
    ONE("ad_linalg_norm", vector_norm_of_two_axes, 0.3, 2, COMPLEX | MATRIX),
    ONE("ad_linalg_norm", vector_norm_3, 0.3, 2, COMPLEX),
    ONE("ad_linalg_norm", matrix_norm_of_columns, 0.3, 2, COMPLEX | MATRIX | NO_EMPTY),
    ONE("ad_linalg_cholesky", cholesky_of_lower, -2, 2, COMPLEX | SQUARE),
    ONE("ad_linalg_cholesky", cholesky_of_upper, -2, 2, COMPLEX | SQUARE),
    TWO("ad_linalg_cholesky", factorised_system, -2, 2, COMPLEX | SQUARE | NO_BOOL),
    TWO("ad_linalg_multi_dot", chain_of_four, -1, 1, COMPLEX | SQUARE | NO_BOOL),
    TWO("ad_linalg_block_diag", blocks, -1, 1, COMPLEX | SQUARE | NO_BOOL),
    TWO("ad_linalg_block_diag", blocks_of_vectors, -2, 2, COMPLEX),
    ONE("ad_linalg_toeplitz", toeplitz_hermitian, -2, 2, COMPLEX),
    TWO("ad_linalg_toeplitz", toeplitz_of_two, -2, 2, COMPLEX | SQUARE | NO_BOOL),
    ONE("ad_linalg_trace", linalg_trace_below, -2, 2, COMPLEX | MATRIX),
    ONE("ad_linalg_diagonal", linalg_diagonal_above, -2, 2, COMPLEX | MATRIX),
    TWO("ad_linalg_outer", linalg_outer_flat, -1, 1, COMPLEX),
};
