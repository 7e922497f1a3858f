/* Options as the tables of their fields describe them: every call that a row, its gradient and a derivative of that
 * make is kept, compared, hashed and written. */
#include "rows/programs.h"
#include <ad-nn/nn.h>
#include <hyperopt/hyperopt.h>
#include <stdio.h>

/* ---- tables ---- */

static size_t by_offset(const ad_field *fields, const ad_field **sorted)
{
    size_t count = 0;
    for (; fields[count].name; count++) {
        size_t at = count;
        for (; at > 0 && sorted[at - 1]->offset > fields[count].offset; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = &fields[count];
    }
    return count;
}

/* What stands between two fields is padding if it is shorter than the second one's alignment, which divides its
 * size. */
static bool is_padding(size_t from, size_t to, size_t size)
{
    size_t alignment = size & -size;
    return from <= to && to - from < (alignment < 8 ? alignment : 8);
}

static void check_described(const ad_primitive *op)
{
    const ad_field *sorted[64];
    size_t end = 0;
    if (!op->options_size)
        return;
    ck_assert_msg(op->fields != NULL, "the options of %s are not described", op->name);
    for (size_t i = 0, count = by_offset(op->fields, sorted); i < count; i++) {
        const ad_field *f = sorted[i];
        ck_assert_msg(f->kind <= AD_FIELD_OTHER && f->size > 0, "%s, field %s: no kind or no size", op->name, f->name);
        ck_assert_msg(is_padding(end, f->offset, f->size), "%s: %d bytes before field %s are not described", op->name, (int)(f->offset - end), f->name);
        end = f->offset + (size_t)f->size;
    }
    ck_assert_msg(is_padding(end, op->options_size, 8), "%s: the last %d bytes of the options are not described", op->name, (int)(op->options_size - end));
}

START_TEST(every_byte_of_the_options_of_every_operation_is_described)
{
    for (int i = 0; i < ad_operation_count(); i++)
        check_described(ad_operation(i));
}
END_TEST

/* ---- options that outlast a call, and the same with other bytes where they do not count ---- */

/* How many bytes of a field its value takes. */
static size_t bytes_that_count(const ad_field *f, const void *field)
{
    switch (f->kind) {
    case AD_FIELD_TEXT: return strlen(field) + 1;
    case AD_FIELD_AXES: return offsetof(ad_axes, axis) + (size_t)((const ad_axes *)field)->count * sizeof(int);
    case AD_FIELD_PERMUTATION: return 1 + (size_t)*(const uint8_t *)field;
    case AD_FIELD_ASIDE: return 0;
    default: return f->size;
    }
}

/* The options with `filling` wherever nothing is said. */
static void *refilled(const ad_primitive *op, const void *options, int filling)
{
    char *copy = memset(malloc(op->options_size + 1), filling, op->options_size + 1);
    for (const ad_field *f = op->fields; f && f->name; f++)
        memcpy(copy + f->offset, (const char *)options + f->offset, bytes_that_count(f, (const char *)options + f->offset));
    return copy;
}

static void check_same(const ad_primitive *op, const void *a, const void *b, const char *what)
{
    char *first = ad_options_text(op, a), *other = ad_options_text(op, b);
    ck_assert_msg(first && other, "%s: %s", op->name, ad_error_message());
    ck_assert_msg(ad_options_equal(op, a, b) && ad_options_equal(op, b, a), "%s: %s differ: %s and %s", op->name, what, first, other);
    ck_assert_msg(ad_options_hash(op, a) == ad_options_hash(op, b), "%s: %s have another hash: %s", op->name, what, first);
    ck_assert_msg(strcmp(first, other) == 0, "%s: %s are written as %s and %s", op->name, what, first, other);
    free(first);
    free(other);
}

enum { MOST_SEEN = 3000 };
static struct {
    const ad_primitive *op;
    void *options;
    char *text;
} seen[MOST_SEEN];
static int seen_count;

static bool is_all_written(const ad_primitive *op)
{
    bool written = true;
    for (const ad_field *f = op->fields; f && f->name; f++)
        written &= f->kind != AD_FIELD_OTHER || (f->functions && f->functions->write);
    return written;
}

/* Whether the same options of the operation were there before. Others are told apart by their text. */
static bool is_known(const ad_primitive *op, void *options, const char *text)
{
    bool known = false;
    for (int i = 0; i < seen_count; i++) {
        if (seen[i].op != op)
            continue;
        bool equal = ad_options_equal(op, seen[i].options, options), same_text = strcmp(seen[i].text, text) == 0;
        ck_assert_msg(!equal || (same_text && ad_options_hash(op, seen[i].options) == ad_options_hash(op, options)),
                      "%s: equal options are written as %s and %s, or their hash differs", op->name, seen[i].text, text);
        ck_assert_msg(equal || !same_text || !is_all_written(op), "%s: options that differ are both written as %s", op->name, text);
        known |= equal;
    }
    return known;
}

static bool check_call(const ad_call_event *event, void *context)
{
    (void)context;
    const ad_primitive *op = event->operation;
    if (!op->options_size)
        return true;
    check_described(op);
    void *kept = ad_options_keep(op, event->options), *ones = refilled(op, kept, 0xff), *zeros = refilled(op, kept, 0);
    ck_assert_msg(kept != NULL, "%s: %s", op->name, ad_error_message());
    check_same(op, event->options, kept, "options and what is kept of them");
    check_same(op, ones, zeros, "bytes that do not count");
    free(ones);
    free(zeros);
    char *text = ad_options_text(op, kept);
    if (is_known(op, kept, text)) {
        ad_options_free(op, kept);
        free(text);
        return true;
    }
    ck_assert_int_lt(seen_count, MOST_SEEN);
    seen[seen_count].op = op;
    seen[seen_count].options = kept;
    seen[seen_count++].text = text;
    return true;
}

static void forget(void)
{
    for (int i = 0; i < seen_count; i++) {
        ad_options_free(seen[i].op, seen[i].options);
        free(seen[i].text);
    }
    seen_count = 0;
}

static void run_rows_of(const char *operation)
{
    for (int i = 0; row_at(i); i++) {
        const struct row *row = current_row = row_at(i);
        bool square = row->flags & SQUARE;
        if (strcmp(row->name, operation) != 0)
            continue;
        for (int s = 0; s < (square ? 2 : 6); s++)
            for (int k = 0; k < (row->flags & CONSTANT ? 1 : 3); k++) {
                AD_SCOPE;
                const ad_shape *shapes = square ? square_shapes[s] : general_shapes[s];
                if (applies(row, shapes) && !(row->flags & CONSTANT && s != 1))
                    ck_assert_msg(programs[k](operands_of(row, 7, shapes)) != NULL, "%s: %s", row->text, ad_error_message());
            }
    }
}

START_TEST(options_of_every_row_are_kept_compared_hashed_and_written)
{
    ad_memory_usage before, after;
    current = of_row;
    current_name = ad_operation(_i)->name;
    run_rows_of(ad_operation(_i)->name);
    ad_memory_stats(&before);
    ad_on_call(check_call, NULL);
    run_rows_of(ad_operation(_i)->name);
    ad_on_call(NULL, NULL);
    forget();
    ad_memory_stats(&after);
    ck_assert_int_eq(after.live, before.live);
}
END_TEST

/* ---- the parts above ---- */

static ad_array *half_square(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    (void)iteration, (void)context;
    return ad_sum(ad_mul(ad_tree_get(theta, "w"), ad_square(ad_tree_get(x, "x"))));
}

static ad_array *halved(ad_array *x, ad_array *a)
{
    return ad_mul(0.5, ad_add(x, ad_div(a, x)));
}

static ad_array *root_of(ad_array *a)
{
    return ad_fixed_point(halved, ad_scalar(1), a);
}

START_TEST(options_of_losses_optimizers_training_and_fixed_points_are_described)
{
    AD_SCOPE;
    ad_array *labels = ad_from_data(AD_I64, (int64_t[]){ 0, 2 }, AD_SHAPE(2));
    ad_tree *p = ad_tree_of("x", VECTOR(1, 2)), *hypers = ad_tree_of("x", ad_tree_of("x", VECTOR(1, 2)), "alpha", 0.1, "beta", 0.5, "theta", ad_tree_of("w", 1.0));
    ad_tree *of_adam = ad_tree_of("x", ad_tree_of("x", VECTOR(1, 2)), "alpha", 0.1, "beta1", 0.5, "beta2", 0.9, "theta", ad_tree_of("w", 1.0));
    const adnn_optimizer optimizers[] = { adnn_sgd(.step_size = 0.2), adnn_sgd(.momentum = 0.9), adnn_adam(.step_size = 0.01), adnn_adamw(.step_size = 0.01) };
    hyper_training training = { .loss = half_square, .iterations = 3 };
    ad_on_call(check_call, NULL);
    ck_assert(adnn_softmax_cross_entropy(ad_ones(AD_SHAPE(2, 3)), labels));
    for (size_t i = 0; i < sizeof optimizers / sizeof *optimizers; i++)
        ck_assert(adnn_optimizer_update(optimizers[i], adnn_optimizer_init(optimizers[i], p), ad_tree_of("x", VECTOR(1, 1)), &p));
    ck_assert_msg(hyper_sgd(&training, hypers) && hyper_sgd_state(&training, hypers), "%s", ad_error_message());
    ck_assert_msg(hyper_adam(&training, of_adam) && hyper_adam_state(&training, of_adam), "%s", ad_error_message());
    assert_close(ad_item(ad_grad(root_of)(ad_scalar(4))), 0.25, 1e-12);
    ad_on_call(NULL, NULL);
    ck_assert_int_ge(seen_count, 10);
    forget();
}
END_TEST

/* ---- one field of each kind ---- */

struct all {
    int integer;
    int64_t large;
    double real;
    bool flag;
    ad_dtype dtype;
    char text[8];
    ad_axes axes;
    uint32_t bits;
    uint8_t order[1 + AD_MAX_NDIM];
    const char *aside;
    ad_shape *shape;
    ad_widths *widths;
    int *own;
};

static int kept, fails_at; /* number of own fields that are kept; which keep fails, counted down */

static bool own_keep(void *field)
{
    (void)field;
    kept++;
    return --fails_at != 0 || (kept--, false);
}

static void own_drop(const void *field)
{
    (void)field;
    kept--;
}

static void own_write(const void *field, FILE *out)
{
    fprintf(out, "<%d>", **(int *const *)field);
}

static bool own_equal(const void *a, const void *b)
{
    return **(int *const *)a == **(int *const *)b;
}

static uint64_t own_hash(const void *field)
{
    return (uint64_t)**(int *const *)field;
}

static const ad_field_functions own = { own_write, own_equal, own_hash, own_keep, own_drop };
static const ad_field all_fields[] = {
    AD_FIELD(struct all, integer, INT),
    AD_FIELD(struct all, large, INT64),
    AD_FIELD(struct all, real, REAL),
    AD_FIELD(struct all, flag, FLAG),
    AD_FIELD(struct all, dtype, DTYPE),
    AD_FIELD_UNNAMED(struct all, text, TEXT),
    AD_FIELD(struct all, axes, AXES),
    AD_FIELD(struct all, bits, AXIS_BITS),
    AD_FIELD(struct all, order, PERMUTATION),
    AD_FIELD(struct all, aside, ASIDE),
    AD_FIELD(struct all, shape, SHAPE),
    AD_FIELD(struct all, widths, WIDTHS),
    AD_FIELD_OF(struct all, own, &own),
    AD_FIELDS_END,
};

static bool same_infer(const ad_node *node, ad_spec *output)
{
    *output = (ad_spec){ ad_node_dtype(node, 0), ad_node_shape(node, 0) };
    return true;
}

static ad_array *same_compose(const ad_node *node, const ad_spec *output)
{
    (void)output;
    return ad_mul(ad_node_input(node, 0), 1);
}

static ad_array *same_vjp(const ad_node *node, int operand, ad_array *g)
{
    (void)node, (void)operand;
    return g;
}

static const ad_primitive same = {
    .name = "same", .infer = same_infer, .compose = same_compose, .vjp = same_vjp, .linear = AD_LINEAR, .options_size = sizeof(struct all), .fields = all_fields,
};

static ad_shape shape = { 2, { 3, 4 } };
static ad_widths widths = { 2, { { 0, 1 }, { 2, 3 } } };
static int seven = 7;

static struct all one_of_all(void)
{
    return (struct all){ -1, INT64_MIN, 0.1, true, AD_C64, "a\"\n", AD_AXES(1, -2), 5, { 2, 1, 0 }, "aside", &shape, &widths, &seven };
}

START_TEST(a_field_of_each_kind_is_written_as_C)
{
    struct all o = one_of_all();
    char *text = ad_options_text(&same, &o);
    ck_assert_str_eq(text, ".integer = -1, .large = INT64_MIN, .real = 0.1, .flag = true, .dtype = AD_C64, \"a\\\"\\n\", .axes = AD_AXES(1, -2), "
                           ".bits = AD_AXES(0, 2), .order = AD_AXES(1, 0), .shape = AD_SHAPE(3, 4), .widths = AD_WIDTHS({0, 1}, {2, 3}), .own = <7>");
    free(text);
    const double reals[] = { NAN, INFINITY, -INFINITY, -0.0, 1e300, 1 / 3.0 };
    const char *const texts[] = { "NAN", "INFINITY", "-INFINITY", "-0.0", "1e+300", "0.3333333333333333" };
    static const ad_field fields[] = { AD_FIELD_WHOLE(double, "x", REAL), AD_FIELDS_END };
    const ad_primitive real = { .name = "real", .options_size = sizeof(double), .fields = fields };
    for (int i = 0; i < 6; i++) {
        char expected[64], *written = ad_options_text(&real, &reals[i]);
        snprintf(expected, sizeof expected, ".x = %s", texts[i]);
        ck_assert_str_eq(written, expected);
        free(written);
    }
}
END_TEST

START_TEST(each_field_tells_options_apart_but_for_what_is_said_aside)
{
    const struct all o = one_of_all();
    ad_shape other_shape = { 2, { 3, 5 } };
    ad_widths other_widths = { 2, { { 0, 1 }, { 2, 4 } } };
    int eight = 8, seven_too = 7;
    struct all others[13];
    for (int i = 0; i < 13; i++)
        others[i] = o;
    others[0].integer = 2;
    others[1].large = 0;
    others[2].real = 0.2;
    others[3].flag = false;
    others[4].dtype = AD_BOOL;
    others[5].text[0] = 'b';
    others[6].axes.axis[1] = 3;
    others[7].bits = 4;
    others[8].order[0] = 1;
    others[9].shape = &other_shape;
    others[10].widths = &other_widths;
    others[11].own = &eight;
    others[12].shape = NULL;
    for (int i = 0; i < 13; i++) {
        char *a = ad_options_text(&same, &o), *b = ad_options_text(&same, &others[i]);
        ck_assert_msg(!ad_options_equal(&same, &o, &others[i]), "%d: %s", i, b);
        ck_assert_msg(ad_options_hash(&same, &o) != ad_options_hash(&same, &others[i]), "%d: %s", i, b);
        ck_assert_str_ne(a, b);
        free(a);
        free(b);
    }
    ad_shape same_shape = { 2, { 3, 4, 77 } };
    struct all like = o;
    like.aside = "somewhere else";
    like.shape = &same_shape;
    like.own = &seven_too;
    like.axes.axis[2] = 99;
    strcpy(like.text + 4, "xyz");
    check_same(&same, &o, &like, "the same values");
}
END_TEST

START_TEST(numbers_that_are_not_numbers_are_equal_and_zeros_differ_by_their_sign)
{
    static const ad_field fields[] = { AD_FIELD_WHOLE(double, "x", REAL), AD_FIELDS_END };
    const ad_primitive real = { .name = "real", .options_size = sizeof(double), .fields = fields };
    check_same(&real, &(double){ NAN }, &(double){ -NAN }, "NaN");
    check_same(&real, &(double){ NAN }, &(double){ nan("123") }, "NaN");
    ck_assert(!ad_options_equal(&real, &(double){ 0.0 }, &(double){ -0.0 }));
    ck_assert(!ad_options_equal(&real, &(double){ 0.0 }, &(double){ NAN }));
}
END_TEST

START_TEST(options_without_a_table_are_bytes_and_those_without_a_size_a_pointer)
{
    const ad_primitive bytes = { .name = "bytes", .options_size = 3 }, pointer = { .name = "pointer" };
    char *nothing = ad_options_text(&bytes, "abc");
    ck_assert_str_eq(nothing, "");
    free(nothing);
    check_same(&bytes, "abcd", (char[]){ 'a', 'b', 'c', 'x' }, "the first three bytes");
    ck_assert(!ad_options_equal(&bytes, "abc", "abd"));
    int a = 1, b = 1;
    ck_assert_ptr_eq(ad_options_keep(&pointer, &a), &a);
    ck_assert(ad_options_equal(&pointer, &a, &a) && !ad_options_equal(&pointer, &a, &b));
    ck_assert(ad_options_equal(&pointer, NULL, NULL) && !ad_failed());
    ad_options_free(&pointer, &a);
    void *copy = ad_options_keep(&bytes, "abc");
    check_same(&bytes, "abc", copy, "a copy");
    ad_options_free(&bytes, copy);
    ad_options_free(&bytes, NULL);
    assert_fails(ad_options_keep(&bytes, NULL), AD_ERROR_VALUE, "ad_options_keep: the struct of options is NULL");
    assert_fails(ad_options_text(NULL, NULL), AD_ERROR_VALUE, "ad_options_text: the primitive is NULL");
    assert_fails(ad_options_equal(&bytes, NULL, "abc"), AD_ERROR_VALUE, "ad_options_equal: the struct of options is NULL");
    assert_fails(ad_options_hash(&bytes, NULL), AD_ERROR_VALUE, "ad_options_hash: the struct of options is NULL");
}
END_TEST

/* ---- keeping that fails ---- */

static ad_array *sum_of_same(ad_array *x)
{
    struct all o = one_of_all();
    return ad_sum(ad_call_primitive(&same, &x, 1, &o));
}

START_TEST(a_recorded_call_keeps_each_field_and_drops_it_with_its_slot)
{
    AD_SCOPE;
    ad_pullback *pull = NULL;
    ck_assert(ad_vjp(sum_of_same, VECTOR(1, 2), &pull));
    ck_assert_int_eq(kept, 1);
    ad_vjp_free(pull);
    ck_assert_int_eq(kept, 0);
}
END_TEST

START_TEST(a_field_that_cannot_be_kept_is_an_error_of_the_call_and_leaves_nothing)
{
    AD_SCOPE;
    fails_at = 1;
    assert_fails(ad_grad(sum_of_same)(VECTOR(1, 2)), AD_ERROR_VALUE, "same: option own cannot be kept");
    ck_assert_int_eq(kept, 0);
    assert_array(ad_grad(sum_of_same)(VECTOR(1, 2)), AD_SHAPE(2), 0, 1, 1);
    assert_every_allocation_may_fail(ad_grad(sum_of_same), VECTOR(1, 2));
    ck_assert_int_eq(kept, 0);
}
END_TEST

static ad_array *padded_parts(ad_array *x)
{
    return ad_sum(ad_square(ad_transpose(ad_reshape(ad_pad(ad_at(x, "::2"), 2), AD_SHAPE(2, 3)))));
}

static ad_array *again(ad_array *x)
{
    return ad_mul(ad_checkpoint(padded_parts)(x), 1);
}

START_TEST(every_allocation_may_fail_while_options_are_kept)
{
    AD_SCOPE;
    assert_every_allocation_may_fail(ad_grad(again), VECTOR(1, 2, 3));
    struct all o = one_of_all();
    for (int i = 1; i <= 3; i++) {
        ad_memory_fail_after(i);
        void *copy = ad_options_keep(&same, &o);
        ad_memory_fail_after(0);
        ck_assert_msg(!copy && ad_error_code() == AD_ERROR_MEMORY, "%d: %s", i, ad_error_message());
        ck_assert_int_eq(kept, 0);
        ad_clear_error();
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fields");
    TCase *tests = tcase_create("fields");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, every_byte_of_the_options_of_every_operation_is_described);
    tcase_add_loop_test(tests, options_of_every_row_are_kept_compared_hashed_and_written, 0, ad_operation_count());
    tcase_add_test(tests, options_of_losses_optimizers_training_and_fixed_points_are_described);
    tcase_add_test(tests, a_field_of_each_kind_is_written_as_C);
    tcase_add_test(tests, each_field_tells_options_apart_but_for_what_is_said_aside);
    tcase_add_test(tests, numbers_that_are_not_numbers_are_equal_and_zeros_differ_by_their_sign);
    tcase_add_test(tests, options_without_a_table_are_bytes_and_those_without_a_size_a_pointer);
    tcase_add_test(tests, a_recorded_call_keeps_each_field_and_drops_it_with_its_slot);
    tcase_add_test(tests, a_field_that_cannot_be_kept_is_an_error_of_the_call_and_leaves_nothing);
    tcase_add_test(tests, every_allocation_may_fail_while_options_are_kept);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
