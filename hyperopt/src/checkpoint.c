/* HYPER_CHECKPOINT: going back with snapshots of the state, from which iterations are run again.
 *
 * The iterations are cut into stretches. The moments of a stretch are stored while the pass goes back over it, and
 * stretches are recomputed from snapshots. Which states are kept follows the schedule of Griewank and Walther
 * ("Algorithm 799: revolve", 2000): with s snapshots, and every stretch run at most r times again, the pass can go back
 * over (s + r)! / (s! r!) stretches, and no schedule reaches more. The digits that momenta lose are not kept. The lanes
 * of the coders are part of a snapshot, so that the integers are the same again. */
#include "run.h"

#include <math.h>
#include <string.h>

typedef struct {
    int64_t stretch;        /* the snapshot is the state before the first iteration of this stretch */
    int64_t *exact;         /* as hyper_exact_write gives it; NULL: the first state, from hypers */
} snapshot;

typedef struct {
    hyper_run *run;
    int64_t stretches, length; /* `length`: iterations of each stretch but the last */
    snapshot *snapshots;       /* a stack */
    int64_t count, room;
    int64_t *moments;          /* of one stretch */
} schedule;

/* How many stretches can be gone back over with s snapshots, each run at most r times again; at most 2^62. */
static int64_t reach(int64_t s, int64_t r)
{
    double ways = 1;
    for (int64_t i = 1; i <= s && ways < 0x1p62; i++)
        ways = ways * (double)(r + i) / (double)i;
    return ways < 0x1p62 ? (int64_t)llrint(ways) : (int64_t)1 << 62;
}

/* How many of n stretches to go forward before the next one of s snapshots is taken. */
static int64_t split(int64_t n, int64_t s)
{
    int64_t r = 1;
    while (reach(s, r) < n)
        r++;
    int64_t right = reach(s - 1, r);
    return n - (right < n - 1 ? right : n - 1);
}

static int64_t begin_of(const schedule *p, int64_t stretch)
{
    int64_t T = p->run->training.iterations, t = stretch * p->length;
    return t < T ? t : T;
}

static bool restore(schedule *p)
{
    hyper_run *run = p->run;
    const snapshot *top = &p->snapshots[p->count - 1];
    hyper_store_clear(run->store, true);
    return (top->exact ? hyper_exact_read(run, top->exact) : hyper_state_first(run)) && hyper_decode_position(run);
}

static bool take(schedule *p, int64_t stretch)
{
    int64_t *exact = hyper_room(hyper_exact_size(p->run), sizeof *exact);
    if (!exact)
        return false;
    hyper_exact_write(p->run, exact);
    p->snapshots[p->count++] = (snapshot){ stretch, exact };
    return true;
}

/* Goes back over the last stretch before `end`. The top snapshot lies before it; from there on snapshots are taken up
 * to it. */
static bool reverse_last(schedule *p, hyper_adjoint *a, int64_t end)
{
    hyper_run *run = p->run;
    int64_t at = p->snapshots[p->count - 1].stretch;
    if (!restore(p))
        return false;
    while (at < end - 1 && p->count < p->room) {
        int64_t next = at + split(end - at, p->room - p->count);
        if (!hyper_advance_again(run, begin_of(p, at), begin_of(p, next), NULL) || !take(p, next))
            return false;
        at = next;
    }
    return hyper_advance_again(run, begin_of(p, at), begin_of(p, end - 1), NULL) &&
           hyper_advance_again(run, begin_of(p, end - 1), begin_of(p, end), p->moments) &&
           hyper_reverse_steps(run, a, begin_of(p, end - 1), begin_of(p, end), p->moments);
}

static bool reverse_all(schedule *p, hyper_adjoint *a)
{
    for (int64_t end = p->stretches; end > 0; end--) {
        while (p->count > 1 && p->snapshots[p->count - 1].stretch >= end)
            ad_memory_give(p->snapshots[--p->count].exact);
        if (!reverse_last(p, a, end))
            return false;
    }
    return true;
}

/* Chooses the number of snapshots and the length of stretches. Where no memory is given, there are as many snapshots as
 * a stretch has iterations; otherwise half of the memory is for each. */
static bool plan(schedule *p)
{
    hyper_run *run = p->run;
    int64_t T = run->training.iterations, moments = hyper_states_size(run, run->first_kept_state) * (int64_t)sizeof(int64_t);
    int64_t state = hyper_exact_size(run) * (int64_t)sizeof(int64_t), budget = (int64_t)run->training.checkpoint_memory;
    int64_t root = (int64_t)ceil(sqrt((double)T)), step = moments > 0 ? moments : 1;
    p->length = budget ? budget / 2 / step : root;
    p->room = 1 + (budget ? (budget - (p->length < T ? p->length : T) * step) / state : root);
    if (p->length < 1 || p->room < 2)
        return ad_set_error(AD_ERROR_MEMORY, "%s: checkpoint_memory is %lld bytes; a stored iteration takes %lld and a snapshot %lld", run->name,
                            (long long)budget, (long long)moments, (long long)state), false;
    p->length = p->length < T ? p->length : T;
    p->stretches = (T + p->length - 1) / p->length;
    p->room = p->room < p->stretches + 1 ? p->room : p->stretches + 1;
    return (p->snapshots = hyper_room(p->room, sizeof *p->snapshots)) &&
           (p->moments = hyper_room(p->length, (size_t)hyper_states_size(run, run->first_kept_state) * sizeof *p->moments));
}

bool hyper_reverse_checkpointed(hyper_run *run, hyper_adjoint *a)
{
    schedule p = { .run = run };
    if (run->training.iterations == 0)
        return true;
    bool done = plan(&p);
    a->more_bytes = ((p.room - 1) * hyper_exact_size(run) + p.length * hyper_states_size(run, run->first_kept_state)) * (int64_t)sizeof(int64_t);
    if (done)
        p.snapshots[p.count++] = (snapshot){ 0, NULL };
    done = done && reverse_all(&p, a);
    while (p.count > 0)
        ad_memory_give(p.snapshots[--p.count].exact);
    ad_memory_give(p.snapshots);
    ad_memory_give(p.moments);
    return done;
}
