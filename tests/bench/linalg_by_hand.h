/* The rows of linalg_bench.c for one matrix on LAPACK and BLAS alone, as a person would write them who has memory at
 * hand: nothing is allocated, no size of a workspace is asked for, and matrices lie as LAPACK wants them. Gradients are
 * those of the functions in linalg_bench.c, by the formulas of libad's rules. */
#ifndef LINALG_BY_HAND_H
#define LINALG_BY_HAND_H

#include "bench.h"

typedef struct by_hand {
    const struct by_hand_routine *routine;
    int n;
    double *rows, *columns;      /* the matrix, and its transpose */
    double *a, *b, *c, *w, *tau; /* what run leaves: matrices, and vectors of 2 n and n */
    double *work;
    int *pivots, *integers;
    double *result; /* as libad gives it, made by arrange */
    int64_t count;
} by_hand;

typedef struct by_hand_routine {
    const char *name;
    void (*run)(by_hand *);
    void (*arrange)(by_hand *);
} by_hand_routine;

/* The routine of that name; NULL where there is none. */
const by_hand_routine *by_hand_find(const char *name);

/* Room for an (n, n) matrix of doubles; NULL: no memory. Give it back with by_hand_free. */
by_hand *by_hand_new(const by_hand_routine *routine, ad_array *x);
void by_hand_free(by_hand *h);

/* For a bench_piece. */
void by_hand_run(void *h);
bench_sum by_hand_sum(void *h);

#endif
