/* What a dynamics is: descent with momentum, Adam. It is integer arithmetic on blocks of consecutive elements of one
 * leaf.
 *
 * The engine (step.c) cuts the flat vector of all parameters into strips and strips into blocks, fetches the rates of a
 * block, and sums or scatters the terms of their derivatives. Strips run in parallel, each with a coder of its own. A
 * function of a dynamics sees one block. It is total: NaN, infinity and what leaves the range are failures and never
 * wrap. What goes back undoes to the bit what went forward. */
#ifndef HYPER_DYNAMICS_H
#define HYPER_DYNAMICS_H

#include "momentum.h"

#include <stdbool.h>
#include <stdint.h>

enum { HYPER_BLOCK = 512, HYPER_STATES = 3, HYPER_RATES = 7 };

/* A rate of the elements of a block: doubles, or hyper_momentum for a momentum. stride 0: one for all; 1: one each. */
typedef struct hyper_rate_view {
    const void *value;
    int64_t stride;
} hyper_rate_view;

typedef struct hyper_block {
    int64_t count;
    int64_t iteration;
    bool single;                        /* gradient, product, x_out and direction_out are float; otherwise double */
    int64_t *state[HYPER_STATES];       /* sgd: x, v; adam: x, m, s */
    uint32_t *fine[HYPER_STATES];       /* the 32 bits below a state that has them (fine.h); otherwise NULL */
    double unit[HYPER_STATES];          /* what the integer 1 of each state means */
    double *cotangent[HYPER_STATES];    /* of the states; NULL going forward; in follow: their tangents */
    hyper_rate_view rate[HYPER_RATES];
    double *rate_term[HYPER_RATES];     /* out: `count` summands of each rate's derivative */
    hyper_rate_view rate_tangent[HYPER_RATES]; /* doubles: tangents of the rates, for follow */
    const void *gradient, *product;     /* product NULL: zero */
    void *x_out, *direction_out;        /* x as the loss takes it, and the direction that the product is taken along */
    hyper_coder *coder;                 /* NULL going back: the moments were stored and have their old values already */
    uint64_t checksum;                  /* out: of the integers made from the gradient */
    const char *failed_what;            /* where a function fails: the quantity that did not fit, NULL for the coder; */
    double failed_value;                /* its value; */
    int failed_state;                   /* and the state in whose units it is */
} hyper_block;

/* Gives HYPER_FINE, or the index of an element at which it failed. */
typedef int64_t (*hyper_block_function)(hyper_block *block);

typedef struct hyper_dynamics {
    const char *name;                   /* of the function that users call */
    int state_count;
    const char *state_name[HYPER_STATES];
    int state_bits[HYPER_STATES];       /* fractional bits, where training does not say */
    bool state_is_square[HYPER_STATES]; /* never negative */
    bool state_is_fine[HYPER_STATES];   /* has 32 bits more below the word; such a state is a square */
    int rate_count;
    const char *rate_name[HYPER_RATES];
    bool rate_is_momentum[HYPER_RATES];
    int bits_of_zero[HYPER_RATES];      /* the bits that a momentum of 0 costs, all of an integer's; 0: a momentum of 0 is not allowed */
    bool rate_is_positive[HYPER_RATES];
    int rate_corrects[HYPER_RATES];     /* not 0: this rate is 1 - the product of that momentum over time, and not one of the hypers */
    double rate_default[HYPER_RATES];   /* NAN: the rate has to be given */

    hyper_block_function advance;           /* state_t to state_{t+1}; x_out */
    hyper_block_function settle;            /* or NULL: the part of it that waits until all blocks of a strip have done advance */
    hyper_block_function retreat_position;  /* x_{t+1} to x_t, and x_out; cotangents through it; direction_out, unless it depends on the gradient */
    hyper_block_function direction;         /* direction_out from the gradient; NULL where retreat_position gives it */
    hyper_block_function retreat_moments;   /* the other states to those of t, from the last element on; cotangents through them; product */
    /* Changes the tangents of the state before the iteration into those after it. `product` is the tangent of the
     * gradient. */
    hyper_block_function follow;
    unsigned position_loses_by;             /* the rates that make the position lose digits too: without a coder x_t has to be there already */
    unsigned position_terms, moment_terms;  /* the rates that have terms from the two: bit r stands for rate r */
} hyper_dynamics;

/* A failed_state: the value that did not fit is not in the units of a state. */
enum { HYPER_NO_UNIT = -1 };

extern const hyper_dynamics hyper_sgd_dynamics, hyper_adam_dynamics, hyper_adam_sum_dynamics;

#endif
