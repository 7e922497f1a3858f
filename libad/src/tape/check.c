/* Checking derivatives against central differences.
 *
 * All float arguments together are the point x; s(x) = Re sum(w f(x)) for a random w. The derivative D_k of order k is that of D_(k-1) along a
 * random direction v_k, by reverse or forward mode, D_0 = s; it is compared with Richardson-extrapolated central differences of D_(k-1)
 * along v_k. So order k is checked in every nesting of modes, and each mode against the other, which agree up to rounding. */
#include "ad/array.h"
#include "ad/create.h"
#include "ad/math.h"
#include "ad/random.h"
#include "ad/reduce.h"
#include "ad/shape.h"
#include "tape/function.h"
#include <float.h>
#include <stdio.h>
#include <string.h>

enum { MOST_ORDERS = 8, ROUNDINGS = 64 };

struct check {
    const ad_fn *fn;
    const ad_value *arguments;
    const ad_check_options *options;
    ad_tree *point;                   /* the float leaves of all arguments */
    ad_tree *directions[MOST_ORDERS]; /* v_1, v_2, ... like the point */
    char modes[MOST_ORDERS + 1];      /* 'r' or 'f' for each order */
    double unit;                      /* the largest rounding unit of a dtype in the point or the result */
};

/* D_k, as the context of its function. */
struct derivative {
    const struct check *check;
    int order;
};

/* ---- random arrays, from keys of their own: of the weights and of the direction of each order, and in them of each leaf ---- */

enum { WEIGHTS = 0 }; /* order k is number k, from 1 on */

static ad_key key_of(const struct check *check, int number, int leaf)
{
    return ad_random_fold_in(ad_random_fold_in(ad_random_key(check->options->seed), (uint64_t)number), (uint64_t)leaf);
}

/* Uniform in -1 ... 1, both parts of a complex number. */
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

/* The leaves of f at the point. */
static bool results_at(const struct check *check, ad_tree *point, struct ad_leaves *outputs)
{
    ad_context *c = ad_current();
    ad_value values[AD_MAX_ARGUMENTS];
    void *y = ad_with_float_leaves(c, check->fn, check->arguments, 0, point, values) ? ad_fn_invoke(c, check->fn, values) : NULL;
    if (!y && !ad_failed())
        ad_set_error(AD_ERROR_TRANSFORM, "ad_check_grads: the function returned NULL");
    return y && ad_leaves_of(c, check->fn->result, y, outputs);
}

static ad_array *projection(const struct check *check, ad_tree *point)
{
    struct ad_leaves outputs;
    if (!results_at(check, point, &outputs))
        return NULL;
    ad_array *sum = ad_scalar(0);
    for (int i = 0; i < outputs.count; i++)
        if (ad_dtype_is_float((ad_dtype)outputs.leaf[i]->dtype))
            sum = ad_add(sum, paired(outputs.leaf[i], random_like(outputs.leaf[i], key_of(check, WEIGHTS, i))));
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

static double value_at(const struct check *check, int order, ad_tree *point)
{
    AD_SCOPE;
    return ad_item(derivative(point, &(struct derivative){ check, order }));
}

/* ---- the comparison ---- */

static double value_beside(const struct check *check, int order, double h)
{
    AD_SCOPE;
    int count = ad_tree_count(check->point);
    AD_SCRATCH room = { 0 };
    ad_tree_item *items = ad_scratch_take(ad_current(), &room, count, sizeof *items);
    for (int i = 0; items && i < count; i++) {
        ad_array *x = ad_tree_array_at(check->point, i), *v = ad_tree_array_at(check->directions[order], i);
        items[i] = (ad_tree_item){ AD_ITEM_ARRAY, ad_add(x, ad_mul(v, h)) };
    }
    return items ? value_at(check, order, ad_list_from(items, count)) : NAN;
}

/* Derivative of D_(order-1) along its direction by differences; exact to h^4. */
static double difference(const struct check *check, int order)
{
    double h = check->options->step;
    double wide = value_beside(check, order - 1, h) - value_beside(check, order - 1, -h);
    double narrow = value_beside(check, order - 1, h / 2) - value_beside(check, order - 1, -h / 2);
    return (4 * narrow / h - wide / (2 * h)) / 3;
}

static double rounding_unit(const ad_array *x)
{
    ad_dtype dtype = (ad_dtype)x->dtype;
    return !ad_dtype_is_float(dtype) ? 0 : ad_dtype_real(dtype) == AD_F32 ? FLT_EPSILON : DBL_EPSILON;
}

static bool find_unit(struct check *check)
{
    AD_SCOPE;
    struct ad_leaves outputs;
    if (!results_at(check, check->point, &outputs))
        return false;
    for (int i = 0; i < outputs.count; i++)
        check->unit = fmax(check->unit, rounding_unit(outputs.leaf[i]));
    for (int i = 0; i < ad_tree_count(check->point); i++)
        check->unit = fmax(check->unit, rounding_unit(ad_tree_array_at(check->point, i)));
    ad_leaves_free(ad_current(), &outputs);
    return true;
}

static bool agree(double a, double b, double scale, double tolerance)
{
    return fabs(a - b) <= tolerance * fmax(fmax(fabs(a), fabs(b)), scale);
}

static const char *nesting(const struct check *check, int order, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int k = order - 1; k >= 0 && used < size; k--)
        used += (size_t)snprintf(text + used, size - used, "%s%s", used ? " over " : "", check->modes[k] == 'f' ? "forward" : "reverse");
    return text;
}

static bool check_order(struct check *check, int order)
{
    char text[128];
    double exact = value_at(check, order, check->point), approximate = difference(check, order);
    if (ad_failed())
        return false;
    double size = 1 + fabs(value_at(check, order - 1, check->point)), scale = 1e-2 * size;
    if (!agree(exact, approximate, scale, check->options->tolerance))
        return ad_set_error(AD_ERROR_TRANSFORM, "ad_check_grads: order %d, %s: the derivative is %.17g, central differences give %.17g (seed %llu)", order,
                            nesting(check, order, text, sizeof text), exact, approximate, (unsigned long long)check->options->seed),
               false;
    /* Against the other mode, which is exact too. */
    char mode = check->modes[order - 1];
    check->modes[order - 1] = mode == 'f' ? 'r' : 'f';
    bool both = check->options->modes == (AD_REV | AD_FWD);
    double other = both ? value_at(check, order, check->point) : exact;
    check->modes[order - 1] = mode;
    if (ad_failed())
        return false;
    /* Both are sums; what rounding does to the terms stays where they cancel. */
    if (!agree(exact, other, scale, check->options->tolerance * 1e-4) && !agree(exact, other, size, ROUNDINGS * check->unit))
        return ad_set_error(AD_ERROR_TRANSFORM, "ad_check_grads: order %d, %s: the derivative is %.17g, the other mode outermost gives %.17g (seed %llu)",
                            order, nesting(check, order, text, sizeof text), exact, other, (unsigned long long)check->options->seed),
               false;
    return true;
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

static bool gather_point(ad_context *c, struct check *check)
{
    ad_tree *leaves = ad_float_leaves(c, check->fn, check->arguments, 0);
    if (leaves && ad_tree_count(leaves) == 0)
        return ad_set_error(AD_ERROR_DTYPE, "ad_check_grads: no argument is real or complex, so there is no derivative to check"), false;
    check->point = leaves ? ad_tree_map(ad_stop_gradient, leaves) : NULL;
    return check->point != NULL;
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
        return ad_set_error(AD_ERROR_VALUE, "ad_check_grads: order %d in modes %u; orders 1 to %d in AD_REV, AD_FWD or both can be checked", options.order,
                            options.modes, MOST_ORDERS),
               false;
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
    return gather_point(ad_current(), &check) && choose_directions(&check) && find_unit(&check) && check_nestings(&check, 1);
}
