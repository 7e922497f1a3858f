/* The product of two matrices: BLAS for real and complex floating numbers, plain loops for tiny products and integers.
 *
 * An operand's layout follows from its strides: its rows lie one after the other, or its columns, which BLAS takes as a
 * transpose. No operand is copied here. Each element of C is written before it is read, so C may come uninitialised. */
#include "kernels/complex_product.h"
#include "kernels/kernels.h"
#include <cblas.h>
#include <limits.h>
#include <string.h>

/* How BLAS is told about a matrix. `leading` is 0 if it cannot be told. */
struct layout {
    CBLAS_TRANSPOSE transpose;
    int leading;
};

/* One stride has to be the item, the other a whole number of items and at least `length` of them. Items are powers of
 * two. */
static int leading_of(int64_t item, int64_t length, int64_t unit_stride, int64_t other_stride)
{
    if (unit_stride != item || other_stride & (item - 1))
        return 0;
    int64_t items = other_stride >> __builtin_ctzll((uint64_t)item);
    return items >= length && items <= INT_MAX ? (int)items : 0;
}

/* The stride of an axis of length 1 has no meaning. It is taken as whatever fits. */
static struct layout layout_of(int64_t item, int64_t rows, int64_t columns, struct ad_matrix x)
{
    int by_rows = leading_of(item, columns, columns == 1 ? item : x.column_stride, rows == 1 ? columns * item : x.row_stride);
    if (by_rows)
        return (struct layout){ CblasNoTrans, by_rows };
    return (struct layout){ CblasTrans, leading_of(item, rows, rows == 1 ? item : x.row_stride, columns == 1 ? rows * item : x.column_stride) };
}

bool ad_matmul_takes(ad_dtype dtype, int64_t rows, int64_t columns, struct ad_matrix x)
{
    return layout_of(ad_item_size(dtype), rows, columns, x).leading > 0;
}

/* Whether a call of BLAS would cost more than the product. Outer products, which have nothing to sum, are taken by
 * loops too. */
bool ad_matmul_prefers_loops(int64_t m, int64_t n, int64_t k)
{
    return k <= 1 || (m > 1 && n > 1 && (double)m * (double)n * (double)k <= 200);
}

/* ---- plain loops ---- */

#define NAME(x)                 x##_f64
#define T                       double
#define MULTIPLY_ADD(sum, x, y) (sum) + (x) * (y)
#include "matmul.inc"

#define NAME(x)                 x##_f32
#define T                       float
#define MULTIPLY_ADD(sum, x, y) (sum) + (x) * (y)
#include "matmul.inc"

#define NAME(x)                 x##_c128
#define T                       c128
#define MULTIPLY_ADD(sum, x, y) (sum) + product_c128(x, y)
#include "matmul.inc"

#define NAME(x)                 x##_c64
#define T                       c64
#define MULTIPLY_ADD(sum, x, y) (sum) + product_c64(x, y)
#include "matmul.inc"

#define NAME(x)                 x##_i64
#define T                       uint64_t
#define MULTIPLY_ADD(sum, x, y) (sum) + (x) * (y)
#include "matmul.inc"

#define NAME(x)                 x##_i32
#define T                       uint32_t
#define MULTIPLY_ADD(sum, x, y) (sum) + (x) * (y)
#include "matmul.inc"

#define NAME(x)                 x##_u8
#define T                       uint8_t
#define MULTIPLY_ADD(sum, x, y) (uint8_t)((sum) + (x) * (y))
#include "matmul.inc"

#define NAME(x)                 x##_bool
#define T                       uint8_t
#define MULTIPLY_ADD(sum, x, y) (uint8_t)((sum) | ((x) & (y)))
#include "matmul.inc"

/* C, or a strip of C. The rows of C are `width` items apart. */
struct product {
    ad_dtype dtype;
    int64_t bytes, item; /* of an element; `item` is 0 if BLAS does not know the dtype */
    int64_t m, n, k, width;
    struct ad_matrix a, b;
    char *c;
};

static void plain_product(const struct product *p)
{
    switch (p->dtype) {
    case AD_F64: loop_f64(p->m, p->n, p->k, p->a, p->b, (void *)p->c, p->width); break;
    case AD_F32: loop_f32(p->m, p->n, p->k, p->a, p->b, (void *)p->c, p->width); break;
    case AD_C128: loop_c128(p->m, p->n, p->k, p->a, p->b, (void *)p->c, p->width); break;
    case AD_C64: loop_c64(p->m, p->n, p->k, p->a, p->b, (void *)p->c, p->width); break;
    case AD_I64: loop_i64(p->m, p->n, p->k, p->a, p->b, (void *)p->c, p->width); break;
    case AD_I32: loop_i32(p->m, p->n, p->k, p->a, p->b, (void *)p->c, p->width); break;
    case AD_U8: loop_u8(p->m, p->n, p->k, p->a, p->b, (void *)p->c, p->width); break;
    case AD_BOOL: loop_bool(p->m, p->n, p->k, p->a, p->b, (void *)p->c, p->width); break;
    }
}

/* ---- BLAS ---- */

static const double one_f64[2] = { 1, 0 }, zero_f64[2];
static const float one_f32[2] = { 1, 0 }, zero_f32[2];

static void blas_dot(ad_dtype dtype, int k, const void *x, int x_step, const void *y, int y_step, void *out)
{
    switch (dtype) {
    case AD_F64: *(double *)out = cblas_ddot(k, x, x_step, y, y_step); break;
    case AD_F32: *(float *)out = cblas_sdot(k, x, x_step, y, y_step); break;
    case AD_C128: cblas_zdotu_sub(k, x, x_step, y, y_step, out); break;
    default: cblas_cdotu_sub(k, x, x_step, y, y_step, out); break;
    }
}

/* BLAS scales y by 0, and some versions multiply to do so. So y must not contain NaN. */
static void blas_gemv(ad_dtype dtype, CBLAS_TRANSPOSE transpose, int rows, int columns, const void *a, int leading, const void *x, int x_step, void *y)
{
    memset(y, 0, (size_t)(transpose == CblasNoTrans ? rows : columns) * (size_t)ad_item_size(dtype));
    switch (dtype) {
    case AD_F64: cblas_dgemv(CblasRowMajor, transpose, rows, columns, 1, a, leading, x, x_step, 0, y, 1); break;
    case AD_F32: cblas_sgemv(CblasRowMajor, transpose, rows, columns, 1, a, leading, x, x_step, 0, y, 1); break;
    case AD_C128: cblas_zgemv(CblasRowMajor, transpose, rows, columns, one_f64, a, leading, x, x_step, zero_f64, y, 1); break;
    default: cblas_cgemv(CblasRowMajor, transpose, rows, columns, one_f32, a, leading, x, x_step, zero_f32, y, 1); break;
    }
}

static void blas_gemm(ad_dtype dtype, int m, int n, int k, struct layout la, const void *a, struct layout lb, const void *b, void *c, int ldc)
{
    switch (dtype) {
    case AD_F64: cblas_dgemm(CblasRowMajor, la.transpose, lb.transpose, m, n, k, 1, a, la.leading, b, lb.leading, 0, c, ldc); break;
    case AD_F32: cblas_sgemm(CblasRowMajor, la.transpose, lb.transpose, m, n, k, 1, a, la.leading, b, lb.leading, 0, c, ldc); break;
    case AD_C128: cblas_zgemm(CblasRowMajor, la.transpose, lb.transpose, m, n, k, one_f64, a, la.leading, b, lb.leading, zero_f64, c, ldc); break;
    default: cblas_cgemm(CblasRowMajor, la.transpose, lb.transpose, m, n, k, one_f32, a, la.leading, b, lb.leading, zero_f32, c, ldc); break;
    }
}

/* Matrix times column. The matrix is stored by rows (transpose is CblasNoTrans) or by columns. */
static void matrix_vector(ad_dtype dtype, int rows, int columns, struct layout layout, const void *a, const void *x, int x_step, void *y)
{
    if (layout.transpose == CblasNoTrans)
        blas_gemv(dtype, CblasNoTrans, rows, columns, a, layout.leading, x, x_step, y);
    else
        blas_gemv(dtype, CblasTrans, columns, rows, a, layout.leading, x, x_step, y);
}

static struct layout transposed(struct layout layout)
{
    return (struct layout){ layout.transpose == CblasNoTrans ? CblasTrans : CblasNoTrans, layout.leading };
}

/* Items from one element of a vector to the next. A vector of one element has a step that does not matter. */
static int step_of(int64_t item, int64_t length, int64_t stride)
{
    return length == 1 ? 1 : (int)(stride >> __builtin_ctzll((uint64_t)item));
}

static int64_t blas_item(ad_dtype dtype)
{
    return ad_dtype_is_inexact(dtype) ? ad_item_size(dtype) : 0;
}

/* Whether OpenBLAS may multiply a matrix by a vector. For a complex matrix by columns, 0.3.21 reads past the end of the
 * vector. It does not if the vector is given as a matrix. */
static bool reads_no_further(bool real, struct layout matrix)
{
    return real || matrix.transpose == CblasNoTrans;
}

/* The matrix with strides that say how it is stored, also for axes of length 1. */
static struct ad_matrix laid_out(int64_t item, struct layout layout, struct ad_matrix x)
{
    bool by_rows = layout.transpose == CblasNoTrans;
    return (struct ad_matrix){ x.data, by_rows ? layout.leading * item : item, by_rows ? item : layout.leading * item };
}

static bool prefers_loops(const struct product *p)
{
    return !p->item || ad_matmul_prefers_loops(p->m, p->n, p->k);
}

/* How a product is computed. It is the same for all products of a stack. */
struct plan {
    enum { PLAIN, BLIS, DOT, MATRIX_VECTOR, VECTOR_MATRIX, GEMM } way; /* OpenBLAS does those from DOT on */
    struct layout a, b;
    int a_step, b_step; /* of vectors */
};

static struct plan plan_of(const struct product *p)
{
    int64_t m = p->m, n = p->n, k = p->k;
    struct plan plan = { .way = PLAIN };
    if (prefers_loops(p))
        return plan;
    plan.a = layout_of(p->item, m, k, p->a);
    plan.b = layout_of(p->item, k, n, p->b);
    if (!plan.a.leading || !plan.b.leading || m > INT_MAX || p->width > INT_MAX || k > INT_MAX)
        return plan;
    plan.a_step = step_of(p->item, k, p->a.column_stride);
    plan.b_step = step_of(p->item, k, p->b.row_stride);
    bool real = !ad_dtype_is_complex(p->dtype), dot = m == 1 && n == 1;
    if (dot && !real && (plan.a_step != 1 || plan.b_step != 1))
        return plan; /* OpenBLAS 0.3.21 reads past the last element */
    if (dot)
        plan.way = DOT;
    else if (ad_blis_takes(p->dtype, m, n, k))
        plan.way = BLIS;
    else if (p->width == 1 && reads_no_further(real, plan.a))
        plan.way = MATRIX_VECTOR;
    else if (m == 1 && reads_no_further(real, transposed(plan.b)))
        plan.way = VECTOR_MATRIX;
    else
        plan.way = GEMM;
    return plan;
}

static void multiply_as(const struct plan *plan, const struct product *p)
{
    int m = (int)p->m, n = (int)p->n, k = (int)p->k;
    switch (plan->way) {
    case PLAIN: plain_product(p); break;
    case BLIS:
        ad_blis_multiply(p->dtype, p->m, p->n, p->k, laid_out(p->item, plan->a, p->a), laid_out(p->item, plan->b, p->b), p->c, p->width);
        break;
    case DOT: blas_dot(p->dtype, k, p->a.data, plan->a_step, p->b.data, plan->b_step, p->c); break;
    case MATRIX_VECTOR: matrix_vector(p->dtype, m, k, plan->a, p->a.data, p->b.data, plan->b_step, p->c); break;
    case VECTOR_MATRIX: matrix_vector(p->dtype, n, k, transposed(plan->b), p->b.data, p->a.data, plan->a_step, p->c); break;
    case GEMM: blas_gemm(p->dtype, m, n, k, plan->a, p->a.data, plan->b, p->b.data, p->c, (int)p->width); break;
    }
}

/* Multiplies a stack of `count` products. Operands are `a_step` and `b_step` bytes apart, and results lie one after the
 * other. */
static void multiply_stack(struct product p, int64_t count, int64_t a_step, int64_t b_step)
{
    const struct plan plan = plan_of(&p);
    int threads = plan.way >= DOT ? ad_openblas_hold() : 1;
    for (int64_t i = 0; i < count; i++) {
        multiply_as(&plan, &p);
        p.a.data += a_step;
        p.b.data += b_step;
        p.c += p.m * p.n * p.bytes;
    }
    ad_openblas_release(threads);
}

/* ---- strips of C, which threads share ---- */

/* The bits of OpenBLAS's products depend on how C is cut, since its kernels sum the last rows and columns, and small
 * products, in an order of their own. So the cut depends only on sizes and dtype, and one thread takes the same strips
 * as eight. The bits are the same for any number of threads. */
struct strips {
    struct product whole;
    bool of_columns;
    int64_t length, count; /* rows or columns of each strip; the last may have fewer */
    int64_t piece;         /* of a strip, for one call of BLAS */
};

enum { LEAST_COST = 1 << 21 }; /* of a strip */

/* The cost in units of a multiplication and addition of float32 in BLAS. The threshold is many times what handing a
 * part to another thread takes. A matrix times a vector waits for memory, and plain loops use no vectors of several
 * rows. */
static double cost_of(const struct product *p)
{
    double weight = p->dtype == AD_F64 ? 2 : p->dtype == AD_C64 ? 4 : p->dtype == AD_C128 ? 8 : 1;
    if (prefers_loops(p))
        weight = 32;
    else if (p->m == 1 || p->n == 1)
        weight *= 16;
    return weight * (double)p->m * (double)p->n * (double)p->k;
}

int64_t ad_matmul_batch(ad_dtype dtype, int64_t m, int64_t n, int64_t k, int64_t count)
{
    enum { MOST_PARTS = 64 };
    if (count <= 1)
        return 1;
    struct product p = { .dtype = dtype, .item = blas_item(dtype), .m = m, .n = n, .k = k };
    double cost = cost_of(&p);
    if (cost >= 2 * LEAST_COST || cost * (double)count < 2 * LEAST_COST)
        return count;
    int64_t even = (count + MOST_PARTS - 1) / MOST_PARTS, enough = (int64_t)(LEAST_COST / cost) + 1;
    return enough > even ? enough : even;
}

/* A tall matrix times a small one goes to BLAS in pieces that stay in the cache. Up to some size OpenBLAS multiplies
 * without copying its operands first. If B is small, the copy takes longer than the product. The same is done with a
 * wide matrix. */
enum { PIECE = 1024 };

static int64_t piece_of(const struct product *p, bool of_columns)
{
    enum { LARGEST_SMALL = 1024, MOST_WORK = 1 << 19 };
    int64_t other = of_columns ? p->m : p->n;
    if (other <= 1 || p->k <= 1 || other > LARGEST_SMALL || p->k > LARGEST_SMALL || other * p->k > LARGEST_SMALL)
        return INT64_MAX;
    int64_t most = MOST_WORK / (other * p->k);
    return most < PIECE ? most : PIECE;
}

/* Every strip of rows reads all of B, which OpenBLAS copies each time. These lengths keep that cost to a few
 * percent. */
static struct strips strips_of(const struct product *p)
{
    enum { TWO_FROM = 192, LEAST = 180, MOST = 32, MULTIPLE = 16 };
    struct strips s = { .whole = *p, .of_columns = p->m < TWO_FROM && p->n > p->m, .count = 1 };
    int64_t all = s.of_columns ? p->n : p->m;
    double most = cost_of(p) / LEAST_COST;
    while (2 * s.count <= MOST && 2 * (double)s.count <= most && all >= (s.count == 1 ? TWO_FROM : 2 * s.count * LEAST))
        s.count *= 2;
    s.length = (all + s.count - 1) / s.count;
    if (s.count > 1)
        s.length = (s.length + MULTIPLE - 1) / MULTIPLE * MULTIPLE;
    s.count = (all + s.length - 1) / s.length;
    s.piece = piece_of(p, s.of_columns);
    return s;
}

static void multiply_piece(const struct strips *s, int64_t start, int64_t length)
{
    struct product p = s->whole;
    *(s->of_columns ? &p.n : &p.m) = length;
    if (s->of_columns)
        p.b.data += start * p.b.column_stride;
    else
        p.a.data += start * p.a.row_stride;
    p.c += start * (s->of_columns ? 1 : p.width) * p.bytes;
    multiply_stack(p, 1, 0, 0);
}

static void multiply_strip(void *context, int64_t i)
{
    const struct strips *s = context;
    int64_t all = s->of_columns ? s->whole.n : s->whole.m, start = i * s->length, end = all - start < s->length ? all : start + s->length;
    for (int64_t length; start < end; start += length) {
        length = end - start < s->piece ? end - start : s->piece;
        multiply_piece(s, start, length);
    }
}

void ad_matmul_stack(ad_dtype dtype, int64_t m, int64_t n, int64_t k, struct ad_matrix a, struct ad_matrix b, void *c, int64_t count, int64_t a_step,
                     int64_t b_step)
{
    int64_t bytes = ad_item_size(dtype);
    struct product p = { dtype, bytes, blas_item(dtype), m, n, k, n, a, b, c };
    if (m == 0 || n == 0)
        return;
    if (m <= PIECE && n <= PIECE && cost_of(&p) < 2 * LEAST_COST) {
        multiply_stack(p, count, a_step, b_step);
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        struct strips strips = strips_of(&p);
        ad_run_parts(strips.count, multiply_strip, &strips);
        p.a.data += a_step;
        p.b.data += b_step;
        p.c += m * n * bytes;
    }
}
