/* Elementwise functions. The names are NumPy's.
 *
 * Each takes arrays or C numbers of any shapes that broadcast and gives a new array. A C number is weakly typed, so a
 * float32 array times 2.0 stays float32. Integers become float64 where a function has no integer values. Every function
 * is differentiable to any order in both modes, unless its result is a constant. The bare names are functions too:
 * ad_grad(ad_sin).
 *
 * In the chain rule 0 wins. Where a tangent or cotangent is exactly 0, or the slope that it meets is 0, nothing is
 * added, even if the other factor is infinite or NaN. So a branch that is masked out adds nothing, x sqrt(x) has the
 * slope 0 at 0, and forward mode agrees with reverse mode. sqrt(x)^2 has the slope 0 at 0 too. Slopes keep their digits
 * where the function's tails vanish, and overflow only where the slope itself does.
 *
 * A C integer that the int32 or uint8 array beside it cannot hold is an error in arithmetic, and is compared by its
 * value, as in NumPy. NumPy's int8 and float16 do not exist here. What gives int8 in NumPy (arithmetic of bools) is not
 * defined, and what gives float16 (functions of uint8) gives float64.
 *
 * Real elementary functions are within 3.5 units in the last place, most of them within 1. An element's value depends
 * neither on where it stands in an array nor on the number of threads. Between CPUs of different instruction sets it
 * may differ in the last place, and so may that of sin, cos and tan beside elements that are much larger.
 *
 * Errors of all: shapes that do not broadcast; a dtype for which the function is not defined. */
#ifndef AD_MATH_H
#define AD_MATH_H

#include <ad/array.h>

AD_BEGIN_DECLS

/** Options of ad_angle. Begin with AD_ANGLE_DEFAULTS. */
typedef struct ad_angle_options {
    bool deg; /**< in degrees, not radians */
    int ad_unused_;
} AD_NAMED_ ad_angle_options;

/** Options of ad_real_if_close. Begin with AD_REAL_IF_CLOSE_DEFAULTS. */
typedef struct ad_real_if_close_options {
    double tol; /**< = 100: the tolerance; above 1 it counts rounding units of the dtype */
    int ad_unused_;
} AD_NAMED_ ad_real_if_close_options;

/* ---- Arithmetic, of any number ---- */

/** -x. Not defined for bool. Also named ad_negative. */
AD_API ad_array *ad_neg(ad_array *x);
/** 1/x. For an integer it is 1, -1 or 0, and 0 for 0. Derivative: -y^2. */
AD_API ad_array *ad_reciprocal(ad_array *x);
/** |x|; real for complex x, bool for bool. Derivative: sign(x), for complex x conj(x)/|x|, and 0 at 0. If one part is
 * infinite, it alone gives the direction. Also named ad_absolute. */
AD_API ad_array *ad_abs(ad_array *x);
/** |x| of a real x, as a float; integers and bools give float64. Derivative: sign(x). */
AD_API ad_array *ad_fabs(ad_array *x);
/** -1, 0 or 1; x/|x| for complex x. Derivative: 0; for complex x it is along the circle, and 0 at 0. */
AD_API ad_array *ad_sign(ad_array *x);
/** x^2. */
AD_API ad_array *ad_square(ad_array *x);
/** Square root. Derivative: 1/(2y), infinite at 0 (for complex x the real infinity). */
AD_API ad_array *ad_sqrt(ad_array *x);
/** Cube root; real. Derivative: 1/(3y^2). */
AD_API ad_array *ad_cbrt(ad_array *x);

/* ---- Exponentials and logarithms ---- */

/** e^x. */
AD_API ad_array *ad_exp(ad_array *x);
/** 2^x. */
AD_API ad_array *ad_exp2(ad_array *x);
/** e^x - 1, exact near 0. Derivative: e^x. */
AD_API ad_array *ad_expm1(ad_array *x);
/** Natural logarithm. Derivative: 1/x, infinite at 0. */
AD_API ad_array *ad_log(ad_array *x);
/** Logarithm of base 2. */
AD_API ad_array *ad_log2(ad_array *x);
/** Logarithm of base 10. */
AD_API ad_array *ad_log10(ad_array *x);
/** log(1 + x), exact near 0. */
AD_API ad_array *ad_log1p(ad_array *x);

/* ---- Circular and hyperbolic functions ---- */

/** Radians of x degrees; real. Also named ad_radians. */
AD_API ad_array *ad_deg2rad(ad_array *x);
/** Degrees of x radians; real. Also named ad_degrees. */
AD_API ad_array *ad_rad2deg(ad_array *x);
/** Sine; x in radians. */
AD_API ad_array *ad_sin(ad_array *x);
/** Cosine; x in radians. */
AD_API ad_array *ad_cos(ad_array *x);
/** Tangent; x in radians. Derivative: 1 + y^2. */
AD_API ad_array *ad_tan(ad_array *x);
/** Inverse sine. Derivative infinite at -1 and 1. Also named ad_asin. */
AD_API ad_array *ad_arcsin(ad_array *x);
/** Inverse cosine. Derivative infinite at -1 and 1. Also named ad_acos. */
AD_API ad_array *ad_arccos(ad_array *x);
/** Inverse tangent. Derivative: 1/(1 + x^2). Also named ad_atan. */
AD_API ad_array *ad_arctan(ad_array *x);
/** Hyperbolic sine. */
AD_API ad_array *ad_sinh(ad_array *x);
/** Hyperbolic cosine. */
AD_API ad_array *ad_cosh(ad_array *x);
/** Hyperbolic tangent. Derivative: 1/cosh(x)^2, exact in the tails at every order. */
AD_API ad_array *ad_tanh(ad_array *x);
/** Inverse hyperbolic sine. Derivative: 1/sqrt(1 + x^2). Also named ad_asinh. */
AD_API ad_array *ad_arcsinh(ad_array *x);
/** Inverse hyperbolic cosine. Derivative: 1/(sqrt(x-1) sqrt(x+1)). Also named ad_acosh. */
AD_API ad_array *ad_arccosh(ad_array *x);
/** Inverse hyperbolic tangent. Derivative: 1/((1 - x) (1 + x)), infinite at -1 and 1. Also named ad_atanh. */
AD_API ad_array *ad_arctanh(ad_array *x);

/* ---- Functions of learning and statistics; real ---- */

/** 1/(1 + e^-x). Derivative: sigmoid(x) sigmoid(-x), exact in the tails at every order. Also named ad_special_expit. */
AD_API ad_array *ad_sigmoid(ad_array *x);
/** log(sigmoid(x)), without overflow. Derivative: sigmoid(-x). Also named ad_special_log_expit. */
AD_API ad_array *ad_log_sigmoid(ad_array *x);
/** log(1 + e^x), without overflow. Derivative: sigmoid(x). */
AD_API ad_array *ad_softplus(ad_array *x);
/** max(x, 0). Derivative: 1 for x > 0, otherwise 0 (at 0 too, as in JAX). */
AD_API ad_array *ad_relu(ad_array *x);
/** Error function. Also named ad_special_erf. */
AD_API ad_array *ad_erf(ad_array *x);
/** 1 - erf(x), exact for large x. Also named ad_special_erfc. */
AD_API ad_array *ad_erfc(ad_array *x);
/** log |Gamma(x)|; infinite at poles and infinities, as C's lgamma. Derivative: digamma(x). Exact near its zeros too.
 * Also named ad_special_gammaln. */
AD_API ad_array *ad_gammaln(ad_array *x);
/** Logarithmic derivative of Gamma. Derivative: polygamma(1, x). Also named ad_special_digamma. */
AD_API ad_array *ad_digamma(ad_array *x);

/* ---- Parts of complex numbers; real x is its own conjugate ---- */

/** Real part. VJP: g. */
AD_API ad_array *ad_real(ad_array *x);
/** Imaginary part. VJP: -i g. */
AD_API ad_array *ad_imag(ad_array *x);
/** Complex conjugate. VJP: conj(g). Also named ad_conjugate. */
AD_API ad_array *ad_conj(ad_array *x);
/** Argument in radians, in (-pi, pi], or in degrees with .deg = true. VJP: -i g/x, 0 at 0; for real x the derivative is
 * 0. */
AD_API ad_array *ad_angle(ad_array *x);
AD_API ad_array *ad_angle_with(ad_array *x, ad_angle_options options);
/** The real part of a complex x if all its imaginary parts are smaller in size than a tolerance, otherwise x. Options:
 * .tol. It looks at the values, and the dtype of the result depends on them. Derivative: that of what is returned. */
AD_API ad_array *ad_real_if_close(ad_array *x);
AD_API ad_array *ad_real_if_close_with(ad_array *x, ad_real_if_close_options options);

/* ---- Rounding and tests; constants of every derivative ---- */

/** Largest integer not above x. */
AD_API ad_array *ad_floor(ad_array *x);
/** Smallest integer not below x. */
AD_API ad_array *ad_ceil(ad_array *x);
/** x without its fraction. */
AD_API ad_array *ad_trunc(ad_array *x);
/** Nearest integer, half to even. */
AD_API ad_array *ad_rint(ad_array *x);
/** Whether x is NaN. A complex x is NaN if one part is. Bool. */
AD_API ad_array *ad_isnan(ad_array *x);
/** Whether x is infinite. Bool. */
AD_API ad_array *ad_isinf(ad_array *x);
/** Whether x is neither infinite nor NaN. Bool. */
AD_API ad_array *ad_isfinite(ad_array *x);
/** Whether x is 0. Bool. */
AD_API ad_array *ad_logical_not(ad_array *x);

/* ---- Arithmetic ---- */

/** a + b. */
AD_API ad_array *ad_add(ad_array *a, ad_array *b);
/** a - b. Not defined for bool. Also named ad_subtract. */
AD_API ad_array *ad_sub(ad_array *a, ad_array *b);
/** a b. Also named ad_multiply. */
AD_API ad_array *ad_mul(ad_array *a, ad_array *b);
/** a / b; integers give float64. Also named ad_divide and ad_true_divide. */
AD_API ad_array *ad_div(ad_array *a, ad_array *b);
/** a^b. Derivatives: b a^(b-1), 0 where b = 0; y log a, 0 where a = 0 and b >= 0, NaN for a < 0 unless the power is
 * complex.
 *
 * At a = 0 and at infinities, derivatives of every order are the limits from a > 0 at this b, in any order and nesting
 * of modes: at (0, 1) the Hessian is [0, -inf; -inf, 0]. A C integer exponent from -100 to 100 is computed by products,
 * exact for every a. Errors: an integer to a negative integer power. Also named ad_power. */
AD_API ad_array *ad_pow(ad_array *a, ad_array *b);
/** The larger one; NaN if either is; real. A tie sends half of the derivative to each. */
AD_API ad_array *ad_maximum(ad_array *a, ad_array *b);
/** The smaller one; NaN if either is; real. A tie sends half of the derivative to each. */
AD_API ad_array *ad_minimum(ad_array *a, ad_array *b);
/** Remainder of floor division, with the sign of b. Derivatives: 1 in a, and minus the integer quotient in b,
 * floor_divide(a, b). Also named ad_remainder. */
AD_API ad_array *ad_mod(ad_array *a, ad_array *b);
/** Remainder of division towards zero, with the sign of a. Derivatives: 1 in a, and minus the integer quotient in b, (a
 * - y)/b. */
AD_API ad_array *ad_fmod(ad_array *a, ad_array *b);
/** floor(a / b); a constant of every derivative. */
AD_API ad_array *ad_floor_divide(ad_array *a, ad_array *b);
/** sqrt(a^2 + b^2) without overflow; real. Derivatives: a/y and b/y, and 0 at the origin at every order. If one operand
 * is infinite, its derivative is of size 1 and the other's 0. */
AD_API ad_array *ad_hypot(ad_array *a, ad_array *b);
/** Angle of the point (b, a) in radians; real. Derivatives: b/r^2 and -a/r^2 with r = hypot(a, b), and 0 at the origin
 * at every order. Also named ad_atan2. */
AD_API ad_array *ad_arctan2(ad_array *a, ad_array *b);
/** log(e^a + e^b) without overflow; real. Derivatives: sigmoid(a - b) and sigmoid(b - a); 0 where both are -inf, 1/2
 * where both are +inf. */
AD_API ad_array *ad_logaddexp(ad_array *a, ad_array *b);
/** The n-th derivative of digamma at x; real. n is a whole number, in which there is no derivative.
 * Also named ad_special_polygamma. */
AD_API ad_array *ad_polygamma(ad_array *n, ad_array *x);
/** t d, but 0 where t = 0: the product of a weight t with a d that may be infinite. */
AD_API ad_array *ad_zmul(ad_array *t, ad_array *d);
/** t / d, but 0 where t = 0. */
AD_API ad_array *ad_zdiv(ad_array *t, ad_array *d);
/** a b, but 0 where either is 0: the product of a tangent with a slope. Its derivatives are products of the same kind.
 * A part of a complex number that is 0 adds nothing. */
AD_API ad_array *ad_zzmul(ad_array *a, ad_array *b);

/* ---- Comparisons; bool. Complex numbers are ordered by real part, then imaginary part, as in NumPy ---- */

/** a == b. */
AD_API ad_array *ad_equal(ad_array *a, ad_array *b);
/** a != b. */
AD_API ad_array *ad_not_equal(ad_array *a, ad_array *b);
/** a < b. */
AD_API ad_array *ad_less(ad_array *a, ad_array *b);
/** a <= b. */
AD_API ad_array *ad_less_equal(ad_array *a, ad_array *b);
/** a > b. */
AD_API ad_array *ad_greater(ad_array *a, ad_array *b);
/** a >= b. */
AD_API ad_array *ad_greater_equal(ad_array *a, ad_array *b);
/** Whether both are not 0. */
AD_API ad_array *ad_logical_and(ad_array *a, ad_array *b);
/** Whether one is not 0. */
AD_API ad_array *ad_logical_or(ad_array *a, ad_array *b);
/** Whether exactly one is not 0. */
AD_API ad_array *ad_logical_xor(ad_array *a, ad_array *b);

/* ---- Selection ---- */

/** condition ? a : b, element by element. The condition is a bool array, or is compared with 0. What is not selected
 * gets no derivative, whatever its value is. */
AD_API ad_array *ad_where(ad_array *condition, ad_array *a, ad_array *b);

/** minimum(maximum(x, low), high); real. A bound of NULL does not bound, nor does a C integer beyond what the dtype of
 * x can hold. At a bound half of the derivative goes to x, half to the bound. */
AD_API ad_array *ad_clip(ad_array *x, ad_array *low, ad_array *high);

#include <ad/macros/math.h>

AD_END_DECLS

#endif
