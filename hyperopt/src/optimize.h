/* The interface between the files of hyper_optimize: coordinates.c, resume.c and optimize.c. */
#ifndef HYPER_OPTIMIZE_INTERNAL_H
#define HYPER_OPTIMIZE_INTERNAL_H

#include "hyperopt/optimize.h"

/* ---- coordinates.c ---- */

typedef enum hyper_scale { HYPER_CONSTANT, HYPER_PLAIN, HYPER_LOG, HYPER_LOGIT } hyper_scale;

/* How the leaves of hypers are optimised. A position is a tree of those that are, by the paths that they have in hypers. */
typedef struct hyper_coordinates {
    int leaf_count;       /* of hypers, depth first */
    int path_count;       /* how many have their path yet */
    char **paths;         /* of each */
    hyper_scale *scales;  /* of each */
    ad_array **leaf_room; /* for as many, for the functions below; empty between them */
    ad_tree *hypers;      /* as given, constants; retained */
    ad_tree *start;       /* the position of hypers; retained */
} hyper_coordinates;

/* Fills what is zeros; false and an error. To be closed in either case. */
bool hyper_coordinates_open(hyper_coordinates *c, ad_tree *hypers, const hyper_optimize_options *options);
void hyper_coordinates_close(hyper_coordinates *c);

/* The hypers at a position, in natural units; differentiable. */
ad_tree *hyper_natural(const hyper_coordinates *c, const ad_tree *position);

/* A tree like hypers with the leaves of a tree like a position, and elsewhere zeros, or the leaves of hypers. */
ad_tree *hyper_among_zeros(const hyper_coordinates *c, const ad_tree *moved);
ad_tree *hyper_among_constants(const hyper_coordinates *c, const ad_tree *moved);

/* A tree like a position with the leaves of one like hypers. */
ad_tree *hyper_moved(const hyper_coordinates *c, const ad_tree *hypers);

/* ---- what one meta-iteration leaves to the next ---- */

typedef struct hyper_meta_state {
    int64_t iteration;           /* how many were made */
    ad_tree *position, *moments; /* in coordinates; the optimizer's state; these trees are retained */
    ad_tree *hypers;             /* at the position, in natural units: those given until one was made */
    ad_tree *best;               /* in natural units */
    int64_t best_iteration;
    double best_loss;
    int64_t clipped;
    int64_t count, room;         /* of the numbers below: one more than iteration after a stop by growth */
    double *losses, *norms;      /* of every meta-iteration */
    double *sorted_norms;        /* of those that were not skipped, in order */
    int64_t sorted_count;
} hyper_meta_state;

/* optimize.c: room for `count` numbers in each list. */
bool hyper_history_room(hyper_meta_state *s, int64_t count);

/* ---- resume.c ---- */

/* Writes the state to options->checkpoint. False and an error, and the file is as it was. */
bool hyper_state_save(const hyper_meta_state *s, const hyper_coordinates *c, const hyper_optimize_options *options);

/* Takes the state from that file, if it is there: *found says whether. s is that of the beginning before; sorted_norms is left to the caller. False and an
 * error. */
bool hyper_state_load(hyper_meta_state *s, const hyper_coordinates *c, const hyper_optimize_options *options, bool *found);

#endif
