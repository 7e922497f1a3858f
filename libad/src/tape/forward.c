/* Forward levels: tangents travel with the arrays.
 *
 * The tangent of level k is computed with level k and everything inside it out of sight, so it depends on outer levels
 * only; that keeps nested directions apart and ends the recursion. */
#include "ad/array.h"
#include "ad/math.h"
#include "ad/shape.h"
#include "kernels/kernels.h"
#include "tape/tape.h"

static inline struct ad_tangent *tangent_of(const struct ad_tape *tape, const ad_array *x, int level)
{
    struct ad_tangent *t = x->tangents;
    while (t && t->level != tape->levels[level].serial)
        t = t->next;
    return t;
}

/* A tangent as an array; NULL and an error. */
static ad_array *as_array(ad_context *c, struct ad_tangent *t)
{
    if (t->value || !(t->value = ad_number_new(c)))
        return t->value;
    t->value->number = t->number;
    return t->value;
}

bool ad_tangent_find(ad_context *c, const ad_array *x, int level, ad_array **tangent)
{
    struct ad_tangent *t = tangent_of(c->tape, x, level);
    *tangent = t ? as_array(c, t) : NULL;
    return !t || *tangent;
}

uint64_t ad_forward_mask(const struct ad_tape *tape, const ad_array *x)
{
    uint64_t mask = 0;
    for (struct ad_tangent *t = x->tangents; t; t = t->next)
        if (t->level == tape->levels[t->depth].serial)
            mask |= UINT64_C(1) << t->depth;
    return mask & tape->forward & tape->live;
}

/* Gives x a tangent of which value or number is to be set. */
AD_ALWAYS_INLINE struct ad_tangent *tangent_new(ad_context *c, ad_array *x, int level)
{
    struct ad_tangent *t = ad_allocate_small(c, sizeof *t);
    if (!t)
        return NULL;
    t->level = c->tape->levels[level].serial;
    t->value = NULL;
    t->next = x->tangents;
    t->depth = level;
    x->tangents = t;
    x->object.kind = ad_is_number(x) ? AD_DUAL_NUMBER : AD_ARRAY;
    return t;
}

bool ad_tangent_attach(ad_context *c, ad_array *x, int level, ad_array *tangent)
{
    struct ad_tangent *t = tangent_new(c, x, level);
    if (t)
        t->value = ad_keep(c, tangent);
    return t;
}

static ad_array *zeros_like(ad_context *c, const ad_array *x)
{
    static const int64_t still[AD_MAX_NDIM];
    ad_array *zero = ad_array_zeros(c, (ad_dtype)x->dtype, 0, NULL);
    zero = zero ? ad_array_view(c, zero, (ad_dtype)x->dtype, x->ndim, ad_dims(x), still, 0) : NULL;
    if (zero)
        zero->flags |= x->flags & AD_WEAK;
    return zero;
}

/* A linear operation's forward rule: the operation, on tangents in place of its summands. An integer is a summand whose tangent is zero. */
static bool apply_to_tangents(ad_context *c, const struct ad_node *node, ad_array **tangents, ad_array **outputs)
{
    AD_SCRATCH room = { 0 };
    ad_array **inputs = ad_scratch_take(c, &room, node->count, sizeof *inputs);
    if (!inputs)
        return false;
    for (int i = 0; i < node->count; i++) {
        bool parameter = ad_is_parameter(node->op, i);
        if (!(inputs[i] = parameter ? node->inputs[i] : tangents[i] ? tangents[i] : zeros_like(c, node->inputs[i])))
            return false;
    }
    return ad_apply(c, node->op, inputs, node->count, node->options, outputs);
}

static bool apply_with_tangent(ad_context *c, const struct ad_node *node, int operand, ad_array *tangent, ad_array **outputs)
{
    AD_SCRATCH room = { 0 };
    ad_array **inputs = ad_scratch_take(c, &room, node->count, sizeof *inputs);
    if (!inputs)
        return false;
    for (int i = 0; i < node->count; i++)
        inputs[i] = i == operand ? tangent : node->inputs[i];
    return ad_apply(c, node->op, inputs, node->count, node->options, outputs);
}

/* What one operand's tangent adds to the tangent of node->target. NULL without an error: nothing. */
static ad_array *contribution(ad_context *c, const struct ad_node *node, int operand, ad_array *tangent)
{
    const ad_primitive *op = node->op;
    ad_array *outputs[AD_MAX_OUTPUTS];
    uint32_t made = c->scopes.count;
    if (op->jvp)
        return op->jvp(node, operand, tangent);
    if (op->derivative) {
        ad_array *d = op->derivative(node, operand);
        return d ? ad_times(c, tangent, d, made) : NULL;
    }
    if (op->linear == AD_MULTILINEAR)
        return apply_with_tangent(c, node, operand, tangent, outputs) ? outputs[node->target] : NULL;
    return ad_set_error(AD_ERROR_TRANSFORM, "%s: has no forward rule (argument %d, forward mode)", op->name, operand);
}

static bool tangent_of_output(ad_context *c, struct ad_node *node, ad_array **tangents, ad_array **result)
{
    *result = NULL;
    if (node->op->linear == AD_LINEAR && !node->op->jvp) {
        ad_array *outputs[AD_MAX_OUTPUTS];
        if (!apply_to_tangents(c, node, tangents, outputs))
            return false;
        *result = outputs[node->target];
        return true;
    }
    for (int i = 0; i < node->count; i++) {
        if (!tangents[i])
            continue;
        ad_array *part = contribution(c, node, i, tangents[i]);
        if (!part && c->error_code)
            return false;
        if (part && !(*result = *result ? ad_add(*result, part) : part))
            return false;
    }
    return true;
}

/* A tangent has its output's shape and dtype. */
static bool attach(ad_context *c, int level, ad_array *output, ad_array *tangent)
{
    if (!ad_same_shape(tangent, output))
        tangent = ad_broadcast_to(tangent, ad_shape_of(output));
    tangent = ad_match(tangent, output);
    return tangent && ad_tangent_attach(c, output, level, tangent);
}

static bool push_level(ad_context *c, struct ad_node *node, int level, ad_array **outputs, int outputs_count)
{
    AD_SCRATCH room = { 0 };
    ad_array **tangents = ad_scratch_take(c, &room, node->count, sizeof *tangents);
    if (!tangents)
        return false;
    for (int i = 0; i < node->count; i++)
        if (!ad_tangent_find(c, node->inputs[i], level, &tangents[i]))
            return false;
    uint64_t live = c->tape->live;
    uint32_t made = c->scopes.count, depth = c->scopes.depth;
    bool done = true;
    struct ad_frame frame;
    const struct ad_frame *outer = ad_watch_rules(c, &frame, AD_PHASE_TANGENT, node->op);
    ad_level_hide(c, level);
    for (int k = 0; k < outputs_count && done; k++) {
        ad_array *tangent;
        if (!ad_dtype_is_float((ad_dtype)outputs[k]->dtype))
            continue;
        node->target = k;
        done = tangent_of_output(c, node, tangents, &tangent) && (!tangent || attach(c, level, outputs[k], tangent));
    }
    c->tape->live = live;
    c->frame = outer;
    ad_scope_trim(c, made);
    c->scopes.depth = depth; /* what a rule left open was dropped */
    return done;
}

bool ad_push_tangents(ad_context *c, struct ad_node *node, uint64_t mask, ad_array **outputs, int outputs_count)
{
    for (uint64_t levels = mask & c->tape->forward; levels; levels &= levels - 1)
        if (!push_level(c, node, __builtin_ctzll(levels), outputs, outputs_count))
            return false;
    return true;
}

/* ---- calls on numbers ----
 *
 * A call that depends on a forward level and on none outside it has nothing to record: its tangent is computed as the number it is. */

typedef enum outcome { PUSHED, LEFT, FAILED } outcome;

/* x as a number, if it is one and depends on no level in sight. */
AD_ALWAYS_INLINE bool plain_number(ad_context *c, const ad_array *x, double *number)
{
    return ad_number_of(x, number) && (__builtin_expect(!x->serial, 1) || !ad_live_mask(c->tape, x));
}

/* Adds what one operand's tangent adds to the sum of `parts` parts. */
AD_ALWAYS_INLINE outcome add_part(ad_context *c, const struct ad_node *node, int operand, struct ad_tangent *t, double *sum, int *parts)
{
    const ad_primitive *op = node->op;
    double part, slope;
    ad_array *tangent = t->value, *d;
    if (op->jvp && !tangent && !(tangent = as_array(c, t)))
        return FAILED;
    d = op->jvp ? op->jvp(node, operand, tangent) : op->derivative(node, operand);
    if (!d)
        return c->error_code ? FAILED : PUSHED;
    if (op->jvp) {
        if (!plain_number(c, d, &part))
            return LEFT;
    } else {
        part = t->number;
        if (tangent && !plain_number(c, tangent, &part))
            return LEFT;
        if (d != c->numbers[AD_NUMBER_ONE]) {
            if (!plain_number(c, d, &slope))
                return LEFT;
            part = AD_ZERO_WINS(part, slope);
        }
    }
    *sum = (*parts)++ ? *sum + part : part;
    return PUSHED;
}

AD_ALWAYS_INLINE outcome push_number(ad_context *c, const struct ad_node *node, int level, ad_array *z)
{
    struct ad_tangent *t = tangent_of(c->tape, node->inputs[0], level), *u = node->count == 2 ? tangent_of(c->tape, node->inputs[1], level) : NULL;
    double sum = 0;
    int parts = 0;
    outcome done = t ? add_part(c, node, 0, t, &sum, &parts) : PUSHED;
    if (u && done == PUSHED)
        done = add_part(c, node, 1, u, &sum, &parts);
    if (done != PUSHED || !parts)
        return done;
    if (!(t = tangent_new(c, z, level)))
        return FAILED;
    t->number = sum;
    return PUSHED;
}

bool ad_push_number_tangents(ad_context *c, struct ad_node *node, uint64_t mask, ad_array *z)
{
    for (uint64_t levels = mask & c->tape->forward; levels; levels &= levels - 1) {
        uint64_t live = c->tape->live;
        uint32_t made = c->scopes.count, depth = c->scopes.depth;
        c->tape->live &= (levels & -levels) - 1;
        outcome done = mask & c->tape->live ? LEFT : push_number(c, node, __builtin_ctzll(levels), z);
        c->tape->live = live;
        ad_scope_trim(c, made);
        c->scopes.depth = depth;
        if (done == FAILED || (done == LEFT && !push_level(c, node, __builtin_ctzll(levels), &z, 1)))
            return false;
    }
    return true;
}
