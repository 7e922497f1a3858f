/* What the example programs share beside libad: options, results as .csv and .png, the digits. */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <ad/ad.h>

struct options {
    const char *out;    /* prefix of the files to write; NULL: none */
    const char *data;   /* folder with MNIST; NULL: the digits that ship with the project */
    int64_t iterations; /* --iterations, or what it was before */
    uint64_t seed;
};

/* Reads --help, --out PREFIX, --data DIR, --iterations N and --seed N; ends the program on --help and on anything else. `about` says what the
 * program does and which of these options it uses. From then on the first error of the library ends the program: it is printed with its line. */
void read_options(struct options *options, int argc, char **argv, const char *about);

/* Writes PREFIX.csv with these column names ("x,y"), one row for each row of the table (rows, columns), and draws PREFIX.png with gnuplot,
 * if it is installed. In the script, DATA stands for the file; its columns can be used by name. Nothing happens without a prefix. */
void write_results(const char *prefix, const char *columns, ad_array *table, const char *script);

/* Images as rows of numbers from 0 to 1, labels as integers. */
struct digits {
    ad_array *train_images, *train_labels, *test_images, *test_labels;
    int64_t pixels;
};

/* The UCI digits (1,437 to train on, 360 to test with), or MNIST from a folder of IDX files. Ends the program if they cannot be read. */
struct digits load_digits(const char *folder);

/* Room for count items, zeroed, and the two texts as one; free() them. Both end the program if there is no memory. */
void *allocate(int64_t count, size_t size);
char *join(const char *text, const char *end);

/* Wall-clock time in seconds. */
double seconds_now(void);

#endif
