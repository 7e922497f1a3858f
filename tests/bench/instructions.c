/* Calls one thing again and again, for an instruction counter: instructions CASE CALLS. compare.py runs each case twice
 * under valgrind --tool=callgrind, with two numbers of calls; what the second takes more is what its further calls
 * take. A call does STEPS steps, so that what it costs besides is little, and it is not the first: the memory that it
 * asks for is there, as in a program that calls a function more than once. */
#include <ad/ad.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 1000, SMALL = 14 };

/* Five operations a step: terms of Taylor's sine. */
static ad_array *scalars(ad_array *x)
{
    ad_array *curr = x, *ans = curr;
    for (int i = 0; i < STEPS; i++) {
        curr = ad_div(ad_mul(ad_neg(curr), ad_pow(x, 2)), (2 * i + 3) * (2 * i + 2));
        ans = ad_add(ans, curr);
    }
    return ans;
}

/* One operation a step. */
static ad_array *arrays(ad_array *x)
{
    ad_array *y = x;
    for (int i = 0; i < STEPS; i++)
        y = ad_mul(y, x);
    return ad_sum(y);
}

/* Numbers near 1, of which products stay far from the ends of the range. */
static ad_array *near_one(void)
{
    double numbers[SMALL];
    for (int i = 0; i < SMALL; i++)
        numbers[i] = 1 + 1e-6 * i;
    return ad_from(numbers, AD_SHAPE(SMALL));
}

static bool call(ad_array *(*f)(ad_array *), ad_array *x, long calls)
{
    for (long i = 0; i < calls; i++) {
        AD_SCOPE;
        if (!f(x))
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct {
        const char *name;
        ad_array *(*f)(ad_array *), *x;
    } cases[] = {
        { "scalar-value", scalars, ad_scalar(0.3) },
        { "scalar-gradient", ad_grad(scalars), ad_scalar(0.3) },
        { "scalar-second", ad_grad(ad_grad(scalars)), ad_scalar(0.3) },
        { "scalar-forward", ad_deriv(scalars), ad_scalar(0.3) },
        { "scalar-forward-over-reverse", ad_deriv(ad_grad(scalars)), ad_scalar(0.3) },
        { "array-value", arrays, near_one() },
        { "array-gradient", ad_grad(arrays), near_one() },
    };
    long calls = argc == 3 ? atol(argv[2]) : 0;
    for (size_t i = 0; calls > 0 && i < sizeof cases / sizeof *cases; i++)
        if (!strcmp(cases[i].name, argv[1]))
            return call(cases[i].f, cases[i].x, calls) ? EXIT_SUCCESS : EXIT_FAILURE;
    return EXIT_FAILURE;
}
