/* Trees: ordered, immutable containers of arrays and trees, by name or by position.
 *
 * A tree is a parameter set, a batch, or a result with several parts. A path names an entry: "layers/0/W". Functions of
 * trees differentiate like functions of arrays: the gradient is a tree of the same structure. */
#ifndef AD_TREE_H
#define AD_TREE_H

#include <ad/array.h>
#include <ad/each.h>

AD_BEGIN_DECLS

/** One argument of ad_tree_of or ad_list_of: a name, an array or a tree. */
typedef struct ad_tree_item {
    enum { AD_ITEM_NAME, AD_ITEM_ARRAY, AD_ITEM_TREE } kind;
    const void *value;
} ad_tree_item;

/** A tree of names and what they name, in turn. Names are copied. They may not be repeated, and contain no '/'. Errors:
 * a name that breaks this rule; a NULL entry; trees in trees more than 1000 deep. */
AD_API ad_tree *ad_tree_from(const ad_tree_item *items, int count);

/** A tree by position. */
AD_API ad_tree *ad_list_from(const ad_tree_item *items, int count);

#ifndef __cplusplus
static inline ad_tree_item ad_item_name_(const char *name)
{
    return (ad_tree_item){ AD_ITEM_NAME, name };
}
static inline ad_tree_item ad_item_array_(const ad_array *x)
{
    return (ad_tree_item){ AD_ITEM_ARRAY, x };
}
static inline ad_tree_item ad_item_tree_(const ad_tree *t)
{
    return (ad_tree_item){ AD_ITEM_TREE, t };
}
static inline ad_tree_item ad_item_real_(double x)
{
    return ad_item_array_(ad_scalar(x));
}
AD_API ad_tree_item ad_item_integer_(int64_t x);
AD_API ad_tree_item ad_item_unsigned_(uint64_t x);
AD_API ad_tree_item ad_item_complex_(ad_complex x);

/* A function that cannot be called with anything else. */
struct ad_leaves_are_arrays_trees_or_C_numbers {
    char nothing;
};
ad_tree_item ad_leaves_are_arrays_trees_or_C_numbers_(struct ad_leaves_are_arrays_trees_or_C_numbers leaf);

#define AD_ITEM_(x)       AD_ITEM_1_(AD_UNIQUE_, x)
#define AD_ITEM_1_(id, x) AD_ITEM_2_(id, x)
#define AD_ITEM_2_(id, x)                                                                                              \
    __extension__({                                                                                                    \
        __auto_type id = (x);                                                                                          \
        AD_AS_ITEM_(id);                                                                                               \
    })
#define AD_AS_ITEM_(v)                                                                                                 \
    _Generic(v,                                                                                                        \
        char *: ad_item_name_,                                                                                         \
        const char *: ad_item_name_,                                                                                   \
        ad_tree *: ad_item_tree_,                                                                                      \
        const ad_tree *: ad_item_tree_,                                                                                \
        AD_ARRAY_CASES_(ad_item_array_),                                                                               \
        AD_NUMBER_CASES_(ad_item_real_, ad_item_complex_, ad_item_unsigned_, ad_item_integer_),                        \
        default: ad_leaves_are_arrays_trees_or_C_numbers_)(v)

/** ad_tree_of("W", W, "b", b). A leaf may be an array, a tree or a C number. ad_list_of(a, b). At most 64 arguments. */
#define ad_tree_of(...) AD_FROM_ITEMS_("ad_tree_of", ad_tree_from, __VA_ARGS__)
#define ad_list_of(...) AD_FROM_ITEMS_("ad_list_of", ad_list_from, __VA_ARGS__)

#define AD_FROM_ITEMS_(name, from, ...)       AD_FROM_ITEMS_1_(AD_UNIQUE_, name, from, __VA_ARGS__)
#define AD_FROM_ITEMS_1_(id, name, from, ...) AD_FROM_ITEMS_2_(id, name, from, __VA_ARGS__)
#define AD_FROM_ITEMS_2_(id, name, from, ...)                                                                          \
    __extension__({                                                                                                    \
        ad_tree_item id[] = { AD_EACH_(AD_ITEM_, __VA_ARGS__) };                                                       \
        AD_SITE_(name);                                                                                                \
        from(id, (int)(sizeof id / sizeof *id));                                                                       \
    })
#endif

/** A tree without entries. */
AD_API ad_tree *ad_tree_empty(void);

/** The array at a path; NULL and an error if there is none. */
AD_API ad_array *ad_tree_get(const ad_tree *t, const char *path) AD_NOTED_;

/** The tree at a path. */
AD_API ad_tree *ad_tree_sub(const ad_tree *t, const char *path) AD_NOTED_;

/** Whether the path names an entry, array or tree. */
AD_API bool ad_tree_has(const ad_tree *t, const char *path);

/** A new tree with the array at the path replaced, or added under a new name. The tree around a new name must exist. */
AD_API ad_tree *ad_tree_set(const ad_tree *t, const char *path, ad_array *x) AD_NOTED_;

/** The same with a tree in place of the array. */
AD_API ad_tree *ad_tree_set_tree(const ad_tree *t, const char *path, ad_tree *x) AD_NOTED_;

/** Number of entries of the tree itself; number of arrays in it and its subtrees. For NULL 0 and an error. */
AD_API int ad_tree_count(const ad_tree *t);
AD_API int ad_tree_leaf_count(const ad_tree *t);

/** Name of entry i ("0", "1", ... by position); valid as long as t. Errors: no such entry. */
AD_API const char *ad_tree_name(const ad_tree *t, int i);

/** Entry i as an array; as a tree. NULL without an error if it is the other kind. Errors: no such entry. */
AD_API ad_array *ad_tree_array_at(const ad_tree *t, int i);
AD_API ad_tree *ad_tree_tree_at(const ad_tree *t, int i);

/** Writes all arrays, depth first, to out, which has room for `room` of them. Gives their number. */
AD_API int ad_tree_leaves(const ad_tree *t, ad_array **out, int room);

/** A tree of the structure of t with other leaves, as many as ad_tree_leaf_count(t). */
AD_API ad_tree *ad_tree_with_leaves(const ad_tree *t, ad_array *const *leaves) AD_NOTED_;

/** Whether two trees have the same names and nesting. */
AD_API bool ad_tree_same_structure(const ad_tree *a, const ad_tree *b);

/** Applies f to every leaf, or to pairs of leaves of two trees of one structure.
 *
 * @param f  gives an array of any shape and dtype; called once for each leaf, depth first
 * @return   a tree of the structure of t
 * Derivative: that of f.
 * Errors: f is NULL, or gives NULL (the error is f's, if it set one); two trees of different structure
 * (AD_ERROR_SHAPE). */
AD_API ad_tree *ad_tree_map(ad_array *(*f)(ad_array *), const ad_tree *t) AD_NOTED_;
AD_API ad_tree *ad_tree_map2(ad_array *(*f)(ad_array *, ad_array *), const ad_tree *t, const ad_tree *u) AD_NOTED_;

/** The same with a context, which is passed on to f. */
AD_API ad_tree *ad_tree_map_with_context(ad_array *(*f)(ad_array *leaf, void *context), const ad_tree *t, void *context) AD_NOTED_;
AD_API ad_tree *ad_tree_map2_with_context(ad_array *(*f)(ad_array *a, ad_array *b, void *context), const ad_tree *t, const ad_tree *u, void *context) AD_NOTED_;

/** Applies f to every leaf and its path: ad_tree_map_with_path(f, t, NULL).
 *
 * @param f        as above; path is "layers/0/W" and valid until f returns; context is passed on
 * @return, Derivative and Errors: as above. As jax.tree_util.tree_map_with_path. */
AD_API ad_tree *ad_tree_map_with_path(ad_array *(*f)(const char *path, ad_array *leaf, void *context), const ad_tree *t, void *context) AD_NOTED_;

/** All leaves, depth first and each in C order, as one vector of their common dtype; and back, with the shapes, dtypes
 * and structure of t.
 *
 * @param vector  (n,), with n the number of elements of all leaves; converted to each leaf's dtype as by ad_astype
 * @return        (n,), float64 and empty for a tree without leaves; a tree like t
 * Derivative: linear, and each is the transpose of the other. Leaves of integers and bools are constants.
 * Errors: a vector of another shape. */
AD_API ad_array *ad_flatten(const ad_tree *t) AD_NOTED_;
AD_API ad_tree *ad_unflatten(const ad_tree *t, ad_array *vector) AD_NOTED_;

/** Prints paths, dtypes, shapes and values. */
AD_API void ad_tree_print(const ad_tree *t);
AD_API void ad_tree_fprint(FILE *stream, const ad_tree *t);

#include <ad/macros/tree.h>

AD_END_DECLS

#endif
