/* Programs of a row: its value, the gradient of it, and a directional derivative of the gradient, each a function of a
 * list of operands. They call all that there is to the row's operations. */
#ifndef PROGRAMS_OF_ROWS_H
#define PROGRAMS_OF_ROWS_H

#include "all.h"

typedef ad_array *of_operands(ad_tree *operands);

static const char *current_name; /* for what fails */
static of_operands *current;     /* the function */

static ad_array *operand(ad_tree *operands, int i)
{
    return ad_tree_array_at(operands, i);
}

static ad_array *objective(ad_tree *operands)
{
    ad_array *y = ad_real(current(operands));
    return ad_sum(ad_mul(y, ad_reshape(ad_cos(ad_arange(ad_size(y))), ad_shape_of(y))));
}

static ad_tree *value(ad_tree *operands)
{
    return ad_list_of(current(operands));
}

static ad_tree *gradient(ad_tree *operands)
{
    return ad_grad(objective)(operands);
}

static ad_array *wave(ad_array *x)
{
    return ad_astype(ad_reshape(ad_sin(ad_add(1, ad_arange(ad_size(x)))), ad_shape_of(x)), ad_dtype_of(x));
}

static ad_tree *second(ad_tree *operands)
{
    ad_tree *tangent = NULL;
    ad_jvp(gradient, operands, ad_tree_map(wave, operands), &tangent);
    return tangent;
}

typedef ad_tree *program(ad_tree *);
static program *const programs[] = { value, gradient, second };
static const char *const program_names[] = { "value", "gradient", "derivative of the gradient" };

static const struct row *current_row;

static ad_array *of_row(ad_tree *operands)
{
    switch (current_row->operands) {
    case 1: return ((one *)current_row->function)(operand(operands, 0));
    case 2: return ((two *)current_row->function)(operand(operands, 0), operand(operands, 1));
    default: return ((three *)current_row->function)(operand(operands, 0), operand(operands, 1), operand(operands, 2));
    }
}

static ad_tree *operands_of(const struct row *row, uint64_t seed, const ad_shape *shapes)
{
    ad_tree_item items[3];
    for (int i = 0; i < row->operands; i++)
        items[i] = (ad_tree_item){ AD_ITEM_ARRAY, random_input(row, seed, shapes[i], row->flags & ONLY_F32 ? AD_F32 : AD_F64, i, false) };
    return ad_list_from(items, row->operands);
}

#endif
