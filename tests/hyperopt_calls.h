/* Random ratios and calls of a coder, the same in every run, for the internal unit tests of hyperopt's integer core. */
#ifndef HYPEROPT_CALLS_H
#define HYPEROPT_CALLS_H

#include "arithmetic.h"
#include "coder.h"
#include "dynamics.h"
#include "hyperopt_random.h"
#include "testing.h"

enum { BLOCK = HYPER_BLOCK };
__extension__ typedef __int128 wide;

static inline hyper_ratio ratio(int64_t n, int64_t d)
{
    return (hyper_ratio){ (uint16_t)(n - 1), (uint16_t)(d - 1) };
}

static inline double value_of(hyper_ratio r)
{
    return (r.n_less_1 + 1.0) / (r.d_less_1 + 1.0);
}

static inline hyper_momentum momentum(int64_t n, int64_t d)
{
    return (hyper_momentum){ (double)n / (double)d, ratio(n, d) };
}

static inline hyper_ratio random_ratio(void)
{
    int64_t d = 1 + (int64_t)(random_bits() % (random_bits() % 2 ? 65536 : 20)), n = 1 + (int64_t)(random_bits() % (uint64_t)d);
    static const int64_t special[][2] = { { 1, 1 }, { 1, 65536 }, { 65535, 65536 }, { 65536, 65536 }, { 9, 10 }, { 999, 1000 }, { 1, 2 } };
    uint64_t i = random_bits() % 14;
    return i < 7 ? ratio(special[i][0], special[i][1]) : ratio(n, d);
}

/* Calls of all kinds: made from their number, so that they can be made again. */
typedef struct {
    int64_t count, stride;
    hyper_ratio ratio[BLOCK];
    bool digits;
    int64_t base[BLOCK];
} call;

static inline void make_call(call *c, int number)
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

static inline void assert_is_rounded(int64_t before, int64_t after, hyper_ratio r)
{
    wide exact = (wide)before * (r.n_less_1 + 1), d = r.d_less_1 + 1, error = (wide)after * d - exact;
    if (error <= -d || error >= d)
        ck_abort_msg("%lld times %d/%d gives %lld", (long long)before, r.n_less_1 + 1, r.d_less_1 + 1, (long long)after);
}

/* Makes `calls` calls on one coder with increments of any size between, and undoes them. Gives the bits at the top over
 * the bound. */
static inline double there_and_back(hyper_store *store, int64_t which, int calls, bool wild)
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

#endif
