/* Places along an axis: whether indices are within it, and the places that a mask names. Compiled once for each
 * instruction set, as elementwise.c. */
#include "kernels/loops.h"
#include <string.h>

#if defined(AD_ISA_AVX512)
#include <immintrin.h>
#endif

static bool all_within(int64_t n, int64_t length, const int64_t *index)
{
    uint64_t beyond = 0;
    for (int64_t i = 0; i < n; i++)
        beyond |= (uint64_t)index[i] >= (uint64_t)length;
    return !beyond;
}

static bool count_from_end(int64_t n, int64_t length, int64_t *index)
{
    uint64_t beyond = 0;
    for (int64_t i = 0; i < n; i++) {
        index[i] += index[i] < 0 ? length : 0;
        beyond |= (uint64_t)index[i] >= (uint64_t)length;
    }
    return !beyond;
}

static int64_t count_true(int64_t n, const uint8_t *mask)
{
    enum { PIECE = 1 << 20 }; /* the number of such a piece fits in half as many bits */
    int64_t count = 0;
    for (int64_t start = 0; start < n; start += PIECE) {
        int64_t end = n - start < PIECE ? n : start + PIECE;
        uint32_t more = 0;
        for (int64_t i = start; i < end; i++)
            more += mask[i] != 0;
        count += more;
    }
    return count;
}

enum { EIGHT = 8, MANY = 64 };

#ifdef AD_ISA_AVX512
/* Writes the places of the true ones among MANY, from element i on. `places` has room for MANY. Gives how many there
 * are. */
static inline int64_t places_of_many(const uint8_t *mask, int64_t i, int64_t *places)
{
    int64_t next = 0;
    __m512i place = _mm512_add_epi64(_mm512_set1_epi64(i), _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0));
    for (uint64_t rest = _mm512_test_epi8_mask(_mm512_loadu_si512(mask + i), _mm512_set1_epi8(-1)); rest; rest >>= EIGHT) {
        _mm512_storeu_si512(places + next, _mm512_maskz_compress_epi64((__mmask8)rest, place));
        next += __builtin_popcount((uint8_t)rest);
        place = _mm512_add_epi64(place, _mm512_set1_epi64(EIGHT));
    }
    return next;
}
#else
/* The same. Each place is written where the next one belongs, and stays there if its element is true. So no branch has
 * to be predicted, except the one for eight that are all false. */
static inline int64_t places_of_many(const uint8_t *mask, int64_t i, int64_t *places)
{
    int64_t next = 0;
    for (int64_t end = i + MANY; i < end; i += EIGHT) {
        uint64_t eight;
        memcpy(&eight, mask + i, sizeof eight);
        for (int j = 0; eight && j < EIGHT; j++) {
            places[next] = i + j;
            next += mask[i + j] != 0;
        }
    }
    return next;
}
#endif

static void places_of_true(int64_t n, const uint8_t *mask, int64_t count, int64_t *places)
{
    int64_t i = 0, next = 0, some[MANY];
    for (; next < count && i + MANY <= n; i += MANY) {
        if (count - next >= MANY) {
            next += places_of_many(mask, i, places + next);
            continue;
        }
        int64_t found = places_of_many(mask, i, some);
        memcpy(places + next, some, (size_t)found * sizeof *some);
        next += found;
    }
    for (; next < count; i++) {
        places[next] = i;
        next += mask[i] != 0;
    }
}

const struct ad_indices FOR_ISA(ad_indices) = {
    .all_within = all_within, .count_from_end = count_from_end, .count_true = count_true, .places_of_true = places_of_true,
};
