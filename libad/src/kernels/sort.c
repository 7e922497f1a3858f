/* Stable argsort: elements become unsigned keys of the same order, which a merge sort of (key, index) pairs sorts.
 *
 * For every dtype one sort: a float's bits with the sign handled are ordered as integers, -0 made 0 and NaN the largest; a complex
 * number has two keys, and is last if one part is NaN: first those with a real part, then those with an imaginary part, then the rest. */
#include "kernels/kernels.h"
#include <math.h>
#include <string.h>

struct entry {
    uint64_t key, minor;
    int64_t index;
};

static uint64_t key_of_real(double x)
{
    uint64_t bits;
    if (isnan(x))
        return UINT64_MAX;
    x = x == 0 ? 0 : x;
    memcpy(&bits, &x, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static uint64_t key_of_integer(int64_t x)
{
    return (uint64_t)x ^ UINT64_C(1) << 63;
}

/* Keys above that of infinity are free for what is not a number. */
static struct entry entry_of_complex(double real, double imaginary)
{
    if (!isnan(real) && !isnan(imaginary))
        return (struct entry){ .key = key_of_real(real), .minor = key_of_real(imaginary) };
    if (!isnan(real))
        return (struct entry){ .key = UINT64_MAX - 2, .minor = key_of_real(real) };
    if (!isnan(imaginary))
        return (struct entry){ .key = UINT64_MAX - 1, .minor = key_of_real(imaginary) };
    return (struct entry){ .key = UINT64_MAX };
}

static struct entry entry_of(ad_dtype dtype, const void *row, int64_t i)
{
    struct entry e = { 0 };
    switch (dtype) {
    case AD_F64: e.key = key_of_real(((const double *)row)[i]); break;
    case AD_F32: e.key = key_of_real(((const float *)row)[i]); break;
    case AD_C128: e = entry_of_complex(((const double *)row)[2 * i], ((const double *)row)[2 * i + 1]); break;
    case AD_C64: e = entry_of_complex(((const float *)row)[2 * i], ((const float *)row)[2 * i + 1]); break;
    case AD_I64: e.key = key_of_integer(((const int64_t *)row)[i]); break;
    case AD_I32: e.key = key_of_integer(((const int32_t *)row)[i]); break;
    default: e.key = ((const uint8_t *)row)[i]; break;
    }
    e.index = i;
    return e;
}

static inline bool after(const struct entry *a, const struct entry *b)
{
    return a->key > b->key || (a->key == b->key && a->minor > b->minor);
}

static void insertion_sort(struct entry *e, int64_t n)
{
    for (int64_t i = 1; i < n; i++) {
        struct entry moved = e[i];
        int64_t j = i;
        for (; j > 0 && after(&e[j - 1], &moved); j--)
            e[j] = e[j - 1];
        e[j] = moved;
    }
}

/* Merges two sorted runs; of equals the one from the left run comes first. */
static void merge(const struct entry *left, int64_t left_count, const struct entry *right, int64_t right_count, struct entry *out)
{
    while (left_count && right_count) {
        if (after(left, right)) {
            *out++ = *right++;
            right_count--;
        } else {
            *out++ = *left++;
            left_count--;
        }
    }
    memcpy(out, left, (size_t)left_count * sizeof *out);
    memcpy(out + left_count, right, (size_t)right_count * sizeof *out);
}

/* Bottom up; gives whichever of the two buffers the result is in. */
static struct entry *merge_sort(struct entry *e, struct entry *spare, int64_t n)
{
    enum { RUN = 16 };
    for (int64_t i = 0; i < n; i += RUN)
        insertion_sort(e + i, n - i < RUN ? n - i : RUN);
    for (int64_t width = RUN; width < n; width *= 2) {
        for (int64_t i = 0; i < n; i += 2 * width) {
            int64_t left = n - i < width ? n - i : width, right = n - i - left < width ? n - i - left : width;
            merge(e + i, left, e + i + left, right, spare + i);
        }
        struct entry *sorted = spare;
        spare = e;
        e = sorted;
    }
    return e;
}

size_t ad_sort_order_scratch(int64_t n)
{
    return 2 * (size_t)n * sizeof(struct entry);
}

void ad_sort_order(ad_dtype dtype, int64_t rows, int64_t n, const void *in, int64_t *out, void *scratch)
{
    struct entry *entries = scratch;
    size_t row_bytes = (size_t)n * ad_dtype_size(dtype);
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t i = 0; i < n; i++)
            entries[i] = entry_of(dtype, (const char *)in + (size_t)r * row_bytes, i);
        const struct entry *sorted = merge_sort(entries, entries + n, n);
        for (int64_t i = 0; i < n; i++)
            out[r * n + i] = sorted[i].index;
    }
}
