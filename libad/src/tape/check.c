/* Checking derivatives against central differences.
 *
 * All float arguments together are the point x. What is differentiated is s(z) = Re sum(w h(f(x(z)))) at z = 0, with w
 * random and
 *
 *     x(z) = x + |x| (exp(z) - 1)           so that steps are relative to each element, and tangents change with z
 *     h(y) = exp(u/2) - 1, u = y / max|y|   so that results of any size count alike, and cotangents change with z
 *
 * A rule that depends on its tangent or cotangent in a wrong way is therefore found at order 2.
 *
 * The derivative D_k of order k is that of D_(k-1) along a random direction v_k, by reverse or forward mode, with D_0 =
 * s. It is compared with differences of D_(k-1) along v_k (differences.c). So order k is checked in every nesting of
 * modes. Each mode is also checked against the other; they agree up to rounding. */
#include "ad/array.h"
#include "ad/create.h"
#include "ad/math.h"
#include "ad/random.h"
#include "ad/reduce.h"
#include "ad/shape.h"
#include "tape/differences.h"
#include "tape/function.h"
#include <float.h>
#include <stdio.h>
#include <string.h>

enum { MOST_ORDERS = 8, ROUNDINGS = 64, ERRORS = 8 };

struct check {
    const ad_fn *fn;
    const ad_value *arguments;
    const ad_check_options *options;
    ad_tree *point;                   /* the float leaves of all arguments */
    ad_tree *sizes;                   /* |x| of each element; where that is 0, |x| of the largest element, or 1 */
    ad_tree *zeros;                   /* z at the point */
    ad_tree *result_sizes;            /* 0-d: of each leaf of the result */
    ad_tree *directions[MOST_ORDERS]; /* v_1, v_2, ... like the point */
    char modes[MOST_ORDERS + 1];      /* 'r' or 'f' for each order */
    double unit;                      /* the largest rounding unit of a dtype in the point or the result */
    double step;                      /* of the differences */
};

/* D_k, as the context of its function. */
struct derivative {
    const struct check *check;
    int order;
};

/* ---- random arrays: the weights and the direction of each order have keys of their own, and in them each leaf ---- */

enum { WEIGHTS = 0, MOVES = MOST_ORDERS + 1 }; /* order k is number k, from 1 on */

static ad_key key_of(const struct check *check, int number, int leaf)
{
    return ad_random_fold_in(ad_random_fold_in(ad_random_key(check->options->seed), (uint64_t)number), (uint64_t)leaf);
}

/* Uniform in -1 ... 1, in both parts of a complex number. */
static ad_array *random_like(const ad_array *x, ad_key key)
{
    ad_shape shape = ad_shape_of(x);
    ad_array *y = ad_random_uniform(key, shape, .low = -1);
    if (ad_dtype_is_complex((ad_dtype)x->dtype))
        y = ad_add(y, ad_mul(ad_weak_complex(1.0i), ad_random_uniform(ad_random_fold_in(key, 0), shape, .low = -1)));
    return y ? ad_astype(y, (ad_dtype)x->dtype) : NULL;
}

/* ---- the functions D_k ---- */

/* Re sum(a b) */
static ad_array *paired(ad_array *a, ad_array *b)
{
    return ad_real(ad_sum(ad_mul(a, b)));
}

static ad_array *paired_trees(const ad_tree *a, const ad_tree *b)
{
    ad_array *sum = ad_scalar(0);
    for (int i = 0; i < ad_tree_count(a); i++)
        sum = ad_add(sum, paired(ad_tree_array_at(a, i), ad_tree_array_at(b, i)));
    return a && b ? sum : NULL;
}

/* List of f(leaf of a, leaf of b). */
static ad_tree *zip(const ad_tree *a, const ad_tree *b, ad_array *(*f)(ad_array *, ad_array *))
{
    int count = a && b ? ad_tree_count(a) : 0;
    AD_SCRATCH room = { 0 };
    ad_tree_item *items = ad_scratch_take(ad_current(), &room, count, sizeof *items);
    for (int i = 0; items && i < count; i++)
        items[i] = (ad_tree_item){ AD_ITEM_ARRAY, f(ad_tree_array_at(a, i), ad_tree_array_at(b, i)) };
    return items && a && b ? ad_list_from(items, count) : NULL;
}

static ad_array *displacement(ad_array *z, ad_array *size)
{
    return ad_mul(size, ad_expm1(z));
}

static ad_array *sum_of(ad_array *a, ad_array *b)
{
    return ad_add(a, b);
}

/* The leaves of f at x(z). */
static bool results_at(const struct check *check, ad_tree *z, struct ad_leaves *outputs)
{
    ad_context *c = ad_current();
    ad_value values[AD_MAX_ARGUMENTS];
    ad_tree *x = zip(check->point, zip(z, check->sizes, displacement), sum_of);
    void *y = x && ad_with_float_leaves(c, check->fn, check->arguments, 0, x, values) ? ad_fn_invoke(c, check->fn, values) : NULL;
    if (!y && !ad_failed())
        ad_set_error(AD_ERROR_TRANSFORM, "ad_check_grads: the function returned NULL");
    return y && ad_leaves_of(c, check->fn->result, y, outputs);
}

static ad_array *projection(const struct check *check, ad_tree *z)
{
    struct ad_leaves outputs;
    if (!results_at(check, z, &outputs))
        return NULL;
    ad_array *sum = ad_scalar(0);
    for (int i = 0; i < outputs.count; i++)
        if (ad_dtype_is_inexact((ad_dtype)outputs.leaf[i]->dtype)) {
            ad_array *u = ad_div(outputs.leaf[i], ad_tree_array_at(check->result_sizes, i)), *w = random_like(outputs.leaf[i], key_of(check, WEIGHTS, i));
            sum = ad_add(sum, paired(ad_expm1(ad_mul(u, 0.5)), w));
        }
    ad_leaves_free(ad_current(), &outputs);
    return sum;
}

static ad_array *derivative(ad_tree *point, void *context)
{
    const struct derivative *d = context;
    if (d->order == 0)
        return projection(d->check, point);
    struct derivative lower = { d->check, d->order - 1 };
    ad_context *c = ad_current();
    ad_fn *fn = ad_function_of((void (*)(void))derivative, "a(t,p)");
    ad_value values[2] = { { .p = point }, { .p = &lower } };
    ad_tree *v = d->check->directions[d->order - 1];
    if (d->check->modes[d->order - 1] == 'f')
        return ad_directional(c, "ad_check_grads", fn, values, v, NULL);
    return paired_trees(ad_fn_invoke(c, ad_grad_fn(fn, 0), values), v);
}

static double value_at(const struct check *check, int order, ad_tree *z)
{
    AD_SCOPE;
    return ad_item(derivative(z, &(struct derivative){ check, order }));
}

/* D_(order-1) at distance h along its direction. */
static double value_beside(const void *context, double h)
{
    AD_SCOPE;
    const struct derivative *d = context;
    ad_tree *v = d->check->directions[d->order - 1];
    int count = ad_tree_count(v);
    AD_SCRATCH room = { 0 };
    ad_tree_item *items = ad_scratch_take(ad_current(), &room, count, sizeof *items);
    for (int i = 0; items && i < count; i++)
        items[i] = (ad_tree_item){ AD_ITEM_ARRAY, ad_mul(ad_tree_array_at(v, i), h) };
    double value = items ? value_at(d->check, d->order - 1, ad_list_from(items, count)) : NAN;
    if (ad_failed() && ad_error_code() != AD_ERROR_MEMORY) /* outside of where the function is defined */
        ad_clear_error();
    return value;
}

/* ---- the comparison ---- */

static bool agree(double a, double b, double tolerance, double margin)
{
    return fabs(a - b) <= tolerance * fmax(fabs(a), fabs(b)) + margin;
}

static const char *nesting(const struct check *check, int order, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int k = order - 1; k >= 0 && used < size; k--)
        used += (size_t)snprintf(text + used, size - used, "%s%s", used ? " over " : "", check->modes[k] == 'f' ? "forward" : "reverse");
    return text;
}

#define NESTING(check, order) nesting(check, order, (char[128]){ 0 }, 128)

static bool differ(const struct check *check, int order, double exact, const struct ad_difference *d)
{
    const char *why =
        d->flat ? "; short steps change nothing: where a function is piecewise constant only a longer .step, with more .tolerance, can see its slope" : "";
    return AD_FAIL(AD_ERROR_TRANSFORM, "ad_check_grads: order %d, %s: the derivative is %.17g, central differences give %.17g (seed %llu)%s", order,
                   NESTING(check, order), exact, d->best.value, (unsigned long long)check->options->seed, why);
}

static bool differ_at_kink(const struct check *check, int order, double exact, const struct ad_difference *d)
{
    return AD_FAIL(AD_ERROR_TRANSFORM,
                   "ad_check_grads: order %d, %s: the derivative is %.17g, central differences give %.17g, %.17g from the left and %.17g from the right "
                   "(seed %llu): the function has a kink here, where there is nothing to check; move the point",
                   order, NESTING(check, order), exact, d->best.value, d->left, d->right, (unsigned long long)check->options->seed);
}

static bool never_settled(const struct check *check, int order, double exact, const struct ad_difference *d)
{
    return AD_FAIL(
        AD_ERROR_TRANSFORM,
        "ad_check_grads: order %d, %s: the derivative is %.17g, but central differences do not settle on a value (about %.6g, give or take %.3g; seed %llu): "
        "the function jumps, is piecewise constant or has lost its digits; a longer .step, with more .tolerance, may help",
        order, NESTING(check, order), exact, d->best.value, d->best.error, (unsigned long long)check->options->seed);
}

static bool matches(const struct check *check, double exact, const struct ad_difference *d)
{
    double tolerance = check->options->tolerance;
    return (d->best.settled && agree(exact, d->best.value, tolerance, ERRORS * d->best.error)) ||
           (d->longer.settled && agree(exact, d->longer.value, tolerance, ERRORS * d->longer.error));
}

static bool between_sides(const struct check *check, double exact, const struct ad_difference *d)
{
    double margin = check->options->tolerance * fmax(fabs(d->left), fabs(d->right)) + ERRORS * d->slope_error;
    return exact >= fmin(d->left, d->right) - margin && exact <= fmax(d->left, d->right) + margin;
}

static struct ad_difference differences(const struct check *check, int order)
{
    return ad_difference(value_beside, &(struct derivative){ check, order }, check->step, check->unit);
}

/* x, with each element moved at random by a part of its size. */
static ad_tree *moved_point(const struct check *check, int number)
{
    enum { PART = 1000 };
    int count = ad_tree_count(check->point);
    AD_SCRATCH room = { 0 };
    ad_tree_item *items = ad_scratch_take(ad_current(), &room, count, sizeof *items);
    for (int i = 0; items && i < count; i++) {
        ad_array *x = ad_tree_array_at(check->point, i), *size = ad_tree_array_at(check->sizes, i);
        items[i] = (ad_tree_item){ AD_ITEM_ARRAY, ad_add(x, ad_mul(size, ad_div(random_like(x, key_of(check, MOVES + number, i)), PART))) };
    }
    return items ? ad_list_from(items, count) : NULL;
}

/* Checks at a point beside this one, for the case that differences do not settle because of a kink or jump near this
 * one. */
static bool check_beside(const struct check *check, int order, double exact, const struct ad_difference *here)
{
    enum { TRIES = 3 };
    for (int number = 0; number < TRIES; number++) {
        AD_SCOPE;
        struct check moved = *check;
        if (!(moved.point = moved_point(check, number)))
            return false;
        double beside = value_at(&moved, order, check->zeros);
        struct ad_difference d = differences(&moved, order);
        if (ad_failed())
            return false;
        if (matches(check, beside, &d))
            return true;
        if (d.best.settled && !d.kinked)
            return differ(check, order, beside, &d);
    }
    return here->best.settled ? differ(check, order, exact, here) : never_settled(check, order, exact, here);
}

static bool check_differences(const struct check *check, int order, double exact)
{
    double quick = ad_quick_difference(value_beside, &(struct derivative){ check, order }, check->step);
    if (ad_failed() || agree(exact, quick, check->options->tolerance, 0))
        return !ad_failed();
    struct ad_difference d = differences(check, order);
    if (ad_failed() || matches(check, exact, &d))
        return !ad_failed();
    bool one_sided = d.kinked && (order == 1 || d.best.settled); /* at a higher order, the function that is differentiated may jump */
    if (!isfinite(exact) || (d.best.settled && !d.kinked) || (one_sided && !d.at_point && !between_sides(check, exact, &d)))
        return differ(check, order, exact, &d);
    if (one_sided && d.at_point)
        return differ_at_kink(check, order, exact, &d);
    return check_beside(check, order, exact, &d);
}

/* The other mode, as the outermost one, gives the same number up to rounding. Both numbers are sums, and where terms
 * cancel, the rounding of the terms remains. */
static bool check_other_mode(struct check *check, int order, double exact)
{
    char mode = check->modes[order - 1];
    double size = fmax(1, fabs(exact));
    check->modes[order - 1] = mode == 'f' ? 'r' : 'f';
    double other = value_at(check, order, check->zeros);
    check->modes[order - 1] = mode;
    for (int lower = 0; lower < order; lower++)
        size = fmax(size, fabs(value_at(check, lower, check->zeros)));
    if (ad_failed())
        return false;
    if (agree(exact, other, check->options->tolerance * 1e-4, ROUNDINGS * check->unit * size))
        return true;
    struct ad_difference d = differences(check, order); /* these include the rounding inside the function */
    return (d.longer.settled && fabs(exact - other) <= d.longer.error) ||
           AD_FAIL(AD_ERROR_TRANSFORM, "ad_check_grads: order %d, %s: the derivative is %.17g, the other mode outermost gives %.17g (seed %llu)", order,
                   NESTING(check, order), exact, other, (unsigned long long)check->options->seed);
}

static bool check_order(struct check *check, int order)
{
    double exact = value_at(check, order, check->zeros);
    if (ad_failed() || !check_differences(check, order, exact))
        return false;
    return check->options->modes != (AD_REV | AD_FWD) || check_other_mode(check, order, exact);
}

/* All nestings of the given modes from this order on. */
static bool check_nestings(struct check *check, int order)
{
    if (order > check->options->order)
        return true;
    for (const char *mode = "rf"; *mode; mode++) {
        check->modes[order - 1] = *mode;
        if (!(check->options->modes & (*mode == 'r' ? AD_REV : AD_FWD)))
            continue;
        if (!check_order(check, order) || !check_nestings(check, order + 1))
            return false;
    }
    return true;
}

/* ---- the point and its directions ---- */

/* The largest |x|, in the dtype of |x|; or `none` where that is 0, too small to divide by, or not finite. */
static ad_array *largest(ad_array *x, double none)
{
    bool single = x && ad_dtype_real((ad_dtype)x->dtype) == AD_F32;
    double most = x && x->size ? ad_item(ad_max(ad_abs(x))) : 0, least = 4 * (single ? FLT_MIN : DBL_MIN);
    return ad_astype(ad_scalar(isfinite(most) && most >= least ? most : none), single ? AD_F32 : AD_F64);
}

static ad_array *sizes_of(ad_array *x)
{
    ad_array *size = ad_abs(x);
    return ad_where(ad_logical_and(ad_greater(size, 0), ad_isfinite(size)), size, largest(x, 1));
}

static ad_array *zeros_of(ad_array *x)
{
    return ad_zeros_like(x);
}

static bool gather_point(ad_context *c, struct check *check)
{
    ad_tree *leaves = ad_float_leaves(c, check->fn, check->arguments, 0);
    if (leaves && ad_tree_count(leaves) == 0)
        return AD_FAIL(AD_ERROR_DTYPE, "ad_check_grads: no argument is real or complex, so there is no derivative to check");
    check->point = leaves ? ad_tree_map(ad_stop_gradient, leaves) : NULL;
    check->sizes = leaves ? ad_tree_map(sizes_of, check->point) : NULL;
    check->zeros = leaves ? ad_tree_map(zeros_of, check->point) : NULL;
    return check->point && check->sizes && check->zeros;
}

static double rounding_unit(const ad_array *x)
{
    ad_dtype dtype = (ad_dtype)x->dtype;
    return !ad_dtype_is_inexact(dtype) ? 0 : ad_dtype_real(dtype) == AD_F32 ? FLT_EPSILON : DBL_EPSILON;
}

/* Finds sizes and the rounding unit from the point and the result there. */
static bool look_at_result(struct check *check)
{
    struct ad_leaves outputs;
    if (!results_at(check, check->zeros, &outputs))
        return false;
    AD_SCRATCH room = { 0 };
    ad_tree_item *items = ad_scratch_take(ad_current(), &room, outputs.count, sizeof *items);
    for (int i = 0; items && i < outputs.count; i++) {
        bool counts = ad_dtype_is_inexact((ad_dtype)outputs.leaf[i]->dtype);
        items[i] = (ad_tree_item){ AD_ITEM_ARRAY, counts ? largest(ad_stop_gradient(outputs.leaf[i]), 1) : ad_scalar(1) };
        check->unit = fmax(check->unit, rounding_unit(outputs.leaf[i]));
    }
    for (int i = 0; i < ad_tree_count(check->point); i++)
        check->unit = fmax(check->unit, rounding_unit(ad_tree_array_at(check->point, i)));
    /* The error of the quick differences is step^4, plus unit/step from rounding. */
    check->step = check->options->step > 0 ? check->options->step : pow(check->unit, 0.2);
    check->result_sizes = items ? ad_list_from(items, outputs.count) : NULL;
    ad_leaves_free(ad_current(), &outputs);
    return check->result_sizes != NULL;
}

static bool choose_directions(struct check *check)
{
    int count = ad_tree_count(check->point);
    AD_SCRATCH room = { 0 };
    ad_array **leaves = ad_scratch_take(ad_current(), &room, count, sizeof *leaves);
    if (!leaves)
        return false;
    for (int order = 0; order < check->options->order; order++) {
        for (int i = 0; i < count; i++)
            if (!(leaves[i] = random_like(ad_tree_array_at(check->point, i), key_of(check, order + 1, i))))
                return false;
        if (!(check->directions[order] = ad_tree_with_leaves(check->point, leaves)))
            return false;
    }
    return true;
}

bool ad_check_grads_with(ad_fn *fn, ad_check_options options)
{
    if (!ad_fn_usable(fn, "ad_check_grads"))
        return false;
    if (options.order < 1 || options.order > MOST_ORDERS || !(options.modes & (AD_REV | AD_FWD)))
        return AD_FAIL(AD_ERROR_VALUE, "ad_check_grads: order %d in modes %u; orders 1 to %d in AD_REV, AD_FWD or both can be checked", options.order,
                       options.modes, MOST_ORDERS);
    if (ad_failed())
        return false;
    AD_SCOPE;
    AD_RUNNING(ad_current(), "ad_check_grads");
    ad_value arguments[AD_MAX_ARGUMENTS];
    const void *const *pointer = options.arguments;
    const double *number = options.numbers;
    for (int i = 0; i < fn->count; i++)
        switch (fn->arguments[i]) {
        case 'i': arguments[i].i = (int)*number++; break;
        case 'l': arguments[i].l = (int64_t)*number++; break;
        case 'd': arguments[i].d = *number++; break;
        default: arguments[i].p = (void *)*pointer++; break;
        }
    struct check check = { .fn = fn, .arguments = arguments, .options = &options };
    return gather_point(ad_current(), &check) && choose_directions(&check) && look_at_result(&check) && check_nestings(&check, 1);
}
