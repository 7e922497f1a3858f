/* The integer core of reversible training: nanoseconds per parameter and step of every update, and the
 * information buffer's growth against the bound log2(1/beta). 100,000 parameters, 100 steps there and back. */
#include "bit_buffer.h"
#include "fixed_point.h"

#include <ad/config.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { COUNT = 100000, STEPS = 100 };

static uint64_t random_state = 1;

static double uniform(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (double)(random_state >> 11) * 0x1p-53;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int64_t x[COUNT], x1[COUNT], v[COUNT], v1[COUNT], step[COUNT];
static double g[COUNT], start[COUNT];
static uint32_t numerator[COUNT];

static double timed(double *clock)
{
    double t = now(), spent = t - *clock;
    *clock = t;
    return spent;
}

static void measure(const char *name, int64_t stride)
{
    hyper_bit_buffer *buffer = hyper_bit_buffer_new(NULL, 0);
    double alpha = 0.01, multiply = 0, push = 0, move = 0, divide = 0, bound = 0;
    int64_t failed = HYPER_FINE;
    for (int i = 0; i < COUNT; i++) {
        start[i] = 2 * uniform() - 1;
        g[i] = 2 * uniform() - 1;
        bound -= log2(numerator[i * stride] * 0x1p-16);
    }
    hyper_fixed_encode(COUNT, start, x);
    hyper_fixed_encode(COUNT, g, v);
    memcpy(x1, x, sizeof x);
    memcpy(v1, v, sizeof v);

    double clock = now();
    for (int t = 0; t < STEPS && failed < 0; t++) {
        failed = hyper_momentum_multiply(buffer, COUNT, v, numerator, stride);
        multiply += timed(&clock);
        hyper_fixed_velocity_increment(COUNT, numerator, stride, g, step);
        hyper_fixed_add(COUNT, v, step);
        push += timed(&clock);
        hyper_fixed_position_increment(COUNT, &alpha, 0, v, step);
        hyper_fixed_add(COUNT, x, step);
        move += timed(&clock);
    }
    double bits = hyper_bit_buffer_bits(buffer) / COUNT / STEPS, bytes = (double)hyper_bit_buffer_peak_bytes(buffer);
    for (int t = 0; t < STEPS && failed < 0; t++) {
        hyper_fixed_position_increment(COUNT, &alpha, 0, v, step);
        hyper_fixed_subtract(COUNT, x, step);
        hyper_fixed_velocity_increment(COUNT, numerator, stride, g, step);
        hyper_fixed_subtract(COUNT, v, step);
        timed(&clock);
        failed = hyper_momentum_divide(buffer, COUNT, v, numerator, stride);
        divide += timed(&clock);
    }
    bool exact = failed < 0 && !memcmp(x, x1, sizeof x) && !memcmp(v, v1, sizeof v) && hyper_bit_buffer_is_empty(buffer);
    double per = 1.0 / COUNT / STEPS;
    printf("%-16s %8.2f %8.2f %8.2f %8.2f  %10.6f %10.6f %+8.4f%% %10.6f  %s\n", name, multiply * per, divide * per, push * per, move * per,
           bits, bound / COUNT, bound > 0 ? 100 * (bits / (bound / COUNT) - 1) : 0.0, 8 * bytes * per, exact ? "exact" : "NOT EXACT");
    hyper_bit_buffer_free(buffer);
}

int main(void)
{
    static const double betas[] = { 0.5, 0.9, 0.98, 65535.0 / 65536, 1, 1.0 / 65536 };
    printf("%s\n", ad_config());
    printf("%-16s %8s %8s %8s %8s  %10s %10s %9s %10s\n", "ns/param/step", "multiply", "divide", "push", "move", "bits", "bound", "excess", "held bits");
    for (size_t i = 0; i < sizeof betas / sizeof *betas; i++) {
        char name[32];
        snprintf(name, sizeof name, "beta %.6g", betas[i]);
        hyper_momentum_quantise(1, &betas[i], numerator);
        measure(name, 0);
    }
    for (int i = 0; i < COUNT; i++)
        numerator[i] = 58982;
    measure("0.9 each", 1);
    for (int i = 0; i < COUNT; i++)
        numerator[i] = (uint32_t)(1 + uniform() * 65536);
    measure("random each", 1);
    return 0;
}
