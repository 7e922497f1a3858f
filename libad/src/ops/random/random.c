/* Random numbers: 64 bits of Philox4x32-10 for each element, and what they become.
 *
 * Element i of a draw uses word i % 2 of the block with counter (i / 2, key.hi) under the Philox key key.lo. Real numbers are made of
 * these bits with + - * / and sqrt, which IEEE 754 fixes to the last bit, and no contraction to fused operations (which meson.build
 * turns off); hence no functions of the C library here, but ldexp and frexp, which are exact. */
#include "ad/random.h"
#include "array/error.h"
#include "array/scope.h"
#include "array/shape.h"
#include <Random123/philox.h>

/* ---- bits ---- */

struct block {
    uint64_t word[2];
};

static inline struct block philox(uint64_t counter_hi, uint64_t counter_lo, uint64_t key)
{
    philox4x32_ctr_t counter = { { (uint32_t)counter_lo, (uint32_t)(counter_lo >> 32), (uint32_t)counter_hi, (uint32_t)(counter_hi >> 32) } };
    philox4x32_key_t k = { { (uint32_t)key, (uint32_t)(key >> 32) } };
    philox4x32_ctr_t r = philox4x32_R(10, counter, k);
    return (struct block){ { r.v[0] | (uint64_t)r.v[1] << 32, r.v[2] | (uint64_t)r.v[3] << 32 } };
}

/* Keys come out of Philox under keys of their own, so that neither seeds nor fold-ins meet the blocks of a draw. */
static const uint64_t SEED_DOMAIN = 0x9e3779b97f4a7c15u, FOLD_DOMAIN = 0xd1b54a32d192ed03u;

ad_key ad_random_key(uint64_t seed)
{
    struct block b = philox(0, seed, SEED_DOMAIN);
    return (ad_key){ b.word[1], b.word[0] };
}

ad_key ad_random_fold_in(ad_key key, uint64_t n)
{
    struct block b = philox(key.hi, n, key.lo ^ FOLD_DOMAIN);
    return (ad_key){ b.word[1], b.word[0] };
}

void ad_random_split(ad_key key, ad_key *keys, int count)
{
    if (!keys && count > 0)
        ad_set_error(AD_ERROR_VALUE, "ad_random_split: the place for %d keys is NULL", count);
    for (int i = 0; keys && i < count; i++)
        keys[i] = ad_random_fold_in(key, (uint64_t)i);
}

static inline uint64_t bits_at(ad_key key, uint64_t i)
{
    return philox(key.hi, i / 2, key.lo).word[i % 2];
}

/* 0 <= k < n, exactly uniform: Lemire (2019), "Fast random integer generation in an interval". Another try for element i, which is
 * needed with a probability of n / 2^64, takes bits of a key of its own. */
static uint64_t below(ad_key key, uint64_t i, uint64_t n)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)bits_at(key, i) * n;
    if (__builtin_expect((uint64_t)product < n, 0)) {
        uint64_t too_small = -n % n;
        for (uint64_t attempt = 0; (uint64_t)product < too_small; attempt++)
            product = (wide)bits_at(ad_random_fold_in(key, i), attempt) * n;
    }
    return (uint64_t)(product >> 64);
}

/* ---- real numbers from bits ---- */

/* log x for normal x > 0: x = 2^e m with m near 1, log m = 2 artanh((m - 1) / (m + 1)) by its series, of which ten terms suffice
 * for |s| < 0.172. */
static double natural_log(double x)
{
    int e;
    double m = frexp(x, &e);
    if (m < 0.70710678118654752) {
        m *= 2;
        e--;
    }
    double s = (m - 1) / (m + 1), z = s * s, sum = 0;
    for (int k = 21; k > 0; k -= 2)
        sum = sum * z + 1.0 / k;
    return 0.69314718055994531 * e + 2 * s * sum;
}

static double polynomial(const double c[8], double x)
{
    double sum = c[7];
    for (int i = 6; i >= 0; i--)
        sum = sum * x + c[i];
    return sum;
}

/* The quotients of AS 241 (PPND16): relative accuracy 1e-16. */
static const double center[2][8] = {
    { 3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4, 4.5921953931549871457e4,
      6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3 },
    { 1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3, 2.1213794301586595867e4, 3.9307895800092710610e4,
      2.8729085735721942674e4, 5.2264952788528545610e3 },
};
static const double middle[2][8] = {
    { 1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0, 1.27045825245236838258e0,
      2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4 },
    { 1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1, 1.48103976427480074590e-1,
      1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9 },
};
static const double tail[2][8] = {
    { 6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1, 2.65321895265761230930e-2,
      1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7 },
    { 1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2, 7.86869131145613259100e-4,
      1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15 },
};

/* The z > 0 that a normal number exceeds with probability p, 0 < p <= 1/2. */
static double upper_quantile(double p)
{
    double q = 0.5 - p;
    if (q <= 0.425) {
        double r = 0.180625 - q * q;
        return q * polynomial(center[0], r) / polynomial(center[1], r);
    }
    double r = sqrt(-natural_log(p));
    if (r <= 5)
        return polynomial(middle[0], r - 1.6) / polynomial(middle[1], r - 1.6);
    return polynomial(tail[0], r - 5) / polynomial(tail[1], r - 5);
}

/* One bit is the sign, 63 are the probability beyond: tails reach to 2^-64. */
static double normal_of(uint64_t bits)
{
    double z = upper_quantile(((double)(bits >> 1) + 0.5) * 0x1p-64);
    return bits & 1 ? -z : z;
}

/* ---- draws ---- */

static ad_array *new_draw(const char *operation, ad_dtype dtype, const ad_shape *shape)
{
    if (!ad_shape_possible(operation, dtype, shape))
        return NULL;
    AD_RUNNING(ad_current(), operation);
    return ad_array_new(ad_current(), dtype, shape->ndim, shape->dim);
}

static ad_array *new_real_draw(const char *operation, ad_dtype dtype, const ad_shape *shape)
{
    if (dtype != AD_F64 && dtype != AD_F32)
        return ad_set_error(AD_ERROR_DTYPE, "%s: dtype %s; float64 and float32 are possible", operation, ad_dtype_name(dtype));
    return new_draw(operation, dtype, shape);
}

ad_array *ad_random_bits(ad_key key, ad_shape shape)
{
    ad_array *x = new_draw("ad_random_bits", AD_I64, &shape);
    uint64_t *out = x ? (uint64_t *)x->data : NULL;
    for (int64_t i = 0; x && i < x->size; i++)
        out[i] = bits_at(key, (uint64_t)i);
    return x;
}

ad_array *ad_random_uniform_with(ad_key key, ad_shape shape, ad_uniform_options o)
{
    if (!(o.low <= o.high) || !isfinite(o.high - o.low))
        return ad_set_error(AD_ERROR_VALUE, "ad_random_uniform: no numbers from %g to %g: low <= high and a finite distance are wanted", o.low, o.high);
    ad_array *x = new_real_draw("ad_random_uniform", o.dtype, &shape);
    if (!x)
        return NULL;
    double width = o.high - o.low;
    if (o.dtype == AD_F32) {
        float *out = (float *)x->data, last = nextafterf((float)o.high, (float)o.low);
        for (int64_t i = 0; i < x->size; i++)
            out[i] = fminf((float)(o.low + width * ((double)(bits_at(key, (uint64_t)i) >> 40) * 0x1p-24)), last);
    } else {
        double *out = (double *)x->data, last = nextafter(o.high, o.low);
        for (int64_t i = 0; i < x->size; i++)
            out[i] = fmin(o.low + width * ((double)(bits_at(key, (uint64_t)i) >> 11) * 0x1p-53), last);
    }
    return x;
}

ad_array *(ad_random_uniform)(ad_key key, ad_shape shape)
{
    return ad_random_uniform_with(key, shape, AD_UNIFORM_DEFAULTS);
}

ad_array *ad_random_normal_with(ad_key key, ad_shape shape, ad_normal_options o)
{
    if (!(o.scale >= 0))
        return ad_set_error(AD_ERROR_VALUE, "ad_random_normal: scale %g is negative or not a number", o.scale);
    ad_array *x = new_real_draw("ad_random_normal", o.dtype, &shape);
    for (int64_t i = 0; x && i < x->size; i++) {
        double value = o.loc + o.scale * normal_of(bits_at(key, (uint64_t)i));
        if (o.dtype == AD_F32)
            ((float *)x->data)[i] = (float)value;
        else
            ((double *)x->data)[i] = value;
    }
    return x;
}

ad_array *(ad_random_normal)(ad_key key, ad_shape shape)
{
    return ad_random_normal_with(key, shape, AD_NORMAL_DEFAULTS);
}

ad_array *ad_random_randint(ad_key key, ad_shape shape, int64_t low, int64_t high)
{
    if (low >= high)
        return ad_set_error(AD_ERROR_VALUE, "ad_random_randint: no integers from %lld up to and without %lld", (long long)low, (long long)high);
    ad_array *x = new_draw("ad_random_randint", AD_I64, &shape);
    uint64_t *out = x ? (uint64_t *)x->data : NULL;
    for (int64_t i = 0; x && i < x->size; i++)
        out[i] = (uint64_t)low + below(key, (uint64_t)i, (uint64_t)high - (uint64_t)low);
    return x;
}

ad_array *ad_random_bernoulli(ad_key key, double p, ad_shape shape)
{
    if (!(p >= 0 && p <= 1))
        return ad_set_error(AD_ERROR_VALUE, "ad_random_bernoulli: %g is not a probability", p);
    ad_array *x = new_draw("ad_random_bernoulli", AD_BOOL, &shape);
    for (int64_t i = 0; x && i < x->size; i++)
        x->data[i] = (double)(bits_at(key, (uint64_t)i) >> 11) * 0x1p-53 < p;
    return x;
}

/* The first `drawn` places of 0 ... n - 1 get random ones of what is left (Fisher and Yates). */
static void shuffle(ad_key key, int64_t *order, int64_t n, int64_t drawn)
{
    for (int64_t i = 0; i < n; i++)
        order[i] = i;
    for (int64_t i = 0; i < drawn; i++) {
        int64_t j = i + (int64_t)below(key, (uint64_t)i, (uint64_t)(n - i)), other = order[j];
        order[j] = order[i];
        order[i] = other;
    }
}

ad_array *ad_random_permutation(ad_key key, int64_t n)
{
    ad_array *x = new_draw("ad_random_permutation", AD_I64, &(ad_shape){ .ndim = 1, .dim = { n } });
    if (x)
        shuffle(key, (int64_t *)x->data, n, n);
    return x;
}

ad_array *ad_random_choice_with(ad_key key, int64_t n, ad_shape shape, ad_choice_options o)
{
    ad_array *x = new_draw("ad_random_choice", AD_I64, &shape);
    if (!x || x->size == 0)
        return x;
    if (n < 1 || (!o.replace && x->size > n))
        return ad_set_error(AD_ERROR_VALUE, "ad_random_choice: %lld of %lld numbers cannot be chosen%s", (long long)x->size, (long long)n,
                            o.replace ? "" : " without replacement");
    int64_t *out = (int64_t *)x->data;
    if (o.replace) {
        for (int64_t i = 0; i < x->size; i++)
            out[i] = (int64_t)below(key, (uint64_t)i, (uint64_t)n);
        return x;
    }
    ad_context *c = ad_current();
    size_t bytes = (size_t)n <= SIZE_MAX / 8 ? (size_t)n * 8 : SIZE_MAX;
    int64_t *order = ad_allocate(c, bytes);
    if (!order)
        return NULL;
    shuffle(key, order, n, x->size);
    for (int64_t i = 0; i < x->size; i++)
        out[i] = order[i];
    ad_deallocate(c, order, bytes);
    return x;
}

ad_array *(ad_random_choice)(ad_key key, int64_t n, ad_shape shape)
{
    return ad_random_choice_with(key, n, shape, AD_CHOICE_DEFAULTS);
}
