/* Forward levels: tangents travel with the arrays.
 *
 * The tangent of level k is computed with level k and everything inside it out of sight, so it depends on outer levels
 * only; that keeps nested directions apart and ends the recursion. */
#include "ad/array.h"
#include "ad/math.h"
#include "ad/shape.h"
#include "tape/tape.h"

ad_array *ad_tangent_of(const struct ad_tape *tape, const ad_array *x, int level)
{
    for (struct ad_tangent *t = x->tangents; t; t = t->next)
        if (t->level == tape->levels[level].serial)
            return t->value;
    return NULL;
}

uint64_t ad_forward_mask(const struct ad_tape *tape, const ad_array *x)
{
    uint64_t mask = 0;
    for (uint64_t levels = tape->forward & tape->live; levels; levels &= levels - 1)
        if (ad_tangent_of(tape, x, __builtin_ctzll(levels)))
            mask |= levels & -levels;
    return mask;
}

bool ad_tangent_attach(ad_context *c, ad_array *x, uint64_t level_serial, ad_array *tangent)
{
    struct ad_tangent *t = ad_allocate(c, sizeof *t);
    if (!t)
        return false;
    *t = (struct ad_tangent){ level_serial, ad_keep(c, tangent), x->tangents };
    x->tangents = t;
    x->object.kind = AD_ARRAY;
    return true;
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
    if (op->jvp)
        return op->jvp(node, operand, tangent);
    if (op->derivative) {
        ad_array *d = op->derivative(node, operand);
        return d ? ad_times(c, tangent, d) : NULL;
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
    if (!ad_shape_equal(ad_shape_of(tangent), ad_shape_of(output)))
        tangent = ad_broadcast_to(tangent, ad_shape_of(output));
    tangent = ad_match(tangent, output);
    return tangent && ad_tangent_attach(c, output, c->tape->levels[level].serial, tangent);
}

static bool push_level(ad_context *c, struct ad_node *node, int level, ad_array **outputs, int outputs_count)
{
    AD_SCRATCH room = { 0 };
    ad_array **tangents = ad_scratch_take(c, &room, node->count, sizeof *tangents);
    if (!tangents)
        return false;
    bool any = false;
    for (int i = 0; i < node->count; i++) {
        tangents[i] = ad_tangent_of(c->tape, node->inputs[i], level);
        any |= tangents[i] != NULL;
    }
    if (!any)
        return true;
    uint64_t live = c->tape->live;
    ad_level_hide(c, level);
    bool done = true;
    for (int k = 0; k < outputs_count && done; k++) {
        ad_array *tangent;
        if (!ad_dtype_is_float((ad_dtype)outputs[k]->dtype))
            continue;
        node->target = k;
        done = tangent_of_output(c, node, tangents, &tangent) && (!tangent || attach(c, level, outputs[k], tangent));
    }
    c->tape->live = live;
    return done;
}

bool ad_push_tangents(ad_context *c, struct ad_node *node, uint64_t mask, ad_array **outputs, int outputs_count)
{
    for (; mask; mask &= mask - 1)
        if (!push_level(c, node, __builtin_ctzll(mask), outputs, outputs_count))
            return false;
    return true;
}
