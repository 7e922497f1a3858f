/* The scalar loop: Taylor's series of sine at x = 300, about 430 terms of five operations, against the same loop in plain C; and how the cost
 * of a gradient grows with the length of a loop. */
#include "bench.h"
#include <ad/ad.h>
#include <string.h>

static long operations;

static ad_array *taylor(ad_array *x)
{
    ad_array *curr = x, *ans = curr;
    operations = 0;
    for (int i = 0; i < 2000; i++) {
        curr = ad_div(ad_mul(ad_neg(curr), ad_pow(x, 2)), (2 * i + 3) * (2 * i + 2));
        ans = ad_add(ans, curr);
        operations += 5;
        if (fabs(ad_item(curr)) < 1e-20)
            break;
    }
    return ans;
}

static volatile double point = 300, result;

static void plain(void *unused)
{
    (void)unused;
    double x = point, curr = x, ans = curr;
    for (int i = 0; i < 2000; i++) {
        curr = -curr * (x * x) / ((2 * i + 3) * (2 * i + 2));
        ans += curr;
        if (fabs(curr) < 1e-20)
            break;
    }
    result = ans;
}

static void call(void *f)
{
    AD_SCOPE;
    ad_array *(*function)(ad_array *);
    memcpy(&function, f, sizeof function);
    result = ad_item(function(ad_scalar(point)));
}

static ad_array *trivial(ad_array *x)
{
    return ad_mul(x, x);
}

static long length;

static ad_array *long_loop(ad_array *x)
{
    ad_array *y = x;
    for (long i = 0; i < length; i++)
        y = i % 2 ? ad_sin(y) : ad_add(y, x);
    return y;
}

/* Nanoseconds per operation of the gradient of a loop of n. */
static double per_operation(struct bench *bench, long n)
{
    char name[80];
    ad_array *(*f)(ad_array *) = ad_grad(long_loop);
    length = n;
    snprintf(name, sizeof name, "libad, gradient of a loop of %ld operations", n);
    return 1e9 * bench_time(bench, name, call, &f) / (double)n;
}

int main(int argc, char **argv)
{
    struct bench bench = { 0 };
    printf("%s\n", ad_config());
    ad_array *(*f)(ad_array *) = taylor, *(*g)(ad_array *) = ad_grad(taylor), *(*h)(ad_array *) = ad_grad(g), *(*t)(ad_array *) = ad_grad(trivial);
    double c = bench_time(&bench, "plain C, value", plain, NULL);
    double value = bench_time(&bench, "libad, value", call, &f);
    double gradient = bench_time(&bench, "libad, gradient", call, &g);
    double second = bench_time(&bench, "libad, second derivative", call, &h);
    double call_of_grad = bench_time(&bench, "libad, gradient of x * x, per call", call, &t);
    double n = (double)operations, short_loop = per_operation(&bench, 1000), longer_loop = per_operation(&bench, 1000000);
    printf("\nper elementary operation: plain C %.2f ns, value %.1f ns, gradient %.1f ns, second derivative %.1f ns\n", 1e9 * c / n, 1e9 * value / n,
           1e9 * gradient / n, 1e9 * second / n);
    bench_ratio("gradient / plain C value", gradient / c, 25);
    bench_ratio("second derivative / plain C value", second / c, 80);
    bench_ratio("gradient of a trivial function, microseconds", 1e6 * call_of_grad, 1);
    bench_ratio("an operation of a loop of 1,000,000 / of 1,000", longer_loop / short_loop, 2);
    return bench_end(&bench, argc, argv);
}
