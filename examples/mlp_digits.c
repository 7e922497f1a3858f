/* A small network that reads handwritten digits: 64-50-10 with tanh on the UCI digits that ship with the project, or
 * 784-50-10 on MNIST with --data.
 *
 * On the screen: loss and accuracy on held-out digits after every epoch; over 95 % in a few seconds. */
#include "example.h"
#include <ad-nn/nn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const adnn_model *network;

static ad_array *loss(ad_tree *parameters, ad_array *images, ad_array *labels)
{
    return adnn_softmax_cross_entropy(adnn_apply(network, parameters, images), labels);
}

int main(int argc, char **argv)
{
    enum { BATCH = 50 };
    struct options options = { .iterations = 20, .seed = 1 };
    read_options(&options, argc, argv,
                 "mlp_digits: trains a 50-unit network on handwritten digits.\nUses --out, --data, --iterations (epochs, 20) and --seed.\n");

    struct digits d = load_digits(options.data, AD_F64);
    adnn_model *model = adnn_sequential(adnn_dense(50), adnn_tanh(), adnn_dense(10));
    network = model;
    ad_key key = ad_random_key(options.seed);
    ad_tree *parameters = ad_retain(adnn_init(model, ad_random_fold_in(key, 0), AD_SHAPE(d.pixels)));
    adnn_optimizer adam = adnn_adam(.step_size = 3e-3);
    ad_tree *state = ad_retain(adnn_optimizer_init(adam, parameters));

    int64_t examples = ad_dim(d.train_images, 0), steps = examples / BATCH;
    double(*history)[3] = allocate(options.iterations, sizeof *history);
    adnn_progress progress = adnn_progress_start("training", options.iterations * steps);
    double started = seconds_now(), accuracy = 0;
    for (int64_t epoch = 0; epoch < options.iterations; epoch++) {
        double total = 0;
        for (int64_t i = epoch * steps; i < (epoch + 1) * steps; i++) {
            AD_SCOPE;
            ad_array *batch = adnn_batch(ad_random_fold_in(key, 1), examples, BATCH, i);
            ad_tree *gradients, *new_parameters = parameters;
            ad_array *images = ad_take(d.train_images, batch, .axis = 0), *labels = ad_take(d.train_labels, batch, .axis = 0);
            ad_array *value = ad_value_and_grad(loss)(parameters, images, labels, &gradients);
            ad_tree *new_state = adnn_optimizer_update(adam, state, gradients, &new_parameters);
            ad_assign(&parameters, new_parameters);
            ad_assign(&state, new_state);
            total += ad_item(value);
            adnn_progress_update(&progress, i + 1, ad_item(value));
        }
        AD_SCOPE;
        accuracy = adnn_accuracy(adnn_apply(model, parameters, d.test_images), d.test_labels);
        adnn_progress_end(&progress);
        printf("epoch %2lld: training loss %.4f, held-out accuracy %.2f %%\n", (long long)epoch + 1, total / (double)steps, 100 * accuracy);
        memcpy(history[epoch], (double[]){ (double)epoch + 1, total / (double)steps, 100 * accuracy }, sizeof history[epoch]);
    }
    printf("%.2f %% of %lld held-out digits in %.1f seconds\n", 100 * accuracy, (long long)ad_dim(d.test_images, 0), seconds_now() - started);
    write_results(options.out, "", "epoch,training loss,held-out accuracy (%)", ad_from(history[0], AD_SHAPE(options.iterations, 3)),
                  "set title 'A 50-unit network learns to read handwritten digits'\nset xlabel 'epoch'\nset ylabel 'training loss'\nset logscale y\n"
                  "set y2label 'held-out accuracy (%)'\nset y2tics\nset ytics nomirror\n"
                  "set y2range [80:100]\nset ytics tc lt 1\nset y2tics tc lt 2\nset ylabel tc lt 1\nset y2label tc lt 2\n"
                  "plot [1:*] DATA using 1:2 lt 1, DATA using 1:3 axes x1y2 lt 2");
    free(history);
    ad_release(parameters);
    ad_release(state);
    adnn_free(model);
    return 0;
}
