/* Rows for ad/product.h. row.h says what a row is and how one is added. */
#include "row.h"

WAVE_AB(matmul_vector, ad_matmul(a, ad_at(b, "..., 0")))
WAVE_AB(vector_matmul, ad_matmul(ad_at(a, "..., 0, :"), b))
WAVE_AB(matmul_transposed, ad_matmul(ad_matrix_transpose(a), b))
WAVE_AB(tensordot_1, ad_tensordot(a, b, .axes = 1))
WAVE_AB(tensordot_lists, ad_tensordot(a, b, .a_axes = AD_AXES(-1, -2), .b_axes = AD_AXES(0, 1)))
WAVE_AB(matvec, ad_matvec(a, ad_at(b, "0")))
WAVE_AB(vecmat, ad_vecmat(ad_at(a, "..., 0"), b))
WAVE_AB(vdot_of_squares, ad_vdot(ad_square(a), ad_broadcast_to(b, ad_shape_of(a))))

/* a and b repeated along a last axis of length 3 or 2, each component with a factor of its own. */
static ad_array *vectors_of(ad_array *x, int64_t length)
{
    return ad_mul(ad_expand_dims(x, -1), ad_at(VECTOR(1, -2, 0.5), ":%lld", (long long)length));
}

WAVE_AB(cross_of_three, ad_cross(ad_cos(vectors_of(a, 3)), vectors_of(b, 3)))
WAVE_AB(cross_of_two, ad_cross(ad_cos(vectors_of(a, 2)), vectors_of(b, 2)))
WAVE_AB(cross_of_two_and_three, ad_cross(ad_cos(vectors_of(a, 2)), vectors_of(b, 3), .axisc = 0))
WAVE_AB(cross_of_three_and_two, ad_cross(ad_cos(vectors_of(a, 3)), vectors_of(b, 2)))
WAVE_X(trace_first, ad_trace(x))
WAVE_X(trace_above, ad_trace(x, .offset = 1, .axis1 = -1, .axis2 = -2))
WAVE_AB(einsum_outer, ad_einsum("...i,...j->...ij", a, b))
WAVE_AB(einsum_inner, ad_einsum("...i,...i->...", a, b))
WAVE_AB(einsum_matmul, ad_einsum("...ij,...jk->...ik", a, b))
WAVE_X(einsum_diagonal, ad_einsum("...ii->...i", x))
WAVE_X(einsum_trace, ad_einsum("...ii", x))
WAVE_X(einsum_lost_letter, ad_einsum("...ij->...j", x))
OF_ABC(einsum_three, ad_sin(ad_einsum("...ij,...jk,...kl->...il", a, b, c)))

static const struct row product_rows[] = {
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
    TWO("ad_cross", cross_of_three, -2, 2, COMPLEX),
    TWO("ad_cross", cross_of_two, -2, 2, COMPLEX),
    TWO("ad_cross", cross_of_two_and_three, -2, 2, COMPLEX),
    TWO("ad_cross", cross_of_three_and_two, -2, 2, COMPLEX),
    ONE("ad_trace", trace_first, -2, 2, COMPLEX | MATRIX),
    ONE("ad_trace", trace_above, -2, 2, COMPLEX | MATRIX),
    TWO("ad_einsum", einsum_outer, -1, 1, COMPLEX | NO_SCALAR),
    TWO("ad_einsum", einsum_inner, -1, 1, COMPLEX | NO_SCALAR),
    TWO("ad_einsum", einsum_matmul, -1, 1, COMPLEX | SQUARE),
    ONE("ad_einsum", einsum_diagonal, -1, 1, COMPLEX | SQUARE),
    ONE("ad_einsum", einsum_trace, -1, 1, COMPLEX | SQUARE),
    ONE("ad_einsum", einsum_lost_letter, -1, 1, COMPLEX | MATRIX),
    THREE("ad_einsum", einsum_three, -1, 1, COMPLEX | SQUARE),
};
