/* An operation of one's own: the record that the library's operations are made of, filled in by a user.
 *
 * softclip(x) = log((1 + e^(k x)) / (1 + e^(k (x - 1)))) / k, a smooth version of clipping to [0, 1]; k comes with the
 * call. Given value and derivative rule it works in both modes at every order. On the screen: value and first two
 * derivatives, and ad_check_grads to order 3. */
#include "example.h"
#include <math.h>
#include <stdio.h>

static bool softclip_infer(const ad_node *node, ad_spec *output)
{
    output->shape = ad_node_shape(node, 0);
    output->dtype = AD_F64;
    if (ad_node_dtype(node, 0) == AD_F64)
        return true;
    ad_set_error(AD_ERROR_DTYPE, "softclip: the argument is %s, not float64", ad_dtype_name(ad_node_dtype(node, 0)));
    return false;
}

static double softplus(double x)
{
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

static bool softclip_eval(const ad_node *node, void *const *outputs)
{
    const double *x = ad_data(ad_node_input(node, 0)), k = *(const double *)ad_node_options(node);
    double *y = outputs[0];
    if (!x)
        return false;
    for (int64_t i = 0, n = ad_size(ad_node_input(node, 0)); i < n; i++)
        y[i] = (softplus(k * x[i]) - softplus(k * (x[i] - 1))) / k;
    return true;
}

/* dy/dx in public operations: sigmoid(k x) - sigmoid(k (x - 1)). It serves both modes. */
static ad_array *softclip_derivative(const ad_node *node, int operand)
{
    (void)operand;
    ad_array *x = ad_node_input(node, 0);
    double k = *(const double *)ad_node_options(node);
    return ad_sub(ad_sigmoid(ad_mul(k, x)), ad_sigmoid(ad_mul(k, ad_sub(x, 1))));
}

static const ad_primitive softclip_primitive = {
    .name = "softclip",
    .infer = softclip_infer,
    .eval = softclip_eval,
    .derivative = softclip_derivative,
    .saves = AD_SAVE_INPUTS,
    .options_size = sizeof(double),
};

static ad_array *softclip(ad_array *x)
{
    return ad_call_primitive(&softclip_primitive, &x, 1, &(double){ 10 });
}

int main(int argc, char **argv)
{
    struct options options = { 0 };
    read_options(&options, argc, argv, "custom_primitive: an operation defined by its user, differentiated like any other.\nUses --out.\n");

    ad_array *x = ad_linspace(-0.5, 1.5, .num = 201);
    ad_array *(*d)(ad_array *) = ad_elementwise_grad(softclip), *(*dd)(ad_array *) = ad_elementwise_grad(d);
    ad_array *table = ad_transpose(ad_stack(ad_list_of(x, softclip(x), d(x), ad_div(dd(x), 10))));
    printf("     x   softclip         d      dd/10\n");
    for (int i = 0; i <= 200; i += 25)
        printf("%6.2f %10.6f %9.6f %10.6f\n", ad_item(ad_at(table, "%d, 0", i)), ad_item(ad_at(table, "%d, 1", i)), ad_item(ad_at(table, "%d, 2", i)),
               ad_item(ad_at(table, "%d, 3", i)));
    bool right = ad_check_grads(softclip, ad_at(x, "::20"), .order = 3);
    printf("ad_check_grads, order 3, both modes: %s\n", right ? "right" : "wrong");
    write_results(options.out, "", "x,softclip,first derivative,second derivative / 10", table,
                  "set title 'A smooth clip, an operation of the program''s own, differentiated like any other'\nset xlabel 'x'\n"
                  "plot [-0.5:1.5] (x < 0 ? 0 : x > 1 ? 1 : x) @REFERENCE title 'clip to [0, 1]', for [k=2:4] DATA using 1:k lt k-1");
    return 0;
}
