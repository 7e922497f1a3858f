/* The loop around hypergradients: gradient-based optimisation over trees of hyperparameters.
 *
 * Words: hypers are what is optimised, in natural units. The meta-loss says how good they are, as the validation loss
 * after a training run does. A meta-iteration is one value and gradient of the meta-loss and one step of an optimizer
 * of libad-nn. A coordinate is what the optimizer sees of a value: the value itself, its logarithm or its logit. */
#ifndef HYPEROPT_OPTIMIZE_H
#define HYPEROPT_OPTIMIZE_H

#include <ad-nn/nn.h>

AD_BEGIN_DECLS

/** Which hypers hyper_optimize gives. If each meta-iteration has a key of its own, each is judged by other random
 * numbers. The smallest of many losses is then smaller than what its hypers are worth. Where the losses scatter more
 * than they fall, take the last hypers. */
typedef enum hyper_returned {
    HYPER_BEST, /**< those with the smallest meta-loss */
    HYPER_LAST  /**< those after the last step */
} hyper_returned;

/** How an optimisation ended. */
typedef enum hyper_ending {
    HYPER_DONE,      /**< all meta-iterations were made */
    HYPER_GREW,      /**< a hypergradient passed .stop_growth */
    HYPER_CANCELLED, /**< .on_step gave false */
    HYPER_FAILED     /**< with an error */
} hyper_ending;

/** A meta-iteration that was just made. Its trees are valid in the callback. */
typedef struct hyper_meta_step {
    int64_t iteration, iterations; /**< this one, counted from 0, and the number that there are to be */
    double loss;                   /**< at hypers */
    double gradient_norm;          /**< of the whole gradient in coordinates, before clipping */
    double best_loss;              /**< smallest so far, including this one; infinite if there is none */
    ad_tree *hypers;               /**< what the loss was evaluated at, in natural units */
    ad_tree *gradient;             /**< in coordinates and before clipping: a tree like hypers, zero in what is not optimised; NULL if skipped */
    bool clipped;                  /**< the optimizer was given a shorter gradient */
    bool skipped;                  /**< loss or gradient failed, so no step was made (.skip_failures) */
    double seconds;                /**< since this call began */
    double seconds_left;           /**< at the pace of this call so far */
} hyper_meta_step;

/** What an optimisation came to. It is filled on failure too. Its trees and arrays belong to the scope that is
 * innermost where hyper_optimize is called. */
typedef struct hyper_optimize_report {
    hyper_ending ending;
    int64_t iterations;       /**< meta-iterations made, including skipped ones and those of earlier calls (.checkpoint) */
    int64_t resumed;          /**< of these, the ones made by earlier calls */
    int64_t clipped, skipped; /**< how many were clipped and skipped */
    int64_t best_iteration;   /**< -1 if there is none */
    double best_loss;         /**< infinite if there is none */
    double growth;            /**< largest norm of a hypergradient divided by the median of the norms before it; 0 if there were none */
    ad_tree *best, *last;     /**< hypers in natural units; NULL if it failed before the first meta-iteration */
    ad_array *losses;         /**< of every meta-iteration, and of the one at which .stop_growth stopped; NaN where the loss itself failed */
    ad_array *gradient_norms; /**< in coordinates, before clipping; NaN or infinite where skipped */
    double seconds;           /**< of this call */
} hyper_optimize_report;

/** Options of hyper_optimize. Begin with HYPER_OPTIMIZE_DEFAULTS; iterations has to be given. */
typedef struct hyper_optimize_options {
    adnn_optimizer optimizer; /**< = { .rule = ADNN_ADAM, .step_size = 0.04, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8 }:
                                   adnn_adam(.step_size = 0.04); its steps are in coordinates */
    bool anneal;              /**< the step size falls linearly, from the first meta-iteration to 0 after the last of .iterations. This allows long steps at
                                   first where the noise of the keys keeps the hypers from settling */
    int64_t iterations;       /**< = -1: meta-iterations, at least 0; has to be given */
    ad_key key;               /**< meta-iteration i gets ad_random_fold_in(key, i) */
    void *context;            /**< given to meta_loss and on_step */
    const char *log, *logit;  /**< paths whose coordinates are logarithms, or logits log(x/(1-x)): "alpha, scale". A path names a leaf, or a subtree with all
                                   its float leaves. Commas stand between paths; spaces around them do not count */
    const char *fixed;        /**< paths of what is not optimised; it has precedence over log and logit */
    double clip_norm;         /**< a longer gradient is scaled down to this norm; 0: none */
    double clip_growth;       /**< a gradient longer than this times the median of the norms before it is scaled down to that; 0: none */
    double stop_growth;       /**< a gradient longer than this times that median is a sign of chaos. It ends the optimisation, before its step; 0: never */
    int64_t skip_failures;    /**< how many meta-iterations in a row may fail numerically. These make no step, and the next key is tried; 0: the first
                                   failure is an error. (While ad_on_error says that errors end the program, they do) */
    hyper_returned returns;   /**< HYPER_BEST */
    const char *checkpoint;   /**< a file (.npz) that is written after each meta-iteration. If it exists at the start, the optimisation goes on from it */
    double checkpoint_seconds; /**< at least so many seconds lie between two writings; the last state is always written. Default 0: every state is */
    bool progress;            /**< a line with loss and time left on stderr, if that is a terminal */
    bool (*on_step)(const hyper_meta_step *step, void *context); /**< called after each meta-iteration; if it gives false, the optimisation ends without error */
    hyper_optimize_report *report;                               /**< filled if not NULL */
    int ad_unused_;
} AD_NAMED_ hyper_optimize_options;

/** Minimises a meta-loss over hypers by its gradient:
 *
 *     static ad_array *meta_loss(ad_tree *hypers, ad_key key, void *problem)
 *     {
 *         ad_tree *start = initial_parameters(key, problem);
 *         ad_tree *run = ad_tree_of("x", start, "alpha", ad_tree_sub(hypers, "alpha"),
 *                                   "beta", ad_tree_sub(hypers, "beta"));
 *         return validation_loss(hyper_sgd(&training, run), problem);
 *     }
 *     ...
 *     ad_tree *learned = hyper_optimize(meta_loss, ad_tree_of("alpha", rates, "beta", momenta), .log = "alpha",
 *                                       .logit = "beta", .iterations = 50, .key = ad_random_key(1),
 *                                       .context = &problem, .progress = true);
 *
 * @param meta_loss  gives a real scalar, differentiable in hypers: a deterministic function of hypers, key and context.
 *                   Each meta-iteration has another key. A meta-loss that ignores it has the same minibatches and
 *                   initial parameters every time
 * @param hypers     a tree in natural units. Its float32 and float64 leaves are optimised; those of integers and bools
 *                   stay as they are
 * @return           the hypers that .returns says, like hypers and in natural units; hypers themselves if no
 *                   meta-iteration was made; NULL and an error on failure (the report has what was reached)
 *
 * Errors: no .iterations, or fewer than the checkpoint has; a path that is not in hypers, names no float leaf, or is in
 * log and in logit; a value that is not finite or has no logarithm or logit, named with its path; a complex leaf that
 * is not fixed; nothing to optimise; options out of range; a checkpoint of another problem, one that is damaged
 * (AD_ERROR_FORMAT), and one that cannot be written (AD_ERROR_IO; found before the first meta-iteration). An error of
 * meta_loss names the meta-iteration.
 *
 * A meta-iteration fails numerically if meta_loss fails with AD_ERROR_NUMERIC, as a run that diverges does, or if its
 * value or gradient is NaN or infinite. More such failures in a row than .skip_failures are an AD_ERROR_NUMERIC.
 *
 * Checkpoint: the file is replaced as a whole (ad_savez), so the program may be killed at any moment. Called again, it
 * goes on to the same bits as if it had never stopped. on_step sees a meta-iteration again if the file did not have it
 * yet. The file of another problem is refused: one whose hypers have other names, shapes, dtypes, values or
 * coordinates, or one with another key or optimizer. A change of what meta_loss does cannot be seen. The other options
 * may change from call to call: a run that ended goes on with more .iterations, and one that grew or failed goes on
 * with .clip_norm or .skip_failures. The file holds losses and gradient_norms, and hypers/ and best/ in natural units,
 * without what is not optimised. numpy.load reads it. A program that is killed while it writes leaves a file beside it
 * whose name begins with ".ad_save-".
 *
 * Constant: has no derivative. The same call gives the same bits. Memory does not grow with the meta-iterations, except
 * for at most 48 bytes each. */
AD_API ad_tree *hyper_optimize(ad_array *(*meta_loss)(ad_tree *hypers, ad_key key, void *context), ad_tree *hypers);
AD_API ad_tree *hyper_optimize_with(ad_array *(*meta_loss)(ad_tree *hypers, ad_key key, void *context), ad_tree *hypers, hyper_optimize_options options);

#include <hyperopt/macros/optimize.h>

AD_END_DECLS

#endif
