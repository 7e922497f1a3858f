/* Gradients of the loss and their products, through libad.
 *
 * Going back needs the gradient g at x, to undo its step. It also needs the transposed product of the derivative of g
 * with a direction, in x and theta. The derivative of a gradient is symmetric. So the product is the tangent of the
 * gradient in both along (direction, 0), and one pass of forward over reverse mode gives it together with g. This does
 * not hold for a direction in place of a loss, and Adam's product needs g first: these two take a pullback. Only those
 * leaves of theta take part in which somebody differentiates. The bits of g are the same in every way. */
#include "run.h"

#include <math.h>

/* ---- the user's functions ---- */

ad_array *hyper_loss_at(ad_tree *x, ad_tree *theta, void *call)
{
    const hyper_call *c = call;
    const hyper_training *t = &c->run->training;
    return t->loss(x, theta, c->iteration + t->first, t->context);
}

static ad_array *meta_loss_at(ad_tree *x, ad_tree *theta, void *call)
{
    const hyper_call *c = call;
    const hyper_training *t = &c->run->training;
    return t->meta_loss(x, theta, c->iteration + t->first, t->context);
}

/* theta with its wanted leaves taken from a list. */
static ad_tree *theta_with(const hyper_run *run, ad_tree *wanted)
{
    ad_array **leaves = run->leaf_room;
    if (run->wanted_theta_count == 0)
        return run->theta_part.tree;
    ad_tree_leaves(run->theta_part.tree, leaves, run->theta_part.count);
    for (int i = 0; i < run->wanted_theta_count; i++)
        leaves[run->wanted_thetas[i]] = ad_tree_array_at(wanted, i);
    return ad_tree_with_leaves(run->theta_part.tree, leaves);
}

static ad_tree *wanted_of_theta(const hyper_run *run)
{
    ad_array **leaves = run->leaf_room;
    ad_tree_item *items = hyper_room(run->wanted_theta_count, sizeof *items);
    ad_tree_leaves(run->theta_part.tree, leaves, run->theta_part.count);
    for (int i = 0; items && i < run->wanted_theta_count; i++)
        items[i] = (ad_tree_item){ AD_ITEM_ARRAY, leaves[run->wanted_thetas[i]] };
    ad_tree *wanted = items ? ad_list_from(items, run->wanted_theta_count) : NULL;
    ad_memory_give(items);
    return wanted;
}

static ad_array *loss_of_both(ad_tree *both, void *call)
{
    const hyper_call *c = call;
    ad_tree *theta = theta_with(c->run, ad_tree_sub(both, "theta"));
    return theta ? hyper_loss_at(ad_tree_sub(both, "x"), theta, call) : NULL;
}

static ad_array *meta_of_both(ad_tree *both, void *call)
{
    const hyper_call *c = call;
    ad_tree *theta = theta_with(c->run, ad_tree_sub(both, "theta"));
    return theta ? meta_loss_at(ad_tree_sub(both, "x"), theta, call) : NULL;
}

/* The gradients in x and in the wanted leaves of theta, together. */
static ad_tree *joint_gradient(ad_tree *x, ad_tree *wanted, void *call)
{
    return ad_grad(loss_of_both)(ad_tree_of("x", x, "theta", wanted), call);
}

ad_tree *hyper_gradient_of(ad_tree *x, ad_tree *theta, void *call)
{
    const hyper_call *c = call;
    const hyper_training *t = &c->run->training;
    return t->direction ? t->direction(x, theta, c->iteration + t->first, t->context) : ad_grad(hyper_loss_at)(x, theta, call);
}

static ad_tree *gradient_of_both(ad_tree *both, void *call)
{
    const hyper_call *c = call;
    ad_tree *theta = theta_with(c->run, ad_tree_sub(both, "theta"));
    return theta ? hyper_gradient_of(ad_tree_sub(both, "x"), theta, call) : NULL;
}

/* ---- what they give ---- */

/* From here on errors name the iteration. Gives what they named before. */
static const char *enter(hyper_run *run, int64_t t)
{
    snprintf(run->place, sizeof run->place, "in iteration %lld of %s", (long long)(t + run->training.first), run->name);
    return ad_error_context(run->place);
}

static bool leave(const char *before, bool done)
{
    ad_error_context(before);
    return done;
}

static bool fits(const hyper_run *run, const ad_tree *slope)
{
    if (!ad_tree_same_structure(slope, run->state_part[0].tree))
        return ad_set_error(AD_ERROR_SHAPE, "%s: the direction is a tree of another structure than x", run->name), false;
    ad_tree_leaves(slope, run->leaf_room, run->leaf_count);
    for (int k = 0; k < run->leaf_count; k++) {
        const hyper_leaf *leaf = &run->leaves[k];
        if (!ad_shape_equal(ad_shape_of(run->leaf_room[k]), leaf->shape))
            return ad_set_error(AD_ERROR_SHAPE, "%s: the direction for %s has shape %s, not %s", run->name, leaf->path,
                                HYPER_SHAPE_TEXT(ad_shape_of(run->leaf_room[k])), HYPER_SHAPE_TEXT(leaf->shape)), false;
    }
    return true;
}

/* The addresses of a tree's values, in the dtypes of x. */
static bool point(const hyper_run *run, const ad_tree *slope, const void **data)
{
    ad_array **leaves = run->leaf_room;
    if (!slope || (run->training.direction && !fits(run, slope)))
        return false;
    ad_tree_leaves(slope, leaves, run->leaf_count);
    for (int k = 0; k < run->leaf_count; k++) {
        const hyper_leaf *leaf = &run->leaves[k];
        ad_array *x = ad_dtype_of(leaves[k]) == leaf->dtype ? leaves[k] : ad_astype(leaves[k], leaf->dtype);
        if (!x || (!(data[k] = ad_data(x)) && leaf->size > 0))
            return false;
    }
    return true;
}

/* x is made and dropped inside. When this returns, its memory may be written to, unless somebody kept it. */
static ad_tree *gradient(hyper_run *run, int64_t t, double *loss)
{
    AD_SCOPE;
    hyper_call call = { run, t };
    ad_tree *x = hyper_values_tree(run, run->x_values), *g = NULL;
    *loss = NAN;
    if (!x)
        return NULL;
    if (run->training.direction) {
        g = hyper_gradient_of(x, run->theta_part.tree, &call);
    } else {
        ad_array *value = ad_value_and_grad(hyper_loss_at)(x, run->theta_part.tree, (void *)&call, &g);
        *loss = value ? ad_item(value) : NAN;
    }
    return g ? ad_tree_escape(g) : NULL;
}

bool hyper_gradient_at(hyper_run *run, int64_t t, hyper_slopes *slopes)
{
    const char *before = enter(run, t);
    *slopes = (hyper_slopes){ 0 };
    slopes->gradient = gradient(run, t, &slopes->loss);
    return leave(before, slopes->gradient && point(run, slopes->gradient, run->gradient_data));
}

/* The gradient in x, and in the wanted leaves of theta if there are any, and its tangent along the direction. */
static bool pushed(hyper_run *run, int64_t t, ad_tree **gradient, ad_tree **tangent)
{
    AD_SCOPE;
    hyper_call call = { run, t };
    ad_tree *x = hyper_values_tree(run, run->x_values), *direction = hyper_values_tree(run, run->direction_values);
    ad_tree *wanted = run->wanted_theta_count ? wanted_of_theta(run) : NULL;
    if (!x || !direction || (run->wanted_theta_count && !wanted))
        return false;
    *gradient = wanted ? ad_jvp(joint_gradient, x, wanted, (void *)&call, direction, tangent)
                       : ad_jvp(hyper_gradient_of, x, run->theta_part.tree, (void *)&call, direction, tangent);
    return *gradient && *tangent && ad_tree_escape(*gradient) && ad_tree_escape(*tangent);
}

bool hyper_products_at(hyper_run *run, int64_t t, hyper_slopes *slopes)
{
    const char *before = enter(run, t);
    ad_tree *gradient = NULL, *tangent = NULL;
    *slopes = (hyper_slopes){ .loss = NAN };
    if (!pushed(run, t, &gradient, &tangent))
        return leave(before, false);
    bool both = run->wanted_theta_count > 0;
    slopes->gradient = both ? ad_tree_sub(gradient, "x") : gradient;
    slopes->product = both ? ad_tree_sub(tangent, "x") : tangent;
    slopes->theta = both ? ad_tree_sub(tangent, "theta") : NULL;
    return leave(before, point(run, slopes->gradient, run->gradient_data) && point(run, slopes->product, run->product_data));
}

bool hyper_pullback_at(hyper_run *run, int64_t t, hyper_slopes *slopes)
{
    const char *before = enter(run, t);
    hyper_call call = { run, t };
    ad_tree *both = ad_tree_of("x", hyper_values_tree(run, run->x_values), "theta", wanted_of_theta(run));
    *slopes = (hyper_slopes){ .loss = NAN };
    slopes->gradient = both ? ad_vjp(gradient_of_both, both, (void *)&call, &slopes->pull) : NULL;
    return leave(before, slopes->gradient && point(run, slopes->gradient, run->gradient_data));
}

bool hyper_product_by_pullback(hyper_run *run, hyper_slopes *slopes)
{
    const char *before = ad_error_context(run->place);
    ad_tree *direction = hyper_values_tree(run, run->direction_values), *h = direction ? ad_vjp_apply_any(slopes->pull, direction) : NULL;
    if (!h)
        return leave(before, false);
    slopes->product = ad_tree_sub(h, "x");
    slopes->theta = ad_tree_sub(h, "theta");
    return leave(before, point(run, slopes->product, run->product_data));
}

/* ---- the meta-loss ---- */

double hyper_meta_value(hyper_run *run, int64_t t)
{
    AD_SCOPE;
    const char *before = enter(run, t);
    hyper_call call = { run, t };
    ad_tree *x = hyper_values_tree(run, run->x_values);
    ad_array *value = x ? meta_loss_at(x, run->theta_part.tree, &call) : NULL;
    double loss = value ? ad_item(value) : NAN;
    if (isnan(loss) && !ad_failed())
        ad_set_error(AD_ERROR_NUMERIC, "%s: the meta-loss is %s", run->name, value ? "NaN" : "NULL");
    leave(before, true);
    return loss;
}

bool hyper_meta_at(hyper_run *run, int64_t t, hyper_slopes *slopes)
{
    const char *before = enter(run, t);
    hyper_call call = { run, t };
    ad_tree *both = ad_tree_of("x", hyper_values_tree(run, run->x_values), "theta", wanted_of_theta(run)), *g = NULL;
    ad_array *value = both ? ad_value_and_grad(meta_of_both)(both, (void *)&call, &g) : NULL;
    *slopes = (hyper_slopes){ .loss = value ? ad_item(value) : NAN };
    if (!g)
        return leave(before, false);
    slopes->gradient = ad_tree_sub(g, "x");
    slopes->theta = ad_tree_sub(g, "theta");
    return leave(before, point(run, slopes->gradient, run->gradient_data));
}

static ad_tree *direction_of_both(const hyper_run *run, ad_tree *theta)
{
    ad_tree *x = hyper_values_tree(run, run->direction_values);
    return x && theta ? ad_tree_of("x", x, "theta", theta) : NULL;
}

bool hyper_meta_tangent_at(hyper_run *run, int64_t t, ad_tree *theta, double *slope)
{
    AD_SCOPE;
    const char *before = enter(run, t);
    hyper_call call = { run, t };
    ad_tree *x = hyper_values_tree(run, run->x_values);
    ad_array *tangent = NULL;
    if (x && theta)
        ad_jvp(meta_of_both, ad_tree_of("x", x, "theta", wanted_of_theta(run)), (void *)&call, direction_of_both(run, theta), &tangent);
    else if (x)
        ad_jvp(meta_loss_at, x, run->theta_part.tree, (void *)&call, hyper_values_tree(run, run->direction_values), &tangent);
    *slope = tangent ? ad_item(tangent) : NAN;
    return leave(before, tangent && !ad_failed());
}

bool hyper_tangent_at(hyper_run *run, int64_t t, ad_tree *theta, hyper_slopes *slopes)
{
    const char *before = enter(run, t);
    hyper_call call = { run, t };
    ad_tree *x = hyper_values_tree(run, run->x_values);
    *slopes = (hyper_slopes){ .loss = NAN };
    if (x && theta)
        ad_jvp(gradient_of_both, ad_tree_of("x", x, "theta", wanted_of_theta(run)), (void *)&call, direction_of_both(run, theta), &slopes->product);
    else if (x)
        ad_jvp(hyper_gradient_of, x, run->theta_part.tree, (void *)&call, hyper_values_tree(run, run->direction_values), &slopes->product);
    return leave(before, slopes->product && point(run, slopes->product, run->product_data));
}

/* ---- theta ---- */

bool hyper_add_theta(hyper_run *run, ad_tree *terms, double factor)
{
    for (int i = 0; i < run->wanted_theta_count; i++) {
        ad_array **sum = &run->gradients[run->theta_part.first + run->wanted_thetas[i]], *term = ad_tree_array_at(terms, i);
        if (factor != 1 && factor != -1)
            term = ad_mul(term, factor);
        ad_array *next = !*sum ? factor == -1 ? ad_neg(term) : term : factor == -1 ? ad_sub(*sum, term) : ad_add(*sum, term);
        if (!ad_assign(sum, next))
            return false;
    }
    return true;
}

/* ---- closures ---- */

/* Which of the user's functions is traced although x and theta are constants; NULL: none. */
static const char *function_that_is_not(hyper_run *run)
{
    hyper_call first = { run, 0 }, later = { run, run->training.meta_every };
    ad_tree *x = run->state_part[0].tree, *theta = run->theta_part.tree;
    if (run->training.direction) {
        ad_tree *slope = hyper_gradient_of(x, theta, &first);
        int count = slope ? ad_tree_leaves(slope, run->leaf_room, run->leaf_count) : 0;
        for (int k = 0; k < count && k < run->leaf_count; k++)
            if (ad_is_traced(run->leaf_room[k]))
                return "direction";
    } else {
        ad_array *loss = hyper_loss_at(x, theta, &first);
        if (loss && ad_is_traced(loss))
            return "loss";
    }
    ad_array *meta = run->result == HYPER_ALONG && !ad_failed() ? meta_loss_at(x, theta, &later) : NULL;
    return meta && ad_is_traced(meta) ? "meta_loss" : NULL;
}

bool hyper_loss_is_closed(hyper_run *run)
{
    if (!ad_is_differentiating() || run->training.iterations == 0)
        return true;
    AD_SCOPE;
    const char *before = enter(run, 0), *open = function_that_is_not(run);
    if (open)
        ad_set_error(AD_ERROR_TRANSFORM, "%s: the %s depends on an array that is being differentiated and is neither in x nor in theta; pass it in theta",
                     run->name, open);
    return leave(before, !ad_failed());
}
