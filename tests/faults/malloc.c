/* Memory that runs out: every scenario in fresh threads, in the n-th of which the n-th allocation and all later ones
 * fail.
 *
 * Each gives NULL and an AD_ERROR_MEMORY, and the thread then does the same scenario with the bits of a thread that
 * never lacked memory. A second failure leaves nothing; the first may leave the function that stands for a
 * transformation that failed. */
#include "scenarios.h"

enum { AFTER_SUCCESS = 5 };

/* What one thread did. */
struct outcome {
    const struct scenario *scenario;
    int64_t fail_after; /* 0: never */
    bool succeeded, settled;
    ad_code code;
    char message[640];
    int64_t live[2]; /* after each failure and a good run */
    void *bits;   /* of the result, without failures */
    size_t bytes;
};

/* Runs it without failures, and remembers the bits of the result. */
static void run_well(struct outcome *o)
{
    AD_SCOPE;
    ad_array *x = o->scenario->run();
    const void *data = x ? ad_data(x) : NULL;
    o->settled = data != NULL && !ad_failed();
    o->bytes = (size_t)ad_size(x) * ad_dtype_size(ad_dtype_of(x));
    free(o->bits);
    o->bits = malloc(o->bytes + 1);
    if (data)
        memcpy(o->bits, data, o->bytes);
    else
        snprintf(o->message, sizeof o->message, "%s", ad_error_message());
}

static void run_badly(struct outcome *o)
{
    AD_SCOPE;
    ad_memory_fail_after(o->fail_after);
    o->succeeded = o->scenario->run() != NULL && !ad_failed();
    o->code = ad_error_code();
    snprintf(o->message, sizeof o->message, "%s", ad_error_message());
    ad_memory_fail_after(0);
    ad_clear_error();
}

static int64_t live_now(void)
{
    ad_memory_usage usage;
    ad_memory_trim();
    ad_memory_stats(&usage);
    return usage.live;
}

static void *run_outcome(void *pointer)
{
    struct outcome *o = pointer;
    for (int k = 0; k < 2; k++) {
        if (o->fail_after)
            run_badly(o);
        run_well(o);
        o->live[k] = live_now();
    }
    return NULL;
}

static struct outcome in_a_fresh_thread(const struct scenario *scenario, int64_t fail_after)
{
    struct outcome o = { .scenario = scenario, .fail_after = fail_after };
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, run_outcome, &o), 0);
    pthread_join(thread, NULL);
    return o;
}

START_TEST(every_allocation_may_fail)
{
    const struct scenario *scenario = &scenarios[_i];
    struct outcome good = in_a_fresh_thread(scenario, 0);
    ck_assert_msg(good.settled, "without failures: %s", good.message);
    int64_t n = 1;
    for (int successes = 0; successes < AFTER_SUCCESS; n++) {
        struct outcome o = in_a_fresh_thread(scenario, n);
        successes = o.succeeded ? successes + 1 : 0;
        ck_assert_msg(o.succeeded || o.code == AD_ERROR_MEMORY, "allocation %lld: error %d \"%s\"", (long long)n, (int)o.code, o.message);
        ck_assert_msg(o.settled, "after allocation %lld failed: %s", (long long)n, o.message);
        ck_assert_msg(o.bytes == good.bytes && memcmp(o.bits, good.bits, o.bytes) == 0, "after allocation %lld failed the result is another", (long long)n);
        ck_assert_msg(o.live[1] <= o.live[0], "when allocation %lld fails %lld bytes stay", (long long)n, (long long)(o.live[1] - o.live[0]));
        free(o.bits);
    }
    ck_assert_int_gt(n, AFTER_SUCCESS + 1);
    free(good.bits);
}
END_TEST

int main(void)
{
    return run_for_each_scenario("malloc", every_allocation_may_fail);
}
