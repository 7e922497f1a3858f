/* Ratios that integers are multiplied by: n/d with 1 <= n <= d <= 2^16. */
#ifndef HYPER_RATIO_H
#define HYPER_RATIO_H

#include <stdint.h>

typedef struct hyper_ratio {
    uint16_t n_less_1, d_less_1;
} hyper_ratio;

#endif
