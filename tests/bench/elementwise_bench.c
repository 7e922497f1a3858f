/* Elementwise functions of arrays in float64, a row for each function and size; NumPy's are in numpy_peer.py. */
#include "bench.h"
#include <stdio.h>

/* A function of one array, of numbers that it is defined for: of any, above 0.1, between -0.1 and 0.1. */
#define FUNCTIONS(ROW)                                                                                                                                     \
    ROW("x + x", ad_add(x, x), ANY) ROW("2 x", ad_mul(x, 2), ANY) ROW("exp", ad_exp(x), ANY) ROW("tanh", ad_tanh(x), ANY) ROW("sin", ad_sin(x), ANY)       \
    ROW("sqrt", ad_sqrt(x), POSITIVE) ROW("arctan", ad_arctan(x), ANY) ROW("cosh", ad_cosh(x), ANY) ROW("expm1", ad_expm1(x), ANY)                         \
    ROW("arcsinh", ad_arcsinh(x), ANY) ROW("log", ad_log(x), POSITIVE) ROW("log1p", ad_log1p(x), POSITIVE) ROW("x ** x", ad_pow(x, x), POSITIVE)           \
    ROW("x ** 2", ad_pow(x, 2), ANY) ROW("clip", ad_clip(x, -0.5, 0.5), ANY) ROW("x ** 1.7", ad_pow(x, 1.7), POSITIVE) ROW("cbrt", ad_cbrt(x), ANY)        \
    ROW("x ** 0.5", ad_pow(x, 0.5), POSITIVE) ROW("log10", ad_log10(x), POSITIVE) ROW("arctanh", ad_arctanh(x), SMALL)                                     \
    ROW("x > 0 ? x : 1 / x", ad_where(ad_greater(x, 0), x, ad_div(1, x)), ANY)
enum { ANY, POSITIVE, SMALL, DOMAINS };

static ad_array *apply(const bench_call *call)
{
    ad_array *x = call->x;
    int64_t which = 0;
#define CASE(name, value, domain) \
    if (call->n == which++)       \
        return value;
    FUNCTIONS(CASE)
    return NULL;
}

int main(int argc, char **argv)
{
#define NAMED(name, value, domain) { name, domain },
    static const struct {
        const char *name;
        int domain;
    } functions[] = { FUNCTIONS(NAMED) };
    static const int64_t sizes[] = { 10, 1000, 100000, 1000000 };
    bench b = bench_begin("elementwise", argc, argv);
    for (int i = 0; i < 4; i++) {
        AD_SCOPE;
        ad_array *x = ad_mul(4, ad_sub(bench_uniform(AD_SHAPE(sizes[i]), 1), 0.5));
        ad_array *of_domain[DOMAINS] = { x, ad_add(ad_abs(x), 0.1), ad_mul(x, 0.05) };
        for (int64_t f = 0; f < (int64_t)(sizeof functions / sizeof *functions); f++) {
            char row[80];
            snprintf(row, sizeof row, "%s, n = %lld", functions[f].name, (long long)sizes[i]);
            bench_call call = { .f = apply, .x = of_domain[functions[f].domain], .n = f };
            bench_compare(&b, row, 1e-14, &(bench_piece)BENCH_LIBAD(&call), 1);
        }
    }
    return bench_end(&b);
}
