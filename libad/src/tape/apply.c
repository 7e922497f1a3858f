/* The only way into an operation: check, compute, record, push tangents. Scalars have a shorter way: scalar.c.
 *
 * An output is complete (data, slot, tangents) before anybody else sees it. A call is recorded once, however many
 * reverse levels it serves, and only if an input depends on one of them. */
#include "ad/array.h"
#include "ad/transform.h"
#include "kernels/kernels.h"
#include "tape/verify.h"
#include <stdio.h>
#include <string.h>

/* ---- recording ---- */

/* The functions below are compiled for calls of a known number of inputs and outputs, as most calls are. They are
 * inlined where these numbers are constants, so that their loops go. */
#define FOR_EACH_COUNT AD_ALWAYS_INLINE

/* masks[i]: the levels that input i depends on. It is given for at most two inputs. */
FOR_EACH_COUNT bool fill_inputs(ad_context *c, struct ad_slot *slot, const struct ad_node *node, int count, const uint64_t *masks, uint64_t reverse)
{
    const ad_primitive *op = node->op;
    ad_array *const *inputs = node->inputs;
    if (count > 2 && !ad_slot_inputs(c, slot, count))
        return false;
    if (count == 1)
        slot->parents[1] = AD_NO_PARENT;
    slot->count = (uint32_t)count;
    uint32_t *parents = count <= 2 ? slot->parents : slot->many_parents;
    ad_array **saved = count <= 2 ? slot->inputs : slot->many_inputs;
    const struct ad_run *run = c->tape->run;
    int wanted = 0;
    for (int i = 0; i < count; i++) {
        bool takes = (count <= 2 ? masks[i] : ad_live_mask(c->tape, inputs[i])) & reverse;
        parents[i] = takes ? inputs[i]->slot : AD_NO_PARENT;
        wanted += takes;
    }
    for (int i = 0; i < count; i++) {
        bool read = ad_reads_input(op, i, wanted, parents[i] != AD_NO_PARENT) || (op->is_parameter && op->is_parameter(node, i));
        if (__builtin_expect(run != NULL, 0) && !read)
            read = ad_run_needs(run, inputs[i], ad_live_mask(c->tape, inputs[i]));
        if (read) {
            saved[i] = ad_keep(c, inputs[i]);
        } else if (!(saved[i] = ad_stub_of(c, inputs[i]))) {
            return false;
        } else if (i < 2 && inputs[i]->ndim == 0) {
            slot->borrowed |= (uint8_t)(AD_BORROWED_FIRST << i);
        } else {
            ad_keep(c, saved[i]);
        }
    }
    return true;
}

FOR_EACH_COUNT bool fill_outputs(ad_context *c, struct ad_slot *slot, const ad_primitive *op, ad_array *const *outputs, int outputs_count)
{
    if (outputs_count == 1) {
        slot->output = op->saves & AD_SAVE_OUTPUT_OF(0) ? ad_keep(c, outputs[0]) : NULL;
        return true;
    }
    ad_array **kept = ad_allocate(c, (size_t)outputs_count * sizeof *kept);
    if (!kept)
        return false;
    for (int k = 0; k < outputs_count; k++) {
        ad_array *value = op->saves & AD_SAVE_OUTPUT_OF(k) ? outputs[k] : ad_stub_of(c, outputs[k]);
        kept[k] = ad_keep(c, value);
    }
    slot->outputs_count = (uint8_t)outputs_count;
    slot->outputs = kept;
    return true;
}

bool ad_slot_fill_outputs(ad_context *c, struct ad_slot *slot, const ad_primitive *op, ad_array *const *outputs, int outputs_count)
{
    return fill_outputs(c, slot, op, outputs, outputs_count);
}

/* Gives the number of the new slot, or 0 and an error. What was half made is cleared with its level. */
FOR_EACH_COUNT uint32_t record(ad_context *c, const struct ad_node *node, int count, const uint64_t *masks, int outputs_count, uint64_t reverse)
{
    const ad_primitive *op = node->op;
    struct ad_slots *slots = &c->tape->slots;
    uint32_t index, tail;
    struct ad_slot *slot = ad_slot_append(c, slots, &index);
    if (!slot || !fill_inputs(c, slot, node, count, masks, reverse))
        return 0;
    if (!ad_slot_options(c, slot, op, node->options) || !fill_outputs(c, slot, op, node->outputs, outputs_count))
        return 0;
    slot->mask = reverse;
    for (int k = 1; k < outputs_count; k++) {
        slot = ad_slot_append(c, slots, &tail);
        if (!slot)
            return 0;
        slot->tail = (uint8_t)k;
        slot->mask = reverse;
    }
    return ad_slot_verified(c->tape, index) ? index : 0;
}

/* ---- applying ---- */

static bool refuse_input(ad_context *c, const ad_primitive *op, ad_array *const *inputs, int count, int i)
{
    if (!inputs[i] && count == 1)
        return ad_missing(op->name, "array");
    if (!inputs[i])
        return c->error_code ? false : (ad_set_error(AD_ERROR_VALUE, "%s: operand %d is NULL", op->name, i), false);
    if (inputs[i]->flags & AD_ABSTRACT)
        return AD_FAIL(AD_ERROR_TRANSFORM, "%s: operand %d has a shape but no values", op->name, i);
    return AD_FAIL(AD_ERROR_THREAD, "%s: operand %d was traced in another thread; pass it through ad_stop_gradient there", op->name, i);
}

/* Whether the primitive gives its value as an array, and not in memory that it is given. */
static inline bool gives_output(const ad_primitive *op)
{
    return op->view || op->compose;
}

/* Whether the record has what its calls need. */
static inline bool complete(const struct ad_node *node, int outputs_count)
{
    const ad_primitive *op = node->op;
    bool whole = op->infer && op->name && node->count > 0 && (!op->options_size || node->options);
    return whole && (gives_output(op) ? outputs_count == 1 : op->eval != NULL) && (outputs_count == 1 ? op->outputs >= 0 : !op->derivative);
}

static __attribute__((cold)) bool refuse_record(const struct ad_node *node, int outputs_count)
{
    const ad_primitive *op = node->op;
    const char *name = op->name, *what = op->view ? "a view" : op->compose ? "a compose" : "a derivative";
    if (!name)
        return AD_FAIL(AD_ERROR_VALUE, "a primitive without a name cannot be called");
    if (node->count <= 0)
        return AD_FAIL(AD_ERROR_VALUE, "%s: called with %d inputs; a primitive has one at least", name, node->count);
    if (!op->infer || !(op->eval || gives_output(op)))
        return AD_FAIL(AD_ERROR_VALUE, "%s: the primitive has no %s", name, op->infer ? "eval and no view or compose" : "infer");
    if (op->outputs < 0)
        return AD_FAIL(AD_ERROR_VALUE, "%s: the primitive has %d outputs", name, op->outputs);
    if (op->options_size && !node->options)
        return AD_FAIL(AD_ERROR_VALUE, "%s: the options are NULL", name);
    return AD_FAIL(AD_ERROR_VALUE, "%s: the primitive has %s and %d outputs; one is possible", name, what, outputs_count);
}

/* Whether arrays of the dtype and dimensions that infer gave can exist. */
static inline bool possible(const ad_spec *spec)
{
    return (unsigned)spec->dtype < AD_DTYPE_COUNT && (unsigned)spec->shape.ndim <= AD_MAX_NDIM;
}

static __attribute__((cold)) bool refuse_spec(const ad_primitive *op, const ad_spec *spec)
{
    if ((unsigned)spec->dtype >= AD_DTYPE_COUNT)
        return AD_FAIL(AD_ERROR_DTYPE, "%s: infer gives %d, which is not a dtype", op->name, (int)spec->dtype);
    return ad_count_fits(op->name, spec->shape.ndim, AD_MAX_NDIM, "dimensions");
}

static __attribute__((cold)) bool failed_in(ad_context *c, const ad_primitive *op, const char *function)
{
    return c->error_code ? false : (ad_set_error(AD_ERROR_VALUE, "%s: %s failed without an error", op->name, function), false);
}

/* Whether x, which a view or compose gave, is new and held by nobody else. The scopes had `made` entries before. */
static inline bool is_fresh(const ad_context *c, uint32_t made, const ad_array *x)
{
    const struct ad_scope_stack *s = &c->scopes;
    return s->count > made && s->entries[s->count - 1] == (uintptr_t)x && x->object.local == 1 &&
           atomic_load_explicit(&x->object.shared, memory_order_relaxed) == 1 && !x->serial && !(x->flags & AD_WEAK);
}

/* x, which a view or compose gave, as an array that may get a slot. If x is an input, or somebody keeps it, it gets a
 * new header. What else was made is dropped. */
static ad_array *as_output(ad_context *c, uint32_t made, uint32_t depth, ad_array *x)
{
    struct ad_scope_stack *s = &c->scopes;
    ad_array *y = is_fresh(c, made, x) ? x : ad_array_alias(c, x);
    if (!y || s->count <= made)
        return y;
    s->count--;
    ad_scope_trim(c, made);
    s->depth = depth;
    s->entries[s->count++] = (uintptr_t)y;
    return y;
}

static __attribute__((cold, noinline)) bool refuse_output(const ad_primitive *op, const ad_array *x, const ad_spec *spec)
{
    ad_shape_buffer said;
    return AD_FAIL(AD_ERROR_SHAPE, "%s: %s gives %s of shape %s, infer said %s of shape %s", op->name, op->view ? "view" : "compose",
                   ad_dtype_name((ad_dtype)x->dtype), AD_SHAPE_TEXT(x), ad_dtype_name(spec->dtype),
                   ad_shape_text(said.text, sizeof said, spec->shape.ndim, spec->shape.dim));
}

/* Whether the array has the dtype and shape that infer gave. */
static bool is_as_inferred(const ad_primitive *op, const ad_array *x, const ad_spec *spec)
{
    bool same = x->dtype == spec->dtype && x->ndim == spec->shape.ndim;
    for (int i = 0; i < x->ndim && same; i++)
        same = ad_dims(x)[i] == spec->shape.dim[i];
    return same || refuse_output(op, x, spec);
}

static __attribute__((noinline)) bool compute_output(ad_context *c, const struct ad_node *node, ad_array **output)
{
    uint32_t made = c->scopes.count, depth = c->scopes.depth;
    const ad_primitive *op = node->op;
    const ad_spec *spec = node->specs;
    ad_array *x = (op->view ? op->view : op->compose)(node, spec);
    *output = x && is_as_inferred(op, x, spec) ? as_output(c, made, depth, x) : NULL;
    if (__builtin_expect(*output != NULL, 1))
        return true;
    ad_scope_trim(c, made);
    c->scopes.depth = depth;
    return failed_in(c, op, op->view ? "view" : "compose");
}

FOR_EACH_COUNT bool compute_eval(ad_context *c, const struct ad_node *node, ad_array **outputs, int outputs_count)
{
    void *data[AD_MAX_OUTPUTS];
    for (int k = 0; k < outputs_count; k++) {
        const ad_spec *spec = &node->specs[k];
        outputs[k] = ad_array_new(c, spec->dtype, spec->shape.ndim, spec->shape.dim);
        if (!outputs[k])
            return false;
        data[k] = memory_of(outputs[k]);
    }
    uint32_t made = c->scopes.count, depth = c->scopes.depth;
    bool done = ad_eval_verified(node, outputs, data, outputs_count);
    if (__builtin_expect(!done, 0))
        failed_in(c, node->op, "eval");
    ad_scope_trim(c, made);
    c->scopes.depth = depth; /* closes the scopes that eval left open */
    return done;
}

FOR_EACH_COUNT bool compute_staged(ad_context *c, struct ad_node *node, ad_array **outputs, int outputs_count)
{
    const ad_primitive *op = node->op;
    ad_spec specs[AD_MAX_OUTPUTS];
    node->stage = AD_STAGE_INFER;
    if (!ad_infer_verified(node, specs, outputs_count))
        return failed_in(c, op, "infer");
    for (int k = 0; k < outputs_count; k++)
        if (!possible(&specs[k]))
            return refuse_spec(op, &specs[k]);
    node->stage = AD_STAGE_VALUE;
    node->specs = specs;
    bool done = gives_output(op) ? compute_output(c, node, outputs) : compute_eval(c, node, outputs, outputs_count);
    node->stage = AD_STAGE_RULE;
    node->specs = NULL;
    return done;
}

/* No level is in sight while the value is computed. So the operations in it are not recorded beside the call. */
FOR_EACH_COUNT bool compute_hidden(ad_context *c, struct ad_node *node, ad_array **outputs, int outputs_count)
{
    if (!complete(node, outputs_count))
        return refuse_record(node, outputs_count);
    uint64_t none = 0, *in_sight = c->tape ? &c->tape->live : &none, live = *in_sight;
    *in_sight = 0;
    bool done = compute_staged(c, node, outputs, outputs_count);
    *in_sight = live;
    return done;
}

/* It is a function of its own because its frame is large. */
static __attribute__((noinline)) bool compute_one(ad_context *c, struct ad_node *node, ad_array **output)
{
    return compute_hidden(c, node, output, 1);
}

FOR_EACH_COUNT bool compute(ad_context *c, struct ad_node *node, ad_array **outputs, int outputs_count)
{
    if (outputs_count > 1)
        return compute_hidden(c, node, outputs, outputs_count);
    if (!node->op->direct || !node->op->direct(node, outputs))
        return compute_one(c, node, outputs);
    if (__builtin_expect(outputs[0] != NULL, 1))
        return true;
    return failed_in(c, node->op, "direct");
}

/* The same for calls that somebody watches, or whose operands have names. */
static __attribute__((noinline)) bool compute_seen(ad_context *c, struct ad_node *node, ad_array **outputs, int outputs_count)
{
    const struct ad_frame *outer = c->frame;
    struct ad_frame frame = outer ? *outer : (struct ad_frame){ .depth = 0 }; /* calls in it are of the same phase and rule */
    frame.operands = node->inputs;
    frame.count = node->count;
    frame.depth++;
    double start = c->watched ? ad_watch_clock() : 0;
    c->frame = &frame;
    bool done = compute(c, node, outputs, outputs_count);
    c->frame = outer;
    return done && (!c->watched || ad_watch_tell(c, node, outputs, outputs_count, start));
}

/* Whether nobody asks for a derivative in a parameter. */
static __attribute__((noinline)) bool parameters_constant(const ad_context *c, const struct ad_node *node)
{
    for (int i = 0; i < node->count; i++)
        if (ad_is_parameter(node, i) && ad_live_mask(c->tape, node->inputs[i]))
            return AD_FAIL(AD_ERROR_TRANSFORM,
                           "%s: operand %d is being differentiated, but is a parameter, in which there is no derivative; see "
                           "ad_stop_gradient",
                           node->op->name, i);
    return true;
}

/* Makes the outputs part of the trace: gives them slots and tangents. */
FOR_EACH_COUNT bool trace_of(ad_context *c, struct ad_node *node, int count, const uint64_t *masks, uint64_t mask, int outputs_count)
{
    struct ad_tape *tape = c->tape;
    ad_array **outputs = (ad_array **)node->outputs;
    uint64_t reverse = mask & ~tape->forward;
    uint32_t first = 0;
    if (outputs_count == 1 && !ad_dtype_is_inexact((ad_dtype)outputs[0]->dtype))
        return true;
    if (__builtin_expect(ad_has_parameters(node->op), 0) && !parameters_constant(c, node))
        return false;
    if (reverse && !(first = record(c, node, count, masks, outputs_count, reverse)))
        return false;
    for (int k = 0; k < outputs_count; k++) {
        if (!ad_dtype_is_inexact((ad_dtype)outputs[k]->dtype))
            continue;
        outputs[k]->serial = tape->serial;
        outputs[k]->slot = first ? first + (uint32_t)k : 0;
    }
    return __builtin_expect(mask == reverse, 1) || ad_push_tangents(c, node, mask, outputs, outputs_count);
}

static __attribute__((noinline)) bool trace(ad_context *c, struct ad_node *node, const uint64_t *masks, uint64_t mask, int outputs_count)
{
    if (outputs_count == 1 && node->count <= 2)
        return node->count == 1 ? trace_of(c, node, 1, masks, mask, 1) : trace_of(c, node, 2, masks, mask, 1);
    return trace_of(c, node, node->count, masks, mask, outputs_count);
}

FOR_EACH_COUNT bool apply(ad_context *c, const ad_primitive *op, ad_array *const *inputs, int count, const void *options, ad_array **outputs, int outputs_count)
{
    struct ad_node node = { .op = op, .options = options, .inputs = inputs, .outputs = outputs, .count = count };
    const struct ad_tape *tape = c->tape;
    uint64_t masks[2] = { 0, 0 }, all = 0;
    bool seen = c->watched;
    if (__builtin_expect(!inputs && count > 0, 0))
        return c->error_code ? false : (ad_set_error(AD_ERROR_VALUE, "%s: the inputs are NULL", op->name), false);
    for (int i = 0; i < count; i++) {
        const ad_array *x = inputs[i];
        if (__builtin_expect(!x || x->flags & (AD_ABSTRACT | AD_NAMED), 0)) {
            if (!x || x->flags & AD_ABSTRACT)
                return refuse_input(c, op, inputs, count, i);
            seen = true;
        }
        if (!x->serial)
            continue;
        if (!tape || x->serial != tape->serial) {
            if (ad_is_foreign(c, x))
                return refuse_input(c, op, inputs, count, i);
            continue;
        }
        uint64_t mask = ad_mask_in_trace(tape, x);
        if (count <= 2)
            masks[i] = mask;
        all |= mask;
    }
    if (!(__builtin_expect(seen, 0) ? compute_seen(c, &node, outputs, outputs_count) : compute(c, &node, outputs, outputs_count)))
        return false;
    return !all || op->constant || trace(c, &node, masks, all, outputs_count);
}

static bool apply_any(ad_context *c, const ad_primitive *op, ad_array *const *inputs, int count, const void *options, ad_array **outputs)
{
    int outputs_count = op->outputs > 1 ? op->outputs : 1;
    for (int k = 0; k < outputs_count; k++)
        outputs[k] = NULL;
    if (apply(c, op, inputs, count, options, outputs, outputs_count))
        return true;
    for (int k = 0; k < outputs_count; k++)
        outputs[k] = NULL;
    return false;
}

/* Applies an operation of one output. */
AD_ALWAYS_INLINE ad_array *apply_one(ad_context *c, const ad_primitive *op, ad_array *const *inputs, int count, const void *options)
{
    ad_array *output = NULL;
    return apply(c, op, inputs, count, options, &output, 1) ? output : NULL;
}

bool ad_apply(ad_context *c, const ad_primitive *op, ad_array *const *inputs, int count, const void *options, ad_array **outputs)
{
    if (op->outputs > 1)
        return apply_any(c, op, inputs, count, options, outputs);
    return (outputs[0] = apply_one(c, op, inputs, count, options)) != NULL;
}

ad_array *ad_call_general(const ad_primitive *op, ad_array *const *inputs, int count, const void *options)
{
    if (op->outputs > 1)
        return ad_set_error(AD_ERROR_VALUE, "%s: has %d outputs; call it with ad_call_primitive_many", op->name, op->outputs);
    ad_context *c = ad_current();
    ad_array *z;
    if (__builtin_expect(c->tape && c->tape->recorder, 0) && ad_rule_takes(c, op, inputs, count, options, &z))
        return z;
    AD_RUNNING(c, op->name);
    return apply_one(c, op, inputs, count, options);
}

#ifdef AD_CHECKED
bool ad_all_alive(const ad_primitive *primitive, ad_array *const *inputs, int count)
{
    for (int i = 0; inputs && i < count; i++) {
        char what[64];
        snprintf(what, sizeof what, count == 1 ? "array" : "array that is operand %d", i);
        if (inputs[i] && !ad_given(inputs[i], primitive->name, what))
            return false;
    }
    return true;
}
#endif

bool ad_call_primitive_many(const ad_primitive *primitive, ad_array *const *inputs, int count, const void *options, ad_array **outputs)
{
    if (!primitive || !outputs)
        return ad_failed() ? false : (ad_set_error(AD_ERROR_VALUE, "ad_call_primitive_many: the %s NULL", primitive ? "outputs are" : "primitive is"), false);
    if (primitive->outputs > AD_MAX_OUTPUTS)
        return AD_FAIL(AD_ERROR_VALUE, "%s: the primitive has %d outputs; at most %d are possible", primitive->name, primitive->outputs, AD_MAX_OUTPUTS);
    if (!ad_all_alive(primitive, inputs, count))
        return false;
    ad_context *c = ad_current();
    if (__builtin_expect(c->tape && c->tape->recorder, 0) && ad_rule_takes(c, primitive, inputs, count, options, outputs))
        return outputs[0];
    AD_RUNNING(c, primitive->name);
    return ad_apply(c, primitive, inputs, count, options, outputs);
}

/* ---- products with slopes ---- */

/* Whether x does not depend on a level in sight. */
AD_ALWAYS_INLINE bool is_constant(const ad_context *c, const ad_array *x)
{
    return !x->serial || (c->tape && x->serial == c->tape->serial && !ad_mask_in_trace(c->tape, x));
}

ad_array *ad_times_array(ad_context *c, ad_array *t, ad_array *d, uint32_t made)
{
    const struct ad_scope_stack *s = &c->scopes;
    ad_dtype dtype = (ad_dtype)t->dtype;
    if (!ad_both_given(t, d, "ad_zzmul"))
        return NULL;
    if (!ad_is_alike(t, d) || (t->flags & (AD_CONTIGUOUS | AD_WEAK)) != AD_CONTIGUOUS || t->size >= AD_LOOP_SHARED || !ad_dtype_is_inexact(dtype) ||
        !is_constant(c, t) || !is_constant(c, d) || c->watched)
        return ad_zzmul(t, d);
    bool own = s->count > made && s->entries[s->count - 1] == (uintptr_t)d && ad_is_private(d);
    ad_array *product = own ? d : ad_array_like(c, dtype, d);
    if (product && t->size)
        ad_run_dense(c->loops->loop[AD_LOOP_zzmul][dtype], ad_item_size(dtype), t->size, memory_of(t), memory_of(d), memory_of(product));
    return product;
}

/* ---- where values enter levels, and leave them ---- */

bool ad_same_infer(const ad_node *node, ad_spec *output)
{
    output->dtype = ad_input_dtype(node, 0);
    ad_shape_set(&output->shape, ad_input_ndim(node, 0), ad_input_dims(node, 0));
    return true;
}

/* The identity. It is recorded where x enters a level inside a level that x depends on. */
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

static double identity_scalar(const ad_primitive *op, const void *options, double x, double y)
{
    (void)op, (void)options, (void)y;
    return x;
}

const ad_primitive ad_identity_op = {
    .name = "ad_input", .infer = ad_same_infer, .view = identity_view, .scalar = identity_scalar, .vjp = identity_vjp, .linear = AD_LINEAR,
};

static const ad_primitive stop_gradient = { .name = "ad_stop_gradient", .infer = ad_same_infer, .view = identity_view, .constant = true };

/* It computes nothing, and is a call only for those who watch. Any thread may make a constant of a value. */
ad_array *(ad_stop_gradient)(ad_array *x)
{
    ad_context *c = ad_current();
    if (!ad_given(x, "ad_stop_gradient", "array"))
        return NULL;
    return c->watched && !ad_is_foreign(c, x) ? ad_call_primitive(&stop_gradient, &x, 1, NULL) : ad_array_alias(c, x);
}

ad_array *ad_lift(ad_context *c, ad_array *x, int level, ad_array *tangent)
{
    struct ad_tape *tape = c->tape;
    uint64_t bit = UINT64_C(1) << level;
    ad_array *y = NULL;
    if (x && !x->serial && !(x->flags & AD_ABSTRACT) && !c->watched)
        y = ad_array_alias(c, x); /* it depends on nothing, as most inputs do: there is nothing to record */
    else if (x && ad_is_scalar(x) && !(tape->extracted & bit) && !c->watched)
        y = ad_call_primitive(&ad_identity_op, &x, 1, NULL);
    else
        ad_apply(c, &ad_identity_op, &x, 1, NULL, &y);
    if (!y || !ad_dtype_is_inexact((ad_dtype)x->dtype))
        return y;
    y->flags &= (uint8_t)~AD_WEAK;
    y->slot = y->serial ? y->slot : 0;
    y->serial = tape->serial;
    if (tape->levels[level].kind == AD_LEVEL_FORWARD) {
        return ad_tangent_attach(c, y, level, tangent) ? y : NULL;
    }
    if (!y->slot && !ad_slot_append(c, &tape->slots, &y->slot))
        return NULL;
    ad_slot_at(&tape->slots, y->slot)->mask |= bit;
    return y;
}
