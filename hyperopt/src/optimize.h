/* The interface between the files of hyper_optimize: coordinates.c, resume.c and optimize.c. */
#ifndef HYPER_OPTIMIZE_INTERNAL_H
#define HYPER_OPTIMIZE_INTERNAL_H

#include "hyperopt/optimize.h"

/* ---- coordinates.c ---- */

typedef enum hyper_scale { HYPER_CONSTANT, HYPER_PLAIN, HYPER_LOG, HYPER_LOGIT } hyper_scale;

/* How the leaves of hypers are optimised. A position is a tree of the optimised leaves, under the paths that they have
 * in hypers. */
typedef struct hyper_coordinates {
    int leaf_count;       /* leaves of hypers, depth first */
    int path_count;       /* how many leaves have got their path so far */
    char **paths;         /* of each leaf */
    hyper_scale *scales;  /* of each leaf */
    ad_array **leaf_room; /* scratch for as many leaves, for the functions below; empty between calls */
    ad_tree *hypers;      /* as given, but constants; retained */
    ad_tree *start;       /* the position of hypers; retained */
} hyper_coordinates;

/* Fills a struct of zeros; false and an error. It has to be closed in either case. */
bool hyper_coordinates_open(hyper_coordinates *c, ad_tree *hypers, const hyper_optimize_options *options);
void hyper_coordinates_close(hyper_coordinates *c);

/* The hypers at a position, in natural units; differentiable. */
ad_tree *hyper_natural(const hyper_coordinates *c, const ad_tree *position);

/* A tree like hypers. Its optimised leaves come from a tree like a position. The other leaves are zeros, or the leaves
 * of hypers. */
ad_tree *hyper_among_zeros(const hyper_coordinates *c, const ad_tree *moved);
ad_tree *hyper_among_constants(const hyper_coordinates *c, const ad_tree *moved);

/* A tree like a position, with the leaves of a tree like hypers. */
ad_tree *hyper_moved(const hyper_coordinates *c, const ad_tree *hypers);

/* ---- what one meta-iteration leaves to the next ---- */

typedef struct hyper_meta_state {
    int64_t iteration;           /* how many meta-iterations were made */
    ad_tree *position, *moments; /* in coordinates: the position, and the state of the optimizer; retained */
    ad_tree *hypers;             /* at the position, in natural units; those given until a meta-iteration was made */
    ad_tree *best;               /* in natural units */
    int64_t best_iteration;
    double best_loss;
    int64_t clipped;
    int64_t count, room;         /* of the numbers below: one more than iteration after a stop by growth */
    double *losses, *norms;      /* of every meta-iteration */
    double *sorted_norms;        /* of the meta-iterations that were not skipped, in order */
    int64_t sorted_count;
} hyper_meta_state;

/* optimize.c: makes room for `count` numbers in each list. */
bool hyper_history_room(hyper_meta_state *s, int64_t count);

/* ---- resume.c ---- */

/* Writes the state to options->checkpoint. If that fails: false and an error, and the file is unchanged. */
bool hyper_state_save(const hyper_meta_state *s, const hyper_coordinates *c, const hyper_optimize_options *options);

/* Reads the state from that file, if the file exists; *found says whether it does. s is the state of the beginning
 * before the call. sorted_norms is left to the caller. False and an error. */
bool hyper_state_load(hyper_meta_state *s, const hyper_coordinates *c, const hyper_optimize_options *options, bool *found);

#endif
