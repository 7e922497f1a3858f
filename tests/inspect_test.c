/* Seeing inside: names, every call told to a hook, functions printed as programs and graphs, and what the environment
 * asks for. */
#include "testing.h"
#include "texts.h"

OF_X(tanh_sum, ad_sum(ad_tanh(ad_mul(x, 2))))

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
    assert_contains(text, "    return \"y\" = v6, \"first\" = v7, \"shape\" = v8, \"x\" = v2\n");
    free(text);
}
END_TEST

static ad_array *of_constants(ad_array *x)
{
    ad_array *many = ad_from((double[40]){ 1, 2, 3 }, AD_SHAPE(20, 2)), *few = ad_from((double[]){ 0, 1, 2, 3 }, AD_SHAPE(2, 2));
    ad_array *sum = ad_add(ad_mul(x, VECTOR(2, 3)), ad_softmax(ad_mul(x, many)));
    return ad_add(ad_add(sum, ad_ones(AD_SHAPE(20, 2))), ad_sum(ad_mul(x, few)));
}

static bool write_of_constants(FILE *stream, void *x)
{
    return ad_fprint_trace(stream, of_constants, (ad_array *)x);
}

START_TEST(constants_are_shown_if_they_are_short_or_all_alike_and_composed_values_are_one_call)
{
    AD_SCOPE;
    char *text = text_of(write_of_constants, VECTOR(0.5, 2));
    assert_contains(text, ": float64 (2,) = [2. 3.]\n");
    assert_contains(text, ": float64 (20,2) = constant\n");
    assert_contains(text, ": float64 (20,2) = ad_full(AD_SHAPE(20, 2), 1.0)\n");
    assert_contains(text, ": float64 (2,2) = [[0. 1.] [2. 3.]]\n");
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

static bool draw_of_constants(FILE *stream, void *x)
{
    return ad_trace_dot(stream, of_constants, (ad_array *)x);
}

START_TEST(an_edge_of_a_graph_begins_at_the_value_it_carries)
{
    AD_SCOPE;
    char *text = text_of(draw_of_constants, VECTOR(0.5, 2));
    assert_contains(text, "value1 [shape=ellipse, fillcolor=\"#eeeeee\", label=\"c0: float64 (2,)\"];");
    assert_contains(text, "value1 -> call0 [label=\"c0: float64 (2,)\"];");
    free(text);
}
END_TEST

static ad_tree *draws_a_tree(ad_array *x)
{
    return ad_tree_of("the \"sum\"", ad_sum(x), "three", ad_scalar(3));
}

static bool draw_a_tree(FILE *stream, void *x)
{
    return ad_trace_dot(stream, draws_a_tree, (ad_array *)x);
}

START_TEST(results_of_a_graph_have_their_paths_and_numbers)
{
    AD_SCOPE;
    char *text = text_of(draw_a_tree, VECTOR(0.5, 2));
    assert_contains(text, "result0 [shape=ellipse, fillcolor=\"#fff2b3\", label=\"result \\\"the \\\\\\\"sum\\\\\\\"\\\"\"];");
    assert_contains(text, "label=\"result \\\"three\\\" = ad_scalar(3.0)\"];");
    free(text);
}
END_TEST

static ad_array *summed_jacobian(ad_array *x)
{
    return ad_jacobian(ad_square)(x);
}

static bool write_jacobian(FILE *stream, void *x)
{
    return ad_fprint_trace(stream, summed_jacobian, (ad_array *)x);
}

START_TEST(a_jacobian_is_made_of_its_rows)
{
    AD_SCOPE;
    char *text = text_of(write_jacobian, VECTOR(0.5, 2));
    assert_contains(text, "v7: float64 (2,2) = ad_stack(ad_list_of(v4, v6), .axis = 0)\n    return v7\n");
    free(text);
}
END_TEST

static ad_array *two_elements(ad_array *x)
{
    return ad_mul(ad_at(x, "0"), ad_at(x, "1"));
}

static bool write_two_elements(FILE *stream, void *x)
{
    return ad_fprint_trace(stream, ad_grad(two_elements), (ad_array *)x);
}

START_TEST(what_puts_parts_of_a_cotangent_together_belongs_to_the_sweep)
{
    AD_SCOPE;
    char *text = text_of(write_two_elements, VECTOR(0.5, 2));
    assert_contains(text, "ad_put_together(v6, v5)  // reverse");
    free(text);
}
END_TEST

#define WRITES_TRACE(f, x) ad_fprint_trace(stream, f, (ad_array *)(x))

static bool write_through_a_macro(FILE *stream, void *x)
{
    return WRITES_TRACE(ad_grad(tanh_sum), x);
}

START_TEST(a_title_that_macros_expanded_is_left_out)
{
    AD_SCOPE;
    char *text = text_of(write_through_a_macro, VECTOR(0.5, 2));
    ck_assert_msg(strncmp(text, "{\n    v0: ", 10) == 0, "%.200s", text);
    free(text);
}
END_TEST

/* ---- names ---- */

/* Each value under the name behind it. */
static ad_array *strangely_named(ad_array *x)
{
    static const char *const names[] = { "say \"x\"\nand \\ {y} | <z>", "", "v1", "c0", "W", "W", "W_2", "0", "\u00e9\u6f22", "\xff\x01", "layer0/W", "v" };
    ad_array *sum = x;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        sum = ad_add(sum, ad_name(x, names[i]));
    return sum;
}

static bool write_strangely_named(FILE *stream, void *x)
{
    return ad_fprint_trace(stream, strangely_named, (ad_array *)x);
}

static bool draw_strangely_named(FILE *stream, void *x)
{
    return ad_trace_dot(stream, strangely_named, (ad_array *)x);
}

START_TEST(names_that_are_no_words_stand_in_quotes_and_no_two_values_have_one)
{
    AD_SCOPE;
    static const char *const lines[] = {
        "\n    \"say \\\"x\\\"\\nand \\\\ {y} | <z>\": float64 (2,) = ad_name(v0, \"say \\\"x\\\"\\nand \\\\ {y} | <z>\")\n",
        "\n    v3: float64 (2,) = ad_name(v0, \"\")\n",
        "\n    \"v1\": float64 (2,) =",
        "\n    \"c0\": float64 (2,) =",
        "\n    W: float64 (2,) =",
        "\n    W_2: float64 (2,) =",
        "\n    W_2_2: float64 (2,) =",
        "\n    \"0\": float64 (2,) =",
        "\n    \u00e9\u6f22: float64 (2,) =",
        "\n    \"\\377\\001\": float64 (2,) =",
        "\n    layer0/W: float64 (2,) =",
        "\n    v: float64 (2,) =",
    };
    char *text = text_of(write_strangely_named, VECTOR(0.5, 2)), *graph = text_of(draw_strangely_named, VECTOR(0.5, 2));
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_contains(text, lines[i]);
    assert_contains(graph, "label=\"\\\"say \\\\\\\"x\\\\\\\"\\\\nand \\\\\\\\ {y} | <z>\\\": float64 (2,)\"];");
    bool inside = false; /* a text of the graph, which a quote ends that no backslash stands before */
    for (const char *at = graph; *at; at++) {
        ck_assert_msg(inside || *at != '\\', "%s", graph);
        if (*at == '\\')
            at++;
        else if (*at == '"')
            inside = !inside;
    }
    ck_assert_msg(!inside, "%s", graph);
    free(text);
    free(graph);
}
END_TEST

START_TEST(a_long_name_ends_with_a_whole_character)
{
    AD_SCOPE;
    ad_array *x = ad_name(VECTOR(1, 2), "0123456789012345678901234567890123456789012345\u6f22\u5b57");
    ck_assert_ptr_null(ad_add(x, VECTOR(1, 2, 3)));
    const char *name = strstr(ad_error_message(), "operand 0 is ");
    ck_assert_msg(name && strcmp(name, "operand 0 is 0123456789012345678901234567890123456789012345") == 0, "%s", ad_error_message());
    ad_clear_error();
    ad_array *nameless = ad_name(x, "");
    ck_assert_ptr_null(ad_add(nameless, VECTOR(1, 2, 3)));
    ck_assert_msg(!strstr(ad_error_message(), "operand 0 is"), "%s", ad_error_message());
    ad_clear_error();
}
END_TEST

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

RUN_TESTS("inspect", a_function_is_printed_as_the_calls_it_makes, a_gradient_is_printed_with_what_its_rules_call,
          a_second_derivative_tells_tangents_from_cotangents, trees_names_and_options_are_shown,
          constants_are_shown_if_they_are_short_or_all_alike_and_composed_values_are_one_call, a_function_that_fails_is_not_printed_and_its_error_stays,
          a_stream_that_cannot_be_written_is_an_error, memory_may_run_out_while_a_function_is_recorded, scalars_of_a_long_loop_are_all_there,
          a_jacobian_is_made_of_its_rows, what_puts_parts_of_a_cotangent_together_belongs_to_the_sweep, a_title_that_macros_expanded_is_left_out,
          a_graph_names_every_call_and_joins_them, an_edge_of_a_graph_begins_at_the_value_it_carries, results_of_a_graph_have_their_paths_and_numbers,
          names_that_are_no_words_stand_in_quotes_and_no_two_values_have_one, a_long_name_ends_with_a_whole_character,
          a_name_changes_no_value_and_no_derivative, errors_give_the_names_of_operands)
