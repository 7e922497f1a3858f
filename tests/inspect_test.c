/* Seeing inside: names, every call told to a hook, functions printed as programs and graphs, and what the environment asks for. */
#include "testing.h"
#include <stdio.h>
#include <unistd.h>

OF_X(tanh_sum, ad_sum(ad_tanh(ad_mul(x, 2))))
OF_X(half_log_sum, ad_sum(ad_mul(ad_log(ad_name(x, "rate")), 0.5)))

/* What `write` writes to a stream, which the caller frees. */
static char *text_of(bool (*write)(FILE *stream, void *argument), void *argument)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);
    ck_assert_ptr_nonnull(stream);
    ck_assert_msg(write(stream, argument), "%s", ad_error_message());
    fclose(stream);
    return text;
}

static void assert_contains(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part), "\"%s\" is not in\n%s", part, text);
}

/* ---- programs ---- */

static bool write_tanh_sum(FILE *stream, void *x)
{
    return ad_fprint_trace(stream, tanh_sum, (ad_array *)x);
}

START_TEST(a_function_is_printed_as_the_calls_it_makes)
{
    AD_SCOPE;
    char *text = text_of(write_tanh_sum, VECTOR(0.5, 2));
    ck_assert_str_eq(text, "tanh_sum {\n"
                           "    v0: float64 (2,) = argument\n"
                           "    v1: float64 (2,) = ad_mul(v0, 2)\n"
                           "    v2: float64 (2,) = ad_tanh(v1)\n"
                           "    v3: float64 () = ad_sum(v2, .axes = AD_AXES(0))\n"
                           "    return v3\n"
                           "}\n");
    free(text);
}
END_TEST

static bool write_gradient(FILE *stream, void *x)
{
    return ad_fprint_trace(stream, ad_grad(tanh_sum), (ad_array *)x);
}

START_TEST(a_gradient_is_printed_with_what_its_rules_call)
{
    AD_SCOPE;
    char *text = text_of(write_gradient, VECTOR(0.5, 2));
    assert_contains(text, "ad_grad(tanh_sum) {\n    v0: float64 (2,) = argument\n    v1: float64 (2,) = ad_input(v0)\n");
    assert_contains(text, "ad_sech_squared(v2)  // reverse of ad_tanh\n");
    ck_assert_msg(!strstr(text, "constant"), "%s", text);
    free(text);
}
END_TEST

static bool write_product(FILE *stream, void *x)
{
    return ad_fprint_trace(stream, ad_hvp(tanh_sum), (ad_array *)x, ad_ones_like(x));
}

START_TEST(a_second_derivative_tells_tangents_from_cotangents)
{
    AD_SCOPE;
    char *text = text_of(write_product, VECTOR(0.5, 2));
    assert_contains(text, "// tangent of ad_tanh\n");
    assert_contains(text, "// reverse of ad_tanh\n");
    assert_contains(text, "// tangent of ad_sech_squared\n");
    free(text);
}
END_TEST

static ad_tree *scaled(ad_tree *p, ad_array *x, void *factor)
{
    ad_array *w = ad_name(ad_tree_get(p, "W"), "W"), *again = ad_name(ad_mul(w, *(double *)factor), "W");
    return ad_tree_of("y", ad_matmul(again, x), "first", ad_at(x, "0"), "shape", ad_reshape(ad_tree_get(p, "b"), AD_SHAPE(2, 1)), "x", x);
}

static bool write_scaled(FILE *stream, void *factor)
{
    ad_tree *p = ad_tree_of("W", ad_ones(AD_SHAPE(2, 3)), "b", ad_zeros(AD_SHAPE(2)));
    return ad_fprint_trace(stream, scaled, p, VECTOR(1, 2, 3), factor);
}

START_TEST(trees_names_and_options_are_shown)
{
    AD_SCOPE;
    double factor = 1.5;
    char *text = text_of(write_scaled, &factor);
    assert_contains(text, "v0: float64 (2,3) = argument 0, \"W\"\n");
    assert_contains(text, "v1: float64 (2,) = argument 0, \"b\"\n");
    assert_contains(text, "W: float64 (2,3) = ad_name(v0, \"W\")\n");
    assert_contains(text, "W_2: float64 (2,3) = ad_name(v4, \"W\")\n");
    assert_contains(text, "ad_mul(W, 1.5)\n");
    assert_contains(text, "ad_matmul(W_2, v2)\n");
    assert_contains(text, "float64 () = ad_at(v2, \"0\")\n");
    assert_contains(text, "ad_reshape(v1, AD_SHAPE(2, 1))\n");
    assert_contains(text, "    return v6, v7, v8, v2\n");
    free(text);
}
END_TEST

OF_X(of_a_constant, ad_add(ad_mul(x, VECTOR(2, 3)), ad_softmax(ad_mul(x, ad_ones(AD_SHAPE(20, 2))))))

static bool write_of_a_constant(FILE *stream, void *x)
{
    return ad_fprint_trace(stream, of_a_constant, (ad_array *)x);
}

START_TEST(constants_are_shown_if_they_are_short_and_composed_values_are_one_call)
{
    AD_SCOPE;
    char *text = text_of(write_of_a_constant, VECTOR(0.5, 2));
    assert_contains(text, ": float64 (2,) = [2. 3.]\n");
    assert_contains(text, ": float64 (20,2) = constant\n");
    assert_contains(text, "ad_softmax(");
    ck_assert_msg(!strstr(text, "ad_exp"), "%s", text);
    free(text);
}
END_TEST

static ad_array *fails(ad_array *x)
{
    return ad_matmul(ad_name(ad_ones(AD_SHAPE(2, 5)), "weights"), ad_tanh(x));
}

START_TEST(a_function_that_fails_is_not_printed_and_its_error_stays)
{
    AD_SCOPE;
    assert_fails(ad_fprint_trace(stderr, fails, VECTOR(0.5, 2)), AD_ERROR_SHAPE,
                 "ad_matmul: shapes (2,5) and (2,) do not align (5 != 2); operand 0 is weights");
    assert_fails(ad_fprint_trace(NULL, fails, VECTOR(0.5, 2)), AD_ERROR_VALUE, "ad_fprint_trace: the stream is NULL");
    ad_array *(*nothing)(ad_array *) = NULL;
    assert_fails(ad_print_trace(nothing, VECTOR(0.5, 2)), AD_ERROR_TRANSFORM, "ad_print_trace: the function is NULL");
    assert_close(ad_item(tanh_sum(VECTOR(0.5, 2))), tanh(1) + tanh(4), 1e-15);
}
END_TEST

START_TEST(a_stream_that_cannot_be_written_is_an_error)
{
    AD_SCOPE;
    FILE *full = fopen("/dev/full", "w");
    if (!full)
        return;
    assert_fails(ad_fprint_trace(full, tanh_sum, VECTOR(0.5, 2)), AD_ERROR_IO, "ad_fprint_trace: the text cannot be written");
    fclose(full);
}
END_TEST

static ad_array *traced_as_a_value(ad_array *x)
{
    FILE *nowhere = fopen("/dev/null", "w");
    bool done = nowhere && ad_fprint_trace(nowhere, ad_grad(tanh_sum), x) && ad_trace_dot(nowhere, tanh_sum, x);
    if (nowhere)
        fclose(nowhere);
    return done ? ad_mul(x, 1) : NULL;
}

START_TEST(memory_may_run_out_while_a_function_is_recorded)
{
    AD_SCOPE;
    assert_every_allocation_may_fail(traced_as_a_value, VECTOR(0.5, 2));
}
END_TEST

static ad_array *loop(ad_array *x)
{
    ad_array *y = x;
    for (int i = 0; i < 1000; i++)
        y = ad_sin(y);
    return y;
}

static bool write_loop(FILE *stream, void *x)
{
    return ad_fprint_trace(stream, ad_grad(loop), (ad_array *)x);
}

START_TEST(scalars_of_a_long_loop_are_all_there)
{
    AD_SCOPE;
    char *text = text_of(write_loop, ad_scalar(0.5)), *at = text;
    int sines = 0, slopes = 0;
    for (; (at = strstr(at, "ad_sin(")); at++)
        sines++;
    for (at = text; (at = strstr(at, "reverse of ad_sin")); at++)
        slopes++;
    ck_assert_int_eq(sines, 1000);
    ck_assert_int_ge(slopes, 1000);
    free(text);
}
END_TEST

/* ---- graphs ---- */

static bool draw_gradient(FILE *stream, void *x)
{
    return ad_trace_dot(stream, ad_grad(tanh_sum), (ad_array *)x);
}

START_TEST(a_graph_names_every_call_and_joins_them)
{
    AD_SCOPE;
    char *text = text_of(draw_gradient, VECTOR(0.5, 2));
    ck_assert_int_eq(strncmp(text, "digraph trace {\n", 16), 0);
    assert_contains(text, "value0 [shape=ellipse");
    assert_contains(text, "value0 -> call0 [label=\"v0: float64 (2,)\"];");
    assert_contains(text, "label=\"ad_mul, 2\"]");
    assert_contains(text, "label=\"ad_sum, .axes = AD_AXES(0)\"]");
    assert_contains(text, "-> result0");
    free(text);
}
END_TEST

static bool draw_of_a_constant(FILE *stream, void *x)
{
    return ad_trace_dot(stream, of_a_constant, (ad_array *)x);
}

START_TEST(an_edge_of_a_graph_begins_at_the_value_it_carries)
{
    AD_SCOPE;
    char *text = text_of(draw_of_a_constant, VECTOR(0.5, 2));
    assert_contains(text, "value1 [shape=ellipse, fillcolor=\"#eeeeee\", label=\"c0: float64 (2,)\"];");
    assert_contains(text, "value1 -> call0 [label=\"c0: float64 (2,)\"];");
    free(text);
}
END_TEST

/* ---- names ---- */

static ad_array *named_cube(ad_array *x)
{
    return ad_sum(ad_pow(ad_name(x, "x"), 3));
}

START_TEST(a_name_changes_no_value_and_no_derivative)
{
    AD_SCOPE;
    ad_array *x = VECTOR(0.5, 2), *scalar = ad_name(ad_scalar(3), "three"), *single = ad_name(ad_full(AD_SHAPE(2, 2), 1, .dtype = AD_F32), "ones");
    assert_array(ad_grad(named_cube)(x), AD_SHAPE(2), 1e-15, 0.75, 12);
    assert_array(ad_hvp(named_cube)(x, VECTOR(1, 1)), AD_SHAPE(2), 1e-15, 3, 12);
    assert_close(ad_item(ad_add(scalar, 1)), 4, 0);
    assert_close(ad_item(ad_grad(named_cube)(scalar)), 27, 1e-15);
    ck_assert_int_eq(ad_dtype_of(single), AD_F32);
    assert_array(ad_at(ad_name(counting(AD_SHAPE(3, 4)), "table"), "1:, ::2"), AD_SHAPE(2, 2), 0, 4, 6, 8, 10);
    ck_assert(ad_check_grads(named_cube, x));
}
END_TEST

START_TEST(errors_give_the_names_of_operands)
{
    AD_SCOPE;
    ad_array *w = ad_name(ad_ones(AD_SHAPE(2, 3)), "a name of more than forty-seven characters, which is cut"), *x = ad_name(VECTOR(1, 2), "x");
    assert_fails(ad_matmul(w, x), AD_ERROR_SHAPE, "; operand 0 is a name of more than forty-seven characters, whi; operand 1 is x");
    assert_fails(ad_add(VECTOR(1, 2, 3), x), AD_ERROR_SHAPE, "; operand 1 is x");
    assert_fails(ad_add(ad_stop_gradient(x), VECTOR(1, 2, 3)), AD_ERROR_SHAPE, "; operand 0 is x");
    assert_fails(ad_name(NULL, "x"), AD_ERROR_VALUE, "ad_name: the array is NULL");
    assert_fails(ad_name(x, NULL), AD_ERROR_VALUE, "ad_name: the name is NULL");
    assert_fails(ad_add(VECTOR(1, 2, 3), VECTOR(1, 2)), AD_ERROR_SHAPE, "(2,)");
}
END_TEST

/* ---- the hook ---- */

struct told {
    int calls, by_phase[3], inner, refused_after;
    int64_t bytes;
};

static bool count(const ad_call_event *event, void *context)
{
    struct told *told = context;
    told->calls++;
    told->by_phase[event->phase]++;
    told->inner += event->depth > 0;
    told->bytes += event->bytes;
    ck_assert(event->operation && event->inputs_count > 0 && event->outputs_count > 0 && event->seconds >= 0);
    for (int k = 0; k < event->outputs_count; k++)
        ck_assert(ad_size(ad_add(event->outputs[k], 1)) >= 0); /* its own calls are not told */
    return !told->refused_after || told->calls < told->refused_after;
}

START_TEST(a_hook_sees_every_call)
{
    AD_SCOPE;
    struct told told = { 0 };
    ad_array *x = VECTOR(0.5, 2);
    ad_on_call(count, &told);
    tanh_sum(x);
    ck_assert_int_eq(told.calls, 3);
    ck_assert_int_eq(told.bytes, 16 + 16 + 8);
    ck_assert(ad_hvp(tanh_sum)(x, x));
    ck_assert(told.by_phase[AD_PHASE_REVERSE] > 2 && told.by_phase[AD_PHASE_TANGENT] > 2 && !told.inner);
    ck_assert(ad_softmax(x));
    ck_assert_int_gt(told.inner, 0);
    ad_on_call(NULL, NULL);
    int calls = told.calls;
    tanh_sum(x);
    ck_assert_int_eq(told.calls, calls);
}
END_TEST

START_TEST(a_hook_may_refuse_a_call)
{
    AD_SCOPE;
    struct told told = { .refused_after = 2 };
    ad_on_call(count, &told);
    assert_fails(tanh_sum(VECTOR(0.5, 2)), AD_ERROR_VALUE, "ad_tanh: refused by the hook of ad_on_call");
    ad_on_call(NULL, NULL);
    ck_assert(tanh_sum(VECTOR(0.5, 2)));
}
END_TEST

static ad_array *picks(ad_array *x)
{
    ad_array *sum = ad_scalar(0);
    for (int i = 0; i < 4; i++)
        sum = ad_add(ad_mul(sum, ad_at(x, "%d", i)), ad_exp(ad_at(x, "%d", 3 - i)));
    return ad_add(sum, ad_sum(ad_at_set(x, sum, "1:3")));
}

static void assert_same_bits(ad_array *a, ad_array *b)
{
    ck_assert(a && b && ad_size(a) == ad_size(b));
    ck_assert_int_eq(memcmp(ad_data(a), ad_data(b), (size_t)ad_size(a) * sizeof(double)), 0);
}

START_TEST(being_watched_changes_no_bit)
{
    AD_SCOPE;
    ad_array *(*const functions[])(ad_array *) = { tanh_sum, picks, named_cube };
    ad_array *x = VECTOR(0.3, -0.7, 1.1, 0.2);
    for (int i = 0; i < 3; i++) {
        ad_array *(*f)(ad_array *) = functions[i], *(*g)(ad_array *) = ad_grad(f);
        ad_array *results[2][4];
        for (int watched = 0; watched < 2; watched++) {
            struct told told = { 0 };
            ad_on_call(watched ? count : NULL, &told);
            results[watched][0] = f(x);
            results[watched][1] = g(x);
            results[watched][2] = ad_hvp(f)(x, x);
            results[watched][3] = ad_hessian(f)(x);
            ad_on_call(NULL, NULL);
        }
        for (int k = 0; k < 4; k++)
            assert_same_bits(results[0][k], results[1][k]);
    }
    ad_array *s = ad_scalar(0.4), *plain = ad_grad(ad_grad(loop))(s);
    struct told told = { 0 };
    ad_on_call(count, &told);
    assert_same_bits(plain, ad_grad(ad_grad(loop))(s));
    ad_on_call(NULL, NULL);
}
END_TEST

/* ---- the environment ---- */

static void *finds_infinity(void *unused)
{
    (void)unused;
    AD_SCOPE;
    assert_fails(half_log_sum(VECTOR(1, 0, 2)), AD_ERROR_NUMERIC, "ad_log: gives -inf at (1,) of finite operands (rate, float64 (3,)), in the value");
    assert_fails(ad_grad(ad_sqrt)(ad_scalar(0)), AD_ERROR_NUMERIC, "of finite operands");
    ck_assert_msg(half_log_sum(VECTOR(1, 2)) != NULL, "%s", ad_error_message());
    ck_assert(ad_log(VECTOR(INFINITY, 1))); /* an operand is not finite */
    ck_assert(ad_logsumexp(VECTOR(-1e308, 1e308)));
    return NULL;
}

START_TEST(the_first_operation_that_makes_an_infinity_is_named)
{
    pthread_t thread;
    setenv("AD_DEBUG_NAN", "1", 1);
    ck_assert_int_eq(pthread_create(&thread, NULL, finds_infinity, NULL), 0);
    pthread_join(thread, NULL);
}
END_TEST

static void *works(void *unused)
{
    (void)unused;
    AD_SCOPE;
    for (int i = 0; i < 10; i++)
        ck_assert(ad_grad(tanh_sum)(VECTOR(0.5, 2)));
    return NULL;
}

START_TEST(a_profile_is_printed_when_a_thread_ends)
{
    pthread_t thread;
    char text[4096] = { 0 };
    FILE *file = tmpfile();
    int console = dup(STDERR_FILENO);
    ck_assert(file && dup2(fileno(file), STDERR_FILENO) >= 0);
    setenv("AD_PROFILE", "1", 1);
    ck_assert_int_eq(pthread_create(&thread, NULL, works, NULL), 0);
    pthread_join(thread, NULL);
    fflush(stderr);
    dup2(console, STDERR_FILENO);
    rewind(file);
    ck_assert_int_gt((int)fread(text, 1, sizeof text - 1, file), 0);
    fclose(file);
    assert_contains(text, "AD_PROFILE: ");
    assert_contains(text, "operation                         calls      seconds  share        value      reverse      tangent     bytes made\n");
    assert_contains(text, "ad_tanh                              10 ");
}
END_TEST

RUN_TESTS("inspect", a_function_is_printed_as_the_calls_it_makes, a_gradient_is_printed_with_what_its_rules_call,
          a_second_derivative_tells_tangents_from_cotangents, trees_names_and_options_are_shown,
          constants_are_shown_if_they_are_short_and_composed_values_are_one_call, a_function_that_fails_is_not_printed_and_its_error_stays,
          a_stream_that_cannot_be_written_is_an_error, memory_may_run_out_while_a_function_is_recorded, scalars_of_a_long_loop_are_all_there,
          a_graph_names_every_call_and_joins_them, an_edge_of_a_graph_begins_at_the_value_it_carries, a_name_changes_no_value_and_no_derivative,
          errors_give_the_names_of_operands, a_hook_sees_every_call, a_hook_may_refuse_a_call, being_watched_changes_no_bit,
          the_first_operation_that_makes_an_infinity_is_named, a_profile_is_printed_when_a_thread_ends)
