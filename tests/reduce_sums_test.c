/* Sums over any axes keep their digits, in float32 too, however long the axes are and however they lie in memory. */
#include "testing.h"

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

/* The elements of x in every way that memory can be walked: as they lie, axes exchanged, and every other element backwards. */
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

RUN_TESTS("reduce_sums", ones_in_float32_are_counted_over_every_axis, moments_of_a_constant_column_are_exact, blocked_sums_agree_with_double_precision)
