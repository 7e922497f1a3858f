/* Is a hypergradient noise? The gradient of the training loss with respect to every learning rate and momentum, before
 * anything is learned: that of one run is ragged, the average over a hundred runs with other initial parameters and
 * batches is a smooth curve for each layer (Maclaurin, Duvenaud, Adams 2015, 4.1).
 *
 * On the screen: the size of the noise in one run's gradient and in the average. Takes ten seconds; --paper --data DIR
 * (784-50-50-50-10 on MNIST) a minute. */
#include "schedule.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static ad_array *loss_of_run(ad_tree *hypers, void *context)
{
    return loss_after_training(hypers, ((struct task *)context)->key, context);
}

/* In the logarithms of the learning rates and the logits of the momenta, as one vector. */
static ad_array *hypergradient(ad_tree *hypers, struct task *task)
{
    ad_tree *g = ad_tree_sub(ad_grad(loss_of_run)(hypers, task), "run");
    ad_array *alpha = ad_flatten(ad_tree_sub(hypers, "run/alpha")), *beta = ad_flatten(ad_tree_sub(hypers, "run/beta"));
    return ad_concatenate(ad_list_of(ad_mul(alpha, ad_flatten(ad_tree_sub(g, "alpha"))),
                                     ad_mul(ad_mul(beta, ad_sub(1, beta)), ad_flatten(ad_tree_sub(g, "beta")))));
}

static double size_of(ad_array *x)
{
    return sqrt(ad_item(ad_mean(ad_square(x))));
}

/* Of learning rates (first = true) or momenta: noise in percent of the average. */
static double noise_of(ad_array *gradients, bool rates)
{
    ad_array *part = ad_at(gradients, rates ? ":, :%d" : ":, %d:", GROUPS * ITERATIONS);
    return 100 * size_of(ad_std(part, .axis = 0, .ddof = 1)) / size_of(ad_mean(part, .axis = 0));
}

int main(int argc, char **argv)
{
    struct options options = { .seed = 1, .runs = 100 };
    read_options(&options, argc, argv,
                 "smoothness: the first hypergradient of a schedule, of one run and averaged over many.\n"
                 "Uses --out, --data (MNIST), --paper, --runs (100) and --seed.\n");

    if (options.runs < 2) {
        fprintf(stderr, "--runs %lld: noise cannot be told from fewer than 2 runs\n", (long long)options.runs);
        return 1;
    }
    struct task task;
    start_task(&task, hyper_sgd, &options);
    ad_tree *hypers = constant_hypers(&task, ITERATIONS, exp(-1), 0.5, per_group(&task, 0, exp(-3)));
    ad_array *gradients = ad_retain(ad_zeros(AD_SHAPE(0, 2 * GROUPS * ITERATIONS)));
    adnn_progress progress = adnn_progress_start("runs", options.runs);
    for (int64_t i = 0; i < options.runs; i++) {
        AD_SCOPE;
        task.key = ad_random_fold_in(ad_random_key(options.seed), (uint64_t)i);
        ad_assign(&gradients, ad_concatenate(ad_list_of(gradients, ad_expand_dims(hypergradient(hypers, &task), 0))));
        adnn_progress_update(&progress, i + 1, NAN);
    }
    adnn_progress_end(&progress);

    ad_array *iteration = ad_expand_dims(ad_astype(ad_arange(ITERATIONS), AD_F64), 1);
    ad_array *mean = ad_transpose(ad_reshape(ad_mean(gradients, .axis = 0), AD_SHAPE(2 * GROUPS, ITERATIONS)));
    ad_array *one = ad_transpose(ad_reshape(ad_at(gradients, "0"), AD_SHAPE(2 * GROUPS, ITERATIONS)));
    char columns[2500] = "iteration";
    for (int i = 0; i < 4 * GROUPS; i++)
        snprintf(columns + strlen(columns), sizeof columns - strlen(columns), ",%s of the %s of layer %d%s", i / GROUPS % 2 ? "momentum" : "learning rate",
                 i % 2 ? "biases" : "weights", i % GROUPS / 2 + 1, i < 2 * GROUPS ? " (average)" : " (one run)");
    write_results(options.out, "", columns, ad_concatenate(ad_list_of(iteration, mean, one), .axis = 1),
                  "set multiplot layout 2,2 title 'The first hypergradient: ragged in one run (faint), smooth on average' font ',15'\nset xrange [0:100]\n"
                  "set xzeroaxis lt 1 lw 1.5 lc rgb '#555555'\n"
                  "curves = 'for [l=0:3] DATA using 1:(column(first+16+2*l)) lw 1.2 lc rgb FAINT(l+1) notitle, "
                  "for [l=0:3] DATA using 1:(column(first+2*l)) lt l+1 title sprintf(\"layer %d\", l+1)'\n"
                  "set format y '%g'\nunset key\n"
                  "set ylabel 'd loss / d log learning rate'\nset title 'weights'\nfirst = 2\nplot @curves\n"
                  "set title 'biases'\n"
                  "first = 3\nunset ylabel\nplot @curves\n"
                  "unset key\nunset title\nset xlabel 'iteration'\nset ylabel 'd loss / d logit momentum'\nfirst = 10\n"
                  "plot @curves\nunset ylabel\nset key inside bottom left vertical Left reverse samplen 2 opaque\nfirst = 11\nplot @curves\n"
                  "unset multiplot");
    double rates = noise_of(gradients, true), momenta = noise_of(gradients, false), root = sqrt((double)options.runs);
    printf("%-30s %12s %12s\n", "noise, percent of the average", "one run", "average");
    printf("%-30s %12.0f %12.0f\n%-30s %12.0f %12.0f\n", "learning rates", rates, rates / root, "momenta", momenta, momenta / root);
    printf("averaged over %lld runs, the noise in the hypergradient falls from %.0f %% of the signal to %.0f %% (learning rates), "
           "and from %.0f %% to %.0f %% (momenta)\n",
           (long long)options.runs, rates, rates / root, momenta, momenta / root);
    ad_release(gradients);
    adnn_free(task.network);
    return 0;
}
