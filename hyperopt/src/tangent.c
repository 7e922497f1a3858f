/* Forward mode: derivatives that are carried along with training, on the integers' trajectory.
 *
 * A tangent is a direction in the space of hypers, and dx, dv (or dx, dm, ds) that follow from it; every iteration takes one derivative of the gradient
 * along it. Memory does not grow with the iterations. The forward rule of the operation follows one tangent. HYPER_FORWARD follows one for
 * every element of every leaf that is being differentiated, a few at a time, and pairs the ends with the cotangents. */
#include "run.h"

#include <string.h>

enum { AT_ONCE = 8 };

typedef struct {
    ad_array **inputs;        /* the direction: float64, one for each leaf of hypers, NULL: zero */
    const double **values;    /* of these, and of the corrections behind them */
    double **corrections;     /* these; NULL: zero */
    double *state[HYPER_STATES];
    ad_tree *theta;           /* the direction in the wanted leaves of theta; NULL: zero; retained */
    bool moving;              /* x or theta have a direction by now */
    double along;
} tangent;

/* ---- one tangent ---- */

static void tangent_free(const hyper_run *run, tangent *a)
{
    for (int i = 0; a->inputs && i < run->inputs; i++)
        ad_release(a->inputs[i]);
    ad_memory_give(a->inputs);
    ad_memory_give(a->values);
    for (int i = 0; a->corrections && i < run->corrections; i++)
        ad_memory_give(a->corrections[i]);
    ad_memory_give(a->corrections);
    for (int s = 0; s < HYPER_STATES; s++)
        ad_memory_give(a->state[s]);
    ad_tree_release(a->theta);
}

/* The directions in theta, with zeros for those that have none. */
static bool theta_direction(const hyper_run *run, tangent *a)
{
    bool any = false;
    ad_tree_item *items = hyper_room(run->wanted_thetas, sizeof *items);
    for (int i = 0; items && i < run->wanted_thetas; i++) {
        int input = run->theta_part.first + run->wanted_theta[i];
        ad_array *x = run->input[input];
        any |= a->inputs[input] != NULL;
        items[i] = (ad_tree_item){ AD_ITEM_ARRAY, a->inputs[input] ? ad_astype(a->inputs[input], ad_dtype_of(x)) : ad_zeros_like(x) };
    }
    bool done = items != NULL;
    if (done && any)
        done = (a->theta = ad_tree_retain(ad_list_from(items, run->wanted_thetas))) != NULL;
    ad_memory_give(items);
    a->moving |= any;
    return done;
}

/* The directions of the first state, from its leaves of hypers. */
static bool state_direction(const hyper_run *run, tangent *a, int s)
{
    hyper_part part = run->state_part[s];
    for (int k = 0; part.given && k < run->leaves; k++) {
        const hyper_leaf *leaf = &run->leaf[k];
        const ad_array *direction = a->inputs[part.first + k];
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
    if (!(a->values = hyper_room(run->inputs + run->corrections, sizeof *a->values)) ||
        !(a->corrections = hyper_room(run->corrections, sizeof *a->corrections)))
        return false;
    for (int i = 0; i < run->inputs; i++)
        a->values[i] = a->inputs[i] ? ad_data(a->inputs[i]) : NULL;
    for (int i = 0; i < run->corrections; i++) {
        const hyper_correction *c = &run->correction[i];
        if (a->values[c->momentum] && !(a->values[run->inputs + i] = a->corrections[i] = hyper_room(hyper_correction_size(run, c), sizeof(double))))
            return false;
    }
    for (int s = 0; s < run->dynamics->states; s++)
        if (!(a->state[s] = hyper_room(run->count, sizeof *a->state[s])) || !state_direction(run, a, s))
            return false;
    return theta_direction(run, a);
}

/* The tangent after iteration t. The gradient is there. */
static bool follow(hyper_run *run, tangent *a, int64_t t)
{
    AD_SCOPE;
    hyper_slopes slopes;
    hyper_adjoint carried = { .whole = true };
    hyper_pass pass = { .function = run->dynamics->follow, .t = t, .gradient = run->gradient_data, .adjoint = &carried, .tangents = a->values };
    for (int s = 0; s < run->dynamics->states; s++)
        carried.state[s] = a->state[s];
    for (int i = 0; i < run->corrections; i++)
        if (a->corrections[i])
            hyper_correction_follow(run, &run->correction[i], t, a->values[run->correction[i].momentum], a->corrections[i]);
    if (a->moving) {
        if (!hyper_values_put(run, &run->direction_values, a->state[0]) || !hyper_tangent_at(run, t, a->theta, &slopes))
            return false;
        pass.product = run->product_data;
    }
    if (!hyper_step(run, &pass))
        return false;
    for (int64_t i = 0; i < run->count && !a->moving; i++)
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
    tangent a = { .inputs = hyper_room(run->inputs, sizeof *a.inputs) };
    ad_array *result = NULL;
    if (a.inputs)
        a.inputs[operand] = ad_retain(ad_copy(ad_astype(t, AD_F64))); /* contiguous, as its data is kept */
    if (a.inputs && a.inputs[operand] && follow_all(run, &a, 1))
        result = run->result == HYPER_ALONG ? ad_scalar(a.along) : ad_from(a.state[output], AD_SHAPE(run->count));
    tangent_free(run, &a);
    return result;
}

/* ---- HYPER_FORWARD ---- */

/* An element of a leaf of hypers. */
typedef struct {
    int input;
    int64_t element;
} unit;

/* The next element somebody differentiates in; false at the end. */
static bool next_unit(const hyper_run *run, unit *u)
{
    for (u->element++; u->input < run->inputs; u->input++, u->element = 0) {
        ad_dtype dtype = ad_dtype_of(run->input[u->input]);
        bool real = ad_dtype_is_inexact(dtype) && !ad_dtype_is_complex(dtype);
        if (run->wanted[u->input] && real && u->element < ad_size(run->input[u->input]))
            return true;
    }
    return false;
}

static bool unit_direction(const hyper_run *run, unit u, tangent *a)
{
    int64_t n = ad_size(run->input[u.input]);
    double *value = hyper_room(n, sizeof *value);
    if (!value || !(a->inputs = hyper_room(run->inputs, sizeof *a->inputs))) {
        ad_memory_give(value);
        return false;
    }
    value[u.element] = 1;
    a->inputs[u.input] = ad_retain(ad_from(value, ad_shape_of(run->input[u.input])));
    ad_memory_give(value);
    return a->inputs[u.input] != NULL;
}

static double paired(const hyper_run *run, const tangent *a, const hyper_adjoint *adjoint)
{
    double sum = a->along * adjoint->along;
    for (int s = 0; s < run->dynamics->states && run->result != HYPER_ALONG; s++)
        for (int k = 0; k < run->leaves; k++)
            for (int64_t i = 0; i < run->leaf[k].size; i++)
                sum += hyper_value_at(&run->leaf[k], hyper_values_of(&run->leaf[k], adjoint->state[s]), i) * a->state[s][run->leaf[k].start + i];
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
        int64_t bytes = count * run->dynamics->states * run->count * (int64_t)sizeof(double);
        a->more_bytes = bytes > a->more_bytes ? bytes : a->more_bytes;
        for (int i = 0; i < count; i++) {
            if (done)
                gradients[units[i].input][units[i].element] = paired(run, &tangents[i], a);
            tangent_free(run, &tangents[i]);
        }
    }
    return done;
}
