/* The interface between the files of hyperopt that know libad.
 *
 * A run is one call of hyper_sgd or hyper_adam: the hyperparameters as constants, the integer state of the descent, and what is needed to
 * play it backwards. Parameters of all leaves of x stand one after the other in plain vectors of `parameter_count` elements, leaf k
 * from leaves[k].start on. A reverse pass uses the final state up, as a failure does: the next one runs forward again, from the hyperparameters.
 *
 *     hypers.c     reads the entries of hypers                  schedule.c   learning rates and momenta by iteration and element
 *     correction.c products of momenta over time
 *     step.c       one pass of a dynamics over all parameters   products.c   gradients and Hessian-vector products of the loss
 *     train.c      forward: all iterations                      reverse.c    backward: all cotangents
 *     run.c        life and memory of a run                     operation.c  the operations of libad, and the functions that users call */
#ifndef HYPER_RUN_H
#define HYPER_RUN_H

#include "dynamics.h"
#include "hyperopt/hyperopt.h"

#include <stdatomic.h>
#include <xxhash.h>

/* The text of a shape, for an error. */
#define HYPER_SHAPE_TEXT(shape) ad_shape_tostring(shape, (char[AD_SHAPE_ROOM]){ "" }, AD_SHAPE_ROOM)

#define HYPER_LAST_METHOD       HYPER_IMPLICIT

/* Where training does not say. */
#define HYPER_GROWTH_LIMIT      1000.0
#define HYPER_SOLVER_ITERATIONS 100
#define HYPER_SOLVER_TOLERANCE  1e-6

/* One entry of hypers, and the positions of its leaves among all leaves of hypers. */
typedef struct hyper_part {
    bool given;
    ad_tree *tree; /* NULL for an array; part of run->hypers */
    int first, count;
} hyper_part;

/* How a schedule's values belong to the elements of a leaf. */
typedef enum hyper_sharing {
    HYPER_SHARED,   /* one for all */
    HYPER_OWN,      /* one each, in the leaf's order */
    HYPER_BROADCAST /* anything between */
} hyper_sharing;

/* A rate of one leaf of x: a view of an array's values along time and the leaf's axes. */
typedef struct hyper_schedule {
    int input;                /* which leaf of hypers it is; -1: a constant */
    const double *values;
    const hyper_momentum *momenta; /* of a momentum: the values, with their ratios */
    hyper_sharing sharing;
    int64_t time_stride;
    int64_t *stride;          /* along the leaf's axes, where it is broadcast; else NULL */
} hyper_schedule;

typedef struct hyper_leaf {
    char *path;
    ad_shape shape;
    ad_dtype dtype;
    int64_t start, size;
    size_t offset;            /* of its values in a hyper_values block, in bytes */
    hyper_schedule rate[HYPER_RATES];
} hyper_leaf;

/* 1 - the product over time of an array of momenta, laid out like it: width values for each iteration, stride 0: of the iteration at hand only. */
typedef struct hyper_correction {
    int momentum;             /* which leaf of hypers it is of */
    int64_t width, stride, momentum_stride;
    double *values;
    double *logarithms;       /* of the first iteration's momenta */
    int64_t at;               /* the iteration at hand */
} hyper_correction;

/* Consecutive elements of one leaf in one strip. */
typedef struct hyper_piece {
    int leaf;
    int64_t from, count;      /* in the leaf */
} hyper_piece;

/* Sums of the terms of rates: of a pass, and of one that runs with it. */
typedef struct hyper_partial {
    double sum[2][HYPER_RATES];
} hyper_partial;

/* What a pass found in a strip. */
typedef struct hyper_strip {
    uint64_t checksum;
    double squares;           /* the sum of those of dx */
} hyper_strip;

/* Values of all leaves in the dtypes that the loss takes, under arrays that share them. Written anew for every iteration, but only while no
 * array is over them: what somebody has kept gets memory of its own. */
typedef struct hyper_values {
    _Atomic int users;        /* arrays over it, and the run */
    char *block, *memory;     /* aligned in the block */
} hyper_values;

/* What the reverse pass carries along: the cotangents of the state, and the sums for each leaf of hypers that is a rate. */
typedef struct hyper_adjoint {
    void *state[HYPER_STATES]; /* in the dtypes of x, as hyper_values; or one double for each parameter where they are whole */
    bool whole;
    hyper_values *state_values[HYPER_STATES]; /* under them */
    double along;             /* of the mean of the meta-loss */
    int64_t more_bytes;       /* that a method has taken beside */
    int64_t positioned;       /* the iteration whose x is there already; -1: none */
    double norm, first_norm, growth, amplification; /* |dx|; at the end of training; the largest factor of one iteration, and of all so far */
    double **rate_sums;       /* of each leaf of hypers and each correction; NULL where an input is not a rate */
    double *rate_terms[HYPER_RATES]; /* one summand per parameter, where a broadcast schedule asks for it; else NULL */
} hyper_adjoint;

/* What a run is asked for: the trained parameters; all of the state, and it as integers; the mean of the meta-loss. */
typedef enum hyper_result { HYPER_TRAINED, HYPER_STATE, HYPER_ALONG } hyper_result;
enum { HYPER_OUTPUTS = HYPER_STATES + 1 };

typedef struct hyper_run {
    _Atomic int references;
    hyper_result result;
    const hyper_dynamics *dynamics;
    const char *name;             /* of the function that users called, for errors */
    hyper_training training;
    double unit[HYPER_STATES];

    ad_tree *hypers;              /* constants; retained */
    ad_tree *no_theta;            /* empty, where theta is not given; retained */
    hyper_part state_part[HYPER_STATES], rate_part[HYPER_RATES], theta_part, exact_part;
    int input_count;              /* leaves of hypers */
    ad_array **inputs;            /* these; part of run->hypers */
    bool *wanted;                 /* of each input: somebody differentiates in it */
    ad_array **schedule_values;   /* float64, of the inputs that are rates, else NULL; retained */
    hyper_momentum **momenta;     /* of the inputs that are momenta, else NULL */
    hyper_correction *corrections; /* of momenta whose products are asked for; as rates they come after the leaves of hypers */
    int correction_count;
    int first_kept_state;         /* the first of the states that have to be remembered where there are no coders: 0, 1 */
    ad_array **leaf_room;         /* scratch for the leaves of a tree like x or theta */

    int leaf_count;
    hyper_leaf *leaves;           /* of x */
    int64_t parameter_count;      /* elements of all leaves of x */
    size_t values_bytes;
    int64_t strip_count, piece_count;
    hyper_piece *pieces;
    int64_t *first_pieces;        /* the first piece of each strip, and the end */
    hyper_partial *partials;      /* of each piece */
    hyper_strip *strips;          /* what one pass found in each */
    void *_Atomic block_room;     /* of a pass, between two (step.c); or NULL */

    bool trained;                 /* it has run once: what comes is the same again */
    bool finished;                /* the state is that after the last iteration */
    int64_t start;                /* the first iteration that the reverse pass goes back to */
    XXH128_hash_t origin;         /* of the state there */
    double along;                 /* the mean of the meta-loss */
    int64_t *state[HYPER_STATES];
    uint32_t *fine[HYPER_STATES]; /* the bits below, of states that have them; else NULL */
    hyper_store *store;
    uint64_t *checksums;          /* of every iteration's gradient */
    int64_t *moments;             /* state[first_kept_state..] before every iteration of a stored stretch; NULL unless stored */
    hyper_values *x_values, *direction_values;
    const void **gradient_data, **product_data; /* of each leaf, of the iteration at hand */
    int *wanted_thetas;           /* which leaves of theta somebody differentiates in */
    int wanted_theta_count;
    char place[64];               /* for errors: the iteration at hand */

    int64_t *watched_x;           /* of hyper_naive_reversal: x before every iteration, and at the end; else NULL */
    double *drift;                /* and how far x is from there on the way back */

    ad_array **gradients; /* that the last reverse pass made, one for each input, NULL: zero; retained */
} hyper_run;

/* ---- run.c ---- */

/* NULL and an error on failure. name: the function that was called. */
hyper_run *hyper_run_new(const hyper_dynamics *dynamics, hyper_result result, const char *name, const hyper_training *training, ad_tree *hypers);
void hyper_run_keep(hyper_run *run);
void hyper_run_drop(hyper_run *run);
void hyper_forget_gradients(hyper_run *run);
void *hyper_no_memory(void);                    /* the error; NULL */
void *hyper_room(int64_t count, size_t size);   /* zeroed, for ad_memory_give; NULL and an error */
hyper_values *hyper_values_new(size_t bytes);
void hyper_values_drop(void *values);
char *hyper_values_write(hyper_values **values, size_t bytes);          /* memory that no array is over */
bool hyper_values_put(const hyper_run *run, hyper_values **values, const double *from); /* one double for each parameter, rounded to the dtypes of x */
double hyper_value_at(const hyper_leaf *leaf, const void *data, int64_t i);             /* of a leaf's values in its dtype */
void hyper_value_set(const hyper_leaf *leaf, void *data, int64_t i, double value);
static inline void *hyper_values_of(const hyper_leaf *leaf, void *values)               /* a leaf's place among those of all */
{
    return (char *)values + leaf->offset;
}
ad_tree *hyper_values_tree(const hyper_run *run, hyper_values *values); /* arrays over it, like x */

/* ---- hypers.c ---- */
bool hyper_hypers_read(hyper_run *run, ad_tree *hypers);
bool hyper_state_first(hyper_run *run);         /* the first state, from hypers, and that of the coders */
XXH128_hash_t hyper_state_hash(const hyper_run *run);
double hyper_state_at(const hyper_run *run, int s, int64_t i); /* in natural units */
/* The states from `first` on as integers, the bits below included: how many that are, and to a vector. */
int64_t hyper_states_size(const hyper_run *run, int first);
void hyper_states_write(const hyper_run *run, int first, int64_t *to);
const int64_t *hyper_state_read(hyper_run *run, int s, const int64_t *from); /* one of them out of the vector; where the next begins */
int64_t hyper_exact_size(const hyper_run *run); /* of the state as one vector of integers; that, and back */
void hyper_exact_write(const hyper_run *run, int64_t *exact);
bool hyper_exact_read(hyper_run *run, const int64_t *exact); /* false for lanes that are none */

/* ---- schedule.c ---- */
bool hyper_schedules_read(hyper_run *run);      /* of every leaf */
/* The values for elements from .. from+count-1 at iteration t; where they are broadcast they are gathered into scratch, count doubles or momenta. */
hyper_rate_view hyper_schedule_at(const hyper_schedule *s, const hyper_leaf *leaf, int64_t t, int64_t from, int64_t count, void *scratch);
/* The transpose, of a schedule that is not shared: adds count terms to the sums of its array. */
void hyper_schedule_add(const hyper_schedule *s, const hyper_leaf *leaf, int64_t t, int64_t from, int64_t count, const double *term, double *sum);
double hyper_schedule_bound(const hyper_run *run); /* bits that the momenta of all iterations cost */

/* ---- correction.c ---- */
bool hyper_corrections_read(hyper_run *run);    /* with the schedules of all leaves, once those of the momenta are there */
int64_t hyper_correction_size(const hyper_run *run, const hyper_correction *c); /* of its array of derivatives */
void hyper_corrections_at(hyper_run *run, int64_t t);
void hyper_corrections_back(const hyper_run *run, const hyper_adjoint *a, int64_t t); /* from the derivatives in those of iteration t */
void hyper_correction_follow(const hyper_run *run, const hyper_correction *c, int64_t t, const double *dmomentum, double *tangent);

/* ---- step.c ---- */
typedef struct hyper_pass {
    hyper_block_function function, settle; /* settle: NULL, or what each strip does when all its blocks have done function */
    int64_t t;
    bool backwards;               /* elements from last to first, as the coders want it */
    bool stored;                  /* no coder: the moments were stored */
    const void *const *gradient, *const *product; /* of each leaf, or NULL */
    char *x_out, *direction_out;  /* as hyper_values, or NULL */
    const hyper_adjoint *adjoint; /* NULL going forward; the tangents that follow along */
    const double *const *tangents; /* of the rates, by leaf of hypers, NULL: zero; NULL: none follow */
    unsigned terms;               /* the rates that the function has terms of: bit r stands for rate r */
    const struct hyper_pass *then; /* runs on every block right after, while that is in the cache; NULL: none */
    bool second;                  /* it is such a pass itself */
    uint64_t checksum;            /* out */
    double squares;               /* out, of a pass with an adjoint: the sum of those of dx */
} hyper_pass;
bool hyper_step(hyper_run *run, hyper_pass *pass); /* false and an error that names iteration, leaf and element */

/* ---- products.c ---- */

/* What a call of the user's functions needs besides x and theta. */
typedef struct hyper_call {
    const hyper_run *run;
    int64_t iteration;            /* of this run, from 0 */
} hyper_call;

/* What the loss, or the direction, gives at x of an iteration. What was not asked for is NULL. All of it belongs to the innermost scope but for the
 * pullback. The gradient's values are in run->gradient_data and the product's in run->product_data. */
typedef struct hyper_slopes {
    double loss;                  /* NAN with a direction */
    ad_tree *gradient, *product;  /* like x */
    ad_tree *theta;               /* a list of the wanted leaves of theta: the product's part, or the gradient's of the meta-loss */
    ad_pullback *pull;            /* from the gradient to both */
} hyper_slopes;

bool hyper_gradient_at(hyper_run *run, int64_t t, hyper_slopes *slopes);  /* loss and gradient, at run->x_values */
bool hyper_products_at(hyper_run *run, int64_t t, hyper_slopes *slopes);  /* gradient, and its product with run->direction_values, in one pass; */
bool hyper_pullback_at(hyper_run *run, int64_t t, hyper_slopes *slopes);  /* or gradient and pullback, */
bool hyper_product_by_pullback(hyper_run *run, hyper_slopes *slopes);     /* and then the product */
bool hyper_meta_at(hyper_run *run, int64_t t, hyper_slopes *slopes);      /* of the meta-loss, all but the product */
double hyper_meta_value(hyper_run *run, int64_t t);                       /* NAN and an error on failure */
/* Derivatives along run->direction_values and a list like the wanted leaves of theta, NULL: zero. */
bool hyper_tangent_at(hyper_run *run, int64_t t, ad_tree *theta, hyper_slopes *slopes); /* of the gradient: as the product */
bool hyper_meta_tangent_at(hyper_run *run, int64_t t, ad_tree *theta, double *slope);
bool hyper_add_theta(hyper_run *run, ad_tree *terms, double factor);      /* dtheta += factor terms, a list of the wanted leaves */
bool hyper_loss_is_closed(hyper_run *run);    /* whether nothing that is being differentiated reaches it but x and theta; an error if not */
ad_array *hyper_loss_at(ad_tree *x, ad_tree *theta, void *call);
ad_tree *hyper_gradient_of(ad_tree *x, ad_tree *theta, void *call);

/* ---- train.c ---- */
bool hyper_forward(hyper_run *run);           /* from the hyperparameters to the last state */
bool hyper_advance_again(hyper_run *run, int64_t from, int64_t to, int64_t *moments); /* iterations from .. to-1 once more; moments before each, or NULL */
bool hyper_advance_with(hyper_run *run, int64_t t, const hyper_slopes *slopes, bool first); /* the gradient is there; first: it has not run before */
bool hyper_decode_position(hyper_run *run);   /* state[0] into run->x_values */
bool hyper_is_along(const hyper_run *run, int64_t t); /* whether the mean of the meta-loss is over the state after t iterations, too */
bool hyper_differs(const hyper_run *run, int64_t t);  /* the error of a gradient that is not the same again; false */

/* ---- reverse.c ---- */
bool hyper_reverse(hyper_run *run, ad_array *const *cotangents);    /* run->gradients, from a cotangent of each output, NULL: zero */
bool hyper_reverse_steps(hyper_run *run, hyper_adjoint *adjoint, int64_t from, int64_t to, const int64_t *moments); /* iterations to-1 .. from; moments
                                                                              before each, or NULL: out of the coders */

/* ---- checkpoint.c ---- */
bool hyper_reverse_checkpointed(hyper_run *run, hyper_adjoint *adjoint);

/* ---- tangent.c ---- */
ad_array *hyper_tangent_of_output(hyper_run *run, int operand, ad_array *t, int output); /* float64 */
bool hyper_gradients_by_tangents(hyper_run *run, hyper_adjoint *adjoint, double **gradients); /* of each wanted leaf of hypers */

/* ---- implicit.c ---- */
bool hyper_gradients_by_implicit_function(hyper_run *run, hyper_adjoint *adjoint); /* in theta, into run->gradients */

/* ---- unrolled.c: the same run in differentiable operations, of the leaves of hypers: a list of its outputs ---- */
ad_tree *hyper_unrolled(ad_tree *leaves, void *run);

#endif
