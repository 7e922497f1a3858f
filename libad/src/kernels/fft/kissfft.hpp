// kissfft's class template over a small `std` of its own.
//
// Several transforms of one length at a time are one transform of numbers with as many lanes, one in each lane of a
// vector register.
//
// Within the namespace below, `std` means the namespace in it. So kissfft's products of complex numbers are plain
// products, without the search for infinities that those of std::complex make. kissfft's constructor takes its roots of
// unity from an exponential of a rounded angle; here they are left for the caller to set. All names have internal
// linkage, since this file is compiled once for each instruction set. Of a template of the real std one copy would be
// linked, which might hold instructions that this processor lacks.
#ifndef AD_KERNELS_KISSFFT_HPP
#define AD_KERNELS_KISSFFT_HPP

#include <cmath>
#include <complex> // that kissfft.hh includes it and the next two again means nothing
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

#if defined(AD_ISA_AVX512)
#define LANE_BYTES 64
#elif defined(AD_ISA_AVX2)
#define LANE_BYTES 32
#else
#define LANE_BYTES 16
#endif

namespace {
namespace fourier {

// As many numbers as a register has room for, and arithmetic lane by lane, each as that of one number.
template <typename T> struct lanes {
    typedef T vector __attribute__((vector_size(LANE_BYTES)));
    enum { COUNT = LANE_BYTES / sizeof(T) };
    vector v;
    lanes() = default;
    lanes(double x) : v(static_cast<T>(x) - vector{}) {} // in each of them
    T &operator[](int64_t i) { return reinterpret_cast<T *>(&v)[i]; }
    T operator[](int64_t i) const { return reinterpret_cast<const T *>(&v)[i]; }
    static lanes of(vector x)
    {
        lanes y;
        y.v = x;
        return y;
    }
    lanes &operator+=(lanes b) { return *this = *this + b; }
    lanes &operator*=(lanes b) { return *this = *this * b; }
    friend lanes operator+(lanes a, lanes b) { return of(a.v + b.v); }
    friend lanes operator-(lanes a, lanes b) { return of(a.v - b.v); }
    friend lanes operator*(lanes a, lanes b) { return of(a.v * b.v); }
    friend lanes operator/(lanes a, lanes b) { return of(a.v / b.v); }
    friend lanes operator-(lanes a) { return of(-a.v); }
};

// The type of one number, and how many of them there are.
template <typename S> struct parts {
    typedef S one;
    enum { COUNT = 1 };
};
template <typename T> struct parts<lanes<T>> {
    typedef T one;
    enum { COUNT = lanes<T>::COUNT };
};

namespace std {

using ::std::acos;
using ::std::size_t;
using ::std::swap;

// A complex number with the memory of C's.
template <typename T> struct complex {
    T re, im;
    complex() = default;
    complex(T real, T imaginary) : re(real), im(imaginary) {}
    T real() const { return re; }
    T imag() const { return im; }
    void imag(T value) { im = value; }
    complex &operator+=(complex b) { return *this = complex(re + b.re, im + b.im); }
    complex &operator*=(T b) { return *this = complex(re * b, im * b); }
    friend complex operator+(complex a, complex b) { return complex(a.re + b.re, a.im + b.im); }
    friend complex operator-(complex a, complex b) { return complex(a.re - b.re, a.im - b.im); }
    friend complex operator*(complex a, complex b) { return complex(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re); }
    friend complex operator*(complex a, T b) { return complex(a.re * b, a.im * b); }
    friend complex operator*(T a, complex b) { return complex(a * b.re, a * b.im); }
};

template <typename T> complex<T> conj(complex<T> a)
{
    return complex<T>(a.re, -a.im);
}

// Of kissfft's constructor alone.
template <typename T> lanes<T> acos(lanes<T>)
{
    return lanes<T>(0);
}
template <typename T> complex<T> exp(complex<T>)
{
    return complex<T>(1, 0);
}

// As much of std::vector as kissfft and the transforms need, for types without constructors. Throws std::bad_alloc.
template <typename T> class vector {
public:
    typedef T *iterator;
    vector() : items(nullptr), count(0) {}
    ~vector() { free(items); }
    vector(const vector &) = delete;
    vector &operator=(const vector &) = delete;
    void resize(size_t size)
    {
        size_t bytes = size * sizeof(T) + ALIGNED;
        void *more = size > SIZE_MAX / sizeof(T) - ALIGNED ? nullptr : aligned_alloc(ALIGNED, bytes - bytes % ALIGNED);
        if (!more)
            throw ::std::bad_alloc();
        if (count)
            memcpy(more, static_cast<void *>(items), (count < size ? count : size) * sizeof(T));
        free(items);
        items = static_cast<T *>(more);
        count = size;
    }
    void push_back(T item)
    {
        resize(count + 1);
        items[count - 1] = item;
    }
    size_t size() const { return count; }
    iterator begin() { return items; }
    iterator end() { return items + count; }
    T &operator[](size_t i) { return items[i]; }
    const T &operator[](size_t i) const { return items[i]; }

private:
    enum { ALIGNED = 64 };
    T *items;
    size_t count;
};

} // namespace std

#include <kissfft/kissfft.hh>

// The class keeps its roots private. An explicit instantiation may name what is private: this one defines
// where_roots_are, a pointer to that member.
template <typename K, typename P, P place> struct roots {
    friend P where_roots_are(K *) { return place; }
};
template <typename S> struct roots_of {
    typedef std::vector<std::complex<S>> kissfft<S>::*place;
};
#define ROOTS(S)                                                                                                       \
    roots_of<S>::place where_roots_are(kissfft<S> *);                                                                  \
    template struct roots<kissfft<S>, roots_of<S>::place, &kissfft<S>::_twiddles>;
ROOTS(double)
ROOTS(float)
ROOTS(lanes<double>)
ROOTS(lanes<float>)
#undef ROOTS

} // namespace fourier
} // namespace

#endif
