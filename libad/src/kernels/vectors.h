/* Vectors as wide as those of the instruction set. Comparing two gives integers: all bits of one say whether it is true
 * for its elements. */
#ifndef AD_VECTORS_H
#define AD_VECTORS_H

#include <stdbool.h>
#include <stdint.h>

#if defined(AD_ISA_AVX512)
#include <immintrin.h>
enum { VECTOR_BYTES = 64 };
#elif defined(AD_ISA_AVX2)
#include <immintrin.h>
enum { VECTOR_BYTES = 32 };
#else
enum { VECTOR_BYTES = 16 };
#endif

typedef int64_t vector_bits __attribute__((vector_size(VECTOR_BYTES)));

static inline bool any_set(vector_bits x)
{
#if defined(AD_ISA_AVX512)
    return _mm512_test_epi64_mask((__m512i)x, (__m512i)x) != 0;
#elif defined(AD_ISA_AVX2)
    return !_mm256_testz_si256((__m256i)x, (__m256i)x);
#else
    return (x[0] | x[1]) != 0;
#endif
}

#endif
