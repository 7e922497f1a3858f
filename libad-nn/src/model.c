/* Models: the functions every layer goes through, elementwise layers and sequences. */
#include "model.h"

adnn_model *adnn_model_new(const struct adnn_kind *kind, int parts)
{
    adnn_model *model = ad_memory_take(sizeof *model + (size_t)parts * sizeof model);
    if (!model)
        return NULL;
    model->kind = kind;
    model->count = parts;
    return model;
}

bool adnn_given(const void *pointer, const char *function, const char *what)
{
    if (!pointer && !ad_failed())
        ad_set_error(AD_ERROR_VALUE, "%s: the %s is NULL", function, what);
    return pointer != NULL;
}

void adnn_free(adnn_model *model)
{
    for (int i = 0; model && i < model->count; i++)
        adnn_free(model->parts[i]);
    if (model && model->release)
        model->release(model->context);
    ad_memory_give(model);
}

/* Whether a shape from the user can be one; if not, an error. */
static bool is_shape(const char *function, const ad_shape *input)
{
    if (input->ndim >= 0 && input->ndim <= AD_MAX_NDIM)
        return true;
    ad_set_error(AD_ERROR_SHAPE, "%s: an input of %d axes; 0 to %d are possible", function, input->ndim, AD_MAX_NDIM);
    return false;
}

ad_tree *adnn_init(const adnn_model *model, ad_key key, ad_shape input)
{
    return adnn_given(model, "adnn_init", "model") && is_shape("adnn_init", &input) ? model->kind->init(model, key, input) : NULL;
}

ad_array *adnn_apply(const adnn_model *model, ad_tree *parameters, ad_array *x)
{
    AD_SCOPE;
    bool given = adnn_given(model, "adnn_apply", "model") && adnn_given(parameters, "adnn_apply", "tree of parameters") && adnn_given(x, "adnn_apply", "array");
    return given ? ad_escape(model->kind->apply(model, parameters, x)) : NULL;
}

ad_shape adnn_output_shape(const adnn_model *model, ad_shape input)
{
    return adnn_given(model, "adnn_output_shape", "model") && is_shape("adnn_output_shape", &input) ? model->kind->output(model, input) : ADNN_NO_SHAPE;
}

/* ---- elementwise layers ---- */

static ad_tree *no_parameters(const adnn_model *model, ad_key key, ad_shape input)
{
    (void)model, (void)key, (void)input;
    return ad_tree_empty();
}

static ad_array *apply_function(const adnn_model *model, ad_tree *parameters, ad_array *x)
{
    (void)parameters;
    return model->function ? model->function(x, model->context) : model->plain(x);
}

static ad_shape same_shape(const adnn_model *model, ad_shape input)
{
    (void)model;
    return input;
}

static adnn_model *elementwise_new(const char *function, bool given)
{
    static const struct adnn_kind elementwise = { no_parameters, apply_function, same_shape };
    return given ? adnn_model_new(&elementwise, 0) : ad_set_error(AD_ERROR_VALUE, "%s: the function is NULL", function);
}

adnn_model *adnn_elementwise(ad_array *(*f)(ad_array *))
{
    adnn_model *model = elementwise_new("adnn_elementwise", f);
    if (model)
        model->plain = f;
    return model;
}

adnn_model *adnn_elementwise_with_context(ad_array *(*f)(ad_array *x, void *context), void *context, void (*release)(void *context))
{
    adnn_model *model = elementwise_new("adnn_elementwise_with_context", f);
    if (model) {
        model->function = f;
        model->context = context;
        model->release = release;
    }
    return model;
}

adnn_model *adnn_tanh(void)
{
    return adnn_elementwise(ad_tanh);
}

adnn_model *adnn_relu(void)
{
    return adnn_elementwise(ad_relu);
}

adnn_model *adnn_sigmoid(void)
{
    return adnn_elementwise(ad_sigmoid);
}

/* ---- sequences ---- */

static ad_tree *sequential_init(const adnn_model *model, ad_key key, ad_shape input)
{
    ad_tree_item *items = ad_memory_take((size_t)model->count * sizeof *items);
    if (!items)
        return NULL;
    bool done = true;
    for (int i = 0; i < model->count && done; i++) {
        items[i] = (ad_tree_item){ AD_ITEM_TREE, adnn_init(model->parts[i], ad_random_fold_in(key, (uint64_t)i), input) };
        done = items[i].value != NULL;
        if (done)
            input = adnn_output_shape(model->parts[i], input);
        done = done && input.ndim >= 0;
    }
    ad_tree *list = done ? ad_list_from(items, model->count) : NULL;
    ad_memory_give(items);
    return list;
}

static ad_array *sequential_apply(const adnn_model *model, ad_tree *parameters, ad_array *x)
{
    if (ad_tree_count(parameters) != model->count)
        return ad_set_error(AD_ERROR_VALUE, "adnn_sequential: parameters for %d layers, the model has %d", ad_tree_count(parameters), model->count);
    for (int i = 0; x && i < model->count; i++) {
        ad_tree *own = ad_tree_tree_at(parameters, i);
        if (!own)
            return ad_set_error(AD_ERROR_VALUE, "adnn_sequential: the parameters of layer %d are an array, not a tree", i);
        x = adnn_apply(model->parts[i], own, x);
    }
    return x;
}

static ad_shape sequential_output(const adnn_model *model, ad_shape input)
{
    for (int i = 0; i < model->count && input.ndim >= 0; i++)
        input = adnn_output_shape(model->parts[i], input);
    return input;
}

adnn_model *adnn_sequential_of(adnn_model *const *layers, int count)
{
    static const struct adnn_kind sequential = { sequential_init, sequential_apply, sequential_output };
    if (count < 0)
        return ad_set_error(AD_ERROR_VALUE, "adnn_sequential: %d layers; there should be 0 or more", count);
    if (!layers && count > 0)
        return ad_set_error(AD_ERROR_VALUE, "adnn_sequential: the list of %d layers is NULL", count);
    adnn_model *model = adnn_model_new(&sequential, count);
    bool complete = model != NULL;
    for (int i = 0; i < count; i++) {
        complete &= layers[i] != NULL;
        if (model)
            model->parts[i] = layers[i];
        else
            adnn_free(layers[i]);
    }
    if (complete)
        return model;
    adnn_free(model);
    return ad_failed() ? NULL : ad_set_error(AD_ERROR_VALUE, "adnn_sequential: a layer is NULL");
}
