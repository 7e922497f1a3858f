/* Fourier transforms of one sequence, complex and real, and of batches: powers of two from 16 to a million, and lengths
 * with other factors and none. A row each; its aim beside NumPy's time is in numpy_peer.py. */
#include "bench.h"

typedef ad_array *transform(ad_array *x);

/* Real parts, then imaginary ones. */
static ad_array *parts_of(ad_array *y)
{
    return ad_concatenate(ad_list_of(ad_ravel(ad_real(y)), ad_ravel(ad_imag(y))));
}

/* What is timed is the transform alone. */
struct work {
    transform *f;
    ad_array *x;
};

static void run(void *context)
{
    AD_SCOPE;
    const struct work *w = context;
    w->f(w->x);
}

static bench_sum sum(void *context)
{
    AD_SCOPE;
    const struct work *w = context;
    ad_array *y = w->f(w->x);
    ad_dtype dtype = ad_dtype_of(y);
    return bench_sum_of(ad_astype(dtype == AD_C128 || dtype == AD_C64 ? parts_of(y) : y, AD_F64));
}

static void measure(bench *b, const char *name, transform *f, ad_array *x, double tolerance)
{
    bench_compare(b, name, tolerance, &(bench_piece){ .who = "libad", .run = run, .sum = sum, .context = &(struct work){ f, x } }, 1);
}

static ad_array *first_axis(ad_array *x)
{
    return ad_fft_fft(x, .axis = 0);
}

static ad_array *power_of_transform(ad_array *x)
{
    return ad_sum(ad_square(ad_abs(ad_fft_rfft(x))));
}

static ad_array *gradient_of_power(ad_array *x)
{
    return ad_grad(power_of_transform)(x);
}

int main(int argc, char **argv)
{
    static const int64_t lengths[] = { 1 << 4, 1 << 6, 1 << 8, 1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20, 15, 1000, 1001, 2187, 3125, 9999, 100000, 101, 1009, 7919, 15838 };
    bench b = bench_begin("fft", argc, argv);
    for (int i = 0; i < (int)(sizeof lengths / sizeof *lengths); i++) {
        AD_SCOPE;
        char name[64];
        int64_t n = lengths[i];
        ad_array *x = ad_sub(bench_uniform(AD_SHAPE(n), 1), 0.5), *z = ad_add(x, ad_mul(ad_weak_complex((ad_complex)1i), ad_sub(bench_uniform(AD_SHAPE(n), 2), 0.5)));
        snprintf(name, sizeof name, "fft, n = %lld", (long long)n);
        measure(&b, name, ad_fft_fft, z, 1e-13);
        snprintf(name, sizeof name, "rfft, n = %lld", (long long)n);
        measure(&b, name, ad_fft_rfft, x, 1e-13);
        snprintf(name, sizeof name, "irfft of rfft, n = %lld", (long long)n);
        if (n % 2 == 0)
            measure(&b, name, ad_fft_irfft, ad_fft_rfft(x), 1e-13);
        snprintf(name, sizeof name, "fft, float32, n = %lld", (long long)n);
        measure(&b, name, ad_fft_fft, ad_astype(z, AD_C64), 1e-5);
    }
    AD_SCOPE;
    ad_array *m = ad_sub(bench_uniform(AD_SHAPE(1000, 1000), 1), 0.5), *many = ad_reshape(ad_sub(bench_uniform(AD_SHAPE(160000), 2), 0.5), AD_SHAPE(10000, 16));
    ad_array *z = ad_astype(m, AD_C128), *line = ad_sub(bench_uniform(AD_SHAPE(65536), 3), 0.5);
    measure(&b, "fft2 of 1000 x 1000", ad_fft_fft2, z, 1e-13);
    measure(&b, "fft, axis 0 of 1000 x 1000", first_axis, z, 1e-13);
    measure(&b, "rfft of 10000 x 16", ad_fft_rfft, many, 1e-13);
    measure(&b, "dct of 1000 x 1000", ad_fft_dct, m, 1e-13);
    measure(&b, "gradient of a power spectrum's sum, n = 65536", gradient_of_power, line, 1e-13);
    return bench_end(&b);
}
