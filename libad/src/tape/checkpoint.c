/* Checkpoints: a call that is run again in the reverse sweep instead of being remembered.
 *
 * The call is recorded as usual and its nodes are dropped at once; one node takes their place. When a sweep reaches it, the call is run
 * again with the swept level in sight, which appends its nodes to the tape with the very parents they had, closed-over
 * values included; sweeping those hands the cotangents on. The scope of the differentiated function stays open until its sweep, so that
 * closed-over values are still there. What leaves the function other than as its result is a constant.
 *
 * This is done for the innermost level only, where the result depends on no other reverse level. Otherwise the call is remembered after all: an
 * outer sweep comes when the scope of the inner function is gone, and it would find on its tape, for its own use, what the inner sweep's
 * second run recorded, so that nothing would be saved. With that, checkpoints nest and are right at every order. */
#include "ad/tree.h"
#include "tape/function.h"
#include <string.h>

/* Marks the slot; never applied. */
const ad_primitive ad_checkpoint_op = {
    .name = "ad_checkpoint",
    .options_size = sizeof(struct ad_call_record),
    .options_keep = ad_call_record_keep,
    .options_drop = ad_call_record_drop,
};

enum { MOST_OUTPUTS = AD_MAX_OUTPUTS };

/* Whether x was made by a node from `start` on. */
static bool made_since(const struct ad_tape *tape, const ad_array *x, uint32_t start)
{
    return ad_live_mask(tape, x) & ~tape->forward && x->node >= start;
}

/* Whether one node may stand for the call: see above. */
static bool can_fold(const struct ad_tape *tape, const struct ad_leaves *leaves, uint32_t start)
{
    int count = 0;
    uint64_t mask = 0;
    for (int i = 0; i < leaves->count; i++) {
        if (!made_since(tape, leaves->leaf[i], start))
            continue;
        count++;
        mask |= ad_reverse_mask(tape, leaves->leaf[i]);
    }
    return count <= MOST_OUTPUTS && mask == UINT64_C(1) << (tape->depth - 1);
}

static ad_array *moved(ad_context *c, const ad_array *x, uint32_t node)
{
    ad_array *y = ad_array_alias(c, x);
    if (!y)
        return NULL;
    y->serial = x->serial;
    y->node = node;
    for (const struct ad_tangent *t = x->tangents; t; t = t->next)
        if (!ad_tangent_attach(c, y, t->level, t->value))
            return NULL;
    return y;
}

/* Replaces the nodes from `start` on by one for the whole call; the leaves they made are moved to it. */
static bool fold(ad_context *c, const ad_fn *fn, const ad_value *arguments, struct ad_leaves *leaves, uint32_t start)
{
    struct ad_tape *tape = c->tape;
    struct ad_call_record record = { .fn = fn };
    memcpy(record.arguments, arguments, (size_t)fn->count * sizeof *arguments);
    AD_SCRATCH room = { 0 };
    bool *made = ad_scratch_take(c, &room, leaves->count, sizeof *made);
    if (!made)
        return false;
    for (int i = 0; i < leaves->count; i++)
        made[i] = made_since(tape, leaves->leaf[i], start);
    tape->levels[tape->depth - 1].has_checkpoints = true;
    for (uint32_t i = start, end = tape->slots.next; i < end; i++)
        ad_slot_clear(c, &tape->slots, i);

    int k = 0;
    for (int i = 0; i < leaves->count; i++) {
        if (!made[i])
            continue;
        uint32_t node;
        struct ad_slot *slot = ad_slot_append(c, &tape->slots, &node);
        if (!slot || !(leaves->leaf[i] = moved(c, leaves->leaf[i], node)))
            return false;
        slot->mask = UINT64_C(1) << (tape->depth - 1);
        slot->tail = (uint8_t)k++;
        if (k == 1 && !ad_slot_options(c, slot, &ad_checkpoint_op, &record))
            return false;
        if (k > 1)
            ad_slot_at(&tape->slots, node - (uint32_t)(k - 1))->outputs_count = (uint8_t)k;
    }
    return true;
}

/* Some reverse level is open, and no forward level within one: its tangents would have to be made again too, after it is over. */
static bool is_worthwhile(const struct ad_tape *tape)
{
    uint64_t reverse = tape ? tape->live & ~tape->forward : 0, forward = tape ? tape->live & tape->forward : 0;
    return reverse && forward < (reverse & -reverse);
}

static void *run_checkpoint(ad_context *c, const ad_fn *fn, const ad_value *arguments)
{
    struct ad_tape *tape = c->tape;
    if (!is_worthwhile(tape) || c->plain_checkpoints)
        return ad_fn_invoke(c, fn->inner, arguments);
    uint32_t start = tape->slots.next;
    struct ad_leaves leaves = { 0 };
    ad_scope scope = ad_scope_open();
    void *result = ad_fn_invoke(c, fn->inner, arguments);
    if (!result || !ad_leaves_of(c, fn->result, result, &leaves)) {
        result = NULL;
    } else if (can_fold(tape, &leaves, start)) {
        result = fold(c, fn->inner, arguments, &leaves, start) ? ad_leaves_join(fn->result, result, leaves.leaf) : NULL;
        result = ad_value_escape(fn->result, result);
    } else {
        ad_scope_absorb(c, scope.depth); /* a checkpoint in it may have closed over what is in the scope */
    }
    ad_leaves_free(c, &leaves);
    ad_scope_close(scope);
    return result;
}

/* Puts the cotangents on the leaves of the second run; *from: the highest slot that has one. */
static bool reseed(ad_context *c, const struct ad_leaves *leaves, uint32_t start, int count, ad_array **cotangents, uint32_t *from)
{
    int k = 0;
    for (int i = 0; i < leaves->count; i++) {
        const ad_array *y = leaves->leaf[i];
        if (!ad_reverse_mask(c->tape, y) || y->node < start)
            continue;
        ad_array *g = k < count ? cotangents[k] : NULL;
        k++;
        if (!g)
            continue;
        if (!(g = ad_match(g, y)) || !ad_cotangent_add(c, ad_slot_at(&c->tape->slots, y->node), g))
            return false;
        *from = y->node > *from ? y->node : *from;
    }
    if (k != count)
        ad_set_error(AD_ERROR_TRANSFORM, "ad_checkpoint: the second run gave %d arrays that depend on the argument, the first one %d", k, count);
    return k == count;
}

bool ad_checkpoint_sweep(ad_context *c, struct ad_slot *slot, uint64_t bit, uint32_t floor, ad_array **cotangents)
{
    const struct ad_call_record *record = ad_options_of(slot);
    struct ad_tape *tape = c->tape;
    uint64_t live = tape->live;
    uint32_t start = tape->slots.next, from = 0;
    struct ad_leaves leaves = { 0 };
    tape->live |= bit;
    void *result = ad_fn_invoke(c, record->fn, record->arguments);
    tape->live = live;
    bool done = result && ad_leaves_of(c, record->fn->result, result, &leaves) && reseed(c, &leaves, start, slot->outputs_count, cotangents, &from) &&
                ad_sweep(c, &tape->slots, from, start - 1, bit, floor, true);
    ad_leaves_free(c, &leaves);
    for (uint32_t i = start, end = tape->slots.next; i < end; i++)
        if (tape->slots.pages[i / AD_PAGE_SLOTS] && !(ad_slot_at(&tape->slots, i)->mask & live))
            ad_slot_clear(c, &tape->slots, i);
    return done;
}

ad_fn *ad_checkpoint_fn(ad_fn *fn)
{
    static const struct ad_transformation checkpoint = { .name = "ad_checkpoint", .run = run_checkpoint, .result = 'y', .added = "" };
    return ad_transformed(&checkpoint, fn, NULL, 0);
}
