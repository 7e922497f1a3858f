/* A run: it owns everything that belongs to one call of hyper_sgd or hyper_adam. */
#include "run.h"

#include <fenv.h>
#include <math.h>
#include <string.h>

void *hyper_no_memory(void)
{
    return ad_set_error(AD_ERROR_MEMORY, "hyperopt: out of memory");
}

void *hyper_room(int64_t count, size_t size)
{
    size_t bytes;
    void *room = __builtin_mul_overflow((size_t)count, size, &bytes) ? NULL : ad_memory_take(bytes);
    return room ? room : hyper_no_memory();
}

/* ---- values under arrays ---- */

enum { VALUES_ALIGNMENT = 64 };

hyper_values *hyper_values_new(size_t bytes)
{
    hyper_values *values = hyper_room(1, sizeof *values);
    if (!values)
        return NULL;
    values->block = hyper_room((int64_t)bytes + VALUES_ALIGNMENT, 1);
    if (!values->block) {
        ad_memory_give(values);
        return NULL;
    }
    values->memory = values->block + (VALUES_ALIGNMENT - (uintptr_t)values->block % VALUES_ALIGNMENT) % VALUES_ALIGNMENT;
    values->users = 1;
    return values;
}

void hyper_values_drop(void *dropped)
{
    hyper_values *values = dropped;
    if (!values || atomic_fetch_sub(&values->users, 1) > 1)
        return;
    ad_memory_give(values->block);
    ad_memory_give(values);
}

char *hyper_values_write(hyper_values **values, size_t bytes)
{
    if (*values && atomic_load(&(*values)->users) == 1)
        return (*values)->memory;
    hyper_values *fresh = hyper_values_new(bytes);
    if (!fresh)
        return NULL;
    hyper_values_drop(*values);
    *values = fresh;
    return fresh->memory;
}

double hyper_value_at(const hyper_leaf *leaf, const void *data, int64_t i)
{
    return leaf->dtype == AD_F32 ? (double)((const float *)data)[i] : ((const double *)data)[i];
}

void hyper_value_set(const hyper_leaf *leaf, void *data, int64_t i, double value)
{
    if (leaf->dtype == AD_F32)
        ((float *)data)[i] = (float)value;
    else
        ((double *)data)[i] = value;
}

bool hyper_values_put(const hyper_run *run, hyper_values **values, const double *from)
{
    char *memory = hyper_values_write(values, run->values_bytes);
    for (int k = 0; memory && k < run->leaf_count; k++) {
        const hyper_leaf *leaf = &run->leaves[k];
        for (int64_t i = 0; i < leaf->size; i++)
            hyper_value_set(leaf, hyper_values_of(leaf, memory), i, from[leaf->start + i]);
    }
    return memory != NULL;
}

ad_tree *hyper_values_tree(const hyper_run *run, hyper_values *values)
{
    ad_array **leaves = run->leaf_room;
    for (int k = 0; k < run->leaf_count; k++) {
        const hyper_leaf *leaf = &run->leaves[k];
        atomic_fetch_add(&values->users, 1);
        leaves[k] = ad_wrap(leaf->dtype, values->memory + leaf->offset, leaf->shape, hyper_values_drop, values);
        if (!leaves[k]) {
            hyper_values_drop(values);
            return NULL;
        }
    }
    return ad_tree_with_leaves(run->state_part[0].tree, leaves);
}

/* ---- memory ---- */

/* Cuts the leaves at the ends of strips. It is called twice: to count the pieces, and to write them. */
static int64_t cut(const hyper_run *run, hyper_piece *pieces, int64_t *strip_piece)
{
    int64_t count = 0, strip = 0;
    for (int k = 0; k < run->leaf_count; k++) {
        const hyper_leaf *leaf = &run->leaves[k];
        for (int64_t from = 0, size; from < leaf->size; from += size) {
            int64_t in_strip = (leaf->start + from) % HYPER_STRIP;
            size = HYPER_STRIP - in_strip < leaf->size - from ? HYPER_STRIP - in_strip : leaf->size - from;
            if (pieces) {
                if (in_strip == 0)
                    strip_piece[strip++] = count;
                pieces[count] = (hyper_piece){ .leaf = k, .from = from, .count = size };
            }
            count++;
        }
    }
    if (pieces)
        strip_piece[strip] = count;
    return count;
}

static bool make_state(hyper_run *run)
{
    int64_t n = run->parameter_count, T = run->training.iterations;
    run->strip_count = (n + HYPER_STRIP - 1) / HYPER_STRIP;
    run->piece_count = cut(run, NULL, NULL);
    for (int s = 0; s < run->dynamics->state_count; s++)
        if (!(run->state[s] = hyper_room(n, sizeof *run->state[s])) ||
            (run->dynamics->state_is_fine[s] && !(run->fine[s] = hyper_room(n, sizeof *run->fine[s]))))
            return false;
    if (!(run->pieces = hyper_room(run->piece_count, sizeof *run->pieces)) ||
        !(run->first_pieces = hyper_room(run->strip_count + 1, sizeof *run->first_pieces)) ||
        !(run->partials = hyper_room(run->piece_count, sizeof *run->partials)) ||
        !(run->strips = hyper_room(run->strip_count, sizeof *run->strips)) || !(run->checksums = hyper_room(T, sizeof *run->checksums)))
        return false;
    cut(run, run->pieces, run->first_pieces);
    if (!(run->store = hyper_store_new(run->strip_count, run->training.spill, run->training.buffer_memory)))
        return false;
    if (hyper_store_failure(run->store) != HYPER_STORE_FINE)
        return ad_set_error(AD_ERROR_IO,
                            "%s: the spill file cannot be written and read back; it should be open for update, as by fopen(path, \"w+b\"), with room "
                            "on its disk",
                            run->name),
               false;
    return true;
}

static void choose_units(hyper_run *run)
{
    const hyper_training *t = &run->training;
    for (int s = 0; s < run->dynamics->state_count; s++) {
        const char *name = run->dynamics->state_name[s];
        int asked = *name == 'x' ? t->x_bits : *name == 'v' ? t->v_bits : *name == 'm' ? t->m_bits : t->s_bits;
        run->unit[s] = ldexp(1, -(asked ? asked : run->dynamics->state_bits[s]));
    }
}

/* ---- life ---- */

static bool bits_fit(const hyper_training *t)
{
    const int bits[] = { t->x_bits, t->v_bits, t->m_bits, t->s_bits };
    bool fit = true;
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++)
        fit &= bits[i] >= 0 && bits[i] <= 62;
    return fit;
}

static bool possible(const char *name, hyper_result result, const hyper_training *t)
{
    if (!t)
        return ad_set_error(AD_ERROR_VALUE, "%s: the training is NULL", name), false;
    if (fegetround() != FE_TONEAREST)
        return ad_set_error(AD_ERROR_VALUE, "%s: the thread's rounding mode is not to nearest", name), false;
    if (!t->loss == !t->direction)
        return ad_set_error(AD_ERROR_VALUE, "%s: the training has %s; it should have one of loss and direction", name, t->loss ? "both" : "no loss"), false;
    if (t->iterations < 0)
        return ad_set_error(AD_ERROR_VALUE, "%s: %lld iterations; there should be 0 or more", name, (long long)t->iterations), false;
    int64_t end;
    if (__builtin_add_overflow(t->first, t->iterations, &end))
        return ad_set_error(AD_ERROR_VALUE, "%s: %lld iterations from iteration %lld on cannot be counted", name, (long long)t->iterations,
                            (long long)t->first),
               false;
    if (result == HYPER_ALONG && (!t->meta_loss || t->meta_every < 1 || t->meta_every > t->iterations))
        return ad_set_error(AD_ERROR_VALUE, "%s: the training has %s every %lld of %lld iterations", name, t->meta_loss ? "a meta_loss" : "no meta_loss",
                            (long long)t->meta_every, (long long)t->iterations), false;
    if (t->method == HYPER_TRUNCATED && t->last_iterations < 1)
        return ad_set_error(AD_ERROR_VALUE, "%s: truncated to the last %lld iterations; there should be 1 or more", name, (long long)t->last_iterations), false;
    if ((unsigned)t->method > HYPER_LAST_METHOD)
        return ad_set_error(AD_ERROR_VALUE, "%s: there is no method %d", name, (int)t->method), false;
    if (!bits_fit(t))
        return ad_set_error(AD_ERROR_VALUE, "%s: units of 2^-%d, 2^-%d, 2^-%d and 2^-%d for x, v, m and s; 1 to 62 bits are possible, and 0 for the default",
                            name, t->x_bits, t->v_bits, t->m_bits, t->s_bits),
               false;
    if ((unsigned)t->second_moment > HYPER_SUM)
        return ad_set_error(AD_ERROR_VALUE, "%s: there is no second_moment %d", name, (int)t->second_moment), false;
    if (t->spill && ftello(t->spill) < 0)
        return ad_set_error(AD_ERROR_IO, "%s: the spill stream has no position to go back to, as a pipe has none; it should be a file", name), false;
    return true;
}

hyper_run *hyper_run_new(const hyper_dynamics *dynamics, hyper_result result, const char *name, const hyper_training *training, ad_tree *hypers)
{
    if (!hypers)
        return ad_failed() ? NULL : ad_set_error(AD_ERROR_VALUE, "%s: hypers is NULL", name);
    if (!possible(name, result, training))
        return NULL;
    hyper_run *run = hyper_room(1, sizeof *run);
    if (!run)
        return NULL;
    run->references = 1;
    run->dynamics = dynamics;
    run->result = result;
    run->name = name;
    run->training = *training;
    choose_units(run);
    if (hyper_hypers_read(run, hypers) && make_state(run))
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
    for (int i = 0; run->gradients && i < run->input_count; i++) {
        ad_release(run->gradients[i]);
        run->gradients[i] = NULL;
    }
}

static void drop_leaf(hyper_leaf *leaf)
{
    ad_memory_give(leaf->path);
    for (int r = 0; r < HYPER_RATES; r++)
        ad_memory_give(leaf->rate[r].stride);
}

void hyper_run_drop(hyper_run *run)
{
    if (--run->references > 0)
        return;
    hyper_forget_gradients(run);
    for (int i = 0; run->schedule_values && i < run->input_count; i++)
        ad_release(run->schedule_values[i]);
    for (int i = 0; run->momenta && i < run->input_count; i++)
        ad_memory_give(run->momenta[i]);
    for (int i = 0; i < run->correction_count; i++) {
        ad_memory_give(run->corrections[i].values);
        ad_memory_give(run->corrections[i].logarithms);
    }
    for (int k = 0; run->leaves && k < run->leaf_count; k++)
        drop_leaf(&run->leaves[k]);
    void *blocks[] = { run->inputs,  run->wanted,    run->schedule_values, run->momenta,       run->corrections,  run->leaf_room,
                       run->leaves,  run->pieces,    run->first_pieces,    run->partials,      run->strips,       run->checksums,
                       run->moments, run->watched_x, run->gradients,       run->gradient_data, run->product_data, run->wanted_thetas,
                       run->block_room };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        ad_memory_give(blocks[i]);
    for (int s = 0; s < HYPER_STATES; s++) {
        ad_memory_give(run->state[s]);
        ad_memory_give(run->fine[s]);
    }
    hyper_values_drop(run->x_values);
    hyper_values_drop(run->direction_values);
    hyper_store_free(run->store);
    ad_tree_release(run->no_theta);
    ad_tree_release(run->hypers);
    ad_memory_give(run);
}
