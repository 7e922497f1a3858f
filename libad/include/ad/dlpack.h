/* DLPack: arrays given to other libraries and taken from them without a copy.
 *
 * The structs have the layout of DLPack 1.0 (https://github.com/dmlc/dlpack, include/dlpack/dlpack.h), under names of
 * libad's. A DLManagedTensorVersioned * is an ad_dlpack_versioned *. A DLManagedTensor *, the form before 1.0, is an
 * ad_dlpack_managed *. In Python a capsule named "dltensor_versioned" holds the first, and one named "dltensor" the
 * second. Whoever takes it renames the capsule to "used_dltensor_versioned" or "used_dltensor". */
#ifndef AD_DLPACK_H
#define AD_DLPACK_H

#include <ad/array.h>

AD_BEGIN_DECLS

enum {
    AD_DLPACK_MAJOR = 1,
    AD_DLPACK_MINOR = 0,
    AD_DLPACK_CPU = 1 /**< the device type of main memory */
};

/** Codes of element types. */
typedef enum ad_dlpack_code { AD_DLPACK_INT = 0, AD_DLPACK_UINT = 1, AD_DLPACK_FLOAT = 2, AD_DLPACK_COMPLEX = 5, AD_DLPACK_BOOL = 6 } ad_dlpack_code;

/** Flags of the versioned form. */
enum { AD_DLPACK_READ_ONLY = 1, AD_DLPACK_IS_COPIED = 2 };

/** DLTensor. */
typedef struct ad_dlpack_tensor {
    void *data;
    struct {
        int32_t type, id;
    } device;
    int32_t ndim;
    struct {
        uint8_t code, bits; /**< ad_dlpack_code; bits of an element, both parts of a complex one */
        uint16_t lanes;     /**< 1 */
    } dtype;
    int64_t *shape;
    int64_t *strides; /**< in elements; NULL: C order */
    uint64_t byte_offset;
} ad_dlpack_tensor;

/** DLManagedTensor. */
typedef struct ad_dlpack_managed {
    ad_dlpack_tensor tensor;
    void *context;
    void (*deleter)(struct ad_dlpack_managed *self); /**< frees all of it; may be NULL */
} ad_dlpack_managed;

/** DLManagedTensorVersioned. */
typedef struct ad_dlpack_versioned {
    uint32_t major, minor;
    void *context;
    void (*deleter)(struct ad_dlpack_versioned *self);
    uint64_t flags;
    ad_dlpack_tensor tensor;
} ad_dlpack_versioned;

/** x for another library: its elements as they are, with its strides, and a reference to it.
 *
 * It has the values only: whoever takes it knows of no derivative. Nobody may write to the elements, which
 * AD_DLPACK_READ_ONLY says. The form before 1.0 cannot say so.
 * @return  whoever takes it calls its deleter in the end, in any thread; NULL and an error on failure */
AD_API ad_dlpack_versioned *ad_to_dlpack(const ad_array *x) AD_NOTED_;
AD_API ad_dlpack_managed *ad_to_dlpack_managed(const ad_array *x) AD_NOTED_;

/** An array over the elements of another library's tensor. It is a constant of every derivative. The elements must not
 * change any more.
 *
 * The array takes the tensor over: the tensor's deleter is called when the last array over it is gone, in whichever
 * thread drops it. On failure the tensor stays the caller's. dtypes: bool, uint8, int32, int64, float32, float64,
 * complex64, complex128.
 * Errors: another major version (AD_ERROR_FORMAT); another device than the CPU, more than AD_MAX_NDIM axes, a negative
 * length, an impossible size, no data for elements, data that are not aligned for the dtype (AD_ERROR_VALUE,
 * AD_ERROR_SHAPE); another dtype, several lanes (AD_ERROR_DTYPE). */
AD_API ad_array *ad_from_dlpack(ad_dlpack_versioned *tensor) AD_NOTED_;
AD_API ad_array *ad_from_dlpack_managed(ad_dlpack_managed *tensor) AD_NOTED_;

#include <ad/macros/dlpack.h>

AD_END_DECLS

#endif
