/* Scalars: Taylor's series of sine at x = 300, about 430 terms of five operations, its value, gradient and second
 * derivative in all orders of modes, against the value in plain C; and what a call of a transformed function costs. */
#include "bench.h"
#include <math.h>
#include <string.h>

typedef ad_array *function(ad_array *);

static long operations;
static volatile double point = 300, result;
static const double small_point = 3; /* where the series has digits to compare */

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

static double plain(double x)
{
    double curr = x, ans = curr;
    for (int i = 0; i < 2000; i++) {
        curr = -curr * (x * x) / ((2 * i + 3) * (2 * i + 2));
        ans += curr;
        if (fabs(curr) < 1e-20)
            break;
    }
    return ans;
}

static void run_plain(void *unused)
{
    (void)unused;
    result = plain(point);
}

/* What a function of a scalar is to give at the small point. */
struct scalar {
    function *f;
    double expected;
};

static void run_function(void *context)
{
    AD_SCOPE;
    result = ad_item(((struct scalar *)context)->f(ad_scalar(point)));
}

static bench_sum sum_function(void *context)
{
    AD_SCOPE;
    const struct scalar *s = context;
    double found = ad_item(s->f(ad_scalar(small_point)));
    return fabs(found - s->expected) < 1e-12 ? (bench_sum){ 0, 1 } : (bench_sum){ found, 1 };
}

static bench_sum sum_as_expected(void *unused)
{
    (void)unused;
    return (bench_sum){ 0, 1 };
}

/* A derivative is checked against sine's own; its time is compared with that of the value in plain C. */
static double derivative(bench *b, const char *row, function *f, double expected, double aim)
{
    struct scalar s = { f, expected };
    bench_piece pieces[] = { { .who = "libad", .run = run_function, .sum = sum_function, .context = &s },
                             { .who = "plain C, value", .run = run_plain, .sum = sum_as_expected, .aim = aim } };
    bench_compare(b, row, 1e-12, pieces, 2);
    return pieces[0].seconds;
}

static ad_array *twice(ad_array *x)
{
    return ad_add(ad_mul(x, x), x);
}

static void run_list(void *x)
{
    AD_SCOPE;
    ad_list_of((ad_array *)x, (ad_array *)x);
}

static void run_at(void *x)
{
    AD_SCOPE;
    ad_at((ad_array *)x, "%d", 3);
}

static void nanoseconds(bench *b, const char *row, double seconds, double aim)
{
    if (seconds > 0)
        bench_figure(b, row, 1e9 * seconds, "ns", aim);
}

static void fixed_costs(bench *b)
{
    struct scalar gradient = { ad_grad(twice), 7 }, forward = { ad_deriv(twice), 7 };
    ad_array *x = bench_uniform(AD_SHAPE(10), 1);
    nanoseconds(b, "a call: ad_grad of two operations", bench_time(b, "a call of ad_grad(x * x + x)", run_function, &gradient), 250);
    nanoseconds(b, "a call: ad_deriv of two operations", bench_time(b, "a call of ad_deriv(x * x + x)", run_function, &forward), 400);
    nanoseconds(b, "a call: ad_list_of two arrays", bench_time(b, "a call of ad_list_of(x, x)", run_list, x), 40);
    nanoseconds(b, "a call: ad_at by a number", bench_time(b, "a call of ad_at(x, \"%d\", i)", run_at, x), 100);
}

int main(int argc, char **argv)
{
    bench b = bench_begin("scalar", argc, argv);
    struct scalar value = { taylor, 0 };
    derivative(&b, "Taylor's sine, value", taylor, plain(small_point), 0);
    double gradient = derivative(&b, "Taylor's sine, gradient", ad_grad(taylor), cos(small_point), 25);
    double second = derivative(&b, "Taylor's sine, second derivative, reverse over reverse", ad_grad(ad_grad(taylor)), -sin(small_point), 80);
    derivative(&b, "Taylor's sine, second derivative, forward over reverse", ad_deriv(ad_grad(taylor)), -sin(small_point), 0);
    derivative(&b, "Taylor's sine, second derivative, reverse over forward", ad_grad(ad_deriv(taylor)), -sin(small_point), 0);
    derivative(&b, "Taylor's sine, derivative, forward", ad_deriv(taylor), cos(small_point), 0);
    run_function(&value);
    nanoseconds(&b, "an operation of Taylor's sine, gradient", gradient / (double)operations, 0);
    nanoseconds(&b, "an operation of Taylor's sine, second derivative", second / (double)operations, 0);
    fixed_costs(&b);
    return bench_end(&b);
}
