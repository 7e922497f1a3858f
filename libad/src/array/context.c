/* The context of a thread and its error.
 *
 * Everything the library remembers between calls lives in one ad_context per thread, made on first use and
 * taken down when the thread ends. Thread-local storage holds little more than a pointer to it, so that the library can be loaded into a running
 * program. What threads share is the counter that numbers them, a list of all of them, and a constant: the context of a call for which there was
 * no memory to make one. The next call tries again. */
#define _GNU_SOURCE /* for dladdr */
#include "array/array.h"
#include "kernels/kernels.h"
#include <ctype.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__thread const char *ad_call_site_ __attribute__((tls_model("initial-exec")));
_Thread_local ad_context *ad_context_pointer __attribute__((tls_model("initial-exec")));

/* In it every allocation fails. Never written to once the library has started. */
#define NO_ROOM .error_code = AD_ERROR_MEMORY, .error_message = "out of memory: no room for the state of a thread"
const struct ad_tracing ad_no_tracing = { 0 };
static ad_context without_memory = { .id = AD_NO_THREAD, .tracing = &ad_no_tracing, .allocator = { .failing = true, .watch = INT64_MIN }, NO_ROOM };

/* Whether calls of this thread met it, and their error was not cleared: the context that it gets in the end starts with that error. */
static _Thread_local bool went_without __attribute__((tls_model("initial-exec")));

/* Sentences are the same whatever locale the program or the thread has chosen. */
static locale_t c_locale;

static _Atomic uint32_t threads_so_far;
static pthread_key_t thread_end;
static bool has_thread_end; /* without it, what a thread has stays till the program ends */

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

/* A process is copied by fork while nobody holds the lock; in the child only the thread that called fork is left. */
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
    c_locale = newlocale(LC_ALL_MASK, "C", NULL);
    has_thread_end = pthread_key_create(&thread_end, context_stop) == 0;
    pthread_atfork(before_fork, after_fork, after_fork);
}

/* A thread that returns from main runs no key destructors. A plugin with libad.a in it can be unloaded before its threads end: they may not
 * call what is no longer there. */
__attribute__((destructor)) static void library_stop(void)
{
    if (ad_context_pointer)
        context_stop(ad_context_pointer);
    if (has_thread_end)
        pthread_key_delete(thread_end);
    has_thread_end = false;
}

/* ---- what an error does ---- */

__attribute__((noinline)) void ad_error_breakpoint(ad_code code, const char *sentence)
{
    __asm__ volatile("" : : "r"(code), "r"(sentence) : "memory"); /* calls of a function that does nothing would go */
}

/* What AD_ERROR asks for. Who set it to something else wants to see errors too, and that the word was wrong. */
static ad_on_error_action action_asked_for(void)
{
    static const char *const words[] = { "return", "print", "exit", "abort" };
    static atomic_flag told = ATOMIC_FLAG_INIT;
    const char *asked = getenv("AD_ERROR");
    if (!asked || !*asked)
        return AD_ERROR_RETURN;
    for (int action = AD_ERROR_RETURN; action <= AD_ERROR_ABORT; action++)
        if (strcmp(asked, words[action]) == 0)
            return (ad_on_error_action)action;
    if (!atomic_flag_test_and_set(&told))
        fprintf(stderr, "libad: AD_ERROR=%s is none of return, print, exit and abort; errors are printed\n", asked);
    return AD_ERROR_PRINT;
}

/* Called once an error is complete. */
static void act_on_error(const ad_context *c, ad_on_error_action action)
{
    ad_error_breakpoint(c->error_code, c->error_message);
    if (action == AD_ERROR_RETURN)
        return;
    fprintf(stderr, "%s%s%s\n", c->error_where, *c->error_where ? ": " : "", c->error_message);
    if (action == AD_ERROR_PRINT_AND_EXIT)
        exit(EXIT_FAILURE);
    if (action == AD_ERROR_ABORT)
        abort();
}

ad_context *ad_context_start(void)
{
    ad_context *c = malloc(sizeof *c);
    if (!c || (has_thread_end && pthread_setspecific(thread_end, c) != 0)) {
        bool new = !went_without;
        free(c);
        went_without = true;
        if (new)
            act_on_error(&without_memory, action_asked_for());
        return &without_memory;
    }
    *c = went_without ? (ad_context){ NO_ROOM } : (ad_context){ 0 };
    c->id = 1 + atomic_fetch_add(&threads_so_far, 1);
    c->tracing = &ad_no_tracing;
    c->loops = ad_loops_for_this_cpu();
    c->on_error = action_asked_for();
    c->watched = getenv("AD_PROFILE") || getenv("AD_DEBUG_NAN");
    ad_allocator_start(&c->allocator);
    enlist(c);
    return ad_context_pointer = c;
}

bool ad_failed(void)
{
    return ad_current()->error_code != AD_OK;
}

ad_code ad_error_code(void)
{
    return ad_current()->error_code;
}

const char *ad_error_message(void)
{
    return ad_current()->error_message;
}

const char *ad_error_where(void)
{
    return ad_current()->error_where;
}

const char *ad_error_context(const char *text)
{
    ad_context *c = ad_current();
    const char *before = c->error_context;
    if (c->id != AD_NO_THREAD)
        c->error_context = text;
    return before;
}

void ad_clear_error(void)
{
    ad_context *c = ad_current();
    went_without = false;
    if (c->id == AD_NO_THREAD)
        return;
    c->error_code = AD_OK;
    c->error_message[0] = c->error_where[0] = '\0';
}

void ad_on_error(ad_on_error_action action)
{
    ad_context *c = ad_current();
    if ((unsigned)action > AD_ERROR_ABORT)
        ad_set_error(AD_ERROR_VALUE, "ad_on_error: %d is no action", (int)action);
    else if (c->id != AD_NO_THREAD)
        c->on_error = action;
}

/* The place that the last macro noted, if what failed is what it called. A site is a literal of the program, which may have been in a library
 * that is no longer loaded. */
static void set_where(ad_context *c)
{
    Dl_info object;
    const char *site = ad_call_site_;
    if (!site || !dladdr(site, &object))
        return;
    const char *name = site + strlen(site) + 1;
    size_t length = strlen(name);
    if (strncmp(c->error_message, name, length) == 0 && !isalnum((unsigned char)c->error_message[length]) && c->error_message[length] != '_')
        snprintf(c->error_where, sizeof c->error_where, "%s", site);
}

locale_t ad_c_locale(void)
{
    return c_locale ? c_locale : uselocale(NULL);
}

/* Appends the names of the operands that have some. */
static void tell_names(ad_context *c)
{
    for (int i = 0; i < c->frame->count; i++) {
        const char *name = c->frame->operands[i] ? ad_name_of(c->frame->operands[i]) : NULL;
        size_t used = strlen(c->error_message);
        if (name)
            snprintf(c->error_message + used, sizeof c->error_message - used, "; operand %d is %s", i, name);
    }
}

/* Keeps the first error; `of` stands before the message, if it is not NULL. */
static void set_error(ad_context *c, ad_code code, const char *of, const char *format, va_list arguments)
{
    if (c->error_code != AD_OK || code == AD_OK)
        return;
    locale_t users = uselocale(ad_c_locale());
    size_t room = sizeof c->error_message, used = of ? (size_t)snprintf(c->error_message, room, "%s: ", of) : 0;
    if (used < room)
        vsnprintf(c->error_message + used, room - used, format, arguments);
    if (c->frame)
        tell_names(c);
    used = strlen(c->error_message);
    if (c->error_context)
        snprintf(c->error_message + used, room - used, " (%s)", c->error_context);
    uselocale(users);
    c->error_code = code;
    set_where(c);
    act_on_error(c, c->on_error);
}

void *ad_set_error(ad_code code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set_error(ad_current(), code, NULL, format, arguments);
    va_end(arguments);
    return NULL;
}

void *ad_set_error_of_running(ad_code code, const char *format, ...)
{
    ad_context *c = ad_current();
    va_list arguments;
    va_start(arguments, format);
    set_error(c, code, c->operation, format, arguments);
    va_end(arguments);
    return NULL;
}

void ad_set_error_at(ad_code code, const char *where, const char *sentence)
{
    ad_context *c = ad_current();
    if (c->error_code != AD_OK)
        return;
    snprintf(c->error_message, sizeof c->error_message, "%s", sentence);
    snprintf(c->error_where, sizeof c->error_where, "%s", where);
    c->error_code = code;
    act_on_error(c, c->on_error);
}

__attribute__((cold)) bool ad_missing(const char *operation, const char *what)
{
    if (!ad_failed())
        ad_set_error(AD_ERROR_VALUE, "%s: the %s is NULL", operation, what);
    return false;
}
