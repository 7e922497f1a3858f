/* Powers and the exponential of square matrices, and products of several.
 *
 * The exponential is a primitive: its derivative in the direction t is the upper right block of exp [[A, t], [0,
 * A]], and its transpose the same of A^T (Najfeld and Havel 1995, doi 10.1006/aama.1995.1017), so that every order
 * is exact at equal eigenvalues. The value is Pade's approximation with scaling and squaring (Higham 2005, doi
 * 10.1137/04061101X), each matrix of a stack as if it were alone but for the degree, which is that of the largest. */
#include "ad/transform.h"
#include "ops/linalg/linalg.h"
#include <math.h>

/* ---- exp ---- */

/* Degrees, the largest 1-norm that each may be used for, and its coefficients. */
static const struct approximation {
    int degree;
    double largest, b[14];
} approximations[] = {
    { 3, 1.495585217958292e-2, { 120, 60, 12, 1 } },
    { 5, 2.539398330063230e-1, { 30240, 15120, 3360, 420, 30, 1 } },
    { 7, 9.504178996162932e-1, { 17297280, 8648640, 1995840, 277200, 25200, 1512, 56, 1 } },
    { 9, 2.097847961257068, { 17643225600, 8821612800, 2075673600, 302702400, 30270240, 2162160, 110880, 3960, 90, 1 } },
    { 13,
      5.371920351148152,
      { 64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600, 670442572800, 33522128640, 1323241920,
        40840800, 960960, 16380, 182, 1 } },
};
enum { DEGREES = sizeof approximations / sizeof *approximations };

/* The sum of b[first], b[first + 2] ... up to b[last], times the even powers of the matrix, from the identity on. */
static ad_array *even_part(const double *b, int first, int last, ad_array *const *powers)
{
    ad_array *sum = ad_mul(b[first], powers[0]);
    for (int k = first + 2; k <= last; k += 2)
        sum = ad_add(sum, ad_mul(b[k], powers[(k - first) / 2]));
    return sum;
}

static ad_array *pade(ad_array *a, const struct approximation *p)
{
    ad_array *one = ad_eye(ad_dim(a, -1), .dtype = ad_dtype_of(a)), *square = ad_matmul(a, a), *powers[5] = { one, square }, *u, *v;
    for (int k = 2; 2 * k < (p->degree == 13 ? 8 : p->degree); k++)
        powers[k] = ad_matmul(powers[k - 1], square);
    if (p->degree == 13) {
        ad_array *sixth = powers[3], *odd = even_part(p->b, 1, 7, powers), *even = even_part(p->b, 0, 6, powers);
        ad_array *high_odd = ad_add(ad_add(ad_mul(p->b[9], powers[1]), ad_mul(p->b[11], powers[2])), ad_mul(p->b[13], sixth));
        ad_array *high_even = ad_add(ad_add(ad_mul(p->b[8], powers[1]), ad_mul(p->b[10], powers[2])), ad_mul(p->b[12], sixth));
        u = ad_matmul(a, ad_add(ad_matmul(sixth, high_odd), odd));
        v = ad_add(ad_matmul(sixth, high_even), even);
    } else {
        u = ad_matmul(a, even_part(p->b, 1, p->degree, powers));
        v = even_part(p->b, 0, p->degree - 1, powers);
    }
    return ad_linalg_solve(ad_sub(v, u), ad_add(v, u));
}

/* 1-norms, (..., 1, 1). */
static ad_array *norms_of(ad_array *a)
{
    return ad_max(ad_sum(ad_abs(a), .axis = -2, .keepdims = true), .axis = -1, .keepdims = true);
}

/* In place of the 1-norms, what bounds the terms of the series that the approximation of degree 13 leaves out: roots of
 * the norms of powers, which lie far below the norm where the eigenvalues do, or 0. Each squaring that they save saves
 * a bit (Al-Mohy and Higham 2009, doi 10.1137/09074721X, algorithm 5.1; the last line is its l, for rounding). */
static ad_array *bounds_of(ad_array *a, ad_array *norms)
{
    const double left_out = log2(8.8299816016420126e-36 / (0.5 * ad_epsilon(a))); /* the first coefficient, per unit of rounding */
    ad_array *second = ad_matmul(a, a), *fourth = ad_matmul(second, second), *sixth = ad_matmul(fourth, second);
    ad_array *of_8 = ad_pow(norms_of(ad_matmul(fourth, fourth)), 1.0 / 8), *of_10 = ad_pow(norms_of(ad_matmul(fourth, sixth)), 1.0 / 10);
    ad_array *bounds = ad_minimum(ad_maximum(ad_pow(norms_of(sixth), 1.0 / 6), of_8), ad_maximum(of_8, of_10));
    ad_array *sizes = ad_div(ad_abs(a), ad_where(ad_equal(norms, 0), 1, norms)), *sums = ad_sum(sizes, .axis = -2, .keepdims = true);
    for (int i = 1; i < 27; i++)
        sums = ad_matmul(sums, sizes);
    ad_array *rest = ad_exp2(ad_div(ad_add(ad_log2(ad_max(sums, .axis = -1, .keepdims = true)), left_out), 26));
    bounds = ad_maximum(bounds, ad_mul(norms, ad_mul(approximations[DEGREES - 1].largest, rest)));
    return ad_where(ad_isfinite(bounds), ad_minimum(bounds, norms), norms);
}

/* 2^exponents, in x's real dtype; exponents are whole. */
static ad_array *powers_of_two(ad_array *x, ad_array *exponents)
{
    return ad_astype(ad_exp2(ad_astype(exponents, AD_F64)), ad_dtype_real(ad_dtype_of(x)));
}

/* Of finite matrices: each is halved, and its approximation squared, as often as itself needs it. */
static ad_array *finite_expm(ad_array *a, ad_array *norms)
{
    const int last = DEGREES - 1;
    double most = ad_item(ad_max(norms)), limit = approximations[last].largest;
    int k = 0;
    while (k < last && most > approximations[k].largest)
        k++;
    if (!(most > limit))
        return pade(a, &approximations[k]);
    ad_array *squarings = ad_maximum(ad_ceil(ad_log2(ad_div(bounds_of(a, norms), limit))), 0);
    int all = (int)ad_item(ad_min(squarings)), any = (int)ad_item(ad_max(squarings));
    ad_array *y = pade(ad_mul(a, powers_of_two(a, ad_neg(squarings))), &approximations[last]);
    for (int i = 0; i < any; i++) {
        ad_array *squared = ad_matmul(y, y);
        y = i < all ? squared : ad_where(ad_greater(squarings, i), squared, y);
    }
    return y;
}

static ad_array *expm_compose(const ad_node *node, const ad_spec *output)
{
    ad_array *a = ad_node_input(node, 0);
    if (!a->size)
        return ad_zeros(output->shape, .dtype = output->dtype);
    ad_array *norms = norms_of(a), *finite = ad_isfinite(norms);
    if (ad_item(ad_all(finite)) != 0)
        return finite_expm(a, norms);
    return ad_where(finite, finite_expm(ad_where(finite, a, 0), ad_where(finite, norms, 0)), NAN);
}

/* The exponent of the power of two that brings t down to the size of a, or to 1, matrix by matrix. */
static ad_array *excess_of(ad_array *a, ad_array *t)
{
    ad_array *size = ad_max(ad_abs(ad_stop_gradient(t)), .axes = AD_AXES(-2, -1), .keepdims = true);
    ad_array *limit = ad_maximum(ad_max(ad_abs(ad_stop_gradient(a)), .axes = AD_AXES(-2, -1), .keepdims = true), 1);
    ad_array *exceeds = ad_logical_and(ad_greater(size, limit), ad_isfinite(size));
    return ad_where(exceeds, ad_floor(ad_log2(ad_div(ad_where(exceeds, size, 1), limit))), 0);
}

/* The upper right block of exp [[a, t], [0, a]]. It is linear in t, but a large t would count in the block's norm, and
 * be halved at the expense of a's digits. */
static ad_array *expm_along(ad_array *a, ad_array *t)
{
    if (!a || !t || !t->size)
        return t;
    int64_t n = ad_dim(a, -1);
    ad_array *excess = excess_of(a, t), *scaled = ad_mul(t, powers_of_two(t, ad_neg(excess)));
    ad_array *above = ad_concatenate(ad_list_of(a, scaled), .axis = -1), *below = ad_concatenate(ad_list_of(ad_zeros_like(t), a), .axis = -1);
    ad_array *y = ad_linalg_expm(ad_concatenate(ad_list_of(above, below), .axis = -2));
    return ad_mul(ad_at(y, "..., :%lld, %lld:", (long long)n, (long long)n), powers_of_two(t, excess));
}

static ad_array *expm_vjp(const ad_node *node, int operand, ad_array *g)
{
    return expm_along(ad_matrix_transpose(ad_node_input(node, operand)), g);
}

static ad_array *expm_jvp(const ad_node *node, int operand, ad_array *t)
{
    return expm_along(ad_node_input(node, operand), t);
}

static const ad_primitive expm_op = {
    .name = "ad_linalg_expm",
    .infer = ad_same_infer,
    .compose = expm_compose,
    .vjp = expm_vjp,
    .jvp = expm_jvp,
    .saves = AD_SAVE_INPUTS,
};
AD_OPERATION(expm_op);

ad_array *(ad_linalg_expm)(ad_array *a)
{
    if (!ad_given(a, "ad_linalg_expm", "array") || !(a = ad_matrices("ad_linalg_expm", a, true)))
        return NULL;
    return ad_call_primitive(&expm_op, &a, 1, NULL);
}

/* ---- whole powers ---- */

ad_array *(ad_linalg_matrix_power)(ad_array *a, int64_t n)
{
    const char *name = "ad_linalg_matrix_power";
    bool integers = a && !ad_dtype_is_inexact((ad_dtype)a->dtype) && n >= 0;
    if (!ad_given(a, name, "array"))
        return NULL;
    ad_array *x = ad_matrices(name, a, true), *y = NULL;
    if (!x)
        return NULL;
    x = integers ? a : x;
    if (n == 0)
        return ad_broadcast_to(ad_eye(ad_dim(x, -1), .dtype = ad_dtype_of(x)), ad_shape_of(x));
    if (n < 0)
        x = ad_linalg_inv(x);
    for (uint64_t rest = n < 0 ? -(uint64_t)n : (uint64_t)n; rest && x; rest >>= 1) {
        if (rest & 1)
            y = y ? ad_matmul(y, x) : x;
        x = rest > 1 ? ad_matmul(x, x) : x;
    }
    return x ? ad_unchanged(y) : NULL;
}

/* ---- condition ---- */

static ad_array *norm_of(ad_array *x, double p)
{
    return ad_linalg_norm(x, .ord = p, .axes = AD_AXES(-2, -1));
}

/* Of the largest singular value and the smallest. Where ties share, the derivative is 0 at the least condition, 1. */
static ad_array *ratio_of_values(const char *name, ad_array *x, bool inverse)
{
    ad_array *tolerance, *s = ad_singular_values(name, x, &tolerance);
    ad_array *most = ad_extreme_singular(s, tolerance, true), *least = ad_extreme_singular(s, tolerance, false);
    return ad_squeeze(inverse ? ad_div(least, most) : ad_div(most, least), .axis = -1);
}

ad_array *ad_linalg_cond_with(ad_array *x, ad_linalg_cond_options options)
{
    const char *name = "ad_linalg_cond";
    if (!ad_given(x, name, "array"))
        return NULL;
    bool spectral = options.p == AD_NORM_NONE || options.p == 2 || options.p == -2;
    if (!(x = ad_matrices(name, x, !spectral)))
        return NULL;
    if (ad_dims(x)[x->ndim - 1] == 0 || ad_dims(x)[x->ndim - 2] == 0)
        return ad_set_error(AD_ERROR_SHAPE, "%s: matrices of shape %s have no elements", name, AD_SHAPE_TEXT(x));
    ad_array *y = spectral ? ratio_of_values(name, x, options.p == -2) :
                             ad_mul(norm_of(x, options.p), norm_of(ad_inverse_or_infinity(x, ad_lu_factors(x)), options.p));
    /* 0/0 and 0 times infinity are of the matrix 0 */
    return ad_where(ad_logical_and(ad_isnan(y), ad_logical_not(ad_any(ad_isnan(x), .axes = AD_AXES(-2, -1)))), INFINITY, y);
}

/* ---- tensors ---- */

static int64_t product_of(const ad_array *x, int first, int end)
{
    int64_t product = 1;
    for (int i = first; i < end; i++)
        product *= ad_dims(x)[i];
    return product;
}

/* The leading axes of x after `first`. */
static ad_shape axes_from(const ad_array *x, int first)
{
    ad_shape shape = { .ndim = x->ndim - first };
    for (int i = 0; i < shape.ndim; i++)
        shape.dim[i] = ad_dims(x)[first + i];
    return shape;
}

ad_array *ad_linalg_tensorsolve_with(ad_array *a, ad_array *b, ad_linalg_tensorsolve_options options)
{
    const char *name = "ad_linalg_tensorsolve";
    bool moved[AD_MAX_NDIM];
    if (!ad_both_given(a, b, name) || (options.axes.count && !ad_axes_resolve(name, AD_NO_AXIS, &options.axes, a->ndim, moved)))
        return NULL;
    ad_axes last = { .count = options.axes.count };
    for (int i = 0; i < last.count; i++)
        last.axis[i] = a->ndim - last.count + i;
    if (last.count && !(a = ad_moveaxis(a, options.axes, last)))
        return NULL;
    if (b->ndim > a->ndim || product_of(a, b->ndim, a->ndim) != b->size || product_of(a, 0, b->ndim) != b->size)
        return ad_set_error(AD_ERROR_SHAPE,
                            "%s: shapes %s and %s; the first axes of the first should hold as many elements as the second, and so should its other axes", name,
                            AD_SHAPE_TEXT(a), AD_SHAPE_TEXT(b));
    ad_array *x = ad_linalg_solve(ad_reshape(a, AD_SHAPE(b->size, b->size)), ad_ravel(b));
    return ad_reshape(x, axes_from(a, b->ndim));
}

ad_array *ad_linalg_tensorinv_with(ad_array *a, ad_linalg_tensorinv_options options)
{
    const char *name = "ad_linalg_tensorinv";
    if (!ad_given(a, name, "array"))
        return NULL;
    int ind = options.ind;
    if (ind <= 0 || ind > a->ndim || product_of(a, 0, ind) != product_of(a, ind, a->ndim))
        return ad_set_error(AD_ERROR_SHAPE, "%s: an array of shape %s with .ind = %d; the first .ind axes should hold as many elements as the others", name,
                            AD_SHAPE_TEXT(a), ind);
    int64_t n = product_of(a, 0, ind);
    ad_shape shape = axes_from(a, ind);
    for (int i = 0; i < ind; i++)
        shape.dim[shape.ndim++] = ad_dims(a)[i];
    return ad_reshape(ad_linalg_inv(ad_reshape(a, AD_SHAPE(n, n))), shape);
}
