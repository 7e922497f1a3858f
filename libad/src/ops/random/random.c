/* Random numbers: keys, and draws, whose elements are made in kernels/random. */
#include "ad/random.h"
#include "array/error.h"
#include "array/scope.h"
#include "array/shape.h"
#include "ops/ops.h"
#include <string.h>

/* ---- keys ---- */

/* Keys are made with Philox under keys of their own, so that neither seeds nor fold-ins meet the blocks of a draw. */
static const uint64_t SEED_DOMAIN = 0x9e3779b97f4a7c15u;

static struct ad_draw draw_of(ad_key key)
{
    return (struct ad_draw){ .hi = key.hi, .lo = key.lo };
}

ad_key ad_random_key(uint64_t seed)
{
    uint64_t words[2];
    ad_philox(0, seed, SEED_DOMAIN, words);
    return (ad_key){ words[1], words[0] };
}

ad_key ad_random_fold_in(ad_key key, uint64_t n)
{
    struct ad_draw folded = ad_draw_fold_in(draw_of(key), n);
    return (ad_key){ folded.hi, folded.lo };
}

void ad_random_split(ad_key key, ad_key *keys, int count)
{
    if (!keys && count > 0)
        ad_set_error(AD_ERROR_VALUE, "ad_random_split: the place for %d keys is NULL", count);
    for (int i = 0; keys && i < count; i++)
        keys[i] = ad_random_fold_in(key, (uint64_t)i);
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
    if (x)
        ad_draw_bits(draw_of(key), x->size, (void *)memory_of(x));
    return x;
}

ad_array *ad_random_uniform_with(ad_key key, ad_shape shape, ad_uniform_options o)
{
    if (!(o.low <= o.high) || !isfinite(o.high - o.low))
        return ad_set_error(AD_ERROR_VALUE, "ad_random_uniform: no numbers from %g to %g: low <= high and a finite distance are wanted", o.low, o.high);
    ad_array *x = new_real_draw("ad_random_uniform", o.dtype, &shape);
    if (!x)
        return NULL;
    if (o.dtype == AD_F32)
        ad_draw_uniform_f32(draw_of(key), o.low, o.high, x->size, (void *)memory_of(x));
    else
        ad_draw_uniform_f64(draw_of(key), o.low, o.high, x->size, (void *)memory_of(x));
    return x;
}

ad_array *ad_random_normal_with(ad_key key, ad_shape shape, ad_normal_options o)
{
    if (!(o.scale >= 0))
        return ad_set_error(AD_ERROR_VALUE, "ad_random_normal: scale %g is negative or not a number", o.scale);
    ad_array *x = new_real_draw("ad_random_normal", o.dtype, &shape);
    if (x && o.dtype == AD_F32)
        ad_draw_normal_f32(draw_of(key), o.loc, o.scale, x->size, (void *)memory_of(x));
    else if (x)
        ad_draw_normal_f64(draw_of(key), o.loc, o.scale, x->size, (void *)memory_of(x));
    return x;
}

ad_array *ad_random_randint(ad_key key, ad_shape shape, int64_t low, int64_t high)
{
    if (low >= high)
        return ad_set_error(AD_ERROR_VALUE, "ad_random_randint: there are no integers from %lld up to, but not including, %lld", (long long)low,
                            (long long)high);
    ad_array *x = new_draw("ad_random_randint", AD_I64, &shape);
    if (x)
        ad_draw_below(draw_of(key), (uint64_t)low, (uint64_t)high - (uint64_t)low, x->size, (void *)memory_of(x));
    return x;
}

ad_array *ad_random_bernoulli(ad_key key, double p, ad_shape shape)
{
    if (!(p >= 0 && p <= 1))
        return ad_set_error(AD_ERROR_VALUE, "ad_random_bernoulli: %g is not a probability", p);
    ad_array *x = new_draw("ad_random_bernoulli", AD_BOOL, &shape);
    if (x)
        ad_draw_bernoulli(draw_of(key), p, x->size, (void *)memory_of(x));
    return x;
}

ad_array *ad_random_permutation(ad_key key, int64_t n)
{
    ad_array *x = new_draw("ad_random_permutation", AD_I64, &(ad_shape){ .ndim = 1, .dim = { n } });
    if (x)
        ad_draw_order(draw_of(key), n, n, (void *)memory_of(x));
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
    if (o.replace) {
        ad_draw_below(draw_of(key), 0, (uint64_t)n, x->size, (void *)memory_of(x));
        return x;
    }
    ad_context *c = ad_current();
    size_t bytes = (size_t)n <= SIZE_MAX / 8 ? (size_t)n * 8 : SIZE_MAX;
    int64_t *order = ad_allocate(c, bytes);
    if (!order)
        return NULL;
    ad_draw_order(draw_of(key), n, x->size, order);
    memcpy(memory_of(x), order, (size_t)x->size * sizeof *order);
    ad_deallocate(c, order, bytes);
    return x;
}
