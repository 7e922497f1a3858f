/* The store of a coder's words, in memory and in a spill file, and checksums. An internal unit test, which includes
 * headers of hyperopt/src. */
#include "hyperopt_calls.h"
#include <unistd.h>

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

RUN_TESTS("hyperopt_store", a_checksum_tells_elements_and_their_order_apart, a_spill_file_takes_what_does_not_fit,
          coders_of_several_threads_share_a_spill_file, a_file_that_cannot_be_used_is_found_at_once,
          a_file_that_gets_full_is_a_failure_and_clearing_begins_again, without_memory_a_coder_fails_and_nothing_leaks)
