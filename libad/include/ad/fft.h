/* Discrete Fourier transforms, as numpy.fft, and cosine transforms, as scipy.fft.
 *
 * The transform of n numbers x_j is y_k = sum over j of x_j exp(-2 pi i jk/n). The inverse has +2 pi i and is divided
 * by n. .norm says which of the two is divided: the inverse with "backward", the default; the transform with "forward";
 * and both by sqrt(n) with "ortho", which makes them unitary.
 *
 * Any length is possible. Transforms of numbers of single precision are computed in it and give complex64 (or float32).
 * All others give complex128 (or float64), including those of integers and bools. The relative error of a transform is
 * of the order of eps log2(n). The bits are the same for any number of threads, which share batches.
 *
 * .n cuts the axis off at its end, or continues it with zeros, before the transform. All other axes are a batch.
 * Options are named. The bare names are functions of one argument with the defaults.
 *
 * All transforms are linear. Derivatives pair with a cotangent without conjugation, so the cotangent of ad_fft_fft is
 * the ad_fft_fft of the given one, with the same norm.
 *
 * A thread keeps the roots of unity for the transforms that it used last, until it ends: of at most 16, and at most 4
 * MiB beyond the last one. They are not in ad_memory_stats.
 *
 * Errors of all: an axis out of range (a 0-d array has none); a length of 0; another norm. */
#ifndef AD_FFT_H
#define AD_FFT_H

#include <ad/array.h>
#include <ad/shape.h>

AD_BEGIN_DECLS

/** Options of transforms along one axis. Begin with AD_FFT_DEFAULTS. */
typedef struct ad_fft_options {
    int64_t n;        /**< = -1: length of the transform; for irfft and hfft that of the result. -1: the axis as it is; for those two 2(m - 1) */
    int axis;         /**< = -1 */
    const char *norm; /**< = "backward": or "ortho", "forward" */
    int ad_unused_;
} AD_NAMED_ ad_fft_options;

/** Options of transforms along several axes. Begin with AD_FFTN_DEFAULTS. */
typedef struct ad_fftn_options {
    ad_shape s;       /**< length along each of the axes; -1: as it is. None given: all as they are, and for irfftn and irfft2 the last one 2(m - 1) */
    ad_axes axes;     /**< none given: the last two for functions whose name ends with 2; otherwise the last ones, as many as s has, or all */
    const char *norm; /**< = "backward": or "ortho", "forward" */
    int ad_unused_;
} AD_NAMED_ ad_fftn_options;

/** Options of cosine transforms. Begin with AD_DCT_DEFAULTS. */
typedef struct ad_dct_options {
    int type;         /**< = 2: or 3 */
    int64_t n;        /**< = -1: the axis as it is */
    int axis;         /**< = -1 */
    const char *norm; /**< = "backward": or "ortho", "forward" */
    int ad_unused_;
} AD_NAMED_ ad_dct_options;

/** Options of the frequencies. Begin with AD_FFTFREQ_DEFAULTS. */
typedef struct ad_fftfreq_options {
    double d; /**< = 1: distance of the samples */
    int ad_unused_;
} AD_NAMED_ ad_fftfreq_options;

/* ---- Complex transforms; the operand may be real ---- */

/** Transform along an axis, and its inverse. */
AD_API ad_array *ad_fft_fft(ad_array *x);
AD_API ad_array *ad_fft_fft_with(ad_array *x, ad_fft_options options);
AD_API ad_array *ad_fft_ifft(ad_array *x);
AD_API ad_array *ad_fft_ifft_with(ad_array *x, ad_fft_options options);

/** Transforms along several axes, the last one first. An axis that is given twice is transformed twice. Errors: another
 * number of lengths in s than of axes; fewer than two axes where the last two are taken. */
AD_API ad_array *ad_fft_fftn(ad_array *x);
AD_API ad_array *ad_fft_fftn_with(ad_array *x, ad_fftn_options options);
AD_API ad_array *ad_fft_ifftn(ad_array *x);
AD_API ad_array *ad_fft_ifftn_with(ad_array *x, ad_fftn_options options);
AD_API ad_array *ad_fft_fft2(ad_array *x);
AD_API ad_array *ad_fft_fft2_with(ad_array *x, ad_fftn_options options);
AD_API ad_array *ad_fft_ifft2(ad_array *x);
AD_API ad_array *ad_fft_ifft2_with(ad_array *x, ad_fftn_options options);

/* ---- Transforms of reals, of which half the results are enough: y_(n-k) is the conjugate of y_k ---- */

/** Transform of reals: y_0 to y_(n/2) along the axis. Errors: complex numbers. */
AD_API ad_array *ad_fft_rfft(ad_array *x);
AD_API ad_array *ad_fft_rfft_with(ad_array *x, ad_fft_options options);

/** Inverse of ad_fft_rfft: n reals from y_0 to y_(n/2). An odd n has to be given. The imaginary part of y_0 and, for an
 * even n, that of y_(n/2) would be 0 in the transform of reals. They are ignored, and have the cotangent 0. */
AD_API ad_array *ad_fft_irfft(ad_array *x);
AD_API ad_array *ad_fft_irfft_with(ad_array *x, ad_fft_options options);

/** Transforms of reals along several axes: ad_fft_rfft along the last one, then ad_fft_fft along the others. The
 * inverse does so in the reverse order. Errors: no axis. */
AD_API ad_array *ad_fft_rfftn(ad_array *x);
AD_API ad_array *ad_fft_rfftn_with(ad_array *x, ad_fftn_options options);
AD_API ad_array *ad_fft_irfftn(ad_array *x);
AD_API ad_array *ad_fft_irfftn_with(ad_array *x, ad_fftn_options options);
AD_API ad_array *ad_fft_rfft2(ad_array *x);
AD_API ad_array *ad_fft_rfft2_with(ad_array *x, ad_fftn_options options);
AD_API ad_array *ad_fft_irfft2(ad_array *x);
AD_API ad_array *ad_fft_irfft2_with(ad_array *x, ad_fftn_options options);

/** Transform of a sequence whose transform is real, so that x_(n-k) is the conjugate of x_k: n reals from x_0 to
 * x_(n/2). The inverse takes reals. */
AD_API ad_array *ad_fft_hfft(ad_array *x);
AD_API ad_array *ad_fft_hfft_with(ad_array *x, ad_fft_options options);
AD_API ad_array *ad_fft_ihfft(ad_array *x);
AD_API ad_array *ad_fft_ihfft_with(ad_array *x, ad_fft_options options);

/** Cosine transforms of reals, as scipy.fft's. Type 2 is y_k = 2 sum x_j cos(pi k (2j + 1)/2n). Type 3 is y_j = x_0 + 2
 * sum over k >= 1 of x_k cos(pi k (2j + 1)/2n). "ortho" makes them orthogonal. "backward" divides the inverse by 2n,
 * and "forward" the transform. The inverse of either type is the other. Errors: complex numbers; another type. */
AD_API ad_array *ad_fft_dct(ad_array *x);
AD_API ad_array *ad_fft_dct_with(ad_array *x, ad_dct_options options);
AD_API ad_array *ad_fft_idct(ad_array *x);
AD_API ad_array *ad_fft_idct_with(ad_array *x, ad_dct_options options);

/* ---- Frequencies ---- */

/** The frequencies of a transform of n samples at distance d, in its order: 0, 1, ..., -2, -1 times 1/(nd), with the
 * negative ones from the middle on. Errors: n < 1. */
AD_API ad_array *ad_fft_fftfreq(int64_t n);
AD_API ad_array *ad_fft_fftfreq_with(int64_t n, ad_fftfreq_options options);

/** The frequencies of ad_fft_rfft: 0 to n/2 times 1/(nd). */
AD_API ad_array *ad_fft_rfftfreq(int64_t n);
AD_API ad_array *ad_fft_rfftfreq_with(int64_t n, ad_fftfreq_options options);

/** Moves frequency 0 to the middle, for all axes or those given; the inverse moves it back. An axis that is given twice
 * is moved twice. Any dtype. */
AD_API ad_array *ad_fft_fftshift(ad_array *x);
AD_API ad_array *ad_fft_fftshift_with(ad_array *x, ad_axes_options options);
AD_API ad_array *ad_fft_ifftshift(ad_array *x);
AD_API ad_array *ad_fft_ifftshift_with(ad_array *x, ad_axes_options options);

#include <ad/macros/fft.h>

AD_END_DECLS

#endif
