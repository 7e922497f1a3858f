/* The operations that the engine itself calls. It knows no others: tests/ci/layers.py reads this list. It refuses a
 * call upwards that is not in it, and an entry that nothing calls.
 *
 *     ad_add                  sums of cotangents, and of tangents
 *     ad_zzmul                products with a slope, in which a zero wins over an infinity
 *     ad_astype               a cotangent in the dtype of its operand
 *     ad_real                 a cotangent of a real operand, where it came out complex
 *     ad_sum_with             a cotangent in the shape of an operand that was broadcast
 *     ad_reshape_with         the same, with its axes of length 1
 *     ad_broadcast_to         a tangent, or a cotangent of zeros, in the shape that it should have
 *     ad_refuse_not_finite    what AD_DEBUG_NAN does, from finite.c
 *
 * The files check.c, derived.c, finite.c and fixed_point.c are not the engine: they are written in public operations,
 * as a program might be. */
#ifndef AD_TAPE_OPERATIONS_H
#define AD_TAPE_OPERATIONS_H

#include "ad/create.h"
#include "ad/math.h"
#include "ad/reduce.h"
#include "ad/shape.h"

#endif
