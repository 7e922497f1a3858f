/* Every row of the operation table, checked: derivatives in both modes and all nestings to order 3, over several shapes
 * and dtypes; and that `saves` names what rules read.
 *
 * A row (rows/row.h) names an operation and gives a function that goes through it. An operation without a row fails,
 * and so does one with neither a rule nor the mark of a constant. `operations_test --table` prints what is covered. */
#include "rows/all.h"
#include <stdio.h>

enum { SEED = 7 };

/* ---- checks ---- */

static bool check(const struct row *row, ad_array **x, int order)
{
    switch (row->operands) {
    case 1: return ad_check_grads((one *)row->function, x[0], .order = order);
    case 2: return ad_check_grads((two *)row->function, x[0], x[1], .order = order);
    default: return ad_check_grads((three *)row->function, x[0], x[1], x[2], .order = order);
    }
}

static int check_shapes(const struct row *row, const ad_shape (*shapes)[3], int count)
{
    static const char *const variants[] = { "float64", "strided", "complex128", "float32" };
    int done = 0;
    for (int s = 0; s < count; s++)
        for (int variant = 0; variant < 4; variant++) {
            AD_SCOPE;
            bool is_complex = variant == 2, single = variant == 3;
            if (!applies(row, shapes[s]) || (is_complex && !(row->flags & COMPLEX)) || (!single && (row->flags & ONLY_F32)))
                continue;
            ad_array *x[3];
            for (int i = 0; i < row->operands; i++)
                x[i] = random_input(row, SEED, shapes[s][i], is_complex ? AD_C128 : single ? AD_F32 : AD_F64, i, variant == 1);
            int most = single ? 2 : 3, order = row->order && row->order < most ? row->order : most;
            bool right = check(row, x, order);
            ck_assert_msg(right, "%s, %s: shapes %d, %s: %s", row->name, row->text, s, variants[variant], ad_error_message());
            done++;
        }
    return done;
}

START_TEST(derivatives_of_every_row)
{
    const struct row *row = row_at(_i);
    if (row->flags & CONSTANT)
        return;
    int done = row->flags & SQUARE ? check_shapes(row, square_shapes, 3) : check_shapes(row, general_shapes, 6);
    ck_assert_msg(done >= 2, "%s, %s: only %d cases", row->name, row->text, done);
}
END_TEST

/* ---- operands of other dtypes beside those that are differentiated ---- */

/* What an operand that is fixed may be; `order` up to which the others are checked beside it. */
static const struct kind {
    const char *name;
    ad_dtype dtype;
    bool number; /* a C number: weak, 0-d */
    int order;
} kinds[] = {
    { "int64", AD_I64, false, 2 }, { "int32", AD_I32, false, 2 },    { "uint8", AD_U8, false, 2 },      { "bool", AD_BOOL, false, 2 },
    { "int", AD_I64, true, 2 },    { "double", AD_F64, true, 2 },    { "float32", AD_F32, false, 1 },   { "complex128", AD_C128, false, 2 },
};

/* Whole numbers between the row's bounds, not negative where the dtype has no sign. */
static ad_array *whole_input(const struct row *row, ad_shape shape, ad_dtype dtype, int operand)
{
    double low = ceil(row->low), high = floor(row->high);
    bool has_sign = dtype == AD_I64 || dtype == AD_I32;
    low = !has_sign && low < 0 ? 0 : low;
    ad_key key = ad_random_fold_in(ad_random_key(8), (uint64_t)operand);
    return ad_astype(ad_random_randint(key, shape, (int64_t)low, (int64_t)high + 1), dtype);
}

static ad_array *fixed_input(const struct row *row, ad_shape shape, const struct kind *kind, int operand)
{
    bool is_float = kind->dtype == AD_F64 || kind->dtype == AD_F32 || kind->dtype == AD_C128;
    if (kind->number)
        return is_float ? ad_weak_real((2 * row->low + 3 * row->high) / 5) : ad_weak_integer(1);
    return is_float ? random_input(row, SEED, shape, kind->dtype, operand, false) : whole_input(row, shape, kind->dtype, operand);
}

/* A row's function of the operands that are not fixed, as a list. */
struct partly {
    const struct row *row;
    ad_array *fixed[3]; /* NULL: from the list */
};

static ad_array *of_the_others(ad_tree *list, void *context)
{
    const struct partly *p = context;
    ad_array *x[3];
    for (int i = 0, next = 0; i < p->row->operands; i++)
        x[i] = p->fixed[i] ? p->fixed[i] : ad_tree_array_at(list, next++);
    return p->row->operands == 2 ? ((two *)p->row->function)(x[0], x[1]) : ((three *)p->row->function)(x[0], x[1], x[2]);
}

/* The operands of the set `fixed` are of the kind, the others float64. */
static void check_beside(const struct row *row, const ad_shape *shapes, const struct kind *kind, unsigned fixed)
{
    AD_SCOPE;
    struct partly partly = { .row = row };
    ad_tree_item items[3];
    int count = 0;
    for (int i = 0; i < row->operands; i++) {
        if (fixed >> i & 1)
            partly.fixed[i] = fixed_input(row, shapes[i], kind, i);
        else
            items[count++] = (ad_tree_item){ AD_ITEM_ARRAY, random_input(row, SEED, shapes[i], AD_F64, i, false) };
    }
    bool right = ad_check_grads(of_the_others, ad_list_from(items, count), &partly, .order = kind->order);
    ck_assert_msg(right, "%s, %s: operands %u are %s: %s", row->name, row->text, fixed, kind->name, ad_error_message());
}

/* The operands of the set `single` are float32, the others float64, and all are differentiated. */
static void check_mixed(const struct row *row, const ad_shape *shapes, unsigned single)
{
    AD_SCOPE;
    ad_array *x[3];
    for (int i = 0; i < row->operands; i++)
        x[i] = random_input(row, SEED, shapes[i], single >> i & 1 ? AD_F32 : AD_F64, i, false);
    bool right = check(row, x, 2);
    ck_assert_msg(right, "%s, %s: operands %u are float32, the others float64: %s", row->name, row->text, single, ad_error_message());
}

/* A C number is 0-d. A complex value cannot be put into a real array. */
static bool takes(const struct row *row, const struct kind *kind, unsigned fixed)
{
    if (kind->number && row->flags & (NO_SCALAR | MATRIX | SQUARE))
        return false;
    if (kind->dtype == AD_C128 && row->flags & DTYPE_OF_FIRST && !(fixed & 1))
        return false;
    return (kind->dtype != AD_C128 || row->flags & COMPLEX) && (kind->dtype != AD_BOOL || !(row->flags & NO_BOOL));
}

START_TEST(operands_of_other_dtypes_are_constants_in_both_modes)
{
    const struct row *row = row_at(_i);
    if (row->flags & (CONSTANT | ONLY_F32) || row->operands == 1)
        return;
    bool square = row->flags & SQUARE;
    unsigned all = (1u << row->operands) - 1;
    for (int s = square ? 0 : 1; s < (square ? 1 : 3); s++)
        for (unsigned set = 1; set < all; set++) {
            check_mixed(row, square ? square_shapes[s] : general_shapes[s], set);
            for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
                if (takes(row, &kinds[k], set))
                    check_beside(row, square ? square_shapes[s] : general_shapes[s], &kinds[k], set);
        }
}
END_TEST

static bool has_row(const char *name)
{
    for (int i = 0; row_at(i); i++)
        if (strcmp(row_at(i)->name, name) == 0)
            return true;
    return false;
}

/* The file of rows that an operation belongs in. */
static const char *file_of(const char *name)
{
#define DECLARED(function, family) { #function, "tests/rows/" #family ".h" },
    static const char *const files[][2] = { DECLARATIONS(DECLARED) };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (strcmp(files[i][0], name) == 0)
            return files[i][1];
    return "the file of its family in tests/rows";
}

static bool has_reverse_rule(const ad_primitive *op)
{
    return op->constant || op->vjp || op->vjp_into || op->pull || op->derivative;
}

static bool has_forward_rule(const ad_primitive *op)
{
    return op->constant || op->jvp || op->derivative || op->linear;
}

START_TEST(every_operation_has_a_row_and_rules)
{
    ck_assert_int_gt(ad_operation_count(), 80);
    for (int i = 0; i < ad_operation_count(); i++) {
        const ad_primitive *op = ad_operation(i);
        ck_assert_msg(has_row(op->name), "%s has no row in %s", op->name, file_of(op->name));
        ck_assert_msg(has_reverse_rule(op), "the record of %s has no rule for reverse mode: .vjp, .pull or .derivative (or .constant)", op->name);
        ck_assert_msg(has_forward_rule(op), "the record of %s has no rule for forward mode: .jvp, .derivative or .linear (or .constant)", op->name);
        ck_assert_msg(strncmp(op->name, "ad_", 3) == 0, "the name of the record of %s does not begin with ad_", op->name);
        ck_assert_msg(!op->options_size || op->fields, "the record of %s has no table of its options: .fields", op->name);
        for (int k = 0; k < i; k++)
            ck_assert_msg(strcmp(op->name, ad_operation(k)->name) != 0, "two records are named %s", op->name);
    }
}
END_TEST

static ad_array *in_first_of_two(ad_array *a, ad_array *b, void *row)
{
    return ((two *)((const struct row *)row)->function)(a, b);
}

static ad_array *in_second_of_two(ad_array *b, ad_array *a, void *row)
{
    return in_first_of_two(a, b, row);
}

/* An integer or bool result has a tangent of its own dtype. */
static void check_zero(const struct row *row, ad_array *y, ad_array *tangent)
{
    ck_assert_msg(y && tangent, "%s, %s: %s", row->name, row->text, ad_error_message());
    ck_assert_msg(ad_dtype_of(tangent) == ad_dtype_of(y) && ad_shape_equal(ad_shape_of(tangent), ad_shape_of(y)), "%s: another dtype or shape", row->name);
    ck_assert_msg(ad_item(ad_any(tangent)) == 0, "%s, %s: the tangent is not 0", row->name, row->text);
}

START_TEST(constants_have_derivative_zero)
{
    const struct row *row = row_at(_i);
    ad_array *x[3], *tangent, *y;
    if (!(row->flags & CONSTANT))
        return;
    ck_assert_int_le(row->operands, 2);
    for (int i = 0; i < 3; i++)
        x[i] = random_input(row, SEED, AD_SHAPE(3), AD_F64, i, false);
    if (row->operands == 1) {
        y = ad_jvp((one *)row->function, x[0], x[1], &tangent);
        check_zero(row, y, tangent);
        return;
    }
    y = ad_jvp(in_first_of_two, x[0], x[1], (void *)row, x[2], &tangent);
    check_zero(row, y, tangent);
    y = ad_jvp(in_second_of_two, x[1], x[0], (void *)row, x[2], &tangent);
    check_zero(row, y, tangent);
}
END_TEST

/* ---- saves: what reverse rules read, no more and no less ---- */

enum { LESS_OF_OUTPUTS = 20, LESS_OF_OTHERS = LESS_OF_OUTPUTS + AD_MAX_OUTPUTS, ONLY_OTHERS = LESS_OF_OTHERS + 20, LESS };

/* Calls of an operation that are tried with less than its `saves`, in each way that there is; in which of them a rule
 * missed something. */
static struct {
    const ad_primitive *op;
    bool seen, tried[LESS], missed[LESS];
    ad_primitive copy;
    const ad_call_event *call;
    int wanted; /* -1: all inputs */
} reading;

static bool has_all_inputs(const ad_primitive *op, int inputs)
{
    bool all = inputs > 1;
    for (int i = 0; i < inputs; i++)
        all &= (op->saves & AD_SAVE_INPUT(i)) != 0;
    return all;
}

/* One array less than `saves` names in the w-th way; `saves` itself where that is none. */
static unsigned less(const ad_primitive *op, int inputs, int w)
{
    if (w < LESS_OF_OUTPUTS)
        return w < inputs ? op->saves & ~AD_SAVE_INPUT(w) : op->saves;
    if (w < LESS_OF_OTHERS)
        return w - LESS_OF_OUTPUTS < (op->outputs > 1 ? op->outputs : 1) ? op->saves & ~AD_SAVE_OUTPUT_OF(w - LESS_OF_OUTPUTS) : op->saves;
    if (w < ONLY_OTHERS)
        return op->saves & AD_SAVE_OTHERS && w - LESS_OF_OTHERS < inputs
                   ? ((op->saves | AD_SAVE_INPUTS) & ~(AD_SAVE_OTHERS | AD_SAVE_INPUT(w - LESS_OF_OTHERS))) : op->saves;
    return has_all_inputs(op, inputs) ? (op->saves & ~(unsigned)AD_SAVE_INPUTS) | AD_SAVE_OTHERS : op->saves;
}

/* The sum of the outputs of the call, whose inputs that are wanted depend on s. */
static ad_array *once_more(ad_array *s)
{
    const ad_call_event *call = reading.call;
    ad_array *inputs[64], *outputs[AD_MAX_OUTPUTS], *sum = ad_scalar(0);
    for (int i = 0; i < call->inputs_count; i++) {
        ad_array *x = call->inputs[i];
        bool takes = (reading.wanted < 0 || reading.wanted == i) && ad_dtype_of(x) <= AD_C64 && !(i < 32 && reading.copy.parameters >> i & 1);
        inputs[i] = takes ? ad_mul(x, ad_astype(s, ad_dtype_of(ad_real(x)))) : x;
    }
    if (!ad_call_primitive_many(&reading.copy, inputs, call->inputs_count, call->options, outputs))
        return NULL;
    for (int k = 0; k < call->outputs_count; k++)
        sum = ad_add(sum, ad_sum(ad_real(outputs[k])));
    return sum;
}

static bool misses(unsigned saves, int wanted)
{
    AD_SCOPE;
    reading.copy = *reading.op;
    reading.copy.saves = saves;
    reading.wanted = wanted;
    bool missed = !ad_grad(once_more)(ad_scalar(1)) && strstr(ad_error_message(), "which `saves` does not name");
    ad_clear_error();
    return missed;
}

static bool try_with_less(const ad_call_event *call, void *context)
{
    (void)context;
    if (call->operation != reading.op || call->inputs_count > 64)
        return true;
    reading.call = call;
    reading.seen = true;
    for (int w = 0; w < LESS; w++) {
        unsigned saves = less(reading.op, call->inputs_count, w);
        if (saves == reading.op->saves || reading.missed[w])
            continue;
        reading.tried[w] = true;
        for (int wanted = -1; wanted < call->inputs_count && !reading.missed[w]; wanted++)
            reading.missed[w] = misses(saves, wanted);
    }
    return true;
}

/* Operations that only derivatives call are seen when one is taken. */
static void run_row(const struct row *row, ad_array **x, bool differentiated)
{
    if (differentiated) {
        check(row, x, 1);
        return;
    }
    switch (row->operands) {
    case 1: ((one *)row->function)(x[0]); break;
    case 2: ((two *)row->function)(x[0], x[1]); break;
    default: ((three *)row->function)(x[0], x[1], x[2]);
    }
}

static void try_row(const struct row *row, const ad_shape (*shapes)[3], int count, bool differentiated)
{
    for (int s = 0; s < count; s++)
        for (int is_complex = 0; is_complex <= (row->flags & COMPLEX ? 1 : 0); is_complex++) {
            AD_SCOPE;
            ad_array *x[3];
            if (!applies(row, shapes[s]))
                continue;
            for (int i = 0; i < row->operands; i++)
                x[i] = random_input(row, SEED, shapes[s][i], is_complex ? AD_C128 : row->flags & ONLY_F32 ? AD_F32 : AD_F64, i, false);
            run_row(row, x, differentiated);
            ck_assert_msg(!ad_failed(), "%s, %s: %s", row->name, row->text, ad_error_message());
        }
}

START_TEST(saves_names_what_rules_read)
{
    const ad_primitive *op = ad_operation(_i);
    memset(&reading, 0, sizeof reading);
    reading.op = op;
    if (op->constant || !op->saves)
        return;
    ad_on_call(try_with_less, NULL);
    for (int differentiated = 0; differentiated < 2 && !reading.seen; differentiated++)
        for (int r = 0; row_at(r); r++) {
            const struct row *row = row_at(r);
            if (strcmp(row->name, op->name) == 0)
                row->flags & SQUARE ? try_row(row, square_shapes, 3, differentiated) : try_row(row, general_shapes, 6, differentiated);
        }
    ad_on_call(NULL, NULL);
    for (int w = 0; w < LESS; w++) {
        if (!reading.tried[w] || reading.missed[w])
            continue;
        if (w < LESS_OF_OUTPUTS)
            ck_abort_msg("%s: no rule reads input %d, which `saves` names", op->name, w);
        if (w < LESS_OF_OTHERS)
            ck_abort_msg("%s: no rule reads output %d, which `saves` names", op->name, w - LESS_OF_OUTPUTS);
        if (w < ONLY_OTHERS)
            ck_abort_msg("%s: the rules of other operands do not read input %d, which AD_SAVE_OTHERS names", op->name, w - LESS_OF_OTHERS);
        ck_abort_msg("%s: AD_SAVE_OTHERS would do in place of all inputs", op->name);
    }
    ck_assert_msg(reading.seen, "no row of %s in %s calls it", op->name, file_of(op->name));
}
END_TEST

static void print_table(void)
{
    printf("%-24s %-10s %-8s %-8s %s\n", "operation", "class", "reverse", "forward", "rows");
    for (int i = 0; i < ad_operation_count(); i++) {
        const ad_primitive *op = ad_operation(i);
        int count = 0;
        for (int r = 0; row_at(r); r++)
            count += strcmp(row_at(r)->name, op->name) == 0;
        printf("%-24s %-10s %-8s %-8s %d\n", op->name,
               op->constant ? "constant" : op->derivative ? "elementwise" : op->linear == AD_LINEAR ? "linear" : op->linear ? "multilinear" : "own rules",
               op->constant ? "-" : has_reverse_rule(op) ? "yes" : "NO", op->constant ? "-" : has_forward_rule(op) ? "yes" : "NO", count);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--table") == 0) {
        print_table();
        return EXIT_SUCCESS;
    }
    Suite *suite = suite_create("operations");
    TCase *tests = tcase_create("operations");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, every_operation_has_a_row_and_rules);
    tcase_add_loop_test(tests, derivatives_of_every_row, 0, row_count());
    tcase_add_loop_test(tests, operands_of_other_dtypes_are_constants_in_both_modes, 0, row_count());
    tcase_add_loop_test(tests, constants_have_derivative_zero, 0, row_count());
    tcase_add_loop_test(tests, saves_names_what_rules_read, 0, ad_operation_count());
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
