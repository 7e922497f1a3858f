/* Rows for ad/fft.h: Fourier transforms. row.h says what a row is and how one is added. */
#include "row.h"

WAVE_X(fft_last, ad_fft_fft(x))
WAVE_X(fft_first_longer, ad_fft_fft(x, .n = 4, .axis = 0, .norm = "ortho"))
WAVE_X(ifft_last, ad_fft_ifft(x))
WAVE_X(ifft_shorter, ad_fft_ifft(x, .n = 1, .norm = "forward"))
WAVE_X(fft_all, ad_fft_fftn(x))
WAVE_X(ifft_all, ad_fft_ifftn(x, .norm = "ortho"))
WAVE_X(fft_two, ad_fft_fft2(x, .s = AD_SHAPE(2, 3)))
WAVE_X(ifft_two, ad_fft_ifft2(x, .axes = AD_AXES(-1, 0)))
WAVE_X(fft_twice, ad_fft_fftn(x, .axes = AD_AXES(0, 0)))
WAVE_X(rfft_even, ad_fft_rfft(x, .n = 4))
WAVE_X(rfft_odd_ortho, ad_fft_rfft(x, .n = 5, .axis = 0, .norm = "ortho"))
WAVE_X(irfft_even, ad_fft_irfft(x, .n = 4, .norm = "forward"))
WAVE_X(irfft_odd, ad_fft_irfft(x, .n = 3, .axis = 0))
WAVE_X(rfft_all, ad_fft_rfftn(x))
WAVE_X(irfft_all, ad_fft_irfftn(x, .s = AD_SHAPE(2, 5), .axes = AD_AXES(0, -1)))
WAVE_X(rfft_two, ad_fft_rfft2(x, .norm = "forward"))
WAVE_X(irfft_two, ad_fft_irfft2(x, .s = AD_SHAPE(3, 3)))
WAVE_X(hfft_odd, ad_fft_hfft(x, .n = 5))
WAVE_X(ihfft_last, ad_fft_ihfft(x, .norm = "ortho"))
WAVE_X(dct_last, ad_fft_dct(x))
WAVE_X(dct_3_first, ad_fft_dct(x, .type = 3, .axis = 0, .norm = "forward"))
WAVE_X(dct_ortho, ad_fft_dct(x, .n = 4, .norm = "ortho"))
WAVE_X(idct_last, ad_fft_idct(x))
WAVE_X(fft_shifted, ad_fft_fftshift(x, .axis = -1))
WAVE_X(fft_shifted_back, ad_fft_ifftshift(x))

static const struct row fft_rows[] = {
    ONE("ad_fft_fft", fft_last, -1, 1, COMPLEX | NO_SCALAR),
    ONE("ad_fft_fft", fft_first_longer, -1, 1, COMPLEX | NO_SCALAR),
    ONE("ad_fft_fft", fft_all, -0.5, 0.5, COMPLEX | NO_EMPTY),
    ONE("ad_fft_fft", fft_two, -0.5, 0.5, COMPLEX | MATRIX),
    ONE("ad_fft_fft", fft_twice, -0.5, 0.5, COMPLEX | NO_SCALAR | NO_EMPTY),
    ONE("ad_fft_ifft", ifft_last, -1, 1, COMPLEX | NO_SCALAR),
    ONE("ad_fft_ifft", ifft_shorter, -1, 1, COMPLEX | NO_SCALAR),
    ONE("ad_fft_ifft", ifft_all, -1, 1, COMPLEX | NO_EMPTY),
    ONE("ad_fft_ifft", ifft_two, -1, 1, COMPLEX | MATRIX | NO_EMPTY),
    ONE("ad_fft_rfft", rfft_even, -1, 1, NO_SCALAR),
    ONE("ad_fft_rfft", rfft_odd_ortho, -1, 1, NO_SCALAR),
    ONE("ad_fft_rfft", rfft_all, -0.5, 0.5, NO_SCALAR | NO_EMPTY),
    ONE("ad_fft_rfft", rfft_two, -1, 1, MATRIX | NO_EMPTY),
    ONE("ad_fft_rfft", ihfft_last, -1, 1, NO_SCALAR),
    ONE("ad_fft_irfft", irfft_even, -1, 1, COMPLEX | NO_SCALAR),
    ONE("ad_fft_irfft", irfft_odd, -1, 1, COMPLEX | NO_SCALAR),
    ONE("ad_fft_irfft", irfft_all, -1, 1, COMPLEX | MATRIX),
    ONE("ad_fft_irfft", irfft_two, -1, 1, COMPLEX | MATRIX),
    ONE("ad_fft_irfft", hfft_odd, -1, 1, COMPLEX | NO_SCALAR),
    ONE("ad_fft_dct", dct_last, -1, 1, NO_SCALAR),
    ONE("ad_fft_dct", dct_3_first, -1, 1, NO_SCALAR | NO_EMPTY),
    ONE("ad_fft_dct", dct_ortho, -1, 1, NO_SCALAR),
    ONE("ad_fft_dct", idct_last, -1, 1, NO_SCALAR),
    ONE("ad_fft_fftshift", fft_shifted, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_fft_ifftshift", fft_shifted_back, -2, 2, COMPLEX),
};
