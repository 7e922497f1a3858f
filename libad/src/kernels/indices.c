/* Places along an axis: whether indices are within it, and those that a mask names. Compiled once for each instruction set, as elementwise.c. */
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
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++)
        count += mask[i] != 0;
    return count;
}

enum { EIGHT = 8, MANY = 64 };

/* The true ones among eight, from element i on, to `places`, in which there is room for eight. Gives how many. No branch depends on the mask. */
static inline int64_t places_of_eight(const uint8_t *mask, int64_t i, int64_t *places)
{
#ifdef AD_ISA_AVX512
    __mmask8 is_true = (__mmask8)_mm_test_epi8_mask(_mm_loadu_si64(mask + i), _mm_set1_epi8(-1));
    __m512i place = _mm512_add_epi64(_mm512_set1_epi64(i), _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0));
    _mm512_storeu_si512(places, _mm512_maskz_compress_epi64(is_true, place));
    return __builtin_popcount(is_true);
#else
    int64_t next = 0;
    for (int j = 0; j < EIGHT; j++) { /* each is written where the next one belongs, and stays if it is one */
        places[next] = i + j;
        next += mask[i + j] != 0;
    }
    return next;
#endif
}

static bool none_is_true(const uint8_t *mask)
{
    uint8_t any = 0;
    for (int l = 0; l < MANY; l++)
        any |= mask[l];
    return !any;
}

static void places_of_true(int64_t n, const uint8_t *mask, int64_t count, int64_t *places)
{
    int64_t i = 0, next = 0;
    while (count - next >= EIGHT) { /* so there are eight elements, and room for eight places */
        if (i + MANY <= n && none_is_true(mask + i)) {
            i += MANY;
            continue;
        }
        next += places_of_eight(mask, i, places + next);
        i += EIGHT;
    }
    for (; next < count; i++) {
        places[next] = i;
        next += mask[i] != 0;
    }
}

const struct ad_indices FOR_ISA(ad_indices) = {
    .all_within = all_within, .count_from_end = count_from_end, .count_true = count_true, .places_of_true = places_of_true,
};
