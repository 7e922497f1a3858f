/* The stacks of words of coders: what coder.c and store.c share. */
#ifndef HYPER_STORE_H
#define HYPER_STORE_H

#include "coder.h"

enum {
    LANES = 16,
    RESERVE = 32,                     /* words at the bottom of a stack: the most that going forward takes (coder.c) */
    WORD_BITS = 16,
    LOW_BITS = 18,                    /* a lane at rest is at least 2^18 and below 2^34 */
    FIRST_WORDS = 64
};

/* A block of words. The last ones are on top. */
typedef struct hyper_words {
    struct hyper_words *below;        /* the block below in memory; NULL: the words below are in the file, or there are none */
    int64_t capacity;
    uint16_t *word;
} hyper_words;

struct hyper_coder {
    double lane[LANES];               /* integers */
    hyper_words *top;
    int64_t fill;                     /* words in the top block */
    int64_t words;                    /* below the top block, in memory and in the file */
    int64_t blocks;                   /* in memory beside `first` */
    int64_t slot, slots;              /* the newest block in the file, and how many there are */
    int64_t bytes, peak;              /* in blocks and slots: now, and the most so far */
    hyper_store *store;
    hyper_store_state failure;
    const hyper_ahead *ahead;
    uint64_t start[HYPER_LANES];      /* the lanes when the coder is empty */
    hyper_words first;
    uint16_t first_word[FIRST_WORDS];
};

/* Called when the top block is full, and when it is empty. false: coder->failure says why. */
bool hyper_words_grow(hyper_coder *coder);
bool hyper_words_shrink(hyper_coder *coder);

static inline bool hyper_push_word(hyper_coder *coder, uint16_t word)
{
    if (__builtin_expect(coder->fill == coder->top->capacity, 0) && !hyper_words_grow(coder))
        return false;
    coder->top->word[coder->fill++] = word;
    return true;
}

static inline bool hyper_pop_word(hyper_coder *coder, uint16_t *word)
{
    if (__builtin_expect(coder->fill == 0, 0) && !hyper_words_shrink(coder))
        return false;
    *word = coder->top->word[--coder->fill];
    return true;
}

#endif
