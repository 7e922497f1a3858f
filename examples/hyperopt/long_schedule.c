/* Does a schedule that was learned on short training serve long training? One for 100 iterations is learned as in
 * schedules.c, with initial scales of 1/sqrt(fan-in), and stretched to 1,000: every value is held ten times as long. It
 * competes with the best of twenty fixed learning rates for the 1,000 iterations themselves: as it is, and, since those
 * were chosen on long runs, with all its rates multiplied by the best of twenty factors.
 *
 * On the screen: training loss on fresh seeds after 1,000 iterations, and the answer. Takes a minute; --paper --data
 * DIR (784-50-50-50-10 on MNIST) five. */
#include "schedule.h"
#include <math.h>
#include <stdio.h>

enum { STRETCH = 10, LONG = STRETCH * ITERATIONS };

static ad_array *stretched(ad_array *schedule)
{
    return ad_repeat(schedule, STRETCH);
}

static ad_tree *stretch(ad_tree *hypers)
{
    return ad_tree_set_tree(hypers, "run", ad_tree_map(stretched, ad_tree_sub(hypers, "run")));
}

int main(int argc, char **argv)
{
    struct options options = { .seed = 1, .meta_iterations = 50 };
    read_options(&options, argc, argv,
                 "long_schedule: schedules learned on 100 iterations, stretched to 1,000, beside fixed learning rates.\n"
                 "Uses --out, --data (MNIST), --paper, --meta-iters (50), --runs (fixed rates that are tried, 20) and --seed.\n");

    struct task task;
    start_task(&task, hyper_sgd, &options);
    ad_key fresh = ad_random_fold_in(ad_random_key(options.seed), UINT64_MAX);
    ad_tree *scale = lecun_scale(&task, exp(-3));
    hyper_optimize_report report;
    ad_tree *learned = learn_schedule(&task, constant_hypers(&task, ITERATIONS, 1, 0.5, scale), "run/beta", false, &options, &report);
    printf("learned schedule after 100 iterations: training loss %.2e\n", loss_on_fresh_seeds(&task, learned, fresh, NULL));

    task.training.iterations = LONG;
    task.seeds = 2;
    task.every = STRETCH;
    struct factor scaled = best_factor(&task, stretch(learned), 0.2, 5, fresh), fixed = best_fixed_rate(&task, LONG, scale, fresh);
    ad_tree *hypers[] = { fixed.hypers, stretch(learned), scaled.hypers };
    double curves[4][ITERATIONS] = { 0 }, reached[3];
    for (int t = 0; t < ITERATIONS; t++)
        curves[0][t] = STRETCH * (t + 1);
    for (int i = 0; i < 3; i++)
        reached[i] = loss_on_fresh_seeds(&task, hypers[i], fresh, curves[i + 1]);
    write_results(options.out, "", "iteration,best fixed rate,stretched schedule,stretched schedule times the best factor",
                  ad_transpose(ad_from(curves[0], AD_SHAPE(4, ITERATIONS))),
                  "set title 'A schedule learned on 100 iterations, stretched to 1,000'\n"
                  "set xlabel 'iteration'\nset ylabel 'training loss, mean of fresh seeds'\n"
                  "set logscale y\nset format y '10^{%L}'\nset key inside top right vertical\n"
                  "plot DATA using 1:2 @REFERENCE, DATA using 1:3 lt 1, DATA using 1:4 lt 2");
    printf("training loss after 1,000 iterations: best fixed rate %.2e; the stretched schedule %.2e, which %s; "
           "with its rates times %.2f %.2e, which %s\n",
           reached[0], reached[1], reached[1] < reached[0] ? "still beats it" : "no longer beats it", scaled.value, reached[2],
           reached[2] < reached[0] ? "beats it" : "does not beat it");
    adnn_free(task.network);
    return 0;
}
