/* Products of vectors and matrices: the primitive ad_matmul, and what is made of it.
 *
 * The primitive takes a 1-d operand as a row or a column and leaves its axis out of the result. Its rules are matrix
 * products again, with transposed views. The engine sums a cotangent over broadcast leading axes. Contractions over any
 * axes are in einsum.c. */
#include "ad/create.h"
#include "ad/math.h"
#include "ad/product.h"
#include "ad/reduce.h"
#include "ad/shape.h"
#include "ops/ops.h"
#include <string.h>

/* ---- the primitive ---- */

/* Stacks of (m, k) and (k, n). The leading axes are those of the result. */
struct sizes {
    int64_t m, n, k;
    ad_shape leading;
};

static int leading_of(int ndim)
{
    return ndim < 2 ? 0 : ndim - 2;
}

static bool matmul_infer(const ad_node *node, ad_spec *output)
{
    const int64_t *a = ad_input_dims(node, 0), *b = ad_input_dims(node, 1);
    int ndim_a = ad_input_ndim(node, 0), ndim_b = ad_input_ndim(node, 1);
    ad_shape *shape = &output->shape;
    if (ndim_a == 0 || ndim_b == 0)
        return AD_REFUSE(node, AD_ERROR_SHAPE, "shapes %s and %s: a 0-d operand is not a matrix; ad_mul multiplies by it", AD_INPUT_TEXT(node, 0),
                       AD_INPUT_TEXT(node, 1));
    if (a[ndim_a - 1] != b[leading_of(ndim_b)])
        return AD_REFUSE(node, AD_ERROR_SHAPE, "shapes %s and %s do not align (%lld != %lld)", AD_INPUT_TEXT(node, 0), AD_INPUT_TEXT(node, 1),
                       (long long)a[ndim_a - 1], (long long)b[leading_of(ndim_b)]);
    ad_shape_set(shape, leading_of(ndim_a), a);
    if (!ad_broadcast_dims(shape, leading_of(ndim_b), b))
        return AD_REFUSE(node, AD_ERROR_SHAPE, "the leading axes of shapes %s and %s do not broadcast", AD_INPUT_TEXT(node, 0), AD_INPUT_TEXT(node, 1));
    output->dtype = ad_input_dtype_common(node, 0, 2);
    if (ndim_a > 1)
        shape->dim[shape->ndim++] = a[ndim_a - 2];
    if (ndim_b > 1)
        shape->dim[shape->ndim++] = b[ndim_b - 1];
    return true;
}

static void sizes_of(const ad_node *node, struct sizes *s)
{
    const int64_t *a = ad_input_dims(node, 0), *b = ad_input_dims(node, 1);
    const ad_shape *shape = &ad_output_spec(node, 0)->shape;
    int ndim_a = ad_input_ndim(node, 0), ndim_b = ad_input_ndim(node, 1);
    s->m = ndim_a < 2 ? 1 : a[ndim_a - 2];
    s->k = a[ndim_a - 1];
    s->n = ndim_b < 2 ? 1 : b[ndim_b - 1];
    ad_shape_set(&s->leading, shape->ndim - (ndim_a > 1) - (ndim_b > 1), shape->dim);
}

/* An operand as matrices: the first one, and its strides along the result's leading axes, 0 where it is broadcast. */
struct stack {
    struct ad_matrix matrix;
    int64_t step[AD_MAX_NDIM];
};

static struct ad_matrix matrix_of(const ad_array *x, bool is_row)
{
    const int64_t *strides = ad_strides(x);
    int64_t last = strides[x->ndim - 1];
    return (struct ad_matrix){ memory_of(x), x->ndim > 1 ? strides[x->ndim - 2] : is_row ? 0 : last, x->ndim > 1 || is_row ? last : 0 };
}

static void stack_of(const ad_array *x, bool is_row, int leading, struct stack *s)
{
    const int64_t *strides = ad_strides(x);
    int missing = leading - leading_of(x->ndim);
    s->matrix = matrix_of(x, is_row);
    for (int i = 0; i < leading; i++)
        s->step[i] = i < missing || ad_dims(x)[i - missing] == 1 ? 0 : strides[i - missing];
}

/* The operand in the common dtype. It is copied if BLAS would not take its strides. */
static ad_array *prepared(ad_context *c, ad_array *x, bool is_row, ad_dtype dtype, const struct sizes *s)
{
    if (x->dtype != dtype)
        return ad_array_cast(c, x, dtype);
    if (!ad_dtype_is_inexact(dtype) || ad_matmul_prefers_loops(s->m, s->n, s->k))
        return x;
    bool taken = ad_matmul_takes(dtype, is_row ? s->m : s->k, is_row ? s->k : s->n, matrix_of(x, is_row));
    return taken ? x : ad_array_contiguous(c, x);
}

/* Where B stays the same along the last leading axis, the matrices of A along it become one taller matrix, if their
 * rows follow at equal distances. False if they do not. */
static bool merge_rows(ad_dtype dtype, struct sizes *s, struct stack *a, const struct stack *b)
{
    int last = s->leading.ndim - 1;
    int64_t count = s->leading.dim[last];
    struct ad_matrix taller = a->matrix;
    if (count > 1 && s->m == 1)
        taller.row_stride = a->step[last];
    if (b->step[last] != 0 || (count > 1 && a->step[last] != s->m * taller.row_stride))
        return false;
    if (ad_dtype_is_inexact(dtype) && !ad_matmul_takes(dtype, s->m * count, s->k, taller))
        return false;
    a->matrix = taller;
    s->m *= count;
    s->leading.ndim = last;
    return true;
}

/* All products of a call, in parts of `batch` products that threads share. */
struct products {
    ad_dtype dtype;
    struct sizes sizes;
    struct stack left, right;
    char *out;
    int64_t count, batch;
};

/* Multiplies one stack after the other: a stack goes along the last leading axis as far as the part does. */
static void multiply_batch(void *context, int64_t part)
{
    const struct products *p = context;
    const struct sizes *s = &p->sizes;
    struct ad_matrix left = p->left.matrix, right = p->right.matrix;
    const int64_t *left_step = p->left.step, *right_step = p->right.step, *dims = s->leading.dim;
    int64_t first = part * p->batch, end = first + p->batch < p->count ? first + p->batch : p->count;
    int64_t at[AD_MAX_NDIM], rest = first, bytes = s->m * s->n * (int64_t)ad_dtype_size(p->dtype), count;
    int last = s->leading.ndim - 1;
    for (int axis = last; axis >= 0; axis--) {
        at[axis] = rest % dims[axis];
        rest /= dims[axis];
        left.data += at[axis] * left_step[axis];
        right.data += at[axis] * right_step[axis];
    }
    for (int64_t i = first; i < end; i += count) {
        count = dims[last] - at[last] < end - i ? dims[last] - at[last] : end - i;
        ad_matmul_stack(p->dtype, s->m, s->n, s->k, left, right, p->out + i * bytes, count, left_step[last], right_step[last]);
        at[last] += count;
        left.data += count * left_step[last];
        right.data += count * right_step[last];
        for (int axis = last; axis > 0 && at[axis] == dims[axis]; axis--) {
            left.data += left_step[axis - 1] - dims[axis] * left_step[axis];
            right.data += right_step[axis - 1] - dims[axis] * right_step[axis];
            at[axis] = 0;
            at[axis - 1]++;
        }
    }
}

static bool matmul_eval(const ad_node *node, void *const *outputs)
{
    AD_SCOPE;
    ad_context *c = ad_current();
    ad_array *a = ad_node_input(node, 0), *b = ad_node_input(node, 1);
    struct products p;
    p.dtype = ad_output_spec(node, 0)->dtype;
    p.out = outputs[0];
    struct sizes *s = &p.sizes;
    sizes_of(node, s);
    if (!(a = prepared(c, a, true, p.dtype, s)) || !(b = prepared(c, b, false, p.dtype, s)))
        return false;
    stack_of(a, true, s->leading.ndim, &p.left);
    stack_of(b, false, s->leading.ndim, &p.right);
    while (s->leading.ndim > 0 && merge_rows(p.dtype, s, &p.left, &p.right))
        ;
    if (s->leading.ndim == 0) { /* a stack of one */
        s->leading.dim[s->leading.ndim++] = 1;
        p.left.step[0] = p.right.step[0] = 0;
    }
    p.count = 1;
    for (int i = 0; i < s->leading.ndim; i++)
        p.count *= s->leading.dim[i];
    p.batch = ad_matmul_batch(p.dtype, s->m, s->n, s->k, p.count);
    ad_run_parts((p.count + p.batch - 1) / p.batch, multiply_batch, &p);
    return true;
}

/* x as a matrix: all axes but the last become one. */
static ad_array *rows_of(ad_array *x)
{
    if (!x || x->ndim == 2)
        return x;
    int64_t columns = ad_dims(x)[x->ndim - 1], rows = ad_shape_size(ad_shape_make(x->ndim - 1, ad_dims(x)));
    return ad_reshape(x, AD_SHAPE(rows, columns));
}

/* G B^T in A, and A^T G in B. A row or column that left its axis out gets it back for the product. One matrix B under a
 * stack of A meets all rows of the stack at once, so that no stack of its cotangents is made. */
static ad_array *matmul_vjp(const ad_node *node, int operand, ad_array *g)
{
    bool row = ad_node_shape(node, 0).ndim == 1, column = ad_node_shape(node, 1).ndim == 1;
    if (column)
        g = ad_expand_dims(g, -1);
    if (row)
        g = ad_expand_dims(g, -2);
    if (operand == 0) {
        ad_array *b = ad_node_input(node, 1);
        ad_array *d = ad_matmul(g, ad_matrix_transpose(column ? ad_expand_dims(b, -1) : b));
        return row ? ad_squeeze(d, .axis = -2) : d;
    }
    ad_array *a = ad_node_input(node, 0);
    if (row)
        a = ad_expand_dims(a, 0);
    bool folds = ad_node_shape(node, 1).ndim <= 2;
    ad_array *d = ad_matmul(ad_matrix_transpose(folds ? rows_of(a) : a), folds ? rows_of(g) : g);
    return column ? ad_squeeze(d, .axis = -1) : d;
}

static const ad_primitive matmul_op = {
    .name = "ad_matmul", .infer = matmul_infer, .eval = matmul_eval, .vjp = matmul_vjp, .linear = AD_MULTILINEAR, .saves = AD_SAVE_OTHERS,
};
AD_OPERATION(matmul_op);

ad_array *(ad_matmul)(ad_array *a, ad_array *b)
{
    return ad_call_primitive(&matmul_op, (ad_array *[]){ a, b }, 2, NULL);
}

/* ---- products made of it ---- */

/* Whether axis i of a and axis j of b, counted from the end, have the same length. */
static bool align(const char *operation, const ad_array *a, int i, const ad_array *b, int j)
{
    int64_t m = ad_dims(a)[a->ndim - i], n = ad_dims(b)[b->ndim - j];
    return m == n || AD_FAIL(AD_ERROR_SHAPE, "%s: shapes %s and %s do not align (%lld != %lld)", operation, AD_SHAPE_TEXT(a), AD_SHAPE_TEXT(b), (long long)m,
                             (long long)n);
}

static bool has_axes(const char *operation, const ad_array *x, int ndim)
{
    return x->ndim >= ndim || AD_FAIL(AD_ERROR_SHAPE, "%s: an operand of shape %s has fewer than %d axes", operation, AD_SHAPE_TEXT(x), ndim);
}

ad_array *(ad_dot)(ad_array *a, ad_array *b)
{
    if (!ad_both_given(a, b, "ad_dot"))
        return NULL;
    if (a->ndim == 0 || b->ndim == 0)
        return ad_mul(a, b);
    int axis = b->ndim == 1 ? 1 : 2;
    if (!align("ad_dot", a, 1, b, axis))
        return NULL;
    if (a->ndim == 1 || b->ndim <= 2)
        return ad_matmul(a, b);
    return ad_tensordot(a, b, .a_axes = AD_AXES(-1), .b_axes = AD_AXES(-2));
}

ad_array *(ad_inner)(ad_array *a, ad_array *b)
{
    if (!ad_both_given(a, b, "ad_inner"))
        return NULL;
    if (a->ndim == 0 || b->ndim == 0)
        return ad_mul(a, b);
    if (!align("ad_inner", a, 1, b, 1))
        return NULL;
    return b->ndim == 1 ? ad_matmul(a, b) : ad_tensordot(a, b, .a_axes = AD_AXES(-1), .b_axes = AD_AXES(-1));
}

ad_array *(ad_outer)(ad_array *a, ad_array *b)
{
    if (!ad_both_given(a, b, "ad_outer"))
        return NULL;
    return ad_matmul(ad_reshape(a, AD_SHAPE(a->size, 1)), ad_reshape(b, AD_SHAPE(1, b->size)));
}

static ad_array *conjugate(ad_array *x)
{
    return x && ad_dtype_is_complex((ad_dtype)x->dtype) ? ad_conj(x) : x;
}

static ad_array *flat(ad_array *x)
{
    return x->ndim == 1 ? x : ad_reshape(x, AD_SHAPE(x->size));
}

ad_array *(ad_vdot)(ad_array *a, ad_array *b)
{
    if (!ad_both_given(a, b, "ad_vdot"))
        return NULL;
    if (a->size != b->size)
        return ad_set_error(AD_ERROR_SHAPE, "ad_vdot: shapes %s and %s have different numbers of elements (%lld != %lld)", AD_SHAPE_TEXT(a), AD_SHAPE_TEXT(b),
                            (long long)a->size, (long long)b->size);
    return ad_matmul(conjugate(flat(a)), flat(b));
}

ad_array *(ad_matvec)(ad_array *a, ad_array *b)
{
    if (!ad_both_given(a, b, "ad_matvec") || !has_axes("ad_matvec", a, 2) || !has_axes("ad_matvec", b, 1) || !align("ad_matvec", a, 1, b, 1))
        return NULL;
    return b->ndim == 1 ? ad_matmul(a, b) : ad_squeeze(ad_matmul(a, ad_expand_dims(b, -1)), .axis = -1);
}

ad_array *(ad_vecmat)(ad_array *a, ad_array *b)
{
    if (!ad_both_given(a, b, "ad_vecmat") || !has_axes("ad_vecmat", a, 1) || !has_axes("ad_vecmat", b, 2) || !align("ad_vecmat", a, 1, b, 2))
        return NULL;
    return a->ndim == 1 ? ad_matmul(conjugate(a), b) : ad_squeeze(ad_matmul(ad_expand_dims(conjugate(a), -2), b), .axis = -2);
}

ad_array *ad_vecdot_with(ad_array *a, ad_array *b, ad_vecdot_options options)
{
    if (!ad_both_given(a, b, "ad_vecdot"))
        return NULL;
    if (ad_axis_resolve("ad_vecdot", options.axis, a->ndim) < 0 || ad_axis_resolve("ad_vecdot", options.axis, b->ndim) < 0)
        return NULL;
    a = ad_moveaxis(a, options.axis, -1);
    b = ad_moveaxis(b, options.axis, -1);
    if (!a || !b || !align("ad_vecdot", a, 1, b, 1))
        return NULL;
    ad_array *product = ad_matmul(ad_expand_dims(conjugate(a), -2), ad_expand_dims(b, -1));
    return ad_squeeze(product, .axes = AD_AXES(-2, -1));
}

/* x with an axis of length 1 before or after each of its `ndim` axes, of which those it lacks are added. */
static ad_array *interleaved(ad_array *x, int ndim, bool before)
{
    ad_shape shape = { .ndim = 2 * ndim };
    int missing = ndim - x->ndim;
    for (int i = 0; i < ndim; i++) {
        shape.dim[2 * i + !before] = 1;
        shape.dim[2 * i + before] = i < missing ? 1 : ad_dims(x)[i - missing];
    }
    return ad_reshape(x, shape);
}

ad_array *(ad_kron)(ad_array *a, ad_array *b)
{
    if (!ad_both_given(a, b, "ad_kron"))
        return NULL;
    int ndim = a->ndim > b->ndim ? a->ndim : b->ndim;
    if (2 * ndim > AD_MAX_NDIM)
        return ad_set_error(AD_ERROR_SHAPE, "ad_kron: shapes %s and %s have more than %d axes", AD_SHAPE_TEXT(a), AD_SHAPE_TEXT(b), AD_MAX_NDIM / 2);
    ad_array *blocks = ad_mul(interleaved(a, ndim, false), interleaved(b, ndim, true));
    if (!blocks)
        return NULL;
    ad_shape shape = { .ndim = ndim };
    for (int i = 0; i < ndim; i++)
        shape.dim[i] = ad_dims(blocks)[2 * i] * ad_dims(blocks)[2 * i + 1];
    return ad_reshape(blocks, shape);
}

/* ---- trace ---- */

ad_array *ad_trace_with(ad_array *x, ad_trace_options options)
{
    if (!ad_given(x, "ad_trace", "array") || !has_axes("ad_trace", x, 2))
        return NULL;
    ad_array *diagonal = ad_diagonal(x, .offset = options.offset, .axis1 = options.axis1, .axis2 = options.axis2);
    return ad_sum(diagonal, .axis = -1, .dtype = options.dtype);
}
