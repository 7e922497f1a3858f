/* How to distort training digits, learned: shifts, rotation, stretching and slanting by random amounts, a new draw for
 * every digit at every iteration, and the scale of each kind of amount a hyperparameter. The gradient of the validation
 * loss goes back through training and through the bilinear interpolation of every distorted image into the six scales.
 *
 * A network with one hidden layer is trained on few digits. The rivals are trained without distortion, and with one
 * scale for all kinds, the best of five: the beginning of the learned ones. On the screen: the scales, in pixels at the
 * border of the image. The pictures: how the scales are learned; test errors over several seeds; distorted digits. Half
 * a minute on the digits that come along; --paper --data DIR (MNIST) ten minutes. */
#include "example.h"
#include <ad-nn/nn.h>
#include <hyperopt/hyperopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KINDS = 6, BATCH = 100, FIXED = 5, SHOWN = 10 };
#define KIND_NAMES "shift down,shift right,rotation,height,width,slant"

struct problem {
    struct split digits;
    adnn_model *network;
    ad_key key; /* of initial weights, batches and distortions */
    hyper_training training;
    double (*curve)[2 + KINDS]; /* by meta-iteration: validation loss, scales */
};

static ad_array *pixels_at(ad_array *images, ad_array *row, ad_array *column, int64_t side)
{
    ad_array *r = ad_clip(row, 0, side - 1), *c = ad_clip(column, 0, side - 1), *first = ad_mul(ad_arange(ad_dim(row, 0)), side * side);
    ad_array *inside = ad_astype(ad_logical_and(ad_equal(r, row), ad_equal(c, column)), AD_F32);
    return ad_mul(inside, ad_take(images, ad_add(ad_expand_dims(first, 1), ad_add(ad_mul(r, side), c))));
}

/* Each image distorted by its own amounts: a pixel is read where an affine map takes it from, between four others. */
static ad_array *distorted(const struct problem *p, ad_array *centred, ad_array *scale, ad_key key)
{
    int64_t side = p->digits.side;
    double centre = (double)(side - 1) / 2;
    ad_array *images = ad_add(centred, p->digits.mean);
    ad_array *draws = ad_mul(scale, ad_random_normal(key, AD_SHAPE(ad_dim(images, 0), KINDS), .dtype = AD_F32)), *amount[KINDS];
    for (int kind = 0; kind < KINDS; kind++)
        amount[kind] = ad_at(draws, ":,%d:%d", kind, kind + 1);
    ad_array *from_centre = ad_div(ad_sub(ad_astype(ad_arange(side), AD_F32), centre), centre);
    ad_array *y = ad_repeat(from_centre, side), *x = ad_tile(from_centre, AD_SHAPE(side));
    ad_array *row = ad_add(ad_add(centre, amount[0]), ad_add(ad_mul(ad_add(centre, amount[3]), y), ad_mul(amount[2], x)));
    ad_array *column = ad_add(ad_add(centre, amount[1]), ad_add(ad_mul(ad_add(centre, amount[4]), x), ad_mul(ad_sub(amount[5], amount[2]), y)));

    ad_array *above = ad_floor(row), *left = ad_floor(column), *down = ad_sub(row, above), *right = ad_sub(column, left);
    above = ad_astype(above, AD_I64);
    left = ad_astype(left, AD_I64);
    ad_array *lines[2];
    for (int i = 0; i < 2; i++)
        lines[i] = ad_add(ad_mul(ad_sub(1, right), pixels_at(images, ad_add(above, i), left, side)),
                          ad_mul(right, pixels_at(images, ad_add(above, i), ad_add(left, 1), side)));
    return ad_sub(ad_add(ad_mul(ad_sub(1, down), lines[0]), ad_mul(down, lines[1])), p->digits.mean);
}

/* Without "scale" in theta nothing is distorted. */
static ad_array *loss(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    const struct problem *p = context;
    int64_t count = ad_dim(p->digits.train.labels, 0);
    ad_array *batch = adnn_batch(p->key, count, count < BATCH ? count : BATCH, iteration), *images = ad_take(p->digits.train.images, batch, .axis = 0);
    if (ad_tree_has(theta, "scale"))
        images = distorted(p, images, ad_tree_get(theta, "scale"), ad_random_fold_in(ad_random_fold_in(p->key, 2), (uint64_t)iteration));
    return adnn_softmax_cross_entropy(adnn_apply(p->network, x, images), ad_take(p->digits.train.labels, batch));
}

static ad_array *logits_after_training(ad_tree *theta, ad_key key, struct problem *p, ad_array *images)
{
    p->key = key;
    ad_tree *start = adnn_init(p->network, ad_random_fold_in(key, 1), AD_SHAPE(p->digits.pixels));
    return adnn_apply(p->network, hyper_sgd(&p->training, ad_tree_of("x", start, "alpha", 1, "beta", 0.9, "theta", theta)), images);
}

static ad_array *meta_loss(ad_tree *theta, ad_key key, void *context)
{
    struct problem *p = context;
    return adnn_softmax_cross_entropy(logits_after_training(theta, key, p, p->digits.valid.images), p->digits.valid.labels);
}

static double test_error(ad_tree *theta, ad_key key, struct problem *p)
{
    AD_SCOPE;
    return 100 - 100 * adnn_accuracy(logits_after_training(theta, key, p, p->digits.test.images), p->digits.test.labels);
}

static ad_tree *same_for_all(double scale)
{
    return ad_tree_of("scale", ad_full(AD_SHAPE(KINDS), scale, .dtype = AD_F32));
}

/* The scale of least validation loss. */
static double best_fixed(struct problem *p, ad_key key)
{
    double best = NAN, least = INFINITY;
    for (int i = 0; i < FIXED; i++) {
        AD_SCOPE;
        double scale = 0.25 * (1 << i) / (p->digits.side < 16 ? 2 : 1), value = ad_item(meta_loss(same_for_all(scale), key, p));
        printf("%.3f for all: validation loss %.4f\n", scale, value);
        if (value < least) {
            least = value;
            best = scale;
        }
    }
    return best;
}

static bool note(const hyper_meta_step *step, void *context)
{
    const struct problem *p = context;
    double *row = p->curve[step->iteration];
    row[0] = (double)step->iteration;
    row[1] = step->loss;
    return ad_copy_to(ad_tree_get(step->hypers, "scale"), row + 2, KINDS);
}

static void draw_digits(const struct problem *p, ad_array *scale, const char *prefix)
{
    int64_t side = p->digits.side;
    ad_array *rows[5];
    for (int i = 0; i < 5; i++) {
        int64_t which = i % ad_dim(p->digits.train.labels, 0);
        ad_array *image = ad_slice_axis(p->digits.train.images, 0, which, 1, 1), *same = ad_broadcast_to(image, AD_SHAPE(SHOWN - 1, side * side));
        rows[i] = ad_concatenate(ad_list_of(image, distorted(p, same, scale, ad_random_key((uint64_t)i))));
    }
    ad_array *all = ad_add(ad_concatenate(ad_list_of(rows[0], rows[1], rows[2], rows[3], rows[4])), p->digits.mean);
    write_images(prefix, "-digits", ad_reshape(all, AD_SHAPE(-1, side, side)), NULL, SHOWN,
                 "set title 'Five digits (left), each with nine draws of what was learned'\nunset colorbox");
}

static void draw_curves(const struct problem *p, int64_t meta_iterations, double (*errors)[4], int64_t runs, const char *prefix)
{
    write_results(prefix, "", "meta-iteration,validation loss," KIND_NAMES, ad_from(p->curve[0], AD_SHAPE(meta_iterations, 2 + KINDS)),
                  "set title 'By how much to distort training digits, learned'\nset xlabel 'meta-iteration'\n"
                  "set ylabel 'standard deviation, in pixels at the border'\nset yrange [0:*]\nset key maxrows 2\n"
                  "plot for [k=3:8] DATA using 1:k lt k-2");
    write_results(prefix, "-errors", "seed,not distorted,one scale for all,learned", ad_from(errors[0], AD_SHAPE(runs, 4)),
                  "set title 'Test error over seeds of initial weights, batches and distortions'\n"
                  "set ylabel 'test error in %'\nset xrange [0.5:3.5]\nset yrange [0:*]\nunset key\n"
                  "set xtics ('not distorted' 1, 'one scale for all' 2, 'learned' 3)\n"
                  "plot for [k=2:4] DATA using (k - 1 + 0.03 * ($1 - LAST / 2.0)):k with points pt 7 ps 1.6 lt k - 1");
}

int main(int argc, char **argv)
{
    struct options options = { .runs = 10, .seed = 1 };
    read_options(&options, argc, argv,
                 "augmentation: by how much to shift, turn, stretch and slant training digits, learned by reversing training.\n"
                 "Uses --out (also PREFIX-errors and PREFIX-digits, .csv and .png), --data (MNIST), --paper, --examples (100 to train on; of MNIST 500),\n"
                 "--iterations (of training, 300), --meta-iters (30; with --paper 40), --runs (seeds to judge with, 10) and --seed.\n");

    int64_t meta_iterations = options.meta_iterations ? options.meta_iterations : options.paper ? 40 : 30;
    ad_key key = ad_random_key(options.seed), check = ad_random_fold_in(key, 1);
    struct problem p = { .digits = split_digits(options.data, options.examples ? options.examples : options.data ? 500 : 100, ad_random_fold_in(key, 0)),
                         .network = adnn_sequential(adnn_dense(50, .dtype = AD_F32), adnn_tanh(), adnn_dense(10, .dtype = AD_F32)),
                         .curve = allocate(meta_iterations, sizeof *p.curve) };
    p.training = (hyper_training){ .loss = loss, .context = &p, .iterations = options.iterations ? options.iterations : 300 };
    double (*errors)[4] = allocate(options.runs, sizeof *errors), fixed = best_fixed(&p, check);
    ad_tree *learned = hyper_optimize(meta_loss, same_for_all(fixed), .log = "scale", .optimizer = adnn_adam(.step_size = 0.1), .context = &p,
                                      .iterations = meta_iterations, .key = ad_random_fold_in(key, 2), .progress = true, .on_step = note,
                                      .returns = HYPER_LAST);
    double scale[KINDS];
    ad_copy_to(ad_tree_get(learned, "scale"), scale, KINDS);
    printf("learned scales, in pixels at the border:\n%10s %10s %10s %10s %10s %10s\n", "down", "right", "rotation", "height", "width", "slant");
    for (int kind = 0; kind < KINDS; kind++)
        printf("%10.2f%c", scale[kind], kind + 1 < KINDS ? ' ' : '\n');

    double mean[3] = { 0 };
    for (int64_t run = 0; run < options.runs; run++) {
        AD_SCOPE;
        ad_tree *rivals[] = { ad_tree_empty(), same_for_all(fixed), learned };
        errors[run][0] = (double)run;
        for (int i = 0; i < 3; i++) {
            errors[run][1 + i] = test_error(rivals[i], ad_random_fold_in(check, (uint64_t)run), &p);
            mean[i] += errors[run][1 + i] / (double)options.runs;
        }
        printf("seed %lld: test error %.2f%% without distortion, %.2f%% with one scale, %.2f%% with the learned ones\n", (long long)run, errors[run][1],
               errors[run][2], errors[run][3]);
    }

    draw_curves(&p, meta_iterations, errors, options.runs, options.out);
    draw_digits(&p, ad_tree_get(learned, "scale"), options.out);
    printf("test error, mean of %lld seeds: %.2f%% without distortion, %.2f%% with the best single scale (%.3f pixels), %.2f%% with learned scales\n",
           (long long)options.runs, mean[0], mean[1], fixed, mean[2]);
    free(errors);
    free(p.curve);
    adnn_free(p.network);
    return 0;
}
