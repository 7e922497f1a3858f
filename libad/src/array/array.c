/* Making arrays and reading them.
 *
 * A new array is C-contiguous and belongs to the innermost scope. Readers of elements go through ad_array_contiguous,
 * so that they see plain C order. */
#include "ad/array.h"
#include "array/error.h"
#include "array/scope.h"
#include "array/shape.h"
#include "kernels/kernels.h"
#include <complex.h>
#include <string.h>

/* Where that many bytes of inline data begin: a single value is in the header, more stand behind the extents. */
static size_t payload_at(int ndim, size_t payload)
{
    if (payload <= sizeof(double))
        return offsetof(ad_array, scalar);
    return (sizeof(ad_array) + 2 * (size_t)ndim * sizeof(int64_t) + 15) & ~(size_t)15;
}

/* Bytes of a header with ndim extents and strides. */
static size_t header_bytes(int ndim)
{
    return sizeof(ad_array) + 2 * (size_t)ndim * sizeof(int64_t);
}

/* The header of an array at the start of a block of `bytes`, in the innermost scope. The caller sets its data,
 * dimensions and strides. */
AD_ALWAYS_INLINE ad_array *header_new(ad_context *c, ad_dtype dtype, int ndim, int64_t size, size_t bytes)
{
    ad_array *x = ad_header_allocate(c, bytes);
    if (!x)
        return NULL;
    ad_object_init(c, &x->object, (uint8_t)((bytes + AD_SMALL_STEP - 1) / AD_SMALL_STEP), AD_PLAIN_ARRAY);
    x->dtype = (uint8_t)dtype;
    x->ndim = (uint8_t)ndim;
    x->flags = AD_CONTIGUOUS;
    x->place = 0;
    x->slot = 0;
    x->size = size;
    x->data = NULL;
    x->serial = 0;
    x->tangents = NULL;
    if (!ad_scope_add(c, &x->object)) {
        ad_header_deallocate(c, c->id, x, bytes);
        return NULL;
    }
    return x;
}

/* Bytes of a block that holds `payload` bytes of inline data. */
static size_t inline_bytes(int ndim, size_t payload)
{
    size_t end = payload_at(ndim, payload) + payload, header = header_bytes(ndim);
    return end > header ? end : header;
}

/* Sets the dimensions, and the strides of C order. */
AD_ALWAYS_INLINE void extents_c_order(ad_array *x, ad_dtype dtype, int ndim, const int64_t *dims)
{
    int64_t stride = ad_item_size(dtype);
    for (int i = ndim - 1; i >= 0; i--) {
        x->extents[i] = dims[i];
        x->extents[ndim + i] = stride;
        stride *= dims[i];
    }
}

/* Where the storage of a joined array stands in its block, and the bytes it takes there. A storage with a block of its
 * own has its data 64 bytes after its start. */
enum { JOINED_STORAGE = (sizeof(struct ad_storage) + 15) & ~(size_t)15, STORAGE = 64, LARGEST_SMALL_BLOCK = 1024 };
_Static_assert(sizeof(struct ad_storage) <= STORAGE, "the data are behind it");

static size_t joined_at(int ndim)
{
    return (header_bytes(ndim) + 15) & ~(size_t)15;
}

static void storage_init(ad_context *c, struct ad_storage *storage, void *block, size_t bytes)
{
    atomic_init(&storage->refs, 1);
    storage->block = block;
    storage->bytes = bytes;
    storage->owner = c->id;
    storage->release = NULL;
}

static struct ad_storage *storage_new(ad_context *c, size_t bytes)
{
    struct ad_storage *storage = ad_allocate(c, STORAGE + bytes);
    if (storage)
        storage_init(c, storage, storage, STORAGE + bytes);
    return storage;
}

/* The last reference takes the block with it. An array's header may be part of that block. */
static void storage_release(ad_context *c, struct ad_storage *storage)
{
    if (!ad_is_unshared(storage) && atomic_fetch_sub_explicit(&storage->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (storage->release)
        storage->release(storage->release_context);
    ad_deallocate_of(c, storage->owner, storage->block, storage->bytes);
}

/* Gives x a storage; false if there is none. */
static bool store(ad_array *x, struct ad_storage *storage, ad_object_kind kind)
{
    if (!storage)
        return false;
    x->storage = storage;
    x->flags |= AD_STORED;
    x->object.kind = (uint8_t)kind;
    return true;
}

/* An array whose data have a block of their own. The caller sets its dimensions and strides. */
static __attribute__((noinline)) ad_array *large_new(ad_context *c, ad_dtype dtype, int ndim, int64_t size, size_t bytes)
{
    ad_array *x = header_new(c, dtype, ndim, size, header_bytes(ndim));
    if (!x || !store(x, storage_new(c, bytes), AD_ARRAY))
        return NULL;
    x->data = (char *)x->storage + STORAGE;
    return x;
}

/* An uninitialised array of a shape that was checked. Header and data are in one block, or in two where the data are
 * large. From some size on a storage stands between them. */
static ad_array *sized_new(ad_context *c, ad_dtype dtype, int ndim, const int64_t *dims, int64_t size)
{
    size_t bytes = (size_t)size * (size_t)ad_item_size(dtype), at = joined_at(ndim), all = at + JOINED_STORAGE + bytes;
    bool joined = bytes > AD_INLINE_BYTES;
    ad_array *x;
    if (joined && (all > LARGEST_SMALL_BLOCK || c->allocator.uncached)) {
        x = large_new(c, dtype, ndim, size, bytes);
    } else if ((x = header_new(c, dtype, ndim, size, joined ? all : inline_bytes(ndim, bytes)))) {
        if (joined) {
            struct ad_storage *storage = (struct ad_storage *)((char *)x + at);
            storage_init(c, storage, x, all);
            store(x, storage, AD_JOINED);
        }
        x->data = (char *)x + (joined ? at + JOINED_STORAGE : payload_at(ndim, bytes));
    }
    if (x)
        extents_c_order(x, dtype, ndim, dims);
    return x;
}

ad_array *ad_array_new(ad_context *c, ad_dtype dtype, int ndim, const int64_t *dims)
{
    int64_t size = 1;
    if (ndim == 0 && dtype == AD_F64)
        return ad_array_real(c);
    if (ndim > 0 && !ad_shape_checked_size(ndim, dims, (size_t)ad_item_size(dtype), &size))
        return ad_shape_refuse(dtype, ndim, dims);
    return sized_new(c, dtype, ndim, dims, size);
}

/* The new array has its data in its own block where x has. */
ad_array *ad_array_like(ad_context *c, ad_dtype dtype, const ad_array *x)
{
    if (x->object.kind != AD_PLAIN_ARRAY || x->dtype != dtype)
        return ad_array_new(c, dtype, x->ndim, ad_dims(x));
    ad_array *y = header_new(c, dtype, x->ndim, x->size, (size_t)x->object.size_class * AD_SMALL_STEP);
    if (!y)
        return NULL;
    y->data = (char *)y + (x->data - (const char *)x);
    extents_c_order(y, dtype, x->ndim, ad_dims(x));
    return y;
}

ad_array *ad_array_zeros(ad_context *c, ad_dtype dtype, int ndim, const int64_t *dims)
{
    ad_array *x = ad_array_new(c, dtype, ndim, dims);
    if (x)
        memset(x->data, 0, (size_t)x->size * ad_dtype_size(dtype));
    return x;
}

ad_array *ad_array_abstract(ad_context *c, ad_dtype dtype, int ndim, const int64_t *dims)
{
    int64_t size;
    if (!ad_shape_checked_size(ndim, dims, ad_dtype_size(dtype), &size))
        return ad_shape_refuse(dtype, ndim, dims);
    ad_array *x = header_new(c, dtype, ndim, size, header_bytes(ndim));
    if (x) {
        extents_c_order(x, dtype, ndim, dims);
        x->flags |= AD_ABSTRACT;
    }
    return x;
}

static bool strides_are_c_order(const ad_array *x)
{
    int64_t stride = (int64_t)ad_dtype_size((ad_dtype)x->dtype);
    const int64_t *strides = ad_strides(x);
    for (int i = x->ndim - 1; i >= 0; i--) {
        if (x->extents[i] != 1 && strides[i] != stride)
            return x->size == 0;
        stride *= x->extents[i];
    }
    return true;
}

/* Where inline data of x begin, and the bytes from there to the end of the block. */
static const char *inline_data(const ad_array *x, size_t *bytes)
{
    const char *own = (const char *)&x->scalar, *behind = (const char *)x + payload_at(x->ndim, AD_INLINE_BYTES);
    bool in_header = x->data >= own && x->data < own + sizeof x->scalar;
    size_t room = (size_t)((const char *)x + (size_t)x->object.size_class * AD_SMALL_STEP - behind);
    *bytes = in_header ? sizeof x->scalar : room < AD_INLINE_BYTES ? room : AD_INLINE_BYTES;
    return in_header ? own : behind;
}

/* A view of inline data copies the whole of it, so that every offset into it stays valid. */
static ad_array *view_new(ad_context *c, const ad_array *x, ad_dtype dtype, int ndim, const int64_t *dims, const int64_t *strides, int64_t offset, size_t more)
{
    int64_t size = 1;
    size_t payload = 0;
    if (!ad_shape_checked_size(ndim, dims, ad_dtype_size(dtype), &size))
        return ad_shape_refuse(dtype, ndim, dims);
    bool stored = x->flags & AD_STORED;
    const char *start = stored ? x->data : inline_data(x, &payload);
    ad_array *view = header_new(c, dtype, ndim, size, (stored ? header_bytes(ndim) : inline_bytes(ndim, payload)) + more);
    if (!view)
        return NULL;
    if (stored) {
        atomic_fetch_add_explicit(&x->storage->refs, 1, memory_order_relaxed);
        store(view, x->storage, AD_ARRAY);
        view->data = x->data + offset;
    } else {
        char *copy = (char *)view + payload_at(ndim, payload);
        memcpy(copy, start, payload);
        view->data = copy + (x->data - start) + offset;
    }
    for (int i = 0; i < ndim; i++) {
        view->extents[i] = dims[i];
        view->extents[ndim + i] = strides[i];
    }
    if (!strides_are_c_order(view))
        view->flags &= (uint8_t)~AD_CONTIGUOUS;
    return view;
}

ad_array *ad_array_view(ad_context *c, const ad_array *x, ad_dtype dtype, int ndim, const int64_t *dims, const int64_t *strides, int64_t offset)
{
    return view_new(c, x, dtype, ndim, dims, strides, offset, 0);
}

ad_array *ad_array_alias(ad_context *c, const ad_array *x)
{
    if (x->flags & AD_NAMED)
        return ad_array_named(c, x, ad_name_of(x));
    if (ad_is_scalar(x))
        return ad_scalar(x->scalar);
    return ad_array_view(c, x, (ad_dtype)x->dtype, x->ndim, ad_dims(x), ad_strides(x), 0);
}

ad_array *ad_array_named(ad_context *c, const ad_array *x, const char *name)
{
    ad_array *y = view_new(c, x, (ad_dtype)x->dtype, x->ndim, ad_dims(x), ad_strides(x), 0, *name ? AD_NAME_BYTES : 0);
    if (!y || !*name)
        return y;
    y->flags |= AD_NAMED;
    char *place = (char *)ad_name_of(y);
    size_t length = strnlen(name, AD_NAME_BYTES - 1);
    memcpy(place, name, length);
    place[length] = '\0';
    return y;
}

ad_array *ad_array_cast(ad_context *c, ad_array *x, ad_dtype dtype)
{
    ad_array *y = ad_array_new(c, dtype, x->ndim, ad_dims(x));
    if (y)
        ad_copy_strided(x->ndim, ad_dims(x), operand_of(x), (struct ad_operand){ y->data, ad_strides(y), dtype });
    return y;
}

ad_array *ad_array_contiguous(ad_context *c, ad_array *x)
{
    return x->flags & AD_CONTIGUOUS ? x : ad_array_cast(c, x, (ad_dtype)x->dtype);
}

ad_array *ad_array_of_integers(ad_context *c, ad_array *x)
{
    if (x->dtype == AD_I64)
        return ad_array_contiguous(c, x);
    return ad_array_cast(c, x, AD_I64);
}

void ad_tangents_drop(ad_context *c, ad_array *x)
{
    for (struct ad_tangent *t = x->tangents, *next; t; t = next) {
        next = t->next;
        ad_drop(c, t->value);
        if (x->object.owner == c->id)
            ad_deallocate_small(c, t, sizeof *t);
        else
            ad_deallocate_of(c, x->object.owner, t, sizeof *t);
    }
    x->tangents = NULL;
    if (x->object.kind == AD_DUAL_SCALAR)
        x->object.kind = AD_SCALAR;
}

void ad_array_free(ad_context *c, ad_array *x)
{
    bool joined = x->flags & AD_STORED && x->storage->block == x;
    ad_tangents_drop(c, x);
    if (x->flags & AD_STORED)
        storage_release(c, x->storage);
    if (joined)
        return;
    if (x->place)
        ad_scalar_return(c, x);
    else
        ad_header_deallocate(c, x->object.owner, x, (size_t)x->object.size_class * AD_SMALL_STEP);
}

/* A C number of 8 bytes. */
static __attribute__((noinline)) ad_array *weak(ad_context *c, ad_dtype dtype, const void *value)
{
    ad_array *x = ad_header_allocate(c, sizeof *x);
    if (!x)
        return NULL;
    ad_scalar_init(c, x, AD_PLAIN_ARRAY, dtype, AD_CONTIGUOUS | AD_WEAK);
    memcpy(&x->scalar, value, sizeof x->scalar);
    if (ad_scope_add(c, &x->object))
        return x;
    ad_drop(c, x);
    return NULL;
}

ad_array *ad_weak_integer(int64_t value)
{
    ad_context *c = ad_current();
    if (value < -1 || value > AD_SMALL_NUMBERS - 2)
        return weak(c, AD_I64, &value);
    ad_array **number = &c->numbers[value + 1];
    if (!*number)
        *number = ad_keep(c, weak(c, AD_I64, &value));
    return *number;
}

ad_array *ad_weak_unsigned(uint64_t value)
{
    if (value > INT64_MAX)
        return ad_set_error(AD_ERROR_VALUE, "the C number %llu is out of range for int64; as a double it can be an operand", (unsigned long long)value);
    return ad_weak_integer((int64_t)value);
}

ad_array *ad_weak_real(double value)
{
    return weak(ad_current(), AD_F64, &value);
}

ad_array *ad_weak_complex(ad_complex value)
{
    ad_array *x = ad_array_new(ad_current(), AD_C128, 0, NULL);
    if (x) {
        memcpy(x->data, &value, sizeof value);
        x->flags |= AD_WEAK;
    }
    return x;
}

ad_array *ad_scalar(double value)
{
    ad_array *x = ad_array_real(ad_current());
    if (x)
        x->scalar = value;
    return x;
}

static bool valid(const char *operation, ad_dtype dtype, const void *data, const ad_shape *shape)
{
    if ((unsigned)dtype >= AD_DTYPE_COUNT)
        ad_set_error(AD_ERROR_DTYPE, "%s: %d is not a dtype", operation, (int)dtype);
    else if (!ad_shape_possible(operation, dtype, shape))
        return false;
    else if (!data && ad_shape_size(*shape) != 0)
        ad_set_error(AD_ERROR_VALUE, "%s: no data (NULL)", operation);
    else
        return true;
    return false;
}

static ad_array *copied(const char *operation, ad_dtype dtype, const void *data, const ad_shape *shape)
{
    AD_RUNNING(ad_current(), operation);
    ad_array *x = valid(operation, dtype, data, shape) ? ad_array_new(ad_current(), dtype, shape->ndim, shape->dim) : NULL;
    if (x && x->size)
        memcpy(x->data, data, (size_t)x->size * ad_dtype_size(dtype));
    return x;
}

ad_array *ad_from_data(ad_dtype dtype, const void *data, ad_shape shape)
{
    return copied("ad_from_data", dtype, data, &shape);
}

ad_array *ad_from(const double *data, ad_shape shape)
{
    return copied("ad_from", AD_F64, data, &shape);
}

/* What a wrapped array has where the caller gave no release. A storage with a release always holds the caller's data,
 * which nobody may write to. */
static void release_nothing(void *context)
{
    (void)context;
}

/* The address of the elements of an array that has none. It cannot be NULL, which callers take for a failure. */
static _Alignas(16) char nothing[16];

ad_array *ad_wrap(ad_dtype dtype, void *data, ad_shape shape, void (*release)(void *ctx), void *ctx)
{
    if (!valid("ad_wrap", dtype, data, &shape))
        return NULL;
    ad_context *c = ad_current();
    ad_array *x = ad_array_abstract(c, dtype, shape.ndim, shape.dim);
    if (!x || !store(x, storage_new(c, 0), AD_ARRAY))
        return NULL;
    x->flags &= (uint8_t)~AD_ABSTRACT;
    x->data = data ? data : nothing;
    x->storage->release = release ? release : release_nothing;
    x->storage->release_context = ctx;
    return x;
}

/* The single element of x as complex128, or false and an error. */
static bool single(const char *operation, const ad_array *x, double value[2])
{
    value[0] = value[1] = NAN;
    if (!ad_given(x, operation, "array"))
        return false;
    if (x->size != 1) {
        ad_set_error(AD_ERROR_SHAPE, "%s: an array of shape %s has %lld elements, not one", operation, AD_SHAPE_TEXT(x), (long long)x->size);
        return false;
    }
    if (x->dtype == AD_F64) {
        memcpy(value, x->data, sizeof(double));
        value[1] = 0;
        return true;
    }
    ad_copy_strided(0, NULL, (struct ad_operand){ x->data, NULL, (ad_dtype)x->dtype },
                    (struct ad_operand){ (char *)value, NULL, AD_C128 });
    return true;
}

double ad_item(const ad_array *x)
{
    double value[2];
    single("ad_item", x, value);
    return value[0];
}

int64_t ad_item_int(const ad_array *x)
{
    double value[2];
    int64_t integer = 0;
    bool one = single("ad_item_int", x, value), whole = one && !ad_dtype_is_inexact((ad_dtype)x->dtype);
    if (one && !whole && !(value[0] >= -0x1p63 && value[0] < 0x1p63))
        ad_set_error(AD_ERROR_VALUE, "ad_item_int: %g is not an int64", value[0]);
    else if (one)
        ad_copy_strided(0, NULL, (struct ad_operand){ x->data, NULL, (ad_dtype)x->dtype },
                        (struct ad_operand){ (char *)&integer, NULL, AD_I64 });
    return integer;
}

ad_complex ad_item_complex(const ad_array *x)
{
    double value[2];
    single("ad_item_complex", x, value);
    ad_complex z;
    memcpy(&z, value, sizeof z);
    return z;
}

ad_shape ad_shape_of(const ad_array *x)
{
    return ad_given(x, "ad_shape_of", "array") ? ad_shape_make(x->ndim, ad_dims(x)) : AD_SCALAR_SHAPE;
}

int ad_ndim(const ad_array *x)
{
    return ad_given(x, "ad_ndim", "array") ? x->ndim : 0;
}

int64_t ad_dim(const ad_array *x, int i)
{
    int axis = ad_given(x, "ad_dim", "array") ? ad_axis_resolve("ad_dim", i, x->ndim) : -1;
    return axis < 0 ? 0 : ad_dims(x)[axis];
}

int64_t ad_size(const ad_array *x)
{
    return ad_given(x, "ad_size", "array") ? x->size : 0;
}

ad_dtype ad_dtype_of(const ad_array *x)
{
    return ad_given(x, "ad_dtype_of", "array") ? (ad_dtype)x->dtype : AD_F64;
}

const void *ad_data(const ad_array *x)
{
    ad_array *plain = ad_given(x, "ad_data", "array") ? ad_array_contiguous(ad_current(), (ad_array *)x) : NULL;
    return plain ? plain->data : NULL;
}

bool ad_copy_to(const ad_array *x, double *out, int64_t n)
{
    if (!ad_given(x, "ad_copy_to", "array") || (n && !ad_given(out, "ad_copy_to", "destination")))
        return false;
    if (n != x->size) {
        ad_set_error(AD_ERROR_SHAPE, "ad_copy_to: an array of shape %s has %lld elements, the destination room for %lld", AD_SHAPE_TEXT(x),
                     (long long)x->size, (long long)n);
        return false;
    }
    int64_t strides[AD_MAX_NDIM];
    c_order_strides(AD_F64, x->ndim, ad_dims(x), strides);
    ad_copy_strided(x->ndim, ad_dims(x), operand_of(x), (struct ad_operand){ (char *)out, strides, AD_F64 });
    return true;
}
