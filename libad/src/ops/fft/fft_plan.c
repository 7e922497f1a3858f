/* Plans of Fourier transforms that a thread keeps, and transforms of all sequences along an axis with one of them.
 *
 * The plans are a list in the thread's context, the one used last first. The list is counted and cut off after a call
 * has ended, so a plan exists as long as it is used, whatever its size. Threads of the pool only read it. Sequences are
 * taken in parts that depend only on sizes. */
#include "ad/config.h"
#include "ops/fft/fft.h"
#include <stdatomic.h>

enum { KEPT = 16, KEPT_BYTES = 4 << 20 };

static void drop_from(struct ad_fft **link, const struct ad_ffts *ffts)
{
    while (*link) {
        struct ad_fft *plan = *link;
        *link = plan->other;
        ffts->drop(plan);
    }
}

static void stop(ad_context *c)
{
    drop_from(&c->fft_plans, c->loops->ffts);
}

/* The plan, which becomes the first in the list; NULL and an error. */
static const struct ad_fft *plan_of(ad_context *c, const struct ad_transforms *t, bool many)
{
    struct ad_fft **link = &c->fft_plans, *plan;
    while ((plan = *link) && (plan->kind != t->kind || plan->dtype != t->parts || plan->n != t->n || plan->inverse != t->inverse || (plan->lanes > 1) != many))
        link = &plan->other;
    if (plan) {
        *link = plan->other;
    } else {
        plan = c->loops->ffts->make(t->kind, t->parts, t->n, t->inverse, many);
        if (!plan)
            return ad_set_error_of_running(AD_ERROR_MEMORY, "out of memory: a transform of %lld points", (long long)t->n);
        if (!ad_allocation_allowed(c, plan->bytes)) {
            c->loops->ffts->drop(plan);
            return NULL;
        }
    }
    plan->other = c->fft_plans;
    c->fft_plans = plan;
    c->fft_stop = stop;
    return plan;
}

static void keep_few(ad_context *c)
{
    struct ad_fft **link = &c->fft_plans;
    size_t bytes = 0;
    for (int count = 0; *link && count < KEPT && (bytes += (*link)->bytes) <= KEPT_BYTES; count++)
        link = &(*link)->other;
    drop_from(link, c->loops->ffts);
}

/* ---- all sequences of an array ---- */

/* A unit is what one call of the plan transforms. For a plan without lanes and sequences that lie side by side, it is
 * `width` of them. A part takes `units` units. */
struct sequences {
    const struct ad_transforms *t;
    const struct ad_fft *plan;
    const struct ad_ffts *ffts;
    const char *in;
    char *out;
    int64_t count, units, width, across;
    size_t scratch; /* for the units, beside that of the plan */
    _Atomic bool failed;
};

enum { PART = 1 << 14 /* elements */, BLOCK_BYTES = 1 << 18, WIDEST = 16, LANES_MOST = 2048 /* points */, LANES_LEAST = 4 /* sequences */ };

/* Transforms `width` sequences from `at` on, which lie side by side, through a block in which they are contiguous. */
static void run_block(const struct sequences *s, int64_t outer, int64_t at, int64_t width, char *scratch)
{
    const struct ad_transforms *t = s->t;
    int64_t from = ad_item_size(t->in_dtype), to = ad_item_size(t->out_dtype), inner = t->inner;
    char *results = scratch + s->width * t->in_n * from, *room = scratch + s->scratch;
    char *in = (char *)s->in + (outer * t->in_n * inner + at) * from, *out = s->out + (outer * t->out_n * inner + at) * to;
    ad_copy_strided(2, (int64_t[]){ width, t->in_n }, (struct ad_operand){ in, (int64_t[]){ from, inner * from }, t->in_dtype },
                    (struct ad_operand){ scratch, (int64_t[]){ t->in_n * from, from }, t->in_dtype });
    for (int64_t i = 0; i < width; i++)
        s->ffts->run(s->plan, t->factor, t->first, &(struct ad_fft_memory){ scratch + i * t->in_n * from, results + i * t->out_n * to, 1, 1, 1, 1, 1 }, room);
    ad_copy_strided(2, (int64_t[]){ width, t->out_n }, (struct ad_operand){ results, (int64_t[]){ t->out_n * to, to }, t->out_dtype },
                    (struct ad_operand){ out, (int64_t[]){ to, inner * to }, t->out_dtype });
}

/* Transforms sequences from `at` on by one call of the plan. Where they are contiguous they lie one after the other,
 * otherwise side by side. */
static void run_call(const struct sequences *s, int64_t outer, int64_t at, int64_t count, char *scratch)
{
    const struct ad_transforms *t = s->t;
    int64_t inner = t->inner, in = (outer * t->in_n * inner + at * (inner > 1 ? 1 : t->in_n)) * ad_item_size(t->in_dtype);
    int64_t out = (outer * t->out_n * inner + at * (inner > 1 ? 1 : t->out_n)) * ad_item_size(t->out_dtype);
    s->ffts->run(s->plan, t->factor, t->first,
                 &(struct ad_fft_memory){ s->in + in, s->out + out, inner, inner > 1 ? 1 : t->in_n, inner, inner > 1 ? 1 : t->out_n, count }, scratch);
}

static void run_unit(const struct sequences *s, int64_t unit, char *scratch)
{
    const struct ad_transforms *t = s->t;
    int64_t all = t->inner > 1 ? t->inner : t->outer, at = unit % s->across * s->width, width = all - at < s->width ? all - at : s->width;
    if (t->inner > 1 && s->plan->lanes == 1)
        run_block(s, unit / s->across, at, width, scratch);
    else
        run_call(s, unit / s->across, at, width, scratch);
}

static void run_part(int64_t part, void *context)
{
    struct sequences *s = context;
    ad_context *c = ad_current();
    size_t bytes = s->scratch + s->plan->scratch + 1;
    char *scratch = ad_allocate(c, bytes);
    if (!scratch) {
        s->failed = true;
        return;
    }
    int64_t end = (part + 1) * s->units < s->count ? (part + 1) * s->units : s->count;
    for (int64_t unit = part * s->units; unit < end; unit++)
        run_unit(s, unit, scratch);
    ad_deallocate(c, scratch, bytes);
}

bool ad_transform_all(const struct ad_transforms *t, const void *in, void *out)
{
    ad_context *c = ad_current();
    int64_t longer = t->in_n > t->out_n ? t->in_n : t->out_n, together = t->inner > 1 ? t->inner : t->outer;
    struct sequences s = { .t = t, .ffts = c->loops->ffts, .in = in, .out = out };
    s.plan = plan_of(c, t, together >= LANES_LEAST && longer <= LANES_MOST);
    if (!s.plan)
        return false;
    s.width = s.plan->lanes;
    if (t->inner > 1 && s.plan->lanes == 1) {
        int64_t fit = BLOCK_BYTES / (longer * ad_item_size(t->out_dtype));
        s.width = fit < 4 ? 4 : fit > WIDEST ? WIDEST : fit;
        s.scratch = (size_t)(s.width * (t->in_n * ad_item_size(t->in_dtype) + t->out_n * ad_item_size(t->out_dtype)));
    }
    s.across = (together + s.width - 1) / s.width;
    s.count = t->inner > 1 ? t->outer * s.across : s.across;
    s.units = PART / (s.width * longer);
    s.units = s.units < 1 ? 1 : s.units;
    if (s.units >= s.count)
        run_part(0, &s);
    else
        ad_parallel_for((s.count + s.units - 1) / s.units, run_part, &s);
    keep_few(c);
    return !s.failed;
}
