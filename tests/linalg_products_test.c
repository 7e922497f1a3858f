/* The products of linear algebra, norms by the array API's names, and matrices laid out of parts: NumPy 2.4's and SciPy
 * 1.17's figures, bad input, derivatives. */
#include "testing.h"
#include <complex.h>

static ad_array *matrix(void)
{
    return ad_from((double[]){ 1, 2, 3, -1, 0.5, 4 }, AD_SHAPE(2, 3));
}

static ad_array *vector(void)
{
    return VECTOR(2, -3, 0.5);
}

static ad_array *whole(ad_shape shape)
{
    return ad_reshape(ad_arange(ad_shape_size(shape)), shape);
}

#define assert_shape(x, shape) ck_assert_msg(ad_shape_equal(ad_shape_of(x), shape), "%s: %s", #x, ad_error_message())

static ad_array *complex_vector(ad_complex a, ad_complex b, ad_complex c)
{
    return ad_from_data(AD_C128, (ad_complex[]){ a, b, c }, AD_SHAPE(3));
}

/* ---- cross products ---- */

START_TEST(cross_products_are_those_of_numpy)
{
    AD_SCOPE;
    ad_array *a = matrix(), *b = vector(), *flat = ad_at(a, ":, :2");
    assert_array(ad_cross(a, b), AD_SHAPE(2, 3), 0, 10, 5.5, -7, 12.25, 8.5, 2);
    assert_array((ad_cross)(a, b), AD_SHAPE(2, 3), 0, 10, 5.5, -7, 12.25, 8.5, 2);
    assert_array(ad_cross(a, b, .axisc = 0), AD_SHAPE(3, 2), 0, 10, 12.25, 5.5, 8.5, -7, 2);
    assert_array(ad_cross(ad_transpose(a), b, .axisa = 0), AD_SHAPE(2, 3), 0, 10, 5.5, -7, 12.25, 8.5, 2);
    assert_array(ad_cross(b, ad_transpose(a), .axisb = -2), AD_SHAPE(2, 3), 0, -10, -5.5, 7, -12.25, -8.5, -2);
    assert_array(ad_cross(whole(AD_SHAPE(3, 1)), whole(AD_SHAPE(3, 1)), .axis = 0), AD_SHAPE(3, 1), 0, 0, 0, 0);
    assert_array(ad_cross(flat, ad_at(b, ":2")), AD_SHAPE(2), 0, -7, 2);
    assert_array(ad_cross(flat, b), AD_SHAPE(2, 3), 0, 1, -0.5, -7, 0.25, 0.5, 2);
    assert_array(ad_cross(b, ad_at(flat, "0")), AD_SHAPE(3), 0, -1, 0.5, 7);
    assert_array(ad_cross(ad_at(flat, "0"), ad_at(b, ":2"), .axisc = 7), AD_SCALAR_SHAPE, 0, -7); /* there is no axis to be placed */
    ad_array *z = ad_cross(complex_vector(1 + 2i, 0, 3), complex_vector(0, 1i, 2));
    assert_array(ad_real(z), AD_SHAPE(3), 0, 0, -2, -2);
    assert_array(ad_imag(z), AD_SHAPE(3), 0, -3, -4, 1);
    ad_array *bytes = ad_cross(ad_astype(VECTOR(1, 2, 3), AD_U8), ad_astype(VECTOR(3, 2, 1), AD_U8));
    assert_array(bytes, AD_SHAPE(3), 0, 252, 8, 252);
    ck_assert_int_eq(ad_dtype_of(bytes), AD_U8);
    ck_assert_int_eq(ad_dtype_of(ad_cross(ad_astype(b, AD_F32), ad_astype(VECTOR(0, 1, 1), AD_BOOL))), AD_F32);
    assert_shape(ad_cross(ad_ones(AD_SHAPE(2, 1, 3)), whole(AD_SHAPE(4, 3))), AD_SHAPE(2, 4, 3));
    assert_shape(ad_cross(ad_ones(AD_SHAPE(0, 3)), b), AD_SHAPE(0, 3));
    assert_array(ad_cross(ad_at(VECTOR(7, 3, 7, 2, 7, 1), "::-2"), ad_flip(VECTOR(1, 2, 3))), AD_SHAPE(3), 0, -4, 8, -4);
}
END_TEST

START_TEST(nothing_is_multiplied_by_a_component_that_is_not_there)
{
    AD_SCOPE;
    assert_array(ad_cross(VECTOR(INFINITY, 1), VECTOR(1, 1, 0.5)), AD_SHAPE(3), 0, 0.5, -INFINITY, INFINITY);
    assert_array(ad_cross(VECTOR(1, 1, 0.5), VECTOR(INFINITY, 1)), AD_SHAPE(3), 0, -0.5, INFINITY, -INFINITY);
}
END_TEST

START_TEST(cross_products_refuse_what_has_none)
{
    AD_SCOPE;
    ad_array *b = vector(), *bools = ad_astype(b, AD_BOOL);
    assert_fails(ad_cross(VECTOR(1, 2, 3, 4), b), AD_ERROR_SHAPE, "ad_cross: vectors of length 4, along axis 0 of an operand of shape (4,)");
    assert_fails(ad_cross(b, 3), AD_ERROR_AXIS, "ad_cross: ");
    assert_fails(ad_cross(b, b, .axisa = 1), AD_ERROR_AXIS, "ad_cross: ");
    assert_fails(ad_cross(b, b, .axisc = 1), AD_ERROR_AXIS, "axis 1");
    assert_fails(ad_cross(bools, bools), AD_ERROR_DTYPE, "ad_cross: not defined for bool and bool");
    assert_fails(ad_cross(ad_ones(AD_SHAPE(2, 3)), ad_ones(AD_SHAPE(4, 3))), AD_ERROR_SHAPE, "ad_cross: vectors of shapes (2,3) and (4,3) do not broadcast");
    assert_fails(ad_linalg_cross(VECTOR(1, 2), VECTOR(3, 4)), AD_ERROR_SHAPE, "ad_linalg_cross: vectors of lengths 2 and 2");
    assert_fails(ad_linalg_cross(b, b, .axis = 1), AD_ERROR_AXIS, "ad_linalg_cross: ");
    assert_array(ad_linalg_cross(matrix(), b), AD_SHAPE(2, 3), 0, 10, 5.5, -7, 12.25, 8.5, 2);
    assert_array(ad_linalg_cross(ad_transpose(matrix()), ad_expand_dims(b, 1), .axis = 0), AD_SHAPE(3, 2), 0, 10, 12.25, 5.5, 8.5, -7, 2);
}
END_TEST

/* a . (b x c) is the determinant of the three, and the volume's slope is the area of the opposite face. */
static ad_array *volume(ad_array *a, ad_array *b)
{
    return ad_dot(a, ad_cross(b, VECTOR(1, -1, 2)));
}

START_TEST(a_cross_product_has_cross_products_for_derivatives)
{
    AD_SCOPE;
    ad_array *b = VECTOR(0, 3, 1), *c = VECTOR(1, -1, 2);
    assert_array(ad_grad(volume)(vector(), b), AD_SHAPE(3), 0, 7, 1, -3);
    assert_close(ad_item(volume(vector(), b)), ad_item(ad_linalg_det(ad_stack(ad_list_of(vector(), b, c)))), 1e-14);
}
END_TEST

/* ---- the names of numpy.linalg ---- */

START_TEST(linalg_takes_the_last_two_axes_and_vectors_only)
{
    AD_SCOPE;
    ad_array *x = whole(AD_SHAPE(2, 2, 3)), *bytes = ad_astype(whole(AD_SHAPE(2, 2)), AD_U8);
    assert_array(ad_linalg_trace(x, .offset = 1), AD_SHAPE(2), 0, 6, 18);
    assert_array((ad_linalg_trace)(x), AD_SHAPE(2), 0, 4, 16);
    assert_array(ad_linalg_diagonal(x, .offset = -1), AD_SHAPE(2, 1), 0, 3, 9);
    assert_array((ad_linalg_diagonal)(x), AD_SHAPE(2, 2), 0, 0, 4, 6, 10);
    ck_assert_int_eq(ad_dtype_of(ad_linalg_trace(bytes)), AD_I64);
    ck_assert_int_eq(ad_dtype_of(ad_linalg_trace(bytes, .dtype = AD_F32)), AD_F32);
    ck_assert_int_eq(ad_dtype_of(ad_trace(bytes, .dtype = AD_C64)), AD_C64);
    assert_array(ad_linalg_outer(VECTOR(1, 2), VECTOR(3, 4, 5)), AD_SHAPE(2, 3), 0, 3, 4, 5, 6, 8, 10);
    assert_array(ad_linalg_matmul(matrix(), vector()), AD_SHAPE(2), 0, -2.5, -1.5);
    assert_fails(ad_linalg_matmul(2, 3), AD_ERROR_SHAPE, "ad_matmul: ");
    assert_array(ad_linalg_tensordot(matrix(), matrix(), .a_axes = AD_AXES(1), .b_axes = AD_AXES(1)), AD_SHAPE(2, 2), 0, 14, 12, 12, 17.25);
    assert_array(ad_linalg_matrix_transpose(matrix()), AD_SHAPE(3, 2), 0, 1, -1, 2, 0.5, 3, 4);
    ck_assert(ad_item_complex(ad_linalg_vecdot(complex_vector(1 + 2i, 3, 0), complex_vector(1, 1i, 5))) == 1 + 1i);
    assert_array(ad_linalg_vecdot(matrix(), matrix(), .axis = 0), AD_SHAPE(3), 0, 2, 4.25, 25);
    assert_fails(ad_linalg_trace(vector()), AD_ERROR_SHAPE, "ad_linalg_trace: a matrix has two axes, an operand of shape (3,) does not");
    assert_fails(ad_linalg_diagonal(3), AD_ERROR_SHAPE, "ad_linalg_diagonal: ");
    assert_fails(ad_linalg_outer(matrix(), vector()), AD_ERROR_SHAPE, "ad_linalg_outer: operands of shapes (2,3) and (3,); they should be vectors");
    assert_fails(ad_linalg_outer(vector(), 2), AD_ERROR_SHAPE, "ad_linalg_outer: ");
}
END_TEST

/* ---- products of lists ---- */

static ad_array *random_matrix(uint64_t seed, int64_t rows, int64_t columns)
{
    return ad_random_normal(ad_random_key(seed), AD_SHAPE(rows, columns));
}

START_TEST(multi_dot_is_the_product_from_left_to_right)
{
    AD_SCOPE;
    ad_array *a = random_matrix(1, 4, 20), *b = random_matrix(2, 20, 3), *c = random_matrix(3, 3, 15), *d = random_matrix(4, 15, 2);
    ad_array *expected = ad_matmul(ad_matmul(ad_matmul(a, b), c), d), *u = ad_at(a, "0"), *v = ad_at(d, ":, 0");
    ad_array *difference = ad_sub(ad_linalg_multi_dot(ad_list_of(a, b, c, d)), expected);
    ck_assert(ad_shape_equal(ad_shape_of(difference), AD_SHAPE(4, 2)));
    assert_close(ad_item(ad_max(ad_abs(difference))), 0, 1e-12);
    assert_close(ad_item(ad_linalg_multi_dot(ad_list_of(u, b, c, v))), ad_item(ad_at(expected, "0, 0")), 1e-12);
    assert_close(ad_item(ad_at(ad_linalg_multi_dot(ad_list_of(a, b, c, v)), "2")), ad_item(ad_at(expected, "2, 0")), 1e-12);
    assert_close(ad_item(ad_at(ad_linalg_multi_dot(ad_list_of(u, b, c, d)), "1")), ad_item(ad_at(expected, "0, 1")), 1e-12);
    assert_close(ad_item(ad_linalg_multi_dot(ad_list_of(VECTOR(1, 2), VECTOR(3, 4)))), 11, 0);
    ad_array *integers = ad_linalg_multi_dot(ad_list_of(whole(AD_SHAPE(2, 2)), whole(AD_SHAPE(2, 2)), whole(AD_SHAPE(2))));
    assert_array(integers, AD_SHAPE(2), 0, 3, 11);
    ck_assert_int_eq(ad_dtype_of(integers), AD_I64);
    ad_array *third = ad_full(AD_SHAPE(1, 1), 1. / 3), *mixed = ad_linalg_multi_dot(ad_list_of(third, ad_ones(AD_SHAPE(1, 1), .dtype = AD_F32), ad_full(AD_SHAPE(1), 3)));
    assert_array(mixed, AD_SHAPE(1), 1e-16, 1); /* all in float64 */
    assert_array(ad_linalg_multi_dot(ad_list_of(ad_ones(AD_SHAPE(2, 0)), ad_ones(AD_SHAPE(0, 5)), ad_ones(AD_SHAPE(5, 2)))), AD_SHAPE(2, 2), 0, 0, 0, 0, 0);
}
END_TEST

START_TEST(multi_dot_refuses_what_is_no_chain)
{
    AD_SCOPE;
    ad_array *a = ad_ones(AD_SHAPE(2, 3)), *v = ad_ones(AD_SHAPE(3));
    assert_fails(ad_linalg_multi_dot(ad_list_of(a)), AD_ERROR_VALUE, "ad_linalg_multi_dot: a list of 1 arrays");
    assert_fails(ad_linalg_multi_dot(ad_tree_empty()), AD_ERROR_VALUE, "ad_linalg_multi_dot: a list of 0 arrays");
    assert_fails(ad_linalg_multi_dot(ad_list_of(a, v, v)), AD_ERROR_SHAPE, "array 1 has shape (3,); it should be a matrix");
    assert_fails(ad_linalg_multi_dot(ad_list_of(a, 2)), AD_ERROR_SHAPE, "array 1 has shape (); it should be a matrix or a vector");
    assert_fails(ad_linalg_multi_dot(ad_list_of(a, a)), AD_ERROR_SHAPE, "arrays 0 and 1 of shapes (2,3) and (2,3) do not align (3 != 2)");
    assert_fails(ad_linalg_multi_dot(ad_list_of(ad_ones(AD_SHAPE(2, 2, 3)), a)), AD_ERROR_SHAPE, "array 0 has shape (2,2,3)");
}
END_TEST

/* How many multiplications of numbers the calls of ad_matmul take. */
static double multiplications;

static bool count_them(const ad_call_event *event, void *context)
{
    (void)context;
    if (strcmp(event->operation->name, "ad_matmul") == 0) {
        const ad_array *a = event->inputs[0];
        multiplications += (double)ad_size(a) * (double)ad_size(event->outputs[0]) / (double)(ad_ndim(a) > 1 ? ad_dim(a, 0) : 1);
    }
    return true;
}

/* Cormen and others, Introduction to Algorithms, 15.2: 15,125 for these six. */
START_TEST(multi_dot_takes_the_fewest_multiplications)
{
    AD_SCOPE;
    const int64_t sizes[] = { 30, 35, 15, 5, 10, 20, 25 };
    ad_tree_item items[6];
    for (int i = 0; i < 6; i++)
        items[i] = (ad_tree_item){ AD_ITEM_ARRAY, ad_ones(AD_SHAPE(sizes[i], sizes[i + 1])) };
    multiplications = 0;
    ad_on_call(count_them, NULL);
    ad_array *product = ad_linalg_multi_dot(ad_list_from(items, 6));
    ad_on_call(NULL, NULL);
    assert_close(ad_item(ad_at(product, "29, 24")), 35. * 15 * 5 * 10 * 20, 0);
    assert_close(multiplications, 15125, 0);
}
END_TEST

/* A long list on a small stack. */
static void *multiply_many(void *unused)
{
    AD_SCOPE;
    enum { MANY = 300 };
    ad_tree_item items[MANY];
    ad_array *half = ad_from((double[]){ 0.5, 0.5, 0.5, 0.5 }, AD_SHAPE(2, 2));
    for (int i = 0; i < MANY; i++)
        items[i] = (ad_tree_item){ AD_ITEM_ARRAY, half };
    assert_array(ad_linalg_multi_dot(ad_list_from(items, MANY)), AD_SHAPE(2, 2), 1e-15, 0.5, 0.5, 0.5, 0.5);
    return unused;
}

START_TEST(multi_dot_of_a_long_list_needs_little_stack)
{
    on_a_small_stack(multiply_many, NULL);
}
END_TEST

/* ---- blocks and diagonals ---- */

START_TEST(block_diag_is_that_of_scipy)
{
    AD_SCOPE;
    ad_array *mixed = ad_linalg_block_diag(ad_list_of(1, whole(AD_SHAPE(2)), ad_astype(ad_from((double[]){ 4, 5 }, AD_SHAPE(2, 1)), AD_I64)));
    assert_array(mixed, AD_SHAPE(4, 4), 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 4, 0, 0, 0, 5);
    ck_assert_int_eq(ad_dtype_of(mixed), AD_I64);
    assert_shape(ad_linalg_block_diag(ad_tree_empty()), AD_SHAPE(1, 0));
    assert_array(ad_linalg_block_diag(ad_list_of(ad_zeros(AD_SHAPE(0)), ad_from((double[]){ 1, 2 }, AD_SHAPE(1, 2)))), AD_SHAPE(2, 2), 0, 0, 0, 1, 2);
    assert_array(ad_linalg_block_diag(ad_list_of(ad_zeros(AD_SHAPE(2, 0)), 5)), AD_SHAPE(3, 1), 0, 0, 0, 5);
    assert_array(ad_linalg_block_diag(ad_list_of(matrix())), AD_SHAPE(2, 3), 0, 1, 2, 3, -1, 0.5, 4);
    assert_array(ad_linalg_block_diag(ad_list_of(whole(AD_SHAPE(2, 1, 1)), ad_full(AD_SHAPE(1, 1), 7))), AD_SHAPE(2, 2, 2), 0, 0, 0, 0, 7, 1, 0, 0, 7);
    assert_array(ad_linalg_block_diag(ad_tree_of("a", 1, "b", ad_list_of(2, 3))), AD_SHAPE(3, 3), 0, 1, 0, 0, 0, 2, 0, 0, 0, 3);
    ck_assert_int_eq(ad_dtype_of(ad_linalg_block_diag(ad_list_of(ad_ones(AD_SHAPE(1), .dtype = AD_F32), ad_ones(AD_SHAPE(1), .dtype = AD_U8)))), AD_F32);
    ck_assert_int_eq(ad_dtype_of(ad_linalg_block_diag(ad_list_of(1, ad_weak_complex(2i)))), AD_C128);
    assert_array(ad_linalg_block_diag(ad_list_of(ad_transpose(matrix()), ad_at(vector(), "::-2"))), AD_SHAPE(4, 4), 0, 1, -1, 0, 0, 2, 0.5, 0, 0, 3, 4, 0, 0, 0,
                 0, 0.5, 2);
    assert_fails(ad_linalg_block_diag(ad_list_of(ad_ones(AD_SHAPE(2, 1, 1)), ad_ones(AD_SHAPE(3, 1, 1)))), AD_ERROR_SHAPE,
                 "ad_linalg_block_diag: the leading axes of matrix 1, of shape (3,1,1), do not broadcast");
}
END_TEST

START_TEST(toeplitz_is_that_of_scipy)
{
    AD_SCOPE;
    assert_array(ad_linalg_toeplitz(VECTOR(1, 2, 3)), AD_SHAPE(3, 3), 0, 1, 2, 3, 2, 1, 2, 3, 2, 1);
    assert_array((ad_linalg_toeplitz)(VECTOR(1, 2)), AD_SHAPE(2, 2), 0, 1, 2, 2, 1);
    assert_array(ad_linalg_toeplitz(VECTOR(1, 2, 3), .r = VECTOR(9, 4, 5, 6)), AD_SHAPE(3, 4), 0, 1, 4, 5, 6, 2, 1, 4, 5, 3, 2, 1, 4);
    assert_array(ad_linalg_toeplitz(VECTOR(NAN, INFINITY), .r = VECTOR(7, 2)), AD_SHAPE(2, 2), 0, NAN, 2, INFINITY, NAN);
    ad_array *z = ad_linalg_toeplitz(ad_at(complex_vector(1 + 1i, 2i, 0), ":2"));
    assert_array(ad_real(z), AD_SHAPE(2, 2), 0, 1, 0, 0, 1);
    assert_array(ad_imag(z), AD_SHAPE(2, 2), 0, 1, -2, 2, 1);
    assert_shape(ad_linalg_toeplitz(ad_arange(0), .r = VECTOR(1, 2)), AD_SHAPE(0, 2));
    assert_shape(ad_linalg_toeplitz(VECTOR(1, 2), .r = ad_arange(0)), AD_SHAPE(2, 0));
    assert_shape(ad_linalg_toeplitz(ad_arange(0)), AD_SHAPE(0, 0));
    assert_array(ad_linalg_toeplitz(3), AD_SHAPE(1, 1), 0, 3);
    assert_array(ad_linalg_toeplitz(whole(AD_SHAPE(2, 3)), .r = VECTOR(1, 2)), AD_SHAPE(2, 3, 2), 0, 0, 2, 1, 0, 2, 1, 3, 2, 4, 3, 5, 4);
    ck_assert_int_eq(ad_dtype_of(ad_linalg_toeplitz(whole(AD_SHAPE(3)))), AD_I64);
    assert_array(ad_linalg_toeplitz(whole(AD_SHAPE(2)), .r = VECTOR(1.5, 2.5)), AD_SHAPE(2, 2), 0, 0, 2.5, 1, 0);
    assert_fails(ad_linalg_toeplitz(ad_ones(AD_SHAPE(2, 3)), .r = ad_ones(AD_SHAPE(3, 3))), AD_ERROR_SHAPE, "ad_linalg_toeplitz: the leading axes of shapes (2,3) and (3,3)");
}
END_TEST

static ad_array *element_of_toeplitz(ad_array *c, ad_array *r)
{
    return ad_sum(ad_mul(ad_linalg_toeplitz(c, .r = r), ad_from((double[]){ 1, 2, 3, 4, 5, 6 }, AD_SHAPE(3, 2))));
}

static ad_array *weighed_blocks(ad_array *a, ad_array *b)
{
    return ad_sum(ad_mul(ad_linalg_block_diag(ad_list_of(a, b)), ad_from((double[]){ 1, 2, 3, 4, 5, 6, 7, 8, 9 }, AD_SHAPE(3, 3))));
}

START_TEST(gradients_of_layouts_add_up_what_was_repeated)
{
    AD_SCOPE;
    ad_array *c = VECTOR(1, 2, 3), *r = VECTOR(0, 5);
    assert_array(ad_grad(element_of_toeplitz)(c, r), AD_SHAPE(3), 0, 5, 9, 5);
    ad_pullback *pull;
    ad_vjp(ad_linalg_toeplitz, c, &pull);
    assert_array(ad_vjp_apply(pull, ad_from((double[]){ 1, 2, 3, 4, 5, 6, 7, 8, 9 }, AD_SHAPE(3, 3))), AD_SHAPE(3), 0, 15, 20, 10); /* both triangles */
    ad_vjp_free(pull);
    assert_array(ad_grad(weighed_blocks)(ad_ones(AD_SHAPE(2, 1)), ad_ones(AD_SHAPE(2))), AD_SHAPE(2, 1), 0, 1, 4);
    assert_array(ad_grad(weighed_blocks, 1)(ad_ones(AD_SHAPE(2, 1)), ad_ones(AD_SHAPE(2))), AD_SHAPE(2), 0, 8, 9);
}
END_TEST

/* ---- norms ---- */

START_TEST(vector_and_matrix_norms_are_those_of_numpy)
{
    AD_SCOPE;
    ad_array *x = whole(AD_SHAPE(2, 3, 4)), *m = whole(AD_SHAPE(2, 2, 3));
    assert_array(ad_linalg_vector_norm(x, .axes = AD_AXES(0, 2), .ord = 3, .keepdims = true), AD_SHAPE(1, 3, 1), 1e-15, 21.60164596510581, 28.20931570234902,
                 35.20908856224224);
    assert_array(ad_linalg_vector_norm(ad_at(m, "0"), .keepdims = true), AD_SHAPE(1, 1), 1e-15, 7.416198487095663);
    assert_close(ad_item(ad_linalg_vector_norm(ad_at(m, "0"), .ord = 1)), 15, 0);
    assert_close(ad_item(ad_linalg_vector_norm(ad_at(m, "0"), .ord = INFINITY)), 5, 0);
    assert_close(ad_item((ad_linalg_vector_norm)(ad_scalar(-3))), 3, 0);
    assert_array(ad_linalg_vector_norm(m, .axis = -1, .ord = 0), AD_SHAPE(2, 2), 0, 2, 3, 3, 3);
    ck_assert_int_eq(ad_dtype_of(ad_linalg_vector_norm(ad_ones(AD_SHAPE(2), .dtype = AD_C64))), AD_F32);
    assert_array(ad_linalg_vector_norm(ad_zeros(AD_SHAPE(2, 0)), .ord = INFINITY, .axis = 1), AD_SHAPE(2), 0, 0, 0);
    assert_array(ad_linalg_matrix_norm(m), AD_SHAPE(2), 1e-15, 7.416198487095663, 21.236760581595302);
    assert_array(ad_linalg_matrix_norm(m, .ord = AD_NORM_NUC, .keepdims = true), AD_SHAPE(2, 1, 1), 1e-14, 8.348469228349535, 21.580012475823526);
    assert_array((ad_linalg_matrix_norm)(ad_zeros(AD_SHAPE(0, 3))), AD_SCALAR_SHAPE, 0, 0);
    assert_array(ad_linalg_matrix_norm(m, .ord = -1), AD_SHAPE(2), 0, 3, 15);
    assert_fails(ad_linalg_vector_norm(x, .ord = AD_NORM_FRO), AD_ERROR_VALUE, "ad_linalg_vector_norm: vectors take ord");
    assert_fails(ad_linalg_vector_norm(x, .axis = 3), AD_ERROR_AXIS, "ad_linalg_vector_norm: ");
    assert_fails(ad_linalg_vector_norm(ad_zeros(AD_SHAPE(0)), .ord = -INFINITY), AD_ERROR_VALUE, "");
    assert_fails(ad_linalg_matrix_norm(m, .ord = 3), AD_ERROR_VALUE, "ad_linalg_matrix_norm: matrices take ord");
    assert_fails(ad_linalg_matrix_norm(3), AD_ERROR_SHAPE, "ad_linalg_matrix_norm: a matrix has two axes, an operand of shape () does not");
    assert_fails(ad_linalg_matrix_norm(ad_full(AD_SHAPE(2, 2), NAN), .ord = 2), AD_ERROR_NUMERIC, "ad_linalg_matrix_norm");
}
END_TEST

OF_X(square_of_all, ad_square(ad_linalg_vector_norm(x)))

START_TEST(a_norm_of_zero_has_derivative_zero_under_every_name)
{
    AD_SCOPE;
    ad_array *zero = ad_zeros(AD_SHAPE(2, 2));
    assert_array(ad_grad(ad_linalg_vector_norm)(zero), AD_SHAPE(2, 2), 0, 0, 0, 0, 0);
    assert_array(ad_grad(ad_linalg_matrix_norm)(zero), AD_SHAPE(2, 2), 0, 0, 0, 0, 0);
    assert_array(ad_hessian(square_of_all)(ad_zeros(AD_SHAPE(2))), AD_SHAPE(2, 2), 0, 0, 0, 0, 0);
}
END_TEST

/* ---- options that were missing ---- */

OF_X(of_the_triangle, ad_sum(ad_sin(ad_linalg_cholesky(x, .UPLO = "L"))))
OF_X(on_hermitian_matrices, ad_sum(ad_sin(ad_linalg_cholesky(x))))

START_TEST(cholesky_reads_and_differentiates_the_triangle_that_is_named)
{
    AD_SCOPE;
    ad_array *lower = ad_from((double[]){ 4, 99, 2, 5 }, AD_SHAPE(2, 2)), *upper = ad_transpose(lower), *l = ad_linalg_cholesky(lower);
    assert_array(l, AD_SHAPE(2, 2), 1e-15, 2, 0, 1, 2);
    assert_array(ad_linalg_cholesky(lower, .UPLO = "L"), AD_SHAPE(2, 2), 1e-15, 2, 0, 1, 2);
    assert_array(ad_linalg_cholesky(upper, .UPLO = "U"), AD_SHAPE(2, 2), 1e-15, 2, 0, 1, 2);
    assert_array(ad_linalg_cholesky(lower, .UPLO = "L", .upper = true), AD_SHAPE(2, 2), 1e-15, 2, 1, 0, 2);
    assert_array(ad_linalg_cho_factor(upper), AD_SHAPE(2, 2), 1e-15, 2, 1, 0, 2);
    assert_array(ad_linalg_cho_factor(lower, .lower = true), AD_SHAPE(2, 2), 1e-15, 2, 0, 1, 2);
    assert_array(ad_linalg_cho_solve(ad_linalg_cho_factor(upper), VECTOR(8, 14)), AD_SHAPE(2), 1e-15, 0.75, 2.5);
    ad_array *triangle = ad_grad(of_the_triangle)(lower), *hermitian = ad_grad(on_hermitian_matrices)(lower);
    ck_assert(ad_item(ad_at(triangle, "0, 1")) == 0);
    assert_close(ad_item(ad_at(triangle, "1, 0")), 2 * ad_item(ad_at(hermitian, "1, 0")), 1e-15);
    assert_close(ad_item(ad_at(triangle, "1, 1")), ad_item(ad_at(hermitian, "1, 1")), 1e-15);
    assert_fails(ad_linalg_cholesky(lower, .UPLO = "X"), AD_ERROR_VALUE, "ad_linalg_cholesky: .UPLO is \"X\"");
    assert_fails(ad_linalg_cho_factor(ad_neg(lower)), AD_ERROR_NUMERIC, "not positive definite");
    assert_fails(ad_linalg_cho_factor(vector()), AD_ERROR_SHAPE, "ad_linalg_cho_factor: ");
}
END_TEST

START_TEST(a_stack_of_factors_takes_one_vector)
{
    AD_SCOPE;
    ad_array *l = ad_mul(ad_reshape(VECTOR(1, 2), AD_SHAPE(2, 1, 1)), ad_from((double[]){ 2, 0, 1, 2 }, AD_SHAPE(2, 2))), *b = VECTOR(8, 14);
    assert_array(ad_linalg_cho_solve(l, b, .lower = true), AD_SHAPE(2, 2), 1e-15, 0.75, 2.5, 0.1875, 0.625);
    assert_array(ad_linalg_cho_solve(ad_matrix_transpose(l), b), AD_SHAPE(2, 2), 1e-15, 0.75, 2.5, 0.1875, 0.625);
    assert_array(ad_linalg_cho_solve(ad_at(l, "0"), b, .lower = true), AD_SHAPE(2), 1e-15, 0.75, 2.5);
}
END_TEST

static ad_array *condition_1(ad_array *x)
{
    return ad_linalg_cond(x, .p = 1);
}

START_TEST(the_condition_of_a_singular_matrix_is_infinite)
{
    AD_SCOPE;
    ad_array *stack = ad_from((double[]){ 1, 1, 1, 1, 1, 0, 0, 2, 0, 0, 0, 0 }, AD_SHAPE(3, 2, 2)), *zero = ad_zeros(AD_SHAPE(2, 2));
    static const double norms[] = { 1, -1, INFINITY, -INFINITY, AD_NORM_FRO };
    for (size_t i = 0; i < sizeof norms / sizeof *norms; i++) {
        assert_array(ad_linalg_cond(stack, .p = norms[i]), AD_SHAPE(3), 1e-15, INFINITY, norms[i] == AD_NORM_FRO ? 2.5 : norms[i] < 0 ? 0.5 : 2, INFINITY);
        assert_array(ad_linalg_cond(ad_full(AD_SHAPE(2, 2), NAN), .p = norms[i]), AD_SCALAR_SHAPE, 0, NAN);
    }
    assert_array(ad_linalg_cond(zero), AD_SCALAR_SHAPE, 0, INFINITY);
    assert_array(ad_linalg_cond(zero, .p = -2), AD_SCALAR_SHAPE, 0, INFINITY);
    assert_fails(ad_linalg_cond(ad_zeros(AD_SHAPE(2, 0, 0))), AD_ERROR_SHAPE, "ad_linalg_cond: matrices of shape (2,0,0) have no elements");
    ck_assert_msg(ad_check_grads(condition_1, ad_from((double[]){ 3, 1, 0.5, 2 }, AD_SHAPE(2, 2))), "%s", ad_error_message());
}
END_TEST

START_TEST(tensorsolve_moves_axes_to_the_end)
{
    AD_SCOPE;
    ad_array *a = ad_add(ad_mul(3, ad_reshape(ad_eye(6), AD_SHAPE(2, 3, 2, 3))), ad_sin(counting(AD_SHAPE(2, 3, 2, 3)))), *b = ad_cos(counting(AD_SHAPE(2, 3)));
    ad_array *moved = ad_moveaxis(a, AD_AXES(2, 3), AD_AXES(0, 2)), *x = ad_linalg_tensorsolve(a, b);
    ad_array *again = ad_linalg_tensorsolve(moved, b, .axes = AD_AXES(0, 2));
    assert_close(ad_item(ad_max(ad_abs(ad_sub(again, x)))), 0, 1e-14);
    assert_fails(ad_linalg_tensorsolve(a, b, .axes = AD_AXES(4)), AD_ERROR_AXIS, "ad_linalg_tensorsolve: ");
    assert_fails(ad_linalg_tensorsolve(a, b, .axes = AD_AXES(1, -3)), AD_ERROR_AXIS, "ad_linalg_tensorsolve: ");
}
END_TEST

/* ---- memory ---- */

OF_X(everything, ad_add(ad_sum(ad_linalg_block_diag(ad_list_of(ad_sin(x), ad_linalg_toeplitz(ad_at(x, "0"))))),
                        ad_add(ad_linalg_multi_dot(ad_list_of(ad_at(x, "0"), ad_transpose(x), ad_sin(x), ad_at(x, "1"))), ad_sum(ad_cross(x, ad_sin(x))))))

START_TEST(memory_may_run_out_anywhere)
{
    assert_every_allocation_may_fail(ad_grad(everything), matrix());
}
END_TEST

RUN_TESTS("linalg_products", cross_products_are_those_of_numpy, nothing_is_multiplied_by_a_component_that_is_not_there, cross_products_refuse_what_has_none,
          a_cross_product_has_cross_products_for_derivatives, linalg_takes_the_last_two_axes_and_vectors_only, multi_dot_is_the_product_from_left_to_right,
          multi_dot_refuses_what_is_no_chain, multi_dot_takes_the_fewest_multiplications, multi_dot_of_a_long_list_needs_little_stack, block_diag_is_that_of_scipy,
          toeplitz_is_that_of_scipy, gradients_of_layouts_add_up_what_was_repeated, vector_and_matrix_norms_are_those_of_numpy,
          a_norm_of_zero_has_derivative_zero_under_every_name, cholesky_reads_and_differentiates_the_triangle_that_is_named, a_stack_of_factors_takes_one_vector,
          the_condition_of_a_singular_matrix_is_infinite, tensorsolve_moves_axes_to_the_end,
          memory_may_run_out_anywhere)
