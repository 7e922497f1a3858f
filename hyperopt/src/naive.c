/* Playing a run backwards in ordinary arithmetic, beside the exact way: the distance from the true trajectory at every iteration.
 *
 * Naive reversal divides the velocity by beta at each step, and so multiplies whatever rounding left by 1/beta: it grows exponentially. */
#include "run.h"

#include <math.h>

typedef struct {
    double *x, *v;
    double *trajectory; /* x before every iteration, and at the end */
    bool single;
} naive_run;

static double rounded(const naive_run *n, double value)
{
    return n->single ? (double)(float)value : value;
}

/* The momentum of element i of a leaf, as it is rounded. */
static double beta_of(const hyper_run *run, const hyper_leaf *leaf, int64_t i)
{
    return (double)run->beta[leaf->start + i * leaf->beta_stride] / HYPER_MOMENTUM_ONE;
}

static bool naive_forward(hyper_run *run, naive_run *n)
{
    for (int64_t t = 0; t <= run->training.iterations; t++) {
        for (int64_t i = 0; i < run->count; i++)
            n->trajectory[t * run->count + i] = n->x[i];
        if (t == run->training.iterations)
            break;
        if (!hyper_rates_at(run, t) || !hyper_gradient_at(run, n->x, t))
            return false;
        for (int k = 0; k < run->leaves; k++) {
            const hyper_leaf *leaf = &run->leaf[k];
            for (int64_t i = 0, at = leaf->start; i < leaf->size; i++, at++) {
                double alpha = run->alpha[leaf->start + i * leaf->alpha_stride], beta = beta_of(run, leaf, i);
                n->v[at] = rounded(n, rounded(n, beta * n->v[at]) - rounded(n, (1 - beta) * run->gradient[at]));
                n->x[at] = rounded(n, n->x[at] + rounded(n, alpha * n->v[at]));
            }
        }
    }
    return true;
}

static bool naive_reverse(hyper_run *run, naive_run *n, double *error)
{
    for (int64_t t = run->training.iterations - 1; t >= 0; t--) {
        double sum = 0;
        if (!hyper_rates_at(run, t))
            return false;
        for (int k = 0; k < run->leaves; k++) {
            const hyper_leaf *leaf = &run->leaf[k];
            for (int64_t i = 0, at = leaf->start; i < leaf->size; i++, at++) {
                n->x[at] = rounded(n, n->x[at] - rounded(n, run->alpha[leaf->start + i * leaf->alpha_stride] * n->v[at]));
                sum += pow(n->x[at] - n->trajectory[t * run->count + at], 2);
            }
        }
        error[t] = sqrt(sum / fmax(1, (double)run->count));
        if (!hyper_gradient_at(run, n->x, t))
            return false;
        for (int k = 0; k < run->leaves; k++) {
            const hyper_leaf *leaf = &run->leaf[k];
            for (int64_t i = 0, at = leaf->start; i < leaf->size; i++, at++) {
                double beta = beta_of(run, leaf, i);
                n->v[at] = rounded(n, rounded(n, n->v[at] + rounded(n, (1 - beta) * run->gradient[at])) / beta);
            }
        }
    }
    return true;
}

/* Begins where the fixed-point run does, rounded. */
static bool naive(hyper_run *run, ad_dtype dtype, double *error)
{
    int64_t n = run->count, T = run->training.iterations, states = n * (T + 1); /* the run's own trajectory has room for twice as many */
    naive_run it = { .single = dtype == AD_F32 };
    bool done = (it.x = hyper_room(n, sizeof(double))) && (it.v = hyper_room(n, sizeof(double))) && (it.trajectory = hyper_room(states, sizeof(double)));
    if (done) {
        hyper_fixed_decode(run->count, run->trajectory, it.x);
        hyper_fixed_decode(run->count, run->trajectory + run->count, it.v);
        for (int64_t i = 0; i < run->count; i++) {
            it.x[i] = rounded(&it, it.x[i]);
            it.v[i] = rounded(&it, it.v[i]);
        }
        done = naive_forward(run, &it) && naive_reverse(run, &it, error);
    }
    ad_memory_give(it.x);
    ad_memory_give(it.v);
    ad_memory_give(it.trajectory);
    return done;
}

static bool exact(hyper_run *run, double *error)
{
    double started = hyper_seconds();
    for (int64_t t = run->training.iterations - 1; t >= 0; t--) {
        double sum = 0;
        if (!hyper_rates_at(run, t) || !hyper_undo_position(run, t))
            return false;
        for (int64_t i = 0; i < run->count; i++)
            sum += pow(((double)run->position[i] - (double)run->trajectory[2 * t * run->count + i]) / HYPER_FIXED_ONE, 2);
        error[t] = sqrt(sum / fmax(1, (double)run->count));
        hyper_fixed_decode(run->count, run->position, run->real);
        if (!hyper_gradient_at(run, run->real, t) || !hyper_undo_velocity(run, t))
            return false;
    }
    if (!hyper_check_undone(run))
        return false;
    if (run->training.report) {
        run->training.report->seconds_reverse = hyper_seconds() - started;
        run->training.report->reversed_exactly = true;
    }
    return true;
}

ad_tree *hyper_naive_reversal(const hyper_training *training, ad_tree *hypers, ad_dtype dtype)
{
    if (dtype != AD_F32 && dtype != AD_F64)
        return ad_set_error(AD_ERROR_DTYPE, "hyper_naive_reversal: %s arithmetic; float32 and float64 are known", ad_dtype_name(dtype));
    hyper_training reversing = training ? *training : (hyper_training){ 0 };
    reversing.method = HYPER_REVERSE;
    hyper_run *run = hyper_run_new(&reversing, hypers, true);
    if (!run)
        return NULL;
    int64_t T = reversing.iterations;
    double *error = hyper_room(2 * (T + 1), sizeof *error);
    ad_tree *result = NULL;
    if (error && hyper_forward(run) && exact(run, error + T + 1) && naive(run, dtype, error))
        result = ad_tree_of("naive", ad_from(error, AD_SHAPE(T + 1)), "exact", ad_from(error + T + 1, AD_SHAPE(T + 1)));
    ad_memory_give(error);
    hyper_run_drop(run);
    return result;
}
