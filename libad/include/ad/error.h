/* Errors are values of the thread: the first one is kept until it is cleared.
 *
 * An operation that cannot be done returns NULL and records a code and a sentence. A NULL input makes
 * the result NULL and keeps the first error, so a whole expression is checked once, at its end. */
#ifndef AD_ERROR_H
#define AD_ERROR_H

#include <ad/base.h>

AD_BEGIN_DECLS

/** What went wrong, coarsely; the sentence says the rest. */
typedef enum ad_code {
    AD_OK,
    AD_ERROR_MEMORY,    /**< out of memory, or over ad_memory_limit */
    AD_ERROR_SHAPE,     /**< shapes that do not fit */
    AD_ERROR_DTYPE,     /**< a dtype the operation is not defined for */
    AD_ERROR_AXIS,      /**< an axis out of range or given twice */
    AD_ERROR_INDEX,     /**< an index out of bounds, or an index string that cannot be read */
    AD_ERROR_VALUE,     /**< any other argument out of its domain */
    AD_ERROR_TRANSFORM, /**< a differentiation that cannot be done: no rule, wrong signature, non-scalar output */
    AD_ERROR_THREAD,    /**< a traced value used in another thread */
    AD_ERROR_IO,        /**< a file that cannot be read or written */
    AD_ERROR_FORMAT,    /**< a damaged file */
    AD_ERROR_NUMERIC,   /**< a computation that left its range or did not converge */
    AD_ERROR_USER,      /**< set by user code with ad_set_error */
    AD_ERROR_CANCELLED  /**< the user asked to stop, as observe of hyperopt does */
} ad_code;

/** What happens when an error is recorded, before NULL is returned. What is printed goes to stderr: the sentence, behind the file and line of the
 * call where they are known, "program.c:12: ad_matmul: shapes ...". */
typedef enum ad_on_error_action {
    AD_ERROR_RETURN,         /**< nothing: the default */
    AD_ERROR_PRINT,          /**< it is printed */
    AD_ERROR_PRINT_AND_EXIT, /**< it is printed, and the program ends with status 1: for scripts and examples */
    AD_ERROR_ABORT           /**< it is printed, and the program stops with SIGABRT, in a debugger on that line */
} ad_on_error_action;

/** Whether an error is recorded in this thread. */
AD_API bool ad_failed(void);

/** Code of the recorded error, AD_OK if there is none. */
AD_API ad_code ad_error_code(void);

/** Sentence of the recorded error, "" if there is none; valid until the error is cleared. */
AD_API const char *ad_error_message(void);

/** Forgets the recorded error; everything works again afterwards. */
AD_API void ad_clear_error(void);

/** Chooses what an error does in this thread, from now on.
 *
 * Until then it is what the environment variable AD_ERROR says: return, print, exit or abort. The library reads it when a thread calls it for the
 * first time; another word than these counts as print, and one line on stderr says so.
 * Errors: an action that there is not. */
AD_API void ad_on_error(ad_on_error_action action);

/** Does nothing. It is called whenever an error is recorded, before anything comes of it: `break ad_error_breakpoint` in a debugger. */
AD_API void ad_error_breakpoint(ad_code code, const char *sentence);

/** Records an error unless one is recorded already; a user's function fails with it like the library's.
 *
 * @param code    what went wrong
 * @param format  as printf; name the operation and the values
 * @return        NULL, so that `return ad_set_error(...)` reads well */
AD_API void *ad_set_error(ad_code code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Says what the program is doing, for errors that are recorded from now on in this thread: " (text)" is appended to their sentences. For loops that call
 * functions of others, as hyper_sgd calls a loss: "in iteration 12 of hyper_sgd".
 *
 * @param text  must be there until it is replaced; NULL: nothing is appended
 * @return      the text before, which the caller puts back */
AD_API const char *ad_error_context(const char *text);

/** Where the call that failed stands, as "file.c:12"; "" where that is not known. Valid until the error is cleared.
 *
 * The macros of libad's functions note the place of each call. It is that of the failed call where the error's sentence begins with
 * the name of the function called there last. */
AD_API const char *ad_error_where(void);

/* The place of the last call that a macro made in this thread: "file.c:12", a zero byte, the name of the function. Only the macros write to it. */
AD_API extern __thread const char *ad_call_site_ __attribute__((tls_model("initial-exec")));

AD_END_DECLS

#endif
