/* The whole interface of the kernels to the layers above: loops on raw memory.
 *
 * Nothing here knows an array struct, a tape or an error. Strides are in bytes. Kernels never allocate: where one needs
 * scratch memory, its caller asks how much and brings it. Outputs never overlap inputs unless they are the same memory
 * with the same strides.
 *
 * The elementwise loops (elementwise.c, real.inc), the conversions (casts.c), the folds (fold.c), positions
 * (position.c), places (indices.c), sorts (sort.c) and Fourier transforms (fft.cc) are compiled once per instruction
 * set from one source and collected in one `struct ad_loops` each; ad_loops_for_this_cpu() picks at run time. */
#ifndef AD_KERNELS_H
#define AD_KERNELS_H

#include "ad/base.h"
#include "kernels/fft/fft.h"

/* ad_dtype_size of a valid dtype. */
static inline int64_t ad_item_size(ad_dtype dtype)
{
    static const uint8_t sizes[AD_DTYPE_COUNT] = {
        [AD_F64] = 8, [AD_F32] = 4, [AD_C128] = 16, [AD_C64] = 8, [AD_I64] = 8, [AD_I32] = 4, [AD_U8] = 1, [AD_BOOL] = 1
    };
    return sizes[dtype];
}

/* What base.h declares, without a call. */
static inline bool is_inexact_dtype(ad_dtype dtype)
{
    return dtype <= AD_C64;
}

static inline bool is_complex_dtype(ad_dtype dtype)
{
    return dtype == AD_C128 || dtype == AD_C64;
}

static inline bool is_integer_dtype(ad_dtype dtype)
{
    return dtype >= AD_I64 && dtype <= AD_U8;
}

#define ad_dtype_is_inexact(dtype) is_inexact_dtype(dtype)
#define ad_dtype_is_complex(dtype) is_complex_dtype(dtype)
#define ad_dtype_is_integer(dtype) is_integer_dtype(dtype)

/* complex128 to float64, complex64 to float32; others as they are */
static inline ad_dtype ad_dtype_real(ad_dtype dtype)
{
    return dtype == AD_C128 ? AD_F64 : dtype == AD_C64 ? AD_F32 : dtype;
}

/* One dimension of an elementwise function: n elements, each operand with its own stride.
 * in[i] and in_stride[i] for every input; an input stride of 0 repeats one element. */
typedef void ad_loop(int64_t n, const char *const *in, const int64_t *in_stride, char *out, int64_t out_stride);

/* The same of one or two float64 numbers, to the same bits; y is not used by functions of one. For functions that
 * give float64. */
typedef double ad_number_function(double x, double y);

/* The product of a tangent or cotangent with a slope: a zero wins over an infinity beside it, whichever of the two
 * it is. */
#define AD_ZERO_WINS(x, y) ((((x) == 0) | ((y) == 0)) ? 0 : (x) * (y))

/* Which derivative of x^p power_slopes gives: of order k in x and m in p, both below AD_POWER_ORDERS. */
enum { AD_POWER_ORDERS = 64 };
#define AD_POWER_ORDER(k, m) ((k) + AD_POWER_ORDERS * (m))

/* The elementwise functions, one line each in elementwise.def. */
typedef enum ad_loop_id {
#define LOOP(name, ...) AD_LOOP_##name,
#include "kernels/elementwise/elementwise.def"
#undef LOOP
    AD_LOOP_COUNT
} ad_loop_id;

typedef enum ad_reduction {
    AD_REDUCE_SUM, AD_REDUCE_SQUARES, AD_REDUCE_PROD, AD_REDUCE_MAX, AD_REDUCE_MIN, AD_REDUCE_ARGMAX, AD_REDUCE_ARGMIN, AD_REDUCE_ANY, AD_REDUCE_ALL
} ad_reduction;

/* Folds `rows` rows of n elements, `step` bytes apart, into accumulators `acc_step` bytes apart, which 0 makes the
 * same: each into a row of n numbers, or into one number where acc_stride is 0. */
typedef void ad_fold(int64_t rows, const char *in, int64_t step, char *acc, int64_t acc_step, int64_t n, int64_t stride, int64_t acc_stride);

/* The folds of every reduction. */
struct ad_folds {
    ad_fold *fold[AD_REDUCE_ALL + 1][AD_DTYPE_COUNT]; /* by the accumulator's dtype */
    ad_fold *sum_bytes;                               /* of uint8 or bool, into int64 */
};

/* The position of the largest or smallest of n > 0 elements: of the first of equals, or of the first NaN. */
typedef int64_t ad_position(bool max, int64_t n, const char *in, int64_t stride);

/* Which of n elements x attain the extremum y that each belongs to: are equal to it, or NaN. Gives how many; room +
 * 1 where they are more than that. `found` has AD_ATTAINED_SLACK elements beyond its room. */
typedef int64_t ad_attained(int64_t n, const char *x, int64_t x_stride, const char *y, int64_t y_stride, int64_t room, int64_t *found);

enum { AD_ATTAINED_SLACK = 8 };

enum { AD_FOLD_PIECE = 512 }; /* elements that are folded in order; longer rows are halved */

/* `rows` rows of n contiguous elements, sorted, and the stable order that sorts them; NaN last; complex
 * lexicographic. What is equal, zeros of either sign and NaN too, keeps its order. scratch: ad_sort_scratch(n)
 * bytes. */
struct ad_sorts {
    void (*values)(ad_dtype dtype, int64_t rows, int64_t n, const void *in, void *out, void *scratch);
    void (*order)(ad_dtype dtype, int64_t rows, int64_t n, const void *in, int64_t *out, void *scratch);
};

/* Places along an axis. */
struct ad_indices {
    bool (*all_within)(int64_t n, int64_t length, const int64_t *index);     /* from 0 on, below length */
    bool (*count_from_end)(int64_t n, int64_t length, int64_t *index);       /* those below 0; false: then one is not within */
    int64_t (*count_true)(int64_t n, const uint8_t *mask);                   /* of n bools */
    void (*places_of_true)(int64_t n, const uint8_t *mask, int64_t count, int64_t *places); /* of the `count` that are, in order */
};

enum { AD_SORT_SLACK = 16 }; /* what a vector may write beyond the end */

/* The order, as places in the whole of the rows, and the rows in it. */
void ad_sort_with_places(const struct ad_sorts *sorts, ad_dtype dtype, int64_t rows, int64_t n, const char *in, char *out, int64_t *places, void *scratch);

static inline size_t ad_sort_scratch(int64_t n)
{
    return (4 * (size_t)n + 2 * AD_SORT_SLACK) * sizeof(int64_t);
}

struct ad_loops {
    const char *instruction_set;                   /* "baseline", "avx2", "avx512" */
    ad_loop *loop[AD_LOOP_COUNT][AD_DTYPE_COUNT];  /* by the common dtype of the inputs; NULL: not defined for it */
    ad_number_function *number[AD_LOOP_COUNT];
    const struct ad_folds *folds;
    const struct ad_sorts *sorts;
    const struct ad_indices *indices;
    const struct ad_ffts *ffts;
    ad_position *const *position;            /* by dtype */
    ad_attained *const *attained;            /* the same; of floats */
    ad_loop *const (*casts)[AD_DTYPE_COUNT]; /* conversions, [from][to], of one input; complex to real drops the imaginary part */
};

const struct ad_loops *ad_loops_for_this_cpu(void);
ad_loop *ad_cast(ad_dtype from, ad_dtype to);

/* The output's dtype of an elementwise function for a loop dtype, from elementwise.def. */
enum { AD_OUTPUT_SAME, AD_OUTPUT_REAL, AD_OUTPUT_BOOL };
extern const uint8_t ad_loop_outputs[AD_LOOP_COUNT];
static inline ad_dtype ad_loop_output(ad_loop_id id, ad_dtype dtype)
{
    if (ad_loop_outputs[id] == AD_OUTPUT_SAME)
        return dtype;
    if (ad_loop_outputs[id] == AD_OUTPUT_BOOL)
        return AD_BOOL;
    return ad_dtype_real(dtype);
}

enum { AD_LOOP_MAX_INPUTS = 3 };

/* A dense or strided operand of n dimensions; the dimensions themselves belong to the call. */
struct ad_operand {
    char *data;
    const int64_t *strides; /* one per dimension of the call, 0 along broadcast ones */
    ad_dtype dtype;
};

/* Runs parts 0 to parts - 1, each once, on the calling thread and on others, in any order; ends when all are done.
 * Nothing may depend on which thread runs a part; a loop within one is not shared again. ad_threads says how many
 * threads may take part where this one calls; ad_threads_choose sets that, 0 for the default. */
typedef void ad_part(void *context, int64_t part);
void ad_run_parts(int64_t parts, ad_part *run, void *context);
int ad_threads(void);
void ad_threads_choose(int count);

/* From how many elements on ad_run_loop may share a loop with other threads. */
enum { AD_LOOP_SHARED = 1 << 15 };

/* Runs a loop over an n-dimensional index space: coalesces dimensions, orders them for memory, casts operands whose
 * dtype is not `loop_dtype` block by block, splits large spaces over threads. The same bits for any number of
 * threads. */
void ad_run_loop(ad_loop *loop, ad_dtype loop_dtype, int ndim, const int64_t *dims, int inputs, const struct ad_operand *in, struct ad_operand out);

/* The loop of a function of two over n elements of `item` bytes, one behind the other, as those of the result, which
 * may take the place of an operand. */
static inline void ad_run_dense(ad_loop *loop, int64_t item, int64_t n, const char *a, const char *b, char *out)
{
    loop(n, (const char *const[]){ a, b }, (const int64_t[]){ item, item }, out, item);
}

/* Copies, converting dtype: the one copy routine (contiguous, transposed in cache blocks, broadcast, reversed). */
void ad_copy_strided(int ndim, const int64_t *dims, struct ad_operand in, struct ad_operand out);

/* sum += in, element by element, in sum's dtype. */
void ad_add_strided(const struct ad_loops *loops, int ndim, const int64_t *dims, struct ad_operand in, struct ad_operand sum);

/* Steps of centring rows of n floats, C-contiguous (ops/special/special.c), between which the caller sums every row.
 * Each rounds as the elementwise loop of its expression. */
struct ad_centre {
    /* tops: t where y is largest in size, 0 elsewhere; counts: in how many places of a row that is, in none beside a
     * NaN */
    void (*top)(int64_t rows, int64_t n, const void *t, const void *y, void *tops, void *counts);
    /* out = t - sum / count, sums of tops; products = out y */
    void (*move)(int64_t rows, int64_t n, const void *t, const void *y, const void *sums, const void *counts, void *out, void *products);
    /* out -= sum, sums of products */
    void (*take)(int64_t rows, int64_t n, const void *sums, void *out);
};
extern const struct ad_centre ad_centre_f64, ad_centre_f32;

/* Reductions. `in` has ndim dimensions; reduced[i] says whether dimension i is summed away. `out` is C-contiguous
 * over the kept dimensions, in order. Sums of floats are pairwise or in short runs along every dimension, and those
 * of squares have the bits of the sum of an array of squares. Result dtypes: sum and prod as `out.dtype` (f64, f32,
 * c128, c64, i64); squares (f64, f32), max, min as the input; argmax, argmin i64 (one reduced dimension, or all of
 * them in C order); any, all bool. max and min give NaN if there is one; the arg forms the first of equals or the
 * first NaN. Zero elements: sum 0, prod 1, any 0, all 1; for the others the caller has refused. */
void ad_reduce(ad_reduction kind, const struct ad_loops *loops, int ndim, const int64_t *dims, const bool *reduced, struct ad_operand in,
               struct ad_operand out);

/* The elements of float memory that attain their result y of a reduction to extrema, C-contiguous: the place of each
 * in C order, and the number of its result. Gives how many; room + 1 where they are more than that. `places` has
 * AD_ATTAINED_SLACK elements beyond its room. */
int64_t ad_attained_places(const struct ad_loops *loops, int ndim, const int64_t *dims, const bool *reduced, struct ad_operand in, const void *y, int64_t room,
                           int64_t *places, int64_t *results);

/* Running sum or product along one axis of a (outer, n, inner) C-contiguous array, in `dtype` (f64 f32 c128 c64
 * i64). */
void ad_scan_sum(ad_dtype dtype, int64_t outer, int64_t n, int64_t inner, const void *in, void *out, bool reverse);
void ad_scan_prod(ad_dtype dtype, int64_t outer, int64_t n, int64_t inner, const void *in, void *out, bool reverse);

/* y_j = a_j y_(j-1) + b_j along one axis of (outer, n, inner) C-contiguous arrays of floats, from b_0 on; in reverse
 * of y_(j+1). A product with 0 is 0. */
void ad_recurrence(ad_dtype dtype, int64_t outer, int64_t n, int64_t inner, const void *a, const void *b, void *y, bool reverse);

/* out[o, j, i] = in[o, index[j], i] on C-contiguous (outer, n, inner) -> (outer, count, inner); item bytes per
 * element. Indices are valid. */
void ad_gather(size_t item, int64_t outer, int64_t n, int64_t inner, const int64_t *index, int64_t count, const void *in, void *out);
/* out[o, index[j], i] = in[o, j, i]; the last of repeated indices wins. The rows of `inner` elements of in are
 * `step` bytes apart, and the first of each o `outer_step` bytes. */
void ad_put_rows(size_t item, int64_t outer, int64_t n, int64_t inner, const int64_t *index, int64_t count, const void *in, int64_t outer_step, int64_t step,
                 void *out);
/* out[o, index[j], i] = 0 */
void ad_clear_rows(size_t item, int64_t outer, int64_t n, int64_t inner, const int64_t *index, int64_t count, void *out);
/* out[o, j, i] = 0 where keep[j] is false */
void ad_keep_rows(size_t item, int64_t outer, int64_t count, int64_t inner, const uint8_t *keep, void *out);
/* out[o, index[j], i] += in[o, j, i]; repeated indices add up, in order of j. */
void ad_scatter_add(ad_dtype dtype, int64_t outer, int64_t n, int64_t inner, const int64_t *index, int64_t count, const void *in, void *out);

/* The first index that is not within an axis of n elements; there is one. */
int64_t ad_first_beyond(int64_t n, const int64_t *index);
/* last[j]: whether index[j], of an axis of n elements, is not named again later on. Gives how many are not. named:
 * scratch of n bytes. */
int64_t ad_last_named(int64_t n, const int64_t *index, int64_t count, uint8_t *named, uint8_t *last);
/* An order of `count` places of an axis of n elements in which those that are the same lie together, one after the
 * other as they came; the places in that order; and which come there for the first time. ends: scratch of n + 1
 * numbers. */
void ad_order_places(int64_t n, const int64_t *index, int64_t count, int64_t *ends, int64_t *order, int64_t *sorted, uint8_t *first);
/* Numbers the different places in the order in which they first come: index[j] is different[number[j]]. Gives how
 * many there are. table: scratch of `size` numbers, a power of 2 larger than count. */
int64_t ad_number_places(const int64_t *index, int64_t count, int64_t *number, int64_t *different, int64_t *table, int64_t size);
/* The `count` places in place, of an index of the given dimensions along one axis, as places among all elements:
 * times `step`, and a step for each move along an axis. */
void ad_flat_places(int ndim, const int64_t *dims, const int64_t *steps, int64_t step, int64_t count, int64_t *places);
/* out[i, index[i]] = 1 in rows of `classes`, of zeros. */
void ad_fill_classes(ad_dtype dtype, int64_t count, int64_t classes, const int64_t *index, void *out);
/* The sum of n repeats, -1 where it is too large, one where step is 0. Gives the first that is negative, else 0. */
int64_t ad_total_of_repeats(int64_t n, const int64_t *repeats, int64_t step, int64_t *total);
/* Each i below n as often as repeats[i * step] says. */
void ad_repeat_places(int64_t n, const int64_t *repeats, int64_t step, int64_t *places);
/* The `total` places of a row of n elements that is continued to both sides, from `before` elements before it on. */
typedef enum ad_pad_mode { AD_PAD_CONSTANT, AD_PAD_EDGE, AD_PAD_REFLECT, AD_PAD_SYMMETRIC, AD_PAD_WRAP, AD_PAD_MODES } ad_pad_mode;
void ad_pad_places(ad_pad_mode mode, int64_t n, int64_t before, int64_t total, int64_t *places);
/* out[o, j, i] = loop(before, value[o, j, i]) with before = begin[o, j, i] where first[j], which first[0] is, else
 * out[o, j - 1, i]. */
void ad_run_fold(ad_loop *loop, int64_t item, int64_t outer, int64_t n, int64_t inner, const uint8_t *first, const char *begin, const char *value, char *out);

/* Of n floats, f64 or f32: whether the sizes of all lie within bounds, as that of a NaN does not; y = sqrt(x /
 * divisor); and other in place of y where x does not lie within bounds. */
bool ad_lie_within(ad_dtype dtype, int64_t n, const void *x, double least, double most);
void ad_roots(ad_dtype dtype, int64_t n, const void *x, double divisor, void *y);
void ad_replace_beyond(ad_dtype dtype, int64_t n, const void *x, double least, double most, const void *other, void *y);

/* start + i step: of integers, which wrap, and of reals. Whether element (i, j) of a matrix is on diagonal k or
 * below it (lower), or above. */
void ad_fill_integers(int64_t n, uint64_t start, uint64_t step, int64_t *out);
void ad_fill_reals(int64_t n, double start, double step, double *out);
void ad_fill_triangle(int64_t rows, int64_t columns, int64_t k, bool lower, uint8_t *out);

/* Draws under a key, each element by its own bits. Philox: two words for a counter under a key. */
struct ad_draw {
    uint64_t hi, lo;
};
void ad_philox(uint64_t counter_hi, uint64_t counter_lo, uint64_t key, uint64_t *words);
struct ad_draw ad_draw_fold_in(struct ad_draw key, uint64_t n); /* another key */
void ad_draw_bits(struct ad_draw key, int64_t n, uint64_t *out);
void ad_draw_uniform_f32(struct ad_draw key, double low, double high, int64_t n, float *out); /* from low on, below high unless they are equal */
void ad_draw_uniform_f64(struct ad_draw key, double low, double high, int64_t n, double *out);
void ad_draw_normal_f32(struct ad_draw key, double loc, double scale, int64_t n, float *out);
void ad_draw_normal_f64(struct ad_draw key, double loc, double scale, int64_t n, double *out);
void ad_draw_below(struct ad_draw key, uint64_t low, uint64_t count, int64_t n, int64_t *out); /* `count` integers from low on */
void ad_draw_bernoulli(struct ad_draw key, double p, int64_t n, uint8_t *out);
void ad_draw_order(struct ad_draw key, int64_t n, int64_t drawn,
                   int64_t *order); /* the first `drawn` of 0 ... n-1 at random, of what is left (Fisher and Yates) */

/* C = A B, (m, k) times (k, n), for all dtypes. C is C-contiguous; A and B have any strides. f64 f32 c128 c64 go to
 * BLAS where ad_matmul_takes both operands (one of the strides is the item, the other a row or column after the
 * next: a transpose is a flag), unless ad_matmul_prefers_loops; all else are plain loops, so a caller with a large
 * product copies an operand that is not taken. Integers wrap; for bool: or of ands. */
struct ad_matrix {
    const char *data;
    int64_t row_stride, column_stride;
};
bool ad_matmul_takes(ad_dtype dtype, int64_t rows, int64_t columns, struct ad_matrix x);
bool ad_matmul_prefers_loops(int64_t m, int64_t n, int64_t k);
/* Large products are shared by threads. A stack of `count` small ones is worth sharing in parts of ad_matmul_batch
 * products. */
int64_t ad_matmul_batch(ad_dtype dtype, int64_t m, int64_t n, int64_t k, int64_t count);
/* `count` products, of matrices a_step and b_step bytes apart; those of C lie one after the other. */
void ad_matmul_stack(ad_dtype dtype, int64_t m, int64_t n, int64_t k, struct ad_matrix a, struct ad_matrix b, void *c, int64_t count, int64_t a_step,
                     int64_t b_step);

/* Calls of OpenBLAS, which stand between the two, run on the calling thread alone. */
int ad_openblas_hold(void);
void ad_openblas_release(int threads);
const char *ad_openblas_build(void);   /* "OpenBLAS 0.3.21 (OpenMP build)" */
const char *ad_openblas_kernels(void); /* "SkylakeX": the processor that it takes this one for */

/* BLIS, which multiplies in place of OpenBLAS where that has narrower kernels than the processor is made for.
 * ad_blis_choose decides it, by the name of OpenBLAS's kernels; it is called when the library is loaded. The strides
 * of operands fit: one is the item, the other what lies between rows or columns. */
void ad_blis_choose(const char *openblas_kernels);
const char *ad_blis_build(void); /* "BLIS 0.9.0"; NULL: OpenBLAS multiplies */
const char *ad_blis_kernels(void);
bool ad_blis_takes(ad_dtype dtype, int64_t m, int64_t n, int64_t k);
void ad_blis_multiply(ad_dtype dtype, int64_t m, int64_t n, int64_t k, struct ad_matrix a, struct ad_matrix b, void *c, int64_t width);

/* The thin singular value decomposition A = U diag(s) Vh of an (m, n) C-contiguous matrix of one of f64 f32 c128
 * c64, m and n at least 1. With k = min(m, n), U is (m, k), s has k reals, the largest first, and Vh is (k, n). An
 * infinity in A makes all of them NaN. Without vectors U and Vh are NULL. */
struct ad_svd {
    ad_dtype dtype;
    int m, n;
    bool vectors;
    int work_size;  /* of LAPACK's, in items */
    size_t scratch; /* bytes that ad_svd needs */
};
typedef enum ad_lapack_outcome { AD_LAPACK_DONE, AD_LAPACK_NAN, AD_LAPACK_NOT_CONVERGED } ad_lapack_outcome;
bool ad_svd_takes(int64_t m, int64_t n); /* false: larger than LAPACK can count */
struct ad_svd ad_svd_plan(ad_dtype dtype, int64_t m, int64_t n, bool vectors);
/* Other factorizations, of C-contiguous (n, n) matrices of one of f64 f32 c128 c64, n at most AD_LINALG_LARGEST.
 * Those that give an int give 0, or where they failed, counted from 1. */
enum { AD_LINALG_LARGEST = 30000 };

/* In place: A = L U P^T with U's diagonal 1; row i of P's swaps is exchanged with row pivots[i], counted from 1.
 * Fails where a pivot is 0, which L keeps. */
int ad_lu_factor(ad_dtype dtype, int64_t n, void *a, int32_t *pivots);
/* P A = L U of an (m, n) matrix, with L's diagonal 1 and both in lu; row i of A is exchanged with row pivots[i],
 * counted from 0, i below min(m, n). A pivot that is 0 is no failure. scratch: m n items. */
void ad_lu_by_rows(ad_dtype dtype, int64_t m, int64_t n, const void *a, void *lu, int32_t *pivots, void *scratch);
/* In place: the exchanges of row i with row pivots[i], in their order or back, i below count, of m rows of so many
 * bytes. Gives 0, or which pivot is no row, counted from 1. */
int64_t ad_exchange_rows(size_t row, bool back, int64_t m, int64_t count, const int64_t *pivots, void *x);
/* Where the diagonal of a is 0 first, counted from 1; 0: nowhere. */
int ad_zero_on_diagonal(ad_dtype dtype, int64_t n, const void *a);
/* x = A^-1 x, or transposed A^-T x, of k columns, from these factors. */
void ad_lu_solve(ad_dtype dtype, bool transposed, int64_t n, int64_t k, const void *lu, const int32_t *pivots, void *x);
/* x = A^-1 from these factors; all infinite where a pivot is 0. */
size_t ad_lu_inverse_scratch(ad_dtype dtype, int64_t n); /* bytes */
void ad_lu_inverse(ad_dtype dtype, int64_t n, const void *lu, const int32_t *pivots, void *x, void *scratch);
/* A = L L^H with L lower and zeros above; A's lower triangle is read. Fails at the leading minor that is not positive. */
int ad_cholesky(ad_dtype dtype, int64_t n, const void *a, void *l);
/* The cotangent of a Hermitian A from that of its factor l, g, of which the lower triangle is read; both pair without
 * conjugation. */
void ad_cholesky_reverse(ad_dtype dtype, int64_t n, const void *l, const void *g, void *out);
/* x = T^-1 x, or transposed T^-T x, with the lower or upper triangle T of a, its diagonal taken as 1 for `unit`. */
void ad_triangular_solve(ad_dtype dtype, bool lower, bool transposed, bool unit, int64_t n, int64_t k, const void *a, void *x);
/* Eigenvalues w, ascending, of a Hermitian matrix, and unit eigenvectors in the columns of v, which may be NULL. One
 * triangle is read, or both. */
size_t ad_eigh_scratch(ad_dtype dtype, int64_t n); /* bytes */
int ad_eigh(ad_dtype dtype, bool lower, int64_t n, const void *a, void *w, void *v, void *scratch);
/* Reduced factors A = Q R of an (m, n) matrix, k = min(m, n): q (m, columns) with columns k or m, r (columns, n). */
size_t ad_qr_scratch(ad_dtype dtype, int64_t m, int64_t n, int64_t columns);
int ad_qr(ad_dtype dtype, int64_t m, int64_t n, int64_t columns, const void *a, void *q, void *r, void *scratch);

/* small.c: the same decompositions of matrices that are small enough; false where they do not converge. Of eigh both
 * triangles are read. */
bool ad_eigh_is_small(int64_t n);
bool ad_eigh_small(ad_dtype dtype, int n, const void *a, void *w, void *v);
bool ad_svd_is_small(int64_t m, int64_t n);
bool ad_svd_small(ad_dtype dtype, int m, int n, const void *a, void *u, void *s, void *vh);
bool ad_qr_is_small(int64_t m, int64_t n, int64_t columns);
void ad_qr_small(ad_dtype dtype, int m, int n, int columns, const void *a, void *q, void *r);

/* tiles.c: b = A^T or A^H of an (m, n) matrix; b the Hermitian matrix of which a holds the lower triangle; the lower
 * triangle of a to b's upper one, transposed; and x's upper one to its lower one, with zeros left behind. */
void ad_transpose_matrix(ad_dtype dtype, bool conjugate, int64_t m, int64_t n, const void *a, void *b);
void ad_hermitian_of(ad_dtype dtype, int64_t n, const void *a, void *b);
void ad_lower_to_upper(ad_dtype dtype, int64_t n, const void *a, void *b);
void ad_upper_to_lower(ad_dtype dtype, int64_t n, void *x);
/* Whether there is no NaN and no infinity among them. */
bool ad_numbers_finite(ad_dtype dtype, int64_t count, const void *x);

/* Matrices without symmetry: schur.c. What fails gives one of these. */
typedef enum ad_schur_outcome { AD_SCHUR_DONE, AD_SCHUR_NOT_CONVERGED, AD_SCHUR_SINGULAR, AD_SCHUR_NEGATIVE, AD_SCHUR_ROOTLESS } ad_schur_outcome;
/* Complex eigenvalues w and unit eigenvectors in the columns of v, which may be NULL, of a real or complex matrix. */
size_t ad_eig_scratch(ad_dtype dtype, int64_t n); /* bytes */
ad_schur_outcome ad_eig(ad_dtype dtype, int64_t n, const void *a, void *w, void *v, void *scratch);
/* A^T = U T U^H with U unitary and T upper triangular, or with blocks of two on its diagonal where A is real; both by
 * columns. */
size_t ad_schur_scratch(ad_dtype dtype, int64_t n); /* bytes */
ad_schur_outcome ad_schur(ad_dtype dtype, int64_t n, const void *a, void *t, void *u, void *scratch);
/* In place: (m, n) x to the y of A y + y B = x, or of A^T y + y B^T = x, from the factors that ad_schur made of A, (m, m),
 * and B, (n, n). AD_SCHUR_SINGULAR: A and -B have an eigenvalue in common, but for rounding. */
size_t ad_sylvester_scratch(ad_dtype dtype, int64_t m, int64_t n); /* bytes */
ad_schur_outcome ad_sylvester(ad_dtype dtype, bool transposed, int64_t m, int64_t n, const void *ta, const void *ua, const void *tb, const void *ub, void *x,
                              void *scratch);
/* The principal root of a matrix. AD_SCHUR_NEGATIVE: a real one has a negative eigenvalue; AD_SCHUR_ROOTLESS: there is
 * none. */
size_t ad_root_scratch(ad_dtype dtype, int64_t n); /* bytes */
ad_schur_outcome ad_root(ad_dtype dtype, int64_t n, const void *a, void *x, void *scratch);

/* Matrices with l diagonals below the main one and u above: band.c. Element (i, j) is band[u + i - j, j] of a
 * C-contiguous (l + u + 1, n) array; what stands elsewhere in that is not read. factors: (n, 2 l + u + 1), pivots: n.
 * Gives 0, or where a pivot is 0, counted from 1; -1: a NaN or an infinity. */
int ad_band_factor(ad_dtype dtype, int64_t n, int64_t l, int64_t u, const void *band, void *factors, int32_t *pivots);
/* In place: (n, k) x to A^-1 x or A^-T x. scratch: n k items. */
void ad_band_solve(ad_dtype dtype, bool transposed, int64_t n, int64_t l, int64_t u, int64_t k, const void *factors, const int32_t *pivots, void *x,
                   void *scratch);

ad_lapack_outcome ad_svd(const struct ad_svd *svd, const void *a, void *u, void *s, void *vh, void *scratch);

#endif
