/* The coder keeps the digits that multiplying integers by rationals n/d <= 1 loses.
 *
 * One coder serves one strip: HYPER_STRIP consecutive elements of the flat vector of parameters. Strips may run in
 * parallel, a coder in one thread at a time. The bits depend on nothing but what each coder was asked to do. A store is
 * what all coders of a run share: where their words go.
 *
 * hyper_coder_multiply and hyper_coder_divide are exact inverses of each other, and so are push and pop, when calls are
 * undone in reverse order with the same count, ratios and stride. They return HYPER_FINE, or the index of an element at
 * which they failed. For a mismatch that is the first such element of the call. hyper_store_failure then gives the
 * reason. Neither integers nor coder are of further use, and hyper_store_clear begins again. */
#ifndef HYPER_CODER_H
#define HYPER_CODER_H

#include "ratio.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define HYPER_FINE ((int64_t)-1) /* no element failed */

enum {
    HYPER_STRIP = 16384,
    HYPER_LANES = 24 /* how many numbers hold the state of a coder's lanes */
};

typedef struct hyper_store hyper_store;
typedef struct hyper_coder hyper_coder;

typedef enum hyper_store_state {
    HYPER_STORE_FINE = 0,
    HYPER_STORE_NO_MEMORY,
    HYPER_STORE_IO,      /* the spill file cannot be written or read */
    HYPER_STORE_MISMATCH /* divide or pop was given integers that multiply cannot have returned, or more of them */
} hyper_store_state;

/* Coders that hold nothing; NULL and libad's error if there is no memory.
 *
 * spill: NULL, or a file open for update ("w+b"). It is used from its present position on and never closed here. A
 * block is written to it, flushed and read back at once. If that fails, hyper_store_failure of the new store is
 * HYPER_STORE_IO from then on. memory_limit: bytes of words kept in memory when there is a spill file; 0: 64 MiB. Every
 * coder keeps two blocks of 256 bytes or more, whatever the limit. */
hyper_store *hyper_store_new(int64_t coders, FILE *spill, size_t memory_limit);
void hyper_store_free(hyper_store *store);
hyper_coder *hyper_store_coder(hyper_store *store, int64_t i);

/* Empties all coders, whatever happened before. discard: words are thrown away from now on. Then multiplying gives the
 * same integers with less memory, and nothing can be divided. */
void hyper_store_clear(hyper_store *store, bool discard);

/* Forgets the words of all coders, except what multiplying needs to go on, and keeps those to come. What is done from
 * now on can be undone. */
void hyper_store_begin(hyper_store *store);

/* The numbers that a coder needs to go on with the same bits, for saving. */
void hyper_coder_lanes(hyper_coder *coder, uint64_t lanes[HYPER_LANES]);

/* Sets those numbers: the coder begins there, without words. If no coder gives such numbers: false, and nothing is
 * done. */
bool hyper_coder_set_lanes(hyper_coder *coder, const uint64_t lanes[HYPER_LANES]);

/* v = v n/d, rounded down or up. The coder's digits decide which, and the coder keeps the digit that tells this v from
 * others with the same result. The error is below 1, and 0 stays 0. It cannot overflow. Elements with n = d stay as
 * they are. stride 0: one ratio for all; 1: one each. The net growth is log2(d/n) bits per element. */
int64_t hyper_coder_multiply(hyper_coder *coder, int64_t count, int64_t *v, const hyper_ratio *ratio, int64_t stride);

/* The inverse, which takes elements from the last to the first. A result that is out of range is a mismatch. */
int64_t hyper_coder_divide(hyper_coder *coder, int64_t count, int64_t *v, const hyper_ratio *ratio, int64_t stride);

/* The same for integers with 32 bits more, v + fine 2^-32: a word each, and the bits below it. */
int64_t hyper_coder_multiply_fine(hyper_coder *coder, int64_t count, int64_t *v, uint32_t *fine, const hyper_ratio *ratio, int64_t stride);
int64_t hyper_coder_divide_fine(hyper_coder *coder, int64_t count, int64_t *v, uint32_t *fine, const hyper_ratio *ratio, int64_t stride);

/* Keeps digits, 0 <= digit[i] < base[i] <= 2^16, at log2(base[i]) bits each. The inverse writes them to `digit`. */
int64_t hyper_coder_push(hyper_coder *coder, int64_t count, const int64_t *digit, const int64_t *base);
int64_t hyper_coder_pop(hyper_coder *coder, int64_t count, int64_t *digit, const int64_t *base);

enum { HYPER_AHEAD = 32 };

/* Vectors that are prefetched. Work on digits is arithmetic that does not wait for memory. So while multiply and divide
 * are at element i of their call, they prefetch element i of each vector here. Then what the next block reads is in the
 * cache when it comes. */
typedef struct hyper_ahead {
    int count;
    struct {
        uintptr_t at, step; /* bytes from one group of lanes to the next */
    } line[HYPER_AHEAD];
} hyper_ahead;

/* Adds a vector from element `from` on. What is more than HYPER_AHEAD lines is left out. The memory need not exist, and
 * the vector may be NULL: nothing is read. */
void hyper_ahead_add(hyper_ahead *ahead, const void *vector, size_t size, int64_t from);

/* The vectors that calls prefetch from now on; NULL: none. */
void hyper_coder_ask(hyper_coder *coder, const hyper_ahead *ahead);

/* The functions below are about all coders together. */

/* Why a coder failed first. Not to be called while coders run. */
hyper_store_state hyper_store_failure(const hyper_store *store);

/* Whether every coder is in the very state that hyper_store_clear, hyper_store_begin or hyper_coder_set_lanes left: all
 * is undone. */
bool hyper_store_is_empty(const hyper_store *store);

/* The information that the coders hold since then, in bits. */
double hyper_store_bits(const hyper_store *store);

/* The most bytes that each coder has held since the store was made, in memory and in the file, added up over the
 * coders. */
int64_t hyper_store_peak_bytes(const hyper_store *store);

#endif
