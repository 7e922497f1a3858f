/* The context of a thread.
 *
 * Everything the library remembers between calls lives in one ad_context per thread, made on first use and taken down
 * when the thread ends. Thread-local storage holds little more than a pointer to it, so that the library can be loaded
 * into a running program.
 *
 * Threads share three things: the counter that numbers them, a list of all contexts, and one constant context. The
 * constant one serves a call for which there was no memory to make a context. The next call tries again. */
#include "array/error.h"
#include "array/scope.h"
#include "kernels/kernels.h"
#include <pthread.h>
#include <stdlib.h>

_Thread_local ad_context *ad_context_pointer __attribute__((tls_model("initial-exec")));

/* The constant context, in which every allocation fails. It is not written to once the library has started. */
#define NO_ROOM .error_code = AD_ERROR_MEMORY, .error_message = "out of memory: no room for the state of a thread"
const struct ad_tracing ad_no_tracing = { 0 };
static ad_context without_memory = { .id = AD_NO_THREAD, .tracing = &ad_no_tracing, .allocator = { .failing = true, .watch = INT64_MIN }, NO_ROOM };

/* Whether calls of this thread met the constant context, and their error was not cleared since. The context that the
 * thread gets in the end then starts with that error. */
static _Thread_local bool went_without __attribute__((tls_model("initial-exec")));

static _Atomic uint32_t threads_so_far;
static pthread_key_t thread_end;
static bool has_thread_end; /* without it, what a thread has stays until the program ends */

static pthread_mutex_t contexts_lock = PTHREAD_MUTEX_INITIALIZER;
static ad_context *contexts;

static void enlist(ad_context *c)
{
    pthread_mutex_lock(&contexts_lock);
    c->next = contexts;
    contexts = c;
    pthread_mutex_unlock(&contexts_lock);
}

static void delist(const ad_context *c)
{
    pthread_mutex_lock(&contexts_lock);
    ad_context **link = &contexts;
    while (*link != c)
        link = &(*link)->next;
    *link = c->next;
    pthread_mutex_unlock(&contexts_lock);
}

void ad_context_take(uint32_t owner, size_t bytes)
{
    pthread_mutex_lock(&contexts_lock);
    ad_context *c = contexts;
    while (c && c->id != owner)
        c = c->next;
    if (c)
        atomic_fetch_add_explicit(&c->allocator.taken, (int64_t)bytes, memory_order_relaxed);
    pthread_mutex_unlock(&contexts_lock);
}

/* fork copies the process while nobody holds the lock. In the child only the thread that called fork is left. */
static void before_fork(void)
{
    pthread_mutex_lock(&contexts_lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&contexts_lock);
}

static void context_stop(void *pointer)
{
    ad_context *c = pointer;
    if (c->watch_stop)
        c->watch_stop(c);
    if (c->tape_stop)
        c->tape_stop(c);
    if (c->fft_stop)
        c->fft_stop(c);
    for (int i = 0; i < AD_SMALL_NUMBERS; i++)
        ad_drop(c, c->numbers[i]);
    ad_scope_unwind(c, 0);
    ad_deallocate(c, c->scopes.entries, c->scopes.capacity * sizeof *c->scopes.entries);
    ad_deallocate(c, c->scopes.marks, c->scopes.mark_capacity * sizeof *c->scopes.marks);
    ad_slabs_drain(&c->allocator, true);
    ad_allocator_drain(&c->allocator);
    ad_context_pointer = NULL;
    delist(c);
    free(c);
}

__attribute__((constructor)) static void library_start(void)
{
    without_memory.loops = ad_loops_for_this_cpu();
    ad_error_start();
    has_thread_end = pthread_key_create(&thread_end, context_stop) == 0;
    pthread_atfork(before_fork, after_fork, after_fork);
}

/* A thread that returns from main runs no key destructors, so its context is taken down here. The key goes too: a
 * plugin with libad.a in it can be unloaded before its threads end, and they may not call what is no longer there. */
__attribute__((destructor)) static void library_stop(void)
{
    if (ad_context_pointer)
        context_stop(ad_context_pointer);
    if (has_thread_end)
        pthread_key_delete(thread_end);
    has_thread_end = false;
}

ad_context *ad_context_start(void)
{
    ad_context *c = malloc(sizeof *c);
    if (!c || (has_thread_end && pthread_setspecific(thread_end, c) != 0)) {
        bool new = !went_without;
        free(c);
        went_without = true;
        if (new)
            ad_act_on_error(&without_memory, ad_error_action_asked_for());
        return &without_memory;
    }
    *c = went_without ? (ad_context){ NO_ROOM } : (ad_context){ 0 };
    c->id = 1 + atomic_fetch_add(&threads_so_far, 1);
    c->tracing = &ad_no_tracing;
    c->loops = ad_loops_for_this_cpu();
    c->on_error = ad_error_action_asked_for();
    c->watched = getenv("AD_PROFILE") || getenv("AD_DEBUG_NAN");
    ad_allocator_start(&c->allocator);
    enlist(c);
    return ad_context_pointer = c;
}

void ad_context_forgive(void)
{
    went_without = false;
}
