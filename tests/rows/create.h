/* Rows for ad/create.h: arrays made from arrays, other dtypes. row.h says what a row is and how one is added. */
#include "row.h"

WAVE_X(to_float32_and_back, ad_astype(ad_astype(x, AD_F32), AD_F64))
WAVE_X(to_complex, ad_astype(x, AD_C128))
WAVE_X(to_real, ad_astype(ad_mul(ad_weak_complex(1 + 2i), x), AD_F64))
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

static const struct row create_rows[] = {
    ONE("ad_astype", to_float32_and_back, -2, 2, ONLY_F32),
    ONE("ad_astype", to_complex, -2, 2, COMPLEX),
    ONE("ad_astype", to_real, -2, 2, COMPLEX),
    ONE("ad_full", full_of, -2, 2, COMPLEX),
    TWO("ad_linspace", linspace, -2, 2, COMPLEX),
    TWO("ad_equal_steps", linspace, -2, 2, COMPLEX),
    TWO("ad_linspace", linspace_open_last, -2, 2, COMPLEX),
    TWO("ad_logspace", logspace, -1, 1, COMPLEX),
    THREE("ad_logspace", logspace_of_bases, 0.5, 2, COMPLEX),
    TWO("ad_geomspace", geomspace, 0.5, 2, COMPLEX),
    TWO("ad_without_zero", geomspace, 0.5, 2, COMPLEX),
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
};
