// Boost.Math's special functions behind C linkage. Errors come back as NaN and infinity, never as exceptions.
#include <boost/math/special_functions/digamma.hpp>
#include <boost/math/special_functions/polygamma.hpp>
#include <algorithm>
#include <cmath>
#include <limits>

namespace {

using namespace boost::math::policies;
typedef policy<domain_error<ignore_error>, pole_error<ignore_error>, overflow_error<ignore_error>, evaluation_error<ignore_error>,
               rounding_error<ignore_error>, indeterminate_result_error<ignore_error>, promote_double<false>>
    quiet;

bool is_pole(double x)
{
    return x <= 0 && std::floor(x) == x;
}

const double pi = 3.14159265358979323846;

// cot(pi x), from the distance to the nearest multiple of 1/2, which is exact: rounding 1 - x would move a pole.
double cot_pi(double x)
{
    double r = x - std::round(x);
    return std::fabs(r) < 0.25 ? 1 / std::tan(pi * r) : std::copysign(std::tan(pi * (0.5 - std::fabs(r))), r);
}

const int largest_reflected = 100;

// The n-th derivative of pi cot(pi x) is pi^(n+1) P(c) with c = cot(pi x). P = c for n = 0, and each derivative turns P
// into -(1 + c^2) P', since c' = -pi (1 + c^2). The coefficients of one P have one sign and belong to powers of one
// parity, so nothing cancels.
double derivative_of_pi_cot_pi(int n, double x)
{
    double p[largest_reflected + 2] = { 0, 1 }, c = cot_pi(x);
    for (int i = 0; i < n; i++) {
        double q[largest_reflected + 2] = { 0 };
        for (int j = 1; j <= i + 1; j++) {
            q[j - 1] -= j * p[j];
            q[j + 1] -= j * p[j];
        }
        std::copy(q, q + i + 3, p);
    }
    double y = p[n + 1];
    for (int j = n; j >= 0; j--)
        y = y * c + p[j];
    return std::pow(pi, n + 1) * y;
}

} // namespace

extern "C" __attribute__((visibility("hidden"))) double ad_digamma_of(double x)
{
    if (std::isnan(x) || x == -INFINITY)
        return NAN;
    if (x == INFINITY)
        return INFINITY;
    if (is_pole(x)) // as SciPy: an odd pole has no limit, but at zero the sign of zero says from where
        return x == 0 ? (std::signbit(x) ? INFINITY : -INFINITY) : NAN;
    try {
        if (x < 0)
            return boost::math::digamma(1 - x, quiet()) - derivative_of_pi_cot_pi(0, x);
        return boost::math::digamma(x, quiet());
    } catch (...) {
        return NAN;
    }
}

extern "C" __attribute__((visibility("hidden"))) double ad_polygamma_of(int order, double x)
{
    if (order == 0)
        return ad_digamma_of(x);
    if (order < 0 || std::isnan(x) || x == -INFINITY)
        return NAN;
    if (x == INFINITY)
        return 0;
    if (is_pole(x)) // (-1)^(order + 1) order! zeta(order + 1, x), as SciPy gives there
        return order % 2 ? INFINITY : -INFINITY;
    try {
        if (x < 0 && order <= largest_reflected)
            return (order % 2 ? -1 : 1) * boost::math::polygamma(order, 1 - x, quiet()) - derivative_of_pi_cot_pi(order, x);
        if (x > 1e18 * order) { // (-1)^(order + 1) (order - 1)! / x^order, whose next term is lost beside it
            double y = 1 / x;
            for (int i = 1; i < order; i++)
                y *= i / x;
            return order % 2 ? y : -y;
        }
        double y = boost::math::polygamma(order, x, quiet());
        return x > 0 && order % 2 == 0 ? -std::fabs(y) : y; // an overflow has lost its sign
    } catch (...) {
        return NAN;
    }
}
