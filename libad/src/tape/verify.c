/* What a checked build (-Dchecked=true) verifies while calls are computed, recorded and swept.
 *
 * A broken invariant is an error that names the operation: the functions of a primitive do what they may not, or the
 * engine does. Memory for the checks comes from the system, so that the program's memory is used as in other builds.
 * Those have none of this. */
#define _GNU_SOURCE /* for posix_memalign */
#include "tape/verify.h"

#ifdef AD_CHECKED
#include <stdlib.h>
#include <string.h>

/* ---- infer gives one answer, and no function changes the options ---- */

static void *options_copy(const struct ad_node *node)
{
    void *copy = node->op->options_size ? malloc(node->op->options_size) : NULL;
    return copy ? memcpy(copy, node->options, node->op->options_size) : NULL;
}

/* Drops the copy. */
static bool options_unchanged(const struct ad_node *node, void *copy, const char *function)
{
    bool same = !copy || memcmp(copy, node->options, node->op->options_size) == 0;
    free(copy);
    return same || AD_FAIL(AD_ERROR_VALUE, "%s: %s changes the options", node->op->name, function);
}

static bool same_spec(const ad_spec *a, const ad_spec *b)
{
    return a->dtype == b->dtype && a->shape.ndim == b->shape.ndim &&
           ((unsigned)a->shape.ndim > AD_MAX_NDIM || memcmp(a->shape.dim, b->shape.dim, (size_t)a->shape.ndim * sizeof *a->shape.dim) == 0);
}

bool ad_infer_verified(const struct ad_node *node, ad_spec *specs, int outputs_count)
{
    ad_spec again[AD_MAX_OUTPUTS];
    void *before = options_copy(node);
    bool done = node->op->infer(node, specs), same = done && node->op->infer(node, again);
    if (!options_unchanged(node, before, "infer") || !done)
        return false;
    for (int k = 0; k < outputs_count; k++)
        if (!same || !same_spec(&specs[k], &again[k]))
            return AD_FAIL(AD_ERROR_VALUE, "%s: infer gives another answer of output %d when it is asked again", node->op->name, k);
    return true;
}

/* ---- eval stays within its memory, which is ASan's where that looks on, and otherwise lies between guards ---- */

#ifdef AD_ASAN
enum { GUARD = 0 };
#else
enum { GUARD = 64 };
#endif
enum { GUARDED = 0xa5 };

static size_t bytes_of(const ad_array *x)
{
    return (size_t)(x->size * ad_item_size((ad_dtype)x->dtype));
}

static char *guarded_new(size_t bytes)
{
    void *block;
    if (posix_memalign(&block, 64, GUARD + bytes + GUARD))
        return NULL;
    memset(block, GUARDED, GUARD);
    memset((char *)block + GUARD + bytes, GUARDED, GUARD);
    return (char *)block + GUARD;
}

static bool is_untouched(const char *guard)
{
    for (int i = 0; i < GUARD; i++)
        if ((unsigned char)guard[i] != GUARDED)
            return false;
    return true;
}

/* Drops the memory. */
static bool give_output(const struct ad_node *node, ad_array *output, char *data, int k)
{
    size_t bytes = bytes_of(output);
    bool within = is_untouched(data - GUARD) && is_untouched(data + bytes);
    memcpy(memory_of(output), data, bytes);
    free(data - GUARD);
    return within || AD_FAIL(AD_ERROR_VALUE, "%s: eval writes beyond the %lld bytes of output %d", node->op->name, (long long)bytes, k);
}

bool ad_eval_verified(const struct ad_node *node, ad_array *const *outputs, void **data, int outputs_count)
{
    char *guarded[AD_MAX_OUTPUTS];
    void *before = options_copy(node);
    for (int k = 0; k < outputs_count; k++) {
        guarded[k] = guarded_new(bytes_of(outputs[k]));
        data[k] = guarded[k] ? guarded[k] : data[k];
    }
    bool done = node->op->eval(node, data);
    for (int k = 0; k < outputs_count; k++)
        if (guarded[k])
            done &= give_output(node, outputs[k], guarded[k], k);
    return options_unchanged(node, before, "eval") && done;
}

/* ---- the tape ---- */

/* A parent was recorded before its child, and takes part in what the slot depends on. The slot depends on nothing
 * else. */
bool ad_slot_verified(const struct ad_tape *tape, uint32_t index)
{
    struct ad_slot *slot = ad_slot_at(&tape->slots, index);
    const char *name = slot->op->name;
    uint64_t mask = 0;
    for (uint32_t i = 0; i < slot->count; i++) {
        uint32_t parent = ad_parents_of(slot)[i];
        if (parent == AD_NO_PARENT)
            continue;
        if (parent >= index)
            return AD_FAIL(AD_ERROR_TRANSFORM, "%s: slot %u has the parent %u, which is no older", name, index, parent);
        const struct ad_page *page = tape->slots.pages[parent / AD_PAGE_SLOTS];
        uint64_t of_parent = page ? page->slots[parent % AD_PAGE_SLOTS].mask & tape->live & ~tape->forward : 0;
        if (!of_parent)
            return AD_FAIL(AD_ERROR_TRANSFORM, "%s: slot %u has the parent %u, which depends on no level in sight", name, index, parent);
        mask |= of_parent;
    }
    return mask == slot->mask || AD_FAIL(AD_ERROR_TRANSFORM, "%s: slot %u has the mask %llx; its parents have %llx", name, index,
                                         (unsigned long long)slot->mask, (unsigned long long)mask);
}

/* ---- what rules give, after the engine has brought it into form ---- */

bool ad_form_verified(const ad_primitive *op, const char *what, int i, const ad_array *d, const ad_array *like)
{
    if (d->dtype == like->dtype && !(d->flags & AD_WEAK) && ad_same_shape(d, like))
        return true;
    return AD_FAIL(AD_ERROR_TRANSFORM, "%s: the %s of %s %d is %s of shape %s, not %s of shape %s", op->name, what, *what == 'c' ? "operand" : "output", i,
                   ad_dtype_name((ad_dtype)d->dtype), AD_SHAPE_TEXT(d), ad_dtype_name((ad_dtype)like->dtype), AD_SHAPE_TEXT(like));
}

/* ---- rules keep nothing ---- */

static int64_t references_to(const ad_array *x)
{
    return (int64_t)x->object.local + atomic_load_explicit(&x->object.shared, memory_order_relaxed);
}

/* Arrays that other threads hold references to are left out: those threads take and drop references meanwhile. */
static bool is_of_this_thread(const ad_context *c, const ad_array *x)
{
    return x->object.owner == c->id && atomic_load_explicit(&x->object.shared, memory_order_relaxed) == 1;
}

static void note(const ad_context *c, struct ad_references *r, ad_array *const *arrays, int count)
{
    for (int i = 0; i < count && r->count < AD_NOTED; i++) {
        if (!arrays[i] || arrays[i]->flags & AD_ABSTRACT || !is_of_this_thread(c, arrays[i]))
            continue;
        r->array[r->count] = arrays[i];
        r->references[r->count++] = references_to(arrays[i]);
    }
}

/* With a level in sight, the tape and tangents also hold what rules compute with. */
void ad_references_note(const ad_context *c, struct ad_references *r, const struct ad_node *node, ad_array *const *given, int given_count)
{
    r->count = 0;
    if (c->tape->live || c->watched)
        return;
    note(c, r, node->inputs, node->count);
    note(c, r, node->outputs, node->op->outputs > 1 ? node->op->outputs : 1);
    note(c, r, given, given_count);
}

void ad_references_given(struct ad_references *r, const ad_array *x)
{
    for (int i = 0; i < r->count; i++)
        r->references[i] += r->array[i] == x;
}

bool ad_references_verified(const struct ad_references *r, const ad_primitive *op)
{
    for (int i = 0; i < r->count; i++)
        if (references_to(r->array[i]) > r->references[i])
            return AD_FAIL(AD_ERROR_TRANSFORM, "%s: a rule keeps an array of shape %s that it was given", op->name, AD_SHAPE_TEXT(r->array[i]));
    return true;
}
#endif
