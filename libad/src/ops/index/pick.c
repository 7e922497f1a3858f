/* Elements at places of the flattened array that are all different: where extrema are attained, and where sorted elements come from.
 *
 * One primitive, linear, whose cotangents go to their places one by one. The places are a constant, held in the options. */
#include "ops/ops.h"
#include "tape/tape.h"

struct picks {
    ad_array *places; /* C-contiguous int64, without trace, in the shape of the result */
};

static void picks_keep(const void *options)
{
    (ad_retain)(((const struct picks *)options)->places);
}

static void picks_drop(const void *options)
{
    (ad_release)(((const struct picks *)options)->places);
}

static ad_array *picks_of(const ad_node *node)
{
    return ((const struct picks *)ad_node_options(node))->places;
}

static bool pick_infer(const ad_node *node, ad_spec *output)
{
    *output = (ad_spec){ ad_node_dtype(node, 0), ad_shape_of(picks_of(node)) };
    return true;
}

static bool pick_eval(const ad_node *node, void *const *outputs)
{
    const ad_array *x = ad_node_operand(node, 0), *places = picks_of(node);
    const void *data = data_of(node, 0);
    if (data)
        ad_gather(ad_dtype_size((ad_dtype)x->dtype), 1, x->size, 1, (const int64_t *)places->data, places->size, data, outputs[0]);
    return data != NULL;
}

/* Zeros give way to the cotangent, so that its own zeros keep their sign. */
static bool pick_vjp_into(const ad_node *node, ad_array *g, void *sum, bool zeros)
{
    const ad_array *x = ad_node_operand(node, 0), *places = picks_of(node);
    const int64_t *place = (const int64_t *)places->data;
    if (!(g = ad_array_contiguous(ad_current(), g)))
        return false;
    if (zeros)
        ad_put_rows(ad_dtype_size((ad_dtype)g->dtype), 1, x->size, 1, place, places->size, g->data, sum);
    else
        ad_scatter_add((ad_dtype)g->dtype, 1, x->size, 1, place, places->size, g->data, sum);
    return true;
}

static const ad_field picks_fields[] = { AD_FIELD_UNNAMED(struct picks, places, ARRAY), AD_FIELDS_END };

static const ad_primitive pick_op = {
    .name = "ad_pick", .infer = pick_infer, .eval = pick_eval, .vjp_into = pick_vjp_into, .linear = AD_LINEAR, .options_size = sizeof(struct picks),
    .options_keep = picks_keep, .options_drop = picks_drop, .fields = picks_fields,
};
AD_OPERATION(pick_op);

ad_array *ad_pick(ad_array *x, ad_array *places)
{
    return x && places ? ad_call_primitive(&pick_op, &x, 1, &(struct picks){ places }) : NULL;
}

ad_array *ad_pick_cotangent(const ad_node *node, ad_array *places, ad_array *g)
{
    return places ? ad_cotangent_of_part(node, &pick_op, &(struct picks){ places }, g) : NULL;
}
