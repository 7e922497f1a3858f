/* libad-nn: neural networks on libad.
 *
 * A model is a value that pairs an initialiser with a pure function: parameters are an ad_tree outside it, so every
 * transformation of libad applies to them. Models are immutable and may be used by several threads at once. */
#ifndef ADNN_NN_H
#define ADNN_NN_H

#include <ad/ad.h>

AD_BEGIN_DECLS

/* ---- models ---- */

/** A layer, or layers put together. Opaque. */
typedef struct adnn_model adnn_model;

/** How large the initial weights of a layer are. n_in, n_out: its fan-in and fan-out. */
typedef enum adnn_initializer {
    ADNN_LECUN,  /**< normal with variance 1/n_in; LeCun and others (1998) */
    ADNN_GLOROT, /**< normal with variance 2/(n_in + n_out); Glorot and Bengio (2010) */
    ADNN_HE      /**< normal with variance 2/n_in; He and others (2015) */
} adnn_initializer;

typedef struct adnn_dense_options {
    adnn_initializer init; /**< default ADNN_LECUN */
    double scale;          /**< standard deviation of the weights in place of init's, if not 0 */
    double bias_scale;     /**< standard deviation of the biases; default 0: they start at zero */
    bool no_bias;
    ad_dtype dtype; /**< AD_F64 or AD_F32 */
    int unused_;
} adnn_dense_options;

/** y = x W + b: parameters "W" (inputs, units) and "b" (units). x: (batch..., inputs).
 * adnn_dense(50) or adnn_dense(50, .init = ADNN_HE). */
AD_API adnn_model *adnn_dense_with(int64_t units, adnn_dense_options options);

/** Elementwise layers, without parameters. */
AD_API adnn_model *adnn_tanh(void);
AD_API adnn_model *adnn_relu(void);
AD_API adnn_model *adnn_sigmoid(void);

/** A function of one array as a layer without parameters; it keeps the shape of its argument. */
AD_API adnn_model *adnn_elementwise(ad_array *(*f)(ad_array *));

/** Layers one after another; parameters are a list with a tree for each: "0/W". Takes the layers over: adnn_free of the result frees
 * them, and they are freed if it fails. At most 64. */
AD_API adnn_model *adnn_sequential_of(adnn_model *const *layers, int count);

#ifndef __cplusplus
#define adnn_dense(...)              adnn_dense_options_(__VA_ARGS__, .unused_ = 0)
#define adnn_dense_options_(u, ...)  adnn_dense_with(u, AD_OPTIONS_(adnn_dense_options, __VA_ARGS__))
#define adnn_sequential(...)                                                                                           \
    adnn_sequential_of((adnn_model *[]){ __VA_ARGS__ }, (int)(sizeof((adnn_model *[]){ __VA_ARGS__ }) / sizeof(adnn_model *)))
#endif

/** Initial parameters for examples of the given shape (without the batch axis). */
AD_API ad_tree *adnn_init(const adnn_model *model, ad_key key, ad_shape input);

/** Shape of the output for one example. ndim is -1 and an error set if the model does not take this input. */
AD_API ad_shape adnn_output_shape(const adnn_model *model, ad_shape input);

/** The model's function. x: (batch, input...). Differentiable in parameters and x. */
AD_API ad_array *adnn_apply(const adnn_model *model, ad_tree *parameters, ad_array *x);

/** Frees a model and the layers it took over. NULL is allowed. */
AD_API void adnn_free(adnn_model *model);

/* ---- losses and measures ---- */

/** Mean over the batch of -log softmax(logits)[label].
 *
 * @param logits  (batch, classes)
 * @param labels  (batch) integers, or (batch, classes) one-hot or probabilities */
AD_API ad_array *adnn_softmax_cross_entropy(ad_array *logits, ad_array *labels);

/** Mean over all elements of (prediction - target)^2. */
AD_API ad_array *adnn_mean_squared_error(ad_array *prediction, ad_array *target);

/** Fraction of rows whose largest logit is the label's; NaN and an error on failure. Labels as in adnn_softmax_cross_entropy. */
AD_API double adnn_accuracy(ad_array *logits, ad_array *labels);

/** Sum of the squares of all leaves: an L2 penalty. */
AD_API ad_array *adnn_squared_norm(ad_tree *parameters);

/* ---- optimizers ---- */

/** What an optimizer is: a rule and its constants. A plain value. */
typedef struct adnn_optimizer {
    enum { ADNN_SGD, ADNN_ADAM } rule;
    double step_size;
    double momentum;     /**< sgd: v = momentum v + g, x = x - step_size v; default 0 */
    double beta1, beta2; /**< adam: decay of the mean and of the mean square; 0.9, 0.999 */
    double epsilon;      /**< adam: 1e-8 */
    int unused_;
} adnn_optimizer;

#ifndef __cplusplus
/** adnn_sgd(.step_size = 0.1, .momentum = 0.9): gradient descent with Polyak's momentum; step_size defaults to 0.1. */
#define adnn_sgd(...) AD_OPTIONS_(adnn_optimizer, .rule = ADNN_SGD, .step_size = 0.1, __VA_ARGS__)
/** adnn_adam(.step_size = 1e-3): Kingma and Ba (2015), with bias correction. */
#define adnn_adam(...) AD_OPTIONS_(adnn_optimizer, .rule = ADNN_ADAM, .step_size = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, __VA_ARGS__)
#endif

/** The optimizer's state for parameters like these. */
AD_API ad_tree *adnn_optimizer_init(adnn_optimizer optimizer, ad_tree *parameters);

/** One step: replaces *parameters by new ones and gives the new state; NULL and an error on failure, *parameters unchanged.
 * gradients have the structure of the parameters. */
AD_API ad_tree *adnn_optimizer_update(adnn_optimizer optimizer, ad_tree *state, ad_tree *gradients, ad_tree **parameters);

/* ---- batches ---- */

/** Which examples make up a minibatch: int64 indices (batch_size), for ad_take(..., .axis = 0).
 *
 * Every epoch of examples / batch_size iterations goes through the examples in an order of its own, which depends on key and
 * epoch only, so a batch is a function of (key, iteration). */
AD_API ad_array *adnn_batch(ad_key key, int64_t examples, int64_t batch_size, int64_t iteration);

/* ---- progress ---- */

/** A line on the terminal for work that takes a while: how far, how fast, the loss, the time left. */
typedef struct adnn_progress {
    FILE *stream; /**< NULL: silent */
    const char *what;
    int64_t total;
    double started, shown; /**< seconds */
} adnn_progress;

/** Starts a line for `total` steps on stderr; silent if that is not a terminal. */
AD_API adnn_progress adnn_progress_start(const char *what, int64_t total);

/** Says that `done` steps are done; redraws at most ten times a second. loss: NaN for none. */
AD_API void adnn_progress_update(adnn_progress *progress, int64_t done, double loss);

/** Ends the line. */
AD_API void adnn_progress_end(adnn_progress *progress);

AD_END_DECLS

#endif
