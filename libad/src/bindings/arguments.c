/* The functions that take a variable list in C, with an array of tagged arguments. The work is done in tape/. Here
 * arguments become values of the signature, and results get their kind. */
#include "bindings/bindings.h"
#include "tape/function.h"
#include <stdio.h>
#include <stdlib.h>

static ad_tagged tagged(char kind, void *value)
{
    if (!value)
        return (ad_tagged){ .kind = AD_KIND_NONE };
    return kind == 'a' ? (ad_tagged){ .kind = AD_KIND_ARRAY, .array = value } : (ad_tagged){ .kind = AD_KIND_TREE, .tree = value };
}

static const ad_tagged nothing = { .kind = AD_KIND_NONE };

static ad_type type_of(char letter)
{
    switch (letter) {
    case 'a': return AD_TYPE_ARRAY;
    case 't': return AD_TYPE_TREE;
    case 'i': return AD_TYPE_INT;
    case 'l': return AD_TYPE_INT64;
    case 'd': return AD_TYPE_REAL;
    default: return AD_TYPE_POINTER;
    }
}

/* The arguments of fn as values. `more` is the number of other arguments behind them. */
static bool values_of(const char *operation, const ad_fn *fn, const ad_tagged *arguments, int count, int more, ad_value *values)
{
    if (!ad_fn_usable(fn, operation) || !ad_tagged_list_given(operation, "arguments", arguments, count))
        return false;
    if (count != fn->count + more)
        return AD_FAIL(AD_ERROR_VALUE, "%s: %d arguments; a function of signature %s%s has %d", operation, count, AD_SIGNATURE_TEXT(fn),
                       more ? " and a direction" : "", fn->count + more);
    for (int i = 0; i < fn->count; i++) {
        const struct ad_place place = { operation, "argument", i, NULL };
        if (!ad_tagged_put(&place, type_of(fn->arguments[i]), &arguments[i], &values[i]))
            return false;
    }
    return true;
}

ad_tagged ad_call_tagged(ad_fn *fn, const ad_tagged *arguments, int count)
{
    ad_value values[AD_MAX_ARGUMENTS];
    return values_of("ad_call", fn, arguments, count, 0, values) ? tagged(fn->result, ad_call_values(fn, values)) : nothing;
}

ad_tagged ad_value_and_grad_tagged(ad_fn *fn, int argnum, const ad_tagged *arguments, int count, ad_tagged *gradient)
{
    ad_value values[AD_MAX_ARGUMENTS];
    if (!ad_given(gradient, "ad_value_and_grad", "place for the gradient"))
        return nothing;
    *gradient = nothing;
    if (!values_of("ad_value_and_grad", fn, arguments, count, 0, values))
        return nothing;
    ad_fn *both = ad_value_and_grad_fn(fn, argnum);
    void *g = NULL;
    if (!ad_fn_usable(both, "ad_value_and_grad"))
        return nothing;
    values[fn->count].p = &g;
    ad_tagged value = tagged(both->result, ad_call_values(both, values));
    *gradient = tagged(fn->arguments[argnum], g);
    return value;
}

ad_tagged ad_vjp_tagged(ad_fn *fn, const ad_tagged *arguments, int count, ad_pullback **pull)
{
    ad_value values[AD_MAX_ARGUMENTS];
    if (pull)
        *pull = NULL;
    return values_of("ad_vjp", fn, arguments, count, 0, values) ? tagged(fn->result, ad_vjp_values(fn, values, pull)) : nothing;
}

ad_tagged ad_vjp_apply_tagged(ad_pullback *pull, const ad_tagged *ybar)
{
    const struct ad_place place = { "ad_vjp_apply", "the cotangent", -1, NULL };
    void *cotangent = NULL;
    if (!ad_given(pull, "ad_vjp_apply", "pullback") || !ad_given(ybar, "ad_vjp_apply", "cotangent") ||
        !ad_tagged_put(&place, type_of(ad_pullback_kind(pull, true)), ybar, &cotangent))
        return nothing;
    return tagged(ad_pullback_kind(pull, false), ad_vjp_apply_any(pull, cotangent));
}

ad_tagged ad_jvp_tagged(ad_fn *fn, const ad_tagged *arguments, int count, ad_tagged *tangent)
{
    const struct ad_place place = { "ad_jvp", "the direction", -1, NULL };
    ad_value values[AD_MAX_ARGUMENTS];
    void *v = NULL, *t = NULL;
    if (!ad_given(tangent, "ad_jvp", "place for the tangent"))
        return nothing;
    *tangent = nothing;
    if (!values_of("ad_jvp", fn, arguments, count, 1, values) || !ad_tagged_put(&place, type_of(fn->arguments[0]), &arguments[count - 1], &v))
        return nothing;
    void *value = ad_jvp_values(fn, values, v, &t);
    *tangent = tagged(fn->result, t);
    return tagged(fn->result, value);
}

ad_tagged ad_fixed_point_tagged(ad_fn *fn, const ad_tagged *arguments, int count)
{
    ad_value values[AD_MAX_ARGUMENTS];
    return values_of("ad_fixed_point", fn, arguments, count, 0, values) ? tagged(fn->result, ad_fixed_point_values(fn, values)) : nothing;
}

/* Puts the numbers and the other arguments where the options of ad_check_grads hold them. */
bool ad_check_grads_tagged(ad_fn *fn, const ad_tagged *arguments, int count, ad_check_options options)
{
    ad_value values[AD_MAX_ARGUMENTS];
    int numbers = 0, others = 0;
    if (!values_of("ad_check_grads", fn, arguments, count, 0, values))
        return false;
    for (int i = 0; i < count; i++)
        switch (fn->arguments[i]) {
        case 'i': options.numbers[numbers++] = values[i].i; break;
        case 'l': options.numbers[numbers++] = (double)values[i].l; break;
        case 'd': options.numbers[numbers++] = values[i].d; break;
        default: options.arguments[others++] = values[i].p; break;
        }
    return ad_check_grads_with(fn, options);
}

/* ---- what is printed, as text ---- */

struct text {
    FILE *stream;
    char *characters;
    size_t length;
};

static bool text_begin(const char *operation, struct text *text)
{
    *text = (struct text){ 0 };
    if (!ad_allocation_allowed(ad_current(), 1))
        return false;
    text->stream = open_memstream(&text->characters, &text->length);
    return text->stream || AD_FAIL(AD_ERROR_MEMORY, "%s: no memory for the text", operation);
}

static char *text_end(const char *operation, struct text *text, bool done)
{
    if (fclose(text->stream) != 0 && done)
        done = AD_FAIL(AD_ERROR_MEMORY, "%s: no memory for the text", operation);
    if (done)
        return text->characters;
    free(text->characters);
    return NULL;
}

char *ad_trace_text(const char *title, ad_fn *fn, const ad_tagged *arguments, int count, bool dot)
{
    ad_value values[AD_MAX_ARGUMENTS];
    struct text text;
    AD_SCOPE;
    if (!values_of("ad_trace_text", fn, arguments, count, 0, values) || !text_begin("ad_trace_text", &text))
        return NULL;
    return text_end("ad_trace_text", &text, ad_trace_values("ad_trace_text", text.stream, title, fn, values, dot));
}

char *ad_tree_tostring(const ad_tree *t)
{
    struct text text;
    if (!ad_given(t, "ad_tree_tostring", "tree") || !text_begin("ad_tree_tostring", &text))
        return NULL;
    bool before = ad_failed();
    ad_tree_fprint(text.stream, t);
    return text_end("ad_tree_tostring", &text, before || !ad_failed());
}
