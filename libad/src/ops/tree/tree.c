/* What computes on the leaves of trees: map, flatten, printing. It is composed of public operations, so all of it
 * differentiates by itself. The structure of trees is in array/tree.c. */
#include "ad/tree.h"
#include "ad/create.h"
#include "ad/error.h"
#include "ad/shape.h"
#include "ops/ops.h"

/* ---- map ---- */

static ad_tree *map(const char *operation, ad_array *(*f)(ad_array *, void *), const ad_tree *t, void *context)
{
    int count = ad_tree_leaf_count(t);
    AD_SCRATCH room = { 0 };
    ad_array **leaves = leaves_of(t, count, &room);
    for (int i = 0; leaves && i < count; i++) {
        leaves[i] = f(leaves[i], context);
        if (!leaves[i])
            return ad_set_error(AD_ERROR_VALUE, "%s: the function gave NULL for leaf %d of %d", operation, i, count);
    }
    return leaves ? ad_tree_with_leaves(t, leaves) : NULL;
}

static bool can_map(const char *operation, bool function, const ad_tree *t)
{
    return ad_given(t, operation, "tree") && (function || AD_FAIL(AD_ERROR_VALUE, "%s: the function is NULL", operation));
}

static ad_array *without_context(ad_array *leaf, void *context)
{
    ad_array *(**f)(ad_array *) = context;
    return (*f)(leaf);
}

ad_tree *ad_tree_map(ad_array *(*f)(ad_array *), const ad_tree *t)
{
    return can_map("ad_tree_map", f, t) ? map("ad_tree_map", without_context, t, &f) : NULL;
}

ad_tree *ad_tree_map_with_context(ad_array *(*f)(ad_array *leaf, void *context), const ad_tree *t, void *context)
{
    return can_map("ad_tree_map_with_context", f, t) ? map("ad_tree_map_with_context", f, t, context) : NULL;
}

static ad_tree *map2(const char *operation, ad_array *(*f)(ad_array *, ad_array *, void *), const ad_tree *t, const ad_tree *u, void *context)
{
    int count = ad_tree_leaf_count(t);
    AD_SCRATCH room = { 0 }, others_room = { 0 };
    ad_array **leaves = leaves_of(t, count, &room), **others = leaves_of(u, count, &others_room);
    if (!leaves || !others)
        return NULL;
    for (int i = 0; i < count; i++) {
        leaves[i] = f(leaves[i], others[i], context);
        if (!leaves[i])
            return ad_set_error(AD_ERROR_VALUE, "%s: the function gave NULL for leaf %d of %d", operation, i, count);
    }
    return ad_tree_with_leaves(t, leaves);
}

static bool can_map2(const char *operation, bool function, const ad_tree *t, const ad_tree *u)
{
    if (!ad_given(t, operation, "first tree") || !ad_given(u, operation, "second tree"))
        return false;
    if (!function)
        return AD_FAIL(AD_ERROR_VALUE, "%s: the function is NULL", operation);
    return ad_tree_same_structure(t, u) || AD_FAIL(AD_ERROR_SHAPE, "%s: two trees of different structure, with %d and %d leaves", operation,
                                                   ad_tree_leaf_count(t), ad_tree_leaf_count(u));
}

static ad_array *two_without_context(ad_array *a, ad_array *b, void *context)
{
    ad_array *(**f)(ad_array *, ad_array *) = context;
    return (*f)(a, b);
}

ad_tree *ad_tree_map2(ad_array *(*f)(ad_array *, ad_array *), const ad_tree *t, const ad_tree *u)
{
    return can_map2("ad_tree_map2", f, t, u) ? map2("ad_tree_map2", two_without_context, t, u, &f) : NULL;
}

ad_tree *ad_tree_map2_with_context(ad_array *(*f)(ad_array *a, ad_array *b, void *context), const ad_tree *t, const ad_tree *u, void *context)
{
    return can_map2("ad_tree_map2_with_context", f, t, u) ? map2("ad_tree_map2_with_context", f, t, u, context) : NULL;
}

struct mapping {
    ad_array *(*f)(const char *path, ad_array *leaf, void *context);
    void *context;
    ad_array **leaf; /* where the next result goes */
};

static bool map_leaf(void *context, const char *path, ad_array *leaf)
{
    struct mapping *m = context;
    if (!leaf)
        return true;
    *m->leaf = m->f(path, leaf, m->context);
    return *m->leaf++ || AD_FAIL(AD_ERROR_VALUE, "ad_tree_map_with_path: the function gave NULL for leaf \"%s\"", path);
}

ad_tree *ad_tree_map_with_path(ad_array *(*f)(const char *path, ad_array *leaf, void *context), const ad_tree *t, void *context)
{
    if (!ad_given(t, "ad_tree_map_with_path", "tree"))
        return NULL;
    if (!f)
        return ad_set_error(AD_ERROR_VALUE, "ad_tree_map_with_path: the function is NULL");
    AD_SCRATCH room = { 0 };
    ad_array **leaves = ad_scratch_take(ad_current(), &room, ad_tree_leaf_count(t), sizeof *leaves);
    struct mapping m = { f, context, leaves };
    return leaves && ad_tree_visit(t, map_leaf, &m) ? ad_tree_with_leaves(t, leaves) : NULL;
}

/* ---- one vector ---- */

ad_array *ad_flatten(const ad_tree *t)
{
    if (!ad_given(t, "ad_flatten", "tree"))
        return NULL;
    int count = ad_tree_leaf_count(t);
    if (count == 0)
        return ad_zeros(AD_SHAPE(0));
    AD_SCRATCH room = { 0 }, items_room = { 0 };
    ad_array **leaves = leaves_of(t, count, &room);
    ad_tree_item *items = ad_scratch_take(ad_current(), &items_room, count, sizeof *items);
    if (!leaves || !items)
        return NULL;
    for (int i = 0; i < count; i++)
        items[i] = (ad_tree_item){ AD_ITEM_ARRAY, leaves[i] };
    ad_tree *list = ad_list_from(items, count);
    return list ? ad_concatenate(list, .axis = AD_NO_AXIS) : NULL;
}

static int64_t total_size(ad_array *const *leaves, int count)
{
    int64_t size = 0;
    for (int i = 0; i < count; i++)
        size += ad_size(leaves[i]);
    return size;
}

/* Cuts the vector into `count` new leaves, by halves. The cotangent of a part is padded only to the size of its half,
 * so that n elements in k leaves cost n log k. */
static bool cut(ad_array **leaves, int count, ad_array *vector)
{
    if (!vector || count == 0)
        return vector != NULL;
    if (count == 1) {
        ad_array *leaf = ad_reshape(vector, ad_shape_of(leaves[0]));
        leaves[0] = leaf ? ad_astype(leaf, ad_dtype_of(leaves[0])) : NULL;
        return leaves[0] != NULL;
    }
    int half = count / 2;
    ad_tree *halves = ad_split(vector, 0, .indices = AD_SHAPE(total_size(leaves, half)));
    return cut(leaves, half, ad_tree_array_at(halves, 0)) && cut(leaves + half, count - half, ad_tree_array_at(halves, 1));
}

ad_tree *ad_unflatten(const ad_tree *t, ad_array *vector)
{
    if (!ad_given(t, "ad_unflatten", "tree") || !ad_given(vector, "ad_unflatten", "vector"))
        return NULL;
    int count = ad_tree_leaf_count(t);
    AD_SCRATCH room = { 0 };
    ad_array **leaves = leaves_of(t, count, &room);
    if (!leaves)
        return NULL;
    int64_t size = total_size(leaves, count);
    if (vector->ndim != 1 || vector->size != size)
        return ad_set_error(AD_ERROR_SHAPE, "ad_unflatten: an array of shape %s for a tree of %lld elements; a vector of that many is wanted",
                            AD_SHAPE_TEXT(vector), (long long)size);
    return cut(leaves, count, vector) ? ad_tree_with_leaves(t, leaves) : NULL;
}

/* ---- printing ---- */

static bool print_leaf(void *stream, const char *path, ad_array *x)
{
    if (!x)
        return true;
    fprintf(stream, "%s %s %s\n", path, ad_dtype_name((ad_dtype)x->dtype), AD_SHAPE_TEXT(x));
    ad_fprint(stream, x);
    return true;
}

void ad_tree_fprint(FILE *stream, const ad_tree *t)
{
    const char *name = stream == stdout ? "ad_tree_print" : "ad_tree_fprint";
    if (ad_given(stream, name, "stream") && ad_given(t, name, "tree"))
        ad_tree_visit(t, print_leaf, stream);
}

void ad_tree_print(const ad_tree *t)
{
    ad_tree_fprint(stdout, t);
}
