/* Where hypergradients stop meaning anything: the training loss after 50 iterations, and its exact derivative with
 * respect to the logarithm of the learning rate, along a line of learning rates, for five seeds. Small rates: a smooth
 * curve and a small slope. Beyond the edge of chaos the loss jumps from one rate to the next, and the slope, which is
 * still exact, is enormous and says nothing about where to go (Maclaurin, Duvenaud, Adams 2015, figure 5). Where it
 * begins depends on the seed, and single rates are calm or chaotic by chance: a median over seeds and a few
 * neighbouring rates shows both sides.
 *
 * On the screen: loss and slope in twenty bands of learning rates. Takes half a minute; --paper --data DIR (1,000 runs
 * on MNIST, 784-200-50-10, batches of 250) ten minutes. */
#include "example.h"
#include <ad-nn/nn.h>
#include <hyperopt/hyperopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXAMPLES = 1000, ITERATIONS = 50, BATCH = 250, SEEDS = 5, NEIGHBOURS = 5 };
static const double first = 0.5, last = 2.5;                /* log learning rates */
static const double calm = 1.7, calm_most = 0.1;            /* below the one, slopes are expected to be at most the other; */
static const double chaotic = 2.1, chaotic_least = 1000;    /* above, at least */

/* One row for each learning rate: its logarithm, medians of loss and |slope|, and losses and slopes of each seed. */
enum { RATE, LOSS_MEDIAN, SLOPE_MEDIAN, LOSS, SLOPE = LOSS + SEEDS, COLUMNS = SLOPE + SEEDS };
typedef double row[COLUMNS];

struct problem {
    struct digits digits;
    adnn_model *network;
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

/* All rates with one seed. */
static void follow_line(struct problem *p, uint64_t seed, int which, row *table, int64_t rates, adnn_progress *progress)
{
    AD_SCOPE;
    p->start = adnn_init(p->network, ad_random_fold_in(ad_random_key(seed), 1), AD_SHAPE(p->digits.pixels));
    for (int64_t i = 0; i < rates; i++) {
        AD_SCOPE;
        ad_array *slope, *value = ad_value_and_grad(final_loss)(ad_scalar(table[i][RATE]), p, &slope);
        table[i][LOSS + which] = ad_item(value);
        table[i][SLOPE + which] = ad_item(slope);
        adnn_progress_update(progress, which * rates + i + 1, ad_item(value));
    }
}

/* ---- what is in the table ---- */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of the absolute values of all seeds, rows `from` to `end`: the least (q = 0), the median (0.5), the greatest (1). NaN
 * if there are none. */
static double quantile(row *table, int64_t from, int64_t end, int column, double q)
{
    double *found = allocate(SEEDS * (end - from), sizeof *found);
    int64_t count = 0;
    for (int64_t i = from; i < end; i++)
        for (int s = 0; s < SEEDS; s++)
            found[count++] = fabs(table[i][column + s]);
    qsort(found, (size_t)count, sizeof *found, by_size);
    double result = count ? found[(int64_t)(q * (double)(count - 1))] : NAN;
    free(found);
    return result;
}

/* The first row whose rate is not below. */
static int64_t row_of(row *table, int64_t rates, double rate)
{
    int64_t i = 0;
    while (i < rates && table[i][RATE] < rate)
        i++;
    return i;
}

/* Medians over seeds and neighbours, fewer of these near the ends. */
static void add_medians(row *table, int64_t rates)
{
    for (int64_t i = 0; i < rates; i++) {
        int64_t reach = NEIGHBOURS / 2;
        reach = reach > i ? i : reach;
        reach = reach > rates - 1 - i ? rates - 1 - i : reach;
        table[i][LOSS_MEDIAN] = quantile(table, i - reach, i + reach + 1, LOSS, 0.5);
        table[i][SLOPE_MEDIAN] = quantile(table, i - reach, i + reach + 1, SLOPE, 0.5);
    }
}

/* How many slopes of all seeds are at least so large, of a hundred. */
static double share(row *table, int64_t from, int64_t end, double limit)
{
    int64_t count = 0;
    for (int64_t i = from; i < end; i++)
        for (int s = 0; s < SEEDS; s++)
            count += fabs(table[i][SLOPE + s]) >= limit;
    return 100 * (double)count / (double)(SEEDS * (end - from));
}

/* The rate from which on `column` is larger than the limit, at every rate; all seeds' slopes if it is SLOPE. */
static double larger_from(row *table, int64_t rates, int column, double limit)
{
    int64_t i = rates;
    while (i > 0 && (column == SLOPE ? quantile(table, i - 1, i, SLOPE, 0) : table[i - 1][column]) >= limit)
        i--;
    return i < rates ? table[i][RATE] : last;
}

static double most(row *table, int64_t from, int64_t end, int column, double sign)
{
    double found = -INFINITY;
    for (int64_t i = from; i < end; i++)
        found = fmax(found, sign * table[i][column]);
    return sign * found;
}

/* ---- what is shown ---- */

static void print_bands(row *table, int64_t rates)
{
    printf("%17s %26s %40s\n", "log learning rate", "loss: least, most", "|slope|: least, median, most");
    for (double band = first; band < last - 0.05; band += 0.1) {
        int64_t from = row_of(table, rates, band - 1e-9), end = band < last - 0.15 ? row_of(table, rates, band + 0.1 - 1e-9) : rates;
        if (from < end)
            printf("%7.1f to %4.1f    %14.2e %11.2e %16.2e %11.2e %11.2e\n", band, band + 0.1, quantile(table, from, end, LOSS, 0),
                   quantile(table, from, end, LOSS, 1), quantile(table, from, end, SLOPE, 0), quantile(table, from, end, SLOPE, 0.5),
                   quantile(table, from, end, SLOPE, 1));
    }
}

static void draw(const char *out, row *table, int64_t rates, double edge)
{
    char script[3000];
    snprintf(script, sizeof script,
             "set logscale y\nset format y '10^{%%L}'\nset grid xtics ytics\nset xrange [%g:%g]\nset lmargin 12\nset multiplot layout 2,1\n"
             "set key off\nset title 'Beyond the edge of chaos, a gradient is exact and useless'\nset ylabel 'training loss'\n"
             "set arrow 1 from %g, graph 0 to %g, graph 1 nohead lw 2 dt (12,7) lc rgb '#333333'\n"
             "set label 1 'edge of chaos' at %g, graph 0.93 right offset -0.8,0\n"
             "plot for [s=0:%d] DATA using 1:(column(%d + s)) lw 1 lc rgb FAINT(1), DATA using 1:%d lt 1 lw 3\n"
             "unset title\nunset label 1\nset key inside top left vertical reverse Left\n"
             "set xlabel 'log of the learning rate'\nset ylabel '|d loss / d log learning rate|'\nset yrange [1e-5:1e11]\n"
             "set arrow 2 from %g,%g to %g,%g nohead lw 2 lc rgb '#333333' front\nset label 2 'at most %g' at %g,%g left offset 0.8,0.7 front\n"
             "set arrow 3 from %g,%g to %g,%g nohead lw 2 lc rgb '#333333' front\nset label 3 'at least 10^{%g}' at %g,%g right offset 0,-0.8 front\n"
             "plot for [s=0:%d] DATA using 1:(abs(column(%d + s))) lw 1 lc rgb FAINT(2) notitle, NaN lw 1 lc rgb FAINT(2) title 'each of %d seeds', "
             "DATA using 1:%d lt 2 lw 3 title 'median of seeds and %d neighbouring rates'\nunset multiplot",
             first, last, edge, edge, edge, SEEDS - 1, LOSS + 1, LOSS_MEDIAN + 1, first, calm_most, calm, calm_most, calm_most, first, calm_most, chaotic,
             chaotic_least, last, chaotic_least, log10(chaotic_least), last, chaotic_least, SEEDS - 1, SLOPE + 1, SEEDS, SLOPE_MEDIAN + 1, NEIGHBOURS);
    write_results(out, "", "log learning rate,median loss,median slope,loss 1,loss 2,loss 3,loss 4,loss 5,slope 1,slope 2,slope 3,slope 4,slope 5",
                  ad_from(table[0], AD_SHAPE(rates, COLUMNS)), script);
}

static void tell(const char *out, row *table, int64_t rates)
{
    add_medians(table, rates);
    double edge = larger_from(table, rates, SLOPE_MEDIAN, 1);
    print_bands(table, rates);
    draw(out, table, rates, edge);
    int64_t before = row_of(table, rates, calm), beyond = row_of(table, rates, chaotic);
    printf("below a log learning rate of %g the running median of the slope is at most %.2g (%.0f %% of single slopes at most %g); above %g it is "
           "%.1e and more, half of all slopes above %.1e (%.0f %% at least %g); the median is at least %g from %.2f on, every slope from %.2f; chaos begins "
           "at about %.2f\n",
           calm, most(table, 0, before, SLOPE_MEDIAN, 1), 100 - share(table, 0, before, nextafter(calm_most, 1)), calm_most, chaotic,
           most(table, beyond, rates, SLOPE_MEDIAN, -1), quantile(table, beyond, rates, SLOPE, 0.5), share(table, beyond, rates, chaotic_least), chaotic_least,
           chaotic_least,
           larger_from(table, rates, SLOPE_MEDIAN, chaotic_least), larger_from(table, rates, SLOPE, chaotic_least), edge);
}

int main(int argc, char **argv)
{
    struct options options = { .seed = 1 };
    read_options(&options, argc, argv,
                 "chaos: the loss after training, and its hypergradient, against the learning rate.\n"
                 "Uses --out, --data (MNIST), --paper, --runs (learning rates, for each of five seeds: 40; with --paper 200) and --seed (the first).\n");

    int64_t rates = options.runs ? options.runs : options.paper ? 200 : 40;
    if (rates < 2) {
        fprintf(stderr, "--runs 1: a line of learning rates has at least 2\n");
        return 1;
    }
    double scale = exp(-2); /* of the initial weights and biases */
    struct problem p = { .digits = load_digits(options.data, AD_F32) };
    p.network = adnn_sequential(adnn_dense(200, .scale = scale, .bias_scale = scale, .dtype = AD_F32), adnn_tanh(),
                                adnn_dense(50, .scale = scale, .bias_scale = scale, .dtype = AD_F32), adnn_tanh(),
                                adnn_dense(10, .scale = scale, .bias_scale = scale, .dtype = AD_F32));
    p.training = (hyper_training){ .loss = batch_loss, .context = &p, .iterations = ITERATIONS };

    row *table = allocate(rates, sizeof *table);
    for (int64_t i = 0; i < rates; i++)
        table[i][RATE] = first + (last - first) * (double)i / (double)(rates - 1);
    adnn_progress progress = adnn_progress_start("training runs", SEEDS * rates);
    for (int s = 0; s < SEEDS; s++)
        follow_line(&p, options.seed + (uint64_t)s, s, table, rates, &progress);
    adnn_progress_end(&progress);
    tell(options.out, table, rates);
    free(table);
    adnn_free(p.network);
    return 0;
}
