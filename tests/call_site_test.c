/* The place of the call that failed, as the macros note it. */
#include "testing.h"

/* Where this line stands. */
#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)
#define HERE     __FILE__ ":" TEXT(__LINE__)

#define assert_where(expected)                                                                                         \
    do {                                                                                                               \
        ck_assert(ad_failed());                                                                                        \
        ck_assert_msg(strcmp(ad_error_where(), expected) == 0, "\"%s\" where \"%s\" was expected: %s", ad_error_where(), expected, ad_error_message()); \
        ad_clear_error();                                                                                              \
    } while (0)

static ad_array *pair(void)
{
    return ad_ones(AD_SHAPE(2));
}

static ad_array *triple(void)
{
    return ad_ones(AD_SHAPE(3));
}

START_TEST(without_an_error_there_is_no_place)
{
    AD_SCOPE;
    ck_assert_str_eq(ad_error_where(), "");
    (void)ad_add(pair(), 1);
    ck_assert_str_eq(ad_error_where(), "");
}
END_TEST

START_TEST(the_place_is_that_of_the_failed_call)
{
    AD_SCOPE;
    const char *here = HERE; ad_add(pair(), triple());
    assert_where(here);
    here = HERE; ad_sum(pair(), .axis = 3);
    assert_where(here);
    here = HERE; ad_reshape(pair(), AD_SHAPE(3));
    assert_where(here);
    here = HERE; ad_at(pair(), "%d", 5);
    assert_where(here);
    here = HERE; ad_at_set(pair(), 1, "7");
    assert_where(here);
    here = HERE; ad_where(pair(), triple(), 0);
    assert_where(here);
    here = HERE; ad_concatenate(ad_list_of(pair(), ad_ones(AD_SHAPE(2, 2))));
    assert_where(here);
    here = HERE; ad_einsum("ij", pair());
    assert_where(here);
    here = HERE; ad_tree_of("a/b", pair());
    assert_where(here);
    here = HERE; ad_arange(0, 1, 0);
    assert_where(here);
    here = HERE; ad_zeros(AD_SHAPE(-1));
    assert_where(here);
    here = HERE; ad_moveaxis(pair(), 3, 0);
    assert_where(here);
    here = HERE; ad_expand_dims(pair(), AD_AXES(7));
    assert_where(here);
    here = HERE; ad_random_normal(ad_random_key(1), AD_SHAPE(2), .scale = -1);
    assert_where(here);
    here = HERE; ad_function(abs, "nonsense");
    assert_where(here);
}
END_TEST

START_TEST(functions_without_operands_have_their_place_too)
{
    AD_SCOPE;
    ad_array *x = pair();
    ad_tree *t = ad_tree_of("a", x);
    const char *here = HERE; ad_item(x);
    assert_where(here);
    here = HERE; ad_item(ad_add(x, 1));
    assert_where(here);
    here = HERE; ad_dim(x, 4);
    assert_where(here);
    here = HERE; ad_load("/nowhere/at/all.npy");
    assert_where(here);
    here = HERE; ad_save("/nowhere/at/all.npy", x);
    assert_where(here);
    here = HERE; ad_tree_get(t, "b");
    assert_where(here);
    here = HERE; ad_tree_get(ad_tree_of("b", ad_neg(x)), "a");
    assert_where(here);
    ad_array *y = triple();
    here = HERE; ad_unflatten(t, y);
    assert_where(here);
    here = HERE; ad_from((double[]){ 1, 2 }, AD_SHAPE(-2));
    assert_where(here);
}
END_TEST

START_TEST(operands_and_options_are_evaluated_before_the_place_is_noted)
{
    AD_SCOPE;
    ad_array *x = pair(), *y = triple();
    const char *here = HERE; ad_add(ad_neg(x), ad_sum(ad_square(y), .keepdims = true, .where = ad_greater(y, 0), .axis = 4));
    assert_where(here);
    here = HERE; ad_sum(ad_neg(x), .axis = 5, .where = ad_logical_not(ad_sum(y)));
    assert_where(here);
    here = HERE; ad_add(ad_neg(x), ad_neg(y));
    assert_where(here);
}
END_TEST

/* An error of a call without a macro is not placed at the last call with one. */
START_TEST(the_place_of_another_call_is_not_shown)
{
    AD_SCOPE;
    ad_array *x = pair();
    (void)ad_add(x, 1);
    (ad_matmul)(x, triple());
    assert_where("");
    (void)ad_add(x, 1);
    (ad_load)("/nowhere/at/all.npy");
    assert_where("");
    ad_set_error(AD_ERROR_USER, "ad_addition: no");
    assert_where("");
}
END_TEST

START_TEST(the_place_goes_with_the_error_and_the_first_one_stays)
{
    AD_SCOPE;
    ad_array *x = pair(), *y = triple();
    const char *here = HERE; ad_add(x, y);
    ad_sum(x, .axis = 9);
    ck_assert_str_eq(ad_error_where(), here);
    ad_clear_error();
    ck_assert_str_eq(ad_error_where(), "");
}
END_TEST

static const char *inside;

static ad_array *fails_inside(ad_array *x)
{
    inside = HERE; return ad_sum(ad_add(x, triple()));
}

static ad_array *vector_valued(ad_array *x)
{
    return ad_exp(ad_sin(x));
}

START_TEST(a_transformation_has_its_place_again_after_the_function)
{
    AD_SCOPE;
    ad_array *x = pair(), *v = triple(), *t;
    ad_grad(fails_inside)(x);
    assert_where(inside);
    const char *here = HERE; ad_grad(vector_valued)(x);
    assert_where(here);
    here = HERE; ad_grad(vector_valued)(ad_neg(ad_from((double[]){ 1, 2 }, AD_SHAPE(2))));
    assert_where(here);
    here = HERE; ad_array *(*g)(ad_array *) = ad_grad(vector_valued);
    g(ad_neg(x));
    assert_where(here);
    here = HERE; ad_grad(ad_grad(vector_valued))(ad_neg(x));
    assert_where(here);
    here = HERE; ad_grad(vector_valued)(NULL);
    assert_where(here);
    here = HERE; ad_hvp(vector_valued)(x, ad_neg(x));
    assert_where(here);
    here = HERE; ad_hessian(vector_valued)(ad_neg(x));
    assert_where(here);
    here = HERE; ad_jvp(vector_valued, x, v, &t);
    assert_where(here);
    here = HERE; ad_grad(vector_valued, 3);
    assert_where(here);
    here = HERE; ad_check_grads(fails_inside, x);
    assert_where(inside);
}
END_TEST

static void *in_a_thread(void *unused)
{
    AD_SCOPE;
    (void)unused;
    (ad_sum_with)(pair(), (ad_reduce_options){ .axis = 4 });
    assert_where("");
    const char *here = HERE; ad_sum(pair(), .axis = 4);
    assert_where(here);
    return NULL;
}

static ad_array *scaled(ad_array *x, void *factor)
{
    return ad_mul(x, *(double *)factor);
}

/* Its address is still that of a living object when the pullback is applied. */
START_TEST(a_context_that_is_a_compound_literal_lives_as_long_as_the_block)
{
    AD_SCOPE;
    ad_pullback *pull;
    ad_vjp(ad_checkpoint(scaled), pair(), &(double){ 3 }, &pull);
    volatile double others[16];
    for (int i = 0; i < 16; i++)
        others[i] = -1;
    assert_array(ad_vjp_apply(pull, pair()), AD_SHAPE(2), 0, 3, 3);
    ad_vjp_free(pull);
    ck_assert(others[3] == -1);
}
END_TEST

START_TEST(each_thread_has_places_of_its_own)
{
    AD_SCOPE;
    pthread_t thread;
    const char *here = HERE; ad_sum(pair(), .axis = 3);
    ck_assert_int_eq(pthread_create(&thread, NULL, in_a_thread, NULL), 0);
    pthread_join(thread, NULL);
    assert_where(here);
}
END_TEST

/* The site of a call from a library that is no longer loaded. */
START_TEST(a_site_that_is_gone_is_not_read)
{
    AD_SCOPE;
    char *site = malloc(64);
    memcpy(site, "gone.c:1\0ad_matmul", 19);
    ad_call_site_ = site;
    free(site);
    (ad_matmul)(pair(), triple());
    assert_where("");
}
END_TEST

RUN_TESTS("call_site", without_an_error_there_is_no_place, the_place_is_that_of_the_failed_call, functions_without_operands_have_their_place_too,
          operands_and_options_are_evaluated_before_the_place_is_noted, the_place_of_another_call_is_not_shown,
          the_place_goes_with_the_error_and_the_first_one_stays, a_transformation_has_its_place_again_after_the_function,
          a_context_that_is_a_compound_literal_lives_as_long_as_the_block, each_thread_has_places_of_its_own, a_site_that_is_gone_is_not_read)
