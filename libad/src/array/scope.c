/* Scopes and reference counts.
 *
 * The scope stack is one vector of objects. An open scope is a mark with the index of its first entry. Each entry is
 * one local reference. An entry whose lowest bit is set moves to the enclosing scope when its own closes.
 *
 * A scope closes in the state in which it was opened. If the state differs, a C++ exception or a longjmp has left the
 * functions that ran in the scope, and the differentiations that they had begun are ended. */
#include "array/error.h"
#include "array/scope.h"
#include "array/shape.h"
#include "array/tree.h"
#include <stdio.h>
#include <string.h>

static void object_free(ad_context *c, struct ad_object *object)
{
    if (ad_is_tree(object))
        ad_tree_free(c, object);
    else
        ad_array_free(c, (ad_array *)object);
}

void ad_object_release_shared(ad_context *c, struct ad_object *object)
{
    if (ad_object_was_last(object))
        object_free(c, object);
}

bool ad_object_was_last(struct ad_object *object)
{
    return atomic_load_explicit(&object->shared, memory_order_acquire) == 1 ||
           atomic_fetch_sub_explicit(&object->shared, 1, memory_order_acq_rel) == 1;
}

void ad_object_retain_shared(struct ad_object *object)
{
    atomic_fetch_add_explicit(&object->shared, 1, memory_order_relaxed);
}

bool ad_scope_grow_and_add(ad_context *c, struct ad_object *object)
{
    struct ad_scope_stack *s = &c->scopes;
    return ad_grow(c, &s->entries, &s->capacity, sizeof *s->entries, s->count + 1) && ad_scope_add(c, object);
}

/* Leaves room for twice as many entries as there are, or a few. So the size that the stack once had leaves no trace. */
void ad_scope_shrink(ad_context *c)
{
    struct ad_scope_stack *s = &c->scopes;
    uint32_t capacity = s->count < 64 ? 128 : 2 * s->count;
    if (s->capacity <= capacity)
        return;
    uintptr_t *entries = ad_allocate(c, capacity * sizeof *entries);
    if (!entries)
        return;
    memcpy(entries, s->entries, s->count * sizeof *entries);
    ad_deallocate(c, s->entries, s->capacity * sizeof *entries);
    s->entries = entries;
    s->capacity = capacity;
}

/* ---- what a checked build says of things that were dropped ---- */

#ifdef AD_CHECKED
static void say_dropping(ad_context *c, const char *place, bool released)
{
    if (c->id == AD_NO_THREAD)
        return;
    c->dropping.place = place;
    c->dropping.released = released;
}

#define note_place(mark) ((mark)->place = ad_call_site_)
#define place_of(mark)   (mark)->place
#else
#define say_dropping(c, place, released) ((void)0)
#define note_place(mark)                 ((void)0)
#endif

/* ---- scopes ---- */

ad_scope ad_scope_open(void)
{
    ad_context *c = ad_current();
    struct ad_scope_stack *s = &c->scopes;
    if (!ad_grow(c, &s->marks, &s->mark_capacity, sizeof *s->marks, s->depth + 1))
        return (ad_scope){ AD_NO_SCOPE };
    s->marks[s->depth] = (struct ad_scope_mark){ .first = s->count, .tracing = *c->tracing, .operation = c->operation, .frame = c->frame };
    note_place(&s->marks[s->depth]);
    return (ad_scope){ s->depth++ };
}

static inline bool is_same(const struct ad_tracing *a, const struct ad_tracing *b)
{
    return a->live == b->live && a->run == b->run && a->depth == b->depth;
}

static __attribute__((noinline, cold)) void unwind(ad_context *c, struct ad_tracing to)
{
    if (c->unwind)
        c->unwind(c, &to);
}

static void close_innermost(ad_context *c)
{
    enum { AHEAD = 8 };
    struct ad_scope_stack *s = &c->scopes;
    const struct ad_scope_mark *mark = &s->marks[--s->depth];
    uint32_t first = mark->first, kept = first;
    c->operation = mark->operation;
    c->watched |= c->frame != mark->frame; /* a hook may have been left, while which nobody watches; the next call looks who does */
    c->frame = mark->frame;
    say_dropping(c, place_of(mark), false);
    if (__builtin_expect(!is_same(c->tracing, &mark->tracing), 0))
        unwind(c, mark->tracing);
    const uintptr_t *entries = s->entries; /* freeing an object changes no entry */
    for (uint32_t i = first, count = s->count, fetched = count > AHEAD ? count - AHEAD : 0; i < count; i++) {
        if (i < fetched) /* the first objects of a large scope are no longer in the cache */
            __builtin_prefetch((const void *)entries[i + AHEAD]);
        if (entries[i] & 1)
            s->entries[kept++] = entries[i] - 1;
        else
            ad_object_release(c, (struct ad_object *)entries[i]);
    }
    s->count = kept;
    say_dropping(c, NULL, false);
}

void ad_scope_close(ad_scope scope)
{
    ad_context *c = ad_current();
    while (c->scopes.depth > scope.depth)
        close_innermost(c);
}

void ad_scope_absorb(ad_context *c, uint32_t depth)
{
    struct ad_scope_stack *s = &c->scopes;
    if (s->depth <= depth)
        return;
    for (uint32_t i = s->marks[depth].first; i < s->count; i++)
        s->entries[i] &= ~(uintptr_t)1;
    s->depth = depth;
}

/* Closes all scopes down to `depth`. At depth 0 it also drops what belongs to the thread. */
void ad_scope_unwind(ad_context *c, uint32_t depth)
{
    while (c->scopes.depth > depth)
        close_innermost(c);
    while (depth == 0 && c->scopes.count)
        ad_object_release(c, (struct ad_object *)(c->scopes.entries[--c->scopes.count] & ~(uintptr_t)1));
}

static bool escape(struct ad_object *object)
{
    ad_context *c = ad_current();
    if (!ad_scope_add(c, object))
        return false;
    ad_object_retain(c, object);
    if (c->scopes.depth)
        c->scopes.entries[c->scopes.count - 1] |= 1;
    return true;
}

ad_array *ad_hold(ad_context *c, ad_array *x)
{
    if (!ad_scope_add(c, &x->object))
        return NULL;
    return ad_keep(c, x);
}

ad_tree *ad_tree_hold(ad_tree *t)
{
    ad_context *c = ad_current();
    if (!t || ad_is_newest(c, (struct ad_object *)t))
        return t;
    if (!ad_scope_add(c, (struct ad_object *)t))
        return NULL;
    ad_object_retain(c, (struct ad_object *)t);
    return t;
}

ad_array *(ad_escape)(ad_array *x)
{
    return ad_given(x, "ad_escape", "array") && escape((struct ad_object *)x) ? x : NULL;
}

ad_tree *ad_tree_escape(ad_tree *t)
{
    return ad_given(t, "ad_escape", "tree") && escape((struct ad_object *)t) ? t : NULL;
}

ad_array *(ad_retain)(ad_array *x)
{
    if (!x || !ad_given(x, "ad_retain", "array"))
        return NULL;
    ad_object_retain_shared((struct ad_object *)x);
    return x;
}

ad_tree *ad_tree_retain(ad_tree *t)
{
    if (!t || !ad_given(t, "ad_retain", "tree"))
        return NULL;
    ad_object_retain_shared((struct ad_object *)t);
    return t;
}

static const char *describe(const struct ad_object *object, ad_shape_buffer *buffer)
{
    if (ad_is_tree(object))
        return "a tree";
    int used = snprintf(buffer->text, sizeof buffer->text, "an array of shape ");
    ad_shape_text(buffer->text + used, sizeof buffer->text - (size_t)used, object->ndim, ad_dims((const ad_array *)object));
    return buffer->text;
}

/* False where only scopes of this thread and the tape refer to the object. Then nobody has retained it, and dropping a
 * reference would leave them without one. */
static bool is_retained(const ad_context *c, const struct ad_object *object)
{
    return object->owner != c->id || object->local == 0 || atomic_load_explicit(&object->shared, memory_order_relaxed) > 1;
}

static void release(struct ad_object *object)
{
    ad_context *c = ad_current();
    if (!object || !ad_given(object, "ad_release", "array or tree"))
        return;
    say_dropping(c, ad_call_site_, true);
    if (is_retained(c, object))
        ad_object_release_shared(c, object);
    else
        ad_set_error(AD_ERROR_VALUE, "ad_release: %s that nobody has retained, or that was released already; its scope drops it",
                     describe(object, &(ad_shape_buffer){ { 0 } }));
    say_dropping(c, NULL, false);
}

void (ad_release)(ad_array *x)
{
    release((struct ad_object *)x);
}

void ad_tree_release(ad_tree *t)
{
    release((struct ad_object *)t);
}

/* Takes a reference to x and drops the one to what was held. On failure it does neither: false and an error. */
static bool replace(struct ad_object *held, struct ad_object *x)
{
    ad_context *c = ad_current();
    if (!ad_given(x, "ad_assign", "new value"))
        return false;
    if (held && !ad_given(held, "ad_assign", "old value"))
        return false;
    if (held && !is_retained(c, held))
        return AD_FAIL(AD_ERROR_VALUE, "ad_assign: the variable holds %s that was not retained; let it begin as NULL, or with ad_retain",
                       describe(held, &(ad_shape_buffer){ { 0 } }));
    ad_object_retain_shared(x);
    say_dropping(c, ad_call_site_, true);
    if (held)
        ad_object_release_shared(c, held);
    say_dropping(c, NULL, false);
    return true;
}

ad_array *(ad_assign)(ad_array **variable, ad_array *x)
{
    return ad_given(variable, "ad_assign", "address of the variable") && replace((struct ad_object *)*variable, (struct ad_object *)x) ? *variable = x : NULL;
}

ad_tree *ad_tree_assign(ad_tree **variable, ad_tree *x)
{
    return ad_given(variable, "ad_assign", "address of the variable") && replace((struct ad_object *)*variable, (struct ad_object *)x) ? *variable = x : NULL;
}
