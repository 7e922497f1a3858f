/* Calls of operations, and the short way of those on scalars: one or two operands, 0-d float64 or C numbers, as scalar code makes them.
 *
 * A call here computes, records and pushes tangents as apply.c does, to the same bits, in as few steps as there can be; what it has no way for
 * goes the general way. */
#include "tape/tape.h"

/* Records the call that gave z, of one input (b is a, then) or two, of which at least one depends on a reverse level. False where it should go
 * the general way. It fills the slot field by field: by ad_slot_append and fill_inputs a gradient takes 5 % longer. */
AD_ALWAYS_INLINE bool record_numbers(ad_context *c, const ad_primitive *op, ad_array *a, ad_array *b, int count, const void *options,
                                     uint64_t mask_a, uint64_t mask_b, ad_array *z)
{
    struct ad_tape *tape = c->tape;
    const size_t options_size = sizeof((struct ad_slot *)NULL)->small_options;
    bool all = tape->run || op->saves & AD_SAVE_INPUTS; /* a run may have to compute it again */
    bool read_a = all || (op->saves & AD_SAVE_OTHERS && mask_b), read_b = all || (op->saves & AD_SAVE_OTHERS && mask_a);
    ad_array *stub_a = read_a ? a : tape->stubs[a->dtype], *stub_b = read_b ? b : tape->stubs[b->dtype];
    if (!(op->derivative || op->vjp) || op->parameters || (op->options_size && (op->options_size != options_size || op->options_keep || op->options_drop)))
        return false;
    if (__builtin_expect(!tape->slots.free, 0) && !ad_page_open(c, &tape->slots))
        return false;
    uint32_t index;
    struct ad_slot *slot = ad_slot_take(&tape->slots, &index);
    slot->op = op;
    if (op->options_size)
        memcpy(slot->small_options, options, sizeof slot->small_options);
    else
        slot->options = options;
    slot->mask = mask_a | mask_b;
    slot->cotangent = NULL;
    slot->output = op->saves & AD_SAVE_OUTPUT ? ad_keep(c, z) : NULL;
    slot->count = (uint32_t)count;
    slot->outputs_count = 1;
    slot->tail = 0;
    slot->borrowed = (uint8_t)(AD_SLOT_SIMPLE | (read_a ? 0 : AD_BORROWED_FIRST) | (read_b && count == 2 ? 0 : AD_BORROWED_SECOND));
    slot->numeric = false;
    slot->inputs[0] = stub_a;
    slot->inputs[1] = stub_b;
    slot->parents[0] = mask_a ? a->node : AD_NO_PARENT;
    slot->parents[1] = mask_b ? b->node : AD_NO_PARENT;
    if (read_a)
        ad_keep(c, a);
    if (read_b && count == 2)
        ad_keep(c, b);
    z->serial = tape->serial;
    z->node = index;
    return true;
}

/* The levels that x depends on; false if another thread knows. A thread that made an array with a serial has a tape. */
AD_ALWAYS_INLINE bool mask_of(const ad_context *c, const ad_array *x, uint64_t *mask)
{
    *mask = 0;
    if (!x->serial)
        return true;
    if (ad_is_foreign(c, x))
        return false;
    if (x->serial == c->tape->serial)
        *mask = ad_mask_in_trace(c->tape, x);
    return true;
}

/* Makes z, the result of a call of which an input has a tangent, part of the trace; *made is NULL where that fails. False where the call should go
 * the general way, which it does in a run too: a slot that may become hollow keeps only values of a simple call. */
static __attribute__((noinline)) bool trace_dual_numbers(ad_context *c, const ad_primitive *op, ad_array *const *inputs, int count, const void *options,
                                                         uint64_t mask_a, uint64_t mask_b, ad_array **made)
{
    const struct ad_tape *tape = c->tape;
    uint64_t mask = mask_a | mask_b, reverse = ~tape->forward;
    ad_array *z = *made;
    if (tape->run || op->parameters || !(op->jvp || op->derivative))
        return false;
    if (!(mask & reverse)) {
        z->serial = tape->serial;
        z->node = 0;
    } else if (!record_numbers(c, op, inputs[0], inputs[count - 1], count, options, mask_a & reverse, mask_b & reverse, z)) {
        return false;
    }
    struct ad_node node = { .op = op, .options = options, .inputs = inputs, .outputs = made, .count = count };
    if (!ad_push_number_tangents(c, &node, mask, z))
        *made = NULL;
    return true;
}

/* False where the general way has to be taken. */
AD_ALWAYS_INLINE bool apply_numbers(const ad_primitive *op, ad_array *const *inputs, int count, const void *options, ad_array **result)
{
    double x, y;
    ad_array *a = inputs[0];
    if (!a || !ad_number_of(a, &x))
        return false;
    ad_array *b = inputs[count - 1];
    if (!b || !ad_number_of(b, &y) || (!ad_is_number(a) && !ad_is_number(b)))
        return false;
    double value = op->number(op, options, x, y);
    ad_context *c = ad_current();
    if (__builtin_expect(c->watched, 0))
        return false;
    ad_array *z = ad_array_real(c);
    if (!z)
        return false;
    z->number = value;
    *result = z;
    if (!a->serial && !b->serial)
        return true;
    uint64_t mask_a, mask_b = 0;
    if (!mask_of(c, a, &mask_a) || (count == 2 && !mask_of(c, b, &mask_b)))
        return false;
    if (!(mask_a | mask_b) || op->constant)
        return true;
    if (__builtin_expect((mask_a | mask_b) & c->tape->forward, 0))
        return trace_dual_numbers(c, op, inputs, count, options, mask_a, mask_b, result);
    return record_numbers(c, op, a, b, count, options, mask_a, mask_b, z);
}

ad_array *ad_call_primitive(const ad_primitive *primitive, ad_array *const *inputs, int count, const void *options)
{
    ad_array *z;
    if (__builtin_expect(!primitive, 0))
        return ad_failed() ? NULL : ad_set_error(AD_ERROR_VALUE, "ad_call_primitive: the primitive is NULL");
    if (!ad_all_alive(primitive, inputs, count))
        return NULL;
    if (primitive->number && count == 2 && inputs && apply_numbers(primitive, inputs, 2, options, &z))
        return z;
    if (primitive->number && count == 1 && inputs && apply_numbers(primitive, inputs, 1, options, &z))
        return z;
    return ad_call_general(primitive, inputs, count, options);
}
