/* Wrong labels found by learning: every training example has a weight in the training loss, and the gradient of the
 * validation loss through training says which weights to lower. 30 % of the labels are wrong; nobody says which.
 *
 * A logistic regression is trained on the weighted loss; the validation digits, twice as many as those to train on,
 * have right labels. The rivals have been trained with equal weights, on the validation digits alone, and, knowing what
 * is to be found out, on the examples with right labels. On the screen: how well a low weight tells a wrong label (area
 * under the curve), and the test error, as the weights are learned. The pictures: the weights of right and wrong
 * labels; the curve; errors; the digits of lowest weight. Seconds on the digits that come along; --paper --data DIR
 * (2,000 of MNIST) a minute. */
#include "example.h"
#include <ad-nn/nn.h>
#include <hyperopt/hyperopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 200, BINS = 40, SHOWN = 20 };

struct problem {
    struct split digits;
    ad_array *wrong, *given; /* which labels are wrong; the labels as given */
    adnn_model *network;
    ad_key key; /* of initial weights and batches */
    hyper_training training;
    double (*curve)[4]; /* by meta-iteration: validation and test error, area under the curve */
};

static ad_array *loss(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    const struct problem *p = context;
    int64_t count = ad_dim(p->given, 0);
    ad_array *batch = adnn_batch(p->key, count, count < BATCH ? count : BATCH, iteration);
    ad_array *logits = adnn_apply(p->network, x, ad_take(p->digits.train.images, batch, .axis = 0));
    ad_array *of_each = adnn_softmax_cross_entropy(logits, ad_take(p->given, batch), .reduction = ADNN_NONE);
    return ad_mean(ad_mul(ad_take(ad_tree_get(theta, "weight"), batch), of_each));
}

static ad_tree *trained(ad_tree *theta, ad_key key, struct problem *p)
{
    p->key = key;
    ad_tree *start = adnn_init(p->network, ad_random_fold_in(key, 1), AD_SHAPE(p->digits.pixels));
    return hyper_sgd(&p->training, ad_tree_of("x", start, "alpha", 1, "beta", 0.9, "theta", theta));
}

static ad_array *meta_loss(ad_tree *theta, ad_key key, void *context)
{
    struct problem *p = context;
    return adnn_softmax_cross_entropy(adnn_apply(p->network, trained(theta, key, p), p->digits.valid.images), p->digits.valid.labels);
}

static double test_error(ad_tree *x, const struct problem *p)
{
    return 100 - 100 * adnn_accuracy(adnn_apply(p->network, x, p->digits.test.images), p->digits.test.labels);
}

/* How often a wrong label has a lower weight than a right one: the area under the curve of wrong labels found against
 * right ones suspected. */
static double area_under_curve(ad_array *weight, ad_array *wrong)
{
    ad_array *of_wrong = ad_expand_dims(ad_compress(wrong, weight), 1), *of_right = ad_compress(ad_logical_not(wrong), weight);
    return ad_item(ad_mean(ad_less(of_wrong, of_right))) + ad_item(ad_mean(ad_equal(of_wrong, of_right))) / 2;
}

static bool note(const hyper_meta_step *step, void *context)
{
    struct problem *p = context;
    ad_tree *x = trained(step->hypers, p->key, p);
    double valid = 100 - 100 * adnn_accuracy(adnn_apply(p->network, x, p->digits.valid.images), p->digits.valid.labels);
    double row[] = { (double)step->iteration, valid, test_error(x, p), area_under_curve(ad_tree_get(step->hypers, "weight"), p->wrong) };
    memcpy(p->curve[step->iteration], row, sizeof row);
    return true;
}

/* Trained on other examples, or with other labels or weights. */
static double error_of_rival(struct problem p, struct examples train, ad_array *weight, ad_key key)
{
    AD_SCOPE;
    p.digits.train = train;
    p.given = train.labels;
    p.training.context = &p;
    return test_error(trained(ad_tree_of("weight", weight), key, &p), &p);
}

/* Rows of a bin of weights, the part of the right labels and that of the wrong labels in it. */
static ad_array *histogram(ad_array *weight, ad_array *wrong)
{
    ad_array *bin = ad_one_hot(ad_clip(ad_astype(ad_floor(ad_mul(weight, BINS)), AD_I64), 0, BINS - 1), BINS);
    ad_array *right = ad_logical_not(wrong), *middle = ad_div(ad_add(ad_arange(BINS), 0.5), BINS);
    return ad_transpose(ad_stack(ad_list_of(middle, ad_mul(100, ad_mean(ad_compress(right, bin, .axis = 0), .axis = 0)),
                                            ad_mul(100, ad_mean(ad_compress(wrong, bin, .axis = 0), .axis = 0)))));
}

/* Rows of the parts of right labels suspected and of wrong labels found, as more and more of the lowest weights are. */
static ad_array *curve_of_detection(ad_array *weight, ad_array *wrong)
{
    ad_array *found = ad_cumsum(ad_astype(ad_take(wrong, ad_argsort(weight)), AD_F64)), *suspected = ad_sub(ad_arange(1, ad_size(wrong) + 1), found);
    return ad_transpose(ad_stack(ad_list_of(ad_mul(100, ad_div(suspected, ad_at(suspected, "-1"))), ad_mul(100, ad_div(found, ad_at(found, "-1"))))));
}

static void draw_lowest(const struct problem *p, ad_array *weight, const char *prefix)
{
    ad_array *lowest = ad_at(ad_argsort(weight), ":%d", SHOWN), *given = ad_take(p->given, lowest), *is = ad_take(p->digits.train.labels, lowest);
    char captions[SHOWN * 24] = "";
    for (int i = 0; i < SHOWN; i++)
        snprintf(captions + strlen(captions), 24, "%lld is %lld,", (long long)ad_item_int(ad_at(given, "%d", i)), (long long)ad_item_int(ad_at(is, "%d", i)));
    ad_array *images = ad_add(ad_take(p->digits.train.images, lowest, .axis = 0), p->digits.mean);
    write_images(prefix, "-digits", ad_reshape(images, AD_SHAPE(SHOWN, p->digits.side, p->digits.side)), captions, 10,
                 "set title 'The lowest weights: the label as it was given, and what the digit is'\nunset colorbox");
}

static void draw_weights(const struct problem *p, ad_array *weight, double area, const char *prefix)
{
    write_results(prefix, "", "weight,right labels,wrong labels", histogram(weight, p->wrong),
                  "set title 'The learned weights of examples with right and with wrong labels'\nset xlabel 'learned weight (all began at 0.5)'\n"
                  "set ylabel 'part of the examples in %'\nset style fill solid 0.6\nset boxwidth 0.4 relative\nset xrange [0:1]\n"
                  "plot DATA using ($1-0.005):2 with boxes, DATA using ($1+0.005):3 with boxes");
    char script[1024];
    snprintf(script, sizeof script, "set title 'Wrong labels found by low weights: area under the curve %.3f'\nset xlabel 'right labels suspected, in %%'\n"
             "set ylabel 'wrong labels found, in %%'\nset size square\nset xrange [0:100]\nset yrange [0:100]\n"
             "plot DATA using 1:2 title 'learned weights' lw 4, x @REFERENCE title 'guessing'", area);
    write_results(prefix, "-curve", "suspected,found", curve_of_detection(weight, p->wrong), script);
}

static void draw_errors(const struct problem *p, int64_t meta_iterations, double uniform, double told, double alone, const char *prefix)
{
    char script[1024];
    snprintf(script, sizeof script, "set title 'Training on digits of which 30 %% have wrong labels'\nset xlabel 'meta-iteration'\n"
             "set ylabel 'test error in %%'\nset yrange [0:*]\nset key maxrows 2\n"
             "plot DATA using 1:3 lt 1 title 'learned weights', %g @REFERENCE title 'equal weights', "
             "%g with lines lt 3 dt (4,4) title 'only the right labels', %g with lines lt 4 dt (4,4) title 'only the validation digits'", uniform, told, alone);
    write_results(prefix, "-errors", "meta-iteration,validation error,test error,area under the curve", ad_from(p->curve[0], AD_SHAPE(meta_iterations, 4)),
                  script);
}

int main(int argc, char **argv)
{
    struct options options = { .iterations = 200, .meta_iterations = 15, .seed = 1 };
    read_options(&options, argc, argv,
                 "example_weights: a weight for every training example, learned by reversing training, finds wrong labels.\n"
                 "Uses --out (also PREFIX-curve, PREFIX-errors and PREFIX-digits, .csv and .png), --data (MNIST), --paper, --examples (400 to train on; of\n"
                 "MNIST 2000), --iterations (of training, 200), --meta-iters (15) and --seed.\n");

    int64_t count = options.examples ? options.examples : options.data ? 2000 : 400, meta_iterations = options.meta_iterations;
    if (count < 10)
        ad_set_error(AD_ERROR_VALUE, "--examples %lld: with fewer than 10 there are not enough wrong labels", (long long)count);
    ad_key key = ad_random_key(options.seed), check = ad_random_fold_in(key, 1);
    struct problem p = { .digits = split_digits(options.data, count, ad_random_fold_in(key, 0)), .network = adnn_dense(10, .scale = exp(-4), .dtype = AD_F32),
                         .curve = allocate(meta_iterations, sizeof *p.curve) };
    p.training = (hyper_training){ .loss = loss, .context = &p, .iterations = options.iterations };
    p.digits.valid.images = ad_at(p.digits.valid.images, ":%lld", (long long)count * 2);
    p.digits.valid.labels = ad_at(p.digits.valid.labels, ":%lld", (long long)count * 2);
    ad_array *right = p.digits.train.labels, *other = ad_random_randint(ad_random_fold_in(key, 2), AD_SHAPE(count), 1, 10);
    p.wrong = ad_less(ad_random_permutation(ad_random_fold_in(key, 3), count), count * 3 / 10);
    p.given = ad_where(p.wrong, ad_mod(ad_add(right, other), 10), right);

    /* The gradient in one weight of many is small: steps in proportion to their number. */
    ad_array *equal = ad_full(AD_SHAPE(count), 0.5, .dtype = AD_F32);
    ad_tree *learned = hyper_optimize(meta_loss, ad_tree_of("weight", equal), .logit = "weight", .optimizer = adnn_sgd(.step_size = 1.5 * (double)count),
                                      .iterations = meta_iterations, .key = ad_random_fold_in(key, 4), .context = &p, .progress = true, .on_step = note,
                                      .returns = HYPER_LAST);
    for (int64_t i = 0; i < meta_iterations; i += meta_iterations > 10 ? meta_iterations / 10 : 1)
        printf("meta-iteration %3lld: test error %.2f%%, area under the curve %.4f\n", (long long)i, p.curve[i][2], p.curve[i][3]);
    ad_array *weight = ad_tree_get(learned, "weight");
    double area = area_under_curve(weight, p.wrong), after = test_error(trained(learned, check, &p), &p);
    double uniform = error_of_rival(p, (struct examples){ p.digits.train.images, p.given }, equal, check);
    double told = error_of_rival(p, (struct examples){ p.digits.train.images, p.given }, ad_mul(equal, ad_logical_not(p.wrong)), check);
    double alone = error_of_rival(p, p.digits.valid, ad_full(AD_SHAPE(ad_size(p.digits.valid.labels)), 0.5, .dtype = AD_F32), check);

    draw_weights(&p, weight, area, options.out);
    draw_errors(&p, meta_iterations, uniform, told, alone, options.out);
    draw_lowest(&p, weight, options.out);
    printf("area under the curve %.4f; test error with learned weights %.2f%%, with equal ones %.2f%%, so learning changed it by %+.2f points; trained on "
           "right labels only: %.2f%%, on the validation digits only: %.2f%%\n", area, after, uniform, after - uniform, told, alone);
    free(p.curve);
    adnn_free(p.network);
    return 0;
}
