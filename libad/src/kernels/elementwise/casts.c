/* Conversions between dtypes. Compiled once for each instruction set, as elementwise.c.
 *
 * Each pair of dtypes has a loop of its own. A number that the other dtype cannot hold becomes the same value on every
 * processor. */
#include "kernels/loops.h"

/* A value outside the integer's range, or NaN, gives the smallest integer, as x86 does. */
#define TO_I64(x) ((x) >= -0x1p63 && (x) < 0x1p63 ? (int64_t)(x) : INT64_MIN)

typedef void fill(int64_t n, char *out);

/* Copies the first element of out to all n. */
#define FILL(T, t)                                                                                                     \
    static __attribute__((noinline)) void fill_##t(int64_t n, char *out)                                               \
    {                                                                                                                  \
        T x = *(const T *)out, *o = (T *)out;                                                                          \
        for (int64_t i = 0; i < n; i++)                                                                                \
            o[i] = x;                                                                                                  \
    }

FILL(double, f64)
FILL(float, f32)
FILL(c128, c128)
FILL(c64, c64)
FILL(int64_t, i64)
FILL(int32_t, i32)
FILL(uint8_t, u8)
FILL(uint8_t, b8)

/* One element that is repeated, along a broadcast axis, is converted once. */
static inline __attribute__((always_inline)) void cast(LOOP_ARGUMENTS, int64_t in_size, int64_t out_size, loop_step1 *convert, fill *repeat)
{
    if (in_stride[0] || out_stride != out_size || n < 2) {
        loop1(n, in, in_stride, out, out_stride, in_size, out_size, convert);
        return;
    }
    convert(in[0], out);
    repeat(n, out);
}

#define CAST(F, f, T, t, expression)                                                                                   \
    STEP1(convert_##f##_##t, F, T, expression)                                                                         \
    static void cast_##f##_##t(LOOP_ARGUMENTS)                                                                         \
    {                                                                                                                  \
        cast(n, in, in_stride, out, out_stride, sizeof(F), sizeof(T), convert_##f##_##t, fill_##t);                    \
    }
#define CASTS_FROM_REAL(F, f)                                                                                          \
    CAST(F, f, double, f64, (double)x)                                                                                         \
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

ad_loop *const FOR_ISA(ad_casts)[AD_DTYPE_COUNT][AD_DTYPE_COUNT] = {
    CASTS_OF(f64), CASTS_OF(f32), CASTS_OF(c128), CASTS_OF(c64), CASTS_OF(i64), CASTS_OF(i32), CASTS_OF(u8), CASTS_OF(b8),
};
