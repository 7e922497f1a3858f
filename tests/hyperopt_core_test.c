/* The integer core of reversible training: fixed-point updates and the information buffer. An internal unit test: it includes
 * headers of hyperopt/src. */
#include "bit_buffer.h"
#include "fixed_point.h"
#include "testing.h"

enum { COUNT = 1003 };

static uint64_t random_state = 1;

static double uniform(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (double)(random_state >> 11) * 0x1p-53;
}

static void fill(int64_t *v, int64_t count, double scale)
{
    for (int64_t i = 0; i < count; i++)
        v[i] = (int64_t)((2 * uniform() - 1) * scale);
}

START_TEST(fixed_point_values_come_back)
{
    double values[] = { 0, 1, -1, 0x1p-52, -2047.75, 3.25 }, back[6];
    int64_t fixed[6];
    ck_assert_int_eq(hyper_fixed_encode(6, values, fixed), HYPER_FINE);
    ck_assert_int_eq(fixed[3], 1);
    hyper_fixed_decode(6, fixed, back);
    ck_assert_mem_eq(values, back, sizeof values);
}
END_TEST

START_TEST(values_out_of_range_are_refused_by_their_index)
{
    int64_t fixed[3];
    ck_assert_int_eq(hyper_fixed_encode(3, (double[]){ 0, 2048, 1 }, fixed), 1);
    ck_assert_int_eq(hyper_fixed_encode(3, (double[]){ 0, 1, NAN }, fixed), 2);
    ck_assert_int_eq(hyper_fixed_encode(3, (double[]){ -INFINITY, 1, 1 }, fixed), 0);
}
END_TEST

START_TEST(a_sum_never_wraps)
{
    int64_t x[2] = { 0, INT64_MAX - 5 }, step[2] = { 1, 6 };
    ck_assert_int_eq(hyper_fixed_add(2, x, step), 1);
    int64_t y[2] = { INT64_MIN + 3, 0 }, back[2] = { 3, 0 };
    ck_assert_int_eq(hyper_fixed_subtract(2, y, back), 0);
}
END_TEST

START_TEST(momenta_are_rounded_to_sixteen_bits)
{
    uint32_t n[4];
    ck_assert_int_eq(hyper_momentum_quantise(4, (double[]){ 0.5, 0.9, 1, 1e-9 }, n), HYPER_FINE);
    ck_assert(n[0] == 32768 && n[1] == 58982 && n[2] == 65536 && n[3] == 1);
    ck_assert_int_eq(hyper_momentum_quantise(2, (double[]){ 0.5, 0 }, n), 1);
    ck_assert_int_eq(hyper_momentum_quantise(2, (double[]){ 1.0001, 0.1 }, n), 0);
    ck_assert_int_eq(hyper_momentum_quantise(1, (double[]){ NAN }, n), 0);
}
END_TEST

/* STEPS multiplications and increments, and back. Gives the buffer's bits at the top divided by the bound. */
static double there_and_back(hyper_bit_buffer *buffer, const uint32_t *numerator, int64_t stride, int steps)
{
    static int64_t v[COUNT], first[COUNT], step[COUNT];
    double bound = 0;
    fill(v, COUNT, 0x1p52);
    memcpy(first, v, sizeof v);
    for (int64_t i = 0; i < COUNT; i++)
        bound += steps * (16 - log2(numerator[i * stride]));
    for (int t = 0; t < steps; t++) {
        random_state = (uint64_t)t;
        fill(step, COUNT, 0x1p50);
        ck_assert_int_eq(hyper_momentum_multiply(buffer, COUNT, v, numerator, stride), HYPER_FINE);
        ck_assert_int_eq(hyper_fixed_add(COUNT, v, step), HYPER_FINE);
    }
    double bits = hyper_bit_buffer_bits(buffer);
    for (int t = steps - 1; t >= 0; t--) {
        random_state = (uint64_t)t;
        fill(step, COUNT, 0x1p50);
        ck_assert_int_eq(hyper_fixed_subtract(COUNT, v, step), HYPER_FINE);
        ck_assert_int_eq(hyper_momentum_divide(buffer, COUNT, v, numerator, stride), HYPER_FINE);
    }
    ck_assert(hyper_bit_buffer_is_empty(buffer));
    ck_assert_mem_eq(v, first, sizeof v);
    return bits / bound;
}

START_TEST(a_thousand_steps_are_undone_to_the_bit_at_the_price_of_the_bound)
{
    static const double betas[] = { 0.9, 0.5, 0.98, 0.1 };
    for (int i = 0; i < 4; i++) {
        uint32_t n;
        hyper_bit_buffer *buffer = hyper_bit_buffer_new(NULL, 0);
        hyper_momentum_quantise(1, &betas[i], &n);
        double ratio = there_and_back(buffer, &n, 0, 1000);
        ck_assert_msg(fabs(ratio - 1) < 0.01, "beta %g takes %g of the bound", betas[i], ratio);
        hyper_bit_buffer_free(buffer);
    }
}
END_TEST

START_TEST(every_element_may_have_its_own_momentum)
{
    uint32_t n[COUNT];
    hyper_bit_buffer *buffer = hyper_bit_buffer_new(NULL, 0);
    for (int i = 0; i < COUNT; i++)
        n[i] = i % 7 == 0 ? HYPER_MOMENTUM_ONE : i % 5 == 0 ? 1 : i % 50 < 20 ? 60000 : (uint32_t)(1 + uniform() * 65535);
    ck_assert_double_lt(fabs(there_and_back(buffer, n, 1, 100) - 1), 0.01);
    hyper_bit_buffer_free(buffer);
}
END_TEST

START_TEST(a_spill_file_takes_what_does_not_fit)
{
    uint32_t n = 32768;
    FILE *spill = tmpfile();
    fputs("before", spill);
    hyper_bit_buffer *buffer = hyper_bit_buffer_new(spill, 4096);
    there_and_back(buffer, &n, 0, 300);
    ck_assert_int_gt(hyper_bit_buffer_peak_bytes(buffer), 30000);
    char text[7] = "";
    rewind(spill);
    ck_assert_int_eq(fread(text, 1, 6, spill), 6);
    ck_assert_str_eq(text, "before");
    hyper_bit_buffer_free(buffer);
    fclose(spill);
}
END_TEST

START_TEST(a_spill_file_that_cannot_be_written_is_a_failure)
{
    uint32_t n = 1;
    int64_t v[COUNT];
    FILE *spill = fopen("/dev/full", "r+");
    if (!spill)
        return;
    hyper_bit_buffer *buffer = hyper_bit_buffer_new(spill, 64);
    fill(v, COUNT, 0x1p52);
    ck_assert_int_ge(hyper_momentum_multiply(buffer, COUNT, v, &n, 0), 0);
    ck_assert_int_eq(hyper_bit_buffer_failure(buffer), HYPER_BUFFER_IO);
    hyper_bit_buffer_free(buffer);
    fclose(spill);
}
END_TEST

START_TEST(dividing_more_than_was_multiplied_is_a_mismatch)
{
    uint32_t n = 1;
    int64_t v[COUNT] = { 0 };
    hyper_bit_buffer *buffer = hyper_bit_buffer_new(NULL, 0);
    ck_assert_int_ge(hyper_momentum_divide(buffer, COUNT, v, &n, 0), 0);
    ck_assert_int_eq(hyper_bit_buffer_failure(buffer), HYPER_BUFFER_MISMATCH);
    hyper_bit_buffer_clear(buffer);
    ck_assert(hyper_bit_buffer_is_empty(buffer));
    hyper_bit_buffer_free(buffer);
}
END_TEST

RUN_TESTS("hyperopt_core", fixed_point_values_come_back, values_out_of_range_are_refused_by_their_index, a_sum_never_wraps,
          momenta_are_rounded_to_sixteen_bits, a_thousand_steps_are_undone_to_the_bit_at_the_price_of_the_bound,
          every_element_may_have_its_own_momentum, a_spill_file_takes_what_does_not_fit, a_spill_file_that_cannot_be_written_is_a_failure,
          dividing_more_than_was_multiplied_is_a_mismatch)
