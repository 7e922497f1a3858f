/* Sums over any axes keep their digits, in float32 too, however long the axes are and however they lie in memory. */
#include "testing.h"
#include <string.h>

static ad_array *ones(ad_shape shape, ad_dtype dtype)
{
    return ad_broadcast_to(ad_ones(AD_SCALAR_SHAPE, .dtype = dtype), shape);
}

static void assert_all(ad_array *y, double value)
{
    ck_assert_msg(y && ad_item_int(ad_all(ad_equal(y, value))), "not all %.17g but %.17g ... (%s)", value, y ? ad_item(ad_min(y)) : NAN, ad_error_message());
}

START_TEST(ones_in_float32_are_counted_over_every_axis)
{
    enum { MANY = 17000000 };
    ad_array *x = ad_ones(AD_SHAPE(MANY, 2), .dtype = AD_F32);
    assert_all(ad_sum(x, .axis = 0), MANY);
    assert_all(ad_mean(x, .axis = 0), 1);
    assert_all(ad_sum(ad_reshape(x, AD_SHAPE(2, MANY / 2, 2)), .axes = AD_AXES(0, 1)), MANY);
    assert_all(ad_sum(ad_reshape(x, AD_SHAPE(MANY / 1000, 2, 1000)), .axes = AD_AXES(0, 2)), MANY);
    assert_all(ad_sum(ad_transpose(x), .axis = 1), MANY);
    assert_all(ad_sum(ones(AD_SHAPE(MANY, 2), AD_F32), .axis = 0), MANY);
    assert_all(ad_sum(ad_at(x, "::-1, 0")), MANY);
    ad_array *last = ad_at(ad_cumsum(ad_at(x, ":, 0")), "-1");
    assert_all(last, MANY);
    assert_all(ad_at(ad_cumsum(x, .axis = 0, .reverse = true), "0"), MANY);
}
END_TEST

START_TEST(moments_of_a_constant_column_are_exact)
{
    ad_array *x = ad_mul(ad_ones(AD_SHAPE(1000000, 2), .dtype = AD_F32), ad_astype(VECTOR(100, -100), AD_F32));
    assert_array(ad_mean(x, .axis = 0), AD_SHAPE(2), 0, 100, -100);
    assert_array(ad_std(x, .axis = 0), AD_SHAPE(2), 0, 0, 0);
    assert_array(ad_var(x, .axis = 0), AD_SHAPE(2), 0, 0, 0);
}
END_TEST

/* The elements of x in every way that memory can be walked: as they lie, axes exchanged, and every other element
 * backwards. */
static ad_array *laid_out(ad_array *x, int way)
{
    switch (way) {
    case 0: return x;
    case 1: return ad_transpose(ad_copy(ad_transpose(x)));
    default: return ad_at(ad_repeat(x, 2, .axis = -1), "..., ::-2");
    }
}

static void check_sum(ad_array *x, ad_axes axes, bool exact)
{
    for (int way = 0; way < 3; way++) {
        AD_SCOPE;
        ad_array *same = way == 2 ? ad_at(x, "..., ::-1") : x, *y = ad_sum(laid_out(x, way), .axes = axes);
        ad_array *right = ad_sum(ad_astype(same, ad_dtype_of(x) == AD_C64 ? AD_C128 : AD_F64), .axes = axes);
        /* Positive terms: the error of blocked sums is a few units in the last place. */
        ad_array *error = ad_max(ad_abs(ad_sub(ad_div(y, right), 1)));
        ck_assert_msg(error && ad_item(error) <= (exact ? 0 : 1.5e-6), "way %d: relative error %g (%s)", way, error ? ad_item(error) : NAN, ad_error_message());
    }
}

START_TEST(blocked_sums_agree_with_double_precision)
{
    static const struct {
        ad_shape shape;
        ad_axes axes;
    } cases[] = {
        { { 2, { 1000, 37 } }, { 1, { 0 } } },           { { 2, { 33, 9001 } }, { 1, { 0 } } },           { { 2, { 130, 4099 } }, { 1, { 0 } } },
        { { 3, { 7, 1500, 11 } }, { 1, { 1 } } },        { { 3, { 1100, 7, 50 } }, { 2, { 0, 2 } } },     { { 3, { 70, 5000, 3 } }, { 2, { 0, 2 } } },
        { { 4, { 40, 30, 50, 20 } }, { 2, { 0, 2 } } },  { { 4, { 40, 20, 50, 21 } }, { 2, { 0, 3 } } },  { { 4, { 3, 90, 5, 700 } }, { 2, { 1, 3 } } },
        { { 5, { 9, 33, 5, 40, 7 } }, { 3, { 1, 3, 4 } } }, { { 5, { 34, 3, 35, 90, 36 } }, { 3, { 0, 2, 4 } } },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AD_SCOPE;
        ad_array *x = ad_random_uniform(ad_random_key(i), cases[i].shape, .low = 0.5, .high = 1.5);
        check_sum(ad_astype(x, AD_F32), cases[i].axes, false);
        check_sum(ad_astype(ad_add(x, ad_mul(ad_weak_complex(1i), x)), AD_C64), cases[i].axes, false);
        check_sum(ad_floor(ad_mul(x, 8)), cases[i].axes, true);
    }
}
END_TEST

static bool same_bits(ad_array *a, ad_array *b)
{
    return a && b && ad_size(a) == ad_size(b) && memcmp(ad_data(ad_copy(a)), ad_data(ad_copy(b)), (size_t)ad_size(a) * ad_dtype_size(ad_dtype_of(a))) == 0;
}

START_TEST(rows_are_added_in_one_order_however_wide_they_are)
{
    for (int64_t rows = 2; rows < 40; rows += 9) {
        AD_SCOPE;
        ad_array *x = ad_random_normal(ad_random_key((uint64_t)rows), AD_SHAPE(rows, 9001)), *y = ad_sum(x, .axis = 0), *most = ad_max(x, .axis = 0);
        for (int64_t from = 0; from < 9001; from += 1003) {
            int64_t count = from + 37 < 9001 ? 37 : 9001 - from;
            ad_array *part = ad_copy(ad_slice_axis(x, 1, from, count, 1));
            ck_assert(same_bits(ad_slice_axis(y, 0, from, count, 1), ad_sum(part, .axis = 0)));
            ck_assert(same_bits(ad_slice_axis(most, 0, from, count, 1), ad_max(part, .axis = 0)));
        }
    }
}
END_TEST

START_TEST(norms_have_the_bits_of_roots_of_sums_of_squares)
{
    static const ad_shape shapes[] = { { 1, { 70000 } }, { 2, { 300, 41 } }, { 2, { 41, 3000 } }, { 2, { 2000, 5 } }, { 3, { 40, 7, 60 } } };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int single = 0; single < 2; single++)
            for (int axis = 0; axis < shapes[i].ndim; axis++) {
                AD_SCOPE;
                ad_array *x = ad_astype(ad_random_normal(ad_random_key(i), shapes[i]), single ? AD_F32 : AD_F64);
                for (int way = 0; way < 3; way++) {
                    ad_array *laid = laid_out(x, way);
                    ck_assert(same_bits(ad_linalg_norm(laid, .axis = axis), ad_sqrt(ad_sum(ad_square(laid), .axis = axis))));
                    ck_assert(same_bits(ad_linalg_norm(ad_ravel(laid)), ad_sqrt(ad_sum(ad_square(laid)))));
                }
            }
}
END_TEST

START_TEST(bytes_and_bools_are_counted_over_every_axis)
{
    AD_SCOPE;
    ad_array *x = ad_broadcast_to(ad_astype(255, AD_U8), AD_SHAPE(3, 1500000)), *mask = ad_greater(x, 0);
    for (int way = 0; way < 3; way++) {
        assert_all(ad_sum(laid_out(ad_copy(x), way), .axis = 1), 255. * 1500000);
        assert_all(ad_sum(laid_out(mask, way), .axis = 1), 1500000);
        assert_all(ad_sum(laid_out(mask, way), .axis = 0), 3);
        assert_all(ad_sum(laid_out(ad_reshape(mask, AD_SHAPE(2, 90, 25000)), way), .axes = AD_AXES(0, 2)), 50000);
        assert_all(ad_sum(laid_out(ad_reshape(ad_copy(x), AD_SHAPE(450, 100, 100)), way), .axes = AD_AXES(1)), 25500);
    }
    assert_all(ad_sum(x), 255. * 4500000);
}
END_TEST

RUN_TESTS("reduce_sums", ones_in_float32_are_counted_over_every_axis, moments_of_a_constant_column_are_exact, blocked_sums_agree_with_double_precision,
          rows_are_added_in_one_order_however_wide_they_are, norms_have_the_bits_of_roots_of_sums_of_squares, bytes_and_bools_are_counted_over_every_axis)
