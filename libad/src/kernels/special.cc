// Boost.Math's special functions behind C linkage. Errors come back as NaN and infinity, never as exceptions.
#include <boost/math/special_functions/digamma.hpp>
#include <boost/math/special_functions/polygamma.hpp>
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
    if (is_pole(x)) // (-1)^(order + 1) order! zeta(order + 1, x), as SciPy
        return order % 2 ? INFINITY : -INFINITY;
    try {
        double y = boost::math::polygamma(order, x, quiet());
        return x > 0 && order % 2 == 0 ? -std::fabs(y) : y; // an overflow has lost its sign
    } catch (...) {
        return NAN;
    }
}
