/* The thin singular value decomposition x = U diag(s) Vh, and singular values alone.
 *
 * With P = U^H dx V, and antihermitian C, D: dU = U C + (I - U U^H) dx V / s, ds = Re diag P, dV = V D + (I - V V^H)
 * dx^H U / s. Of C and D the two combinations that do not mix with each other are
 *
 *     (C + D)_ij = (P + P^H)_ij / (s_j - s_i),    (C - D)_ij = (P - P^H)_ij / (s_i + s_j),
 *
 * which is arXiv 1909.02659 sorted anew: only what belongs to U and V alone is divided by a gap. The phases of complex
 * columns, which are nobody's, are in the diagonal of the second, half in U and half in V. A gap, a sum or a singular
 * value within the tolerance divides by infinity, so that everything is finite. The cotangents pair without
 * conjugation: the reverse rule is that of the paper between two conjugations. */
#include "ad/transform.h"
#include "ops/linalg/linalg.h"

/* ---- evaluation; the options are the name of the public operation ---- */

enum { OUTPUT_U, OUTPUT_S, OUTPUT_VH };

static bool svd_infer(const ad_node *node, ad_spec *outputs)
{
    const char *operation = ad_node_options(node);
    ad_dtype dtype = ad_node_dtype(node, 0);
    ad_shape shape = ad_node_shape(node, 0), values = shape;
    if (shape.ndim < 2)
        return AD_FAIL(AD_ERROR_SHAPE, "%s: a matrix has two axes, an operand of shape %s does not", operation, AD_INPUT_TEXT(node, 0));
    int64_t m = shape.dim[shape.ndim - 2], n = shape.dim[shape.ndim - 1], k = m < n ? m : n;
    if (!ad_svd_takes(m, n))
        return AD_FAIL(AD_ERROR_SHAPE, "%s: the matrices in shape %s are too large for LAPACK", operation, AD_INPUT_TEXT(node, 0));
    values.ndim--;
    values.dim[shape.ndim - 2] = k;
    for (int i = OUTPUT_U; i <= OUTPUT_VH; i++)
        outputs[i] = (ad_spec){ dtype, shape };
    outputs[OUTPUT_U].shape.dim[shape.ndim - 1] = k;
    outputs[OUTPUT_S] = (ad_spec){ ad_dtype_real(dtype), values };
    outputs[OUTPUT_VH].shape.dim[shape.ndim - 2] = k;
    return true;
}

static bool succeeded(const char *operation, ad_lapack_outcome outcome, int64_t matrix)
{
    if (outcome == AD_LAPACK_NAN)
        return AD_FAIL(AD_ERROR_NUMERIC, "%s: matrix %lld has a NaN in it", operation, (long long)matrix);
    return outcome == AD_LAPACK_DONE || AD_FAIL(AD_ERROR_NUMERIC, "%s: the decomposition of matrix %lld did not converge", operation, (long long)matrix);
}

/* Decomposes all matrices, one after the other. */
static bool decompose(const ad_node *node, const struct ad_svd *svd, const char *x, void *const *outputs, void *scratch)
{
    int64_t m = svd->m, n = svd->n, k = m < n ? m : n, count = ad_node_input(node, 0)->size / (m * n);
    int64_t item = (int64_t)ad_dtype_size(svd->dtype), real = (int64_t)ad_dtype_size(ad_dtype_real(svd->dtype));
    const char *operation = ad_node_options(node);
    char *u = svd->vectors ? outputs[OUTPUT_U] : NULL, *s = outputs[svd->vectors ? OUTPUT_S : 0], *vh = svd->vectors ? outputs[OUTPUT_VH] : NULL;
    for (int64_t i = 0; i < count; i++) {
        char *own_u = u ? u + i * m * k * item : NULL, *own_vh = vh ? vh + i * k * n * item : NULL;
        ad_lapack_outcome outcome = ad_svd(svd, x + i * m * n * item, own_u, s + i * k * real, own_vh, scratch);
        if (!succeeded(operation, outcome, i))
            return false;
    }
    return true;
}

static bool evaluate(const ad_node *node, bool vectors, void *const *outputs)
{
    ad_context *c = ad_current();
    const ad_array *x = ad_node_input(node, 0);
    if (x->size == 0)
        return true;
    struct ad_svd svd = ad_svd_plan((ad_dtype)x->dtype, ad_dims(x)[x->ndim - 2], ad_dims(x)[x->ndim - 1], vectors);
    const char *data = data_of(node, 0);
    void *scratch = data ? ad_allocate(c, svd.scratch) : NULL;
    if (!scratch)
        return false;
    bool done = decompose(node, &svd, data, outputs, scratch);
    ad_deallocate(c, scratch, svd.scratch);
    return done;
}

static bool svd_eval(const ad_node *node, void *const *outputs)
{
    return evaluate(node, true, outputs);
}

/* ---- what both rules are made of ---- */

/* max(m, n) eps max(s), (..., 1), a constant. */
static ad_array *tolerance_of(ad_array *s, int64_t longer)
{
    return ad_mul((double)longer * ad_epsilon(s), ad_at(ad_stop_gradient(s), "..., :1"));
}

struct factors {
    ad_array *u, *s, *vh, *tolerance;
    int64_t m, n, k;
};

static struct factors factors_of(const ad_node *node)
{
    ad_shape shape = ad_node_shape(node, 0);
    struct factors f = { .m = shape.dim[shape.ndim - 2], .n = shape.dim[shape.ndim - 1] };
    f.u = ad_node_output(node, OUTPUT_U);
    f.s = ad_node_output(node, OUTPUT_S);
    f.vh = ad_node_output(node, OUTPUT_VH);
    f.k = f.m < f.n ? f.m : f.n;
    f.tolerance = tolerance_of(f.s, f.m > f.n ? f.m : f.n);
    return f;
}

/* 1/d, and 0 where |d| is within the tolerance. */
static ad_array *inverse(ad_array *d, ad_array *tolerance)
{
    return ad_reciprocal(ad_where(ad_less_equal(ad_abs(d), tolerance), INFINITY, d));
}

/* 1/s, (..., k). */
static ad_array *inverse_values(const struct factors *f)
{
    return inverse(f->s, f->tolerance);
}

/* x with its columns, or rows, multiplied by the elements of d, (..., k). */
static ad_array *times_columns(ad_array *x, ad_array *d)
{
    return ad_zmul(x, ad_expand_dims(d, -2));
}

static ad_array *times_rows(ad_array *x, ad_array *d)
{
    return ad_zmul(x, ad_expand_dims(d, -1));
}

/* Half of by_gap_ij / (s_j - s_i) + by_sum_ij / (s_i + s_j). */
static ad_array *turn(const struct factors *f, ad_array *by_gap, ad_array *by_sum)
{
    ad_array *columns = ad_expand_dims(f->s, -2), *rows = ad_expand_dims(f->s, -1), *tolerance = ad_expand_dims(f->tolerance, -1);
    ad_array *from_gaps = ad_zmul(by_gap, inverse(ad_sub(columns, rows), tolerance));
    ad_array *from_sums = ad_zmul(by_sum, inverse(ad_add(columns, rows), tolerance));
    return ad_mul(0.5, ad_add(from_gaps, from_sums));
}

static ad_array *symmetric(ad_array *x)
{
    return ad_add(x, ad_adjoint(x));
}

static ad_array *skew(ad_array *x)
{
    return ad_sub(x, ad_adjoint(x));
}

/* ---- reverse, with W and Z the conjugates of U and Vh ---- */

/* W diag(g) Z, in which nothing is divided by a gap. */
static ad_array *values_cotangent(ad_array *u, ad_array *vh, ad_array *g)
{
    return ad_matmul(times_columns(ad_conjugated(u), g), ad_conjugated(vh));
}

/* From the cotangents of U and Vh. */
static ad_array *vectors_vjp(const struct factors *f, ad_array *gu, ad_array *gv)
{
    ad_array *w = ad_conjugated(f->u), *z = ad_conjugated(f->vh);
    ad_array *p = ad_matmul(ad_matrix_transpose(f->u), gu), *q = ad_matmul(gv, ad_matrix_transpose(f->vh));
    ad_array *left = ad_matmul(w, turn(f, skew(ad_sub(p, q)), skew(ad_add(p, q))));
    if (f->m > f->k)
        left = ad_add(left, times_columns(ad_sub(gu, ad_matmul(w, p)), inverse_values(f)));
    ad_array *d = ad_matmul(left, z);
    if (f->n > f->k)
        d = ad_add(d, ad_matmul(w, times_rows(ad_sub(gv, ad_matmul(q, z)), inverse_values(f))));
    return d;
}

static ad_array *svd_vjp(const ad_node *node, int operand, ad_array *gu)
{
    (void)operand;
    struct factors f = factors_of(node);
    ad_array *gs = ad_node_cotangent(node, OUTPUT_S), *gv = ad_node_cotangent(node, OUTPUT_VH);
    if (!gu && !gv)
        return values_cotangent(f.u, f.vh, gs);
    ad_array *d = vectors_vjp(&f, gu ? gu : ad_zeros_like(f.u), gv ? gv : ad_zeros_like(f.vh));
    return gs ? ad_add(d, values_cotangent(f.u, f.vh, gs)) : d;
}

/* ---- forward ---- */

/* Re diag(U^H t V), of t V. */
static ad_array *values_tangent(ad_array *u, ad_array *tv)
{
    ad_array *diagonal = ad_sum(ad_mul(ad_conjugated(u), tv), .axis = -2);
    return diagonal && ad_dtype_is_complex((ad_dtype)diagonal->dtype) ? ad_real(diagonal) : diagonal;
}

static ad_array *svd_jvp(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    struct factors f = factors_of(node);
    ad_array *tv = ad_matmul(t, ad_adjoint(f.vh));
    if (ad_node_target(node) == OUTPUT_S)
        return values_tangent(f.u, tv);
    ad_array *uh = ad_adjoint(f.u), *p = ad_matmul(uh, tv);
    if (ad_node_target(node) == OUTPUT_U) {
        ad_array *d = ad_matmul(f.u, turn(&f, symmetric(p), skew(p)));
        return f.m == f.k ? d : ad_add(d, times_columns(ad_sub(tv, ad_matmul(f.u, p)), inverse_values(&f)));
    }
    ad_array *d = ad_matmul(turn(&f, ad_neg(symmetric(p)), skew(p)), f.vh);
    return f.n == f.k ? d : ad_add(d, times_rows(ad_sub(ad_matmul(uh, t), ad_matmul(p, f.vh)), inverse_values(&f)));
}

static const ad_primitive svd_op = {
    .name = "ad_linalg_svd",
    .infer = svd_infer,
    .eval = svd_eval,
    .vjp = svd_vjp,
    .jvp = svd_jvp,
    .saves = AD_SAVE_OUTPUT,
    .outputs = 3,
};
AD_OPERATION(svd_op);

bool ad_thin_svd(const char *operation, ad_array *x, ad_array *outputs[3])
{
    return x && ad_call_primitive_many(&svd_op, &x, 1, operation, outputs);
}

/* ---- singular values alone, where no derivative is in sight; the rules decompose anew ---- */

static bool values_infer(const ad_node *node, ad_spec *output)
{
    ad_spec all[3];
    if (!svd_infer(node, all))
        return false;
    *output = all[OUTPUT_S];
    return true;
}

static bool values_eval(const ad_node *node, void *const *outputs)
{
    return evaluate(node, false, outputs);
}

static bool factors_anew(const ad_node *node, ad_array *outputs[3])
{
    return ad_thin_svd(ad_node_options(node), ad_node_input(node, 0), outputs);
}

static ad_array *values_vjp(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    ad_array *usv[3];
    return factors_anew(node, usv) ? values_cotangent(usv[OUTPUT_U], usv[OUTPUT_VH], g) : NULL;
}

static ad_array *values_jvp(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    ad_array *usv[3];
    return factors_anew(node, usv) ? values_tangent(usv[OUTPUT_U], ad_matmul(t, ad_adjoint(usv[OUTPUT_VH]))) : NULL;
}

static const ad_primitive values_op = {
    .name = "ad_linalg_svdvals",
    .infer = values_infer,
    .eval = values_eval,
    .vjp = values_vjp,
    .jvp = values_jvp,
    .saves = AD_SAVE_INPUT(0),
};
AD_OPERATION(values_op);

static ad_array *values_of(const char *operation, ad_array *x)
{
    ad_array *usv[3];
    if (!x || !ad_is_differentiated(x))
        return x ? ad_call_primitive(&values_op, &x, 1, operation) : NULL;
    return ad_thin_svd(operation, x, usv) ? usv[OUTPUT_S] : NULL;
}


ad_array *ad_singular_values(const char *operation, ad_array *x, ad_array **tolerance)
{
    ad_array *s = values_of(operation, x), *values = s ? ad_stop_gradient(s) : NULL;
    *tolerance = NULL;
    if (!values)
        return NULL;
    int64_t m = ad_dims(x)[x->ndim - 2], n = ad_dims(x)[x->ndim - 1];
    *tolerance = tolerance_of(values, m > n ? m : n);
    return ad_where(ad_less_equal(values, *tolerance), values, s);
}

ad_array *(ad_linalg_svdvals)(ad_array *x)
{
    ad_array *tolerance;
    if (!ad_given(x, "ad_linalg_svdvals", "array"))
        return NULL;
    if (!ad_dtype_is_inexact((ad_dtype)x->dtype))
        x = ad_astype(x, AD_F64);
    return ad_singular_values("ad_linalg_svdvals", x, &tolerance);
}

/* ---- the decomposition ---- */

ad_tree *ad_linalg_svd_with(ad_array *x, ad_linalg_svd_options options)
{
    ad_array *usv[3];
    if (!ad_given(x, "ad_linalg_svd", "array") || !(x = ad_matrices("ad_linalg_svd", x, false)))
        return NULL;
    if (!options.compute_uv) {
        ad_array *s = values_of("ad_linalg_svd", x);
        return s ? ad_tree_of("S", s) : NULL;
    }
    if (!ad_thin_svd("ad_linalg_svd", x, usv))
        return NULL;
    int64_t m = ad_dim(x, -2), n = ad_dim(x, -1);
    if (options.full_matrices && m > n)
        usv[OUTPUT_U] = ad_concatenate(ad_list_of(usv[OUTPUT_U], ad_orthogonal_complement(usv[OUTPUT_U])), .axis = -1);
    if (options.full_matrices && n > m) {
        ad_array *rest = ad_adjoint(ad_orthogonal_complement(ad_adjoint(usv[OUTPUT_VH])));
        usv[OUTPUT_VH] = ad_concatenate(ad_list_of(usv[OUTPUT_VH], rest), .axis = -2);
    }
    return ad_tree_of("U", usv[OUTPUT_U], "S", usv[OUTPUT_S], "Vh", usv[OUTPUT_VH]);
}

/* ---- rank, pseudo-inverse, least squares ---- */

/* The largest singular value times rcond, or times max(m, n) eps: (..., 1), a constant. */
static ad_array *cut_of(ad_array *s, double rcond, int64_t longer)
{
    return rcond < 0 ? tolerance_of(s, longer) : ad_mul(rcond, ad_at(ad_stop_gradient(s), "..., :1"));
}

static int64_t longer_of(const ad_array *x)
{
    int64_t m = ad_dims(x)[x->ndim - 2], n = ad_dims(x)[x->ndim - 1];
    return m > n ? m : n;
}

ad_array *ad_linalg_matrix_rank_with(ad_array *x, ad_linalg_rcond_options options)
{
    if (ad_given(x, "ad_linalg_matrix_rank", "array") && x->ndim < 2)
        return ad_astype(ad_any(x), AD_I64);
    x = x ? ad_matrices("ad_linalg_matrix_rank", x, false) : NULL;
    ad_array *s = x ? values_of("ad_linalg_matrix_rank", ad_stop_gradient(x)) : NULL;
    if (!s || !ad_size(s))
        return s ? ad_sum(s, .axis = -1, .dtype = AD_I64) : NULL;
    return ad_sum(ad_greater(s, cut_of(s, options.rcond, longer_of(x))), .axis = -1);
}

struct pseudo_inverse {
    double rcond;
};

static const ad_field pseudo_inverse_fields[] = { AD_FIELD(struct pseudo_inverse, rcond, REAL), AD_FIELDS_END };

static bool pinv_infer(const ad_node *node, ad_spec *output)
{
    struct matrix_size size = ad_matrix_size(node, 0);
    *output = (ad_spec){ ad_node_dtype(node, 0), ad_stack_shape(ad_node_shape(node, 0), size.columns, size.rows) };
    return true;
}

static ad_array *pinv_compose(const ad_node *node, const ad_spec *output)
{
    const struct pseudo_inverse *o = ad_node_options(node);
    ad_array *x = ad_node_input(node, 0), *usv[3];
    if (!x->size)
        return ad_zeros(output->shape, .dtype = output->dtype);
    if (!ad_thin_svd(ad_node_primitive(node)->name, x, usv))
        return NULL;
    ad_array *s = usv[OUTPUT_S], *inverses = inverse(s, cut_of(s, o->rcond, longer_of(x)));
    return ad_matmul(ad_mul(ad_adjoint(usv[OUTPUT_VH]), ad_expand_dims(inverses, -2)), ad_adjoint(usv[OUTPUT_U]));
}

/* What the formula below lacks where singular values that are not 0 are cut off: kept vectors turn towards those of the
 * others. With M = U^H dA V, and for each pair of which the singular value s is kept and c is not, dP has V (alpha o
 * M^H + beta o M) U^H beside, beta = (c/s) / (s^2 - c^2) and alpha = (c/s) beta; both are 0 for all other pairs. */
struct crossing {
    ad_array *u, *vh, *alpha, *beta;
};

/* Only a limit that users give cuts off more than rounding. */
static bool cuts_values_off(const ad_node *node)
{
    return ((const struct pseudo_inverse *)ad_node_options(node))->rcond > 0;
}

static bool find_crossing(const ad_node *node, struct crossing *c)
{
    const struct pseudo_inverse *o = ad_node_options(node);
    ad_array *x = ad_node_input(node, 0), *usv[3];
    if (!ad_thin_svd(ad_node_primitive(node)->name, x, usv))
        return false;
    ad_array *s = usv[OUTPUT_S], *kept = ad_greater(ad_stop_gradient(s), cut_of(s, o->rcond, longer_of(x)));
    ad_array *crossed = ad_not_equal(ad_expand_dims(kept, -1), ad_expand_dims(kept, -2));
    ad_array *larger = ad_where(crossed, ad_maximum(ad_expand_dims(s, -1), ad_expand_dims(s, -2)), 1);
    ad_array *ratio = ad_div(ad_where(crossed, ad_minimum(ad_expand_dims(s, -1), ad_expand_dims(s, -2)), 0), larger);
    c->u = usv[OUTPUT_U];
    c->vh = usv[OUTPUT_VH];
    c->beta = ad_div(ad_div(ad_div(ratio, larger), larger), ad_mul(ad_sub(1, ratio), ad_add(1, ratio)));
    c->alpha = ad_mul(ratio, c->beta);
    return c->alpha != NULL;
}

/* left (alpha o m^H + beta o m) right */
static ad_array *crossed(const struct crossing *c, ad_array *left, ad_array *m, ad_array *right)
{
    return ad_matmul(ad_matmul(left, ad_add(ad_mul(c->alpha, ad_adjoint(m)), ad_mul(c->beta, m))), right);
}

/* dP = -P dA P + P P^H dA^H (I - A P) + (I - P A) dA^H P^H P, at constant rank (Golub and Pereyra 1973, doi
 * 10.1137/0710036). */
static ad_array *pinv_jvp(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    ad_array *a = ad_node_input(node, 0), *p = ad_node_output(node, 0), *ph = ad_adjoint(p), *th = ad_adjoint(t);
    ad_array *left = ad_matmul(ad_matmul(p, ph), th), *right = ad_matmul(ad_matmul(th, ph), p);
    left = ad_sub(left, ad_matmul(ad_matmul(left, a), p));
    right = ad_sub(right, ad_matmul(ad_matmul(p, a), right));
    ad_array *d = ad_add(ad_sub(left, ad_matmul(ad_matmul(p, t), p)), right);
    if (!cuts_values_off(node))
        return d;
    struct crossing c;
    if (!find_crossing(node, &c))
        return NULL;
    ad_array *uh = ad_adjoint(c.u), *v = ad_adjoint(c.vh);
    return ad_add(d, crossed(&c, v, ad_matmul(ad_matmul(uh, t), v), uh));
}

/* Its transpose. With G the conjugate of g it is -P^H G P^H + (I - A P) G^H P P^H + P^H P G^H (I - P A), conjugated. */
static ad_array *pinv_vjp(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    ad_array *a = ad_node_input(node, 0), *p = ad_node_output(node, 0), *ph = ad_adjoint(p), *gh = ad_matrix_transpose(g);
    ad_array *left = ad_matmul(ad_matmul(gh, p), ph), *right = ad_matmul(ad_matmul(ph, p), gh);
    left = ad_sub(left, ad_matmul(a, ad_matmul(p, left)));
    right = ad_sub(right, ad_matmul(ad_matmul(right, p), a));
    ad_array *d = ad_add(ad_sub(left, ad_matmul(ad_matmul(ph, ad_conjugated(g)), ph)), right);
    if (!cuts_values_off(node))
        return ad_conjugated(d);
    struct crossing c;
    if (!find_crossing(node, &c))
        return NULL;
    return ad_conjugated(ad_add(d, crossed(&c, c.u, ad_matmul(ad_matmul(c.vh, ad_conjugated(g)), c.u), c.vh)));
}

static const ad_primitive pinv_op = {
    .name = "ad_linalg_pinv",
    .infer = pinv_infer,
    .compose = pinv_compose,
    .vjp = pinv_vjp,
    .jvp = pinv_jvp,
    .saves = AD_SAVE_INPUTS | AD_SAVE_OUTPUT,
    .options_size = sizeof(struct pseudo_inverse),
    .fields = pseudo_inverse_fields,
};
AD_OPERATION(pinv_op);

static ad_array *pseudo_inverse(ad_array *x, double rcond)
{
    return x ? ad_call_primitive(&pinv_op, &x, 1, &(struct pseudo_inverse){ rcond }) : NULL;
}

ad_array *ad_linalg_pinv_with(ad_array *x, ad_linalg_rcond_options options)
{
    return ad_given(x, "ad_linalg_pinv", "array") ? pseudo_inverse(ad_matrices("ad_linalg_pinv", x, false), options.rcond) : NULL;
}

/* Residuals have a shape that depends on the rank, so the function looks at it as a program would. Whether columns are
 * independent is an option of the call, which refuses a matrix of which that is not so. */
struct of_rank {
    int64_t columns;
    bool independent;
};

enum { RESIDUALS, RANK }; /* operands */

static ad_array *of_rank_view(const ad_node *node, const ad_spec *output)
{
    (void)output;
    const struct of_rank *o = ad_node_options(node);
    int64_t rank = ad_item_int(ad_node_input(node, RANK));
    if ((rank == o->columns) == o->independent)
        return ad_node_input(node, RESIDUALS);
    return ad_set_error(AD_ERROR_NUMERIC, "ad_linalg_lstsq: a matrix of rank %lld, where the %lld columns were %s", (long long)rank, (long long)o->columns,
                        o->independent ? "independent" : "not independent");
}

static ad_array *of_rank_rule(const ad_node *node, int operand, ad_array *t)
{
    (void)node, (void)operand;
    return t;
}

static const ad_field of_rank_fields[] = { AD_FIELD(struct of_rank, columns, INT64), AD_FIELD(struct of_rank, independent, FLAG), AD_FIELDS_END };
static const ad_primitive of_rank_op = {
    .name = "ad_linalg_of_rank", .infer = ad_same_infer, .view = of_rank_view, .vjp = of_rank_rule, .jvp = of_rank_rule, .parameters = 1u << RANK,
    .options_size = sizeof(struct of_rank), .fields = of_rank_fields,
};
AD_OPERATION(of_rank_op);

/* Sums of squares of what is left, where there is something: more rows than columns, which are independent. */
static ad_array *residuals_of(ad_array *a, ad_array *b, ad_array *x, ad_array *rank)
{
    ad_array *none = ad_zeros(AD_SHAPE(0), .dtype = ad_dtype_real(ad_dtype_of(x)));
    if (ad_dim(a, 0) <= ad_dim(a, 1))
        return none;
    struct of_rank o = { ad_dim(a, 1), ad_item_int(rank) == ad_dim(a, 1) };
    ad_array *left = o.independent ? ad_sub(b, ad_matmul(a, x)) : NULL;
    ad_array *sums = left ? ad_sum(ad_real(ad_mul(ad_conjugated(left), left)), .axis = 0) : none;
    return ad_call_primitive(&of_rank_op, (ad_array *[]){ sums, rank }, 2, &o);
}

ad_tree *ad_linalg_lstsq_with(ad_array *a, ad_array *b, ad_linalg_rcond_options options)
{
    const char *name = "ad_linalg_lstsq";
    ad_array *usv[3];
    if (!ad_both_given(a, b, name) || !(a = ad_matrices(name, a, false)))
        return NULL;
    if (a->ndim != 2 || (b->ndim != 1 && b->ndim != 2) || ad_dims(b)[0] != ad_dims(a)[0])
        return ad_set_error(AD_ERROR_SHAPE, "%s: a matrix of shape %s and right-hand sides of shape %s; they should be (m,n) and (m,) or (m,k)", name,
                            AD_SHAPE_TEXT(a), AD_SHAPE_TEXT(b));
    ad_dtype dtype = ad_dtype_common((ad_array *[]){ a, b }, 2);
    bool vector = b->ndim == 1;
    a = ad_astype(a, dtype);
    b = ad_astype(vector ? ad_expand_dims(b, -1) : b, dtype);
    ad_array *rank = ad_linalg_matrix_rank_with(a, options), *x = ad_matmul(pseudo_inverse(a, options.rcond), b);
    if (!rank || !x || !ad_thin_svd(name, a, usv))
        return NULL;
    ad_array *residuals = residuals_of(a, b, x, rank);
    return ad_tree_of("x", vector ? ad_squeeze(x, .axis = -1) : x, "residuals", residuals, "rank", rank, "s", usv[OUTPUT_S]);
}
