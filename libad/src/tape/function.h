/* Functions as the transformations see them: a signature and a way to call it.
 *
 * An ad_fn is immutable and is not freed before its thread ends, so function pointers made from it stay valid. A
 * function that could not be made is an ad_fn too, which fails when it is called (failed.c). Nothing that makes a
 * function for a user gives NULL. */
#ifndef AD_FUNCTION_INTERNAL_H
#define AD_FUNCTION_INTERNAL_H

#include "ad/transform.h"
#include "tape/tape.h"
#include <ffi.h>
#include <stdarg.h>

/* An argument or a result: a array, t tree, p pointer, i int, l int64_t, d double. */
typedef union ad_value {
    void *p;
    int i;
    int64_t l;
    double d;
} ad_value;

typedef void *ad_transform(ad_context *c, const ad_fn *fn, const ad_value *arguments);

struct ad_fn {
    char result;                          /* 'a' or 't' */
    char arguments[AD_MAX_ARGUMENTS + 1]; /* kinds */
    int count;
    void (*pointer)(void);   /* of the C function; for a transformation, its closure, which is made when it is asked for */
    ad_transform *transform; /* NULL: a C function */
    const char *name;        /* of the transformation */
    const char *site;        /* the place in the program that asked for it last (ad/call.h) */
    const ad_fn *inner, *outer;
    void *context; /* of a C function that has one of its own */
    void (*release)(void *);
    int argnum;
    uint32_t places;      /* bits of the arguments that are places for a second result */
    ad_code code;         /* of a function that could not be made: the reason */
    const char *sentence; /* without the name in front; NULL: the function is good */
    ffi_cif cif;
    ffi_type *types[AD_MAX_ARGUMENTS];
    ffi_closure *closure;
    ad_fn *next, *next_of_parts, *next_of_pointer; /* in the thread's memo */
};

/* What a transformation makes of a function. The letters of a signature stand for kinds of arguments and results. */
struct ad_transformation {
    const char *name;
    ad_transform *run;
    const char *results, *arguments; /* kinds that the function may return, and that the argument in question may be; NULL: any */
    char result;                     /* of the new function; 'x': what the argument is, 'y': what the function returns */
    const char *added;               /* arguments that are added; "x": one like the first */
};

/* closure.c */
struct ad_signature_buffer {
    char text[2 * AD_MAX_ARGUMENTS + 4];
};
const char *ad_signature_text(const ad_fn *fn, struct ad_signature_buffer *buffer); /* "a(a,i,d)" */
#define AD_SIGNATURE_TEXT(fn) ad_signature_text(fn, &(struct ad_signature_buffer){ { 0 } })
ad_fn *ad_transformed(const struct ad_transformation *t, const ad_fn *fn, const ad_fn *outer, int argnum); /* never NULL, but it may be a failed one */
ad_fn *ad_fn_made(ad_context *c, const char *name, ad_transform *transform, const ad_fn *inner, char result, const char *arguments); /* NULL and an error */
/* memo.c */
ffi_closure *ad_closure_new(void **code);
void ad_closure_free(ffi_closure *closure);
ad_fn *ad_fn_of_closure(ad_context *c, void (*pointer)(void)); /* the function that the pointer was made for; NULL if there is none */
bool ad_fn_has_closure(ad_context *c, ad_fn *fn);              /* the closure is in fn->pointer; false and an error */
ad_fn *ad_fn_memoised(ad_context *c, const ad_fn *made); /* the function like it that is in the memo; `made` is added if it is new; NULL and an error */
void *ad_fn_invoke(ad_context *c, const ad_fn *fn, const ad_value *arguments); /* an array or tree; NULL and an error */

/* failed.c */
ad_fn *ad_fn_failed(ad_context *c, const ad_fn *like, const char *name, ad_code code, const char *format, ...) __attribute__((format(printf, 5, 6)));
ad_fn *ad_fn_without_room(const ad_fn *like);        /* after an error about missing memory */
bool ad_is_without_room(void (*pointer)(void));      /* whether the pointer is that of such a function */
bool ad_fn_usable(const ad_fn *fn, const char *operation); /* false and an error: fn is NULL, or failed */

/* A call that will be made again. It holds references of its own to its arrays and trees. */
struct ad_call_record {
    const ad_fn *fn;
    ad_value arguments[AD_MAX_ARGUMENTS];
};

/* Options that are one. */
extern const ad_field_functions ad_call_record_functions;
#define AD_FIELD_CALL_RECORD { "", 0, sizeof(struct ad_call_record), AD_FIELD_OTHER, false, &ad_call_record_functions }

/* An array or a tree as a list of leaves. */
struct ad_leaves {
    int count;
    ad_array **leaf; /* in a block of the allocator */
};

bool ad_leaves_of(ad_context *c, char kind, void *value, struct ad_leaves *leaves);
void *ad_leaves_join(char kind, const void *like, ad_array *const *leaves);
void ad_leaves_free(ad_context *c, struct ad_leaves *leaves);

/* The float leaves of the arguments from number `first` on, as a list; and the arguments with other leaves in place of
 * those. */
ad_tree *ad_float_leaves(ad_context *c, const ad_fn *fn, const ad_value *arguments, int first);
bool ad_with_float_leaves(ad_context *c, const ad_fn *fn, const ad_value *arguments, int first, const ad_tree *list, ad_value *values);

/* A reverse level over one call: transform.c. */
struct ad_trace {
    int level;
    uint32_t floor, last; /* the level's first slot, and the last slot of its inputs */
    uint32_t *input_slots; /* of the inputs' leaves, 0 where a leaf cannot be differentiated */
    struct ad_leaves inputs;
    void *result;         /* of the call, in the caller's scope */
    struct ad_leaves outputs;
};

/* Puts cotangents on the outputs of a closed-over call and pulls them back to its input. */
void *ad_trace_pull(ad_context *c, struct ad_trace *trace, char kind, const void *argument, ad_array *const *cotangents);

void ad_values_read(const ad_fn *fn, va_list *list, ad_value *values);

/* Functions that take a variable list of arguments, with those in an array. fn is usable; in ad_call_values it only is
 * not NULL. */
void *ad_call_values(const ad_fn *fn, const ad_value *values);
void *ad_vjp_values(ad_fn *fn, const ad_value *arguments, ad_pullback **pull);
void *ad_jvp_values(ad_fn *fn, const ad_value *arguments, void *v, void **tangent);
void *ad_fixed_point_values(ad_fn *fn, const ad_value *arguments);
bool ad_trace_values(const char *name, FILE *out, const char *title, const ad_fn *fn, const ad_value *arguments, bool graph);

/* The transformations that others are made of. */
ad_fn *ad_gradient_of(const char *name, const ad_fn *fn); /* in the first argument; its errors begin with `name` */
void *ad_directional(ad_context *c, const char *transformation, const ad_fn *fn, const ad_value *arguments, void *v, void **value);
ad_pullback *ad_pullback_of(ad_context *c, const ad_fn *fn, const ad_value *arguments, int argnum, void **value);
char ad_pullback_kind(const ad_pullback *pull, bool of_result); /* 'a' or 't': the kind of the function's result, or of the argument */
void *ad_pullback_apply(ad_context *c, ad_pullback *pull, void *cotangent);
ad_array *ad_zeros_of(ad_context *c, const ad_array *x);
ad_array *ad_ones_of(const ad_array *x);
void *ad_value_escape(char kind, void *value);

/* extracted: a pullback will take the slots. */
bool ad_trace_open(ad_context *c, const ad_fn *fn, const ad_value *arguments, int argnum, bool extracted, struct ad_trace *trace);
void ad_trace_close(ad_context *c, struct ad_trace *trace);

#endif
