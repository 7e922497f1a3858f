/* What the example programs share: reading options, writing .csv files and drawing them with gnuplot, loading digits. What cannot go on ends the
 * program with a sentence on stderr and status 1. */
#include "example.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static const char *const option_help = "\nOptions:\n"
                                       "  --out PREFIX      write PREFIX.csv, and PREFIX.png with gnuplot\n"
                                       "  --data DIR        folder with MNIST as IDX files (.gz too), where the program reads digits\n"
                                       "  --iterations N    how long to run\n"
                                       "  --seed N          of the random numbers\n"
                                       "  --help            this text\n";

static void stop(const char *format, const char *what)
{
    fprintf(stderr, format, what);
    exit(EXIT_FAILURE);
}

static int64_t number(const char *option, const char *text)
{
    char *end;
    long long value = strtoll(text, &end, 10);
    if (*end || end == text || value < 0) {
        fprintf(stderr, "%s %s: not a number; see --help\n", option, text);
        exit(EXIT_FAILURE);
    }
    return value;
}

void read_options(struct options *options, int argc, char **argv, const char *about)
{
    for (int i = 1; i < argc; i++) {
        const char *option = argv[i];
        if (strcmp(option, "--help") == 0) {
            printf("%s%s", about, option_help);
            exit(EXIT_SUCCESS);
        }
        bool known = !strcmp(option, "--out") || !strcmp(option, "--data") || !strcmp(option, "--iterations") || !strcmp(option, "--seed");
        if (!known)
            stop("%s: there is no such option; see --help\n", option);
        if (++i == argc)
            stop("%s: its value is missing; see --help\n", option);
        if (!strcmp(option, "--out"))
            options->out = argv[i];
        else if (!strcmp(option, "--data"))
            options->data = argv[i];
        else if (!strcmp(option, "--iterations"))
            options->iterations = number(option, argv[i]);
        else
            options->seed = (uint64_t)number(option, argv[i]);
    }
}

void end_if_failed(void)
{
    if (ad_failed())
        stop("%s\n", ad_error_message());
}

void *allocate(int64_t count, size_t size)
{
    void *block = calloc((size_t)count + 1, size);
    if (!block)
        stop("%s\n", "out of memory");
    return block;
}

char *join(const char *text, const char *end)
{
    char *joined = allocate((int64_t)(strlen(text) + strlen(end)), 1);
    return strcat(strcpy(joined, text), end);
}

double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- results ---- */

static void write_csv(const char *path, const char *columns, ad_array *table)
{
    int64_t rows = ad_dim(table, 0), width = ad_dim(table, 1);
    double *values = malloc((size_t)(rows * width) * sizeof *values + 1);
    FILE *file = fopen(path, "w");
    if (!values || !file || !ad_copy_to(table, values, rows * width)) {
        end_if_failed();
        stop("%s: cannot be written\n", path);
    }
    fprintf(file, "%s\n", columns);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < width; j++)
            fprintf(file, "%.17g%c", values[i * width + j], j + 1 < width ? ',' : '\n');
    if (fclose(file))
        stop("%s: cannot be written\n", path);
    free(values);
    printf("wrote %s\n", path);
}

/* A file name as a string of gnuplot, where a quote is written twice. */
static void put_quoted(FILE *gnuplot, const char *text)
{
    fputc('\'', gnuplot);
    for (; *text; text++)
        fprintf(gnuplot, *text == '\'' ? "''" : "%c", *text);
    fputc('\'', gnuplot);
}

static void draw(const char *data, const char *picture, const char *script)
{
    FILE *gnuplot = system("command -v gnuplot > /dev/null 2>&1") == 0 ? popen("gnuplot", "w") : NULL;
    if (!gnuplot) {
        printf("gnuplot is not installed, so there is no %s\n", picture);
        return;
    }
    fprintf(gnuplot, "DATA = ");
    put_quoted(gnuplot, data);
    fprintf(gnuplot, "\nset terminal pngcairo size 900,600 font 'sans,11'\nset output ");
    put_quoted(gnuplot, picture);
    fprintf(gnuplot, "\nset datafile separator ','\nset grid lc rgb '#dddddd'\nset key autotitle columnhead outside below height 1.5\n"
                     "set style data lines\n%s\n", script);
    if (pclose(gnuplot) == 0)
        printf("wrote %s\n", picture);
    else
        fprintf(stderr, "gnuplot could not draw %s\n", picture);
}

void write_results(const char *prefix, const char *columns, ad_array *table, const char *script)
{
    end_if_failed();
    if (!prefix)
        return;
    char *data = join(prefix, ".csv"), *picture = join(prefix, ".png");
    write_csv(data, columns, table);
    draw(data, picture, script);
    free(data);
    free(picture);
}

/* ---- digits ---- */

/* The first of the names that exists in the folder, with or without .gz. */
static ad_array *load_first(const char *folder, const char *const names[], int count)
{
    for (int i = 0; i < 2 * count; i++) {
        char path[4096];
        struct stat unused;
        snprintf(path, sizeof path, "%s/%s%s", folder, names[i / 2], i % 2 ? ".gz" : "");
        if (stat(path, &unused) == 0)
            return ad_load_idx(path);
    }
    return ad_set_error(AD_ERROR_IO, "%s: there is no file %s or %s.gz in it", folder, names[0], names[0]);
}

static ad_array *as_rows(ad_array *images, double largest)
{
    ad_array *rows = ad_reshape(images, AD_SHAPE(ad_dim(images, 0), -1));
    return ad_div(ad_astype(rows, AD_F64), largest);
}

struct digits load_digits(const char *folder)
{
    struct digits d;
    if (folder) {
        d.train_images = as_rows(load_first(folder, (const char *[]){ "train-images-idx3-ubyte", "train-10k-images-idx3-ubyte" }, 2), 255);
        d.train_labels = load_first(folder, (const char *[]){ "train-labels-idx1-ubyte", "train-10k-labels-idx1-ubyte" }, 2);
        d.test_images = as_rows(load_first(folder, (const char *[]){ "t10k-images-idx3-ubyte" }, 1), 255);
        d.test_labels = load_first(folder, (const char *[]){ "t10k-labels-idx1-ubyte" }, 1);
    } else {
        ad_array *images = as_rows(load_first(EXAMPLE_DATA, (const char *[]){ "digits-images.idx3-ubyte" }, 1), 16);
        ad_array *labels = load_first(EXAMPLE_DATA, (const char *[]){ "digits-labels.idx1-ubyte" }, 1);
        /* The file is in the order of the writers: shuffle, so that both parts have digits of all of them. */
        ad_array *order = ad_random_permutation(ad_random_key(0), ad_dim(images, 0));
        ad_array *train = ad_at(order, ":1437"), *test = ad_at(order, "1437:");
        d.train_images = ad_take(images, train, .axis = 0);
        d.train_labels = ad_take(labels, train, .axis = 0);
        d.test_images = ad_take(images, test, .axis = 0);
        d.test_labels = ad_take(labels, test, .axis = 0);
    }
    d.pixels = ad_dim(d.train_images, 1);
    end_if_failed();
    return d;
}
