/* Learning how to learn: the learning rate and the momentum of every iteration, for the weights and the biases of each layer, by the exact gradient of
 * the validation loss after training (Maclaurin, Duvenaud, Adams 2015).
 *
 * The network is that of mlp_digits. hyper_sgd trains it, and ad_grad runs the training backwards, bit for bit.
 * On the screen: the validation loss falls with every meta-iteration; the reversal was exact, and what it cost. */
#include "example.h"
#include <ad-nn/nn.h>
#include <hyperopt/hyperopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 60, BATCH = 100, TRAINING = 1000 };

struct problem {
    struct digits digits;
    adnn_model *network;
    ad_key key;
    ad_tree *start; /* initial parameters */
    hyper_training training;
};

static ad_array *loss(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    (void)theta;
    const struct problem *p = context;
    ad_array *batch = adnn_batch(p->key, TRAINING, BATCH, iteration);
    return adnn_softmax_cross_entropy(adnn_apply(p->network, x, ad_take(p->digits.train_images, batch, .axis = 0)),
                                      ad_take(p->digits.train_labels, batch, .axis = 0));
}

static ad_tree *trained(ad_tree *raw, const struct problem *p)
{
    ad_tree *alpha = ad_tree_map(ad_exp, ad_tree_sub(raw, "log alpha")), *beta = ad_tree_map(ad_sigmoid, ad_tree_sub(raw, "logit beta"));
    return hyper_sgd(&p->training, ad_tree_of("x", p->start, "alpha", alpha, "beta", beta));
}

/* Loss on digits that training has not seen. */
static ad_array *meta_loss(ad_tree *raw, void *context)
{
    const struct problem *p = context;
    ad_array *rest = ad_arange(TRAINING, ad_dim(p->digits.train_images, 0));
    ad_array *images = ad_take(p->digits.train_images, rest, .axis = 0), *labels = ad_take(p->digits.train_labels, rest, .axis = 0);
    return adnn_softmax_cross_entropy(adnn_apply(p->network, trained(raw, p), images), labels);
}

static ad_array *start_alpha(ad_array *leaf)
{
    (void)leaf;
    return ad_full(AD_SHAPE(STEPS), -1.0);
}

static ad_array *start_beta(ad_array *leaf)
{
    (void)leaf;
    return ad_full(AD_SHAPE(STEPS), 0.0);
}

static double test_accuracy(ad_tree *raw, const struct problem *p)
{
    AD_SCOPE;
    return adnn_accuracy(adnn_apply(p->network, trained(raw, p), p->digits.test_images), p->digits.test_labels);
}

/* One column for each schedule: alpha, then beta. */
static ad_array *schedules(ad_tree *raw)
{
    ad_array *columns[8];
    ad_tree_leaves(ad_tree_map(ad_exp, ad_tree_sub(raw, "log alpha")), columns, 4);
    ad_tree_leaves(ad_tree_map(ad_sigmoid, ad_tree_sub(raw, "logit beta")), columns + 4, 4);
    ad_array *table = ad_expand_dims(ad_astype(ad_arange(STEPS), AD_F64), 1);
    for (int i = 0; i < 8; i++)
        table = ad_concatenate(ad_list_of(table, ad_expand_dims(columns[i], 1)), .axis = 1);
    return table;
}

int main(int argc, char **argv)
{
    struct options options = { .iterations = 50, .seed = 1 };
    read_options(&options, argc, argv,
                 "hypergrad_digits: learns a schedule of learning rates and momenta by reversing training exactly.\n"
                 "Uses --out (also PREFIX-meta.csv and .png), --data, --iterations (meta-iterations, 50) and --seed.\n");

    hyper_report report = { 0 };
    struct problem p = { .digits = load_digits(options.data), .network = adnn_sequential(adnn_dense(50), adnn_tanh(), adnn_dense(10)),
                         .key = ad_random_key(options.seed) };
    p.start = adnn_init(p.network, ad_random_fold_in(p.key, 1), AD_SHAPE(p.digits.pixels));
    p.training = (hyper_training){ .loss = loss, .context = &p, .iterations = STEPS, .method = HYPER_REVERSE, .report = &report };

    ad_tree *raw = ad_retain(ad_tree_of("log alpha", ad_tree_map(start_alpha, p.start), "logit beta", ad_tree_map(start_beta, p.start)));
    adnn_optimizer adam = adnn_adam(.step_size = 0.04);
    ad_tree *state = ad_retain(adnn_optimizer_init(adam, raw));
    double before = test_accuracy(raw, &p), (*curve)[2] = allocate(options.iterations, sizeof *curve);
    bool exact = true;
    adnn_progress progress = adnn_progress_start("meta-iterations", options.iterations);
    for (int64_t i = 0; i < options.iterations; i++) {
        AD_SCOPE;
        ad_tree *g, *new_raw = raw;
        ad_array *value = ad_value_and_grad(meta_loss)(raw, &p, &g);
        ad_tree *new_state = adnn_optimizer_update(adam, state, g, &new_raw);
        adnn_progress_end(&progress);
        exact &= report.reversed_exactly;
        memcpy(curve[i], (double[]){ (double)i, ad_item(value) }, sizeof curve[i]);
        printf("meta-iteration %3lld: validation loss %.5f\n", (long long)i, ad_item(value));
        adnn_progress_update(&progress, i + 1, ad_item(value));
        ad_assign(&raw, new_raw);
        ad_assign(&state, new_state);
    }
    adnn_progress_end(&progress);
    printf("test accuracy after %d iterations of training: %.2f %% with the first schedule, %.2f %% with the learned one\n", STEPS, 100 * before,
           100 * test_accuracy(raw, &p));
    printf("every reversal was %s: initial parameters and velocities came back %s\n", exact ? "exact" : "NOT exact", exact ? "bit for bit" : "changed");
    printf("bits per parameter and iteration: %.4f (bound %.4f); buffer %lld bytes, a stored float32 trajectory would take %lld\n", report.bits_per_step,
           report.bound, (long long)report.buffer_bytes, (long long)report.trajectory_bytes);

    write_results(options.out, "iteration,alpha W 1,alpha b 1,alpha W 2,alpha b 2,beta W 1,beta b 1,beta W 2,beta b 2", schedules(raw),
                  "set key outside right top vertical\nset multiplot layout 2,1 title 'Schedules learned by reversing training'\n"
                  "set ylabel 'learning rate'\nplot for [k=2:5] DATA using 1:k lw 2\n"
                  "set xlabel 'iteration'\nset ylabel 'momentum'\nplot for [k=6:9] DATA using 1:k lw 2\nunset multiplot");
    if (options.out) {
        char *prefix = join(options.out, "-meta");
        write_results(prefix, "meta-iteration,validation loss", ad_from(curve[0], AD_SHAPE(options.iterations, 2)),
                      "set title 'Validation loss after training'\nset xlabel 'meta-iteration'\nset logscale y\nplot DATA using 1:2 lw 2");
        free(prefix);
    }
    free(curve);
    ad_release(raw);
    ad_release(state);
    adnn_free(p.network);
    return 0;
}
