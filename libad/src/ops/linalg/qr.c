/* QR, and orthonormal columns that complete others.
 *
 * For m >= n let B = dA R^-1 and C = Q^H B, and let K be the skew Hermitian matrix of C's strict lower triangle and i
 * times the imaginary part of its diagonal. Then dR = (C - K) R and dQ = B - Q C + Q K. The reverse rule is the
 * transpose (Walter and Lehmann 2013, arXiv 1009.6112). A wide matrix [X Y] is Q [U W] with X = Q U and W = Q^H Y. */
#include "ops/linalg/linalg.h"
#include <string.h>

enum { OUTPUT_Q, OUTPUT_R };

/* ---- reduced, for matrices that are not wide ---- */

static bool qr_infer(const ad_node *node, ad_spec *outputs)
{
    ad_shape shape = ad_node_shape(node, 0);
    int64_t n = shape.dim[shape.ndim - 1];
    outputs[OUTPUT_Q] = (ad_spec){ ad_node_dtype(node, 0), shape };
    outputs[OUTPUT_R] = (ad_spec){ ad_node_dtype(node, 0), ad_stack_shape(shape, n, n) };
    return true;
}

/* q (m, columns) and r (columns, n) of each matrix; either may be NULL. */
static bool factor(const ad_node *node, int64_t columns, char *q, char *r)
{
    ad_context *c = ad_current();
    const ad_array *x = ad_node_input(node, 0);
    ad_shape shape = ad_node_shape(node, 0);
    struct matrix_size size = ad_matrix_size(node, 0);
    ad_dtype dtype = (ad_dtype)x->dtype;
    int64_t m = size.rows, n = size.columns, item = (int64_t)ad_dtype_size(dtype), count = ad_stack_count(&shape, 2);
    const char *data = data_of(node, 0);
    size_t room = ad_qr_scratch(dtype, m, n, columns), r_bytes = (size_t)(columns * n * item);
    char *scratch = data ? ad_allocate(c, room + r_bytes) : NULL;
    for (int64_t i = 0; i < count && scratch; i++)
        ad_qr(dtype, m, n, columns, data + i * m * n * item, q + i * m * columns * item, r ? r + i * columns * n * item : scratch + room, scratch);
    ad_deallocate(c, scratch, room + r_bytes);
    return scratch != NULL;
}

static bool qr_eval(const ad_node *node, void *const *outputs)
{
    return !ad_node_input(node, 0)->size || factor(node, ad_matrix_size(node, 0).columns, outputs[OUTPUT_Q], outputs[OUTPUT_R]);
}

/* An R that can be divided by, unchanged. It is an error if an element of its diagonal is 0 up to rounding. */
struct dividing {
    int64_t rows; /* of the matrix */
};

static ad_array *divisor_view(const ad_node *node, const ad_spec *output)
{
    (void)output;
    const struct dividing *o = ad_node_options(node);
    ad_array *r = ad_node_input(node, 0);
    if (!r->size)
        return r;
    ad_array *size = ad_abs(ad_diagonal(r, .axis1 = -2, .axis2 = -1)), *least = ad_min(size, .axis = -1), *most = ad_max(size, .axis = -1);
    ad_array *lacking = ad_any(ad_less_equal(least, ad_mul(ad_epsilon(r) * (double)o->rows, most)));
    if (lacking && ad_item(lacking) != 0)
        return ad_set_error(AD_ERROR_NUMERIC, "ad_linalg_qr: a matrix whose columns are not independent has no derivative: a diagonal element of R is 0");
    return lacking ? r : NULL;
}

static ad_array *divisor_rule(const ad_node *node, int operand, ad_array *t)
{
    (void)node, (void)operand;
    return t;
}

static const ad_field dividing_fields[] = { AD_FIELD(struct dividing, rows, INT64), AD_FIELDS_END };
static const ad_primitive divisor_op = {
    .name = "ad_linalg_divisor",
    .infer = ad_same_infer,
    .view = divisor_view,
    .vjp = divisor_rule,
    .jvp = divisor_rule,
    .options_size = sizeof(struct dividing),
    .fields = dividing_fields,
};
AD_OPERATION(divisor_op);

static ad_array *divisor(const ad_node *node)
{
    ad_array *r = ad_node_output(node, OUTPUT_R);
    return r ? ad_call_primitive(&divisor_op, &r, 1, &(struct dividing){ ad_matrix_size(node, 0).rows }) : NULL;
}

/* x R^-1, or x R^-H. */
static ad_array *over(ad_array *x, ad_array *r, bool adjoint)
{
    if (adjoint)
        return ad_adjoint(AD_TRIANGULAR(r, ad_adjoint(x)));
    return ad_matrix_transpose(AD_TRIANGULAR(r, ad_matrix_transpose(x), .trans = 1));
}

/* (G_Q + Q copyltu(R G_R^H - G_Q^H Q)) R^-H, with G and the result conjugated. */
static ad_array *qr_vjp(const ad_node *node, int operand, ad_array *gq)
{
    (void)operand;
    ad_array *q = ad_node_output(node, OUTPUT_Q), *r = divisor(node), *gr = ad_node_cotangent(node, OUTPUT_R);
    if (!r)
        return NULL;
    ad_array *m = gr ? ad_matmul(r, ad_adjoint(ad_triu(ad_conjugated(gr)))) : NULL;
    gq = gq ? ad_conjugated(gq) : NULL;
    if (gq)
        m = m ? ad_sub(m, ad_matmul(ad_adjoint(gq), q)) : ad_neg(ad_matmul(ad_adjoint(gq), q));
    ad_array *inner = ad_matmul(q, ad_mirrored(m, true));
    return ad_conjugated(over(gq ? ad_add(gq, inner) : inner, r, true));
}

/* K, (..., n, n). */
static ad_array *turn(ad_array *c)
{
    ad_array *strict = ad_tril(c, .k = -1), *k = ad_sub(strict, ad_adjoint(strict));
    if (!c || !ad_dtype_is_complex((ad_dtype)c->dtype))
        return k;
    return ad_add(k, ad_make_diagonal(ad_mul(ad_imag(ad_diagonal(c, .axis1 = -2, .axis2 = -1)), ad_weak_complex(1.0i))));
}

static ad_array *qr_jvp(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    ad_array *q = ad_node_output(node, OUTPUT_Q), *r = divisor(node);
    if (!r)
        return NULL;
    ad_array *b = over(t, r, false), *c = ad_matmul(ad_adjoint(q), b), *k = turn(c);
    if (ad_node_target(node) == OUTPUT_R)
        return ad_triu(ad_matmul(ad_sub(c, k), r));
    return ad_add(b, ad_matmul(q, ad_sub(k, c)));
}

static const ad_primitive qr_op = {
    .name = "ad_linalg_qr",
    .infer = qr_infer,
    .eval = qr_eval,
    .vjp = qr_vjp,
    .jvp = qr_jvp,
    .saves = AD_SAVE_OUTPUT,
    .outputs = 2,
};
AD_OPERATION(qr_op);

/* ---- orthonormal complements: dN = -Q dQ^H N; what is free beside that is taken as 0 ---- */

static bool complement_infer(const ad_node *node, ad_spec *output)
{
    struct matrix_size size = ad_matrix_size(node, 0);
    *output = (ad_spec){ ad_node_dtype(node, 0), ad_stack_shape(ad_node_shape(node, 0), size.rows, size.rows - size.columns) };
    return true;
}

static bool complement_eval(const ad_node *node, void *const *outputs)
{
    ad_context *c = ad_current();
    struct matrix_size size = ad_matrix_size(node, 0);
    ad_shape shape = ad_node_shape(node, 0);
    ad_dtype dtype = ad_node_dtype(node, 0);
    int64_t m = size.rows, k = size.columns, item = ad_item_size(dtype), count = ad_stack_count(&shape, 2);
    size_t bytes = (size_t)(count * m * m * item);
    if (!bytes || m == k)
        return true;
    if (k == 0) {
        ad_array *one = ad_eye(m, .dtype = dtype);
        if (one)
            ad_copy_strided(3, (int64_t[]){ count, m, m }, (struct ad_operand){ memory_of(one), (int64_t[]){ 0, m * item, item }, dtype },
                            (struct ad_operand){ outputs[0], (int64_t[]){ m * m * item, m * item, item }, dtype });
        return one != NULL;
    }
    char *q = ad_allocate(c, bytes);
    bool done = q && factor(node, m, q, NULL);
    if (done) /* the columns behind the first k */
        ad_copy_strided(2, (int64_t[]){ count * m, m - k }, (struct ad_operand){ q + k * item, (int64_t[]){ m * item, item }, dtype },
                        (struct ad_operand){ outputs[0], (int64_t[]){ (m - k) * item, item }, dtype });
    ad_deallocate(c, q, bytes);
    return done;
}

static ad_array *complement_vjp(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    ad_array *q = ad_node_input(node, 0), *n = ad_node_output(node, 0);
    return ad_conjugated(ad_neg(ad_matmul(ad_matmul(n, ad_adjoint(ad_conjugated(g))), q)));
}

static ad_array *complement_jvp(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    ad_array *q = ad_node_input(node, 0), *n = ad_node_output(node, 0);
    return ad_neg(ad_matmul(q, ad_matmul(ad_adjoint(t), n)));
}

static const ad_primitive complement_op = {
    .name = "ad_linalg_complement",
    .infer = complement_infer,
    .eval = complement_eval,
    .vjp = complement_vjp,
    .jvp = complement_jvp,
    .saves = AD_SAVE_INPUTS | AD_SAVE_OUTPUT,
};
AD_OPERATION(complement_op);

ad_array *ad_orthogonal_complement(ad_array *q)
{
    return q ? ad_call_primitive(&complement_op, &q, 1, NULL) : NULL;
}

/* ---- public ---- */

static bool reduced(ad_array *a, ad_array *outputs[2])
{
    int64_t m = ad_dim(a, -2), n = ad_dim(a, -1);
    ad_array *first = m < n ? ad_slice_of(a, a->ndim - 1, 0, m, 1, true) : a;
    if (!first || !ad_call_primitive_many(&qr_op, &first, 1, NULL, outputs))
        return false;
    if (m < n)
        outputs[OUTPUT_R] =
            ad_concatenate(ad_list_of(outputs[OUTPUT_R], ad_matmul(ad_adjoint(outputs[OUTPUT_Q]), ad_slice_of(a, a->ndim - 1, m, n - m, 1, true))), .axis = -1);
    return outputs[OUTPUT_R] != NULL;
}

/* Q with the columns that it lacks, and R with rows of zeros. */
static bool complete(ad_array *a, ad_array *outputs[2])
{
    int64_t m = ad_dim(a, -2), n = ad_dim(a, -1);
    if (m <= n)
        return true;
    ad_array *rest = ad_orthogonal_complement(outputs[OUTPUT_Q]);
    ad_array *zeros = ad_zeros(ad_stack_shape(ad_shape_of(a), m - n, n), .dtype = ad_dtype_of(a));
    outputs[OUTPUT_Q] = ad_concatenate(ad_list_of(outputs[OUTPUT_Q], rest), .axis = -1);
    outputs[OUTPUT_R] = ad_concatenate(ad_list_of(outputs[OUTPUT_R], zeros), .axis = -2);
    return outputs[OUTPUT_Q] && outputs[OUTPUT_R];
}

ad_tree *ad_linalg_qr_with(ad_array *a, ad_linalg_qr_options options)
{
    const char *mode = options.mode ? options.mode : "reduced";
    ad_array *outputs[2];
    if (!ad_given(a, "ad_linalg_qr", "array") || !(a = ad_matrices("ad_linalg_qr", a, false)))
        return NULL;
    bool all = strcmp(mode, "complete") == 0, only_r = strcmp(mode, "r") == 0;
    if (!all && !only_r && strcmp(mode, "reduced") != 0)
        return ad_set_error(AD_ERROR_VALUE, "ad_linalg_qr: .mode is \"%s\"; it should be \"reduced\", \"complete\" or \"r\"", mode);
    if (!reduced(a, outputs) || (all && !complete(a, outputs)))
        return NULL;
    return only_r ? ad_tree_of("R", outputs[OUTPUT_R]) : ad_tree_of("Q", outputs[OUTPUT_Q], "R", outputs[OUTPUT_R]);
}
