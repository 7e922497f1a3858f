/* The array: what it is made of, what is read from it without a call, and what makes one.
 *
 * An array is a header block with its dimensions and strides behind it. At most AD_INLINE_BYTES of data live in that
 * same block, a single value in the header itself. More data live in a storage that views share. A small storage stands
 * in that block too. Once an array has been handed out, nothing of it changes but its reference counts. That makes
 * sharing it safe.
 *
 * The other headers of array/ stand beside the files whose functions they declare: context, error, allocator, memory,
 * scalar, scope, shape, dtype and tree. */
#ifndef AD_ARRAY_INTERNAL_H
#define AD_ARRAY_INTERNAL_H

#include "ad/base.h"
#include <stdatomic.h>
#include <stddef.h>

/* For the few lines that every operation on a scalar runs through. */
#define AD_ALWAYS_INLINE static inline __attribute__((always_inline))

typedef struct ad_context ad_context; /* context.h */

/* What arrays, trees and pullbacks have in common. `local` counts the references of the owning thread and needs no
 * atomics. All references in `local` together are one reference in `shared`, which also counts those of other threads
 * and of ad_retain. */
struct ad_object {
    uint32_t local, owner;
    _Atomic uint32_t shared;
    uint8_t size_class;
    uint8_t kind;        /* ad_object_kind */
    uint8_t dtype, ndim; /* of an array */
};

typedef enum ad_object_kind {
    AD_PLAIN_ARRAY, /* its block is all there is to it */
    AD_SCALAR,      /* plain, and 0-d, float64, not weak, with its value in `scalar` and without tangents */
    AD_DUAL_SCALAR, /* the same with tangents */
    AD_JOINED,      /* plain, but for a storage in its block, which views may share */
    AD_ARRAY,       /* with another storage or with tangents, or it may have them */
    AD_TREE
} ad_object_kind;

static inline bool ad_is_tree(const struct ad_object *object)
{
    return object->kind == AD_TREE;
}

/* Reference-counted memory that arrays view. The data follow it, unless they are the caller's (ad_wrap). */
struct ad_storage {
    _Atomic int64_t refs;
    void *block;    /* what goes with the last reference: this storage, or the array in whose block it stands */
    size_t bytes;   /* of the block */
    uint32_t owner; /* number of the thread that made it */
    void (*release)(void *); /* for the caller's data; NULL: the data follow this */
    void *release_context;
};

/* A tangent of one forward level. */
struct ad_tangent {
    uint64_t level; /* its serial number */
    struct ad_array *value; /* NULL: the value is a scalar, which stands below and depends on no forward level */
    struct ad_tangent *next;
    double scalar;
    uint32_t slot; /* of that scalar in the trace of the level */
    int depth;     /* of the level among those that were open */
};

enum { AD_INLINE_BYTES = 128, AD_WEAK = 1, AD_CONTIGUOUS = 2, AD_ABSTRACT = 4, AD_STORED = 8, AD_NAMED = 16 };

/* One cache line for a scalar. */
struct ad_array {
    union {
        struct ad_object object;
        struct {
            char head[offsetof(struct ad_object, dtype)];
            uint8_t dtype, ndim;
        };
    };
    uint8_t flags;
    uint8_t place; /* of a scalar in its slab; 0: it is in none */
    uint32_t slot; /* number of its slot on the tape of trace `serial`, if it has one; 0: it depends on no reverse level */
    int64_t size;  /* elements */
    char *data;
    union {
        struct ad_storage *storage; /* if AD_STORED is set */
        double scalar;              /* otherwise: inline data of at most this size, if `data` points here */
    };
    uint64_t serial; /* of the trace in which it last depended on something; 0: none */
    struct ad_tangent *tangents; /* of forward levels */
    int64_t extents[];           /* ndim dimensions, ndim byte strides, then larger inline data at the next multiple of 16 */
};
_Static_assert(sizeof(ad_array) == 64, "a scalar takes one cache line");

/* libad/tools/libad-gdb.py reads arrays at these places. */
_Static_assert(offsetof(ad_array, object.size_class) == 12 && offsetof(ad_array, dtype) == 14 && offsetof(ad_array, flags) == 16 &&
                   offsetof(ad_array, slot) == 20 && offsetof(ad_array, size) == 24 && offsetof(ad_array, data) == 32 && offsetof(ad_array, serial) == 48 &&
                   offsetof(ad_array, extents) == 64,
               "as gdb shows them");

/* The name that the program gave x, at the end of its block; NULL: none. */
enum { AD_NAME_BYTES = 48 };

static inline const char *ad_name_of(const ad_array *x)
{
    return x->flags & AD_NAMED ? (const char *)x + (size_t)x->object.size_class * 64 - AD_NAME_BYTES : NULL;
}

static inline const int64_t *ad_dims(const ad_array *x)
{
    return x->extents;
}

static inline int64_t *ad_strides(const ad_array *x)
{
    return (int64_t *)x->extents + x->ndim;
}

/* Whether a and b have the same shape. */
static inline bool ad_same_shape(const ad_array *a, const ad_array *b)
{
    if (a->ndim != b->ndim)
        return false;
    for (int i = 0; i < a->ndim; i++)
        if (ad_dims(a)[i] != ad_dims(b)[i])
            return false;
    return true;
}

/* Where the elements of x are: all that stands above array/ reaches them by this, and by operand_of. */
AD_ALWAYS_INLINE char *memory_of(const ad_array *x)
{
    return x->data;
}

/* Whether a and b have the same shape, dtype and flags. The flags AD_STORED and AD_NAMED do not count. */
AD_ALWAYS_INLINE bool ad_is_alike(const ad_array *a, const ad_array *b)
{
    static const uint8_t compared[] = { 0xff, 0xff, (uint8_t)~(AD_STORED | AD_NAMED), 0 }; /* of dtype, ndim, flags, place */
    uint32_t mask, form_a, form_b;
    __builtin_memcpy(&mask, compared, sizeof mask);
    __builtin_memcpy(&form_a, &a->dtype, sizeof form_a);
    __builtin_memcpy(&form_b, &b->dtype, sizeof form_b);
    if ((form_a ^ form_b) & mask || a->size != b->size)
        return false;
    for (int i = 1; i < a->ndim; i++)
        if (ad_dims(a)[i] != ad_dims(b)[i])
            return false;
    return true;
}

/* Each of these gives an array that belongs to the innermost scope, or NULL and an error. */
ad_array *ad_array_new(ad_context *c, ad_dtype dtype, int ndim, const int64_t *dims); /* uninitialised, C-contiguous */
ad_array *ad_array_like(ad_context *c, ad_dtype dtype, const ad_array *x); /* the same in the shape of x, which is dense and not 0-d */
ad_array *ad_array_zeros(ad_context *c, ad_dtype dtype, int ndim, const int64_t *dims);
ad_array *ad_array_abstract(ad_context *c, ad_dtype dtype, int ndim, const int64_t *dims); /* shape and dtype only */
ad_array *ad_array_alias(ad_context *c, const ad_array *x);                               /* the same data and name, no trace */
ad_array *ad_array_named(ad_context *c, const ad_array *x, const char *name);             /* an alias with a name of fewer than AD_NAME_BYTES bytes */
ad_array *ad_array_view(ad_context *c, const ad_array *x, ad_dtype dtype, int ndim, const int64_t *dims, const int64_t *strides, int64_t offset);
ad_array *ad_array_contiguous(ad_context *c, ad_array *x); /* x itself if it is contiguous; otherwise a copy without trace */
ad_array *ad_array_cast(ad_context *c, ad_array *x, ad_dtype dtype); /* a copy without trace */
ad_array *ad_array_of_integers(ad_context *c, ad_array *x); /* C-contiguous int64 without trace */
void ad_array_free(ad_context *c, ad_array *x);
void ad_tangents_drop(ad_context *c, ad_array *x);

#endif
