/* A program outside the project: the first one of the README, with macros and options. */
#include <ad/ad.h>
#include <math.h>
#include <stdio.h>

static ad_array *fun(ad_array *x) /* Taylor approximation to sin */
{
    ad_array *curr = x, *ans = curr;
    for (int i = 0; i < 1000; i++) {
        curr = ad_div(ad_mul(ad_neg(curr), ad_pow(x, 2)), (2 * i + 3) * (2 * i + 2));
        ans = ad_add(ans, curr);
        if (fabs(ad_item(curr)) < 1e-12)
            break; /* ordinary C control flow */
    }
    return ans;
}

static ad_array *mean_square(ad_array *x, ad_array *y)
{
    return ad_mean(ad_square(ad_sum(ad_mul(x, y), .axis = 0, .keepdims = true)));
}

int main(void)
{
    ad_array *(*d_fun)(ad_array *) = ad_grad(fun);
    ad_array *(*dd_fun)(ad_array *) = ad_grad(d_fun);
    AD_SCOPE;
    ad_array *x = ad_scalar(0.5);
    double value = ad_item(fun(x)), first = ad_item(d_fun(x)), second = ad_item(dd_fun(x));
    ad_array *g = ad_grad(mean_square, 1)(ad_ones(AD_SHAPE(2, 3)), ad_ones(AD_SHAPE(2, 3)));
    printf("%g %g %g %g, %d operations\n", value, first, second, ad_item(ad_sum(g)), ad_operation_count());
    if (ad_failed())
        fprintf(stderr, "%s\n", ad_error_message());
    return ad_failed() || fabs(value - sin(0.5)) > 1e-12 || fabs(first - cos(0.5)) > 1e-11 || fabs(second + sin(0.5)) > 1e-9 ||
           fabs(ad_item(ad_sum(g)) - 8) > 1e-12;
}
