/* Whatever a function returns belongs to the innermost scope, an operand returned unchanged too: it stays good when the
 * reference that kept the operand is dropped. */
#include "testing.h"

/* Arrays larger than what is kept in a header, so that freed memory is seen. */
enum { LENGTH = 24 };

static ad_tree *nested(ad_array *x)
{
    return ad_tree_of("a", x, "b", ad_list_of(x, ad_tree_of("c", x)));
}

static ad_array *itself(ad_array *x)
{
    return x;
}

static ad_tree *tree_itself(ad_tree *t)
{
    return t;
}

/* ---- functions of an array that may give it itself ---- */

OF_X(of_reshape, ad_reshape(x, ad_shape_of(x)))
OF_X(of_reshape_fortran, ad_reshape(x, ad_shape_of(x), .order = "F"))
OF_X(of_ravel, ad_ravel(x))
OF_X(of_squeeze, ad_squeeze(x))
OF_X(of_expand_dims, ad_expand_dims_axes(x, (ad_axes){ 0 }))
OF_X(of_atleast_1d, ad_atleast_1d(x))
OF_X(of_atleast_2d, ad_atleast_2d(ad_atleast_2d(x)))
OF_X(of_atleast_3d, ad_atleast_3d(ad_atleast_3d(x)))
OF_X(of_broadcast_to, ad_broadcast_to(x, ad_shape_of(x)))
OF_X(of_broadcast_arrays, ad_tree_array_at(ad_broadcast_arrays(ad_list_of(x)), 0))
OF_X(of_transpose, ad_transpose(x))
OF_X(of_moveaxis, ad_moveaxis(x, 0, 0))
OF_X(of_swapaxes, ad_swapaxes(x, 0, 0))
OF_X(of_flip, ad_flip(x))
OF_X(of_rot90, ad_rot90(ad_reshape(x, AD_SHAPE(4, LENGTH / 4)), .k = 4))
OF_X(of_roll, ad_roll(x, 0))
OF_X(of_roll_axis, ad_roll(x, LENGTH, .axis = 0))
OF_X(of_pad, ad_pad(x, 0))
OF_X(of_tile, ad_tile(x, AD_SHAPE(1)))
OF_X(of_tile_nothing, ad_tile(x, AD_SCALAR_SHAPE))
OF_X(of_repeat, ad_repeat(x, 1))
OF_X(of_concatenate, ad_concatenate(ad_list_of(x)))
OF_X(of_flatten, ad_flatten(ad_list_of(x)))
OF_X(of_split, ad_tree_get(ad_split(x, 1), "0"))
OF_X(of_unstack, ad_tree_get(ad_unstack(ad_reshape(x, AD_SHAPE(1, LENGTH))), "0"))
OF_X(of_at_all, ad_at(x, ":"))
OF_X(of_at_rest, ad_at(x, "..."))
OF_X(of_slice_axis, ad_slice_axis(x, 0, 0, LENGTH, 1))
OF_X(of_take, ad_take(x, ad_arange(LENGTH)))
OF_X(of_at_add_nothing, ad_at_add(x, 1, "0:0"))
OF_X(of_at_set_nothing, ad_at_set(x, 1, "0:0"))
OF_X(of_put_add_nothing, ad_put_add(x, ad_arange(0), ad_zeros(AD_SHAPE(0))))
OF_X(of_clip, ad_clip(x, NULL, NULL))
OF_X(of_clip_loosely, ad_clip(ad_astype(x, AD_U8), -5, 300))
OF_X(of_pow, ad_pow(x, 1))
OF_X(of_astype, ad_astype(x, AD_F64))
OF_X(of_asarray, ad_asarray(x))
OF_X(of_copy, ad_copy(x))
OF_X(of_full, ad_full(ad_shape_of(x), x))
OF_X(of_full_like, ad_full_like(x, x))
OF_X(of_tril_of_nothing, ad_tril(ad_reshape(x, AD_SHAPE(LENGTH, 1)), .k = LENGTH))
OF_X(of_real, ad_real(x))
OF_X(of_conj, ad_conj(x))
OF_X(of_einsum, ad_einsum("i->i", x))
OF_X(of_sum_of_no_axes, ad_sum(ad_reshape(x, AD_SHAPE(1, LENGTH)), .axis = 0))
OF_X(of_cumsum_of_one, ad_cumsum(ad_reshape(x, AD_SHAPE(1, LENGTH)), .axis = 0))
OF_X(of_sort, ad_sort(x))
OF_X(of_maximum, ad_maximum(x, x))
OF_X(of_where, ad_where(true, x, x))
OF_X(of_meshgrid, ad_tree_get(ad_meshgrid(ad_list_of(x)), "0"))
OF_X(of_stop_gradient, ad_stop_gradient(x))
OF_X(of_tree_map, ad_tree_get(ad_tree_map(itself, nested(x)), "b/1/c"))
OF_X(of_checkpoint, ad_checkpoint(itself)(x))
OF_X(of_call, ad_call(ad_function_of((void (*)(void))itself, "a(a)"), x))

static ad_array *of_jvp(ad_array *x)
{
    ad_array *tangent;
    ad_jvp(itself, ad_zeros_like(x), x, &tangent);
    return tangent;
}

static ad_array *of_jvp_value(ad_array *x)
{
    ad_array *tangent;
    return ad_jvp(itself, x, x, &tangent);
}

static ad_array *of_vjp_value(ad_array *x)
{
    ad_pullback *pull;
    ad_array *y = ad_vjp(itself, x, &pull);
    ad_vjp_free(pull);
    return y;
}

static ad_array *of_vjp_apply(ad_array *x)
{
    ad_pullback *pull;
    ad_vjp(itself, ad_zeros_like(x), &pull);
    ad_array *g = ad_vjp_apply(pull, x);
    ad_vjp_free(pull);
    return g;
}

static ad_array *half_of_both(ad_array *x, ad_array *a)
{
    return ad_mul(0.5, ad_add(x, a));
}

OF_X(of_fixed_point, ad_fixed_point(half_of_both, x, x))

static ad_array *kept;

static ad_array *times_kept(ad_array *x)
{
    return ad_sum(ad_mul(x, kept));
}

static ad_array *of_gradient(ad_array *x)
{
    kept = x;
    return ad_grad(times_kept)(ad_zeros_like(x));
}

static ad_array *gives_kept(ad_array *x)
{
    (void)x;
    return kept;
}

static ad_array *of_aux_value(ad_array *x)
{
    kept = x;
    return ad_checkpoint(gives_kept)(ad_scalar(1));
}

typedef ad_array *of_array(ad_array *);

#define ROW(f) { #f, f }
static const struct row {
    const char *name;
    of_array *function;
} rows[] = {
    ROW(of_reshape), ROW(of_reshape_fortran), ROW(of_ravel), ROW(of_squeeze), ROW(of_expand_dims), ROW(of_atleast_1d), ROW(of_atleast_2d), ROW(of_atleast_3d),
    ROW(of_broadcast_to), ROW(of_broadcast_arrays), ROW(of_transpose), ROW(of_moveaxis), ROW(of_swapaxes), ROW(of_flip), ROW(of_rot90), ROW(of_roll),
    ROW(of_roll_axis), ROW(of_pad), ROW(of_tile), ROW(of_tile_nothing), ROW(of_repeat), ROW(of_concatenate), ROW(of_flatten), ROW(of_split), ROW(of_unstack),
    ROW(of_at_all), ROW(of_at_rest), ROW(of_slice_axis), ROW(of_take), ROW(of_at_add_nothing), ROW(of_at_set_nothing),
    ROW(of_put_add_nothing), ROW(of_clip), ROW(of_clip_loosely), ROW(of_pow), ROW(of_astype), ROW(of_asarray), ROW(of_copy), ROW(of_full), ROW(of_full_like),
    ROW(of_tril_of_nothing), ROW(of_real), ROW(of_conj), ROW(of_einsum), ROW(of_sum_of_no_axes), ROW(of_cumsum_of_one), ROW(of_sort), ROW(of_maximum),
    ROW(of_where), ROW(of_meshgrid), ROW(of_stop_gradient), ROW(of_tree_map), ROW(of_checkpoint), ROW(of_call), ROW(of_jvp), ROW(of_jvp_value),
    ROW(of_vjp_value), ROW(of_vjp_apply), ROW(of_fixed_point), ROW(of_gradient), ROW(of_aux_value),
};

/* An array that only the caller's reference keeps. */
static ad_array *lonely(double first)
{
    AD_SCOPE;
    return ad_retain(ad_add(first, ad_linspace(0, 1, .num = LENGTH)));
}

/* Takes the memory of what was freed. */
static void fill_freed_memory(void)
{
    for (int i = 0; i < 100; i++)
        ad_full(AD_SHAPE(LENGTH), 7.5);
}

START_TEST(results_belong_to_the_innermost_scope)
{
    ad_array *x = lonely(1);
    AD_SCOPE;
    ad_array *y = rows[_i].function(x);
    ck_assert_msg(y != NULL, "%s: %s", rows[_i].name, ad_error_message());
    char *before = ad_tostring(y);
    ad_release(x);
    fill_freed_memory();
    char *after = ad_tostring(y);
    ck_assert_msg(strcmp(before, after) == 0, "%s: %s became %s", rows[_i].name, before, after);
    free(before);
    free(after);
}
END_TEST

/* ---- functions of a tree that give a part of it, or it itself ---- */

typedef void *of_tree(ad_tree *);

static void *get(ad_tree *t)
{
    return ad_tree_get(t, "b/1/c");
}

static void *array_at(ad_tree *t)
{
    return ad_tree_array_at(t, 0);
}

static void *last_leaf(ad_tree *t)
{
    ad_array *leaves[3];
    ck_assert_int_eq(ad_tree_leaves(t, leaves, 3), 3);
    return leaves[2];
}

static void *sub(ad_tree *t)
{
    return ad_tree_sub(t, "b/1");
}

static void *tree_at(ad_tree *t)
{
    return ad_tree_tree_at(t, 1);
}

static void *with_leaves(ad_tree *t)
{
    ad_array *leaves[3];
    ad_tree_leaves(t, leaves, 3);
    return ad_tree_with_leaves(t, leaves);
}

static void *set(ad_tree *t)
{
    return ad_tree_set(t, "a", ad_tree_get(t, "a"));
}

static void *set_tree(ad_tree *t)
{
    return ad_tree_set_tree(t, "b", ad_tree_sub(t, "b"));
}

static void *mapped(ad_tree *t)
{
    return ad_tree_map(itself, t);
}

static ad_array *leaf_itself(const char *path, ad_array *leaf, void *context)
{
    (void)path, (void)context;
    return leaf;
}

static void *mapped_with_path(ad_tree *t)
{
    return ad_tree_map_with_path(leaf_itself, t, NULL);
}

static void *unflattened(ad_tree *t)
{
    return ad_unflatten(t, ad_flatten(t));
}

static void *checkpointed(ad_tree *t)
{
    return ad_checkpoint(tree_itself)(t);
}

static void *called(ad_tree *t)
{
    return ad_call(ad_function_of((void (*)(void))tree_itself, "t(t)"), t);
}

static void *jvp_value(ad_tree *t)
{
    ad_tree *tangent;
    return ad_jvp(tree_itself, t, t, &tangent);
}

static const struct tree_row {
    const char *name;
    of_tree *function;
    bool gives_array;
} tree_rows[] = {
    { "ad_tree_get", get, true },           { "ad_tree_array_at", array_at, true }, { "ad_tree_leaves", last_leaf, true }, { "ad_tree_sub", sub, false },
    { "ad_tree_tree_at", tree_at, false },  { "ad_tree_with_leaves", with_leaves, false }, { "ad_tree_set", set, false },
    { "ad_tree_set_tree", set_tree, false }, { "ad_tree_map", mapped, false },
    { "ad_tree_map_with_path", mapped_with_path, false }, { "ad_unflatten", unflattened, false },
    { "ad_checkpoint", checkpointed, false }, { "ad_call", called, false }, { "ad_jvp", jvp_value, false },
};

/* The tree's elements, or the array's, as text. */
static char *text_of(void *value, bool is_array)
{
    return ad_tostring(is_array ? value : ad_flatten(value));
}

START_TEST(parts_of_trees_belong_to_the_innermost_scope)
{
    const struct tree_row *row = &tree_rows[_i];
    ad_tree *t;
    {
        AD_SCOPE;
        ad_array *x = lonely(2);
        t = ad_retain(nested(x));
        ad_release(x);
    }
    AD_SCOPE;
    void *y = row->function(t);
    ck_assert_msg(y != NULL, "%s: %s", row->name, ad_error_message());
    char *before = text_of(y, row->gives_array);
    ad_release(t);
    fill_freed_memory();
    char *after = text_of(y, row->gives_array);
    ck_assert_msg(strcmp(before, after) == 0, "%s: %s became %s", row->name, before, after);
    free(before);
    free(after);
}
END_TEST

/* The manual's way to keep the newest value. */
START_TEST(the_newest_value_may_be_kept_in_place_of_the_one_before)
{
    ad_array *best = lonely(3);
    for (int i = 0; i < 3; i++) {
        AD_SCOPE;
        ad_array *y = ad_reshape(best, AD_SHAPE(LENGTH));
        ad_release(best);
        best = ad_retain(y);
    }
    AD_SCOPE;
    fill_freed_memory();
    assert_close(ad_item(ad_at(best, "0")), 3, 0);
    assert_close(ad_item(ad_at(best, "-1")), 4, 0);
    ad_release(best);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ownership");
    TCase *tests = tcase_create("ownership");
    tcase_add_loop_test(tests, results_belong_to_the_innermost_scope, 0, sizeof rows / sizeof *rows);
    tcase_add_loop_test(tests, parts_of_trees_belong_to_the_innermost_scope, 0, sizeof tree_rows / sizeof *tree_rows);
    tcase_add_test(tests, the_newest_value_may_be_kept_in_place_of_the_one_before);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
