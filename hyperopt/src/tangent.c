/* Forward mode: derivatives that are carried along with training, on the integers' trajectory.
 *
 * A tangent is a direction in the space of hypers, with dx, dv (or dx, dm, ds) that follow from it. Every iteration
 * takes one derivative of the gradient along it. Memory does not grow with the iterations. The forward rule of the
 * operation follows one tangent. HYPER_FORWARD follows one for every element of every leaf that is being
 * differentiated, a few at a time, and pairs their final values with the cotangents. */
#include "run.h"

#include <string.h>

enum { AT_ONCE = 8 };

typedef struct {
    ad_array **directions;        /* in every leaf of hypers, float64; NULL: zero */
    const double **rate_tangents; /* the elements of these, and after them those of the corrections */
    double **correction_tangents; /* of the corrections; NULL: zero */
    double *state[HYPER_STATES];
    ad_tree *theta;               /* the direction in the wanted leaves of theta; NULL: zero; retained */
    bool moving;                  /* x or theta has a direction by now */
    double along;
} tangent;

/* ---- one tangent ---- */

static void tangent_free(const hyper_run *run, tangent *a)
{
    for (int i = 0; a->directions && i < run->input_count; i++)
        ad_release(a->directions[i]);
    ad_memory_give(a->directions);
    ad_memory_give(a->rate_tangents);
    for (int i = 0; a->correction_tangents && i < run->correction_count; i++)
        ad_memory_give(a->correction_tangents[i]);
    ad_memory_give(a->correction_tangents);
    for (int s = 0; s < HYPER_STATES; s++)
        ad_memory_give(a->state[s]);
    ad_tree_release(a->theta);
}

/* The directions in theta, with zeros for those that have none. */
static bool theta_direction(const hyper_run *run, tangent *a)
{
    bool any = false;
    ad_tree_item *items = hyper_room(run->wanted_theta_count, sizeof *items);
    for (int i = 0; items && i < run->wanted_theta_count; i++) {
        int input = run->theta_part.first + run->wanted_thetas[i];
        ad_array *x = run->inputs[input];
        any |= a->directions[input] != NULL;
        items[i] = (ad_tree_item){ AD_ITEM_ARRAY, a->directions[input] ? ad_astype(a->directions[input], ad_dtype_of(x)) : ad_zeros_like(x) };
    }
    bool done = items != NULL;
    if (done && any)
        done = (a->theta = ad_tree_retain(ad_list_from(items, run->wanted_theta_count))) != NULL;
    ad_memory_give(items);
    a->moving |= any;
    return done;
}

/* The directions of the first state, from its leaves of hypers. */
static bool state_direction(const hyper_run *run, tangent *a, int s)
{
    hyper_part part = run->state_part[s];
    for (int k = 0; part.given && k < run->leaf_count; k++) {
        const hyper_leaf *leaf = &run->leaves[k];
        const ad_array *direction = a->directions[part.first + k];
        if (!direction)
            continue;
        a->moving |= s == 0;
        if (!ad_copy_to(direction, a->state[s] + leaf->start, leaf->size))
            return false;
    }
    return true;
}

static bool tangent_begin(const hyper_run *run, tangent *a)
{
    AD_SCOPE;
    a->moving = false;
    if (!(a->rate_tangents = hyper_room(run->input_count + run->correction_count, sizeof *a->rate_tangents)) ||
        !(a->correction_tangents = hyper_room(run->correction_count, sizeof *a->correction_tangents)))
        return false;
    for (int i = 0; i < run->input_count; i++)
        a->rate_tangents[i] = a->directions[i] ? ad_data(a->directions[i]) : NULL;
    for (int i = 0; i < run->correction_count; i++) {
        const hyper_correction *c = &run->corrections[i];
        if (a->rate_tangents[c->momentum] &&
            !(a->rate_tangents[run->input_count + i] = a->correction_tangents[i] = hyper_room(hyper_correction_size(run, c), sizeof(double))))
            return false;
    }
    for (int s = 0; s < run->dynamics->state_count; s++)
        if (!(a->state[s] = hyper_room(run->parameter_count, sizeof *a->state[s])) || !state_direction(run, a, s))
            return false;
    return theta_direction(run, a);
}

/* The tangent after iteration t. The gradient at its x is there. */
static bool follow(hyper_run *run, tangent *a, int64_t t)
{
    AD_SCOPE;
    hyper_slopes slopes;
    hyper_adjoint carried = { .whole = true };
    hyper_pass pass = { .function = run->dynamics->follow, .t = t, .gradient = run->gradient_data, .adjoint = &carried, .tangents = a->rate_tangents };
    for (int s = 0; s < run->dynamics->state_count; s++)
        carried.state[s] = a->state[s];
    for (int i = 0; i < run->correction_count; i++)
        if (a->correction_tangents[i])
            hyper_correction_follow(run, &run->corrections[i], t, a->rate_tangents[run->corrections[i].momentum], a->correction_tangents[i]);
    if (a->moving) {
        if (!hyper_values_put(run, &run->direction_values, a->state[0]) || !hyper_tangent_at(run, t, a->theta, &slopes))
            return false;
        pass.product = run->product_data;
    }
    if (!hyper_step(run, &pass))
        return false;
    for (int64_t i = 0; i < run->parameter_count && !a->moving; i++)
        a->moving = a->state[0][i] != 0;
    return true;
}

/* ---- several along one run ---- */

static bool follow_along(hyper_run *run, tangent *tangents, int count, int64_t t)
{
    int64_t samples = run->training.iterations / run->training.meta_every;
    for (int i = 0; i < count; i++) {
        double slope = 0;
        if (tangents[i].moving &&
            !(hyper_values_put(run, &run->direction_values, tangents[i].state[0]) && hyper_meta_tangent_at(run, t, tangents[i].theta, &slope)))
            return false;
        tangents[i].along += slope / (double)samples;
    }
    return true;
}

static bool iterate(hyper_run *run, tangent *tangents, int count, int64_t t)
{
    AD_SCOPE;
    hyper_slopes slopes;
    if (!hyper_gradient_at(run, t, &slopes))
        return false;
    for (int i = 0; i < count; i++)
        if (!follow(run, &tangents[i], t))
            return false;
    return hyper_advance_with(run, t, &slopes, false) && (!hyper_is_along(run, t + 1) || follow_along(run, tangents, count, t + 1));
}

static bool follow_all(hyper_run *run, tangent *tangents, int count)
{
    run->finished = false;
    hyper_store_clear(run->store, true);
    if (!hyper_state_first(run) || !hyper_decode_position(run))
        return false;
    for (int i = 0; i < count; i++)
        if (!tangent_begin(run, &tangents[i]))
            return false;
    for (int64_t t = 0; t < run->training.iterations; t++)
        if (!iterate(run, tangents, count, t))
            return false;
    return true;
}

/* ---- the forward rule ---- */

ad_array *hyper_tangent_of_output(hyper_run *run, int operand, ad_array *t, int output)
{
    tangent a = { .directions = hyper_room(run->input_count, sizeof *a.directions) };
    ad_array *result = NULL;
    if (a.directions)
        a.directions[operand] = ad_retain(ad_copy(ad_astype(t, AD_F64))); /* contiguous, as its data is kept */
    if (a.directions && a.directions[operand] && follow_all(run, &a, 1))
        result = run->result == HYPER_ALONG ? ad_scalar(a.along) : ad_from(a.state[output], AD_SHAPE(run->parameter_count));
    tangent_free(run, &a);
    return result;
}

/* ---- HYPER_FORWARD ---- */

/* An element of a leaf of hypers. */
typedef struct {
    int input;
    int64_t element;
} unit;

/* The next element in which somebody differentiates; false at the end. */
static bool next_unit(const hyper_run *run, unit *u)
{
    for (u->element++; u->input < run->input_count; u->input++, u->element = 0) {
        ad_dtype dtype = ad_dtype_of(run->inputs[u->input]);
        bool is_real = ad_dtype_is_inexact(dtype) && !ad_dtype_is_complex(dtype);
        if (run->wanted[u->input] && is_real && u->element < ad_size(run->inputs[u->input]))
            return true;
    }
    return false;
}

static bool unit_direction(const hyper_run *run, unit u, tangent *a)
{
    int64_t n = ad_size(run->inputs[u.input]);
    double *value = hyper_room(n, sizeof *value);
    if (!value || !(a->directions = hyper_room(run->input_count, sizeof *a->directions))) {
        ad_memory_give(value);
        return false;
    }
    value[u.element] = 1;
    a->directions[u.input] = ad_retain(ad_from(value, ad_shape_of(run->inputs[u.input])));
    ad_memory_give(value);
    return a->directions[u.input] != NULL;
}

static double paired(const hyper_run *run, const tangent *a, const hyper_adjoint *adjoint)
{
    double sum = a->along * adjoint->along;
    for (int s = 0; s < run->dynamics->state_count && run->result != HYPER_ALONG; s++)
        for (int k = 0; k < run->leaf_count; k++)
            for (int64_t i = 0; i < run->leaves[k].size; i++)
                sum += hyper_value_at(&run->leaves[k], hyper_values_of(&run->leaves[k], adjoint->state[s]), i) * a->state[s][run->leaves[k].start + i];
    return sum;
}

bool hyper_gradients_by_tangents(hyper_run *run, hyper_adjoint *a, double **gradients)
{
    unit next = { 0, -1 }, units[AT_ONCE];
    bool done = true, more = next_unit(run, &next);
    while (more && done) {
        AD_SCOPE;
        tangent tangents[AT_ONCE] = { 0 };
        int count = 0;
        for (; count < AT_ONCE && more && done; more = next_unit(run, &next)) {
            units[count] = next;
            done = unit_direction(run, next, &tangents[count++]);
        }
        done = done && follow_all(run, tangents, count);
        int64_t bytes = count * run->dynamics->state_count * run->parameter_count * (int64_t)sizeof(double);
        a->more_bytes = bytes > a->more_bytes ? bytes : a->more_bytes;
        for (int i = 0; i < count; i++) {
            if (done)
                gradients[units[i].input][units[i].element] = paired(run, &tangents[i], a);
            tangent_free(run, &tangents[i]);
        }
    }
    return done;
}
