/* What is refused as an index, and the sentences that say so. */
#include "indexing.h"
#include <complex.h>

START_TEST(unreadable_indices_name_the_place)
{
    AD_SCOPE;
    ad_array *x = counting(AD_SHAPE(3, 4));
    char long_text[600];
    memset(long_text, ' ', sizeof long_text);
    long_text[sizeof long_text - 1] = '\0';
    assert_fails(ad_at(x, "%s", ""), AD_ERROR_INDEX, "ad_at: index \"\": nothing to read at \"\"");
    assert_fails(ad_at(x, "  "), AD_ERROR_INDEX, "nothing to read");
    assert_fails(ad_at(x, "1, x"), AD_ERROR_INDEX, "index \"1, x\": an integer, a slice, None or ... is expected at \"x\"");
    assert_fails(ad_at(x, "1 2"), AD_ERROR_INDEX, "a comma is expected at \"2\"");
    assert_fails(ad_at(x, "1.5"), AD_ERROR_INDEX, "a comma is expected at \".5\"");
    assert_fails(ad_at(x, "0:1:2:3"), AD_ERROR_INDEX, "at \":3\"");
    assert_fails(ad_at(x, "1,,2"), AD_ERROR_INDEX, "is expected at \",2\"");
    assert_fails(ad_at(x, ","), AD_ERROR_INDEX, "is expected at \",\"");
    assert_fails(ad_at(x, "- 1"), AD_ERROR_INDEX, "at \"- 1\"");
    assert_fails(ad_at(x, "None1"), AD_ERROR_INDEX, "at \"None1\"");
    assert_fails(ad_at(x, "..:"), AD_ERROR_INDEX, "at \"..:\"");
    assert_fails(ad_at(x, "[0, 1]"), AD_ERROR_INDEX, "at \"[0, 1]\"");
    assert_fails(ad_at(x, "0, 99999999999999999999"), AD_ERROR_INDEX, "an integer out of range at \"99999999999999999999\"");
    assert_fails(ad_at(x, ":-9223372036854775808"), AD_ERROR_INDEX, "out of range at \"-9223372036854775808\"");
    assert_fails(ad_at(x, "::9223372036854775808"), AD_ERROR_INDEX, "out of range");
    assert_fails(ad_at(x, "%s", long_text), AD_ERROR_INDEX, "longer than 511 characters");
    memset(long_text, ',', 200);
    for (int i = 0; i < 200; i += 2)
        long_text[i] = '0';
    long_text[199] = '\0';
    assert_fails(ad_at(x, "%s", long_text), AD_ERROR_INDEX, "too many entries");
    assert_fails(ad_at_set(x, 1, "a"), AD_ERROR_INDEX, "ad_at_set: index \"a\"");
    const char *volatile absent = NULL;
    assert_fails((ad_at)(x, absent, 0), AD_ERROR_INDEX, "the index is NULL");
}
END_TEST

START_TEST(indices_that_do_not_fit_name_axis_and_shape)
{
    AD_SCOPE;
    ad_array *x = counting(AD_SHAPE(3, 4));
    assert_fails(ad_at(x, "3"), AD_ERROR_INDEX, "ad_at: index 3 is out of bounds for axis 0 of length 3");
    assert_fails(ad_at(x, "0, None, -5"), AD_ERROR_INDEX, "index -5 is out of bounds for axis 1 of length 4");
    assert_fails(ad_at(x, "9223372036854775807"), AD_ERROR_INDEX, "index 9223372036854775807 is out of bounds");
    assert_fails(ad_at(x, "0, 0, :"), AD_ERROR_INDEX, "3 indices are too many for an array of shape (3,4)");
    assert_fails(ad_at(x, "..., 0, ..."), AD_ERROR_INDEX, "only one ...");
    assert_fails(ad_at(x, "::0"), AD_ERROR_INDEX, "a slice cannot have the step 0");
    assert_fails(ad_at_list(x, AD_INDICES((ad_index){ 0 })), AD_ERROR_INDEX, "ad_at_list: a slice cannot have the step 0");
    assert_fails(ad_at_list(x, AD_INDICES(AD_SLICE_BY(0, 1, INT64_MIN))), AD_ERROR_INDEX, "a slice cannot have the step -9223372036854775808");
    assert_fails(ad_at_mul(x, 2, "3"), AD_ERROR_INDEX, "ad_at_mul: index 3");
    assert_fails(ad_slice_axis(x, 1, 2, 3, 1), AD_ERROR_INDEX, "3 elements from 2 on, 1 apart, are not within axis 1 of length 4");
    assert_fails(ad_slice_axis(x, 0, 2, 2, INT64_MAX), AD_ERROR_INDEX, "not within axis 0");
    assert_fails(ad_slice_axis(x, 0, 0, 1, 0), AD_ERROR_INDEX, "0 apart");
    assert_fails(ad_slice_axis(x, 0, 0, -1, 1), AD_ERROR_INDEX, "-1 elements");
    assert_fails(ad_slice_axis(x, 2, 0, 1, 1), AD_ERROR_AXIS, "2");
    ad_index_list many = { .count = 31 };
    for (int i = 0; i < many.count; i++)
        many.index[i] = AD_NEW_AXIS;
    assert_fails(ad_at_list(x, many), AD_ERROR_SHAPE, "more than 32 dimensions");
    many.index[30] = AD_INTEGER(0);
    ck_assert_int_eq(ad_ndim(ad_at_list(x, many)), 31);
    many.index[29] = AD_PICK(INTEGERS(AD_SHAPE(1), 0));
    ck_assert_int_eq(ad_ndim(ad_at_list(x, many)), 30);
}
END_TEST

START_TEST(index_arrays_that_do_not_fit_say_why)
{
    AD_SCOPE;
    ad_array *x = counting(AD_SHAPE(3, 4)), *pair = INTEGERS(AD_SHAPE(2), 0, 1), *three = INTEGERS(AD_SHAPE(3), 0, 1, 2);
    assert_fails(ad_at_list(x, AD_INDICES(AD_NEW_AXIS, AD_SLICE_ALL, AD_PICK(INTEGERS(AD_SHAPE(2), 1, 4)))), AD_ERROR_INDEX,
                 "ad_at_list: index 4 is out of bounds for axis 1 of length 4");
    assert_fails(ad_at_list(x, AD_INDICES(AD_NEW_AXIS, AD_PICK(pair), AD_INTEGER(-5))), AD_ERROR_INDEX, "index -5 is out of bounds for axis 1 of length 4");
    assert_fails(ad_at_list(x, AD_INDICES(AD_PICK(pair), AD_PICK(three))), AD_ERROR_SHAPE, "(3,) does not broadcast");
    assert_fails(ad_at_list(x, AD_INDICES(AD_PICK(VECTOR(0, 1)))), AD_ERROR_DTYPE, "an index of dtype float64");
    assert_fails(ad_at_list(x, AD_INDICES(AD_PICK(ad_mul(pair, I)))), AD_ERROR_DTYPE, "complex128");
    assert_fails(ad_at_list(x, AD_INDICES(AD_SLICE_ALL, AD_PICK(NULL))), AD_ERROR_INDEX, "entry 1 of the index is a NULL array");
    assert_fails(ad_at_list(x, AD_INDICES(AD_PICK(MASK(AD_SHAPE(4), 1, 1, 1, 1)))), AD_ERROR_INDEX, "a mask of shape (4,) does not fit axis 0, of length 3");
    assert_fails(ad_at_list(x, AD_INDICES(AD_NEW_AXIS, AD_PICK(ad_zeros(AD_SHAPE(3, 3), .dtype = AD_BOOL)))), AD_ERROR_INDEX,
                 "a mask of shape (3,3) does not fit axis 1, of length 4");
    assert_fails(ad_at_list(x, AD_INDICES(AD_INTEGER(0), AD_PICK(ad_zeros(AD_SHAPE(3, 4), .dtype = AD_BOOL)))), AD_ERROR_INDEX, "3 indices");
    assert_fails(ad_at_list(x, AD_INDICES(AD_PICK(ad_astype(1, AD_BOOL)))), AD_ERROR_INDEX, "a bool without axes");
    assert_fails(ad_take(x, 12), AD_ERROR_INDEX, "ad_take: index 12 is out of bounds for axis 0 of length 12");
    assert_fails(ad_take(x, INTEGERS(AD_SHAPE(1), -5), .axis = 1), AD_ERROR_INDEX, "index -5 is out of bounds for axis 1");
    assert_fails(ad_take(x, pair, .axis = 2), AD_ERROR_AXIS, "2");
    assert_fails(ad_take(x, MASK(AD_SHAPE(1), 1)), AD_ERROR_DTYPE, "bool");
    assert_fails(ad_take(x, 0.5), AD_ERROR_DTYPE, "float64");
    assert_fails(ad_take(ad_zeros(AD_SHAPE(1, 1)), ad_zeros((ad_shape){ .ndim = 32 }, .dtype = AD_I64), .axis = 0), AD_ERROR_SHAPE, "33 dimensions");
    assert_fails(ad_take_along_axis(x, pair, 1), AD_ERROR_SHAPE, "(2,) for an array of shape (3,4)");
    assert_fails(ad_take_along_axis(x, ad_at(pair, ":, None"), 1), AD_ERROR_SHAPE, "(2,1) does not broadcast with an array of shape (3,4) beside axis 1");
    assert_fails(ad_take_along_axis(x, INTEGERS(AD_SHAPE(1, 1), 4), 1), AD_ERROR_INDEX, "ad_take_along_axis: index 4 is out of bounds for axis 1");
    assert_fails(ad_take_along_axis(x, INTEGERS(AD_SHAPE(1, 1), 4), -3), AD_ERROR_AXIS, "-3");
    assert_fails(ad_compress(MASK(AD_SHAPE(4), 1, 0, 0, 1), x, .axis = 0), AD_ERROR_INDEX, "ad_compress: index 3 is out of bounds for axis 0 of length 3");
    assert_fails(ad_compress(x, x), AD_ERROR_SHAPE, "a condition of shape (3,4)");
}
END_TEST

START_TEST(values_that_do_not_fit_say_why)
{
    AD_SCOPE;
    ad_array *x = counting(AD_SHAPE(3, 4)), *pair = INTEGERS(AD_SHAPE(2), 0, 1), *three = VECTOR(1, 2, 3);
    assert_fails(ad_at_set(x, three, "0, :2"), AD_ERROR_SHAPE, "ad_at_set: a value of shape (3,) does not broadcast to the places' shape (2,)");
    assert_fails(ad_at_add(x, three, "0, 0"), AD_ERROR_SHAPE, "(3,) does not broadcast to the places' shape ()");
    assert_fails(ad_at_max_list(x, three, AD_INDICES(AD_PICK(pair))), AD_ERROR_SHAPE, "ad_at_max_list: a value of shape (3,)");
    assert_fails(ad_at_set(x, I, "0"), AD_ERROR_DTYPE, "a value of dtype complex128 into an array of dtype float64");
    assert_fails(ad_at_add(ad_arange(3), ad_mul(three, I), "..."), AD_ERROR_DTYPE, "complex128 into an array of dtype int64");
    assert_fails(ad_put_add(x, pair, three), AD_ERROR_SHAPE, "ad_put_add: a value of shape (3,)");
    assert_fails(ad_put_set(x, pair, ad_at(three, "None"), .axis = 1), AD_ERROR_SHAPE, "to the places' shape (3,2)");
    assert_fails(ad_put_set(x, 3, 1, .axis = 0), AD_ERROR_INDEX, "ad_put_set: index 3 is out of bounds for axis 0");
    assert_fails(ad_put_along_axis(x, INTEGERS(AD_SHAPE(3, 1), 0, 1, 2), three, 1), AD_ERROR_SHAPE, "ad_put_along_axis: a value of shape (3,)");
    assert_fails(ad_put_along_axis(x, pair, 1, 0), AD_ERROR_SHAPE, "(2,)");
}
END_TEST

START_TEST(null_passes_through_and_keeps_the_first_error)
{
    AD_SCOPE;
    ad_array *x = counting(AD_SHAPE(3)), *absent = NULL;
    assert_fails(ad_at(absent, "unreadable"), AD_ERROR_VALUE, "ad_at: the array is NULL");
    ad_set_error(AD_ERROR_USER, "the first error");
    ck_assert(!ad_at(absent, "unreadable") && !ad_at_list(absent, AD_INDICES(AD_REST)) && !ad_slice_axis(absent, 0, 0, 0, 0));
    ck_assert(!ad_take(absent, 0) && !ad_take(x, absent) && !ad_take_along_axis(x, absent, 0) && !ad_compress(absent, x) && !ad_compress(x, absent));
    ck_assert(!ad_flatnonzero(absent) && !ad_one_hot(absent, 3) && !ad_at_set(x, absent, "0") && !ad_at_mul_list(absent, 1, AD_INDICES(AD_REST)));
    ck_assert(!ad_put_add(x, absent, 1) && !ad_put_set(x, 0, absent) && !ad_put_along_axis(x, absent, 1, 0));
    ck_assert_str_eq(ad_error_message(), "the first error");
    ad_clear_error();
    assert_fails(ad_at_list(x, AD_INDICES(AD_PICK(ad_at(x, "7")))), AD_ERROR_INDEX, "ad_at: index 7");
}
END_TEST

RUN_TESTS("index_errors", unreadable_indices_name_the_place, indices_that_do_not_fit_name_axis_and_shape,
          index_arrays_that_do_not_fit_say_why, values_that_do_not_fit_say_why,
          null_passes_through_and_keeps_the_first_error)
