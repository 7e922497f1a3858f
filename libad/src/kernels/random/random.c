/* Random numbers: 64 bits of Philox4x32-10 for each element, and what they become.
 *
 * Element i of a draw uses word i % 2 of the block with counter (i / 2, key.hi) under the Philox key key.lo. Real
 * numbers are made of these bits with + - * / and sqrt, which IEEE 754 fixes to the last bit, and without contraction
 * to fused operations (which meson.build turns off). So no functions of the C library are used here except ldexp and
 * frexp, which are exact. */
#include "kernels/kernels.h"
#include <Random123/philox.h>
#include <math.h>

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

/* Fold-ins use another key than the draws. */
static const uint64_t FOLD_DOMAIN = 0xd1b54a32d192ed03u;

void ad_philox(uint64_t counter_hi, uint64_t counter_lo, uint64_t key, uint64_t *words)
{
    struct block b = philox(counter_hi, counter_lo, key);
    words[0] = b.word[0];
    words[1] = b.word[1];
}

struct ad_draw ad_draw_fold_in(struct ad_draw key, uint64_t n)
{
    struct block b = philox(key.hi, n, key.lo ^ FOLD_DOMAIN);
    return (struct ad_draw){ .hi = b.word[1], .lo = b.word[0] };
}

static inline uint64_t bits_at(struct ad_draw key, uint64_t i)
{
    return philox(key.hi, i / 2, key.lo).word[i % 2];
}

/* 0 <= k < n, exactly uniform: Lemire (2019), "Fast random integer generation in an interval". Element i needs another
 * try with a probability of n / 2^64. It then takes bits of a key of its own. */
static uint64_t below(struct ad_draw key, uint64_t i, uint64_t n)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)bits_at(key, i) * n;
    if (__builtin_expect((uint64_t)product < n, 0)) {
        uint64_t too_small = -n % n;
        for (uint64_t attempt = 0; (uint64_t)product < too_small; attempt++)
            product = (wide)bits_at(ad_draw_fold_in(key, i), attempt) * n;
    }
    return (uint64_t)(product >> 64);
}

/* ---- real numbers from bits ---- */

/* log x for normal x > 0. With x = 2^e m and m near 1, log m = 2 artanh((m - 1) / (m + 1)) by its series, of which ten
 * terms are enough for |s| < 0.172. */
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

/* The z > 0 that a normal random number exceeds with probability p, 0 < p <= 1/2. */
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

/* One bit is the sign, and 63 bits are the probability of a larger number: tails reach to 2^-64. */
static double normal_of(uint64_t bits)
{
    double z = upper_quantile(((double)(bits >> 1) + 0.5) * 0x1p-64);
    return bits & 1 ? -z : z;
}

/* ---- draws ---- */

void ad_draw_bits(struct ad_draw key, int64_t n, uint64_t *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = bits_at(key, (uint64_t)i);
}

void ad_draw_uniform_f32(struct ad_draw key, double low, double high, int64_t n, float *out)
{
    double width = high - low;
    float last = nextafterf((float)high, (float)low);
    for (int64_t i = 0; i < n; i++)
        out[i] = fminf((float)(low + width * ((double)(bits_at(key, (uint64_t)i) >> 40) * 0x1p-24)), last);
}

void ad_draw_uniform_f64(struct ad_draw key, double low, double high, int64_t n, double *out)
{
    double width = high - low, last = nextafter(high, low);
    for (int64_t i = 0; i < n; i++)
        out[i] = fmin(low + width * ((double)(bits_at(key, (uint64_t)i) >> 11) * 0x1p-53), last);
}

void ad_draw_normal_f32(struct ad_draw key, double loc, double scale, int64_t n, float *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = (float)(loc + scale * normal_of(bits_at(key, (uint64_t)i)));
}

void ad_draw_normal_f64(struct ad_draw key, double loc, double scale, int64_t n, double *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = loc + scale * normal_of(bits_at(key, (uint64_t)i));
}

void ad_draw_below(struct ad_draw key, uint64_t low, uint64_t count, int64_t n, int64_t *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = (int64_t)(low + below(key, (uint64_t)i, count));
}

void ad_draw_bernoulli(struct ad_draw key, double p, int64_t n, uint8_t *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = (double)(bits_at(key, (uint64_t)i) >> 11) * 0x1p-53 < p;
}

void ad_draw_order(struct ad_draw key, int64_t n, int64_t drawn, int64_t *order)
{
    for (int64_t i = 0; i < n; i++)
        order[i] = i;
    for (int64_t i = 0; i < drawn; i++) {
        int64_t j = i + (int64_t)below(key, (uint64_t)i, (uint64_t)(n - i)), other = order[j];
        order[j] = order[i];
        order[i] = other;
    }
}
