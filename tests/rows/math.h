/* Rows for ad/math.h: elementwise functions. row.h says what a row is and how one is added. */
#include "row.h"

OF_X(cube, ad_pow(x, 3))
OF_X(powers_of_integers, ad_pow(ad_argsort(x), ad_argsort(x)))
OF_X(inverse_square, ad_pow(x, -2))
OF_X(polygamma_1, ad_polygamma(1, x))

/* The slope of f as a function of x: it goes through what only slopes need. */
static ad_array *slope_at(one *f, ad_array *x)
{
    ad_array *slope = NULL;
    ad_jvp(f, x, ad_ones_like(x), &slope);
    return slope;
}

/* d/da of f(a, b), every element of a being its own. */
static ad_array *first_slope_at(two *f, ad_array *a, ad_array *b)
{
    ad_array *slope = NULL, *spread = ad_add(a, ad_zeros_like(b));
    ad_jvp(f, spread, b, ad_ones_like(spread), &slope);
    return slope;
}

OF_X(cbrt_slope, slope_at(ad_cbrt, x))
OF_X(sigmoid_slope, slope_at(ad_sigmoid, x))
OF_X(tanh_slope, slope_at(ad_tanh, x))
OF_X(erf_slope, slope_at(ad_erf, x))
OF_X(arcsin_slope, slope_at(ad_arcsin, x))
OF_X(arcsinh_slope, slope_at(ad_arcsinh, x))
OF_X(arccosh_slope, slope_at(ad_arccosh, x))
OF_AB(hypot_slope, first_slope_at(ad_hypot, a, b))
OF_AB(pow_slope, first_slope_at(ad_pow, a, b))
OF_AB(mod_of_larger, ad_mod(ad_add(a, 2.45), b))
OF_AB(mod_of_negative, ad_mod(ad_sub(a, 2.45), b))
OF_AB(fmod_of_larger, ad_fmod(ad_add(a, 2.45), b))
OF_AB(fmod_of_negative, ad_fmod(ad_sub(a, 2.45), b))
OF_ABC(where_positive, ad_where(ad_greater(a, 0.5), b, c))
OF_ABC(clip_around, ad_clip(a, ad_sub(b, 6), ad_add(c, 6)))
OF_ABC(clip_to_bound, ad_clip(a, ad_add(b, 5), ad_add(c, 10)))

static const struct row math_rows[] = {
    UNARY(neg, -2, 2, COMPLEX),
    UNARY(reciprocal, 0.5, 2, COMPLEX),
    UNARY(abs, 0.3, 2, COMPLEX),
    UNARY(fabs, 0.3, 2, 0),
    UNARY(fabs, -2, -0.3, 0),
    UNARY(deg2rad, -2, 2, 0),
    UNARY(rad2deg, -2, 2, 0),
    UNARY(sign, 0.3, 2, COMPLEX),
    UNARY(square, -2, 2, COMPLEX),
    UNARY(sqrt, 0.3, 2, COMPLEX),
    UNARY(cbrt, 0.3, 2, 0),
    UNARY(exp, -2, 2, COMPLEX),
    UNARY(exp2, -2, 2, COMPLEX),
    UNARY(expm1, -2, 2, COMPLEX),
    UNARY(log, 0.3, 3, COMPLEX),
    UNARY(log2, 0.3, 3, COMPLEX),
    UNARY(log10, 0.3, 3, COMPLEX),
    UNARY(log1p, -0.5, 3, COMPLEX),
    UNARY(sin, -2, 2, COMPLEX),
    UNARY(cos, -2, 2, COMPLEX),
    UNARY(tan, -1, 1, COMPLEX),
    UNARY(arcsin, -0.7, 0.7, COMPLEX),
    UNARY(arccos, -0.7, 0.7, COMPLEX),
    UNARY(arctan, -2, 2, COMPLEX),
    UNARY(sinh, -2, 2, COMPLEX),
    UNARY(cosh, -2, 2, COMPLEX),
    UNARY(tanh, -1, 1, COMPLEX),
    UNARY(arcsinh, -2, 2, COMPLEX),
    UNARY(arccosh, 1.3, 3, COMPLEX),
    UNARY(arctanh, -0.7, 0.7, COMPLEX),
    UNARY(sigmoid, -3, 3, 0),
    UNARY(log_sigmoid, -3, 3, 0),
    UNARY(softplus, -3, 3, 0),
    UNARY(relu, 0.1, 3, 0),
    UNARY(relu, -3, -0.1, 0),
    UNARY(erf, -2, 2, 0),
    UNARY(erfc, -2, 2, 0),
    UNARY(gammaln, 0.5, 4, 0),
    UNARY(digamma, 0.5, 4, 0),
    ONE("ad_polygamma", polygamma_1, 0.7, 4, 0),
    ONE("ad_cbrt_slope", cbrt_slope, 0.3, 2, 0),
    ONE("ad_sigmoid_slope", sigmoid_slope, -3, 3, 0),
    ONE("ad_sech_squared", tanh_slope, -1, 1, COMPLEX),
    ONE("ad_gaussian", erf_slope, -2, 2, 0),
    ONE("ad_arcsin_slope", arcsin_slope, -0.7, 0.7, COMPLEX),
    ONE("ad_arcsinh_slope", arcsinh_slope, -2, 2, COMPLEX),
    ONE("ad_arccosh_slope", arccosh_slope, 1.3, 3, COMPLEX),
    UNARY(real, -2, 2, COMPLEX),
    UNARY(imag, -2, 2, COMPLEX),
    UNARY(conj, -2, 2, COMPLEX),
    UNARY(angle, 0.3, 2, COMPLEX),
    UNARY(real_if_close, 0.3, 2, COMPLEX),
    UNARY(floor, -2, 2, CONSTANT),
    UNARY(ceil, -2, 2, CONSTANT),
    UNARY(trunc, -2, 2, CONSTANT),
    UNARY(rint, -2, 2, CONSTANT),
    UNARY(isnan, -2, 2, CONSTANT),
    UNARY(isinf, -2, 2, CONSTANT),
    UNARY(isfinite, -2, 2, CONSTANT),
    UNARY(logical_not, -2, 2, CONSTANT),
    BINARY(add, -2, 2, COMPLEX),
    BINARY(sub, -2, 2, COMPLEX),
    BINARY(mul, -2, 2, COMPLEX),
    BINARY(div, 0.5, 2, COMPLEX),
    BINARY(pow, 0.5, 2, COMPLEX),
    ONE("ad_not_negative", powers_of_integers, -2, 2, CONSTANT),
    ONE("ad_integer_power", cube, -2, 2, COMPLEX),
    ONE("ad_integer_power", inverse_square, 0.5, 2, COMPLEX),
    BINARY(maximum, -2, 2, 0),
    BINARY(minimum, -2, 2, 0),
    TWO("ad_mod", mod_of_larger, 0.95, 1.05, 0),
    TWO("ad_mod", mod_of_negative, 0.95, 1.05, 0),
    TWO("ad_fmod", fmod_of_larger, 0.95, 1.05, 0),
    TWO("ad_fmod", fmod_of_negative, 0.95, 1.05, 0),
    BINARY(hypot, 0.3, 2, 0),
    BINARY(arctan2, 0.3, 2, 0),
    TWO("ad_direction", hypot_slope, 0.3, 2, 0),
    TWO("ad_power_slopes", pow_slope, 0.5, 2, COMPLEX),
    BINARY(logaddexp, -2, 2, 0),
    BINARY(zmul, 0.3, 2, COMPLEX),
    BINARY(zdiv, 0.5, 2, COMPLEX),
    BINARY(zzmul, 0.3, 2, COMPLEX),
    BINARY(floor_divide, 0.5, 2, CONSTANT),
    BINARY(equal, -2, 2, CONSTANT),
    BINARY(not_equal, -2, 2, CONSTANT),
    BINARY(less, -2, 2, CONSTANT),
    BINARY(less_equal, -2, 2, CONSTANT),
    BINARY(greater, -2, 2, CONSTANT),
    BINARY(greater_equal, -2, 2, CONSTANT),
    BINARY(logical_and, -2, 2, CONSTANT),
    BINARY(logical_or, -2, 2, CONSTANT),
    BINARY(logical_xor, -2, 2, CONSTANT),
    THREE("ad_where", where_positive, 0, 1, COMPLEX),
    THREE("ad_clip", clip_around, -2, 2, 0),
    THREE("ad_clip", clip_to_bound, -2, 2, 0),
};
