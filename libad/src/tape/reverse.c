/* The reverse sweep: from an output down its part of the tape, handing cotangents to parents.
 *
 * A parent always has a smaller number than its child, so when a slot is reached its cotangent is complete. Nothing here
 * recurses over the graph. The rules run as ordinary operations and are recorded for the levels that are still open. */
#include "ad/array.h"
#include "ad/create.h"
#include "ad/math.h"
#include "ad/reduce.h"
#include "ad/shape.h"
#include "kernels/kernels.h"
#include "tape/tape.h"

static bool same_shape(const ad_array *a, const ad_array *b)
{
    if (a->ndim != b->ndim)
        return false;
    for (int i = 0; i < a->ndim; i++)
        if (ad_dims(a)[i] != ad_dims(b)[i])
            return false;
    return true;
}

/* g in the shape of `like`: summed over the axes along which `like` was broadcast, spread over those on which a rule
 * left it out because it is the same for every element. */
static ad_array *to_shape_of(ad_array *g, const ad_array *like)
{
    ad_reduce_options options = AD_REDUCE_DEFAULTS;
    int extra = g->ndim - like->ndim;
    for (int i = 0; i < g->ndim; i++)
        if (i < extra || (i >= extra && extra >= 0 && ad_dims(like)[i - extra] == 1 && ad_dims(g)[i] != 1))
            options.axes.axis[options.axes.count++] = i;
    if (options.axes.count) {
        options.keepdims = true;
        g = ad_sum_with(g, options);
    }
    if (g && extra > 0)
        g = ad_reshape(g, ad_shape_make(like->ndim, ad_dims(g) + extra));
    return g && !same_shape(g, like) ? ad_broadcast_to(g, ad_shape_of(like)) : g;
}

/* The engine's one place where a derivative gets the shape and dtype of what it belongs to. */
ad_array *ad_match(ad_context *c, ad_array *g, const ad_array *like)
{
    (void)c;
    if (g && !same_shape(g, like))
        g = to_shape_of(g, like);
    if (!g || (g->dtype == like->dtype && !(g->flags & AD_WEAK)))
        return g;
    if (ad_dtype_is_complex((ad_dtype)g->dtype) && !ad_dtype_is_complex((ad_dtype)like->dtype))
        g = ad_real(g);
    return g && (g->dtype != like->dtype || g->flags & AD_WEAK) ? ad_astype(g, (ad_dtype)like->dtype) : g;
}

/* Whether nobody but a slot can see g, so that it may be added to in place. */
static bool is_private(const ad_array *g)
{
    return g->object.local == 1 && !(g->flags & AD_WEAK) && atomic_load_explicit(&g->object.shared, memory_order_acquire) == 1 && !g->serial &&
           g->flags & AD_CONTIGUOUS && (!(g->flags & AD_STORED) || (atomic_load_explicit(&g->storage->refs, memory_order_acquire) == 1 && !g->storage->release));
}

static void add_in_place(ad_context *c, ad_array *sum, const ad_array *g)
{
    if (sum->ndim == 0 && sum->dtype == AD_F64) {
        *(double *)sum->data += *(const double *)g->data;
        return;
    }
    struct ad_operand in[2] = { { sum->data, ad_strides(sum), (ad_dtype)sum->dtype }, { g->data, ad_strides(g), (ad_dtype)g->dtype } };
    ad_run_loop(c->loops->loop[AD_LOOP_add][sum->dtype], (ad_dtype)sum->dtype, c->loops, sum->ndim, ad_dims(sum), 2, in, in[0]);
}

/* A real number that no open level depends on: what an operation would do with two of them is done at once, by the same function. */
static inline bool is_plain(const ad_context *c, const ad_array *x)
{
    return ad_is_real(x) && !(x->flags & AD_WEAK) && !ad_live_mask(c->tape, x);
}

static inline ad_array *calculated(ad_context *c, ad_loop_id loop, const ad_array *a, const ad_array *b)
{
    ad_array *y = ad_array_real(c);
    if (y)
        y->number = c->loops->number[loop](*(const double *)a->data, *(const double *)b->data);
    return y;
}

static ad_array *product(ad_context *c, ad_array *g, ad_array *d)
{
    return is_plain(c, g) && is_plain(c, d) ? calculated(c, AD_LOOP_zmul, g, d) : ad_zmul(g, d);
}

static ad_array *sum(ad_context *c, ad_array *a, ad_array *b)
{
    return is_plain(c, a) && is_plain(c, b) ? calculated(c, AD_LOOP_add, a, b) : ad_add(a, b);
}

/* The slot holds the one reference to its cotangent, except for the scope of the rule that made it, which has closed
 * by the time the next one arrives. */
bool ad_cotangent_add(ad_context *c, struct ad_slot *slot, ad_array *g)
{
    ad_array *old = slot->cotangent;
    if (!old) {
        slot->cotangent = ad_keep(c, g);
        return true;
    }
    if (is_private(old) && !g->serial) {
        add_in_place(c, old, g);
        return true;
    }
    ad_array *both = sum(c, old, g);
    if (!both)
        return false;
    slot->cotangent = ad_keep(c, both);
    ad_drop(c, old);
    return true;
}

static inline ad_array *cotangent_of(ad_context *c, const struct ad_node *node, int operand, ad_array *g)
{
    const ad_primitive *op = node->op;
    ad_array *d;
    if (op->vjp) {
        d = op->vjp(node, operand, g);
    } else if (op->derivative) {
        d = op->derivative(node, operand);
        d = d ? product(c, g, d) : NULL;
    } else {
        return ad_set_error(AD_ERROR_TRANSFORM, "%s: has no reverse rule (argument %d, reverse mode)", op->name, operand);
    }
    bool fits = d && ad_is_real(d) && ad_is_real(node->inputs[operand]) && !(d->flags & AD_WEAK);
    return fits || !d ? d : ad_match(c, d, node->inputs[operand]);
}

/* Hands the cotangents of one call to its parents, which lie from `lowest` on. */
static inline __attribute__((always_inline)) bool sweep_counted(ad_context *c, struct ad_slots *slots, struct ad_slot *slot, uint32_t count, uint32_t index,
                                                                uint32_t lowest, uint64_t bit, ad_array **cotangents)
{
    ad_array *const *inputs = count <= 2 ? slot->inputs : slot->many_inputs;
    const uint32_t *parents = count <= 2 ? slot->parents : slot->many_parents;
    struct ad_node node = { .op = slot->op, .options = ad_options_of(slot), .inputs = inputs, .cotangents = cotangents, .count = (int)count };
    node.outputs = slot->outputs_count > 1 ? slot->outputs : &slot->output;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t parent = parents[i];
        if (parent - lowest >= index - lowest) /* below lowest, or AD_NO_PARENT */
            continue;
        struct ad_page *page = slots->pages[parent / AD_PAGE_SLOTS];
        struct ad_slot *target = page ? &page->slots[parent % AD_PAGE_SLOTS] : NULL;
        if (!target || !(target->mask & bit))
            continue;
        ad_array *g = cotangent_of(c, &node, (int)i, cotangents[0]);
        if (!g) {
            if (c->error_code)
                return false;
        } else if (!target->cotangent) {
            target->cotangent = ad_keep(c, g);
        } else if (!ad_cotangent_add(c, target, g)) {
            return false;
        }
    }
    return true;
}

static bool sweep_slot(ad_context *c, struct ad_slots *slots, struct ad_slot *slot, uint32_t index, uint32_t lowest, uint64_t bit, ad_array **cotangents)
{
    switch (slot->count) {
    case 1: return sweep_counted(c, slots, slot, 1, index, lowest, bit, cotangents);
    case 2: return sweep_counted(c, slots, slot, 2, index, lowest, bit, cotangents);
    default: return sweep_counted(c, slots, slot, slot->count, index, lowest, bit, cotangents);
    }
}

/* Takes the cotangents of a call's outputs away from their slots; false if there are none. */
static inline bool take_cotangents(struct ad_slots *slots, struct ad_slot *slot, uint32_t index, ad_array **cotangents)
{
    bool any = slot->cotangent != NULL;
    cotangents[0] = slot->cotangent;
    slot->cotangent = NULL;
    for (uint32_t k = 1; k < slot->outputs_count; k++) {
        struct ad_slot *output = ad_slot_at(slots, index + k);
        cotangents[k] = output->cotangent;
        output->cotangent = NULL;
        any |= cotangents[k] != NULL;
    }
    return any;
}

bool ad_sweep(ad_context *c, struct ad_slots *slots, uint32_t from, uint32_t to, uint64_t bit, uint32_t floor, bool discard)
{
    uint32_t lowest = floor > slots->first ? floor : slots->first;
    bool done = true;
    for (uint32_t index = from; index > to && done; index--) {
        struct ad_page *page = slots->pages[index / AD_PAGE_SLOTS];
        struct ad_slot *slot = page ? &page->slots[index % AD_PAGE_SLOTS] : NULL;
        if (!slot || !slot->op || !(slot->mask & bit))
            continue;
        ad_array *cotangents[AD_MAX_OUTPUTS];
        uint32_t made = c->scopes.count;
        if (take_cotangents(slots, slot, index, cotangents)) {
            done = slot->op == &ad_checkpoint_op ? ad_checkpoint_sweep(c, slot, bit, floor, cotangents)
                                                 : sweep_slot(c, slots, slot, index, lowest, bit, cotangents);
            ad_scope_trim(c, made);
            ad_drop(c, cotangents[0]);
            for (uint32_t k = 1; k < slot->outputs_count; k++)
                ad_drop(c, cotangents[k]);
        }
        if (discard && !(slot->mask & c->tape->live)) {
            for (uint32_t k = slot->outputs_count - 1u; k > 0; k--)
                ad_slot_clear(c, slots, index + k);
            ad_slot_clear(c, slots, index);
        }
    }
    return done;
}
