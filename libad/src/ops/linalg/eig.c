/* Eigenvalues and eigenvectors of square matrices.
 *
 * With P = V^-1 dA V and X = F o P, F_ij = 1/(w_j - w_i): dw = diag P and dV = V (X - diag Re diag(V^H V X)), so that
 * the columns of V keep their length and turn by no phase (arXiv 1701.00392, 4.77). F_ij is 0 on the diagonal and where
 * the gap is within n eps max|w|. The reverse rule is the transpose, with cotangents that pair without conjugation. */
#include "ops/linalg/linalg.h"

enum { OUTPUT_W = AD_EIGENVALUES, OUTPUT_V = AD_EIGENVECTORS };

static bool eig_infer(const ad_node *node, ad_spec *outputs)
{
    ad_shape shape = ad_node_shape(node, 0);
    ad_dtype dtype = ad_dtype_real(ad_node_dtype(node, 0)) == AD_F32 ? AD_C64 : AD_C128;
    outputs[OUTPUT_V] = (ad_spec){ dtype, shape };
    shape.ndim--;
    outputs[OUTPUT_W] = (ad_spec){ dtype, shape };
    return true;
}

/* v NULL: the values alone. */
static bool decompose(const ad_node *node, const char *a, char *w, char *v, void *scratch)
{
    ad_dtype dtype = ad_node_dtype(node, 0);
    ad_shape shape = ad_node_shape(node, 0);
    int64_t n = shape.dim[shape.ndim - 1], item = (int64_t)ad_dtype_size(dtype), pair = 2 * (int64_t)ad_dtype_size(ad_dtype_real(dtype));
    for (int64_t i = 0; i < ad_stack_count(&shape, 2); i++)
        if (ad_eig(dtype, n, a + i * n * n * item, w + i * n * pair, v ? v + i * n * n * pair : NULL, scratch) != AD_SCHUR_DONE)
            return AD_REFUSE(node, AD_ERROR_NUMERIC, "the eigenvalues of matrix %lld did not converge", (long long)i);
    return true;
}

static bool evaluate(const ad_node *node, void *w, void *v)
{
    return ad_eigen_eval(node, ad_eig_scratch, decompose, w, v);
}

static bool eig_eval(const ad_node *node, void *const *outputs)
{
    return evaluate(node, outputs[OUTPUT_W], outputs[OUTPUT_V]);
}

static ad_array *real_diagonal(ad_array *x)
{
    return ad_real(ad_diagonal(x, .axis1 = -2, .axis2 = -1));
}

/* V^-T (diag gw + F o (V^T gV - V^T conj(V) diag Re diag(V^T gV))) V^T. Without gV nothing is divided by a gap. */
static ad_array *eig_vjp(const ad_node *node, int operand, ad_array *gw)
{
    (void)operand;
    ad_array *w = ad_node_output(node, OUTPUT_W), *v = ad_node_output(node, OUTPUT_V), *gv = ad_node_cotangent(node, OUTPUT_V);
    ad_array *vt = ad_matrix_transpose(v), *right = gw ? ad_zmul(vt, ad_expand_dims(gw, -1)) : NULL;
    if (gv) {
        ad_array *p = ad_matmul(vt, gv), *lengths = ad_mul(ad_matmul(vt, ad_conj(v)), ad_expand_dims(real_diagonal(p), -2));
        ad_array *turned = ad_matmul(ad_zmul(ad_sub(p, lengths), ad_inverse_gaps(w)), vt);
        right = right ? ad_add(right, turned) : turned;
    }
    return ad_linalg_solve(vt, right);
}

static ad_array *eig_jvp(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    ad_array *w = ad_node_output(node, OUTPUT_W), *v = ad_node_output(node, OUTPUT_V), *p = ad_linalg_solve(v, ad_matmul(t, v));
    if (ad_node_target(node) == OUTPUT_W)
        return ad_diagonal(p, .axis1 = -2, .axis2 = -1);
    ad_array *turned = ad_matmul(v, ad_zmul(p, ad_inverse_gaps(w)));
    ad_array *lengths = ad_sum(ad_real(ad_mul(ad_conj(v), turned)), .axis = -2, .keepdims = true);
    return ad_sub(turned, ad_mul(v, lengths));
}

static const ad_primitive eig_op = {
    .name = "ad_linalg_eig",
    .infer = eig_infer,
    .eval = eig_eval,
    .vjp = eig_vjp,
    .jvp = eig_jvp,
    .saves = AD_SAVE_OUTPUT,
    .outputs = 2,
};
AD_OPERATION(eig_op);

/* ---- eigenvalues alone, where no derivative is in sight; the rules decompose anew ---- */

static bool values_infer(const ad_node *node, ad_spec *output)
{
    return ad_eigenvalues_infer(&eig_op, node, output);
}

static bool values_eval(const ad_node *node, void *const *outputs)
{
    return evaluate(node, outputs[0], NULL);
}

static ad_array *values_vjp(const ad_node *node, int operand, ad_array *gw)
{
    (void)operand;
    ad_array *vt = ad_matrix_transpose(ad_eigenvectors_anew(&eig_op, node));
    return ad_linalg_solve(vt, ad_zmul(vt, ad_expand_dims(gw, -1)));
}

static ad_array *values_jvp(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    ad_array *v = ad_eigenvectors_anew(&eig_op, node);
    return ad_diagonal(ad_linalg_solve(v, ad_matmul(t, v)), .axis1 = -2, .axis2 = -1);
}

static const ad_primitive values_op = {
    .name = "ad_linalg_eigvals",
    .infer = values_infer,
    .eval = values_eval,
    .vjp = values_vjp,
    .jvp = values_jvp,
    .saves = AD_SAVE_INPUT(0),
};
AD_OPERATION(values_op);

/* ---- public ---- */

static ad_array *matrices(const char *operation, ad_array *a)
{
    return ad_given(a, operation, "array") ? ad_matrices(operation, a, true) : NULL;
}

ad_tree *(ad_linalg_eig)(ad_array *a)
{
    return ad_eigen_tree(&eig_op, matrices("ad_linalg_eig", a));
}

ad_array *(ad_linalg_eigvals)(ad_array *a)
{
    return ad_eigenvalues(&eig_op, &values_op, matrices("ad_linalg_eigvals", a));
}
