/* A training set learned from nothing: ten images with the labels 0 to 9, every pixel a hyperparameter, such that a
 * logistic regression trained on them reads real digits well (Maclaurin, Duvenaud, Adams 2015, section 3.4).
 *
 * They begin blank, but for noise of scale 0.01. The gradient of the loss on real digits (10,000 of MNIST) goes back
 * through 20 iterations of training, reversed exactly, into every pixel and into the penalty of the weights. The rivals
 * have been trained in the same way on ten real digits, one of each class, and on the mean digit of each class. Pixels
 * are differences from the mean digit, so they may be negative. On the screen: errors as the images are learned. The
 * pictures: the images; the errors against those of the rivals. Seconds on the digits that come along and with --paper
 * --data DIR (MNIST). */
#include "example.h"
#include <ad-nn/nn.h>
#include <hyperopt/hyperopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 20, DRAWS = 20 };

struct problem {
    struct split digits;
    adnn_model *network;
    ad_key key; /* of the initial weights */
    hyper_training training;
    double (*curve)[3]; /* validation and test error by meta-iteration */
};

static ad_array *loss(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    (void)iteration; /* all ten at once */
    const struct problem *p = context;
    ad_array *fit = adnn_softmax_cross_entropy(adnn_apply(p->network, x, ad_tree_get(theta, "images")), ad_arange(10));
    return ad_add(fit, ad_mul(ad_tree_get(theta, "penalty"), adnn_squared_norm(x)));
}

static ad_tree *trained(ad_tree *theta, const struct problem *p)
{
    ad_tree *start = adnn_init(p->network, p->key, AD_SHAPE(p->digits.pixels));
    return hyper_sgd(&p->training, ad_tree_of("x", start, "alpha", 1, "beta", 0.9, "theta", theta));
}

static ad_array *meta_loss(ad_tree *theta, ad_key key, void *context)
{
    (void)key; /* the same initial weights each time, as in the paper */
    const struct problem *p = context;
    return adnn_softmax_cross_entropy(adnn_apply(p->network, trained(theta, p), p->digits.valid.images), p->digits.valid.labels);
}

/* In percent: validation and test. */
static void errors_of(ad_tree *theta, const struct problem *p, double errors[2])
{
    AD_SCOPE;
    ad_tree *x = trained(theta, p);
    errors[0] = 100 - 100 * adnn_accuracy(adnn_apply(p->network, x, p->digits.valid.images), p->digits.valid.labels);
    errors[1] = 100 - 100 * adnn_accuracy(adnn_apply(p->network, x, p->digits.test.images), p->digits.test.labels);
}

static bool note(const hyper_meta_step *step, void *context)
{
    const struct problem *p = context;
    double errors[2];
    errors_of(step->hypers, p, errors);
    memcpy(p->curve[step->iteration], (double[]){ (double)step->iteration, errors[0], errors[1] }, sizeof *p->curve);
    return true;
}

/* Ten real digits, one of each class: the mean over several draws. */
static double error_of_real_digits(const struct problem *p, ad_key key, double penalty)
{
    double sum = 0;
    for (int draw = 0; draw < DRAWS; draw++) {
        AD_SCOPE;
        ad_array *chosen[10];
        ad_array *order = ad_random_permutation(ad_random_fold_in(key, (uint64_t)draw), ad_dim(p->digits.valid.labels, 0));
        for (int digit = 0; digit < 10; digit++)
            chosen[digit] = ad_at(ad_compress(ad_equal(ad_take(p->digits.valid.labels, order), digit), order), "0");
        ad_array *first = ad_stack(ad_list_of(chosen[0], chosen[1], chosen[2], chosen[3], chosen[4], chosen[5], chosen[6], chosen[7], chosen[8], chosen[9]));
        double errors[2];
        errors_of(ad_tree_of("images", ad_take(p->digits.valid.images, first, .axis = 0), "penalty", penalty), p, errors);
        sum += errors[1];
    }
    return sum / DRAWS;
}

static double error_of_mean_digits(const struct problem *p, double penalty)
{
    ad_array *of_class = ad_transpose(ad_one_hot(p->digits.valid.labels, 10, .dtype = AD_F32));
    ad_array *means = ad_div(ad_matmul(of_class, p->digits.valid.images), ad_expand_dims(ad_sum(of_class, .axis = 1), 1));
    double errors[2];
    errors_of(ad_tree_of("images", means, "penalty", penalty), p, errors);
    return errors[1];
}

static void draw(const struct problem *p, ad_array *images, int64_t meta_iterations, double error, double real, double mean, const char *prefix)
{
    char script[1024];
    snprintf(script, sizeof script, "set title 'Ten learned images, all that was trained on: %.1f%% of real digits are read wrong'\n"
             "set palette defined (0 'black', 1 'white')\nset cblabel 'pixel, with the mean digit added back'", error);
    write_images(prefix, "", ad_reshape(ad_add(images, p->digits.mean), AD_SHAPE(10, p->digits.side, p->digits.side)), "0,1,2,3,4,5,6,7,8,9", 5, script);
    double largest = fmax(ad_item(ad_max(images)), -ad_item(ad_min(images)));
    snprintf(script, sizeof script, "set title 'What was learned, beginning with blank images'\nset cbrange [%g:%g]\n"
             "set palette defined (0 'black', 1 'white')\nset cblabel 'pixel, as a difference from the mean digit'", -largest, largest);
    write_images(prefix, "-differences", ad_reshape(images, AD_SHAPE(10, p->digits.side, p->digits.side)), "0,1,2,3,4,5,6,7,8,9", 5, script);
    snprintf(script, sizeof script, "set title 'Training on ten images: learned, real, and mean ones'\nset xlabel 'meta-iteration'\nset ylabel 'error in %%'\n"
             "set logscale y\nset yrange [5:100]\nset ytics (5, 10, 20, 50, 100)\nset key maxrows 2\nplot DATA using 1:2, DATA using 1:3, "
             "%g @REFERENCE title 'test, trained on ten real digits (mean of %d draws)', "
             "%g with lines lt 3 dt (4,4) title 'test, trained on the ten mean digits'", real, DRAWS, mean);
    write_results(prefix, "-errors", "meta-iteration,validation,test", ad_from(p->curve[0], AD_SHAPE(meta_iterations, 3)), script);
}

int main(int argc, char **argv)
{
    struct options options = { .meta_iterations = 40, .seed = 1 };
    read_options(&options, argc, argv,
                 "training_data: ten images with the labels 0 to 9, learned so that training on them reads real digits.\n"
                 "Uses --out (also PREFIX-differences and PREFIX-errors, .csv and .png), --data (MNIST), --paper, --meta-iters (40) and --seed.\n");

    ad_key key = ad_random_key(options.seed);
    struct problem p = { .digits = split_digits(options.data, 0, ad_random_fold_in(key, 0)), .network = adnn_dense(10, .scale = exp(-4), .dtype = AD_F32),
                         .key = ad_random_fold_in(key, 1), .curve = allocate(options.meta_iterations, sizeof *p.curve) };
    p.training = (hyper_training){ .loss = loss, .context = &p, .iterations = STEPS };

    ad_array *blank = ad_random_normal(ad_random_fold_in(key, 2), AD_SHAPE(10, p.digits.pixels), .scale = 0.01, .dtype = AD_F32);
    ad_tree *learned = hyper_optimize(meta_loss, ad_tree_of("images", blank, "penalty", 0.01), .log = "penalty", .optimizer = adnn_sgd(.step_size = 1),
                                      .iterations = options.meta_iterations, .context = &p, .progress = true, .on_step = note, .returns = HYPER_LAST);
    double errors[2], penalty = ad_item(ad_tree_get(learned, "penalty"));
    errors_of(learned, &p, errors);
    for (int64_t i = 0; i < options.meta_iterations; i += options.meta_iterations > 10 ? options.meta_iterations / 10 : 1)
        printf("meta-iteration %3lld: validation error %.2f%%, test error %.2f%%\n", (long long)i, p.curve[i][1], p.curve[i][2]);
    double real = error_of_real_digits(&p, ad_random_fold_in(key, 3), penalty), mean = error_of_mean_digits(&p, penalty);
    printf("the penalty went from 0.01 to %.5f\n", penalty);

    draw(&p, ad_tree_get(learned, "images"), options.meta_iterations, errors[1], real, mean, options.out);
    printf("trained on ten learned images: validation error %.2f%%, test error %.2f%%; on ten real digits: %.2f%%; on the ten mean digits: %.2f%%\n", errors[0],
           errors[1], real, mean);
    free(p.curve);
    adnn_free(p.network);
    return 0;
}
