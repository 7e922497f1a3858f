/* The whole interface of the kernels to the layers above: loops on raw memory.
 *
 * Nothing here knows an array struct, a tape or an error. Strides are in bytes. Kernels never allocate: if one needs
 * scratch memory, its caller asks how much and brings it. Outputs never overlap inputs unless they are the same memory
 * with the same strides.
 *
 * The elementwise loops (elementwise.c, real.inc), the conversions (casts.c), the folds (fold.c), positions
 * (position.c), places (indices.c), sorts (sort.c) and Fourier transforms (fft.cc) are compiled once per instruction
 * set from one source and collected in one `struct ad_loops` each. ad_loops_for_this_cpu() picks one at run time. */
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

/* The functions of base.h, without a call. */
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

/* The function of one or two float64 numbers, with the same bits as the loop. y is not used by functions of one
 * operand. Only functions that give float64 have it. */
typedef double ad_number_function(double x, double y);

/* The product of a tangent or cotangent with a slope: a zero wins over an infinity beside it, whichever of the two
 * it is. */
#define AD_ZERO_WINS(x, y) ((((x) == 0) | ((y) == 0)) ? 0 : (x) * (y))

/* Which derivative of x^p power_slopes gives: the one of order k in x and m in p, both below AD_POWER_ORDERS. */
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

/* Folds `rows` rows of n elements, `step` bytes apart, into accumulators `acc_step` bytes apart. If acc_step is 0, all
 * rows go into the same accumulator. An accumulator is a row of n numbers, or one number if acc_stride is 0. */
typedef void ad_fold(int64_t rows, const char *in, int64_t step, char *acc, int64_t acc_step, int64_t n, int64_t stride, int64_t acc_stride);

/* The folds of every reduction. */
struct ad_folds {
    ad_fold *fold[AD_REDUCE_ALL + 1][AD_DTYPE_COUNT]; /* by the accumulator's dtype */
    ad_fold *sum_bytes;                               /* sum of uint8 or bool, into int64 */
};

/* The position of the largest or smallest of n > 0 elements. Of equal elements it is the first; if there is a NaN, it
 * is the first NaN. */
typedef int64_t ad_position(bool max, int64_t n, const char *in, int64_t stride);

/* Which of n elements x attain the extremum y that each belongs to: they are equal to it, or NaN. Gives how many; room
 * + 1 if they are more than `room`. `found` has AD_ATTAINED_SLACK elements beyond its room. */
typedef int64_t ad_attained(int64_t n, const char *x, int64_t x_stride, const char *y, int64_t y_stride, int64_t room, int64_t *found);

enum { AD_ATTAINED_SLACK = 8 };

enum { AD_FOLD_PIECE = 512 }; /* elements that are folded in order; longer rows are halved */

/* `rows` rows of n contiguous elements, sorted, and the stable order that sorts them. NaN comes last; complex numbers
 * are in lexicographic order. Equal elements keep their order; zeros of either sign are equal, and so are NaN. scratch:
 * ad_sort_scratch(n) bytes. */
struct ad_sorts {
    void (*values)(ad_dtype dtype, int64_t rows, int64_t n, const void *in, void *out, void *scratch);
    void (*order)(ad_dtype dtype, int64_t rows, int64_t n, const void *in, int64_t *out, void *scratch);
};

/* Places along an axis. */
struct ad_indices {
    bool (*all_within)(int64_t n, int64_t length, const int64_t *index);     /* whether all are from 0 on and below length */
    bool (*count_from_end)(int64_t n, int64_t length, int64_t *index);       /* makes those below 0 count from the end; false: one is not within */
    int64_t (*count_true)(int64_t n, const uint8_t *mask);                   /* of n bools */
    void (*places_of_true)(int64_t n, const uint8_t *mask, int64_t count, int64_t *places); /* of the `count` true ones, in order */
};

enum { AD_SORT_SLACK = 16 }; /* elements that a vector may write beyond the end */

/* The order, as places in all rows together, and the rows in that order. */
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
    ad_attained *const *attained;            /* by dtype; of floats */
    ad_loop *const (*casts)[AD_DTYPE_COUNT]; /* conversions, [from][to], of one input; complex to real drops the imaginary part */
};

const struct ad_loops *ad_loops_for_this_cpu(void);
ad_loop *ad_cast(ad_dtype from, ad_dtype to);

/* The dtype of an elementwise function's output for a loop dtype, from elementwise.def. */
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

/* A dense or strided operand of n dimensions. The dimensions themselves belong to the call. */
struct ad_operand {
    char *data;
    const int64_t *strides; /* one for each dimension of the call, 0 along broadcast ones */
    ad_dtype dtype;
};

/* Runs parts 0 to parts - 1, each once, on the calling thread and on others, in any order. It ends when all are done.
 * Nothing may depend on which thread runs a part. A loop within a part is not shared again. ad_threads gives how many
 * threads the calling thread may use. ad_threads_choose sets that, with 0 for the default. */
typedef void ad_part(void *context, int64_t part);
void ad_run_parts(int64_t parts, ad_part *run, void *context);
int ad_threads(void);
void ad_threads_choose(int count);

/* ad_run_loop may share a loop of so many elements with other threads. */
enum { AD_LOOP_SHARED = 1 << 15 };

/* Runs a loop over an n-dimensional index space: coalesces dimensions, orders them for memory, casts operands whose
 * dtype is not `loop_dtype` block by block, splits large spaces over threads. The same bits for any number of
 * threads. */
void ad_run_loop(ad_loop *loop, ad_dtype loop_dtype, int ndim, const int64_t *dims, int inputs, const struct ad_operand *in, struct ad_operand out);

/* Runs the loop of a function of two operands over n elements of `item` bytes. All elements lie one after another. The
 * result may take the place of an operand. */
static inline void ad_run_dense(ad_loop *loop, int64_t item, int64_t n, const char *a, const char *b, char *out)
{
    loop(n, (const char *const[]){ a, b }, (const int64_t[]){ item, item }, out, item);
}

/* Copies, converting dtype: the one copy routine (contiguous, transposed in cache blocks, broadcast, reversed). */
void ad_copy_strided(int ndim, const int64_t *dims, struct ad_operand in, struct ad_operand out);

/* sum += in, element by element, in sum's dtype. */
void ad_add_strided(const struct ad_loops *loops, int ndim, const int64_t *dims, struct ad_operand in, struct ad_operand sum);

/* Steps of centring rows of n floats, C-contiguous (ops/special/special.c). Between the steps the caller sums every
 * row. Each step rounds as the elementwise loop of its expression. */
struct ad_centre {
    /* tops: t where y is largest in size, 0 elsewhere; counts: 1 in those places. In a row with a NaN there are none */
    void (*top)(int64_t rows, int64_t n, const void *t, const void *y, void *tops, void *counts);
    /* out = t - sum / count, sums of tops; products = out y */
    void (*move)(int64_t rows, int64_t n, const void *t, const void *y, const void *sums, const void *counts, void *out, void *products);
    /* out -= sum, sums of products */
    void (*take)(int64_t rows, int64_t n, const void *sums, void *out);
};
extern const struct ad_centre ad_centre_f64, ad_centre_f32;

/* Reductions. `in` has ndim dimensions; reduced[i] says whether dimension i is summed away. `out` is C-contiguous over
 * the kept dimensions, in order. Sums of floats are pairwise or in short runs along every dimension. Sums of squares
 * have the bits of the sum of an array of squares. Result dtypes: sum and prod as `out.dtype` (f64, f32, c128, c64,
 * i64); squares (f64, f32), max, min as the input; argmax, argmin i64 (one reduced dimension, or all of them in C
 * order); any, all bool. max and min give NaN if there is one. The arg forms give the first of equal elements, or the
 * first NaN. Of zero elements: sum 0, prod 1, any 0, all 1; the caller has refused the others. */
void ad_reduce(ad_reduction kind, const struct ad_loops *loops, int ndim, const int64_t *dims, const bool *reduced, struct ad_operand in,
               struct ad_operand out);

/* The elements of C-contiguous floats that attain their result y of a reduction to extrema: the place of each in C
 * order, and the number of its result. Gives how many; room + 1 if they are more than `room`. `places` has
 * AD_ATTAINED_SLACK elements beyond its room. */
int64_t ad_attained_places(const struct ad_loops *loops, int ndim, const int64_t *dims, const bool *reduced, struct ad_operand in, const void *y, int64_t room,
                           int64_t *places, int64_t *results);

/* Running sum or product along one axis of a (outer, n, inner) C-contiguous array, in `dtype` (f64 f32 c128 c64
 * i64). */
void ad_scan_sum(ad_dtype dtype, int64_t outer, int64_t n, int64_t inner, const void *in, void *out, bool reverse);
void ad_scan_prod(ad_dtype dtype, int64_t outer, int64_t n, int64_t inner, const void *in, void *out, bool reverse);

/* y_j = a_j y_(j-1) + b_j along one axis of (outer, n, inner) C-contiguous arrays of floats, from b_0 on. In reverse it
 * has y_(j+1). A product with 0 is 0. */
void ad_recurrence(ad_dtype dtype, int64_t outer, int64_t n, int64_t inner, const void *a, const void *b, void *y, bool reverse);

/* out[o, j, i] = in[o, index[j], i] on C-contiguous (outer, n, inner) -> (outer, count, inner); item bytes per
 * element. Indices are valid. */
void ad_gather(size_t item, int64_t outer, int64_t n, int64_t inner, const int64_t *index, int64_t count, const void *in, void *out);
/* Rows of contiguous elements: row j of part o begins o outer_step + j step bytes from `data` on. */
struct ad_rows {
    const char *data;
    int64_t outer_step, step;
};

/* out[o, index[j], i] = in[o, j, i], of rows of `inner` elements; the last of repeated indices wins. */
void ad_put_rows(size_t item, int64_t outer, int64_t n, int64_t inner, const int64_t *index, int64_t count, struct ad_rows in, void *out);
/* out[o, index[j], i] = 0 */
void ad_clear_rows(size_t item, int64_t outer, int64_t n, int64_t inner, const int64_t *index, int64_t count, void *out);
/* out[o, j, i] = 0 where keep[j] is false */
void ad_keep_rows(size_t item, int64_t outer, int64_t count, int64_t inner, const uint8_t *keep, void *out);
/* out[o, index[j], i] += in[o, j, i]; repeated indices add up, in the order of j. */
void ad_scatter_add(ad_dtype dtype, int64_t outer, int64_t n, int64_t inner, const int64_t *index, int64_t count, const void *in, void *out);

/* The first index that is not within an axis of n elements. There has to be one. */
int64_t ad_first_beyond(int64_t n, const int64_t *index);
/* last[j]: whether index[j], of an axis of n elements, is not named again later. Gives how many such j there are.
 * named: scratch of n bytes. */
int64_t ad_last_named(int64_t n, const int64_t *index, int64_t count, uint8_t *named, uint8_t *last);
/* Numbers the different places in the order in which they first come: index[j] is different[number[j]]. Gives how many
 * there are. table: scratch of `size` numbers, a power of 2 larger than count. */
int64_t ad_number_places(const int64_t *index, int64_t count, int64_t *number, int64_t *different, int64_t *table, int64_t size);
/* Changes `count` places along one axis, in place, into places among all elements. The index has the given dimensions.
 * Each place is multiplied by `step`, and a step of `steps` is added for each move along an axis of the index. */
void ad_flat_places(int ndim, const int64_t *dims, const int64_t *steps, int64_t step, int64_t count, int64_t *places);
/* out[i, index[i]] = 1 in rows of `classes`, of zeros. */
void ad_fill_classes(ad_dtype dtype, int64_t count, int64_t classes, const int64_t *index, void *out);
/* The sum of n repeats in *total, or -1 if it is too large. With a step of 0 one number of repeats counts n times.
 * Gives the first repeat that is negative, otherwise 0. */
int64_t ad_total_of_repeats(int64_t n, const int64_t *repeats, int64_t step, int64_t *total);
/* Each i below n, as often as repeats[i * step] says. */
void ad_repeat_places(int64_t n, const int64_t *repeats, int64_t step, int64_t *places);
/* The `total` places of a row of n elements that is continued to both sides. They begin `before` elements before the
 * row. */
typedef enum ad_pad_mode { AD_PAD_CONSTANT, AD_PAD_EDGE, AD_PAD_REFLECT, AD_PAD_SYMMETRIC, AD_PAD_WRAP, AD_PAD_MODES } ad_pad_mode;
void ad_pad_places(ad_pad_mode mode, int64_t n, int64_t before, int64_t total, int64_t *places);
/* Joins values, one after the other, with what stands at places: j goes through the index, or back for `reverse`, and
 *
 *     x[o, index[j], i] = join(before, value[o, j, i]), where before = x[o, index[j], i]
 *
 * in a C-contiguous (outer, n, inner) x. join is a product, one in which a zero wins (of floats), the smaller or the
 * larger one (not of complex numbers), or before * factor[o, j, i] + value[o, j, i], where a product with 0 is 0 (of
 * floats). kept, if not NULL, is C-contiguous (outer, count, inner), and gets what stood there before, or of floats of
 * which one is smaller or larger, the slope of join along that: 1, 1/2 of equals and NaN, or 0. */
typedef enum ad_join { AD_JOIN_MUL, AD_JOIN_ZZMUL, AD_JOIN_MIN, AD_JOIN_MAX, AD_JOIN_RECURRENCE } ad_join;
struct ad_walk {
    ad_join join;
    ad_dtype dtype;
    bool reverse;
    int64_t outer, n, inner, count;
    const int64_t *index;
    struct ad_rows value, factor;
};
void ad_walk_places(const struct ad_walk *walk, void *x, void *kept);

/* Of n floats, f64 or f32: whether the sizes of all lie within bounds (that of a NaN does not); y = sqrt(x / divisor);
 * and y = other where x does not lie within bounds. */
bool ad_lie_within(ad_dtype dtype, int64_t n, const void *x, double least, double most);
void ad_roots(ad_dtype dtype, int64_t n, const void *x, double divisor, void *y);
void ad_replace_beyond(ad_dtype dtype, int64_t n, const void *x, double least, double most, const void *other, void *y);

/* start + i step, of integers, which wrap, and of reals. Whether element (i, j) of a matrix is on diagonal k or below
 * it (lower), or on it or above it. */
void ad_fill_integers(int64_t n, uint64_t start, uint64_t step, int64_t *out);
void ad_fill_reals(int64_t n, double start, double step, double *out);
/* What is on and below, or on and above, diagonal k of count (rows, columns) matrices, and 0 elsewhere. */
void ad_copy_triangle(ad_dtype dtype, bool lower, int64_t count, int64_t rows, int64_t columns, int64_t k, const void *x, void *out);
/* What is below the diagonal of (rows, columns), of which rows lie `stride` elements apart, 1 on it and 0 above. */
void ad_unit_lower(ad_dtype dtype, int64_t rows, int64_t columns, int64_t stride, const void *x, void *out);
/* In each row 1 at its place and 0 elsewhere, of f64 or f32. */
void ad_fill_ones_at(ad_dtype dtype, int64_t rows, int64_t columns, const int64_t *places, void *out);

/* Draws under a key, each element by its own bits. Philox gives two words for a counter under a key. */
struct ad_draw {
    uint64_t hi, lo;
};
void ad_philox(uint64_t counter_hi, uint64_t counter_lo, uint64_t key, uint64_t *words);
struct ad_draw ad_draw_fold_in(struct ad_draw key, uint64_t n); /* another key */
void ad_draw_bits(struct ad_draw key, int64_t n, uint64_t *out);
void ad_draw_uniform_f32(struct ad_draw key, double low, double high, int64_t n, float *out); /* from low on, and below high unless they are equal */
void ad_draw_uniform_f64(struct ad_draw key, double low, double high, int64_t n, double *out);
void ad_draw_normal_f32(struct ad_draw key, double loc, double scale, int64_t n, float *out);
void ad_draw_normal_f64(struct ad_draw key, double loc, double scale, int64_t n, double *out);
void ad_draw_below(struct ad_draw key, uint64_t low, uint64_t count, int64_t n, int64_t *out); /* `count` integers from low on */
void ad_draw_bernoulli(struct ad_draw key, double p, int64_t n, uint8_t *out);
void ad_draw_order(struct ad_draw key, int64_t n, int64_t drawn,
                   int64_t *order); /* the first `drawn` numbers of a random order of 0 ... n-1 (Fisher and Yates) */

/* C = A B, (m, k) times (k, n), for all dtypes. C is C-contiguous; A and B have any strides.
 *
 * f64 f32 c128 c64 go to BLAS if ad_matmul_takes both operands, unless ad_matmul_prefers_loops. An operand is taken if
 * one of its strides is the item and the other leads to a row or column after the next, since a transpose is a flag.
 * All others are plain loops, so a caller with a large product copies an operand that is not taken. Integers wrap. For
 * bool it is an or of ands. */
struct ad_matrix {
    const char *data;
    int64_t row_stride, column_stride;
};
bool ad_matmul_takes(ad_dtype dtype, int64_t rows, int64_t columns, struct ad_matrix x);
bool ad_matmul_prefers_loops(int64_t m, int64_t n, int64_t k);
/* Large products are shared by threads. A stack of `count` small ones is worth sharing in parts of ad_matmul_batch
 * products. */
int64_t ad_matmul_batch(ad_dtype dtype, int64_t m, int64_t n, int64_t k, int64_t count);
/* `count` products, of matrices that are a_step and b_step bytes apart. The matrices C lie one after the other. */
void ad_matmul_stack(ad_dtype dtype, int64_t m, int64_t n, int64_t k, struct ad_matrix a, struct ad_matrix b, void *c, int64_t count, int64_t a_step,
                     int64_t b_step);

/* Between these two, calls of OpenBLAS run on the calling thread alone. */
int ad_openblas_hold(void);
void ad_openblas_release(int threads);
const char *ad_openblas_build(void);   /* "OpenBLAS 0.3.21 (OpenMP build)" */
const char *ad_openblas_kernels(void); /* "SkylakeX": the processor that it takes this one for */

/* BLIS, which multiplies in place of OpenBLAS where OpenBLAS has narrower kernels than the processor could use.
 * ad_blis_choose decides that, by the name of OpenBLAS's kernels. It is called when the library is loaded. The strides
 * of operands fit: one is the item, the other lies between rows or columns. */
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
    int work_size;  /* of LAPACK's work memory, in items */
    size_t scratch; /* bytes that ad_svd needs */
};
typedef enum ad_lapack_outcome { AD_LAPACK_DONE, AD_LAPACK_NAN, AD_LAPACK_NOT_CONVERGED } ad_lapack_outcome;
bool ad_svd_takes(int64_t m, int64_t n); /* false: larger than LAPACK can count */
struct ad_svd ad_svd_plan(ad_dtype dtype, int64_t m, int64_t n, bool vectors);
/* Other factorizations, of C-contiguous (n, n) matrices of one of f64 f32 c128 c64, with n at most AD_LINALG_LARGEST. A
 * function that gives an int gives 0, or the place where it failed, counted from 1. */
enum { AD_LINALG_LARGEST = 30000 };

/* In place: A = L U P^T where U's diagonal is 1. Row i of P's swaps is exchanged with row pivots[i], counted from 1. It
 * fails where a pivot is 0; L keeps that 0. */
int ad_lu_factor(ad_dtype dtype, int64_t n, void *a, int32_t *pivots);
/* P A = L U for an (m, n) matrix, where L's diagonal is 1 and both are in lu. Row i of A is exchanged with row
 * pivots[i], counted from 0, for i below min(m, n). A pivot of 0 is not a failure. scratch: m n items. */
void ad_lu_by_rows(ad_dtype dtype, int64_t m, int64_t n, const void *a, void *lu, int32_t *pivots, void *scratch);
/* In place: exchanges row i with row pivots[i], in order or back, for i below count. There are m rows of `row` bytes.
 * Gives 0, or which pivot is not a row, counted from 1. */
int64_t ad_exchange_rows(size_t row, bool back, int64_t m, int64_t count, const int64_t *pivots, void *x);
/* The first place where the diagonal of a is 0, counted from 1; 0 if there is none. */
int ad_zero_on_diagonal(ad_dtype dtype, int64_t n, const void *a);
/* x = A^-1 x, or if transposed A^-T x, for k columns, from these factors. */
void ad_lu_solve(ad_dtype dtype, bool transposed, int64_t n, int64_t k, const void *lu, const int32_t *pivots, void *x);
/* x = A^-1 from these factors; all infinite where a pivot is 0. */
size_t ad_lu_inverse_scratch(ad_dtype dtype, int64_t n); /* bytes */
void ad_lu_inverse(ad_dtype dtype, int64_t n, const void *lu, const int32_t *pivots, void *x, void *scratch);
/* A = L L^H with L lower and zeros above; A's lower triangle is read. Fails at the leading minor that is not
 * positive. */
int ad_cholesky(ad_dtype dtype, int64_t n, const void *a, void *l);
/* The cotangent of a Hermitian A from that of its factor l, g, of which the lower triangle is read; both pair without
 * conjugation. */
void ad_cholesky_reverse(ad_dtype dtype, int64_t n, const void *l, const void *g, void *out);
/* x = T^-1 x, or if transposed T^-T x, where T is the lower or upper triangle of a. With `unit` its diagonal is taken
 * as 1. */
void ad_triangular_solve(ad_dtype dtype, bool lower, bool transposed, bool unit, int64_t n, int64_t k, const void *a, void *x);
/* Eigenvalues w, ascending, of a Hermitian matrix, and unit eigenvectors in the columns of v, which may be NULL. One
 * triangle is read, or both. */
size_t ad_eigh_scratch(ad_dtype dtype, int64_t n); /* bytes */
int ad_eigh(ad_dtype dtype, bool lower, int64_t n, const void *a, void *w, void *v, void *scratch);
/* Reduced factors A = Q R of an (m, n) matrix, with k = min(m, n): q (m, columns), where columns is k or m, and r
 * (columns, n). */
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

/* Matrices without symmetry: schur.c. A function that fails gives one of these. */
typedef enum ad_schur_outcome { AD_SCHUR_DONE, AD_SCHUR_NOT_CONVERGED, AD_SCHUR_SINGULAR, AD_SCHUR_NEGATIVE, AD_SCHUR_ROOTLESS } ad_schur_outcome;
/* Complex eigenvalues w and unit eigenvectors in the columns of v, which may be NULL, of a real or complex matrix. */
size_t ad_eig_scratch(ad_dtype dtype, int64_t n); /* bytes */
ad_schur_outcome ad_eig(ad_dtype dtype, int64_t n, const void *a, void *w, void *v, void *scratch);
/* A^T = U T U^H, where U is unitary. T is upper triangular, or has blocks of two on its diagonal if A is real. Both are
 * stored by columns. */
size_t ad_schur_scratch(ad_dtype dtype, int64_t n); /* bytes */
ad_schur_outcome ad_schur(ad_dtype dtype, int64_t n, const void *a, void *t, void *u, void *scratch);
/* In place: turns x, (m, n), into the y of A y + y B = x, or of A^T y + y B^T = x, from the factors that ad_schur made
 * of A, (m, m), and B, (n, n). AD_SCHUR_SINGULAR: A and -B have an eigenvalue in common, up to rounding. */
size_t ad_sylvester_scratch(ad_dtype dtype, int64_t m, int64_t n); /* bytes */
ad_schur_outcome ad_sylvester(ad_dtype dtype, bool transposed, int64_t m, int64_t n, const void *ta, const void *ua, const void *tb, const void *ub, void *x,
                              void *scratch);
/* The principal root of a matrix. AD_SCHUR_NEGATIVE: a real matrix has a negative eigenvalue. AD_SCHUR_ROOTLESS: there
 * is no root. */
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
