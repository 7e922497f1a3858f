/* Optimizers: pure functions from (state, gradients, parameters) to a new state and new parameters.
 *
 * The state is a tree of trees like the parameters, "v" and for some rules "m", and the step count "t" where a rule
 * needs it. The formulas are written here in operations, so that steps can be differentiated. step.c has them once
 * more, as one pass over a leaf. It gives the same bits, and is used where nothing is being differentiated. */
#include "step.h"
#include <float.h>

static bool known(adnn_optimizer optimizer)
{
    bool known = false;
    switch (optimizer.rule) {
    case ADNN_SGD:
    case ADNN_ADAM:
    case ADNN_RMSPROP:
    case ADNN_ADAMW:
    case ADNN_ADAGRAD: known = true;
    }
    if (!known)
        ad_set_error(AD_ERROR_VALUE, "adnn_optimizer: %d is not a rule", (int)optimizer.rule);
    else if (optimizer.weight_decay != 0 && optimizer.rule != ADNN_ADAMW)
        ad_set_error(AD_ERROR_VALUE, "adnn_optimizer: only adnn_adamw takes a weight_decay; for a penalty, add adnn_squared_norm to the loss");
    else
        return true;
    return false;
}

static bool has_m(adnn_rule rule)
{
    return rule == ADNN_ADAM || rule == ADNN_ADAMW || rule == ADNN_RMSPROP;
}

static bool has_t(adnn_rule rule)
{
    return rule == ADNN_ADAM || rule == ADNN_ADAMW;
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
    if (!has_m(optimizer.rule))
        return ad_tree_of("v", zeros);
    return has_t(optimizer.rule) ? ad_tree_of("m", zeros, "v", zeros, "t", 0) : ad_tree_of("m", zeros, "v", zeros);
}

/* ---- the rules, each for one leaf of x and of the trees of the state ---- */

static void sgd_step(adnn_optimizer o, ad_array *g, ad_array **v, ad_array **x)
{
    *v = o.momentum == 0 ? g : ad_add(ad_mul(*v, o.momentum), g);
    *x = ad_sub(*x, ad_mul(*v, o.step_size));
}

/* The root of v. The smallest normal number that is added disappears in rounding beside v, but gives the root a finite
 * slope where the squares underflowed. */
static ad_array *root_of(ad_array *v)
{
    return ad_sqrt(ad_add(v, ad_dtype_of(v) == AD_F32 ? FLT_MIN : DBL_MIN));
}

static ad_array *mean_square(adnn_optimizer o, ad_array *v, ad_array *g)
{
    return ad_add(ad_mul(v, o.beta2), ad_mul(ad_square(g), 1 - o.beta2));
}

/* Kingma and Ba (2015), algorithm 1. adamw first makes the parameters smaller: Loshchilov and Hutter (2019), algorithm
 * 2, with the decay times the step size as in PyTorch. */
static void adam_step(const struct adnn_step *s, ad_array *g, ad_array **m, ad_array **v, ad_array **x)
{
    adnn_optimizer o = s->optimizer;
    *m = ad_add(ad_mul(*m, o.beta1), ad_mul(g, 1 - o.beta1));
    *v = mean_square(o, *v, g);
    ad_array *mean = ad_div(*m, s->m_sum), *square = ad_div(*v, s->v_sum);
    ad_array *kept = o.rule == ADNN_ADAMW ? ad_mul(*x, s->kept) : *x;
    *x = ad_sub(kept, ad_mul(o.step_size, ad_div(mean, ad_add(root_of(square), o.epsilon))));
}

/* Tieleman and Hinton (2012), lecture 6.5, with PyTorch's momentum, which is that of the scaled gradients. */
static void rmsprop_step(adnn_optimizer o, ad_array *g, ad_array **m, ad_array **v, ad_array **x)
{
    *v = mean_square(o, *v, g);
    ad_array *scaled = ad_div(g, ad_add(root_of(*v), o.epsilon));
    *m = o.momentum == 0 ? scaled : ad_add(ad_mul(*m, o.momentum), scaled);
    *x = ad_sub(*x, ad_mul(o.step_size, *m));
}

/* Duchi, Hazan and Singer (2011), with the diagonal of the squares. */
static void adagrad_step(adnn_optimizer o, ad_array *g, ad_array **v, ad_array **x)
{
    *v = ad_add(*v, ad_square(g));
    *x = ad_sub(*x, ad_mul(o.step_size, ad_div(g, ad_add(root_of(*v), o.epsilon))));
}

static void step(const struct adnn_step *s, ad_array *g, ad_array **m, ad_array **v, ad_array **x)
{
    switch (s->optimizer.rule) {
    case ADNN_SGD: sgd_step(s->optimizer, g, v, x); break;
    case ADNN_ADAM:
    case ADNN_ADAMW: adam_step(s, g, m, v, x); break;
    case ADNN_RMSPROP: rmsprop_step(s->optimizer, g, m, v, x); break;
    case ADNN_ADAGRAD: adagrad_step(s->optimizer, g, v, x); break;
    }
}

/* ---- all leaves ---- */

/* The numbers of step t that are the same for all leaves. */
static struct adnn_step step_of(adnn_optimizer o, int64_t t)
{
    struct adnn_step s = { .optimizer = o };
    s.m_sum = 1 - pow(o.beta1, (double)t);
    s.v_sum = 1 - pow(o.beta2, (double)t);
    s.kept = o.rule == ADNN_ADAMW ? 1 - o.step_size * o.weight_decay : 1;
    return s;
}

static ad_tree *state_of(adnn_rule rule, ad_tree *m, ad_tree *v, int64_t t)
{
    if (!has_m(rule))
        return ad_tree_of("v", v);
    return has_t(rule) ? ad_tree_of("m", m, "v", v, "t", t) : ad_tree_of("m", m, "v", v);
}

/* Gives the new state and parameters. `leaves` has room for those of four trees of `count`. */
static ad_tree *update(adnn_optimizer o, ad_tree *state, ad_tree *gradients, ad_tree *m_tree, ad_tree *v_tree, ad_tree **parameters, ad_array **leaves,
                       int count)
{
    int64_t steps = has_t(o.rule) ? ad_item_int(ad_tree_get(state, "t")) : 0;
    if (steps < 0 || steps == INT64_MAX)
        return ad_set_error(AD_ERROR_VALUE, "adnn_optimizer_update: \"t\" of the state is %lld, which is not a number of steps", (long long)steps);
    int64_t t = steps + has_t(o.rule);
    struct adnn_step s = step_of(o, t);
    ad_array **g = leaves, **v = g + count, **m = v + count, **x = m + count;
    ad_tree_leaves(gradients, g, count);
    ad_tree_leaves(v_tree, v, count);
    if (has_m(o.rule))
        ad_tree_leaves(m_tree, m, count);
    ad_tree_leaves(*parameters, x, count);
    for (int i = 0; i < count; i++)
        if (!adnn_step_in_one_pass(&s, g[i], &m[i], &v[i], &x[i]))
            step(&s, g[i], &m[i], &v[i], &x[i]);
    if (ad_failed())
        return NULL;
    ad_tree *updated = ad_tree_with_leaves(*parameters, x), *new_v = ad_tree_with_leaves(v_tree, v);
    ad_tree *new_state = state_of(o.rule, has_m(o.rule) ? ad_tree_with_leaves(m_tree, m) : NULL, new_v, t);
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
    ad_tree *v_tree = ad_tree_sub(state, "v"), *m_tree = has_m(optimizer.rule) ? ad_tree_sub(state, "m") : v_tree;
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
