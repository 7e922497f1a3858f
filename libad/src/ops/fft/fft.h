/* What the operations of ad/fft.h and their plans share. */
#ifndef AD_OPS_FFT_H
#define AD_OPS_FFT_H

#include "ops/ops.h"

/* The transforms of an (outer, in_n, inner) C-contiguous array along its middle axis. */
struct ad_transforms {
    ad_fft_kind kind;
    ad_dtype parts; /* f64 or f32 */
    bool inverse;
    int64_t n; /* points */
    double factor, first;
    int64_t outer, inner, in_n, out_n;
    ad_dtype in_dtype, out_dtype;
};

/* fft_plan.c: false and an error on failure. There is at least one element. */
bool ad_transform_all(const struct ad_transforms *t, const void *in, void *out);

#endif
