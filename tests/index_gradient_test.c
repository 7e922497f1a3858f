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

/* ---- cotangents that arrive in parts ---- */

/* A (3,4) array's parts of all kinds, which overlap, and the whole of it before, between and behind them. */
static ad_array *in_parts(ad_array *x)
{
    ad_array *y = ad_mul(ad_sum(ad_sin(ad_at(x, "1, 2"))), ad_sum(ad_square(x)));
    for (int i = 0; i < 3; i++)
        y = ad_add(y, ad_sum(ad_sin(ad_mul(ad_at(x, "%d", i), ad_at(x, "%d, ::-1", (i + 1) % 3)))));
    y = ad_add(y, ad_sum(ad_cos(ad_take(x, repeated(), .axis = 0))));
    y = ad_add(y, ad_mean(ad_mul(x, ad_take_along_axis(x, INTEGERS(AD_SHAPE(3, 4), 0, 0, 1, 1, 2, 2, 2, 2, 3, 2, 1, 0), 1))));
    return ad_add(y, ad_sum(ad_sin(ad_slice_axis(ad_slice_axis(x, 1, 3, 2, -2), 0, 1, 2, 1))));
}

/* The same of parts that are made by products with zeros and ones in place of indexing. */
static ad_array *in_wholes(ad_array *x)
{
    ad_array *rows[3], *eye = ad_eye(3);
    for (int i = 0; i < 3; i++)
        rows[i] = ad_matmul(ad_at(eye, "%d", i), x);
    ad_array *y = ad_mul(ad_sin(ad_matmul(rows[1], VECTOR(0, 0, 1, 0))), ad_sum(ad_square(x)));
    for (int i = 0; i < 3; i++)
        y = ad_add(y, ad_sum(ad_sin(ad_mul(rows[i], ad_flip(rows[(i + 1) % 3])))));
    y = ad_add(y, ad_add(ad_mul(2, ad_sum(ad_cos(rows[2]))), ad_sum(ad_cos(rows[0]))));
    double picked[3][4][4] = { { { 1 }, { 1 }, { 0, 1 }, { 0, 1 } }, { { 0, 0, 1 }, { 0, 0, 1 }, { 0, 0, 1 }, { 0, 0, 1 } }, { { 0, 0, 0, 1 }, { 0, 0, 1 }, { 0, 1 }, { 1 } } };
    for (int i = 0; i < 3; i++)
        y = ad_add(y, ad_div(ad_sum(ad_mul(rows[i], ad_matmul(ad_from(&picked[i][0][0], AD_SHAPE(4, 4)), rows[i]))), 12));
    for (int i = 1; i < 3; i++)
        y = ad_add(y, ad_sum(ad_sin(ad_matmul(ad_from((double[]){ 0, 0, 0, 1, 0, 1, 0, 0 }, AD_SHAPE(2, 4)), rows[i]))));
    return y;
}

static ad_array *through_a_checkpoint(ad_array *x)
{
    return ad_checkpoint(in_parts)(ad_sin(x));
}

static ad_array *without_a_checkpoint(ad_array *x)
{
    return in_parts(ad_sin(x));
}

#define SQUARED_GRADIENT(f) OF_X(squared_gradient_of_##f, ad_sum(ad_square(ad_grad(f)(x))))

SQUARED_GRADIENT(in_parts)
SQUARED_GRADIENT(in_wholes)
SQUARED_GRADIENT(through_a_checkpoint)
SQUARED_GRADIENT(without_a_checkpoint)

static void assert_same(ad_array *a, ad_array *b, double tolerance)
{
    ck_assert_msg(a && b, "%s", ad_error_message());
    double difference = ad_item(ad_max(ad_abs(ad_sub(a, b))));
    ck_assert_msg(ad_shape_equal(ad_shape_of(a), ad_shape_of(b)) && difference <= tolerance, "they differ by %g", difference);
}

START_TEST(parts_add_up_to_the_whole)
{
    AD_SCOPE;
    ad_array *x = matrix(), *strided = ad_transpose(ad_copy(ad_transpose(x)));
    assert_close(ad_item(in_parts(x)), ad_item(in_wholes(x)), 1e-14);
    assert_same(ad_grad(in_parts)(x), ad_grad(in_wholes)(x), 1e-14);
    assert_same(ad_grad(in_parts)(strided), ad_grad(in_wholes)(x), 1e-14);
    assert_same(ad_hvp(in_parts)(x, ad_cos(x)), ad_hvp(in_wholes)(x, ad_cos(x)), 1e-13);
    assert_same(ad_hessian(in_parts)(x), ad_hessian(in_wholes)(x), 1e-13);
    assert_same(ad_grad(squared_gradient_of_in_parts)(x), ad_grad(squared_gradient_of_in_wholes)(x), 1e-13);
    assert_same(ad_hvp(squared_gradient_of_in_parts)(x, x), ad_hvp(squared_gradient_of_in_wholes)(x, x), 1e-12);
    ck_assert_msg(ad_check_grads(in_parts, x, .order = 3), "%s", ad_error_message());
    ad_array *narrow = ad_grad(in_parts)(ad_astype(x, AD_F32));
    ck_assert(ad_dtype_of(narrow) == AD_F32);
    assert_same(ad_astype(narrow, AD_F64), ad_grad(in_wholes)(x), 1e-5);
}
END_TEST

START_TEST(parts_are_the_same_through_checkpoints_and_pullbacks)
{
    AD_SCOPE;
    ad_array *x = matrix();
    ad_pullback *pull;
    assert_same(ad_grad(through_a_checkpoint)(x), ad_grad(without_a_checkpoint)(x), 0);
    assert_same(ad_grad(squared_gradient_of_through_a_checkpoint)(x), ad_grad(squared_gradient_of_without_a_checkpoint)(x), 0);
    ck_assert(ad_vjp(in_parts, x, &pull) != NULL);
    for (int i = 0; i < 2; i++)
        assert_same(ad_vjp_apply(pull, ad_scalar(1)), ad_grad(in_parts)(x), 0);
    ad_vjp_free(pull);
}
END_TEST

static ad_pullback *pull_of_parts;

static ad_array *length_of_pulled(ad_array *g)
{
    return ad_sum(ad_square(ad_vjp_apply(pull_of_parts, g)));
}

START_TEST(a_pullback_of_parts_is_differentiated_in_its_cotangent)
{
    AD_SCOPE;
    ck_assert(ad_vjp(in_parts, matrix(), &pull_of_parts) != NULL);
    double length = ad_item(length_of_pulled(ad_scalar(1)));
    assert_close(ad_item(ad_grad(length_of_pulled)(ad_scalar(3))), 6 * length, 1e-14);
    ad_vjp_free(pull_of_parts);
}
END_TEST

static ad_array *middle(ad_array *x)
{
    return ad_at(x, "1:3");
}

static ad_array *sum_of_repeated(ad_array *x)
{
    ad_array *small = ad_mul(ad_take(x, INTEGERS(AD_SHAPE(2), 1, 1)), 0x1p-53);
    return ad_add(ad_sum(small), ad_at(x, "1"));
}

/* What a part alone says of its place is kept as it is; elements of one place are added up before they are added to the
 * rest. */
START_TEST(parts_are_added_as_wholes_would_be)
{
    AD_SCOPE;
    ad_pullback *pull;
    ck_assert(ad_vjp(middle, ad_ones(AD_SHAPE(4)), &pull) != NULL);
    ad_array *g = ad_vjp_apply(pull, VECTOR(-0.0, INFINITY));
    assert_array(g, AD_SHAPE(4), 0, 0, 0, INFINITY, 0);
    ck_assert(signbit(((const double *)ad_data(g))[1]) && !signbit(((const double *)ad_data(g))[0]));
    ad_vjp_free(pull);
    assert_array(ad_grad(sum_of_repeated)(ad_ones(AD_SHAPE(3))), AD_SHAPE(3), 0, 0, 1 + 0x1p-52, 0);
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
    assert_every_allocation_may_fail(ad_grad(squared_gradient_of_through_a_checkpoint), matrix());
}
END_TEST

RUN_TESTS("index_gradient", derivatives_agree_with_differences, derivatives_of_updates_agree_with_differences,
          complex_derivatives_agree_with_differences, unused_parts_have_gradient_zero, cotangents_of_places_named_twice,
          indices_and_integers_are_constants_and_dtypes_come_back, parts_add_up_to_the_whole, parts_are_the_same_through_checkpoints_and_pullbacks,
          a_pullback_of_parts_is_differentiated_in_its_cotangent, parts_are_added_as_wholes_would_be, every_allocation_of_a_nested_gradient_may_fail)
