/* Memory for code that is built on libad: ad_memory_take and its relatives.
 *
 * Every block begins with a header that holds its size and its owner, so that it can be given back anywhere. Small
 * blocks come from the caching allocator. Large ones come from the system and go back to it: a block that grows would
 * otherwise leave one block of each size behind in the cache. */
#include "ad/scope.h"
#include "array/error.h"
#include "array/memory.h"
#include <stdlib.h>
#include <string.h>

enum { HEADER = 64, LARGE = 1 << 16 };

struct header {
    size_t bytes; /* including the header's */
    uint32_t owner;
};

static bool is_large(size_t bytes)
{
    return bytes >= LARGE;
}

static void *large_block(ad_context *c, size_t bytes)
{
    struct ad_allocator *a = &c->allocator;
    if (!ad_allocation_allowed(c, bytes))
        return NULL;
    void *block = calloc(1, bytes);
    if (!block && a->total > a->live) {
        ad_allocator_drain(a);
        block = calloc(1, bytes);
    }
    if (!block)
        return ad_set_error_of_running(AD_ERROR_MEMORY, "out of memory: the system has no %zu bytes (in use: %lld)", bytes, (long long)a->live);
    a->system_allocations++;
    a->total += (int64_t)bytes;
    ad_allocated(a, bytes);
    return block;
}

static void *take(ad_context *c, size_t bytes)
{
    AD_RUNNING(c, c->operation ? c->operation : "ad_memory_take");
    if (bytes > AD_LARGEST_BLOCK - HEADER)
        return ad_set_error_of_running(AD_ERROR_MEMORY, "out of memory: %zu bytes are more than a machine can have", bytes);
    bytes += HEADER;
    struct header *header = is_large(bytes) ? large_block(c, bytes) : ad_allocate(c, bytes);
    if (!header)
        return NULL;
    if (!is_large(bytes))
        memset(header, 0, bytes);
    *header = (struct header){ bytes, c->id };
    return (char *)header + HEADER;
}

void *ad_memory_take(size_t bytes)
{
    return take(ad_current(), bytes);
}

void ad_memory_give(void *block)
{
    if (!block)
        return;
    ad_context *c = ad_current();
    struct header *header = (struct header *)((char *)block - HEADER);
    if (!is_large(header->bytes)) {
        ad_deallocate_of(c, header->owner, header, header->bytes);
        return;
    }
    if (header->owner == c->id) {
        c->allocator.live -= (int64_t)header->bytes;
        c->allocator.total -= (int64_t)header->bytes;
    } else {
        ad_context_take(header->owner, header->bytes);
    }
    free(header);
}

/* Resizes a large block that stays large: the system may have room behind it, or can move it without copying. */
static void *resize_large(ad_context *c, struct header *header, size_t bytes)
{
    struct ad_allocator *a = &c->allocator;
    size_t before = header->bytes;
    if (bytes > before && !ad_allocation_allowed(c, bytes - before))
        return NULL;
    struct header *moved = realloc(header, bytes);
    if (!moved)
        return ad_set_error_of_running(AD_ERROR_MEMORY, "out of memory: the system has no %zu bytes (in use: %lld)", bytes, (long long)a->live);
    if (bytes > before)
        memset((char *)moved + before, 0, bytes - before);
    moved->bytes = bytes;
    a->total += (int64_t)bytes - (int64_t)before;
    a->live -= (int64_t)before;
    ad_allocated(a, bytes);
    return (char *)moved + HEADER;
}

void *ad_memory_resize(void *block, size_t bytes)
{
    ad_context *c = ad_current();
    if (!block)
        return take(c, bytes);
    struct header *header = (struct header *)((char *)block - HEADER);
    size_t before = header->bytes - HEADER;
    AD_RUNNING(c, c->operation ? c->operation : "ad_memory_resize");
    if (bytes <= AD_LARGEST_BLOCK - HEADER && is_large(header->bytes) && is_large(bytes + HEADER) && header->owner == c->id)
        return resize_large(c, header, bytes + HEADER);
    void *moved = take(c, bytes);
    if (moved) {
        memcpy(moved, block, before < bytes ? before : bytes);
        ad_memory_give(block);
    }
    return moved;
}
