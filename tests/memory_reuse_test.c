/* Freed memory: how much of it is kept for reuse, in one thread and between threads. */
#include "testing.h"
#include <sys/resource.h>

enum { MIB = 1 << 20 };

static int64_t page_faults(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
}

static void work_on(int64_t n)
{
    AD_SCOPE;
    ad_array *x = ad_ones(AD_SHAPE(n));
    ad_exp(ad_add(ad_mul(x, 2), ad_sqrt(x)));
}

/* Calls of several sizes that together need a small part of the cache, after a phase that filled it with others. */
static void assert_memory_is_reused_after(void (*phase)(void))
{
    ad_memory_usage before = { 0 }, after;
    int64_t faults = 0;
    ad_set_num_threads(1);
    phase();
    for (int call = 0; call < 60; call++) {
        if (call == 10) {
            ad_memory_stats(&before);
            faults = page_faults();
        }
        work_on(100000);
        work_on(300000);
        work_on(1000);
        work_on(20);
    }
    faults = page_faults() - faults;
    ad_memory_stats(&after);
    ck_assert_msg(!is_cached() || faults < 50, "%lld page faults in 50 calls", (long long)faults);
    ck_assert_int_eq(is_cached() ? after.system_allocations : before.system_allocations, before.system_allocations);
    ck_assert_int_eq(after.live, before.live);
    ck_assert_int_le(after.cached, after.peak > 64 * MIB ? after.peak : 64 * MIB);
}

static void hold_large_arrays(void)
{
    AD_SCOPE;
    for (int i = 0; i < 20; i++)
        ad_ones(AD_SHAPE(MIB));
}

static void hold_large_arrays_of_many_sizes(void)
{
    for (int size = 1; size <= 20; size++) {
        AD_SCOPE;
        ad_ones(AD_SHAPE(size * MIB / 2));
    }
}

static void hold_small_arrays(void)
{
    AD_SCOPE;
    for (int i = 0; i < 400000; i++)
        ad_ones(AD_SHAPE(20));
}

static void hold_numbers(void)
{
    AD_SCOPE;
    for (int i = 0; i < 1500000; i++)
        ad_scalar(i);
}

static void hold_all_in_turn(void)
{
    hold_small_arrays();
    hold_large_arrays();
    hold_numbers();
    hold_large_arrays_of_many_sizes();
}

static void (*const phases[])(void) = { hold_large_arrays, hold_large_arrays_of_many_sizes, hold_small_arrays, hold_numbers, hold_all_in_turn };

static void *pass_a_phase(void *number)
{
    assert_memory_is_reused_after(phases[*(int *)number]);
    return NULL;
}

/* Each in a thread of its own, whose cache is empty. */
START_TEST(after_a_phase_of_other_sizes_memory_is_reused)
{
    for (int i = 0; i < (int)(sizeof phases / sizeof *phases); i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, pass_a_phase, &i);
        pthread_join(thread, NULL);
    }
}
END_TEST

/* A thread that only frees what another made. */
struct made {
    ad_array **arrays;
    int count;
    bool large;
};

static void *release_many(void *all)
{
    const struct made *made = all;
    ad_memory_usage usage;
    for (int i = 0; i < made->count; i++)
        ad_release(made->arrays[i]);
    ad_memory_stats(&usage);
    ck_assert_int_eq(usage.live, 0);
    ck_assert_int_le(usage.cached, 64 * MIB);
    ck_assert_int_ge(usage.cached, is_cached() && made->large ? 60 * MIB : 0);
    return NULL;
}

/* Of a quarter and an eighth of a MiB by turns, or of 600 bytes. */
static void assert_another_thread_may_release(int count, bool large)
{
    struct made made = { malloc((size_t)count * sizeof *made.arrays), count, large };
    pthread_t thread;
    for (int i = 0; i < count; i++) {
        AD_SCOPE;
        made.arrays[i] = ad_retain(ad_empty(AD_SHAPE(!large ? 75 : i % 2 ? MIB / 8 : MIB / 4)));
    }
    pthread_create(&thread, NULL, release_many, &made);
    pthread_join(thread, NULL);
    free(made.arrays);
}

START_TEST(a_thread_keeps_no_more_than_the_bound_of_what_others_made)
{
    assert_another_thread_may_release(300, true);
    assert_another_thread_may_release(250000, false);
}
END_TEST

RUN_TESTS("memory_reuse", after_a_phase_of_other_sizes_memory_is_reused,
          a_thread_keeps_no_more_than_the_bound_of_what_others_made)
