/* The transformations of a function: each runs the function under one level, or is made of transformations that do.
 *
 * A transformation leaves the thread as it found it, whether it succeeds or not: scopes, levels and visible bits. What
 * it gives back belongs to the caller's scope. */
#include "ad/array.h"
#include "ad/tree.h"
#include "tape/function.h"
#include <string.h>

/* ---- leaves ---- */

bool ad_leaves_of(ad_context *c, char kind, void *value, struct ad_leaves *leaves)
{
    leaves->count = kind == 'a' ? 1 : ad_tree_walk(value, NULL, 0);
    leaves->leaf = ad_allocate(c, (size_t)leaves->count * sizeof *leaves->leaf);
    if (!leaves->leaf)
        return false;
    if (kind == 'a')
        leaves->leaf[0] = value;
    else
        ad_tree_walk(value, leaves->leaf, leaves->count);
    return true;
}

void *ad_leaves_join(char kind, const void *like, ad_array *const *leaves)
{
    return kind == 'a' ? (void *)leaves[0] : (void *)ad_tree_with_leaves(like, leaves);
}

void ad_leaves_free(ad_context *c, struct ad_leaves *leaves)
{
    ad_deallocate(c, leaves->leaf, (size_t)leaves->count * sizeof *leaves->leaf);
    leaves->leaf = NULL;
}

static bool takes_leaves(char kind)
{
    return kind == 'a' || kind == 't';
}

ad_tree *ad_float_leaves(ad_context *c, const ad_fn *fn, const ad_value *arguments, int first)
{
    int room = 0, count = 0;
    for (int i = first; i < fn->count; i++)
        room += fn->arguments[i] == 'a' ? 1 : fn->arguments[i] == 't' ? ad_tree_walk(arguments[i].p, NULL, 0) : 0;
    ad_tree_item *items = ad_allocate(c, (size_t)(room + 1) * sizeof *items);
    bool done = items != NULL;
    for (int i = first; i < fn->count && done; i++) {
        struct ad_leaves leaves;
        if (!takes_leaves(fn->arguments[i]))
            continue;
        if (!arguments[i].p && !c->error_code)
            ad_set_error_of_running(AD_ERROR_VALUE, "argument %d is NULL", i);
        if (!(done = arguments[i].p && ad_leaves_of(c, fn->arguments[i], arguments[i].p, &leaves)))
            break;
        for (int k = 0; k < leaves.count; k++)
            if (ad_dtype_is_inexact((ad_dtype)leaves.leaf[k]->dtype))
                items[count++] = (ad_tree_item){ AD_ITEM_ARRAY, leaves.leaf[k] };
        ad_leaves_free(c, &leaves);
    }
    ad_tree *list = done ? ad_list_from(items, count) : NULL;
    ad_deallocate(c, items, (size_t)(room + 1) * sizeof *items);
    return list;
}

bool ad_with_float_leaves(ad_context *c, const ad_fn *fn, const ad_value *arguments, int first, const ad_tree *list, ad_value *values)
{
    int next = 0;
    for (int i = 0; i < fn->count; i++) {
        struct ad_leaves leaves;
        values[i] = arguments[i];
        if (i < first || !takes_leaves(fn->arguments[i]))
            continue;
        if (!ad_leaves_of(c, fn->arguments[i], values[i].p, &leaves))
            return false;
        for (int k = 0; k < leaves.count; k++)
            if (ad_dtype_is_inexact((ad_dtype)leaves.leaf[k]->dtype))
                leaves.leaf[k] = ad_tree_array_at(list, next++);
        values[i].p = ad_leaves_join(fn->arguments[i], values[i].p, leaves.leaf);
        ad_leaves_free(c, &leaves);
        if (!values[i].p)
            return false;
    }
    return true;
}

ad_array *ad_zeros_of(ad_context *c, const ad_array *x)
{
    return ad_array_zeros(c, (ad_dtype)x->dtype, x->ndim, ad_dims(x));
}

ad_array *ad_ones_of(const ad_array *x)
{
    ad_array *one = ad_scalar(1);
    if (ad_is_real(x))
        return one;
    one = ad_astype(one, (ad_dtype)x->dtype);
    return one ? ad_broadcast_to(one, ad_shape_of(x)) : NULL;
}

void *ad_value_escape(char kind, void *value)
{
    return kind == 'a' ? (void *)ad_escape((ad_array *)value) : (void *)ad_tree_escape(value);
}

/* ---- one reverse level over one call ---- */

static bool lift_leaves(ad_context *c, struct ad_trace *trace, ad_array **lifted)
{
    for (int i = 0; i < trace->inputs.count; i++) {
        lifted[i] = ad_lift(c, trace->inputs.leaf[i], trace->level, NULL);
        if (!lifted[i])
            return false;
        trace->input_slots[i] = ad_dtype_is_inexact((ad_dtype)lifted[i]->dtype) ? lifted[i]->slot : 0;
    }
    trace->last = c->tape->slots.next - 1;
    return true;
}

/* Calls fn with one argument replaced, in the scope that is open. */
static void *call_with(ad_context *c, const ad_fn *fn, const ad_value *arguments, int argnum, void *replacement)
{
    ad_value values[AD_MAX_ARGUMENTS];
    memcpy(values, arguments, (size_t)fn->count * sizeof *values);
    values[argnum].p = replacement;
    return replacement ? ad_fn_invoke(c, fn, values) : NULL;
}

/* Integer leaves of a tree are parameters beside the others. An array of integers has no derivative at all. */
static bool differentiable(char kind, const void *argument, int argnum)
{
    if (ad_failed())
        return false;
    if (!takes_leaves(kind))
        ad_set_error_of_running(AD_ERROR_TRANSFORM, "argument %d is not an array or a tree", argnum);
    else if (!argument)
        ad_set_error_of_running(AD_ERROR_VALUE, "argument %d is NULL", argnum);
    else if (!ad_given((struct ad_object *)argument, ad_current()->operation, "argument"))
        return false;
    else if (kind == 'a' && !ad_dtype_is_inexact(ad_dtype_of(argument)))
        ad_set_error_of_running(AD_ERROR_DTYPE, "argument %d is %s, not real or complex; see ad_astype", argnum, ad_dtype_name(ad_dtype_of(argument)));
    else
        return true;
    return false;
}

bool ad_trace_open(ad_context *c, const ad_fn *fn, const ad_value *arguments, int argnum, bool extracted, struct ad_trace *trace)
{
    void *argument = arguments[argnum].p;
    char kind = fn->arguments[argnum];
    *trace = (struct ad_trace){ .level = -1 };
    if (!differentiable(kind, argument, argnum))
        return false;
    if (!ad_leaves_of(c, kind, argument, &trace->inputs))
        return false;
    int count = trace->inputs.count;
    trace->input_slots = ad_allocate(c, (size_t)count * sizeof *trace->input_slots);
    trace->level = trace->input_slots ? ad_level_open(c, AD_LEVEL_REVERSE, extracted) : -1;
    ad_scope scope = ad_scope_open();
    if (scope.depth != AD_NO_SCOPE && trace->level >= 0) {
        AD_SCRATCH room = { 0 };
        ad_array **lifted = ad_scratch_take(c, &room, count, sizeof *lifted);
        trace->floor = c->tape->floor;
        if (lifted && lift_leaves(c, trace, lifted))
            trace->result = ad_value_escape(fn->result, call_with(c, fn, arguments, argnum, ad_leaves_join(kind, argument, lifted)));
    }
    ad_scope_close(scope);
    if (trace->level >= 0)
        ad_level_hide(c, trace->level);
    return trace->result && ad_leaves_of(c, fn->result, trace->result, &trace->outputs);
}

/* A value that leaves the outermost level is a plain number from then on, in other threads too. */
static void forget_trace(ad_context *c, const struct ad_leaves *leaves)
{
    for (int i = 0; leaves->leaf && i < leaves->count; i++) {
        ad_array *x = leaves->leaf[i];
        if (x->serial != c->tape->serial)
            continue;
        x->serial = 0;
        x->slot = 0;
        ad_tangents_drop(c, x);
    }
}

void ad_trace_close(ad_context *c, struct ad_trace *trace)
{
    if (trace->level == 0)
        forget_trace(c, &trace->outputs);
    if (trace->level >= 0)
        ad_level_close(c, trace->level);
    ad_deallocate(c, trace->input_slots, (size_t)trace->inputs.count * sizeof *trace->input_slots);
    ad_leaves_free(c, &trace->inputs);
    ad_leaves_free(c, &trace->outputs);
}

/* Puts cotangents on the outputs. Gives the highest slot that has one, 0 if no output depends on the input, or
 * AD_NO_PARENT on failure. */
static uint32_t seed(ad_context *c, const struct ad_trace *trace, ad_array *const *cotangents)
{
    uint64_t bit = UINT64_C(1) << trace->level;
    uint32_t from = 0;
    for (int i = 0; i < trace->outputs.count; i++) {
        const ad_array *y = trace->outputs.leaf[i];
        if (!cotangents[i] || !(ad_reverse_mask(c->tape, y) & bit) || y->slot < trace->floor)
            continue;
        ad_array *g = ad_match(cotangents[i], y);
        if (!g || !ad_cotangent_add(c, ad_slot_at(&c->tape->slots, y->slot), g))
            return AD_NO_PARENT;
        from = y->slot > from ? y->slot : from;
    }
    return from;
}

/* Pulls cotangents of the outputs back to the input: an array or tree like the argument. */
void *ad_trace_pull(ad_context *c, struct ad_trace *trace, char kind, const void *argument, ad_array *const *cotangents)
{
    uint32_t from = seed(c, trace, cotangents);
    if (from == AD_NO_PARENT || !ad_sweep(c, &c->tape->slots, from, trace->last, UINT64_C(1) << trace->level, trace->floor, true))
        return NULL;
    AD_SCRATCH room = { 0 };
    ad_array **gradients = ad_scratch_take(c, &room, trace->inputs.count, sizeof *gradients);
    if (!gradients)
        return NULL;
    for (int i = 0; i < trace->inputs.count; i++) {
        ad_array *g = trace->input_slots[i] ? ad_cotangent_of(c, ad_slot_at(&c->tape->slots, trace->input_slots[i])) : NULL;
        g = c->error_code ? NULL : g ? ad_hold(c, g) : ad_zeros_of(c, trace->inputs.leaf[i]);
        if (!g)
            return NULL;
        gradients[i] = g;
    }
    return ad_leaves_join(kind, argument, gradients);
}

/* ---- reverse transformations ---- */

/* Whether y can be differentiated as a scalar: it is real and has one element. */
static bool is_scalar(const char *transformation, const ad_array *y)
{
    if (y->size != 1)
        ad_set_error(AD_ERROR_TRANSFORM,
                     "%s: the function returned shape %s, not a scalar; see ad_jacobian, or ad_elementwise_grad for functions of each element", transformation,
                     AD_SHAPE_TEXT(y));
    else if (ad_dtype_is_complex((ad_dtype)y->dtype))
        ad_set_error(AD_ERROR_TRANSFORM, "%s: the function returned %s; take ad_real or ad_abs of it, or see ad_holomorphic_grad", transformation,
                     ad_dtype_name((ad_dtype)y->dtype));
    else
        return true;
    return false;
}

/* The gradient of fn in one argument; *value: what fn returned, if asked for. */
static void *gradient(ad_context *c, const char *transformation, const ad_fn *fn, const ad_value *arguments, int argnum, bool aux, void **value)
{
    struct ad_trace trace;
    void *result = NULL;
    if (ad_trace_open(c, fn, arguments, argnum, false, &trace)) {
        ad_array *y = aux ? ad_tree_array_at(trace.result, 0) : trace.outputs.leaf[0];
        AD_SCRATCH room = { 0 };
        ad_array **cotangents = ad_scratch_take(c, &room, trace.outputs.count + 1, sizeof *cotangents);
        if (cotangents)
            memset(cotangents, 0, (size_t)(trace.outputs.count + 1) * sizeof *cotangents);
        if (!y)
            ad_set_error(AD_ERROR_TRANSFORM, "%s: the function should return ad_list_of(value, aux) with an array for value", transformation);
        else if (cotangents && is_scalar(transformation, y) && (cotangents[0] = ad_ones_of(y)))
            result = ad_trace_pull(c, &trace, fn->arguments[argnum], arguments[argnum].p, cotangents);
        if (value)
            *value = trace.result;
    }
    ad_trace_close(c, &trace);
    return result;
}

static void *run_grad(ad_context *c, const ad_fn *fn, const ad_value *arguments)
{
    return gradient(c, fn->name, fn->inner, arguments, fn->argnum, false, NULL);
}

static void *run_value_and_grad(ad_context *c, const ad_fn *fn, const ad_value *arguments)
{
    void *value = NULL, **out = arguments[fn->inner->count].p;
    void *g = gradient(c, fn->name, fn->inner, arguments, fn->argnum, false, &value);
    if (out)
        *out = g;
    return g ? value : NULL;
}

static void *run_grad_and_aux(ad_context *c, const ad_fn *fn, const ad_value *arguments)
{
    void *value = NULL;
    void *g = gradient(c, fn->name, fn->inner, arguments, 0, true, &value);
    if (!g)
        return NULL;
    const char *first = ad_tree_name(value, 0);
    return fn->inner->arguments[0] == 'a' ? ad_tree_set(value, first, g) : ad_tree_set_tree(value, first, g);
}

/* The sum over the outputs of each element's derivative. */
static void *run_elementwise_grad(ad_context *c, const ad_fn *fn, const ad_value *arguments)
{
    struct ad_trace trace;
    void *result = NULL;
    if (ad_trace_open(c, fn->inner, arguments, 0, false, &trace)) {
        const ad_array *y = trace.outputs.leaf[0];
        ad_array *one = ad_ones_of(y);
        if (ad_dtype_is_complex((ad_dtype)y->dtype) && !ad_dtype_is_complex(ad_dtype_of(arguments[0].p)))
            ad_set_error(AD_ERROR_TRANSFORM, "ad_elementwise_grad: the function of a real argument returned %s; see ad_deriv",
                         ad_dtype_name((ad_dtype)y->dtype));
        else if (one)
            result = ad_trace_pull(c, &trace, fn->inner->arguments[0], arguments[0].p, &one);
    }
    ad_trace_close(c, &trace);
    return result;
}

static void *run_holomorphic_grad(ad_context *c, const ad_fn *fn, const ad_value *arguments)
{
    const ad_array *x = arguments[0].p;
    if (x && !ad_dtype_is_complex((ad_dtype)x->dtype))
        return ad_set_error(AD_ERROR_TRANSFORM, "ad_holomorphic_grad: the argument is %s, not complex; see ad_grad", ad_dtype_name((ad_dtype)x->dtype));
    return run_elementwise_grad(c, fn, arguments);
}

/* ---- forward transformations ---- */

/* One forward level over a call. Gives the tangent of the result (zeros if it has none); *value is the result
 * itself. */
static void *push(ad_context *c, const ad_fn *fn, const ad_value *arguments, const struct ad_leaves *inputs, const struct ad_leaves *tangents, void **value)
{
    struct ad_leaves outputs = { 0 };
    void *result = NULL, *tangent = NULL;
    char kind = fn->arguments[0];
    ad_scope scope = ad_scope_open();
    int level = scope.depth == AD_NO_SCOPE ? -1 : ad_level_open(c, AD_LEVEL_FORWARD, false);
    if (level >= 0) {
        AD_SCRATCH lifted_room = { 0 }, room = { 0 };
        ad_array **lifted = ad_scratch_take(c, &lifted_room, inputs->count, sizeof *lifted);
        bool done = lifted != NULL;
        for (int i = 0; i < inputs->count && done; i++) {
            ad_array *t = ad_dtype_is_inexact((ad_dtype)inputs->leaf[i]->dtype) ? ad_match(tangents->leaf[i], inputs->leaf[i]) : tangents->leaf[i];
            done = t && (lifted[i] = ad_lift(c, inputs->leaf[i], level, t));
        }
        result = done ? call_with(c, fn, arguments, 0, ad_leaves_join(kind, arguments[0].p, lifted)) : NULL;
        ad_level_hide(c, level);
        if (result && ad_leaves_of(c, fn->result, result, &outputs)) {
            ad_array **t = ad_scratch_take(c, &room, outputs.count, sizeof *t);
            done = t != NULL;
            for (int i = 0; i < outputs.count && done; i++) {
                done = ad_tangent_find(c, outputs.leaf[i], level, &t[i]) && (t[i] || (t[i] = ad_zeros_of(c, outputs.leaf[i])));
            }
            tangent = done ? ad_value_escape(fn->result, ad_leaves_join(fn->result, result, t)) : NULL;
            if (value)
                *value = ad_value_escape(fn->result, result);
            if (level == 0)
                forget_trace(c, &outputs);
        }
        ad_leaves_free(c, &outputs);
        ad_level_close(c, level);
    }
    ad_scope_close(scope);
    return tangent;
}

static bool same_tangent_structure(const char *transformation, char kind, const void *x, const void *v)
{
    if (!differentiable(kind, x, 0))
        return false;
    if (!ad_given((struct ad_object *)v, transformation, "direction"))
        return false;
    if (kind == 't' && !ad_tree_same_structure(x, v))
        return AD_FAIL(AD_ERROR_TRANSFORM, "%s: the direction's tree has another structure than the argument's", transformation);
    return true;
}

/* Value and directional derivative of fn in its first argument along v. */
void *ad_directional(ad_context *c, const char *transformation, const ad_fn *fn, const ad_value *arguments, void *v, void **value)
{
    char kind = fn->arguments[0];
    struct ad_leaves inputs = { 0 }, tangents = { 0 };
    void *result = NULL;
    if (same_tangent_structure(transformation, kind, arguments[0].p, v) && ad_leaves_of(c, kind, arguments[0].p, &inputs) &&
        ad_leaves_of(c, kind, v, &tangents)) {
        bool fit = true;
        for (int i = 0; i < inputs.count && fit; i++)
            if (!(fit = ad_same_shape(inputs.leaf[i], tangents.leaf[i])))
                ad_set_error(AD_ERROR_SHAPE, "%s: a direction of shape %s for an argument of shape %s", transformation, AD_SHAPE_TEXT(tangents.leaf[i]),
                             AD_SHAPE_TEXT(inputs.leaf[i]));
        result = fit ? push(c, fn, arguments, &inputs, &tangents, value) : NULL;
    }
    ad_leaves_free(c, &inputs);
    ad_leaves_free(c, &tangents);
    return result;
}

static void *run_deriv(ad_context *c, const ad_fn *fn, const ad_value *arguments)
{
    ad_array *one = arguments[0].p ? ad_ones_of(arguments[0].p) : NULL;
    return ad_directional(c, "ad_deriv", fn->inner, arguments, one, NULL);
}

static void *run_hvp(ad_context *c, const ad_fn *fn, const ad_value *arguments)
{
    ad_fn *gradient = ad_gradient_of(fn->name, fn->inner);
    return ad_directional(c, "ad_hvp", gradient, arguments, arguments[fn->inner->count].p, NULL);
}

/* ---- the functions under the macros ---- */

/*                                                name                   run                    results arguments
 *                                                result added */
static const struct ad_transformation grad =        { "ad_grad",             run_grad,              "a",    "at",     'x',   "" },
                                      with_value =  { "ad_value_and_grad",   run_value_and_grad,    "a",    "at",     'y',   "p" },
                                      with_aux =    { "ad_grad_and_aux",     run_grad_and_aux,      "t",    "at",     't',   "" },
                                      elementwise = { "ad_elementwise_grad", run_elementwise_grad,  "a",    "a",      'a',   "" },
                                      holomorphic = { "ad_holomorphic_grad", run_holomorphic_grad,  "a",    "a",      'a',   "" },
                                      deriv =       { "ad_deriv",            run_deriv,             "at",   "a",      'y',   "" },
                                      hvp =         { "ad_hvp",              run_hvp,               "a",    "at",     'x',   "x" };

ad_fn *ad_gradient_of(const char *name, const ad_fn *fn)
{
    struct ad_transformation named = grad;
    named.name = name;
    return ad_transformed(&named, fn, NULL, 0);
}

ad_fn *ad_grad_fn(ad_fn *fn, int argnum)
{
    return ad_transformed(&grad, fn, NULL, argnum);
}

ad_fn *ad_value_and_grad_fn(ad_fn *fn, int argnum)
{
    return ad_transformed(&with_value, fn, NULL, argnum);
}

ad_fn *ad_grad_and_aux_fn(ad_fn *fn)
{
    return ad_transformed(&with_aux, fn, NULL, 0);
}

ad_fn *ad_elementwise_grad_fn(ad_fn *fn)
{
    return ad_transformed(&elementwise, fn, NULL, 0);
}

ad_fn *ad_holomorphic_grad_fn(ad_fn *fn)
{
    return ad_transformed(&holomorphic, fn, NULL, 0);
}

ad_fn *ad_deriv_fn(ad_fn *fn)
{
    return ad_transformed(&deriv, fn, NULL, 0);
}

ad_fn *ad_hvp_fn(ad_fn *fn)
{
    return ad_transformed(&hvp, fn, NULL, 0);
}

void *ad_jvp_of(ad_fn *fn, ...)
{
    if (!fn || !fn->count)
        return ad_fn_usable(fn, "ad_jvp"), NULL;
    ad_value arguments[AD_MAX_ARGUMENTS];
    va_list list;
    va_start(list, fn);
    ad_values_read(fn, &list, arguments);
    void *v = va_arg(list, void *), **tangent = va_arg(list, void **);
    va_end(list);
    return ad_jvp_values(fn, arguments, v, tangent);
}

void *ad_jvp_values(ad_fn *fn, const ad_value *arguments, void *v, void **tangent)
{
    if (!tangent)
        return ad_failed() ? NULL : ad_set_error(AD_ERROR_VALUE, "ad_jvp: the place for the tangent is NULL");
    void *value = NULL;
    *tangent = NULL;
    if (!ad_fn_usable(fn, "ad_jvp"))
        return NULL;
    AD_RUNNING(ad_current(), "ad_jvp");
    *tangent = ad_directional(ad_current(), "ad_jvp", fn, arguments, v, &value);
    return *tangent ? value : NULL;
}

bool ad_is_traced(const ad_array *x)
{
    return ad_given(x, "ad_is_traced", "array") && ad_live_mask(ad_current()->tape, x) != 0;
}

bool ad_is_differentiating(void)
{
    const struct ad_tape *tape = ad_current()->tape;
    return tape && tape->live;
}
