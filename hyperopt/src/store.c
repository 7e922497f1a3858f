/* Where the words of all coders of a run go: memory, a spill file, or nowhere.
 *
 * A coder's stack begins with RESERVE words in the coder itself. It goes on in blocks, which are larger the more words
 * there are. With a spill file all blocks have one size. A coder then keeps its share of the memory limit in memory,
 * two blocks at least. When it wants another block, it puts the lowest of them into a slot of the file. So a block of
 * words lies between two transfers. A slot names the one below it. The end of the file is taken back when the last slot
 * is freed, and all of the file when no slot is in use, as after a pass there and back. The lock guards the file and
 * its slots. All other data of a coder is its own. */
#include "store.h"

#include <ad/scope.h>
#include <math.h>
#include <pthread.h>
#include <string.h>
#include <sys/types.h>

#define DEFAULT_MEMORY_LIMIT ((size_t)64 << 20)
#define EMPTY_LANE ((uint64_t)1 << LOW_BITS)

/* Bytes of a block's header and the allocator's, which together are at most HEADERS. All coders of a run fill blocks at
 * the same pace: at the worst moment all of them have just begun one. */
enum { HEADERS = 96, LEAST_BLOCK = 256, MOST_BLOCK = 8 << 10, MOST_WORDS = (MOST_BLOCK - HEADERS) / 2, LEAST_SLOT_WORDS = 128 };

struct hyper_store {
    int64_t count;
    hyper_coder *coder;
    bool discard;
    FILE *spill;
    off_t origin;                     /* where this run's part of the file begins */
    int64_t slot_words;               /* in every block, if there is a file */
    int64_t most_blocks;              /* that a coder keeps in memory, if there is a file */
    bool unusable;                    /* the file was unusable at the start */
    pthread_mutex_t lock;             /* for what follows, and the file */
    int64_t end, used;                /* slots: the first one never used, and the number in use */
};

static bool fail(hyper_coder *coder, hyper_store_state failure)
{
    coder->failure = failure;
    return false;
}

/* Each coder has a peak of its own, which does not depend on what the others do at that time. */
static void count_bytes(hyper_coder *coder, int64_t bytes)
{
    coder->bytes += bytes;
    coder->peak = coder->bytes > coder->peak ? coder->bytes : coder->peak;
}

/* ---- the file ---- */

static int64_t slot_bytes(const hyper_store *store)
{
    return (int64_t)sizeof(int64_t) + store->slot_words * (int64_t)sizeof(uint16_t);
}

static bool seek(const hyper_store *store, int64_t slot)
{
    return fseeko(store->spill, store->origin + (off_t)(slot * slot_bytes(store)), SEEK_SET) == 0;
}

static bool write_slot(const hyper_store *store, int64_t slot, int64_t below, const uint16_t *word)
{
    size_t words = (size_t)store->slot_words;
    return seek(store, slot) && fwrite(&below, sizeof below, 1, store->spill) == 1 && fwrite(word, sizeof *word, words, store->spill) == words &&
           fflush(store->spill) == 0;
}

static bool read_slot(const hyper_store *store, int64_t slot, int64_t *below, uint16_t *word)
{
    size_t words = (size_t)store->slot_words;
    return seek(store, slot) && fread(below, sizeof *below, 1, store->spill) == 1 && fread(word, sizeof *word, words, store->spill) == words;
}

static bool spill_block(hyper_coder *coder, const uint16_t *word)
{
    hyper_store *store = coder->store;
    pthread_mutex_lock(&store->lock);
    int64_t slot = store->end;
    bool done = write_slot(store, slot, coder->slot, word);
    if (done) {
        store->end++;
        store->used++;
    }
    pthread_mutex_unlock(&store->lock);
    if (!done)
        return fail(coder, HYPER_STORE_IO);
    coder->slot = slot;
    coder->slots++;
    count_bytes(coder, slot_bytes(store));
    return true;
}

static bool read_block(hyper_coder *coder, uint16_t *word)
{
    hyper_store *store = coder->store;
    pthread_mutex_lock(&store->lock);
    int64_t below;
    bool done = read_slot(store, coder->slot, &below, word);
    if (done) {
        store->used--;
        store->end = store->used == 0 ? 0 : coder->slot == store->end - 1 ? coder->slot : store->end;
    }
    pthread_mutex_unlock(&store->lock);
    if (!done)
        return fail(coder, HYPER_STORE_IO);
    coder->slot = below;
    coder->slots--;
    count_bytes(coder, -slot_bytes(store));
    return true;
}

/* Whether what is written there can be read back. If there is no memory to try: false. */
static bool try_file(hyper_store *store)
{
    size_t words = (size_t)store->slot_words;
    uint16_t *word = ad_memory_take(2 * words * sizeof *word), *back = word + words;
    int64_t below;
    if (!word)
        return false;
    for (size_t i = 0; i < words; i++)
        word[i] = (uint16_t)(i * 40503);
    store->origin = ftello(store->spill);
    store->unusable = store->origin < 0 || !write_slot(store, 0, 1, word) || !read_slot(store, 0, &below, back) || below != 1 ||
                      memcmp(word, back, words * sizeof *word) != 0;
    ad_memory_give(word);
    return true;
}

/* ---- blocks ---- */

static int64_t block_bytes(int64_t words)
{
    return (int64_t)sizeof(hyper_words) + words * (int64_t)sizeof(uint16_t);
}

/* An eighth of the words held, in a block that fills its size class of the allocator, of which there are four to an
 * octave. */
static int64_t words_of_block(const hyper_coder *coder)
{
    int64_t bytes = (coder->words + coder->fill) / 8 * (int64_t)sizeof(uint16_t);
    bytes = bytes < LEAST_BLOCK ? LEAST_BLOCK : bytes > MOST_BLOCK ? MOST_BLOCK : bytes;
    bytes &= -(INT64_C(1) << (63 - __builtin_clzll((unsigned long long)bytes) - 2));
    return (bytes - HEADERS) / (int64_t)sizeof(uint16_t);
}

static hyper_words *new_block(hyper_coder *coder)
{
    int64_t words = coder->store->spill ? coder->store->slot_words : words_of_block(coder);
    hyper_words *block = ad_memory_take((size_t)block_bytes(words));
    if (!block) {
        fail(coder, HYPER_STORE_NO_MEMORY);
        return NULL;
    }
    *block = (hyper_words){ .capacity = words, .word = (uint16_t *)(block + 1) };
    coder->blocks++;
    count_bytes(coder, block_bytes(words));
    return block;
}

static void drop_block(hyper_coder *coder, hyper_words *block)
{
    coder->blocks--;
    count_bytes(coder, -block_bytes(block->capacity));
    ad_memory_give(block);
}

/* Writes the lowest block in memory, other than `first`, into the file. Its memory is for a new block on top. */
static hyper_words *lowest_block(hyper_coder *coder)
{
    hyper_words *above = coder->top, *lowest;
    while (above->below->below != NULL && above->below->below != &coder->first)
        above = above->below;
    lowest = above->below;
    if (!spill_block(coder, lowest->word))
        return NULL;
    above->below = lowest->below;
    return lowest;
}

bool hyper_words_grow(hyper_coder *coder)
{
    hyper_store *store = coder->store;
    if (store->discard) {
        memmove(coder->first_word, coder->first_word + coder->fill - RESERVE, RESERVE * sizeof *coder->first_word);
        coder->fill = RESERVE;
        return true;
    }
    hyper_words *block = store->spill && coder->blocks >= store->most_blocks ? lowest_block(coder) : new_block(coder);
    if (!block)
        return false;
    block->below = coder->top;
    coder->words += coder->fill;
    coder->top = block;
    coder->fill = 0;
    return true;
}

/* The words in the file lie between `first` and the other blocks. */
bool hyper_words_shrink(hyper_coder *coder)
{
    hyper_words *top = coder->top;
    if (top == &coder->first)
        return fail(coder, HYPER_STORE_MISMATCH);
    if (top->below == &coder->first && coder->slots) {
        if (!read_block(coder, top->word))
            return false;
        coder->fill = top->capacity;
    } else {
        coder->top = top->below;
        coder->fill = coder->top->capacity;
        drop_block(coder, top);
    }
    coder->words -= coder->fill;
    return true;
}

/* ---- lanes as numbers ---- */

static void write_reserve(hyper_coder *coder, const uint64_t lanes[HYPER_LANES])
{
    while (coder->top != &coder->first) {
        hyper_words *top = coder->top;
        coder->top = top->below;
        drop_block(coder, top);
    }
    pthread_mutex_lock(&coder->store->lock);
    coder->store->used -= coder->slots;
    coder->store->end = coder->store->used == 0 ? 0 : coder->store->end;
    pthread_mutex_unlock(&coder->store->lock);
    count_bytes(coder, -coder->slots * slot_bytes(coder->store));
    coder->slots = 0;
    coder->words = 0;
    coder->fill = RESERVE;
    coder->failure = HYPER_STORE_FINE;
    for (int i = 0; i < LANES; i++)
        coder->lane[i] = (double)lanes[i];
    memcpy(coder->first_word, lanes + LANES, RESERVE * sizeof *coder->first_word);
    memcpy(coder->start, lanes, sizeof coder->start);
}

static bool read_lanes(hyper_coder *coder, uint64_t lanes[HYPER_LANES])
{
    uint16_t word[RESERVE];
    for (int i = RESERVE - 1; i >= 0; i--)
        if (!hyper_pop_word(coder, &word[i]))
            return false;
    for (int i = 0; i < RESERVE; i++)
        if (!hyper_push_word(coder, word[i]))
            return false;
    for (int i = 0; i < LANES; i++)
        lanes[i] = (uint64_t)coder->lane[i];
    memcpy(lanes + LANES, word, sizeof word);
    return true;
}

void hyper_coder_lanes(hyper_coder *coder, uint64_t lanes[HYPER_LANES])
{
    if (!read_lanes(coder, lanes))
        memset(lanes, 0, HYPER_LANES * sizeof *lanes);
}

bool hyper_coder_set_lanes(hyper_coder *coder, const uint64_t lanes[HYPER_LANES])
{
    for (int i = 0; i < LANES; i++)
        if (lanes[i] < EMPTY_LANE || lanes[i] >= EMPTY_LANE << WORD_BITS)
            return false;
    write_reserve(coder, lanes);
    return true;
}

/* ---- all coders ---- */

hyper_store *hyper_store_new(int64_t coders, FILE *spill, size_t memory_limit)
{
    hyper_store *store = ad_memory_take(sizeof *store);
    if (!store)
        return NULL;
    *store = (hyper_store){ .count = coders, .spill = spill, .lock = PTHREAD_MUTEX_INITIALIZER };
    store->coder = ad_memory_take((size_t)(coders ? coders : 1) * sizeof *store->coder);
    if (!store->coder) {
        ad_memory_give(store);
        return NULL;
    }
    int64_t share = (int64_t)((memory_limit ? memory_limit : DEFAULT_MEMORY_LIMIT) / sizeof(uint16_t)) / (coders ? coders : 1), slot = share / 4;
    store->slot_words = slot < LEAST_SLOT_WORDS ? LEAST_SLOT_WORDS : slot > MOST_WORDS ? MOST_WORDS : slot;
    store->most_blocks = share / store->slot_words < 2 ? 2 : share / store->slot_words;
    for (int64_t i = 0; i < coders; i++) {
        hyper_coder *coder = &store->coder[i];
        *coder = (hyper_coder){ .store = store, .first = { .capacity = FIRST_WORDS, .word = coder->first_word }, .top = &coder->first };
    }
    hyper_store_clear(store, false);
    if (spill && !try_file(store)) {
        hyper_store_free(store);
        return NULL;
    }
    return store;
}

void hyper_store_free(hyper_store *store)
{
    if (!store)
        return;
    hyper_store_clear(store, false);
    pthread_mutex_destroy(&store->lock);
    ad_memory_give(store->coder);
    ad_memory_give(store);
}

hyper_coder *hyper_store_coder(hyper_store *store, int64_t i)
{
    return &store->coder[i];
}

void hyper_store_clear(hyper_store *store, bool discard)
{
    uint64_t lanes[HYPER_LANES] = { 0 };
    for (int i = 0; i < LANES; i++)
        lanes[i] = EMPTY_LANE;
    for (int64_t i = 0; i < store->count; i++)
        write_reserve(&store->coder[i], lanes);
    store->discard = discard;
}

void hyper_store_begin(hyper_store *store)
{
    uint64_t lanes[HYPER_LANES];
    for (int64_t i = 0; i < store->count; i++)
        if (read_lanes(&store->coder[i], lanes))
            write_reserve(&store->coder[i], lanes);
    store->discard = false;
}

hyper_store_state hyper_store_failure(const hyper_store *store)
{
    hyper_store_state failure = store->unusable ? HYPER_STORE_IO : HYPER_STORE_FINE;
    for (int64_t i = 0; i < store->count && failure == HYPER_STORE_FINE; i++)
        failure = store->coder[i].failure;
    return failure;
}

static bool is_empty(const hyper_coder *coder)
{
    if (coder->top != &coder->first || coder->fill != RESERVE || memcmp(coder->first_word, coder->start + LANES, RESERVE * sizeof *coder->first_word) != 0)
        return false;
    for (int i = 0; i < LANES; i++)
        if (coder->lane[i] != (double)coder->start[i])
            return false;
    return true;
}

bool hyper_store_is_empty(const hyper_store *store)
{
    for (int64_t i = 0; i < store->count; i++)
        if (!is_empty(&store->coder[i]))
            return false;
    return true;
}

double hyper_store_bits(const hyper_store *store)
{
    double bits = 0;
    for (int64_t c = 0; c < store->count; c++) {
        const hyper_coder *coder = &store->coder[c];
        bits += (double)(coder->words + coder->fill - RESERVE) * WORD_BITS;
        for (int i = 0; i < LANES; i++)
            bits += log2(coder->lane[i] / (double)coder->start[i]);
    }
    return bits;
}

int64_t hyper_store_peak_bytes(const hyper_store *store)
{
    int64_t bytes = (int64_t)sizeof *store;
    for (int64_t i = 0; i < store->count; i++)
        bytes += (int64_t)sizeof store->coder[i] + store->coder[i].peak;
    return bytes;
}
