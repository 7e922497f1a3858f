/* Sorting, as NumPy's; always stable, NaN last, complex numbers by real part and then imaginary part. */
#ifndef AD_SORT_H
#define AD_SORT_H

#include <ad/array.h>

AD_BEGIN_DECLS

/** Options of ad_sort and ad_argsort. */
typedef struct ad_sort_options {
    int axis; /**< default -1; AD_NO_AXIS: the flattened array */
    int ad_unused_;
} AD_NAMED_ ad_sort_options;

#define AD_SORT_DEFAULTS_FIELDS_ .axis = -1
#define AD_SORT_DEFAULTS         ((ad_sort_options){ AD_SORT_DEFAULTS_FIELDS_ })

/** x in ascending order along an axis. Every dtype. Errors: an axis out of range; a 0-d array has none (.axis = AD_NO_AXIS sorts it).
 * Derivative: the order is a constant, so tangents are put in it and cotangents put back. */
AD_API ad_array *ad_sort(ad_array *x);
AD_API ad_array *ad_sort_with(ad_array *x, ad_sort_options options);

/** The places that the elements in ascending order had: int64, equal elements in their old order. A constant of every derivative. */
AD_API ad_array *ad_argsort(ad_array *x);
AD_API ad_array *ad_argsort_with(ad_array *x, ad_sort_options options);

#ifndef __cplusplus
#define ad_sort(...)    AD_WITH_A_(ad_sort, AD_SORT, __VA_ARGS__)
#define ad_argsort(...) AD_WITH_A_(ad_argsort, AD_SORT, __VA_ARGS__)
#endif

AD_END_DECLS

#endif
