/* Indexing: what is read as NumPy reads it, updates of the same places, derivatives, errors that say what was asked
 * for. */
#include "indexing.h"
#include <complex.h>

#define assert_shape(x, shape) ck_assert_msg(x && ad_shape_equal(ad_shape_of(x), shape), "%s: another shape, or %s", #x, ad_error_message())

/* ---- strings ---- */

START_TEST(integers_take_an_axis_away)
{
    AD_SCOPE;
    ad_array *x = counting(AD_SHAPE(2, 3, 4));
    assert_array(ad_at(x, "0, -1, 3"), AD_SCALAR_SHAPE, 0, 11);
    assert_array(ad_at(x, "1, 2"), AD_SHAPE(4), 0, 20, 21, 22, 23);
    assert_array(ad_at(x, ":, +1, -4"), AD_SHAPE(2), 0, 4, 16);
    assert_shape(ad_at(x, "-2"), AD_SHAPE(3, 4));
}
END_TEST

START_TEST(slices_are_cut_to_the_axis_as_in_python)
{
    AD_SCOPE;
    ad_array *v = counting(AD_SHAPE(6));
    assert_array(ad_at(v, ":"), AD_SHAPE(6), 0, 0, 1, 2, 3, 4, 5);
    assert_array(ad_at(v, "::"), AD_SHAPE(6), 0, 0, 1, 2, 3, 4, 5);
    assert_array(ad_at(v, "1:3"), AD_SHAPE(2), 0, 1, 2);
    assert_array(ad_at(v, "-2:"), AD_SHAPE(2), 0, 4, 5);
    assert_array(ad_at(v, ":-1:2"), AD_SHAPE(3), 0, 0, 2, 4);
    assert_array(ad_at(v, "::7"), AD_SHAPE(1), 0, 0);
    assert_array(ad_at(v, "-100:2"), AD_SHAPE(2), 0, 0, 1);
    assert_array(ad_at(v, "::-1"), AD_SHAPE(6), 0, 5, 4, 3, 2, 1, 0);
    assert_array(ad_at(v, ":3:-1"), AD_SHAPE(2), 0, 5, 4);
    assert_array(ad_at(v, "3::-1"), AD_SHAPE(4), 0, 3, 2, 1, 0);
    assert_array(ad_at(v, "4:-100:-2"), AD_SHAPE(3), 0, 4, 2, 0);
    assert_array(ad_at(v, "100::-3"), AD_SHAPE(2), 0, 5, 2);
    assert_array(ad_at(v, "-2:1:-1"), AD_SHAPE(3), 0, 4, 3, 2);
    assert_array(ad_at(v, "1:%ld:%ld", 4611686018427387904L, 4611686018427387904L), AD_SHAPE(1), 0, 1);
    assert_array(ad_at(v, "4::-9223372036854775807"), AD_SHAPE(1), 0, 4);
    assert_shape(ad_at(v, "100:"), AD_SHAPE(0));
    assert_shape(ad_at(v, "5:2"), AD_SHAPE(0));
    assert_shape(ad_at(v, "2:5:-1"), AD_SHAPE(0));
}
END_TEST

START_TEST(an_ellipsis_stands_for_the_axes_that_are_missing)
{
    AD_SCOPE;
    ad_array *x = counting(AD_SHAPE(2, 3, 4));
    assert_array(ad_at(x, "1, ..., 0"), AD_SHAPE(3), 0, 12, 16, 20);
    assert_array(ad_at(x, "..., 1, 1"), AD_SHAPE(2), 0, 5, 17);
    assert_array(ad_at(x, "1, ..., 1, 1"), AD_SCALAR_SHAPE, 0, 17);
    assert_shape(ad_at(x, "..."), AD_SHAPE(2, 3, 4));
    assert_shape(ad_at(x, "..., 1:3"), AD_SHAPE(2, 3, 2));
    assert_shape(ad_at(x, "0, ..., None"), AD_SHAPE(3, 4, 1));
}
END_TEST

START_TEST(none_makes_an_axis)
{
    AD_SCOPE;
    ad_array *x = counting(AD_SHAPE(2, 3, 4));
    assert_array(ad_at(x, "0, None, :, 2"), AD_SHAPE(1, 3), 0, 2, 6, 10);
    assert_shape(ad_at(x, "newaxis, ..., None"), AD_SHAPE(1, 2, 3, 4, 1));
    assert_shape(ad_at(x, ":, :, None, 0"), AD_SHAPE(2, 3, 1));
    assert_array(ad_at(7, "None, None"), AD_SHAPE(1, 1), 0, 7);
}
END_TEST

START_TEST(blanks_and_a_last_comma_mean_nothing)
{
    AD_SCOPE;
    ad_array *x = counting(AD_SHAPE(3, 4));
    assert_array(ad_at(x, " 1 ,\t2\n"), AD_SCALAR_SHAPE, 0, 6);
    assert_array(ad_at(x, "1,"), AD_SHAPE(4), 0, 4, 5, 6, 7);
    assert_array(ad_at(x, " : : 2 , 0 , "), AD_SHAPE(2), 0, 0, 8);
    assert_array(ad_at(x, "None,...,1,"), AD_SHAPE(1, 3), 0, 1, 5, 9);
}
END_TEST

START_TEST(integers_come_from_the_program)
{
    AD_SCOPE;
    ad_array *x = counting(AD_SHAPE(3, 4));
    int low = 1;
    long high = -1;
    assert_array(ad_at(x, "%d, %d:%ld", low, low, high), AD_SHAPE(2), 0, 5, 6);
    for (int i = 0; i < 3; i++)
        assert_close(ad_item(ad_at(x, "%d, %d", i, -i - 1)), 4 * i + 3 - i, 0);
    assert_fails(ad_at(x, "%d", INT_MIN), AD_ERROR_INDEX, "index -2147483648 is out of bounds");
    assert_fails(ad_at(x, "%d", INT_MAX), AD_ERROR_INDEX, "index 2147483647 is out of bounds");
    assert_fails(ad_at(x, "%d%d", 1, 0), AD_ERROR_INDEX, "index 10 is out of bounds");
    assert_array(ad_at(x, "%+d, %3d", 1, 2), AD_SHAPE(), 0, 6);
    assert_array(ad_at_set(x, 9, "%d, %ld:", 0, 2L), AD_SHAPE(3, 4), 0, 0, 1, 9, 9, 4, 5, 6, 7, 8, 9, 10, 11);
}
END_TEST

START_TEST(integers_and_slices_share_memory)
{
    AD_SCOPE;
    ad_array *x = counting(AD_SHAPE(1000, 1000));
    const double *data = ad_data(x);
    ad_memory_usage before, after;
    ck_assert(ad_data(ad_at(x, "1")) == data + 1000);
    ck_assert(ad_data(ad_at(x, "-3:, None")) == data + 997000);
    ck_assert(ad_data(ad_at(x, "2, 3:7")) == data + 2003);
    ck_assert(ad_at(x, "...") == x && ad_at(x, ":, 0:1000") == x);
    ad_memory_stats(&before);
    ck_assert(ad_at(x, "::-2, None, 5:") && ad_slice_axis(x, 1, 999, 500, -2) && ad_at_list(x, AD_INDICES(AD_REST, AD_SLICE_BY(0, 900, 3))));
    ad_memory_stats(&after);
    ck_assert_int_lt(after.live - before.live, 3000);
}
END_TEST

START_TEST(slice_axis_takes_so_many_elements)
{
    AD_SCOPE;
    ad_array *x = counting(AD_SHAPE(3, 4));
    assert_array(ad_slice_axis(x, 0, 1, 2, 1), AD_SHAPE(2, 4), 0, 4, 5, 6, 7, 8, 9, 10, 11);
    assert_array(ad_slice_axis(x, -1, 3, 2, -2), AD_SHAPE(3, 2), 0, 3, 1, 7, 5, 11, 9);
    assert_array(ad_slice_axis(x, 1, 2, 1, INT64_MAX), AD_SHAPE(3, 1), 0, 2, 6, 10);
    assert_shape(ad_slice_axis(x, 1, 100, 0, 1), AD_SHAPE(3, 0));
}
END_TEST

/* ---- lists and index arrays ---- */

START_TEST(lists_say_what_strings_say)
{
    AD_SCOPE;
    ad_array *x = counting(AD_SHAPE(2, 3, 4));
    assert_array(ad_at_list(x, AD_INDICES(AD_INTEGER(0), AD_NEW_AXIS, AD_SLICE_ALL, AD_INTEGER(2))), AD_SHAPE(1, 3), 0, 2, 6, 10);
    assert_array(ad_at_list(x, AD_INDICES(AD_SLICE_BY(AD_NO_INDEX, AD_NO_INDEX, -1), AD_INTEGER(1), AD_SLICE_BY(0, 4, 2))), AD_SHAPE(2, 2), 0, 16, 18, 4, 6);
    assert_array(ad_at_list(x, AD_INDICES(AD_REST, AD_SLICE(1, 2), AD_INTEGER(-1))), AD_SHAPE(2, 1), 0, 7, 19);
    ck_assert(ad_at_list(x, (ad_index_list){ .count = 0 }) == x);
}
END_TEST

START_TEST(one_index_array_stands_in_place_of_its_axis)
{
    AD_SCOPE;
    ad_array *x = counting(AD_SHAPE(3, 4)), *rows = INTEGERS(AD_SHAPE(3), 2, 0, -1), *square = INTEGERS(AD_SHAPE(2, 2), 0, -1, 1, 1);
    assert_array(ad_at_list(x, AD_INDICES(AD_PICK(rows))), AD_SHAPE(3, 4), 0, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11);
    assert_array(ad_at_list(x, AD_INDICES(AD_SLICE(0, 2), AD_PICK(square))), AD_SHAPE(2, 2, 2), 0, 0, 3, 1, 1, 4, 7, 5, 5);
    assert_array(ad_at_list(x, AD_INDICES(AD_REST, AD_PICK(square))), AD_SHAPE(3, 2, 2), 0, 0, 3, 1, 1, 4, 7, 5, 5, 8, 11, 9, 9);
    assert_array(ad_at_list(x, AD_INDICES(AD_PICK(INTEGERS(AD_SCALAR_SHAPE, 1)))), AD_SHAPE(4), 0, 4, 5, 6, 7);
    assert_array(ad_at_list(x, AD_INDICES(AD_PICK(ad_astype(rows, AD_I32)), AD_INTEGER(0))), AD_SHAPE(3), 0, 8, 0, 8);
    assert_array(ad_at_list(x, AD_INDICES(AD_PICK(ad_from_data(AD_U8, (uint8_t[]){ 2, 1 }, AD_SHAPE(2))), AD_INTEGER(0))), AD_SHAPE(2), 0, 8, 4);
    assert_array(ad_at_list(ad_transpose(x), AD_INDICES(AD_PICK(ad_flip(rows)), AD_INTEGER(1))), AD_SHAPE(3), 0, 7, 4, 6);
}
END_TEST

START_TEST(index_arrays_broadcast_together)
{
    AD_SCOPE;
    ad_array *m = counting(AD_SHAPE(3, 4)), *x = counting(AD_SHAPE(2, 3, 4)), *pair = INTEGERS(AD_SHAPE(2), 0, 2);
    assert_array(ad_at_list(m, AD_INDICES(AD_PICK(pair), AD_PICK(INTEGERS(AD_SHAPE(2, 1), 1, -1)))), AD_SHAPE(2, 2), 0, 1, 9, 3, 11);
    assert_array(ad_at_list(x, AD_INDICES(AD_SLICE_ALL, AD_PICK(INTEGERS(AD_SHAPE(2), 2, 0)), AD_PICK(INTEGERS(AD_SHAPE(2), 1, 3)))), AD_SHAPE(2, 2), 0,
                 9, 3, 21, 15);
    assert_array(ad_at_list(x, AD_INDICES(AD_PICK(INTEGERS(AD_SHAPE(1), -1)), AD_PICK(pair), AD_PICK(pair))), AD_SHAPE(2), 0, 12, 22);
}
END_TEST

START_TEST(index_arrays_that_are_apart_put_their_axes_first)
{
    AD_SCOPE;
    ad_array *x = counting(AD_SHAPE(2, 3, 4)), *a = INTEGERS(AD_SHAPE(2), 1, 0), *b = INTEGERS(AD_SHAPE(2), 3, 0);
    ad_array *column = INTEGERS(AD_SHAPE(2, 1), 3, 0);
    assert_array(ad_at_list(x, AD_INDICES(AD_PICK(a), AD_SLICE_ALL, AD_PICK(b))), AD_SHAPE(2, 3), 0, 15, 19, 23, 0, 4, 8);
    assert_array(ad_at_list(x, AD_INDICES(AD_INTEGER(0), AD_SLICE_ALL, AD_PICK(b))), AD_SHAPE(2, 3), 0, 3, 7, 11, 0, 4, 8);
    assert_array(ad_at_list(x, AD_INDICES(AD_SLICE_ALL, AD_INTEGER(0), AD_PICK(b))), AD_SHAPE(2, 2), 0, 3, 0, 15, 12);
    assert_array(ad_at_list(x, AD_INDICES(AD_INTEGER(1), AD_REST, AD_PICK(b))), AD_SHAPE(2, 3), 0, 15, 19, 23, 12, 16, 20);
    assert_array(ad_at_list(x, AD_INDICES(AD_INTEGER(1), AD_SLICE_BY(AD_NO_INDEX, AD_NO_INDEX, -1), AD_PICK(column))), AD_SHAPE(2, 1, 3), 0, 23, 19, 15, 20,
                 16, 12);
    assert_array(ad_at_list(x, AD_INDICES(AD_PICK(a), AD_NEW_AXIS, AD_PICK(INTEGERS(AD_SHAPE(2), 0, 2)), AD_INTEGER(1))), AD_SHAPE(2, 1), 0, 13, 9);
    assert_array(ad_at_list(x, AD_INDICES(AD_NEW_AXIS, AD_PICK(a), AD_SLICE_BY(0, 3, 2), AD_INTEGER(-1))), AD_SHAPE(2, 1, 2), 0, 15, 23, 3, 11);
    /* An ellipsis for no axis separates too. */
    assert_array(ad_at_list(x, AD_INDICES(AD_SLICE_ALL, AD_PICK(INTEGERS(AD_SHAPE(1), 1)), AD_REST, AD_INTEGER(0))), AD_SHAPE(1, 2), 0, 4, 16);
}
END_TEST

START_TEST(masks_pick_where_they_are_true)
{
    AD_SCOPE;
    ad_array *m = counting(AD_SHAPE(3, 4)), *x = counting(AD_SHAPE(2, 3, 4)), *rows = MASK(AD_SHAPE(3), 1, 0, 1);
    ad_array *corner = MASK(AD_SHAPE(2, 3), 1, 0, 0, 0, 0, 1), *a = INTEGERS(AD_SHAPE(2), 1, 0);
    assert_array(ad_at_list(m, AD_INDICES(AD_PICK(rows), AD_SLICE(1, 3))), AD_SHAPE(2, 2), 0, 1, 2, 9, 10);
    assert_array(ad_at_list(m, AD_INDICES(AD_PICK(ad_greater(m, 6)))), AD_SHAPE(5), 0, 7, 8, 9, 10, 11);
    assert_array(ad_at_list(x, AD_INDICES(AD_SLICE_ALL, AD_PICK(ad_equal(ad_mod(m, 5), 1)))), AD_SHAPE(2, 3), 0, 1, 6, 11, 13, 18, 23);
    assert_array(ad_at_list(x, AD_INDICES(AD_PICK(a), AD_PICK(rows))), AD_SHAPE(2, 4), 0, 12, 13, 14, 15, 8, 9, 10, 11);
    assert_array(ad_at_list(x, AD_INDICES(AD_PICK(corner))), AD_SHAPE(2, 4), 0, 0, 1, 2, 3, 20, 21, 22, 23);
    assert_array(ad_at_list(x, AD_INDICES(AD_PICK(corner), AD_PICK(INTEGERS(AD_SHAPE(2), 0, 3)))), AD_SHAPE(2), 0, 0, 23);
    assert_array(ad_at_list(x, AD_INDICES(AD_PICK(a), AD_SLICE_ALL, AD_PICK(MASK(AD_SHAPE(4), 1, 0, 0, 1)))), AD_SHAPE(2, 3), 0, 12, 16, 20, 3, 7, 11);
    assert_array(ad_at_list(ad_transpose(m), AD_INDICES(AD_PICK(ad_transpose(ad_less(m, 2))))), AD_SHAPE(2), 0, 0, 1);
}
END_TEST

START_TEST(empty_masks_and_index_arrays_give_empty_arrays)
{
    AD_SCOPE;
    ad_array *m = counting(AD_SHAPE(3, 4)), *none = ad_zeros(AD_SHAPE(0), .dtype = AD_I64), *nothing = ad_zeros(AD_SHAPE(3, 4), .dtype = AD_BOOL);
    assert_shape(ad_at_list(m, AD_INDICES(AD_PICK(nothing))), AD_SHAPE(0));
    assert_shape(ad_at_list(m, AD_INDICES(AD_PICK(ad_at(nothing, ":, 0")))), AD_SHAPE(0, 4));
    assert_shape(ad_at_list(m, AD_INDICES(AD_SLICE_ALL, AD_PICK(none))), AD_SHAPE(3, 0));
    assert_shape(ad_at_list(ad_zeros(AD_SHAPE(0, 4)), AD_INDICES(AD_PICK(ad_zeros(AD_SHAPE(0, 4), .dtype = AD_BOOL)))), AD_SHAPE(0));
    assert_array(ad_at_set_list(m, 9, AD_INDICES(AD_PICK(nothing))), AD_SHAPE(3, 4), 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
    assert_array(ad_at_mul_list(m, VECTOR(9), AD_INDICES(AD_PICK(none), AD_INTEGER(0))), AD_SHAPE(3, 4), 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
}
END_TEST

/* ---- functions of index arrays ---- */

START_TEST(take_along_any_axis_or_of_the_flattened_array)
{
    AD_SCOPE;
    ad_array *m = counting(AD_SHAPE(3, 4)), *x = counting(AD_SHAPE(2, 3, 4));
    assert_array(ad_take(m, INTEGERS(AD_SHAPE(2, 2), 0, -1, 5, 2)), AD_SHAPE(2, 2), 0, 0, 11, 5, 2);
    assert_array((ad_take)(m, INTEGERS(AD_SHAPE(1), 4)), AD_SHAPE(1), 0, 4);
    assert_array(ad_take(m, -5), AD_SCALAR_SHAPE, 0, 7);
    assert_array(ad_take(m, 1, .axis = 0), AD_SHAPE(4), 0, 4, 5, 6, 7);
    assert_array(ad_take(m, INTEGERS(AD_SHAPE(3), 2, 0, 0), .axis = 0), AD_SHAPE(3, 4), 0, 8, 9, 10, 11, 0, 1, 2, 3, 0, 1, 2, 3);
    assert_array(ad_take(m, INTEGERS(AD_SHAPE(2, 1), 3, -4), .axis = -1), AD_SHAPE(3, 2, 1), 0, 3, 0, 7, 4, 11, 8);
    assert_array(ad_take(x, INTEGERS(AD_SHAPE(2), 1, 0), .axis = 1), AD_SHAPE(2, 2, 4), 0, 4, 5, 6, 7, 0, 1, 2, 3, 16, 17, 18, 19, 12, 13, 14, 15);
    assert_array(ad_take(5, INTEGERS(AD_SHAPE(3), 0, -1, 0)), AD_SHAPE(3), 0, 5, 5, 5);
    assert_shape(ad_take(m, ad_zeros(AD_SHAPE(0, 2), .dtype = AD_I32), .axis = 0), AD_SHAPE(0, 2, 4));
    assert_shape(ad_take(ad_zeros(AD_SHAPE(0, 3)), INTEGERS(AD_SHAPE(2), 2, 2), .axis = 1), AD_SHAPE(0, 2));
}
END_TEST

START_TEST(take_along_axis_has_an_index_for_each_place)
{
    AD_SCOPE;
    ad_array *w = ad_from((double[]){ 3, 1, 2, 9, 7, 8 }, AD_SHAPE(2, 3));
    assert_array(ad_take_along_axis(w, INTEGERS(AD_SHAPE(2, 2), 2, -3, 1, 1), 1), AD_SHAPE(2, 2), 0, 2, 3, 7, 7);
    assert_array(ad_take_along_axis(w, INTEGERS(AD_SHAPE(3, 3), 1, 0, 1, 0, 0, -1, 1, 1, 1), 0), AD_SHAPE(3, 3), 0, 9, 1, 8, 3, 1, 8, 9, 7, 8);
    assert_array(ad_take_along_axis(w, INTEGERS(AD_SHAPE(1, 2), 0, 2), -1), AD_SHAPE(2, 2), 0, 3, 2, 9, 8);
    assert_array(ad_take_along_axis(ad_at(w, ":1"), INTEGERS(AD_SHAPE(2, 1), 2, 0), 1), AD_SHAPE(2, 1), 0, 2, 3);
    assert_array(ad_take_along_axis(w, ad_argsort(w), 1), AD_SHAPE(2, 3), 0, 1, 2, 3, 7, 8, 9);
    assert_array(ad_take_along_axis(w, ad_argmax(w, .axis = 0, .keepdims = true), 0), AD_SHAPE(1, 3), 0, 9, 7, 8);
    assert_shape(ad_take_along_axis(w, ad_zeros(AD_SHAPE(2, 0), .dtype = AD_I64), 1), AD_SHAPE(2, 0));
}
END_TEST

START_TEST(put_along_axis_puts_where_take_along_axis_reads)
{
    AD_SCOPE;
    ad_array *w = ad_from((double[]){ 3, 1, 2, 9, 7, 8 }, AD_SHAPE(2, 3)), *values = ad_from((double[]){ 10, 20, 30, 40 }, AD_SHAPE(2, 2));
    assert_array(ad_put_along_axis(w, INTEGERS(AD_SHAPE(2, 2), 2, -3, 1, 1), values, 1), AD_SHAPE(2, 3), 0, 20, 1, 10, 9, 40, 8);
    assert_array(ad_put_along_axis(w, INTEGERS(AD_SHAPE(2, 1), 0, 2), -1, 1), AD_SHAPE(2, 3), 0, -1, 1, 2, 9, 7, -1);
    assert_array(ad_put_along_axis(w, INTEGERS(AD_SHAPE(1, 1), 1), VECTOR(5, 6, 7), 0), AD_SHAPE(2, 3), 0, 3, 1, 2, 5, 6, 7);
    assert_array(w, AD_SHAPE(2, 3), 0, 3, 1, 2, 9, 7, 8);
}
END_TEST

START_TEST(compress_and_flatnonzero)
{
    AD_SCOPE;
    ad_array *m = counting(AD_SHAPE(3, 4));
    assert_array(ad_compress(INTEGERS(AD_SHAPE(3), 0, 1, -2), m, .axis = 0), AD_SHAPE(2, 4), 0, 4, 5, 6, 7, 8, 9, 10, 11);
    assert_array(ad_compress(MASK(AD_SHAPE(4), 1, 0, 0, 1), m, .axis = 1), AD_SHAPE(3, 2), 0, 0, 3, 4, 7, 8, 11);
    assert_array(ad_compress(VECTOR(0, 0.5, 0, 0, NAN), m), AD_SHAPE(2), 0, 1, 4);
    assert_array(ad_compress(MASK(AD_SHAPE(2), 0, 1), m, .axis = -1), AD_SHAPE(3, 1), 0, 1, 5, 9);
    assert_array((ad_compress)(MASK(AD_SHAPE(1), 1), m), AD_SHAPE(1), 0, 0);
    assert_shape(ad_compress(ad_zeros(AD_SHAPE(0)), m, .axis = 0), AD_SHAPE(0, 4));
    assert_array(ad_flatnonzero(ad_transpose(m)), AD_SHAPE(11), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
    assert_array(ad_flatnonzero(ad_flip(VECTOR(-0.0, NAN, 0, 2))), AD_SHAPE(2), 0, 0, 2);
    assert_array(ad_flatnonzero(ad_mul(VECTOR(0, 1), I)), AD_SHAPE(1), 0, 1);
    assert_array(ad_flatnonzero(3), AD_SHAPE(1), 0, 0);
    assert_shape(ad_flatnonzero(ad_zeros(AD_SHAPE(2, 2))), AD_SHAPE(0));
    ck_assert_int_eq(ad_dtype_of(ad_flatnonzero(m)), AD_I64);
}
END_TEST

START_TEST(one_hot_has_a_one_for_each_integer)
{
    AD_SCOPE;
    assert_array(ad_one_hot(INTEGERS(AD_SHAPE(3), 2, 0, 2), 3), AD_SHAPE(3, 3), 0, 0, 0, 1, 1, 0, 0, 0, 0, 1);
    assert_array(ad_one_hot(INTEGERS(AD_SHAPE(1, 2), 1, 0), 2), AD_SHAPE(1, 2, 2), 0, 0, 1, 1, 0);
    assert_array(ad_one_hot(1, 3), AD_SHAPE(3), 0, 0, 1, 0);
    ck_assert_int_eq(ad_dtype_of((ad_one_hot)(INTEGERS(AD_SHAPE(1), 0), 1)), AD_F64);
    ck_assert_int_eq(ad_dtype_of(ad_one_hot(0, 2, .dtype = AD_F32)), AD_F32);
    assert_shape(ad_one_hot(ad_zeros(AD_SHAPE(0), .dtype = AD_I64), 4), AD_SHAPE(0, 4));
    assert_fails(ad_one_hot(INTEGERS(AD_SHAPE(2), 0, 3), 3), AD_ERROR_INDEX, "index 3 is out of bounds");
    assert_fails(ad_one_hot(INTEGERS(AD_SHAPE(2), 0, -1), 3), AD_ERROR_INDEX, "-1 is not a class of 0 to 2");
    assert_fails(ad_one_hot(0, -3), AD_ERROR_VALUE, "-3 classes");
    assert_fails(ad_one_hot(0, 0), AD_ERROR_INDEX, "index 0 is out of bounds");
    assert_fails(ad_one_hot(VECTOR(1), 2), AD_ERROR_DTYPE, "float64");
}
END_TEST

/* ---- updates ---- */

START_TEST(updates_change_what_an_index_names)
{
    AD_SCOPE;
    ad_array *v = counting(AD_SHAPE(6)), *m = counting(AD_SHAPE(2, 3));
    assert_array(ad_at_set(v, 3, "::2"), AD_SHAPE(6), 0, 3, 1, 3, 3, 3, 5);
    assert_array(ad_at_add(v, 3, "::2"), AD_SHAPE(6), 0, 3, 1, 5, 3, 7, 5);
    assert_array(ad_at_mul(v, 3, "::2"), AD_SHAPE(6), 0, 0, 1, 6, 3, 12, 5);
    assert_array(ad_at_min(v, 3, "::2"), AD_SHAPE(6), 0, 0, 1, 2, 3, 3, 5);
    assert_array(ad_at_max(v, 3, "::2"), AD_SHAPE(6), 0, 3, 1, 3, 3, 4, 5);
    assert_array(v, AD_SHAPE(6), 0, 0, 1, 2, 3, 4, 5);
    /* Places in another order than the elements. */
    assert_array(ad_at_set(v, VECTOR(10, 20, 30), "::-2"), AD_SHAPE(6), 0, 0, 30, 2, 20, 4, 10);
    assert_array(ad_at_add(v, VECTOR(10, 20), "1::-1"), AD_SHAPE(6), 0, 20, 11, 2, 3, 4, 5);
    assert_array(ad_at_mul(ad_flip(v), VECTOR(10, 20), "1::-1"), AD_SHAPE(6), 0, 100, 40, 3, 2, 1, 0);
    assert_array(ad_at_set(m, VECTOR(7, 8), ":, 1"), AD_SHAPE(2, 3), 0, 0, 7, 2, 3, 8, 5);
    assert_array(ad_at_set(m, ad_from((double[]){ 7, 8 }, AD_SHAPE(2, 1)), ":, None, -1"), AD_SHAPE(2, 3), 0, 0, 1, 7, 3, 4, 8);
    assert_array(ad_at_set(m, ad_at(m, ":, ::-1"), "::-1"), AD_SHAPE(2, 3), 0, 5, 4, 3, 2, 1, 0);
    assert_array(ad_at_set(ad_transpose(m), VECTOR(7, 8), "1"), AD_SHAPE(3, 2), 0, 0, 3, 7, 8, 2, 5);
    assert_array(ad_at_set(m, 9, "..."), AD_SHAPE(2, 3), 0, 9, 9, 9, 9, 9, 9);
}
END_TEST

START_TEST(updates_by_arrays_and_masks)
{
    AD_SCOPE;
    ad_array *m = counting(AD_SHAPE(3, 4)), *rows = INTEGERS(AD_SHAPE(2), 2, 0), *odd = ad_equal(ad_mod(m, 2), 1);
    assert_array(ad_at_set_list(m, -1, AD_INDICES(AD_PICK(odd))), AD_SHAPE(3, 4), 0, 0, -1, 2, -1, 4, -1, 6, -1, 8, -1, 10, -1);
    assert_array(ad_at_add_list(m, VECTOR(10, 20), AD_INDICES(AD_PICK(rows), AD_PICK(rows))), AD_SHAPE(3, 4), 0, 20, 1, 2, 3, 4, 5, 6, 7, 8, 9, 20, 11);
    assert_array(ad_at_mul_list(m, 0, AD_INDICES(AD_SLICE_ALL, AD_PICK(rows))), AD_SHAPE(3, 4), 0, 0, 1, 0, 3, 0, 5, 0, 7, 0, 9, 0, 11);
    assert_array(ad_at_min_list(m, 1, AD_INDICES(AD_PICK(rows), AD_SLICE(1, 3))), AD_SHAPE(3, 4), 0, 0, 1, 1, 3, 4, 5, 6, 7, 8, 1, 1, 11);
    assert_array(ad_at_max_list(m, 5, AD_INDICES(AD_INTEGER(1))), AD_SHAPE(3, 4), 0, 0, 1, 2, 3, 5, 5, 6, 7, 8, 9, 10, 11);
}
END_TEST

/* An update, and the same one element after the other: what reading the index in an array of places names, in C
 * order. */
static void assert_updates_where_it_reads(ad_array *x, ad_index_list indices, int number)
{
    ad_array *places = ad_at_list(ad_reshape(ad_arange(ad_size(x)), ad_shape_of(x)), indices);
    ck_assert_msg(places != NULL, "index %d: %s", number, ad_error_message());
    ad_array *value = ad_add(100, ad_reshape(ad_arange(ad_size(places)), ad_shape_of(places)));
    double set[ad_size(x) + 1], sum[ad_size(x) + 1];
    ad_copy_to(ad_astype(x, AD_F64), set, ad_size(x));
    ad_copy_to(ad_astype(x, AD_F64), sum, ad_size(x));
    for (int64_t k = 0; k < ad_size(places); k++) {
        int64_t place = (int64_t)ad_item(ad_take(places, INTEGERS(AD_SCALAR_SHAPE, (int)k)));
        set[place] = 100 + (double)k;
        sum[place] += 100 + (double)k;
    }
    ck_assert_msg(ad_item(ad_all(ad_equal(ad_at_set_list(x, value, indices), ad_from(set, ad_shape_of(x))))) == 1, "set, index %d: %s", number, ad_error_message());
    ck_assert_msg(ad_item(ad_all(ad_equal(ad_at_add_list(x, value, indices), ad_from(sum, ad_shape_of(x))))) == 1, "add, index %d: %s", number, ad_error_message());
}

START_TEST(updates_change_what_reading_names)
{
    AD_SCOPE;
    ad_array *x = counting(AD_SHAPE(2, 3, 4)), *some = INTEGERS(AD_SHAPE(3), 1, -1, 1), *square = INTEGERS(AD_SHAPE(2, 3), 0, 1, 1, -2, 0, 1);
    ad_array *column = INTEGERS(AD_SHAPE(2, 1), 0, -1), *none = INTEGERS(AD_SHAPE(0)), *point = INTEGERS(AD_SCALAR_SHAPE, 1);
    ad_array *rows = ad_less(ad_arange(3), 2), *many = ad_equal(ad_mod(counting(AD_SHAPE(3, 4)), 3), 1);
    const ad_index_list indices[] = {
        AD_INDICES(AD_PICK(some)), AD_INDICES(AD_PICK(square)), AD_INDICES(AD_PICK(point)), AD_INDICES(AD_PICK(none)),
        AD_INDICES(AD_SLICE_ALL, AD_PICK(square)), AD_INDICES(AD_REST, AD_PICK(some)), AD_INDICES(AD_REST, AD_PICK(square), AD_PICK(some)),
        AD_INDICES(AD_PICK(some), AD_PICK(square)), AD_INDICES(AD_PICK(column), AD_PICK(some), AD_PICK(square)),
        AD_INDICES(AD_PICK(some), AD_SLICE_ALL, AD_PICK(some)), AD_INDICES(AD_PICK(some), AD_REST, AD_INTEGER(-1)),
        AD_INDICES(AD_PICK(some), AD_INTEGER(2)), AD_INDICES(AD_INTEGER(1), AD_PICK(square)), AD_INDICES(AD_PICK(some), AD_SLICE(1, 3)),
        AD_INDICES(AD_PICK(some), AD_SLICE_BY(AD_NO_INDEX, AD_NO_INDEX, -1)), AD_INDICES(AD_SLICE(0, 1), AD_PICK(some)),
        AD_INDICES(AD_NEW_AXIS, AD_PICK(some)), AD_INDICES(AD_PICK(some), AD_NEW_AXIS, AD_PICK(some)), AD_INDICES(AD_SLICE_ALL, AD_PICK(rows)),
        AD_INDICES(AD_SLICE_ALL, AD_PICK(many)), AD_INDICES(AD_PICK(column), AD_SLICE_ALL, AD_PICK(column)),
    };
    for (int i = 0; i < (int)(sizeof indices / sizeof *indices); i++) {
        assert_updates_where_it_reads(x, indices[i], i);
        assert_updates_where_it_reads(ad_transpose(ad_copy(ad_transpose(x))), indices[i], i);
        assert_updates_where_it_reads(ad_flip(x), indices[i], i);
        assert_updates_where_it_reads(ad_astype(x, AD_F32), indices[i], i);
    }
}
END_TEST

START_TEST(places_named_twice)
{
    AD_SCOPE;
    ad_array *v = counting(AD_SHAPE(6)), *values = VECTOR(2, 3, 5, 1, -7), *m = counting(AD_SHAPE(3, 4));
    ad_index_list places = AD_INDICES(AD_PICK(INTEGERS(AD_SHAPE(5), 1, 4, 1, -2, 1)));
    assert_array(ad_at_set_list(v, values, places), AD_SHAPE(6), 0, 0, -7, 2, 3, 1, 5);
    assert_array(ad_at_add_list(v, values, places), AD_SHAPE(6), 0, 0, 1, 2, 3, 8, 5);
    assert_array(ad_at_mul_list(v, values, places), AD_SHAPE(6), 0, 0, -70, 2, 3, 12, 5);
    assert_array(ad_at_min_list(v, values, places), AD_SHAPE(6), 0, 0, -7, 2, 3, 1, 5);
    assert_array(ad_at_max_list(v, values, places), AD_SHAPE(6), 0, 0, 5, 2, 3, 4, 5);
    ad_index_list twice = AD_INDICES(AD_PICK(INTEGERS(AD_SHAPE(3), 2, 0, 2)), AD_SLICE(1, 3));
    ad_array *column = ad_reshape(VECTOR(1, 2, 6), AD_SHAPE(3, 1));
    assert_array(ad_at_set_list(m, column, twice), AD_SHAPE(3, 4), 0, 0, 2, 2, 3, 4, 5, 6, 7, 8, 6, 6, 11);
    assert_array(ad_at_add_list(m, column, twice), AD_SHAPE(3, 4), 0, 0, 3, 4, 3, 4, 5, 6, 7, 8, 16, 17, 11);
    assert_array(ad_at_mul_list(m, column, twice), AD_SHAPE(3, 4), 0, 0, 2, 4, 3, 4, 5, 6, 7, 8, 54, 60, 11);
}
END_TEST

/* Such updates take as many rounds as the place is named times, each in its own time. */
START_TEST(a_place_named_100000_times)
{
    ad_array *index = ad_mod(ad_arange(100001), 2), *x = VECTOR(1, 2, 3);
    ad_array *v = ad_add(1, ad_div(ad_arange(100001), 1e10));
    assert_array(ad_at_max_list(x, v, AD_INDICES(AD_PICK(ad_zeros_like(index)))), AD_SHAPE(3), 0, 1 + 1e-5, 2, 3);
    assert_array(ad_at_mul_list(x, v, AD_INDICES(AD_PICK(index))), AD_SHAPE(3), 1e-12, 1.2840307667780364, 2.568048693344719, 3);
    assert_array(ad_at_set_list(x, v, AD_INDICES(AD_PICK(index))), AD_SHAPE(3), 0, 1 + 1e-5, 1 + 99999e-10, 3);
}
END_TEST

START_TEST(put_add_and_put_set_along_an_axis)
{
    AD_SCOPE;
    ad_array *m = counting(AD_SHAPE(3, 4)), *square = INTEGERS(AD_SHAPE(2, 2), 1, 1, -1, 0), *values = ad_from((double[]){ 10, 20, 30, 40 }, AD_SHAPE(2, 2));
    assert_array(ad_put_add(m, INTEGERS(AD_SHAPE(3), 0, 0, 2), VECTOR(1, 2, 3, 4), .axis = 0), AD_SHAPE(3, 4), 0, 2, 5, 8, 11, 4, 5, 6, 7, 9, 11, 13, 15);
    assert_array(ad_put_add(m, square, values, .axis = 1), AD_SHAPE(3, 4), 0, 40, 31, 2, 33, 44, 35, 6, 37, 48, 39, 10, 41);
    assert_array(ad_put_set(m, square, values, .axis = -1), AD_SHAPE(3, 4), 0, 40, 20, 2, 30, 40, 20, 6, 30, 40, 20, 10, 30);
    assert_array(ad_put_set(m, INTEGERS(AD_SHAPE(2), -1, 5), VECTOR(8, 9)), AD_SHAPE(3, 4), 0, 0, 1, 2, 3, 4, 9, 6, 7, 8, 9, 10, 8);
    assert_array((ad_put_add)(VECTOR(1, 2), INTEGERS(AD_SHAPE(2), 1, 1), ad_scalar(3)), AD_SHAPE(2), 0, 1, 8);
    assert_array((ad_put_set)(VECTOR(1, 2), INTEGERS(AD_SHAPE(1), 1), ad_scalar(3)), AD_SHAPE(2), 0, 1, 3);
    assert_array(ad_put_set(4, 0, 5), AD_SCALAR_SHAPE, 0, 5);
}
END_TEST

/* ---- dtypes, zero sizes, no axes ---- */

static void assert_numbers(const char *what, ad_array *x, ad_dtype dtype, int64_t count, const double *expected)
{
    double values[12];
    ck_assert_msg(x != NULL, "%s in dtype %d: %s", what, (int)dtype, ad_error_message());
    ck_assert_int_eq(ad_dtype_of(x), dtype);
    ck_assert(ad_copy_to(x, values, count));
    for (int64_t i = 0; i < count; i++) {
        double e = dtype == AD_BOOL ? expected[i] != 0 : expected[i];
        ck_assert_msg(values[i] == e, "%s in dtype %d: element %lld is %g, expected %g", what, (int)dtype, (long long)i, values[i], e);
    }
}

#define assert_in(dtype, x, ...) \
    assert_numbers(#x, x, dtype, (int64_t)(sizeof((double[]){ __VA_ARGS__ }) / sizeof(double)), (const double[]){ __VA_ARGS__ })

START_TEST(every_dtype_is_indexed)
{
    for (ad_dtype d = AD_F64; d <= AD_BOOL; d++) {
        AD_SCOPE;
        ad_array *x = ad_astype(counting(AD_SHAPE(6)), d), *m = ad_reshape(x, AD_SHAPE(2, 3)), *twice = INTEGERS(AD_SHAPE(2), 2, 2);
        bool ordered = d != AD_C64 && d != AD_C128;
        assert_in(d, ad_at(x, "::-2"), 5, 3, 1);
        assert_in(d, ad_take(x, INTEGERS(AD_SHAPE(3), 5, 0, -1)), 5, 0, 5);
        assert_in(d, ad_take(m, INTEGERS(AD_SHAPE(3), 1, 0, 1), .axis = 0), 3, 4, 5, 0, 1, 2, 3, 4, 5);
        assert_in(d, ad_take_along_axis(m, INTEGERS(AD_SHAPE(2, 1), 2, 0), 1), 2, 3);
        assert_in(d, ad_compress(MASK(AD_SHAPE(3), 0, 1, 1), m, .axis = 1), 1, 2, 4, 5);
        assert_in(d, ad_at_list(x, AD_INDICES(AD_PICK(ad_astype(x, AD_BOOL)))), 1, 2, 3, 4, 5);
        assert_in(d, ad_at_set(x, 1, "1:3"), 0, 1, 1, 3, 4, 5);
        assert_in(d, ad_at_add_list(x, 1, AD_INDICES(AD_PICK(twice))), 0, 1, 4, 3, 4, 5);
        assert_in(d, ad_at_mul_list(x, 2, AD_INDICES(AD_PICK(twice))), 0, 1, 8, 3, 4, 5);
        assert_in(d, ad_put_set(m, 0, ad_astype(VECTOR(7, 0, 7), d), .axis = 0), 7, 0, 7, 3, 4, 5);
        assert_in(d, ad_one_hot(twice, 3, .dtype = d), 0, 0, 1, 0, 0, 1);
        if (ordered) {
            assert_in(d, ad_at_min(x, 1, "3:"), 0, 1, 2, 1, 1, 1);
            assert_in(d, ad_at_max(x, 1, ":3"), 1, 1, 2, 3, 4, 5);
        }
    }
}
END_TEST

START_TEST(imaginary_parts_go_along)
{
    AD_SCOPE;
    ad_array *z = ad_add(counting(AD_SHAPE(4)), ad_mul(I, ad_arange(4, 0, -1)));
    assert_array(ad_imag(ad_at(z, "::-1")), AD_SHAPE(4), 0, 1, 2, 3, 4);
    assert_array(ad_imag(ad_at_add_list(z, 10 * I, AD_INDICES(AD_PICK(INTEGERS(AD_SHAPE(3), 1, 1, 0))))), AD_SHAPE(4), 0, 14, 23, 2, 1);
    assert_array(ad_imag(ad_at_set(ad_astype(z, AD_C64), ad_at(z, "1"), "2:")), AD_SHAPE(4), 0, 4, 3, 3, 3);
}
END_TEST

START_TEST(values_take_the_dtype_of_the_array)
{
    AD_SCOPE;
    ad_array *u = ad_astype(counting(AD_SHAPE(3)), AD_U8), *y = ad_at_set(u, ad_scalar(2.75), "1");
    ck_assert_int_eq(ad_dtype_of(y), AD_U8);
    assert_array(y, AD_SHAPE(3), 0, 0, 2, 2);
    ck_assert_int_eq(ad_dtype_of(ad_at_add(ad_astype(u, AD_F32), ad_scalar(0.5), "0")), AD_F32);
    ck_assert_int_eq(ad_dtype_of(ad_at_mul(ad_astype(u, AD_C64), ad_scalar(0.5), "0")), AD_C64);
    u = ad_ones(AD_SHAPE(2), .dtype = AD_U8);
    assert_fails(ad_at_min(ad_ones(AD_SHAPE(2), .dtype = AD_C64), 0, "0"), AD_ERROR_DTYPE, "ad_at_min: not defined for complex64");
    assert_fails(ad_at_set(u, 300, "0"), AD_ERROR_VALUE, "ad_at_set: 300 is out of range for uint8");
    assert_fails(ad_at_max(u, -1, "0"), AD_ERROR_VALUE, "ad_at_max: -1 is out of range for uint8");
    assert_fails(ad_put_add(u, 0, 300), AD_ERROR_VALUE, "ad_put_add: 300 is out of range for uint8");
    assert_fails(ad_put_along_axis(u, INTEGERS(AD_SHAPE(1), 0), 256, 0), AD_ERROR_VALUE, "ad_put_along_axis: 256 is out of range for uint8");
    assert_array(ad_at_set(u, 255, "0"), AD_SHAPE(2), 0, 255, 1);
}
END_TEST

START_TEST(arrays_without_axes_and_without_elements)
{
    AD_SCOPE;
    ad_array *empty = ad_zeros(AD_SHAPE(0, 3)), *point = ad_scalar(4);
    ck_assert(ad_at(point, "...") == point);
    assert_array(ad_at_set(point, 5, "..."), AD_SCALAR_SHAPE, 0, 5);
    assert_array(ad_at_mul(point, VECTOR(5), "None"), AD_SCALAR_SHAPE, 0, 20);
    assert_fails(ad_at(point, "0"), AD_ERROR_INDEX, "1 indices are too many for an array of shape ()");
    assert_shape(ad_at(empty, "::-1, 1:"), AD_SHAPE(0, 2));
    assert_shape(ad_at(empty, ":, 2"), AD_SHAPE(0));
    assert_shape(ad_at(empty, "5:, None"), AD_SHAPE(0, 1, 3));
    assert_shape(ad_at_set(empty, 1, ":, 1"), AD_SHAPE(0, 3));
    assert_shape(ad_at_add(empty, 1, "::2"), AD_SHAPE(0, 3));
    assert_shape(ad_at_max_list(empty, VECTOR(1, 2), AD_INDICES(AD_SLICE_ALL, AD_PICK(INTEGERS(AD_SHAPE(2), 2, 2)))), AD_SHAPE(0, 3));
    assert_array(ad_at_add(VECTOR(1, 2), ad_zeros(AD_SHAPE(0)), "2:"), AD_SHAPE(2), 0, 1, 2);
    assert_fails(ad_at(empty, "0"), AD_ERROR_INDEX, "index 0 is out of bounds for axis 0 of length 0");
    assert_fails(ad_take(empty, 0), AD_ERROR_INDEX, "length 0");
}
END_TEST

RUN_TESTS("index", integers_take_an_axis_away, slices_are_cut_to_the_axis_as_in_python,
          an_ellipsis_stands_for_the_axes_that_are_missing, none_makes_an_axis, blanks_and_a_last_comma_mean_nothing,
          integers_come_from_the_program, integers_and_slices_share_memory, slice_axis_takes_so_many_elements,
          lists_say_what_strings_say, one_index_array_stands_in_place_of_its_axis, index_arrays_broadcast_together,
          index_arrays_that_are_apart_put_their_axes_first, masks_pick_where_they_are_true,
          empty_masks_and_index_arrays_give_empty_arrays, take_along_any_axis_or_of_the_flattened_array,
          take_along_axis_has_an_index_for_each_place, put_along_axis_puts_where_take_along_axis_reads,
          compress_and_flatnonzero, one_hot_has_a_one_for_each_integer, updates_change_what_an_index_names,
          updates_by_arrays_and_masks, updates_change_what_reading_names, places_named_twice,
          a_place_named_100000_times, put_add_and_put_set_along_an_axis, every_dtype_is_indexed,
          imaginary_parts_go_along, values_take_the_dtype_of_the_array, arrays_without_axes_and_without_elements)
