/* Why exact arithmetic: a training run played backwards in floating point drifts away exponentially, in fixed point with an information buffer it
 * returns to the first bit.
 *
 * On the screen: the distance to the true trajectory, on the way back from the last iteration to the first. */
#include "example.h"
#include <ad-nn/nn.h>
#include <hyperopt/hyperopt.h>
#include <math.h>
#include <stdio.h>

enum { BATCH = 100 };

struct problem {
    struct digits digits;
    adnn_model *network;
    ad_key key;
    adnn_progress progress;
    int64_t gradients; /* computed so far */
};

static ad_array *loss(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    (void)theta;
    struct problem *p = context;
    adnn_progress_update(&p->progress, ++p->gradients, NAN);
    ad_array *batch = adnn_batch(p->key, ad_dim(p->digits.train_images, 0), BATCH, iteration);
    return adnn_softmax_cross_entropy(adnn_apply(p->network, x, ad_take(p->digits.train_images, batch, .axis = 0)),
                                      ad_take(p->digits.train_labels, batch, .axis = 0));
}

int main(int argc, char **argv)
{
    struct options options = { .iterations = 200, .seed = 1 };
    read_options(&options, argc, argv,
                 "naive_reversal: the same training run reversed in floating point and exactly.\nUses --out, --data, --iterations (200) and --seed.\n");

    struct problem p = { .digits = load_digits(options.data), .network = adnn_sequential(adnn_dense(50), adnn_tanh(), adnn_dense(10)),
                         .key = ad_random_key(options.seed) };
    hyper_report report = { 0 };
    hyper_training training = { .loss = loss, .context = &p, .iterations = options.iterations, .report = &report };
    ad_tree *start = adnn_init(p.network, ad_random_fold_in(p.key, 1), AD_SHAPE(p.digits.pixels));
    ad_tree *hypers = ad_tree_of("x", start, "alpha", 0.3, "beta", 0.9);
    /* A run forwards and one backwards, in floating point and exactly, for each of the two precisions. */
    p.progress = adnn_progress_start("gradients", 2 * (4 * options.iterations + 2));
    ad_tree *single = hyper_naive_reversal(&training, hypers, AD_F32), *twice = hyper_naive_reversal(&training, hypers, AD_F64);
    adnn_progress_end(&p.progress);

    ad_array *naive32 = ad_tree_get(single, "naive"), *naive64 = ad_tree_get(twice, "naive"), *exact = ad_tree_get(twice, "exact");
    printf("%9s %14s %14s %14s\n", "iteration", "float32", "float64", "exact");
    for (int64_t t = options.iterations; t >= 0; t -= options.iterations > 20 ? options.iterations / 20 : 1)
        printf("%9lld %14.3e %14.3e %14.3e\n", (long long)t, ad_item(ad_at(naive32, "%ld", (long)t)), ad_item(ad_at(naive64, "%ld", (long)t)),
               ad_item(ad_at(exact, "%ld", (long)t)));
    printf("the exact reversal %s; it took %.4f bits per parameter and iteration (bound %.4f)\n",
           ad_item(ad_max(exact)) == 0 ? "came back bit for bit" : "FAILED", report.bits_per_step, report.bound);

    ad_array *t = ad_astype(ad_arange(options.iterations + 1), AD_F64);
    write_results(options.out, "iteration,float32,float64,exact", ad_transpose(ad_stack(ad_list_of(t, naive32, naive64, exact))),
                  "set title 'Distance of the reversed run from the true trajectory'\nset xlabel 'iteration'\n"
                  "set ylabel 'root mean square error in x'\nset logscale y\n"
                  "set format y '10^{%L}'\nset yrange [1e-21:*]\n"
                  "plot DATA using 1:2 lw 2, DATA using 1:3 lw 2, DATA using 1:($4 == 0 ? 1e-20 : $4) lw 2 title 'exact (0, drawn at 10^{-20})'");
    adnn_free(p.network);
    return 0;
}
