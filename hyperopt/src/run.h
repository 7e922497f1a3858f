/* The whole interface between the files of hyperopt.
 *
 * A run is one call of hyper_sgd: the hyperparameters as constants, the integer state of the descent, and what is needed to
 * play it backwards. Parameters of all leaves of x stand one after the other in plain vectors of `count` elements, leaf k from
 * leaf[k].start on. A reverse pass uses the final state up, as a failure does: the
 * next one runs forward again, from the hyperparameters. */
#ifndef HYPER_RUN_H
#define HYPER_RUN_H

#include "bit_buffer.h"
#include "fixed_point.h"
#include "hyperopt/hyperopt.h"

/* One entry of hypers, and the positions of its leaves among all leaves of hypers. */
typedef struct hyper_part {
    bool given;
    ad_tree *tree; /* NULL for an array; part of run->hypers */
    int first, count;
} hyper_part;

/* A learning rate or momentum of one leaf of x: a view of the array's values along time and the leaf's axes. */
typedef struct hyper_schedule {
    int input;         /* which leaf of hypers it is */
    const double *value;
    bool shared;       /* by all elements of the leaf: only time counts */
    int64_t time_stride, stride[AD_MAX_NDIM];
} hyper_schedule;

typedef struct hyper_leaf {
    char *path;
    ad_shape shape;
    ad_dtype dtype;
    int64_t start, size;
    hyper_schedule alpha, beta;
    int64_t alpha_stride, beta_stride; /* of this iteration's values: 0 where one serves all elements, else 1 */
} hyper_leaf;

typedef struct hyper_run {
    _Atomic int references;
    hyper_training training;
    ad_tree *hypers;             /* constants; retained */
    ad_tree *no_theta;           /* empty, where theta is not given; retained */
    hyper_part x_part, v_part, alpha_part, beta_part, theta_part;
    int inputs;                  /* leaves of hypers */
    ad_array **input;            /* these; part of run->hypers */
    ad_array **few;              /* scratch: room for the leaves of a tree like x or theta */
    double **values;             /* float64, of the inputs that are schedules; else NULL */

    int leaves;
    hyper_leaf *leaf;
    int64_t count;

    bool finished;               /* the state is that after the last iteration */
    int64_t *position, *velocity, *increment;
    double *gradient, *alpha, *real; /* of one iteration; real is scratch */
    uint32_t *beta;                  /* numerators */
    hyper_bit_buffer *buffer;
    uint64_t *checksum;          /* of every iteration's gradient */
    int64_t *trajectory;         /* x_t, v_t of every t <= T; NULL unless stored */

    ad_array *cotangent;         /* that the gradients below belong to, so that one sweep computes them once; retained */
    ad_array **gradients;        /* one for each input, NULL: zero; retained */
} hyper_run;

/* What a loss needs besides x and theta. */
typedef struct hyper_step {
    const hyper_training *training;
    int64_t iteration;
} hyper_step;

/* run.c: reads hypers. NULL and an error on failure. store: the trajectory is kept. */
hyper_run *hyper_run_new(const hyper_training *training, ad_tree *hypers, bool store);
void hyper_run_keep(hyper_run *run);
void hyper_run_drop(hyper_run *run);
void hyper_forget_gradients(hyper_run *run);
void *hyper_no_memory(void);                                                    /* the error; NULL */
void *hyper_room(int64_t count, size_t size);                                   /* zeroed, for ad_memory_give; NULL and an error */
ad_tree *hyper_tree_of(const hyper_run *run, const double *vector);             /* arrays like x, of these values */
bool hyper_vector_of(const hyper_run *run, const ad_tree *tree, double *vector); /* and back */

/* schedule.c */
bool hyper_schedules_read(hyper_run *run, ad_array *const *inputs); /* of every leaf; run->values is there */
int64_t hyper_schedule_at(const hyper_schedule *s, const hyper_leaf *leaf, int64_t t, double *value); /* gives the stride */
void hyper_schedule_add(const hyper_schedule *s, const hyper_leaf *leaf, int64_t t, const double *term, double *sum); /* the transpose */

/* sgd.c: the integer dynamics and their inverse. false and an error on failure. */
ad_array *hyper_loss_at(ad_tree *x, ad_tree *theta, void *step);
bool hyper_rates_at(hyper_run *run, int64_t t);      /* run->alpha and run->beta */
bool hyper_gradient_at(hyper_run *run, const double *x, int64_t t); /* run->gradient */
bool hyper_forward(hyper_run *run);                  /* from the hyperparameters to x_T, v_T */
bool hyper_undo_position(hyper_run *run, int64_t t); /* x_{t+1} to x_t; run->alpha is that of t */
bool hyper_undo_velocity(hyper_run *run, int64_t t); /* v_{t+1} to v_t; run->beta is that of t, run->gradient that at x_t */
bool hyper_check_undone(hyper_run *run);             /* whether the state is the first one, to the bit */
double hyper_seconds(void);

/* reverse.c: run->gradients for a cotangent of the final x. */
bool hyper_reverse(hyper_run *run, ad_array *cotangent);

/* unrolled.c: the same run in differentiable operations: the final x as one vector. hypers has the leaves given. */
ad_array *hyper_unrolled(ad_tree *leaves, void *run);

#endif
