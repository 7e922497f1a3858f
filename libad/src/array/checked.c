/* A checked build (-Dchecked=true) records where each array, tree and pullback was made and how it went, and reports a
 * use after that.
 *
 * A record lies in front of each of them. A dropped object is kept aside for a while, so that its record can still be
 * read. When too many are kept, the memory of the oldest is freed. All threads keep dropped objects in one list, since
 * what one thread dropped may be used by another. */
#define _GNU_SOURCE /* for dladdr */
#include "array/error.h"
#include "array/memory.h"

#ifdef AD_CHECKED
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef AD_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(begin, bytes) ((void)(begin), (void)(bytes))
#endif

#define ALIVE   UINT64_C(0xa11c0de0a11c0de0)
#define DROPPED UINT64_C(0xdeadc0dedeadc0de)
enum { MOST_KEPT = 1 << 18 };

struct record {
    uint64_t state;
    const char *made, *dropped; /* places of calls, as in ad_call_site_: "file.c:12", a zero byte, the function; NULL: unknown */
    struct record *younger;     /* the next dropped one */
    bool released;              /* by ad_release; otherwise it went with a scope */
    char room[64 - 4 * 8 - sizeof(bool)];
};
_Static_assert(sizeof(struct record) == 64, "what is behind it is aligned as a block is");

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct record *oldest, *youngest;
static int kept;

static void before_fork(void)
{
    pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void mind_forks(void)
{
    pthread_atfork(before_fork, after_fork, after_fork);
}

static struct record *record_of(const void *object)
{
    return (struct record *)((char *)object - sizeof(struct record));
}

void *ad_object_allocate(ad_context *c, size_t bytes)
{
    struct record *record = ad_allocate(c, sizeof *record + bytes);
    if (!record)
        return NULL;
    *record = (struct record){ .state = ALIVE, .made = ad_call_site_ };
    return record + 1;
}

/* What functions may read of an object before they report that it was dropped: its header, with a few dimensions. */
enum { STILL_READ = 128 };

/* The memory counts as given back: from here on the checked build holds it, not the program. A use of the object's
 * elements in spite of that is reported by the sanitizer. */
void ad_object_deallocate(ad_context *c, uint32_t owner, void *object, size_t bytes)
{
    struct record *record = record_of(object), *gone = NULL;
    record->state = DROPPED;
    record->dropped = c->dropping.place;
    record->released = c->dropping.released;
    ad_forget_block(c, owner, sizeof *record + bytes);
    if (bytes > STILL_READ)
        ASAN_POISON_MEMORY_REGION((char *)object + STILL_READ, bytes - STILL_READ);
    pthread_mutex_lock(&lock);
    *(youngest ? &youngest->younger : &oldest) = record;
    youngest = record;
    if (++kept > MOST_KEPT) {
        gone = oldest;
        oldest = gone->younger;
        kept--;
        gone->state = 0;
    }
    pthread_mutex_unlock(&lock);
    free(gone);
}

/* The text `before` followed by " at f.c:12 (ad_sub)"; "" where the place is unknown or no longer loaded. */
static const char *place_text(const char *before, const char *site, char *buffer, size_t size)
{
    Dl_info object;
    if (!site || !dladdr(site, &object))
        return "";
    snprintf(buffer, size, "%s at %s (%s)", before, site, site + strlen(site) + 1);
    return buffer;
}

bool ad_object_given(const void *object, const char *operation, const char *what)
{
    if (!object)
        return ad_missing(operation, what);
    const struct record *record = record_of(object);
    if (record->state == ALIVE)
        return true;
    char made[200], dropped[200];
    if (record->state != DROPPED)
        ad_set_error(AD_ERROR_VALUE, "%s: the %s was dropped long ago, or never was one", operation, what);
    else if (record->released)
        ad_set_error(AD_ERROR_VALUE, "%s: the %s%s was released for the last time%s. One ad_release drops what one ad_retain or ad_assign took", operation,
                     what, place_text(" made", record->made, made, sizeof made), place_text("", record->dropped, dropped, sizeof dropped));
    else if (strcmp(what, "pullback") == 0)
        ad_set_error(AD_ERROR_VALUE, "%s: the pullback%s was freed", operation, place_text(" made", record->made, made, sizeof made));
    else
        ad_set_error(AD_ERROR_VALUE, "%s: the %s%s was dropped with its scope%s. ad_escape, ad_retain and ad_assign let a value outlive its scope", operation,
                     what, place_text(" made", record->made, made, sizeof made), place_text(", opened", record->dropped, dropped, sizeof dropped));
    return false;
}
#endif
