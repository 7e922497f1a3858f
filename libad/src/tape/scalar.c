/* Calls of operations on scalars by the short way: one or two operands, 0-d float64 arrays or C numbers, as scalar code
 * makes them.
 *
 * A call here computes, records and pushes tangents as apply.c does, to the same bits, in as few steps as possible. A
 * call for which there is no short way goes the general way. The calls of a rule, which rule.c repeats, have plain
 * values for operands, and make arrays only for values with tangents. */
#include "tape/scalar.h"
#include "tape/verify.h"

double ad_elementwise_scalar(const ad_primitive *op, const void *options, double x, double y)
{
    (void)options;
    return ad_current()->loops->number[op->code](x, y);
}

ad_array *ad_real_array(ad_context *c, const struct ad_real *x)
{
    ad_array *y = x->array ? x->array : ad_array_real(c);
    if (x->array || !y)
        return y;
    y->scalar = x->value;
    y->slot = x->slot;
    y->serial = x->slot || x->dual ? c->tape->serial : 0;
    if (x->dual) {
        struct ad_tangent *t = ad_tangent_add(c, y, 0);
        if (!t)
            return NULL;
        t->scalar = x->tangent;
        t->slot = 0;
    }
    return y;
}

/* ---- recording ---- */

/* Records a call for which a later sweep needs only the values of its operands. Gives the number of its slot, or 0 and
 * an error. An operand that depends on no level in sight has the mask 0. */
AD_ALWAYS_INLINE uint32_t record_values(ad_context *c, struct ad_real_call *call, double a, double b, uint32_t slot_a, uint32_t slot_b, uint64_t mask_a,
                                        uint64_t mask_b, double value)
{
    struct ad_slots *slots = &c->tape->slots;
    uint32_t index;
    if (__builtin_expect(!slots->free, 0) && !ad_page_open(c, slots))
        return 0;
    struct ad_slot *slot = ad_slot_take(slots, &index);
    slot->op = call->op;
    slot->call = call;
    slot->mask = mask_a | mask_b;
    slot->cotangent = NULL;
    slot->value = value;
    slot->count = (uint32_t)call->count;
    slot->outputs_count = 1;
    slot->tail = 0;
    slot->borrowed = AD_SLOT_SIMPLE | AD_SLOT_VALUES | AD_BORROWED_FIRST | AD_BORROWED_SECOND;
    slot->numeric = 0;
    slot->values[0] = a;
    slot->values[1] = b;
    slot->parents[0] = mask_a ? slot_a : AD_NO_PARENT;
    slot->parents[1] = mask_b ? slot_b : AD_NO_PARENT;
    return ad_slot_verified(c->tape, index) ? index : 0;
}

/* Records a call whose operands are kept as arrays, as far as the rule reads them: with their tangents, or for longer
 * than the trace. If there is one operand, `a` and `b` are the same. `output`: the result. */
static uint32_t record_arrays(ad_context *c, const ad_primitive *op, ad_array *a, ad_array *b, int count, const void *options, uint64_t mask_a, uint64_t mask_b,
                              ad_array *output)
{
    struct ad_tape *tape = c->tape;
    int wanted = (mask_a != 0) + (count == 2 && mask_b);
    bool all = tape->run; /* the run may have to compute it again */
    bool read_a = all || ad_reads_input(op, 0, wanted, mask_a), read_b = all || ad_reads_input(op, 1, wanted, mask_b);
    uint32_t index;
    struct ad_slot *slot = ad_slot_append(c, &tape->slots, &index);
    if (!slot)
        return 0;
    slot->op = op;
    if (op->options_size)
        memcpy(slot->small_options, options, sizeof slot->small_options);
    else
        slot->options = options;
    slot->mask = mask_a | mask_b;
    slot->output = op->saves & AD_SAVE_OUTPUT_OF(0) ? ad_keep(c, output) : NULL;
    slot->count = (uint32_t)count;
    slot->borrowed = (uint8_t)(AD_SLOT_SIMPLE | (read_a ? 0 : AD_BORROWED_FIRST) | (read_b && count == 2 ? 0 : AD_BORROWED_SECOND));
    slot->inputs[0] = read_a ? ad_keep(c, a) : tape->stubs[a->dtype];
    slot->inputs[1] = read_b ? b : tape->stubs[b->dtype];
    if (read_b && count == 2)
        ad_keep(c, b);
    slot->parents[0] = mask_a ? a->slot : AD_NO_PARENT;
    slot->parents[1] = mask_b ? b->slot : AD_NO_PARENT;
    return ad_slot_verified(c->tape, index) ? index : 0;
}

/* ---- tangents ---- */

static struct ad_real real_of_tangent(const ad_context *c, const struct ad_tangent *t)
{
    return t->value ? ad_real_of(c, t->value) : (struct ad_real){ .value = t->scalar, .slot = t->slot };
}

/* The tangent of x for a level; NULL if it has none. If it is not in an array, it is written to `room`. */
AD_ALWAYS_INLINE const struct ad_tangent *tangent_for(const struct ad_tape *tape, const struct ad_real *x, int level, struct ad_tangent *room)
{
    if (!x->dual)
        return x->array ? ad_tangent_of(tape, x->array, level) : NULL;
    *room = (struct ad_tangent){ .scalar = x->tangent };
    return level == 0 ? room : NULL;
}

/* What tangent t of an operand adds to the tangent of the result. `below`: the levels in sight that the call depends
 * on. */
static ad_outcome push_operand(ad_context *c, struct ad_real_call *call, int operand, const struct ad_tangent *t, const struct ad_real *a,
                               const struct ad_real *b, const struct ad_real *y, uint64_t below, struct ad_real *part)
{
    struct ad_real tangent = real_of_tangent(c, t);
    if (!below && !tangent.slot && !tangent.dual && !tangent.array) {
        const struct ad_real_rule *rule = ad_rule_of(c, call, true, operand);
        if (!rule)
            return AD_FAILED;
        if (rule->kind == AD_RULE_ZERO)
            return AD_NOTHING;
        if (ad_rule_has_value(rule)) {
            double registers[AD_RULE_REGISTERS];
            registers[AD_RULE_T] = tangent.value;
            registers[AD_RULE_A] = a->value;
            registers[AD_RULE_B] = b->value;
            registers[AD_RULE_Y] = y->value;
            *part = (struct ad_real){ .value = ad_rule_value(rule, registers) };
            return AD_DONE;
        }
    }
    struct ad_real registers[AD_RULE_REGISTERS] = { [AD_RULE_T] = tangent, [AD_RULE_A] = *a, [AD_RULE_B] = *b, [AD_RULE_Y] = *y };
    if (!(below & c->tape->forward)) /* the tangents that they have are out of sight */
        registers[AD_RULE_A].array = registers[AD_RULE_B].array = registers[AD_RULE_Y].array = NULL;
    return ad_rule_run(c, call, true, operand, registers, part);
}

static bool attach(ad_context *c, ad_array *z, int level, const struct ad_real *tangent)
{
    if (tangent->array || tangent->dual) {
        ad_array *array = ad_real_array(c, tangent);
        return array && ad_tangent_attach(c, z, level, array);
    }
    struct ad_tangent *t = ad_tangent_add(c, z, level);
    if (!t)
        return false;
    t->scalar = tangent->value;
    t->slot = tangent->slot;
    return true;
}

/* What y = op(a, b) gets from the tangents of its operands, which are scalars, or NULL if there is none: *sum, made of
 * *parts. False: the rules are not known, or have to run themselves. */
AD_ALWAYS_INLINE bool sum_of_scalars(const struct ad_real_call *call, double a, double b, double y, const double *tangent_a, const double *tangent_b,
                                     double *sum, int *parts)
{
    double registers[AD_RULE_REGISTERS];
    const double *t[2] = { tangent_a, tangent_b };
    registers[AD_RULE_A] = a;
    registers[AD_RULE_B] = b;
    registers[AD_RULE_Y] = y;
    *parts = 0;
    *sum = 0;
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
        const struct ad_real_rule *rule = call->forward[i];
        if (!t[i])
            continue;
        if (!rule || rule->kind == AD_RULE_UNSUITED)
            return false;
        if (rule->kind == AD_RULE_ZERO)
            continue;
        registers[AD_RULE_T] = *t[i];
        double part = ad_rule_value(rule, registers);
        *sum = (*parts)++ ? *sum + part : part;
    }
    return true;
}

/* The same for a level, if the call depends on no level outside it, and if tangents and rules are such that the
 * result's tangent is a scalar. AD_NOTHING: they are not, and nothing is done. */
AD_ALWAYS_INLINE ad_outcome push_scalar(ad_context *c, const struct ad_real_call *call, int level, double a, double b, const struct ad_tangent *t,
                                        const struct ad_tangent *u, ad_array *z)
{
    double sum;
    int parts;
    if ((t && (t->value || t->slot)) || (u && (u->value || u->slot)) ||
        !sum_of_scalars(call, a, b, z->scalar, t ? &t->scalar : NULL, u ? &u->scalar : NULL, &sum, &parts))
        return AD_NOTHING;
    struct ad_tangent *tangent = parts ? ad_tangent_add(c, z, level) : NULL;
    if (!tangent)
        return parts ? AD_FAILED : AD_DONE;
    tangent->scalar = sum;
    tangent->slot = 0;
    return AD_DONE;
}

/* Gives z = op(a, b) its tangent for a level, if it has one. `mask`: the levels in sight that the call depends on. */
static bool push_level(ad_context *c, struct ad_real_call *call, int level, const struct ad_real *a, const struct ad_real *b, uint64_t mask, ad_array *z)
{
    struct ad_tangent rooms[2];
    const struct ad_tangent *t = tangent_for(c->tape, a, level, &rooms[0]), *u = call->count == 2 ? tangent_for(c->tape, b, level, &rooms[1]) : NULL;
    struct ad_real y = { .value = z->scalar, .slot = z->slot, .array = z }, sum, other;
    uint64_t below = mask & c->tape->live;
    ad_outcome first = t ? push_operand(c, call, 0, t, a, b, &y, below, &sum) : AD_NOTHING;
    if (first == AD_FAILED)
        return false;
    ad_outcome second = u ? push_operand(c, call, 1, u, a, b, &y, below, first == AD_DONE ? &other : &sum) : AD_NOTHING;
    if (second == AD_FAILED)
        return false;
    if (first == AD_DONE && second == AD_DONE && !ad_real_add(c, &sum, &other, &sum))
        return false;
    return (first == AD_NOTHING && second == AD_NOTHING) || attach(c, z, level, &sum);
}

/* The same for all levels that the call depends on, from the outermost inwards. A level's tangent is computed with that
 * level and those inside it out of sight. What else that makes is dropped. */
static bool push(ad_context *c, struct ad_real_call *call, const struct ad_real *a, const struct ad_real *b, uint64_t mask, ad_array *z)
{
    struct ad_tape *tape = c->tape;
    uint64_t live = tape->live, levels = mask & tape->forward;
    bool done = true;
    if (!(mask & ((levels & -levels) - 1))) {
        int level = __builtin_ctzll(levels);
        struct ad_tangent rooms[2];
        const struct ad_tangent *t = tangent_for(tape, a, level, &rooms[0]), *u = call->count == 2 ? tangent_for(tape, b, level, &rooms[1]) : NULL;
        ad_outcome outcome = push_scalar(c, call, level, a->value, b->value, t, u, z);
        if (outcome == AD_FAILED)
            return false;
        levels &= outcome == AD_DONE ? levels - 1 : levels;
    }
    for (; levels && done; levels &= levels - 1) {
        uint32_t made = c->scopes.count, depth = c->scopes.depth;
        tape->live = live & ((levels & -levels) - 1);
        done = push_level(c, call, __builtin_ctzll(levels), a, b, mask, z);
        tape->live = live;
        ad_scope_trim(c, made);
        c->scopes.depth = depth;
    }
    return done;
}

/* Whether a sweep will see the tangents of what depends on these levels: it sees those of levels outside the innermost
 * reverse level. */
static bool tangents_are_read(uint64_t reverse, uint64_t forward)
{
    return reverse && forward & ((UINT64_C(1) << (63 - __builtin_clzll(reverse))) - 1);
}

/* Makes z, the result of a call, part of the trace where more than values is recorded, or tangents are pushed. False:
 * with an error, or without one where the general way has to be taken. In a run, a slot that may become hollow keeps
 * only the values of a simple call. */
static __attribute__((noinline)) bool trace_further(ad_context *c, struct ad_real_call *call, const struct ad_real *a, const struct ad_real *b, uint64_t mask_a,
                                                    uint64_t mask_b, ad_array *z)
{
    const struct ad_tape *tape = c->tape;
    uint64_t mask = mask_a | mask_b, forward = mask & tape->forward, reverse = mask & ~tape->forward;
    uint64_t reverse_a = mask_a & ~tape->forward, reverse_b = mask_b & ~tape->forward;
    uint32_t slot = 0;
    if (tangents_are_read(reverse, forward) || reverse & tape->extracted) {
        ad_array *x = ad_real_array(c, a), *y = call->count == 2 ? ad_real_array(c, b) : x;
        if (tape->run || !x || !y)
            return false;
        slot = record_arrays(c, call->op, x, y, call->count, ad_options_at(call->op, &call->options), reverse_a, reverse_b, z);
    } else if (reverse) {
        slot = record_values(c, call, a->value, b->value, a->slot, b->slot, reverse_a, reverse_b, z->scalar);
    }
    if (reverse && !slot)
        return false;
    z->serial = tape->serial;
    z->slot = slot;
    return !forward || push(c, call, a, b, mask, z);
}

/* ---- calls on scalars ---- */

/* The levels in sight that x depends on. */
AD_ALWAYS_INLINE uint64_t mask_of_real(const struct ad_tape *tape, const struct ad_real *x)
{
    uint64_t mask = 0;
    if (x->slot) {
        const struct ad_page *page = tape->slots.pages[x->slot / AD_PAGE_SLOTS];
        mask = page ? page->slots[x->slot % AD_PAGE_SLOTS].mask & tape->live : 0;
    }
    mask |= (uint64_t)x->dual & tape->live;
    return __builtin_expect(x->array != NULL, 0) ? mask | ad_forward_mask(tape, x->array) : mask;
}

static __attribute__((noinline)) bool apply_generally(ad_context *c, struct ad_real_call *call, const struct ad_real *a, const struct ad_real *b,
                                                      struct ad_real *z)
{
    ad_array *inputs[2] = { ad_real_array(c, a), call->count == 2 ? ad_real_array(c, b) : NULL };
    ad_array *y = inputs[0] && (inputs[1] || call->count == 1) ? ad_call_general(call->op, inputs, call->count, ad_options_at(call->op, &call->options)) : NULL;
    if (y)
        *z = ad_real_of(c, y);
    return y;
}

static __attribute__((noinline)) bool apply_further(ad_context *c, struct ad_real_call *call, const struct ad_real *a, const struct ad_real *b, uint64_t mask_a,
                                                    uint64_t mask_b, struct ad_real *z)
{
    ad_array *y = ad_array_real(c);
    if (!y)
        return false;
    y->scalar = ad_real_value(call, a->value, b->value);
    if (trace_further(c, call, a, b, mask_a, mask_b, y)) {
        *z = ad_real_of(c, y);
        return true;
    }
    return !c->error_code && apply_generally(c, call, a, b, z);
}

/* The same for a call that depends only on the outermost level, a forward one, whose tangents are scalars. False: they
 * are not, or the rules are not known. */
AD_ALWAYS_INLINE bool apply_dual(const ad_context *c, const struct ad_real_call *call, const struct ad_real *a, const struct ad_real *b, struct ad_real *z)
{
    const struct ad_tangent *t = a->array ? ad_outermost_tangent(c->tape, a->array) : NULL;
    const struct ad_tangent *u = b->array && call->count == 2 ? ad_outermost_tangent(c->tape, b->array) : NULL;
    const double *tangent_a = a->dual ? &a->tangent : t ? &t->scalar : NULL;
    const double *tangent_b = call->count == 1 ? NULL : b->dual ? &b->tangent : u ? &u->scalar : NULL;
    double value = ad_real_value(call, a->value, b->value), sum;
    int parts;
    if ((a->array && !t) || (call->count == 2 && b->array && !u) || !sum_of_scalars(call, a->value, b->value, value, tangent_a, tangent_b, &sum, &parts))
        return false;
    *z = (struct ad_real){ .value = value, .dual = parts, .tangent = sum };
    return true;
}

AD_ALWAYS_INLINE bool apply_real(ad_context *c, struct ad_real_call *call, const struct ad_real *a, const struct ad_real *b, struct ad_real *z)
{
    const struct ad_tape *tape = c->tape;
    uint64_t mask_a = mask_of_real(tape, a), mask_b = call->count == 2 ? mask_of_real(tape, b) : 0, mask = mask_a | mask_b;
    if (__builtin_expect((mask & (tape->forward | tape->extracted)) != 0, 0) && !call->op->constant)
        return (mask == 1 && tape->forward & 1 && apply_dual(c, call, a, b, z)) || apply_further(c, call, a, b, mask_a, mask_b, z);
    double value = ad_real_value(call, a->value, b->value);
    uint32_t slot = 0;
    if (mask && !call->op->constant && !(slot = record_values(c, call, a->value, b->value, a->slot, b->slot, mask_a, mask_b, value)))
        return false;
    *z = (struct ad_real){ .value = value, .slot = slot };
    return true;
}

bool ad_real_apply(ad_context *c, struct ad_real_call *call, const struct ad_real *a, const struct ad_real *b, struct ad_real *z)
{
    return apply_real(c, call, a, b, z);
}

/* ---- rules ---- */

/* Runs a rule that has to run itself, on arrays. */
static __attribute__((noinline)) ad_outcome run_on_arrays(ad_context *c, const struct ad_real_call *call, bool forward, int operand,
                                                          const struct ad_real *registers, struct ad_real *result)
{
    const ad_primitive *op = call->op;
    ad_array *arrays[AD_RULE_FIRST];
    for (int i = 0; i < AD_RULE_FIRST; i++)
        if (!(arrays[i] = ad_real_array(c, &registers[i])))
            return AD_FAILED;
    ad_array *t = arrays[AD_RULE_T], *d;
    struct ad_node node = { .op = op, .options = ad_options_at(op, &call->options), .inputs = arrays + AD_RULE_A, .outputs = arrays + AD_RULE_Y,
                            .cotangents = forward ? NULL : arrays, .count = call->count };
    if (forward ? op->jvp != NULL : op->vjp != NULL)
        d = forward ? op->jvp(&node, operand, t) : op->vjp(&node, operand, t);
    else if ((d = op->derivative(&node, operand)))
        d = ad_times(c, t, d, c->scopes.count);
    if (d && !(ad_is_real(d) && !(d->flags & AD_WEAK)))
        d = ad_match(d, t);
    if (!d)
        return c->error_code ? AD_FAILED : AD_NOTHING;
    *result = ad_real_of(c, d);
    return AD_DONE;
}

ad_outcome ad_rule_run(ad_context *c, struct ad_real_call *call, bool forward, int operand, struct ad_real *registers, struct ad_real *result)
{
    if (__builtin_expect(c->watched, 0))
        return run_on_arrays(c, call, forward, operand, registers, result);
    const struct ad_real_rule *rule = ad_rule_of(c, call, forward, operand);
    if (!rule)
        return AD_FAILED;
    if (!ad_rule_has_value(rule))
        return rule->kind == AD_RULE_ZERO ? AD_NOTHING : run_on_arrays(c, call, forward, operand, registers, result);
    struct ad_real *next = registers + AD_RULE_FIRST;
    for (int i = 0; i < rule->constants_count; i++)
        *next++ = (struct ad_real){ .value = rule->constants[i] };
    for (int i = 0; i < rule->steps_count; i++) {
        const struct ad_real_step *step = &rule->steps[i];
        if (!apply_real(c, step->call, &registers[step->a], &registers[step->b], next++))
            return AD_FAILED;
    }
    *result = registers[rule->result];
    return AD_DONE;
}

bool ad_real_add(ad_context *c, const struct ad_real *a, const struct ad_real *b, struct ad_real *z)
{
    return c->watched ? apply_generally(c, c->tape->sum, a, b, z) : apply_real(c, c->tape->sum, a, b, z);
}

const void *ad_options_of_values(const struct ad_slot *slot)
{
    return ad_options_at(slot->op, &slot->call->options);
}

/* ---- the way in ---- */

/* Makes a call that needs more than values. Gives its result. */
static __attribute__((noinline)) ad_array *call_further(ad_context *c, struct ad_real_call *call, const ad_primitive *op, ad_array *const *inputs, int count,
                                                        const void *options, uint64_t mask_a, uint64_t mask_b, ad_array *z)
{
    ad_array *a = inputs[0], *b = inputs[count - 1];
    struct ad_tape *tape = c->tape;
    double x = 0, y = 0;
    uint64_t mask = mask_a | mask_b;
    ad_double_of(a, &x);
    ad_double_of(b, &y);
    if (!call->foreign && mask & tape->forward && !(mask & (mask - 1))) { /* one forward level and nothing else, as in most forward code */
        z->serial = tape->serial;
        z->slot = 0;
        int level = __builtin_ctzll(mask);
        ad_outcome outcome = push_scalar(c, call, level, x, y, ad_tangent_of(tape, a, level), count == 2 ? ad_tangent_of(tape, b, level) : NULL, z);
        if (outcome != AD_NOTHING)
            return outcome == AD_DONE ? z : NULL;
    }
    if (!call->foreign) {
        struct ad_real real_a = { .value = x, .slot = mask_a ? a->slot : 0, .array = a }; /* if it depends on nothing, its slot may be an old one */
        struct ad_real real_b = { .value = y, .slot = mask_b ? b->slot : 0, .array = b };
        if (trace_further(c, call, &real_a, &real_b, mask_a, mask_b, z))
            return z;
    } else if (!op->parameters && (op->derivative || op->vjp) && !ad_options_refer(op) && !(mask & tape->forward)) {
        if ((z->slot = record_arrays(c, op, a, b, count, options, mask_a, mask_b, z))) {
            z->serial = tape->serial;
            return z;
        }
    }
    z->serial = 0;
    return c->error_code ? NULL : ad_call_general(op, inputs, count, options);
}

/* Whether x, an array of a trace that is not this thread's, was made in another thread. */
AD_ALWAYS_INLINE bool is_of_another_thread(const ad_context *c, const ad_array *x)
{
    return x->serial && ad_is_foreign(c, x);
}

AD_ALWAYS_INLINE ad_array *call_scalars(const ad_primitive *op, ad_array *const *inputs, int count, const void *options)
{
    double x, y;
    ad_array *a = inputs[0], *b = inputs[count - 1];
    if (!a || !b || !ad_double_of(a, &x) || !ad_double_of(b, &y) || (!ad_is_scalar(a) && !ad_is_scalar(b)))
        return ad_call_general(op, inputs, count, options);
    ad_context *c = ad_current();
    if (__builtin_expect(c->watched, 0))
        return ad_call_general(op, inputs, count, options);
    double value = op->scalar == ad_elementwise_scalar ? c->loops->number[op->code](x, y) : op->scalar(op, options, x, y);
    ad_array *z = ad_array_real(c);
    if (__builtin_expect(!z, 0))
        return ad_call_general(op, inputs, count, options);
    z->scalar = value;
    if (!(a->serial | b->serial))
        return z;
    struct ad_tape *tape = c->tape;
    uint64_t mask_a = 0, mask_b = 0;
    if (__builtin_expect(!tape || !tape->live, 0))
        return is_of_another_thread(c, a) || is_of_another_thread(c, b) ? ad_call_general(op, inputs, count, options) : z;
    if (a->serial == tape->serial)
        mask_a = ad_mask_in_trace(tape, a);
    else if (is_of_another_thread(c, a))
        return ad_call_general(op, inputs, count, options);
    if (count == 2 && b->serial == tape->serial)
        mask_b = ad_mask_in_trace(tape, b);
    else if (count == 2 && is_of_another_thread(c, b))
        return ad_call_general(op, inputs, count, options);
    if (!(mask_a | mask_b) || op->constant)
        return z;
    struct ad_real_call *call = ad_real_call_of(c, op, options, count);
    if (__builtin_expect(!call, 0))
        return ad_call_general(op, inputs, count, options);
    if (__builtin_expect(call->foreign || (mask_a | mask_b) & (tape->forward | tape->extracted), 0))
        return call_further(c, call, op, inputs, count, options, mask_a, mask_b, z);
    uint32_t slot = record_values(c, call, x, y, a->slot, b->slot, mask_a, mask_b, value);
    if (__builtin_expect(!slot, 0))
        return NULL;
    z->serial = tape->serial;
    z->slot = slot;
    return z;
}

ad_array *ad_call_primitive(const ad_primitive *primitive, ad_array *const *inputs, int count, const void *options)
{
    if (__builtin_expect(!primitive, 0))
        return ad_failed() ? NULL : ad_set_error(AD_ERROR_VALUE, "ad_call_primitive: the primitive is NULL");
    if (!ad_all_alive(primitive, inputs, count))
        return NULL;
    if (primitive->scalar && count == 2 && inputs)
        return call_scalars(primitive, inputs, 2, options);
    if (primitive->scalar && count == 1 && inputs)
        return call_scalars(primitive, inputs, 1, options);
    return ad_call_general(primitive, inputs, count, options);
}
