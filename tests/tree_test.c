/* Trees: structure, paths, and functions of them that differentiate. */
#include "testing.h"
#include <stdio.h>

static ad_array *vector(double a, double b)
{
    return ad_from((double[]){ a, b }, AD_SHAPE(2));
}

/* { layers: [ { W: (2,2), b: (2,) }, { W: (2,) } ], scale: () } */
static ad_tree *parameters(void)
{
    ad_array *w = ad_from((double[]){ 1, 2, 3, 4 }, AD_SHAPE(2, 2));
    return ad_tree_of("layers", ad_list_of(ad_tree_of("W", w, "b", vector(5, 6)), ad_tree_of("W", vector(7, 8))), "scale", 9.0);
}

START_TEST(paths_find_arrays_and_trees)
{
    ad_tree *t = parameters();
    assert_array(ad_tree_get(t, "layers/0/b"), AD_SHAPE(2), 0, 5, 6);
    ck_assert_int_eq(ad_tree_count(ad_tree_sub(t, "layers/1")), 1);
    ck_assert(ad_tree_has(t, "layers/1/W") && !ad_tree_has(t, "layers/2") && !ad_tree_has(t, "scale/0"));
    ck_assert_int_eq(ad_tree_leaf_count(t), 4);
    assert_fails(ad_tree_get(t, "layers/9"), AD_ERROR_INDEX, "layers/9");
    assert_fails(ad_tree_get(t, "layers"), AD_ERROR_INDEX, "a tree, not an array");
}
END_TEST

START_TEST(null_paths_and_leaves_are_errors)
{
    ad_tree *t = parameters();
    assert_fails(ad_tree_get(t, NULL), AD_ERROR_VALUE, "ad_tree_get: the path is NULL");
    assert_fails(ad_tree_sub(t, NULL), AD_ERROR_VALUE, "ad_tree_sub: the path is NULL");
    assert_fails(ad_tree_has(t, NULL), AD_ERROR_VALUE, "ad_tree_has: the path is NULL");
    assert_fails(ad_tree_set(t, NULL, vector(1, 2)), AD_ERROR_VALUE, "ad_tree_set: the path is NULL");
    assert_fails(ad_tree_with_leaves(t, NULL), AD_ERROR_VALUE, "the list of leaves is NULL");
    assert_fails(ad_tree_with_leaves(t, (ad_array *[4]){ vector(1, 2) }), AD_ERROR_VALUE, "the leaf for \"b\" is NULL");
    assert_fails(ad_list_from(NULL, 2), AD_ERROR_VALUE, "2 entries, which are NULL");
    assert_fails(ad_tree_from(NULL, -2), AD_ERROR_VALUE, "-2 entries");
    ck_assert_int_eq(ad_tree_leaves(t, NULL, 4), 4);
    ck_assert(ad_tree_with_leaves(ad_tree_empty(), NULL) && !ad_failed());
    assert_fails(ad_tree_get(NULL, NULL), AD_ERROR_VALUE, "ad_tree_get: the tree is NULL");
}
END_TEST

START_TEST(set_makes_a_new_tree)
{
    ad_tree *t = parameters(), *u = ad_tree_set(t, "layers/0/b", vector(-1, -2));
    assert_array(ad_tree_get(u, "layers/0/b"), AD_SHAPE(2), 0, -1, -2);
    assert_array(ad_tree_get(t, "layers/0/b"), AD_SHAPE(2), 0, 5, 6);
    assert_array(ad_tree_get(ad_tree_set(t, "new", vector(1, 2)), "new"), AD_SHAPE(2), 0, 1, 2);
    assert_fails(ad_tree_set(t, "layers/5", vector(1, 2)), AD_ERROR_INDEX, "5");
}
END_TEST

START_TEST(entries_of_large_trees_are_found)
{
    ad_tree *t = ad_tree_empty(), *list;
    ad_tree_item items[120];
    char name[16];
    for (int i = 0; i < 120; i++) {
        AD_SCOPE;
        snprintf(name, sizeof name, "%.*d", 1 + i % 3, i); /* some begin with others */
        t = ad_escape(ad_tree_set(t, name, ad_scalar(i)));
    }
    for (int i = 0; i < 120; i++) {
        snprintf(name, sizeof name, "%.*d", 1 + i % 3, i);
        ck_assert_int_eq((int)ad_item(ad_tree_get(t, name)), i);
        items[i] = (ad_tree_item){ AD_ITEM_ARRAY, ad_scalar(i) };
    }
    ck_assert(!ad_tree_has(t, "00") && !ad_tree_has(t, "") && !ad_tree_has(t, "120") && !ad_tree_has(t, "1/0"));
    ad_tree *outer = ad_tree_of("t", t, "list", list = ad_list_from(items, 120));
    ck_assert_int_eq((int)ad_item(ad_tree_get(outer, "t/002")), 2);
    ck_assert_int_eq((int)ad_item(ad_tree_get(outer, "list/107")), 107);
    const char *const absent[] = { "", "00", "07", "-1", "+1", " 1", "1 ", "120", "0x1", "99999999999", "999999999999", "107/0" };
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        ck_assert_msg(!ad_tree_has(list, absent[i]), "%s", absent[i]);
    ck_assert_str_eq(ad_tree_name(list, 9), "9");
    ck_assert_str_eq(ad_tree_name(list, 10), "10");
    ck_assert_str_eq(ad_tree_name(list, 107), "107");
}
END_TEST

START_TEST(names_may_not_be_repeated_or_empty)
{
    assert_fails(ad_tree_of("a", 1, "a", 2), AD_ERROR_VALUE, "twice");
    assert_fails(ad_tree_of("a/b", 1), AD_ERROR_VALUE, "a/b");
    assert_fails(ad_tree_of("a", (ad_array *)NULL), AD_ERROR_VALUE, "NULL");
}
END_TEST

static ad_array *twice(ad_array *x)
{
    return ad_mul(2, x);
}

static ad_array *product(ad_array *x, ad_array *y)
{
    return ad_mul(x, y);
}

static ad_array *nothing(ad_array *x)
{
    (void)x;
    return NULL;
}

START_TEST(trees_are_only_so_deep)
{
    AD_SCOPE;
    ad_tree *t = ad_list_of(1.0);
    for (int depth = 1; depth < 1000; depth++)
        ck_assert((t = ad_list_of(t)) != NULL);
    assert_array(ad_flatten(t), AD_SHAPE(1), 0, 1);
    assert_fails(ad_list_of(t), AD_ERROR_VALUE, "ad_list_of: trees in trees more than 1000 deep");
    assert_fails(ad_tree_of("t", t), AD_ERROR_VALUE, "ad_tree_of: trees in trees");
}
END_TEST

START_TEST(map_keeps_the_structure)
{
    ad_tree *t = parameters(), *u = ad_tree_map(twice, t), *v = ad_tree_map2(product, t, u);
    ck_assert(ad_tree_same_structure(t, u) && ad_tree_same_structure(t, v));
    assert_array(ad_tree_get(u, "layers/1/W"), AD_SHAPE(2), 0, 14, 16);
    assert_array(ad_tree_get(v, "scale"), AD_SCALAR_SHAPE, 0, 162);
    ck_assert_int_eq(ad_tree_count(ad_tree_map(twice, ad_tree_empty())), 0);
    assert_fails(ad_tree_map2(product, t, ad_tree_set(t, "more", vector(1, 2))), AD_ERROR_SHAPE, "4 and 5 leaves");
    assert_fails(ad_tree_map(nothing, t), AD_ERROR_VALUE, "leaf 0");
    assert_fails(ad_tree_map(twice, NULL), AD_ERROR_VALUE, "ad_tree_map: the tree is NULL");
}
END_TEST

/* The leaf times its number of characters, which are put together. */
static ad_array *noted(const char *path, ad_array *leaf, void *context)
{
    strcat(strcat(context, path), " ");
    return ad_mul(leaf, strlen(path));
}

static ad_array *nothing_for_a_scale(const char *path, ad_array *leaf, void *context)
{
    (void)context;
    return strcmp(path, "scale") == 0 ? NULL : leaf;
}

START_TEST(map_with_path_sees_every_path)
{
    char paths[200] = "";
    ad_tree *t = parameters(), *u = ad_tree_map_with_path(noted, t, paths);
    ck_assert_str_eq(paths, "layers/0/W layers/0/b layers/1/W scale ");
    ck_assert(ad_tree_same_structure(t, u));
    assert_array(ad_tree_get(u, "layers/1/W"), AD_SHAPE(2), 0, 70, 80);
    assert_array(ad_tree_get(u, "scale"), AD_SCALAR_SHAPE, 0, 45);
    *paths = '\0';
    u = ad_tree_map_with_path(noted, ad_tree_of("a", ad_list_of(ad_tree_empty(), ad_tree_of("b", 1)), "none", ad_tree_empty()), paths);
    ck_assert_str_eq(paths, "a/1/b ");
    ck_assert(ad_tree_count(ad_tree_sub(u, "none")) == 0 && ad_tree_count(ad_tree_sub(u, "a/0")) == 0);
    assert_fails(ad_tree_map_with_path(nothing_for_a_scale, t, NULL), AD_ERROR_VALUE, "ad_tree_map_with_path: the function gave NULL for leaf \"scale\"");
}
END_TEST

static ad_array *with_paths(ad_array *flat)
{
    char paths[200] = "";
    return ad_sum(ad_square(ad_flatten(ad_tree_map_with_path(noted, ad_unflatten(parameters(), flat), paths))));
}

START_TEST(map_with_path_differentiates)
{
    ad_array *flat = ad_flatten(parameters()), *g = ad_grad(with_paths)(flat);
    assert_array(ad_at(g, "7:"), AD_SHAPE(2), 1e-13, 2 * 8 * 100, 2 * 9 * 25);
    ck_assert_msg(ad_check_grads(with_paths, flat), "%s", ad_error_message());
}
END_TEST

START_TEST(an_empty_tree_takes_its_first_entry)
{
    ad_tree *t = ad_tree_set(ad_tree_empty(), "a", vector(1, 2));
    ck_assert_msg(t && ad_tree_same_structure(t, ad_tree_of("a", 0)), "%s", ad_error_message());
    ck_assert_str_eq(ad_tree_name(t, 0), "a");
    assert_fails(ad_tree_set(ad_list_of(1), "a", vector(1, 2)), AD_ERROR_INDEX, "no entry \"a\"");
}
END_TEST

START_TEST(flatten_and_unflatten_undo_each_other)
{
    ad_tree *t = parameters();
    ad_array *flat = ad_flatten(t);
    assert_array(flat, AD_SHAPE(9), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    ad_tree *u = ad_unflatten(t, ad_mul(flat, 10));
    ck_assert(ad_tree_same_structure(t, u));
    assert_array(ad_tree_get(u, "layers/0/W"), AD_SHAPE(2, 2), 0, 10, 20, 30, 40);
    assert_array(ad_tree_get(u, "scale"), AD_SCALAR_SHAPE, 0, 90);
    assert_fails(ad_unflatten(t, ad_zeros(AD_SHAPE(8))), AD_ERROR_SHAPE, "(8,)");
    assert_fails(ad_unflatten(t, ad_zeros(AD_SHAPE(3, 3))), AD_ERROR_SHAPE, "(3,3)");
}
END_TEST

START_TEST(mixed_dtypes_come_back_as_they_were)
{
    ad_tree *t = ad_list_of(ad_astype(vector(1, 2), AD_F32), ad_from_data(AD_I64, (int64_t[]){ 3 }, AD_SHAPE(1)), ad_astype(vector(4, 5), AD_C128));
    ad_array *flat = ad_flatten(t);
    ck_assert_int_eq(ad_dtype_of(flat), AD_C128);
    ad_tree *u = ad_unflatten(t, flat);
    ck_assert_int_eq(ad_dtype_of(ad_tree_get(u, "0")), AD_F32);
    ck_assert_int_eq(ad_dtype_of(ad_tree_get(u, "1")), AD_I64);
    ck_assert_int_eq(ad_dtype_of(ad_tree_get(u, "2")), AD_C128);
    assert_array(ad_tree_get(u, "1"), AD_SHAPE(1), 0, 3);
}
END_TEST

START_TEST(empty_trees_flatten_to_empty_vectors)
{
    ad_tree *t = ad_tree_of("a", ad_tree_empty(), "b", ad_zeros(AD_SHAPE(0, 3)));
    ad_array *flat = ad_flatten(t);
    ck_assert_int_eq(ad_size(flat), 0);
    ck_assert(ad_tree_same_structure(t, ad_unflatten(t, flat)));
    ck_assert_int_eq(ad_tree_count(ad_unflatten(ad_tree_empty(), ad_flatten(ad_tree_empty()))), 0);
}
END_TEST

static ad_array *norm_of_flat(ad_tree *t)
{
    ad_array *flat = ad_flatten(t);
    return ad_sum(ad_mul(flat, flat));
}

START_TEST(flatten_differentiates)
{
    ad_tree *t = parameters(), *g = ad_grad(norm_of_flat)(t);
    ck_assert_msg(g != NULL, "%s", ad_error_message());
    assert_array(ad_flatten(g), AD_SHAPE(9), 1e-15, 2, 4, 6, 8, 10, 12, 14, 16, 18);
}
END_TEST

/* sum of leaf^2 of twice the leaves: through unflatten and map. */
static ad_array *norm_of_tree(ad_array *flat)
{
    return norm_of_flat(ad_tree_map(twice, ad_unflatten(parameters(), flat)));
}

START_TEST(unflatten_and_map_differentiate_twice)
{
    ad_array *flat = ad_flatten(parameters());
    assert_array(ad_grad(norm_of_tree)(flat), AD_SHAPE(9), 1e-15, 8, 16, 24, 32, 40, 48, 56, 64, 72);
    ad_array *h = ad_hessian(norm_of_tree)(flat);
    ck_assert_msg(h != NULL, "%s", ad_error_message());
    const double *values = ad_data(h);
    for (int i = 0; i < 81; i++)
        ck_assert_double_eq(values[i], i % 10 == 0 ? 8 : 0);
}
END_TEST

START_TEST(printing_shows_paths_dtypes_shapes_and_values)
{
    char text[256];
    FILE *stream = tmpfile();
    ad_tree_fprint(stream, ad_tree_of("layers", ad_list_of(vector(1, 2.5)), "scale", 3.0));
    rewind(stream);
    text[fread(text, 1, sizeof text - 1, stream)] = '\0';
    ck_assert_str_eq(text, "layers/0 float64 (2,)\n[1.  2.5]\nscale float64 ()\n3.0\n");
    fclose(stream);
    ad_tree_print(NULL);
}
END_TEST

START_TEST(every_failing_allocation_is_survived)
{
    for (int64_t n = 1;; n++) {
        AD_SCOPE;
        ad_memory_fail_after(n);
        ad_tree *t = parameters(), *u = ad_tree_map(twice, ad_unflatten(t, ad_flatten(t)));
        ad_memory_fail_after(0);
        if (u)
            break;
        ck_assert_int_eq(ad_error_code(), AD_ERROR_MEMORY);
        ad_clear_error();
    }
}
END_TEST

/* ---- deep trees ---- */

enum { DEEP = 1000 };
/* The address sanitizer's frames are larger, and it needs some itself. */
enum { STACK = WITH_ADDRESS_SANITIZER ? 256 * 1024 : 64 * 1024, SMALLEST = WITH_ADDRESS_SANITIZER ? 256 * 1024 : 0 };

OF_AB(sum_of_two, ad_add(a, b))

static ad_tree *deep_tree(double leaf)
{
    ad_tree *t = ad_tree_of("x", leaf, "n", 1);
    for (int i = 1; i < DEEP; i++) {
        AD_SCOPE;
        t = ad_escape(ad_tree_of("x", t, "y", ad_scalar(i)));
    }
    return t;
}

static ad_array *sum_of_all(ad_tree *t)
{
    return ad_sum(ad_square(ad_flatten(t)));
}

static ad_array *times_length_of_path(const char *path, ad_array *leaf, void *context)
{
    (void)context;
    return ad_mul(leaf, strlen(path));
}

static void *walk_deep_trees(void *unused)
{
    AD_SCOPE;
    ad_tree *t = deep_tree(1.5), *u = deep_tree(2.5), *v;
    static char path[2 * DEEP + 1] = "x";
    for (int i = 1; i < DEEP; i++)
        strcat(path, "/x");
    ck_assert_int_eq(ad_tree_leaf_count(t), DEEP + 1);
    ck_assert(ad_tree_same_structure(t, u) && !ad_tree_same_structure(t, ad_tree_sub(u, "x")));
    assert_close(ad_item(ad_tree_get(ad_tree_set(t, path, ad_scalar(7)), path)), 7, 0);
    assert_close(ad_item(ad_tree_get(ad_tree_map2(sum_of_two, t, u), path)), 4, 0);
    assert_close(ad_item(ad_tree_get(ad_grad(sum_of_all)(ad_tree_map(ad_sin, t)), path)), 2 * sin(1.5), 1e-15);
    assert_close(ad_item(ad_tree_get(ad_tree_map_with_path(times_length_of_path, t, NULL), path)), 1.5 * (2 * DEEP - 1), 0);
    v = ad_unflatten(t, ad_flatten(u));
    assert_close(ad_item(ad_tree_get(v, path)), 2.5, 0);
    FILE *stream = tmpfile();
    ad_tree_fprint(stream, t);
    fseek(stream, 0, SEEK_SET);
    ck_assert(fgetc(stream) == 'x');
    fclose(stream);
    return unused;
}

static void *do_nothing(void *unused)
{
    return unused;
}

static bool run_on(size_t stack, void *(*f)(void *))
{
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    bool done = pthread_attr_setstacksize(&attributes, stack) == 0 && pthread_create(&thread, &attributes, f, NULL) == 0;
    if (done)
        pthread_join(thread, NULL);
    return done;
}

/* What libraries keep for each thread lies on its stack too. */
START_TEST(deep_trees_need_no_large_stack)
{
    size_t taken = SMALLEST;
    while (!run_on(taken += 4096, do_nothing))
        ck_assert_int_le(taken, 1024 * 1024);
    ck_assert(run_on(taken + STACK, walk_deep_trees));
}
END_TEST

/* A tree that holds itself twice at each of 32 levels has too many leaves to be counted. */
START_TEST(a_tree_has_only_so_many_leaves)
{
    ad_tree *t = ad_list_of(1);
    for (int i = 0; i < 30; i++)
        t = ad_list_of(t, t);
    ck_assert_int_eq(ad_tree_leaf_count(t), 1 << 30);
    assert_fails(ad_list_of(t, t, t), AD_ERROR_VALUE, "ad_list_of: a tree of 3221225472 arrays");
}
END_TEST

RUN_TESTS("tree", deep_trees_need_no_large_stack, a_tree_has_only_so_many_leaves,
          paths_find_arrays_and_trees, null_paths_and_leaves_are_errors, set_makes_a_new_tree,
          entries_of_large_trees_are_found, names_may_not_be_repeated_or_empty, map_keeps_the_structure, map_with_path_sees_every_path, map_with_path_differentiates,
          an_empty_tree_takes_its_first_entry, trees_are_only_so_deep,
          flatten_and_unflatten_undo_each_other, mixed_dtypes_come_back_as_they_were, empty_trees_flatten_to_empty_vectors, flatten_differentiates,
          unflatten_and_map_differentiate_twice, printing_shows_paths_dtypes_shapes_and_values, every_failing_allocation_is_survived)
