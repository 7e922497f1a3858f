/* Rows folded into numbers or into other rows. Compiled once for each instruction set, as elementwise.c.
 *
 * Rows are summed in 16 lanes within blocks of 512 and the blocks pairwise, so the bits depend on shape and strides only, not on the CPU, and the
 * error grows with the logarithm of the length. Rows that are added to a row are added in fours. */
#include "kernels/loops.h"
#include "kernels/vectors.h"
#include <math.h>
#include <string.h>

enum { SUM_LANES = 16, EXTREMUM_LANES = 32, NARROW = 8, ROUNDS = AD_FOLD_PIECE / SUM_LANES, COLUMNS_BYTES = 16384 };

/* Folds that may be reordered: partial results in lanes, joined in a fixed order. What is folded is TERM of the elements. */
#define FOLD_OF(name, TERM, T, LANES, first, joined)                                                                   \
    static T name##_block(int64_t n, const char *in, int64_t stride)                                                   \
    {                                                                                                                  \
        T lane[LANES];                                                                                                 \
        int64_t i = 0;                                                                                                 \
        if (n < LANES) {                                                                                               \
            T a = first;                                                                                               \
            for (; i < n; i++) {                                                                                       \
                T b = TERM(*(const T *)(in + i * stride));                                                             \
                a = joined;                                                                                            \
            }                                                                                                          \
            return a;                                                                                                  \
        }                                                                                                              \
        for (int l = 0; l < LANES; l++)                                                                                \
            lane[l] = TERM(*(const T *)(in + l * stride));                                                             \
        if (stride == sizeof(T)) {                                                                                     \
            const T *x = (const T *)in;                                                                                \
            for (i = LANES; i + LANES <= n; i += LANES)                                                                \
                for (int l = 0; l < LANES; l++) {                                                                      \
                    T a = lane[l], b = TERM(x[i + l]);                                                                 \
                    lane[l] = joined;                                                                                  \
                }                                                                                                      \
        } else {                                                                                                       \
            for (i = LANES; i + LANES <= n; i += LANES)                                                                \
                for (int l = 0; l < LANES; l++) {                                                                      \
                    T a = lane[l], b = TERM(*(const T *)(in + (i + l) * stride));                                      \
                    lane[l] = joined;                                                                                  \
                }                                                                                                      \
        }                                                                                                              \
        for (int l = 0; i < n; i++, l++) {                                                                             \
            T a = lane[l], b = TERM(*(const T *)(in + i * stride));                                                    \
            lane[l] = joined;                                                                                          \
        }                                                                                                              \
        for (int half = LANES / 2; half; half /= 2)                                                                    \
            for (int l = 0; l < half; l++) {                                                                           \
                T a = lane[l], b = lane[l + half];                                                                     \
                lane[l] = joined;                                                                                      \
            }                                                                                                          \
        return lane[0];                                                                                                \
    }                                                                                                                  \
    static T name##_pairwise(int64_t n, const char *in, int64_t stride)                                                \
    {                                                                                                                  \
        if (n <= ROUNDS * LANES)                                                                                       \
            return name##_block(n, in, stride);                                                                        \
        int64_t piece = ROUNDS * LANES, half = (n / 2 + piece - 1) / piece * piece;                                    \
        T a = name##_pairwise(half, in, stride), b = name##_pairwise(n - half, in + half * stride, stride);            \
        return joined;                                                                                                 \
    }                                                                                                                  \
    static void name##_row(int64_t n, const char *in, int64_t stride, void *acc)                                       \
    {                                                                                                                  \
        T a = *(T *)acc, b = name##_pairwise(n, in, stride);                                                           \
        *(T *)acc = joined;                                                                                            \
    }                                                                                                                  \
    static inline void name##_add(int64_t n, const char *in, int64_t stride, char *acc, int64_t acc_stride)            \
    {                                                                                                                  \
        if (stride == sizeof(T) && acc_stride == sizeof(T)) {                                                          \
            const T *x = (const T *)in;                                                                                \
            T *y = (T *)acc;                                                                                           \
            INDEPENDENT for (int64_t i = 0; i < n; i++)                                                                \
            {                                                                                                          \
                T a = y[i], b = TERM(x[i]);                                                                            \
                y[i] = joined;                                                                                         \
            }                                                                                                          \
            return;                                                                                                    \
        }                                                                                                              \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            T a = *(T *)(acc + i * acc_stride), b = TERM(*(const T *)(in + i * stride));                               \
            *(T *)(acc + i * acc_stride) = joined;                                                                     \
        }                                                                                                              \
    }                                                                                                                  \
    static void name##_add_four(int64_t n, const T *x0, const T *x1, const T *x2, const T *x3, T *y)                   \
    {                                                                                                                  \
        INDEPENDENT for (int64_t i = 0; i < n; i++)                                                                    \
        {                                                                                                              \
            T a = TERM(x0[i]), b = TERM(x1[i]), early = joined;                                                        \
            a = TERM(x2[i]), b = TERM(x3[i]);                                                                          \
            T late = joined;                                                                                           \
            a = early, b = late, b = joined;                                                                           \
            a = y[i];                                                                                                  \
            y[i] = joined;                                                                                             \
        }                                                                                                              \
    }                                                                                                                  \
    /* So many at a time that what they are added to stays in the first cache. */                                      \
    static void name##_columns(int64_t rows, const char *in, int64_t step, T *acc, int64_t n)                          \
    {                                                                                                                  \
        for (int64_t i = 0, count; i < n; i += count, acc += count) {                                                  \
            const char *from = in + i * (int64_t)sizeof(T);                                                            \
            int64_t r = 0, most = COLUMNS_BYTES / sizeof(T);                                                           \
            count = n - i < most ? n - i : most;                                                                       \
            for (; r + 4 <= rows; r += 4, from += 4 * step)                                                            \
                name##_add_four(count, (const T *)from, (const T *)(from + step), (const T *)(from + 2 * step), (const T *)(from + 3 * step), acc); \
            for (; r < rows; r++, from += step)                                                                        \
                name##_add(count, from, sizeof(T), (char *)acc, sizeof(T));                                            \
        }                                                                                                              \
    }                                                                                                                  \
    static void name(int64_t rows, const char *in, int64_t step, char *acc, int64_t acc_step, int64_t n, int64_t stride, int64_t acc_stride) \
    {                                                                                                                  \
        if (acc_stride && acc_step == 0 && n < NARROW) { /* columns, which stay in a register */                       \
            for (int64_t i = 0; i < n; i++, in += stride, acc += acc_stride) {                                         \
                T a = *(T *)acc;                                                                                       \
                for (int64_t r = 0; r < rows; r++) {                                                                   \
                    T b = TERM(*(const T *)(in + r * step));                                                           \
                    a = joined;                                                                                        \
                }                                                                                                      \
                *(T *)acc = a;                                                                                         \
            }                                                                                                          \
            return;                                                                                                    \
        }                                                                                                              \
        if (acc_step == 0 && stride == sizeof(T) && acc_stride == sizeof(T)) {                                         \
            name##_columns(rows, in, step, (T *)acc, n);                                                               \
            return;                                                                                                    \
        }                                                                                                              \
        for (int64_t r = 0; r < rows; r++, in += step, acc += acc_step) {                                              \
            if (acc_stride)                                                                                            \
                name##_add(n, in, stride, acc, acc_stride);                                                            \
            else                                                                                                       \
                name##_row(n, in, stride, acc);                                                                        \
        }                                                                                                              \
    }

#define PLAIN(x) (x)
#define FOLD(name, T, LANES, first, joined) FOLD_OF(name, PLAIN, T, LANES, first, joined)

FOLD(sum_f64, double, SUM_LANES, 0, a + b)
FOLD(sum_f32, float, SUM_LANES, 0, a + b)
FOLD(sum_c128, c128, SUM_LANES, 0, a + b)
FOLD(sum_c64, c64, SUM_LANES, 0, a + b)
FOLD(sum_i64, int64_t, SUM_LANES, 0, (int64_t)((uint64_t)a + (uint64_t)b))
static inline double squared_f64(double x)
{
    return x * x;
}
static inline float squared_f32(float x)
{
    return x * x;
}
FOLD_OF(squares_f64, squared_f64, double, SUM_LANES, 0, a + b)
FOLD_OF(squares_f32, squared_f32, float, SUM_LANES, 0, a + b)
FOLD(prod_f64, double, SUM_LANES, 1, a * b)
FOLD(prod_f32, float, SUM_LANES, 1, a * b)
FOLD(prod_c128, c128, SUM_LANES, 1, product_c128(a, b))
FOLD(prod_c64, c64, SUM_LANES, 1, product_c64(a, b))
FOLD(prod_i64, int64_t, SUM_LANES, 1, (int64_t)((uint64_t)a * (uint64_t)b))
/* A NaN wins, whichever side it is on; the first of equals. In two steps, neither of which a compiler takes for a branch. */
#define EXTREMA(T, dtype)                                                                                              \
    static inline T larger_##dtype(T a, T b)                                                                           \
    {                                                                                                                  \
        T c = a >= b ? a : b;                                                                                          \
        return a != a ? a : c;                                                                                         \
    }                                                                                                                  \
    static inline T smaller_##dtype(T a, T b)                                                                          \
    {                                                                                                                  \
        T c = a <= b ? a : b;                                                                                          \
        return a != a ? a : c;                                                                                         \
    }

EXTREMA(double, f64)
EXTREMA(float, f32)
FOLD(max_f64, double, EXTREMUM_LANES, -INFINITY, larger_f64(a, b))
FOLD(max_f32, float, EXTREMUM_LANES, -INFINITY, larger_f32(a, b))
FOLD(max_i64, int64_t, EXTREMUM_LANES, INT64_MIN, a >= b ? a : b)
FOLD(max_i32, int32_t, EXTREMUM_LANES, INT32_MIN, a >= b ? a : b)
FOLD(max_u8, uint8_t, EXTREMUM_LANES, 0, a >= b ? a : b)
FOLD(min_f64, double, EXTREMUM_LANES, INFINITY, smaller_f64(a, b))
FOLD(min_f32, float, EXTREMUM_LANES, INFINITY, smaller_f32(a, b))
FOLD(min_i64, int64_t, EXTREMUM_LANES, INT64_MAX, a <= b ? a : b)
FOLD(min_i32, int32_t, EXTREMUM_LANES, INT32_MAX, a <= b ? a : b)
FOLD(min_u8, uint8_t, EXTREMUM_LANES, UINT8_MAX, a <= b ? a : b)
/* complex numbers by real part, then imaginary part; not at least as large as one with a NaN */
#define AT_LEAST(a, b) ((__real__ a > __real__ b && __imag__ b == __imag__ b) || (__real__ a == __real__ b && __imag__ a >= __imag__ b))
#define AT_MOST(a, b)  ((__real__ a < __real__ b && __imag__ b == __imag__ b) || (__real__ a == __real__ b && __imag__ a <= __imag__ b))
FOLD(max_c128, c128, EXTREMUM_LANES, __builtin_complex(-(double)INFINITY, -(double)INFINITY), AT_LEAST(a, b) || a != a ? a : b)
FOLD(max_c64, c64, EXTREMUM_LANES, __builtin_complex(-INFINITY, -INFINITY), AT_LEAST(a, b) || a != a ? a : b)
FOLD(min_c128, c128, EXTREMUM_LANES, __builtin_complex((double)INFINITY, (double)INFINITY), AT_MOST(a, b) || a != a ? a : b)
FOLD(min_c64, c64, EXTREMUM_LANES, __builtin_complex(INFINITY, INFINITY), AT_MOST(a, b) || a != a ? a : b)

/* Rows of floats that lie side by side, faster. */
enum { EXTREMUM_BLOCK = ROUNDS * EXTREMUM_LANES };
#define T        double
#define SAME     int64_t
#define NAME(x)  x##_f64
#define BLOCK(x) x##_f64_block
#include "extremum_rows.inc"
#define T        float
#define SAME     int32_t
#define NAME(x)  x##_f32
#define BLOCK(x) x##_f32_block
#include "extremum_rows.inc"

/* Bytes, as bools are, into int64. */
static void sum_bytes(int64_t rows, const char *in, int64_t step, char *acc, int64_t acc_step, int64_t n, int64_t stride, int64_t acc_stride)
{
    enum { PIECE = 1 << 20 }; /* of which the sum is within uint32 */
    for (; rows > 0; rows--, in += step, acc += acc_step) {
        const uint8_t *x = (const uint8_t *)in;
        if (acc_stride == sizeof(int64_t) && stride == 1)
            INDEPENDENT for (int64_t i = 0; i < n; i++)
                ((int64_t *)acc)[i] += x[i];
        else if (acc_stride)
            for (int64_t i = 0; i < n; i++)
                *(int64_t *)(acc + i * acc_stride) += x[i * stride];
        else
            for (int64_t i = 0; i < n; i += PIECE) {
                int64_t count = n - i < PIECE ? n - i : PIECE;
                uint32_t sum = 0;
                if (stride == 1)
                    for (int64_t j = 0; j < count; j++)
                        sum += x[i + j];
                else
                    for (int64_t j = 0; j < count; j++)
                        sum += x[(i + j) * stride];
                *(int64_t *)acc += sum;
            }
    }
}

/* any is the largest of bools, all the smallest. A number that has the last value ends the walk along a row. */
static void fold_until(uint8_t last, int64_t rows, const uint8_t *in, int64_t step, uint8_t *acc, int64_t acc_step, int64_t n, int64_t stride)
{
    enum { PIECE = 8192 };
    for (int64_t r = 0; r < rows; r++, in += step, acc += acc_step)
        for (int64_t start = 0; start < n && *acc != last; start += PIECE) {
            int64_t count = n - start < PIECE ? n - start : PIECE;
            const uint8_t *x = in + start * stride;
            uint8_t found = 0;
            if (stride == 1)
                for (int64_t i = 0; i < count; i++)
                    found |= x[i] == last;
            else
                for (int64_t i = 0; i < count; i++)
                    found |= x[i * stride] == last;
            *acc = found ? last : *acc;
        }
}

#define UNTIL(name, extremum, last)                                                                                    \
    static void name(int64_t rows, const char *in, int64_t step, char *acc, int64_t acc_step, int64_t n, int64_t stride, int64_t acc_stride) \
    {                                                                                                                  \
        if (acc_stride)                                                                                                \
            extremum(rows, in, step, acc, acc_step, n, stride, acc_stride);                                            \
        else                                                                                                           \
            fold_until(last, rows, (const uint8_t *)in, step, (uint8_t *)acc, acc_step, n, stride);                    \
    }

UNTIL(any_b8, max_u8, 1)
UNTIL(all_b8, min_u8, 0)

const struct ad_folds FOR_ISA(ad_folds) = {
    .fold = {
        [AD_REDUCE_SUM] = { [AD_F64] = sum_f64, [AD_F32] = sum_f32, [AD_C128] = sum_c128, [AD_C64] = sum_c64, [AD_I64] = sum_i64 },
        [AD_REDUCE_SQUARES] = { [AD_F64] = squares_f64, [AD_F32] = squares_f32 },
        [AD_REDUCE_PROD] = { [AD_F64] = prod_f64, [AD_F32] = prod_f32, [AD_C128] = prod_c128, [AD_C64] = prod_c64, [AD_I64] = prod_i64 },
        [AD_REDUCE_MAX] = { [AD_F64] = max_rows_f64, [AD_F32] = max_rows_f32, [AD_C128] = max_c128, [AD_C64] = max_c64,
                            [AD_I64] = max_i64, [AD_I32] = max_i32, [AD_U8] = max_u8, [AD_BOOL] = max_u8 },
        [AD_REDUCE_MIN] = { [AD_F64] = min_rows_f64, [AD_F32] = min_rows_f32, [AD_C128] = min_c128, [AD_C64] = min_c64,
                            [AD_I64] = min_i64, [AD_I32] = min_i32, [AD_U8] = min_u8, [AD_BOOL] = min_u8 },
        [AD_REDUCE_ANY] = { [AD_BOOL] = any_b8 },
        [AD_REDUCE_ALL] = { [AD_BOOL] = all_b8 },
    },
    .sum_bytes = sum_bytes,
};
