/* Forward levels: tangents travel with the arrays.
 *
 * The tangent of level k is computed with level k and all levels inside it out of sight. So it depends on outer levels
 * only. That keeps nested directions apart, and ends the recursion. */
#include "ad/array.h"
#include "tape/verify.h"

/* A tangent as an array; NULL and an error. */
static ad_array *as_array(ad_context *c, struct ad_tangent *t)
{
    if (t->value || !(t->value = ad_scalar_new(c)))
        return t->value;
    t->value->scalar = t->scalar;
    t->value->slot = t->slot;
    t->value->serial = t->slot ? c->tape->serial : 0;
    return t->value;
}

bool ad_tangent_find(ad_context *c, const ad_array *x, int level, ad_array **tangent)
{
    struct ad_tangent *t = ad_tangent_of(c->tape, x, level);
    *tangent = t ? as_array(c, t) : NULL;
    return !t || *tangent;
}

bool ad_tangent_attach(ad_context *c, ad_array *x, int level, ad_array *tangent)
{
    struct ad_tangent *t = ad_tangent_add(c, x, level);
    if (!t)
        return false;
    if (tangent->object.kind == AD_SCALAR && !tangent->serial && !c->watched) { /* who watches knows values by their arrays */
        t->scalar = tangent->scalar;
        t->slot = 0;
    } else {
        t->value = ad_keep(c, tangent);
    }
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

/* The forward rule of a linear operation: the operation, applied to tangents in place of its summands. An integer is a
 * summand whose tangent is zero. */
static bool apply_to_tangents(ad_context *c, const struct ad_node *node, ad_array **tangents, ad_array **outputs)
{
    AD_SCRATCH room = { 0 };
    ad_array **inputs = ad_scratch_take(c, &room, node->count, sizeof *inputs);
    if (!inputs)
        return false;
    for (int i = 0; i < node->count; i++) {
        bool parameter = ad_is_parameter(node, i);
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

/* Gives an output its tangent, which has the output's shape and dtype. */
static bool attach(ad_context *c, const struct ad_node *node, int level, ad_array *tangent)
{
    int k = node->target;
    ad_array *output = node->outputs[k];
    if (!ad_same_shape(tangent, output)) {
        if (!ad_shape_broadcasts_to(tangent, ad_shape_of(output)))
            return AD_FAIL(AD_ERROR_SHAPE, "%s: the forward rule gives shape %s for output %d of shape %s", node->op->name, AD_SHAPE_TEXT(tangent), k,
                           AD_SHAPE_TEXT(output));
        tangent = ad_broadcast_to(tangent, ad_shape_of(output));
    }
    tangent = ad_match(tangent, output);
    return tangent && ad_form_verified(node->op, "tangent", k, tangent, output) && ad_tangent_attach(c, output, level, tangent);
}

/* Whether nobody keeps anything of what the rules were given, except the tangents that they gave. It is the same in a
 * sweep. */
static bool kept_nothing(const ad_context *c, struct ad_references *given, const struct ad_node *node, int level, int outputs_count)
{
    for (int k = 0; AD_VERIFIES && k < outputs_count; k++) {
        const struct ad_tangent *t = ad_tangent_of(c->tape, node->outputs[k], level);
        ad_references_given(given, t ? t->value : NULL);
    }
    return ad_references_verified(given, node->op);
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
    struct ad_references given;
    ad_references_note(c, &given, node, tangents, node->count);
    for (int k = 0; k < outputs_count && done; k++) {
        ad_array *tangent;
        if (!ad_dtype_is_inexact((ad_dtype)outputs[k]->dtype))
            continue;
        node->target = k;
        done = tangent_of_output(c, node, tangents, &tangent) && (!tangent || attach(c, node, level, tangent));
    }
    c->tape->live = live;
    c->frame = outer;
    ad_scope_trim(c, made);
    c->scopes.depth = depth; /* closes the scopes that a rule left open */
    return done && kept_nothing(c, &given, node, level, outputs_count);
}

bool ad_push_tangents(ad_context *c, struct ad_node *node, uint64_t mask, ad_array **outputs, int outputs_count)
{
    for (uint64_t levels = mask & c->tape->forward; levels; levels &= levels - 1)
        if (!push_level(c, node, __builtin_ctzll(levels), outputs, outputs_count))
            return false;
    return true;
}
