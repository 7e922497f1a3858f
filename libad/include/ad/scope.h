/* Ownership: scopes, references, memory.
 *
 * Every array and tree that a function returns belongs to the innermost open scope of its thread, even if it is an
 * operand returned unchanged. Closing the scope drops it. A scope closes every scope inside it. Without an open scope,
 * arrays and trees belong to the thread and are dropped when it ends. */
#ifndef AD_SCOPE_H
#define AD_SCOPE_H

#include <ad/base.h>
#include <ad/call.h>

AD_BEGIN_DECLS

/** An open scope. It is a plain value: the depth at which it was opened. */
typedef struct ad_scope {
    uint32_t depth;
} ad_scope;

/** Opens a scope inside the innermost one. */
AD_API ad_scope ad_scope_open(void);

/** Closes a scope, and the scopes inside it that are still open. Differentiations that began in it and were left by a
 * C++ exception or a longjmp end. */
AD_API void ad_scope_close(ad_scope scope);

static inline void ad_scope_cleanup_(ad_scope *scope)
{
    ad_scope_close(*scope);
}

#ifdef __cplusplus
#define AD_SCOPE_SITE_ (void)0
#else
#define AD_SCOPE_SITE_ AD_SITE_("AD_SCOPE")
#endif

/** Opens a scope that ends with the enclosing C block, however the block is left. Expands to
 *
 *     __attribute__((cleanup(ad_scope_cleanup_), unused))
 *         ad_scope ad_scope_12_ = (ad_call_site_ = "file.c:12" "\0" "AD_SCOPE", ad_scope_open()) */
#define AD_SCOPE                                                                                                       \
    __attribute__((cleanup(ad_scope_cleanup_), unused)) ad_scope AD_JOIN_(ad_scope_, AD_JOIN_(__LINE__, _)) = (AD_SCOPE_SITE_, ad_scope_open())

/** Moves x one scope out, so that it outlives the innermost scope: `return ad_escape(y);`. Gives x; for NULL it gives
 * NULL and an error. */
AD_API ad_array *ad_escape(ad_array *x);
AD_API ad_tree *ad_tree_escape(ad_tree *t);

/** Takes a reference, for a value that is kept in a struct. References may be taken and released in any thread. */
AD_API ad_array *ad_retain(ad_array *x);
AD_API ad_tree *ad_tree_retain(ad_tree *t);

/** Drops a reference taken by ad_retain or ad_assign. NULL is allowed. Errors: nobody has retained x, or it was
 * released already. This is found where a scope of this thread still holds x. */
AD_API void ad_release(ad_array *x);
AD_API void ad_tree_release(ad_tree *t);

/** ad_assign(&w, x): makes w, a variable that outlives the innermost scope, hold x in place of what it held. It retains
 * x, releases the old value and stores x.
 *
 * w begins as NULL or with a value that was retained, and is released in the end:
 *
 *     ad_array *w = ad_retain(ad_zeros(AD_SHAPE(3)));
 *     for (...) {
 *         AD_SCOPE;
 *         ad_assign(&w, ad_sub(w, ad_mul(0.1, ad_grad(loss)(w))));
 *     }
 *     ad_release(w);
 *
 * @return  x; NULL on failure, and w is unchanged
 * Errors: x is NULL (an error that is already set stays); w holds a value that was not retained, which is found as in
 * ad_release. */
AD_API ad_array *ad_assign(ad_array **variable, ad_array *x);
AD_API ad_tree *ad_tree_assign(ad_tree **variable, ad_tree *x);

#ifndef __cplusplus
#define ad_escape(x)  AD_BY_KIND_("ad_escape", x, ad_tree_escape, (ad_escape))
#define ad_retain(x)  AD_BY_KIND_("ad_retain", x, ad_tree_retain, (ad_retain))
#define ad_release(x) AD_BY_KIND_("ad_release", x, ad_tree_release, (ad_release))

/* Calls the function for trees or the one for arrays. */
#define AD_BY_KIND_(name, x, of_tree, of_array)       AD_BY_KIND_1_(AD_UNIQUE_, name, x, of_tree, of_array)
#define AD_BY_KIND_1_(id, name, x, of_tree, of_array) AD_BY_KIND_2_(id, name, x, of_tree, of_array)
#define AD_BY_KIND_2_(id, name, x, of_tree, of_array)                                                                  \
    __extension__({                                                                                                    \
        __auto_type id = (x);                                                                                          \
        AD_SITE_(name);                                                                                                \
        _Generic(id, ad_tree *: of_tree, default: of_array)(id);                                                       \
    })

#define ad_assign(variable, x)        AD_ASSIGN_1_(AD_UNIQUE_, variable, x)
#define AD_ASSIGN_1_(id, variable, x) AD_ASSIGN_2_(id, variable, x)
#define AD_ASSIGN_2_(id, variable, x)                                                                                  \
    __extension__({                                                                                                    \
        __auto_type id##a = (variable);                                                                                \
        __auto_type id##b = (x);                                                                                       \
        AD_SITE_("ad_assign");                                                                                         \
        _Generic(id##a, ad_tree **: ad_tree_assign, default: (ad_assign))(id##a, id##b);                               \
    })
#endif

/** Memory of this thread, in bytes. */
typedef struct ad_memory_usage {
    int64_t live;               /**< in use now, including bookkeeping */
    int64_t peak;               /**< the most that was in use at once */
    int64_t cached;             /**< freed by the library and kept for reuse */
    int64_t limit;              /**< 0: none */
    int64_t system_allocations; /**< calls for fresh memory so far */
} ad_memory_usage;

/** Reads the statistics of this thread. */
AD_API void ad_memory_stats(ad_memory_usage *usage);

/** Sets how many bytes this thread may use at once; 0 for no limit. An allocation beyond it is an AD_ERROR_MEMORY. */
AD_API void ad_memory_trim(void);

/** Sets how many bytes this thread may use at once; 0 for no limit. An allocation beyond it is an AD_ERROR_MEMORY. */
AD_API void ad_memory_limit(int64_t bytes);

/** Makes the n-th allocation of this thread from now (counting from 1) and every later one fail, as if memory had run
 * out; 0 ends it. It is for testing that a program survives. */
AD_API void ad_memory_fail_after(int64_t n);

/* Memory for code that is built on the library. The limits, statistics and failures above count it as they count
 * arrays. */

/** A block of zeros for this thread, aligned to 16 bytes; also for 0 bytes. It stays until it is given back, which may
 * happen in any thread.
 *
 * @return  NULL and an error if there is no memory */
AD_API void *ad_memory_take(size_t bytes);

/** The block with another size. Its contents stay, as far as they fit, and zeros follow. It may move. For a NULL block:
 * a new one.
 *
 * @return  NULL and an error if there is no memory; the block is then unchanged */
AD_API void *ad_memory_resize(void *block, size_t bytes);

/** Gives a block back. NULL is allowed. */
AD_API void ad_memory_give(void *block);

AD_END_DECLS

#endif
