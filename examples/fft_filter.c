/* A filter learned in frequency space: which frequencies of a noisy signal to keep, found by the gradient of the error
 * through a Fourier transform.
 *
 * Signals have the spectrum S, with a broad peak at low frequencies and a smaller one higher up; white noise and a hum
 * between the two are added, with the spectrum N. A filter is one gain for each frequency: y = irfft(gain rfft(x)). It
 * is learned from pairs of noisy and clean signals, and knows neither spectrum. What it should become is Wiener's
 * filter (1949), S / (S + N): it keeps both peaks, and falls to zero at the hum and where there is noise alone. */
#include "example.h"
#include <ad-nn/nn.h>
#include <math.h>
#include <stdio.h>

enum { SAMPLES = 512, TRAIN = 200, TEST = 100 };

/* exp(-((f - centre) / width)^2 / 2) */
static ad_array *peak(ad_array *f, double centre, double width)
{
    return ad_exp(ad_mul(-0.5, ad_square(ad_div(ad_sub(f, centre), width))));
}

static ad_array *clean_spectrum(ad_array *f)
{
    return ad_add(ad_mul(8, peak(f, 0.03, 0.02)), ad_mul(4, peak(f, 0.2, 0.03)));
}

static ad_array *noise_spectrum(ad_array *f)
{
    return ad_add(0.5, ad_mul(12, peak(f, 0.11, 0.008)));
}

/* Noise of a spectrum: white noise, filtered by its root. */
static ad_array *signals(ad_key key, int64_t count, ad_array *spectrum)
{
    ad_array *white = ad_random_normal(key, AD_SHAPE(count, SAMPLES));
    return ad_fft_irfft(ad_mul(ad_sqrt(spectrum), ad_fft_rfft(white)));
}

struct pairs {
    ad_array *clean, *noisy, *transform; /* of the noisy ones */
};

static struct pairs draw(ad_key key, int64_t count)
{
    ad_array *f = ad_fft_rfftfreq(SAMPLES);
    struct pairs p = { .clean = signals(ad_random_fold_in(key, 0), count, clean_spectrum(f)) };
    p.noisy = ad_add(p.clean, signals(ad_random_fold_in(key, 1), count, noise_spectrum(f)));
    p.transform = ad_fft_rfft(p.noisy);
    return p;
}

static ad_array *filtered(ad_array *gain, const struct pairs *p)
{
    return ad_fft_irfft(ad_mul(gain, p->transform));
}

static ad_array *error(ad_array *gain, const struct pairs *p)
{
    return ad_mean(ad_square(ad_sub(filtered(gain, p), p->clean)));
}

static ad_array *loss(ad_tree *filter, void *pairs)
{
    return error(ad_tree_get(filter, "gain"), pairs);
}

static ad_tree *learn(int64_t iterations, struct pairs *train, const struct pairs *test)
{
    ad_tree *(*gradient)(ad_tree *, void *) = ad_grad(loss);
    ad_tree *filter = ad_tree_of("gain", ad_ones(AD_SHAPE(SAMPLES / 2 + 1)));
    adnn_optimizer adam = adnn_adam(.step_size = 0.02);
    ad_tree *state = adnn_optimizer_init(adam, filter);
    printf("%9s %14s %14s\n", "iteration", "error", "of new signals");
    for (int64_t i = 0; i <= iterations; i++) {
        if (i == iterations || i % 50 == 0)
            printf("%9lld %14.5f %14.5f\n", (long long)i, ad_item(loss(filter, train)), ad_item(error(ad_tree_get(filter, "gain"), test)));
        if (i < iterations)
            state = adnn_optimizer_update(adam, state, gradient(filter, train), &filter);
    }
    return filter;
}

static void write_gain(const char *out, ad_array *gain, ad_array *wiener)
{
    ad_array *f = ad_fft_rfftfreq(SAMPLES), *s = clean_spectrum(f), *n = noise_spectrum(f), *most = ad_max(n);
    write_results(out, "", "frequency,learned gain,Wiener's filter,signal,noise", ad_stack(ad_list_of(f, gain, wiener, ad_div(s, most), ad_div(n, most)), .axis = 1),
                  "set title 'The gradient finds the frequencies worth keeping'\nset xlabel 'frequency, cycles per sample'\nset ylabel 'gain; power, scaled'\n"
                  "set xrange [0:0.5]\nset yrange [-0.05:1.3]\nset style fill solid 0.4 noborder\n"
                  "plot DATA using 1:4 with filledcurves y1=0 lc rgb '#56b4e9' title 'power of the signal', "
                  "DATA using 1:5 with filledcurves y1=0 lc rgb '#999999' title 'power of the noise', "
                  "DATA using 1:2 with lines lt 2 lw 3 title 'learned gain', DATA using 1:3 @REFERENCE title \"Wiener's filter\"");
}

static void write_signal(const char *out, ad_array *gain, const struct pairs *test)
{
    ad_array *columns[] = { ad_astype(ad_arange(SAMPLES), AD_F64), ad_at(test->clean, "0"), ad_at(test->noisy, "0"), ad_at(filtered(gain, test), "0") };
    write_results(out, "-signal", "sample,clean,noisy,filtered", ad_stack(ad_list_of(columns[0], columns[1], columns[2], columns[3]), .axis = 1),
                  "set title 'A signal that the filter has not seen'\nset xlabel 'sample'\nset ylabel 'signal'\nset xrange [0:120]\n"
                  "plot DATA using 1:3 with lines lw 1.5 lc rgb '#bbbbbb' title 'noisy', DATA using 1:4 with lines lt 2 lw 3 title 'filtered', "
                  "DATA using 1:2 @REFERENCE title 'clean'");
}

int main(int argc, char **argv)
{
    struct options options = { .iterations = 300 };
    read_options(&options, argc, argv, "fft_filter: a filter learned in frequency space.\nUses --out, --iterations and --seed.\n");
    ad_key key = ad_random_key(options.seed);
    struct pairs train = draw(ad_random_fold_in(key, 1), TRAIN), test = draw(ad_random_fold_in(key, 2), TEST);
    ad_array *f = ad_fft_rfftfreq(SAMPLES), *s = clean_spectrum(f), *wiener = ad_div(s, ad_add(s, noise_spectrum(f)));

    ad_array *gain = ad_tree_get(learn(options.iterations, &train, &test), "gain");
    printf("\nmean squared error of new signals\n");
    printf("  as they are      %8.5f\n", ad_item(error(ad_ones_like(gain), &test)));
    printf("  learned filter   %8.5f\n", ad_item(error(gain, &test)));
    printf("  Wiener's filter  %8.5f, which knows the spectra\n", ad_item(error(wiener, &test)));
    write_gain(options.out, gain, wiener);
    write_signal(options.out, gain, &test);
    return 0;
}
