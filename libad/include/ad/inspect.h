/* Seeing inside: names of values, every call of an operation, and functions printed as the calls that they make.
 *
 * Two variables of the environment need no change of the program. They hold for all its threads:
 *
 *     AD_PROFILE=1    when a thread ends: a table on stderr of the operations it called, how often, and their seconds
 *     AD_DEBUG_NAN=1  an operation that makes a NaN or an infinity of finite operands fails, and names itself and them
 */
#ifndef AD_INSPECT_H
#define AD_INSPECT_H

#include <ad/primitive.h>
#include <ad/transform.h>
#include <stdio.h>

AD_BEGIN_DECLS

/** x under a name, of which the first 47 bytes count (whole characters of UTF-8), for traces and for errors of the
 * operations that it is an operand of. An empty one takes a name away.
 *
 * The result has the values, shape and dtype of x. (For a C number it is an array made of it.) Its derivative is that
 * of x.
 * Errors: a name that is NULL. */
AD_API ad_array *ad_name(ad_array *x, const char *name);

/** What a call of an operation belongs to. */
typedef enum ad_call_phase {
    AD_PHASE_VALUE,   /**< the values that the program asks for */
    AD_PHASE_REVERSE, /**< cotangents: a sweep in reverse mode */
    AD_PHASE_TANGENT  /**< tangents: forward mode */
} ad_call_phase;

/** A call of an operation, after it was computed. */
typedef struct ad_call_event {
    const ad_primitive *operation;
    const void *options; /**< of the call, as `operation->fields` describes them; NULL: none */
    ad_array *const *inputs;
    ad_array *const *outputs;
    int inputs_count, outputs_count;
    int depth; /**< 0: made by the program or a rule; more: part of the value of another call */
    ad_call_phase phase;
    const ad_primitive *rule_of; /**< the operation whose rule made the call, or gave what the call adds; NULL: none */
    double seconds;              /**< by the clock, including the calls that are part of this one */
    int64_t bytes;               /**< of the outputs' elements */
} ad_call_event;

/** Sees a call. What the hook makes is dropped, and its own calls are not reported. False and an error: the call fails
 * with it. The event lasts as long as the call of the hook; ad_retain keeps an array of it. */
typedef bool ad_call_hook(const ad_call_event *event, void *context);

/** Options of a call for later: a copy that holds all it needs, until ad_options_free. The options themselves where
 * `primitive->options_size` is 0. NULL and an error on failure. */
AD_API void *ad_options_keep(const ad_primitive *primitive, const void *options);

/** Gives up options that ad_options_keep gave. */
AD_API void ad_options_free(const ad_primitive *primitive, void *kept);

/** Whether two calls of a primitive have the same options: those of its fields that change what is computed. Two calls
 * that have, on the same operands, give the same. Memory that a field refers to counts by what is there, a number that
 * is not a number equals every other. */
AD_API bool ad_options_equal(const ad_primitive *primitive, const void *a, const void *b);

/** A hash of options: the same for those that are equal. */
AD_API uint64_t ad_options_hash(const ad_primitive *primitive, const void *options);

/** Options as C: ".axes = AD_AXES(0), .keepdims = true", "" where there are none. To be freed by the caller; NULL and
 * an error on failure. */
AD_API char *ad_options_text(const ad_primitive *primitive, const void *options);

/** From now on a hook sees every call of an operation in this thread, in the order in which the calls end. NULL: no
 * hook. There is one at a time. While calls are reported, cotangents are added by operations too, and every call takes
 * the general way. Results have the same bits. */
AD_API void ad_on_call(ad_call_hook *hook, void *context);

/** Writes the calls that a function makes as a program, one a line, in the order in which they are made: what each
 * makes, its operands and its options. A call in a rule says of which operation. A value has the name that ad_name gave
 * it, or a number. Arrays that no call made are constants. The function is called once, and its values are kept until
 * it has returned.
 *
 * @param title  stands in front; under the macros it is the function's text; NULL: nothing does
 *
 * Under the macros ad_print_trace(f, x, ...) and ad_fprint_trace(stream, f, x, ...). False and an error: that of the
 * function, or text that cannot be written. */
AD_API bool ad_fprint_trace_of(FILE *stream, const char *title, ad_fn *fn, ...);

/** The calls that a function makes as a graph for Graphviz: `dot -Tsvg`. Under the macro
 * ad_trace_dot(stream, f, x, ...). */
AD_API bool ad_trace_dot_of(FILE *stream, ad_fn *fn, ...);

#ifndef __cplusplus
#define ad_print_trace(f, ...)          ad_fprint_trace_of(stdout, #f, AD_FN_OF_("ad_print_trace", f), __VA_ARGS__)
#define ad_fprint_trace(stream, f, ...) ad_fprint_trace_of(stream, #f, AD_FN_OF_("ad_fprint_trace", f), __VA_ARGS__)
#define ad_trace_dot(stream, f, ...)    ad_trace_dot_of(stream, AD_FN_OF_("ad_trace_dot", f), __VA_ARGS__)
#endif

#include <ad/macros/inspect.h>

AD_END_DECLS

#endif
