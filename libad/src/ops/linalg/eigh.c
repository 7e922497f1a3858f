/* Eigenvalues and eigenvectors of Hermitian matrices.
 *
 * With P = V^H dA V: dw = Re diag P and dV = V (F o P), where F_ij = 1/(w_j - w_i), or 0 where that gap is within n eps
 * max|w|, so that everything is finite. dA is Hermitian here, since ad_hermitian comes before. The reverse rule is the
 * transpose, with cotangents that pair without conjugation. */
#include "ops/linalg/linalg.h"

enum { OUTPUT_W = AD_EIGENVALUES, OUTPUT_V = AD_EIGENVECTORS };

static bool eigh_infer(const ad_node *node, ad_spec *outputs)
{
    outputs[OUTPUT_W] = (ad_spec){ ad_dtype_real(ad_node_dtype(node, 0)), ad_node_shape(node, 0) };
    outputs[OUTPUT_W].shape.ndim--;
    outputs[OUTPUT_V] = (ad_spec){ ad_node_dtype(node, 0), ad_node_shape(node, 0) };
    return true;
}

/* v NULL: the values alone. */
static bool decompose(const ad_node *node, const char *data, char *w, char *v, void *scratch)
{
    ad_dtype dtype = ad_node_dtype(node, 0);
    ad_shape shape = ad_node_shape(node, 0);
    int64_t n = shape.dim[shape.ndim - 1], item = (int64_t)ad_dtype_size(dtype), real = (int64_t)ad_dtype_size(ad_dtype_real(dtype));
    for (int64_t i = 0; i < ad_stack_count(&shape, 2); i++)
        if (ad_eigh(dtype, true, n, data + i * n * n * item, w + i * n * real, v ? v + i * n * n * item : NULL, scratch) != 0)
            return AD_REFUSE(node, AD_ERROR_NUMERIC, "the eigenvalues of matrix %lld did not converge", (long long)i);
    return true;
}

static bool evaluate(const ad_node *node, void *w, void *v)
{
    return ad_eigen_eval(node, ad_eigh_scratch, decompose, w, v);
}

static bool eigh_eval(const ad_node *node, void *const *outputs)
{
    return evaluate(node, outputs[OUTPUT_W], outputs[OUTPUT_V]);
}

/* W diag(gw) V^T: no gap is divided by. */
static ad_array *values_cotangent(ad_array *v, ad_array *gw)
{
    return ad_matmul(ad_zmul(ad_conjugated(v), ad_expand_dims(gw, -2)), ad_matrix_transpose(v));
}

/* Re diag(V^H t V), of t V. */
static ad_array *values_tangent(ad_array *v, ad_array *tv)
{
    ad_array *diagonal = ad_sum(ad_mul(ad_conjugated(v), tv), .axis = -2);
    return diagonal && ad_dtype_is_complex((ad_dtype)diagonal->dtype) ? ad_real(diagonal) : diagonal;
}

/* W (diag gw + F o (V^T gV)) V^T with W the conjugate of V. */
static ad_array *eigh_vjp(const ad_node *node, int operand, ad_array *gw)
{
    (void)operand;
    ad_array *w = ad_node_output(node, OUTPUT_W), *v = ad_node_output(node, OUTPUT_V), *gv = ad_node_cotangent(node, OUTPUT_V);
    if (!gv)
        return values_cotangent(v, gw);
    ad_array *vt = ad_matrix_transpose(v);
    ad_array *inner = ad_zmul(ad_matmul(vt, gv), ad_inverse_gaps(w));
    if (gw)
        inner = ad_add(inner, ad_make_diagonal(gw));
    return ad_matmul(ad_matmul(ad_conjugated(v), inner), vt);
}

static ad_array *eigh_jvp(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    ad_array *w = ad_node_output(node, OUTPUT_W), *v = ad_node_output(node, OUTPUT_V), *tv = ad_matmul(t, v);
    if (ad_node_target(node) == OUTPUT_W)
        return values_tangent(v, tv);
    return ad_matmul(v, ad_zmul(ad_matmul(ad_adjoint(v), tv), ad_inverse_gaps(w)));
}

static const ad_primitive eigh_op = {
    .name = "ad_linalg_eigh",
    .infer = eigh_infer,
    .eval = eigh_eval,
    .vjp = eigh_vjp,
    .jvp = eigh_jvp,
    .saves = AD_SAVE_OUTPUT,
    .outputs = 2,
};
AD_OPERATION(eigh_op);

/* ---- eigenvalues alone, where no derivative is in sight; the rules decompose anew ---- */

static bool values_infer(const ad_node *node, ad_spec *output)
{
    return ad_eigenvalues_infer(&eigh_op, node, output);
}

static bool values_eval(const ad_node *node, void *const *outputs)
{
    return evaluate(node, outputs[0], NULL);
}

static ad_array *values_vjp(const ad_node *node, int operand, ad_array *gw)
{
    (void)operand;
    return values_cotangent(ad_eigenvectors_anew(&eigh_op, node), gw);
}

static ad_array *values_jvp(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    ad_array *v = ad_eigenvectors_anew(&eigh_op, node);
    return values_tangent(v, ad_matmul(t, v));
}

static const ad_primitive values_op = {
    .name = "ad_linalg_eigvalsh",
    .infer = values_infer,
    .eval = values_eval,
    .vjp = values_vjp,
    .jvp = values_jvp,
    .saves = AD_SAVE_INPUT(0),
};
AD_OPERATION(values_op);

/* ---- public ---- */

static ad_array *matrices(const char *operation, ad_array *a, const char *uplo)
{
    return ad_given(a, operation, "array") && (a = ad_matrices(operation, a, true)) ? ad_hermitian(operation, a, uplo) : NULL;
}

ad_tree *ad_linalg_eigh_with(ad_array *a, ad_linalg_eigh_options options)
{
    return ad_eigen_tree(&eigh_op, matrices("ad_linalg_eigh", a, options.UPLO));
}

ad_array *ad_linalg_eigvalsh_with(ad_array *a, ad_linalg_eigh_options options)
{
    return ad_eigenvalues(&eigh_op, &values_op, matrices("ad_linalg_eigvalsh", a, options.UPLO));
}
