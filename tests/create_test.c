/* Making arrays: fills, ranges, grids, diagonals, triangles, conversions; values as NumPy's, derivatives, errors. */
#include "testing.h"

static ad_array *matrix(void)
{
    return ad_from((double[]){ 0.5, -1, 2, 3, 0.25, -0.75 }, AD_SHAPE(2, 3));
}

/* ---- values ---- */

START_TEST(items_that_are_no_integers_are_errors)
{
    AD_SCOPE;
    static const double none[] = { NAN, INFINITY, -1e300, 0x1p63 };
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(ad_item_int(ad_scalar(none[i])), 0);
        ck_assert_int_eq(ad_error_code(), AD_ERROR_VALUE);
        ad_clear_error();
    }
    ck_assert_int_eq(ad_item_int(ad_scalar(-2.75)), -2);
    ck_assert(ad_item_int(ad_scalar(-0x1p63)) == INT64_MIN && !ad_failed());
}
END_TEST

START_TEST(fills_have_shape_dtype_and_value)
{
    AD_SCOPE;
    ad_array *x = ad_zeros(AD_SHAPE(2), .dtype = AD_I32);
    assert_array(ad_zeros(AD_SHAPE(2)), AD_SHAPE(2), 0, 0, 0);
    assert_array(ad_ones(AD_SHAPE(2, 2), .dtype = AD_C64), AD_SHAPE(2, 2), 0, 1, 1, 1, 1);
    assert_array(ad_ones(AD_SCALAR_SHAPE, .dtype = AD_BOOL), AD_SCALAR_SHAPE, 0, 1);
    ck_assert_int_eq(ad_size(ad_empty(AD_SHAPE(3, 0))), 0);
    ck_assert_int_eq(ad_dtype_of(ad_zeros(AD_SHAPE(2))), AD_F64);
    ck_assert_int_eq(ad_dtype_of(ad_ones_like(x)), AD_I32);
    ck_assert_int_eq(ad_dtype_of(ad_zeros_like(x, .dtype = AD_F32)), AD_F32);
    ck_assert_int_eq(ad_dtype_of(ad_full(AD_SHAPE(2), 7)), AD_I64);
    assert_array(ad_full(AD_SHAPE(2), 7.5), AD_SHAPE(2), 0, 7.5, 7.5);
    assert_array(ad_full(AD_SHAPE(2, 2), ad_arange(2), .dtype = AD_F32), AD_SHAPE(2, 2), 0, 0, 1, 0, 1);
    assert_array(ad_full_like(x, 7.5), AD_SHAPE(2), 0, 7, 7);
    assert_array(ad_full(AD_SHAPE(1), 255, .dtype = AD_U8), AD_SHAPE(1), 0, 255);
    assert_fails(ad_full(AD_SHAPE(1), 256, .dtype = AD_U8), AD_ERROR_VALUE, "ad_full: 256 is out of range for uint8");
    assert_fails(ad_full_like(x, INT64_C(1) << 40), AD_ERROR_VALUE, "ad_full_like: 1099511627776 is out of range for int32");
}
END_TEST

START_TEST(empty_arrays_have_shape_and_dtype_and_are_zeros)
{
    AD_SCOPE;
    ad_array *x = ad_ones(AD_SHAPE(2, 1), .dtype = AD_C64), *y = ad_empty_like(x);
    assert_array(y, AD_SHAPE(2, 1), 0, 0, 0);
    ck_assert_int_eq(ad_dtype_of(y), AD_C64);
    ck_assert_int_eq(ad_dtype_of(ad_empty_like(x, .dtype = AD_I32)), AD_I32);
    ck_assert_int_eq(ad_dtype_of((ad_empty_like)(x)), AD_C64);
    ck_assert_int_eq(ad_dtype_of(ad_empty(AD_SHAPE(2), .dtype = AD_BOOL)), AD_BOOL);
    assert_fails(ad_empty_like(x, .dtype = (ad_dtype)99), AD_ERROR_DTYPE, "99 is not a dtype");
    ck_assert(ad_empty_like(NULL) == NULL);
    ad_clear_error();
}
END_TEST

START_TEST(eye_has_rows_columns_and_a_diagonal)
{
    AD_SCOPE;
    assert_array(ad_eye(2), AD_SHAPE(2, 2), 0, 1, 0, 0, 1);
    assert_array(ad_eye(2, .M = 3, .k = 1), AD_SHAPE(2, 3), 0, 0, 1, 0, 0, 0, 1);
    assert_array(ad_eye(3, .M = 2, .k = -2), AD_SHAPE(3, 2), 0, 0, 0, 0, 0, 1, 0);
    assert_array(ad_eye(2, .k = 5, .dtype = AD_BOOL), AD_SHAPE(2, 2), 0, 0, 0, 0, 0);
    assert_array(ad_identity(1, .dtype = AD_F32), AD_SHAPE(1, 1), 0, 1);
    ck_assert(ad_shape_equal(ad_shape_of(ad_eye(0)), AD_SHAPE(0, 0)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_eye(2, .M = 0)), AD_SHAPE(2, 0)));
}
END_TEST

START_TEST(arange_is_integer_for_integers)
{
    AD_SCOPE;
    ck_assert_int_eq(ad_dtype_of(ad_arange(3)), AD_I64);
    ck_assert_int_eq(ad_dtype_of(ad_arange(0, 3.0)), AD_F64);
    assert_array(ad_arange(3), AD_SHAPE(3), 0, 0, 1, 2);
    assert_array(ad_arange(2, 7, 2), AD_SHAPE(3), 0, 2, 4, 6);
    assert_array(ad_arange(5, 0, -2), AD_SHAPE(3), 0, 5, 3, 1);
    assert_array(ad_arange(0, 1, 0.25), AD_SHAPE(4), 0, 0, 0.25, 0.5, 0.75);
    assert_array((ad_arange)(1, 2, 0.5), AD_SHAPE(2), 0, 1, 1.5);
    ck_assert_int_eq(ad_size(ad_arange(-3)), 0);
    ck_assert_int_eq(ad_size(ad_arange(3.0, 1.0)), 0);
    ck_assert_int_eq(ad_size(ad_arange(INT64_MIN, INT64_MAX, INT64_MAX)), 3);
}
END_TEST

START_TEST(linspace_ends_at_stop)
{
    AD_SCOPE;
    ad_array *single = ad_ones(AD_SCALAR_SHAPE, .dtype = AD_F32);
    ad_array *x = ad_linspace(0.1, 0.7, .num = 7);
    assert_array(ad_linspace(0, 1, .num = 5), AD_SHAPE(5), 0, 0, 0.25, 0.5, 0.75, 1);
    assert_array(ad_linspace(0, 1, .num = 4, .endpoint = false), AD_SHAPE(4), 0, 0, 0.25, 0.5, 0.75);
    assert_array(ad_linspace(2, 5, .num = 1), AD_SHAPE(1), 0, 2);
    ck_assert_int_eq(ad_size(ad_linspace(2, 5, .num = 0)), 0);
    ck_assert_int_eq(ad_size((ad_linspace)(ad_scalar(0), ad_scalar(1))), 50);
    ck_assert(ad_item(ad_tree_get(ad_unstack(x), "6")) == 0.7);
    assert_array(ad_linspace(ad_arange(2), 2, .num = 3), AD_SHAPE(3, 2), 0, 0, 1, 1, 1.5, 2, 2);
    assert_array(ad_linspace(ad_arange(2), 2, .num = 3, .axis = -1), AD_SHAPE(2, 3), 0, 0, 1, 2, 1, 1.5, 2);
    ck_assert_int_eq(ad_dtype_of(ad_linspace(ad_ones(AD_SHAPE(1), .dtype = AD_F32), 2)), AD_F32);
    ck_assert_int_eq(ad_dtype_of(ad_linspace(ad_ones(AD_SHAPE(1), .dtype = AD_U8), single)), AD_F32);
    ck_assert_int_eq(ad_dtype_of(ad_linspace(single, ad_arange(2))), AD_F64);
    ck_assert_int_eq(ad_dtype_of(ad_linspace(ad_ones(AD_SHAPE(1), .dtype = AD_U8), ad_astype(single, AD_C64))), AD_C64);
    assert_array(ad_linspace(ad_full(AD_SHAPE(1), 200, .dtype = AD_U8), single, .num = 3), AD_SHAPE(3, 1), 0, 200, 100.5, 1);
}
END_TEST

START_TEST(linspace_in_another_dtype)
{
    AD_SCOPE;
    ad_array *far = ad_linspace(INT64_MIN, INT64_MAX, .num = 3);
    assert_array(ad_linspace(-1, 1, .num = 4, .dtype = AD_I64), AD_SHAPE(4), 0, -1, -1, 0, 1);
    assert_array(ad_linspace(-1, 1, .num = 4, .dtype = AD_BOOL), AD_SHAPE(4), 0, 1, 1, 1, 1);
    ck_assert_int_eq(ad_dtype_of(ad_linspace(0, 1, .dtype = AD_I32)), AD_I32);
    ck_assert_int_eq(ad_dtype_of(ad_linspace(0, 1, .dtype = AD_C64)), AD_C64);
    ck_assert_int_eq(ad_dtype_of(ad_linspace(ad_ones(AD_SHAPE(1), .dtype = AD_F32), 2, .dtype = AD_F64)), AD_F64);
    assert_array(ad_linspace(0, 2 + 1i, .num = 3, .dtype = AD_F64), AD_SHAPE(3), 0, 0, 1, 2);
    assert_array(far, AD_SHAPE(3), 0, -0x1p63, 0, 0x1p63);
}
END_TEST

/* Half the smallest number is 0, and so is every step of that size. */
START_TEST(linspace_divides_places_where_a_step_vanishes)
{
    AD_SCOPE;
    double small = 0x1p-1074;
    assert_array(ad_div(ad_linspace(0, 2 * small, .num = 5), small), AD_SHAPE(5), 0, 0, 0, 1, 2, 2);
    assert_array(ad_linspace(ad_arange(2), VECTOR(0, 2), .num = 3), AD_SHAPE(3, 2), 0, 0, 1, 0, 1.5, 0, 2);
}
END_TEST

START_TEST(logspace_is_a_power_of_linspace)
{
    AD_SCOPE;
    ad_array *bases = VECTOR(2, 3), *single = ad_ones(AD_SHAPE(1), .dtype = AD_F32), *spiral = ad_logspace(1i, 2, .num = 3);
    assert_array(ad_logspace(0, 2, .num = 3), AD_SHAPE(3), 0, 1, 10, 100);
    assert_array(ad_logspace(1, 2, .num = 3, .endpoint = false), AD_SHAPE(3), 1e-15, 10, 21.544346900318832, 46.415888336127772);
    assert_array(ad_logspace(0, 3, .num = 4, .base = 2), AD_SHAPE(4), 0, 1, 2, 4, 8);
    assert_array(ad_logspace(1, 3, .num = 4, .bases = bases, .axis = -1), AD_SHAPE(2, 4), 1e-15, 2, 3.1748021039363987, 5.0396841995794919, 8, 3,
                 6.2402514691557113, 12.980246132766672, 27);
    assert_array(ad_logspace(ad_arange(1, 3), 3, .num = 2), AD_SHAPE(2, 2), 0, 10, 100, 1000, 1000);
    assert_array(ad_logspace(1, 2, .num = 3, .dtype = AD_I64), AD_SHAPE(3), 0, 10, 31, 100);
    assert_array(ad_logspace(2, 3, .num = 1), AD_SHAPE(1), 0, 100);
    assert_array(ad_real(spiral), AD_SHAPE(3), 1e-14, -0.6682015101903132, 4.073073101539469, 100);
    assert_array(ad_imag(spiral), AD_SHAPE(3), 1e-14, 0.743980336957493, 9.132911666577954, 0);
    ck_assert_int_eq(ad_size(ad_logspace(0, 1, .num = 0)), 0);
    ck_assert_int_eq(ad_size((ad_logspace)(ad_scalar(0), ad_scalar(1))), 50);
    ck_assert_int_eq(ad_dtype_of(ad_logspace(single, 2)), AD_F32);
    ck_assert_int_eq(ad_dtype_of(ad_logspace(single, 2, .dtype = AD_F64)), AD_F64);
}
END_TEST

START_TEST(geomspace_has_equal_ratios)
{
    AD_SCOPE;
    ad_array *single = ad_ones(AD_SHAPE(1), .dtype = AD_F32), *column = ad_reshape(ad_from((double[]){ 8, -18 }, AD_SHAPE(2)), AD_SHAPE(2, 1));
    double r2 = sqrt(2);
    assert_array(ad_geomspace(1, 1000, .num = 4), AD_SHAPE(4), 0, 1, 10, 100, 1000);
    assert_array(ad_geomspace(-1000, -1, .num = 4), AD_SHAPE(4), 0, -1000, -100, -10, -1);
    assert_array(ad_geomspace(2, 16, .num = 3, .endpoint = false), AD_SHAPE(3), 1e-15, 2, 4, 8);
    assert_array(ad_geomspace(VECTOR(1, -2), column, .num = 3, .axis = 1), AD_SHAPE(2, 3, 2), 1e-15, 1, -2, 2 * r2, NAN, 8, 8, 1, -2, NAN, -6, -18, -18);
    assert_array(ad_geomspace(1, 1000, .num = 8, .dtype = AD_I64), AD_SHAPE(8), 0, 1, 2, 7, 19, 51, 138, 372, 1000);
    assert_array(ad_geomspace(2, 16, .num = 1), AD_SHAPE(1), 0, 2);
    ck_assert_int_eq(ad_size(ad_geomspace(2, 16, .num = 0)), 0);
    ck_assert(ad_shape_equal(ad_shape_of(ad_geomspace(ad_zeros(AD_SHAPE(0, 2)), 3, .num = 4)), AD_SHAPE(4, 0, 2)));
    ck_assert_int_eq(ad_size((ad_geomspace)(ad_scalar(2), ad_scalar(1))), 50);
    ck_assert_int_eq(ad_dtype_of(ad_geomspace(single, 2)), AD_F32);
    ck_assert_int_eq(ad_dtype_of(ad_geomspace(1, 2, .dtype = AD_F32)), AD_F32);
}
END_TEST

START_TEST(geomspace_of_complex_ends_is_a_spiral)
{
    AD_SCOPE;
    double half = sqrt(0.5);
    ad_array *circle = ad_geomspace(-1, 1, .num = 5, .dtype = AD_C128), *spiral = ad_geomspace(1 + 2i, 3 - 1i, .num = 3);
    assert_array(ad_real(circle), AD_SHAPE(5), 1e-15, -1, -half, 0, half, 1);
    assert_array(ad_imag(circle), AD_SHAPE(5), 1e-15, 0, half, 1, half, 0);
    assert_array(ad_real(spiral), AD_SHAPE(3), 1e-15, 1, 2.4567323635131157, 3);
    assert_array(ad_imag(spiral), AD_SHAPE(3), 1e-15, 2, 1.0176118640880412, -1);
    assert_array(ad_geomspace(1 + 2i, 3 - 1i, .num = 3, .dtype = AD_F64), AD_SHAPE(3), 1e-15, 1, 2.4567323635131157, 3);
}
END_TEST

static void assert_ends(ad_array *range, ad_array *start, ad_array *stop)
{
    ad_array *first = ad_all(ad_equal(ad_at(range, "0"), start)), *last = ad_all(ad_equal(ad_at(range, "-1"), stop));
    ck_assert_msg(ad_item(first) == 1 && ad_item(last) == 1, "%s", ad_error_message());
}

START_TEST(ends_of_ranges_are_exact)
{
    AD_SCOPE;
    ad_array *a = ad_random_uniform(ad_random_key(3), AD_SHAPE(500), .low = 0.1, .high = 9), *b = ad_flip(a), *c = ad_mul(a, 0.1 + 0.7i);
    assert_ends(ad_linspace(a, b, .num = 7), a, b);
    assert_ends(ad_linspace(c, b, .num = 7), c, b);
    assert_ends(ad_logspace(a, b, .num = 7), ad_pow(10.0, a), ad_pow(10.0, b));
    assert_ends(ad_geomspace(ad_neg(a), ad_neg(b), .num = 4), ad_neg(a), ad_neg(b));
    assert_ends(ad_geomspace(c, b, .num = 4), c, b);
}
END_TEST

/* ---- triangles, diagonals, conversions ---- */

START_TEST(tri_is_a_triangle_of_ones)
{
    AD_SCOPE;
    assert_array(ad_tri(2), AD_SHAPE(2, 2), 0, 1, 0, 1, 1);
    assert_array(ad_tri(2, .M = 3, .k = 1), AD_SHAPE(2, 3), 0, 1, 1, 0, 1, 1, 1);
    assert_array(ad_tri(3, .M = 2, .k = -1, .dtype = AD_BOOL), AD_SHAPE(3, 2), 0, 0, 0, 1, 0, 1, 1);
    assert_array((ad_tri)(1), AD_SHAPE(1, 1), 0, 1);
    ck_assert_int_eq(ad_dtype_of(ad_tri(2)), AD_F64);
    ck_assert_int_eq(ad_dtype_of(ad_tri(2, .dtype = AD_I32)), AD_I32);
    ck_assert(ad_shape_equal(ad_shape_of(ad_tri(0)), AD_SHAPE(0, 0)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_tri(2, .M = 0)), AD_SHAPE(2, 0)));
}
END_TEST

START_TEST(triangles_select)
{
    AD_SCOPE;
    ad_array *x = ad_from((double[]){ 1, INFINITY, NAN, 4, 5, 6 }, AD_SHAPE(2, 3));
    assert_array(ad_tril(x), AD_SHAPE(2, 3), 0, 1, 0, 0, 4, 5, 0);
    assert_array(ad_triu(matrix(), .k = 1), AD_SHAPE(2, 3), 0, 0, -1, 2, 0, 0, -0.75);
    assert_array(ad_triu(ad_ones(AD_SHAPE(2, 2, 2), .dtype = AD_BOOL)), AD_SHAPE(2, 2, 2), 0, 1, 1, 0, 1, 1, 1, 0, 1);
    ck_assert_int_eq(ad_dtype_of(ad_tril(ad_ones(AD_SHAPE(2, 2), .dtype = AD_BOOL))), AD_BOOL);
    assert_array(ad_tril(matrix(), .k = -9), AD_SHAPE(2, 3), 0, 0, 0, 0, 0, 0, 0);
    assert_array(ad_tril(ad_arange(2)), AD_SHAPE(2, 2), 0, 0, 0, 0, 1);
}
END_TEST

START_TEST(diagonals_of_any_offset_and_their_transpose)
{
    AD_SCOPE;
    ad_array *m = matrix(), *batch = ad_reshape(ad_arange(12), AD_SHAPE(2, 2, 3));
    assert_array(ad_diagonal(m), AD_SHAPE(2), 0, 0.5, 0.25);
    assert_array(ad_diagonal(m, .offset = 2), AD_SHAPE(1), 0, 2);
    assert_array(ad_diagonal(m, .offset = -1), AD_SHAPE(1), 0, 3);
    ck_assert_int_eq(ad_size(ad_diagonal(m, .offset = 3)), 0);
    assert_array(ad_diagonal(batch, .offset = 1, .axis1 = -2, .axis2 = -1), AD_SHAPE(2, 2), 0, 1, 5, 7, 11);
    assert_array(ad_diagonal(batch), AD_SHAPE(3, 2), 0, 0, 9, 1, 10, 2, 11);
    assert_array(ad_diag(ad_arange(2), .k = -1), AD_SHAPE(3, 3), 0, 0, 0, 0, 0, 0, 0, 0, 1, 0);
    assert_array(ad_diag(m, .k = 1), AD_SHAPE(2), 0, -1, -0.75);
    assert_array(ad_make_diagonal(ad_reshape(ad_arange(4), AD_SHAPE(2, 2)), .columns = 3), AD_SHAPE(2, 2, 3), 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 3, 0);
}
END_TEST

START_TEST(conversions_change_the_dtype)
{
    AD_SCOPE;
    ad_array *x = ad_from((double[]){ -1.5, 0, 2.5 }, AD_SHAPE(3));
    assert_array(ad_astype(x, AD_I64), AD_SHAPE(3), 0, -1, 0, 2);
    assert_array(ad_astype(x, AD_BOOL), AD_SHAPE(3), 0, 1, 0, 1);
    assert_array(ad_astype(ad_mul(x, 1i), AD_F64), AD_SHAPE(3), 0, 0, 0, 0);
    ck_assert_int_eq(ad_dtype_of(ad_mul(ad_astype(2.0, AD_F64), ad_astype(x, AD_F32))), AD_F64);
    ck_assert(ad_astype(x, AD_F64) == x);
    ck_assert(ad_copy(x) != x && ad_data(ad_copy(x)) != ad_data(x));
    assert_array(ad_copy(ad_flip(x)), AD_SHAPE(3), 0, 2.5, 0, -1.5);
}
END_TEST

START_TEST(asarray_makes_arrays_of_numbers)
{
    AD_SCOPE;
    ad_array *x = VECTOR(-1.5, 0, 2.5), *single = ad_astype(x, AD_F32);
    ck_assert(ad_asarray(x) == x && ad_asarray(x, .dtype = AD_F64) == x);
    ck_assert(ad_shape_equal(ad_shape_of(ad_asarray(2)), AD_SCALAR_SHAPE));
    ck_assert_int_eq(ad_dtype_of(ad_asarray(2)), AD_I64);
    ck_assert_int_eq(ad_dtype_of(ad_asarray(2 + 1i)), AD_C128);
    ck_assert_int_eq(ad_dtype_of(ad_asarray(2, .dtype = AD_F32)), AD_F32);
    ck_assert_int_eq(ad_dtype_of(ad_mul(single, 2.0)), AD_F32);
    ck_assert_int_eq(ad_dtype_of(ad_mul(single, ad_asarray(2.0))), AD_F64); /* no longer a number that widens nothing */
    assert_array(ad_asarray(x, .dtype = AD_I32), AD_SHAPE(3), 0, -1, 0, 2);
    assert_fails((ad_asarray)(NULL), AD_ERROR_VALUE, "ad_asarray: the array is NULL");
    assert_fails(ad_asarray(256, .dtype = AD_U8), AD_ERROR_VALUE, "ad_asarray: 256 is out of range for uint8");
    assert_fails(ad_asarray(x, .dtype = (ad_dtype)99), AD_ERROR_DTYPE, "ad_asarray: 99");
}
END_TEST

/* ---- derivatives ---- */

#define WAVE(name, expression)                                                                                         \
    static ad_array *wave_##name(ad_array *x)                                                                          \
    {                                                                                                                  \
        return ad_sin(expression);                                                                                     \
    }

WAVE(full, ad_full(AD_SHAPE(4, 2, 3), x))
WAVE(tril, ad_tril(x))
WAVE(triu, ad_triu(x, .k = 1))
WAVE(diagonal, ad_diagonal(x, .offset = 1))
WAVE(diagonal_of_outer_axes, ad_diagonal(ad_mul(ad_reshape(x, AD_SHAPE(2, 1, 3)), ad_reshape(x, AD_SHAPE(1, 6, 1))), .offset = -1, .axis1 = 2, .axis2 = 0))
WAVE(make_diagonal, ad_make_diagonal(x, .offset = -2))
WAVE(diag, ad_diag(ad_ravel(x), .k = 1))
WAVE(linspace, ad_linspace(x, ad_square(x), .num = 4))
WAVE(linspace_open, ad_linspace(x, 2, .num = 3, .endpoint = false, .axis = 1))
WAVE(linspace_to_complex, ad_linspace(x, ad_square(x), .num = 3, .dtype = AD_C128))
WAVE(logspace, ad_logspace(ad_mul(0.2, x), 0.3, .num = 3))
WAVE(logspace_of_bases, ad_logspace(0.5, x, .num = 3, .bases = ad_exp(ad_mul(0.3, ad_at(x, "0"))), .axis = -1))
WAVE(geomspace, ad_geomspace(ad_exp(x), 2, .num = 4, .axis = 1))
WAVE(geomspace_negative, ad_geomspace(ad_neg(ad_exp(x)), -2, .num = 3, .endpoint = false))
WAVE(geomspace_complex, ad_geomspace(ad_add(ad_exp(x), 1i), ad_sub(x, 2i), .num = 4))
WAVE(meshgrid, ad_stack(ad_meshgrid(ad_list_of(ad_at(x, "0"), ad_square(ad_at(x, "1, :2")), 2.0))))
WAVE(meshgrid_by_rows, ad_stack(ad_meshgrid(ad_list_of(ad_at(x, "0"), ad_square(ad_at(x, "1"))), .indexing = "ij")))
WAVE(meshgrid_sparse, ad_flatten(ad_meshgrid(ad_list_of(ad_at(x, "0"), ad_square(ad_at(x, "1"))), .sparse = true)))
WAVE(broadcast_arrays, ad_stack(ad_broadcast_arrays(ad_list_of(ad_at(x, "1"), ad_square(x), ad_at(x, "0, 0")))))
WAVE(asarray, ad_asarray(x, .dtype = AD_C128))
WAVE(copy, ad_copy(ad_transpose(x)))
WAVE(complex, ad_astype(ad_mul(ad_astype(x, AD_C128), ad_add(x, 1i)), AD_F64))

START_TEST(derivatives_agree_with_differences)
{
    AD_SCOPE;
    ad_array *(*const waves[])(ad_array *) = {
        wave_full, wave_tril, wave_triu, wave_diagonal, wave_diagonal_of_outer_axes, wave_make_diagonal, wave_diag, wave_linspace, wave_linspace_open,
        wave_linspace_to_complex, wave_logspace, wave_logspace_of_bases, wave_geomspace, wave_geomspace_negative, wave_geomspace_complex, wave_meshgrid,
        wave_meshgrid_by_rows, wave_meshgrid_sparse, wave_broadcast_arrays, wave_asarray,
        wave_copy, wave_complex,
    };
    for (size_t i = 0; i < sizeof waves / sizeof *waves; i++)
        ck_assert_msg(ad_check_grads(waves[i], matrix()), "function %zu: %s", i, ad_error_message());
}
END_TEST

static ad_array *single_precision(ad_array *x)
{
    return ad_sum(ad_square(ad_astype(x, AD_F32)));
}

static ad_array *rounded(ad_array *x)
{
    return ad_sum(ad_mul(x, ad_astype(x, AD_I64)));
}

OF_AB(linspace_of_one, ad_sum(ad_linspace(a, b, .num = 1)))
OF_AB(logspace_of_one, ad_sum(ad_logspace(a, b, .num = 1, .base = 2)))
OF_AB(geomspace_of_one, ad_sum(ad_geomspace(a, b, .num = 1)))
OF_AB(first_of_geomspace, ad_at(ad_geomspace(a, b, .num = 3), "0"))
OF_AB(last_of_geomspace, ad_at(ad_geomspace(a, b, .num = 3), "-1"))

START_TEST(gradients_have_the_dtype_of_the_input)
{
    AD_SCOPE;
    ad_array *x = ad_from((double[]){ 1.5, -2.5 }, AD_SHAPE(2)), *g = ad_grad(single_precision)(x);
    ck_assert_int_eq(ad_dtype_of(g), AD_F64);
    assert_array(g, AD_SHAPE(2), 0, 3, -5);
    assert_array(ad_grad(rounded)(x), AD_SHAPE(2), 0, 1, -2);
}
END_TEST

/* Whatever the other end is: between 2 and -3 a geometric sequence has no values. */
START_TEST(the_derivative_of_one_value_is_all_of_start)
{
    AD_SCOPE;
    ad_array *start = ad_scalar(2), *stop = ad_scalar(-3);
    assert_close(ad_item(ad_grad(linspace_of_one)(start, stop)), 1, 0);
    assert_close(ad_item(ad_grad(linspace_of_one, 1)(start, stop)), 0, 0);
    assert_close(ad_item(ad_grad(logspace_of_one)(start, stop)), 4 * log(2), 1e-15);
    assert_close(ad_item(ad_grad(logspace_of_one, 1)(start, stop)), 0, 0);
    assert_close(ad_item(ad_grad(geomspace_of_one)(start, stop)), 1, 0);
    assert_close(ad_item(ad_grad(geomspace_of_one, 1)(start, stop)), 0, 0);
}
END_TEST

START_TEST(the_derivatives_of_the_ends_are_1_and_0)
{
    AD_SCOPE;
    ad_array *start = ad_scalar(2), *stop = ad_scalar(-3);
    assert_close(ad_item(ad_grad(first_of_geomspace)(start, stop)), 1, 0);
    assert_close(ad_item(ad_grad(first_of_geomspace, 1)(start, stop)), 0, 0);
    assert_close(ad_item(ad_grad(last_of_geomspace)(start, stop)), 0, 0);
    assert_close(ad_item(ad_grad(last_of_geomspace, 1)(start, stop)), 1, 0);
}
END_TEST

/* ---- errors ---- */

START_TEST(errors_name_the_values)
{
    ck_assert_int_eq(ad_shape_size(AD_SHAPE(INT64_MAX, 4)), INT64_MAX);
    assert_fails(ad_from(NULL, AD_SHAPE(INT64_MAX, 4)), AD_ERROR_SHAPE, "(9223372036854775807,4)");
    assert_fails(ad_linspace(0, 1, .num = INT64_MIN), AD_ERROR_VALUE, "values");
    AD_SCOPE;
    ad_array *x = matrix();
    ad_shape deep = { .ndim = AD_MAX_NDIM };
    assert_fails(ad_zeros(AD_SHAPE(2, -1)), AD_ERROR_SHAPE, "(2,-1)");
    assert_fails(ad_ones(AD_SHAPE(2), .dtype = (ad_dtype)99), AD_ERROR_DTYPE, "99");
    assert_fails(ad_zeros((ad_shape){ .ndim = 33 }), AD_ERROR_SHAPE, "33");
    assert_fails(ad_full(AD_SHAPE(2), x), AD_ERROR_SHAPE, "(2,3)");
    assert_fails(ad_eye(-1), AD_ERROR_SHAPE, "-1");
    assert_fails(ad_arange(0, 1, 0), AD_ERROR_VALUE, "the step is 0");
    assert_fails(ad_arange(0, 1, 1e-300), AD_ERROR_VALUE, "ad_arange");
    assert_fails(ad_arange(NAN), AD_ERROR_VALUE, "ad_arange");
    assert_fails(ad_linspace(0, 1, .num = -1), AD_ERROR_VALUE, "ad_linspace: -1");
    assert_fails(ad_linspace(0, 1, .axis = 1), AD_ERROR_AXIS, "ad_linspace: axis 1");
    assert_fails(ad_linspace(0, 1, .dtype = (ad_dtype)99), AD_ERROR_DTYPE, "ad_linspace: 99");
    assert_fails(ad_linspace(0, 1i, .dtype = AD_I32), AD_ERROR_DTYPE, "ad_linspace: complex128 values cannot be rounded down to int32");
    assert_fails(ad_linspace(0, ad_zeros(deep)), AD_ERROR_SHAPE, "ad_linspace: 33 dimensions");
    assert_fails(ad_logspace(0, 1, .num = -2), AD_ERROR_VALUE, "ad_logspace: -2");
    assert_fails(ad_logspace(x, 1, .bases = ad_ones(AD_SHAPE(2))), AD_ERROR_SHAPE, "ad_logspace: an array of shape (2,) (number 2)");
    assert_fails(ad_geomspace(x, ad_ones(AD_SHAPE(4))), AD_ERROR_SHAPE, "ad_geomspace: an array of shape (4,) (number 1) does not broadcast with shape (2,3)");
    assert_fails(ad_geomspace(1, ad_mul(x, ad_arange(3))), AD_ERROR_VALUE, "ad_geomspace: stop, of shape (2,3), has an element 0");
    assert_fails(ad_geomspace(0, 1), AD_ERROR_VALUE, "ad_geomspace: start, of shape (),");
    assert_fails(ad_geomspace(1, 2, .axis = -2), AD_ERROR_AXIS, "ad_geomspace: axis -2");
    assert_fails(ad_linspace(1, (ad_array *)NULL), AD_ERROR_VALUE, "ad_linspace: the stop is NULL");
    assert_fails(ad_logspace((ad_array *)NULL, 1), AD_ERROR_VALUE, "ad_logspace: the start is NULL");
    assert_fails(ad_geomspace(1, (ad_array *)NULL), AD_ERROR_VALUE, "ad_geomspace: the stop is NULL");
    assert_fails(ad_tril(1), AD_ERROR_SHAPE, "ad_tril");
    assert_fails(ad_diag(ad_zeros(AD_SHAPE(1, 1, 1))), AD_ERROR_SHAPE, "(1,1,1)");
    assert_fails(ad_diagonal(ad_zeros(AD_SHAPE(3))), AD_ERROR_SHAPE, "(3,)");
    assert_fails(ad_diagonal(x, .axis1 = 1), AD_ERROR_AXIS, "both 1");
    assert_fails(ad_make_diagonal(x, .rows = 5, .columns = 2), AD_ERROR_SHAPE, "(5,2)");
    assert_fails(ad_make_diagonal(1), AD_ERROR_SHAPE, "0 dimensions");
    assert_fails(ad_astype(x, (ad_dtype)-2), AD_ERROR_DTYPE, "-2");
}
END_TEST

static ad_array *every_grid(ad_array *x)
{
    ad_tree *grid = ad_meshgrid(ad_list_of(x, ad_tri(2, .k = -1))), *places = ad_tril_indices(2);
    ad_array *sum = grid ? ad_add(ad_tree_get(grid, "0"), ad_sum(ad_indices(AD_SHAPE(4, 1)), .axis = 0)) : NULL;
    return places && ad_diag_indices(2) ? ad_mul(sum, ad_sum(ad_tree_get(places, "0"))) : NULL;
}

static ad_array *every_range(ad_array *x)
{
    ad_array *y = ad_geomspace(x, 2, .num = 3, .dtype = AD_C128);
    return ad_asarray(ad_logspace(y, ad_linspace(0, 4, .num = 3, .dtype = AD_I64), .num = 2, .axis = -1), .dtype = AD_F32);
}

static ad_array *everything(ad_array *x)
{
    x = ad_add(ad_mul(x, ad_eye(4, .k = 1)), ad_full(AD_SHAPE(4, 4), ad_linspace(0, 1, .num = 4)));
    return ad_copy(ad_diag(ad_diagonal(ad_tril(ad_astype(ad_mul(x, ad_ones_like(x)), AD_F32)))));
}

START_TEST(every_allocation_may_fail)
{
    assert_every_allocation_may_fail(everything, ad_scalar(1));
    assert_every_allocation_may_fail(every_range, ad_scalar(1));
    assert_every_allocation_may_fail(every_grid, ad_scalar(1));
}
END_TEST

RUN_TESTS("create", items_that_are_no_integers_are_errors, fills_have_shape_dtype_and_value,
          empty_arrays_have_shape_and_dtype_and_are_zeros, eye_has_rows_columns_and_a_diagonal,
          arange_is_integer_for_integers, linspace_ends_at_stop, linspace_in_another_dtype,
          linspace_divides_places_where_a_step_vanishes, logspace_is_a_power_of_linspace, geomspace_has_equal_ratios,
          geomspace_of_complex_ends_is_a_spiral, ends_of_ranges_are_exact, tri_is_a_triangle_of_ones, triangles_select,
          diagonals_of_any_offset_and_their_transpose, conversions_change_the_dtype, asarray_makes_arrays_of_numbers,
          derivatives_agree_with_differences, gradients_have_the_dtype_of_the_input,
          the_derivative_of_one_value_is_all_of_start, the_derivatives_of_the_ends_are_1_and_0, errors_name_the_values,
          every_allocation_may_fail)
