/* Trees: structure only. What computes on leaves (flatten, map over operations) stands in ops/tree.c.
 *
 * A tree is one block: header, entries, then the names. Its entries are references taken with the shared count, so a tree
 * may be dropped in any thread. */
#include "ad/tree.h"
#include "array/array.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    const char *name; /* its position as text, in a tree by position */
    struct ad_object *child;
};

struct ad_tree {
    struct ad_object object;
    int count, depth; /* of trees in trees, this one included */
    bool by_position;
    size_t bytes;
    struct entry entries[];
};

void ad_tree_free(ad_context *c, struct ad_object *object)
{
    ad_tree *t = (ad_tree *)object;
    for (int i = 0; i < t->count; i++)
        ad_object_release_shared(c, t->entries[i].child);
    ad_object_deallocate(c, object->owner, t, t->bytes);
}

enum { POSITION_BYTES = 12, DEEPEST = 1000 }; /* what walks a tree calls itself for a tree in it */

static int depth_of(int count, struct ad_object *const *children)
{
    int deepest = 0;
    for (int i = 0; i < count; i++) {
        int depth = ad_is_tree(children[i]) ? ((ad_tree *)children[i])->depth : 0;
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + 1;
}

/* names: NULL for a tree by position. */
static ad_tree *tree_new(int count, const char *const *names, struct ad_object *const *children)
{
    ad_context *c = ad_current();
    int depth = depth_of(count, children);
    if (depth > DEEPEST)
        return ad_set_error(AD_ERROR_VALUE, "%s: trees in trees more than %d deep", names ? "ad_tree_of" : "ad_list_of", DEEPEST);
    size_t bytes = sizeof(ad_tree) + (size_t)count * sizeof(struct entry), names_at = bytes;
    for (int i = 0; i < count; i++)
        bytes += names ? strlen(names[i]) + 1 : POSITION_BYTES;
    ad_tree *t = ad_object_allocate(c, bytes);
    if (!t)
        return NULL;
    ad_object_init(c, &t->object, 0, AD_TREE);
    t->count = count;
    t->depth = depth;
    t->by_position = !names;
    t->bytes = bytes;
    char *name = (char *)t + names_at;
    for (int i = 0; i < count; i++) {
        t->entries[i] = (struct entry){ name, children[i] };
        ad_object_retain_shared(children[i]);
        if (names)
            strcpy(name, names[i]);
        else
            snprintf(name, POSITION_BYTES, "%d", i);
        name += strlen(name) + 1;
    }
    if (!ad_scope_add(c, &t->object)) {
        ad_tree_free(c, &t->object);
        return NULL;
    }
    return t;
}

static bool good_child(const char *operation, const ad_tree_item *item, int i)
{
    if (item->value && item->kind != AD_ITEM_NAME && !ad_given((struct ad_object *)item->value, operation, item->kind == AD_ITEM_TREE ? "tree" : "array"))
        return false;
    if (!item->value)
        return ad_failed() ? false : (ad_set_error(AD_ERROR_VALUE, "%s: entry %d is NULL", operation, i), false);
    if (item->kind == AD_ITEM_NAME)
        return ad_set_error(AD_ERROR_VALUE, "%s: argument %d is a name (\"%s\") where an array or a tree should stand", operation, i,
                            (const char *)item->value),
               false;
    return true;
}

static bool good_name(const ad_tree_item *item, int i)
{
    if (item->kind != AD_ITEM_NAME || !item->value)
        return ad_set_error(AD_ERROR_VALUE, "ad_tree_of: argument %d should be a name", 2 * i), false;
    const char *name = item->value;
    if (!*name || strchr(name, '/'))
        return ad_set_error(AD_ERROR_VALUE, "ad_tree_of: \"%s\" cannot be a name: empty, or with a '/'", name), false;
    return true;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool distinct(const char *const *names, int count)
{
    AD_SCRATCH room = { 0 };
    const char **sorted = ad_scratch_take(ad_current(), &room, count, sizeof *sorted);
    if (!sorted)
        return false;
    memcpy(sorted, names, (size_t)count * sizeof *sorted);
    qsort(sorted, (size_t)count, sizeof *sorted, compare_names);
    for (int i = 1; i < count; i++)
        if (strcmp(sorted[i - 1], sorted[i]) == 0)
            return ad_set_error(AD_ERROR_VALUE, "ad_tree_of: the name \"%s\" is given twice", sorted[i]), false;
    return true;
}

static bool countable(const char *operation, const ad_tree_item *items, int count)
{
    if (count < 0 || (count && !items))
        return ad_set_error(AD_ERROR_VALUE, "%s: %d entries%s", operation, count, items ? "" : ", which are NULL"), false;
    return true;
}

ad_tree *ad_list_from(const ad_tree_item *items, int count)
{
    if (!countable("ad_list_of", items, count))
        return NULL;
    AD_SCRATCH room = { 0 };
    struct ad_object **children = ad_scratch_take(ad_current(), &room, count, sizeof *children);
    if (!children)
        return NULL;
    for (int i = 0; i < count; i++) {
        if (!good_child("ad_list_of", &items[i], i))
            return NULL;
        children[i] = (struct ad_object *)items[i].value;
    }
    return tree_new(count, NULL, children);
}

ad_tree *ad_tree_from(const ad_tree_item *items, int count)
{
    if (!countable("ad_tree_of", items, count))
        return NULL;
    if (count % 2)
        return ad_set_error(AD_ERROR_VALUE, "ad_tree_of: %d arguments; names and entries should alternate", count);
    AD_SCRATCH room = { 0 }, names_room = { 0 };
    struct ad_object **children = ad_scratch_take(ad_current(), &room, count / 2, sizeof *children);
    const char **names = ad_scratch_take(ad_current(), &names_room, count / 2, sizeof *names);
    if (!children || !names)
        return NULL;
    for (int i = 0; i < count / 2; i++) {
        if (!good_name(&items[2 * i], i) || !good_child("ad_tree_of", &items[2 * i + 1], 2 * i + 1))
            return NULL;
        names[i] = items[2 * i].value;
        children[i] = (struct ad_object *)items[2 * i + 1].value;
    }
    return distinct(names, count / 2) ? tree_new(count / 2, names, children) : NULL;
}

ad_tree *ad_tree_empty(void)
{
    return tree_new(0, NULL, NULL);
}

static ad_tree_item number(ad_dtype dtype, const void *value)
{
    return (ad_tree_item){ AD_ITEM_ARRAY, ad_from_data(dtype, value, AD_SCALAR_SHAPE) };
}

ad_tree_item ad_item_integer_(int64_t x)
{
    return number(AD_I64, &x);
}

ad_tree_item ad_item_unsigned_(uint64_t x)
{
    return ad_weak_unsigned(x) ? ad_item_integer_((int64_t)x) : (ad_tree_item){ AD_ITEM_ARRAY, NULL };
}

ad_tree_item ad_item_complex_(ad_complex x)
{
    return number(AD_C128, &x);
}

/* ---- paths ---- */

/* Index of the entry that the first part of the path names, -1 if none; *rest: what follows, NULL at the end. */
static int entry_of(const ad_tree *t, const char *path, const char **rest)
{
    const char *slash = strchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : strlen(path);
    *rest = slash ? slash + 1 : NULL;
    for (int i = 0; i < t->count; i++)
        if (strncmp(t->entries[i].name, path, length) == 0 && t->entries[i].name[length] == '\0')
            return i;
    return -1;
}

static struct ad_object *find(const ad_tree *t, const char *path)
{
    while (t) {
        const char *rest;
        int i = entry_of(t, path, &rest);
        if (i < 0 || !rest)
            return i < 0 ? NULL : t->entries[i].child;
        struct ad_object *child = t->entries[i].child;
        t = ad_is_tree(child) ? (ad_tree *)child : NULL;
        path = rest;
    }
    return NULL;
}

static struct ad_object *get(const char *operation, const ad_tree *t, const char *path, bool tree)
{
    if (!ad_given(t, operation, "tree") || !ad_given(path, operation, "path"))
        return NULL;
    struct ad_object *found = find(t, path);
    if (!found)
        return ad_set_error(AD_ERROR_INDEX, "%s: the tree has no entry \"%s\"", operation, path);
    if (ad_is_tree(found) != tree)
        return ad_set_error(AD_ERROR_INDEX, "%s: \"%s\" is %s", operation, path, tree ? "an array, not a tree" : "a tree, not an array");
    return found;
}

ad_array *ad_tree_get(const ad_tree *t, const char *path)
{
    return ad_unchanged((ad_array *)get("ad_tree_get", t, path, false));
}

ad_tree *ad_tree_sub(const ad_tree *t, const char *path)
{
    return ad_tree_hold((ad_tree *)get("ad_tree_sub", t, path, true));
}

bool ad_tree_has(const ad_tree *t, const char *path)
{
    return ad_given(t, "ad_tree_has", "tree") && ad_given(path, "ad_tree_has", "path") && find(t, path);
}

static ad_tree *set(const ad_tree *t, const char *path, struct ad_object *x)
{
    if (!ad_given(t, "ad_tree_set", "tree") || !ad_given(x, "ad_tree_set", "new entry") || !ad_given(path, "ad_tree_set", "path"))
        return NULL;
    const char *rest;
    int i = entry_of(t, path, &rest), count = t->count + (i < 0);
    AD_SCRATCH room = { 0 }, names_room = { 0 };
    struct ad_object **children = ad_scratch_take(ad_current(), &room, count, sizeof *children);
    const char **names = ad_scratch_take(ad_current(), &names_room, count, sizeof *names);
    if (!children || !names)
        return NULL;
    for (int j = 0; j < t->count; j++) {
        children[j] = t->entries[j].child;
        names[j] = t->entries[j].name;
    }
    if (i < 0 && (rest || !*path || t->by_position))
        return ad_set_error(AD_ERROR_INDEX, "ad_tree_set: the tree has no entry \"%s\"", path);
    if (i < 0) {
        i = t->count;
        names[i] = path;
    }
    if (rest) {
        if (!ad_is_tree(children[i]))
            return ad_set_error(AD_ERROR_INDEX, "ad_tree_set: \"%s\" goes through an array", path);
        x = (struct ad_object *)set((ad_tree *)children[i], rest, x);
        if (!x)
            return NULL;
    }
    children[i] = x;
    return tree_new(count, t->by_position ? NULL : names, children);
}

ad_tree *ad_tree_set(const ad_tree *t, const char *path, ad_array *x)
{
    return set(t, path, (struct ad_object *)x);
}

ad_tree *ad_tree_set_tree(const ad_tree *t, const char *path, ad_tree *x)
{
    return set(t, path, (struct ad_object *)x);
}

/* ---- walking ---- */

int ad_tree_count(const ad_tree *t)
{
    return ad_given(t, "ad_tree_count", "tree") ? t->count : 0;
}

static const struct entry *entry_at(const char *operation, const ad_tree *t, int i)
{
    if (!ad_given(t, operation, "tree"))
        return NULL;
    if (i < 0 || i >= t->count)
        return ad_set_error(AD_ERROR_INDEX, "%s: there is no entry %d in a tree of %d", operation, i, t->count);
    return &t->entries[i];
}

const char *ad_tree_name(const ad_tree *t, int i)
{
    const struct entry *entry = entry_at("ad_tree_name", t, i);
    return entry ? entry->name : NULL;
}

ad_array *ad_tree_array_at(const ad_tree *t, int i)
{
    const struct entry *entry = entry_at("ad_tree_array_at", t, i);
    return entry && !ad_is_tree(entry->child) ? ad_unchanged((ad_array *)entry->child) : NULL;
}

ad_tree *ad_tree_tree_at(const ad_tree *t, int i)
{
    const struct entry *entry = entry_at("ad_tree_tree_at", t, i);
    return entry && ad_is_tree(entry->child) ? ad_tree_hold((ad_tree *)entry->child) : NULL;
}

int ad_tree_leaf_count(const ad_tree *t)
{
    return ad_given(t, "ad_tree_leaf_count", "tree") ? ad_tree_walk(t, NULL, 0) : 0;
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

int ad_tree_walk(const ad_tree *t, ad_array **out, int room)
{
    int count = 0;
    room = out ? room : 0;
    for (int i = 0; t && i < t->count; i++) {
        struct ad_object *child = t->entries[i].child;
        if (ad_is_tree(child))
            count += ad_tree_walk((ad_tree *)child, out ? out + count : NULL, room - count);
        else if (count++ < room)
            out[count - 1] = (ad_array *)child;
    }
    return count;
}

static ad_tree *with_leaves(const ad_tree *t, ad_array *const **next)
{
    AD_SCRATCH room = { 0 }, names_room = { 0 };
    struct ad_object **children = ad_scratch_take(ad_current(), &room, t->count, sizeof *children);
    const char **names = ad_scratch_take(ad_current(), &names_room, t->count, sizeof *names);
    if (!children || !names)
        return NULL;
    for (int i = 0; i < t->count; i++) {
        struct ad_object *child = t->entries[i].child;
        names[i] = t->entries[i].name;
        children[i] = ad_is_tree(child) ? (struct ad_object *)with_leaves((ad_tree *)child, next) : (struct ad_object *)*(*next)++;
        if (!children[i])
            return ad_failed() ? NULL : ad_set_error(AD_ERROR_VALUE, "ad_tree_with_leaves: the leaf for \"%s\" is NULL", names[i]);
        if (!ad_given(children[i], "ad_tree_with_leaves", "leaf"))
            return NULL;
    }
    return tree_new(t->count, t->by_position ? NULL : names, children);
}

ad_tree *ad_tree_with_leaves(const ad_tree *t, ad_array *const *leaves)
{
    if (!ad_given(t, "ad_tree_with_leaves", "tree") || (ad_tree_walk(t, NULL, 0) && !ad_given(leaves, "ad_tree_with_leaves", "list of leaves")))
        return NULL;
    return with_leaves(t, &leaves);
}

bool ad_tree_same_structure(const ad_tree *a, const ad_tree *b)
{
    if (!ad_given(a, "ad_tree_same_structure", "first tree") || !ad_given(b, "ad_tree_same_structure", "second tree"))
        return false;
    if (a->count != b->count || (a->by_position != b->by_position && a->count))
        return false;
    for (int i = 0; i < a->count; i++) {
        const struct entry *x = &a->entries[i], *y = &b->entries[i];
        if (strcmp(x->name, y->name) != 0 || ad_is_tree(x->child) != ad_is_tree(y->child))
            return false;
        if (ad_is_tree(x->child) && !ad_tree_same_structure((ad_tree *)x->child, (ad_tree *)y->child))
            return false;
    }
    return true;
}
