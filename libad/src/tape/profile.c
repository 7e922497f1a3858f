/* AD_PROFILE: a table of the operations that a thread called, on stderr when the thread ends.
 *
 * Seconds are by the clock. The seconds of a call that is part of another call's value count for the inner call and not
 * for the outer one, so that the column adds up. */
#include "tape/tape.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 40 };

struct line {
    char name[NAME_BYTES];
    int64_t calls, bytes;
    double seconds[AD_PHASE_TANGENT + 1]; /* by phase */
};

struct profile {
    struct line *lines;
    size_t count, room;
    double inside[64]; /* at each depth: seconds of the finished calls that are part of a call which has not ended */
};

/* The line of an operation. A record may be gone before the table is printed, so lines are found by name. NULL: no
 * memory. */
static struct line *line_of(struct profile *p, const char *name)
{
    for (size_t i = 0; i < p->count; i++)
        if (strncmp(p->lines[i].name, name, NAME_BYTES - 1) == 0)
            return &p->lines[i];
    if (p->count == p->room) {
        size_t room = p->room ? 2 * p->room : 64;
        struct line *more = realloc(p->lines, room * sizeof *more);
        if (!more)
            return NULL;
        p->lines = more;
        p->room = room;
    }
    struct line *line = &p->lines[p->count++];
    *line = (struct line){ .calls = 0 };
    snprintf(line->name, sizeof line->name, "%s", name);
    return line;
}

static bool count_call(const ad_call_event *event, void *context)
{
    struct profile *p = context;
    const int deepest = (int)(sizeof p->inside / sizeof *p->inside) - 2, depth = event->depth < deepest ? event->depth : deepest;
    struct line *line = line_of(p, event->operation->name);
    double own = event->seconds - p->inside[depth + 1];
    p->inside[depth + 1] = 0;
    p->inside[depth] += event->seconds;
    if (!line)
        return true;
    line->calls++;
    line->bytes += event->bytes;
    line->seconds[event->phase] += own > 0 ? own : 0;
    return true;
}

static double total(const struct line *line)
{
    return line->seconds[AD_PHASE_VALUE] + line->seconds[AD_PHASE_REVERSE] + line->seconds[AD_PHASE_TANGENT];
}

static int by_seconds(const void *a, const void *b)
{
    double x = total(a), y = total(b);
    return x < y ? 1 : x > y ? -1 : strcmp(((const struct line *)a)->name, ((const struct line *)b)->name);
}

void ad_profile_start(struct ad_watch *watch)
{
    struct profile *p = calloc(1, sizeof *p);
    *watch = (struct ad_watch){ .hook = p ? count_call : NULL, .context = p };
}

void ad_profile_stop(struct ad_watch *watch, uint32_t thread)
{
    struct profile *p = watch->context;
    double seconds = 0;
    int64_t calls = 0;
    int width = 28; /* of names */
    for (size_t i = 0; i < p->count; i++) {
        seconds += total(&p->lines[i]);
        calls += p->lines[i].calls;
        width = (int)strlen(p->lines[i].name) > width ? (int)strlen(p->lines[i].name) : width;
    }
    qsort(p->lines, p->count, sizeof *p->lines, by_seconds);
    locale_t users = uselocale(ad_c_locale());
    flockfile(stderr); /* a table is in one piece, whichever threads end at once */
    if (calls)
        fprintf(stderr, "AD_PROFILE: %lld calls of operations in thread %u, %.6f s in them\n%-*s %10s %12s %6s %12s %12s %12s %14s\n", (long long)calls,
                (unsigned)thread, seconds, width, "operation", "calls", "seconds", "share", "value", "reverse", "tangent", "bytes made");
    for (size_t i = 0; i < p->count; i++) {
        const struct line *line = &p->lines[i];
        fprintf(stderr, "%-*s %10lld %12.6f %5.1f%% %12.6f %12.6f %12.6f %14lld\n", width, line->name, (long long)line->calls, total(line),
                seconds > 0 ? 100 * total(line) / seconds : 0, line->seconds[AD_PHASE_VALUE], line->seconds[AD_PHASE_REVERSE], line->seconds[AD_PHASE_TANGENT],
                (long long)line->bytes);
    }
    funlockfile(stderr);
    uselocale(users);
    free(p->lines);
    free(p);
}
