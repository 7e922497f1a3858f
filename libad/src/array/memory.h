/* The fast paths of memory: small blocks, the headers of arrays and other objects, and scratch room that lasts as long
 * as a C block. */
#ifndef AD_MEMORY_INTERNAL_H
#define AD_MEMORY_INTERNAL_H

#include "array/context.h"

/* Small blocks have at most 1 KiB. A block is given back to the thread that made it. */
void *ad_allocate_further(ad_context *c, size_t bytes); /* the slow path, where no block is at hand or somebody watches: allocator.c */

/* Brings a block that will be used soon into the processor's cache: its beginning, and about where a small array has
 * its data. Any pointer will do. */
AD_ALWAYS_INLINE void ad_fetch_small(const void *block)
{
    __builtin_prefetch(block, 1);
    __builtin_prefetch((const void *)((uintptr_t)block + 128), 1);
}

AD_ALWAYS_INLINE void *ad_allocate_small(ad_context *c, size_t bytes)
{
    enum { AHEAD = 4 }; /* a block that is fetched now is in the cache after so many more requests of its class */
    struct ad_allocator *a = &c->allocator;
    size_t class = (bytes + AD_SMALL_STEP - 1) / AD_SMALL_STEP;
    int64_t live = a->live + (int64_t)class * AD_SMALL_STEP;
    struct ad_small_blocks *s = &a->small[class];
    uint32_t count = s->count;
    if (__builtin_expect(!count || live > a->watch, 0))
        return ad_allocate_further(c, bytes);
    s->count = --count;
    a->live = live;
    if (count >= AHEAD)
        ad_fetch_small(s->blocks[count - AHEAD]);
    return s->blocks[count];
}

AD_ALWAYS_INLINE void ad_deallocate_small(ad_context *c, void *block, size_t bytes)
{
    struct ad_allocator *a = &c->allocator;
    size_t class = (bytes + AD_SMALL_STEP - 1) / AD_SMALL_STEP;
    struct ad_small_blocks *s = &a->small[class];
    if (__builtin_expect(s->count == s->capacity, 0)) { /* always so where no blocks are kept */
        ad_deallocate(c, block, bytes);
        return;
    }
    s->blocks[s->count++] = block;
    a->live -= (int64_t)class * AD_SMALL_STEP;
}

/* The memory of arrays (headers), and of trees and pullbacks (other objects). A checked build keeps a record of each of
 * them: checked.c. */
#ifdef AD_CHECKED
void *ad_object_allocate(ad_context *c, size_t bytes);
void ad_object_deallocate(ad_context *c, uint32_t owner, void *object, size_t bytes);
void ad_forget_block(ad_context *c, uint32_t owner, size_t bytes); /* counts the block as given back */
#define ad_header_allocate ad_object_allocate
#define ad_header_deallocate ad_object_deallocate
#else
#define ad_object_allocate ad_allocate
#define ad_object_deallocate ad_deallocate_of
#define ad_header_allocate ad_allocate_small
AD_ALWAYS_INLINE void ad_header_deallocate(ad_context *c, uint32_t owner, void *header, size_t bytes)
{
    if (owner == c->id)
        ad_deallocate_small(c, header, bytes);
    else
        ad_deallocate_of(c, owner, header, bytes);
}
#endif

static inline void ad_object_init(ad_context *c, struct ad_object *object, uint8_t size_class, ad_object_kind kind)
{
    object->local = 1;
    object->owner = c->id;
    atomic_init(&object->shared, 1);
    object->size_class = size_class;
    object->kind = (uint8_t)kind;
}

/* Scratch room for items until the end of the C block: in place if they take little, otherwise a block of the
 * allocator.
 *
 *     AD_SCRATCH room = { 0 };
 *     ad_array **leaves = ad_scratch_take(c, &room, count, sizeof *leaves); */
struct ad_scratch {
    void *block;
    size_t bytes;
    void *in_place[8];
};

#define AD_SCRATCH __attribute__((cleanup(ad_scratch_end))) struct ad_scratch

/* Room whose contents are not initialised; NULL and an error. */
static inline void *ad_scratch_take(ad_context *c, struct ad_scratch *room, int count, size_t item)
{
    room->bytes = (size_t)count * item;
    return room->bytes <= sizeof room->in_place ? room->in_place : (room->block = ad_allocate(c, room->bytes));
}

static inline void ad_scratch_end(struct ad_scratch *room)
{
    if (__builtin_expect(room->block != NULL, 0))
        ad_deallocate(ad_current(), room->block, room->bytes);
}

#endif
