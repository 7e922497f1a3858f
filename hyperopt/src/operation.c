/* hyper_sgd and its like as operations of libad: from the leaves of hypers to the outputs of a run.
 *
 * The node's options refer to the run. The reverse rule gives the cotangents of all operands, since one reverse pass
 * makes all of them. */
#include "run.h"

#include <string.h>

typedef struct {
    hyper_run *run;
} run_options;

static hyper_run *run_of(const ad_node *node)
{
    return ((const run_options *)ad_node_options(node))->run;
}

static bool run_keep(void *field)
{
    hyper_run_keep(*(hyper_run **)field);
    return true;
}

static void run_drop(const void *field)
{
    hyper_run_drop(*(hyper_run *const *)field);
}

static const ad_field_functions run_functions = { .keep = run_keep, .drop = run_drop };
static const ad_field run_fields[] = { AD_FIELD_OF(run_options, run, &run_functions), AD_FIELDS_END };

/* ---- outputs: x, then the other states and the integers; or the mean along the way ---- */

static int outputs_of(const hyper_run *run)
{
    return run->result == HYPER_STATE ? run->dynamics->state_count + 1 : 1;
}

/* float32 if all of x is float32. */
static ad_dtype dtype_of_x(const hyper_run *run)
{
    bool single = run->leaf_count > 0;
    for (int k = 0; k < run->leaf_count; k++)
        single &= run->leaves[k].dtype == AD_F32;
    return single ? AD_F32 : AD_F64;
}

static bool infer(const ad_node *node, ad_spec *outputs)
{
    const hyper_run *run = run_of(node);
    if (run->result == HYPER_ALONG) {
        outputs[0] = (ad_spec){ AD_F64, { .ndim = 0 } };
        return true;
    }
    outputs[0] = (ad_spec){ dtype_of_x(run), { .ndim = 1, .dim = { run->parameter_count } } };
    for (int s = 1; s < outputs_of(run); s++)
        outputs[s] = (ad_spec){ AD_F64, { .ndim = 1, .dim = { run->parameter_count } } };
    if (run->result == HYPER_STATE)
        outputs[run->dynamics->state_count] = (ad_spec){ AD_I64, { .ndim = 1, .dim = { hyper_exact_size(run) } } };
    return true;
}

static void decode(const hyper_run *run, int s, bool single, void *output)
{
    for (int64_t i = 0; i < run->parameter_count; i++) {
        double value = hyper_state_at(run, s, i);
        if (single)
            ((float *)output)[i] = (float)value;
        else
            ((double *)output)[i] = value;
    }
}

static bool eval(const ad_node *node, void *const *outputs)
{
    hyper_run *run = run_of(node);
    if (!hyper_forward(run))
        return false;
    if (run->result == HYPER_ALONG) {
        *(double *)outputs[0] = run->along;
        return true;
    }
    decode(run, 0, dtype_of_x(run) == AD_F32, outputs[0]);
    for (int s = 1; s < outputs_of(run) - 1; s++)
        decode(run, s, false, outputs[s]);
    if (run->result == HYPER_STATE)
        hyper_exact_write(run, outputs[run->dynamics->state_count]);
    return true;
}

/* ---- rules ---- */

/* The inputs of the node as one tree, as hyper_unrolled takes them, or a direction in their space: t for one operand
 * and zeros for the others. NULL and an error on failure. */
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

/* The cotangents of the outputs, without that of the integers. */
static void cotangents_of(const hyper_run *run, ad_array *const *g, ad_array **cotangents)
{
    memset(cotangents, 0, HYPER_OUTPUTS * sizeof *cotangents);
    cotangents[0] = g[0];
    for (int s = 1; s < outputs_of(run) - 1; s++)
        cotangents[s] = g[s];
}

static bool is_traced(const ad_node *node, ad_array *const *cotangents)
{
    bool traced = false;
    for (int k = 0; k < HYPER_OUTPUTS; k++)
        traced |= cotangents[k] && ad_is_traced(cotangents[k]);
    for (int i = 0; i < ad_node_inputs(node); i++)
        traced |= ad_is_traced(ad_node_input(node, i));
    return traced;
}

/* A list like the outputs of hyper_unrolled. */
static ad_tree *list_of_cotangents(const hyper_run *run, ad_tree *outputs, ad_array *const *cotangents)
{
    ad_tree_item items[HYPER_STATES];
    int count = run->result == HYPER_STATE ? run->dynamics->state_count : 1;
    for (int s = 0; s < count; s++) {
        ad_array *output = ad_tree_array_at(outputs, s);
        ad_array *g = cotangents[s] ? ad_astype(cotangents[s], ad_dtype_of(output)) : ad_zeros_like(output);
        items[s] = (ad_tree_item){ AD_ITEM_ARRAY, g };
    }
    return ad_list_from(items, count);
}

/* Computes run->gradients as differentiable arrays. */
static bool reverse_traced(const ad_node *node, hyper_run *run, ad_array *const *cotangents)
{
    AD_SCOPE;
    ad_pullback *pull = NULL;
    ad_tree *inputs = inputs_of(node, 0, NULL), *outputs = inputs ? ad_vjp(hyper_unrolled, inputs, (void *)run, &pull) : NULL;
    ad_tree *list = outputs ? list_of_cotangents(run, outputs, cotangents) : NULL;
    ad_tree *gradients = list ? ad_vjp_apply_any(pull, list) : NULL;
    hyper_forget_gradients(run);
    if (gradients) {
        ad_tree_leaves(gradients, run->gradients, run->input_count);
        for (int i = 0; i < run->input_count; i++)
            ad_retain(run->gradients[i]);
    }
    ad_vjp_free(pull);
    return gradients != NULL;
}

static bool pull(const ad_node *node, ad_array *const *g, unsigned wanted, ad_array **gradients)
{
    (void)wanted;
    hyper_run *run = run_of(node);
    ad_array *cotangents[HYPER_OUTPUTS];
    cotangents_of(run, g, cotangents);
    if (!(is_traced(node, cotangents) ? reverse_traced(node, run, cotangents) : hyper_reverse(run, cotangents)))
        return false;
    memcpy(gradients, run->gradients, (size_t)run->input_count * sizeof *gradients);
    return true;
}

/* The forward rule where something is being differentiated once more, through operations. */
static ad_array *traced_jvp(const ad_node *node, int operand, ad_array *t)
{
    const hyper_run *run = run_of(node);
    ad_tree *inputs = inputs_of(node, 0, NULL), *direction = inputs_of(node, operand, t), *tangent = NULL;
    if (!inputs || !direction || !ad_jvp(hyper_unrolled, inputs, (void *)run, direction, &tangent))
        return NULL;
    return ad_tree_array_at(tangent, ad_node_target(node));
}

static ad_array *jvp(const ad_node *node, int operand, ad_array *t)
{
    hyper_run *run = run_of(node);
    ad_array *inputs[HYPER_OUTPUTS] = { t };
    ad_array *output = is_traced(node, inputs) ? traced_jvp(node, operand, t) : hyper_tangent_of_output(run, operand, t, ad_node_target(node));
    return run->result == HYPER_ALONG ? output : ad_astype(output, ad_node_target(node) == 0 ? dtype_of_x(run) : AD_F64);
}

/* ---- what users call ---- */

#define RUN_RECORD(function, outputs_count)                                                                              \
    {                                                                                                                    \
        .name = function, .infer = infer, .eval = eval, .pull = pull, .jvp = jvp, .saves = AD_SAVE_INPUTS,                 \
        .outputs = outputs_count, .options_size = sizeof(run_options), .fields = run_fields,                             \
    }

static const ad_primitive sgd = RUN_RECORD("hyper_sgd", 1), sgd_state = RUN_RECORD("hyper_sgd_state", 3), sgd_along = RUN_RECORD("hyper_sgd_along", 1);
static const ad_primitive adam = RUN_RECORD("hyper_adam", 1), adam_state = RUN_RECORD("hyper_adam_state", 4), adam_along = RUN_RECORD("hyper_adam_along", 1);

/* Runs the operation; false and an error on failure. */
static bool call(const ad_primitive *primitive, const hyper_dynamics *dynamics, hyper_result result, const hyper_training *training, ad_tree *hypers,
                 ad_array **outputs)
{
    run_options options = { hyper_run_new(dynamics, result, primitive->name, training, hypers) };
    if (!options.run)
        return false;
    int count = options.run->input_count;
    ad_array **inputs = hyper_room(count, sizeof *inputs);
    bool done = inputs && hyper_loss_is_closed(options.run);
    if (done) {
        ad_tree_leaves(hypers, inputs, count);
        done = ad_call_primitive_many(primitive, inputs, count, &options, outputs);
    }
    ad_memory_give(inputs);
    hyper_run_drop(options.run);
    return done;
}

static ad_tree *trained(const ad_primitive *primitive, const hyper_dynamics *dynamics, const hyper_training *training, ad_tree *hypers)
{
    ad_array *x = NULL;
    return call(primitive, dynamics, HYPER_TRAINED, training, hypers, &x) ? ad_unflatten(ad_tree_sub(hypers, "x"), x) : NULL;
}

static ad_array *as_float64(ad_array *x)
{
    return ad_astype(x, AD_F64);
}

static ad_tree *state(const ad_primitive *primitive, const hyper_dynamics *dynamics, const hyper_training *training, ad_tree *hypers)
{
    ad_array *outputs[HYPER_OUTPUTS] = { NULL };
    ad_tree_item items[2 * HYPER_OUTPUTS];
    if (!call(primitive, dynamics, HYPER_STATE, training, hypers, outputs))
        return NULL;
    ad_tree *x = ad_tree_sub(hypers, "x"), *like_x = ad_tree_map(as_float64, x);
    int n = 0;
    for (int s = 0; s < dynamics->state_count; s++) {
        items[n++] = (ad_tree_item){ AD_ITEM_NAME, dynamics->state_name[s] };
        items[n++] = (ad_tree_item){ AD_ITEM_TREE, ad_unflatten(s == 0 ? x : like_x, outputs[s]) };
    }
    items[n++] = (ad_tree_item){ AD_ITEM_NAME, "exact" };
    items[n++] = (ad_tree_item){ AD_ITEM_ARRAY, outputs[dynamics->state_count] };
    return ad_tree_from(items, n);
}

static ad_array *along(const ad_primitive *primitive, const hyper_dynamics *dynamics, const hyper_training *training, ad_tree *hypers)
{
    ad_array *mean = NULL;
    return call(primitive, dynamics, HYPER_ALONG, training, hypers, &mean) ? mean : NULL;
}

ad_tree *hyper_sgd(const hyper_training *training, ad_tree *hypers)
{
    return trained(&sgd, &hyper_sgd_dynamics, training, hypers);
}

ad_tree *hyper_sgd_state(const hyper_training *training, ad_tree *hypers)
{
    return state(&sgd_state, &hyper_sgd_dynamics, training, hypers);
}

ad_array *hyper_sgd_along(const hyper_training *training, ad_tree *hypers)
{
    return along(&sgd_along, &hyper_sgd_dynamics, training, hypers);
}

static const hyper_dynamics *adam_of(const hyper_training *training)
{
    return training && training->second_moment == HYPER_SUM ? &hyper_adam_sum_dynamics : &hyper_adam_dynamics;
}

ad_tree *hyper_adam(const hyper_training *training, ad_tree *hypers)
{
    return trained(&adam, adam_of(training), training, hypers);
}

ad_tree *hyper_adam_state(const hyper_training *training, ad_tree *hypers)
{
    return state(&adam_state, adam_of(training), training, hypers);
}

ad_array *hyper_adam_along(const hyper_training *training, ad_tree *hypers)
{
    return along(&adam_along, adam_of(training), training, hypers);
}
