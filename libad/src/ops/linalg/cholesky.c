/* Cholesky factors, and systems with triangular matrices.
 *
 * With A = L L^H the tangent of L is L Phi(L^-1 dA L^-H), where Phi takes the lower triangle with half of the diagonal.
 * The reverse rule is its transpose (Murray 2016, arXiv 1602.07527), between two conjugations, since cotangents pair
 * without conjugation. Only the Hermitian part of dA counts. */
#include "ad/transform.h"
#include "ops/linalg/linalg.h"
#include <string.h>

/* ---- T x = b ---- */

struct triangle {
    bool lower, transposed, unit_diagonal;
};

static const ad_field triangle_fields[] = {
    AD_FIELD(struct triangle, lower, FLAG),
    { "trans", offsetof(struct triangle, transposed), sizeof(bool), AD_FIELD_FLAG, false, NULL },
    AD_FIELD(struct triangle, unit_diagonal, FLAG),
    AD_FIELDS_END,
};

static bool triangular_infer(const ad_node *node, ad_spec *output)
{
    return ad_system_infer(node, 0, 1, output);
}

static bool triangular_eval(const ad_node *node, void *const *outputs)
{
    const struct triangle *o = ad_node_options(node);
    const ad_array *a = ad_node_input(node, 0), *b = ad_node_input(node, 1);
    const char *matrix = data_of(node, 0), *right = data_of(node, 1);
    const ad_spec *output = ad_output_spec(node, 0);
    if (!matrix || !right)
        return false;
    struct matrix_size size = ad_matrix_size(node, 1);
    int64_t n = size.rows, k = size.columns, item = (int64_t)ad_dtype_size(output->dtype), count = ad_stack_count(&output->shape, 2);
    for (int64_t i = 0; i < count && n; i++) {
        char *x = (char *)outputs[0] + i * n * k * item;
        int64_t place = ad_stack_place(a, 2, &output->shape, i);
        const char *t = matrix + place * n * n * item;
        int zero = o->unit_diagonal ? 0 : ad_zero_on_diagonal(output->dtype, n, t);
        if (zero)
            return AD_REFUSE(node, AD_ERROR_NUMERIC, "matrix %lld is singular: element %d of its diagonal is 0", (long long)place, zero - 1);
        memcpy(x, right + ad_stack_place(b, 2, &output->shape, i) * n * k * item, (size_t)(n * k * item));
        if (k)
            ad_triangular_solve(output->dtype, o->lower, o->transposed, o->unit_diagonal, n, k, t, x);
    }
    return true;
}

static ad_array *triangular(const ad_node *node, ad_array *b, bool transposed)
{
    struct triangle o = *(const struct triangle *)ad_node_options(node);
    o.transposed = transposed;
    return ad_call_primitive(ad_node_primitive(node), (ad_array *[]){ ad_node_input(node, 0), b }, 2, &o);
}

/* The elements of x that are read. */
static ad_array *read_part(const struct triangle *o, ad_array *x)
{
    int64_t beside = o->unit_diagonal;
    return o->lower ? ad_tril(x, .k = -beside) : ad_triu(x, .k = beside);
}

static bool triangular_pull(const ad_node *node, ad_array *const *g, unsigned wanted, ad_array **cotangents)
{
    const struct triangle *o = ad_node_options(node);
    ad_array *right = triangular(node, g[0], !o->transposed), *x = ad_node_output(node, 0);
    if (wanted & 1)
        cotangents[0] = read_part(o, ad_neg(o->transposed ? ad_matmul(x, ad_matrix_transpose(right)) : ad_matmul(right, ad_matrix_transpose(x))));
    cotangents[1] = right;
    return right && (!(wanted & 1) || cotangents[0]);
}

static ad_array *triangular_jvp(const ad_node *node, int operand, ad_array *t)
{
    const struct triangle *o = ad_node_options(node);
    if (operand == 0) {
        t = read_part(o, t);
        t = ad_neg(ad_matmul(o->transposed ? ad_matrix_transpose(t) : t, ad_node_output(node, 0)));
    }
    return triangular(node, t, o->transposed);
}

static const ad_primitive triangular_op = {
    .name = "ad_linalg_solve_triangular",
    .infer = triangular_infer,
    .eval = triangular_eval,
    .pull = triangular_pull,
    .jvp = triangular_jvp,
    .saves = AD_SAVE_INPUT(0) | AD_SAVE_OUTPUT,
    .options_size = sizeof(struct triangle),
    .fields = triangle_fields,
};
AD_OPERATION(triangular_op);

ad_array *ad_triangular(ad_array *a, ad_array *b, ad_linalg_solve_triangular_options options)
{
    if (!a || !b)
        return NULL;
    ad_dtype dtype = ad_dtype_common((ad_array *[]){ a, b }, 2);
    a = ad_astype(options.trans == 2 ? ad_conjugated(a) : a, dtype);
    b = ad_astype(b, dtype);
    struct triangle o = { options.lower, options.trans != 0, options.unit_diagonal };
    return a && b ? ad_call_primitive(&triangular_op, (ad_array *[]){ a, b }, 2, &o) : NULL;
}

ad_array *ad_linalg_solve_triangular_with(ad_array *a, ad_array *b, ad_linalg_solve_triangular_options options)
{
    const char *name = triangular_op.name;
    bool vector = false;
    if (!ad_both_given(a, b, name) || !(a = ad_matrices(name, a, true)) || !(b = ad_right_sides(name, a, b, &vector)))
        return NULL;
    if (options.trans < 0 || options.trans > 2)
        return ad_set_error(AD_ERROR_VALUE, "%s: .trans is %d; it should be 0, 1 (transpose) or 2 (conjugate transpose)", name, options.trans);
    ad_matrix_part part = options.unit_diagonal ? options.lower ? AD_STRICT_LOWER : AD_STRICT_UPPER : options.lower ? AD_LOWER : AD_UPPER;
    ad_array *x = ad_triangular(ad_finite(name, "a", a, part), ad_finite(name, "b", b, AD_WHOLE), options);
    return vector ? ad_squeeze(x, .axis = -1) : x;
}

/* ---- Cholesky ---- */

static bool cholesky_eval(const ad_node *node, void *const *outputs)
{
    ad_dtype dtype = ad_node_dtype(node, 0);
    ad_shape shape = ad_node_shape(node, 0);
    int64_t n = shape.dim[shape.ndim - 1], bytes = n * n * (int64_t)ad_dtype_size(dtype);
    const char *data = data_of(node, 0);
    if (!data)
        return false;
    for (int64_t i = 0; i < ad_stack_count(&shape, 2) && n; i++) {
        int failed = ad_cholesky(dtype, n, data + i * bytes, (char *)outputs[0] + i * bytes);
        if (failed)
            return AD_REFUSE(node, AD_ERROR_NUMERIC, "matrix %lld is not positive definite: its leading minor of order %d is not positive",
                           (long long)i, failed);
    }
    return true;
}

/* The lower triangle, with half of the diagonal. */
static ad_array *half_triangle(ad_array *x)
{
    return ad_sub(ad_tril(x), ad_mul(0.5, ad_make_diagonal(ad_diagonal(x, .axis1 = -2, .axis2 = -1))));
}

/* The diagonal of L is real, so the imaginary part of its cotangent pairs with nothing. */
static ad_array *real_diagonal(ad_array *x)
{
    if (!x || !ad_dtype_is_complex((ad_dtype)x->dtype))
        return x;
    ad_array *imaginary = ad_imag(ad_diagonal(x, .axis1 = -2, .axis2 = -1));
    return ad_sub(x, ad_make_diagonal(ad_mul(imaginary, ad_weak_complex(1.0i))));
}

/* ---- the reverse rule, an operation of the factor and its cotangent ---- */

static bool reverse_eval(const ad_node *node, void *const *outputs)
{
    ad_dtype dtype = ad_node_dtype(node, 0);
    ad_shape shape = ad_node_shape(node, 0);
    int64_t n = shape.dim[shape.ndim - 1], bytes = n * n * (int64_t)ad_dtype_size(dtype);
    const char *l = data_of(node, 0), *g = data_of(node, 1);
    for (int64_t i = 0; i < ad_stack_count(&shape, 2) && l && g && n; i++)
        ad_cholesky_reverse(dtype, n, l + i * bytes, g + i * bytes, (char *)outputs[0] + i * bytes);
    return l && g;
}

/* S = L^-H Phi(L^H G) L^-1, with G and the result conjugated: the same in operations that have derivatives. */
static ad_array *reverse_of_factor(ad_array *l, ad_array *g)
{
    ad_array *phi = half_triangle(real_diagonal(ad_matmul(ad_adjoint(l), ad_tril(ad_conjugated(g)))));
    ad_array *left = AD_TRIANGULAR(l, phi, .lower = true, .trans = 2);
    ad_array *s = ad_adjoint(AD_TRIANGULAR(l, ad_adjoint(left), .lower = true, .trans = 2));
    return ad_conjugated(ad_mul(0.5, ad_add(s, ad_adjoint(s))));
}

static ad_array *reverse_of_cotangent(ad_array *g, ad_array *l)
{
    return reverse_of_factor(l, g);
}

static ad_array *reverse_vjp(const ad_node *node, int operand, ad_array *g)
{
    ad_pullback *pull = NULL;
    ad_array *y = ad_vjp(operand == 0 ? reverse_of_factor : reverse_of_cotangent, ad_node_input(node, operand), ad_node_input(node, 1 - operand), &pull);
    ad_array *d = y ? ad_vjp_apply(pull, g) : NULL;
    ad_vjp_free(pull);
    return d;
}

static ad_array *reverse_jvp(const ad_node *node, int operand, ad_array *t)
{
    ad_array *l = ad_node_input(node, 0), *tangent;
    if (operand == 1)
        return ad_call_primitive(ad_node_primitive(node), (ad_array *[]){ l, t }, 2, NULL);
    return ad_jvp(reverse_of_factor, l, ad_node_input(node, 1), t, &tangent) ? tangent : NULL;
}

static const ad_primitive reverse_op = {
    .name = "ad_linalg_cholesky_reverse",
    .infer = ad_same_infer,
    .eval = reverse_eval,
    .vjp = reverse_vjp,
    .jvp = reverse_jvp,
    .saves = AD_SAVE_INPUTS,
};
AD_OPERATION(reverse_op);

/* ---- Cholesky ---- */

static ad_array *cholesky_vjp(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    ad_array *l = ad_node_output(node, 0);
    return l && g ? ad_call_primitive(&reverse_op, (ad_array *[]){ l, g }, 2, NULL) : NULL;
}

static ad_array *cholesky_jvp(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    ad_array *l = ad_node_output(node, 0), *hermitian = ad_mul(0.5, ad_add(t, ad_adjoint(t)));
    ad_array *left = AD_TRIANGULAR(l, hermitian, .lower = true);
    ad_array *both = ad_adjoint(AD_TRIANGULAR(l, ad_adjoint(left), .lower = true));
    return ad_matmul(l, half_triangle(real_diagonal(both)));
}

static const ad_primitive cholesky_op = {
    .name = "ad_linalg_cholesky",
    .infer = ad_same_infer,
    .eval = cholesky_eval,
    .vjp = cholesky_vjp,
    .jvp = cholesky_jvp,
    .saves = AD_SAVE_OUTPUT,
};
AD_OPERATION(cholesky_op);

ad_array *ad_linalg_cholesky_with(ad_array *a, ad_linalg_cholesky_options options)
{
    if (!ad_given(a, "ad_linalg_cholesky", "array") || !(a = ad_matrices("ad_linalg_cholesky", a, true)))
        return NULL;
    if (options.UPLO && !(a = ad_hermitian("ad_linalg_cholesky", a, options.UPLO)))
        return NULL;
    a = options.upper ? ad_adjoint(a) : a;
    ad_array *l = a ? ad_call_primitive(&cholesky_op, &a, 1, NULL) : NULL;
    return options.upper ? ad_adjoint(l) : l;
}

ad_array *ad_linalg_cho_factor_with(ad_array *a, ad_linalg_cho_solve_options options)
{
    const char *name = "ad_linalg_cho_factor";
    if (!ad_given(a, name, "array") || !(a = ad_matrices(name, a, true)))
        return NULL;
    return (a = ad_finite(name, "a", a, options.lower ? AD_LOWER : AD_UPPER)) ? ad_linalg_cholesky(a, .upper = !options.lower) : NULL;
}

ad_array *ad_linalg_cho_solve_with(ad_array *factor, ad_array *b, ad_linalg_cho_solve_options options)
{
    const char *name = "ad_linalg_cho_solve";
    bool vector = false;
    if (!ad_both_given(factor, b, name) || !(factor = ad_matrices(name, factor, true)) || !(b = ad_right_sides(name, factor, b, &vector)))
        return NULL;
    factor = ad_finite(name, "factor", factor, options.lower ? AD_LOWER : AD_UPPER);
    ad_array *x = ad_finite(name, "b", b, AD_WHOLE);
    for (int second = 0; second < 2 && x; second++)
        x = AD_TRIANGULAR(factor, x, .lower = options.lower, .trans = options.lower == second ? 2 : 0);
    return vector ? ad_squeeze(x, .axis = -1) : x;
}
