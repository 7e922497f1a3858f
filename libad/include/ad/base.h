/* What every other public header needs: visibility, dtypes, shapes.
 *
 * Shapes are plain values. An ad_shape with ndim 0 is the shape of a scalar. A dimension of 0 is legal and makes an
 * array without elements. */
#ifndef AD_BASE_H
#define AD_BASE_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Marks what the libraries export. Between AD_BEGIN_DECLS and AD_END_DECLS everything is visible, so that a declaration
 * need not say it at length. */
#define AD_API

#ifdef __cplusplus
#define AD_BEGIN_DECLS extern "C" { _Pragma("GCC visibility push(default)")
#define AD_END_DECLS _Pragma("GCC visibility pop") }
/* C and C++ share no type for complex numbers: a C++ program sees the same two doubles. */
typedef struct ad_complex {
    double real, imag;
} ad_complex;
#else
#define AD_BEGIN_DECLS _Pragma("GCC visibility push(default)")
#define AD_END_DECLS   _Pragma("GCC visibility pop")
typedef double _Complex ad_complex;
#endif

/** Pi, and the base of the natural logarithm, which C's <math.h> has only as an extension. */
#define AD_PI 3.14159265358979323846
#define AD_E  2.71828182845904523536

/* Marks a function without operands whose calls note their place (ad/call.h). */
#define AD_NOTED_

/* Marks a struct of options: its fields are given by name (ad/call.h). */
#if defined __GNUC__ && !defined __clang__ && !defined __cplusplus
#define AD_NAMED_ __attribute__((designated_init))
#else
#define AD_NAMED_
#endif

AD_BEGIN_DECLS

/** An immutable n-dimensional array. Opaque; see array.h. */
typedef struct ad_array ad_array;

/** An immutable, ordered container of arrays and trees. Opaque; see tree.h. */
typedef struct ad_tree ad_tree;

/** Element types. AD_F64 is the default everywhere. */
typedef enum ad_dtype {
    AD_F64,  /**< float64 */
    AD_F32,  /**< float32 */
    AD_C128, /**< complex128: two float64, real part first */
    AD_C64,  /**< complex64: two float32, real part first */
    AD_I64,  /**< int64 */
    AD_I32,  /**< int32 */
    AD_U8,   /**< uint8 */
    AD_BOOL  /**< bool: one byte, 0 or 1 */
} ad_dtype;

enum { AD_DTYPE_COUNT = 8, AD_MAX_NDIM = 32, AD_SHAPE_ROOM = 704 };

/** Lengths of the axes, first axis first. */
typedef struct ad_shape {
    int ndim;
    int64_t dim[AD_MAX_NDIM];
} ad_shape;

/** A list of axes. A negative axis counts from the last. count is 0 if no axis was given. */
typedef struct ad_axes {
    int count;
    int axis[AD_MAX_NDIM];
} ad_axes;

/** Elements added before and after each axis; see AD_WIDTHS. */
typedef struct ad_widths {
    int count;
    int64_t width[AD_MAX_NDIM][2];
} ad_widths;

/** Number of elements of a shape: the product of its dimensions (1 for a scalar). INT64_MAX if the shape is not
 * possible, for example if it has more than AD_MAX_NDIM axes. */
AD_API int64_t ad_shape_size(ad_shape shape);

/** Whether two shapes are the same. A shape with fewer than 0 or more than AD_MAX_NDIM axes equals no shape. */
AD_API bool ad_shape_equal(ad_shape a, ad_shape b);

/** The text of a shape as in errors, "(3,4)", "(3,)" or "()", written to a buffer of `room` bytes. Gives the buffer.
 *
 * AD_SHAPE_ROOM bytes hold any shape. In a smaller buffer the text is cut off. "" is given if the buffer is NULL or has
 * no bytes. The text of an impossible shape is "no shape". */
AD_API const char *ad_shape_tostring(ad_shape shape, char *buffer, size_t room);

/** Bytes of one element. */
AD_API size_t ad_dtype_size(ad_dtype dtype);

/** NumPy's name of a dtype: "float64", "bool". */
AD_API const char *ad_dtype_name(ad_dtype dtype);

/** Whether the dtype is real or complex floating point, which NumPy calls inexact. Only these can be differentiated. */
AD_API bool ad_dtype_is_inexact(ad_dtype dtype);

/** Whether the dtype is complex128 or complex64. */
AD_API bool ad_dtype_is_complex(ad_dtype dtype);

/** Whether the dtype is int64, int32 or uint8. bool is not an integer dtype. */
AD_API bool ad_dtype_is_integer(ad_dtype dtype);

AD_END_DECLS

#endif
