/* Which loops run on this CPU, and which dtype the elementwise functions give. */
#include "kernels/kernels.h"

extern const struct ad_loops ad_loops_baseline __attribute__((visibility("hidden")));
#ifdef __x86_64__
extern const struct ad_loops ad_loops_avx2 __attribute__((visibility("hidden")));
extern const struct ad_loops ad_loops_avx512 __attribute__((visibility("hidden")));
#endif

const struct ad_loops *ad_loops_for_this_cpu(void)
{
#ifdef __x86_64__
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        return &ad_loops_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return &ad_loops_avx2;
#endif
    return &ad_loops_baseline;
}

ad_loop *ad_cast(ad_dtype from, ad_dtype to)
{
    return ad_loops_for_this_cpu()->casts[from][to];
}

enum { SAME = AD_OUTPUT_SAME, REAL = AD_OUTPUT_REAL, BOOL = AD_OUTPUT_BOOL };

const uint8_t ad_loop_outputs[AD_LOOP_COUNT] = {
#define LOOP(name, inputs, output, ...) output,
#include "kernels/elementwise/elementwise.def"
#undef LOOP
};
