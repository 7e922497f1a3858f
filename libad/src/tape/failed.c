/* Functions that stand for transformations that failed. They give NULL, set the error again, and set the places of
 * second results to NULL.
 *
 * So ad_grad(f)(x) in one expression is safe whatever becomes of ad_grad(f). A failed function has the signature that
 * the good one would have had. It is memoised like a good one, and stays failed: what is made of it fails with its
 * sentence.
 *
 * Where there is no memory even for that, the C functions at the end of this file take its place. */
#include "tape/function.h"
#include <stdio.h>
#include <string.h>

/* Sets the error of fn; `operation` is what asks for fn now. */
static void *why(const ad_fn *fn, const char *operation)
{
    return ad_set_error(fn->code, "%s: %s", fn->name ? fn->name : operation, fn->sentence);
}

static void *run_failed(ad_context *c, const ad_fn *fn, const ad_value *arguments)
{
    (void)c;
    for (int i = 0; i < fn->count; i++)
        if (fn->places >> i & 1 && arguments[i].p)
            *(void **)arguments[i].p = NULL;
    return why(fn, "ad_call");
}

/* Without a name, the error is set when an operation asks for the function, and begins with the name of that
 * operation. */
ad_fn *ad_fn_failed(ad_context *c, const ad_fn *like, const char *name, ad_code code, const char *format, ...)
{
    ad_fn made = { .result = like->result, .count = like->count, .places = like->places, .transform = run_failed, .name = name, .code = code };
    char sentence[AD_SENTENCE_BYTES];
    va_list list;
    va_start(list, format);
    vsnprintf(sentence, sizeof sentence, format, list);
    va_end(list);
    made.sentence = sentence;
    strcpy(made.arguments, like->arguments);
    if (name)
        why(&made, name);
    ad_fn *fn = ad_fn_memoised(c, &made);
    return fn ? fn : ad_fn_without_room(&made);
}

bool ad_fn_usable(const ad_fn *fn, const char *operation)
{
    if (fn && fn->sentence)
        why(fn, operation);
    else if (!fn && !ad_failed())
        ad_set_error(AD_ERROR_TRANSFORM, "%s: the function is NULL", operation);
    return fn && !fn->sentence;
}

/* ---- without memory ----
 *
 * ISO C does not define a call through a pointer to a function of another type. The ABIs do (System V for x86-64,
 * AAPCS64): where the caller puts an argument does not depend on whether the function reads it, and the caller takes
 * away what it put on the stack. So one function without parameters serves for every argument list, and one with
 * parameters of type void * for every list of as many pointers. All of them return a pointer. */

#define SENTENCE "the function could not be made when it was asked for: out of memory"

static void *nothing(void)
{
    return ad_set_error(AD_ERROR_MEMORY, "ad_call: " SENTENCE);
}

static void *nothing_at(void **place)
{
    if (place)
        *place = NULL;
    return nothing();
}

static void *nothing_1(void *a, void **place)
{
    (void)a;
    return nothing_at(place);
}

static void *nothing_2(void *a, void *b, void **place)
{
    (void)a, (void)b;
    return nothing_at(place);
}

static void *nothing_3(void *a, void *b, void *c, void **place)
{
    (void)a, (void)b, (void)c;
    return nothing_at(place);
}

static void *nothing_4(void *a, void *b, void *c, void *d, void **place)
{
    (void)a, (void)b, (void)c, (void)d;
    return nothing_at(place);
}

static void *nothing_5(void *a, void *b, void *c, void *d, void *e, void **place)
{
    (void)a, (void)b, (void)c, (void)d, (void)e;
    return nothing_at(place);
}

#define WITHOUT_ROOM(function, kinds, bits)                                                                            \
    { .result = 'a', .transform = run_failed, .pointer = (void (*)(void))function, .code = AD_ERROR_MEMORY, .sentence = SENTENCE,  \
      .arguments = kinds, .count = sizeof kinds - 1, .places = bits }

/* The functions of the macros have at most five arguments, and one more that is the place of a second result. */
enum { MOST_POINTERS = 6 };
static const ad_fn without_place[MOST_POINTERS + 1] = {
    WITHOUT_ROOM(nothing, "", 0),     WITHOUT_ROOM(nothing, "p", 0),     WITHOUT_ROOM(nothing, "pp", 0),     WITHOUT_ROOM(nothing, "ppp", 0),
    WITHOUT_ROOM(nothing, "pppp", 0), WITHOUT_ROOM(nothing, "ppppp", 0), WITHOUT_ROOM(nothing, "pppppp", 0),
};
static const ad_fn with_place[MOST_POINTERS - 1] = {
    WITHOUT_ROOM(nothing_1, "pp", 1 << 1),    WITHOUT_ROOM(nothing_2, "ppp", 1 << 2),    WITHOUT_ROOM(nothing_3, "pppp", 1 << 3),
    WITHOUT_ROOM(nothing_4, "ppppp", 1 << 4), WITHOUT_ROOM(nothing_5, "pppppp", 1 << 5),
};

/* A place among doubles, and one of several places, cannot be found. It is not written to. */
ad_fn *ad_fn_without_room(const ad_fn *like)
{
    if (like->count > MOST_POINTERS || strchr(like->arguments, 'd'))
        return (ad_fn *)&without_place[0];
    if (like->count >= 2 && like->places == 1u << (like->count - 1))
        return (ad_fn *)&with_place[like->count - 2];
    return (ad_fn *)&without_place[like->count];
}

bool ad_is_without_room(void (*pointer)(void))
{
    bool found = pointer == without_place[0].pointer;
    for (int i = 0; i < MOST_POINTERS - 1; i++)
        found |= pointer == with_place[i].pointer;
    return found;
}
