/* The whole interface of array/ to the layers above: the array itself, memory, scopes, errors.
 *
 * An array is a header block with its dimensions and strides behind it. At most AD_INLINE_BYTES of
 * data live in that same block, a single number in the header itself; more live in a storage that views share, which stands in that block too where
 * it is small. Once an array has been handed out nothing of it changes but its reference counts, which is what makes sharing safe. */
#ifndef AD_ARRAY_INTERNAL_H
#define AD_ARRAY_INTERNAL_H

#include "ad/base.h"
#include "ad/error.h"
#include "ad/scope.h"
#include <locale.h>
#include <stdatomic.h>
#include <stddef.h>

struct ad_fft;
struct ad_loops;
struct ad_tape;

/* For the few lines that every operation on a number runs through. */
#define AD_ALWAYS_INLINE static inline __attribute__((always_inline))

/* What arrays and trees have in common. `local` counts references of the owning thread and needs no atomics;
 * all of them together are one reference in `shared`, which counts the other threads' and ad_retain's. */
struct ad_object {
    uint32_t local, owner;
    _Atomic uint32_t shared;
    uint8_t size_class;
    uint8_t kind;        /* ad_object_kind */
    uint8_t dtype, ndim; /* of an array */
};

typedef enum ad_object_kind {
    AD_PLAIN_ARRAY, /* its block is all there is to it */
    AD_NUMBER,      /* and it is 0-d, float64, not weak, with its value in `number` and no tangents */
    AD_DUAL_NUMBER, /* the same, with tangents */
    AD_JOINED,      /* a plain one with its storage in the block, unless views share that */
    AD_ARRAY,       /* it has another storage or tangents, or may have */
    AD_TREE
} ad_object_kind;

static inline bool ad_is_tree(const struct ad_object *object)
{
    return object->kind == AD_TREE;
}

/* Reference-counted memory that arrays view. The data follow, unless they are the caller's (ad_wrap). */
struct ad_storage {
    _Atomic int64_t refs;
    void *block;    /* what goes with the last reference: this, or the array in whose block it stands */
    size_t bytes;   /* of the block */
    uint32_t owner; /* number of the thread that made it */
    void (*release)(void *); /* of the caller's data; NULL: they are behind this */
    void *release_context;
};

/* A tangent of one forward level. */
struct ad_tangent {
    uint64_t level; /* its serial number */
    struct ad_array *value; /* NULL: that of a number, which stands below and depends on no forward level */
    struct ad_tangent *next;
    double number;
    uint32_t node; /* of that number, in the trace of the level */
    int depth;     /* of the level among those that were open */
};

enum { AD_INLINE_BYTES = 128, AD_WEAK = 1, AD_CONTIGUOUS = 2, AD_ABSTRACT = 4, AD_STORED = 8, AD_NAMED = 16 };

/* One cache line for a scalar. */
struct ad_array {
    union {
        struct ad_object object;
        struct {
            char head[offsetof(struct ad_object, dtype)];
            uint8_t dtype, ndim;
        };
    };
    uint8_t flags;
    uint8_t place; /* of a number in its slab; 0: it is in none */
    uint32_t node; /* its number on the tape of trace `serial`, if there is one; 0: depends on no reverse level */
    int64_t size;  /* elements */
    char *data;
    union {
        struct ad_storage *storage; /* with AD_STORED */
        double number;              /* else inline data of at most this size, if data points here */
    };
    uint64_t serial; /* of the trace in which it depended on something; 0: none */
    struct ad_tangent *tangents; /* of forward levels */
    int64_t extents[];           /* ndim dimensions, ndim byte strides, then larger inline data at 16 */
};
_Static_assert(sizeof(ad_array) == 64, "a scalar takes one cache line");

/* tools/libad-gdb.py reads arrays at these places. */
_Static_assert(offsetof(ad_array, object.size_class) == 12 && offsetof(ad_array, dtype) == 14 && offsetof(ad_array, flags) == 16 && offsetof(ad_array, node) == 20 &&
                   offsetof(ad_array, size) == 24 && offsetof(ad_array, data) == 32 && offsetof(ad_array, serial) == 48 && offsetof(ad_array, extents) == 64,
               "as gdb shows them");

/* The name that the program gave x, at the end of its block; NULL: none. */
enum { AD_NAME_BYTES = 48 };

static inline const char *ad_name_of(const ad_array *x)
{
    return x->flags & AD_NAMED ? (const char *)x + (size_t)x->object.size_class * 64 - AD_NAME_BYTES : NULL;
}

static inline const int64_t *ad_dims(const ad_array *x)
{
    return x->extents;
}

static inline int64_t *ad_strides(const ad_array *x)
{
    return (int64_t *)x->extents + x->ndim;
}

/* The number of elements; false: a dimension is negative, or the bytes are too many. A dimension of zero makes it zero however large the others are, as
 * long as they alone would not overflow. */
static inline bool ad_shape_checked_size(int ndim, const int64_t *dims, size_t item, int64_t *size)
{
    int64_t product = 1, bytes;
    bool empty = false;
    for (int i = 0; i < ndim; i++) {
        if (dims[i] < 0)
            return false;
        if (dims[i] == 0)
            empty = true;
        else if (__builtin_mul_overflow(product, dims[i], &product))
            return false;
    }
    if (__builtin_mul_overflow(product, (int64_t)item, &bytes))
        return false;
    *size = empty ? 0 : product;
    return true;
}

/* ad_dtype_size of what is known to be a dtype. */
static inline int64_t ad_item_size(ad_dtype dtype)
{
    static const uint8_t sizes[AD_DTYPE_COUNT] = { [AD_F64] = 8, [AD_F32] = 4, [AD_C128] = 16, [AD_C64] = 8, [AD_I64] = 8, [AD_I32] = 4, [AD_U8] = 1, [AD_BOOL] = 1 };
    return sizes[dtype];
}

/* Byte strides of a C-contiguous array of the given shape. */
static inline void c_order_strides(ad_dtype dtype, int ndim, const int64_t *dims, int64_t *strides)
{
    int64_t stride = ad_item_size(dtype);
    for (int i = ndim - 1; i >= 0; i--) {
        strides[i] = stride;
        stride *= dims[i];
    }
}

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
        void **blocks; /* freed, the last one last */
        uint32_t count, capacity;
    } small[AD_SMALL_CLASSES + 1];
    struct ad_waiting *free[AD_SIZE_CLASSES]; /* of the larger classes: the block that was freed last */
    struct ad_waiting *oldest, *newest; /* of all that wait there */
    ad_array **numbers; /* those at hand: freed arrays of kind AD_NUMBER, with all but `node` and `number` as in a new one */
    uint32_t numbers_count, numbers_capacity;
    struct ad_slab_list {
        struct ad_slab *first, *usable;
        uint32_t exhausted, due; /* how often one ran out since all were asked for numbers that other threads freed, and when to ask again */
    } slabs;
    int64_t live, peak, limit, system_allocations;
    int64_t watch; /* the peak, or below everything when an allocation is to be looked at: past this, the quick ways end */
    int64_t total;          /* live and cached together: what the system has given */
    int64_t listed;         /* of the cached: from `oldest` to `newest` */
    int64_t stuck;          /* of the cached: what a small number in use kept from going back last time */
    _Atomic int64_t taken;  /* bytes of those above in blocks that other threads freed and have now */
    int64_t fail_countdown; /* 0: off; otherwise allocations until the first failure */
    bool failing;
    bool uncached; /* for memory checkers: nothing is kept for reuse */
};

/* What of the differentiations that run depends on where the C stack is: tape.h. */
struct ad_tracing {
    uint64_t live;
    struct ad_run *run;
    int depth;
};

/* What closing a scope brings back. A C++ exception or a longjmp skips all functions between the throw and the scope. */
struct ad_scope_mark {
    uint32_t first; /* entry */
    struct ad_tracing tracing;
    const char *operation;
    const struct ad_frame *frame;
#ifdef AD_CHECKED
    const char *place; /* of the call that opened the scope, as in ad_call_site_ */
#endif
};

struct ad_scope_stack {
    uintptr_t *entries; /* objects; lowest bit set: to be moved one scope out */
    struct ad_scope_mark *marks; /* of the open scopes */
    uint32_t count, capacity, depth, mark_capacity;
};

enum { AD_SMALL_NUMBERS = 32, AD_SENTENCE_BYTES = 640 };
#define AD_NUMBER_ONE 2 /* where the number 1 stands */

/* What runs where somebody watches, or operands have names: a call, or the rules of one. Frames stand on the C stack. */
struct ad_frame {
    ad_array *const *operands; /* of a call, for its errors */
    int count;
    int depth; /* of the calls in it: 0 in rules of the program's calls */
    int phase; /* ad_call_phase */
    const struct ad_primitive *rule_of;
    const struct ad_watch *trace; /* the innermost trace around it; NULL: none */
};

/* All state of one thread. */
struct ad_context {
    uint32_t id; /* AD_NO_THREAD: of those that have no memory for a state */
    struct ad_context *next; /* of all threads */
    struct ad_allocator allocator;
    struct ad_scope_stack scopes;
    const struct ad_loops *loops;
    struct ad_tape *tape; /* made by the first differentiation */
    const struct ad_tracing *tracing; /* the tape's */
    void (*tape_stop)(struct ad_context *c); /* takes it down, if there is one */
    void (*unwind)(struct ad_context *c, const struct ad_tracing *to); /* ends what was interrupted */
    ad_code error_code;
    ad_on_error_action on_error;
    const char *operation; /* the operation or transformation that runs, for the errors of what it is made of; NULL: none */
    const struct ad_frame *frame; /* the innermost one; NULL: none */
    bool watched;                    /* somebody looks at every call, or the environment asks for it: tape/watch.c */
    struct ad_watches *watches;
    void (*watch_stop)(struct ad_context *c); /* ends it */
    struct ad_fft *fft_plans;                 /* those used last: ops/fft/fft_plan.c */
    void (*fft_stop)(struct ad_context *c);   /* drops them */
#ifdef AD_CHECKED
    struct {
        const char *place; /* of the scope or the ad_release that drops things now; NULL: neither */
        bool released;
    } dropping;
#endif
    ad_array *numbers[AD_SMALL_NUMBERS]; /* weak integers from -1 on, made when first asked for */
    char error_message[AD_SENTENCE_BYTES];
    char config[480]; /* what ad_config said last */
    const char *error_context; /* what the program is doing, appended to sentences; NULL: unknown */
    char error_where[256]; /* the place of the call, "" where it is not known */
};

typedef struct ad_context ad_context;

#define AD_NO_THREAD 0

/* allocator.c */
void *ad_allocate(ad_context *c, size_t bytes); /* NULL and an error; 16-byte aligned, from 1 KiB on 64-byte */
void ad_deallocate(ad_context *c, void *block, size_t bytes);
void ad_deallocate_of(ad_context *c, uint32_t owner, void *block, size_t bytes); /* a block that the thread `owner` made */
bool ad_grow(ad_context *c, void *vector, uint32_t *capacity, size_t item, uint32_t wanted); /* doubles *(void **)vector */
void ad_allocator_start(struct ad_allocator *a);
void ad_allocator_drain(struct ad_allocator *a);
bool ad_allocation_allowed(ad_context *c, size_t bytes); /* false and an error: beyond the limit, or asked to fail */
void *ad_block_from_system(struct ad_allocator *a, size_t bytes);
void ad_allocated(struct ad_allocator *a, size_t bytes);

/* The same for small blocks. A block is given back to the thread that made it. */
void *ad_allocate_further(ad_context *c, size_t bytes); /* where none is at hand, or somebody watches */

/* Brings a block into the cache that will be used soon: its head, and about where a small array has its data. Any pointer will do. */
AD_ALWAYS_INLINE void ad_fetch_small(const void *block)
{
    __builtin_prefetch(block, 1);
    __builtin_prefetch((const void *)((uintptr_t)block + 128), 1);
}

AD_ALWAYS_INLINE void *ad_allocate_small(ad_context *c, size_t bytes)
{
    enum { AHEAD = 4 }; /* requests of a class: by then a block is in the cache; a large tape's blocks were not */
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
    if (__builtin_expect(s->count == s->capacity, 0)) { /* always where blocks are not kept */
        ad_deallocate(c, block, bytes);
        return;
    }
    s->blocks[s->count++] = block;
    a->live -= (int64_t)class * AD_SMALL_STEP;
}

/* The memory of arrays (headers), and of trees and pullbacks (other objects). A checked build keeps a record of each: checked.c. */
#ifdef AD_CHECKED
void *ad_object_allocate(ad_context *c, size_t bytes);
void ad_object_deallocate(ad_context *c, uint32_t owner, void *object, size_t bytes);
void ad_forget_block(ad_context *c, uint32_t owner, size_t bytes); /* counts it as given back */
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

/* One word more of what is hashed. The multiplier is the golden ratio's (Knuth, "The Art of Computer Programming", 6.4); the upper half is the better one. */
static inline uint64_t ad_hash(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

/* number.c */
ad_array *ad_number_fresh(ad_context *c); /* an AD_NUMBER in no scope; NULL and an error */
void ad_number_free_further(ad_context *c, ad_array *x);
void ad_number_return(ad_context *c, ad_array *x);
void ad_dual_number_free(ad_context *c, ad_array *x); /* keeps it for the next number, without its tangents */
uint32_t ad_slabs_collect(struct ad_allocator *a); /* numbers that other threads freed; gives the number of slabs */
void ad_slabs_drain(struct ad_allocator *a, bool ending);

/* Keeps x, an array of kind AD_NUMBER that nobody refers to any more, for the next one. */
AD_ALWAYS_INLINE void ad_number_free(ad_context *c, ad_array *x)
{
    struct ad_allocator *a = &c->allocator;
    uint32_t count = a->numbers_count;
    if (__builtin_expect(count == a->numbers_capacity, 0)) {
        ad_number_free_further(c, x);
        return;
    }
    x->serial = 0;
    a->numbers[count] = x;
    a->numbers_count = count + 1;
    a->live -= AD_SMALL_STEP;
}

/* context.c */
extern const struct ad_tracing ad_no_tracing; /* of a thread without a tape */
extern _Thread_local ad_context *ad_context_pointer __attribute__((tls_model("initial-exec"), visibility("hidden")));
ad_context *ad_context_start(void);
void ad_context_take(uint32_t owner, size_t bytes); /* counts a block away from the thread that made it, if that still runs */

AD_ALWAYS_INLINE ad_context *ad_current(void)
{
    ad_context *c = ad_context_pointer;
    return __builtin_expect(c != NULL, 1) ? c : ad_context_start();
}

/* Room for items till the end of the C block: in place if they are few, else a block of the allocator.
 *
 *     AD_SCRATCH room = { 0 };
 *     ad_array **leaves = ad_scratch_take(c, &room, count, sizeof *leaves);
 */
struct ad_scratch {
    void *block;
    size_t bytes;
    void *few[8];
};

#define AD_SCRATCH __attribute__((cleanup(ad_scratch_end))) struct ad_scratch

/* Uninitialised; NULL and an error. */
static inline void *ad_scratch_take(ad_context *c, struct ad_scratch *room, int count, size_t item)
{
    room->bytes = (size_t)count * item;
    return room->bytes <= sizeof room->few ? room->few : (room->block = ad_allocate(c, room->bytes));
}

static inline void ad_scratch_end(struct ad_scratch *room)
{
    if (__builtin_expect(room->block != NULL, 0))
        ad_deallocate(ad_current(), room->block, room->bytes);
}

/* Fails with an error: for functions that return bool. */
#define AD_FAIL(...) (ad_set_error(__VA_ARGS__), false)

/* An error that begins with the name of what runs. */
locale_t ad_c_locale(void); /* of the C program's own numbers and words */
void *ad_set_error_of_running(ad_code code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* AD_RUNNING(c, "ad_grad"); says so till the end of the C block. The context of a thread without memory is not written to. */
struct ad_running {
    ad_context *c;
    const char *before;
};

#define AD_RUNNING(context, name) \
    __attribute__((cleanup(ad_running_end), unused)) struct ad_running ad_running_ = ad_running_begin(context, name)

static inline struct ad_running ad_running_begin(ad_context *c, const char *operation)
{
    struct ad_running running = { c, c->operation };
    if (c->id != AD_NO_THREAD)
        c->operation = operation;
    return running;
}

static inline void ad_running_end(struct ad_running *running)
{
    if (running->c->id != AD_NO_THREAD)
        running->c->operation = running->before;
}

/* An error that occurred elsewhere, with the place that it had there. */
void ad_set_error_at(ad_code code, const char *where, const char *sentence);

/* Whether a function was given what it works on, an array, a tree or anything else behind a pointer. Otherwise an error says so, unless there is one
 * already: what is made of nothing is nothing. */
bool ad_missing(const char *operation, const char *what);

AD_ALWAYS_INLINE bool ad_pointer_given(const void *pointer, const char *operation, const char *what)
{
    return __builtin_expect(pointer != NULL, 1) || ad_missing(operation, what);
}

/* A checked build refuses what was dropped too: checked.c. */
#ifdef AD_CHECKED
bool ad_object_given(const void *object, const char *operation, const char *what);
#else
#define ad_object_given ad_pointer_given
#endif

/* Which of them looks at a pointer. */
#define ad_given(pointer, operation, what)                                                                             \
    _Generic((pointer), ad_array *: ad_object_given, const ad_array *: ad_object_given, ad_tree *: ad_object_given, const ad_tree *: ad_object_given, \
        struct ad_object *: ad_object_given, struct ad_pullback *: ad_object_given, default: ad_pointer_given)(pointer, operation, what)

static inline bool ad_both_given(const ad_array *a, const ad_array *b, const char *operation)
{
    return ad_given(a, operation, "first array") && ad_given(b, operation, "second array");
}

void ad_scope_shrink(ad_context *c); /* scope.c */

/* scope.c: references of this thread, and the entry in its innermost scope that a new object gets */
bool ad_scope_grow_and_add(ad_context *c, struct ad_object *object);
void ad_object_retain_shared(struct ad_object *object);
void ad_object_release_shared(ad_context *c, struct ad_object *object);
bool ad_object_was_last(struct ad_object *object); /* drops a shared reference, and leaves it to the caller to free what nobody refers to */

AD_ALWAYS_INLINE bool ad_scope_add(ad_context *c, struct ad_object *object)
{
    struct ad_scope_stack *s = &c->scopes;
    if (s->count == s->capacity)
        return ad_scope_grow_and_add(c, object);
    s->entries[s->count++] = (uintptr_t)object;
    return true;
}

AD_ALWAYS_INLINE void ad_object_retain(ad_context *c, struct ad_object *object)
{
    if (object->owner != c->id || object->local++ == 0)
        ad_object_retain_shared(object);
}

/* Whether no other array views the data. */
AD_ALWAYS_INLINE bool ad_is_unshared(const struct ad_storage *storage)
{
    return atomic_load_explicit(&storage->refs, memory_order_acquire) == 1;
}

AD_ALWAYS_INLINE void ad_object_release(ad_context *c, struct ad_object *object)
{
    if (object->owner == c->id) {
        if (object->local > 1) {
            object->local--;
            return;
        }
        bool last = atomic_load_explicit(&object->shared, memory_order_acquire) == 1;
        if (last && object->kind == AD_NUMBER) {
            ad_number_free(c, (ad_array *)object);
            return;
        }
        if (last && (object->kind == AD_PLAIN_ARRAY || (object->kind == AD_JOINED && ad_is_unshared(((ad_array *)object)->storage)))) {
            ad_header_deallocate(c, c->id, object, (size_t)object->size_class * AD_SMALL_STEP);
            return;
        }
        if (last && object->kind == AD_DUAL_NUMBER) {
            ad_dual_number_free(c, (ad_array *)object);
            return;
        }
        object->local = 0;
    }
    ad_object_release_shared(c, object);
}

static inline void ad_object_init(ad_context *c, struct ad_object *object, uint8_t size_class, ad_object_kind kind)
{
    object->local = 1;
    object->owner = c->id;
    atomic_init(&object->shared, 1);
    object->size_class = size_class;
    object->kind = (uint8_t)kind;
}

void ad_scope_unwind(ad_context *c, uint32_t depth);
void ad_scope_absorb(ad_context *c, uint32_t depth); /* the scopes deeper than `depth` become part of the one at `depth` */

/* Drops what was made since the stack of scopes had `count` entries: a scope without a mark, for the engine's own use. */
static inline void ad_scope_trim(ad_context *c, uint32_t count)
{
    struct ad_scope_stack *s = &c->scopes;
    while (s->count > count)
        ad_object_release(c, (struct ad_object *)(s->entries[--s->count] & ~(uintptr_t)1));
}

#define AD_NO_SCOPE UINT32_MAX

/* Whether x was the last thing that came into the innermost scope, and stays there. */
static inline bool ad_is_newest(const ad_context *c, const struct ad_object *x)
{
    const struct ad_scope_stack *s = &c->scopes;
    uint32_t first = s->depth ? s->marks[s->depth - 1].first : 0;
    return s->count > first && s->entries[s->count - 1] == (uintptr_t)x;
}

/* Makes a value that something else holds belong to the innermost scope too. */
ad_array *ad_hold(ad_context *c, ad_array *x);
ad_tree *ad_tree_hold(ad_tree *t); /* and NULL for NULL */

/* An operand as the result of a function that has nothing to change: whatever a function returns belongs to the innermost scope. */
static inline ad_array *ad_unchanged(ad_array *x)
{
    ad_context *c = ad_current();
    return !x || ad_is_newest(c, &x->object) ? x : ad_hold(c, x);
}

AD_ALWAYS_INLINE ad_array *ad_keep(ad_context *c, ad_array *x)
{
    if (x)
        ad_object_retain(c, &x->object);
    return x;
}

AD_ALWAYS_INLINE void ad_drop(ad_context *c, ad_array *x)
{
    if (x)
        ad_object_release(c, &x->object);
}

/* array.c: all give an array that belongs to the innermost scope, or NULL and an error */
ad_array *ad_array_new(ad_context *c, ad_dtype dtype, int ndim, const int64_t *dims); /* uninitialised, C-contiguous */
ad_array *ad_array_like(ad_context *c, ad_dtype dtype, const ad_array *x); /* the same, of the shape of x: dense, not 0-d */
ad_array *ad_array_zeros(ad_context *c, ad_dtype dtype, int ndim, const int64_t *dims);
ad_array *ad_array_abstract(ad_context *c, ad_dtype dtype, int ndim, const int64_t *dims); /* shape and dtype only */
ad_array *ad_array_alias(ad_context *c, const ad_array *x);                               /* same data and name, no trace */
ad_array *ad_array_named(ad_context *c, const ad_array *x, const char *name);             /* an alias with a name, of which AD_NAME_BYTES - 1 bytes count */
ad_array *ad_array_view(ad_context *c, const ad_array *x, ad_dtype dtype, int ndim, const int64_t *dims, const int64_t *strides, int64_t offset);
ad_array *ad_array_contiguous(ad_context *c, ad_array *x); /* x itself where it is; no trace otherwise */
ad_array *ad_array_cast(ad_context *c, ad_array *x, ad_dtype dtype); /* plain, without trace */
ad_array *ad_array_of_integers(ad_context *c, ad_array *x); /* C-contiguous int64 without trace */
void ad_array_free(ad_context *c, ad_array *x);
void ad_tangents_drop(ad_context *c, ad_array *x);

/* The header of a 0-d array with its value of 8 bytes in `number`. */
static inline ad_array *ad_scalar_init(ad_context *c, ad_array *x, ad_object_kind kind, ad_dtype dtype, uint8_t flags)
{
    ad_object_init(c, &x->object, 1, kind);
    x->dtype = (uint8_t)dtype;
    x->ndim = 0;
    x->flags = flags;
    x->place = 0;
    x->node = 0;
    x->size = 1;
    x->data = (char *)&x->number;
    x->serial = 0;
    x->tangents = NULL;
    return x;
}

/* A 0-d float64 one, of kind AD_NUMBER, in no scope; its node is to be set where it gets a serial. */
AD_ALWAYS_INLINE ad_array *ad_number_new(ad_context *c)
{
    struct ad_allocator *a = &c->allocator;
    int64_t live = a->live + AD_SMALL_STEP;
    uint32_t count = a->numbers_count;
    if (__builtin_expect(!count || live > a->watch, 0))
        return ad_number_fresh(c);
    a->numbers_count = count - 1;
    a->live = live;
    return a->numbers[count - 1];
}

/* The same in the innermost scope. */
AD_ALWAYS_INLINE ad_array *ad_array_real(ad_context *c)
{
    ad_array *x = ad_number_new(c);
    if (!x || __builtin_expect(ad_scope_add(c, &x->object), 1))
        return x;
    ad_drop(c, x);
    return NULL;
}

/* Whether x is 0-d and of dtype AD_F64. */
AD_ALWAYS_INLINE bool ad_is_real(const ad_array *x)
{
    uint16_t kind;
    __builtin_memcpy(&kind, &x->dtype, sizeof kind);
    return kind == AD_F64;
}

/* Whether x has its value in `number`. */
AD_ALWAYS_INLINE bool ad_is_number(const ad_array *x)
{
    return (uint8_t)(x->object.kind - AD_NUMBER) <= AD_DUAL_NUMBER - AD_NUMBER;
}

/* The value of x as float64, if it is a 0-d one or a C number; tangents are left out. */
AD_ALWAYS_INLINE bool ad_number_of(const ad_array *x, double *number)
{
    int64_t integer;
    if (__builtin_expect(ad_is_number(x), 1)) {
        *number = x->number;
        return true;
    }
    if (x->object.kind != AD_PLAIN_ARRAY || x->ndim || x->flags & AD_ABSTRACT)
        return false;
    if (x->dtype == AD_F64) {
        __builtin_memcpy(number, x->data, sizeof *number);
        return true;
    }
    if (x->dtype != AD_I64 || !(x->flags & AD_WEAK))
        return false;
    __builtin_memcpy(&integer, x->data, sizeof integer);
    *number = (double)integer;
    return true;
}

void ad_tree_free(ad_context *c, struct ad_object *tree);
enum { AD_DEEPEST_TREE = 1000 };

/* Every leaf with its path, and every subtree without entries, with no leaf, until a visit gives false. False and an error. */
bool ad_tree_visit(const ad_tree *t, bool (*visit)(void *context, const char *path, ad_array *leaf), void *context);
int ad_tree_walk(const ad_tree *t, ad_array **out, int room); /* ad_tree_leaves, of leaves that belong to the tree alone */

/* shape.c */
bool ad_count_fits(const char *operation, int count, int room, const char *things);        /* false and an error: negative or too many */
void *ad_shape_refuse(ad_dtype dtype, int ndim, const int64_t *dims);                     /* NULL and the error: too large, or negative */
bool ad_shape_possible(const char *operation, ad_dtype dtype, const ad_shape *shape);      /* false and an error: too large, or negative */
bool ad_shape_broadcasts_to(const ad_array *x, ad_shape shape); /* without making it larger */
bool ad_shape_broadcast(ad_shape *into, const ad_shape *with);
bool ad_broadcast_dims(ad_shape *into, int ndim, const int64_t *dims); /* the same; false: they do not, and `into` is as it was */
const char *ad_shape_text(char *buffer, size_t size, int ndim, const int64_t *dims); /* "(3,4)" */

/* A shape takes 264 bytes, of which these dimensions alone are written and read. */
static inline void ad_shape_set(ad_shape *shape, int ndim, const int64_t *dims)
{
    shape->ndim = ndim;
    for (int i = 0; i < ndim; i++)
        shape->dim[i] = dims[i];
}

static inline ad_shape ad_shape_make(int ndim, const int64_t *dims)
{
    ad_shape shape;
    ad_shape_set(&shape, ndim, dims);
    return shape;
}

/* Whether a and b have one shape. */
static inline bool ad_same_shape(const ad_array *a, const ad_array *b)
{
    if (a->ndim != b->ndim)
        return false;
    for (int i = 0; i < a->ndim; i++)
        if (ad_dims(a)[i] != ad_dims(b)[i])
            return false;
    return true;
}

/* Whether a and b have one shape, one dtype and the same flags, but for where their data are and for names. */
AD_ALWAYS_INLINE bool ad_is_alike(const ad_array *a, const ad_array *b)
{
    static const uint8_t compared[] = { 0xff, 0xff, (uint8_t)~(AD_STORED | AD_NAMED), 0 }; /* of dtype, ndim, flags, place */
    uint32_t mask, form_a, form_b;
    __builtin_memcpy(&mask, compared, sizeof mask);
    __builtin_memcpy(&form_a, &a->dtype, sizeof form_a);
    __builtin_memcpy(&form_b, &b->dtype, sizeof form_b);
    if ((form_a ^ form_b) & mask || a->size != b->size)
        return false;
    for (int i = 1; i < a->ndim; i++)
        if (ad_dims(a)[i] != ad_dims(b)[i])
            return false;
    return true;
}

int ad_axis_resolve(const char *operation, int axis, int ndim); /* -1 and an error */
int ad_axis_of_scalar(const ad_array *x, int axis); /* axis, but AD_NO_AXIS for 0 and -1 of a 0-d array, where NumPy takes them */
bool ad_axes_resolve(const char *operation, int axis, const ad_axes *axes, int ndim, bool *selected); /* all if none given */

typedef struct ad_shape_buffer {
    char text[200];
} ad_shape_buffer;
#define AD_SHAPE_TEXT(x) ad_shape_text((ad_shape_buffer){ { 0 } }.text, sizeof(ad_shape_buffer), (x)->ndim, ad_dims(x))

/* dtype.c */
ad_dtype ad_dtype_promote(ad_dtype a, ad_dtype b);
ad_dtype ad_dtype_common(ad_array *const *inputs, int count); /* NumPy's rules, weak scalars included */
bool ad_number_fits(const char *operation, const ad_array *x, ad_dtype dtype); /* false and an error: it overflows */
bool ad_number_overflows(const ad_array *x, ad_dtype dtype, int64_t *value); /* whether x is a C integer that int32 or uint8 cannot hold, and which */
ad_dtype ad_dtype_real(ad_dtype dtype);                       /* of a complex one, its part's; else itself */
ad_dtype ad_dtype_complex(ad_dtype dtype);

/* Real or complex: what can be differentiated. */
static inline bool ad_dtype_is_float(ad_dtype dtype)
{
    return dtype <= AD_C64;
}

static inline bool ad_dtype_is_complex(ad_dtype dtype)
{
    return dtype == AD_C128 || dtype == AD_C64;
}

#endif
