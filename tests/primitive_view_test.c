/* Primitives of the user's own whose value comes as an array: an input, one that they keep, or a composition of public
 * operations. */
#include "testing.h"
#include <ad/primitive.h>

static bool like_the_input(const ad_node *node, ad_spec *output)
{
    *output = (ad_spec){ ad_node_dtype(node, 0), ad_node_shape(node, 0) };
    return true;
}

/* ---- a view that is its input ---- */

static ad_array *itself(const ad_node *node, const ad_spec *output)
{
    (void)output;
    return ad_node_input(node, 0);
}

static ad_array *twice(const ad_node *node, int operand, ad_array *t)
{
    (void)node, (void)operand;
    return ad_mul(t, 2);
}

static const ad_primitive view_of_itself = { .name = "view_of_itself", .infer = like_the_input, .view = itself, .vjp = twice, .jvp = twice };

/* y = 3x, z = y with dz/dy = 2: z^2 + y */
static ad_array *use_view(ad_array *x)
{
    ad_array *y = ad_mul(x, 3), *z = ad_call_primitive(&view_of_itself, &y, 1, NULL);
    return ad_add(ad_square(z), y);
}

START_TEST(a_view_may_be_its_input)
{
    assert_close(ad_item(ad_grad(use_view)(ad_scalar(2))), 2 * 6 * 6 + 3, 0);
    assert_close(ad_item(ad_deriv(use_view)(ad_scalar(2))), 2 * 6 * 6 + 3, 0);
}
END_TEST

/* ---- a view that gives what it keeps ---- */

static ad_array *cached;

static bool scalar_infer(const ad_node *node, ad_spec *output)
{
    (void)node;
    *output = (ad_spec){ AD_F64, AD_SCALAR_SHAPE };
    return true;
}

static ad_array *what_is_kept(const ad_node *node, const ad_spec *output)
{
    (void)node, (void)output;
    return cached;
}

static ad_array *pass_on(const ad_node *node, int operand, ad_array *g)
{
    (void)node, (void)operand;
    return g;
}

static const ad_primitive of_cache[] = { { .name = "of_cache", .infer = scalar_infer, .view = what_is_kept, .vjp = pass_on, .jvp = pass_on },
                                         { .name = "of_cache", .infer = scalar_infer, .compose = what_is_kept, .vjp = pass_on, .jvp = pass_on } };
static int entry;

/* 3 y + 5 z, where y and z are the same value of two operands */
static ad_array *use_cache(ad_array *x)
{
    ad_array *a = ad_at(x, "0"), *b = ad_at(x, "1");
    ad_array *y = ad_call_primitive(&of_cache[entry], &a, 1, NULL), *z = ad_call_primitive(&of_cache[entry], &b, 1, NULL);
    return ad_add(ad_mul(3, y), ad_mul(5, z));
}

START_TEST(a_view_or_a_compose_may_give_an_array_that_is_kept)
{
    ad_array *tangent;
    for (int way = 0; way < 4; way++) {
        AD_SCOPE;
        bool retained = way & 1;
        entry = way >> 1;
        cached = ad_scalar(7);
        if (retained)
            ad_retain(cached);
        assert_array(ad_grad(use_cache)(VECTOR(1, 2)), AD_SHAPE(2), 0, 3, 5);
        ad_jvp(use_cache, VECTOR(1, 2), VECTOR(10, 1), &tangent);
        assert_close(ad_item(tangent), 35, 0);
        if (retained)
            ad_release(cached);
    }
    cached = ad_weak_real(7);
    assert_array(ad_grad(use_cache)(VECTOR(1, 2)), AD_SHAPE(2), 0, 3, 5);
}
END_TEST

/* ---- a value made of public operations ---- */

enum { LONG = 10000 };

static ad_array *of_operations(const ad_node *node, const ad_spec *output)
{
    (void)output;
    ad_scope_open();
    ad_array *x = ad_node_input(node, 0);
    return ad_mul(ad_exp(x), ad_sin(x));
}

static bool evaluate_by_operations(const ad_node *node, void *const *outputs)
{
    ad_array *y = of_operations(node, NULL);
    return ad_copy_to(y, outputs[0], ad_size(y));
}

static ad_array *slope_of_composed(const ad_node *node, int operand)
{
    ad_array *x = ad_node_input(node, operand);
    return ad_mul(ad_exp(x), ad_add(ad_sin(x), ad_cos(x)));
}

static const ad_primitive composed[3] = {
    { .name = "composed", .infer = like_the_input, .view = of_operations, .derivative = slope_of_composed, .saves = AD_SAVE_INPUTS },
    { .name = "composed", .infer = like_the_input, .compose = of_operations, .derivative = slope_of_composed, .saves = AD_SAVE_INPUTS },
    { .name = "composed", .infer = like_the_input, .eval = evaluate_by_operations, .derivative = slope_of_composed, .saves = AD_SAVE_INPUTS },
};
static int chosen;

static ad_array *use_composed(ad_array *x)
{
    return ad_call_primitive(&composed[chosen], &x, 1, NULL);
}

static ad_array *sum_of_composed(ad_array *x)
{
    ad_array *sum = ad_scalar(0);
    for (int i = 0; i < 10; i++) {
        AD_SCOPE;
        sum = ad_escape(ad_add(sum, ad_sum(use_composed(ad_add(x, i)))));
    }
    return sum;
}

/* Only the ten inputs stay, and what one call makes. */
START_TEST(what_a_view_a_compose_or_an_eval_does_is_not_recorded)
{
    for (chosen = 0; chosen < 3; chosen++) {
        ck_assert_msg(ad_check_grads(use_composed, VECTOR(0.3, -0.2), .order = 3), "%s", ad_error_message());
        AD_SCOPE;
        ad_array *x = ad_linspace(0, 1, .num = LONG);
        ad_memory_usage now;
        ad_memory_stats(&now);
        ad_memory_limit(now.live + 20 * LONG * (int64_t)sizeof(double));
        ck_assert_msg(ad_grad(sum_of_composed)(x) != NULL, "%s", ad_error_message());
        ad_memory_limit(0);
    }
}
END_TEST

RUN_TESTS("primitive views", a_view_may_be_its_input, a_view_or_a_compose_may_give_an_array_that_is_kept, what_a_view_a_compose_or_an_eval_does_is_not_recorded)
