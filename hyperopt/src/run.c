/* A run: reads the entries of hypers, and owns everything that belongs to one call of hyper_sgd.
 *
 * Leaves of hypers are numbered depth first, as ad_tree_leaves gives them; that is also the order of the operation's inputs. */
#include "run.h"

#include <string.h>

void *hyper_no_memory(void)
{
    return ad_set_error(AD_ERROR_MEMORY, "hyper_sgd: out of memory");
}

void *hyper_room(int64_t count, size_t size)
{
    size_t bytes;
    return __builtin_mul_overflow((size_t)count, size, &bytes) ? hyper_no_memory() : ad_memory_take(bytes);
}

/* ---- entries of hypers ---- */

static bool read_parts(hyper_run *run)
{
    static const char *const names[] = { "x", "v", "alpha", "beta", "theta" };
    hyper_part *parts[] = { &run->x_part, &run->v_part, &run->alpha_part, &run->beta_part, &run->theta_part };
    for (int i = 0; i < ad_tree_count(run->hypers); i++) {
        ad_tree *tree = ad_tree_tree_at(run->hypers, i);
        int which = 0, count = tree ? ad_tree_leaf_count(tree) : 1;
        while (which < 5 && strcmp(names[which], ad_tree_name(run->hypers, i)) != 0)
            which++;
        if (which == 5)
            return ad_set_error(AD_ERROR_VALUE, "hyper_sgd: hypers has an entry \"%s\"; x, v, alpha, beta and theta are known", ad_tree_name(run->hypers, i)),
                   false;
        *parts[which] = (hyper_part){ .given = true, .tree = tree, .first = run->inputs, .count = count };
        run->inputs += count;
    }
    for (int i = 0; i < 5; i++) {
        bool must_be_tree = i == 0 || i == 1 || i == 4, required = i != 1 && i != 4;
        if (required && !parts[i]->given)
            return ad_set_error(AD_ERROR_VALUE, "hyper_sgd: hypers has no \"%s\"", names[i]), false;
        if (must_be_tree && parts[i]->given && !parts[i]->tree)
            return ad_set_error(AD_ERROR_VALUE, "hyper_sgd: \"%s\" is an array; it should be a tree", names[i]), false;
    }
    if (run->v_part.given && !ad_tree_same_structure(run->x_part.tree, run->v_part.tree))
        return ad_set_error(AD_ERROR_VALUE, "hyper_sgd: \"v\" is not of the structure of \"x\""), false;
    return run->theta_part.given || (run->theta_part.tree = run->no_theta = ad_tree_retain(ad_tree_empty())) != NULL;
}

/* ---- leaves of x ---- */

static char *join(const char *before, const char *name)
{
    char *path = hyper_room((int64_t)(strlen(before) + strlen(name)) + 1, 1);
    if (path)
        strcat(strcat(strcpy(path, before), *before ? "/" : ""), name);
    return path;
}

static bool read_leaf(hyper_run *run, ad_array *x, char *path, int k)
{
    run->leaf[k] = (hyper_leaf){ .path = path, .shape = ad_shape_of(x), .dtype = ad_dtype_of(x), .start = run->count, .size = ad_size(x) };
    run->count += ad_size(x);
    if (ad_dtype_of(x) != AD_F64 && ad_dtype_of(x) != AD_F32)
        return ad_set_error(AD_ERROR_DTYPE, "hyper_sgd: %s is %s; it should be float64 or float32", path, ad_dtype_name(ad_dtype_of(x))), false;
    return true;
}

/* A tree whose entries are being read, and where it hangs. */
struct reading {
    const ad_tree *tree;
    int next;
    char *path;
};

enum { DEEPEST = 1000 }; /* tree of trees, says ad/tree.h */

/* Describes the leaves of x, without calling itself for the trees in it. */
static bool read_leaves(hyper_run *run, const ad_tree *x)
{
    struct reading *stack = hyper_room(DEEPEST, sizeof *stack);
    int depth = 0, k = 0;
    bool done = stack && (stack[0].path = join("", "x"));
    if (done)
        stack[depth++].tree = x;
    while (depth && done) {
        struct reading *at = &stack[depth - 1];
        if (at->next == ad_tree_count(at->tree)) {
            ad_memory_give(stack[--depth].path);
            continue;
        }
        int i = at->next++;
        char *path = join(at->path, ad_tree_name(at->tree, i));
        ad_tree *below = ad_tree_tree_at(at->tree, i);
        if (!path)
            done = false;
        else if (below)
            stack[depth++] = (struct reading){ .tree = below, .path = path };
        else
            done = read_leaf(run, ad_tree_array_at(at->tree, i), path, k++);
    }
    while (depth)
        ad_memory_give(stack[--depth].path);
    ad_memory_give(stack);
    return done;
}

static bool same_shapes(const hyper_run *run, ad_array *const *inputs)
{
    for (int k = 0; k < run->v_part.count; k++) {
        const ad_array *v = inputs[run->v_part.first + k];
        if (!ad_shape_equal(ad_shape_of(v), run->leaf[k].shape))
            return ad_set_error(AD_ERROR_SHAPE, "hyper_sgd: the velocity of %s has %d axes and %lld elements, not its shape", run->leaf[k].path, ad_ndim(v),
                                (long long)ad_size(v)), false;
        if (ad_dtype_of(v) == AD_C128 || ad_dtype_of(v) == AD_C64)
            return ad_set_error(AD_ERROR_DTYPE, "hyper_sgd: the velocity of %s is complex", run->leaf[k].path), false;
    }
    return true;
}

static bool read_rates(hyper_run *run, ad_array *const *inputs, hyper_part part, const char *name)
{
    for (int i = part.first; i < part.first + part.count; i++) {
        if (ad_dtype_of(inputs[i]) == AD_C128 || ad_dtype_of(inputs[i]) == AD_C64)
            return ad_set_error(AD_ERROR_DTYPE, "hyper_sgd: %s is complex", name), false;
        run->values[i] = hyper_room(ad_size(inputs[i]), sizeof(double));
        if (!run->values[i] || !ad_copy_to(inputs[i], run->values[i], ad_size(inputs[i])))
            return false;
    }
    return true;
}

/* ---- memory ---- */

static bool make_state(hyper_run *run, bool store)
{
    int64_t n = run->count, T = run->training.iterations;
    size_t states = 0;
    if (store && __builtin_mul_overflow((size_t)n * 2, (size_t)T + 1, &states))
        return hyper_no_memory();
    return (run->position = hyper_room(n, sizeof *run->position)) && (run->velocity = hyper_room(n, sizeof *run->velocity)) &&
           (run->increment = hyper_room(n, sizeof *run->increment)) && (run->gradient = hyper_room(n, sizeof *run->gradient)) &&
           (run->alpha = hyper_room(n, sizeof *run->alpha)) && (run->real = hyper_room(n, sizeof *run->real)) &&
           (run->beta = hyper_room(n, sizeof *run->beta)) && (run->checksum = hyper_room(T, sizeof *run->checksum)) &&
           (!store || (run->trajectory = hyper_room((int64_t)states, sizeof *run->trajectory))) &&
           ((run->buffer = hyper_bit_buffer_new(run->training.spill, run->training.buffer_memory)) || hyper_no_memory());
}

static bool make(hyper_run *run, ad_tree *hypers, bool store)
{
    AD_SCOPE;
    run->hypers = ad_tree_retain(ad_tree_map(ad_stop_gradient, hypers));
    if (!run->hypers || !read_parts(run))
        return false;
    run->leaves = run->x_part.count;
    int others = run->theta_part.count;
    if (!(run->input = hyper_room(run->inputs, sizeof *run->input)) ||
        !(run->few = hyper_room(run->leaves > others ? run->leaves : others, sizeof *run->few)))
        return false;
    ad_array *const *inputs = run->input;
    ad_tree_leaves(run->hypers, run->input, run->inputs);
    return (run->leaf = hyper_room(run->leaves, sizeof *run->leaf)) && (run->values = hyper_room(run->inputs, sizeof *run->values)) &&
           (run->gradients = hyper_room(run->inputs, sizeof(ad_array *))) && read_leaves(run, run->x_part.tree) && same_shapes(run, inputs) &&
           read_rates(run, inputs, run->alpha_part, "alpha") && read_rates(run, inputs, run->beta_part, "beta") &&
           hyper_schedules_read(run, inputs) && make_state(run, store);
}

hyper_run *hyper_run_new(const hyper_training *training, ad_tree *hypers, bool store)
{
    if (!hypers)
        return ad_failed() ? NULL : ad_set_error(AD_ERROR_VALUE, "hyper_sgd: hypers is NULL");
    if (!training || !training->loss || training->iterations < 0)
        return ad_set_error(AD_ERROR_VALUE, "hyper_sgd: the training has no loss, or fewer than 0 iterations");
    if (training->method != HYPER_REVERSE && training->method != HYPER_STORE)
        return ad_set_error(AD_ERROR_VALUE, "hyper_sgd: there is no method %d", (int)training->method);
    if (training->spill && ftello(training->spill) < 0)
        return ad_set_error(AD_ERROR_IO, "hyper_sgd: the spill stream has no position to go back to, as a pipe has none; it should be a file");
    hyper_run *run = hyper_room(1, sizeof *run);
    if (!run)
        return NULL;
    run->references = 1;
    run->training = *training;
    if (make(run, hypers, store))
        return run;
    hyper_run_drop(run);
    return NULL;
}

void hyper_run_keep(hyper_run *run)
{
    run->references++;
}

void hyper_forget_gradients(hyper_run *run)
{
    for (int i = 0; run->gradients && i < run->inputs; i++) {
        ad_release(run->gradients[i]);
        run->gradients[i] = NULL;
    }
    ad_release(run->cotangent);
    run->cotangent = NULL;
}

void hyper_run_drop(hyper_run *run)
{
    if (--run->references > 0)
        return;
    hyper_forget_gradients(run);
    for (int i = 0; run->values && i < run->inputs; i++)
        ad_memory_give(run->values[i]);
    for (int k = 0; run->leaf && k < run->leaves; k++)
        ad_memory_give(run->leaf[k].path);
    void *blocks[] = { run->input, run->few, run->values, run->leaf, run->gradients, run->position, run->velocity, run->increment, run->gradient,
                       run->alpha, run->real, run->beta, run->checksum, run->trajectory };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        ad_memory_give(blocks[i]);
    hyper_bit_buffer_free(run->buffer);
    ad_tree_release(run->no_theta);
    ad_tree_release(run->hypers);
    ad_memory_give(run);
}

/* ---- between vectors and trees ---- */

ad_tree *hyper_tree_of(const hyper_run *run, const double *vector)
{
    ad_array **leaves = run->few;
    for (int k = 0; k < run->leaves; k++) {
        const hyper_leaf *leaf = &run->leaf[k];
        leaves[k] = ad_astype(ad_from(vector + leaf->start, leaf->shape), leaf->dtype);
        if (!leaves[k])
            return NULL;
    }
    return ad_tree_with_leaves(run->x_part.tree, leaves);
}

bool hyper_vector_of(const hyper_run *run, const ad_tree *tree, double *vector)
{
    ad_array **leaves = run->few;
    if (!tree || ad_tree_leaves(tree, leaves, run->leaves) != run->leaves)
        return false;
    for (int k = 0; k < run->leaves; k++)
        if (!ad_copy_to(leaves[k], vector + run->leaf[k].start, run->leaf[k].size))
            return false;
    return true;
}
