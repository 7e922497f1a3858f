/* Rows for ad/reduce.h: reductions, running sums and products. row.h says what a row is and how one is added. */
#include "row.h"

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
OF_X(max_of_many, ad_max(ad_mul(ad_expand_dims(x, -1), ad_linspace(0.5, 2, .num = 40)), .axis = -1))
WAVE_X(max_two, ad_max(x, .axes = AD_AXES(-1, 0)))
WAVE_X(min_all, ad_min(x))
WAVE_X(min_last, ad_min(x, .axis = -1))
WAVE_X(min_two_kept, ad_min(x, .axes = AD_AXES(0, -1), .keepdims = true))
WAVE_X(ptp_last, ad_ptp(x, .axis = -1))
OF_X(argmax_last, ad_argmax(x, .axis = -1))
OF_X(argmin_first_kept, ad_argmin(x, .axis = 0, .keepdims = true))
OF_X(any_last, ad_any(x, .axis = -1))
OF_X(all_first_kept, ad_all(x, .axis = 0, .keepdims = true))
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
OF_X(sum_of_stds, ad_sum(ad_square(ad_std(x, .axis = 0))))
OF_X(std_slope, ad_grad(sum_of_stds)(x))

OF_X(integers_from, ad_sum(ad_astype(x, AD_I32), .initial = ad_sum(x)))

static const struct row reduce_rows[] = {
    ONE("ad_initial", integers_from, -2, 2, CONSTANT),
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
    ONE("ad_attained", max_of_many, 0.5, 2, COMPLEX),
    ONE("ad_min", min_all, -2, 2, COMPLEX | NO_EMPTY),
    ONE("ad_min", min_last, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_min", min_two_kept, -2, 2, COMPLEX | MATRIX | NO_EMPTY),
    ONE("ad_ptp", ptp_last, -2, 2, COMPLEX | NO_SCALAR),
    UNARY(argmax, -2, 2, CONSTANT | NO_EMPTY),
    ONE("ad_argmax", argmax_last, -2, 2, CONSTANT | NO_EMPTY),
    UNARY(argmin, -2, 2, CONSTANT | NO_EMPTY),
    ONE("ad_argmin", argmin_first_kept, -2, 2, CONSTANT | NO_EMPTY),
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
    ONE("ad_norm_direction", std_slope, -2, 2, NO_SCALAR | NO_EMPTY),
};
