/* Trees: what they are made of, for tree.c and tree_walk.c, and what the layers above use beside ad/tree.h. */
#ifndef AD_TREE_INTERNAL_H
#define AD_TREE_INTERNAL_H

#include "ad/tree.h"
#include "array/array.h"

struct ad_tree_entry {
    const char *name; /* in a tree by position: the position as text */
    struct ad_object *child;
};

struct ad_tree {
    struct ad_object object;
    int count, depth; /* levels of trees in trees, including this one */
    int leaves;       /* arrays in it and its subtrees */
    bool by_position;
    ad_tree *next; /* in the list of trees that are being freed */
    size_t bytes;
    uint32_t *table; /* open addressing; a place holds the number of an entry, from 1 on, or 0 if it is free */
    uint32_t size;   /* of the table, a power of 2; 0: there is none */
    struct ad_tree_entry entries[];
};

/* One step on the way through a tree: the entry that comes next, or the one that was taken. */
struct ad_tree_step {
    const ad_tree *tree;
    int entry;
};

ad_tree *ad_tree_new(int count, const char *const *names, struct ad_object *const *children); /* names: NULL for a tree by position */
void ad_tree_free(ad_context *c, struct ad_object *tree);
enum { AD_DEEPEST_TREE = 1000 };

/* Visits every leaf with its path, and every empty subtree with NULL for the leaf, until a visit gives false. False and
 * an error. */
bool ad_tree_visit(const ad_tree *t, bool (*visit)(void *context, const char *path, ad_array *leaf), void *context);
int ad_tree_walk(const ad_tree *t, ad_array **out, int room); /* as ad_tree_leaves, but the leaves belong only to the tree */

#endif
