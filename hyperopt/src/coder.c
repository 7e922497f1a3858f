/* Multiplication of integers by rationals, and its exact inverse: an entropy coder with uniform symbols.
 *
 * In principle each lane is one long integer S, and v times n/d is, with h = floor((d - n) / 2),
 *
 *     u = S mod n,   S = floor(S / n),   p = v n + u + h,   v = floor(p / d),   S = S d + (p mod d).
 *
 * Each line is a bijection, as u < n and p mod d < d are digits. The result is p / d rounded down, with p from v n + h to v n + h + n - 1, so that it
 * is v n/d rounded up or down; and 0 from v = 0, as h + n - 1 < d. S never shrinks from one line to the next but one, as n <= d.
 *
 * Here S is a state t in memory and a stack of words b = 2^16 that all lanes share. With A = 2^18 a lane at rest is in [A, bA), and one that waits for an n
 * or has taken a d is in the interval that it can be divided by n from, or came to:
 *
 *     wait for n        t in [nA, nbA)         if t >= nbA: word = t mod b, t = floor(t / b);  if t < nA: t = t b + word
 *     take u            s = floor(t / n), u = t mod n        s in [A, bA)
 *     put w = p mod d   t = s d + w                          t in [dA, dbA)
 *
 * Waiting takes [dA, dbA) of the element before to [nA, nbA). For n <= d nothing has to be refilled, and what was spilled is below dA afterwards, what
 * was not is not: refilling if t < dA undoes it. For n > d it is the other way round. (One word is enough, as d <= b n and n <= b d.) So the
 * same function with the other bound is the inverse of waiting, for all n and d mixed in any order on one lane. A call begins by taking the lanes from
 * rest, which is d = 1, and ends with waiting for 1.
 *
 * Going forward takes words off the stack too, but never more than RESERVE below its height at any time before: 16 bits for each word and log2(t) for each
 * lane together never get less (an element adds log2(d/n) >= log2(1 + 2^-16) and loses at most log2(1 + 1/A), as much as each of the two spills
 * that it can bring), and a lane has between 18 and 50 bits. So it is enough to put RESERVE words onto an empty stack.
 *
 * Element i of a call uses lane i mod LANES: a group of LANES elements is done at a time, each step for all of them. All numbers are integers in doubles,
 * which every processor has vectors of: t < d b A <= 2^50 and all else below 2^51 is exact. v is taken in halves: v = q n + c digit by digit; 32 bits
 * below it, fine, are one digit more.
 * Division: with x an integer and m = 1/n rounded twice, floor(x / n) is x m + (1/2 - n/2) m rounded to the nearest integer. The exact value is at least
 * 1/(2n) away from where rounding changes, more than 2^-17 (1 + 2^-17) where n < 2^16, and m is exact where n = 2^16 = d. The computed value is off by
 * less than 2^-51 times the quotient, which is below 2^34, and 2^-52; whether the product is rounded before the sum makes no difference.
 *
 * Where several lanes of a group move words, those that spill come first, in their order, and then the words that others need are taken together and dealt
 * out in the order of lanes, the lowest first. Undone, what was dealt out is spilled in that order, and what was spilled is dealt out in it: so
 * the same function does both. Going forward groups are in order, going back in reverse order. */
#include "arithmetic.h"
#include "store.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#define LOWEST ((double)(1 << LOW_BITS))     /* A */
#define WORD   ((double)(1 << WORD_BITS))    /* b */

/* Ratios of a group: a column for each lane. */
typedef struct {
    double n[LANES], by_n[LANES], shift_n[LANES]; /* 1/n and (1/2 - n/2) / n */
    double d[LANES], by_d[LANES], shift_d[LANES];
    double half[LANES];                           /* h */
} __attribute__((aligned(64))) ratios;

typedef double lanes[LANES] __attribute__((aligned(64)));

static const ratios ones = {
#define EACH(x) { x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x }
    EACH(1), EACH(1), EACH(0), EACH(1), EACH(1), EACH(0), EACH(0)
#undef EACH
};

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define FOR_LANES for (int i = 0; i < LANES; i++)
#else /* gcc unrolls short loops before it looks for vectors */
#define FOR_LANES _Pragma("GCC unroll 1") for (int i = 0; i < LANES; i++)
#endif

ALWAYS_INLINE void set_ratios(ratios *r, const hyper_ratio *ratio, int64_t stride)
{
    FOR_LANES {
        r->n[i] = (double)(ratio[i * stride].n_less_1 + 1);
        r->d[i] = (double)(ratio[i * stride].d_less_1 + 1);
    }
    FOR_LANES {
        double by_both = 1 / (r->n[i] * r->d[i]);
        r->by_n[i] = by_both * r->d[i];
        r->by_d[i] = by_both * r->n[i];
        r->shift_n[i] = (0.5 - 0.5 * r->n[i]) * r->by_n[i];
        r->shift_d[i] = (0.5 - 0.5 * r->d[i]) * r->by_d[i];
        double half = 0.5 * (r->d[i] - r->n[i]) - 0.25; /* rounds down */
        r->half[i] = hyper_nearest(half);
    }
}

/* floor(x / n) */
ALWAYS_INLINE double quotient(bool native, double x, double by, double shift)
{
    double shifted = hyper_sum_by(native, x, by, shift);
    return native ? hyper_nearest_of_any(shifted) : hyper_nearest(shifted);
}

/* ---- waiting ---- */

/* Of the lanes that have to, a bit each. */
typedef struct {
    unsigned spill, refill;
} waiting;

/* The lane that failed, -1: none. */
static __attribute__((noinline)) int move_words(hyper_coder *coder, double *t, waiting lane)
{
    uint16_t word;
    for (unsigned left = lane.spill; left; left &= left - 1) {
        int i = __builtin_ctz(left);
        uint64_t whole = (uint64_t)t[i];
        if (!hyper_push_word(coder, (uint16_t)whole))
            return i;
        t[i] = (double)(whole >> WORD_BITS);
    }
    for (unsigned left = lane.refill; left;) {
        int i = 31 - __builtin_clz(left);
        left &= ~(1u << i);
        if (!hyper_pop_word(coder, &word))
            return i;
        t[i] = t[i] * WORD + word;
    }
    return -1;
}

ALWAYS_INLINE int wait_portably(hyper_coder *coder, double *t, const double *n)
{
    waiting lane = { 0, 0 };
    int64_t any = 0; /* negative then: doubles that are not are in the order of their bits */
    FOR_LANES
        any |= (hyper_bits(n[i] * (LOWEST * WORD)) - 1 - hyper_bits(t[i])) | (hyper_bits(t[i]) - hyper_bits(n[i] * LOWEST));
    if (__builtin_expect(any >= 0, 1))
        return -1;
    FOR_LANES {
        lane.spill |= (unsigned)(t[i] >= n[i] * (LOWEST * WORD)) << i;
        lane.refill |= (unsigned)(t[i] < n[i] * LOWEST) << i;
    }
    return move_words(coder, t, lane);
}

#ifdef __x86_64__
#define AVX512 __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl")))

/* All spilled words at once, and then all that are asked for: AVX-512 has instructions that pack and unpack. The top block has room for either. */
static inline AVX512 void move_words_at_once(hyper_coder *coder, double *t, waiting lane)
{
    uint16_t *word = coder->top->word;
    __m512d low = _mm512_load_pd(t), high = _mm512_load_pd(t + 8), by = _mm512_set1_pd(1 / WORD), times = _mm512_set1_pd(WORD);
    __mmask8 spill_low = (__mmask8)lane.spill, spill_high = (__mmask8)(lane.spill >> 8);
    __m512d rest_low = _mm512_roundscale_pd(_mm512_mul_pd(low, by), _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
    __m512d rest_high = _mm512_roundscale_pd(_mm512_mul_pd(high, by), _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
    __m256i lost_low = _mm512_cvttpd_epi32(_mm512_sub_pd(low, _mm512_mul_pd(rest_low, times)));
    __m256i lost_high = _mm512_cvttpd_epi32(_mm512_sub_pd(high, _mm512_mul_pd(rest_high, times)));
    __m512i lost = _mm512_inserti64x4(_mm512_castsi256_si512(lost_low), lost_high, 1);
    _mm256_storeu_si256((__m256i *)(void *)(word + coder->fill), _mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32((__mmask16)lane.spill, lost)));
    coder->fill += __builtin_popcount(lane.spill);
    low = _mm512_mask_mov_pd(low, spill_low, rest_low);
    high = _mm512_mask_mov_pd(high, spill_high, rest_high);
    if (lane.refill) {
        coder->fill -= __builtin_popcount(lane.refill);
        __m512i packed = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)(word + coder->fill)));
        __m512i found = _mm512_maskz_expand_epi32((__mmask16)lane.refill, packed);
        __m512d found_low = _mm512_cvtepi32_pd(_mm512_castsi512_si256(found)), found_high = _mm512_cvtepi32_pd(_mm512_extracti64x4_epi64(found, 1));
        low = _mm512_mask_mov_pd(low, (__mmask8)lane.refill, _mm512_add_pd(_mm512_mul_pd(low, times), found_low));
        high = _mm512_mask_mov_pd(high, (__mmask8)(lane.refill >> 8), _mm512_add_pd(_mm512_mul_pd(high, times), found_high));
    }
    _mm512_store_pd(t, low);
    _mm512_store_pd(t + 8, high);
}

static inline AVX512 int wait_at_once(hyper_coder *coder, double *t, const double *n)
{
    waiting lane = { 0, 0 };
    for (int i = 0; i < LANES; i += 8) {
        __m512d of = _mm512_load_pd(t + i), from = _mm512_mul_pd(_mm512_load_pd(n + i), _mm512_set1_pd(LOWEST));
        lane.spill |= (unsigned)_mm512_cmp_pd_mask(of, _mm512_mul_pd(from, _mm512_set1_pd(WORD)), _CMP_GE_OQ) << i;
        lane.refill |= (unsigned)_mm512_cmp_pd_mask(of, from, _CMP_LT_OQ) << i;
    }
    if (__builtin_expect(!(lane.spill | lane.refill), 1))
        return -1;
    if (__builtin_expect(coder->fill < LANES || coder->top->capacity - coder->fill < 2 * LANES, 0))
        return move_words(coder, t, lane);
    move_words_at_once(coder, t, lane);
    return -1;
}
#else
#define wait_at_once wait_portably
#endif

/* The lane that failed, -1: none. */
ALWAYS_INLINE int wait_for(bool native, hyper_coder *coder, double *t, const double *n)
{
    return native ? wait_at_once(coder, t, n) : wait_portably(coder, t, n);
}

/* ---- asking ahead ---- */

enum { LINE = 64 };

static const hyper_ahead none;

void hyper_ahead_add(hyper_ahead *ahead, const void *vector, size_t size, int64_t from)
{
    for (size_t at = 0; vector && at < size * LANES && ahead->count < HYPER_AHEAD; at += LINE) {
        ahead->line[ahead->count].at = (uintptr_t)vector + size * (uintptr_t)from + at;
        ahead->line[ahead->count++].step = size * LANES;
    }
}

void hyper_coder_ask(hyper_coder *coder, const hyper_ahead *ahead)
{
    coder->ahead = ahead;
}

/* The lines go to the second cache: the first one is full of the block at hand. */
ALWAYS_INLINE void ask(const hyper_ahead *ahead, int64_t group)
{
    for (int i = 0; i < ahead->count; i++)
        __builtin_prefetch((const void *)(ahead->line[i].at + ahead->line[i].step * (uintptr_t)group), 0, 2);
}

/* ---- a group ---- */

/* Lanes wait for n and have taken d afterwards. What does not need t comes first: the rest is a chain from group to group. fine: NULL, or the bits below. */
ALWAYS_INLINE void multiply_group(bool native, double *restrict t, int64_t *restrict v, uint32_t *restrict fine, const ratios *restrict r)
{
    FOR_LANES {
        double high = hyper_high_half(v[i]), n = r->n[i], d = r->d[i], q_fine = 0;
        double q_high = quotient(native, high, r->by_d[i], r->shift_d[i]);
        double rest = hyper_sum_by(native, hyper_sum_by(native, -q_high, d, high), 0x1p32, hyper_low_half(v[i]));
        double q_low = quotient(native, rest, r->by_d[i], r->shift_d[i]), c = hyper_sum_by(native, -q_low, d, rest);
        if (fine) {
            rest = hyper_sum_by(native, c, 0x1p32, hyper_low_half(fine[i]));
            q_fine = quotient(native, rest, r->by_d[i], r->shift_d[i]);
            c = hyper_sum_by(native, -q_fine, d, rest);
        }
        double early = hyper_sum_by(native, c, n, r->half[i]); /* p - u without q n d */
        double s = quotient(native, t[i], r->by_n[i], r->shift_n[i]), p = hyper_sum_by(native, -s, n, early + t[i]);
        double carry = quotient(native, p, r->by_d[i], r->shift_d[i]);
        t[i] = hyper_sum_by(native, -carry, d, hyper_sum_by(native, s, d, p));
        if (fine) {
            uint64_t below = (uint64_t)hyper_integer(hyper_sum_by(native, q_fine, n, carry));
            fine[i] = (uint32_t)below;
            v[i] = (int64_t)(hyper_upper(q_high * n) + (uint64_t)hyper_integer(q_low * n) + (below >> 32));
        } else {
            v[i] = (int64_t)(hyper_upper(q_high * n) + (uint64_t)hyper_integer(hyper_sum_by(native, q_low, n, carry)));
        }
    }
}

/* The lowest 32 bits of an integer, whose other bits go to the carry. */
ALWAYS_INLINE double low_digit(bool native, double x, double *carry)
{
    *carry = quotient(native, x, 0x1p-32, 0x1p-33 - 0.5);
    return hyper_sum_by(native, -*carry, 0x1p32, x);
}

/* Lanes have taken d and wait for n afterwards. beyond is not 0 in a lane where a result was out of range. */
ALWAYS_INLINE void divide_group(bool native, double *restrict t, int64_t *restrict v, uint32_t *restrict fine, const ratios *restrict r,
                                int64_t *restrict beyond)
{
    FOR_LANES {
        double high = hyper_high_half(v[i]), n = r->n[i], d = r->d[i], q_fine = 0;
        double q_high = quotient(native, high, r->by_n[i], r->shift_n[i]);
        double rest = hyper_sum_by(native, hyper_sum_by(native, -q_high, n, high), 0x1p32, hyper_low_half(v[i]));
        double q_low = quotient(native, rest, r->by_n[i], r->shift_n[i]), c = hyper_sum_by(native, -q_low, n, rest);
        if (fine) {
            rest = hyper_sum_by(native, c, 0x1p32, hyper_low_half(fine[i]));
            q_fine = quotient(native, rest, r->by_n[i], r->shift_n[i]);
            c = hyper_sum_by(native, -q_fine, n, rest);
        }
        double early = hyper_sum_by(native, c, d, -r->half[i]);
        double s = quotient(native, t[i], r->by_d[i], r->shift_d[i]), p = hyper_sum_by(native, -s, d, early + t[i]); /* v n + u without q n d */
        double part = quotient(native, p, r->by_n[i], r->shift_n[i]);
        t[i] = hyper_sum_by(native, -part, n, hyper_sum_by(native, s, n, p));
        if (fine)
            fine[i] = (uint32_t)hyper_integer(low_digit(native, hyper_sum_by(native, q_fine, d, part), &part));
        double carry, low = low_digit(native, hyper_sum_by(native, q_low, d, part), &carry), top = hyper_sum_by(native, q_high, d, carry);
        beyond[i] |= (hyper_integer(top) + (INT64_C(1) << 31)) >> 32;
        v[i] = (int64_t)(hyper_upper(top) + (uint64_t)hyper_integer(low));
    }
}

/* The same for fewer elements than lanes; the lanes that are left over divide by 1. */
typedef struct {
    ratios r;
    int64_t v[LANES];
    uint32_t fine[LANES];
} __attribute__((aligned(64))) tail;

static void set_tail(tail *end, int64_t count, const int64_t *v, const uint32_t *fine, const hyper_ratio *ratio, int64_t stride)
{
    hyper_ratio padded[LANES] = { { 0, 0 } };
    memset(end->v, 0, sizeof end->v);
    memset(end->fine, 0, sizeof end->fine);
    for (int64_t i = 0; i < count; i++) {
        padded[i] = ratio[i * stride];
        end->v[i] = v[i];
        end->fine[i] = fine ? fine[i] : 0;
    }
    set_ratios(&end->r, padded, 1);
}

static void take_tail(const tail *end, int64_t count, int64_t *v, uint32_t *fine)
{
    memcpy(v, end->v, (size_t)count * sizeof *v);
    if (fine)
        memcpy(fine, end->fine, (size_t)count * sizeof *fine);
}

/* Of bits below that may be missing. */
ALWAYS_INLINE uint32_t *fine_at(uint32_t *fine, int64_t i)
{
    return fine ? fine + i : NULL;
}

/* ---- calls ---- */

ALWAYS_INLINE int64_t multiply_run(bool native, hyper_coder *coder, int64_t count, int64_t *v, uint32_t *fine, const hyper_ratio *ratio, int64_t stride)
{
    const hyper_ahead *ahead = coder->ahead ? coder->ahead : &none;
    lanes t;
    ratios r;
    tail end;
    int64_t whole = count - count % LANES;
    int failed;
    memcpy(t, coder->lane, sizeof t);
    if (!stride)
        set_ratios(&r, ratio, 0);
    for (int64_t from = 0; from < whole; from += LANES) {
        ask(ahead, from / LANES);
        if (stride)
            set_ratios(&r, ratio + from, 1);
        if ((failed = wait_for(native, coder, t, r.n)) >= 0)
            return from + failed;
        multiply_group(native, t, v + from, fine_at(fine, from), &r);
    }
    if (whole < count) {
        set_tail(&end, count - whole, v + whole, fine_at(fine, whole), ratio + whole * stride, stride);
        if ((failed = wait_for(native, coder, t, end.r.n)) >= 0)
            return whole + failed < count ? whole + failed : count - 1;
        multiply_group(native, t, end.v, fine ? end.fine : NULL, &end.r);
        take_tail(&end, count - whole, v + whole, fine_at(fine, whole));
    }
    if (wait_for(native, coder, t, ones.n) >= 0)
        return count - 1;
    memcpy(coder->lane, t, sizeof t);
    return HYPER_FINE;
}

ALWAYS_INLINE int64_t divide_run(bool native, hyper_coder *coder, int64_t count, int64_t *v, uint32_t *fine, const hyper_ratio *ratio, int64_t stride)
{
    const hyper_ahead *ahead = coder->ahead ? coder->ahead : &none;
    lanes t;
    ratios r;
    tail end;
    int64_t whole = count - count % LANES, any = 0, beyond[LANES] __attribute__((aligned(64))) = { 0 };
    int failed;
    memcpy(t, coder->lane, sizeof t);
    if (!stride)
        set_ratios(&r, ratio, 0);
    if (whole < count) {
        set_tail(&end, count - whole, v + whole, fine_at(fine, whole), ratio + whole * stride, stride);
        if ((failed = wait_for(native, coder, t, end.r.d)) >= 0)
            return whole + failed < count ? whole + failed : count - 1;
        divide_group(native, t, end.v, fine ? end.fine : NULL, &end.r, beyond);
        take_tail(&end, count - whole, v + whole, fine_at(fine, whole));
    }
    for (int64_t from = whole - LANES; from >= 0; from -= LANES) {
        ask(ahead, from / LANES);
        if (stride)
            set_ratios(&r, ratio + from, 1);
        if ((failed = wait_for(native, coder, t, r.d)) >= 0)
            return from + failed;
        divide_group(native, t, v + from, fine_at(fine, from), &r, beyond);
    }
    FOR_LANES
        any |= beyond[i];
    if (any) {
        coder->failure = HYPER_STORE_MISMATCH;
        return 0;
    }
    if (wait_for(native, coder, t, ones.d) >= 0)
        return 0;
    memcpy(coder->lane, t, sizeof t);
    return HYPER_FINE;
}

static bool is_identity(const hyper_ratio *ratio, int64_t stride)
{
    return stride == 0 && ratio->n_less_1 == ratio->d_less_1;
}

ALWAYS_INLINE int64_t multiply_all(bool native, hyper_coder *coder, int64_t count, int64_t *v, uint32_t *fine, const hyper_ratio *ratio, int64_t stride)
{
    if (count == 0 || is_identity(ratio, stride))
        return HYPER_FINE;
    return stride ? multiply_run(native, coder, count, v, fine, ratio, 1) : multiply_run(native, coder, count, v, fine, ratio, 0);
}

ALWAYS_INLINE int64_t divide_all(bool native, hyper_coder *coder, int64_t count, int64_t *v, uint32_t *fine, const hyper_ratio *ratio, int64_t stride)
{
    if (count == 0 || is_identity(ratio, stride))
        return HYPER_FINE;
    return stride ? divide_run(native, coder, count, v, fine, ratio, 1) : divide_run(native, coder, count, v, fine, ratio, 0);
}

ALWAYS_INLINE int64_t hyper_coder_multiply_body(bool native, hyper_coder *coder, int64_t count, int64_t *v, const hyper_ratio *ratio, int64_t stride)
{
    return multiply_all(native, coder, count, v, NULL, ratio, stride);
}

ALWAYS_INLINE int64_t hyper_coder_divide_body(bool native, hyper_coder *coder, int64_t count, int64_t *v, const hyper_ratio *ratio, int64_t stride)
{
    return divide_all(native, coder, count, v, NULL, ratio, stride);
}

ALWAYS_INLINE int64_t hyper_coder_multiply_fine_body(bool native, hyper_coder *coder, int64_t count, int64_t *v, uint32_t *fine, const hyper_ratio *ratio,
                                                     int64_t stride)
{
    return multiply_all(native, coder, count, v, fine, ratio, stride);
}

ALWAYS_INLINE int64_t hyper_coder_divide_fine_body(bool native, hyper_coder *coder, int64_t count, int64_t *v, uint32_t *fine, const hyper_ratio *ratio,
                                                   int64_t stride)
{
    return divide_all(native, coder, count, v, fine, ratio, stride);
}

HYPER_NATIVE_VERSIONS(, int64_t, hyper_coder_multiply, (hyper_coder *coder, int64_t count, int64_t *v, const hyper_ratio *ratio, int64_t stride),
                      coder, count, v, ratio, stride)
HYPER_NATIVE_VERSIONS(, int64_t, hyper_coder_divide, (hyper_coder *coder, int64_t count, int64_t *v, const hyper_ratio *ratio, int64_t stride),
                      coder, count, v, ratio, stride)
HYPER_NATIVE_VERSIONS(, int64_t, hyper_coder_multiply_fine,
                      (hyper_coder *coder, int64_t count, int64_t *v, uint32_t *fine, const hyper_ratio *ratio, int64_t stride),
                      coder, count, v, fine, ratio, stride)
HYPER_NATIVE_VERSIONS(, int64_t, hyper_coder_divide_fine,
                      (hyper_coder *coder, int64_t count, int64_t *v, uint32_t *fine, const hyper_ratio *ratio, int64_t stride),
                      coder, count, v, fine, ratio, stride)

/* ---- single digits ---- */

int64_t hyper_coder_push(hyper_coder *coder, int64_t count, const int64_t *digit, const int64_t *base)
{
    for (int64_t i = 0; i < count; i++) {
        uint64_t t = (uint64_t)coder->lane[i % LANES] * (uint64_t)base[i] + (uint64_t)digit[i];
        if (t >= UINT64_C(1) << (LOW_BITS + WORD_BITS)) {
            if (!hyper_push_word(coder, (uint16_t)t))
                return i;
            t >>= WORD_BITS;
        }
        coder->lane[i % LANES] = (double)t;
    }
    return HYPER_FINE;
}

int64_t hyper_coder_pop(hyper_coder *coder, int64_t count, int64_t *digit, const int64_t *base)
{
    for (int64_t i = count - 1; i >= 0; i--) {
        uint64_t t = (uint64_t)coder->lane[i % LANES], low = (uint64_t)base[i] << LOW_BITS;
        uint16_t word;
        if (t < low) {
            if (!hyper_pop_word(coder, &word))
                return i;
            t = t << WORD_BITS | word;
        }
        digit[i] = (int64_t)(t % (uint64_t)base[i]);
        coder->lane[i % LANES] = (double)(t / (uint64_t)base[i]);
    }
    return HYPER_FINE;
}
