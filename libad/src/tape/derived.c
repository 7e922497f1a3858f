/* Transformations made of pullbacks and pushes: Jacobians, Hessians, products with them. */
#include "ad/array.h"
#include "ad/create.h"
#include "ad/math.h"
#include "ad/product.h"
#include "ad/reduce.h"
#include "ad/shape.h"
#include "ad/tree.h"
#include "kernels/kernels.h"
#include "tape/function.h"
#include <limits.h>
#include <string.h>

static bool extend(const char *transformation, ad_shape *shape, const ad_array *x)
{
    if (shape->ndim + x->ndim > AD_MAX_NDIM)
        return AD_FAIL(AD_ERROR_SHAPE, "%s: a result of %d dimensions; at most %d are possible", transformation, shape->ndim + x->ndim, AD_MAX_NDIM);
    memcpy(shape->dim + shape->ndim, ad_dims(x), x->ndim * sizeof *shape->dim);
    shape->ndim += x->ndim;
    return true;
}

/* ---- rows: one pullback each ---- */

/* What the rows are pulled back through: a function that gave y for x. */
struct rows {
    ad_pullback *pull;
    const ad_array *y, *x;
    ad_tree *cotangents; /* for a product with a tensor */
};

typedef ad_array *row_at(ad_context *c, const struct rows *rows, int64_t i);

/* Rows that an outer differentiation or a watch may look on: as operands of a recorded operation. */
static ad_array *recorded(ad_context *c, const char *transformation, const struct rows *rows, row_at *row, int64_t count, ad_shape shape)
{
    if (count > INT_MAX)
        return ad_set_error(AD_ERROR_SHAPE, "%s: a result of %lld rows; at most %d are possible", transformation, (long long)count, INT_MAX);
    ad_tree_item *items = ad_allocate(c, (size_t)count * sizeof *items);
    bool done = items != NULL;
    for (int64_t i = 0; i < count && done; i++) {
        AD_SCOPE;
        items[i] = (ad_tree_item){ AD_ITEM_ARRAY, ad_escape(row(c, rows, i)) };
        done = items[i].value != NULL;
    }
    ad_array *all = done ? ad_stack(ad_list_from(items, (int)count)) : NULL;
    ad_deallocate(c, items, (size_t)count * sizeof *items);
    return all ? ad_reshape(all, shape) : NULL;
}

/* `count` rows behind one another, in the given shape. The memory for all of them is taken before the first one is
 * computed. */
static ad_array *stacked(ad_context *c, const char *transformation, const struct rows *rows, row_at *row, int64_t count, ad_dtype dtype, ad_shape shape)
{
    uint32_t before = c->scopes.count;
    ad_array *all = ad_array_new(c, dtype, shape.ndim, shape.dim);
    if (!all)
        return NULL;
    if (c->tape->live || c->watched) {
        ad_scope_trim(c, before);
        return recorded(c, transformation, rows, row, count, shape);
    }
    int64_t strides[AD_MAX_NDIM], bytes = count ? all->size / count * (int64_t)ad_dtype_size(dtype) : 0;
    for (int64_t i = 0; i < count; i++) {
        AD_SCOPE;
        ad_array *x = row(c, rows, i);
        if (!x)
            return NULL;
        c_order_strides(dtype, x->ndim, ad_dims(x), strides);
        if (x->size)
            ad_copy_strided(x->ndim, ad_dims(x), operand_of(x), (struct ad_operand){ memory_of(all) + i * bytes, strides, dtype });
    }
    return all;
}

/* ---- Jacobians ---- */

/* Pulls a number at element i of y back. */
static ad_array *pulled_unit(ad_context *c, const struct rows *rows, int64_t i, ad_array *unit)
{
    const ad_array *y = rows->y;
    size_t item = ad_dtype_size((ad_dtype)y->dtype);
    ad_array *flat = ad_array_zeros(c, (ad_dtype)y->dtype, 1, &y->size), *one = unit ? ad_astype(unit, (ad_dtype)y->dtype) : NULL;
    if (!flat || !one)
        return NULL;
    memcpy(memory_of(flat) + (size_t)i * item, memory_of(one), item);
    ad_array *g = ad_reshape(flat, ad_shape_of(y));
    return g ? ad_pullback_apply(c, rows->pull, g) : NULL;
}

/* A complex function of a real argument has a real and an imaginary part: Re(-i dy) = Im(dy). */
static ad_array *jacobian_row(ad_context *c, const struct rows *rows, int64_t i)
{
    ad_array *row = pulled_unit(c, rows, i, ad_scalar(1));
    if (!ad_dtype_is_complex((ad_dtype)rows->y->dtype) || ad_dtype_is_complex((ad_dtype)rows->x->dtype))
        return row;
    ad_array *imaginary = pulled_unit(c, rows, i, ad_weak_complex(-1.0i));
    return row && imaginary ? ad_add(row, ad_mul(imaginary, ad_weak_complex(1.0i))) : NULL;
}

/* One row for each element of y. */
static ad_array *jacobian(ad_context *c, const struct rows *rows)
{
    const ad_array *y = rows->y, *x = rows->x;
    ad_shape shape = ad_shape_of(y);
    if (!extend("ad_jacobian", &shape, x))
        return NULL;
    ad_dtype dtype = ad_dtype_is_complex((ad_dtype)y->dtype) ? ad_dtype_complex((ad_dtype)x->dtype) : (ad_dtype)x->dtype;
    return y->size ? stacked(c, "ad_jacobian", rows, jacobian_row, y->size, dtype, shape) : ad_array_zeros(c, dtype, shape.ndim, shape.dim);
}

static void *run_jacobian(ad_context *c, const ad_fn *fn, const ad_value *arguments)
{
    void *y;
    ad_pullback *pull = ad_pullback_of(c, fn->inner, arguments, 0, &y);
    ad_array *result = pull ? jacobian(c, &(struct rows){ .pull = pull, .y = y, .x = arguments[0].p }) : NULL;
    ad_vjp_free(pull);
    return result;
}

/* ---- a tensor contracted with the Jacobian over all axes of the output ---- */

/* The tensor with the axes that y does not have in front, joined to one axis of length count. */
static ad_array *others_in_front(ad_array *tensor, const ad_array *y, int64_t count)
{
    int others = tensor->ndim - y->ndim;
    ad_axes order = { .count = tensor->ndim };
    ad_shape shape = { .ndim = 1 + y->ndim, .dim = { count } };
    for (int i = 0; i < tensor->ndim; i++)
        order.axis[i] = i < others ? y->ndim + i : i - others;
    memcpy(shape.dim + 1, ad_dims(y), y->ndim * sizeof *shape.dim);
    return ad_reshape(ad_transpose(tensor, .axes = order), shape);
}

static ad_array *product_row(ad_context *c, const struct rows *rows, int64_t i)
{
    return ad_pullback_apply(c, rows->pull, ad_tree_array_at(rows->cotangents, (int)i));
}

/* One row for each index of the tensor's other axes. */
static ad_array *tensor_product(ad_context *c, struct rows *rows, ad_array *tensor)
{
    const ad_array *y = rows->y, *x = rows->x;
    if (tensor->ndim < y->ndim || memcmp(ad_dims(tensor), ad_dims(y), y->ndim * sizeof *ad_dims(y)) != 0)
        return ad_set_error(AD_ERROR_SHAPE,
                            "ad_tensor_jacobian_product: a tensor of shape %s for an output of shape %s: its leading axes should be the output's",
                            AD_SHAPE_TEXT(tensor), AD_SHAPE_TEXT(y));
    if (tensor->ndim == y->ndim)
        return ad_pullback_apply(c, rows->pull, tensor);
    ad_shape shape = ad_shape_make(tensor->ndim - y->ndim, ad_dims(tensor) + y->ndim);
    int64_t count = ad_shape_size(shape);
    if (!extend("ad_tensor_jacobian_product", &shape, x))
        return NULL;
    if (count == 0)
        return ad_array_zeros(c, (ad_dtype)x->dtype, shape.ndim, shape.dim);
    ad_array *cotangents = others_in_front(tensor, y, count);
    rows->cotangents = cotangents ? ad_unstack(cotangents) : NULL;
    return rows->cotangents ? stacked(c, "ad_tensor_jacobian_product", rows, product_row, count, (ad_dtype)x->dtype, shape) : NULL;
}

static void *run_tensor_jacobian_product(ad_context *c, const ad_fn *fn, const ad_value *arguments)
{
    void *y;
    ad_array *tensor = arguments[fn->inner->count].p;
    if (!ad_given(tensor, fn->name, "tensor"))
        return NULL;
    ad_pullback *pull = ad_pullback_of(c, fn->inner, arguments, 0, &y);
    ad_array *result = pull ? tensor_product(c, &(struct rows){ .pull = pull, .y = y, .x = arguments[0].p }, tensor) : NULL;
    ad_vjp_free(pull);
    return result;
}

/* ---- the Gauss-Newton product ---- */

/* Schraudolph (2002): push v through f, multiply by the outer Hessian, pull back. */
static void *run_ggnvp(ad_context *c, const ad_fn *fn, const ad_value *arguments)
{
    void *y, *hjv = ad_directional(c, "ad_ggnvp", fn->inner, arguments, arguments[fn->inner->count].p, NULL);
    ad_pullback *pull = hjv ? ad_pullback_of(c, fn->inner, arguments, 0, &y) : NULL;
    if (pull && fn->outer) {
        ad_fn *grad = ad_gradient_of(fn->name, fn->outer);
        hjv = ad_directional(c, "ad_ggnvp", grad, &(ad_value){ .p = y }, hjv, NULL);
    }
    void *result = pull && hjv ? ad_pullback_apply(c, pull, hjv) : NULL;
    ad_vjp_free(pull);
    return result;
}

/* ---- the functions under the macros ---- */

/* Of arrays: name, run, results, arguments, result, added. */
static const struct ad_transformation jacobian_of_fn = { "ad_jacobian", run_jacobian, "a", "a", 'a', "" },
                                      hessian_of_grad = { "ad_hessian", run_jacobian, "a", "a", 'a', "" },
                                      tensor_jacobian = { "ad_tensor_jacobian_product", run_tensor_jacobian_product, "a", "a", 'a', "a" },
                                      tensor_hessian = { "ad_hessian_vector_product", run_tensor_jacobian_product, "a", "a", 'a', "a" },
                                      gauss_newton = { "ad_ggnvp", run_ggnvp, "at", "at", 'x', "x" };

ad_fn *ad_jacobian_fn(ad_fn *fn)
{
    return ad_transformed(&jacobian_of_fn, fn, NULL, 0);
}

ad_fn *ad_hessian_fn(ad_fn *fn)
{
    return ad_transformed(&hessian_of_grad, ad_gradient_of("ad_hessian", fn), NULL, 0);
}

ad_fn *ad_tensor_jacobian_product_fn(ad_fn *fn)
{
    return ad_transformed(&tensor_jacobian, fn, NULL, 0);
}

/* The Hessian is symmetric, so contracting its first axes is the same as contracting its last. */
ad_fn *ad_hessian_vector_product_fn(ad_fn *fn)
{
    return ad_transformed(&tensor_hessian, ad_gradient_of("ad_hessian_vector_product", fn), NULL, 0);
}

ad_fn *ad_ggnvp_fn(ad_fn *fn, ad_fn *outer)
{
    ad_fn *made = ad_transformed(&gauss_newton, fn, outer, 0);
    if (!outer || made->sentence)
        return made;
    if (outer->sentence)
        return ad_fn_failed(ad_current(), made, outer->name ? outer->name : "ad_ggnvp", outer->code, "%s", outer->sentence);
    if (outer->count != 1 || outer->arguments[0] != fn->result || outer->result != 'a')
        return ad_fn_failed(ad_current(), made, "ad_ggnvp", AD_ERROR_TRANSFORM,
                            "signatures %s and, for outer, %s do not fit: outer takes what the function returns and gives a scalar", AD_SIGNATURE_TEXT(fn),
                            AD_SIGNATURE_TEXT(outer));
    return made;
}
