/* The entries of hypers: what the user gives, checked and laid out.
 *
 * Leaves of hypers are numbered depth first, as ad_tree_leaves gives them. That is also the order of the operation's
 * inputs. What is read here is constant: derivatives go through the operation. */
#include "fine.h"
#include "run.h"

#include <math.h>
#include <string.h>

/* ---- entries ---- */

enum { MOST_ENTRIES = HYPER_STATES + HYPER_RATES + 2 };

typedef struct {
    const char *name;
    hyper_part *part;
    bool required, is_tree, may_be_array;
} entry;

static int entries_of(hyper_run *run, entry *entries)
{
    const hyper_dynamics *d = run->dynamics;
    int n = 0;
    for (int s = 0; s < d->state_count; s++)
        entries[n++] = (entry){ d->state_name[s], &run->state_part[s], s == 0, true, false };
    for (int r = 0; r < d->rate_count; r++)
        if (!d->rate_corrects[r])
            entries[n++] = (entry){ d->rate_name[r], &run->rate_part[r], isnan(d->rate_default[r]), true, true };
    entries[n++] = (entry){ "theta", &run->theta_part, false, true, false };
    entries[n++] = (entry){ "exact", &run->exact_part, false, false, true };
    return n;
}

static bool unknown_entry(const hyper_run *run, const char *name, const entry *entries, int count)
{
    char known[200] = "";
    for (int i = 0; i < count; i++) {
        strcat(known, i == 0 ? "" : i + 1 < count ? ", " : " and ");
        strcat(known, entries[i].name);
    }
    return ad_set_error(AD_ERROR_VALUE, "%s: hypers has an entry \"%s\"; %s are known", run->name, name, known), false;
}

static bool read_parts(hyper_run *run)
{
    entry entries[MOST_ENTRIES];
    int known = entries_of(run, entries);
    for (int i = 0; i < ad_tree_count(run->hypers); i++) {
        ad_tree *tree = ad_tree_tree_at(run->hypers, i);
        int which = 0, count = tree ? ad_tree_leaf_count(tree) : 1;
        while (which < known && strcmp(entries[which].name, ad_tree_name(run->hypers, i)) != 0)
            which++;
        if (which == known)
            return unknown_entry(run, ad_tree_name(run->hypers, i), entries, known);
        *entries[which].part = (hyper_part){ .given = true, .tree = tree, .first = run->input_count, .count = count };
        run->input_count += count;
    }
    for (int i = 0; i < known; i++) {
        const entry *e = &entries[i];
        if (e->required && !e->part->given)
            return ad_set_error(AD_ERROR_VALUE, "%s: hypers has no \"%s\"", run->name, e->name), false;
        if (e->part->given && !(e->part->tree ? e->is_tree : e->may_be_array))
            return ad_set_error(AD_ERROR_VALUE, "%s: \"%s\" is %s", run->name, e->name,
                                e->is_tree ? "an array; it should be a tree" : "a tree; it should be an array"),
                   false;
        bool like_x = i > 0 && e->is_tree && e->part != &run->theta_part && e->part->given && e->part->tree;
        if (like_x && !ad_tree_same_structure(run->state_part[0].tree, e->part->tree))
            return ad_set_error(AD_ERROR_VALUE, "%s: \"%s\" is a tree of another structure than \"x\"", run->name, e->name), false;
    }
    return run->theta_part.given || (run->theta_part.tree = run->no_theta = ad_tree_retain(ad_tree_empty())) != NULL;
}

/* ---- leaves of x ---- */

static char *join(const char *before, const char *name)
{
    char *path = hyper_room((int64_t)(strlen(before) + strlen(name)) + 2, 1);
    if (path)
        strcat(strcat(strcpy(path, before), *before ? "/" : ""), name);
    return path;
}

enum { ALIGNMENT = 64 };

static bool read_leaf(hyper_run *run, ad_array *x, char *path, int k)
{
    ad_dtype dtype = ad_dtype_of(x);
    run->leaves[k] = (hyper_leaf){ .path = path, .shape = ad_shape_of(x), .dtype = dtype, .start = run->parameter_count, .size = ad_size(x),
                                   .offset = run->values_bytes };
    run->parameter_count += ad_size(x);
    run->values_bytes += ((size_t)ad_size(x) * (dtype == AD_F32 ? sizeof(float) : sizeof(double)) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (dtype != AD_F64 && dtype != AD_F32)
        return ad_set_error(AD_ERROR_DTYPE, "%s: %s is %s; it should be float64 or float32", run->name, path, ad_dtype_name(dtype)), false;
    return true;
}

/* A tree whose entries are being read, and the place in it. */
struct reading {
    const ad_tree *tree;
    int next;
    char *path;
};

enum { DEEPEST = 1000 }; /* of trees in trees: ad/tree.h has this limit */

/* Describes the leaves of x. It does not call itself for the trees in it. */
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

/* Whether the states beside x have its shapes. */
static bool same_shapes(const hyper_run *run)
{
    for (int s = 1; s < run->dynamics->state_count; s++) {
        const hyper_part *part = &run->state_part[s];
        for (int k = 0; k < part->count; k++) {
            const ad_array *v = run->inputs[part->first + k];
            const char *name = run->dynamics->state_name[s], *path = run->leaves[k].path + 1;
            if (!ad_shape_equal(ad_shape_of(v), run->leaves[k].shape))
                return ad_set_error(AD_ERROR_SHAPE, "%s: %s%s has shape %s, not the shape %s of x%s", run->name, name, path,
                                    HYPER_SHAPE_TEXT(ad_shape_of(v)), HYPER_SHAPE_TEXT(run->leaves[k].shape), path), false;
            if (ad_dtype_is_complex(ad_dtype_of(v)))
                return ad_set_error(AD_ERROR_DTYPE, "%s: %s%s is complex", run->name, name, path), false;
        }
    }
    return true;
}

/* ---- rates ---- */

/* Refuses a value of a rate, for leaf k of x or for all of x, by the index of its element. */
static bool bad_rate(const hyper_run *run, int r, int i, int64_t element, double value, const char *should)
{
    const hyper_part *part = &run->rate_part[r];
    const char *name = run->dynamics->rate_name[r], *of = part->tree ? " of " : "", *path = part->tree ? run->leaves[i - part->first].path : "";
    int64_t n = ad_size(run->inputs[i]);
    if (ad_ndim(run->inputs[i]) == 0)
        return ad_set_error(AD_ERROR_VALUE, "%s: %s%s%s is %g; it should be %s", run->name, name, of, path, value, should), false;
    return ad_set_error(AD_ERROR_VALUE, "%s: %s%s%s is %g at element %lld of %lld; it should be %s", run->name, name, of, path, value, (long long)element,
                        (long long)n, should), false;
}

/* A momentum that may be 0 has a product over time, and is divided by 1 minus that product. So it may not be 1. */
static bool momentum_of(const hyper_run *run, int r, double value, hyper_momentum *momentum)
{
    if (!run->dynamics->bits_of_zero[r])
        return hyper_momentum_of(value, momentum);
    *momentum = (hyper_momentum){ 0, { 0, UINT16_MAX } };
    return value == 0 || (value < 1 && hyper_momentum_of(value, momentum));
}

static bool read_rate(hyper_run *run, int r, int i)
{
    const char *name = run->dynamics->rate_name[r];
    if (ad_dtype_is_complex(ad_dtype_of(run->inputs[i])))
        return ad_set_error(AD_ERROR_DTYPE, "%s: %s is complex", run->name, name), false;
    ad_array *x = run->schedule_values[i] = ad_retain(ad_copy(ad_astype(run->inputs[i], AD_F64))); /* contiguous: its data stays where it is */
    const double *value = x ? ad_data(x) : NULL;
    int64_t n = value ? ad_size(x) : 0;
    for (int64_t j = 0; j < n; j++)
        if (!isfinite(value[j]))
            return bad_rate(run, r, i, j, value[j], "a finite number");
    for (int64_t j = 0; run->dynamics->rate_is_positive[r] && j < n; j++)
        if (value[j] <= 0)
            return bad_rate(run, r, i, j, value[j], "above 0");
    if (!run->dynamics->rate_is_momentum[r] || !value)
        return value != NULL;
    if (!(run->momenta[i] = hyper_room(n, sizeof **run->momenta)))
        return false;
    for (int64_t j = 0; j < n; j++) {
        if (j > 0 && value[j] == value[j - 1])
            run->momenta[i][j] = run->momenta[i][j - 1];
        else if (!momentum_of(run, r, value[j], &run->momenta[i][j]))
            return bad_rate(run, r, i, j, value[j], run->dynamics->bits_of_zero[r] ? "at least 0 and below 1" : "above 0 and at most 1");
    }
    return true;
}

static bool read_rates(hyper_run *run)
{
    for (int r = 0; r < run->dynamics->rate_count; r++)
        for (int i = 0; i < run->rate_part[r].count; i++)
            if (!read_rate(run, r, run->rate_part[r].first + i))
                return false;
    return true;
}

/* Finds the leaves in which somebody differentiates. The others need no gradients. */
static void find_wanted(hyper_run *run, const ad_tree *hypers)
{
    const hyper_part *theta = &run->theta_part;
    ad_tree_leaves(hypers, run->inputs, run->input_count);
    for (int i = 0; i < run->input_count; i++)
        run->wanted[i] = ad_is_traced(run->inputs[i]);
    for (int i = 0; theta->given && i < theta->count; i++)
        if (run->wanted[theta->first + i])
            run->wanted_thetas[run->wanted_theta_count++] = i;
    ad_tree_leaves(run->hypers, run->inputs, run->input_count);
}

bool hyper_hypers_read(hyper_run *run, ad_tree *hypers)
{
    AD_SCOPE;
    run->hypers = ad_tree_retain(ad_tree_map(ad_stop_gradient, hypers));
    if (!run->hypers || !read_parts(run))
        return false;
    run->leaf_count = run->state_part[0].count;
    int others = run->theta_part.count;
    if (!(run->inputs = hyper_room(run->input_count, sizeof *run->inputs)) || !(run->wanted = hyper_room(run->input_count, sizeof *run->wanted)) ||
        !(run->leaf_room = hyper_room(run->leaf_count > others ? run->leaf_count : others, sizeof *run->leaf_room)) ||
        !(run->wanted_thetas = hyper_room(others, sizeof *run->wanted_thetas)) ||
        !(run->gradient_data = hyper_room(run->leaf_count, sizeof *run->gradient_data)) ||
        !(run->product_data = hyper_room(run->leaf_count, sizeof *run->product_data)))
        return false;
    find_wanted(run, hypers);
    run->first_kept_state = 1;
    for (int r = 0; r < run->dynamics->rate_count; r++)
        if (run->rate_part[r].given && run->dynamics->position_loses_by & 1u << r)
            run->first_kept_state = 0;
    return (run->leaves = hyper_room(run->leaf_count, sizeof *run->leaves)) &&
           (run->schedule_values = hyper_room(run->input_count, sizeof *run->schedule_values)) &&
           (run->momenta = hyper_room(run->input_count, sizeof *run->momenta)) && (run->gradients = hyper_room(run->input_count, sizeof *run->gradients)) &&
           read_leaves(run, run->state_part[0].tree) && same_shapes(run) && read_rates(run) && hyper_schedules_read(run) && hyper_corrections_read(run);
}

/* ---- the first state ---- */

static bool out_of_range(const hyper_run *run, int s, const hyper_leaf *leaf, int64_t element, double value)
{
    const char *name = run->dynamics->state_name[s], *path = leaf->path + 1;
    if (!isfinite(value))
        return ad_set_error(AD_ERROR_NUMERIC, "%s: the initial value of %s%s, element %lld, is %g", run->name, name, path, (long long)element, value), false;
    return ad_set_error(AD_ERROR_NUMERIC, "%s: the initial value of %s%s, element %lld, is %g; the range of %s is +-%g, by %s_bits", run->name, name, path,
                        (long long)element, value, name, 0x1p63 * run->unit[s], name), false;
}

/* Sets a state to its leaves, rounded to units. */
static bool encode(const hyper_run *run, int s)
{
    AD_SCOPE;
    hyper_part part = run->state_part[s];
    if (!part.given) {
        memset(run->state[s], 0, (size_t)run->parameter_count * sizeof *run->state[s]);
        if (run->fine[s])
            memset(run->fine[s], 0, (size_t)run->parameter_count * sizeof *run->fine[s]);
        return true;
    }
    for (int k = 0; k < run->leaf_count; k++) {
        const hyper_leaf *leaf = &run->leaves[k];
        ad_array *x = ad_astype(run->inputs[part.first + k], AD_F64);
        const double *value = x ? ad_data(x) : NULL;
        if (!value && leaf->size > 0)
            return false;
        for (int64_t i = 0; i < leaf->size; i++) {
            double units = value[i] / run->unit[s];
            if (units < 0 && run->dynamics->state_is_square[s])
                return ad_set_error(AD_ERROR_VALUE, "%s: the initial value of %s%s, element %lld, is %g; it should be at least 0", run->name,
                                    run->dynamics->state_name[s], leaf->path + 1, (long long)i, value[i]), false;
            if (!(fabs(units) < 0x1p63))
                return out_of_range(run, s, leaf, i, value[i]);
            run->state[s][leaf->start + i] = run->fine[s] ? hyper_fine_round(false, units, &run->fine[s][leaf->start + i]) : llrint(units);
        }
    }
    return true;
}

/* ---- the state as integers, from which a run can go on ----
 *
 * Floating point does not hold it: x has 63 bits, and the coders' lanes decide over the last digits of moments to come.
 * The vector is a header, the states, then the lanes of every coder. */

enum { HEADER = 2 + HYPER_STATES };

static void write_header(const hyper_run *run, int64_t header[HEADER])
{
    header[0] = run->dynamics->state_count;
    header[1] = run->parameter_count;
    for (int s = 0; s < HYPER_STATES; s++)
        header[2 + s] = s < run->dynamics->state_count ? -ilogb(run->unit[s]) : 0;
}

/* The size of a state: its words, and then the bits below them, two in a word. */
static int64_t state_size(const hyper_run *run, int s)
{
    return run->parameter_count + (run->dynamics->state_is_fine[s] ? (run->parameter_count + 1) / 2 : 0);
}

int64_t hyper_states_size(const hyper_run *run, int first)
{
    int64_t size = 0;
    for (int s = first; s < run->dynamics->state_count; s++)
        size += state_size(run, s);
    return size;
}

void hyper_states_write(const hyper_run *run, int first, int64_t *to)
{
    for (int s = first; s < run->dynamics->state_count; s++, to += state_size(run, s - 1)) {
        memcpy(to, run->state[s], (size_t)run->parameter_count * sizeof *to);
        if (run->fine[s] && run->parameter_count) {
            to[state_size(run, s) - 1] = 0; /* half of the last word may be left over */
            memcpy(to + run->parameter_count, run->fine[s], (size_t)run->parameter_count * sizeof *run->fine[s]);
        }
    }
}

const int64_t *hyper_state_read(hyper_run *run, int s, const int64_t *from)
{
    memcpy(run->state[s], from, (size_t)run->parameter_count * sizeof *from);
    if (run->fine[s])
        memcpy(run->fine[s], from + run->parameter_count, (size_t)run->parameter_count * sizeof *run->fine[s]);
    return from + state_size(run, s);
}

static double natural(const hyper_run *run, int s, int64_t word, uint32_t fine)
{
    return (run->dynamics->state_is_fine[s] ? hyper_fine_real(false, word, fine) : (double)word) * run->unit[s];
}

double hyper_state_at(const hyper_run *run, int s, int64_t i)
{
    return natural(run, s, run->state[s][i], run->fine[s] ? run->fine[s][i] : 0);
}

/* The value of an element out of a vector. */
static double value_in(const hyper_run *run, int s, const int64_t *vector, int64_t i)
{
    uint32_t fine = 0;
    if (run->dynamics->state_is_fine[s])
        memcpy(&fine, (const char *)(vector + run->parameter_count) + (size_t)i * sizeof fine, sizeof fine);
    return natural(run, s, vector[i], fine);
}

int64_t hyper_exact_size(const hyper_run *run)
{
    return HEADER + hyper_states_size(run, 0) + HYPER_LANES * run->strip_count;
}

void hyper_exact_write(const hyper_run *run, int64_t *exact)
{
    write_header(run, exact);
    hyper_states_write(run, 0, exact + HEADER);
    exact += HEADER + hyper_states_size(run, 0);
    for (int64_t i = 0; i < run->strip_count; i++, exact += HYPER_LANES) {
        uint64_t lanes[HYPER_LANES];
        hyper_coder_lanes(hyper_store_coder(run->store, i), lanes);
        memcpy(exact, lanes, sizeof lanes);
    }
}

/* Whether the integers are those of the values that the entries x and its like hold. */
static bool same_state(const hyper_run *run, int s, const int64_t *exact)
{
    for (int k = 0; k < run->leaf_count; k++) {
        const hyper_leaf *leaf = &run->leaves[k];
        bool single = s == 0 ? leaf->dtype == AD_F32 : run->state_part[s].given && ad_dtype_of(run->inputs[run->state_part[s].first + k]) == AD_F32;
        for (int64_t i = leaf->start; i < leaf->start + leaf->size; i++) {
            double given = hyper_state_at(run, s, i), value = value_in(run, s, exact, i);
            if (given != (single ? (double)(float)value : value))
                return false;
        }
    }
    return true;
}

bool hyper_exact_read(hyper_run *run, const int64_t *exact)
{
    bool known = true;
    exact += HEADER;
    for (int s = 0; s < run->dynamics->state_count; s++)
        exact = hyper_state_read(run, s, exact);
    for (int64_t i = 0; i < run->strip_count; i++, exact += HYPER_LANES) {
        uint64_t lanes[HYPER_LANES];
        memcpy(lanes, exact, sizeof lanes);
        known &= hyper_coder_set_lanes(hyper_store_coder(run->store, i), lanes);
    }
    return known;
}

static bool no_exact(const hyper_run *run)
{
    ad_set_error(AD_ERROR_VALUE, "%s: \"exact\" is not that of a state with %lld parameters and these units", run->name, (long long)run->parameter_count);
    return false;
}

/* Reads the entry "exact" of hypers, if there is one. Otherwise the state is that of the other entries. */
static bool read_exact_part(hyper_run *run)
{
    const ad_array *x = run->inputs[run->exact_part.first];
    const int64_t *exact = ad_dtype_of(x) == AD_I64 && ad_ndim(x) == 1 && ad_size(x) == hyper_exact_size(run) ? ad_data(x) : NULL;
    int64_t header[HEADER];
    write_header(run, header);
    if (!exact || memcmp(exact, header, sizeof header) != 0)
        return no_exact(run);
    const int64_t *of_state = exact + HEADER;
    for (int s = 0; s < run->dynamics->state_count; of_state += state_size(run, s++))
        if (!same_state(run, s, of_state))
            return ad_set_error(AD_ERROR_VALUE, "%s: \"exact\" does not belong to this \"%s\"; without \"exact\" the run begins with the values rounded",
                                run->name, run->dynamics->state_name[s]),
                   false;
    return hyper_exact_read(run, exact) || no_exact(run);
}

bool hyper_state_first(hyper_run *run)
{
    for (int s = 0; s < run->dynamics->state_count; s++)
        if (!encode(run, s))
            return false;
    return !run->exact_part.given || read_exact_part(run);
}

XXH128_hash_t hyper_state_hash(const hyper_run *run)
{
    XXH128_hash_t hash = { 0, 0 };
    for (int s = 0; s < run->dynamics->state_count; s++) {
        hash = XXH3_128bits_withSeed(run->state[s], (size_t)run->parameter_count * sizeof *run->state[s], hash.low64 ^ hash.high64);
        if (run->fine[s])
            hash = XXH3_128bits_withSeed(run->fine[s], (size_t)run->parameter_count * sizeof *run->fine[s], hash.low64 ^ hash.high64);
    }
    return hash;
}
