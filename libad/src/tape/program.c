/* Functions as the calls that they make: recorded by a watch, written as a program or as a graph.
 *
 * A value is known by its array, which the recorder keeps until the function has ended, so that no two values ever
 * have one address. What no call made is an argument if it was given to the function, else a constant. Calls that
 * are part of another call's value are not recorded. */
#include "ad/array.h"
#include "array/hash.h"
#include "tape/function.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

typedef enum value_kind { ARGUMENT, CONSTANT, RESULT } value_kind;

struct value {
    ad_array *array;
    value_kind kind;
    uint32_t number;  /* among those of its kind, of arguments and results together */
    uint32_t repeats; /* how many values with its name there were before */
    char *path;       /* of a leaf of an argument that is a tree; NULL: none */
};

struct call {
    const ad_primitive *op;
    const void *options; /* ad_options_copy */
    ad_call_phase phase;
    const ad_primitive *rule_of;
    uint32_t first; /* of its outputs in `list`, then its inputs */
    uint8_t outputs_count;
    uint32_t inputs_count;
};

struct program {
    ad_context *c;
    int depth; /* of the calls that are recorded */
    struct value *values;
    struct call *calls;
    uint32_t *list;  /* of values */
    uint32_t *table; /* open addressing by array: number of the value and 1, 0 where it is free */
    uint32_t values_count, values_room, calls_count, calls_room, list_count, list_room, table_size;
    uint32_t numbered, constants;
};

/* ---- recording ---- */

static uint32_t *entry_of(struct program *p, const ad_array *x)
{
    uint64_t at = ad_hash(0, (uint64_t)(uintptr_t)x) >> 32;
    while (p->table[at &= p->table_size - 1] && p->values[p->table[at] - 1].array != x)
        at++;
    return &p->table[at];
}

/* Makes room for one more value in the table. */
static bool table_grow(struct program *p)
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

/* How many values with x's name there are. */
static uint32_t namesakes(const struct program *p, const ad_array *x)
{
    const char *name = ad_name_of(x);
    uint32_t count = 0;
    for (uint32_t i = 0; i < p->values_count && name; i++)
        count += p->values[i].array->flags & AD_NAMED && strcmp(ad_name_of(p->values[i].array), name) == 0;
    return count;
}

/* The value of an array, a new one of the given kind if it is not known yet; false and an error. */
static bool value_of(struct program *p, ad_array *x, value_kind kind, uint32_t *number)
{
    if (!table_grow(p) || !ad_grow(p->c, &p->values, &p->values_room, sizeof *p->values, p->values_count + 1))
        return false;
    uint32_t *entry = entry_of(p, x);
    if (!*entry) {
        p->values[p->values_count] = (struct value){ .array = ad_keep(p->c, x), .kind = kind, .repeats = namesakes(p, x) };
        p->values[p->values_count].number = kind == CONSTANT ? p->constants++ : p->numbered++;
        *entry = ++p->values_count;
    }
    *number = *entry - 1;
    return true;
}

static bool list_add(struct program *p, ad_array *x, value_kind kind)
{
    return ad_grow(p->c, &p->list, &p->list_room, sizeof *p->list, p->list_count + 1) && value_of(p, x, kind, &p->list[p->list_count]) && ++p->list_count;
}

static bool record_call(const ad_call_event *event, void *context)
{
    struct program *p = context;
    if (event->depth > p->depth)
        return true;
    struct call call = { .op = event->operation,
                         .phase = event->phase,
                         .rule_of = event->rule_of,
                         .first = p->list_count,
                         .outputs_count = (uint8_t)event->outputs_count,
                         .inputs_count = (uint32_t)event->inputs_count };
    bool done = ad_grow(p->c, &p->calls, &p->calls_room, sizeof *p->calls, p->calls_count + 1);
    for (int i = 0; i < event->inputs_count && done; i++) /* before the outputs: a constant is made before the call that uses it */
        done = value_of(p, event->inputs[i], CONSTANT, &(uint32_t){ 0 });
    for (int k = 0; k < event->outputs_count && done; k++)
        done = list_add(p, event->outputs[k], RESULT);
    for (int i = 0; i < event->inputs_count && done; i++)
        done = list_add(p, event->inputs[i], CONSTANT);
    if (!done)
        return false;
    p->calls[p->calls_count] = call;
    if (!ad_options_copy(p->c, call.op, event->options, &p->calls[p->calls_count].options))
        return false;
    p->calls_count++;
    return true;
}

static void program_free(struct program *p)
{
    for (uint32_t i = 0; i < p->calls_count; i++)
        ad_options_drop(p->c, p->calls[i].op, &p->calls[i].options);
    for (uint32_t i = 0; i < p->values_count; i++) {
        ad_drop(p->c, p->values[i].array);
        free(p->values[i].path);
    }
    ad_deallocate(p->c, p->calls, p->calls_room * sizeof *p->calls);
    ad_deallocate(p->c, p->values, p->values_room * sizeof *p->values);
    ad_deallocate(p->c, p->list, p->list_room * sizeof *p->list);
    ad_deallocate(p->c, p->table, p->table_size * sizeof *p->table);
}

/* ---- writing what calls are made of ---- */

static void write_axes(FILE *out, const int *axes, int count)
{
    fprintf(out, "AD_AXES(");
    for (int i = 0; i < count; i++)
        fprintf(out, "%s%d", i ? ", " : "", axes[i]);
    fprintf(out, ")");
}

static void write_shape(FILE *out, const ad_shape *shape)
{
    fprintf(out, shape->ndim ? "AD_SHAPE(" : "AD_SCALAR_SHAPE");
    for (int i = 0; i < shape->ndim; i++)
        fprintf(out, "%s%" PRId64 "%s", i ? ", " : "", shape->dim[i], i == shape->ndim - 1 ? ")" : "");
}

/* Axes chosen by a bit, a flag or a place of an order for each. */
static void write_axis_list(FILE *out, ad_field_kind kind, const void *field, int ndim)
{
    uint32_t bits = 0;
    int axes[AD_MAX_NDIM], count = 0;
    if (kind == AD_FIELD_AXIS_BITS)
        memcpy(&bits, field, sizeof bits);
    for (int i = 0; i < ndim; i++) {
        if (kind == AD_FIELD_PERMUTATION)
            axes[count++] = ((const uint8_t *)field)[i];
        else if (kind == AD_FIELD_AXIS_BITS ? bits >> i & 1 : ((const bool *)field)[i])
            axes[count++] = i;
    }
    write_axes(out, axes, count);
}

static void write_field(FILE *out, const ad_field *f, const void *options, const ad_array *first, const ad_array *output)
{
    const void *field = (const char *)options + f->offset, *pointer = NULL;
    const ad_field_kind kind = (ad_field_kind)f->kind;
    if (kind == AD_FIELD_SHAPE || kind == AD_FIELD_WIDTHS)
        memcpy(&pointer, field, sizeof pointer);
    switch (kind) {
    case AD_FIELD_INT: fprintf(out, "%d", *(const int *)field); break;
    case AD_FIELD_INT64: fprintf(out, "%" PRId64, *(const int64_t *)field); break;
    case AD_FIELD_REAL: fprintf(out, "%.17g", *(const double *)field); break;
    case AD_FIELD_FLAG: fprintf(out, *(const bool *)field ? "true" : "false"); break;
    case AD_FIELD_DTYPE: fprintf(out, "%s", ad_dtype_name(*(const ad_dtype *)field)); break;
    case AD_FIELD_TEXT: fprintf(out, "\"%s\"", (const char *)field); break;
    case AD_FIELD_AXES: write_axes(out, ((const ad_axes *)field)->axis, ((const ad_axes *)field)->count); break;
    case AD_FIELD_AXIS_BITS:
    case AD_FIELD_AXIS_FLAGS:
    case AD_FIELD_PERMUTATION: write_axis_list(out, kind, field, first->ndim); break;
    case AD_FIELD_SHAPE: {
        ad_shape shape = pointer ? *(const ad_shape *)pointer : ad_shape_of(output);
        write_shape(out, &shape);
        break;
    }
    case AD_FIELD_WIDTHS:
        fprintf(out, "AD_WIDTHS(");
        for (int i = 0; i < first->ndim; i++)
            fprintf(out, "%s{%" PRId64 ", %" PRId64 "}", i ? ", " : "", ((const ad_widths *)pointer)->width[i][0], ((const ad_widths *)pointer)->width[i][1]);
        fprintf(out, ")");
        break;
    case AD_FIELD_OTHER: {
        char text[256] = "";
        f->text(field, text, sizeof text);
        fprintf(out, "%s", text);
        break;
    }
    }
}

/* ", .axis = 0" for each option; a flag only where it is set. */
static void write_options(FILE *out, const struct program *p, const struct call *call)
{
    const uint32_t *outputs = p->list + call->first;
    const void *options = ad_options_at(call->op, &call->options);
    for (const ad_field *f = call->op->fields; f && f->name && options; f++) {
        if (f->kind == AD_FIELD_FLAG && !*((const bool *)options + f->offset))
            continue;
        fprintf(out, *f->name ? ", .%s = " : ", ", f->name);
        write_field(out, f, options, p->values[outputs[call->outputs_count]].array, p->values[outputs[0]].array);
    }
}

static void write_name(FILE *out, const struct value *v)
{
    const char *name = ad_name_of(v->array);
    if (!name)
        fprintf(out, "%s%" PRIu32, v->kind == CONSTANT ? "c" : "v", v->number);
    else if (v->repeats)
        fprintf(out, "%s_%" PRIu32, name, v->repeats + 1);
    else
        fprintf(out, "%s", name);
}

/* Whether the value stands for itself: a C number, or one made of it. */
static bool is_literal(const struct value *v)
{
    return v->kind == CONSTANT && v->array->ndim == 0 && !ad_name_of(v->array);
}

static void write_values(FILE *out, const ad_array *x)
{
    char *text = ad_tostring(x);
    fprintf(out, "%s", text ? text : "?");
    free(text);
}

static void write_operand(FILE *out, const struct value *v)
{
    if (is_literal(v))
        write_values(out, v->array);
    else
        write_name(out, v);
}

static void write_typed(FILE *out, const struct value *v)
{
    write_name(out, v);
    fprintf(out, ": %s %s", ad_dtype_name((ad_dtype)v->array->dtype), AD_SHAPE_TEXT(v->array));
}

/* "ad_sum(v3, .axes = AD_AXES(0))" */
static void write_call(FILE *out, const struct program *p, const struct call *call)
{
    const uint32_t *inputs = p->list + call->first + call->outputs_count;
    fprintf(out, "%s(", call->op->name);
    for (uint32_t i = 0; i < call->inputs_count; i++) {
        fprintf(out, i ? ", " : "");
        write_operand(out, &p->values[inputs[i]]);
    }
    write_options(out, p, call);
    fprintf(out, ")");
}

static const char *phase_text(ad_call_phase phase)
{
    return phase == AD_PHASE_REVERSE ? "reverse" : "tangent";
}

/* ---- a program ---- */

enum { SHOWN_ELEMENTS = 8 };

static void write_program(FILE *out, const char *title, const struct program *p, const struct ad_leaves *results)
{
    uint32_t told = 0; /* values so far */
    fprintf(out, title ? "%s {\n" : "{\n", title);
    for (uint32_t i = 0; i <= p->calls_count; i++) {
        const struct call *call = i < p->calls_count ? &p->calls[i] : NULL;
        uint32_t end = call ? p->list[call->first] : p->values_count;
        for (; told < end; told++) {
            const struct value *v = &p->values[told];
            if (v->kind == RESULT || is_literal(v))
                continue;
            fprintf(out, "    ");
            write_typed(out, v);
            if (v->kind == ARGUMENT) {
                fprintf(out, v->path ? " = argument %s\n" : " = argument\n", v->path);
            } else if (v->array->ndim <= 1 && v->array->size <= SHOWN_ELEMENTS) {
                fprintf(out, " = ");
                write_values(out, v->array);
                fprintf(out, "\n");
            } else {
                fprintf(out, " = constant\n");
            }
        }
        if (!call)
            break;
        fprintf(out, "    ");
        for (uint32_t k = 0; k < call->outputs_count; k++) {
            fprintf(out, k ? ", " : "");
            write_typed(out, &p->values[p->list[call->first + k]]);
        }
        fprintf(out, " = ");
        write_call(out, p, call);
        if (call->phase != AD_PHASE_VALUE)
            fprintf(out, call->rule_of ? "  // %s of %s" : "  // %s", phase_text(call->phase), call->rule_of ? call->rule_of->name : "");
        fprintf(out, "\n");
    }
    fprintf(out, "    return");
    for (int i = 0; i < results->count; i++) {
        uint32_t entry = *entry_of((struct program *)(uintptr_t)p, results->leaf[i]);
        fprintf(out, i ? ", " : " ");
        write_operand(out, &p->values[entry - 1]);
    }
    fprintf(out, "\n}\n");
}

/* ---- a graph ---- */

/* made[v]: the call that made a value, UINT32_MAX for none. */
static void write_edge(FILE *out, const struct program *p, uint32_t v, const uint32_t *made, const char *into)
{
    bool called = made[v] != UINT32_MAX;
    if (is_literal(&p->values[v]))
        return;
    fprintf(out, "    %s%" PRIu32 " -> %s [label=\"", called ? "call" : "value", called ? made[v] : v, into);
    write_typed(out, &p->values[v]);
    fprintf(out, "\"];\n");
}

/* A text with what stands in it escaped, as a label. */
static void write_label(FILE *out, const char *text)
{
    for (; *text; text++)
        fprintf(out, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
}

static void write_call_label(FILE *out, const struct program *p, const struct call *call)
{
    const uint32_t *inputs = p->list + call->first + call->outputs_count;
    char *text = NULL;
    size_t bytes = 0;
    FILE *label = open_memstream(&text, &bytes);
    if (!label)
        return;
    fprintf(label, "%s", call->op->name);
    for (uint32_t i = 0; i < call->inputs_count; i++)
        if (is_literal(&p->values[inputs[i]])) {
            fprintf(label, ", ");
            write_values(label, p->values[inputs[i]].array);
        }
    write_options(label, p, call);
    if (fclose(label) == 0)
        write_label(out, text);
    free(text);
}

static void write_graph(FILE *out, const struct program *p, const struct ad_leaves *results, const uint32_t *made)
{
    static const char *const colours[] = { "#dbe9f6", "#fde3cf", "#dff0d8" };
    fprintf(out, "digraph trace {\n    node [shape=box, style=filled, fontname=\"Helvetica\"];\n    edge [fontname=\"Helvetica\", fontsize=10];\n");
    for (uint32_t v = 0; v < p->values_count; v++) {
        if (made[v] != UINT32_MAX || is_literal(&p->values[v]))
            continue;
        fprintf(out, "    value%" PRIu32 " [shape=ellipse, fillcolor=\"%s\", label=\"", v, p->values[v].kind == ARGUMENT ? "#fff2b3" : "#eeeeee");
        write_typed(out, &p->values[v]);
        fprintf(out, "\"];\n");
    }
    for (uint32_t i = 0; i < p->calls_count; i++) {
        const struct call *call = &p->calls[i];
        fprintf(out, "    call%" PRIu32 " [fillcolor=\"%s\", label=\"", i, colours[call->phase]);
        write_call_label(out, p, call);
        fprintf(out, "\"];\n");
        for (uint32_t k = 0; k < call->inputs_count; k++) {
            uint32_t v = p->list[call->first + call->outputs_count + k];
            char into[32];
            snprintf(into, sizeof into, "call%" PRIu32, i);
            write_edge(out, p, v, made, into);
        }
    }
    for (int i = 0; i < results->count; i++) {
        uint32_t v = *entry_of((struct program *)(uintptr_t)p, results->leaf[i]) - 1;
        char into[32];
        snprintf(into, sizeof into, "result%d", i);
        fprintf(out, "    %s [shape=ellipse, fillcolor=\"#fff2b3\", label=\"result\"];\n", into);
        write_edge(out, p, v, made, into);
    }
    fprintf(out, "}\n");
}

static bool draw(FILE *out, const struct program *p, const struct ad_leaves *results)
{
    uint32_t *made = ad_allocate(p->c, (p->values_count + 1) * sizeof *made);
    if (!made)
        return false;
    memset(made, 0xff, p->values_count * sizeof *made);
    for (uint32_t i = 0; i < p->calls_count; i++)
        for (uint32_t k = 0; k < p->calls[i].outputs_count; k++)
            made[p->list[p->calls[i].first + k]] = i;
    write_graph(out, p, results, made);
    ad_deallocate(p->c, made, (p->values_count + 1) * sizeof *made);
    return true;
}

/* ---- functions ---- */

struct argument_visit {
    struct program *p;
    int argument;
    bool tree;
};

static bool add_argument(void *context, const char *path, ad_array *leaf)
{
    const struct argument_visit *visit = context;
    struct program *p = visit->p;
    uint32_t number, before = p->values_count;
    if (!leaf)
        return true;
    if (!value_of(p, leaf, ARGUMENT, &number))
        return false;
    if (!visit->tree || number < before)
        return true;
    char text[512];
    snprintf(text, sizeof text, "%d, \"%s\"", visit->argument, path);
    p->values[number].path = strdup(text);
    return true;
}

static bool add_arguments(struct program *p, const char *name, const ad_fn *fn, const ad_value *arguments)
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

/* Runs the function and writes what it did. */
static bool write_trace(const char *name, FILE *out, const char *title, const ad_fn *fn, const ad_value *arguments, bool graph)
{
    ad_context *c = ad_current();
    struct program p = { .c = c, .depth = ad_watch_depth(c) };
    const struct ad_watch watch = { .hook = record_call, .context = &p, .next = ad_watch_trace(c) };
    const struct ad_frame *before = c->frame;
    struct ad_frame frame;
    struct ad_leaves results = { 0 };
    uint32_t number;
    void *result = NULL;
    if (add_arguments(&p, name, fn, arguments) && ad_watch_begin(c, &frame, &watch)) {
        result = ad_fn_invoke(c, fn, arguments);
        ad_watch_end(c, before);
    }
    bool done = result && ad_leaves_of(c, fn->result, result, &results);
    for (int i = 0; i < results.count && done; i++)
        done = value_of(&p, results.leaf[i], CONSTANT, &number);
    if (done) {
        locale_t users = uselocale(ad_c_locale());
        if (graph)
            done = draw(out, &p, &results);
        else
            write_program(out, title, &p, &results);
        uselocale(users);
        if (fflush(out) != 0 || ferror(out))
            done = AD_FAIL(AD_ERROR_IO, "%s: the text cannot be written", name);
    }
    ad_leaves_free(c, &results);
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
