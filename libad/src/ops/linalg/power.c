/* Powers and the exponential of square matrices, and products of several.
 *
 * The exponential is a primitive: its derivative in the direction t is the upper right block of exp [[A, t], [0,
 * A]], and its transpose the same of A^T (Najfeld and Havel 1995, doi 10.1006/aama.1995.1017), so that every order
 * is exact at equal eigenvalues. The value is Pade's approximation with scaling and squaring (Higham 2005, doi
 * 10.1137/04061101X). */
#include "ops/linalg/linalg.h"
#include <math.h>

/* ---- exp ---- */

/* Degrees, the largest 1-norm that each serves, and its coefficients. */
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

/* The sum of b[first], b[first + 2] ... up to b[last] times the even powers of the matrix, from the identity on. */
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

static ad_array *expm_compose(const ad_node *node, const ad_spec *output)
{
    ad_array *a = ad_node_input(node, 0);
    if (!a->size)
        return ad_zeros(output->shape, .dtype = output->dtype);
    double norm = ad_item(ad_max(ad_sum(ad_abs(a), .axis = -2)));
    const size_t last = sizeof approximations / sizeof *approximations - 1;
    size_t k = 0;
    while (k < last && norm > approximations[k].largest)
        k++;
    int squarings = norm > approximations[last].largest && isfinite(norm) ? (int)ceil(log2(norm / approximations[last].largest)) : 0;
    ad_array *y = isfinite(norm) ? pade(ad_mul(a, ldexp(1, -squarings)), &approximations[k]) : ad_full_like(a, NAN);
    for (int i = 0; i < squarings; i++)
        y = ad_matmul(y, y);
    return y;
}

/* The upper right block of exp [[a, t], [0, a]]. */
static ad_array *expm_along(ad_array *a, ad_array *t)
{
    int64_t n = ad_dim(a, -1);
    ad_array *above = ad_concatenate(ad_list_of(a, t), .axis = -1), *below = ad_concatenate(ad_list_of(ad_zeros_like(t), a), .axis = -1);
    ad_array *y = ad_linalg_expm(ad_concatenate(ad_list_of(above, below), .axis = -2));
    return ad_at(y, "..., :%lld, %lld:", (long long)n, (long long)n);
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
    ad_array *s = spectral ? ad_linalg_svdvals(x) : NULL, *most = spectral ? ad_at(s, "..., 0") : norm_of(x, options.p);
    ad_array *least = spectral ? ad_at(s, "..., -1") : NULL;
    ad_array *y = !spectral ? ad_mul(most, norm_of(ad_inverse_or_infinity(x, ad_lu_factors(x)), options.p)) :
                  options.p == -2 ? ad_div(least, most) : ad_div(most, least);
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

/* x of the leading axes after `first`. */
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
