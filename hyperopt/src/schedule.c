/* Schedules: what learning rate or momentum an element of x has at an iteration, and the transpose of that reading.
 *
 * A schedule is a view of the user's array broadcast against [T, shape of the leaf ...]: strides are 0 along axes it does
 * not have. A vector of T elements is always one over time, even where the last axis of the leaf has T elements too. */
#include "run.h"

#include <stdio.h>

typedef struct {
    char text[256];
} shape_text;

static shape_text text_of(ad_shape shape)
{
    shape_text s;
    size_t length = 0;
    for (int i = 0; i < shape.ndim && length < 200; i++)
        length += (size_t)snprintf(s.text + length, sizeof s.text - length, "%s%lld", i ? "," : "(", (long long)shape.dim[i]);
    snprintf(s.text + length, sizeof s.text - length, "%s", shape.ndim == 0 ? "()" : shape.ndim == 1 ? ",)" : ")");
    return s;
}

/* Aligns an array with [T, shape of the leaf ...] from the right; false where it does not broadcast. */
static bool align(hyper_schedule *s, ad_shape array, const hyper_leaf *leaf, int64_t iterations)
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
        int64_t stride = array.dim[i] == 1 ? 0 : step;
        *(axis == 0 ? &s->time_stride : &s->stride[axis - 1]) = stride;
        s->shared &= axis == 0 || stride == 0;
        step *= array.dim[i];
    }
    return true;
}

static bool read_one(hyper_run *run, const char *name, hyper_part part, const hyper_leaf *leaf, int k, ad_array *const *inputs, hyper_schedule *s)
{
    int64_t T = run->training.iterations;
    *s = (hyper_schedule){ .input = part.first + (part.tree ? k : 0), .shared = true };
    ad_shape shape = ad_shape_of(inputs[s->input]);
    s->value = run->values[s->input];
    if (shape.ndim == 1 && shape.dim[0] == T) {
        s->time_stride = 1;
        return true;
    }
    if (shape.ndim == 0 || (part.tree && align(s, shape, leaf, T)))
        return true;
    if (!part.tree)
        return ad_set_error(AD_ERROR_SHAPE, "hyper_sgd: %s has shape %s; it should be a scalar, a vector of %lld iterations, or a tree like x", name,
                            text_of(shape).text, (long long)T), false;
    return ad_set_error(AD_ERROR_SHAPE, "hyper_sgd: %s for %s has shape %s, which does not broadcast against %lld iterations of %s", name, leaf->path,
                        text_of(shape).text, (long long)T, text_of(leaf->shape).text), false;
}

bool hyper_schedules_read(hyper_run *run, ad_array *const *inputs)
{
    hyper_part alpha = run->alpha_part, beta = run->beta_part;
    if (alpha.tree && !ad_tree_same_structure(alpha.tree, run->x_part.tree))
        return ad_set_error(AD_ERROR_VALUE, "hyper_sgd: alpha is a tree of another structure than x"), false;
    if (beta.tree && !ad_tree_same_structure(beta.tree, run->x_part.tree))
        return ad_set_error(AD_ERROR_VALUE, "hyper_sgd: beta is a tree of another structure than x"), false;
    for (int k = 0; k < run->leaves; k++) {
        hyper_leaf *leaf = &run->leaf[k];
        if (!read_one(run, "alpha", alpha, leaf, k, inputs, &leaf->alpha) || !read_one(run, "beta", beta, leaf, k, inputs, &leaf->beta))
            return false;
    }
    return true;
}

/* The elements of the leaf from `axis` on, in C order; gives the place after the last one written. */
static double *gather(const hyper_schedule *s, ad_shape shape, int axis, const double *from, double *to)
{
    for (int64_t i = 0; i < shape.dim[axis]; i++, from += s->stride[axis]) {
        if (axis + 1 < shape.ndim)
            to = gather(s, shape, axis + 1, from, to);
        else
            *to++ = *from;
    }
    return to;
}

static const double *scatter(const hyper_schedule *s, ad_shape shape, int axis, const double *from, double *to)
{
    for (int64_t i = 0; i < shape.dim[axis]; i++, to += s->stride[axis]) {
        if (axis + 1 < shape.ndim)
            from = scatter(s, shape, axis + 1, from, to);
        else
            *to += *from++;
    }
    return from;
}

int64_t hyper_schedule_at(const hyper_schedule *s, const hyper_leaf *leaf, int64_t t, double *value)
{
    const double *now = s->value + t * s->time_stride;
    if (leaf->size == 0)
        return 0;
    if (s->shared)
        value[0] = *now;
    else
        gather(s, leaf->shape, 0, now, value);
    return !s->shared;
}

void hyper_schedule_add(const hyper_schedule *s, const hyper_leaf *leaf, int64_t t, const double *term, double *sum)
{
    double *now = sum + t * s->time_stride, total = 0;
    if (!s->shared && leaf->size) {
        scatter(s, leaf->shape, 0, term, now);
        return;
    }
    for (int64_t i = 0; i < leaf->size; i++)
        total += term[i];
    *now += total;
}
