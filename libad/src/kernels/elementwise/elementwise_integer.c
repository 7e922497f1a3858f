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
