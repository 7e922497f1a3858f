/* Updates at index arrays, against updates of one place after the other: values to the bit, gradients, and theirs.
 *
 * What stands at a place that is named again is joined with one value after the other, so that is what they mean. */
#include "indexing.h"
#include <complex.h>
#include <math.h>
#include <string.h>

typedef ad_array *update_list(ad_array *, ad_array *, ad_index_list);

static ad_array *mul_list(ad_array *x, ad_array *v, ad_index_list l)
{
    return ad_at_mul_list(x, v, l);
}

static ad_array *min_list(ad_array *x, ad_array *v, ad_index_list l)
{
    return ad_at_min_list(x, v, l);
}

static ad_array *max_list(ad_array *x, ad_array *v, ad_index_list l)
{
    return ad_at_max_list(x, v, l);
}

static ad_array *set_list(ad_array *x, ad_array *v, ad_index_list l)
{
    return ad_at_set_list(x, v, l);
}

static ad_array *add_list(ad_array *x, ad_array *v, ad_index_list l)
{
    return ad_at_add_list(x, v, l);
}

static update_list *const updates[] = { mul_list, min_list, max_list, set_list, add_list };
enum { MUL, MIN, MAX, SET, ADD, UPDATES };

/* The call under test, for functions that are differentiated. */
static struct {
    update_list *update;
    ad_array *index;
    int axis;
    bool one_by_one;
} now;

static ad_index_list along(int axis, ad_index entry)
{
    return axis ? AD_INDICES(AD_SLICE_ALL, entry) : AD_INDICES(entry);
}

static ad_array *updated(ad_array *x, ad_array *v)
{
    if (!now.one_by_one)
        return now.update(x, v, along(now.axis, AD_PICK(now.index)));
    ad_array *index = ad_ravel(now.index);
    ad_shape rows = ad_shape_of(x);
    rows.dim[now.axis] = ad_shape_of(index).dim[0];
    for (int64_t j = 0; j < rows.dim[now.axis]; j++) {
        int place = (int)ad_item_int(ad_at(index, "%lld", (long long)j)), at = (int)j;
        x = now.update(x, ad_at_list(ad_reshape(v, rows), along(now.axis, AD_INTEGER(at))), along(now.axis, AD_INTEGER(place)));
    }
    return x;
}

static ad_array *loss(ad_tree *both)
{
    ad_array *y = updated(ad_tree_array_at(both, 0), ad_tree_array_at(both, 1));
    ad_array *weights = ad_reshape(ad_cos(ad_arange(ad_size(y))), ad_shape_of(y));
    return ad_real(ad_sum(ad_mul(weights, ad_square(y))));
}

static ad_array *sum_of_squares(ad_tree *both)
{
    ad_array *x = ad_tree_array_at(both, 0), *v = ad_tree_array_at(both, 1);
    return ad_real(ad_add(ad_sum(ad_square(x)), ad_sum(ad_square(ad_sin(v)))));
}

static ad_array *loss_of_gradient(ad_tree *both)
{
    return sum_of_squares(ad_grad(loss)(both));
}

static ad_array *loss_through_a_checkpoint(ad_tree *both)
{
    return ad_square(ad_checkpoint(loss)(both));
}

static void assert_same(const char *what, int update, ad_array *a, ad_array *b, double tolerance)
{
    ck_assert_msg(a && b, "%s, update %d: %s", what, update, ad_error_message());
    ck_assert_msg(ad_dtype_of(a) == ad_dtype_of(b) && ad_size(a) == ad_size(b), "%s, update %d: another shape or dtype", what, update);
    ad_array *same = ad_logical_or(ad_logical_and(ad_isnan(a), ad_isnan(b)), ad_equal(a, b));
    if (tolerance > 0)
        same = ad_logical_or(same, ad_less_equal(ad_abs(ad_sub(a, b)), ad_mul(tolerance, ad_add(1, ad_abs(b)))));
    ad_array *wrong = ad_logical_not(same);
    ck_assert_msg(!ad_failed(), "%s, update %d: %s", what, update, ad_error_message());
    ck_assert_msg(ad_item(ad_any(wrong)) == 0, "%s, update %d: %s instead of %s", what, update, ad_tostring(a), ad_tostring(b));
}

static ad_array *both_ways(ad_array *(*f)(ad_tree *), ad_tree *both, bool one_by_one)
{
    now.one_by_one = one_by_one;
    return f(both);
}

static void assert_same_gradients(const char *what, int update, ad_array *(*f)(ad_tree *), ad_tree *both, double tolerance)
{
    now.one_by_one = false;
    ad_tree *a = ad_grad(f)(both);
    now.one_by_one = true;
    ad_tree *b = ad_grad(f)(both);
    for (int i = 0; i < 2; i++)
        assert_same(what, update, a ? ad_tree_array_at(a, i) : NULL, b ? ad_tree_array_at(b, i) : NULL, tolerance);
}

static void assert_as_one_by_one(const char *what, int update, ad_array *x, ad_array *index, int axis, ad_array *v)
{
    AD_SCOPE;
    now.update = updates[update];
    now.index = index;
    now.axis = axis;
    now.one_by_one = false;
    ad_array *y = updated(x, v);
    now.one_by_one = true;
    double tolerance = ad_dtype_of(x) == AD_F32 || ad_dtype_of(x) == AD_C64 ? 1e-4 : 1e-12;
    assert_same(what, update, y, updated(x, v), update == ADD && ad_dtype_is_inexact(ad_dtype_of(x)) ? tolerance : 0); /* what is added is summed first */
    if (!ad_dtype_is_inexact(ad_dtype_of(x)))
        return;
    ad_tree *both = ad_list_of(x, v);
    assert_same(what, update, both_ways(loss, both, false), both_ways(loss, both, true), tolerance);
    assert_same_gradients(what, update, loss, both, tolerance);
    assert_same_gradients(what, update, loss_through_a_checkpoint, both, tolerance);
    assert_same_gradients(what, update, loss_of_gradient, both, tolerance);
}

/* Numbers between -1.5 and 1.5, none twice. */
static ad_array *numbers(int seed, ad_shape shape, ad_dtype dtype)
{
    ad_array *x = ad_sub(ad_mul(3, ad_random_uniform(ad_random_key((uint64_t)seed), shape)), 1.5);
    if (ad_dtype_is_complex(dtype))
        return ad_astype(ad_add(x, ad_mul(I, ad_flip(x))), dtype);
    return ad_astype(ad_dtype_is_inexact(dtype) ? x : ad_mul(x, 4), dtype);
}

static ad_array *places_again(void)
{
    return INTEGERS(AD_SHAPE(5), 1, -2, 1, 0, -5);
}

static bool has(int update, ad_dtype dtype)
{
    return (update != MIN && update != MAX) || !ad_dtype_is_complex(dtype);
}

START_TEST(index_arrays_are_places_one_after_the_other_for_every_dtype)
{
    for (ad_dtype d = AD_F64; d <= AD_BOOL; d++)
        for (int u = 0; u < UPDATES; u++) {
            AD_SCOPE;
            if (!has(u, d))
                continue;
            assert_as_one_by_one("repeats", u, numbers(1, AD_SHAPE(6), d), places_again(), 0, numbers(2, AD_SHAPE(5), d));
            assert_as_one_by_one("one of each", u, numbers(1, AD_SHAPE(6), d), INTEGERS(AD_SHAPE(3), 4, -6, 2), 0, numbers(2, AD_SHAPE(3), d));
            assert_as_one_by_one("rows", u, numbers(1, AD_SHAPE(6, 3), d), places_again(), 0, numbers(2, AD_SHAPE(5, 3), d));
            assert_as_one_by_one("columns", u, numbers(1, AD_SHAPE(2, 6), d), places_again(), 1, numbers(2, AD_SHAPE(2, 5), d));
            assert_as_one_by_one("a middle axis", u, numbers(1, AD_SHAPE(2, 6, 3), d), places_again(), 1, numbers(2, AD_SHAPE(2, 5, 3), d));
        }
}
END_TEST

START_TEST(operands_and_places_may_lie_anyhow)
{
    for (int u = 0; u < UPDATES; u++) {
        AD_SCOPE;
        ad_array *x = numbers(1, AD_SHAPE(6), AD_F64), *m = numbers(3, AD_SHAPE(2, 6), AD_F64), *v = numbers(2, AD_SHAPE(10), AD_F64);
        ad_array *every_other = ad_at(v, "::2"), *square = numbers(4, AD_SHAPE(5, 5), AD_F64);
        assert_as_one_by_one("flipped", u, ad_flip(x), places_again(), 0, ad_flip(every_other));
        assert_as_one_by_one("int32 places, every other", u, x, ad_astype(places_again(), AD_I32), 0, every_other);
        assert_as_one_by_one("places backwards", u, x, ad_flip(places_again()), 0, every_other);
        assert_as_one_by_one("a repeated value", u, x, places_again(), 0, ad_broadcast_to(0.75, AD_SHAPE(5)));
        assert_as_one_by_one("a transposed value", u, m, places_again(), 1, ad_at(ad_transpose(square), ":2"));
        assert_as_one_by_one("transposed", u, ad_transpose(m), INTEGERS(AD_SHAPE(4), 1, 1, 0, -1), 1,
                             ad_at(ad_transpose(ad_reshape(ad_tile(v, AD_SHAPE(3)), AD_SHAPE(5, 6))), ":, :4"));
        assert_as_one_by_one("places of two axes", u, x, INTEGERS(AD_SHAPE(2, 2), 3, 3, -1, 0), 0, ad_reshape(ad_at(v, ":4"), AD_SHAPE(2, 2)));
        assert_as_one_by_one("one place", u, x, INTEGERS(AD_SCALAR_SHAPE, -1), 0, ad_at(v, "3"));
        assert_as_one_by_one("no place", u, x, INTEGERS(AD_SHAPE(0), 0), 0, ad_at(v, ":0"));
        assert_as_one_by_one("no elements", u, ad_zeros(AD_SHAPE(3, 0)), INTEGERS(AD_SHAPE(2), 1, 1), 0, ad_zeros(AD_SHAPE(2, 0)));
    }
}
END_TEST

START_TEST(few_places_of_many)
{
    for (int u = 0; u < UPDATES; u++) {
        AD_SCOPE;
        ad_array *few = INTEGERS(AD_SHAPE(5), 70, -1, 70, 3, 99);
        assert_as_one_by_one("few", u, numbers(1, AD_SHAPE(100), AD_F64), few, 0, numbers(2, AD_SHAPE(5), AD_F64));
        assert_as_one_by_one("few rows", u, numbers(1, AD_SHAPE(100, 3), AD_F64), few, 0, numbers(2, AD_SHAPE(5, 3), AD_F64));
        assert_as_one_by_one("few columns", u, numbers(1, AD_SHAPE(2, 100), AD_F64), few, 1, numbers(2, AD_SHAPE(2, 5), AD_F64));
    }
}
END_TEST

START_TEST(zeros_ties_and_what_is_not_a_number)
{
    ad_array *x = VECTOR(0, 2, NAN, -0.0, INFINITY, 3), *z = VECTOR(0, 2, -1, 0, 0.5, 3);
    ad_array *index = INTEGERS(AD_SHAPE(8), 0, 1, 1, 2, 2, 3, 4, 1);
    for (int u = 0; u < UPDATES; u++) {
        AD_SCOPE;
        assert_as_one_by_one("zeros", u, z, index, 0, VECTOR(3, 0, 2, 4, 0, 0, 1, 7));
        assert_as_one_by_one("ties", u, z, index, 0, VECTOR(0, 2, 2, -1, -1, 0, 0.5, 2));
        now.one_by_one = false, now.update = updates[u], now.index = index, now.axis = 0;
        ad_array *v = VECTOR(NAN, 1, NAN, 5, 4, 0, -INFINITY, 2), *y = updated(x, v);
        now.one_by_one = true;
        assert_same("NaN", u, y, updated(x, v), 0);
    }
}
END_TEST

/* The gradient of a product, at the places whose value is 0: the product of the others. */
START_TEST(the_slope_of_a_product_with_zeros_is_exact)
{
    AD_SCOPE;
    now.update = mul_list, now.index = INTEGERS(AD_SHAPE(4), 1, 1, 0, 1), now.axis = 0, now.one_by_one = false;
    ad_tree *g = ad_grad(loss)(ad_list_of(VECTOR(2, 3), VECTOR(5, 0, 7, 11)));
    assert_array(ad_tree_array_at(g, 0), AD_SHAPE(2), 1e-12, 2 * 2 * 49, 0);
    assert_array(ad_tree_array_at(g, 1), AD_SHAPE(4), 1e-12, 0, 0, 2 * 4 * 7, 0);
}
END_TEST

static ad_array *of_everything(ad_array *x)
{
    for (int u = 0; u < 3; u++) {
        now.update = updates[u];
        x = updated(x, ad_cos(ad_at(x, ":5")));
    }
    return ad_sum(ad_square(x));
}

static ad_array *of_its_gradient(ad_array *x)
{
    return ad_sum(ad_square(ad_grad(of_everything)(x)));
}

START_TEST(every_allocation_of_updates_may_fail)
{
    now.axis = 0, now.one_by_one = false, now.index = places_again();
    assert_every_allocation_may_fail(ad_grad(of_everything), numbers(1, AD_SHAPE(60), AD_F64));
    assert_every_allocation_may_fail(ad_grad(of_its_gradient), numbers(1, AD_SHAPE(60), AD_F64));
}
END_TEST

RUN_TESTS("updates", index_arrays_are_places_one_after_the_other_for_every_dtype, operands_and_places_may_lie_anyhow, few_places_of_many,
          zeros_ties_and_what_is_not_a_number, the_slope_of_a_product_with_zeros_is_exact, every_allocation_of_updates_may_fail)
