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
    ad_array **leaves = run->few;
    for (int k = 0; k < run->leaves; k++)
        if (!(leaves[k] = ad_astype(x[k], run->leaf[k].dtype)))
            return NULL;
    return ad_tree_with_leaves(run->x_part.tree, leaves);
}

/* What an iteration works on: of every leaf of x but for inputs and theta, in two blocks. */
typedef struct {
    ad_array **inputs, **theta, **x, **v, **g;
    rate *alpha, *beta;
} state;

static bool state_new(const hyper_run *run, state *s)
{
    int n = run->leaves;
    s->inputs = hyper_room((int64_t)run->inputs + run->theta_part.count + 3 * (int64_t)n, sizeof *s->inputs);
    s->alpha = hyper_room(2 * (int64_t)n, sizeof *s->alpha);
    if (!s->inputs || !s->alpha)
        return false;
    s->theta = s->inputs + run->inputs;
    s->x = s->theta + run->theta_part.count;
    s->v = s->x + n;
    s->g = s->v + n;
    s->beta = s->alpha + n;
    return true;
}

/* A rate may have an axis of time of length one in front of those of the leaf: the reshapes take it off. */
static bool advance(const hyper_run *run, const state *s, int64_t t)
{
    ad_array **x = s->x, **v = s->v;
    for (int k = 0; k < run->leaves; k++) {
        const hyper_leaf *leaf = &run->leaf[k];
        ad_array *b = rate_at(&s->beta[k], t);
        v[k] = ad_reshape(ad_sub(ad_mul(b, v[k]), ad_mul(ad_sub(1, b), s->g[k])), leaf->shape);
        x[k] = ad_reshape(ad_add(x[k], ad_mul(rate_at(&s->alpha[k], t), v[k])), leaf->shape);
        if (!x[k])
            return false;
    }
    return true;
}

static ad_array *unroll(const hyper_run *run, ad_tree *leaves, const state *s)
{
    int n = run->leaves;
    ad_tree_leaves(leaves, s->inputs, run->inputs);
    for (int i = 0; i < run->theta_part.count; i++)
        s->theta[i] = s->inputs[run->theta_part.first + i];
    ad_tree *others = ad_tree_with_leaves(run->theta_part.tree, s->theta);
    ad_tree *(*gradient)(ad_tree *, ad_tree *, void *) = ad_grad(hyper_loss_at);
    for (int k = 0; k < n; k++) {
        const hyper_leaf *leaf = &run->leaf[k];
        s->x[k] = ad_astype(s->inputs[run->x_part.first + k], AD_F64);
        s->v[k] = run->v_part.given ? s->inputs[run->v_part.first + k] : ad_zeros_like(s->x[k]);
        s->alpha[k] = rate_of(&leaf->alpha, s->inputs[leaf->alpha.input], run->training.iterations);
        s->beta[k] = rate_of(&leaf->beta, rounded_momentum(s->inputs[leaf->beta.input]), run->training.iterations);
    }
    for (int64_t t = 0; t < run->training.iterations; t++) {
        hyper_step step = { &run->training, t };
        ad_tree *now = tree_of(run, s->x);
        ad_tree *slope = now && others && gradient ? gradient(now, others, &step) : NULL;
        if (!slope || ad_tree_leaves(slope, s->g, n) != n || !advance(run, s, t))
            return NULL;
    }
    ad_tree *final = ad_tree_with_leaves(run->x_part.tree, s->x);
    return final ? ad_flatten(final) : NULL;
}

ad_array *hyper_unrolled(ad_tree *leaves, void *context)
{
    state s = { 0 };
    ad_array *x = state_new(context, &s) ? unroll(context, leaves, &s) : NULL;
    ad_memory_give(s.inputs);
    ad_memory_give(s.alpha);
    return x;
}
