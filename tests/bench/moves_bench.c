/* Reductions and moves of a million numbers, and what indexing, sorting and small products cost; a row each, whose aim
 * beside NumPy's time is in numpy_peer.py, with NumPy's words for the same. */
#include "bench.h"
#include <string.h>

/* What the rows work on. */
typedef struct {
    ad_array *v, *m;      /* a million as a vector and as a matrix 1000 x 1000 */
    ad_array *wide, *tall; /* 100 x 10000, 10000 x 100 */
    ad_array *row, *column;
    ad_array *f32, *flags, *none, *places, *some_rows;
    ad_array *stack, *small, *ones; /* (1000, 1000, 4), (4, 3); positive */
} operands;

static operands o_;

static ad_array *max_of(ad_array *x)
{
    return ad_max(x);
}

static ad_array *logsumexp_of(ad_array *x)
{
    return ad_logsumexp(x);
}

static ad_array *sum_of_tanh(ad_array *x)
{
    return ad_sum(ad_tanh(x));
}

static ad_array *sum_of_sigmoid(ad_array *x)
{
    return ad_sum(ad_sigmoid(x));
}

static ad_index_list scattered(void)
{
    return AD_INDICES(AD_PICK(o_.places));
}

static ad_array *sum_of_products(ad_array *x)
{
    return ad_sum(ad_at_mul_list(x, x, scattered()));
}

static ad_array *sum_of_largest(ad_array *x)
{
    return ad_sum(ad_at_max_list(ad_sub(x, 1), x, scattered()));
}

#define ROWS(ROW)                                                                    \
    ROW("sum", ad_sum(o->v))                                                         \
    ROW("sum, axis 0", ad_sum(o->m, .axis = 0))                                      \
    ROW("sum, axis 1", ad_sum(o->m, .axis = 1))                                      \
    ROW("sum, axis 0 of 100 x 10000", ad_sum(o->wide, .axis = 0))                    \
    ROW("sum, axis 1 of 10000 x 100", ad_sum(o->tall, .axis = 1))                    \
    ROW("sum, float32", ad_sum(o->f32))                                              \
    ROW("sum of a transposed matrix, axis 0", ad_sum(ad_transpose(o->m), .axis = 0)) \
    ROW("sum of every other", ad_sum(ad_at(o->v, "::2")))                            \
    ROW("mean", ad_mean(o->v))                                                       \
    ROW("var", ad_var(o->v))                                                         \
    ROW("prod", ad_prod(o->ones))                                                    \
    ROW("max", ad_max(o->v))                                                         \
    ROW("max, axis 0", ad_max(o->m, .axis = 0))                                      \
    ROW("max, axis 1", ad_max(o->m, .axis = 1))                                      \
    ROW("argmax", ad_argmax(o->v))                                                   \
    ROW("argmax, axis 0", ad_argmax(o->m, .axis = 0))                                \
    ROW("argmax, axis 1", ad_argmax(o->m, .axis = 1))                                \
    ROW("any, found at once", ad_any(o->flags))                                      \
    ROW("any, none", ad_any(o->none))                                                \
    ROW("all, missed at once", ad_all(o->none))                                      \
    ROW("norm", ad_linalg_norm(o->v))                                                \
    ROW("cumsum", ad_cumsum(o->v))                                                   \
    ROW("cumsum, axis 0", ad_cumsum(o->m, .axis = 0))                                \
    ROW("sort", ad_sort(o->v))                                                       \
    ROW("sort, axis 0", ad_sort(o->m, .axis = 0))                                    \
    ROW("sort, axis 1", ad_sort(o->m, .axis = 1))                                    \
    ROW("argsort", ad_argsort(o->v))                                                 \
    ROW("nonzero", ad_flatnonzero(o->flags))                                         \
    ROW("mask", ad_compress(o->flags, o->v))                                         \
    ROW("where", ad_where(o->flags, o->v, 0.0))                                      \
    ROW("add a row", ad_add(o->m, o->row))                                           \
    ROW("add a column", ad_add(o->m, o->column))                                     \
    ROW("add its transpose", ad_add(o->m, ad_transpose(o->m)))                       \
    ROW("transposed copy", ad_copy(ad_transpose(o->m)))                              \
    ROW("copy of every other", ad_copy(ad_at(o->v, "::2")))                          \
    ROW("reversed copy", ad_copy(ad_flip(o->v)))                                     \
    ROW("repeat", ad_repeat(o->row, 1000))                                           \
    ROW("tile", ad_tile(o->row, AD_SHAPE(1000, 1)))                                  \
    ROW("pad", ad_pad(o->m, 8))                                                      \
    ROW("roll", ad_roll(o->v, 1234))                                                 \
    ROW("concatenate", ad_concatenate(ad_list_of(o->m, o->m)))                       \
    ROW("stack, last axis", ad_stack(ad_list_of(o->v, o->v), .axis = -1))            \
    ROW("take", ad_take(o->v, o->places))                                            \
    ROW("take rows", ad_take(o->m, o->some_rows, .axis = 0))                         \
    ROW("set rows", ad_at_set_list(o->m, o->row, AD_INDICES(AD_PICK(o->some_rows)))) \
    ROW("scatter-add", ad_put_add(o->v, o->places, o->v))                            \
    ROW("scatter-multiply", ad_at_mul_list(o->ones, o->ones, scattered()))           \
    ROW("scatter-minimum", ad_at_min_list(o->v, o->ones, scattered()))               \
    ROW("scatter-maximum", ad_at_max_list(o->v, o->ones, scattered()))               \
    ROW("gradient of scatter-multiply", ad_grad(sum_of_products)(o->ones))           \
    ROW("gradient of scatter-maximum", ad_grad(sum_of_largest)(o->ones))             \
    ROW("astype int64", ad_astype(o->ones, AD_I64))                                  \
    ROW("astype float32", ad_astype(o->v, AD_F32))                                   \
    ROW("x ** 0.5", ad_pow(o->ones, 0.5))                                            \
    ROW("(1000,1000,4) @ (4,3)", ad_matmul(o->stack, o->small))                      \
    ROW("gradient of max", ad_grad(max_of)(o->v))                                    \
    ROW("gradient of log-sum-exp", ad_grad(logsumexp_of)(o->v))                      \
    ROW("gradient of the sum of tanh", ad_grad(sum_of_tanh)(o->v))                   \
    ROW("gradient of the sum of sigmoid", ad_grad(sum_of_sigmoid)(o->v))

static ad_array *apply(const bench_call *call)
{
    const operands *o = &o_;
    int64_t which = 0;
#define CASE(name, value)   \
    if (call->n == which++) \
        return value;
    ROWS(CASE)
    return NULL;
}

int main(int argc, char **argv)
{
#define NAMED(name, value) name,
    static const char *const names[] = { ROWS(NAMED) };
    bench b = bench_begin("moves", argc, argv);
    AD_SCOPE;
    ad_array *v = ad_sub(bench_uniform(AD_SHAPE(1000000), 1), 0.5), *u = bench_uniform(AD_SHAPE(1000000), 2);
    ad_array *m = ad_copy(ad_reshape(v, AD_SHAPE(1000, 1000)));
    o_ = (operands){
        .v = v, .m = m, .wide = ad_copy(ad_reshape(v, AD_SHAPE(100, 10000))), .tall = ad_copy(ad_reshape(v, AD_SHAPE(10000, 100))),
        .row = bench_uniform(AD_SHAPE(1000), 3), .column = bench_uniform(AD_SHAPE(1000, 1), 4), .f32 = ad_astype(ad_add(0.5, u), AD_F32),
        .flags = ad_greater(v, 0), .none = ad_greater(v, 1), .places = ad_astype(ad_mul(u, 1000000), AD_I64),
        .some_rows = ad_astype(ad_mul(bench_uniform(AD_SHAPE(500), 5), 1000), AD_I64),
        .stack = bench_uniform(AD_SHAPE(1000, 1000, 4), 6), .small = bench_uniform(AD_SHAPE(4, 3), 7), .ones = ad_add(0.5, u),
    };
    for (int64_t i = 0; i < (int64_t)(sizeof names / sizeof *names); i++)
        bench_compare(&b, names[i], strstr(names[i], "float32") ? 1e-6 : 1e-12, &(bench_piece)BENCH_LIBAD(&(bench_call){ .f = apply, .n = i }), 1);
    return bench_end(&b);
}
