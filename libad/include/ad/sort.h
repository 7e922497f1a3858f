/* Sorting, as NumPy's. It is always stable, NaN comes last, and complex numbers are ordered by real part, then
 * imaginary part. */
#ifndef AD_SORT_H
#define AD_SORT_H

#include <ad/array.h>

AD_BEGIN_DECLS

/** Options of ad_sort and ad_argsort. */
typedef struct ad_sort_options {
    int axis; /**< = -1; AD_NO_AXIS: the flattened array */
    int ad_unused_;
} AD_NAMED_ ad_sort_options;

/** x in ascending order along an axis. Every dtype. Errors: an axis out of range; a 0-d array has none (.axis =
 * AD_NO_AXIS sorts it).
 * Derivative: the order is a constant, so tangents are put in that order, and cotangents are put back. */
AD_API ad_array *ad_sort(ad_array *x);
AD_API ad_array *ad_sort_with(ad_array *x, ad_sort_options options);

/** The places that the elements in ascending order had: int64, with equal elements in their old order. A constant of
 * every derivative. */
AD_API ad_array *ad_argsort(ad_array *x);
AD_API ad_array *ad_argsort_with(ad_array *x, ad_sort_options options);

/** Options of ad_partition and ad_argpartition. */
typedef struct ad_partition_options {
    int axis;      /**< = -1; AD_NO_AXIS: the flattened array */
    ad_shape kths; /**< several places in place of kth: AD_SHAPE(2, -1) */
    int ad_unused_;
} AD_NAMED_ ad_partition_options;

/** x with the element at place kth that sorting would put there. None after it is smaller, and none before it is
 * larger.
 *
 * @param kth  negative: from the end
 * As numpy.partition, which may give any such order; this one is sorted. Derivative: that of ad_sort.
 * Errors: kth out of range; those of ad_sort. */
AD_API ad_array *ad_partition(ad_array *x, int64_t kth);
AD_API ad_array *ad_partition_with(ad_array *x, int64_t kth, ad_partition_options options);

/** The places that the elements of ad_partition had, which are those of ad_argsort. A constant of every derivative. */
AD_API ad_array *ad_argpartition(ad_array *x, int64_t kth);
AD_API ad_array *ad_argpartition_with(ad_array *x, int64_t kth, ad_partition_options options);

#include <ad/macros/sort.h>

AD_END_DECLS

#endif
