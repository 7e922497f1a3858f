/* Derivatives of indexing and of functional updates, and exhausted memory in them. */
#include "indexing.h"
#include <complex.h>

/* ---- derivatives: each function under a sine, so that a wrong place shows ---- */

#define WAVE(name, expression)                                                                                         \
    static ad_array *wave_##name(ad_array *x)                                                                          \
    {                                                                                                                  \
        return ad_sin(expression);                                                                                     \
    }

#define WAVE2(name, expression)                                                                                        \
    static ad_array *wave_##name(ad_array *x, ad_array *v)                                                             \
    {                                                                                                                  \
        return ad_sin(expression);                                                                                     \
    }

/* Of an axis of length 3 or more, with one of them twice. */
static ad_array *repeated(void)
{
    return INTEGERS(AD_SHAPE(3), 2, 0, -1);
}

/* One for each row of a (3,4) array, the second row with one twice. */
static ad_array *beside(void)
{
    return INTEGERS(AD_SHAPE(3, 2), 3, 0, 1, -3, 2, 0);
}

/* Of a (3,4) array: every third element. */
static ad_array *thirds(void)
{
    return ad_equal(ad_mod(ad_reshape(ad_arange(12), AD_SHAPE(3, 4)), 3), 1);
}

#define TWO_ARRAYS AD_INDICES(AD_PICK(repeated()), AD_SLICE_BY(3, 0, -2))

WAVE(at, ad_at(x, "::-2, None, 1:"))
WAVE(at_integer, ad_at(x, "-1, ..."))
WAVE(at_element, ad_at(x, "1, 2"))
WAVE(at_nothing_but_axes, ad_at(x, "None, ..., None"))
WAVE(at_list, ad_at_list(x, TWO_ARRAYS))
WAVE(at_apart, ad_at_list(ad_expand_dims(x, 1), AD_INDICES(AD_PICK(repeated()), AD_SLICE_ALL, AD_PICK(repeated()))))
WAVE(at_mask, ad_at_list(x, AD_INDICES(AD_PICK(thirds()))))
WAVE(slice_axis, ad_slice_axis(x, 1, 3, 2, -2))
WAVE(take, ad_take(x, beside()))
WAVE(take_axis, ad_take(x, beside(), .axis = 1))
WAVE(take_along_axis, ad_take_along_axis(x, beside(), 1))
WAVE(take_along_broadcast, ad_take_along_axis(x, INTEGERS(AD_SHAPE(1, 4), 0, 2, 2, 1), 0))
WAVE(compress, ad_compress(MASK(AD_SHAPE(3), 1, 0, 1), x, .axis = 0))
WAVE(where_positive, ad_at_list(ad_square(x), AD_INDICES(AD_PICK(ad_greater(x, 0)))))
WAVE2(set, ad_at_set(x, v, "::2, 1:3"))
WAVE2(add, ad_at_add(x, v, "::2, 1:3"))
WAVE2(mul, ad_at_mul(x, v, "::-2, 1:3"))
WAVE2(min, ad_at_min(x, v, "::2, 1:3"))
WAVE2(max, ad_at_max(x, v, "::2, 1:3"))
WAVE2(set_twice, ad_at_set_list(x, ad_concatenate(ad_list_of(v, ad_at(v, "0:1"))), TWO_ARRAYS))
WAVE2(add_twice, ad_at_add_list(x, ad_at(v, "0"), TWO_ARRAYS))
WAVE2(mul_twice, ad_at_mul_list(x, ad_at(v, "1"), TWO_ARRAYS))
WAVE2(min_twice, ad_at_min_list(x, ad_at(v, "1"), TWO_ARRAYS))
WAVE2(max_twice, ad_at_max_list(x, ad_at(v, "0"), TWO_ARRAYS))
WAVE2(set_mask, ad_at_set_list(x, ad_ravel(v), AD_INDICES(AD_PICK(thirds()))))
WAVE2(put_add, ad_put_add(x, repeated(), ad_at(v, ":, None, 0"), .axis = 1))
WAVE2(put_set, ad_put_set(x, repeated(), ad_at(v, "0, 0"), .axis = 0))
WAVE2(put_set_flat, ad_put_set(x, INTEGERS(AD_SHAPE(2, 2), 5, 5, 0, -1), v))
WAVE2(put_along_axis, ad_put_along_axis(x, beside(), ad_at(v, "0"), 1))

static ad_array *matrix(void)
{
    return ad_from((double[]){ 0.3, -0.7, 1.1, 0.5, -1.3, 0.9, 0.2, -0.4, 0.8, 1.7, -0.1, 0.6 }, AD_SHAPE(3, 4));
}

START_TEST(derivatives_agree_with_differences)
{
    AD_SCOPE;
    ad_array *(*const waves[])(ad_array *) = {
        wave_at, wave_at_integer, wave_at_element, wave_at_nothing_but_axes, wave_at_list, wave_at_apart, wave_at_mask, wave_slice_axis, wave_take,
        wave_take_axis, wave_take_along_axis, wave_take_along_broadcast, wave_compress, wave_where_positive,
    };
    for (size_t i = 0; i < sizeof waves / sizeof *waves; i++) {
        ck_assert_msg(ad_check_grads(waves[i], matrix()), "function %zu: %s", i, ad_error_message());
        ck_assert_msg(ad_check_grads(waves[i], ad_transpose(ad_copy(ad_transpose(matrix())))), "function %zu, strided: %s", i, ad_error_message());
    }
}
END_TEST

START_TEST(derivatives_of_updates_agree_with_differences)
{
    AD_SCOPE;
    ad_array *v = ad_from((double[]){ 0.75, -0.65, 0.45, 1.35 }, AD_SHAPE(2, 2));
    ad_array *(*const waves[])(ad_array *, ad_array *) = {
        wave_set, wave_add, wave_mul, wave_min, wave_max, wave_set_twice, wave_add_twice, wave_mul_twice, wave_min_twice, wave_max_twice,
        wave_put_along_axis, wave_put_set_flat, wave_put_set,
    };
    for (size_t i = 0; i < sizeof waves / sizeof *waves; i++)
        ck_assert_msg(ad_check_grads(waves[i], matrix(), v), "function %zu: %s", i, ad_error_message());
    ck_assert_msg(ad_check_grads(wave_set_mask, matrix(), v), "%s", ad_error_message());
    ck_assert_msg(ad_check_grads(wave_put_add, matrix(), ad_from((double[]){ 0.75, -0.65, 0.45 }, AD_SHAPE(3, 1))), "%s", ad_error_message());
}
END_TEST

WAVE(complex_at, ad_at_list(x, TWO_ARRAYS))
WAVE2(complex_mul, ad_at_mul_list(x, v, TWO_ARRAYS))

START_TEST(complex_derivatives_agree_with_differences)
{
    AD_SCOPE;
    ad_array *z = ad_add(matrix(), ad_mul(0.5 * I, ad_flip(matrix()))), *w = ad_mul(VECTOR(0.5, 1.2), 1 - 0.3 * I);
    ck_assert_msg(ad_check_grads(wave_complex_at, z), "%s", ad_error_message());
    ck_assert_msg(ad_check_grads(wave_complex_mul, z, w), "%s", ad_error_message());
    ck_assert_msg(ad_check_grads(wave_complex_mul, z, VECTOR(0.5, 1.2)), "%s", ad_error_message());
}
END_TEST

static ad_array *sum_of_squares_of_a_part(ad_array *x)
{
    return ad_sum(ad_square(ad_at(x, "1:3")));
}

static ad_array *product_of_some(ad_array *x)
{
    return ad_prod(ad_at_list(x, AD_INDICES(AD_PICK(INTEGERS(AD_SHAPE(3), 0, 0, 2)))));
}

START_TEST(unused_parts_have_gradient_zero)
{
    AD_SCOPE;
    assert_array(ad_grad(sum_of_squares_of_a_part)(counting(AD_SHAPE(5))), AD_SHAPE(5), 0, 0, 2, 4, 0, 0);
    assert_array(ad_grad(product_of_some)(VECTOR(2, 3, 5)), AD_SHAPE(3), 1e-14, 20, 0, 4);
    assert_array(ad_hessian(product_of_some)(VECTOR(2, 3, 5)), AD_SHAPE(3, 3), 1e-14, 10, 0, 4, 0, 0, 0, 4, 0, 0);
}
END_TEST

/* 10 y0 + 20 y1 + 30 y2, of y made by an update at 1, 1, 2. */
#define WEIGHTED(name)                                                                                                 \
    static ad_array *weighted_##name(ad_array *x, ad_array *v)                                                         \
    {                                                                                                                  \
        ad_array *y = ad_at_##name##_list(x, v, AD_INDICES(AD_PICK(INTEGERS(AD_SHAPE(3), 1, 1, 2))));                  \
        return ad_sum(ad_mul(y, VECTOR(10, 20, 30)));                                                                 \
    }

WEIGHTED(set)
WEIGHTED(add)
WEIGHTED(mul)
WEIGHTED(min)
WEIGHTED(max)

START_TEST(cotangents_of_places_named_twice)
{
    AD_SCOPE;
    ad_array *x = VECTOR(2, 3, 4), *v = VECTOR(5, 7, 0), *tied = VECTOR(3, 9, -1);
    assert_array(ad_grad(weighted_set)(x, v), AD_SHAPE(3), 0, 10, 0, 0);
    assert_array(ad_grad(weighted_set, 1)(x, v), AD_SHAPE(3), 0, 0, 20, 30);
    assert_array(ad_grad(weighted_add)(x, v), AD_SHAPE(3), 0, 10, 20, 30);
    assert_array(ad_grad(weighted_add, 1)(x, v), AD_SHAPE(3), 0, 20, 20, 30);
    assert_array(ad_grad(weighted_add, 1)(x, ad_scalar(1)), AD_SCALAR_SHAPE, 0, 70);
    assert_array(ad_grad(weighted_mul)(x, v), AD_SHAPE(3), 0, 10, 700, 0);
    assert_array(ad_grad(weighted_mul, 1)(x, v), AD_SHAPE(3), 0, 420, 300, 120);
    assert_array(ad_grad(weighted_min)(x, tied), AD_SHAPE(3), 0, 10, 10, 0);
    assert_array(ad_grad(weighted_min, 1)(x, tied), AD_SHAPE(3), 0, 10, 0, 30);
    assert_array(ad_grad(weighted_max)(x, tied), AD_SHAPE(3), 0, 10, 0, 30);
    assert_array(ad_grad(weighted_max, 1)(x, tied), AD_SHAPE(3), 0, 0, 20, 0);
}
END_TEST

static ad_array *sum_of_row_maxima(ad_array *x)
{
    return ad_sum(ad_take_along_axis(x, ad_argmax(x, .axis = 1, .keepdims = true), 1));
}

static ad_array *constants_of(ad_array *x)
{
    ck_assert(!ad_is_traced(ad_flatnonzero(x)) && !ad_is_traced(ad_one_hot(ad_argmax(x), 12)));
    return ad_sum(ad_astype(ad_at_set(ad_arange(3), ad_at(x, "0, 0"), "1"), AD_F64));
}

static ad_array *into_float32(ad_array *x, ad_array *v)
{
    return ad_sum(ad_square(ad_at_add(x, v, "1:")));
}

START_TEST(indices_and_integers_are_constants_and_dtypes_come_back)
{
    AD_SCOPE;
    assert_array(ad_grad(sum_of_row_maxima)(matrix()), AD_SHAPE(3, 4), 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0);
    assert_array(ad_at(ad_grad(constants_of)(matrix()), "0"), AD_SHAPE(4), 0, 0, 0, 0, 0);
    ad_array *x = ad_astype(VECTOR(1, 2), AD_F32), *v = VECTOR(3);
    ad_array *gx = ad_grad(into_float32)(x, v), *gv = ad_grad(into_float32, 1)(x, v);
    ck_assert(ad_dtype_of(gx) == AD_F32 && ad_dtype_of(gv) == AD_F64);
    assert_array(gx, AD_SHAPE(2), 0, 2, 10);
    assert_array(gv, AD_SHAPE(1), 0, 10);
}
END_TEST

/* ---- exhausted memory ---- */

static ad_array *everything(ad_array *x)
{
    ad_array *positive = ad_greater(x, 0);
    x = ad_at_set_list(x, ad_square(ad_at_list(x, AD_INDICES(AD_PICK(positive)))), AD_INDICES(AD_PICK(positive)));
    x = ad_at_mul_list(ad_at_add(x, ad_at(x, "::-2, 0"), "1:, -1"), ad_at(x, "0, :3, None"), AD_INDICES(AD_PICK(repeated())));
    x = ad_put_add(x, repeated(), ad_take_along_axis(x, ad_argsort(x), 1), .axis = 0);
    x = ad_compress(MASK(AD_SHAPE(4), 1, 0, 1, 1), ad_put_along_axis(x, beside(), ad_at(x, "0, :2"), 1), .axis = 1);
    return ad_sum(ad_mul(x, ad_one_hot(INTEGERS(AD_SHAPE(3), 0, 2, 1), 3)));
}

static ad_array *square_of_gradient(ad_array *x)
{
    return ad_sum(ad_square(ad_grad(everything)(x)));
}

START_TEST(every_allocation_of_a_nested_gradient_may_fail)
{
    ck_assert_msg(ad_check_grads(everything, matrix(), .tolerance = 1e-5), "%s", ad_error_message());
    assert_every_allocation_may_fail(ad_grad(square_of_gradient), matrix());
}
END_TEST

RUN_TESTS("index_gradient", derivatives_agree_with_differences, derivatives_of_updates_agree_with_differences,
          complex_derivatives_agree_with_differences, unused_parts_have_gradient_zero, cotangents_of_places_named_twice,
          indices_and_integers_are_constants_and_dtypes_come_back, every_allocation_of_a_nested_gradient_may_fail)
