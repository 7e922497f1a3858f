/* The caching allocator: freed blocks wait by size class for the next request.
 *
 * A request is rounded up to its class, so any block of a class serves any request of it. Blocks come one by one from
 * the system, so any thread may free them. A block that another thread frees belongs to that thread from then on. The
 * thread that made it is told: it subtracts such blocks when it passes its peak or its limit, or when it is asked.
 *
 * The memory that waits is never more than this thread ever had in use at once. Beyond that, the block that has waited
 * longest goes back to the system, and not the block freed last. So the cache follows a program from large arrays to
 * small ones and back. There are too many small blocks to list them by age. All of them go back together when they are
 * the larger half of what waits. A small block waits in a vector of its class, and its memory is not touched there:
 * freeing it brings nothing into the processor's cache, and the block after the next can be fetched in time.
 *
 * Memory checkers see blocks, not arrays. For them nothing is kept: every block comes from malloc and goes back with
 * free. So a report of a use after free names the calls that made and freed the block. */
#include "array/error.h"
#include "array/scope.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { STEP = AD_SMALL_STEP, SMALL_CLASSES = AD_SMALL_CLASSES, SMALL = STEP * SMALL_CLASSES, SMALLEST_CACHE = 64 << 20 };
_Static_assert(INT64_C(1) << (10 + (AD_SIZE_CLASSES - 1 - SMALL_CLASSES) / 4) == AD_LARGEST_BLOCK, "the last class is that of the largest block");

/* Size classes: multiples of 64 bytes up to 1 KiB, then four classes for each doubling. */
static int class_of(size_t bytes, size_t *rounded)
{
    if (bytes <= SMALL) {
        int class = bytes ? (int)((bytes + STEP - 1) / STEP) : 1;
        *rounded = (size_t)class * STEP;
        return class;
    }
    int octave = 63 - __builtin_clzll(bytes - 1); /* 2^octave < bytes <= 2^(octave + 1) */
    size_t quarter = (size_t)1 << (octave - 2);
    size_t quarters = (bytes - ((size_t)1 << octave) + quarter - 1) / quarter;
    *rounded = ((size_t)1 << octave) + quarters * quarter;
    return SMALL_CLASSES + 4 * (octave - 10) + (int)quarters;
}

static int64_t bytes_of(int class)
{
    if (class <= SMALL_CLASSES)
        return (int64_t)class * STEP;
    int octave = 10 + (class - SMALL_CLASSES - 1) / 4, quarters = (class - SMALL_CLASSES - 1) % 4 + 1;
    return (INT64_C(1) << octave) + quarters * (INT64_C(1) << (octave - 2));
}

/* A block of more than 1 KiB that waits. It is in two lists: the stack of its class, where the blocks below it were
 * freed earlier, and the list of all blocks by age. */
struct ad_waiting {
    struct ad_waiting *below, *above, *older, *newer;
    int class;
};

static void put_in(struct ad_allocator *a, int class, void *block)
{
    struct ad_waiting *w = block, *below = a->free[class], *older = a->newest;
    *w = (struct ad_waiting){ .below = below, .older = older, .class = class };
    if (below)
        below->above = w;
    *(older ? &older->newer : &a->oldest) = w;
    a->newest = w;
    a->free[class] = w;
    a->listed += bytes_of(class);
}

static void take_out(struct ad_allocator *a, struct ad_waiting *w)
{
    *(w->older ? &w->older->newer : &a->oldest) = w->newer;
    *(w->newer ? &w->newer->older : &a->newest) = w->older;
    if (w->above)
        w->above->below = w->below;
    else
        a->free[w->class] = w->below;
    if (w->below)
        w->below->above = w->above;
    a->listed -= bytes_of(w->class);
}

static void give_back(struct ad_allocator *a, struct ad_waiting *w)
{
    take_out(a, w);
    a->total -= bytes_of(w->class);
    free(w);
}

static int64_t cached(const struct ad_allocator *a)
{
    return a->total - a->live;
}

static int64_t cache_bound(const struct ad_allocator *a)
{
    return a->peak > SMALLEST_CACHE ? a->peak : SMALLEST_CACHE;
}

/* Gives small blocks and scalars back to the system. A slab stays if one of its scalars is in use. What stays is
 * remembered in `stuck`: the next attempt waits until about as much has been added. */
static void drain_small(struct ad_allocator *a)
{
    ad_slabs_drain(a, false);
    for (int class = 0; class <= SMALL_CLASSES; class++) {
        struct ad_small_blocks *s = &a->small[class];
        a->total -= s->count * bytes_of(class);
        while (s->count)
            free(s->blocks[--s->count]);
        free(s->blocks);
        *s = (struct ad_small_blocks){ 0 };
    }
    a->stuck = cached(a) - a->listed;
}

/* Keeps a small block for reuse; false: the system has no room for a longer vector. */
static bool keep_small(struct ad_allocator *a, int class, void *block)
{
    struct ad_small_blocks *s = &a->small[class];
    if (s->count == s->capacity) {
        uint32_t capacity = s->capacity ? 2 * s->capacity : 64;
        void **grown = realloc(s->blocks, capacity * sizeof *grown);
        if (!grown)
            return false;
        s->blocks = grown;
        s->capacity = capacity;
    }
    s->blocks[s->count++] = block;
    return true;
}

static bool small_exceed(const struct ad_allocator *a, int64_t bytes)
{
    int64_t small = cached(a) - a->listed;
    return small > bytes && small > 2 * a->stuck;
}

/* Called where more is cached than should be. The block freed last stays. */
static void shrink_cache(struct ad_allocator *a)
{
    int64_t bound = cache_bound(a);
    if (small_exceed(a, bound / 2))
        drain_small(a);
    while (cached(a) > bound && a->oldest != a->newest)
        give_back(a, a->oldest);
    if (cached(a) > bound && small_exceed(a, 0))
        drain_small(a);
}

/* The size of a huge page, on systems that give them to those who ask. Large blocks begin at a multiple of it. */
#define HUGE_PAGE ((size_t)2 << 20)

static void *fresh_block(size_t bytes)
{
    void *block;
    if (bytes < SMALL)
        return malloc(bytes);
    return posix_memalign(&block, bytes < HUGE_PAGE ? 64 : HUGE_PAGE, bytes) ? NULL : block;
}

/* Asks for huge pages under a large array, since a walk through memory is faster with them. No page reaches beyond what
 * was asked for, so no memory is taken that is not used. */
static void ask_for_huge_pages(void *block, size_t bytes)
{
#ifdef MADV_HUGEPAGE
    if (block && bytes >= HUGE_PAGE)
        madvise(block, bytes & ~(HUGE_PAGE - 1), MADV_HUGEPAGE);
#else
    (void)block, (void)bytes;
#endif
}

void *ad_block_from_system(struct ad_allocator *a, size_t bytes)
{
    if (cached(a) > cache_bound(a))
        shrink_cache(a);
    void *block = fresh_block(bytes);
    if (!block && cached(a) > 0) {
        ad_allocator_drain(a);
        block = fresh_block(bytes);
    }
    a->system_allocations++;
    a->total += block ? (int64_t)bytes : 0;
    return block;
}

/* valgrind's tool memcheck puts a library of its own in front of a program's. */
static bool is_under_memcheck(void)
{
    const char *preloaded = getenv("LD_PRELOAD");
    return preloaded && strstr(preloaded, "vgpreload_memcheck");
}

static void set_watch(struct ad_allocator *a)
{
    a->watch = a->uncached || a->limit || a->fail_countdown || a->failing ? INT64_MIN : a->peak;
}

/* Whether this allocation is one that ad_memory_fail_after asked to fail. */
static bool injected_failure(struct ad_allocator *a)
{
    if (a->fail_countdown && --a->fail_countdown == 0)
        a->failing = true;
    return a->failing;
}

/* Subtracts the blocks that other threads took. */
static void settle(struct ad_allocator *a)
{
    int64_t taken = atomic_load_explicit(&a->taken, memory_order_relaxed);
    if (taken)
        taken = atomic_exchange_explicit(&a->taken, 0, memory_order_relaxed);
    a->live -= taken;
    a->total -= taken;
}

/* The same for blocks and scalars. */
static void settle_all(struct ad_allocator *a)
{
    settle(a);
    ad_slabs_collect(a);
}

static bool beyond_limit(const struct ad_allocator *a, size_t bytes)
{
    return a->limit && a->live + (int64_t)bytes > a->limit;
}

bool ad_allocation_allowed(ad_context *c, size_t bytes)
{
    struct ad_allocator *a = &c->allocator;
    if (beyond_limit(a, bytes))
        settle_all(a);
    if (beyond_limit(a, bytes))
        ad_set_error_of_running(AD_ERROR_MEMORY, "out of memory: %zu bytes more would pass the limit of %lld (in use: %lld)", bytes, (long long)a->limit,
                     (long long)a->live);
    else if ((a->fail_countdown || a->failing) && injected_failure(a))
        ad_set_error_of_running(AD_ERROR_MEMORY, "out of memory: %zu bytes (a failure asked for by ad_memory_fail_after)", bytes);
    else
        return true;
    return false;
}

void ad_allocator_start(struct ad_allocator *a)
{
    a->uncached = AD_UNCACHED || is_under_memcheck();
    set_watch(a);
}

void ad_allocated(struct ad_allocator *a, size_t bytes)
{
    a->live += (int64_t)bytes;
    if (a->live > a->peak)
        settle(a);
    if (a->live > a->peak) {
        a->peak = a->live;
        set_watch(a);
    }
}

void *ad_allocate(ad_context *c, size_t bytes)
{
    return bytes && bytes <= SMALL ? ad_allocate_small(c, bytes) : ad_allocate_further(c, bytes);
}

void *ad_allocate_further(ad_context *c, size_t bytes)
{
    struct ad_allocator *a = &c->allocator;
    if (bytes > AD_LARGEST_BLOCK)
        return ad_set_error_of_running(AD_ERROR_MEMORY, "out of memory: %zu bytes are more than a machine can have", bytes);
    size_t rounded;
    int class = class_of(bytes, &rounded);
    if (!ad_allocation_allowed(c, rounded))
        return NULL;
    bool is_small = class <= SMALL_CLASSES;
    struct ad_small_blocks *small = &a->small[is_small ? class : 0];
    void *block = !is_small ? a->free[class] : small->count ? small->blocks[small->count - 1] : NULL;
    if (a->uncached) {
        block = fresh_block(bytes > SMALL ? bytes : rounded); /* arrays look for inline data at the rounded size */
        a->system_allocations++;
        a->total += block ? (int64_t)rounded : 0;
    } else if (block && !is_small) {
        take_out(a, block);
    } else if (block) {
        small->count--;
    } else {
        block = ad_block_from_system(a, rounded);
        ask_for_huge_pages(block, bytes);
    }
    if (!block)
        return ad_set_error_of_running(AD_ERROR_MEMORY, "out of memory: the system has no %zu bytes (in use: %lld)", rounded, (long long)a->live);
    ad_allocated(a, rounded);
    return block;
}

void ad_deallocate(ad_context *c, void *block, size_t bytes)
{
    struct ad_allocator *a = &c->allocator;
    if (!block)
        return;
    int64_t bound = cache_bound(a);
    size_t rounded;
    int class = class_of(bytes, &rounded);
    a->live -= (int64_t)rounded;
    if (a->uncached || (int64_t)rounded > bound || (class <= SMALL_CLASSES && !keep_small(a, class, block))) {
        free(block);
        a->total -= (int64_t)rounded;
        return;
    }
    if (class > SMALL_CLASSES)
        put_in(a, class, block);
    if (cached(a) > bound)
        shrink_cache(a);
}

void ad_deallocate_of(ad_context *c, uint32_t owner, void *block, size_t bytes)
{
    size_t rounded;
    if (owner != c->id) {
        class_of(bytes, &rounded);
        ad_context_take(owner, rounded);
        if (c->id == AD_NO_THREAD) {
            free(block);
            return;
        }
        c->allocator.live += (int64_t)rounded;
        c->allocator.total += (int64_t)rounded;
    }
    ad_deallocate(c, block, bytes);
}

#ifdef AD_CHECKED
void ad_forget_block(ad_context *c, uint32_t owner, size_t bytes)
{
    size_t rounded;
    class_of(bytes, &rounded);
    if (owner != c->id) {
        ad_context_take(owner, rounded);
        return;
    }
    c->allocator.live -= (int64_t)rounded;
    c->allocator.total -= (int64_t)rounded;
}
#endif

bool ad_grow(ad_context *c, void *vector, uint32_t *capacity, size_t item, uint32_t wanted)
{
    if (wanted <= *capacity)
        return true;
    if (wanted > UINT32_MAX / 2 + 1)
        return ad_set_error_of_running(AD_ERROR_MEMORY, "out of memory: no room for a list of %u entries", wanted), false;
    uint32_t grown = *capacity ? *capacity : 64;
    while (grown < wanted)
        grown *= 2;
    void *old, *new = ad_allocate(c, grown * item);
    if (!new)
        return false;
    memcpy(&old, vector, sizeof old);
    if (old)
        memcpy(new, old, *capacity * item);
    ad_deallocate(c, old, *capacity * item);
    memcpy(vector, &new, sizeof new);
    *capacity = grown;
    return true;
}

void ad_allocator_drain(struct ad_allocator *a)
{
    drain_small(a);
    while (a->oldest)
        give_back(a, a->oldest);
}

void ad_memory_stats(ad_memory_usage *usage)
{
    ad_context *c = ad_current();
    struct ad_allocator *a = &c->allocator;
    if (!usage) {
        ad_set_error(AD_ERROR_VALUE, "ad_memory_stats: the place for the statistics is NULL");
        return;
    }
    if (c->id != AD_NO_THREAD)
        settle_all(a);
    *usage = (ad_memory_usage){ a->live, a->peak, cached(a), a->limit, a->system_allocations };
}

void ad_memory_trim(void)
{
    ad_context *c = ad_current();
    if (c->id == AD_NO_THREAD)
        return;
    ad_scope_shrink(c);
    ad_allocator_drain(&c->allocator);
}

void ad_memory_limit(int64_t bytes)
{
    ad_context *c = ad_current();
    struct ad_allocator *a = &c->allocator;
    if (c->id == AD_NO_THREAD)
        return;
    a->limit = bytes < 0 ? 0 : bytes;
    set_watch(a);
}

void ad_memory_fail_after(int64_t n)
{
    ad_context *c = ad_current();
    struct ad_allocator *a = &c->allocator;
    if (c->id == AD_NO_THREAD)
        return;
    a->fail_countdown = n < 0 ? 0 : n;
    a->failing = false;
    set_watch(a);
}
