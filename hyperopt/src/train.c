/* The way forward: all iterations of a run, from the hyperparameters to the last state.
 *
 * Every method runs the same integers. They differ in what they keep: HYPER_REVERSE keeps the digits that the momenta
 * lose, HYPER_STORE the moments before every iteration, HYPER_TRUNCATED the digits of the last iterations, and the
 * others nothing. */
#include "clock.h"
#include "run.h"

#include <math.h>
#include <string.h>

/* ---- one iteration ---- */

/* x as the loss takes it, from the integers. */
bool hyper_decode_position(hyper_run *run)
{
    char *memory = hyper_values_write(&run->x_values, run->values_bytes);
    for (int k = 0; memory && k < run->leaf_count; k++) {
        const hyper_leaf *leaf = &run->leaves[k];
        const int64_t *x = run->state[0] + leaf->start;
        for (int64_t i = 0; i < leaf->size; i++)
            hyper_value_set(leaf, hyper_values_of(leaf, memory), i, (double)x[i] * run->unit[0]);
    }
    return memory != NULL;
}

static double norm_of(const hyper_run *run, const void *const *data)
{
    double sum = 0;
    for (int k = 0; k < run->leaf_count; k++) {
        const hyper_leaf *leaf = &run->leaves[k];
        for (int64_t i = 0; i < leaf->size; i++)
            sum += hyper_value_at(leaf, data[k], i) * hyper_value_at(leaf, data[k], i);
    }
    return sqrt(sum);
}

static double norm_of_position(const hyper_run *run)
{
    double sum = 0;
    for (int64_t i = 0; i < run->parameter_count; i++)
        sum += (double)run->state[0][i] * (double)run->state[0][i];
    return sqrt(sum) * run->unit[0];
}

static bool observe(hyper_run *run, int64_t t, double loss, double gradient_norm)
{
    AD_SCOPE;
    const hyper_training *training = &run->training;
    hyper_progress progress = {
        .iteration = t + training->first,
        .iterations = training->iterations,
        .loss = loss,
        .gradient_norm = gradient_norm,
        .x_norm = norm_of_position(run),
        .x = hyper_values_tree(run, run->x_values),
    };
    if (!progress.x)
        return false;
    if (training->observe(&progress, training->context))
        return !ad_failed();
    if (!ad_failed())
        ad_set_error(AD_ERROR_CANCELLED, "%s: cancelled by observe after iteration %lld", run->name, (long long)(t + training->first));
    return false;
}

bool hyper_differs(const hyper_run *run, int64_t t)
{
    ad_set_error(AD_ERROR_NUMERIC, "%s: iteration %lld: the gradient of the loss is not the one of the forward pass; a loss should depend "
                 "on x, theta and the iteration alone, and to the bit", run->name, (long long)(t + run->training.first));
    return false;
}

bool hyper_advance_with(hyper_run *run, int64_t t, const hyper_slopes *slopes, bool first)
{
    hyper_pass pass = { .function = run->dynamics->advance, .settle = run->dynamics->settle, .t = t, .gradient = run->gradient_data };
    pass.x_out = hyper_values_write(&run->x_values, run->values_bytes);
    if (!pass.x_out || !hyper_step(run, &pass))
        return false;
    if (isnan(slopes->loss) && !run->training.direction)
        return ad_set_error(AD_ERROR_NUMERIC, "%s: iteration %lld: the loss is NaN, and its gradient is not", run->name,
                            (long long)(t + run->training.first)), false;
    if (!first)
        return pass.checksum == run->checksums[t] || hyper_differs(run, t);
    run->checksums[t] = pass.checksum;
    return !run->training.observe || observe(run, t, slopes->loss, norm_of(run, run->gradient_data));
}

static bool advance(hyper_run *run, int64_t t, bool first)
{
    AD_SCOPE;
    hyper_slopes slopes;
    return hyper_gradient_at(run, t, &slopes) && hyper_advance_with(run, t, &slopes, first);
}

bool hyper_advance_again(hyper_run *run, int64_t from, int64_t to, int64_t *moments)
{
    for (int64_t t = from; t < to; t++) {
        if (moments)
            hyper_states_write(run, run->first_kept_state, moments + (t - from) * hyper_states_size(run, run->first_kept_state));
        if (!advance(run, t, false))
            return false;
    }
    return true;
}

/* ---- all of them ---- */

/* Fills the part of the report that is about the forward pass. The fields of a reverse pass stay as they are. */
static void report_forward(const hyper_run *run, double seconds)
{
    hyper_report *report = run->training.report;
    double steps = (double)run->parameter_count * (double)run->training.iterations;
    bool keeps = run->training.method == HYPER_REVERSE;
    report->bits_per_step = steps > 0 && keeps ? hyper_store_bits(run->store) / steps : 0;
    report->bound = steps > 0 ? hyper_schedule_bound(run) / steps : 0;
    report->buffer_bytes = hyper_store_peak_bytes(run->store);
    report->trajectory_bytes = run->parameter_count * run->training.iterations * run->dynamics->state_count * (int64_t)sizeof(float);
    report->seconds_forward = seconds;
}

bool hyper_is_along(const hyper_run *run, int64_t t)
{
    return run->result == HYPER_ALONG && t > 0 && t % run->training.meta_every == 0;
}

static bool keeps_digits(const hyper_run *run, int64_t t)
{
    hyper_method method = run->training.method;
    return method == HYPER_REVERSE || (method == HYPER_TRUNCATED && t >= run->start);
}

static bool first_state(hyper_run *run)
{
    int64_t T = run->training.iterations, last = run->training.last_iterations;
    run->finished = false;
    run->along = 0;
    run->start = run->training.method == HYPER_TRUNCATED && last < T ? T - last : 0;
    hyper_store_clear(run->store, !keeps_digits(run, 0));
    return hyper_state_first(run) && hyper_decode_position(run);
}

/* Makes room for the moments of all iterations, if they are stored. */
static bool make_moments(hyper_run *run)
{
    size_t moments;
    if (run->training.method != HYPER_STORE || run->moments)
        return true;
    if (__builtin_mul_overflow((size_t)hyper_states_size(run, run->first_kept_state), (size_t)run->training.iterations, &moments))
        return hyper_no_memory() != NULL;
    return (run->moments = hyper_room((int64_t)moments, sizeof *run->moments)) != NULL;
}

/* Keeps what the method needs of the state before iteration t. */
static void keep(hyper_run *run, int64_t t)
{
    if (run->training.method == HYPER_STORE && t < run->training.iterations)
        hyper_states_write(run, run->first_kept_state, run->moments + t * hyper_states_size(run, run->first_kept_state));
    if (run->watched_x)
        memcpy(run->watched_x + t * run->parameter_count, run->state[0], (size_t)run->parameter_count * sizeof *run->watched_x);
    if (t != run->start)
        return;
    if (t > 0)
        hyper_store_begin(run->store);
    run->origin = hyper_state_hash(run);
}

bool hyper_forward(hyper_run *run)
{
    double started = hyper_seconds();
    int64_t T = run->training.iterations;
    if (!make_moments(run) || !first_state(run))
        return false;
    keep(run, 0);
    for (int64_t t = 0; t < T; t++) {
        if (!advance(run, t, !run->trained))
            return false;
        keep(run, t + 1);
        if (hyper_is_along(run, t + 1))
            run->along += hyper_meta_value(run, t + 1) / (double)(T / run->training.meta_every);
        if (ad_failed())
            return false;
    }
    if (run->training.report)
        report_forward(run, hyper_seconds() - started);
    return run->trained = run->finished = true;
}
