/* Six ways to the gradient of the same training run with respect to ten penalties, one for the weights of each digit:
 * what each takes as the run gets longer.
 *
 *     reverse      runs the training backwards: log2(1/momentum) bits per parameter and iteration
 *     store        remembers the whole trajectory
 *     checkpoint   remembers CHECKPOINTS states of it and computes the rest again
 *     forward      carries the derivative of the state in each penalty along: no memory of the past, but time for each
 *     truncated    goes back the last LAST iterations only, and takes what was before for constant
 *     implicit     looks at the end of training alone, and takes it for a minimum
 *
 * The first four give the same gradient, which is checked first; the last two are approximations, and the picture shows
 * how good ones. Each measurement runs in a process of its own, so that its peak of memory is its own. Takes half a
 * minute; --paper --data DIR (MNIST) ten. */
#define _GNU_SOURCE
#include "example.h"
#include <ad-nn/nn.h>
#include <hyperopt/hyperopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CLASSES = 10, CHECKPOINTS = 20, LAST = 30, METHODS = 6, COLUMNS = 1 + 4 * METHODS };
static const struct {
    hyper_method method;
    const char *name;
    bool exact;
} methods[METHODS] = {
    { HYPER_REVERSE, "reverse", true }, { HYPER_STORE, "store", true },          { HYPER_CHECKPOINT, "checkpoint", true },
    { HYPER_FORWARD, "forward", true }, { HYPER_TRUNCATED, "truncated", false }, { HYPER_IMPLICIT, "implicit", false },
};

struct problem {
    ad_array *images, *labels, *validation_images, *validation_labels;
    ad_tree *start, *penalties;
    hyper_training training;
    adnn_progress progress;
    int64_t done; /* iterations, of all methods */
};

struct measurement {
    double gradient[CLASSES], seconds;
    double bytes, growth; /* what hyperopt says that it took; by how much the process grew at most */
};

/* Logistic regression on all images at once. The loss is convex, so that training converges and an implicit gradient
 * makes sense. */
static ad_array *loss(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    (void)iteration;
    const struct problem *p = context;
    ad_array *w = ad_tree_get(x, "W"), *penalty = ad_exp(ad_tree_get(theta, "log penalty"));
    ad_array *logits = ad_add(ad_matmul(p->images, w), ad_tree_get(x, "b"));
    return ad_add(adnn_softmax_cross_entropy(logits, p->labels), ad_sum(ad_mul(penalty, ad_square(w))));
}

static ad_array *meta_loss(ad_tree *theta, void *context)
{
    const struct problem *p = context;
    ad_tree *x = hyper_sgd(&p->training, ad_tree_of("x", p->start, "alpha", 1.0, "beta", 0.9, "theta", theta));
    return adnn_softmax_cross_entropy(ad_add(ad_matmul(p->validation_images, ad_tree_get(x, "W")), ad_tree_get(x, "b")), p->validation_labels);
}

static double peak_bytes(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return 1024.0 * (double)usage.ru_maxrss;
}

/* In this process: the gradient, processor time (the least of several short runs), and by how much the process grew at
 * most. */
static void measure_here(struct problem *p, struct measurement *m)
{
    hyper_report report = { 0 };
    p->training.report = &report;
    double before = peak_bytes();
    clock_t begun = clock();
    m->seconds = INFINITY;
    do {
        AD_SCOPE;
        clock_t start = clock();
        ad_tree *gradient = ad_grad(meta_loss)(p->penalties, p);
        ad_copy_to(ad_tree_get(gradient, "log penalty"), m->gradient, CLASSES);
        m->seconds = fmin(m->seconds, (double)(clock() - start) / CLOCKS_PER_SEC);
    } while (clock() - begun < CLOCKS_PER_SEC / 20);
    m->growth = peak_bytes() - before;
    m->bytes = (double)report.memory_bytes;
}

/* In a child, which leaves what it found in memory that both see. */
static struct measurement measure(struct problem *p, int method, int64_t iterations)
{
    int64_t state_bytes = 16 * (ad_size(ad_tree_get(p->start, "W")) + CLASSES);
    p->training = (hyper_training){ .loss = loss,
                                    .context = p,
                                    .iterations = iterations,
                                    .method = methods[method].method,
                                    .checkpoint_memory = (size_t)(CHECKPOINTS * state_bytes),
                                    .last_iterations = LAST };
    struct measurement *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child = shared == MAP_FAILED ? -1 : fork();
    if (child == 0) {
        measure_here(p, shared);
        _exit(EXIT_SUCCESS);
    }
    int status = 1;
    if (child < 0 || waitpid(child, &status, 0) < 0 || status) {
        fprintf(stderr, "%s over %lld iterations: could not be measured\n", methods[method].name, (long long)iterations);
        exit(EXIT_FAILURE);
    }
    struct measurement result = *shared;
    munmap(shared, sizeof *shared);
    return result;
}

/* |a - b| / |b| */
static double distance(const struct measurement *a, const struct measurement *b)
{
    double square = 0, norm = 0;
    for (int i = 0; i < CLASSES; i++) {
        square += (a->gradient[i] - b->gradient[i]) * (a->gradient[i] - b->gradient[i]);
        norm += b->gradient[i] * b->gradient[i];
    }
    return sqrt(square / norm);
}

/* The data, and where training begins: the first `count` images to train on, the next `count` to judge by. */
static struct problem make_problem(const struct options *options, int64_t count)
{
    struct digits d = load_digits(options->data, AD_F64);
    if (ad_dim(d.train_images, 0) < 2 * count) {
        fprintf(stderr, "%s: %lld images; there should be %lld\n", options->data, (long long)ad_dim(d.train_images, 0), (long long)(2 * count));
        exit(EXIT_FAILURE);
    }
    return (struct problem){
        .images = ad_slice_axis(d.train_images, 0, 0, count, 1),
        .labels = ad_slice_axis(d.train_labels, 0, 0, count, 1),
        .validation_images = ad_slice_axis(d.train_images, 0, count, count, 1),
        .validation_labels = ad_slice_axis(d.train_labels, 0, count, count, 1),
        .start = ad_tree_of("W", ad_mul(0.01, ad_random_normal(ad_random_key(options->seed), AD_SHAPE(d.pixels, CLASSES))), "b", ad_zeros(AD_SHAPE(CLASSES))),
        .penalties = ad_tree_of("log penalty", ad_full(AD_SHAPE(CLASSES), -5.0)),
    };
}

/* One line for each method, and all numbers in a row. False if the exact methods do not agree. */
static bool measure_all(struct problem *p, int64_t iterations, double row[COLUMNS])
{
    struct measurement found[METHODS];
    bool equal = true;
    row[0] = (double)iterations;
    for (int m = 0; m < METHODS; m++) {
        found[m] = measure(p, m, iterations);
        adnn_progress_update(&p->progress, p->done += iterations, NAN);
    }
    adnn_progress_end(&p->progress);
    for (int m = 0; m < METHODS; m++) {
        double numbers[] = { found[m].seconds, found[m].bytes, distance(&found[m], &found[1]), found[m].growth };
        for (int k = 0; k < 4; k++)
            row[1 + k * METHODS + m] = numbers[k];
        bool agrees = numbers[2] < 1e-6 || !methods[m].exact;
        equal &= agrees;
        printf("%10lld%12s%12.4f%14.0f%14.0f%10.1e%s\n", (long long)iterations, methods[m].name, numbers[0], numbers[1], numbers[3], numbers[2],
               agrees ? "" : "   WRONG");
    }
    return equal;
}

/* ---- the picture ---- */

enum { NOTHING = -19 }; /* the logarithm that stands for an error of 0 */

/* Adds to a script a graph of METHODS columns from `first` on, or of their ratios to column `unit` if that is not 0, on
 * a scale between powers of ten. */
static void add_graph(char *script, size_t room, double (*table)[COLUMNS], int lengths, int first, int unit, double lowest, double highest, const char *before)
{
    const char *names[METHODS];
    double end[METHODS];
    for (int m = 0; m < METHODS; m++) {
        const double *row = table[lengths - 1];
        names[m] = methods[m].name;
        end[m] = (fmax(log10(row[first + m] / (unit ? row[unit] : 1)), NOTHING) - lowest) / (highest - lowest);
    }
    char *labels = names_at_ends(names, end, METHODS, 0.1), ratio[60];
    snprintf(ratio, sizeof ratio, "column(k) / column(%d)", unit + 1);
    snprintf(script + strlen(script), room - strlen(script),
             "%s\nset yrange [%g:%g]\n%sshown(k) = %s\nplot for [k=%d:%d] DATA using 1:(shown(k)) lt k-%d\n", before, pow(10, lowest), pow(10, highest), labels,
             unit ? ratio : "column(k) > 1e-19 ? column(k) : 1e-19", first + 1, first + METHODS, first);
    free(labels);
}

/* The powers of ten around columns of a table. */
static void bounds(double (*table)[COLUMNS], int lengths, int first, double *lowest, double *highest)
{
    *lowest = INFINITY;
    *highest = -INFINITY;
    for (int i = 0; i < lengths; i++) {
        for (int m = 0; m < METHODS; m++) {
            *lowest = fmin(*lowest, floor(log10(table[i][first + m])));
            *highest = fmax(*highest, ceil(log10(table[i][first + m])));
        }
    }
}

static void draw(const char *out, double (*table)[COLUMNS], int lengths)
{
    char script[8000] = "set multiplot layout 3,1 title 'Reverse: exact, as fast as store, in the memory of an approximation' font ',15'\n"
                        "set logscale xy\nset format x '10^{%L}'\nset format y '10^{%L}'\nunset key\nset lmargin 11\nset rmargin 14\nset tmargin 1.2\n"
                        "set style data linespoints\nset pointsize 0.7\nunset mxtics\nunset mytics\nset xtics (1, 10, 100, 1e3, 1e4, 1e5, 1e6)\n";
    double lowest, highest;
    snprintf(script + strlen(script), 100, "set xrange [%g:%g]\n", table[0][0], table[lengths - 1][0]);
    add_graph(script, sizeof script, table, lengths, 1, 2, log10(0.06), log10(20),
              "set ylabel 'time, store = 1'\nset format y '%g'\nset ytics (0.06, 0.25, 1, 4, 16)");
    bounds(table, lengths, 1 + METHODS, &lowest, &highest);
    add_graph(script, sizeof script, table, lengths, 1 + METHODS, 0, lowest, highest,
              "set ylabel 'memory (bytes)'\nset format y '10^{%L}'\nset ytics autofreq 10");
    add_graph(script, sizeof script, table, lengths, 1 + 2 * METHODS, 0, NOTHING - 3, 3,
              "set ylabel 'error of the gradient'\nset xlabel 'iterations of training'\nset ytics (1, 1e-5, 1e-10, 1e-15)\nset ytics add ('0' 1e-19)");
    strcat(script, "unset multiplot");
    write_results(out, "",
                  "iterations,reverse,store,checkpoint,forward,truncated,implicit,reverse bytes,store bytes,checkpoint bytes,forward bytes,truncated bytes,"
                  "implicit bytes,reverse off,store off,checkpoint off,forward off,truncated off,implicit off,reverse growth,store growth,checkpoint growth,"
                  "forward growth,truncated growth,implicit growth",
                  ad_from(table[0], AD_SHAPE(lengths, COLUMNS)), script);
}

int main(int argc, char **argv)
{
    struct options options = { .seed = 1, .iterations = 3000 };
    read_options(&options, argc, argv,
                 "methods: time, memory and accuracy of six ways to the gradient of a training run, as it gets longer.\n"
                 "Uses --out, --data (MNIST), --paper (1,000 images instead of 300), --iterations (of the longest run, 3000) and --seed.\n");
    struct problem p = make_problem(&options, options.paper ? 1000 : 300);

    p.progress = adnn_progress_start("iterations", METHODS * (100 + (int64_t)(1.47 * (double)options.iterations)));
    /* First whether the exact methods agree; then runs longer and longer. */
    double first[COLUMNS], (*table)[COLUMNS];
    int lengths = (int)(2 * log10((double)options.iterations) - 1 + 1e-9);
    lengths = lengths < 2 ? 2 : lengths;
    table = allocate(lengths, sizeof *table);
    printf("%10s%12s%12s%14s%14s%10s\n", "iterations", "", "seconds", "bytes", "process grew", "off by");
    bool equal = measure_all(&p, options.iterations < 100 ? options.iterations : 100, first);
    printf("%s\n", equal ? "the four exact ways agree" : "THE FOUR EXACT WAYS DO NOT AGREE");
    for (int i = 0; i < lengths; i++) {
        int64_t iterations = (int64_t)ceil((double)options.iterations * pow(10, -0.5 * (lengths - 1 - i)));
        equal &= measure_all(&p, iterations, table[i]);
    }
    draw(options.out, table, lengths);
    const double *seconds = table[lengths - 1] + 1, *bytes = seconds + METHODS, *off = bytes + METHODS;
    printf("%s; over %lld iterations reverse takes 1/%.3g of the memory of store and %.2f times its time, checkpoint 1/%.3g and %.2f, forward 1/%.3g and %.1f; "
           "truncated is off by %.1e, implicit by %.1e\n",
           equal ? "the four exact ways agree" : "THE FOUR EXACT WAYS DO NOT AGREE", (long long)options.iterations, bytes[1] / bytes[0],
           seconds[0] / seconds[1], bytes[1] / bytes[2], seconds[2] / seconds[1], bytes[1] / bytes[3], seconds[3] / seconds[1], off[4], off[5]);
    free(table);
    return equal ? EXIT_SUCCESS : EXIT_FAILURE;
}
