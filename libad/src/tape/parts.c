/* Cotangents that arrive in parts: those of x[i], of a slice or a gather. Each says something about its own place in x
 * alone.
 *
 * Where no open level sees it, a part is added in place to the cotangent of x, which only the slot holds. So it costs
 * what the part costs. Where an open level sees it, nothing that was recorded may be changed. Then the slot collects
 * the parts. When its cotangent is asked for, one call puts them together: it has as many inputs as there are parts,
 * and is recorded once. Its own transpose gives each part what the primitive that showed it shows of the cotangent, so
 * the next order is made of parts again. Either way parts are added in the order in which they arrive. */
#include "ad/array.h"
#include "kernels/kernels.h"
#include "tape/tape.h"
#include <string.h>

struct part {
    const ad_primitive *op; /* the primitive that showed the part */
    const void *options;    /* ad_options_copy */
    int inputs;             /* the part's own cotangent, and op's parameters */
};

/* The inputs of the call that puts the parts together: first the whole cotangent that was there before them, if there
 * was one, then the inputs of each part. After that call, the parts belong to the calls that were recorded of it. Each
 * of these holds one reference. */
struct ad_parts {
    uint32_t count, room, inputs_count, inputs_room, roles_room;
    uint32_t references; /* held by one thread */
    ad_array *like;      /* shape and dtype of the whole */
    struct part *parts;
    ad_array **inputs;
    uint32_t *roles; /* for each input the number of its part; or WHOLE, or PARAMETER */
};

#define WHOLE     UINT32_MAX
#define PARAMETER (UINT32_MAX - 1)

static struct ad_parts *parts_new(ad_context *c, const ad_array *like)
{
    ad_array *stub = ad_keep(c, ad_array_abstract(c, (ad_dtype)like->dtype, like->ndim, ad_dims(like)));
    struct ad_parts *parts = stub ? ad_allocate(c, sizeof *parts) : NULL;
    if (parts)
        *parts = (struct ad_parts){ .references = 1, .like = stub };
    else
        ad_drop(c, stub);
    return parts;
}

static void drop_inputs(ad_context *c, struct ad_parts *parts)
{
    for (uint32_t i = 0; i < parts->inputs_count; i++)
        ad_drop(c, parts->inputs[i]);
    ad_deallocate(c, parts->inputs, parts->inputs_room * sizeof *parts->inputs);
    parts->inputs = NULL;
    parts->inputs_count = parts->inputs_room = 0;
}

static void parts_release(ad_context *c, struct ad_parts *parts)
{
    if (--parts->references)
        return;
    for (uint32_t k = 0; k < parts->count; k++)
        ad_options_drop(c, parts->parts[k].op, &parts->parts[k].options);
    ad_deallocate(c, parts->parts, parts->room * sizeof *parts->parts);
    ad_deallocate(c, parts->roles, parts->roles_room * sizeof *parts->roles);
    ad_drop(c, parts->like);
    ad_deallocate(c, parts, sizeof *parts);
}

/* Ends the collecting. What was recorded needs no values. */
static void collected(ad_context *c, struct ad_parts *parts)
{
    drop_inputs(c, parts);
    parts_release(c, parts);
}

static bool append_input(ad_context *c, struct ad_parts *parts, ad_array *x, uint32_t role)
{
    uint32_t wanted = parts->inputs_count + 1;
    if (!ad_grow(c, &parts->inputs, &parts->inputs_room, sizeof *parts->inputs, wanted) ||
        !ad_grow(c, &parts->roles, &parts->roles_room, sizeof *parts->roles, wanted))
        return false;
    parts->roles[parts->inputs_count] = role;
    parts->inputs[parts->inputs_count++] = ad_keep(c, x);
    return true;
}

/* parameters: those of op. */
static bool append(ad_context *c, struct ad_parts *parts, const ad_primitive *op, const void *options, ad_array *g, ad_array *const *parameters, int count)
{
    if (!ad_grow(c, &parts->parts, &parts->room, sizeof *parts->parts, parts->count + 1))
        return false;
    struct part *part = &parts->parts[parts->count];
    part->op = op;
    part->inputs = 1 + count;
    if (!ad_options_copy(c, op, options, false, &part->options))
        return false;
    bool done = append_input(c, parts, g, parts->count++);
    for (int i = 0; i < count && done; i++)
        done = append_input(c, parts, parameters[i], PARAMETER);
    return done;
}

/* ---- putting together: a primitive ---- */

struct together {
    struct ad_parts *parts;
};

static struct ad_parts *parts_of(const ad_node *node)
{
    return ((const struct together *)ad_node_options(node))->parts;
}

static bool parts_keep(void *field)
{
    (*(struct ad_parts **)field)->references++;
    return true;
}

static void parts_drop(const void *field)
{
    parts_release(ad_current(), *(struct ad_parts *const *)field);
}

static bool is_parameter(const ad_node *node, int operand)
{
    return parts_of(node)->roles[operand] == PARAMETER;
}

/* The inputs of a part's operation: the one given, and the part's parameters, which stand behind its own cotangent.
 * They are in the room given; NULL and an error. */
static ad_array **inputs_of_part(const ad_node *node, int operand, const struct part *part, ad_array *first, struct ad_scratch *room)
{
    ad_array **inputs = ad_scratch_take(ad_current(), room, part->inputs, sizeof *inputs);
    for (int i = 1; inputs && i < part->inputs; i++)
        inputs[i] = node->inputs[operand + i];
    if (inputs)
        inputs[0] = first;
    return inputs;
}

/* Adds a part, whose own cotangent is the given operand. */
static bool add_part(const ad_node *node, int operand, void *sum, bool zeros)
{
    const struct ad_parts *parts = parts_of(node);
    const struct part *part = &parts->parts[parts->roles[operand]];
    AD_SCRATCH room = { 0 };
    struct ad_node shown = { .op = part->op, .options = ad_options_at(part->op, &part->options), .count = part->inputs };
    shown.inputs = inputs_of_part(node, operand, part, parts->like, &room);
    return shown.inputs && part->op->vjp_into(&shown, node->inputs[operand], sum, zeros);
}

static bool together_infer(const ad_node *node, ad_spec *output)
{
    const ad_array *like = parts_of(node)->like;
    *output = (ad_spec){ (ad_dtype)like->dtype, ad_shape_of(like) };
    return true;
}

static bool together_eval(const ad_node *node, void *const *outputs)
{
    const struct ad_parts *parts = parts_of(node);
    const ad_array *like = parts->like, *whole = node->inputs[0];
    int first = parts->roles[0] == WHOLE;
    int64_t strides[AD_MAX_NDIM];
    c_order_strides((ad_dtype)like->dtype, like->ndim, ad_dims(like), strides);
    if (first)
        ad_copy_strided(like->ndim, ad_dims(like), operand_of(whole), (struct ad_operand){ outputs[0], strides, (ad_dtype)like->dtype });
    else
        memset(outputs[0], 0, (size_t)like->size * ad_dtype_size((ad_dtype)like->dtype));
    for (int i = first; i < node->count; i++)
        if (parts->roles[i] != PARAMETER && !add_part(node, i, outputs[0], i == 0))
            return false;
    return true;
}

static ad_array *together_vjp(const ad_node *node, int operand, ad_array *g)
{
    const struct ad_parts *parts = parts_of(node);
    uint32_t role = parts->roles[operand];
    if (role == WHOLE || role == PARAMETER)
        return role == WHOLE ? g : NULL;
    const struct part *part = &parts->parts[role];
    AD_SCRATCH room = { 0 };
    ad_array **inputs = inputs_of_part(node, operand, part, g, &room);
    return inputs ? ad_call_primitive(part->op, inputs, part->inputs, ad_options_at(part->op, &part->options)) : NULL;
}

static const ad_field_functions parts_functions = { .keep = parts_keep, .drop = parts_drop };
static const ad_field together_fields[] = { AD_FIELD_OF(struct together, parts, &parts_functions), AD_FIELDS_END };
static const ad_primitive together_op = {
    .name = "ad_put_together", .infer = together_infer, .eval = together_eval, .vjp = together_vjp, .linear = AD_LINEAR, .is_parameter = is_parameter,
    .options_size = sizeof(struct together), .fields = together_fields,
};

static ad_array *put_together(ad_context *c, struct ad_parts *parts)
{
    ad_array *whole = NULL;
    ad_apply(c, &together_op, parts->inputs, (int)parts->inputs_count, &(struct together){ parts }, &whole);
    return whole;
}

ad_array *ad_transposed(const ad_primitive *op, const void *options, ad_array *like, ad_array *const *part, int count)
{
    ad_context *c = ad_current();
    struct ad_parts *parts = like && part[0] ? parts_new(c, like) : NULL;
    ad_array *whole = parts && append(c, parts, op, options, part[0], part + 1, count - 1) ? put_together(c, parts) : NULL;
    if (parts)
        collected(c, parts);
    return whole;
}

/* ---- in the sweep ---- */

static bool seen(const ad_context *c, const ad_array *x)
{
    return ad_live_mask(c->tape, x) != 0;
}

/* Starts to collect, with the cotangent that is there. */
static bool collect(ad_context *c, struct ad_slot *slot, const ad_array *like, ad_array *whole)
{
    struct ad_parts *parts = parts_new(c, like);
    if (!parts)
        return false;
    if (whole && !append_input(c, parts, whole, WHOLE)) {
        collected(c, parts);
        return false;
    }
    ad_cotangent_drop(c, slot);
    slot->parts = parts;
    slot->borrowed |= AD_SLOT_PARTS;
    return true;
}

/* Makes the slot's cotangent one that only the slot holds, if somebody else may see it or if there is none. */
static ad_array *own(ad_context *c, struct ad_slot *slot, const ad_array *like, ad_array *whole)
{
    ad_array *copy =
        whole ? ad_array_new(c, (ad_dtype)like->dtype, like->ndim, ad_dims(like)) : ad_array_zeros(c, (ad_dtype)like->dtype, like->ndim, ad_dims(like));
    if (copy && whole)
        ad_copy_strided(like->ndim, ad_dims(like), operand_of(whole), operand_of(copy));
    if (!copy)
        return NULL;
    ad_cotangent_drop(c, slot);
    return slot->cotangent = ad_keep(c, copy);
}

bool ad_parts_add(ad_context *c, struct ad_slot *slot, const struct ad_node *node, ad_array *g)
{
    const ad_array *like = node->inputs[0];
    if (slot->borrowed & AD_SLOT_PARTS)
        return append(c, slot->parts, node->op, node->options, g, node->inputs + 1, node->count - 1);
    ad_array *whole = ad_cotangent_of(c, slot);
    bool zeros = !whole;
    if (c->error_code)
        return false;
    if (seen(c, g) || (whole && seen(c, whole)) || c->watched)
        return collect(c, slot, like, whole) && append(c, slot->parts, node->op, node->options, g, node->inputs + 1, node->count - 1);
    if ((zeros || !ad_is_private(whole)) && !(whole = own(c, slot, like, whole)))
        return false;
    return node->op->vjp_into(node, g, memory_of(whole), zeros);
}

/* As ad_parts_add, for a call whose derivative shows a part. */
ad_array *ad_cotangent_of_part(const ad_node *node, const ad_primitive *op, const void *options, ad_array *const *part, int count)
{
    if (!part[0] || !node->taker)
        return ad_transposed(op, options, node->inputs[0], part, count);
    AD_SCRATCH room = { 0 };
    ad_array **inputs = ad_scratch_take(ad_current(), &room, count, sizeof *inputs);
    if (!inputs)
        return NULL;
    memcpy(inputs, part, (size_t)count * sizeof *inputs);
    inputs[0] = node->inputs[0];
    ad_parts_add(ad_current(), node->taker, &(struct ad_node){ .op = op, .options = options, .inputs = inputs, .count = count }, part[0]);
    return NULL;
}

ad_array *ad_parts_join(ad_context *c, struct ad_slot *slot)
{
    struct ad_parts *parts = slot->parts;
    struct ad_frame frame; /* a cotangent, also where it is asked for after the sweep */
    const struct ad_frame *outer = ad_watch_rules(c, &frame, AD_PHASE_REVERSE, c->frame ? c->frame->rule_of : NULL);
    ad_array *whole = put_together(c, parts);
    c->frame = outer;
    ad_parts_drop(c, slot);
    return slot->cotangent = ad_keep(c, whole);
}

void ad_parts_drop(ad_context *c, struct ad_slot *slot)
{
    struct ad_parts *parts = slot->parts;
    slot->cotangent = NULL;
    slot->borrowed &= (uint8_t)~AD_SLOT_PARTS;
    collected(c, parts);
}
