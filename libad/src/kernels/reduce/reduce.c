/* Reductions: sums, products, extrema and where they are, any and all.
 *
 * Memory is walked in the order of the input. If its innermost dimension is reduced, rows become numbers. If it is
 * kept, rows are added to rows, for a sum in runs. fold.c has the rows themselves, and position.c finds where their
 * extrema are. */
#include "kernels/kernels.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_ITEM = 16, FILLED = 4096 };

/* ---- the walk ---- */

/* The value that an empty reduction gives, in the accumulator's dtype. */
static void fill_first(ad_reduction kind, ad_dtype dtype, int64_t n, char *out)
{
    static const double first[] = { [AD_REDUCE_PROD] = 1, [AD_REDUCE_MAX] = -INFINITY, [AD_REDUCE_MIN] = INFINITY, [AD_REDUCE_ALL] = 1 };
    static const int64_t smallest = INT64_MIN, largest = INT64_MAX;
    static const int32_t smallest32 = INT32_MIN, largest32 = INT32_MAX;
    size_t item = (size_t)ad_item_size(dtype);
    char value[LARGEST_ITEM] = { 0 };
    int64_t none = 0;
    ad_cast(AD_F64, dtype)(1, (const char *const[]){ (const char *)&first[kind] }, &none, value, 0);
    bool extreme = kind == AD_REDUCE_MAX || kind == AD_REDUCE_MIN, max = kind == AD_REDUCE_MAX;
    if (extreme && ad_dtype_is_complex(dtype)) /* the imaginary part too */
        memcpy(value + item / 2, value, item / 2);
    if (extreme && dtype == AD_I64)
        memcpy(value, max ? &smallest : &largest, sizeof smallest);
    if (extreme && dtype == AD_I32)
        memcpy(value, max ? &smallest32 : &largest32, sizeof smallest32);
    if (extreme && (dtype == AD_U8 || dtype == AD_BOOL))
        memset(value, max ? 0 : 255, 1);
    size_t bytes = (size_t)n * item;
    memcpy(out, value, bytes ? item : 0);
    for (size_t done = item, more; done < bytes; done += more) {
        more = done < FILLED ? done : FILLED;
        more = more < bytes - done ? more : bytes - done;
        memcpy(out + done, out, more);
    }
}

enum { MOST_DIMENSIONS = 2 * AD_MAX_NDIM }; /* each may be cut in two */

struct walk {
    int ndim;
    int64_t dims[MOST_DIMENSIONS], in[MOST_DIMENSIONS], out[MOST_DIMENSIONS]; /* strides; those of out are 0 along reduced dimensions */
    int64_t place[MOST_DIMENSIONS]; /* strides of places, or 0 if places are not asked for */
};

/* Exchanges dimension d and the one before it. */
static void exchange(struct walk *w, int d)
{
    int64_t *columns[] = { w->dims, w->in, w->out, w->place };
    for (int k = 0; k < 4; k++) {
        int64_t saved = columns[k][d];
        columns[k][d] = columns[k][d - 1];
        columns[k][d - 1] = saved;
    }
}

/* Sorts the dimensions by the input's stride, the largest first, and joins those that both operands walk as one. */
static void canonicalise(struct walk *w)
{
    for (int d = 1; d < w->ndim; d++)
        for (int e = d; e > 0 && llabs(w->in[e]) > llabs(w->in[e - 1]); e--)
            exchange(w, e);
    int last = 0;
    for (int d = 1; d < w->ndim; d++) {
        bool same_kind = (w->out[last] == 0) == (w->out[d] == 0);
        bool next = w->in[last] == w->in[d] * w->dims[d] && w->out[last] == w->out[d] * w->dims[d] && w->place[last] == w->place[d] * w->dims[d];
        if (same_kind && next) {
            w->dims[last] *= w->dims[d];
        } else {
            w->dims[++last] = w->dims[d];
        }
        w->in[last] = w->in[d];
        w->out[last] = w->out[d];
        w->place[last] = w->place[d];
    }
    w->ndim = w->ndim ? last + 1 : 0;
}

/* Rows that are added one after another lose digits as their number grows: a float32 sum of ones stops at 2^24. So a
 * reduced dimension outside the rows is cut into runs of RUN. Each run is summed from 0, and so are the sums of RUN
 * runs, level by level. The error then grows with the logarithm of the length.
 *
 * The sums of a level are kept beside `out`. They have a place for each element of `out` that is kept inside the
 * dimension, packed. So `out` is walked in tiles. */
enum { RUN = 32, TILE_BYTES = 16384, PARTIAL_BYTES = 16384 };

struct sums {
    ad_fold *fold, *add; /* of rows; of their sums */
    ad_loop *cast;       /* NULL: no conversion is needed */
    const uint8_t *last; /* for any and all: the value that an accumulator does not change from; otherwise NULL */
    int64_t item;  /* bytes of an element of out */
    struct walk w;
    int levels[MOST_DIMENSIONS];         /* levels of runs of a dimension; 0: its rows are added as they come */
    int64_t packed[MOST_DIMENSIONS];     /* strides of a tile */
    int64_t tile_bytes[MOST_DIMENSIONS]; /* bytes of the tile of what is inside a dimension */
    char *partials[MOST_DIMENSIONS];     /* a dimension's tiles, one for each level */
};

/* Folds `rows` neighbours of the last dimension but one, from the place given. If the dtypes differ, they are converted
 * piece by piece. */
static void fold_rows(const struct sums *s, int64_t rows, const char *in, char *acc, const int64_t *strides)
{
    int last = s->w.ndim - 1;
    int64_t n = last >= 0 ? s->w.dims[last] : 1, stride = last >= 0 ? s->w.in[last] : 0, acc_stride = last >= 0 ? strides[last] : 0;
    int64_t step = last > 0 ? s->w.in[last - 1] : 0, acc_step = last > 0 ? strides[last - 1] : 0;
    if (!s->cast) {
        s->fold(rows, in, step, acc, acc_step, n, stride, acc_stride);
        return;
    }
    _Alignas(64) char converted[AD_FOLD_PIECE * LARGEST_ITEM];
    for (; rows > 0; rows--, in += step, acc += acc_step)
        for (int64_t i = 0, count; i < n && !(s->last && acc_stride == 0 && *(uint8_t *)acc == *s->last); i += count) {
            const char *from = in + i * stride;
            count = n - i < AD_FOLD_PIECE ? n - i : AD_FOLD_PIECE;
            s->cast(count, &from, &stride, converted, s->item);
            s->fold(1, converted, 0, acc + i * acc_stride, 0, count, s->item, acc_stride);
        }
}

static int next_kept(const struct walk *w, int d)
{
    while (d < w->ndim && w->out[d] == 0)
        d++;
    return d;
}

/* Adds a packed tile, of the kept dimensions from d on, to acc. */
static void add_tile(const struct sums *s, int d, const char *tile, char *acc, const int64_t *strides)
{
    const struct walk *w = &s->w;
    d = next_kept(w, d);
    if (d == w->ndim)
        s->add(1, tile, 0, acc, 0, 1, s->item, 0);
    else if (next_kept(w, d + 1) == w->ndim)
        s->add(1, tile, 0, acc, 0, w->dims[d], s->item, strides[d]);
    else
        for (int64_t i = 0; i < w->dims[d]; i++)
            add_tile(s, d + 1, tile + i * s->packed[d], acc + i * strides[d], strides);
}

/* Folds `count` elements of dimension d, and everything inside it, from the place given into acc, which has the given
 * strides. */
static void fold_some(const struct sums *s, int d, int64_t count, const char *in, char *acc, const int64_t *strides);

/* The same for the whole of dimension d. */
static void fold_all(const struct sums *s, int d, const char *in, char *acc, const int64_t *strides)
{
    const struct walk *w = &s->w;
    int levels = s->levels[d];
    if (levels == 0) {
        fold_some(s, d, w->dims[d], in, acc, strides);
        return;
    }
    char *tiles = s->partials[d];
    int64_t bytes = s->tile_bytes[d], n = w->dims[d];
    memset(tiles, 0, (size_t)(levels * bytes));
    for (int64_t i = 0; i < n; i += RUN) {
        fold_some(s, d, n - i < RUN ? n - i : RUN, in + i * w->in[d], tiles, s->packed);
        bool full = true;
        int64_t runs = i / RUN + 1;
        for (int level = 0; level < levels && full; level++, runs /= RUN) {
            char *tile = tiles + level * bytes;
            bool top = level + 1 == levels;
            add_tile(s, d + 1, tile, top ? acc : tile + bytes, top ? strides : s->packed);
            memset(tile, 0, (size_t)bytes);
            full = runs % RUN == 0 || i + RUN >= n;
        }
    }
}

static void fold_some(const struct sums *s, int d, int64_t count, const char *in, char *acc, const int64_t *strides)
{
    if (d == s->w.ndim - 2) {
        fold_rows(s, count, in, acc, strides);
        return;
    }
    for (int64_t i = 0; i < count; i++)
        fold_all(s, d + 1, in + i * s->w.in[d], acc + i * strides[d], strides);
}

/* Moves `count` of a kept dimension's n elements at a time to the outside. Dimension d then has length `count`, and a
 * new first dimension has n / count. */
static void hoist(struct sums *s, int d, int64_t count)
{
    struct walk *w = &s->w;
    int64_t *columns[] = { w->dims, w->in, w->out }, outer[] = { w->dims[d] / count, w->in[d] * count, w->out[d] * count };
    w->dims[d] = count;
    for (int k = 0; k < 3; k++) {
        memmove(columns[k] + 1, columns[k], (size_t)w->ndim * sizeof **columns);
        columns[k][0] = outer[k];
    }
    memmove(s->levels + 1, s->levels, (size_t)w->ndim * sizeof *s->levels);
    s->levels[0] = 0;
    w->ndim++;
}

/* A function of its own, so that a walk in several steps does not hold the partial sums of each step. */
static __attribute__((noinline)) void run_tiles(struct sums *s, const char *in, char *out)
{
    _Alignas(64) char partials[PARTIAL_BYTES];
    int64_t tile = s->item, used = 0;
    for (int d = s->w.ndim - 1; d >= 0; d--) {
        s->packed[d] = s->w.out[d] ? tile : 0;
        s->tile_bytes[d] = tile;
        s->partials[d] = partials + used;
        used += s->levels[d] * tile;
        tile *= s->w.out[d] ? s->w.dims[d] : 1;
    }
    if (s->w.ndim < 2)
        fold_rows(s, 1, in, out, s->w.out);
    else
        fold_all(s, 0, in, out, s->w.out);
}

/* Cuts the kept dimensions inside one that is summed in runs into pieces that a tile can hold. The rest is walked
 * separately. */
static void run_walk(struct sums *s, const char *in, char *out)
{
    struct walk *w = &s->w;
    int levels = 0, first = w->ndim;
    for (int d = w->ndim - 1; d >= 0; d--) {
        levels += s->levels[d];
        first = s->levels[d] ? d : first;
    }
    int64_t room = levels ? PARTIAL_BYTES / levels / s->item : 0, most = room < TILE_BYTES / s->item ? room : TILE_BYTES / s->item;
    for (int d = w->ndim - 1; d > first; d--) {
        if (w->out[d] == 0)
            continue;
        if (w->dims[d] <= most) {
            most /= w->dims[d];
            continue;
        }
        int64_t rest = w->dims[d] % most /* NOLINT(clang-analyzer-core.DivideZero): with no level there is no d */, whole = w->dims[d] - rest;
        if (rest) {
            struct sums last = *s;
            last.w.dims[d] = rest;
            run_walk(&last, in + whole * w->in[d], out + whole * w->out[d]);
        }
        w->dims[d] = whole;
        hoist(s, d, most);
        d++;
        first++;
        most = 1;
    }
    run_tiles(s, in, out);
}

/* How often a length can be divided by RUN until it is at most RUN. */
static int levels_of(int64_t n)
{
    int levels = 0;
    for (; n > RUN; n = (n + RUN - 1) / RUN)
        levels++;
    return levels;
}

/* ---- where the extremum is ---- */

/* There is one reduced dimension. The kept ones are in C order. */
static void reduce_position(const struct ad_loops *loops, bool max, int ndim, const int64_t *dims, const bool *reduced, struct ad_operand in, int64_t *out)
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
        *out++ = loops->position[in.dtype](max, n, at, stride);
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

/* ---- all that attain it ---- */

/* The strides of what is walked beside the input: those of y, and of places. If rows are short, columns are walked. */
static void walk_places(struct walk *w, int ndim, const int64_t *dims, const bool *reduced, const int64_t *strides, int64_t item)
{
    enum { SHORT_ROW = 16 };
    int64_t y_stride = item, place = 1;
    w->ndim = 0;
    for (int d = ndim - 1; d >= 0; d--) {
        if (dims[d] != 1) {
            w->dims[w->ndim] = dims[d];
            w->in[w->ndim] = strides[d];
            w->place[w->ndim] = place;
            w->out[w->ndim++] = reduced[d] ? 0 : y_stride;
        }
        y_stride *= reduced[d] ? 1 : dims[d];
        place *= dims[d];
    }
    canonicalise(w);
    if (w->ndim > 1 && w->dims[w->ndim - 1] < SHORT_ROW && w->dims[w->ndim - 2] > w->dims[w->ndim - 1])
        exchange(w, w->ndim - 1);
}

int64_t ad_attained_places(const struct ad_loops *loops, int ndim, const int64_t *dims, const bool *reduced, struct ad_operand in, const void *y, int64_t room,
                           int64_t *places, int64_t *results)
{
    int64_t item = ad_item_size(in.dtype), index[AD_MAX_NDIM] = { 0 }, count = 0, place = 0, result = 0;
    struct walk w;
    for (int d = 0; d < ndim; d++)
        if (dims[d] == 0)
            return 0;
    walk_places(&w, ndim, dims, reduced, in.strides, item);
    int last = w.ndim - 1;
    int64_t n = last < 0 ? 1 : w.dims[last], stride = last < 0 ? 0 : w.in[last], y_stride = last < 0 ? 0 : w.out[last], step = last < 0 ? 0 : w.place[last];
    for (const char *at = in.data;;) {
        int64_t found = loops->attained[in.dtype](n, at, stride, (const char *)y + result, y_stride, room - count, places + count);
        if (found > room - count)
            return room + 1;
        for (int64_t i; found > 0; found--, count++) {
            i = places[count];
            places[count] = place + i * step;
            results[count] = (result + i * y_stride) / item;
        }
        int d = last - 1;
        for (; d >= 0; d--) {
            at += w.in[d];
            result += w.out[d];
            place += w.place[d];
            if (++index[d] < w.dims[d])
                break;
            at -= w.in[d] * w.dims[d];
            result -= w.out[d] * w.dims[d];
            place -= w.place[d] * w.dims[d];
            index[d] = 0;
        }
        if (d < 0)
            return count;
    }
}

void ad_reduce(ad_reduction kind, const struct ad_loops *loops, int ndim, const int64_t *dims, const bool *reduced, struct ad_operand in,
               struct ad_operand out)
{
    int64_t item = ad_item_size(out.dtype), kept = 1, size = 1, stride = item, out_strides[AD_MAX_NDIM];
    struct sums s; /* its arrays are long, and are filled only for the dimensions that there are */
    bool bytes = kind == AD_REDUCE_SUM && out.dtype == AD_I64 && ad_item_size(in.dtype) == 1, sum = kind == AD_REDUCE_SUM || kind == AD_REDUCE_SQUARES;
    s.fold = bytes ? loops->folds->sum_bytes : loops->folds->fold[kind][out.dtype];
    s.add = loops->folds->fold[sum ? AD_REDUCE_SUM : kind][out.dtype];
    s.cast = bytes || in.dtype == out.dtype ? NULL : loops->casts[in.dtype][out.dtype];
    s.last = kind == AD_REDUCE_ANY ? &(const uint8_t){ 1 } : kind == AD_REDUCE_ALL ? &(const uint8_t){ 0 } : NULL;
    s.item = item;
    s.w.ndim = 0;
    struct walk *w = &s.w;
    for (int d = 0; d < ndim; d++) {
        kept *= reduced[d] ? 1 : dims[d];
        size *= dims[d];
    }
    if (size && (kind == AD_REDUCE_ARGMAX || kind == AD_REDUCE_ARGMIN)) {
        reduce_position(loops, kind == AD_REDUCE_ARGMAX, ndim, dims, reduced, in, (int64_t *)out.data);
        return;
    }
    fill_first(kind, out.dtype, kept, out.data);
    if (size == 0)
        return;
    for (int d = ndim - 1; d >= 0; d--) {
        out_strides[d] = reduced[d] ? 0 : stride;
        stride *= reduced[d] ? 1 : dims[d];
    }
    for (int d = 0; d < ndim; d++)
        if (dims[d] != 1) {
            w->dims[w->ndim] = dims[d];
            w->in[w->ndim] = in.strides[d];
            w->place[w->ndim] = 0;
            w->out[w->ndim++] = out_strides[d];
        }
    canonicalise(w);
    for (int d = 0; d < w->ndim; d++)
        s.levels[d] = sum && ad_dtype_is_inexact(out.dtype) && w->out[d] == 0 && d < w->ndim - 1 ? levels_of(w->dims[d]) : 0;
    run_walk(&s, in.data, out.data);
}
