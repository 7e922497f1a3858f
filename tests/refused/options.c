/* Options are named. Each marked line is refused with these words; see tests/ci/refused.sh. */
#include <ad-nn/nn.h>
#include <ad/ad.h>

extern ad_array *x;
extern ad_tree *t;
extern ad_key key;
void options(void);

/* refused in this file: options.are.named */
void options(void)
{
    ad_sum(x, 0); /* refused */
    ad_sum(x, 1, .keepdims = true); /* refused */
    ad_sum(x, -1); /* refused */
    ad_sum(x, AD_NO_AXIS); /* refused */
    ad_sum(x, (0)); /* refused */
    ad_mean(x, 0); /* refused */
    ad_prod(x, 1); /* refused */
    ad_var(x, 0); /* refused */
    ad_std(x, 1); /* refused */
    ad_max(x, 1); /* refused */
    ad_min(x, 1); /* refused */
    ad_ptp(x, 1); /* refused */
    ad_argmax(x, 1); /* refused */
    ad_argmin(x, 1); /* refused */
    ad_any(x, 0); /* refused */
    ad_all(x, 0); /* refused */
    ad_cumsum(x, 1); /* refused */
    ad_cumprod(x, 1); /* refused */
    ad_linear_recurrence(x, x, 0); /* refused */
    ad_logsumexp(x, 1); /* refused */
    ad_softmax(x, 0); /* refused */
    ad_log_softmax(x, 0); /* refused */
    ad_sort(x, 0); /* refused */
    ad_argsort(x, 0); /* refused */
    ad_partition(x, 1, 0); /* refused */
    ad_argpartition(x, 1, 0); /* refused */
    ad_angle(x, true); /* refused */
    ad_real_if_close(x, 1000); /* refused */
    ad_linalg_norm(x, 1); /* refused */
    ad_linalg_vector_norm(x, 1); /* refused */
    ad_linalg_matrix_norm(x, 1); /* refused */
    ad_linalg_cho_factor(x, true); /* refused */
    ad_linalg_tensorsolve(x, x, AD_AXES(0)); /* refused */
    ad_linalg_cross(x, x, 0); /* refused */
    ad_linalg_diagonal(x, 1); /* refused */
    ad_linalg_trace(x, 1); /* refused */
    ad_linalg_toeplitz(x, x); /* refused */
    ad_cross(x, x, 0); /* refused */
    ad_fft_fft(x, 4); /* refused */
    ad_fft_ifft(x, 4); /* refused */
    ad_fft_rfft(x, 4); /* refused */
    ad_fft_irfft(x, 4); /* refused */
    ad_fft_hfft(x, 4); /* refused */
    ad_fft_ihfft(x, 4); /* refused */
    ad_fft_fftn(x, AD_SHAPE(2)); /* refused */
    ad_fft_ifftn(x, AD_SHAPE(2)); /* refused */
    ad_fft_fft2(x, AD_SHAPE(2)); /* refused */
    ad_fft_ifft2(x, AD_SHAPE(2)); /* refused */
    ad_fft_rfftn(x, AD_SHAPE(2)); /* refused */
    ad_fft_irfftn(x, AD_SHAPE(2)); /* refused */
    ad_fft_rfft2(x, AD_SHAPE(2)); /* refused */
    ad_fft_irfft2(x, AD_SHAPE(2)); /* refused */
    ad_fft_dct(x, 2); /* refused */
    ad_fft_idct(x, 2); /* refused */
    ad_fft_fftshift(x, 0); /* refused */
    ad_fft_ifftshift(x, 0); /* refused */
    ad_fft_fftfreq(4, 0.1); /* refused */
    ad_fft_rfftfreq(4, 0.1); /* refused */
    ad_linalg_solve(x, x, "pos"); /* refused */
    ad_linalg_solve_triangular(x, x, 1); /* refused */
    ad_linalg_cholesky(x, true); /* refused */
    ad_linalg_cho_solve(x, x, true); /* refused */
    ad_linalg_eigh(x, "L"); /* refused */
    ad_linalg_eigvalsh(x, "L"); /* refused */
    ad_linalg_qr(x, "r"); /* refused */
    ad_linalg_svd(x, false); /* refused */
    ad_linalg_pinv(x, 1e-8); /* refused */
    ad_linalg_matrix_rank(x, 1e-8); /* refused */
    ad_linalg_lstsq(x, x, 1e-8); /* refused */
    ad_linalg_cond(x, 1); /* refused */
    ad_linalg_tensorinv(x, 2); /* refused */
    ad_vecdot(x, x, 0); /* refused */
    ad_tensordot(x, x, 1); /* refused */
    ad_trace(x, 1); /* refused */
    ad_zeros(AD_SHAPE(2), AD_F32); /* refused */
    ad_ones(AD_SHAPE(2), AD_F32); /* refused */
    ad_empty(AD_SHAPE(2), AD_F32); /* refused */
    ad_full(AD_SHAPE(2), 3, AD_I64); /* refused */
    ad_zeros_like(x, AD_F32); /* refused */
    ad_ones_like(x, AD_F32); /* refused */
    ad_empty_like(x, AD_F32); /* refused */
    ad_full_like(x, 3, AD_F32); /* refused */
    ad_asarray(x, AD_F32); /* refused */
    ad_eye(2, 3); /* refused */
    ad_identity(2, AD_F32); /* refused */
    ad_tri(2, 3); /* refused */
    ad_linspace(0, 1, 5); /* refused */
    ad_geomspace(1, 2, 5); /* refused */
    ad_logspace(0, 1, 5); /* refused */
    ad_meshgrid(t, "ij"); /* refused */
    ad_indices(AD_SHAPE(2), AD_I32); /* refused */
    ad_tril_indices(3, 1); /* refused */
    ad_triu_indices(3, 1); /* refused */
    ad_diag_indices(3, 2); /* refused */
    ad_tril(x, 1); /* refused */
    ad_triu(x, 1); /* refused */
    ad_diag(x, 1); /* refused */
    ad_diagonal(x, 1); /* refused */
    ad_make_diagonal(x, 1); /* refused */
    ad_reshape(x, AD_SHAPE(2), "F"); /* refused */
    ad_ravel(x, "F"); /* refused */
    ad_squeeze(x, 0); /* refused */
    ad_transpose(x, 1); /* refused */
    ad_transpose(x, 1, 0); /* refused */
    ad_permute_dims(x, 1); /* refused */
    ad_flip(x, 0); /* refused */
    ad_rot90(x, 2); /* refused */
    ad_roll(x, 1, 0); /* refused */
    ad_repeat(x, 2, 0); /* refused */
    ad_pad(x, 1, "edge"); /* refused */
    ad_concatenate(t, 1); /* refused */
    ad_stack(t, 1); /* refused */
    ad_split(x, 2, 1); /* refused */
    ad_array_split(x, 2, 1); /* refused */
    ad_unstack(x, 1); /* refused */
    ad_take(x, 1, 0); /* refused */
    ad_compress(x, x, 0); /* refused */
    ad_put_add(x, 1, x, 0); /* refused */
    ad_put_set(x, 1, x, 0); /* refused */
    ad_one_hot(x, 3, AD_F32); /* refused */
    ad_random_uniform(key, AD_SHAPE(2), 0.5); /* refused */
    ad_random_normal(key, AD_SHAPE(2), 100.0); /* refused */
    ad_random_choice(key, 5, AD_SHAPE(2), false); /* refused */
    adnn_dense(50, ADNN_HE); /* refused */
    adnn_softmax_cross_entropy(x, x, ADNN_SUM); /* refused */
    adnn_mean_squared_error(x, x, ADNN_NONE); /* refused */
    adnn_adam(1e-3); /* refused */
    adnn_sgd(0.1); /* refused */
    adnn_rmsprop(1e-2); /* refused */
    adnn_adamw(1e-3); /* refused */
    adnn_adagrad(1e-2); /* refused */

    /* Named, and what has a place of its own. */
    ad_sum(x, .axis = 0);
    ad_sum(x, .axes = AD_AXES(0, -1), .keepdims = true);
    ad_sum(x, .axes = (ad_axes){ .count = 1, .axis = { 0 } });
    ad_sum(ad_mul(x, ad_sum(x, .axis = 0)), .where = ad_greater(x, 0), .axis = 1);
    ad_transpose(x, .axes = AD_AXES(1, 0));
    ad_linspace(0, 1, .num = 5);
    ad_pad(x, 0, .widths = AD_WIDTHS({ 1, 2 }, { 0, 3 }));
    ad_one_hot(x, 3);
    ad_random_normal(key, AD_SHAPE(2), .loc = 100.0);
    ad_check_grads(ad_sum, x, .order = 1, .numbers = { 3, 0.5 });
    adnn_dense(50, .init = ADNN_HE);
    adnn_softmax_cross_entropy(x, x);
    adnn_mean_squared_error(x, x, .reduction = ADNN_SUM);
    adnn_adam();
    adnn_adam(.step_size = 1e-2);
}
