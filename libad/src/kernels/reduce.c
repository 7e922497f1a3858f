/* Reductions: sums, products, extrema and where they are, any and all.
 *
 * Memory is walked in the order of the input. If its innermost dimension is reduced, rows become numbers; if it is kept, rows are added to rows.
 * Rows are summed in 16 lanes within blocks of 512 and the blocks pairwise, so the bits depend on shape and strides only, not on the
 * CPU, and the error grows with the logarithm of the length. */
#include "kernels/loops.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 16, PIECE = 512, LARGEST_ITEM = 16 };

/* A row folded into *acc, and a row folded into a row of accumulators. */
typedef void row_fold(int64_t n, const char *in, int64_t stride, void *acc);
typedef void rows_fold(int64_t n, const char *in, int64_t stride, char *acc, int64_t acc_stride);

/* Folds that may be reordered: LANES partial results, joined in a fixed order. */
#define FOLD(name, T, first, joined)                                                                                   \
    static T name##_block(int64_t n, const char *in, int64_t stride)                                                   \
    {                                                                                                                  \
        T lane[LANES];                                                                                                 \
        int64_t i = 0;                                                                                                 \
        if (n < LANES) {                                                                                               \
            T a = first;                                                                                               \
            for (; i < n; i++) {                                                                                       \
                T b = *(const T *)(in + i * stride);                                                                   \
                a = joined;                                                                                            \
            }                                                                                                          \
            return a;                                                                                                  \
        }                                                                                                              \
        for (int l = 0; l < LANES; l++)                                                                                \
            lane[l] = *(const T *)(in + l * stride);                                                                   \
        if (stride == sizeof(T)) {                                                                                     \
            const T *x = (const T *)in;                                                                                \
            for (i = LANES; i + LANES <= n; i += LANES)                                                                \
                for (int l = 0; l < LANES; l++) {                                                                      \
                    T a = lane[l], b = x[i + l];                                                                       \
                    lane[l] = joined;                                                                                  \
                }                                                                                                      \
        } else {                                                                                                       \
            for (i = LANES; i + LANES <= n; i += LANES)                                                                \
                for (int l = 0; l < LANES; l++) {                                                                      \
                    T a = lane[l], b = *(const T *)(in + (i + l) * stride);                                            \
                    lane[l] = joined;                                                                                  \
                }                                                                                                      \
        }                                                                                                              \
        for (int l = 0; i < n; i++, l++) {                                                                             \
            T a = lane[l], b = *(const T *)(in + i * stride);                                                          \
            lane[l] = joined;                                                                                          \
        }                                                                                                              \
        for (int half = LANES / 2; half; half /= 2)                                                                    \
            for (int l = 0; l < half; l++) {                                                                           \
                T a = lane[l], b = lane[l + half];                                                                     \
                lane[l] = joined;                                                                                      \
            }                                                                                                          \
        return lane[0];                                                                                                \
    }                                                                                                                  \
    static T name##_pairwise(int64_t n, const char *in, int64_t stride)                                                \
    {                                                                                                                  \
        if (n <= PIECE)                                                                                                \
            return name##_block(n, in, stride);                                                                        \
        int64_t half = (n / 2 + PIECE - 1) / PIECE * PIECE;                                                            \
        T a = name##_pairwise(half, in, stride), b = name##_pairwise(n - half, in + half * stride, stride);            \
        return joined;                                                                                                 \
    }                                                                                                                  \
    static void name##_row(int64_t n, const char *in, int64_t stride, void *acc)                                       \
    {                                                                                                                  \
        T a = *(T *)acc, b = name##_pairwise(n, in, stride);                                                           \
        *(T *)acc = joined;                                                                                            \
    }                                                                                                                  \
    static void name##_rows(int64_t n, const char *in, int64_t stride, char *acc, int64_t acc_stride)                  \
    {                                                                                                                  \
        if (stride == sizeof(T) && acc_stride == sizeof(T)) {                                                          \
            const T *x = (const T *)in;                                                                                \
            T *y = (T *)acc;                                                                                           \
            INDEPENDENT for (int64_t i = 0; i < n; i++)                                                                \
            {                                                                                                          \
                T a = y[i], b = x[i];                                                                                  \
                y[i] = joined;                                                                                         \
            }                                                                                                          \
            return;                                                                                                    \
        }                                                                                                              \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            T a = *(T *)(acc + i * acc_stride), b = *(const T *)(in + i * stride);                                     \
            *(T *)(acc + i * acc_stride) = joined;                                                                     \
        }                                                                                                              \
    }

static inline c128 product_c128(c128 x, c128 y)
{
    return __builtin_complex(__real__ x * __real__ y - __imag__ x * __imag__ y, __real__ x * __imag__ y + __imag__ x * __real__ y);
}

static inline c64 product_c64(c64 x, c64 y)
{
    return __builtin_complex(__real__ x * __real__ y - __imag__ x * __imag__ y, __real__ x * __imag__ y + __imag__ x * __real__ y);
}

FOLD(sum_f64, double, 0, a + b)
FOLD(sum_f32, float, 0, a + b)
FOLD(sum_c128, c128, 0, a + b)
FOLD(sum_c64, c64, 0, a + b)
FOLD(sum_i64, int64_t, 0, (int64_t)((uint64_t)a + (uint64_t)b))
FOLD(prod_f64, double, 1, a * b)
FOLD(prod_f32, float, 1, a * b)
FOLD(prod_c128, c128, 1, product_c128(a, b))
FOLD(prod_c64, c64, 1, product_c64(a, b))
FOLD(prod_i64, int64_t, 1, (int64_t)((uint64_t)a * (uint64_t)b))
/* a NaN wins, whichever side it is on */
FOLD(max_f64, double, -INFINITY, a >= b || a != a ? a : b)
FOLD(max_f32, float, -INFINITY, a >= b || a != a ? a : b)
FOLD(max_i64, int64_t, INT64_MIN, a >= b ? a : b)
FOLD(max_i32, int32_t, INT32_MIN, a >= b ? a : b)
FOLD(max_u8, uint8_t, 0, a >= b ? a : b)
FOLD(min_f64, double, INFINITY, a <= b || a != a ? a : b)
FOLD(min_f32, float, INFINITY, a <= b || a != a ? a : b)
FOLD(min_i64, int64_t, INT64_MAX, a <= b ? a : b)
FOLD(min_i32, int32_t, INT32_MAX, a <= b ? a : b)
FOLD(min_u8, uint8_t, UINT8_MAX, a <= b ? a : b)
/* complex numbers by real part, then imaginary part; not at least as large as one with a NaN */
#define AT_LEAST(a, b) ((__real__ a > __real__ b && __imag__ b == __imag__ b) || (__real__ a == __real__ b && __imag__ a >= __imag__ b))
#define AT_MOST(a, b)  ((__real__ a < __real__ b && __imag__ b == __imag__ b) || (__real__ a == __real__ b && __imag__ a <= __imag__ b))
FOLD(max_c128, c128, __builtin_complex(-(double)INFINITY, -(double)INFINITY), AT_LEAST(a, b) || a != a ? a : b)
FOLD(max_c64, c64, __builtin_complex(-INFINITY, -INFINITY), AT_LEAST(a, b) || a != a ? a : b)
FOLD(min_c128, c128, __builtin_complex((double)INFINITY, (double)INFINITY), AT_MOST(a, b) || a != a ? a : b)
FOLD(min_c64, c64, __builtin_complex(INFINITY, INFINITY), AT_MOST(a, b) || a != a ? a : b)

static const struct fold {
    row_fold *row;
    rows_fold *rows;
} folds[][AD_DTYPE_COUNT] = {
#define OF(name) { name##_row, name##_rows }
    [AD_REDUCE_SUM] = { [AD_F64] = OF(sum_f64), [AD_F32] = OF(sum_f32), [AD_C128] = OF(sum_c128), [AD_C64] = OF(sum_c64), [AD_I64] = OF(sum_i64) },
    [AD_REDUCE_PROD] = { [AD_F64] = OF(prod_f64), [AD_F32] = OF(prod_f32), [AD_C128] = OF(prod_c128), [AD_C64] = OF(prod_c64), [AD_I64] = OF(prod_i64) },
    [AD_REDUCE_MAX] = { [AD_F64] = OF(max_f64), [AD_F32] = OF(max_f32), [AD_C128] = OF(max_c128), [AD_C64] = OF(max_c64),
                        [AD_I64] = OF(max_i64), [AD_I32] = OF(max_i32), [AD_U8] = OF(max_u8), [AD_BOOL] = OF(max_u8) },
    [AD_REDUCE_MIN] = { [AD_F64] = OF(min_f64), [AD_F32] = OF(min_f32), [AD_C128] = OF(min_c128), [AD_C64] = OF(min_c64),
                        [AD_I64] = OF(min_i64), [AD_I32] = OF(min_i32), [AD_U8] = OF(min_u8), [AD_BOOL] = OF(min_u8) },
    [AD_REDUCE_ANY] = { [AD_BOOL] = OF(max_u8) },
    [AD_REDUCE_ALL] = { [AD_BOOL] = OF(min_u8) },
#undef OF
};

/* ---- the walk ---- */

/* What an empty reduction gives, in the accumulator's dtype. */
static void fill_first(ad_reduction kind, ad_dtype dtype, int64_t n, char *out)
{
    static const double first[] = { [AD_REDUCE_PROD] = 1, [AD_REDUCE_MAX] = -INFINITY, [AD_REDUCE_MIN] = INFINITY, [AD_REDUCE_ALL] = 1 };
    static const int64_t smallest = INT64_MIN, largest = INT64_MAX;
    static const int32_t smallest32 = INT32_MIN, largest32 = INT32_MAX;
    size_t item = ad_dtype_size(dtype);
    char value[LARGEST_ITEM] = { 0 };
    int64_t none = 0;
    ad_casts[AD_F64][dtype](1, (const char *const[]){ (const char *)&first[kind] }, &none, value, 0);
    bool extreme = kind == AD_REDUCE_MAX || kind == AD_REDUCE_MIN, max = kind == AD_REDUCE_MAX;
    if (extreme && (dtype == AD_C128 || dtype == AD_C64)) /* the imaginary part too */
        memcpy(value + item / 2, value, item / 2);
    if (extreme && dtype == AD_I64)
        memcpy(value, max ? &smallest : &largest, sizeof smallest);
    if (extreme && dtype == AD_I32)
        memcpy(value, max ? &smallest32 : &largest32, sizeof smallest32);
    if (extreme && (dtype == AD_U8 || dtype == AD_BOOL))
        memset(value, max ? 0 : 255, 1);
    for (int64_t i = 0; i < n; i++)
        memcpy(out + (size_t)i * item, value, item);
}

struct walk {
    int ndim;
    int64_t dims[AD_MAX_NDIM], in[AD_MAX_NDIM], out[AD_MAX_NDIM]; /* strides; out's is 0 along reduced dimensions */
};

/* Sorted by the input's stride, largest first, and joined where both operands walk neighbours as one. */
static void canonicalise(struct walk *w)
{
    for (int d = 1; d < w->ndim; d++)
        for (int e = d; e > 0 && llabs(w->in[e]) > llabs(w->in[e - 1]); e--) {
            int64_t *columns[] = { w->dims, w->in, w->out };
            for (int k = 0; k < 3; k++) {
                int64_t saved = columns[k][e];
                columns[k][e] = columns[k][e - 1];
                columns[k][e - 1] = saved;
            }
        }
    int last = 0;
    for (int d = 1; d < w->ndim; d++) {
        bool same_kind = (w->out[last] == 0) == (w->out[d] == 0);
        if (same_kind && w->in[last] == w->in[d] * w->dims[d] && w->out[last] == w->out[d] * w->dims[d]) {
            w->dims[last] *= w->dims[d];
        } else {
            w->dims[++last] = w->dims[d];
        }
        w->in[last] = w->in[d];
        w->out[last] = w->out[d];
    }
    w->ndim = w->ndim ? last + 1 : 0;
}

/* One innermost row, converted piece by piece where the dtypes differ. */
static void fold_row(const struct fold *fold, ad_loop *cast, size_t item, const struct walk *w, const char *in, char *out)
{
    int d = w->ndim - 1;
    int64_t n = d >= 0 ? w->dims[d] : 1, stride = d >= 0 ? w->in[d] : 0, out_stride = d >= 0 ? w->out[d] : 0;
    _Alignas(64) char converted[PIECE * LARGEST_ITEM];
    for (int64_t i = 0, count = n; i < n; i += count) {
        const char *from = in + i * stride;
        int64_t from_stride = stride;
        if (cast) {
            count = n - i < PIECE ? n - i : PIECE;
            cast(count, &from, &stride, converted, (int64_t)item);
            from = converted;
            from_stride = (int64_t)item;
        }
        if (out_stride == 0)
            fold->row(count, from, from_stride, out);
        else
            fold->rows(count, from, from_stride, out + i * out_stride, out_stride);
    }
}

static void run_walk(const struct fold *fold, ad_loop *cast, size_t item, const struct walk *w, const char *in, char *out)
{
    int64_t index[AD_MAX_NDIM] = { 0 };
    for (;;) {
        fold_row(fold, cast, item, w, in, out);
        int d = w->ndim - 2;
        for (; d >= 0; d--) {
            in += w->in[d];
            out += w->out[d];
            if (++index[d] < w->dims[d])
                break;
            in -= w->in[d] * w->dims[d];
            out -= w->out[d] * w->dims[d];
            index[d] = 0;
        }
        if (d < 0)
            return;
    }
}

/* ---- where the extremum is ---- */

/* Position in a row of the first element equal to its extremum, or of the first NaN. */
#define POSITION(T, dtype)                                                                                             \
    static int64_t position_##dtype(bool max, int64_t n, const char *in, int64_t stride)                               \
    {                                                                                                                  \
        T best = max ? max_##dtype##_pairwise(n, in, stride) : min_##dtype##_pairwise(n, in, stride);                  \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            T x = *(const T *)(in + i * stride);                                                                       \
            if (x == best || (best != best && x != x))                                                                 \
                return i;                                                                                              \
        }                                                                                                              \
        return 0;                                                                                                      \
    }

POSITION(double, f64)
POSITION(float, f32)
POSITION(c128, c128)
POSITION(c64, c64)
POSITION(int64_t, i64)
POSITION(int32_t, i32)
POSITION(uint8_t, u8)

static int64_t position(ad_dtype dtype, bool max, int64_t n, const char *in, int64_t stride)
{
    switch (dtype) {
    case AD_F64: return position_f64(max, n, in, stride);
    case AD_F32: return position_f32(max, n, in, stride);
    case AD_C128: return position_c128(max, n, in, stride);
    case AD_C64: return position_c64(max, n, in, stride);
    case AD_I64: return position_i64(max, n, in, stride);
    case AD_I32: return position_i32(max, n, in, stride);
    default: return position_u8(max, n, in, stride);
    }
}

/* One reduced dimension; the kept ones in C order. */
static void reduce_position(bool max, int ndim, const int64_t *dims, const bool *reduced, struct ad_operand in, int64_t *out)
{
    int axis = 0;
    int64_t index[AD_MAX_NDIM] = { 0 }, n = 1, stride = 0;
    for (; axis < ndim && !reduced[axis]; axis++)
        ;
    if (axis < ndim) {
        n = dims[axis];
        stride = in.strides[axis];
    }
    for (const char *at = in.data;;) {
        *out++ = position(in.dtype, max, n, at, stride);
        int d = ndim - 1;
        for (; d >= 0; d--) {
            if (d == axis)
                continue;
            at += in.strides[d];
            if (++index[d] < dims[d])
                break;
            at -= in.strides[d] * dims[d];
            index[d] = 0;
        }
        if (d < 0)
            return;
    }
}

void ad_reduce(ad_reduction kind, int ndim, const int64_t *dims, const bool *reduced, struct ad_operand in, struct ad_operand out)
{
    size_t item = ad_dtype_size(out.dtype);
    int64_t kept = 1, size = 1, stride = (int64_t)item;
    struct walk w = { 0 };
    for (int d = 0; d < ndim; d++) {
        kept *= reduced[d] ? 1 : dims[d];
        size *= dims[d];
    }
    if (size && (kind == AD_REDUCE_ARGMAX || kind == AD_REDUCE_ARGMIN)) {
        reduce_position(kind == AD_REDUCE_ARGMAX, ndim, dims, reduced, in, (int64_t *)out.data);
        return;
    }
    fill_first(kind, out.dtype, kept, out.data);
    if (size == 0)
        return;
    int64_t out_strides[AD_MAX_NDIM];
    for (int d = ndim - 1; d >= 0; d--) {
        out_strides[d] = reduced[d] ? 0 : stride;
        stride *= reduced[d] ? 1 : dims[d];
    }
    for (int d = 0; d < ndim; d++)
        if (dims[d] != 1) {
            w.dims[w.ndim] = dims[d];
            w.in[w.ndim] = in.strides[d];
            w.out[w.ndim++] = out_strides[d];
        }
    canonicalise(&w);
    run_walk(&folds[kind][out.dtype], in.dtype == out.dtype ? NULL : ad_casts[in.dtype][out.dtype], item, &w, in.data, out.data);
}
