/* Conversions between integers and doubles that compilers make into vectors for every instruction set, and how a
 * function is built for several.
 *
 * All of it is exact or rounded once, so that the bits are the same on every instruction set and in every build
 * (-ffp-contract=off). The rounding mode has to be to nearest. */
#ifndef HYPER_ARITHMETIC_H
#define HYPER_ARITHMETIC_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Added to a double of less than 2^51 it leaves the nearest integer, ties to even, in the low bits. */
#define HYPER_MAGIC 0x1.8p52
#define HYPER_MAGIC_BITS INT64_C(0x4338000000000000)

static inline __attribute__((always_inline)) int64_t hyper_bits(double x)
{
    int64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline __attribute__((always_inline)) double hyper_double_of_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The nearest integer, |x| < 2^51. */
static inline __attribute__((always_inline)) double hyper_nearest(double x)
{
    return (x + HYPER_MAGIC) - HYPER_MAGIC;
}

/* The same, of any double. */
static inline __attribute__((always_inline)) double hyper_nearest_of_any(double x)
{
    return __builtin_nearbyint(x);
}

/* x 2^32 modulo 2^64, of an integer |x| < 2^51. */
static inline __attribute__((always_inline)) uint64_t hyper_upper(double x)
{
    return (uint64_t)hyper_bits(x + HYPER_MAGIC) << 32;
}

/* The nearest integer, |x| < 2^51. */
static inline __attribute__((always_inline)) int64_t hyper_integer(double x)
{
    return hyper_bits(x + HYPER_MAGIC) - HYPER_MAGIC_BITS;
}

/* The nearest integer, ties to even, as llrint. |x| < 2^63; of others it is some integer. */
static inline __attribute__((always_inline)) int64_t hyper_round(double x)
{
    double high = hyper_nearest(x * 0x1p-32), low = x - high * 0x1p32;
    return (int64_t)(hyper_upper(high) + (uint64_t)hyper_integer(low));
}

/* The halves of an integer: x = high 2^32 + low, 0 <= low < 2^32. */
static inline __attribute__((always_inline)) double hyper_high_half(int64_t x)
{
    return hyper_double_of_bits((uint64_t)x >> 32 ^ UINT64_C(0x4330000080000000)) - (0x1p52 + 0x1p31);
}

static inline __attribute__((always_inline)) double hyper_low_half(int64_t x)
{
    return hyper_double_of_bits(((uint64_t)x & UINT32_MAX) | UINT64_C(0x4330000000000000)) - 0x1p52;
}

/* The nearest double, as a cast. */
static inline __attribute__((always_inline)) double hyper_real(int64_t x)
{
    return hyper_high_half(x) * 0x1p32 + hyper_low_half(x);
}

/* The same two, as AVX-512 has instructions for them (native). */
static inline __attribute__((always_inline)) int64_t hyper_round_by(bool native, double x)
{
    return native ? (int64_t)hyper_nearest_of_any(x) : hyper_round(x);
}

static inline __attribute__((always_inline)) double hyper_real_by(bool native, int64_t x)
{
    return native ? (double)x : hyper_real(x);
}

/* The same of what a double holds with room to spare, |x| < 2^51. */
static inline __attribute__((always_inline)) double hyper_real_of_near(bool native, int64_t x)
{
    return native ? (double)x : hyper_double_of_bits((uint64_t)x + (uint64_t)HYPER_MAGIC_BITS) - HYPER_MAGIC;
}

static inline __attribute__((always_inline)) int64_t hyper_integer_by(bool native, double x)
{
    return native ? (int64_t)x : hyper_integer(x);
}

/* a b + c, where it makes no difference whether the product is rounded. */
static inline __attribute__((always_inline)) double hyper_sum_by(bool native, double a, double b, double c)
{
    return native ? __builtin_fma(a, b, c) : a * b + c;
}

/* for (int i = 0; i < count; i++), of few, that is to become vectors: gcc unrolls short loops before it looks for
 * any. */
#ifdef __clang__
#define HYPER_FOR_FEW(i, count) for (int i = 0; i < (count); i++)
#else
#define HYPER_FOR_FEW(i, count) _Pragma("GCC unroll 1") for (int i = 0; i < (count); i++)
#endif

/* Loops over vectors, built for every instruction set. The sum of a, or of its products with b, is in an order that all
 * of them follow. */
void hyper_widen(int64_t count, const float *from, double *to);
void hyper_narrow(int64_t count, const double *from, float *to);
double hyper_sum(int64_t count, const double *a, const double *b);

/* Of integers in their order, after those that gave `before`: what differs in one element has another checksum. */
uint64_t hyper_checksum(int64_t count, const int64_t *integers, uint64_t before);

/* HYPER_VERSIONS(storage, result, name, parameters, arguments): a function that calls name_body, which is
 * always_inline, in versions for several instruction sets, and uses the one for the processor it runs on. storage:
 * static, or nothing. HYPER_NATIVE_VERSIONS: the same, of a body that is told first whether conversions between
 * integers and doubles are native. */
#ifdef __x86_64__
enum { HYPER_BASELINE, HYPER_AVX2, HYPER_AVX512 };
#define HYPER_FOR_AVX512 __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl"), noinline))
#define HYPER_FOR_AVX2   __attribute__((target("avx2"), noinline))
#define HYPER_FOR_ANY    __attribute__((noinline))
#define HYPER_VERSIONS(storage, result, name, parameters, arguments)                                                   \
    HYPER_FOR_AVX512 static result name##_avx512 parameters { return name##_body arguments; }                          \
    HYPER_FOR_AVX2 static result name##_avx2 parameters { return name##_body arguments; }                              \
    HYPER_FOR_ANY static result name##_baseline parameters { return name##_body arguments; }                           \
    HYPER_CHOICE(storage, result, name, parameters, arguments)
#define HYPER_NATIVE_VERSIONS(storage, result, name, parameters, ...)                                                  \
    HYPER_FOR_AVX512 static result name##_avx512 parameters { return name##_body(true, __VA_ARGS__); }                 \
    HYPER_FOR_AVX2 static result name##_avx2 parameters { return name##_body(false, __VA_ARGS__); }                    \
    HYPER_FOR_ANY static result name##_baseline parameters { return name##_body(false, __VA_ARGS__); }                 \
    HYPER_CHOICE(storage, result, name, parameters, (__VA_ARGS__))
#define HYPER_CHOICE(storage, result, name, parameters, arguments)                                                     \
    storage result name parameters                                                                                     \
    {                                                                                                                  \
        int set = hyper_instruction_set();                                                                             \
        return set == HYPER_AVX512 ? name##_avx512 arguments : set == HYPER_AVX2 ? name##_avx2 arguments : name##_baseline arguments; \
    }

/* The largest of the processor's, but not beyond what hyper_limit_instruction_set said: tests compare them. */
int hyper_instruction_set(void);
void hyper_limit_instruction_set(int most);
#else
#define HYPER_VERSIONS(storage, result, name, parameters, arguments)                                                            \
    storage result name parameters { return name##_body arguments; }
#define HYPER_NATIVE_VERSIONS(storage, result, name, parameters, ...)                                                  \
    storage result name parameters { return name##_body(false, __VA_ARGS__); }
#endif

#endif
