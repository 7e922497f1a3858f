/* Trees: structure only. What computes on leaves (flatten, map over operations) stands in ops/tree.c.
 *
 * A tree is one block: header, entries, a hash table of them where there are many with names, then the names. Its entries are references taken with the shared count, so a tree
 * may be dropped in any thread. */
#include "ad/tree.h"
#include "array/array.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    const char *name; /* its position as text, in a tree by position */
    struct ad_object *child;
};

struct ad_tree {
    struct ad_object object;
    int count, depth; /* of trees in trees, this one included */
    int leaves;       /* arrays in it and its subtrees */
    bool by_position;
    ad_tree *next; /* of those that are being freed */
    size_t bytes;
    uint32_t *table; /* numbers of entries from 1 on, 0 where it is free; open addressing */
    uint32_t size;   /* of the table, a power of 2; 0: there is none */
    struct entry entries[];
};

/* A tree that goes with this one waits in a list, so that freeing it takes no more stack than freeing one tree. */
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

enum { POSITION_BYTES = 12, FEW_NAMES = 8 }; /* so few are found by looking at each */

/* Writes i as a decimal number; gives the place behind it. */
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

/* The number that a name of a tree by position stands for, -1 if it is none below count. */
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
    if (!named || count <= FEW_NAMES)
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

/* The entry of a name, which need not end with a 0; -1 if there is none. */
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

/* Sets the depth and the number of leaves that a tree with these children has; false and an error if it cannot be. */
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
        return ad_set_error(AD_ERROR_VALUE, "%s: trees in trees more than %d deep", operation, AD_DEEPEST_TREE), false;
    if (sum > INT_MAX)
        return ad_set_error(AD_ERROR_VALUE, "%s: a tree of %lld arrays; at most %d are possible", operation, (long long)sum, INT_MAX), false;
    return true;
}

/* names: NULL for a tree by position. */
static ad_tree *tree_new(int count, const char *const *names, struct ad_object *const *children)
{
    ad_context *c = ad_current();
    int depth, leaves;
    if (!measure(names ? "ad_tree_of" : "ad_list_of", count, children, &depth, &leaves))
        return NULL;
    uint32_t size = table_size(count, names != NULL);
    size_t table_at = sizeof(ad_tree) + (size_t)count * sizeof(struct entry), names_at = table_at + size * sizeof *((ad_tree *)NULL)->table, bytes = names_at;
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
        t->entries[i] = (struct entry){ name, children[i] };
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

/* t with x in place of entry i, or behind the others under a name that is new. */
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
    return tree_new(count, t->by_position && t->count ? NULL : names, children);
}

/* One step on the way through a tree: the entry that comes next, or was taken. */
struct step {
    const ad_tree *tree;
    int entry;
};

/* The way along a path, from the tree to the one that holds its end; gives the number of steps, 0 and an error if there is none. */
static int way_along(const ad_tree *t, const char *path, struct step *steps)
{
    int depth = 0;
    for (const char *rest = path; rest; depth++) {
        const char *part = rest;
        int i = entry_of(t, part, &rest);
        if (i < 0 && (rest || !*part || (t->by_position && t->count)))
            return ad_set_error(AD_ERROR_INDEX, "ad_tree_set: the tree has no entry \"%s\"", part), 0;
        steps[depth] = (struct step){ t, i < 0 ? t->count : i };
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
    struct step *steps = ad_scratch_take(ad_current(), &room, t->depth, sizeof *steps);
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
    return ad_given(t, "ad_tree_leaf_count", "tree") ? t->leaves : 0;
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
/* A walk through a tree, depth first. It holds the way to where it is, in place of calling itself. */
struct walk {
    struct ad_scratch room;
    struct step *steps;
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
        walk->steps[walk->depth++] = (struct step){ t, 0 };
    return walk->steps != NULL;
}

/* The next entry; NULL at the end of the tree that is walked through, which is left by walk_up, and of all when there is none. It goes into a
 * tree that it gives. */
static struct ad_object *walk_next(struct walk *walk)
{
    struct step *step = &walk->steps[walk->depth - 1];
    if (step->entry == step->tree->count)
        return NULL;
    struct ad_object *child = step->tree->entries[step->entry++].child;
    if (ad_is_tree(child))
        walk->steps[walk->depth++] = (struct step){ (const ad_tree *)child, 0 };
    return child;
}

/* Leaves the tree it is in; gives it. */
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
    if (t->depth == 1) { /* no trees in it, as most */
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

/* The names of the entries on the way, with '/' between them, in a block that grows; NULL and an error. */
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

/* A tree of t's names with the children given. */
static ad_tree *like(const ad_tree *t, struct ad_object *const *children)
{
    AD_SCRATCH room = { 0 };
    const char **names = ad_scratch_take(ad_current(), &room, t->count, sizeof *names);
    for (int i = 0; names && i < t->count; i++)
        names[i] = t->entries[i].name;
    return names ? tree_new(t->count, t->by_position ? NULL : names, children) : NULL;
}

/* Most entries that are done at once, of the trees on a way down. */
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

static bool good_leaf(const struct entry *entry, const ad_array *leaf)
{
    if (!leaf)
        return ad_failed() ? false : AD_FAIL(AD_ERROR_VALUE, "ad_tree_with_leaves: the leaf for \"%s\" is NULL", entry->name);
    return ad_given(leaf, "ad_tree_with_leaves", "leaf");
}

/* Of a tree without trees in it. */
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
            const struct step *step = &walk.steps[walk.depth - 1];
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
