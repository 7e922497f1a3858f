/* Adam on blocks, and weight decay of integers: an internal unit test, which includes headers of hyperopt/src. */
#include "arithmetic.h"
#include "decay.h"
#include "dynamics.h"
#include "hyperopt_random.h"
#include "testing.h"

enum { BLOCK = HYPER_BLOCK };

/* ---- decay ---- */

static void assert_decayed(int64_t before, int64_t after, double c)
{
    double expected = (1 - c) * (double)before, off = fabs((double)after - expected);
    ck_assert_msg(off <= 1 + 0x1p-51 * fabs((double)before), "%lld times 1 - %g is %lld", (long long)before, c, (long long)after);
    ck_assert(before != 0 || after == 0);
}

enum { CALLS = 40 };

typedef struct {
    int64_t before[CALLS][BLOCK], after[CALLS][BLOCK];
    double c[CALLS][BLOCK];
} decays;

static void set_decays(decays *d)
{
    static const double rates[] = { 0, 1e-300, 1e-18, 1e-12, 1e-6, 0x1p-16, 0.001, 0.1, 0.3, 0.5 };
    static const int64_t ends[] = { 0, 1, -1, 2, -2, 3, INT64_MAX, -INT64_MAX, INT64_C(1) << 62, -(INT64_C(1) << 62), (INT64_C(1) << 53) + 1 };
    enum { ENDS = sizeof ends / sizeof *ends };
    for (int k = 0; k < CALLS; k++) {
        for (int i = 0; i < BLOCK; i++) {
            int64_t x = k % 3 == 0 ? random_integer() >> 3 : i < ENDS ? ends[i] : random_integer();
            d->before[k][i] = d->after[k][i] = x == INT64_MIN ? 0 : x;
            d->c[k][i] = k % 2 ? rates[random_bits() % 10] : 0.5 * uniform();
        }
    }
}

START_TEST(decay_of_integers_of_any_size_is_undone_to_the_bit)
{
    static decays d;
    hyper_store *store = hyper_store_new(1, NULL, 0);
    hyper_coder *coder = hyper_store_coder(store, 0);
    set_decays(&d);
    for (int k = 0; k < CALLS; k++) {
        ck_assert_int_eq(hyper_decay(coder, BLOCK, d.after[k], d.c[k]), HYPER_FINE);
        for (int i = 0; i < BLOCK; i++)
            assert_decayed(d.before[k][i], d.after[k][i], d.c[k][i]);
    }
    for (int k = CALLS - 1; k >= 0; k--) {
        ck_assert_int_eq(hyper_undo_decay(coder, BLOCK, d.after[k], d.c[k]), HYPER_FINE);
        ck_assert_mem_eq(d.after[k], d.before[k], sizeof d.before[k]);
    }
    ck_assert(hyper_store_is_empty(store));
    hyper_store_free(store);
}
END_TEST

START_TEST(decay_takes_two_c_bits)
{
    hyper_store *store = hyper_store_new(1, NULL, 0);
    int64_t x[BLOCK];
    double c[BLOCK];
    for (int i = 0; i < BLOCK; i++) {
        x[i] = (int64_t)((2 * uniform() - 1) * 0x1p52);
        c[i] = 0.01;
    }
    for (int k = 0; k < 100; k++)
        ck_assert_int_eq(hyper_decay(hyper_store_coder(store, 0), BLOCK, x, c), HYPER_FINE);
    assert_close(hyper_store_bits(store) / (100 * BLOCK), 0.02, 0.05);
    hyper_store_free(store);
}
END_TEST

/* ---- blocks ---- */

enum { RATES = 7, STEPS = 12 };

/* One block, its rates, and what its pointers point to. */
typedef struct {
    hyper_block b;
    int64_t state[HYPER_STATES][BLOCK];
    uint32_t fine[BLOCK];
    double cotangent[HYPER_STATES][BLOCK], term[RATES][BLOCK], rate[RATES][BLOCK], gradient[STEPS][BLOCK], product[BLOCK], out[2][BLOCK];
    hyper_momentum momentum[RATES][BLOCK];
} trial;

static void set_rates(trial *s, const hyper_dynamics *d, int stride, double decay)
{
    static const double value[] = { 0.01, 0.9, 0.1, 0, 0.3, 0.999, 0.02 };
    for (int r = 0; r < d->rate_count; r++) {
        for (int i = 0; i < BLOCK; i++) {
            s->rate[r][i] = (r == 3 ? decay : value[r]) * (stride ? 0.9 + 0.1 * uniform() : 1);
            if (d->rate_is_momentum[r] && stride && random_bits() % 8 == 0)
                s->momentum[r][i] = (hyper_momentum){ 0, { 0, UINT16_MAX } };
            else if (d->rate_is_momentum[r])
                ck_assert(hyper_momentum_of(s->rate[r][i], &s->momentum[r][i]));
        }
        s->b.rate[r] = (hyper_rate_view){ d->rate_is_momentum[r] ? (const void *)s->momentum[r] : s->rate[r], stride };
        s->b.rate_term[r] = s->term[r];
    }
}

static void set_trial(trial *s, const hyper_dynamics *d, hyper_coder *coder, int64_t count, bool single, int stride, double decay)
{
    memset(s, 0, sizeof *s);
    s->b = (hyper_block){ .count = count, .single = single, .product = s->product, .x_out = s->out[0], .direction_out = s->out[1], .coder = coder };
    for (int k = 0; k < HYPER_STATES; k++) {
        s->b.state[k] = s->state[k];
        s->b.cotangent[k] = s->cotangent[k];
        s->b.unit[k] = ldexp(1, -d->state_bits[k]);
        s->b.fine[k] = d->state_is_fine[k] ? s->fine : NULL;
        for (int i = 0; i < BLOCK; i++) {
            s->state[k][i] = k == 2 ? (int64_t)(uniform() * 0x1p52) : (int64_t)((2 * uniform() - 1) * 0x1p55);
            s->cotangent[k][i] = 2 * uniform() - 1;
        }
    }
    for (int i = 0; i < BLOCK; i++)
        s->fine[i] = (uint32_t)random_bits();
    for (int i = 0; i < BLOCK; i += 3)
        s->state[2][i] >>= 50 + i % 20 % 14; /* squares of small gradients */
    for (int t = 0; t < STEPS; t++)
        for (int i = 0; i < BLOCK; i++) {
            double g = i % 5 == 0 ? 0 : (2 * uniform() - 1) * pow(10, i % 7 - 5);
            if (single)
                ((float *)s->gradient[t])[i] = (float)g;
            else
                s->gradient[t][i] = g;
        }
    set_rates(s, d, stride, decay);
}

static uint64_t mixed(uint64_t all, const void *memory, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        all = (all ^ ((const unsigned char *)memory)[i]) * UINT64_C(0x100000001b3);
    return all;
}

/* There and back; a hash of all numbers on the way. */
static uint64_t run_trial(const hyper_dynamics *d, int64_t count, bool single, int stride, double decay)
{
    static trial s, first;
    uint64_t checksum[STEPS], all = 1;
    hyper_store *store = hyper_store_new(1, NULL, 0);
    random_state = (uint64_t)(count + 2 * single + stride);
    set_trial(&s, d, hyper_store_coder(store, 0), count, single, stride, decay);
    first = s;
    for (int t = 0; t < STEPS; t++) {
        s.b.gradient = s.gradient[t];
        ck_assert_int_eq(d->advance(&s.b), HYPER_FINE);
        ck_assert_int_eq(d->settle(&s.b), HYPER_FINE);
        checksum[t] = s.b.checksum;
        all = mixed(mixed(mixed(all, s.state, sizeof s.state), s.fine, sizeof s.fine), s.out[0], sizeof s.out[0]);
    }
    for (int t = STEPS - 1; t >= 0; t--) {
        s.b.gradient = s.gradient[t];
        ck_assert_int_eq(d->retreat_position(&s.b), HYPER_FINE);
        ck_assert_int_eq(d->direction(&s.b), HYPER_FINE);
        ck_assert_int_eq(d->retreat_moments(&s.b), HYPER_FINE);
        ck_assert(s.b.checksum == checksum[t]);
        all = mixed(mixed(mixed(all, s.cotangent, sizeof s.cotangent), s.term, sizeof s.term), s.out, sizeof s.out);
    }
    ck_assert_mem_eq(s.state, first.state, sizeof s.state);
    ck_assert_mem_eq(s.fine, first.fine, sizeof s.fine);
    ck_assert(hyper_store_is_empty(store));
    hyper_store_free(store);
    return all;
}

static const hyper_dynamics *const both[] = { &hyper_adam_dynamics, &hyper_adam_sum_dynamics };

START_TEST(steps_of_any_rates_and_gradients_are_undone_to_the_bit)
{
    static const int64_t counts[] = { BLOCK, 1, 17 };
    for (int i = 0; i < 3 * 16; i++)
        run_trial(both[i & 1], counts[i / 16], i >> 1 & 1, i >> 2 & 1, i >> 3 & 1 ? 2 : 0);
}
END_TEST

START_TEST(every_instruction_set_gives_the_same_bits)
{
#ifdef __x86_64__
    for (int i = 0; i < 16; i++) {
        uint64_t sums[3];
        for (int set = HYPER_BASELINE; set <= HYPER_AVX512; set++) {
            hyper_limit_instruction_set(set);
            sums[set] = run_trial(both[i & 1], i < 8 ? BLOCK : 131, i >> 1 & 1, i >> 2 & 1, i >> 3 & 1 ? 2 : 0);
        }
        ck_assert(sums[0] == sums[1] && sums[1] == sums[2]);
    }
    hyper_limit_instruction_set(HYPER_AVX512);
#endif
}
END_TEST

static void assert_advance_fails(trial *s, int64_t at, int state, const char *what)
{
    int64_t bad = hyper_adam_dynamics.advance(&s->b);
    ck_assert_int_eq(bad, at);
    ck_assert_int_eq(s->b.failed_state, state);
    ck_assert_str_eq(s->b.failed_what, what);
}

START_TEST(the_first_element_that_is_not_a_number_or_does_not_fit_is_named)
{
    static trial s;
    static const double wrong[] = { NAN, INFINITY, -INFINITY, 1e300 };
    hyper_store *store = hyper_store_new(1, NULL, 0);
    for (int k = 0; k < 4; k++) {
        set_trial(&s, &hyper_adam_dynamics, hyper_store_coder(store, 0), BLOCK, false, 0, 0);
        s.b.gradient = s.gradient[0];
        s.gradient[0][300] = s.gradient[0][77] = wrong[k];
        assert_advance_fails(&s, 77, 1, "the gradient");
    }
    set_trial(&s, &hyper_adam_dynamics, hyper_store_coder(store, 0), BLOCK, false, 0, 0);
    s.b.gradient = s.gradient[0];
    s.gradient[0][5] = 3e3;
    assert_advance_fails(&s, 5, 2, "the square of the gradient");
    set_trial(&s, &hyper_adam_dynamics, hyper_store_coder(store, 0), BLOCK, false, 0, 0);
    s.b.gradient = s.gradient[0];
    s.state[0][9] = INT64_MAX;
    s.state[1][9] = -(INT64_C(1) << 52);
    assert_advance_fails(&s, 9, 0, "the value");
    hyper_store_free(store);
}
END_TEST

RUN_TESTS("hyperopt_adam_core", decay_of_integers_of_any_size_is_undone_to_the_bit, decay_takes_two_c_bits,
          steps_of_any_rates_and_gradients_are_undone_to_the_bit,
          every_instruction_set_gives_the_same_bits, the_first_element_that_is_not_a_number_or_does_not_fit_is_named)
