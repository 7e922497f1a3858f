/* Rearranging elements: values as NumPy's, derivatives against differences, errors that name what was given. */
#include "testing.h"
#include <string.h>

/* ---- what shapes and dtypes say of themselves ---- */

START_TEST(a_shape_is_written_as_in_errors)
{
    char text[AD_SHAPE_ROOM], small[5] = "....";
    ck_assert_str_eq(ad_shape_tostring(AD_SHAPE(3, 4), text, sizeof text), "(3,4)");
    ck_assert_str_eq(ad_shape_tostring(AD_SHAPE(3), text, sizeof text), "(3,)");
    ck_assert_str_eq(ad_shape_tostring(AD_SCALAR_SHAPE, text, sizeof text), "()");
    ck_assert_str_eq(ad_shape_tostring(AD_SHAPE(0, -1), text, sizeof text), "(0,-1)");
    ck_assert_ptr_eq(ad_shape_tostring(AD_SHAPE(3), text, sizeof text), text);
    ck_assert_str_eq(ad_shape_tostring((ad_shape){ .ndim = -1 }, text, sizeof text), "no shape");
    ck_assert_str_eq(ad_shape_tostring((ad_shape){ .ndim = AD_MAX_NDIM + 1 }, text, sizeof text), "no shape");
    ck_assert_str_eq(ad_shape_tostring(AD_SHAPE(12, 345), small, sizeof small), "(12,");
    ck_assert_str_eq(ad_shape_tostring((ad_shape){ .ndim = -1 }, small, sizeof small), "no s");
    ck_assert_str_eq(ad_shape_tostring(AD_SHAPE(3), small, 1), "");
    ck_assert_str_eq(ad_shape_tostring(AD_SHAPE(3), NULL, 0), "");
    small[0] = '.';
    ck_assert_str_eq(ad_shape_tostring(AD_SHAPE(3), small, 0), "");
    ck_assert(small[0] == '.');
}
END_TEST

START_TEST(the_longest_text_of_a_shape_has_room)
{
    ad_shape longest = { .ndim = AD_MAX_NDIM };
    char text[AD_SHAPE_ROOM];
    for (int i = 0; i < AD_MAX_NDIM; i++)
        longest.dim[i] = INT64_MIN;
    ad_shape_tostring(longest, text, sizeof text);
    ck_assert_uint_eq(strlen(text), AD_MAX_NDIM * 21 + 1);
    ck_assert(text[strlen(text) - 1] == ')');
}
END_TEST

START_TEST(every_dtype_is_inexact_integer_or_bool)
{
    for (int dtype = 0; dtype < AD_DTYPE_COUNT; dtype++) {
        const char *name = ad_dtype_name((ad_dtype)dtype);
        bool is_complex = strncmp(name, "complex", 7) == 0, is_inexact = is_complex || strncmp(name, "float", 5) == 0;
        ck_assert_msg(ad_dtype_is_complex((ad_dtype)dtype) == is_complex, "%s", name);
        ck_assert_msg(ad_dtype_is_inexact((ad_dtype)dtype) == is_inexact, "%s", name);
        ck_assert_msg(ad_dtype_is_integer((ad_dtype)dtype) == (!is_inexact && dtype != AD_BOOL), "%s", name);
    }
    for (int none = -1; none < AD_DTYPE_COUNT + 1; none += AD_DTYPE_COUNT + 1)
        ck_assert(!ad_dtype_is_inexact((ad_dtype)none) && !ad_dtype_is_complex((ad_dtype)none) && !ad_dtype_is_integer((ad_dtype)none));
}
END_TEST

/* ---- values ---- */

START_TEST(reshape_keeps_c_order_and_fills_the_wildcard)
{
    AD_SCOPE;
    ad_array *x = counting(AD_SHAPE(2, 3));
    assert_array(ad_reshape(x, AD_SHAPE(3, -1)), AD_SHAPE(3, 2), 0, 0, 1, 2, 3, 4, 5);
    assert_array(ad_reshape(x, AD_SHAPE(1, 6, 1)), AD_SHAPE(1, 6, 1), 0, 0, 1, 2, 3, 4, 5);
    assert_array(ad_reshape(x, AD_SHAPE(3, 2), .order = "F"), AD_SHAPE(3, 2), 0, 0, 4, 3, 2, 1, 5);
    assert_array(ad_ravel(x, .order = "F"), AD_SHAPE(6), 0, 0, 3, 1, 4, 2, 5);
    assert_array((ad_ravel)(x), AD_SHAPE(6), 0, 0, 1, 2, 3, 4, 5);
    assert_array(ad_reshape(7, AD_SHAPE(1, 1)), AD_SHAPE(1, 1), 0, 7);
    ck_assert(ad_shape_equal(ad_shape_of(ad_reshape(ad_zeros(AD_SHAPE(0, 3)), AD_SHAPE(-1, 3))), AD_SHAPE(0, 3)));
    ck_assert(ad_reshape(x, AD_SHAPE(2, 3)) == x);
}
END_TEST

START_TEST(reshape_of_a_view_reads_the_view)
{
    AD_SCOPE;
    ad_array *x = counting(AD_SHAPE(2, 3, 4)), *t = ad_transpose(x, .axes = AD_AXES(2, 0, 1));
    ad_array *copied = ad_reshape(t, AD_SHAPE(2, 12)), *shared = ad_reshape(t, AD_SHAPE(4, 6)), *flipped = ad_reshape(ad_flip(x), AD_SHAPE(6, 4));
    double values[24];
    ck_assert(ad_copy_to(copied, values, 24));
    for (int k = 0; k < 24; k++)
        assert_close(values[k], k % 6 * 4 + k / 6, 0);
    ck_assert(ad_copy_to(shared, values, 24));
    for (int k = 0; k < 24; k++)
        assert_close(values[k], k % 6 * 4 + k / 6, 0);
    ck_assert(ad_copy_to(flipped, values, 24));
    for (int k = 0; k < 24; k++)
        assert_close(values[k], 23 - k, 0);
    assert_array(ad_reshape(ad_broadcast_to(3, AD_SHAPE(2, 2)), AD_SHAPE(4)), AD_SHAPE(4), 0, 3, 3, 3, 3);
}
END_TEST

START_TEST(axes_of_length_one_come_and_go)
{
    AD_SCOPE;
    ad_array *x = counting(AD_SHAPE(2, 3)), *y = ad_expand_dims(x, AD_AXES(0, -1));
    ck_assert(ad_shape_equal(ad_shape_of(y), AD_SHAPE(1, 2, 3, 1)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_expand_dims(x, -1)), AD_SHAPE(2, 3, 1)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_squeeze(y)), AD_SHAPE(2, 3)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_squeeze(y, .axis = 0)), AD_SHAPE(2, 3, 1)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_squeeze(y, .axes = AD_AXES(0, -1))), AD_SHAPE(2, 3)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_atleast_1d(5)), AD_SHAPE(1)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_atleast_2d(ad_ravel(x))), AD_SHAPE(1, 6)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_atleast_3d(ad_ravel(x))), AD_SHAPE(1, 6, 1)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_atleast_3d(x)), AD_SHAPE(2, 3, 1)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_atleast_3d(5)), AD_SHAPE(1, 1, 1)));
}
END_TEST

START_TEST(axes_change_places)
{
    AD_SCOPE;
    ad_array *x = counting(AD_SHAPE(2, 3)), *y = ad_zeros(AD_SHAPE(2, 3, 4, 5));
    assert_array(ad_transpose(x), AD_SHAPE(3, 2), 0, 0, 3, 1, 4, 2, 5);
    assert_array(ad_matrix_transpose(x), AD_SHAPE(3, 2), 0, 0, 3, 1, 4, 2, 5);
    ck_assert(ad_shape_equal(ad_shape_of(ad_permute_dims(y, .axes = AD_AXES(-1, 0, 2, 1))), AD_SHAPE(5, 2, 4, 3)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_swapaxes(y, 0, -1)), AD_SHAPE(5, 3, 4, 2)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_moveaxis(y, 0, -1)), AD_SHAPE(3, 4, 5, 2)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_moveaxis(y, -1, 1)), AD_SHAPE(2, 5, 3, 4)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_moveaxis(y, AD_AXES(0, 1), AD_AXES(-1, -2))), AD_SHAPE(4, 5, 3, 2)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_transpose(3)), AD_SCALAR_SHAPE));
}
END_TEST

static ad_array *untouched;

static ad_array *moved_nowhere(ad_array *x)
{
    untouched = ad_moveaxis(ad_swapaxes(ad_transpose(x, .axes = AD_AXES(0, -1)), 1, -1), -2, 0);
    ck_assert(untouched == x);
    return ad_sum(ad_sin(untouched));
}

START_TEST(axes_that_keep_their_places_are_no_call)
{
    AD_SCOPE;
    ad_array *x = counting(AD_SHAPE(2, 3)), *line = counting(AD_SHAPE(4));
    ck_assert(ad_moveaxis(x, 1, -1) == x && ad_swapaxes(x, 0, 0) == x && ad_transpose(line) == line && ad_transpose(ad_scalar(2)));
    ck_assert(ad_moveaxis(x, AD_AXES(0, 1), AD_AXES(-2, -1)) == x && ad_moveaxis(x, 0, 1) != x);
    assert_fails(ad_moveaxis(x, 2, 2), AD_ERROR_AXIS, "ad_moveaxis");
    ad_array *g = ad_grad(moved_nowhere)(x);
    assert_array(ad_sub(g, ad_cos(x)), AD_SHAPE(2, 3), 0, 0, 0, 0, 0, 0, 0);
    ad_array *kept;
    {
        AD_SCOPE;
        kept = ad_escape(ad_moveaxis(ad_add(x, 1), 0, 0));
    }
    assert_array(kept, AD_SHAPE(2, 3), 0, 1, 2, 3, 4, 5, 6);
}
END_TEST

START_TEST(broadcast_repeats_without_copying)
{
    AD_SCOPE;
    ad_array *column = ad_reshape(counting(AD_SHAPE(2)), AD_SHAPE(2, 1));
    assert_array(ad_broadcast_to(column, AD_SHAPE(2, 2, 3)), AD_SHAPE(2, 2, 3), 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1);
    ad_memory_usage before, after;
    ad_memory_stats(&before);
    ad_array *large = ad_broadcast_to(2, AD_SHAPE(1000, 1000, 1000));
    ad_memory_stats(&after);
    ck_assert(large && ad_size(large) == 1000000000 && after.live - before.live < 1000);
    ck_assert_int_eq(ad_size(ad_broadcast_to(column, AD_SHAPE(2, 0))), 0);
}
END_TEST

START_TEST(flip_and_roll_move_elements)
{
    AD_SCOPE;
    ad_array *x = counting(AD_SHAPE(2, 3));
    assert_array(ad_flip(x), AD_SHAPE(2, 3), 0, 5, 4, 3, 2, 1, 0);
    assert_array(ad_flip(x, .axis = 0), AD_SHAPE(2, 3), 0, 3, 4, 5, 0, 1, 2);
    assert_array(ad_flip(ad_flip(x, .axis = 1), .axes = AD_AXES(-1)), AD_SHAPE(2, 3), 0, 0, 1, 2, 3, 4, 5);
    assert_array(ad_fliplr(x), AD_SHAPE(2, 3), 0, 2, 1, 0, 5, 4, 3);
    assert_array(ad_flipud(x), AD_SHAPE(2, 3), 0, 3, 4, 5, 0, 1, 2);
    assert_array(ad_rot90(x), AD_SHAPE(3, 2), 0, 2, 5, 1, 4, 0, 3);
    assert_array(ad_rot90(x, .k = -1), AD_SHAPE(3, 2), 0, 3, 0, 4, 1, 5, 2);
    assert_array(ad_rot90(x, .k = 2, .axes = AD_AXES(1, 0)), AD_SHAPE(2, 3), 0, 5, 4, 3, 2, 1, 0);
    assert_array(ad_roll(x, 1), AD_SHAPE(2, 3), 0, 5, 0, 1, 2, 3, 4);
    assert_array(ad_roll(x, -4, .axis = 1), AD_SHAPE(2, 3), 0, 1, 2, 0, 4, 5, 3);
    assert_array(ad_roll(x, 0, .shifts = AD_SHAPE(1, -1), .axes = AD_AXES(0, 1)), AD_SHAPE(2, 3), 0, 4, 5, 3, 1, 2, 0);
    assert_array(ad_roll(x, 1, .axes = AD_AXES(0, 1)), AD_SHAPE(2, 3), 0, 5, 3, 4, 2, 0, 1);
    ck_assert_int_eq(ad_size(ad_roll(ad_zeros(AD_SHAPE(0)), 3)), 0);
}
END_TEST

START_TEST(tile_and_repeat)
{
    AD_SCOPE;
    ad_array *x = counting(AD_SHAPE(2)), *m = counting(AD_SHAPE(2, 2));
    assert_array(ad_tile(x, AD_SHAPE(2)), AD_SHAPE(4), 0, 0, 1, 0, 1);
    assert_array(ad_tile(x, AD_SHAPE(2, 1)), AD_SHAPE(2, 2), 0, 0, 1, 0, 1);
    assert_array(ad_tile(m, AD_SHAPE(2)), AD_SHAPE(2, 4), 0, 0, 1, 0, 1, 2, 3, 2, 3);
    assert_array(ad_tile(m, AD_SHAPE(2, 1)), AD_SHAPE(4, 2), 0, 0, 1, 2, 3, 0, 1, 2, 3);
    assert_array(ad_tile(4, AD_SHAPE(2, 2)), AD_SHAPE(2, 2), 0, 4, 4, 4, 4);
    ck_assert(ad_shape_equal(ad_shape_of(ad_tile(m, AD_SHAPE(0, 1))), AD_SHAPE(0, 2)));
    assert_array(ad_repeat(m, 2), AD_SHAPE(8), 0, 0, 0, 1, 1, 2, 2, 3, 3);
    assert_array(ad_repeat(m, 2, .axis = 0), AD_SHAPE(4, 2), 0, 0, 1, 0, 1, 2, 3, 2, 3);
    assert_array(ad_repeat(m, 2, .axis = -1), AD_SHAPE(2, 4), 0, 0, 0, 1, 1, 2, 2, 3, 3);
    assert_array(ad_repeat(m, ad_arange(2), .axis = 1), AD_SHAPE(2, 1), 0, 1, 3);
    ck_assert_int_eq(ad_size(ad_repeat(m, 0, .axis = 1)), 0);
}
END_TEST

/* The element of x in row i and column j of its last two axes, for every place of the others, is y's in row j and
 * column i. */
static void check_exchanged(ad_array *x, ad_array *y, int64_t outer, int64_t rows, int64_t columns)
{
    size_t item = ad_dtype_size(ad_dtype_of(x));
    const char *from = ad_data(x), *to = ad_data(y);
    int64_t wrong = 0;
    ck_assert(from && to && ad_size(x) == ad_size(y));
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < columns; j++)
                wrong += memcmp(from + (size_t)((o * rows + i) * columns + j) * item, to + (size_t)((o * columns + j) * rows + i) * item, item) != 0;
    ck_assert_int_eq(wrong, 0);
}

START_TEST(copies_of_exchanged_axes_move_every_element)
{
    static const ad_dtype dtypes[] = { AD_F64, AD_F32, AD_C128, AD_C64, AD_I64, AD_I32, AD_U8, AD_BOOL };
    static const int64_t lengths[] = { 2, 7, 9, 64, 65, 130 };
    enum { LENGTHS = sizeof lengths / sizeof *lengths };
    for (int k = 0; k < LENGTHS * LENGTHS * 8; k++) {
        AD_SCOPE;
        int64_t rows = lengths[k % LENGTHS], columns = lengths[k / LENGTHS % LENGTHS];
        ad_array *x = ad_copy(ad_astype(ad_random_bits(ad_random_key((uint64_t)k), AD_SHAPE(2, rows, columns)), dtypes[k / (LENGTHS * LENGTHS)]));
        check_exchanged(x, ad_copy(ad_swapaxes(x, 1, 2)), 2, rows, columns);
        check_exchanged(ad_reshape(x, AD_SHAPE(2 * rows, columns)), ad_copy(ad_transpose(ad_reshape(x, AD_SHAPE(2 * rows, columns)))), 1, 2 * rows, columns);
        ad_array *back = ad_at(x, "..., ::-1, ::-1"), *turned = ad_swapaxes(ad_copy(ad_swapaxes(back, 0, 2)), 0, 2);
        check_exchanged(ad_copy(back), ad_copy(ad_swapaxes(turned, 1, 2)), 2, rows, columns);
    }
}
END_TEST

START_TEST(a_constant_border_is_blocks_joined_on)
{
    AD_SCOPE;
    ad_array *x = counting(AD_SHAPE(3, 20, 40));
    for (int d = 0; d < 3; d++)
        for (int single = 0; single < 2; single++) {
            ad_widths widths = { 3, { { 0 } } };
            widths.width[d][0] = 2;
            widths.width[d][1] = 11;
            ad_shape before = ad_shape_of(x), behind = before;
            before.dim[d] = 2;
            behind.dim[d] = 11;
            ad_array *z = single ? ad_astype(x, AD_F32) : ad_transpose(ad_copy(ad_transpose(x)));
            ad_array *y = ad_concatenate(ad_list_of(ad_full(before, 5), x, ad_full(behind, 5)), .axis = d);
            ad_array *padded = ad_pad(z, 0, .widths = widths, .constant_values = 5);
            ck_assert_int_eq(ad_dtype_of(padded), ad_dtype_of(z));
            ck_assert(ad_item_int(ad_all(ad_equal(padded, y))));
        }
    ad_array *all = ad_pad(x, 3, .constant_values = -1);
    ck_assert(ad_shape_equal(ad_shape_of(all), AD_SHAPE(9, 26, 46)));
    assert_close(ad_item(ad_sum(all)), ad_item(ad_sum(x)) - (9 * 26 * 46 - 3 * 20 * 40), 0);
    ck_assert(ad_item_int(ad_all(ad_equal(ad_at(all, "3:-3, 3:-3, 3:-3"), x))));
    assert_fails(ad_pad(x, INT64_MAX - 10), AD_ERROR_SHAPE, "ad_pad");
}
END_TEST

START_TEST(short_rows_have_the_bits_of_long_ones)
{
    AD_SCOPE;
    for (int64_t n = 1; n < 10; n++) {
        ad_array *x = ad_random_normal(ad_random_key((uint64_t)n), AD_SHAPE(1001, n)), *y = ad_exp(ad_mul(x, ad_arange(n))), *columns = ad_copy(ad_transpose(x));
        ad_array *z = ad_exp(ad_mul(columns, ad_expand_dims(ad_arange(n), 1)));
        ck_assert(ad_item_int(ad_all(ad_equal(y, ad_transpose(z)))));
    }
}
END_TEST

START_TEST(pad_in_every_mode)
{
    AD_SCOPE;
    ad_array *x = counting(AD_SHAPE(3)), *m = counting(AD_SHAPE(1, 2));
    assert_array(ad_pad(x, 2), AD_SHAPE(7), 0, 0, 0, 0, 1, 2, 0, 0);
    assert_array(ad_pad(x, 1, .constant_values = 9), AD_SHAPE(5), 0, 9, 0, 1, 2, 9);
    assert_array(ad_pad(x, 2, .mode = "edge"), AD_SHAPE(7), 0, 0, 0, 0, 1, 2, 2, 2);
    assert_array(ad_pad(x, 4, .mode = "reflect"), AD_SHAPE(11), 0, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2);
    assert_array(ad_pad(x, 4, .mode = "symmetric"), AD_SHAPE(11), 0, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0);
    assert_array(ad_pad(x, 4, .mode = "wrap"), AD_SHAPE(11), 0, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0);
    assert_array(ad_pad(m, 0, .widths = AD_WIDTHS({ 1, 0 }, { 0, 2 })), AD_SHAPE(2, 4), 0, 0, 0, 0, 0, 0, 1, 0, 0);
    assert_array(ad_pad(m, 1, .mode = "edge"), AD_SHAPE(3, 4), 0, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1);
    ck_assert_int_eq(ad_dtype_of(ad_pad(ad_arange(2), 1, .constant_values = 3)), AD_I64);
    assert_array(ad_pad(ad_zeros(AD_SHAPE(0)), 1), AD_SHAPE(2), 0, 0, 0);
}
END_TEST

START_TEST(concatenate_promotes_and_stack_makes_an_axis)
{
    AD_SCOPE;
    ad_array *x = counting(AD_SHAPE(2, 2)), *f = ad_astype(x, AD_F32), *v = counting(AD_SHAPE(2));
    assert_array(ad_concatenate(ad_list_of(x, ad_arange(2), x), .axis = AD_NO_AXIS), AD_SHAPE(10), 0, 0, 1, 2, 3, 0, 1, 0, 1, 2, 3);
    assert_array(ad_concatenate(ad_list_of(x, ad_transpose(x))), AD_SHAPE(4, 2), 0, 0, 1, 2, 3, 0, 2, 1, 3);
    assert_array(ad_concatenate(ad_list_of(x, ad_transpose(x)), .axis = -1), AD_SHAPE(2, 4), 0, 0, 1, 0, 2, 2, 3, 1, 3);
    ck_assert_int_eq(ad_dtype_of(ad_concatenate(ad_list_of(f, f))), AD_F32);
    ck_assert_int_eq(ad_dtype_of(ad_concatenate(ad_list_of(f, x))), AD_F64);
    assert_array(ad_stack(ad_list_of(v, ad_flip(v))), AD_SHAPE(2, 2), 0, 0, 1, 1, 0);
    assert_array(ad_stack(ad_list_of(v, ad_flip(v), v), .axis = 1), AD_SHAPE(2, 3), 0, 0, 1, 0, 1, 0, 1);
    assert_array(ad_stack(ad_list_of(1.5, 2)), AD_SHAPE(2), 0, 1.5, 2);
    assert_array(ad_vstack(ad_list_of(v, x)), AD_SHAPE(3, 2), 0, 0, 1, 0, 1, 2, 3);
    assert_array(ad_hstack(ad_list_of(v, 7)), AD_SHAPE(3), 0, 0, 1, 7);
    assert_array(ad_hstack(ad_list_of(x, x)), AD_SHAPE(2, 4), 0, 0, 1, 0, 1, 2, 3, 2, 3);
}
END_TEST

START_TEST(split_and_unstack_take_apart)
{
    AD_SCOPE;
    ad_array *x = counting(AD_SHAPE(2, 4)), *v = counting(AD_SHAPE(5));
    ad_tree *halves = ad_split(x, 2, .axis = 1), *parts = ad_split(v, 0, .indices = AD_SHAPE(1, 1, -1, 9)), *uneven = ad_array_split(v, 3);
    ck_assert_int_eq(ad_tree_count(halves), 2);
    assert_array(ad_tree_get(halves, "1"), AD_SHAPE(2, 2), 0, 2, 3, 6, 7);
    ck_assert_int_eq(ad_tree_count(parts), 5);
    assert_array(ad_tree_get(parts, "0"), AD_SHAPE(1), 0, 0);
    ck_assert_int_eq(ad_size(ad_tree_get(parts, "1")), 0);
    assert_array(ad_tree_get(parts, "2"), AD_SHAPE(3), 0, 1, 2, 3);
    assert_array(ad_tree_get(parts, "3"), AD_SHAPE(1), 0, 4);
    ck_assert_int_eq(ad_size(ad_tree_get(parts, "4")), 0);
    assert_array(ad_tree_get(uneven, "0"), AD_SHAPE(2), 0, 0, 1);
    assert_array(ad_tree_get(uneven, "1"), AD_SHAPE(2), 0, 2, 3);
    assert_array(ad_tree_get(uneven, "2"), AD_SHAPE(1), 0, 4);
    ad_tree *columns = ad_unstack(x, .axis = 1);
    ck_assert_int_eq(ad_tree_count(columns), 4);
    assert_array(ad_tree_get(columns, "2"), AD_SHAPE(2), 0, 2, 6);
    assert_array(ad_stack(columns, .axis = 1), AD_SHAPE(2, 4), 0, 0, 1, 2, 3, 4, 5, 6, 7);
    ck_assert_int_eq(ad_tree_count(ad_unstack(ad_zeros(AD_SHAPE(0, 3)))), 0);
}
END_TEST

/* ---- derivatives: each function under a sine, so that a wrong place shows ---- */

#define WAVE(name, expression)                                                                                         \
    static ad_array *wave_##name(ad_array *x)                                                                          \
    {                                                                                                                  \
        return ad_sin(expression);                                                                                     \
    }

WAVE(reshape, ad_reshape(x, AD_SHAPE(3, 2), .order = "F"))
WAVE(reshape_copy, ad_reshape(ad_transpose(x), AD_SHAPE(2, 3)))
WAVE(squeeze, ad_squeeze(ad_expand_dims(x, AD_AXES(0, 2))))
WAVE(broadcast, ad_broadcast_to(ad_expand_dims(x, 1), AD_SHAPE(2, 2, 4, 3)))
WAVE(transpose, ad_transpose(ad_expand_dims(x, 0), .axes = AD_AXES(1, 2, 0)))
WAVE(moveaxis, ad_moveaxis(ad_expand_dims(x, 0), 2, 0))
WAVE(flip, ad_flip(x, .axis = 1))
WAVE(rot90, ad_rot90(x, .k = 3))
WAVE(roll, ad_roll(x, 2, .axis = 1))
WAVE(tile, ad_tile(x, AD_SHAPE(2, 1, 2)))
WAVE(repeat, ad_repeat(x, 2, .axis = 0))
WAVE(repeat_each, ad_repeat(x, ad_arange(3), .axis = 1))
WAVE(pad, ad_pad(x, 1, .constant_values = 1))
WAVE(pad_beside, ad_pad(x, 0, .widths = AD_WIDTHS({ 0, 2 }, { 3, 0 })))
WAVE(pad_reflect, ad_pad(x, 3, .mode = "reflect"))
WAVE(concatenate, ad_concatenate(ad_list_of(x, ad_mul(2, ad_transpose(x)), ad_ones(AD_SHAPE(2, 2))), .axis = AD_NO_AXIS))
WAVE(beside, ad_concatenate(ad_list_of(x, ad_square(x)), .axis = 1))
WAVE(stack, ad_stack(ad_list_of(x, ad_square(x)), .axis = 1))
WAVE(split, ad_tree_get(ad_split(x, 3, .axis = 1), "1"))
WAVE(unstack, ad_mul(ad_tree_get(ad_unstack(x), "0"), ad_tree_get(ad_unstack(x), "1")))

START_TEST(derivatives_agree_with_differences)
{
    AD_SCOPE;
    ad_array *x = ad_from((double[]){ 0.3, -0.7, 1.1, 0.5, -1.3, 0.9 }, AD_SHAPE(2, 3));
    ad_array *(*const waves[])(ad_array *) = {
        wave_reshape, wave_reshape_copy, wave_squeeze, wave_broadcast, wave_transpose, wave_moveaxis, wave_flip, wave_rot90, wave_roll, wave_tile, wave_repeat,
        wave_repeat_each, wave_pad, wave_pad_beside, wave_pad_reflect, wave_concatenate, wave_beside, wave_stack, wave_split, wave_unstack,
    };
    for (size_t i = 0; i < sizeof waves / sizeof *waves; i++)
        ck_assert_msg(ad_check_grads(waves[i], x), "function %zu: %s", i, ad_error_message());
}
END_TEST

static ad_array *sum_of_joined(ad_array *x, ad_array *y)
{
    return ad_sum(ad_square(ad_concatenate(ad_list_of(x, y))));
}

START_TEST(promotion_is_undone_in_the_gradient)
{
    AD_SCOPE;
    ad_array *x = ad_astype(counting(AD_SHAPE(2)), AD_F32), *y = counting(AD_SHAPE(1));
    ad_array *g = ad_grad(sum_of_joined)(x, y);
    ck_assert_int_eq(ad_dtype_of(g), AD_F32);
    assert_array(g, AD_SHAPE(2), 0, 0, 2);
}
END_TEST

static ad_array *first_part(ad_array *x)
{
    return ad_sum(ad_square(ad_tree_get(ad_split(x, 2), "0")));
}

START_TEST(unused_part_contributes_zeros)
{
    AD_SCOPE;
    assert_array(ad_grad(first_part)(counting(AD_SHAPE(4))), AD_SHAPE(4), 0, 0, 2, 0, 0);
}
END_TEST

/* ---- errors ---- */

START_TEST(errors_name_the_shapes)
{
    AD_SCOPE;
    ad_array *x = counting(AD_SHAPE(2, 3));
    assert_fails(ad_reshape(x, AD_SHAPE(4, 2)), AD_ERROR_SHAPE, "(2,3) (6 elements) does not fit into shape (4,2)");
    assert_fails(ad_reshape(x, AD_SHAPE(4, -1)), AD_ERROR_SHAPE, "(4,-1)");
    assert_fails(ad_reshape(x, AD_SHAPE(-1, -1)), AD_ERROR_SHAPE, "more than one");
    assert_fails(ad_reshape(x, AD_SHAPE(-2, -3)), AD_ERROR_SHAPE, "(-2,-3)");
    assert_fails(ad_reshape(x, AD_SHAPE(6), .order = "A"), AD_ERROR_VALUE, "\"A\"");
    assert_fails(ad_reshape(x, (ad_shape){ .ndim = 40 }), AD_ERROR_SHAPE, "40");
    assert_fails(ad_broadcast_to(x, AD_SHAPE(3, 2)), AD_ERROR_SHAPE, "(3,2)");
    assert_fails(ad_squeeze(x, .axis = 0), AD_ERROR_SHAPE, "(2,3)");
    assert_fails(ad_transpose(x, .axes = AD_AXES(0)), AD_ERROR_AXIS, "1 axes");
    assert_fails(ad_transpose(x, .axes = AD_AXES(0, 0)), AD_ERROR_AXIS, "twice");
    assert_fails(ad_swapaxes(x, 0, 2), AD_ERROR_AXIS, "2");
    assert_fails(ad_flip(x, .axis = -3), AD_ERROR_AXIS, "-3");
    assert_fails(ad_rot90(x, .axes = AD_AXES(0)), AD_ERROR_AXIS, "1 axes");
    assert_fails(ad_concatenate(ad_list_of(x, ad_zeros(AD_SHAPE(2, 2)))), AD_ERROR_SHAPE, "(2,2)");
    assert_fails(ad_concatenate(ad_list_of(1, 2)), AD_ERROR_SHAPE, "ad_stack");
    assert_fails(ad_concatenate(ad_list_from(NULL, 0)), AD_ERROR_VALUE, "empty");
    assert_fails(ad_stack(ad_list_of(x, ad_transpose(x))), AD_ERROR_SHAPE, "ad_stack");
    assert_fails(ad_stack(ad_list_of(x, ad_list_of(x))), AD_ERROR_VALUE, "tree");
    assert_fails(ad_split(x, 2, .axis = 1), AD_ERROR_SHAPE, "2 equal");
    assert_fails(ad_split(x, 0), AD_ERROR_VALUE, "0 sections");
    assert_fails(ad_tile(x, AD_SHAPE(-1)), AD_ERROR_VALUE, "-1");
    assert_fails(ad_repeat(x, -1), AD_ERROR_VALUE, "-1");
    assert_fails(ad_repeat(x, 1.5), AD_ERROR_DTYPE, "float64");
    assert_fails(ad_repeat(x, ad_arange(2), .axis = 1), AD_ERROR_SHAPE, "(2,)");
    assert_fails(ad_pad(x, 1, .mode = "mirror"), AD_ERROR_VALUE, "mirror");
    assert_fails(ad_pad(x, -1), AD_ERROR_VALUE, "-1");
    assert_fails(ad_pad(ad_zeros(AD_SHAPE(0)), 1, .mode = "edge"), AD_ERROR_SHAPE, "edge");
    assert_fails(ad_roll(x, 1, .shifts = AD_SHAPE(1, 2, 3), .axes = AD_AXES(0, 1)), AD_ERROR_AXIS, "3 shifts");
}
END_TEST

/* Most functions in one expression, differentiated for each number of allocations that succeed. */
static ad_array *everything(ad_array *x)
{
    x = ad_flip(ad_reshape(ad_transpose(ad_expand_dims(x, 0)), AD_SHAPE(4, -1)));
    x = ad_concatenate(ad_list_of(ad_roll(x, 1), ad_tile(x, AD_SHAPE(2, 1)), ad_repeat(x, 2, .axis = 0)));
    x = ad_stack(ad_unstack(ad_pad(ad_pad(x, 1), 2, .mode = "wrap")));
    return ad_sum(ad_square(ad_hstack(ad_split(ad_broadcast_to(x, ad_shape_of(ad_expand_dims(x, 0))), 1))));
}

/* Structs by value may hold any number. */
START_TEST(counts_that_a_struct_cannot_hold_are_errors)
{
    AD_SCOPE;
    ad_array *x = ad_ones(AD_SHAPE(2, 3));
    for (int count = -1; count < 2000; count = count < 0 ? 33 : count + 1000) {
        ad_shape shape = { .ndim = count };
        ad_axes axes = { .count = count };
        assert_fails(ad_tile(x, shape), AD_ERROR_SHAPE, "ad_tile:");
        assert_fails(ad_reshape(x, shape), AD_ERROR_SHAPE, "ad_reshape:");
        assert_fails(ad_broadcast_to(x, shape), AD_ERROR_SHAPE, "ad_broadcast_to:");
        assert_fails(ad_zeros(shape), AD_ERROR_SHAPE, "ad_zeros:");
        assert_fails(ad_split(x, 1, .indices = shape), AD_ERROR_SHAPE, "ad_split:");
        assert_fails(ad_roll(x, 1, .axis = 0, .shifts = shape), AD_ERROR_SHAPE, "ad_roll:");
        assert_fails(ad_roll(x, 1, .axes = axes), AD_ERROR_SHAPE, "ad_roll:");
        assert_fails(ad_sum(x, .axes = axes), AD_ERROR_SHAPE, "ad_sum:");
        assert_fails(ad_at_list(x, ((ad_index_list){ .count = count < 0 ? count : count + 32 })), AD_ERROR_SHAPE, "ad_at_list:");
    }
    assert_fails(ad_zeros(AD_SHAPE(2, -1)), AD_ERROR_SHAPE, "ad_zeros: shape (2,-1) of float64 is negative somewhere");
    assert_fails(ad_random_normal(ad_random_key(0), AD_SHAPE(-1)), AD_ERROR_SHAPE, "ad_random_normal: shape (-1,)");
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    assert_every_allocation_may_fail(ad_grad(everything), counting(AD_SHAPE(3, 4)));
}
END_TEST

RUN_TESTS("shape", a_shape_is_written_as_in_errors, the_longest_text_of_a_shape_has_room, every_dtype_is_inexact_integer_or_bool,
          reshape_keeps_c_order_and_fills_the_wildcard, reshape_of_a_view_reads_the_view, axes_of_length_one_come_and_go, axes_change_places,
          axes_that_keep_their_places_are_no_call, broadcast_repeats_without_copying, flip_and_roll_move_elements, tile_and_repeat,
          copies_of_exchanged_axes_move_every_element, a_constant_border_is_blocks_joined_on, short_rows_have_the_bits_of_long_ones, pad_in_every_mode, concatenate_promotes_and_stack_makes_an_axis,
          split_and_unstack_take_apart, derivatives_agree_with_differences, promotion_is_undone_in_the_gradient, unused_part_contributes_zeros,
          errors_name_the_shapes, counts_that_a_struct_cannot_hold_are_errors, every_allocation_may_fail)
