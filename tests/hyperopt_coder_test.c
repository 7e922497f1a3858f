/* The coder: products of integers with ratios, undone to the bit. An internal unit test, which includes headers of
 * hyperopt/src. */
#include "hyperopt_calls.h"

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

/* The first element of `far` is that of `near` and a multiple of d, which is another integer with the same digits, too
 * large for doubles. */
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

RUN_TESTS("hyperopt_coder", calls_of_all_ratios_in_any_order_are_undone_to_the_bit, the_ends_of_the_range_come_back,
          integers_that_doubles_hold_are_multiplied_like_larger_ones, zero_stays_zero_among_others, a_thousand_steps_take_the_bound,
          the_bits_are_the_same_where_words_are_thrown_away, a_run_goes_on_from_saved_lanes_and_comes_back_to_them,
          dividing_more_than_was_multiplied_is_a_mismatch, what_a_coder_asks_for_need_not_be_there_and_changes_nothing)
