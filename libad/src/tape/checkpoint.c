/* Checkpoints: a call that is run again in the reverse sweep instead of being remembered.
 *
 * The call is recorded as usual and its nodes are dropped at once; one node takes their place. When a sweep reaches it, the call is run
 * again with the swept level in sight, which appends its nodes to the tape with the very parents they had, closed-over
 * values included; sweeping those hands the cotangents on. So it is right at every order and nests. The scope of the differentiated function stays
 * open until its sweep, so that closed-over values are still there. Under forward levels inside a reverse one the call is remembered after all. What leaves the function other than as its result is a constant. */
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

static int count_made(const struct ad_tape *tape, const struct ad_leaves *leaves, uint32_t start)
{
    int count = 0;
    for (int i = 0; i < leaves->count; i++)
        count += made_since(tape, leaves->leaf[i], start);
    return count;
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
    uint64_t mask = 0;
    bool made[leaves->count + 1];
    for (int i = 0; i < leaves->count; i++) {
        made[i] = made_since(tape, leaves->leaf[i], start);
        mask |= made[i] ? ad_live_mask(tape, leaves->leaf[i]) & ~tape->forward : 0;
    }
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
        slot->mask = mask;
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
    for (int k = 0; k < tape->depth; k++)
        tape->levels[k].has_checkpoints = true;
    uint32_t start = tape->slots.next;
    struct ad_leaves leaves = { 0 };
    ad_scope scope = ad_scope_open();
    void *result = ad_value_escape(fn->result, ad_fn_invoke(c, fn->inner, arguments));
    ad_scope_close(scope);
    if (result && ad_leaves_of(c, fn->result, result, &leaves)) {
        int made = count_made(tape, &leaves, start);
        if (made > 0 && made <= MOST_OUTPUTS)
            result = fold(c, fn->inner, arguments, &leaves, start) ? ad_leaves_join(fn->result, result, leaves.leaf) : NULL;
        ad_leaves_free(c, &leaves);
    }
    return result;
}

/* Puts the cotangents on the leaves of the second run; gives the highest slot that has one. */
static bool reseed(ad_context *c, const struct ad_leaves *leaves, uint32_t start, uint64_t bit, ad_array **cotangents, uint32_t *from)
{
    int k = 0;
    for (int i = 0; i < leaves->count; i++) {
        const ad_array *y = leaves->leaf[i];
        if (!ad_reverse_mask(c->tape, y) || y->node < start)
            continue;
        ad_array *g = cotangents[k++];
        struct ad_slot *slot = ad_slot_at(&c->tape->slots, y->node);
        if (!g || !(slot->mask & bit))
            continue;
        if (!ad_cotangent_add(c, slot, g))
            return false;
        *from = y->node > *from ? y->node : *from;
    }
    return true;
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
    bool done = result && ad_leaves_of(c, record->fn->result, result, &leaves) && reseed(c, &leaves, start, bit, cotangents, &from) &&
                ad_sweep(c, &tape->slots, from, start - 1, bit, floor, true);
    ad_leaves_free(c, &leaves);
    for (uint32_t i = start, end = tape->slots.next; i < end; i++)
        if (tape->slots.pages[i / AD_PAGE_SLOTS] && !(ad_slot_at(&tape->slots, i)->mask & live))
            ad_slot_clear(c, &tape->slots, i);
    return done;
}

ad_fn *ad_checkpoint_fn(ad_fn *fn)
{
    if (!fn)
        return ad_failed() ? NULL : ad_set_error(AD_ERROR_TRANSFORM, "ad_checkpoint: the function is NULL");
    return ad_fn_transformed(ad_current(), run_checkpoint, fn, NULL, 0, fn->result, "");
}
