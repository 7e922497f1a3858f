/* Functions: reading signatures, calling C functions, and making C function pointers for transformed ones, by libffi.
 * memo.c remembers them. */
#include "array/hash.h"
#include "tape/function.h"
#include <stdarg.h>
#include <string.h>

const char *ad_signature_text(const ad_fn *fn, struct ad_signature_buffer *buffer)
{
    char *next = buffer->text;
    *next++ = fn->result;
    for (int i = 0; i < fn->count; i++) {
        *next++ = i ? ',' : '(';
        *next++ = fn->arguments[i];
    }
    memcpy(next, ")", 2);
    return buffer->text;
}

/* ---- signatures ---- */

static bool read_signature(const char *signature, ad_fn *fn)
{
    const char *s = signature;
    if ((*s != 'a' && *s != 't') || s[1] != '(')
        return false;
    fn->result = *s;
    for (s += 2; *s != ')'; s++) {
        if (!*s || !strchr("atpild", *s) || fn->count == AD_MAX_ARGUMENTS)
            return false;
        fn->arguments[fn->count++] = *s;
        if (s[1] == ',' && s[2] != ')')
            s++;
        else if (s[1] != ')')
            return false;
    }
    return s[1] == '\0' && fn->count > 0;
}

#define LETTERS "the result, then the arguments: a array, t tree, p pointer, i int, l int64_t, d double"

ad_fn *ad_fn_of_(void (*pointer)(void), const char *signature)
{
    ad_context *c = ad_current();
    ad_fn made = { .pointer = pointer }, unknown = { .result = 'a' };
    if (!signature)
        return ad_fn_failed(c, &unknown, "ad_function", AD_ERROR_TRANSFORM, "the signature is NULL; in one like \"a(a,i,d)\" stand " LETTERS);
    if (!read_signature(signature, &made))
        return ad_fn_failed(c, &unknown, "ad_function", AD_ERROR_TRANSFORM,
                            "the signature \"%s\" cannot be read; in one like \"a(a,i,d)\" stand " LETTERS, signature);
    if (!pointer)
        return ad_fn_failed(c, &made, NULL, AD_ERROR_TRANSFORM, "the function is NULL");
    ad_fn *fn = ad_fn_of_closure(c, pointer);
    if (!fn && !ad_is_without_room(pointer))
        fn = ad_fn_memoised(c, &made);
    return fn ? fn : ad_fn_without_room(&made);
}

ad_fn *ad_function_of(void (*pointer)(void), const char *signature)
{
    ad_fn *fn = ad_fn_of_(pointer, signature);
    ad_fn_usable(fn, "ad_function");
    return fn;
}

/* ---- functions with a context of their own ---- */

static void *run_with_context(ad_context *c, const ad_fn *fn, const ad_value *arguments)
{
    ad_value values[AD_MAX_ARGUMENTS];
    memcpy(values, arguments, (size_t)fn->count * sizeof *values);
    values[fn->count].p = fn->context;
    return ad_fn_invoke(c, fn->inner, values);
}

ad_fn *ad_function_with_context(void (*pointer)(void), const char *signature, void *context, void (*release)(void *context))
{
    ad_context *c = ad_current();
    AD_RUNNING(c, "ad_function_with_context");
    ad_fn *inner = ad_fn_of_(pointer, signature);
    ad_fn made = { .transform = run_with_context, .inner = inner, .result = inner->result, .count = inner->count - 1, .context = context, .release = release };
    if (!ad_fn_usable(inner, "ad_function_with_context"))
        return inner;
    if (inner->count < 2 || inner->arguments[inner->count - 1] != 'p')
        return ad_fn_failed(c, inner, "ad_function_with_context", AD_ERROR_TRANSFORM,
                            "signature %s does not fit: a p should stand last, for the context, behind another argument", AD_SIGNATURE_TEXT(inner));
    memcpy(made.arguments, inner->arguments, (size_t)made.count);
    ad_fn *fn = ad_fn_memoised(c, &made);
    return fn ? fn : ad_fn_without_room(&made);
}

/* ---- transformations ---- */

static bool is_among(const char *kinds, char kind)
{
    return !kinds || strchr(kinds, kind);
}

static const char *in_words(const char *kinds)
{
    return !kinds ? "anything" : strcmp(kinds, "a") == 0 ? "an array" : strcmp(kinds, "t") == 0 ? "a tree" : "an array or a tree";
}

/* The signature that t gives for fn. It is cut off if there are too many arguments. */
static ad_fn signature_after(const struct ad_transformation *t, const ad_fn *fn, int argnum)
{
    char added = *t->added == 'x' ? fn->arguments[0] : *t->added;
    ad_fn made = { .result = t->result == 'y' ? fn->result : 'a', .places = fn->places };
    if (t->result == 't' || (t->result == 'x' && argnum >= 0 && argnum < fn->count && fn->arguments[argnum] == 't'))
        made.result = 't';
    strcpy(made.arguments, fn->arguments);
    made.count = fn->count;
    if (!added || fn->count == AD_MAX_ARGUMENTS)
        return made;
    if (added == 'p')
        made.places |= 1u << fn->count;
    made.arguments[made.count++] = added;
    return made;
}

ad_fn *ad_transformed(const struct ad_transformation *t, const ad_fn *fn, const ad_fn *outer, int argnum)
{
    ad_context *c = ad_current();
    if (!fn)
        return ad_fn_failed(c, &(ad_fn){ .result = 'a' }, t->name, AD_ERROR_TRANSFORM, "the function is NULL");
    ad_fn made = signature_after(t, fn, argnum);
    if (fn->sentence)
        return ad_fn_failed(c, &made, fn->name ? fn->name : t->name, fn->code, "%s", fn->sentence);
    if (argnum < 0 || argnum >= fn->count)
        return ad_fn_failed(c, &made, t->name, AD_ERROR_TRANSFORM,
                            "there is no argument %d: the function's signature is %s, and its arguments are counted from 0", argnum, AD_SIGNATURE_TEXT(fn));
    if (!is_among(t->arguments, fn->arguments[argnum]) || !is_among(t->results, fn->result))
        return ad_fn_failed(c, &made, t->name, AD_ERROR_TRANSFORM, "signature %s does not fit: argument %d should be %s, the result %s%s",
                            AD_SIGNATURE_TEXT(fn), argnum, in_words(t->arguments), in_words(t->results),
                            fn->arguments[argnum] == 't' || fn->result == 't' ? " (see ad_flatten)" : "");
    if (*t->added && fn->count == AD_MAX_ARGUMENTS)
        return ad_fn_failed(c, &made, t->name, AD_ERROR_TRANSFORM, "more than %d arguments", AD_MAX_ARGUMENTS);
    made.name = t->name;
    made.transform = t->run;
    made.inner = fn;
    made.outer = outer;
    made.argnum = argnum;
    AD_RUNNING(c, t->name);
    ad_fn *kept = ad_fn_memoised(c, &made);
    if (!kept)
        return ad_fn_without_room(&made);
    kept->site = ad_call_site_;
    return kept;
}

ad_fn *ad_fn_made(ad_context *c, const char *name, ad_transform *transform, const ad_fn *inner, char result, const char *arguments)
{
    ad_fn made = { .name = name, .transform = transform, .inner = inner, .result = result, .count = (int)strlen(arguments) };
    strcpy(made.arguments, arguments);
    return ad_fn_memoised(c, &made);
}

/* ---- calling ---- */

/* The error of a function that gave NULL and set no error. What it was given may be the reason. */
static void *no_result(const ad_fn *fn, const ad_value *arguments)
{
    for (int i = 0; i < fn->count; i++)
        if ((fn->arguments[i] == 'a' || fn->arguments[i] == 't') && !arguments[i].p)
            return ad_set_error_of_running(AD_ERROR_VALUE, "argument %d is NULL", i);
    return ad_set_error_of_running(AD_ERROR_TRANSFORM, "the function returned NULL without an error");
}

/* Calls the C function. Functions of one array or tree, as most are, are called without libffi. */
static void *call(const ad_fn *fn, const ad_value *arguments)
{
    void *result = NULL, *pointers[AD_MAX_ARGUMENTS], *x = arguments[0].p;
    bool array = fn->arguments[0] == 'a';
    if (fn->count == 1 && (array || fn->arguments[0] == 't')) {
        if (fn->result == 'a')
            return array ? ((ad_array * (*)(ad_array *)) fn->pointer)(x) : ((ad_array * (*)(ad_tree *)) fn->pointer)(x);
        return array ? ((ad_tree * (*)(ad_array *)) fn->pointer)(x) : ((ad_tree * (*)(ad_tree *)) fn->pointer)(x);
    }
    for (int i = 0; i < fn->count; i++)
        pointers[i] = (void *)&arguments[i];
    ffi_call((ffi_cif *)&fn->cif, fn->pointer, &result, pointers);
    return result;
}

/* Scopes that a C function leaves open are closed. Otherwise ad_escape would move its result less far than its caller
 * thinks.
 *
 * What fails in a transformation fails at the place where the program asked for it. That is neither a call in its
 * arguments, as in ad_grad(f)(ad_neg(x)), nor a call that the function made. */
void *ad_fn_invoke(ad_context *c, const ad_fn *fn, const ad_value *arguments)
{
    void *result;
    uint32_t depth = c->scopes.depth;
    const char *site = ad_call_site_;
    AD_RUNNING(c, fn->name ? fn->name : c->operation ? c->operation : "ad_call");
    if (fn->transform) {
        if (fn->site)
            ad_call_site_ = fn->site;
        result = fn->transform(c, fn, arguments);
    } else {
        result = call(fn, arguments);
        ad_call_site_ = site;
        ad_scope_absorb(c, depth);
    }
    if (!result && !c->error_code)
        no_result(fn, arguments);
    ad_call_site_ = site;
    return result;
}

/* A value as one of the caller's scope: a function may return what it was given, or what it keeps. */
static void *held(char kind, void *value)
{
    return kind == 'a' ? (void *)ad_unchanged(value) : (void *)ad_tree_hold(value);
}

static void closure_call(ffi_cif *cif, void *result, void **arguments, void *user)
{
    const ad_fn *fn = user;
    ad_value values[AD_MAX_ARGUMENTS];
    (void)cif;
    for (int i = 0; i < fn->count && i < AD_MAX_ARGUMENTS; i++) {
        if (fn->arguments[i] == 'i')
            memcpy(&values[i].i, arguments[i], sizeof(int));
        else
            memcpy(&values[i], arguments[i], sizeof(ad_value));
    }
    *(void **)result = held(fn->result, ad_fn_invoke(ad_current(), fn, values));
}

/* Makes a closure: a C function that runs fn. False and an error. */
static bool close_over(ad_fn *fn)
{
    void *code;
    if (!ad_allocation_allowed(ad_current(), sizeof *fn->closure))
        return false;
    fn->closure = ad_closure_new(&code);
    if (fn->closure && ffi_prep_closure_loc(fn->closure, &fn->cif, closure_call, fn, code) == FFI_OK) {
        memcpy(&fn->pointer, &code, sizeof code);
        if (ad_fn_has_closure(ad_current(), fn))
            return true;
    }
    ad_closure_free(fn->closure);
    fn->closure = NULL;
    fn->pointer = NULL;
    return ad_set_error_of_running(AD_ERROR_MEMORY, "out of memory: no room for a closure"), false;
}

ad_function_pointer ad_fn_pointer(ad_fn *fn)
{
    const ad_fn unknown = { .result = 'a' };
    if (!fn)
        fn = ad_fn_failed(ad_current(), &unknown, "ad_fn_pointer", AD_ERROR_TRANSFORM, "the function is NULL");
    return fn->pointer || close_over(fn) ? fn->pointer : ad_fn_without_room(fn)->pointer;
}

/* ---- arguments from a variable list ---- */

void ad_values_read(const ad_fn *fn, va_list *list, ad_value *values)
{
    for (int i = 0; i < fn->count; i++) {
        switch (fn->arguments[i]) {
        case 'i': values[i].i = va_arg(*list, int); break;
        case 'l': values[i].l = va_arg(*list, int64_t); break;
        case 'd': values[i].d = va_arg(*list, double); break;
        default: values[i].p = va_arg(*list, void *); break;
        }
    }
}

void *ad_call(ad_fn *fn, ...)
{
    if (!fn)
        return ad_fn_usable(fn, "ad_call"), NULL;
    ad_value values[AD_MAX_ARGUMENTS];
    va_list list;
    va_start(list, fn);
    ad_values_read(fn, &list, values);
    va_end(list);
    return ad_call_values(fn, values);
}

void *ad_call_values(const ad_fn *fn, const ad_value *values)
{
    return held(fn->result, ad_fn_invoke(ad_current(), fn, values));
}

/* ---- calls kept for later ---- */

static bool record_keep(void *field)
{
    const struct ad_call_record *record = field;
    for (int i = 0; i < record->fn->count; i++) {
        if (record->fn->arguments[i] == 'a')
            (ad_retain)(record->arguments[i].p);
        else if (record->fn->arguments[i] == 't')
            ad_tree_retain(record->arguments[i].p);
    }
    return true;
}

static void record_drop(const void *field)
{
    const struct ad_call_record *record = field;
    for (int i = 0; i < record->fn->count; i++) {
        if (record->fn->arguments[i] == 'a')
            (ad_release)(record->arguments[i].p);
        else if (record->fn->arguments[i] == 't')
            ad_tree_release(record->arguments[i].p);
    }
}

/* An argument's bits; what a shorter one leaves of them does not count. */
static uint64_t argument_bits(const struct ad_call_record *record, int i)
{
    const ad_value *value = &record->arguments[i];
    uint64_t bits = 0;
    switch (record->fn->arguments[i]) {
    case 'i': return (uint64_t)value->i;
    case 'l': return (uint64_t)value->l;
    case 'd': memcpy(&bits, &value->d, sizeof bits); return bits;
    default: return (uintptr_t)value->p;
    }
}

static bool record_equal(const void *a, const void *b)
{
    const struct ad_call_record *one = a, *other = b;
    bool equal = one->fn == other->fn;
    for (int i = 0; equal && i < one->fn->count; i++)
        equal = argument_bits(one, i) == argument_bits(other, i);
    return equal;
}

static uint64_t record_hash(const void *field)
{
    const struct ad_call_record *record = field;
    uint64_t hash = ad_hash(0, (uintptr_t)record->fn);
    for (int i = 0; i < record->fn->count; i++)
        hash = ad_hash(hash, argument_bits(record, i));
    return hash;
}

const ad_field_functions ad_call_record_functions = { .equal = record_equal, .hash = record_hash, .keep = record_keep, .drop = record_drop };
