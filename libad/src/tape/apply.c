/* The only way into an operation: check, compute, record, push tangents.
 *
 * An output is complete (data, node, mask, tangents) before anybody else sees it. A call is recorded once, however
 * many reverse levels it serves, and only if an input depends on one of them. */
#include "ad/array.h"
#include "tape/tape.h"

/* ---- what an array depends on ---- */

/* Bits of levels that began after x was made belonged to an earlier owner. */
uint64_t ad_believed_mask(const struct ad_tape *tape, uint64_t mask, uint32_t node)
{
    for (int k = tape->depth - 1; k >= 0 && tape->levels[k].floor > node; k--)
        if (tape->levels[k].kind == AD_LEVEL_REVERSE)
            mask &= ~(UINT64_C(1) << k);
    return mask;
}

/* Serials carry the number of their thread. */
static bool foreign(const ad_context *c, const ad_array *x)
{
    return x->mask && x->serial >> 40 != c->id;
}

/* ---- recording ---- */

static ad_array *stub_of(ad_context *c, const ad_array *x)
{
    if (x->ndim)
        return ad_array_abstract(c, (ad_dtype)x->dtype, x->ndim, ad_dims(x));
    ad_array **stub = &c->tape->stubs[x->dtype];
    if (!*stub && (*stub = ad_array_abstract(c, (ad_dtype)x->dtype, 0, NULL)))
        ad_keep(c, *stub);
    return *stub;
}

/* Whether the reverse rule will read input i: `wanted` counts the inputs that take a cotangent. */
static bool is_saved(const ad_primitive *op, int wanted, bool this_wanted)
{
    return op->saves & AD_SAVE_INPUTS || (op->saves & AD_SAVE_OTHERS && wanted - this_wanted > 0);
}

static bool fill_inputs(ad_context *c, struct ad_slot *slot, const ad_primitive *op, ad_array *const *inputs, int count, uint64_t reverse)
{
    if (!ad_slot_inputs(c, slot, count))
        return false;
    uint32_t *parents = ad_parents_of(slot);
    int wanted = 0;
    for (int i = 0; i < count; i++) {
        bool takes = ad_live_mask(c->tape, inputs[i]) & reverse;
        parents[i] = takes ? inputs[i]->node : AD_NO_PARENT;
        wanted += takes;
    }
    ad_array **saved = ad_inputs_of(slot);
    for (int i = 0; i < count; i++) {
        ad_array *value = is_saved(op, wanted, parents[i] != AD_NO_PARENT) ? inputs[i] : stub_of(c, inputs[i]);
        if (!value)
            return false;
        saved[i] = ad_keep(c, value);
    }
    return true;
}

static bool fill_outputs(ad_context *c, struct ad_slot *slot, const ad_primitive *op, ad_array *const *outputs, int outputs_count)
{
    if (outputs_count == 1) {
        slot->output = op->saves & AD_SAVE_OUTPUT ? ad_keep(c, outputs[0]) : NULL;
        return true;
    }
    ad_array **kept = ad_allocate(c, (size_t)outputs_count * sizeof *kept);
    if (!kept)
        return false;
    for (int k = 0; k < outputs_count; k++) {
        ad_array *value = op->saves & AD_SAVE_OUTPUT ? outputs[k] : stub_of(c, outputs[k]);
        kept[k] = ad_keep(c, value);
    }
    slot->outputs_count = (uint8_t)outputs_count;
    slot->outputs = kept;
    return true;
}

/* Gives the number of the new node, 0 and an error on failure; what was half made is cleared with its level. */
static uint32_t record(ad_context *c, const ad_primitive *op, ad_array *const *inputs, int count, const void *options, ad_array *const *outputs,
                       int outputs_count, uint64_t reverse)
{
    struct ad_slots *slots = &c->tape->slots;
    uint32_t node, tail;
    struct ad_slot *slot = ad_slot_append(c, slots, &node);
    if (!slot || !fill_inputs(c, slot, op, inputs, count, reverse) || !ad_slot_options(c, slot, op, options) ||
        !fill_outputs(c, slot, op, outputs, outputs_count))
        return 0;
    slot->mask = reverse;
    for (int k = 1; k < outputs_count; k++) {
        slot = ad_slot_append(c, slots, &tail);
        if (!slot)
            return 0;
        slot->tail = (uint8_t)k;
        slot->mask = reverse;
    }
    return node;
}

/* ---- applying ---- */

static bool refuse_input(ad_context *c, const ad_primitive *op, ad_array *const *inputs, int i)
{
    if (!inputs[i])
        return c->error_code ? false : (ad_set_error(AD_ERROR_VALUE, "%s: operand %d is NULL", op->name, i), false);
    if (inputs[i]->flags & AD_ABSTRACT)
        return ad_set_error(AD_ERROR_TRANSFORM, "%s: operand %d has a shape but no values", op->name, i), false;
    return ad_set_error(AD_ERROR_THREAD, "%s: operand %d was traced in another thread; pass it through ad_stop_gradient there", op->name, i), false;
}

/* Whether the inputs can be worked with; *mask: the levels they depend on. */
static inline bool check_inputs(ad_context *c, const ad_primitive *op, ad_array *const *inputs, int count, uint64_t *mask)
{
    const struct ad_tape *tape = c->tape && c->tape->live ? c->tape : NULL;
    uint64_t all = 0;
    for (int i = 0; i < count; i++) {
        const ad_array *x = inputs[i];
        if (!x || x->flags & AD_ABSTRACT || (x->mask && foreign(c, x)))
            return refuse_input(c, op, inputs, i);
        if (tape && x->mask)
            all |= ad_live_mask(tape, x);
    }
    *mask = all;
    return true;
}

static bool compute(ad_context *c, const struct ad_node *node, ad_array **outputs, int outputs_count)
{
    const ad_primitive *op = node->op;
    ad_spec specs[AD_MAX_OUTPUTS];
    void *data[AD_MAX_OUTPUTS];
    if (!op->infer(node, specs))
        return false;
    if (op->view) {
        outputs[0] = op->view(node, &specs[0]);
        return outputs[0] != NULL;
    }
    for (int k = 0; k < outputs_count; k++) {
        outputs[k] = ad_array_new(c, specs[k].dtype, specs[k].shape.ndim, specs[k].shape.dim);
        if (!outputs[k])
            return false;
        data[k] = outputs[k]->data;
    }
    return op->eval(node, data);
}

/* Makes the outputs part of the trace: mask, node, tangents. */
static bool trace(ad_context *c, struct ad_node *node, uint64_t mask, ad_array **outputs, int outputs_count)
{
    struct ad_tape *tape = c->tape;
    uint64_t reverse = mask & ~tape->forward, forward = mask & tape->forward;
    uint32_t first = 0;
    if (reverse && !(first = record(c, node->op, node->inputs, node->count, node->options, outputs, outputs_count, reverse)))
        return false;
    for (int k = 0; k < outputs_count; k++) {
        if (!ad_dtype_is_float((ad_dtype)outputs[k]->dtype))
            continue;
        outputs[k]->serial = tape->serial;
        outputs[k]->mask = reverse;
        outputs[k]->node = first ? first + (uint32_t)k : 0;
    }
    return !forward || ad_push_tangents(c, node, forward, outputs, outputs_count);
}

static bool apply_node(ad_context *c, struct ad_node *node, int outputs_count)
{
    ad_array **outputs = (ad_array **)node->outputs;
    uint64_t mask;
    if (!check_inputs(c, node->op, node->inputs, node->count, &mask))
        return false;
    if (node->op->shortcut)
        outputs[0] = node->op->shortcut(node);
    if (!outputs[0] && !compute(c, node, outputs, outputs_count))
        return false;
    return !mask || node->op->constant || trace(c, node, mask, outputs, outputs_count);
}

bool ad_apply(ad_context *c, const ad_primitive *op, ad_array *const *inputs, int count, const void *options, ad_array **outputs)
{
    struct ad_node node;
    node.op = op;
    node.options = options;
    node.inputs = inputs;
    node.outputs = outputs;
    node.cotangents = NULL;
    node.count = count;
    node.target = 0;
    int outputs_count = op->outputs > 1 ? op->outputs : 1;
    outputs[0] = NULL;
    for (int k = 1; k < outputs_count; k++)
        outputs[k] = NULL;
    if (apply_node(c, &node, outputs_count))
        return true;
    outputs[0] = NULL;
    for (int k = 1; k < outputs_count; k++)
        outputs[k] = NULL;
    return false;
}

ad_array *ad_call_primitive(const ad_primitive *primitive, ad_array *const *inputs, int count, const void *options)
{
    ad_array *output;
    if (primitive->outputs > 1)
        return ad_set_error(AD_ERROR_VALUE, "%s: has %d outputs; call it with ad_call_primitive_many", primitive->name, primitive->outputs);
    return ad_apply(ad_current(), primitive, inputs, count, options, &output) ? output : NULL;
}

bool ad_call_primitive_many(const ad_primitive *primitive, ad_array *const *inputs, int count, const void *options, ad_array **outputs)
{
    return ad_apply(ad_current(), primitive, inputs, count, options, outputs);
}

/* ---- inputs of levels, constants ---- */

/* The identity, recorded where x enters a level that lies inside one x depends on. */
static bool identity_infer(const ad_node *node, ad_spec *output)
{
    *output = (ad_spec){ ad_node_dtype(node, 0), ad_node_shape(node, 0) };
    return true;
}

static ad_array *identity_view(const ad_node *node, const ad_spec *output)
{
    (void)output;
    return ad_array_alias(ad_current(), ad_node_input(node, 0));
}

static ad_array *identity_vjp(const ad_node *node, int operand, ad_array *g)
{
    (void)node, (void)operand;
    return g;
}

static const ad_primitive identity = {
    .name = "identity", .infer = identity_infer, .view = identity_view, .vjp = identity_vjp, .linear = AD_LINEAR,
};

ad_array *ad_lift(ad_context *c, ad_array *x, int level, ad_array *tangent)
{
    struct ad_tape *tape = c->tape;
    uint64_t bit = UINT64_C(1) << level;
    ad_array *y;
    if (!ad_apply(c, &identity, &x, 1, NULL, &y))
        return NULL;
    if (!ad_dtype_is_float((ad_dtype)x->dtype))
        return y;
    y->flags &= (uint8_t)~AD_WEAK;
    y->serial = tape->serial;
    if (tape->levels[level].kind == AD_LEVEL_FORWARD) {
        y->mask |= bit;
        return ad_tangent_attach(c, y, tape->levels[level].serial, tangent) ? y : NULL;
    }
    if (!(y->mask & ~tape->forward)) {
        if (!ad_slot_append(c, &tape->slots, &y->node))
            return NULL;
    }
    y->mask |= bit;
    ad_slot_at(&tape->slots, y->node)->mask |= bit;
    return y;
}

ad_array *ad_constant(ad_context *c, ad_array *x)
{
    return x->mask || x->tangents ? ad_array_alias(c, x) : x;
}

/* ---- what rules read of a node ---- */

const ad_primitive *ad_node_primitive(const ad_node *node)
{
    return node->op;
}

const void *ad_node_options(const ad_node *node)
{
    return node->options;
}

int ad_node_inputs(const ad_node *node)
{
    return node->count;
}

static ad_array *readable(const ad_node *node, ad_array *x, const char *what, int i)
{
    if (x && !(x->flags & AD_ABSTRACT))
        return x;
    return ad_set_error(AD_ERROR_TRANSFORM, "%s: the reverse rule reads %s %d, which `saves` does not name", node->op->name, what, i);
}

ad_array *ad_node_input(const ad_node *node, int operand)
{
    return readable(node, node->inputs[operand], "input", operand);
}

ad_array *ad_node_output(const ad_node *node, int k)
{
    return readable(node, node->outputs[k], "output", k);
}

ad_shape ad_node_shape(const ad_node *node, int operand)
{
    return ad_shape_of(node->inputs[operand]);
}

ad_dtype ad_node_dtype(const ad_node *node, int operand)
{
    return (ad_dtype)node->inputs[operand]->dtype;
}

ad_array *ad_node_cotangent(const ad_node *node, int k)
{
    return node->cotangents[k];
}

int ad_node_target(const ad_node *node)
{
    return node->target;
}

ad_array *ad_node_operand(const ad_node *node, int operand)
{
    return node->inputs[operand];
}
