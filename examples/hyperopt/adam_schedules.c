/* Adam learns its own schedules: a learning rate and both momenta for every iteration, for the weights and the biases
 * of each of four layers, and the scales of the initial parameters, 2,408 numbers, by the exact gradient of the
 * training loss after training with Adam, which is reversed to the bit.
 *
 * Learning begins with the best of twenty fixed learning rates, the usual momenta 0.9 and 0.999 and initial scales of
 * 1/sqrt(fan-in). On the screen: what is reached on fresh seeds, beside the best fixed rate. Takes ten seconds; --paper
 * --data DIR (784-50-50-50-10, batches of 200 of 10,000 digits) two minutes. */
#include "schedule.h"
#include <math.h>
#include <stdio.h>

static ad_tree *adam_hypers(const struct task *task, double rate)
{
    ad_tree *beta1 = per_group(task, ITERATIONS, 0.9), *beta2 = per_group(task, ITERATIONS, 0.999);
    return ad_tree_of("run", ad_tree_of("alpha", per_group(task, ITERATIONS, rate), "beta1", beta1, "beta2", beta2), "scale", lecun_scale(task, exp(-3)));
}

int main(int argc, char **argv)
{
    struct options options = { .seed = 1, .meta_iterations = 50 };
    read_options(&options, argc, argv,
                 "adam_schedules: learns learning rates and momenta of Adam by reversing its training exactly.\n"
                 "Uses --out (also PREFIX-curves and PREFIX-beta2), --data (MNIST), --paper, --meta-iters (50), --runs (fixed rates that are tried, 20)\n"
                 "and --seed.\n");

    struct task task;
    hyper_report run = { 0 };
    start_task(&task, hyper_adam, &options);
    task.training.report = &run;
    ad_key fresh = ad_random_fold_in(ad_random_key(options.seed), UINT64_MAX);
    hyper_optimize_report report;
    struct factor best = best_factor(&task, adam_hypers(&task, 1), 1e-3, 0.1, fresh);
    ad_tree *learned = learn_schedule(&task, best.hypers, "run/beta1, run/beta2", false, &options, &report);
    bool exact = run.reversed_exactly;
    double bits = run.bits_per_step, bound = run.bound;

    double curves[3][ITERATIONS] = { 0 };
    for (int t = 0; t < ITERATIONS; t++)
        curves[0][t] = t + 1;
    double fixed = loss_on_fresh_seeds(&task, best.hypers, fresh, curves[1]), reached = loss_on_fresh_seeds(&task, learned, fresh, curves[2]);
    ad_tree *alpha = ad_tree_sub(learned, "run/alpha");
    draw_schedules(options.out, "", "Schedules that Adam learned for itself: rates and first momenta", alpha, ad_tree_sub(learned, "run/beta1"), best.value);
    draw_schedules(options.out, "-beta2", "Schedules that Adam learned for itself: rates and second momenta", alpha, ad_tree_sub(learned, "run/beta2"),
                   best.value);
    write_results(options.out, "-curves", "iteration,Adam with its best fixed rate,learned", ad_transpose(ad_from(curves[0], AD_SHAPE(3, ITERATIONS))),
                  "set title 'Adam with learned schedules against Adam with its best fixed rate'\nset xlabel 'iteration'\n"
                  "set ylabel 'training loss, mean of fresh seeds'\nset logscale y\nset key inside top right vertical\n"
                  "plot DATA using 1:2 @REFERENCE, DATA using 1:3 lt 1");
    printf("the last reversal was %s, with %.4f bits per parameter and iteration (bound %.4f)\n", exact ? "exact" : "NOT exact", bits, bound);
    printf("training loss on fresh seeds: Adam's best fixed rate (%.4f) %.4f, learned schedules %.4f, %.0f %% below\n", best.value, fixed, reached,
           100 * (1 - reached / fixed));
    adnn_free(task.network);
    return 0;
}
