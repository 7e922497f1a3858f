/* A program outside the project that uses all three libraries: one training run, differentiated, and its learning rate
 * learned. */
#include <ad-nn/nn.h>
#include <hyperopt/hyperopt.h>
#include <stdio.h>
#include <string.h>

static ad_array *loss(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    (void)theta, (void)iteration, (void)context;
    return adnn_squared_norm(x);
}

static const hyper_training training = { .loss = loss, .iterations = 10 };

static ad_array *trained_loss(ad_tree *hypers)
{
    return adnn_squared_norm(hyper_sgd(&training, hypers));
}

static ad_array *meta_loss(ad_tree *hypers, ad_key key, void *context)
{
    (void)key, (void)context;
    return trained_loss(hypers);
}

int main(void)
{
    AD_SCOPE;
    ad_tree *hypers = ad_tree_of("x", ad_list_of(ad_ones(AD_SHAPE(3))), "alpha", 0.1, "beta", 0.5);
    ad_tree *gradient = ad_grad(trained_loss)(hypers);
    ad_tree *learned = hyper_optimize(meta_loss, hypers, .iterations = 10, .log = "alpha", .fixed = "x, beta");
    printf("libad %s (headers %s): %g, %g\n", ad_version(), AD_VERSION, ad_item(ad_tree_get(gradient, "alpha")), ad_item(ad_tree_get(learned, "alpha")));
    if (ad_failed())
        fprintf(stderr, "%s\n", ad_error_message());
    return ad_failed() || strcmp(ad_version(), AD_VERSION) != 0;
}
