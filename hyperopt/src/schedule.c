/* Schedules: what rate an element of x has at an iteration, and the transpose of that reading.
 *
 * A schedule is a view of the user's array broadcast against [T, shape of the leaf ...]: strides are 0 along axes it
 * does not have. A vector of T elements is always one over time, even where the last axis of the leaf has T elements
 * too. */
#include "run.h"

#include <math.h>
#include <string.h>

/* ---- reading ---- */

/* Aligns an array with [T, shape of the leaf ...] from the right; false where it does not broadcast. stride: along the
 * leaf's axes. */
static bool align(hyper_schedule *s, ad_shape array, const hyper_leaf *leaf, int64_t iterations, int64_t *stride)
{
    int axes = leaf->shape.ndim + 1;
    int64_t step = 1;
    if (array.ndim > axes)
        return false;
    for (int i = array.ndim - 1; i >= 0; i--) {
        int axis = axes - array.ndim + i;
        int64_t length = axis == 0 ? iterations : leaf->shape.dim[axis - 1];
        if (array.dim[i] != 1 && array.dim[i] != length)
            return false;
        *(axis == 0 ? &s->time_stride : &stride[axis - 1]) = array.dim[i] == 1 ? 0 : step;
        step *= array.dim[i];
    }
    return true;
}

/* Finds how the strides share the values, and keeps the strides where that is not simple. */
static bool classify(hyper_schedule *s, const hyper_leaf *leaf, const int64_t *stride)
{
    bool shared = true, own = true;
    int64_t step = 1;
    for (int axis = leaf->shape.ndim - 1; axis >= 0; axis--) {
        shared &= stride[axis] == 0 || leaf->shape.dim[axis] == 1;
        own &= stride[axis] == step || leaf->shape.dim[axis] == 1;
        step *= leaf->shape.dim[axis];
    }
    s->sharing = shared ? HYPER_SHARED : own ? HYPER_OWN : HYPER_BROADCAST;
    if (s->sharing != HYPER_BROADCAST)
        return true;
    s->stride = hyper_room(leaf->shape.ndim, sizeof *s->stride);
    if (s->stride)
        memcpy(s->stride, stride, (size_t)leaf->shape.ndim * sizeof *stride);
    return s->stride != NULL;
}

static bool read_one(hyper_run *run, int r, hyper_leaf *leaf, int k)
{
    hyper_schedule *s = &leaf->rate[r];
    hyper_part part = run->rate_part[r];
    const char *name = run->dynamics->rate_name[r];
    int64_t T = run->training.iterations, stride[AD_MAX_NDIM] = { 0 };
    if (!part.given) {
        *s = (hyper_schedule){ .input = -1, .values = &run->dynamics->rate_default[r] };
        return true;
    }
    *s = (hyper_schedule){ .input = part.first + (part.tree ? k : 0) };
    s->values = ad_data(run->schedule_values[s->input]);
    s->momenta = run->momenta[s->input];
    ad_shape shape = ad_shape_of(run->schedule_values[s->input]);
    if (shape.ndim == 1 && shape.dim[0] == T) {
        s->time_stride = 1;
        return true;
    }
    if (shape.ndim == 0)
        return true;
    if (part.tree && align(s, shape, leaf, T, stride))
        return classify(s, leaf, stride);
    if (!part.tree)
        return ad_set_error(AD_ERROR_SHAPE, "%s: %s has shape %s; it should be a scalar, a vector of %lld iterations, or a tree like x", run->name, name,
                            HYPER_SHAPE_TEXT(shape), (long long)T), false;
    return ad_set_error(AD_ERROR_SHAPE, "%s: %s for %s has shape %s, which does not broadcast against %lld iterations of %s", run->name, name, leaf->path,
                        HYPER_SHAPE_TEXT(shape), (long long)T, HYPER_SHAPE_TEXT(leaf->shape)), false;
}

bool hyper_schedules_read(hyper_run *run)
{
    for (int k = 0; k < run->leaf_count; k++)
        for (int r = 0; r < run->dynamics->rate_count; r++)
            if (!run->dynamics->rate_corrects[r] && !read_one(run, r, &run->leaves[k], k))
                return false;
    return true;
}

/* ---- values ---- */

/* A walk over the elements of a leaf in C order, and their places in the array of a schedule. */
typedef struct {
    const ad_shape *shape;
    const int64_t *stride;
    int64_t index[AD_MAX_NDIM], at;
} walk;

static walk walk_from(const hyper_schedule *s, const hyper_leaf *leaf, int64_t t, int64_t from)
{
    walk w = { .shape = &leaf->shape, .stride = s->stride, .at = t * s->time_stride };
    for (int axis = leaf->shape.ndim - 1; axis >= 0; axis--) {
        w.index[axis] = from % leaf->shape.dim[axis];
        from /= leaf->shape.dim[axis];
        w.at += w.index[axis] * s->stride[axis];
    }
    return w;
}

static void walk_on(walk *w)
{
    for (int axis = w->shape->ndim - 1; axis >= 0; axis--) {
        w->at += w->stride[axis];
        if (++w->index[axis] < w->shape->dim[axis])
            return;
        w->at -= w->index[axis] * w->stride[axis];
        w->index[axis] = 0;
    }
}

hyper_rate_view hyper_schedule_at(const hyper_schedule *s, const hyper_leaf *leaf, int64_t t, int64_t from, int64_t count, void *scratch)
{
    int64_t at = t * s->time_stride + (s->sharing == HYPER_OWN ? from : 0);
    if (s->sharing != HYPER_BROADCAST)
        return (hyper_rate_view){ s->momenta ? (const void *)&s->momenta[at] : &s->values[at], s->sharing == HYPER_OWN };
    walk w = walk_from(s, leaf, t, from);
    for (int64_t i = 0; i < count; i++, walk_on(&w)) {
        if (s->momenta)
            ((hyper_momentum *)scratch)[i] = s->momenta[w.at];
        else
            ((double *)scratch)[i] = s->values[w.at];
    }
    return (hyper_rate_view){ scratch, 1 };
}

void hyper_schedule_add(const hyper_schedule *s, const hyper_leaf *leaf, int64_t t, int64_t from, int64_t count, const double *term, double *sum)
{
    if (s->sharing == HYPER_OWN) {
        double *own = sum + t * s->time_stride + from;
        for (int64_t i = 0; i < count; i++)
            own[i] += term[i];
        return;
    }
    walk w = walk_from(s, leaf, t, from);
    for (int64_t i = 0; i < count; i++, walk_on(&w))
        sum[w.at] += term[i];
}

/* ---- the price ---- */

static double bits_of_momentum(double value, int bits_of_zero)
{
    return value > 0 ? -log2(value) : bits_of_zero;
}

static double bits_of(const hyper_schedule *s, const hyper_leaf *leaf, int64_t t, int of_zero)
{
    hyper_momentum scratch[HYPER_BLOCK];
    double bits = 0;
    if (s->sharing == HYPER_SHARED)
        return leaf->size ? (double)leaf->size * bits_of_momentum(s->momenta[t * s->time_stride].value, of_zero) : 0;
    for (int64_t from = 0; from < leaf->size; from += HYPER_BLOCK) {
        int64_t count = leaf->size - from < HYPER_BLOCK ? leaf->size - from : HYPER_BLOCK;
        const hyper_momentum *momentum = hyper_schedule_at(s, leaf, t, from, count, scratch).value;
        for (int64_t i = 0; i < count; i++)
            bits += bits_of_momentum(momentum[i].value, of_zero);
    }
    return bits;
}

/* A schedule without an axis of time is priced once for all iterations. */
double hyper_schedule_bound(const hyper_run *run)
{
    int64_t T = run->training.iterations;
    double bits = 0;
    for (int k = 0; k < run->leaf_count; k++) {
        for (int r = 0; r < run->dynamics->rate_count; r++) {
            const hyper_schedule *s = &run->leaves[k].rate[r];
            int64_t times = s->time_stride ? T : T > 0;
            for (int64_t t = 0; s->momenta && t < times; t++)
                bits += bits_of(s, &run->leaves[k], t, run->dynamics->bits_of_zero[r]) * (double)(s->time_stride ? 1 : T);
        }
    }
    return bits;
}
