/* Checkpoints: a function whose values are computed again in the reverse sweep instead of being remembered.
 *
 * The function is called once, and its calls are recorded as usual. When it has returned, those calls that depend on
 * nothing but the innermost level become hollow: they lose all values except the inputs that the run did not make. When
 * the sweep of that level meets a hollow call, all calls of the run are applied again, in their order, and are whole
 * from then on. So a second run does what the first one did, whatever the variables that the C function read contain by
 * then. Its slots keep their numbers: a value that left the function in another way than as its result keeps its
 * derivative.
 *
 * Calls that depend on an outer level too are remembered, since the sweep of that level comes when the inputs of the
 * inner level are gone. Runs nest: computing an outer run again leaves the inner ones hollow. */
#include "ad/tree.h"
#include "tape/function.h"
#include <string.h>

static uint64_t bit_of(const struct ad_run *run)
{
    return UINT64_C(1) << run->level;
}

/* There may be several runs in progress, of several levels. Each may become the one that computes the call again. */
bool ad_run_needs(const struct ad_run *run, const ad_array *x, uint64_t mask)
{
    for (; run; run = run->before)
        if (!(mask & bit_of(run)) || x->slot < run->start)
            return true;
    return false;
}

void ad_runs_free(ad_context *c, struct ad_level *level)
{
    for (struct ad_run *run = level->runs, *next; run; run = next) {
        next = run->next;
        ad_deallocate(c, run, sizeof *run);
    }
    level->runs = NULL;
}

static struct ad_slot *slot_alive(const struct ad_tape *tape, uint32_t index)
{
    struct ad_page *page = tape->slots.pages[index / AD_PAGE_SLOTS];
    struct ad_slot *slot = page ? &page->slots[index % AD_PAGE_SLOTS] : NULL;
    return slot && slot->mask ? slot : NULL;
}

/* Whether the run made what a parent stands for. A parent that depended only on an inner level is dead, and its value
 * cannot be made again. */
static bool made_by(const struct ad_tape *tape, const struct ad_run *run, uint32_t parent)
{
    const struct ad_slot *slot = parent != AD_NO_PARENT && parent >= run->start ? slot_alive(tape, parent) : NULL;
    return slot && slot->mask & bit_of(run);
}

/* ---- hollow calls ----
 *
 * An input that the run made is NULL. A call on scalars has, in place of pointers, the inputs that the run did not make
 * as numbers; bits in the slot say so. */

static uint8_t borrowed_bit(uint32_t input)
{
    return input < 2 ? (uint8_t)(AD_BORROWED_FIRST << input) : 0;
}

static bool is_missing(struct ad_slot *slot, uint32_t i)
{
    return !ad_inputs_of(slot)[i] && !(slot->borrowed & borrowed_bit(i));
}

/* The value of a C number, or of a 0-d float64 array. */
static double value_of(const ad_array *x)
{
    double number;
    return ad_double_of(x, &number) ? number : *(const double *)memory_of(x);
}

static void set_scalar(struct ad_slot *slot, uint32_t i, double number)
{
    memcpy(&slot->inputs[i], &number, sizeof number);
    slot->borrowed |= borrowed_bit(i);
}

static double scalar_at(const struct ad_slot *slot, uint32_t i)
{
    double number;
    memcpy(&number, &slot->inputs[i], sizeof number);
    return number;
}

static void drop_input(ad_context *c, struct ad_slot *slot, uint32_t i)
{
    if (!(slot->borrowed & borrowed_bit(i)))
        ad_drop(c, ad_inputs_of(slot)[i]);
    slot->borrowed &= (uint8_t)~borrowed_bit(i);
    ad_inputs_of(slot)[i] = NULL;
}

static void drop_outputs(ad_context *c, struct ad_slot *slot)
{
    if (slot->outputs_count == 1) {
        ad_drop(c, slot->output);
        return;
    }
    for (int k = 0; k < slot->outputs_count; k++)
        ad_drop(c, slot->outputs[k]);
    ad_deallocate(c, slot->outputs, slot->outputs_count * sizeof *slot->outputs);
}

/* A call that is hollow already belongs to an inner run, which needed what this run made. */
static void make_hollow(ad_context *c, struct ad_slot *slot, struct ad_run *run)
{
    bool simple = slot->borrowed & AD_SLOT_SIMPLE, values = slot->borrowed & AD_SLOT_VALUES;
    for (uint32_t i = 0; i < slot->count; i++) {
        bool made = made_by(c->tape, run, ad_parents_of(slot)[i]);
        double number = !simple || made ? 0 : values ? slot->values[i] : value_of(slot->inputs[i]);
        if (simple || made)
            drop_input(c, slot, i);
        if (simple && !made)
            set_scalar(slot, i, number);
    }
    if (slot->borrowed & AD_SLOT_HOLLOW)
        return;
    if (!values)
        drop_outputs(c, slot);
    slot->borrowed = (uint8_t)((slot->borrowed & ~AD_SLOT_SIMPLE) | AD_SLOT_HOLLOW | (simple ? AD_SLOT_SCALARS : 0));
    slot->run = run;
}

static void run_hollow(ad_context *c, struct ad_run *run)
{
    for (uint32_t i = run->start; i < run->end; i++) {
        struct ad_slot *slot = slot_alive(c->tape, i);
        if (slot && slot->op && slot->mask == bit_of(run))
            make_hollow(c, slot, run);
    }
    run->hollow = true;
}

/* ---- computing them again ---- */

/* What has been computed of a run, by the position of its slot in the run. */
struct refill {
    struct ad_run *run;
    ad_array **values;
    uint32_t *uses; /* for each, how many calls have yet to read it */
};

static void *zeroed(ad_context *c, size_t bytes)
{
    void *block = ad_allocate(c, bytes);
    return block ? memset(block, 0, bytes) : NULL;
}

static bool room_for(ad_context *c, struct refill *refill)
{
    uint32_t count = refill->run->end - refill->run->start;
    refill->values = zeroed(c, count * sizeof *refill->values);
    refill->uses = refill->values ? zeroed(c, count * sizeof *refill->uses) : NULL;
    return refill->uses != NULL;
}

static void drop_room(ad_context *c, struct refill *refill)
{
    uint32_t count = refill->run->end - refill->run->start;
    for (uint32_t i = 0; refill->values && i < count; i++)
        ad_drop(c, refill->values[i]);
    ad_deallocate(c, refill->values, count * sizeof *refill->values);
    ad_deallocate(c, refill->uses, count * sizeof *refill->uses);
}

static struct ad_slot *hollow_at(const struct ad_tape *tape, uint32_t index)
{
    struct ad_slot *slot = slot_alive(tape, index);
    return slot && slot->op && slot->borrowed & AD_SLOT_HOLLOW ? slot : NULL;
}

static void count_uses(const struct ad_tape *tape, struct refill *refill)
{
    for (uint32_t index = refill->run->start; index < refill->run->end; index++) {
        struct ad_slot *slot = hollow_at(tape, index);
        for (uint32_t i = 0; slot && i < slot->count; i++)
            if (is_missing(slot, i))
                refill->uses[ad_parents_of(slot)[i] - refill->run->start]++;
    }
}

/* The outermost run inside this one that the slot is part of; NULL if it is part of this one alone. */
static const struct ad_run *part_of(const struct ad_run *run, const struct ad_slot *slot)
{
    const struct ad_run *part = NULL;
    for (const struct ad_run *r = slot->run; r != run; r = r->outer)
        part = r;
    return part;
}

/* Gives the slot of an inner run what that run needs. The slot stays hollow. */
static void refill_part(ad_context *c, struct ad_slot *slot, const struct ad_run *part, ad_array *const *inputs)
{
    for (uint32_t i = 0; i < slot->count; i++) {
        if (!is_missing(slot, i) || ad_parents_of(slot)[i] >= part->start)
            continue;
        if (slot->borrowed & AD_SLOT_SCALARS)
            set_scalar(slot, i, value_of(inputs[i]));
        else
            ad_inputs_of(slot)[i] = ad_keep(c, inputs[i]);
    }
}

/* Makes the slot as it would have been without checkpoints. */
static bool refill_whole(ad_context *c, struct ad_slot *slot, ad_array *const *inputs, ad_array *const *outputs)
{
    bool simple = slot->borrowed & AD_SLOT_SCALARS;
    int wanted = 0;
    for (uint32_t i = 0; i < slot->count; i++)
        wanted += ad_parents_of(slot)[i] != AD_NO_PARENT;
    slot->output = NULL;
    slot->borrowed &= (uint8_t)~AD_SLOT_HOLLOW;
    if (slot->borrowed & AD_SLOT_VALUES) {
        for (uint32_t i = 0; i < slot->count; i++)
            slot->values[i] = value_of(inputs[i]);
        slot->value = value_of(outputs[0]);
        slot->borrowed = (uint8_t)((slot->borrowed & ~AD_SLOT_SCALARS) | AD_SLOT_SIMPLE | AD_BORROWED_FIRST | AD_BORROWED_SECOND);
        return true;
    }
    if (simple) {
        slot->borrowed = (uint8_t)(AD_SLOT_SIMPLE | (slot->borrowed & AD_SLOT_PARTS));
        memset(slot->inputs, 0, sizeof slot->inputs);
    }
    const struct ad_node node = { .op = slot->op, .options = ad_options_of(slot), .inputs = inputs, .count = (int)slot->count };
    for (uint32_t i = 0; i < slot->count; i++) {
        if (ad_inputs_of(slot)[i])
            continue;
        bool read = ad_reads_input(slot->op, (int)i, wanted, ad_parents_of(slot)[i] != AD_NO_PARENT) ||
                    (slot->op->is_parameter && slot->op->is_parameter(&node, (int)i));
        if (!(ad_inputs_of(slot)[i] = ad_keep(c, read ? inputs[i] : ad_stub_of(c, inputs[i]))))
            return false;
    }
    return ad_slot_fill_outputs(c, slot, slot->op, outputs, slot->outputs_count);
}

/* Makes the call as it was made before: a call on scalars takes the same short way. */
static bool call_again(ad_context *c, const struct ad_slot *slot, ad_array *const *inputs, ad_array **outputs)
{
    const void *options = ad_options_of(slot);
    if (!(slot->borrowed & AD_SLOT_SCALARS))
        return ad_apply(c, slot->op, inputs, (int)slot->count, options, outputs);
    if ((outputs[0] = ad_array_real(c)))
        outputs[0]->scalar = slot->op->scalar(slot->op, options, value_of(inputs[0]), value_of(inputs[slot->count - 1]));
    return outputs[0] != NULL;
}

/* Gives the inputs, and for those that the run made their positions in the run; *missing is how many these are. */
static bool gather_inputs(ad_context *c, const struct refill *refill, struct ad_slot *slot, ad_array **inputs, uint32_t *places, uint32_t *missing)
{
    *missing = 0;
    for (uint32_t i = 0; i < slot->count; i++) {
        if (is_missing(slot, i)) {
            inputs[i] = refill->values[places[(*missing)++] = ad_parents_of(slot)[i] - refill->run->start];
        } else if (!(slot->borrowed & AD_SLOT_SCALARS)) {
            inputs[i] = ad_inputs_of(slot)[i];
        } else if ((inputs[i] = ad_array_real(c))) {
            inputs[i]->scalar = scalar_at(slot, i);
        } else {
            return false;
        }
    }
    return true;
}

/* Refills one slot of the run. A value is dropped after the last call that reads it. */
static bool refill_slot(ad_context *c, struct refill *refill, struct ad_slot *slot, uint32_t place)
{
    ad_array *outputs[AD_MAX_OUTPUTS];
    AD_SCRATCH room = { 0 }, places_room = { 0 };
    ad_array **inputs = ad_scratch_take(c, &room, (int)slot->count, sizeof *inputs);
    uint32_t *places = ad_scratch_take(c, &places_room, (int)slot->count, sizeof *places), missing;
    if (!inputs || !places || !gather_inputs(c, refill, slot, inputs, places, &missing) || !call_again(c, slot, inputs, outputs))
        return false;
    const struct ad_run *part = part_of(refill->run, slot);
    if (part)
        refill_part(c, slot, part, inputs);
    else if (!refill_whole(c, slot, inputs, outputs))
        return false;
    for (uint32_t k = 0; k < slot->outputs_count; k++)
        if (refill->uses[place + k])
            refill->values[place + k] = ad_keep(c, outputs[k]);
    while (missing--)
        if (--refill->uses[places[missing]] == 0) {
            ad_drop(c, refill->values[places[missing]]);
            refill->values[places[missing]] = NULL;
        }
    return true;
}

static bool run_again(ad_context *c, struct ad_run *run)
{
    struct refill refill = { .run = run };
    bool done = room_for(c, &refill);
    if (done)
        count_uses(c->tape, &refill);
    for (uint32_t index = run->start; index < run->end && done; index++) {
        struct ad_slot *slot = hollow_at(c->tape, index);
        uint32_t made = c->scopes.count;
        done = !slot || refill_slot(c, &refill, slot, index - run->start);
        ad_scope_trim(c, made);
    }
    drop_room(c, &refill);
    run->hollow = false;
    return done;
}

bool ad_slot_fill(ad_context *c, struct ad_slot *slot)
{
    bool done = true;
    while (done && slot->borrowed & AD_SLOT_HOLLOW) {
        struct ad_run *run = slot->run;
        while (run->outer && run->outer->hollow)
            run = run->outer;
        done = run_again(c, run);
    }
    return done;
}

/* ---- the transformation ---- */

/* The innermost reverse level that operations see; -1 if there is none. */
static int level_in_sight(const struct ad_tape *tape)
{
    uint64_t reverse = tape ? tape->live & ~tape->forward : 0;
    return reverse ? 63 - __builtin_clzll(reverse) : -1;
}

static struct ad_run *run_begin(ad_context *c, int level)
{
    struct ad_tape *tape = c->tape;
    struct ad_run *run = ad_allocate(c, sizeof *run);
    if (!run)
        return NULL;
    struct ad_run *outer = tape->run && tape->run->level == level ? tape->run : NULL;
    *run = (struct ad_run){ .start = tape->slots.next, .level = level, .before = tape->run, .outer = outer, .next = tape->levels[level].runs };
    tape->levels[level].runs = run;
    return tape->run = run;
}

static void *run_checkpoint(ad_context *c, const ad_fn *fn, const ad_value *arguments)
{
    AD_SCOPE;
    int level = level_in_sight(c->tape);
    bool plain = level < 0 || c->tape->extracted >> level & 1;
    struct ad_run *run = plain || c->error_code ? NULL : run_begin(c, level);
    if (!run && !plain)
        return NULL;
    void *result = ad_fn_invoke(c, fn->inner, arguments);
    if (run) {
        run->end = c->tape->slots.next;
        c->tape->run = run->before;
    }
    if (run && result)
        run_hollow(c, run);
    return c->error_code ? NULL : ad_value_escape(fn->result, result);
}

ad_fn *ad_checkpoint_fn(ad_fn *fn)
{
    static const struct ad_transformation checkpoint = { .name = "ad_checkpoint", .run = run_checkpoint, .result = 'y', .added = "" };
    return ad_transformed(&checkpoint, fn, NULL, 0);
}
