/* Grids, and the places of triangles and diagonals. */
#include "testing.h"

static ad_array *matrix(void)
{
    return ad_from((double[]){ 0.5, -1, 2, 3, 0.25, -0.75 }, AD_SHAPE(2, 3));
}

static ad_tree *three_axes(void)
{
    return ad_list_of(ad_arange(2), VECTOR(0.5, 1.5, 2.5), 7);
}

static void assert_shapes(const ad_tree *t, int count, ad_shape shape)
{
    ck_assert_msg(t && ad_tree_count(t) == count, "%s", ad_error_message());
    for (int i = 0; i < count; i++)
        ck_assert(ad_shape_equal(ad_shape_of(ad_tree_array_at(t, i)), shape));
}

START_TEST(meshgrid_repeats_vectors)
{
    AD_SCOPE;
    ad_tree *pair = ad_meshgrid(ad_list_of(ad_arange(2), VECTOR(0.5, 1.5, 2.5))), *one = ad_meshgrid(ad_list_of(ad_arange(2)));
    ad_tree *matrices = ad_meshgrid(ad_list_of(ad_arange(2), VECTOR(0.5, 1.5, 2.5)), .indexing = "ij");
    assert_array(ad_tree_get(pair, "0"), AD_SHAPE(3, 2), 0, 0, 1, 0, 1, 0, 1);
    assert_array(ad_tree_get(pair, "1"), AD_SHAPE(3, 2), 0, 0.5, 0.5, 1.5, 1.5, 2.5, 2.5);
    assert_array(ad_tree_get(matrices, "0"), AD_SHAPE(2, 3), 0, 0, 0, 0, 1, 1, 1);
    assert_array(ad_tree_get(matrices, "1"), AD_SHAPE(2, 3), 0, 0.5, 1.5, 2.5, 0.5, 1.5, 2.5);
    ck_assert_int_eq(ad_dtype_of(ad_tree_get(pair, "0")), AD_I64);
    assert_array(ad_tree_get(one, "0"), AD_SHAPE(2), 0, 0, 1);
    assert_shapes(ad_meshgrid(three_axes()), 3, AD_SHAPE(3, 2, 1));
    assert_shapes((ad_meshgrid)(three_axes()), 3, AD_SHAPE(3, 2, 1));
    assert_shapes(ad_meshgrid(three_axes(), .indexing = "ij"), 3, AD_SHAPE(2, 3, 1));
    assert_shapes(ad_meshgrid(ad_list_of(1, 2)), 2, AD_SHAPE(1, 1));
    assert_shapes(ad_meshgrid(ad_list_of(ad_zeros(AD_SHAPE(0)), ad_zeros(AD_SHAPE(1, 2)))), 2, AD_SHAPE(2, 0));
    assert_shapes(ad_meshgrid(ad_tree_empty()), 0, AD_SCALAR_SHAPE);
}
END_TEST

START_TEST(sparse_meshgrid_keeps_axes_of_length_1)
{
    AD_SCOPE;
    ad_tree *t = ad_meshgrid(three_axes(), .sparse = true);
    assert_array(ad_tree_get(t, "0"), AD_SHAPE(1, 2, 1), 0, 0, 1);
    assert_array(ad_tree_get(t, "1"), AD_SHAPE(3, 1, 1), 0, 0.5, 1.5, 2.5);
    assert_array(ad_tree_get(t, "2"), AD_SHAPE(1, 1, 1), 0, 7);
    t = ad_meshgrid(ad_tree_of("x", ad_arange(2), "y", ad_arange(3)), .sparse = true, .indexing = "ij");
    assert_array(ad_tree_get(t, "x"), AD_SHAPE(2, 1), 0, 0, 1);
    assert_array(ad_tree_get(t, "y"), AD_SHAPE(1, 3), 0, 0, 1, 2);
}
END_TEST

START_TEST(broadcast_arrays_have_one_shape)
{
    AD_SCOPE;
    ad_tree *t = ad_broadcast_arrays(ad_list_of(ad_arange(2), ad_reshape(VECTOR(0.5, 1.5), AD_SHAPE(2, 1)), 7));
    assert_array(ad_tree_get(t, "0"), AD_SHAPE(2, 2), 0, 0, 1, 0, 1);
    assert_array(ad_tree_get(t, "1"), AD_SHAPE(2, 2), 0, 0.5, 0.5, 1.5, 1.5);
    assert_array(ad_tree_get(t, "2"), AD_SHAPE(2, 2), 0, 7, 7, 7, 7);
    ck_assert_int_eq(ad_dtype_of(ad_tree_get(t, "2")), AD_I64);
    assert_shapes(ad_broadcast_arrays(ad_list_of(ad_zeros(AD_SHAPE(0, 1)), ad_zeros(AD_SHAPE(3)))), 2, AD_SHAPE(0, 3));
    assert_shapes(ad_broadcast_arrays(ad_tree_empty()), 0, AD_SCALAR_SHAPE);
    t = ad_broadcast_arrays(ad_tree_of("a", ad_list_of(1, 2), "b", ad_arange(3)));
    assert_array(ad_tree_get(t, "a/1"), AD_SHAPE(3), 0, 2, 2, 2);
}
END_TEST

START_TEST(indices_count_along_each_axis)
{
    AD_SCOPE;
    assert_array(ad_indices(AD_SHAPE(2, 3)), AD_SHAPE(2, 2, 3), 0, 0, 0, 0, 1, 1, 1, 0, 1, 2, 0, 1, 2);
    assert_array(ad_indices(AD_SHAPE(3), .dtype = AD_F32), AD_SHAPE(1, 3), 0, 0, 1, 2);
    ck_assert_int_eq(ad_dtype_of((ad_indices)(AD_SHAPE(3))), AD_I64);
    ck_assert_int_eq(ad_dtype_of(ad_indices(AD_SHAPE(3), .dtype = AD_F32)), AD_F32);
    ck_assert(ad_shape_equal(ad_shape_of(ad_indices(AD_SHAPE(2, 0))), AD_SHAPE(2, 2, 0)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_indices(AD_SCALAR_SHAPE)), AD_SHAPE(0)));
    ck_assert_int_eq(ad_dtype_of(ad_indices(AD_SCALAR_SHAPE)), AD_I64);
}
END_TEST

START_TEST(triangles_have_places)
{
    AD_SCOPE;
    assert_array(ad_stack(ad_tril_indices(3)), AD_SHAPE(2, 6), 0, 0, 1, 1, 2, 2, 2, 0, 0, 1, 0, 1, 2);
    assert_array(ad_stack(ad_tril_indices(3, .k = 1, .m = 2)), AD_SHAPE(2, 6), 0, 0, 0, 1, 1, 2, 2, 0, 1, 0, 1, 0, 1);
    assert_array(ad_stack(ad_triu_indices(3)), AD_SHAPE(2, 6), 0, 0, 0, 0, 1, 1, 2, 0, 1, 2, 1, 2, 2);
    assert_array(ad_stack(ad_triu_indices(2, .k = 2, .m = 4)), AD_SHAPE(2, 3), 0, 0, 0, 1, 2, 3, 3);
    assert_array(ad_stack(ad_triu_indices(2, .k = INT64_MIN)), AD_SHAPE(2, 4), 0, 0, 0, 1, 1, 0, 1, 0, 1);
    assert_shapes((ad_tril_indices)(0), 2, AD_SHAPE(0));
    assert_shapes((ad_triu_indices)(1), 2, AD_SHAPE(1));
    assert_shapes(ad_triu_indices(3, .m = 0), 2, AD_SHAPE(0));
    ck_assert_int_eq(ad_dtype_of(ad_tree_get(ad_tril_indices(2), "1")), AD_I64);
}
END_TEST

START_TEST(diagonals_have_places)
{
    AD_SCOPE;
    assert_array(ad_stack(ad_diag_indices(2)), AD_SHAPE(2, 2), 0, 0, 1, 0, 1);
    assert_array(ad_stack(ad_diag_indices(2, .ndim = 3)), AD_SHAPE(3, 2), 0, 0, 1, 0, 1, 0, 1);
    assert_shapes((ad_diag_indices)(0), 2, AD_SHAPE(0));
    assert_shapes(ad_diag_indices(4, .ndim = 0), 0, AD_SCALAR_SHAPE);
}
END_TEST

START_TEST(places_read_what_triangles_leave)
{
    AD_SCOPE;
    ad_array *m = ad_reshape(ad_arange(12), AD_SHAPE(3, 4));
    ad_tree *lower = ad_tril_indices(3, .k = -1, .m = 4), *diagonal = ad_diag_indices(3);
    assert_array(ad_at_list(m, AD_INDICES(AD_PICK(ad_tree_get(lower, "0")), AD_PICK(ad_tree_get(lower, "1")))), AD_SHAPE(3), 0, 4, 8, 9);
    assert_array(ad_at_list(m, AD_INDICES(AD_PICK(ad_tree_get(diagonal, "0")), AD_PICK(ad_tree_get(diagonal, "1")))), AD_SHAPE(3), 0, 0, 5, 10);
}
END_TEST

static ad_tree *meshgrid_of_tree(ad_tree *t)
{
    return ad_meshgrid(t);
}

/* The gradient of a tree's leaves, through a result that is a tree: what is repeated is summed. */
START_TEST(meshgrid_pulls_back_sums)
{
    AD_SCOPE;
    ad_tree *t = ad_tree_of("x", VECTOR(1, 2), "y", ad_astype(VECTOR(3, 4, 5), AD_F32)), *g;
    ad_pullback *pull = NULL;
    ad_tree *grid = ad_vjp(meshgrid_of_tree, t, &pull);
    ck_assert_msg(grid && pull, "%s", ad_error_message());
    g = ad_vjp_apply_any(pull, ad_tree_map(ad_square, grid));
    assert_array(ad_tree_get(g, "x"), AD_SHAPE(2), 0, 3, 12);
    assert_array(ad_tree_get(g, "y"), AD_SHAPE(3), 0, 18, 32, 50);
    ck_assert_int_eq(ad_dtype_of(ad_tree_get(g, "y")), AD_F32);
    ad_vjp_free(pull);
}
END_TEST

START_TEST(errors_of_grids_name_the_values)
{
    AD_SCOPE;
    ad_array *x = matrix();
    assert_fails(ad_tri(-2), AD_ERROR_SHAPE, "ad_tri: shape (-2,-2)");
    assert_fails(ad_tri(2, .dtype = (ad_dtype)99), AD_ERROR_DTYPE, "ad_tri: 99");
    assert_fails(ad_tril_indices(-1), AD_ERROR_SHAPE, "ad_tril_indices: shape (-1,-1)");
    assert_fails(ad_triu_indices(-1), AD_ERROR_SHAPE, "ad_triu_indices: shape (-1,-1)");
    assert_fails(ad_triu_indices(INT64_MAX), AD_ERROR_SHAPE, "ad_triu_indices: shape (9223372036854775807,9223372036854775807)");
    assert_fails(ad_diag_indices(-1), AD_ERROR_SHAPE, "ad_diag_indices: -1 elements");
    assert_fails(ad_diag_indices(2, .ndim = 33), AD_ERROR_SHAPE, "ad_diag_indices: 33 dimensions");
    assert_fails(ad_indices(AD_SHAPE(2, -1)), AD_ERROR_SHAPE, "ad_indices: shape (2,-1)");
    assert_fails(ad_indices((ad_shape){ .ndim = AD_MAX_NDIM }), AD_ERROR_SHAPE, "ad_indices: 32 dimensions");
    assert_fails(ad_indices(AD_SHAPE(2), .dtype = (ad_dtype)99), AD_ERROR_DTYPE, "ad_indices: 99");
    assert_fails(ad_meshgrid(ad_list_of(1, 2), .indexing = "yx"), AD_ERROR_VALUE, "ad_meshgrid: indexing \"yx\"");
    assert_fails(ad_meshgrid(ad_unstack(ad_arange(33))), AD_ERROR_SHAPE, "ad_meshgrid: 33 arrays");
    assert_fails(ad_broadcast_arrays(ad_list_of(1, x, ad_arange(2))), AD_ERROR_SHAPE,
                 "ad_broadcast_arrays: an array of shape (2,) (number 2) does not broadcast with shape (2,3)");
    assert_fails(ad_meshgrid(NULL), AD_ERROR_VALUE, "ad_meshgrid: the list of arrays is NULL");
    assert_fails(ad_broadcast_arrays(NULL), AD_ERROR_VALUE, "ad_broadcast_arrays: the list of arrays is NULL");
}
END_TEST

RUN_TESTS("grid", meshgrid_repeats_vectors, sparse_meshgrid_keeps_axes_of_length_1, broadcast_arrays_have_one_shape,
          indices_count_along_each_axis, triangles_have_places, diagonals_have_places, places_read_what_triangles_leave,
          meshgrid_pulls_back_sums, errors_of_grids_name_the_values)
