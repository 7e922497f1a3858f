/* Why exact arithmetic: a training run played backwards in floating point drifts away exponentially; in fixed point,
 * with the digits that the momentum takes away kept in an information buffer, it returns to the first bit. And what the
 * buffer takes: log2(1/momentum) bits per parameter and iteration, which no buffer can undercut.
 *
 * On the screen: the distance to the true trajectory, on the way back from the last iteration to the first; then bits
 * against the bound. Takes a few seconds; --paper --data DIR (784-50-50-50-10 on MNIST) half a minute. */
#include "example.h"
#include <ad-nn/nn.h>
#include <hyperopt/hyperopt.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct problem {
    struct digits digits;
    adnn_model *network;
    ad_key key;
    int64_t batch;
    adnn_progress progress;
    int64_t gradients; /* computed so far */
};

static ad_array *loss(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    (void)theta;
    struct problem *p = context;
    adnn_progress_update(&p->progress, ++p->gradients, NAN);
    ad_array *batch = adnn_batch(p->key, ad_dim(p->digits.train_images, 0), p->batch, iteration);
    return adnn_softmax_cross_entropy(adnn_apply(p->network, x, ad_take(p->digits.train_images, batch, .axis = 0)),
                                      ad_take(p->digits.train_labels, batch, .axis = 0));
}

int main(int argc, char **argv)
{
    struct options options = { .seed = 1 };
    read_options(&options, argc, argv,
                 "reversal: the same training run reversed in floating point and exactly, and the bits that this takes.\n"
                 "Uses --out (also PREFIX-bits.csv and .png), --data (MNIST), --paper, --iterations (400) and --seed.\n");

    int64_t iterations = options.iterations ? options.iterations : 400;
    struct problem p = { .digits = load_digits(options.data, AD_F32), .key = ad_random_key(options.seed), .batch = options.paper ? 200 : 100 };
    p.network = options.paper ? adnn_sequential(adnn_dense(50), adnn_tanh(), adnn_dense(50), adnn_tanh(), adnn_dense(50), adnn_tanh(), adnn_dense(10))
                              : adnn_sequential(adnn_dense(50), adnn_tanh(), adnn_dense(10));
    ad_tree *start = adnn_init(p.network, ad_random_fold_in(p.key, 1), AD_SHAPE(p.digits.pixels));
    hyper_report report = { 0 };
    hyper_training training = { .loss = loss, .context = &p, .iterations = iterations, .report = &report };

    /* A run forwards and one backwards, in floating point and exactly, for each precision and each momentum below. */
    static const double momenta[] = { 0.5, 0.7, 0.8, 0.9, 0.95, 0.98 };
    enum { MOMENTA = sizeof momenta / sizeof *momenta };
    int64_t short_run = iterations < 50 ? iterations : 50;
    p.progress = adnn_progress_start("gradients", 2 * (4 * iterations + 2) + MOMENTA * (4 * short_run + 2));
    ad_tree *hypers = ad_tree_of("x", start, "alpha", 0.3, "beta", 0.9);
    ad_tree *single = hyper_naive_reversal(&training, hypers, AD_F32), *twice = hyper_naive_reversal(&training, hypers, AD_F64);
    ad_array *naive32 = ad_tree_get(single, "naive"), *naive64 = ad_tree_get(twice, "naive"), *exact = ad_tree_get(twice, "exact");

    training.iterations = short_run;
    double bits[MOMENTA][3];
    for (int i = 0; i < MOMENTA; i++) {
        AD_SCOPE;
        hyper_naive_reversal(&training, ad_tree_of("x", start, "alpha", 0.3, "beta", momenta[i]), AD_F64);
        memcpy(bits[i], (double[]){ momenta[i], report.bits_per_step, log2(1 / momenta[i]) }, sizeof bits[i]);
    }
    adnn_progress_end(&p.progress);

    printf("%10s %14s %14s %14s\n", "steps back", "float32", "float64", "exact");
    for (int64_t back = 0; back <= iterations; back += iterations > 20 ? iterations / 20 : 1) {
        long t = (long)(iterations - back);
        printf("%10lld %14.3e %14.3e %14.3e\n", (long long)back, ad_item(ad_at(naive32, "%ld", t)), ad_item(ad_at(naive64, "%ld", t)),
               ad_item(ad_at(exact, "%ld", t)));
    }
    printf("%10s %14s %14s\n", "momentum", "bits", "bound");
    for (int i = 0; i < MOMENTA; i++)
        printf("%10g %14.4f %14.4f\n", bits[i][0], bits[i][1], bits[i][2]);

    ad_array *back = ad_astype(ad_arange(iterations, -1, -1), AD_F64);
    write_results(options.out, "", "steps back,float32,float64,exact", ad_transpose(ad_stack(ad_list_of(back, naive32, naive64, exact))),
                  "set title 'In floating point, reversed training drifts away exponentially; exact reversal does not'\n"
                  "set xlabel 'steps taken back'\nset ylabel 'distance to where training was (rms)'\nset logscale y\nset format y '10^{%L}'\n"
                  "set yrange [1e-21:1e10]\nunset mytics\nset ytics add ('exactly 0' 1e-20)\nunset key\nset rmargin 12\n"
                  "shown(d) = d > 1e-19 ? (d < 1e10 ? d : 1e10) : NaN\n"
                  "plot DATA using 1:(shown($2)), DATA using 1:(shown($3)), DATA using 1:($4 == 0 ? 1e-20 : $4) lw 5, for [k=2:3] DATA every ::0::0 using "
                  "1:(shown(column(k))):(columnhead(k)) with labels left offset 0.6,0 tc lt k-1, DATA every ::0::0 using 1:(1e-20):('exact') with labels left "
                  "offset 0.6,0 tc lt 3");
    write_results(options.out, "-bits", "momentum,bits per parameter and iteration,bound log2(1/momentum)", ad_from(bits[0], AD_SHAPE(MOMENTA, 3)),
                  "set title 'The information buffer takes what theory says it must'\nset xlabel 'momentum'\nset ylabel 'bits per parameter and iteration'\n"
                  "set yrange [0:1.1]\nset xrange [0.45:1]\nset samples 400\nplot -log(x) / log(2) @REFERENCE title 'bound: log_2(1/momentum)', "
                  "DATA using 1:2 with points pt 7 ps 1.8 lt 1 title 'measured', "
                  "DATA using 1:($2 + 0.05):(sprintf('%.3f', $2)) with labels left offset 0.5,0 notitle");

    bool came_back = ad_item(ad_max(exact)) == 0;
    printf("reversed over %lld steps: float32 is off by %.1e, float64 by %.1e, exact by %s; "
           "%.4f bits per parameter and iteration at momentum 0.9, the bound is %.4f\n",
           (long long)iterations, ad_item(ad_at(naive32, "0")), ad_item(ad_at(naive64, "0")), came_back ? "0" : "something: IT FAILED", bits[3][1],
           bits[3][2]);
    adnn_free(p.network);
    return 0;
}
