/* The products of linear algebra that differ from those of other arrays by the axes they take, and the product of a
 * list of matrices.
 *
 * All of them call the other products, which have the derivatives. */
#include "ops/linalg/linalg.h"
#include <math.h>

ad_array *(ad_linalg_outer)(ad_array *a, ad_array *b)
{
    if (!ad_both_given(a, b, "ad_linalg_outer"))
        return NULL;
    if (a->ndim != 1 || b->ndim != 1)
        return ad_set_error(AD_ERROR_SHAPE, "ad_linalg_outer: operands of shapes %s and %s; they should be vectors. ad_outer takes any", AD_SHAPE_TEXT(a),
                            AD_SHAPE_TEXT(b));
    return ad_outer(a, b);
}

ad_array *ad_linalg_cross_with(ad_array *a, ad_array *b, ad_linalg_cross_options options)
{
    const char *name = "ad_linalg_cross";
    if (!ad_both_given(a, b, name))
        return NULL;
    int of_a = ad_axis_resolve(name, options.axis, a->ndim), of_b = of_a < 0 ? -1 : ad_axis_resolve(name, options.axis, b->ndim);
    if (of_b < 0)
        return NULL;
    if (ad_dims(a)[of_a] != 3 || ad_dims(b)[of_b] != 3)
        return ad_set_error(AD_ERROR_SHAPE, "%s: vectors of lengths %lld and %lld, in operands of shapes %s and %s; they should have 3 components", name,
                            (long long)ad_dims(a)[of_a], (long long)ad_dims(b)[of_b], AD_SHAPE_TEXT(a), AD_SHAPE_TEXT(b));
    return ad_cross(a, b, .axis = options.axis);
}

static bool has_matrices(const char *name, const ad_array *x)
{
    return x->ndim >= 2 || AD_FAIL(AD_ERROR_SHAPE, "%s: a matrix has two axes, an operand of shape %s does not", name, AD_SHAPE_TEXT(x));
}

ad_array *ad_linalg_diagonal_with(ad_array *x, ad_linalg_diagonal_options options)
{
    if (!ad_given(x, "ad_linalg_diagonal", "array") || !has_matrices("ad_linalg_diagonal", x))
        return NULL;
    return ad_diagonal(x, .offset = options.offset, .axis1 = -2, .axis2 = -1);
}

ad_array *ad_linalg_trace_with(ad_array *x, ad_linalg_trace_options options)
{
    if (!ad_given(x, "ad_linalg_trace", "array") || !has_matrices("ad_linalg_trace", x))
        return NULL;
    return ad_trace(x, .offset = options.offset, .axis1 = -2, .axis2 = -1, .dtype = options.dtype);
}

/* ---- the product of a list ---- */

static bool can_be_multiplied(ad_array *const *x, int count)
{
    const char *name = "ad_linalg_multi_dot";
    for (int i = 0; i < count; i++) {
        bool end = i == 0 || i == count - 1;
        if (x[i]->ndim != 2 && !(end && x[i]->ndim == 1))
            return AD_FAIL(AD_ERROR_SHAPE, "%s: array %d has shape %s; it should be a matrix%s", name, i, AD_SHAPE_TEXT(x[i]), end ? " or a vector" : "");
        if (i && ad_dims(x[i - 1])[x[i - 1]->ndim - 1] != ad_dims(x[i])[0])
            return AD_FAIL(AD_ERROR_SHAPE, "%s: arrays %d and %d of shapes %s and %s do not align (%lld != %lld)", name, i - 1, i, AD_SHAPE_TEXT(x[i - 1]),
                           AD_SHAPE_TEXT(x[i]), (long long)ad_dims(x[i - 1])[x[i - 1]->ndim - 1], (long long)ad_dims(x[i])[0]);
    }
    return true;
}

/* For all first < last: where the best product of the factors from first to last is split (Cormen and others,
 * Introduction to Algorithms, 15.2). It is the product of the factors up to the split, times that of those after it.
 * lengths[i] is the rows of factor i, and lengths[i + 1] its columns. */
static void find_splits(int count, const double *lengths, double *costs, int *splits)
{
    for (int i = 0; i < count; i++)
        costs[i * count + i] = 0;
    for (int width = 1; width < count; width++)
        for (int first = 0; first + width < count; first++) {
            int last = first + width;
            double *best = &costs[first * count + last];
            *best = INFINITY;
            for (int split = first; split < last; split++) {
                double cost = costs[first * count + split] + costs[(split + 1) * count + last] + lengths[first] * lengths[split + 1] * lengths[last + 1];
                if (cost < *best) {
                    *best = cost;
                    splits[first * count + last] = split;
                }
            }
        }
}

/* The product of the factors, multiplied as the splits say. Each product is listed before those that it is made of, and
 * they are computed from the end of the list. The product of the factors from `first` on takes the place of that
 * factor. */
static ad_array *multiply_by(const int *splits, ad_array **x, int count, int (*product)[2])
{
    int listed = 0;
    product[listed][0] = 0;
    product[listed++][1] = count - 1;
    for (int i = 0; i < listed; i++) {
        int first = product[i][0], last = product[i][1], split = splits[first * count + last];
        if (first < split) {
            product[listed][0] = first;
            product[listed++][1] = split;
        }
        if (split + 1 < last) {
            product[listed][0] = split + 1;
            product[listed++][1] = last;
        }
    }
    for (int i = listed - 1; i >= 0; i--) {
        int first = product[i][0];
        x[first] = ad_matmul(x[first], x[splits[first * count + product[i][1]] + 1]);
    }
    return x[0];
}

enum { MOST_FACTORS = 10000 }; /* so that the tables have no more places than an int counts */

ad_array *(ad_linalg_multi_dot)(const ad_tree *arrays)
{
    AD_SCOPE;
    ad_context *c = ad_current();
    AD_SCRATCH leaves = { 0 }, lengths_room = { 0 }, costs_room = { 0 }, splits_room = { 0 }, products_room = { 0 };
    if (!ad_given(arrays, "ad_linalg_multi_dot", "list of arrays"))
        return NULL;
    int count = ad_tree_leaf_count(arrays);
    if (count < 2 || count > MOST_FACTORS)
        return ad_set_error(AD_ERROR_VALUE, "ad_linalg_multi_dot: a list of %d arrays; it should have from 2 to %d", count, MOST_FACTORS);
    ad_array **x = leaves_of(arrays, count, &leaves);
    double *lengths = ad_scratch_take(c, &lengths_room, count + 1, sizeof *lengths), *costs = ad_scratch_take(c, &costs_room, count * count, sizeof *costs);
    int *splits = ad_scratch_take(c, &splits_room, count * count, sizeof *splits), (*product)[2] = ad_scratch_take(c, &products_room, count, sizeof *product);
    if (!x || !lengths || !costs || !splits || !product || !can_be_multiplied(x, count))
        return NULL;
    lengths[0] = x[0]->ndim == 1 ? 1 : (double)ad_dims(x[0])[0];
    for (int i = 1; i < count; i++)
        lengths[i] = (double)ad_dims(x[i])[0];
    lengths[count] = x[count - 1]->ndim == 1 ? 1 : (double)ad_dims(x[count - 1])[1];
    find_splits(count, lengths, costs, splits);
    ad_dtype dtype = ad_dtype_common(x, count);
    for (int i = 0; i < count; i++)
        if (!(x[i] = ad_astype(x[i], dtype)))
            return NULL;
    return ad_escape(multiply_by(splits, x, count, product));
}
