/* What stands where in a row: positions of extrema, any, all, the true elements and running sums, each against a plain
 * loop, at lengths around what vectors and blocks hold, for every stride. */
#include "testing.h"
#include <math.h>
#include <time.h>

static const int64_t lengths[] = { 1, 2, 7, 8, 31, 32, 33, 63, 64, 65, 255, 256, 257, 500, 1000, 2047, 2048, 2049, 5000, 9000 };

#define FOR_EACH_LENGTH(n) for (size_t l_ = 0, n = 0; l_ < sizeof lengths / sizeof *lengths && (n = (size_t)lengths[l_]); l_++)

/* The same elements as neighbours, backwards in memory, or apart. */
static ad_array *laid_out(ad_array *x, int way)
{
    if (way == 0)
        return x;
    if (way == 1)
        return ad_at(ad_add(ad_at(x, "::-1"), ad_zeros(AD_SHAPE(1), .dtype = ad_dtype_of(x))), "::-1");
    return ad_at(ad_stack(ad_list_of(x, x), .axis = 1), ":, 1");
}

static uint64_t noise(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static int64_t first_best(bool max, int64_t n, const double *x)
{
    int64_t at = 0;
    for (int64_t i = 0; i < n; i++) {
        if (isnan(x[i]))
            return i;
        if (max ? x[i] > x[at] : x[i] < x[at])
            at = i;
    }
    return at;
}

static void check_positions(const double *values, int64_t n)
{
    static const ad_dtype dtypes[] = { AD_F64, AD_F32, AD_I64, AD_I32, AD_U8, AD_C128, AD_C64 };
    double converted[10000];
    for (size_t k = 0; k < sizeof dtypes / sizeof *dtypes; k++)
        for (int way = 0; way < 3; way++) {
            AD_SCOPE;
            ad_array *x = ad_astype(ad_from(values, AD_SHAPE(n)), dtypes[k]);
            ck_assert(ad_copy_to(ad_astype(ad_real(x), AD_F64), converted, n));
            ad_array *y = laid_out(x, way);
            int64_t most = ad_item_int(ad_argmax(y)), least = ad_item_int(ad_argmin(y));
            const char *name = ad_dtype_name(dtypes[k]);
            ck_assert_msg(most == first_best(true, n, converted), "argmax of %lld %s, way %d: %lld", (long long)n, name, way, (long long)most);
            ck_assert_msg(least == first_best(false, n, converted), "argmin of %lld %s, way %d: %lld", (long long)n, name, way, (long long)least);
        }
}

START_TEST(positions_are_those_of_the_first_of_equals)
{
    uint64_t state = 1;
    double x[10000];
    FOR_EACH_LENGTH(n)
        for (uint64_t kinds = 2; kinds < 300; kinds *= 12) {
            for (size_t i = 0; i < n; i++)
                x[i] = (double)(noise(&state) % kinds);
            check_positions(x, (int64_t)n);
        }
}
END_TEST

START_TEST(positions_are_those_of_the_first_nan_and_infinities_are_numbers)
{
    uint64_t state = 2;
    double x[10000];
    FOR_EACH_LENGTH(n)
    {
        for (size_t i = 0; i < n; i++)
            x[i] = (double)(noise(&state) % 100);
        x[noise(&state) % n] = INFINITY;
        x[noise(&state) % n] = -INFINITY;
        AD_SCOPE;
        for (int nans = 0; nans < 3; nans++) {
            ad_array *y = ad_from(x, AD_SHAPE((int64_t)n));
            for (int way = 0; way < 3; way++) {
                ck_assert_int_eq(ad_item_int(ad_argmax(laid_out(y, way))), first_best(true, (int64_t)n, x));
                ck_assert_int_eq(ad_item_int(ad_argmin(laid_out(ad_astype(y, AD_F32), way))), first_best(false, (int64_t)n, x));
            }
            x[noise(&state) % n] = NAN;
        }
    }
}
END_TEST

START_TEST(positions_along_each_axis)
{
    AD_SCOPE;
    ad_array *x = ad_random_normal(ad_random_key(3), AD_SHAPE(37, 70));
    ad_array *rows = ad_argmax(x, .axis = 1), *columns = ad_argmax(x, .axis = 0);
    for (int i = 0; i < 37; i++)
        ck_assert_int_eq(ad_item_int(ad_at(rows, "%d", i)), ad_item_int(ad_argmax(ad_at(x, "%d", i))));
    for (int i = 0; i < 70; i++)
        ck_assert_int_eq(ad_item_int(ad_at(columns, "%d", i)), ad_item_int(ad_argmax(ad_at(x, ":, %d", i))));
}
END_TEST

/* One element decides, wherever it stands and however the array lies. */
START_TEST(one_element_decides_any_and_all)
{
    static const ad_dtype dtypes[] = { AD_BOOL, AD_F64, AD_F32, AD_C64, AD_I32, AD_U8 };
    uint64_t state = 4;
    FOR_EACH_LENGTH(n)
        for (size_t k = 0; k < sizeof dtypes / sizeof *dtypes; k++)
            for (int way = 0; way < 3; way++) {
                AD_SCOPE;
                int64_t place = (int64_t)(noise(&state) % n);
                ad_array *none = ad_zeros(AD_SHAPE((int64_t)n), .dtype = dtypes[k]), *one = ad_at_set(none, 1, "%lld", (long long)place);
                ad_array *but_one = ad_astype(ad_logical_not(one), dtypes[k]);
                ck_assert_int_eq(ad_item_int(ad_any(laid_out(none, way))), 0);
                ck_assert_int_eq(ad_item_int(ad_any(laid_out(one, way))), 1);
                ck_assert_int_eq(ad_item_int(ad_all(laid_out(but_one, way))), 0);
                ck_assert_int_eq(ad_item_int(ad_all(ad_logical_not(laid_out(none, way)))), 1);
            }
}
END_TEST

START_TEST(any_and_all_along_axes)
{
    AD_SCOPE;
    ad_array *x = ad_greater(ad_random_uniform(ad_random_key(5), AD_SHAPE(3, 40, 50)), 0.97);
    for (int axis = -1; axis < 3; axis++) {
        ad_array *count = axis < 0 ? ad_sum(x, .axes = AD_AXES(0, 2)) : ad_sum(x, .axis = axis);
        ad_array *any = axis < 0 ? ad_any(x, .axes = AD_AXES(0, 2)) : ad_any(x, .axis = axis);
        ad_array *y = ad_astype(ad_logical_not(x), AD_F64), *all = axis < 0 ? ad_all(y, .axes = AD_AXES(0, 2)) : ad_all(y, .axis = axis);
        ck_assert(ad_item_int(ad_all(ad_equal(any, ad_greater(count, 0)))) && ad_item_int(ad_all(ad_equal(all, ad_equal(count, 0)))));
    }
}
END_TEST

static double seconds_of_any(ad_array *x)
{
    struct timespec start, end;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    for (int i = 0; i < 1000; i++) {
        AD_SCOPE;
        ck_assert(ad_item_int(ad_any(x)));
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    return (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
}

START_TEST(any_stops_where_it_is_decided)
{
    AD_SCOPE;
    for (int floats = 0; floats < 2; floats++) {
        ad_dtype dtype = floats ? AD_F64 : AD_BOOL;
        double few = seconds_of_any(ad_ones(AD_SHAPE(1 << 13), .dtype = dtype)), many = seconds_of_any(ad_ones(AD_SHAPE(1 << 22), .dtype = dtype));
        ck_assert_msg(many < 32 * few, "%g s for 512 times as many as take %g s", many, few);
    }
}
END_TEST

START_TEST(true_elements_are_found_in_order)
{
    uint64_t state = 6;
    FOR_EACH_LENGTH(n)
        for (uint64_t rarity = 1; rarity < 2000; rarity *= 5) {
            AD_SCOPE;
            uint8_t mask[10000];
            int64_t expected[10000], found[10000], count = 0;
            for (size_t i = 0; i < n; i++) {
                mask[i] = noise(&state) % rarity == 0;
                expected[count] = (int64_t)i;
                count += mask[i];
            }
            ad_array *places = ad_flatnonzero(ad_from_data(AD_BOOL, mask, AD_SHAPE((int64_t)n)));
            ck_assert_int_eq(ad_size(places), count);
            memcpy(found, ad_data(places), (size_t)count * sizeof *found);
            ck_assert(memcmp(found, expected, (size_t)count * sizeof *found) == 0);
        }
}
END_TEST

/* Those of float32 are kept in double precision. */
START_TEST(running_sums_and_products_are_those_of_a_loop)
{
    for (int64_t inner = 1; inner < 1200; inner = 3 * inner + inner % 2)
        for (int single = 0; single < 2; single++)
            for (int reverse = 0; reverse < 2; reverse++) {
                AD_SCOPE;
                enum { N = 70 };
                ad_array *x = ad_random_uniform(ad_random_key(7), AD_SHAPE(2, N, inner), .low = 0.5, .high = 1.5);
                x = single ? ad_astype(x, AD_F32) : x;
                ad_array *sums = ad_astype(ad_cumsum(x, .axis = 1, .reverse = reverse), AD_F64);
                ad_array *products = ad_astype(ad_cumprod(x, .axis = 1, .reverse = reverse), AD_F64);
                const double *in = ad_data(ad_astype(x, AD_F64)), *sum = ad_data(sums), *product = ad_data(products);
                for (int64_t row = 0; row < 2 * inner; row++) {
                    double a = 0, b = 1;
                    for (int64_t j = 0; j < N; j++) {
                        int64_t at = (row / inner * N + (reverse ? N - 1 - j : j)) * inner + row % inner;
                        a += in[at];
                        b = single ? (float)b * (float)in[at] : b * in[at];
                        ck_assert(sum[at] == (single ? (float)a : a) && product[at] == b);
                    }
                }
            }
}
END_TEST

RUN_TESTS("places", positions_are_those_of_the_first_of_equals, positions_are_those_of_the_first_nan_and_infinities_are_numbers, positions_along_each_axis,
          one_element_decides_any_and_all, any_and_all_along_axes, any_stops_where_it_is_decided, true_elements_are_found_in_order,
          running_sums_and_products_are_those_of_a_loop)
