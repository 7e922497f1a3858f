/* One pass of a dynamics over all parameters.
 *
 * The flat vector of parameters is cut into strips of HYPER_STRIP elements, which threads share, each strip with a
 * coder of its own. A strip is cut into pieces of leaves, and those into blocks. The cuts depend on the sizes of the
 * leaves only, and sums are added up in the order of the pieces. So the bits do not depend on the number of threads. */
#include "arithmetic.h"
#include "run.h"

#include <math.h>
#include <string.h>

typedef struct {
    hyper_run *run;
    const hyper_pass *pass;
} job;

/* Room for one rate of one block, and its terms. */
typedef struct {
    hyper_momentum rate[HYPER_BLOCK]; /* or doubles */
    double term[HYPER_BLOCK];
} rate_room;

/* Room for one block. */
typedef struct {
    double cotangents[HYPER_STATES][HYPER_BLOCK];
    double *cotangent[HYPER_STATES]; /* here, or where the cotangents are stored */
    hyper_ahead ahead;               /* what the coder prefetches */
    rate_room rates[];               /* as many as the dynamics has */
} block_room;

/* ---- what fails ---- */

static bool coder_failed(const hyper_run *run, long long iteration, const hyper_leaf *leaf)
{
    switch (hyper_store_failure(run->store)) {
    case HYPER_STORE_IO:
        ad_set_error(AD_ERROR_IO, "%s: iteration %lld: the spill file of the information buffer cannot be written or read", run->name, iteration);
        return false;
    case HYPER_STORE_NO_MEMORY:
        return hyper_no_memory() != NULL;
    default:
        ad_set_error(AD_ERROR_NUMERIC, "%s: iteration %lld: the state of %s is not one that the forward pass left; a loss should "
                     "depend on x, theta and the iteration alone, and to the bit", run->name, iteration, leaf->path);
        return false;
    }
}

static bool tell(const hyper_run *run, const hyper_block *b, const hyper_leaf *leaf, int64_t element)
{
    long long iteration = b->iteration + run->training.first;
    if (!b->failed_what)
        return coder_failed(run, iteration, leaf);
    if (!isfinite(b->failed_value))
        return ad_set_error(AD_ERROR_NUMERIC, "%s: iteration %lld: %s of %s, element %lld, is %s", run->name, iteration, b->failed_what, leaf->path,
                            (long long)element, isnan(b->failed_value) ? "NaN" : b->failed_value > 0 ? "infinite" : "minus infinity"), false;
    if (b->failed_state == HYPER_NO_UNIT)
        return ad_set_error(AD_ERROR_VALUE, "%s: iteration %lld: %s of %s, element %lld, is %g", run->name, iteration, b->failed_what, leaf->path,
                            (long long)element, b->failed_value), false;
    return ad_set_error(AD_ERROR_NUMERIC, "%s: iteration %lld: %s of %s, element %lld, is %g; the range of %s is +-%g, by %s_bits", run->name, iteration,
                        b->failed_what, leaf->path, (long long)element, b->failed_value, run->dynamics->state_name[b->failed_state],
                        0x1p63 * run->unit[b->failed_state], run->dynamics->state_name[b->failed_state]), false;
}

/* ---- one block ---- */

static const double zero;

static const void *at(const void *leaf, size_t size, int64_t from)
{
    return leaf ? (const char *)leaf + (size_t)from * size : NULL;
}

/* The tangent of a rate, which is laid out like it. */
static hyper_rate_view tangent_of(const hyper_pass *pass, const hyper_schedule *s, const hyper_leaf *leaf, int64_t from, int64_t count, double *room)
{
    hyper_schedule along = *s;
    along.values = s->input < 0 ? NULL : pass->tangents[s->input];
    along.momenta = NULL;
    return along.values ? hyper_schedule_at(&along, leaf, pass->t, from, count, room) : (hyper_rate_view){ &zero, 0 };
}

/* A leaf's cotangents, in its dtype or in doubles. */
static void *cotangents_of(const hyper_adjoint *a, int s, const hyper_leaf *leaf)
{
    return a->whole ? (double *)a->state[s] + leaf->start : hyper_values_of(leaf, a->state[s]);
}

/* A block's cotangents, or tangents, as doubles: where they are stored, or converted in `room`. */
static void take_cotangents(const hyper_run *run, const hyper_adjoint *a, const hyper_leaf *leaf, int64_t from, int64_t count, block_room *room)
{
    for (int s = 0; s < run->dynamics->state_count; s++) {
        void *cotangents = cotangents_of(a, s, leaf);
        room->cotangent[s] = (double *)cotangents + from;
        if (a->whole || leaf->dtype == AD_F64)
            continue;
        room->cotangent[s] = room->cotangents[s];
        hyper_widen(count, (float *)cotangents + from, room->cotangents[s]);
    }
}

/* Writes them back, if they are in `room`. */
static void put_cotangents(const hyper_run *run, const hyper_adjoint *a, const hyper_leaf *leaf, int64_t from, int64_t count, const block_room *room)
{
    for (int s = 0; s < run->dynamics->state_count && !a->whole && leaf->dtype == AD_F32; s++)
        hyper_narrow(count, room->cotangents[s], (float *)cotangents_of(a, s, leaf) + from);
}

/* Sets only what the dynamics has: no more rates and states are written or read. */
static void set_block(hyper_block *b, const hyper_run *run, const hyper_pass *pass, int64_t strip, const hyper_piece *piece, int64_t from, int64_t count,
                      block_room *room)
{
    const hyper_dynamics *d = run->dynamics;
    const hyper_leaf *leaf = &run->leaves[piece->leaf];
    size_t size = leaf->dtype == AD_F32 ? sizeof(float) : sizeof(double), out = leaf->offset + (size_t)from * size;
    b->count = count;
    b->iteration = pass->t;
    b->single = leaf->dtype == AD_F32;
    b->gradient = pass->gradient ? at(pass->gradient[piece->leaf], size, from) : NULL;
    b->product = pass->product ? at(pass->product[piece->leaf], size, from) : NULL;
    b->x_out = pass->x_out ? pass->x_out + out : NULL;
    b->direction_out = pass->direction_out ? pass->direction_out + out : NULL;
    b->coder = pass->stored ? NULL : hyper_store_coder(run->store, strip);
    b->checksum = 0;
    b->failed_what = NULL;
    b->failed_value = 0;
    b->failed_state = 0;
    for (int s = 0; s < d->state_count; s++) {
        b->state[s] = run->state[s] + leaf->start + from;
        b->fine[s] = run->fine[s] ? run->fine[s] + leaf->start + from : NULL;
        b->unit[s] = run->unit[s];
        b->cotangent[s] = pass->adjoint ? room->cotangent[s] : NULL;
    }
    for (int r = 0; r < d->rate_count; r++) {
        b->rate[r] = hyper_schedule_at(&leaf->rate[r], leaf, pass->t, from, count, room->rates[r].rate);
        if (pass->tangents)
            b->rate_tangent[r] = tangent_of(pass, &leaf->rate[r], leaf, from, count, room->rates[r].term);
        else
            b->rate_term[r] = pass->adjoint && pass->adjoint->rate_terms[r] ? pass->adjoint->rate_terms[r] + leaf->start + from : room->rates[r].term;
    }
}

/* Adds the terms that a block has written to their sums. */
static void take_terms(hyper_run *run, const hyper_pass *pass, const hyper_block *b, int64_t piece, int64_t from)
{
    const hyper_leaf *leaf = &run->leaves[run->pieces[piece].leaf];
    for (int r = 0; r < run->dynamics->rate_count; r++) {
        const hyper_schedule *s = &leaf->rate[r];
        if (s->input < 0 || !(pass->terms & (1u << r)))
            continue;
        if (s->sharing == HYPER_OWN)
            hyper_schedule_add(s, leaf, pass->t, from, b->count, b->rate_term[r], pass->adjoint->rate_sums[s->input]);
        else if (s->sharing == HYPER_SHARED)
            run->partials[piece].sum[pass->second][r] += hyper_sum(b->count, b->rate_term[r], NULL);
    }
}

/* Mixes the place into the checksum, so that the order of blocks and pieces counts. */
static uint64_t mixed(uint64_t checksum, int64_t place)
{
    uint64_t x = (checksum ^ (uint64_t)place) * UINT64_C(0x9E3779B97F4A7C15);
    return x ^ x >> 29;
}

static bool run_block(const job *j, const hyper_pass *pass, int64_t strip, int64_t piece, int64_t from, int64_t count, block_room *room)
{
    const hyper_piece *p = &j->run->pieces[piece];
    const hyper_leaf *leaf = &j->run->leaves[p->leaf];
    hyper_block b;
    set_block(&b, j->run, pass, strip, p, from, count, room);
    int64_t bad = pass->function(&b);
    if (bad != HYPER_FINE)
        return tell(j->run, &b, leaf, from + bad);
    if (!pass->second)
        j->run->strips[strip].checksum += mixed(b.checksum, leaf->start + from);
    if (!pass->adjoint)
        return true;
    if (!pass->second)
        j->run->strips[strip].squares += hyper_sum(count, b.cotangent[0], b.cotangent[0]);
    take_terms(j->run, pass, &b, piece, from);
    return true;
}

enum { FAR = 1 << 15 }; /* from so many parameters on, a processor's own cache does not hold the vectors */

/* Prefetches what passes read of a leaf's elements from `from` on. */
static void ask_for(const hyper_run *run, const hyper_pass *first, int k, int64_t from, hyper_ahead *ahead)
{
    const hyper_adjoint *a = first->adjoint;
    const hyper_leaf *leaf = &run->leaves[k];
    size_t size = leaf->dtype == AD_F32 ? sizeof(float) : sizeof(double);
    ahead->count = 0;
    for (int s = 0; s < run->dynamics->state_count; s++) {
        hyper_ahead_add(ahead, run->state[s] + leaf->start, sizeof *run->state[s], from);
        hyper_ahead_add(ahead, run->fine[s] ? run->fine[s] + leaf->start : NULL, sizeof *run->fine[s], from);
        if (a)
            hyper_ahead_add(ahead, cotangents_of(a, s, leaf), a->whole ? sizeof(double) : size, from);
    }
    for (const hyper_pass *pass = first; pass; pass = pass->then) {
        hyper_ahead_add(ahead, pass->gradient ? pass->gradient[k] : NULL, size, from);
        hyper_ahead_add(ahead, pass->product ? pass->product[k] : NULL, size, from);
        hyper_ahead_add(ahead, pass->x_out ? pass->x_out + leaf->offset : NULL, size, from);
        hyper_ahead_add(ahead, pass->direction_out ? pass->direction_out + leaf->offset : NULL, size, from);
        for (int r = 0; r < run->dynamics->rate_count; r++)
            if (leaf->rate[r].sharing == HYPER_OWN)
                hyper_ahead_add(ahead, hyper_schedule_at(&leaf->rate[r], leaf, pass->t, 0, 0, NULL).value,
                                leaf->rate[r].momenta ? sizeof(hyper_momentum) : sizeof(double), from);
    }
}

/* Runs the passes on a block, one after another, on the same cotangents. */
static bool run_passes(const job *j, int64_t strip, int64_t piece, int64_t from, int64_t count, block_room *room)
{
    const hyper_leaf *leaf = &j->run->leaves[j->run->pieces[piece].leaf];
    const hyper_adjoint *a = j->pass->adjoint;
    if (j->run->parameter_count >= FAR) /* the next block follows this one in memory, or lies before it */
        ask_for(j->run, j->pass, j->run->pieces[piece].leaf, j->pass->backwards ? from - count : from + count, &room->ahead);
    if (a)
        take_cotangents(j->run, a, leaf, from, count, room);
    for (const hyper_pass *pass = j->pass; pass; pass = pass->then)
        if (!run_block(j, pass, strip, piece, from, count, room))
            return false;
    if (a)
        put_cotangents(j->run, a, leaf, from, count, room);
    return true;
}

static bool run_piece(const job *j, int64_t strip, int64_t piece, block_room *room)
{
    const hyper_piece *p = &j->run->pieces[piece];
    int64_t blocks = (p->count + HYPER_BLOCK - 1) / HYPER_BLOCK;
    for (int64_t i = 0; i < blocks; i++) {
        int64_t first = (j->pass->backwards ? blocks - 1 - i : i) * HYPER_BLOCK, left = p->count - first;
        if (!run_passes(j, strip, piece, p->from + first, left < HYPER_BLOCK ? left : HYPER_BLOCK, room))
            return false;
    }
    return true;
}

static bool run_pieces(const job *j, int64_t strip, block_room *room)
{
    int64_t first = j->run->first_pieces[strip], end = j->run->first_pieces[strip + 1];
    for (int64_t i = 0; i < end - first; i++)
        if (!run_piece(j, strip, j->pass->backwards ? end - 1 - i : first + i, room))
            return false;
    return true;
}

/* Scratch for a thread: the run's, if no other thread has it. It is not on the stack, which may be small. */
static block_room *take_room(hyper_run *run)
{
    block_room *room = atomic_exchange(&run->block_room, NULL);
    return room ? room : hyper_room(1, sizeof *room + (size_t)run->dynamics->rate_count * sizeof *room->rates);
}

static void run_strip(int64_t strip, void *context)
{
    const job *j = context;
    block_room *room = take_room(j->run);
    hyper_coder *coder = hyper_store_coder(j->run->store, strip);
    hyper_coder_ask(coder, room ? &room->ahead : NULL);
    if (room && run_pieces(j, strip, room) && j->pass->settle) {
        hyper_pass settling = *j->pass;
        settling.function = j->pass->settle;
        settling.second = true;
        run_pieces(&(job){ j->run, &settling }, strip, room);
    }
    hyper_coder_ask(coder, NULL);
    ad_memory_give(atomic_exchange(&j->run->block_room, room));
}

/* Adds up the sums of pieces, in their order, and the terms of broadcast schedules. */
static void add_terms(hyper_run *run, const hyper_pass *pass)
{
    const hyper_adjoint *a = pass->adjoint;
    for (int64_t p = 0; p < run->piece_count; p++) {
        const hyper_piece *piece = &run->pieces[p];
        const hyper_leaf *leaf = &run->leaves[piece->leaf];
        for (int r = 0; r < run->dynamics->rate_count; r++) {
            const hyper_schedule *s = &leaf->rate[r];
            if (s->input < 0 || !(pass->terms & (1u << r)))
                continue;
            if (s->sharing == HYPER_SHARED)
                a->rate_sums[s->input][pass->t * s->time_stride] += run->partials[p].sum[pass->second][r];
            else if (s->sharing == HYPER_BROADCAST)
                hyper_schedule_add(s, leaf, pass->t, piece->from, piece->count, a->rate_terms[r] + leaf->start + piece->from, a->rate_sums[s->input]);
        }
    }
}

bool hyper_step(hyper_run *run, hyper_pass *pass)
{
    if (ad_failed())
        return false;
    memset(run->partials, 0, (size_t)run->piece_count * sizeof *run->partials);
    memset(run->strips, 0, (size_t)run->strip_count * sizeof *run->strips);
    hyper_corrections_at(run, pass->then ? pass->then->t : pass->t);
    job j = { run, pass };
    ad_parallel_for(run->strip_count, run_strip, &j);
    pass->checksum = 0;
    pass->squares = 0;
    for (int64_t i = 0; i < run->strip_count; i++) {
        pass->checksum += run->strips[i].checksum;
        pass->squares += run->strips[i].squares;
    }
    if (ad_failed())
        return false;
    for (const hyper_pass *each = pass; each; each = each->then)
        if (each->adjoint)
            add_terms(run, each);
    return true;
}
