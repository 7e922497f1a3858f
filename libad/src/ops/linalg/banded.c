/* Systems with band matrices, given by their diagonals: element (i, j) is band[u + i - j, j]. No full matrix is made:
 * rules work on diagonals too.
 *
 * The factors are a constant operation of their own, which the value and every derivative use, as in solve.c. Elements
 * of the array of diagonals that are not in the matrix are not read, and their cotangent is 0. */
#include "ops/linalg/linalg.h"
#include <limits.h>
#include <string.h>

struct band {
    int64_t l, u;    /* diagonals below and above the main one */
    bool transposed; /* A^T x = b */
};

static const ad_field band_fields[] = {
    AD_FIELD(struct band, l, INT64),
    AD_FIELD(struct band, u, INT64),
    AD_FIELD(struct band, transposed, FLAG),
    AD_FIELDS_END,
};

/* ---- factors ---- */

enum { MATRIX, FACTORS, PIVOTS, RIGHT };

static bool factors_infer(const ad_node *node, ad_spec *outputs)
{
    const struct band *o = ad_node_options(node);
    ad_shape shape = ad_node_shape(node, MATRIX);
    int64_t n = ad_matrix_size(node, MATRIX).columns;
    outputs[0] = (ad_spec){ ad_node_dtype(node, MATRIX), ad_stack_shape(shape, n, 2 * o->l + o->u + 1) };
    shape.ndim--;
    shape.dim[shape.ndim - 1] = n;
    outputs[1] = (ad_spec){ AD_I32, shape };
    return true;
}

static bool factors_eval(const ad_node *node, void *const *outputs)
{
    const struct band *o = ad_node_options(node);
    ad_dtype dtype = ad_node_dtype(node, MATRIX);
    ad_shape shape = ad_node_shape(node, MATRIX);
    int64_t n = ad_matrix_size(node, MATRIX).columns, item = (int64_t)ad_dtype_size(dtype), rows = o->l + o->u + 1, leading = rows + o->l;
    const char *band = data_of(node, MATRIX);
    for (int64_t i = 0; i < ad_stack_count(&shape, 2) && n && band; i++) {
        int failed =
            ad_band_factor(dtype, n, o->l, o->u, band + i * rows * n * item, (char *)outputs[0] + i * n * leading * item, (int32_t *)outputs[1] + i * n);
        if (failed < 0)
            return AD_FAIL(AD_ERROR_NUMERIC, "ad_linalg_solve_banded: a NaN or an infinity in matrix %lld", (long long)i);
        if (failed)
            return AD_FAIL(AD_ERROR_NUMERIC, "ad_linalg_solve_banded: matrix %lld is singular: pivot %d is 0", (long long)i, failed - 1);
    }
    return band != NULL;
}

static const ad_primitive factors_op = {
    .name = "ad_linalg_banded_factors",
    .infer = factors_infer,
    .eval = factors_eval,
    .constant = true,
    .outputs = 2,
    .options_size = sizeof(struct band),
    .fields = band_fields,
};
AD_OPERATION(factors_op);

/* ---- A x = b ---- */

static bool banded_infer(const ad_node *node, ad_spec *output)
{
    return ad_system_infer(node, MATRIX, RIGHT, output);
}

static bool banded_eval(const ad_node *node, void *const *outputs)
{
    ad_context *c = ad_current();
    const struct band *o = ad_node_options(node);
    const ad_array *a = ad_node_input(node, MATRIX), *b = ad_node_input(node, RIGHT);
    const char *factors = data_of(node, FACTORS), *right = data_of(node, RIGHT);
    const int32_t *pivots = data_of(node, PIVOTS);
    const ad_spec *output = ad_output_spec(node, 0);
    if (!factors || !right || !pivots)
        return false;
    struct matrix_size size = ad_matrix_size(node, RIGHT);
    int64_t n = size.rows, item = (int64_t)ad_dtype_size(output->dtype), bytes = n * size.columns * item, of_factors = n * (2 * o->l + o->u + 1) * item;
    if (!ad_shape_size(output->shape))
        return true;
    void *scratch = ad_allocate(c, (size_t)bytes);
    for (int64_t i = 0; i < ad_stack_count(&output->shape, 2) && scratch; i++) {
        int64_t at = ad_stack_place(a, 2, &output->shape, i);
        char *x = (char *)outputs[0] + i * bytes;
        memcpy(x, right + ad_stack_place(b, 2, &output->shape, i) * bytes, (size_t)bytes);
        ad_band_solve(output->dtype, o->transposed, n, o->l, o->u, size.columns, factors + at * of_factors, pivots + at * n, x, scratch);
    }
    ad_deallocate(c, scratch, (size_t)bytes);
    return scratch != NULL;
}

static ad_array *again(const ad_node *node, ad_array *b, bool transposed)
{
    struct band o = *(const struct band *)ad_node_options(node);
    ad_array *operands[] = { ad_node_input(node, MATRIX), ad_node_input(node, FACTORS), ad_node_input(node, PIVOTS), b };
    o.transposed = transposed;
    return ad_call_primitive(ad_node_primitive(node), operands, 4, &o);
}

/* ---- on diagonals: d counts them from the uppermost one, and element (i, j) is on d = u + i - j ---- */

/* The rows, or columns, of x with `before` zeros ahead of them and `after` behind. */
static ad_array *padded(ad_array *x, int axis, int64_t before, int64_t after)
{
    if (!x)
        return NULL;
    ad_shape first = ad_shape_of(x), last = first;
    first.dim[x->ndim + axis] = before;
    last.dim[x->ndim + axis] = after;
    ad_dtype dtype = ad_dtype_of(x);
    return ad_concatenate(ad_list_of(ad_zeros(first, .dtype = dtype), x, ad_zeros(last, .dtype = dtype)), .axis = axis);
}

/* For each d and j, column j has an element of A on diagonal d. This is the row of x, (..., n, k), for the row of that
 * element: (..., d, j, k), and 0 beyond the ends. */
static ad_array *rows_for_columns(const struct band *o, ad_array *x, int64_t n)
{
    ad_array *places = ad_add(ad_expand_dims(ad_arange(o->l + o->u + 1), -1), ad_arange(n)); /* u + i = d + j */
    return ad_take(padded(x, -2, o->u, o->l), places, .axis = -2);
}

/* The diagonals of x y^T: (..., l + u + 1, n). */
static ad_array *diagonals_of_outer(const struct band *o, ad_array *x, ad_array *y, int64_t n)
{
    return ad_sum(ad_mul(rows_for_columns(o, x, n), ad_expand_dims(y, -3)), .axis = -1);
}

/* A x: the sum over d of two factors. One is the element of row i on diagonal d, which is in column j = i + u - d. The
 * other is row j of x. */
static ad_array *product(const struct band *o, ad_array *band, ad_array *x, int64_t n)
{
    int64_t count = o->l + o->u + 1, width = n + o->l + o->u;
    ad_array *d = ad_expand_dims(ad_arange(count), -1), *places = ad_add(ad_sub(o->l + o->u, d), ad_arange(n)); /* l + j */
    ad_shape flat = ad_shape_of(band);
    flat.ndim--;
    flat.dim[flat.ndim - 1] = count * width;
    ad_array *elements = ad_take(ad_reshape(padded(band, -1, o->l, o->u), flat), ad_add(places, ad_mul(d, width)), .axis = -1);
    return ad_sum(ad_mul(ad_expand_dims(elements, -1), ad_take(padded(x, -2, o->l, o->u), places, .axis = -2)), .axis = -3);
}

/* A^T x. */
static ad_array *transposed_product(const struct band *o, ad_array *band, ad_array *x, int64_t n)
{
    return ad_sum(ad_mul(ad_expand_dims(band, -1), rows_for_columns(o, x, n)), .axis = -3);
}

/* ---- rules ---- */

static bool banded_pull(const ad_node *node, ad_array *const *g, unsigned wanted, ad_array **cotangents)
{
    const struct band *o = ad_node_options(node);
    int64_t n = ad_matrix_size(node, RIGHT).rows;
    ad_array *right = again(node, g[0], !o->transposed), *x = ad_node_output(node, 0);
    if (wanted >> MATRIX & 1)
        cotangents[MATRIX] = ad_neg(o->transposed ? diagonals_of_outer(o, x, right, n) : diagonals_of_outer(o, right, x, n));
    cotangents[RIGHT] = right;
    return right && (!(wanted >> MATRIX & 1) || cotangents[MATRIX]);
}

static ad_array *banded_jvp(const ad_node *node, int operand, ad_array *t)
{
    const struct band *o = ad_node_options(node);
    int64_t n = ad_matrix_size(node, RIGHT).rows;
    if (operand == MATRIX) {
        ad_array *x = ad_node_output(node, 0);
        t = ad_neg(o->transposed ? transposed_product(o, t, x, n) : product(o, t, x, n));
    }
    return again(node, t, o->transposed);
}

static const ad_primitive banded_op = {
    .name = "ad_linalg_solve_banded",
    .infer = banded_infer,
    .eval = banded_eval,
    .pull = banded_pull,
    .jvp = banded_jvp,
    .saves = AD_SAVE_INPUT(MATRIX) | AD_SAVE_INPUT(FACTORS) | AD_SAVE_INPUT(PIVOTS) | AD_SAVE_OUTPUT,
    .parameters = 1u << FACTORS | 1u << PIVOTS,
    .options_size = sizeof(struct band),
    .fields = band_fields,
};
AD_OPERATION(banded_op);

/* ---- public ---- */

static bool are_diagonals(const ad_array *ab, ad_linalg_solve_banded_options o)
{
    const char *name = banded_op.name;
    if (ab->ndim < 2)
        return AD_FAIL(AD_ERROR_SHAPE, "%s: diagonals of shape %s; they should be (l+u+1,n)", name, AD_SHAPE_TEXT(ab));
    if (o.l < 0 || o.u < 0 || ad_dims(ab)[ab->ndim - 2] != (int64_t)o.l + o.u + 1)
        return AD_FAIL(AD_ERROR_SHAPE, "%s: .l is %d and .u is %d, and diagonals have the shape %s; they should be (l+u+1,n)", name, o.l, o.u,
                       AD_SHAPE_TEXT(ab));
    return true;
}

/* LAPACK counts elements in an int. */
static bool can_be_counted(const ad_array *ab, const ad_array *b, int64_t leading)
{
    int64_t n = ad_dims(ab)[ab->ndim - 1], k = ad_dims(b)[b->ndim - 1];
    if (leading > INT_MAX || (n && (leading > INT_MAX / n || k > INT_MAX / n)))
        return AD_FAIL(AD_ERROR_SHAPE, "%s: diagonals of shape %s and right-hand sides of shape %s are too large for LAPACK", banded_op.name, AD_SHAPE_TEXT(ab),
                       AD_SHAPE_TEXT(b));
    return true;
}

ad_array *ad_linalg_solve_banded_with(ad_array *ab, ad_array *b, ad_linalg_solve_banded_options options)
{
    const char *name = banded_op.name;
    struct band o = { options.l, options.u, false };
    bool vector = false;
    if (!ad_both_given(ab, b, name) || !are_diagonals(ab, options) || !(b = ad_right_sides(name, ab, b, &vector)))
        return NULL;
    ab = ad_dtype_is_inexact((ad_dtype)ab->dtype) ? ab : ad_astype(ab, AD_F64);
    b = ad_finite(name, "b", b, AD_WHOLE);
    if (!ab || !b)
        return NULL;
    ad_dtype dtype = ad_dtype_common((ad_array *[]){ ab, b }, 2);
    ab = ad_astype(ab, dtype);
    b = ad_astype(b, dtype);
    ad_array *factors[2];
    if (!ab || !b || !can_be_counted(ab, b, 2 * o.l + o.u + 1) || !ad_call_primitive_many(&factors_op, &ab, 1, &o, factors))
        return NULL;
    ad_array *x = ad_call_primitive(&banded_op, (ad_array *[]){ ab, factors[0], factors[1], b }, 4, &o);
    return vector ? ad_squeeze(x, .axis = -1) : x;
}
