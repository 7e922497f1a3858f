/* Walking through trees: their leaves in order, with or without paths, and trees of the same structure with other
 * leaves.
 *
 * A walk stores the way from the root to where it is, and does not call itself. So a deep tree takes no more stack than
 * a flat one. */
#include "array/error.h"
#include "array/scope.h"
#include "array/tree.h"
#include <string.h>

/* A walk through a tree, depth first. */
struct walk {
    struct ad_scratch room;
    struct ad_tree_step *steps;
    int depth;
};

#define AD_WALK __attribute__((cleanup(walk_end))) struct walk /* = { .depth = 0 } */

static void walk_end(struct walk *walk)
{
    ad_scratch_end(&walk->room);
}

static bool walk_begin(struct walk *walk, const ad_tree *t)
{
    walk->steps = ad_scratch_take(ad_current(), &walk->room, t->depth, sizeof *walk->steps);
    if (walk->steps)
        walk->steps[walk->depth++] = (struct ad_tree_step){ t, 0 };
    return walk->steps != NULL;
}

/* The next entry. If it is a tree, the walk goes on inside it. NULL at the end of a tree, which walk_up leaves. */
static struct ad_object *walk_next(struct walk *walk)
{
    struct ad_tree_step *step = &walk->steps[walk->depth - 1];
    if (step->entry == step->tree->count)
        return NULL;
    struct ad_object *child = step->tree->entries[step->entry++].child;
    if (ad_is_tree(child))
        walk->steps[walk->depth++] = (struct ad_tree_step){ (const ad_tree *)child, 0 };
    return child;
}

/* Leaves the tree that the walk is in, and gives that tree. */
static const ad_tree *walk_up(struct walk *walk)
{
    return walk->steps[--walk->depth].tree;
}

int ad_tree_walk(const ad_tree *t, ad_array **out, int room)
{
    AD_WALK walk = { .depth = 0 };
    int count = 0;
    if (!t || !out)
        return t ? t->leaves : 0;
    if (t->depth == 1) { /* most trees have no trees in them */
        for (; count < t->count && count < room; count++)
            out[count] = (ad_array *)t->entries[count].child;
        return t->leaves;
    }
    if (!walk_begin(&walk, t)) {
        memset(out, 0, (size_t)(room < t->leaves ? room : t->leaves) * sizeof *out);
        return t->leaves;
    }
    while (walk.depth && count < room) {
        struct ad_object *child = walk_next(&walk);
        if (!child)
            walk_up(&walk);
        else if (!ad_is_tree(child))
            out[count++] = (ad_array *)child;
    }
    return t->leaves;
}

int ad_tree_leaves(const ad_tree *t, ad_array **out, int room)
{
    if (!ad_given(t, "ad_tree_leaves", "tree"))
        return 0;
    int count = ad_tree_walk(t, out, room);
    for (int i = 0; out && i < count && i < room; i++)
        out[i] = ad_unchanged(out[i]);
    return count;
}
/* The names of the entries on the way with '/' between them, in a block that grows; NULL and an error. */
static char *path_of(const struct walk *walk, char **path, uint32_t *room)
{
    size_t length = 0;
    for (int k = 0; k < walk->depth; k++)
        length += strlen(walk->steps[k].tree->entries[walk->steps[k].entry - 1].name) + 1;
    if (length > UINT32_MAX || !ad_grow(ad_current(), path, room, 1, (uint32_t)length))
        return NULL;
    char *end = *path;
    for (int k = 0; k < walk->depth; k++) {
        end = stpcpy(end, walk->steps[k].tree->entries[walk->steps[k].entry - 1].name);
        *end++ = k < walk->depth - 1 ? '/' : '\0';
    }
    return *path;
}

bool ad_tree_visit(const ad_tree *t, bool (*visit)(void *context, const char *path, ad_array *leaf), void *context)
{
    AD_WALK walk = { .depth = 0 };
    char *path = NULL;
    uint32_t room = 0;
    bool done = walk_begin(&walk, t);
    while (done && walk.depth) {
        struct ad_object *child = walk_next(&walk);
        ad_tree *subtree = child && ad_is_tree(child) ? (ad_tree *)child : NULL;
        if (!child || (subtree && subtree->count == 0))
            walk_up(&walk);
        if (child && (!subtree || subtree->count == 0))
            done = path_of(&walk, &path, &room) && visit(context, path, subtree ? NULL : (ad_array *)child);
    }
    ad_deallocate(ad_current(), path, room);
    return done;
}

/* A tree with the names of t and the children given. */
static ad_tree *like(const ad_tree *t, struct ad_object *const *children)
{
    AD_SCRATCH room = { 0 };
    const char **names = ad_scratch_take(ad_current(), &room, t->count, sizeof *names);
    for (int i = 0; names && i < t->count; i++)
        names[i] = t->entries[i].name;
    return names ? ad_tree_new(t->count, t->by_position ? NULL : names, children) : NULL;
}

/* The largest number of entries that the trees on one way down have together; -1 and an error. */
static int widest(const ad_tree *t)
{
    AD_WALK walk = { .depth = 0 };
    int width = 0, most = 0;
    if (!walk_begin(&walk, t))
        return -1;
    most = width = t->count;
    while (walk.depth) {
        struct ad_object *child = walk_next(&walk);
        if (!child)
            width -= walk_up(&walk)->count;
        else if (ad_is_tree(child))
            width += ((ad_tree *)child)->count;
        most = width > most ? width : most;
    }
    return most;
}

static bool good_leaf(const struct ad_tree_entry *entry, const ad_array *leaf)
{
    if (!leaf)
        return ad_failed() ? false : AD_FAIL(AD_ERROR_VALUE, "ad_tree_with_leaves: the leaf for \"%s\" is NULL", entry->name);
    return ad_given(leaf, "ad_tree_with_leaves", "leaf");
}

/* For a tree without trees in it. */
static ad_tree *flat_with_leaves(const ad_tree *t, ad_array *const *leaves)
{
    for (int i = 0; i < t->count; i++)
        if (!good_leaf(&t->entries[i], leaves[i]))
            return NULL;
    return like(t, (struct ad_object *const *)leaves);
}

ad_tree *ad_tree_with_leaves(const ad_tree *t, ad_array *const *leaves)
{
    if (!ad_given(t, "ad_tree_with_leaves", "tree") || (t->leaves && !ad_given(leaves, "ad_tree_with_leaves", "list of leaves")))
        return NULL;
    if (t->depth == 1)
        return flat_with_leaves(t, leaves);
    AD_WALK walk = { .depth = 0 };
    AD_SCRATCH room = { 0 };
    int width = widest(t), done = 0;
    struct ad_object **finished = width < 0 ? NULL : ad_scratch_take(ad_current(), &room, width + 1, sizeof *finished);
    if (!walk_begin(&walk, t) || !finished)
        return NULL;
    while (walk.depth) {
        struct ad_object *child = walk_next(&walk), *made = NULL;
        if (child && ad_is_tree(child))
            continue;
        if (child) {
            const struct ad_tree_step *step = &walk.steps[walk.depth - 1];
            made = (struct ad_object *)*leaves++;
            if (!good_leaf(&step->tree->entries[step->entry - 1], (const ad_array *)made))
                return NULL;
        } else {
            const ad_tree *old = walk_up(&walk);
            done -= old->count;
            if (!(made = (struct ad_object *)like(old, finished + done)))
                return NULL;
        }
        finished[done++] = made;
    }
    return (ad_tree *)finished[0];
}

static bool same_entries(const ad_tree *a, const ad_tree *b)
{
    bool same = a->count == b->count && a->depth == b->depth && a->leaves == b->leaves && (a->by_position == b->by_position || !a->count);
    for (int i = 0; i < a->count && same; i++)
        same = strcmp(a->entries[i].name, b->entries[i].name) == 0 && ad_is_tree(a->entries[i].child) == ad_is_tree(b->entries[i].child);
    return same;
}

bool ad_tree_same_structure(const ad_tree *a, const ad_tree *b)
{
    AD_WALK one = { .depth = 0 }, other = { .depth = 0 };
    if (!ad_given(a, "ad_tree_same_structure", "first tree") || !ad_given(b, "ad_tree_same_structure", "second tree"))
        return false;
    if (!same_entries(a, b))
        return false;
    bool same = walk_begin(&one, a);
    same = walk_begin(&other, b) && same;
    while (same && one.depth) {
        struct ad_object *x = walk_next(&one), *y = walk_next(&other);
        if (!x) {
            walk_up(&one);
            walk_up(&other);
        } else if (ad_is_tree(x)) {
            same = same_entries((ad_tree *)x, (ad_tree *)y);
        }
    }
    return same;
}
