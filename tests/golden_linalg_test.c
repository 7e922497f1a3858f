/* Every function of ad/linalg.h and ad/fft.h against the numbers of other libraries (golden/linalg.py): values,
 * gradients, and derivatives of gradients in a direction; real and complex, in double and single precision. */
#include "testing.h"

/* ---- the numbers ---- */

struct golden {
    ad_dtype dtype;              /* of the results */
    const double *x, *y, *g, *h; /* complex numbers in pairs */
    size_t x_count, y_count, g_count, h_count;
};

#define NUMBERS(letter, ...)          .letter = (const double[]){ __VA_ARGS__ }, .letter##_count = sizeof((const double[]){ __VA_ARGS__ }) / sizeof(double)
#define BEGIN(kind, name, of_results) static const struct golden kind##_##name = { .dtype = (of_results),
#define X(...)                        NUMBERS(x, __VA_ARGS__),
#define Y(...)                        NUMBERS(y, __VA_ARGS__),
#define G(...)                        NUMBERS(g, __VA_ARGS__),
#define H(...)                        NUMBERS(h, __VA_ARGS__),
#define END                                                                                                                                                    \
    }                                                                                                                                                          \
    ;
/* clang-format off */
#include "golden/linalg.inc"
/* clang-format on */

/* ---- the functions, of the operands that they cut out of one vector ---- */

static ad_array *cut(ad_array *x, int64_t first, ad_shape shape)
{
    return ad_reshape(ad_at(x, "%lld:%lld", (long long)first, (long long)(first + ad_shape_size(shape))), shape);
}

static bool is_complex(ad_array *x)
{
    return ad_dtype_of(x) == AD_C128 || ad_dtype_of(x) == AD_C64;
}

static bool is_single(ad_array *x)
{
    return ad_dtype_of(x) == AD_F32 || ad_dtype_of(x) == AD_C64;
}

static ad_array *adjoint(ad_array *x)
{
    return ad_matrix_transpose(ad_conj(x));
}

static ad_array *definite(ad_array *a)
{
    return ad_add(ad_matmul(a, adjoint(a)), ad_eye(ad_dim(a, -1), .dtype = ad_dtype_of(a)));
}

static ad_array *projector(ad_array *columns)
{
    return ad_matmul(columns, adjoint(columns));
}

static ad_array *join(ad_array *a, ad_array *b)
{
    return ad_concatenate(ad_list_of(ad_ravel(a), ad_ravel(b)));
}

/* The arrays of a tree, one after the other; of those that the names begin with M the moduli. */
static ad_array *parts(ad_tree *t, const char *const *names)
{
    ad_array *all = NULL;
    for (; *names; names++) {
        ad_array *next = **names == '|' ? ad_abs(ad_tree_get(t, *names + 1)) : ad_tree_get(t, *names);
        all = all ? join(all, next) : next;
    }
    return all;
}

#define PARTS(tree, ...) parts(tree, (const char *const[]){ __VA_ARGS__, NULL })

/* The number that is differentiated. */
static ad_array *loss(ad_array *y)
{
    y = ad_ravel(y);
    if (!y)
        return NULL;
    ad_array *u = is_complex(y) ? ad_add(ad_real(y), ad_mul(0.7, ad_imag(y))) : y;
    return ad_sum(ad_mul(ad_astype(ad_cos(ad_arange(ad_size(y))), ad_dtype_of(u)), ad_sin(u)));
}

#define CUT(first, ...) cut(x, first, AD_SHAPE(__VA_ARGS__))
#define CASE(name, ...)                                                                                                                                        \
    static ad_array *name(ad_array *x)                                                                                                                         \
    {                                                                                                                                                          \
        return __VA_ARGS__;                                                                                                                                    \
    }                                                                                                                                                          \
    static ad_array *loss_of_##name(ad_array *x)                                                                                                               \
    {                                                                                                                                                          \
        return loss(name(x));                                                                                                                                  \
    }

#define S CUT(0, 3, 3)
#define B CUT(9, 3, 2)

CASE(solve, ad_linalg_solve(S, B))
CASE(solve_stack, ad_linalg_solve(CUT(0, 2, 3, 3), CUT(18, 3, 2)))
CASE(solve_vector, ad_linalg_solve(S, CUT(9, 3)))
CASE(solve_positive, ad_linalg_solve(definite(S), B, .assume_a = "pos"))
CASE(solve_hermitian, ad_linalg_solve(ad_sub(definite(S), ad_mul(3, ad_eye(3, .dtype = ad_dtype_of(x)))), B, .assume_a = "her"))
CASE(solve_upper, ad_linalg_solve_triangular(S, B))
CASE(solve_lower_transposed, ad_linalg_solve_triangular(S, B, .lower = true, .trans = 1))
CASE(solve_unit_adjoint, ad_linalg_solve_triangular(S, B, .unit_diagonal = true, .trans = 2))
CASE(inv, ad_linalg_inv(S))
CASE(det, ad_linalg_det(S))
CASE(slogdet, PARTS(ad_linalg_slogdet(S), "sign", "logabsdet"))
CASE(cholesky, ad_linalg_cholesky(definite(S)))
CASE(cholesky_upper, ad_linalg_cholesky(definite(S), .upper = true))
CASE(cho_factor, ad_linalg_cho_factor(definite(S)))
CASE(cho_factor_lower, ad_linalg_cho_factor(definite(S), .lower = true))
CASE(cho_solve, ad_linalg_cho_solve(S, B))
CASE(cho_solve_lower, ad_linalg_cho_solve(S, B, .lower = true))
CASE(solve_banded, ad_linalg_solve_banded(ad_add(CUT(0, 4, 5), ad_mul(4, ad_astype(ad_from((double[]){ 0, 0, 1, 0 }, AD_SHAPE(4, 1)), ad_dtype_of(x)))),
                                          CUT(20, 5, 2), .l = 1, .u = 2))
CASE(solve_sylvester, ad_linalg_solve_sylvester(S, CUT(9, 2, 2), CUT(13, 3, 2)))
CASE(tensorsolve, ad_linalg_tensorsolve(CUT(0, 3, 2, 2, 3), CUT(36, 3, 2)))
CASE(tensorinv, ad_linalg_tensorinv(CUT(0, 2, 2, 4)))
CASE(lu, PARTS(ad_linalg_lu(S), "P", "L", "U"))
CASE(lu_tall, PARTS(ad_linalg_lu(CUT(0, 4, 2)), "P", "L", "U"))
CASE(lu_wide, PARTS(ad_linalg_lu(CUT(0, 2, 4)), "P", "L", "U"))
CASE(lu_permuted, PARTS(ad_linalg_lu(S, .permute_l = true), "PL", "U"))
CASE(lu_factor, PARTS(ad_linalg_lu_factor(CUT(0, 2, 4)), "lu"))

static ad_array *pivots(void)
{
    return ad_from_data(AD_I32, (int32_t[]){ 2, 2, 2 }, AD_SHAPE(3));
}

CASE(lu_solve, ad_linalg_lu_solve(S, pivots(), B))
CASE(lu_solve_transposed, ad_linalg_lu_solve(S, pivots(), B, .trans = 1))
CASE(lu_solve_adjoint, ad_linalg_lu_solve(S, pivots(), B, .trans = 2))
CASE(eigh, PARTS(ad_linalg_eigh(definite(S)), "eigenvalues", "|eigenvectors"))
CASE(eigvalsh_of_lower, ad_linalg_eigvalsh(S, .UPLO = "L"))
CASE(eigvalsh_of_upper, ad_linalg_eigvalsh(S, .UPLO = "U"))
CASE(qr, PARTS(ad_linalg_qr(CUT(0, 4, 3)), "Q", "R"))
CASE(qr_wide, PARTS(ad_linalg_qr(CUT(0, 2, 4)), "Q", "R"))
CASE(qr_complete, projector(ad_at(ad_tree_get(ad_linalg_qr(CUT(0, 4, 2), .mode = "complete"), "Q"), ":, 2:")))
CASE(svd, PARTS(ad_linalg_svd(CUT(0, 4, 3), .full_matrices = false), "|U", "S", "|Vh"))
CASE(svd_wide, PARTS(ad_linalg_svd(CUT(0, 2, 4), .full_matrices = false), "|U", "S", "|Vh"))
CASE(svd_full, projector(ad_at(ad_tree_get(ad_linalg_svd(CUT(0, 4, 2)), "U"), ":, 2:")))
CASE(svdvals, ad_linalg_svdvals(CUT(0, 3, 4)))
CASE(pinv, ad_linalg_pinv(CUT(0, 4, 2)))
CASE(pinv_wide, ad_linalg_pinv(CUT(0, 2, 4)))
CASE(lstsq, PARTS(ad_linalg_lstsq(CUT(0, 4, 2), CUT(8, 4, 3)), "x", "residuals"))
CASE(eigvals, ad_linalg_eigvals(S))
CASE(eig, PARTS(ad_linalg_eig(S), "eigenvalues", "|eigenvectors"))
CASE(sqrtm, ad_linalg_sqrtm(S))
CASE(expm, ad_linalg_expm(CUT(0, 2, 2)))
CASE(norm, ad_linalg_norm(x))
CASE(norm_1, ad_linalg_norm(x, .ord = 1))
CASE(norm_3, ad_linalg_norm(x, .ord = 3))
CASE(norm_largest, ad_linalg_norm(x, .ord = INFINITY))
CASE(norm_smallest, ad_linalg_norm(x, .ord = -INFINITY))
CASE(norm_frobenius, ad_linalg_norm(CUT(0, 3, 4), .ord = AD_NORM_FRO))
CASE(norm_columns, ad_linalg_norm(CUT(0, 3, 4), .ord = 1))
CASE(norm_rows, ad_linalg_norm(CUT(0, 3, 4), .ord = -INFINITY))
CASE(norm_spectral, ad_linalg_norm(CUT(0, 3, 4), .ord = 2))
CASE(norm_least, ad_linalg_norm(CUT(0, 3, 4), .ord = -2))
CASE(norm_nuclear, ad_linalg_norm(CUT(0, 3, 4), .ord = AD_NORM_NUC))
CASE(cond, ad_linalg_cond(S))
CASE(cond_1, ad_linalg_cond(S, .p = 1))
CASE(matrix_power, ad_mul(0.01, ad_linalg_matrix_power(S, 3)))
CASE(matrix_power_negative, ad_linalg_matrix_power(S, -2))
CASE(fft, ad_fft_fft(x))
CASE(fft_ortho, ad_fft_fft(CUT(0, 3, 4), .axis = 0, .norm = "ortho"))
CASE(fft_cut, ad_fft_fft(x, .n = 5))
CASE(fft_longer, ad_fft_fft(x, .n = 8, .norm = "forward"))
CASE(ifft, ad_fft_ifft(x))
CASE(fft2, ad_fft_fft2(CUT(0, 3, 4)))
CASE(ifft2, ad_fft_ifft2(CUT(0, 3, 4), .norm = "ortho"))
CASE(fftn, ad_fft_fftn(CUT(0, 2, 3, 2)))
CASE(ifftn, ad_fft_ifftn(CUT(0, 2, 3, 2), .norm = "forward"))
CASE(rfft, ad_fft_rfft(x))
CASE(rfft_odd, ad_fft_rfft(x, .norm = "ortho"))
CASE(irfft, ad_fft_irfft(x))
CASE(irfft_odd, ad_fft_irfft(x, .n = 7))
CASE(rfft2, ad_fft_rfft2(CUT(0, 3, 4)))
CASE(irfft2, ad_fft_irfft2(CUT(0, 3, 4)))
CASE(rfftn, ad_fft_rfftn(CUT(0, 2, 3, 3)))
CASE(irfftn, ad_fft_irfftn(CUT(0, 2, 2, 3), .norm = "ortho"))
CASE(fftshift, ad_fft_fftshift(CUT(0, 3, 4)))
CASE(ifftshift, ad_fft_ifftshift(CUT(0, 3, 4), .axis = 1))
CASE(hfft, ad_fft_hfft(x))
CASE(ihfft, ad_fft_ihfft(x))
CASE(dct, ad_fft_dct(x))
CASE(dct_3, ad_fft_dct(x, .type = 3, .norm = "ortho"))
CASE(idct, ad_fft_idct(x))

/* Options, layouts, and awkward matrices. */

static ad_array *jordan(ad_array *x)
{
    ad_array *above = ad_mul(40, ad_mul(ad_at(x, "1"), ad_astype(ad_eye(3, .k = 1), ad_dtype_of(x))));
    return ad_add(ad_mul(ad_at(x, "0"), ad_eye(3, .dtype = ad_dtype_of(x))), above);
}

CASE(norm_minus_1, ad_linalg_norm(x, .ord = -1))
CASE(norm_minus_2, ad_linalg_norm(x, .ord = -2))
CASE(norm_half, ad_linalg_norm(x, .ord = 0.5))
CASE(norm_zero, ad_linalg_norm(x, .ord = 0))
CASE(norm_along, ad_linalg_norm(CUT(0, 3, 4), .ord = 3, .axis = 0, .keepdims = true))
CASE(norm_turned, ad_linalg_norm(CUT(0, 2, 3, 4), .ord = AD_NORM_FRO, .axes = AD_AXES(2, 0)))
CASE(norm_least_column, ad_linalg_norm(CUT(0, 3, 4), .ord = -1))
CASE(norm_largest_row, ad_linalg_norm(CUT(0, 2, 3, 4), .ord = INFINITY, .axes = AD_AXES(2, 1), .keepdims = true))
CASE(norm_nuclear_turned, ad_linalg_norm(CUT(0, 2, 3, 4), .ord = AD_NORM_NUC, .axes = AD_AXES(-1, 0)))
CASE(vector_norm, ad_linalg_vector_norm(CUT(0, 3, 4), .ord = 3, .axes = AD_AXES(0, 1), .keepdims = true))
CASE(matrix_norm, ad_linalg_matrix_norm(CUT(0, 2, 3, 3), .ord = -2, .keepdims = true))
CASE(cond_minus_1, ad_linalg_cond(S, .p = -1))
CASE(cond_minus_2, ad_linalg_cond(S, .p = -2))
CASE(cond_rows, ad_linalg_cond(S, .p = INFINITY))
CASE(cond_least_row, ad_linalg_cond(S, .p = -INFINITY))
CASE(cond_frobenius, ad_linalg_cond(S, .p = AD_NORM_FRO))
CASE(cond_nuclear, ad_linalg_cond(S, .p = AD_NORM_NUC))
CASE(multi_dot, ad_linalg_multi_dot(ad_list_of(CUT(0, 3), CUT(3, 3, 2), CUT(9, 2, 4))))
CASE(block_diag, ad_linalg_block_diag(ad_list_of(CUT(0, 2, 2), CUT(4, 1, 3), CUT(7, 2))))
CASE(toeplitz, ad_linalg_toeplitz(CUT(0, 3), .r = CUT(3, 4)))
CASE(toeplitz_hermitian, ad_linalg_toeplitz(x))
CASE(cross, ad_linalg_cross(CUT(0, 2, 3), CUT(6, 3)))
CASE(outer, ad_linalg_outer(CUT(0, 2), CUT(2, 3)))
CASE(vecdot, ad_linalg_vecdot(CUT(0, 2, 3), CUT(6, 3)))
CASE(product, ad_linalg_matmul(CUT(0, 2, 3, 4), CUT(24, 4, 2)))
CASE(tensordot, ad_linalg_tensordot(CUT(0, 2, 3, 4), CUT(24, 4, 3, 2), .a_axes = AD_AXES(2, 1), .b_axes = AD_AXES(0, 1)))
CASE(trace, ad_linalg_trace(CUT(0, 2, 3, 4), .offset = 1))
CASE(diagonal, ad_linalg_diagonal(CUT(0, 2, 3, 4), .offset = -1))
CASE(matrix_transpose, ad_linalg_matrix_transpose(CUT(0, 2, 3, 4)))
CASE(tensorsolve_of_axes, ad_linalg_tensorsolve(CUT(0, 2, 6, 3), CUT(36, 6), .axes = AD_AXES(0)))
CASE(tensorinv_of_one, ad_linalg_tensorinv(CUT(0, 4, 2, 2), .ind = 1))
CASE(lu_permuted_tall, PARTS(ad_linalg_lu(CUT(0, 4, 2), .permute_l = true), "PL", "U"))
CASE(lu_permuted_wide, PARTS(ad_linalg_lu(CUT(0, 2, 4), .permute_l = true), "PL", "U"))
CASE(qr_r, PARTS(ad_linalg_qr(CUT(0, 4, 3), .mode = "r"), "R"))
CASE(svd_full_wide, projector(adjoint(ad_at(ad_tree_get(ad_linalg_svd(CUT(0, 2, 4)), "Vh"), "2:"))))

/* 4 is added to row `diagonal` of the diagonals of a band matrix of 4 columns. */
static ad_array *band(ad_array *x, int64_t rows, int64_t diagonal)
{
    return ad_add(CUT(0, rows, 4), ad_mul(4, ad_astype(ad_expand_dims(ad_equal(ad_arange(rows), diagonal), 1), ad_dtype_of(x))));
}

CASE(solve_banded_vector, ad_linalg_solve_banded(band(x, 4, 1), CUT(16, 4), .l = 2, .u = 1))
CASE(solve_banded_diagonal, ad_linalg_solve_banded(band(x, 1, 0), CUT(4, 4, 2)))
CASE(solve_banded_lower, ad_linalg_solve_banded(band(x, 3, 0), CUT(12, 4), .l = 2))
CASE(lstsq_vector, PARTS(ad_linalg_lstsq(CUT(0, 4, 2), CUT(8, 4)), "x", "residuals"))
CASE(lstsq_wide, PARTS(ad_linalg_lstsq(CUT(0, 2, 4), CUT(8, 2)), "x"))
CASE(lstsq_of_rank_1, PARTS(ad_linalg_lstsq(ad_matmul(CUT(0, 4, 1), CUT(4, 1, 3)), CUT(7, 4), .rcond = is_single(x) ? 1e-4 : 1e-8), "x"))
CASE(pinv_of_rank_1, ad_linalg_pinv(ad_matmul(CUT(0, 3, 1), CUT(3, 1, 3)), .rcond = is_single(x) ? 1e-4 : 1e-8))
CASE(pinv_cut, ad_linalg_pinv(ad_mul(CUT(0, 3, 2), ad_astype(VECTOR(1, 0.25), ad_dtype_of(x))), .rcond = 0.5))
CASE(expm_of_large_norm, ad_div(ad_linalg_expm(ad_mul(8, CUT(0, 2, 2))), 10000))
CASE(expm_of_defective, ad_div(ad_linalg_expm(jordan(x)), 1000))
CASE(sqrtm_near_singular, ad_linalg_sqrtm(ad_add(projector(CUT(0, 2, 1)), ad_mul(0.01, ad_eye(2, .dtype = ad_dtype_of(x))))))

/* Transforms with options. */

CASE(fft_of_prime, ad_fft_fft(x, .norm = "ortho"))
CASE(fft_of_one, ad_fft_fft(CUT(0, 2, 1)))
CASE(fftn_repeated, ad_fft_fftn(CUT(0, 3, 4), .axes = AD_AXES(0, 1, 0), .norm = "forward"))
CASE(ifftn_cut, ad_fft_ifftn(CUT(0, 3, 4), .s = AD_SHAPE(5, 2), .axes = AD_AXES(1, 0)))
CASE(rfft_cut, ad_fft_rfft(CUT(0, 2, 7), .n = 5, .norm = "forward"))
CASE(rfft_longer, ad_fft_rfft(CUT(0, 5, 2), .n = 8, .axis = 0, .norm = "ortho"))
CASE(rfft_of_one, ad_fft_rfft(CUT(0, 3, 1)))
CASE(rfft2_turned, ad_fft_rfft2(CUT(0, 3, 4), .s = AD_SHAPE(5, 2), .axes = AD_AXES(1, 0), .norm = "ortho"))
CASE(rfftn_repeated, ad_fft_rfftn(CUT(0, 3, 4), .s = AD_SHAPE(4, 3, 5), .axes = AD_AXES(0, 1, 0)))
CASE(irfft_cut, ad_fft_irfft(x, .n = 7, .norm = "forward"))
CASE(irfft_of_one, ad_fft_irfft(x, .n = 1))
CASE(irfft2_turned, ad_fft_irfft2(CUT(0, 3, 4), .s = AD_SHAPE(3, 6), .axes = AD_AXES(1, 0), .norm = "forward"))
CASE(irfftn_repeated, ad_fft_irfftn(CUT(0, 3, 4), .s = AD_SHAPE(4, 3, 5), .axes = AD_AXES(0, 1, 0)))
CASE(hfft_odd, ad_fft_hfft(x, .n = 7, .norm = "ortho"))
CASE(hfft_longer, ad_fft_hfft(CUT(0, 3, 2), .n = 10, .axis = 0, .norm = "forward"))
CASE(ihfft_cut, ad_fft_ihfft(CUT(0, 7, 2), .n = 6, .axis = 0, .norm = "ortho"))
CASE(ihfft_longer, ad_fft_ihfft(x, .n = 9, .norm = "forward"))
CASE(fftshift_of_axes, ad_fft_fftshift(CUT(0, 2, 3, 5), .axes = AD_AXES(2, 0)))
CASE(dct_forward, ad_fft_dct(x, .norm = "forward"))
CASE(dct_cut, ad_fft_dct(CUT(0, 2, 7), .n = 4, .norm = "ortho"))
CASE(dct_3_longer, ad_fft_dct(CUT(0, 3, 2), .type = 3, .n = 5, .axis = 0))
CASE(idct_longer, ad_fft_idct(x, .n = 7, .norm = "ortho"))
CASE(idct_3, ad_fft_idct(x, .type = 3, .norm = "forward"))

/* ---- the comparison ---- */

typedef ad_array *one(ad_array *);

static const struct row {
    const char *name;
    one *f, *loss;
    const struct golden *real, *complex; /* NULL: it does not take them */
} rows[] = {
#define ROW(name)                                                                                                                                              \
    {                                                                                                                                                          \
#name, name, loss_of_##name, &real_##name, &complex_##name                                                                                             \
    }
#define ROW_REAL(name)                                                                                                                                         \
    {                                                                                                                                                          \
#name, name, loss_of_##name, &real_##name, NULL                                                                                                        \
    }
#define ROW_COMPLEX(name)                                                                                                                                      \
    {                                                                                                                                                          \
#name, name, loss_of_##name, NULL, &complex_##name                                                                                                     \
    }
    /* clang-format off */
    ROW(solve), ROW(solve_stack), ROW(solve_vector), ROW(solve_positive), ROW(solve_hermitian), ROW(solve_upper), ROW(solve_lower_transposed),
    ROW(solve_unit_adjoint), ROW(inv), ROW(det), ROW(slogdet), ROW(cholesky), ROW(cholesky_upper), ROW(cho_factor), ROW(cho_factor_lower), ROW(cho_solve),
    ROW(cho_solve_lower), ROW(solve_banded), ROW(solve_sylvester), ROW(tensorsolve), ROW(tensorinv), ROW(lu), ROW(lu_tall), ROW(lu_wide), ROW(lu_permuted),
    ROW(lu_factor), ROW(lu_solve), ROW(lu_solve_transposed), ROW(lu_solve_adjoint), ROW(eigh), ROW(eigvalsh_of_lower), ROW(eigvalsh_of_upper), ROW(qr),
    ROW(qr_wide), ROW(qr_complete), ROW(svd), ROW(svd_wide), ROW(svd_full), ROW(svdvals), ROW(pinv), ROW(pinv_wide), ROW(lstsq), ROW(eigvals), ROW(eig),
    ROW(sqrtm), ROW(expm), ROW(norm), ROW(norm_1), ROW(norm_3), ROW(norm_largest), ROW(norm_smallest), ROW(norm_frobenius), ROW(norm_columns), ROW(norm_rows),
    ROW(norm_spectral), ROW(norm_least), ROW(norm_nuclear), ROW(cond), ROW(cond_1), ROW(matrix_power), ROW(matrix_power_negative), ROW(fft), ROW(fft_ortho),
    ROW(fft_cut), ROW(fft_longer), ROW(ifft), ROW(fft2), ROW(ifft2), ROW(fftn), ROW(ifftn), ROW_REAL(rfft), ROW_REAL(rfft_odd), ROW(irfft), ROW(irfft_odd),
    ROW_REAL(rfft2), ROW(irfft2), ROW_REAL(rfftn), ROW(irfftn), ROW(fftshift), ROW(ifftshift), ROW_COMPLEX(hfft), ROW_REAL(ihfft), ROW_REAL(dct),
    ROW_REAL(dct_3), ROW_REAL(idct),
    ROW(norm_minus_1), ROW(norm_minus_2), ROW(norm_half), ROW(norm_zero), ROW(norm_along), ROW(norm_turned), ROW(norm_least_column), ROW(norm_largest_row),
    ROW(norm_nuclear_turned), ROW(vector_norm), ROW(matrix_norm), ROW(cond_minus_1), ROW(cond_minus_2), ROW(cond_rows), ROW(cond_least_row),
    ROW(cond_frobenius), ROW(cond_nuclear), ROW(multi_dot), ROW(block_diag), ROW(toeplitz), ROW(toeplitz_hermitian), ROW(cross), ROW(outer), ROW(vecdot),
    ROW(product), ROW(tensordot), ROW(trace), ROW(diagonal), ROW(matrix_transpose), ROW(tensorsolve_of_axes), ROW(tensorinv_of_one), ROW(lu_permuted_tall),
    ROW(lu_permuted_wide), ROW(qr_r), ROW(svd_full_wide), ROW(solve_banded_vector), ROW(solve_banded_diagonal), ROW(solve_banded_lower), ROW(lstsq_vector),
    ROW(lstsq_wide), ROW(lstsq_of_rank_1), ROW(pinv_of_rank_1), ROW(pinv_cut), ROW(expm_of_large_norm), ROW(expm_of_defective), ROW(sqrtm_near_singular),
    ROW(fft_of_prime), ROW(fft_of_one), ROW(fftn_repeated), ROW(ifftn_cut), ROW_REAL(rfft_cut), ROW_REAL(rfft_longer), ROW_REAL(rfft_of_one),
    ROW_REAL(rfft2_turned), ROW_REAL(rfftn_repeated), ROW(irfft_cut), ROW(irfft_of_one), ROW(irfft2_turned), ROW(irfftn_repeated), ROW(hfft_odd),
    ROW(hfft_longer), ROW_REAL(ihfft_cut), ROW_REAL(ihfft_longer), ROW(fftshift_of_axes), ROW_REAL(dct_forward), ROW_REAL(dct_cut), ROW_REAL(dct_3_longer),
    ROW_REAL(idct_longer), ROW_REAL(idct_3),
    /* clang-format on */
};

static ad_array *array_of(bool complex, const double *numbers, size_t count)
{
    int64_t size = (int64_t)count / (complex ? 2 : 1);
    return ad_from_data(complex ? AD_C128 : AD_F64, numbers, AD_SHAPE(size));
}

/* The largest difference as a part of the largest number, which counts as 1 at least. */
static double error_of(ad_array *got, ad_array *right)
{
    got = ad_ravel(got);
    if (!got || !ad_shape_equal(ad_shape_of(got), ad_shape_of(right)))
        return INFINITY;
    return ad_item(ad_max(ad_abs(ad_sub(got, right)))) / fmax(1, ad_item(ad_max(ad_abs(right))));
}

static void check(const struct row *row, const struct golden *golden, ad_dtype dtype)
{
    AD_SCOPE;
    bool complex = dtype == AD_C128 || dtype == AD_C64, single = dtype == AD_F32 || dtype == AD_C64;
    ad_array *x = ad_astype(array_of(complex, golden->x, golden->x_count), dtype), *k = ad_arange(1, ad_size(x) + 1);
    ad_array *v = ad_cos(k);
    if (complex)
        v = ad_add(v, ad_mul(ad_weak_complex(1.0i), ad_cos(ad_add(k, 0.5))));
    ad_array *y = row->f(x), *slope = NULL;
    ad_array *g = ad_grad(row->loss)(x);
    ad_jvp(ad_grad(row->loss), x, ad_astype(v, dtype), &slope);
    struct {
        const char *what;
        double error, limit;
    } results[] = {
        { "the value", error_of(y, array_of(golden->dtype == AD_C128, golden->y, golden->y_count)), single ? 1e-4 : 1e-12 },
        { "the gradient", error_of(g, array_of(complex, golden->g, golden->g_count)), single ? 1e-3 : 1e-11 },
        { "the second derivative", error_of(slope, array_of(complex, golden->h, golden->h_count)), single ? 1e-2 : 1e-10 },
    };
    for (int i = 0; i < 3; i++)
        ck_assert_msg(results[i].error <= results[i].limit, "%s, %s: %s is off by %.3g: %s", row->name, ad_dtype_name(dtype), results[i].what, results[i].error,
                      ad_error_message());
    ck_assert_int_eq(ad_dtype_of(g), dtype);
}

START_TEST(values_and_two_derivatives_are_those_of_other_libraries)
{
    const struct row *row = &rows[_i];
    for (int single = 0; single < 2; single++) {
        if (row->real)
            check(row, row->real, single ? AD_F32 : AD_F64);
        if (row->complex)
            check(row, row->complex, single ? AD_C64 : AD_C128);
    }
}
END_TEST

/* Constants: numpy.linalg.matrix_rank, numpy.fft.fftfreq and rfftfreq. */
START_TEST(constants_are_those_of_numpy)
{
    AD_SCOPE;
    ck_assert_int_eq(ad_item_int(ad_linalg_matrix_rank(ad_from((double[]){ 1, 2, 3, 2, 4, 6, 1, 1, 1 }, AD_SHAPE(3, 3)))), 2);
    ck_assert_int_eq(ad_item_int(ad_linalg_matrix_rank(ad_diag(VECTOR(1, 0.1, 0.01)), .rcond = 0.05)), 2);
    assert_array(ad_fft_fftfreq(5, .d = 0.5), AD_SHAPE(5), 1e-16, 0, 0.4, 0.8, -0.8, -0.4);
    assert_array(ad_fft_rfftfreq(5, .d = 0.5), AD_SHAPE(3), 1e-16, 0, 0.4, 0.8);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("golden_linalg");
    TCase *tests = tcase_create("golden_linalg");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, values_and_two_derivatives_are_those_of_other_libraries, 0, sizeof rows / sizeof *rows);
    tcase_add_test(tests, constants_are_those_of_numpy);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
