/* Linear systems, inverses and determinants, through one LU factorization.
 *
 * The factors are a constant operation of their own. What depends on the matrix takes it and its factors as operands.
 * The value and every derivative of it use the same factors, at any order. */
#include "ad/transform.h"
#include "ops/linalg/linalg.h"
#include <string.h>

/* ---- factors ---- */

enum { MATRIX, FACTORS, PIVOTS, RIGHT };

static bool lu_infer(const ad_node *node, ad_spec *outputs)
{
    outputs[0] = (ad_spec){ ad_node_dtype(node, 0), ad_node_shape(node, 0) };
    outputs[1] = (ad_spec){ AD_I32, ad_node_shape(node, 0) };
    outputs[1].shape.ndim--;
    return true;
}

static bool lu_eval(const ad_node *node, void *const *outputs)
{
    const ad_array *a = ad_node_input(node, 0);
    const void *data = data_of(node, 0);
    int64_t n = ad_matrix_size(node, 0).rows, item = (int64_t)ad_dtype_size((ad_dtype)a->dtype);
    if (!data || !a->size)
        return data != NULL;
    memcpy(outputs[0], data, (size_t)(a->size * item));
    for (int64_t i = 0; i < a->size / (n * n); i++)
        ad_lu_factor((ad_dtype)a->dtype, n, (char *)outputs[0] + i * n * n * item, (int32_t *)outputs[1] + i * n);
    return true;
}

static const ad_primitive lu_op = { .name = "ad_linalg_lu_factors", .infer = lu_infer, .eval = lu_eval, .constant = true, .outputs = 2 };
AD_OPERATION(lu_op);

struct lu_factors ad_lu_factors(ad_array *a)
{
    ad_array *outputs[2] = { NULL, NULL };
    if (a)
        ad_call_primitive_many(&lu_op, &a, 1, NULL, outputs);
    return (struct lu_factors){ outputs[0], outputs[1] };
}

static bool is_regular(const ad_node *node, const char *lu, int64_t matrix)
{
    int64_t pivot = ad_zero_on_diagonal(ad_node_dtype(node, MATRIX), ad_matrix_size(node, MATRIX).rows, lu) - 1;
    return pivot < 0 ||
           AD_REFUSE(node, AD_ERROR_NUMERIC, "matrix %lld is singular: pivot %lld is 0", (long long)matrix, (long long)pivot);
}

/* ---- A x = b ---- */

struct solving {
    bool transposed; /* A^T x = b */
};

static const ad_field solving_fields[] = { AD_FIELD(struct solving, transposed, FLAG), AD_FIELDS_END };

static bool solve_infer(const ad_node *node, ad_spec *output)
{
    return ad_system_infer(node, MATRIX, RIGHT, output);
}

static bool solve_eval(const ad_node *node, void *const *outputs)
{
    const struct solving *o = ad_node_options(node);
    const ad_array *a = ad_node_input(node, FACTORS), *b = ad_node_input(node, RIGHT);
    const char *lu = data_of(node, FACTORS), *right = data_of(node, RIGHT);
    const int32_t *pivots = data_of(node, PIVOTS);
    if (!lu || !right || !pivots)
        return false;
    ad_dtype dtype = (ad_dtype)b->dtype;
    const ad_spec *output = ad_output_spec(node, 0);
    struct matrix_size size = ad_matrix_size(node, RIGHT);
    int64_t n = size.rows, k = size.columns, item = (int64_t)ad_dtype_size(dtype), count = ad_stack_count(&output->shape, 2);
    for (int64_t i = 0; i < count && n; i++) {
        int64_t at = ad_stack_place(a, 2, &output->shape, i), from = ad_stack_place(b, 2, &output->shape, i);
        char *x = (char *)outputs[0] + i * n * k * item;
        if (!is_regular(node, lu + at * n * n * item, at))
            return false;
        memcpy(x, right + from * n * k * item, (size_t)(n * k * item));
        if (k)
            ad_lu_solve(dtype, o->transposed, n, k, lu + at * n * n * item, pivots + at * n, x);
    }
    return true;
}

static ad_array *solve(const ad_node *node, ad_array *b, bool transposed);

/* The cotangent of b is A^-T g. That of A follows from it: -(A^-T g) x^T. */
static bool solve_pull(const ad_node *node, ad_array *const *g, unsigned wanted, ad_array **cotangents)
{
    const struct solving *o = ad_node_options(node);
    ad_array *right = solve(node, g[0], !o->transposed), *x = ad_node_output(node, 0);
    if (wanted >> MATRIX & 1)
        cotangents[MATRIX] = ad_neg(o->transposed ? ad_matmul(x, ad_matrix_transpose(right)) : ad_matmul(right, ad_matrix_transpose(x)));
    cotangents[RIGHT] = right;
    return right && (!(wanted >> MATRIX & 1) || cotangents[MATRIX]);
}

static ad_array *solve_jvp(const ad_node *node, int operand, ad_array *t)
{
    const struct solving *o = ad_node_options(node);
    if (operand == MATRIX)
        t = ad_neg(ad_matmul(o->transposed ? ad_matrix_transpose(t) : t, ad_node_output(node, 0)));
    return solve(node, t, o->transposed);
}

static const ad_primitive solve_op = {
    .name = "ad_linalg_solve",
    .infer = solve_infer,
    .eval = solve_eval,
    .pull = solve_pull,
    .jvp = solve_jvp,
    .saves = AD_SAVE_INPUT(MATRIX) | AD_SAVE_INPUT(FACTORS) | AD_SAVE_INPUT(PIVOTS) | AD_SAVE_OUTPUT,
    .parameters = 1u << FACTORS | 1u << PIVOTS,
    .options_size = sizeof(struct solving),
    .fields = solving_fields,
};
AD_OPERATION(solve_op);

static ad_array *solve(const ad_node *node, ad_array *b, bool transposed)
{
    ad_array *operands[] = { ad_node_input(node, MATRIX), ad_node_input(node, FACTORS), ad_node_input(node, PIVOTS), b };
    return ad_call_primitive(&solve_op, operands, 4, &(struct solving){ transposed });
}

/* Solves with the L of A = L L^H. */
static ad_array *solve_positive(ad_array *a, ad_array *b)
{
    ad_array *l = ad_linalg_cholesky(a);
    return AD_TRIANGULAR(l, AD_TRIANGULAR(l, b, .lower = true), .lower = true, .trans = 2);
}

ad_array *ad_linalg_solve_with(ad_array *a, ad_array *b, ad_linalg_solve_options options)
{
    const char *kind = options.assume_a ? options.assume_a : "gen";
    bool vector = false, positive = strcmp(kind, "pos") == 0, hermitian = strcmp(kind, "her") == 0;
    const char *name = solve_op.name;
    if (!ad_both_given(a, b, name) || !(a = ad_matrices(name, a, true)) || !(b = ad_right_sides(name, a, b, &vector)))
        return NULL;
    if (!positive && !hermitian && strcmp(kind, "gen") != 0)
        return ad_set_error(AD_ERROR_VALUE, "%s: .assume_a is \"%s\"; it should be \"gen\", \"her\" or \"pos\"", name, kind);
    ad_dtype dtype = ad_dtype_common((ad_array *[]){ a, b }, 2);
    a = ad_astype(a, dtype);
    b = ad_astype(b, dtype);
    if (hermitian || positive) {
        a = ad_finite(name, "a", a, AD_LOWER);
        b = ad_finite(name, "b", b, AD_WHOLE);
    }
    if (hermitian)
        a = a ? ad_hermitian(name, a, NULL) : NULL;
    struct lu_factors f = positive ? (struct lu_factors){ NULL, NULL } : ad_lu_factors(a);
    ad_array *operands[] = { a, f.lu, f.pivots, b };
    ad_array *x = positive ? a && b ? solve_positive(a, b) : NULL : f.lu && b ? ad_call_primitive(&solve_op, operands, 4, &(struct solving){ false }) : NULL;
    return vector ? ad_squeeze(x, .axis = -1) : x;
}

/* ---- inverses ---- */

struct inverting {
    bool infinite; /* a singular matrix gives infinity, and not an error */
};

static const ad_field inverting_fields[] = { AD_FIELD(struct inverting, infinite, FLAG), AD_FIELDS_END };

/* Of all matrices; false and an error at a singular one, where infinity is not asked for. */
static bool invert(const ad_node *node, const char *lu, const int32_t *pivots, char *x, void *scratch)
{
    const struct inverting *o = ad_node_options(node);
    ad_shape shape = ad_node_shape(node, MATRIX);
    ad_dtype dtype = ad_node_dtype(node, MATRIX);
    int64_t n = shape.dim[shape.ndim - 1], bytes = n * n * (int64_t)ad_dtype_size(dtype);
    for (int64_t i = 0; i < ad_stack_count(&shape, 2); i++) {
        if (!o->infinite && !is_regular(node, lu + i * bytes, i))
            return false;
        ad_lu_inverse(dtype, n, lu + i * bytes, pivots + i * n, x + i * bytes, scratch);
    }
    return true;
}

static bool inverse_eval(const ad_node *node, void *const *outputs)
{
    ad_context *c = ad_current();
    const char *lu = data_of(node, FACTORS);
    const int32_t *pivots = data_of(node, PIVOTS);
    if (!lu || !pivots || !ad_node_input(node, FACTORS)->size)
        return lu && pivots;
    size_t room = ad_lu_inverse_scratch(ad_node_dtype(node, MATRIX), ad_matrix_size(node, MATRIX).rows);
    void *scratch = ad_allocate(c, room);
    bool done = scratch && invert(node, lu, pivots, outputs[0], scratch);
    ad_deallocate(c, scratch, room);
    return done;
}

/* -Y^T g Y^T */
static ad_array *inverse_vjp(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    ad_array *y = ad_matrix_transpose(ad_node_output(node, 0));
    return ad_neg(ad_matmul(ad_matmul(y, g), y));
}

static ad_array *inverse_jvp(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    ad_array *y = ad_node_output(node, 0);
    return ad_neg(ad_matmul(ad_matmul(y, t), y));
}

static const ad_primitive inverse_op = {
    .name = "ad_linalg_inv",
    .infer = ad_same_infer,
    .eval = inverse_eval,
    .vjp = inverse_vjp,
    .jvp = inverse_jvp,
    .saves = AD_SAVE_OUTPUT,
    .parameters = 1u << FACTORS | 1u << PIVOTS,
    .options_size = sizeof(struct inverting),
    .fields = inverting_fields,
};
AD_OPERATION(inverse_op);

static ad_array *inverse(ad_array *a, struct lu_factors f, bool infinite)
{
    return a && f.lu ? ad_call_primitive(&inverse_op, (ad_array *[]){ a, f.lu, f.pivots }, 3, &(struct inverting){ infinite }) : NULL;
}

ad_array *ad_inverse_or_infinity(ad_array *a, struct lu_factors f)
{
    return inverse(a, f, true);
}

ad_array *(ad_linalg_inv)(ad_array *a)
{
    if (!ad_given(a, "ad_linalg_inv", "array") || !(a = ad_matrices("ad_linalg_inv", a, true)))
        return NULL;
    return inverse(a, ad_lu_factors(a), false);
}
