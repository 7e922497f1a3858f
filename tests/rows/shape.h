/* Rows for ad/shape.h. row.h says what a row is and how one is added. */
#include "row.h"

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
WAVE_X(repeat_as_an_array_says, ad_repeat(x, ad_from_data(AD_I64, (int64_t[]){ 2 }, AD_SHAPE(1)), .axis = 0))
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

static const struct row shape_rows[] = {
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
    ONE("ad_flip", flip_all, -2, 2, COMPLEX),
    ONE("ad_flip", flip_last, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_flip", flip_two, -2, 2, COMPLEX | MATRIX),
    ONE("ad_rot90", rot90, -2, 2, COMPLEX | MATRIX),
    ONE("ad_roll", roll_flat, -2, 2, COMPLEX),
    ONE("ad_roll", roll_two, -2, 2, COMPLEX | MATRIX),
    ONE("ad_tile", tile, -2, 2, COMPLEX),
    ONE("ad_repeat", repeat_flat, -2, 2, COMPLEX),
    ONE("ad_repeat", repeat_first, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_repeat_places", repeat_as_an_array_says, -2, 2, COMPLEX | NO_SCALAR),
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
};
