/* What the files of bindings/ share: tagged values, and what they become in C. */
#ifndef AD_BINDINGS_INTERNAL_H
#define AD_BINDINGS_INTERNAL_H

#include "ad/bindings.h"
#include "array/error.h"
#include "array/memory.h"

/* Where a value goes, for errors: "ad_sum: operand 0, x". */
struct ad_place {
    const char *operation;
    const char *what; /* "operand", "argument", "option" */
    int number;       /* counted from 0; -1: it has none */
    const char *name; /* NULL: it has none */
};

/* tagged.c. Writes the C value of a type to an address, from a tagged value. What is made for it belongs to the
 * innermost scope. False and an error: it is of another kind. Lists (AD_TYPE_ARRAYS to AD_TYPE_VALUES) go into a block
 * of `room`, which belongs to the caller. */
bool ad_tagged_put(const struct ad_place *place, ad_type type, const ad_tagged *value, void *at);
bool ad_tagged_put_list(const struct ad_place *place, ad_type type, const ad_tagged *values, int count, struct ad_scratch *room, void *at);
ad_tagged ad_tagged_get(ad_type type, const void *at); /* the tagged value for the C value at the address */
bool ad_tagged_list_given(const char *operation, const char *what, const void *list, int count); /* false and an error: the count is negative, or the list is
                                                                                                    NULL */

/* prototypes.c. The function that a program means by the name and these operands; NULL and an error of the
 * operation. */
const ad_prototype *ad_prototype_find(const char *operation, const char *name, const ad_tagged *operands, int count);

/* table.c, which is generated: the functions in the order of their names. */
extern const ad_prototype ad_prototypes[];
extern const int ad_prototypes_count;

#endif
