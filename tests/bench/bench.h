/* Timing for the benchmark programs: the median of repeats and their spread; a table on the screen, JSON in a file if one is named. */
#ifndef BENCH_H
#define BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BENCH_REPEATS = 15, BENCH_ROWS = 256 };

struct bench_row {
    char name[80];
    double seconds, spread; /* median per call, and (third - first quartile) / median */
};

struct bench {
    struct bench_row rows[BENCH_ROWS];
    int count;
};

static inline double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int bench_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Seconds per call of f(context): each repeat runs for 20 ms at least. */
static inline double bench_time(struct bench *bench, const char *name, void (*f)(void *), void *context)
{
    double times[BENCH_REPEATS];
    long calls = 1;
    if (bench->count == BENCH_ROWS) {
        fprintf(stderr, "more than %d rows\n", BENCH_ROWS);
        exit(EXIT_FAILURE);
    }
    f(context);
    for (;;) {
        double start = bench_now();
        for (long i = 0; i < calls; i++)
            f(context);
        if (bench_now() - start > 0.02)
            break;
        calls *= 2;
    }
    for (int r = 0; r < BENCH_REPEATS; r++) {
        double start = bench_now();
        for (long i = 0; i < calls; i++)
            f(context);
        times[r] = (bench_now() - start) / (double)calls;
    }
    qsort(times, BENCH_REPEATS, sizeof *times, bench_compare);
    double median = times[BENCH_REPEATS / 2];
    struct bench_row *row = &bench->rows[bench->count++];
    snprintf(row->name, sizeof row->name, "%s", name);
    row->seconds = median;
    row->spread = (times[3 * BENCH_REPEATS / 4] - times[BENCH_REPEATS / 4]) / median;
    printf("%-52s %12.3f us  +- %2.0f %%\n", name, 1e6 * median, 50 * row->spread);
    fflush(stdout);
    return median;
}

static inline void bench_ratio(const char *what, double ratio, double aim)
{
    printf("    %-60s %8.2f   aim %g%s\n", what, ratio, aim, ratio <= aim ? "" : "   MISSED");
}

/* Writes the rows as JSON to the file named by the program's first argument, if there is one. */
static inline int bench_end(const struct bench *bench, int argc, char **argv)
{
    FILE *file = argc > 1 ? fopen(argv[1], "w") : NULL;
    if (argc > 1 && !file) {
        fprintf(stderr, "%s: cannot be written\n", argv[1]);
        return EXIT_FAILURE;
    }
    for (int i = 0; file && i < bench->count; i++)
        fprintf(file, "%s{\"name\": \"%s\", \"seconds\": %.9g, \"spread\": %.3g}%s", i ? " " : "[", bench->rows[i].name, bench->rows[i].seconds,
                bench->rows[i].spread, i + 1 < bench->count ? ",\n" : "]\n");
    return file && fclose(file) ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
