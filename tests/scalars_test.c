/* The short way of scalars against the general one, which is taken while a hook sees every call: to the last bit, in
 * all nestings of modes. */
#include "testing.h"

typedef ad_array *function(ad_array *);

static bool sees(const ad_call_event *event, void *context)
{
    (void)event, (void)context;
    return true;
}

/* The derivative of f at x, by the modes that the bits of `modes` say, the innermost first. */
static double derivative(function *f, double x, int order, int modes)
{
    AD_SCOPE;
    for (int k = 0; k < order; k++)
        f = modes >> k & 1 ? ad_deriv(f) : ad_grad(f);
    double y = ad_item(f(ad_scalar(x)));
    ck_assert_msg(!ad_failed(), "%s", ad_error_message());
    return y;
}

static bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

static void assert_same_bits(function *f, const char *name, double x)
{
    for (int order = 0; order <= 3; order++)
        for (int modes = 0; modes < 1 << order; modes++)
            for (int again = 0; again < 2; again++) { /* once while rules are learnt, and once when they are */
                double quick = derivative(f, x, order, modes);
                ad_on_call(sees, NULL);
                double general = derivative(f, x, order, modes);
                ad_on_call(NULL, NULL);
                ck_assert_msg(same_bits(quick, general), "%s at %g, order %d, modes %d: %.17g by the short way, %.17g by the general one", name, x, order, modes,
                              quick, general);
            }
}

/* ---- operations ---- */

static int row;

#define UNARY(name) { #name, name, NULL }
#define BINARY(name) { #name, NULL, name }

static const struct {
    const char *name;
    ad_array *(*unary)(ad_array *), *(*binary)(ad_array *, ad_array *);
} rows[] = {
    UNARY(ad_neg), UNARY(ad_reciprocal), UNARY(ad_square), UNARY(ad_sqrt), UNARY(ad_cbrt), UNARY(ad_abs), UNARY(ad_fabs), UNARY(ad_deg2rad), UNARY(ad_rad2deg), UNARY(ad_exp), UNARY(ad_exp2), UNARY(ad_expm1),
    UNARY(ad_log), UNARY(ad_log2), UNARY(ad_log10), UNARY(ad_log1p), UNARY(ad_sin), UNARY(ad_cos), UNARY(ad_tan), UNARY(ad_arcsin), UNARY(ad_arccos),
    UNARY(ad_arctan), UNARY(ad_sinh), UNARY(ad_cosh), UNARY(ad_tanh), UNARY(ad_arcsinh), UNARY(ad_arctanh), UNARY(ad_sigmoid), UNARY(ad_erf), UNARY(ad_gammaln),
    UNARY(ad_digamma), UNARY(ad_conj), UNARY(ad_real), UNARY(ad_sign), UNARY(ad_floor),
    BINARY(ad_add), BINARY(ad_sub), BINARY(ad_mul), BINARY(ad_div), BINARY(ad_pow), BINARY(ad_maximum), BINARY(ad_minimum), BINARY(ad_hypot), BINARY(ad_arctan2),
    BINARY(ad_mod), BINARY(ad_fmod), BINARY(ad_logaddexp),
};

/* Both operands depend on x, in both orders. */
static ad_array *of_row(ad_array *x)
{
    if (rows[row].unary)
        return ad_mul(rows[row].unary(ad_mul(x, x)), rows[row].unary(x));
    return ad_mul(rows[row].binary(ad_mul(x, x), x), rows[row].binary(x, ad_add(x, 2)));
}

/* One is a C number. */
static ad_array *of_row_and_numbers(ad_array *x)
{
    return rows[row].unary ? rows[row].unary(ad_mul(0.5, x)) : ad_mul(rows[row].binary(x, ad_weak_real(1.5)), rows[row].binary(ad_weak_integer(2), x));
}

START_TEST(operations_on_scalars_have_the_bits_of_the_general_way)
{
    static const double points[] = { 0.3, 0.7, 0, -0.0, 1e-300, INFINITY, NAN };
    row = _i;
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        assert_same_bits(of_row, rows[row].name, points[i]);
        assert_same_bits(of_row_and_numbers, rows[row].name, points[i]);
    }
}
END_TEST

/* ---- programs ---- */

static ad_array *powers(ad_array *x)
{
    ad_array *sum = x;
    for (int n = -3; n < 12; n++)
        sum = ad_add(sum, ad_div(ad_pow(x, n), n * n + 1));
    return sum;
}

static ad_array *of_a_slope(ad_array *x)
{
    return ad_mul(ad_grad(ad_sin)(ad_mul(x, x)), ad_deriv(powers)(x));
}

static ad_array *through_arrays(ad_array *x)
{
    ad_array *y = ad_stack(ad_list_of(ad_mul(x, x), ad_sin(x), x)), *s = ad_sum(ad_mul(y, ad_exp(x)));
    return ad_mul(ad_at(y, "1"), ad_add(s, ad_mul(ad_at(y, "0"), x)));
}

static ad_array *in_a_checkpoint(ad_array *x)
{
    return ad_mul(ad_checkpoint(of_a_slope)(x), ad_checkpoint(through_arrays)(ad_sin(x)));
}

static ad_array *pulled_back(ad_array *x)
{
    ad_pullback *pull;
    ad_array *y = ad_vjp(powers, ad_sin(x), &pull), *g = ad_vjp_apply(pull, ad_mul(x, y));
    ad_vjp_free(pull);
    return ad_mul(g, y);
}

static ad_array *in_single_precision(ad_array *x)
{
    return ad_mul(ad_astype(ad_sin(ad_astype(ad_mul(x, x), AD_F32)), AD_F64), x);
}

static ad_array *of_a_complex_number(ad_array *x)
{
    return ad_real(ad_exp(ad_mul(ad_mul(x, x), ad_weak_complex(1.0i))));
}

START_TEST(programs_of_scalars_have_the_bits_of_the_general_way)
{
    static function *const programs[] = { powers, of_a_slope, through_arrays, in_a_checkpoint, pulled_back, in_single_precision, of_a_complex_number };
    assert_same_bits(programs[_i], "a program", 0.7);
    assert_same_bits(programs[_i], "a program", -1.3);
}
END_TEST

/* ---- rules of others ---- */

static bool same_shape(const ad_node *node, ad_spec *output)
{
    *output = (ad_spec){ ad_node_dtype(node, 0), ad_node_shape(node, 0) };
    return true;
}

static bool copy(const ad_node *node, void *const *outputs)
{
    *(double *)outputs[0] = ad_item(ad_node_input(node, 0));
    return true;
}

static double number(const ad_primitive *primitive, const void *options, double x, double y)
{
    (void)primitive, (void)options, (void)y;
    return x;
}

static int rule_calls;

/* It looks at data, as no rule of the library's does: 1 above 1, else 2. */
static ad_array *depends_on_data(const ad_node *node, int operand)
{
    (void)operand;
    rule_calls++;
    return ad_item(ad_node_input(node, 0)) > 1 ? ad_weak_integer(1) : ad_weak_integer(2);
}

static const ad_primitive own = { .name = "own", .infer = same_shape, .eval = copy, .scalar = number, .derivative = depends_on_data, .saves = AD_SAVE_INPUTS };

static ad_array *of_own(ad_array *x)
{
    return ad_call_primitive(&own, &x, 1, NULL);
}

START_TEST(rules_of_a_program_run_each_time)
{
    rule_calls = 0;
    for (int i = 0; i < 4; i++) {
        assert_close(ad_item(ad_grad(of_own)(ad_scalar(i))), i > 1 ? 1 : 2, 0);
        assert_close(ad_item(ad_deriv(of_own)(ad_scalar(i))), i > 1 ? 1 : 2, 0);
    }
    ck_assert_int_eq(rule_calls, 8);
}
END_TEST

/* A copy of one of the library's records, with a rule of the program's. */
static ad_primitive changed;

static ad_array *of_changed(ad_array *x)
{
    return ad_call_primitive(&changed, &x, 1, NULL);
}

START_TEST(a_changed_copy_of_a_record_has_the_rule_that_it_says)
{
    for (int i = 0; i < ad_operation_count(); i++)
        if (strcmp(ad_operation(i)->name, "ad_sin") == 0)
            changed = *ad_operation(i);
    changed.derivative = depends_on_data;
    changed.saves = AD_SAVE_INPUTS;
    assert_close(ad_item(ad_grad(ad_sin)(ad_scalar(2))), cos(2), 1e-15);
    for (int i = 1; i < 3; i++) {
        assert_close(ad_item(ad_grad(of_changed)(ad_scalar(i))), i > 1 ? 1 : 2, 0);
        assert_close(ad_item(ad_deriv(of_changed)(ad_scalar(i))), i > 1 ? 1 : 2, 0);
    }
}
END_TEST

/* Calls of one operation with different options, which are told apart. */
static int exponent;

static ad_array *of_many_options(ad_array *x)
{
    for (exponent = 2; exponent < 60; exponent++)
        x = ad_pow(ad_pow(x, exponent), 1.0 / exponent);
    return x;
}

START_TEST(an_operation_with_many_options_keeps_its_derivative)
{
    assert_close(ad_item(ad_grad(of_many_options)(ad_scalar(1.1))), 1, 1e-12);
    assert_close(ad_item(ad_deriv(of_many_options)(ad_scalar(1.1))), 1, 1e-12);
    assert_same_bits(of_many_options, "many options", 1.1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("scalars");
    TCase *tests = tcase_create("scalars");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, operations_on_scalars_have_the_bits_of_the_general_way, 0, (int)(sizeof rows / sizeof *rows));
    tcase_add_loop_test(tests, programs_of_scalars_have_the_bits_of_the_general_way, 0, 7);
    tcase_add_test(tests, rules_of_a_program_run_each_time);
    tcase_add_test(tests, a_changed_copy_of_a_record_has_the_rule_that_it_says);
    tcase_add_test(tests, an_operation_with_many_options_keeps_its_derivative);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
