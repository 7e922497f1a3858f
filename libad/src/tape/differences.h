/* The derivative of a function of one number by central differences, with an estimate of the error. */
#ifndef AD_DIFFERENCES_H
#define AD_DIFFERENCES_H

#include <stdbool.h>

/* f(h), for h around 0. It is a sum of terms of size 1, or NAN where it cannot be computed. */
typedef double ad_line(const void *context, double h);

struct ad_estimate {
    double value, error; /* the error is what truncation and rounding may do to the value */
    bool settled;        /* the error is small beside the value, or beside the function's values */
};

struct ad_difference {
    struct ad_estimate best, longer; /* from all steps, and from the longer ones, which rounding inside the function disturbs less */
    bool flat;                       /* the function changes, but not within the shortest steps */
    bool kinked;                     /* the slopes from the left and from the right differ */
    bool at_point;                   /* the kink is at 0, as closely as rounding lets it be seen */
    double left, right, slope_error;
};

/* From two steps only. It is exact to step^4, and the error is not known. */
double ad_quick_difference(ad_line *f, const void *context, double step);

/* From steps around the given one, down to where everything is lost in `unit`, the rounding unit of the function's
 * numbers. */
struct ad_difference ad_difference(ad_line *f, const void *context, double step, double unit);

#endif
