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

static bool extend(const char *transformation, ad_shape *shape, const ad_array *x)
{
    if (shape->ndim + x->ndim > AD_MAX_NDIM)
        return ad_set_error(AD_ERROR_SHAPE, "%s: a result of %d dimensions; at most %d are possible", transformation, shape->ndim + x->ndim, AD_MAX_NDIM),
               false;
    memcpy(shape->dim + shape->ndim, ad_dims(x), x->ndim * sizeof *shape->dim);
    shape->ndim += x->ndim;
    return true;
}

/* The pullback of a number at element i of y. */
static ad_array *pulled_unit(ad_context *c, ad_pullback *pull, const ad_array *y, int64_t i, ad_array *unit)
{
    size_t item = ad_dtype_size((ad_dtype)y->dtype);
    ad_array *flat = ad_array_zeros(c, (ad_dtype)y->dtype, 1, &y->size), *one = unit ? ad_astype(unit, (ad_dtype)y->dtype) : NULL;
    if (!flat || !one)
        return NULL;
    memcpy(flat->data + (size_t)i * item, one->data, item);
    ad_array *g = ad_reshape(flat, ad_shape_of(y));
    return g ? ad_pullback_apply(c, pull, g) : NULL;
}

/* Row i. A complex function of a real argument has a real and an imaginary part: Re(-i dy) = Im(dy). */
static ad_array *jacobian_row(ad_context *c, ad_pullback *pull, const ad_array *y, const ad_array *x, int64_t i)
{
    ad_array *row = pulled_unit(c, pull, y, i, ad_scalar(1));
    if (!ad_dtype_is_complex((ad_dtype)y->dtype) || ad_dtype_is_complex((ad_dtype)x->dtype))
        return row;
    ad_array *imaginary = pulled_unit(c, pull, y, i, ad_weak_complex(-1.0i));
    return row && imaginary ? ad_add(row, ad_mul(imaginary, ad_weak_complex(1.0i))) : NULL;
}

/* Rows of the identity as cotangents, one pullback for each element of y, stacked. shape: y's shape, then x's. */
static ad_array *jacobian_rows(ad_context *c, ad_pullback *pull, const ad_array *y, const ad_array *x)
{
    ad_shape shape = ad_shape_of(y);
    if (!extend("ad_jacobian", &shape, x))
        return NULL;
    if (y->size == 0)
        return ad_array_zeros(c, ad_dtype_is_complex((ad_dtype)y->dtype) ? ad_dtype_complex((ad_dtype)x->dtype) : (ad_dtype)x->dtype, shape.ndim, shape.dim);
    ad_tree_item *rows = ad_allocate(c, (size_t)y->size * sizeof *rows);
    if (!rows)
        return NULL;
    bool done = true;
    for (int64_t i = 0; i < y->size && done; i++) {
        AD_SCOPE;
        ad_array *row = ad_escape(jacobian_row(c, pull, y, x, i));
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
    ad_shape out = others;
    if (others.ndim == 0) {
        result = ad_pullback_apply(c, pull, tensor);
    } else if (!extend("ad_tensor_jacobian_product", &out, x)) {
        result = NULL;
    } else if (count == 0) {
        result = ad_array_zeros(c, (ad_dtype)x->dtype, out.ndim, out.dim);
    } else {
        /* Bring the other axes to the front, as one. */
        ad_axes order = { .count = shape.ndim };
        for (int i = 0; i < shape.ndim; i++)
            order.axis[i] = i < others.ndim ? y->ndim + i : i - others.ndim;
        rows_shape.dim[0] = count;
        memcpy(rows_shape.dim + 1, ad_dims(y), y->ndim * sizeof *rows_shape.dim);
        ad_array *rows = ad_reshape(ad_transpose(tensor, .axes = order), rows_shape);
        ad_tree *parts = rows ? ad_unstack(rows) : NULL;
        ad_tree_item *items = parts ? ad_allocate(c, (size_t)count * sizeof *items) : NULL;
        bool done = items != NULL;
        for (int64_t i = 0; i < count && done; i++) {
            items[i] = (ad_tree_item){ AD_ITEM_ARRAY, ad_pullback_apply(c, pull, ad_tree_array_at(parts, (int)i)) };
            done = items[i].value != NULL;
        }
        ad_array *stacked = done ? ad_stack(ad_list_from(items, (int)count)) : NULL;
        ad_deallocate(c, items, (size_t)count * sizeof *items);
        result = stacked ? ad_reshape(stacked, out) : NULL;
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

/* The Hessian is symmetric, so contracting its first axes is contracting its last. */
ad_fn *ad_hessian_vector_product_fn(ad_fn *fn)
{
    return of_arrays("ad_hessian_vector_product", fn) ? ad_tensor_jacobian_product_fn(ad_grad_fn(fn, 0)) : NULL;
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
