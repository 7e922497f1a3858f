/* Stacks of matrices: which operands are taken, and where each matrix is. */
#include "ad/transform.h"
#include "ops/linalg/linalg.h"
#include <stdio.h>
#include <string.h>

ad_array *ad_matrices(const char *operation, ad_array *x, bool square)
{
    if (!x)
        return NULL;
    if (x->ndim < 2)
        return ad_set_error(AD_ERROR_SHAPE, "%s: a matrix has two axes, an operand of shape %s does not", operation, AD_SHAPE_TEXT(x));
    int64_t rows = ad_dims(x)[x->ndim - 2], columns = ad_dims(x)[x->ndim - 1];
    if (square && rows != columns)
        return ad_set_error(AD_ERROR_SHAPE, "%s: an operand of shape %s; the matrices should be square", operation, AD_SHAPE_TEXT(x));
    if (rows > AD_LINALG_LARGEST || columns > AD_LINALG_LARGEST)
        return ad_set_error(AD_ERROR_SHAPE, "%s: matrices of shape %s are larger than %d", operation, AD_SHAPE_TEXT(x), AD_LINALG_LARGEST);
    return ad_dtype_is_inexact((ad_dtype)x->dtype) ? x : ad_astype(x, AD_F64);
}

struct matrix_size ad_matrix_size(const ad_node *node, int operand)
{
    const int64_t *end = ad_input_dims(node, operand) + ad_input_ndim(node, operand);
    return (struct matrix_size){ end[-2], end[-1] };
}

ad_shape ad_stack_shape(ad_shape like, int64_t rows, int64_t columns)
{
    like.dim[like.ndim - 2] = rows;
    like.dim[like.ndim - 1] = columns;
    return like;
}

int64_t ad_stack_count(const ad_shape *shape, int own_axes)
{
    int64_t count = 1;
    for (int i = 0; i < shape->ndim - own_axes; i++)
        count *= shape->dim[i];
    return count;
}

int64_t ad_stack_place(const ad_array *x, int own_axes, const ad_shape *all, int64_t i)
{
    int leading = x->ndim - own_axes;
    int64_t place = 0, stride = 1;
    for (int k = 1; k <= leading; k++) {
        int64_t n = ad_dims(x)[leading - k], whole = all->dim[all->ndim - 2 - k];
        place += n == 1 ? 0 : i % whole * stride;
        stride *= n;
        i /= whole;
    }
    return place;
}

bool ad_system_infer(const ad_node *node, int matrix, int right, ad_spec *output)
{
    ad_shape a = ad_node_shape(node, matrix), b = ad_node_shape(node, right);
    struct matrix_size size = ad_matrix_size(node, right);
    ad_shape_buffer texts[2];
    const char *of_a = ad_shape_text(texts[0].text, sizeof texts[0], a.ndim, a.dim), *of_b = ad_shape_text(texts[1].text, sizeof texts[1], b.ndim, b.dim);
    if (a.dim[a.ndim - 1] != size.rows)
        return AD_REFUSE(node, AD_ERROR_SHAPE, "matrices of shape %s and right-hand sides of shape %s do not align (%lld != %lld)", of_a, of_b,
                       (long long)a.dim[a.ndim - 1], (long long)size.rows);
    ad_shape all = ad_shape_make(a.ndim - 2, a.dim), leading = ad_shape_make(b.ndim - 2, b.dim);
    if (!ad_shape_broadcast(&all, &leading))
        return AD_REFUSE(node, AD_ERROR_SHAPE, "stacks of shapes %s and %s do not broadcast", of_a, of_b);
    all.ndim += 2;
    *output = (ad_spec){ ad_node_dtype(node, right), ad_stack_shape(all, size.rows, size.columns) };
    return true;
}

/* ---- finite operands ---- */

bool ad_all_finite(const ad_node *node, const char *operation)
{
    const void *data = data_of(node, 0);
    return data && (ad_numbers_finite(ad_node_dtype(node, 0), ad_node_input(node, 0)->size, data) ||
                    AD_FAIL(AD_ERROR_NUMERIC, "%s: a NaN or an infinity in the operand", operation));
}

bool ad_is_differentiated(const ad_array *x)
{
    return ad_live_mask(ad_current()->tape, x) != 0;
}

struct finite {
    int part; /* ad_matrix_part */
    char operation[32], operand[8];
};

static const ad_field finite_fields[] = {
    AD_FIELD(struct finite, part, INT), AD_FIELD(struct finite, operation, TEXT), AD_FIELD(struct finite, operand, TEXT), AD_FIELDS_END,
};

/* Of a (rows, columns) matrix. */
static bool part_is_finite(ad_dtype dtype, int part, struct matrix_size size, const char *x)
{
    int64_t item = (int64_t)ad_dtype_size(dtype), beside = part == AD_STRICT_LOWER || part == AD_STRICT_UPPER;
    if (part == AD_WHOLE)
        return ad_numbers_finite(dtype, size.rows * size.columns, x);
    for (int64_t i = 0; i < size.rows; i++) {
        bool lower = part == AD_LOWER || part == AD_STRICT_LOWER;
        int64_t first = lower ? 0 : i + beside, end = lower ? i + 1 - beside : size.columns;
        if (end > first && !ad_numbers_finite(dtype, end - first, x + (i * size.columns + first) * item))
            return false;
    }
    return true;
}

static ad_array *finite_view(const ad_node *node, const ad_spec *output)
{
    const struct finite *o = ad_node_options(node);
    struct matrix_size size = ad_matrix_size(node, 0);
    int64_t bytes = size.rows * size.columns * (int64_t)ad_dtype_size(output->dtype);
    const char *x = data_of(node, 0);
    for (int64_t i = 0; x && i < (bytes ? ad_stack_count(&output->shape, 2) : 0); i++)
        if (!part_is_finite(output->dtype, o->part, size, x + i * bytes))
            return ad_set_error(AD_ERROR_NUMERIC, "%s: a NaN or an infinity in %s", o->operation, o->operand);
    return x ? ad_node_input(node, 0) : NULL;
}

static ad_array *finite_rule(const ad_node *node, int operand, ad_array *t)
{
    (void)node, (void)operand;
    return t;
}

static const ad_primitive finite_op = {
    .name = "ad_linalg_finite",
    .infer = ad_same_infer,
    .view = finite_view,
    .vjp = finite_rule,
    .jvp = finite_rule,
    .options_size = sizeof(struct finite),
    .fields = finite_fields,
};
AD_OPERATION(finite_op);

ad_array *ad_finite(const char *operation, const char *operand, ad_array *x, ad_matrix_part part)
{
    struct finite o = { .part = (int)part };
    snprintf(o.operation, sizeof o.operation, "%s", operation);
    snprintf(o.operand, sizeof o.operand, "%s", operand);
    return x ? ad_call_primitive(&finite_op, &x, 1, &o) : NULL;
}

/* ---- right-hand sides ---- */

ad_array *ad_right_sides(const char *operation, const ad_array *a, ad_array *b, bool *vector)
{
    if (b->ndim == 0)
        return ad_set_error(AD_ERROR_SHAPE, "%s: a right-hand side of shape (); it should have one axis or more", operation);
    *vector = b->ndim == 1;
    int64_t n = ad_dims(a)[a->ndim - 1], rows = ad_dims(b)[*vector ? 0 : b->ndim - 2];
    if (rows != n)
        return ad_set_error(AD_ERROR_SHAPE, "%s: matrices of shape %s and right-hand sides of shape %s do not align (%lld != %lld)", operation,
                            AD_SHAPE_TEXT(a), AD_SHAPE_TEXT(b), (long long)n, (long long)rows);
    b = *vector ? ad_expand_dims(b, -1) : b;
    return !b || ad_dtype_is_inexact((ad_dtype)b->dtype) ? b : ad_astype(b, AD_F64);
}

ad_array *ad_conjugated(ad_array *x)
{
    return x && ad_dtype_is_complex((ad_dtype)x->dtype) ? ad_conj(x) : x;
}

ad_array *ad_adjoint(ad_array *x)
{
    return ad_matrix_transpose(ad_conjugated(x));
}

ad_array *ad_inverse_gaps(ad_array *w)
{
    ad_array *gaps = ad_sub(ad_expand_dims(w, -2), ad_expand_dims(w, -1)), *sizes = ad_abs(ad_stop_gradient(w));
    if (!gaps || !ad_size(gaps))
        return gaps;
    ad_array *tolerance = ad_mul(ad_epsilon(w) * (double)ad_dim(w, -1), ad_max(sizes, .axis = -1, .keepdims = true));
    ad_array *close = ad_less_equal(ad_abs(ad_stop_gradient(gaps)), ad_expand_dims(tolerance, -1));
    return ad_where(close, 0, ad_reciprocal(ad_where(close, 1, gaps)));
}

/* ---- Hermitian matrices ---- */

ad_array *ad_mirrored(ad_array *a, bool lower)
{
    ad_array *strict = lower ? ad_tril(a, .k = -1) : ad_triu(a, .k = 1);
    ad_array *diagonal = ad_diagonal(a, .axis1 = -2, .axis2 = -1);
    if (diagonal && ad_dtype_is_complex((ad_dtype)diagonal->dtype))
        diagonal = ad_astype(ad_real(diagonal), (ad_dtype)diagonal->dtype);
    return ad_add(ad_add(strict, ad_adjoint(strict)), ad_make_diagonal(diagonal));
}

static bool hermitian_eval(const ad_node *node, void *const *outputs)
{
    ad_dtype dtype = ad_node_dtype(node, 0);
    ad_shape shape = ad_node_shape(node, 0);
    int64_t n = shape.dim[shape.ndim - 1], bytes = n * n * (int64_t)ad_dtype_size(dtype);
    const char *data = data_of(node, 0);
    for (int64_t i = 0; i < ad_stack_count(&shape, 2) && data && n; i++)
        ad_hermitian_of(dtype, n, data + i * bytes, (char *)outputs[0] + i * bytes);
    return data != NULL;
}

/* The Hermitian part. Under either pairing it is its own transpose. */
static ad_array *hermitian_part(const ad_node *node, int operand, ad_array *t)
{
    (void)node, (void)operand;
    return ad_mul(0.5, ad_add(t, ad_adjoint(t)));
}

static const ad_primitive hermitian_op = {
    .name = "ad_linalg_hermitian",
    .infer = ad_same_infer,
    .eval = hermitian_eval,
    .vjp = hermitian_part,
    .jvp = hermitian_part,
};
AD_OPERATION(hermitian_op);

ad_array *ad_hermitian(const char *operation, ad_array *a, const char *uplo)
{
    if (!uplo)
        return ad_call_primitive(&hermitian_op, &a, 1, NULL);
    if (strcmp(uplo, "L") != 0 && strcmp(uplo, "U") != 0)
        return ad_set_error(AD_ERROR_VALUE, "%s: .UPLO is \"%s\"; it should be \"L\" or \"U\"", operation, uplo);
    return ad_mirrored(a, *uplo == 'L');
}
