/* Descent with momentum in fixed point, and its exact inverse.
 *
 * Forward, t = 0 .. T-1, all in integers once g is known:
 *     v = beta_t v (through the information buffer) + round(-(1 - beta_t) g),   x = x + round(alpha_t v).
 * The inverse does the opposite of each in the opposite order; the buffer is a stack, so leaves go backwards too. The checksum of an
 * iteration is that of its velocity increments: g itself may differ where it does not matter, as in the sign of a zero. */
#include "run.h"

#include <math.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>

double hyper_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

ad_array *hyper_loss_at(ad_tree *x, ad_tree *theta, void *step)
{
    const hyper_step *s = step;
    return s->training->loss(x, theta, s->iteration, s->training->context);
}

bool hyper_gradient_at(hyper_run *run, const double *x, int64_t t)
{
    AD_SCOPE;
    hyper_step step = { &run->training, t };
    ad_tree *(*gradient)(ad_tree *, ad_tree *, void *) = ad_grad(hyper_loss_at);
    ad_tree *tree = hyper_tree_of(run, x);
    return gradient && tree && hyper_vector_of(run, gradient(tree, run->theta_part.tree, &step), run->gradient);
}

/* ---- failures, which name the iteration and the parameters ---- */

static bool out_of_range(const char *what, int64_t t, const hyper_leaf *leaf, int64_t element)
{
    ad_set_error(AD_ERROR_NUMERIC, "hyper_sgd: iteration %lld: %s of %s, element %lld, is not a number, infinite, or beyond +-2048", (long long)t, what,
                 leaf->path, (long long)element);
    return false;
}

static bool buffer_failed(const hyper_run *run, int64_t t, const hyper_leaf *leaf)
{
    switch (hyper_bit_buffer_failure(run->buffer)) {
    case HYPER_BUFFER_IO:
        ad_set_error(AD_ERROR_IO, "hyper_sgd: iteration %lld: the spill file of the information buffer cannot be written or read", (long long)t);
        return false;
    case HYPER_BUFFER_MISMATCH:
        ad_set_error(AD_ERROR_NUMERIC, "hyper_sgd: iteration %lld: the velocity of %s is not one that the forward pass left", (long long)t, leaf->path);
        return false;
    default:
        return hyper_no_memory();
    }
}

/* ---- one iteration ---- */

bool hyper_rates_at(hyper_run *run, int64_t t)
{
    for (int k = 0; k < run->leaves; k++) {
        hyper_leaf *leaf = &run->leaf[k];
        leaf->alpha_stride = hyper_schedule_at(&leaf->alpha, leaf, t, run->alpha + leaf->start);
        leaf->beta_stride = hyper_schedule_at(&leaf->beta, leaf, t, run->real + leaf->start);
        int64_t count = leaf->beta_stride || leaf->size == 0 ? leaf->size : 1;
        int64_t bad = hyper_momentum_quantise(count, run->real + leaf->start, run->beta + leaf->start);
        if (bad != HYPER_FINE)
            return ad_set_error(AD_ERROR_VALUE, "hyper_sgd: iteration %lld: beta of %s is %g; it should be above 0 and at most 1", (long long)t, leaf->path,
                                run->real[leaf->start + bad]), false;
    }
    return true;
}

/* Of run->gradient, into run->increment; gives their checksum. */
static bool velocity_increments(hyper_run *run, int64_t t, uint64_t *checksum)
{
    for (int k = 0; k < run->leaves; k++) {
        const hyper_leaf *leaf = &run->leaf[k];
        int64_t at = leaf->start;
        int64_t bad = hyper_fixed_velocity_increment(leaf->size, run->beta + at, leaf->beta_stride, run->gradient + at, run->increment + at);
        if (bad != HYPER_FINE)
            return out_of_range("the gradient", t, leaf, bad);
    }
    *checksum = XXH3_64bits(run->increment, (size_t)run->count * sizeof *run->increment);
    return true;
}

static bool advance_velocity(hyper_run *run, int64_t t)
{
    if (!velocity_increments(run, t, &run->checksum[t]))
        return false;
    for (int k = 0; k < run->leaves; k++) {
        const hyper_leaf *leaf = &run->leaf[k];
        int64_t at = leaf->start;
        if (hyper_momentum_multiply(run->buffer, leaf->size, run->velocity + at, run->beta + at, leaf->beta_stride) != HYPER_FINE)
            return buffer_failed(run, t, leaf);
        int64_t bad = hyper_fixed_add(leaf->size, run->velocity + at, run->increment + at);
        if (bad != HYPER_FINE)
            return out_of_range("the velocity", t, leaf, bad);
    }
    return true;
}

/* x +- alpha v. */
static bool move_position(hyper_run *run, int64_t t, int64_t (*move)(int64_t, int64_t *, const int64_t *))
{
    for (int k = 0; k < run->leaves; k++) {
        const hyper_leaf *leaf = &run->leaf[k];
        int64_t at = leaf->start;
        int64_t bad = hyper_fixed_position_increment(leaf->size, run->alpha + at, leaf->alpha_stride, run->velocity + at, run->increment + at);
        if (bad != HYPER_FINE)
            return out_of_range("learning rate times velocity", t, leaf, bad);
        bad = move(leaf->size, run->position + at, run->increment + at);
        if (bad != HYPER_FINE)
            return out_of_range("the value", t, leaf, bad);
    }
    return true;
}

static void store(hyper_run *run, int64_t t)
{
    size_t bytes = (size_t)run->count * sizeof *run->position;
    if (!run->trajectory)
        return;
    memcpy(run->trajectory + 2 * t * run->count, run->position, bytes);
    memcpy(run->trajectory + (2 * t + 1) * run->count, run->velocity, bytes);
}

/* ---- forward ---- */

/* The first state, from the hyperparameters. */
static bool read_state(const hyper_run *run, hyper_part part, int64_t *state)
{
    ad_array **leaves = run->few;
    if (!part.given) {
        memset(state, 0, (size_t)run->count * sizeof *state);
        return true;
    }
    ad_tree_leaves(part.tree, leaves, run->leaves);
    for (int k = 0; k < run->leaves; k++) {
        const hyper_leaf *leaf = &run->leaf[k];
        if (!ad_copy_to(leaves[k], run->real + leaf->start, leaf->size))
            return false;
        int64_t bad = hyper_fixed_encode(leaf->size, run->real + leaf->start, state + leaf->start);
        if (bad != HYPER_FINE)
            return out_of_range(part.first == run->x_part.first ? "the initial value" : "the initial velocity", 0, leaf, bad);
    }
    return true;
}

static double bound_at(const hyper_run *run)
{
    double bits = 0;
    for (int k = 0; k < run->leaves; k++) {
        const hyper_leaf *leaf = &run->leaf[k];
        if (leaf->beta_stride == 0 && leaf->size > 0)
            bits += (double)leaf->size * (HYPER_MOMENTUM_BITS - log2(run->beta[leaf->start]));
        for (int64_t i = 0; leaf->beta_stride && i < leaf->size; i++)
            bits += HYPER_MOMENTUM_BITS - log2(run->beta[leaf->start + i]);
    }
    return bits;
}

static void report_forward(const hyper_run *run, double seconds, double bound)
{
    double steps = (double)run->count * (double)run->training.iterations;
    *run->training.report = (hyper_report){
        .bits_per_step = steps > 0 ? hyper_bit_buffer_bits(run->buffer) / steps : 0,
        .bound = steps > 0 ? bound / steps : 0,
        .buffer_bytes = hyper_bit_buffer_peak_bytes(run->buffer),
        .trajectory_bytes = run->count * run->training.iterations * 2 * (int64_t)sizeof(float),
        .seconds_forward = seconds,
    };
}

bool hyper_forward(hyper_run *run)
{
    double started = hyper_seconds(), bound = 0;
    int64_t T = run->training.iterations;
    run->finished = false;
    hyper_bit_buffer_clear(run->buffer);
    if (!read_state(run, run->x_part, run->position) || !read_state(run, run->v_part, run->velocity))
        return false;
    for (int64_t t = 0; t < T; t++) {
        store(run, t);
        if (!hyper_rates_at(run, t))
            return false;
        bound += run->training.report ? bound_at(run) : 0;
        hyper_fixed_decode(run->count, run->position, run->real);
        if (!hyper_gradient_at(run, run->real, t) || !advance_velocity(run, t) || !move_position(run, t, hyper_fixed_add))
            return false;
    }
    store(run, T);
    if (run->training.report)
        report_forward(run, hyper_seconds() - started, bound);
    return run->finished = true;
}

/* ---- and back ---- */

bool hyper_undo_position(hyper_run *run, int64_t t)
{
    run->finished = false;
    if (run->training.method != HYPER_STORE)
        return move_position(run, t, hyper_fixed_subtract);
    memcpy(run->position, run->trajectory + 2 * t * run->count, (size_t)run->count * sizeof *run->position);
    return true;
}

bool hyper_undo_velocity(hyper_run *run, int64_t t)
{
    uint64_t checksum;
    if (!velocity_increments(run, t, &checksum))
        return false;
    if (checksum != run->checksum[t])
        return ad_set_error(AD_ERROR_NUMERIC, "hyper_sgd: iteration %lld: the gradient of the loss is not the one of the forward pass; a loss should depend "
                            "on x, theta and the iteration alone, and to the bit", (long long)t), false;
    if (run->training.method == HYPER_STORE) {
        memcpy(run->velocity, run->trajectory + (2 * t + 1) * run->count, (size_t)run->count * sizeof *run->velocity);
        return true;
    }
    for (int k = run->leaves - 1; k >= 0; k--) {
        const hyper_leaf *leaf = &run->leaf[k];
        int64_t at = leaf->start;
        int64_t bad = hyper_fixed_subtract(leaf->size, run->velocity + at, run->increment + at);
        if (bad != HYPER_FINE)
            return out_of_range("the velocity", t, leaf, bad);
        if (hyper_momentum_divide(run->buffer, leaf->size, run->velocity + at, run->beta + at, leaf->beta_stride) != HYPER_FINE)
            return buffer_failed(run, t, leaf);
    }
    return true;
}

bool hyper_check_undone(hyper_run *run)
{
    size_t bytes = (size_t)run->count * sizeof *run->increment;
    bool same = run->training.method == HYPER_STORE || hyper_bit_buffer_is_empty(run->buffer);
    if (!read_state(run, run->x_part, run->increment))
        return false;
    same &= memcmp(run->position, run->increment, bytes) == 0;
    if (!read_state(run, run->v_part, run->increment))
        return false;
    same &= memcmp(run->velocity, run->increment, bytes) == 0;
    if (!same)
        ad_set_error(AD_ERROR_NUMERIC, "hyper_sgd: the reverse pass over %lld iterations did not end where training began",
                     (long long)run->training.iterations);
    return same;
}
