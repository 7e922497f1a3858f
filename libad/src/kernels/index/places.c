/* What follows from integers that name places along an axis: which come again, where they are among all elements, rows
 * of classes. All are within the axis. */
#include "kernels/loops.h"
#include <string.h>

int64_t ad_first_beyond(int64_t n, const int64_t *index)
{
    while (*index >= 0 && *index < n)
        index++;
    return *index;
}

int64_t ad_last_named(int64_t n, const int64_t *index, int64_t count, uint8_t *named, uint8_t *last)
{
    int64_t found = 0;
    memset(named, 0, (size_t)n);
    for (int64_t j = count - 1; j >= 0; j--) {
        found += last[j] = !named[index[j]];
        named[index[j]] = 1;
    }
    return found;
}

int64_t ad_number_places(const int64_t *index, int64_t count, int64_t *number, int64_t *different, int64_t *table, int64_t size)
{
    int64_t found = 0;
    memset(table, -1, (size_t)size * sizeof *table);
    for (int64_t j = 0; j < count; j++) {
        uint64_t at = ((uint64_t)index[j] * UINT64_C(0x9e3779b97f4a7c15)) >> 32; /* Knuth, "The Art of Computer Programming", 6.4 */
        while (table[at &= (uint64_t)size - 1] >= 0 && different[table[at]] != index[j])
            at++;
        if (table[at] < 0)
            different[table[at] = found++] = index[j];
        number[j] = table[at];
    }
    return found;
}

void ad_flat_places(int ndim, const int64_t *dims, const int64_t *steps, int64_t step, int64_t count, int64_t *places)
{
    int64_t counter[AD_MAX_NDIM] = { 0 };
    for (int64_t k = 0, base = 0; k < count; k++) {
        places[k] = base + places[k] * step;
        for (int d = ndim - 1; d >= 0; d--) {
            base += steps[d];
            if (++counter[d] < dims[d])
                break;
            base -= steps[d] * dims[d];
            counter[d] = 0;
        }
    }
}

#define FILL_CLASSES(T)                                                                                                \
    for (int64_t i = 0; i < count; i++)                                                                                \
        ((T *)out)[i * classes + index[i]] = 1;                                                                        \
    break

void ad_fill_classes(ad_dtype dtype, int64_t count, int64_t classes, const int64_t *index, void *out)
{
    switch (dtype) {
    case AD_F64: FILL_CLASSES(double);
    case AD_F32: FILL_CLASSES(float);
    case AD_C128: FILL_CLASSES(c128);
    case AD_C64: FILL_CLASSES(c64);
    case AD_I64: FILL_CLASSES(int64_t);
    case AD_I32: FILL_CLASSES(int32_t);
    default: FILL_CLASSES(uint8_t);
    }
}

int64_t ad_total_of_repeats(int64_t n, const int64_t *repeats, int64_t step, int64_t *total)
{
    int64_t sum = 0;
    bool fits = true;
    for (int64_t i = 0; i < n || (i == 0 && !step); i++) {
        if (repeats[i * step] < 0)
            return repeats[i * step];
        fits = i >= n || (fits && !__builtin_add_overflow(sum, repeats[i * step], &sum));
    }
    *total = fits ? sum : -1;
    return 0;
}

void ad_repeat_places(int64_t n, const int64_t *repeats, int64_t step, int64_t *places)
{
    for (int64_t i = 0, at = 0; i < n; i++)
        for (int64_t k = 0; k < repeats[i * step]; k++)
            places[at++] = i;
}

/* The element of 0 ... n-1 at place p of the infinite continuation. */
static int64_t continued(ad_pad_mode mode, int64_t p, int64_t n)
{
    if (mode == AD_PAD_EDGE)
        return p < 0 ? 0 : p < n ? p : n - 1;
    int64_t period = mode == AD_PAD_WRAP ? n : mode == AD_PAD_SYMMETRIC ? 2 * n : n > 1 ? 2 * n - 2 : 1;
    p = (p % period + period) % period;
    return p < n ? p : mode == AD_PAD_SYMMETRIC ? period - 1 - p : period - p;
}

void ad_pad_places(ad_pad_mode mode, int64_t n, int64_t before, int64_t total, int64_t *places)
{
    for (int64_t i = 0; i < total; i++)
        places[i] = continued(mode, i - before, n);
}
