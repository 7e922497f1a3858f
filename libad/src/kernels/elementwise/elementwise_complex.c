/* Elementwise loops of complex numbers, compiled once: C99's complex functions, and NumPy's rules where they differ. */
#include "kernels/loops.h"
#include <complex.h>
#include <math.h>

/* Everything for one precision; F is the suffix of C's functions. */
#define COMPLEX_FUNCTIONS(T, R, dtype, F)                                                                              \
    static inline T make_##dtype(R real, R imag)                                                                       \
    {                                                                                                                  \
        union {                                                                                                        \
            R part[2];                                                                                                 \
            T value;                                                                                                   \
        } z = { .part = { real, imag } };                                                                              \
        return z.value;                                                                                                \
    }                                                                                                                  \
    /* Smith (1962), "Algorithm 116: Complex division", as NumPy */                                                    \
    static inline T quotient_##dtype(T x, T y)                                                                         \
    {                                                                                                                  \
        R a = __real__ x, b = __imag__ x, c = __real__ y, d = __imag__ y;                                              \
        if (fabs##F(c) >= fabs##F(d)) {                                                                                \
            if (c == 0 && d == 0)                                                                                      \
                return make_##dtype(a / fabs##F(c), b / fabs##F(d));                                                   \
            R ratio = d / c, scale = c + d * ratio;                                                                    \
            return make_##dtype((a + b * ratio) / scale, (b - a * ratio) / scale);                                     \
        }                                                                                                              \
        R ratio = c / d, scale = c * ratio + d;                                                                        \
        return make_##dtype((a * ratio + b) / scale, (b * ratio - a) / scale);                                         \
    }                                                                                                                  \
    static inline bool infinite_##dtype(T x)                                                                           \
    {                                                                                                                  \
        return isinf(__real__ x) || isinf(__imag__ x);                                                                 \
    }                                                                                                                  \
    /* Products and quotients with a slope, part by part: a part that is 0 adds nothing. */                           \
    static inline T zero_wins_##dtype(T x, T y)                                                                        \
    {                                                                                                                  \
        R a = __real__ x, b = __imag__ x, c = __real__ y, d = __imag__ y;                                              \
        T z = product_##dtype(x, y);                                                                                   \
        if (!isnan(__real__ z) && !isnan(__imag__ z))                                                                  \
            return z;                                                                                                  \
        return make_##dtype(AD_ZERO_WINS(a, c) - AD_ZERO_WINS(b, d), AD_ZERO_WINS(a, d) + AD_ZERO_WINS(b, c));         \
    }                                                                                                                  \
    static inline T zero_over_##dtype(T x, T y)                                                                        \
    {                                                                                                                  \
        R a = __real__ x, b = __imag__ x;                                                                              \
        if (x == 0 || (infinite_##dtype(y) && isfinite(a) && isfinite(b)))                                             \
            return 0;                                                                                                  \
        if (y != 0)                                                                                                    \
            return quotient_##dtype(x, y);                                                                             \
        return make_##dtype(a == 0 ? 0 : a / fabs##F(__real__ y), b == 0 ? 0 : b / fabs##F(__imag__ y));               \
    }                                                                                                                  \
    static inline T power_##dtype(T x, T y)                                                                            \
    {                                                                                                                  \
        if (y == 0)                                                                                                    \
            return 1;                                                                                                  \
        if (x == 0)                                                                                                    \
            return __real__ y > 0 ? 0 : make_##dtype(NAN, NAN);                                                        \
        if (y == 1)                                                                                                    \
            return x;                                                                                                  \
        if (y == 2)                                                                                                    \
            return product_##dtype(x, x);                                                                              \
        /* |x|^y by the real power: the exponential of y log x would lose the digits that |y log x| has before the point */ \
        R a = __real__ y, b = __imag__ y, r = hypot##F(__real__ x, __imag__ x), angle = atan2##F(__imag__ x, __real__ x); \
        R modulus = pow##F(r, a) * exp##F(-b * angle);                                                                 \
        if (!isfinite(r) || !(modulus > 0) || !isfinite(modulus))                                                      \
            return cpow##F(x, y);                                                                                      \
        angle = a * angle + (b == 0 ? 0 : b * log##F(r));                                                              \
        return make_##dtype(modulus * cos##F(angle), modulus * sin##F(angle));                                         \
    }                                                                                                                  \
    /* a power for slopes: that of 0 to a negative number is the real infinity */                                      \
    static inline T real_infinity_##dtype(T x, T y)                                                                    \
    {                                                                                                                  \
        return x == 0 && __real__ y < 0 && __imag__ y == 0 ? (T)INFINITY : power_##dtype(x, y);                        \
    }                                                                                                                  \
    /* 2^x; the angle in two parts, of which the first is rounded */                                                   \
    static inline T exp2_##dtype(T x)                                                                                  \
    {                                                                                                                  \
        R modulus = exp2##F(__real__ x), b = __imag__ x;                                                               \
        if (!isfinite(modulus) || !isfinite(b))                                                                        \
            return cexp##F(product_##dtype(make_##dtype((R)M_LN2, 0), x));                                             \
        double angle = M_LN2 * b, rest = fma(M_LN2, b, -angle) + 0x1.abc9e3b39803fp-56 * b, c = cos(angle), s = sin(angle); \
        return make_##dtype((R)(modulus * (c - rest * s)), (R)(modulus * (s + rest * c)));                             \
    }                                                                                                                  \
    /* the direction of x; that of an infinite part, of which there can be one. The larger part becomes 1 first, so that the modulus is in range */ \
    static inline T sign_##dtype(T x)                                                                                  \
    {                                                                                                                  \
        R a = __real__ x, b = __imag__ x, largest = fmax##F(fabs##F(a), fabs##F(b));                                   \
        if (isinf(a) != isinf(b))                                                                                      \
            return isinf(a) ? make_##dtype(copysign##F(1, a), 0) : make_##dtype(0, copysign##F(1, b));                 \
        if (largest == 0)                                                                                              \
            return x;                                                                                                  \
        R c = a / largest, d = b / largest, r = sqrt##F(c * c + d * d);                                                \
        return make_##dtype(c / r, d / r);                                                                             \
    }                                                                                                                  \
    /* 1/cosh^2 = 4 e^(-2 x) / (1 + e^(-2 x))^2, of which 4 e^(-2 x) is left for a large x */                          \
    static inline T sech_squared_##dtype(T x)                                                                          \
    {                                                                                                                  \
        if (__real__ x < 0)                                                                                            \
            x = make_##dtype(-__real__ x, -__imag__ x);                                                                \
        if (__real__ x < 20) {                                                                                         \
            T y = quotient_##dtype(1, ccosh##F(x));                                                                    \
            return product_##dtype(y, y);                                                                              \
        }                                                                                                              \
        return 4 * cexp##F(make_##dtype(-2 * __real__ x, -2 * __imag__ x));                                            \
    }                                                                                                                  \
    /* 1/(sqrt(x) sqrt(y)): as two roots the number is right on both sides of the cuts, zero imaginary parts too */    \
    static inline T over_roots_##dtype(T x, T y)                                                                       \
    {                                                                                                                  \
        return infinite_##dtype(x) ? 0 : zero_over_##dtype(1, product_##dtype(csqrt##F(x), csqrt##F(y)));              \
    }                                                                                                                  \
    /* e^x - 1 without cancellation: expm1(a) cos b - 2 sin(b/2)^2, e^a sin b */                                       \
    static inline T expm1_##dtype(T x)                                                                                 \
    {                                                                                                                  \
        R a = __real__ x, b = __imag__ x, s = sin##F(b / 2);                                                           \
        return make_##dtype(expm1##F(a) * cos##F(b) - 2 * s * s, exp##F(a) * sin##F(b));                               \
    }                                                                                                                  \
    /* log|1 + x| = log1p(a (2 + a) + b b) / 2, near 0 */                                                              \
    static inline T log1p_##dtype(T x)                                                                                 \
    {                                                                                                                  \
        R a = __real__ x, b = __imag__ x;                                                                              \
        R modulus = fabs##F(a) < 1 && fabs##F(b) < 1 ? log1p##F(a * (2 + a) + b * b) / 2 : log##F(hypot##F(1 + a, b)); \
        return make_##dtype(modulus, atan2##F(b, 1 + a));                                                              \
    }                                                                                                                  \
    static inline bool nan_in_##dtype(T x)                                                                             \
    {                                                                                                                  \
        return isnan(__real__ x) || isnan(__imag__ x);                                                                 \
    }

/* NumPy orders complex numbers by real part, then imaginary part; a NaN is never less. */
#define LESS_THAN(x, y) ((__real__ x < __real__ y && !isnan(__imag__ x) && !isnan(__imag__ y)) || (__real__ x == __real__ y && __imag__ x < __imag__ y))

#define MAPPED(name, function, T, dtype) LOOP1(, ad_##name##_##dtype, T, T, function(x))
#define COMPLEX_TABLE(T, R, dtype, F)                                                                                  \
    COMPLEX_FUNCTIONS(T, R, dtype, F)                                                                                  \
    LOOP1(, ad_neg_##dtype, T, T, make_##dtype(-__real__ x, -__imag__ x))                                              \
    LOOP1(, ad_reciprocal_##dtype, T, T, quotient_##dtype(1, x))                                                       \
    LOOP1(, ad_abs_##dtype, T, R, hypot##F(__real__ x, __imag__ x))                                                    \
    LOOP1(, ad_square_##dtype, T, T, product_##dtype(x, x))                                                            \
    LOOP1(, ad_rint_##dtype, T, T, make_##dtype(rint##F(__real__ x), rint##F(__imag__ x)))                             \
    MAPPED(sign, sign_##dtype, T, dtype)                                                                               \
    MAPPED(sqrt, csqrt##F, T, dtype)                                                                                   \
    MAPPED(exp, cexp##F, T, dtype)                                                                                     \
    MAPPED(exp2, exp2_##dtype, T, dtype)                                                                               \
    MAPPED(expm1, expm1_##dtype, T, dtype)                                                                             \
    MAPPED(log, clog##F, T, dtype)                                                                                     \
    LOOP1(, ad_log2_##dtype, T, T, clog##F(x) * (R)(1 / M_LN2))                                                        \
    LOOP1(, ad_log10_##dtype, T, T, clog##F(x) * (R)(1 / M_LN10))                                                      \
    MAPPED(log1p, log1p_##dtype, T, dtype)                                                                             \
    MAPPED(sin, csin##F, T, dtype)                                                                                     \
    MAPPED(cos, ccos##F, T, dtype)                                                                                     \
    MAPPED(tan, ctan##F, T, dtype)                                                                                     \
    MAPPED(arcsin, casin##F, T, dtype)                                                                                 \
    MAPPED(arccos, cacos##F, T, dtype)                                                                                 \
    MAPPED(arctan, catan##F, T, dtype)                                                                                 \
    MAPPED(sinh, csinh##F, T, dtype)                                                                                   \
    MAPPED(cosh, ccosh##F, T, dtype)                                                                                   \
    MAPPED(tanh, ctanh##F, T, dtype)                                                                                   \
    MAPPED(arcsinh, casinh##F, T, dtype)                                                                               \
    MAPPED(arccosh, cacosh##F, T, dtype)                                                                               \
    MAPPED(arctanh, catanh##F, T, dtype)                                                                               \
    LOOP1(, ad_isnan_##dtype, T, uint8_t, nan_in_##dtype(x))                                                           \
    LOOP1(, ad_isinf_##dtype, T, uint8_t, infinite_##dtype(x))                                                         \
    LOOP1(, ad_isfinite_##dtype, T, uint8_t, isfinite(__real__ x) && isfinite(__imag__ x))                             \
    LOOP1(, ad_logical_not_##dtype, T, uint8_t, x == 0)                                                                \
    LOOP1(, ad_conj_##dtype, T, T, make_##dtype(__real__ x, -__imag__ x))                                              \
    LOOP1(, ad_angle_##dtype, T, R, atan2##F(__imag__ x, __real__ x))                                                  \
    LOOP1(, ad_real_##dtype, T, R, __real__ x)                                                                         \
    LOOP1(, ad_imag_##dtype, T, R, __imag__ x)                                                                         \
    LOOP2(, ad_add_##dtype, T, T, x + y)                                                                               \
    LOOP2(, ad_sub_##dtype, T, T, x - y)                                                                               \
    LOOP2(, ad_mul_##dtype, T, T, product_##dtype(x, y))                                                               \
    LOOP2(, ad_div_##dtype, T, T, quotient_##dtype(x, y))                                                              \
    LOOP2(, ad_pow_##dtype, T, T, power_##dtype(x, y))                                                                 \
    LOOP2(, ad_zmul_##dtype, T, T, x == 0 ? 0 : product_##dtype(x, y))                                                 \
    LOOP2(, ad_zdiv_##dtype, T, T, zero_over_##dtype(x, y))                                                            \
    LOOP2(, ad_zzmul_##dtype, T, T, zero_wins_##dtype(x, y))                                                           \
    MAPPED(sech_squared, sech_squared_##dtype, T, dtype)                                                               \
    LOOP1(, ad_arcsin_slope_##dtype, T, T, over_roots_##dtype(make_##dtype(1 - __real__ x, -__imag__ x), make_##dtype(1 + __real__ x, __imag__ x))) \
    LOOP1(, ad_arcsinh_slope_##dtype, T, T, over_roots_##dtype(make_##dtype(1 + __imag__ x, -__real__ x), make_##dtype(1 - __imag__ x, __real__ x))) \
    LOOP1(, ad_arccosh_slope_##dtype, T, T, over_roots_##dtype(make_##dtype(__real__ x - 1, __imag__ x), make_##dtype(__real__ x + 1, __imag__ x))) \
    LOOP2(, ad_equal_##dtype, T, uint8_t, x == y)                                                                      \
    LOOP2(, ad_attains_##dtype, T, uint8_t, x == y || x != x)                                                          \
    LOOP2(, ad_not_equal_##dtype, T, uint8_t, x != y)                                                                  \
    LOOP2(, ad_less_##dtype, T, uint8_t, LESS_THAN(x, y))                                                              \
    LOOP2(, ad_less_equal_##dtype, T, uint8_t, LESS_THAN(x, y) || x == y)                                              \
    LOOP2(, ad_greater_##dtype, T, uint8_t, LESS_THAN(y, x))                                                           \
    LOOP2(, ad_greater_equal_##dtype, T, uint8_t, LESS_THAN(y, x) || x == y)                                           \
    LOOP2(, ad_logical_and_##dtype, T, uint8_t, (x != 0) & (y != 0))                                                   \
    LOOP2(, ad_logical_or_##dtype, T, uint8_t, (x != 0) | (y != 0))                                                    \
    LOOP2(, ad_logical_xor_##dtype, T, uint8_t, (x != 0) ^ (y != 0))

COMPLEX_TABLE(c128, double, c128, )
COMPLEX_TABLE(c64, float, c64, f)

/* Derivatives of x^p. */
#define IS_ORDINARY(a) (MODULUS(a) >= SMALLEST && MODULUS(a) < INFINITY)

#define POWER_SLOPES(dtype)                                                                                            \
    void ad_power_slopes_##dtype(LOOP_ARGUMENTS)                                                                       \
    {                                                                                                                  \
        int order = n ? (int)__real__ *(const dtype *)in[2] : 0, k = order % AD_POWER_ORDERS, m = order / AD_POWER_ORDERS; \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            dtype x = *(const dtype *)(in[0] + i * in_stride[0]), p = *(const dtype *)(in[1] + i * in_stride[1]);      \
            *(dtype *)(out + i * out_stride) = power_slope_##dtype(x, p, k, m, power_##dtype(x, p), m > 0 ? LOG(x) : 0); \
        }                                                                                                              \
    }

#define T              c128
#define NAME(x)        x##_c128
#define PRODUCT(a, b)  zero_wins_c128(a, b)
#define QUOTIENT(a, b) quotient_c128(a, b)
#define POWER(a, b)    real_infinity_c128(a, b)
#define LOG(a)         clog(a)
#define MODULUS(a)     cabs(a)
#define SMALLEST       0x1p-1022
#include "power_slopes.inc"
POWER_SLOPES(c128)
#undef T
#undef NAME
#undef PRODUCT
#undef QUOTIENT
#undef POWER
#undef LOG
#undef MODULUS
#undef SMALLEST

#define T              c64
#define NAME(x)        x##_c64
#define PRODUCT(a, b)  zero_wins_c64(a, b)
#define QUOTIENT(a, b) quotient_c64(a, b)
#define POWER(a, b)    real_infinity_c64(a, b)
#define LOG(a)         clogf(a)
#define MODULUS(a)     cabsf(a)
#define SMALLEST       0x1p-126f
#include "power_slopes.inc"
POWER_SLOPES(c64)
