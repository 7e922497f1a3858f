/* The reverse pass: the cotangents of all hyperparameters from that of the trained parameters, one iteration at a time.
 *
 * With dx, dv the cotangents of x_{t+1}, v_{t+1}, for t = T-1 .. 0:
 *
 *     dalpha_t  = sum(dx v_{t+1})                      over the elements that share it
 *     x_t       = x_{t+1} - alpha_t v_{t+1}            exactly
 *     g_t       = grad_x L(x_t, theta, t)              to the bit that of the forward pass
 *     v_t       = (v_{t+1} + (1 - beta_t) g_t) / beta_t   exactly, from the information buffer
 *     dv        = dv + alpha_t dx
 *     dbeta_t   = sum(dv (v_t + g_t))
 *     h         = grad_(x, theta) <grad_x L(x_t, theta, t), (1 - beta_t) dv>, dv held constant
 *     dx        = dx - h_x,   dtheta = dtheta - h_theta,   dv = beta_t dv.
 *
 * g_t and h come from one pullback of the gradient. */
#include "run.h"

/* What the pass carries along: vectors over the parameters, and the sums for schedules by input. */
typedef struct {
    double *dx, *dv, *term;
    double **schedule; /* NULL where an input is not one */
} adjoint;

static void adjoint_free(const hyper_run *run, adjoint *a)
{
    for (int i = 0; a->schedule && i < run->inputs; i++)
        ad_memory_give(a->schedule[i]);
    ad_memory_give(a->schedule);
    ad_memory_give(a->dx);
    ad_memory_give(a->dv);
    ad_memory_give(a->term);
}

static bool adjoint_new(const hyper_run *run, adjoint *a)
{
    int64_t n = run->count;
    bool done = (a->dx = hyper_room(n, sizeof *a->dx)) && (a->dv = hyper_room(n, sizeof *a->dv)) && (a->term = hyper_room(n, sizeof *a->term)) &&
                (a->schedule = hyper_room(run->inputs, sizeof *a->schedule));
    for (int i = 0; i < run->inputs && done; i++)
        if (run->values[i])
            done = (a->schedule[i] = hyper_room(ad_size(run->input[i]), sizeof(double))) != NULL;
    return done;
}

/* ---- one iteration ---- */

static ad_tree *joint_gradient(ad_tree *both, void *step)
{
    ad_tree *(*gradient)(ad_tree *, ad_tree *, void *) = ad_grad(hyper_loss_at);
    return gradient ? gradient(ad_tree_sub(both, "x"), ad_tree_sub(both, "theta"), step) : NULL;
}

/* run->real is x_t; sets run->gradient. Gives the pullback from g to (x, theta). */
static ad_pullback *gradient_pullback(hyper_run *run, int64_t t)
{
    hyper_step step = { &run->training, t };
    ad_tree *both = ad_tree_of("x", hyper_tree_of(run, run->real), "theta", run->theta_part.tree);
    ad_pullback *pull = NULL;
    ad_tree *g = both ? ad_vjp(joint_gradient, both, (void *)&step, &pull) : NULL;
    if (g && hyper_vector_of(run, g, run->gradient))
        return pull;
    ad_vjp_free(pull);
    return NULL;
}

/* dalpha_t or dbeta_t from a->term. */
static void add_to_schedules(const hyper_run *run, adjoint *a, int64_t t, bool momenta)
{
    for (int k = 0; k < run->leaves; k++) {
        const hyper_leaf *leaf = &run->leaf[k];
        const hyper_schedule *s = momenta ? &leaf->beta : &leaf->alpha;
        hyper_schedule_add(s, leaf, t, a->term + leaf->start, a->schedule[s->input]);
    }
}

static double beta_of(const hyper_run *run, const hyper_leaf *leaf, int64_t i)
{
    return run->beta[leaf->start + i * leaf->beta_stride] * (1.0 / HYPER_MOMENTUM_ONE);
}

/* dv += alpha dx; the terms of dbeta. run->real is v_t. */
static void through_position(const hyper_run *run, adjoint *a)
{
    for (int k = 0; k < run->leaves; k++) {
        const hyper_leaf *leaf = &run->leaf[k];
        for (int64_t i = 0; i < leaf->size; i++) {
            int64_t at = leaf->start + i;
            a->dv[at] += run->alpha[leaf->start + i * leaf->alpha_stride] * a->dx[at];
            a->term[at] = a->dv[at] * (run->real[at] + run->gradient[at]);
        }
    }
}

/* dtheta -= h_theta, in run->gradients. */
static bool through_theta(hyper_run *run, const ad_tree *h)
{
    ad_array **leaves = run->few;
    ad_tree_leaves(h, leaves, run->theta_part.count);
    for (int i = 0; i < run->theta_part.count; i++) {
        ad_array **sum = &run->gradients[run->theta_part.first + i];
        ad_dtype dtype = ad_dtype_of(leaves[i]);
        if (dtype == AD_I64 || dtype == AD_I32 || dtype == AD_U8 || dtype == AD_BOOL)
            continue;
        if (!ad_assign(sum, *sum ? ad_sub(*sum, leaves[i]) : ad_neg(leaves[i])))
            return false;
    }
    return true;
}

/* dx -= h_x, dtheta -= h_theta, dv = beta dv. */
static bool through_velocity(hyper_run *run, adjoint *a, ad_pullback *pull)
{
    for (int k = 0; k < run->leaves; k++) {
        const hyper_leaf *leaf = &run->leaf[k];
        for (int64_t i = 0; i < leaf->size; i++) {
            int64_t at = leaf->start + i;
            a->term[at] = (1 - beta_of(run, leaf, i)) * a->dv[at];
            a->dv[at] *= beta_of(run, leaf, i);
        }
    }
    ad_tree *direction = hyper_tree_of(run, a->term);
    ad_tree *h = direction ? ad_vjp_apply_any(pull, direction) : NULL;
    if (!h || !hyper_vector_of(run, ad_tree_sub(h, "x"), a->term) || !through_theta(run, ad_tree_sub(h, "theta")))
        return false;
    for (int64_t i = 0; i < run->count; i++)
        a->dx[i] -= a->term[i];
    return true;
}

static bool reverse_step(hyper_run *run, adjoint *a, int64_t t)
{
    AD_SCOPE;
    if (!hyper_rates_at(run, t))
        return false;
    hyper_fixed_decode(run->count, run->velocity, run->real);
    for (int64_t i = 0; i < run->count; i++)
        a->term[i] = a->dx[i] * run->real[i];
    add_to_schedules(run, a, t, false);
    if (!hyper_undo_position(run, t))
        return false;
    hyper_fixed_decode(run->count, run->position, run->real);
    ad_pullback *pull = gradient_pullback(run, t);
    bool done = pull && hyper_undo_velocity(run, t);
    if (done) {
        hyper_fixed_decode(run->count, run->velocity, run->real);
        through_position(run, a);
        add_to_schedules(run, a, t, true);
        done = through_velocity(run, a, pull);
    }
    ad_vjp_free(pull);
    return done;
}

/* ---- the pass ---- */

/* The accumulated vectors as arrays, into run->gradients. */
static bool keep_gradients(hyper_run *run, const adjoint *a)
{
    for (int i = 0; i < run->inputs; i++)
        if (run->values[i] && !(run->gradients[i] = ad_retain(ad_from(a->schedule[i], ad_shape_of(run->input[i])))))
            return false;
    for (int k = 0; k < run->leaves; k++) {
        const hyper_leaf *leaf = &run->leaf[k];
        if (!(run->gradients[run->x_part.first + k] = ad_retain(ad_from(a->dx + leaf->start, leaf->shape))))
            return false;
        if (run->v_part.given && !(run->gradients[run->v_part.first + k] = ad_retain(ad_from(a->dv + leaf->start, leaf->shape))))
            return false;
    }
    return true;
}

bool hyper_reverse(hyper_run *run, ad_array *cotangent)
{
    AD_SCOPE;
    adjoint a = { 0 };
    hyper_forget_gradients(run);
    bool done = (run->finished || hyper_forward(run)) && adjoint_new(run, &a) && ad_copy_to(cotangent, a.dx, run->count);
    double started = hyper_seconds();
    for (int64_t t = run->training.iterations - 1; t >= 0 && done; t--)
        done = reverse_step(run, &a, t);
    run->finished = false;
    done = done && hyper_check_undone(run) && keep_gradients(run, &a);
    adjoint_free(run, &a);
    if (!done) {
        hyper_forget_gradients(run);
        return false;
    }
    run->cotangent = ad_retain(cotangent);
    if (run->training.report) {
        run->training.report->seconds_reverse = hyper_seconds() - started;
        run->training.report->reversed_exactly = run->training.method == HYPER_REVERSE;
    }
    return true;
}
