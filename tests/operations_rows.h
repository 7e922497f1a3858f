/* The rows of operations_test.c: an operation, a function through it, where its operands lie, and what else it takes.
 *
 * To add one: ONE("ad_name", function, low, high, flags). The interval avoids points where the function has a kink or a pole. An operation
 * with options has a row for each that changes its rule; one that is linear is put under a sine, so that a wrong place shows at every order.
 * Functions that are made of others have rows too, under their own names. */

#define UNARY(name, low, high, flags)  ONE("ad_" #name, ad_##name, low, high, flags)
#define BINARY(name, low, high, flags) TWO("ad_" #name, ad_##name, low, high, flags)

/* Beside OF_X and OF_AB of testing.h, OF_ABC defines a function of a, b and c; WAVE_X and WAVE_AB define the sine of one. */
#define OF_ABC(name, expression)                                                                                       \
    static ad_array *name(ad_array *a, ad_array *b, ad_array *c)                                                       \
    {                                                                                                                  \
        return expression;                                                                                             \
    }
#define WAVE_X(name, expression)  OF_X(name, ad_sin(expression))
#define WAVE_AB(name, expression) OF_AB(name, ad_sin(expression))

/* ---- elementwise ---- */

OF_X(cube, ad_pow(x, 3))
WAVE_X(under_a_name, ad_name(x, "x"))
OF_X(inverse_square, ad_pow(x, -2))
OF_X(polygamma_1, ad_polygamma(1, x))
/* The slope of f as a function of x: it goes through what only slopes need. */
static ad_array *slope_at(one *f, ad_array *x)
{
    ad_array *slope = NULL;
    ad_jvp(f, x, ad_ones_like(x), &slope);
    return slope;
}

/* d/da of f(a, b), every element of a being its own. */
static ad_array *first_slope_at(two *f, ad_array *a, ad_array *b)
{
    ad_array *slope = NULL, *spread = ad_add(a, ad_zeros_like(b));
    ad_jvp(f, spread, b, ad_ones_like(spread), &slope);
    return slope;
}

OF_X(cbrt_slope, slope_at(ad_cbrt, x))
OF_X(sigmoid_slope, slope_at(ad_sigmoid, x))
OF_X(tanh_slope, slope_at(ad_tanh, x))
OF_X(erf_slope, slope_at(ad_erf, x))
OF_X(arcsin_slope, slope_at(ad_arcsin, x))
OF_X(arcsinh_slope, slope_at(ad_arcsinh, x))
OF_X(arccosh_slope, slope_at(ad_arccosh, x))
OF_AB(hypot_slope, first_slope_at(ad_hypot, a, b))
OF_AB(pow_slope, first_slope_at(ad_pow, a, b))
OF_AB(mod_of_larger, ad_mod(ad_add(a, 2.45), b))
OF_AB(mod_of_negative, ad_mod(ad_sub(a, 2.45), b))
OF_AB(fmod_of_larger, ad_fmod(ad_add(a, 2.45), b))
OF_AB(fmod_of_negative, ad_fmod(ad_sub(a, 2.45), b))
OF_ABC(where_positive, ad_where(ad_greater(a, 0.5), b, c))
OF_ABC(clip_around, ad_clip(a, ad_sub(b, 6), ad_add(c, 6)))
OF_ABC(clip_to_bound, ad_clip(a, ad_add(b, 5), ad_add(c, 10)))
WAVE_X(to_float32_and_back, ad_astype(ad_astype(x, AD_F32), AD_F64))
WAVE_X(to_complex, ad_astype(x, AD_C128))
WAVE_X(to_real, ad_astype(ad_mul(ad_weak_complex(1 + 2i), x), AD_F64))

/* ---- reductions ---- */

WAVE_X(sum_first, ad_sum(x, .axis = 0))
WAVE_X(sum_last_kept, ad_sum(x, .axis = -1, .keepdims = true))
WAVE_X(sum_two, ad_sum(x, .axes = AD_AXES(-1, 0)))
WAVE_X(sum_in_float64, ad_sum(x, .dtype = AD_F64))
WAVE_X(mean_last, ad_mean(x, .axis = -1))
WAVE_X(mean_two_kept, ad_mean(x, .axes = AD_AXES(0, -1), .keepdims = true))
OF_X(prod_first, ad_prod(x, .axis = 0))
OF_X(prod_last_kept, ad_prod(x, .axis = -1, .keepdims = true))
OF_X(prod_two, ad_prod(x, .axes = AD_AXES(-1, 0)))
OF_X(var_first, ad_var(x, .axis = 0, .ddof = 1))
OF_X(var_last_kept, ad_var(x, .axis = -1, .keepdims = true))
OF_X(std_first, ad_std(x, .axis = 0, .ddof = 1))
OF_X(std_two, ad_std(x, .axes = AD_AXES(0, -1)))
WAVE_X(max_first, ad_max(x, .axis = 0))
WAVE_X(max_last_kept, ad_max(x, .axis = -1, .keepdims = true))
WAVE_X(max_two, ad_max(x, .axes = AD_AXES(-1, 0)))
WAVE_X(min_all, ad_min(x))
WAVE_X(min_last, ad_min(x, .axis = -1))
WAVE_X(min_two_kept, ad_min(x, .axes = AD_AXES(0, -1), .keepdims = true))
WAVE_X(ptp_last, ad_ptp(x, .axis = -1))
OF_X(argmax_last, ad_argmax(x, .axis = -1))
OF_X(argmin_first_kept, ad_argmin(x, .axis = 0, .keepdims = true))
OF_X(any_last, ad_any(x, .axis = -1))
OF_X(all_first_kept, ad_all(x, .axis = 0, .keepdims = true))

/* ---- running sums and products ---- */

WAVE_X(cumsum_flat, ad_cumsum(x))
WAVE_X(cumsum_first, ad_cumsum(x, .axis = 0))
WAVE_X(cumsum_last_back, ad_cumsum(x, .axis = -1, .reverse = true))
WAVE_X(cumsum_others, ad_cumsum(x, .axis = -1, .exclusive = true))
WAVE_X(cumsum_others_back, ad_cumsum(x, .axis = 0, .exclusive = true, .reverse = true))
OF_X(cumprod_first, ad_cumprod(x, .axis = 0))
OF_X(cumprod_last_back, ad_cumprod(x, .axis = -1, .reverse = true))
OF_X(cumprod_others, ad_cumprod(x, .axis = -1, .exclusive = true))
OF_AB(recurrence_first, ad_linear_recurrence(a, b, .axis = 0))
OF_AB(recurrence_back, ad_linear_recurrence(a, b, .reverse = true))

/* ---- along axes: logarithms of sums of exponentials, norms ---- */

OF_X(logsumexp_first, ad_logsumexp(x, .axis = 0))
OF_X(logsumexp_last_kept, ad_logsumexp(x, .axis = -1, .keepdims = true))
OF_X(logsumexp_two, ad_logsumexp(x, .axes = AD_AXES(-1, 0)))
OF_X(softmax_first, ad_softmax(x, .axis = 0))
OF_X(softmax_two, ad_softmax(x, .axes = AD_AXES(0, -1)))
OF_X(log_softmax_last, ad_log_softmax(x, .axis = -1))
OF_X(log_softmax_two, ad_log_softmax(x, .axes = AD_AXES(0, -1)))
OF_X(norm_last_kept, ad_linalg_norm(x, .axis = -1, .keepdims = true))
OF_X(norm_1, ad_linalg_norm(x, .axis = -1, .ord = 1))
OF_X(sum_of_norms, ad_sum(ad_square(ad_linalg_norm(x, .axis = -1))))
OF_X(norm_slope, ad_grad(sum_of_norms)(x))
OF_X(sum_of_stds, ad_sum(ad_square(ad_std(x, .axis = 0))))
OF_X(std_slope, ad_grad(sum_of_stds)(x))
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

/* ---- linear algebra ---- */

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
OF_X(hermitian_values, ad_linalg_eigvalsh(definite(x)))
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

/* ---- shapes ---- */

/* x's shape with an axis of length 2 in front. */
static ad_shape twofold(const ad_array *x)
{
    ad_shape shape = ad_shape_of(x), wide = { .ndim = shape.ndim + 1, .dim = { 2 } };
    for (int i = 0; i < shape.ndim; i++)
        wide.dim[i + 1] = shape.dim[i];
    return wide;
}

/* x's shape with the last axis of length 4. */
static ad_shape stretched(ad_array *x)
{
    ad_shape shape = ad_shape_of(x);
    shape.dim[shape.ndim - 1] = 4;
    return shape;
}

WAVE_X(reshape_flat, ad_reshape(x, AD_SHAPE(-1, 1)))
WAVE_X(reshape_fortran, ad_ravel(x, .order = "F"))
WAVE_X(reshape_transposed, ad_ravel(ad_transpose(x)))
WAVE_X(squeeze_expanded, ad_squeeze(ad_expand_dims(x, AD_AXES(0, -1)), .axis = 0))
WAVE_X(atleast_3d, ad_atleast_3d(x))
WAVE_X(broadcast_in_front, ad_broadcast_to(x, twofold(x)))
WAVE_X(broadcast_within, ad_swapaxes(ad_broadcast_to(ad_expand_dims(x, -1), stretched(ad_expand_dims(x, -1))), 0, -1))
WAVE_X(transpose_all, ad_transpose(x))
WAVE_X(transpose_two, ad_swapaxes(x, 0, -1))
WAVE_X(moveaxis, ad_moveaxis(ad_expand_dims(x, 0), 0, -1))
WAVE_X(flip_all, ad_flip(x))
WAVE_X(flip_last, ad_flip(x, .axis = -1))
WAVE_X(flip_two, ad_flip(x, .axes = AD_AXES(-1, 0)))
WAVE_X(rot90, ad_rot90(x, .axes = AD_AXES(-1, 0)))
WAVE_X(roll_flat, ad_roll(x, 2))
WAVE_X(roll_two, ad_roll(x, 0, .shifts = AD_SHAPE(1, -1), .axes = AD_AXES(0, -1)))
WAVE_X(tile, ad_tile(x, AD_SHAPE(2, 1, 3)))
WAVE_X(repeat_flat, ad_repeat(x, 2))
WAVE_X(repeat_first, ad_repeat(x, 3, .axis = 0))
WAVE_X(pad_constant, ad_pad(x, 2, .constant_values = 1))
WAVE_X(pad_edge, ad_pad(x, 2, .mode = "edge"))
WAVE_X(pad_symmetric, ad_pad(x, 3, .mode = "symmetric"))
WAVE_X(pad_reflect, ad_pad(x, 2, .mode = "reflect"))
WAVE_X(pad_wrap, ad_pad(x, 3, .mode = "wrap"))
WAVE_X(concatenate_last, ad_concatenate(ad_list_of(x, ad_square(x)), .axis = -1))
WAVE_AB(concatenate_flat, ad_concatenate(ad_list_of(a, b, a), .axis = AD_NO_AXIS))
WAVE_X(stack_last, ad_stack(ad_list_of(x, ad_square(x)), .axis = -1))
WAVE_X(vstack, ad_vstack(ad_list_of(x, ad_square(x))))
WAVE_X(hstack, ad_hstack(ad_list_of(x, ad_square(x))))
WAVE_X(concatenate_beside_integers, ad_concatenate(ad_list_of(ad_greater(ad_real(x), 0), x, ad_full(ad_shape_of(x), 3)), .axis = -1))
WAVE_X(stack_beside_integers, ad_stack(ad_list_of(ad_full(ad_shape_of(x), 3, .dtype = AD_U8), x, ad_less(ad_real(x), 1))))
WAVE_X(stack_beside_numbers, ad_stack(ad_list_of(3, ad_sum(x), 0, 2.5)))
WAVE_X(vstack_beside_integers, ad_vstack(ad_list_of(x, ad_full(ad_shape_of(x), 2, .dtype = AD_I32))))
WAVE_X(hstack_beside_integers, ad_hstack(ad_list_of(ad_full(ad_shape_of(x), 2), x)))
WAVE_X(split_last, ad_tree_get(ad_array_split(x, 2, .axis = -1), "0"))
WAVE_X(unstack_mapped, ad_stack(ad_tree_map(ad_square, ad_unstack(x))))
WAVE_X(flatten_beside_integers, ad_flatten(ad_tree_of("steps", 7, "x", x, "mask", ad_less(ad_real(x), 0))))
WAVE_X(flatten_tree, ad_flatten(ad_tree_of("a", x, "b", ad_list_of(ad_square(x), 2.0))))
OF_X(unflatten_tree, ad_tree_get(ad_unflatten(ad_tree_of("a", x, "b", ad_square(x)), ad_tile(ad_sin(ad_ravel(x)), AD_SHAPE(2))), "b"))

/* ---- making arrays from arrays ---- */

WAVE_X(full_of, ad_full(twofold(x), x))
WAVE_AB(linspace, ad_linspace(a, b, .num = 4))
WAVE_AB(linspace_open_last, ad_linspace(a, b, .num = 3, .endpoint = false, .axis = -1))
WAVE_AB(logspace, ad_logspace(a, b, .num = 3, .base = 2))
OF_ABC(logspace_of_bases, ad_sin(ad_logspace(a, b, .num = 3, .bases = c, .axis = -1)))
WAVE_AB(geomspace, ad_geomspace(a, b, .num = 4))
WAVE_AB(geomspace_open_last, ad_geomspace(ad_mul(-1.0, a), ad_mul(-1.0, b), .num = 3, .endpoint = false, .axis = -1))
WAVE_AB(meshgrid, ad_stack(ad_meshgrid(ad_list_of(a, b, ad_square(a)))))
WAVE_AB(meshgrid_by_rows_sparse, ad_flatten(ad_meshgrid(ad_list_of(a, b), .indexing = "ij", .sparse = true)))
WAVE_AB(broadcast_arrays, ad_stack(ad_broadcast_arrays(ad_list_of(a, b, 2.0))))
WAVE_X(asarray, ad_asarray(x, .dtype = AD_C128))
WAVE_X(tril, ad_tril(x))
WAVE_X(triu_above, ad_triu(x, .k = 1))
WAVE_X(diag_of_vector, ad_diag(ad_ravel(x), .k = -1))
WAVE_X(diag_of_matrix, ad_diag(ad_reshape(x, AD_SHAPE(ad_dim(x, 0), ad_size(x) / ad_dim(x, 0))), .k = 1))
WAVE_X(diagonal_last, ad_diagonal(x, .axis1 = -2, .axis2 = -1))
WAVE_X(diagonal_below, ad_diagonal(x, .offset = -1, .axis1 = -1, .axis2 = 0))
WAVE_X(make_diagonal_above, ad_make_diagonal(x, .offset = 1))
WAVE_X(make_diagonal_wide, ad_make_diagonal(x, .rows = ad_dim(x, -1), .columns = ad_dim(x, -1) + 2))
WAVE_X(copy, ad_copy(x))

/* ---- products ---- */

WAVE_AB(matmul_vector, ad_matmul(a, ad_at(b, "..., 0")))
WAVE_AB(vector_matmul, ad_matmul(ad_at(a, "..., 0, :"), b))
WAVE_AB(matmul_transposed, ad_matmul(ad_matrix_transpose(a), b))
WAVE_AB(tensordot_1, ad_tensordot(a, b, .axes = 1))
WAVE_AB(tensordot_lists, ad_tensordot(a, b, .a_axes = AD_AXES(-1, -2), .b_axes = AD_AXES(0, 1)))
WAVE_AB(matvec, ad_matvec(a, ad_at(b, "0")))
WAVE_AB(vecmat, ad_vecmat(ad_at(a, "..., 0"), b))
WAVE_AB(vdot_of_squares, ad_vdot(ad_square(a), ad_broadcast_to(b, ad_shape_of(a))))
WAVE_X(trace_first, ad_trace(x))
WAVE_X(trace_above, ad_trace(x, .offset = 1, .axis1 = -1, .axis2 = -2))
WAVE_AB(einsum_outer, ad_einsum("...i,...j->...ij", a, b))
WAVE_AB(einsum_inner, ad_einsum("...i,...i->...", a, b))
WAVE_AB(einsum_matmul, ad_einsum("...ij,...jk->...ik", a, b))
WAVE_X(einsum_diagonal, ad_einsum("...ii->...i", x))
WAVE_X(einsum_trace, ad_einsum("...ii", x))
WAVE_X(einsum_lost_letter, ad_einsum("...ij->...j", x))
OF_ABC(einsum_three, ad_sin(ad_einsum("...ij,...jk,...kl->...il", a, b, c)))

/* ---- indexing and sorting ---- */

static ad_array *places(void)
{
    return ad_from_data(AD_I64, (int64_t[]){ 0, -1, 0 }, AD_SHAPE(3));
}

static ad_array *cube_of_first(ad_array *x)
{
    return ad_pow(ad_at(x, "..., 0"), 3);
}

WAVE_X(slice_first, ad_slice_axis(x, 0, 0, 1, 1))
WAVE_X(at_backwards, ad_at(x, "..., ::-2"))
WAVE_X(at_integers, ad_at(x, "None, 0, ..., -1:"))
OF_X(embedded, ad_elementwise_grad(cube_of_first)(x))
WAVE_X(take_flat, ad_take(x, places()))
WAVE_X(take_last, ad_take(x, places(), .axis = -1))
WAVE_X(take_one, ad_take(x, -1, .axis = 0))
WAVE_X(take_pairs, ad_at_list(x, AD_INDICES(AD_PICK(places()), AD_REST, AD_PICK(places()))))
WAVE_X(put_add_twice, ad_put_add(x, places(), ad_cos(ad_take(x, places(), .axis = -1)), .axis = -1))
WAVE_AB(put_add_flat, ad_put_add(a, places(), ad_sum(b)))
WAVE_X(put_add_integers, ad_put_add(x, places(), ad_full(AD_SHAPE(3), 2)))
WAVE_X(put_set_twice, ad_put_set(x, places(), ad_cos(ad_take(x, places(), .axis = 0)), .axis = 0))
WAVE_AB(put_set_flat, ad_put_set(a, places(), ad_sum(b)))
WAVE_X(put_set_integers, ad_put_set(x, places(), ad_full(AD_SHAPE(3), 2)))
WAVE_AB(at_set_slice, ad_at_set(a, ad_sum(b), "..., :1"))
WAVE_AB(at_add_slice, ad_at_add(a, ad_sum(b), "..., -1"))
WAVE_AB(at_mul_all, ad_at_mul(a, ad_sum(b), "..."))
WAVE_AB(at_max_all, ad_at_max(a, b, "..."))
WAVE_X(sort_last, ad_sort(x))
WAVE_X(sort_first, ad_sort(x, .axis = 0))
WAVE_X(sort_flat, ad_sort(x, .axis = AD_NO_AXIS))

/* ---- Fourier transforms. ---- */

WAVE_X(fft_last, ad_fft_fft(x))
WAVE_X(fft_first_longer, ad_fft_fft(x, .n = 4, .axis = 0, .norm = "ortho"))
WAVE_X(ifft_last, ad_fft_ifft(x))
WAVE_X(ifft_shorter, ad_fft_ifft(x, .n = 1, .norm = "forward"))
WAVE_X(fft_all, ad_fft_fftn(x))
WAVE_X(ifft_all, ad_fft_ifftn(x, .norm = "ortho"))
WAVE_X(fft_two, ad_fft_fft2(x, .s = AD_SHAPE(2, 3)))
WAVE_X(ifft_two, ad_fft_ifft2(x, .axes = AD_AXES(-1, 0)))
WAVE_X(fft_twice, ad_fft_fftn(x, .axes = AD_AXES(0, 0)))
WAVE_X(rfft_even, ad_fft_rfft(x, .n = 4))
WAVE_X(rfft_odd_ortho, ad_fft_rfft(x, .n = 5, .axis = 0, .norm = "ortho"))
WAVE_X(irfft_even, ad_fft_irfft(x, .n = 4, .norm = "forward"))
WAVE_X(irfft_odd, ad_fft_irfft(x, .n = 3, .axis = 0))
WAVE_X(rfft_all, ad_fft_rfftn(x))
WAVE_X(irfft_all, ad_fft_irfftn(x, .s = AD_SHAPE(2, 5), .axes = AD_AXES(0, -1)))
WAVE_X(rfft_two, ad_fft_rfft2(x, .norm = "forward"))
WAVE_X(irfft_two, ad_fft_irfft2(x, .s = AD_SHAPE(3, 3)))
WAVE_X(hfft_odd, ad_fft_hfft(x, .n = 5))
WAVE_X(ihfft_last, ad_fft_ihfft(x, .norm = "ortho"))
WAVE_X(dct_last, ad_fft_dct(x))
WAVE_X(dct_3_first, ad_fft_dct(x, .type = 3, .axis = 0, .norm = "forward"))
WAVE_X(dct_ortho, ad_fft_dct(x, .n = 4, .norm = "ortho"))
WAVE_X(idct_last, ad_fft_idct(x))
WAVE_X(fft_shifted, ad_fft_fftshift(x, .axis = -1))
WAVE_X(fft_shifted_back, ad_fft_ifftshift(x))

static const struct row rows[] = {
    UNARY(neg, -2, 2, COMPLEX),
    UNARY(reciprocal, 0.5, 2, COMPLEX),
    UNARY(abs, 0.3, 2, COMPLEX),
    UNARY(sign, 0.3, 2, COMPLEX),
    UNARY(square, -2, 2, COMPLEX),
    UNARY(sqrt, 0.3, 2, COMPLEX),
    UNARY(cbrt, 0.3, 2, 0),
    UNARY(exp, -2, 2, COMPLEX),
    UNARY(exp2, -2, 2, COMPLEX),
    UNARY(expm1, -2, 2, COMPLEX),
    UNARY(log, 0.3, 3, COMPLEX),
    UNARY(log2, 0.3, 3, COMPLEX),
    UNARY(log10, 0.3, 3, COMPLEX),
    UNARY(log1p, -0.5, 3, COMPLEX),
    UNARY(sin, -2, 2, COMPLEX),
    UNARY(cos, -2, 2, COMPLEX),
    UNARY(tan, -1, 1, COMPLEX),
    UNARY(arcsin, -0.7, 0.7, COMPLEX),
    UNARY(arccos, -0.7, 0.7, COMPLEX),
    UNARY(arctan, -2, 2, COMPLEX),
    UNARY(sinh, -2, 2, COMPLEX),
    UNARY(cosh, -2, 2, COMPLEX),
    UNARY(tanh, -1, 1, COMPLEX),
    UNARY(arcsinh, -2, 2, COMPLEX),
    UNARY(arccosh, 1.3, 3, COMPLEX),
    UNARY(arctanh, -0.7, 0.7, COMPLEX),
    UNARY(sigmoid, -3, 3, 0),
    UNARY(log_sigmoid, -3, 3, 0),
    UNARY(softplus, -3, 3, 0),
    UNARY(relu, 0.1, 3, 0),
    UNARY(relu, -3, -0.1, 0),
    UNARY(erf, -2, 2, 0),
    UNARY(erfc, -2, 2, 0),
    UNARY(gammaln, 0.5, 4, 0),
    UNARY(digamma, 0.5, 4, 0),
    ONE("ad_polygamma", polygamma_1, 0.7, 4, 0),
    ONE("ad_cbrt_slope", cbrt_slope, 0.3, 2, 0),
    ONE("ad_sigmoid_slope", sigmoid_slope, -3, 3, 0),
    ONE("ad_sech_squared", tanh_slope, -1, 1, COMPLEX),
    ONE("ad_gaussian", erf_slope, -2, 2, 0),
    ONE("ad_arcsin_slope", arcsin_slope, -0.7, 0.7, COMPLEX),
    ONE("ad_arcsinh_slope", arcsinh_slope, -2, 2, COMPLEX),
    ONE("ad_arccosh_slope", arccosh_slope, 1.3, 3, COMPLEX),
    UNARY(real, -2, 2, COMPLEX),
    UNARY(imag, -2, 2, COMPLEX),
    UNARY(conj, -2, 2, COMPLEX),
    UNARY(angle, 0.3, 2, COMPLEX),
    UNARY(floor, -2, 2, CONSTANT),
    UNARY(ceil, -2, 2, CONSTANT),
    UNARY(trunc, -2, 2, CONSTANT),
    UNARY(rint, -2, 2, CONSTANT),
    UNARY(isnan, -2, 2, CONSTANT),
    UNARY(isinf, -2, 2, CONSTANT),
    UNARY(isfinite, -2, 2, CONSTANT),
    UNARY(logical_not, -2, 2, CONSTANT),

    BINARY(add, -2, 2, COMPLEX),
    BINARY(sub, -2, 2, COMPLEX),
    BINARY(mul, -2, 2, COMPLEX),
    BINARY(div, 0.5, 2, COMPLEX),
    BINARY(pow, 0.5, 2, COMPLEX),
    ONE("ad_integer_power", cube, -2, 2, COMPLEX),
    ONE("ad_integer_power", inverse_square, 0.5, 2, COMPLEX),
    BINARY(maximum, -2, 2, 0),
    BINARY(minimum, -2, 2, 0),
    TWO("ad_mod", mod_of_larger, 0.95, 1.05, 0),
    TWO("ad_mod", mod_of_negative, 0.95, 1.05, 0),
    TWO("ad_fmod", fmod_of_larger, 0.95, 1.05, 0),
    TWO("ad_fmod", fmod_of_negative, 0.95, 1.05, 0),
    BINARY(hypot, 0.3, 2, 0),
    BINARY(arctan2, 0.3, 2, 0),
    TWO("ad_direction", hypot_slope, 0.3, 2, 0),
    TWO("ad_power_slopes", pow_slope, 0.5, 2, COMPLEX),
    BINARY(logaddexp, -2, 2, 0),
    BINARY(zmul, 0.3, 2, COMPLEX),
    BINARY(zdiv, 0.5, 2, COMPLEX),
    BINARY(zzmul, 0.3, 2, COMPLEX),
    BINARY(floor_divide, 0.5, 2, CONSTANT),
    BINARY(equal, -2, 2, CONSTANT),
    BINARY(not_equal, -2, 2, CONSTANT),
    BINARY(less, -2, 2, CONSTANT),
    BINARY(less_equal, -2, 2, CONSTANT),
    BINARY(greater, -2, 2, CONSTANT),
    BINARY(greater_equal, -2, 2, CONSTANT),
    BINARY(logical_and, -2, 2, CONSTANT),
    BINARY(logical_or, -2, 2, CONSTANT),
    BINARY(logical_xor, -2, 2, CONSTANT),
    THREE("ad_where", where_positive, 0, 1, COMPLEX),
    THREE("ad_clip", clip_around, -2, 2, 0),
    THREE("ad_clip", clip_to_bound, -2, 2, 0),
    ONE("ad_astype", to_float32_and_back, -2, 2, ONLY_F32),
    ONE("ad_astype", to_complex, -2, 2, COMPLEX),
    ONE("ad_astype", to_real, -2, 2, COMPLEX),

    UNARY(sum, -2, 2, COMPLEX),
    ONE("ad_sum", sum_first, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_sum", sum_last_kept, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_sum", sum_two, -1, 1, COMPLEX | MATRIX),
    ONE("ad_sum", sum_in_float64, -1, 1, COMPLEX),
    UNARY(mean, -2, 2, COMPLEX | NO_EMPTY),
    ONE("ad_mean", mean_last, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_mean", mean_two_kept, -2, 2, COMPLEX | MATRIX | NO_EMPTY),
    UNARY(prod, -2, 2, COMPLEX),
    ONE("ad_prod", prod_first, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_prod", prod_last_kept, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_prod", prod_two, -2, 2, COMPLEX | MATRIX),
    UNARY(var, -2, 2, COMPLEX | NO_EMPTY),
    ONE("ad_var", var_first, -2, 2, COMPLEX | NO_SCALAR | NO_EMPTY),
    ONE("ad_var", var_last_kept, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_sum_of_squares", var_last_kept, -2, 2, NO_SCALAR),
    UNARY(std, -2, 2, COMPLEX | NO_EMPTY),
    ONE("ad_std", std_first, -2, 2, COMPLEX | NO_SCALAR | NO_EMPTY),
    ONE("ad_std", std_two, -2, 2, COMPLEX | MATRIX | NO_EMPTY),
    UNARY(max, -2, 2, COMPLEX | NO_EMPTY),
    ONE("ad_max", max_first, -2, 2, COMPLEX | NO_SCALAR | NO_EMPTY),
    ONE("ad_max", max_last_kept, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_max", max_two, -2, 2, COMPLEX | MATRIX | NO_EMPTY),
    ONE("ad_attains", max_last_kept, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_pick", max_last_kept, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_min", min_all, -2, 2, COMPLEX | NO_EMPTY),
    ONE("ad_min", min_last, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_min", min_two_kept, -2, 2, COMPLEX | MATRIX | NO_EMPTY),
    ONE("ad_ptp", ptp_last, -2, 2, COMPLEX | NO_SCALAR),
    UNARY(argmax, -2, 2, CONSTANT),
    ONE("ad_argmax", argmax_last, -2, 2, CONSTANT),
    UNARY(argmin, -2, 2, CONSTANT),
    ONE("ad_argmin", argmin_first_kept, -2, 2, CONSTANT),
    UNARY(any, -2, 2, CONSTANT),
    ONE("ad_any", any_last, -2, 2, CONSTANT),
    UNARY(all, -2, 2, CONSTANT),
    ONE("ad_all", all_first_kept, -2, 2, CONSTANT),

    ONE("ad_cumsum", cumsum_flat, -1, 1, COMPLEX),
    ONE("ad_cumsum", cumsum_first, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_cumsum", cumsum_last_back, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_shift", cumsum_others, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_shift", cumsum_others_back, -2, 2, COMPLEX | NO_SCALAR),
    UNARY(cumprod, -2, 2, COMPLEX),
    ONE("ad_cumprod", cumprod_first, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_cumprod", cumprod_last_back, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_shift", cumprod_others, -2, 2, COMPLEX | NO_SCALAR),
    BINARY(linear_recurrence, -2, 2, COMPLEX | NO_SCALAR),
    TWO("ad_linear_recurrence", recurrence_first, -2, 2, COMPLEX | NO_SCALAR),
    TWO("ad_linear_recurrence", recurrence_back, -2, 2, COMPLEX | NO_SCALAR),

    UNARY(logsumexp, -2, 2, COMPLEX | NO_EMPTY),
    ONE("ad_logsumexp", logsumexp_first, -2, 2, NO_SCALAR | NO_EMPTY),
    ONE("ad_logsumexp", logsumexp_last_kept, -2, 2, NO_SCALAR),
    ONE("ad_logsumexp", logsumexp_two, -2, 2, MATRIX | NO_EMPTY),
    UNARY(softmax, -2, 2, 0),
    ONE("ad_softmax", softmax_first, -2, 2, NO_SCALAR),
    ONE("ad_softmax", softmax_two, -2, 2, MATRIX),
    UNARY(log_softmax, -2, 2, 0),
    ONE("ad_log_softmax", log_softmax_last, -2, 2, NO_SCALAR),
    ONE("ad_log_softmax", log_softmax_two, -2, 2, MATRIX),
    UNARY(linalg_norm, 0.3, 2, COMPLEX),
    ONE("ad_linalg_norm", norm_last_kept, 0.3, 2, COMPLEX | NO_SCALAR),
    ONE("ad_norm_direction", norm_slope, 0.3, 2, COMPLEX | NO_SCALAR),
    ONE("ad_norm_direction", std_slope, -2, 2, NO_SCALAR | NO_EMPTY),
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
    ONE("ad_linalg_det", determinant, -2, 2, COMPLEX | SQUARE),
    ONE("ad_linalg_cofactors", determinant_slope, -2, 2, SQUARE),
    ONE("ad_linalg_cofactors_change", determinant_slope, -2, 2, SQUARE),
    ONE("ad_linalg_slogdet", log_determinant, -2, 2, COMPLEX | SQUARE),
    ONE("ad_linalg_slogdet_sign", sign_of_determinant, -2, 2, COMPLEX | SQUARE),
    ONE("ad_linalg_hermitian", hermitian_values, -2, 2, COMPLEX | SQUARE),
    ONE("ad_linalg_cholesky", cholesky_lower, -2, 2, COMPLEX | SQUARE),
    ONE("ad_linalg_eigh", hermitian_values, -2, 2, COMPLEX | SQUARE),
    ONE("ad_linalg_qr", triangular_qr, -2, 2, COMPLEX | SQUARE),
    ONE("ad_linalg_complement", completion, -2, 2, COMPLEX | SQUARE),
    ONE("ad_linalg_pinv", pseudo_inverse, -2, 2, COMPLEX | SQUARE),
    ONE("ad_linalg_expm", ad_linalg_expm, -1, 1, COMPLEX | SQUARE),

    ONE("ad_reshape", reshape_flat, -2, 2, COMPLEX),
    ONE("ad_reshape", reshape_fortran, -2, 2, COMPLEX),
    ONE("ad_reshape", reshape_transposed, -2, 2, COMPLEX),
    ONE("ad_squeeze", squeeze_expanded, -2, 2, COMPLEX),
    ONE("ad_atleast_3d", atleast_3d, -2, 2, COMPLEX),
    ONE("ad_broadcast_to", broadcast_in_front, -2, 2, COMPLEX),
    ONE("ad_broadcast_to", broadcast_within, -2, 2, COMPLEX),
    ONE("ad_transpose", transpose_all, -2, 2, COMPLEX),
    ONE("ad_transpose", transpose_two, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_moveaxis", moveaxis, -2, 2, COMPLEX),
    ONE("ad_name", under_a_name, -2, 2, COMPLEX),
    ONE("ad_flip", flip_all, -2, 2, COMPLEX),
    ONE("ad_flip", flip_last, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_flip", flip_two, -2, 2, COMPLEX | MATRIX),
    ONE("ad_rot90", rot90, -2, 2, COMPLEX | MATRIX),
    ONE("ad_roll", roll_flat, -2, 2, COMPLEX),
    ONE("ad_roll", roll_two, -2, 2, COMPLEX | MATRIX),
    ONE("ad_tile", tile, -2, 2, COMPLEX),
    ONE("ad_repeat", repeat_flat, -2, 2, COMPLEX),
    ONE("ad_repeat", repeat_first, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_pad", pad_constant, -2, 2, COMPLEX),
    ONE("ad_pad", pad_edge, -2, 2, COMPLEX | NO_EMPTY),
    ONE("ad_pad", pad_symmetric, -2, 2, COMPLEX | NO_EMPTY),
    ONE("ad_pad", pad_reflect, -2, 2, COMPLEX | NO_EMPTY),
    ONE("ad_pad", pad_wrap, -2, 2, COMPLEX | NO_EMPTY),
    ONE("ad_concatenate", concatenate_last, -2, 2, COMPLEX | NO_SCALAR),
    TWO("ad_concatenate", concatenate_flat, -2, 2, COMPLEX),
    ONE("ad_stack", stack_last, -2, 2, COMPLEX),
    ONE("ad_vstack", vstack, -2, 2, COMPLEX),
    ONE("ad_hstack", hstack, -2, 2, COMPLEX),
    ONE("ad_concatenate", concatenate_beside_integers, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_stack", stack_beside_integers, -2, 2, COMPLEX),
    ONE("ad_stack", stack_beside_numbers, -2, 2, COMPLEX),
    ONE("ad_vstack", vstack_beside_integers, -2, 2, COMPLEX),
    ONE("ad_hstack", hstack_beside_integers, -2, 2, COMPLEX),
    ONE("ad_split", split_last, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_unstack", unstack_mapped, -2, 2, COMPLEX | NO_SCALAR | NO_EMPTY),
    ONE("ad_flatten", flatten_beside_integers, -2, 2, COMPLEX),
    ONE("ad_flatten", flatten_tree, -2, 2, COMPLEX),
    ONE("ad_unflatten", unflatten_tree, -2, 2, COMPLEX),

    ONE("ad_full", full_of, -2, 2, COMPLEX),
    TWO("ad_linspace", linspace, -2, 2, COMPLEX),
    TWO("ad_linspace", linspace_open_last, -2, 2, COMPLEX),
    TWO("ad_logspace", logspace, -1, 1, COMPLEX),
    THREE("ad_logspace", logspace_of_bases, 0.5, 2, COMPLEX),
    TWO("ad_geomspace", geomspace, 0.5, 2, COMPLEX),
    TWO("ad_geomspace", geomspace_open_last, 0.5, 2, COMPLEX),
    TWO("ad_meshgrid", meshgrid, -2, 2, COMPLEX | NO_BOOL),
    TWO("ad_meshgrid", meshgrid_by_rows_sparse, -2, 2, COMPLEX),
    TWO("ad_broadcast_arrays", broadcast_arrays, -2, 2, COMPLEX),
    ONE("ad_asarray", asarray, -2, 2, COMPLEX),
    ONE("ad_tril", tril, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_triu", triu_above, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_diag", diag_of_vector, -2, 2, COMPLEX),
    ONE("ad_diag", diag_of_matrix, -2, 2, COMPLEX | SQUARE),
    ONE("ad_diagonal", diagonal_last, -2, 2, COMPLEX | MATRIX),
    ONE("ad_diagonal", diagonal_below, -2, 2, COMPLEX | MATRIX),
    ONE("ad_make_diagonal", make_diagonal_above, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_make_diagonal", make_diagonal_wide, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_copy", copy, -2, 2, COMPLEX),

    BINARY(matmul, -1, 1, COMPLEX | SQUARE),
    TWO("ad_matmul", matmul_vector, -1, 1, COMPLEX | SQUARE),
    TWO("ad_matmul", vector_matmul, -1, 1, COMPLEX | SQUARE),
    TWO("ad_matmul", matmul_transposed, -1, 1, COMPLEX | SQUARE),
    BINARY(dot, -1, 1, COMPLEX | SQUARE),
    BINARY(inner, -1, 1, COMPLEX | SQUARE),
    BINARY(outer, -1, 1, COMPLEX),
    BINARY(kron, -1, 1, COMPLEX),
    TWO("ad_tensordot", tensordot_1, -1, 1, COMPLEX | SQUARE),
    TWO("ad_tensordot", tensordot_lists, -1, 1, COMPLEX | SQUARE),
    TWO("ad_matvec", matvec, -1, 1, COMPLEX | SQUARE),
    TWO("ad_vecmat", vecmat, -1, 1, COMPLEX | SQUARE),
    BINARY(vecdot, -1, 1, COMPLEX | SQUARE),
    TWO("ad_vdot", vdot_of_squares, -1, 1, COMPLEX | SQUARE | NO_BOOL),
    ONE("ad_trace", trace_first, -2, 2, COMPLEX | MATRIX),
    ONE("ad_trace", trace_above, -2, 2, COMPLEX | MATRIX),
    TWO("ad_einsum", einsum_outer, -1, 1, COMPLEX | NO_SCALAR),
    TWO("ad_einsum", einsum_inner, -1, 1, COMPLEX | NO_SCALAR),
    TWO("ad_einsum", einsum_matmul, -1, 1, COMPLEX | SQUARE),
    ONE("ad_einsum", einsum_diagonal, -1, 1, COMPLEX | SQUARE),
    ONE("ad_einsum", einsum_trace, -1, 1, COMPLEX | SQUARE),
    ONE("ad_einsum", einsum_lost_letter, -1, 1, COMPLEX | MATRIX),
    THREE("ad_einsum", einsum_three, -1, 1, COMPLEX | SQUARE),

    ONE("ad_at", slice_first, -2, 2, COMPLEX | NO_SCALAR | NO_EMPTY),
    ONE("ad_at", at_backwards, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_at", at_integers, -2, 2, COMPLEX | MATRIX | NO_EMPTY),
    ONE("ad_at", embedded, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_take", take_flat, -2, 2, COMPLEX | NO_EMPTY),
    ONE("ad_take", take_last, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_take", take_one, -2, 2, COMPLEX | NO_SCALAR | NO_EMPTY),
    ONE("ad_take", take_pairs, -2, 2, COMPLEX | MATRIX | NO_EMPTY),
    ONE("ad_put_add", put_add_twice, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_put_add", put_add_integers, -2, 2, COMPLEX | NO_EMPTY),
    TWO("ad_put_add", put_add_flat, -1, 1, COMPLEX | DTYPE_OF_FIRST | NO_EMPTY),
    ONE("ad_put_set", put_set_twice, -2, 2, COMPLEX | NO_SCALAR | NO_EMPTY),
    ONE("ad_put_set", put_set_integers, -2, 2, COMPLEX | NO_EMPTY),
    TWO("ad_put_set", put_set_flat, -1, 1, COMPLEX | DTYPE_OF_FIRST | NO_EMPTY),
    TWO("ad_at_set", at_set_slice, -1, 1, COMPLEX | DTYPE_OF_FIRST | NO_SCALAR),
    TWO("ad_at_add", at_add_slice, -1, 1, COMPLEX | DTYPE_OF_FIRST | NO_SCALAR),
    TWO("ad_at_mul", at_mul_all, -1, 1, COMPLEX | DTYPE_OF_FIRST),
    TWO("ad_at_max", at_max_all, -2, 2, SQUARE),
    UNARY(argsort, -2, 2, CONSTANT),
    ONE("ad_sort", sort_last, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_sort_with_places", sort_last, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_sort", sort_first, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_sort", sort_flat, -2, 2, COMPLEX),

    ONE("ad_fft_fft", fft_last, -1, 1, COMPLEX | NO_SCALAR),
    ONE("ad_fft_fft", fft_first_longer, -1, 1, COMPLEX | NO_SCALAR),
    ONE("ad_fft_fft", fft_all, -0.5, 0.5, COMPLEX | NO_EMPTY),
    ONE("ad_fft_fft", fft_two, -0.5, 0.5, COMPLEX | MATRIX),
    ONE("ad_fft_fft", fft_twice, -0.5, 0.5, COMPLEX | NO_SCALAR | NO_EMPTY),
    ONE("ad_fft_ifft", ifft_last, -1, 1, COMPLEX | NO_SCALAR),
    ONE("ad_fft_ifft", ifft_shorter, -1, 1, COMPLEX | NO_SCALAR),
    ONE("ad_fft_ifft", ifft_all, -1, 1, COMPLEX | NO_EMPTY),
    ONE("ad_fft_ifft", ifft_two, -1, 1, COMPLEX | MATRIX | NO_EMPTY),
    ONE("ad_fft_rfft", rfft_even, -1, 1, NO_SCALAR),
    ONE("ad_fft_rfft", rfft_odd_ortho, -1, 1, NO_SCALAR),
    ONE("ad_fft_rfft", rfft_all, -0.5, 0.5, NO_SCALAR | NO_EMPTY),
    ONE("ad_fft_rfft", rfft_two, -1, 1, MATRIX | NO_EMPTY),
    ONE("ad_fft_rfft", ihfft_last, -1, 1, NO_SCALAR),
    ONE("ad_fft_irfft", irfft_even, -1, 1, COMPLEX | NO_SCALAR),
    ONE("ad_fft_irfft", irfft_odd, -1, 1, COMPLEX | NO_SCALAR),
    ONE("ad_fft_irfft", irfft_all, -1, 1, COMPLEX | MATRIX),
    ONE("ad_fft_irfft", irfft_two, -1, 1, COMPLEX | MATRIX),
    ONE("ad_fft_irfft", hfft_odd, -1, 1, COMPLEX | NO_SCALAR),
    ONE("ad_fft_dct", dct_last, -1, 1, NO_SCALAR),
    ONE("ad_fft_dct", dct_3_first, -1, 1, NO_SCALAR | NO_EMPTY),
    ONE("ad_fft_dct", dct_ortho, -1, 1, NO_SCALAR),
    ONE("ad_fft_dct", idct_last, -1, 1, NO_SCALAR),
    ONE("ad_fft_fftshift", fft_shifted, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_fft_ifftshift", fft_shifted_back, -2, 2, COMPLEX),
};
