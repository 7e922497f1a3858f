/* The hash of tables. */
#ifndef AD_HASH_INTERNAL_H
#define AD_HASH_INTERNAL_H

#include <stdint.h>

/* The hash of what was hashed so far and one more word. The multiplier comes from the golden ratio (Knuth, "The Art of
 * Computer Programming", 6.4). The upper half of the result is mixed better than the lower one. */
static inline uint64_t ad_hash(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

#endif
