/* The interface between the files of hyperopt that know libad.
 *
 * A run is one call of hyper_sgd or hyper_adam: the hyperparameters as constants, the integer state of the descent, and
 * what is needed to play it backwards. The parameters of all leaves of x are in plain vectors of `parameter_count`
 * elements, one leaf after the other, leaf k from leaves[k].start on. A reverse pass uses the final state up, and so
 * does a failure. The next reverse pass runs forward again, from the hyperparameters.
 *
 *     hypers.c     reads the entries of hypers
 *     schedule.c   learning rates and momenta by iteration and element
 *     correction.c products of momenta over time
 *     step.c       one pass of a dynamics over all parameters
 *     products.c   gradients and Hessian-vector products of the loss
 *     train.c      forward: all iterations                  reverse.c    backward: all cotangents
 *     run.c        life and memory of a run
 *     operation.c  the operations of libad, and the functions that users call */
#ifndef HYPER_RUN_H
#define HYPER_RUN_H

#include "dynamics.h"
#include "hyperopt/hyperopt.h"

#include <stdatomic.h>
#include <xxhash.h>

/* The text of a shape, for an error. */
#define HYPER_SHAPE_TEXT(shape) ad_shape_tostring(shape, (char[AD_SHAPE_ROOM]){ "" }, AD_SHAPE_ROOM)

#define HYPER_LAST_METHOD       HYPER_IMPLICIT

/* The values where training does not say. */
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
    HYPER_SHARED,   /* one for all elements */
    HYPER_OWN,      /* one for each element, in the leaf's order */
    HYPER_BROADCAST /* anything else */
} hyper_sharing;

/* A rate of one leaf of x: a view of an array's values along time and the leaf's axes. */
typedef struct hyper_schedule {
    int input;                /* the leaf of hypers that it is; -1: a constant */
    const double *values;
    const hyper_momentum *momenta; /* if it is a momentum: its values, with their ratios */
    hyper_sharing sharing;
    int64_t time_stride;
    int64_t *stride;          /* along the leaf's axes, if it is broadcast; otherwise NULL */
} hyper_schedule;

typedef struct hyper_leaf {
    char *path;
    ad_shape shape;
    ad_dtype dtype;
    int64_t start, size;
    size_t offset;            /* of its values in a hyper_values block, in bytes */
    hyper_schedule rate[HYPER_RATES];
} hyper_leaf;

/* 1 - the product over time of an array of momenta. It is laid out like that array: `width` values for each iteration,
 * or with stride 0 only those of the iteration at hand. */
typedef struct hyper_correction {
    int momentum;             /* the leaf of hypers that the momenta are */
    int64_t width, stride, momentum_stride;
    double *values;
    double *logarithms;       /* of the momenta of the first iteration */
    int64_t at;               /* the iteration at hand */
} hyper_correction;

/* Consecutive elements of one leaf in one strip. */
typedef struct hyper_piece {
    int leaf;
    int64_t from, count;      /* in the leaf */
} hyper_piece;

/* Sums of the terms of rates, for a pass and for one that runs with it. */
typedef struct hyper_partial {
    double sum[2][HYPER_RATES];
} hyper_partial;

/* What a pass found in a strip. */
typedef struct hyper_strip {
    uint64_t checksum;
    double squares;           /* the sum of the squares of dx */
} hyper_strip;

/* Values of all leaves in the dtypes that the loss takes, under arrays that share them. They are written anew for every
 * iteration, but only while no array uses them: values that somebody has kept get memory of their own. */
typedef struct hyper_values {
    _Atomic int users;        /* arrays that use it, and the run */
    char *block, *memory;     /* `memory` is aligned, within `block` */
} hyper_values;

/* What the reverse pass carries along: the cotangents of the state, and the sums for each leaf of hypers that is a
 * rate. */
typedef struct hyper_adjoint {
    void *state[HYPER_STATES]; /* in the dtypes of x, as hyper_values; or one double for each parameter where the cotangents are kept as doubles */
    bool whole;
    hyper_values *state_values[HYPER_STATES]; /* the memory of the above */
    double along;             /* the cotangent of the mean of the meta-loss */
    int64_t more_bytes;       /* bytes that a method has taken beside */
    int64_t positioned;       /* the iteration whose x is there already; -1: none */
    double norm, first_norm, growth, amplification; /* |dx|; at the end of training; largest factor in one iteration, and of all so far */
    double **rate_sums;       /* for each leaf of hypers and each correction; NULL where an input is not a rate */
    double *rate_terms[HYPER_RATES]; /* one summand per parameter, if a broadcast schedule asks for it; otherwise NULL */
} hyper_adjoint;

/* What a run is asked for: the trained parameters; the whole state, also as integers; the mean of the meta-loss. */
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
    ad_tree *no_theta;            /* an empty tree, if theta is not given; retained */
    hyper_part state_part[HYPER_STATES], rate_part[HYPER_RATES], theta_part, exact_part;
    int input_count;              /* leaves of hypers */
    ad_array **inputs;            /* the leaves of hypers; part of run->hypers */
    bool *wanted;                 /* for each input: somebody differentiates in it */
    ad_array **schedule_values;   /* float64, for the inputs that are rates, otherwise NULL; retained */
    hyper_momentum **momenta;     /* for the inputs that are momenta, otherwise NULL */
    hyper_correction *corrections; /* of the momenta whose products are asked for; as rates they come after the leaves of hypers */
    int correction_count;
    int first_kept_state;         /* the first of the states that have to be remembered where there are no coders: 0 or 1 */
    ad_array **leaf_room;         /* scratch for the leaves of a tree like x or theta */

    int leaf_count;
    hyper_leaf *leaves;           /* of x */
    int64_t parameter_count;      /* elements of all leaves of x */
    size_t values_bytes;
    int64_t strip_count, piece_count;
    hyper_piece *pieces;
    int64_t *first_pieces;        /* the first piece of each strip, and the end */
    hyper_partial *partials;      /* for each piece */
    hyper_strip *strips;          /* what one pass found in each */
    void *_Atomic block_room;     /* scratch of a pass, kept between two passes (step.c); or NULL */

    bool trained;                 /* it has run once, so every further run repeats it */
    bool finished;                /* the state is that after the last iteration */
    int64_t start;                /* the first iteration that the reverse pass goes back to */
    XXH128_hash_t origin;         /* hash of the state at `start` */
    double along;                 /* the mean of the meta-loss */
    int64_t *state[HYPER_STATES];
    uint32_t *fine[HYPER_STATES]; /* the bits below the states that have them; otherwise NULL */
    hyper_store *store;
    uint64_t *checksums;          /* of the gradient of every iteration */
    int64_t *moments;             /* state[first_kept_state..] before every iteration of a stored stretch; NULL unless stored */
    hyper_values *x_values, *direction_values;
    const void **gradient_data, **product_data; /* of each leaf, for the iteration at hand */
    int *wanted_thetas;           /* the leaves of theta in which somebody differentiates */
    int wanted_theta_count;
    char place[64];               /* for errors: the iteration at hand */

    int64_t *watched_x;           /* for hyper_naive_reversal: x before every iteration, and at the end; otherwise NULL */
    double *drift;                /* how far x is from there on the way back */

    ad_array **gradients; /* made by the last reverse pass, one for each input, NULL: zero; retained */
} hyper_run;

/* ---- run.c ---- */

/* NULL and an error on failure. name: the function that was called. */
hyper_run *hyper_run_new(const hyper_dynamics *dynamics, hyper_result result, const char *name, const hyper_training *training, ad_tree *hypers);
void hyper_run_keep(hyper_run *run);
void hyper_run_drop(hyper_run *run);
void hyper_forget_gradients(hyper_run *run);
void *hyper_no_memory(void);                    /* sets the error and gives NULL */
void *hyper_room(int64_t count, size_t size);   /* zeroed, for ad_memory_give; NULL and an error */
hyper_values *hyper_values_new(size_t bytes);
void hyper_values_drop(void *values);
char *hyper_values_write(hyper_values **values, size_t bytes);          /* memory that no array uses */
bool hyper_values_put(const hyper_run *run, hyper_values **values, const double *from); /* one double for each parameter, rounded to the dtypes of x */
double hyper_value_at(const hyper_leaf *leaf, const void *data, int64_t i);             /* a leaf's value in its dtype */
void hyper_value_set(const hyper_leaf *leaf, void *data, int64_t i, double value);
static inline void *hyper_values_of(const hyper_leaf *leaf, void *values)               /* the values of one leaf among those of all */
{
    return (char *)values + leaf->offset;
}
ad_tree *hyper_values_tree(const hyper_run *run, hyper_values *values); /* arrays over the values, a tree like x */

/* ---- hypers.c ---- */
bool hyper_hypers_read(hyper_run *run, ad_tree *hypers);
bool hyper_state_first(hyper_run *run);         /* the first state, from hypers, and that of the coders */
XXH128_hash_t hyper_state_hash(const hyper_run *run);
double hyper_state_at(const hyper_run *run, int s, int64_t i); /* in natural units */
/* The states from `first` on as integers, with the bits below: how many integers these are, and writing them to a
 * vector. */
int64_t hyper_states_size(const hyper_run *run, int first);
void hyper_states_write(const hyper_run *run, int first, int64_t *to);
const int64_t *hyper_state_read(hyper_run *run, int s, const int64_t *from); /* reads one state from a vector; gives where the next one begins */
int64_t hyper_exact_size(const hyper_run *run); /* the size of the state as one vector of integers; writing it; reading it */
void hyper_exact_write(const hyper_run *run, int64_t *exact);
bool hyper_exact_read(hyper_run *run, const int64_t *exact); /* false if the lanes are not those of a coder */

/* ---- schedule.c ---- */
bool hyper_schedules_read(hyper_run *run);      /* of every leaf */
/* The values for elements from .. from+count-1 at iteration t. If they are broadcast, they are gathered into scratch:
 * `count` doubles or momenta. */
hyper_rate_view hyper_schedule_at(const hyper_schedule *s, const hyper_leaf *leaf, int64_t t, int64_t from, int64_t count, void *scratch);
/* The transpose, for a schedule that is not shared: adds `count` terms to the sums of its array. */
void hyper_schedule_add(const hyper_schedule *s, const hyper_leaf *leaf, int64_t t, int64_t from, int64_t count, const double *term, double *sum);
double hyper_schedule_bound(const hyper_run *run); /* bits that the momenta of all iterations cost */

/* ---- correction.c ---- */
bool hyper_corrections_read(hyper_run *run);    /* with the schedules of all leaves, after those of the momenta */
int64_t hyper_correction_size(const hyper_run *run, const hyper_correction *c); /* of its array of derivatives */
void hyper_corrections_at(hyper_run *run, int64_t t);
void hyper_corrections_back(const hyper_run *run, const hyper_adjoint *a, int64_t t); /* passes on the derivatives in those of iteration t */
void hyper_correction_follow(const hyper_run *run, const hyper_correction *c, int64_t t, const double *dmomentum, double *tangent);

/* ---- step.c ---- */
typedef struct hyper_pass {
    hyper_block_function function, settle; /* settle: NULL, or what each strip does when all its blocks have done `function` */
    int64_t t;
    bool backwards;               /* elements from the last to the first, as the coders need it */
    bool stored;                  /* there is no coder, since the moments were stored */
    const void *const *gradient, *const *product; /* of each leaf, or NULL */
    char *x_out, *direction_out;  /* as hyper_values, or NULL */
    const hyper_adjoint *adjoint; /* NULL going forward; for follow: the tangents */
    const double *const *tangents; /* of the rates, by leaf of hypers, NULL: zero; NULL: there are none */
    unsigned terms;               /* the rates that the function has terms of: bit r stands for rate r */
    const struct hyper_pass *then; /* runs on every block right after this pass, while the block is in the cache; NULL: none */
    bool second;                  /* this pass is such a `then` of another */
    uint64_t checksum;            /* out */
    double squares;               /* out, for a pass with an adjoint: the sum of the squares of dx */
} hyper_pass;
bool hyper_step(hyper_run *run, hyper_pass *pass); /* false and an error that names iteration, leaf and element */

/* ---- products.c ---- */

/* What a call of the user's functions needs besides x and theta. */
typedef struct hyper_call {
    const hyper_run *run;
    int64_t iteration;            /* of this run, from 0 */
} hyper_call;

/* What the loss, or the direction, gives at x in an iteration. What was not asked for is NULL. All of it but the
 * pullback belongs to the innermost scope. The gradient's values are in run->gradient_data and the product's in
 * run->product_data. */
typedef struct hyper_slopes {
    double loss;                  /* NAN with a direction */
    ad_tree *gradient, *product;  /* like x */
    ad_tree *theta;               /* a list of the wanted leaves of theta: the product's part, or the part of the meta-loss's gradient */
    ad_pullback *pull;            /* from the gradient to both */
} hyper_slopes;

bool hyper_gradient_at(hyper_run *run, int64_t t, hyper_slopes *slopes);  /* loss and gradient, at run->x_values */
bool hyper_products_at(hyper_run *run, int64_t t, hyper_slopes *slopes);  /* gradient, and its product with run->direction_values, in one pass */
bool hyper_pullback_at(hyper_run *run, int64_t t, hyper_slopes *slopes);  /* gradient and pullback */
bool hyper_product_by_pullback(hyper_run *run, hyper_slopes *slopes);     /* then the product */
bool hyper_meta_at(hyper_run *run, int64_t t, hyper_slopes *slopes);      /* of the meta-loss: all but the product */
double hyper_meta_value(hyper_run *run, int64_t t);                       /* NAN and an error on failure */
/* Derivatives along run->direction_values and along a list like the wanted leaves of theta, NULL: zero. */
bool hyper_tangent_at(hyper_run *run, int64_t t, ad_tree *theta, hyper_slopes *slopes); /* of the gradient, in place of the product */
bool hyper_meta_tangent_at(hyper_run *run, int64_t t, ad_tree *theta, double *slope);
bool hyper_add_theta(hyper_run *run, ad_tree *terms, double factor);      /* dtheta += factor * terms, which is a list of the wanted leaves */
bool hyper_loss_is_closed(hyper_run *run);    /* whether only x and theta bring what is being differentiated to it; an error if not */
ad_array *hyper_loss_at(ad_tree *x, ad_tree *theta, void *call);
ad_tree *hyper_gradient_of(ad_tree *x, ad_tree *theta, void *call);

/* ---- train.c ---- */
bool hyper_forward(hyper_run *run);           /* from the hyperparameters to the last state */
/* Runs iterations from .. to-1 once more, and stores the moments before each, unless it is NULL. */
bool hyper_advance_again(hyper_run *run, int64_t from, int64_t to, int64_t *moments);
/* The same with the gradient given. first: the iteration has not run before. */
bool hyper_advance_with(hyper_run *run, int64_t t, const hyper_slopes *slopes, bool first);
bool hyper_decode_position(hyper_run *run);   /* state[0] into run->x_values */
bool hyper_is_along(const hyper_run *run, int64_t t); /* whether the mean of the meta-loss includes the state after t iterations */
bool hyper_differs(const hyper_run *run, int64_t t);  /* sets the error of a gradient that is not the same again; false */

/* ---- reverse.c ---- */
bool hyper_reverse(hyper_run *run, ad_array *const *cotangents);    /* run->gradients, from a cotangent of each output, NULL: zero */
/* Iterations to-1 .. from. moments: those before each; NULL: they come out of the coders. */
bool hyper_reverse_steps(hyper_run *run, hyper_adjoint *adjoint, int64_t from, int64_t to, const int64_t *moments);

/* ---- checkpoint.c ---- */
bool hyper_reverse_checkpointed(hyper_run *run, hyper_adjoint *adjoint);

/* ---- tangent.c ---- */
ad_array *hyper_tangent_of_output(hyper_run *run, int operand, ad_array *t, int output); /* float64 */
bool hyper_gradients_by_tangents(hyper_run *run, hyper_adjoint *adjoint, double **gradients); /* for each wanted leaf of hypers */

/* ---- implicit.c ---- */
bool hyper_gradients_by_implicit_function(hyper_run *run, hyper_adjoint *adjoint); /* in theta, into run->gradients */

/* ---- unrolled.c: the same run in differentiable operations, from the leaves of hypers to a list of its outputs
 * ---- */
ad_tree *hyper_unrolled(ad_tree *leaves, void *run);

#endif
