/* Options that do not apply are refused, for every function that shares an options struct with others. */
#include "testing.h"

typedef ad_array *reduction(ad_array *, ad_reduce_options);

/* What a reduction takes beside .axis and .axes. */
enum { KEEPDIMS = 1, DTYPE = 2, DDOF = 4, WHERE = 8, INITIAL = 16 };

static const struct row {
    const char *name;
    reduction *function;
    unsigned fields;
} rows[] = {
    { "ad_sum", ad_sum_with, KEEPDIMS | DTYPE | WHERE | INITIAL },
    { "ad_prod", ad_prod_with, KEEPDIMS | DTYPE | WHERE | INITIAL },
    { "ad_mean", ad_mean_with, KEEPDIMS | DTYPE | WHERE },
    { "ad_var", ad_var_with, KEEPDIMS | DTYPE | WHERE | DDOF },
    { "ad_std", ad_std_with, KEEPDIMS | DTYPE | WHERE | DDOF },
    { "ad_max", ad_max_with, KEEPDIMS | WHERE | INITIAL },
    { "ad_min", ad_min_with, KEEPDIMS | WHERE | INITIAL },
    { "ad_any", ad_any_with, KEEPDIMS | WHERE },
    { "ad_all", ad_all_with, KEEPDIMS | WHERE },
    { "ad_ptp", ad_ptp_with, KEEPDIMS },
    { "ad_argmax", ad_argmax_with, KEEPDIMS },
    { "ad_argmin", ad_argmin_with, KEEPDIMS },
    { "ad_softmax", ad_softmax_with, 0 },
    { "ad_log_softmax", ad_log_softmax_with, 0 },
};
enum { ROWS = sizeof rows / sizeof *rows };

/* The options with one field given, and .initial where .where needs it. */
static ad_reduce_options with_field(const struct row *row, unsigned field)
{
    ad_reduce_options o = AD_REDUCE_DEFAULTS;
    o.axis = 0;
    o.keepdims = field == KEEPDIMS;
    o.dtype = field == DTYPE ? AD_F32 : AD_NO_DTYPE;
    o.ddof = field == DDOF;
    o.where = field == WHERE ? VECTOR(1, 0, 1) : NULL;
    o.initial = field == INITIAL || (field == WHERE && row->fields & INITIAL) ? ad_scalar(1) : NULL;
    return o;
}

START_TEST(reductions_refuse_options_that_do_not_apply)
{
    static const char *const names[] = { ".keepdims", ".dtype", ".ddof", ".where", ".initial" };
    for (int i = 0; i < ROWS; i++)
        for (int f = 0; f < 5; f++) {
            AD_SCOPE;
            const struct row *row = &rows[i];
            char expected[64];
            snprintf(expected, sizeof expected, "%s: does not take %s", row->name, names[f]);
            ad_array *y = row->function(VECTOR(1, 2, 3), with_field(row, 1u << f));
            if (row->fields >> f & 1)
                ck_assert_msg(y != NULL, "%s %s: %s", row->name, names[f], ad_error_message());
            else
                assert_fails(y, AD_ERROR_VALUE, expected);
        }
}
END_TEST

START_TEST(one_axis_beside_several_is_refused)
{
    ad_array *x = counting(AD_SHAPE(2, 1, 3));
    for (int i = 0; i < ROWS; i++) {
        char expected[64];
        ad_reduce_options o = AD_REDUCE_DEFAULTS;
        o.axis = 0;
        o.axes = AD_AXES(0);
        snprintf(expected, sizeof expected, "%s: takes .axis or .axes, not both", rows[i].name);
        assert_fails(rows[i].function(x, o), AD_ERROR_AXIS, expected);
    }
    assert_fails(ad_squeeze(x, .axis = 1, .axes = AD_AXES(1)), AD_ERROR_AXIS, "ad_squeeze: takes .axis or .axes, not both");
    assert_fails(ad_flip(x, .axis = 1, .axes = AD_AXES(1)), AD_ERROR_AXIS, "ad_flip: takes .axis or .axes, not both");
    assert_fails(ad_roll(x, 1, .axis = 1, .axes = AD_AXES(1)), AD_ERROR_AXIS, "ad_roll: takes .axis or .axes, not both");
    assert_fails(ad_linalg_norm(x, .axis = 1, .axes = AD_AXES(1)), AD_ERROR_AXIS, "ad_linalg_norm: takes .axis or .axes, not both");
}
END_TEST

START_TEST(options_that_exclude_each_other_are_refused)
{
    ad_array *x = counting(AD_SHAPE(2, 3));
    assert_fails(ad_tensordot(x, x, .axes = 1, .a_axes = AD_AXES(1), .b_axes = AD_AXES(1)), AD_ERROR_AXIS, "ad_tensordot: takes .axes or the lists");
    assert_fails(ad_logspace(0, 1, .base = 2, .bases = VECTOR(2, 3)), AD_ERROR_VALUE, "ad_logspace: takes .base or .bases, not both");
    assert_fails(ad_pad(x, 1, .mode = "edge", .constant_values = 1), AD_ERROR_VALUE, "ad_pad: mode \"edge\" does not take .constant_values");
}
END_TEST

RUN_TESTS("options", reductions_refuse_options_that_do_not_apply, one_axis_beside_several_is_refused, options_that_exclude_each_other_are_refused)
