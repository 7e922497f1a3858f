/* Transformations made of pullbacks and pushes: Jacobians, Hessians, products with them. */
#include "ad/array.h"
#include "ad/create.h"
#include "ad/math.h"
#include "ad/product.h"
#include "ad/reduce.h"
#include "ad/shape.h"
#include "ad/tree.h"
#include "tape/function.h"
#include <string.h>

/* Rows of the identity as cotangents: one pullback for each element of y, stacked. shape: y's shape, then x's. */
static ad_array *jacobian_rows(ad_context *c, ad_pullback *pull, const ad_array *y, const ad_array *x)
{
    ad_shape shape = ad_shape_of(y);
    if (shape.ndim + x->ndim > AD_MAX_NDIM)
        return ad_set_error(AD_ERROR_SHAPE, "ad_jacobian: an output of shape %s by an argument of shape %s has too many dimensions", AD_SHAPE_TEXT(y),
                            AD_SHAPE_TEXT(x));
    memcpy(shape.dim + shape.ndim, ad_dims(x), x->ndim * sizeof *shape.dim);
    shape.ndim += x->ndim;
    if (y->size == 0)
        return ad_array_zeros(c, (ad_dtype)x->dtype, shape.ndim, shape.dim);
    ad_tree_item *rows = ad_allocate(c, (size_t)y->size * sizeof *rows);
    if (!rows)
        return NULL;
    bool done = true;
    for (int64_t i = 0; i < y->size && done; i++) {
        AD_SCOPE;
        ad_array *flat = ad_array_zeros(c, (ad_dtype)y->dtype, 1, (int64_t[]){ y->size });
        ad_array *one = flat ? ad_astype(ad_scalar(1), (ad_dtype)y->dtype) : NULL;
        if (one)
            memcpy(flat->data + i * (int64_t)ad_dtype_size((ad_dtype)y->dtype), one->data, ad_dtype_size((ad_dtype)y->dtype));
        ad_array *row = one ? ad_escape((ad_array *)ad_pullback_apply(c, pull, ad_reshape(flat, ad_shape_of(y)))) : NULL;
        rows[i] = (ad_tree_item){ AD_ITEM_ARRAY, row };
        done = row != NULL;
    }
    ad_array *stacked = done ? ad_stack(ad_list_from(rows, (int)y->size)) : NULL;
    ad_deallocate(c, rows, (size_t)y->size * sizeof *rows);
    return stacked ? ad_reshape(stacked, shape) : NULL;
}

static void *run_jacobian(ad_context *c, const ad_fn *fn, const ad_value *arguments)
{
    void *y;
    ad_pullback *pull = ad_pullback_of(c, fn->inner, arguments, 0, &y);
    ad_array *rows = pull ? jacobian_rows(c, pull, y, arguments[0].p) : NULL;
    ad_vjp_free(pull);
    return rows;
}

/* v contracted with the Jacobian over all axes of the output: for each index of the tensor's other axes one pullback. */
static void *run_tensor_jacobian_product(ad_context *c, const ad_fn *fn, const ad_value *arguments)
{
    ad_array *y, *tensor = arguments[fn->inner->count].p, *x = arguments[0].p, *result = NULL;
    if (!tensor)
        return NULL;
    ad_pullback *pull = ad_pullback_of(c, fn->inner, arguments, 0, (void **)&y);
    if (!pull)
        return NULL;
    ad_shape shape = ad_shape_of(tensor), rows_shape = { .ndim = 1 + y->ndim }, others = { .ndim = shape.ndim - y->ndim };
    bool leading = shape.ndim >= y->ndim && memcmp(shape.dim, ad_dims(y), y->ndim * sizeof *shape.dim) == 0;
    if (!leading) {
        ad_vjp_free(pull);
        return ad_set_error(AD_ERROR_SHAPE, "ad_tensor_jacobian_product: a tensor of shape %s for an output of shape %s: its leading axes should be the output's",
                            AD_SHAPE_TEXT(tensor), AD_SHAPE_TEXT(y));
    }
    memcpy(others.dim, shape.dim + y->ndim, (size_t)others.ndim * sizeof *others.dim);
    int64_t count = ad_shape_size(others);
    if (others.ndim == 0) {
        result = ad_pullback_apply(c, pull, tensor);
    } else if (count > 0) {
        /* Bring the other axes to the front, as one. */
        ad_axes order = { .count = shape.ndim };
        for (int i = 0; i < shape.ndim; i++)
            order.axis[i] = i < others.ndim ? y->ndim + i : i - others.ndim;
        rows_shape.dim[0] = count;
        memcpy(rows_shape.dim + 1, ad_dims(y), y->ndim * sizeof *rows_shape.dim);
        ad_array *rows = ad_reshape(ad_transpose(tensor, .axes = order), rows_shape);
        ad_tree *parts = rows ? ad_unstack(rows) : NULL;
        ad_tree_item items[count];
        bool done = parts != NULL;
        for (int64_t i = 0; i < count && done; i++) {
            items[i] = (ad_tree_item){ AD_ITEM_ARRAY, ad_pullback_apply(c, pull, ad_tree_array_at(parts, (int)i)) };
            done = items[i].value != NULL;
        }
        ad_array *stacked = done ? ad_stack(ad_list_from(items, (int)count)) : NULL;
        ad_shape out = others;
        memcpy(out.dim + out.ndim, ad_dims(x), x->ndim * sizeof *out.dim);
        out.ndim += x->ndim;
        result = stacked ? ad_reshape(stacked, out) : NULL;
    } else {
        ad_shape out = others;
        memcpy(out.dim + out.ndim, ad_dims(x), x->ndim * sizeof *out.dim);
        out.ndim += x->ndim;
        result = ad_array_zeros(c, (ad_dtype)x->dtype, out.ndim, out.dim);
    }
    ad_vjp_free(pull);
    return result;
}

/* Schraudolph (2002): push v through f, multiply by the outer Hessian, pull back. */
static void *run_ggnvp(ad_context *c, const ad_fn *fn, const ad_value *arguments)
{
    void *y, *hjv = ad_directional(c, "ad_ggnvp", fn->inner, arguments, arguments[fn->inner->count].p, NULL);
    ad_pullback *pull = hjv ? ad_pullback_of(c, fn->inner, arguments, 0, &y) : NULL;
    if (pull && fn->outer) {
        ad_fn *grad = ad_grad_fn((ad_fn *)fn->outer, 0);
        hjv = grad ? ad_directional(c, "ad_ggnvp", grad, &(ad_value){ .p = y }, hjv, NULL) : NULL;
    }
    void *result = pull && hjv ? ad_pullback_apply(c, pull, hjv) : NULL;
    ad_vjp_free(pull);
    return result;
}

static bool of_arrays(const char *transformation, const ad_fn *fn)
{
    if (!fn)
        return ad_failed() ? false : (ad_set_error(AD_ERROR_TRANSFORM, "%s: the function is NULL", transformation), false);
    if (fn->result != 'a' || fn->arguments[0] != 'a')
        return ad_set_error(AD_ERROR_TRANSFORM, "%s: signature %c(%s) does not fit: first argument and result should be arrays (see ad_flatten)",
                            transformation, fn->result, fn->arguments),
               false;
    return true;
}

ad_fn *ad_jacobian_fn(ad_fn *fn)
{
    return of_arrays("ad_jacobian", fn) ? ad_fn_transformed(ad_current(), run_jacobian, fn, NULL, 0, 'a', "") : NULL;
}

ad_fn *ad_hessian_fn(ad_fn *fn)
{
    return of_arrays("ad_hessian", fn) ? ad_jacobian_fn(ad_grad_fn(fn, 0)) : NULL;
}

ad_fn *ad_tensor_jacobian_product_fn(ad_fn *fn)
{
    if (!of_arrays("ad_tensor_jacobian_product", fn))
        return NULL;
    return ad_fn_transformed(ad_current(), run_tensor_jacobian_product, fn, NULL, 0, 'a', "a");
}

ad_fn *ad_ggnvp_fn(ad_fn *fn, ad_fn *outer)
{
    if (!fn)
        return ad_failed() ? NULL : ad_set_error(AD_ERROR_TRANSFORM, "ad_ggnvp: the function is NULL");
    if (!strchr("at", fn->arguments[0]) || (outer && (outer->count != 1 || outer->arguments[0] != fn->result || outer->result != 'a')))
        return ad_set_error(AD_ERROR_TRANSFORM, "ad_ggnvp: signature %c(%s) does not fit: outer takes what the function returns and gives a scalar", fn->result,
                            fn->arguments);
    return ad_fn_transformed(ad_current(), run_ggnvp, fn, outer, 0, fn->arguments[0], fn->arguments[0] == 't' ? "t" : "a");
}
