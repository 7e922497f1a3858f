/* Products: values against closed forms and plain loops, layouts, dtypes, errors, and derivatives of every function. */
#include "testing.h"
#include <complex.h>
#include <sys/mman.h>
#include <unistd.h>

/* Numbers that are small, distinct in sign and size, and the same every time. */
static double entry(int64_t i)
{
    return (double)(i * 7919 % 31 - 15) / 8;
}

static ad_array *filled(ad_shape shape)
{
    int64_t size = ad_shape_size(shape);
    double *values = malloc((size_t)(size + 1) * sizeof *values);
    for (int64_t i = 0; i < size; i++)
        values[i] = entry(i + 3 * size);
    ad_array *x = ad_from(values, shape);
    free(values);
    return x;
}

static ad_array *filled_complex(ad_shape shape)
{
    return ad_add(filled(shape), ad_mul(filled(shape), 0.5 * I));
}

/* Largest difference of elements; shapes have to be the same. */
static double distance(ad_array *x, ad_array *y)
{
    ck_assert_msg(x && y, "%s", ad_error_message());
    ck_assert_msg(ad_shape_equal(ad_shape_of(x), ad_shape_of(y)), "shapes differ: %s\n%s", ad_tostring(x), ad_tostring(y));
    return ad_size(x) ? ad_item(ad_max(ad_abs(ad_sub(x, y)))) : 0;
}

#define assert_same(x, y) assert_close(distance(x, y), 0, 1e-12)

/* The sum of a[..., i, p] b[..., p, j] without a matrix product. */
static ad_array *sum_of_products(ad_array *a, ad_array *b)
{
    return ad_sum(ad_mul(ad_expand_dims(a, -1), ad_expand_dims(b, -3)), .axis = -2);
}

START_TEST(matmul_of_small_matrices)
{
    AD_SCOPE;
    ad_array *a = ad_from((double[]){ 1, 2, 3, 4, 5, 6 }, AD_SHAPE(2, 3)), *b = ad_from((double[]){ 1, 0, 2, -1, 1, 1 }, AD_SHAPE(3, 2));
    assert_array(ad_matmul(a, b), AD_SHAPE(2, 2), 0, 8, 1, 20, 1);
    assert_array(ad_matmul(ad_from((double[]){ 1, -1 }, AD_SHAPE(2)), a), AD_SHAPE(3), 0, -3, -3, -3);
    assert_array(ad_matmul(a, ad_from((double[]){ 1, 0, -1 }, AD_SHAPE(3))), AD_SHAPE(2), 0, -2, -2);
    ad_array *v = ad_from((double[]){ 1, 2, 3 }, AD_SHAPE(3));
    assert_array(ad_matmul(v, v), AD_SCALAR_SHAPE, 0, 14);
}
END_TEST

START_TEST(matmul_of_every_layout)
{
    int64_t sizes[][3] = { { 1, 1, 40 }, { 30, 1, 20 }, { 1, 30, 20 }, { 3, 4, 5 }, { 20, 30, 17 }, { 1, 1, 2 }, { 20, 30, 1 }, { 2, 1, 1 } };
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int layout = 0; layout < 25; layout++) {
            AD_SCOPE;
            int64_t m = sizes[s][0], n = sizes[s][1], k = sizes[s][2];
            ad_array *operand[2];
            for (int i = 0; i < 2; i++) {
                int64_t rows = i ? k : m, columns = i ? n : k;
                switch (i ? layout / 5 : layout % 5) {
                case 0: operand[i] = filled(AD_SHAPE(rows, columns)); break;
                case 1: operand[i] = ad_matrix_transpose(filled(AD_SHAPE(columns, rows))); break;
                case 2: operand[i] = ad_flip(filled(AD_SHAPE(rows, columns))); break;
                case 3: operand[i] = ad_broadcast_to(filled(AD_SHAPE(rows, 1)), AD_SHAPE(rows, columns)); break;
                default: operand[i] = ad_diagonal(filled(AD_SHAPE(rows, columns, 2, 2)), .axis1 = 2, .axis2 = 3);
                    operand[i] = ad_squeeze(ad_sum(operand[i], .axis = -1, .keepdims = true), .axis = -1); break;
                }
            }
            assert_same(ad_matmul(operand[0], operand[1]), sum_of_products(operand[0], operand[1]));
        }
}
END_TEST

START_TEST(matmul_broadcasts_leading_axes)
{
    AD_SCOPE;
    ad_shape a[] = { AD_SHAPE(4, 2, 3),    AD_SHAPE(4, 12, 9), AD_SHAPE(2, 3),    AD_SHAPE(5, 1, 2, 3),
                     AD_SHAPE(1, 4, 2, 3), AD_SHAPE(4, 1, 9),  AD_SHAPE(0, 2, 3), AD_SHAPE(6, 2, 1, 9) };
    ad_shape b[] = { AD_SHAPE(3, 2),       AD_SHAPE(9, 7), AD_SHAPE(4, 3, 2), AD_SHAPE(4, 3, 2),
                     AD_SHAPE(5, 1, 3, 2), AD_SHAPE(9, 8), AD_SHAPE(3, 2),    AD_SHAPE(2, 9, 8) };
    for (size_t i = 0; i < sizeof a / sizeof *a; i++)
        assert_same(ad_matmul(filled(a[i]), filled(b[i])), sum_of_products(filled(a[i]), filled(b[i])));
    ad_array *x = ad_swapaxes(filled(AD_SHAPE(7, 4, 6)), 0, 1), *y = filled(AD_SHAPE(6, 5));
    assert_same(ad_matmul(x, y), sum_of_products(x, y));
    x = ad_moveaxis(filled(AD_SHAPE(7, 4, 6)), 0, 2);
    assert_same(ad_matmul(x, filled(AD_SHAPE(7, 5))), sum_of_products(x, filled(AD_SHAPE(7, 5))));
}
END_TEST

START_TEST(matmul_of_empty_arrays)
{
    AD_SCOPE;
    assert_array(ad_matmul(ad_zeros(AD_SHAPE(2, 0)), ad_zeros(AD_SHAPE(0, 2))), AD_SHAPE(2, 2), 0, 0, 0, 0, 0);
    assert_array(ad_sum(ad_matmul(ad_zeros(AD_SHAPE(5000, 0)), ad_zeros(AD_SHAPE(0, 2)))), AD_SCALAR_SHAPE, 0, 0);
    ck_assert(ad_shape_equal(ad_shape_of(ad_matmul(ad_zeros(AD_SHAPE(0, 3)), ad_zeros(AD_SHAPE(3, 2)))), AD_SHAPE(0, 2)));
    assert_array(ad_matmul(ad_zeros(AD_SHAPE(0)), ad_zeros(AD_SHAPE(0))), AD_SCALAR_SHAPE, 0, 0);
}
END_TEST

START_TEST(matmul_of_every_dtype)
{
    AD_SCOPE;
    ad_shape shapes[][2] = {
        { AD_SHAPE(2, 3), AD_SHAPE(3, 4) }, { AD_SHAPE(9, 12), AD_SHAPE(12, 10) }, { AD_SHAPE(40), AD_SHAPE(40) }, { AD_SHAPE(9, 30), AD_SHAPE(30) }
    };
    for (int d = 0; d < AD_DTYPE_COUNT; d++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            ad_dtype dtype = (ad_dtype)d;
            ad_array *a = ad_mul(8, filled(shapes[s][0])), *b = ad_mul(8, filled(shapes[s][1]));
            if (dtype == AD_C128 || dtype == AD_C64) {
                a = ad_mul(a, 1 - 2 * I);
                b = ad_mul(b, 2 + I);
            } else if (dtype == AD_U8) {
                a = ad_abs(a);
                b = ad_abs(b);
            } else if (dtype == AD_BOOL) {
                a = ad_greater(a, 12);
                b = ad_greater(b, 3);
            }
            ad_array *exact = ad_matmul(ad_astype(a, AD_C128), ad_astype(b, AD_C128)), *product = ad_matmul(ad_astype(a, dtype), ad_astype(b, dtype));
            ck_assert_msg(product != NULL, "%s", ad_error_message());
            ck_assert_int_eq(ad_dtype_of(product), dtype);
            if (dtype == AD_U8)
                exact = ad_mod(ad_real(exact), 256);
            if (dtype == AD_BOOL)
                exact = ad_astype(ad_not_equal(exact, 0), AD_F64);
            assert_same(ad_astype(product, AD_C128), exact);
        }
    ck_assert_int_eq(ad_dtype_of(ad_matmul(ad_ones(AD_SHAPE(2), .dtype = AD_F32), ad_ones(AD_SHAPE(2), .dtype = AD_I64))), AD_F64);
    ck_assert_int_eq(ad_dtype_of(ad_matmul(ad_ones(AD_SHAPE(2), .dtype = AD_C64), ad_ones(AD_SHAPE(2), .dtype = AD_F32))), AD_C64);
}
END_TEST

START_TEST(matmul_refuses_what_does_not_fit)
{
    AD_SCOPE;
    assert_fails(ad_matmul(ad_zeros(AD_SHAPE(3, 4)), ad_zeros(AD_SHAPE(5, 6))), AD_ERROR_SHAPE, "ad_matmul: shapes (3,4) and (5,6) do not align (4 != 5)");
    assert_fails(ad_matmul(2, ad_zeros(AD_SHAPE(5, 6))), AD_ERROR_SHAPE, "0-d");
    assert_fails(ad_matmul(ad_zeros(AD_SHAPE(2, 3, 4)), ad_zeros(AD_SHAPE(5, 4, 3))), AD_ERROR_SHAPE, "(2,3,4) and (5,4,3) do not broadcast");
    assert_fails(ad_dot(ad_zeros(AD_SHAPE(3, 4)), ad_zeros(AD_SHAPE(5, 6))), AD_ERROR_SHAPE, "ad_dot: shapes (3,4)");
    assert_fails(ad_inner(ad_zeros(AD_SHAPE(3, 4)), ad_zeros(AD_SHAPE(4, 6))), AD_ERROR_SHAPE, "ad_inner");
    assert_fails(ad_vdot(ad_zeros(AD_SHAPE(3, 4)), ad_zeros(AD_SHAPE(4, 6))), AD_ERROR_SHAPE, "12 != 24");
    assert_fails(ad_matvec(ad_zeros(AD_SHAPE(4)), ad_zeros(AD_SHAPE(4))), AD_ERROR_SHAPE, "ad_matvec");
    assert_fails(ad_tensordot(ad_zeros(AD_SHAPE(3, 4)), ad_zeros(AD_SHAPE(4, 6))), AD_ERROR_SHAPE, "axis 0 of shape (3,4) and axis 0 of shape (4,6)");
    assert_fails(ad_tensordot(ad_zeros(AD_SHAPE(3)), ad_zeros(AD_SHAPE(3))), AD_ERROR_AXIS, "2 axes");
    assert_fails(ad_tensordot(ad_zeros(AD_SHAPE(3, 3)), ad_zeros(AD_SHAPE(3, 3)), .a_axes = AD_AXES(0, 0), .b_axes = AD_AXES(0, 1)), AD_ERROR_AXIS, "twice");
    assert_fails(ad_tensordot(ad_zeros(AD_SHAPE(3)), ad_zeros(AD_SHAPE(3)), .a_axes = AD_AXES(0)), AD_ERROR_AXIS, "1 axes of a");
    assert_fails(ad_trace(ad_zeros(AD_SHAPE(3))), AD_ERROR_SHAPE, "ad_trace");
    ck_assert(!ad_matmul((ad_array *)NULL, ad_scalar(1)) && !ad_dot((ad_array *)NULL, 1) && !ad_trace((ad_array *)NULL));
    ad_clear_error();
}
END_TEST

START_TEST(products_of_vectors)
{
    AD_SCOPE;
    ad_array *a = ad_from((double[]){ 1, 2 }, AD_SHAPE(2)), *b = ad_from((double[]){ 3, 4, 5 }, AD_SHAPE(3)),
             *m = ad_from((double[]){ 1, 2, 3, 4 }, AD_SHAPE(2, 2));
    assert_array(ad_outer(a, b), AD_SHAPE(2, 3), 0, 3, 4, 5, 6, 8, 10);
    assert_array(ad_outer(m, a), AD_SHAPE(4, 2), 0, 1, 2, 2, 4, 3, 6, 4, 8);
    assert_array(ad_outer(2, b), AD_SHAPE(1, 3), 0, 6, 8, 10);
    assert_array(ad_inner(m, a), AD_SHAPE(2), 0, 5, 11);
    assert_array(ad_inner(a, m), AD_SHAPE(2), 0, 5, 11);
    assert_array(ad_inner(m, m), AD_SHAPE(2, 2), 0, 5, 11, 11, 25);
    assert_array(ad_inner(2, a), AD_SHAPE(2), 0, 2, 4);
    assert_array(ad_dot(a, 3), AD_SHAPE(2), 0, 3, 6);
    assert_array(ad_kron(a, b), AD_SHAPE(6), 0, 3, 4, 5, 6, 8, 10);
    assert_array(ad_kron(m, a), AD_SHAPE(2, 4), 0, 1, 2, 2, 4, 3, 6, 4, 8);
    ad_array *z = ad_mul(a, 1 + I);
    ck_assert(ad_item_complex(ad_vdot(z, a)) == 5 - 5 * I && ad_item_complex(ad_vdot(a, z)) == 5 + 5 * I);
    ck_assert(ad_item_complex(ad_vecdot(z, z)) == 10 && ad_item_complex(ad_dot(z, z)) == 10 * I);
    assert_array(ad_vdot(m, m), AD_SCALAR_SHAPE, 0, 30);
    assert_array(ad_vecdot(m, a), AD_SHAPE(2), 0, 5, 11);
    assert_array(ad_vecdot(m, m, .axis = 0), AD_SHAPE(2), 0, 10, 20);
    ad_array *stack = filled(AD_SHAPE(3, 2, 4));
    assert_same(ad_matvec(stack, filled(AD_SHAPE(3, 4))), ad_einsum("bij,bj->bi", stack, filled(AD_SHAPE(3, 4))));
    assert_same(ad_vecmat(filled_complex(AD_SHAPE(3, 2)), stack), ad_einsum("bi,bij->bj", ad_conj(filled_complex(AD_SHAPE(3, 2))), stack));
    assert_same(ad_dot(filled(AD_SHAPE(2, 3)), filled(AD_SHAPE(4, 3, 5))), ad_einsum("ik,bkj->ibj", filled(AD_SHAPE(2, 3)), filled(AD_SHAPE(4, 3, 5))));
}
END_TEST

START_TEST(trace_along_diagonals)
{
    AD_SCOPE;
    ad_array *m = ad_from((double[]){ 1, 2, 3, 4, 5, 6 }, AD_SHAPE(2, 3));
    assert_array(ad_trace(m), AD_SCALAR_SHAPE, 0, 6);
    assert_array(ad_trace(m, .offset = 1), AD_SCALAR_SHAPE, 0, 8);
    assert_array(ad_trace(m, .offset = -1), AD_SCALAR_SHAPE, 0, 4);
    assert_array(ad_trace(ad_broadcast_to(m, AD_SHAPE(2, 2, 3)), .axis1 = 1, .axis2 = -1), AD_SHAPE(2), 0, 6, 6);
    ck_assert_int_eq(ad_dtype_of(ad_trace(ad_ones(AD_SHAPE(2, 2), .dtype = AD_U8))), AD_I64);
}
END_TEST

START_TEST(tensordot_over_pairs_of_axes)
{
    AD_SCOPE;
    ad_array *a = filled(AD_SHAPE(3, 4, 5)), *b = filled(AD_SHAPE(4, 5, 6)), *c = filled(AD_SHAPE(5, 2, 4));
    assert_same(ad_tensordot(a, b), ad_matmul(ad_reshape(a, AD_SHAPE(3, 20)), ad_reshape(b, AD_SHAPE(20, 6))));
    assert_same(ad_tensordot(a, c, .axes = 1), ad_reshape(ad_matmul(ad_reshape(a, AD_SHAPE(12, 5)), ad_reshape(c, AD_SHAPE(5, 8))), AD_SHAPE(3, 4, 2, 4)));
    assert_same(ad_tensordot(a, c, .a_axes = AD_AXES(-1, 1), .b_axes = AD_AXES(0, 2)), ad_einsum("ijk,klj->il", a, c));
    assert_same(ad_tensordot(a, c, .a_axes = AD_AXES(1), .b_axes = AD_AXES(-1)), ad_einsum("ijk,mlj->ikml", a, c));
    assert_same(ad_tensordot(ad_transpose(a), c, .a_axes = AD_AXES(1, 0), .b_axes = AD_AXES(2, 0)), ad_einsum("kji,klj->il", ad_transpose(a), c));
    assert_array(ad_tensordot(ad_from((double[]){ 1, 2 }, AD_SHAPE(2)), ad_from((double[]){ 3, 4 }, AD_SHAPE(2)), .axes = 0), AD_SHAPE(2, 2), 0, 3, 4, 6, 8);
    assert_array(ad_tensordot(ad_zeros(AD_SHAPE(2, 0)), ad_zeros(AD_SHAPE(0, 2)), .axes = 1), AD_SHAPE(2, 2), 0, 0, 0, 0, 0);
}
END_TEST

START_TEST(einsum_of_one_operand)
{
    AD_SCOPE;
    ad_array *m = ad_from((double[]){ 1, 2, 3, 4 }, AD_SHAPE(2, 2));
    assert_array(ad_einsum("ij->ji", m), AD_SHAPE(2, 2), 0, 1, 3, 2, 4);
    assert_array(ad_einsum("ba", m), AD_SHAPE(2, 2), 0, 1, 3, 2, 4);
    assert_array(ad_einsum("ii", m), AD_SCALAR_SHAPE, 0, 5);
    assert_array(ad_einsum("ii->i", m), AD_SHAPE(2), 0, 1, 4);
    assert_array(ad_einsum("ij->", m), AD_SCALAR_SHAPE, 0, 10);
    assert_array(ad_einsum("ij->j", m), AD_SHAPE(2), 0, 4, 6);
    assert_array(ad_einsum(" i j -> i ", m), AD_SHAPE(2), 0, 3, 7);
    assert_array(ad_einsum("...j->...", m), AD_SHAPE(2), 0, 3, 7);
    assert_array(ad_einsum("->", 3), AD_SCALAR_SHAPE, 0, 3);
    assert_array(ad_einsum("iij->j", ad_broadcast_to(m, AD_SHAPE(2, 2, 2))), AD_SHAPE(2), 0, 4, 6);
    assert_array(ad_einsum("iii", filled(AD_SHAPE(1, 1, 1))), AD_SCALAR_SHAPE, 0, entry(3));
    ck_assert(ad_shape_equal(ad_shape_of(ad_einsum("ijkj->...ki", filled(AD_SHAPE(2, 3, 4, 3)))), AD_SHAPE(4, 2)));
    ad_array *flags = ad_greater(m, 1);
    ck_assert_int_eq(ad_dtype_of(ad_einsum("ij->i", flags)), AD_BOOL);
    assert_array(ad_einsum("ij->i", flags), AD_SHAPE(2), 0, 1, 1);
    ck_assert_int_eq(ad_dtype_of(ad_einsum("ij->i", ad_astype(m, AD_I32))), AD_I32);
}
END_TEST

START_TEST(einsum_of_several_operands)
{
    AD_SCOPE;
    ad_array *a = filled(AD_SHAPE(2, 3)), *b = filled(AD_SHAPE(3, 4)), *c = filled(AD_SHAPE(4, 2)), *v = filled(AD_SHAPE(3)), *t = filled(AD_SHAPE(5, 2, 3));
    assert_same(ad_einsum("ij,jk", a, b), ad_matmul(a, b));
    assert_same(ad_einsum("ij,jk->ki", a, b), ad_transpose(ad_matmul(a, b)));
    assert_same(ad_einsum("ij,jk,kl->il", a, b, c), ad_matmul(ad_matmul(a, b), c));
    assert_same(ad_einsum("ij,jk,ki", a, b, c), ad_trace(ad_matmul(ad_matmul(a, b), c)));
    assert_same(ad_einsum("ij,j->ij", a, v), ad_mul(a, v));
    assert_same(ad_einsum("ij,ij->", a, a), ad_sum(ad_square(a)));
    assert_same(ad_einsum("i,j->ji", v, v), ad_outer(v, v));
    assert_same(ad_einsum("ij,kl->", a, b), ad_mul(ad_sum(a), ad_sum(b)));
    assert_same(ad_einsum("bij,bkj->bik", t, t), ad_matmul(t, ad_matrix_transpose(t)));
    assert_same(ad_einsum("bij,bij->b", t, t), ad_sum(ad_square(t), .axes = AD_AXES(1, 2)));
    assert_same(ad_einsum("bij,jk->kbi", t, b), ad_moveaxis(ad_matmul(t, b), -1, 0));
    assert_same(ad_einsum("...ij,...jk->...ik", t, b), ad_matmul(t, b));
    assert_same(ad_einsum("...ij,...jk", b, filled(AD_SHAPE(5, 4, 3))), ad_matmul(b, filled(AD_SHAPE(5, 4, 3))));
    assert_same(ad_einsum("i...->...", t), ad_sum(t, .axis = 0));
    assert_same(ad_einsum("ij,jk", filled(AD_SHAPE(2, 1)), b), ad_mul(filled(AD_SHAPE(2, 1)), ad_sum(b, .axis = 0)));
    assert_same(ad_einsum("ij,ij->ij", filled(AD_SHAPE(1, 3)), a), ad_mul(filled(AD_SHAPE(1, 3)), a));
    assert_same(ad_einsum("ij,,jk", a, 2, b), ad_mul(2, ad_matmul(a, b)));
    assert_same(ad_einsum("ii,i->i", filled(AD_SHAPE(3, 3)), v), ad_mul(ad_diagonal(filled(AD_SHAPE(3, 3))), v));
    assert_same(ad_einsum("xi,yi,zi->xyz", a, a, a), ad_einsum("xyi,zi->xyz", ad_einsum("xi,yi->xyi", a, a), a));
    assert_same(ad_einsum("Ab,bC", a, b), ad_matmul(a, b));
    assert_same(ad_einsum("bA,Cb", ad_transpose(a), ad_transpose(b)), ad_matmul(a, b));
    ad_array *n = ad_astype(ad_mul(8, a), AD_I32);
    ck_assert_int_eq(ad_dtype_of(ad_einsum("ij,kj", n, n)), AD_I32);
    assert_same(ad_astype(ad_einsum("ij,kj", n, n), AD_F64), ad_mul(64, ad_matmul(a, ad_transpose(a))));
}
END_TEST

/* A product of the first two alone would wrap, or would be rounded to float32. */
START_TEST(einsum_of_mixed_dtypes_multiplies_in_the_common_one)
{
    AD_SCOPE;
    ad_array *byte = ad_full(AD_SHAPE(2), 200, .dtype = AD_U8), *one = ad_ones(AD_SHAPE(2)), *third = ad_astype(ad_full(AD_SHAPE(2), 1. / 3), AD_F32);
    double rounded = (float)(1. / 3);
    assert_array(ad_einsum("i,i,i->i", byte, byte, ad_astype(one, AD_I32)), AD_SHAPE(2), 0, 40000, 40000);
    assert_array(ad_einsum("i,i,->", byte, byte, 1.0), AD_SCALAR_SHAPE, 0, 80000);
    assert_array(ad_einsum("i,i,i->i", ad_greater(byte, 0), ad_greater(byte, 0), one), AD_SHAPE(2), 0, 1, 1);
    assert_array(ad_einsum("i,j,k->", ad_greater(byte, 0), ad_greater(byte, 0), one), AD_SCALAR_SHAPE, 0, 8);
    assert_array(ad_einsum("i,i,i->i", third, third, one), AD_SHAPE(2), 1e-15, rounded * rounded, rounded * rounded);
    ck_assert_int_eq(ad_dtype_of(ad_einsum("i,i,i->i", third, third, ad_astype(one, AD_C64))), AD_C64);
    ck_assert_int_eq(ad_dtype_of(ad_einsum("i,i,i->i", third, third, byte)), AD_F32);
}
END_TEST

START_TEST(einsum_errors_name_the_subscripts)
{
    AD_SCOPE;
    ad_array *a = filled(AD_SHAPE(2, 3)), *b = filled(AD_SHAPE(4, 5));
    assert_fails(ad_einsum("ij,jk", a, b), AD_ERROR_SHAPE, "\"ij,jk\": axis 0 of operand 1, of shape (4,5), has length 4, but 'j' has length 3");
    assert_fails(ad_einsum("ijk", a), AD_ERROR_SHAPE, "3 letters and the shape (2,3)");
    assert_fails(ad_einsum("i", a), AD_ERROR_SHAPE, "1 letters");
    assert_fails(ad_einsum("ij->k", a), AD_ERROR_VALUE, "'k' is in the output but in no operand");
    assert_fails(ad_einsum("ij->ii", a), AD_ERROR_VALUE, "twice");
    assert_fails(ad_einsum("ii", filled(AD_SHAPE(3, 1))), AD_ERROR_SHAPE, "'i' names axes 0 and 1 of operand 0, of shape (3,1), which differ in length (3 != 1)");
    assert_fails(ad_einsum("ii->i", filled(AD_SHAPE(1, 3))), AD_ERROR_SHAPE, "(1 != 3)");
    assert_fails(ad_einsum("i,jii", filled(AD_SHAPE(3)), filled(AD_SHAPE(2, 1, 3))), AD_ERROR_SHAPE, "axes 1 and 2 of operand 1");
    assert_fails(ad_einsum("ij", a, b), AD_ERROR_VALUE, "2 operands");
    assert_fails(ad_einsum("ij,kl", a), AD_ERROR_VALUE, "1 operands");
    assert_fails(ad_einsum("i1", a), AD_ERROR_VALUE, "'1'");
    assert_fails(ad_einsum("i..", a), AD_ERROR_VALUE, "dots");
    assert_fails(ad_einsum("...,...->...,", a, a), AD_ERROR_VALUE, "','");
    assert_fails(ad_einsum("...j->j", a), AD_ERROR_VALUE, "...");
    assert_fails(ad_einsum("ij-i", a), AD_ERROR_VALUE, "'-'");
    assert_fails(ad_einsum("ij,jk", (ad_array *)NULL, b), AD_ERROR_VALUE, "operand 0");
}
END_TEST

/* ---- derivatives: first and second order, both modes, by differences ---- */

static ad_array *outer_of(ad_array *a, ad_array *b) { return ad_outer(a, b); }
static ad_array *kron_of(ad_array *a, ad_array *b) { return ad_kron(a, b); }
static ad_array *matmul_of(ad_array *a, ad_array *b) { return ad_matmul(a, b); }
static ad_array *dot_of(ad_array *a, ad_array *b) { return ad_dot(a, b); }
static ad_array *inner_of(ad_array *a, ad_array *b) { return ad_inner(a, b); }
static ad_array *vdot_of(ad_array *a, ad_array *b) { return ad_vdot(a, b); }
static ad_array *matvec_of(ad_array *a, ad_array *b) { return ad_matvec(a, b); }
static ad_array *vecmat_of(ad_array *a, ad_array *b) { return ad_vecmat(a, b); }
static ad_array *vecdot_of(ad_array *a, ad_array *b) { return ad_vecdot(a, b); }
static ad_array *tensordot_of(ad_array *a, ad_array *b) { return ad_tensordot(a, b); }
static ad_array *tensordot_across(ad_array *a, ad_array *b) { return ad_tensordot(a, b, .a_axes = AD_AXES(0, -1), .b_axes = AD_AXES(1, 0)); }
static ad_array *stack_einsum(ad_array *a, ad_array *b) { return ad_einsum("bij,bkj->kb", a, b); }
static ad_array *lost_letters(ad_array *a, ad_array *b) { return ad_einsum("iij,kl->jl", a, b); }
static ad_array *short_axes(ad_array *a, ad_array *b) { return ad_einsum("...ij,...jk->...k", a, b); }
static ad_array *three_operands(ad_array *a, ad_array *b) { return ad_einsum("ij,jk,ij->ik", a, b, a); }
static ad_array *trace_of(ad_array *a, ad_array *b) { return ad_mul(ad_trace(a, .offset = 1), ad_trace(b)); }

START_TEST(derivatives_of_all_products)
{
    static const struct {
        const char *name;
        ad_array *(*f)(ad_array *, ad_array *);
        ad_shape a, b;
    } cases[] = {
        { "matmul", matmul_of, { 2, { 2, 3 } }, { 2, { 3, 4 } } },
        { "matmul, large", matmul_of, { 2, { 9, 11 } }, { 2, { 11, 10 } } },
        { "matmul, vectors", matmul_of, { 1, { 3 } }, { 1, { 3 } } },
        { "matmul, row", matmul_of, { 1, { 3 } }, { 2, { 3, 2 } } },
        { "matmul, column", matmul_of, { 2, { 2, 3 } }, { 1, { 3 } } },
        { "matmul, row and stack", matmul_of, { 1, { 3 } }, { 3, { 2, 3, 2 } } },
        { "matmul, stack and column", matmul_of, { 3, { 2, 2, 3 } }, { 1, { 3 } } },
        { "matmul, stack and matrix", matmul_of, { 4, { 2, 2, 2, 3 } }, { 2, { 3, 2 } } },
        { "matmul, matrix and stack", matmul_of, { 2, { 2, 3 } }, { 3, { 4, 3, 2 } } },
        { "matmul, stacks that broadcast", matmul_of, { 4, { 2, 1, 2, 3 } }, { 3, { 3, 3, 1 } } },
        { "dot", dot_of, { 2, { 2, 3 } }, { 3, { 2, 3, 4 } } },
        { "dot with a number", dot_of, { 0, { 0 } }, { 2, { 2, 3 } } },
        { "inner", inner_of, { 2, { 2, 3 } }, { 3, { 2, 4, 3 } } },
        { "outer", outer_of, { 2, { 2, 3 } }, { 1, { 4 } } },
        { "kron", kron_of, { 2, { 2, 3 } }, { 1, { 4 } } },
        { "vdot", vdot_of, { 2, { 2, 3 } }, { 2, { 3, 2 } } },
        { "matvec", matvec_of, { 3, { 2, 2, 3 } }, { 2, { 2, 3 } } },
        { "vecmat", vecmat_of, { 2, { 2, 3 } }, { 2, { 3, 2 } } },
        { "vecdot", vecdot_of, { 2, { 2, 3 } }, { 1, { 3 } } },
        { "tensordot", tensordot_of, { 3, { 2, 3, 2 } }, { 3, { 3, 2, 2 } } },
        { "tensordot with lists", tensordot_across, { 3, { 2, 3, 4 } }, { 3, { 4, 2, 2 } } },
        { "einsum of stacks", stack_einsum, { 3, { 2, 3, 4 } }, { 3, { 2, 2, 4 } } },
        { "einsum with lost letters", lost_letters, { 3, { 2, 2, 3 } }, { 2, { 4, 2 } } },
        { "einsum with short axes", short_axes, { 3, { 2, 3, 1 } }, { 3, { 1, 4, 2 } } },
        { "einsum of three", three_operands, { 2, { 2, 3 } }, { 2, { 3, 2 } } },
        { "trace", trace_of, { 3, { 2, 3, 2 } }, { 2, { 3, 2 } } },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AD_SCOPE;
        ck_assert_msg(ad_check_grads(cases[i].f, filled(cases[i].a), filled(cases[i].b)), "%s: %s", cases[i].name, ad_error_message());
        ck_assert_msg(ad_check_grads(cases[i].f, filled_complex(cases[i].a), filled(cases[i].b)), "%s, complex: %s", cases[i].name, ad_error_message());
        ck_assert_msg(ad_check_grads(cases[i].f, filled(cases[i].a), filled_complex(cases[i].b)), "%s, complex b: %s", cases[i].name, ad_error_message());
    }
}
END_TEST

static ad_array *quadratic_form(ad_array *x, ad_array *m)
{
    return ad_dot(x, ad_matmul(m, x));
}

START_TEST(hessian_of_a_quadratic_form)
{
    AD_SCOPE;
    ad_array *m = filled(AD_SHAPE(3, 3)), *x = filled(AD_SHAPE(3));
    assert_same(ad_grad(quadratic_form)(x, m), ad_matmul(ad_add(m, ad_transpose(m)), x));
    assert_same(ad_hessian(quadratic_form)(x, m), ad_add(m, ad_transpose(m)));
}
END_TEST

static int64_t live_bytes(void)
{
    ad_memory_usage usage;
    ad_memory_stats(&usage);
    return usage.live;
}

/* The limit leaves room for the result, whose block may be a little larger, and none for a copy of an operand. */
START_TEST(transposed_and_stacked_operands_are_not_copied)
{
    AD_SCOPE;
    ad_array *a = filled(AD_SHAPE(200, 300)), *b = filled(AD_SHAPE(200, 100)), *stack = filled(AD_SHAPE(3, 100, 300));
    ad_memory_limit(live_bytes() + 300 * 100 * 8 + 100000);
    ad_array *y = ad_matmul(ad_transpose(a), b);
    ad_memory_limit(live_bytes() + 3 * 300 * 300 * 8 + 500000);
    ad_array *w = ad_matmul(ad_matrix_transpose(stack), stack);
    ad_memory_limit(live_bytes() + 300 * 300 * 8 + 500000);
    ad_array *v = ad_tensordot(stack, stack, .a_axes = AD_AXES(0, 1), .b_axes = AD_AXES(0, 1));
    ad_memory_limit(0);
    ck_assert_msg(y && w && v, "%s", ad_error_message());
    assert_same(v, ad_sum(w, .axis = 0));
}
END_TEST

static ad_array *value_and_slope(ad_array *a, ad_array *b)
{
    return ad_grad(quadratic_form)(ad_einsum("ij,jk,kll->i", a, b, ad_ones(AD_SHAPE(9, 2, 2))), b);
}

START_TEST(every_failed_allocation_is_an_error)
{
    AD_SCOPE;
    ad_array *a = filled(AD_SHAPE(9, 9)), *b = ad_flip(filled(AD_SHAPE(9, 9)));
    ad_array *expected = value_and_slope(a, b), *y = NULL;
    int64_t before = 0;
    for (int64_t n = 1; !y; n++) {
        {
            AD_SCOPE;
            ad_memory_fail_after(n);
            y = value_and_slope(a, b);
            ad_memory_fail_after(0);
            if (y)
                assert_same(y, expected);
            else
                ck_assert_int_eq(ad_error_code(), AD_ERROR_MEMORY);
            ad_clear_error();
        }
        if (n == 1)
            before = live_bytes();
        ck_assert_int_eq(live_bytes(), before);
    }
}
END_TEST

enum { ROOM = 1 << 15 };

/* Ones, of which the last stands at the end of the room. */
static ad_array *ones_at_end(char *room, ad_dtype dtype, ad_shape shape)
{
    ad_array *ones = ad_ones(shape, .dtype = dtype);
    size_t bytes = (size_t)ad_size(ones) * ad_dtype_size(dtype);
    memcpy(room + ROOM - bytes, ad_data(ones), bytes);
    return ad_wrap(dtype, room + ROOM - bytes, shape, NULL, NULL);
}

/* Memory ends with the last element of every second one, and of the last columns of a matrix. */
START_TEST(products_read_no_further_than_their_operands)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *room = mmap(NULL, ROOM + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(room != MAP_FAILED && mprotect(room + ROOM, page, PROT_NONE) == 0);
    static const ad_dtype dtypes[] = { AD_F64, AD_F32, AD_C128, AD_C64 };
    for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; d++)
        for (int64_t n = 1; n < 40; n++) {
            AD_SCOPE;
            ad_dtype dtype = dtypes[d];
            ad_array *x = ad_at(ones_at_end(room, dtype, AD_SHAPE(2 * n - 1)), "::2");
            assert_array(ad_astype(ad_dot(x, x), AD_F64), AD_SCALAR_SHAPE, 0, n);
            assert_array(ad_astype(ad_sum(ad_outer(x, x)), AD_F64), AD_SCALAR_SHAPE, 0, n * n);
            assert_array(ad_astype(ad_matmul(ad_reshape(x, AD_SHAPE(1, n)), x), AD_F64), AD_SHAPE(1), 0, n);
            ad_array *y = ones_at_end(room, dtype, AD_SHAPE(n)), *vectors[] = { x, y };
            for (int64_t m = 2; m < 20; m += 2)
                for (int i = 0; i < 2; i++) { /* by rows and by columns, from both sides */
                    ad_array *a = ad_ones(AD_SHAPE(m, n), .dtype = dtype), *b = ad_transpose(ad_ones(AD_SHAPE(n, m), .dtype = dtype)), *v = vectors[i];
                    assert_array(ad_astype(ad_sum(ad_add(ad_matmul(a, v), ad_matmul(v, ad_transpose(a)))), AD_F64), AD_SCALAR_SHAPE, 0, 2 * m * n);
                    assert_array(ad_astype(ad_sum(ad_add(ad_matmul(b, v), ad_matmul(v, ad_transpose(b)))), AD_F64), AD_SCALAR_SHAPE, 0, 2 * m * n);
                }
            for (int64_t m = 2; m < 20; m += 2) { /* rows that stand apart */
                ad_array *a = ad_at(ones_at_end(room, dtype, AD_SHAPE(n, m + 3)), ":, 3:"), *u = ad_ones(AD_SHAPE(m), .dtype = dtype);
                ad_array *v = ad_ones(AD_SHAPE(n), .dtype = dtype);
                assert_array(ad_astype(ad_sum(ad_add(ad_matmul(v, a), ad_matmul(ad_transpose(a), v))), AD_F64), AD_SCALAR_SHAPE, 0, 2 * m * n);
                assert_array(ad_astype(ad_sum(ad_add(ad_matmul(a, u), ad_matmul(u, ad_transpose(a)))), AD_F64), AD_SCALAR_SHAPE, 0, 2 * m * n);
            }
        }
    munmap(room, ROOM + page);
}
END_TEST

RUN_TESTS("product", matmul_of_small_matrices, matmul_of_every_layout, matmul_broadcasts_leading_axes, matmul_of_empty_arrays, matmul_of_every_dtype,
          matmul_refuses_what_does_not_fit, products_of_vectors, products_read_no_further_than_their_operands,
          trace_along_diagonals, tensordot_over_pairs_of_axes, einsum_of_one_operand,
          einsum_of_several_operands, einsum_of_mixed_dtypes_multiplies_in_the_common_one, einsum_errors_name_the_subscripts, derivatives_of_all_products,
          hessian_of_a_quadratic_form, transposed_and_stacked_operands_are_not_copied, every_failed_allocation_is_an_error)
