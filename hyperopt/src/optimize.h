/* The interface between the files of hyper_optimize: coordinates.c, optimize.c. */
#ifndef HYPER_OPTIMIZE_INTERNAL_H
#define HYPER_OPTIMIZE_INTERNAL_H

#include "hyperopt/optimize.h"

/* ---- coordinates.c ---- */

typedef enum hyper_scale { HYPER_CONSTANT, HYPER_PLAIN, HYPER_LOG, HYPER_LOGIT } hyper_scale;

/* How the leaves of hypers are optimised. A position is a tree of those that are, by the paths that they have in hypers. */
typedef struct hyper_coordinates {
    int count;          /* leaves of hypers, depth first */
    char **path;        /* of each */
    hyper_scale *scale; /* of each */
    ad_array **leaf;    /* room for as many, for the functions below; empty between them */
    ad_tree *hypers;    /* as given, constants; retained */
    ad_tree *start;     /* the position of hypers; retained */
} hyper_coordinates;

/* Fills what is zeros; false and an error. To be closed in either case. */
bool hyper_coordinates_open(hyper_coordinates *c, ad_tree *hypers, const hyper_optimize_options *options);
void hyper_coordinates_close(hyper_coordinates *c);

/* The hypers at a position, in natural units; differentiable. */
ad_tree *hyper_natural(const hyper_coordinates *c, const ad_tree *position);

/* A tree like hypers with the leaves of a tree like a position, zeros elsewhere. */
ad_tree *hyper_spread(const hyper_coordinates *c, const ad_tree *position);

#endif
