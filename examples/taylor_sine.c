/* The Taylor approximation of sine with its first and second derivative: an ordinary C function with a loop and an
 * early exit, differentiated twice.
 *
 * On the screen: a table of x, the approximation, its derivative, its second derivative; about sin, cos and -sin. */
#include "example.h"
#include <math.h>
#include <stdio.h>

static ad_array *fun(ad_array *x) /* Taylor approximation to sin */
{
    ad_array *curr = x, *ans = curr;
    for (int i = 0; i < 1000; i++) {
        curr = ad_div(ad_mul(ad_neg(curr), ad_pow(x, 2)), (2 * i + 3) * (2 * i + 2));
        ans = ad_add(ans, curr);
        if (fabs(ad_item(curr)) < 0.2)
            break; /* ordinary C control flow */
    }
    return ans;
}

int main(int argc, char **argv)
{
    struct options options = { 0 };
    read_options(&options, argc, argv,
                 "taylor_sine: the Taylor approximation of sine and its first two derivatives at 100 points in [-10, 10].\nUses --out.\n");

    ad_array *(*d_fun)(ad_array *) = ad_grad(fun);
    ad_array *(*dd_fun)(ad_array *) = ad_grad(d_fun);

    double table[100][4];
    printf("%10s %12s %12s %12s\n", "x", "fun", "fun'", "fun''");
    for (int i = 0; i < 100; i++) {
        AD_SCOPE; /* arrays made below are dropped at the brace */
        double v = -10 + 20.0 * i / 99;
        ad_array *x = ad_scalar(v);
        double row[4] = { v, ad_item(fun(x)), ad_item(d_fun(x)), ad_item(dd_fun(x)) };
        printf("%10.4f %12.6f %12.6f %12.6f\n", row[0], row[1], row[2], row[3]);
        for (int k = 0; k < 4; k++)
            table[i][k] = row[k];
    }
    write_results(options.out, "", "x,Taylor sine,first derivative,second derivative", ad_from(&table[0][0], AD_SHAPE(100, 4)),
                  "set title 'A loop with an early exit, differentiated twice: near sin, cos and -sin (dashed)'\nset xlabel 'x'\nset yrange [-1.3:1.3]\n"
                  "set samples 400\nplot [-10:10] sin(x) @REFERENCE notitle, cos(x) @REFERENCE notitle, -sin(x) @REFERENCE notitle, "
                  "for [k=2:4] DATA using 1:k lt k-1");
    return 0;
}
