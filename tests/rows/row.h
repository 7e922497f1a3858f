/* The rows of operations_test.c: an operation, a function through it, where its operands lie, and what else it takes. A
 * file for each family, named like its public header.
 *
 * To add one: ONE("ad_name", function, low, high, flags) in the family's array. The interval avoids points where the
 * function has a kink or a pole. An operation with options has a row for each that changes its rule; one that is linear
 * is put under a sine, so that a wrong place shows at every order. Functions that are made of others have rows too,
 * under their own names. */
#ifndef ROW_H
#define ROW_H

#include "../testing.h"

typedef ad_array *one(ad_array *);
typedef ad_array *two(ad_array *, ad_array *);
typedef ad_array *three(ad_array *, ad_array *, ad_array *);

/* What a row's function takes, beside reals of every shape. */
enum { COMPLEX = 1, NO_SCALAR = 2, NO_EMPTY = 4, SQUARE = 8, CONSTANT = 16, ONLY_F32 = 32, MATRIX = 64, NO_BOOL = 128, DTYPE_OF_FIRST = 256, SHAPED_BY_DATA = 512 };

struct row {
    const char *name; /* of the primitive */
    const char *text; /* of the function */
    void (*function)(void);
    int operands;
    double low, high; /* where it is smooth */
    unsigned flags;
    int order; /* 0: 3 */
};

#define ONE(name, f, low, high, flags)   { name, #f, (void (*)(void))(one *)(f), 1, low, high, flags, 0 }
#define TWO(name, f, low, high, flags)   { name, #f, (void (*)(void))(two *)(f), 2, low, high, flags, 0 }
#define THREE(name, f, low, high, flags) { name, #f, (void (*)(void))(three *)(f), 3, low, high, flags, 0 }

/* UNARY(exp, ...): the function ad_exp as a row of the operation of the same name. */
#define UNARY(name, low, high, flags)  ONE("ad_" #name, ad_##name, low, high, flags)
#define BINARY(name, low, high, flags) TWO("ad_" #name, ad_##name, low, high, flags)

/* Beside OF_X and OF_AB of testing.h, OF_ABC defines a function of a, b and c; WAVE_X and WAVE_AB define the sine of
 * one. */
#define OF_ABC(name, expression)                                                                                       \
    static ad_array *name(ad_array *a, ad_array *b, ad_array *c)                                                       \
    {                                                                                                                  \
        return expression;                                                                                             \
    }
#define WAVE_X(name, expression)  OF_X(name, ad_sin(expression))
#define WAVE_AB(name, expression) OF_AB(name, ad_sin(expression))

/* x's shape with an axis of length 2 in front. */
static inline ad_shape twofold(const ad_array *x)
{
    ad_shape shape = ad_shape_of(x), wide = { .ndim = shape.ndim + 1, .dim = { 2 } };
    for (int i = 0; i < shape.ndim; i++)
        wide.dim[i + 1] = shape.dim[i];
    return wide;
}

#endif
