/* Momenta as ratios with what is left of them, and the products of integers of 64 and 96 bits with them: an internal
 * unit test, which includes headers of hyperopt/src. */
#include "hyperopt_calls.h"

/* ---- ratios ---- */

START_TEST(usual_momenta_are_the_ratios_that_are_meant)
{
    static const struct { double beta; int64_t n, d; } rows[] = {
        { 0.9, 9, 10 }, { 0.999, 999, 1000 }, { 0.5, 1, 2 }, { 1, 1, 1 }, { 0.98, 49, 50 }, { 0.9999, 9999, 10000 }, { 0.1, 1, 10 }, { 1e-9, 1, 65536 },
        { 5e-324, 1, 65536 }, { 1.0 / 3, 1, 3 }, { 1 - 0x1p-17, 65535, 65536 }, { 0x1p-16, 1, 65536 }, { 1 - 0x1p-16, 65535, 65536 }, { 1 - 0x1p-53, 1, 1 },
        { 0.7, 7, 10 }, { 0.9 + 1e-9, 9, 10 }, { 0.3 * 3, 9, 10 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        hyper_momentum m;
        ck_assert(hyper_momentum_of(rows[i].beta, &m));
        ck_assert_msg(m.ratio.n_less_1 + 1 == rows[i].n && m.ratio.d_less_1 + 1 == rows[i].d, "%.17g is %d/%d", rows[i].beta, m.ratio.n_less_1 + 1,
                      m.ratio.d_less_1 + 1);
        ck_assert_double_eq(m.value, fmax(rows[i].beta, 0x1p-16));
    }
    hyper_momentum nearby = { 0.9 + 1e-9, ratio(9, 10) };
    ck_assert(hyper_momentum_excess(momentum(9, 10)) == 0 && fabs(hyper_momentum_excess(nearby) * 0.9 / 1e-9 - 1) < 1e-6);
}
END_TEST

START_TEST(what_is_no_momentum_has_no_ratio)
{
    static const double betas[] = { 0, -0.0, -1, 1.0000000000000002, NAN, INFINITY, -INFINITY };
    hyper_momentum m;
    for (size_t i = 0; i < sizeof betas / sizeof *betas; i++)
        ck_assert(!hyper_momentum_of(betas[i], &m));
}
END_TEST

/* (beta - n/d) d 2^69, exactly, of a beta from 2^-16 to 1. */
static wide below_times_d(double beta, int64_t n, int64_t d)
{
    int64_t below = (int64_t)ldexp(ldexp(beta, 62) - floor(ldexp(beta, 62)), 7);
    return ((wide)(int64_t)ldexp(beta, 62) << 7) * d - ((wide)n << 69) + (wide)below * d;
}

static double random_beta(int i)
{
    switch (i % 5) {
    case 0: return uniform();
    case 1: return 1 - exp(-20 * uniform());
    case 2: return exp(-11 * uniform());
    case 3: return (1 + (double)(random_bits() % 65536)) / 65536;
    default: return value_of(random_ratio());
    }
}

START_TEST(no_denominator_up_to_the_largest_gives_a_nearer_ratio_from_below)
{
    for (int i = 0; i < 200; i++) {
        double beta = random_beta(i);
        hyper_momentum found;
        if (beta < 0x1p-16 || !hyper_momentum_of(beta, &found))
            continue;
        int64_t n = found.ratio.n_less_1 + 1, d = found.ratio.d_less_1 + 1;
        wide mine = below_times_d(beta, n, d), rounding = ((wide)1 << 20) * d;
        ck_assert_int_le(n, d);
        ck_assert_msg(mine > -rounding, "%.17g: %lld/%lld is above it", beta, (long long)n, (long long)d);
        for (int64_t e = 1; e <= 65536 && mine > rounding; e++) {
            int64_t m = (int64_t)floor(beta * (double)e);
            wide other = below_times_d(beta, m, e);
            if (m >= 1 && m <= e && other >= 0 && other * d < mine * e)
                ck_abort_msg("%.17g: %lld/%lld is nearer than %lld/%lld", beta, (long long)m, (long long)e, (long long)n, (long long)d);
        }
        double excess = hyper_momentum_excess(found);
        ck_assert_msg(excess >= 0 && excess < 0x1p-15 && fabs((double)n / (double)d * (1 + excess) / beta - 1) < 0x1p-49, "%.17g: %g is left", beta, excess);
    }
}
END_TEST

START_TEST(what_is_left_of_a_momentum_is_multiplied_and_undone)
{
    hyper_store *store = hyper_store_new(1, NULL, 0);
    hyper_coder *coder = hyper_store_coder(store, 0);
    for (int round = 0; round < 300; round++) {
        hyper_momentum beta[BLOCK];
        int64_t v[BLOCK], saved[BLOCK], stride = round % 2;
        for (int i = 0; i < BLOCK; i++) {
            while (!hyper_momentum_of(random_beta(i + round), &beta[i]))
                continue;
            v[i] = saved[i] = i % 9 == 0 ? 0 : i % 9 == 1 ? INT64_MAX - i : i % 9 == 2 ? INT64_MIN + i : random_integer();
        }
        ck_assert_int_eq(hyper_momentum_multiply(coder, BLOCK, v, beta, stride), HYPER_FINE);
        for (int i = 0; i < BLOCK; i++) {
            double exact = beta[i * stride].value * (double)saved[i];
            ck_assert_msg(fabs((double)v[i] - exact) <= 2 + fabs(exact) * 0x1p-49, "%.17g times %lld is not %lld", beta[i * stride].value, (long long)saved[i],
                          (long long)v[i]);
            ck_assert(saved[i] != 0 || v[i] == 0);
        }
        ck_assert_int_eq(hyper_momentum_divide(coder, BLOCK, v, beta, stride), HYPER_FINE);
        ck_assert_mem_eq(v, saved, sizeof v);
    }
    ck_assert(hyper_store_is_empty(store));
    hyper_store_free(store);
}
END_TEST

/* ---- integers of 96 bits ---- */

/* Of any size: squares of gradients range far. */
static void set_fine(int64_t *v, uint32_t *fine)
{
    for (int i = 0; i < BLOCK; i++) {
        v[i] = i % 9 == 0 ? 0 : i % 9 == 1 ? INT64_MAX - i : (int64_t)(random_bits() >> 1 >> random_bits() % 63);
        fine[i] = i % 18 == 0 ? 0 : i % 5 == 1 ? UINT32_MAX : (uint32_t)(random_bits() >> random_bits() % 32);
    }
}

static long double fine_value(int64_t v, uint32_t fine)
{
    return (long double)v * 0x1p32L + (long double)fine;
}

START_TEST(integers_with_32_bits_more_are_multiplied_by_momenta_and_come_back)
{
    hyper_store *store = hyper_store_new(1, NULL, 0);
    hyper_coder *coder = hyper_store_coder(store, 0);
    for (int round = 0; round < 600; round++) {
        hyper_momentum beta[BLOCK];
        int64_t v[BLOCK], saved[BLOCK], stride = round % 2, count = round % 3 ? BLOCK : 1 + round % 40;
        uint32_t fine[BLOCK], saved_fine[BLOCK];
        for (int i = 0; i < BLOCK; i++)
            while (!hyper_momentum_of(random_beta(i + round), &beta[i]))
                continue;
        set_fine(v, fine);
        memcpy(saved, v, sizeof v);
        memcpy(saved_fine, fine, sizeof fine);
        ck_assert_int_eq(hyper_momentum_multiply_fine(coder, count, v, fine, beta, stride), HYPER_FINE);
        for (int i = 0; i < count; i++) {
            long double exact = beta[i * stride].value * fine_value(saved[i], saved_fine[i]), off = fine_value(v[i], fine[i]) - exact;
            ck_assert_msg(fabsl(off) <= 2 + exact * 0x1p-48L, "%.17g times %Lg is off by %Lg", beta[i * stride].value, fine_value(saved[i], saved_fine[i]), off);
            ck_assert(saved[i] || saved_fine[i] || !(v[i] || fine[i]));
        }
        ck_assert_int_eq(hyper_momentum_divide_fine(coder, count, v, fine, beta, stride), HYPER_FINE);
        ck_assert_mem_eq(v, saved, sizeof v);
        ck_assert_mem_eq(fine, saved_fine, sizeof fine);
    }
    ck_assert(hyper_store_is_empty(store));
    hyper_store_free(store);
}
END_TEST

static uint64_t product_of_fine(int set)
{
    hyper_momentum beta[BLOCK];
    int64_t v[BLOCK];
    uint32_t fine[BLOCK];
    hyper_store *store = hyper_store_new(1, NULL, 0);
    hyper_limit_instruction_set(set);
    random_state = 7;
    for (int i = 0; i < BLOCK; i++)
        while (!hyper_momentum_of(random_beta(i), &beta[i]))
            continue;
    set_fine(v, fine);
    for (int k = 0; k < 50; k++)
        ck_assert_int_eq(hyper_momentum_multiply_fine(hyper_store_coder(store, 0), BLOCK - 5, v, fine, beta, k & 1), HYPER_FINE);
    hyper_store_free(store);
    uint64_t sum = 0;
    for (int i = 0; i < BLOCK; i++)
        sum = (sum ^ (uint64_t)v[i]) * UINT64_C(0x9E3779B97F4A7C15) + fine[i];
    return sum;
}

START_TEST(products_of_96_bits_are_the_same_on_every_instruction_set)
{
#ifdef __x86_64__
    uint64_t first = product_of_fine(HYPER_BASELINE);
    ck_assert(product_of_fine(HYPER_AVX2) == first);
    ck_assert(product_of_fine(HYPER_AVX512) == first);
#endif
}
END_TEST

/* ---- the arithmetic that is made into vectors ---- */

START_TEST(conversions_are_those_of_the_language)
{
    static const int64_t integers[] = { 0, 1, -1, INT64_MAX, INT64_MIN, INT64_C(1) << 53, (INT64_C(1) << 53) + 1, -(INT64_C(1) << 53) - 3,
                                        UINT32_MAX, INT32_MIN };
    for (int i = 0; i < 100000; i++) {
        int64_t x = i < 10 ? integers[i] : random_integer();
        double y = ldexp(uniform() - 0.5, (int)(random_bits() % 70) - 6), half = (double)(random_integer() >> 11) + 0.5;
        if (hyper_real(x) != (double)x || hyper_high_half(x) != (double)(x >> 32) || hyper_low_half(x) != (double)(x & UINT32_MAX))
            ck_abort_msg("%lld", (long long)x);
        if ((fabs(y) < 0x1p63 && hyper_round(y) != llrint(y)) || hyper_round(half) != llrint(half))
            ck_abort_msg("%a or %a", y, half);
    }
}
END_TEST

RUN_TESTS("hyperopt_momentum", usual_momenta_are_the_ratios_that_are_meant, what_is_no_momentum_has_no_ratio,
          no_denominator_up_to_the_largest_gives_a_nearer_ratio_from_below, what_is_left_of_a_momentum_is_multiplied_and_undone,
          integers_with_32_bits_more_are_multiplied_by_momenta_and_come_back, products_of_96_bits_are_the_same_on_every_instruction_set,
          conversions_are_those_of_the_language)
