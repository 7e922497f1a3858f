/* The product of two complex numbers: each part is a sum of two products that were rounded, so it has the same bits
 * however it is compiled. An infinity is treated as any number, as by NumPy and not as by C's operator. */
#ifndef AD_COMPLEX_PRODUCT_H
#define AD_COMPLEX_PRODUCT_H

typedef double _Complex c128;
typedef float _Complex c64;

/* A product that is rounded before it is added. GCC 12 joins products with sums and differences that take turns in a
 * vector, whatever -ffp-contract says; tests/ci/unjoined.py finds where this is missing. */
#ifdef __has_builtin
#if __has_builtin(__builtin_assoc_barrier)
#define UNFUSED(product) __builtin_assoc_barrier(product)
#endif
#endif
#ifndef UNFUSED
#define UNFUSED(product) (product)
#endif

#define COMPLEX_PRODUCT(x, y)                                                                                          \
    __builtin_complex(UNFUSED(__real__ x * __real__ y) - UNFUSED(__imag__ x * __imag__ y),                             \
                      UNFUSED(__real__ x * __imag__ y) + UNFUSED(__imag__ x * __real__ y))

static inline c128 product_c128(c128 x, c128 y)
{
    return COMPLEX_PRODUCT(x, y);
}

static inline c64 product_c64(c64 x, c64 y)
{
    return COMPLEX_PRODUCT(x, y);
}

#endif
