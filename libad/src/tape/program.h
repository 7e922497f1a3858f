/* A function as the calls that it made: program.c records them and writes them as a program, graph.c as a graph. */
#ifndef AD_PROGRAM_INTERNAL_H
#define AD_PROGRAM_INTERNAL_H

#include "tape/names.h"

typedef enum ad_value_kind { AD_VALUE_ARGUMENT, AD_VALUE_CONSTANT, AD_VALUE_RESULT } ad_value_kind;

struct ad_program_value {
    ad_array *array;
    ad_value_kind kind;
    uint32_t number; /* among those of its kind, of arguments and results together */
    uint32_t name;   /* of `names`; 0: none */
    int argument;    /* whose leaf it is */
    char *path;      /* in the argument, if that is a tree; NULL: none */
};

struct ad_program_call {
    const ad_primitive *op;
    const void *options; /* ad_options_copy */
    ad_call_phase phase;
    const ad_primitive *rule_of;
    uint32_t first; /* of its outputs in `list`, then its inputs */
    uint8_t outputs_count;
    uint32_t inputs_count;
};

struct ad_program_result {
    uint32_t value;
    char *path; /* as in value */
};

struct ad_program {
    ad_context *c;
    int depth; /* of the calls that are recorded */
    struct ad_program_value *values;
    struct ad_program_call *calls;
    struct ad_program_result *results;
    struct ad_names names;
    uint32_t *list;  /* of values */
    uint32_t *table; /* open addressing by array: number of the value and 1, 0 where it is free */
    uint32_t values_count, values_room, calls_count, calls_room, results_count, results_room, list_count, list_room, table_size;
    uint32_t numbered, constants;
};

/* What calls are made of, written alike in both. */
void ad_write_literal(FILE *out, const ad_array *x); /* of which ad_is_literal is true */
void ad_write_typed(FILE *out, const struct ad_program *p, const struct ad_program_value *v);
bool ad_is_literal(const struct ad_program_value *v);

bool ad_program_draw(FILE *out, const struct ad_program *p); /* graph.c; false and an error */

#endif
