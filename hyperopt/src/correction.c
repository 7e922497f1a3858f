/* Corrections of Adam's biases: c_t = 1 - the product of a momentum over the iterations up to t.
 *
 * c_t = 1 - beta_t (1 - c_{t-1}), added up without cancellation: c_t = c_{t-1} + (1 - c_{t-1}) (1 - beta_t). For a
 * momentum that does not change it is 1 - beta^(t + 1), in closed form, so that nothing has to be remembered for each
 * element and iteration. Both directions read the same doubles. Where the momentum has an axis of time or is one
 * number, they are in a table over all iterations. Otherwise there is one value per element, computed anew for every
 * iteration.
 *
 * A run that begins at iteration `first` assumes that the iterations before had the momenta of its own first iteration:
 * c_{-1} = 1 - beta_0^first.
 *
 * To the rest of the engine a correction is a rate, laid out like its momentum. Its array is not one of hypers but
 * comes after them. Going back, its derivative is passed on to the momentum and to the correction before it:
 *     dbeta_t -= (1 - c_{t-1}) dc_t,   dc_{t-1} += beta_t dc_t. */
#include "run.h"

#include <math.h>

/* 1 - beta^n, from the logarithm of beta. Below -50 the power is less than half a unit in the last place of 1. */
static double closed(double logarithm, double n)
{
    double exponent = n > 0 ? n * logarithm : 0;
    return exponent < -50 ? 1 : -expm1(exponent);
}

static double slope_of_power(double beta, int64_t n)
{
    return n == 0 ? 0 : n == 1 ? 1 : (double)n * pow(beta, (double)(n - 1));
}

static double momentum_at(const hyper_run *run, const hyper_correction *c, int64_t t, int64_t j)
{
    return run->momenta[c->momentum][t * c->momentum_stride + j].value;
}

/* c_{t-1} of element j. */
static double before(const hyper_run *run, const hyper_correction *c, int64_t t, int64_t j)
{
    if (!c->momentum_stride)
        return closed(c->logarithms[j], (double)run->training.first + (double)t);
    return t > 0 ? c->values[(t - 1) * c->stride + j] : closed(c->logarithms[j], (double)run->training.first);
}

static double now(const hyper_run *run, const hyper_correction *c, int64_t t, int64_t j)
{
    double last = before(run, c, t, j);
    return c->momentum_stride ? last + (1 - last) * (1 - momentum_at(run, c, t, j)) : closed(c->logarithms[j], (double)run->training.first + (double)(t + 1));
}

int64_t hyper_correction_size(const hyper_run *run, const hyper_correction *c)
{
    return c->width * (c->stride ? run->training.iterations : 1);
}

/* ---- reading ---- */

/* Makes the correction for one array of momenta, as the schedule of one leaf reads that array. */
static bool make(hyper_run *run, hyper_correction *c, const hyper_schedule *momentum)
{
    int64_t size = ad_size(run->inputs[momentum->input]), T = run->training.iterations;
    *c = (hyper_correction){ .momentum = momentum->input, .momentum_stride = momentum->time_stride, .at = -1 };
    c->width = momentum->time_stride ? momentum->time_stride : size;
    c->stride = momentum->time_stride ? momentum->time_stride : size == 1;
    if (!(c->values = hyper_room(hyper_correction_size(run, c), sizeof *c->values)) || !(c->logarithms = hyper_room(c->width, sizeof *c->logarithms)))
        return false;
    for (int64_t j = 0; j < c->width && T > 0; j++)
        c->logarithms[j] = log(momentum_at(run, c, 0, j));
    for (int64_t t = 0; c->stride && t < T; t++)
        for (int64_t j = 0; j < c->width; j++)
            c->values[t * c->stride + j] = now(run, c, t, j);
    return true;
}

/* The schedule of a correction, which is laid out like a momentum's. */
static bool like(const hyper_run *run, const hyper_leaf *leaf, const hyper_schedule *momentum, int number, hyper_schedule *s)
{
    *s = *momentum;
    s->momenta = NULL;
    s->values = run->corrections[number].values;
    s->input = run->input_count + number;
    s->time_stride = run->corrections[number].stride;
    if (!momentum->stride)
        return true;
    s->stride = hyper_room(leaf->shape.ndim, sizeof *s->stride);
    for (int axis = 0; s->stride && axis < leaf->shape.ndim; axis++)
        s->stride[axis] = momentum->stride[axis];
    return s->stride != NULL;
}

bool hyper_corrections_read(hyper_run *run)
{
    const hyper_dynamics *d = run->dynamics;
    int most = 0;
    for (int r = 0; r < d->rate_count; r++)
        most += d->rate_corrects[r] ? run->rate_part[d->rate_corrects[r]].count : 0;
    if (most > 0 && run->training.first < 0)
        return ad_set_error(AD_ERROR_VALUE, "%s: the first iteration is %lld; it should be at least 0, as so many are corrected for", run->name,
                            (long long)run->training.first), false;
    if (!(run->corrections = hyper_room(most, sizeof *run->corrections)))
        return false;
    for (int r = 0; r < d->rate_count; r++) {
        int momentum = d->rate_corrects[r], first = run->correction_count;
        for (int k = 0; momentum && k < run->leaf_count; k++) {
            hyper_schedule *of = &run->leaves[k].rate[momentum];
            int number = first + of->input - run->rate_part[momentum].first;
            if (number == run->correction_count && !make(run, &run->corrections[run->correction_count++], of))
                return false;
            if (!like(run, &run->leaves[k], of, number, &run->leaves[k].rate[r]))
                return false;
        }
    }
    return true;
}

void hyper_corrections_at(hyper_run *run, int64_t t)
{
    for (int i = 0; i < run->correction_count; i++) {
        hyper_correction *c = &run->corrections[i];
        for (int64_t j = 0; !c->stride && c->at != t && j < c->width; j++)
            c->values[j] = now(run, c, t, j);
        c->at = t;
    }
}

/* ---- derivatives ---- */

static void back(const hyper_run *run, const hyper_correction *c, int64_t t, double *sum, double *dmomentum)
{
    for (int64_t j = 0; j < c->width; j++) {
        double *here = &sum[t * c->stride + j], slope = *here, beta = momentum_at(run, c, t, j);
        dmomentum[t * c->momentum_stride + j] -= (1 - before(run, c, t, j)) * slope;
        if (t == 0)
            dmomentum[j] -= slope_of_power(beta, run->training.first) * beta * slope;
        else if (c->stride)
            here[-c->stride] += beta * slope;
        else
            *here = beta * slope;
    }
}

void hyper_corrections_back(const hyper_run *run, const hyper_adjoint *a, int64_t t)
{
    for (int i = 0; i < run->correction_count; i++)
        back(run, &run->corrections[i], t, a->rate_sums[run->input_count + i], a->rate_sums[run->corrections[i].momentum]);
}

void hyper_correction_follow(const hyper_run *run, const hyper_correction *c, int64_t t, const double *dmomentum, double *tangent)
{
    for (int64_t j = 0; j < c->width; j++) {
        double beta = momentum_at(run, c, t, j), *here = &tangent[t * c->stride + j];
        double last = t > 0 ? here[-c->stride] : -slope_of_power(beta, run->training.first) * dmomentum[j];
        *here = beta * last - (1 - before(run, c, t, j)) * dmomentum[t * c->momentum_stride + j];
    }
}
