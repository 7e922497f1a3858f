/* Trees as containers: making them, their names, and what a path names. tree_walk.c walks through them. What computes
 * on leaves (flatten, map over operations) is in ops/tree.
 *
 * A tree is one block: the header, the entries, a hash table where many entries have names, and then the names. Its
 * entries are references taken with the shared count, so a tree may be dropped in any thread. */
#include "array/error.h"
#include "array/hash.h"
#include "array/scope.h"
#include "array/shape.h"
#include "array/tree.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Frees a tree. The trees in it that go with it wait in a list, so that freeing takes no more stack than for one
 * tree. */
void ad_tree_free(ad_context *c, struct ad_object *object)
{
    ad_tree *waiting = (ad_tree *)object, *t;
    waiting->next = NULL;
    while ((t = waiting)) {
        waiting = t->next;
        for (int i = 0; i < t->count; i++) {
            ad_tree *child = (ad_tree *)t->entries[i].child;
            if (!ad_is_tree(&child->object)) {
                ad_object_release_shared(c, &child->object);
            } else if (ad_object_was_last(&child->object)) {
                child->next = waiting;
                waiting = child;
            }
        }
        ad_object_deallocate(c, t->object.owner, t, t->bytes);
    }
}

/* ---- names ---- */

enum { POSITION_BYTES = 12, UNHASHED_NAMES = 8 }; /* up to so many names are found without a table */

/* Writes i as a decimal number. Gives the place behind it. */
static char *write_position(char *name, int i)
{
    int length = 1;
    for (int rest = i; rest >= 10; rest /= 10)
        length++;
    char *end = name + length;
    for (*end = '\0'; length--; i /= 10)
        name[length] = (char)('0' + i % 10);
    return end + 1;
}

/* The number that a name stands for in a tree by position; -1 if it is not a number below count. */
static int position_of(const char *name, size_t length, int count)
{
    int64_t position = 0;
    if (length == 0 || length >= POSITION_BYTES || (*name == '0' && length > 1))
        return -1;
    for (size_t k = 0; k < length; k++) {
        if (name[k] < '0' || name[k] > '9')
            return -1;
        position = 10 * position + (name[k] - '0');
    }
    return position < count ? (int)position : -1;
}

static uint32_t table_size(int count, bool named)
{
    uint32_t size = 16;
    if (!named || count <= UNHASHED_NAMES)
        return 0;
    while (size < 2 * (uint64_t)count && size < UINT32_C(1) << 31)
        size *= 2;
    return size;
}

static uint32_t table_start(const ad_tree *t, const char *name, size_t length)
{
    uint64_t hash = length;
    for (size_t k = 0; k < length; k++)
        hash = ad_hash(hash, (unsigned char)name[k]);
    return (uint32_t)(hash >> 32) & (t->size - 1);
}

static void enter_names(ad_tree *t)
{
    memset(t->table, 0, t->size * sizeof *t->table);
    for (int i = 0; i < t->count && t->size; i++) {
        uint32_t at = table_start(t, t->entries[i].name, strlen(t->entries[i].name));
        while (t->table[at])
            at = (at + 1) & (t->size - 1);
        t->table[at] = (uint32_t)i + 1;
    }
}

static bool has_name(const ad_tree *t, int i, const char *name, size_t length)
{
    return strncmp(t->entries[i].name, name, length) == 0 && t->entries[i].name[length] == '\0';
}

/* The entry with a name, which need not end with a zero byte; -1 if there is none. */
static int entry_named(const ad_tree *t, const char *name, size_t length)
{
    if (t->by_position)
        return position_of(name, length, t->count);
    if (t->size) {
        uint32_t at = table_start(t, name, length);
        while (t->table[at] && !has_name(t, (int)t->table[at] - 1, name, length))
            at = (at + 1) & (t->size - 1);
        return (int)t->table[at] - 1;
    }
    for (int i = 0; i < t->count; i++)
        if (has_name(t, i, name, length))
            return i;
    return -1;
}

/* ---- making ---- */

/* Sets the depth and the number of leaves of a tree with these children; false and an error if it cannot be made. */
static bool measure(const char *operation, int count, struct ad_object *const *children, int *depth, int *leaves)
{
    int64_t sum = 0;
    *depth = 1;
    for (int i = 0; i < count; i++) {
        const ad_tree *child = ad_is_tree(children[i]) ? (const ad_tree *)children[i] : NULL;
        sum += child ? child->leaves : 1;
        if (child && child->depth >= *depth)
            *depth = child->depth + 1;
    }
    *leaves = (int)sum;
    if (*depth > AD_DEEPEST_TREE)
        return AD_FAIL(AD_ERROR_VALUE, "%s: trees in trees more than %d deep", operation, AD_DEEPEST_TREE);
    if (sum > INT_MAX)
        return AD_FAIL(AD_ERROR_VALUE, "%s: a tree of %lld arrays; at most %d are possible", operation, (long long)sum, INT_MAX);
    return true;
}

ad_tree *ad_tree_new(int count, const char *const *names, struct ad_object *const *children)
{
    ad_context *c = ad_current();
    int depth, leaves;
    if (!measure(names ? "ad_tree_of" : "ad_list_of", count, children, &depth, &leaves))
        return NULL;
    uint32_t size = table_size(count, names != NULL);
    size_t table_at = sizeof(ad_tree) + (size_t)count * sizeof(struct ad_tree_entry), names_at = table_at + size * sizeof *((ad_tree *)NULL)->table,
           bytes = names_at;
    for (int i = 0; i < count; i++)
        bytes += names ? strlen(names[i]) + 1 : POSITION_BYTES;
    ad_tree *t = ad_object_allocate(c, bytes);
    if (!t)
        return NULL;
    ad_object_init(c, &t->object, 0, AD_TREE);
    t->count = count;
    t->depth = depth;
    t->leaves = leaves;
    t->by_position = !names;
    t->bytes = bytes;
    t->table = (uint32_t *)((char *)t + table_at);
    t->size = size;
    char *name = (char *)t + names_at;
    for (int i = 0; i < count; i++) {
        t->entries[i] = (struct ad_tree_entry){ name, children[i] };
        ad_object_retain_shared(children[i]);
        name = names ? stpcpy(name, names[i]) + 1 : write_position(name, i);
    }
    if (size)
        enter_names(t);
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
        return AD_FAIL(AD_ERROR_VALUE, "%s: argument %d is a name (\"%s\") where an array or a tree should stand", operation, i, (const char *)item->value);
    return true;
}

static bool good_name(const ad_tree_item *item, int i)
{
    if (item->kind != AD_ITEM_NAME || !item->value)
        return AD_FAIL(AD_ERROR_VALUE, "ad_tree_of: argument %d should be a name", 2 * i);
    const char *name = item->value;
    if (!*name || strchr(name, '/'))
        return AD_FAIL(AD_ERROR_VALUE, "ad_tree_of: \"%s\" cannot be a name: empty, or with a '/'", name);
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
            return AD_FAIL(AD_ERROR_VALUE, "ad_tree_of: the name \"%s\" is given twice", sorted[i]);
    return true;
}

static bool countable(const char *operation, const ad_tree_item *items, int count)
{
    if (count < 0 || (count && !items))
        return AD_FAIL(AD_ERROR_VALUE, "%s: %d entries%s", operation, count, items ? "" : ", which are NULL");
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
    return ad_tree_new(count, NULL, children);
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
    return distinct(names, count / 2) ? ad_tree_new(count / 2, names, children) : NULL;
}

ad_tree *ad_tree_empty(void)
{
    return ad_tree_new(0, NULL, NULL);
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

/* The index of the entry that the first part of the path names; -1 if there is none. *rest is what follows that part,
 * NULL at the end. */
static int entry_of(const ad_tree *t, const char *path, const char **rest)
{
    const char *slash = strchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : strlen(path);
    *rest = slash ? slash + 1 : NULL;
    return entry_named(t, path, length);
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

/* t with x in place of entry i. If i is the number of entries, x comes behind the others under this name. */
static ad_tree *with_child(const ad_tree *t, int i, const char *name, struct ad_object *x)
{
    int count = t->count + (i == t->count);
    AD_SCRATCH room = { 0 }, names_room = { 0 };
    struct ad_object **children = ad_scratch_take(ad_current(), &room, count, sizeof *children);
    const char **names = ad_scratch_take(ad_current(), &names_room, count, sizeof *names);
    if (!children || !names)
        return NULL;
    for (int j = 0; j < count; j++) {
        children[j] = j == i ? x : t->entries[j].child;
        names[j] = j < t->count ? t->entries[j].name : name;
    }
    return ad_tree_new(count, t->by_position && t->count ? NULL : names, children);
}

/* Finds the trees along a path, down to the one that holds the entry at its end. Gives the number of steps, or 0 and an
 * error. */
static int way_along(const ad_tree *t, const char *path, struct ad_tree_step *steps)
{
    int depth = 0;
    for (const char *rest = path; rest; depth++) {
        const char *part = rest;
        int i = entry_of(t, part, &rest);
        if (i < 0 && (rest || !*part || (t->by_position && t->count)))
            return ad_set_error(AD_ERROR_INDEX, "ad_tree_set: the tree has no entry \"%s\"", part), 0;
        steps[depth] = (struct ad_tree_step){ t, i < 0 ? t->count : i };
        if (!rest)
            continue;
        if (!ad_is_tree(t->entries[i].child))
            return ad_set_error(AD_ERROR_INDEX, "ad_tree_set: \"%s\" goes through an array", part), 0;
        t = (const ad_tree *)t->entries[i].child;
    }
    return depth;
}

static ad_tree *set(const ad_tree *t, const char *path, struct ad_object *x)
{
    if (!ad_given(t, "ad_tree_set", "tree") || !ad_given(x, "ad_tree_set", "new entry") || !ad_given(path, "ad_tree_set", "path"))
        return NULL;
    AD_SCRATCH room = { 0 };
    struct ad_tree_step *steps = ad_scratch_take(ad_current(), &room, t->depth, sizeof *steps);
    int depth = steps ? way_along(t, path, steps) : 0;
    const char *slash = strrchr(path, '/');
    if (depth == 0)
        return NULL;
    while (depth-- && x)
        x = (struct ad_object *)with_child(steps[depth].tree, steps[depth].entry, slash ? slash + 1 : path, x);
    return (ad_tree *)x;
}

ad_tree *ad_tree_set(const ad_tree *t, const char *path, ad_array *x)
{
    return set(t, path, (struct ad_object *)x);
}

ad_tree *ad_tree_set_tree(const ad_tree *t, const char *path, ad_tree *x)
{
    return set(t, path, (struct ad_object *)x);
}

/* ---- entries ---- */

int ad_tree_count(const ad_tree *t)
{
    return ad_given(t, "ad_tree_count", "tree") ? t->count : 0;
}

static const struct ad_tree_entry *entry_at(const char *operation, const ad_tree *t, int i)
{
    if (!ad_given(t, operation, "tree"))
        return NULL;
    if (i < 0 || i >= t->count)
        return ad_set_error(AD_ERROR_INDEX, "%s: there is no entry %d in a tree of %d", operation, i, t->count);
    return &t->entries[i];
}

const char *ad_tree_name(const ad_tree *t, int i)
{
    const struct ad_tree_entry *entry = entry_at("ad_tree_name", t, i);
    return entry ? entry->name : NULL;
}

ad_array *ad_tree_array_at(const ad_tree *t, int i)
{
    const struct ad_tree_entry *entry = entry_at("ad_tree_array_at", t, i);
    return entry && !ad_is_tree(entry->child) ? ad_unchanged((ad_array *)entry->child) : NULL;
}

ad_tree *ad_tree_tree_at(const ad_tree *t, int i)
{
    const struct ad_tree_entry *entry = entry_at("ad_tree_tree_at", t, i);
    return entry && ad_is_tree(entry->child) ? ad_tree_hold((ad_tree *)entry->child) : NULL;
}

int ad_tree_leaf_count(const ad_tree *t)
{
    return ad_given(t, "ad_tree_leaf_count", "tree") ? t->leaves : 0;
}
