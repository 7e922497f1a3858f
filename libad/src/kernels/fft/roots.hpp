// Roots of unity, accurate to the last bits: all of a length, or any power of the first without room for all.
#ifndef AD_KERNELS_ROOTS_HPP
#define AD_KERNELS_ROOTS_HPP

#include "kernels/fft/kissfft.hpp"

namespace {
namespace fourier {

const double pi = 3.14159265358979323846;

// exp(-2 pi i k/n), 0 <= k < n. The angle is reduced in integers to within an eighth of a turn, where sine and cosine
// are most accurate.
std::complex<double> unit(int64_t k, int64_t n)
{
    int64_t eighths = 8 * k; // of a turn, over n
    bool below = eighths <= 4 * n, left, steep;
    if (!below)
        eighths = 8 * n - eighths;
    if ((left = eighths > 2 * n))
        eighths = 4 * n - eighths;
    if ((steep = eighths > n))
        eighths = 2 * n - eighths;
    double angle = pi / 4 * static_cast<double>(eighths) / static_cast<double>(n), c = cos(angle), s = sin(angle);
    double x = steep ? s : c, y = steep ? c : s;
    return std::complex<double>(left ? -x : x, below ? -y : y);
}

template <typename T> std::complex<T> narrow(std::complex<double> z, bool inverse)
{
    return std::complex<T>(static_cast<T>(z.re), static_cast<T>(inverse ? -z.im : z.im));
}

// All n roots.
template <typename T> void set_roots(std::vector<std::complex<T>> &roots, int64_t n, bool inverse)
{
    std::complex<T> *w = &roots[0];
    int64_t quarter = n % 4 ? 0 : n / 4; // 0: only half of them follow from the other half
    for (int64_t k = 0; k <= (quarter ? quarter / 2 : n / 2); k++) {
        w[k] = narrow<T>(unit(k, n), inverse);
        if (quarter)
            w[quarter - k] = inverse ? std::complex<T>(w[k].im, w[k].re) : std::complex<T>(-w[k].im, -w[k].re);
    }
    for (int64_t k = 1; k <= quarter; k++)
        w[quarter + k] = inverse ? std::complex<T>(-w[k].im, w[k].re) : std::complex<T>(w[k].im, -w[k].re);
    for (int64_t k = 1; 2 * k < n; k++)
        w[n - k] = std::conj(w[k]);
}

// Powers of the first root of n. Each is the product of two out of about 2 sqrt(n) that are stored. The first ones are
// stored themselves.
template <typename T> struct powers {
    std::vector<std::complex<double>> low, high;
    int shift;
    bool inverse;
    powers() : shift(0), inverse(false) {}
    void set(int64_t n, bool turned)
    {
        inverse = turned;
        for (shift = 8; INT64_C(1) << (2 * shift) < n; shift++)
            continue;
        int64_t many = INT64_C(1) << shift, lows = n < many ? n : many, highs = (n + many - 1) / many;
        low.resize(static_cast<size_t>(lows));
        high.resize(static_cast<size_t>(highs));
        for (int64_t i = 0; i < lows; i++)
            low[static_cast<size_t>(i)] = unit(i, n);
        for (int64_t i = 0; i < highs; i++)
            high[static_cast<size_t>(i)] = unit(i * many, n);
    }
    std::complex<T> operator()(int64_t k) const
    {
        return narrow<T>(low[static_cast<size_t>(k & ((INT64_C(1) << shift) - 1))] * high[static_cast<size_t>(k >> shift)], inverse);
    }
    size_t bytes() const { return (low.size() + high.size()) * sizeof(std::complex<double>); }
};

} // namespace fourier
} // namespace

#endif
