/* Making arrays from numbers, and arrays from arrays: fills, ranges, grids, diagonals, triangles, conversions. The
 * names are NumPy's.
 *
 * A function that takes only numbers gives a constant. One that takes arrays is differentiable in them at every order,
 * and linear, except for ad_logspace and ad_geomspace. Shapes are AD_SHAPE(2, 3); AD_SCALAR_SHAPE makes a 0-d array.
 *
 * Errors of all: a negative dimension or too many elements (AD_ERROR_SHAPE); a value that is not a dtype
 * (AD_ERROR_DTYPE). */
#ifndef AD_CREATE_H
#define AD_CREATE_H

#include <ad/array.h>
#include <ad/each.h>

AD_BEGIN_DECLS

/** Options of functions that make an array from numbers. */
typedef struct ad_create_options {
    ad_dtype dtype; /**< = AD_F64 */
    int ad_unused_;
} AD_NAMED_ ad_create_options;

/** Options of functions that make an array like something. The default dtype is that of the value in ad_full, and that
 * of the array in the _like functions and ad_asarray. */
typedef struct ad_like_options {
    ad_dtype dtype; /**< = AD_NO_DTYPE */
    int ad_unused_;
} AD_NAMED_ ad_like_options;

/** Options of ad_indices. */
typedef struct ad_indices_options {
    ad_dtype dtype; /**< = AD_I64 */
    int ad_unused_;
} AD_NAMED_ ad_indices_options;

/** Options of ad_eye and ad_tri. */
typedef struct ad_eye_options {
    int64_t M;      /**< = -1: columns; -1: as many as rows */
    int64_t k;      /**< the diagonal that holds the ones, or the last one that does: 0 is the main one, positive ones are above it */
    ad_dtype dtype; /**< = AD_F64 */
    int ad_unused_;
} AD_NAMED_ ad_eye_options;

/** Options of ad_linspace and ad_geomspace. */
typedef struct ad_linspace_options {
    int64_t num;    /**< = 50: how many values */
    bool endpoint;  /**< = true: whether stop is the last of them */
    int axis;       /**< where the new axis goes */
    ad_dtype dtype; /**< = AD_NO_DTYPE: that of arithmetic with start and stop, real or complex */
    int ad_unused_;
} AD_NAMED_ ad_linspace_options;

/** Options of ad_logspace. */
typedef struct ad_logspace_options {
    int64_t num;     /**< = 50 */
    bool endpoint;   /**< = true */
    int axis;
    ad_dtype dtype;  /**< = AD_NO_DTYPE: these four as in ad_linspace_options */
    double base;     /**< = 10 */
    ad_array *bases; /**< in place of base: an array that broadcasts with start and stop */
    int ad_unused_;
} AD_NAMED_ ad_logspace_options;

/** Options of ad_meshgrid. */
typedef struct ad_meshgrid_options {
    const char *indexing; /**< = "xy": the first array runs along axis 1 and the second along axis 0; "ij": each array along its own axis */
    bool sparse;          /**< leaves axes of length 1 where an array does not change */
    int ad_unused_;
} AD_NAMED_ ad_meshgrid_options;

/** Options of ad_tril_indices and ad_triu_indices. */
typedef struct ad_triangle_indices_options {
    int64_t k; /**< the diagonal where the triangle ends; 0 is the main one */
    int64_t m; /**< = -1: columns; -1: as many as rows */
    int ad_unused_;
} AD_NAMED_ ad_triangle_indices_options;

/** Options of ad_diag_indices. */
typedef struct ad_diag_indices_options {
    int ndim; /**< = 2 */
    int ad_unused_;
} AD_NAMED_ ad_diag_indices_options;

/** Options of ad_tril, ad_triu and ad_diag. */
typedef struct ad_triangle_options {
    int64_t k; /**< which diagonal; 0 is the main one */
    int ad_unused_;
} AD_NAMED_ ad_triangle_options;

/** Options of ad_diagonal. */
typedef struct ad_diagonal_options {
    int64_t offset;   /**< which diagonal; 0 is the main one */
    int axis1, axis2; /**< = 0, 1: rows and columns */
    int ad_unused_;
} AD_NAMED_ ad_diagonal_options;

/** Options of ad_make_diagonal. */
typedef struct ad_make_diagonal_options {
    int64_t offset;        /**< which diagonal; 0 is the main one */
    int64_t rows, columns; /**< = -1: the smallest square that holds the diagonal */
    int ad_unused_;
} AD_NAMED_ ad_make_diagonal_options;

/** A C number that knows whether it is an integer. */
typedef struct ad_number {
    bool is_integer;
    int64_t integer;
    double real; /**< the value, in both cases */
} ad_number;

/* ---- Fills ---- */

/** Zeros. */
AD_API ad_array *ad_zeros_with(ad_shape shape, ad_create_options options);
AD_API ad_array *ad_zeros(ad_shape shape);
AD_API ad_array *ad_zeros_like_with(const ad_array *x, ad_like_options options);
AD_API ad_array *ad_zeros_like(const ad_array *x);

/** Ones. */
AD_API ad_array *ad_ones_with(ad_shape shape, ad_create_options options);
AD_API ad_array *ad_ones(ad_shape shape);
AD_API ad_array *ad_ones_like_with(const ad_array *x, ad_like_options options);
AD_API ad_array *ad_ones_like(const ad_array *x);

/** An array whose values nobody needs; libad's are zeros. */
AD_API ad_array *ad_empty_with(ad_shape shape, ad_create_options options);
AD_API ad_array *ad_empty(ad_shape shape);
AD_API ad_array *ad_empty_like_with(const ad_array *x, ad_like_options options);
AD_API ad_array *ad_empty_like(const ad_array *x);

/** An array of one value everywhere; differentiable in it.
 *
 * @param value  an array that broadcasts to shape, or a C number
 * Errors: a C integer that the dtype cannot hold. */
AD_API ad_array *ad_full_with(ad_shape shape, ad_array *value, ad_like_options options);
AD_API ad_array *ad_full(ad_shape shape, ad_array *value);
AD_API ad_array *ad_full_like_with(const ad_array *x, ad_array *value, ad_like_options options);
AD_API ad_array *ad_full_like(const ad_array *x, ad_array *value);

/** n rows and M columns with ones on diagonal k and zeros elsewhere. */
AD_API ad_array *ad_eye_with(int64_t n, ad_eye_options options);
AD_API ad_array *ad_eye(int64_t n);
/** The n by n identity matrix. */
AD_API ad_array *ad_identity_with(int64_t n, ad_create_options options);
AD_API ad_array *ad_identity(int64_t n);
/** n rows and M columns with ones on diagonal k and below it, zeros above. */
AD_API ad_array *ad_tri_with(int64_t n, ad_eye_options options);
AD_API ad_array *ad_tri(int64_t n);

/* ---- Ranges ---- */

/** start, start + step, ... before stop. ad_arange(stop), ad_arange(start, stop), ad_arange(start, stop, step): int64
 * if all are C integers, otherwise float64.
 * Errors: a step of 0; more values than can be addressed. */
AD_API ad_array *ad_arange_from(const ad_number *numbers, int count);
AD_API ad_array *ad_arange(double start, double stop, double step);

/* The next three functions give num values between two ends along a new axis.
 *
 * @param start, stop  arrays that broadcast, or C numbers, real or complex; integers become float64
 * Derivative: exact in start and stop, at every order; with num = 1 it is all in start. An integer dtype makes a
 * constant.
 * Errors: num negative; an axis out of range; shapes that do not broadcast. */

/** At equal distances: start + i (stop - start)/(num - 1). The last value is stop itself. Without the endpoint the
 * distance is (stop - start)/num and stop is left out. An integer dtype takes the next integer below, which does not
 * exist for complex values (an error). */
AD_API ad_array *ad_linspace_with(ad_array *start, ad_array *stop, ad_linspace_options options);
AD_API ad_array *ad_linspace(ad_array *start, ad_array *stop);

/** base to the powers that ad_linspace gives, from base^start to base^stop. An integer dtype truncates. Differentiable
 * in .bases too. */
AD_API ad_array *ad_logspace_with(ad_array *start, ad_array *stop, ad_logspace_options options);
AD_API ad_array *ad_logspace(ad_array *start, ad_array *stop);

/** At equal ratios: start (stop/start)^(i/(num - 1)). The first value is start itself and the last is stop. An integer
 * dtype truncates.
 *
 * Both ends may be negative. Between reals of different signs the values are NaN. Complex values go from one end to the
 * other on a logarithmic spiral, by the principal value of log(stop/start). float32 ends give float32, where NumPy
 * widens them.
 * Errors: a zero in start or stop. */
AD_API ad_array *ad_geomspace_with(ad_array *start, ad_array *stop, ad_linspace_options options);
AD_API ad_array *ad_geomspace(ad_array *start, ad_array *stop);

/* ---- Grids ---- */

/** The arrays of a list repeated to their common shape, without a copy. A tree of any structure gives a tree of that
 * structure. Linear: a cotangent is summed over what was repeated. Errors: shapes that do not broadcast. */
AD_API ad_tree *ad_broadcast_arrays(const ad_tree *arrays);

/** The coordinates of a grid's points. A list of vectors or 0-d arrays, x of length n, y of length m, z ..., gives
 * arrays of shape (m,n,...), or (n,m,...) with .indexing = "ij". They are views, and dtypes stay as they are.
 *
 * @param arrays  a list of at most 32, or a tree, and the result has its structure; an array of more axes counts as
 *                flattened
 * Linear: a cotangent is summed over the axes along which its array does not change. Errors: another word for
 * .indexing. */
AD_API ad_tree *ad_meshgrid_with(const ad_tree *arrays, ad_meshgrid_options options);
AD_API ad_tree *ad_meshgrid(const ad_tree *arrays);

/** The indices of a grid's points: (ndim, ...shape), where entry i holds each point's index along axis i. int64 by
 * default. */
AD_API ad_array *ad_indices_with(ad_shape shape, ad_indices_options options);
AD_API ad_array *ad_indices(ad_shape shape);

/** The places of the triangle of an (n,m) matrix that ad_tril or ad_triu keeps, row by row: a list of two int64
 * vectors, rows and columns. */
AD_API ad_tree *ad_tril_indices_with(int64_t n, ad_triangle_indices_options options);
AD_API ad_tree *ad_tril_indices(int64_t n);
AD_API ad_tree *ad_triu_indices_with(int64_t n, ad_triangle_indices_options options);
AD_API ad_tree *ad_triu_indices(int64_t n);

/** The places of the main diagonal of an array of ndim axes of length n: a list of ndim int64 vectors 0, 1, ... n-1. */
AD_API ad_tree *ad_diag_indices_with(int64_t n, ad_diag_indices_options options);
AD_API ad_tree *ad_diag_indices(int64_t n);

/* ---- Triangles and diagonals of the last two axes ---- */

/** x with zeros above diagonal k, or below it. It selects: what is left out may be infinite or NaN. Errors: a 0-d
 * array. */
AD_API ad_array *ad_tril_with(ad_array *x, ad_triangle_options options);
AD_API ad_array *ad_tril(ad_array *x);
AD_API ad_array *ad_triu_with(ad_array *x, ad_triangle_options options);
AD_API ad_array *ad_triu(ad_array *x);

/** A vector (n,) gives a square matrix with x on diagonal k. A matrix (m,n) gives its diagonal k. */
AD_API ad_array *ad_diag_with(ad_array *x, ad_triangle_options options);
AD_API ad_array *ad_diag(ad_array *x);

/** The diagonal of axes axis1 and axis2, as the last axis of the result, without a copy. The matrix may be rectangular,
 * and the other axes are a batch. */
AD_API ad_array *ad_diagonal_with(ad_array *x, ad_diagonal_options options);
AD_API ad_array *ad_diagonal(ad_array *x);

/** (..., n) to (..., rows, columns), with the last axis on diagonal `offset` of the last two and zeros elsewhere. It is
 * the transpose of ad_diagonal(x, .axis1 = -2, .axis2 = -1). Errors: a matrix whose diagonal does not have n
 * elements. */
AD_API ad_array *ad_make_diagonal_with(ad_array *x, ad_make_diagonal_options options);
AD_API ad_array *ad_make_diagonal(ad_array *x);

/* ---- Conversions ---- */

/** x with elements of another dtype. A conversion to integers truncates and is a constant. One to bool asks whether
 * elements are not zero. One from complex to real drops the imaginary part, as ad_real. */
AD_API ad_array *ad_astype(ad_array *x, ad_dtype dtype);

/** An array, or a C number as a 0-d array of dtype int64, float64 or complex128. If a dtype is given, it is converted
 * as by ad_astype. Otherwise an array is given as it is. Errors: a C integer that the dtype cannot hold. */
AD_API ad_array *ad_asarray_with(ad_array *x, ad_like_options options);
AD_API ad_array *ad_asarray(ad_array *x);

/** x in C-contiguous memory of its own. */
AD_API ad_array *ad_copy(ad_array *x);

#ifndef __cplusplus

static inline ad_number ad_number_real_(double x)
{
    return (ad_number){ .is_integer = false, .real = x };
}
static inline ad_number ad_number_integer_(int64_t x)
{
    return (ad_number){ .is_integer = true, .integer = x, .real = (double)x };
}
static inline ad_number ad_number_unsigned_(uint64_t x)
{
    return x <= INT64_MAX ? ad_number_integer_((int64_t)x) : ad_number_real_((double)x);
}
AD_API ad_number ad_number_complex_(ad_complex x); /* an error */

/* A function that cannot be called with anything else. */
struct ad_a_range_has_C_numbers {
    char nothing;
};
ad_number ad_a_range_has_C_numbers_(struct ad_a_range_has_C_numbers number);

#define AD_NUMBER_(x)       AD_NUMBER_1_(AD_UNIQUE_, x)
#define AD_NUMBER_1_(id, x) AD_NUMBER_2_(id, x)
#define AD_NUMBER_2_(id, x)                                                                                            \
    __extension__({                                                                                                    \
        __auto_type id = (x);                                                                                          \
        _Generic(id, AD_NUMBER_CASES_(ad_number_real_, ad_number_complex_, ad_number_unsigned_, ad_number_integer_),   \
            default: ad_a_range_has_C_numbers_)(id);                                                                   \
    })

/* ad_arange(2, 5) is ad_arange_from((ad_number[]){ ad_number_integer_(2), ad_number_integer_(5) }, 2). */
#define ad_arange(...)       AD_ARANGE_1_(AD_UNIQUE_, __VA_ARGS__)
#define AD_ARANGE_1_(id, ...) AD_ARANGE_2_(id, __VA_ARGS__)
#define AD_ARANGE_2_(id, ...)                                                                                          \
    __extension__({                                                                                                    \
        ad_number id[] = { AD_EACH_(AD_NUMBER_, __VA_ARGS__) };                                                        \
        AD_SITE_("ad_arange");                                                                                         \
        ad_arange_from(id, (int)(sizeof id / sizeof *id));                                                             \
    })

#endif

#include <ad/macros/create.h>

AD_END_DECLS

#endif
