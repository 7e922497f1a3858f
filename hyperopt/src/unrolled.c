/* The same run as a composition of public operations, in floating point. All derivatives but the first reverse one and
 * the first forward one go through it.
 *
 * All iterations are remembered. Its values differ from the fixed-point run's by rounding, which a chaotic run
 * amplifies. */
#include "run.h"

/* One schedule, ready to be read: its values at every iteration, or one for all of them. */
typedef struct {
    ad_tree *times;  /* one array for each iteration, or NULL */
    ad_array *value;
} rate;

/* What an iteration works on: arrays of every leaf of x, and theta. */
typedef struct {
    ad_array **inputs, **theta, **state[HYPER_STATES], **gradient;
    ad_array **product[HYPER_RATES]; /* over time, of momenta that are corrected */
    rate *rates[HYPER_RATES];
    ad_tree *theta_tree;
} unrolled;

static rate rate_of(const hyper_run *run, const hyper_schedule *s, ad_array *const *inputs)
{
    if (s->input < 0)
        return (rate){ .value = ad_scalar(*s->values) };
    ad_array *x = inputs[s->input];
    return s->time_stride && run->training.iterations > 0 ? (rate){ .times = ad_unstack(x) } : (rate){ .value = x };
}

static ad_array *rate_at(const rate *r, int64_t t)
{
    return r->times ? ad_tree_array_at(r->times, (int)t) : r->value;
}

/* x in the dtypes that the loss takes. */
static ad_tree *position(const hyper_run *run, const unrolled *u)
{
    ad_array **leaves = run->leaf_room;
    for (int k = 0; k < run->leaf_count; k++)
        if (!(leaves[k] = ad_astype(u->state[0][k], run->leaves[k].dtype)))
            return NULL;
    return ad_tree_with_leaves(run->state_part[0].tree, leaves);
}

/* ---- the dynamics ----
 *
 * Each function makes the state of leaf k after the iteration. A rate may have an axis of time of length one before the
 * axes of the leaf, which the reshapes take off. */

static bool descend(const hyper_run *run, const unrolled *u, int k, int64_t t)
{
    ad_shape shape = run->leaves[k].shape;
    ad_array **x = &u->state[0][k], **v = &u->state[1][k];
    ad_array *alpha = rate_at(&u->rates[0][k], t), *beta = rate_at(&u->rates[1][k], t);
    *v = ad_reshape(ad_sub(ad_mul(beta, *v), ad_mul(ad_sub(1, beta), u->gradient[k])), shape);
    *x = ad_reshape(ad_add(*x, ad_mul(alpha, *v)), shape);
    return *x != NULL;
}

/* x / (1 - product), for the rate that is this correction. */
static ad_array *corrected(const hyper_run *run, const unrolled *u, int r, int k, int64_t t, ad_array *x)
{
    ad_array **product = &u->product[r][k], *momentum = rate_at(&u->rates[run->dynamics->rate_corrects[r]][k], t);
    int64_t first = run->training.first;
    *product = t > 0 ? ad_mul(*product, momentum) : ad_pow(momentum, (double)first + 1);
    return ad_div(x, ad_sub(1, *product));
}

/* A square root whose derivative is 0 at 0. */
static ad_array *root_of(ad_array *x)
{
    ad_array *positive = ad_greater(x, 0);
    return ad_where(positive, ad_sqrt(ad_where(positive, x, 1)), 0);
}

static bool adapt(const hyper_run *run, const unrolled *u, int k, int64_t t)
{
    enum { ALPHA, BETA1, EPSILON, DECAY, CORRECTION1, BETA2, CORRECTION2 };
    bool sum = run->dynamics == &hyper_adam_sum_dynamics;
    ad_shape shape = run->leaves[k].shape;
    ad_array **x = &u->state[0][k], **m = &u->state[1][k], **s = &u->state[2][k], *g = ad_astype(u->gradient[k], AD_F64), *square = ad_square(g);
    ad_array *alpha = rate_at(&u->rates[ALPHA][k], t), *beta1 = rate_at(&u->rates[BETA1][k], t), *beta2 = sum ? NULL : rate_at(&u->rates[BETA2][k], t);
    *m = ad_reshape(ad_add(ad_mul(beta1, *m), ad_mul(ad_sub(1, beta1), g)), shape);
    *s = sum ? ad_add(*s, square) : ad_reshape(ad_add(ad_mul(beta2, *s), ad_mul(ad_sub(1, beta2), square)), shape);
    ad_array *mh = corrected(run, u, CORRECTION1, k, t, *m), *sh = sum ? *s : corrected(run, u, CORRECTION2, k, t, *s);
    ad_array *step = ad_mul(alpha, ad_div(mh, ad_add(root_of(sh), rate_at(&u->rates[EPSILON][k], t))));
    ad_array *kept = ad_sub(1, ad_mul(alpha, rate_at(&u->rates[DECAY][k], t)));
    *x = ad_reshape(ad_sub(ad_mul(kept, *x), step), shape);
    return *x != NULL;
}

static bool advance(const hyper_run *run, const unrolled *u, int64_t t)
{
    bool (*step)(const hyper_run *, const unrolled *, int, int64_t) = run->dynamics == &hyper_sgd_dynamics ? descend : adapt;
    hyper_call call = { run, t };
    ad_tree *x = position(run, u), *slope = x ? hyper_gradient_of(x, u->theta_tree, &call) : NULL;
    if (!slope || ad_tree_leaves(slope, u->gradient, run->leaf_count) != run->leaf_count)
        return false;
    for (int k = 0; k < run->leaf_count; k++)
        if (!step(run, u, k, t))
            return false;
    return true;
}

/* ---- all of it ---- */

static bool unrolled_new(const hyper_run *run, unrolled *u)
{
    int64_t n = run->leaf_count, arrays = run->input_count + run->theta_part.count + (HYPER_STATES + 1 + HYPER_RATES) * n;
    u->inputs = hyper_room(arrays, sizeof *u->inputs);
    u->rates[0] = hyper_room(HYPER_RATES * n, sizeof **u->rates);
    if (!u->inputs || !u->rates[0])
        return false;
    u->theta = u->inputs + run->input_count;
    u->gradient = u->theta + run->theta_part.count;
    for (int s = 0; s < HYPER_STATES; s++)
        u->state[s] = u->gradient + (s + 1) * n;
    for (int r = 0; r < HYPER_RATES; r++) {
        u->product[r] = u->gradient + (HYPER_STATES + 1 + r) * n;
        u->rates[r] = u->rates[0] + r * n;
    }
    return true;
}

static void begin(const hyper_run *run, ad_tree *leaves, unrolled *u)
{
    ad_tree_leaves(leaves, u->inputs, run->input_count);
    for (int i = 0; i < run->theta_part.count; i++)
        u->theta[i] = u->inputs[run->theta_part.first + i];
    u->theta_tree = ad_tree_with_leaves(run->theta_part.tree, u->theta);
    for (int k = 0; k < run->leaf_count; k++) {
        for (int s = 0; s < run->dynamics->state_count; s++) {
            hyper_part part = run->state_part[s];
            u->state[s][k] = part.given ? ad_astype(u->inputs[part.first + k], AD_F64) : ad_zeros(run->leaves[k].shape);
        }
        for (int r = 0; r < run->dynamics->rate_count; r++)
            if (!run->dynamics->rate_corrects[r])
                u->rates[r][k] = rate_of(run, &run->leaves[k].rate[r], u->inputs);
    }
}

static ad_array *state_as_vector(const hyper_run *run, const unrolled *u, int s)
{
    ad_tree *tree = ad_tree_with_leaves(run->state_part[0].tree, u->state[s]);
    return tree ? ad_flatten(tree) : NULL;
}

static ad_tree *unroll(const hyper_run *run, const unrolled *u)
{
    const hyper_training *training = &run->training;
    ad_array *along = ad_scalar(0);
    for (int64_t t = 0; t < training->iterations; t++) {
        if (!u->theta_tree || !advance(run, u, t))
            return NULL;
        if (!hyper_is_along(run, t + 1))
            continue;
        ad_tree *x = position(run, u);
        along = ad_add(along, x ? training->meta_loss(x, u->theta_tree, t + 1 + training->first, training->context) : NULL);
    }
    if (run->result == HYPER_ALONG)
        return ad_list_of(ad_div(along, training->iterations / training->meta_every));
    ad_tree_item items[HYPER_STATES];
    int count = run->result == HYPER_STATE ? run->dynamics->state_count : 1;
    for (int s = 0; s < count; s++)
        items[s] = (ad_tree_item){ AD_ITEM_ARRAY, state_as_vector(run, u, s) };
    return ad_list_from(items, count);
}

ad_tree *hyper_unrolled(ad_tree *leaves, void *context)
{
    const hyper_run *run = context;
    unrolled u = { 0 };
    ad_tree *outputs = NULL;
    if (unrolled_new(run, &u)) {
        begin(run, leaves, &u);
        outputs = unroll(run, &u);
    }
    ad_memory_give(u.inputs);
    ad_memory_give(u.rates[0]);
    return outputs;
}
