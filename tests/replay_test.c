/* A function that looks at no value can be recorded once and replayed for other data: every row of the operations, its
 * gradient, and a directional derivative of that, are recorded by a hook, and their calls are made again on other
 * operands of the same shapes.
 *
 * Two things are compared: what the replay gives with what the function gives, to the bit; and the programs of both
 * operands, as text, in which small constants stand with their values. What is computed from an operand outside a call
 * would show in either. */
#include "recording.h"
#include "rows/programs.h"
#include <stdio.h>

/* ---- recording and replaying ---- */

static struct recording recording;

/* Gives the program's result. */
static ad_tree *record_on(program *f, ad_tree *operands)
{
    ad_on_call(record_call, &recording);
    ad_tree *recorded = f(operands);
    ad_on_call(NULL, NULL);
    ck_assert_msg(recorded != NULL, "%s: %s", current_name, ad_error_message());
    return recorded;
}

/* Makes the calls again, with other operands in place of the first; false and an error where one fails. */
static bool replay(ad_tree *first, ad_tree *other)
{
    for (int i = 0; i < ad_tree_count(first); i++)
        recording_replace(&recording, operand(first, i), operand(other, i));
    return recording_replay(&recording);
}

/* Records the program on `first`, and compares its replay on `other` with what it gives there. */
static void check_replay(const char *what, program *f, ad_tree *first, ad_tree *other)
{
    AD_SCOPE;
    ad_tree *recorded = record_on(f, first), *expected = f(other);
    ck_assert_msg(replay(first, other), "%s, %s: %s", current_name, what, ad_error_message());
    for (int i = 0; i < ad_tree_leaf_count(expected); i++) {
        ad_array *replayed = recording_stands_for(&recording, operand(recorded, i)), *wanted = operand(expected, i);
        ck_assert_msg(same_bits(replayed, wanted), "%s, %s: replayed as %s, which should be %s", current_name, what, ad_tostring(replayed), ad_tostring(wanted));
    }
    recording_free(&recording);
}

/* ---- a recorded program that is differentiated later ---- */

static ad_tree *recorded_on; /* the operands of the program that is recorded */
static ad_tree *recorded_results;

static ad_tree *replayed(ad_tree *operands)
{
    ad_tree_item items[3];
    int count = ad_tree_leaf_count(recorded_results);
    if (!replay(recorded_on, operands))
        return NULL;
    for (int i = 0; i < count; i++)
        items[i] = (ad_tree_item){ AD_ITEM_ARRAY, recording_stands_for(&recording, operand(recorded_results, i)) };
    return ad_list_from(items, count);
}

static program *weighed; /* what is summed up below */

static ad_array *sum_of_waves(ad_tree *operands)
{
    ad_array *y = ad_flatten(weighed(operands));
    return y ? ad_sum(ad_mul(y, ad_cos(ad_arange(ad_size(y))))) : NULL;
}

static ad_tree *gradient_of_sum(program *f, ad_tree *operands)
{
    weighed = f;
    return ad_grad(sum_of_waves)(operands);
}

static ad_tree *directional(program *f, ad_tree *operands)
{
    ad_tree *tangent = NULL;
    return ad_jvp(f, operands, ad_tree_map(wave, operands), &tangent) ? tangent : NULL;
}

static void check_close(const char *what, ad_tree *a, ad_tree *b)
{
    ck_assert_msg(a && b, "%s, %s: %s", current_name, what, ad_error_message());
    ad_array *x = ad_flatten(a), *y = ad_flatten(b), *near = ad_less_equal(ad_abs(ad_sub(x, y)), ad_mul(1e-9, ad_add(1, ad_add(ad_abs(x), ad_abs(y)))));
    ck_assert_msg(ad_item(ad_all(near)) != 0, "%s, %s: %s, where the function itself gives %s", current_name, what, ad_tostring(x), ad_tostring(y));
}

/* The gradient is recorded where nothing is differentiated, and differentiated when its calls are made again. */
static void check_derivatives(ad_tree *first, ad_tree *other)
{
    AD_SCOPE;
    recorded_on = first;
    recorded_results = record_on(gradient, first);
    check_close("a recorded gradient in reverse mode", gradient_of_sum(replayed, other), gradient_of_sum(gradient, other));
    check_close("a recorded gradient in forward mode", directional(replayed, other), directional(gradient, other));
    recording_free(&recording);
}

static char *text_of(program *f, ad_tree *operands)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);
    ck_assert_ptr_nonnull(stream);
    bool done = ad_fprint_trace(stream, f, operands);
    fclose(stream);
    ck_assert_msg(done, "%s: %s", current_name, ad_error_message());
    return text;
}

static void check_text(const char *what, program *f, ad_tree *first, ad_tree *other)
{
    char *a = text_of(f, first), *b = text_of(f, other);
    size_t line = 0, i = 0; /* that differs */
    for (; a[i] && a[i] == b[i]; i++)
        line = a[i] == '\n' ? i + 1 : line;
    ck_assert_msg(a[i] == b[i], "%s, %s: the program depends on the data:\n%.*s\n%.*s", current_name, what, (int)strcspn(a + line, "\n"), a + line,
                  (int)strcspn(b + line, "\n"), b + line);
    free(a);
    free(b);
}

/* ---- rows ---- */

START_TEST(a_recorded_gradient_is_differentiated_when_its_calls_are_made_again)
{
    const struct row *row = current_row = row_at(_i);
    bool square = row->flags & SQUARE;
    const ad_shape (*shapes)[3] = square ? square_shapes : general_shapes;
    current = of_row;
    current_name = row->text;
    if (row->flags & (SHAPED_BY_DATA | CONSTANT | ONLY_F32))
        return;
    for (int s = 0; s < (square ? 2 : 6); s++) {
        AD_SCOPE;
        if (applies(row, shapes[s]))
            check_derivatives(operands_of(row, 7, shapes[s]), operands_of(row, 8, shapes[s]));
    }
}
END_TEST

START_TEST(a_recorded_row_serves_other_data)
{
    const struct row *row = current_row = row_at(_i);
    bool square = row->flags & SQUARE;
    const ad_shape (*shapes)[3] = square ? square_shapes : general_shapes;
    current = of_row;
    current_name = row->text;
    if (row->flags & SHAPED_BY_DATA)
        return;
    for (int s = 0; s < (square ? 2 : 6); s++)
        for (int k = 0; k < (row->flags & CONSTANT ? 1 : 3); k++) {
            AD_SCOPE;
            if (!applies(row, shapes[s]) || (row->flags & CONSTANT && s != 1))
                continue;
            ad_tree *first = operands_of(row, 7, shapes[s]), *other = operands_of(row, 8, shapes[s]);
            check_text(program_names[k], programs[k], first, other);
            check_replay(program_names[k], programs[k], first, other);
        }
}
END_TEST

/* ---- operands that choose what is computed ---- */

/* The first operand is float64 of shape (6), the second int64 of shape (4). */
#define X     operand(operands, 0)
#define INDEX operand(operands, 1)
#define OF_OPERANDS(name, expression)                                                                                  \
    static ad_array *name(ad_tree *operands)                                                                           \
    {                                                                                                                  \
        return expression;                                                                                             \
    }

static ad_array *table(ad_array *x)
{
    return ad_reshape(x, AD_SHAPE(6, 1));
}

OF_OPERANDS(taken, ad_sin(ad_take(X, INDEX)))
OF_OPERANDS(taken_rows, ad_sin(ad_take(ad_mul(table(X), X), INDEX, .axis = 0)))
OF_OPERANDS(picked, ad_sin(ad_at_list(ad_mul(table(X), X), AD_INDICES(AD_PICK(INDEX), AD_PICK(ad_mod(ad_sub(INDEX, 1), 6))))))
OF_OPERANDS(picked_apart, ad_sin(ad_at_list(ad_mul(table(X), X), AD_INDICES(AD_PICK(INDEX), AD_NEW_AXIS, AD_PICK(INDEX)))))
OF_OPERANDS(put, ad_put_set(X, INDEX, ad_cos(ad_at(X, ":4"))))
OF_OPERANDS(added, ad_put_add(ad_sin(X), INDEX, ad_cos(ad_at(X, ":4"))))
OF_OPERANDS(multiplied, ad_at_mul_list(ad_sin(X), ad_cos(ad_at(X, ":4")), AD_INDICES(AD_PICK(INDEX))))
OF_OPERANDS(lowered, ad_at_min_list(ad_sin(X), ad_at(X, ":4"), AD_INDICES(AD_PICK(INDEX))))
OF_OPERANDS(raised, ad_at_max_list(ad_sin(X), ad_at(X, ":4"), AD_INDICES(AD_PICK(INDEX))))
OF_OPERANDS(set_apart, ad_at_set_list(ad_mul(table(X), X), ad_at(X, ":2"), AD_INDICES(AD_PICK(INDEX), AD_SLICE(1, 3))))
OF_OPERANDS(taken_along, ad_sin(ad_take_along_axis(X, INDEX, 0)))
OF_OPERANDS(put_along, ad_put_along_axis(X, INDEX, ad_cos(ad_at(X, ":4")), 0))
OF_OPERANDS(hot, ad_matmul(ad_one_hot(ad_mod(INDEX, 6), 6), ad_sin(X)))
OF_OPERANDS(repeated, ad_sin(ad_repeat(ad_at(X, ":4"), ad_at(ad_one_hot(ad_mod(INDEX, 4), 4, .dtype = AD_I64), "0"))))
OF_OPERANDS(compressed, ad_sin(ad_compress(ad_equal(ad_arange(6), ad_mod(ad_at(INDEX, "0"), 6)), X)))
OF_OPERANDS(raised_to, ad_pow(ad_add(INDEX, 2), ad_mod(INDEX, 3)))
OF_OPERANDS(sorted, ad_sin(ad_sort(ad_mod(X, 0.7))))
OF_OPERANDS(spread, ad_linspace(ad_at(X, "0"), ad_at(X, "1"), .num = 4))
OF_OPERANDS(ratios, ad_geomspace(ad_add(2, ad_at(X, "0")), ad_add(3, ad_at(X, "1")), .num = 4))
OF_OPERANDS(largest_of_many, ad_max(ad_sin(ad_reshape(ad_mul(table(X), ad_floor(ad_linspace(0, 3, .num = 50))), AD_SHAPE(300)))))
OF_OPERANDS(logarithm_of_sum, ad_logsumexp(ad_div(1, ad_floor(ad_mul(X, 4))), .keepdims = true))
OF_OPERANDS(clipped, ad_clip(X, ad_at(X, "0"), ad_at(X, "1")))
OF_OPERANDS(chosen, ad_where(ad_greater(X, ad_at(X, "0")), ad_sin(X), ad_cos(X)))
OF_OPERANDS(joined, ad_sin(ad_concatenate(ad_list_of(X, INDEX, ad_at(X, "1:3")))))
OF_OPERANDS(padded, ad_sin(ad_pad(X, 2, .mode = "reflect")))

static ad_array *sine(ad_array *x)
{
    return ad_sin(ad_mul(x, x));
}

static ad_array *sine_sum(ad_array *x)
{
    return ad_sum(sine(x));
}

OF_OPERANDS(all_rows, ad_jacobian(sine)(X))
OF_OPERANDS(second_rows, ad_hessian(sine_sum)(X))
OF_OPERANDS(contracted, ad_tensor_jacobian_product(sine)(X, ad_mul(X, table(X))))
OF_OPERANDS(gauss_newton, ad_ggnvp(sine)(X, ad_cos(X)))
OF_OPERANDS(recomputed, ad_checkpoint(sine)(ad_checkpoint(sine)(X)))

static const struct {
    const char *name;
    of_operands *function;
    bool constant;
} cases[] = {
#define CASE(name) { #name, name, false }
    CASE(taken), CASE(taken_rows), CASE(picked), CASE(picked_apart), CASE(put), CASE(added), CASE(multiplied), CASE(lowered), CASE(raised), CASE(set_apart),
    CASE(taken_along), CASE(put_along), CASE(hot), CASE(repeated), CASE(compressed), { "raised_to", raised_to, true }, CASE(sorted), CASE(spread), CASE(ratios),
    CASE(largest_of_many), CASE(logarithm_of_sum), CASE(clipped), CASE(chosen), CASE(joined), CASE(padded),
    CASE(all_rows), CASE(second_rows), CASE(contracted), CASE(gauss_newton), CASE(recomputed),
};

/* Places that are named again or not, negative ones, ends that are equal, zeros, ties. */
static ad_tree *choice(int i)
{
    static const double x[][6] = {
        { 0.3, 0.9, -0.4, 0.7, -0.8, 0.1 }, { 0.5, 0.5, 0.5, -0.2, 0.5, 0.9 }, { 0, 0, -0.6, 0.2, 0.1, 1.2 }, { -0.9, 0.1, 0.8, 0.3, 0.4, -0.7 }, { 0, 0, 0, 0, 0, 0 },
    };
    static const int64_t index[][4] = { { 0, 2, 1, 5 }, { 3, 3, 3, 3 }, { -1, 0, -6, 2 }, { 4, 1, 4, 1 }, { 5, 4, 3, 2 } };
    return ad_list_of(ad_from_data(AD_F64, x[i], AD_SHAPE(6)), ad_from_data(AD_I64, index[i], AD_SHAPE(4)));
}

START_TEST(operands_choose_within_a_recorded_program)
{
    enum { CHOICES = 5 };
    current = cases[_i].function;
    current_name = cases[_i].name;
    for (int i = 0; i < CHOICES * CHOICES; i++)
        for (int k = 0; k < (cases[_i].constant ? 1 : 3); k++) {
            AD_SCOPE;
            ad_tree *first = choice(i / CHOICES), *other = choice(i % CHOICES);
            check_text(program_names[k], programs[k], first, other);
            check_replay(program_names[k], programs[k], first, other);
        }
}
END_TEST

static void check_refused(of_operands *function, ad_tree *first, ad_tree *other, ad_code code, const char *sentence)
{
    AD_SCOPE;
    current = function;
    current_name = sentence;
    record_on(value, first);
    assert_fails(replay(first, other), code, sentence);
    recording_free(&recording);
}

static ad_array *true_ones(ad_tree *operands)
{
    return ad_compress(ad_greater(X, 0), X);
}

static ad_array *repeated_as_told(ad_tree *operands)
{
    return ad_repeat(ad_at(X, ":4"), INDEX);
}

static ad_array *integer_power(ad_tree *operands)
{
    return ad_pow(2, INDEX);
}

static ad_array *geometric(ad_tree *operands)
{
    return ad_geomspace(ad_at(X, "0"), 2.0, .num = 3);
}

static ad_array *left_of_parabola(ad_tree *operands)
{
    return ad_tree_get(ad_linalg_lstsq(ad_stack(ad_list_of(X, ad_square(X)), .axis = -1), ad_cos(ad_arange(6))), "residuals");
}

static ad_array *integers_from_a_ratio(ad_tree *operands)
{
    return ad_sum(INDEX, .initial = ad_div(1, ad_at(X, "0")));
}

START_TEST(a_recorded_program_refuses_what_its_function_refuses)
{
    AD_SCOPE;
    ad_tree *first = choice(0), *far = ad_list_of(operand(first, 0), ad_from_data(AD_I64, (int64_t[]){ 0, 1, 6, 7 }, AD_SHAPE(4))), *below = choice(2);
    check_refused(taken, first, far, AD_ERROR_INDEX, "ad_take: index 6 is out of bounds for axis 0 of length 6");
    check_refused(put, first, far, AD_ERROR_INDEX, "ad_put_set: index 6 is out of bounds for axis 0 of length 6");
    check_refused(picked_apart, first, far, AD_ERROR_INDEX, "ad_at_list: index 6 is out of bounds for axis 0 of length 6");
    check_refused(true_ones, first, below, AD_ERROR_VALUE, "ad_flatnonzero: 3 elements are not 0, but 4 were");
    check_refused(repeated_as_told, first, choice(1), AD_ERROR_VALUE, "ad_repeat: 12 repetitions in all, but there were 8");
    check_refused(repeated_as_told, first, below, AD_ERROR_VALUE, "ad_repeat: -1 repetitions");
    check_refused(integer_power, first, below, AD_ERROR_VALUE, "ad_pow: an integer to a negative integer power is not an integer");
    check_refused(left_of_parabola, first, choice(4), AD_ERROR_NUMERIC, "ad_linalg_lstsq: a matrix of rank 0, where the 2 columns were independent");
    check_refused(integers_from_a_ratio, first, below, AD_ERROR_VALUE, "ad_sum: .initial, a number of float64, cannot be one of int64");
    check_refused(geometric, first, below, AD_ERROR_VALUE, "ad_geomspace: start, of shape (), has an element 0");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("replay");
    TCase *tests = tcase_create("replay");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, a_recorded_row_serves_other_data, 0, row_count());
    tcase_add_loop_test(tests, a_recorded_gradient_is_differentiated_when_its_calls_are_made_again, 0, row_count());
    tcase_add_loop_test(tests, operands_choose_within_a_recorded_program, 0, (int)(sizeof cases / sizeof *cases));
    tcase_add_test(tests, a_recorded_program_refuses_what_its_function_refuses);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
