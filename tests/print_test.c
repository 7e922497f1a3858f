/* ad_tostring against what NumPy 2 prints; all expected texts come from it. */
#include "testing.h"
#include <complex.h>

#ifndef CMPLX /* glibc has them for gcc only */
#define CMPLX(x, y)  __builtin_complex((double)(x), (double)(y))
#define CMPLXF(x, y) __builtin_complex((float)(x), (float)(y))
#endif

#define ARRAY(dtype, type, shape, ...) ad_from_data(dtype, (type[]){ __VA_ARGS__ }, shape)

static void prints(ad_array *x, const char *expected)
{
    char *text = ad_tostring(x);
    ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(numbers_get_a_common_width_without_trailing_zeros)
{
    prints(ARRAY(AD_F64, double, AD_SHAPE(3), 1.0, 2.0, 3.0), "[1. 2. 3.]");
    prints(ARRAY(AD_F64, double, AD_SHAPE(3), 1.5, -2.25, 100.0), "[  1.5   -2.25 100.  ]");
    prints(ARRAY(AD_F64, double, AD_SHAPE(2), 0.1234567891, 2.0), "[0.12345679 2.        ]");
    prints(ARRAY(AD_F64, double, AD_SHAPE(2), 0.3333333333333333, 66.66666666666667), "[ 0.33333333 66.66666667]");
    prints(ARRAY(AD_F64, double, AD_SHAPE(2), 0.0, -0.0), "[ 0. -0.]");
    prints(ARRAY(AD_F64, double, AD_SHAPE(2, 2), 1.0, 0.5, 10.0, -3.0),
           "[[ 1.   0.5]\n"
           " [10.  -3. ]]");
}
END_TEST

START_TEST(a_wide_range_is_scientific)
{
    prints(ARRAY(AD_F64, double, AD_SHAPE(2), 1e-05, 1.0), "[1.e-05 1.e+00]");
    prints(ARRAY(AD_F64, double, AD_SHAPE(2), 1.0, 1001.0), "[1.000e+00 1.001e+03]");
    prints(ARRAY(AD_F64, double, AD_SHAPE(2), 1.0, 1000.0), "[   1. 1000.]");
    prints(ARRAY(AD_F64, double, AD_SHAPE(1), 100000000.0), "[1.e+08]");
    prints(ARRAY(AD_F64, double, AD_SHAPE(1), 99999999.0), "[99999999.]");
    prints(ARRAY(AD_F64, double, AD_SHAPE(1), 0.0001), "[0.0001]");
    prints(ARRAY(AD_F64, double, AD_SHAPE(2), 1e-100, 1e+100), "[1.e-100 1.e+100]");
    prints(ARRAY(AD_F64, double, AD_SHAPE(2), 15000000000.0, 22500000000.0), "[1.50e+10 2.25e+10]");
    prints(ARRAY(AD_F64, double, AD_SHAPE(2), 123456789.123, 1.0), "[1.23456789e+08 1.00000000e+00]");
}
END_TEST

START_TEST(nan_and_infinities_fit_in)
{
    prints(ARRAY(AD_F64, double, AD_SHAPE(2), NAN, 1.0), "[nan  1.]");
    prints(ARRAY(AD_F64, double, AD_SHAPE(3), INFINITY, -INFINITY, 1.5), "[ inf -inf  1.5]");
    prints(ARRAY(AD_F64, double, AD_SHAPE(1), NAN), "[nan]");
    prints(ARRAY(AD_F64, double, AD_SHAPE(2), -INFINITY, NAN), "[-inf  nan]");
    prints(ARRAY(AD_F64, double, AD_SHAPE(2), INFINITY, 10000000000.0), "[   inf 1.e+10]");
}
END_TEST

START_TEST(integers_and_bool)
{
    prints(ARRAY(AD_I64, int64_t, AD_SHAPE(3), 1, -20, 300), "[  1 -20 300]");
    prints(ARRAY(AD_I32, int32_t, AD_SHAPE(2), 1, 2), "[1 2]");
    prints(ARRAY(AD_U8, uint8_t, AD_SHAPE(2), 0, 255), "[  0 255]");
    prints(ARRAY(AD_BOOL, uint8_t, AD_SHAPE(2), 1, 0), "[ True False]");
    prints(ARRAY(AD_BOOL, uint8_t, AD_SHAPE(2, 2), 1, 1, 0, 1),
           "[[ True  True]\n"
           " [False  True]]");
    prints(ARRAY(AD_I64, int64_t, AD_SHAPE(1), -9223372036854775807), "[-9223372036854775807]");
}
END_TEST

START_TEST(complex_parts_have_forms_of_their_own)
{
    prints(ARRAY(AD_C128, double _Complex, AD_SHAPE(2), CMPLX(1.0, 2.0), CMPLX(-3.5, -0.25)), "[ 1. +2.j   -3.5-0.25j]");
    prints(ARRAY(AD_C128, double _Complex, AD_SHAPE(2), CMPLX(10000000000.0, 1.0), CMPLX(1.0, 1.0)), "[1.e+10+1.j 1.e+00+1.j]");
    prints(ARRAY(AD_C128, double _Complex, AD_SHAPE(2), CMPLX(NAN, INFINITY), CMPLX(1.0, -INFINITY)), "[nan+infj  1.-infj]");
    prints(ARRAY(AD_C64, float _Complex, AD_SHAPE(2), CMPLXF(1.0f, 0.1f), CMPLXF(2.0f, 0.0f)), "[1.+0.1j 2.+0.j ]");
}
END_TEST

START_TEST(float32_shows_its_own_digits)
{
    prints(ARRAY(AD_F32, float, AD_SHAPE(2), 0.1f, 0.2f), "[0.1 0.2]");
    prints(ARRAY(AD_F32, float, AD_SHAPE(1), 1e+06f), "[1.e+06]");
    prints(ARRAY(AD_F32, float, AD_SHAPE(1), 999999.94f), "[999999.94]");
    prints(ARRAY(AD_F32, float, AD_SHAPE(2), 7.323217e+17f, 1.0f), "[7.323217e+17 1.000000e+00]");
    prints(ARRAY(AD_F32, float, AD_SHAPE(1), 0.33333334f), "[0.33333334]");
}
END_TEST

START_TEST(scalars_are_written_as_python_writes_them)
{
    prints(ARRAY(AD_F64, double, AD_SCALAR_SHAPE, 1.0), "1.0");
    prints(ARRAY(AD_F64, double, AD_SCALAR_SHAPE, 0.1), "0.1");
    prints(ARRAY(AD_F64, double, AD_SCALAR_SHAPE, 1e+16), "1e+16");
    prints(ARRAY(AD_F64, double, AD_SCALAR_SHAPE, 1.2345678901234568e+17), "1.2345678901234568e+17");
    prints(ARRAY(AD_F64, double, AD_SCALAR_SHAPE, 1e-05), "1e-05");
    prints(ARRAY(AD_F64, double, AD_SCALAR_SHAPE, 0.0001), "0.0001");
    prints(ARRAY(AD_F64, double, AD_SCALAR_SHAPE, NAN), "nan");
    prints(ARRAY(AD_F64, double, AD_SCALAR_SHAPE, -INFINITY), "-inf");
    prints(ARRAY(AD_F64, double, AD_SCALAR_SHAPE, -0.0), "-0.0");
    prints(ARRAY(AD_F64, double, AD_SCALAR_SHAPE, 5e-324), "5e-324");
    prints(ARRAY(AD_F64, double, AD_SCALAR_SHAPE, 5.960464477539063e-08), "5.960464477539063e-08");
    prints(ARRAY(AD_F64, double, AD_SCALAR_SHAPE, 1.7976931348623157e+308), "1.7976931348623157e+308");
    prints(ARRAY(AD_F32, float, AD_SCALAR_SHAPE, 0.1f), "0.1");
    prints(ARRAY(AD_F32, float, AD_SCALAR_SHAPE, 1e+06f), "1e+06");
    prints(ARRAY(AD_F32, float, AD_SCALAR_SHAPE, 1e-04f), "1e-04");
    prints(ARRAY(AD_I64, int64_t, AD_SCALAR_SHAPE, 3), "3");
    prints(ARRAY(AD_BOOL, uint8_t, AD_SCALAR_SHAPE, 1), "True");
    prints(ARRAY(AD_C128, double _Complex, AD_SCALAR_SHAPE, CMPLX(1.0, 2.0)), "(1+2j)");
    prints(ARRAY(AD_C128, double _Complex, AD_SCALAR_SHAPE, CMPLX(0.0, 2.0)), "2j");
    prints(ARRAY(AD_C128, double _Complex, AD_SCALAR_SHAPE, CMPLX(-1.5, 0.0)), "(-1.5+0j)");
    prints(ARRAY(AD_C128, double _Complex, AD_SCALAR_SHAPE, CMPLX(NAN, -INFINITY)), "(nan-infj)");
    prints(ARRAY(AD_C128, double _Complex, AD_SCALAR_SHAPE, CMPLX(1e+20, 1e-07)), "(1e+20+1e-07j)");
    prints(ARRAY(AD_C64, float _Complex, AD_SCALAR_SHAPE, CMPLXF(0.1f, 1.0f)), "(0.1+1j)");
}
END_TEST

START_TEST(empty_arrays_are_brackets)
{
    prints(ARRAY(AD_F64, double, AD_SHAPE(0), 0), "[]");
    prints(ARRAY(AD_F64, double, AD_SHAPE(3, 0), 0), "[]");
    prints(ARRAY(AD_I64, int64_t, AD_SHAPE(0, 2), 0), "[]");
}
END_TEST

START_TEST(long_rows_wrap_at_75_columns)
{
    prints(ARRAY(AD_I64, int64_t, AD_SHAPE(30), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29),
           "[ 0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19 20 21 22 23\n"
           " 24 25 26 27 28 29]");
    prints(ARRAY(AD_F64, double, AD_SHAPE(20), 0.0, 0.14285714285714285, 0.2857142857142857, 0.42857142857142855, 0.5714285714285714, 0.7142857142857143,
                 0.8571428571428571, 1.0, 1.1428571428571428, 1.2857142857142858, 1.4285714285714286, 1.5714285714285714, 1.7142857142857142,
                 1.8571428571428572, 2.0, 2.142857142857143, 2.2857142857142856, 2.4285714285714284, 2.5714285714285716, 2.7142857142857144),
           "[0.         0.14285714 0.28571429 0.42857143 0.57142857 0.71428571\n"
           " 0.85714286 1.         1.14285714 1.28571429 1.42857143 1.57142857\n"
           " 1.71428571 1.85714286 2.         2.14285714 2.28571429 2.42857143\n"
           " 2.57142857 2.71428571]");
    prints(ARRAY(AD_F64, double, AD_SHAPE(1, 20), 0.0, 1000000.0, 2000000.0, 3000000.0, 4000000.0, 5000000.0, 6000000.0, 7000000.0, 8000000.0, 9000000.0,
                 10000000.0, 11000000.0, 12000000.0, 13000000.0, 14000000.0, 15000000.0, 16000000.0, 17000000.0, 18000000.0, 19000000.0),
           "[[       0.  1000000.  2000000.  3000000.  4000000.  5000000.  6000000.\n"
           "   7000000.  8000000.  9000000. 10000000. 11000000. 12000000. 13000000.\n"
           "  14000000. 15000000. 16000000. 17000000. 18000000. 19000000.]]");
    prints(ARRAY(AD_C128, double _Complex, AD_SHAPE(12), CMPLX(0.0, 1.0), CMPLX(1.0, 1.0), CMPLX(2.0, 1.0), CMPLX(3.0, 1.0), CMPLX(4.0, 1.0), CMPLX(5.0, 1.0),
                 CMPLX(6.0, 1.0), CMPLX(7.0, 1.0), CMPLX(8.0, 1.0), CMPLX(9.0, 1.0), CMPLX(10.0, 1.0), CMPLX(11.0, 1.0)),
           "[ 0.+1.j  1.+1.j  2.+1.j  3.+1.j  4.+1.j  5.+1.j  6.+1.j  7.+1.j  8.+1.j\n"
           "  9.+1.j 10.+1.j 11.+1.j]");
}
END_TEST

START_TEST(higher_dimensions_are_separated_by_blank_lines)
{
    prints(ARRAY(AD_I64, int64_t, AD_SHAPE(2, 2, 2), 0, 1, 2, 3, 4, 5, 6, 7),
           "[[[0 1]\n"
           "  [2 3]]\n"
           "\n"
           " [[4 5]\n"
           "  [6 7]]]");
    prints(ARRAY(AD_I64, int64_t, AD_SHAPE(2, 1, 1, 2), 0, 1, 2, 3),
           "[[[[0 1]]]\n"
           "\n"
           "\n"
           " [[[2 3]]]]");
}
END_TEST

/* 0, 1, 2, ... */
static ad_array *count_up(ad_shape shape)
{
    int64_t size = ad_shape_size(shape), *values = malloc((size_t)size * sizeof *values);
    for (int64_t i = 0; i < size; i++)
        values[i] = i;
    ad_array *x = ad_from_data(AD_I64, values, shape);
    free(values);
    return x;
}

START_TEST(more_than_1000_elements_are_summarised)
{
    prints(count_up(AD_SHAPE(1001)), "[   0    1    2 ...  998  999 1000]");
    prints(count_up(AD_SHAPE(7, 300)),
           "[[   0    1    2 ...  297  298  299]\n"
           " [ 300  301  302 ...  597  598  599]\n"
           " [ 600  601  602 ...  897  898  899]\n"
           " ...\n"
           " [1200 1201 1202 ... 1497 1498 1499]\n"
           " [1500 1501 1502 ... 1797 1798 1799]\n"
           " [1800 1801 1802 ... 2097 2098 2099]]");
}
END_TEST

START_TEST(strided_views_print_in_their_order)
{
    prints(ad_transpose(count_up(AD_SHAPE(2, 3))), "[[0 3]\n [1 4]\n [2 5]]");
}
END_TEST

START_TEST(printing_null_gives_nothing_and_leaves_an_error)
{
    assert_fails(ad_tostring(NULL), AD_ERROR_VALUE, "ad_tostring: the array is NULL");
    ad_print(NULL);
    assert_fails(!ad_failed(), AD_ERROR_VALUE, "ad_print: the array is NULL");
}
END_TEST

START_TEST(fprint_adds_a_newline)
{
    char text[32] = "";
    FILE *stream = tmpfile();
    ad_fprint(stream, ad_scalar(0.5));
    rewind(stream);
    ck_assert_ptr_nonnull(fgets(text, sizeof text, stream));
    ck_assert_str_eq(text, "0.5\n");
    fclose(stream);
}
END_TEST

RUN_TESTS("print", numbers_get_a_common_width_without_trailing_zeros, a_wide_range_is_scientific, nan_and_infinities_fit_in,
          integers_and_bool, complex_parts_have_forms_of_their_own, float32_shows_its_own_digits, scalars_are_written_as_python_writes_them,
          empty_arrays_are_brackets, long_rows_wrap_at_75_columns, higher_dimensions_are_separated_by_blank_lines,
          more_than_1000_elements_are_summarised, strided_views_print_in_their_order, printing_null_gives_nothing_and_leaves_an_error, fprint_adds_a_newline)
