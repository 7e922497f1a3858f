/* What the benchmark programs share: measuring pieces of code against each other, and saying what came out, as a table
 * and as lines of JSON.
 *
 * A row is one workload; its pieces are ways to compute it: libad first, then what it is compared with. What they
 * computed is compared before anything is timed, and a row whose pieces differ has no times. Time is that of the
 * process on all its cores, the clock of the wall has no part in it; the pieces of a row take turns, so that what slows
 * the machine down slows all of them; a time is the median of the turns, its spread the distance of the quartiles.
 * Everything runs on one thread unless a row says otherwise.
 *
 * Every program takes
 *     --json FILE     add lines of JSON to the file
 *     --repeats N     turns of each piece; 7
 *     --only TEXT     rows with the text in their name
 *     --data DIR      folder with the files of ADBench (or AD_BENCH_DATA); what needs them is skipped without */
#ifndef BENCH_H
#define BENCH_H

#include <ad/ad.h>
#include <stdio.h>

typedef struct bench {
    const char *program, *only, *data;
    FILE *json;
    int repeats, failures;
} bench;

/* A number made of a result, and the largest it could be: results are equal if their sums differ by little beside their
 * size. */
typedef struct bench_sum {
    double sum, size;
} bench_sum;

typedef struct bench_piece {
    const char *who;           /* "libad", "plain C"; where not the time of the same is compared, also what: "plain C, value" */
    void (*run)(void *);       /* what is timed */
    void *context;             /* of run and sum */
    bench_sum (*sum)(void *);  /* runs it once more and gives what came out; NULL: this piece computes something else than the first */
    double aim;                /* the first piece should take at most so many times the time of this one; 0: no aim */
    double seconds;            /* written by bench_compare: of a call; 0 if the row was not measured */
} bench_piece;

/* Reads the options and prints the head. Ends the program if the options make no sense. */
bench bench_begin(const char *program, int argc, char **argv);

/* The exit status: failure if pieces differed. Closes the file. */
int bench_end(bench *b);

/* Measures the pieces by turns. Sums may differ by tolerance times their size. False if the row was not asked for, or
 * if the pieces differ. */
bool bench_compare(bench *b, const char *row, double tolerance, bench_piece *pieces, int count);

/* Whether two sums are equal within tolerance times the size of the first; says so and counts a failure if they are
 * not. */
bool bench_equal(bench *b, const char *row, double tolerance, const char *who, bench_sum sum, const char *other, bench_sum other_sum);

/* One piece alone: its seconds, or 0 if the row was not asked for. */
double bench_time(bench *b, const char *row, void (*run)(void *), void *context);

/* Times that the program measured itself, of a piece of a row; gives their median. */
double bench_record(bench *b, const char *row, const char *who, const double *seconds, int count);

/* A figure that is not a time, or follows from times; at most its aim if that is above 0. */
void bench_figure(bench *b, const char *row, double value, const char *unit, double aim);

/* The row cannot be measured here, for this reason. */
void bench_skip(bench *b, const char *row, const char *reason);

/* Whether the row was asked for: for what takes long to prepare. */
bool bench_wants(const bench *b, const char *row);

/* Process CPU time in seconds. */
double bench_now(void);

/* The sum of all elements, each multiplied by a factor of its own between 1 and 2, so that the order counts. */
bench_sum bench_sum_of(const ad_array *x);
bench_sum bench_sum_values(const double *values, int64_t count);
bench_sum bench_sum_floats(const float *values, int64_t count);
bench_sum bench_sum_add(bench_sum a, bench_sum b);

/* Random numbers from 0 to 1 that the peers' scripts make too, from the same seed to the same bits (peer.py). */
void bench_uniform_to(double *out, int64_t count, uint64_t seed);
ad_array *bench_uniform(ad_shape shape, uint64_t seed);

/* A piece that is one call of a function of arrays. */
typedef struct bench_call {
    ad_array *(*f)(const struct bench_call *);
    ad_array *x, *y, *z;
    int64_t n;
} bench_call;
void bench_run_call(void *call);
bench_sum bench_sum_call(void *call);
#define BENCH_LIBAD(...) { .who = "libad", .run = bench_run_call, .sum = bench_sum_call, .context = (__VA_ARGS__) }

#endif
