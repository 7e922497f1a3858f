/* What the example programs share beside libad: options, results as .csv and .png, the digits. */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <ad/ad.h>

/* Preset by the program, overwritten by what the user says. */
struct options {
    const char *out;         /* --out: prefix of the files to write; NULL: none */
    const char *data;        /* --data: folder with the data; NULL: the digits that ship with the project */
    bool paper;              /* --paper: the paper's settings; only with --data */
    int64_t iterations;      /* --iterations */
    int64_t meta_iterations; /* --meta-iters */
    int64_t runs;            /* --runs */
    int64_t examples;        /* --examples */
    uint64_t seed;           /* --seed */
};

/* Reads the options; ends the program on --help, and with one line and status 1 on what makes no sense. `about` says
 * what the program does and names those of the options above that it uses. From then on the first error of the library
 * ends the program: it is printed with its line. */
void read_options(struct options *options, int argc, char **argv, const char *about);

/* Writes PREFIXsuffix.csv with these column names ("x,y"), one row for each row of the table (rows, columns), and draws
 * PREFIXsuffix.png with gnuplot, if it is installed. Nothing happens without a prefix. All pictures share one style;
 * the script has
 *     DATA           the file; columns 1, 2, ... become line types 1, 2, ..., in colours that everybody can tell apart
 *     lc rgb FAINT(k)  the colour of line type k, faint: for raw values behind their running mean
 *     @REFERENCE     in place of `with lines`: dashed, for what the curves are to be compared with
 *     @DIVERGING     a palette from red through white to blue, for `set cbrange [-a:a]`; otherwise from white to black
 * With `set multiplot layout` in it, the picture is higher. */
void write_results(const char *prefix, const char *suffix, const char *columns, ad_array *table, const char *script);

/* Lines of such a script that write the names of curves at their ends, in the colours of line types 1, 2, ...: at the
 * height `end` of the graph, from 0 to 1, or near it, for names are moved apart where they would overlap. `line` of the
 * graph's height is room for one. Make room beside the graph by `set rmargin 14` and `unset key`. In a multiplot the
 * lines of a later graph replace those of an earlier one. free() them. */
char *names_at_ends(const char *const *names, const double *end, int count, double line);

/* As write_results, for images (count, rows, columns), `across` of them side by side, with captions ("one,two,three")
 * or NULL. The script comes before the drawing: `set title`, `set cbrange`, `set cblabel`, @DIVERGING, `unset
 * colorbox`. */
void write_images(const char *prefix, const char *suffix, ad_array *images, const char *captions, int across, const char *script);

/* A step of Newton's method downhill: along the eigenvectors of the Hessian of f at x, by the sizes of its eigenvalues,
 * halved until f falls as much as its slope promises. No element moves by more than 2. Gives the new place and its
 * value; x where f falls nowhere. */
ad_array *newton_step(ad_array *(*f)(ad_array *x, void *context), ad_array *x, void *context, double *value);

/* Mean over `width` neighbours along axis 0 of a vector or a matrix; fewer near the ends, as many on either side. */
ad_array *running_mean(ad_array *x, int64_t width);

/* Images as rows of numbers from 0 to 1, labels as integers. */
struct digits {
    ad_array *train_images, *train_labels, *test_images, *test_labels;
    int64_t pixels;
};

/* The UCI digits (1,437 to train on, 360 to test with), or MNIST from a folder of IDX files (.gz too), as float32 or
 * float64. Ends the program if they cannot be read. */
struct digits load_digits(const char *folder, ad_dtype dtype);

/* Digits in float32, from which the mean image was taken off: `train`, as many of those to train on as are asked for,
 * drawn by the key; `valid`, up to 10,000 of the others; `test`. */
struct examples {
    ad_array *images, *labels;
};
struct split {
    struct examples train, valid, test;
    ad_array *mean;       /* (pixels) */
    int64_t side, pixels; /* images are square */
};
struct split split_digits(const char *folder, int64_t train, ad_key key);

/* Room for count items, zeroed, and the two texts as one; free() them. Both end the program if there is no memory. */
void *allocate(int64_t count, size_t size);
char *join(const char *text, const char *end);

/* Wall-clock time in seconds. */
double seconds_now(void);

#endif
