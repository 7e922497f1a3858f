/* Seconds by the clock on the wall, from some beginning: what reports and progress lines are made of. */
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
