/* What the functions of a primitive read of a node. Whatever they ask for wrongly is an error that names the
 * primitive, and never memory that is not theirs. */
#include "tape/tape.h"

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

ad_array *ad_unreadable(const ad_node *node, const char *what, int i)
{
    return ad_set_error(AD_ERROR_TRANSFORM, "%s: the reverse rule reads %s %d, which `saves` does not name", node->op->name, what, i);
}

static bool among(const ad_node *node, const char *what, int i, int count)
{
    if (i >= 0 && i < count)
        return true;
    return AD_FAIL(AD_ERROR_TRANSFORM, "%s: a rule asks for %s %d; there are %d", node->op->name, what, i, count);
}

ad_array *ad_node_input(const ad_node *node, int operand)
{
    if (__builtin_expect(node->stage == AD_STAGE_INFER, 0))
        return ad_set_error(AD_ERROR_TRANSFORM, "%s: infer asks for input %d; it sees shapes and dtypes, and no array", node->op->name, operand);
    return among(node, "input", operand, node->count) ? ad_saved_input(node, operand) : NULL;
}

ad_array *ad_node_output(const ad_node *node, int k)
{
    return among(node, "output", k, node->op->outputs > 1 ? node->op->outputs : 1) ? ad_saved_output(node, k) : NULL;
}

ad_shape ad_node_shape(const ad_node *node, int operand)
{
    return among(node, "input", operand, node->count) ? ad_shape_of(node->inputs[operand]) : AD_SCALAR_SHAPE;
}

ad_dtype ad_node_dtype(const ad_node *node, int operand)
{
    return among(node, "input", operand, node->count) ? ad_input_dtype(node, operand) : AD_F64;
}

bool ad_node_is_number(const ad_node *node, int operand)
{
    return among(node, "input", operand, node->count) && ad_input_is_number(node, operand);
}

const ad_spec *ad_node_spec(const ad_node *node, int k)
{
    if (!among(node, "output", k, node->op->outputs > 1 ? node->op->outputs : 1))
        return NULL;
    if (node->specs)
        return &node->specs[k];
    return ad_set_error(AD_ERROR_TRANSFORM, "%s: what infer said of output %d is asked for; it is there while the value is computed", node->op->name, k);
}

ad_array *ad_node_cotangent(const ad_node *node, int k)
{
    return among(node, "cotangent", k, node->op->outputs > 1 ? node->op->outputs : 1) && node->cotangents ? node->cotangents[k] : NULL;
}

int ad_node_target(const ad_node *node)
{
    return node->target;
}
