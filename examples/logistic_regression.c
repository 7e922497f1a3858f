/* Logistic regression by gradient descent: which of two clouds does a point belong to?
 *
 * On the screen: the loss as it falls, the accuracy, and the weights found. */
#include "example.h"
#include <stdio.h>

enum { POINTS = 200 };

/* Mean of log(1 + exp(-s z)), where s is 1 or -1. */
static ad_array *loss(ad_tree *p, ad_array *x, ad_array *s)
{
    ad_array *z = ad_add(ad_matmul(x, ad_tree_get(p, "w")), ad_tree_get(p, "b"));
    return ad_mean(ad_softplus(ad_neg(ad_mul(s, z))));
}

int main(int argc, char **argv)
{
    struct options options = { .iterations = 200, .seed = 1 };
    read_options(&options, argc, argv, "logistic_regression: two clouds of points told apart.\nUses --out, --iterations and --seed.\n");

    ad_key key = ad_random_key(options.seed);
    ad_array *s = ad_concatenate(ad_list_of(ad_ones(AD_SHAPE(POINTS / 2)), ad_full(AD_SHAPE(POINTS / 2), -1.0)));
    ad_array *x = ad_add(ad_random_normal(key, AD_SHAPE(POINTS, 2)), ad_mul(ad_expand_dims(s, 1), ad_from((double[]){ 1.2, 0.8 }, AD_SHAPE(2))));
    ad_tree *p = ad_tree_of("w", ad_zeros(AD_SHAPE(2)), "b", 0.0);
    for (int64_t i = 0; i <= options.iterations; i++) {
        ad_tree *g;
        ad_array *value = ad_value_and_grad(loss)(p, x, s, &g);
        if (i % 50 == 0)
            printf("iteration %4lld: loss %.6f\n", (long long)i, ad_item(value));
        p = ad_tree_of("w", ad_sub(ad_tree_get(p, "w"), ad_tree_get(g, "w")), "b", ad_sub(ad_tree_get(p, "b"), ad_tree_get(g, "b")));
    }
    ad_array *w = ad_tree_get(p, "w"), *b = ad_tree_get(p, "b");
    ad_array *hits = ad_equal(ad_sign(ad_add(ad_matmul(x, w), b)), s);
    printf("accuracy %.3f, w = ", ad_item(ad_mean(hits)));
    ad_print(w);

    double w0 = ad_item(ad_at(w, "0")), w1 = ad_item(ad_at(w, "1")), bias = ad_item(b);
    char script[600];
    snprintf(script, sizeof script,
             "set title 'Logistic regression: the line on which both clouds are equally likely'\nset xlabel 'x_0'\nset ylabel 'x_1'\n"
             "plot DATA using 1:($3 < 0 ? $2 : NaN) with points pt 7 lt 1 title 'cloud -1', DATA using 1:($3 > 0 ? $2 : NaN) with points pt 9 ps 1.2 lt 2 "
             "title 'cloud 1', (%g - %g*x)/%g @REFERENCE title 'found by gradient descent'", -bias, w0, w1);
    write_results(options.out, "", "x0,x1,cloud", ad_concatenate(ad_list_of(x, ad_expand_dims(s, 1)), .axis = 1), script);
    return 0;
}
