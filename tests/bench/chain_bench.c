/* sum(tanh(2x + 1) * exp(-x * x)), value and gradient, float64 and float32, from 10 to 10^7 elements, against one fused
 * loop over SLEEF (chain_fused.h), which is built for this very processor; and four operations on few elements. */
#include "bench.h"
#include <math.h>
#include <sleef.h>
#include <stdlib.h>
#include <string.h>

static ad_array *chain(ad_array *x)
{
    return ad_sum(ad_mul(ad_tanh(ad_add(ad_mul(x, 2), 1)), ad_exp(ad_neg(ad_mul(x, x)))));
}

static ad_array *value_of_chain(const bench_call *call)
{
    return chain(call->x);
}

static ad_array *gradient_of_chain(const bench_call *call)
{
    return ad_grad(chain)(call->x);
}

static ad_array *four_operations(const bench_call *call)
{
    ad_array *x = call->x;
    return ad_mul(ad_tanh(ad_add(ad_mul(x, 2), 1)), x);
}

#if defined __AVX512F__
#define BYTES       64
#define DOUBLE(f)   Sleef_##f##d8_u10avx512f
#define FLOAT(f)    Sleef_##f##f16_u10avx512f
#elif defined __AVX2__
#define BYTES     32
#define DOUBLE(f) Sleef_##f##d4_u10avx2
#define FLOAT(f)  Sleef_##f##f8_u10avx2
#elif defined __SSE2__
#define BYTES     16
#define DOUBLE(f) Sleef_##f##d2_u10sse2
#define FLOAT(f)  Sleef_##f##f4_u10sse2
#else
#define BYTES     16
#define DOUBLE(f) Sleef_##f##d2_u10advsimd
#define FLOAT(f)  Sleef_##f##f4_u10advsimd
#endif
typedef double doubles __attribute__((vector_size(BYTES)));
typedef float floats __attribute__((vector_size(BYTES)));

#define REAL    double
#define NAME(x) x##_f64
#define VECTOR  doubles
#define WIDTH   (BYTES / 8)
#define TANH    DOUBLE(tanh)
#define EXP     DOUBLE(exp)
#define SUM     bench_sum_values
#include "chain_fused.h"

#define REAL    float
#define NAME(x) x##_f32
#define VECTOR  floats
#define WIDTH   (BYTES / 4)
#define TANH    FLOAT(tanh)
#define EXP     FLOAT(exp)
#define SUM     bench_sum_floats
#include "chain_fused.h"

int main(int argc, char **argv)
{
    bench b = bench_begin("chain", argc, argv);
    for (int64_t n = 10; n <= 10000000; n *= 10) {
        AD_SCOPE;
        char name[60];
        ad_array *x = ad_sub(ad_mul(4, bench_uniform(AD_SHAPE(n), 1)), 2);
        snprintf(name, sizeof name, "growth: chain, float64, n = %lld", (long long)n);
        measure_f64(&b, name, x, 1e-12);
        snprintf(name, sizeof name, "growth: chain, float32, n = %lld", (long long)n);
        measure_f32(&b, name, ad_astype(x, AD_F32), 1e-5);
    }
    bench_call four = { .f = four_operations, .x = bench_uniform(AD_SHAPE(10), 1) };
    double seconds = bench_time(&b, "four operations on 10 elements", bench_run_call, &four);
    if (seconds > 0)
        bench_figure(&b, "a call: four operations on 10 elements", 1e9 * seconds, "ns", 200);
    return bench_end(&b);
}
