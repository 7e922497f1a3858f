/* What the test of loading opens: a shared object that uses the libraries, as an extension module of another language
 * does.
 *
 * Built twice: with the shared libraries behind it, and with libad.a in it. */
#include <ad/ad.h>
#ifdef WITH_TRAINING
#include <ad-nn/nn.h>
#include <hyperopt/hyperopt.h>
#endif

static ad_array *cube(ad_array *x)
{
    return ad_sum(ad_mul(x, ad_square(x)));
}

#ifdef WITH_TRAINING
static ad_array *loss(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    (void)theta, (void)iteration, (void)context;
    return adnn_squared_norm(x);
}

static ad_array *trained(ad_array *rate)
{
    hyper_training training = { .loss = loss, .iterations = 3 };
    ad_tree *x = hyper_sgd(&training, ad_tree_of("x", ad_tree_of("w", ad_ones(AD_SHAPE(2))), "alpha", rate, "beta", 0.5));
    return ad_sum(ad_tree_get(x, "w"));
}

static bool trains(void)
{
    ad_array *slope = ad_grad(trained)(ad_scalar(0.1));
    return slope && ad_item(slope) < 0;
}
#else
static bool trains(void)
{
    return true;
}
#endif

/* Large enough for the threads of the pool. */
static bool shares_work(void)
{
    return ad_item(ad_sum(ad_exp(ad_zeros(AD_SHAPE(1000000))))) == 1000000;
}

/* Leaves an array and a tape to the thread that calls. */
__attribute__((visibility("default"))) int plugin_run(void);

int plugin_run(void)
{
    ad_array *slope = ad_grad(cube)(ad_arange(3.0));
    return slope && ad_item(ad_at(slope, "2")) == 12 && trains() && shares_work() && !ad_failed();
}
