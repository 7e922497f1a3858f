/* Special functions, and what every function does at its edges: golden values in the middle; at kinks, poles, ties and
 * infinities the rule that the headers state, at orders 1 and 2. A derivative maps zero to zero, so a branch that is
 * not selected adds nothing however it behaves. */
#include "testing.h"
#include <complex.h>

typedef ad_array *one(ad_array *);

static double first(one *f, double x)
{
    return ad_item(ad_grad(f)(ad_scalar(x)));
}

static double second(one *f, double x)
{
    return ad_item(ad_grad(ad_grad(f))(ad_scalar(x)));
}

/* ---- golden values: mpmath 1.4 at 50 digits, of the double x exactly ---- */

OF_X(polygamma_1, ad_polygamma(1, x))
OF_X(polygamma_4, ad_polygamma(4, x))
#define ad_polygamma_1 polygamma_1
#define ad_polygamma_4 polygamma_4

struct golden {
    const char *name;
    one *function;
    double x, value, derivative;
};

#define GOLDEN(name, x, value, derivative) { #name, ad_##name, x, value, derivative },

/* clang-format off */
static const struct golden special[] = {
    GOLDEN(sigmoid, -700, 9.85967654375977086e-305, 9.85967654375977086e-305) GOLDEN(sigmoid, -30, 9.35762296883929895e-14, 9.3576229688384233e-14)
    GOLDEN(sigmoid, -1.5, 0.18242552380635634, 0.149146452070332857) GOLDEN(sigmoid, 0.25, 0.562176500885798104, 0.246134082737598348)
    GOLDEN(sigmoid, 4, 0.982013790037908442, 0.0176627062132911164) GOLDEN(log_sigmoid, -800, -800.0, 1.0)
    GOLDEN(log_sigmoid, -3, -3.04858735157374206, 0.952574126822433219) GOLDEN(log_sigmoid, 0.25, -0.575939419878843562, 0.437823499114201896)
    GOLDEN(log_sigmoid, 40, -4.24835425529158899e-18, 4.24835425529158898e-18) GOLDEN(softplus, -700, 9.85967654375977086e-305, 9.85967654375977086e-305)
    GOLDEN(softplus, -30, 9.35762296883973678e-14, 9.35762296883929895e-14) GOLDEN(softplus, -1.5, 0.201413277982752409, 0.18242552380635634)
    GOLDEN(softplus, 0.25, 0.825939419878843562, 0.562176500885798104) GOLDEN(softplus, 800, 800.0, 1.0)
    GOLDEN(erf, -3, -0.999977909503001415, 0.000139253051946747854) GOLDEN(erf, -0.5, -0.520499877813046538, 0.878782578935444794)
    GOLDEN(erf, 1e-10, 1.12837916709551262e-10, 1.12837916709551257) GOLDEN(erf, 0.84375, 0.767225661232341633, 0.553700238250771992)
    GOLDEN(erf, 1.25, 0.92290012825645823, 0.236521122447290787) GOLDEN(erf, 2.75, 0.999899378077880363, 0.000586277247093792326)
    GOLDEN(erf, 5.5, 0.999999999999992642, 8.223316045262922e-14) GOLDEN(erfc, -3, 1.99997790950300141, -0.000139253051946747854)
    GOLDEN(erfc, -0.5, 1.52049987781304654, -0.878782578935444794) GOLDEN(erfc, 0.5, 0.479500122186953462, -0.878782578935444794)
    GOLDEN(erfc, 2.75, 0.000100621922119636837, -0.000586277247093792326) GOLDEN(erfc, 10, 2.08848758376254476e-45, -4.19765623135441689e-44)
    GOLDEN(erfc, 26, 5.66319240885614285e-296, -2.94703499326626954e-294) GOLDEN(gammaln, 1e-10, 23.0258509298827352, -10000000000.5772153)
    GOLDEN(gammaln, 0.5, 0.572364942924700087, -1.96351002602142348) GOLDEN(gammaln, 1.0625, -0.0329571002935778191, -0.478853490060104367)
    GOLDEN(gammaln, 1.9375, -0.025147619402988871, 0.381665992170968897) GOLDEN(gammaln, 3.75, 1.48681557859341706, 1.18253738861179623)
    GOLDEN(gammaln, 12.5, 18.7343475119364457, 2.48519565127491205) GOLDEN(gammaln, 171.5, 709.143163030928242, 5.14166498143399963)
    GOLDEN(gammaln, 100000.0, 1051287.70897365689, 11.5129204649618951) GOLDEN(gammaln, -0.5, 1.2655121234846454, 0.0364899739785765206)
    GOLDEN(gammaln, -2.25, 0.555501545020647471, 4.15858356465797227) GOLDEN(digamma, 1e-06, -1000000.57721402001, 1000000000001.64502)
    GOLDEN(digamma, 0.5, -1.96351002602142348, 4.93480220054467931) GOLDEN(digamma, 1.4375, -0.0236135440052978991, 0.989502917895627204)
    GOLDEN(digamma, 3.75, 1.18253738861179623, 0.305339852690253075) GOLDEN(digamma, 12.5, 2.48519565127491205, 0.0832852246015783704)
    GOLDEN(digamma, 100000.0, 11.5129204649618951, 0.0000100000500001666667) GOLDEN(digamma, -0.5, 0.0364899739785765206, 8.93480220054467931)
    GOLDEN(digamma, -2.25, 4.15858356465797227, 19.3794105118691374) GOLDEN(polygamma_1, 0.0001, 100000001.644693678, -2000000000002.40318)
    GOLDEN(polygamma_1, 0.5, 4.93480220054467931, -16.82879664423432) GOLDEN(polygamma_1, 1.5, 0.934802200544679309, -0.828796644234319996)
    GOLDEN(polygamma_1, 3.75, 0.305339852690253075, -0.0925463385158992696) GOLDEN(polygamma_1, 12.5, 0.0832852246015783704, -0.00693243658578824079)
    GOLDEN(polygamma_1, 1000, 0.00100050016666663333, -1.00100049999983333e-6) GOLDEN(polygamma_4, 0.25, -24584.3753886379337, 491552.513767681292)
    GOLDEN(polygamma_4, 0.5, -771.474249826667225, 7691.1135486024355) GOLDEN(polygamma_4, 1.5, -3.47424982666722519, 11.1135486024354962)
    GOLDEN(polygamma_4, 3.75, -0.0499578490165551107, 0.0593584554502445119) GOLDEN(polygamma_4, 12.5, -0.000287691422585387054, 0.0000956227159710764434)
    GOLDEN(polygamma_4, 100, -6.1209999300119967e-8, 2.46059994401199604e-9)
};

static const struct golden elementary[] = {
    GOLDEN(exp, -20.5, 1.25015286638674263e-9, 1.25015286638674263e-9) GOLDEN(exp, 1.25, 3.49034295746184138, 3.49034295746184138)
    GOLDEN(exp2, -3.5, 0.0883883476483184406, 0.0612661339667841995) GOLDEN(exp2, 0.25, 1.18920711500272107, 0.824295558865962746)
    GOLDEN(expm1, -1e-09, -9.99999999500000062e-10, 0.999999999) GOLDEN(expm1, 0.5, 0.648721270700128147, 1.64872127070012815)
    GOLDEN(log, 1e-300, -690.775527898213705, 9.99999999999999975e+299) GOLDEN(log, 0.75, -0.287682072451780927, 1.33333333333333333)
    GOLDEN(log2, 0.75, -0.415037499278843819, 1.92359338785195121) GOLDEN(log2, 3, 1.58496250072115618, 0.480898346962987802)
    GOLDEN(log10, 0.75, -0.124938736608299953, 0.57905930920433577) GOLDEN(log10, 3, 0.477121254719662437, 0.144764827301083943)
    GOLDEN(log1p, -1e-09, -1.00000000050000006e-9, 1.000000001) GOLDEN(log1p, 2.5, 1.252762968495368, 0.285714285714285714)
    GOLDEN(sqrt, 1e-300, 1.00000000000000001e-150, 4.99999999999999994e+149) GOLDEN(sqrt, 2, 1.41421356237309505, 0.353553390593273762)
    GOLDEN(cbrt, -3, -1.44224957030740838, 0.160249952256378709) GOLDEN(cbrt, 2, 1.25992104989487316, 0.209986841649145527)
    GOLDEN(sin, 0.75, 0.681638760023334167, 0.731688868873820886) GOLDEN(sin, 100, -0.506365641109758794, 0.862318872287683934)
    GOLDEN(cos, 0.75, 0.731688868873820886, -0.681638760023334167) GOLDEN(cos, 100, 0.862318872287683934, 0.506365641109758794)
    GOLDEN(tan, 0.75, 0.931596459944072461, 1.86787196418032781) GOLDEN(tan, -1.5, -14.1014199471717194, 199.850044526492457)
    GOLDEN(arcsin, -0.875, -1.06543581651073931, 2.06559111797728901) GOLDEN(arcsin, 0.5, 0.523598775598298873, 1.15470053837925153)
    GOLDEN(arccos, -0.875, 2.63623214330563593, -2.06559111797728901) GOLDEN(arccos, 0.5, 1.04719755119659775, -1.15470053837925153)
    GOLDEN(arctan, -40, -1.54580153317597646, 0.000624609618988132417) GOLDEN(arctan, 0.5, 0.463647609000806116, 0.8)
    GOLDEN(sinh, -1e-09, -1.00000000000000006e-9, 1.0) GOLDEN(sinh, 2.5, 6.05020448103978732, 6.13228947966368612)
    GOLDEN(cosh, -1.5, 2.35240961524324733, -2.1292794550948175) GOLDEN(cosh, 2.5, 6.13228947966368612, 6.05020448103978732)
    GOLDEN(tanh, -0.5, -0.462117157260009759, 0.78644773296592741) GOLDEN(tanh, 1.5, 0.905148253644866438, 0.180706638923648531)
    GOLDEN(arcsinh, -40, -4.38218284806549831, 0.0249921911602030689) GOLDEN(arcsinh, 0.5, 0.481211825059603447, 0.894427190999915879)
    GOLDEN(arccosh, 1.0625, 0.35173739004326058, 2.78524249529116541) GOLDEN(arccosh, 10, 2.9932228461263809, 0.100503781525921208)
    GOLDEN(arctanh, -0.875, -1.35402510055110503, 4.26666666666666667) GOLDEN(arctanh, 0.5, 0.549306144334054846, 1.33333333333333333)
};
/* clang-format on */

#undef ad_polygamma_1
#undef ad_polygamma_4

/* Relative to the number itself, however small. */
static void check_number(const struct golden *g, const char *what, double actual, double expected, double tolerance)
{
    ck_assert_msg(fabs(actual - expected) <= tolerance * fabs(expected), "%s(%g): %s %.17g, expected %.17g (%s)", g->name, g->x, what, actual, expected,
                  ad_error_message());
}

static void check_golden(const struct golden *g, double tolerance)
{
    AD_SCOPE;
    ad_array *x = ad_scalar(g->x), *many = ad_full(AD_SHAPE(9), x), *tangent, *single = ad_astype(x, AD_F32);
    check_number(g, "value", ad_item(g->function(x)), g->value, tolerance);
    check_number(g, "value in a vector", ad_item(ad_at(g->function(many), "8")), g->value, tolerance);
    check_number(g, "reverse derivative", ad_item(ad_grad(g->function)(x)), g->derivative, tolerance);
    ad_jvp(g->function, x, ad_scalar(1), &tangent);
    check_number(g, "forward derivative", ad_item(tangent), g->derivative, tolerance);
    if (ad_item(single) != g->x || fabs(g->derivative) > 1e30 || fabs(g->value) < 1e-30)
        return;
    check_number(g, "float32 value", ad_item(g->function(single)), g->value, 1e-5);
    check_number(g, "float32 derivative", ad_item(ad_grad(g->function)(single)), g->derivative, 1e-4);
}

START_TEST(special_functions_have_golden_values_and_derivatives)
{
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        check_golden(&special[i], 1e-11);
}
END_TEST

START_TEST(elementary_functions_have_golden_values_and_derivatives)
{
    for (size_t i = 0; i < sizeof elementary / sizeof *elementary; i++)
        check_golden(&elementary[i], 1e-13);
}
END_TEST

/* ---- poles and infinities ---- */

/* SciPy 1.17 and NumPy 2.4, but for gammaln at -infinity: there it is C's lgamma. */
START_TEST(poles_and_infinities_are_those_of_scipy)
{
    AD_SCOPE;
    ad_array *x = VECTOR(-INFINITY, -1, 0, INFINITY, NAN);
    assert_array(ad_gammaln(x), AD_SHAPE(5), 0, INFINITY, INFINITY, INFINITY, INFINITY, NAN);
    assert_array(ad_digamma(x), AD_SHAPE(5), 0, NAN, NAN, -INFINITY, INFINITY, NAN);
    assert_array(ad_polygamma(1, x), AD_SHAPE(5), 0, NAN, INFINITY, INFINITY, 0, NAN);
    assert_array(ad_polygamma(2, VECTOR(-1, 0, 1e-200, INFINITY)), AD_SHAPE(4), 0, -INFINITY, -INFINITY, -INFINITY, 0);
    assert_array(ad_polygamma(0, VECTOR(1)), AD_SHAPE(1), 1e-11, -0.577215664901532861);
    assert_array(ad_erf(x), AD_SHAPE(5), 1e-15, -1, -0.842700792949714869, 0, 1, NAN);
    assert_array(ad_erfc(x), AD_SHAPE(5), 1e-15, 2, 1.84270079294971487, 1, 0, NAN);
    assert_array(ad_sigmoid(x), AD_SHAPE(5), 1e-15, 0, 0.268941421369995121, 0.5, 1, NAN);
    assert_array(ad_log_sigmoid(x), AD_SHAPE(5), 1e-15, -INFINITY, -1.31326168751822283, -M_LN2, 0, NAN);
    assert_array(ad_softplus(x), AD_SHAPE(5), 1e-15, 0, 0.313261687518222834, M_LN2, INFINITY, NAN);
    assert_array(ad_elementwise_grad(ad_sigmoid)(x), AD_SHAPE(5), 1e-15, 0, 0.196611933241481853, 0.25, 0, NAN);
    assert_array(ad_elementwise_grad(ad_log_sigmoid)(x), AD_SHAPE(5), 1e-15, 1, 0.731058578630004879, 0.5, 0, NAN);
    assert_array(ad_elementwise_grad(ad_softplus)(x), AD_SHAPE(5), 1e-15, 0, 0.268941421369995121, 0.5, 1, NAN);
    assert_array(ad_elementwise_grad(ad_erf)(x), AD_SHAPE(5), 1e-15, 0, 0.415107497420594704, M_2_SQRTPI, 0, NAN);
}
END_TEST

START_TEST(polygamma_of_an_impossible_order_is_nan)
{
    double orders[] = { -1, -1e300, -INFINITY, INFINITY, NAN, 0.5 };
    for (int i = 0; i < 6; i++)
        ck_assert(isnan(ad_item(ad_polygamma(orders[i], 2.5))));
}
END_TEST

START_TEST(slopes_are_infinite_at_the_ends_of_a_domain)
{
    AD_SCOPE;
    assert_close(first(ad_sqrt, 0), INFINITY, 0);
    assert_close(first(ad_cbrt, 0), INFINITY, 0);
    assert_close(first(ad_log, 0), INFINITY, 0);
    assert_close(first(ad_log1p, -1), INFINITY, 0);
    assert_close(first(ad_arcsin, 1), INFINITY, 0);
    assert_close(first(ad_arccos, -1), -INFINITY, 0);
    assert_close(first(ad_arccosh, 1), INFINITY, 0);
    assert_close(first(ad_arctanh, 1), INFINITY, 0);
}
END_TEST

/* ---- kinks and ties ---- */

OF_X(above_zero, ad_maximum(x, 0))

START_TEST(relu_is_flat_at_zero_and_maximum_is_not)
{
    AD_SCOPE;
    ad_array *x = VECTOR(-1, -0.0, 0, 2, NAN);
    assert_array(ad_relu(x), AD_SHAPE(5), 0, 0, 0, 0, 2, NAN);
    assert_array(ad_elementwise_grad(ad_relu)(x), AD_SHAPE(5), 0, 0, 0, 0, 1, 0);
    assert_array(ad_elementwise_grad(ad_elementwise_grad(ad_relu))(x), AD_SHAPE(5), 0, 0, 0, 0, 0, 0);
    assert_array(ad_elementwise_grad(above_zero)(x), AD_SHAPE(5), 0, 0, 0.5, 0.5, 1, 1);
}
END_TEST

OF_AB(squared_maximum, ad_sum(ad_square(ad_maximum(a, b))))
OF_AB(squared_minimum, ad_sum(ad_square(ad_minimum(a, b))))
OF_AB(second_maximum, ad_sum(ad_grad(squared_maximum)(a, b)))

START_TEST(binary_ties_are_halved_at_orders_1_and_2)
{
    AD_SCOPE;
    ad_array *a = VECTOR(3, 1, 2, NAN, NAN), *b = VECTOR(3, 2, 1, 5, NAN);
    assert_array(ad_grad(squared_maximum)(a, b), AD_SHAPE(5), 0, 3, 0, 4, NAN, NAN);
    assert_array(ad_grad(squared_maximum, 1)(a, b), AD_SHAPE(5), 0, 3, 4, 0, 0, NAN); /* all to the NaN */
    a = ad_at(a, ":3"), b = ad_at(b, ":3");
    assert_array(ad_grad(squared_minimum)(a, b), AD_SHAPE(3), 0, 3, 2, 0);
    assert_array(ad_grad(second_maximum)(a, b), AD_SHAPE(3), 0, 0.5, 0, 2); /* 2 (1/2)^2 */
    assert_array(ad_grad(second_maximum, 1)(a, b), AD_SHAPE(3), 0, 0.5, 0, 0);
}
END_TEST

static ad_array *clipped(ad_array *x, ad_array *low, ad_array *high)
{
    return ad_sum(ad_mul(ad_clip(x, low, high), VECTOR(1, 10, 100, 1000, 10000)));
}

START_TEST(clip_halves_at_its_bounds)
{
    AD_SCOPE;
    ad_array *x = VECTOR(-2, -1, 0, 1, 3), *low = ad_scalar(-1), *high = ad_scalar(1);
    assert_array(ad_clip(x, -1, 1), AD_SHAPE(5), 0, -1, -1, 0, 1, 1);
    assert_array(ad_grad(clipped)(x, low, high), AD_SHAPE(5), 0, 0, 5, 100, 500, 0);
    assert_close(ad_item(ad_grad(clipped, 1)(x, low, high)), 6, 0);
    assert_close(ad_item(ad_grad(clipped, 2)(x, low, high)), 10500, 0);
    assert_array(ad_hessian(clipped)(x, low, high), AD_SHAPE(5, 5), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
}
END_TEST

OF_X(cubed_abs, ad_pow(ad_abs(x), 3))

START_TEST(abs_and_sign_are_flat_at_zero)
{
    AD_SCOPE;
    ad_array *x = VECTOR(-2, -0.0, 0, 3), *z = ad_from_data(AD_C128, (ad_complex[]){ 3 - 4i, 0 }, AD_SHAPE(2)), *t;
    assert_array(ad_elementwise_grad(ad_abs)(x), AD_SHAPE(4), 0, -1, 0, 0, 1);
    assert_array(ad_elementwise_grad(ad_elementwise_grad(ad_abs))(x), AD_SHAPE(4), 0, 0, 0, 0, 0);
    assert_array(ad_elementwise_grad(ad_elementwise_grad(cubed_abs))(x), AD_SHAPE(4), 0, 12, 0, 0, 18);
    assert_array(ad_elementwise_grad(ad_sign)(x), AD_SHAPE(4), 0, 0, 0, 0, 0);
    assert_array(ad_abs(z), AD_SHAPE(2), 0, 5, 0);
    ad_array *g = ad_elementwise_grad(ad_abs)(z); /* conj(z)/|z| */
    assert_array(ad_real(g), AD_SHAPE(2), 1e-15, 0.6, 0);
    assert_array(ad_imag(g), AD_SHAPE(2), 1e-15, 0.8, 0);
    ad_jvp(ad_sign, z, ad_ones_like(z), &t); /* (v - y Re(conj(y) v))/|z| with y = 0.6 - 0.8i, v = 1 */
    assert_array(ad_real(t), AD_SHAPE(2), 1e-15, 0.128, 0);
    assert_array(ad_imag(t), AD_SHAPE(2), 1e-15, 0.096, 0);
    assert_array(ad_real(ad_elementwise_grad(ad_angle)(z)), AD_SHAPE(2), 1e-15, 0.16, 0); /* -i/z */
    assert_array(ad_imag(ad_elementwise_grad(ad_angle)(z)), AD_SHAPE(2), 1e-15, -0.12, 0);
    assert_array(ad_angle(z, .deg = true), AD_SHAPE(2), 1e-13, 180 / M_PI * atan2(-4, 3), 0);
    assert_array(ad_angle(z), AD_SHAPE(2), 1e-15, atan2(-4, 3), 0);
}
END_TEST

/* Both arguments in one vector. */
OF_X(hypot_of_pair, ad_hypot(ad_at(x, "0"), ad_at(x, "1")))
OF_X(arctan2_of_pair, ad_arctan2(ad_at(x, "0"), ad_at(x, "1")))

START_TEST(hypot_and_arctan2_are_flat_at_the_origin)
{
    AD_SCOPE;
    ad_array *origin = VECTOR(0, 0), *x = VECTOR(3, 4);
    assert_array(ad_grad(hypot_of_pair)(origin), AD_SHAPE(2), 0, 0, 0);
    assert_array(ad_grad(arctan2_of_pair)(origin), AD_SHAPE(2), 0, 0, 0);
    assert_array(ad_hessian(hypot_of_pair)(origin), AD_SHAPE(2, 2), 0, 0, 0, 0, 0);
    assert_array(ad_hessian(arctan2_of_pair)(origin), AD_SHAPE(2, 2), 0, 0, 0, 0, 0);
    assert_array(ad_grad(hypot_of_pair)(x), AD_SHAPE(2), 1e-15, 0.6, 0.8);
    assert_array(ad_grad(arctan2_of_pair)(x), AD_SHAPE(2), 1e-15, 0.16, -0.12);
    assert_array(ad_hessian(hypot_of_pair)(x), AD_SHAPE(2, 2), 1e-15, 0.128, -0.096, -0.096, 0.072);
    assert_array(ad_hessian(arctan2_of_pair)(x), AD_SHAPE(2, 2), 1e-15, -0.0384, -0.0112, -0.0112, 0.0384);
    assert_array(ad_grad(hypot_of_pair)(VECTOR(3e300, 4e300)), AD_SHAPE(2), 1e-15, 0.6, 0.8);
    assert_array(ad_grad(hypot_of_pair)(VECTOR(3e-300, 4e-300)), AD_SHAPE(2), 1e-15, 0.6, 0.8);
    assert_array(ad_mul(ad_grad(arctan2_of_pair)(VECTOR(3e300, 4e300)), 1e300), AD_SHAPE(2), 1e-15, 0.16, -0.12);
    assert_array(ad_mul(ad_grad(arctan2_of_pair)(VECTOR(3e-300, 4e-300)), 1e-300), AD_SHAPE(2), 1e-15, 0.16, -0.12);
    assert_array(ad_hypot(VECTOR(3e300, INFINITY, -INFINITY), VECTOR(4e300, NAN, 1)), AD_SHAPE(3), 1e-15, 5e300, INFINITY, INFINITY);
    assert_array(ad_arctan2(VECTOR(0, -0.0, 1, -1), VECTOR(-1, -1, 0, -1)), AD_SHAPE(4), 1e-15, M_PI, -M_PI, M_PI_2, -3 * M_PI / 4);
}
END_TEST

/* ---- powers ---- */

OF_X(to_the_0, ad_pow(x, 0))
OF_X(to_the_1, ad_pow(x, 1))
OF_X(to_the_2, ad_pow(x, 2))
OF_X(to_the_3, ad_pow(x, 3))
OF_X(to_the_minus_2, ad_pow(x, -2))
OF_X(to_the_real_0, ad_pow(x, 0.0))
OF_X(to_the_real_2, ad_pow(x, 2.0))
OF_X(to_the_half, ad_pow(x, 0.5))

START_TEST(integer_powers_are_exact_at_zero_and_for_negative_bases)
{
    AD_SCOPE;
    one *const functions[] = { to_the_0, to_the_1, to_the_2, to_the_3, to_the_real_0, to_the_real_2 };
    static const double firsts[] = { 0, 1, 0, 0, 0, 0 }, seconds[] = { 0, 0, 2, 0, 0, 2 };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        assert_close(first(functions[i], 0), firsts[i], 0);
        assert_close(second(functions[i], 0), seconds[i], 0);
    }
    assert_close(ad_item(to_the_3(ad_scalar(-2))), -8, 0);
    assert_close(first(to_the_3, -2), 12, 0);
    assert_close(second(to_the_3, -2), -12, 0);
    assert_close(ad_item(ad_grad(ad_grad(ad_grad(to_the_3)))(ad_scalar(-2))), 6, 0);
    assert_close(first(to_the_minus_2, -2), 0.25, 0);
    assert_close(second(to_the_minus_2, -2), 0.375, 0);
    assert_close(first(to_the_0, NAN), 0, 0);
    assert_close(first(to_the_half, 0), INFINITY, 0);
    assert_close(first(to_the_half, -1), NAN, 0);
    assert_array(ad_pow(ad_from_data(AD_I64, (int64_t[]){ -2, 3 }, AD_SHAPE(2)), 3), AD_SHAPE(2), 0, -8, 27);
}
END_TEST

OF_AB(sum_of_powers, ad_sum(ad_pow(a, b)))
OF_AB(sum_of_slopes, ad_sum(ad_grad(sum_of_powers)(a, b)))

START_TEST(powers_of_arrays_follow_their_edge_rules)
{
    AD_SCOPE;
    ad_array *x = VECTOR(0, 0, 0, 0, -8, -2, 2.5), *p = VECTOR(0, 1, 2, 0.5, 1. / 3, 3, 1.75);
    assert_array(ad_pow(x, p), AD_SHAPE(7), 1e-15, 1, 0, 0, 0, NAN, -8, 4.97044205479406666);
    assert_array(ad_pow(VECTOR(0, NAN, 1, INFINITY), VECTOR(-1, 0, NAN, 0)), AD_SHAPE(4), 0, INFINITY, 1, 1, 1);
    assert_array(ad_grad(sum_of_powers)(x, p), AD_SHAPE(7), 1e-15, 0, 1, 0, INFINITY, NAN, 12, 3.47930943835584666);
    assert_array(ad_grad(sum_of_powers, 1)(x, p), AD_SHAPE(7), 1e-15, 0, 0, 0, 0, NAN, NAN, 4.55436998812533449);
    x = ad_at(x, "-1:"), p = ad_at(p, "-1:"); /* mpmath: x^(p-1) (1 + p log x) */
    assert_array(ad_grad(sum_of_slopes, 1)(x, p), AD_SHAPE(1), 1e-15, 5.17623581360536081);
    assert_array(ad_grad(sum_of_slopes)(VECTOR(0, 0), VECTOR(2, 3)), AD_SHAPE(2), 0, 2, 0);
}
END_TEST

OF_X(power_of_minus_two, ad_pow(ad_scalar(-2), x))
OF_X(single_power_of_minus_two, ad_pow(ad_astype(ad_scalar(-2), AD_F32), x))

/* y log x with the complex logarithm: log(-2) = log 2 + i pi. */
START_TEST(negative_numbers_to_complex_powers_have_derivatives)
{
    AD_SCOPE;
    ad_complex p = 0.5 - 0.25i, y = cpow(-2, p), slope = clog(-2);
    ad_array *x = ad_from_data(AD_C128, &p, AD_SCALAR_SHAPE), *tangent = NULL;
    ck_assert(cabs(ad_item_complex(ad_holomorphic_grad(power_of_minus_two)(x)) - y * slope) < 1e-13);
    ck_assert(cabs(ad_item_complex(ad_holomorphic_grad(ad_holomorphic_grad(power_of_minus_two))(x)) - y * slope * slope) < 1e-12);
    ad_jvp(power_of_minus_two, x, ad_ones_like(x), &tangent);
    ck_assert(cabs(ad_item_complex(tangent) - y * slope) < 1e-13);
    ad_array *single = ad_holomorphic_grad(single_power_of_minus_two)(ad_astype(x, AD_C64));
    ck_assert(ad_dtype_of(single) == AD_C64 && cabs(ad_item_complex(single) - y * slope) < 1e-4);
}
END_TEST

/* ---- masked branches ---- */

OF_X(masked_root, ad_sum(ad_where(ad_greater(x, 0), ad_sqrt(x), 0)))
OF_X(masked_softplus, ad_sum(ad_where(ad_greater(x, 20), x, ad_log1p(ad_exp(x)))))
OF_X(masked_quotient, ad_sum(ad_where(ad_equal(x, 0), 1, ad_div(ad_sin(x), x))))

START_TEST(masked_branches_add_nothing)
{
    AD_SCOPE;
    ad_array *x = VECTOR(0, 4), *y = VECTOR(800, 0), *z = VECTOR(0, 1), *t;
    assert_array(ad_grad(masked_root)(x), AD_SHAPE(2), 0, 0, 0.25);
    assert_array(ad_hessian(masked_root)(x), AD_SHAPE(2, 2), 1e-15, 0, 0, 0, -0.03125);
    assert_array(ad_grad(masked_softplus)(y), AD_SHAPE(2), 1e-15, 1, 0.5);
    assert_array(ad_hessian(masked_softplus)(y), AD_SHAPE(2, 2), 1e-15, 0, 0, 0, 0.25);
    assert_array(ad_grad(masked_quotient)(z), AD_SHAPE(2), 1e-15, 0, -0.301168678939756789); /* cos 1 - sin 1 */
    assert_array(ad_hvp(masked_quotient)(z, z), AD_SHAPE(2), 1e-15, 0, -0.239133626928382948); /* sin 1 - 2 cos 1 */
    ad_jvp(masked_root, x, ad_ones(AD_SHAPE(2)), &t);
    assert_close(ad_item(t), 0.25, 0);
    ad_jvp(masked_softplus, y, ad_ones(AD_SHAPE(2)), &t);
    assert_close(ad_item(t), 1.5, 1e-15);
    ad_jvp(ad_grad(masked_root), x, ad_ones(AD_SHAPE(2)), &t);
    assert_array(t, AD_SHAPE(2), 1e-15, 0, -0.03125);
    ad_jvp(ad_grad(masked_softplus), y, ad_ones(AD_SHAPE(2)), &t);
    assert_array(t, AD_SHAPE(2), 1e-15, 0, 0.25);
}
END_TEST

OF_X(masked_x_log_x, ad_sum(ad_where(ad_greater(x, 0), ad_mul(x, ad_log(x)), 0)))
OF_X(masked_bump, ad_sum(ad_where(ad_greater(x, 0), ad_exp(ad_neg(ad_reciprocal(x))), 0)))
OF_X(masked_arctan, ad_sum(ad_where(ad_greater(x, 0), ad_arctan(ad_div(1, x)), 0)))
OF_X(masked_softmax, ad_sum(ad_where(ad_isfinite(x), ad_square(ad_softmax(ad_mul(x, 0))), 0)))

/* Masked at 0 or at 800, where every derivative is a number, by every nesting of three levels. */
START_TEST(masked_branches_add_nothing_at_any_nesting)
{
    AD_SCOPE;
    static const struct {
        ad_array *(*f)(ad_array *);
        double at, slope;
    } rows[] = { { masked_root, 0, 0 }, { masked_softplus, 800, 1 }, { masked_x_log_x, 0, 0 }, { masked_bump, 0, 0 }, { masked_arctan, 0, 0 } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int nesting = 0; nesting < 8; nesting++) {
            ad_array *(*f)(ad_array *) = rows[i].f, *x = ad_scalar(rows[i].at);
            for (int level = 0; level < 3; level++) {
                f = nesting >> level & 1 ? ad_grad(f) : ad_deriv(f);
                ck_assert_msg(ad_item(f(x)) == (level ? 0 : rows[i].slope), "row %zu, nesting %d, level %d: %g", i, nesting, level, ad_item(f(x)));
            }
        }
    assert_array(ad_grad(masked_softmax)(VECTOR(INFINITY, NAN)), AD_SHAPE(2), 0, 0, 0);
}
END_TEST

START_TEST(only_a_zero_tangent_wins_over_infinity)
{
    AD_SCOPE;
    ad_array *t = VECTOR(0, -0.0, INFINITY, 2), *d = VECTOR(INFINITY, NAN, 0, 3);
    assert_array(ad_zmul(t, d), AD_SHAPE(4), 0, 0, 0, NAN, 6);
    assert_array(ad_zzmul(t, d), AD_SHAPE(4), 0, 0, 0, 0, 6);
    assert_array(ad_zzmul(VECTOR(2, NAN), VECTOR(NAN, 0)), AD_SHAPE(2), 0, NAN, 0);
    assert_array(ad_zdiv(t, VECTOR(0, NAN, INFINITY, 4)), AD_SHAPE(4), 0, 0, 0, NAN, 0.5);
    ck_assert(ad_item_complex(ad_zmul(ad_weak_complex(0), ad_from_data(AD_C128, (double[]){ INFINITY, NAN }, AD_SCALAR_SHAPE))) == 0);
}
END_TEST

/* ---- logarithms of sums of exponentials ---- */

OF_X(logsumexp_of_squares, ad_logsumexp(ad_square(x)))

START_TEST(logsumexp_neither_overflows_nor_underflows)
{
    AD_SCOPE; /* mpmath */
    ad_array *x = ad_from((double[]){ 0.5, -1.25, 2, 1000, 1000.5, -1e4, -1000, -1001.25, -1e4 }, AD_SHAPE(3, 3));
    assert_array(ad_logsumexp(x, .axis = 1), AD_SHAPE(3), 1e-15, 2.23262198310203268, 1000.97407698418011, -999.748070918654627);
    assert_array(ad_logsumexp(ad_transpose(x), .axis = 0, .keepdims = true), AD_SHAPE(1, 3), 1e-15, 2.23262198310203268, 1000.97407698418011,
                 -999.748070918654627);
    assert_array(ad_logsumexp(x), AD_SCALAR_SHAPE, 1e-15, 1000.97407698418011);
    assert_array(ad_logsumexp(x, .axes = AD_AXES(0, -1), .keepdims = true), AD_SHAPE(1, 1), 1e-15, 1000.97407698418011);
    assert_array(ad_elementwise_grad(ad_logsumexp)(ad_at(x, "0")), AD_SHAPE(3), 1e-15, 0.176820182107444282, 0.0307267403264364318, 0.792453077566119286);
    assert_array(ad_elementwise_grad(ad_logsumexp)(ad_at(x, "2")), AD_SHAPE(3), 1e-11, 0.777299861174691147, 0.222700138825308853, 0);
    assert_array(ad_logsumexp(ad_arange(2)), AD_SCALAR_SHAPE, 1e-15, 1.31326168751822283);
    assert_array(ad_logsumexp(7), AD_SCALAR_SHAPE, 0, 7);
    assert_array(ad_logsumexp(ad_zeros(AD_SHAPE(0, 2)), .axis = 0), AD_SHAPE(2), 0, -INFINITY, -INFINITY);
    ck_assert(ad_shape_equal(ad_shape_of(ad_grad(ad_logsumexp)(ad_zeros(AD_SHAPE(0, 2)))), AD_SHAPE(0, 2)));
    ad_complex z = ad_item_complex(ad_logsumexp(ad_from_data(AD_C128, (ad_complex[]){ 1 + 2i, -0.5 + 0.25i }, AD_SHAPE(2))));
    assert_close(creal(z), 0.984895600416374227, 1e-15);
    assert_close(cimag(z), 1.775213345167218872, 1e-15);
    ck_assert_int_eq(ad_dtype_of(ad_logsumexp(ad_astype(x, AD_F32))), AD_F32);
}
END_TEST

/* SciPy 1.17. */
START_TEST(weighted_sums_of_exponentials)
{
    AD_SCOPE;
    ad_array *x = ad_from((double[]){ 1, 2, -3, 1000, 0, 999 }, AD_SHAPE(2, 3)), *b = VECTOR(2, -0.5, 3), *first = ad_at(x, "0");
    assert_array(ad_logsumexp(x, .b = b, .axis = 1), AD_SHAPE(2), 1e-15, 0.63731561036805529, 1001.1325750760457);
    assert_array(ad_logsumexp(x, .b = b, .keepdims = true), AD_SHAPE(1, 1), 1e-15, 1001.1325750760457);
    assert_array(ad_special_logsumexp(ad_arange(1, 3), .b = ad_expand_dims(ad_arange(1, 3), 1), .axis = 0), AD_SHAPE(2), 1e-15, 2.09861228866811, 3.09861228866811);
    ck_assert(isnan(ad_item(ad_logsumexp(first, .b = ad_neg(b)))));
    ad_tree *both = ad_signed_logsumexp(first, .b = ad_neg(b));
    assert_array(ad_tree_get(both, "logsumexp"), AD_SCALAR_SHAPE, 1e-15, 0.63731561036805529);
    assert_array(ad_tree_get(both, "sign"), AD_SCALAR_SHAPE, 0, -1);
    both = ad_signed_logsumexp(VECTOR(1, 1), .b = VECTOR(1, -1));
    assert_array(ad_tree_get(both, "logsumexp"), AD_SCALAR_SHAPE, 0, -INFINITY);
    assert_array(ad_tree_get(both, "sign"), AD_SCALAR_SHAPE, 0, 0);
    both = ad_signed_logsumexp(VECTOR(INFINITY, INFINITY), .b = VECTOR(1, -1));
    assert_array(ad_stack(ad_list_of(ad_tree_get(both, "logsumexp"), ad_tree_get(both, "sign"))), AD_SHAPE(2), 0, NAN, NAN);
    assert_array(ad_tree_get((ad_signed_logsumexp)(VECTOR(0, -40)), "logsumexp"), AD_SCALAR_SHAPE, 1e-30, 4.248354255291589e-18);
    ad_array *tail = ad_logsumexp(VECTOR(0, -40), .b = VECTOR(1, 2));
    ck_assert_msg(fabs(ad_item(tail) / 8.496708510583178e-18 - 1) < 1e-14, "%g", ad_item(tail));
    ad_array *z = ad_from_data(AD_C128, (ad_complex[]){ 1 + 2i, 0.5 }, AD_SHAPE(2));
    ad_complex y = ad_item_complex(ad_logsumexp(z, .b = VECTOR(1, 2)));
    assert_close(creal(y), 1.1898665998314628, 1e-15);
    assert_close(cimag(y), 0.8511700891259648, 1e-15);
    both = ad_signed_logsumexp(z, .b = VECTOR(1, -2));
    assert_close(ad_item(ad_tree_get(both, "logsumexp")), 1.6236800605281538, 1e-15);
    y = ad_item_complex(ad_tree_get(both, "sign"));
    assert_close(creal(y), -0.873204101149586, 1e-15);
    assert_close(cimag(y), 0.4873546939709755, 1e-15);
    ck_assert_int_eq(ad_dtype_of(ad_logsumexp(ad_astype(x, AD_F32), .b = ad_astype(VECTOR(1, 0, 1), AD_BOOL))), AD_F32);
    ck_assert_int_eq(ad_dtype_of(ad_tree_get(ad_signed_logsumexp(ad_astype(x, AD_F32)), "sign")), AD_F32);
    ad_array *negative_top = ad_logsumexp(VECTOR(3.06409428, 0.37251854, 3.87471931), .b = VECTOR(1.88190708, 2.84174795, -0.85016884));
    assert_close(ad_item(negative_top), 1.2452165157907382, 1e-14);
    assert_fails(ad_logsumexp(x, .b = VECTOR(1, 2)), AD_ERROR_SHAPE, "ad_logsumexp: an array of shape (2,3) and weights of shape (2,)");
    assert_fails(ad_signed_logsumexp(x, .axis = 2), AD_ERROR_AXIS, "ad_signed_logsumexp: ");
}
END_TEST

static ad_array *of_weights(ad_array *b, ad_array *x)
{
    return ad_logsumexp(x, .b = b);
}

static ad_array *of_numbers(ad_array *x, ad_array *b)
{
    return ad_logsumexp(x, .b = b);
}

START_TEST(what_has_no_weight_adds_nothing)
{
    AD_SCOPE;
    ad_array *x = VECTOR(INFINITY, NAN, 1), *b = VECTOR(0, 0, 2), *low = VECTOR(-INFINITY, -INFINITY);
    assert_array(ad_logsumexp(x, .b = b), AD_SCALAR_SHAPE, 1e-15, 1 + log(2));
    assert_array(ad_grad(of_numbers)(x, b), AD_SHAPE(3), 1e-15, 0, 0, 1);
    assert_array(ad_grad(of_weights)(VECTOR(0, 2), VECTOR(3, 1)), AD_SHAPE(2), 1e-15, exp(2) / 2, 0.5);
    assert_array(ad_logsumexp(low, .b = VECTOR(1, 2)), AD_SCALAR_SHAPE, 0, -INFINITY);
    assert_array(ad_grad(of_numbers)(low, VECTOR(1, 2)), AD_SHAPE(2), 0, 0, 0);
    assert_array(ad_grad(of_weights)(VECTOR(1, 2), low), AD_SHAPE(2), 0, 0, 0);
    assert_array(ad_logsumexp(VECTOR(1, 2), .b = VECTOR(0, 0)), AD_SCALAR_SHAPE, 0, -INFINITY);
    assert_array(ad_logsumexp(VECTOR(INFINITY, 1, INFINITY), .b = VECTOR(2, 1, 6)), AD_SCALAR_SHAPE, 0, INFINITY);
    assert_array(ad_grad(of_numbers)(VECTOR(INFINITY, 1, INFINITY), VECTOR(2, 1, 6)), AD_SHAPE(3), 1e-15, 0.25, 0, 0.75);
    assert_array(ad_logsumexp(ad_zeros(AD_SHAPE(0, 2)), .axis = 0, .b = ad_ones(AD_SHAPE(0, 2))), AD_SHAPE(2), 0, -INFINITY, -INFINITY);
    ck_assert(ad_shape_equal(ad_shape_of(ad_grad(of_numbers)(ad_zeros(AD_SHAPE(0)), ad_ones(AD_SHAPE(0)))), AD_SHAPE(0)));
}
END_TEST

START_TEST(infinite_entries_of_logsumexp)
{
    AD_SCOPE;
    static const struct {
        double x[3], y, slope[3];
    } cases[] = {
        { { -INFINITY, -INFINITY, -INFINITY }, -INFINITY, { 0, 0, 0 } },
        { { -INFINITY, 1.5, -INFINITY }, 1.5, { 0, 1, 0 } },
        { { INFINITY, 1, -INFINITY }, INFINITY, { 1, 0, 0 } },
        { { INFINITY, 1, INFINITY }, INFINITY, { 0.5, 0, 0.5 } },
        { { NAN, 1, 2 }, NAN, { NAN, NAN, NAN } },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ad_array *x = ad_from(cases[i].x, AD_SHAPE(3)), *t;
        const double *slope = cases[i].slope;
        assert_close(ad_item(ad_logsumexp(x)), cases[i].y, 0);
        assert_array(ad_grad(ad_logsumexp)(x), AD_SHAPE(3), 0, slope[0], slope[1], slope[2]);
        ad_jvp(ad_logsumexp, x, VECTOR(1, 10, 100), &t);
        assert_close(ad_item(t), slope[0] + 10 * slope[1] + 100 * slope[2], 0);
        if (!isnan(cases[i].y))
            assert_array(ad_hessian(ad_logsumexp)(x), AD_SHAPE(3, 3), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    }
    ck_assert_msg(ad_check_grads(logsumexp_of_squares, VECTOR(0.5, -1, 1.5), .order = 3, .tolerance = 1e-5), "%s", ad_error_message());
}
END_TEST

START_TEST(softmax_and_its_logarithm)
{
    AD_SCOPE; /* mpmath */
    ad_array *x = ad_from((double[]){ 0.5, -1.25, 2, 1000, 1000.5, -1e4 }, AD_SHAPE(2, 3));
    assert_array(ad_softmax(x, .axis = -1), AD_SHAPE(2, 3), 1e-15, 0.176820182107444282, 0.0307267403264364318, 0.792453077566119286, 0.377540668798145435,
                 0.622459331201854565, 0);
    assert_array(ad_log_softmax(x, .axis = 1), AD_SHAPE(2, 3), 1e-15, -1.73262198310203268, -3.48262198310203268, -0.232621983102032676, -0.974076984180106681,
                 -0.474076984180106681, -11000.9740769841801);
    assert_array(ad_softmax(VECTOR(0, 0, 0, 0)), AD_SHAPE(4), 0, 0.25, 0.25, 0.25, 0.25);
    assert_array(ad_softmax(ad_zeros(AD_SHAPE(2, 2))), AD_SHAPE(2, 2), 0, 0.25, 0.25, 0.25, 0.25);
    assert_array(ad_softmax(VECTOR(-INFINITY, 1)), AD_SHAPE(2), 0, 0, 1);
    assert_array(ad_log_softmax(VECTOR(-INFINITY, 1)), AD_SHAPE(2), 0, -INFINITY, 0);
    assert_array(ad_jacobian(ad_softmax)(VECTOR(-INFINITY, 0, 0)), AD_SHAPE(3, 3), 1e-15, 0, 0, 0, 0, 0.25, -0.25, 0, -0.25, 0.25);
    assert_array(ad_jacobian(ad_log_softmax)(VECTOR(0, 0)), AD_SHAPE(2, 2), 1e-15, 0.5, -0.5, -0.5, 0.5);
    assert_array(ad_softmax(ad_arange(2)), AD_SHAPE(2), 1e-15, 0.268941421369995121, 0.731058578630004879);
    assert_array(ad_softmax(3), AD_SCALAR_SHAPE, 0, 1);
    ck_assert(ad_shape_equal(ad_shape_of(ad_softmax(ad_zeros(AD_SHAPE(0, 2)), .axis = 0)), AD_SHAPE(0, 2)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_log_softmax(ad_zeros(AD_SHAPE(2, 0)), .axis = 1)), AD_SHAPE(2, 0)));
    ck_assert_int_eq(ad_dtype_of(ad_softmax(ad_astype(x, AD_F32))), AD_F32);
}
END_TEST

OF_X(logaddexp_of_pair, ad_logaddexp(ad_at(x, "0"), ad_at(x, "1")))

OF_X(softmax_of_rows, ad_softmax(x, .axis = -1))
OF_X(log_softmax_of_rows, ad_log_softmax(x, .axis = -1))

/* Of a function of rows along t, as rows by themselves and in an array of many more. */
static void assert_rows_are_alone(one *f, ad_array *x, ad_array *t)
{
    AD_SCOPE;
    int64_t size = ad_size(x), copies = 2 + (1 << 15) / size;
    ad_array *few, *many, *xs = ad_tile(x, AD_SHAPE(copies, 1)), *ts = ad_tile(t, AD_SHAPE(copies, 1));
    ad_jvp(f, x, t, &few);
    ad_jvp(f, xs, ts, &many);
    few = ad_astype(ad_ravel(few), AD_F64);
    many = ad_astype(ad_ravel(many), AD_F64);
    for (int64_t i = 0; i < 2 * size; i++) {
        double a = ((const double *)ad_data(few))[i % size], b = ((const double *)ad_data(many))[i];
        if (memcmp(&a, &b, sizeof a) != 0 && !(isnan(a) && isnan(b)))
            ck_abort_msg("element %lld: %.17g and %.17g", (long long)i, a, b);
    }
}

START_TEST(derivatives_of_softmax_are_the_same_bits_in_arrays_of_any_size)
{
    one *const functions[] = { softmax_of_rows, log_softmax_of_rows };
    for (int trial = 0; trial < 40; trial++) {
        AD_SCOPE;
        ad_key key = ad_random_key((uint64_t)trial);
        ad_dtype dtype = trial & 1 ? AD_F32 : AD_F64;
        int64_t n = (int64_t[]){ 10, 1, 2, 33, 600 }[trial % 5];
        ad_array *x = ad_astype(ad_random_normal(ad_random_fold_in(key, 0), AD_SHAPE(n, 5)), dtype);
        ad_array *t = ad_astype(ad_random_normal(ad_random_fold_in(key, 1), AD_SHAPE(5, n)), dtype);
        x = ad_transpose(x);
        if (trial % 4 >= 2) { /* ties, zeros, and what is not finite */
            x = ad_at_set(ad_at_set(ad_rint(x), NAN, "2,0"), -INFINITY, "3,0");
            t = ad_neg(ad_at_set(t, trial % 8 < 4 ? 0 : INFINITY, "1"));
        }
        for (int f = 0; f < 2; f++)
            assert_rows_are_alone(functions[f], x, t);
    }
}
END_TEST

START_TEST(logaddexp_at_infinity)
{
    AD_SCOPE;
    static const double cases[][5] = { /* a, b, value, slopes */
        { -INFINITY, -INFINITY, -INFINITY, 0, 0 }, { INFINITY, INFINITY, INFINITY, 0.5, 0.5 }, { INFINITY, -INFINITY, INFINITY, 1, 0 },
        { -INFINITY, 2, 2, 0, 1 },                 { 1, INFINITY, INFINITY, 0, 1 },            { 1000, -1000, 1000, 1, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ad_array *x = ad_from(cases[i], AD_SHAPE(2));
        assert_close(ad_item(logaddexp_of_pair(x)), cases[i][2], 0);
        assert_array(ad_grad(logaddexp_of_pair)(x), AD_SHAPE(2), 0, cases[i][3], cases[i][4]);
        assert_array(ad_hessian(logaddexp_of_pair)(x), AD_SHAPE(2, 2), 0, 0, 0, 0, 0);
    }
    ad_array *x = VECTOR(0.5, -1.25); /* mpmath */
    assert_close(ad_item(logaddexp_of_pair(x)), 0.660224150438087227, 1e-15);
    assert_array(ad_grad(logaddexp_of_pair)(x), AD_SHAPE(2), 1e-15, 0.85195280196831053, 0.14804719803168947);
    assert_array(ad_hessian(logaddexp_of_pair)(x), AD_SHAPE(2, 2), 1e-15, 0.126129225186655191, -0.126129225186655191, -0.126129225186655191,
                 0.126129225186655191);
    assert_array(ad_logaddexp(VECTOR(1000, NAN), VECTOR(1000, 1)), AD_SHAPE(2), 1e-15, 1000 + M_LN2, NAN);
}
END_TEST

/* ---- errors ---- */

START_TEST(errors_name_the_function_and_the_dtype)
{
    AD_SCOPE;
    ad_array *x = ad_ones(AD_SHAPE(2, 3)), *z = ad_astype(x, AD_C128);
    assert_fails(ad_erf(z), AD_ERROR_DTYPE, "ad_erf: not defined for complex128");
    assert_fails(ad_digamma(z), AD_ERROR_DTYPE, "ad_digamma: not defined for complex128");
    assert_fails(ad_relu(z), AD_ERROR_DTYPE, "ad_relu: not defined for complex128");
    assert_fails(ad_logaddexp(z, x), AD_ERROR_DTYPE, "ad_logaddexp: not defined for complex128 and float64");
    assert_fails(ad_maximum(x, z), AD_ERROR_DTYPE, "ad_maximum: not defined for float64 and complex128");
    assert_fails(ad_polygamma(1, z), AD_ERROR_DTYPE, "ad_polygamma: not defined for");
    assert_fails(ad_hypot(x, ad_ones(AD_SHAPE(2))), AD_ERROR_SHAPE, "ad_hypot: shapes (2,3) and (2,) do not broadcast");
    assert_fails(ad_softmax(z), AD_ERROR_DTYPE, "ad_softmax: not defined for complex128");
    assert_fails(ad_log_softmax(z), AD_ERROR_DTYPE, "ad_log_softmax: not defined for complex128");
    assert_fails(ad_logsumexp(x, .axis = 2), AD_ERROR_AXIS, "ad_logsumexp: axis 2 is out of range");
    assert_fails(ad_softmax(x, .axes = AD_AXES(1, -1)), AD_ERROR_AXIS, "ad_softmax: axis -1 is given twice");
    assert_fails(ad_log_softmax(x, .axis = -3), AD_ERROR_AXIS, "ad_log_softmax: axis -3 is out of range");
    assert_fails((ad_logsumexp)(NULL), AD_ERROR_VALUE, "ad_logsumexp: the array is NULL");
}
END_TEST

OF_X(everything, ad_sum(ad_add(ad_add(ad_logsumexp(x, .axis = 0), ad_softmax(ad_logaddexp(x, 1), .axis = 0)), ad_log_softmax(ad_gammaln(x), .axis = 1))))

START_TEST(every_allocation_may_fail)
{
    assert_every_allocation_may_fail(ad_grad(everything), ad_from((double[]){ 0.5, 1.5, 2.5, 3.5 }, AD_SHAPE(2, 2)));
}
END_TEST

RUN_TESTS("special", special_functions_have_golden_values_and_derivatives, elementary_functions_have_golden_values_and_derivatives,
          poles_and_infinities_are_those_of_scipy, polygamma_of_an_impossible_order_is_nan,
          slopes_are_infinite_at_the_ends_of_a_domain, relu_is_flat_at_zero_and_maximum_is_not,
          binary_ties_are_halved_at_orders_1_and_2, clip_halves_at_its_bounds, abs_and_sign_are_flat_at_zero, hypot_and_arctan2_are_flat_at_the_origin,
          integer_powers_are_exact_at_zero_and_for_negative_bases, powers_of_arrays_follow_their_edge_rules,
          negative_numbers_to_complex_powers_have_derivatives, masked_branches_add_nothing, masked_branches_add_nothing_at_any_nesting,
          only_a_zero_tangent_wins_over_infinity, logsumexp_neither_overflows_nor_underflows, weighted_sums_of_exponentials, what_has_no_weight_adds_nothing,
          infinite_entries_of_logsumexp, softmax_and_its_logarithm,
          derivatives_of_softmax_are_the_same_bits_in_arrays_of_any_size,
          logaddexp_at_infinity, errors_name_the_function_and_the_dtype, every_allocation_may_fail)
