/* hyperopt: gradients of whole training runs, by exactly reversible stochastic gradient descent.
 *
 * Maclaurin, Duvenaud and Adams, "Gradient-based Hyperparameter Optimization through Reversible Learning" (ICML 2015). A run
 * of T steps of descent with momentum is one differentiable operation of everything it depends on. Its reverse pass runs
 * the training backwards, to the bit, so that the trajectory is never stored. */
#ifndef HYPEROPT_H
#define HYPEROPT_H

#include <ad/ad.h>
#include <hyperopt/optimize.h>

AD_BEGIN_DECLS

/** How the reverse pass gets back the parameters of earlier iterations. */
typedef enum hyper_method {
    HYPER_REVERSE, /**< by running the descent backwards: log2(1/beta) bits of memory per parameter and iteration */
    HYPER_STORE    /**< by remembering all of them: 128 bits; derivatives of any order */
} hyper_method;

/** What a run took. A forward pass fills the first part, a reverse pass the rest. */
typedef struct hyper_report {
    double bits_per_step;      /**< growth of the information buffer, the mean over parameters and iterations */
    double bound;              /**< log2(1/beta), the mean over parameters and iterations: no buffer can grow by less */
    int64_t buffer_bytes;      /**< the buffer's peak, in memory and in the spill file together */
    int64_t trajectory_bytes;  /**< what a trajectory of x and v in float32 would take */
    double seconds_forward;    /**< of the last forward pass */
    double seconds_reverse;    /**< of the last reverse pass */
    bool reversed_exactly;     /**< x1 and v1 came back bit for bit and the buffer ended empty; false for HYPER_STORE */
} hyper_report;

/** A training run. Only loss and iterations are required; zero is the default of the rest. */
typedef struct hyper_training {
    /** Training loss, a real scalar: a deterministic function of x, theta and the iteration, which counts from 0 (randomness,
     * minibatches too, is drawn from a key made of the iteration). theta is an empty tree where hypers has none. */
    ad_array *(*loss)(ad_tree *x, ad_tree *theta, int64_t iteration, void *context);
    void *context;        /**< given to loss; must be there as long as the result can be differentiated */
    int64_t iterations;   /**< T, at least 0 */
    hyper_method method;  /**< HYPER_REVERSE */
    hyper_report *report; /**< filled if not NULL; must be there as long as the result can be differentiated */
    FILE *spill;          /**< open for update: the information buffer goes there, from the present position on, beyond buffer_memory; not closed */
    size_t buffer_memory; /**< bytes of the information buffer kept in memory where there is a spill file: 64 MiB */
} hyper_training;

/** Stochastic gradient descent with momentum, t = 0 .. T-1:
 *
 *     g = grad_x L(x, theta, t)
 *     v = beta_t v - (1 - beta_t) g
 *     x = x + alpha_t v
 *
 * Positions and velocities are 64-bit fixed-point numbers in units of 2^-52, between -2048 and 2048. beta_t is rounded to n / 2^16, and up
 * to 1 / 2^16 where that is 0.
 *
 * @param hypers  a tree of
 *     "x"      initial parameters, a tree of float32 and float64 arrays
 *     "v"      initial velocities, a tree like x; zero if not given
 *     "alpha"  learning rates: a scalar, a [T] vector, or a tree like x whose leaves are scalars, [T] vectors or arrays that broadcast
 *              against [T, shape of the leaf of x ...]
 *     "beta"   momenta, 0 < beta <= 1, in the same forms
 *     "theta"  a tree of whatever else the loss depends on; empty if not given
 * @return        the trained parameters, a tree like x with its shapes and dtypes
 *
 * Errors: an entry that is missing or of another form; a momentum out of range; a value that is NaN, infinite or leaves the
 * range (AD_ERROR_NUMERIC), with its iteration and path; in the reverse pass a gradient that differs from that of the forward pass, with
 * the first iteration where it does.
 * Derivative: in every float leaf of hypers, at the rounded momenta; what rounding x and v does is neglected. One gradient and one Hessian-vector
 * product of the loss per iteration. Derivatives in forward mode, and of the reverse pass itself, go through a recomputation that
 * floating point is good enough for and that remembers all iterations; the second kind needs HYPER_STORE. Values that the loss reaches by any other
 * way than x and theta are constants.
 * Not in NumPy. */
AD_API ad_tree *hyper_sgd(const hyper_training *training, ad_tree *hypers);

/** How far a run that is played backwards is from where it was: why exact arithmetic is needed.
 *
 * The same descent is run twice, in ordinary arithmetic of the given dtype and in fixed point with the information buffer, and each is then
 * reversed by x = x - alpha v, v = (v + (1 - beta) g) / beta.
 *
 * @param training  as for hyper_sgd; its report is filled. The fixed-point trajectory is stored, to compare with
 * @param hypers    as for hyper_sgd; taken as constants
 * @param dtype     arithmetic of the naive run: AD_F32 or AD_F64
 * @return          a tree of two float64 vectors of T + 1 elements, "naive" and "exact": element t is the root mean square over the parameters of the
 *                  difference between x before iteration t on the way forward and on the way back. Element T is 0, and all of "exact"
 *                  are. Naive values that overflowed are infinite or NaN
 * Errors: as hyper_sgd; dtype is another. Constant: has no derivative. */
AD_API ad_tree *hyper_naive_reversal(const hyper_training *training, ad_tree *hypers, ad_dtype dtype);

AD_END_DECLS

#endif
