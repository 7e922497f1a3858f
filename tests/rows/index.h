/* Rows for ad/index.h. row.h says what a row is and how one is added. */
#include "row.h"

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
OF_AB(at_mul_again, ad_at_mul_list(a, ad_sum(b), AD_INDICES(AD_PICK(places()))))
OF_X(at_mul_by_its_sum, ad_at_mul_list(x, ad_cos(ad_sum(x)), AD_INDICES(AD_PICK(places()))))
OF_X(at_mul_slope, ad_elementwise_grad(at_mul_by_its_sum)(x))
OF_AB(at_max_again, ad_at_max_list(a, ad_stack(ad_list_of(ad_sum(b), 0.25, -3), .axis = -1), AD_INDICES(AD_REST, AD_PICK(places()))))
OF_AB(at_min_again, ad_at_min_list(a, ad_stack(ad_list_of(ad_sum(b), -0.25, 3), .axis = -1), AD_INDICES(AD_REST, AD_PICK(places()))))
WAVE_X(take_along, ad_take_along_axis(x, ad_argsort(x), -1))
OF_X(of_places_that_are_true, ad_flatnonzero(ad_greater(x, 0)))
OF_X(of_classes, ad_one_hot(ad_argsort(x, .axis = AD_NO_AXIS), 100))

static const struct row index_rows[] = {
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
    ONE("ad_take_last", put_set_twice, -2, 2, COMPLEX | NO_SCALAR | NO_EMPTY),
    ONE("ad_places_within", take_pairs, -2, 2, COMPLEX | MATRIX | NO_EMPTY),
    ONE("ad_flat_places", take_along, -2, 2, COMPLEX | NO_SCALAR),
    TWO("ad_put_mul", at_mul_again, 0.3, 1, COMPLEX | DTYPE_OF_FIRST | NO_SCALAR | NO_EMPTY),
    TWO("ad_before_mul", at_mul_again, 0.3, 1, COMPLEX | DTYPE_OF_FIRST | NO_SCALAR | NO_EMPTY),
    TWO("ad_put_zzmul", at_mul_again, 0.3, 1, COMPLEX | DTYPE_OF_FIRST | NO_SCALAR | NO_EMPTY),
    TWO("ad_before_zzmul", at_mul_again, 0.3, 1, COMPLEX | DTYPE_OF_FIRST | NO_SCALAR | NO_EMPTY),
    TWO("ad_put_recurrence", at_mul_again, 0.3, 1, COMPLEX | DTYPE_OF_FIRST | NO_SCALAR | NO_EMPTY),
    ONE("ad_before_recurrence", at_mul_slope, 0.3, 1, COMPLEX | NO_SCALAR | NO_EMPTY),
    TWO("ad_put_max", at_max_again, 1, 2, DTYPE_OF_FIRST | NO_SCALAR | NO_EMPTY),
    TWO("ad_slope_max", at_max_again, 1, 2, DTYPE_OF_FIRST | NO_SCALAR | NO_EMPTY),
    TWO("ad_put_min", at_min_again, 1, 2, DTYPE_OF_FIRST | NO_SCALAR | NO_EMPTY),
    TWO("ad_slope_min", at_min_again, 1, 2, DTYPE_OF_FIRST | NO_SCALAR | NO_EMPTY),
    ONE("ad_flatnonzero", of_places_that_are_true, -2, 2, CONSTANT | SHAPED_BY_DATA),
    ONE("ad_one_hot", of_classes, -2, 2, CONSTANT),
};
