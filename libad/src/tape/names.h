/* Names of values in a program: names.c. */
#ifndef AD_NAMES_INTERNAL_H
#define AD_NAMES_INTERNAL_H

#include "tape/tape.h"
#include <stdio.h>

enum { AD_TAKEN_NAME_BYTES = AD_NAME_BYTES + 12 }; /* and a number */

struct ad_taken_name {
    char text[AD_TAKEN_NAME_BYTES];
    uint32_t repeats; /* numbers given to values that were to have this name */
};

/* All of it is zero for no names. */
struct ad_names {
    struct ad_taken_name *taken;
    uint32_t *table; /* open addressing by text: place among those taken and 1, 0 where it is free */
    uint32_t count, room, table_size;
};

/* Takes the name, or with a number behind it one that nobody has yet; *number is by which it is known, from 1 on.
 * False and an error. */
bool ad_names_take(ad_context *c, struct ad_names *names, const char *name, uint32_t *number);
void ad_names_write(FILE *out, const struct ad_names *names, uint32_t number);
void ad_names_free(ad_context *c, struct ad_names *names);

/* A text as C programs write it. Bytes that are not UTF-8 are given by their numbers. */
void ad_write_quoted(FILE *out, const char *text);

#endif
