/* Gradients to any order in both modes, against closed forms; and each transformation. */
#include "testing.h"

typedef ad_array *function(ad_array *);

static ad_array *seventh_power(ad_array *x)
{
    return ad_pow(x, 7);
}

/* n-th derivatives, mathematically. */
static double sin_n(double x, int n)
{
    return n % 4 == 0 ? sin(x) : n % 4 == 1 ? cos(x) : n % 4 == 2 ? -sin(x) : -cos(x);
}

static double exp_n(double x, int n)
{
    (void)n;
    return exp(x);
}

/* tanh is a polynomial in t = tanh x, and dt/dx = 1 - t^2. */
static double tanh_n(double x, int n)
{
    double p[16] = { 0, 1 };
    for (int order = 0; order < n; order++) {
        double d[16] = { 0 };
        for (int k = 1; k < 14; k++) {
            d[k - 1] += k * p[k];
            d[k + 1] -= k * p[k];
        }
        memcpy(p, d, sizeof p);
    }
    double t = tanh(x), sum = 0;
    for (int k = 15; k >= 0; k--)
        sum = sum * t + p[k];
    return sum;
}

static double seventh_power_n(double x, int n)
{
    double c = 1;
    for (int k = 0; k < n; k++)
        c *= 7 - k;
    return c * pow(x, 7 - n);
}

static const struct {
    const char *name;
    function *f;
    double (*derivative)(double, int);
} functions[] = { { "sin", ad_sin, sin_n }, { "exp", ad_exp, exp_n }, { "tanh", ad_tanh, tanh_n }, { "x^7", seventh_power, seventh_power_n } };

/* Each order by reverse or forward mode, as the bits of `modes` say. */
static function *derivative_of(function *f, int order, unsigned modes)
{
    for (int k = 0; k < order; k++)
        f = modes >> k & 1 ? ad_deriv(f) : ad_grad(f);
    return f;
}

START_TEST(orders_1_to_5_are_exact_in_every_nesting_of_modes)
{
    static const double points[] = { -1.7, -0.3, 0.4, 1.1, 2.6 };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        for (int order = 0; order <= 5; order++)
            for (unsigned modes = 0; modes < 1u << order; modes++)
                for (int p = 0; p < 5; p++) {
                    AD_SCOPE;
                    double got = ad_item(derivative_of(functions[i].f, order, modes)(ad_scalar(points[p]))), want = functions[i].derivative(points[p], order);
                    ck_assert_msg(fabs(got - want) <= 1e-12 * fabs(want) + 1e-13, "%s, order %d, modes %u, at %g: %.17g, expected %.17g (%s)",
                                  functions[i].name, order, modes, points[p], got, want, ad_error_message());
                }
}
END_TEST

/* The slides' program. */
static ad_array *taylor_sine(ad_array *x)
{
    ad_array *curr = x, *ans = curr;
    for (int i = 0; i < 1000; i++) {
        curr = ad_div(ad_mul(ad_neg(curr), ad_pow(x, 2)), (2 * i + 3) * (2 * i + 2));
        ans = ad_add(ans, curr);
        if (fabs(ad_item(curr)) < 1e-14)
            break;
    }
    return ans;
}

START_TEST(taylor_sine_with_an_early_exit_differentiates)
{
    for (double v = -6; v <= 6; v += 0.75) {
        AD_SCOPE;
        ad_array *x = ad_scalar(v);
        assert_close(ad_item(taylor_sine(x)), sin(v), 1e-12);
        assert_close(ad_item(ad_grad(taylor_sine)(x)), cos(v), 1e-10);
        assert_close(ad_item(ad_grad(ad_grad(taylor_sine))(x)), -sin(v), 1e-8);
    }
}
END_TEST

static ad_array *factorial_like(ad_array *x)
{
    return ad_item(x) < 1 ? x : ad_mul(x, factorial_like(ad_sub(x, 1)));
}

START_TEST(recursion_differentiates)
{
    /* 3.5 2.5 1.5 0.5 */
    double want = 3.5 * 2.5 * 1.5 * 0.5 * (1 / 3.5 + 1 / 2.5 + 1 / 1.5 + 1 / 0.5);
    assert_close(ad_item(ad_grad(factorial_like)(ad_scalar(3.5))), want, 1e-14);
    assert_close(ad_item(ad_deriv(factorial_like)(ad_scalar(3.5))), want, 1e-14);
}
END_TEST

static ad_array *of_two(ad_array *x, ad_array *y)
{
    return ad_sum(ad_mul(ad_mul(x, x), y));
}

START_TEST(argnum_picks_the_argument)
{
    ad_array *x = ad_from((double[]){ 1, 2, 3 }, AD_SHAPE(3)), *y = ad_from((double[]){ 4, 5, 6 }, AD_SHAPE(3));
    assert_array(ad_grad(of_two)(x, y), AD_SHAPE(3), 1e-15, 8, 20, 36);
    assert_array(ad_grad(of_two, 1)(x, y), AD_SHAPE(3), 1e-15, 1, 4, 9);
    assert_array(ad_grad(of_two, 0)(x, y), AD_SHAPE(3), 1e-15, 8, 20, 36);
    ad_array *g = NULL;
    assert_close(ad_item(ad_value_and_grad(of_two, 1)(x, y, &g)), 4 + 20 + 54, 1e-15);
    assert_array(g, AD_SHAPE(3), 1e-15, 1, 4, 9);
}
END_TEST

START_TEST(gradient_has_the_shape_and_dtype_of_its_input)
{
    ad_array *x = ad_astype(ad_from((double[]){ 1, 2 }, AD_SHAPE(2, 1)), AD_F32), *y = ad_ones(AD_SHAPE(3));
    ad_array *g = ad_grad(of_two)(x, y);
    ck_assert_int_eq(ad_dtype_of(g), AD_F32);
    assert_array(g, AD_SHAPE(2, 1), 1e-6, 6, 12);
    assert_array(ad_grad(of_two, 1)(x, y), AD_SHAPE(3), 1e-6, 5, 5, 5);
}
END_TEST

static ad_array *ignores_its_second(ad_array *x, ad_array *y)
{
    (void)y;
    return ad_sum(x);
}

START_TEST(gradient_of_an_unused_input_is_zero)
{
    assert_array(ad_grad(ignores_its_second, 1)(ad_scalar(1), ad_ones(AD_SHAPE(2, 2))), AD_SHAPE(2, 2), 0, 0, 0, 0, 0);
}
END_TEST

START_TEST(bare_names_of_operations_can_be_differentiated)
{
    assert_close(ad_item(ad_grad(ad_sin)(ad_scalar(0.5))), cos(0.5), 1e-15);
    assert_array(ad_grad(ad_sum)(ad_ones(AD_SHAPE(2))), AD_SHAPE(2), 0, 1, 1);
    assert_close(ad_item(ad_grad(ad_mul, 1)(ad_scalar(3), ad_scalar(4))), 3, 0);
}
END_TEST

START_TEST(transformed_functions_are_memoised)
{
    ck_assert(ad_grad(ad_sin) == ad_grad(ad_sin));
    ck_assert(ad_grad(ad_grad(ad_sin)) == ad_grad(ad_grad(ad_sin)));
    ck_assert(ad_grad(ad_sin) != ad_deriv(ad_sin));
    ck_assert(ad_grad(of_two) != ad_grad(of_two, 1));
}
END_TEST

static ad_array *cubes(ad_array *x)
{
    return ad_mul(ad_mul(x, x), x);
}

static ad_array *sum_of_cubes_and_products(ad_array *x)
{
    ad_array *y = ad_take(x, ad_from_data(AD_I64, (int64_t[]){ 1, 2, 0 }, AD_SHAPE(3)), .axis = 0);
    return ad_sum(ad_add(cubes(x), ad_mul(x, y)));
}

START_TEST(elementwise_grad_jacobian_and_hessian)
{
    ad_array *x = ad_from((double[]){ 1, 2, 3 }, AD_SHAPE(3));
    assert_array(ad_elementwise_grad(cubes)(x), AD_SHAPE(3), 1e-15, 3, 12, 27);
    assert_array(ad_jacobian(cubes)(x), AD_SHAPE(3, 3), 1e-15, 3, 0, 0, 0, 12, 0, 0, 0, 27);
    assert_array(ad_hessian(sum_of_cubes_and_products)(x), AD_SHAPE(3, 3), 1e-15, 6, 1, 1, 1, 12, 1, 1, 1, 18);
    assert_array(ad_jacobian(ad_sum)(x), AD_SHAPE(3), 1e-15, 1, 1, 1);
    ad_array *v = ad_from((double[]){ 1, -1, 2 }, AD_SHAPE(3));
    assert_array(ad_hvp(sum_of_cubes_and_products)(x, v), AD_SHAPE(3), 1e-14, 6 - 1 + 2, 1 - 12 + 2, 1 - 1 + 36);
}
END_TEST

START_TEST(vjp_outlives_its_trace_and_applies_many_times)
{
    ad_pullback *pull;
    ad_array *x = ad_from((double[]){ 1, 2, 3 }, AD_SHAPE(3));
    ad_array *y = ad_vjp(cubes, x, &pull);
    assert_array(y, AD_SHAPE(3), 1e-15, 1, 8, 27);
    for (int i = 1; i < 4; i++) {
        ad_array *g = ad_vjp_apply(pull, ad_full(AD_SHAPE(3), i));
        assert_array(g, AD_SHAPE(3), 1e-15, 3 * i, 12 * i, 27 * i);
    }
    ad_array *tangent;
    y = ad_jvp(cubes, x, ad_from((double[]){ 1, 0, -1 }, AD_SHAPE(3)), &tangent);
    assert_array(tangent, AD_SHAPE(3), 1e-15, 3, 0, -27);
    assert_fails(ad_vjp_apply(pull, ad_scalar(1)), AD_ERROR_SHAPE, "ad_vjp_apply: a cotangent of shape ()");
    ad_vjp_free(pull);
}
END_TEST

/* The gradient of x -> <w, pullback of cubes at x applied to w>: a pullback under a later trace. */
static ad_array *through_a_pullback(ad_array *x)
{
    ad_pullback *pull;
    ad_vjp(cubes, x, &pull);
    ad_array *g = ad_sum(ad_vjp_apply(pull, x)); /* sum 3 x^3 */
    ad_vjp_free(pull);
    return g;
}

START_TEST(pullbacks_are_differentiable)
{
    ad_array *x = ad_from((double[]){ 1, 2 }, AD_SHAPE(2));
    assert_array(ad_grad(through_a_pullback)(x), AD_SHAPE(2), 1e-15, 9, 36);
    assert_array(ad_hessian(through_a_pullback)(x), AD_SHAPE(2, 2), 1e-14, 18, 0, 0, 36);
}
END_TEST

static ad_tree *product_and_square(ad_tree *t, ad_array *x)
{
    ad_array *b = ad_tree_get(t, "b");
    return ad_tree_of("product", ad_sum(ad_mul(ad_tree_get(t, "a"), x)), "rest", ad_list_of(ad_square(b), x));
}

START_TEST(pullbacks_of_trees_take_cotangents_of_their_structure)
{
    ad_pullback *pull;
    ad_array *x = ad_from((double[]){ 1, 2 }, AD_SHAPE(2));
    ad_tree *y = ad_vjp(product_and_square, ad_tree_of("a", x, "b", 3.0), x, &pull);
    for (int i = 1; i < 3; i++) {
        ad_tree *g = ad_vjp_apply_any(pull, ad_tree_with_leaves(y, (ad_array *[]){ ad_scalar(i), ad_scalar(10), x }));
        assert_array(ad_tree_get(g, "a"), AD_SHAPE(2), 0, i, 2 * i);
        assert_close(ad_item(ad_tree_get(g, "b")), 60, 0);
    }
    assert_fails(ad_vjp_apply_any(pull, ad_list_of(1.0, 10.0, x)), AD_ERROR_TRANSFORM, "another structure");
    assert_fails(ad_vjp_apply_any(pull, NULL), AD_ERROR_VALUE, "NULL");
    assert_fails(ad_vjp_apply(pull, x), AD_ERROR_TRANSFORM, "ad_vjp_apply_any");
    ad_vjp_free(pull);
}
END_TEST

static ad_array *of_a_float(ad_array *x, float c)
{
    return ad_mul(x, c);
}

/* Values that nobody may use or free. */
#define UNTOUCHED(type) ((type *)1)

START_TEST(missing_functions_and_places_for_results_are_errors)
{
    ad_array *x = ad_scalar(2), *(*nothing)(ad_array *) = NULL, *tangents[2] = { UNTOUCHED(ad_array), UNTOUCHED(ad_array) };
    ad_pullback *pulls[2] = { UNTOUCHED(ad_pullback), UNTOUCHED(ad_pullback) };
    int next = 0;
    assert_fails(ad_vjp((ad_fn *)NULL, x, &pulls[next++]), AD_ERROR_TRANSFORM, "ad_vjp: the function is NULL");
    assert_fails(ad_vjp(ad_function(of_a_float, NULL), x, 1.0, &pulls[next++]), AD_ERROR_TRANSFORM, "the signature is NULL");
    ck_assert(next == 2 && !pulls[0] && !pulls[1]);
    assert_fails(ad_jvp(nothing, x, x, &tangents[0]), AD_ERROR_TRANSFORM, "ad_jvp: the function is NULL");
    assert_fails(ad_jvp(ad_function(of_a_float, NULL), x, 1.0, x, &tangents[1]), AD_ERROR_TRANSFORM, "the signature is NULL");
    ck_assert(!tangents[0] && !tangents[1]);
    assert_fails(ad_vjp(ad_sin, x, NULL), AD_ERROR_VALUE, "the place for the pullback is NULL");
    assert_fails(ad_jvp(ad_sin, x, x, NULL), AD_ERROR_VALUE, "the place for the tangent is NULL");
    assert_fails(ad_call(NULL, x), AD_ERROR_TRANSFORM, "ad_call: the function is NULL");
    assert_fails(ad_fixed_point((ad_fn *)NULL, x), AD_ERROR_TRANSFORM, "ad_fixed_point: the function is NULL");
    ad_memory_stats(NULL);
    assert_fails(!ad_failed(), AD_ERROR_VALUE, "ad_memory_stats: the place for the statistics is NULL");
}
END_TEST

static ad_array *with_aux_value;

static ad_tree *value_and_aux(ad_array *x)
{
    ad_array *y = ad_square(x);
    with_aux_value = y;
    return ad_list_of(ad_sum(y), y);
}

START_TEST(grad_and_aux_gives_both)
{
    ad_tree *t = ad_grad_and_aux(value_and_aux)(ad_from((double[]){ 2, 3 }, AD_SHAPE(2)));
    assert_array(ad_tree_get(t, "0"), AD_SHAPE(2), 1e-15, 4, 6);
    assert_array(ad_tree_get(t, "1"), AD_SHAPE(2), 1e-15, 4, 9);
    ck_assert(!ad_is_traced(ad_tree_get(t, "1")));
}
END_TEST

static ad_tree *value_and_three_aux(ad_array *x)
{
    return ad_list_of(ad_sum(ad_square(x)), ad_square(x), ad_tree_of("sine", ad_sin(x)), 7);
}

static ad_tree *value_alone(ad_array *x)
{
    return ad_list_of(ad_sum(x));
}

/* sum 2x x^2 sin x: the aux of an inner level depends on the outer one. */
static ad_array *of_gradient_and_aux(ad_array *x)
{
    ad_tree *t = ad_grad_and_aux(value_and_three_aux)(x);
    return ad_sum(ad_mul(ad_mul(ad_tree_get(t, "0"), ad_tree_get(t, "1")), ad_tree_get(t, "2/sine")));
}

START_TEST(grad_and_aux_takes_any_number_of_aux)
{
    ad_array *x = ad_from((double[]){ 0.2, 0.3 }, AD_SHAPE(2));
    ck_assert_int_eq(ad_item_int(ad_tree_get(ad_grad_and_aux(value_and_three_aux)(x), "3")), 7);
    assert_array(ad_tree_get(ad_grad_and_aux(value_alone)(x), "0"), AD_SHAPE(2), 0, 1, 1);
    ad_array *g = ad_grad(of_gradient_and_aux)(x);
    assert_array(g, AD_SHAPE(2), 1e-15, 6 * 0.04 * sin(0.2) + 2 * 0.008 * cos(0.2), 6 * 0.09 * sin(0.3) + 2 * 0.027 * cos(0.3));
}
END_TEST

START_TEST(ggnvp_and_tensor_jacobian_product)
{
    ad_array *x = ad_from((double[]){ 1, 2 }, AD_SHAPE(2)), *v = ad_from((double[]){ 1, 1 }, AD_SHAPE(2));
    /* J = diag(3, 12): J^T J v = (9, 144) */
    assert_array(ad_ggnvp(cubes)(x, v), AD_SHAPE(2), 1e-15, 9, 144);
    assert_array(ad_ggnvp(cubes, ad_sum)(x, v), AD_SHAPE(2), 1e-15, 0, 0);
    ad_array *tensor = ad_from((double[]){ 1, 2, 3, 4, 5, 6 }, AD_SHAPE(2, 3));
    assert_array(ad_tensor_jacobian_product(cubes)(x, v), AD_SHAPE(2), 1e-15, 3, 12);
    /* rows of the result are tensor[:, k] J */
    assert_array(ad_tensor_jacobian_product(cubes)(x, tensor), AD_SHAPE(3, 2), 1e-15, 3, 48, 6, 60, 9, 72);
    ad_shape long_shape = { .ndim = AD_MAX_NDIM };
    for (int i = 0; i < AD_MAX_NDIM; i++)
        long_shape.dim[i] = 1;
    assert_fails(ad_tensor_jacobian_product(ad_sum)(x, ad_ones(long_shape)), AD_ERROR_SHAPE, "33 dimensions");
    assert_fails(ad_tensor_jacobian_product(cubes)(x, NULL), AD_ERROR_VALUE, "ad_tensor_jacobian_product: the tensor is NULL");
    assert_fails(ad_tensor_jacobian_product(cubes)(x, ad_ones(AD_SHAPE(3, 2))), AD_ERROR_SHAPE, "(3,2) for an output of shape (2,)");
    ck_assert(ad_shape_equal(ad_shape_of(ad_tensor_jacobian_product(cubes)(x, ad_ones(AD_SHAPE(2, 0)))), AD_SHAPE(0, 2)));
}
END_TEST

/* sum of sin(x) x^T */
static ad_array *with_transpose(ad_array *x)
{
    return ad_sum(ad_mul(ad_sin(x), ad_transpose(x)));
}

START_TEST(hessian_vector_products_contract_the_axes_of_the_argument)
{
    ad_array *x = ad_from((double[]){ 1, 2, 3, 4 }, AD_SHAPE(2, 2)), *v = ad_from((double[]){ 1, -1, 2, 0.5 }, AD_SHAPE(2, 2));
    ad_array *h = ad_hessian_vector_product(with_transpose)(x, v), *hvp = ad_hvp(with_transpose)(x, v);
    assert_close(ad_item(ad_max(ad_abs(ad_sub(h, hvp)))), 0, 1e-15);
    ad_array *tensor = ad_stack(ad_list_of(v, x, v), .axis = 2);
    h = ad_hessian_tensor_product(with_transpose)(x, tensor);
    ck_assert(ad_shape_equal(ad_shape_of(h), AD_SHAPE(3, 2, 2)));
    assert_close(ad_item(ad_max(ad_abs(ad_sub(ad_at(h, "2"), hvp)))), 0, 1e-15);
    h = ad_vector_jacobian_product(ad_grad(with_transpose))(x, tensor);
    assert_close(ad_item(ad_max(ad_abs(ad_sub(ad_at(h, "0"), hvp)))), 0, 1e-15);
    assert_fails(ad_hessian_vector_product(with_transpose)(x, ad_ones(AD_SHAPE(3))), AD_ERROR_SHAPE, "(3,)");
}
END_TEST

static ad_array *holomorphic(ad_array *z)
{
    return ad_mul(ad_exp(z), z);
}

static ad_array *modulus_squared(ad_array *z)
{
    return ad_sum(ad_square(ad_abs(z)));
}

START_TEST(complex_conventions)
{
    double _Complex at[1] = { 0.3 - 0.8i };
    ad_array *z = ad_from_data(AD_C128, at, AD_SHAPE(1));
    double _Complex d = ((double _Complex *)ad_data(ad_holomorphic_grad(holomorphic)(z)))[0];
    double _Complex e = exp(0.3) * (cos(-0.8) + 1i * sin(-0.8)), want = e * (1 + at[0]);
    assert_close(__real__ d, __real__ want, 1e-14);
    assert_close(__imag__ d, __imag__ want, 1e-14);
    d = ((double _Complex *)ad_data(ad_grad(modulus_squared)(z)))[0]; /* 2x - 2iy */
    assert_close(__real__ d, 0.6, 1e-14);
    assert_close(__imag__ d, 1.6, 1e-14);
    assert_fails(ad_grad(holomorphic)(ad_reshape(z, AD_SCALAR_SHAPE)), AD_ERROR_TRANSFORM, "ad_holomorphic_grad");
    assert_fails(ad_holomorphic_grad(holomorphic)(ad_scalar(1)), AD_ERROR_TRANSFORM, "not complex");
}
END_TEST

static ad_array *turn(ad_array *x)
{
    return ad_exp(ad_mul(x, 1.0i));
}

START_TEST(a_complex_function_of_a_real_argument_has_a_complex_jacobian)
{
    ad_array *x = ad_from((double[]){ 1, 2 }, AD_SHAPE(2)), *j = ad_jacobian(turn)(x);
    assert_array(ad_real(j), AD_SHAPE(2, 2), 1e-15, -sin(1), 0, 0, -sin(2));
    assert_array(ad_imag(j), AD_SHAPE(2, 2), 1e-15, cos(1), 0, 0, cos(2));
    ck_assert_int_eq(ad_dtype_of(ad_jacobian(turn)(ad_astype(x, AD_F32))), AD_C64);
    ck_assert_int_eq(ad_dtype_of(ad_jacobian(turn)(ad_zeros(AD_SHAPE(0)))), AD_C128);
    assert_array(ad_imag(ad_deriv(turn)(x)), AD_SHAPE(2), 1e-15, cos(1), cos(2));
    assert_fails(ad_elementwise_grad(turn)(x), AD_ERROR_TRANSFORM, "complex128; see ad_deriv");
}
END_TEST

static ad_array *loss_of_tree(ad_tree *p, ad_array *x)
{
    return ad_sum(ad_square(ad_add(ad_mul(ad_tree_get(p, "layer/w"), x), ad_tree_get(p, "b"))));
}

START_TEST(functions_of_trees_differentiate)
{
    ad_array *w = ad_from((double[]){ 1, 2 }, AD_SHAPE(2)), *x = ad_from((double[]){ 3, 5 }, AD_SHAPE(2));
    ad_tree *p = ad_tree_of("layer", ad_tree_of("w", w, "n", 3), "b", 1.5);
    ad_tree *g = ad_grad(loss_of_tree)(p, x);
    ck_assert(ad_tree_same_structure(p, g));
    assert_array(ad_tree_get(g, "layer/w"), AD_SHAPE(2), 1e-15, 2 * 4.5 * 3, 2 * 11.5 * 5);
    assert_close(ad_item(ad_tree_get(g, "b")), 2 * 4.5 + 2 * 11.5, 1e-15);
    ck_assert_int_eq(ad_dtype_of(ad_tree_get(g, "layer/n")), AD_I64);
    assert_close(ad_item(ad_tree_get(g, "layer/n")), 0, 0);
    ck_assert(ad_check_grads(loss_of_tree, p, x));
    ad_tree *v = ad_tree_of("layer", ad_tree_of("w", ad_ones(AD_SHAPE(2)), "n", 0), "b", 0.0);
    ad_tree *h = ad_hvp(loss_of_tree)(p, x, v);
    assert_array(ad_tree_get(h, "layer/w"), AD_SHAPE(2), 1e-15, 18, 50);
}
END_TEST

static ad_array *with_numbers(ad_array *x, int n, double c)
{
    return ad_mul(ad_pow(x, n), c);
}

static ad_array *gives_nothing(ad_array *x)
{
    (void)x;
    return NULL;
}

START_TEST(errors_begin_with_the_transformation)
{
    AD_SCOPE;
    ad_array *x = VECTOR(1, 2), *n = ad_arange(2), *tangent;
    ad_pullback *pull;
    assert_fails(ad_grad(ad_exp)(x), AD_ERROR_TRANSFORM, "ad_grad: the function returned shape (2,), not a scalar");
    assert_fails(ad_hessian(ad_exp)(x), AD_ERROR_TRANSFORM, "ad_hessian: the function returned shape (2,)");
    assert_fails(ad_hvp(ad_exp)(x, x), AD_ERROR_TRANSFORM, "ad_hvp: the function returned shape (2,)");
    assert_fails(ad_grad(ad_sum)(n), AD_ERROR_DTYPE, "ad_grad: argument 0 is int64");
    assert_fails(ad_hessian(ad_sum)(n), AD_ERROR_DTYPE, "ad_hessian: argument 0 is int64");
    assert_fails(ad_vjp(ad_exp, n, &pull), AD_ERROR_DTYPE, "ad_vjp: argument 0 is int64");
    assert_fails(ad_jvp(ad_exp, n, n, &tangent), AD_ERROR_DTYPE, "ad_jvp: argument 0 is int64");
    assert_fails(ad_grad(gives_nothing)(x), AD_ERROR_TRANSFORM, "ad_grad: the function returned NULL without an error");
    assert_fails(ad_checkpoint(gives_nothing)(NULL), AD_ERROR_VALUE, "ad_checkpoint: argument 0 is NULL");
    assert_fails(ad_fixed_point(gives_nothing, x), AD_ERROR_TRANSFORM, "ad_fixed_point: the function returned NULL without an error");
    assert_fails(ad_check_grads(ad_sum, n), AD_ERROR_DTYPE, "ad_check_grads: no argument is real or complex");
}
END_TEST

START_TEST(any_signature_can_be_described)
{
    ad_fn *fn = ad_function(with_numbers, "a(a,i,d)"), *grad = ad_grad(fn);
    assert_close(ad_item(ad_call(fn, ad_scalar(2), 3, 0.5)), 4, 1e-15);
    assert_close(ad_item(ad_call(grad, ad_scalar(2), 3, 0.5)), 6, 1e-15);
    ad_array *(*pointer)(ad_array *, int, double) = (ad_array * (*)(ad_array *, int, double)) ad_fn_pointer(ad_grad(grad));
    assert_close(ad_item(pointer(ad_scalar(2), 3, 0.5)), 6, 1e-15);
    ck_assert_msg(ad_check_grads(fn, VECTOR(0.5, 0.7), .numbers = { 3, 0.5 }), "%s", ad_error_message());
    assert_fails(ad_call(ad_function(with_numbers, "a(a,q)"), ad_scalar(2), 3, 0.5), AD_ERROR_TRANSFORM, "a(a,q)");
    assert_fails(ad_call(ad_function(with_numbers, "a(a,)"), ad_scalar(2), 3, 0.5), AD_ERROR_TRANSFORM, "a(a,)");
    ad_pullback *pull;
    ad_array *y = ad_vjp(fn, ad_scalar(2), 3, 0.5, &pull);
    assert_close(ad_item(y), 4, 1e-15);
    assert_close(ad_item(ad_vjp_apply(pull, y)), 24, 1e-15);
    ad_vjp_free(pull);
    assert_fails(ad_call(ad_grad(fn, 1), ad_scalar(2), 3, 0.5), AD_ERROR_TRANSFORM, "argument 1");
}
END_TEST

static ad_array *scaled(ad_array *x, void *context)
{
    return ad_mul(x, *(double *)context);
}

START_TEST(context_is_passed_through)
{
    double c = 2.5;
    assert_close(ad_item(ad_grad(scaled)(ad_scalar(1), &c)), 2.5, 0);
}
END_TEST

START_TEST(check_grads_finds_a_wrong_rule)
{
    ck_assert(ad_check_grads(ad_tanh, ad_from((double[]){ 0.1, -0.7 }, AD_SHAPE(2)), .order = 3));
    ck_assert(ad_check_grads(of_two, ad_ones(AD_SHAPE(2, 1)), ad_ones(AD_SHAPE(3)), .order = 2));
    ad_array *x = ad_scalar(0.0); /* |x| has no derivative here */
    ck_assert(!ad_check_grads(ad_relu, x, .order = 1));
    ck_assert(strstr(ad_error_message(), "central differences give"));
    ad_clear_error();
}
END_TEST

RUN_TESTS("gradients", orders_1_to_5_are_exact_in_every_nesting_of_modes, taylor_sine_with_an_early_exit_differentiates,
          recursion_differentiates, argnum_picks_the_argument, gradient_has_the_shape_and_dtype_of_its_input,
          gradient_of_an_unused_input_is_zero, bare_names_of_operations_can_be_differentiated,
          transformed_functions_are_memoised, elementwise_grad_jacobian_and_hessian,
          vjp_outlives_its_trace_and_applies_many_times, pullbacks_are_differentiable,
          pullbacks_of_trees_take_cotangents_of_their_structure, missing_functions_and_places_for_results_are_errors,
          grad_and_aux_gives_both, grad_and_aux_takes_any_number_of_aux, ggnvp_and_tensor_jacobian_product,
          hessian_vector_products_contract_the_axes_of_the_argument, complex_conventions,
          a_complex_function_of_a_real_argument_has_a_complex_jacobian, functions_of_trees_differentiate,
          errors_begin_with_the_transformation, any_signature_can_be_described, context_is_passed_through,
          check_grads_finds_a_wrong_rule)
