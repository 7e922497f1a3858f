/* Pullbacks: the part of a tape between an output and an input, kept for as long as the user likes.
 *
 * A pullback has slots of its own, numbered as on the tape less an offset. What they saved are arrays like any others.
 * So applying it, under the trace that it came from or any other, is recorded as every operation is. */
#include "ad/array.h"
#include "ad/tree.h"
#include "tape/function.h"
#include <string.h>

/* A leaf of the input or the output. */
struct end {
    ad_array *stub; /* shape and dtype */
    uint32_t slot;  /* 0: no dependence */
};

struct ad_pullback {
    struct ad_slots slots;
    uint32_t last; /* slot of the last input */
    uint32_t owner; /* number of its thread */
    bool applying; /* it is being applied, or a rule was left by an exception while it was: cotangents may be there */
    char kind, result_kind;
    int inputs_count, outputs_count;
    struct end *inputs, *outputs;
    ad_tree *input_tree, *output_tree; /* structure; NULL for an array */
};

enum { BIT = 1 };

/* Moves a slot of the tape into the pullback, or leaves an empty one in its place. Outer levels keep the original. */
static bool take_slot(ad_context *c, struct ad_pullback *pull, uint32_t index, uint32_t offset, uint64_t bit)
{
    uint32_t at;
    struct ad_page *page = c->tape->slots.pages[index / AD_PAGE_SLOTS];
    struct ad_slot *to = ad_slot_append(c, &pull->slots, &at);
    const struct ad_slot *from = page ? &page->slots[index % AD_PAGE_SLOTS] : NULL;
    if (!to || !from || !(from->mask & bit))
        return to != NULL;
    to->tail = from->tail;
    to->mask = BIT;
    if (!from->op)
        return true;
    if (!ad_slot_inputs(c, to, (int)from->count))
        return false;
    to->borrowed = from->borrowed & AD_SLOT_SIMPLE;
    if (to->borrowed && from->count == 1)
        to->borrowed |= AD_BORROWED_SECOND;
    for (uint32_t i = 0; i < from->count; i++) {
        uint32_t parent = ad_parents_of((struct ad_slot *)from)[i];
        ad_inputs_of(to)[i] = ad_keep(c, ad_inputs_of((struct ad_slot *)from)[i]);
        ad_parents_of(to)[i] = parent == AD_NO_PARENT || parent < offset ? AD_NO_PARENT : parent - offset;
    }
    if (!ad_slot_options(c, to, from->op, ad_options_of(from)))
        return false;
    if (from->outputs_count == 1) {
        to->output = ad_keep(c, from->output);
        return true;
    }
    ad_array **outputs = ad_allocate(c, from->outputs_count * sizeof *outputs);
    if (!outputs)
        return false;
    for (int k = 0; k < from->outputs_count; k++)
        outputs[k] = ad_keep(c, from->outputs[k]);
    to->outputs = outputs;
    to->outputs_count = from->outputs_count;
    return true;
}

static ad_array *stub(ad_context *c, const ad_array *x)
{
    return ad_keep(c, ad_array_abstract(c, (ad_dtype)x->dtype, x->ndim, ad_dims(x)));
}

static struct end *ends_new(ad_context *c, int count)
{
    struct end *ends = ad_allocate(c, (size_t)count * sizeof *ends);
    return ends ? memset(ends, 0, (size_t)count * sizeof *ends) : NULL;
}

static void ends_free(ad_context *c, struct end *ends, int count)
{
    for (int i = 0; ends && i < count; i++)
        ad_drop(c, ends[i].stub);
    ad_deallocate(c, ends, (size_t)count * sizeof *ends);
}

/* The last slot of the call that this slot belongs to: each output of a call has a slot. */
static uint32_t last_of_call(const ad_context *c, uint32_t slot)
{
    uint32_t first = slot - ad_slot_at(&c->tape->slots, slot)->tail;
    return first + ad_slot_at(&c->tape->slots, first)->outputs_count - 1u;
}

static bool describe_ends(ad_context *c, struct ad_pullback *pull, const struct ad_trace *trace, uint32_t offset, uint32_t *highest)
{
    pull->inputs_count = trace->inputs.count;
    pull->outputs_count = trace->outputs.count;
    if (!(pull->inputs = ends_new(c, pull->inputs_count)) || !(pull->outputs = ends_new(c, pull->outputs_count)))
        return false;
    for (int i = 0; i < pull->inputs_count; i++) {
        uint32_t slot = trace->input_slots[i];
        pull->inputs[i].slot = slot ? slot - offset : 0;
        if (!(pull->inputs[i].stub = stub(c, trace->inputs.leaf[i])))
            return false;
    }
    for (int i = 0; i < pull->outputs_count; i++) {
        const ad_array *y = trace->outputs.leaf[i];
        bool depends = ad_reverse_mask(c->tape, y) >> trace->level & 1 && y->slot >= trace->floor;
        pull->outputs[i].slot = depends ? y->slot - offset : 0;
        uint32_t last = depends ? last_of_call(c, y->slot) : 0;
        *highest = last > *highest ? last : *highest;
        if (!(pull->outputs[i].stub = stub(c, y)))
            return false;
    }
    return true;
}

/* Keeps the structures, with stubs for leaves. */
static bool describe_trees(ad_context *c, struct ad_pullback *pull, const void *argument, const void *result)
{
    AD_SCRATCH room = { 0 };
    ad_array **stubs = ad_scratch_take(c, &room, pull->inputs_count > pull->outputs_count ? pull->inputs_count : pull->outputs_count, sizeof *stubs);
    if (!stubs)
        return false;
    for (int i = 0; i < pull->inputs_count; i++)
        stubs[i] = pull->inputs[i].stub;
    if (pull->kind == 't' && !(pull->input_tree = ad_tree_retain(ad_tree_with_leaves(argument, stubs))))
        return false;
    for (int i = 0; i < pull->outputs_count; i++)
        stubs[i] = pull->outputs[i].stub;
    return pull->result_kind != 't' || (pull->output_tree = ad_tree_retain(ad_tree_with_leaves(result, stubs)));
}

static bool extract(ad_context *c, struct ad_pullback *pull, const struct ad_trace *trace, const void *argument)
{
    uint32_t offset = trace->floor, highest = trace->last;
    if (!describe_ends(c, pull, trace, offset, &highest))
        return false;
    pull->last = trace->last - offset;
    if (!describe_trees(c, pull, argument, trace->result))
        return false;
    for (uint32_t i = offset; i <= highest; i++)
        if (!take_slot(c, pull, i, offset, UINT64_C(1) << trace->level))
            return false;
    return true;
}

static void pullback_free(ad_context *c, ad_pullback *pull)
{
    ends_free(c, pull->inputs, pull->inputs_count);
    ends_free(c, pull->outputs, pull->outputs_count);
    ad_slots_free(c, &pull->slots);
    ad_tree_release(pull->input_tree);
    ad_tree_release(pull->output_tree);
    ad_object_deallocate(c, pull->owner, pull, sizeof *pull);
}

ad_pullback *ad_pullback_of(ad_context *c, const ad_fn *fn, const ad_value *arguments, int argnum, void **value)
{
    struct ad_trace trace;
    ad_pullback *pull = ad_object_allocate(c, sizeof *pull);
    if (!pull)
        return NULL;
    *pull = (ad_pullback){ .kind = fn->arguments[argnum], .result_kind = fn->result, .owner = c->id };
    bool done = ad_trace_open(c, fn, arguments, argnum, true, &trace) && extract(c, pull, &trace, arguments[argnum].p);
    ad_trace_close(c, &trace);
    if (!done) {
        pullback_free(c, pull);
        return NULL;
    }
    *value = trace.result;
    return pull;
}

char ad_pullback_kind(const ad_pullback *pull, bool of_result)
{
    return of_result ? pull->result_kind : pull->kind;
}

/* ---- applying ---- */

static void forget_cotangents(ad_context *c, struct ad_pullback *pull)
{
    for (uint32_t i = 0; i < pull->slots.next; i++) {
        struct ad_slot *slot = ad_slot_at(&pull->slots, i);
        ad_cotangent_drop(c, slot);
    }
}

static bool seed(ad_context *c, struct ad_pullback *pull, const struct ad_leaves *cotangents, uint32_t *from)
{
    for (int i = 0; i < pull->outputs_count; i++) {
        ad_array *g = cotangents->leaf[i], *y = pull->outputs[i].stub;
        if (!ad_shape_equal(ad_shape_of(g), ad_shape_of(y)))
            return AD_FAIL(AD_ERROR_SHAPE, "ad_vjp_apply: a cotangent of shape %s for an output of shape %s", AD_SHAPE_TEXT(g), AD_SHAPE_TEXT(y));
        uint32_t slot = pull->outputs[i].slot;
        if (!slot)
            continue;
        if (!(g = ad_match(g, y)) || !ad_cotangent_add(c, ad_slot_at(&pull->slots, slot), g))
            return false;
        *from = slot > *from ? slot : *from;
    }
    return true;
}

void *ad_pullback_apply(ad_context *c, ad_pullback *pull, void *cotangent)
{
    struct ad_leaves cotangents = { 0 };
    uint32_t from = 0;
    void *result = NULL;
    if (!ad_given(cotangent, "ad_vjp_apply", "cotangent"))
        return NULL;
    if (pull->output_tree && !ad_tree_same_structure(pull->output_tree, cotangent))
        return ad_set_error(AD_ERROR_TRANSFORM, "ad_vjp_apply: the cotangent's tree has another structure than the output's");
    if (pull->applying)
        forget_cotangents(c, pull);
    pull->applying = true;
    if (ad_leaves_of(c, pull->result_kind, cotangent, &cotangents) && seed(c, pull, &cotangents, &from) &&
        ad_sweep(c, &pull->slots, from, pull->last, BIT, 0, false)) {
        AD_SCRATCH room = { 0 };
        ad_array **gradients = ad_scratch_take(c, &room, pull->inputs_count, sizeof *gradients);
        bool done = gradients != NULL;
        for (int i = 0; i < pull->inputs_count && done; i++) {
            ad_array *g = pull->inputs[i].slot ? ad_cotangent_of(c, ad_slot_at(&pull->slots, pull->inputs[i].slot)) : NULL;
            gradients[i] = c->error_code ? NULL : g ? ad_hold(c, g) : ad_zeros_of(c, pull->inputs[i].stub);
            done = gradients[i] != NULL;
        }
        result = done ? ad_leaves_join(pull->kind, pull->input_tree, gradients) : NULL;
    }
    forget_cotangents(c, pull);
    pull->applying = false;
    ad_leaves_free(c, &cotangents);
    return result;
}

/* Whether it is used in its own thread, since the references in it are counted there. */
static bool usable(const ad_context *c, const ad_pullback *pull, const char *operation)
{
    return ad_given(pull, operation, "pullback") &&
           (pull->owner == c->id || (ad_set_error(AD_ERROR_THREAD, "%s: the pullback was made in another thread", operation), false));
}

ad_array *ad_vjp_apply(ad_pullback *pull, ad_array *ybar)
{
    if (!ad_given(pull, "ad_vjp_apply", "pullback"))
        return NULL;
    if ((pull->kind != 'a' || pull->result_kind != 'a'))
        return ad_set_error(AD_ERROR_TRANSFORM, "ad_vjp_apply: the function's argument or result is a tree; see ad_vjp_apply_any");
    return ad_vjp_apply_any(pull, ybar);
}

void *ad_vjp_apply_any(ad_pullback *pull, void *ybar)
{
    ad_context *c = ad_current();
    return usable(c, pull, "ad_vjp_apply") ? ad_pullback_apply(c, pull, ybar) : NULL;
}

void ad_vjp_free(ad_pullback *pull)
{
    ad_context *c = ad_current();
    if (pull && usable(c, pull, "ad_vjp_free"))
        pullback_free(c, pull);
}

void *ad_vjp_of(ad_fn *fn, ...)
{
    if (!fn || !fn->count)
        return ad_fn_usable(fn, "ad_vjp"), NULL;
    ad_value arguments[AD_MAX_ARGUMENTS];
    va_list list;
    va_start(list, fn);
    ad_values_read(fn, &list, arguments);
    ad_pullback **pull = va_arg(list, ad_pullback **);
    va_end(list);
    return ad_vjp_values(fn, arguments, pull);
}

void *ad_vjp_values(ad_fn *fn, const ad_value *arguments, ad_pullback **pull)
{
    if (!pull)
        return ad_failed() ? NULL : ad_set_error(AD_ERROR_VALUE, "ad_vjp: the place for the pullback is NULL");
    void *value = NULL;
    *pull = NULL;
    if (!ad_fn_usable(fn, "ad_vjp"))
        return NULL;
    AD_RUNNING(ad_current(), "ad_vjp");
    *pull = ad_pullback_of(ad_current(), fn, arguments, 0, &value);
    return value;
}
