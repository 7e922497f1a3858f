/* Patterns of inner loops: an expression of one or two elements becomes a step, and a step becomes an ad_loop.
 *
 * A loop reads an element before it writes the one in its place, so an output may be the same memory as an input.
 * Contiguous operands and repeated ones (stride 0) get loops of their own, which compilers vectorise. */
#ifndef AD_LOOPS_H
#define AD_LOOPS_H

#include "kernels/complex_product.h"
#include "kernels/isa.h"
#include "kernels/kernels.h"
#include <string.h>

#ifdef __clang__
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif

#define LOOP_ARGUMENTS int64_t n, const char *const *in, const int64_t *in_stride, char *out, int64_t out_stride

/* A product with a slope, part by part where it is not a number: a part that is 0 adds nothing. */
#define COMPLEX_ZERO_WINS(x, y)                                                                                        \
    __builtin_complex(AD_ZERO_WINS(__real__ x, __real__ y) - AD_ZERO_WINS(__imag__ x, __imag__ y),                     \
                      AD_ZERO_WINS(__real__ x, __imag__ y) + AD_ZERO_WINS(__imag__ x, __real__ y))

static inline c128 zero_wins_c128(c128 x, c128 y)
{
    c128 z = product_c128(x, y);
    return __real__ z == __real__ z && __imag__ z == __imag__ z ? z : COMPLEX_ZERO_WINS(x, y);
}

static inline c64 zero_wins_c64(c64 x, c64 y)
{
    c64 z = product_c64(x, y);
    return __real__ z == __real__ z && __imag__ z == __imag__ z ? z : COMPLEX_ZERO_WINS(x, y);
}

extern const struct ad_loops FOR_ISA(ad_loops) __attribute__((visibility("hidden")));
extern const struct ad_folds FOR_ISA(ad_folds) __attribute__((visibility("hidden")));
extern const struct ad_sorts FOR_ISA(ad_sorts) __attribute__((visibility("hidden")));
extern const struct ad_indices FOR_ISA(ad_indices) __attribute__((visibility("hidden")));
extern const struct ad_ffts FOR_ISA(ad_ffts) __attribute__((visibility("hidden")));
extern ad_position *const FOR_ISA(ad_positions)[AD_DTYPE_COUNT] __attribute__((visibility("hidden")));
extern ad_attained *const FOR_ISA(ad_attained_by)[AD_DTYPE_COUNT] __attribute__((visibility("hidden")));
extern ad_loop *const FOR_ISA(ad_casts)[AD_DTYPE_COUNT][AD_DTYPE_COUNT] __attribute__((visibility("hidden")));

/* What a loop does with one element, or with a pair of them. */
typedef void loop_step1(const char *x, char *out);
typedef void loop_step2(const char *x, const char *y, char *out);
enum { LOOP_WIDEST = sizeof(c128) };

/* The loop of a step that is known where this is called, from elements of in_size bytes to elements of out_size. */
static inline __attribute__((always_inline)) void loop1(LOOP_ARGUMENTS, int64_t in_size, int64_t out_size, loop_step1 *step)
{
    const char *a = in[0];
    if (in_stride[0] == in_size && out_stride == out_size) {
        INDEPENDENT for (int64_t i = 0; i < n; i++)
            step(a + i * in_size, out + i * out_size);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        step(in[0] + i * in_stride[0], out + i * out_stride);
}

/* The same for two operands. One element beside an array is copied, which tells compilers that no step writes to it. */
static inline __attribute__((always_inline)) void loop2(LOOP_ARGUMENTS, int64_t in_size, int64_t out_size, loop_step2 *step)
{
    const char *a = in[0], *b = in[1];
    _Alignas(LOOP_WIDEST) char number[LOOP_WIDEST];
    bool dense = out_stride == out_size && n > 1;
    if (dense && in_stride[0] == in_size && in_stride[1] == in_size) {
        INDEPENDENT for (int64_t i = 0; i < n; i++)
            step(a + i * in_size, b + i * in_size, out + i * out_size);
        return;
    }
    if (dense && in_stride[0] == in_size && in_stride[1] == 0) {
        memcpy(number, b, (size_t)in_size);
        INDEPENDENT for (int64_t i = 0; i < n; i++)
            step(a + i * in_size, number, out + i * out_size);
        return;
    }
    if (dense && in_stride[0] == 0 && in_stride[1] == in_size) {
        memcpy(number, a, (size_t)in_size);
        INDEPENDENT for (int64_t i = 0; i < n; i++)
            step(number, b + i * in_size, out + i * out_size);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        step(in[0] + i * in_stride[0], in[1] + i * in_stride[1], out + i * out_stride);
}

/* LOOP1(static, neg_f64, double, double, -x): the loop of a function of x, from T to R. */
#define LOOP1(linkage, name, T, R, expression) LOOP1_(linkage, name, T, R, expression)
#define LOOP1_(linkage, name, T, R, expression)                                                                        \
    STEP1(name##_step, T, R, expression)                                                                               \
    linkage void name(LOOP_ARGUMENTS)                                                                                  \
    {                                                                                                                  \
        loop1(n, in, in_stride, out, out_stride, sizeof(T), sizeof(R), name##_step);                                   \
    }
#define STEP1(name, T, R, expression)                                                                                  \
    static inline void name(const char *x_, char *out_)                                                                \
    {                                                                                                                  \
        T x = *(const T *)x_;                                                                                          \
        *(R *)out_ = (expression);                                                                                     \
    }

/* The same for a function of x and y. */
#define LOOP2(linkage, name, T, R, expression) LOOP2_(linkage, name, T, R, expression)
#define LOOP2_(linkage, name, T, R, expression)                                                                        \
    STEP2(name##_step, T, R, expression)                                                                               \
    linkage void name(LOOP_ARGUMENTS)                                                                                  \
    {                                                                                                                  \
        loop2(n, in, in_stride, out, out_stride, sizeof(T), sizeof(R), name##_step);                                   \
    }
#define STEP2(name, T, R, expression)                                                                                  \
    static inline void name(const char *x_, const char *y_, char *out_)                                                \
    {                                                                                                                  \
        T x = *(const T *)x_, y = *(const T *)y_;                                                                      \
        *(R *)out_ = (expression);                                                                                     \
    }

/* Loops that are compiled once, in elementwise_integer.c and elementwise_complex.c. */
#define DECLARE_LOOP(name) __attribute__((visibility("hidden"))) void name(LOOP_ARGUMENTS);
#define DECLARE_NONE(name)
#define DECLARE_INTEGERS(name) DECLARE_LOOP(ad_##name##_i64) DECLARE_LOOP(ad_##name##_i32) DECLARE_LOOP(ad_##name##_u8)
#define DECLARE_BOOLS_TOO(name) DECLARE_INTEGERS(name) DECLARE_LOOP(ad_##name##_b8)
#define DECLARE_COMPLEX(name) DECLARE_LOOP(ad_##name##_c128) DECLARE_LOOP(ad_##name##_c64)
#define LOOP(name, inputs, output, whole, complex) DECLARE_##whole(name) DECLARE_##complex(name)
#include "kernels/elementwise/elementwise.def"
#undef LOOP
DECLARE_LOOP(ad_where_1)
DECLARE_LOOP(ad_where_16)

/* special.cc */
double ad_digamma_of(double x);
double ad_polygamma_of(int order, double x);

#endif
