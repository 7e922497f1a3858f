/* Seconds by a clock that starts at an arbitrary time, for reports and progress lines. */
#ifndef HYPER_CLOCK_H
#define HYPER_CLOCK_H

#include <time.h>

static inline double hyper_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

#endif
