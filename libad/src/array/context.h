/* The context: all state of one thread, with its allocator and its stack of scopes. */
#ifndef AD_CONTEXT_INTERNAL_H
#define AD_CONTEXT_INTERNAL_H

#include "ad/error.h"
#include "array/allocator.h"

struct ad_fft;
struct ad_loops;
struct ad_tape;

/* The part of the state of differentiations that belongs to a place on the C stack. It is restored when a function is
 * left by longjmp or a C++ exception. The rest of that state is in tape.h. */
struct ad_tracing {
    uint64_t live;
    struct ad_run *run;
    int depth;
};

/* The state that closing a scope restores. A C++ exception or a longjmp may have skipped the functions that would have
 * restored it themselves. */
struct ad_scope_mark {
    uint32_t first; /* index of the first entry */
    struct ad_tracing tracing;
    const char *operation;
    const struct ad_frame *frame;
#ifdef AD_CHECKED
    const char *place; /* of the call that opened the scope, as in ad_call_site_ */
#endif
};

struct ad_scope_stack {
    uintptr_t *entries; /* objects; where the lowest bit is set, the object moves one scope out when its scope closes */
    struct ad_scope_mark *marks; /* of the open scopes */
    uint32_t count, capacity, depth, mark_capacity;
};

enum { AD_SMALL_NUMBERS = 32, AD_SENTENCE_BYTES = 640 };
#define AD_NUMBER_ONE 2 /* the index of the number 1 in `numbers` */

/* A call that runs, or the rules of one. Frames stand on the C stack. They are made only where somebody watches calls,
 * or where operands have names. */
struct ad_frame {
    ad_array *const *operands; /* of a call, for its errors */
    int count;
    int depth; /* of the calls in it; 0 in the rules of the program's calls */
    int phase; /* ad_call_phase */
    const struct ad_primitive *rule_of;
    const struct ad_watch *trace; /* the innermost trace around the call; NULL: none */
    bool apart;                   /* made by a hook that is told of a call */
};

struct ad_context {
    uint32_t id;             /* AD_NO_THREAD: the thread has no memory for a context */
    struct ad_context *next; /* in the list of the contexts of all threads */
    struct ad_allocator allocator;
    struct ad_scope_stack scopes;
    const struct ad_loops *loops;
    struct ad_tape *tape; /* made by the first differentiation */
    const struct ad_tracing *tracing; /* the state in the tape */
    void (*tape_stop)(struct ad_context *c); /* takes the tape down, if there is one */
    void (*unwind)(struct ad_context *c, const struct ad_tracing *to); /* ends the differentiations that were interrupted */
    ad_code error_code;
    ad_on_error_action on_error;
    const char *operation; /* the operation or transformation that runs, named in errors of the operations it is made of; NULL: none */
    const struct ad_frame *frame; /* the innermost frame; NULL: none */
    bool watched;                    /* somebody looks at every call, or the environment asks for it: tape/watch.c */
    struct ad_watches *watches;
    void (*watch_stop)(struct ad_context *c); /* ends the watching */
    struct ad_fft *fft_plans;                 /* the plans used last: ops/fft/fft_plan.c */
    void (*fft_stop)(struct ad_context *c);   /* drops them */
#ifdef AD_CHECKED
    struct {
        const char *place; /* of the scope or the ad_release that drops things now; NULL: neither */
        bool released;
    } dropping;
#endif
    ad_array *numbers[AD_SMALL_NUMBERS]; /* weak integers from -1 on, each made when it is first asked for */
    char error_message[AD_SENTENCE_BYTES];
    char config[480]; /* the last answer of ad_config */
    const char *error_context; /* what the program is doing, appended to sentences; NULL: unknown */
    char error_where[256]; /* the place of the call, "" where it is not known */
};

#define AD_NO_THREAD 0

extern const struct ad_tracing ad_no_tracing; /* the state of a thread without a tape */
extern _Thread_local ad_context *ad_context_pointer __attribute__((tls_model("initial-exec"), visibility("hidden")));
ad_context *ad_context_start(void);
void ad_context_forgive(void); /* forgets that calls of this thread met the constant context */
void ad_context_take(uint32_t owner, size_t bytes); /* subtracts a block from the thread that made it, if that thread still runs */

AD_ALWAYS_INLINE ad_context *ad_current(void)
{
    ad_context *c = ad_context_pointer;
    return __builtin_expect(c != NULL, 1) ? c : ad_context_start();
}

#endif
