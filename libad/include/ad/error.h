/* Errors are values of the thread: the first one is kept until it is cleared.
 *
 * An operation that cannot be done returns NULL and sets an error: a code and a sentence. A NULL input makes the result
 * NULL and keeps the first error. So a whole expression is checked once, at its end. */
#ifndef AD_ERROR_H
#define AD_ERROR_H

#include <ad/base.h>

AD_BEGIN_DECLS

/** What went wrong, in broad classes. The sentence says the rest. */
typedef enum ad_code {
    AD_OK,
    AD_ERROR_MEMORY,    /**< out of memory, or over ad_memory_limit */
    AD_ERROR_SHAPE,     /**< shapes that do not fit */
    AD_ERROR_DTYPE,     /**< a dtype for which the operation is not defined */
    AD_ERROR_AXIS,      /**< an axis out of range or given twice */
    AD_ERROR_INDEX,     /**< an index out of bounds, or an index string that cannot be read */
    AD_ERROR_VALUE,     /**< any other argument out of its domain */
    AD_ERROR_TRANSFORM, /**< a differentiation that cannot be done: no rule, wrong signature, a result that is not a scalar */
    AD_ERROR_THREAD,    /**< a traced value used in another thread */
    AD_ERROR_IO,        /**< a file that cannot be read or written */
    AD_ERROR_FORMAT,    /**< a damaged file */
    AD_ERROR_NUMERIC,   /**< a computation that left its range or did not converge */
    AD_ERROR_USER,      /**< set by user code with ad_set_error */
    AD_ERROR_CANCELLED  /**< the user asked to stop, for example in `observe` of hyperopt */
} ad_code;

/** What happens when an error is set, before NULL is returned. What is printed goes to stderr: the sentence, after the
 * file and line of the call where they are known, "program.c:12: ad_matmul: shapes ...". */
typedef enum ad_on_error_action {
    AD_ERROR_RETURN,         /**< nothing: the default */
    AD_ERROR_PRINT,          /**< the error is printed */
    AD_ERROR_PRINT_AND_EXIT, /**< the error is printed, and the program ends with status 1: for scripts and examples */
    AD_ERROR_ABORT           /**< the error is printed, and the program stops with SIGABRT, in a debugger on that line */
} ad_on_error_action;

/** Whether an error is set in this thread. */
AD_API bool ad_failed(void);

/** Code of the error; AD_OK if there is none. */
AD_API ad_code ad_error_code(void);

/** Sentence of the error; "" if there is none. Valid until the error is cleared. */
AD_API const char *ad_error_message(void);

/** Forgets the error. Everything works again afterwards. */
AD_API void ad_clear_error(void);

/** Chooses what an error does in this thread, from now on.
 *
 * Until then it is what the environment variable AD_ERROR says: return, print, exit or abort. The library reads it when
 * a thread calls it for the first time. Any other word counts as print, and one line on stderr says so.
 * Errors: a value that is not an action. */
AD_API void ad_on_error(ad_on_error_action action);

/** Does nothing. It is called whenever an error is set, before anything else happens: `break ad_error_breakpoint` in a
 * debugger. */
AD_API void ad_error_breakpoint(ad_code code, const char *sentence);

/** Sets an error unless one is set already. A user's function fails with it as the library's functions do.
 *
 * @param code    what went wrong
 * @param format  as for printf; name the operation and the values
 * @return        NULL, so that `return ad_set_error(...)` reads well */
AD_API void *ad_set_error(ad_code code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Says what the program is doing. " (text)" is appended to the sentences of errors that are set from now on in this
 * thread. It is for loops that call functions of others, as hyper_sgd calls a loss: "in iteration 12 of hyper_sgd".
 *
 * @param text  must exist until it is replaced; NULL: nothing is appended
 * @return      the text before, which the caller puts back */
AD_API const char *ad_error_context(const char *text);

/** Where the call that failed stands, as "file.c:12"; "" where that is not known. Valid until the error is cleared.
 *
 * The macros of libad's functions note the place of each call. It is that of the failed call where the error's sentence
 * begins with the name of the function called there last. */
AD_API const char *ad_error_where(void);

/* The place of the last call that a macro made in this thread: "file.c:12", a zero byte, the name of the function. Only
 * the macros write to it. */
AD_API extern __thread const char *ad_call_site_ __attribute__((tls_model("initial-exec")));

AD_END_DECLS

#endif
