/* Which version of the functions that are built for several instruction sets runs here. */
#include "arithmetic.h"

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
