/* Who sees every call of an operation: the hook of ad_on_call, a trace that is printed, and what the environment asks
 * for.
 *
 * Those that last are a list of the thread, traces one of the frames, which is told before. In both the one that
 * began last is told first. While one is told, no call is watched but for traces that it begins itself, and no
 * differentiation is in sight, so that it may compute. A thread in which nobody watches pays for one flag a call. */
#include "tape/tape.h"
#include <stdlib.h>
#include <time.h>

/* The watches of a thread. */
struct ad_watches {
    const struct ad_watch *first;
    struct ad_watch hook, profile, finite; /* the lasting ones; without a hook, `hook` is not in the list */
};

static void watches_stop(ad_context *c)
{
    struct ad_watches *w = c->watches;
    c->watched = false;
    c->watches = NULL;
    c->watch_stop = NULL;
    if (w->profile.hook)
        ad_profile_stop(&w->profile, c->id);
    free(w);
}

static void add(struct ad_watches *w, struct ad_watch *watch)
{
    watch->next = w->first;
    w->first = watch;
}

static void look_who_watches(ad_context *c)
{
    c->watched = (c->watches->first && !ad_watch_is_apart(c->frame)) || ad_watch_trace(c);
}

/* Makes the thread's list, with what the environment asks for; NULL and an error. */
static struct ad_watches *watches_of(ad_context *c)
{
    if (c->watches)
        return c->watches;
    struct ad_watches *w = c->id == AD_NO_THREAD ? NULL : calloc(1, sizeof *w);
    if (!w)
        return ad_set_error(AD_ERROR_MEMORY, "out of memory: no room to watch the calls of a thread");
    c->watches = w;
    c->watch_stop = watches_stop;
    const char *profile = getenv("AD_PROFILE"), *finite = getenv("AD_DEBUG_NAN");
    if (finite && *finite && *finite != '0') {
        w->finite.hook = ad_refuse_not_finite;
        add(w, &w->finite);
    }
    if (profile && *profile && *profile != '0') {
        ad_profile_start(&w->profile);
        if (w->profile.hook)
            add(w, &w->profile);
    }
    look_who_watches(c);
    return w;
}

bool ad_watch_begin(ad_context *c, struct ad_frame *frame, const struct ad_watch *trace)
{
    if (!watches_of(c))
        return false;
    *frame = (struct ad_frame){ .depth = ad_watch_depth(c), .trace = trace, .apart = ad_watch_is_apart(c->frame) };
    c->frame = frame;
    return c->watched = true;
}

void ad_watch_end(ad_context *c, const struct ad_frame *before)
{
    c->frame = before;
    look_who_watches(c);
}

double ad_watch_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int64_t bytes_of(ad_array *const *arrays, int count)
{
    int64_t bytes = 0;
    for (int i = 0; i < count; i++)
        bytes += arrays[i] ? arrays[i]->size * ad_item_size((ad_dtype)arrays[i]->dtype) : 0;
    return bytes;
}

static bool tell(ad_context *c, const struct ad_watch *watch, const ad_call_event *event)
{
    uint32_t made = c->scopes.count, depth = c->scopes.depth;
    bool accepted = watch->hook(event, watch->context);
    ad_scope_trim(c, made);
    c->scopes.depth = depth;
    if (!accepted && !c->error_code)
        ad_set_error(AD_ERROR_VALUE, "%s: refused by the hook of ad_on_call", event->operation->name);
    return accepted;
}

/* Each of them until one refuses; one that is told may end, or begin another. */
static bool tell_all(ad_context *c, const struct ad_watch *watch, const ad_call_event *event)
{
    bool accepted = true;
    for (const struct ad_watch *next; watch && accepted; watch = next) {
        next = watch->next;
        accepted = tell(c, watch, event);
    }
    return accepted;
}

bool ad_watch_tell(ad_context *c, const struct ad_node *node, ad_array *const *outputs, int outputs_count, double start)
{
    struct ad_watches *w = watches_of(c);
    const struct ad_frame *frame = c->frame;
    const ad_call_event event = {
        .operation = node->op,
        .options = node->options,
        .inputs = node->inputs,
        .outputs = outputs,
        .inputs_count = node->count,
        .outputs_count = outputs_count,
        .depth = ad_watch_depth(c),
        .phase = frame ? (ad_call_phase)frame->phase : AD_PHASE_VALUE,
        .rule_of = frame ? frame->rule_of : NULL,
        .seconds = ad_watch_clock() - start,
        .bytes = bytes_of(outputs, outputs_count),
    };
    if (!w)
        return false;
    const struct ad_frame apart = { .apart = true };
    uint64_t none = 0, *in_sight = c->tape ? &c->tape->live : &none, live = *in_sight;
    *in_sight = 0;
    c->watched = false;
    c->frame = &apart;
    bool accepted = tell_all(c, frame ? frame->trace : NULL, &event) && (ad_watch_is_apart(frame) || tell_all(c, w->first, &event));
    c->frame = frame;
    look_who_watches(c);
    *in_sight = live;
    return accepted;
}

void ad_on_call(ad_call_hook *hook, void *context)
{
    ad_context *c = ad_current();
    struct ad_watches *w = watches_of(c);
    if (!w)
        return;
    if (w->first == &w->hook) /* it began last */
        w->first = w->hook.next;
    w->hook = (struct ad_watch){ .hook = hook, .context = context };
    if (hook)
        add(w, &w->hook);
    look_who_watches(c);
}
