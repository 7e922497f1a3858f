/* Multiplication of integers by rationals, and its exact inverse: an entropy coder with uniform symbols.
 *
 * In principle each lane is one long integer S. With h = floor((d - n) / 2), v is multiplied by n/d in five steps:
 *
 *     u = S mod n,   S = floor(S / n),   p = v n + u + h,   v = floor(p / d),   S = S d + (p mod d).
 *
 * Each step is a bijection, as u < n and p mod d < d are digits. The result is p / d rounded down, where p is between
 * v n + h and v n + h + n - 1. So it is v n/d rounded up or down, and 0 for v = 0, as h + n - 1 < d. From one
 * multiplication to the next S never shrinks, as n <= d.
 *
 * In fact S is a state t in memory, and a stack of words b = 2^16 that all lanes share. Let A = 2^18. A lane at rest
 * has t in [A, bA). A lane that waits to be divided by n, or that has taken a digit below d, has t in one of these
 * intervals:
 *
 *     wait for n        t in [nA, nbA)       if t >= nbA: word = t mod b, t = floor(t / b);  if t < nA: t = t b + word
 *     take u            s in [A, bA)         s = floor(t / n), u = t mod n
 *     put w = p mod d   t in [dA, dbA)       t = s d + w
 *
 * Waiting moves t from [dA, dbA), where the element before left it, to [nA, nbA). For n <= d no lane has to be
 * refilled. A lane that spilled a word is below dA afterwards, and a lane that did not is not below it. So refilling
 * where t < dA undoes the waiting. For n > d it is the other way round. One word is enough, as d <= b n and n <= b d.
 * So the same function with the other bound is the inverse of waiting, for all n and d in any order on one lane. A call
 * begins by taking the lanes from rest, which is waiting with d = 1, and ends with waiting for 1.
 *
 * Going forward takes words off the stack too, but never more than RESERVE below its height at any time before. Count
 * 16 bits for each word and log2(t) for each lane: the sum never gets less. (An element adds log2(d/n) >= log2(1 +
 * 2^-16). It loses at most log2(1 + 1/A), and as much again for each of the two spills that it can bring.) A lane has
 * between 18 and 50 bits. So it is enough to put RESERVE words onto an empty stack.
 *
 * Element i of a call uses lane i mod LANES. A group of LANES elements is done at a time, and each step is done for all
 * of them. All numbers are integers in doubles, since every processor has vectors of doubles: t < d b A <= 2^50, all
 * other numbers are below 2^51, and so all are exact. v is taken in halves, v = q n + c digit by digit. If there are 32
 * bits below it (fine), they are one more digit.
 *
 * Division: let x be an integer and m = 1/n, rounded twice. Then floor(x / n) is x m + (1/2 - n/2) m rounded to the
 * nearest integer. The exact value is at least 1/(2n) away from where rounding changes. For n < 2^16 that is more than
 * 2^-17 (1 + 2^-17); for n = 2^16 = d, m is exact. The computed value is off by less than 2^-51 times the quotient,
 * which is below 2^34, plus 2^-52. It makes no difference whether the product is rounded before the sum.
 *
 * A v that a double holds with room to spare is taken whole. For any integer q the digits of p = v n + u + h are those
 * of (v - q d) n + u + h, and floor(p / d) is then larger by q n. So q may be any integer near v/d, such as one product
 * rounded, and only the last division has to be exact.
 *
 * Where several lanes of a group move words, those that spill come first, in their order. Then the words that other
 * lanes need are taken together and dealt out in the order of lanes, the lowest first. When this is undone, what was
 * dealt out is spilled in that order, and what was spilled is dealt out in it. So the same function does both. Groups
 * are done in order going forward, and in reverse order going back. */
#include "arithmetic.h"
#include "store.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#define LOWEST ((double)(1 << LOW_BITS))     /* A */
#define WORD   ((double)(1 << WORD_BITS))    /* b */

typedef double lanes[LANES] __attribute__((aligned(64)));

/* The numbers that the lanes of a group are divided by. */
typedef struct {
    lanes is, by, shift; /* n, 1/n and (1/2 - n/2) / n */
} divisors;

/* The ratios of a group, a column for each lane. */
typedef struct {
    divisors n, d;
    lanes half; /* h */
} ratios;

static const lanes ones = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define FOR_LANES     HYPER_FOR_FEW(i, LANES)

ALWAYS_INLINE void set_ratios(ratios *r, const hyper_ratio *ratio, int64_t stride)
{
    FOR_LANES {
        r->n.is[i] = (double)(ratio[i * stride].n_less_1 + 1);
        r->d.is[i] = (double)(ratio[i * stride].d_less_1 + 1);
    }
    FOR_LANES {
        double by_both = 1 / (r->n.is[i] * r->d.is[i]);
        r->n.by[i] = by_both * r->d.is[i];
        r->d.by[i] = by_both * r->n.is[i];
        r->n.shift[i] = (0.5 - 0.5 * r->n.is[i]) * r->n.by[i];
        r->d.shift[i] = (0.5 - 0.5 * r->d.is[i]) * r->d.by[i];
        double half = 0.5 * (r->d.is[i] - r->n.is[i]) - 0.25; /* rounds down */
        r->half[i] = hyper_nearest(half);
    }
}

ALWAYS_INLINE double nearest(bool native, double x)
{
    return native ? hyper_nearest_of_any(x) : hyper_nearest(x);
}

/* floor(x / n) */
ALWAYS_INLINE double quotient(bool native, double x, double by, double shift)
{
    return nearest(native, hyper_sum_by(native, x, by, shift));
}

/* ---- waiting ---- */

/* Which lanes have to move a word, a bit for each. */
typedef struct {
    unsigned spill, refill;
} waiting;

/* Gives the lane that failed, or -1. */
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

ALWAYS_INLINE bool must_wait_portably(const double *t, const double *n)
{
    int64_t any = 0; /* negative if any lane has to: doubles that are not negative are in the order of their bits */
    FOR_LANES
        any |= (hyper_bits(n[i] * (LOWEST * WORD)) - 1 - hyper_bits(t[i])) | (hyper_bits(t[i]) - hyper_bits(n[i] * LOWEST));
    return any < 0;
}

ALWAYS_INLINE int wait_portably(hyper_coder *coder, double *t, const double *n)
{
    waiting lane = { 0, 0 };
    if (__builtin_expect(!must_wait_portably(t, n), 1))
        return -1;
    FOR_LANES {
        lane.spill |= (unsigned)(t[i] >= n[i] * (LOWEST * WORD)) << i;
        lane.refill |= (unsigned)(t[i] < n[i] * LOWEST) << i;
    }
    return move_words(coder, t, lane);
}

#ifdef __x86_64__
#define AVX512 __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl")))

/* Moves all spilled words at once, and then all that are asked for: AVX-512 has instructions that pack and unpack. The
 * top block has room for either. */
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

static inline AVX512 waiting waiting_at_once(const double *t, const double *n)
{
    waiting lane = { 0, 0 };
    for (int i = 0; i < LANES; i += 8) {
        __m512d of = _mm512_load_pd(t + i), from = _mm512_mul_pd(_mm512_load_pd(n + i), _mm512_set1_pd(LOWEST));
        lane.spill |= (unsigned)_mm512_cmp_pd_mask(of, _mm512_mul_pd(from, _mm512_set1_pd(WORD)), _CMP_GE_OQ) << i;
        lane.refill |= (unsigned)_mm512_cmp_pd_mask(of, from, _CMP_LT_OQ) << i;
    }
    return lane;
}

static inline AVX512 int wait_at_once(hyper_coder *coder, double *t, const double *n)
{
    waiting lane = waiting_at_once(t, n);
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

/* Gives the lane that failed, or -1. */
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

/* The lines go to the second-level cache: the first-level cache is full of the block at hand. */
ALWAYS_INLINE void ask(const hyper_ahead *ahead, int64_t group)
{
    for (int i = 0; i < ahead->count; i++)
        __builtin_prefetch((const void *)(ahead->line[i].at + ahead->line[i].step * (uintptr_t)group), 0, 2);
}

/* ---- a group ---- */

/* A lane gives the digit u < n, and takes p mod d, where p = early + u. Gives floor(p / d). When dividing, n and d
 * change places. */
ALWAYS_INLINE double change_digit(bool native, double *t, double early, const divisors *n, const divisors *d, int i)
{
    double s = quotient(native, *t, n->by[i], n->shift[i]), p = hyper_sum_by(native, -s, n->is[i], early + *t);
    double carry = quotient(native, p, d->by[i], d->shift[i]);
    *t = hyper_sum_by(native, -carry, d->is[i], hyper_sum_by(native, s, d->is[i], p));
    return carry;
}

/* v in two digits of base n: v = high 2^32 + low. n divides each, and the remainder goes to the next digit, or is the
 * rest. */
typedef struct {
    double high, low, rest;
} halves;

ALWAYS_INLINE halves divided(bool native, int64_t v, const divisors *n, int i)
{
    halves q;
    double high = hyper_high_half(v);
    q.high = quotient(native, high, n->by[i], n->shift[i]);
    double rest = hyper_sum_by(native, hyper_sum_by(native, -q.high, n->is[i], high), 0x1p32, hyper_low_half(v));
    q.low = quotient(native, rest, n->by[i], n->shift[i]);
    q.rest = hyper_sum_by(native, -q.low, n->is[i], rest);
    return q;
}

/* The same with 32 bits more. */
ALWAYS_INLINE double divided_fine(bool native, halves *q, uint32_t fine, const divisors *n, int i)
{
    double rest = hyper_sum_by(native, q->rest, 0x1p32, hyper_low_half(fine)), q_fine = quotient(native, rest, n->by[i], n->shift[i]);
    q->rest = hyper_sum_by(native, -q_fine, n->is[i], rest);
    return q_fine;
}

/* Lanes wait for n and have taken a digit below d afterwards. What does not depend on t comes first, since the rest is
 * a chain from group to group. fine: NULL, or the bits below v. */
ALWAYS_INLINE void multiply_group(bool native, double *restrict t, int64_t *restrict v, uint32_t *restrict fine, const ratios *restrict r)
{
    FOR_LANES {
        halves q = divided(native, v[i], &r->d, i);
        double n = r->n.is[i], q_fine = fine ? divided_fine(native, &q, fine[i], &r->d, i) : 0;
        double carry = change_digit(native, &t[i], hyper_sum_by(native, q.rest, n, r->half[i]), &r->n, &r->d, i);
        if (fine) {
            uint64_t below = (uint64_t)hyper_integer(hyper_sum_by(native, q_fine, n, carry));
            fine[i] = (uint32_t)below;
            v[i] = (int64_t)(hyper_upper(q.high * n) + (uint64_t)hyper_integer(q.low * n) + (below >> 32));
        } else {
            v[i] = (int64_t)(hyper_upper(q.high * n) + (uint64_t)hyper_integer(hyper_sum_by(native, q.low, n, carry)));
        }
    }
}

/* The lowest 32 bits of an integer. Its other bits go to the carry. */
ALWAYS_INLINE double low_digit(bool native, double x, double *carry)
{
    *carry = quotient(native, x, 0x1p-32, 0x1p-33 - 0.5);
    return hyper_sum_by(native, -*carry, 0x1p32, x);
}

/* Lanes have taken a digit below d and wait for n afterwards. `beyond` is not 0 in a lane whose result was out of
 * range. */
ALWAYS_INLINE void divide_group(bool native, double *restrict t, int64_t *restrict v, uint32_t *restrict fine, const ratios *restrict r,
                                int64_t *restrict beyond)
{
    FOR_LANES {
        halves q = divided(native, v[i], &r->n, i);
        double d = r->d.is[i], q_fine = fine ? divided_fine(native, &q, fine[i], &r->n, i) : 0;
        double part = change_digit(native, &t[i], hyper_sum_by(native, q.rest, d, -r->half[i]), &r->d, &r->n, i);
        if (fine)
            fine[i] = (uint32_t)hyper_integer(low_digit(native, hyper_sum_by(native, q_fine, d, part), &part));
        double carry, low = low_digit(native, hyper_sum_by(native, q.low, d, part), &carry), top = hyper_sum_by(native, q.high, d, carry);
        beyond[i] |= (hyper_integer(top) + (INT64_C(1) << 31)) >> 32;
        v[i] = (int64_t)(hyper_upper(top) + (uint64_t)hyper_integer(low));
    }
}

/* Multiplies or divides a v that doubles hold: v n/d, or v d/n where n and d change places and h changes its sign. */
ALWAYS_INLINE void change_group(bool native, double *restrict t, int64_t *restrict v, const divisors *restrict n, const divisors *restrict d,
                                const double *restrict half, double sign)
{
    FOR_LANES {
        double x = hyper_real_of_near(native, v[i]), q = nearest(native, x * d->by[i]), rest = hyper_sum_by(native, -q, d->is[i], x);
        double carry = change_digit(native, &t[i], hyper_sum_by(native, rest, n->is[i], sign * half[i]), n, d, i);
        v[i] = hyper_integer_by(native, hyper_sum_by(native, q, n->is[i], carry));
    }
}

/* Whether a lane has to wait. */
ALWAYS_INLINE bool must_wait(bool native, const double *t, const double *n)
{
#ifdef __x86_64__
    if (native) {
        waiting lane = waiting_at_once(t, n);
        return lane.spill | lane.refill;
    }
#endif
    return must_wait_portably(t, n);
}

/* Does groups, `step` from one to the next, up to one whose lanes have to wait. Gives how many were done. There are no
 * calls in it, so t stays in registers. */
ALWAYS_INLINE int64_t change_groups(bool native, const hyper_ahead *ahead, int64_t groups, int64_t from, int64_t step, double *t, int64_t *v,
                                    const divisors *n, const divisors *d, const double *half, double sign)
{
    lanes now;
    int64_t done = 0;
    memcpy(now, t, sizeof now);
    for (; done < groups && !must_wait(native, now, n->is); done++, from += step) {
        ask(ahead, from / LANES);
        change_group(native, now, v + from, n, d, half, sign);
    }
    memcpy(t, now, sizeof now);
    return done;
}

/* A group of fewer elements than lanes. The lanes that are left over divide by 1. */
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

/* Where the bits below element i are, if there are any. */
ALWAYS_INLINE uint32_t *fine_at(uint32_t *fine, int64_t i)
{
    return fine ? fine + i : NULL;
}

/* ---- calls ---- */

ALWAYS_INLINE int64_t multiply_run(bool native, bool near, hyper_coder *coder, int64_t count, int64_t *v, uint32_t *fine, const hyper_ratio *ratio,
                                   int64_t stride)
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
        if (near && !stride)
            from += LANES * change_groups(native, ahead, (whole - from) / LANES, from, LANES, t, v, &r.n, &r.d, r.half, 1);
        if (from == whole)
            break;
        ask(ahead, from / LANES);
        if (stride)
            set_ratios(&r, ratio + from, 1);
        if ((failed = wait_for(native, coder, t, r.n.is)) >= 0)
            return from + failed;
        if (near)
            change_group(native, t, v + from, &r.n, &r.d, r.half, 1);
        else
            multiply_group(native, t, v + from, fine_at(fine, from), &r);
    }
    if (whole < count) {
        set_tail(&end, count - whole, v + whole, fine_at(fine, whole), ratio + whole * stride, stride);
        if ((failed = wait_for(native, coder, t, end.r.n.is)) >= 0)
            return whole + failed < count ? whole + failed : count - 1;
        multiply_group(native, t, end.v, fine ? end.fine : NULL, &end.r);
        take_tail(&end, count - whole, v + whole, fine_at(fine, whole));
    }
    if (wait_for(native, coder, t, ones) >= 0)
        return count - 1;
    memcpy(coder->lane, t, sizeof t);
    return HYPER_FINE;
}

ALWAYS_INLINE int64_t divide_run(bool native, bool near, hyper_coder *coder, int64_t count, int64_t *v, uint32_t *fine, const hyper_ratio *ratio,
                                 int64_t stride)
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
        if ((failed = wait_for(native, coder, t, end.r.d.is)) >= 0)
            return whole + failed < count ? whole + failed : count - 1;
        divide_group(native, t, end.v, fine ? end.fine : NULL, &end.r, beyond);
        take_tail(&end, count - whole, v + whole, fine_at(fine, whole));
    }
    for (int64_t from = whole - LANES; from >= 0; from -= LANES) {
        if (near && !stride)
            from -= LANES * change_groups(native, ahead, from / LANES + 1, from, -LANES, t, v, &r.d, &r.n, r.half, -1);
        if (from < 0)
            break;
        ask(ahead, from / LANES);
        if (stride)
            set_ratios(&r, ratio + from, 1);
        if ((failed = wait_for(native, coder, t, r.d.is)) >= 0)
            return from + failed;
        if (near)
            change_group(native, t, v + from, &r.d, &r.n, r.half, -1);
        else
            divide_group(native, t, v + from, fine_at(fine, from), &r, beyond);
    }
    FOR_LANES
        any |= beyond[i];
    if (any) {
        coder->failure = HYPER_STORE_MISMATCH;
        return 0;
    }
    if (wait_for(native, coder, t, ones) >= 0)
        return 0;
    memcpy(coder->lane, t, sizeof t);
    return HYPER_FINE;
}

static bool is_identity(const hyper_ratio *ratio, int64_t stride)
{
    return stride == 0 && ratio->n_less_1 == ratio->d_less_1;
}

/* A lower bound for n/d. */
ALWAYS_INLINE double least_ratio(int64_t count, const hyper_ratio *ratio, int64_t stride)
{
    int32_t below_half = 0; /* negative if an n is below half of its d */
    if (!stride)
        return (double)(ratio->n_less_1 + 1) / (double)(ratio->d_less_1 + 1);
    for (int64_t i = 0; i < count; i++)
        below_half |= 2 * ratio[i].n_less_1 + 1 - ratio[i].d_less_1;
    return below_half < 0 ? 0x1p-16 : 0.5;
}

/* Whether doubles hold v, and v d/n, which is larger, with everything that change_group computes on the way. */
ALWAYS_INLINE bool all_near(bool native, int64_t count, const int64_t *v, double ratio)
{
    int64_t bits = 0;
    for (int64_t i = 0; i < count; i++)
        bits |= v[i] ^ v[i] >> 63; /* v or -1 - v */
    return (double)bits < (native ? 0x1p52 : 0x1p50) * ratio;
}

ALWAYS_INLINE int64_t multiply_all(bool native, bool has_fine, hyper_coder *coder, int64_t count, int64_t *v, uint32_t *fine, const hyper_ratio *ratio,
                                   int64_t stride)
{
    if (count == 0 || is_identity(ratio, stride))
        return HYPER_FINE;
    if (!has_fine && all_near(native, count, v, 1))
        return stride ? multiply_run(native, true, coder, count, v, NULL, ratio, 1) : multiply_run(native, true, coder, count, v, NULL, ratio, 0);
    return stride ? multiply_run(native, false, coder, count, v, fine, ratio, 1) : multiply_run(native, false, coder, count, v, fine, ratio, 0);
}

/* Going back with integers in doubles is so fast that memory cannot keep up, and the time is lost in waiting. Then
 * halves are as fast. */
static bool waits_for_memory(const hyper_coder *coder)
{
    return coder->ahead && coder->ahead->count > 0;
}

ALWAYS_INLINE int64_t divide_all(bool native, bool has_fine, hyper_coder *coder, int64_t count, int64_t *v, uint32_t *fine, const hyper_ratio *ratio,
                                 int64_t stride)
{
    if (count == 0 || is_identity(ratio, stride))
        return HYPER_FINE;
    if (!has_fine && !waits_for_memory(coder) && all_near(native, count, v, least_ratio(count, ratio, stride)))
        return stride ? divide_run(native, true, coder, count, v, NULL, ratio, 1) : divide_run(native, true, coder, count, v, NULL, ratio, 0);
    return stride ? divide_run(native, false, coder, count, v, fine, ratio, 1) : divide_run(native, false, coder, count, v, fine, ratio, 0);
}

ALWAYS_INLINE int64_t hyper_coder_multiply_body(bool native, hyper_coder *coder, int64_t count, int64_t *v, const hyper_ratio *ratio, int64_t stride)
{
    return multiply_all(native, false, coder, count, v, NULL, ratio, stride);
}

ALWAYS_INLINE int64_t hyper_coder_divide_body(bool native, hyper_coder *coder, int64_t count, int64_t *v, const hyper_ratio *ratio, int64_t stride)
{
    return divide_all(native, false, coder, count, v, NULL, ratio, stride);
}

ALWAYS_INLINE int64_t hyper_coder_multiply_fine_body(bool native, hyper_coder *coder, int64_t count, int64_t *v, uint32_t *fine, const hyper_ratio *ratio,
                                                     int64_t stride)
{
    return multiply_all(native, true, coder, count, v, fine, ratio, stride);
}

ALWAYS_INLINE int64_t hyper_coder_divide_fine_body(bool native, hyper_coder *coder, int64_t count, int64_t *v, uint32_t *fine, const hyper_ratio *ratio,
                                                   int64_t stride)
{
    return divide_all(native, true, coder, count, v, fine, ratio, stride);
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
