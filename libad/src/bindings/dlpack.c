/* DLPack: an array as a tensor that holds a reference to it, and a tensor as an array whose storage holds the tensor.
 *
 * Neither copies elements. An array never changes, so an exported array is read-only. A storage that is not libad's own
 * is never written to. */
#include "ad/dlpack.h"
#include "array/context.h"
#include "array/dtype.h"
#include "array/error.h"
#include "array/shape.h"

/* Which dtype has which code and bits. */
static const struct {
    uint8_t code, bits;
} types[AD_DTYPE_COUNT] = {
    [AD_F64] = { AD_DLPACK_FLOAT, 64 }, [AD_F32] = { AD_DLPACK_FLOAT, 32 }, [AD_C128] = { AD_DLPACK_COMPLEX, 128 }, [AD_C64] = { AD_DLPACK_COMPLEX, 64 },
    [AD_I64] = { AD_DLPACK_INT, 64 },   [AD_I32] = { AD_DLPACK_INT, 32 },   [AD_U8] = { AD_DLPACK_UINT, 8 },         [AD_BOOL] = { AD_DLPACK_BOOL, 8 },
};

/* ---- out ---- */

/* One block: the tensor in the form that is asked for, followed by its lengths and strides. */
struct exported {
    union {
        ad_dlpack_versioned versioned;
        ad_dlpack_managed managed;
    };
    int64_t extents[]; /* ndim lengths, ndim strides */
};

static struct exported *exported_new(const char *operation, const ad_array *x)
{
    if (!ad_given(x, operation, "array"))
        return NULL;
    AD_RUNNING(ad_current(), operation);
    struct exported *e = ad_memory_take(sizeof *e + 2 * (size_t)x->ndim * sizeof(int64_t));
    if (!e)
        return NULL;
    for (int i = 0; i < x->ndim; i++) {
        e->extents[i] = ad_dims(x)[i];
        e->extents[x->ndim + i] = ad_strides(x)[i] / ad_item_size((ad_dtype)x->dtype);
    }
    return e;
}

static void describe(struct exported *e, ad_dlpack_tensor *tensor, const ad_array *x)
{
    tensor->data = memory_of(x);
    tensor->device.type = AD_DLPACK_CPU;
    tensor->ndim = x->ndim;
    tensor->dtype.code = types[x->dtype].code;
    tensor->dtype.bits = types[x->dtype].bits;
    tensor->dtype.lanes = 1;
    tensor->shape = e->extents;
    tensor->strides = e->extents + x->ndim;
}

static void versioned_delete(ad_dlpack_versioned *self)
{
    (ad_release)(self->context);
    ad_memory_give(self);
}

static void managed_delete(ad_dlpack_managed *self)
{
    (ad_release)(self->context);
    ad_memory_give(self);
}

ad_dlpack_versioned *ad_to_dlpack(const ad_array *x)
{
    struct exported *e = exported_new("ad_to_dlpack", x);
    if (!e)
        return NULL;
    describe(e, &e->versioned.tensor, x);
    e->versioned.major = AD_DLPACK_MAJOR;
    e->versioned.minor = AD_DLPACK_MINOR;
    e->versioned.flags = AD_DLPACK_READ_ONLY;
    e->versioned.deleter = versioned_delete;
    e->versioned.context = (ad_retain)((ad_array *)x);
    return &e->versioned;
}

ad_dlpack_managed *ad_to_dlpack_managed(const ad_array *x)
{
    struct exported *e = exported_new("ad_to_dlpack_managed", x);
    if (!e)
        return NULL;
    describe(e, &e->managed.tensor, x);
    e->managed.deleter = managed_delete;
    e->managed.context = (ad_retain)((ad_array *)x);
    return &e->managed;
}

/* ---- in ---- */

static bool dtype_of(const char *operation, const ad_dlpack_tensor *tensor, ad_dtype *dtype)
{
    for (int i = 0; i < AD_DTYPE_COUNT && tensor->dtype.lanes == 1; i++)
        if (types[i].code == tensor->dtype.code && types[i].bits == tensor->dtype.bits) {
            *dtype = (ad_dtype)i;
            return true;
        }
    return AD_FAIL(AD_ERROR_DTYPE, "%s: elements of code %d, %d bits and %d lanes; those of libad's dtypes can be taken, of one lane", operation,
                   tensor->dtype.code, tensor->dtype.bits, tensor->dtype.lanes);
}

/* Byte strides; false and an error: elements are so far apart that no memory holds them. */
static bool strides_of(const char *operation, const ad_dlpack_tensor *tensor, ad_dtype dtype, const ad_shape *shape, int64_t *strides)
{
    int64_t reach = 0;
    if (!tensor->strides) {
        c_order_strides(dtype, shape->ndim, shape->dim, strides);
        return true;
    }
    for (int i = 0; i < shape->ndim; i++) {
        int64_t stride = tensor->strides[i], far = 0;
        bool fits = shape->dim[i] <= 1 || !(__builtin_mul_overflow(stride, ad_item_size(dtype), &strides[i]) || strides[i] == INT64_MIN ||
                                            __builtin_mul_overflow(strides[i] < 0 ? -strides[i] : strides[i], shape->dim[i] - 1, &far) ||
                                            __builtin_add_overflow(reach, far, &reach));
        if (!fits)
            return AD_FAIL(AD_ERROR_SHAPE, "%s: a stride of %lld elements along axis %d, of length %lld; no memory holds that", operation, (long long)stride, i,
                           (long long)shape->dim[i]);
        if (shape->dim[i] <= 1)
            strides[i] = ad_item_size(dtype);
    }
    return true;
}

static bool shape_of(const char *operation, const ad_dlpack_tensor *tensor, ad_dtype dtype, ad_shape *shape)
{
    if (tensor->ndim < 0 || tensor->ndim > AD_MAX_NDIM)
        return AD_FAIL(AD_ERROR_SHAPE, "%s: %d axes; 0 to %d are possible", operation, (int)tensor->ndim, AD_MAX_NDIM);
    if (tensor->ndim && !tensor->shape)
        return AD_FAIL(AD_ERROR_VALUE, "%s: %d axes without lengths (NULL)", operation, (int)tensor->ndim);
    ad_shape_set(shape, tensor->ndim, tensor->shape);
    return ad_shape_possible(operation, dtype, shape);
}

/* The address of the elements; NULL if there are none; false and an error if it cannot be their address. */
static bool data_of(const char *operation, const ad_dlpack_tensor *tensor, ad_dtype dtype, bool empty, char **data)
{
    size_t alignment = (size_t)ad_item_size(ad_dtype_real(dtype));
    *data = empty || !tensor->data ? NULL : (char *)tensor->data + tensor->byte_offset;
    if (!empty && !*data)
        return AD_FAIL(AD_ERROR_VALUE, "%s: no data (NULL)", operation);
    if ((uintptr_t)*data % alignment != 0)
        return AD_FAIL(AD_ERROR_VALUE, "%s: data at %p are not aligned for %s", operation, (void *)*data, ad_dtype_name(dtype));
    return true;
}

/* The array, whose storage calls release(context) at the end. */
static ad_array *taken(const char *operation, const ad_dlpack_tensor *tensor, void (*release)(void *), void *context)
{
    ad_context *c = ad_current();
    ad_dtype dtype;
    ad_shape shape;
    int64_t strides[AD_MAX_NDIM];
    char *data;
    AD_RUNNING(c, operation);
    if (tensor->device.type != AD_DLPACK_CPU)
        return ad_set_error(AD_ERROR_VALUE, "%s: memory of a device of type %d; that of the CPU, %d, can be taken", operation, (int)tensor->device.type,
                            AD_DLPACK_CPU);
    if (!dtype_of(operation, tensor, &dtype) || !shape_of(operation, tensor, dtype, &shape) || !strides_of(operation, tensor, dtype, &shape, strides) ||
        !data_of(operation, tensor, dtype, ad_shape_size(shape) == 0, &data))
        return NULL;
    /* It has one element, or none: the view has the same storage. */
    ad_array *first = ad_wrap(dtype, data, data ? AD_SCALAR_SHAPE : AD_SHAPE(0), NULL, NULL);
    ad_array *x = first ? ad_array_view(c, first, dtype, shape.ndim, shape.dim, strides, 0) : NULL;
    if (x) {
        x->storage->release = release;
        x->storage->release_context = context;
    }
    return x;
}

static void versioned_release(void *context)
{
    ad_dlpack_versioned *tensor = context;
    if (tensor->deleter)
        tensor->deleter(tensor);
}

static void managed_release(void *context)
{
    ad_dlpack_managed *tensor = context;
    if (tensor->deleter)
        tensor->deleter(tensor);
}

ad_array *ad_from_dlpack(ad_dlpack_versioned *tensor)
{
    if (!ad_given(tensor, "ad_from_dlpack", "tensor"))
        return NULL;
    if (tensor->major != AD_DLPACK_MAJOR)
        return ad_set_error(AD_ERROR_FORMAT, "ad_from_dlpack: a tensor of DLPack %u.%u; version %d can be taken", (unsigned)tensor->major,
                            (unsigned)tensor->minor, AD_DLPACK_MAJOR);
    return taken("ad_from_dlpack", &tensor->tensor, versioned_release, tensor);
}

ad_array *ad_from_dlpack_managed(ad_dlpack_managed *tensor)
{
    return ad_given(tensor, "ad_from_dlpack_managed", "tensor") ? taken("ad_from_dlpack_managed", &tensor->tensor, managed_release, tensor) : NULL;
}
