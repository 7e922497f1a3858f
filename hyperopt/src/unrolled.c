/* The same run as a composition of public operations, in floating point: what derivatives of other kinds than the first reverse one go through.
 *
 * All of it is remembered. Its values differ from the fixed-point run's by rounding, which a chaotic run amplifies. */
#include "run.h"

/* One schedule, ready to be read: its values at every iteration, or one for all of them. */
typedef struct {
    ad_tree *times;  /* by iteration, or NULL */
    ad_array *value;
} rate;

static rate rate_of(const hyper_schedule *s, ad_array *x, int64_t iterations)
{
    return s->time_stride && iterations > 0 ? (rate){ .times = ad_unstack(x) } : (rate){ .value = x };
}

static ad_array *rate_at(const rate *r, int64_t t)
{
    return r->times ? ad_tree_array_at(r->times, (int)t) : r->value;
}

/* beta with the value it has in the integer dynamics, and its own derivative. */
static ad_array *rounded_momentum(ad_array *beta)
{
    ad_array *constant = ad_astype(ad_stop_gradient(beta), AD_F64);
    ad_array *rounded = ad_div(ad_maximum(ad_rint(ad_mul(constant, (double)HYPER_MOMENTUM_ONE)), 1), (double)HYPER_MOMENTUM_ONE);
    return ad_add(rounded, ad_sub(beta, ad_stop_gradient(beta)));
}

/* x in the dtypes that the loss takes. */
static ad_tree *tree_of(const hyper_run *run, ad_array *const *x)
{
    ad_array *leaves[run->leaves + 1];
    for (int k = 0; k < run->leaves; k++)
        if (!(leaves[k] = ad_astype(x[k], run->leaf[k].dtype)))
            return NULL;
    return ad_tree_with_leaves(run->x_part.tree, leaves);
}

/* A rate may have an axis of time of length one in front of those of the leaf: the reshapes take it off. */
static bool advance(const hyper_run *run, ad_array **x, ad_array **v, ad_array *const *g, const rate *alpha, const rate *beta, int64_t t)
{
    for (int k = 0; k < run->leaves; k++) {
        const hyper_leaf *leaf = &run->leaf[k];
        ad_array *b = rate_at(&beta[k], t);
        v[k] = ad_reshape(ad_sub(ad_mul(b, v[k]), ad_mul(ad_sub(1, b), g[k])), leaf->shape);
        x[k] = ad_reshape(ad_add(x[k], ad_mul(rate_at(&alpha[k], t), v[k])), leaf->shape);
        if (!x[k])
            return false;
    }
    return true;
}

ad_array *hyper_unrolled(ad_tree *leaves, void *context)
{
    const hyper_run *run = context;
    int n = run->leaves;
    ad_array *inputs[run->inputs + 1], *x[n + 1], *v[n + 1], *g[n + 1], *theta[run->theta_part.count + 1];
    rate alpha[n + 1], beta[n + 1];
    ad_tree_leaves(leaves, inputs, run->inputs);
    for (int i = 0; i < run->theta_part.count; i++)
        theta[i] = inputs[run->theta_part.first + i];
    ad_tree *others = ad_tree_with_leaves(run->theta_part.tree, theta);
    ad_tree *(*gradient)(ad_tree *, ad_tree *, void *) = ad_grad(hyper_loss_at);
    for (int k = 0; k < n; k++) {
        const hyper_leaf *leaf = &run->leaf[k];
        x[k] = ad_astype(inputs[run->x_part.first + k], AD_F64);
        v[k] = run->v_part.given ? inputs[run->v_part.first + k] : ad_zeros_like(x[k]);
        alpha[k] = rate_of(&leaf->alpha, inputs[leaf->alpha.input], run->training.iterations);
        beta[k] = rate_of(&leaf->beta, rounded_momentum(inputs[leaf->beta.input]), run->training.iterations);
    }
    for (int64_t t = 0; t < run->training.iterations; t++) {
        hyper_step step = { &run->training, t };
        ad_tree *now = tree_of(run, x);
        ad_tree *slope = now && others && gradient ? gradient(now, others, &step) : NULL;
        if (!slope || ad_tree_leaves(slope, g, n) != n || !advance(run, x, v, g, alpha, beta, t))
            return NULL;
    }
    ad_tree *final = ad_tree_with_leaves(run->x_part.tree, x);
    return final ? ad_flatten(final) : NULL;
}
