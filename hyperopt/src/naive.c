/* Playing a run backwards in ordinary arithmetic, beside the exact way: the distance from the true trajectory at every
 * iteration.
 *
 * Naive reversal divides the velocity by beta at each step. So it multiplies whatever rounding left by 1/beta, which
 * grows exponentially. */
#include "run.h"

#include <math.h>

typedef struct {
    hyper_run *run;
    double *x, *v;
    double *trajectory; /* x before every iteration, and at the end */
    bool single;
} naive_run;

static double rounded(const naive_run *n, double value)
{
    return n->single ? (double)(float)value : value;
}

/* The gradient at n->x. */
static bool gradient_at(const naive_run *n, int64_t t, hyper_slopes *slopes)
{
    return hyper_values_put(n->run, &n->run->x_values, n->x) && hyper_gradient_at(n->run, t, slopes);
}

/* What an element needs to go forward and back. */
typedef struct {
    double alpha, beta, gradient;
} element;

static element element_at(const naive_run *n, int k, int64_t i, int64_t t)
{
    const hyper_run *run = n->run;
    const hyper_leaf *leaf = &run->leaves[k];
    hyper_momentum scratch[2];
    const double *alpha = hyper_schedule_at(&leaf->rate[0], leaf, t, i, 1, &scratch[0]).value;
    const hyper_momentum *beta = hyper_schedule_at(&leaf->rate[1], leaf, t, i, 1, &scratch[1]).value;
    return (element){ *alpha, beta->value, hyper_value_at(leaf, run->gradient_data[k], i) };
}

static bool go_forward(naive_run *n)
{
    const hyper_run *run = n->run;
    for (int64_t t = 0; t <= run->training.iterations; t++) {
        AD_SCOPE;
        hyper_slopes slopes;
        for (int64_t i = 0; i < run->parameter_count; i++)
            n->trajectory[t * run->parameter_count + i] = n->x[i];
        if (t == run->training.iterations)
            break;
        if (!gradient_at(n, t, &slopes))
            return false;
        for (int k = 0; k < run->leaf_count; k++) {
            for (int64_t i = 0, at = run->leaves[k].start; i < run->leaves[k].size; i++, at++) {
                element e = element_at(n, k, i, t);
                n->v[at] = rounded(n, rounded(n, e.beta * n->v[at]) - rounded(n, (1 - e.beta) * e.gradient));
                n->x[at] = rounded(n, n->x[at] + rounded(n, e.alpha * n->v[at]));
            }
        }
    }
    return true;
}

static bool go_back(naive_run *n, double *error)
{
    const hyper_run *run = n->run;
    for (int64_t t = run->training.iterations - 1; t >= 0; t--) {
        AD_SCOPE;
        hyper_slopes slopes;
        double sum = 0;
        for (int k = 0; k < run->leaf_count; k++) {
            for (int64_t i = 0, at = run->leaves[k].start; i < run->leaves[k].size; i++, at++) {
                const double *alpha = hyper_schedule_at(&run->leaves[k].rate[0], &run->leaves[k], t, i, 1, &(double){ 0 }).value;
                n->x[at] = rounded(n, n->x[at] - rounded(n, *alpha * n->v[at]));
                sum += pow(n->x[at] - n->trajectory[t * run->parameter_count + at], 2);
            }
        }
        error[t] = sqrt(sum / fmax(1, (double)run->parameter_count));
        if (!gradient_at(n, t, &slopes))
            return false;
        for (int k = 0; k < run->leaf_count; k++) {
            for (int64_t i = 0, at = run->leaves[k].start; i < run->leaves[k].size; i++, at++) {
                element e = element_at(n, k, i, t);
                n->v[at] = rounded(n, rounded(n, n->v[at] + rounded(n, (1 - e.beta) * e.gradient)) / e.beta);
            }
        }
    }
    return true;
}

/* Runs forward and back in floating point. It begins where the fixed-point run does, rounded. */
static bool naive(hyper_run *run, ad_dtype dtype, double *error)
{
    int64_t n = run->parameter_count, states;
    naive_run it = { .run = run, .single = dtype == AD_F32 };
    if (__builtin_mul_overflow(n, run->training.iterations + 1, &states))
        return hyper_no_memory() != NULL;
    bool done = (it.x = hyper_room(n, sizeof(double))) && (it.v = hyper_room(n, sizeof(double))) && (it.trajectory = hyper_room(states, sizeof(double))) &&
                hyper_state_first(run);
    for (int64_t i = 0; done && i < n; i++) {
        it.x[i] = rounded(&it, (double)run->state[0][i] * run->unit[0]);
        it.v[i] = rounded(&it, (double)run->state[1][i] * run->unit[1]);
    }
    done = done && go_forward(&it) && go_back(&it, error);
    ad_memory_give(it.x);
    ad_memory_give(it.v);
    ad_memory_give(it.trajectory);
    return done;
}

/* Runs forward and back in fixed point. */
static bool exact(hyper_run *run, double *error)
{
    AD_SCOPE;
    ad_array *none[HYPER_OUTPUTS] = { NULL };
    int64_t states;
    if (__builtin_mul_overflow(run->parameter_count, run->training.iterations + 1, &states) || !(run->watched_x = hyper_room(states, sizeof *run->watched_x)))
        return false;
    run->drift = error;
    bool done = hyper_forward(run) && hyper_reverse(run, none);
    run->drift = NULL;
    return done;
}

ad_tree *hyper_naive_reversal(const hyper_training *training, ad_tree *hypers, ad_dtype dtype)
{
    if (dtype != AD_F32 && dtype != AD_F64)
        return ad_set_error(AD_ERROR_DTYPE, "hyper_naive_reversal: %s arithmetic; float32 and float64 are known", ad_dtype_name(dtype));
    hyper_training reversing = training ? *training : (hyper_training){ 0 };
    reversing.method = HYPER_REVERSE;
    hyper_run *run = hyper_run_new(&hyper_sgd_dynamics, HYPER_TRAINED, "hyper_naive_reversal", training ? &reversing : NULL, hypers);
    if (!run)
        return NULL;
    int64_t T = reversing.iterations;
    double *error = hyper_room(2 * (T + 1), sizeof *error);
    ad_tree *result = NULL;
    if (error && exact(run, error + T + 1) && naive(run, dtype, error))
        result = ad_tree_of("naive", ad_from(error, AD_SHAPE(T + 1)), "exact", ad_from(error + T + 1, AD_SHAPE(T + 1)));
    ad_memory_give(error);
    hyper_run_drop(run);
    return result;
}
