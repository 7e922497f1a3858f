/* Rows folded into numbers or into other rows. Compiled once for each instruction set, as elementwise.c.
 *
 * Rows are summed in 16 lanes within blocks of 512, and the blocks pairwise. So the bits depend only on shape and
 * strides, not on the CPU, and the error grows with the logarithm of the length. Rows that are added to a row are added
 * in fours. */
#include "kernels/loops.h"
#include "kernels/vectors.h"
#include <math.h>
#include <string.h>

enum { SUM_LANES = 16, EXTREMUM_LANES = 32, NARROW = 8, ROUNDS = AD_FOLD_PIECE / SUM_LANES, COLUMNS_BYTES = 16384 };

#define NAME(x)      sum_f64##x
#define T            double
#define LANES        SUM_LANES
#define FIRST        0
#define JOINED(a, b) ((a) + (b))
#include "fold.inc"

#define NAME(x)      sum_f32##x
#define T            float
#define LANES        SUM_LANES
#define FIRST        0
#define JOINED(a, b) ((a) + (b))
#include "fold.inc"

#define NAME(x)      sum_c128##x
#define T            c128
#define LANES        SUM_LANES
#define FIRST        0
#define JOINED(a, b) ((a) + (b))
#include "fold.inc"

#define NAME(x)      sum_c64##x
#define T            c64
#define LANES        SUM_LANES
#define FIRST        0
#define JOINED(a, b) ((a) + (b))
#include "fold.inc"

#define NAME(x)      sum_i64##x
#define T            int64_t
#define LANES        SUM_LANES
#define FIRST        0
#define JOINED(a, b) ((int64_t)((uint64_t)a + (uint64_t)b))
#include "fold.inc"

static inline double squared_f64(double x)
{
    return x * x;
}
static inline float squared_f32(float x)
{
    return x * x;
}
#define NAME(x)      squares_f64##x
#define T            double
#define LANES        SUM_LANES
#define FIRST        0
#define JOINED(a, b) ((a) + (b))
#define TERM(x)      squared_f64(x)
#include "fold.inc"

#define NAME(x)      squares_f32##x
#define T            float
#define LANES        SUM_LANES
#define FIRST        0
#define JOINED(a, b) ((a) + (b))
#define TERM(x)      squared_f32(x)
#include "fold.inc"

#define NAME(x)      prod_f64##x
#define T            double
#define LANES        SUM_LANES
#define FIRST        1
#define JOINED(a, b) ((a) * (b))
#include "fold.inc"

#define NAME(x)      prod_f32##x
#define T            float
#define LANES        SUM_LANES
#define FIRST        1
#define JOINED(a, b) ((a) * (b))
#include "fold.inc"

#define NAME(x)      prod_c128##x
#define T            c128
#define LANES        SUM_LANES
#define FIRST        1
#define JOINED(a, b) (product_c128(a, b))
#include "fold.inc"

#define NAME(x)      prod_c64##x
#define T            c64
#define LANES        SUM_LANES
#define FIRST        1
#define JOINED(a, b) (product_c64(a, b))
#include "fold.inc"

#define NAME(x)      prod_i64##x
#define T            int64_t
#define LANES        SUM_LANES
#define FIRST        1
#define JOINED(a, b) ((int64_t)((uint64_t)a * (uint64_t)b))
#include "fold.inc"

/* A NaN wins, on whichever side it is; of equals the first one stays. There are two steps, neither of which a compiler
 * turns into a branch. */
#define EXTREMUM(name, T, is_at_least)                                                                                 \
    static inline T name(T a, T b)                                                                                     \
    {                                                                                                                  \
        T c = a is_at_least b ? a : b;                                                                                 \
        return a != a ? a : c;                                                                                         \
    }

EXTREMUM(larger_f64, double, >=)
EXTREMUM(larger_f32, float, >=)
EXTREMUM(smaller_f64, double, <=)
EXTREMUM(smaller_f32, float, <=)

#define NAME(x)      max_f64##x
#define T            double
#define LANES        EXTREMUM_LANES
#define FIRST        -INFINITY
#define JOINED(a, b) (larger_f64(a, b))
#include "fold.inc"

#define NAME(x)      max_f32##x
#define T            float
#define LANES        EXTREMUM_LANES
#define FIRST        -INFINITY
#define JOINED(a, b) (larger_f32(a, b))
#include "fold.inc"

#define NAME(x)      max_i64##x
#define T            int64_t
#define LANES        EXTREMUM_LANES
#define FIRST        INT64_MIN
#define JOINED(a, b) (a >= b ? a : b)
#include "fold.inc"

#define NAME(x)      max_i32##x
#define T            int32_t
#define LANES        EXTREMUM_LANES
#define FIRST        INT32_MIN
#define JOINED(a, b) (a >= b ? a : b)
#include "fold.inc"

#define NAME(x)      max_u8##x
#define T            uint8_t
#define LANES        EXTREMUM_LANES
#define FIRST        0
#define JOINED(a, b) (a >= b ? a : b)
#include "fold.inc"

#define NAME(x)      min_f64##x
#define T            double
#define LANES        EXTREMUM_LANES
#define FIRST        INFINITY
#define JOINED(a, b) (smaller_f64(a, b))
#include "fold.inc"

#define NAME(x)      min_f32##x
#define T            float
#define LANES        EXTREMUM_LANES
#define FIRST        INFINITY
#define JOINED(a, b) (smaller_f32(a, b))
#include "fold.inc"

#define NAME(x)      min_i64##x
#define T            int64_t
#define LANES        EXTREMUM_LANES
#define FIRST        INT64_MAX
#define JOINED(a, b) (a <= b ? a : b)
#include "fold.inc"

#define NAME(x)      min_i32##x
#define T            int32_t
#define LANES        EXTREMUM_LANES
#define FIRST        INT32_MAX
#define JOINED(a, b) (a <= b ? a : b)
#include "fold.inc"

#define NAME(x)      min_u8##x
#define T            uint8_t
#define LANES        EXTREMUM_LANES
#define FIRST        UINT8_MAX
#define JOINED(a, b) (a <= b ? a : b)
#include "fold.inc"

/* complex numbers by real part, then imaginary part; none is at least as large as one with a NaN */
#define AT_LEAST(a, b) ((__real__ a > __real__ b && __imag__ b == __imag__ b) || (__real__ a == __real__ b && __imag__ a >= __imag__ b))
#define AT_MOST(a, b)  ((__real__ a < __real__ b && __imag__ b == __imag__ b) || (__real__ a == __real__ b && __imag__ a <= __imag__ b))
#define NAME(x)      max_c128##x
#define T            c128
#define LANES        EXTREMUM_LANES
#define FIRST        __builtin_complex(-(double)INFINITY, -(double)INFINITY)
#define JOINED(a, b) (AT_LEAST(a, b) || a != a ? a : b)
#include "fold.inc"

#define NAME(x)      max_c64##x
#define T            c64
#define LANES        EXTREMUM_LANES
#define FIRST        __builtin_complex(-INFINITY, -INFINITY)
#define JOINED(a, b) (AT_LEAST(a, b) || a != a ? a : b)
#include "fold.inc"

#define NAME(x)      min_c128##x
#define T            c128
#define LANES        EXTREMUM_LANES
#define FIRST        __builtin_complex((double)INFINITY, (double)INFINITY)
#define JOINED(a, b) (AT_MOST(a, b) || a != a ? a : b)
#include "fold.inc"

#define NAME(x)      min_c64##x
#define T            c64
#define LANES        EXTREMUM_LANES
#define FIRST        __builtin_complex(INFINITY, INFINITY)
#define JOINED(a, b) (AT_MOST(a, b) || a != a ? a : b)
#include "fold.inc"


/* A faster way for rows of floats that lie side by side. */
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

/* Sums bytes, or bools, into int64. */
static void sum_bytes(int64_t rows, const char *in, int64_t step, char *acc, int64_t acc_step, int64_t n, int64_t stride, int64_t acc_stride)
{
    enum { PIECE = 1 << 20 }; /* the sum of so many is within uint32 */
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

/* `any` is the largest of bools, `all` the smallest. An element with the value `last` ends the walk along a row. */
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
