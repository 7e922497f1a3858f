/* Random numbers for the tests of hyperopt's integer core, the same in every run. */
#ifndef HYPEROPT_RANDOM_H
#define HYPEROPT_RANDOM_H

#include <stdint.h>

static uint64_t random_state = 1;

static uint64_t random_bits(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    uint64_t x = (random_state ^ random_state >> 33) * 0xff51afd7ed558ccdu;
    return x ^ x >> 29;
}

static double uniform(void)
{
    return (double)(random_bits() >> 11) * 0x1p-53;
}

/* Of any size: as many small as large ones. */
static int64_t random_integer(void)
{
    return (int64_t)random_bits() >> random_bits() % 64;
}

#endif
