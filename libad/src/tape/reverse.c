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
    return g && !ad_same_shape(g, like) ? ad_broadcast_to(g, ad_shape_of(like)) : g;
}

/* The engine's one place where a derivative gets the shape and dtype of what it belongs to. */
ad_array *ad_match(ad_array *g, const ad_array *like)
{
    if (g && !ad_same_shape(g, like))
        g = to_shape_of(g, like);
    if (!g || (g->dtype == like->dtype && !(g->flags & AD_WEAK)))
        return g;
    if (ad_dtype_is_complex((ad_dtype)g->dtype) && !ad_dtype_is_complex((ad_dtype)like->dtype))
        g = ad_real(g);
    return g && (g->dtype != like->dtype || g->flags & AD_WEAK) ? ad_astype(g, (ad_dtype)like->dtype) : g;
}

static void add_in_place(ad_context *c, ad_array *sum, const ad_array *g)
{
    if (ad_is_alike(sum, g) && g->size > 0 && g->size < AD_LOOP_SHARED) {
        ad_run_dense(c->loops->loop[AD_LOOP_add][g->dtype], ad_item_size((ad_dtype)g->dtype), g->size, sum->data, g->data, sum->data);
        return;
    }
    ad_add_strided(c->loops, g->ndim, ad_dims(g), (struct ad_operand){ g->data, ad_strides(g), (ad_dtype)g->dtype },
                   (struct ad_operand){ sum->data, ad_strides(sum), (ad_dtype)sum->dtype });
}

/* ---- numbers: a sweep that no open level sees has nothing to record, so a real cotangent is kept as the number it is ---- */

static inline bool is_number(const ad_array *x)
{
    return ad_is_real(x) && !(x->flags & AD_WEAK);
}

static inline double number_in(const ad_array *x)
{
    return *(const double *)x->data;
}

AD_ALWAYS_INLINE void add_number(struct ad_slot *slot, double number)
{
    slot->number = slot->numeric ? slot->number + number : number;
    slot->numeric = true;
}

ad_array *ad_cotangent_of(ad_context *c, struct ad_slot *slot)
{
    if (slot->borrowed & AD_SLOT_PARTS)
        return ad_parts_join(c, slot);
    if (!slot->numeric)
        return slot->cotangent;
    ad_array *g = ad_array_real(c);
    if (g)
        g->number = slot->number;
    slot->cotangent = ad_keep(c, g);
    slot->numeric = false;
    return g;
}

/* The same, without a call where it is an array already. */
AD_ALWAYS_INLINE ad_array *cotangent_of(ad_context *c, struct ad_slot *slot)
{
    return slot->numeric || slot->borrowed & AD_SLOT_PARTS ? ad_cotangent_of(c, slot) : slot->cotangent;
}

/* ---- cotangents ---- */

/* The slot holds the one reference to its cotangent, except for the scope of the rule that made it, which has closed
 * by the time the next one arrives. */
AD_ALWAYS_INLINE bool add_cotangent(ad_context *c, struct ad_slot *slot, ad_array *g)
{
    if (!c->tape->live && !c->watched && is_number(g) && (slot->numeric || !slot->cotangent)) {
        add_number(slot, number_in(g));
        return true;
    }
    ad_array *old = cotangent_of(c, slot);
    if (!old) {
        slot->cotangent = ad_keep(c, g);
        return !c->error_code;
    }
    if (ad_is_private(old) && !g->serial && !c->watched) {
        add_in_place(c, old, g);
        return true;
    }
    ad_array *both = ad_add(old, g);
    if (!both)
        return false;
    slot->cotangent = ad_keep(c, both);
    ad_drop(c, old);
    return true;
}

bool ad_cotangent_add(ad_context *c, struct ad_slot *slot, ad_array *g)
{
    return add_cotangent(c, slot, g);
}

/* Whether ad_match would change nothing about g. */
AD_ALWAYS_INLINE bool fits(const ad_array *g, const ad_array *like)
{
    return is_number(g) ? ad_is_real(like) : g->dtype == like->dtype && !(g->flags & AD_WEAK) && ad_same_shape(g, like);
}

AD_ALWAYS_INLINE ad_array *cotangent_through(ad_context *c, const struct ad_node *node, int operand, ad_array *g)
{
    uint32_t made = c->scopes.count;
    const ad_primitive *op = node->op;
    ad_array *d;
    if (op->vjp) {
        d = op->vjp(node, operand, g);
    } else if (op->derivative) {
        d = op->derivative(node, operand);
        d = d ? ad_times(c, g, d, made) : NULL;
    } else {
        return ad_set_error(AD_ERROR_TRANSFORM, "%s: has no reverse rule (argument %d, reverse mode)", op->name, operand);
    }
    return !d || fits(d, node->inputs[operand]) ? d : ad_match(d, node->inputs[operand]);
}

/* ---- one call ---- */

/* A sweep under way. */
struct sweep {
    struct ad_slots *slots;
    uint64_t bit, live;
    uint32_t lowest;
    uint32_t made, depth;  /* of the stack of scopes between two rules */
    struct ad_node node;   /* what the rules of simple calls see */
    ad_array *number;      /* takes their cotangents, one after the other while nobody else keeps it */
    struct ad_frame frame; /* of the rules, where somebody watches */
};

/* The parent's slot, if it lies from `lowest` on and takes part in the sweep. */
AD_ALWAYS_INLINE struct ad_slot *parent_slot(const struct sweep *sweep, uint32_t parent, uint32_t index)
{
    if (parent - sweep->lowest >= index - sweep->lowest) /* below lowest, or AD_NO_PARENT */
        return NULL;
    struct ad_page *page = sweep->slots->pages[parent / AD_PAGE_SLOTS];
    struct ad_slot *slot = page ? &page->slots[parent % AD_PAGE_SLOTS] : NULL;
    return slot && slot->mask & sweep->bit ? slot : NULL;
}

/* What the rules of a call see, but for its cotangents. */
AD_ALWAYS_INLINE void describe(struct ad_node *node, struct ad_slot *slot, bool simple)
{
    node->op = slot->op;
    node->options = ad_options_of(slot);
    node->inputs = simple ? slot->inputs : ad_inputs_of(slot);
    node->outputs = simple || slot->outputs_count == 1 ? &slot->output : slot->outputs;
    node->count = (int)slot->count;
}

typedef enum outcome { SERVED, LEFT, FAILED } outcome;

/* Hands the number g to a parent of a simple call whose own cotangent is a number or none, without arrays; LEFT: it is for the general way. */
AD_ALWAYS_INLINE outcome serve_number(ad_context *c, struct sweep *sweep, const struct ad_slot *slot, uint32_t index, int operand, double g)
{
    struct ad_slot *target = parent_slot(sweep, slot->parents[operand], index);
    if (!target)
        return SERVED;
    if (target->cotangent && !target->numeric)
        return LEFT;
    const ad_primitive *op = slot->op;
    double value;
    ad_array *d = op->vjp ? op->vjp(&sweep->node, operand, sweep->number) : op->derivative(&sweep->node, operand);
    if (!d)
        return c->error_code ? FAILED : SERVED;
    if (!op->vjp && d == c->numbers[AD_NUMBER_ONE])
        value = g;
    else if (!ad_number_of(d, &value))
        return LEFT;
    else if (!op->vjp)
        value = AD_ZERO_WINS(g, value);
    add_number(target, value);
    return SERVED;
}

/* Puts g where a rule finds its cotangent; false and an error on failure. */
AD_ALWAYS_INLINE bool give_number(ad_context *c, struct sweep *sweep, double g)
{
    ad_array *x = sweep->number;
    if (__builtin_expect(x->object.local != 1 || atomic_load_explicit(&x->object.shared, memory_order_acquire) != 1, 0)) {
        if (!(x = ad_array_real(c)))
            return false;
        sweep->number = x;
        sweep->made = c->scopes.count;
    }
    x->number = g;
    return true;
}

/* The same as sweep_short below for a simple call whose cotangent is a number. LEFT: its parents from *first on are for the general way. */
AD_ALWAYS_INLINE outcome sweep_numbers(ad_context *c, struct sweep *sweep, struct ad_slot *slot, uint32_t index, int *first)
{
    double g = slot->number;
    describe(&sweep->node, slot, true);
    if (slot->op->vjp && !give_number(c, sweep, g))
        return FAILED;
    *first = 0;
    outcome done = serve_number(c, sweep, slot, index, 0, g);
    if (__builtin_expect(done != SERVED, 0))
        return done;
    *first = 1;
    return serve_number(c, sweep, slot, index, 1, g);
}

/* Hands g, what a rule gave for the cotangent of an operand, to its parent. */
AD_ALWAYS_INLINE bool serve(ad_context *c, const struct sweep *sweep, struct ad_node *node, uint32_t parent, uint32_t index, int operand)
{
    struct ad_slot *target = parent_slot(sweep, parent, index);
    if (target && node->op->vjp_into && node->count == 1)
        return ad_parts_add(c, target, node, node->cotangents[0]);
    node->taker = target;
    ad_array *g = target ? cotangent_through(c, node, operand, node->cotangents[0]) : NULL;
    return g ? add_cotangent(c, target, g) : !target || !c->error_code;
}

/* A short call whose cotangent is an array, or belongs to parents whose cotangents are. */
static __attribute__((noinline)) bool sweep_short(ad_context *c, const struct sweep *sweep, struct ad_slot *slot, uint32_t index, int first)
{
    ad_array *g = cotangent_of(c, slot);
    if (!g)
        return false;
    slot->cotangent = NULL;
    struct ad_node node = { .cotangents = &g };
    describe(&node, slot, true);
    bool done = (first || serve(c, sweep, &node, slot->parents[0], index, 0)) && serve(c, sweep, &node, slot->parents[1], index, 1);
    ad_drop(c, g);
    return done;
}

/* Takes the cotangents of a call's outputs away from their slots; false if there are none. */
static bool take_cotangents(ad_context *c, struct ad_slots *slots, struct ad_slot *slot, uint32_t index, ad_array **cotangents)
{
    bool any = false;
    for (uint32_t k = 0; k < slot->outputs_count; k++) {
        struct ad_slot *output = ad_slot_at(slots, index + k);
        any |= (cotangents[k] = ad_cotangent_of(c, output)) != NULL;
        output->cotangent = NULL;
    }
    return any;
}

/* Memory that d has with nobody: a rule may have given a view of g. */
static ad_array *apart_from(ad_context *c, ad_array *d, const ad_array *g)
{
    bool shared = d == g || (d->flags & g->flags & AD_STORED && d->storage == g->storage);
    return shared ? ad_array_cast(c, d, (ad_dtype)d->dtype) : d;
}

/* A call whose own cotangent g becomes that of its first operand, when the others have theirs; g must be the slot's alone. */
static bool sweep_within(ad_context *c, const struct sweep *sweep, struct ad_node *node, const uint32_t *parents, uint32_t index)
{
    ad_array *g = node->cotangents[0];
    for (int i = 1; i < node->count; i++) {
        struct ad_slot *target = parent_slot(sweep, parents[i], index);
        ad_array *d = target ? cotangent_through(c, node, i, g) : NULL;
        d = d ? apart_from(c, d, g) : NULL;
        if (d ? !add_cotangent(c, target, d) : target && c->error_code)
            return false;
    }
    ad_scope_trim(c, sweep->made);
    struct ad_slot *first = parent_slot(sweep, parents[0], index);
    if (!first)
        return true;
    return ad_is_private(g) ? node->op->vjp_within(node, g->data) && add_cotangent(c, first, g) : serve(c, sweep, node, parents[0], index, 0);
}

/* Any call. */
static __attribute__((noinline)) bool sweep_call(ad_context *c, const struct sweep *sweep, struct ad_slot *slot, uint32_t index)
{
    ad_array *cotangents[AD_MAX_OUTPUTS];
    if (!take_cotangents(c, sweep->slots, slot, index, cotangents))
        return !c->error_code;
    bool done = !(slot->borrowed & AD_SLOT_HOLLOW) || ad_slot_fill(c, slot);
    struct ad_node node = { .cotangents = cotangents };
    describe(&node, slot, false);
    if (done && node.op->vjp_within && !c->watched && slot->outputs_count == 1 && ad_is_private(cotangents[0]))
        done = sweep_within(c, sweep, &node, ad_parents_of(slot), index);
    else
        for (int i = 0; i < node.count && done; i++)
            done = serve(c, sweep, &node, ad_parents_of(slot)[i], index, i);
    for (uint32_t k = 0; k < slot->outputs_count; k++)
        ad_drop(c, cotangents[k]);
    return done;
}

/* One slot; what its rules made is dropped. It keeps its cotangent if that is a number. */
AD_ALWAYS_INLINE bool sweep_one(ad_context *c, struct sweep *sweep, struct ad_slot *slot, uint32_t index)
{
    bool done, simple = slot->borrowed & AD_SLOT_SIMPLE;
    sweep->frame.rule_of = slot->op;
    if (simple && slot->numeric) {
        int first = 0;
        outcome numbers = sweep_numbers(c, sweep, slot, index, &first);
        done = numbers == SERVED || (numbers == LEFT && sweep_short(c, sweep, slot, index, first));
    } else if (ad_slot_is_short(slot)) {
        done = (!slot->cotangent && !slot->numeric) || sweep_short(c, sweep, slot, index, 0);
    } else {
        done = sweep_call(c, sweep, slot, index);
    }
    ad_scope_trim(c, sweep->made);
    c->scopes.depth = sweep->depth; /* what a rule left open was dropped */
    return done;
}

/* Frees a slot after its sweep, unless another level needs it. False: its page went with it. */
AD_ALWAYS_INLINE bool discard_slot(ad_context *c, const struct sweep *sweep, struct ad_page *page, struct ad_slot *slot, uint32_t index)
{
    if (slot->mask & sweep->live) {
        ad_cotangent_drop(c, slot);
        return true;
    }
    if (__builtin_expect(ad_slot_is_short(slot) && page->alive > 1, 1)) {
        ad_slot_empty_short(c, slot);
        page->alive--;
        return true;
    }
    for (uint32_t k = slot->outputs_count - 1u; k > 0; k--)
        ad_slot_clear(c, sweep->slots, index + k);
    return ad_slot_clear(c, sweep->slots, index);
}

/* Fetches what the sweep of a slot will read, ahead of it: a large tape is not in the cache any more. Of a call of more than two inputs that is their list. */
AD_ALWAYS_INLINE void fetch(const struct ad_slot *slot)
{
    ad_fetch_small(slot->inputs[0]);
    ad_fetch_small(slot->inputs[1]);
}

/* Slots from `last` down to `first` of a page. */
static bool sweep_page(ad_context *c, struct sweep *sweep, struct ad_page *page, uint32_t last, uint32_t first, bool discard)
{
    struct ad_slot *slot = &page->slots[last % AD_PAGE_SLOTS];
    for (uint32_t index = last; index >= first; index--, slot--) {
        if (index > first)
            fetch(slot - 1);
        if (!slot->op || !(slot->mask & sweep->bit))
            continue;
        if (!sweep_one(c, sweep, slot, index))
            return false;
        if (!discard)
            ad_cotangent_drop(c, slot);
        else if (!discard_slot(c, sweep, page, slot, index))
            break;
    }
    return true;
}

bool ad_sweep(ad_context *c, struct ad_slots *slots, uint32_t from, uint32_t to, uint64_t bit, uint32_t floor, bool discard)
{
    struct sweep sweep = { .slots = slots, .bit = bit, .live = c->tape->live, .lowest = floor > slots->first ? floor : slots->first };
    uint32_t before = c->scopes.count;
    bool done = (sweep.number = ad_array_real(c)) != NULL;
    const struct ad_frame *outer = ad_watch_rules(c, &sweep.frame, AD_PHASE_REVERSE, NULL);
    sweep.node.cotangents = &sweep.number;
    sweep.made = c->scopes.count;
    sweep.depth = c->scopes.depth;
    for (uint32_t last = from, first; done && last > to; last = first - 1) {
        first = last - last % AD_PAGE_SLOTS;
        first = first > to ? first : to + 1;
        struct ad_page *page = slots->pages[last / AD_PAGE_SLOTS];
        done = !page || sweep_page(c, &sweep, page, last, first, discard);
    }
    c->frame = outer;
    ad_scope_trim(c, before);
    return done;
}
