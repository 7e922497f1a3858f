/* Functions of types that the macros do not know, and surplus arguments. Each marked line is refused with these words;
 * see tests/ci/refused.sh. */
#include <ad/ad.h>

ad_array *f(ad_array *a, ad_array *b);
ad_array *loss(ad_array *y);
ad_array *of_int(ad_array *a, int n);
double of_double(double a);
ad_array *of_constant(const ad_array *a);
ad_array *of_five(ad_array *a, ad_array *b, ad_array *c, ad_array *d, ad_array *e);
extern ad_array *x, *tangent;
extern ad_pullback *pull;
extern ad_fn *described;
void transformations(void);

/* refused in this file: has to be described, as by ad_function\(f, */
void transformations(void)
{
    ad_grad(of_int); /* refused */
    ad_grad(of_double); /* refused */
    ad_grad(of_constant); /* refused */
    ad_grad(of_five); /* refused */
    ad_grad(x); /* refused */
    ad_grad(1); /* refused */
    ad_grad(of_int, 0); /* refused */
    ad_value_and_grad(of_int); /* refused */
    ad_elementwise_grad(of_int); /* refused */
    ad_deriv(of_int); /* refused */
    ad_jacobian(of_int); /* refused */
    ad_hessian(of_int); /* refused */
    ad_holomorphic_grad(of_int); /* refused */
    ad_checkpoint(of_int); /* refused */
    ad_grad_and_aux(of_int); /* refused */
    ad_hvp(of_int); /* refused */
    ad_tensor_jacobian_product(of_int); /* refused */
    ad_hessian_vector_product(of_int); /* refused */
    ad_ggnvp(of_int); /* refused */
    ad_ggnvp(f, of_int); /* refused */
    ad_vjp(of_int, x, 2, &pull); /* refused */
    ad_jvp(of_int, x, 2, x, &tangent); /* refused */
    ad_fixed_point(of_int, x, 2); /* refused */
    ad_check_grads(of_int, x); /* refused */

    ad_grad(f, 0, 1); /* refused: ad_grad takes a function and at most one argument number */
    ad_value_and_grad(f, 0, 1); /* refused: ad_value_and_grad takes a function and at most one argument number */
    ad_jacobian(f, 1); /* refused: ad_jacobian takes a function and nothing else */
    ad_hessian(f, 1); /* refused: ad_hessian takes a function and nothing else */
    ad_hvp(f, 1); /* refused: ad_hvp takes a function and nothing else */
    ad_deriv(f, 0); /* refused: ad_deriv takes a function and nothing else */
    ad_elementwise_grad(f, 1); /* refused: ad_elementwise_grad takes a function and nothing else */
    ad_checkpoint(f, 1); /* refused: ad_checkpoint takes a function and nothing else */
    ad_ggnvp(f, loss, 1); /* refused: ad_ggnvp takes a function and at most one outer function */

    ad_grad(f);
    ad_grad(f, 1);
    ad_grad(ad_jacobian(ad_hvp(f)));
    ad_grad(ad_function(of_int, "a(a,i)"), 0);
    ad_grad(described);
    ad_ggnvp(f, loss);
    ad_vjp(ad_sin, x, &pull);
}
