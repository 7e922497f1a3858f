/* The integer core of reversible training: ratios, the coder, the store of its words, and descent with momentum on blocks. An internal unit test: it
 * includes headers of hyperopt/src. */
#include "arithmetic.h"
#include "coder.h"
#include "dynamics.h"
#include "hyperopt_random.h"
#include "testing.h"
#include <unistd.h>

enum { BLOCK = HYPER_BLOCK };

static hyper_ratio ratio(int64_t n, int64_t d)
{
    return (hyper_ratio){ (uint16_t)(n - 1), (uint16_t)(d - 1) };
}

static double value_of(hyper_ratio r)
{
    return (r.n_less_1 + 1.0) / (r.d_less_1 + 1.0);
}

static hyper_momentum momentum(int64_t n, int64_t d)
{
    return (hyper_momentum){ (double)n / (double)d, ratio(n, d) };
}

static hyper_ratio random_ratio(void)
{
    int64_t d = 1 + (int64_t)(random_bits() % (random_bits() % 2 ? 65536 : 20)), n = 1 + (int64_t)(random_bits() % (uint64_t)d);
    static const int64_t special[][2] = { { 1, 1 }, { 1, 65536 }, { 65535, 65536 }, { 65536, 65536 }, { 9, 10 }, { 999, 1000 }, { 1, 2 } };
    uint64_t i = random_bits() % 14;
    return i < 7 ? ratio(special[i][0], special[i][1]) : ratio(n, d);
}

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

__extension__ typedef __int128 wide;

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

/* ---- the coder ---- */

/* Calls of all kinds: made from their number, so that they can be made again. */
typedef struct {
    int64_t count, stride;
    hyper_ratio ratio[BLOCK];
    bool digits;
    int64_t base[BLOCK];
} call;

static void make_call(call *c, int number)
{
    random_state = (uint64_t)number * 7919 + 1;
    c->count = random_bits() % 4 == 0 ? 1 + (int64_t)(random_bits() % 20) : 1 + (int64_t)(random_bits() % BLOCK);
    c->stride = (int64_t)(random_bits() % 2);
    c->digits = random_bits() % 8 == 0;
    bool alike = random_bits() % 2;
    for (int i = 0; i < BLOCK; i++) {
        c->ratio[i] = alike && i ? c->ratio[0] : random_ratio();
        c->base[i] = 1 + (int64_t)(random_bits() % (alike ? 3 : 65536));
    }
}

static void assert_is_rounded(int64_t before, int64_t after, hyper_ratio r)
{
    wide exact = (wide)before * (r.n_less_1 + 1), d = r.d_less_1 + 1, error = (wide)after * d - exact;
    if (error <= -d || error >= d)
        ck_abort_msg("%lld times %d/%d gives %lld", (long long)before, r.n_less_1 + 1, r.d_less_1 + 1, (long long)after);
}

/* Makes `calls` calls on one coder with increments of any size between, and undoes them. Gives the bits at the top over the bound. */
static double there_and_back(hyper_store *store, int64_t which, int calls, bool wild)
{
    static call c;
    static int64_t v[BLOCK], first[BLOCK], digit[BLOCK], saved[BLOCK];
    hyper_coder *coder = hyper_store_coder(store, which);
    double bound = 0;
    random_state = (uint64_t)which + 1;
    for (int i = 0; i < BLOCK; i++)
        v[i] = first[i] = wild ? random_integer() : (int64_t)((uniform() - 0.5) * 0x1p52);
    for (int k = 0; k < calls; k++) {
        make_call(&c, k);
        memcpy(saved, v, sizeof v);
        for (int i = 0; i < c.count; i++)
            digit[i] = (int64_t)(random_bits() % (uint64_t)c.base[i]);
        for (int i = 0; i < c.count; i++)
            bound += c.digits ? log2((double)c.base[i]) : -log2(value_of(c.ratio[i * c.stride]));
        int64_t bad = c.digits ? hyper_coder_push(coder, c.count, digit, c.base) : hyper_coder_multiply(coder, c.count, v, c.ratio, c.stride);
        ck_assert_int_eq(bad, HYPER_FINE);
        for (int i = 0; i < c.count && !c.digits; i++)
            assert_is_rounded(saved[i], v[i], c.ratio[i * c.stride]);
        for (int i = 0; i < c.count; i++)
            v[i] = (int64_t)((uint64_t)v[i] + (wild ? (uint64_t)0 : (uint64_t)((int64_t)(uniform() * 0x1p50))));
    }
    double bits = hyper_store_bits(store);
    for (int k = calls - 1; k >= 0; k--) {
        int64_t back[BLOCK];
        make_call(&c, k);
        for (int i = 0; i < c.count; i++)
            digit[i] = (int64_t)(random_bits() % (uint64_t)c.base[i]);
        for (int i = 0; i < c.count; i++)
            v[i] = (int64_t)((uint64_t)v[i] - (wild ? (uint64_t)0 : (uint64_t)((int64_t)(uniform() * 0x1p50))));
        int64_t bad = c.digits ? hyper_coder_pop(coder, c.count, back, c.base) : hyper_coder_divide(coder, c.count, v, c.ratio, c.stride);
        ck_assert_int_eq(bad, HYPER_FINE);
        ck_assert(!c.digits || memcmp(digit, back, (size_t)c.count * sizeof *back) == 0);
    }
    ck_assert(hyper_store_is_empty(store));
    ck_assert_mem_eq(v, first, sizeof v);
    return bits / bound;
}

START_TEST(calls_of_all_ratios_in_any_order_are_undone_to_the_bit)
{
    hyper_store *store = hyper_store_new(2, NULL, 0);
    ck_assert_double_lt(fabs(there_and_back(store, 0, 1500, true) - 1), 0.001);
    ck_assert_double_lt(fabs(there_and_back(store, 1, 1500, false) - 1), 0.001);
    hyper_store_free(store);
}
END_TEST

static int64_t lowest_and_highest(int64_t i)
{
    static const int64_t ends[] = { INT64_MAX, INT64_MIN, INT64_MAX - 1, INT64_MIN + 1, 0, -1, INT64_MIN + 65536, INT64_MAX - 65535 };
    return ends[i % 8];
}

START_TEST(the_ends_of_the_range_come_back)
{
    hyper_store *store = hyper_store_new(1, NULL, 0);
    for (int round = 0; round < 300; round++) {
        int64_t v[BLOCK];
        hyper_ratio r[BLOCK];
        for (int i = 0; i < BLOCK; i++) {
            v[i] = lowest_and_highest(i);
            r[i] = random_ratio();
        }
        ck_assert_int_eq(hyper_coder_multiply(hyper_store_coder(store, 0), BLOCK, v, r, 1), HYPER_FINE);
        for (int i = 0; i < BLOCK; i++)
            assert_is_rounded(lowest_and_highest(i), v[i], r[i]);
        ck_assert_int_eq(hyper_coder_divide(hyper_store_coder(store, 0), BLOCK, v, r, 1), HYPER_FINE);
        for (int i = 0; i < BLOCK; i++)
            if (v[i] != lowest_and_highest(i))
                ck_abort_msg("element %d, ratio %d/%d", i, r[i].n_less_1 + 1, r[i].d_less_1 + 1);
    }
    ck_assert(hyper_store_is_empty(store));
    hyper_store_free(store);
}
END_TEST

/* Near what doubles hold with room to spare: powers of two, one off, and anything below. */
static int64_t near_a_power(int power)
{
    int64_t one = INT64_C(1) << (power - (int)(random_bits() % 3)), any = (int64_t)(random_bits() % 3) - 1;
    int64_t v = random_bits() % 4 ? (int64_t)(random_bits() % (uint64_t)one) : one + any;
    return random_bits() % 2 ? v : -v;
}

/* The first element of `far` is that of `near` and a multiple of d, which is another integer with the same digits, too large for doubles. */
static void assert_alike(hyper_store *store, int power, bool halves, int64_t stride)
{
    int64_t near[BLOCK], far[BLOCK], first[BLOCK], far_first[BLOCK];
    hyper_ratio r[BLOCK];
    for (int i = 0; i < BLOCK; i++) {
        do
            r[i] = random_ratio();
        while (halves && 2 * (r[i].n_less_1 + 1) < r[i].d_less_1 + 1);
        near[i] = first[i] = far[i] = far_first[i] = near_a_power(power);
    }
    int64_t times = (INT64_C(1) << 60) / (r[0].d_less_1 + 1);
    far[0] = far_first[0] = first[0] + times * (r[0].d_less_1 + 1);
    ck_assert_int_eq(hyper_coder_multiply(hyper_store_coder(store, 0), BLOCK, near, r, stride), HYPER_FINE);
    ck_assert_int_eq(hyper_coder_multiply(hyper_store_coder(store, 1), BLOCK, far, r, stride), HYPER_FINE);
    ck_assert_mem_eq(near + 1, far + 1, sizeof near - sizeof *near);
    ck_assert_int_eq(near[0] + times * (r[0].n_less_1 + 1), far[0]);
    uint64_t lanes[HYPER_LANES], far_lanes[HYPER_LANES];
    hyper_coder_lanes(hyper_store_coder(store, 0), lanes);
    hyper_coder_lanes(hyper_store_coder(store, 1), far_lanes);
    ck_assert_mem_eq(lanes, far_lanes, sizeof lanes);
    ck_assert_int_eq(hyper_coder_divide(hyper_store_coder(store, 0), BLOCK, near, r, stride), HYPER_FINE);
    ck_assert_int_eq(hyper_coder_divide(hyper_store_coder(store, 1), BLOCK, far, r, stride), HYPER_FINE);
    ck_assert_mem_eq(near, first, sizeof first);
    ck_assert_mem_eq(far, far_first, sizeof far_first);
}

START_TEST(integers_that_doubles_hold_are_multiplied_like_larger_ones)
{
    hyper_store *store = hyper_store_new(2, NULL, 0);
    for (int set = 0; set < 3; set++) {
#ifdef __x86_64__
        hyper_limit_instruction_set(set);
#endif
        for (int power = 40; power < 56; power++)
            for (int k = 0; k < 40; k++)
                assert_alike(store, power, k % 4 > 0, k % 2);
        ck_assert(hyper_store_is_empty(store));
    }
#ifdef __x86_64__
    hyper_limit_instruction_set(HYPER_AVX512);
#endif
    hyper_store_free(store);
}
END_TEST

START_TEST(zero_stays_zero_among_others)
{
    hyper_store *store = hyper_store_new(1, NULL, 0);
    hyper_ratio r[BLOCK];
    int64_t v[BLOCK];
    for (int k = 0; k < 200; k++) {
        for (int i = 0; i < BLOCK; i++) {
            v[i] = i % 3 ? random_integer() : 0;
            r[i] = random_ratio();
        }
        ck_assert_int_eq(hyper_coder_multiply(hyper_store_coder(store, 0), BLOCK, v, r, 1), HYPER_FINE);
        for (int i = 0; i < BLOCK; i += 3)
            if (v[i])
                ck_abort_msg("element %d is %lld", i, (long long)v[i]);
    }
    hyper_store_free(store);
}
END_TEST

START_TEST(a_thousand_steps_take_the_bound)
{
    static const double betas[] = { 0.9, 0.5, 0.98, 0.1, 0.123456789 };
    for (int b = 0; b < 5; b++) {
        hyper_store *store = hyper_store_new(1, NULL, 0);
        hyper_coder *coder = hyper_store_coder(store, 0);
        int64_t v[500], first[500];
        hyper_momentum m;
        hyper_momentum_of(betas[b], &m);
        hyper_ratio r = m.ratio;
        for (int i = 0; i < 500; i++)
            v[i] = first[i] = (int64_t)((uniform() - 0.5) * 0x1p53);
        for (int t = 0; t < 1000; t++) {
            ck_assert_int_eq(hyper_coder_multiply(coder, 500, v, &r, 0), HYPER_FINE);
            for (int i = 0; i < 500; i++)
                v[i] += (t + i) * INT64_C(1234567890123) % (INT64_C(1) << 50);
        }
        double ratio_to_bound = hyper_store_bits(store) / (-log2(value_of(r)) * 500 * 1000);
        ck_assert_msg(fabs(ratio_to_bound - 1) < 0.001, "beta %g takes %g of the bound", betas[b], ratio_to_bound);
        for (int t = 999; t >= 0; t--) {
            for (int i = 0; i < 500; i++)
                v[i] -= (t + i) * INT64_C(1234567890123) % (INT64_C(1) << 50);
            ck_assert_int_eq(hyper_coder_divide(coder, 500, v, &r, 0), HYPER_FINE);
        }
        ck_assert(hyper_store_is_empty(store));
        ck_assert_mem_eq(v, first, sizeof v);
        hyper_store_free(store);
    }
}
END_TEST

/* A run's state after `calls` calls, and what the coder is at the end. */
static void run_calls(hyper_coder *coder, int from, int to, int64_t *v)
{
    static call c;
    for (int k = from; k < to; k++) {
        make_call(&c, k);
        ck_assert_int_eq(hyper_coder_multiply(coder, c.count, v, c.ratio, c.stride), HYPER_FINE);
        for (int i = 0; i < BLOCK; i++)
            v[i] = (v[i] >> 1) + (int64_t)((uniform() - 0.5) * 0x1p55);
    }
}

START_TEST(the_bits_are_the_same_where_words_are_thrown_away)
{
    hyper_store *keep = hyper_store_new(1, NULL, 0), *drop = hyper_store_new(1, NULL, 0);
    int64_t v[BLOCK] = { 1, 2, 3 }, w[BLOCK] = { 1, 2, 3 };
    uint64_t lanes[HYPER_LANES], others[HYPER_LANES];
    hyper_store_clear(drop, true);
    for (int k = 0; k < 2000; k += 100) {
        run_calls(hyper_store_coder(keep, 0), k, k + 100, v);
        run_calls(hyper_store_coder(drop, 0), k, k + 100, w);
        ck_assert_mem_eq(v, w, sizeof v);
        hyper_coder_lanes(hyper_store_coder(keep, 0), lanes);
        hyper_coder_lanes(hyper_store_coder(drop, 0), others);
        ck_assert_mem_eq(lanes, others, sizeof lanes);
    }
    ck_assert_int_lt(hyper_store_peak_bytes(drop), 2000);
    ck_assert_int_gt(hyper_store_peak_bytes(keep), 80000);
    hyper_store_free(keep);
    hyper_store_free(drop);
}
END_TEST

/* From saved lanes, and from the middle of a run that threw words away before. */
START_TEST(a_run_goes_on_from_saved_lanes_and_comes_back_to_them)
{
    static call c;
    hyper_store *one = hyper_store_new(1, NULL, 0), *two = hyper_store_new(1, NULL, 0);
    int64_t v[BLOCK] = { 5, -7 }, w[BLOCK], middle[BLOCK];
    uint64_t lanes[HYPER_LANES], back[HYPER_LANES];
    hyper_store_clear(one, true);
    run_calls(hyper_store_coder(one, 0), 0, 100, v);
    hyper_coder_lanes(hyper_store_coder(one, 0), lanes);
    ck_assert(hyper_coder_set_lanes(hyper_store_coder(two, 0), lanes));
    ck_assert(hyper_store_is_empty(two) && hyper_store_bits(two) == 0);
    hyper_store_begin(one);
    ck_assert(hyper_store_is_empty(one));
    memcpy(w, v, sizeof v);
    memcpy(middle, v, sizeof v);
    for (int k = 0; k < 50; k++) {
        make_call(&c, k);
        ck_assert_int_eq(hyper_coder_multiply(hyper_store_coder(one, 0), c.count, v, c.ratio, c.stride), HYPER_FINE);
        ck_assert_int_eq(hyper_coder_multiply(hyper_store_coder(two, 0), c.count, w, c.ratio, c.stride), HYPER_FINE);
    }
    ck_assert_mem_eq(v, w, sizeof v);
    for (int k = 49; k >= 0; k--) {
        make_call(&c, k);
        ck_assert_int_eq(hyper_coder_divide(hyper_store_coder(one, 0), c.count, v, c.ratio, c.stride), HYPER_FINE);
        ck_assert_int_eq(hyper_coder_divide(hyper_store_coder(two, 0), c.count, w, c.ratio, c.stride), HYPER_FINE);
    }
    ck_assert(hyper_store_is_empty(one) && hyper_store_is_empty(two));
    ck_assert_mem_eq(v, middle, sizeof v);
    ck_assert_mem_eq(w, middle, sizeof w);
    hyper_coder_lanes(hyper_store_coder(two, 0), back);
    ck_assert_mem_eq(lanes, back, sizeof lanes);
    lanes[3] = 7;
    ck_assert(!hyper_coder_set_lanes(hyper_store_coder(two, 0), lanes));
    lanes[3] = UINT64_MAX;
    ck_assert(!hyper_coder_set_lanes(hyper_store_coder(two, 0), lanes));
    hyper_store_free(one);
    hyper_store_free(two);
}
END_TEST

START_TEST(dividing_more_than_was_multiplied_is_a_mismatch)
{
    hyper_store *store = hyper_store_new(1, NULL, 0);
    hyper_ratio r = ratio(1, 65536);
    int64_t v[BLOCK] = { 0 };
    int64_t bad = HYPER_FINE;
    for (int k = 0; k < 3 && bad == HYPER_FINE; k++)
        bad = hyper_coder_divide(hyper_store_coder(store, 0), BLOCK, v, &r, 0);
    ck_assert(bad >= 0 && bad < BLOCK);
    ck_assert_int_eq(hyper_store_failure(store), HYPER_STORE_MISMATCH);
    hyper_store_clear(store, false);
    ck_assert(hyper_store_is_empty(store) && hyper_store_failure(store) == HYPER_STORE_FINE);
    for (int i = 0; i < BLOCK; i++)
        v[i] = i == 40 ? INT64_MAX / 2 : 0;
    bad = hyper_coder_divide(hyper_store_coder(store, 0), BLOCK, v, &r, 0);
    ck_assert(bad >= 0 && hyper_store_failure(store) == HYPER_STORE_MISMATCH);
    hyper_store_free(store);
}
END_TEST

START_TEST(what_a_coder_asks_for_need_not_be_there_and_changes_nothing)
{
    hyper_store *one = hyper_store_new(1, NULL, 0), *two = hyper_store_new(1, NULL, 0);
    hyper_coder *asks = hyper_store_coder(one, 0), *does_not = hyper_store_coder(two, 0);
    hyper_ratio r = ratio(9, 10);
    int64_t v[BLOCK], w[BLOCK];
    hyper_ahead ahead = { .count = 0 };
    for (int i = 0; i < BLOCK; i++)
        v[i] = w[i] = random_integer();
    hyper_ahead_add(&ahead, NULL, sizeof *v, 0);
    ck_assert_int_eq(ahead.count, 0);
    for (int k = 0; k < 100; k++)
        hyper_ahead_add(&ahead, v, sizeof *v, k % 2 ? -(INT64_C(1) << 40) : INT64_C(1) << 40);
    ck_assert_int_eq(ahead.count, HYPER_AHEAD);
    hyper_coder_ask(asks, &ahead);
    ck_assert_int_eq(hyper_coder_multiply(asks, BLOCK, v, &r, 0), HYPER_FINE);
    ck_assert_int_eq(hyper_coder_multiply(does_not, BLOCK, w, &r, 0), HYPER_FINE);
    ck_assert_mem_eq(v, w, sizeof v);
    ck_assert_int_eq(hyper_coder_divide(asks, BLOCK, v, &r, 0), HYPER_FINE);
    ck_assert_int_eq(hyper_coder_divide(does_not, BLOCK, w, &r, 0), HYPER_FINE);
    ck_assert_mem_eq(v, w, sizeof v);
    hyper_store_free(one);
    hyper_store_free(two);
}
END_TEST

/* ---- checksums ---- */

START_TEST(a_checksum_tells_elements_and_their_order_apart)
{
    int64_t x[BLOCK];
    for (int i = 0; i < BLOCK; i++)
        x[i] = random_integer();
    for (int64_t count = 1; count <= BLOCK; count += 37) {
        uint64_t sum = hyper_checksum(count, x, 0);
        ck_assert_uint_ne(sum, hyper_checksum(count, x, 1));
        for (int64_t i = 0; i < count; i++) {
            int64_t bit = INT64_C(1) << (i % 63), other = (i + 16) % count, swapped = x[other];
            x[i] += bit;
            ck_assert_uint_ne(sum, hyper_checksum(count, x, 0));
            x[i] -= bit;
            if (x[i] == swapped)
                continue;
            x[other] = x[i];
            x[i] = swapped;
            ck_assert_uint_ne(sum, hyper_checksum(count, x, 0));
            x[i] = x[other];
            x[other] = swapped;
        }
        ck_assert_uint_eq(sum, hyper_checksum(count, x, 0));
    }
}
END_TEST

/* ---- the spill file ---- */

START_TEST(a_spill_file_takes_what_does_not_fit)
{
    FILE *spill = tmpfile();
    fputs("before", spill);
    hyper_store *store = hyper_store_new(2, spill, 4096);
    ck_assert_int_eq(hyper_store_failure(store), HYPER_STORE_FINE);
    for (int pass = 0; pass < 2; pass++) {
        there_and_back(store, 0, 300, true);
        there_and_back(store, 1, 300, false);
    }
    fseek(spill, 0, SEEK_END);
    long size = ftell(spill);
    ck_assert_int_gt(size, 20000);
    ck_assert_int_le(size, hyper_store_peak_bytes(store));
    char text[7] = "";
    rewind(spill);
    ck_assert_int_eq(fread(text, 1, 6, spill), 6);
    ck_assert_str_eq(text, "before");
    hyper_store_free(store);
    fclose(spill);
}
END_TEST

static call shared_call;
static int64_t of_strips[8][BLOCK], at_first[8][BLOCK];
static _Atomic int failures;

static void multiply_strip(int64_t strip, void *store)
{
    for (int k = 0; k < 100; k++)
        failures += hyper_coder_multiply(hyper_store_coder(store, strip), BLOCK, of_strips[strip], shared_call.ratio, 1) != HYPER_FINE;
}

static void divide_strip(int64_t strip, void *store)
{
    for (int k = 0; k < 100; k++)
        failures += hyper_coder_divide(hyper_store_coder(store, strip), BLOCK, of_strips[strip], shared_call.ratio, 1) != HYPER_FINE;
}

START_TEST(coders_of_several_threads_share_a_spill_file)
{
    int64_t peaks[2];
    random_state = 3;
    for (int i = 0; i < BLOCK; i++)
        shared_call.ratio[i] = random_ratio();
    for (int s = 0; s < 8; s++)
        for (int i = 0; i < BLOCK; i++)
            of_strips[s][i] = at_first[s][i] = random_integer();
    for (int several = 0; several < 2; several++) {
        FILE *spill = tmpfile();
        hyper_store *store = hyper_store_new(8, spill, 10000);
        ad_set_num_threads(several ? 4 : 1);
        ad_parallel_for(8, multiply_strip, store);
        ad_parallel_for(8, divide_strip, store);
        ck_assert_int_eq(failures, 0);
        ck_assert(hyper_store_is_empty(store));
        ck_assert_mem_eq(of_strips, at_first, sizeof at_first);
        peaks[several] = hyper_store_peak_bytes(store);
        hyper_store_free(store);
        fclose(spill);
    }
    ck_assert_int_gt(peaks[0], 80000);
    ck_assert_int_eq(peaks[0], peaks[1]);
}
END_TEST

START_TEST(a_file_that_cannot_be_used_is_found_at_once)
{
    char name[] = "/tmp/hyperopt_core_XXXXXX";
    int descriptor = mkstemp(name);
    FILE *files[] = { fopen("/dev/full", "r+"), fopen(name, "r"), fopen("/dev/null", "r+"), fopen(name, "w") };
    for (int i = 0; i < 4; i++) {
        if (!files[i])
            continue;
        hyper_store *store = hyper_store_new(1, files[i], 4096);
        ck_assert_msg(hyper_store_failure(store) == HYPER_STORE_IO, "file %d", i);
        hyper_store_clear(store, false);
        ck_assert_int_eq(hyper_store_failure(store), HYPER_STORE_IO);
        hyper_store_free(store);
        fclose(files[i]);
    }
    close(descriptor);
    remove(name);
}
END_TEST

/* A file with a limit, as a disk that gets full: the process may not write beyond. */
START_TEST(a_file_that_gets_full_is_a_failure_and_clearing_begins_again)
{
    static char room[3000];
    FILE *spill = fmemopen(room, sizeof room, "w+");
    hyper_store *store = hyper_store_new(1, spill, 64);
    ck_assert_int_eq(hyper_store_failure(store), HYPER_STORE_FINE);
    hyper_ratio r = ratio(1, 65536);
    int64_t v[BLOCK] = { 0 }, bad = HYPER_FINE;
    for (int k = 0; k < 20 && bad == HYPER_FINE; k++)
        bad = hyper_coder_multiply(hyper_store_coder(store, 0), BLOCK, v, &r, 0);
    ck_assert(bad >= 0 && bad < BLOCK);
    ck_assert_int_eq(hyper_store_failure(store), HYPER_STORE_IO);
    hyper_store_clear(store, false);
    ck_assert_int_eq(hyper_store_failure(store), HYPER_STORE_FINE);
    hyper_store_free(store);
    fclose(spill);
}
END_TEST

START_TEST(without_memory_a_coder_fails_and_nothing_leaks)
{
    hyper_ratio r = ratio(1, 65536);
    for (int fail = 1; fail < 6; fail++) {
        int64_t v[BLOCK] = { 0 }, bad = HYPER_FINE;
        ad_memory_fail_after(fail);
        hyper_store *store = hyper_store_new(1, NULL, 0);
        for (int k = 0; k < 20 && store && bad == HYPER_FINE; k++)
            bad = hyper_coder_multiply(hyper_store_coder(store, 0), BLOCK, v, &r, 0);
        ck_assert(!store || (bad >= 0 && hyper_store_failure(store) == HYPER_STORE_NO_MEMORY));
        assert_fails(false, AD_ERROR_MEMORY, "");
        ad_memory_fail_after(0);
        hyper_store_free(store);
    }
}
END_TEST

/* ---- descent with momentum on blocks ---- */

enum { MOST_STEPS = 40 };

/* A block of a run with all that it points at. */
typedef struct {
    hyper_block b;
    int64_t x[BLOCK], v[BLOCK];
    double dx[BLOCK], dv[BLOCK], alpha[BLOCK], alpha_term[BLOCK], beta_term[BLOCK];
    hyper_momentum beta[BLOCK];
    union {
        float single[BLOCK];
        double whole[BLOCK];
    } gradient, product, x_out, direction;
} trial;

static void set_trial(trial *s, hyper_coder *coder, int64_t count, bool single, int64_t alpha_stride, int64_t beta_stride)
{
    memset(s, 0, sizeof *s);
    s->b = (hyper_block){ .count = count, .single = single, .state = { s->x, s->v }, .unit = { 0x1p-52, 0x1p-52 }, .cotangent = { s->dx, s->dv },
                          .rate = { { s->alpha, alpha_stride }, { s->beta, beta_stride } }, .rate_term = { s->alpha_term, s->beta_term },
                          .gradient = &s->gradient, .product = &s->product, .x_out = &s->x_out, .direction_out = &s->direction, .coder = coder };
    random_state = 11;
    for (int i = 0; i < BLOCK; i++) {
        s->x[i] = (int64_t)((uniform() - 0.5) * 0x1p53);
        s->v[i] = (int64_t)((uniform() - 0.5) * 0x1p50);
        s->alpha[i] = exp(-5 * uniform());
        hyper_ratio r = random_ratio();
        s->beta[i] = momentum(r.n_less_1 + 1, r.d_less_1 + 1);
        s->beta[i].value *= i % 3 ? 1 : 1 + 1e-6 * (r.n_less_1 < r.d_less_1);
        s->dx[i] = uniform() - 0.5;
        s->dv[i] = uniform() - 0.5;
    }
}

static void set_vector(bool single, void *vector, int seed)
{
    random_state = (uint64_t)seed * 12345 + 7;
    for (int i = 0; i < BLOCK; i++) {
        double value = i % 5 == 0 ? 0 : (uniform() - 0.5) * exp(4 * uniform());
        if (single)
            ((float *)vector)[i] = (float)value;
        else
            ((double *)vector)[i] = value;
    }
}

static double element(bool single, const void *vector, int64_t i)
{
    return single ? (double)((const float *)vector)[i] : ((const double *)vector)[i];
}

/* The increments by the formulas: beta's part of v is what the coder gave. */
static void assert_advanced(const trial *before, const trial *after, const int64_t *multiplied)
{
    for (int64_t i = 0; i < after->b.count; i++) {
        double alpha = after->alpha[i * after->b.rate[0].stride], weight = 1 - after->beta[i * after->b.rate[1].stride].value;
        int64_t v = multiplied[i] + llrint(-weight * 0x1p52 * element(after->b.single, &after->gradient, i)), x = before->x[i] + llrint(alpha * (double)v);
        double out = (double)x * 0x1p-52;
        if (after->v[i] != v || after->x[i] != x || element(after->b.single, &after->x_out, i) != (after->b.single ? (double)(float)out : out))
            ck_abort_msg("element %lld", (long long)i);
    }
}

static void assert_retreated(const trial *after, const trial *before)
{
    bool single = before->b.single;
    for (int64_t i = 0; i < before->b.count; i++) {
        double alpha = before->alpha[i * before->b.rate[0].stride], beta = before->beta[i * before->b.rate[1].stride].value;
        double weight = 1 - before->beta[i * before->b.rate[1].stride].value, dv = after->dv[i] + alpha * after->dx[i];
        bool right = before->alpha_term[i] == after->dx[i] * ((double)after->v[i] * 0x1p-52) &&
                     element(single, &before->direction, i) == (single ? (double)(float)(weight * dv) : weight * dv) &&
                     before->beta_term[i] == dv * ((double)before->v[i] * 0x1p-52 + element(single, &before->gradient, i)) && before->dv[i] == dv * beta &&
                     before->dx[i] == after->dx[i] - element(single, &before->product, i);
        if (!right)
            ck_abort_msg("element %lld", (long long)i);
    }
}

/* Steps there and back; gives a sum over all bits that were computed. */
static uint64_t run_trial(int64_t count, bool single, int64_t alpha_stride, int64_t beta_stride)
{
    static trial s, before, first;
    static int64_t multiplied[BLOCK];
    uint64_t checksum[MOST_STEPS], all = 0;
    hyper_store *store = hyper_store_new(2, NULL, 0);
    set_trial(&s, hyper_store_coder(store, 0), count, single, alpha_stride, beta_stride);
    first = s;
    for (int t = 0; t < MOST_STEPS; t++) {
        set_vector(single, &s.gradient, t);
        before = s;
        memcpy(multiplied, s.v, sizeof multiplied);
        hyper_momentum_multiply(hyper_store_coder(store, 1), count, multiplied, s.beta, beta_stride);
        ck_assert_int_eq(hyper_sgd_dynamics.advance(&s.b), HYPER_FINE);
        assert_advanced(&before, &s, multiplied);
        checksum[t] = s.b.checksum;
        all = all * 31 + checksum[t] + (uint64_t)s.x[count - 1] + (uint64_t)s.v[0];
    }
    for (int t = MOST_STEPS - 1; t >= 0; t--) {
        memset(&s.gradient, 0xff, sizeof s.gradient); /* NaN: it is not there yet */
        before = s;
        ck_assert_int_eq(hyper_sgd_dynamics.retreat_position(&s.b), HYPER_FINE);
        set_vector(single, &s.gradient, t);
        set_vector(single, &s.product, t + 100);
        ck_assert_int_eq(hyper_sgd_dynamics.retreat_moments(&s.b), HYPER_FINE);
        ck_assert_uint_eq(s.b.checksum, checksum[t]);
        assert_retreated(&before, &s);
    }
    ck_assert_mem_eq(s.x, first.x, sizeof s.x);
    ck_assert_mem_eq(s.v, first.v, sizeof s.v);
    hyper_store_free(store);
    return all;
}

START_TEST(steps_are_the_formulas_and_are_undone_to_the_bit)
{
    static const int64_t counts[] = { BLOCK, 1, 16, 17, 250 };
    for (int i = 0; i < 5 * 8; i++)
        run_trial(counts[i / 8], i & 1, i >> 1 & 1, i >> 2 & 1);
}
END_TEST

START_TEST(every_instruction_set_gives_the_same_bits)
{
#ifdef __x86_64__
    for (int i = 0; i < 8; i++) {
        uint64_t sums[3];
        for (int set = HYPER_BASELINE; set <= HYPER_AVX512; set++) {
            hyper_limit_instruction_set(set);
            sums[set] = run_trial(i < 4 ? BLOCK : 131, i & 1, i >> 1 & 1, i >> 2 & 1);
        }
        ck_assert(sums[0] == sums[1] && sums[1] == sums[2]);
    }
    for (int set = HYPER_BASELINE; set < HYPER_AVX512; set++) {
        hyper_limit_instruction_set(set);
        hyper_store *store = hyper_store_new(1, NULL, 0);
        there_and_back(store, 0, 100, true);
        hyper_store_free(store);
    }
    hyper_limit_instruction_set(HYPER_AVX512);
#endif
}
END_TEST

/* Which words move, and in which order, is the same: another instruction set than the one that multiplied divides. */
START_TEST(what_one_instruction_set_multiplies_another_divides)
{
#ifdef __x86_64__
    static call c;
    static int64_t v[BLOCK], first[BLOCK];
    for (int i = 0; i < BLOCK; i++)
        first[i] = random_integer();
    for (int sets = 0; sets < 9; sets++) {
        hyper_store *store = hyper_store_new(1, NULL, 0);
        memcpy(v, first, sizeof v);
        for (int k = 0; k < 800; k++) {
            int number = k < 400 ? k : 799 - k;
            hyper_limit_instruction_set(k < 400 ? sets % 3 : sets / 3);
            make_call(&c, number);
            int64_t bad = k < 400 ? hyper_coder_multiply(hyper_store_coder(store, 0), c.count, v, c.ratio, c.stride)
                                  : hyper_coder_divide(hyper_store_coder(store, 0), c.count, v, c.ratio, c.stride);
            ck_assert_int_eq(bad, HYPER_FINE);
        }
        ck_assert(hyper_store_is_empty(store));
        ck_assert_mem_eq(v, first, sizeof v);
        hyper_store_free(store);
    }
    hyper_limit_instruction_set(HYPER_AVX512);
#endif
}
END_TEST

START_TEST(where_the_moments_are_stored_going_back_leaves_them_alone)
{
    static trial s;
    int64_t v[BLOCK];
    set_trial(&s, NULL, BLOCK, false, 0, 0);
    memcpy(v, s.v, sizeof v);
    set_vector(false, &s.gradient, 1);
    ck_assert_int_eq(hyper_sgd_dynamics.retreat_moments(&s.b), HYPER_FINE);
    ck_assert_mem_eq(v, s.v, sizeof v);
    ck_assert(s.dx[9] != 0);
    ck_assert_double_eq(s.beta_term[9], (s.dv[9] / s.beta[0].value) * (0x1p-52 * (double)v[9] + s.gradient.whole[9]));
}
END_TEST

/* dv' and dx' by differences of the step in float64. */
START_TEST(tangents_follow_the_step)
{
    static trial s;
    static double dalpha[BLOCK], dbeta[BLOCK], dx[BLOCK], dv[BLOCK];
    set_trial(&s, NULL, BLOCK, false, 1, 1);
    set_vector(false, &s.gradient, 1);
    set_vector(false, &s.product, 2);
    set_vector(false, dalpha, 3);
    set_vector(false, dbeta, 4);
    s.b.rate_tangent[0] = (hyper_rate_view){ dalpha, 1 };
    s.b.rate_tangent[1] = (hyper_rate_view){ dbeta, 1 };
    memcpy(dx, s.dx, sizeof dx);
    memcpy(dv, s.dv, sizeof dv);
    ck_assert_int_eq(hyper_sgd_dynamics.follow(&s.b), HYPER_FINE);
    for (int i = 0; i < BLOCK; i++) {
        double out[2][2], h = 1e-5;
        for (int side = 0; side < 2; side++) {
            double e = side ? h : -h, beta = s.beta[i].value + e * dbeta[i], alpha = s.alpha[i] + e * dalpha[i];
            double v = beta * ((double)s.v[i] * 0x1p-52 + e * dv[i]) - (1 - beta) * (s.gradient.whole[i] + e * s.product.whole[i]);
            out[side][0] = v;
            out[side][1] = (double)s.x[i] * 0x1p-52 + e * dx[i] + alpha * v;
        }
        if (fabs((out[1][0] - out[0][0]) / (2 * h) - s.dv[i]) > 1e-6 || fabs((out[1][1] - out[0][1]) / (2 * h) - s.dx[i]) > 1e-5)
            ck_abort_msg("element %d: %g and %g", i, s.dv[i], s.dx[i]);
    }
}
END_TEST

static void assert_step_fails(trial *s, hyper_block_function step, int64_t at, int state, const char *what, double value)
{
    ck_assert_int_eq(step(&s->b), at);
    ck_assert_int_eq(s->b.failed_state, state);
    ck_assert_msg(s->b.failed_what && strstr(s->b.failed_what, what), "%s, not %s", s->b.failed_what, what);
    ck_assert_msg(isnan(value) ? isnan(s->b.failed_value) : fabs(s->b.failed_value / value - 1) < 1e-6 || s->b.failed_value == value, "%s is %g, not %g", what,
                  s->b.failed_value, value);
}

START_TEST(the_first_element_that_is_not_a_number_or_does_not_fit_is_named)
{
    static trial s;
    static const double bad[] = { NAN, INFINITY, -INFINITY, 1e9 };
    for (int i = 0; i < 16; i++) {
        bool single = i & 1, own = i & 2;
        hyper_store *store = hyper_store_new(1, NULL, 0);
        hyper_coder *coder = hyper_store_coder(store, 0);
        double value = bad[i / 4];
        set_trial(&s, coder, 300, single, own, own);
        for (int k = 0; k < BLOCK; k++)
            s.beta[k] = momentum(1, 2);
        if (single)
            s.gradient.single[77] = s.gradient.single[200] = (float)value;
        else
            s.gradient.whole[77] = s.gradient.whole[200] = value;
        assert_step_fails(&s, hyper_sgd_dynamics.advance, 77, 1, "the gradient", value);
        assert_step_fails(&s, hyper_sgd_dynamics.retreat_moments, 77, 1, "the gradient", value);

        set_trial(&s, coder, 300, single, own, own);
        s.beta[0] = s.beta[131] = momentum(1, 2);
        s.alpha[own ? 131 : 0] = value * 1e6;
        s.v[own ? 131 : 0] = INT64_C(1) << 52;
        assert_step_fails(&s, hyper_sgd_dynamics.advance, own ? 131 : 0, 0, "learning rate times velocity", value * 0.5e6);
        hyper_store_clear(store, false);

        set_trial(&s, coder, 300, single, own, own);
        for (int k = 0; k < BLOCK; k++)
            s.beta[k] = momentum(999, 1000);
        s.v[50] = INT64_MIN + 5;
        if (single)
            s.gradient.single[50] = 20480;
        else
            s.gradient.whole[50] = 20480;
        assert_step_fails(&s, hyper_sgd_dynamics.advance, 50, 1, "the velocity", -0.999 * 2048 - 20.48);
        hyper_store_clear(store, false);

        set_trial(&s, coder, 300, single, own, own);
        for (int k = 0; k < BLOCK; k++)
            s.beta[k] = momentum(1, 1);
        s.alpha[40 * own] = 1;
        s.x[40] = INT64_MAX - 5;
        s.v[40] = INT64_C(1) << 52;
        assert_step_fails(&s, hyper_sgd_dynamics.advance, 40, 0, "the value", 2049);
        set_trial(&s, coder, 300, single, own, own);
        s.alpha[40 * own] = 1;
        s.x[40] = INT64_MIN + 5;
        s.v[40] = INT64_C(1) << 52;
        assert_step_fails(&s, hyper_sgd_dynamics.retreat_position, 40, 0, "the value", -2049);
        hyper_store_free(store);
    }
}
END_TEST

START_TEST(a_failure_of_the_coder_is_told_as_such)
{
    static trial s;
    hyper_store *store = hyper_store_new(1, NULL, 0);
    set_trial(&s, hyper_store_coder(store, 0), BLOCK, false, 0, 0);
    s.beta[0] = momentum(1, 65536);
    int64_t bad = HYPER_FINE;
    for (int k = 0; k < 3 && bad == HYPER_FINE; k++) {
        memset(s.v, 0, sizeof s.v);
        bad = hyper_sgd_dynamics.retreat_moments(&s.b);
    }
    ck_assert(bad >= 0 && !s.b.failed_what && hyper_store_failure(store) == HYPER_STORE_MISMATCH);
    hyper_store_free(store);
}
END_TEST

RUN_TESTS("hyperopt_core", usual_momenta_are_the_ratios_that_are_meant, what_is_no_momentum_has_no_ratio,
          no_denominator_up_to_the_largest_gives_a_nearer_ratio_from_below, what_is_left_of_a_momentum_is_multiplied_and_undone,
          integers_with_32_bits_more_are_multiplied_by_momenta_and_come_back, products_of_96_bits_are_the_same_on_every_instruction_set,
          conversions_are_those_of_the_language, calls_of_all_ratios_in_any_order_are_undone_to_the_bit, the_ends_of_the_range_come_back,
          integers_that_doubles_hold_are_multiplied_like_larger_ones, zero_stays_zero_among_others, a_thousand_steps_take_the_bound, the_bits_are_the_same_where_words_are_thrown_away,
          a_run_goes_on_from_saved_lanes_and_comes_back_to_them, dividing_more_than_was_multiplied_is_a_mismatch,
          what_a_coder_asks_for_need_not_be_there_and_changes_nothing, a_checksum_tells_elements_and_their_order_apart, a_spill_file_takes_what_does_not_fit,
          coders_of_several_threads_share_a_spill_file, a_file_that_cannot_be_used_is_found_at_once,
          a_file_that_gets_full_is_a_failure_and_clearing_begins_again, without_memory_a_coder_fails_and_nothing_leaks,
          steps_are_the_formulas_and_are_undone_to_the_bit, every_instruction_set_gives_the_same_bits,
          what_one_instruction_set_multiplies_another_divides,
          where_the_moments_are_stored_going_back_leaves_them_alone, tangents_follow_the_step, the_first_element_that_is_not_a_number_or_does_not_fit_is_named,
          a_failure_of_the_coder_is_told_as_such)
