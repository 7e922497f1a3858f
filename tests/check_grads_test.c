/* ad_check_grads: wrong rules of every kind are refused at every size of values and operands; right functions that are
 * hard to difference pass. */
#include "testing.h"
#include <ad/primitive.h>
#include <complex.h>

/* ---- a zoo of rules for y = a^2 b, and of y = conj(a), y = sum of rows ---- */

static bool first_infer(const ad_node *node, ad_spec *output)
{
    *output = (ad_spec){ ad_node_dtype(node, 0), ad_node_shape(node, 0) };
    return true;
}

static ad_array *value_of(const ad_node *node, const ad_spec *output)
{
    (void)output;
    return ad_mul(ad_square(ad_node_input(node, 0)), ad_node_input(node, 1));
}

static ad_array *conjugate(const ad_node *node, const ad_spec *output)
{
    (void)output;
    return ad_conj(ad_node_input(node, 0));
}

#define RULE(name, of_a, of_b)                                                                                         \
    static ad_array *name(const ad_node *node, int operand, ad_array *t)                                               \
    {                                                                                                                  \
        ad_array *a = ad_node_input(node, 0), *b = ad_node_input(node, 1);                                             \
        (void)a, (void)b;                                                                                              \
        return operand == 0 ? (of_a) : (of_b);                                                                         \
    }

RULE(right, ad_mul(t, ad_mul(2, ad_mul(a, b))), ad_mul(t, ad_square(a)))
RULE(twice, ad_mul(t, ad_mul(4, ad_mul(a, b))), ad_mul(t, ad_square(a)))
RULE(a_hundredth_more, ad_mul(t, ad_mul(2.02, ad_mul(a, b))), ad_mul(t, ad_square(a)))
RULE(negative, ad_mul(t, ad_mul(2, ad_mul(a, b))), ad_neg(ad_mul(t, ad_square(a))))
RULE(wrong_operand, ad_mul(t, ad_mul(2, ad_mul(a, b))), ad_mul(t, ad_square(b)))
RULE(missing_factor, ad_mul(t, ad_mul(a, b)), ad_mul(t, ad_square(a)))
RULE(missing_operand, ad_mul(t, ad_mul(2, ad_mul(a, b))), NULL)
RULE(only_the_size, ad_mul(ad_abs(t), ad_mul(2, ad_mul(a, b))), ad_mul(t, ad_square(a)))
RULE(squared_tangent, ad_mul(ad_add(t, ad_square(t)), ad_mul(2, ad_mul(a, b))), ad_mul(t, ad_square(a)))
RULE(constant_slope, ad_mul(t, ad_stop_gradient(ad_mul(2, ad_mul(a, b)))), ad_mul(t, ad_square(a)))
RULE(constant_operand, ad_mul(t, ad_mul(2, ad_mul(a, ad_stop_gradient(b)))), ad_mul(t, ad_square(a)))
RULE(constant_tangent, ad_mul(ad_stop_gradient(t), ad_mul(2, ad_mul(a, b))), ad_mul(t, ad_square(a)))
RULE(not_conjugated, t, t)

#define ZOO(title, vjp_, jvp_, order_) { { .name = #title, .infer = first_infer, .view = value_of, .vjp = vjp_, .jvp = jvp_, .saves = AD_SAVE_INPUTS }, order_ }

static const struct beast {
    ad_primitive op;
    int order; /* at which it is wrong; 0: right */
} zoo[] = {
    ZOO(right, right, right, 0),
    ZOO(twice, twice, twice, 1),
    ZOO(a_hundredth_more, a_hundredth_more, a_hundredth_more, 1),
    ZOO(negative, negative, negative, 1),
    ZOO(wrong_operand, wrong_operand, wrong_operand, 1),
    ZOO(missing_factor, missing_factor, missing_factor, 1),
    ZOO(missing_operand, missing_operand, missing_operand, 1),
    ZOO(only_the_size, only_the_size, only_the_size, 1),
    ZOO(squared_tangent, squared_tangent, squared_tangent, 1),
    ZOO(reverse_wrong, twice, right, 1),
    ZOO(forward_wrong, right, twice, 1),
    ZOO(constant_slope, constant_slope, constant_slope, 2),
    ZOO(constant_slope_in_reverse, constant_slope, right, 2),
    ZOO(constant_slope_in_forward, right, constant_slope, 2),
    ZOO(constant_operand, constant_operand, constant_operand, 2),
    ZOO(constant_cotangent, constant_tangent, right, 2),
    ZOO(constant_tangent, right, constant_tangent, 2),
};
enum { BEASTS = sizeof zoo / sizeof *zoo };

static double value_size, operand_size;

static ad_array *keep(ad_array *a, ad_array *b, void *beast)
{
    const ad_primitive *op = &((const struct beast *)beast)->op;
    ad_array *y = ad_call_primitive(op, (ad_array *[]){ ad_div(a, operand_size), ad_div(b, operand_size) }, 2, NULL);
    return ad_mul(y, value_size);
}

static void check_beast(const struct beast *beast, ad_dtype dtype)
{
    AD_SCOPE;
    ad_array *a = ad_astype(ad_mul(VECTOR(0.7, -1.3, 2.1), operand_size), dtype), *b = ad_astype(ad_mul(VECTOR(-0.4, 1.7, 0.9), operand_size), dtype);
    for (int order = 1; order <= 2; order++) {
        bool passes = ad_check_grads(keep, a, b, (void *)beast, .order = order), right = !beast->order || order < beast->order;
        ck_assert_msg(passes == right, "%s at order %d, values of %g, operands of %g, %s: %s", beast->op.name, order, value_size, operand_size, ad_dtype_name(dtype),
                      passes ? "passes" : ad_error_message());
        if (!passes)
            ck_assert_msg(strstr(ad_error_message(), "the derivative is"), "%s", ad_error_message());
        ad_clear_error();
    }
}

START_TEST(wrong_rules_are_refused_at_every_size)
{
    static const double sizes[] = { 1, 1e-9, 1e9, 1e-300, 1e300 }, single_sizes[] = { 1, 1e-9, 1e9, 1e-34, 1e34 };
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < 3; k++) {
            operand_size = sizes[k];
            value_size = sizes[i];
            check_beast(&zoo[_i], AD_F64);
            check_beast(&zoo[_i], AD_C128);
            value_size = single_sizes[i];
            check_beast(&zoo[_i], AD_F32);
        }
}
END_TEST

static ad_array *conjugated(ad_array *z)
{
    static const ad_primitive op = { .name = "conjugated", .infer = first_infer, .view = conjugate, .vjp = not_conjugated, .jvp = not_conjugated,
                                     .saves = AD_SAVE_INPUTS };
    return ad_call_primitive(&op, (ad_array *[]){ z, z }, 2, NULL);
}

START_TEST(a_forgotten_conjugate_is_refused)
{
    ad_array *z = ad_from_data(AD_C128, (ad_complex[]){ 1 + 2i, -0.5 + 1i }, AD_SHAPE(2));
    assert_fails(ad_check_grads(conjugated, z, .order = 1), AD_ERROR_TRANSFORM, "order 1, reverse");
    assert_fails(ad_check_grads(conjugated, z, .order = 1, .modes = AD_FWD), AD_ERROR_TRANSFORM, "order 1, forward");
}
END_TEST

static bool rows_infer(const ad_node *node, ad_spec *output)
{
    *output = (ad_spec){ ad_node_dtype(node, 0), AD_SHAPE(ad_node_shape(node, 0).dim[1]) };
    return true;
}

static ad_array *rows_view(const ad_node *node, const ad_spec *output)
{
    (void)output;
    return ad_sum(ad_node_input(node, 0), .axis = 0);
}

static ad_array *only_the_first_row(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    ad_array *rows = ad_zeros(ad_node_shape(node, 0), .dtype = ad_node_dtype(node, 0));
    return ad_at_set(rows, g, "0");
}

static ad_array *sum_of_rows(ad_array *x)
{
    static const ad_primitive op = { .name = "sum_of_rows", .infer = rows_infer, .view = rows_view, .vjp = only_the_first_row };
    return ad_call_primitive(&op, &x, 1, NULL);
}

START_TEST(a_forgotten_broadcast_is_refused)
{
    static const double sizes[] = { 1, 1e-9, 1e9 };
    for (int i = 0; i < 3; i++) {
        AD_SCOPE;
        ad_array *x = ad_mul(counting(AD_SHAPE(3, 2)), sizes[i]);
        assert_fails(ad_check_grads(sum_of_rows, x, .order = 1, .modes = AD_REV), AD_ERROR_TRANSFORM, "central differences give");
    }
}
END_TEST

/* ---- kinks and ties ---- */

/* A sort, and with it minimum, maximum and relu, whose slope is 1.5 times the right one where `wrong`. */
static ad_array *more_of(const ad_node *node, int operand, ad_array *t)
{
    (void)node, (void)operand;
    return ad_mul(t, 1.5);
}

static ad_array *same(const ad_node *node, const ad_spec *output)
{
    (void)output;
    return ad_node_input(node, 0);
}

static ad_array *wrong_copy(ad_array *x)
{
    static const ad_primitive op = { .name = "wrong_copy", .infer = first_infer, .view = same, .vjp = more_of, .jvp = more_of };
    return ad_call_primitive(&op, &x, 1, NULL);
}

OF_X(of_sorted, ad_mul(ad_sort(x), VECTOR(1, -2, 3, 0.5)))
OF_X(of_minimum, ad_square(ad_min(x)))
OF_X(of_maximum, ad_exp(ad_max(x)))
OF_X(of_relu, ad_relu(ad_sub(x, 1)))
OF_X(of_distance, ad_abs(ad_sub(x, ad_flip(x))))
OF_X(of_clip, ad_clip(x, 1, 3))
OF_X(of_maximum_of_two, ad_maximum(x, ad_flip(ad_square(x))))
OF_X(of_largest_norm, ad_linalg_norm(x, .ord = INFINITY))

OF_X(of_squared_relu, ad_square(ad_relu(x)))

static ad_array *(*tied)(ad_array *);

static ad_array *wrong_tied(ad_array *x)
{
    return tied(wrong_copy(x));
}

START_TEST(near_ties_and_kinks_are_not_crossed)
{
    ad_array *(*const functions[])(ad_array *) = { of_sorted, of_minimum, of_maximum, of_relu, of_distance, of_clip, of_maximum_of_two, of_largest_norm };
    static const double gaps[] = { 1e-3, 1e-5, 1e-7, 1e-9, 1e-11, 1e-13 };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        for (size_t k = 0; k < sizeof gaps / sizeof *gaps; k++) {
            AD_SCOPE;
            ad_array *x = VECTOR(1 + gaps[k], 1 - 2 * gaps[k], 3 + gaps[k], 3 - gaps[k]);
            tied = functions[i];
            ck_assert_msg(ad_check_grads(tied, x), "function %zu, gap %g: %s", i, gaps[k], ad_error_message());
            ck_assert_msg(!ad_check_grads(wrong_tied, x, .order = 1), "function %zu, gap %g: a wrong rule passes", i, gaps[k]);
            ad_clear_error();
        }
}
END_TEST

START_TEST(a_kink_at_the_point_is_named)
{
    assert_fails(ad_check_grads(ad_relu, ad_scalar(0.), .order = 1), AD_ERROR_TRANSFORM, "a kink here, where there is nothing to check; move the point");
    assert_fails(ad_check_grads(of_squared_relu, VECTOR(0, 1)), AD_ERROR_TRANSFORM, "order 2, reverse over reverse");
    ck_assert_msg(ad_check_grads(of_squared_relu, VECTOR(0, 1), .order = 1), "%s", ad_error_message());
    ck_assert_msg(ad_check_grads(ad_max, VECTOR(1, 1), .order = 1), "%s", ad_error_message()); /* shared as central differences share */
    assert_fails(ad_check_grads(ad_sqrt, ad_scalar(0.), .order = 1), AD_ERROR_TRANSFORM, "inf");
}
END_TEST

/* ---- right, but hard ---- */

OF_X(cancelling, ad_sub(ad_add(x, 1e8), 1e8))
OF_X(cancelling_squares, ad_sub(ad_square(ad_add(x, 1e4)), ad_square(1e4)))
OF_X(in_float32_inside, ad_astype(ad_sin(ad_astype(x, AD_F32)), AD_F64))
OF_X(fast, ad_sin(ad_mul(1e3, x)))
OF_X(steep, ad_exp(ad_mul(100, x)))
OF_X(flat, ad_tanh(ad_mul(10, x)))
OF_X(constant_part, ad_add(ad_mul(1e-6, x), 1))
OF_X(with_domain, ad_log(ad_sub(x, 0.2999999)))
OF_X(near_pole, ad_reciprocal(ad_sub(x, 0.29999)))
OF_X(of_steps, ad_floor(ad_mul(x, 10.5)))
OF_X(mixed_sizes, ad_exp(ad_mul(VECTOR(1, 30, 300), x)))
OF_X(nothing_of_it, ad_mul(0, x))

START_TEST(right_functions_that_are_hard_to_difference_pass)
{
    ad_array *(*const functions[])(ad_array *) = { cancelling, cancelling_squares, in_float32_inside, fast, steep, flat, constant_part, with_domain, near_pole,
                                                   of_steps, mixed_sizes, nothing_of_it };
    ad_array *x = VECTOR(0.3, 0.9, 1.7), *wide = VECTOR(1e-9, 1, 1e9), *tiny = VECTOR(1e-300, 2e-300, 0);
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        ck_assert_msg(ad_check_grads(functions[i], x), "function %zu: %s", i, ad_error_message());
    ck_assert_msg(ad_check_grads(ad_log, wide) && ad_check_grads(ad_sqrt, wide), "%s", ad_error_message());
    ck_assert_msg(ad_check_grads(ad_sin, tiny), "%s", ad_error_message());
    ck_assert_msg(ad_check_grads(ad_sin, ad_astype(x, AD_F32)) && ad_check_grads(ad_softmax, ad_astype(x, AD_F32)), "%s", ad_error_message());
    ck_assert_msg(ad_check_grads(ad_logsumexp, ad_add(1e6, x)), "%s", ad_error_message());
    ck_assert_msg(ad_check_grads(ad_sum, ad_zeros(AD_SHAPE(0))), "%s", ad_error_message());
}
END_TEST

/* Rounded to multiples of 2^-12, with the slope of what was rounded. */
static ad_array *rounded_view(const ad_node *node, const ad_spec *output)
{
    (void)output;
    return ad_div(ad_floor(ad_mul(ad_node_input(node, 0), 4096)), 4096);
}

static ad_array *pass(const ad_node *node, int operand, ad_array *t)
{
    (void)node, (void)operand;
    return t;
}

static ad_array *rounded(ad_array *x)
{
    static const ad_primitive op = { .name = "rounded", .infer = first_infer, .view = rounded_view, .vjp = pass, .jvp = pass };
    return ad_call_primitive(&op, &x, 1, NULL);
}

START_TEST(piecewise_constant_functions_are_told_so)
{
    assert_fails(ad_check_grads(rounded, ad_scalar(0.7), .order = 1), AD_ERROR_TRANSFORM, "piecewise constant");
    ck_assert_msg(ad_check_grads(rounded, ad_scalar(0.7), .order = 1, .step = 0.1, .tolerance = 2e-2), "%s", ad_error_message());
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("check_grads");
    TCase *tests = tcase_create("check_grads");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, wrong_rules_are_refused_at_every_size, 0, BEASTS);
    tcase_add_test(tests, a_forgotten_conjugate_is_refused);
    tcase_add_test(tests, a_forgotten_broadcast_is_refused);
    tcase_add_test(tests, near_ties_and_kinks_are_not_crossed);
    tcase_add_test(tests, a_kink_at_the_point_is_named);
    tcase_add_test(tests, right_functions_that_are_hard_to_difference_pass);
    tcase_add_test(tests, piecewise_constant_functions_are_told_so);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
