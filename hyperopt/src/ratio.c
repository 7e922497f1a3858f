/* The best rational approximation with a bounded denominator, by continued fractions.
 *
 * beta is m / 2^e exactly, and Euclid's algorithm on (2^e, m) gives its partial quotients a_k and convergents p_k / q_k (Knuth, The Art of Computer
 * Programming, 4.5.3). The remainders are 2^e |q_k beta - p_k|: the error of a convergent is its remainder over q_k, without rounding. Where q_k passes
 * the bound D, the best is either the convergent before or the last semiconvergent, (t p_{k-1} + p_{k-2}) / (t q_{k-1} + q_{k-2}) with the largest
 * t that keeps to D; they lie on either side of beta, and their errors are compared as integers. */
#include "ratio.h"

#include <math.h>

enum { D = 1 << 16 };

__extension__ typedef unsigned __int128 wide;

static hyper_ratio ratio(uint64_t n, uint64_t d)
{
    return (hyper_ratio){ (uint16_t)(n - 1), (uint16_t)(d - 1) };
}

bool hyper_ratio_of(double beta, hyper_ratio *best)
{
    if (!(beta > 0 && beta <= 1))
        return false;
    if (beta <= 1.0 / D) {
        *best = ratio(1, D);
        return true;
    }
    int exponent;
    uint64_t m = (uint64_t)ldexp(frexp(beta, &exponent), 53); /* 2^52 <= m < 2^53 */
    wide whole = (wide)1 << (53 - exponent);                  /* at most 2^69 */
    uint64_t a = (uint64_t)(whole / m), before = m, now = (uint64_t)(whole % m); /* remainders */
    uint64_t p_before = 0, q_before = 1, p = 1, q = a;
    while (now) {
        uint64_t quotient = before / now, rest = before % now, room = (D - q_before) / q;
        if (quotient > room) {
            uint64_t p_semi = room * p + p_before, q_semi = room * q + q_before;
            bool nearer = (wide)(before - room * now) * q < (wide)now * q_semi;
            *best = nearer && p_semi ? ratio(p_semi, q_semi) : ratio(p, q);
            return true;
        }
        uint64_t p_next = quotient * p + p_before, q_next = quotient * q + q_before;
        p_before = p, q_before = q, p = p_next, q = q_next;
        before = now, now = rest;
    }
    *best = ratio(p, q);
    return true;
}
