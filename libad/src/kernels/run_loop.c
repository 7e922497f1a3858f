/* From n dimensions to one: the driver of all elementwise loops and of copies.
 *
 * The index space is put in the order of the output's memory, dimensions that lie behind one another for all operands become
 * one, and the loop runs over the innermost. Operands of another dtype are converted block by block on the way, so a
 * conversion costs no array. Large spaces are cut along the outermost dimension and shared by threads; an element's bits do not
 * depend on the cut. */
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

/* Dimensions of length 1 go; the others are sorted by the output's stride, largest first, and by the first input's among equals. */
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

struct job {
    ad_loop *loop;
    ad_loop *cast[AD_LOOP_MAX_INPUTS]; /* NULL: the input has the loop's dtype */
    int inputs;
    int64_t item; /* of the loop's dtype */
};

/* A row through converted blocks. */
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

/* One row: directly, or through converted blocks. */
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

/* All rows of a space; the odometer stands in `index`. */
static void run_space(const struct job *job, const struct space *s, const char *const *in, char *out)
{
    int inputs = job->inputs, last = s->ndim - 1;
    const char *at[AD_LOOP_MAX_INPUTS];
    int64_t inner[AD_LOOP_MAX_INPUTS] = { 0 }, index[AD_MAX_NDIM] = { 0 };
    for (int k = 0; k < inputs; k++) {
        at[k] = in[k];
        inner[k] = last >= 0 ? s->strides[k][last] : 0;
    }
    int64_t n = last >= 0 ? s->dims[last] : 1, out_inner = last >= 0 ? s->strides[inputs][last] : 0;
    for (;;) {
        run_row(job, n, at, inner, out, out_inner);
        int d = last - 1;
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

/* A transposed copy reads or writes across memory whatever its order: walk it in tiles, so that each line fetched is used up. */
static void run_tiled(const struct job *job, const struct space *s, const char *const *in, char *out)
{
    enum { TILE = 32 };
    const int64_t *a = s->strides[0], *o = s->strides[1];
    for (int64_t i = 0; i < s->dims[0]; i += TILE)
        for (int64_t j = 0; j < s->dims[1]; j += TILE) {
            struct space tile = *s;
            tile.dims[0] = s->dims[0] - i < TILE ? s->dims[0] - i : TILE;
            tile.dims[1] = s->dims[1] - j < TILE ? s->dims[1] - j : TILE;
            run_space(job, &tile, (const char *const[]){ in[0] + i * a[0] + j * a[1] }, out + i * o[0] + j * o[1]);
        }
}

static void run_part(const struct job *job, const struct space *s, const char *const *in, char *out)
{
    bool crossed = job->inputs == 1 && s->ndim == 2 && magnitude(s->strides[0][0]) < magnitude(s->strides[0][1]) && s->strides[0][0] != 0;
    if (crossed)
        run_tiled(job, s, in, out);
    else
        run_space(job, s, in, out);
}

/* A space, of which parts are `step` long in the outermost dimension. */
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

/* Part 0 has been run. */
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

/* Functions differ a hundredfold in what an element costs, so the first part is timed, and the rest is shared if it is worth it: adding two arrays took as
 * long on two threads as on one at 75 us, which is waking a thread, 10 us, and the end, where one waits for the other. */
static void run_shared(const struct job *job, const struct space *s, int64_t size, const char *const *in, char *out)
{
    enum { MOST_PARTS = 64, LEAST_PART = 1 << 13, TILE_EDGE = 32, WORTH = 80000 };
    int64_t parts = size / LEAST_PART < MOST_PARTS ? size / LEAST_PART : MOST_PARTS;
    int64_t step = (s->dims[0] + parts - 1) / parts;
    if (step > TILE_EDGE)
        step = (step + TILE_EDGE - 1) / TILE_EDGE * TILE_EDGE;
    struct shared shared = { job, s, in, out, step };
    int64_t further = (s->dims[0] - 1) / step, start = nanoseconds();
    run_range(&shared, 0, step);
    if (further > 1 && (nanoseconds() - start) * further >= WORTH)
        ad_run_parts(further, run_further_part, &shared);
    else if (further)
        run_range(&shared, step, s->dims[0]);
}

/* A space of two dimensions and more, or a long row, of at least one element. */
static __attribute__((noinline)) void run_dimensions(const struct job *job, int ndim, const int64_t *dims, const struct ad_operand *in, struct ad_operand out,
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
    if (size >= AD_LOOP_SHARED && s.dims[0] > 1)
        run_shared(job, &s, size, data, out.data);
    else
        run_part(job, &s, data, out.data);
}

void ad_run_loop(ad_loop *loop, ad_dtype loop_dtype, int ndim, const int64_t *dims, int inputs, const struct ad_operand *in, struct ad_operand out)
{
    struct job job = { .loop = loop, .inputs = inputs, .item = (int64_t)ad_dtype_size(loop_dtype) };
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
            job.cast[k] = ad_casts[in[k].dtype][loop_dtype];
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
    ad_run_loop(ad_casts[from][out.dtype], out.dtype, ndim, dims, 1, &in, out);
}

void ad_add_strided(const struct ad_loops *loops, int ndim, const int64_t *dims, struct ad_operand in, struct ad_operand sum)
{
    if (ndim == 0 && in.dtype == AD_F64 && sum.dtype == AD_F64) {
        *(double *)sum.data += *(const double *)in.data;
        return;
    }
    ad_run_loop(loops->loop[AD_LOOP_add][sum.dtype], sum.dtype, ndim, dims, 2, (struct ad_operand[]){ sum, in }, sum);
}
