/* The interface of Fourier transforms, in a form that C and C++ share. */
#ifndef AD_KERNELS_FFT_H
#define AD_KERNELS_FFT_H

#include "ad/base.h"

/* A discrete Fourier transform of n >= 1 points, y_k = sum x_j exp(-+ 2 pi i jk/n), and what is made of it. The memory
 * that it reads and writes is contiguous:
 *
 *     AD_FFT_COMPLEX  n complex numbers to n
 *     AD_FFT_REAL     n reals to n/2 + 1 complex numbers; the inverse, those to n reals
 *     AD_FFT_FULL     n reals to n complex numbers
 *     AD_FFT_COSINE   n reals to n: y_k = 2 sum x_j cos(pi k (2j + 1)/2n);
 *                     the inverse, y_j = x_0 + 2 sum x_k cos(pi k (2j + 1)/2n)
 *
 * It never changes, so threads may share it. One that was made for many transforms runs up to `lanes` of them at once.
 * Each gets the bits that it gets alone. */
typedef enum ad_fft_kind { AD_FFT_COMPLEX, AD_FFT_REAL, AD_FFT_FULL, AD_FFT_COSINE } ad_fft_kind;

struct ad_fft {
    ad_fft_kind kind;
    ad_dtype dtype; /* of the parts: f64 or f32 */
    int64_t n;
    bool inverse;
    int lanes;            /* transforms that it runs at once; 1 if it was not made for many */
    size_t bytes;         /* that the plan takes */
    size_t scratch;       /* that a call needs */
    struct ad_fft *other; /* for use by the owner */
};

/* What one call reads and writes: one sequence of contiguous numbers. If the plan has lanes, it is `count` sequences:
 * number j of sequence b is at in[j * in_step + b * in_along], in items. */
struct ad_fft_memory {
    const void *in;
    void *out;
    int64_t in_step, in_along, out_step, out_along, count;
};

struct ad_ffts {
    struct ad_fft *(*make)(ad_fft_kind kind, ad_dtype dtype, int64_t n, bool inverse, bool many); /* NULL: no memory */
    void (*drop)(struct ad_fft *fft);
    /* All results are multiplied by `factor`. `first` also multiplies the result at frequency 0 of a cosine transform,
     * and in the inverse the number at frequency 0. */
    void (*run)(const struct ad_fft *fft, double factor, double first, const struct ad_fft_memory *memory, void *scratch);
};

#endif
