/* Functions: reading signatures, calling C functions, and C function pointers for transformed ones, by libffi.
 *
 * The memo of a thread finds the function made earlier from the same parts, so asking for a gradient in a loop makes nothing new. */
#include "tape/function.h"
#include <stdarg.h>
#include <string.h>

struct ad_memo {
    ad_fn *first;
};

/* ---- the memo ---- */

static struct ad_memo *memo_of(ad_context *c)
{
    struct ad_tape *tape = ad_tape_of(c);
    if (tape && !tape->memo && (tape->memo = ad_allocate(c, sizeof *tape->memo)))
        tape->memo->first = NULL;
    return tape ? tape->memo : NULL;
}

void ad_memo_free(ad_context *c, struct ad_memo *memo)
{
    for (ad_fn *fn = memo ? memo->first : NULL, *next; fn; fn = next) {
        next = fn->next;
        if (fn->closure)
            ffi_closure_free(fn->closure);
        ad_deallocate(c, fn, sizeof *fn);
    }
    ad_deallocate(c, memo, sizeof *memo);
}

static bool same(const ad_fn *a, const ad_fn *b)
{
    return a->transform == b->transform && a->name == b->name && a->inner == b->inner && a->outer == b->outer && a->argnum == b->argnum &&
           (a->transform || a->pointer == b->pointer) && a->result == b->result && strcmp(a->arguments, b->arguments) == 0;
}

static ffi_type *type_of(char kind)
{
    return kind == 'i' ? &ffi_type_sint : kind == 'l' ? &ffi_type_sint64 : kind == 'd' ? &ffi_type_double : &ffi_type_pointer;
}

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

/* The memoised function like `made`, kept if it is new. */
static ad_fn *memoise(ad_context *c, const ad_fn *made)
{
    struct ad_memo *memo = memo_of(c);
    if (!memo)
        return NULL;
    for (ad_fn *fn = memo->first; fn; fn = fn->next)
        if (same(fn, made))
            return fn;
    ad_fn *fn = ad_allocate(c, sizeof *fn);
    if (!fn)
        return NULL;
    *fn = *made;
    for (int i = 0; i < fn->count; i++)
        fn->types[i] = type_of(fn->arguments[i]);
    if (ffi_prep_cif(&fn->cif, FFI_DEFAULT_ABI, (unsigned)fn->count, &ffi_type_pointer, fn->types) != FFI_OK) {
        ad_deallocate(c, fn, sizeof *fn);
        return ad_set_error(AD_ERROR_TRANSFORM, "ad_function: libffi cannot call signature %s", AD_SIGNATURE_TEXT(made));
    }
    fn->next = memo->first;
    return memo->first = fn;
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

const ad_fn *ad_fn_of_pointer(ad_context *c, void (*pointer)(void), const char *signature)
{
    ad_fn made = { .pointer = pointer };
    if (!pointer)
        return ad_set_error(AD_ERROR_TRANSFORM, "ad_function: the function is NULL");
    if (!signature)
        return ad_set_error(AD_ERROR_TRANSFORM, "a function of this C type has to be described to a transformation, as by "
                                                   "ad_function(f, \"a(a,i,d)\"): " LETTERS);
    if (!read_signature(signature, &made))
        return ad_set_error(AD_ERROR_TRANSFORM, "ad_function: the signature \"%s\" cannot be read; in one like \"a(a,i,d)\" stand " LETTERS, signature);
    struct ad_memo *memo = memo_of(c);
    for (ad_fn *fn = memo ? memo->first : NULL; fn; fn = fn->next)
        if (fn->closure && fn->pointer == pointer)
            return fn;
    return memoise(c, &made);
}

ad_fn *ad_function_of(void (*pointer)(void), const char *signature)
{
    return (ad_fn *)ad_fn_of_pointer(ad_current(), pointer, signature);
}

ad_fn *ad_fn_transformed(ad_context *c, const char *name, ad_transform *transform, const ad_fn *inner, const ad_fn *outer, int argnum, char result,
                         const char *added)
{
    ad_fn made = { .name = name, .transform = transform, .inner = inner, .outer = outer, .argnum = argnum, .result = result };
    if (inner->count + strlen(added) > AD_MAX_ARGUMENTS)
        return ad_set_error(AD_ERROR_TRANSFORM, "%s: more than %d arguments", name, AD_MAX_ARGUMENTS);
    strcpy(made.arguments, inner->arguments);
    strcat(made.arguments, added);
    made.count = (int)strlen(made.arguments);
    return memoise(c, &made);
}

ad_fn *ad_fn_made(ad_context *c, const char *name, ad_transform *transform, const ad_fn *inner, char result, const char *arguments)
{
    ad_fn made = { .name = name, .transform = transform, .inner = inner, .result = result, .count = (int)strlen(arguments) };
    strcpy(made.arguments, arguments);
    return memoise(c, &made);
}

/* ---- calling ---- */

/* A function gave NULL and set no error: what it was given may be to blame. */
static void *no_result(const ad_fn *fn, const ad_value *arguments)
{
    for (int i = 0; i < fn->count; i++)
        if ((fn->arguments[i] == 'a' || fn->arguments[i] == 't') && !arguments[i].p)
            return ad_set_error_of_running(AD_ERROR_VALUE, "argument %d is NULL", i);
    return ad_set_error_of_running(AD_ERROR_TRANSFORM, "the function returned NULL without an error");
}

/* Scopes that a C function leaves open would make ad_escape move its result less far than its caller thinks. */
void *ad_fn_invoke(ad_context *c, const ad_fn *fn, const ad_value *arguments)
{
    void *result = NULL, *pointers[AD_MAX_ARGUMENTS];
    uint32_t depth = c->scopes.depth;
    AD_RUNNING(c, fn->transform ? fn->name : c->operation ? c->operation : "ad_call");
    if (fn->transform) {
        result = fn->transform(c, fn, arguments);
    } else {
        for (int i = 0; i < fn->count; i++)
            pointers[i] = (void *)&arguments[i];
        ffi_call((ffi_cif *)&fn->cif, fn->pointer, &result, pointers);
        ad_scope_absorb(c, depth);
    }
    return result || c->error_code ? result : no_result(fn, arguments);
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
    *(void **)result = ad_fn_invoke(ad_current(), fn, values);
}

void (*ad_fn_pointer(ad_fn *fn))(void)
{
    if (!fn)
        return NULL;
    if (!fn->pointer) {
        void *code;
        fn->closure = ffi_closure_alloc(sizeof *fn->closure, &code);
        if (!fn->closure || ffi_prep_closure_loc(fn->closure, &fn->cif, closure_call, fn, code) != FFI_OK) {
            if (fn->closure)
                ffi_closure_free(fn->closure);
            fn->closure = NULL;
            ad_set_error_of_running(AD_ERROR_MEMORY, "out of memory: no room for a closure");
            return NULL;
        }
        memcpy(&fn->pointer, &code, sizeof code);
    }
    return fn->pointer;
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
        return ad_failed() ? NULL : ad_set_error(AD_ERROR_TRANSFORM, "ad_call: the function is NULL");
    ad_value values[AD_MAX_ARGUMENTS];
    va_list list;
    va_start(list, fn);
    ad_values_read(fn, &list, values);
    va_end(list);
    return ad_fn_invoke(ad_current(), fn, values);
}

/* ---- calls kept for later ---- */

void ad_call_record_keep(const void *options)
{
    const struct ad_call_record *record = options;
    for (int i = 0; i < record->fn->count; i++) {
        if (record->fn->arguments[i] == 'a')
            (ad_retain)(record->arguments[i].p);
        else if (record->fn->arguments[i] == 't')
            ad_tree_retain(record->arguments[i].p);
    }
}

void ad_call_record_drop(const void *options)
{
    const struct ad_call_record *record = options;
    for (int i = 0; i < record->fn->count; i++) {
        if (record->fn->arguments[i] == 'a')
            (ad_release)(record->arguments[i].p);
        else if (record->fn->arguments[i] == 't')
            ad_tree_release(record->arguments[i].p);
    }
}
