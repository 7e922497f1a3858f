/* Derivatives of reductions and scans at ties, zeros and infinities. */
#include "testing.h"

static ad_array *complex_vector(void)
{
    return ad_from_data(AD_C128, (ad_complex[]){ 1 + 2i, -0.5 + 0.25i, 3 - 1i }, AD_SHAPE(3));
}

/* ---- derivatives at ties and zeros ---- */

static ad_array *squared_max(ad_array *x)
{
    return ad_square(ad_max(x));
}

static ad_array *squared_min_of_rows(ad_array *x)
{
    return ad_sum(ad_square(ad_min(x, .axis = -1)));
}

START_TEST(ties_share_equally_at_orders_1_and_2)
{
    AD_SCOPE;
    ad_array *x = VECTOR(3, 1, 3), *m = ad_from((double[]){ 2, 2, 2, 5, 4, 4 }, AD_SHAPE(2, 3)), *t;
    assert_array(ad_grad(ad_max)(x), AD_SHAPE(3), 0, 0.5, 0, 0.5);
    assert_array(ad_hessian(ad_max)(x), AD_SHAPE(3, 3), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    assert_array(ad_grad(squared_max)(x), AD_SHAPE(3), 0, 3, 0, 3);
    assert_array(ad_hessian(squared_max)(x), AD_SHAPE(3, 3), 0, 0.5, 0, 0.5, 0, 0, 0, 0.5, 0, 0.5);
    assert_array(ad_grad(squared_min_of_rows)(m), AD_SHAPE(2, 3), 1e-15, 4. / 3, 4. / 3, 4. / 3, 0, 4, 4);
    assert_array(ad_hvp(squared_min_of_rows)(m, ad_ones(AD_SHAPE(2, 3))), AD_SHAPE(2, 3), 1e-15, 2. / 3, 2. / 3, 2. / 3, 0, 1, 1);
    assert_close(ad_item(ad_jvp(ad_max, x, VECTOR(1, 10, 2), &t)), 3, 0);
    assert_close(ad_item(t), 1.5, 0);
    assert_array(ad_grad(ad_ptp)(VECTOR(2, 2)), AD_SHAPE(2), 0, 0, 0);
    assert_array(ad_grad(ad_max)(VECTOR(1, NAN, NAN)), AD_SHAPE(3), 0, 0, 0.5, 0.5);
    assert_array(ad_grad(ad_max)(VECTOR(INFINITY, 1)), AD_SHAPE(2), 0, 1, 0);
}
END_TEST

/* sum of w_m x_0 ... x_m, differentiated exactly. */
static const double weights[] = { 0.5, -1.25, 3, 0.75 };
enum { FACTORS = 4 };

static double expected_derivative(const double *x, const double *w, const int *by, int order)
{
    double sum = 0;
    for (int m = 0; m < FACTORS; m++) {
        double product = w[m];
        bool used[FACTORS] = { false };
        for (int k = 0; k < order; k++) {
            product = by[k] > m || used[by[k]] ? 0 : product;
            used[by[k]] = true;
        }
        for (int i = 0; i <= m; i++)
            product *= used[i] ? 1 : x[i];
        sum += product;
    }
    return sum;
}

static ad_array *weighted_products(ad_array *x)
{
    return ad_sum(ad_mul(ad_cumprod(x), ad_from(weights, AD_SHAPE(FACTORS))));
}

static ad_array *weighted_products_backwards(ad_array *x)
{
    return ad_sum(ad_mul(ad_cumprod(ad_flip(x), .axis = 0, .reverse = true), ad_flip(ad_from(weights, AD_SHAPE(FACTORS)))));
}

static ad_array *product(ad_array *x)
{
    return ad_sum(ad_prod(ad_reshape(x, AD_SHAPE(2, 1, 2)), .axes = AD_AXES(0, -1)));
}

static void check_products(ad_array *(*f)(ad_array *), const double *w, const double *at)
{
    AD_SCOPE;
    ad_array *x = ad_from(at, AD_SHAPE(FACTORS));
    ad_array *(*hessian)(ad_array *) = ad_hessian(f), *(*third)(ad_array *) = ad_jacobian(hessian);
    double g[FACTORS], h[FACTORS * FACTORS], t[FACTORS * FACTORS * FACTORS];
    ck_assert_msg(ad_copy_to(ad_grad(f)(x), g, FACTORS) && ad_copy_to(hessian(x), h, FACTORS * FACTORS) && ad_copy_to(third(x), t, FACTORS * FACTORS * FACTORS),
                  "%s", ad_error_message());
    for (int i = 0; i < FACTORS * FACTORS * FACTORS; i++) {
        int by[] = { i / FACTORS / FACTORS, i / FACTORS % FACTORS, i % FACTORS };
        assert_close(t[i], expected_derivative(at, w, by, 3), 1e-15);
        assert_close(h[i % (FACTORS * FACTORS)], expected_derivative(at, w, by + 1, 2), 1e-15);
        assert_close(g[i % FACTORS], expected_derivative(at, w, by + 2, 1), 1e-15);
    }
    ck_assert_msg(ad_check_grads(f, x, .order = 3, .tolerance = 1e-5), "%s", ad_error_message()); /* every nesting of modes */
}

START_TEST(products_with_zeros_are_exact_at_orders_1_to_3)
{
    static const double points[][FACTORS] = { { 2, -3, 0.5, 7 }, { 2, 0, 0.5, 7 }, { 0, -3, 0.5, 0 }, { 2, 0, 0, 0 }, { 0, 0, 0, 0 } };
    static const double last[] = { 0, 0, 0, 1 };
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        check_products(weighted_products, weights, points[i]);
        check_products(weighted_products_backwards, weights, points[i]);
        check_products(product, last, points[i]);
        check_products(ad_prod, last, points[i]);
    }
}
END_TEST

static ad_array *deviations(ad_array *x)
{
    return ad_sum(ad_mul(ad_std(x, .axis = 1), VECTOR(2, 3)));
}

/* (x - mean)/(n std) for the row with differences. */
START_TEST(deviation_has_derivative_zero_where_it_is_zero)
{
    AD_SCOPE;
    ad_array *x = ad_from((double[]){ 4, 4, 1, 3 }, AD_SHAPE(2, 2)), *t;
    assert_array(ad_grad(deviations)(x), AD_SHAPE(2, 2), 1e-15, 0, 0, -1.5, 1.5);
    ad_jvp(deviations, x, ad_ones(AD_SHAPE(2, 2)), &t);
    assert_close(ad_item(t), 0, 1e-15);
    assert_array(ad_hvp(deviations)(x, x), AD_SHAPE(2, 2), 1e-15, 0, 0, 0, 0);
    assert_array(ad_grad(ad_std)(VECTOR(5)), AD_SHAPE(1), 0, 0);
    assert_array(ad_hessian(ad_std)(VECTOR(5, 5)), AD_SHAPE(2, 2), 0, 0, 0, 0, 0);
    assert_array(ad_grad(ad_var)(VECTOR(5, 5)), AD_SHAPE(2), 0, 0, 0);
    assert_array(ad_hessian(ad_var)(VECTOR(5, 5)), AD_SHAPE(2, 2), 1e-15, 0.5, -0.5, -0.5, 0.5);
    assert_array(ad_grad(ad_std)(ad_astype(VECTOR(2, 2), AD_C128)), AD_SHAPE(2), 0, 0, 0);
}
END_TEST

/* The gradient of a real function of complex numbers is df/dx - i df/dy: 2 conj(x - mean)/n. */
START_TEST(complex_variance_has_the_conjugate_gradient)
{
    AD_SCOPE;
    ad_array *z = complex_vector(), *g = ad_grad(ad_var)(z), *d = ad_sub(z, ad_mean(z));
    ck_assert_int_eq(ad_dtype_of(g), AD_C128);
    assert_close(ad_item(ad_max(ad_abs(ad_sub(g, ad_mul(2. / 3, ad_conj(d)))))), 0, 1e-15);
}
END_TEST

static ad_array *last_of_recurrence(ad_array *a, ad_array *b)
{
    return ad_at(ad_linear_recurrence(a, b), "-1");
}

/* y_2 = a_2 (a_1 b_0 + b_1) + b_2 */
static ad_array *first_running_product(ad_array *x)
{
    return ad_at(ad_cumprod(x), "0");
}

START_TEST(infinity_after_what_is_asked_for_does_not_count)
{
    AD_SCOPE;
    ad_array *tangent;
    assert_array(ad_grad(first_running_product)(VECTOR(2, INFINITY)), AD_SHAPE(2), 0, 1, 0);
    assert_array(ad_grad(first_running_product)(VECTOR(2, NAN, 3)), AD_SHAPE(3), 0, 1, 0, 0);
    ad_jvp(first_running_product, VECTOR(2, INFINITY), VECTOR(1, 1), &tangent);
    assert_close(ad_item(tangent), 1, 0);
    assert_array(ad_linear_recurrence(VECTOR(1, INFINITY, 2), VECTOR(0, 1, 3)), AD_SHAPE(3), 0, 0, 1, 5);
}
END_TEST

START_TEST(first_coefficient_of_a_recurrence_has_derivative_zero)
{
    AD_SCOPE;
    ad_array *a = VECTOR(NAN, 2, 3), *b = VECTOR(1, 10, 100);
    assert_array(ad_grad(last_of_recurrence)(a, b), AD_SHAPE(3), 0, 0, 3, 12);
    assert_array(ad_grad(last_of_recurrence, 1)(a, b), AD_SHAPE(3), 0, 6, 3, 1);
    assert_array(ad_jacobian(ad_grad(last_of_recurrence))(a, b), AD_SHAPE(3, 3), 0, 0, 0, 0, 0, 0, 1, 0, 1, 0);
}
END_TEST

RUN_TESTS("reduce_slopes", ties_share_equally_at_orders_1_and_2, products_with_zeros_are_exact_at_orders_1_to_3,
          deviation_has_derivative_zero_where_it_is_zero, complex_variance_has_the_conjugate_gradient,
          infinity_after_what_is_asked_for_does_not_count, first_coefficient_of_a_recurrence_has_derivative_zero)
