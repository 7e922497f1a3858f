/* Random numbers that depend on nothing but their key.
 *
 * Philox4x32-10 of Salmon et al. (2011), "Parallel random numbers: as easy as 1, 2, 3": element i of a draw is a
 * function of the key and of i, computed with + - * / and sqrt only. The same key gives the same bits on every machine
 * and in every thread, and a draw is the beginning of every longer one. So use a key for one draw only.
 * ad_random_fold_in makes as many keys from it as are wanted.
 *
 * Results are C-contiguous and constants of every derivative. Errors of all: a negative dimension, or one too many. */
#ifndef AD_RANDOM_H
#define AD_RANDOM_H

#include <ad/array.h>

AD_BEGIN_DECLS

/** A key: 128 bits, by value. */
typedef struct ad_key {
    uint64_t hi, lo;
} ad_key;

/** Options of ad_random_uniform. Begin with AD_UNIFORM_DEFAULTS. */
typedef struct ad_uniform_options {
    ad_dtype dtype; /**< = AD_F64: or AD_F32 */
    double low;     /**< = 0 */
    double high;    /**< = 1 */
    int ad_unused_;
} AD_NAMED_ ad_uniform_options;

/** Options of ad_random_normal. Begin with AD_NORMAL_DEFAULTS. */
typedef struct ad_normal_options {
    ad_dtype dtype; /**< = AD_F64: or AD_F32 */
    double loc;     /**< = 0 */
    double scale;   /**< = 1 */
    int ad_unused_;
} AD_NAMED_ ad_normal_options;

/** Options of ad_random_choice. Begin with AD_CHOICE_DEFAULTS. */
typedef struct ad_choice_options {
    bool replace; /**< = true: an index may be drawn again */
    int ad_unused_;
} AD_NAMED_ ad_choice_options;

/** The key of a seed. */
AD_API ad_key ad_random_key(uint64_t seed);

/** A new key from a key and a number: different numbers give independent keys. */
AD_API ad_key ad_random_fold_in(ad_key key, uint64_t n);

/** count new keys; keys[i] is ad_random_fold_in(key, i). */
AD_API void ad_random_split(ad_key key, ad_key *keys, int count);

/** 64 random bits for each element, as int64. */
AD_API ad_array *ad_random_bits(ad_key key, ad_shape shape) AD_NOTED_;

/** Uniform in low <= x < high. Errors: low > high, a bound that is not finite, or a dtype other than float64 and
 * float32. */
AD_API ad_array *ad_random_uniform(ad_key key, ad_shape shape);
AD_API ad_array *ad_random_uniform_with(ad_key key, ad_shape shape, ad_uniform_options options);

/** Normal with mean loc and standard deviation scale, by the inverse distribution function of Wichura (1988),
 * "Algorithm AS 241". For derivatives in loc and scale, draw with the defaults and write loc + scale z. Errors: scale <
 * 0; other dtypes. */
AD_API ad_array *ad_random_normal(ad_key key, ad_shape shape);
AD_API ad_array *ad_random_normal_with(ad_key key, ad_shape shape, ad_normal_options options);

/** Integers low <= k < high as int64, exactly uniform. Errors: low >= high. As numpy.random.Generator.integers. */
AD_API ad_array *ad_random_randint(ad_key key, ad_shape shape, int64_t low, int64_t high) AD_NOTED_;

/** bool, true with probability p. Errors: p outside [0, 1]. */
AD_API ad_array *ad_random_bernoulli(ad_key key, double p, ad_shape shape) AD_NOTED_;

/** The numbers 0 to n - 1 in random order, (n,) int64. ad_take(x, order) permutes an array, differentiably. */
AD_API ad_array *ad_random_permutation(ad_key key, int64_t n) AD_NOTED_;

/** Indices 0 to n - 1, int64. Errors: n < 1 for a nonempty shape; without replacement more elements than n. */
AD_API ad_array *ad_random_choice(ad_key key, int64_t n, ad_shape shape);
AD_API ad_array *ad_random_choice_with(ad_key key, int64_t n, ad_shape shape, ad_choice_options options);

#include <ad/macros/random.h>

AD_END_DECLS

#endif
