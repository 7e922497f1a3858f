/* Errors: how they are set, and the sentences of those that every operation has. */
#ifndef AD_ERROR_INTERNAL_H
#define AD_ERROR_INTERNAL_H

#include "array/context.h"
#include <locale.h>

/* Sets an error and gives false, for functions that return bool. */
#define AD_FAIL(...) (ad_set_error(__VA_ARGS__), false)

void ad_error_start(void); /* once, when the library is loaded */
locale_t ad_c_locale(void); /* for text that is the same in every locale of the program */
ad_on_error_action ad_error_action_asked_for(void); /* what AD_ERROR in the environment asks for */
void ad_act_on_error(const ad_context *c, ad_on_error_action action); /* called once an error is complete */

/* An error that begins with the name of the operation that runs. */
void *ad_set_error_of_running(ad_code code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* AD_RUNNING(c, "ad_grad"); names the operation that runs from here to the end of the C block. The constant context of
 * a thread without memory is not written to. */
struct ad_running {
    ad_context *c;
    const char *before;
};

#define AD_RUNNING(context, name) \
    __attribute__((cleanup(ad_running_end), unused)) struct ad_running ad_running_ = ad_running_begin(context, name)

static inline struct ad_running ad_running_begin(ad_context *c, const char *operation)
{
    struct ad_running running = { c, c->operation };
    if (c->id != AD_NO_THREAD)
        c->operation = operation;
    return running;
}

static inline void ad_running_end(struct ad_running *running)
{
    if (running->c->id != AD_NO_THREAD)
        running->c->operation = running->before;
}

/* Sets an error that occurred elsewhere, with its place there. */
void ad_set_error_at(ad_code code, const char *where, const char *sentence);

/* Reports that a function was not given what it works on: an array, a tree or anything else behind a pointer. Gives
 * false. An error that is already set stays, since a missing operand is then only its consequence. */
bool ad_missing(const char *operation, const char *what);

AD_ALWAYS_INLINE bool ad_pointer_given(const void *pointer, const char *operation, const char *what)
{
    return __builtin_expect(pointer != NULL, 1) || ad_missing(operation, what);
}

/* A checked build refuses dropped objects too: checked.c. */
#ifdef AD_CHECKED
bool ad_object_given(const void *object, const char *operation, const char *what);
#else
#define ad_object_given ad_pointer_given
#endif

/* Asks ad_object_given about arrays, trees and pullbacks, and ad_pointer_given about all else. */
#define ad_given(pointer, operation, what)                                                                             \
    _Generic((pointer), ad_array *: ad_object_given, const ad_array *: ad_object_given, ad_tree *: ad_object_given, const ad_tree *: ad_object_given, \
        struct ad_object *: ad_object_given, struct ad_pullback *: ad_object_given, default: ad_pointer_given)(pointer, operation, what)

static inline bool ad_both_given(const ad_array *a, const ad_array *b, const char *operation)
{
    return ad_given(a, operation, "first array") && ad_given(b, operation, "second array");
}

#endif
