/* Elementwise loops of integers and bools, and of item sizes, compiled once.
 *
 * Arithmetic wraps as NumPy's does: it is done unsigned. Division by zero gives 0. */
#include "kernels/loops.h"

/* One source for signed and unsigned types: some comparisons are known for the latter. */
#pragma GCC diagnostic ignored "-Wtype-limits"
#ifdef __clang__
#pragma clang diagnostic ignored "-Wtautological-compare"
#endif

/* Quotient and remainder towards minus infinity; a signed minimum by -1 wraps. */
#define FLOOR_DIVISION(T, dtype)                                                                                       \
    static inline T floor_quotient_##dtype(T x, T y)                                                                   \
    {                                                                                                                  \
        if (y == 0)                                                                                                    \
            return 0;                                                                                                  \
        if (y == (T)-1 && (T)-1 < 0)                                                                                   \
            return (T)(0 - (uint64_t)x);                                                                               \
        T q = (T)(x / y);                                                                                              \
        return (x % y != 0 && (x < 0) != (y < 0)) ? (T)(q - 1) : q;                                                    \
    }                                                                                                                  \
    static inline T c_remainder_##dtype(T x, T y)                                                                      \
    {                                                                                                                  \
        return y == 0 || (y == (T)-1 && (T)-1 < 0) ? 0 : (T)(x % y);                                                   \
    }                                                                                                                  \
    static inline T floor_remainder_##dtype(T x, T y)                                                                  \
    {                                                                                                                  \
        T r = c_remainder_##dtype(x, y);                                                                               \
        return r != 0 && (r < 0) != (y < 0) ? (T)(r + y) : r;                                                          \
    }                                                                                                                  \
    /* by squaring; y is not negative */                                                                               \
    static inline T power_##dtype(T x, T y)                                                                            \
    {                                                                                                                  \
        uint64_t result = 1, base = (uint64_t)x, exponent = (uint64_t)y;                                               \
        for (; exponent; exponent >>= 1, base *= base)                                                                 \
            if (exponent & 1)                                                                                          \
                result *= base;                                                                                        \
        return (T)result;                                                                                              \
    }

#define COMPARISONS(T, dtype)                                                                                          \
    LOOP2(, ad_equal_##dtype, T, uint8_t, x == y)                                                                      \
    LOOP2(, ad_not_equal_##dtype, T, uint8_t, x != y)                                                                  \
    LOOP2(, ad_less_##dtype, T, uint8_t, x < y)                                                                        \
    LOOP2(, ad_less_equal_##dtype, T, uint8_t, x <= y)                                                                 \
    LOOP2(, ad_greater_##dtype, T, uint8_t, x > y)                                                                     \
    LOOP2(, ad_greater_equal_##dtype, T, uint8_t, x >= y)                                                              \
    LOOP2(, ad_logical_and_##dtype, T, uint8_t, (x != 0) & (y != 0))                                                   \
    LOOP2(, ad_logical_or_##dtype, T, uint8_t, (x != 0) | (y != 0))                                                    \
    LOOP2(, ad_logical_xor_##dtype, T, uint8_t, (x != 0) ^ (y != 0))                                                   \
    LOOP1(, ad_logical_not_##dtype, T, uint8_t, x == 0)                                                                \
    LOOP2(, ad_maximum_##dtype, T, T, x > y ? x : y)                                                                   \
    LOOP2(, ad_minimum_##dtype, T, T, x < y ? x : y)                                                                   \
    LOOP1(, ad_floor_##dtype, T, T, x)                                                                                 \
    LOOP1(, ad_ceil_##dtype, T, T, x)                                                                                  \
    LOOP1(, ad_trunc_##dtype, T, T, x)                                                                                 \
    LOOP1(, ad_conj_##dtype, T, T, x)                                                                                  \
    LOOP1(, ad_real_##dtype, T, T, x)                                                                                  \
    LOOP1(, ad_imag_##dtype, T, T, (T)(x - x))                                                                         \
    LOOP1(, ad_relu_##dtype, T, T, x > 0 ? x : 0)

#define INTEGERS(T, U, dtype)                                                                                          \
    FLOOR_DIVISION(T, dtype)                                                                                           \
    COMPARISONS(T, dtype)                                                                                              \
    LOOP2(, ad_add_##dtype, T, T, (T)((U)x + (U)y))                                                                    \
    LOOP2(, ad_sub_##dtype, T, T, (T)((U)x - (U)y))                                                                    \
    LOOP2(, ad_mul_##dtype, T, T, (T)((U)x * (U)y))                                                                    \
    LOOP1(, ad_neg_##dtype, T, T, (T)(0 - (U)x))                                                                       \
    LOOP1(, ad_reciprocal_##dtype, T, T, x == 0 ? 0 : (T)(1 / x))                                                      \
    LOOP1(, ad_abs_##dtype, T, T, x < 0 ? (T)(0 - (U)x) : x)                                                           \
    LOOP1(, ad_sign_##dtype, T, T, (T)((x > 0) - (x < 0)))                                                             \
    LOOP1(, ad_square_##dtype, T, T, (T)((U)x * (U)x))                                                                 \
    LOOP2(, ad_floor_divide_##dtype, T, T, floor_quotient_##dtype(x, y))                                               \
    LOOP2(, ad_mod_##dtype, T, T, floor_remainder_##dtype(x, y))                                                       \
    LOOP2(, ad_fmod_##dtype, T, T, c_remainder_##dtype(x, y))                                                          \
    LOOP2(, ad_pow_##dtype, T, T, power_##dtype(x, y))

INTEGERS(int64_t, uint64_t, i64)
INTEGERS(int32_t, uint32_t, i32)
INTEGERS(uint8_t, uint32_t, u8)

typedef uint8_t boolean;
COMPARISONS(boolean, b8)
LOOP2(, ad_add_b8, boolean, boolean, x | y)
LOOP2(, ad_mul_b8, boolean, boolean, x & y)
LOOP1(, ad_abs_b8, boolean, boolean, x)

typedef struct pair {
    uint64_t low, high;
} pair;
LOOP_WHERE(, ad_where_1, uint8_t)
LOOP_WHERE(, ad_where_16, pair)

/* ---- casts ---- */

/* A value outside the integer's range, or NaN, gives the smallest integer, as x86 does. */
#define TO_I64(x) ((x) >= -0x1p63 && (x) < 0x1p63 ? (int64_t)(x) : INT64_MIN)

#define CAST(F, f, T, t, expression) LOOP1(static, cast_##f##_##t, F, T, expression)
#define CASTS_FROM_REAL(F, f)                                                                                          \
    CAST(F, f, double, f64, x)                                                                                         \
    CAST(F, f, float, f32, (float)x)                                                                                   \
    CAST(F, f, c128, c128, x)                                                                                          \
    CAST(F, f, c64, c64, (float)x)                                                                                     \
    CAST(F, f, uint8_t, b8, x != 0)
#define CASTS_FROM_INTEGER(F, f)                                                                                       \
    CASTS_FROM_REAL(F, f)                                                                                              \
    CAST(F, f, int64_t, i64, (int64_t)x)                                                                               \
    CAST(F, f, int32_t, i32, (int32_t)x)                                                                               \
    CAST(F, f, uint8_t, u8, (uint8_t)x)
#define CASTS_FROM_FLOAT(F, f)                                                                                         \
    CASTS_FROM_REAL(F, f)                                                                                              \
    CAST(F, f, int64_t, i64, TO_I64(x))                                                                                \
    CAST(F, f, int32_t, i32, (int32_t)TO_I64(x))                                                                       \
    CAST(F, f, uint8_t, u8, (uint8_t)TO_I64(x))
#define CASTS_FROM_COMPLEX(F, f)                                                                                       \
    CAST(F, f, double, f64, __real__ x)                                                                                \
    CAST(F, f, float, f32, (float)__real__ x)                                                                          \
    CAST(F, f, c128, c128, x)                                                                                          \
    CAST(F, f, c64, c64, (c64)x)                                                                                       \
    CAST(F, f, int64_t, i64, TO_I64(__real__ x))                                                                       \
    CAST(F, f, int32_t, i32, (int32_t)TO_I64(__real__ x))                                                              \
    CAST(F, f, uint8_t, u8, (uint8_t)TO_I64(__real__ x))                                                               \
    CAST(F, f, uint8_t, b8, (__real__ x != 0) | (__imag__ x != 0))

CASTS_FROM_FLOAT(double, f64)
CASTS_FROM_FLOAT(float, f32)
CASTS_FROM_COMPLEX(c128, c128)
CASTS_FROM_COMPLEX(c64, c64)
CASTS_FROM_INTEGER(int64_t, i64)
CASTS_FROM_INTEGER(int32_t, i32)
CASTS_FROM_INTEGER(uint8_t, u8)
CASTS_FROM_INTEGER(uint8_t, b8)

#define CASTS_OF(f)                                                                                                    \
    { cast_##f##_f64, cast_##f##_f32, cast_##f##_c128, cast_##f##_c64, cast_##f##_i64, cast_##f##_i32, cast_##f##_u8, cast_##f##_b8 }

ad_loop *const ad_casts[AD_DTYPE_COUNT][AD_DTYPE_COUNT] = {
    CASTS_OF(f64), CASTS_OF(f32), CASTS_OF(c128), CASTS_OF(c64), CASTS_OF(i64), CASTS_OF(i32), CASTS_OF(u8), CASTS_OF(b8),
};
