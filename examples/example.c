/* What the example programs share: reading options, writing .csv files and drawing them with gnuplot, loading digits. What cannot go on ends the
 * program with a sentence on stderr and status 1. */
#include "example.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static const char *const option_help[][2] = {
    { "--out", "--out PREFIX      write PREFIX.csv, and PREFIX.png with gnuplot" },
    { "--data", "--data DIR        folder with MNIST as IDX files (.gz too)" },
    { "--iterations", "--iterations N    how long to run" },
    { "--seed", "--seed N          of the random numbers" },
};
enum { OPTIONS = sizeof option_help / sizeof *option_help };

static void stop(const char *format, const char *what)
{
    fprintf(stderr, format, what);
    exit(EXIT_FAILURE);
}

static int64_t number(const char *option, const char *text, int64_t least)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (*end || end == text || value < least || errno) {
        fprintf(stderr, "%s %s: not a number from %lld on that fits 64 bits; see --help\n", option, text, (long long)least);
        exit(EXIT_FAILURE);
    }
    return value;
}

static void print_help(const char *about)
{
    printf("%s\nOptions:\n", about);
    for (int i = 0; i < OPTIONS; i++)
        if (strstr(about, option_help[i][0]))
            printf("  %s\n", option_help[i][1]);
    printf("  --help            this text\n");
    exit(EXIT_SUCCESS);
}

static bool is_known(const char *option, const char *about)
{
    for (int i = 0; i < OPTIONS; i++)
        if (!strcmp(option, option_help[i][0]))
            return strstr(about, option);
    return false;
}

/* Before the work, not after it. A line break would end a line of gnuplot's. */
static void try_to_write(const char *prefix)
{
    for (const char *at = prefix; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 127)
            stop("%s: the prefix has a control character in it\n", "--out");
    char *path = join(prefix, ".csv");
    FILE *file = fopen(path, "a");
    if (!file || fclose(file))
        stop("%s: cannot be written\n", path);
    free(path);
}

void read_options(struct options *options, int argc, char **argv, const char *about)
{
    ad_on_error(AD_ERROR_PRINT_AND_EXIT);
    for (int i = 1; i < argc; i++) {
        const char *option = argv[i];
        if (!strcmp(option, "--help"))
            print_help(about);
        if (!is_known(option, about))
            stop("%s: there is no such option; see --help\n", option);
        if (++i == argc)
            stop("%s: its value is missing; see --help\n", option);
        if (!strcmp(option, "--out"))
            options->out = argv[i];
        else if (!strcmp(option, "--data"))
            options->data = argv[i];
        else if (!strcmp(option, "--iterations"))
            options->iterations = number(option, argv[i], 1);
        else
            options->seed = (uint64_t)number(option, argv[i], 0);
    }
    if (options->out)
        try_to_write(options->out);
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
    if (!values || !file || !ad_copy_to(table, values, rows * width))
        stop("%s: cannot be written\n", path);
    fprintf(file, "%s\n", columns);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < width; j++)
            fprintf(file, "%.17g%c", values[i * width + j], j + 1 < width ? ',' : '\n');
    if (fclose(file))
        stop("%s: cannot be written\n", path);
    free(values);
    printf("wrote %s\n", path);
}

/* A file name as a string of gnuplot, where a quote is written twice. With a folder before it, it is nothing but a name: gnuplot takes '|sort' and
 * '<sort' for commands. */
static void put_quoted(FILE *gnuplot, const char *text)
{
    fputs(*text == '/' ? "'" : "'./", gnuplot);
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

/* Images as rows from 0 to 1, and a label for each; an error otherwise. */
static void pair(const char *folder, ad_array *images, ad_array *labels, double largest, ad_array **rows, ad_array **row_labels)
{
    *rows = *row_labels = NULL;
    if (!images || !labels)
        return;
    if (ad_ndim(images) != 3 || ad_ndim(labels) != 1 || ad_dim(images, 0) != ad_dim(labels, 0) || ad_dim(images, 0) == 0) {
        ad_set_error(AD_ERROR_VALUE, "%s: %d axes and %lld images beside %d axes and %lld labels; there should be three and one, and as many", folder,
                     ad_ndim(images), (long long)ad_dim(images, 0), ad_ndim(labels), (long long)ad_dim(labels, 0));
        return;
    }
    *rows = ad_div(ad_astype(ad_reshape(images, AD_SHAPE(ad_dim(images, 0), -1)), AD_F64), largest);
    *row_labels = labels;
}

struct digits load_digits(const char *folder)
{
    struct digits d;
    if (folder) {
        pair(folder, load_first(folder, (const char *[]){ "train-images-idx3-ubyte", "train-10k-images-idx3-ubyte" }, 2),
             load_first(folder, (const char *[]){ "train-labels-idx1-ubyte", "train-10k-labels-idx1-ubyte" }, 2), 255, &d.train_images, &d.train_labels);
        pair(folder, load_first(folder, (const char *[]){ "t10k-images-idx3-ubyte" }, 1), load_first(folder, (const char *[]){ "t10k-labels-idx1-ubyte" }, 1),
             255, &d.test_images, &d.test_labels);
        if (ad_dim(d.train_images, 1) != ad_dim(d.test_images, 1))
            ad_set_error(AD_ERROR_VALUE, "%s: images of %lld pixels to train on, and of %lld to test with", folder, (long long)ad_dim(d.train_images, 1),
                         (long long)ad_dim(d.test_images, 1));
    } else {
        ad_array *images, *labels;
        pair(EXAMPLE_DATA, load_first(EXAMPLE_DATA, (const char *[]){ "digits-images.idx3-ubyte" }, 1),
             load_first(EXAMPLE_DATA, (const char *[]){ "digits-labels.idx1-ubyte" }, 1), 16, &images, &labels);
        /* The file is in the order of the writers: shuffle, so that both parts have digits of all of them. */
        ad_array *order = ad_random_permutation(ad_random_key(0), ad_dim(images, 0));
        ad_array *train = ad_at(order, ":1437"), *test = ad_at(order, "1437:");
        d.train_images = ad_take(images, train, .axis = 0);
        d.train_labels = ad_take(labels, train, .axis = 0);
        d.test_images = ad_take(images, test, .axis = 0);
        d.test_labels = ad_take(labels, test, .axis = 0);
    }
    d.pixels = ad_dim(d.train_images, 1);
    return d;
}
