/* Primitives of the user's own: several outputs, missing rules, what rules may read, how options are kept. */
#include "testing.h"
#include <ad/primitive.h>

typedef ad_array *function(ad_array *);

static double number(const ad_node *node)
{
    double x = NAN;
    ad_copy_to(ad_node_input(node, 0), &x, 1);
    return x;
}

static bool like_the_input(const ad_node *node, ad_spec *output)
{
    *output = (ad_spec){ ad_node_dtype(node, 0), ad_node_shape(node, 0) };
    return true;
}

static bool copy(const ad_node *node, void *const *outputs)
{
    *(double *)outputs[0] = number(node);
    return true;
}

/* ---- several outputs: sin x and x^2, with options that count their copies ---- */

static int copies;

static bool copy_made(void *numbers)
{
    copies += *(const int *)numbers;
    return true;
}

static void copy_dropped(const void *numbers)
{
    copies -= *(const int *)numbers;
}

static const ad_field_functions copy_functions = { .keep = copy_made, .drop = copy_dropped };
static const ad_field copy_fields[] = { { "numbers", 0, 3 * sizeof(int), AD_FIELD_OTHER, false, &copy_functions }, AD_FIELDS_END };

static bool two_infer(const ad_node *node, ad_spec *outputs)
{
    return like_the_input(node, &outputs[0]) && like_the_input(node, &outputs[1]);
}

static bool two_eval(const ad_node *node, void *const *outputs)
{
    *(double *)outputs[0] = sin(number(node));
    *(double *)outputs[1] = number(node) * number(node);
    return true;
}

static ad_array *two_slope(const ad_node *node, int output)
{
    ad_array *x = ad_node_input(node, 0);
    return output == 0 ? ad_cos(x) : ad_mul(2, x);
}

static ad_array *two_vjp(const ad_node *node, int operand, ad_array *g)
{
    (void)operand, (void)g;
    ad_array *sum = ad_scalar(0);
    for (int k = 0; k < 2; k++)
        if (ad_node_cotangent(node, k))
            sum = ad_add(sum, ad_mul(ad_node_cotangent(node, k), two_slope(node, k)));
    return sum;
}

static ad_array *two_jvp(const ad_node *node, int operand, ad_array *t)
{
    (void)operand;
    return ad_mul(t, two_slope(node, ad_node_target(node)));
}

static const ad_primitive two = {
    .name = "two", .infer = two_infer, .eval = two_eval, .vjp = two_vjp, .jvp = two_jvp, .saves = AD_SAVE_INPUTS, .outputs = 2,
    .options_size = 3 * sizeof(int), .fields = copy_fields,
};

static int used; /* 0 or 1: this output; 2: their sum */

static ad_array *use_two(ad_array *x)
{
    ad_array *y[2];
    if (!ad_call_primitive_many(&two, &x, 1, (int[3]){ 1 }, y))
        return NULL;
    return used == 2 ? ad_add(y[0], y[1]) : y[used];
}

START_TEST(every_choice_of_outputs_differentiates_in_every_way)
{
    double x = 0.7, first[3] = { cos(x), 2 * x, cos(x) + 2 * x }, second[3] = { -sin(x), 2, 2 - sin(x) };
    for (used = 0; used < 3; used++) {
        AD_SCOPE;
        for (int modes = 0; modes < 4; modes++) {
            function *d = modes & 1 ? ad_deriv(use_two) : ad_grad(use_two);
            assert_close(ad_item(d(ad_scalar(x))), first[used], 1e-15);
            d = modes & 2 ? ad_deriv(d) : ad_grad(d);
            assert_close(ad_item(d(ad_scalar(x))), second[used], 1e-15);
        }
        ad_pullback *pull;
        ad_vjp(use_two, ad_scalar(x), &pull);
        for (int i = 0; i < 3; i++)
            assert_close(ad_item(ad_vjp_apply(pull, ad_scalar(i))), i * first[used], 1e-15);
        ck_assert_int_eq(copies, 1);
        ad_vjp_free(pull);
        ck_assert_int_eq(copies, 0);
    }
    ad_array *x0 = ad_scalar(1);
    assert_fails(ad_call_primitive(&two, &x0, 1, (int[3]){ 1 }), AD_ERROR_VALUE, "two: has 2 outputs");
}
END_TEST

static int before;
static bool dead; /* what comes before belongs to an inner differentiation that is over */

static ad_array *negated(ad_array *x, int times)
{
    for (int i = 0; i < times; i++)
        x = ad_neg(x);
    return x;
}

static ad_array *negated_before(ad_array *x)
{
    return negated(x, before);
}

static ad_array *two_between_others(ad_array *x)
{
    ad_array *y = dead ? ad_mul(x, ad_grad(negated_before)(ad_scalar(1))) : negated_before(x);
    return negated(use_two(y), 600);
}

/* The tape is cut into pages somewhere: nothing depends on where a call and its outputs fall. */
START_TEST(several_outputs_differentiate_wherever_they_stand_on_the_tape)
{
    used = 1;
    for (int i = 0; i < 1200; i++) {
        AD_SCOPE;
        before = i / 2;
        dead = i % 2;
        assert_close(ad_item(ad_grad(two_between_others)(ad_scalar(0.7))), 1.4, 1e-15);
    }
    before = 253;
    assert_close(ad_item(ad_grad(ad_grad(two_between_others))(ad_scalar(0.7))), 2, 1e-15);
}
END_TEST

/* ---- rules that are missing or wrong ---- */

static const ad_primitive no_rules = { .name = "no_rules", .infer = like_the_input, .eval = copy, .fields = copy_fields };

static ad_array *use_no_rules(ad_array *x)
{
    return ad_mul(x, ad_call_primitive(&no_rules, &x, 1, NULL));
}

static ad_array *use_no_rules_as_a_constant(ad_array *x)
{
    ad_array *c = ad_stop_gradient(x);
    return ad_mul(x, ad_call_primitive(&no_rules, &c, 1, NULL));
}

/* options_size is 0, so there is no copy of the options that could be dropped. */
START_TEST(a_missing_rule_is_an_error_only_when_it_is_needed)
{
    ad_array *x = ad_scalar(3);
    assert_close(ad_item(use_no_rules(x)), 9, 0);
    assert_fails(ad_grad(use_no_rules)(x), AD_ERROR_TRANSFORM, "no_rules: has no reverse rule (argument 0, reverse mode)");
    assert_fails(ad_deriv(use_no_rules)(x), AD_ERROR_TRANSFORM, "no_rules: has no forward rule (argument 0, forward mode)");
    assert_close(ad_item(ad_grad(use_no_rules_as_a_constant)(x)), 3, 0);
    assert_close(ad_item(ad_deriv(use_no_rules_as_a_constant)(x)), 3, 0);
    assert_close(ad_item(ad_grad(ad_sin)(x)), cos(3), 1e-15);
}
END_TEST

/* ---- records that are no primitives ---- */

static bool gives_a_bad_dtype(const ad_node *node, ad_spec *output)
{
    *output = (ad_spec){ (ad_dtype)99, ad_node_shape(node, 0) };
    return true;
}

static bool gives_many_dimensions(const ad_node *node, ad_spec *output)
{
    *output = (ad_spec){ ad_node_dtype(node, 0), { .ndim = AD_MAX_NDIM + 1 } };
    return true;
}

static bool gives_a_negative_length(const ad_node *node, ad_spec *output)
{
    *output = (ad_spec){ ad_node_dtype(node, 0), AD_SHAPE(-3) };
    return true;
}

static bool gives_three(const ad_node *node, ad_spec *output)
{
    *output = (ad_spec){ ad_node_dtype(node, 0), AD_SHAPE(3) };
    return true;
}

static bool asks_beyond(const ad_node *node, ad_spec *output)
{
    *output = (ad_spec){ ad_node_dtype(node, 7), ad_node_shape(node, -1) };
    return !ad_failed();
}

static bool asks_for_the_input(const ad_node *node, ad_spec *output)
{
    (void)output;
    return ad_node_input(node, 0) != NULL;
}

static bool asks_for_what_it_is_to_say(const ad_node *node, ad_spec *output)
{
    const ad_spec *said = ad_node_spec(node, 0);
    if (said)
        *output = *said;
    return said != NULL;
}

static ad_array *gives_two_float32(const ad_node *node, const ad_spec *output)
{
    (void)node, (void)output;
    return ad_zeros(AD_SHAPE(2), .dtype = AD_F32);
}

static ad_array *slope(const ad_node *node, int operand)
{
    return ad_node_input(node, operand);
}

static bool gives_up(const ad_node *node, ad_spec *output)
{
    (void)node, (void)output;
    return false;
}

static bool stops(const ad_node *node, void *const *outputs)
{
    (void)node, (void)outputs;
    return false;
}

static ad_array *is_nothing(const ad_node *node, const ad_spec *output)
{
    (void)node, (void)output;
    return NULL;
}

START_TEST(records_that_cannot_be_called_are_refused_by_name)
{
    static const struct {
        ad_primitive primitive;
        ad_code code;
        const char *text;
    } refused[] = {
        { { .name = "bare" }, AD_ERROR_VALUE, "bare: the primitive has no infer" },
        { { .name = "idle", .infer = like_the_input }, AD_ERROR_VALUE, "idle: the primitive has no eval and no view" },
        { { .name = "odd", .infer = gives_a_bad_dtype, .eval = copy }, AD_ERROR_DTYPE, "odd: infer gives 99, which is not a dtype" },
        { { .name = "deep", .infer = gives_many_dimensions, .eval = copy }, AD_ERROR_SHAPE, "deep: 33 dimensions" },
        { { .name = "silent", .infer = gives_up, .eval = copy }, AD_ERROR_VALUE, "silent: infer failed without an error" },
        { { .name = "silent", .infer = like_the_input, .eval = stops }, AD_ERROR_VALUE, "silent: eval failed without an error" },
        { { .name = "silent", .infer = like_the_input, .view = is_nothing }, AD_ERROR_VALUE, "silent: view failed without an error" },
        { { .name = "bare", .infer = like_the_input, .eval = copy, .options_size = 4 }, AD_ERROR_VALUE, "bare: the options are NULL" },
        { { .name = "split", .infer = two_infer, .view = is_nothing, .outputs = 2 }, AD_ERROR_VALUE, "split: the primitive has a view and 2 outputs" },
        { { .name = "parted", .infer = two_infer, .eval = two_eval, .derivative = slope, .outputs = 2 }, AD_ERROR_VALUE,
          "parted: the primitive has a derivative and 2 outputs" },
        { { .name = "less", .infer = like_the_input, .eval = copy, .outputs = -1 }, AD_ERROR_VALUE, "less: the primitive has -1 outputs" },
        { { .infer = like_the_input, .eval = copy }, AD_ERROR_VALUE, "a primitive without a name" },
        { { .name = "minus", .infer = gives_a_negative_length, .eval = copy }, AD_ERROR_SHAPE, "minus: shape (-3,)" },
        { { .name = "other", .infer = gives_three, .view = gives_two_float32 }, AD_ERROR_SHAPE,
          "other: view gives float32 of shape (2,), infer said float64 of shape (3,)" },
        { { .name = "other", .infer = gives_three, .compose = gives_two_float32 }, AD_ERROR_SHAPE,
          "other: compose gives float32 of shape (2,), infer said float64 of shape (3,)" },
        { { .name = "silent", .infer = like_the_input, .compose = is_nothing }, AD_ERROR_VALUE, "silent: compose failed without an error" },
        { { .name = "split", .infer = two_infer, .compose = is_nothing, .outputs = 2 }, AD_ERROR_VALUE, "split: the primitive has a compose and 2 outputs" },
        { { .name = "curious", .infer = asks_for_the_input, .eval = copy }, AD_ERROR_TRANSFORM,
          "curious: infer asks for input 0; it sees shapes and dtypes, and no array" },
        { { .name = "early", .infer = asks_for_what_it_is_to_say, .eval = copy }, AD_ERROR_TRANSFORM, "early: what infer said of output 0 is asked for" },
        { { .name = "rash", .infer = asks_beyond, .eval = copy }, AD_ERROR_TRANSFORM, "rash: a rule asks for input 7; there are 1" },
        { { .name = "wide", .infer = like_the_input, .eval = copy, .outputs = 9 }, AD_ERROR_VALUE, "wide: the primitive has 9 outputs; at most 8" },
    };
    static const ad_primitive good = { .name = "good", .infer = like_the_input, .eval = copy };
    ad_array *x = ad_scalar(1), *y[9];
    assert_fails(ad_call_primitive(&good, &x, 0, NULL), AD_ERROR_VALUE, "good: called with 0 inputs");
    assert_fails(ad_call_primitive(&good, &x, -1, NULL), AD_ERROR_VALUE, "good: called with -1 inputs");
    assert_fails(ad_call_primitive(&good, NULL, 1, NULL), AD_ERROR_VALUE, "good: the inputs are NULL");
    assert_fails(ad_call_primitive(&good, NULL, 0, NULL), AD_ERROR_VALUE, "good: called with 0 inputs");
    assert_fails(ad_call_primitive_many(&good, NULL, 3, NULL, y), AD_ERROR_VALUE, "good: the inputs are NULL");
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_fails(ad_call_primitive_many(&refused[i].primitive, &x, 1, NULL, y), refused[i].code, refused[i].text);
    assert_fails(ad_call_primitive(&refused[0].primitive, &x, 1, NULL), AD_ERROR_VALUE, "bare: the primitive has no infer");
    assert_fails(ad_call_primitive(NULL, &x, 1, NULL), AD_ERROR_VALUE, "the primitive is NULL");
    assert_fails(ad_call_primitive_many(NULL, &x, 1, NULL, y), AD_ERROR_VALUE, "the primitive is NULL");
    assert_fails(ad_call_primitive_many(&two, &x, 1, (int[3]){ 1 }, NULL), AD_ERROR_VALUE, "the outputs are NULL");
}
END_TEST

static ad_array *reads_input(const ad_node *node, int operand, ad_array *g)
{
    return ad_mul(g, ad_node_input(node, operand));
}

static ad_array *reads_output(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    return ad_mul(g, ad_node_output(node, 0));
}

static ad_array *gives_float32(const ad_node *node, int operand, ad_array *g)
{
    (void)node, (void)operand;
    return ad_astype(g, AD_F32);
}

static ad_array *gives_nothing(const ad_node *node, int operand, ad_array *g)
{
    (void)node, (void)operand, (void)g;
    return NULL;
}

static ad_array *fails(const ad_node *node, int operand, ad_array *g)
{
    (void)node, (void)operand, (void)g;
    return ad_set_error(AD_ERROR_USER, "the rule failed");
}

static ad_array *reads_further(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    return ad_mul(g, ad_node_input(node, 1));
}

static ad_array *leaves_a_scope_open(const ad_node *node, int operand, ad_array *g)
{
    (void)node, (void)operand;
    ad_scope_open();
    return ad_mul(g, 5);
}

static ad_array *reads_spec(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    return ad_node_spec(node, 0) ? g : NULL;
}

static ad_array *gives_three_numbers(const ad_node *node, int operand, ad_array *g)
{
    (void)node, (void)operand, (void)g;
    return VECTOR(1, 2, 3);
}

static ad_array *(*rule)(const ad_node *node, int operand, ad_array *g);

static ad_array *current_rule(const ad_node *node, int operand, ad_array *g)
{
    return rule(node, operand, g);
}

static const ad_primitive with_rule = { .name = "with_rule", .infer = like_the_input, .eval = copy, .vjp = current_rule, .jvp = current_rule };

/* With y = 3x: x y' + y, where y' is 3 times what the rule says. */
static ad_array *use_rule(ad_array *x)
{
    ad_array *y = ad_mul(x, 3);
    return ad_mul(ad_call_primitive(&with_rule, &y, 1, NULL), x);
}

START_TEST(rules_read_only_what_is_saved)
{
    ad_array *x = ad_scalar(2);
    rule = reads_input;
    assert_fails(ad_grad(use_rule)(x), AD_ERROR_TRANSFORM, "with_rule: the reverse rule reads input 0, which `saves` does not name");
    assert_close(ad_item(ad_deriv(use_rule)(x)), 6 + 2 * 18, 0);
    rule = reads_output;
    assert_fails(ad_grad(use_rule)(x), AD_ERROR_TRANSFORM, "reads output 0");
    rule = reads_further;
    assert_fails(ad_grad(use_rule)(x), AD_ERROR_TRANSFORM, "with_rule: a rule asks for input 1; there are 1");
    assert_fails(ad_deriv(use_rule)(x), AD_ERROR_TRANSFORM, "with_rule: a rule asks for input 1; there are 1");
    rule = reads_spec;
    assert_fails(ad_grad(use_rule)(x), AD_ERROR_TRANSFORM, "with_rule: what infer said of output 0 is asked for");
    assert_fails(ad_deriv(use_rule)(x), AD_ERROR_TRANSFORM, "with_rule: what infer said of output 0 is asked for");
}
END_TEST

static bool copy_all(const ad_node *node, void *const *outputs)
{
    return ad_copy_to(ad_node_input(node, 0), outputs[0], ad_size(ad_node_input(node, 0)));
}

static bool gives_three_at_once(const ad_node *node, ad_array *const *g, unsigned wanted, ad_array **cotangents)
{
    (void)wanted;
    return (cotangents[0] = gives_three_numbers(node, 0, g[0])) != NULL;
}

static const ad_primitive odd[] = { { .name = "odd", .infer = like_the_input, .eval = copy_all, .vjp = gives_three_numbers },
                                    { .name = "odd", .infer = like_the_input, .eval = copy_all, .pull = gives_three_at_once } };
static int way;

static ad_array *use_odd(ad_array *x)
{
    return ad_sum(ad_call_primitive(&odd[way], &x, 1, NULL));
}

START_TEST(a_rule_whose_cotangent_does_not_fit_is_named)
{
    for (way = 0; way < 2; way++)
        assert_fails(ad_grad(use_odd)(VECTOR(1, 2)), AD_ERROR_SHAPE, "odd: the reverse rule gives shape (3,) for operand 0 of shape (2,)");
}
END_TEST

static ad_array *knows_its_primitive(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    return ad_node_primitive(node) == &with_rule ? g : NULL;
}

START_TEST(a_rule_sees_whose_it_is)
{
    AD_SCOPE;
    rule = knows_its_primitive;
    assert_close(ad_item(ad_grad(use_rule)(ad_scalar(2))), 6 + 2 * 3, 0);
    assert_close(ad_item(ad_deriv(use_rule)(ad_scalar(2))), 6 + 2 * 3, 0);
}
END_TEST

/* ---- saves: a bit for each operand and output ---- */

static bool pair_infer(const ad_node *node, ad_spec *outputs)
{
    for (int k = 0; k < 2; k++)
        outputs[k] = (ad_spec){ AD_F64, AD_SCALAR_SHAPE };
    return ad_node_inputs(node) >= 2;
}

static bool pair_eval(const ad_node *node, void *const *outputs)
{
    return ad_copy_to(ad_node_input(node, 0), outputs[0], 1) && ad_copy_to(ad_node_input(node, 1), outputs[1], 1);
}

static int input_read, output_read;

static bool pair_pull(const ad_node *node, ad_array *const *g, unsigned wanted, ad_array **cotangents)
{
    ad_array *x = input_read >= 0 ? ad_node_input(node, input_read) : ad_node_output(node, output_read);
    cotangents[0] = wanted & 1 && x ? ad_mul(g[0] ? g[0] : g[1], x) : NULL;
    return x != NULL;
}

static ad_array *pair_vjp(const ad_node *node, int operand, ad_array *g)
{
    ad_array *x = input_read >= 0 ? ad_node_input(node, input_read) : ad_node_output(node, output_read);
    return operand == 0 ? ad_mul(g ? g : ad_node_cotangent(node, 1), x) : x ? ad_zeros_like(x) : NULL;
}

enum { MANY = 23 };
static ad_primitive pair = { .name = "pair", .infer = pair_infer, .eval = pair_eval, .outputs = 2 };

static ad_array *use_pair(ad_array *x)
{
    ad_array *inputs[MANY], *outputs[2];
    for (int i = 0; i < MANY; i++)
        inputs[i] = ad_mul(x, i + 2);
    return ad_call_primitive_many(&pair, inputs, MANY, NULL, outputs) ? ad_mul(outputs[0], outputs[1]) : NULL;
}

START_TEST(each_operand_and_output_has_a_bit_of_its_own)
{
    ad_array *x = ad_scalar(2);
    for (int form = 0; form < 2; form++) {
        pair.vjp = form ? NULL : pair_vjp;
        pair.pull = form ? pair_pull : NULL;
        for (int named = 0; named < MANY + 2; named++) {
            pair.saves = named < MANY ? AD_SAVE_INPUT(named) : AD_SAVE_OUTPUT_OF(named - MANY);
            for (int read = 0; read < MANY + 2; read++) {
                AD_SCOPE;
                char text[80];
                input_read = read < MANY ? read : -1;
                output_read = read - MANY;
                bool there = named == read || (named >= 20 && named < MANY && read >= 20 && read < MANY);
                ad_array *g = ad_grad(use_pair)(x);
                ck_assert_msg(!g == !there, "saves %d, reads %d: %s", named, read, ad_error_message());
                snprintf(text, sizeof text, "pair: the reverse rule reads %s %d, which `saves` does not name", read < MANY ? "input" : "output",
                         read < MANY ? read : read - MANY);
                if (!there)
                    assert_fails(g, AD_ERROR_TRANSFORM, text);
            }
        }
    }
}
END_TEST

/* ---- what infer says is there while the value is computed, and C numbers are told apart ---- */

static int numbers_seen;

static bool filled_infer(const ad_node *node, ad_spec *output)
{
    for (int i = 0; i < ad_node_inputs(node); i++)
        numbers_seen |= (int)ad_node_is_number(node, i) << i;
    *output = (ad_spec){ AD_F32, AD_SHAPE(2, 3) };
    return true;
}

static bool filled_eval(const ad_node *node, void *const *outputs)
{
    const ad_spec *spec = ad_node_spec(node, 0);
    float *y = outputs[0];
    for (int64_t i = 0; i < ad_shape_size(spec->shape); i++)
        y[i] = 7;
    return spec->dtype == AD_F32;
}

static ad_array *filled_compose(const ad_node *node, const ad_spec *output)
{
    const ad_spec *spec = ad_node_spec(node, 0);
    return output == spec ? ad_full(spec->shape, 7, .dtype = spec->dtype) : NULL;
}

START_TEST(a_value_is_computed_by_what_infer_said)
{
    const ad_primitive filled[] = { { .name = "filled", .infer = filled_infer, .eval = filled_eval },
                                    { .name = "filled", .infer = filled_infer, .view = filled_compose },
                                    { .name = "filled", .infer = filled_infer, .compose = filled_compose } };
    for (int form = 0; form < 3; form++) {
        AD_SCOPE;
        numbers_seen = 0;
        ad_array *y = ad_call_primitive(&filled[form], (ad_array *[]){ ad_scalar(1), ad_weak_integer(1), ad_weak_real(1), ad_ones(AD_SHAPE(2)) }, 4, NULL);
        ck_assert_msg(y != NULL, "%s", ad_error_message());
        ck_assert_int_eq(numbers_seen, 2 | 4);
        assert_array(ad_astype(y, AD_F64), AD_SHAPE(2, 3), 0, 7, 7, 7, 7, 7, 7);
    }
}
END_TEST

START_TEST(what_a_rule_gives_is_brought_into_form)
{
    AD_SCOPE;
    ad_array *x = ad_scalar(2);
    rule = gives_float32;
    ck_assert_int_eq(ad_dtype_of(ad_grad(use_rule)(x)), AD_F64);
    assert_close(ad_item(ad_grad(use_rule)(x)), 12, 0);
    rule = gives_nothing;
    assert_close(ad_item(ad_grad(use_rule)(x)), 6, 0);
    assert_close(ad_item(ad_deriv(use_rule)(x)), 6, 0);
    rule = gives_three_numbers; /* a cotangent is summed over what the operand does not have, a tangent is as it is */
    assert_close(ad_item(ad_grad(use_rule)(x)), 6 + 2 * 3 * (1 + 2 + 3) / 2, 0);
    assert_fails(ad_deriv(use_rule)(x), AD_ERROR_SHAPE, "with_rule: the forward rule gives shape (3,) for output 0 of shape ()");
    rule = fails;
    assert_fails(ad_grad(ad_grad(use_rule))(x), AD_ERROR_USER, "the rule failed");
    assert_fails(ad_deriv(ad_grad(use_rule))(x), AD_ERROR_USER, "the rule failed");
    rule = leaves_a_scope_open;
    ad_array *g = ad_grad(use_rule)(x);
    for (int i = 0; i < 100; i++)
        ad_scalar(i);
    assert_close(ad_item(g), 36, 0);
}
END_TEST

/* ---- linear operations of integers: summands, and parameters ---- */

/* The elements of operand 0 at the places of operand 1, an int64 vector, added into zeros as many as the options say,
 * or read. */
static bool scatter_infer(const ad_node *node, ad_spec *output)
{
    *output = (ad_spec){ AD_F64, AD_SHAPE(*(const int64_t *)ad_node_options(node)) };
    return true;
}

static bool scatter_eval(const ad_node *node, void *const *outputs)
{
    const double *g = ad_data(ad_node_input(node, 0));
    const int64_t *place = ad_data(ad_node_input(node, 1));
    memset(outputs[0], 0, sizeof(double) * (size_t)*(const int64_t *)ad_node_options(node));
    for (int64_t i = 0; i < ad_node_shape(node, 1).dim[0]; i++)
        ((double *)outputs[0])[place[i]] += g[i];
    return true;
}

static bool gather_infer(const ad_node *node, ad_spec *output)
{
    *output = (ad_spec){ AD_F64, ad_node_shape(node, 1) };
    return true;
}

static bool gather_eval(const ad_node *node, void *const *outputs)
{
    const double *x = ad_data(ad_node_input(node, 0));
    const int64_t *place = ad_data(ad_node_input(node, 1));
    for (int64_t i = 0; i < ad_node_shape(node, 1).dim[0]; i++)
        ((double *)outputs[0])[i] = x[place[i]];
    return true;
}

static ad_array *scatter_vjp(const ad_node *node, int operand, ad_array *g);
static ad_array *gather_vjp(const ad_node *node, int operand, ad_array *g);

static const ad_primitive gather = {
    .name = "gather", .infer = gather_infer, .eval = gather_eval, .vjp = gather_vjp, .linear = AD_LINEAR, .parameters = 1 << 1, .saves = AD_SAVE_OTHERS,
};
static const ad_primitive scatter = {
    .name = "scatter", .infer = scatter_infer, .eval = scatter_eval, .vjp = scatter_vjp, .linear = AD_LINEAR, .parameters = 1 << 1, .saves = AD_SAVE_OTHERS,
    .options_size = sizeof(int64_t),
};

static ad_array *scatter_vjp(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    return ad_call_primitive(&gather, (ad_array *[]){ g, ad_node_input(node, 1) }, 2, NULL);
}

static ad_array *gather_vjp(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    return ad_call_primitive(&scatter, (ad_array *[]){ g, ad_node_input(node, 1) }, 2, &ad_node_shape(node, 0).dim[0]);
}

static ad_array *sine_of_gathered(ad_array *x, ad_array *places)
{
    return ad_sin(ad_call_primitive(&gather, (ad_array *[]){ x, places }, 2, NULL));
}

START_TEST(parameters_of_a_linear_operation_stay_as_they_are)
{
    ad_array *x = VECTOR(1, 2, 3), *places = ad_from_data(AD_I64, (int64_t[]){ 0, 2, 2, 1 }, AD_SHAPE(4));
    ck_assert_msg(ad_check_grads(sine_of_gathered, x, places, .order = 3), "%s", ad_error_message());
}
END_TEST

/* a + 2 b, of scalars of any dtype */
static bool double_infer(const ad_node *node, ad_spec *output)
{
    *output = (ad_spec){ AD_F64, ad_node_shape(node, 0) };
    return true;
}

static bool weighted_eval(const ad_node *node, void *const *outputs)
{
    *(double *)outputs[0] = ad_item(ad_node_input(node, 0)) + 2 * ad_item(ad_node_input(node, 1));
    return true;
}

static bool product_eval(const ad_node *node, void *const *outputs)
{
    *(double *)outputs[0] = ad_item(ad_node_input(node, 0)) * ad_item(ad_node_input(node, 1));
    return true;
}

static ad_array *weighted_vjp(const ad_node *node, int operand, ad_array *g)
{
    (void)node;
    return ad_mul(g, operand + 1);
}

static ad_array *product_vjp(const ad_node *node, int operand, ad_array *g)
{
    return ad_mul(g, ad_node_input(node, 1 - operand));
}

static const ad_primitive weighted = { .name = "weighted", .infer = double_infer, .eval = weighted_eval, .vjp = weighted_vjp, .linear = AD_LINEAR };
static const ad_primitive product = {
    .name = "product", .infer = double_infer, .eval = product_eval, .vjp = product_vjp, .linear = AD_MULTILINEAR, .saves = AD_SAVE_OTHERS,
};

static const ad_primitive scaled = {
    .name = "scaled", .infer = double_infer, .eval = product_eval, .vjp = product_vjp, .linear = AD_LINEAR, .parameters = 1 << 1, .saves = AD_SAVE_OTHERS,
};

static ad_array *scaled_by_itself(ad_array *x)
{
    return ad_call_primitive(&scaled, (ad_array *[]){ x, x }, 2, NULL);
}

static ad_array *scaled_by_a_constant(ad_array *x)
{
    return ad_call_primitive(&scaled, (ad_array *[]){ ad_sin(x), ad_stop_gradient(x) }, 2, NULL);
}

START_TEST(a_parameter_that_is_differentiated_is_an_error)
{
    for (int modes = 0; modes < 2; modes++) {
        assert_fails((modes ? ad_deriv(scaled_by_itself) : ad_grad(scaled_by_itself))(ad_scalar(2)), AD_ERROR_TRANSFORM,
                     "scaled: operand 1 is being differentiated, but is a parameter");
        assert_close(ad_item((modes ? ad_deriv(scaled_by_a_constant) : ad_grad(scaled_by_a_constant))(ad_scalar(2))), 2 * cos(2), 1e-15);
    }
}
END_TEST

static ad_array *of_integers(ad_array *x)
{
    ad_array *seven = ad_from_data(AD_I64, (int64_t[]){ 7 }, AD_SCALAR_SHAPE), *yes = ad_greater(x, 0), *y, *z;
    y = ad_add(ad_call_primitive(&weighted, (ad_array *[]){ x, seven }, 2, NULL), ad_call_primitive(&weighted, (ad_array *[]){ yes, x }, 2, NULL));
    z = ad_mul(ad_call_primitive(&product, (ad_array *[]){ x, seven }, 2, NULL), ad_call_primitive(&product, (ad_array *[]){ yes, x }, 2, NULL));
    return ad_mul(y, ad_call_primitive(&product, (ad_array *[]){ ad_sin(x), z }, 2, NULL));
}

START_TEST(integers_are_constant_summands_and_factors)
{
    ck_assert_msg(ad_check_grads(of_integers, ad_scalar(0.7), .order = 3), "%s", ad_error_message());
}
END_TEST

RUN_TESTS("primitives", every_choice_of_outputs_differentiates_in_every_way, several_outputs_differentiate_wherever_they_stand_on_the_tape,
          a_missing_rule_is_an_error_only_when_it_is_needed, records_that_cannot_be_called_are_refused_by_name, rules_read_only_what_is_saved, a_rule_sees_whose_it_is,
          a_rule_whose_cotangent_does_not_fit_is_named, each_operand_and_output_has_a_bit_of_its_own,
          a_value_is_computed_by_what_infer_said,
          what_a_rule_gives_is_brought_into_form, parameters_of_a_linear_operation_stay_as_they_are,
          a_parameter_that_is_differentiated_is_an_error, integers_are_constant_summands_and_factors)
