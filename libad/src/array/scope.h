/* Reference counts and scopes: what makes an object belong to the innermost scope, and what frees it when nothing
 * refers to it. */
#ifndef AD_SCOPE_INTERNAL_H
#define AD_SCOPE_INTERNAL_H

#include "ad/scope.h"
#include "array/scalar.h"

/* The references of this thread, and the entry that a new object gets in its innermost scope. */
void ad_scope_shrink(ad_context *c); /* gives back room that entries no longer need */
bool ad_scope_grow_and_add(ad_context *c, struct ad_object *object);
void ad_object_retain_shared(struct ad_object *object);
void ad_object_release_shared(ad_context *c, struct ad_object *object);
bool ad_object_was_last(struct ad_object *object); /* drops a shared reference; true: it was the last one, and the caller frees the object */

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

/* Whether only one array uses the storage. */
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
        if (last && object->kind == AD_SCALAR) {
            ad_scalar_free(c, (ad_array *)object);
            return;
        }
        if (last && (object->kind == AD_PLAIN_ARRAY || (object->kind == AD_JOINED && ad_is_unshared(((ad_array *)object)->storage)))) {
            ad_header_deallocate(c, c->id, object, (size_t)object->size_class * AD_SMALL_STEP);
            return;
        }
        if (last && object->kind == AD_DUAL_SCALAR) {
            ad_dual_scalar_free(c, (ad_array *)object);
            return;
        }
        object->local = 0;
    }
    ad_object_release_shared(c, object);
}

void ad_scope_unwind(ad_context *c, uint32_t depth);
void ad_scope_absorb(ad_context *c, uint32_t depth); /* scopes deeper than `depth` become part of the one at `depth` */

/* Drops all objects that were made since the stack of scopes had `count` entries. So the engine can have a scope of its
 * own without a mark. */
static inline void ad_scope_trim(ad_context *c, uint32_t count)
{
    struct ad_scope_stack *s = &c->scopes;
    while (s->count > count)
        ad_object_release(c, (struct ad_object *)(s->entries[--s->count] & ~(uintptr_t)1));
}

#define AD_NO_SCOPE UINT32_MAX

/* Whether x is the last object that came into the innermost scope, and is not marked to move out of it. */
static inline bool ad_is_newest(const ad_context *c, const struct ad_object *x)
{
    const struct ad_scope_stack *s = &c->scopes;
    uint32_t first = s->depth ? s->marks[s->depth - 1].first : 0;
    return s->count > first && s->entries[s->count - 1] == (uintptr_t)x;
}

/* Makes a value that something else holds belong to the innermost scope too. */
ad_array *ad_hold(ad_context *c, ad_array *x);
ad_tree *ad_tree_hold(ad_tree *t); /* NULL for NULL */

/* An operand as the result of a function that changes nothing. A result belongs to the innermost scope, and so does
 * this one. */
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

/* A 0-d float64 array, of kind AD_SCALAR, in the innermost scope. The caller sets its value and its slot. */
AD_ALWAYS_INLINE ad_array *ad_array_real(ad_context *c)
{
    ad_array *x = ad_scalar_new(c);
    if (!x || __builtin_expect(ad_scope_add(c, &x->object), 1))
        return x;
    ad_drop(c, x);
    return NULL;
}

#endif
