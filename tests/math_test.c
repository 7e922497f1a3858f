/* Elementwise functions: values where a range or a dtype ends, as NumPy's. Derivatives at edges are in special_test.c. */
#include "testing.h"
#include <complex.h>

#define VECTOR(...) ad_from((double[]){ __VA_ARGS__ }, AD_SHAPE(sizeof((double[]){ __VA_ARGS__ }) / sizeof(double)))

static ad_array *single(ad_array *x)
{
    return ad_astype(x, AD_F32);
}

/* ---- ranges ---- */

/* C's functions: the largest finite values, also far from the ends of a vector. */
START_TEST(functions_do_not_overflow_before_their_values_do)
{
    AD_SCOPE;
    ad_array *x = VECTOR(-710, 710.4, 1, 711, NAN), *far = VECTOR(1e160, 1.7e308, 2, INFINITY, NAN), *far_single = VECTOR(1e20, 3e38, 2, INFINITY, NAN);
    assert_array(ad_sinh(x), AD_SHAPE(5), 1e-14, sinh(-710), sinh(710.4), sinh(1), INFINITY, NAN);
    assert_array(ad_cosh(x), AD_SHAPE(5), 1e-14, cosh(-710), cosh(710.4), cosh(1), INFINITY, NAN);
    assert_array(ad_arcsinh(far), AD_SHAPE(5), 1e-15, asinh(1e160), asinh(1.7e308), asinh(2), INFINITY, NAN);
    assert_array(ad_arcsinh(ad_neg(far)), AD_SHAPE(5), 1e-15, -asinh(1e160), -asinh(1.7e308), -asinh(2), -INFINITY, NAN);
    assert_array(ad_arccosh(far), AD_SHAPE(5), 1e-15, acosh(1e160), acosh(1.7e308), acosh(2), INFINITY, NAN);
    assert_array(ad_log1p(far), AD_SHAPE(5), 1e-15, log1p(1e160), log1p(1.7e308), log1p(2), INFINITY, NAN);
    assert_array(ad_sinh(single(VECTOR(-89, 89.25, 90))), AD_SHAPE(3), 1e-6, sinh(-89), sinh(89.25), INFINITY);
    assert_array(ad_cosh(single(VECTOR(-89, 89.25, 90))), AD_SHAPE(3), 1e-6, cosh(-89), cosh(89.25), INFINITY);
    assert_array(ad_arcsinh(single(far_single)), AD_SHAPE(5), 1e-6, asinh(1e20), asinh(3e38), asinh(2), INFINITY, NAN);
    assert_array(ad_arccosh(single(far_single)), AD_SHAPE(5), 1e-6, acosh(1e20), acosh(3e38), acosh(2), INFINITY, NAN);
    assert_array(ad_log1p(single(far_single)), AD_SHAPE(5), 1e-6, log1p(1e20), log1p(3e38), log1p(2), INFINITY, NAN);
    assert_close(ad_item(ad_arcsinh(ad_scalar(-1e300))), asinh(-1e300), 1e-15);
    assert_close(ad_item(ad_grad(ad_sinh)(ad_scalar(710))), cosh(710), 1e-14);
}
END_TEST

START_TEST(floor_division_by_infinity_is_0_or_minus_1)
{
    AD_SCOPE;
    ad_array *x = VECTOR(0.5, -0.5, 0, -7, INFINITY);
    assert_array(ad_floor_divide(x, INFINITY), AD_SHAPE(5), 0, 0, -1, 0, -1, NAN);
    assert_array(ad_floor_divide(x, -INFINITY), AD_SHAPE(5), 0, -1, 0, 0, 0, NAN);
    assert_array(ad_floor_divide(single(x), INFINITY), AD_SHAPE(5), 0, 0, -1, 0, -1, NAN);
    assert_array(ad_mod(x, INFINITY), AD_SHAPE(5), 0, 0.5, INFINITY, 0, INFINITY, NAN);
    assert_array(ad_floor_divide(VECTOR(7, -7, 7, -7, 1), VECTOR(2, 2, -2, -2, 0.1)), AD_SHAPE(5), 0, 3, -4, -4, 3, 9);
    assert_array(ad_floor_divide(VECTOR(1, -1, 0), 0), AD_SHAPE(3), 0, INFINITY, -INFINITY, NAN);
}
END_TEST

RUN_TESTS("math", functions_do_not_overflow_before_their_values_do, floor_division_by_infinity_is_0_or_minus_1)
