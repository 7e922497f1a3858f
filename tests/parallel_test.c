/* A program's own loop on the threads of the pool. */
#include "testing.h"

enum { PARTS = 100, IN_PART = 1000 };

static void write_squares(int64_t part, void *context)
{
    int64_t *squares = context;
    for (int64_t i = part * IN_PART; i < (part + 1) * IN_PART; i++)
        squares[i] += i * i;
}

START_TEST(an_own_loop_runs_each_part_once_on_any_number_of_threads)
{
    static int64_t squares[PARTS * IN_PART];
    for (int threads = 1; threads <= 9; threads += 4) {
        ad_set_num_threads(threads);
        memset(squares, 0, sizeof squares);
        ad_parallel_for(PARTS, write_squares, squares);
        for (int64_t i = 0; i < PARTS * IN_PART; i++)
            ck_assert_msg(squares[i] == i * i, "%d threads, element %lld", threads, (long long)i);
        ck_assert(!ad_failed());
        ck_assert_int_eq(ad_num_threads(), threads);
    }
}
END_TEST

START_TEST(an_own_loop_of_no_parts_does_nothing_and_of_fewer_is_an_error)
{
    ad_parallel_for(0, write_squares, NULL);
    ck_assert(!ad_failed());
    assert_fails((ad_parallel_for(-1, write_squares, NULL), false), AD_ERROR_VALUE, "ad_parallel_for: -1 parts");
    assert_fails((ad_parallel_for(1, NULL, NULL), false), AD_ERROR_VALUE, "ad_parallel_for: the function is NULL");
}
END_TEST

static _Atomic bool left_its_thread;

struct inner_loop {
    pthread_t thread;
    int64_t next;
};

static void take_in_order(int64_t part, void *context)
{
    struct inner_loop *loop = context;
    if (!pthread_equal(loop->thread, pthread_self()) || part != loop->next++)
        left_its_thread = true;
}

static void loop_within(int64_t part, void *context)
{
    struct inner_loop loop = { .thread = pthread_self() };
    (void)part, (void)context;
    ad_parallel_for(50, take_in_order, &loop);
    if (loop.next != 50 || ad_num_threads() != 1)
        left_its_thread = true;
}

START_TEST(a_loop_within_a_part_runs_in_order_on_the_thread_of_the_part)
{
    ad_set_num_threads(4);
    for (int i = 0; i < 20; i++)
        ad_parallel_for(PARTS, loop_within, NULL);
    ck_assert(!left_its_thread && !ad_failed());
    ad_set_num_threads(1);
    struct inner_loop alone = { .thread = pthread_self() };
    ad_parallel_for(PARTS, take_in_order, &alone);
    ck_assert(!left_its_thread && alone.next == PARTS);
}
END_TEST

static _Atomic int with_an_error;

static void fail_in_odd_parts(int64_t part, void *sums)
{
    with_an_error += ad_failed();
    ((double *)sums)[part] = ad_item(ad_sum(ad_arange(part)));
    if (part % 2)
        ad_set_error(AD_ERROR_USER, "part %d", (int)part);
}

/* That of the lowest part, whoever ran it and whatever was recorded before in that thread. */
START_TEST(the_error_of_the_lowest_part_is_left_and_all_parts_run)
{
    double sums[PARTS];
    for (int i = 0; i < 50; i++) {
        ad_set_num_threads(1 + i % 4);
        memset(sums, 0, sizeof sums);
        assert_fails((ad_parallel_for(PARTS, fail_in_odd_parts, sums), false), AD_ERROR_USER, "part 1");
        for (int part = 0; part < PARTS; part++)
            ck_assert_double_eq(sums[part], part * (part - 1) / 2);
    }
    ad_set_error(AD_ERROR_USER, "an older error");
    ad_parallel_for(PARTS, fail_in_odd_parts, sums);
    assert_fails(false, AD_ERROR_USER, "an older error");
    ck_assert_int_eq(with_an_error, 0);
}
END_TEST

static ad_array *of_parts[PARTS];

static void make_arrays(int64_t part, void *context)
{
    (void)context;
    of_parts[part] = ad_retain(ad_mul(ad_ones(AD_SHAPE(3)), ad_scalar((double)part)));
    ad_zeros(AD_SHAPE(1000));
}

START_TEST(what_a_part_makes_is_dropped_at_its_end_unless_it_is_retained)
{
    ad_set_num_threads(3);
    ad_parallel_for(PARTS, make_arrays, NULL);
    for (int part = 0; part < PARTS; part++) {
        ck_assert_double_eq(ad_item(ad_at(of_parts[part], "2")), part);
        ad_release(of_parts[part]);
    }
    ad_set_num_threads(1);
    ad_memory_usage before, after;
    ad_memory_stats(&before);
    ad_parallel_for(PARTS, make_arrays, NULL);
    for (int part = 0; part < PARTS; part++)
        ad_release(of_parts[part]);
    ad_memory_stats(&after);
    ck_assert_int_eq(before.live, after.live);
}
END_TEST

RUN_TESTS("parallel", an_own_loop_runs_each_part_once_on_any_number_of_threads,
          an_own_loop_of_no_parts_does_nothing_and_of_fewer_is_an_error,
          a_loop_within_a_part_runs_in_order_on_the_thread_of_the_part,
          the_error_of_the_lowest_part_is_left_and_all_parts_run,
          what_a_part_makes_is_dropped_at_its_end_unless_it_is_retained)
