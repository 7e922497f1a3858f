/* Optimizers: pure functions from (state, gradients, parameters) to a new state and new parameters.
 *
 * The state is a tree of trees like the parameters: "v" of sgd; "m", "v" and the step count "t" of adam. */
#include "model.h"
#include <float.h>

static bool known(adnn_optimizer optimizer)
{
    if (optimizer.rule == ADNN_SGD || optimizer.rule == ADNN_ADAM)
        return true;
    ad_set_error(AD_ERROR_VALUE, "adnn_optimizer: %d is not a rule", (int)optimizer.rule);
    return false;
}

static ad_array *zeros_like(ad_array *x)
{
    return ad_zeros_like(x);
}

ad_tree *adnn_optimizer_init(adnn_optimizer optimizer, ad_tree *parameters)
{
    if (!known(optimizer) || !adnn_given(parameters, "adnn_optimizer_init", "tree of parameters"))
        return NULL;
    ad_tree *zeros = ad_tree_map(zeros_like, parameters);
    return optimizer.rule == ADNN_SGD ? ad_tree_of("v", zeros) : ad_tree_of("m", zeros, "v", zeros, "t", 0);
}

/* One leaf of x, and of the trees of the state. */
static void sgd_step(adnn_optimizer o, ad_array *g, ad_array **v, ad_array **x)
{
    *v = o.momentum == 0 ? g : ad_add(ad_mul(*v, o.momentum), g);
    *x = ad_sub(*x, ad_mul(*v, o.step_size));
}

/* The root of v: the smallest normal number beside it is lost in its digits, but gives the root a slope where the squares underflowed. */
static ad_array *root_of(ad_array *v)
{
    return ad_sqrt(ad_add(v, ad_dtype_of(v) == AD_F32 ? FLT_MIN : DBL_MIN));
}

static void adam_step(adnn_optimizer o, int64_t t, ad_array *g, ad_array **m, ad_array **v, ad_array **x)
{
    *m = ad_add(ad_mul(*m, o.beta1), ad_mul(g, 1 - o.beta1));
    *v = ad_add(ad_mul(*v, o.beta2), ad_mul(ad_square(g), 1 - o.beta2));
    ad_array *mean = ad_div(*m, 1 - pow(o.beta1, (double)t)), *square = ad_div(*v, 1 - pow(o.beta2, (double)t));
    *x = ad_sub(*x, ad_mul(o.step_size, ad_div(mean, ad_add(root_of(square), o.epsilon))));
}

/* The new state and parameters; leaves has room for those of four trees of `count`. */
static ad_tree *update(adnn_optimizer o, ad_tree *state, ad_tree *gradients, ad_tree *m_tree, ad_tree *v_tree, ad_tree **parameters, ad_array **leaves,
                       int count)
{
    bool adam = o.rule == ADNN_ADAM;
    int64_t t = adam ? ad_item_int(ad_tree_get(state, "t")) + 1 : 0;
    ad_array **g = leaves, **v = g + count, **m = v + count, **x = m + count;
    ad_tree_leaves(gradients, g, count);
    ad_tree_leaves(v_tree, v, count);
    ad_tree_leaves(m_tree, m, count);
    ad_tree_leaves(*parameters, x, count);
    for (int i = 0; i < count; i++) {
        if (adam)
            adam_step(o, t, g[i], &m[i], &v[i], &x[i]);
        else
            sgd_step(o, g[i], &v[i], &x[i]);
    }
    if (ad_failed())
        return NULL;
    ad_tree *updated = ad_tree_with_leaves(*parameters, x), *new_v = ad_tree_with_leaves(v_tree, v);
    ad_tree *new_state = adam ? ad_tree_of("m", ad_tree_with_leaves(m_tree, m), "v", new_v, "t", t) : ad_tree_of("v", new_v);
    if (!updated || !new_state)
        return NULL;
    *parameters = updated;
    return new_state;
}

ad_tree *adnn_optimizer_update(adnn_optimizer optimizer, ad_tree *state, ad_tree *gradients, ad_tree **parameters)
{
    const char *name = "adnn_optimizer_update";
    if (!known(optimizer) || !adnn_given(state, name, "state") || !adnn_given(gradients, name, "tree of gradients") ||
        !adnn_given(parameters, name, "address of the parameters") || !adnn_given(*parameters, name, "tree of parameters"))
        return NULL;
    if (!ad_tree_same_structure(gradients, *parameters))
        return ad_set_error(AD_ERROR_VALUE, "adnn_optimizer_update: the gradients have another structure than the parameters");
    bool adam = optimizer.rule == ADNN_ADAM;
    ad_tree *v_tree = ad_tree_sub(state, "v"), *m_tree = adam ? ad_tree_sub(state, "m") : v_tree;
    int count = ad_tree_leaf_count(gradients);
    if (!v_tree || !m_tree)
        return NULL;
    if (ad_tree_leaf_count(v_tree) != count || ad_tree_leaf_count(m_tree) != count)
        return ad_set_error(AD_ERROR_VALUE, "adnn_optimizer_update: the state is not one for these parameters");
    ad_array **leaves = ad_memory_take(4 * (size_t)count * sizeof *leaves);
    if (!leaves)
        return NULL;
    ad_tree *new_state = update(optimizer, state, gradients, m_tree, v_tree, parameters, leaves, count);
    ad_memory_give(leaves);
    return new_state;
}
