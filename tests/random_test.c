/* Random numbers: the bits of Philox, their distribution, and that they depend on nothing but the key. */
#include "testing.h"

enum { MANY = 200000 };

static const double *values(ad_array *x)
{
    ck_assert_msg(x != NULL, "%s", ad_error_message());
    return ad_data(ad_dtype_of(x) == AD_F64 ? x : ad_astype(x, AD_F64));
}

static double mean_of_power(ad_array *x, int power)
{
    const double *v = values(x);
    double sum = 0;
    for (int64_t i = 0; i < ad_size(x); i++)
        sum += pow(v[i], power);
    return sum / (double)ad_size(x);
}

/* Known answers of Random123 for philox4x32-10. */
START_TEST(bits_are_those_of_philox)
{
    const int64_t *zero = ad_data(ad_random_bits((ad_key){ 0, 0 }, AD_SHAPE(2)));
    ck_assert_uint_eq((uint64_t)zero[0], 0xe169c58d6627e8d5u);
    ck_assert_uint_eq((uint64_t)zero[1], 0x9b00dbd8bc57ac4cu);
}
END_TEST

/* On every machine: + - * / sqrt are fixed by IEEE 754. The normal numbers were checked against 40-digit arithmetic. */
START_TEST(draws_are_the_same_everywhere)
{
    ad_key k = ad_random_key(42);
    ck_assert_uint_eq(k.hi, 0xb0adae8334f2f509u);
    ck_assert_uint_eq(k.lo, 0xb9d5d240239decdcu);
    assert_array(ad_random_uniform(k, AD_SHAPE(4)), AD_SHAPE(4), 0, 0x1.4485166c1ff78p-4, 0x1.c5ecdeeaa572p-3, 0x1.65c1374147852p-2,
                 0x1.c497dc61d388ep-1);
    assert_array(ad_random_normal(k, AD_SHAPE(8)), AD_SHAPE(8), 0, -0x1.c1537dcf4ea7cp+0, 0x1.38e02880e8961p+0, 0x1.df22c7e7b69acp-1,
                 -0x1.2ae1074b1cfc4p-3, 0x1.1d10e6a8419dfp-1, 0x1.ab67b962a5526p+0, 0x1.d51cf41e63a25p-1, -0x1.7227593e5ef7cp-3);
    assert_array(ad_random_randint(k, AD_SHAPE(6), -3, 10), AD_SHAPE(6), 0, -2, -1, 1, 8, 4, -2);
    assert_array(ad_random_permutation(k, 8), AD_SHAPE(8), 0, 0, 2, 4, 7, 6, 5, 1, 3);
}
END_TEST

START_TEST(a_draw_is_the_beginning_of_a_longer_one)
{
    ad_key k = ad_random_key(1);
    const double *shorter = values(ad_random_normal(k, AD_SHAPE(7))), *longer = values(ad_random_normal(k, AD_SHAPE(3, 5)));
    for (int i = 0; i < 7; i++)
        ck_assert_double_eq(shorter[i], longer[i]);
}
END_TEST

START_TEST(keys_of_different_seeds_and_numbers_differ)
{
    ad_key keys[300], split[100];
    for (uint64_t i = 0; i < 100; i++) {
        keys[i] = ad_random_key(i);
        keys[100 + i] = ad_random_fold_in(ad_random_key(0), i);
        keys[200 + i] = ad_random_fold_in(ad_random_fold_in(ad_random_key(0), 1), i);
    }
    for (int i = 0; i < 300; i++)
        for (int j = 0; j < i; j++)
            ck_assert(keys[i].hi != keys[j].hi && keys[i].lo != keys[j].lo);
    ad_random_split(ad_random_key(0), split, 100);
    for (int i = 0; i < 100; i++)
        ck_assert(split[i].hi == keys[100 + i].hi && split[i].lo == keys[100 + i].lo);
    ad_random_split(ad_random_key(0), NULL, 2);
    assert_fails(!ad_failed(), AD_ERROR_VALUE, "ad_random_split: the place for 2 keys is NULL");
}
END_TEST

/* Within five standard errors. */
START_TEST(moments_are_those_of_the_distribution)
{
    ad_array *u = ad_random_uniform(ad_random_key(2), AD_SHAPE(MANY), .low = -1, .high = 3);
    assert_close(mean_of_power(u, 1), 1, 5 * sqrt(16.0 / 12 / MANY));
    ad_array *z = ad_random_normal(ad_random_key(3), AD_SHAPE(MANY));
    assert_close(mean_of_power(z, 1), 0, 5 / sqrt(MANY));
    assert_close(mean_of_power(z, 2), 1, 5 * sqrt(2.0 / MANY));
    assert_close(mean_of_power(z, 3), 0, 5 * sqrt(15.0 / MANY));
    assert_close(mean_of_power(z, 4), 3, 5 * sqrt(96.0 / MANY) / 3);
    ad_array *shifted = ad_random_normal(ad_random_key(3), AD_SHAPE(MANY), .loc = 10, .scale = 0.5, .dtype = AD_F32);
    ck_assert_int_eq(ad_dtype_of(shifted), AD_F32);
    assert_close(mean_of_power(shifted, 1), 10, 1e-3);
    assert_close(mean_of_power(ad_random_bernoulli(ad_random_key(4), 0.3, AD_SHAPE(MANY)), 1), 0.3, 5 * sqrt(0.21 / MANY));
}
END_TEST

START_TEST(normal_numbers_have_the_normal_distribution)
{
    const double *z = values(ad_random_normal(ad_random_key(5), AD_SHAPE(MANY)));
    int bins[20] = { 0 };
    for (int i = 0; i < MANY; i++)
        bins[(int)(20 * (0.5 * erfc(-z[i] / sqrt(2))))]++;
    double chi_square = 0, expected = MANY / 20.0;
    for (int i = 0; i < 20; i++)
        chi_square += (bins[i] - expected) * (bins[i] - expected) / expected;
    ck_assert_msg(chi_square < 50, "chi square of 19 degrees of freedom is %g", chi_square);
}
END_TEST

START_TEST(uniform_numbers_stay_below_high)
{
    const double *u = values(ad_random_uniform(ad_random_key(6), AD_SHAPE(1000), .low = 1, .high = 1 + 4 * 0x1p-52));
    for (int i = 0; i < 1000; i++)
        ck_assert(u[i] >= 1 && u[i] < 1 + 4 * 0x1p-52);
    const float *f = ad_data(ad_random_uniform(ad_random_key(6), AD_SHAPE(1000), .low = 16777216, .high = 16777220, .dtype = AD_F32));
    for (int i = 0; i < 1000; i++)
        ck_assert(f[i] >= 16777216 && f[i] < 16777220);
    assert_array(ad_random_uniform(ad_random_key(6), AD_SHAPE(2), .low = 2, .high = 2), AD_SHAPE(2), 0, 2, 2);
}
END_TEST

START_TEST(randint_reaches_every_integer_and_no_other)
{
    const int64_t *k = ad_data(ad_random_randint(ad_random_key(7), AD_SHAPE(7000), -3, 4));
    int count[7] = { 0 };
    for (int i = 0; i < 7000; i++) {
        ck_assert(k[i] >= -3 && k[i] < 4);
        count[k[i] + 3]++;
    }
    for (int i = 0; i < 7; i++)
        ck_assert_msg(abs(count[i] - 1000) < 150, "%d times %d", count[i], i - 3);
    const int64_t *wide = ad_data(ad_random_randint(ad_random_key(7), AD_SHAPE(1000), INT64_MIN, INT64_MAX));
    int negative = 0;
    for (int i = 0; i < 1000; i++)
        negative += wide[i] < 0;
    ck_assert(negative > 400 && negative < 600);
}
END_TEST

/* A range of 2^63 + 1 rejects nearly half of the first tries: the even spread shows that the others take their
 * place. */
START_TEST(randint_is_even_where_many_tries_are_rejected)
{
    const int64_t *k = ad_data(ad_random_randint(ad_random_key(8), AD_SHAPE(9000), INT64_MIN, 1));
    int low = 0;
    for (int i = 0; i < 9000; i++)
        low += k[i] < INT64_MIN / 2;
    ck_assert_msg(abs(low - 4500) < 300, "%d of 9000 in the lower half", low);
}
END_TEST

static void has_each_number_once(ad_array *x, int64_t n)
{
    const int64_t *k = ad_data(x);
    bool seen[1000] = { false };
    for (int64_t i = 0; i < ad_size(x); i++) {
        ck_assert(k[i] >= 0 && k[i] < n && !seen[k[i]]);
        seen[k[i]] = true;
    }
}

START_TEST(permutations_have_each_number_once)
{
    ad_array *order = ad_random_permutation(ad_random_key(9), 1000);
    has_each_number_once(order, 1000);
    int fixed = 0;
    for (int i = 0; i < 1000; i++)
        fixed += ((const int64_t *)ad_data(order))[i] == i;
    ck_assert_int_lt(fixed, 10);
    ck_assert_int_eq(ad_size(ad_random_permutation(ad_random_key(9), 0)), 0);
}
END_TEST

START_TEST(choice_without_replacement_has_no_number_twice)
{
    has_each_number_once(ad_random_choice(ad_random_key(10), 1000, AD_SHAPE(20, 5), .replace = false), 1000);
    has_each_number_once(ad_random_choice(ad_random_key(10), 6, AD_SHAPE(6), .replace = false), 6);
    const int64_t *k = ad_data(ad_random_choice(ad_random_key(10), 3, AD_SHAPE(100)));
    for (int i = 0; i < 100; i++)
        ck_assert(k[i] >= 0 && k[i] < 3);
    assert_fails(ad_random_choice(ad_random_key(10), 3, AD_SHAPE(4), .replace = false), AD_ERROR_VALUE, "4 of 3");
    assert_fails(ad_random_choice(ad_random_key(10), 0, AD_SHAPE(4)), AD_ERROR_VALUE, "4 of 0");
    assert_fails(ad_random_choice(ad_random_key(10), INT64_MAX, AD_SHAPE(4), .replace = false), AD_ERROR_MEMORY, "memory");
}
END_TEST

START_TEST(wrong_arguments_are_errors)
{
    ad_key k = ad_random_key(0);
    assert_fails(ad_random_uniform(k, AD_SHAPE(2), .low = 2, .high = 1), AD_ERROR_VALUE, "from 2 to 1");
    assert_fails(ad_random_uniform(k, AD_SHAPE(2), .high = NAN), AD_ERROR_VALUE, "nan");
    assert_fails(ad_random_uniform(k, AD_SHAPE(2), .dtype = AD_C128), AD_ERROR_DTYPE, "complex128");
    assert_fails(ad_random_normal(k, AD_SHAPE(2), .scale = -1), AD_ERROR_VALUE, "-1");
    assert_fails(ad_random_normal(k, AD_SHAPE(2, -3)), AD_ERROR_SHAPE, "(2,-3)");
    assert_fails(ad_random_randint(k, AD_SHAPE(2), 3, 3), AD_ERROR_VALUE, "3");
    assert_fails(ad_random_bernoulli(k, 1.5, AD_SHAPE(2)), AD_ERROR_VALUE, "1.5");
    assert_fails(ad_random_permutation(k, -1), AD_ERROR_SHAPE, "(-1,)");
}
END_TEST

START_TEST(running_out_of_memory_is_an_error)
{
    ad_memory_fail_after(1);
    ad_array *x = ad_random_normal(ad_random_key(0), AD_SHAPE(100));
    ad_memory_fail_after(0);
    assert_fails(x, AD_ERROR_MEMORY, "memory");
}
END_TEST

RUN_TESTS("random", bits_are_those_of_philox, draws_are_the_same_everywhere, a_draw_is_the_beginning_of_a_longer_one,
          keys_of_different_seeds_and_numbers_differ, moments_are_those_of_the_distribution, normal_numbers_have_the_normal_distribution,
          uniform_numbers_stay_below_high, randint_reaches_every_integer_and_no_other, randint_is_even_where_many_tries_are_rejected,
          permutations_have_each_number_once, choice_without_replacement_has_no_number_twice, wrong_arguments_are_errors, running_out_of_memory_is_an_error)
