/* The choice among the functions that are built for several instruction sets, and loops that more than one file
 * needs. */
#include "arithmetic.h"

#include <xxhash.h>

#ifdef __x86_64__
static int most = HYPER_AVX512;

void hyper_limit_instruction_set(int set)
{
    most = set;
}

int hyper_instruction_set(void)
{
    int set = HYPER_BASELINE;
    if (__builtin_cpu_supports("avx2"))
        set = HYPER_AVX2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        set = HYPER_AVX512;
    return set < most ? set : most;
}
#endif

#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE void hyper_widen_body(int64_t count, const float *restrict from, double *restrict to)
{
    for (int64_t i = 0; i < count; i++)
        to[i] = from[i];
}

ALWAYS_INLINE void hyper_narrow_body(int64_t count, const double *restrict from, float *restrict to)
{
    for (int64_t i = 0; i < count; i++)
        to[i] = (float)from[i];
}

enum { SUMS = 16 };

ALWAYS_INLINE double hyper_sum_body(int64_t count, const double *restrict a, const double *b)
{
    double sums[SUMS] = { 0 }, sum = 0;
    int64_t whole = count - count % SUMS;
    for (int64_t i = 0; i < whole; i += SUMS)
        HYPER_FOR_FEW(k, SUMS)
            sums[k] += b ? a[i + k] * b[i + k] : a[i + k];
    for (int64_t i = whole; i < count; i++)
        sums[i - whole] += b ? a[i] * b[i] : a[i];
    for (int k = 0; k < SUMS; k++)
        sum += sums[k];
    return sum;
}

/* Each lane is rotated and added to. Lanes that differ before such a step differ after it. So it is enough to hash the
 * lanes at the end. */
enum { CHECKED = 16, TURN = 13 };

ALWAYS_INLINE uint64_t turned(uint64_t lane, int64_t x)
{
    return (lane << TURN | lane >> (64 - TURN)) + (uint64_t)x;
}

ALWAYS_INLINE uint64_t hyper_checksum_body(int64_t count, const int64_t *restrict x, uint64_t before)
{
    uint64_t lane[CHECKED] = { 0 };
    int64_t whole = count - count % CHECKED;
    for (int64_t i = 0; i < whole; i += CHECKED)
        HYPER_FOR_FEW(k, CHECKED)
            lane[k] = turned(lane[k], x[i + k]);
    for (int64_t i = whole; i < count; i++)
        lane[i - whole] = turned(lane[i - whole], x[i]);
    return XXH3_64bits_withSeed(lane, sizeof lane, before);
}

HYPER_VERSIONS(, void, hyper_widen, (int64_t count, const float *from, double *to), (count, from, to))
HYPER_VERSIONS(, void, hyper_narrow, (int64_t count, const double *from, float *to), (count, from, to))
HYPER_VERSIONS(, double, hyper_sum, (int64_t count, const double *a, const double *b), (count, a, b))
HYPER_VERSIONS(, uint64_t, hyper_checksum, (int64_t count, const int64_t *x, uint64_t before), (count, x, before))
