/* Learning how to learn: a learning rate and a momentum for every iteration, for the weights and the biases of each of
 * four layers, and the scales of the initial parameters, 1,608 numbers, by the exact gradient of the training loss
 * after training (Maclaurin, Duvenaud, Adams 2015, section 4.1).
 *
 * It is done twice: from where the paper began, and from initial scales of 1/sqrt(fan-in), with which fixed learning
 * rates are harder to beat. On the screen: what is reached on fresh seeds, beside the best fixed rates. Takes half a
 * minute; --paper --data DIR (784-50-50-50-10, batches of 200 of 10,000 digits) a few minutes. */
#include "schedule.h"
#include <math.h>
#include <stdio.h>

static void draw_meta_curve(const char *out, ad_array *losses, double fixed)
{
    char script[1000];
    snprintf(script, sizeof script,
             "set title 'Following the hypergradient of the schedule'\nset xlabel 'meta-iteration'\nset ylabel 'training loss after training'\nset logscale y\n"
             "set key inside top right vertical\nplot DATA using 1:2 lw 1.5 lc rgb FAINT(1) title 'with a new seed each', "
             "DATA using 1:3 lt 1 title 'running mean', %g @REFERENCE title 'best fixed rate'", fixed);
    ad_array *iteration = ad_astype(ad_arange(ad_size(losses)), AD_F64);
    write_results(out, "-meta", "meta-iteration,training loss,running mean",
                  ad_transpose(ad_stack(ad_list_of(iteration, losses, running_mean(losses, 5)))), script);
}

static void draw_scales(const char *out, ad_tree *learned, ad_tree *advised)
{
    ad_array *group = ad_astype(ad_arange(GROUPS), AD_F64);
    write_results(out, "-scales", "group,learned,advised", ad_transpose(ad_stack(ad_list_of(group, ad_flatten(learned), ad_flatten(advised)))),
                  "set title 'Learned scales of initial values, beside 1/sqrt(fan-in)'\n"
                  "set ylabel 'standard deviation of initial values'\nset logscale y\n"
                  "set xrange [-0.6:7.6]\nset xtics ('weights 1' 0, 'biases 1' 1, 'weights 2' 2, 'biases 2' 3, 'weights 3' 4, 'biases 3' 5, 'weights 4' 6, "
                  "'biases 4' 7)\nplot exp(-3) @REFERENCE title 'where learning began, e^{-3}', "
                  "DATA every 2 using 1:3:(0.35) with xerrorbars pt -1 lw 3 lt 2 title '1/sqrt(fan-in)', "
                  "DATA using 1:2 with points pt 7 ps 2.2 lt 1 title 'learned'");
}

int main(int argc, char **argv)
{
    struct options options = { .seed = 1, .meta_iterations = 50 };
    read_options(&options, argc, argv,
                 "schedules: learns learning rates, momenta and initial scales by reversing training exactly.\n"
                 "Uses --out (also PREFIX-advised, -curves, -meta and -scales), --data (MNIST), --paper, --meta-iters (50), --runs (fixed rates that are\n"
                 "tried, 20) and --seed.\n");

    struct task task;
    start_task(&task, hyper_sgd, &options);
    ad_key fresh = ad_random_fold_in(ad_random_key(options.seed), UINT64_MAX);
    ad_tree *start = per_group(&task, 0, exp(-3)), *advised = lecun_scale(&task, exp(-3)), *hypers[5];
    hyper_optimize_report report, unused;
    struct factor best = best_fixed_rate(&task, ITERATIONS, start, fresh), better = best_fixed_rate(&task, ITERATIONS, advised, fresh);
    hypers[0] = constant_hypers(&task, ITERATIONS, exp(-1), 0.5, start);
    hypers[1] = best.hypers;
    hypers[2] = learn_schedule(&task, hypers[0], "run/beta", true, &options, &report);
    hypers[3] = better.hypers;
    hypers[4] = learn_schedule(&task, constant_hypers(&task, ITERATIONS, 1, 0.5, advised), "run/beta", false, &options, &unused);

    double curves[6][ITERATIONS] = { 0 }, reached[5];
    for (int t = 0; t < ITERATIONS; t++)
        curves[0][t] = t + 1;
    for (int i = 0; i < 5; i++)
        reached[i] = loss_on_fresh_seeds(&task, hypers[i], fresh, curves[i + 1]);
    draw_schedules(options.out, "", "Learned: the top layer is fast early, and at the end all rates fall",
                   ad_tree_sub(hypers[2], "run/alpha"), ad_tree_sub(hypers[2], "run/beta"), best.value);
    draw_schedules(options.out, "-advised", "Learned from initial scales of 1/sqrt(fan-in) on",
                   ad_tree_sub(hypers[4], "run/alpha"), ad_tree_sub(hypers[4], "run/beta"), better.value);
    draw_meta_curve(options.out, report.losses, best.loss);
    draw_scales(options.out, ad_tree_sub(hypers[2], "scale"), advised);
    write_results(options.out, "-curves", "iteration,first schedule,best fixed rate,learned,best fixed rate (good scales),learned (good scales)",
                  ad_transpose(ad_from(curves[0], AD_SHAPE(6, ITERATIONS))),
                  "set title 'Learned schedules against the best fixed rates, on fresh seeds'\nset xlabel 'iteration'\n"
                  "set ylabel 'training loss'\n"
                  "set logscale y\nset key inside top right vertical\nplot DATA using 1:2 lt 7, DATA using 1:3 lt 1 dt (12,7), DATA using 1:4 lt 1, "
                  "DATA using 1:5 lt 2 dt (12,7), DATA using 1:6 lt 2");
    printf("training loss on fresh seeds, first schedule %.3f: learned %.3f, %.0f %% below the best fixed rate (%.3f); "
           "learned with good initial scales: %.3f, %.0f %% below the best fixed rate with these (%.3f)\n",
           reached[0], reached[2], 100 * (1 - reached[2] / best.loss), best.loss, reached[4], 100 * (1 - reached[4] / better.loss), better.loss);
    adnn_free(task.network);
    return 0;
}
