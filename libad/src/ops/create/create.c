/* Making arrays: fills, arange, diagonals, triangles, conversions. Numbers between two ends, and grids of them, are in
 * grid.c.
 *
 * There are three primitives, and all are linear: a conversion, the diagonal (a view) and its transpose. Everything
 * else is filled here, or composed of these and of ad_where, ad_broadcast_to and arithmetic. */
#include "ad/create.h"
#include "ad/array.h"
#include "ad/math.h"
#include "ad/shape.h"
#include "ops/ops.h"
#include <complex.h>
#include <math.h>
#include <string.h>

/* ---- conversion: the engine converts the cotangent back ---- */

bool ad_known_dtype(const char *operation, ad_dtype dtype)
{
    return (unsigned)dtype < AD_DTYPE_COUNT || AD_FAIL(AD_ERROR_DTYPE, "%s: %d is not a dtype", operation, (int)dtype);
}

static bool astype_infer(const ad_node *node, ad_spec *output)
{
    const ad_dtype *dtype = ad_node_options(node);
    ad_same_infer(node, output);
    output->dtype = *dtype;
    return ad_known_dtype("ad_astype", *dtype);
}

static bool astype_eval(const ad_node *node, void *const *outputs)
{
    const ad_dtype *dtype = ad_node_options(node);
    const ad_array *x = ad_node_input(node, 0);
    int64_t strides[AD_MAX_NDIM];
    c_order_strides(*dtype, x->ndim, ad_dims(x), strides);
    ad_copy_strided(x->ndim, ad_dims(x), operand_of(x), (struct ad_operand){ outputs[0], strides, *dtype });
    return true;
}

static ad_array *astype_transpose(const ad_node *node, int operand, ad_array *g)
{
    return ad_dtype_is_inexact(ad_node_dtype(node, operand)) ? g : NULL;
}

/* The options are the dtype and nothing else. */
static const ad_field astype_fields[] = { AD_FIELD_WHOLE(ad_dtype, "", DTYPE), AD_FIELDS_END };
static const ad_primitive astype_op = {
    .name = "ad_astype", .infer = astype_infer, .eval = astype_eval, .vjp = astype_transpose, .linear = AD_LINEAR, .options_size = sizeof(ad_dtype),
    .fields = astype_fields,
};
AD_OPERATION(astype_op);

ad_array *(ad_astype)(ad_array *x, ad_dtype dtype)
{
    if (x && x->dtype == dtype && !(x->flags & AD_WEAK))
        return ad_unchanged(x);
    return ad_call_primitive(&astype_op, &x, 1, &dtype);
}

ad_array *(ad_copy)(ad_array *x)
{
    if (!ad_given(x, "ad_copy", "array"))
        return NULL;
    ad_dtype dtype = (ad_dtype)x->dtype;
    return ad_call_primitive(&astype_op, &x, 1, &dtype);
}

/* ---- fills ---- */

static bool makeable(const char *operation, ad_dtype dtype, const ad_shape *shape)
{
    return ad_known_dtype(operation, dtype) && ad_shape_possible(operation, dtype, shape);
}

static ad_dtype dtype_like(const ad_array *x, ad_like_options options)
{
    return options.dtype == AD_NO_DTYPE ? (ad_dtype)x->dtype : options.dtype;
}

ad_array *ad_zeros_with(ad_shape shape, ad_create_options options)
{
    AD_RUNNING(ad_current(), "ad_zeros");
    return makeable("ad_zeros", options.dtype, &shape) ? ad_array_zeros(ad_current(), options.dtype, shape.ndim, shape.dim) : NULL;
}

ad_array *ad_ones_with(ad_shape shape, ad_create_options options)
{
    static const int64_t still[AD_MAX_NDIM];
    ad_context *c = ad_current();
    AD_RUNNING(c, "ad_ones");
    ad_array *x = makeable("ad_ones", options.dtype, &shape) ? ad_array_new(c, options.dtype, shape.ndim, shape.dim) : NULL;
    if (x && x->size)
        ad_copy_strided(x->ndim, ad_dims(x), (struct ad_operand){ (char *)&(double){ 1 }, still, AD_F64 }, operand_of(x));
    return x;
}

/* value in a known dtype. Only for a C integer it can be said beforehand that it does not fit. */
static ad_array *converted(const char *operation, ad_array *value, ad_dtype dtype)
{
    return ad_number_fits(operation, value, dtype) ? ad_astype(value, dtype) : NULL;
}

ad_array *ad_asarray_with(ad_array *x, ad_like_options options)
{
    return ad_given(x, "ad_asarray", "array") && ad_known_dtype("ad_asarray", dtype_like(x, options)) ? converted("ad_asarray", x, dtype_like(x, options))
                                                                                                      : NULL;
}

static ad_array *full(const char *operation, ad_shape shape, ad_array *value, ad_dtype dtype)
{
    return value && makeable(operation, dtype, &shape) ? ad_broadcast_to(converted(operation, value, dtype), shape) : NULL;
}

ad_array *ad_full_with(ad_shape shape, ad_array *value, ad_like_options options)
{
    return ad_given(value, "ad_full", "value") ? full("ad_full", shape, value, dtype_like(value, options)) : NULL;
}

/* What ad_zeros_like and its kin give: `make` is that without an example. */
static ad_array *filled_like(const char *operation, ad_array *(*make)(ad_shape, ad_create_options), const ad_array *x, ad_like_options options)
{
    return ad_given(x, operation, "array") ? make(ad_shape_of(x), (ad_create_options){ .dtype = dtype_like(x, options) }) : NULL;
}

ad_array *ad_empty_with(ad_shape shape, ad_create_options options)
{
    return ad_zeros_with(shape, options);
}

ad_array *ad_zeros_like_with(const ad_array *x, ad_like_options options)
{
    return filled_like("ad_zeros_like", ad_zeros_with, x, options);
}

ad_array *ad_ones_like_with(const ad_array *x, ad_like_options options)
{
    return filled_like("ad_ones_like", ad_ones_with, x, options);
}

ad_array *ad_empty_like_with(const ad_array *x, ad_like_options options)
{
    return filled_like("ad_empty_like", ad_empty_with, x, options);
}

ad_array *ad_full_like_with(const ad_array *x, ad_array *value, ad_like_options options)
{
    bool given = ad_given(x, "ad_full_like", "array") && ad_given(value, "ad_full_like", "value");
    return given ? full("ad_full_like", ad_shape_of(x), value, dtype_like(x, options)) : NULL;
}

/* ---- diagonals ---- */

/* The number of elements on diagonal `offset` of a matrix. */
static int64_t diagonal_length(int64_t rows, int64_t columns, int64_t offset)
{
    if (offset >= 0)
        columns -= offset;
    else
        rows += offset;
    int64_t length = rows < columns ? rows : columns;
    return length > 0 ? length : 0;
}

/* Bytes from the matrix's first element to the first element of diagonal `offset`. */
static int64_t diagonal_start(int64_t row_stride, int64_t column_stride, int64_t offset)
{
    return offset >= 0 ? offset * column_stride : -offset * row_stride;
}

static bool diagonal_infer(const ad_node *node, ad_spec *output)
{
    const int64_t *dims = ad_input_dims(node, 0);
    const ad_diagonal_options *o = ad_node_options(node);
    ad_shape *shape = &output->shape;
    output->dtype = ad_input_dtype(node, 0);
    shape->ndim = 0;
    for (int i = 0; i < ad_input_ndim(node, 0); i++)
        if (i != o->axis1 && i != o->axis2)
            shape->dim[shape->ndim++] = dims[i];
    shape->dim[shape->ndim++] = diagonal_length(dims[o->axis1], dims[o->axis2], o->offset);
    return true;
}

static ad_array *diagonal_view(const ad_node *node, const ad_spec *output)
{
    const ad_array *x = ad_node_input(node, 0);
    const ad_diagonal_options *o = ad_node_options(node);
    int64_t strides[AD_MAX_NDIM], rows = ad_strides(x)[o->axis1], columns = ad_strides(x)[o->axis2];
    int ndim = 0;
    for (int i = 0; i < x->ndim; i++)
        if (i != o->axis1 && i != o->axis2)
            strides[ndim++] = ad_strides(x)[i];
    int64_t start = output->shape.dim[ndim] ? diagonal_start(rows, columns, o->offset) : 0;
    strides[ndim++] = rows + columns;
    return ad_array_view(ad_current(), x, output->dtype, ndim, output->shape.dim, strides, start);
}

static ad_array *diagonal_transpose(const ad_node *node, int operand, ad_array *g)
{
    const ad_diagonal_options *o = ad_node_options(node);
    ad_shape shape = ad_node_shape(node, operand);
    ad_array *matrix = ad_make_diagonal(g, .offset = o->offset, .rows = shape.dim[o->axis1], .columns = shape.dim[o->axis2]);
    return ad_moveaxis(matrix, AD_AXES(-2, -1), AD_AXES(o->axis1, o->axis2));
}

/* The options of the primitive are the public ones, with axes counted from 0. */
static const ad_field diagonal_fields[] = {
    AD_FIELD(ad_diagonal_options, offset, INT64), AD_FIELD(ad_diagonal_options, axis1, INT), AD_FIELD(ad_diagonal_options, axis2, INT),
    AD_FIELD(ad_diagonal_options, ad_unused_, ASIDE), AD_FIELDS_END,
};
static const ad_primitive diagonal_op = {
    .name = "ad_diagonal", .infer = diagonal_infer, .view = diagonal_view, .vjp = diagonal_transpose, .linear = AD_LINEAR,
    .options_size = sizeof(ad_diagonal_options), .fields = diagonal_fields,
};
AD_OPERATION(diagonal_op);

ad_array *ad_diagonal_with(ad_array *x, ad_diagonal_options options)
{
    if (!ad_given(x, "ad_diagonal", "array"))
        return NULL;
    if (x->ndim < 2)
        return ad_set_error(AD_ERROR_SHAPE, "ad_diagonal: an array of shape %s is not a matrix", AD_SHAPE_TEXT(x));
    options.axis1 = ad_axis_resolve("ad_diagonal", options.axis1, x->ndim);
    options.axis2 = ad_axis_resolve("ad_diagonal", options.axis2, x->ndim);
    if (options.axis1 < 0 || options.axis2 < 0)
        return NULL;
    if (options.axis1 == options.axis2)
        return ad_set_error(AD_ERROR_AXIS, "ad_diagonal: axis1 and axis2 are both %d", options.axis1);
    return ad_call_primitive(&diagonal_op, &x, 1, &options);
}

static bool make_diagonal_infer(const ad_node *node, ad_spec *output)
{
    const ad_make_diagonal_options *o = ad_node_options(node);
    ad_same_infer(node, output);
    ad_shape *shape = &output->shape;
    int64_t length = shape->dim[shape->ndim - 1];
    if (diagonal_length(o->rows, o->columns, o->offset) != length)
        return AD_REFUSE(node, AD_ERROR_SHAPE, "%lld elements do not fit on diagonal %lld of a matrix of shape (%lld,%lld)", (long long)length,
                       (long long)o->offset, (long long)o->rows, (long long)o->columns);
    shape->dim[shape->ndim - 1] = o->rows;
    shape->dim[shape->ndim++] = o->columns;
    return true;
}

static bool make_diagonal_eval(const ad_node *node, void *const *outputs)
{
    const ad_make_diagonal_options *o = ad_node_options(node);
    const ad_array *x = ad_node_input(node, 0);
    int64_t strides[AD_MAX_NDIM + 1], last = x->ndim - 1;
    const ad_spec *output = ad_output_spec(node, 0);
    memset(outputs[0], 0, (size_t)ad_shape_size(output->shape) * ad_dtype_size(output->dtype));
    c_order_strides(output->dtype, output->shape.ndim, output->shape.dim, strides);
    if (x->size == 0)
        return true;
    char *first = (char *)outputs[0] + diagonal_start(strides[last], strides[last + 1], o->offset);
    strides[last] += strides[last + 1];
    ad_copy_strided(x->ndim, ad_dims(x), operand_of(x), (struct ad_operand){ first, strides, output->dtype });
    return true;
}

static ad_array *make_diagonal_transpose(const ad_node *node, int operand, ad_array *g)
{
    const ad_make_diagonal_options *o = ad_node_options(node);
    (void)operand;
    return ad_diagonal(g, .offset = o->offset, .axis1 = -2, .axis2 = -1);
}

static const ad_field make_diagonal_fields[] = {
    AD_FIELD(ad_make_diagonal_options, offset, INT64), AD_FIELD(ad_make_diagonal_options, rows, INT64),
    AD_FIELD(ad_make_diagonal_options, columns, INT64), AD_FIELD(ad_make_diagonal_options, ad_unused_, ASIDE), AD_FIELDS_END,
};
static const ad_primitive make_diagonal_op = {
    .name = "ad_make_diagonal", .infer = make_diagonal_infer, .eval = make_diagonal_eval, .vjp = make_diagonal_transpose, .linear = AD_LINEAR,
    .options_size = sizeof(ad_make_diagonal_options), .fields = make_diagonal_fields,
};
AD_OPERATION(make_diagonal_op);

/* If no size is given, it is the smallest that holds the diagonal. */
ad_array *ad_make_diagonal_with(ad_array *x, ad_make_diagonal_options options)
{
    if (!ad_given(x, "ad_make_diagonal", "array"))
        return NULL;
    if (x->ndim == 0 || x->ndim == AD_MAX_NDIM)
        return ad_set_error(AD_ERROR_SHAPE, "ad_make_diagonal: an array of %d dimensions cannot be made into matrices", x->ndim);
    int64_t above = options.offset > 0 ? options.offset : 0, below = options.offset < 0 ? options.offset : 0, side;
    if (__builtin_add_overflow(ad_dims(x)[x->ndim - 1], above, &side) || __builtin_sub_overflow(side, below, &side))
        return ad_set_error(AD_ERROR_SHAPE, "ad_make_diagonal: the matrix for diagonal %lld has more elements than can be addressed",
                            (long long)options.offset);
    if (options.rows < 0)
        options.rows = side;
    if (options.columns < 0)
        options.columns = side;
    return ad_call_primitive(&make_diagonal_op, &x, 1, &options);
}

ad_array *ad_diag_with(ad_array *x, ad_triangle_options options)
{
    if (!ad_given(x, "ad_diag", "array"))
        return NULL;
    if (x->ndim != 1 && x->ndim != 2)
        return ad_set_error(AD_ERROR_SHAPE, "ad_diag: an array of shape %s is neither a vector nor a matrix", AD_SHAPE_TEXT(x));
    return x->ndim == 1 ? ad_make_diagonal(x, .offset = options.k) : ad_diagonal(x, .offset = options.k);
}

ad_array *ad_eye_with(int64_t n, ad_eye_options options)
{
    int64_t columns = options.M < 0 ? n : options.M;
    if (n < 0)
        return ad_set_error(AD_ERROR_SHAPE, "ad_eye: %lld rows; there should be 0 or more", (long long)n);
    ad_array *ones = ad_ones(AD_SHAPE(diagonal_length(n, columns, options.k)), .dtype = options.dtype);
    return ad_make_diagonal(ones, .offset = options.k, .rows = n, .columns = columns);
}

ad_array *ad_identity_with(int64_t n, ad_create_options options)
{
    return ad_eye(n, .dtype = options.dtype);
}

/* ---- triangles ---- */

struct triangle {
    int64_t k; /* of the diagonal that belongs to it */
};

static const ad_field triangle_fields[] = { AD_FIELD(struct triangle, k, INT64), AD_FIELDS_END };

enum { UPPER, LOWER };

static bool triangle_eval(const ad_node *node, void *const *outputs)
{
    const struct triangle *o = ad_node_options(node);
    ad_shape shape = ad_node_shape(node, 0);
    const void *data = data_of(node, 0);
    int64_t rows = shape.dim[shape.ndim - 2], columns = shape.dim[shape.ndim - 1], count = ad_node_input(node, 0)->size / (rows * columns);
    if (data)
        ad_copy_triangle(ad_node_dtype(node, 0), ad_node_primitive(node)->code == LOWER, count, rows, columns, o->k, data, outputs[0]);
    return data != NULL;
}

static ad_array *triangle_vjp(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    return g ? ad_call_primitive(ad_node_primitive(node), &g, 1, ad_node_options(node)) : NULL;
}

#define TRIANGLE(identifier, called, which)                                                                            \
    static const ad_primitive identifier = {                                                                           \
        .name = called, .infer = ad_same_infer, .eval = triangle_eval, .vjp = triangle_vjp, .linear = AD_LINEAR,       \
        .code = which, .options_size = sizeof(struct triangle), .fields = triangle_fields,                             \
    };                                                                                                                 \
    AD_OPERATION(identifier)
TRIANGLE(tril_op, "ad_tril", LOWER);
TRIANGLE(triu_op, "ad_triu", UPPER);

/* Of a vector each row of a square matrix is made. */
static ad_array *triangle(const ad_primitive *op, ad_array *x, int64_t k)
{
    if (!ad_given(x, op->name, "array"))
        return NULL;
    if (x->ndim == 0)
        return ad_set_error(AD_ERROR_SHAPE, "%s: a 0-d array is not a matrix", op->name);
    if (x->size == 0)
        return x->ndim > 1 ? ad_unchanged(x) : ad_reshape(x, AD_SHAPE(0, 0));
    int64_t columns = ad_dims(x)[x->ndim - 1], rows = x->ndim > 1 ? ad_dims(x)[x->ndim - 2] : columns;
    if (x->ndim == 1 && !(x = ad_broadcast_to(x, AD_SHAPE(columns, columns))))
        return NULL;
    struct triangle o = { k < -rows ? -rows : k > columns ? columns : k };
    return ad_call_primitive(op, &x, 1, &o);
}

ad_array *ad_tri_with(int64_t n, ad_eye_options options)
{
    ad_shape shape = AD_SHAPE(n, options.M < 0 ? n : options.M);
    return makeable("ad_tri", options.dtype, &shape) ? triangle(&tril_op, ad_ones(shape, .dtype = options.dtype), options.k) : NULL;
}

ad_array *ad_tril_with(ad_array *x, ad_triangle_options options)
{
    return triangle(&tril_op, x, options.k);
}

ad_array *ad_triu_with(ad_array *x, ad_triangle_options options)
{
    return triangle(&triu_op, x, options.k);
}

/* ---- ranges ---- */

/* How many numbers there are from start on before stop. It is unsigned, so that no difference overflows. */
static uint64_t count_between(int64_t start, int64_t stop, int64_t step)
{
    uint64_t distance = step > 0 ? (uint64_t)stop - (uint64_t)start : (uint64_t)start - (uint64_t)stop;
    uint64_t stride = step > 0 ? (uint64_t)step : -(uint64_t)step;
    return (step > 0 ? stop > start : start > stop) ? (distance - 1) / stride + 1 : 0;
}

static ad_array *arange_integers(int64_t start, int64_t stop, int64_t step)
{
    uint64_t n = count_between(start, stop, step);
    ad_array *x = ad_array_new(ad_current(), AD_I64, 1, (int64_t[]){ n > INT64_MAX ? -1 : (int64_t)n });
    if (x)
        ad_fill_integers(x->size, (uint64_t)start, (uint64_t)step, (int64_t *)memory_of(x));
    return x;
}

/* As in NumPy, every element is start plus a multiple of the first difference, as rounded. */
static ad_array *arange_reals(double start, double stop, double step)
{
    double n = ceil((stop - start) / step), difference = start + step - start;
    if (!(n < 0x1p62))
        return ad_set_error(AD_ERROR_VALUE, "ad_arange: %.17g values from %.17g to %.17g by %.17g; these are too many, or not a number", n, start, stop, step);
    ad_array *x = ad_array_new(ad_current(), AD_F64, 1, (int64_t[]){ n > 0 ? (int64_t)n : 0 });
    if (x)
        ad_fill_reals(x->size, start, difference, (double *)memory_of(x));
    return x;
}

ad_number ad_number_complex_(ad_complex x)
{
    ad_set_error(AD_ERROR_VALUE, "ad_arange: %g%+gi is a complex number; a range has real numbers", creal(x), cimag(x));
    return (ad_number){ .real = NAN };
}

ad_array *ad_arange_from(const ad_number *numbers, int count)
{
    static const ad_number zero = { true, 0, 0 }, one = { true, 1, 1 };
    if (count < 1 || count > 3)
        return ad_set_error(AD_ERROR_VALUE, "ad_arange: %d numbers given; one to three are possible", count);
    if (!ad_given(numbers, "ad_arange", "list of numbers"))
        return NULL;
    ad_number start = count > 1 ? numbers[0] : zero, stop = numbers[count > 1], step = count > 2 ? numbers[2] : one;
    if (step.real == 0)
        return ad_set_error(AD_ERROR_VALUE, "ad_arange: the step is 0");
    AD_RUNNING(ad_current(), "ad_arange");
    if (start.is_integer && stop.is_integer && step.is_integer)
        return arange_integers(start.integer, stop.integer, step.integer);
    return arange_reals(start.real, stop.real, step.real);
}

ad_array *(ad_arange)(double start, double stop, double step)
{
    return ad_arange(start, stop, step);
}
