/* Determinants, and their signs and logarithms, from the LU factors of solve.c.
 *
 * The derivative of a determinant is the matrix of cofactors, which is finite where the matrix is singular. There it is
 * made of singular values: for each of them the product of the others is taken, without a division. The same holds for
 * the second derivative, with products that leave out two. */
#include "ad/transform.h"
#include "ops/linalg/linalg.h"

/* ---- what factors say ---- */

/* 1 or -1 for each matrix, in the dtype of lu: the sign of the exchanges. */
static ad_array *parity(struct lu_factors f)
{
    int64_t n = ad_dim(f.pivots, -1);
    ad_array *exchanged = ad_sum(ad_not_equal(f.pivots, ad_arange(1, n + 1)), .axis = -1);
    return ad_astype(ad_sub(1, ad_mul(2, ad_mod(exchanged, 2))), ad_dtype_of(f.lu));
}

static ad_array *diagonal_of(ad_array *x)
{
    return ad_diagonal(x, .axis1 = -2, .axis2 = -1);
}

static ad_array *product_of_pivots(struct lu_factors f)
{
    return ad_mul(parity(f), ad_prod(diagonal_of(f.lu), .axis = -1));
}

static struct lu_factors factors_of(const ad_node *node)
{
    return (struct lu_factors){ ad_node_input(node, 1), ad_node_input(node, 2) };
}

/* One number for each matrix, as a matrix of one element. */
static ad_array *spread(ad_array *x)
{
    return ad_expand_dims(ad_expand_dims(x, -1), -1);
}

static bool value_infer(const ad_node *node, ad_spec *output)
{
    *output = (ad_spec){ ad_node_dtype(node, 0), ad_node_shape(node, 0) };
    output->shape.ndim -= 2;
    return true;
}

static bool real_infer(const ad_node *node, ad_spec *output)
{
    value_infer(node, output);
    output->dtype = ad_dtype_real(output->dtype);
    return true;
}

static ad_array *call(const ad_primitive *op, ad_array *a, struct lu_factors f)
{
    return a && f.lu ? ad_call_primitive(op, (ad_array *[]){ a, f.lu, f.pivots }, 3, NULL) : NULL;
}

#define OF_FACTORS .parameters = 1u << 1 | 1u << 2

/* ---- cofactors ---- */

/* Whether no matrix is so close to a singular one that its inverse has no digits, or has a determinant that underflows:
 * then the cofactors are the determinant times the inverse. A NaN is in neither. */
static bool all_regular(struct lu_factors f)
{
    ad_array *pivots = ad_abs(diagonal_of(f.lu)), *size = ad_abs(product_of_pivots(f));
    if (!pivots || !pivots->size)
        return true;
    ad_array *least = ad_min(pivots, .axis = -1), *most = ad_max(pivots, .axis = -1);
    ad_array *close = ad_less_equal(least, ad_mul(ad_epsilon(f.lu) * (double)ad_dim(f.lu, -1) * 16, most));
    return ad_item(ad_any(ad_logical_or(close, ad_less(size, ad_dtype_of(size) == AD_F32 ? FLT_MIN : DBL_MIN)))) == 0;
}

/* The decomposition, with NaN as the singular values of a matrix with a NaN in it. */
static bool decompose(ad_array *a, ad_array *usv[3])
{
    ad_array *nan = ad_any(ad_isnan(a), .axes = AD_AXES(-2, -1), .keepdims = true);
    if (!ad_thin_svd("ad_linalg_det", ad_where(nan, 0, a), usv))
        return false;
    usv[1] = ad_where(ad_squeeze(nan, .axis = -1), NAN, usv[1]);
    return usv[1] != NULL;
}

/* For each singular value, the product of the others: (..., n). */
static ad_array *products_without_one(ad_array *s)
{
    ad_array *before = ad_cumprod(s, .axis = -1, .exclusive = true), *after = ad_cumprod(s, .axis = -1, .exclusive = true, .reverse = true);
    return ad_mul(before, after);
}

/* For each two singular values, the product of the others: (..., n, n), 0 on the diagonal. */
static ad_array *products_without_two(ad_array *s)
{
    int64_t n = ad_dim(s, -1);
    ad_array *rows = ad_where(ad_eye(n, .dtype = AD_BOOL), 1, ad_expand_dims(s, -2)); /* row i: s with 1 in place of s_i */
    return ad_where(ad_eye(n, .dtype = AD_BOOL), 0, products_without_one(rows));
}

static ad_array *determinant(ad_array *a)
{
    return product_of_pivots(ad_lu_factors(a));
}

/* conj(U) diag(e) conj(Vh), and the phase det U det Vh. */
static ad_array *singular_cofactors(ad_array *a)
{
    ad_array *usv[3];
    if (!decompose(a, usv))
        return NULL;
    ad_array *phase = ad_mul(determinant(usv[0]), determinant(usv[2]));
    ad_array *e = ad_astype(products_without_one(usv[1]), ad_dtype_of(a));
    return ad_mul(spread(phase), ad_matmul(ad_mul(ad_conjugated(usv[0]), ad_expand_dims(e, -2)), ad_conjugated(usv[2])));
}

/* The second derivative of the determinant, in the directions t and those of the result. Let P = conj(U) h' conj(Vh) be
 * made of U^H t V, which is t in this basis. Then h_ii = sum of e_ij P_jj and h_ij = -e_ij P_ji. */
static ad_array *singular_change(ad_array *a, ad_array *t)
{
    ad_array *usv[3];
    if (!decompose(a, usv))
        return NULL;
    ad_array *phase = ad_mul(determinant(usv[0]), determinant(usv[2]));
    ad_array *p = ad_matmul(ad_matmul(ad_adjoint(usv[0]), t), ad_adjoint(usv[2])), *e = ad_astype(products_without_two(usv[1]), ad_dtype_of(a));
    ad_array *on = ad_make_diagonal(ad_sum(ad_mul(e, ad_expand_dims(diagonal_of(p), -2)), .axis = -1));
    ad_array *h = ad_sub(on, ad_mul(e, ad_matrix_transpose(p)));
    return ad_mul(spread(phase), ad_matmul(ad_matmul(ad_conjugated(usv[0]), h), ad_conjugated(usv[2])));
}

/* det (tr(Y t) Y - Y t Y)^T with Y the inverse. */
static ad_array *regular_change(ad_array *a, ad_array *t)
{
    ad_array *y = ad_linalg_inv(a), *yt = ad_matmul(y, t);
    ad_array *inner = ad_sub(ad_mul(spread(ad_trace(yt, .axis1 = -2, .axis2 = -1)), y), ad_matmul(yt, y));
    return ad_mul(spread(ad_linalg_det(a)), ad_matrix_transpose(inner));
}

static ad_array *change_compose(const ad_node *node, const ad_spec *output)
{
    (void)output;
    ad_array *a = ad_node_input(node, 0), *t = ad_node_input(node, 1);
    struct lu_factors f = ad_lu_factors(a);
    return f.lu ? all_regular(f) ? regular_change(a, t) : singular_change(a, t) : NULL;
}

static bool change_infer(const ad_node *node, ad_spec *output)
{
    *output = (ad_spec){ ad_node_dtype(node, 0), ad_node_shape(node, 1) };
    return true;
}

static ad_array *change(ad_array *a, ad_array *t);

/* The second derivative is symmetric in its two directions. Its derivative in the matrix takes the inverse, which a
 * singular matrix does not have. */
static ad_array *change_vjp(const ad_node *node, int operand, ad_array *g)
{
    ad_array *a = ad_node_input(node, 0), *t = ad_node_input(node, 1);
    if (operand == 1)
        return change(a, g);
    ad_pullback *pull;
    ad_array *y = ad_vjp(regular_change, a, t, &pull), *d = y ? ad_vjp_apply(pull, g) : NULL;
    ad_vjp_free(pull);
    return d;
}

static ad_array *change_jvp(const ad_node *node, int operand, ad_array *v)
{
    ad_array *a = ad_node_input(node, 0), *t = ad_node_input(node, 1), *tangent;
    if (operand == 1)
        return change(a, v);
    return ad_jvp(regular_change, a, t, v, &tangent) ? tangent : NULL;
}

static const ad_primitive change_op = {
    .name = "ad_linalg_cofactors_change",
    .infer = change_infer,
    .compose = change_compose,
    .vjp = change_vjp,
    .jvp = change_jvp,
    .saves = AD_SAVE_INPUTS,
};
AD_OPERATION(change_op);

static ad_array *change(ad_array *a, ad_array *t)
{
    return a && t ? ad_call_primitive(&change_op, (ad_array *[]){ a, t }, 2, NULL) : NULL;
}

static ad_array *cofactors_compose(const ad_node *node, const ad_spec *output)
{
    (void)output;
    ad_array *a = ad_node_input(node, 0);
    struct lu_factors f = { ad_node_input(node, 1), ad_node_input(node, 2) };
    if (!all_regular(f))
        return singular_cofactors(a);
    return ad_mul(spread(product_of_pivots(f)), ad_matrix_transpose(ad_inverse_or_infinity(a, f)));
}

static ad_array *cofactors_rule(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    return change(ad_node_input(node, 0), t);
}

static const ad_primitive cofactors_op = {
    .name = "ad_linalg_cofactors",
    .infer = ad_same_infer,
    .compose = cofactors_compose,
    .vjp = cofactors_rule,
    .jvp = cofactors_rule,
    .saves = AD_SAVE_INPUT(0),
    OF_FACTORS,
};
AD_OPERATION(cofactors_op);

/* ---- det ---- */

static ad_array *det_compose(const ad_node *node, const ad_spec *output)
{
    (void)output;
    return product_of_pivots((struct lu_factors){ ad_node_input(node, 1), ad_node_input(node, 2) });
}

static ad_array *cofactors_of(const ad_node *node)
{
    return call(&cofactors_op, ad_node_input(node, 0), factors_of(node));
}

static ad_array *det_vjp(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    return ad_zmul(spread(g), cofactors_of(node));
}

static ad_array *det_jvp(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    return ad_sum(ad_zmul(t, cofactors_of(node)), .axes = AD_AXES(-2, -1));
}

static const ad_primitive det_op = {
    .name = "ad_linalg_det",
    .infer = value_infer,
    .compose = det_compose,
    .vjp = det_vjp,
    .jvp = det_jvp,
    .saves = AD_SAVE_INPUTS,
    OF_FACTORS,
};
AD_OPERATION(det_op);

ad_array *(ad_linalg_det)(ad_array *a)
{
    if (!ad_given(a, "ad_linalg_det", "array") || !(a = ad_matrices("ad_linalg_det", a, true)))
        return NULL;
    return call(&det_op, a, ad_lu_factors(a));
}

/* ---- sign and logarithm ---- */

static ad_array *sign_compose(const ad_node *node, const ad_spec *output)
{
    (void)output;
    struct lu_factors f = { ad_node_input(node, 1), ad_node_input(node, 2) };
    return ad_add(ad_mul(parity(f), ad_prod(ad_sign(diagonal_of(f.lu)), .axis = -1)), 0); /* 0, not -0 */
}

static ad_array *log_compose(const ad_node *node, const ad_spec *output)
{
    (void)output;
    return ad_sum(ad_log(ad_abs(diagonal_of(ad_node_input(node, 1)))), .axis = -1);
}

static ad_array *inverse_of(const ad_node *node)
{
    return ad_inverse_or_infinity(ad_node_input(node, 0), factors_of(node));
}

/* tr(A^-1 t) */
static ad_array *relative_change(const ad_node *node, ad_array *t)
{
    return ad_sum(ad_zmul(t, ad_matrix_transpose(inverse_of(node))), .axes = AD_AXES(-2, -1));
}

static ad_array *log_vjp(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    return ad_zmul(spread(g), ad_matrix_transpose(inverse_of(node)));
}

static ad_array *log_jvp(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    return ad_real(relative_change(node, t));
}

/* The sign turns by the imaginary part of tr(A^-1 t). The sign of a real matrix does not. */
static ad_array *sign_vjp(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    if (!ad_dtype_is_complex(ad_node_dtype(node, 0)))
        return NULL;
    ad_array *turn = ad_imag(ad_mul(g, ad_node_output(node, 0))); /* -Re(i g sign) */
    return ad_zmul(spread(ad_mul(turn, ad_weak_complex(1.0i))), ad_matrix_transpose(inverse_of(node)));
}

static ad_array *sign_jvp(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    if (!ad_dtype_is_complex(ad_node_dtype(node, 0)))
        return NULL;
    return ad_mul(ad_mul(ad_imag(relative_change(node, t)), ad_weak_complex(1.0i)), ad_node_output(node, 0));
}

static const ad_primitive sign_op = {
    .name = "ad_linalg_slogdet_sign",
    .infer = value_infer,
    .compose = sign_compose,
    .vjp = sign_vjp,
    .jvp = sign_jvp,
    .saves = AD_SAVE_INPUTS | AD_SAVE_OUTPUT,
    OF_FACTORS,
};
static const ad_primitive log_op = {
    .name = "ad_linalg_slogdet",
    .infer = real_infer,
    .compose = log_compose,
    .vjp = log_vjp,
    .jvp = log_jvp,
    .saves = AD_SAVE_INPUTS,
    OF_FACTORS,
};
AD_OPERATION(sign_op);
AD_OPERATION(log_op);

ad_tree *(ad_linalg_slogdet)(ad_array *a)
{
    if (!ad_given(a, "ad_linalg_slogdet", "array") || !(a = ad_matrices("ad_linalg_slogdet", a, true)))
        return NULL;
    struct lu_factors f = ad_lu_factors(a);
    ad_array *sign = call(&sign_op, a, f), *logarithm = call(&log_op, a, f);
    return sign && logarithm ? ad_tree_of("sign", sign, "logabsdet", logarithm) : NULL;
}
