/* A penalty for every weight: how much each weight of a logistic regression is to be held back, learned by the gradient
 * of the validation loss through training (Maclaurin, Duvenaud, Adams 2015, section 3.3).
 *
 * The training loss is the cross-entropy plus the sum of penalty * weight^2, with 7,840 penalties on MNIST. There are
 * few digits to train on, so that what is held back matters, and many to validate with. The rivals have a single
 * penalty for all weights: the best of 20, on the same digits, and on all digits together. On the screen: errors of the
 * single penalties; how the learned ones fall below. The picture: penalties by class, what is held back in black. A
 * second on the digits that come along; --paper --data DIR (MNIST) half a minute. */
#include "example.h"
#include <ad-nn/nn.h>
#include <hyperopt/hyperopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 50, SINGLE = 20 };

struct problem {
    struct split digits;
    struct examples train; /* what is trained on */
    adnn_model *network;
    ad_key key; /* of initial weights and batches */
    hyper_training training;
    double (*curve)[3]; /* validation and test error by meta-iteration */
};

static ad_array *loss(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    const struct problem *p = context;
    int64_t count = ad_dim(p->train.labels, 0);
    ad_array *batch = adnn_batch(p->key, count, count < 200 ? count : 200, iteration);
    ad_array *fit = adnn_softmax_cross_entropy(adnn_apply(p->network, x, ad_take(p->train.images, batch, .axis = 0)), ad_take(p->train.labels, batch));
    return ad_add(fit, ad_sum(ad_mul(ad_tree_get(theta, "penalty"), ad_square(ad_tree_get(x, "W")))));
}

static ad_tree *trained(ad_tree *penalties, ad_key key, struct problem *p)
{
    p->key = key;
    ad_tree *start = adnn_init(p->network, ad_random_fold_in(key, 1), AD_SHAPE(p->digits.pixels));
    return hyper_sgd(&p->training, ad_tree_of("x", start, "alpha", 1, "beta", 0.9, "theta", penalties));
}

static ad_array *meta_loss(ad_tree *penalties, ad_key key, void *context)
{
    struct problem *p = context;
    return adnn_softmax_cross_entropy(adnn_apply(p->network, trained(penalties, key, p), p->digits.valid.images), p->digits.valid.labels);
}

/* In percent: of training, validation and test. */
static void errors_of(ad_tree *penalties, ad_key key, struct problem *p, double errors[3])
{
    AD_SCOPE;
    ad_tree *x = trained(penalties, key, p);
    const struct examples *of[] = { &p->train, &p->digits.valid, &p->digits.test };
    for (int i = 0; i < 3; i++)
        errors[i] = 100 - 100 * adnn_accuracy(adnn_apply(p->network, x, of[i]->images), of[i]->labels);
}

static ad_tree *same_for_all(double penalty, const struct problem *p)
{
    return ad_tree_of("penalty", ad_full(AD_SHAPE(p->digits.pixels, 10), penalty, .dtype = AD_F32));
}

/* The best by validation error of penalties from 1e-5 to 1. */
static double best_single(struct problem *p, ad_key key, double best[3])
{
    double best_penalty = NAN;
    printf("%14s %12s %12s %12s\n", "single penalty", "training", "validation", "test error");
    for (int i = 0; i < SINGLE; i++) {
        AD_SCOPE;
        double penalty = pow(10, -5 + 5.0 * i / (SINGLE - 1)), errors[3];
        errors_of(same_for_all(penalty, p), key, p, errors);
        printf("%14.5f %11.2f%% %11.2f%% %11.2f%%\n", penalty, errors[0], errors[1], errors[2]);
        if (i == 0 || errors[1] < best[1]) {
            best_penalty = penalty;
            memcpy(best, errors, sizeof errors);
        }
    }
    return best_penalty;
}

static bool note(const hyper_meta_step *step, void *context)
{
    struct problem *p = context;
    double errors[3];
    errors_of(step->hypers, p->key, p, errors);
    memcpy(p->curve[step->iteration], (double[]){ (double)step->iteration, errors[1], errors[2] }, sizeof *p->curve);
    return true;
}

static void draw(const struct problem *p, ad_array *penalty, int64_t meta_iterations, double single, double more, const char *prefix)
{
    ad_array *by_class = ad_reshape(ad_transpose(ad_log10(penalty)), AD_SHAPE(10, p->digits.side, p->digits.side));
    write_images(prefix, "", by_class, "0,1,2,3,4,5,6,7,8,9", 5,
                 "set title 'A penalty for every weight of each class: what is held at zero is black'\n"
                 "set cblabel 'log_{10} of the penalty'");
    char script[1024];
    snprintf(script, sizeof script, "set title 'A penalty for every weight, against a single one for all'\nset xlabel 'meta-iteration'\n"
             "set ylabel 'error in %%'\nset yrange [0:*]\nset key maxrows 2\n"
             "plot DATA using 1:2, DATA using 1:3, %g @REFERENCE title 'test, best single penalty', "
             "%g with lines lt 3 dt (4,4) title 'test, single penalty, trained on the validation digits too'", single, more);
    write_results(prefix, "-errors", "meta-iteration,validation,test", ad_from(p->curve[0], AD_SHAPE(meta_iterations, 3)), script);
}

int main(int argc, char **argv)
{
    struct options options = { .seed = 1 };
    read_options(&options, argc, argv,
                 "penalties: an L2 penalty for every weight of a logistic regression, learned by reversing training.\n"
                 "Uses --out (also PREFIX-errors.csv and .png), --data (MNIST), --paper, --meta-iters (30; with --paper 50), --examples (100 to train on; of\n"
                 "MNIST 500) and --seed.\n");

    int64_t meta_iterations = options.meta_iterations ? options.meta_iterations : options.paper ? 50 : 30;
    ad_key key = ad_random_key(options.seed), check = ad_random_fold_in(key, 1);
    struct problem p = { .digits = split_digits(options.data, options.examples ? options.examples : options.data ? 500 : 100, ad_random_fold_in(key, 0)),
                         .network = adnn_dense(10, .scale = exp(-4), .dtype = AD_F32), .curve = allocate(meta_iterations, sizeof *p.curve) };
    p.train = p.digits.train;
    p.training = (hyper_training){ .loss = loss, .context = &p, .iterations = STEPS };

    double single[3], learned[3], more[3];
    double penalty = best_single(&p, check, single);
    /* Penalties between 0 and 1: training with much larger ones would diverge. */
    ad_tree *penalties = hyper_optimize(meta_loss, same_for_all(0.01, &p), .logit = "penalty", .optimizer = adnn_sgd(.step_size = 3000), .context = &p,
                                        .iterations = meta_iterations, .key = ad_random_fold_in(key, 2), .progress = true, .on_step = note);
    errors_of(penalties, check, &p, learned);
    for (int64_t i = 0; i < meta_iterations; i += meta_iterations > 10 ? meta_iterations / 10 : 1)
        printf("meta-iteration %3lld: validation error %.2f%%, test error %.2f%%\n", (long long)i, p.curve[i][1], p.curve[i][2]);
    p.train.images = ad_concatenate(ad_list_of(p.train.images, p.digits.valid.images));
    p.train.labels = ad_concatenate(ad_list_of(p.train.labels, p.digits.valid.labels));
    errors_of(same_for_all(penalty, &p), check, &p, more);

    draw(&p, ad_tree_get(penalties, "penalty"), meta_iterations, single[2], more[2], options.out);
    printf("test error with %lld learned penalties: %.2f%%; with the best single one (%.5f): %.2f%%, so learning changed it by %+.2f points; with a single "
           "one, trained on all %lld digits: %.2f%%\n", (long long)p.digits.pixels * 10, learned[2], penalty, single[2], learned[2] - single[2],
           (long long)ad_dim(p.train.labels, 0), more[2]);
    free(p.curve);
    adnn_free(p.network);
    return 0;
}
