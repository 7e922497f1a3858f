/* Matrix products, square, skinny, batched, of transposed operands, small, against the same written by hand on every
 * BLAS that is installed. Each library is loaded for itself: its functions call its own. */
#define _GNU_SOURCE
#include "bench.h"
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *name;
    int count, m, k, n; /* count products of (m, k) and (k, n) */
    bool transpose_a, transpose_b, single;
    int most_repeats; /* 0: as many as are asked for */
} product;

/* Names and numbers of the C interface to BLAS. */
enum { ROW_MAJOR = 101, NO_TRANSPOSE = 111, TRANSPOSE = 112 };
typedef void dgemm(int, int, int, int, int, int, double, const double *, int, const double *, int, double, double *, int);
typedef void sgemm(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);

typedef struct {
    const char *name, *file, *threads; /* what its function for the number of threads is called */
    dgemm *f64;
    sgemm *f32;
} library;

static library libraries[] = {
    { "OpenBLAS", "libopenblas.so.0", "openblas_set_num_threads", NULL, NULL },
    { "BLIS", "libblis.so.4", "bli_thread_set_num_threads", NULL, NULL },
    { "MKL", "libmkl_rt.so.2", "MKL_Set_Num_Threads", NULL, NULL },
};
enum { LIBRARIES = sizeof libraries / sizeof *libraries };

static void load(library *l)
{
    void *handle = dlopen(l->file, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    if (!handle)
        return;
    void *f64 = dlsym(handle, "cblas_dgemm"), *f32 = dlsym(handle, "cblas_sgemm"), *threads = dlsym(handle, l->threads);
    if (!f64 || !f32)
        return;
    memcpy(&l->f64, &f64, sizeof f64);
    memcpy(&l->f32, &f32, sizeof f32);
    if (threads) {
        void (*set)(long);
        memcpy(&set, &threads, sizeof threads);
        set(1);
    }
}

static ad_array *multiply(const bench_call *call)
{
    return ad_matmul(call->x, call->y);
}

typedef struct {
    const product *p;
    const library *library;
    const void *a, *b;
    void *c;
} by_hand;

static void run_by_hand(void *context)
{
    const by_hand *h = context;
    const product *p = h->p;
    const size_t m = (size_t)p->m, k = (size_t)p->k, n = (size_t)p->n;
    const int ta = p->transpose_a ? TRANSPOSE : NO_TRANSPOSE, tb = p->transpose_b ? TRANSPOSE : NO_TRANSPOSE;
    const int lda = p->transpose_a ? p->m : p->k, ldb = p->transpose_b ? p->k : p->n;
    for (size_t i = 0; i < (size_t)p->count; i++)
        if (p->single)
            h->library->f32(ROW_MAJOR, ta, tb, p->m, p->n, p->k, 1, (const float *)h->a + i * m * k, lda, (const float *)h->b + i * k * n, ldb, 0,
                            (float *)h->c + i * m * n, p->n);
        else
            h->library->f64(ROW_MAJOR, ta, tb, p->m, p->n, p->k, 1, (const double *)h->a + i * m * k, lda, (const double *)h->b + i * k * n, ldb, 0,
                            (double *)h->c + i * m * n, p->n);
}

static bench_sum sum_by_hand(void *context)
{
    run_by_hand(context);
    const by_hand *h = context;
    int64_t count = (int64_t)h->p->count * h->p->m * h->p->n;
    return h->p->single ? bench_sum_floats(h->c, count) : bench_sum_values(h->c, count);
}

/* An operand as it lies in memory. */
static ad_array *operand(int count, int rows, int columns, bool transposed, bool single, uint64_t seed)
{
    int64_t r = transposed ? columns : rows, c = transposed ? rows : columns;
    return ad_astype(bench_uniform(count > 1 ? AD_SHAPE(count, r, c) : AD_SHAPE(r, c), seed), single ? AD_F32 : AD_F64);
}

static void measure(bench *b, const product *p)
{
    AD_SCOPE;
    if (!bench_wants(b, p->name))
        return;
    ad_array *x = operand(p->count, p->m, p->k, p->transpose_a, p->single, 1), *y = operand(p->count, p->k, p->n, p->transpose_b, p->single, 2);
    bench_call call = { .f = multiply, .x = p->transpose_a ? ad_matrix_transpose(x) : x, .y = p->transpose_b ? ad_matrix_transpose(y) : y };
    bench_piece pieces[1 + LIBRARIES] = { BENCH_LIBAD(&call) };
    by_hand hands[LIBRARIES];
    int count = 1, repeats = b->repeats;
    void *c = malloc((size_t)p->count * (size_t)p->m * (size_t)p->n * sizeof(double));
    if (!c)
        exit(EXIT_FAILURE);
    for (int i = 0; i < LIBRARIES; i++) {
        hands[i] = (by_hand){ p, &libraries[i], ad_data(x), ad_data(y), c };
        if (libraries[i].f64)
            pieces[count++] = (bench_piece){ libraries[i].name, run_by_hand, &hands[i], sum_by_hand, p->m >= 64 || p->count > 1 ? 1.05 : 0, 0 };
    }
    if (p->most_repeats && b->repeats > p->most_repeats)
        b->repeats = p->most_repeats;
    bench_compare(b, p->name, p->single ? 1e-5 : 1e-12, pieces, count);
    b->repeats = repeats;
    free(c);
}

int main(int argc, char **argv)
{
    static const product products[] = {
        { "growth: product, n = 4", 1, 4, 4, 4, false, false, false, 0 },
        { "growth: product, n = 16", 1, 16, 16, 16, false, false, false, 0 },
        { "growth: product, n = 64", 1, 64, 64, 64, false, false, false, 0 },
        { "growth: product, n = 128", 1, 128, 128, 128, false, false, false, 0 },
        { "growth: product, n = 256", 1, 256, 256, 256, false, false, false, 0 },
        { "growth: product, n = 512", 1, 512, 512, 512, false, false, false, 0 },
        { "growth: product, n = 1024", 1, 1024, 1024, 1024, false, false, false, 0 },
        { "growth: product, n = 2048", 1, 2048, 2048, 2048, false, false, false, 2 },
        { "256 in float32", 1, 256, 256, 256, false, false, true, 0 },
        { "1024 in float32", 1, 1024, 1024, 1024, false, false, true, 0 },
        { "256 x 784 times 784 x 50", 1, 256, 784, 50, false, false, false, 0 },
        { "784 x 256 times 256 x 50, the first transposed", 1, 784, 256, 50, true, false, false, 0 },
        { "256 x 50 times 50 x 784, the second transposed", 1, 256, 50, 784, false, true, false, 0 },
        { "512, the first transposed", 1, 512, 512, 512, true, false, false, 0 },
        { "512, the second transposed", 1, 512, 512, 512, false, true, false, 0 },
        { "512, both transposed", 1, 512, 512, 512, true, true, false, 0 },
        { "a stack of 1000, n = 8", 1000, 8, 8, 8, false, false, false, 0 },
        { "a stack of 64, n = 64", 64, 64, 64, 64, false, false, false, 0 },
        { "a stack of 64, n = 64, the first transposed", 64, 64, 64, 64, true, false, false, 0 },
    };
    for (int i = 0; i < LIBRARIES; i++)
        load(&libraries[i]);
    bench b = bench_begin("products", argc, argv);
    for (size_t i = 0; i < sizeof products / sizeof *products; i++)
        measure(&b, &products[i]);
    return bench_end(&b);
}
