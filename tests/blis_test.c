/* BLIS in place of OpenBLAS: where it is chosen, and that products are what they are with OpenBLAS. A test of
 * internals: it is linked with the static library and says itself which kernels OpenBLAS has. Where BLIS is not
 * installed, or no better, OpenBLAS is compared with itself. */
#include "testing.h"
#include "kernels/kernels.h"

static bool has(const char *instruction_set)
{
    return !strcmp(ad_loops_for_this_cpu()->instruction_set, instruction_set);
}

/* ---- the choice ---- */

START_TEST(openblas_multiplies_where_its_kernels_fit_the_processor)
{
    static const char *const kernels[] = { "SkylakeX", "Cooperlake", "SapphireRapids" };
    for (int i = 0; i < 3; i++) {
        ad_blis_choose(kernels[i]);
        ck_assert_ptr_null(ad_blis_build());
        ck_assert(!ad_blis_takes(AD_F64, 1000, 1000, 1000));
        ck_assert(strstr(ad_config(), "\nproducts: OpenBLAS ") && strstr(ad_config(), "\nLAPACK: that of OpenBLAS\n"));
    }
    ad_blis_choose(has("avx512") ? "SkylakeX" : "Haswell");
    ck_assert_ptr_null(ad_blis_build());
}
END_TEST

START_TEST(blis_multiplies_where_its_kernels_are_wider)
{
    ad_blis_choose("Prescott");
    if (!ad_blis_build())
        return;
    ck_assert(!has("baseline"));
    ck_assert(strstr(ad_config(), "\nproducts: BLIS ") && strstr(ad_config(), "\nLAPACK: that of OpenBLAS "));
    ck_assert(ad_blis_takes(AD_F64, 100, 100, 100) && !ad_blis_takes(AD_F64, 8, 8, 8));
    ad_blis_choose("SkylakeX");
    ck_assert_ptr_null(ad_blis_build());
    ad_blis_choose("a processor of the future");
    ck_assert(ad_blis_build());
}
END_TEST

/* ---- the products ---- */

static ad_array *normal(ad_dtype dtype, int key, ad_shape shape)
{
    ad_array *sample = ad_random_normal(ad_random_key((uint64_t)key), shape);
    if (dtype == AD_C128 || dtype == AD_C64)
        sample = ad_add(sample, ad_mul(ad_weak_complex(1.0i), ad_random_normal(ad_random_key((uint64_t)key + 100), shape)));
    return ad_astype(sample, dtype);
}

/* As a matrix of its own; as a transpose; as a part of a larger one; as a transpose of such a part. */
static ad_array *matrix(ad_dtype dtype, int key, int64_t rows, int64_t columns, int layout)
{
    ad_array *x;
    switch (layout) {
    case 0: return normal(dtype, key, AD_SHAPE(rows, columns));
    case 1: return ad_matrix_transpose(normal(dtype, key, AD_SHAPE(columns, rows)));
    case 2: x = normal(dtype, key, AD_SHAPE(rows + 3, columns + 5)); return ad_at(x, "2:-1, 4:-1");
    default: x = normal(dtype, key, AD_SHAPE(columns + 5, rows + 3)); return ad_matrix_transpose(ad_at(x, "4:-1, 2:-1"));
    }
}

static ad_array *with_openblas(ad_array *a, ad_array *b)
{
    ad_blis_choose("SkylakeX");
    return ad_matmul(a, b);
}

static ad_array *with_blis(ad_array *a, ad_array *b)
{
    ad_blis_choose("Prescott");
    return ad_matmul(a, b);
}

static double largest(ad_array *x)
{
    return ad_item(ad_astype(ad_max(ad_abs(x)), AD_F64));
}

static const ad_dtype dtypes[] = { AD_F64, AD_F32, AD_C128, AD_C64 };
static const int64_t sizes[][3] = { { 40, 40, 40 },     { 33, 50, 21 }, { 129, 131, 67 }, { 1, 300, 200 }, { 200, 300, 1 }, { 2, 900, 3 },
                                    { 1000, 3, 4 },     { 3, 4, 1000 }, { 257, 700, 200 }, { 1, 5000, 1 },  { 5, 1, 700 },   { 1501, 37, 151 },
                                    { 151, 130, 2047 } };
enum { SIZES = sizeof sizes / sizeof *sizes };

START_TEST(products_are_those_of_openblas_for_every_dtype_and_layout)
{
    for (int d = 0; d < 4; d++)
        for (int i = 0; i < SIZES; i++)
            for (int layouts = 0; layouts < 16; layouts++) {
                AD_SCOPE;
                const int64_t *size = sizes[i];
                ad_array *a = matrix(dtypes[d], 1, size[0], size[1], layouts / 4), *b = matrix(dtypes[d], 2, size[1], size[2], layouts % 4);
                ad_array *expected = with_openblas(a, b), *actual = with_blis(a, b);
                ck_assert_msg(actual && ad_shape_equal(ad_shape_of(actual), ad_shape_of(expected)) && ad_dtype_of(actual) == dtypes[d], "%s", ad_error_message());
                double error = largest(ad_sub(actual, expected)) / sqrt((double)size[1]);
                ck_assert_msg(error < (dtypes[d] == AD_F32 || dtypes[d] == AD_C64 ? 1e-5 : 1e-14), "%s (%lld,%lld) (%lld,%lld), layouts %d: off by %g",
                              ad_dtype_name(dtypes[d]), (long long)size[0], (long long)size[1], (long long)size[1], (long long)size[2], layouts, error);
            }
}
END_TEST

START_TEST(products_have_the_same_bits_for_any_number_of_threads)
{
    static const int counts[] = { 1, 2, 3, 8, 1 };
    for (int d = 0; d < 4; d++)
        for (int i = 0; i < SIZES; i++)
            for (int layouts = 0; layouts < 16; layouts += 5) {
                AD_SCOPE;
                ad_array *a = matrix(dtypes[d], 1, sizes[i][0], sizes[i][1], layouts / 4), *b = matrix(dtypes[d], 2, sizes[i][1], sizes[i][2], layouts % 4);
                ad_array *expected = NULL;
                for (int t = 0; t < 5; t++) {
                    ad_set_num_threads(counts[t]);
                    ad_array *actual = with_blis(a, b);
                    expected = expected ? expected : actual;
                    ck_assert_msg(!memcmp(ad_data(actual), ad_data(expected), (size_t)ad_size(actual) * ad_dtype_size(dtypes[d])), "%s, size %d, %d threads",
                                  ad_dtype_name(dtypes[d]), i, counts[t]);
                }
            }
    ad_set_num_threads(0);
}
END_TEST

/* What C held before is not read: memory that was used comes back with NaN in it. */
static void leave_nan_behind(ad_array *like)
{
    AD_SCOPE;
    ad_mul(like, NAN);
}

static ad_array *kinds(ad_array *x)
{
    return ad_add(ad_isnan(x), ad_mul(ad_isinf(x), 2));
}

START_TEST(nan_and_infinity_go_where_they_go_with_openblas)
{
    static const double values[] = { NAN, INFINITY, -INFINITY };
    for (int d = 0; d < 4; d++)
        for (int i = 0; i < SIZES; i++)
            for (int v = 0; v < 3; v++) {
                AD_SCOPE;
                ad_array *a = matrix(dtypes[d], 1, sizes[i][0], sizes[i][1], v), *b = matrix(dtypes[d], 2, sizes[i][1], sizes[i][2], 0);
                a = ad_at_set(a, ad_astype(ad_scalar(values[v]), dtypes[d]), "0, 0");
                b = ad_at_set(b, ad_astype(ad_scalar(0), dtypes[d]), "0, -1");
                ad_array *expected = with_openblas(a, b);
                leave_nan_behind(expected);
                ad_array *actual = with_blis(a, b);
                ck_assert_msg(ad_item(ad_astype(ad_all(ad_equal(kinds(ad_real(actual)), kinds(ad_real(expected)))), AD_F64)) == 1, "%s, size %d, %g",
                              ad_dtype_name(dtypes[d]), i, values[v]);
                ck_assert_int_eq((int64_t)ad_item(ad_astype(ad_sum(ad_isnan(ad_at(actual, "1:"))), AD_F64)), 0);
            }
}
END_TEST

RUN_TESTS("blis", openblas_multiplies_where_its_kernels_fit_the_processor, blis_multiplies_where_its_kernels_are_wider,
          products_are_those_of_openblas_for_every_dtype_and_layout, products_have_the_same_bits_for_any_number_of_threads,
          nan_and_infinity_go_where_they_go_with_openblas)
