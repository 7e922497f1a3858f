/* Functions as the calls that they make: recorded by a watch, written as a program or as a graph.
 *
 * A value is known by its array. The recorder keeps every array until the function has ended, so no two values have one
 * address. A value that no call made is an argument if it was given to the function, and otherwise a constant. Calls
 * that are part of another call's value are not recorded. */
#include "ad/array.h"
#include "array/hash.h"
#include "tape/function.h"
#include "tape/program.h"
#include <complex.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- recording ---- */

static uint32_t *entry_of(struct ad_program *p, const ad_array *x)
{
    uint64_t at = ad_hash(0, (uint64_t)(uintptr_t)x) >> 32;
    while (p->table[at &= p->table_size - 1] && p->values[p->table[at] - 1].array != x)
        at++;
    return &p->table[at];
}

/* Makes room for one more value in the table. */
static bool table_grow(struct ad_program *p)
{
    uint32_t size = p->table_size ? 2 * p->table_size : 256, *old = p->table, old_size = p->table_size;
    if (2 * (p->values_count + 1) <= p->table_size)
        return true;
    uint32_t *table = ad_allocate(p->c, size * sizeof *table);
    if (!table)
        return false;
    memset(table, 0, size * sizeof *table);
    p->table = table;
    p->table_size = size;
    for (uint32_t i = 0; i < p->values_count; i++)
        *entry_of(p, p->values[i].array) = i + 1;
    ad_deallocate(p->c, old, old_size * sizeof *old);
    return true;
}

/* The value of an array. If it is not known yet, it becomes a new value of the given kind. False and an error. */
static bool value_of(struct ad_program *p, ad_array *x, ad_value_kind kind, uint32_t *number)
{
    if (!table_grow(p) || !ad_grow(p->c, &p->values, &p->values_room, sizeof *p->values, p->values_count + 1))
        return false;
    uint32_t *entry = entry_of(p, x), name = 0;
    if (!*entry && ad_name_of(x) && !ad_names_take(p->c, &p->names, ad_name_of(x), &name))
        return false;
    if (!*entry) {
        p->values[p->values_count] = (struct ad_program_value){ .array = ad_keep(p->c, x), .kind = kind, .name = name };
        struct ad_program_value *v = &p->values[p->values_count];
        v->number = kind != AD_VALUE_CONSTANT ? p->numbered++ : ad_is_literal(v) ? 0 : p->constants++;
        *entry = ++p->values_count;
    }
    *number = *entry - 1;
    return true;
}

static bool list_add(struct ad_program *p, ad_array *x, ad_value_kind kind)
{
    return ad_grow(p->c, &p->list, &p->list_room, sizeof *p->list, p->list_count + 1) && value_of(p, x, kind, &p->list[p->list_count]) && ++p->list_count;
}

static bool record_call(const ad_call_event *event, void *context)
{
    struct ad_program *p = context;
    if (event->depth > p->depth)
        return true;
    struct ad_program_call call = { .op = event->operation,
                         .phase = event->phase,
                         .rule_of = event->rule_of,
                         .first = p->list_count,
                         .outputs_count = (uint8_t)event->outputs_count,
                         .inputs_count = (uint32_t)event->inputs_count };
    bool done = ad_grow(p->c, &p->calls, &p->calls_room, sizeof *p->calls, p->calls_count + 1);
    for (int i = 0; i < event->inputs_count && done; i++) /* before the outputs: a constant is made before the call that uses it */
        done = value_of(p, event->inputs[i], AD_VALUE_CONSTANT, &(uint32_t){ 0 });
    for (int k = 0; k < event->outputs_count && done; k++)
        done = list_add(p, event->outputs[k], AD_VALUE_RESULT);
    for (int i = 0; i < event->inputs_count && done; i++)
        done = list_add(p, event->inputs[i], AD_VALUE_CONSTANT);
    if (!done)
        return false;
    p->calls[p->calls_count] = call;
    if (!ad_options_copy(p->c, call.op, event->options, false, &p->calls[p->calls_count].options))
        return false;
    p->calls_count++;
    return true;
}

static void program_free(struct ad_program *p)
{
    for (uint32_t i = 0; i < p->calls_count; i++)
        ad_options_drop(p->c, p->calls[i].op, &p->calls[i].options);
    for (uint32_t i = 0; i < p->values_count; i++) {
        ad_drop(p->c, p->values[i].array);
        free(p->values[i].path);
    }
    for (uint32_t i = 0; i < p->results_count; i++)
        free(p->results[i].path);
    ad_deallocate(p->c, p->results, p->results_room * sizeof *p->results);
    ad_names_free(p->c, &p->names);
    ad_deallocate(p->c, p->calls, p->calls_room * sizeof *p->calls);
    ad_deallocate(p->c, p->values, p->values_room * sizeof *p->values);
    ad_deallocate(p->c, p->list, p->list_room * sizeof *p->list);
    ad_deallocate(p->c, p->table, p->table_size * sizeof *p->table);
}

/* ---- writing what calls are made of ---- */

static void write_name(FILE *out, const struct ad_program *p, const struct ad_program_value *v)
{
    if (v->name)
        ad_names_write(out, &p->names, v->name);
    else
        fprintf(out, "%s%" PRIu32, v->kind == AD_VALUE_CONSTANT ? "c" : "v", v->number);
}

/* Whether the value stands for itself: a C number, or a scalar. */
bool ad_is_literal(const struct ad_program_value *v)
{
    const ad_array *x = v->array;
    return v->kind == AD_VALUE_CONSTANT && x->ndim == 0 && !v->name && (x->flags & AD_WEAK || x->dtype == AD_F64);
}

/* As C: 2, 0.5, (1.0 + 2.0i). */
static void write_number(FILE *out, const ad_array *x)
{
    if (ad_dtype_is_complex((ad_dtype)x->dtype)) {
        ad_complex z = ad_item_complex(x);
        fprintf(out, "(");
        ad_real_write(creal(z), out);
        fprintf(out, " + ");
        ad_real_write(cimag(z), out);
        fprintf(out, "i)");
    } else if (ad_dtype_is_inexact((ad_dtype)x->dtype)) {
        ad_real_write(ad_item(x), out);
    } else {
        ad_integer_write(ad_item_int(x), out);
    }
}

/* A scalar is ad_scalar(0.5). */
void ad_write_literal(FILE *out, const ad_array *x)
{
    bool made = !(x->flags & AD_WEAK);
    fprintf(out, made ? "ad_scalar(" : "");
    write_number(out, x);
    fprintf(out, made ? ")" : "");
}

static void write_operand(FILE *out, const struct ad_program *p, const struct ad_program_value *v)
{
    if (ad_is_literal(v))
        ad_write_literal(out, v->array);
    else
        write_name(out, p, v);
}

void ad_write_typed(FILE *out, const struct ad_program *p, const struct ad_program_value *v)
{
    write_name(out, p, v);
    fprintf(out, ": %s %s", ad_dtype_name((ad_dtype)v->array->dtype), AD_SHAPE_TEXT(v->array));
}

/* "ad_sum(v3, .axes = AD_AXES(0))" */
static void write_call(FILE *out, const struct ad_program *p, const struct ad_program_call *call)
{
    const uint32_t *inputs = p->list + call->first + call->outputs_count;
    fprintf(out, "%s(", call->op->name);
    fprintf(out, call->op->listed ? "ad_list_of(" : "");
    for (uint32_t i = 0; i < call->inputs_count; i++) {
        fprintf(out, i ? ", " : "");
        write_operand(out, p, &p->values[inputs[i]]);
    }
    fprintf(out, call->op->listed ? ")" : "");
    ad_options_write(call->op, ad_options_at(call->op, &call->options), out, call->inputs_count > 0);
    fprintf(out, ")");
}

static const char *phase_text(ad_call_phase phase)
{
    return phase == AD_PHASE_REVERSE ? "reverse" : "tangent";
}

/* ---- a program ---- */

enum { SHOWN_ELEMENTS = 8 };

/* Few elements, on one line. */
static void write_elements(FILE *out, const ad_array *x)
{
    char *text = ad_tostring(x);
    for (const char *at = text ? text : "?"; *at; at++)
        if (*at != '\n')
            fputc(*at, out);
        else if (at[1] != '\n')
            fprintf(out, "%*s", at[1 + strspn(at + 1, " ")] == '[' ? 0 : 1, "");
    free(text);
}

/* Whether all elements are one number, as those of zeros and ones are: then each is as the one behind it. */
static bool is_uniform(const ad_array *x)
{
    size_t item = ad_dtype_size((ad_dtype)x->dtype);
    return memcmp(memory_of(x), memory_of(x) + item, ((size_t)x->size - 1) * item) == 0;
}

static void write_constant(FILE *out, ad_context *c, ad_array *x)
{
    AD_SCOPE;
    ad_array *in_order = x->size > SHOWN_ELEMENTS ? ad_array_contiguous(c, x) : NULL;
    fprintf(out, " = ");
    if (x->size <= SHOWN_ELEMENTS) {
        write_elements(out, x);
    } else if (in_order && is_uniform(in_order)) {
        ad_shape shape = ad_shape_of(x);
        fprintf(out, "ad_full(");
        ad_shape_write(&shape, out);
        fprintf(out, ", ");
        write_number(out, ad_array_view(c, in_order, (ad_dtype)x->dtype, 0, NULL, NULL, 0));
        fprintf(out, x->dtype == AD_F64 ? ")" : ", .dtype = %s)", ad_dtype_text((ad_dtype)x->dtype));
    } else {
        fprintf(out, "constant");
    }
}

/* A line for a value that no call made. */
static void write_given(FILE *out, const struct ad_program *p, const struct ad_program_value *v)
{
    fprintf(out, "    ");
    ad_write_typed(out, p, v);
    if (v->kind == AD_VALUE_CONSTANT) {
        write_constant(out, p->c, v->array);
    } else {
        fprintf(out, v->path ? " = argument %d, " : " = argument", v->argument);
        if (v->path)
            ad_write_quoted(out, v->path);
    }
    fprintf(out, "\n");
}

static void write_results(FILE *out, const struct ad_program *p)
{
    fprintf(out, "    return");
    for (uint32_t i = 0; i < p->results_count; i++) {
        const struct ad_program_result *result = &p->results[i];
        fprintf(out, i ? ", " : " ");
        if (result->path) {
            ad_write_quoted(out, result->path);
            fprintf(out, " = ");
        }
        write_operand(out, p, &p->values[result->value]);
    }
    fprintf(out, "\n");
}

/* A title that is what macros were expanded to, as of a call within another macro, says nothing to a reader. */
static void write_program(FILE *out, const char *title, const struct ad_program *p)
{
    uint32_t told = 0; /* values that have been written */
    fprintf(out, title && !strstr(title, "__extension__") ? "%s {\n" : "{\n", title);
    for (uint32_t i = 0; i <= p->calls_count; i++) {
        const struct ad_program_call *call = i < p->calls_count ? &p->calls[i] : NULL;
        uint32_t end = call ? p->list[call->first] : p->values_count;
        for (; told < end; told++)
            if (p->values[told].kind != AD_VALUE_RESULT && !ad_is_literal(&p->values[told]))
                write_given(out, p, &p->values[told]);
        if (!call)
            break;
        fprintf(out, "    ");
        for (uint32_t k = 0; k < call->outputs_count; k++) {
            fprintf(out, k ? ", " : "");
            ad_write_typed(out, p, &p->values[p->list[call->first + k]]);
        }
        fprintf(out, " = ");
        write_call(out, p, call);
        if (call->phase != AD_PHASE_VALUE)
            fprintf(out, call->rule_of ? "  // %s of %s" : "  // %s", phase_text(call->phase), call->rule_of ? call->rule_of->name : "");
        fprintf(out, "\n");
    }
    write_results(out, p);
    fprintf(out, "}\n");
}

/* ---- functions ---- */

static bool path_copy(const char *path, char **copy)
{
    *copy = strdup(path);
    return *copy || AD_FAIL(AD_ERROR_MEMORY, "out of memory: no room for the path of a leaf");
}

struct argument_visit {
    struct ad_program *p;
    int argument;
    bool tree;
};

static bool add_argument(void *context, const char *path, ad_array *leaf)
{
    const struct argument_visit *visit = context;
    struct ad_program *p = visit->p;
    uint32_t number, before = p->values_count;
    if (!leaf)
        return true;
    if (!value_of(p, leaf, AD_VALUE_ARGUMENT, &number))
        return false;
    if (!visit->tree || number < before)
        return true;
    p->values[number].argument = visit->argument;
    return path_copy(path, &p->values[number].path);
}

static bool add_arguments(struct ad_program *p, const char *name, const ad_fn *fn, const ad_value *arguments)
{
    for (int i = 0; i < fn->count; i++) {
        struct argument_visit visit = { p, i, fn->arguments[i] == 't' };
        void *argument = arguments[i].p;
        if (fn->arguments[i] != 'a' && !visit.tree)
            continue;
        char what[32];
        snprintf(what, sizeof what, "argument %d", i);
        if (!ad_given((struct ad_object *)argument, name, what))
            return false;
        if (visit.tree ? !ad_tree_visit(argument, add_argument, &visit) : !add_argument(&visit, "", argument))
            return false;
    }
    return true;
}

/* path: NULL for a result that is not a tree. */
static bool add_result(void *context, const char *path, ad_array *leaf)
{
    struct ad_program *p = context;
    struct ad_program_result *result;
    if (!leaf)
        return true;
    if (!ad_grow(p->c, &p->results, &p->results_room, sizeof *p->results, p->results_count + 1))
        return false;
    result = &p->results[p->results_count];
    result->path = NULL;
    if (!value_of(p, leaf, AD_VALUE_CONSTANT, &result->value) || (path && !path_copy(path, &result->path)))
        return false;
    p->results_count++;
    return true;
}

/* Runs the function and writes its calls. */
static bool write_trace(const char *name, FILE *out, const char *title, const ad_fn *fn, const ad_value *arguments, bool graph)
{
    ad_context *c = ad_current();
    struct ad_program p = { .c = c, .depth = ad_watch_depth(c) };
    const struct ad_watch watch = { .hook = record_call, .context = &p, .next = ad_watch_trace(c) };
    const struct ad_frame *before = c->frame;
    struct ad_frame frame;
    void *result = NULL;
    if (add_arguments(&p, name, fn, arguments) && ad_watch_begin(c, &frame, &watch)) {
        result = ad_fn_invoke(c, fn, arguments);
        ad_watch_end(c, before);
    }
    bool done = result && (fn->result == 't' ? ad_tree_visit(result, add_result, &p) : add_result(&p, NULL, result));
    if (done) {
        locale_t users = uselocale(ad_c_locale());
        bool failed_before = c->error_code;
        if (graph)
            done = ad_program_draw(out, &p);
        else
            write_program(out, title, &p);
        done = done && (failed_before || !c->error_code); /* values that there was no memory to write */
        uselocale(users);
        if (done && (fflush(out) != 0 || ferror(out)))
            done = AD_FAIL(AD_ERROR_IO, "%s: the text cannot be written", name);
    }
    program_free(&p);
    return done;
}

bool ad_trace_values(const char *name, FILE *out, const char *title, const ad_fn *fn, const ad_value *arguments, bool graph)
{
    AD_SCOPE;
    AD_RUNNING(ad_current(), name);
    return write_trace(name, out, title, fn, arguments, graph);
}

static bool trace_of(const char *name, FILE *out, const char *title, const ad_fn *fn, va_list *list, bool graph)
{
    ad_value arguments[AD_MAX_ARGUMENTS];
    if (!ad_given(out, name, "stream") || !ad_fn_usable(fn, name))
        return false;
    ad_values_read(fn, list, arguments);
    return ad_trace_values(name, out, title, fn, arguments, graph);
}

bool ad_fprint_trace_of(FILE *stream, const char *title, ad_fn *fn, ...)
{
    va_list list;
    va_start(list, fn);
    bool done = trace_of(stream == stdout ? "ad_print_trace" : "ad_fprint_trace", stream, title, fn, &list, false);
    va_end(list);
    return done;
}

bool ad_trace_dot_of(FILE *stream, ad_fn *fn, ...)
{
    va_list list;
    va_start(list, fn);
    bool done = trace_of("ad_trace_dot", stream, NULL, fn, &list, true);
    va_end(list);
    return done;
}
