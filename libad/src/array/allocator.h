/* The caching allocator of a thread: its state, and its functions on blocks. The fast paths for small blocks are in
 * memory.h.
 *
 * Bytes are counted as those of whole blocks: requests are rounded up to their size class. */
#ifndef AD_ALLOCATOR_INTERNAL_H
#define AD_ALLOCATOR_INTERNAL_H

#include "array/array.h"

/* Freed blocks by size class, kept for reuse. The largest block has 2^52 bytes, more than a machine can address. */
enum { AD_SIZE_CLASSES = 185 };
#define AD_LARGEST_BLOCK (INT64_C(1) << 52)

#if defined(__SANITIZE_ADDRESS__)
#define AD_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define AD_ASAN 1
#endif
#endif

/* Whether every block comes from malloc and goes with free, whatever the program runs under. */
#if defined(AD_ASAN) || defined(AD_CHECKED)
#define AD_UNCACHED true
#else
#define AD_UNCACHED false
#endif

/* Blocks of at most 1 KiB: one class of 64 bytes each. */
enum { AD_SMALL_STEP = 64, AD_SMALL_CLASSES = 16 };

struct ad_allocator {
    struct ad_small_blocks {
        void **blocks; /* freed blocks, the last one freed at the end */
        uint32_t count, capacity;
    } small[AD_SMALL_CLASSES + 1];
    struct ad_waiting *free[AD_SIZE_CLASSES]; /* of each larger class: the block freed last */
    struct ad_waiting *oldest, *newest; /* of all waiting blocks of the larger classes */
    ad_array **scalars; /* freed arrays of kind AD_SCALAR, at hand for reuse; all but their `slot` and `scalar` is as in a new one */
    uint32_t scalars_count, scalars_capacity;
    struct ad_slab_list {
        struct ad_slab *first, *usable;
        uint32_t exhausted; /* slabs that have run out since all slabs were last asked for scalars that other threads freed */
        uint32_t due;       /* they are asked again when so many slabs have run out */
    } slabs;
    int64_t live, peak, limit; /* bytes in use, the most there were, the most there may be */
    int64_t system_allocations;
    /* Threshold of the fast paths: a request that would raise `live` above it takes the slow path. It is the peak, so
     * that the slow path can raise the peak. It is INT64_MIN where every request has to be looked at: where there is a
     * limit, or a failure was asked for. */
    int64_t watch;
    int64_t total;          /* bytes that the system has given, in use or waiting */
    int64_t listed;         /* bytes waiting in the list from `oldest` to `newest` */
    int64_t stuck;          /* bytes that waited in slabs at the last drain, which could not go back because a scalar in them was in use */
    _Atomic int64_t taken;  /* bytes of `live` in blocks that another thread has freed and owns since then */
    int64_t fail_countdown; /* 0: off; otherwise the allocations until the first failure */
    bool failing;
    bool uncached; /* for memory checkers: nothing is kept for reuse */
};

void *ad_allocate(ad_context *c, size_t bytes); /* NULL and an error; aligned to 16 bytes, from 1 KiB on to 64 */
void ad_deallocate(ad_context *c, void *block, size_t bytes);
void ad_deallocate_of(ad_context *c, uint32_t owner, void *block, size_t bytes); /* a block that the thread `owner` made */
bool ad_grow(ad_context *c, void *vector, uint32_t *capacity, size_t item, uint32_t wanted); /* doubles *(void **)vector */
void ad_allocator_start(struct ad_allocator *a);
void ad_allocator_drain(struct ad_allocator *a);
bool ad_allocation_allowed(ad_context *c, size_t bytes); /* false and an error: the bytes go beyond the limit, or a failure was asked for */
void *ad_block_from_system(struct ad_allocator *a, size_t bytes);
void ad_allocated(struct ad_allocator *a, size_t bytes);

#endif
