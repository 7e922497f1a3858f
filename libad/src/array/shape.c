/* Shapes and axes: sizes with overflow checks, broadcasting, resolving negative axes. */
#include "array/error.h"
#include "array/shape.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* A shape from a user may have any number of dimensions. */
static bool has_axes(const ad_shape *shape)
{
    return shape->ndim >= 0 && shape->ndim <= AD_MAX_NDIM;
}

int64_t ad_shape_size(ad_shape shape)
{
    int64_t size;
    return has_axes(&shape) && ad_shape_checked_size(shape.ndim, shape.dim, 1, &size) ? size : INT64_MAX;
}

bool ad_shape_equal(ad_shape a, ad_shape b)
{
    return a.ndim == b.ndim && has_axes(&a) && memcmp(a.dim, b.dim, (size_t)a.ndim * sizeof *a.dim) == 0;
}

/* Compares from the last axis on. */
bool ad_broadcast_dims(ad_shape *into, int ndim, const int64_t *dims)
{
    int64_t *last = into->dim + into->ndim;
    for (int i = 1; i <= ndim && i <= into->ndim; i++)
        if (last[-i] != dims[ndim - i] && last[-i] != 1 && dims[ndim - i] != 1)
            return false;
    int missing = ndim - into->ndim;
    if (missing > 0) {
        memmove(into->dim + missing, into->dim, (size_t)into->ndim * sizeof *dims);
        memcpy(into->dim, dims, (size_t)missing * sizeof *dims);
        into->ndim = ndim;
    }
    last = into->dim + into->ndim;
    for (int i = 1; i <= ndim; i++)
        if (last[-i] == 1)
            last[-i] = dims[ndim - i];
    return true;
}

bool ad_shape_broadcast(ad_shape *into, const ad_shape *with)
{
    return ad_broadcast_dims(into, with->ndim, with->dim);
}

bool ad_shape_broadcasts_to(const ad_array *x, ad_shape shape)
{
    ad_shape joined = shape, own = ad_shape_make(x->ndim, ad_dims(x));
    return ad_shape_broadcast(&joined, &own) && ad_shape_equal(joined, shape);
}

const char *ad_shape_text(char *buffer, size_t size, int ndim, const int64_t *dims)
{
    size_t used = (size_t)snprintf(buffer, size, "(");
    for (int i = 0; i < ndim && used < size; i++)
        used += (size_t)snprintf(buffer + used, size - used, i ? ",%lld" : "%lld", (long long)dims[i]);
    if (used < size)
        snprintf(buffer + used, size - used, ndim == 1 ? ",)" : ")");
    return buffer;
}

const char *ad_shape_tostring(ad_shape shape, char *buffer, size_t room)
{
    if (!buffer || room == 0)
        return "";
    if (has_axes(&shape))
        return ad_shape_text(buffer, room, shape.ndim, shape.dim);
    snprintf(buffer, room, "no shape");
    return buffer;
}

bool ad_count_fits(const char *operation, int count, int room, const char *things)
{
    if (count >= 0 && count <= room)
        return true;
    return AD_FAIL(AD_ERROR_SHAPE, "%s: %d %s; at most %d are possible", operation, count, things, room);
}

void *ad_shape_refuse(ad_dtype dtype, int ndim, const int64_t *dims)
{
    ad_shape_buffer text;
    return ad_set_error_of_running(AD_ERROR_SHAPE, "shape %s of %s is negative somewhere or has more elements than can be addressed",
                                   ad_shape_text(text.text, sizeof text, ndim, dims), ad_dtype_name(dtype));
}

bool ad_shape_possible(const char *operation, ad_dtype dtype, const ad_shape *shape)
{
    int64_t size;
    if (!ad_count_fits(operation, shape->ndim, AD_MAX_NDIM, "dimensions"))
        return false;
    AD_RUNNING(ad_current(), operation);
    return ad_shape_checked_size(shape->ndim, shape->dim, ad_dtype_size(dtype), &size) || ad_shape_refuse(dtype, shape->ndim, shape->dim);
}

int ad_axis_resolve(const char *operation, int axis, int ndim)
{
    if (axis < -ndim || axis >= ndim) {
        ad_set_error(AD_ERROR_AXIS, "%s: axis %d is out of range for an array of %d dimensions", operation, axis, ndim);
        return -1;
    }
    return axis < 0 ? axis + ndim : axis;
}

int ad_axis_of_scalar(const ad_array *x, int axis)
{
    return x && x->ndim == 0 && (axis == 0 || axis == -1) ? INT_MIN : axis;
}

bool ad_axes_resolve(const char *operation, int axis, const ad_axes *axes, int ndim, bool *selected)
{
    bool all = axis == INT_MIN && (!axes || axes->count == 0);
    if (axis != INT_MIN && axes && axes->count)
        return AD_FAIL(AD_ERROR_AXIS, "%s: takes .axis or .axes, not both", operation);
    for (int i = 0; i < ndim; i++)
        selected[i] = all;
    if (all)
        return true;
    int single[1] = { axis }, count = axis == INT_MIN ? axes->count : 1;
    const int *list = axis == INT_MIN ? axes->axis : single;
    if (!ad_count_fits(operation, count, AD_MAX_NDIM, "axes"))
        return false;
    for (int i = 0; i < count; i++) {
        int resolved = ad_axis_resolve(operation, list[i], ndim);
        if (resolved < 0)
            return false;
        if (selected[resolved])
            return AD_FAIL(AD_ERROR_AXIS, "%s: axis %d is given twice", operation, list[i]);
        selected[resolved] = true;
    }
    return true;
}
