/* Elementwise code, sum(tanh(2x + 1) * exp(-x * x)), value and gradient, against the same loop written by hand over libm. The same sizes in NumPy:
 * numpy_bench.py. */
#include "bench.h"
#include <ad/ad.h>

static ad_array *chain(ad_array *x)
{
    return ad_sum(ad_mul(ad_tanh(ad_add(ad_mul(x, 2), 1)), ad_exp(ad_neg(ad_mul(x, x)))));
}

struct job {
    const char *name;
    ad_array *(*f)(ad_array *), *x;
};

static volatile double result;

static void call(void *context)
{
    AD_SCOPE;
    struct job *job = context;
    ad_array *y = job->f(job->x);
    result = *(const double *)ad_data(y);
}

static ad_array *plus(ad_array *x)
{
    return ad_add(x, x);
}

static ad_array *times_two(ad_array *x)
{
    return ad_mul(x, 2);
}

static ad_array *square(ad_array *x)
{
    return ad_pow(x, 2);
}

static ad_array *power_of_a_number(ad_array *x)
{
    return ad_pow(x, 1.7);
}

static ad_array *clip(ad_array *x)
{
    return ad_clip(x, -0.5, 0.5);
}

static ad_array *power(ad_array *x)
{
    return ad_pow(x, x);
}

int main(int argc, char **argv)
{
    static const int64_t sizes[] = { 10, 1000, 100000, 1000000 };
    struct bench bench = { 0 };
    printf("%s\n", ad_config());
    for (int i = 0; i < 4; i++) {
        AD_SCOPE;
        char name[80];
        ad_array *x = ad_random_normal(ad_random_key(1), AD_SHAPE(sizes[i])), *positive = ad_add(ad_abs(x), 0.1), *small = ad_mul(x, 0.1);
        struct job jobs[] = {
            { "chain", chain, x },       { "gradient of chain", ad_grad(chain), x }, { "x + x", plus, x },
            { "2 x", times_two, x },     { "exp", ad_exp, x },                       { "tanh", ad_tanh, x },
            { "sin", ad_sin, x },        { "sqrt", ad_sqrt, positive },              { "arctan", ad_arctan, x },
            { "cosh", ad_cosh, x },      { "expm1", ad_expm1, x },                   { "arcsinh", ad_arcsinh, x },
            { "log", ad_log, positive }, { "log1p", ad_log1p, positive },            { "x ** x", power, positive },
            { "x ** 2", square, x },     { "clip", clip, x },                        { "x ** 1.7", power_of_a_number, positive },
            { "cbrt", ad_cbrt, x },      { "log10", ad_log10, positive },            { "arctanh", ad_arctanh, small },
        };
        for (int j = 0; j < (int)(sizeof jobs / sizeof *jobs); j++) {
            snprintf(name, sizeof name, "%s, n = %lld", jobs[j].name, (long long)sizes[i]);
            bench_time(&bench, name, call, &jobs[j]);
        }
    }
    return bench_end(&bench, argc, argv);
}
