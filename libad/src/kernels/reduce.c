/* Reductions: sums, products, extrema and where they are, any and all.
 *
 * Memory is walked in the order of the input. If its innermost dimension is reduced, rows become numbers; if it is kept, rows are added to rows.
 * The rows themselves are fold.c's. */
#include "kernels/kernels.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_ITEM = 16 };

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
static void fold_row(const struct ad_fold *fold, ad_loop *cast, size_t item, const struct walk *w, const char *in, char *out)
{
    int d = w->ndim - 1;
    int64_t n = d >= 0 ? w->dims[d] : 1, stride = d >= 0 ? w->in[d] : 0, out_stride = d >= 0 ? w->out[d] : 0;
    _Alignas(64) char converted[AD_FOLD_PIECE * LARGEST_ITEM];
    for (int64_t i = 0, count = n; i < n; i += count) {
        const char *from = in + i * stride;
        int64_t from_stride = stride;
        if (cast) {
            count = n - i < AD_FOLD_PIECE ? n - i : AD_FOLD_PIECE;
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

static void run_walk(const struct ad_fold *fold, ad_loop *cast, size_t item, const struct walk *w, const char *in, char *out)
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

/* One reduced dimension; the kept ones in C order. */
static void reduce_position(const struct ad_folds *folds, bool max, int ndim, const int64_t *dims, const bool *reduced, struct ad_operand in, int64_t *out)
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
        *out++ = folds->position[in.dtype](max, n, at, stride);
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

void ad_reduce(ad_reduction kind, const struct ad_loops *loops, int ndim, const int64_t *dims, const bool *reduced, struct ad_operand in,
               struct ad_operand out)
{
    size_t item = ad_dtype_size(out.dtype);
    int64_t kept = 1, size = 1, stride = (int64_t)item;
    struct walk w = { 0 };
    for (int d = 0; d < ndim; d++) {
        kept *= reduced[d] ? 1 : dims[d];
        size *= dims[d];
    }
    if (size && (kind == AD_REDUCE_ARGMAX || kind == AD_REDUCE_ARGMIN)) {
        reduce_position(loops->folds, kind == AD_REDUCE_ARGMAX, ndim, dims, reduced, in, (int64_t *)out.data);
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
    run_walk(&loops->folds->fold[kind][out.dtype], in.dtype == out.dtype ? NULL : ad_casts[in.dtype][out.dtype], item, &w, in.data, out.data);
}
