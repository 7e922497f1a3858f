/* Elementwise functions: values where a range or a dtype ends, as NumPy's. Derivatives at edges are in
 * special_test.c. */
#include "testing.h"
#include <complex.h>
#include <float.h>

static ad_array *integers(int64_t a, int64_t b, int64_t c)
{
    return ad_from_data(AD_I64, (int64_t[]){ a, b, c }, AD_SHAPE(3));
}

static ad_array *bytes(uint8_t a, uint8_t b)
{
    return ad_from_data(AD_U8, (uint8_t[]){ a, b }, AD_SHAPE(2));
}

static ad_array *single(ad_array *x)
{
    return ad_astype(x, AD_F32);
}

static void assert_complex(ad_array *x, double complex expected)
{
    double complex value = ad_item_complex(x);
    ck_assert_msg(is_close(creal(value), creal(expected), 1e-15) && is_close(cimag(value), cimag(expected), 1e-15), "%g%+gi, expected %g%+gi (%s)",
                  creal(value), cimag(value), creal(expected), cimag(expected), ad_error_message());
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

/* ---- accuracy ---- */

static bool within_ulps(double value, double expected, double ulps)
{
    if (!isfinite(expected) || expected == 0 || ulps == 0)
        return isnan(expected) ? isnan(value) : value == expected && !signbit(value) == !signbit(expected);
    return fabs(value - expected) <= ulps * (nextafter(fabs(expected), INFINITY) - fabs(expected));
}

static bool within_float_ulps(double value, double expected, double ulps)
{
    float rounded = (float)expected;
    if (!isfinite(rounded) || rounded == 0 || ulps == 0)
        return within_ulps(value, rounded, ulps);
    return fabs(value - rounded) <= ulps * ((double)nextafterf(fabsf(rounded), INFINITY) - fabs(rounded));
}

/* 3.5 of math.h, and 1 of the C library. Steps of every size, with the edges among them; a vector's worth of points at
 * a time, so that each takes every place in it. */
START_TEST(functions_computed_here_are_within_the_promised_ulps)
{
    static const struct {
        const char *name;
        ad_array *(*function)(ad_array *);
        double (*c)(double);
    } rows[] = { { "expm1", ad_expm1, expm1 },    { "log1p", ad_log1p, log1p },       { "sinh", ad_sinh, sinh },
                 { "cosh", ad_cosh, cosh },       { "tanh", ad_tanh, tanh },          { "arcsinh", ad_arcsinh, asinh },
                 { "arccosh", ad_arccosh, acosh }, { "arctanh", ad_arctanh, atanh }, { "cbrt", ad_cbrt, cbrt },
                 { "log10", ad_log10, log10 },     { "exp", ad_exp, exp } };
    static const double edges[] = { 0.0,  -0.0, INFINITY, -INFINITY, NAN, 0x1p-1074, -0x1p-1074, 0x1p-1022, 0x1.62e42fefa39efp9, 0x1.62e42fefa39f0p9, -37, -40,
                                    0x1.fffffffffffffp-1, 0.167, -745, -750, 1,        -1,        -2,  -3,        22,         0x1p-28,   0x1p-54,             0x1p511,            -0x1p60, 1e308 };
    enum { EDGES = sizeof edges / sizeof *edges, POINTS = 5 * EDGES + 6000 };
    AD_SCOPE;
    double x[POINTS];
    int n = 0;
    for (int repeat = 0; repeat < 5; repeat++) /* an odd number in between, to move them */
        for (int i = 0; i < EDGES; i++)
            x[n++] = edges[(i * 5 + repeat) % EDGES];
    for (int i = 0; n < POINTS; i++)
        x[n++] = (i % 2 ? -1 : 1) * exp2(-60 + i * 0.0117) * (1 + i % 7 * 0.1);
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        double y[POINTS];
        ck_assert(ad_copy_to(rows[row].function(ad_from(x, AD_SHAPE(POINTS))), y, POINTS));
        for (int i = 0; i < POINTS; i++)
            ck_assert_msg(within_ulps(y[i], rows[row].c(x[i]), 4.5), "%s(%a) = %a, expected %a", rows[row].name, x[i], y[i], rows[row].c(x[i]));
    }
}
END_TEST

/* ---- values, against the C library ---- */

/* C's classifications are macros. */
static double is_nan(double x)
{
    return isnan(x) != 0;
}
static double is_infinite(double x)
{
    return isinf(x) != 0;
}
static double is_finite(double x)
{
    return isfinite(x) != 0;
}
static double is_zero(double x)
{
    return x == 0;
}

static const double value_edges[] = {
    0.0, -0.0, INFINITY, -INFINITY, NAN, 0.5, -0.5, 1, -1, 1.5, -1.5, 2, 2.5, -2.5, 3, 8, 10, -0.25, 0x1.fffffffffffffp-2, -0x1.fffffffffffffp-2,
    0x1.fffffffffffffp-1, 0x1p-1074, -0x1p-1074, 0x1p-1022, DBL_MAX, -DBL_MAX, 0x1p51 + 0.5, 0x1p52 - 0.5, -0x1p52 + 0.5, 0x1p53, 0x1p-149, 0x1p-126,
    FLT_MAX, 0x1p22 + 0.5, 0x1p23 - 0.5, 0x1p24, 127, 127.5, 128, -126, -126.5, -149, -150, -151,
    1023, 1023.5, 1024, -1022, -1022.5, -1074, -1075, -1076, M_PI_4, M_PI_2, -M_PI_2, M_PI, 1e5, 1e10, 1e22,
};
enum { VALUE_EDGES = sizeof value_edges / sizeof *value_edges };

/* Alone, and in a vector at every place, float32 too: there C's value of the rounded argument, rounded. */
START_TEST(values_are_those_of_the_c_library)
{
    static const struct {
        const char *name;
        ad_array *(*function)(ad_array *);
        double (*c)(double);
        double ulps;
        bool is_bool;
    } rows[] = {
        { "floor", ad_floor, floor, 0, false },        { "ceil", ad_ceil, ceil, 0, false },
        { "trunc", ad_trunc, trunc, 0, false },        { "rint", ad_rint, rint, 0, false },
        { "isnan", ad_isnan, is_nan, 0, true },        { "isinf", ad_isinf, is_infinite, 0, true },
        { "isfinite", ad_isfinite, is_finite, 0, true }, { "logical_not", ad_logical_not, is_zero, 0, true },
        { "tan", ad_tan, tan, 4.5, false },            { "exp2", ad_exp2, exp2, 4.5, false },
        { "log2", ad_log2, log2, 4.5, false },
    };
    enum { SHIFTS = 17, POINTS = SHIFTS * VALUE_EDGES };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++)
        for (ad_dtype dtype = AD_F64; dtype <= AD_F32; dtype++) {
            AD_SCOPE;
            double x[POINTS], y[POINTS];
            for (int i = 0; i < POINTS; i++)
                x[i] = value_edges[i % VALUE_EDGES];
            ad_array *in = ad_astype(ad_from(x, AD_SHAPE(POINTS)), dtype), *out = rows[row].function(in);
            ck_assert_int_eq(ad_dtype_of(out), rows[row].is_bool ? AD_BOOL : dtype);
            ck_assert(ad_copy_to(in, x, POINTS) && ad_copy_to(out, y, POINTS));
            for (int i = 0; i < POINTS; i++) {
                double expected = rows[row].c(x[i]);
                bool right = dtype == AD_F64 ? within_ulps(y[i], expected, rows[row].ulps) : within_float_ulps(y[i], expected, rows[row].ulps);
                ck_assert_msg(right, "%s(%a) as %s = %a, expected %a", rows[row].name, x[i], ad_dtype_name(dtype), y[i], expected);
                bool neighbours_matter = rows[row].c == tan; /* see math.h */
                double alone = i < VALUE_EDGES && !neighbours_matter ? ad_item(rows[row].function(ad_astype(ad_scalar(x[i]), dtype))) : y[i];
                ck_assert_msg(memcmp(&alone, &y[i], sizeof alone) == 0 || (isnan(alone) && isnan(y[i])), "%s(%a) alone is %a, not %a", rows[row].name,
                              x[i], alone, y[i]);
            }
        }
}
END_TEST

START_TEST(exclusive_or_asks_whether_exactly_one_is_not_0)
{
    for (ad_dtype dtype = AD_F64; dtype <= AD_F32; dtype++) {
        AD_SCOPE;
        double x[VALUE_EDGES], y[VALUE_EDGES * VALUE_EDGES];
        ad_array *edges = ad_astype(ad_from(value_edges, AD_SHAPE(VALUE_EDGES)), dtype), *either = ad_logical_xor(ad_expand_dims(edges, 1), edges);
        ck_assert_int_eq(ad_dtype_of(either), AD_BOOL);
        ck_assert(ad_copy_to(edges, x, VALUE_EDGES) && ad_copy_to(either, y, VALUE_EDGES * VALUE_EDGES));
        for (int i = 0; i < VALUE_EDGES; i++)
            for (int j = 0; j < VALUE_EDGES; j++)
                ck_assert_msg(y[i * VALUE_EDGES + j] == ((x[i] != 0) != (x[j] != 0)), "%a, %a: %g", x[i], x[j], y[i * VALUE_EDGES + j]);
    }
}
END_TEST

START_TEST(cube_roots_and_decimal_logarithms_are_exact_where_they_can_be)
{
    for (int i = 1; i < 2000; i++)
        ck_assert_double_eq(ad_item(ad_cbrt(ad_scalar((double)i * i * i))), i);
    double power = 1;
    for (int i = 0; i <= 22; i++, power *= 10)
        ck_assert_double_eq(ad_item(ad_log10(ad_scalar(power))), i);
}
END_TEST

/* Every pair of edges, and powers of every size; a value is the same wherever it stands, beside whatever. */
START_TEST(powers_are_within_the_promised_ulps)
{
    static const double edges[] = { 0.0, -0.0, 1, -1, INFINITY, -INFINITY, NAN, 2, -2, 0.5, 3, -3, 7.5, 0x1p-1074, 0x1p-1030, 1e308, -1e300, 1023, 1024, -1075 };
    enum { EDGES = sizeof edges / sizeof *edges, POINTS = EDGES * EDGES + 8000 };
    AD_SCOPE;
    double x[POINTS], y[POINTS], z[POINTS];
    int n = 0;
    for (; n < EDGES * EDGES; n++) {
        x[n] = edges[n / EDGES];
        y[n] = edges[n % EDGES];
    }
    for (int i = 0; n < POINTS; n++, i++) {
        x[n] = exp2((i % 101 - 50) * (i % 3 ? 0.02 : 3.1));
        y[n] = (i % 89 - 44) * (i % 5 ? 0.31 : 7);
        if (i % 4 == 3) { /* large exponents of what is near 1 */
            x[n] = 1 + (i % 401 - 200) * 0.00025 + 0x1p-30;
            y[n] = (i % 83 - 41) * 17.2 / log(x[n]);
        }
    }
    ck_assert(ad_copy_to(ad_pow(ad_from(x, AD_SHAPE(POINTS)), ad_from(y, AD_SHAPE(POINTS))), z, POINTS));
    for (int i = 0; i < POINTS; i++) {
        ck_assert_msg(within_ulps(z[i], pow(x[i], y[i]), 2.5), "pow(%a, %a) = %a, expected %a", x[i], y[i], z[i], pow(x[i], y[i]));
        double alone = ad_item(ad_pow(ad_scalar(x[i]), ad_scalar(y[i])));
        ck_assert_msg(memcmp(&alone, &z[i], sizeof alone) == 0 || (isnan(alone) && isnan(z[i])), "pow(%a, %a) alone is %a, not %a", x[i], y[i], alone, z[i]);
    }
}
END_TEST

static double floor_remainder(double x, double y)
{
    double r = fmod(x, y);
    return r == 0 ? copysign(0, y) : (r < 0) != (y < 0) ? r + y : r;
}

/* To the bit, for quotients of every size: remainders of floating numbers are exact. */
START_TEST(remainders_are_exact)
{
    static const double edges[] = { 0.0, -0.0, 1, -1, INFINITY, -INFINITY, NAN, 3, -3, 0.1, -0.3, 0x1p-1074, -0x1p-1074, 1e308, -1e308, 0x1p52, 0x1p53, -0x1.fffffffffffffp52 };
    enum { EDGES = sizeof edges / sizeof *edges, POINTS = EDGES * EDGES + 4000 };
    AD_SCOPE;
    double x[POINTS], y[POINTS], by_zero[POINTS], by_floor[POINTS];
    int n = 0;
    for (; n < EDGES * EDGES; n++) {
        x[n] = edges[n / EDGES];
        y[n] = edges[n % EDGES];
    }
    for (int i = 0; n < POINTS; n++, i++) {
        x[n] = (i % 2 ? 1 : -1) * (i % 11 ? 0.1 * (i % 1000) : exp2(i % 67));
        y[n] = (i % 3 ? 1 : -1) * (i % 5 ? 0.1 * (1 + i % 77) : exp2(-(i % 31)));
    }
    ad_array *a = ad_from(x, AD_SHAPE(POINTS)), *b = ad_from(y, AD_SHAPE(POINTS));
    ck_assert(ad_copy_to(ad_fmod(a, b), by_zero, POINTS) && ad_copy_to(ad_mod(a, b), by_floor, POINTS));
    for (int i = 0; i < POINTS; i++) {
        ck_assert_msg(within_ulps(by_zero[i], fmod(x[i], y[i]), 0), "fmod(%a, %a) = %a, expected %a", x[i], y[i], by_zero[i], fmod(x[i], y[i]));
        ck_assert_msg(within_ulps(by_floor[i], floor_remainder(x[i], y[i]), 0), "mod(%a, %a) = %a, expected %a", x[i], y[i], by_floor[i], floor_remainder(x[i], y[i]));
    }
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

START_TEST(sign_of_an_infinite_complex_number_is_its_direction)
{
    AD_SCOPE;
    static const double numbers[] = { -INFINITY, 1, 2, INFINITY, INFINITY, NAN, INFINITY, INFINITY, 3, -4 };
    for (ad_dtype dtype = AD_C128; dtype <= AD_C64; dtype++) {
        ad_array *y = ad_sign(ad_astype(ad_from_data(AD_C128, numbers, AD_SHAPE(5)), dtype));
        assert_complex(ad_at(y, "0"), -1);
        assert_complex(ad_at(y, "1"), 1i);
        assert_complex(ad_at(y, "2"), 1);
        ck_assert(isnan(creal(ad_item_complex(ad_at(y, "3")))));
        ck_assert(cabs(ad_item_complex(ad_at(y, "4")) - (0.6 - 0.8i)) < 1e-6);
    }
}
END_TEST

/* By C's rules for the edges, alone, beside other exponents and in float32. */
START_TEST(power_one_half_is_the_square_root)
{
    AD_SCOPE;
    enum { N = 600 };
    double x[N], p[N], y[N];
    for (int i = 0; i < N; i++) {
        static const double edges[] = { 0.0, -0.0, INFINITY, -INFINITY, NAN, -1, 0x1p-1074, 0x1.fffffffffffffp1023, 1, 2 };
        x[i] = i < 10 ? edges[i] : exp(0.01 * i * (i % 2 ? 1 : -1));
        p[i] = i % 3 == 0 && i > 10 ? 1.7 : 0.5;
    }
    for (int way = 0; way < 3; way++) {
        ad_array *a = ad_from(x, AD_SHAPE(N)), *z = way == 1 ? ad_pow(a, ad_from(p, AD_SHAPE(N))) : ad_pow(ad_astype(a, way == 2 ? AD_F32 : AD_F64), 0.5);
        ck_assert(ad_copy_to(z, y, N));
        for (int i = 0; i < N; i++) {
            double base = way == 2 ? (double)(float)x[i] : x[i], root = i < 6 ? pow(base, 0.5) : way == 2 ? (double)sqrtf((float)base) : sqrt(base);
            if (way == 1 && p[i] != 0.5)
                continue;
            ck_assert_msg(memcmp(&root, &y[i], sizeof root) == 0 || (isnan(root) && isnan(y[i])), "way %d: (%a)^0.5 = %a, expected %a", way, x[i], y[i], root);
            double alone = ad_item(ad_pow(ad_scalar(base), 0.5));
            ck_assert(way == 2 || memcmp(&alone, &y[i], sizeof alone) == 0 || isnan(alone));
        }
    }
}
END_TEST

/* What is out of range for an int64 becomes the smallest one on every processor. */
START_TEST(conversions_do_not_depend_on_the_place)
{
    static const double numbers[] = { 0.0, -0.0, 0.9, -0.9, 1e15 + 0.5, -1e18, 0x1.fffffffffffffp62, 0x1p63, -0x1p63, -0x1.0000000000001p63, 1e300, INFINITY,
                                      -INFINITY, NAN, 0x1p-1074, 3e9, 300.7 };
    enum { N = sizeof numbers / sizeof *numbers, COPIES = 5 };
    AD_SCOPE;
    ad_array *x = ad_ravel(ad_broadcast_to(VECTOR(0), AD_SHAPE(1)));
    for (int i = 0; i < COPIES; i++)
        x = ad_concatenate(ad_list_of(x, ad_from(numbers, AD_SHAPE(N))));
    static const ad_dtype dtypes[] = { AD_F32, AD_C128, AD_C64, AD_I64, AD_I32, AD_U8, AD_BOOL };
    for (size_t k = 0; k < sizeof dtypes / sizeof *dtypes; k++) {
        ad_array *y = ad_astype(x, dtypes[k]);
        for (int64_t i = 1; i < ad_size(x); i++) {
            ad_array *alone = ad_astype(numbers[(i - 1) % N], dtypes[k]), *there = ad_at(y, "%lld", (long long)i);
            ck_assert_msg(memcmp(ad_data(alone), ad_data(there), ad_dtype_size(dtypes[k])) == 0 || ad_item_int(ad_isnan(alone)), "%g as %s",
                          numbers[(i - 1) % N], ad_dtype_name(dtypes[k]));
        }
    }
    const int64_t *integers = ad_data(ad_astype(x, AD_I64));
    for (int i = 0; i < N; i++)
        ck_assert_int_eq(integers[i + 1], numbers[i] >= -0x1p63 && numbers[i] < 0x1p63 ? (int64_t)numbers[i] : INT64_MIN);
}
END_TEST

START_TEST(zero_to_a_complex_power_with_positive_real_part_is_zero)
{
    AD_SCOPE;
    ad_array *zero = ad_from_data(AD_C128, (double[]){ 0, 0 }, AD_SCALAR_SHAPE);
    assert_complex(ad_pow(zero, 2 + 3i), 0);
    assert_complex(ad_pow(ad_astype(zero, AD_C64), 0.5 - 1i), 0);
    assert_complex(ad_pow(zero, 0.0), 1);
    ck_assert(isnan(creal(ad_item_complex(ad_pow(zero, -1 + 1i)))));
    ck_assert(isnan(creal(ad_item_complex(ad_pow(zero, 1i)))));
}
END_TEST

/* ---- integers ---- */

START_TEST(numbers_that_do_not_fit_an_integer_dtype_are_errors)
{
    AD_SCOPE;
    ad_array *x = bytes(3, 200), *n = ad_astype(x, AD_I32);
    assert_fails(ad_add(x, 300), AD_ERROR_VALUE, "ad_add: 300 is out of range for uint8");
    assert_fails(ad_mul(-1, x), AD_ERROR_VALUE, "ad_mul: -1 is out of range for uint8");
    assert_fails(ad_maximum(x, -1), AD_ERROR_VALUE, "ad_maximum: -1");
    assert_fails(ad_mod(n, INT64_C(1) << 40), AD_ERROR_VALUE, "ad_mod: 1099511627776 is out of range for int32");
    assert_fails(ad_pow(x, -1), AD_ERROR_VALUE, "ad_pow");
    assert_array(ad_add(x, 255), AD_SHAPE(2), 0, 2, 199);
    assert_array(ad_div(x, -2), AD_SHAPE(2), 0, -1.5, -100);
    assert_array(ad_add(x, ad_astype(ad_scalar(300), AD_I32)), AD_SHAPE(2), 0, 303, 500);
    assert_array(ad_add(ad_greater(x, 100), 300), AD_SHAPE(2), 0, 300, 301);
    assert_array(ad_sub(ad_astype(x, AD_I64), INT64_C(1) << 40), AD_SHAPE(2), 0, 3 - 0x1p40, 200 - 0x1p40);
}
END_TEST

/* NumPy 2.4, but for the float16 that it has of uint8 and bool. */
START_TEST(absolute_values_of_reals_are_floats)
{
    AD_SCOPE;
    assert_array(ad_fabs(VECTOR(-1.5, -0.0, 2, -INFINITY)), AD_SHAPE(4), 0, 1.5, 0, 2, INFINITY);
    ck_assert(!signbit(ad_item(ad_fabs(-0.0))));
    for (ad_dtype d = AD_F64; d <= AD_BOOL; d++)
        if (d != AD_C128 && d != AD_C64)
            ck_assert_int_eq(ad_dtype_of(ad_fabs(ad_ones(AD_SHAPE(2), .dtype = d))), d == AD_F32 ? AD_F32 : AD_F64);
    assert_array(ad_fabs(integers(-3, 0, INT64_MIN)), AD_SHAPE(3), 0, 3, 0, 0x1p63);
    assert_fails(ad_fabs(ad_weak_complex(1i)), AD_ERROR_DTYPE, "ad_fabs: not defined for complex128");
    assert_array(ad_elementwise_grad(ad_fabs)(VECTOR(-2, 0, 3)), AD_SHAPE(3), 0, -1, 0, 1);
}
END_TEST

START_TEST(angles_are_in_degrees_or_radians)
{
    AD_SCOPE;
    assert_array(ad_deg2rad(VECTOR(180, -90)), AD_SHAPE(2), 0, 3.141592653589793, -1.5707963267948966);
    assert_array(ad_radians(integers(180, 90, 0)), AD_SHAPE(3), 0, 3.141592653589793, 1.5707963267948966, 0);
    assert_array(ad_rad2deg(VECTOR(AD_PI, 1)), AD_SHAPE(2), 0, 180, 57.29577951308232);
    assert_close(ad_item(ad_degrees(1)), 57.29577951308232, 0);
    ck_assert_int_eq(ad_dtype_of(ad_deg2rad(ad_ones(AD_SHAPE(1), .dtype = AD_F32))), AD_F32);
    assert_fails(ad_rad2deg(ad_weak_complex(1i)), AD_ERROR_DTYPE, "ad_rad2deg: not defined for complex128");
    assert_close(ad_item(ad_grad(ad_deg2rad)(ad_scalar(7))), 0.017453292519943295, 0);
    assert_close(ad_item(ad_grad(ad_grad(ad_rad2deg))(ad_scalar(7))), 0, 0);
}
END_TEST

static ad_array *complex_number(ad_complex z)
{
    return ad_from_data(AD_C128, &z, AD_SHAPE(1));
}

START_TEST(small_imaginary_parts_are_dropped)
{
    AD_SCOPE;
    ad_array *x = VECTOR(1, 2);
    ck_assert_int_eq(ad_dtype_of(ad_real_if_close(complex_number(1 + 1e-14i))), AD_F64);
    ck_assert_int_eq(ad_dtype_of(ad_real_if_close(complex_number(1 + 1e-13i))), AD_C128);
    ck_assert_int_eq(ad_dtype_of(ad_real_if_close(complex_number(1 + 1e-13i), .tol = 1000)), AD_F64);
    ck_assert_int_eq(ad_dtype_of(ad_real_if_close(complex_number(1 + 0.5i), .tol = 0.6)), AD_F64);
    ck_assert_int_eq(ad_dtype_of(ad_real_if_close(complex_number(__builtin_complex(1.0, (double)NAN)))), AD_C128);
    ck_assert_int_eq(ad_dtype_of(ad_real_if_close(ad_astype(complex_number(1 + 1e-6i), AD_C64))), AD_F32);
    ck_assert_int_eq(ad_dtype_of(ad_real_if_close(ad_zeros(AD_SHAPE(0), .dtype = AD_C128))), AD_F64);
    ck_assert_int_eq(ad_dtype_of(ad_real_if_close(integers(1, 2, 3))), AD_I64);
    assert_array(ad_real_if_close(x), AD_SHAPE(2), 0, 1, 2);
    assert_array((ad_real_if_close)(complex_number(3)), AD_SHAPE(1), 0, 3);
    assert_complex(ad_grad(ad_real_if_close)(ad_reshape(complex_number(3), AD_SCALAR_SHAPE)), 1);
}
END_TEST

START_TEST(other_names_are_functions_too)
{
    AD_SCOPE;
    assert_close(ad_item((ad_multiply)(ad_scalar(2), ad_scalar(3))), 6, 0);
    assert_close(ad_item((ad_amax_with)(ad_scalar(2), AD_REDUCE_DEFAULTS)), 2, 0);
    assert_close(ad_item((ad_multiply)(ad_scalar(2), ad_scalar(3))), 6, 0);
    assert_close(ad_item((ad_amax_with)(ad_scalar(2), AD_REDUCE_DEFAULTS)), 2, 0);
    assert_close(ad_item(ad_true_divide(3, 2)), 1.5, 0);
    assert_close(ad_item(ad_grad(ad_negative)(ad_scalar(3))), -1, 0);
}
END_TEST

/* In one loop or as two functions: the same bits, NaN among elements and bounds. */
START_TEST(clip_is_minimum_of_maximum)
{
    static const double bounds[][2] = { { -0.5, 0.5 }, { 0.5, -0.5 }, { -0.0, 0.0 }, { 0.0, -0.0 }, { NAN, 1 }, { -1, NAN }, { -INFINITY, INFINITY } };
    AD_SCOPE;
    ad_array *x = ad_random_normal(ad_random_key(7), AD_SHAPE(40, 3)), *edges = VECTOR(NAN, INFINITY, -INFINITY, 0, -0.0, 0.5, -0.5);
    ad_array *arrays[] = { x, ad_transpose(x), ad_at(x, "::-2"), edges, ad_astype(edges, AD_F32), ad_scalar(0.7) };
    for (size_t b = 0; b < sizeof bounds / sizeof *bounds; b++)
        for (size_t a = 0; a < sizeof arrays / sizeof *arrays; a++) {
            double low = bounds[b][0], high = bounds[b][1];
            ad_array *clipped = ad_clip(arrays[a], low, high), *twice = ad_minimum(ad_maximum(arrays[a], low), high);
            ck_assert_int_eq(ad_dtype_of(clipped), ad_dtype_of(arrays[a]));
            const double *y = ad_data(ad_astype(clipped, AD_F64)), *z = ad_data(ad_astype(twice, AD_F64));
            for (int64_t i = 0; i < ad_size(twice); i++)
                ck_assert_msg(memcmp(&y[i], &z[i], sizeof *y) == 0 || (isnan(y[i]) && isnan(z[i])), "bounds %zu, array %zu: %g, not %g", b, a, y[i], z[i]);
        }
}
END_TEST

/* Products up to 100, and beyond as any power: without the errors of many products, without overflow of what is only
 * divided by. */
START_TEST(integer_exponents_of_every_size)
{
    static const double x[] = { 1.5, -1.5, 0.0, -0.0, 1e155, 1e-160, INFINITY, -INFINITY, NAN, 1.0001, -1.0001 };
    static const int64_t n[] = { 0, 1, -1, 2, -2, 3, -3, 7, -7, 100, -100, 101, -101, 100000, -100001, INT64_MIN };
    for (size_t i = 0; i < sizeof x / sizeof *x; i++)
        for (size_t k = 0; k < sizeof n / sizeof *n; k++) {
            AD_SCOPE;
            double alone = ad_item(ad_pow(ad_scalar(x[i]), n[k])), expected = pow(x[i], (double)n[k]);
            const double *row = ad_data(ad_pow(ad_full(AD_SHAPE(3), x[i]), n[k]));
            ck_assert_msg(within_ulps(alone, expected, 50), "%g^%lld = %a, expected %a", x[i], (long long)n[k], alone, expected);
            ck_assert(memcmp(&alone, &row[1], sizeof alone) == 0 || (isnan(alone) && isnan(row[1])));
        }
    assert_close(ad_item(ad_grad(ad_square)(ad_scalar(3))), 6, 0);
}
END_TEST

static ad_array *power_of(ad_array *x, ad_array *p)
{
    return ad_pow(x, p);
}

/* x^(p-1) (1 + p log x), which at p = 0 is 1/x. */
START_TEST(mixed_derivative_of_a_power_at_exponent_0)
{
    AD_SCOPE;
    ad_array *x = ad_scalar(4), *zero = ad_scalar(0);
    ad_array *(*along_x)(ad_array *, ad_array *) = ad_grad(power_of, 0), *(*along_p)(ad_array *, ad_array *) = ad_grad(power_of, 1);
    assert_close(ad_item(ad_grad(along_x, 1)(x, zero)), 0.25, 1e-15);
    assert_close(ad_item(ad_grad(along_p, 0)(x, zero)), 0.25, 1e-15);
    assert_close(ad_item(along_x(zero, zero)), 0, 0);
    assert_close(ad_item(along_x(ad_scalar(NAN), zero)), 0, 0);
}
END_TEST

/* On a branch cut the derivative belongs to the side that the sign of the zero names: it is that of the values along
 * the cut. */
START_TEST(derivatives_on_branch_cuts_follow_the_sign_of_zero)
{
    static const struct {
        ad_array *(*f)(ad_array *);
        bool imaginary;
    } *row, rows[] = { { ad_arcsin, false }, { ad_arccos, false }, { ad_arccosh, false }, { ad_arcsinh, true },
                       { ad_arctan, true },  { ad_arctanh, false }, { ad_log, false },    { ad_sqrt, false } };
    for (row = rows; row < rows + sizeof rows / sizeof *rows; row++)
        for (int side = 0; side < 4; side++) {
            AD_SCOPE;
            double along = side & 1 ? -2 : 2, zero = side & 2 ? -0.0 : 0.0, h = 1e-6;
            ad_array *z[3];
            for (int k = 0; k < 3; k++) {
                double at = along + (k - 1) * h, part[] = { row->imaginary ? zero : at, row->imaginary ? at : zero };
                z[k] = ad_from_data(AD_C128, part, AD_SCALAR_SHAPE);
            }
            ad_complex difference = ad_item_complex(ad_sub(row->f(z[2]), row->f(z[0]))) / (row->imaginary ? 2i * h : 2 * h);
            ad_complex slope = ad_item_complex(ad_holomorphic_grad(row->f)(z[1]));
            ck_assert_msg(cabs(slope - difference) < 1e-7, "function %d, %g with a zero %g: %g%+gi, not %g%+gi", (int)(row - rows), along, zero, creal(slope),
                          cimag(slope), creal(difference), cimag(difference));
        }
}
END_TEST

/* Whatever type of C it has, as an operand and as a leaf of a tree. */
START_TEST(c_numbers_keep_their_values)
{
    AD_SCOPE;
    assert_complex(ad_mul(1.0, 2.0L * 1i), 2i);
    assert_complex(ad_mul(1.0f, 2.0f * 1i), 2i);
    assert_complex(ad_tree_get(ad_list_of(1.5f + 2.0f * 1i), "0"), 1.5 + 2i);
    assert_complex(ad_tree_get(ad_list_of(1.5L + 2.0L * 1i), "0"), 1.5 + 2i);
    assert_close(ad_item(ad_tree_get(ad_list_of(0.25L), "0")), 0.25, 0);
    assert_close(ad_item(ad_tree_get(ad_list_of((size_t)3), "0")), 3, 0);
    assert_close(ad_item(ad_add(1.5, (size_t)3)), 4.5, 0);
    assert_array(ad_arange(3ul), AD_SHAPE(3), 0, 0, 1, 2);
    assert_fails(ad_add(1.5, UINT64_MAX), AD_ERROR_VALUE, "18446744073709551615 is out of range for int64");
    assert_fails(ad_list_of(UINT64_MAX), AD_ERROR_VALUE, "18446744073709551615 is out of range for int64");
    assert_fails(ad_arange(3 + 1i), AD_ERROR_VALUE, "ad_arange: 3+1i is a complex number");
}
END_TEST

START_TEST(numbers_of_any_size_compare_by_value)
{
    AD_SCOPE;
    ad_array *x = bytes(0, 44), *n = ad_astype(x, AD_I32);
    assert_array(ad_equal(x, 300), AD_SHAPE(2), 0, 0, 0);
    assert_array(ad_not_equal(300, x), AD_SHAPE(2), 0, 1, 1);
    assert_array(ad_less(x, -1), AD_SHAPE(2), 0, 0, 0);
    assert_array(ad_greater_equal(x, -1), AD_SHAPE(2), 0, 1, 1);
    assert_array(ad_less_equal(INT64_C(1) << 40, n), AD_SHAPE(2), 0, 0, 0);
    assert_array(ad_greater(INT64_C(1) << 40, n), AD_SHAPE(2), 0, 1, 1);
    assert_array(ad_logical_and(n, INT64_C(1) << 40), AD_SHAPE(2), 0, 0, 1);
    assert_array(ad_logical_or(x, 256), AD_SHAPE(2), 0, 1, 1);
    ck_assert_int_eq(ad_dtype_of(ad_less(x, -1)), AD_BOOL);
}
END_TEST

START_TEST(clip_ignores_a_bound_beyond_the_dtype)
{
    AD_SCOPE;
    ad_array *x = bytes(1, 200);
    assert_array(ad_clip(x, -1, 100), AD_SHAPE(2), 0, 1, 100);
    assert_array(ad_clip(x, 2, 300), AD_SHAPE(2), 0, 2, 200);
    assert_array(ad_clip(x, -1, 300), AD_SHAPE(2), 0, 1, 200);
    assert_array(ad_clip(ad_astype(x, AD_I32), -(INT64_C(1) << 40), 2), AD_SHAPE(2), 0, 1, 2);
    assert_array(ad_clip(x, -1, 0.5), AD_SHAPE(2), 0, 0.5, 0.5);
    assert_array(ad_clip(VECTOR(-3, 3), NULL, 1), AD_SHAPE(2), 0, -3, 1);
    assert_array(ad_clip(VECTOR(-3, 3), 0, NULL), AD_SHAPE(2), 0, 0, 3);
    assert_array(ad_clip(VECTOR(-3, 3), NULL, NULL), AD_SHAPE(2), 0, -3, 3);
    assert_fails(ad_clip(x, 0, -1), AD_ERROR_VALUE, "ad_clip: a bound of -1 is out of range for uint8");
    assert_fails(ad_clip(x, 0, 1i), AD_ERROR_DTYPE, "ad_clip: not defined for complex128");
    assert_fails(ad_clip(x, 300, 400), AD_ERROR_VALUE, "300 is out of range for uint8");
}
END_TEST

START_TEST(integers_have_no_negative_integer_powers)
{
    AD_SCOPE;
    ad_array *x = integers(2, 1, -1), *minus_one = ad_from_data(AD_I32, (int32_t[]){ -1 }, AD_SHAPE(1));
    assert_fails(ad_pow(x, -1), AD_ERROR_VALUE, "ad_pow: an integer to a negative integer power");
    assert_fails(ad_pow(2, integers(1, 2, -3)), AD_ERROR_VALUE, "ad_pow: an integer to a negative integer power");
    assert_fails(ad_pow(bytes(1, 2), minus_one), AD_ERROR_VALUE, "ad_pow: an integer to a negative integer power");
    assert_array(ad_pow(x, integers(0, 5, 3)), AD_SHAPE(3), 0, 1, 1, -1);
    assert_array(ad_pow(x, -1.0), AD_SHAPE(3), 0, 0.5, 1, -1);
    assert_array(ad_pow(VECTOR(2, -4), minus_one), AD_SHAPE(2), 0, 0.5, -0.25);
    ck_assert_int_eq(ad_size(ad_pow(ad_zeros(AD_SHAPE(0), .dtype = AD_I64), -1)), 0);
}
END_TEST

START_TEST(integers_and_bools_keep_their_dtype)
{
    AD_SCOPE;
    ad_array *x = integers(1, -1, 5), *b = ad_greater(x, 0);
    assert_array(ad_reciprocal(x), AD_SHAPE(3), 0, 1, -1, 0);
    assert_array(ad_reciprocal(bytes(0, 255)), AD_SHAPE(2), 0, 0, 0);
    ck_assert_int_eq(ad_dtype_of(ad_reciprocal(x)), AD_I64);
    assert_array(ad_abs(b), AD_SHAPE(3), 0, 1, 0, 1);
    ck_assert_int_eq(ad_dtype_of(ad_abs(b)), AD_BOOL);
    assert_fails(ad_square(b), AD_ERROR_DTYPE, "ad_square: not defined for bool");
    assert_fails(ad_reciprocal(b), AD_ERROR_DTYPE, "ad_reciprocal: not defined for bool");
}
END_TEST

RUN_TESTS("math", functions_do_not_overflow_before_their_values_do, functions_computed_here_are_within_the_promised_ulps, powers_are_within_the_promised_ulps,
          values_are_those_of_the_c_library, exclusive_or_asks_whether_exactly_one_is_not_0, cube_roots_and_decimal_logarithms_are_exact_where_they_can_be,
          remainders_are_exact, floor_division_by_infinity_is_0_or_minus_1, sign_of_an_infinite_complex_number_is_its_direction,
          power_one_half_is_the_square_root, conversions_do_not_depend_on_the_place, zero_to_a_complex_power_with_positive_real_part_is_zero,
          numbers_that_do_not_fit_an_integer_dtype_are_errors, c_numbers_keep_their_values,
          absolute_values_of_reals_are_floats, angles_are_in_degrees_or_radians, small_imaginary_parts_are_dropped, other_names_are_functions_too, clip_is_minimum_of_maximum, integer_exponents_of_every_size, mixed_derivative_of_a_power_at_exponent_0,
          derivatives_on_branch_cuts_follow_the_sign_of_zero, numbers_of_any_size_compare_by_value, clip_ignores_a_bound_beyond_the_dtype,
          integers_have_no_negative_integer_powers, integers_and_bools_keep_their_dtype)
