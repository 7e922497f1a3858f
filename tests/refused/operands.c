/* Operands are arrays or C numbers. Each marked line is refused with these words; see tests/ci/refused.sh. */
#include <ad/ad.h>

struct point {
    int x, y;
};

extern ad_array *x;
extern const ad_array *constant;
extern ad_tree *tree;
extern int v[3];
extern double *p;
extern struct point s;
extern void *anything;
extern struct {
    unsigned field : 3;
} bits;
void operands(void);

/* refused in this file: operands_are_arrays_or_C_numbers */
void operands(void)
{
    ad_add(x, v); /* refused */
    ad_add(v, x); /* refused */
    ad_sin(&x); /* refused */
    ad_sin(p); /* refused */
    ad_mul(x, "2"); /* refused */
    ad_mul(x, 'a');
    ad_mul(x, ad_sin); /* refused */
    ad_mul(x, operands); /* refused */
    ad_mul(x, s); /* refused */
    ad_mul(x, &s); /* refused */
    ad_mul(x, tree); /* refused */
    ad_mul(x, ad_data(x)); /* refused */
    ad_add(ad_mul(x, v), 1); /* refused */
    ad_where(x, v, 0); /* refused */
    ad_clip(x, v, NULL); /* refused */
    ad_sum(v); /* refused */
    ad_sum(v, .axis = 0); /* refused */
    ad_matmul(x, v); /* refused */
    ad_linalg_matmul(x, v); /* refused */
    ad_cross(v, x); /* refused */
    ad_partition(v, 1); /* refused */
    ad_einsum("i,i", x, v); /* refused */
    ad_full(AD_SHAPE(3), v); /* refused */
    ad_full_like(x, "3"); /* refused */
    ad_take(x, v); /* refused */
    ad_at(v, "0"); /* refused */
    ad_at_set(x, v, "0"); /* refused */
    ad_put_add(x, 0, v); /* refused */
    ad_put_along_axis(x, v, x, 0); /* refused */
    ad_reshape(v, AD_SHAPE(3)); /* refused */
    ad_expand_dims(v, 0); /* refused */
    ad_linspace(v, 1); /* refused */
    ad_asarray(v); /* refused */
    ad_list_of(x, v); /* refused: leaves_are_arrays_trees_or_C_numbers */
    ad_tree_of("a", &x); /* refused: leaves_are_arrays_trees_or_C_numbers */
    ad_tree_of("a", ad_sin); /* refused: leaves_are_arrays_trees_or_C_numbers */
    ad_tree_of("a", s); /* refused: leaves_are_arrays_trees_or_C_numbers */
    ad_arange(x); /* refused: a_range_has_C_numbers */
    ad_arange(0, v); /* refused: a_range_has_C_numbers */
    ad_add(x, bits.field); /* refused: bit-field */

    ad_add(x, +bits.field);
    ad_add(x, v[1]);
    ad_add(x, *p);
    ad_add(constant, anything);
    ad_clip(x, NULL, 1);
    ad_list_of(constant, tree, 1, 2.0, NULL);
    ad_tree_of("a", x, "b", tree, "c", true);
}
