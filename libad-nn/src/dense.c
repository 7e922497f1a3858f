/* The dense layer. */
#include "model.h"

static double standard_deviation(const adnn_model *model, int64_t inputs)
{
    double n_in = (double)(inputs > 0 ? inputs : 1), n_out = (double)model->units;
    if (model->dense.scale != 0)
        return model->dense.scale;
    switch (model->dense.init) {
    case ADNN_GLOROT: return sqrt(2 / (n_in + n_out));
    case ADNN_HE: return sqrt(2 / n_in);
    default: return sqrt(1 / n_in);
    }
}

static ad_tree *dense_init(const adnn_model *model, ad_key key, ad_shape input)
{
    if (input.ndim < 1)
        return ad_set_error(AD_ERROR_SHAPE, "adnn_dense: examples should have one axis at least, not %d", input.ndim);
    int64_t inputs = input.dim[input.ndim - 1];
    ad_array *w = ad_random_normal(ad_random_fold_in(key, 0), AD_SHAPE(inputs, model->units), .dtype = model->dense.dtype,
                                   .scale = standard_deviation(model, inputs));
    if (model->dense.no_bias)
        return ad_tree_of("W", w);
    ad_array *b = ad_random_normal(ad_random_fold_in(key, 1), AD_SHAPE(model->units), .dtype = model->dense.dtype, .scale = model->dense.bias_scale);
    return ad_tree_of("W", w, "b", b);
}

static ad_array *dense_apply(const adnn_model *model, ad_tree *parameters, ad_array *x)
{
    ad_array *y = ad_matmul(x, ad_tree_get(parameters, "W"));
    return model->dense.no_bias ? y : ad_add(y, ad_tree_get(parameters, "b"));
}

static ad_shape dense_output(const adnn_model *model, ad_shape input)
{
    if (input.ndim < 1) {
        ad_set_error(AD_ERROR_SHAPE, "adnn_dense: examples should have one axis at least, not %d", input.ndim);
        return ADNN_NO_SHAPE;
    }
    input.dim[input.ndim - 1] = model->units;
    return input;
}

adnn_model *adnn_dense_with(int64_t units, adnn_dense_options options)
{
    static const struct adnn_kind dense = { dense_init, dense_apply, dense_output };
    if (units < 1)
        return ad_set_error(AD_ERROR_VALUE, "adnn_dense: %lld units; there should be 1 or more", (long long)units);
    if (options.dtype != AD_F64 && options.dtype != AD_F32)
        return ad_set_error(AD_ERROR_DTYPE, "adnn_dense: parameters of %s; float64 and float32 are possible", ad_dtype_name(options.dtype));
    if (options.init != ADNN_LECUN && options.init != ADNN_GLOROT && options.init != ADNN_HE)
        return ad_set_error(AD_ERROR_VALUE, "adnn_dense: %d is not an initialiser", (int)options.init);
    if (!(options.scale >= 0 && options.bias_scale >= 0))
        return ad_set_error(AD_ERROR_VALUE, "adnn_dense: scales of %g and %g; they should not be negative", options.scale, options.bias_scale);
    adnn_model *model = adnn_model_new(&dense, 0);
    if (model) {
        model->units = units;
        model->dense = options;
    }
    return model;
}
