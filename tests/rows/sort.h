/* Rows for ad/sort.h. row.h says what a row is and how one is added. */
#include "row.h"

WAVE_X(sort_last, ad_sort(x))
WAVE_X(sort_first, ad_sort(x, .axis = 0))
WAVE_X(sort_flat, ad_sort(x, .axis = AD_NO_AXIS))
WAVE_X(partition_first, ad_partition(x, -1, .axis = 0))
WAVE_X(partition_flat, ad_partition(x, 0, .kths = AD_SHAPE(0, -1), .axis = AD_NO_AXIS))
OF_X(argpartition_last, ad_argpartition(x, 1))

static const struct row sort_rows[] = {
    UNARY(argsort, -2, 2, CONSTANT),
    ONE("ad_sort", sort_last, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_pick", sort_last, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_sort_with_places", sort_last, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_sort", sort_first, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_sort", sort_flat, -2, 2, COMPLEX),
    ONE("ad_partition", partition_first, -2, 2, COMPLEX | NO_SCALAR),
    ONE("ad_partition", partition_flat, -2, 2, COMPLEX),
    ONE("ad_argpartition", argpartition_last, -2, 2, CONSTANT),
};
