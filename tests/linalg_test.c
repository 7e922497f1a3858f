/* Norms and singular values: values and errors as NumPy's, gradients in closed form, derivative 0 where a norm is 0,
 * ties. */
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
OF_X(norm_spectral, NORM(ad_reshape(x, AD_SHAPE(2, 2)), .ord = 2))
OF_X(norm_least_singular, NORM(ad_reshape(x, AD_SHAPE(2, 2)), .ord = -2))
OF_X(norm_nuclear, NORM(ad_reshape(x, AD_SHAPE(2, 2)), .ord = AD_NORM_NUC))

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
    ad_array *(*const norms[])(ad_array *) = { (ad_linalg_norm),    norm_0,       norm_1,        norm_2,          norm_3,       norm_4,         norm_half,
                                               norm_minus_1,        norm_largest, norm_smallest, norm_of_columns, norm_of_rows, norm_frobenius, norm_spectral,
                                               norm_least_singular, norm_nuclear };
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

OF_X(norm_2_5, NORM(x, .ord = 2.5))
OF_X(norm_minus_2, NORM(x, .ord = -2))
OF_X(std_of_some, ad_std(x, .ddof = 1, .where = VECTOR(1, 1, 0, 1)))

/* max |a - b| / max |b| */
static double distance(ad_array *a, ad_array *b)
{
    b = ad_astype(b, AD_F64);
    return ad_item(ad_max(ad_abs(ad_sub(ad_astype(a, AD_F64), b)))) / ad_item(ad_max(ad_abs(b)));
}

/* f(s x) = s f(x), f'(s x) = f'(x), f''(s x) = f''(x)/s, where squares of s overflow and underflow. */
START_TEST(norms_and_deviations_scale_at_orders_0_to_2)
{
    static const struct {
        double scale;
        ad_dtype dtype;
    } cases[] = { { 3e200, AD_F64 }, { 1e-200, AD_F64 }, { 3e-308, AD_F64 }, { 1e20, AD_F32 }, { 1e-25, AD_F32 }, { 1e-35, AD_F32 } };
    ad_array *(*const norms[])(ad_array *) = { (ad_linalg_norm), norm_1,         norm_2,       norm_3,        norm_4,       norm_half,       norm_minus_1,
                                               norm_2_5,         norm_minus_2,   norm_largest, norm_smallest, norm_of_rows, norm_of_columns, norm_frobenius,
                                               norm_spectral,    norm_least_singular, norm_nuclear, ad_std,   std_of_some };
    ad_array *x = VECTOR(3, -4, 1, 2.5);
    for (size_t i = 0; i < sizeof norms / sizeof *norms; i++)
        for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
            AD_SCOPE;
            ad_array *(*f)(ad_array *) = norms[i], *scaled = ad_astype(ad_mul(x, cases[k].scale), cases[k].dtype);
            double tolerance = cases[k].dtype == AD_F32 ? 1e-6 : 4e-15, scale = cases[k].scale;
            ck_assert_msg(distance(ad_div(ad_astype(f(scaled), AD_F64), scale), f(x)) < tolerance, "norm %zu, scale %g: the value", i, scale);
            ad_array *slopes[] = { ad_grad(f)(scaled), ad_jacobian(f)(scaled) };
            ad_array *curvatures[] = { ad_hessian(f)(scaled), ad_jacobian(ad_grad(f))(scaled) };
            for (int mode = 0; mode < 2; mode++)
                ck_assert_msg(distance(slopes[mode], ad_grad(f)(x)) < tolerance, "norm %zu, scale %g: the gradient, mode %d", i, scale, mode);
            for (int mode = 0; mode < 2 && ad_item(ad_any(ad_hessian(f)(x))); mode++)
                ck_assert_msg(distance(ad_mul(ad_astype(curvatures[mode], AD_F64), scale), ad_hessian(f)(x)) < tolerance, "norm %zu, scale %g: the Hessian, mode %d", i,
                              scale, mode);
            ck_assert_msg(!ad_failed(), "%s", ad_error_message());
        }
}
END_TEST

START_TEST(norms_of_subnormal_and_infinite_elements)
{
    AD_SCOPE;
    double least = 0x1p-1074;
    ad_array *x = ad_mul(VECTOR(3, 4), least), *rows = ad_reshape(VECTOR(3e200, 4e200, 0, 0, 3, 4, 3e-200, 4e-200), AD_SHAPE(4, 2));
    assert_close(ad_item(norm_2(x)) / least, 5, 0);
    assert_array(ad_grad(norm_2)(x), AD_SHAPE(2), 1e-15, 0.6, 0.8);
    assert_array(ad_div(NORM(rows, .axis = 1), VECTOR(5e200, 1, 5, 5e-200)), AD_SHAPE(4), 1e-15, 1, 0, 1, 1);
    ad_array *z = ad_from_data(AD_C128, (ad_complex[]){ 3e200 + 4e200i, 0 }, AD_SHAPE(2)), *g = ad_grad(norm_2)(z);
    assert_close(ad_item(norm_2(z)) / 5e200, 1, 1e-15);
    assert_array(ad_imag(g), AD_SHAPE(2), 1e-15, -0.8, 0);
    assert_close(ad_item(norm_2(VECTOR(INFINITY, 1))), INFINITY, 0);
    assert_array(ad_grad(norm_2)(VECTOR(-INFINITY, 1)), AD_SHAPE(2), 0, -1, 0);
    assert_array(ad_jacobian(norm_2)(VECTOR(INFINITY, INFINITY, 1)), AD_SHAPE(3), 1e-15, M_SQRT1_2, M_SQRT1_2, 0);
    assert_close(ad_item(norm_2(VECTOR(INFINITY, NAN))), NAN, 0);
    assert_close(ad_item(norm_2(VECTOR(1e200, NAN))), NAN, 0);
    assert_close(ad_item(ad_std(VECTOR(INFINITY, 1))), NAN, 0);
    assert_close(ad_item(ad_std(VECTOR(1e200, NAN))), NAN, 0);
    assert_close(ad_item(ad_std(VECTOR(3e200, 1e200))) / 1e200, 1, 1e-15);
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
    assert_fails(NORM(v, .ord = AD_NORM_FRO), AD_ERROR_VALUE, "ad_linalg_norm: vectors take ord 0, 1, 2, any other number, INFINITY or -INFINITY, not 'fro'");
    assert_fails(NORM(v, .ord = AD_NORM_NUC), AD_ERROR_VALUE, "not 'nuc'");
    assert_fails(NORM(v, .ord = NAN), AD_ERROR_VALUE, "not nan");
    assert_fails(NORM(m, .ord = 3), AD_ERROR_VALUE, "AD_NORM_FRO or AD_NORM_NUC, not 3");
    assert_fails(NORM(m, .ord = 0), AD_ERROR_VALUE, "not 0");
    assert_fails(NORM(cube, .ord = 2), AD_ERROR_AXIS, "one axis or two, not 3");
    assert_fails(NORM(cube, .axes = AD_AXES(0, 1, 2)), AD_ERROR_AXIS, "not 3");
    assert_fails(NORM(1.5, .ord = 2), AD_ERROR_AXIS, "not 0");
    assert_fails(NORM(m, .axis = 2), AD_ERROR_AXIS, "ad_linalg_norm: axis 2 is out of range");
    assert_fails(NORM(m, .axes = AD_AXES(0, -2)), AD_ERROR_AXIS, "twice");
}
END_TEST

/* ---- singular values ---- */

static ad_array *wide(void)
{
    return ad_from((double[]){ 1, -2, 3, 0.5, 4, -1 }, AD_SHAPE(2, 3));
}

static ad_array *square(void)
{
    return ad_from((double[]){ 2, -1, 0.5, 1, 3, -2, 0.25, 1, 1 }, AD_SHAPE(3, 3));
}

static ad_array *complex_tall(void)
{
    return ad_from_data(AD_C128, (ad_complex[]){ 3 + 4i, 1i, 2, 5 - 12i, 1 - 1i, 0.5 }, AD_SHAPE(3, 2));
}

static ad_array *cube_of_sines(void)
{
    return ad_sin(counting(AD_SHAPE(2, 3, 4)));
}

/* NumPy 2.4: numpy.linalg.svdvals. */
START_TEST(singular_values_are_those_of_numpy)
{
    AD_SCOPE;
    assert_array(ad_linalg_svdvals(wide()), AD_SHAPE(2), 1e-14, 5.123475382979799, 2.23606797749979);
    assert_array(ad_linalg_svdvals(ad_transpose(wide())), AD_SHAPE(2), 1e-14, 5.123475382979799, 2.23606797749979);
    assert_array(ad_linalg_svdvals(square()), AD_SHAPE(3), 1e-14, 3.8150955478278887, 2.199694080594184, 1.3852407418000419);
    assert_array(ad_linalg_svdvals(complex_tall()), AD_SHAPE(2), 1e-14, 13.21512248407891, 5.158540271316304);
    assert_array(ad_linalg_svdvals(cube_of_sines()), AD_SHAPE(2, 3), 1e-14, 1.9920929726995404, 1.4258248962631939, 0, 1.7758582943913068, 1.5994382913978658,
                 0);
    assert_array(ad_linalg_svdvals(ad_outer(VECTOR(1, 2, 3), VECTOR(2, -1, 2))), AD_SHAPE(3), 1e-14, sqrt(126), 0, 0);
    assert_array(ad_linalg_svdvals(ad_reshape(ad_arange(1, 5), AD_SHAPE(2, 2))), AD_SHAPE(2), 1e-14, 5.464985704219043, 0.365966190626258);
    ck_assert_int_eq(ad_dtype_of(ad_linalg_svdvals(complex_tall())), AD_F64);
    ck_assert_int_eq(ad_dtype_of(ad_linalg_svdvals(ad_astype(complex_tall(), AD_C64))), AD_F32);
    assert_array(ad_linalg_svdvals(ad_astype(complex_tall(), AD_C64)), AD_SHAPE(2), 1e-6, 13.21512248407891, 5.158540271316304);
    assert_array(ad_linalg_svdvals(ad_astype(wide(), AD_F32)), AD_SHAPE(2), 1e-6, 5.123475382979799, 2.23606797749979);
    ad_array *infinite = ad_from((double[]){ 1, INFINITY, 3, 4, 1, 2, 3, 4 }, AD_SHAPE(2, 2, 2));
    assert_array(ad_linalg_svdvals(infinite), AD_SHAPE(2, 2), 1e-14, NAN, NAN, 5.464985704219043, 0.365966190626258);
    ck_assert(ad_shape_equal(ad_shape_of(ad_linalg_svdvals(ad_zeros(AD_SHAPE(2, 0, 3)))), AD_SHAPE(2, 0)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_linalg_svdvals(ad_zeros(AD_SHAPE(0, 2, 3)))), AD_SHAPE(0, 2)));
}
END_TEST

START_TEST(norms_by_singular_values_are_those_of_numpy)
{
    AD_SCOPE;
    ad_array *cube = cube_of_sines();
    static const double ord[] = { 2, -2, AD_NORM_NUC };
    const struct {
        ad_array *x;
        double norm[3];
    } cases[] = {
        { wide(), { 5.123475382979799, 2.23606797749979, 7.359543360479589 } },
        { ad_transpose(wide()), { 5.123475382979799, 2.23606797749979, 7.359543360479589 } },
        { square(), { 3.8150955478278887, 1.3852407418000419, 7.4000303702221135 } },
        { complex_tall(), { 13.21512248407891, 5.158540271316304, 18.373662755395213 } },
        { ad_outer(VECTOR(1, 2, 3), VECTOR(2, -1, 2)), { 11.224972160321824, 0, 11.224972160321824 } },
        { ad_mul(-3, ad_eye(3)), { 3, 3, 9 } },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int j = 0; j < 3; j++)
            assert_close(ad_item(NORM(cases[i].x, .ord = ord[j])), cases[i].norm[j], 1e-14);
    assert_array(NORM(cube, .ord = AD_NORM_NUC, .axes = AD_AXES(0, 2)), AD_SHAPE(3), 1e-14, 2.3483553766446796, 2.384731330602481, 2.604913553464823);
    assert_array(NORM(cube, .ord = 2, .axes = AD_AXES(2, 0), .keepdims = true), AD_SHAPE(1, 3, 1), 1e-14, 1.751261582246083, 1.8056098716835478,
                 2.1091328158759945);
    assert_array(NORM(cube, .ord = -2, .axes = AD_AXES(-1, 1), .keepdims = true), AD_SHAPE(2, 1, 1), 1e-14, 0, 0);
    ck_assert_int_eq(ad_dtype_of(NORM(ad_astype(wide(), AD_F32), .ord = AD_NORM_NUC)), AD_F32);
    assert_close(ad_item(NORM(ad_astype(wide(), AD_F32), .ord = 2)), 5.123475551605225, 1e-6);
    assert_close(ad_item(NORM(ad_astype(complex_tall(), AD_C64), .ord = AD_NORM_NUC)), 18.3736629486084, 1e-6);
    assert_close(ad_item(NORM(ad_mul(1e-200, wide()), .ord = AD_NORM_NUC)) * 1e200, 7.359543360479589, 1e-14);
    assert_close(ad_item(NORM(ad_from((double[]){ 1, INFINITY, 3, 4 }, AD_SHAPE(2, 2)), .ord = 2)), NAN, 0);
}
END_TEST

OF_X(spectral, NORM(x, .ord = 2, .axes = AD_AXES(-2, -1)))
OF_X(least_singular, NORM(x, .ord = -2, .axes = AD_AXES(-2, -1)))
OF_X(nuclear, NORM(x, .ord = AD_NORM_NUC, .axes = AD_AXES(-2, -1)))

/* NumPy: U V^H, and the u v^H of the largest and of the smallest singular value; conjugated for complex ones. */
START_TEST(gradients_of_norms_by_singular_values)
{
    AD_SCOPE;
    assert_array(ad_grad(nuclear)(wide()), AD_SHAPE(2, 3), 1e-14, 0.40273708122167823, -0.18280296254744152, 0.8968756437170775, 0.2754960644079719,
                 0.9586261154719453, 0.07167907107997133);
    assert_array(ad_grad(spectral)(wide()), AD_SHAPE(2, 3), 1e-14, 0.03444353198641879, -0.551096511782701, 0.3444353198641882, -0.04018412065082194,
                 0.6429459304131514, -0.40184120650821964);
    assert_array(ad_grad(least_singular)(wide()), AD_SHAPE(2, 3), 1e-14, 0.3682935492352594, 0.36829354923525953, 0.5524403238528893, 0.31568018505879386,
                 0.3156801850587939, 0.473520277588191);
    ad_array *g = ad_grad(nuclear)(complex_tall());
    assert_array(ad_real(g), AD_SHAPE(3, 2), 1e-14, 0.5874132355540267, -0.1001959037850364, 0.12641568128093458, 0.372723738411401, 0.1845606484119855,
                 0.04437790008565664);
    assert_array(ad_imag(g), AD_SHAPE(3, 2), 1e-14, -0.7498190128103565, -0.08196962342093234, -0.05708372207673391, 0.917370461018056, 0.19853218878041687,
                 -0.027943080736862743);
    g = ad_grad(nuclear)(ad_astype(wide(), AD_F32));
    ck_assert_int_eq(ad_dtype_of(g), AD_F32);
    assert_array(g, AD_SHAPE(2, 3), 1e-6, 0.40273708122167823, -0.18280296254744152, 0.8968756437170775, 0.2754960644079719, 0.9586261154719453,
                 0.07167907107997133);
}
END_TEST

START_TEST(derivatives_by_singular_values_agree_with_differences)
{
    ad_array *(*const functions[])(ad_array *) = { (ad_linalg_svdvals), spectral, least_singular, nuclear };
    const ad_shape shapes[] = { AD_SHAPE(3, 3), AD_SHAPE(4, 2), AD_SHAPE(2, 4), AD_SHAPE(1, 3), AD_SHAPE(3, 1), AD_SHAPE(2, 3, 2), AD_SHAPE(1, 1) };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (size_t j = 0; j < sizeof functions / sizeof *functions; j++) {
            AD_SCOPE;
            ad_array *x = ad_random_normal(ad_random_key(i + 3), shapes[i]);
            ad_array *z = ad_add(x, ad_mul(ad_weak_complex(1i), ad_random_normal(ad_random_key(i + 50), shapes[i])));
            ck_assert_msg(ad_check_grads(functions[j], x, .order = 2), "shape %zu, function %zu: %s", i, j, ad_error_message());
            ck_assert_msg(ad_check_grads(functions[j], z, .order = 2), "complex, shape %zu, function %zu: %s", i, j, ad_error_message());
        }
}
END_TEST

static ad_array *diagonal(double a, double b, double c)
{
    return ad_diag(VECTOR(a, b, c));
}

/* Rounding keeps the two singular values of a rotation from being equal; they are ties all the same. */
START_TEST(equal_singular_values_share_what_comes)
{
    AD_SCOPE;
    double c = cos(0.3), s = sin(0.3);
    ad_array *rotation = ad_from((double[]){ c, -s, s, c }, AD_SHAPE(2, 2));
    assert_array(ad_grad(spectral)(diagonal(2, -2, 1)), AD_SHAPE(3, 3), 1e-15, 0.5, 0, 0, 0, -0.5, 0, 0, 0, 0);
    assert_array(ad_grad(least_singular)(diagonal(2, 1, 1)), AD_SHAPE(3, 3), 1e-15, 0, 0, 0, 0, 0.5, 0, 0, 0, 0.5);
    assert_array(ad_grad(spectral)(rotation), AD_SHAPE(2, 2), 1e-15, c / 2, -s / 2, s / 2, c / 2);
    assert_array(ad_grad(least_singular)(rotation), AD_SHAPE(2, 2), 1e-15, c / 2, -s / 2, s / 2, c / 2);
    assert_array(ad_grad(nuclear)(rotation), AD_SHAPE(2, 2), 1e-15, c, -s, s, c);
    ad_array *t;
    ad_jvp(spectral, diagonal(2, -2, 1), diagonal(3, 1, 5), &t);
    assert_close(ad_item(t), 1, 1e-15);
}
END_TEST

/* The sum is smooth there: sqrt(tr(x)^2 + (x_12 - x_21)^2) for 2 by 2 matrices with a positive determinant. */
START_TEST(sum_of_equal_singular_values_has_two_derivatives)
{
    AD_SCOPE;
    ad_array *twice = ad_mul(2, ad_eye(2)), *z = ad_mul(ad_weak_complex(1 + 1i), diagonal(2, 2, 2));
    assert_array(ad_reshape(ad_hessian(nuclear)(twice), AD_SHAPE(4, 4)), AD_SHAPE(4, 4), 1e-15, 0, 0, 0, 0, 0, 0.25, -0.25, 0, 0, -0.25, 0.25, 0, 0, 0, 0, 0);
    ck_assert_msg(ad_check_grads(nuclear, twice, .order = 2), "%s", ad_error_message());
    ck_assert_msg(ad_check_grads(nuclear, diagonal(2, 2, 1), .order = 2), "%s", ad_error_message());
    ck_assert_msg(ad_check_grads(nuclear, z, .order = 2), "%s", ad_error_message());
    ck_assert_msg(ad_check_grads(spectral, diagonal(3, 2, 2), .order = 2), "%s", ad_error_message());
}
END_TEST

/* What belongs to singular values that are 0 but for rounding is left out of u v^H. */
START_TEST(singular_values_of_zero_are_constants)
{
    AD_SCOPE;
    ad_array *x = ad_outer(VECTOR(1, 2, 3), VECTOR(2, -1, 2)), *g = ad_div(x, sqrt(126)), *zero = ad_zeros(AD_SHAPE(3, 3));
    ck_assert(ad_item(ad_max(ad_abs(ad_sub(ad_grad(nuclear)(x), g)))) < 1e-14);
    ck_assert(ad_item(ad_max(ad_abs(ad_sub(ad_grad(spectral)(x), g)))) < 1e-14);
    ck_assert(ad_item(ad_any(ad_grad(least_singular)(x))) == 0);
    ck_assert(ad_item(ad_all(ad_isfinite(ad_hessian(nuclear)(x)))) == 1);
    ad_array *jacobian = ad_jacobian((ad_linalg_svdvals))(x);
    ck_assert(ad_item(ad_max(ad_abs(ad_sub(ad_at(jacobian, "0"), g)))) < 1e-14);
    ck_assert(ad_item(ad_any(ad_at(jacobian, "1:"))) == 0);
    ck_assert(ad_item(ad_any(ad_jacobian((ad_linalg_svdvals))(zero))) == 0);
    ck_assert(ad_item(ad_any(ad_hessian(nuclear)(zero))) == 0);
    ck_assert(ad_item(ad_any(ad_hessian(spectral)(zero))) == 0);
    ck_assert_msg(!ad_failed(), "%s", ad_error_message());
}
END_TEST

START_TEST(norms_by_singular_values_of_nothing)
{
    AD_SCOPE;
    const ad_shape shapes[] = { AD_SHAPE(0, 3), AD_SHAPE(3, 0), AD_SHAPE(0, 0) };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        ad_array *x = ad_zeros(shapes[i]);
        assert_close(ad_item(spectral(x)), 0, 0);
        assert_close(ad_item(nuclear(x)), 0, 0);
        assert_fails(least_singular(x), AD_ERROR_VALUE, "no elements");
        ck_assert(ad_shape_equal(ad_shape_of(ad_grad(nuclear)(x)), shapes[i]));
    }
    assert_array(nuclear(ad_zeros(AD_SHAPE(2, 0, 3))), AD_SHAPE(2), 0, 0, 0);
    ck_assert(ad_shape_equal(ad_shape_of(least_singular(ad_zeros(AD_SHAPE(0, 2, 3)))), AD_SHAPE(0)));
}
END_TEST

START_TEST(errors_of_singular_values_name_the_function)
{
    AD_SCOPE;
    ad_array *nan = ad_from((double[]){ 1, 2, 3, 4, 1, NAN, 3, 4 }, AD_SHAPE(2, 2, 2));
    assert_fails(ad_linalg_svdvals(nan), AD_ERROR_NUMERIC, "ad_linalg_svdvals: matrix 1 has a NaN in it");
    assert_fails(nuclear(nan), AD_ERROR_NUMERIC, "ad_linalg_norm: matrix 1 has a NaN in it");
    assert_fails(spectral(ad_astype(nan, AD_C64)), AD_ERROR_NUMERIC, "ad_linalg_norm: matrix 1 has a NaN in it");
    assert_fails(ad_linalg_svdvals(VECTOR(1, 2)), AD_ERROR_SHAPE, "ad_linalg_svdvals: a matrix has two axes, an operand of shape (2,) does not");
    assert_fails(ad_linalg_svdvals(ad_broadcast_to(1.0, AD_SHAPE(30000, 30000))), AD_ERROR_SHAPE, "too large");
}
END_TEST

OF_X(everything, ad_sum(ad_mul(NORM(x, .axis = 0, .ord = 3), ad_add(NORM(x, .axis = 1, .keepdims = true), NORM(x, .ord = -1)))))
OF_X(by_singular_values, ad_add(ad_mul(spectral(x), nuclear(x)), least_singular(x)))
OF_X(curvature, ad_sum(ad_square(ad_grad(by_singular_values)(x))))

START_TEST(every_allocation_may_fail)
{
    AD_SCOPE;
    ad_array *z = ad_at(ad_mul(ad_weak_complex(1 + 1i), complex_tall()), "::-1");
    assert_every_allocation_may_fail(ad_grad(everything), ad_from((double[]){ 0.5, 1.5, 2.5, 3.5 }, AD_SHAPE(2, 2)));
    assert_every_allocation_may_fail(by_singular_values, z);
    assert_every_allocation_may_fail(ad_grad(curvature), wide());
}
END_TEST

RUN_TESTS("linalg", norms_are_those_of_numpy, gradients_of_norms, norms_are_flat_at_zero_at_orders_1_and_2,
          norms_and_deviations_scale_at_orders_0_to_2, norms_of_subnormal_and_infinite_elements, norms_of_nothing_and_of_integers, errors_of_norms_name_the_order, singular_values_are_those_of_numpy, norms_by_singular_values_are_those_of_numpy,
          gradients_of_norms_by_singular_values, derivatives_by_singular_values_agree_with_differences, equal_singular_values_share_what_comes,
          sum_of_equal_singular_values_has_two_derivatives, singular_values_of_zero_are_constants, norms_by_singular_values_of_nothing,
          errors_of_singular_values_name_the_function, every_allocation_may_fail)
