/* The file from which an optimisation goes on: a .npz archive of its state.
 *
 *     problem/           what it belongs to: leaves (a line of text for each leaf of hypers), key, optimizer's numbers
 *     iteration, best_iteration, best_loss, clipped, losses, gradient_norms
 *     position/, moments/   in coordinates: from these it goes on to the bit
 *     hypers/, best/        in natural units, for whoever reads the file; without the leaves that are not optimised
 *
 * problem/ holds only what decides on the next value of the state, and the file of another problem is refused.
 * Clipping, stopping and the number of meta-iterations may differ from those before. */
#include "optimize.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

/* ---- what it belongs to ---- */

/* A text that grows. */
struct text {
    char *bytes;
    size_t length, room;
};

static bool append(struct text *t, const char *piece)
{
    size_t length = strlen(piece);
    if (t->length + length > t->room) {
        size_t room = 2 * (t->length + length);
        char *bytes = ad_memory_resize(t->bytes, room);
        if (!bytes)
            return false;
        t->bytes = bytes;
        t->room = room;
    }
    memcpy(t->bytes + t->length, piece, length);
    t->length += length;
    return true;
}

/* "alpha/0 float64 (3,) log, values 0123456789abcdef". */
static bool append_leaf(struct text *t, const char *path, ad_array *leaf, hyper_scale scale)
{
    static const char *const names[] = { [HYPER_CONSTANT] = " constant", [HYPER_PLAIN] = "", [HYPER_LOG] = " log", [HYPER_LOGIT] = " logit" };
    char values[40], shape[AD_SHAPE_ROOM];
    const void *data = ad_data(leaf);
    if (!data)
        return false;
    snprintf(values, sizeof values, ", values %016llx\n", (unsigned long long)XXH3_64bits(data, (size_t)ad_size(leaf) * ad_dtype_size(ad_dtype_of(leaf))));
    return append(t, path) && append(t, " ") && append(t, ad_dtype_name(ad_dtype_of(leaf))) && append(t, " ") &&
           append(t, ad_shape_tostring(ad_shape_of(leaf), shape, sizeof shape)) && append(t, names[scale]) && append(t, values);
}

/* The lines of all leaves, as bytes. */
static ad_array *leaves_text(const hyper_coordinates *c)
{
    struct text t = { 0 };
    bool done = true;
    ad_tree_leaves(c->hypers, c->leaf_room, c->leaf_count);
    for (int i = 0; i < c->leaf_count && done && !ad_failed(); i++)
        done = append_leaf(&t, c->paths[i], c->leaf_room[i], c->scales[i]);
    ad_array *bytes = done && !ad_failed() ? ad_from_data(AD_U8, t.bytes, (ad_shape){ .ndim = 1, .dim = { (int64_t)t.length } }) : NULL;
    ad_memory_give(t.bytes);
    return bytes;
}

static ad_tree *problem_of(const hyper_coordinates *c, const hyper_optimize_options *options)
{
    const adnn_optimizer *o = &options->optimizer;
    ad_array *leaves = leaves_text(c), *key = ad_from_data(AD_I64, &options->key, AD_SHAPE(2));
    return leaves && key ? ad_tree_of("version", 1, "leaves", leaves, "key", key, "rule", (int)o->rule, "step_size", o->step_size, "momentum", o->momentum,
                                      "beta1", o->beta1, "beta2", o->beta2, "epsilon", o->epsilon, "weight_decay", o->weight_decay)
                         : NULL;
}

/* ---- comparing ---- */

/* A part of a file, and what is being read of it. */
struct reading {
    const char *file, *part;
    const ad_tree *tree;
};

/* Sets the error of a part that is missing or of another kind, in place of one that ad_tree_get set. */
static void *not_ours(const struct reading *r, const char *path)
{
    if (ad_failed() && ad_error_code() != AD_ERROR_INDEX)
        return NULL;
    ad_clear_error();
    return ad_set_error(AD_ERROR_FORMAT, "hyper_optimize: %s is not a checkpoint of this optimisation: it has no %s%s%s of the right kind", r->file, r->part,
                        *r->part ? "/" : "", path);
}

/* The array at a path, which has to be like the one given; NULL and an error. */
static ad_array *array_like(const struct reading *r, const char *path, const ad_array *like)
{
    ad_array *found = ad_tree_get(r->tree, path);
    bool fits = found && ad_dtype_of(found) == ad_dtype_of(like) && ad_shape_equal(ad_shape_of(found), ad_shape_of(like));
    return fits ? found : not_ours(r, path);
}

/* The length of the first line of a text that begins at `line` and ends at `end`. */
static int line_length(const char *line, const char *end)
{
    const char *newline = memchr(line, '\n', (size_t)(end - line));
    return (int)((newline ? newline : end) - line);
}

/* Says which leaf differs. */
static void *other_leaves(const char *file, ad_array *theirs, ad_array *ours)
{
    const char *a = ad_data(theirs), *b = ad_data(ours);
    if (!a || !b)
        return NULL;
    const char *a_end = a + ad_size(theirs), *b_end = b + ad_size(ours);
    while (a < a_end && b < b_end && line_length(a, a_end) == line_length(b, b_end) && memcmp(a, b, (size_t)line_length(a, a_end)) == 0) {
        int length = line_length(a, a_end) + 1;
        a = length < a_end - a ? a + length : a_end;
        b = length < b_end - b ? b + length : b_end;
    }
    return ad_set_error(AD_ERROR_VALUE, "hyper_optimize: %s belongs to another optimisation: its hypers have \"%.*s\", these \"%.*s\"", file,
                        line_length(a, a_end), a, line_length(b, b_end), b);
}

static bool same_bits(ad_array *a, ad_array *b)
{
    size_t bytes = (size_t)ad_size(a) * ad_dtype_size(ad_dtype_of(a));
    const void *left = ad_data(a), *right = ad_data(b);
    return ad_dtype_of(a) == ad_dtype_of(b) && ad_shape_equal(ad_shape_of(a), ad_shape_of(b)) && left && right && memcmp(left, right, bytes) == 0;
}

/* An entry of problem/, which has to be the same here and in the file. */
static ad_array *same_entry(const char *path, ad_array *ours, void *reading)
{
    const struct reading *r = reading;
    bool text = ad_dtype_of(ours) == AD_U8;
    ad_array *theirs = text ? ad_tree_get(r->tree, path) : array_like(r, path, ours);
    if (!theirs || (text && (ad_dtype_of(theirs) != AD_U8 || ad_ndim(theirs) != 1)))
        return not_ours(r, path);
    if (same_bits(theirs, ours))
        return theirs;
    if (text)
        return other_leaves(r->file, theirs, ours);
    if (ad_size(ours) == 1)
        return ad_set_error(AD_ERROR_VALUE, "hyper_optimize: %s belongs to another optimisation: there %s is %.12g, here %.12g", r->file, path, ad_item(theirs),
                            ad_item(ours));
    return ad_set_error(AD_ERROR_VALUE, "hyper_optimize: %s belongs to another optimisation: its %s is another one", r->file, path);
}

/* ---- reading ---- */

static ad_tree *part_of(const struct reading *file, const char *part)
{
    ad_tree *tree = ad_tree_sub(file->tree, part);
    return tree ? tree : not_ours(file, part);
}

static ad_array *leaf_of(const char *path, ad_array *like, void *reading)
{
    return array_like(reading, path, like);
}

/* A part of the file as a tree like another one. */
static ad_tree *tree_like(const struct reading *file, const char *part, const ad_tree *like)
{
    struct reading r = { .file = file->file, .part = part, .tree = part_of(file, part) };
    return r.tree ? ad_tree_map_with_path(leaf_of, like, &r) : NULL;
}

static bool integer_of(const struct reading *file, const char *name, int64_t *value)
{
    ad_array *found = array_like(file, name, ad_from_data(AD_I64, value, AD_SCALAR_SHAPE));
    *value = found ? ad_item_int(found) : 0;
    return found && !ad_failed();
}

/* One number for each meta-iteration, read into a list that is lengthened to hold them. */
static bool history_of(const struct reading *file, const char *name, hyper_meta_state *s, double **list)
{
    ad_array *found = ad_tree_get(file->tree, name);
    if (!found || ad_dtype_of(found) != AD_F64 || ad_ndim(found) != 1 || ad_size(found) != s->iteration)
        return not_ours(file, name), false;
    return hyper_history_room(s, s->iteration) && ad_copy_to(found, *list, s->iteration);
}

static bool read_numbers(const struct reading *file, hyper_meta_state *s, const hyper_optimize_options *options)
{
    int64_t iteration = 0;
    if (!integer_of(file, "iteration", &iteration))
        return false;
    if (iteration < 0 || iteration > options->iterations)
        return ad_set_error(AD_ERROR_VALUE, "hyper_optimize: %s has %lld meta-iterations, more than the %lld asked for", file->file, (long long)iteration,
                            (long long)options->iterations), false;
    ad_array *best_loss = array_like(file, "best_loss", ad_scalar(0));
    if (!best_loss || !integer_of(file, "best_iteration", &s->best_iteration) || !integer_of(file, "clipped", &s->clipped))
        return false;
    s->best_loss = ad_item(best_loss);
    s->iteration = s->count = iteration;
    return history_of(file, "losses", s, &s->losses) && history_of(file, "gradient_norms", s, &s->norms);
}

static bool read_state(const struct reading *file, hyper_meta_state *s, const hyper_coordinates *c, const hyper_optimize_options *options)
{
    ad_tree *problem = problem_of(c, options);
    struct reading there = { .file = file->file, .part = "problem", .tree = problem ? part_of(file, "problem") : NULL };
    if (!there.tree || !ad_tree_map_with_path(same_entry, problem, &there) || !read_numbers(file, s, options))
        return false;
    ad_tree *position = tree_like(file, "position", s->position), *moments = position ? tree_like(file, "moments", s->moments) : NULL;
    ad_tree *best = moments ? tree_like(file, "best", s->position) : NULL;
    best = best ? hyper_among_constants(c, best) : NULL;
    ad_tree *hypers = !best ? NULL : s->iteration ? hyper_natural(c, position) : s->hypers;
    return hypers && ad_assign(&s->position, position) && ad_assign(&s->moments, moments) && ad_assign(&s->best, best) && ad_assign(&s->hypers, hypers);
}

bool hyper_state_load(hyper_meta_state *s, const hyper_coordinates *c, const hyper_optimize_options *options, bool *found)
{
    AD_SCOPE;
    const char *path = options->checkpoint;
    *found = access(path, F_OK) == 0 || errno != ENOENT;
    if (!*found)
        return true;
    struct reading file = { .file = path, .part = "", .tree = ad_loadz(path) };
    return file.tree && read_state(&file, s, c, options);
}

/* ---- writing ---- */

bool hyper_state_save(const hyper_meta_state *s, const hyper_coordinates *c, const hyper_optimize_options *options)
{
    AD_SCOPE;
    static const double none[1];
    ad_shape count = { .ndim = 1, .dim = { s->iteration } };
    ad_array *losses = ad_from(s->losses ? s->losses : none, count), *norms = losses ? ad_from(s->norms ? s->norms : none, count) : NULL;
    ad_tree *problem = norms ? problem_of(c, options) : NULL, *hypers = problem ? hyper_moved(c, s->hypers) : NULL;
    ad_tree *best = hypers ? hyper_moved(c, s->best) : NULL;
    ad_tree *all = best ? ad_tree_of("problem", problem, "iteration", s->iteration, "best_iteration", s->best_iteration, "best_loss", s->best_loss, "clipped",
                                     s->clipped, "losses", losses, "gradient_norms", norms, "position", s->position, "moments", s->moments, "hypers", hypers,
                                     "best", best)
                        : NULL;
    return all && ad_savez(options->checkpoint, all);
}
