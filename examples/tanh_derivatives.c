/* tanh and its first six derivatives: ad_elementwise_grad applied to its own result, on a whole array of points.
 *
 * On the screen: the value at 0.5 of each order. With --out: all curves on one plot. */
#include "example.h"
#include <stdio.h>

enum { POINTS = 401, ORDERS = 6 };

int main(int argc, char **argv)
{
    struct options options = { 0 };
    read_options(&options, argc, argv, "tanh_derivatives: tanh and its first six derivatives.\nUses --out.\n");

    ad_array *x = ad_linspace(-5, 5, .num = POINTS), *table = ad_expand_dims(x, 1);
    ad_array *(*f)(ad_array *) = ad_tanh;
    for (int order = 0; order <= ORDERS; order++) {
        printf("order %d at 0.5: %12.6f\n", order, ad_item(f(ad_scalar(0.5))));
        ad_array *y = f(x);
        table = ad_concatenate(ad_list_of(table, ad_expand_dims(ad_div(y, ad_max(ad_abs(y))), 1)), .axis = 1);
        f = ad_elementwise_grad(f);
    }
    write_results(options.out, "", "x,tanh,order 1,order 2,order 3,order 4,order 5,order 6", table,
                  "set title 'tanh and its first six derivatives, each divided by its largest value'\nset xlabel 'x'\nset yrange [-1.1:1.1]\n"
                  "plot [-5:5] for [k=2:8] DATA using 1:k lt k-1");
    return 0;
}
