/* Rows for ad/tree.h: trees as one array. row.h says what a row is and how one is added. */
#include "row.h"

WAVE_X(flatten_beside_integers, ad_flatten(ad_tree_of("steps", 7, "x", x, "mask", ad_less(ad_real(x), 0))))
WAVE_X(flatten_tree, ad_flatten(ad_tree_of("a", x, "b", ad_list_of(ad_square(x), 2.0))))
OF_X(unflatten_tree, ad_tree_get(ad_unflatten(ad_tree_of("a", x, "b", ad_square(x)), ad_tile(ad_sin(ad_ravel(x)), AD_SHAPE(2))), "b"))

static const struct row tree_rows[] = {
    ONE("ad_flatten", flatten_beside_integers, -2, 2, COMPLEX),
    ONE("ad_flatten", flatten_tree, -2, 2, COMPLEX),
    ONE("ad_unflatten", unflatten_tree, -2, 2, COMPLEX),
};
