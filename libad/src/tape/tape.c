/* The tape itself: slots in pages, and the stack of levels. See tape.h for the invariants. */
#include "tape/tape.h"
#include <string.h>

/* ---- slots ---- */

/* Makes room for the next slot, whose page is not open yet. */
bool ad_page_open(ad_context *c, struct ad_slots *slots)
{
    if (slots->next >= AD_NO_PARENT - AD_PAGE_SLOTS)
        return AD_FAIL(AD_ERROR_MEMORY, "tape: a differentiation of more than %u operations", slots->next);
    uint32_t page = slots->next / AD_PAGE_SLOTS, old = slots->page_capacity;
    if (page >= old) {
        if (!ad_grow(c, &slots->pages, &slots->page_capacity, sizeof *slots->pages, page + 1))
            return false;
        memset(slots->pages + old, 0, (slots->page_capacity - old) * sizeof *slots->pages);
    }
    if (!slots->pages[page] && !(slots->pages[page] = ad_allocate(c, sizeof(struct ad_page))))
        return false;
    slots->pages[page]->alive = AD_PAGE_SLOTS;
    slots->free = ad_slot_at(slots, slots->next);
    return true;
}

static size_t inputs_bytes(uint32_t count)
{
    return count * (sizeof(ad_array *) + sizeof(uint32_t));
}

bool ad_slot_inputs(ad_context *c, struct ad_slot *slot, int count)
{
    if (count > 2) {
        slot->many_inputs = ad_allocate(c, inputs_bytes((uint32_t)count));
        if (!slot->many_inputs)
            return false;
        memset(slot->many_inputs, 0, inputs_bytes((uint32_t)count));
        slot->many_parents = (uint32_t *)(slot->many_inputs + count);
    }
    if (count == 1)
        slot->parents[1] = AD_NO_PARENT;
    slot->count = (uint32_t)count;
    return true;
}

/* Drops what a slot holds, if it is not that of a simple call. */
static void empty(ad_context *c, struct ad_slot *slot)
{
    if (slot->op)
        ad_options_drop(c, slot->op, &slot->options);
    ad_array **inputs = ad_inputs_of(slot);
    for (uint32_t i = 0; i < slot->count; i++)
        if (i >= 2 || !(slot->borrowed >> i & 1))
            ad_drop(c, inputs[i]);
    if (slot->count > 2)
        ad_deallocate(c, slot->many_inputs, inputs_bytes(slot->count));
    if (slot->borrowed & AD_SLOT_HOLLOW) {
        slot->run = NULL;
    } else if (slot->outputs_count > 1 && slot->outputs) {
        for (int k = 0; k < slot->outputs_count; k++)
            ad_drop(c, slot->outputs[k]);
        ad_deallocate(c, slot->outputs, slot->outputs_count * sizeof *slot->outputs);
    } else if (slot->outputs_count <= 1) {
        ad_drop(c, slot->output);
    }
    memset(slot, 0, offsetof(struct ad_slot, inputs));
}

/* A dead slot has mask 0 and takes no cotangent, though others may still name it as a parent. */
bool ad_slot_clear(ad_context *c, struct ad_slots *slots, uint32_t index)
{
    struct ad_page *page = slots->pages[index / AD_PAGE_SLOTS];
    if (!page)
        return false;
    struct ad_slot *slot = &page->slots[index % AD_PAGE_SLOTS];
    if (ad_slot_is_empty(slot))
        return true;
    ad_cotangent_drop(c, slot);
    if (ad_slot_is_short(slot))
        ad_slot_empty_short(c, slot);
    else
        empty(c, slot);
    if (--page->alive)
        return true;
    ad_deallocate(c, page, sizeof *page);
    slots->pages[index / AD_PAGE_SLOTS] = NULL;
    return false;
}

/* Clears all slots. It keeps the first page, whose slot 0 is never used, so that a small trace asks for no memory. */
static void slots_reset(ad_context *c, struct ad_slots *slots)
{
    for (uint32_t i = slots->first; i < slots->next; i++) {
        const struct ad_page *page = slots->pages[i / AD_PAGE_SLOTS];
        if (!page || (!ad_slot_is_empty(&page->slots[i % AD_PAGE_SLOTS]) && !ad_slot_clear(c, slots, i)))
            i |= AD_PAGE_SLOTS - 1;
    }
    for (uint32_t page = 1; page <= slots->next / AD_PAGE_SLOTS && page < slots->page_capacity; page++) {
        ad_deallocate(c, slots->pages[page], sizeof **slots->pages);
        slots->pages[page] = NULL;
    }
    slots->next = slots->first;
    slots->free = NULL;
}

void ad_slots_free(ad_context *c, struct ad_slots *slots)
{
    slots_reset(c, slots);
    if (slots->pages)
        ad_deallocate(c, slots->pages[0], sizeof **slots->pages);
    ad_deallocate(c, slots->pages, slots->page_capacity * sizeof *slots->pages);
    *slots = (struct ad_slots){ 0 };
}

/* ---- the tape of a thread ---- */

ad_array *ad_stub_of_shape(ad_context *c, const ad_array *x, ad_array **place)
{
    ad_array *stub = ad_array_abstract(c, (ad_dtype)x->dtype, x->ndim, ad_dims(x));
    if (!stub)
        return NULL;
    ad_drop(c, *place);
    return *place = ad_keep(c, stub);
}

static void drop_shaped_stubs(ad_context *c, struct ad_tape *tape)
{
    for (int i = 0; i < AD_SHAPED_STUBS; i++) {
        ad_drop(c, tape->shaped[i]);
        tape->shaped[i] = NULL;
    }
}

static void tape_stop(ad_context *c)
{
    for (int i = 0; i < c->tape->depth; i++)
        ad_runs_free(c, &c->tape->levels[i]);
    ad_slots_free(c, &c->tape->slots);
    drop_shaped_stubs(c, c->tape);
    for (int i = 0; i < AD_DTYPE_COUNT; i++)
        ad_drop(c, c->tape->stubs[i]);
    ad_memo_free(c, c->tape->memo);
    ad_real_calls_free(c, c->tape);
    c->tracing = &ad_no_tracing;
    ad_deallocate(c, c->tape, sizeof *c->tape);
    c->tape = NULL;
}

/* Ends the levels that were opened since then, and restores those that were in sight. */
static void unwind(ad_context *c, const struct ad_tracing *to)
{
    struct ad_tape *tape = c->tape;
    if (!tape || tape->depth < to->depth)
        return;
    if (tape->depth > to->depth)
        ad_level_close(c, to->depth);
    tape->live = to->live;
    tape->run = to->run;
}

struct ad_tape *ad_tape_of(ad_context *c)
{
    if (c->tape || !(c->tape = ad_allocate(c, sizeof *c->tape)))
        return c->tape;
    memset(c->tape, 0, sizeof *c->tape);
    for (int dtype = 0; dtype < AD_DTYPE_COUNT; dtype++)
        if (!(c->tape->stubs[dtype] = ad_keep(c, ad_array_abstract(c, (ad_dtype)dtype, 0, NULL)))) {
            tape_stop(c);
            return NULL;
        }
    c->tape_stop = tape_stop;
    c->unwind = unwind;
    c->tracing = &c->tape->tracing;
    return c->tape;
}

/* ---- serials: none is used twice, in any thread ---- */

enum { SERIALS_AT_ONCE = 1 << 20 };

static _Atomic uint64_t blocks_of_serials;

static uint64_t new_serial(struct ad_tape *tape)
{
    if (tape->last_serial == tape->serials_end) {
        tape->last_serial = atomic_fetch_add(&blocks_of_serials, 1) * SERIALS_AT_ONCE;
        tape->serials_end = tape->last_serial + SERIALS_AT_ONCE;
    }
    return ++tape->last_serial;
}

/* ---- levels ---- */

static void trace_end(ad_context *c, struct ad_tape *tape)
{
    slots_reset(c, &tape->slots);
    drop_shaped_stubs(c, tape);
    tape->serial = 0;
    tape->live = tape->forward = tape->extracted = 0;
    tape->floor = 0;
}

int ad_level_open(ad_context *c, ad_level_kind kind, bool extracted)
{
    struct ad_tape *tape = ad_tape_of(c);
    if (!tape)
        return -1;
    if (tape->depth == AD_MAX_LEVELS) {
        ad_set_error_of_running(AD_ERROR_TRANSFORM, "nested deeper than %d levels", AD_MAX_LEVELS);
        return -1;
    }
    if (tape->depth == 0) {
        tape->serial = new_serial(tape);
        tape->slots.first = tape->slots.next = 1; /* 0 is the slot of an array that has none */
    }
    uint32_t floor = 0;
    struct ad_slot *slot = ad_slot_append(c, &tape->slots, &floor);
    if (!slot) {
        if (tape->depth == 0)
            trace_end(c, tape);
        return -1;
    }
    uint64_t bit = UINT64_C(1) << tape->depth;
    slot->mask = kind == AD_LEVEL_REVERSE ? bit : 0;
    tape->levels[tape->depth] = (struct ad_level){ .kind = kind, .floor = floor, .serial = new_serial(tape) };
    tape->live |= bit;
    tape->forward = kind == AD_LEVEL_FORWARD ? tape->forward | bit : tape->forward & ~bit;
    tape->extracted = extracted ? tape->extracted | bit : tape->extracted & ~bit;
    tape->floor = floor;
    return tape->depth++;
}

void ad_level_hide(ad_context *c, int level)
{
    struct ad_tape *tape = c->tape;
    tape->live &= (UINT64_C(1) << level) - 1;
}

/* Takes all levels except the outer ones from the slots of a page from `first` to `end`. Outer levels have not been
 * swept this far: a cotangent that is left here is the gradient of the level that closes, or left by an interrupted
 * sweep. */
static void leave_page(ad_context *c, struct ad_slots *slots, uint32_t first, uint32_t end, uint64_t outer)
{
    struct ad_slot *slot = ad_slot_at(slots, first);
    for (uint32_t i = first; i < end; i++, slot++) {
        slot->mask &= outer;
        if (slot->mask)
            ad_cotangent_drop(c, slot);
        else if (!ad_slot_is_empty(slot) && !ad_slot_clear(c, slots, i))
            return;
    }
}

void ad_level_close(ad_context *c, int level)
{
    struct ad_tape *tape = c->tape;
    uint64_t outer = (UINT64_C(1) << level) - 1;
    uint32_t floor = tape->levels[level].floor;
    tape->live &= outer;
    tape->forward &= outer;
    tape->extracted &= outer;
    while (tape->run && tape->run->level >= level) /* interrupted runs */
        tape->run = tape->run->before;
    for (int i = level; i < tape->depth; i++)
        ad_runs_free(c, &tape->levels[i]);
    tape->depth = level;
    tape->floor = level ? tape->levels[level - 1].floor : 0;
    if (level == 0) {
        trace_end(c, tape);
        return;
    }
    for (uint32_t first = floor, end; first < tape->slots.next; first = end) {
        end = first - first % AD_PAGE_SLOTS + AD_PAGE_SLOTS;
        end = end < tape->slots.next ? end : tape->slots.next;
        if (tape->slots.pages[first / AD_PAGE_SLOTS])
            leave_page(c, &tape->slots, first, end, outer);
    }
}
