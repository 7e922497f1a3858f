/* A recorded function as a graph for Graphviz: calls are boxes, values that no call made and results are ellipses, and
 * an edge is a value on its way from what made it to what reads it. Scalars that no call made stand in the boxes. */
#include "array/memory.h"
#include "tape/program.h"
#include <inttypes.h>
#include <stdlib.h>

struct graph {
    const struct ad_program *p;
    const uint32_t *made; /* the call that made a value, UINT32_MAX for none */
    FILE *out, *label;    /* the label that is being written, to be escaped */
    char *text;           /* of it */
    size_t bytes;
};

/* What was written to the label since the last one, in quotes and escaped. */
static void end_label(struct graph *g)
{
    fflush(g->label);
    fputc('"', g->out);
    for (size_t i = 0; i < g->bytes; i++)
        fprintf(g->out, g->text[i] == '"' || g->text[i] == '\\' ? "\\%c" : "%c", g->text[i]);
    fputc('"', g->out);
    rewind(g->label);
}

static void write_edge(struct graph *g, uint32_t v, const char *into, uint32_t number)
{
    bool called = g->made[v] != UINT32_MAX;
    if (ad_is_literal(&g->p->values[v]))
        return;
    fprintf(g->out, "    %s%" PRIu32 " -> %s%" PRIu32 " [label=", called ? "call" : "value", called ? g->made[v] : v, into, number);
    ad_write_typed(g->label, g->p, &g->p->values[v]);
    end_label(g);
    fprintf(g->out, "];\n");
}

static void write_given_node(struct graph *g, uint32_t v)
{
    const struct ad_program_value *value = &g->p->values[v];
    fprintf(g->out, "    value%" PRIu32 " [shape=ellipse, fillcolor=\"%s\", label=", v, value->kind == AD_VALUE_ARGUMENT ? "#fff2b3" : "#eeeeee");
    ad_write_typed(g->label, g->p, value);
    end_label(g);
    fprintf(g->out, "];\n");
}

static void write_call_node(struct graph *g, uint32_t i)
{
    static const char *const colours[] = { "#dbe9f6", "#fde3cf", "#dff0d8" };
    const struct ad_program *p = g->p;
    const struct ad_program_call *call = &p->calls[i];
    const uint32_t *inputs = p->list + call->first + call->outputs_count;
    fprintf(g->out, "    call%" PRIu32 " [fillcolor=\"%s\", label=", i, colours[call->phase]);
    fprintf(g->label, "%s", call->op->name);
    for (uint32_t k = 0; k < call->inputs_count; k++)
        if (ad_is_literal(&p->values[inputs[k]])) {
            fprintf(g->label, ", ");
            ad_write_literal(g->label, p->values[inputs[k]].array);
        }
    ad_options_write(call->op, ad_options_at(call->op, &call->options), g->label, true);
    end_label(g);
    fprintf(g->out, "];\n");
    for (uint32_t k = 0; k < call->inputs_count; k++)
        write_edge(g, inputs[k], "call", i);
}

static void write_result_node(struct graph *g, uint32_t i)
{
    const struct ad_program_result *result = &g->p->results[i];
    const struct ad_program_value *v = &g->p->values[result->value];
    fprintf(g->out, "    result%" PRIu32 " [shape=ellipse, fillcolor=\"#fff2b3\", label=", i);
    fprintf(g->label, result->path ? "result " : "result");
    if (result->path)
        ad_write_quoted(g->label, result->path);
    if (ad_is_literal(v)) {
        fprintf(g->label, " = ");
        ad_write_literal(g->label, v->array);
    }
    end_label(g);
    fprintf(g->out, "];\n");
    write_edge(g, result->value, "result", i);
}

static void write_graph(struct graph *g)
{
    const struct ad_program *p = g->p;
    fprintf(g->out, "digraph trace {\n    node [shape=box, style=filled, fontname=\"Helvetica\"];\n    edge [fontname=\"Helvetica\", fontsize=10];\n");
    for (uint32_t v = 0; v < p->values_count; v++)
        if (g->made[v] == UINT32_MAX && !ad_is_literal(&p->values[v]))
            write_given_node(g, v);
    for (uint32_t i = 0; i < p->calls_count; i++)
        write_call_node(g, i);
    for (uint32_t i = 0; i < p->results_count; i++)
        write_result_node(g, i);
    fprintf(g->out, "}\n");
}

bool ad_program_draw(FILE *out, const struct ad_program *p)
{
    size_t bytes = ((size_t)p->values_count + 1) * sizeof(uint32_t);
    uint32_t *made = ad_allocate(p->c, bytes);
    if (!made)
        return false;
    memset(made, 0xff, bytes);
    for (uint32_t i = 0; i < p->calls_count; i++)
        for (uint32_t k = 0; k < p->calls[i].outputs_count; k++)
            made[p->list[p->calls[i].first + k]] = i;
    struct graph g = { .p = p, .made = made, .out = out };
    g.label = open_memstream(&g.text, &g.bytes);
    bool done = g.label != NULL;
    if (done) {
        write_graph(&g);
        done = !ferror(g.label);
        fclose(g.label);
        free(g.text);
    }
    ad_deallocate(p->c, made, bytes);
    return done || AD_FAIL(AD_ERROR_MEMORY, "ad_trace_dot: no memory for the labels");
}
