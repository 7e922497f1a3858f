/* Fourier and cosine transforms: NumPy's and SciPy's numbers (golden/fft.py), every option, lengths of every kind,
 * edges, and bits that do not depend on threads. */
#include "testing.h"
#include <complex.h>
#include <float.h>

/* ---- operands, by the formula of golden/fft.py ---- */

static ad_array *numbers_from(int64_t first, int64_t count)
{
    double *values = malloc((size_t)count * sizeof *values + 1);
    for (int64_t i = 0; i < count; i++) {
        uint32_t h = (uint32_t)((uint64_t)(first + i) * 2654435761u);
        h ^= h >> 15;
        h *= 2246822519u;
        h ^= h >> 13;
        values[i] = h / 4294967296.0 - 0.5;
    }
    ad_array *x = ad_from(values, AD_SHAPE(count));
    free(values);
    return x;
}

static ad_array *numbers(int64_t count)
{
    return numbers_from(0, count);
}

static ad_array *pairs(int64_t count)
{
    return ad_add(numbers(count), ad_mul(ad_weak_complex(1i), numbers_from(1000003, count)));
}

/* ---- comparisons ---- */

static double root_mean_square(ad_array *x)
{
    return sqrt(ad_item(ad_mean(ad_square(ad_abs(x)))));
}

static ad_array *widened(ad_array *x)
{
    return ad_dtype_of(x) == AD_C64 ? ad_astype(x, AD_C128) : ad_dtype_of(x) == AD_F32 ? ad_astype(x, AD_F64) : x;
}

/* Of all numbers together: the largest difference against the root of the mean square, and the shape where `shaped`. */
static void assert_near(const char *name, ad_array *y, ad_array *expected, double tolerance)
{
    ck_assert_msg(y && expected, "%s: %s", name, ad_error_message());
    ck_assert_msg(ad_shape_equal(ad_shape_of(y), ad_shape_of(expected)), "%s has another shape: %s", name, ad_tostring(y));
    double error = ad_item(ad_max(ad_abs(ad_sub(widened(y), widened(expected))))), size = root_mean_square(expected);
    ck_assert_msg(error <= tolerance * size, "%s: wrong by %.3g of %.3g, which is %.3g", name, error, size, error / size);
}

static ad_array *golden(const ad_tree *all, const char *name)
{
    ad_array *y = ad_tree_get(all, name);
    ck_assert_msg(y != NULL, "%s", ad_error_message());
    return y;
}

static ad_tree *all_golden(void)
{
    ad_tree *all = ad_loadz(AD_GOLDEN "/fft.npz");
    ck_assert_msg(all != NULL, "%s", ad_error_message());
    return all;
}

/* ---- lengths ---- */

static const int64_t lengths[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 16, 21, 30, 64, 97, 101, 127, 128, 143, 360, 1000, 1001 };
static const int64_t long_lengths[] = { 2187, 7919, 2 * 7919, 1 << 15, 100000, 101 * 103, 1 << 18 };
enum { LENGTHS = sizeof lengths / sizeof *lengths, LONG = sizeof long_lengths / sizeof *long_lengths };

static void compare_length(const ad_tree *all, int64_t n, bool is_long)
{
    ad_array *x = numbers(n), *z = pairs(n), *half = pairs(n / 2 + 1);
    struct {
        const char *name;
        ad_array *operand, *(*f)(ad_array *, ad_fft_options), *(*g)(ad_array *, ad_dct_options);
        int type;
    } cases[] = { { "fft", z, ad_fft_fft_with, NULL, 0 },   { "ifft", z, ad_fft_ifft_with, NULL, 0 },      { "full", x, ad_fft_fft_with, NULL, 0 },
                  { "rfft", x, ad_fft_rfft_with, NULL, 0 }, { "irfft", half, ad_fft_irfft_with, NULL, 0 }, { "dct", x, NULL, ad_fft_dct_with, 2 },
                  { "dct3", x, NULL, ad_fft_dct_with, 3 } };
    for (int i = 0; i < (int)(sizeof cases / sizeof *cases); i++)
        for (int single = 0; single < 2; single++) {
            AD_SCOPE;
            char name[64];
            snprintf(name, sizeof name, "%s_%lld", cases[i].name, (long long)n);
            ad_fft_options o = AD_FFT_DEFAULTS;
            ad_dct_options d = AD_DCT_DEFAULTS;
            o.n = n;
            d.type = cases[i].type;
            ad_array *operand = cases[i].operand;
            if (single)
                operand = ad_astype(operand, ad_dtype_of(operand) == AD_C128 ? AD_C64 : AD_F32);
            ad_array *y = cases[i].f ? cases[i].f(operand, o) : cases[i].g(operand, d);
            double eps = single ? FLT_EPSILON : DBL_EPSILON;
            assert_near(name, is_long ? ad_at(y, "::997") : y, golden(all, name), 4 * eps * (1 + log2((double)n)));
        }
}

START_TEST(every_length_in_both_precisions_is_right)
{
    AD_SCOPE;
    ad_tree *all = all_golden();
    for (int i = 0; i < LENGTHS; i++) {
        AD_SCOPE;
        compare_length(all, lengths[i], false);
    }
    for (int i = 0; i < LONG; i++) {
        AD_SCOPE;
        compare_length(all, long_lengths[i], true);
    }
}
END_TEST

/* y = F x as a product with the matrix of roots: all lengths in a row, so that no kind of factor is left out. */
START_TEST(transforms_are_products_with_the_matrix_of_roots)
{
    for (int64_t n = 1; n <= 260; n++) {
        AD_SCOPE;
        ad_array *k = ad_arange(n), *angle = ad_mul(ad_mod(ad_outer(k, k), n), -2 * AD_PI / (double)n);
        ad_array *roots = ad_exp(ad_mul(ad_weak_complex(1i), angle)), *z = pairs(n);
        assert_near("fft", ad_fft_fft(z), ad_matmul(roots, z), 1e-13);
        assert_near("ifft", ad_fft_ifft(z, .norm = "forward"), ad_matmul(ad_conj(roots), z), 1e-13);
    }
}
END_TEST

START_TEST(what_is_transformed_and_back_is_there_again)
{
    static const int64_t all[] = { 1, 2, 3, 5, 7, 10, 49, 101, 1000, 7919, 2 * 7919, 1 << 15, 100000, 99991 };
    for (int i = 0; i < (int)(sizeof all / sizeof *all); i++) {
        AD_SCOPE;
        int64_t n = all[i];
        ad_array *x = numbers(n), *z = pairs(n), *y = ad_fft_fft(z);
        double tolerance = 2e-15 * (1 + log2((double)n));
        assert_near("ifft of fft", ad_fft_ifft(y), z, tolerance);
        assert_near("irfft of rfft", ad_fft_irfft(ad_fft_rfft(x), .n = n), x, tolerance);
        assert_near("idct of dct", ad_fft_idct(ad_fft_dct(x)), x, tolerance);
        assert_near("ihfft of hfft", ad_fft_hfft(ad_fft_ihfft(x), .n = n), x, tolerance);
        assert_close(root_mean_square(y), root_mean_square(z) * sqrt((double)n), 1e-14); /* Parseval */
        assert_close(root_mean_square(ad_fft_dct(x, .norm = "ortho")), root_mean_square(x), 1e-14);
    }
}
END_TEST

/* ---- options ---- */

START_TEST(every_option_is_numpys)
{
    AD_SCOPE;
    ad_tree *all = all_golden();
    ad_array *x = ad_reshape(numbers(60), AD_SHAPE(3, 4, 5)), *z = ad_reshape(pairs(60), AD_SHAPE(3, 4, 5));
#define SAME(name, expression) assert_near(#expression, expression, golden(all, name), 1e-14)
    static const char *const norms[] = { "backward", "ortho", "forward" };
    for (int i = 0; i < 3; i++) {
        char name[32];
#define OF_NORM(text, expression)                                                                                      \
    do {                                                                                                               \
        snprintf(name, sizeof name, "%s_%s", text, norms[i]);                                                          \
        SAME(name, expression);                                                                                        \
    } while (0)
        OF_NORM("fft", ad_fft_fft(z, .axis = 1, .norm = norms[i]));
        OF_NORM("ifft", ad_fft_ifft(z, .n = 7, .axis = 0, .norm = norms[i]));
        OF_NORM("rfft", ad_fft_rfft(x, .n = 3, .norm = norms[i]));
        OF_NORM("irfft", ad_fft_irfft(z, .n = 7, .axis = 1, .norm = norms[i]));
        OF_NORM("hfft", ad_fft_hfft(z, .n = 5, .axis = 0, .norm = norms[i]));
        OF_NORM("ihfft", ad_fft_ihfft(x, .n = 6, .axis = -2, .norm = norms[i]));
        OF_NORM("fftn", ad_fft_fftn(z, .norm = norms[i]));
        OF_NORM("ifft2", ad_fft_ifft2(x, .s = AD_SHAPE(3, 6), .norm = norms[i]));
        OF_NORM("rfftn", ad_fft_rfftn(x, .norm = norms[i]));
        OF_NORM("irfftn", ad_fft_irfftn(z, .norm = norms[i]));
        OF_NORM("dct2", ad_fft_dct(x, .axis = 1, .norm = norms[i]));
        OF_NORM("dct3", ad_fft_dct(x, .type = 3, .axis = 1, .norm = norms[i]));
        OF_NORM("idct2", ad_fft_idct(x, .n = 6, .axis = 0, .norm = norms[i]));
        OF_NORM("idct3", ad_fft_idct(x, .type = 3, .n = 6, .axis = 0, .norm = norms[i]));
    }
    SAME("fft2", ad_fft_fft2(x));
    SAME("ifftn", ad_fft_ifftn(z, .axes = AD_AXES(0, 2)));
    SAME("fftn_twice", ad_fft_fftn(z, .s = AD_SHAPE(2, 6, 3), .axes = AD_AXES(1, 1, 0)));
    SAME("fftn_lengths", ad_fft_fftn(z, .s = AD_SHAPE(-1, 7)));
    SAME("rfft2", ad_fft_rfft2(x, .s = AD_SHAPE(5, 4)));
    SAME("irfft2", ad_fft_irfft2(z));
    SAME("rfftn_axes", ad_fft_rfftn(x, .s = AD_SHAPE(4, 2), .axes = AD_AXES(2, 0)));
    SAME("irfftn_axes", ad_fft_irfftn(z, .s = AD_SHAPE(4, 7), .axes = AD_AXES(0, 1)));
    SAME("hfft", ad_fft_hfft(x));
    SAME("irfft", ad_fft_irfft(x));
    SAME("fft_backward", (ad_fft_fft)(ad_swapaxes(z, 1, 2)) ? ad_swapaxes((ad_fft_fft)(ad_swapaxes(z, 1, 2)), 1, 2) : NULL);
    SAME("rfftn_backward", (ad_fft_rfftn)(x));
}
END_TEST

START_TEST(frequencies_and_shifts_are_numpys)
{
    AD_SCOPE;
    ad_tree *all = all_golden();
    ad_array *x = ad_reshape(numbers(60), AD_SHAPE(3, 4, 5)), *z = ad_reshape(pairs(60), AD_SHAPE(3, 4, 5));
    SAME("fftfreq_8", ad_fft_fftfreq(8, .d = 0.1));
    SAME("fftfreq_9", ad_fft_fftfreq(9));
    SAME("rfftfreq_8", (ad_fft_rfftfreq)(8));
    SAME("rfftfreq_9", ad_fft_rfftfreq(9, .d = 0.25));
    SAME("fftshift", ad_fft_fftshift(x));
    SAME("ifftshift", ad_fft_ifftshift(x, .axes = AD_AXES(0, -1)));
    SAME("fftshift_twice", ad_fft_fftshift(x, .axes = AD_AXES(1, 2, 1)));
    SAME("fftshift_one", ad_fft_fftshift(z, .axis = 2));
    assert_array(ad_fft_fftfreq(1), AD_SHAPE(1), 0, 0);
    assert_array(ad_fft_rfftfreq(1), AD_SHAPE(1), 0, 0);
    assert_array(ad_fft_ifftshift(ad_fft_fftshift(ad_arange(5))), AD_SHAPE(5), 0, 0, 1, 2, 3, 4);
    ck_assert_int_eq(ad_dtype_of(ad_fft_fftshift(ad_arange(5))), AD_I64);
    assert_array(ad_fft_fftshift(7), AD_SCALAR_SHAPE, 0, 7);
    ck_assert_int_eq(ad_size(ad_fft_fftshift(ad_zeros(AD_SHAPE(0, 3)))), 0);
}
END_TEST

/* ---- dtypes, shapes, memory ---- */

START_TEST(single_precision_stays_and_all_else_is_double)
{
    AD_SCOPE;
    static const struct {
        ad_dtype of, is_complex, is_real;
    } dtypes[] = { { AD_F64, AD_C128, AD_F64 }, { AD_F32, AD_C64, AD_F32 },  { AD_C128, AD_C128, AD_F64 }, { AD_C64, AD_C64, AD_F32 },
                   { AD_I64, AD_C128, AD_F64 }, { AD_I32, AD_C128, AD_F64 }, { AD_U8, AD_C128, AD_F64 },   { AD_BOOL, AD_C128, AD_F64 } };
    for (int i = 0; i < (int)(sizeof dtypes / sizeof *dtypes); i++) {
        ad_array *x = ad_astype(VECTOR(1, 0, 1, 1), dtypes[i].of);
        ck_assert_int_eq(ad_dtype_of(ad_fft_fft(x)), dtypes[i].is_complex);
        ck_assert_int_eq(ad_dtype_of(ad_fft_ifftn(x)), dtypes[i].is_complex);
        ck_assert_int_eq(ad_dtype_of(ad_fft_irfft(x)), dtypes[i].is_real);
        ck_assert_int_eq(ad_dtype_of(ad_fft_hfft(x)), dtypes[i].is_real);
        assert_array(ad_real(ad_fft_fft(x)), AD_SHAPE(4), 1e-7, 3, 0, 1, 0);
        if (dtypes[i].of == AD_C128 || dtypes[i].of == AD_C64)
            continue;
        ck_assert_int_eq(ad_dtype_of(ad_fft_rfft(x)), dtypes[i].is_complex);
        ck_assert_int_eq(ad_dtype_of(ad_fft_ihfft(x)), dtypes[i].is_complex);
        ck_assert_int_eq(ad_dtype_of(ad_fft_dct(x)), dtypes[i].is_real);
    }
}
END_TEST

/* A batch along any axis, in any memory, gives what each sequence alone gives. */
START_TEST(batches_in_any_memory_are_the_sequences_one_by_one)
{
    static const int64_t all[] = { 1, 6, 7, 30, 202, 1001 };
    for (int i = 0; i < (int)(sizeof all / sizeof *all); i++) {
        AD_SCOPE;
        int64_t n = all[i];
        ad_array *z = ad_reshape(pairs(37 * n), AD_SHAPE(37, n)), *y = ad_fft_fft(z), *x = ad_real(z), *real = ad_fft_rfft(x);
        ad_array *across = ad_copy(ad_transpose(z)), *middle = ad_copy(ad_expand_dims(across, 0));
        for (int row = 0; row < 37; row += 9)
            assert_near("a row", ad_fft_fft(ad_at(z, "%d", row)), ad_at(y, "%d", row), 0);
        assert_near("columns", ad_transpose(ad_fft_fft(across, .axis = 0)), y, 0);
        assert_near("a middle axis", ad_transpose(ad_at(ad_fft_fft(middle, .axis = 1), "0")), y, 0);
        assert_near("a view of columns", ad_transpose(ad_fft_fft(ad_transpose(z), .axis = 0)), y, 0);
        assert_near("backwards", ad_fft_fft(ad_flip(z, .axis = 0)), ad_flip(y, .axis = 0), 0);
        assert_near("every other", ad_fft_fft(ad_at(z, "::2")), ad_at(y, "::2"), 0);
        assert_near("one for all", ad_fft_fft(ad_broadcast_to(ad_at(z, "3"), AD_SHAPE(4, n))), ad_broadcast_to(ad_at(y, "3"), AD_SHAPE(4, n)), 0);
        assert_near("columns of reals", ad_transpose(ad_fft_rfft(ad_copy(ad_transpose(x)), .axis = 0)), real, 0);
        assert_near("cosines of columns", ad_transpose(ad_fft_dct(ad_transpose(x), .axis = 0)), ad_fft_dct(x), 0);
    }
}
END_TEST

START_TEST(an_empty_batch_is_empty_and_an_empty_axis_needs_a_length)
{
    AD_SCOPE;
    ad_array *none = ad_zeros(AD_SHAPE(0, 4)), *empty = ad_zeros(AD_SHAPE(2, 0));
    ck_assert(ad_shape_equal(ad_shape_of(ad_fft_fft(none)), AD_SHAPE(0, 4)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_fft_rfft(none)), AD_SHAPE(0, 3)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_fft_irfft(none)), AD_SHAPE(0, 6)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_fft_dct(none)), AD_SHAPE(0, 4)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_elementwise_grad(ad_fft_dct)(none)), AD_SHAPE(0, 4)));
    assert_fails(ad_fft_fft(empty), AD_ERROR_VALUE, "ad_fft_fft: a transform of 0 points");
    assert_fails(ad_fft_irfft(empty), AD_ERROR_VALUE, "ad_fft_irfft: a transform of -2 points");
    assert_fails(ad_fft_fftn(none), AD_ERROR_VALUE, "ad_fft_fftn: a transform of 0 points");
    assert_array(ad_real(ad_fft_fft(empty, .n = 2)), AD_SHAPE(2, 2), 0, 0, 0, 0, 0);
    assert_array(ad_fft_irfft(VECTOR(3), .n = 1), AD_SHAPE(1), 0, 3);
    assert_array(ad_real(ad_fft_fftn(3)), AD_SCALAR_SHAPE, 0, 3);
    ck_assert_int_eq(ad_dtype_of(ad_fft_fftn(3)), AD_C128);
}
END_TEST

START_TEST(nan_and_infinity_spread_and_do_not_stop_anything)
{
    AD_SCOPE;
    ad_array *y = ad_fft_rfft(ad_stack(ad_list_of(VECTOR(1, NAN, 2), VECTOR(1, 2, 3))));
    ck_assert(ad_item(ad_all(ad_isnan(ad_at(y, "0")))) == 1);
    assert_array(ad_real(ad_at(y, "1")), AD_SHAPE(2), 1e-15, 6, -1.5);
    ck_assert(ad_item(ad_any(ad_isfinite(ad_fft_fft(VECTOR(1, INFINITY, 2, 3, 4, 5, 6))))) == 0);
}
END_TEST

START_TEST(the_imaginary_parts_that_reals_have_not_are_passed_over)
{
    AD_SCOPE;
    ad_array *y = ad_from_data(AD_C128, (double[]){ 1, 7, 2, 3, 4, 9 }, AD_SHAPE(3)), *bare = ad_from_data(AD_C128, (double[]){ 1, 0, 2, 3, 4, 0 }, AD_SHAPE(3));
    assert_near("irfft, even", ad_fft_irfft(y), ad_fft_irfft(bare), 0);
    ad_array *odd = ad_from_data(AD_C128, (double[]){ 1, 0, 2, 3, 4, 9 }, AD_SHAPE(3));
    assert_near("irfft, odd", ad_fft_irfft(y, .n = 5), ad_fft_irfft(odd, .n = 5), 0);
    ad_array *edges = ad_imag(ad_fft_rfft(numbers(14)));
    ck_assert(ad_item(ad_at(edges, "0")) == 0 && ad_item(ad_at(edges, "7")) == 0);
    ck_assert(ad_item(ad_at(ad_imag(ad_fft_rfft(numbers(15))), "0")) == 0);
}
END_TEST

/* ---- errors ---- */

START_TEST(what_cannot_be_transformed_is_an_error_that_says_why)
{
    AD_SCOPE;
    ad_array *x = ad_ones(AD_SHAPE(2, 3)), *z = ad_astype(x, AD_C128), *line = ad_ones(AD_SHAPE(4));
    assert_fails(ad_fft_rfft(z), AD_ERROR_DTYPE, "ad_fft_rfft: takes reals, not complex128; ad_fft_fft takes complex numbers, ad_real gives their real parts");
    assert_fails(ad_fft_ihfft(z), AD_ERROR_DTYPE, "ad_fft_ihfft: takes reals");
    assert_fails(ad_fft_rfft2(z), AD_ERROR_DTYPE, "ad_fft_rfft2: takes reals");
    assert_fails(ad_fft_dct(z), AD_ERROR_DTYPE, "ad_fft_dct: takes reals");
    assert_fails(ad_fft_fft(x, .norm = "unit"), AD_ERROR_VALUE, "ad_fft_fft: norm \"unit\"; possible are backward, ortho, forward");
    assert_fails(ad_fft_hfft(x, .norm = "unit"), AD_ERROR_VALUE, "ad_fft_hfft: norm \"unit\"");
    assert_fails(ad_fft_fft(x, .axis = 2), AD_ERROR_AXIS, "ad_fft_fft: axis 2 is out of range for an array of 2 dimensions");
    assert_fails(ad_fft_fft(3), AD_ERROR_AXIS, "ad_fft_fft: axis -1");
    assert_fails(ad_fft_rfftn(3), AD_ERROR_AXIS, "ad_fft_rfftn: a 0-d array has no axis");
    assert_fails(ad_fft_fft(x, .n = 0), AD_ERROR_VALUE, "ad_fft_fft: a transform of 0 points");
    assert_fails(ad_fft_ifft(x, .n = -3), AD_ERROR_VALUE, "ad_fft_ifft: a transform of -3 points");
    assert_fails(ad_fft_irfft(ad_ones(AD_SHAPE(1))), AD_ERROR_VALUE, "ad_fft_irfft: a transform of 0 points");
    assert_fails(ad_fft_fft2(line), AD_ERROR_AXIS, "ad_fft_fft2: axis -2");
    assert_fails(ad_fft_fftn(x, .s = AD_SHAPE(2, 3), .axes = AD_AXES(0)), AD_ERROR_SHAPE, "ad_fft_fftn: 2 lengths for 1 axes");
    assert_fails(ad_fft_fftn(x, .s = AD_SHAPE(2, 0)), AD_ERROR_VALUE, "ad_fft_fftn: a transform of 0 points");
    assert_fails(ad_fft_dct(x, .type = 4), AD_ERROR_VALUE, "ad_fft_dct: type 4; possible are 2 and 3");
    assert_fails(ad_fft_fftfreq(0), AD_ERROR_VALUE, "ad_fft_fftfreq: the frequencies of 0 samples");
    assert_fails(ad_fft_fftshift(x, .axis = 0, .axes = AD_AXES(1)), AD_ERROR_AXIS, "ad_fft_fftshift: takes .axis or .axes, not both");
    assert_fails(ad_fft_fftshift(x, .axis = 2), AD_ERROR_AXIS, "ad_fft_fftshift: axis 2");
    assert_fails((ad_fft_fft)(NULL), AD_ERROR_VALUE, "ad_fft_fft: the array is NULL");
    assert_fails((ad_fft_irfftn)(NULL), AD_ERROR_VALUE, "ad_fft_irfftn: the array is NULL");
}
END_TEST

/* ---- derivatives ---- */

/* <g, F t> = <F* g, t> in the pairing without conjugation, of random directions. */
static void assert_transposed(const char *name, ad_array *(*f)(ad_array *), ad_array *x)
{
    AD_SCOPE;
    ad_pullback *pull = NULL;
    ad_array *tangent = NULL, *t = ad_mul(ad_flip(x), 0.7), *y = ad_vjp(f, x, &pull);
    ck_assert_msg(y && ad_jvp(f, x, t, &tangent), "%s: %s", name, ad_error_message());
    ad_array *g = ad_dtype_of(y) == AD_F64 ? ad_reshape(numbers_from(5, ad_size(y)), ad_shape_of(y)) : ad_reshape(pairs(ad_size(y)), ad_shape_of(y));
    ad_array *gx = ad_vjp_apply(pull, g);
    assert_close(ad_item(ad_sum(ad_real(ad_mul(g, tangent)))), ad_item(ad_sum(ad_real(ad_mul(gx, t)))), 1e-13);
    ad_vjp_free(pull);
}

OF_X(of_fft, ad_fft_fft(x, .axis = 0, .norm = "forward"))
OF_X(of_ifft_cut, ad_fft_ifft(x, .n = 3))
OF_X(of_rfft_even, ad_fft_rfft(x, .n = 8))
OF_X(of_rfft_odd, ad_fft_rfft(x, .n = 9, .norm = "ortho"))
OF_X(of_irfft_even, ad_fft_irfft(x, .norm = "ortho"))
OF_X(of_irfft_odd, ad_fft_irfft(x, .n = 7))
OF_X(of_hfft, ad_fft_hfft(x, .n = 9, .norm = "forward"))
OF_X(of_ihfft, ad_fft_ihfft(x, .norm = "ortho"))
OF_X(of_fft2, ad_fft_fft2(x, .s = AD_SHAPE(2, 9)))
OF_X(of_irfft2, ad_fft_irfft2(x))
OF_X(of_rfftn, ad_fft_rfftn(x, .s = AD_SHAPE(7, 2)))
OF_X(of_dct2, ad_fft_dct(x, .norm = "forward"))
OF_X(of_dct3, ad_fft_dct(x, .type = 3, .n = 5))
OF_X(of_dct_ortho, ad_fft_dct(x, .axis = 0, .norm = "ortho"))
OF_X(of_idct, ad_fft_idct(x))

START_TEST(reverse_mode_is_the_transpose_of_forward_mode)
{
    AD_SCOPE;
    ad_array *x = ad_reshape(numbers(35), AD_SHAPE(5, 7)), *z = ad_reshape(pairs(35), AD_SHAPE(5, 7));
#define TRANSPOSED(f)          assert_transposed(#f, f, x)
#define TRANSPOSED_COMPLEX(f)  (assert_transposed(#f " of reals", f, x), assert_transposed(#f, f, z))
    TRANSPOSED_COMPLEX(of_fft);
    TRANSPOSED_COMPLEX(of_ifft_cut);
    TRANSPOSED(of_rfft_even);
    TRANSPOSED(of_rfft_odd);
    TRANSPOSED_COMPLEX(of_irfft_even);
    TRANSPOSED_COMPLEX(of_irfft_odd);
    TRANSPOSED_COMPLEX(of_hfft);
    TRANSPOSED(of_ihfft);
    TRANSPOSED_COMPLEX(of_fft2);
    TRANSPOSED_COMPLEX(of_irfft2);
    TRANSPOSED(of_rfftn);
    TRANSPOSED(of_dct2);
    TRANSPOSED(of_dct3);
    TRANSPOSED(of_dct_ortho);
    TRANSPOSED(of_idct);
}
END_TEST

static ad_array *power(ad_array *x)
{
    return ad_sum(ad_square(ad_abs(ad_fft_fft(x))));
}

static ad_array *half_power(ad_array *y)
{
    return ad_sum(ad_square(ad_fft_irfft(y)));
}

START_TEST(gradients_are_those_of_closed_forms)
{
    AD_SCOPE;
    ad_array *x = numbers(12), *z = pairs(12);
    assert_near("of Parseval's sum", ad_grad(power)(x), ad_mul(24, x), 1e-14); /* n sum x^2 */
    assert_near("of Parseval's complex sum", ad_grad(power)(z), ad_mul(24, ad_conj(z)), 1e-14);
    assert_near("of its gradient", ad_hessian(power)(x), ad_mul(24, ad_eye(12)), 1e-13);
    ad_array *y = ad_fft_rfft(x), *g = ad_grad(half_power)(y);
    ck_assert(ad_item(ad_at(ad_imag(g), "0")) == 0 && ad_item(ad_at(ad_imag(g), "6")) == 0);
    assert_near("of a sum over half", ad_at(g, "1:6"), ad_mul(4.0 / 12, ad_conj(ad_at(y, "1:6"))), 1e-14);
    ck_assert_int_eq(ad_dtype_of(ad_grad(power)(ad_astype(x, AD_F32))), AD_F32);
}
END_TEST

/* ---- bits, threads, memory ---- */

static ad_array *batch_of_threads(ad_array *x)
{
    ad_array *y = ad_fft_fft(ad_add(x, ad_weak_complex(0.5i)), .axis = 0), *r = ad_fft_rfft(x), *c = ad_fft_dct(x);
    return ad_concatenate(ad_list_of(ad_real(y), ad_imag(y), ad_real(r), ad_imag(r), c), .axis = AD_NO_AXIS);
}

START_TEST(bits_depend_neither_on_threads_nor_on_what_was_computed_before)
{
    static const int64_t shapes[][2] = { { 401, 300 }, { 2, 65536 }, { 64, 1001 }, { 7, 7919 } };
    for (int i = 0; i < 4; i++) {
        AD_SCOPE;
        ad_array *x = ad_reshape(numbers(shapes[i][0] * shapes[i][1]), AD_SHAPE(shapes[i][0], shapes[i][1]));
        ad_set_num_threads(1);
        ad_array *y = batch_of_threads(x);
        for (int64_t n = 1; n < 40; n++)
            ad_fft_fft(x, .n = n);
        ck_assert(y && memcmp(ad_data(y), ad_data(batch_of_threads(x)), (size_t)ad_size(y) * sizeof(double)) == 0);
        for (int threads = 2; threads <= 3; threads++) {
            ad_set_num_threads(threads);
            ck_assert(memcmp(ad_data(y), ad_data(batch_of_threads(x)), (size_t)ad_size(y) * sizeof(double)) == 0);
        }
        ad_set_num_threads(0);
    }
}
END_TEST

static ad_array *square_sum_of_transforms(ad_array *x)
{
    return ad_sum(ad_square(ad_fft_dct(ad_fft_irfft(ad_fft_fft(x, .n = 6), .n = 9))));
}

static ad_array *gradient_through_transforms(ad_array *x)
{
    return ad_grad(square_sum_of_transforms)(x);
}

/* A batch whose parts have scratch memory of their own. */
static ad_array *transforms_of_columns(ad_array *x)
{
    return ad_fft_fft(ad_broadcast_to(x, AD_SHAPE(200, ad_size(x), 20)), .axis = 0);
}

START_TEST(any_allocation_may_fail)
{
    AD_SCOPE;
    assert_every_allocation_may_fail(gradient_through_transforms, numbers(14));
    assert_every_allocation_may_fail(transforms_of_columns, ad_reshape(numbers(8), AD_SHAPE(8, 1)));
    ad_set_num_threads(1);
    assert_every_allocation_may_fail(transforms_of_columns, ad_reshape(numbers(8), AD_SHAPE(8, 1)));
    ad_set_num_threads(0);
}
END_TEST

static void *transform_in_a_thread(void *result)
{
    AD_SCOPE;
    double sum = 0;
    for (int64_t n = 90; n < 130; n++)
        sum += ad_item(ad_sum(ad_abs(ad_fft_fft(pairs(n)))));
    *(double *)result = ad_failed() ? NAN : sum;
    return NULL;
}

START_TEST(threads_have_their_own_plans)
{
    pthread_t threads[4];
    double sums[4], here;
    transform_in_a_thread(&here);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, transform_in_a_thread, &sums[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 4; i++)
        ck_assert(sums[i] == here);
}
END_TEST

RUN_TESTS("fft", every_length_in_both_precisions_is_right, transforms_are_products_with_the_matrix_of_roots, what_is_transformed_and_back_is_there_again,
          every_option_is_numpys, frequencies_and_shifts_are_numpys, single_precision_stays_and_all_else_is_double,
          batches_in_any_memory_are_the_sequences_one_by_one, an_empty_batch_is_empty_and_an_empty_axis_needs_a_length,
          nan_and_infinity_spread_and_do_not_stop_anything, the_imaginary_parts_that_reals_have_not_are_passed_over,
          what_cannot_be_transformed_is_an_error_that_says_why, reverse_mode_is_the_transpose_of_forward_mode, gradients_are_those_of_closed_forms,
          bits_depend_neither_on_threads_nor_on_what_was_computed_before, any_allocation_may_fail, threads_have_their_own_plans)
