/* Norms: values and errors as NumPy's, gradients in closed form, and derivative 0 where a norm is 0. */
#include "testing.h"
#include <complex.h>

#define NORM(x, ...) ad_linalg_norm(x, __VA_ARGS__)

/* NumPy 2.4: numpy.linalg.norm. */
START_TEST(norms_are_those_of_numpy)
{
    AD_SCOPE;
    ad_array *v = VECTOR(3, -4, 0.5, 1.25), *m = ad_from((double[]){ 1, -2, 3, 0.5, 4, -1 }, AD_SHAPE(2, 3));
    static const double ord[] = { AD_NORM_NONE, 0, 1, 2, 3, 0.5, 2.5, -1, -2, INFINITY, -INFINITY };
    static const double norm[] = { 5.178078794301995, 4, 8.75, 5.178078794301995, 4.531923205565814, 30.882378229096062, 4.763045788367417, 0.2955665024630542,
                                   0.4557896924605097, 4, 0.5 };
    for (size_t i = 0; i < sizeof ord / sizeof *ord; i++)
        assert_close(ad_item(NORM(v, .ord = ord[i])), norm[i], 1e-15);
    static const double matrix_ord[] = { AD_NORM_NONE, AD_NORM_FRO, 1, -1, INFINITY, -INFINITY };
    static const double matrix_norm[] = { 5.5901699437494745, 5.5901699437494745, 6, 1.5, 6, 5.5 };
    for (size_t i = 0; i < sizeof matrix_ord / sizeof *matrix_ord; i++)
        assert_close(ad_item(NORM(m, .ord = matrix_ord[i])), matrix_norm[i], 1e-15);
    assert_array(NORM(m, .ord = 3, .axis = 1), AD_SHAPE(2), 1e-15, 3.3019272488946263, 4.023301496486735);
    assert_array(NORM(m, .ord = 2, .axis = -1, .keepdims = true), AD_SHAPE(2, 1), 1e-15, 3.7416573867739413, 4.153311931459037);
    assert_array(NORM(m, .ord = 1, .axes = AD_AXES(1, 0)), AD_SCALAR_SHAPE, 0, 6);
    assert_array(NORM(m, .ord = -1, .axes = AD_AXES(-1, -2), .keepdims = true), AD_SHAPE(1, 1), 0, 5.5);
    assert_close(ad_item((ad_linalg_norm)(ad_ones(AD_SHAPE(2, 3, 4)))), sqrt(24), 1e-15);
    ad_array *z = ad_from_data(AD_C128, (ad_complex[]){ 3 + 4i, 0, 5 - 12i }, AD_SHAPE(3));
    assert_close(ad_item(NORM(z, .ord = 2)), 13.92838827718412, 1e-15);
    assert_close(ad_item(NORM(z, .ord = 1)), 18, 1e-15);
    assert_close(ad_item(NORM(z, .ord = 3)), 13.24201488732631, 1e-15);
    assert_close(ad_item(NORM(z, .ord = INFINITY)), 13, 1e-15);
    ck_assert_int_eq(ad_dtype_of(NORM(z, .ord = 0)), AD_F64);
    assert_close(ad_item(NORM(VECTOR(1e200, 1e200), .ord = 3)), 1.25992104989487316e200, 1e-15); /* no overflow */
    assert_close(ad_item(NORM(VECTOR(1e-200, 1e-200), .ord = 3)) * 1e200, 1.25992104989487316, 1e-15);
    assert_array(NORM(ad_from((double[]){ INFINITY, 1, NAN, 1, 0, 2 }, AD_SHAPE(3, 2)), .ord = 3, .axis = 1), AD_SHAPE(3), 0, INFINITY, NAN, 2);
    assert_close(ad_item(NORM(VECTOR(0, 2), .ord = -1)), 0, 0);
    assert_close(ad_item(NORM(VECTOR(INFINITY, 1), .ord = -3)), 1, 0);
}
END_TEST

OF_X(norm_0, NORM(x, .ord = 0))
OF_X(norm_1, NORM(x, .ord = 1))
OF_X(norm_2, NORM(x, .ord = 2))
OF_X(norm_3, NORM(x, .ord = 3))
OF_X(norm_4, NORM(x, .ord = 4))
OF_X(norm_half, NORM(x, .ord = 0.5))
OF_X(norm_minus_1, NORM(x, .ord = -1))
OF_X(norm_largest, NORM(x, .ord = INFINITY))
OF_X(norm_smallest, NORM(x, .ord = -INFINITY))
OF_X(norm_squared, ad_square(NORM(x, .ord = 2)))
OF_X(norm_of_columns, NORM(ad_reshape(x, AD_SHAPE(2, 2)), .ord = 1))
OF_X(norm_of_rows, NORM(ad_reshape(x, AD_SHAPE(2, 2)), .ord = -INFINITY))
OF_X(norm_frobenius, NORM(ad_reshape(x, AD_SHAPE(2, 2)), .ord = AD_NORM_FRO))

/* mpmath: sign(x) (|x|/y)^(p-1). */
START_TEST(gradients_of_norms)
{
    AD_SCOPE;
    ad_array *v = VECTOR(3, -4, 0.5, 1.25);
    assert_array(ad_grad(norm_1)(v), AD_SHAPE(4), 0, 1, -1, 1, 1);
    assert_array(ad_grad(norm_3)(v), AD_SHAPE(4), 1e-15, 0.438205097600454803, -0.779031284623030762, 0.0121723638222348557, 0.0760772738889678478);
    assert_array(ad_grad(norm_half)(v), AD_SHAPE(4), 1e-14, 3.20844605321101736, -2.77859578875265983, 7.85905569761355786, 4.97050325251647438);
    assert_array(ad_grad(norm_minus_1)(v), AD_SHAPE(4), 1e-15, 0.00970661748647140188, -0.00545997233614016356, 0.349438229512970468,
                 0.0559101167220752748);
    assert_array(ad_grad(norm_largest)(VECTOR(2, -3, 3, 1)), AD_SHAPE(4), 0, 0, -0.5, 0.5, 0);
    assert_array(ad_grad(norm_smallest)(VECTOR(-1, 1, 2, 1)), AD_SHAPE(4), 1e-15, -1. / 3, 1. / 3, 0, 1. / 3);
    assert_array(ad_grad(norm_of_columns)(VECTOR(1, -2, -1, 0)), AD_SHAPE(4), 0, 0.5, -0.5, -0.5, 0);
    assert_array(ad_grad(norm_of_rows)(VECTOR(1, -2, -1, 0)), AD_SHAPE(4), 0, 0, 0, -1, 0);
    assert_array(ad_grad(norm_0)(v), AD_SHAPE(4), 0, 0, 0, 0, 0);
    assert_array(ad_grad(norm_3)(VECTOR(1e200, 1e200)), AD_SHAPE(2), 1e-15, 0.629960524947436582, 0.629960524947436582);
    assert_array(ad_grad(norm_1)(VECTOR(0, -2)), AD_SHAPE(2), 0, 0, -1); /* one element is 0, the norm is not */
    assert_array(ad_grad(norm_3)(VECTOR(0, -2)), AD_SHAPE(2), 1e-15, 0, -1);
    assert_array(ad_hessian(norm_3)(VECTOR(0, -2)), AD_SHAPE(2, 2), 1e-15, 0, 0, 0, 0);
    assert_array(ad_hessian(norm_4)(VECTOR(0, -2)), AD_SHAPE(2, 2), 1e-15, 0, 0, 0, 0);
    assert_array(ad_hessian(norm_2)(VECTOR(0, -2)), AD_SHAPE(2, 2), 1e-15, 0.5, 0, 0, 0);
    ad_array *z = ad_from_data(AD_C128, (ad_complex[]){ 3 + 4i, 0 }, AD_SHAPE(2)), *g = ad_grad(norm_2)(z); /* conj(z)/y */
    assert_array(ad_real(g), AD_SHAPE(2), 1e-15, 0.6, 0);
    assert_array(ad_imag(g), AD_SHAPE(2), 1e-15, -0.8, 0);
}
END_TEST

START_TEST(norms_are_flat_at_zero_at_orders_1_and_2)
{
    AD_SCOPE;
    ad_array *(*const norms[])(ad_array *) = { (ad_linalg_norm), norm_0,       norm_1,        norm_2,          norm_3,       norm_4,        norm_half,
                                               norm_minus_1,     norm_largest, norm_smallest, norm_of_columns, norm_of_rows, norm_frobenius };
    ad_array *zero = ad_zeros(AD_SHAPE(4)), *t;
    for (size_t i = 0; i < sizeof norms / sizeof *norms; i++) {
        assert_array(ad_grad(norms[i])(zero), AD_SHAPE(4), 0, 0, 0, 0, 0);
        assert_array(ad_hessian(norms[i])(zero), AD_SHAPE(4, 4), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        ad_jvp(norms[i], zero, ad_ones(AD_SHAPE(4)), &t);
        assert_close(ad_item(t), 0, 0);
        ad_array *g = ad_grad(norms[i])(ad_astype(zero, AD_C128));
        ck_assert_msg(g && ad_item(ad_any(g)) == 0, "%zu: %s", i, ad_error_message());
    }
    assert_array(ad_grad(norm_squared)(zero), AD_SHAPE(4), 0, 0, 0, 0, 0);
}
END_TEST

START_TEST(norms_of_nothing_and_of_integers)
{
    AD_SCOPE;
    ad_array *none = ad_zeros(AD_SHAPE(0)), *wide = ad_zeros(AD_SHAPE(0, 3));
    static const double zero[] = { AD_NORM_NONE, 0, 1, 2, 3, 0.5, INFINITY };
    for (size_t i = 0; i < sizeof zero / sizeof *zero; i++)
        assert_close(ad_item(NORM(none, .ord = zero[i])), 0, 0);
    assert_close(ad_item(NORM(none, .ord = -1)), INFINITY, 0);
    assert_array(NORM(wide, .ord = 3, .axis = 0), AD_SHAPE(3), 0, 0, 0, 0);
    assert_close(ad_item(NORM(wide, .ord = 1)), 0, 0);
    assert_close(ad_item(NORM(ad_transpose(wide), .ord = INFINITY)), 0, 0);
    ck_assert(ad_shape_equal(ad_shape_of(ad_grad(norm_3)(none)), AD_SHAPE(0)));
    assert_fails(NORM(none, .ord = -INFINITY), AD_ERROR_VALUE, "no elements");
    assert_close(ad_item(NORM(ad_arange(3, 5), .ord = 2)), 5, 0);
    assert_close(ad_item((ad_linalg_norm)(ad_scalar(-3))), 3, 0);
    ck_assert_int_eq(ad_dtype_of(NORM(ad_ones(AD_SHAPE(2), .dtype = AD_F32), .ord = 3)), AD_F32);
}
END_TEST

START_TEST(errors_of_norms_name_the_order)
{
    AD_SCOPE;
    ad_array *v = VECTOR(1, 2), *m = ad_ones(AD_SHAPE(2, 2)), *cube = ad_ones(AD_SHAPE(2, 2, 2));
    assert_fails(NORM(v, .ord = AD_NORM_FRO), AD_ERROR_VALUE, "ad_linalg_norm: this ord is defined for matrices only");
    assert_fails(NORM(v, .ord = AD_NORM_NUC), AD_ERROR_VALUE, "matrices only");
    assert_fails(NORM(v, .ord = NAN), AD_ERROR_VALUE, "matrices only");
    assert_fails(NORM(m, .ord = 3), AD_ERROR_VALUE, "not 3");
    assert_fails(NORM(cube, .ord = 2), AD_ERROR_AXIS, "one axis or two, not 3");
    assert_fails(NORM(cube, .axes = AD_AXES(0, 1, 2)), AD_ERROR_AXIS, "not 3");
    assert_fails(NORM(1.5, .ord = 2), AD_ERROR_AXIS, "not 0");
    assert_fails(NORM(m, .axis = 2), AD_ERROR_AXIS, "ad_linalg_norm: axis 2 is out of range");
    assert_fails(NORM(m, .axes = AD_AXES(0, -2)), AD_ERROR_AXIS, "twice");
}
END_TEST

OF_X(everything, ad_sum(ad_mul(NORM(x, .axis = 0, .ord = 3), ad_add(NORM(x, .axis = 1, .keepdims = true), NORM(x, .ord = -1)))))

START_TEST(every_allocation_may_fail)
{
    assert_every_allocation_may_fail(ad_grad(everything), ad_from((double[]){ 0.5, 1.5, 2.5, 3.5 }, AD_SHAPE(2, 2)));
}
END_TEST

RUN_TESTS("linalg", norms_are_those_of_numpy, gradients_of_norms, norms_are_flat_at_zero_at_orders_1_and_2, norms_of_nothing_and_of_integers,
          errors_of_norms_name_the_order, every_allocation_may_fail)
