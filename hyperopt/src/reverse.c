/* The reverse pass: the cotangents of all hyperparameters from those of the outputs, one iteration at a time.
 *
 * With dx, dv the cotangents of x_{t+1}, v_{t+1}, descent goes back by, for t = T-1 .. 0:
 *
 *     dalpha_t  = sum(dx v_{t+1})                      over the elements that share it
 *     x_t       = x_{t+1} - alpha_t v_{t+1}            exactly
 *     dv        = dv + alpha_t dx
 *     g_t       = grad_x L(x_t, theta, t)              to the bit that of the forward pass
 *     h         = grad_(x, theta) <grad_x L(x_t, theta, t), (1 - beta_t) dv>, dv held constant
 *     v_t       = (v_{t+1} + (1 - beta_t) g_t) / beta_t   exactly, from the information buffer
 *     dbeta_t   = sum(dv (v_t + g_t))
 *     dx        = dx - h_x,   dtheta = dtheta - h_theta,   dv = beta_t dv.
 *
 * The direction of h does not need g_t, so that one pass gives both. */
#include "clock.h"
#include "run.h"

#include <math.h>
#include <string.h>

/* ---- what is carried along ---- */

static void adjoint_free(const hyper_run *run, hyper_adjoint *a)
{
    for (int i = 0; a->rate_sums && i < run->input_count + run->correction_count; i++)
        ad_memory_give(a->rate_sums[i]);
    ad_memory_give(a->rate_sums);
    for (int s = 0; s < HYPER_STATES; s++)
        hyper_values_drop(a->state_values[s]);
    for (int r = 0; r < HYPER_RATES; r++)
        ad_memory_give(a->rate_terms[r]);
}

/* Whether some leaf has a rate that is neither shared by its elements nor one for each. */
static bool is_broadcast(const hyper_run *run, int r)
{
    bool broadcast = false;
    for (int k = 0; k < run->leaf_count; k++)
        broadcast |= run->leaves[k].rate[r].sharing == HYPER_BROADCAST;
    return broadcast;
}

static bool adjoint_new(const hyper_run *run, hyper_adjoint *a)
{
    int64_t n = run->parameter_count;
    for (int s = 0; s < run->dynamics->state_count; s++) {
        if (!(a->state_values[s] = hyper_values_new(run->values_bytes)))
            return false;
        a->state[s] = a->state_values[s]->memory;
    }
    for (int r = 0; r < run->dynamics->rate_count; r++)
        if (is_broadcast(run, r) && !(a->rate_terms[r] = hyper_room(n, sizeof(double))))
            return false;
    bool done = (a->rate_sums = hyper_room(run->input_count + run->correction_count, sizeof *a->rate_sums)) != NULL;
    for (int i = 0; i < run->input_count && done; i++)
        if (run->schedule_values[i])
            done = (a->rate_sums[i] = hyper_room(ad_size(run->inputs[i]), sizeof(double))) != NULL;
    for (int i = 0; i < run->correction_count && done; i++)
        done = (a->rate_sums[run->input_count + i] = hyper_room(hyper_correction_size(run, &run->corrections[i]), sizeof(double))) != NULL;
    return done;
}

/* ---- one iteration ---- */

/* Adds the gradient of the meta-loss at the state before which the pass stands, times a factor, to dx and to dtheta. */
static bool through_meta_loss(hyper_run *run, hyper_adjoint *a, int64_t t)
{
    AD_SCOPE;
    hyper_slopes slopes;
    double factor = a->along / (double)(run->training.iterations / run->training.meta_every);
    if (!hyper_meta_at(run, t, &slopes))
        return false;
    for (int k = 0; k < run->leaf_count; k++) {
        const hyper_leaf *leaf = &run->leaves[k];
        void *dx = hyper_values_of(leaf, a->state[0]);
        for (int64_t i = 0; i < leaf->size; i++)
            hyper_value_set(leaf, dx, i, hyper_value_at(leaf, dx, i) + factor * hyper_value_at(leaf, run->gradient_data[k], i));
    }
    return hyper_add_theta(run, slopes.theta, factor);
}

/* How far x is from where it was, for hyper_naive_reversal. */
static void measure_drift(const hyper_run *run, int64_t t)
{
    double sum = 0;
    for (int64_t i = 0; i < run->parameter_count; i++)
        sum += pow((double)(run->state[0][i] - run->watched_x[t * run->parameter_count + i]) * run->unit[0], 2);
    run->drift[t] = sqrt(sum / fmax(1, (double)run->parameter_count));
}

/* Prepares the pass that takes x back over iteration t; false without memory. */
static bool position_pass(hyper_run *run, hyper_adjoint *a, int64_t t, hyper_pass *pass)
{
    const hyper_dynamics *d = run->dynamics;
    *pass = (hyper_pass){ .function = d->retreat_position, .t = t, .adjoint = a, .terms = d->position_terms, .backwards = run->first_kept_state == 0 };
    pass->x_out = hyper_values_write(&run->x_values, run->values_bytes);
    pass->direction_out = hyper_values_write(&run->direction_values, run->values_bytes);
    a->positioned = t;
    return pass->x_out && pass->direction_out;
}

/* Takes x back. stored: x_t is there already. */
static bool through_position(hyper_run *run, hyper_adjoint *a, int64_t t, bool stored)
{
    hyper_pass pass;
    if (!position_pass(run, a, t, &pass))
        return false;
    pass.stored = stored;
    if (!hyper_step(run, &pass))
        return false;
    hyper_corrections_back(run, a, t);
    return true;
}

/* Computes g_t and h. */
static bool find_products(hyper_run *run, hyper_adjoint *a, int64_t t, hyper_slopes *slopes)
{
    const hyper_dynamics *d = run->dynamics;
    if (!run->training.direction && !d->direction)
        return hyper_products_at(run, t, slopes);
    if (!hyper_pullback_at(run, t, slopes))
        return false;
    if (d->direction) {
        hyper_pass pass = { .function = d->direction, .t = t, .adjoint = a, .gradient = run->gradient_data };
        pass.direction_out = hyper_values_write(&run->direction_values, run->values_bytes);
        if (!pass.direction_out || !hyper_step(run, &pass))
            return false;
    }
    return hyper_product_by_pullback(run, slopes);
}

/* Whether iteration t-1 can take x back while iteration t takes the moments back, block by block, in one pass over
 * memory. Nothing may come between the two, not even digits of the position among those of the moments. Their terms may
 * not meet in one place. */
static bool can_go_on(const hyper_run *run, const hyper_adjoint *a, int64_t t, int64_t from)
{
    unsigned both = run->dynamics->position_terms & run->dynamics->moment_terms;
    for (int r = 0; r < run->dynamics->rate_count; r++)
        if (both & (1u << r) && a->rate_terms[r])
            return false;
    return t > from && run->first_kept_state > 0 && !hyper_is_along(run, t);
}

static void note_norm(hyper_adjoint *a, double norm)
{
    if (a->norm > 0)
        a->growth = fmax(a->growth, norm / a->norm);
    if (a->first_norm > 0)
        a->amplification = fmax(a->amplification, norm / a->first_norm);
    else
        a->first_norm = norm;
    a->norm = norm;
}

/* Goes back through the moments, and through the position of the iteration before where that is possible. */
static bool through_moments(hyper_run *run, hyper_adjoint *a, int64_t t, bool stored, int64_t from)
{
    const hyper_dynamics *d = run->dynamics;
    hyper_pass then, pass = { .function = d->retreat_moments, .t = t, .backwards = true, .stored = stored, .adjoint = a, .terms = d->moment_terms,
                              .gradient = run->gradient_data, .product = run->product_data };
    if (can_go_on(run, a, t, from)) {
        if (!position_pass(run, a, t - 1, &then))
            return false;
        then.second = true;
        pass.then = &then;
    }
    if (!hyper_step(run, &pass))
        return false;
    if (pass.checksum != run->checksums[t])
        return hyper_differs(run, t);
    if (pass.then)
        hyper_corrections_back(run, a, t - 1);
    note_norm(a, sqrt(pass.squares));
    return true;
}

/* moments: those before the iteration, if they were stored. */
static bool reverse_step(hyper_run *run, hyper_adjoint *a, int64_t t, int64_t from, const int64_t *moments)
{
    AD_SCOPE;
    hyper_slopes slopes = { 0 };
    run->finished = false;
    if (hyper_is_along(run, t + 1) && !through_meta_loss(run, a, t + 1))
        return false;
    bool position_kept = moments && run->first_kept_state == 0;
    if (position_kept)
        moments = hyper_state_read(run, 0, moments);
    if (a->positioned != t && !through_position(run, a, t, position_kept))
        return false;
    if (run->drift)
        measure_drift(run, t);
    for (int s = 1; moments && s < run->dynamics->state_count; s++)
        moments = hyper_state_read(run, s, moments);
    bool done = find_products(run, a, t, &slopes);
    ad_vjp_free(slopes.pull);
    return done && through_moments(run, a, t, moments != NULL, from) && hyper_add_theta(run, slopes.theta, -1);
}

bool hyper_reverse_steps(hyper_run *run, hyper_adjoint *a, int64_t from, int64_t to, const int64_t *moments)
{
    int64_t step = hyper_states_size(run, run->first_kept_state);
    a->positioned = -1;
    for (int64_t t = to - 1; t >= from; t--)
        if (!reverse_step(run, a, t, from, moments ? moments + (t - from) * step : NULL))
            return false;
    return true;
}

/* ---- the pass ---- */

/* Takes the cotangent of one state from that of an output. Gives the sum of its squares. */
static double take_cotangent(const hyper_run *run, hyper_adjoint *a, int s, const ad_array *cotangent)
{
    bool single = ad_dtype_of(cotangent) == AD_F32;
    const void *data = ad_data(cotangent);
    double squares = 0;
    for (int k = 0; data && k < run->leaf_count; k++) {
        const hyper_leaf *leaf = &run->leaves[k];
        for (int64_t i = 0; i < leaf->size; i++) {
            double value = single ? (double)((const float *)data)[leaf->start + i] : ((const double *)data)[leaf->start + i];
            hyper_value_set(leaf, hyper_values_of(leaf, a->state[s]), i, value);
            squares += value * value;
        }
    }
    return squares;
}

static bool begin(const hyper_run *run, hyper_adjoint *a, ad_array *const *cotangents)
{
    AD_SCOPE;
    if (run->result == HYPER_ALONG && cotangents[0]) {
        a->along = ad_item(cotangents[0]);
        return !ad_failed();
    }
    for (int s = 0; s < run->dynamics->state_count; s++) {
        double squares = cotangents[s] ? take_cotangent(run, a, s, cotangents[s]) : 0;
        if (s == 0)
            a->norm = a->first_norm = sqrt(squares);
    }
    return !ad_failed();
}

static bool go_back(hyper_run *run, hyper_adjoint *a)
{
    if (run->training.method == HYPER_CHECKPOINT)
        return hyper_reverse_checkpointed(run, a);
    return hyper_reverse_steps(run, a, run->start, run->training.iterations, run->moments);
}

/* Computes all gradients by tangents. */
static bool follow_tangents(hyper_run *run, hyper_adjoint *a)
{
    double **gradients = hyper_room(run->input_count, sizeof *gradients);
    bool done = gradients != NULL;
    for (int i = 0; i < run->input_count && done; i++)
        if (run->wanted[i])
            done = (gradients[i] = hyper_room(ad_size(run->inputs[i]), sizeof **gradients)) != NULL;
    done = done && hyper_gradients_by_tangents(run, a, gradients);
    for (int i = 0; i < run->input_count && done; i++)
        if (run->wanted[i])
            done = (run->gradients[i] = ad_retain(ad_from(gradients[i], ad_shape_of(run->inputs[i])))) != NULL;
    for (int i = 0; gradients && i < run->input_count; i++)
        ad_memory_give(gradients[i]);
    ad_memory_give(gradients);
    return done;
}

/* Whether the state is the one that the pass was to reach. */
static bool check_origin(hyper_run *run)
{
    bool digits = run->training.method == HYPER_REVERSE || run->training.method == HYPER_TRUNCATED;
    XXH128_hash_t hash = hyper_state_hash(run);
    if (XXH128_isEqual(hash, run->origin) && (!digits || hyper_store_is_empty(run->store)))
        return true;
    ad_set_error(AD_ERROR_NUMERIC, "%s: the reverse pass over %lld iterations did not end where training began", run->name,
                 (long long)(run->training.iterations - run->start));
    return false;
}

static void *retained_values(void *values)
{
    atomic_fetch_add(&((hyper_values *)values)->users, 1);
    return values;
}

/* Keeps the cotangents of the first state, as arrays over them. */
static bool keep_state(hyper_run *run, const hyper_adjoint *a, int s)
{
    hyper_part part = run->state_part[s];
    for (int k = 0; part.given && k < run->leaf_count; k++) {
        const hyper_leaf *leaf = &run->leaves[k];
        if (!run->wanted[part.first + k])
            continue;
        void *values = retained_values(a->state_values[s]);
        ad_array *g = ad_wrap(leaf->dtype, hyper_values_of(leaf, a->state[s]), leaf->shape, hyper_values_drop, values);
        if (!g) {
            hyper_values_drop(values);
            return false;
        }
        run->gradients[part.first + k] = ad_retain(g);
    }
    return true;
}

/* Keeps all gradients but those in theta, which are kept already. */
static bool keep_gradients(hyper_run *run, const hyper_adjoint *a)
{
    for (int i = 0; i < run->input_count; i++)
        if (run->schedule_values[i] && !(run->gradients[i] = ad_retain(ad_from(a->rate_sums[i], ad_shape_of(run->inputs[i])))))
            return false;
    for (int s = 0; s < run->dynamics->state_count && run->start == 0; s++)
        if (!keep_state(run, a, s))
            return false;
    return true;
}

/* The most bytes that the run has held, together with this pass. */
static int64_t memory_of(const hyper_run *run, const hyper_adjoint *a)
{
    int64_t n = run->parameter_count, T = run->training.iterations, states = run->dynamics->state_count, word = sizeof(int64_t);
    int64_t bytes = hyper_states_size(run, 0) * word + (2 + states) * (int64_t)run->values_bytes + T * word + a->more_bytes;
    bytes += hyper_store_peak_bytes(run->store);
    if (run->moments)
        bytes += hyper_states_size(run, run->first_kept_state) * T * word;
    for (int r = 0; r < HYPER_RATES; r++)
        bytes += a->rate_terms[r] ? n * word : 0;
    for (int i = 0; i < run->input_count; i++)
        bytes += run->schedule_values[i] ? 2 * ad_size(run->schedule_values[i]) * word : 0;
    for (int i = 0; i < run->correction_count; i++)
        bytes += 2 * hyper_correction_size(run, &run->corrections[i]) * word;
    return bytes;
}

static void report_reverse(const hyper_run *run, const hyper_adjoint *a, double seconds)
{
    hyper_report *report = run->training.report;
    double limit = run->training.growth_limit > 0 ? run->training.growth_limit : HYPER_GROWTH_LIMIT;
    report->seconds_reverse = seconds;
    report->reversed_exactly = run->training.method == HYPER_REVERSE || run->training.method == HYPER_TRUNCATED;
    report->growth = a->growth;
    report->memory_bytes = memory_of(run, a);
    report->amplification = a->amplification;
    report->chaotic = a->amplification > limit;
}

enum { TRIM_FROM = 1 << 20 }; /* bytes of the parameters */

bool hyper_reverse(hyper_run *run, ad_array *const *cotangents)
{
    AD_SCOPE;
    hyper_adjoint a = { 0 };
    hyper_forget_gradients(run);
    bool done = (run->finished || hyper_forward(run)) && adjoint_new(run, &a) && begin(run, &a, cotangents);
    if (run->values_bytes > TRIM_FROM)
        ad_memory_trim(); /* what the outcome took is not needed again until the pass is over */
    double started = hyper_seconds();
    if (run->training.method == HYPER_FORWARD)
        done = done && follow_tangents(run, &a);
    else if (run->training.method == HYPER_IMPLICIT)
        done = done && hyper_gradients_by_implicit_function(run, &a);
    else
        done = done && go_back(run, &a) && check_origin(run) && keep_gradients(run, &a);
    run->finished = false;
    if (done && run->training.report)
        report_reverse(run, &a, hyper_seconds() - started);
    adjoint_free(run, &a);
    if (!done)
        hyper_forget_gradients(run);
    return done;
}
