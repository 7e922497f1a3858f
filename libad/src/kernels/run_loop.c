/* From n dimensions to one: the driver of all elementwise loops and of copies.
 *
 * The index space is put in the order of the output's memory. Dimensions that lie behind one another for all operands
 * become one, and the loop runs over the innermost. Operands of another dtype are converted block by block on the way,
 * so a conversion costs no array. Large spaces are cut along the outermost dimension and shared by threads. An
 * element's bits do not depend on the cut. */
#include "kernels/kernels.h"
#include <string.h>
#include <time.h>

enum { BLOCK = 512, LARGEST_ITEM = 16, OPERANDS = AD_LOOP_MAX_INPUTS + 1 };

/* An index space in canonical form. Operand `inputs` is the output. */
struct space {
    int ndim, operands;
    int64_t dims[AD_MAX_NDIM];
    int64_t strides[OPERANDS][AD_MAX_NDIM];
};

static int64_t magnitude(int64_t x)
{
    return x < 0 ? -x : x;
}

/* Dimensions of length 1 go. The others are sorted by the output's stride, the largest first; those with equal strides
 * by the first input's. */
static void sort_dimensions(struct space *s)
{
    int kept = 0, out = s->operands - 1;
    for (int d = 0; d < s->ndim; d++) {
        if (s->dims[d] == 1)
            continue;
        int64_t dim = s->dims[d], strides[OPERANDS];
        for (int k = 0; k < s->operands; k++)
            strides[k] = s->strides[k][d];
        int at = kept++;
        for (; at > 0 && magnitude(s->strides[out][at - 1]) < magnitude(strides[out]); at--) {
            s->dims[at] = s->dims[at - 1];
            for (int k = 0; k < s->operands; k++)
                s->strides[k][at] = s->strides[k][at - 1];
        }
        s->dims[at] = dim;
        for (int k = 0; k < s->operands; k++)
            s->strides[k][at] = strides[k];
    }
    s->ndim = kept;
}

/* Joins neighbouring dimensions that every operand walks as one. */
static void coalesce(struct space *s)
{
    int last = 0;
    for (int d = 1; d < s->ndim; d++) {
        bool joined = true;
        for (int k = 0; k < s->operands; k++)
            joined &= s->strides[k][last] == s->strides[k][d] * s->dims[d];
        if (joined)
            s->dims[last] *= s->dims[d];
        else
            s->dims[++last] = s->dims[d];
        for (int k = 0; k < s->operands; k++)
            s->strides[k][last] = s->strides[k][d];
    }
    s->ndim = s->ndim ? last + 1 : 0;
}

/* The last two dimensions of a space, in one of three orders. */
typedef enum plane_order {
    BY_ROWS,    /* in their order */
    BY_COLUMNS, /* rows are short: in pieces of columns */
    BY_TILES    /* the input lies across the output: in tiles, so that all of each fetched line is used */
} plane_order;

struct job {
    ad_loop *loop;
    ad_loop *cast[AD_LOOP_MAX_INPUTS]; /* NULL: the input has the loop's dtype */
    int inputs;
    plane_order order;
    ad_dtype dtype; /* the dtype of the loop */
    int64_t item;
};

/* Runs a row through converted blocks. */
static __attribute__((noinline)) void run_converted_row(const struct job *job, int64_t n, const char *const *in, const int64_t *in_stride, char *out,
                                                        int64_t out_stride)
{
    _Alignas(64) char converted[AD_LOOP_MAX_INPUTS][BLOCK * LARGEST_ITEM];
    const char *from[AD_LOOP_MAX_INPUTS];
    int64_t stride[AD_LOOP_MAX_INPUTS];
    for (int64_t i = 0; i < n; i += BLOCK) {
        int64_t count = n - i < BLOCK ? n - i : BLOCK;
        for (int k = 0; k < job->inputs; k++) {
            from[k] = in[k] + i * in_stride[k];
            stride[k] = in_stride[k];
            if (job->cast[k]) {
                job->cast[k](stride[k] ? count : 1, &from[k], &stride[k], converted[k], job->item);
                from[k] = converted[k];
                stride[k] = stride[k] ? job->item : 0;
            }
        }
        job->loop(count, from, stride, out + i * out_stride, out_stride);
    }
}

/* Runs one row: directly, or through converted blocks. */
static inline void run_row(const struct job *job, int64_t n, const char *const *in, const int64_t *in_stride, char *out, int64_t out_stride)
{
    bool direct = true;
    for (int k = 0; k < job->inputs; k++)
        direct &= !job->cast[k];
    if (direct)
        job->loop(n, in, in_stride, out, out_stride);
    else
        run_converted_row(job, n, in, in_stride, out, out_stride);
}

enum { SHORT_ROW = 8, TILE = 32, LINE = 64 };

/* Runs the rows of a plane from row i on and columns from j on. Each is `length` long, along dimension `along`. */
static void run_rows(const struct job *job, const struct space *s, int64_t i, int64_t j, int across, int64_t count, int along, int64_t length,
                     const char *const *in, char *out)
{
    int inputs = job->inputs, column = s->ndim - 1, row = column - 1;
    const char *at[AD_LOOP_MAX_INPUTS];
    int64_t strides[AD_LOOP_MAX_INPUTS];
    for (int k = 0; k < inputs; k++) {
        at[k] = in[k] + i * s->strides[k][row] + j * s->strides[k][column];
        strides[k] = s->strides[k][along];
    }
    out += i * s->strides[inputs][row] + j * s->strides[inputs][column];
    for (int64_t r = 0; r < count; r++, out += s->strides[inputs][across]) {
        run_row(job, length, at, strides, out, s->strides[inputs][along]);
        for (int k = 0; k < inputs; k++)
            at[k] += s->strides[k][across];
    }
}

/* Copies m rows and n columns, both multiples of the items in a cache line, square by square. The processor cannot
 * foresee which lines come next, so those of the square after the next are prefetched. */
static inline __attribute__((always_inline)) void copy_squares(int64_t item, int64_t m, int64_t n, const char *in, int64_t in_stride, char *out,
                                                               int64_t out_stride)
{
    const int64_t edge = LINE / item, ahead = 2 * edge;
    for (int64_t i = 0; i < m; i += edge)
        for (int64_t j = 0; j < n; j += edge) {
            char lines[LINE][LINE], line[LINE], *to = out + i * out_stride + j * item;
            const char *from = in + i * item + j * in_stride;
            for (int64_t q = 0; q < edge && j + ahead < n; q++)
                __builtin_prefetch(from + (ahead + q) * in_stride);
            for (int64_t q = 0; q < edge; q++)
                memcpy(lines[q], from + q * in_stride, LINE);
            for (int64_t p = 0; p < edge; p++, to += out_stride) {
                for (int64_t q = 0; q < edge; q++)
                    memcpy(line + q * item, lines[q] + p * item, (size_t)item);
                memcpy(to, line, LINE);
            }
        }
}

/* Gives how many rows and columns of a plane are copied by squares. If the loop is a copy, and one dimension of each
 * operand is unbroken, these are all that make whole squares. */
static void run_squares(const struct job *job, const struct space *s, const char *in, char *out, int64_t *rows, int64_t *columns)
{
    int column = s->ndim - 1, row = column - 1;
    int64_t item = job->item, m = s->dims[row], n = s->dims[column], in_stride = s->strides[0][column], out_stride = s->strides[1][row];
    bool possible = job->loop == ad_cast(job->dtype, job->dtype) && !job->cast[0] && s->strides[0][row] == item && s->strides[1][column] == item;
    *rows = possible ? m - m % (LINE / item) : 0;
    *columns = possible ? n - n % (LINE / item) : 0;
    switch (possible ? item : 0) {
    case 1: copy_squares(1, *rows, *columns, in, in_stride, out, out_stride); break;
    case 4: copy_squares(4, *rows, *columns, in, in_stride, out, out_stride); break;
    case 8: copy_squares(8, *rows, *columns, in, in_stride, out, out_stride); break;
    case 16: copy_squares(16, *rows, *columns, in, in_stride, out, out_stride); break;
    default: break;
    }
}

static void run_tiles(const struct job *job, const struct space *s, int64_t i, int64_t first, int64_t n, const char *const *in, char *out)
{
    int column = s->ndim - 1, row = column - 1;
    int64_t m = s->dims[row];
    for (; i < m; i += TILE)
        for (int64_t j = first; j < n; j += TILE)
            run_rows(job, s, i, j, row, m - i < TILE ? m - i : TILE, column, n - j < TILE ? n - j : TILE, in, out);
}

static void run_plane(const struct job *job, const struct space *s, const char *const *in, char *out)
{
    int column = s->ndim - 1, row = column - 1;
    int64_t m = s->dims[row], n = s->dims[column], rows, columns;
    switch (job->order) {
    case BY_ROWS:
        run_rows(job, s, 0, 0, row, m, column, n, in, out);
        break;
    case BY_COLUMNS:
        for (int64_t i = 0; i < m; i += BLOCK)
            run_rows(job, s, i, 0, column, n, row, m - i < BLOCK ? m - i : BLOCK, in, out);
        break;
    case BY_TILES:
        run_squares(job, s, in[0], out, &rows, &columns);
        run_tiles(job, s, 0, columns, n, in, out);
        run_tiles(job, s, rows, 0, columns, in, out);
        break;
    }
}

static void exchange(struct space *s, int d, int e)
{
    int64_t dim = s->dims[d];
    s->dims[d] = s->dims[e];
    s->dims[e] = dim;
    for (int k = 0; k < s->operands; k++) {
        int64_t stride = s->strides[k][d];
        s->strides[k][d] = s->strides[k][e];
        s->strides[k][e] = stride;
    }
}

/* The order for the last two dimensions. If there is a single input and it lies across the output, the dimension along
 * which it is unbroken becomes the last but one. */
static plane_order choose_order(const struct job *job, struct space *s)
{
    int last = s->ndim - 1, across = last;
    for (int d = 0; d < last && job->inputs == 1; d++)
        if (s->strides[0][d] != 0 && magnitude(s->strides[0][d]) < magnitude(s->strides[0][across]))
            across = d;
    if (across < last)
        exchange(s, across, last - 1);
    if (across < last && s->dims[last] >= SHORT_ROW)
        return BY_TILES;
    return s->dims[last] < SHORT_ROW && s->dims[last - 1] > s->dims[last] ? BY_COLUMNS : BY_ROWS;
}

/* `index` is the odometer of the dimensions outside the last two. */
static void run_part(const struct job *job, const struct space *s, const char *const *in, char *out)
{
    int inputs = job->inputs;
    const char *at[AD_LOOP_MAX_INPUTS];
    int64_t index[AD_MAX_NDIM] = { 0 }, strides[AD_LOOP_MAX_INPUTS] = { 0 };
    for (int k = 0; k < inputs; k++) {
        at[k] = in[k];
        strides[k] = s->ndim ? s->strides[k][0] : 0;
    }
    if (s->ndim < 2) {
        run_row(job, s->ndim ? s->dims[0] : 1, at, strides, out, s->ndim ? s->strides[inputs][0] : 0);
        return;
    }
    for (;;) {
        run_plane(job, s, at, out);
        int d = s->ndim - 3;
        for (; d >= 0; d--) {
            for (int k = 0; k < inputs; k++)
                at[k] += s->strides[k][d];
            out += s->strides[inputs][d];
            if (++index[d] < s->dims[d])
                break;
            for (int k = 0; k < inputs; k++)
                at[k] -= s->strides[k][d] * s->dims[d];
            out -= s->strides[inputs][d] * s->dims[d];
            index[d] = 0;
        }
        if (d < 0)
            return;
    }
}

/* A space that is shared in parts, which are `step` long in the outermost dimension. */
struct shared {
    const struct job *job;
    const struct space *space;
    const char *const *in;
    char *out;
    int64_t step;
};

static void run_range(const struct shared *shared, int64_t start, int64_t end)
{
    struct space part = *shared->space;
    const char *from[AD_LOOP_MAX_INPUTS];
    int inputs = shared->job->inputs;
    part.dims[0] = (end < part.dims[0] ? end : part.dims[0]) - start;
    for (int k = 0; k < inputs; k++)
        from[k] = shared->in[k] + start * part.strides[k][0];
    run_part(shared->job, &part, from, shared->out + start * part.strides[inputs][0]);
}

/* Runs a part other than part 0, which has been run. */
static void run_further_part(void *context, int64_t p)
{
    const struct shared *shared = context;
    run_range(shared, (p + 1) * shared->step, (p + 2) * shared->step);
}

static int64_t nanoseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Functions differ a hundredfold in what an element costs. So the first part is timed, and the rest is shared if that
 * is worth it. The cost of sharing is waking a thread, and at the end one thread waiting for the other. */
static void run_shared(const struct job *job, const struct space *s, int64_t size, const char *const *in, char *out)
{
    enum { MOST_PARTS = 64, LEAST_PART = 1 << 13, WORTH = 80000 };
    int64_t parts = size / LEAST_PART < MOST_PARTS ? size / LEAST_PART : MOST_PARTS;
    int64_t step = (s->dims[0] + parts - 1) / parts;
    if (step > TILE || (job->order == BY_TILES && s->ndim == 2))
        step = (step + TILE - 1) / TILE * TILE;
    struct shared shared = { job, s, in, out, step };
    int64_t further = (s->dims[0] - 1) / step, start = nanoseconds();
    run_range(&shared, 0, step);
    if (further > 1 && (nanoseconds() - start) * further >= WORTH)
        ad_run_parts(further, run_further_part, &shared);
    else if (further)
        run_range(&shared, step, s->dims[0]);
}

/* Runs a space of two or more dimensions, or a long row, of at least one element. */
static __attribute__((noinline)) void run_dimensions(struct job *job, int ndim, const int64_t *dims, const struct ad_operand *in, struct ad_operand out,
                                                     const char *const *data, int64_t size)
{
    struct space s;
    int inputs = job->inputs;
    s.ndim = ndim;
    s.operands = inputs + 1;
    for (int d = 0; d < ndim; d++) {
        s.dims[d] = dims[d];
        for (int k = 0; k < inputs; k++)
            s.strides[k][d] = in[k].strides[d];
        s.strides[inputs][d] = out.strides[d];
    }
    sort_dimensions(&s);
    coalesce(&s);
    job->order = s.ndim > 1 ? choose_order(job, &s) : BY_ROWS;
    if (size >= AD_LOOP_SHARED && s.dims[0] > 1 && ad_threads() > 1)
        run_shared(job, &s, size, data, out.data);
    else
        run_part(job, &s, data, out.data);
}

void ad_run_loop(ad_loop *loop, ad_dtype loop_dtype, int ndim, const int64_t *dims, int inputs, const struct ad_operand *in, struct ad_operand out)
{
    struct job job = { .loop = loop, .inputs = inputs, .dtype = loop_dtype, .item = ad_item_size(loop_dtype) };
    const char *data[AD_LOOP_MAX_INPUTS];
    int64_t size = 1, strides[AD_LOOP_MAX_INPUTS];
    for (int d = 0; d < ndim; d++)
        size *= dims[d];
    if (size == 0)
        return;
    for (int k = 0; k < inputs; k++) {
        data[k] = in[k].data;
        strides[k] = ndim == 1 ? in[k].strides[0] : 0;
        if (in[k].dtype != loop_dtype)
            job.cast[k] = ad_cast(in[k].dtype, loop_dtype);
    }
    if (ndim <= 1 && size < AD_LOOP_SHARED)
        run_row(&job, size, data, strides, out.data, ndim ? out.strides[0] : 0);
    else
        run_dimensions(&job, ndim, dims, in, out, data, size);
}

void ad_copy_strided(int ndim, const int64_t *dims, struct ad_operand in, struct ad_operand out)
{
    ad_dtype from = in.dtype;
    in.dtype = out.dtype; /* the loop converts by itself */
    ad_run_loop(ad_cast(from, out.dtype), out.dtype, ndim, dims, 1, &in, out);
}

void ad_add_strided(const struct ad_loops *loops, int ndim, const int64_t *dims, struct ad_operand in, struct ad_operand sum)
{
    if (ndim == 0 && in.dtype == AD_F64 && sum.dtype == AD_F64) {
        *(double *)sum.data += *(const double *)in.data;
        return;
    }
    ad_run_loop(loops->loop[AD_LOOP_add][sum.dtype], sum.dtype, ndim, dims, 2, (struct ad_operand[]){ sum, in }, sum);
}
