/* Memory: blocks and numbers that pass between threads, limits, exhaustion, memory of the caller's, what is cached. */
#include "testing.h"

/* ---- between threads ---- */

static void *release_elsewhere(void *x)
{
    ad_release((ad_array *)x);
    return NULL;
}

START_TEST(references_may_be_dropped_in_another_thread)
{
    pthread_t thread;
    ad_array *x;
    {
        AD_SCOPE;
        x = ad_retain(ad_ones(AD_SHAPE(1000)));
    }
    assert_close(ad_item(ad_sum(x)), 1000, 0);
    pthread_create(&thread, NULL, release_elsewhere, x);
    pthread_join(thread, NULL);
}
END_TEST

enum { HANDED_OVER = 1000 };

static void *make_numbers(void *numbers)
{
    AD_SCOPE;
    for (int i = 0; i < HANDED_OVER; i++)
        ((ad_array **)numbers)[i] = ad_retain(ad_scalar(i));
    return NULL;
}

static void *release_numbers(void *numbers)
{
    for (int i = HANDED_OVER - 1; i >= 0; i--)
        ad_release(((ad_array **)numbers)[i]);
    return NULL;
}

START_TEST(numbers_outlive_the_thread_that_made_them)
{
    ad_array *numbers[HANDED_OVER];
    pthread_t thread;
    pthread_create(&thread, NULL, make_numbers, numbers);
    pthread_join(thread, NULL);
    AD_SCOPE;
    for (int i = 0; i < HANDED_OVER; i++)
        assert_close(ad_item(ad_add(numbers[i], 1)), i + 1, 0);
    release_numbers(numbers);
}
END_TEST

START_TEST(numbers_that_another_thread_drops_come_back)
{
    ad_memory_usage first, last;
    for (int round = 0; round < 200; round++) {
        ad_array *numbers[HANDED_OVER];
        pthread_t thread;
        make_numbers(numbers);
        pthread_create(&thread, NULL, release_numbers, numbers);
        pthread_join(thread, NULL);
        if (round == 20)
            ad_memory_stats(&first);
    }
    ad_memory_stats(&last);
    ck_assert_int_le(last.live + last.cached, 2 * (first.live + first.cached));
}
END_TEST

enum { MIB = 1 << 20 };

static ad_tree *plus_numbers(ad_array *x)
{
    return ad_list_of(ad_add(x, 1), ad_add(x, 2));
}

/* One of each kind: a storage with a view, a tree, a number, a small array with a tangent. */
static void make_one_of_each(void **made)
{
    AD_SCOPE;
    ad_tree *tangents, *sums = ad_jvp(plus_numbers, ad_ones(AD_SHAPE(4)), ad_ones(AD_SHAPE(4)), &tangents);
    made[0] = ad_retain(ad_reshape(ad_zeros(AD_SHAPE(MIB / 8)), AD_SHAPE(2, -1)));
    made[1] = ad_tree_retain(ad_list_of(sums, tangents));
    made[2] = ad_retain(ad_scalar(1));
}

static void *release_one_of_each(void *made)
{
    void **objects = made;
    ad_memory_usage usage;
    ad_release((ad_array *)objects[0]);
    ad_tree_release(objects[1]);
    ad_release((ad_array *)objects[2]);
    ad_memory_stats(&usage);
    objects[3] = usage.live == 0 ? objects : NULL;
    return NULL;
}

START_TEST(memory_that_another_thread_frees_is_counted_back)
{
    ad_memory_usage before, after;
    for (int round = 0; round < 300; round++) {
        void *made[4];
        pthread_t thread;
        make_one_of_each(made);
        pthread_create(&thread, NULL, release_one_of_each, made);
        pthread_join(thread, NULL);
        ck_assert_msg(!ad_failed() && made[3], "round %d: %s", round, ad_error_message());
        if (round == 0) {
            ad_memory_stats(&before);
            ad_memory_limit(100 * MIB);
        }
    }
    ad_memory_stats(&after);
    ck_assert_int_eq(after.live, before.live);
    ck_assert_int_le(after.peak, before.peak + MIB);
    ck_assert_int_ge(after.cached, 0);
    ad_memory_limit(0);
}
END_TEST

START_TEST(numbers_that_another_thread_frees_make_room_below_a_limit)
{
    ad_memory_usage usage;
    ad_memory_stats(&usage);
    ad_memory_limit(usage.live + MIB / 2);
    for (int round = 0; round < 100; round++) {
        ad_array *numbers[HANDED_OVER] = { 0 };
        pthread_t thread;
        make_numbers(numbers);
        ck_assert_msg(!ad_failed(), "round %d: %s", round, ad_error_message());
        pthread_create(&thread, NULL, release_numbers, numbers);
        pthread_join(thread, NULL);
    }
    ad_memory_limit(0);
}
END_TEST

/* ---- a thread without memory for its own state ---- */

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
void *__libc_malloc(size_t bytes);

static _Thread_local bool no_memory;

__attribute__((visibility("default"))) void *malloc(size_t bytes)
{
    return no_memory ? NULL : __libc_malloc(bytes);
}

static ad_array *of_the_main_thread;

/* Check itself asks for memory. */
static void *live_without_memory(void *unused)
{
    (void)unused;
    no_memory = true;
    bool made = ad_scalar(1) || ad_zeros(AD_SHAPE(3)) || ad_scope_open().depth != UINT32_MAX || ad_add(of_the_main_thread, 1);
    ad_code code = ad_error_code();
    ad_memory_limit(1);
    ad_on_error(AD_ERROR_PRINT_AND_EXIT);
    ad_release(of_the_main_thread);
    no_memory = false;
    ck_assert(!made);
    ck_assert_int_eq(code, AD_ERROR_MEMORY);
    assert_fails(ad_scalar(1) && !ad_failed(), AD_ERROR_MEMORY, "no room for the state of a thread");
    assert_close(ad_item(ad_sum(ad_ones(AD_SHAPE(100)))), 100, 0);
    ck_assert(!ad_failed());
    return NULL;
}

START_TEST(a_thread_without_memory_recovers)
{
    pthread_t thread;
    ad_memory_usage before, after;
    ad_memory_stats(&before);
    {
        AD_SCOPE;
        of_the_main_thread = ad_retain(ad_ones(AD_SHAPE(1000)));
    }
    ad_memory_stats(&before);
    pthread_create(&thread, NULL, live_without_memory, NULL);
    pthread_join(thread, NULL);
    ad_memory_stats(&after);
    ck_assert_int_le(after.live, before.live - 8000);
    ck_assert(!ad_zeros(AD_SHAPE(-1)) && ad_failed()); /* and does not exit */
    ad_clear_error();
}
END_TEST
#else
START_TEST(a_thread_without_memory_recovers)
{
}
END_TEST
#endif

/* ---- limits ---- */

START_TEST(memory_limit_is_an_error_and_can_be_lifted)
{
    ad_memory_limit(1 << 20);
    {
        AD_SCOPE;
        assert_fails(ad_zeros(AD_SHAPE(1 << 20)), AD_ERROR_MEMORY, "ad_zeros: out of memory: 10485760 bytes more would pass the limit");
        assert_close(ad_item(ad_sum(ad_ones(AD_SHAPE(100)))), 100, 0);
    }
    ad_memory_limit(0);
    assert_close(ad_item(ad_sum(ad_ones(AD_SHAPE(1 << 20)))), 1 << 20, 0);
    assert_fails(ad_zeros(AD_SHAPE(1LL << 40, 1LL << 40)), AD_ERROR_SHAPE, "(1099511627776,1099511627776)");
}
END_TEST

/* After scalar work the cache has blocks that a size out of the table's range could take for its own. */
START_TEST(an_array_that_no_machine_can_hold_is_an_error)
{
    const int64_t sizes[] = { INT64_C(1) << 50, INT64_C(10000000000000000), INT64_C(1) << 58, INT64_C(1) << 59, INT64_MAX / 8 };
    for (int i = 0; i < 5; i++) {
        AD_SCOPE;
        for (int k = 0; k < 1000; k++)
            ad_sin(ad_scalar(k));
        assert_fails(ad_zeros(AD_SHAPE(sizes[i])), AD_ERROR_MEMORY, "out of memory");
    }
}
END_TEST

/* ---- memory for code built on the library ---- */

static void *give(void *block)
{
    ad_memory_give(block);
    return NULL;
}

/* Of small blocks and large ones, which come from elsewhere. */
START_TEST(memory_taken_is_counted_limited_and_given_back_anywhere)
{
    const size_t sizes[] = { 0, 1, 1000, 60000, 70000, 10 * MIB };
    ad_memory_usage before, during, after;
    ad_memory_stats(&before);
    for (int i = 0; i < 6; i++) {
        pthread_t thread;
        char *block = ad_memory_take(sizes[i]);
        ck_assert(block && (uintptr_t)block % 16 == 0 && (!sizes[i] || (!block[0] && !memcmp(block, block + 1, sizes[i] - 1))));
        ad_memory_stats(&during);
        ck_assert_int_ge(during.live - before.live, (int64_t)sizes[i]);
        pthread_create(&thread, NULL, give, block);
        pthread_join(thread, NULL);
        ad_memory_stats(&after);
        ck_assert_int_eq(after.live, before.live);
    }
    ad_memory_limit(before.live + MIB);
    assert_fails(ad_memory_take(2 * MIB), AD_ERROR_MEMORY, "ad_memory_take: out of memory");
    ad_memory_limit(0);
    for (int i = 0; i < 6; i++) {
        ad_memory_fail_after(1);
        assert_fails(ad_memory_take(sizes[i]), AD_ERROR_MEMORY, "ad_memory_take: out of memory");
        ad_memory_fail_after(0);
    }
    assert_fails(ad_memory_take(SIZE_MAX), AD_ERROR_MEMORY, "ad_memory_take: out of memory");
    assert_fails(ad_memory_take((size_t)1 << 56), AD_ERROR_MEMORY, "ad_memory_take: out of memory");
    ad_memory_give(NULL);
}
END_TEST

START_TEST(memory_that_is_resized_keeps_its_contents_and_grows_by_zeros)
{
    const size_t sizes[] = { 10, 100, 100000, 3 * MIB, 90000, 20 };
    ad_memory_usage before, after;
    ad_memory_stats(&before);
    char *block = NULL;
    size_t kept = 0;
    for (int i = 0; i < 6; i++) {
        ad_memory_fail_after(1);
        bool shrinks = block && sizes[i] <= kept && sizes[i] > 70000;
        char *same = ad_memory_resize(block, sizes[i]);
        ad_memory_fail_after(0);
        ck_assert_msg(shrinks || (!same && ad_error_code() == AD_ERROR_MEMORY), "%zu bytes", sizes[i]);
        ad_clear_error();
        block = ad_memory_resize(shrinks ? same : block, sizes[i]);
        ck_assert(block != NULL);
        bool right = true;
        for (size_t k = 0; k < sizes[i]; k++)
            right &= block[k] == (k < kept ? (char)k : 0);
        ck_assert_msg(right, "%zu bytes", sizes[i]);
        for (size_t k = 0; k < sizes[i]; k++)
            block[k] = (char)k;
        kept = sizes[i];
    }
    assert_fails(ad_memory_resize(block, SIZE_MAX), AD_ERROR_MEMORY, "ad_memory_resize: out of memory");
    ck_assert_int_eq(block[19], 19);
    ad_memory_give(block);
    ad_memory_stats(&after);
    ck_assert_int_eq(after.live, before.live);
}
END_TEST

/* Sizes below, about and above those that lie in one block with their header. */
static const int64_t sizes_of_blocks[] = { 2, 8, 9, 14, 60, 105, 106, 107, 108, 109, 110, 200 };
enum { BLOCKS = sizeof sizes_of_blocks / sizeof *sizes_of_blocks };

static void *keep_views(void *views)
{
    AD_SCOPE;
    for (int i = 0; i < BLOCKS; i++) {
        ad_array *x = ad_arange(sizes_of_blocks[i]);
        ((ad_array **)views)[i] = ad_retain(ad_flip(x));
    }
    return NULL;
}

static void check_and_release_views(ad_array **views)
{
    for (int i = 0; i < BLOCKS; i++) {
        int64_t n = sizes_of_blocks[i];
        assert_close(ad_item(ad_at(views[i], "0")), (double)(n - 1), 0);
        assert_close(ad_item(ad_sum(views[i])), (double)(n * (n - 1) / 2), 0);
        ad_release(views[i]);
    }
}

static void *check_and_release_elsewhere(void *views)
{
    AD_SCOPE;
    check_and_release_views(views);
    return NULL;
}

START_TEST(views_outlive_the_arrays_whose_memory_they_show)
{
    ad_memory_usage before, after;
    for (int round = 0; round < 6; round++) {
        ad_array *views[BLOCKS];
        pthread_t thread;
        if (round == 1)
            ad_memory_stats(&before);
        if (round % 3 == 2) {
            pthread_create(&thread, NULL, keep_views, views);
            pthread_join(thread, NULL);
        } else {
            keep_views(views);
        }
        if (round % 3 == 1) {
            pthread_create(&thread, NULL, check_and_release_elsewhere, views);
            pthread_join(thread, NULL);
        } else {
            AD_SCOPE;
            check_and_release_views(views);
        }
    }
    ad_memory_stats(&after);
    ck_assert_int_eq(after.live, before.live);
}
END_TEST

/* ---- the caller's memory ---- */

static void count(void *times)
{
    ++*(int *)times;
}

START_TEST(wrapped_memory_is_shared_and_released_with_its_last_array)
{
    double data[] = { 1, 2, 3, 4, 5, 6 };
    int released = 0;
    ad_array *view;
    {
        AD_SCOPE;
        ad_array *x = ad_wrap(AD_F64, data, AD_SHAPE(2, 3), count, &released);
        ck_assert_ptr_eq(ad_data(x), data);
        ck_assert_ptr_eq(ad_data(ad_at(x, "1")), data + 3);
        assert_array(ad_mul(x, 2), AD_SHAPE(2, 3), 0, 2, 4, 6, 8, 10, 12);
        view = ad_retain(ad_at(x, ":, 1"));
    }
    ck_assert_int_eq(released, 0);
    assert_array(view, AD_SHAPE(2), 0, 2, 5);
    ad_release(view);
    ck_assert_int_eq(released, 1);
}
END_TEST

START_TEST(a_pullback_keeps_wrapped_memory)
{
    double data[] = { 1, 2, 3 };
    int released = 0;
    ad_pullback *pull;
    {
        AD_SCOPE;
        ad_vjp(ad_square, ad_wrap(AD_F64, data, AD_SHAPE(3), count, &released), &pull);
    }
    ck_assert_int_eq(released, 0);
    assert_array(ad_vjp_apply(pull, ad_ones(AD_SHAPE(3))), AD_SHAPE(3), 0, 2, 4, 6);
    ad_vjp_free(pull);
    ck_assert_int_eq(released, 1);
}
END_TEST

START_TEST(wrapping_may_come_without_a_release_and_may_fail)
{
    AD_SCOPE;
    float data[] = { 1, 2 };
    int released = 0;
    {
        AD_SCOPE;
        assert_array(ad_wrap(AD_F32, data, AD_SHAPE(2), NULL, NULL), AD_SHAPE(2), 0, 1, 2);
    }
    ck_assert_int_eq(ad_size(ad_wrap(AD_F32, NULL, AD_SHAPE(0), NULL, NULL)), 0);
    assert_fails(ad_wrap(AD_F32, NULL, AD_SHAPE(2), count, &released), AD_ERROR_VALUE, "ad_wrap");
    assert_fails(ad_wrap((ad_dtype)99, data, AD_SHAPE(2), count, &released), AD_ERROR_DTYPE, "ad_wrap");
    assert_fails(ad_wrap(AD_F32, data, AD_SHAPE(-2), count, &released), AD_ERROR_SHAPE, "(-2,)");
    ck_assert_int_eq(released, 0);
}
END_TEST

/* A rule that gives wrapped memory for its cotangent. */
static double table[] = { 1, 2 };

static bool twofold_infer(const ad_node *node, ad_spec *output)
{
    *output = (ad_spec){ ad_node_dtype(node, 0), ad_node_shape(node, 0) };
    return true;
}

static bool twofold_eval(const ad_node *node, void *const *outputs)
{
    (void)node;
    memcpy(outputs[0], table, sizeof table);
    return true;
}

static ad_array *twofold_vjp(const ad_node *node, int operand, ad_array *g)
{
    (void)node, (void)operand, (void)g;
    return ad_wrap(AD_F64, table, AD_SHAPE(2), NULL, NULL);
}

static ad_array *use_three_times(ad_array *x)
{
    static const ad_primitive twofold = { .name = "twofold", .infer = twofold_infer, .eval = twofold_eval, .vjp = twofold_vjp };
    ad_array *sum = ad_scalar(0);
    for (int i = 0; i < 3; i++)
        sum = ad_add(sum, ad_sum(ad_call_primitive(&twofold, &x, 1, NULL)));
    return sum;
}

START_TEST(cotangents_are_not_added_up_in_wrapped_memory)
{
    AD_SCOPE;
    assert_array(ad_grad(use_three_times)(ad_ones(AD_SHAPE(2))), AD_SHAPE(2), 0, 3, 6);
    ck_assert(table[0] == 1 && table[1] == 2);
}
END_TEST

/* The bytes in use after a scope of so many numbers. */
static int64_t live_after_numbers(int count)
{
    ad_memory_usage usage;
    {
        AD_SCOPE;
        for (int i = 0; i < count; i++)
            ad_scalar(i);
    }
    ad_memory_trim();
    ad_memory_stats(&usage);
    return usage.live;
}

START_TEST(trimming_gives_back_the_lists_of_scopes)
{
    int64_t few = live_after_numbers(100), many = live_after_numbers(100000);
    ck_assert_msg(many - few < 1024, "%lld bytes stay in use", (long long)(many - few));
    assert_close(ad_item(ad_add(1, 2)), 3, 0);
}
END_TEST

START_TEST(trimming_gives_back_what_is_cached_and_nothing_else)
{
    AD_SCOPE;
    ad_memory_usage before, after;
    ad_array *x = ad_arange(1000);
    {
        AD_SCOPE;
        for (int i = 0; i < 100; i++)
            ad_ones(AD_SHAPE(1000));
    }
    ad_memory_stats(&before);
    ck_assert_int_ge(before.cached, is_cached() ? 100 * 8000 : 0);
    ad_memory_trim();
    ad_memory_stats(&after);
    ck_assert_int_eq(after.live, before.live);
    ck_assert_msg(after.cached < 10000, "%lld bytes stay cached", (long long)after.cached);
    assert_close(ad_item(ad_sum(x)), 499500, 0);
}
END_TEST

RUN_TESTS("memory", trimming_gives_back_the_lists_of_scopes, references_may_be_dropped_in_another_thread,
          numbers_outlive_the_thread_that_made_them, numbers_that_another_thread_drops_come_back,
          memory_that_another_thread_frees_is_counted_back, numbers_that_another_thread_frees_make_room_below_a_limit,
          a_thread_without_memory_recovers, memory_limit_is_an_error_and_can_be_lifted,
          an_array_that_no_machine_can_hold_is_an_error, views_outlive_the_arrays_whose_memory_they_show,
          wrapped_memory_is_shared_and_released_with_its_last_array, a_pullback_keeps_wrapped_memory,
          wrapping_may_come_without_a_release_and_may_fail, memory_taken_is_counted_limited_and_given_back_anywhere,
          memory_that_is_resized_keeps_its_contents_and_grows_by_zeros, cotangents_are_not_added_up_in_wrapped_memory,
          trimming_gives_back_what_is_cached_and_nothing_else)
