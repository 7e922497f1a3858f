/* Stable argsort: elements become unsigned keys of the same order, and pairs of a key and an index are sorted by insertion where there are few, else
 * digit by digit from the lowest (radix sort: D. E. Knuth, The Art of Computer Programming 3, 5.2.5).
 *
 * For every dtype one sort: a float's bits with the sign handled are ordered as integers, -0 made 0 and NaN the largest; complex numbers are sorted
 * by their imaginary parts, then by their real parts, and are last if one is NaN: first those with a real part, then those with an imaginary part,
 * then the rest. */
#include "kernels/kernels.h"
#include <math.h>
#include <string.h>

struct entry {
    uint64_t key;
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
static uint64_t key_of_complex(double real, double imaginary, bool minor)
{
    if (!isnan(real) && !isnan(imaginary))
        return key_of_real(minor ? imaginary : real);
    if (!isnan(real))
        return minor ? key_of_real(real) : UINT64_MAX - 2;
    if (!isnan(imaginary))
        return minor ? key_of_real(imaginary) : UINT64_MAX - 1;
    return UINT64_MAX;
}

static uint64_t key_of(ad_dtype dtype, const void *row, int64_t i, bool minor)
{
    switch (dtype) {
    case AD_F64: return key_of_real(((const double *)row)[i]);
    case AD_F32: return key_of_real(((const float *)row)[i]);
    case AD_C128: return key_of_complex(((const double *)row)[2 * i], ((const double *)row)[2 * i + 1], minor);
    case AD_C64: return key_of_complex(((const float *)row)[2 * i], ((const float *)row)[2 * i + 1], minor);
    case AD_I64: return key_of_integer(((const int64_t *)row)[i]);
    case AD_I32: return key_of_integer(((const int32_t *)row)[i]);
    default: return ((const uint8_t *)row)[i];
    }
}

static void insertion_sort(struct entry *e, int64_t n)
{
    for (int64_t i = 1; i < n; i++) {
        struct entry moved = e[i];
        int64_t j = i;
        for (; j > 0 && e[j - 1].key > moved.key; j--)
            e[j] = e[j - 1];
        e[j] = moved;
    }
}

enum { DIGITS = sizeof(uint64_t), VALUES = 256 };

static inline unsigned digit_of(uint64_t key, int digit)
{
    return (unsigned)(key >> 8 * digit) % VALUES;
}

/* Gives whichever of the two buffers the result is in. A digit that is the same in all keys moves nothing. */
static struct entry *radix_sort(struct entry *e, struct entry *spare, int64_t n)
{
    int64_t count[DIGITS][VALUES] = { 0 };
    for (int64_t i = 0; i < n; i++)
        for (int d = 0; d < DIGITS; d++)
            count[d][digit_of(e[i].key, d)]++;
    for (int d = 0; d < DIGITS; d++) {
        int64_t place = 0;
        if (count[d][digit_of(e[0].key, d)] == n)
            continue;
        for (int v = 0; v < VALUES; v++) {
            int64_t here = count[d][v];
            count[d][v] = place;
            place += here;
        }
        for (int64_t i = 0; i < n; i++)
            spare[count[d][digit_of(e[i].key, d)]++] = e[i];
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
    enum { FEW = 64 };
    size_t row_bytes = (size_t)n * ad_dtype_size(dtype);
    bool complex = dtype == AD_C128 || dtype == AD_C64;
    for (int64_t r = 0; r < rows; r++, in = (const char *)in + row_bytes, out += n) {
        struct entry *e = scratch, *spare = e + n;
        for (int64_t i = 0; i < n; i++)
            e[i].index = i;
        for (int minor = complex; minor >= 0; minor--) {
            for (int64_t i = 0; i < n; i++)
                e[i].key = key_of(dtype, in, e[i].index, minor);
            if (n <= FEW) {
                insertion_sort(e, n);
            } else {
                struct entry *sorted = radix_sort(e, spare, n);
                spare = sorted == e ? spare : e;
                e = sorted;
            }
        }
        for (int64_t i = 0; i < n; i++)
            out[i] = e[i].index;
    }
}
