/* Shapes, strides and axes: sizes that fit into memory, broadcasting, and the sentences about them in errors. */
#ifndef AD_SHAPE_INTERNAL_H
#define AD_SHAPE_INTERNAL_H

#include "array/array.h"
#include "array/dtype.h"

/* The elements of x for a kernel. */
static inline struct ad_operand operand_of(const ad_array *x)
{
    return (struct ad_operand){ memory_of(x), ad_strides(x), (ad_dtype)x->dtype };
}

/* Gives the number of elements. False: a dimension is negative, or there are too many bytes. An array with a dimension
 * of zero has no elements, but its other dimensions must still be possible by themselves. */
static inline bool ad_shape_checked_size(int ndim, const int64_t *dims, size_t item, int64_t *size)
{
    int64_t product = 1, bytes;
    bool empty = false;
    for (int i = 0; i < ndim; i++) {
        if (dims[i] < 0)
            return false;
        if (dims[i] == 0)
            empty = true;
        else if (__builtin_mul_overflow(product, dims[i], &product))
            return false;
    }
    if (__builtin_mul_overflow(product, (int64_t)item, &bytes))
        return false;
    *size = empty ? 0 : product;
    return true;
}

/* Byte strides of a C-contiguous array of the given shape. */
static inline void c_order_strides(ad_dtype dtype, int ndim, const int64_t *dims, int64_t *strides)
{
    int64_t stride = ad_item_size(dtype);
    for (int i = ndim - 1; i >= 0; i--) {
        strides[i] = stride;
        stride *= dims[i];
    }
}

bool ad_count_fits(const char *operation, int count, int room, const char *things);   /* false and an error: negative, or more than `room` */
void *ad_shape_refuse(ad_dtype dtype, int ndim, const int64_t *dims);                /* NULL and the error: too large, or a negative dimension */
bool ad_shape_possible(const char *operation, ad_dtype dtype, const ad_shape *shape); /* false and an error: the same */
bool ad_shape_broadcasts_to(const ad_array *x, ad_shape shape); /* whether x can be broadcast to exactly this shape */
bool ad_shape_broadcast(ad_shape *into, const ad_shape *with);         /* makes `into` the common shape; false: there is none, and `into` is unchanged */
bool ad_broadcast_dims(ad_shape *into, int ndim, const int64_t *dims); /* the same */
const char *ad_shape_text(char *buffer, size_t size, int ndim, const int64_t *dims); /* "(3,4)" */

/* Writes these dimensions alone, not all 264 bytes of a shape. */
static inline void ad_shape_set(ad_shape *shape, int ndim, const int64_t *dims)
{
    shape->ndim = ndim;
    for (int i = 0; i < ndim; i++)
        shape->dim[i] = dims[i];
}

static inline ad_shape ad_shape_make(int ndim, const int64_t *dims)
{
    ad_shape shape;
    ad_shape_set(&shape, ndim, dims);
    return shape;
}

int ad_axis_resolve(const char *operation, int axis, int ndim); /* -1 and an error */
int ad_axis_of_scalar(const ad_array *x, int axis); /* axis itself; AD_NO_AXIS for the axes 0 and -1 of a 0-d array, which NumPy accepts */
bool ad_axes_resolve(const char *operation, int axis, const ad_axes *axes, int ndim, bool *selected); /* selects all axes if none is given */

typedef struct ad_shape_buffer {
    char text[200];
} ad_shape_buffer;
#define AD_SHAPE_TEXT(x) ad_shape_text((ad_shape_buffer){ { 0 } }.text, sizeof(ad_shape_buffer), (x)->ndim, ad_dims(x))

#endif
