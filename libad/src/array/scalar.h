/* Scalars: 0-d float64 arrays with their value in the header. This file says where they come from, and what tells them
 * from other arrays. */
#ifndef AD_SCALAR_INTERNAL_H
#define AD_SCALAR_INTERNAL_H

#include "array/memory.h"

ad_array *ad_scalar_fresh(ad_context *c); /* of kind AD_SCALAR, in no scope; NULL and an error */
void ad_scalar_free_further(ad_context *c, ad_array *x);
void ad_scalar_return(ad_context *c, ad_array *x);
void ad_dual_scalar_free(ad_context *c, ad_array *x); /* keeps it for the next scalar, without its tangents */
uint32_t ad_slabs_collect(struct ad_allocator *a); /* takes back scalars that other threads freed; gives the number of slabs */
void ad_slabs_drain(struct ad_allocator *a, bool ending);

/* Keeps x, of kind AD_SCALAR, for the next request. Nobody refers to x any more. */
AD_ALWAYS_INLINE void ad_scalar_free(ad_context *c, ad_array *x)
{
    struct ad_allocator *a = &c->allocator;
    uint32_t count = a->scalars_count;
    if (__builtin_expect(count == a->scalars_capacity, 0)) {
        ad_scalar_free_further(c, x);
        return;
    }
    x->serial = 0;
    a->scalars[count] = x;
    a->scalars_count = count + 1;
    a->live -= AD_SMALL_STEP;
}

/* The header of a 0-d array whose value, of 8 bytes, is in `scalar`. */
static inline ad_array *ad_scalar_init(ad_context *c, ad_array *x, ad_object_kind kind, ad_dtype dtype, uint8_t flags)
{
    ad_object_init(c, &x->object, 1, kind);
    x->dtype = (uint8_t)dtype;
    x->ndim = 0;
    x->flags = flags;
    x->place = 0;
    x->slot = 0;
    x->size = 1;
    x->data = (char *)&x->scalar;
    x->serial = 0;
    x->tangents = NULL;
    return x;
}

/* A new array of kind AD_SCALAR, in no scope. The caller sets its value, and its slot if it gets a serial. */
AD_ALWAYS_INLINE ad_array *ad_scalar_new(ad_context *c)
{
    struct ad_allocator *a = &c->allocator;
    int64_t live = a->live + AD_SMALL_STEP;
    uint32_t count = a->scalars_count;
    if (__builtin_expect(!count || live > a->watch, 0))
        return ad_scalar_fresh(c);
    a->scalars_count = count - 1;
    a->live = live;
    return a->scalars[count - 1];
}

/* Whether x is 0-d and of dtype AD_F64. */
AD_ALWAYS_INLINE bool ad_is_real(const ad_array *x)
{
    uint16_t kind;
    __builtin_memcpy(&kind, &x->dtype, sizeof kind);
    return kind == AD_F64;
}

/* Whether x has its value in `scalar`. */
AD_ALWAYS_INLINE bool ad_is_scalar(const ad_array *x)
{
    return (uint8_t)(x->object.kind - AD_SCALAR) <= AD_DUAL_SCALAR - AD_SCALAR;
}

/* The value of x as float64, if x is a 0-d float64 array or a C number. Tangents are left out. */
AD_ALWAYS_INLINE bool ad_double_of(const ad_array *x, double *value)
{
    int64_t integer;
    if (__builtin_expect(ad_is_scalar(x), 1)) {
        *value = x->scalar;
        return true;
    }
    if (x->object.kind != AD_PLAIN_ARRAY || x->ndim || x->flags & AD_ABSTRACT)
        return false;
    if (x->dtype == AD_F64) {
        __builtin_memcpy(value, x->data, sizeof *value);
        return true;
    }
    if (x->dtype != AD_I64 || !(x->flags & AD_WEAK))
        return false;
    __builtin_memcpy(&integer, x->data, sizeof integer);
    *value = (double)integer;
    return true;
}

#endif
