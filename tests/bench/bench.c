/* Measuring and reporting for the benchmark programs (bench.h). Nothing is printed of a row before its results were
 * compared. */
#include "bench.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_REPEATS = 99, MOST_PIECES = 8 };
static const double least = 0.01; /* seconds that a turn takes at least: the clock has its own cost */

double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- options and lines ---- */

static void stop(const char *format, const char *what)
{
    fprintf(stderr, format, what);
    exit(EXIT_FAILURE);
}

static void put_text(FILE *json, const char *name, const char *text)
{
    fprintf(json, ", \"%s\": \"", name);
    for (; *text; text++)
        if (*text == '\n')
            fputs("\\n", json);
        else
            fprintf(json, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    fputc('"', json);
}

static void begin_line(const bench *b, const char *row)
{
    fprintf(b->json, "{\"program\": \"%s\"", b->program);
    if (row)
        put_text(b->json, "row", row);
}

static void end_line(const bench *b)
{
    fputs("}\n", b->json);
    fflush(b->json);
}

static void read_option(bench *b, const char *name, const char *value)
{
    if (!value)
        stop("%s: a value is missing; --json FILE, --repeats N, --only TEXT, --data DIR\n", name);
    if (!strcmp(name, "--json"))
        b->json = fopen(value, "a");
    else if (!strcmp(name, "--repeats"))
        b->repeats = atoi(value);
    else if (!strcmp(name, "--only"))
        b->only = value;
    else if (!strcmp(name, "--data"))
        b->data = value;
    else
        stop("%s: there is no such option; --json FILE, --repeats N, --only TEXT, --data DIR\n", name);
    if ((!strcmp(name, "--json") && !b->json) || b->repeats < 1 || b->repeats > MOST_REPEATS)
        stop("%s: cannot be used\n", value);
}

bench bench_begin(const char *program, int argc, char **argv)
{
    bench b = { .program = program, .repeats = 7, .data = getenv("AD_BENCH_DATA") };
    for (int i = 1; i < argc; i += 2)
        read_option(&b, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
    ad_on_error(AD_ERROR_PRINT_AND_EXIT);
    ad_set_num_threads(1);
    const char *config = ad_config();
    printf("%s\n", config);
    if (b.json) {
        begin_line(&b, NULL);
        put_text(b.json, "config", config);
        end_line(&b);
    }
    return b;
}

int bench_end(bench *b)
{
    if (b->json && fclose(b->json))
        stop("%s: the results cannot be written\n", b->program);
    return b->failures ? EXIT_FAILURE : EXIT_SUCCESS;
}

bool bench_wants(const bench *b, const char *row)
{
    return !b->only || strstr(row, b->only);
}

void bench_figure(bench *b, const char *row, double value, const char *unit, double aim)
{
    if (!bench_wants(b, row))
        return;
    printf("%-58s %12.4g %s", row, value, unit);
    if (aim > 0)
        printf("   aim %g%s", aim, value <= aim ? "" : " MISSED");
    printf("\n");
    if (!b->json)
        return;
    begin_line(b, row);
    put_text(b->json, "unit", unit);
    fprintf(b->json, ", \"figure\": %.9g, \"aim\": %.9g", value, aim);
    end_line(b);
}

void bench_skip(bench *b, const char *row, const char *reason)
{
    if (!bench_wants(b, row))
        return;
    printf("%-58s skipped: %s\n", row, reason);
    if (!b->json)
        return;
    begin_line(b, row);
    put_text(b->json, "skipped", reason);
    end_line(b);
}

/* ---- times ---- */

typedef struct {
    double seconds[MOST_REPEATS];
    int count;
    double median, low, high;
} samples;

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void summarise(samples *s)
{
    qsort(s->seconds, (size_t)s->count, sizeof *s->seconds, by_size);
    s->median = s->seconds[s->count / 2];
    s->low = s->seconds[s->count / 4];
    s->high = s->seconds[(3 * s->count) / 4];
}

static void report(bench *b, const char *row, const bench_piece *piece, samples *s, const bench_sum *sum, double tolerance)
{
    summarise(s);
    printf("%-58s %-22s %13.3f us  +-%3.0f %%\n", row, piece->who, 1e6 * s->median, 50 * (s->high - s->low) / s->median);
    fflush(stdout);
    if (!b->json)
        return;
    begin_line(b, row);
    put_text(b->json, "who", piece->who);
    fprintf(b->json, ", \"seconds\": %.6g, \"low\": %.6g, \"high\": %.6g, \"aim\": %g", s->median, s->low, s->high, piece->aim);
    if (sum)
        fprintf(b->json, ", \"sum\": %.17g, \"size\": %.17g, \"tolerance\": %g", sum->sum, sum->size, tolerance);
    fputs(", \"samples\": [", b->json);
    for (int i = 0; i < s->count; i++)
        fprintf(b->json, "%s%.6g", i ? ", " : "", s->seconds[i]);
    fputs("]", b->json);
    end_line(b);
}

double bench_record(bench *b, const char *row, const char *who, const double *seconds, int count)
{
    samples s = { .count = count < MOST_REPEATS ? count : MOST_REPEATS };
    memcpy(s.seconds, seconds, (size_t)s.count * sizeof *seconds);
    report(b, row, &(bench_piece){ .who = who }, &s, NULL, 0);
    return s.median;
}

static double turn(const bench_piece *piece, long calls)
{
    double start = bench_now();
    for (long i = 0; i < calls; i++)
        piece->run(piece->context);
    return (bench_now() - start) / (double)calls;
}

/* How many calls a turn has. */
static long calls_of(const bench_piece *piece)
{
    long calls = 1;
    turn(piece, 1);
    for (double taken; (taken = turn(piece, calls) * (double)calls) < least;)
        calls = taken > least / 64 ? (long)((double)calls * least / taken * 1.1) + 1 : calls * 16;
    return calls;
}

bool bench_equal(bench *b, const char *row, double tolerance, const char *who, bench_sum sum, const char *other, bench_sum other_sum)
{
    double away = fabs(sum.sum - other_sum.sum);
    if (away <= tolerance * sum.size || (isnan(sum.sum) && isnan(other_sum.sum)))
        return true;
    fprintf(stderr, "%s: %s has %.17g, %s %.17g, %g of the size %g\n", row, who, sum.sum, other, other_sum.sum, away / sum.size, sum.size);
    b->failures++;
    return false;
}

/* Whether all pieces that compute the same have the same sum as the first one. */
static bool agree(bench *b, const char *row, double tolerance, const bench_piece *pieces, bench_sum *sums, int count)
{
    bool equal = true;
    for (int i = 0; i < count; i++) {
        if (!pieces[i].sum)
            continue;
        sums[i] = pieces[i].sum(pieces[i].context);
        equal &= bench_equal(b, row, tolerance, pieces[0].who, sums[0], pieces[i].who, sums[i]);
    }
    return equal;
}

bool bench_compare(bench *b, const char *row, double tolerance, bench_piece *pieces, int count)
{
    static samples s[MOST_PIECES];
    bench_sum sums[MOST_PIECES] = { { 0, 0 } };
    long calls[MOST_PIECES];
    if (!bench_wants(b, row) || count > MOST_PIECES || !agree(b, row, tolerance, pieces, sums, count))
        return false;
    for (int i = 0; i < count; i++) {
        s[i].count = b->repeats;
        calls[i] = calls_of(&pieces[i]);
    }
    for (int r = 0; r < b->repeats; r++)
        for (int i = 0; i < count; i++)
            s[i].seconds[r] = turn(&pieces[i], calls[i]);
    for (int i = 0; i < count; i++) {
        report(b, row, &pieces[i], &s[i], pieces[i].sum ? &sums[i] : NULL, tolerance);
        pieces[i].seconds = s[i].median;
        if (pieces[i].aim > 0)
            printf("    %-54s %-22s %10.2f x   aim %g%s\n", "", "", s[0].median / s[i].median, pieces[i].aim,
                   s[0].median <= pieces[i].aim * s[i].median ? "" : " MISSED");
    }
    return true;
}

double bench_time(bench *b, const char *row, void (*run)(void *), void *context)
{
    bench_piece piece = { .who = "libad", .run = run, .context = context };
    return bench_compare(b, row, 0, &piece, 1) ? piece.seconds : 0;
}

/* ---- inputs and results ---- */

/* Element i of the factors: 1 and the fraction of i times the golden ratio, in 32 bits. */
static double factor(int64_t i)
{
    return 1 + (double)(uint32_t)((uint64_t)i * 2654435761u) * 0x1p-32;
}

bench_sum bench_sum_values(const double *values, int64_t count)
{
    bench_sum s = { 0, 0 };
    for (int64_t i = 0; i < count; i++) {
        s.sum += factor(i) * values[i];
        s.size += fabs(factor(i) * values[i]);
    }
    return s;
}

bench_sum bench_sum_floats(const float *values, int64_t count)
{
    bench_sum s = { 0, 0 };
    for (int64_t i = 0; i < count; i++) {
        s.sum += factor(i) * (double)values[i];
        s.size += fabs(factor(i) * (double)values[i]);
    }
    return s;
}

bench_sum bench_sum_add(bench_sum a, bench_sum b)
{
    return (bench_sum){ a.sum + b.sum, a.size + b.size };
}

bench_sum bench_sum_of(const ad_array *x)
{
    int64_t count = ad_size(x);
    double *values = malloc((size_t)count * sizeof *values + 1);
    if (!values || !ad_copy_to(x, values, count))
        stop("%s\n", ad_failed() ? ad_error_message() : "out of memory");
    bench_sum s = bench_sum_values(values, count);
    free(values);
    return s;
}

/* The generator of Steele, Lea and Flood (2014), "Fast splittable pseudorandom number generators", at place seed * 2^40
 * + i. */
void bench_uniform_to(double *out, int64_t count, uint64_t seed)
{
    for (int64_t i = 0; i < count; i++) {
        uint64_t z = ((seed << 40) + (uint64_t)i + 1) * 0x9e3779b97f4a7c15u;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        out[i] = (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
    }
}

ad_array *bench_uniform(ad_shape shape, uint64_t seed)
{
    int64_t count = 1;
    for (int i = 0; i < shape.ndim; i++)
        count *= shape.dim[i];
    double *values = malloc((size_t)count * sizeof *values + 1);
    if (!values)
        stop("%s\n", "out of memory");
    bench_uniform_to(values, count, seed);
    ad_array *x = ad_from(values, shape);
    free(values);
    return x;
}

void bench_run_call(void *context)
{
    AD_SCOPE;
    const bench_call *call = context;
    call->f(call);
}

bench_sum bench_sum_call(void *context)
{
    AD_SCOPE;
    const bench_call *call = context;
    return bench_sum_of(call->f(call));
}
