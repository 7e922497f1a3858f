/* LU factors with exchanges of rows, as in SciPy, and what they solve. solve.c has factors of its own, which it need
 * not transpose.
 *
 * P^T A = L U, with both factors in one matrix. Which rows are exchanged is a constant. Let M be L, made square by
 * columns of the identity, C = M^-1 P^T dA, and S the part of M^-1 dM that is not 0, which has r = min(m - 1, n)
 * columns. Then C = S U + dU. So S is the strict lower part of C U_r^-1, with U_r the first r rows and columns of U; dU
 * is the upper part of C - S U; and dL = M S. Nothing is divided by the last pivot of a square matrix. Nothing is
 * conjugated: the reverse rule is the plain transpose. */
#include "ops/linalg/linalg.h"
#include <string.h>

/* ---- exchanges of rows ---- */

struct exchange {
    bool back; /* P x; otherwise P^T x */
};

static const ad_field exchange_fields[] = { AD_FIELD(struct exchange, back, FLAG), AD_FIELDS_END };

static bool exchange_infer(const ad_node *node, ad_spec *output)
{
    ad_shape x = ad_node_shape(node, 0), p = ad_node_shape(node, 1), all = x, leading = p;
    all.ndim -= 2;
    leading.ndim--;
    ad_shape_buffer texts[2];
    const char *of_x = ad_shape_text(texts[0].text, sizeof texts[0], x.ndim, x.dim), *of_p = ad_shape_text(texts[1].text, sizeof texts[1], p.ndim, p.dim);
    if (p.dim[p.ndim - 1] > x.dim[x.ndim - 2])
        return AD_REFUSE(node, AD_ERROR_SHAPE, "%lld pivots for the %lld rows of matrices of shape %s", (long long)p.dim[p.ndim - 1],
                         (long long)x.dim[x.ndim - 2], of_x);
    if (!ad_shape_broadcast(&all, &leading))
        return AD_REFUSE(node, AD_ERROR_SHAPE, "stacks of shapes %s and %s do not broadcast", of_x, of_p);
    all.ndim += 2;
    *output = (ad_spec){ ad_node_dtype(node, 0), ad_stack_shape(all, x.dim[x.ndim - 2], x.dim[x.ndim - 1]) };
    return true;
}

static bool exchange_eval(const ad_node *node, void *const *outputs)
{
    const struct exchange *o = ad_node_options(node);
    const ad_array *x = ad_node_input(node, 0), *p = ad_node_input(node, 1);
    const char *from = data_of(node, 0);
    const int64_t *pivots = data_of(node, 1);
    const ad_spec *output = ad_output_spec(node, 0);
    if (!from || !pivots)
        return false;
    struct matrix_size size = ad_matrix_size(node, 0);
    int64_t row = size.columns * (int64_t)ad_dtype_size(output->dtype), bytes = size.rows * row, count = ad_dims(p)[p->ndim - 1];
    for (int64_t i = 0; i < ad_stack_count(&output->shape, 2) && bytes; i++) {
        char *to = (char *)outputs[0] + i * bytes;
        const int64_t *own = pivots + ad_stack_place(p, 1, &output->shape, i) * count;
        memcpy(to, from + ad_stack_place(x, 2, &output->shape, i) * bytes, (size_t)bytes);
        int64_t bad = ad_exchange_rows((size_t)row, o->back, size.rows, count, own, to);
        if (bad)
            return AD_REFUSE(node, AD_ERROR_VALUE, "pivot %lld is %lld; there are %lld rows", (long long)bad - 1, (long long)own[bad - 1],
                             (long long)size.rows);
    }
    return true;
}

static ad_array *exchange_rows(ad_array *x, ad_array *pivots, bool back);

static ad_array *exchange_vjp(const ad_node *node, int operand, ad_array *g)
{
    const struct exchange *o = ad_node_options(node);
    return operand == 0 ? exchange_rows(g, ad_node_input(node, 1), !o->back) : NULL;
}

static const ad_primitive exchange_op = {
    .name = "ad_linalg_exchange_rows",
    .infer = exchange_infer,
    .eval = exchange_eval,
    .vjp = exchange_vjp,
    .linear = AD_LINEAR,
    .parameters = 1u << 1,
    .saves = AD_SAVE_INPUT(1),
    .options_size = sizeof(struct exchange),
    .fields = exchange_fields,
};
AD_OPERATION(exchange_op);

/* pivots are as ad_linalg_lu_factor gives them, (..., k). */
static ad_array *exchange_rows(ad_array *x, ad_array *pivots, bool back)
{
    pivots = ad_astype(pivots, AD_I64);
    return x && pivots ? ad_call_primitive(&exchange_op, (ad_array *[]){ x, pivots }, 2, &(struct exchange){ back }) : NULL;
}

/* ---- factors ---- */

enum { OUTPUT_LU, OUTPUT_PIVOTS };

static bool lu_infer(const ad_node *node, ad_spec *outputs)
{
    struct matrix_size size = ad_matrix_size(node, 0);
    ad_shape shape = ad_node_shape(node, 0);
    outputs[OUTPUT_LU] = (ad_spec){ ad_node_dtype(node, 0), shape };
    shape.ndim--;
    shape.dim[shape.ndim - 1] = size.rows < size.columns ? size.rows : size.columns;
    outputs[OUTPUT_PIVOTS] = (ad_spec){ AD_I32, shape };
    return true;
}

static bool lu_eval(const ad_node *node, void *const *outputs)
{
    ad_context *c = ad_current();
    ad_dtype dtype = ad_node_dtype(node, 0);
    ad_shape shape = ad_node_shape(node, 0);
    struct matrix_size size = ad_matrix_size(node, 0);
    int64_t m = size.rows, n = size.columns, k = m < n ? m : n, bytes = m * n * (int64_t)ad_dtype_size(dtype);
    const char *a = data_of(node, 0);
    if (!a || !ad_shape_size(shape))
        return a != NULL;
    void *scratch = ad_all_finite(node, ad_node_primitive(node)->name) ? ad_allocate(c, (size_t)bytes) : NULL;
    for (int64_t i = 0; i < ad_stack_count(&shape, 2) && scratch; i++)
        ad_lu_by_rows(dtype, m, n, a + i * bytes, (char *)outputs[OUTPUT_LU] + i * bytes, (int32_t *)outputs[OUTPUT_PIVOTS] + i * k, scratch);
    ad_deallocate(c, scratch, (size_t)bytes);
    return scratch != NULL;
}

/* The rows, or columns, from `start` on. */
static ad_array *rows_of(ad_array *x, int64_t start, int64_t count)
{
    return x ? ad_slice_of(x, x->ndim - 2, start, count, 1, true) : NULL;
}

static ad_array *columns_of(ad_array *x, int64_t count)
{
    return x ? ad_slice_of(x, x->ndim - 1, 0, count, 1, true) : NULL;
}

/* The factors in the form that both rules need. */
struct factors {
    int64_t m, n, k, r;
    ad_array *pivots;
    ad_array *top;    /* (k, k), the first rows of L, with L1 below its diagonal */
    ad_array *strict; /* (m, k), L without its diagonal */
    ad_array *upper;  /* (r, n), the first rows of U */
    ad_array *square; /* (r, r), with U_r in its upper triangle */
};

static struct factors factors_of(const ad_node *node)
{
    struct matrix_size size = ad_matrix_size(node, 0);
    struct factors f = { .m = size.rows, .n = size.columns };
    ad_array *lu = ad_node_output(node, OUTPUT_LU);
    f.k = f.m < f.n ? f.m : f.n;
    f.r = f.n < f.m ? f.n : f.m ? f.m - 1 : 0;
    f.pivots = ad_node_output(node, OUTPUT_PIVOTS);
    f.strict = ad_tril(columns_of(lu, f.k), .k = -1);
    f.top = rows_of(columns_of(lu, f.k), 0, f.k);
    f.upper = rows_of(ad_triu(lu), 0, f.r);
    f.square = rows_of(columns_of(lu, f.r), 0, f.r);
    return f;
}

/* x with its first k rows as `first`, and the others plus or minus a change. */
static ad_array *with_rest(const struct factors *f, ad_array *first, ad_array *rest)
{
    return f->m == f->k ? first : ad_concatenate(ad_list_of(first, rest), .axis = -2);
}

/* M^-1 x, M = [L1 0; L2 1]. */
static ad_array *over_lower(const struct factors *f, ad_array *x)
{
    ad_array *first = AD_TRIANGULAR(f->top, rows_of(x, 0, f->k), .lower = true, .unit_diagonal = true);
    if (f->m == f->k)
        return first;
    ad_array *below = rows_of(f->strict, f->k, f->m - f->k);
    return with_rest(f, first, ad_sub(rows_of(x, f->k, f->m - f->k), ad_matmul(below, first)));
}

/* M^-T x. */
static ad_array *over_lower_transposed(const struct factors *f, ad_array *x)
{
    ad_array *first = rows_of(x, 0, f->k), *rest = f->m == f->k ? NULL : rows_of(x, f->k, f->m - f->k);
    if (rest)
        first = ad_sub(first, ad_matmul(ad_matrix_transpose(rows_of(f->strict, f->k, f->m - f->k)), rest));
    return with_rest(f, AD_TRIANGULAR(f->top, first, .lower = true, .unit_diagonal = true, .trans = 1), rest);
}

/* M x. */
static ad_array *times_lower(const struct factors *f, ad_array *x)
{
    return ad_add(x, ad_matmul(f->strict, rows_of(x, 0, f->k)));
}

/* M^T x. */
static ad_array *times_lower_transposed(const struct factors *f, ad_array *x)
{
    ad_array *first = ad_add(rows_of(x, 0, f->k), ad_matmul(ad_matrix_transpose(f->strict), x));
    return with_rest(f, first, f->m == f->k ? NULL : rows_of(x, f->k, f->m - f->k));
}

/* x U_r^-1, or x U_r^-T. */
static ad_array *over_upper(const struct factors *f, ad_array *x, bool transposed)
{
    return ad_matrix_transpose(AD_TRIANGULAR(f->square, ad_matrix_transpose(x), .trans = transposed ? 0 : 1));
}

/* The r columns of x as the first of n columns. The others are 0. */
static ad_array *widened(const struct factors *f, ad_array *x)
{
    if (!x || f->r == f->n)
        return x;
    ad_array *zeros = ad_zeros(ad_stack_shape(ad_shape_of(x), f->m, f->n - f->r), .dtype = ad_dtype_of(x));
    return ad_concatenate(ad_list_of(x, zeros), .axis = -1);
}

static ad_array *lu_vjp(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    struct factors f = factors_of(node);
    ad_array *of_l = ad_tril(columns_of(g, f.r), .k = -1), *of_u = ad_triu(g);
    ad_array *of_s = ad_sub(times_lower_transposed(&f, of_l), ad_matmul(of_u, ad_matrix_transpose(f.upper)));
    ad_array *of_c = ad_add(of_u, widened(&f, over_upper(&f, ad_tril(of_s, .k = -1), true)));
    return exchange_rows(over_lower_transposed(&f, of_c), f.pivots, true);
}

static ad_array *lu_jvp(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    if (ad_node_target(node) == OUTPUT_PIVOTS)
        return NULL;
    struct factors f = factors_of(node);
    ad_array *c = over_lower(&f, exchange_rows(t, f.pivots, false));
    ad_array *s = ad_tril(over_upper(&f, columns_of(c, f.r), false), .k = -1);
    ad_array *upper = ad_triu(ad_sub(c, ad_matmul(s, f.upper)));
    return ad_add(upper, widened(&f, ad_tril(times_lower(&f, s), .k = -1)));
}

static const ad_primitive lu_op = {
    .name = "ad_linalg_lu_factor",
    .infer = lu_infer,
    .eval = lu_eval,
    .vjp = lu_vjp,
    .jvp = lu_jvp,
    .saves = AD_SAVE_OUTPUT,
    .outputs = 2,
};
AD_OPERATION(lu_op);

static bool factorize(const char *operation, ad_array *a, bool square, ad_array *outputs[2])
{
    if (!ad_given(a, operation, "array") || !(a = ad_matrices(operation, a, square)))
        return false;
    return ad_call_primitive_many(&lu_op, &a, 1, NULL, outputs);
}

/* ---- L with its diagonal, and the matrix of the exchanges ---- */

static bool unit_lower_infer(const ad_node *node, ad_spec *output)
{
    struct matrix_size size = ad_matrix_size(node, 0);
    int64_t k = size.rows < size.columns ? size.rows : size.columns;
    *output = (ad_spec){ ad_node_dtype(node, 0), ad_stack_shape(ad_node_shape(node, 0), size.rows, k) };
    return true;
}

static bool unit_lower_eval(const ad_node *node, void *const *outputs)
{
    const ad_spec *output = ad_output_spec(node, 0);
    struct matrix_size size = ad_matrix_size(node, 0);
    int64_t item = (int64_t)ad_dtype_size(output->dtype), k = output->shape.dim[output->shape.ndim - 1];
    const char *lu = data_of(node, 0);
    for (int64_t i = 0; i < ad_stack_count(&output->shape, 2) && lu; i++)
        ad_unit_lower(output->dtype, size.rows, k, size.columns, lu + i * size.rows * size.columns * item, (char *)outputs[0] + i * size.rows * k * item);
    return lu != NULL;
}

static ad_array *unit_lower_vjp(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    struct factors f = { .m = ad_matrix_size(node, 0).rows, .n = ad_matrix_size(node, 0).columns };
    f.r = f.m < f.n ? f.m : f.n;
    return widened(&f, ad_tril(g, .k = -1));
}

static ad_array *unit_lower_jvp(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    struct matrix_size size = ad_matrix_size(node, 0);
    return ad_tril(columns_of(t, size.rows < size.columns ? size.rows : size.columns), .k = -1);
}

static const ad_primitive unit_lower_op = {
    .name = "ad_linalg_unit_lower", .infer = unit_lower_infer, .eval = unit_lower_eval, .vjp = unit_lower_vjp, .jvp = unit_lower_jvp,
};
AD_OPERATION(unit_lower_op);

struct permutation {
    int64_t rows;
    ad_dtype dtype;
};

static const ad_field permutation_fields[] = { AD_FIELD(struct permutation, rows, INT64), AD_FIELD(struct permutation, dtype, DTYPE), AD_FIELDS_END };

static bool permutation_infer(const ad_node *node, ad_spec *output)
{
    const struct permutation *o = ad_node_options(node);
    ad_shape shape = ad_node_shape(node, 0);
    shape.ndim++;
    *output = (ad_spec){ o->dtype, ad_stack_shape(shape, o->rows, o->rows) };
    return true;
}

/* P, of which row i has its 1 where the exchanges, one after the other from the last, bring row i from. */
static bool permutation_eval(const ad_node *node, void *const *outputs)
{
    AD_SCRATCH room = { 0 };
    const struct permutation *o = ad_node_options(node);
    const ad_spec *output = ad_output_spec(node, 0);
    ad_shape shape = ad_node_shape(node, 0);
    int64_t count = shape.dim[shape.ndim - 1], bytes = o->rows * o->rows * (int64_t)ad_dtype_size(o->dtype);
    const int32_t *pivots = data_of(node, 0);
    int64_t *places = pivots ? ad_scratch_take(ad_current(), &room, (int)o->rows, sizeof *places) : NULL;
    for (int64_t i = 0; i < ad_stack_count(&output->shape, 2) && places && o->rows; i++) {
        ad_fill_integers(o->rows, 0, 1, places);
        for (int64_t k = count - 1; k >= 0; k--) {
            int64_t other = pivots[i * count + k], kept = places[k];
            places[k] = places[other];
            places[other] = kept;
        }
        ad_fill_ones_at(o->dtype, o->rows, o->rows, places, (char *)outputs[0] + i * bytes);
    }
    return places != NULL;
}

/* Of the pivots that the factors came with. */
static const ad_primitive permutation_op = {
    .name = "ad_linalg_permutation",
    .infer = permutation_infer,
    .eval = permutation_eval,
    .constant = true,
    .options_size = sizeof(struct permutation),
    .fields = permutation_fields,
};
AD_OPERATION(permutation_op);

/* ---- public ---- */

ad_tree *(ad_linalg_lu_factor)(ad_array *a)
{
    ad_array *outputs[2];
    return factorize("ad_linalg_lu_factor", a, false, outputs) ? ad_tree_of("lu", outputs[OUTPUT_LU], "piv", outputs[OUTPUT_PIVOTS]) : NULL;
}

ad_tree *ad_linalg_lu_with(ad_array *a, ad_linalg_lu_options options)
{
    ad_array *outputs[2];
    if (!factorize("ad_linalg_lu", a, false, outputs))
        return NULL;
    ad_array *lu = outputs[OUTPUT_LU];
    int64_t m = ad_dim(lu, -2), n = ad_dim(lu, -1);
    ad_array *l = ad_call_primitive(&unit_lower_op, &lu, 1, NULL), *u = ad_triu(rows_of(lu, 0, m < n ? m : n));
    if (options.permute_l)
        return ad_tree_of("PL", exchange_rows(l, outputs[OUTPUT_PIVOTS], true), "U", u);
    struct permutation o = { m, ad_dtype_real(ad_dtype_of(lu)) };
    return ad_tree_of("P", ad_call_primitive(&permutation_op, &outputs[OUTPUT_PIVOTS], 1, &o), "L", l, "U", u);
}

/* A = P L U: the factors of A^T are U^T, then L^T, then P^T. */
static ad_array *solve(ad_array *lu, ad_array *pivots, ad_array *b, int trans)
{
    if (trans == 0) {
        ad_array *half = AD_TRIANGULAR(lu, exchange_rows(b, pivots, false), .lower = true, .unit_diagonal = true);
        return AD_TRIANGULAR(lu, half);
    }
    ad_array *half = AD_TRIANGULAR(lu, b, .trans = trans);
    return exchange_rows(AD_TRIANGULAR(lu, half, .lower = true, .unit_diagonal = true, .trans = trans), pivots, true);
}

ad_array *ad_linalg_lu_solve_with(ad_array *lu, ad_array *piv, ad_array *b, ad_linalg_lu_solve_options options)
{
    const char *name = "ad_linalg_lu_solve";
    bool vector = false;
    if (!ad_both_given(lu, b, name) || !ad_given(piv, name, "piv") || !(lu = ad_matrices(name, lu, true)) ||
        !(b = ad_right_sides(name, lu, b, &vector)))
        return NULL;
    if (ad_dtype_is_inexact((ad_dtype)piv->dtype) || piv->ndim == 0 || ad_dim(piv, -1) != ad_dim(lu, -1))
        return ad_set_error(AD_ERROR_VALUE, "%s: pivots of shape %s and dtype %s for matrices of shape %s; they should be whole numbers, one for each row",
                            name, AD_SHAPE_TEXT(piv), ad_dtype_name((ad_dtype)piv->dtype), AD_SHAPE_TEXT(lu));
    if (options.trans < 0 || options.trans > 2)
        return ad_set_error(AD_ERROR_VALUE, "%s: .trans is %d; it should be 0, 1 (transpose) or 2 (conjugate transpose)", name, options.trans);
    ad_array *x = solve(lu, piv, ad_finite(name, "b", b, AD_WHOLE), options.trans);
    return vector ? ad_squeeze(x, .axis = -1) : x;
}
