/* Does one thing many times, for an instruction counter: instructions CASE COUNT. compare.py runs each case twice under valgrind --tool=callgrind, with two
 * counts; what the second takes more is what the steps take. */
#include <ad/ad.h>
#include <stdlib.h>
#include <string.h>

static long count;

/* Five operations a step: terms of Taylor's sine. */
static ad_array *scalars(ad_array *x)
{
    ad_array *curr = x, *ans = curr;
    for (long i = 0; i < count; i++) {
        curr = ad_div(ad_mul(ad_neg(curr), ad_pow(x, 2)), (2 * i + 3) * (2 * i + 2));
        ans = ad_add(ans, curr);
    }
    return ans;
}

/* One operation a step. */
static ad_array *arrays(ad_array *x)
{
    ad_array *y = x;
    for (long i = 0; i < count; i++)
        y = ad_mul(y, x);
    return ad_sum(y);
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
        { "array-value", arrays, ad_full(AD_SHAPE(14), 0.3) },
        { "array-gradient", ad_grad(arrays), ad_full(AD_SHAPE(14), 0.3) },
    };
    count = argc == 3 ? atol(argv[2]) : 0;
    for (size_t i = 0; count > 0 && i < sizeof cases / sizeof *cases; i++)
        if (!strcmp(cases[i].name, argv[1]))
            return cases[i].f(cases[i].x) ? EXIT_SUCCESS : EXIT_FAILURE;
    return EXIT_FAILURE;
}
