/* hyperopt: gradients of whole training runs, by exactly reversible learning.
 *
 * Maclaurin, Duvenaud and Adams, "Gradient-based Hyperparameter Optimization through Reversible Learning" (ICML 2015).
 * A run of T steps of training is one differentiable operation of everything it depends on. Its reverse pass runs the
 * training backwards, to the bit, so that the trajectory is never stored. */
#ifndef HYPEROPT_H
#define HYPEROPT_H

#include <ad/ad.h>
#include <hyperopt/optimize.h>

AD_BEGIN_DECLS

/** How gradients of a run are found. All methods run the same integers. All but the last two give the same gradients,
 * to rounding. */
typedef enum hyper_method {
    HYPER_REVERSE,    /**< by running the training backwards: log2(1/beta) bits of memory per parameter and iteration */
    HYPER_STORE,      /**< by storing the velocities (moments) of all iterations, 64 bits each (96 for s), in place of an information buffer */
    HYPER_CHECKPOINT, /**< by storing some states and running again what lies between them; checkpoint_memory says how many */
    HYPER_FORWARD,    /**< by carrying derivatives along with training: one more pass for each element of a hyperparameter that is asked for. The memory does
                           not grow with the iterations */
    HYPER_TRUNCATED,  /**< backwards over the last_iterations only: derivatives in what came before are zero, so the gradient is biased */
    HYPER_IMPLICIT    /**< as if training had converged, by the implicit function theorem at its end. It gives derivatives in theta only, and is right where
                           the gradient of the loss is zero at the end */
} hyper_method;

/** How HYPER_IMPLICIT solves H u = f_x, with H the Hessian of the training loss at the end. */
typedef enum hyper_solver {
    HYPER_CONJUGATE_GRADIENTS, /**< for a positive definite H */
    HYPER_NEUMANN              /**< the sum of (1 - eta H)^k eta f_x over k, with eta an estimate of 1/|H|; Lorraine, Vicol and Duvenaud (2020) */
} hyper_solver;

/** What is under the root that hyper_adam divides by. */
typedef enum hyper_second_moment {
    HYPER_MEAN, /**< the moving average of the squared gradient: Adam, RMSProp */
    HYPER_SUM   /**< the sum of the squared gradients: AdaGrad */
} hyper_second_moment;

/** What a run took. A forward pass fills the first part and a reverse pass the rest. Begin with zeros. */
typedef struct hyper_report {
    double bits_per_step;      /**< growth of the information buffer, a mean over parameters and iterations; 0 for methods without a buffer */
    double bound;              /**< log2(1/beta), a mean over parameters and iterations: no buffer can grow by less */
    int64_t buffer_bytes;      /**< the buffer's peak, in memory and in the spill file together */
    int64_t trajectory_bytes;  /**< what a trajectory of the state, x and v, in float32 would take */
    double seconds_forward;    /**< of the last forward pass */
    double seconds_reverse;    /**< of the last reverse pass */
    bool reversed_exactly;     /**< the state came back bit for bit and the buffer ended empty; false for methods without a buffer */
    double growth;             /**< the largest factor by which |dx|, the norm of the cotangent of x, grew in one iteration of the reverse pass */
    double amplification;      /**< the largest |dx| of the reverse pass divided by |dx| at the end of training */
    bool chaotic;              /**< amplification passed growth_limit: the gradient says little about a change of a size that one would make */
    double residual;           /**< for HYPER_IMPLICIT: the |f_x - H u| that its solver left */
    int64_t memory_bytes;      /**< the most that the run and its reverse pass took (state, cotangents, buffer, what is stored), without what the loss takes */
} hyper_report;

/** How far training is. */
typedef struct hyper_progress {
    int64_t iteration;    /**< the iteration that has just been done, as the loss counts it */
    int64_t iterations;   /**< of the run */
    double loss;          /**< at the parameters before the iteration's step; NaN with a direction */
    double gradient_norm; /**< the Euclidean norm of the gradient at those parameters */
    double x_norm;        /**< the Euclidean norm of the parameters after the step */
    ad_tree *x;           /**< the parameters after the step, in the dtypes of "x"; belongs to a scope around the call */
} hyper_progress;

/** A training run. Its iterations, and either a loss or a direction, are required. Zero is the default of the rest. */
typedef struct hyper_training {
    /** The training loss, a real scalar. It is a deterministic function of x, theta and the iteration, which counts
     * from `first`: random numbers and minibatches are drawn from a key made of the iteration. theta is an empty tree
     * where hypers has none. What is being differentiated reaches the loss through x and theta only; anything else is
     * an error. */
    ad_array *(*loss)(ad_tree *x, ad_tree *theta, int64_t iteration, void *context);
    void *context;        /**< given to the loss and the other functions; must exist as long as the result can be differentiated */
    int64_t iterations;   /**< T, at least 0 */
    hyper_method method;  /**< HYPER_REVERSE */
    hyper_report *report; /**< filled if not NULL; must exist as long as the result can be differentiated */
    FILE *spill;          /**< a file open for update. The part of the information buffer beyond buffer_memory goes there, from the present position on. It
                               is not closed */
    size_t buffer_memory; /**< bytes of the information buffer that stay in memory where there is a spill file: 64 MiB */
    int64_t first;        /**< the number of the first iteration, for a run that goes on where another one ended */

    /** Given in place of a loss: g, the direction that a step descends along, a tree like x. It need not be a gradient:
     * it may be a clipped or preconditioned one, the output of a learned optimiser, or the gradients of several
     * players. It has to be differentiable once in reverse mode. Otherwise it is as loss. */
    ad_tree *(*direction)(ad_tree *x, ad_tree *theta, int64_t iteration, void *context);

    /** Called after each iteration of the first forward pass. If it gives false, the run is cancelled:
     * AD_ERROR_CANCELLED. */
    bool (*observe)(const hyper_progress *progress, void *context);

    /** For hyper_sgd_along: a real scalar of the state after so many iterations. */
    ad_array *(*meta_loss)(ad_tree *x, ad_tree *theta, int64_t iteration, void *context);
    int64_t meta_every;   /**< the meta-loss is taken after every meta_every iterations */

    size_t checkpoint_memory; /**< for HYPER_CHECKPOINT: bytes. By default there are as many snapshots as the square root of T, so that training is run twice */
    int64_t last_iterations;  /**< for HYPER_TRUNCATED: at least 1 */
    hyper_solver solver;      /**< for HYPER_IMPLICIT */
    int64_t solver_iterations; /**< the most that it takes: 100 */
    double solver_tolerance;  /**< the solver ends at this residual, relative to f_x: 1e-6 */
    double growth_limit;      /**< the amplification beyond which the report says chaotic: 1000 */
    hyper_second_moment second_moment; /**< for hyper_adam */
    int x_bits, v_bits, m_bits, s_bits; /**< the units of the fixed-point numbers: 2^-bits for x, v and Adam's m, and 2^-(bits + 32) for s. By default 52,
                                             52, 54, 54, and 50 for s with HYPER_SUM. A value is at most 2^(63 - bits) */
} hyper_training;

/** Stochastic gradient descent with momentum, t = 0 .. T-1:
 *
 *     g = grad_x L(x, theta, t)
 *     v = beta_t v - (1 - beta_t) g
 *     x = x + alpha_t v
 *
 * Positions and velocities are 64-bit fixed-point numbers, in units of 2^-52 and between -2048 and 2048 unless training
 * says otherwise. The product beta_t v is off by less than two units. It is made in two steps. The first multiplies by
 * n/d, the largest ratio up to beta_t with d up to 2^16 (9/10 for 0.9), and the information buffer keeps the digits
 * that this loses. The second multiplies by what is left of beta_t, a factor below 1 + 2^-15, and loses nothing.
 * Momenta below 2^-16 are 2^-16.
 *
 * @param hypers  a tree of
 *     "x"      initial parameters, a tree of float32 and float64 arrays
 *     "v"      initial velocities, a tree like x; zero if not given
 *     "alpha"  learning rates: a scalar, a [T] vector, or a tree like x whose leaves are scalars, [T] vectors or arrays
 *              that broadcast against [T, shape of the leaf of x ...]
 *     "beta"   momenta, 0 < beta <= 1, in the same forms
 *     "theta"  a tree of whatever else the loss depends on; empty if not given
 *     "exact"  from hyper_sgd_state, given with its x and v: the run goes on to the bit
 * @return        the trained parameters, a tree like x with its shapes and dtypes
 *
 * Errors: an entry that is missing or of another form; a momentum out of range; a rate that is not finite; a NaN loss;
 * a value that is NaN, infinite or out of range (AD_ERROR_NUMERIC), named with its iteration, path and element; in the
 * reverse pass a gradient that differs from that of the forward pass, with the first iteration where it does. An error
 * in the loss names the iteration.
 * Derivative: in every float leaf of hypers; the rounding of x and v has no derivative. It takes one gradient and one
 * Hessian-vector product of the loss per iteration. In forward mode it takes one pass of training, and one derivative
 * of the gradient for each leaf of hypers that has a tangent. Derivatives of derivatives recompute the run in floating
 * point and remember all iterations, whatever the method.
 * Not in NumPy. */
AD_API ad_tree *hyper_sgd(const hyper_training *training, ad_tree *hypers);

/** The same run, and the whole state after it, from which a run can go on.
 *
 *     state = hyper_sgd_state(&training, hypers);
 *     training.first += training.iterations;
 *     more = hyper_sgd_state(&training, ad_tree_of("x", ad_tree_sub(state, "x"), "v", ad_tree_sub(state, "v"),
 *                                                  "exact", ad_tree_get(state, "exact"), "alpha", ...));
 *
 * @return  a tree of "x", as hyper_sgd gives it, "v", like x but float64, and "exact", an int64 vector. "exact" is the
 *          fixed-point state, which floats do not hold. With it a run of 2T iterations equals two runs of T, bit for
 *          bit; without it they are equal to rounding
 * Errors: as hyper_sgd; an "exact" that is not that of x and v. Derivative: of x and v, in everything. */
AD_API ad_tree *hyper_sgd_state(const hyper_training *training, ad_tree *hypers);

/** The same run, and the mean of a loss along its way: training->meta_loss(x, theta, iteration, context) at the states
 * after every meta_every iterations. The iteration given is the one that comes next, as the loss counts it.
 *
 * @return  0-d float64
 * Errors: as hyper_sgd; no meta_loss; a meta_every that is not in 1..T. Derivative: in everything, by one reverse
 * pass. */
AD_API ad_array *hyper_sgd_along(const hyper_training *training, ad_tree *hypers);

/** Adam (Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015), with decoupled weight decay (Loshchilov
 * and Hutter, "Decoupled Weight Decay Regularization", 2019), t = 0 .. T-1:
 *
 *     g = grad_x L(x, theta, t)
 *     m = beta1_t m + (1 - beta1_t) g
 *     s = beta2_t s + (1 - beta2_t) g^2
 *     u = m / (1 - p1) / (sqrt(s / (1 - p2)) + epsilon_t)      p1, p2: the products of the momenta up to t
 *     x = (1 - alpha_t decay_t) x - alpha_t u
 *
 * RMSProp is beta1 = 0. A beta1 of 0 takes 64 bits a step in place of log2(1/beta1), and a beta2 of 0 takes 96. AdaGrad
 * is training->second_moment = HYPER_SUM: s = s + g^2, without beta2 and p2.
 *
 * x and m are 64-bit fixed-point numbers, in units of 2^-52 and 2^-54. s is one of 96 bits, in units of 2^-86 (2^-82
 * where it is a sum). m and s have to stay below 512 (s below 8192 where it is a sum). training may set other units.
 * With gradients from 1 down to 1e-6, a thousand steps of 1e-3 are those of float64 within 1e-8.
 * docs/reversible-adam.md derives all of it. It also says why some steps cannot be undone: those that depend on g
 * beside m and s (Nesterov's look-ahead, Lion), and those that forget (AMSGrad's maximum).
 *
 * @param hypers  a tree of
 *     "x"        initial parameters, a tree of float32 and float64 arrays
 *     "m", "s"   initial moments, trees like x, s not negative; zero if not given
 *     "alpha"    learning rates: a scalar, a [T] vector, or a tree like x whose leaves are scalars, [T] vectors or
 *                arrays that broadcast against [T, shape of the leaf of x ...]
 *     "beta1", "beta2"  momenta, at least 0 and below 1, in the same forms
 *     "epsilon"  above 0, in the same forms; 1e-8 if not given
 *     "decay"    in the same forms, with alpha decay from 0 to 1/2; 0 if not given
 *     "theta"    a tree of whatever else the loss depends on; empty if not given
 *     "exact"    from hyper_adam_state, given with its x, m and s: the run goes on to the bit
 * @return        the trained parameters, a tree like x with its shapes and dtypes
 *
 * A run whose training->first is not 0 assumes that the iterations before had the momenta of its own first iteration:
 * p1 and p2 begin with the powers of these.
 * Errors: as hyper_sgd; a first below 0. Derivative: as hyper_sgd, and 0 through the root of an s that is 0. The
 * gradient is taken before the product, so that a step of the reverse pass costs a little more than with hyper_sgd. Not
 * in NumPy. */
AD_API ad_tree *hyper_adam(const hyper_training *training, ad_tree *hypers);

/** The same run, and the whole state after it, from which a run can go on, as hyper_sgd_state: a tree of "x", "m", "s"
 * and "exact". If the momenta are numbers, a run of 2T iterations equals two runs of T, bit for bit. */
AD_API ad_tree *hyper_adam_state(const hyper_training *training, ad_tree *hypers);

/** The same run, and the mean of a loss along its way, as hyper_sgd_along. */
AD_API ad_array *hyper_adam_along(const hyper_training *training, ad_tree *hypers);

/** How far a run that is played backwards is from where it was. It shows why exact arithmetic is needed.
 *
 * The same descent is run twice, in ordinary arithmetic of the given dtype and in fixed point with the information
 * buffer. Each run is then reversed by x = x - alpha v, v = (v + (1 - beta) g) / beta.
 *
 * @param training  as for hyper_sgd; its report is filled with that of the exact run
 * @param hypers    as for hyper_sgd; taken as constants
 * @param dtype     arithmetic of the naive run: AD_F32 or AD_F64
 * @return          a tree of two float64 vectors of T + 1 elements, "naive" and "exact". Element t is the root mean
 *                  square over the parameters of the difference between x before iteration t on the way forward and on
 *                  the way back. Element T is 0, and so are all elements of "exact". Naive values that overflowed are
 *                  infinite or NaN
 * Errors: as hyper_sgd; another dtype. Constant: has no derivative. */
AD_API ad_tree *hyper_naive_reversal(const hyper_training *training, ad_tree *hypers, ad_dtype dtype);

AD_END_DECLS

#endif
