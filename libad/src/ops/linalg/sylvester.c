/* Sylvester's equation A x + x B = q, and the square root of a matrix. The derivative of the root is such an equation:
 * with X X = A, X dX + dX X = dA. So the derivatives of a root divide by sums of eigenvalues, never by gaps between
 * them.
 *
 * The Schur factors are a constant operation of their own. The value of an equation and every derivative of it use the
 * same factors, as in solve.c. */
#include "ops/linalg/linalg.h"
#include <string.h>

/* ---- factors ---- */

static bool schur_infer(const ad_node *node, ad_spec *outputs)
{
    return ad_same_infer(node, &outputs[0]) && ad_same_infer(node, &outputs[1]);
}

static bool schur_eval(const ad_node *node, void *const *outputs)
{
    ad_context *c = ad_current();
    const char *operation = ad_node_options(node), *a = data_of(node, 0);
    ad_dtype dtype = ad_node_dtype(node, 0);
    ad_shape shape = ad_node_shape(node, 0);
    if (!a || !ad_shape_size(shape))
        return a != NULL;
    int64_t n = shape.dim[shape.ndim - 1], bytes = n * n * (int64_t)ad_dtype_size(dtype);
    size_t room = ad_schur_scratch(dtype, n);
    void *scratch = ad_all_finite(node, operation) ? ad_allocate(c, room) : NULL;
    bool done = scratch != NULL;
    for (int64_t i = 0; i < ad_stack_count(&shape, 2) && done; i++)
        done = ad_schur(dtype, n, a + i * bytes, (char *)outputs[0] + i * bytes, (char *)outputs[1] + i * bytes, scratch) == AD_SCHUR_DONE ||
               AD_FAIL(AD_ERROR_NUMERIC, "%s: the eigenvalues of matrix %lld did not converge", operation, (long long)i);
    ad_deallocate(c, scratch, room);
    return done;
}

/* Its options are the name of the function it serves. */
static const ad_primitive schur_op = { .name = "ad_linalg_schur_factors", .infer = schur_infer, .eval = schur_eval, .constant = true, .outputs = 2 };
AD_OPERATION(schur_op);

struct schur_factors {
    ad_array *t, *u;
};

static struct schur_factors schur_factors(const char *operation, ad_array *a)
{
    ad_array *outputs[2] = { NULL, NULL };
    if (a)
        ad_call_primitive_many(&schur_op, &a, 1, operation, outputs);
    return (struct schur_factors){ outputs[0], outputs[1] };
}

/* ---- the equation ---- */

enum { LEFT, LEFT_T, LEFT_U, RIGHT, RIGHT_T, RIGHT_U, SUM };

struct equation {
    bool transposed; /* A^T x + x B^T = q */
    bool of_root;    /* for the derivative of a root; errors then speak of the root */
};

static const ad_field equation_fields[] = { AD_FIELD(struct equation, transposed, FLAG), AD_FIELD(struct equation, of_root, FLAG), AD_FIELDS_END };

static bool equation_infer(const ad_node *node, ad_spec *output)
{
    ad_shape a = ad_node_shape(node, LEFT), b = ad_node_shape(node, RIGHT), q = ad_node_shape(node, SUM), all = q;
    ad_shape_buffer texts[3];
    const char *of_a = ad_shape_text(texts[0].text, sizeof texts[0], a.ndim, a.dim), *of_b = ad_shape_text(texts[1].text, sizeof texts[1], b.ndim, b.dim),
               *of_q = ad_shape_text(texts[2].text, sizeof texts[2], q.ndim, q.dim);
    struct matrix_size size = ad_matrix_size(node, SUM);
    if (a.dim[a.ndim - 1] != size.rows || b.dim[b.ndim - 1] != size.columns)
        return AD_REFUSE(node, AD_ERROR_SHAPE, "shapes %s, %s and %s; they should be (m,m), (n,n) and (m,n)", of_a, of_b, of_q);
    a.ndim -= 2;
    b.ndim -= 2;
    all.ndim -= 2;
    if (!ad_shape_broadcast(&all, &a) || !ad_shape_broadcast(&all, &b))
        return AD_REFUSE(node, AD_ERROR_SHAPE, "stacks of shapes %s, %s and %s do not broadcast", of_a, of_b, of_q);
    all.ndim += 2;
    *output = (ad_spec){ ad_node_dtype(node, SUM), ad_stack_shape(all, size.rows, size.columns) };
    return true;
}

static bool is_solved(const struct equation *o, ad_schur_outcome outcome, int64_t i)
{
    if (outcome == AD_SCHUR_DONE)
        return true;
    if (o->of_root)
        return AD_FAIL(AD_ERROR_NUMERIC, "ad_linalg_sqrtm: matrix %lld is singular: its root has no finite derivative", (long long)i);
    return AD_FAIL(AD_ERROR_NUMERIC, "ad_linalg_solve_sylvester: equation %lld is singular: a and -b have an eigenvalue in common", (long long)i);
}

/* The matrix of an operand at place i of all. */
static const char *matrix_at(const ad_node *node, int operand, const char *data, const ad_shape *all, int64_t i)
{
    const ad_array *x = ad_node_input(node, operand);
    struct matrix_size size = ad_matrix_size(node, operand);
    return data + ad_stack_place(x, 2, all, i) * size.rows * size.columns * (int64_t)ad_dtype_size(ad_node_dtype(node, operand));
}

static bool equation_eval(const ad_node *node, void *const *outputs)
{
    ad_context *c = ad_current();
    const struct equation *o = ad_node_options(node);
    const char *ta = data_of(node, LEFT_T), *ua = data_of(node, LEFT_U), *tb = data_of(node, RIGHT_T), *ub = data_of(node, RIGHT_U), *q = data_of(node, SUM);
    const ad_spec *output = ad_output_spec(node, 0);
    const ad_shape *all = &output->shape;
    if (!ta || !ua || !tb || !ub || !q)
        return false;
    int64_t m = all->dim[all->ndim - 2], n = all->dim[all->ndim - 1], bytes = m * n * (int64_t)ad_dtype_size(output->dtype);
    if (!ad_shape_size(*all))
        return true;
    size_t room = ad_sylvester_scratch(output->dtype, m, n);
    void *scratch = ad_allocate(c, room);
    bool done = scratch != NULL;
    for (int64_t i = 0; i < ad_stack_count(all, 2) && done; i++) {
        char *x = (char *)outputs[0] + i * bytes;
        memcpy(x, matrix_at(node, SUM, q, all, i), (size_t)bytes);
        done = is_solved(o,
                         ad_sylvester(output->dtype, o->transposed, m, n, matrix_at(node, LEFT_T, ta, all, i), matrix_at(node, LEFT_U, ua, all, i),
                                      matrix_at(node, RIGHT_T, tb, all, i), matrix_at(node, RIGHT_U, ub, all, i), x, scratch),
                         i);
    }
    ad_deallocate(c, scratch, room);
    return done;
}

/* The same equation with another q. */
static ad_array *again(const ad_node *node, ad_array *q, bool transposed)
{
    struct equation o = *(const struct equation *)ad_node_options(node);
    ad_array *operands[SUM + 1];
    for (int i = 0; i < SUM; i++)
        operands[i] = ad_node_input(node, i);
    operands[SUM] = q;
    o.transposed = transposed;
    return ad_call_primitive(ad_node_primitive(node), operands, SUM + 1, &o);
}

/* The cotangent of q is the h of A^T h + h B^T = g. The others follow from it: -h x^T and -x^T h. */
static bool equation_pull(const ad_node *node, ad_array *const *g, unsigned wanted, ad_array **cotangents)
{
    const struct equation *o = ad_node_options(node);
    ad_array *x = ad_node_output(node, 0), *h = again(node, g[0], !o->transposed);
    if (!h)
        return false;
    ad_array *xt = ad_matrix_transpose(x), *ht = ad_matrix_transpose(h);
    if (wanted >> LEFT & 1)
        cotangents[LEFT] = ad_neg(o->transposed ? ad_matmul(x, ht) : ad_matmul(h, xt));
    if (wanted >> RIGHT & 1)
        cotangents[RIGHT] = ad_neg(o->transposed ? ad_matmul(ht, x) : ad_matmul(xt, h));
    cotangents[SUM] = h;
    return (!(wanted >> LEFT & 1) || cotangents[LEFT]) && (!(wanted >> RIGHT & 1) || cotangents[RIGHT]);
}

static ad_array *equation_jvp(const ad_node *node, int operand, ad_array *t)
{
    const struct equation *o = ad_node_options(node);
    ad_array *x = ad_node_output(node, 0), *turned = operand != SUM && o->transposed ? ad_matrix_transpose(t) : t;
    if (operand == LEFT)
        t = ad_neg(ad_matmul(turned, x));
    if (operand == RIGHT)
        t = ad_neg(ad_matmul(x, turned));
    return again(node, t, o->transposed);
}

static const ad_primitive equation_op = {
    .name = "ad_linalg_solve_sylvester",
    .infer = equation_infer,
    .eval = equation_eval,
    .pull = equation_pull,
    .jvp = equation_jvp,
    .saves = (AD_SAVE_INPUTS & ~AD_SAVE_INPUT(SUM)) | AD_SAVE_OUTPUT,
    .parameters = 1u << LEFT_T | 1u << LEFT_U | 1u << RIGHT_T | 1u << RIGHT_U,
    .options_size = sizeof(struct equation),
    .fields = equation_fields,
};
AD_OPERATION(equation_op);

/* One factorization serves both sides if they are the same array. */
static ad_array *solve(ad_array *a, ad_array *b, ad_array *q, struct equation o)
{
    const char *name = o.of_root ? "ad_linalg_sqrtm" : equation_op.name;
    struct schur_factors of_a = schur_factors(name, a), of_b = a == b ? of_a : schur_factors(name, b);
    ad_array *operands[] = { a, of_a.t, of_a.u, b, of_b.t, of_b.u, q };
    return of_a.t && of_b.t && q ? ad_call_primitive(&equation_op, operands, SUM + 1, &o) : NULL;
}

ad_array *(ad_linalg_solve_sylvester)(ad_array *a, ad_array *b, ad_array *q)
{
    const char *name = equation_op.name;
    bool same = a == b;
    if (!ad_both_given(a, b, name) || !ad_given(q, name, "q") || !(a = ad_matrices(name, a, true)) || !(b = ad_matrices(name, b, true)) ||
        !(q = ad_matrices(name, q, false)))
        return NULL;
    ad_dtype dtype = ad_dtype_common((ad_array *[]){ a, b, q }, 3);
    a = ad_astype(a, dtype);
    b = same ? a : ad_astype(b, dtype);
    q = ad_astype(q, dtype);
    return a && b && q ? solve(a, b, q, (struct equation){ false, false }) : NULL;
}

/* ---- square roots ---- */

/* The y of x y + y x = q, or of x^T y + y x^T = q: the tangent of a root x, and its transpose. */
static ad_array *root_equation(ad_array *x, ad_array *q, bool transposed)
{
    return x && q ? solve(x, x, q, (struct equation){ transposed, true }) : NULL;
}

static bool is_root(ad_schur_outcome outcome, int64_t i)
{
    switch (outcome) {
    case AD_SCHUR_DONE: return true;
    case AD_SCHUR_NEGATIVE:
        return AD_FAIL(AD_ERROR_NUMERIC, "ad_linalg_sqrtm: matrix %lld has a negative eigenvalue: its root is complex, so the array should be complex",
                       (long long)i);
    case AD_SCHUR_NOT_CONVERGED: return AD_FAIL(AD_ERROR_NUMERIC, "ad_linalg_sqrtm: the eigenvalues of matrix %lld did not converge", (long long)i);
    default: return AD_FAIL(AD_ERROR_NUMERIC, "ad_linalg_sqrtm: matrix %lld is singular and has no root", (long long)i);
    }
}

static bool root_eval(const ad_node *node, void *const *outputs)
{
    ad_context *c = ad_current();
    const char *a = data_of(node, 0);
    ad_dtype dtype = ad_node_dtype(node, 0);
    ad_shape shape = ad_node_shape(node, 0);
    if (!a || !ad_shape_size(shape))
        return a != NULL;
    int64_t n = shape.dim[shape.ndim - 1], bytes = n * n * (int64_t)ad_dtype_size(dtype);
    size_t room = ad_root_scratch(dtype, n);
    void *scratch = ad_all_finite(node, ad_node_primitive(node)->name) ? ad_allocate(c, room) : NULL;
    bool done = scratch != NULL;
    for (int64_t i = 0; i < ad_stack_count(&shape, 2) && done; i++)
        done = is_root(ad_root(dtype, n, a + i * bytes, (char *)outputs[0] + i * bytes, scratch), i);
    ad_deallocate(c, scratch, room);
    return done;
}

static ad_array *root_vjp(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    return root_equation(ad_node_output(node, 0), g, true);
}

static ad_array *root_jvp(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    return root_equation(ad_node_output(node, 0), t, false);
}

static const ad_primitive root_op = {
    .name = "ad_linalg_sqrtm",
    .infer = ad_same_infer,
    .eval = root_eval,
    .vjp = root_vjp,
    .jvp = root_jvp,
    .saves = AD_SAVE_OUTPUT,
};
AD_OPERATION(root_op);

ad_array *(ad_linalg_sqrtm)(ad_array *a)
{
    if (!ad_given(a, "ad_linalg_sqrtm", "array") || !(a = ad_matrices("ad_linalg_sqrtm", a, true)))
        return NULL;
    return ad_call_primitive(&root_op, &a, 1, NULL);
}
