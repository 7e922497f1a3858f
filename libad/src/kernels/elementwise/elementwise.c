/* The elementwise loops of one instruction set, in one table. Compiled once for each, with AD_ISA_AVX512 or AD_ISA_AVX2
 * defined by the build, or neither: avx512, avx2, or baseline (SSE2 on x86-64, Advanced SIMD on AArch64).
 *
 * Real functions are compiled here, for the vector length; integers and complex numbers share loops that are
 * compiled once. */
#include "kernels/loops.h"
#include <math.h>
#include <sleef.h>
#include <string.h>

#if defined(AD_ISA_AVX512)
#define ISA            "avx512"
#define SLEEF_F64(f, u) Sleef_##f##d8_##u##avx512f
#define SLEEF_F32(f, u) Sleef_##f##f16_##u##avx512f
#define FMA(a, b, c)   _mm512_fmadd_pd(a, b, c)
#define SQRT(a)        _mm512_sqrt_pd(a)
#define FLOOR(a)       _mm512_floor_pd(a)
#define EVERY_F64(mask) (_mm512_movepi64_mask((__m512i)(mask)) == 0xff)
#define EVERY_F32(mask) (_mm512_movepi32_mask((__m512i)(mask)) == 0xffff)
#define LOOKUP(table, index) _mm512_permutex2var_pd(_mm512_loadu_pd(table), (__m512i)(index), _mm512_loadu_pd((table) + 8))
enum { BYTES = 64 };
typedef __m512d vector_f64;
typedef __m512 vector_f32;
#elif defined(AD_ISA_AVX2)
#define ISA            "avx2"
#define SLEEF_F64(f, u) Sleef_##f##d4_##u##avx2
#define SLEEF_F32(f, u) Sleef_##f##f8_##u##avx2
#define FMA(a, b, c)   _mm256_fmadd_pd(a, b, c)
#define SQRT(a)        _mm256_sqrt_pd(a)
#define FLOOR(a)       _mm256_floor_pd(a)
#define EVERY_F64(mask) (_mm256_movemask_pd((__m256d)(mask)) == 0xf)
#define EVERY_F32(mask) (_mm256_movemask_ps((__m256)(mask)) == 0xff)
#define LOOKUP(table, index) _mm256_i64gather_pd(table, (__m256i)((index) & 15), 8)
enum { BYTES = 32 };
typedef __m256d vector_f64;
typedef __m256 vector_f32;
#elif defined(__x86_64__)
#define ISA            "baseline"
#define SLEEF_F64(f, u) Sleef_##f##d2_##u##sse2
#define SLEEF_F32(f, u) Sleef_##f##f4_##u##sse2
#define FMA(a, b, c)   ((a) * (b) + (c))
#define SQRT(a)        _mm_sqrt_pd(a)
#define EVERY_F64(mask) (_mm_movemask_pd((__m128d)(mask)) == 0x3)
#define EVERY_F32(mask) (_mm_movemask_ps((__m128)(mask)) == 0xf)
enum { BYTES = 16 };
typedef __m128d vector_f64;
typedef __m128 vector_f32;
#elif defined(__aarch64__)
#define ISA            "baseline"
#define SLEEF_F64(f, u) Sleef_##f##d2_##u##advsimd
#define SLEEF_F32(f, u) Sleef_##f##f4_##u##advsimd
#define FMA(a, b, c)   vfmaq_f64(c, a, b)
#define SQRT(a)        vsqrtq_f64(a)
#define EVERY_F64(mask) (vminvq_u32((uint32x4_t)(mask)) != 0)
#define EVERY_F32(mask) EVERY_F64(mask)
enum { BYTES = 16 };
typedef float64x2_t vector_f64;
typedef float32x4_t vector_f32;
#else
#error "libad needs x86-64 or AArch64"
#endif

#define T             double
#define V             vector_f64
#define LANES         (BYTES / 8)
#define NAME(x)       x##_f64
#define SLEEF(f, u)   SLEEF_F64(f, u)
#define EVERY(mask)   EVERY_F64(mask)
#define C_FUNCTION(name) name
#define SIGNED        int64_t
#define UNSIGNED      uint64_t
#define HIGHEST       INT64_MAX
#define OWN_EXPONENTIAL
#include "real.inc"
#undef OWN_EXPONENTIAL
#undef T
#undef V
#undef LANES
#undef NAME
#undef SLEEF
#undef EVERY
#undef C_FUNCTION
#undef SIGNED
#undef UNSIGNED
#undef HIGHEST

#define T             float
#define V             vector_f32
#define LANES         (BYTES / 4)
#define NAME(x)       x##_f32
#define SLEEF(f, u)   SLEEF_F32(f, u)
#define EVERY(mask)   EVERY_F32(mask)
#define C_FUNCTION(name) name##f
#define SIGNED        int32_t
#define UNSIGNED      uint32_t
#define HIGHEST       INT32_MAX
#include "real.inc"

#define LINKAGE static
#define WHERE   where_f64
#define ITEM    uint64_t
#include "where.inc"
#define LINKAGE static
#define WHERE   where_f32
#define ITEM    uint32_t
#include "where.inc"

/* The entries of a function in the table. */
#define ENTRY(name, dtype, loop) [AD_LOOP_##name][dtype] = loop,
#define NONE_OF(name)
#define REALS_OF(name)     ENTRY(name, AD_F64, name##_f64) ENTRY(name, AD_F32, name##_f32)
#define INTEGERS_OF(name)  ENTRY(name, AD_I64, ad_##name##_i64) ENTRY(name, AD_I32, ad_##name##_i32) ENTRY(name, AD_U8, ad_##name##_u8)
#define BOOLS_TOO_OF(name) INTEGERS_OF(name) ENTRY(name, AD_BOOL, ad_##name##_b8)
#define COMPLEX_OF(name)   ENTRY(name, AD_C128, ad_##name##_c128) ENTRY(name, AD_C64, ad_##name##_c64)
#define ENTRIES(name, inputs, output, whole, complex) REALS_OF(name) whole##_OF(name) complex##_OF(name)

/* A loop for one element. It has everything that a loop asks for as constants. */
#define NUMBER(name, ...)                                                                                              \
    static __attribute__((flatten)) double name##_number(double x, double y)                                           \
    {                                                                                                                  \
        double z = 0;                                                                                                  \
        name##_f64(1, (const char *const[]){ (const char *)&x, (const char *)&y }, (const int64_t[]){ sizeof x, sizeof y }, (char *)&z, sizeof z); \
        return z;                                                                                                      \
    }
#define NUMBER_ENTRY(name, ...) [AD_LOOP_##name] = name##_number,
#define NOTHING(name, ...)

#define THREE NOTHING
#define LOOP  NUMBER
#include "elementwise.def"
#undef LOOP

const struct ad_loops FOR_ISA(ad_loops) = {
    .instruction_set = ISA,
    .folds = &FOR_ISA(ad_folds),
    .sorts = &FOR_ISA(ad_sorts),
    .indices = &FOR_ISA(ad_indices),
    .ffts = &FOR_ISA(ad_ffts),
    .position = FOR_ISA(ad_positions),
    .attained = FOR_ISA(ad_attained_by),
    .casts = FOR_ISA(ad_casts),
    .loop = {
#define LOOP ENTRIES
#include "elementwise.def"
#undef LOOP
        [AD_LOOP_where][AD_C128] = ad_where_16, [AD_LOOP_where][AD_C64] = where_f64,
        [AD_LOOP_where][AD_I64] = where_f64, [AD_LOOP_where][AD_I32] = where_f32, [AD_LOOP_where][AD_U8] = ad_where_1, [AD_LOOP_where][AD_BOOL] = ad_where_1,
    },
    .number = {
#define THREE NOTHING
#define LOOP  NUMBER_ENTRY
#include "elementwise.def"
    },
};
