/* The training run whose schedules are learned by schedules.c, smoothness.c, long_schedule.c and adam_schedules.c: a
 * network with three hidden layers of 50 tanh units (784-50-50-50-10 on MNIST), initial parameters and batches drawn
 * anew from a key each time, as in Maclaurin, Duvenaud and Adams (2015), 4.1. */
#ifndef SCHEDULE_H
#define SCHEDULE_H

#include "example.h"
#include <ad-nn/nn.h>
#include <hyperopt/hyperopt.h>

enum {
    ITERATIONS = 100,
    LAYERS = 4,
    GROUPS = 2 * LAYERS  /* a group: the weights or the biases of a layer */
};

struct task {
    ad_tree *(*descent)(const hyper_training *, ad_tree *); /* hyper_sgd or hyper_adam */
    hyper_training training;
    struct digits digits; /* float32, the mean image subtracted */
    adnn_model *network;
    ad_tree *parameters; /* any; their structure and shapes count */
    int64_t batch;
    ad_key key;    /* of the run that is made */
    int64_t rates; /* fixed ones that are tried: 20, or as --runs says */
    int seeds;     /* fresh ones, on which schedules and fixed rates are judged: 5 */
    int64_t every; /* how many iterations from one point of the curve to the next: 1 */
    double *curve; /* of the training loss; NULL: not wanted */
};

/* Keeps a pointer to the task. The caller frees the network. */
void start_task(struct task *task, ad_tree *(*descent)(const hyper_training *, ad_tree *), const struct options *options);

/* A tree of a leaf for each group: `count` times the value; one number if count is 0. */
ad_tree *per_group(const struct task *task, int64_t count, double value);

/* Standard deviations of initial weights as LeCun and others (1998) advise, 1/sqrt(fan-in), and `biases` for those of
 * the biases. */
ad_tree *lecun_scale(const struct task *task, double biases);

/* The trained parameters. The hypers: "scale", the standard deviations of the initial parameters, and "run", what the
 * descent takes beside them. */
ad_tree *train(struct task *task, ad_tree *hypers, ad_key key);

/* Mean loss over all training examples; and as a function of hypers and the key of the run, for hyper_optimize. The
 * context: the task. */
ad_array *training_loss(const struct task *task, ad_tree *x);
ad_array *loss_after_training(ad_tree *hypers, ad_key key, void *context);

/* Hypers of hyper_sgd with one learning rate and momentum for all groups, at each of so many iterations. */
ad_tree *constant_hypers(const struct task *task, int64_t iterations, double rate, double momentum, ad_tree *scale);

/* Learns a rate and momenta for every group and iteration, and the scales; momenta: their paths, "run/beta". calm: the
 * first rates are far below the best ones, and have a long way to go: the steps of Adam are 0.12 at first and fall to
 * 0. Otherwise they are of 0.04. */
ad_tree *learn_schedule(struct task *task, ad_tree *first, const char *momenta, bool calm, const struct options *options, hyper_optimize_report *report);

/* Mean over fresh seeds of the training loss after training; the curve, or NULL, gets that after every
 * `every` iterations. */
double loss_on_fresh_seeds(struct task *task, ad_tree *hypers, ad_key fresh, double *curve);

/* The best of twenty factors of the learning rates "run/alpha", evenly spaced in the logarithm, and these hypers. */
struct factor {
    double value, loss;
    ad_tree *hypers;
} best_factor(struct task *task, ad_tree *hypers, double least, double most, ad_key fresh);

/* The best of twenty fixed learning rates from 0.1 to 10 of hyper_sgd, each with the momenta 0.5 and 0.9. */
struct factor best_fixed_rate(struct task *task, int64_t iterations, ad_tree *scale, ad_key fresh);

/* Learning rates and one kind of momenta, the single values faint behind their means over neighbours, with the best
 * fixed rate. */
void draw_schedules(const char *out, const char *suffix, const char *title, ad_tree *rates, ad_tree *momenta, double fixed);

#endif
