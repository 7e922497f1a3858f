/* The integer core of reversible training: a step of descent with momentum for a million parameters there and back,
 * everything included but the loss, and the bits that the coder takes against the bound log2(1/beta). Strips and blocks
 * are as in a run. With two threads, times are of the clock. It includes internal headers of hyperopt. */
#include "arithmetic.h"
#include "bench.h"
#include "coder.h"
#include "dynamics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STEPS = 12, REPEATS = 3, PARAMETERS = 1000000 };

typedef struct {
    const char *name;
    double beta;       /* 0: of any kind */
    bool own_alpha, own_beta, single;
} form;

static const int64_t count = PARAMETERS;
static int64_t *x, *v, *x_first, *v_first;
static double *alpha, *dx, *dv;
static hyper_momentum *beta;
static void *gradient, *product, *x_out, *direction;
static uint64_t *checksum;
static hyper_store *store;
static const form *now;
static int64_t failed;

static uint64_t random_state = 1;

static double uniform(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (double)(random_state >> 11) * 0x1p-53;
}

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* What the next block takes, as a run asks for it. */
static void ask_for(int64_t from, bool back, hyper_ahead *ahead)
{
    size_t size = now->single ? sizeof(float) : sizeof(double);
    const void *reals[] = { gradient, x_out, back ? product : NULL, back ? direction : NULL };
    ahead->count = 0;
    hyper_ahead_add(ahead, x, sizeof *x, from);
    hyper_ahead_add(ahead, v, sizeof *v, from);
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++)
        hyper_ahead_add(ahead, reals[i], size, from);
    hyper_ahead_add(ahead, back ? dx : NULL, sizeof *dx, from);
    hyper_ahead_add(ahead, back ? dv : NULL, sizeof *dv, from);
    hyper_ahead_add(ahead, now->own_alpha ? alpha : NULL, sizeof *alpha, from);
    hyper_ahead_add(ahead, now->own_beta ? beta : NULL, sizeof *beta, from);
}

static void run_block(int64_t strip, int64_t from, hyper_block_function function)
{
    double alpha_term[HYPER_BLOCK], beta_term[HYPER_BLOCK];
    size_t size = now->single ? sizeof(float) : sizeof(double);
    hyper_block b = {
        .count = count - from < HYPER_BLOCK ? count - from : HYPER_BLOCK, .single = now->single, .state = { x + from, v + from },
        .unit = { 0x1p-52, 0x1p-52 }, .cotangent = { dx + from, dv + from },
        .rate = { { alpha + now->own_alpha * from, now->own_alpha }, { beta + now->own_beta * from, now->own_beta } }, .rate_term = { alpha_term, beta_term },
        .gradient = (char *)gradient + size * (size_t)from, .product = (char *)product + size * (size_t)from, .x_out = (char *)x_out + size * (size_t)from,
        .direction_out = (char *)direction + size * (size_t)from, .coder = hyper_store_coder(store, strip),
    };
    hyper_ahead ahead;
    bool back = function != hyper_sgd_dynamics.advance;
    ask_for(function == hyper_sgd_dynamics.retreat_moments ? from - b.count : from + b.count, back, &ahead);
    hyper_coder_ask(b.coder, &ahead);
    failed |= function(&b) != HYPER_FINE;
    hyper_coder_ask(b.coder, NULL);
    checksum[strip] += b.checksum;
}

static void run_strip(int64_t strip, void *context)
{
    const hyper_block_function *function = context;
    int64_t from = strip * HYPER_STRIP, end = from + HYPER_STRIP < count ? from + HYPER_STRIP : count, blocks = (end - from + HYPER_BLOCK - 1) / HYPER_BLOCK;
    for (int64_t i = 0; i < blocks; i++)
        run_block(strip, from + HYPER_BLOCK * (*function == hyper_sgd_dynamics.retreat_moments ? blocks - 1 - i : i), *function);
}

static int64_t strips(void)
{
    return (count + HYPER_STRIP - 1) / HYPER_STRIP;
}

static uint64_t pass(hyper_block_function function)
{
    uint64_t sum = 0;
    memset(checksum, 0, (size_t)strips() * sizeof *checksum);
    ad_parallel_for(strips(), run_strip, &function);
    for (int64_t i = 0; i < strips(); i++)
        sum += checksum[i];
    return sum;
}

static void begin(void)
{
    hyper_store_clear(store, false);
    random_state = 1;
    for (int64_t i = 0; i < count; i++) {
        x_first[i] = x[i] = (int64_t)((uniform() - 0.5) * 0x1p52);
        v_first[i] = v[i] = (int64_t)((uniform() - 0.5) * 0x1p50);
        dx[i] = 1e-3 * uniform();
        dv[i] = 0;
        alpha[i] = 0.01 + 0.1 * uniform();
        double own = now->beta > 0 ? now->beta : uniform();
        hyper_momentum_of(own > 0 ? own : 0.5, &beta[i]);
        double g = uniform() - 0.5;
        if (now->single) {
            ((float *)gradient)[i] = (float)g;
            ((float *)product)[i] = 1e-4f;
        } else {
            ((double *)gradient)[i] = g;
            ((double *)product)[i] = 1e-4;
        }
    }
}

static void measure(bench *b, const char *prefix, const form *f, clockid_t clock)
{
    char row[120];
    double forward[REPEATS * STEPS], back[REPEATS * STEPS], bits = 0, bound = 0;
    bool exact = true;
    now = f;
    snprintf(row, sizeof row, "%s%s", prefix, f->name);
    if (!bench_wants(b, row))
        return;
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        uint64_t sum = 0;
        begin();
        for (int t = 0; t < STEPS; t++) {
            double start = seconds(clock);
            sum = pass(hyper_sgd_dynamics.advance);
            forward[repeat * STEPS + t] = seconds(clock) - start;
        }
        bits = hyper_store_bits(store) / (double)count / STEPS;
        for (int t = 0; t < STEPS; t++) {
            double start = seconds(clock);
            pass(hyper_sgd_dynamics.retreat_position);
            exact &= pass(hyper_sgd_dynamics.retreat_moments) == sum;
            back[repeat * STEPS + t] = seconds(clock) - start;
        }
        exact &= !failed && hyper_store_is_empty(store) && !memcmp(x, x_first, (size_t)count * sizeof *x) && !memcmp(v, v_first, (size_t)count * sizeof *v);
    }
    for (int64_t i = 0; i < count; i++)
        bound -= log2(beta[f->own_beta ? i : 0].value) / (double)count;
    if (!bench_equal(b, row, 0, "the reversal", (bench_sum){ exact, 1 }, "an exact one", (bench_sum){ 1, 1 }))
        return;
    double there = bench_record(b, row, "a step forward", forward, REPEATS * STEPS);
    double and_back = bench_record(b, row, "a step back", back, REPEATS * STEPS);
    char figure[160];
    snprintf(figure, sizeof figure, "%s, forward", row);
    bench_figure(b, figure, 1e9 * there / (double)count, "ns a parameter", 0);
    snprintf(figure, sizeof figure, "%s, back", row);
    bench_figure(b, figure, 1e9 * and_back / (double)count, "ns a parameter", 0);
    snprintf(figure, sizeof figure, "%s, bits over the bound", row);
    if (bound > 0)
        bench_figure(b, figure, bits / bound, "x", 1.01);
}

static void run_ratios(void *unused)
{
    (void)unused;
    for (int i = 0; i < 1000; i++)
        hyper_momentum_of(0.5 + 0.5 * (i + 0.3) / 1000, &beta[i]);
}

int main(int argc, char **argv)
{
    static const form forms[] = {
        { "float32, alpha and beta 0.9 shared", 0.9, false, false, true },     { "float32, alpha of each, beta 0.9 shared", 0.9, true, false, true },
        { "float32, alpha shared, beta 0.9 of each", 0.9, false, true, true }, { "float32, alpha and beta 0.9 of each", 0.9, true, true, true },
        { "float32, alpha and random beta of each", 0, true, true, true },     { "float32, beta 0.98 shared", 0.98, false, false, true },
        { "float32, beta 0.5 shared", 0.5, false, false, true },               { "float32, beta 0.123456 shared", 0.123456, false, false, true },
        { "float32, beta 1 shared", 1, false, false, true },                   { "float64, alpha and beta 0.9 shared", 0.9, false, false, false },
        { "float64, alpha and beta 0.9 of each", 0.9, true, true, false },
    };
    bench b = bench_begin("hyperopt_core", argc, argv);
    size_t n = (size_t)count;
    double **reals[] = { &alpha, &dx, &dv, (double **)&gradient, (double **)&product, (double **)&x_out, (double **)&direction };
    int64_t **integers[] = { &x, &v, &x_first, &v_first };
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++)
        if (!(*reals[i] = calloc(n, sizeof(double))))
            return 1;
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++)
        if (!(*integers[i] = calloc(n, sizeof(int64_t))))
            return 1;
    beta = calloc(n, sizeof *beta);
    checksum = calloc((size_t)strips(), sizeof *checksum);
    store = hyper_store_new(strips(), NULL, 0);
    if (!beta || !checksum || !store)
        return 1;
    bench_time(&b, "the ratio of a momentum, a thousand times", run_ratios, NULL);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        measure(&b, "", &forms[i], CLOCK_PROCESS_CPUTIME_ID);
    for (int threads = 1; threads <= 2; threads++) {
        ad_set_num_threads(threads);
        const char *prefix = threads > 1 ? "by the clock, 2 threads: " : "by the clock, 1 thread: ";
        measure(&b, prefix, &forms[0], CLOCK_MONOTONIC);
        measure(&b, prefix, &forms[3], CLOCK_MONOTONIC);
    }
#ifdef __x86_64__
    ad_set_num_threads(1);
    for (int set = HYPER_AVX2; set >= HYPER_BASELINE; set--) {
        const char *prefix = set == HYPER_AVX2 ? "with AVX2: " : "with the baseline of x86-64: ";
        hyper_limit_instruction_set(set);
        measure(&b, prefix, &forms[0], CLOCK_PROCESS_CPUTIME_ID);
        measure(&b, prefix, &forms[3], CLOCK_PROCESS_CPUTIME_ID);
    }
#endif
    hyper_store_free(store);
    void *all[] = { x, v, x_first, v_first, alpha, dx, dv, gradient, product, x_out, direction, beta, checksum };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    return bench_end(&b);
}
