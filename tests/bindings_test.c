/* What other languages use: calls with arrays of tagged values, calls by name, prototypes, contexts of callbacks. */
#include "testing.h"
#include <stdio.h>

/* ---- tagged values ---- */

static ad_tagged array(ad_array *x)
{
    return (ad_tagged){ .kind = AD_KIND_ARRAY, .array = x };
}

static ad_tagged tree(ad_tree *t)
{
    return (ad_tagged){ .kind = AD_KIND_TREE, .tree = t };
}

static ad_tagged integer(int64_t i)
{
    return (ad_tagged){ .kind = AD_KIND_INTEGER, .integer = i };
}

static ad_tagged boolean(bool b)
{
    return (ad_tagged){ .kind = AD_KIND_BOOL, .integer = b };
}

static ad_tagged real(double r)
{
    return (ad_tagged){ .kind = AD_KIND_REAL, .real = r };
}

static ad_tagged imaginary(double r)
{
    return (ad_tagged){ .kind = AD_KIND_COMPLEX, .parts = { 0, r } };
}

static ad_tagged text(const char *s)
{
    return (ad_tagged){ .kind = AD_KIND_TEXT, .text = s };
}

static ad_tagged pointer(void *p)
{
    return (ad_tagged){ .kind = AD_KIND_POINTER, .pointer = p };
}

static ad_tagged function(ad_fn *fn)
{
    return (ad_tagged){ .kind = AD_KIND_FUNCTION, .function = fn };
}

static const ad_tagged nothing = { .kind = AD_KIND_NONE };

#define COUNT(list)   (int)(sizeof(list) / sizeof *(list))
#define TAGGED(...)   (const ad_tagged[]){ __VA_ARGS__ }, COUNT(((const ad_tagged[]){ __VA_ARGS__ }))
#define INTEGERS(...)                                                                                                  \
    ((ad_tagged){ .kind = AD_KIND_INTEGERS, .count = COUNT(((const int64_t[]){ __VA_ARGS__ })), .integers = (const int64_t[]){ __VA_ARGS__ } })
#define LIST(...)     ((ad_tagged){ .kind = AD_KIND_LIST, .count = COUNT(((const ad_tagged[]){ __VA_ARGS__ })), .list = (const ad_tagged[]){ __VA_ARGS__ } })
#define NAMED(...)    (const ad_named[]){ __VA_ARGS__ }, COUNT(((const ad_named[]){ __VA_ARGS__ }))

/* by_name("ad_sum", TAGGED(x), NAMED({ "axis", integer(0) })): the array that it gives. */
static ad_array *by_name(const char *name, const ad_tagged *operands, int count, const ad_named *options, int option_count)
{
    ad_tagged result = ad_call_named(name, operands, count, options, option_count);
    ck_assert_msg(result.kind == AD_KIND_ARRAY || (result.kind == AD_KIND_NONE && ad_failed()), "%s: kind %d, %s", name, (int)result.kind, ad_error_message());
    return result.kind == AD_KIND_ARRAY ? result.array : NULL;
}

#define assert_same(actual, expected)                                                                                  \
    do {                                                                                                               \
        ad_array *actual_ = (actual), *expected_ = (expected);                                                         \
        ck_assert_msg(actual_ && expected_, "%s: %s", #actual, ad_error_message());                                    \
        ck_assert_msg(ad_shape_equal(ad_shape_of(actual_), ad_shape_of(expected_)) && ad_dtype_of(actual_) == ad_dtype_of(expected_), "%s", #actual); \
        ck_assert_msg(memcmp(ad_data(actual_), ad_data(expected_), (size_t)ad_size(actual_) * ad_dtype_size(ad_dtype_of(actual_))) == 0, "%s", #actual); \
    } while (0)

/* ---- calls with arguments in an array ---- */

OF_X(cube, ad_sum(ad_pow(x, 3)))
OF_X(wave, ad_mul(ad_sin(x), 2))
OF_AB(root_step, ad_div(ad_add(a, ad_div(b, a)), 2))

static ad_array *scaled(ad_array *x, int i, int64_t l, double d, void *p)
{
    return ad_sum(ad_mul(ad_mul(x, i + (double)l), d + *(double *)p));
}

static ad_array *of_tree(ad_tree *t)
{
    return ad_sum(ad_mul(ad_tree_get(t, "w"), ad_tree_get(t, "b")));
}

START_TEST(function_is_called_with_an_array_of_arguments)
{
    double more = 0.5;
    ad_fn *fn = ad_function(scaled, "a(a,i,l,d,p)");
    ad_array *x = VECTOR(1, 2);
    ad_tagged y = ad_call_tagged(fn, TAGGED(array(x), integer(2), integer(3), real(1), pointer(&more)));
    ck_assert_int_eq(y.kind, AD_KIND_ARRAY);
    assert_close(ad_item(y.array), 3 * 5 * 1.5, 0);
    y = ad_call_tagged(ad_grad_fn(fn, 0), TAGGED(array(x), integer(2), real(3), integer(1), pointer(&more)));
    assert_array(y.array, AD_SHAPE(2), 0, 7.5, 7.5);
    y = ad_call_tagged(ad_function(ad_sin, "a(a)"), TAGGED(real(0.5)));
    assert_close(ad_item(y.array), sin(0.5), 1e-15);
}
END_TEST

START_TEST(function_of_a_tree_gives_a_tree)
{
    ad_fn *fn = ad_function(of_tree, "a(t)");
    ad_tagged g = ad_call_tagged(ad_grad_fn(fn, 0), TAGGED(tree(ad_tree_of("w", 2.0, "b", 3.0))));
    ck_assert_int_eq(g.kind, AD_KIND_TREE);
    assert_close(ad_item(ad_tree_get(g.tree, "w")), 3, 0);
    g = ad_call_tagged(ad_grad_fn(fn, 0), TAGGED(LIST(text("w"), real(2), text("b"), real(5))));
    assert_close(ad_item(ad_tree_get(g.tree, "w")), 5, 0);
}
END_TEST

START_TEST(value_and_gradient_come_from_one_call)
{
    ad_tagged g, y = ad_value_and_grad_tagged(ad_function(cube, "a(a)"), 0, TAGGED(array(VECTOR(1, 2))), &g);
    assert_close(ad_item(y.array), 9, 0);
    assert_array(g.array, AD_SHAPE(2), 0, 3, 12);
    y = ad_value_and_grad_tagged(ad_function(cube, "a(a)"), 1, TAGGED(array(VECTOR(1, 2))), &g);
    ck_assert(y.kind == AD_KIND_NONE && g.kind == AD_KIND_NONE);
    assert_fails(y.pointer, AD_ERROR_TRANSFORM, "there is no argument 1");
}
END_TEST

START_TEST(pullback_is_applied_to_tagged_values)
{
    ad_pullback *pull;
    ad_array *x = VECTOR(0.5, 1);
    ad_tagged y = ad_vjp_tagged(ad_function(wave, "a(a)"), TAGGED(array(x)), &pull);
    assert_same(y.array, wave(x));
    ad_tagged ones = array(VECTOR(1, 1)), g = ad_vjp_apply_tagged(pull, &ones), wrong = tree(ad_list_of(1.0));
    assert_array(g.array, AD_SHAPE(2), 1e-15, 2 * cos(0.5), 2 * cos(1));
    assert_fails(ad_vjp_apply_tagged(pull, &wrong).pointer, AD_ERROR_VALUE, "ad_vjp_apply: the cotangent should be an array or a number and is a tree");
    ad_vjp_free(pull);
    pull = (ad_pullback *)&x;
    assert_fails(ad_vjp_tagged(ad_function(wave, "a(a)"), TAGGED(text("x")), &pull).pointer, AD_ERROR_VALUE, "ad_vjp: argument 0 should be");
    ck_assert_ptr_null(pull);
    assert_fails(ad_vjp_tagged(ad_function(wave, "a(a)"), TAGGED(array(x)), NULL).pointer, AD_ERROR_VALUE, "the place for the pullback is NULL");
}
END_TEST

START_TEST(tangent_and_fixed_point)
{
    ad_tagged t, y = ad_jvp_tagged(ad_function(cube, "a(a)"), TAGGED(array(VECTOR(1, 2)), array(VECTOR(1, 1))), &t);
    assert_close(ad_item(y.array), 9, 0);
    assert_close(ad_item(t.array), 15, 0);
    y = ad_fixed_point_tagged(ad_function(root_step, "a(a,a)"), TAGGED(real(1), real(2)));
    assert_close(ad_item(y.array), sqrt(2), 1e-12);
    ck_assert(ad_check_grads_tagged(ad_function(root_step, "a(a,a)"), TAGGED(array(VECTOR(1, 2)), array(VECTOR(3, 4))), AD_CHECK_DEFAULTS));
}
END_TEST

START_TEST(trace_is_given_as_text)
{
    ad_fn *fn = ad_function(wave, "a(a)");
    char *program = ad_trace_text("wave", fn, TAGGED(array(VECTOR(1, 2))), false), *graph = ad_trace_text(NULL, fn, TAGGED(array(VECTOR(1, 2))), true);
    ck_assert_msg(program && strstr(program, "ad_sin") && strstr(program, "wave"), "%s", program);
    ck_assert_msg(graph && strstr(graph, "digraph"), "%s", graph);
    free(program);
    free(graph);
    assert_fails(ad_trace_text("wave", fn, NULL, 0, false), AD_ERROR_VALUE, "ad_trace_text: 0 arguments");
    char *t = ad_tree_tostring(ad_tree_of("w", 2.5));
    ck_assert_msg(strstr(t, "w") && strstr(t, "2.5"), "%s", t);
    free(t);
    ad_tagged named = ad_call_named("ad_trace", TAGGED(array(ad_eye(2))), NULL, 0); /* of a matrix */
    assert_close(ad_item(named.array), 2, 0);
}
END_TEST

START_TEST(arguments_that_do_not_fit_are_named)
{
    ad_fn *fn = ad_function(scaled, "a(a,i,l,d,p)");
    ad_tagged x = array(VECTOR(1, 2)), p = pointer(&x);
    assert_fails(ad_call_tagged(fn, &x, 1).pointer, AD_ERROR_VALUE, "ad_call: 1 arguments; a function of signature a(a,i,l,d,p) has 5");
    assert_fails(ad_call_tagged(fn, &x, -1).pointer, AD_ERROR_VALUE, "ad_call: -1 arguments");
    assert_fails(ad_call_tagged(fn, NULL, 5).pointer, AD_ERROR_VALUE, "NULL");
    assert_fails(ad_call_tagged(NULL, &x, 1).pointer, AD_ERROR_TRANSFORM, "the function is NULL");
    assert_fails(ad_call_tagged(fn, TAGGED(x, integer(INT64_C(1) << 40), integer(1), real(1), p)).pointer, AD_ERROR_VALUE,
                 "argument 1 should be an integer of 32 bits and is the integer 1099511627776");
    assert_fails(ad_call_tagged(fn, TAGGED(x, real(0.5), integer(1), real(1), p)).pointer, AD_ERROR_VALUE, "argument 1 should be an integer");
    assert_fails(ad_call_tagged(fn, TAGGED(x, integer(1), integer(1), text("a"), p)).pointer, AD_ERROR_VALUE, "is the text \"a\"");
    assert_fails(ad_call_tagged(fn, TAGGED(x, integer(1), integer(1), real(1), x)).pointer, AD_ERROR_VALUE, "argument 4 should be a pointer and is an array");
    assert_fails(ad_call_tagged(fn, TAGGED({ .kind = (ad_kind)77 }, integer(1), integer(1), real(1), p)).pointer, AD_ERROR_VALUE,
                 "of kind 77, which there is not");
}
END_TEST

/* ---- contexts ---- */

struct closure {
    double factor;
    int calls, releases;
};

static ad_array *times(ad_array *x, void *context)
{
    struct closure *closure = context;
    closure->calls++;
    return ad_mul(x, closure->factor);
}

static ad_array *sum_times(ad_array *x, void *context)
{
    return ad_sum(ad_square(times(x, context)));
}

static ad_array *of_two(ad_array *a, ad_array *b, void *context)
{
    return ad_add(times(a, context), b);
}

static void released(void *context)
{
    ((struct closure *)context)->releases++;
}

START_TEST(function_has_a_context_of_its_own)
{
    struct closure two = { .factor = 2 }, three = { .factor = 3 };
    ad_fn *f = ad_function_with_context((void (*)(void))sum_times, "a(a,p)", &two, NULL);
    ad_fn *g = ad_function_with_context((void (*)(void))sum_times, "a(a,p)", &three, NULL);
    ad_array *x = VECTOR(1, 2);
    assert_close(ad_item(ad_call(f, x)), 20, 0);
    assert_close(ad_item(ad_call(g, x)), 45, 0);
    assert_array(ad_call(ad_grad(f), x), AD_SHAPE(2), 0, 8, 16);
    assert_array(ad_call(ad_hvp(f), x, VECTOR(1, 0)), AD_SHAPE(2), 0, 8, 0);
    assert_array(ad_call(ad_checkpoint(ad_grad(g)), x), AD_SHAPE(2), 0, 18, 36);
    ad_array *(*plain)(ad_array *) = (ad_array * (*)(ad_array *)) ad_fn_pointer(f);
    assert_array(ad_grad(plain)(x), AD_SHAPE(2), 0, 8, 16);
    ck_assert_ptr_eq(ad_function_with_context((void (*)(void))sum_times, "a(a,p)", &two, NULL), f);
    /* as the outer function of a Gauss-Newton product, which takes a plain one */
    assert_array(ad_call(ad_ggnvp_fn(ad_function(wave, "a(a)"), f), x, VECTOR(1, 0)), AD_SHAPE(2), 1e-13, 8 * 4 * cos(1) * cos(1), 0);
    assert_fails(ad_call(ad_function_with_context((void (*)(void))sum_times, "a(a)", &two, NULL), x), AD_ERROR_TRANSFORM, "a p should stand last");
    assert_fails(ad_call(ad_function_with_context((void (*)(void))sum_times, "a(p)", &two, NULL), x), AD_ERROR_TRANSFORM, "a p should stand last");
    assert_fails(ad_call(ad_function_with_context(NULL, "a(a,p)", &two, NULL), x), AD_ERROR_TRANSFORM, "NULL");
}
END_TEST

static void *makes_a_closure(void *context)
{
    ad_call(ad_grad_fn(ad_function_with_context((void (*)(void))sum_times, "a(a,p)", context, released), 0), ad_scalar(1));
    return NULL;
}

START_TEST(context_of_a_function_is_released_when_the_thread_ends)
{
    struct closure closure = { .factor = 2 };
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, makes_a_closure, &closure), 0);
    pthread_join(thread, NULL);
    ck_assert_int_eq(closure.calls, 1);
    ck_assert_int_eq(closure.releases, 1);
}
END_TEST

START_TEST(trees_are_mapped_with_a_context)
{
    struct closure two = { .factor = 2 };
    ad_tree *t = ad_tree_of("a", 1.0, "b", ad_list_of(2.0)), *u = ad_tree_map_with_context(times, t, &two);
    assert_close(ad_item(ad_tree_get(u, "b/0")), 4, 0);
    u = ad_tree_map2_with_context(of_two, t, u, &two);
    assert_close(ad_item(ad_tree_get(u, "b/0")), 8, 0);
    ck_assert_int_eq(two.calls, 4);
    assert_fails(ad_tree_map_with_context(NULL, t, &two), AD_ERROR_VALUE, "ad_tree_map_with_context: the function is NULL");
    assert_fails(ad_tree_map2_with_context(of_two, t, ad_list_of(1.0), &two), AD_ERROR_SHAPE, "ad_tree_map2_with_context: two trees of different structure");
}
END_TEST

/* ---- calls by name ---- */

START_TEST(operations_are_called_by_name)
{
    ad_array *x = counting(AD_SHAPE(2, 3));
    assert_same(by_name("ad_sin", TAGGED(array(x)), NULL, 0), ad_sin(x));
    assert_same(by_name("ad_add", TAGGED(array(x), integer(1)), NULL, 0), ad_add(x, 1));
    assert_same(by_name("ad_mul", TAGGED(imaginary(2), array(x)), NULL, 0), ad_mul(2i, x));
    assert_same(by_name("ad_mul", TAGGED(array(ad_astype(x, AD_F32)), real(0.1)), NULL, 0), ad_mul(ad_astype(x, AD_F32), 0.1));
    assert_same(by_name("ad_sum", TAGGED(array(x)), NULL, 0), ad_sum(x));
    assert_same(by_name("ad_sum", TAGGED(array(x)), NAMED({ "axis", integer(0) })), ad_sum(x, .axis = 0));
    assert_same(by_name("ad_sum", TAGGED(array(x)), NAMED({ "axes", INTEGERS(0, -1) }, { "keepdims", boolean(true) }, { "dtype", text("float32") })),
                ad_sum(x, .axes = AD_AXES(0, -1), .keepdims = true, .dtype = AD_F32));
    assert_same(by_name("ad_sum", TAGGED(array(x)), NAMED({ "axis", nothing }, { "initial", real(5) })), ad_sum(x, .initial = ad_weak_real(5)));
    assert_same(by_name("ad_sum", TAGGED(array(x)), NAMED({ "axis", INTEGERS(1, 0) }, { "keepdims", boolean(true) })), ad_sum(x, .keepdims = true));
    assert_same(by_name("ad_amax_with", TAGGED(array(x)), NAMED({ "axis", integer(1) })), ad_max(x, .axis = 1));
    assert_same(by_name("ad_negative", TAGGED(array(x)), NULL, 0), ad_neg(x));
    assert_same(by_name("ad_var", TAGGED(array(x)), NAMED({ "ddof", integer(1) })), ad_var(x, .ddof = 1));
}
END_TEST

START_TEST(every_kind_of_parameter_is_passed)
{
    ad_array *x = counting(AD_SHAPE(2, 3));
    ad_tagged key = ad_call_named("ad_random_key", TAGGED(integer(7)), NULL, 0);
    ck_assert_int_eq(key.kind, AD_KIND_KEY);
    assert_same(by_name("ad_random_normal", TAGGED(key, INTEGERS(2, 3)), NAMED({ "scale", integer(2) }, { "dtype", integer(AD_F32) })),
                ad_random_normal(ad_random_key(7), AD_SHAPE(2, 3), .scale = 2, .dtype = AD_F32));
    assert_same(by_name("ad_random_bernoulli", TAGGED(key, real(0.5), INTEGERS(4)), NULL, 0), ad_random_bernoulli(ad_random_key(7), 0.5, AD_SHAPE(4)));
    assert_same(by_name("ad_reshape", TAGGED(array(x), INTEGERS(3, 2)), NAMED({ "order", text("F") })), ad_reshape(x, AD_SHAPE(3, 2), .order = "F"));
    assert_same(by_name("ad_reshape", TAGGED(array(x)), NAMED({ "shape", integer(-1) })), ad_reshape(x, AD_SHAPE(-1)));
    assert_same(by_name("ad_zeros", TAGGED(real(3)), NULL, 0), ad_zeros(AD_SHAPE(3)));
    assert_same(by_name("ad_zeros", TAGGED({ .kind = AD_KIND_LIST }), NULL, 0), ad_zeros(AD_SCALAR_SHAPE));
    ck_assert_int_eq(ad_tree_count(ad_call_named("ad_tree_map", TAGGED({ .kind = AD_KIND_POINTER, .pointer = (void *)(uintptr_t)(ad_sin) }, INTEGERS()), NULL, 0).tree), 0);
    assert_same(by_name("ad_pad", TAGGED(array(x), integer(0)), NAMED({ "widths", INTEGERS(1, 2, 0, 3) }, { "constant_values", real(-1) })),
                ad_pad(x, 0, .widths = AD_WIDTHS({ 1, 2 }, { 0, 3 }), .constant_values = -1));
    assert_same(by_name("ad_moveaxis_axes", TAGGED(array(x), INTEGERS(0, 1), INTEGERS(1, 0)), NULL, 0), ad_transpose(x));
    assert_same(by_name("ad_at", TAGGED(array(x), text("0, 1:3")), NULL, 0), ad_at(x, "0, 1:3"));
    assert_same(by_name("ad_at_set", TAGGED(array(x), real(9), text("::-1")), NULL, 0), ad_at_set(x, 9, "::-1"));
    ad_index index[] = { AD_PICK(ad_arange(2)), AD_INTEGER(1) };
    assert_same(by_name("ad_at_list", TAGGED(array(x), { .kind = AD_KIND_INDICES, .count = 2, .indices = index }), NULL, 0),
                ad_at_list(x, AD_INDICES(AD_PICK(ad_arange(2)), AD_INTEGER(1))));
    assert_same(by_name("ad_at", TAGGED(array(x), { .kind = AD_KIND_INDICES, .count = 2, .indices = index }), NULL, 0),
                ad_at_list(x, AD_INDICES(AD_PICK(ad_arange(2)), AD_INTEGER(1))));
    assert_same(by_name("ad_expand_dims", TAGGED(array(x), INTEGERS(0, -1)), NULL, 0), ad_expand_dims(x, AD_AXES(0, -1)));
    assert_same(by_name("ad_expand_dims", TAGGED(array(x), integer(1)), NULL, 0), ad_expand_dims(x, 1));
    assert_same(by_name("ad_einsum", TAGGED(text("ij,kj->ik"), array(x), array(x)), NULL, 0), ad_einsum("ij,kj->ik", x, x));
    assert_same(by_name("ad_einsum", TAGGED(text("ij,kj->ik"), LIST(array(x), array(x))), NULL, 0), ad_einsum("ij,kj->ik", x, x));
    assert_same(by_name("ad_arange", TAGGED(integer(2), integer(5)), NULL, 0), ad_arange(2, 5));
    assert_same(by_name("ad_arange", TAGGED(real(0), real(1), real(0.25)), NULL, 0), ad_arange(0.0, 1.0, 0.25));
    assert_same(by_name("ad_concatenate", TAGGED(LIST(array(x), array(x))), NAMED({ "axis", integer(1) })), ad_concatenate(ad_list_of(x, x), .axis = 1));
    assert_same(by_name("ad_weak_complex", TAGGED(imaginary(2)), NULL, 0), ad_weak_complex(2i));
    assert_same(by_name("ad_eye", TAGGED(integer(3)), NAMED({ "k", integer(1) }, { "M", nothing })), ad_eye(3, .k = 1));
    assert_same(by_name("ad_linspace", TAGGED(integer(0), integer(1)), NAMED({ "num", integer(5) }, { "endpoint", boolean(false) })),
                ad_linspace(0, 1, .num = 5, .endpoint = false));
    assert_same(by_name("ad_fft_fftfreq", TAGGED(integer(4)), NAMED({ "d", real(0.5) })), ad_fft_fftfreq(4, .d = 0.5));
    assert_same(by_name("ad_sort", TAGGED(array(ad_neg(x))), NAMED({ "axis", integer(0) })), ad_sort(ad_neg(x), .axis = 0));
    assert_same(by_name("ad_sort", TAGGED(array(ad_neg(x))), NAMED({ "axis", nothing })), ad_sort(ad_neg(x), .axis = AD_NO_AXIS));
    assert_same(by_name("ad_linalg_norm", TAGGED(array(x)), NAMED({ "ord", real(1) })), ad_linalg_norm(x, .ord = 1));
    assert_same(by_name("ad_clip", TAGGED(array(x), nothing, integer(3)), NULL, 0), ad_clip(x, NULL, 3));
}
END_TEST

START_TEST(every_kind_of_result_comes_back)
{
    ad_array *x = counting(AD_SHAPE(2, 3));
    ad_tagged v = ad_call_named("ad_shape_of", TAGGED(array(x)), NULL, 0);
    ck_assert(v.kind == AD_KIND_INTEGERS && v.count == 2 && v.integers[0] == 2 && v.integers[1] == 3);
    v = ad_call_named("ad_dtype_of", TAGGED(array(x)), NULL, 0);
    ck_assert(v.kind == AD_KIND_DTYPE && v.integer == AD_F64);
    v = ad_call_named("ad_ndim", TAGGED(array(x)), NULL, 0);
    ck_assert(v.kind == AD_KIND_INTEGER && v.integer == 2);
    v = ad_call_named("ad_size", TAGGED(array(x)), NULL, 0);
    ck_assert(v.kind == AD_KIND_INTEGER && v.integer == 6);
    v = ad_call_named("ad_item", TAGGED(real(0.5)), NULL, 0);
    ck_assert(v.kind == AD_KIND_REAL && v.real == 0.5);
    v = ad_call_named("ad_item_complex", TAGGED(imaginary(2)), NULL, 0);
    ck_assert(v.kind == AD_KIND_COMPLEX && v.parts[0] == 0 && v.parts[1] == 2);
    v = ad_call_named("ad_is_traced", TAGGED(array(x)), NULL, 0);
    ck_assert(v.kind == AD_KIND_BOOL && v.integer == 0);
    v = ad_call_named("ad_dtype_name", TAGGED(text("int32")), NULL, 0);
    ck_assert(v.kind == AD_KIND_TEXT && strcmp(v.text, "int32") == 0);
    v = ad_call_named("ad_data", TAGGED(array(x)), NULL, 0);
    ck_assert(v.kind == AD_KIND_POINTER && v.pointer == ad_data(x));
    v = ad_call_named("ad_unstack", TAGGED(array(x)), NULL, 0);
    ck_assert(v.kind == AD_KIND_TREE && ad_tree_count(v.tree) == 2);
    v = ad_call_named("ad_tree_from", TAGGED(text("a"), real(1), text("b"), LIST(integer(2))), NULL, 0);
    ck_assert(v.kind == AD_KIND_TREE && ad_item(ad_tree_get(v.tree, "b/0")) == 2);
    v = ad_call_named("ad_set_num_threads", TAGGED(integer(1)), NULL, 0);
    ck_assert(v.kind == AD_KIND_NONE && ad_num_threads() == 1);
    v = ad_call_named("ad_set_error", TAGGED(integer(AD_ERROR_USER), text("100%d")), NULL, 0);
    ck_assert(v.kind == AD_KIND_NONE && strcmp(ad_error_message(), "100%d") == 0);
    ad_clear_error();
    v = ad_call_named("ad_failed", NULL, 0, NULL, 0);
    ck_assert(v.kind == AD_KIND_BOOL && !v.integer);
}
END_TEST

START_TEST(transformations_are_called_by_name)
{
    ad_fn *fn = ad_function(cube, "a(a)");
    ad_tagged g = ad_call_named("ad_grad", TAGGED(function(fn), integer(0)), NULL, 0);
    ck_assert(g.kind == AD_KIND_FUNCTION && g.function == ad_grad_fn(fn, 0));
    g = ad_call_named("ad_call", TAGGED(g, array(VECTOR(1, 2))), NULL, 0);
    assert_array(g.array, AD_SHAPE(2), 0, 3, 12);
    ad_pullback *pull = NULL;
    ad_tagged y = ad_call_named("ad_vjp", TAGGED(function(fn), LIST(array(VECTOR(1, 2))), pointer(&pull)), NULL, 0);
    assert_close(ad_item(y.array), 9, 0);
    ad_vjp_free(pull);
    ad_tagged ok = ad_call_named("ad_check_grads", TAGGED(function(fn), LIST(array(VECTOR(1, 2)))),
                                 NAMED({ "order", integer(1) }, { "modes", integer(AD_FWD) }));
    ck_assert_msg(ok.kind == AD_KIND_BOOL && ok.integer == 1, "%s", ad_error_message());
    assert_fails(ad_call_named("ad_check_grads", TAGGED(function(fn), LIST(array(VECTOR(1, 2)))), NAMED({ "order", integer(99) })).integer, AD_ERROR_VALUE,
                 "order 99");
}
END_TEST

static ad_array *named_sum(ad_array *x)
{
    return by_name("ad_sum", TAGGED(array(by_name("ad_pow", TAGGED(array(x), integer(3)), NULL, 0))), NAMED({ "axis", integer(-1) }));
}

START_TEST(calls_by_name_are_differentiated)
{
    assert_array(ad_grad(named_sum)(VECTOR(1, 2)), AD_SHAPE(2), 0, 3, 12);
    assert_array(ad_hessian(named_sum)(VECTOR(1, 2)), AD_SHAPE(2, 2), 0, 6, 0, 0, 12);
}
END_TEST

#define assert_refused(words, ...) assert_fails(ad_call_named(__VA_ARGS__).pointer, AD_ERROR_VALUE, words)

START_TEST(errors_name_what_is_wrong)
{
    ad_tagged x = array(counting(AD_SHAPE(2, 3)));
    assert_refused("there is no function ad_summ; the nearest is ad_sum", "ad_summ", &x, 1, NULL, 0);
    assert_refused("there is no function ad_gradd; the nearest is ad_grad", "ad_gradd", &x, 1, NULL, 0);
    assert_refused("there is no function ad_linalg_choleski; the nearest is ad_linalg_cholesky", "ad_linalg_choleski", &x, 1, NULL, 0);
    assert_refused("names begin with ad_", "xyzzy", &x, 1, NULL, 0);
    assert_refused("names begin with ad_", "", &x, 1, NULL, 0);
    assert_refused("name is NULL", NULL, &x, 1, NULL, 0);
    assert_refused("ad_sum: there is no option axs; there are axis, axes, keepdims, dtype, ddof, where, initial", "ad_sum", &x, 1,
                   NAMED({ "axs", integer(0) }));
    assert_refused("ad_sin: there is no option axis, nor any other", "ad_sin", &x, 1, NAMED({ "axis", integer(0) }));
    assert_refused("option axis should be an integer of 32 bits and is the text \"0\"", "ad_sum", &x, 1, NAMED({ "axis", text("0") }));
    assert_refused("option keepdims should be a bool and is the integer 2", "ad_sum", &x, 1, NAMED({ "keepdims", integer(2) }));
    assert_refused("option dtype should be a dtype or its name and is the text \"float16\"", "ad_sum", &x, 1, NAMED({ "dtype", text("float16") }));
    assert_refused("ad_sum: keepdims is given twice", "ad_sum", &x, 1, NAMED({ "keepdims", integer(1) }, { "axis", integer(0) }, { "keepdims", integer(0) }));
    assert_refused("ad_sum: x is given twice, as operand 0 and by name", "ad_sum", &x, 1, NAMED({ "x", x }));
    assert_refused("ad_reshape: shape is given twice", "ad_reshape", &x, 1, NAMED({ "shape", integer(1) }, { "shape", integer(1) }));
    assert_refused("ad_einsum_from: there is no option", "ad_einsum_from", TAGGED(text("i->")), NAMED({ "count", integer(1) }));
    assert_refused("option axis should be an integer of 32 bits and is integers (1 of them)", "ad_sort", &x, 1, NAMED({ "axis", INTEGERS(0) }));
    assert_refused("ad_zeros: operand 0, shape, should be at most 32 integers and is the real number 1.5", "ad_zeros", TAGGED(real(1.5)), NULL, 0);
    assert_refused("name of an option is NULL", "ad_sum", &x, 1, NAMED({ NULL, integer(0) }));
    assert_refused("ad_add: operand 1, b, is missing: ad_array *ad_add(ad_array *a, ad_array *b)", "ad_add", &x, 1, NULL, 0);
    assert_refused("ad_sum: 2 operands where there are 1", "ad_sum", TAGGED(x, integer(0)), NULL, 0);
    assert_refused("ad_reshape: operand 1, shape, should be at most 32 integers and is an array", "ad_reshape", TAGGED(x, x), NULL, 0);
    assert_refused("ad_sin: operand 0, x, should be an array or a number and is the text \"x\"", "ad_sin", TAGGED(text("x")), NULL, 0);
    assert_refused("ad_concatenate: operand 0, arrays, should be a tree or a list and is the integer 3", "ad_concatenate", TAGGED(integer(3)), NULL, 0);
    assert_refused("ad_sum: -1 operands", "ad_sum", &x, -1, NULL, 0);
    assert_refused("operands is NULL", "ad_sum", NULL, 1, NULL, 0);
    assert_refused("ad_scope_open cannot be called by name", "ad_scope_open", NULL, 0, NULL, 0);
    assert_fails(ad_call_named("ad_sum", TAGGED(nothing), NULL, 0).pointer, AD_ERROR_VALUE, "ad_sum: the array is NULL");
    assert_fails(ad_call_named("ad_sum", &x, 1, NAMED({ "axis", integer(5) })).pointer, AD_ERROR_AXIS, "ad_sum: axis 5");
}
END_TEST

/* ---- prototypes ---- */

START_TEST(prototypes_describe_functions)
{
    ck_assert_int_gt(ad_prototype_count(), 400);
    for (int i = 0; i < ad_prototype_count(); i++) {
        const ad_prototype *p = ad_prototype_at(i);
        ck_assert_msg(p && p->pointer && strstr(p->text, p->name), "%d", i);
        ck_assert_msg(i == 0 || strcmp(ad_prototype_at(i - 1)->name, p->name) < 0, "%s", p->name);
        ck_assert_msg(p->parameter_count < 12, "%s", p->name);
    }
    const ad_prototype *p = ad_prototype_of("ad_sum");
    ck_assert_str_eq(p->text, "ad_array *ad_sum_with(ad_array *x, ad_reduce_options options)");
    ck_assert(p->result == AD_TYPE_ARRAY && p->parameter_count == 1 && p->parameters[0].type == AD_TYPE_ARRAY && strcmp(p->parameters[0].name, "x") == 0);
    ck_assert(p->options_size == sizeof(ad_reduce_options) && p->option_count == 7 && strcmp(p->options[0].name, "axis") == 0);
    ck_assert(p->options[0].value.kind == AD_KIND_INTEGER && p->options[0].value.integer == AD_NO_AXIS);
    ck_assert(p->options[0].offset == offsetof(ad_reduce_options, axis));
    assert_fails(ad_prototype_at(-1), AD_ERROR_INDEX, "there is no function -1");
    assert_fails(ad_prototype_at(ad_prototype_count()), AD_ERROR_INDEX, "counted from 0");
    assert_fails(ad_prototype_of("ad_nothing_like_it"), AD_ERROR_VALUE, "there is no function");
}
END_TEST

/* Functions that share a struct of options have defaults of their own. */
START_TEST(defaults_are_those_of_the_function)
{
    ck_assert_int_eq(ad_prototype_of("ad_zeros")->options[0].value.integer, AD_F64);
    ck_assert_int_eq(ad_prototype_of("ad_zeros_like")->options[0].value.integer, (int)AD_NO_DTYPE);
    ck_assert_int_eq(ad_prototype_of("ad_indices")->options[0].value.integer, AD_I64);
    assert_same(by_name("ad_indices", TAGGED(INTEGERS(2)), NULL, 0), ad_indices(AD_SHAPE(2)));
    assert_same(by_name("ad_zeros_like", TAGGED(array(ad_arange(2))), NULL, 0), ad_zeros_like(ad_arange(2)));
    assert_same(by_name("ad_logspace", TAGGED(integer(0), integer(2)), NULL, 0), ad_logspace(0, 2));
}
END_TEST

static bool takes_arrays_alone(const ad_prototype *p)
{
    for (int i = 0; i < p->parameter_count; i++)
        if (p->parameters[i].type != AD_TYPE_ARRAY)
            return false;
    return p->parameter_count >= 1 && p->parameter_count <= 3 && (p->result == AD_TYPE_ARRAY || p->result == AD_TYPE_TREE);
}

static void *called(const ad_prototype *p, ad_array *const *x)
{
    switch (p->parameter_count) {
    case 1: return ((void *(*)(ad_array *))p->pointer)(x[0]);
    case 2: return ((void *(*)(ad_array *, ad_array *))p->pointer)(x[0], x[1]);
    default: return ((void *(*)(ad_array *, ad_array *, ad_array *))p->pointer)(x[0], x[1], x[2]);
    }
}

/* A result as text, or the error in its place. */
static char *text_of(ad_type type, void *result)
{
    char *text = !result ? strdup(ad_error_message()) : ad_tree_tostring(type == AD_TYPE_TREE ? (ad_tree *)result : ad_list_of((ad_array *)result));
    ad_clear_error();
    return text;
}

/* Of all functions of arrays with options: called by name, with the defaults of the prototype, they do what the plain
 * function does. */
START_TEST(every_default_is_what_the_plain_function_does)
{
    int checked = 0;
    const double elements[] = { 4, 1, 0.5, 1, 3, 0.25, 0.5, 0.25, 2 };
    ad_array *x = ad_from(elements, AD_SHAPE(3, 3)), *samples[] = { x, ad_add(x, 1), ad_sub(x, 1) };
    for (int i = 1; i < ad_prototype_count(); i++) {
        AD_SCOPE;
        const ad_prototype *with = ad_prototype_at(i), *plain = ad_prototype_at(i - 1);
        size_t length = strlen(plain->name);
        if (strncmp(with->name, plain->name, length) != 0 || strcmp(with->name + length, "_with") != 0 || !takes_arrays_alone(with))
            continue;
        char *expected = text_of(with->result, called(plain, samples));
        ad_tagged operands[3] = { array(samples[0]), array(samples[1]), array(samples[2]) };
        char *actual = text_of(with->result, ad_call_named(plain->name, operands, with->parameter_count, NULL, 0).pointer);
        ck_assert_msg(strcmp(actual, expected) == 0, "%s: \"%s\", by name \"%s\"", plain->name, expected, actual);
        free(expected);
        free(actual);
        checked++;
    }
    ck_assert_int_gt(checked, 50);
}
END_TEST

RUN_TESTS("bindings", function_is_called_with_an_array_of_arguments, function_of_a_tree_gives_a_tree, value_and_gradient_come_from_one_call,
          pullback_is_applied_to_tagged_values, tangent_and_fixed_point, trace_is_given_as_text, arguments_that_do_not_fit_are_named,
          function_has_a_context_of_its_own, context_of_a_function_is_released_when_the_thread_ends, trees_are_mapped_with_a_context,
          operations_are_called_by_name, every_kind_of_parameter_is_passed, every_kind_of_result_comes_back, transformations_are_called_by_name,
          calls_by_name_are_differentiated, errors_name_what_is_wrong, prototypes_describe_functions, defaults_are_those_of_the_function,
          every_default_is_what_the_plain_function_does)
