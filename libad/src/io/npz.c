/* .npz, NumPy's format for several arrays: a zip archive in which each is a .npy file. An array at "layers/0/W" of a
 * tree is the entry "layers/0/W.npy". A subtree without entries is a folder, "layers/1/".
 *
 * Reading makes a node of each part of a name, once. A node comes before those below it, so trees are made from the
 * last node to the first. */
#include "ad/io.h"
#include "ad/scope.h"
#include "ad/tree.h"
#include "io/io.h"
#include <string.h>

/* ---- writing ---- */

struct writing {
    struct ad_archive_writer archive;
    char *name;
    uint32_t room;
};

static bool write_entry(void *context, const char *path, ad_array *leaf)
{
    struct writing *w = context;
    size_t length = strlen(path);
    if (!ad_is_plain_path(path))
        return AD_FAIL(AD_ERROR_VALUE, "ad_savez: the tree has the path \"%.200s\", which cannot be a name in an archive", path);
    if (length + 4 > UINT16_MAX)
        return AD_FAIL(AD_ERROR_VALUE, "ad_savez: the tree has a path of %zu bytes; a name in an archive has at most 65535 with .npy", length);
    if (!ad_grow(ad_current(), &w->name, &w->room, 1, (uint32_t)length + 5))
        return false;
    memcpy(w->name, path, length);
    strcpy(w->name + length, leaf ? ".npy" : "/");
    return leaf ? ad_archive_add_array(&w->archive, w->name, leaf) : ad_archive_add_folder(&w->archive, w->name);
}

/* An archive without entries is only its end. libzip makes none. */
static bool write_npz(struct ad_file *f, const void *tree)
{
    static const char nothing[22] = "PK\5\6";
    if (ad_tree_count(tree) == 0)
        return ad_file_write(f, nothing, sizeof nothing);
    struct writing w = { .room = 0 };
    bool complete = ad_archive_write_begin(&w.archive, f) && ad_tree_visit(tree, write_entry, &w);
    complete = ad_archive_write_end(&w.archive, complete);
    ad_deallocate(ad_current(), w.name, w.room);
    return complete;
}

bool ad_savez(const char *path, const ad_tree *t)
{
    return ad_given(t, "ad_savez", "tree") && ad_file_save("ad_savez", path, t, write_npz);
}

/* ---- reading ---- */

enum { ROOT = 0, NONE = 0 }; /* the root is nobody's child, so its number stands for no node */

struct node {
    uint32_t name; /* its position in the text */
    uint32_t parent, first, last, next, children, depth;
    bool listed; /* the archive has an entry for it */
    ad_array *leaf;
    ad_tree *tree;
};

struct reading {
    struct ad_archive archive;
    struct node *nodes;
    char *text; /* the nodes' names */
    uint32_t *slots; /* finds a node by parent and name: open addressing; their number is a power of two, and at most half of them are used */
    uint32_t count, room, used, text_room, slot_count;
};

static uint64_t hash_of(uint32_t parent, const char *name, size_t length)
{
    uint64_t hash = UINT64_C(14695981039346656037) ^ parent; /* FNV-1a */
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)name[i]) * UINT64_C(1099511628211);
    return hash ^ hash >> 32;
}

/* The slot of a node, or the free slot where it belongs. */
static uint32_t *slot_of(const struct reading *r, uint32_t parent, const char *name, size_t length)
{
    for (uint64_t i = hash_of(parent, name, length);; i++) {
        uint32_t *slot = &r->slots[i & (r->slot_count - 1)];
        const char *found = r->text + r->nodes[*slot].name;
        if (*slot == NONE || (r->nodes[*slot].parent == parent && strncmp(found, name, length) == 0 && !found[length]))
            return slot;
    }
}

static bool grow_slots(struct reading *r)
{
    ad_context *c = ad_current();
    uint32_t before = r->slot_count, *old = r->slots;
    if (r->count < before / 2)
        return true;
    if (before > UINT32_MAX / 4)
        return AD_FAIL(AD_ERROR_VALUE, "ad_loadz: the archive has more than %u names", before / 2);
    uint32_t count = before ? 2 * before : 64, *slots = ad_allocate(c, count * sizeof *slots);
    if (!slots)
        return false;
    memset(slots, 0, count * sizeof *slots);
    r->slots = slots;
    r->slot_count = count;
    for (uint32_t i = ROOT + 1; i < r->count; i++) {
        const char *name = r->text + r->nodes[i].name;
        *slot_of(r, r->nodes[i].parent, name, strlen(name)) = i;
    }
    ad_deallocate(c, old, before * sizeof *old);
    return true;
}

/* Adds a new last child to a node; NONE and an error. The root is made first. */
static uint32_t add_node(struct reading *r, uint32_t parent, const char *name, size_t length)
{
    ad_context *c = ad_current();
    if (length >= UINT32_MAX - r->used)
        return ad_set_error(AD_ERROR_VALUE, "ad_loadz: the names have more than 4 GiB"), NONE;
    if (!ad_grow(c, &r->nodes, &r->room, sizeof *r->nodes, r->count + 1) || !ad_grow(c, &r->text, &r->text_room, 1, r->used + (uint32_t)length + 1))
        return NONE;
    uint32_t i = r->count++;
    r->nodes[i] = (struct node){ .name = r->used, .parent = parent };
    memcpy(r->text + r->used, name, length);
    r->text[r->used + length] = '\0';
    r->used += (uint32_t)length + 1;
    if (i == ROOT)
        return i;
    struct node *p = &r->nodes[parent];
    r->nodes[i].depth = p->depth + 1;
    *(p->children ? &r->nodes[p->last].next : &p->first) = i;
    p->last = i;
    p->children++;
    return i;
}

static uint32_t child_of(struct reading *r, uint32_t parent, const char *name, size_t length)
{
    if (!grow_slots(r))
        return NONE;
    uint32_t found = *slot_of(r, parent, name, length);
    if (found != NONE)
        return found;
    uint32_t made = add_node(r, parent, name, length);
    if (made != NONE)
        *slot_of(r, parent, name, length) = made;
    return made;
}

/* The node that an entry's name names, for which the archive then has an entry; NONE and an error. */
static uint32_t node_of(struct reading *r, const char *name)
{
    size_t length = strlen(name);
    bool folder = length && name[length - 1] == '/';
    size_t end = length - (folder ? 1 : 4);
    if (!ad_is_plain_path(name))
        return ad_archive_damaged(&r->archive, name, "a name that is absolute or has a part that is empty, \".\" or \"..\""), NONE;
    if (!folder && (length < 5 || strcmp(name + end, ".npy") != 0 || name[end - 1] == '/'))
        return ad_archive_damaged(&r->archive, name, "a name that does not end in .npy"), NONE;
    uint32_t node = ROOT;
    for (size_t at = 0; at < end;) {
        size_t part = strcspn(name + at, "/");
        part = part < end - at ? part : end - at;
        if (r->nodes[node].leaf)
            return ad_archive_damaged(&r->archive, name, "another entry is an array where this one has a folder"), NONE;
        if (r->nodes[node].depth + (part < end - at || folder) >= AD_DEEPEST_TREE)
            return ad_archive_damaged(&r->archive, name, "too many folders in one another"), NONE;
        if ((node = child_of(r, node, name + at, part)) == NONE)
            return NONE;
        at += part + 1;
    }
    if (r->nodes[node].listed)
        return ad_archive_damaged(&r->archive, name, "another entry has the same name"), NONE;
    if (folder ? r->nodes[node].leaf != NULL : r->nodes[node].children > 0)
        return ad_archive_damaged(&r->archive, name, "it is an array and a folder"), NONE;
    r->nodes[node].listed = true;
    return node;
}

static bool read_entry(struct reading *r, int64_t i)
{
    const char *name = ad_archive_name(&r->archive, i);
    uint32_t node = node_of(r, name);
    if (node == NONE)
        return false;
    struct ad_file f;
    bool folder = name[strlen(name) - 1] == '/', done = ad_archive_open_entry(&r->archive, i, &f);
    if (done && !folder) {
        r->nodes[node].leaf = ad_npy_read(&f);
        done = r->nodes[node].leaf != NULL;
    }
    int more = done ? ad_file_more(&f) : 0;
    ad_archive_close_entry(&f);
    if (more > 0 || (done && more == 0 && f.offset < f.bound))
        return ad_archive_damaged(&r->archive, name, folder ? "a folder with contents" : "there is more after its data"), false;
    return done && more == 0;
}

/* Whether the names of the children are 0, 1, 2, ... */
static bool is_list(const struct reading *r, const struct node *n)
{
    char position[12];
    uint32_t k = 0;
    for (uint32_t i = n->first; i != NONE; i = r->nodes[i].next) {
        snprintf(position, sizeof position, "%u", k++);
        if (strcmp(position, r->text + r->nodes[i].name) != 0)
            return false;
    }
    return k > 0;
}

static ad_tree *tree_of(const struct reading *r, const struct node *n, ad_tree_item *items)
{
    bool list = is_list(r, n);
    int count = 0;
    for (uint32_t i = n->first; i != NONE; i = r->nodes[i].next) {
        const struct node *child = &r->nodes[i];
        if (!list)
            items[count++] = (ad_tree_item){ AD_ITEM_NAME, r->text + child->name };
        items[count++] = child->leaf ? (ad_tree_item){ AD_ITEM_ARRAY, child->leaf } : (ad_tree_item){ AD_ITEM_TREE, child->tree };
    }
    return (list ? ad_list_from : ad_tree_from)(items, count);
}

static ad_tree *build(struct reading *r)
{
    size_t room = 2 * (size_t)r->count * sizeof(ad_tree_item);
    ad_tree_item *items = ad_allocate(ad_current(), room);
    bool done = items != NULL;
    for (uint32_t i = r->count; done && i-- > 0;)
        if (!r->nodes[i].leaf)
            done = (r->nodes[i].tree = tree_of(r, &r->nodes[i], items)) != NULL;
    ad_deallocate(ad_current(), items, room);
    return done ? r->nodes[ROOT].tree : NULL;
}

static ad_tree *load(struct reading *r)
{
    add_node(r, NONE, "", 0);
    bool done = r->count > 0;
    for (int64_t i = 0; done && i < r->archive.count; i++)
        done = read_entry(r, i);
    return done ? build(r) : NULL;
}

ad_tree *ad_loadz(const char *path)
{
    ad_context *c = ad_current();
    AD_RUNNING(c, "ad_loadz");
    struct reading r = { .count = 0 };
    ad_tree *t = NULL;
    if (ad_archive_open(&r.archive, "ad_loadz", path)) {
        ad_scope scope = ad_scope_open();
        ad_tree *made = scope.depth == AD_NO_SCOPE ? NULL : load(&r);
        t = made ? ad_tree_escape(made) : NULL;
        ad_scope_close(scope);
    }
    ad_archive_close(&r.archive);
    ad_deallocate(c, r.nodes, r.room * sizeof *r.nodes);
    ad_deallocate(c, r.text, r.text_room);
    ad_deallocate(c, r.slots, r.slot_count * sizeof *r.slots);
    return t;
}
