/* Where hypergradients stop meaning anything: the training loss after 50 iterations, and its exact derivative with respect to the logarithm of the learning
 * rate, along a line of learning rates. Small rates: a smooth curve and a small slope. Beyond the edge of chaos the loss jumps from one rate to the next,
 * and the slope, which is still exact, is enormous and says nothing about where to go (Maclaurin, Duvenaud, Adams 2015, figure 5).
 *
 * On the screen: loss and slope in twenty bands of learning rates. Takes half a minute; --paper --data DIR (1,000 rates on MNIST, 784-200-50-10, batches
 * of 250) ten minutes. */
#include "example.h"
#include <ad-nn/nn.h>
#include <hyperopt/hyperopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXAMPLES = 1000, ITERATIONS = 50, BATCH = 250 };
static const double first = 0.5, last = 2.5; /* log learning rates */

struct problem {
    struct digits digits;
    adnn_model *network;
    ad_key key;
    ad_tree *start;
    hyper_training training;
};

static ad_array *loss_of(ad_tree *x, const struct problem *p, ad_array *examples)
{
    return adnn_softmax_cross_entropy(adnn_apply(p->network, x, ad_take(p->digits.train_images, examples, .axis = 0)),
                                      ad_take(p->digits.train_labels, examples, .axis = 0));
}

static ad_array *batch_loss(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    (void)theta;
    const struct problem *p = context;
    int64_t start = iteration * BATCH % EXAMPLES;
    return loss_of(x, p, ad_arange(start, start + BATCH));
}

static ad_array *final_loss(ad_array *log_alpha, void *context)
{
    const struct problem *p = context;
    ad_tree *x = hyper_sgd(&p->training, ad_tree_of("x", p->start, "alpha", ad_exp(log_alpha), "beta", 0.9));
    return loss_of(x, p, ad_arange(EXAMPLES));
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of a column's absolute values at log learning rates in [from, to): the least (q = 0), the median (0.5), the greatest (1). NaN if there are none. */
static double quantile(double (*table)[3], int64_t runs, double from, double to, int column, double q)
{
    double *found = allocate(runs, sizeof *found);
    int64_t count = 0;
    for (int64_t i = 0; i < runs; i++)
        if (table[i][0] >= from && table[i][0] < to + (to == last))
            found[count++] = fabs(table[i][column]);
    qsort(found, (size_t)count, sizeof *found, by_size);
    double result = count ? found[(int64_t)(q * (double)(count - 1))] : NAN;
    free(found);
    return result;
}

int main(int argc, char **argv)
{
    struct options options = { .seed = 1 };
    read_options(&options, argc, argv,
                 "chaos: the loss after training, and its hypergradient, against the learning rate.\n"
                 "Uses --out, --data (MNIST), --paper, --runs (learning rates: 200; with --paper 1000) and --seed.\n");

    int64_t runs = options.runs ? options.runs : options.paper ? 1000 : 200;
    if (runs < 2) {
        fprintf(stderr, "--runs 1: a line of learning rates has at least 2\n");
        return 1;
    }
    double scale = exp(-2); /* of the initial weights and biases */
    struct problem p = { .digits = load_digits(options.data, AD_F32), .key = ad_random_key(options.seed) };
    p.network = adnn_sequential(adnn_dense(200, .scale = scale, .bias_scale = scale, .dtype = AD_F32), adnn_tanh(),
                                adnn_dense(50, .scale = scale, .bias_scale = scale, .dtype = AD_F32), adnn_tanh(),
                                adnn_dense(10, .scale = scale, .bias_scale = scale, .dtype = AD_F32));
    p.start = adnn_init(p.network, ad_random_fold_in(p.key, 1), AD_SHAPE(p.digits.pixels));
    p.training = (hyper_training){ .loss = batch_loss, .context = &p, .iterations = ITERATIONS };

    double(*table)[3] = allocate(runs, sizeof *table);
    adnn_progress progress = adnn_progress_start("learning rates", runs);
    for (int64_t i = 0; i < runs; i++) {
        AD_SCOPE;
        ad_array *slope, *log_alpha = ad_scalar(first + (last - first) * (double)i / (double)(runs - 1));
        ad_array *value = ad_value_and_grad(final_loss)(log_alpha, &p, &slope);
        memcpy(table[i], (double[]){ ad_item(log_alpha), ad_item(value), ad_item(slope) }, sizeof table[i]);
        adnn_progress_update(&progress, i + 1, ad_item(value));
    }
    adnn_progress_end(&progress);

    /* Where slopes are larger than 1 from then on, at most rates. */
    double edge = last;
    while (edge > first && !(quantile(table, runs, edge - 0.1, edge, 2, 0.5) < 1))
        edge -= 0.02;
    printf("%17s %26s %40s\n", "log learning rate", "loss: least, most", "|slope|: least, median, most");
    for (double band = first; band < last - 0.05; band += 0.1)
        if (!isnan(quantile(table, runs, band, band + 0.1, 1, 0)))
            printf("%7.1f to %4.1f    %14.2e %11.2e %16.2e %11.2e %11.2e\n", band, band + 0.1, quantile(table, runs, band, band + 0.1, 1, 0),
                   quantile(table, runs, band, band + 0.1, 1, 1), quantile(table, runs, band, band + 0.1, 2, 0),
                   quantile(table, runs, band, band + 0.1, 2, 0.5), quantile(table, runs, band, band + 0.1, 2, 1));
    char script[2000];
    snprintf(script, sizeof script,
             "set logscale y\nset format y '10^{%%L}'\nset grid xtics ytics\nset xrange [%g:%g]\nunset key\nset lmargin 12\nset multiplot layout 2,1\n"
             "set title 'Beyond the edge of chaos, a gradient is exact and useless'\nset ylabel 'training loss'\n"
             "set arrow 1 from %g, graph 0 to %g, graph 1 nohead lw 2 dt (12,7) lc rgb '#333333'\n"
             "set label 1 'edge of chaos' at %g, graph 0.93 right offset -0.8,0\n"
             "plot DATA using 1:2 lw 1 lc rgb FAINT(1), DATA using 1:2 with points pt 7 ps 0.4 lt 1\n"
             "unset title\nunset label 1\nset xlabel 'log of the learning rate'\nset ylabel '|d loss / d log learning rate|'\n"
             "plot DATA using 1:(abs($3)) lw 1 lc rgb FAINT(2), DATA using 1:(abs($3)) with points pt 7 ps 0.4 lt 2\nunset multiplot",
             first, last, edge, edge, edge);
    write_results(options.out, "", "log learning rate,training loss after 50 iterations,d loss / d log learning rate",
                  ad_from(table[0], AD_SHAPE(runs, 3)), script);
    printf("below a log learning rate of 1.7 the slope is at most %.2g (median %.2g); above 2.1 at most %.1e (median %.1e); chaos begins at about %.2f\n",
           quantile(table, runs, first, 1.7, 2, 1), quantile(table, runs, first, 1.7, 2, 0.5), quantile(table, runs, 2.1, last, 2, 1),
           quantile(table, runs, 2.1, last, 2, 0.5), edge);
    free(table);
    adnn_free(p.network);
    return 0;
}
