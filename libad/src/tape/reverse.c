/* The reverse sweep: from an output down its part of the tape, giving cotangents to parents.
 *
 * A parent always has a smaller number than its child. So when a slot is reached, its cotangent is complete. Nothing
 * here recurses over the graph. The rules run as ordinary operations, recorded for the levels still open. */
#include "ad/array.h"
#include "kernels/kernels.h"
#include "tape/scalar.h"
#include "tape/verify.h"

/* g in the shape of `like`: summed over the axes along which `like` was broadcast, and spread over the axes that a rule
 * left out because g is the same for every element. */
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

/* The one place in the engine where a derivative gets the shape and dtype of what it belongs to. */
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
        ad_run_dense(c->loops->loop[AD_LOOP_add][g->dtype], ad_item_size((ad_dtype)g->dtype), g->size, memory_of(sum), memory_of(g), memory_of(sum));
        return;
    }
    ad_add_strided(c->loops, g->ndim, ad_dims(g), operand_of(g), operand_of(sum));
}

/* ---- scalars: a cotangent that depends on no level in sight is kept as a double; one that depends only on reverse
 * levels is kept as a double and its slot ---- */

static inline bool is_scalar(const ad_array *x)
{
    return ad_is_real(x) && !(x->flags & AD_WEAK);
}

static inline double scalar_in(const ad_array *x)
{
    return *(const double *)memory_of(x);
}

AD_ALWAYS_INLINE void add_scalar(struct ad_slot *slot, double number)
{
    slot->scalar = slot->numeric ? slot->scalar + number : number;
    slot->numeric = AD_COTANGENT_SCALAR;
}

void ad_cotangent_drop_real(ad_context *c, struct ad_slot *slot)
{
    ad_deallocate_small(c, slot->real, sizeof *slot->real);
}

ad_array *ad_cotangent_of(ad_context *c, struct ad_slot *slot)
{
    if (slot->borrowed & AD_SLOT_PARTS)
        return ad_parts_join(c, slot);
    if (!slot->numeric)
        return slot->cotangent;
    struct ad_real x = { .value = slot->scalar };
    if (slot->numeric == AD_COTANGENT_REAL) {
        x = *slot->real;
        ad_cotangent_drop_real(c, slot);
    }
    ad_array *g = ad_real_array(c, &x);
    slot->cotangent = ad_keep(c, g);
    slot->numeric = 0;
    return g;
}

/* The same, without a call where it is an array already. */
AD_ALWAYS_INLINE ad_array *cotangent_of(ad_context *c, struct ad_slot *slot)
{
    return slot->numeric || slot->borrowed & AD_SLOT_PARTS ? ad_cotangent_of(c, slot) : slot->cotangent;
}

/* ---- cotangents ---- */

/* The slot holds the only reference to its cotangent, except for the scope of the rule that made it. That scope has
 * closed by the time the next cotangent arrives. */
AD_ALWAYS_INLINE bool add_cotangent(ad_context *c, struct ad_slot *slot, ad_array *g)
{
    if (!c->watched && (!g->serial || !c->tape->live) && is_scalar(g) && (slot->numeric == AD_COTANGENT_SCALAR || (!slot->numeric && !slot->cotangent))) {
        add_scalar(slot, scalar_in(g));
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

/* Makes g the cotangent of a slot that has none. */
static bool set_real(ad_context *c, struct ad_slot *slot, const struct ad_real *g)
{
    if (g->array) {
        slot->cotangent = ad_keep(c, g->array);
    } else if (!g->slot && !g->dual) {
        slot->scalar = g->value;
        slot->numeric = AD_COTANGENT_SCALAR;
    } else {
        struct ad_real *real = ad_allocate_small(c, sizeof *real);
        if (!real)
            return false;
        *real = *g;
        slot->real = real;
        slot->numeric = AD_COTANGENT_REAL;
    }
    return true;
}

/* Takes the cotangent of a slot, which has one, away from it. False: it is not a scalar, and stays. *held: what the
 * array in *g belongs to now. */
AD_ALWAYS_INLINE bool take_real(ad_context *c, struct ad_slot *slot, struct ad_real *g, ad_array **held)
{
    *held = NULL;
    if (slot->numeric == AD_COTANGENT_SCALAR) {
        *g = (struct ad_real){ .value = slot->scalar };
    } else if (slot->numeric) {
        *g = *slot->real;
        ad_cotangent_drop_real(c, slot);
    } else {
        if (slot->borrowed & AD_SLOT_PARTS || !is_scalar(slot->cotangent))
            return false;
        *g = ad_real_of(c, *held = slot->cotangent);
    }
    slot->cotangent = NULL;
    slot->numeric = 0;
    return true;
}

AD_ALWAYS_INLINE bool add_real(ad_context *c, struct ad_slot *slot, const struct ad_real *g)
{
    struct ad_real old, sum;
    ad_array *held, *array;
    if (!slot->numeric && !slot->cotangent)
        return set_real(c, slot, g);
    if (!take_real(c, slot, &old, &held))
        return (array = ad_real_array(c, g)) && add_cotangent(c, slot, array);
    bool done = ad_real_add(c, &old, g, &sum) && set_real(c, slot, &sum);
    ad_drop(c, held);
    return done;
}

/* Whether ad_match would change nothing about g. */
AD_ALWAYS_INLINE bool fits(const ad_array *g, const ad_array *like)
{
    return is_scalar(g) ? ad_is_real(like) : g->dtype == like->dtype && !(g->flags & AD_WEAK) && ad_same_shape(g, like);
}

/* Whether ad_match can bring g into the shape of `like`: along each axis either one repeats what the other has, or both
 * have the same length. */
static bool can_match(const ad_array *g, const ad_array *like)
{
    for (int i = 1; i <= g->ndim && i <= like->ndim; i++) {
        int64_t given = ad_dims(g)[g->ndim - i], wanted = ad_dims(like)[like->ndim - i];
        if (given != wanted && given != 1 && wanted != 1)
            return false;
    }
    return true;
}

static __attribute__((noinline)) ad_array *brought_into_form(const ad_primitive *op, int operand, ad_array *g, const ad_array *like)
{
    if (!can_match(g, like))
        return ad_set_error(AD_ERROR_SHAPE, "%s: the reverse rule gives shape %s for operand %d of shape %s", op->name, AD_SHAPE_TEXT(g), operand,
                            AD_SHAPE_TEXT(like));
    g = ad_match(g, like);
    return g && ad_form_verified(op, "cotangent", operand, g, like) ? g : NULL;
}

/* What a rule gave for an operand, in the shape and dtype of that operand; NULL stays NULL. */
AD_ALWAYS_INLINE ad_array *in_form(const struct ad_node *node, int operand, ad_array *g)
{
    const ad_array *like = node->inputs[operand];
    return !g || fits(g, like) ? g : brought_into_form(node->op, operand, g, like);
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
    return in_form(node, operand, d);
}

/* ---- one call ---- */

/* A sweep under way. */
struct sweep {
    struct ad_slots *slots;
    uint64_t bit, live;
    uint64_t recorded; /* the levels for which rules make arrays: those in sight, or all if somebody watches */
    uint32_t lowest;
    uint32_t made, depth;  /* the stack of scopes between two rules */
    struct ad_frame frame; /* of the rules, if somebody watches */
};

/* The parent's slot, if it is at or above `lowest` and takes part in the sweep. */
AD_ALWAYS_INLINE struct ad_slot *parent_slot(const struct sweep *sweep, uint32_t parent, uint32_t index)
{
    if (parent - sweep->lowest >= index - sweep->lowest) /* it is below lowest, or AD_NO_PARENT */
        return NULL;
    struct ad_page *page = sweep->slots->pages[parent / AD_PAGE_SLOTS];
    struct ad_slot *slot = page ? &page->slots[parent % AD_PAGE_SLOTS] : NULL;
    return slot && slot->mask & sweep->bit ? slot : NULL;
}

/* What the rules of a call see, without its cotangents. */
AD_ALWAYS_INLINE void describe(struct ad_node *node, struct ad_slot *slot, bool simple)
{
    node->op = slot->op;
    node->options = ad_options_of(slot);
    node->inputs = simple ? slot->inputs : ad_inputs_of(slot);
    node->outputs = simple || slot->outputs_count == 1 ? &slot->output : slot->outputs;
    node->count = (int)slot->count;
}

/* Gives g, which a rule gave for the cotangent of an operand, to the operand's parent. */
AD_ALWAYS_INLINE bool serve(ad_context *c, const struct sweep *sweep, struct ad_node *node, uint32_t parent, uint32_t index, int operand)
{
    struct ad_slot *target = parent_slot(sweep, parent, index);
    if (target && node->op->vjp_into && operand == 0)
        return ad_parts_add(c, target, node, node->cotangents[0]);
    node->taker = target;
    ad_array *g = target ? cotangent_through(c, node, operand, node->cotangents[0]) : NULL;
    return g ? add_cotangent(c, target, g) : !target || !c->error_code;
}

/* Whether the rules of a call kept nothing of what they were given, except what they gave. Only a checked build
 * tells. */
AD_ALWAYS_INLINE bool kept_nothing(ad_context *c, const struct sweep *sweep, struct ad_references *given, const struct ad_node *node, const uint32_t *parents,
                                   uint32_t index)
{
    if (!AD_VERIFIES)
        return true;
    ad_scope_trim(c, sweep->made);
    c->scopes.depth = sweep->depth;
    for (int i = 0; i < node->count; i++) {
        const struct ad_slot *target = parent_slot(sweep, parents[i], index);
        if (target && !target->numeric && !(target->borrowed & AD_SLOT_PARTS))
            ad_references_given(given, target->cotangent);
    }
    return ad_references_verified(given, node->op);
}

/* Sweeps a short call by running its rules. */
static __attribute__((noinline)) bool sweep_short(ad_context *c, const struct sweep *sweep, struct ad_slot *slot, uint32_t index)
{
    ad_array *g = cotangent_of(c, slot);
    if (!g)
        return false;
    slot->cotangent = NULL;
    struct ad_node node = { .cotangents = &g };
    struct ad_references given;
    describe(&node, slot, true);
    ad_references_note(c, &given, &node, &g, 1);
    bool done = serve(c, sweep, &node, slot->parents[0], index, 0) && serve(c, sweep, &node, slot->parents[1], index, 1) &&
                kept_nothing(c, sweep, &given, &node, slot->parents, index);
    ad_drop(c, g);
    return done;
}

/* ---- simple calls, by rules that were learnt ---- */

/* The value of an input or output of a simple call, or a NaN where it was not saved. */
AD_ALWAYS_INLINE struct ad_real saved_real(const ad_context *c, ad_array *x)
{
    double value;
    if (!x || x->flags & AD_ABSTRACT)
        return (struct ad_real){ 0 };
    if (is_scalar(x)) /* of any kind: a value that depends on something may have been computed from arrays */
        return ad_real_of(c, x);
    return ad_double_of(x, &value) ? (struct ad_real){ .value = value } : (struct ad_real){ 0 };
}

/* Sweeps a simple call with cotangent g, where something depends on a level in sight. */
static __attribute__((noinline)) bool sweep_reals(ad_context *c, const struct sweep *sweep, const struct ad_slot *slot, uint32_t index,
                                                  struct ad_real_call *call, const struct ad_real *g)
{
    struct ad_real registers[AD_RULE_REGISTERS], part;
    registers[AD_RULE_T] = *g;
    if (slot->borrowed & AD_SLOT_VALUES) {
        registers[AD_RULE_A] = (struct ad_real){ .value = slot->values[0], .slot = slot->parents[0] == AD_NO_PARENT ? 0 : slot->parents[0] };
        registers[AD_RULE_B] = (struct ad_real){ .value = slot->values[1], .slot = slot->parents[1] == AD_NO_PARENT ? 0 : slot->parents[1] };
        registers[AD_RULE_Y] = (struct ad_real){ .value = slot->value, .slot = index };
    } else {
        registers[AD_RULE_A] = saved_real(c, slot->inputs[0]);
        registers[AD_RULE_B] = saved_real(c, slot->inputs[1]);
        registers[AD_RULE_Y] = saved_real(c, slot->output);
    }
    for (int i = 0; i < 2; i++) {
        struct ad_slot *target = parent_slot(sweep, slot->parents[i], index);
        ad_outcome done = target ? ad_rule_run(c, call, false, i, registers, &part) : AD_NOTHING;
        if (done == AD_FAILED || (done == AD_DONE && !add_real(c, target, &part)))
            return false;
    }
    return true;
}

/* The same in a sweep of values, where the rule has to run itself, or where the parent's cotangent is not a scalar. */
static __attribute__((noinline)) bool serve_further(ad_context *c, const struct sweep *sweep, const struct ad_slot *slot, struct ad_slot *target, int operand,
                                                    const double *registers)
{
    struct ad_real reals[AD_RULE_REGISTERS], part;
    for (int i = 0; i < AD_RULE_FIRST; i++)
        reals[i] = (struct ad_real){ .value = registers[i] };
    ad_outcome outcome = ad_rule_run(c, slot->call, false, operand, reals, &part);
    bool done = outcome == AD_NOTHING || (outcome == AD_DONE && add_real(c, target, &part));
    ad_scope_trim(c, sweep->made);
    c->scopes.depth = sweep->depth;
    return done;
}

/* Gives what a rule gives to a parent of a call of values that depends on nothing in sight. */
AD_ALWAYS_INLINE bool serve_value(ad_context *c, const struct sweep *sweep, const struct ad_slot *slot, uint32_t index, int operand, double *registers)
{
    struct ad_slot *target = parent_slot(sweep, slot->parents[operand], index);
    if (!target)
        return true;
    const struct ad_real_rule *rule = slot->call->reverse[operand];
    if (__builtin_expect(!rule || rule->kind > AD_RULE_SAME || (!target->numeric && target->cotangent) || target->numeric == AD_COTANGENT_REAL, 0))
        return serve_further(c, sweep, slot, target, operand, registers);
    add_scalar(target, ad_rule_value(rule, registers));
    return true;
}

/* Sweeps a call of values whose cotangent is a scalar, and which depends on nothing in sight. The slot keeps it. */
AD_ALWAYS_INLINE bool sweep_values(ad_context *c, const struct sweep *sweep, const struct ad_slot *slot, uint32_t index)
{
    double registers[AD_RULE_REGISTERS];
    registers[AD_RULE_T] = slot->scalar;
    registers[AD_RULE_A] = slot->values[0];
    registers[AD_RULE_B] = slot->values[1];
    registers[AD_RULE_Y] = slot->value;
    return serve_value(c, sweep, slot, index, 0, registers) && serve_value(c, sweep, slot, index, 1, registers);
}

/* Sweeps any simple call that has a cotangent. */
static __attribute__((noinline)) bool sweep_simple(ad_context *c, const struct sweep *sweep, struct ad_slot *slot, uint32_t index)
{
    bool values = slot->borrowed & AD_SLOT_VALUES;
    struct ad_real_call *call = values ? slot->call : ad_real_call_of(c, slot->op, ad_options_of(slot), (int)slot->count);
    struct ad_real g;
    ad_array *held;
    if (slot->borrowed & AD_SLOT_PARTS && !ad_cotangent_of(c, slot))
        return false;
    if (!call || call->foreign || !take_real(c, slot, &g, &held))
        return !c->error_code && sweep_short(c, sweep, slot, index);
    bool done = sweep_reals(c, sweep, slot, index, call, &g);
    ad_drop(c, held);
    return done;
}

/* ---- other calls ---- */

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

/* d in memory that nobody else holds: a rule may have given a view of g. */
static ad_array *apart_from(ad_context *c, ad_array *d, const ad_array *g)
{
    bool shared = d == g || (d->flags & g->flags & AD_STORED && d->storage == g->storage);
    return shared ? ad_array_cast(c, d, (ad_dtype)d->dtype) : d;
}

/* Whether what the rules of a call read depends on no level in sight. */
static bool reads_constants(const ad_context *c, const struct ad_node *node)
{
    uint64_t mask = 0;
    for (int i = 0; i < node->count; i++)
        mask |= ad_live_mask(c->tape, node->inputs[i]);
    return !mask;
}

/* Sweeps a call whose cotangent g becomes that of its first operand, after the others have theirs. Only the slot may
 * hold g. */
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
    return ad_is_private(g) ? node->op->vjp_within(node, memory_of(g)) && add_cotangent(c, first, g) : serve(c, sweep, node, parents[0], index, 0);
}

/* Sweeps a call whose rule gives the cotangents of all its operands at once. */
static bool sweep_pull(ad_context *c, const struct sweep *sweep, const struct ad_node *node, const uint32_t *parents, uint32_t index)
{
    AD_SCRATCH room = { 0 };
    unsigned wanted = 0;
    ad_array **cotangents = ad_scratch_take(c, &room, node->count, sizeof *cotangents);
    bool any = false;
    for (int i = 0; i < node->count && cotangents; i++) {
        bool takes = parent_slot(sweep, parents[i], index);
        cotangents[i] = NULL;
        wanted |= (unsigned)(takes && i < 32) << (i & 31);
        any |= takes;
    }
    if (!any)
        return cotangents != NULL;
    if (!node->op->pull(node, node->cotangents, wanted, cotangents))
        return c->error_code ? false : (ad_set_error(AD_ERROR_TRANSFORM, "%s: the reverse rule failed without an error", node->op->name), false);
    for (int i = 0; i < node->count; i++) {
        struct ad_slot *target = parent_slot(sweep, parents[i], index);
        ad_array *d = target ? in_form(node, i, cotangents[i]) : NULL;
        if (d ? !add_cotangent(c, target, d) : c->error_code != AD_OK)
            return false;
    }
    return true;
}

/* Sweeps any call. */
static __attribute__((noinline)) bool sweep_call(ad_context *c, const struct sweep *sweep, struct ad_slot *slot, uint32_t index)
{
    ad_array *cotangents[AD_MAX_OUTPUTS];
    if (!take_cotangents(c, sweep->slots, slot, index, cotangents))
        return !c->error_code;
    bool done = !(slot->borrowed & AD_SLOT_HOLLOW) || ad_slot_fill(c, slot);
    if (done && slot->borrowed & AD_SLOT_SIMPLE) {
        slot->cotangent = cotangents[0];
        return sweep_simple(c, sweep, slot, index);
    }
    struct ad_node node = { .cotangents = cotangents };
    struct ad_references given;
    describe(&node, slot, false);
    ad_references_note(c, &given, &node, cotangents, slot->outputs_count);
    if (done && node.op->pull)
        done = sweep_pull(c, sweep, &node, ad_parents_of(slot), index);
    else if (done && node.op->vjp_within && !c->watched && slot->outputs_count == 1 && ad_is_private(cotangents[0]) && reads_constants(c, &node))
        done = sweep_within(c, sweep, &node, ad_parents_of(slot), index);
    else
        for (int i = 0; i < node.count && done; i++)
            done = serve(c, sweep, &node, ad_parents_of(slot)[i], index, i);
    done = done && kept_nothing(c, sweep, &given, &node, ad_parents_of(slot), index);
    for (uint32_t k = 0; k < slot->outputs_count; k++)
        ad_drop(c, cotangents[k]);
    return done;
}

/* Sweeps one slot. What its rules made is dropped. It keeps its cotangent if that is a scalar. */
AD_ALWAYS_INLINE bool sweep_one(ad_context *c, struct sweep *sweep, struct ad_slot *slot, uint32_t index)
{
    bool done, simple = slot->borrowed & AD_SLOT_SIMPLE;
    sweep->frame.rule_of = slot->op;
    if (ad_slot_is_short(slot))
        done = (!slot->cotangent && !slot->numeric) || (simple ? sweep_simple : sweep_short)(c, sweep, slot, index);
    else
        done = sweep_call(c, sweep, slot, index);
    ad_scope_trim(c, sweep->made);
    c->scopes.depth = sweep->depth; /* closes the scopes that a rule left open */
    return done;
}

/* Frees a slot after its sweep, unless another level needs it. False: its page was freed with it. */
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

/* Prefetches what the sweep of a slot will read, since a large tape is no longer in the cache. For a call of more than
 * two inputs that is their list. */
AD_ALWAYS_INLINE void fetch(const struct ad_slot *slot)
{
    if (slot->borrowed & AD_SLOT_VALUES)
        return;
    ad_fetch_small(slot->inputs[0]);
    ad_fetch_small(slot->inputs[1]);
}

/* Whether it is a call of values whose cotangent is a scalar. */
AD_ALWAYS_INLINE bool is_plain(const struct ad_slot *slot)
{
    return slot->numeric == AD_COTANGENT_SCALAR && (slot->borrowed & (AD_SLOT_VALUES | AD_SLOT_SIMPLE)) == (AD_SLOT_VALUES | AD_SLOT_SIMPLE);
}

/* Sweeps the slots of a page from `last` down to `first`. */
static bool sweep_page(ad_context *c, struct sweep *sweep, struct ad_page *page, uint32_t last, uint32_t first, bool discard)
{
    struct ad_slot *slot = &page->slots[last % AD_PAGE_SLOTS];
    for (uint32_t index = last; index >= first; index--, slot--) {
        if (!(slot->mask & sweep->bit))
            continue;
        if (is_plain(slot) && !(slot->mask & sweep->recorded)) {
            if (!sweep_values(c, sweep, slot, index))
                return false;
            if (discard && page->alive > 1) {
                slot->mask = 0;
                slot->outputs_count = 0;
                page->alive--;
                continue;
            }
        } else {
            if (index > first)
                fetch(slot - 1);
            if (!slot->op)
                continue;
            if (!sweep_one(c, sweep, slot, index))
                return false;
        }
        if (!discard)
            ad_cotangent_drop(c, slot);
        else if (!discard_slot(c, sweep, page, slot, index))
            break;
    }
    return true;
}

bool ad_sweep(ad_context *c, struct ad_slots *slots, uint32_t from, uint32_t to, uint64_t bit, uint32_t floor, bool discard)
{
    struct sweep sweep = { .slots = slots,
                           .bit = bit,
                           .live = c->tape->live,
                           .recorded = c->watched ? UINT64_MAX : c->tape->live,
                           .lowest = floor > slots->first ? floor : slots->first };
    const struct ad_frame *outer = ad_watch_rules(c, &sweep.frame, AD_PHASE_REVERSE, NULL);
    bool done = true;
    sweep.made = c->scopes.count;
    sweep.depth = c->scopes.depth;
    for (uint32_t last = from, first; done && last > to; last = first - 1) {
        first = last - last % AD_PAGE_SLOTS;
        first = first > to ? first : to + 1;
        struct ad_page *page = slots->pages[last / AD_PAGE_SLOTS];
        done = !page || sweep_page(c, &sweep, page, last, first, discard);
    }
    c->frame = outer;
    return done;
}
