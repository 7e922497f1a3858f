/* What may stand as an operand, and where the macros may stand. */
#include "testing.h"
#include <complex.h>

enum small { NO, YES = 7 };
enum negative { BELOW = -3 };

static struct {
    unsigned field : 3;
    signed negative : 4;
} bits = { 5, -2 };

static const int constant_integer = 4;
static volatile float changing = 0.5f;

/* Every arithmetic type, as an operand, a leaf of a list and a fill: its value, and the dtype that a number of it has
 * alone. */
#define ARITHMETIC(M)                                                                                                  \
    M((_Bool)1, AD_I64, 1)                                                                                             \
    M(true, AD_I64, 1)                                                                                                 \
    M((char)65, AD_I64, 65)                                                                                            \
    M('b', AD_I64, 98)                                                                                                 \
    M((signed char)-5, AD_I64, -5)                                                                                     \
    M((unsigned char)200, AD_I64, 200)                                                                                 \
    M((short)-300, AD_I64, -300)                                                                                       \
    M((unsigned short)60000, AD_I64, 60000)                                                                            \
    M(-7, AD_I64, -7)                                                                                                  \
    M(4000000000u, AD_I64, 4000000000.0)                                                                               \
    M(-8l, AD_I64, -8)                                                                                                 \
    M(9ul, AD_I64, 9)                                                                                                  \
    M(-10ll, AD_I64, -10)                                                                                              \
    M(11ull, AD_I64, 11)                                                                                               \
    M((size_t)12, AD_I64, 12)                                                                                          \
    M((ptrdiff_t)-13, AD_I64, -13)                                                                                     \
    M((int64_t)14, AD_I64, 14)                                                                                         \
    M((uint8_t)15, AD_I64, 15)                                                                                         \
    M(YES, AD_I64, 7)                                                                                                  \
    M((enum small)YES, AD_I64, 7)                                                                                      \
    M((enum negative)BELOW, AD_I64, -3)                                                                                \
    M(+bits.field, AD_I64, 5)                                                                                          \
    M(+bits.negative, AD_I64, -2)                                                                                      \
    M(constant_integer, AD_I64, 4)                                                                                     \
    M(0.25f, AD_F64, 0.25)                                                                                             \
    M(changing, AD_F64, 0.5)                                                                                           \
    M(-0.75, AD_F64, -0.75)                                                                                            \
    M(1.5L, AD_F64, 1.5)                                                                                               \
    M((float complex)(2 + 3 * I), AD_C128, 2)                                                                          \
    M(2 + 3 * I, AD_C128, 2)                                                                                           \
    M((long double complex)(4 - I), AD_C128, 4)                                                                        \
    M(ad_item(ad_scalar(6)), AD_F64, 6)                                                                                \
    M(ad_item_int(ad_scalar(6)), AD_I64, 6)                                                                            \
    M(ad_item_complex(ad_scalar(6)), AD_C128, 6)

#define assert_number(x, dtype, expected)                                                                              \
    do {                                                                                                               \
        ad_array *made = (x);                                                                                          \
        ck_assert_msg(made && ad_dtype_of(made) == (dtype), "%s is %s, not %s", #x, ad_dtype_name(ad_dtype_of(made)), ad_dtype_name(dtype)); \
        assert_close(creal(ad_item_complex(made)), expected, 0);                                                       \
    } while (0)

START_TEST(every_arithmetic_type_is_an_operand)
{
    AD_SCOPE;
#define CHECK(number, type, value) assert_number(ad_asarray(number), type, value);
    ARITHMETIC(CHECK)
#undef CHECK
#define CHECK(number, type, value) assert_number(ad_add(ad_zeros(AD_SCALAR_SHAPE, .dtype = type), number), type, value);
    ARITHMETIC(CHECK)
#undef CHECK
}
END_TEST

START_TEST(every_arithmetic_type_is_a_leaf_and_a_fill)
{
    AD_SCOPE;
#define CHECK(number, type, value) assert_number(ad_tree_get(ad_list_of(number), "0"), type, value);
    ARITHMETIC(CHECK)
#undef CHECK
#define CHECK(number, type, value) assert_number(ad_full(AD_SCALAR_SHAPE, number), type, value);
    ARITHMETIC(CHECK)
#undef CHECK
}
END_TEST

START_TEST(a_number_is_weak_beside_an_array)
{
    AD_SCOPE;
    ad_array *x = ad_ones(AD_SHAPE(2), .dtype = AD_F32);
    ck_assert_int_eq(ad_dtype_of(ad_mul(x, 2.0)), AD_F32);
    ck_assert_int_eq(ad_dtype_of(ad_mul(2ull, x)), AD_F32);
    ck_assert_int_eq(ad_dtype_of(ad_mul(x, 1.0 * I)), AD_C64);
    assert_fails(ad_add(x, UINT64_MAX), AD_ERROR_VALUE, "18446744073709551615");
}
END_TEST

START_TEST(arrays_may_be_const_and_unknown_pointers_are_arrays)
{
    AD_SCOPE;
    const ad_array *constant = ad_scalar(2);
    ad_array *const fixed = ad_scalar(3);
    void *anything = ad_scalar(4);
    assert_close(ad_item(ad_add(ad_mul(constant, fixed), anything)), 10, 0);
    assert_close(ad_item(ad_sum(constant)), 2, 0);
    ad_tree *list = ad_list_of(constant, fixed, ad_list_of(anything));
    const ad_tree *of_constants = list;
    ck_assert_int_eq(ad_tree_leaf_count(ad_list_of(of_constants, 1)), 4);
    assert_array(ad_clip(VECTOR(-3, 5), NULL, 1), AD_SHAPE(2), 0, -3, 1);
}
END_TEST

START_TEST(a_literal_null_is_an_error_when_the_program_runs)
{
    AD_SCOPE;
    ad_array *x = ad_scalar(1);
    assert_fails(ad_add(x, NULL), AD_ERROR_VALUE, "NULL");
    assert_fails(ad_sum(NULL), AD_ERROR_VALUE, "NULL");
    assert_fails(ad_list_of(x, NULL), AD_ERROR_VALUE, "NULL");
}
END_TEST

static ad_array *counted(int *calls)
{
    ++*calls;
    return ad_scalar(*calls);
}

START_TEST(operands_and_options_are_evaluated_once_from_left_to_right)
{
    AD_SCOPE;
    int calls = 0, i = 1;
    assert_close(ad_item(ad_sub(ad_mul(counted(&calls), 10), counted(&calls))), 8, 0);
    ck_assert_int_eq(calls, 2);
    assert_close(ad_item(ad_add(i++, ad_mul(i++, 10))), 21, 0);
    ck_assert_int_eq(i, 3);
    ad_sum(counted(&calls), .keepdims = calls++ > 0, .where = counted(&calls));
    ck_assert_int_eq(calls, 5);
    ad_list_of(counted(&calls), counted(&calls));
    ck_assert_int_eq(calls, 7);
    ad_escape(counted(&calls));
    ad_moveaxis(ad_ones(AD_SHAPE(2, 2)), calls++ > 100, -1);
    ck_assert_int_eq(calls, 9);
}
END_TEST

/* Names that the macros could have used, in all places where an expression may stand. */
START_TEST(the_macros_stand_wherever_an_expression_may)
{
    AD_SCOPE;
    ad_array *x = ad_scalar(1), *a = ad_scalar(2), *id = ad_add(x, a), *o = x ? ad_neg(id) : ad_exp(id), *f[] = { ad_sin(x), ad_cos(x) };
    ad_array *v = (ad_neg(x), ad_sub(o, a)), *options = ad_sum(v, .axes = { 0 });
    if (ad_add(x, 1) && !(ad_failed() || !ad_mul(x, 2)))
        for (ad_array *i = ad_add(x, 0); ad_item(i) < 3; i = ad_add(i, 1), a = ad_add(ad_add(a, a), ad_add(a, a)))
            x = ad_add(ad_mul(x, i), 1);
    switch (ad_item_int(ad_add(1, 2))) {
    case 3: break;
    default: ck_abort();
    }
    ck_assert_uint_eq(sizeof ad_add(x, 1), sizeof(ad_array *));
    ad_array *(*g)(ad_array *) = true ? ad_grad(ad_sin) : ad_cos;
    ck_assert_ptr_nonnull(g);
    assert_close(ad_item(options), -5, 0);
    assert_close(ad_item(x), 5, 0);
    assert_close(ad_item(a), 32, 0);
    ck_assert(f[0] && f[1]);
    do
        ad_release(ad_retain(x));
    while (ad_item(ad_less(x, 0)));
}
END_TEST

START_TEST(the_constants_are_the_nearest_doubles)
{
    assert_close(AD_PI, acos(-1), 0);
    assert_close(AD_E, exp(1), 0);
    ck_assert(sin(AD_PI) > 0 && sin(nextafter(AD_PI, 4)) < 0);
}
END_TEST

START_TEST(unsigned_numbers_are_weak_integers_as_far_as_those_go)
{
    AD_SCOPE;
    ad_array *x = ad_weak_unsigned(7);
    ck_assert_int_eq(ad_dtype_of(x), AD_I64);
    ck_assert_int_eq(ad_dtype_of(ad_mul(x, ad_ones(AD_SHAPE(1), .dtype = AD_F32))), AD_F32);
    ck_assert_int_eq(ad_item_int(ad_weak_unsigned(INT64_MAX)), INT64_MAX);
    ck_assert_ptr_null(ad_weak_unsigned((uint64_t)INT64_MAX + 1));
    ck_assert_int_eq(ad_error_code(), AD_ERROR_VALUE);
    ad_clear_error();
}
END_TEST

RUN_TESTS("operand", every_arithmetic_type_is_an_operand, every_arithmetic_type_is_a_leaf_and_a_fill, a_number_is_weak_beside_an_array,
          arrays_may_be_const_and_unknown_pointers_are_arrays, a_literal_null_is_an_error_when_the_program_runs,
          operands_and_options_are_evaluated_once_from_left_to_right, the_macros_stand_wherever_an_expression_may, the_constants_are_the_nearest_doubles,
          unsigned_numbers_are_weak_integers_as_far_as_those_go)
