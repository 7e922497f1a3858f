/* Fixed points x = f(x, a, ...), differentiated by the implicit function theorem.
 *
 * The iteration runs on constants. The operation `implicit` gives its result, and depends on the float leaves of a, ...
 * as one vector p. Let J = df/dx and F(p) = f(x, a, ...), both at the solution. The cotangent is (dF/dp)^T w with w = g
 * + J^T w. The tangent is u = (dF/dp) t + J u. Both linear equations are fixed points again, of functions that are
 * differentiable in everything, including x and p. That gives every order (Christianson 1994, "Reverse accumulation and
 * attractive fixed points"). */
#include "ad/array.h"
#include "ad/math.h"
#include "ad/reduce.h"
#include "ad/tree.h"
#include "tape/function.h"
#include <float.h>
#include <string.h>

enum { MOST_ITERATIONS = 10000, OWN_ARGUMENTS = 3 };
static const double TOLERANCE = 1e-12;

static void *fixed_point(ad_context *c, const ad_fn *fn, const ad_value *arguments);

/* ---- values as vectors ---- */

static ad_array *to_array(char kind, void *value)
{
    return kind == 'a' || !value ? value : ad_flatten(value);
}

static void *from_array(char kind, const void *like, ad_array *x)
{
    return kind == 'a' || !x ? (void *)x : (void *)ad_unflatten(like, x);
}

/* ---- functions made of f ----
 *
 * Each has OWN_ARGUMENTS arguments of its own before those of f: what it is a function of, another array, and the
 * solution x as an array. f's own first argument is only there for its structure. */

static void arguments_of_f(const ad_fn *f, const ad_value *arguments, ad_value *values)
{
    memcpy(values, arguments + OWN_ARGUMENTS, (size_t)f->count * sizeof *values);
    values[0].p = from_array(f->arguments[0], arguments[OWN_ARGUMENTS].p, arguments[2].p);
}

/* w, b: b + J^T w */
static void *adjoint_step(ad_context *c, const ad_fn *fn, const ad_value *arguments)
{
    const ad_fn *f = fn->inner;
    ad_value values[AD_MAX_ARGUMENTS];
    void *y;
    arguments_of_f(f, arguments, values);
    ad_pullback *pull = ad_pullback_of(c, f, values, 0, &y);
    void *w = pull ? ad_pullback_apply(c, pull, from_array(f->result, arguments[OWN_ARGUMENTS].p, arguments[0].p)) : NULL;
    ad_vjp_free(pull);
    ad_array *product = to_array(f->arguments[0], w);
    return product ? ad_add((ad_array *)arguments[1].p, product) : NULL;
}

/* u, b: b + J u */
static void *tangent_step(ad_context *c, const ad_fn *fn, const ad_value *arguments)
{
    const ad_fn *f = fn->inner;
    ad_value values[AD_MAX_ARGUMENTS];
    arguments_of_f(f, arguments, values);
    void *u = from_array(f->arguments[0], arguments[OWN_ARGUMENTS].p, arguments[0].p);
    ad_array *product = to_array(f->result, u ? ad_directional(c, "ad_fixed_point", f, values, u, NULL) : NULL);
    return product ? ad_add((ad_array *)arguments[1].p, product) : NULL;
}

/* p, unused: F(p) */
static void *at_parameters(ad_context *c, const ad_fn *fn, const ad_value *arguments)
{
    const ad_fn *f = fn->inner;
    ad_value values[AD_MAX_ARGUMENTS], given[AD_MAX_ARGUMENTS];
    arguments_of_f(f, arguments, given);
    ad_tree *likes = ad_float_leaves(c, f, given, 1), *leaves = likes ? ad_unflatten(likes, arguments[0].p) : NULL;
    return leaves && ad_with_float_leaves(c, f, given, 1, leaves, values) ? to_array(f->result, ad_fn_invoke(c, f, values)) : NULL;
}

static ad_fn *made_of(ad_context *c, ad_transform *transform, const ad_fn *f)
{
    char kinds[AD_MAX_ARGUMENTS + 1] = "aaa";
    if (f->count + OWN_ARGUMENTS > AD_MAX_ARGUMENTS)
        return ad_set_error(AD_ERROR_TRANSFORM, "ad_fixed_point: more than %d arguments", AD_MAX_ARGUMENTS - OWN_ARGUMENTS);
    strcat(kinds, f->arguments);
    return ad_fn_made(c, "ad_fixed_point", transform, f, 'a', kinds);
}

/* ---- the operation ---- */

enum { PARAMETERS, SOLUTION };

static bool implicit_infer(const ad_node *node, ad_spec *output)
{
    *output = (ad_spec){ ad_node_dtype(node, SOLUTION), ad_node_shape(node, SOLUTION) };
    return true;
}

static ad_array *implicit_view(const ad_node *node, const ad_spec *output)
{
    (void)output;
    return ad_node_input(node, SOLUTION);
}

/* The arguments of the functions above, with those that f took, traced as p is. */
static bool implicit_arguments(ad_context *c, const ad_node *node, ad_array *first, ad_value *values)
{
    const struct ad_call_record *record = ad_node_options(node);
    ad_tree *likes = ad_float_leaves(c, record->fn, record->arguments, 1), *leaves = likes ? ad_unflatten(likes, ad_node_input(node, PARAMETERS)) : NULL;
    values[0].p = values[1].p = first;
    values[2].p = ad_node_output(node, 0);
    return leaves && values[2].p && ad_with_float_leaves(c, record->fn, record->arguments, 1, leaves, values + OWN_ARGUMENTS);
}

static ad_array *implicit_vjp(const ad_node *node, int operand, ad_array *g)
{
    ad_context *c = ad_current();
    const ad_fn *f = ((const struct ad_call_record *)ad_node_options(node))->fn, *step = made_of(c, adjoint_step, f), *F = made_of(c, at_parameters, f);
    ad_value values[AD_MAX_ARGUMENTS];
    void *y;
    ad_array *w = step && F && implicit_arguments(c, node, g, values) ? fixed_point(c, step, values) : NULL;
    values[0].p = ad_node_input(node, operand);
    ad_pullback *pull = w ? ad_pullback_of(c, F, values, 0, &y) : NULL;
    ad_array *result = pull ? ad_pullback_apply(c, pull, w) : NULL;
    ad_vjp_free(pull);
    return result;
}

static ad_array *implicit_jvp(const ad_node *node, int operand, ad_array *t)
{
    ad_context *c = ad_current();
    const ad_fn *f = ((const struct ad_call_record *)ad_node_options(node))->fn, *step = made_of(c, tangent_step, f), *F = made_of(c, at_parameters, f);
    ad_value values[AD_MAX_ARGUMENTS];
    if (!step || !F || !implicit_arguments(c, node, ad_node_input(node, operand), values))
        return NULL;
    values[0].p = values[1].p = ad_directional(c, "ad_fixed_point", F, values, t, NULL);
    return values[0].p ? fixed_point(c, step, values) : NULL;
}

static const ad_field implicit_fields[] = { AD_FIELD_CALL_RECORD, AD_FIELDS_END };
static const ad_primitive implicit = {
    .name = "ad_fixed_point",
    .infer = implicit_infer,
    .view = implicit_view,
    .vjp = implicit_vjp,
    .jvp = implicit_jvp,
    .parameters = 1u << SOLUTION,
    .saves = AD_SAVE_INPUT(PARAMETERS) | AD_SAVE_OUTPUT,
    .options_size = sizeof(struct ad_call_record),
    .fields = implicit_fields,
};

/* ---- the iteration ---- */

static void *constant(ad_context *c, char kind, void *value)
{
    struct ad_leaves leaves;
    if (kind != 'a' && kind != 't')
        return value;
    if (!value || !ad_leaves_of(c, kind, value, &leaves))
        return NULL;
    bool done = true;
    for (int i = 0; i < leaves.count && done; i++)
        done = (leaves.leaf[i] = ad_stop_gradient(leaves.leaf[i])) != NULL;
    void *result = done ? ad_leaves_join(kind, value, leaves.leaf) : NULL;
    ad_leaves_free(c, &leaves);
    return result;
}

/* The linear equations above have no scale of their own: a cotangent of 1e-10 should be as accurate as one of 1. */
static bool is_linear(const ad_fn *fn)
{
    return fn->transform == adjoint_step || fn->transform == tangent_step;
}

/* The largest change, relative to max(1, |x|), or for a linear equation to the largest |x|. A NaN shows. */
static double change(char kind, void *from, void *to, bool linear)
{
    ad_array *a = to_array(kind, from), *b = to_array(kind, to), *moved = ad_abs(ad_sub(b, a));
    if (ad_size(a) == 0 || (linear && ad_item(ad_max(moved)) == 0))
        return 0;
    return ad_item(ad_max(ad_div(moved, linear ? ad_max(ad_abs(b)) : ad_maximum(ad_abs(a), 1))));
}

/* The accuracy that can be asked for: no more than the coarsest dtype in x resolves. */
static double tolerance(ad_context *c, char kind, void *x)
{
    struct ad_leaves leaves;
    double unit = TOLERANCE;
    if (!ad_leaves_of(c, kind, x, &leaves))
        return unit;
    for (int i = 0; i < leaves.count; i++)
        if (ad_dtype_real((ad_dtype)leaves.leaf[i]->dtype) == AD_F32)
            unit = FLT_EPSILON;
    ad_leaves_free(c, &leaves);
    return unit;
}

static void *retained(char kind, void *value)
{
    return kind == 'a' ? (void *)(ad_retain)(value) : (void *)ad_tree_retain(value);
}

static void released(char kind, void *value)
{
    kind == 'a' ? (ad_release)(value) : ad_tree_release(value);
}

/* Whether f(x), for constant x, can be the next x. */
static bool is_next(ad_context *c, char kind, void *x, void *next)
{
    struct ad_leaves leaves;
    if (kind == 't' && !ad_tree_same_structure(x, next))
        return AD_FAIL(AD_ERROR_TRANSFORM, "ad_fixed_point: the function returned a tree of another structure than x");
    if (!ad_leaves_of(c, kind, next, &leaves))
        return false;
    for (int i = 0; i < leaves.count; i++)
        if (ad_live_mask(c->tape, leaves.leaf[i]))
            ad_set_error(AD_ERROR_TRANSFORM, "ad_fixed_point: the function closes over a value that is being differentiated; pass it as an argument");
    ad_leaves_free(c, &leaves);
    return !c->error_code;
}

/* Iterates in place: values[0] holds a reference of its own. The solution is a constant of the caller's scope. */
static void *iterate_from(ad_context *c, const ad_fn *fn, ad_value *values)
{
    char kind = fn->arguments[0];
    double moved = INFINITY;
    for (int i = 0; i < MOST_ITERATIONS && !isnan(moved); i++) {
        AD_SCOPE;
        void *next = ad_fn_invoke(c, fn, values);
        next = next && is_next(c, kind, values[0].p, next) ? constant(c, kind, next) : NULL;
        double before = moved;
        moved = next ? change(kind, values[0].p, next, is_linear(fn)) : NAN;
        double enough = next ? tolerance(c, kind, next) : 0;
        if (c->error_code)
            return NULL;
        released(kind, values[0].p);
        values[0].p = retained(kind, next);
        /* Rounding may keep the last digits in motion. Then the change stops falling. */
        if (moved <= enough || (moved <= 100 * enough && moved >= before))
            return ad_value_escape(kind, next);
    }
    return ad_set_error(AD_ERROR_NUMERIC, "ad_fixed_point: no convergence after %d iterations, or NaN; the last relative change was %g", MOST_ITERATIONS,
                        moved);
}

static bool constants(ad_context *c, const ad_fn *fn, const ad_value *arguments, ad_value *values)
{
    for (int i = 0; i < fn->count; i++) {
        values[i] = arguments[i];
        if (strchr("at", fn->arguments[i]) && !(values[i].p = constant(c, fn->arguments[i], arguments[i].p)))
            return c->error_code ? false : (ad_set_error(AD_ERROR_VALUE, "ad_fixed_point: argument %d is NULL", i), false);
    }
    return true;
}

static void *iterate(ad_context *c, const ad_fn *fn, const ad_value *arguments)
{
    ad_value values[AD_MAX_ARGUMENTS];
    memcpy(values, arguments, (size_t)fn->count * sizeof *values);
    retained(fn->arguments[0], values[0].p);
    void *solution = iterate_from(c, fn, values);
    released(fn->arguments[0], values[0].p);
    return solution;
}

/* The record holds constants: dependence on the arguments goes through p. */
static void *fixed_point(ad_context *c, const ad_fn *fn, const ad_value *arguments)
{
    char kind = fn->arguments[0];
    struct ad_call_record record = { .fn = fn };
    if (!constants(c, fn, arguments, record.arguments))
        return NULL;
    record.arguments[0].p = iterate(c, fn, record.arguments);
    ad_tree *leaves = record.arguments[0].p ? ad_float_leaves(c, fn, arguments, 1) : NULL;
    ad_array *operands[] = { leaves ? ad_flatten(leaves) : NULL, to_array(kind, record.arguments[0].p) };
    return operands[PARAMETERS] ? from_array(kind, record.arguments[0].p, ad_call_primitive(&implicit, operands, 2, &record)) : NULL;
}

void *ad_fixed_point_values(ad_fn *fn, const ad_value *arguments)
{
    if (fn->arguments[0] != fn->result)
        return ad_set_error(AD_ERROR_TRANSFORM, "ad_fixed_point: signature %s does not fit: the result should be like the first argument",
                            AD_SIGNATURE_TEXT(fn));
    AD_RUNNING(ad_current(), "ad_fixed_point");
    return fixed_point(ad_current(), fn, arguments);
}

void *ad_fixed_point_of(ad_fn *fn, ...)
{
    if (!ad_fn_usable(fn, "ad_fixed_point"))
        return NULL;
    ad_value arguments[AD_MAX_ARGUMENTS];
    va_list list;
    va_start(list, fn);
    ad_values_read(fn, &list, arguments);
    va_end(list);
    return ad_fixed_point_values(fn, arguments);
}
