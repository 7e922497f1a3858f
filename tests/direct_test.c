/* The short ways of small dense arrays give what the general way gives, and write to nothing that somebody else
 * sees. */
#include "testing.h"
#include <ad/primitive.h>
#include <complex.h>

/* The same values, but with others between them in memory. */
static ad_array *spread_out(ad_array *x)
{
    return ad_at(ad_stack(ad_list_of(x, x), .axis = -1), "..., 0");
}

static void assert_same_bits(const char *what, const ad_array *x, const ad_array *y)
{
    ck_assert_msg(x && y, "%s: %s", what, ad_error_message());
    ck_assert_msg(ad_dtype_of(x) == ad_dtype_of(y), "%s: %s and %s", what, ad_dtype_name(ad_dtype_of(x)), ad_dtype_name(ad_dtype_of(y)));
    ck_assert_msg(ad_shape_equal(ad_shape_of(x), ad_shape_of(y)), "%s: shapes differ", what);
    ck_assert_msg(!memcmp(ad_data(x), ad_data(y), (size_t)ad_size(x) * ad_dtype_size(ad_dtype_of(x))), "%s: %s and\n%s", what, ad_tostring(x), ad_tostring(y));
}

/* Of both signs, both zeros, tiny, huge, infinite and NaN, from some element on. */
static ad_array *numbers(ad_dtype dtype, ad_shape shape, int first)
{
    static const double some[] = { 0.5, -1.25, 0.0, -0.0, 3, 1e-310, 2e300, INFINITY, -INFINITY, NAN, -0.75, 1, 20, -40, 1e-8, 0.1, 700, -2 };
    enum { SOME = sizeof some / sizeof *some };
    int64_t n = ad_shape_size(shape);
    double values[n + 1];
    for (int64_t i = 0; i < n; i++)
        values[i] = some[(first + i) % SOME];
    ad_array *x = ad_from(values, shape);
    return ad_astype(ad_dtype_size(dtype) > 8 || dtype == AD_C64 ? ad_mul(x, 1 + 0.5 * I) : x, dtype);
}

typedef ad_array *unary(ad_array *);
typedef ad_array *binary(ad_array *, ad_array *);

#define NAMED(f) { #f, (f) }
static const struct {
    const char *name;
    unary *f;
} of_one[] = { NAMED(ad_neg), NAMED(ad_abs), NAMED(ad_square), NAMED(ad_sqrt), NAMED(ad_exp), NAMED(ad_log), NAMED(ad_sin), NAMED(ad_tanh),
               NAMED(ad_isnan), NAMED(ad_real), NAMED(ad_angle), NAMED(ad_sign), NAMED(ad_log10), NAMED(ad_arctan), NAMED(ad_logical_not) };
static const struct {
    const char *name;
    binary *f;
} of_two[] = { NAMED(ad_add), NAMED(ad_sub), NAMED(ad_mul), NAMED(ad_div), NAMED(ad_pow), NAMED(ad_equal), NAMED(ad_not_equal), NAMED(ad_zmul),
               NAMED(ad_zdiv), NAMED(ad_zzmul), NAMED(ad_logical_and) };

static const ad_dtype dtypes[] = { AD_F64, AD_F32, AD_C128, AD_C64, AD_I64, AD_I32, AD_U8 };
enum { DTYPES = sizeof dtypes / sizeof *dtypes, SHAPES = 6, FLOATS = 4 };

static ad_shape shape_number(int i)
{
    const ad_shape shapes[SHAPES] = { AD_SHAPE(14), AD_SHAPE(1), AD_SHAPE(0), AD_SHAPE(3, 5), AD_SHAPE(2, 1, 130), AD_SHAPE(1, 1) };
    return shapes[i];
}

START_TEST(dense_operands_give_the_bits_of_others)
{
    for (int d = 0; d < DTYPES; d++)
        for (int s = 0; s < SHAPES; s++) {
            AD_SCOPE;
            bool whole = d >= FLOATS; /* no float that no integer can hold, and no negative power */
            ad_array *x = whole ? ad_astype(ad_mod(counting(shape_number(s)), 50), dtypes[d]) : numbers(dtypes[d], shape_number(s), 0);
            ad_array *y = whole ? ad_astype(ad_add(counting(shape_number(s)), 1), dtypes[d]) : numbers(dtypes[d], shape_number(s), 5);
            for (size_t i = 0; i < sizeof of_one / sizeof *of_one; i++)
                assert_same_bits(of_one[i].name, of_one[i].f(x), of_one[i].f(spread_out(x)));
            for (size_t i = 0; i < sizeof of_two / sizeof *of_two; i++) {
                assert_same_bits(of_two[i].name, of_two[i].f(x, y), of_two[i].f(spread_out(x), spread_out(y)));
                assert_same_bits(of_two[i].name, of_two[i].f(x, x), of_two[i].f(x, spread_out(x)));
            }
        }
}
END_TEST

/* Beside an array: C numbers, 0-d arrays of every dtype. */
START_TEST(a_number_beside_a_dense_array_gives_the_bits_and_dtype_of_others)
{
    for (int d = 0; d < FLOATS; d++)
        for (int s = 0; s < SHAPES; s++) {
            AD_SCOPE;
            ad_array *x = numbers(dtypes[d], shape_number(s), 3), *apart = spread_out(x);
            ad_array *beside[] = { ad_weak_integer(3), ad_weak_integer((INT64_C(1) << 53) + 1), ad_weak_real(0.1), ad_weak_real(1e300), ad_scalar(0.3),
                                   ad_astype(0.7, AD_F32), ad_astype(2, AD_I64), ad_astype(1, AD_BOOL), ad_weak_complex(0.5 + 2 * I), ad_astype(1 + 2 * I, AD_C64) };
            for (size_t i = 0; i < sizeof of_two / sizeof *of_two; i++)
                for (size_t k = 0; k < sizeof beside / sizeof *beside; k++) {
                    assert_same_bits(of_two[i].name, of_two[i].f(x, beside[k]), of_two[i].f(apart, beside[k]));
                    assert_same_bits(of_two[i].name, of_two[i].f(beside[k], x), of_two[i].f(beside[k], apart));
                }
        }
}
END_TEST

START_TEST(shapes_that_only_broadcast_or_do_not_are_no_exception)
{
    ad_array *a = counting(AD_SHAPE(2, 3)), *b = counting(AD_SHAPE(3, 2));
    assert_fails(ad_add(a, b), AD_ERROR_SHAPE, "ad_add: shapes (2,3) and (3,2) do not broadcast");
    assert_array(ad_add(a, counting(AD_SHAPE(1, 3))), AD_SHAPE(2, 3), 0, 0, 2, 4, 3, 5, 7);
    assert_array(ad_add(ad_reshape(a, AD_SHAPE(6)), counting(AD_SHAPE(1, 6))), AD_SHAPE(1, 6), 0, 0, 2, 4, 6, 8, 10);
    assert_fails(ad_add(counting(AD_SHAPE(6)), counting(AD_SHAPE(7))), AD_ERROR_SHAPE, "(6,) and (7,)");
}
END_TEST

/* ---- slopes that somebody else holds ---- */

/* y = x^2 / 2, whose derivative is x: the rule gives it in some form. */
static enum { INPUT, VIEW_OF_INPUT, KEPT, VIEW_OF_KEPT, JUST_KEPT, FORMS } form;
static ad_array *kept, *just_kept;

static bool half_infer(const ad_node *node, ad_spec *output)
{
    *output = (ad_spec){ ad_node_dtype(node, 0), ad_node_shape(node, 0) };
    return true;
}

static ad_array *half_view(const ad_node *node, const ad_spec *output)
{
    (void)output;
    return ad_mul(0.5, ad_square(ad_node_input(node, 0)));
}

static ad_array *half_derivative(const ad_node *node, int operand)
{
    (void)operand;
    ad_array *x = ad_node_input(node, 0);
    switch (form) {
    case INPUT: return x;
    case VIEW_OF_INPUT: return ad_reshape(x, ad_shape_of(x));
    case KEPT: return kept;
    case VIEW_OF_KEPT: return ad_reshape(kept, ad_shape_of(kept));
    default: return just_kept = ad_retain(ad_mul(kept, 1));
    }
}

static const ad_primitive half = { .name = "half", .infer = half_infer, .view = half_view, .derivative = half_derivative, .saves = AD_SAVE_INPUTS };

static ad_array *half_of(ad_array *x)
{
    return ad_call_primitive(&half, &x, 1, NULL);
}

static ad_array *sum_of_half(ad_array *x)
{
    return ad_sum(ad_mul(3, half_of(x)));
}

START_TEST(a_slope_that_somebody_holds_is_not_written_to)
{
    for (int i = 0; i < 4; i++)
        for (form = 0; form < FORMS; form++) {
            AD_SCOPE;
            ad_array *x = ad_add(0.5, counting(AD_SHAPE((int[]){ 4, 14, 40, 300 }[i]))), *before = ad_add(x, 0);
            kept = ad_retain(ad_add(x, 0));
            just_kept = NULL;
            assert_same_bits("reverse", ad_grad(sum_of_half)(x), ad_mul(3, before));
            if (just_kept) {
                assert_same_bits("what the rule kept", just_kept, before);
                ad_release(just_kept);
            }
            ad_array *tangent = NULL, *y = ad_jvp(half_of, x, ad_full(ad_shape_of(x), 2), &tangent);
            assert_same_bits("forward", tangent, ad_mul(2, before));
            assert_same_bits("the value beside it", y, ad_mul(0.5, ad_square(before)));
            assert_same_bits("x", x, before);
            assert_same_bits("kept", kept, before);
            if (just_kept)
                ad_release(just_kept);
            ad_release(kept);
        }
}
END_TEST

/* exp's slope is its result, which is the newest array when the tangent is made. */
static ad_array *exponential(ad_array *x)
{
    return ad_exp(x);
}

START_TEST(a_result_that_is_its_own_slope_stays)
{
    ad_array *x = ad_mul(0.1, counting(AD_SHAPE(14))), *tangent = NULL, *y = ad_jvp(exponential, x, ad_full(AD_SHAPE(14), 2), &tangent);
    assert_same_bits("y", y, ad_exp(x));
    assert_same_bits("its tangent", tangent, ad_mul(2, ad_exp(x)));
}
END_TEST

/* ---- a direct way of one's own ---- */

static int taken;

static bool twice_eval(const ad_node *node, void *const *outputs)
{
    double x[14];
    ad_copy_to(ad_node_input(node, 0), x, 14);
    for (int i = 0; i < 14; i++)
        ((double *)outputs[0])[i] = 2 * x[i];
    return true;
}

static bool twice_direct(const ad_node *node, ad_array **output)
{
    if (taken < 0)
        return false;
    if (taken++ == 2)
        *output = NULL;
    else
        *output = ad_from((const double[14]){ 2 }, ad_node_shape(node, 0));
    return true;
}

static ad_array *twice_vjp(const ad_node *node, int operand, ad_array *g)
{
    (void)node, (void)operand;
    return ad_mul(2, g);
}

static const ad_primitive twice = { .name = "twice", .infer = half_infer, .eval = twice_eval, .direct = twice_direct, .vjp = twice_vjp };

static ad_array *sum_of_twice(ad_array *x)
{
    return ad_sum(ad_call_primitive(&twice, &x, 1, NULL));
}

START_TEST(a_primitive_may_have_a_direct_way)
{
    ad_array *x = ad_full(AD_SHAPE(14), 1.0);
    taken = 0;
    assert_close(ad_item(sum_of_twice(x)), 2, 0); /* of what the direct way gave */
    assert_close(ad_item(ad_sum(ad_grad(sum_of_twice)(x))), 28, 0);
    ck_assert_int_eq(taken, 2);
    assert_fails(sum_of_twice(x), AD_ERROR_VALUE, "twice: direct failed without an error");
    taken = -1;
    assert_close(ad_item(sum_of_twice(x)), 28, 0);
}
END_TEST

RUN_TESTS("direct", dense_operands_give_the_bits_of_others, a_number_beside_a_dense_array_gives_the_bits_and_dtype_of_others,
          shapes_that_only_broadcast_or_do_not_are_no_exception, a_slope_that_somebody_holds_is_not_written_to, a_result_that_is_its_own_slope_stays,
          a_primitive_may_have_a_direct_way)
