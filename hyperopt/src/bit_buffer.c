/* The information buffer: an entropy coder with uniform symbols, and multiplication by n/d through it.
 *
 * In principle each lane is one long integer S. Multiplying v by n/d, with d = 2^16 and 0 < n <= d, is
 *
 *     S = S d + (v mod d),   v = floor(v / d),   u = S mod n,   S = floor(S / n),   v = v n + u.
 *
 * Each line is a bijection, and S never shrinks, as n <= d: there is never a symbol to take from nothing.
 * Here S is a state s in memory and a stack of words b = 2^32 shared by all lanes. With A = 2^15, the steps
 * and the intervals they map onto each other, one to one, are
 *
 *     s in [A, bA)     push v mod d      t = s d + r  in  [dA, dbA)
 *                      spill             if t >= nbA: word = t mod b, t = floor(t / b)
 *                                        t in [nA, nbA)
 *                      pop u             s = floor(t / n), u = t mod n        in  [A, bA) x [0, n)
 *
 * Spilling is undone without a mark: a t that was spilled came from below dbA and is now below dA, one that was
 * not is what it was, at least dA. (A spilled t is at least nA and, as d <= nb, below nbA, so one word suffices.)
 * So refilling if t < dA is the exact inverse for every n, mixed in any order on one lane, and no interval needs
 * to be a multiple of anything else. For n = d all of it is the identity, and is skipped.
 *
 * Element i of a call uses lane i mod LANES: neighbours are independent and overlap in the processor. Going
 * forward elements are in order, going back in reverse order, so words leave the stack as they came. The stack is
 * one array; where there is a spill file, what lies below the array is in the file, in order. */
#include "bit_buffer.h"
#include "fixed_point.h"

#include <ad/scope.h>
#include <math.h>
#include <string.h>

enum {
    LANES = 16,
    SYMBOL_BITS = HYPER_MOMENTUM_BITS,      /* d */
    WORD_BITS = 32,                         /* b */
    LOW_BITS = 15,                          /* A */
    HIGH_BITS = LOW_BITS + WORD_BITS,       /* b A; a state with a symbol fits in 63 bits */
    FIRST_CAPACITY = 1024,
    SHORT_RUN = 8                           /* below this many equal numerators their reciprocal does not pay */
};

#define DEFAULT_MEMORY_LIMIT ((size_t)64 << 20)
#define EMPTY_STATE ((uint64_t)1 << LOW_BITS)
#define REFILL_BELOW ((uint64_t)1 << (LOW_BITS + SYMBOL_BITS))

struct hyper_bit_buffer {
    uint64_t lane[LANES];
    uint32_t *word;            /* the top of the stack */
    size_t fill, capacity;
    FILE *spill;
    off_t origin;              /* of the file's part */
    size_t limit;              /* most words in memory when there is a file */
    size_t spilled;            /* words in the file: the rest of the stack */
    size_t peak;               /* most words of both */
    hyper_buffer_failure failure;
};

/* The stack of words. */

static bool fail(hyper_bit_buffer *buffer, hyper_buffer_failure failure)
{
    buffer->failure = failure;
    return false;
}

/* By a quarter, not twofold: this is memory that the whole method is there to save. */
static bool grow(hyper_bit_buffer *buffer)
{
    size_t capacity = buffer->capacity + buffer->capacity / 4 + FIRST_CAPACITY;
    if (buffer->spill && capacity > buffer->limit)
        capacity = buffer->limit;
    uint32_t *word = ad_memory_resize(buffer->word, capacity * sizeof *word);
    if (!word)
        return fail(buffer, HYPER_BUFFER_NO_MEMORY);
    buffer->word = word;
    buffer->capacity = capacity;
    return true;
}

static bool seek(hyper_bit_buffer *buffer, size_t words)
{
    return fseeko(buffer->spill, buffer->origin + (off_t)(words * sizeof *buffer->word), SEEK_SET) == 0;
}

/* The older half goes to the file and comes back when the newer is used up: between two transfers lie half a limit of words. */
static bool spill_older_half(hyper_bit_buffer *buffer)
{
    size_t half = buffer->fill / 2;
    if (!seek(buffer, buffer->spilled) || fwrite(buffer->word, sizeof *buffer->word, half, buffer->spill) != half || fflush(buffer->spill))
        return fail(buffer, HYPER_BUFFER_IO);
    buffer->spilled += half;
    buffer->fill -= half;
    memmove(buffer->word, buffer->word + half, buffer->fill * sizeof *buffer->word);
    return true;
}

static bool read_back(hyper_bit_buffer *buffer)
{
    size_t half = buffer->capacity / 2 < buffer->spilled ? buffer->capacity / 2 : buffer->spilled;
    if (half == 0)
        return fail(buffer, HYPER_BUFFER_MISMATCH);
    if (!seek(buffer, buffer->spilled - half) || fread(buffer->word, sizeof *buffer->word, half, buffer->spill) != half)
        return fail(buffer, HYPER_BUFFER_IO);
    buffer->spilled -= half;
    buffer->fill = half;
    return true;
}

static __attribute__((noinline)) bool push_word(hyper_bit_buffer *buffer, uint32_t word)
{
    if (buffer->fill == buffer->capacity && !(buffer->spill && buffer->fill == buffer->limit ? spill_older_half(buffer) : grow(buffer)))
        return false;
    buffer->word[buffer->fill++] = word;
    if (buffer->fill + buffer->spilled > buffer->peak)
        buffer->peak = buffer->fill + buffer->spilled;
    return true;
}

static __attribute__((noinline)) bool pop_word(hyper_bit_buffer *buffer, uint32_t *word)
{
    if (buffer->fill == 0 && !read_back(buffer))
        return false;
    *word = buffer->word[--buffer->fill];
    return true;
}

/* Division by a numerator shared by many elements: floor(t / n) = floor(t m / 2^p) with m = floor(2^p / n) + 1.
 * With 2^(l-1) < n <= 2^l and p = 63 + l, m fits in 64 bits; and it is exact for t < n 2^47, since t m / 2^p
 * exceeds t / n by at most t / 2^p, which is below 1/n because n^2 2^47 <= 2^(47 + 2 l) <= 2^p for l <= 16. */
typedef struct {
    uint64_t n, reciprocal;
    unsigned shift;            /* l */
} divisor;

static divisor divisor_of(uint32_t n)
{
    unsigned l = 0;
    while (((uint32_t)1 << l) < n)
        l++;
    uint64_t half = (uint64_t)1 << 63, quotient = half / n, rest = half % n;
    return (divisor){ .n = n, .reciprocal = (quotient << l) + (rest << l) / n + 1, .shift = l };
}

static inline uint64_t quotient(uint64_t t, divisor by, bool use_reciprocal)
{
    if (!use_reciprocal)
        return t / by.n;
    __extension__ typedef unsigned __int128 product;
    return (uint64_t)(((product)(t << 1) * by.reciprocal) >> 64) >> by.shift;
}

/* Elements from..to-1, in order. Returns the first that was not done, `to` if all were. */
static inline __attribute__((always_inline)) int64_t
multiply_run(hyper_bit_buffer *buffer, int64_t *restrict v, int64_t from, int64_t to, divisor by, bool use_reciprocal)
{
    uint64_t *restrict lane = buffer->lane;
    const uint64_t spill_from = by.n << HIGH_BITS;
    for (int64_t i = from; i < to; i++) {
        uint64_t t = lane[i % LANES] << SYMBOL_BITS | ((uint64_t)v[i] & (HYPER_MOMENTUM_ONE - 1));
        if (__builtin_expect(t >= spill_from, 0)) {
            if (!push_word(buffer, (uint32_t)t))
                return i;
            t >>= WORD_BITS;
        }
        uint64_t s = quotient(t, by, use_reciprocal);
        lane[i % LANES] = s;
        v[i] = (v[i] >> SYMBOL_BITS) * (int64_t)by.n + (int64_t)(t - s * by.n);
    }
    return to;
}

/* Elements to-1..from, in reverse order. Returns the end of those that were not done, `from` if all were. */
static inline __attribute__((always_inline)) int64_t
divide_run(hyper_bit_buffer *buffer, int64_t *restrict v, int64_t from, int64_t to, divisor by, bool use_reciprocal)
{
    uint64_t *restrict lane = buffer->lane;
    const uint64_t range = by.n << HIGH_BITS;       /* of a multiplied velocity, either side of zero */
    for (int64_t i = to - 1; i >= from; i--) {
        int64_t sign = v[i] >> 63;                  /* floor(v / n) = ~floor(~v / n) for v < 0 */
        uint64_t magnitude = (uint64_t)(v[i] ^ sign);
        if (__builtin_expect(magnitude >= range, 0)) {
            buffer->failure = HYPER_BUFFER_MISMATCH;
            return i + 1;
        }
        int64_t whole = (int64_t)quotient(magnitude, by, use_reciprocal) ^ sign;
        uint64_t t = lane[i % LANES] * by.n + (uint64_t)(v[i] - whole * (int64_t)by.n);
        if (__builtin_expect(t < REFILL_BELOW, 0)) {
            uint32_t word;
            if (!pop_word(buffer, &word))
                return i + 1;
            t = t << WORD_BITS | word;
        }
        lane[i % LANES] = t >> SYMBOL_BITS;
        v[i] = whole * (int64_t)HYPER_MOMENTUM_ONE + (int64_t)(t & (HYPER_MOMENTUM_ONE - 1));
    }
    return from;
}

/* Runs of equal numerators; one run where they are shared. */

static int64_t multiply_range(hyper_bit_buffer *buffer, int64_t *v, const uint32_t *numerator, int64_t stride, int64_t from, int64_t to)
{
    while (from < to) {
        uint32_t n = numerator[from * stride];
        int64_t end = stride ? from + 1 : to;
        while (end < to && numerator[end * stride] == n)
            end++;
        int64_t done = n == HYPER_MOMENTUM_ONE   ? end
                       : end - from < SHORT_RUN ? multiply_run(buffer, v, from, end, (divisor){ .n = n }, false)
                                                : multiply_run(buffer, v, from, end, divisor_of(n), true);
        if (done < end)
            return done;
        from = end;
    }
    return from;
}

static int64_t divide_range(hyper_bit_buffer *buffer, int64_t *v, const uint32_t *numerator, int64_t stride, int64_t from, int64_t to)
{
    while (from < to) {
        uint32_t n = numerator[(to - 1) * stride];
        int64_t start = stride ? to - 1 : from;
        while (start > from && numerator[(start - 1) * stride] == n)
            start--;
        int64_t left = n == HYPER_MOMENTUM_ONE   ? start
                       : to - start < SHORT_RUN ? divide_run(buffer, v, start, to, (divisor){ .n = n }, false)
                                                : divide_run(buffer, v, start, to, divisor_of(n), true);
        if (left > start)
            return left;
        to = start;
    }
    return to;
}

int64_t hyper_momentum_multiply(hyper_bit_buffer *buffer, int64_t count, int64_t *v, const uint32_t *numerator, int64_t stride)
{
    int64_t done = multiply_range(buffer, v, numerator, stride, 0, count);
    return done == count ? HYPER_FINE : done;
}

int64_t hyper_momentum_divide(hyper_bit_buffer *buffer, int64_t count, int64_t *v, const uint32_t *numerator, int64_t stride)
{
    int64_t left = divide_range(buffer, v, numerator, stride, 0, count);
    return left == 0 ? HYPER_FINE : left - 1;
}

/* Life and accounts. */

hyper_bit_buffer *hyper_bit_buffer_new(FILE *spill, size_t memory_limit)
{
    off_t origin = spill ? ftello(spill) : 0;
    hyper_bit_buffer *buffer = origin < 0 ? NULL : ad_memory_take(sizeof *buffer);
    if (!buffer)
        return NULL;
    size_t limit = (memory_limit ? memory_limit : DEFAULT_MEMORY_LIMIT) / sizeof *buffer->word;
    *buffer = (hyper_bit_buffer){ .spill = spill, .origin = origin, .limit = limit < 2 ? 2 : limit };
    hyper_bit_buffer_clear(buffer);
    return buffer;
}

void hyper_bit_buffer_free(hyper_bit_buffer *buffer)
{
    if (buffer)
        ad_memory_give(buffer->word);
    ad_memory_give(buffer);
}

void hyper_bit_buffer_clear(hyper_bit_buffer *buffer)
{
    buffer->fill = buffer->spilled = 0;
    buffer->failure = HYPER_BUFFER_FINE;
    for (int i = 0; i < LANES; i++)
        buffer->lane[i] = EMPTY_STATE;
}

hyper_buffer_failure hyper_bit_buffer_failure(const hyper_bit_buffer *buffer)
{
    return buffer->failure;
}

bool hyper_bit_buffer_is_empty(const hyper_bit_buffer *buffer)
{
    for (int i = 0; i < LANES; i++)
        if (buffer->lane[i] != EMPTY_STATE)
            return false;
    return buffer->fill == 0 && buffer->spilled == 0;
}

double hyper_bit_buffer_bits(const hyper_bit_buffer *buffer)
{
    double bits = (double)(buffer->spilled + buffer->fill) * WORD_BITS;
    for (int i = 0; i < LANES; i++)
        bits += log2((double)buffer->lane[i]) - LOW_BITS;
    return bits;
}

int64_t hyper_bit_buffer_peak_bytes(const hyper_bit_buffer *buffer)
{
    return (int64_t)(sizeof *buffer + buffer->peak * sizeof *buffer->word);
}
