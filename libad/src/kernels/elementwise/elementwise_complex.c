/* Elementwise loops of complex numbers, compiled once: C99's complex functions, and NumPy's rules where they differ. */
#include "kernels/loops.h"
#include <complex.h>
#include <math.h>

/* NumPy orders complex numbers by real part, then imaginary part; a NaN is never less. */
#define LESS_THAN(x, y) ((__real__ x < __real__ y && !isnan(__imag__ x) && !isnan(__imag__ y)) || (__real__ x == __real__ y && __imag__ x < __imag__ y))

#define T       c128
#define R       double
#define NAME(x) x##_c128
#define C(x)    x
#include "complex.inc"
#undef T
#undef R
#undef NAME
#undef C

#define T       c64
#define R       float
#define NAME(x) x##_c64
#define C(x)    x##f
#include "complex.inc"
#undef T
#undef R
#undef NAME
#undef C

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
