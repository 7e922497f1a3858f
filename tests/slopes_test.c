/* Slopes where formulas cancel, overflow or meet 0 times infinity: they keep their digits, and all nestings of modes
 * agree. golden_slopes_test.c sweeps every function over such arguments; here is what a rule says, and what is made of
 * several functions. */
#include "testing.h"
#include <complex.h>

typedef ad_array *one(ad_array *);

/* Relative to the expected number, however small. */
static void assert_digits(double actual, double expected, double tolerance, const char *what)
{
    bool same = isnan(expected) ? isnan(actual) : actual == expected || fabs(actual - expected) <= tolerance * fabs(expected);
    ck_assert_msg(same, "%s is %.17g, expected %.17g (%s)", what, actual, expected, ad_error_message());
}

#define assert_relative(actual, expected) assert_digits(actual, expected, 4e-15, #actual)

/* Orders 1 to `order` at x, by every nesting of reverse and forward mode. */
static void check_nestings(const char *what, one *f, ad_array *x, int order, const double *expected, double tolerance)
{
    for (int nesting = 0; nesting < 1 << order; nesting++) {
        one *g = f;
        for (int level = 0; level < order; level++) {
            char text[80];
            g = nesting >> level & 1 ? ad_grad(g) : ad_deriv(g);
            snprintf(text, sizeof text, "%s at %g, order %d, nesting %d", what, ad_item(x), level + 1, nesting);
            assert_digits(ad_item(g(x)), expected[level], tolerance, text);
        }
    }
}

#define assert_slopes(f, x, ...)                                                                                       \
    check_nestings(#f, f, ad_scalar(x), (int)(sizeof((double[]){ __VA_ARGS__ }) / sizeof(double)), (const double[]){ __VA_ARGS__ }, 4e-15)
#define assert_single_slopes(f, x, ...)                                                                                \
    check_nestings(#f, f, ad_astype(ad_scalar(x), AD_F32), (int)(sizeof((double[]){ __VA_ARGS__ }) / sizeof(double)), (const double[]){ __VA_ARGS__ }, 1e-6)

/* ---- tails ---- */

OF_X(tanh_of_large, ad_mul(ad_mul(ad_tanh(ad_mul(-1e8, x)), ad_mul(-1e8, x)), ad_mul(-1e8, x)))

START_TEST(saturated_functions_have_slopes_that_vanish)
{
    AD_SCOPE; /* mpmath */
    assert_slopes(ad_tanh, 800, 0, 0, 0);
    assert_single_slopes(ad_tanh, 100, 0, 0, 0);
    assert_slopes(ad_tanh, 40, 7.21940555138166069e-35, -1.44388111027633214e-34, 2.88776222055266428e-34);
    assert_slopes(ad_tanh, 1e-10, 1, -2e-10, -2);
    assert_slopes(tanh_of_large, 1, -2e16, -2e16);
    assert_slopes(ad_expm1, -50, 1.92874984796391778e-22, 1.92874984796391778e-22, 1.92874984796391778e-22);
    assert_single_slopes(ad_expm1, -10, 4.53999297624848515e-5, 4.53999297624848515e-5);
    assert_slopes(ad_log_sigmoid, -40, 1, -4.24835425529158898e-18, -4.24835425529158898e-18);
    assert_slopes(ad_sigmoid, 40, 4.24835425529158898e-18, -4.24835425529158898e-18, 4.24835425529158898e-18);
    ad_complex z = 20;
    ad_array *slope = ad_holomorphic_grad(ad_tanh)(ad_from_data(AD_C128, &z, AD_SCALAR_SHAPE));
    assert_relative(creal(ad_item_complex(slope)), 1.69934170211663562e-17);
}
END_TEST

OF_X(logaddexp_of_pair, ad_logaddexp(ad_at(x, "0"), ad_at(x, "1")))
OF_X(logsumexp_of_all, ad_logsumexp(x))
OF_X(first_of_softmax, ad_at(ad_softmax(x), "0"))
OF_X(first_of_log_softmax, ad_at(ad_log_softmax(x), "0"))

/* The element of an array, by its place in C order. */
static double element(ad_array *x, int64_t place)
{
    return ad_item(ad_at(ad_ravel(x), "%lld", (long long)place));
}

START_TEST(small_weights_beside_1_keep_their_digits)
{
    AD_SCOPE;
    double e = 4.24835425529158898e-18; /* exp(-40) to all digits */
    ad_array *v = VECTOR(40, 0), *w = VECTOR(-40, 0);
    one *functions[] = { logaddexp_of_pair, logsumexp_of_all };
    assert_relative(ad_item(ad_logsumexp(w)), e);
    assert_relative(element(ad_log_softmax(v), 0), -e);
    for (int i = 0; i < 2; i++) {
        assert_relative(element(ad_hessian(functions[i])(v), 0), e);
        assert_relative(element(ad_hessian(functions[i])(v), 1), -e);
        assert_relative(element(ad_hessian(functions[i])(v), 3), e);
    }
    assert_relative(element(ad_grad(first_of_softmax)(v), 0), e);
    assert_relative(element(ad_grad(first_of_softmax)(v), 1), -e);
    assert_relative(element(ad_hessian(first_of_softmax)(v), 0), -e);
    assert_relative(element(ad_grad(first_of_log_softmax)(v), 0), e);
    assert_relative(element(ad_hessian(first_of_log_softmax)(v), 0), -e);
    assert_relative(ad_item(ad_logsumexp(VECTOR(-50, 0, -40, -60))), 4.24854713903289614e-18);
}
END_TEST

OF_X(logaddexp_of_self, ad_logaddexp(x, x))
OF_X(logsumexp_of_three, ad_logsumexp(ad_stack(ad_list_of(x, x, x))))

START_TEST(weights_do_not_depend_on_a_common_offset)
{
    AD_SCOPE;
    double offsets[] = { 1e6, 1e10, 1e16, 1e50, -1e10 };
    for (int i = 0; i < 5; i++) {
        check_nestings("logaddexp(x, x)", logaddexp_of_self, ad_scalar(offsets[i]), 2, (double[]){ 1, 0 }, 4e-15);
        assert_digits(ad_item(ad_grad(logsumexp_of_three)(ad_scalar(offsets[i]))), 1, 1e-15, "the slope of logsumexp(x, x, x)");
        ad_array *x = ad_astype(ad_add(offsets[i] / 1e6, VECTOR(0, 1, 0.5)), AD_F32);
        assert_digits(ad_item(ad_sum(ad_grad(logsumexp_of_all)(x))), 1, 3e-7, "the sum of the weights");
    }
}
END_TEST

/* ---- ends and poles ---- */

START_TEST(slopes_near_the_ends_of_a_domain_keep_their_digits)
{
    AD_SCOPE; /* mpmath, of the double x */
    assert_slopes(ad_arctanh, 0.99999998999999995, 49999999.9987619758);
    assert_slopes(ad_arctanh, 1e-10, 1, 2e-10);
    assert_slopes(ad_arcsin, 1e-10, 1, 1e-10);
    assert_slopes(ad_arctan, 1e100, 1e-200, -2e-300);
    assert_slopes(ad_arctan, 1e200, 0, 0);
    assert_slopes(ad_arcsinh, 1e150, 1e-150, -1e-300);
    assert_slopes(ad_arccosh, 1e150, 1e-150, -1e-300);
    assert_slopes(ad_erf, 26, 2.94703499326626954e-294, -1.532458196498460161e-292);
}
END_TEST

START_TEST(digamma_is_exact_near_its_poles)
{
    AD_SCOPE; /* mpmath */
    assert_relative(ad_item(ad_digamma(-1.0000001)), 10000000.41694539884);
    assert_relative(ad_item(ad_digamma(-1.9999999)), -9999999.0713767036432);
    assert_relative(ad_item(ad_digamma(-3.0000001)), 10000001.272483156578);
}
END_TEST

/* ---- remainders ---- */

static double dividend;
OF_X(mod_by, ad_mod(dividend, x))
OF_X(fmod_by, ad_fmod(dividend, x))

START_TEST(remainders_move_with_the_quotient_their_value_was_taken_with)
{
    AD_SCOPE;
    double rows[][4] = { { 1, 0.1, -9, -9 }, { 78 * 6e-8, 6e-8, -77, -77 }, { 2, 0.2, -9, -9 }, { -1, -0.1, -9, -9 }, { -1, 0.1, 10, 9 } };
    for (int i = 0; i < 5; i++) {
        dividend = rows[i][0];
        check_nestings("mod(a, x)", mod_by, ad_scalar(rows[i][1]), 2, (double[]){ rows[i][2], 0 }, 0);
        check_nestings("fmod(a, x)", fmod_by, ad_scalar(rows[i][1]), 2, (double[]){ rows[i][3], 0 }, 0);
    }
    dividend = -0.1;
    assert_slopes(mod_by, INFINITY, 1);
    assert_slopes(fmod_by, INFINITY, 0);
}
END_TEST

/* ---- infinities ---- */

OF_X(hypot_of_pair, ad_hypot(ad_at(x, "0"), ad_at(x, "1")))
OF_X(arctan2_of_pair, ad_arctan2(ad_at(x, "0"), ad_at(x, "1")))
OF_X(root_by_power, ad_pow(x, 0.5))
OF_X(power_of_pair, ad_pow(ad_at(x, "0"), ad_at(x, "1")))

static ad_array *complex_scalar(double real, double imag)
{
    double parts[] = { real, imag };
    return ad_from_data(AD_C128, parts, AD_SCALAR_SHAPE);
}

START_TEST(slopes_at_infinity_are_limits)
{
    AD_SCOPE;
    assert_array(ad_grad(hypot_of_pair)(VECTOR(INFINITY, 1)), AD_SHAPE(2), 0, 1, 0);
    assert_array(ad_grad(hypot_of_pair)(VECTOR(-INFINITY, INFINITY)), AD_SHAPE(2), 1e-15, -M_SQRT1_2, M_SQRT1_2);
    assert_array(ad_grad(hypot_of_pair)(VECTOR(1.5e308, 1.5e308)), AD_SHAPE(2), 1e-15, M_SQRT1_2, M_SQRT1_2);
    assert_array(ad_grad(power_of_pair)(VECTOR(0.5, INFINITY)), AD_SHAPE(2), 0, 0, 0);
    assert_array(ad_grad(power_of_pair)(VECTOR(INFINITY, -1)), AD_SHAPE(2), 0, 0, 0);
    assert_array(ad_grad(power_of_pair)(VECTOR(2, -INFINITY)), AD_SHAPE(2), 0, 0, 0);
    ck_assert(ad_item_complex(ad_grad(ad_abs)(complex_scalar(INFINITY, 0))) == 1);
    ck_assert(ad_item_complex(ad_grad(ad_abs)(complex_scalar(3, -INFINITY))) == 1i); /* conj */
    double complex slope = ad_item_complex(ad_grad(ad_abs)(complex_scalar(1.5e308, 1.5e308)));
    assert_relative(creal(slope), M_SQRT1_2);
    slope = ad_item_complex(ad_grad(ad_abs)(complex_scalar(5e-324, -5e-324)));
    assert_relative(cimag(slope), M_SQRT1_2);
    one *at_zero[] = { ad_sqrt, ad_log, ad_log2, root_by_power }, *at_one[] = { ad_arcsin, ad_arccosh, ad_arctanh };
    one *far[] = { ad_sqrt, ad_arcsin, ad_arctan, ad_log };
    for (int i = 0; i < 4; i++)
        ck_assert(ad_item_complex(ad_holomorphic_grad(at_zero[i])(complex_scalar(0, 0))) == INFINITY);
    for (int i = 0; i < 3; i++)
        ck_assert(ad_item_complex(ad_holomorphic_grad(at_one[i])(complex_scalar(1, 0))) == INFINITY);
    for (int i = 0; i < 4; i++)
        ck_assert(ad_item_complex(ad_holomorphic_grad(far[i])(complex_scalar(-INFINITY, INFINITY))) == 0);
}
END_TEST

START_TEST(hypot_and_arctan2_cancel_nowhere)
{
    AD_SCOPE; /* [b^2 -ab; -ab a^2]/h^3 */
    assert_relative(element(ad_hessian(hypot_of_pair)(VECTOR(1, 1e-10)), 0), 1e-20);
    assert_relative(element(ad_hessian(hypot_of_pair)(VECTOR(1, 1e-10)), 1), -1e-10);
    assert_relative(element(ad_hessian(hypot_of_pair)(VECTOR(3e200, 4e200)), 0), 0.128e-200);
    assert_relative(element(ad_hessian(arctan2_of_pair)(VECTOR(1e-10, 1)), 0), -2e-10);
    assert_relative(element(ad_hessian(arctan2_of_pair)(VECTOR(3e100, 4e100)), 1), -0.0112e-200);
}
END_TEST

/* ---- 0 times infinity ---- */

OF_X(inner_slope_infinite, ad_mul(x, ad_sub(1, ad_pow(x, 1.1))))
OF_X(times_its_root, ad_mul(x, ad_sqrt(x)))
OF_X(root_of_relu, ad_sqrt(ad_relu(x)))
OF_X(root_of_maximum, ad_sqrt(ad_maximum(x, 0)))
OF_X(root_of_clipped, ad_sqrt(ad_clip(x, 0, 1)))
OF_X(root_of_nothing, ad_sqrt(ad_mul(x, 0)))
OF_X(root_of_square, ad_sqrt(ad_square(x)))
OF_X(root_of_product, ad_sqrt(ad_prod(ad_stack(ad_list_of(x, 0)))))

START_TEST(zero_wins_over_infinity_in_both_modes)
{
    AD_SCOPE;
    assert_slopes(inner_slope_infinite, 0, 1, 0);
    assert_slopes(times_its_root, 0, 0, INFINITY);
    assert_slopes(root_of_relu, -1, 0, 0, 0);
    assert_slopes(root_of_maximum, -1, 0, 0, 0);
    assert_slopes(root_of_clipped, -1, 0, 0, 0);
    assert_slopes(root_of_nothing, 2, 0, 0, 0);
    assert_slopes(root_of_square, 0, 0, INFINITY);
    assert_slopes(root_of_product, 2, 0, 0);
}
END_TEST

static ad_array *added, *weight;
OF_X(root_of_recurrence, ad_sum(ad_real(ad_mul(ad_sqrt(ad_linear_recurrence(x, added)), weight))))

START_TEST(coefficients_that_are_not_used_have_derivative_0)
{
    AD_SCOPE;
    ad_array *a = VECTOR(0.3, 0.4, 0.5), *b = VECTOR(0, 1, 2), *t;
    ad_array *weights[] = { ad_scalar(1), ad_scalar(1), ad_weak_complex(1 + 0.5i) };
    for (int i = 0; i < 3; i++) {
        added = i ? ad_astype(b, AD_C128) : b;
        weight = weights[i];
        assert_array(ad_grad(root_of_recurrence)(a), AD_SHAPE(3), 1e-15, 0, 0, 0.5 / sqrt(2.5));
        ad_jvp(root_of_recurrence, a, ad_ones(AD_SHAPE(3)), &t);
        assert_close(ad_item(t), 0.5 / sqrt(2.5), 1e-15);
    }
}
END_TEST

/* ---- powers at 0 ---- */

typedef ad_array *two(ad_array *, ad_array *);

static two *inner;
OF_AB(power, ad_pow(a, b))
OF_AB(power_swapped, ad_pow(b, a))
OF_AB(inner_swapped, inner(b, a))
OF_AB(in_base, ad_grad(power)(a, b))
OF_AB(in_exponent, ad_grad(power, 1)(a, b))

static ad_array *forward(two *f, ad_array *a, ad_array *b)
{
    ad_array *t = NULL;
    ad_jvp(f, a, b, ad_ones_like(a), &t);
    return t;
}

OF_AB(forward_in_base, forward(power, a, b))
OF_AB(forward_in_exponent, forward(power_swapped, b, a))

/* d2/dxdp of x^p in either order, each in either mode. */
static double mixed(int way, ad_array *x, ad_array *p)
{
    two *const first[] = { in_base, in_exponent, forward_in_base, forward_in_exponent };
    int other = 1 - way % 2;
    inner = first[way % 4];
    if (way < 4)
        return ad_item(ad_grad(inner, other)(x, p));
    return ad_item(other ? forward(inner_swapped, p, x) : forward(inner, x, p));
}

START_TEST(powers_at_zero_have_one_hessian)
{
    AD_SCOPE;
    static const struct {
        double x, p, xx, xp, pp;
    } rows[] = { { 0, 1, 0, -INFINITY, 0 }, { 0, 0.5, -INFINITY, -INFINITY, 0 }, { 0, 2, 2, 0, 0 }, { 0, 3, 0, 0, 0 }, { 0, 1.5, INFINITY, 0, 0 } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ad_array *x = VECTOR(rows[i].x, rows[i].p);
        assert_array(ad_hessian(power_of_pair)(x), AD_SHAPE(2, 2), 0, rows[i].xx, rows[i].xp, rows[i].xp, rows[i].pp);
        for (int way = 0; way < 8; way++) {
            double d = mixed(way, ad_scalar(rows[i].x), ad_scalar(rows[i].p));
            ck_assert_msg(d == rows[i].xp, "row %zu, way %d: %g", i, way, d);
        }
    }
}
END_TEST

RUN_TESTS("slopes", saturated_functions_have_slopes_that_vanish, small_weights_beside_1_keep_their_digits, weights_do_not_depend_on_a_common_offset,
          slopes_near_the_ends_of_a_domain_keep_their_digits, digamma_is_exact_near_its_poles,
          remainders_move_with_the_quotient_their_value_was_taken_with, slopes_at_infinity_are_limits, hypot_and_arctan2_cancel_nowhere,
          zero_wins_over_infinity_in_both_modes, coefficients_that_are_not_used_have_derivative_0, powers_at_zero_have_one_hessian)
