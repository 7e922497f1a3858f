/* The rows of all families, the shapes that they are tried with, and inputs. */
#ifndef ALL_ROWS_H
#define ALL_ROWS_H

#include "families.h"

#define FAMILY(name) { name##_rows, sizeof name##_rows / sizeof *name##_rows },

static const struct family {
    const struct row *rows;
    int count;
} families[] = { FAMILIES(FAMILY) };

/* The i-th row of all families together, NULL behind the last. */
static inline const struct row *row_at(int i)
{
    for (size_t f = 0; f < sizeof families / sizeof *families; i -= families[f++].count)
        if (i < families[f].count)
            return &families[f].rows[i];
    return NULL;
}

static inline int row_count(void)
{
    int count = 0;
    while (row_at(count))
        count++;
    return count;
}

/* ---- inputs ---- */

static const ad_shape general_shapes[][3] = {
    { { 0 }, { 0 }, { 0 } },
    { { 1, { 3 } }, { 1, { 3 } }, { 1, { 3 } } },
    { { 2, { 3, 2 } }, { 1, { 2 } }, { 2, { 3, 1 } } },
    { { 2, { 2, 1 } }, { 2, { 2, 3 } }, { 0 } },
    { { 2, { 0, 3 } }, { 1, { 3 } }, { 2, { 0, 3 } } },
    { { 3, { 2, 3, 2 } }, { 2, { 3, 2 } }, { 3, { 2, 1, 1 } } },
};
static const ad_shape square_shapes[][3] = {
    { { 2, { 3, 3 } }, { 2, { 3, 3 } }, { 2, { 3, 3 } } },
    { { 3, { 2, 3, 3 } }, { 2, { 3, 3 } }, { 3, { 2, 3, 3 } } },
    { { 2, { 1, 1 } }, { 2, { 1, 1 } }, { 2, { 1, 1 } } },
};

/* Of the interval of the row. Another seed gives other values. */
static inline ad_array *random_input(const struct row *row, uint64_t seed, ad_shape shape, ad_dtype dtype, int operand, bool strided)
{
    ad_key key = ad_random_fold_in(ad_random_key(seed), (uint64_t)operand);
    int64_t last = shape.ndim ? shape.dim[shape.ndim - 1] : 1;
    bool stretch = strided && shape.ndim;
    if (stretch)
        shape.dim[shape.ndim - 1] = 2 * last;
    ad_array *x = ad_random_uniform(key, shape, .low = row->low, .high = row->high);
    if (dtype == AD_C128)
        x = ad_add(x, ad_mul(ad_weak_complex(0.5i), ad_random_uniform(ad_random_fold_in(key, 99), shape, .low = row->low, .high = row->high)));
    if (stretch) /* every other element, backwards */
        x = ad_at(x, "..., ::-2");
    return ad_astype(x, dtype);
}

/* Whether a row takes the shapes. */
static inline bool applies(const struct row *row, const ad_shape *shapes)
{
    if (row->flags & NO_SCALAR && shapes[0].ndim == 0)
        return false;
    if (row->flags & MATRIX && shapes[0].ndim < 2)
        return false;
    for (int i = 0; i < row->operands; i++)
        if (row->flags & NO_EMPTY && ad_shape_size(shapes[i]) == 0)
            return false;
    return true;
}

#endif
