/* The error of a thread: its sentence, its place, and what is done when it occurs.
 *
 * The first error stays until it is cleared. Later ones are its consequences and change nothing. A sentence is the same
 * in every locale that the program or the thread has chosen. */
#define _GNU_SOURCE /* for dladdr */
#include "array/error.h"
#include <ctype.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__thread const char *ad_call_site_ __attribute__((tls_model("initial-exec")));

static locale_t c_locale;

void ad_error_start(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", NULL);
}

locale_t ad_c_locale(void)
{
    return c_locale ? c_locale : uselocale(NULL);
}

/* ---- what is done when an error occurs ---- */

__attribute__((noinline)) void ad_error_breakpoint(ad_code code, const char *sentence)
{
    __asm__ volatile("" : : "r"(code), "r"(sentence) : "memory"); /* without it the compiler would remove calls of a function that does nothing */
}

/* Someone who set AD_ERROR to an unknown word wants to see errors too, so they are printed, after a note about the
 * word. */
ad_on_error_action ad_error_action_asked_for(void)
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

void ad_act_on_error(const ad_context *c, ad_on_error_action action)
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

/* ---- the error of the thread ---- */

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
    ad_context_forgive();
    if (c->id == AD_NO_THREAD)
        return;
    c->error_code = AD_OK;
    c->error_message[0] = c->error_where[0] = '\0';
}

void ad_on_error(ad_on_error_action action)
{
    ad_context *c = ad_current();
    if ((unsigned)action > AD_ERROR_ABORT)
        ad_set_error(AD_ERROR_VALUE, "ad_on_error: %d is not an action", (int)action);
    else if (c->id != AD_NO_THREAD)
        c->on_error = action;
}

/* Notes the place of the last macro call, if the function that failed is the one it called. A site is a string literal
 * of the program. The library that it was part of may no longer be loaded. */
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

/* Appends the names of those operands that have one. */
static void tell_names(ad_context *c)
{
    for (int i = 0; i < c->frame->count; i++) {
        const char *name = c->frame->operands[i] ? ad_name_of(c->frame->operands[i]) : NULL;
        size_t used = strlen(c->error_message);
        if (name)
            snprintf(c->error_message + used, sizeof c->error_message - used, "; operand %d is %s", i, name);
    }
}

/* Sets the error if there is none yet. `of`, if it is not NULL, stands before the message. */
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
    ad_act_on_error(c, c->on_error);
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
    ad_act_on_error(c, c->on_error);
}

__attribute__((cold)) bool ad_missing(const char *operation, const char *what)
{
    if (!ad_failed())
        ad_set_error(AD_ERROR_VALUE, "%s: the %s is NULL", operation, what);
    return false;
}
