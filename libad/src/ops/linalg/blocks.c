/* Matrices laid out of parts: blocks along the diagonal, and one number along each diagonal.
 *
 * Both are linear, and made of operations that move elements, which have the derivatives. */
#include "ad/tree.h"
#include "ops/linalg/linalg.h"
#include <string.h>

/* x's last axes, with as many leading axes as it takes to be x repeated over `leading`. */
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

/* The sum of the blocks' columns and what their leading axes broadcast to; false and an error. */
static bool measure_blocks(ad_array *const *blocks, int count, int64_t *columns, ad_shape *leading)
{
    *columns = 0;
    *leading = AD_SCALAR_SHAPE;
    for (int i = 0; i < count; i++) {
        const ad_array *x = blocks[i];
        if (__builtin_add_overflow(*columns, x->ndim ? ad_dims(x)[x->ndim - 1] : 1, columns))
            return AD_FAIL(AD_ERROR_SHAPE, "ad_linalg_block_diag: the matrices have more columns together than can be addressed");
        if (x->ndim > 2 && !ad_broadcast_dims(leading, x->ndim - 2, ad_dims(x)))
            return AD_FAIL(AD_ERROR_SHAPE, "ad_linalg_block_diag: the leading axes of matrix %d, of shape %s, do not broadcast with those before it", i,
                           AD_SHAPE_TEXT(x));
    }
    return true;
}

/* The rows of the result that hold x, whose columns begin at `before`. */
static ad_array *row_of_blocks(ad_array *x, const ad_shape *leading, int64_t before, int64_t columns)
{
    x = spread(ad_atleast_2d(x), leading, 2);
    if (!x)
        return NULL;
    ad_widths widths = { .count = x->ndim };
    widths.width[x->ndim - 1][0] = before;
    widths.width[x->ndim - 1][1] = columns - before - ad_dims(x)[x->ndim - 1];
    return ad_pad(x, 0, .widths = widths);
}

ad_array *(ad_linalg_block_diag)(const ad_tree *arrays)
{
    AD_SCOPE;
    const char *name = "ad_linalg_block_diag";
    AD_SCRATCH leaves = { 0 }, rows_room = { 0 };
    if (!ad_given(arrays, name, "list of arrays"))
        return NULL;
    int count = ad_tree_leaf_count(arrays);
    if (count == 0)
        return ad_escape(ad_zeros(AD_SHAPE(1, 0)));
    ad_array **blocks = leaves_of(arrays, count, &leaves);
    ad_tree_item *rows = ad_scratch_take(ad_current(), &rows_room, count, sizeof *rows);
    int64_t columns, before = 0;
    ad_shape leading;
    if (!blocks || !rows || !measure_blocks(blocks, count, &columns, &leading))
        return NULL;
    for (int i = 0; i < count; i++) {
        ad_array *row = row_of_blocks(blocks[i], &leading, before, columns);
        if (!row)
            return NULL;
        rows[i] = (ad_tree_item){ AD_ITEM_ARRAY, row };
        before += blocks[i]->ndim ? ad_dims(blocks[i])[blocks[i]->ndim - 1] : 1;
    }
    return ad_escape(ad_concatenate(ad_list_from(rows, count), .axis = -2));
}

/* ---- one number along each diagonal ---- */

/* The diagonals from the lowest one up stand behind one another; row i of the matrix is a part of them, one element earlier than the row above. */
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
    ad_array *low = ad_flip(spread(c, &leading, 1), .axis = -1), *high = ad_at(spread(r, &leading, 1), "..., 1:");
    ad_array *diagonals = ad_concatenate(ad_list_of(low, high), .axis = -1);
    ad_array *places = ad_add(ad_expand_dims(ad_arange(m - 1, -1, -1), 1), ad_arange(n));
    return ad_escape(ad_take(diagonals, places, .axis = -1));
}

ad_array *(ad_linalg_toeplitz)(ad_array *c)
{
    return ad_linalg_toeplitz_with(c, AD_LINALG_TOEPLITZ_DEFAULTS);
}
