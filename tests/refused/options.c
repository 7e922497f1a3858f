/* Options are named; every_option.c has each function of libad. Each marked line is refused with these words; see
 * tests/ci/refused.sh. */
#include <ad-nn/nn.h>
#include <ad/ad.h>

extern ad_array *x;
extern ad_tree *t;
extern ad_key key;
void options(void);

/* refused in this file: options.are.named */
void options(void)
{
    ad_sum(x, 0); /* refused */
    ad_sum(x, 1, .keepdims = true); /* refused */
    ad_sum(x, -1); /* refused */
    ad_sum(x, AD_NO_AXIS); /* refused */
    ad_sum(x, (0)); /* refused */
    ad_transpose(x, 1, 0); /* refused */
    adnn_dense(50, ADNN_HE); /* refused */
    adnn_softmax_cross_entropy(x, x, ADNN_SUM); /* refused */
    adnn_mean_squared_error(x, x, ADNN_NONE); /* refused */
    adnn_adam(1e-3); /* refused */
    adnn_sgd(0.1); /* refused */
    adnn_rmsprop(1e-2); /* refused */
    adnn_adamw(1e-3); /* refused */
    adnn_adagrad(1e-2); /* refused */

    /* Named, and what has a place of its own. */
    ad_sum(x, .axis = 0);
    ad_sum(x, .axes = AD_AXES(0, -1), .keepdims = true);
    ad_sum(x, .axes = (ad_axes){ .count = 1, .axis = { 0 } });
    ad_sum(ad_mul(x, ad_sum(x, .axis = 0)), .where = ad_greater(x, 0), .axis = 1);
    ad_transpose(x, .axes = AD_AXES(1, 0));
    ad_linspace(0, 1, .num = 5);
    ad_pad(x, 0, .widths = AD_WIDTHS({ 1, 2 }, { 0, 3 }));
    ad_one_hot(x, 3);
    ad_random_normal(key, AD_SHAPE(2), .loc = 100.0);
    ad_check_grads(ad_sum, x, .order = 1, .numbers = { 3, 0.5 });
    adnn_dense(50, .init = ADNN_HE);
    adnn_softmax_cross_entropy(x, x);
    adnn_mean_squared_error(x, x, .reduction = ADNN_SUM);
    adnn_adam();
    adnn_adam(.step_size = 1e-2);
}
