/* Matrices made of parts: blocks along the diagonal, and one number along each diagonal.
 *
 * Both are linear. Blocks are a primitive, whose transpose gives each block its part of the cotangent. The other is
 * made of operations that move elements. */
#include "ad/tree.h"
#include "ops/linalg/linalg.h"
#include <string.h>

/* The last axes of x, with leading axes such that x is repeated over `leading`. */
static ad_array *spread(ad_array *x, const ad_shape *leading, int own_axes)
{
    if (!x || !ad_count_fits("ad_broadcast_to", leading->ndim + own_axes, AD_MAX_NDIM, "dimensions"))
        return NULL;
    ad_shape shape = *leading;
    for (int i = x->ndim - own_axes; i < x->ndim; i++)
        shape.dim[shape.ndim++] = ad_dims(x)[i];
    return ad_broadcast_to(x, shape);
}

/* ---- blocks along the diagonal ---- */

/* The row and the column where a block begins, which is where the ones before it end. For all of k blocks this takes
 * k^2 steps, and the result has at least as many elements. */
static void block_place(const ad_node *node, int operand, int64_t place[2])
{
    place[0] = place[1] = 0;
    for (int i = 0; i < operand; i++) {
        struct matrix_size size = ad_matrix_size(node, i);
        place[0] += size.rows;
        place[1] += size.columns;
    }
}

static bool blocks_infer(const ad_node *node, ad_spec *output)
{
    int count = ad_node_inputs(node);
    int64_t rows = 0, columns = 0;
    for (int i = 0; i < count; i++) {
        struct matrix_size size = ad_matrix_size(node, i);
        if (__builtin_add_overflow(rows, size.rows, &rows) || __builtin_add_overflow(columns, size.columns, &columns))
            return AD_FAIL(AD_ERROR_SHAPE, "ad_linalg_block_diag: the matrices have more rows or columns together than can be addressed");
    }
    *output = (ad_spec){ ad_input_dtype_common(node, 0, count), ad_stack_shape(ad_node_shape(node, 0), rows, columns) };
    return true;
}

static bool blocks_eval(const ad_node *node, void *const *outputs)
{
    const ad_spec *output = ad_node_spec(node, 0);
    int ndim = output->shape.ndim;
    int64_t strides[AD_MAX_NDIM];
    char *to = outputs[0];
    c_order_strides(output->dtype, ndim, output->shape.dim, strides);
    memset(to, 0, (size_t)ad_shape_size(output->shape) * ad_dtype_size(output->dtype));
    for (int i = 0; i < ad_node_inputs(node); i++) {
        const ad_array *x = ad_node_input(node, i);
        if (x->size)
            ad_copy_strided(ndim, ad_dims(x), operand_of(x), (struct ad_operand){ to, strides, output->dtype });
        to += ad_dims(x)[ndim - 2] * strides[ndim - 2] + ad_dims(x)[ndim - 1] * strides[ndim - 1];
    }
    return true;
}

static ad_array *blocks_vjp(const ad_node *node, int operand, ad_array *g)
{
    struct matrix_size size = ad_matrix_size(node, operand);
    int64_t place[2];
    block_place(node, operand, place);
    return ad_slice_axis(ad_slice_axis(g, -2, place[0], size.rows, 1), -1, place[1], size.columns, 1);
}

/* For matrices with the same leading axes. */
static const ad_primitive blocks_op = {
    .name = "ad_linalg_block_diag", .infer = blocks_infer, .eval = blocks_eval, .vjp = blocks_vjp, .linear = AD_LINEAR, .listed = true,
};
AD_OPERATION(blocks_op);

/* The shape that the leading axes of the blocks broadcast to; false and an error. */
static bool common_stack(ad_array *const *blocks, int count, ad_shape *leading)
{
    *leading = AD_SCALAR_SHAPE;
    for (int i = 0; i < count; i++)
        if (blocks[i]->ndim > 2 && !ad_broadcast_dims(leading, blocks[i]->ndim - 2, ad_dims(blocks[i])))
            return AD_FAIL(AD_ERROR_SHAPE, "ad_linalg_block_diag: the leading axes of matrix %d, of shape %s, do not broadcast with those before it", i,
                           AD_SHAPE_TEXT(blocks[i]));
    return true;
}

ad_array *(ad_linalg_block_diag)(const ad_tree *arrays)
{
    AD_SCOPE;
    AD_SCRATCH leaves = { 0 };
    ad_shape leading;
    if (!ad_given(arrays, "ad_linalg_block_diag", "list of arrays"))
        return NULL;
    int count = ad_tree_leaf_count(arrays);
    if (count == 0)
        return ad_escape(ad_zeros(AD_SHAPE(1, 0)));
    ad_array **blocks = leaves_of(arrays, count, &leaves);
    if (!blocks || !common_stack(blocks, count, &leading))
        return NULL;
    for (int i = 0; i < count; i++)
        if (!(blocks[i] = spread(ad_atleast_2d(blocks[i]), &leading, 2)))
            return NULL;
    return ad_escape(ad_call_primitive(&blocks_op, blocks, count, NULL));
}

/* ---- one number along each diagonal ---- */

/* The diagonals from the lowest one up stand behind one another, (..., m + n - 1); row i of the matrix is a part of
 * them, one element earlier than the row above. */
struct spreading {
    int64_t rows;
};

static const ad_field spreading_fields[] = { AD_FIELD(struct spreading, rows, INT64), AD_FIELDS_END };

static bool diagonals_infer(const ad_node *node, ad_spec *output)
{
    const struct spreading *o = ad_node_options(node);
    ad_shape shape = ad_node_shape(node, 0);
    int64_t columns = shape.dim[shape.ndim - 1] - o->rows + 1;
    shape.ndim++;
    *output = (ad_spec){ ad_node_dtype(node, 0), ad_stack_shape(shape, o->rows, columns) };
    return true;
}

static bool diagonals_eval(const ad_node *node, void *const *outputs)
{
    const ad_spec *output = ad_output_spec(node, 0);
    const int64_t m = output->shape.dim[output->shape.ndim - 2], n = output->shape.dim[output->shape.ndim - 1];
    const int64_t item = (int64_t)ad_dtype_size(output->dtype), dims[] = { ad_stack_count(&output->shape, 2), m, n };
    const int64_t from_strides[] = { (m + n - 1) * item, -item, item }, to_strides[] = { m * n * item, n * item, item };
    ad_array *x = ad_array_contiguous(ad_current(), ad_node_input(node, 0));
    if (x)
        ad_copy_strided(3, dims, (struct ad_operand){ memory_of(x) + (m - 1) * item, from_strides, output->dtype },
                        (struct ad_operand){ outputs[0], to_strides, output->dtype });
    return x != NULL;
}

/* The sums along the diagonals. In a row with as many zeros behind it as there are rows, but cut one element shorter,
 * each row stands one place further than the one before. */
static ad_array *diagonals_vjp(const ad_node *node, int operand, ad_array *g)
{
    (void)node, (void)operand;
    int64_t m = ad_dim(g, -2), n = ad_dim(g, -1);
    ad_shape shape = ad_stack_shape(ad_shape_of(g), m, m), flat = shape;
    flat.ndim--;
    flat.dim[flat.ndim - 1] = m * (m + n);
    ad_array *wide = ad_concatenate(ad_list_of(ad_flip(g, .axis = -2), ad_zeros(shape, .dtype = ad_dtype_of(g))), .axis = -1);
    ad_array *cut = ad_slice_axis(ad_reshape(wide, flat), -1, 0, m * (m + n - 1), 1);
    return ad_sum(ad_reshape(cut, ad_stack_shape(shape, m, m + n - 1)), .axis = -2);
}

static const ad_primitive diagonals_op = {
    .name = "ad_linalg_toeplitz",
    .infer = diagonals_infer,
    .eval = diagonals_eval,
    .vjp = diagonals_vjp,
    .linear = AD_LINEAR,
    .options_size = sizeof(struct spreading),
    .fields = spreading_fields,
};
AD_OPERATION(diagonals_op);

ad_array *ad_linalg_toeplitz_with(ad_array *c, ad_linalg_toeplitz_options options)
{
    AD_SCOPE;
    const char *name = "ad_linalg_toeplitz";
    if (!ad_given(c, name, "array"))
        return NULL;
    c = ad_atleast_1d(c);
    ad_array *r = options.r ? ad_atleast_1d(options.r) : ad_conjugated(c);
    if (!c || !r)
        return NULL;
    int64_t m = ad_dims(c)[c->ndim - 1], n = ad_dims(r)[r->ndim - 1];
    ad_shape leading = ad_shape_make(c->ndim - 1, ad_dims(c));
    if (!ad_broadcast_dims(&leading, r->ndim - 1, ad_dims(r)))
        return ad_set_error(AD_ERROR_SHAPE, "%s: the leading axes of shapes %s and %s do not broadcast", name, AD_SHAPE_TEXT(c), AD_SHAPE_TEXT(r));
    ad_array *low = ad_flip(spread(c, &leading, 1), .axis = -1), *high = ad_slice_of(spread(r, &leading, 1), leading.ndim, n > 0, n - (n > 0), 1, true);
    ad_array *diagonals = ad_concatenate(ad_list_of(low, high), .axis = -1);
    if (!diagonals || !ad_count_fits(name, leading.ndim + 2, AD_MAX_NDIM, "dimensions"))
        return NULL;
    leading.ndim += 2;
    if (m == 0 || n == 0)
        return ad_escape(ad_zeros(ad_stack_shape(leading, m, n), .dtype = ad_dtype_of(diagonals)));
    return ad_escape(ad_call_primitive(&diagonals_op, &diagonals, 1, &(struct spreading){ m }));
}
