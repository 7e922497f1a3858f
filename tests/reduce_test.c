/* Reductions and running sums: values and errors as NumPy's, derivatives where elements tie or are zero, and results
 * that do not depend on how an array lies in memory. */
#include "testing.h"
#include <complex.h>

static const double values[] = { 0.3, -1.7, 2.9, 1.1, 0.7, -0.4 };

static ad_array *matrix(void)
{
    return ad_from(values, AD_SHAPE(2, 3));
}

static ad_array *complex_vector(void)
{
    return ad_from_data(AD_C128, (ad_complex[]){ 1 + 2i, -0.5 + 0.25i, 3 - 1i }, AD_SHAPE(3));
}

static ad_array *bytes(uint8_t a, uint8_t b)
{
    return ad_from_data(AD_U8, (uint8_t[]){ a, b }, AD_SHAPE(2));
}

/* ---- values ---- */

START_TEST(axes_are_one_or_several_or_all)
{
    AD_SCOPE;
    ad_array *x = counting(AD_SHAPE(2, 3, 2));
    assert_array(ad_sum(x), AD_SCALAR_SHAPE, 0, 66);
    assert_array((ad_sum)(x), AD_SCALAR_SHAPE, 0, 66);
    assert_array(ad_sum(x, .axis = 0), AD_SHAPE(3, 2), 0, 6, 8, 10, 12, 14, 16);
    assert_array(ad_sum(x, .axis = -2), AD_SHAPE(2, 2), 0, 6, 9, 24, 27);
    assert_array(ad_sum(x, .axes = AD_AXES(-1, 0)), AD_SHAPE(3), 0, 14, 22, 30);
    assert_array(ad_sum(x, .axes = AD_AXES(0, 2)), AD_SHAPE(3), 0, 14, 22, 30);
    assert_array(ad_sum(x, .axes = AD_AXES(0, 1, 2)), AD_SCALAR_SHAPE, 0, 66);
    assert_array(ad_sum(x, .axis = 1, .keepdims = true), AD_SHAPE(2, 1, 2), 0, 6, 9, 24, 27);
    assert_array(ad_max(x, .axes = AD_AXES(0, -1), .keepdims = true), AD_SHAPE(1, 3, 1), 0, 7, 9, 11);
    assert_array(ad_min(x, .keepdims = true), AD_SHAPE(1, 1, 1), 0, 0);
    assert_array(ad_sum(2.5), AD_SCALAR_SHAPE, 0, 2.5);
}
END_TEST

START_TEST(sums_products_and_means)
{
    AD_SCOPE;
    ad_array *x = counting(AD_SHAPE(2, 3));
    assert_array(ad_prod(x, .axis = 1), AD_SHAPE(2), 0, 0, 60);
    assert_array(ad_prod(ad_add(x, 1)), AD_SCALAR_SHAPE, 0, 720);
    assert_array(ad_prod(-3), AD_SCALAR_SHAPE, 0, -3);
    assert_array(ad_mean(x), AD_SCALAR_SHAPE, 0, 2.5);
    assert_array(ad_mean(x, .axis = 0, .keepdims = true), AD_SHAPE(1, 3), 0, 1.5, 2.5, 3.5);
    assert_array(ad_mean(x, .axis = 0), AD_SHAPE(3), 0, 1.5, 2.5, 3.5);
    assert_array(ad_ptp(x, .axis = 1), AD_SHAPE(2), 0, 2, 2);
    ad_complex p = ad_item_complex(ad_prod(complex_vector())), m = ad_item_complex(ad_mean(complex_vector()));
    assert_close(creal(p), -3.75, 1e-15); /* (1+2i) (-1/2+i/4) (3-i) = (-1-3i/4) (3-i) */
    assert_close(cimag(p), -1.25, 1e-15);
    assert_close(creal(m), 3.5 / 3, 1e-15);
    assert_close(cimag(m), 1.25 / 3, 1e-15);
}
END_TEST

/* NumPy 2.4: numpy.var and numpy.std. */
START_TEST(variance_and_deviation)
{
    AD_SCOPE;
    ad_array *x = matrix(), *z = complex_vector();
    assert_array(ad_var(x), AD_SCALAR_SHAPE, 1e-15, 1.9747222222222218);
    assert_array(ad_var(x, .axis = 0), AD_SHAPE(3), 1e-15, 0.16, 1.44, 2.7225);
    assert_array(ad_var(x, .axis = -1, .ddof = 1, .keepdims = true), AD_SHAPE(2, 1), 1e-15, 5.32, 0.6033333333333335);
    assert_array(ad_std(x), AD_SCALAR_SHAPE, 1e-15, 1.405248099882089);
    assert_array(ad_std(x, .axis = 0), AD_SHAPE(3), 1e-15, 0.4, 1.2, 1.65);
    assert_array(ad_std(x, .axis = 1, .ddof = 1), AD_SHAPE(2), 1e-15, 2.3065125189341593, 0.7767453465154031);
    ck_assert_int_eq(ad_dtype_of(ad_var(z)), AD_F64);
    ck_assert_int_eq(ad_dtype_of(ad_std(ad_astype(z, AD_C64))), AD_F32);
    assert_close(ad_item(ad_var(z)), 3.569444444444444, 1e-15);
    assert_close(ad_item(ad_std(z, .ddof = 1)), 2.313907229485803, 1e-15);
    assert_close(ad_item(ad_var(VECTOR(1, 2, 3), .ddof = 3)), INFINITY, 0);
    assert_close(ad_item(ad_std(VECTOR(1, 2, 3), .ddof = 5)), INFINITY, 0);
    assert_close(ad_item(ad_var(VECTOR(1), .ddof = 1)), NAN, 0);
    assert_close(ad_item(ad_var(7)), 0, 0);
}
END_TEST

START_TEST(positions_are_those_of_the_first)
{
    AD_SCOPE;
    ad_array *x = ad_from((double[]){ 3, 1, 3, -2, 5, -2 }, AD_SHAPE(2, 3)), *nan = VECTOR(1, NAN, 0, NAN);
    assert_array(ad_argmax(x), AD_SCALAR_SHAPE, 0, 4);
    assert_array(ad_argmin(x), AD_SCALAR_SHAPE, 0, 3);
    assert_array(ad_argmax(x, .axis = 1), AD_SHAPE(2), 0, 0, 1);
    assert_array(ad_argmin(x, .axis = -1, .keepdims = true), AD_SHAPE(2, 1), 0, 1, 0);
    assert_array(ad_argmax(ad_transpose(x), .axis = 0), AD_SHAPE(2), 0, 0, 1);
    assert_array(ad_argmax(x, .keepdims = true), AD_SHAPE(1, 1), 0, 4);
    assert_array(ad_argmax(nan), AD_SCALAR_SHAPE, 0, 1);
    assert_array(ad_argmin(nan), AD_SCALAR_SHAPE, 0, 1);
    assert_array(ad_argmax(2.5), AD_SCALAR_SHAPE, 0, 0);
    assert_array(ad_argmax(ad_greater(x, 4)), AD_SCALAR_SHAPE, 0, 4);
    ck_assert_int_eq(ad_dtype_of(ad_argmin(x)), AD_I64);
}
END_TEST

START_TEST(complex_numbers_are_ordered_by_real_then_imaginary_part)
{
    AD_SCOPE;
    ad_array *z = ad_from_data(AD_C128, (ad_complex[]){ 1 + 2i, 1 + 3i, 0.0 + 9i, 1 - 5i, 0.0 + 9i }, AD_SHAPE(5));
    ad_array *nan = ad_from_data(AD_C128, (double[]){ 1, 2, 0, NAN, 9, 0 }, AD_SHAPE(3));
    ad_array *low = ad_from_data(AD_C128, (double[]){ -INFINITY, -5 }, AD_SHAPE(1));
    ck_assert(ad_item_complex(ad_max(z)) == 1 + 3i && ad_item_complex(ad_min(z)) == 9i && ad_item_complex(ad_ptp(z)) == 1 - 6i);
    ck_assert_int_eq(ad_item_int(ad_argmax(z)), 1);
    ck_assert_int_eq(ad_item_int(ad_argmin(z)), 2);
    ck_assert(ad_item_complex(ad_max(ad_astype(z, AD_C64))) == 1 + 3i);
    ck_assert_int_eq(ad_item_int(ad_argmin(ad_astype(z, AD_C64))), 2);
    ck_assert(isnan(cimag(ad_item_complex(ad_max(nan)))) && isnan(cimag(ad_item_complex(ad_min(nan)))));
    ck_assert_int_eq(ad_item_int(ad_argmax(nan)), 1);
    assert_close(cimag(ad_item_complex(ad_max(low))), -5, 0);
    ad_array *tiled = ad_tile(z, AD_SHAPE(7, 20));
    ck_assert(ad_item_complex(ad_sum(ad_max(tiled, .axis = 1))) == 7 + 21i);
    ck_assert(ad_item_complex(ad_sum(ad_min(tiled, .axis = 0))) == ad_item_complex(ad_sum(z)) * 20);
}
END_TEST

/* Rows longer than the kernel's blocks, of every dtype, backwards and with steps: 5 at `at` and after it, smaller
 * before. */
START_TEST(extrema_of_long_rows)
{
    enum { N = 5000 };
    static const ad_dtype dtypes[] = { AD_F64, AD_F32, AD_C128, AD_C64, AD_I64, AD_I32, AD_U8 };
    static const int places[] = { 0, 31, 32, 1023, 1024, 1025, 3333, N - 1 };
    AD_SCOPE;
    for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; d++)
        for (size_t p = 0; p < sizeof places / sizeof *places; p++) {
            ad_array *place = ad_arange(N), *x = ad_where(ad_less(place, places[p]), ad_mod(place, 5), 5);
            x = ad_astype(x, dtypes[d]);
            ck_assert_int_eq(ad_item_int(ad_argmax(x)), places[p]);
            ck_assert_int_eq(ad_item_int(ad_argmax(ad_flip(ad_flip(x)))), places[p]);
            ck_assert_int_eq(ad_item_int(ad_argmax(ad_at(ad_repeat(x, 2), "::2"))), places[p]);
            assert_close(ad_item(ad_astype(ad_max(x), AD_F64)), 5, 0);
            assert_close(ad_item(ad_astype(ad_min(ad_flip(x)), AD_F64)), places[p] ? 0 : 5, 0);
            ck_assert_int_eq(ad_item_int(ad_argmin(ad_flip(x))), places[p] ? N - 1 - (places[p] - 1) / 5 * 5 : 0);
        }
}
END_TEST

/* As NumPy's. */
START_TEST(zero_dimensional_arrays_take_axis_0_and_minus_1)
{
    AD_SCOPE;
    ad_array *x = ad_scalar(3);
    for (int axis = -1; axis <= 0; axis++) {
        assert_array(ad_sum(x, .axis = axis), AD_SCALAR_SHAPE, 0, 3);
        assert_array(ad_max(x, .axis = axis, .keepdims = true), AD_SCALAR_SHAPE, 0, 3);
        assert_array(ad_argmin(x, .axis = axis), AD_SCALAR_SHAPE, 0, 0);
        assert_array(ad_all(x, .axis = axis), AD_SCALAR_SHAPE, 0, 1);
        assert_array(ad_cumsum(x, .axis = axis), AD_SHAPE(1), 0, 3);
        assert_array(ad_argsort(x, .axis = axis), AD_SHAPE(1), 0, 0);
        assert_array(ad_softmax(x, .axis = axis), AD_SCALAR_SHAPE, 0, 1);
        assert_array(ad_logsumexp(x, .axis = axis), AD_SCALAR_SHAPE, 0, 3);
        assert_array(ad_take(x, 0, .axis = axis), AD_SCALAR_SHAPE, 0, 3);
        assert_array(ad_repeat(x, 2, .axis = axis), AD_SHAPE(2), 0, 3, 3);
        assert_array(ad_squeeze(x, .axis = axis), AD_SCALAR_SHAPE, 0, 3);
    }
    assert_fails(ad_sum(x, .axis = -2), AD_ERROR_AXIS, "ad_sum: axis -2 is out of range for an array of 0 dimensions");
    assert_fails(ad_sum(x, .axes = AD_AXES(0)), AD_ERROR_AXIS, "ad_sum: axis 0");
}
END_TEST

static ad_array *masked_moments(ad_array *x)
{
    ad_array *where = ad_greater(ad_arange(6), 1), *rows = ad_reshape(where, AD_SHAPE(2, 3));
    ad_array *y = ad_add(ad_prod(x, .where = rows, .initial = ad_scalar(0.5)), ad_sum(ad_var(x, .axis = 1, .where = rows)));
    return ad_add(y, ad_add(ad_sum(ad_max(x, .axis = 0, .where = rows, .initial = ad_scalar(0.25))), ad_mean(x, .where = rows)));
}

/* NumPy 2.4. */
START_TEST(where_and_initial)
{
    AD_SCOPE;
    ad_array *x = ad_from((double[]){ 3, NAN, 2, -1, 7, 4 }, AD_SHAPE(2, 3)), *five = ad_scalar(5);
    ad_array *where = ad_from((double[]){ 1, 0, 1, 0, 1, 1 }, AD_SHAPE(2, 3));
    assert_array(ad_sum(x, .axis = 0, .where = where), AD_SHAPE(3), 0, 3, 7, 6);
    assert_array(ad_sum(x, .axis = 1, .where = where, .initial = five, .keepdims = true), AD_SHAPE(2, 1), 0, 10, 16);
    assert_array(ad_prod(x, .where = where, .initial = five), AD_SCALAR_SHAPE, 0, 840);
    assert_array(ad_mean(x, .axis = 1, .where = where), AD_SHAPE(2), 0, 2.5, 5.5);
    assert_array(ad_var(x, .axis = 1, .where = where, .ddof = 1), AD_SHAPE(2), 1e-15, 0.5, 4.5);
    assert_array(ad_std(x, .axis = 0, .where = where), AD_SHAPE(3), 0, 0, 0, 1);
    assert_array(ad_mean(x, .where = ad_zeros(AD_SCALAR_SHAPE)), AD_SCALAR_SHAPE, 0, NAN);
    assert_array(ad_max(x, .axis = 0, .where = where, .initial = five), AD_SHAPE(3), 0, 5, 7, 5);
    assert_array(ad_min(x, .axis = 1, .where = VECTOR(1, 0, 1), .initial = five), AD_SHAPE(2), 0, 2, -1);
    assert_array(ad_max(ad_zeros(AD_SHAPE(2, 0)), .axis = 1, .initial = five), AD_SHAPE(2), 0, 5, 5);
    assert_array(ad_min(VECTOR(3, NAN), .initial = five), AD_SCALAR_SHAPE, 0, NAN);
    assert_array(ad_any(x, .axis = 1, .where = ad_zeros(AD_SHAPE(3))), AD_SHAPE(2), 0, 0, 0);
    assert_array(ad_all(VECTOR(0, 1), .where = VECTOR(0, 1)), AD_SCALAR_SHAPE, 0, 1);
    ad_array *n = ad_from_data(AD_I32, (int32_t[]){ 1, 2 }, AD_SHAPE(2));
    ck_assert_int_eq(ad_dtype_of(ad_max(n, .initial = ad_scalar(2.5))), AD_I32);
    assert_array(ad_sum(n, .initial = ad_scalar(0.5)), AD_SCALAR_SHAPE, 0, 3);
    ck_assert_msg(ad_check_grads(masked_moments, ad_from((double[]){ 0.3, -0.7, 1.1, -1.3, 0.9, 0.2 }, AD_SHAPE(2, 3))), "%s", ad_error_message());
    ad_array *z = ad_from_data(AD_C128, (ad_complex[]){ 1 + 2i, 3 - 1i }, AD_SHAPE(2)), *single = ad_astype(VECTOR(1, 2, 3), AD_F32);
    ck_assert(ad_item_complex(ad_max(z, .initial = ad_weak_complex(3))) == 3 && ad_item_complex(ad_min(z, .initial = ad_scalar(2))) == 1 + 2i);
    ck_assert_int_eq(ad_dtype_of(ad_mean(single, .where = VECTOR(1, 0, 1))), AD_F32);
    ck_assert_int_eq(ad_dtype_of(ad_std(ad_astype(z, AD_C64), .where = VECTOR(1, 0))), AD_F32);
    ck_assert(signbit(ad_item(ad_max(ad_zeros(AD_SHAPE(0)), .initial = ad_scalar(-0.0)))));
    assert_fails(ad_max(n, .initial = ad_scalar(NAN)), AD_ERROR_VALUE, "ad_max: .initial, a number of float64, cannot be one of int32");
    assert_fails(ad_max(ad_astype(n, AD_U8), .initial = ad_weak_integer(-1)), AD_ERROR_VALUE, "cannot be one of uint8");
    assert_fails(ad_sum(x, .initial = ad_weak_complex(1i)), AD_ERROR_VALUE, "ad_sum: .initial, a number of complex128, cannot be one of float64");
    assert_fails(ad_max(x, .where = where), AD_ERROR_VALUE, "ad_max: with .where it needs an .initial");
    assert_fails(ad_sum(x, .where = ad_ones(AD_SHAPE(4, 2, 3))), AD_ERROR_SHAPE, "ad_sum: .where of shape (4,2,3) does not broadcast to shape (2,3)");
    assert_fails(ad_sum(x, .initial = VECTOR(1, 2)), AD_ERROR_SHAPE, "ad_sum: .initial of shape (2,)");
    assert_fails(ad_argmax(x, .where = where), AD_ERROR_VALUE, "ad_argmax: does not take .where");
    assert_fails(ad_softmax(x, .initial = five), AD_ERROR_VALUE, "ad_softmax: does not take .initial");
    assert_fails(ad_mean(x, .initial = five), AD_ERROR_VALUE, "ad_mean: does not take .initial");
}
END_TEST

START_TEST(any_and_all_ask_for_zeros)
{
    AD_SCOPE;
    ad_array *x = ad_from((double[]){ 0, 1, 0, 0, -2, NAN }, AD_SHAPE(2, 3));
    assert_array(ad_any(x, .axis = 0), AD_SHAPE(3), 0, 0, 1, 1);
    assert_array(ad_all(x, .axis = 0), AD_SHAPE(3), 0, 0, 1, 0);
    assert_array(ad_any(x, .axis = 1, .keepdims = true), AD_SHAPE(2, 1), 0, 1, 1);
    assert_array(ad_all(VECTOR(NAN, INFINITY)), AD_SCALAR_SHAPE, 0, 1);
    assert_array(ad_any(ad_mul(ad_weak_complex(1i), VECTOR(0, 1e-300))), AD_SCALAR_SHAPE, 0, 1);
    assert_array(ad_all(bytes(1, 0)), AD_SCALAR_SHAPE, 0, 0);
    ck_assert_int_eq(ad_dtype_of(ad_any(x)), AD_BOOL);
}
END_TEST

START_TEST(nan_propagates)
{
    AD_SCOPE;
    ad_array *x = ad_from((double[]){ 1, NAN, 3, 4, 5, 6 }, AD_SHAPE(2, 3));
    assert_array(ad_max(x, .axis = 0), AD_SHAPE(3), 0, 4, NAN, 6);
    assert_array(ad_min(x, .axis = 1), AD_SHAPE(2), 0, NAN, 4);
    assert_array(ad_ptp(x, .axis = 1), AD_SHAPE(2), 0, NAN, 2);
    assert_array(ad_sum(x, .axis = 1), AD_SHAPE(2), 0, NAN, 15);
    assert_array(ad_std(x, .axis = 1, .ddof = 2), AD_SHAPE(2), 1e-15, NAN, M_SQRT2);
    assert_array(ad_cumprod(x, .axis = 1), AD_SHAPE(2, 3), 0, 1, NAN, NAN, 4, 20, 120);
    for (int at = 0; at < 100; at++) { /* wherever it is among the lanes of the kernel */
        ad_array *one = ad_at_set(ad_zeros(AD_SHAPE(100)), NAN, "%d", at);
        ck_assert(isnan(ad_item(ad_max(one))) && isnan(ad_item(ad_min(ad_astype(one, AD_F32)))));
        ck_assert_int_eq(ad_item_int(ad_argmax(one)), at);
    }
}
END_TEST

START_TEST(empty_reductions)
{
    AD_SCOPE;
    ad_array *x = ad_zeros(AD_SHAPE(0, 2));
    assert_array(ad_sum(x, .axis = 0), AD_SHAPE(2), 0, 0, 0);
    assert_array(ad_prod(x, .axis = 0), AD_SHAPE(2), 0, 1, 1);
    assert_array(ad_prod(x), AD_SCALAR_SHAPE, 0, 1);
    assert_array(ad_mean(x, .axis = 0), AD_SHAPE(2), 0, NAN, NAN);
    assert_array(ad_std(x, .axis = 0), AD_SHAPE(2), 0, NAN, NAN);
    assert_array(ad_any(x), AD_SCALAR_SHAPE, 0, 0);
    assert_array(ad_all(x, .axis = 0), AD_SHAPE(2), 0, 1, 1);
    ad_array *empty[] = { ad_sum(x, .axis = 1),    ad_prod(x, .axis = 1), ad_mean(x, .axis = 1), ad_var(x, .axis = 1), ad_max(x, .axis = 1),
                          ad_argmax(x, .axis = 1), ad_any(x, .axis = 1),  ad_cumsum(x),          ad_cumprod(x),        ad_ptp(x, .axis = -1) };
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
        ck_assert_msg(empty[i] && ad_shape_equal(ad_shape_of(empty[i]), AD_SHAPE(0)), "%zu: %s", i, ad_error_message());
    ck_assert(ad_shape_equal(ad_shape_of(ad_cumsum(x, .axis = 0)), AD_SHAPE(0, 2)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_linear_recurrence(x, x)), AD_SHAPE(0, 2)));
    ad_array *(*const functions[])(ad_array *) = { ad_sum, ad_prod, ad_mean, ad_var, ad_std };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        ck_assert(ad_shape_equal(ad_shape_of(ad_grad(functions[i])(x)), AD_SHAPE(0, 2)));
}
END_TEST

START_TEST(integers_and_bools_promote)
{
    AD_SCOPE;
    ad_array *i = ad_arange(1, 5), *b = ad_greater(i, 2), *u = bytes(200, 100);
    ad_dtype dtypes[] = { ad_dtype_of(ad_sum(b)),  ad_dtype_of(ad_sum(u)),    ad_dtype_of(ad_prod(ad_astype(i, AD_I32))), ad_dtype_of(ad_cumsum(u)),
                          ad_dtype_of(ad_mean(i)), ad_dtype_of(ad_mean(b)),   ad_dtype_of(ad_var(u)),                     ad_dtype_of(ad_std(b)),
                          ad_dtype_of(ad_max(u)),  ad_dtype_of(ad_max(b)),    ad_dtype_of(ad_min(ad_astype(i, AD_I32))),  ad_dtype_of(ad_ptp(u)),
                          ad_dtype_of(ad_linear_recurrence(i, i)) };
    ad_dtype expected[] = { AD_I64, AD_I64, AD_I64, AD_I64, AD_F64, AD_F64, AD_F64, AD_F64, AD_U8, AD_BOOL, AD_I32, AD_U8, AD_F64 };
    for (size_t k = 0; k < sizeof dtypes / sizeof *dtypes; k++)
        ck_assert_msg(dtypes[k] == expected[k], "%zu: %s", k, ad_dtype_name(dtypes[k]));
    assert_array(ad_sum(b), AD_SCALAR_SHAPE, 0, 2);
    assert_array(ad_sum(u), AD_SCALAR_SHAPE, 0, 300);
    assert_array(ad_prod(i), AD_SCALAR_SHAPE, 0, 24);
    assert_array(ad_mean(b), AD_SCALAR_SHAPE, 0, 0.5);
    assert_array(ad_var(i), AD_SCALAR_SHAPE, 1e-15, 1.25);
    assert_array(ad_cumsum(b), AD_SHAPE(4), 0, 0, 0, 1, 2);
    assert_array(ad_max(b), AD_SCALAR_SHAPE, 0, 1);
    assert_array(ad_min(ad_neg(i)), AD_SCALAR_SHAPE, 0, -4);
    assert_array(ad_max(ad_from_data(AD_I64, (int64_t[]){ INT64_MIN }, AD_SHAPE(1))), AD_SCALAR_SHAPE, 0, (double)INT64_MIN);
    ck_assert_int_eq(ad_dtype_of(ad_sum(ad_astype(i, AD_F32))), AD_F32);
    ck_assert_int_eq(ad_dtype_of(ad_mean(ad_astype(i, AD_F32))), AD_F32);
}
END_TEST

START_TEST(dtype_is_what_is_computed_in)
{
    AD_SCOPE;
    ad_array *u = bytes(200, 100), *big = ad_full(AD_SHAPE(2), 3e38, .dtype = AD_F32);
    assert_array(ad_sum(u, .dtype = AD_U8), AD_SCALAR_SHAPE, 0, 44);
    assert_array(ad_cumsum(u, .dtype = AD_U8), AD_SHAPE(2), 0, 200, 44);
    assert_array(ad_sum(VECTOR(1.5, 2.7), .dtype = AD_I64), AD_SCALAR_SHAPE, 0, 3);
    assert_array(ad_sum(u, .dtype = AD_BOOL), AD_SCALAR_SHAPE, 0, 1);
    ck_assert(isinf(ad_item(ad_sum(big))) && ad_item(ad_sum(big, .dtype = AD_F64)) > 5e38 && ad_item(ad_mean(big, .dtype = AD_F64)) > 2e38);
    ck_assert_int_eq(ad_dtype_of(ad_mean(u, .dtype = AD_F32)), AD_F32);
    ck_assert_int_eq(ad_dtype_of(ad_var(u, .dtype = AD_F32)), AD_F32);
    ck_assert_int_eq(ad_dtype_of(ad_prod(u, .dtype = AD_C64)), AD_C64);
    ck_assert_int_eq(ad_dtype_of(ad_sum(u, .dtype = AD_I32)), AD_I32);
    ck_assert_int_eq(ad_dtype_of(ad_cumprod(u, .dtype = AD_F64)), AD_F64);
}
END_TEST

START_TEST(running_sums_and_products)
{
    AD_SCOPE;
    ad_array *x = ad_add(counting(AD_SHAPE(2, 3)), 1);
    assert_array(ad_cumsum(x), AD_SHAPE(6), 0, 1, 3, 6, 10, 15, 21);
    assert_array((ad_cumprod)(x), AD_SHAPE(6), 0, 1, 2, 6, 24, 120, 720);
    assert_array(ad_cumsum(x, .axis = 0), AD_SHAPE(2, 3), 0, 1, 2, 3, 5, 7, 9);
    assert_array(ad_cumprod(x, .axis = -1), AD_SHAPE(2, 3), 0, 1, 2, 6, 4, 20, 120);
    assert_array(ad_cumsum(x, .axis = 1, .reverse = true), AD_SHAPE(2, 3), 0, 6, 5, 3, 15, 11, 6);
    assert_array(ad_cumprod(x, .axis = 0, .reverse = true), AD_SHAPE(2, 3), 0, 4, 10, 18, 4, 5, 6);
    assert_array(ad_cumsum(x, .axis = 1, .exclusive = true), AD_SHAPE(2, 3), 0, 0, 1, 3, 0, 4, 9);
    assert_array(ad_cumprod(x, .axis = 1, .exclusive = true, .reverse = true), AD_SHAPE(2, 3), 0, 6, 3, 1, 30, 6, 1);
    assert_array(ad_cumsum(3), AD_SHAPE(1), 0, 3);
    assert_array(ad_cumsum(ad_flip(ad_transpose(x)), .axis = 0), AD_SHAPE(3, 2), 0, 6, 3, 11, 5, 15, 6);
}
END_TEST

START_TEST(recurrence_follows_its_equation)
{
    AD_SCOPE;
    ad_array *a = VECTOR(9, 2, 3), *b = VECTOR(1, 10, 100);
    assert_array(ad_linear_recurrence(a, b), AD_SHAPE(3), 0, 1, 12, 136);
    assert_array(ad_linear_recurrence(a, b, .reverse = true), AD_SHAPE(3), 0, 1 + 9 * 210., 210, 100);
    assert_array(ad_linear_recurrence(2, b), AD_SHAPE(3), 0, 1, 12, 124);
    assert_array(ad_linear_recurrence(ad_reshape(VECTOR(1, 2), AD_SHAPE(2, 1)), b), AD_SHAPE(2, 3), 0, 1, 11, 111, 1, 12, 124);
    assert_array(ad_linear_recurrence(2, ad_ones(AD_SHAPE(3, 2)), .axis = 0), AD_SHAPE(3, 2), 0, 1, 1, 3, 3, 7, 7);
    assert_array(ad_linear_recurrence(VECTOR(NAN, 2), VECTOR(1, 1)), AD_SHAPE(2), 0, 1, 3);
    ad_complex last = ad_item_complex(ad_at(ad_linear_recurrence(1i, ad_ones(AD_SHAPE(4))), "-1"));
    ck_assert(last == 0); /* 1 + i + i^2 + i^3 */
    ck_assert_int_eq(ad_dtype_of(ad_linear_recurrence(2, ad_ones(AD_SHAPE(3), .dtype = AD_F32))), AD_F32);
}
END_TEST

/* ---- memory ---- */

typedef ad_array *function(ad_array *);

#define ALONG(name, expression)                                                                                        \
    static ad_array *name(ad_array *x)                                                                                 \
    {                                                                                                                  \
        return expression;                                                                                             \
    }

ALONG(sum_0, ad_sum(x, .axis = 0))
ALONG(sum_1, ad_sum(x, .axis = 1))
ALONG(sum_02, ad_sum(x, .axes = AD_AXES(0, 2)))
ALONG(prod_1, ad_prod(ad_sign(x), .axis = 1))
ALONG(max_2, ad_max(x, .axis = 2))
ALONG(min_01, ad_min(x, .axes = AD_AXES(0, 1)))
ALONG(argmax_0, ad_argmax(x, .axis = 0))
ALONG(argmin_2, ad_argmin(x, .axis = 2))
ALONG(any_1, ad_any(ad_greater(x, 40), .axis = 1))
ALONG(cumsum_1, ad_cumsum(x, .axis = 1))
ALONG(cumsum_all, ad_cumsum(x))
ALONG(recurrence_0, ad_linear_recurrence(ad_sign(x), x, .axis = 0))

/* Whole numbers, so that no order of adding rounds. */
START_TEST(views_give_what_copies_give)
{
    AD_SCOPE;
    ad_array *x = ad_astype(ad_random_randint(ad_random_key(3), AD_SHAPE(7, 34, 40), -50, 50), AD_F64);
    ad_array *views[] = { ad_transpose(x), ad_at(x, "::-1, 1::2, ::-3"), ad_swapaxes(x, 0, 1), ad_flip(x, .axis = 2),
                          ad_broadcast_to(ad_at(x, ":, :1"), AD_SHAPE(7, 34, 40)) };
    function *functions[] = { sum_0,    sum_1, sum_02,   prod_1,     max_2,        min_01, argmax_0, argmin_2,
                              any_1,    cumsum_1, cumsum_all, recurrence_0, ad_sum, ad_max,   ad_argmin };
    for (size_t v = 0; v < sizeof views / sizeof *views; v++)
        for (size_t f = 0; f < sizeof functions / sizeof *functions; f++)
            for (int wide = 0; wide < 2; wide++) {
                AD_SCOPE;
                ad_array *view = wide ? ad_astype(views[v], AD_C128) : views[v];
                ad_array *a = functions[f](view), *b = functions[f](ad_copy(view));
                ck_assert_msg(a && ad_shape_equal(ad_shape_of(a), ad_shape_of(b)) && ad_item_int(ad_all(ad_equal(a, b))), "view %zu, function %zu: %s", v, f,
                              ad_error_message());
            }
}
END_TEST

static ad_array *mixture(ad_array *x)
{
    return ad_add(ad_add(ad_sum(x), ad_std(x)), ad_sum(ad_cumsum(ad_var(x, .axis = 0))));
}

START_TEST(two_runs_give_the_same_bits)
{
    AD_SCOPE;
    ad_array *x = ad_random_normal(ad_random_key(5), AD_SHAPE(300, 77)), *y = ad_copy(x);
    double a = ad_item(mixture(x)), b = ad_item(mixture(y));
    ck_assert_int_eq(memcmp(&a, &b, sizeof a), 0);
    ck_assert_int_eq(memcmp(ad_data(ad_grad(mixture)(x)), ad_data(ad_grad(mixture)(y)), 300 * 77 * sizeof(double)), 0);
}
END_TEST

START_TEST(long_sums_keep_their_accuracy)
{
    AD_SCOPE;
    ad_array *x = ad_full(AD_SHAPE(3000000), 0.1, .dtype = AD_F32);
    assert_close(ad_item(ad_sum(x)) / (3000000 * (double)0.1f), 1, 1e-6);
    assert_close(ad_item(ad_mean(x)) / (double)0.1f, 1, 1e-6);
}
END_TEST

/* ---- errors ---- */

START_TEST(errors_name_the_function_and_the_axis)
{
    AD_SCOPE;
    ad_array *x = matrix(), *none = ad_zeros(AD_SHAPE(0, 3));
#define FAILS_LIKE_A_REDUCTION(name)                                                                                   \
    assert_fails(ad_##name(x, .axis = 2), AD_ERROR_AXIS, "ad_" #name ": axis 2 is out of range for an array of 2 dimensions"); \
    assert_fails(ad_##name(x, .axes = AD_AXES(0, -3)), AD_ERROR_AXIS, "ad_" #name ": axis -3 is out of range");                \
    assert_fails(ad_##name(x, .axes = AD_AXES(1, -1)), AD_ERROR_AXIS, "ad_" #name ": axis -1 is given twice");                 \
    assert_fails(ad_##name(1.5, .axis = 1), AD_ERROR_AXIS, "0 dimensions");                                            \
    assert_fails((ad_##name)(NULL), AD_ERROR_VALUE, "ad_" #name ": the array is NULL");
    FAILS_LIKE_A_REDUCTION(sum)
    FAILS_LIKE_A_REDUCTION(mean)
    FAILS_LIKE_A_REDUCTION(prod)
    FAILS_LIKE_A_REDUCTION(var)
    FAILS_LIKE_A_REDUCTION(std)
    FAILS_LIKE_A_REDUCTION(max)
    FAILS_LIKE_A_REDUCTION(min)
    FAILS_LIKE_A_REDUCTION(ptp)
    FAILS_LIKE_A_REDUCTION(argmax)
    FAILS_LIKE_A_REDUCTION(argmin)
    FAILS_LIKE_A_REDUCTION(any)
    FAILS_LIKE_A_REDUCTION(all)
    assert_fails(ad_max(none), AD_ERROR_VALUE, "ad_max: no elements to choose from along the axes given, shape (0,3)");
    assert_fails(ad_min(none, .axis = 0), AD_ERROR_VALUE, "ad_min: no elements");
    assert_fails(ad_max(ad_zeros(AD_SHAPE(0, 0)), .axis = 0), AD_ERROR_VALUE, "(0,0)");
    assert_fails(ad_ptp(none), AD_ERROR_VALUE, "ad_ptp: no elements");
    assert_fails(ad_argmax(none), AD_ERROR_VALUE, "ad_argmax: no elements");
    assert_fails(ad_argmin(none, .axis = 0), AD_ERROR_VALUE, "ad_argmin: no elements");
    assert_fails(ad_argmax(counting(AD_SHAPE(1, 2, 3)), .axes = AD_AXES(0, 1)), AD_ERROR_AXIS, "ad_argmax: takes one axis or all 3 of them, not 2");
    assert_fails(ad_sum(x, .dtype = (ad_dtype)77), AD_ERROR_DTYPE, "77");
    assert_fails(ad_ptp(ad_greater(x, 0)), AD_ERROR_DTYPE, "bool");
    assert_fails(ad_cumsum(x, .axis = 2), AD_ERROR_AXIS, "ad_cumsum: axis 2");
    assert_fails(ad_cumprod(1, .axis = 1), AD_ERROR_AXIS, "ad_cumprod: axis 1");
    assert_fails(ad_linear_recurrence(x, VECTOR(1, 2)), AD_ERROR_SHAPE, "ad_linear_recurrence: shapes (2,3) and (2,) do not broadcast");
    assert_fails(ad_linear_recurrence(1, 2), AD_ERROR_AXIS, "ad_linear_recurrence: axis -1");
    assert_fails(ad_linear_recurrence(x, x, .axis = 5), AD_ERROR_AXIS, "ad_linear_recurrence: axis 5");
    assert_fails((ad_cumsum)(NULL), AD_ERROR_VALUE, "ad_cumsum: the array is NULL");
    assert_fails((ad_cumprod)(NULL), AD_ERROR_VALUE, "ad_cumprod: the array is NULL");
    assert_fails((ad_linear_recurrence)(x, NULL), AD_ERROR_VALUE, "ad_linear_recurrence: the second array is NULL");
}
END_TEST

static ad_array *everything(ad_array *x)
{
    ad_array *y = ad_add(ad_cumsum(ad_std(x, .axis = 0)), ad_linear_recurrence(ad_max(x, .axis = 0), ad_prod(x, .axis = 0)));
    return ad_sum(ad_mul(y, ad_cumprod(ad_mean(x, .axis = 0))));
}

START_TEST(every_allocation_may_fail)
{
    assert_every_allocation_may_fail(ad_grad(everything), matrix());
}
END_TEST

RUN_TESTS("reduce", axes_are_one_or_several_or_all, sums_products_and_means, variance_and_deviation,
          positions_are_those_of_the_first, complex_numbers_are_ordered_by_real_then_imaginary_part,
          extrema_of_long_rows, zero_dimensional_arrays_take_axis_0_and_minus_1, where_and_initial,
          any_and_all_ask_for_zeros, nan_propagates, empty_reductions, integers_and_bools_promote,
          dtype_is_what_is_computed_in, running_sums_and_products, recurrence_follows_its_equation,
          views_give_what_copies_give, two_runs_give_the_same_bits, long_sums_keep_their_accuracy,
          errors_name_the_function_and_the_axis, every_allocation_may_fail)
