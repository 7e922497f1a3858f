/* Elements at places of the flattened array that are all different: where sorted elements come from.
 *
 * There is one linear primitive, whose cotangents go to their places one by one. The places are its second operand,
 * int64 in the shape of the result. */
#include "ops/ops.h"
#include "tape/tape.h"

static bool pick_infer(const ad_node *node, ad_spec *output)
{
    output->dtype = ad_input_dtype(node, 0);
    ad_shape_set(&output->shape, ad_input_ndim(node, 1), ad_input_dims(node, 1));
    return true;
}

static bool pick_eval(const ad_node *node, void *const *outputs)
{
    const ad_array *x = ad_node_input(node, 0);
    const void *data = data_of(node, 0);
    const int64_t *places = data_of(node, 1);
    if (!data || !places)
        return false;
    ad_gather(ad_dtype_size((ad_dtype)x->dtype), 1, x->size, 1, places, ad_node_input(node, 1)->size, data, outputs[0]);
    return true;
}

/* If `sum` is all zeros, it is replaced, so that the cotangent's own zeros keep their sign. */
static bool pick_vjp_into(const ad_node *node, ad_array *g, void *sum, bool zeros)
{
    const ad_array *x = node->inputs[0];
    const int64_t *places = ad_node_input(node, 1) ? data_of(node, 1) : NULL;
    ad_dtype dtype = (ad_dtype)x->dtype;
    if (!places || !(g = ad_array_contiguous(ad_current(), g)))
        return false;
    if (zeros)
        ad_put_rows(ad_dtype_size(dtype), 1, x->size, 1, places, g->size, (struct ad_rows){ memory_of(g), 0, ad_item_size(dtype) }, sum);
    else
        ad_scatter_add(dtype, 1, x->size, 1, places, g->size, memory_of(g), sum);
    return true;
}

static const ad_primitive pick_op = {
    .name = "ad_pick", .infer = pick_infer, .eval = pick_eval, .vjp_into = pick_vjp_into, .linear = AD_LINEAR, .parameters = 1u << 1, .saves = AD_SAVE_INPUT(1),
};
AD_OPERATION(pick_op);

ad_array *ad_pick(ad_array *x, ad_array *places)
{
    return x && places ? ad_call_primitive(&pick_op, (ad_array *[]){ x, places }, 2, NULL) : NULL;
}

ad_array *ad_pick_cotangent(const ad_node *node, ad_array *places, ad_array *g)
{
    return places ? ad_cotangent_of_part(node, &pick_op, NULL, (ad_array *[]){ g, places }, 2) : NULL;
}
