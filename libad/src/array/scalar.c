/* Where arrays of kind AD_SCALAR come from: slabs of 63, each scalar in a cache line of its own.
 *
 * The fast paths in scalar.h keep the scalars freed last, as many as a second-level cache holds. Beyond those, scalars
 * go back to their slabs, which give them out by address. So a loop that makes millions of scalars walks through memory
 * in order, whatever the order in which the last loop freed them.
 *
 * Any thread may drop the last reference to a scalar. Its bit then waits in the slab until the owner looks. A slab
 * whose owner has ended is freed with its last scalar. Under a memory checker each scalar is a block of its own. */
#include "array/error.h"
#include "array/scope.h"
#include <stdlib.h>

enum { SLAB_BYTES = 4096, MOST_AT_HAND = 8192 };

/* The header of a slab, in the place of scalar 0. Bit i stands for scalar i. */
struct ad_slab {
    uint64_t free;
    _Atomic uint64_t freed_elsewhere; /* by other threads; bit 0 is OWNER_ENDED */
    struct ad_slab *usable;           /* the next slab with a free scalar, if this one has a free scalar */
    struct ad_slab *next;             /* in the list of all slabs */
};

#define OWNER_ENDED UINT64_C(1)
#define ALL_SCALARS (~OWNER_ENDED)
_Static_assert(sizeof(struct ad_slab) <= sizeof(ad_array) && SLAB_BYTES == 64 * sizeof(ad_array), "a word has a bit for each");

static struct ad_slab *slab_of(ad_array *x)
{
    return (struct ad_slab *)(x - x->place);
}

static uint64_t bit_of(const ad_array *x)
{
    return UINT64_C(1) << x->place;
}

static void give_back(struct ad_slab_list *list, struct ad_slab *slab, uint64_t bits)
{
    if (!slab->free && bits) {
        slab->usable = list->usable;
        list->usable = slab;
    }
    slab->free |= bits;
}

/* Takes back scalars that other threads freed. */
static void collect(struct ad_allocator *a, struct ad_slab *slab)
{
    uint64_t bits = atomic_load_explicit(&slab->freed_elsewhere, memory_order_relaxed);
    if (bits)
        bits = atomic_exchange_explicit(&slab->freed_elsewhere, 0, memory_order_acquire);
    a->live -= AD_SMALL_STEP * __builtin_popcountll(bits);
    give_back(&a->slabs, slab, bits);
}

uint32_t ad_slabs_collect(struct ad_allocator *a)
{
    uint32_t count = 0;
    for (struct ad_slab *slab = a->slabs.first; slab; slab = slab->next, count++)
        collect(a, slab);
    return count;
}

/* Makes a slab usable: one in which other threads have freed scalars, or a new one. */
static bool slab_new(struct ad_allocator *a)
{
    struct ad_slab_list *list = &a->slabs;
    if (list->exhausted >= list->due) {
        list->exhausted = 0;
        list->due = ad_slabs_collect(a);
        if (list->usable)
            return true;
    }
    struct ad_slab *slab = ad_block_from_system(a, SLAB_BYTES);
    if (!slab)
        return false;
    slab->free = 0;
    atomic_init(&slab->freed_elsewhere, 0);
    slab->next = list->first;
    list->first = slab;
    give_back(list, slab, ALL_SCALARS);
    return true;
}

/* Called where no scalar is at hand, at a new peak, or where somebody watches. */
ad_array *ad_scalar_fresh(ad_context *c)
{
    struct ad_allocator *a = &c->allocator;
    struct ad_slab_list *list = &a->slabs;
    if (a->uncached) {
        ad_array *x = ad_header_allocate(c, sizeof *x);
        return x ? ad_scalar_init(c, x, AD_SCALAR, AD_F64, AD_CONTIGUOUS) : NULL;
    }
    if (a->watch == INT64_MIN && !ad_allocation_allowed(c, AD_SMALL_STEP))
        return NULL;
    if (a->scalars_count) {
        ad_allocated(a, AD_SMALL_STEP);
        return a->scalars[--a->scalars_count];
    }
    if (!list->usable && !slab_new(a))
        return ad_set_error_of_running(AD_ERROR_MEMORY, "out of memory: the system has no %d bytes (in use: %lld)", SLAB_BYTES, (long long)a->live);
    ad_allocated(a, AD_SMALL_STEP);
    struct ad_slab *slab = list->usable;
    int place = __builtin_ctzll(slab->free);
    slab->free &= slab->free - 1;
    if (!slab->free) {
        list->usable = slab->usable;
        list->exhausted++;
    }
    ad_array *x = (ad_array *)slab + place;
    ad_scalar_init(c, x, AD_SCALAR, AD_F64, AD_CONTIGUOUS);
    x->place = (uint8_t)place;
    return x;
}

/* Makes room for more scalars at hand; false if there are enough. */
static bool more_at_hand(struct ad_allocator *a)
{
    uint32_t capacity = a->scalars_capacity ? 2 * a->scalars_capacity : 64;
    ad_array **grown = capacity <= MOST_AT_HAND ? realloc(a->scalars, capacity * sizeof(ad_array *)) : NULL;
    if (!grown)
        return false;
    a->scalars = grown;
    a->scalars_capacity = capacity;
    return true;
}

/* Adds to the scalars of a slab that were freed elsewhere. The last scalar of a slab without an owner frees the
 * slab. */
static void drop_slab(struct ad_slab *slab, uint64_t bits)
{
    if ((atomic_fetch_or_explicit(&slab->freed_elsewhere, bits, memory_order_acq_rel) | bits) == UINT64_MAX)
        free(slab);
}

/* Called for a scalar that is not as new: it belongs to another thread, or was once shared. */
void ad_scalar_return(ad_context *c, ad_array *x)
{
    struct ad_allocator *a = &c->allocator;
    if (x->object.owner != c->id) {
        drop_slab(slab_of(x), bit_of(x));
        return;
    }
    a->live -= AD_SMALL_STEP;
    give_back(&a->slabs, slab_of(x), bit_of(x));
}

/* Called where there is no room for x among those at hand. */
void ad_scalar_free_further(ad_context *c, ad_array *x)
{
    if (!x->place)
        ad_header_deallocate(c, c->id, x, sizeof *x);
    else if (more_at_hand(&c->allocator))
        ad_scalar_free(c, x);
    else
        ad_scalar_return(c, x);
}

void ad_dual_scalar_free(ad_context *c, ad_array *x)
{
    for (struct ad_tangent *t = x->tangents, *next; t; t = next) {
        next = t->next;
        if (t->value)
            ad_drop(c, t->value);
        ad_deallocate_small(c, t, sizeof *t);
    }
    x->tangents = NULL;
    x->object.kind = AD_SCALAR;
    ad_scalar_free(c, x);
}

void ad_slabs_drain(struct ad_allocator *a, bool ending)
{
    struct ad_slab_list *list = &a->slabs;
    for (uint32_t i = 0; i < a->scalars_count; i++)
        give_back(list, slab_of(a->scalars[i]), bit_of(a->scalars[i]));
    free(a->scalars);
    a->scalars = NULL;
    a->scalars_count = a->scalars_capacity = 0;
    ad_slabs_collect(a);
    struct ad_slab *slab = list->first;
    *list = (struct ad_slab_list){ 0 };
    for (struct ad_slab *next; slab; slab = next) {
        uint64_t freed = slab->free;
        next = slab->next;
        if (freed == ALL_SCALARS) {
            free(slab);
            a->total -= SLAB_BYTES;
        } else if (ending) {
            drop_slab(slab, freed | OWNER_ENDED);
        } else {
            slab->free = 0;
            slab->next = list->first;
            list->first = slab;
            give_back(list, slab, freed);
        }
    }
}
