/* What the example programs share: reading options, writing .csv files and drawing them with gnuplot, loading digits.
 * What cannot go on ends the program with a sentence on stderr and status 1. */
#include "example.h"
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* What can be set: a text, a number from `least` on, or (neither) a switch. */
static const struct {
    const char *name, *help;
    size_t place; /* in struct options */
    enum { TEXT, NUMBER, SWITCH } kind;
    int64_t least;
} known[] = {
    { "--out", "--out PREFIX      write PREFIX.csv, and PREFIX.png with gnuplot", offsetof(struct options, out), TEXT, 0 },
    { "--data", "--data DIR        folder with the data; see above", offsetof(struct options, data), TEXT, 0 },
    { "--paper", "--paper           the paper's settings, on the data in DIR", offsetof(struct options, paper), SWITCH, 0 },
    { "--iterations", "--iterations N    how long to run", offsetof(struct options, iterations), NUMBER, 1 },
    { "--meta-iters", "--meta-iters N    steps of learning the hyperparameters", offsetof(struct options, meta_iterations), NUMBER, 1 },
    { "--runs", "--runs N          how many training runs", offsetof(struct options, runs), NUMBER, 1 },
    { "--examples", "--examples N      digits to train on", offsetof(struct options, examples), NUMBER, 1 },
    { "--seed", "--seed N          of the random numbers", offsetof(struct options, seed), NUMBER, 0 },
};
enum { OPTIONS = sizeof known / sizeof *known };

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

/* An option that `about` names, as a word of its own. */
static bool is_used(int i, const char *about)
{
    size_t length = strlen(known[i].name);
    for (const char *at = about; (at = strstr(at, known[i].name)); at += length)
        if (!strchr("-abcdefghijklmnopqrstuvwxyz", at[length]) || !at[length])
            return true;
    return false;
}

static void print_help(const char *about)
{
    printf("%s\nOptions:\n", about);
    for (int i = 0; i < OPTIONS; i++)
        if (is_used(i, about))
            printf("  %s\n", known[i].help);
    printf("  --help            this text\n");
    exit(EXIT_SUCCESS);
}

static int find_option(const char *name, const char *about)
{
    for (int i = 0; i < OPTIONS; i++)
        if (!strcmp(name, known[i].name) && is_used(i, about))
            return i;
    stop("%s: there is no such option; see --help\n", name);
    return -1;
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
        if (!strcmp(argv[i], "--help"))
            print_help(about);
        int option = find_option(argv[i], about);
        char *place = (char *)options + known[option].place;
        if (known[option].kind == SWITCH) {
            *(bool *)place = true;
            continue;
        }
        if (++i == argc)
            stop("%s: its value is missing; see --help\n", argv[i - 1]);
        if (known[option].kind == TEXT)
            *(const char **)place = argv[i];
        else
            *(int64_t *)place = number(argv[i - 1], argv[i], known[option].least);
    }
    if (options->paper && !options->data)
        stop("%s: needs --data DIR; see --help\n", "--paper");
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

/* A file name as a string of gnuplot, where a quote is written twice. With a folder before it, it is nothing but a
 * name: gnuplot takes '|sort' and '<sort' for commands. */
static void put_quoted(FILE *gnuplot, const char *text)
{
    fputs(*text == '/' ? "'" : "'./", gnuplot);
    for (; *text; text++)
        fprintf(gnuplot, *text == '\'' ? "''" : "%c", *text);
    fputc('\'', gnuplot);
}

/* How every picture looks. Colours that the colour-blind can tell apart: Okabe and Ito (2008). */
static const char style[] =
    "set datafile separator ','\n"
    "set border 3 lw 1.2 lc rgb '#555555'\nset tics nomirror out scale 0.6\nset grid lt 1 lc rgb '#d4d4d4' lw 1.2 dt solid\n"
    "set style data lines\nset key autotitle columnhead outside below horizontal Left reverse height 1 samplen 2.5 width 2\nset title font ',15' offset 0,0.4\n"
    "set palette defined (0 'white', 1 'black')\n"
    "colours = '0072B2 D55E00 009E73 CC79A7 E69F00 56B4E9 555555 7A3E9D'\n"
    "do for [k=1:8] { set linetype k lw 2.6 lc rgb '#'.word(colours, k) }\nset linetype cycle 8\n"
    "FAINT(k) = '#A0'.word(colours, (k - 1) % 8 + 1)\n"
    "REFERENCE = \"with lines lw 2 dt (12,7) lc rgb '#333333'\"\n"
    "DIVERGING = \"set palette defined (-1 '#B2182B', -0.5 '#F4A582', 0 'white', 0.5 '#92C5DE', 1 '#2166AC')\"\n";

static void draw(const char *data, const char *picture, int64_t rows, int width, int height, const char *script)
{
    FILE *gnuplot = system("command -v gnuplot > /dev/null 2>&1") == 0 ? popen("gnuplot", "w") : NULL;
    if (!gnuplot) {
        printf("gnuplot is not installed, so there is no %s\n", picture);
        return;
    }
    fprintf(gnuplot, "set terminal pngcairo size %d,%d font 'sans,13'\nset output ", width, height);
    put_quoted(gnuplot, picture);
    fprintf(gnuplot, "\nDATA = ");
    put_quoted(gnuplot, data);
    fprintf(gnuplot, "\nLAST = %lld\n%s%s\n", (long long)rows - 1, style, script);
    if (pclose(gnuplot) == 0)
        printf("wrote %s\n", picture);
    else
        fprintf(stderr, "gnuplot could not draw %s\n", picture);
}

static void write_and_draw(const char *prefix, const char *suffix, const char *columns, ad_array *table, int width, int height, const char *script)
{
    char *name = join(prefix, suffix), *data = join(name, ".csv"), *picture = join(name, ".png");
    write_csv(data, columns, table);
    draw(data, picture, ad_dim(table, 0), width, height, script);
    free(name);
    free(data);
    free(picture);
}

void write_results(const char *prefix, const char *suffix, const char *columns, ad_array *table, const char *script)
{
    if (prefix)
        write_and_draw(prefix, suffix, columns, table, 1000, strstr(script, "multiplot layout") ? 900 : 640, script);
}

/* Heights of names from the lowest to the highest, a line apart and as near to the ends of their curves as can be: less
 * the lines below them they are to increase, and where ends do not, the least squares are runs of equal means (Ayer et
 * al. 1955). */
static void move_apart(double *height, int count, double line)
{
    double *mean = allocate(count, sizeof *mean);
    int *members = allocate(count, sizeof *members), runs = 0;
    for (int i = 0; i < count; i++) {
        mean[runs] = height[i] - i * line;
        members[runs++] = 1;
        for (; runs > 1 && mean[runs - 2] > mean[runs - 1]; runs--) {
            int both = members[runs - 2] + members[runs - 1];
            mean[runs - 2] = (mean[runs - 2] * members[runs - 2] + mean[runs - 1] * members[runs - 1]) / both;
            members[runs - 2] = both;
        }
    }
    double highest = fmax(0, 1 - (count - 1) * line);
    for (int i = 0, run = 0; run < runs; run++)
        for (int k = 0; k < members[run]; k++, i++)
            height[i] = fmin(fmax(mean[run], 0), highest) + i * line;
    free(mean);
    free(members);
}

char *names_at_ends(const char *const *names, const double *end, int count, double line)
{
    int *order = allocate(count, sizeof *order);
    double *height = allocate(count, sizeof *height);
    for (int i = 0; i < count; i++) { /* the first of equal ones highest */
        int at = i;
        for (; at > 0 && end[order[at - 1]] >= end[i]; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    for (int i = 0; i < count; i++)
        height[i] = end[order[i]];
    move_apart(height, count, line);
    char *lines = join("", "");
    for (int i = 0; i < count; i++) {
        char text[200];
        snprintf(text, sizeof text, "set label %d '%s' at graph 1,graph %.4f left offset 0.8,0 tc lt %d\n", order[i] + 1, names[order[i]], height[i],
                 order[i] + 1);
        char *more = join(lines, text);
        free(lines);
        lines = more;
    }
    free(order);
    free(height);
    return lines;
}

/* All images in one coordinate system, a pixel a unit, with room for a caption above each. */
void write_images(const char *prefix, const char *suffix, ad_array *images, const char *captions, int across, const char *script)
{
    if (!prefix)
        return;
    AD_SCOPE;
    int count = (int)ad_dim(images, 0), rows = (int)ad_dim(images, 1), columns = (int)ad_dim(images, 2), down = (count + across - 1) / across;
    ad_array *place = ad_arange(ad_size(images)), *in_image = ad_mod(place, rows * columns);
    ad_array *table = ad_transpose(ad_stack(ad_list_of(ad_floor_divide(place, rows * columns), ad_floor_divide(in_image, columns), ad_mod(in_image, columns),
                                                       ad_reshape(images, AD_SHAPE(-1)))));
    double step_x = columns * 1.08 + 0.3, step_y = rows * 1.25 + 0.5, scale = fmin(860 / (across * step_x), 700 / (down * step_y));
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    if (!out)
        stop("%s\n", "out of memory");
    fprintf(out, "unset border\nunset tics\nunset grid\nunset key\nset size ratio -1\nset cbtics out\nset lmargin 1\nset bmargin 1\n%s\n"
                 "set title offset screen %g,0\n", script,
            55 / (scale * across * step_x + 140)); /* the title over the middle of the picture, colours included */
    for (int i = 0; i < count && captions && *captions; i++) {
        size_t word = strcspn(captions, ",");
        fprintf(out, "set label '%.*s' at %g,%g center\n", (int)word, captions, (i % across) * step_x + (columns - 1) / 2.0,
                0.5 + 0.1 * rows - (i / across) * step_y);
        captions += word + (captions[word] == ',');
    }
    fprintf(out, "set xrange [-1:%g]\nset yrange [%g:%g]\n", across * step_x, -down * step_y + 0.2 * rows, 0.22 * rows + 0.5);
    fprintf(out, "plot for [i=0:%d] DATA every ::(i*%d)::(i*%d+%d) using ($3+(i%%%d)*%g):(-$2-(i/%d)*%g):4 with image notitle\n", count - 1, rows * columns,
            rows * columns, rows * columns - 1, across, step_x, across, step_y);
    if (fclose(out))
        stop("%s\n", "out of memory");
    write_and_draw(prefix, suffix, "image,row,column,value", table, (int)(scale * across * step_x) + 140, (int)(scale * down * step_y) + 70, text);
    free(text);
}

ad_array *newton_step(ad_array *(*f)(ad_array *x, void *context), ad_array *x, void *context, double *value)
{
    ad_array *gradient = ad_grad(f)(x, context);
    ad_tree *eigen = ad_linalg_eigh(ad_hessian(f)(x, context));
    ad_array *v = ad_tree_get(eigen, "eigenvectors"), *size = ad_maximum(ad_abs(ad_tree_get(eigen, "eigenvalues")), 0.1);
    ad_array *along = ad_neg(ad_matmul(v, ad_div(ad_matmul(ad_transpose(v), gradient), size)));
    double slope = ad_item(ad_dot(along, gradient)), longest = ad_item(ad_max(ad_abs(along)));
    for (double length = longest > 2 ? 2 / longest : 1; length > 1e-6; length *= 0.5) {
        ad_array *next = ad_add(x, ad_mul(length, along));
        double there = ad_item(f(next, context));
        if (there < *value + 1e-4 * length * slope) {
            *value = there;
            return next;
        }
    }
    return x;
}

ad_array *running_mean(ad_array *x, int64_t width)
{
    ad_array *t = ad_arange(ad_dim(x, 0)), *reach = ad_minimum(width / 2, ad_minimum(t, ad_sub(ad_dim(x, 0) - 1, t)));
    ad_array *distance = ad_abs(ad_sub(ad_expand_dims(t, 1), t));
    ad_array *weight = ad_astype(ad_less_equal(distance, ad_expand_dims(reach, 1)), AD_F64);
    return ad_div(ad_matmul(weight, x), ad_reshape(ad_sum(weight, .axis = 1), ad_ndim(x) == 1 ? AD_SHAPE(-1) : AD_SHAPE(-1, 1)));
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
static void pair(const char *folder, ad_array *images, ad_array *labels, ad_dtype dtype, double largest, ad_array **rows, ad_array **row_labels)
{
    *rows = *row_labels = NULL;
    if (!images || !labels)
        return;
    if (ad_ndim(images) != 3 || ad_ndim(labels) != 1 || ad_dim(images, 0) != ad_dim(labels, 0) || ad_dim(images, 0) == 0) {
        ad_set_error(AD_ERROR_VALUE, "%s: %d axes and %lld images beside %d axes and %lld labels; there should be three and one, and as many", folder,
                     ad_ndim(images), (long long)ad_dim(images, 0), ad_ndim(labels), (long long)ad_dim(labels, 0));
        return;
    }
    *rows = ad_div(ad_astype(ad_reshape(images, AD_SHAPE(ad_dim(images, 0), -1)), dtype), largest);
    *row_labels = labels;
}

struct digits load_digits(const char *folder, ad_dtype dtype)
{
    struct digits d;
    if (folder) {
        pair(folder, load_first(folder, (const char *[]){ "train-images-idx3-ubyte", "train-10k-images-idx3-ubyte" }, 2),
             load_first(folder, (const char *[]){ "train-labels-idx1-ubyte", "train-10k-labels-idx1-ubyte" }, 2), dtype, 255, &d.train_images, &d.train_labels);
        pair(folder, load_first(folder, (const char *[]){ "t10k-images-idx3-ubyte" }, 1), load_first(folder, (const char *[]){ "t10k-labels-idx1-ubyte" }, 1),
             dtype, 255, &d.test_images, &d.test_labels);
        if (ad_dim(d.train_images, 1) != ad_dim(d.test_images, 1))
            ad_set_error(AD_ERROR_VALUE, "%s: images of %lld pixels to train on, and of %lld to test with", folder, (long long)ad_dim(d.train_images, 1),
                         (long long)ad_dim(d.test_images, 1));
    } else {
        ad_array *images, *labels;
        pair(EXAMPLE_DATA, load_first(EXAMPLE_DATA, (const char *[]){ "digits-images.idx3-ubyte" }, 1),
             load_first(EXAMPLE_DATA, (const char *[]){ "digits-labels.idx1-ubyte" }, 1), dtype, 16, &images, &labels);
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

static struct examples centred(ad_array *images, ad_array *labels, ad_array *which, ad_array *mean)
{
    return (struct examples){ ad_sub(ad_take(images, which, .axis = 0), mean), ad_astype(ad_take(labels, which), AD_I64) };
}

struct split split_digits(const char *folder, int64_t train, ad_key key)
{
    struct digits d = load_digits(folder, AD_F32);
    int64_t count = ad_dim(d.train_images, 0), side = (int64_t)sqrt((double)d.pixels), rest = count - train < 10000 ? count - train : 10000;
    if (side * side != d.pixels || rest <= 0)
        ad_set_error(AD_ERROR_VALUE, "%s: %lld images of %lld pixels; there should be more than %lld, and square ones",
                     folder ? folder : "the digits that come along", (long long)count, (long long)d.pixels, (long long)train);
    ad_array *order = ad_random_permutation(key, count), *mean = ad_mean(d.train_images, .axis = 0);
    return (struct split){ .train = centred(d.train_images, d.train_labels, ad_at(order, ":%lld", (long long)train), mean),
                           .valid = centred(d.train_images, d.train_labels, ad_at(order, "%lld:%lld", (long long)train, (long long)(train + rest)), mean),
                           .test = centred(d.test_images, d.test_labels, ad_arange(ad_dim(d.test_images, 0)), mean),
                           .mean = mean, .side = side, .pixels = d.pixels };
}
