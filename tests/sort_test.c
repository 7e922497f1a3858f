/* Sorting: order, stability, NaN last, every dtype; the sorted array differentiates as a gather by a constant order. */
#include "testing.h"
#include <complex.h>
#include <time.h>

static ad_array *matrix(void)
{
    return ad_from((double[]){ 0.3, -0.7, 1.1, -1.3, 0.9, 0.2 }, AD_SHAPE(2, 3));
}

/* ---- values ---- */

START_TEST(sort_along_any_axis_or_the_flattened_array)
{
    AD_SCOPE;
    ad_array *x = ad_from((double[]){ 3, 1, 2, 9, 0, 8 }, AD_SHAPE(2, 3)), *point = ad_scalar(4);
    assert_array(ad_sort(x), AD_SHAPE(2, 3), 0, 1, 2, 3, 0, 8, 9);
    assert_array((ad_sort)(x), AD_SHAPE(2, 3), 0, 1, 2, 3, 0, 8, 9);
    assert_array(ad_sort(x, .axis = 0), AD_SHAPE(2, 3), 0, 3, 0, 2, 9, 1, 8);
    assert_array(ad_sort(x, .axis = -2), AD_SHAPE(2, 3), 0, 3, 0, 2, 9, 1, 8);
    assert_array(ad_sort(x, .axis = AD_NO_AXIS), AD_SHAPE(6), 0, 0, 1, 2, 3, 8, 9);
    assert_array(ad_sort(ad_transpose(x)), AD_SHAPE(3, 2), 0, 3, 9, 0, 1, 2, 8);
    assert_array(ad_sort(ad_reshape(x, AD_SHAPE(1, 3, 2)), .axis = 1), AD_SHAPE(1, 3, 2), 0, 0, 1, 2, 8, 3, 9);
    assert_array(ad_sort(point, .axis = AD_NO_AXIS), AD_SHAPE(1), 0, 4);
    assert_array(x, AD_SHAPE(2, 3), 0, 3, 1, 2, 9, 0, 8);
}
END_TEST

START_TEST(argsort_says_where_elements_were)
{
    AD_SCOPE;
    ad_array *x = ad_from((double[]){ 3, 1, 2, 9, 0, 8 }, AD_SHAPE(2, 3));
    assert_array(ad_argsort(x), AD_SHAPE(2, 3), 0, 1, 2, 0, 1, 2, 0);
    assert_array((ad_argsort)(x), AD_SHAPE(2, 3), 0, 1, 2, 0, 1, 2, 0);
    assert_array(ad_argsort(x, .axis = 0), AD_SHAPE(2, 3), 0, 0, 1, 0, 1, 0, 1);
    assert_array(ad_argsort(x, .axis = AD_NO_AXIS), AD_SHAPE(6), 0, 4, 1, 2, 0, 5, 3);
    assert_array(ad_argsort(7, .axis = AD_NO_AXIS), AD_SHAPE(1), 0, 0);
    ck_assert_int_eq(ad_dtype_of(ad_argsort(ad_astype(x, AD_U8))), AD_I64);
}
END_TEST

START_TEST(equal_elements_keep_their_order)
{
    AD_SCOPE;
    assert_array(ad_argsort(VECTOR(2, 1, 2, 1, 2)), AD_SHAPE(5), 0, 1, 3, 0, 2, 4);
    assert_array(ad_argsort(VECTOR(0, -0.0, -1, 0, -0.0)), AD_SHAPE(5), 0, 2, 0, 1, 3, 4);
    assert_array(ad_argsort(VECTOR(NAN, 1, NAN, -NAN)), AD_SHAPE(4), 0, 1, 0, 2, 3);
}
END_TEST

START_TEST(infinities_are_ordered_and_nan_is_last)
{
    AD_SCOPE;
    ad_array *x = VECTOR(NAN, INFINITY, 1, -INFINITY, 5e-324, -5e-324, -NAN, 0);
    assert_array(ad_sort(x), AD_SHAPE(8), 0, -INFINITY, -5e-324, 0, 5e-324, 1, INFINITY, NAN, NAN);
    assert_array(ad_argsort(x), AD_SHAPE(8), 0, 3, 5, 7, 4, 2, 1, 0, 6);
    assert_array(ad_argsort(ad_astype(x, AD_F32)), AD_SHAPE(8), 0, 3, 4, 5, 7, 2, 1, 0, 6);
}
END_TEST

START_TEST(complex_numbers_go_by_real_part_then_imaginary_part)
{
    AD_SCOPE;
    const double pairs[] = { NAN, NAN, NAN, 1, 2, NAN, 3, 0, 1, 5, 1, -5, NAN, 0, 1, NAN, -1, 9, 1, INFINITY };
    ad_array *z = ad_from_data(AD_C128, pairs, AD_SHAPE(10));
    assert_array(ad_argsort(z), AD_SHAPE(10), 0, 8, 5, 4, 9, 3, 7, 2, 6, 1, 0);
    assert_array(ad_argsort(ad_astype(z, AD_C64)), AD_SHAPE(10), 0, 8, 5, 4, 9, 3, 7, 2, 6, 1, 0);
    assert_array(ad_imag(ad_sort(z)), AD_SHAPE(10), 0, 9, -5, 5, INFINITY, 0, NAN, NAN, 0, 1, NAN);
}
END_TEST

START_TEST(every_dtype_is_sorted)
{
    for (ad_dtype d = AD_F64; d <= AD_BOOL; d++) {
        AD_SCOPE;
        ad_array *x = ad_astype(VECTOR(200, 0, 3, 0, 100), d), *y = ad_sort(x);
        ck_assert_msg(y && ad_dtype_of(y) == d, "dtype %d: %s", (int)d, ad_error_message());
        if (d == AD_BOOL)
            assert_array(ad_argsort(x), AD_SHAPE(5), 0, 1, 3, 0, 2, 4);
        else
            assert_array(y, AD_SHAPE(5), 0, 0, 0, 3, 100, 200);
    }
    AD_SCOPE;
    ad_array *wide = ad_from_data(AD_I64, (int64_t[]){ INT64_MAX, -1, INT64_MIN, INT64_MAX - 1, 0 }, AD_SHAPE(5));
    assert_array(ad_argsort(wide), AD_SHAPE(5), 0, 2, 1, 4, 3, 0);
    assert_array(ad_argsort(ad_from_data(AD_I32, (int32_t[]){ INT32_MAX, -1, INT32_MIN, 0 }, AD_SHAPE(4))), AD_SHAPE(4), 0, 2, 1, 3, 0);
}
END_TEST

/* Numbers 0 ... 96 in disorder, most of them several times; argsort is then the order of (value, place). */
START_TEST(long_rows_are_sorted_and_stable)
{
    enum { LONGEST = 1100 };
    for (int64_t n = 1; n <= LONGEST; n = n < 70 ? n + 1 : n + 103) {
        AD_SCOPE;
        ad_array *x = ad_mod(ad_mul(ad_arange(2 * n), 7919), 97);
        int64_t values[2 * LONGEST], order[2 * LONGEST];
        memcpy(values, ad_data(x), 2 * (size_t)n * sizeof *values);
        memcpy(order, ad_data(ad_argsort(ad_reshape(x, AD_SHAPE(2, n)))), 2 * (size_t)n * sizeof *order);
        for (int64_t k = 0; k < 2 * n; k++) {
            ck_assert(order[k] >= 0 && order[k] < n);
            if (k % n == 0)
                continue;
            const int64_t *row = values + k / n * n;
            int64_t a = row[order[k - 1]], b = row[order[k]];
            ck_assert_msg(a < b || (a == b && order[k - 1] < order[k]), "length %lld, place %lld", (long long)n, (long long)k);
        }
    }
}
END_TEST

START_TEST(long_rows_of_every_digit_are_sorted)
{
    enum { N = 3000 };
    AD_SCOPE;
    ad_array *x = ad_random_normal(ad_random_key(3), AD_SHAPE(N)), *y = ad_exp(ad_mul(x, 100)), *z = ad_add(ad_rint(x), ad_mul(ad_weak_complex(1i), y));
    const double *sorted = ad_data(ad_sort(ad_mul(x, y)));
    const ad_complex *pairs = ad_data(ad_sort(z));
    for (int i = 1; i < N; i++) {
        ck_assert(sorted[i - 1] <= sorted[i]);
        ck_assert(creal(pairs[i - 1]) < creal(pairs[i]) || (creal(pairs[i - 1]) == creal(pairs[i]) && cimag(pairs[i - 1]) <= cimag(pairs[i])));
    }
    assert_close(ad_item(ad_sum(ad_real(ad_sort(z)))), ad_item(ad_sum(ad_rint(x))), 0);
}
END_TEST

/* Bits that differ and are equal, among others: zeros of both signs, NaN of several kinds. */
static void fill_with_equals(uint64_t seed, int64_t n, double *x)
{
    for (int64_t i = 0; i < n; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint64_t kind = seed >> 60, nan = UINT64_C(0x7ff8000000000000) | (seed >> 33 & 7) << 32 | (seed & 1) << 63;
        if (kind < 3)
            x[i] = kind == 1 ? -0.0 : 0.0;
        else if (kind == 3)
            memcpy(x + i, &nan, sizeof nan);
        else if (kind == 4)
            x[i] = seed >> 40 & 1 ? INFINITY : -INFINITY;
        else
            x[i] = kind < 8 ? (double)(seed >> 50 & 7) - 3 : ((double)(seed >> 11) - 0x1p52) * 0x1p-50;
    }
}

static bool stands_after(double a, double b)
{
    return isnan(a) ? !isnan(b) : a > b;
}

START_TEST(the_sorted_array_is_the_array_in_order_bit_for_bit)
{
    enum { MOST = 3000 };
    static double x[MOST], real[MOST];
    for (int64_t n = 1; n <= MOST; n = n < 70 ? n + 1 : n + 293)
        for (ad_dtype d = AD_F64; d <= AD_BOOL; d++) {
            AD_SCOPE;
            fill_with_equals((uint64_t)n, n, x);
            ad_array *a = ad_astype(ad_from(x, AD_SHAPE(n)), d), *order = ad_argsort(a), *sorted = ad_sort(a);
            ck_assert(sorted && memcmp(ad_data(sorted), ad_data(ad_take(a, order)), (size_t)n * ad_dtype_size(d)) == 0);
            if (d == AD_C128 || d == AD_C64)
                continue;
            ck_assert(ad_copy_to(ad_astype(a, AD_F64), real, n));
            const int64_t *at = ad_data(order);
            for (int64_t i = 1; i < n; i++) {
                double before = real[at[i - 1]], after = real[at[i]];
                ck_assert(stands_after(after, before) || (!stands_after(before, after) && at[i - 1] < at[i]));
            }
        }
}
END_TEST

/* An order in which every pivot is nearly the smallest: the nine elements that a long row's pivot is the median of are
 * smaller than what is left. */
static void fill_against_pivots(int64_t n, double *x)
{
    enum { NINE = 9, SHORT = 400 };
    int64_t *left = malloc((size_t)n * sizeof *left), next = 0;
    for (int64_t i = 0; i < n; i++) {
        left[i] = i;
        x[i] = -1;
    }
    for (int64_t count = n, kept; count >= SHORT; count = kept) {
        double pivot = -1;
        for (int64_t k = 1; k <= NINE; k++) {
            double *sample = x + left[k * (count / 10)];
            *sample = *sample < 0 ? (double)next++ : *sample;
        }
        for (int64_t k = 1; k <= NINE; k++) { /* the fifth of them */
            double sample = x[left[k * (count / 10)]];
            int below = 0;
            for (int64_t other = 1; other <= NINE; other++)
                below += x[left[other * (count / 10)]] < sample;
            pivot = below == NINE / 2 ? sample : pivot;
        }
        kept = 0;
        for (int64_t i = 0; i < count; i++)
            if (x[left[i]] < 0 || x[left[i]] >= pivot)
                left[kept++] = left[i];
        if (kept == count)
            break;
    }
    for (int64_t i = 0; i < n; i++)
        x[i] = x[i] < 0 ? (double)next++ : x[i];
    free(left);
}

static double seconds_to_sort(ad_array *x)
{
    struct timespec start, end;
    AD_SCOPE;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    ad_array *sorted = ad_sort(x), *order = ad_argsort(x);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    ck_assert(sorted && ad_item_int(ad_all(ad_greater_equal(ad_at(sorted, "1:"), ad_at(sorted, ":-1")))));
    ck_assert(ad_item_int(ad_all(ad_equal(ad_take(x, order), sorted))));
    return (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
}

START_TEST(no_order_makes_sorting_quadratic)
{
    enum { N = 1 << 15 };
    AD_SCOPE;
    double *x = malloc(N * sizeof *x), usual = INFINITY;
    ad_array *noise = ad_random_normal(ad_random_key(8), AD_SHAPE(N)), *rising = ad_sort(noise);
    fill_against_pivots(N, x);
    ad_array *rows[] = { ad_from(x, AD_SHAPE(N)), rising, ad_flip(rising), ad_zeros(AD_SHAPE(N)), ad_astype(ad_greater(noise, 0), AD_F64),
                         ad_concatenate(ad_list_of(ad_at(rising, "::2"), ad_at(rising, "::-2"))), ad_exp2(ad_mod(ad_arange(N), 2000)) };
    free(x);
    for (int i = 0; i < 5; i++)
        usual = fmin(usual, seconds_to_sort(noise));
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        double seconds = fmin(seconds_to_sort(rows[k]), seconds_to_sort(rows[k]));
        ck_assert_msg(seconds < 30 * usual, "row %zu: %g s, where any other takes %g", k, seconds, usual);
    }
}
END_TEST

START_TEST(arrays_without_elements_stay_as_they_are)
{
    AD_SCOPE;
    ck_assert(ad_shape_equal(ad_shape_of(ad_sort(ad_zeros(AD_SHAPE(0)))), AD_SHAPE(0)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_sort(ad_zeros(AD_SHAPE(2, 0)))), AD_SHAPE(2, 0)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_sort(ad_zeros(AD_SHAPE(0, 2)))), AD_SHAPE(0, 2)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_argsort(ad_zeros(AD_SHAPE(0, 2)), .axis = 0)), AD_SHAPE(0, 2)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_argsort(ad_zeros(AD_SHAPE(2, 0)), .axis = AD_NO_AXIS)), AD_SHAPE(0)));
}
END_TEST

/* ---- derivatives ---- */

static ad_array *wave_of_sorted(ad_array *x)
{
    return ad_sin(ad_sort(x));
}

static ad_array *wave_of_sorted_columns(ad_array *x)
{
    return ad_sin(ad_sort(ad_square(x), .axis = 0));
}

static ad_array *wave_of_sorted_elements(ad_array *x)
{
    return ad_mul(ad_sin(ad_sort(x, .axis = AD_NO_AXIS)), VECTOR(1, 2, 3, 4, 5, 6));
}

START_TEST(derivatives_agree_with_differences)
{
    AD_SCOPE;
    ad_array *x = matrix();
    ck_assert_msg(ad_check_grads(wave_of_sorted, x), "%s", ad_error_message());
    ck_assert_msg(ad_check_grads(wave_of_sorted_columns, x), "%s", ad_error_message());
    ck_assert_msg(ad_check_grads(wave_of_sorted_elements, x), "%s", ad_error_message());
    ck_assert_msg(ad_check_grads(wave_of_sorted, ad_transpose(x)), "%s", ad_error_message());
    ck_assert_msg(ad_check_grads(wave_of_sorted, ad_add(x, ad_mul(0.5 * I, ad_flip(x)))), "%s", ad_error_message());
}
END_TEST

/* y0 + 2 y1 + 3 y2 of the sorted x. */
static ad_array *weighted(ad_array *x)
{
    return ad_sum(ad_mul(ad_sort(x), VECTOR(1, 2, 3)));
}

/* The smallest times the largest. */
static ad_array *extremes(ad_array *x)
{
    ad_array *y = ad_sort(x);
    return ad_mul(ad_at(y, "0"), ad_at(y, "-1"));
}

START_TEST(cotangents_go_back_to_where_elements_were)
{
    AD_SCOPE;
    assert_array(ad_grad(weighted)(VECTOR(5, -1, 2)), AD_SHAPE(3), 0, 3, 1, 2);
    assert_array(ad_grad(weighted)(VECTOR(2, 1, 2)), AD_SHAPE(3), 0, 2, 1, 3);
    assert_array(ad_grad(weighted)(VECTOR(7, 7, 7)), AD_SHAPE(3), 0, 1, 2, 3);
    assert_array(ad_grad(extremes)(VECTOR(5, -1, 2)), AD_SHAPE(3), 0, -1, 5, 0);
    assert_array(ad_hessian(extremes)(VECTOR(5, -1, 2)), AD_SHAPE(3, 3), 0, 0, 1, 0, 1, 0, 0, 0, 0, 0);
}
END_TEST

static ad_array *sum_of_order(ad_array *x)
{
    ad_array *order = ad_argsort(x);
    ck_assert(!ad_is_traced(order));
    return ad_add(ad_sum(ad_mul(0, x)), ad_sum(ad_astype(order, AD_F64)));
}

START_TEST(the_order_is_a_constant)
{
    AD_SCOPE;
    assert_array(ad_grad(sum_of_order)(VECTOR(5, -1, 2)), AD_SHAPE(3), 0, 0, 0, 0);
    assert_array(ad_deriv(sum_of_order)(VECTOR(5, -1, 2)), AD_SCALAR_SHAPE, 0, 0);
}
END_TEST

/* ---- errors ---- */

START_TEST(errors_name_the_axis)
{
    AD_SCOPE;
    ad_array *x = matrix(), *absent = NULL;
    assert_fails(ad_sort(x, .axis = 2), AD_ERROR_AXIS, "ad_sort: axis 2");
    assert_fails(ad_argsort(x, .axis = -3), AD_ERROR_AXIS, "ad_argsort: axis -3");
    assert_fails(ad_sort(3.0), AD_ERROR_AXIS, "ad_sort: axis -1");
    assert_fails(ad_sort(absent), AD_ERROR_VALUE, "ad_sort: the array is NULL");
    assert_fails(ad_argsort(absent, .axis = AD_NO_AXIS), AD_ERROR_VALUE, "ad_argsort: the array is NULL");
}
END_TEST

static ad_array *square_of_gradient(ad_array *x)
{
    return ad_sum(ad_square(ad_grad(extremes)(ad_ravel(ad_square(ad_sort(ad_transpose(x)))))));
}

START_TEST(every_allocation_may_fail)
{
    assert_every_allocation_may_fail(ad_grad(square_of_gradient), matrix());
}
END_TEST

/* ---- partitions ---- */

START_TEST(partitions_are_the_sorted_array)
{
    AD_SCOPE;
    ad_array *x = ad_from((double[]){ 3, 1, 2, 9, 0, 8 }, AD_SHAPE(2, 3));
    assert_array(ad_partition(x, 1), AD_SHAPE(2, 3), 0, 1, 2, 3, 0, 8, 9);
    assert_array((ad_partition)(x, -1), AD_SHAPE(2, 3), 0, 1, 2, 3, 0, 8, 9);
    assert_array(ad_partition(x, 0, .axis = 0), AD_SHAPE(2, 3), 0, 3, 0, 2, 9, 1, 8);
    assert_array(ad_partition(x, 5, .axis = AD_NO_AXIS), AD_SHAPE(6), 0, 0, 1, 2, 3, 8, 9);
    assert_array(ad_partition(x, 99, .kths = AD_SHAPE(0, -1)), AD_SHAPE(2, 3), 0, 1, 2, 3, 0, 8, 9);
    assert_array(ad_argpartition(x, 2), AD_SHAPE(2, 3), 0, 1, 2, 0, 1, 2, 0);
    assert_array(ad_argpartition(x, 0, .kths = AD_SHAPE(1), .axis = -2), AD_SHAPE(2, 3), 0, 0, 1, 0, 1, 0, 1);
    assert_array(ad_argpartition(7, 0), AD_SHAPE(1), 0, 0);
    assert_array(ad_partition(7, 0, .axis = AD_NO_AXIS), AD_SHAPE(1), 0, 7);
    assert_array(ad_partition(VECTOR(NAN, 2, -INFINITY, -0.0), 3), AD_SHAPE(4), 0, -INFINITY, -0.0, 2, NAN);
    ck_assert_int_eq(ad_dtype_of(ad_partition(ad_astype(x, AD_U8), 0)), AD_U8);
    ck_assert(ad_shape_equal(ad_shape_of(ad_partition(ad_ones(AD_SHAPE(2, 0)), 7)), AD_SHAPE(2, 0))); /* as in NumPy, the places are not looked at */
}
END_TEST

START_TEST(partitions_refuse_places_out_of_range)
{
    AD_SCOPE;
    ad_array *x = VECTOR(1, 2);
    assert_fails(ad_partition(x, 2), AD_ERROR_INDEX, "ad_partition: place 2 is not on an axis of length 2");
    assert_fails(ad_argpartition(x, -3), AD_ERROR_INDEX, "ad_argpartition: place -3 is not on an axis of length 2");
    assert_fails(ad_partition(x, 0, .kths = AD_SHAPE(0, 2)), AD_ERROR_INDEX, "place 2");
    assert_fails(ad_partition(x, 0, .axis = 1), AD_ERROR_AXIS, "ad_partition: ");
    assert_fails(ad_partition(3, 0), AD_ERROR_AXIS, "ad_partition: ");
}
END_TEST

static ad_array *weighed_partition(ad_array *x)
{
    return ad_sum(ad_mul(ad_partition(x, 1, .axis = 0), VECTOR(1, 10, 100)));
}

START_TEST(cotangents_of_a_partition_go_back_to_where_elements_were)
{
    AD_SCOPE;
    assert_array(ad_grad(weighed_partition)(VECTOR(5, 4, 3)), AD_SHAPE(3), 0, 100, 10, 1);
    assert_array(ad_grad(weighed_partition)(VECTOR(2, 2, 1)), AD_SHAPE(3), 0, 10, 100, 1);
    ck_assert_msg(ad_check_grads(weighed_partition, VECTOR(5, -4, 3)), "%s", ad_error_message());
}
END_TEST

/* As a program that was recorded where nobody differentiated calls it. */
static ad_array *sort_by_its_record(ad_array *x)
{
    for (int i = 0; i < ad_operation_count(); i++)
        if (strcmp(ad_operation(i)->name, "ad_sort") == 0)
            return ad_sin(ad_call_primitive(ad_operation(i), &x, 1, NULL));
    return NULL;
}

START_TEST(a_recorded_sort_of_values_is_differentiated)
{
    ad_array *x = ad_from((double[]){ 3, 1, 2, 0.5, -1, 0.25 }, AD_SHAPE(2, 3));
    ck_assert_msg(ad_check_grads(sort_by_its_record, x, .order = 3), "%s", ad_error_message());
}
END_TEST

RUN_TESTS("sort", a_recorded_sort_of_values_is_differentiated, sort_along_any_axis_or_the_flattened_array, argsort_says_where_elements_were, equal_elements_keep_their_order,
          infinities_are_ordered_and_nan_is_last, complex_numbers_go_by_real_part_then_imaginary_part, every_dtype_is_sorted, long_rows_are_sorted_and_stable,
          long_rows_of_every_digit_are_sorted, the_sorted_array_is_the_array_in_order_bit_for_bit, no_order_makes_sorting_quadratic,
          arrays_without_elements_stay_as_they_are, derivatives_agree_with_differences,
          cotangents_go_back_to_where_elements_were, the_order_is_a_constant, errors_name_the_axis, every_allocation_may_fail,
          partitions_are_the_sorted_array, partitions_refuse_places_out_of_range, cotangents_of_a_partition_go_back_to_where_elements_were)
