/* The derivative of a function of one number by central differences, with the error that they have. */
#ifndef AD_DIFFERENCES_H
#define AD_DIFFERENCES_H

#include <stdbool.h>

/* f(h), for h around 0, a sum of terms of size 1; NAN where it cannot be computed. */
typedef double ad_line(const void *context, double h);

struct ad_estimate {
    double value, error; /* and what truncation and rounding may do to it */
    bool settled;        /* the error is small beside the value, or beside the function's values */
};

struct ad_difference {
    struct ad_estimate best, longer; /* from all steps, and from the longer ones: these see through what is rounded inside the function */
    bool flat;                       /* the function changes, but not within the shortest steps */
    bool kinked;                     /* the slopes from the left and from the right differ */
    bool at_point;                   /* and the kink lies at 0, as closely as rounding lets it be seen */
    double left, right, slope_error;
};

/* From two steps only, exact to step^4; the error is not known. */
double ad_quick_difference(ad_line *f, const void *context, double step);

/* From steps around the one given down to where `unit`, the rounding unit of the function's numbers, drowns
 * everything. */
struct ad_difference ad_difference(ad_line *f, const void *context, double step, double unit);

#endif
