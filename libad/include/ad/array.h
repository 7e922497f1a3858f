/* Arrays: making them, reading them, printing them.
 *
 * An array never changes. Functions that take arrays or trees accept NULL and give NULL (or NaN, 0, false). They keep
 * the first error, or set one if there is none. Only ad_retain, ad_release and the functions that free something take
 * NULL without an error. Every array that a function returns belongs to the innermost open scope (scope.h). */
#ifndef AD_ARRAY_H
#define AD_ARRAY_H

#include <ad/base.h>
#include <ad/call.h>
#include <ad/scope.h>
#include <limits.h>
#include <stdio.h>

AD_BEGIN_DECLS

/** "Not given", for an axis and for a dtype. */
#define AD_NO_AXIS  INT_MIN
#define AD_NO_DTYPE ((ad_dtype)-1)

/** Shape of a 0-d array. */
#define AD_SCALAR_SHAPE ((ad_shape){ .ndim = 0 })

#ifndef __cplusplus

/** A shape: AD_SHAPE(2, 3). Expands to `(ad_shape){ .ndim = 2, .dim = { 2, 3 } }`. */
#define AD_SHAPE(...) ((ad_shape){ .ndim = (int)(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), .dim = { __VA_ARGS__ } })

/** A list of axes: AD_AXES(0, -1). */
#define AD_AXES(...) ((ad_axes){ .count = (int)(sizeof((int[]){ __VA_ARGS__ }) / sizeof(int)), .axis = { __VA_ARGS__ } })

#endif

/** A 0-d float64 array. */
AD_API ad_array *ad_scalar(double value);

/** An array of the given shape, copied from C-ordered float64 data. */
AD_API ad_array *ad_from(const double *data, ad_shape shape) AD_NOTED_;

/** An array of the given dtype and shape, copied from C-ordered data of that dtype. */
AD_API ad_array *ad_from_data(ad_dtype dtype, const void *data, ad_shape shape) AD_NOTED_;

/** An array over the caller's C-ordered memory, without a copy.
 *
 * @param data     aligned for dtype; must stay unchanged until released
 * @param release  called with ctx when the last array over it is gone, in whichever thread drops it; may be NULL
 * On failure release is not called. A compound literal in an argument of another call lives only as long as that call,
 * as in ad_neg(ad_wrap(AD_F64, (double[]){ 1 }, ...)). */
AD_API ad_array *ad_wrap(ad_dtype dtype, void *data, ad_shape shape, void (*release)(void *ctx), void *ctx);

/** The value of an array of one element, as float64. Of a complex one it is the real part. NaN and an error for any
 * other array. */
AD_API double ad_item(const ad_array *x) AD_NOTED_;
/** The value of an array of one element as an integer, truncated towards zero; 0 and an error for any other array. */
AD_API int64_t ad_item_int(const ad_array *x) AD_NOTED_;
/** The value of an array of one element as a complex number; NaN and an error for any other array. */
AD_API ad_complex ad_item_complex(const ad_array *x) AD_NOTED_;

/** Lengths of the axes; the shape of a scalar and an error for NULL. */
AD_API ad_shape ad_shape_of(const ad_array *x);
/** Number of axes; 0 and an error for NULL. */
AD_API int ad_ndim(const ad_array *x);
/** Length of axis i, which may be negative; 0 and an error if there is no such axis. */
AD_API int64_t ad_dim(const ad_array *x, int i) AD_NOTED_;
/** Number of elements; 0 and an error for NULL. */
AD_API int64_t ad_size(const ad_array *x);
/** Type of the elements; AD_F64 and an error for NULL. */
AD_API ad_dtype ad_dtype_of(const ad_array *x);

/** The elements, contiguous in C order, of the array's dtype. Valid as long as x and the innermost scope. */
AD_API const void *ad_data(const ad_array *x) AD_NOTED_;

/** Copies the elements in C order as float64 (real parts) to out, which has room for n. False and an error if n is not
 * ad_size(x). */
AD_API bool ad_copy_to(const ad_array *x, double *out, int64_t n) AD_NOTED_;

/** Prints the values as NumPy's str() does, and a newline. */
AD_API void ad_print(const ad_array *x);
AD_API void ad_fprint(FILE *stream, const ad_array *x);

/** The text that ad_print prints, without the newline; the caller frees it with free(). NULL on failure. */
AD_API char *ad_tostring(const ad_array *x);

#include <ad/macros/array.h>

AD_END_DECLS

#endif
