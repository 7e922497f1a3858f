/* libad-nn: neural networks on libad.
 *
 * A model is a value that pairs an initialiser with a pure function. Parameters are an ad_tree outside it, so every
 * transformation of libad applies to them. Models are immutable and may be used by several threads at once.
 *
 * A function that gives an array or a tree is composed of libad's operations. So it is differentiable to any order in
 * both modes, and its dtype is the one that its operands promote to. For a NULL array or tree it gives NULL, and sets
 * an error if there is none yet. */
#ifndef ADNN_NN_H
#define ADNN_NN_H

#include <ad/ad.h>

AD_BEGIN_DECLS

/* ---- models ---- */

/** A layer, or layers put together. Opaque. */
typedef struct adnn_model adnn_model;

/** How large the initial weights of a layer are. n_in and n_out are its fan-in and fan-out. */
typedef enum adnn_initializer {
    ADNN_LECUN,  /**< normal with variance 1/n_in; LeCun and others (1998) */
    ADNN_GLOROT, /**< normal with variance 2/(n_in + n_out); Glorot and Bengio (2010) */
    ADNN_HE      /**< normal with variance 2/n_in; He and others (2015) */
} adnn_initializer;

/** Options of adnn_dense. Begin with ADNN_DENSE_DEFAULTS. */
typedef struct adnn_dense_options {
    adnn_initializer init; /**< = ADNN_LECUN */
    double scale;          /**< if not 0: standard deviation of the weights, in place of init's */
    double bias_scale;     /**< standard deviation of the biases; default 0: they start at zero */
    bool no_bias;          /**< y = x W, without "b" */
    ad_dtype dtype;        /**< = AD_F64: of the parameters; or AD_F32 */
    int ad_unused_;
} AD_NAMED_ adnn_dense_options;

/** y = x W + b: adnn_dense(50) or adnn_dense(50, .init = ADNN_HE).
 *
 * Parameters: "W" (inputs, units), normal with mean 0, and "b" (units). It takes x of shape (batch..., inputs) to
 * (batch..., units).
 * @return  a model, which the caller frees or puts into a sequence; NULL and an error on failure
 *
 * Errors: units below 1; a dtype other than float64 and float32; an unknown initialiser; a negative scale. When it is
 * initialised: an input without axes. */
AD_API adnn_model *adnn_dense(int64_t units);
AD_API adnn_model *adnn_dense_with(int64_t units, adnn_dense_options options);

/** ad_tanh, ad_relu and ad_sigmoid as layers without parameters. Errors: out of memory. */
AD_API adnn_model *adnn_tanh(void);
AD_API adnn_model *adnn_relu(void);
AD_API adnn_model *adnn_sigmoid(void);

/** A function of one array as a layer without parameters.
 *
 * @param f  gives an array of its argument's shape
 * Errors: f is NULL. */
AD_API adnn_model *adnn_elementwise(ad_array *(*f)(ad_array *));

/** A function with a context, which is passed to it, as a layer without parameters.
 *
 * @param release  called with context when the model is freed; may be NULL. On failure it is not called. */
AD_API adnn_model *adnn_elementwise_with_context(ad_array *(*f)(ad_array *x, void *context), void *context, void (*release)(void *context));

/** Layers one after another: adnn_sequential(adnn_dense(50), adnn_tanh(), adnn_dense(10)).
 *
 * Parameters are a list with a tree for each layer: "0/W", "0/b", "2/W". The sequence takes the layers over: adnn_free
 * of it frees them too. If adnn_sequential fails, it frees them.
 * Errors: a layer is NULL (if an error was set when the layer was made, that one stays); a negative count. */
AD_API adnn_model *adnn_sequential_of(adnn_model *const *layers, int count);

#ifndef __cplusplus
#define adnn_sequential(...)                                                                                           \
    adnn_sequential_of((adnn_model *[]){ __VA_ARGS__ }, (int)(sizeof((adnn_model *[]){ __VA_ARGS__ }) / sizeof(adnn_model *)))
#endif

/** Initial parameters, a function of the key.
 *
 * @param input  shape of one example, without the batch axis
 * @return       a tree as the layers say, empty for a layer without parameters; NULL and an error for a NULL model
 * Errors: an input that a layer does not take. */
AD_API ad_tree *adnn_init(const adnn_model *model, ad_key key, ad_shape input) AD_NOTED_;

/** A tree like t with standard normal leaves: mean 0, variance 1. It is a constant: t gives structure, shapes and
 * dtypes only.
 *
 * To make initial parameters like p that are differentiable in their scales, one number for each leaf or arrays that
 * broadcast to it: ad_tree_map2(ad_mul, scales, adnn_normal_like(key, p)).
 *
 * @param t  leaves of integers and bools are drawn as float64; complex ones with variance 1/2 in each part
 * @return   leaf i, depth first, depends on key, i and its own shape and dtype only
 * As torch.randn_like, of a tree. */
AD_API ad_tree *adnn_normal_like(ad_key key, const ad_tree *t) AD_NOTED_;

/** Shape of the output for one example. For a NULL model, and for an input that the model does not take, its ndim is -1
 * and an error is set. */
AD_API ad_shape adnn_output_shape(const adnn_model *model, ad_shape input);

/** The model's function.
 *
 * @param parameters  a tree as adnn_init gives
 * @param x           (batch, input...), integers too
 * @return            (batch, output...) with the dtype that x and the parameters promote to; NULL and an error for a
 *                    NULL argument
 * Derivative: in parameters and x.
 * Errors: parameters of another number of layers, or without the names that a layer reads; an x that does not fit
 * them. */
AD_API ad_array *adnn_apply(const adnn_model *model, ad_tree *parameters, ad_array *x) AD_NOTED_;

/** Frees a model and the layers it took over. NULL is allowed. */
AD_API void adnn_free(adnn_model *model);

/* ---- losses and measures ---- */

/** What becomes of the losses of the examples. */
typedef enum adnn_reduction {
    ADNN_MEAN, /**< their mean, 0-d */
    ADNN_SUM,  /**< their sum, 0-d */
    ADNN_NONE  /**< the losses themselves, (batch) */
} adnn_reduction;

/** Options of adnn_softmax_cross_entropy and adnn_mean_squared_error. Begin with ADNN_LOSS_DEFAULTS. */
typedef struct adnn_loss_options {
    adnn_reduction reduction; /**< = ADNN_MEAN */
    int ad_unused_;
} AD_NAMED_ adnn_loss_options;

/** -log softmax(logits)[label] of each example, and their mean over the batch:
 * adnn_softmax_cross_entropy(logits, labels), or adnn_softmax_cross_entropy(logits, labels, .reduction = ADNN_NONE). A
 * weighted mean is ad_mean(ad_mul(w, losses)).
 *
 * @param logits  (batch, classes), real; integers count as float64
 * @param labels  (batch) integers from 0 to classes - 1, or (batch, classes) one-hot or probabilities
 * @return        0-d, (batch) with ADNN_NONE; the mean of an empty batch is NaN. A class of probability 0 counts for
 *                nothing, also with a logit of -infinity.
 * Derivative: (softmax(logits) sum(p) - p)/batch in the logits, with p the probabilities of a row; -log
 * softmax(logits)/batch in labels that are probabilities; without /batch where no mean is taken.
 * Errors: other shapes; labels that are not integers, or out of range (AD_ERROR_INDEX); complex logits; an unknown
 * reduction. */
AD_API ad_array *adnn_softmax_cross_entropy(ad_array *logits, ad_array *labels);
AD_API ad_array *adnn_softmax_cross_entropy_with(ad_array *logits, ad_array *labels, adnn_loss_options options);

/** Mean over all elements of (prediction - target)^2; real. Shapes broadcast, and the mean is over the shape of the
 * result.
 *
 * The loss of an example, along the first axis, is the mean over its elements. ADNN_NONE gives these losses. ADNN_SUM
 * gives their sum, not the sum over all elements.
 * @return  0-d, (batch) with ADNN_NONE; float64 for integers
 * Derivative: 2 (prediction - target)/n in the prediction, its negative in the target, summed over broadcast axes.
 * Errors: shapes that do not broadcast; numbers without an axis, unless the mean is asked for; an unknown reduction. */
AD_API ad_array *adnn_mean_squared_error(ad_array *prediction, ad_array *target);
AD_API ad_array *adnn_mean_squared_error_with(ad_array *prediction, ad_array *target, adnn_loss_options options);

/** Fraction of rows whose largest logit is the label's. Of equal logits the first one counts. It is not differentiable.
 * NaN and an error on failure, and NaN for an empty batch.
 *
 * Logits, labels and errors are as in adnn_softmax_cross_entropy. If labels are probabilities, the largest one is the
 * label. */
AD_API double adnn_accuracy(ad_array *logits, ad_array *labels) AD_NOTED_;

/** Sum of the squares of all elements of all leaves: an L2 penalty. It is real.
 *
 * @return  0-d float64, 0 for a tree without leaves
 * Derivative: twice each leaf. */
AD_API ad_array *adnn_squared_norm(ad_tree *parameters) AD_NOTED_;

/* ---- optimizers ---- */

typedef enum adnn_rule { ADNN_SGD, ADNN_ADAM, ADNN_RMSPROP, ADNN_ADAMW, ADNN_ADAGRAD } adnn_rule;

/** What an optimizer is: a rule and its constants. The defaults are PyTorch's, except for the step size of sgd. It is a
 * plain value; begin with ADNN_SGD_DEFAULTS, ADNN_ADAM_DEFAULTS, ... In the table x is a parameter and g its gradient,
 * and everything is elementwise:
 *
 *     sgd      v = momentum v + g                                             x = x - step_size v
 *     adam     m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2, t = t + 1
 *              x = x - step_size m/(1 - beta1^t) / (sqrt(v/(1 - beta2^t)) + epsilon)
 *     adamw    x = (1 - step_size weight_decay) x, then as adam
 *     rmsprop  v = beta2 v + (1 - beta2) g^2
 *              m = momentum m + g/(sqrt(v) + epsilon)                         x = x - step_size m
 *     adagrad  v = v + g^2                                                    x = x - step_size g/(sqrt(v) +
 *     epsilon) */
typedef struct adnn_optimizer {
    adnn_rule rule;
    double step_size;    /**< sgd: 0.1; adam, adamw: 1e-3; rmsprop, adagrad: 1e-2 */
    double momentum;     /**< sgd, rmsprop: 0 */
    double beta1, beta2; /**< decay of the mean and of the mean square; adam, adamw: 0.9, 0.999; rmsprop: only beta2, 0.99 (PyTorch's alpha) */
    double epsilon;      /**< adam, adamw, rmsprop: 1e-8; adagrad: 1e-10 */
    double weight_decay; /**< adamw: 1e-2; an error with the others */
    int ad_unused_;
} AD_NAMED_ adnn_optimizer;

#define ADNN_SGD_DEFAULTS_FIELDS_     .rule = ADNN_SGD, .step_size = 0.1
#define ADNN_ADAM_DEFAULTS_FIELDS_    .rule = ADNN_ADAM, .step_size = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8
#define ADNN_RMSPROP_DEFAULTS_FIELDS_ .rule = ADNN_RMSPROP, .step_size = 1e-2, .beta2 = 0.99, .epsilon = 1e-8
#define ADNN_ADAMW_DEFAULTS_FIELDS_                                                                                    \
    .rule = ADNN_ADAMW, .step_size = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .weight_decay = 1e-2
#define ADNN_ADAGRAD_DEFAULTS_FIELDS_ .rule = ADNN_ADAGRAD, .step_size = 1e-2, .epsilon = 1e-10
#define ADNN_SGD_DEFAULTS             ((adnn_optimizer){ ADNN_SGD_DEFAULTS_FIELDS_ })
#define ADNN_ADAM_DEFAULTS            ((adnn_optimizer){ ADNN_ADAM_DEFAULTS_FIELDS_ })
#define ADNN_RMSPROP_DEFAULTS         ((adnn_optimizer){ ADNN_RMSPROP_DEFAULTS_FIELDS_ })
#define ADNN_ADAMW_DEFAULTS           ((adnn_optimizer){ ADNN_ADAMW_DEFAULTS_FIELDS_ })
#define ADNN_ADAGRAD_DEFAULTS         ((adnn_optimizer){ ADNN_ADAGRAD_DEFAULTS_FIELDS_ })

#ifndef __cplusplus
/** adnn_sgd(.step_size = 0.1, .momentum = 0.9): gradient descent with Polyak's momentum; step_size defaults to 0.1. */
#define adnn_sgd(...) AD_OPTIONS_(ADNN_SGD, __VA_ARGS__)
/** adnn_adam(.step_size = 1e-3): Kingma and Ba (2015), with bias correction. */
#define adnn_adam(...) AD_OPTIONS_(ADNN_ADAM, __VA_ARGS__)
/** adnn_rmsprop(.step_size = 1e-2, .momentum = 0.9): Tieleman and Hinton (2012), lecture 6.5. As
 * torch.optim.RMSprop. */
#define adnn_rmsprop(...) AD_OPTIONS_(ADNN_RMSPROP, __VA_ARGS__)
/** adnn_adamw(.weight_decay = 0.1): Loshchilov and Hutter (2019), as torch.optim.AdamW. */
#define adnn_adamw(...) AD_OPTIONS_(ADNN_ADAMW, __VA_ARGS__)
/** adnn_adagrad(.step_size = 1e-2): Duchi, Hazan and Singer (2011), as torch.optim.Adagrad. */
#define adnn_adagrad(...) AD_OPTIONS_(ADNN_ADAGRAD, __VA_ARGS__)
#endif

/** The optimizer's state before the first step, zeros, for parameters like these (real or complex leaves).
 *
 * @return  a tree. sgd and adagrad: "v", like the parameters. rmsprop: "m" and "v", like the parameters. adam and
 *          adamw: "m", "v" and the number "t" of steps
 * Errors: an unknown rule; a weight_decay with another rule than adamw. */
AD_API ad_tree *adnn_optimizer_init(adnn_optimizer optimizer, ad_tree *parameters) AD_NOTED_;

/** One step: puts new parameters into *parameters and gives the new state. Both belong to the innermost scope. The step
 * is differentiable. Outside of every differentiation it is one pass over each leaf, with the same bits.
 *
 * @param state       from adnn_optimizer_init or the step before
 * @param gradients   of the structure and shapes of the parameters
 * @param parameters  in: the old ones; out: new ones
 * @return            NULL and an error on failure, with *parameters as it was
 * Errors: gradients of another structure; a state that is not one for these parameters; shapes that do not broadcast;
 * an unknown rule. While an error is recorded no step is made. */
AD_API ad_tree *adnn_optimizer_update(adnn_optimizer optimizer, ad_tree *state, ad_tree *gradients, ad_tree **parameters) AD_NOTED_;

/* ---- batches ---- */

/** Which examples make up a minibatch: int64 indices (batch_size), for ad_take(..., .axis = 0). A constant.
 *
 * An epoch has examples / batch_size iterations, rounded down. Each goes through the examples in an order of its own,
 * which depends only on key and epoch, so a batch is a function of (key, iteration). The examples that the division
 * leaves over are not used in that epoch. Nothing is remembered from call to call: each call draws the order of its
 * epoch anew, which takes time and memory proportional to the number of examples.
 * Errors: a batch_size below 1 or above examples; a negative iteration. */
AD_API ad_array *adnn_batch(ad_key key, int64_t examples, int64_t batch_size, int64_t iteration) AD_NOTED_;

/* ---- progress ---- */

/** A line on the terminal for work that takes a while: how far, how fast, the loss, the time left. */
typedef struct adnn_progress {
    FILE *stream;          /**< NULL: silent */
    const char *what;      /**< what is done, the beginning of the line; must exist until the end */
    int64_t total;         /**< steps */
    double started, shown; /**< seconds */
} adnn_progress;

/** Starts a line for `total` steps on stderr. It is silent if that is not a terminal. */
AD_API adnn_progress adnn_progress_start(const char *what, int64_t total);

/** Says that `done` steps are done. The line is redrawn at most ten times a second, and when all are done. loss: NaN
 * for none. */
AD_API void adnn_progress_update(adnn_progress *progress, int64_t done, double loss);

/** Erases the line. */
AD_API void adnn_progress_end(adnn_progress *progress);

#include <ad-nn/macros/nn.h>

AD_END_DECLS

#endif
