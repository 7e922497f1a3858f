/* Memory, threads and start: bytes of a tape node, the peak of gradients, what a second thread brings by the clock of
 * the wall, and what a process takes to load the library and to compute its first gradient. */
#include "bench.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t length;

static ad_array *scalar_loop(ad_array *x)
{
    ad_array *y = x;
    for (int64_t i = 0; i < length; i++)
        y = i % 2 ? ad_sin(y) : ad_add(y, x);
    return y;
}

static ad_array *network(ad_array *x)
{
    ad_array *h = x;
    for (int l = 0; l < 3; l++) {
        int64_t n = ad_dim(h, 1), m = l == 0 ? 200 : l == 1 ? 50 : 10;
        h = ad_tanh(ad_matmul(h, ad_sub(bench_uniform(AD_SHAPE(n, m), (uint64_t)l), 0.5)));
    }
    return ad_sum(h);
}

static ad_array *chain(ad_array *x)
{
    return ad_sum(ad_mul(ad_tanh(ad_add(ad_mul(x, 2), 1)), ad_exp(ad_neg(ad_mul(x, x)))));
}

/* The most that was in use at once during a gradient, beyond what was before. A thread knows its own peak only, so each
 * is measured in a new one. */
typedef struct {
    ad_array *(*f)(ad_array *);
    ad_shape shape;
    double peak;
} measured;

static void *run(void *context)
{
    measured *m = context;
    AD_SCOPE;
    ad_set_num_threads(1);
    ad_array *x = bench_uniform(m->shape, 9);
    ad_memory_usage before, after;
    ad_memory_stats(&before);
    {
        AD_SCOPE;
        ad_grad(m->f)(m->shape.ndim ? x : ad_scalar(0.5));
    }
    ad_memory_stats(&after);
    m->peak = (double)(after.peak - before.live);
    return NULL;
}

static double peak_of(ad_array *(*f)(ad_array *), ad_shape shape)
{
    measured m = { f, shape, 0 };
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, &m) || pthread_join(thread, NULL))
        exit(EXIT_FAILURE);
    return m.peak;
}

static double clock_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void threads(bench *b, const char *name, ad_array *(*f)(ad_array *, ad_array *), ad_array *x, ad_array *y)
{
    enum { TURNS = 15 };
    double seconds[2][TURNS];
    char row[100];
    if (!bench_wants(b, name))
        return;
    for (int t = 0; t < TURNS; t++)
        for (int count = 1; count <= 2; count++) {
            AD_SCOPE;
            ad_set_num_threads(count);
            double start = clock_now();
            for (int i = 0; i < 5; i++)
                f(x, y);
            seconds[count - 1][t] = (clock_now() - start) / 5;
        }
    ad_set_num_threads(1);
    snprintf(row, sizeof row, "%s, by the clock", name);
    double one = bench_record(b, row, "1 thread", seconds[0], TURNS), two = bench_record(b, row, "2 threads", seconds[1], TURNS);
    snprintf(row, sizeof row, "%s: 2 threads over 1", name);
    bench_figure(b, row, two / one, "x", 1.2);
}

static ad_array *exp_of(ad_array *x, ad_array *y)
{
    (void)y;
    return ad_exp(x);
}

/* ---- start: this program, run anew ---- */

static int first_gradient(void)
{
    return ad_grad(scalar_loop)(ad_scalar(0.5)) ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* CPU time of a process from its start to its end, in milliseconds; the least of some. */
static double time_of_process(const char *program, const char *argument)
{
    double least = INFINITY;
    for (int i = 0; i < 7; i++) {
        struct rusage usage;
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
            execl(program, program, argument, (char *)NULL);
            _exit(EXIT_FAILURE);
        }
        if (child < 0 || wait4(child, &status, 0, &usage) != child || !WIFEXITED(status) || WEXITSTATUS(status))
            return NAN;
        double took = 1e3 * (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + 1e-3 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
        least = took < least ? took : least;
    }
    return least;
}

int main(int argc, char **argv)
{
    length = 100;
    if (argc == 2 && strcmp(argv[1], "--first-gradient") == 0)
        return first_gradient();
    bench b = bench_begin("resources", argc, argv);
    double peaks[2];
    for (int i = 0; i < 2; i++) {
        length = i ? 200000 : 100000;
        peaks[i] = peak_of(scalar_loop, AD_SHAPE());
    }
    if (bench_wants(&b, "a process that loads the library and computes a gradient"))
        bench_figure(&b, "a process that loads the library and computes a gradient", time_of_process("/proc/self/exe", "--first-gradient"), "ms", 5);
    bench_figure(&b, "memory of an operation on scalars, gradient", (peaks[1] - peaks[0]) / 100000, "bytes", 128);
    bench_figure(&b, "peak of the gradient of 784-200-50-10, batch 250", peak_of(network, AD_SHAPE(250, 784)) / 1e6, "MB", 0);
    for (int64_t n = 1000; n <= 10000000; n *= 10) {
        char row[80];
        snprintf(row, sizeof row, "peak of the gradient of the chain, n = %lld", (long long)n);
        bench_figure(&b, row, peak_of(chain, AD_SHAPE(n)) / (8 * (double)n), "arrays of n", 0);
    }
    AD_SCOPE;
    threads(&b, "exp of 10^6", exp_of, bench_uniform(AD_SHAPE(1000000), 1), NULL);
    threads(&b, "add 10^6", ad_add, bench_uniform(AD_SHAPE(1000000), 1), bench_uniform(AD_SHAPE(1000000), 2));
    threads(&b, "product of 512", ad_matmul, bench_uniform(AD_SHAPE(512, 512), 1), bench_uniform(AD_SHAPE(512, 512), 2));
    return bench_end(&b);
}
