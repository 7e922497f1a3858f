/* hyper_sgd as an operation of libad: from the leaves of hypers to the trained parameters as one float64 vector.
 *
 * The node's options hold the run, by reference. Reverse rules are asked for one operand at a time: the first one of a sweep does
 * the whole reverse pass, known by its cotangent. */
#include "run.h"

typedef struct {
    hyper_run *run;
} sgd_options;

static hyper_run *run_of(const ad_node *node)
{
    return ((const sgd_options *)ad_node_options(node))->run;
}

static void keep(const void *options)
{
    hyper_run_keep(((const sgd_options *)options)->run);
}

static void drop(const void *options)
{
    hyper_run_drop(((const sgd_options *)options)->run);
}

static bool sgd_infer(const ad_node *node, ad_spec *output)
{
    *output = (ad_spec){ AD_F64, { .ndim = 1, .dim = { run_of(node)->count } } };
    return true;
}

static bool sgd_eval(const ad_node *node, void *const *outputs)
{
    hyper_run *run = run_of(node);
    if (!hyper_forward(run))
        return false;
    hyper_fixed_decode(run->count, run->position, outputs[0]);
    return true;
}

/* The inputs of the node as one tree, as hyper_unrolled takes them; or a direction like it, with t for one operand and zeros for the others. NULL and
 * an error on failure. */
static ad_tree *inputs_of(const ad_node *node, int operand, ad_array *t)
{
    int count = ad_node_inputs(node);
    ad_tree_item *items = hyper_room(count, sizeof *items);
    for (int i = 0; items && i < count; i++) {
        ad_array *x = ad_node_input(node, i);
        items[i] = (ad_tree_item){ AD_ITEM_ARRAY, !t ? x : i == operand ? t : ad_zeros_like(x) };
    }
    ad_tree *list = items ? ad_list_from(items, count) : NULL;
    ad_memory_give(items);
    return list;
}

static bool is_traced(const ad_node *node, const ad_array *g)
{
    bool traced = ad_is_traced(g);
    for (int i = 0; i < ad_node_inputs(node); i++)
        traced |= ad_is_traced(ad_node_input(node, i));
    return traced;
}

/* run->gradients as differentiable arrays. */
static bool reverse_traced(const ad_node *node, hyper_run *run, ad_array *g)
{
    AD_SCOPE;
    ad_pullback *pull = NULL;
    if (run->training.method != HYPER_STORE)
        return ad_set_error(AD_ERROR_TRANSFORM, "hyper_sgd: second derivatives need HYPER_STORE"), false;
    ad_tree *inputs = inputs_of(node, 0, NULL);
    ad_array *y = inputs ? ad_vjp(hyper_unrolled, inputs, (void *)run, &pull) : NULL;
    ad_tree *gradients = y ? ad_vjp_apply_any(pull, g) : NULL;
    hyper_forget_gradients(run);
    if (gradients) {
        ad_tree_leaves(gradients, run->gradients, run->inputs);
        for (int i = 0; i < run->inputs; i++)
            ad_retain(run->gradients[i]);
        run->cotangent = ad_retain(g);
    }
    ad_vjp_free(pull);
    return gradients != NULL;
}

/* All gradients are computed for the first operand that asks with this cotangent. What it and the inputs depend on was settled when they were made. */
static ad_array *sgd_vjp(const ad_node *node, int operand, ad_array *g)
{
    hyper_run *run = run_of(node);
    if (run->cotangent != g && !(is_traced(node, g) ? reverse_traced(node, run, g) : hyper_reverse(run, g)))
        return NULL;
    return run->gradients[operand];
}

static ad_array *sgd_jvp(const ad_node *node, int operand, ad_array *t)
{
    ad_tree *inputs = inputs_of(node, 0, NULL), *direction = inputs_of(node, operand, t);
    ad_array *tangent = NULL;
    return inputs && direction && ad_jvp(hyper_unrolled, inputs, (void *)run_of(node), direction, &tangent) ? tangent : NULL;
}

static const ad_primitive sgd = {
    .name = "hyper_sgd", .infer = sgd_infer, .eval = sgd_eval, .vjp = sgd_vjp, .jvp = sgd_jvp, .saves = AD_SAVE_INPUTS,
    .options_size = sizeof(sgd_options), .options_keep = keep, .options_drop = drop,
};

ad_tree *hyper_sgd(const hyper_training *training, ad_tree *hypers)
{
    sgd_options options = { hyper_run_new(training, hypers, training && training->method == HYPER_STORE) };
    if (!options.run)
        return NULL;
    int count = options.run->inputs;
    ad_array **inputs = hyper_room(count, sizeof *inputs), *x = NULL;
    if (inputs) {
        ad_tree_leaves(hypers, inputs, count);
        x = ad_call_primitive(&sgd, inputs, count, &options);
    }
    ad_memory_give(inputs);
    hyper_run_drop(options.run);
    return x ? ad_unflatten(ad_tree_sub(hypers, "x"), x) : NULL;
}
