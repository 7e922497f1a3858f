/* Coordinates: which leaves of hypers are optimised, and what the optimizer sees of them.
 *
 * Leaves are numbered depth first, as ad_tree_leaves gives them. A position holds the leaves whose scale is not
 * HYPER_CONSTANT, in the same order, so that walking through both at once pairs them. */
#include "optimize.h"
#include <string.h>

static bool refuse(ad_code code, const char *sentence)
{
    ad_set_error(code, "hyper_optimize: %s", sentence);
    return false;
}

/* ---- paths of leaves ---- */

static char *join(const char *before, const char *name)
{
    char *path = ad_memory_take(strlen(before) + strlen(name) + 2);
    if (path)
        strcat(strcat(strcpy(path, before), *before ? "/" : ""), name);
    return path;
}

/* Copies the path of the next leaf, and gives the leaf as a constant. */
static ad_array *read_leaf(const char *path, ad_array *leaf, void *coordinates)
{
    hyper_coordinates *c = coordinates;
    char *copy = join("", path);
    if (!copy)
        return NULL;
    c->paths[c->path_count++] = copy;
    return ad_stop_gradient(leaf);
}

/* ---- lists of paths ---- */

static bool is_complex(const ad_array *x)
{
    return ad_dtype_is_complex(ad_dtype_of(x));
}

static bool is_float(const ad_array *x)
{
    return ad_dtype_is_inexact(ad_dtype_of(x)) && !is_complex(x);
}

static bool is_under(const char *leaf, const char *path)
{
    size_t length = strlen(path);
    return strncmp(leaf, path, length) == 0 && (leaf[length] == '\0' || leaf[length] == '/');
}

/* Gives the float leaves under a path their scale. `option` is the option that the path stands in. */
static bool mark(hyper_coordinates *c, const char *path, const char *option, hyper_scale scale)
{
    int leaves = 0, floats = 0;
    for (int i = 0; i < c->leaf_count; i++) {
        if (!is_under(c->paths[i], path))
            continue;
        leaves++;
        bool optimised = is_float(c->leaf_room[i]);
        if (optimised && scale != HYPER_CONSTANT && c->scales[i] != HYPER_PLAIN && c->scales[i] != scale)
            return ad_set_error(AD_ERROR_VALUE, "hyper_optimize: %s is under a path of .log and under one of .logit", c->paths[i]), false;
        if (optimised || scale == HYPER_CONSTANT)
            c->scales[i] = scale;
        floats += optimised;
    }
    if (!leaves && !ad_tree_has(c->hypers, path))
        return ad_set_error(AD_ERROR_INDEX, "hyper_optimize: .%s names \"%s\", and hypers has no such entry", option, path), false;
    if (leaves && !floats && scale != HYPER_CONSTANT)
        return ad_set_error(AD_ERROR_DTYPE, "hyper_optimize: .%s names \"%s\", which has no float leaf; only these are optimised", option, path), false;
    return true;
}

/* The part of a list before its next comma, without the spaces around it, in a block of its own. *list then points
 * behind it. */
static char *next_path(const char **list)
{
    size_t length = strcspn(*list, ",");
    const char *from = *list, *to = from + length;
    *list = *to ? to + 1 : NULL;
    while (from < to && *from == ' ')
        from++;
    while (to > from && to[-1] == ' ')
        to--;
    char *path = ad_memory_take((size_t)(to - from) + 1);
    return path ? memcpy(path, from, (size_t)(to - from)) : NULL;
}

static bool mark_all(hyper_coordinates *c, const char *list, const char *option, hyper_scale scale)
{
    bool done = true;
    const char *rest = list && *list ? list : NULL;
    while (rest && done) {
        char *path = next_path(&rest);
        done = path && mark(c, path, option, scale);
        ad_memory_give(path);
    }
    return done;
}

/* ---- the start ---- */

/* Whether a value has a coordinate on the scale. */
static bool has_coordinate(hyper_scale scale, double x)
{
    return isfinite(x) && (scale == HYPER_PLAIN || x > 0) && (scale != HYPER_LOGIT || x < 1);
}

static bool check_values(const char *path, const ad_array *x, hyper_scale scale)
{
    static const char *const wanted[] = { [HYPER_PLAIN] = "finite", [HYPER_LOG] = "finite and above 0, to have a logarithm",
                                          [HYPER_LOGIT] = "between 0 and 1, to have a logit" };
    int64_t size = ad_size(x), i = 0;
    double *value = ad_memory_take((size_t)size * sizeof *value);
    bool done = value && ad_copy_to(x, value, size);
    while (done && i < size && has_coordinate(scale, value[i]))
        i++;
    if (done && i < size)
        ad_set_error(AD_ERROR_VALUE, "hyper_optimize: element %lld of %s is %g; it should be %s", (long long)i, path, value[i], wanted[scale]);
    ad_memory_give(value);
    return done && i == size;
}

/* The coordinate of a leaf, contiguous and in memory of its own, so that a sum over it has the same bits wherever the
 * leaf came from. */
static ad_array *coordinate_of(ad_array *x, hyper_scale scale)
{
    switch (scale) {
    case HYPER_LOG:
        return ad_log(x);
    case HYPER_LOGIT:
        return ad_log(ad_div(x, ad_sub(1, x)));
    default:
        return ad_copy(x);
    }
}

/* Adds a leaf to a tree, and also the trees on its path that do not exist yet. */
static ad_tree *with_leaf(ad_tree *tree, const char *path, ad_array *leaf)
{
    char *part = join("", path);
    for (char *slash = part; part && tree && (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = '\0';
        if (!ad_tree_has(tree, part))
            tree = ad_tree_set_tree(tree, part, ad_tree_from(NULL, 0));
    }
    tree = part && tree ? ad_tree_set(tree, path, leaf) : NULL;
    ad_memory_give(part);
    return tree;
}

static bool start(hyper_coordinates *c)
{
    ad_tree *position = ad_tree_from(NULL, 0);
    for (int i = 0; position && i < c->leaf_count; i++) {
        if (c->scales[i] == HYPER_CONSTANT)
            continue;
        if (is_complex(c->leaf_room[i]))
            return ad_set_error(AD_ERROR_DTYPE, "hyper_optimize: %s is %s; it should be float64 or float32, or .fixed", c->paths[i],
                                ad_dtype_name(ad_dtype_of(c->leaf_room[i]))), false;
        if (!check_values(c->paths[i], c->leaf_room[i], c->scales[i]))
            return false;
        position = with_leaf(position, c->paths[i], coordinate_of(c->leaf_room[i], c->scales[i]));
    }
    if (position && ad_tree_leaf_count(position) == 0)
        return refuse(AD_ERROR_VALUE, "hypers has no float leaf that is not fixed, so there is nothing to optimise");
    return position && (c->start = ad_retain(position));
}

bool hyper_coordinates_open(hyper_coordinates *c, ad_tree *hypers, const hyper_optimize_options *options)
{
    AD_SCOPE;
    c->leaf_count = ad_tree_leaf_count(hypers);
    c->paths = ad_memory_take((size_t)c->leaf_count * sizeof *c->paths);
    c->scales = ad_memory_take((size_t)c->leaf_count * sizeof *c->scales);
    c->leaf_room = ad_memory_take((size_t)c->leaf_count * sizeof *c->leaf_room);
    ad_tree *constants = c->paths && c->scales && c->leaf_room ? ad_tree_map_with_path(read_leaf, hypers, c) : NULL;
    if (!constants)
        return false;
    c->hypers = ad_retain(constants);
    ad_tree_leaves(c->hypers, c->leaf_room, c->leaf_count);
    for (int i = 0; i < c->leaf_count && !ad_failed(); i++)
        c->scales[i] = is_float(c->leaf_room[i]) || is_complex(c->leaf_room[i]) ? HYPER_PLAIN : HYPER_CONSTANT;
    return !ad_failed() && mark_all(c, options->log, "log", HYPER_LOG) && mark_all(c, options->logit, "logit", HYPER_LOGIT) &&
           mark_all(c, options->fixed, "fixed", HYPER_CONSTANT) && start(c);
}

void hyper_coordinates_close(hyper_coordinates *c)
{
    for (int i = 0; i < c->path_count; i++)
        ad_memory_give(c->paths[i]);
    ad_memory_give(c->paths);
    ad_memory_give(c->scales);
    ad_memory_give(c->leaf_room);
    ad_release(c->start);
    ad_release(c->hypers);
}

/* ---- and back ---- */

static ad_array *value_at(ad_array *coordinate, hyper_scale scale)
{
    return scale == HYPER_LOG ? ad_exp(coordinate) : scale == HYPER_LOGIT ? ad_sigmoid(coordinate) : coordinate;
}

/* A tree like hypers. Each leaf is what `of_moved` gives for its place in the position, or what `of_constant` gives for
 * the leaf itself. */
static ad_tree *rebuilt(const hyper_coordinates *c, const ad_tree *position, ad_array *(*of_moved)(ad_array *, hyper_scale),
                        ad_array *(*of_constant)(ad_array *))
{
    AD_SCOPE;
    ad_array **moved = ad_memory_take((size_t)c->leaf_count * sizeof *moved);
    int next = 0;
    if (!moved)
        return NULL;
    ad_tree_leaves(position, moved, c->leaf_count);
    ad_tree_leaves(c->hypers, c->leaf_room, c->leaf_count);
    for (int i = 0; i < c->leaf_count && !ad_failed(); i++)
        c->leaf_room[i] = c->scales[i] == HYPER_CONSTANT ? of_constant(c->leaf_room[i]) : of_moved(moved[next++], c->scales[i]);
    ad_tree *tree = ad_failed() ? NULL : ad_tree_with_leaves(c->hypers, c->leaf_room);
    ad_memory_give(moved);
    return tree ? ad_tree_escape(tree) : NULL;
}

static ad_array *itself(ad_array *x)
{
    return x;
}

static ad_array *unscaled(ad_array *x, hyper_scale scale)
{
    (void)scale;
    return x;
}

static ad_array *zeros_like(ad_array *x)
{
    return ad_zeros_like(x);
}

ad_tree *hyper_natural(const hyper_coordinates *c, const ad_tree *position)
{
    return rebuilt(c, position, value_at, itself);
}

ad_tree *hyper_among_zeros(const hyper_coordinates *c, const ad_tree *moved)
{
    return rebuilt(c, moved, unscaled, zeros_like);
}

ad_tree *hyper_among_constants(const hyper_coordinates *c, const ad_tree *moved)
{
    return rebuilt(c, moved, unscaled, itself);
}

ad_tree *hyper_moved(const hyper_coordinates *c, const ad_tree *hypers)
{
    int next = 0;
    ad_tree_leaves(hypers, c->leaf_room, c->leaf_count);
    for (int i = 0; i < c->leaf_count; i++)
        if (c->scales[i] != HYPER_CONSTANT)
            c->leaf_room[next++] = c->leaf_room[i];
    return ad_failed() ? NULL : ad_tree_with_leaves(c->start, c->leaf_room);
}
