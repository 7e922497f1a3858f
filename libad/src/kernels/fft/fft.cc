// Discrete Fourier transforms, real and cosine transforms of any length, in both precisions. Compiled once for each
// instruction set, as elementwise.c.
//
// Lengths whose prime factors are 2, 3 and 5 go to kissfft, as far as they fit into the cache. A longer one is split in
// two, n = n1 n2: transforms of n1 points along the columns of an (n1, n2) matrix, products with roots of unity, and
// transforms of n2 points along its rows, each in blocks of a cache line's width (Bailey, "FFTs in external or
// hierarchical memory", 1990). A prime factor above 5 is split off in the same way. Up to PRIME_MOST its sums are
// computed as they are written. A larger one is a convolution (Bluestein 1970) of a length without such factors.
//
// A plan holds what does not depend on data and never changes, so threads may share it. Sums are taken in one order,
// whatever the instruction set and the threads. No exception leaves this file: if there is no memory for a plan, there
// is no plan.
#include "kernels/fft/roots.hpp"
#include "kernels/isa.h"
extern "C" {
#include "kernels/fft/fft.h"
}

namespace {
namespace fourier {

enum { KISS_MOST = 512, PRIME_MOST = 100, PRIME_PART_MOST = 200 }; // the last of what is run in all lanes

// Memory that is freed with its plan.
template <typename T> struct owner {
    T *what;
    owner() : what(nullptr) {}
    ~owner() { delete what; }
    owner(const owner &) = delete;
    owner &operator=(const owner &) = delete;
    T *operator->() const { return what; }
};

// ---- scratch memory: pieces in a row, each at a multiple of 64 bytes ----

size_t rounded(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

template <typename X> size_t room_for(int64_t count)
{
    return rounded(static_cast<size_t>(count) * sizeof(X));
}

template <typename X> X *take(char *&room, int64_t count)
{
    X *piece = reinterpret_cast<X *>(room);
    room += room_for<X>(count);
    return piece;
}

// ---- complex transforms of contiguous numbers, each of one lane or several ----

template <typename S> struct transform {
    typedef std::complex<S> C;
    int64_t n;
    size_t scratch, bytes; // that a call needs, and that the plan has
    explicit transform(int64_t points) : n(points), scratch(0), bytes(sizeof(*this)) {}
    virtual ~transform() {}
    virtual void run(const C *in, C *out, char *room) const = 0;
};

template <typename S> struct nothing_to_do : transform<S> {
    typedef std::complex<S> C;
    nothing_to_do() : transform<S>(1) {}
    void run(const C *in, C *out, char *) const override { *out = *in; }
};

// One root in all lanes.
template <typename S> std::complex<S> spread(std::complex<typename parts<S>::one> w)
{
    return std::complex<S>(S(w.re), S(w.im));
}

// By kissfft: the prime factors are 2, 3 and 5, so that it changes nothing in itself.
template <typename S> struct kiss : transform<S> {
    typedef std::complex<S> C;
    kissfft<S> plan;
    kiss(int64_t points, bool inverse) : transform<S>(points), plan(static_cast<size_t>(points), inverse)
    {
        std::vector<std::complex<typename parts<S>::one>> roots;
        roots.resize(static_cast<size_t>(points));
        set_roots(roots, points, inverse);
        std::vector<C> &all = plan.*where_roots_are(static_cast<kissfft<S> *>(nullptr));
        for (size_t k = 0; k < roots.size(); k++)
            all[k] = spread<S>(roots[k]);
        this->bytes += all.size() * sizeof(C);
    }
    void run(const C *in, C *out, char *) const override { plan.transform(in, out); }
};

// The sums themselves, of an odd prime number of points. Let s_j and d_j be the sum and the difference of two numbers
// that are equally far from the first one, on either side. Then y_k and y_(n-k) are x_0 + sum s_j cos(2 pi jk/n) -+ i
// sum d_j sin(2 pi jk/n).
template <typename S> struct prime : transform<S> {
    typedef std::complex<S> C;
    typedef typename parts<S>::one T;
    std::vector<std::complex<T>> roots; // cosines, and sines with their sign
    prime(int64_t points, bool inverse) : transform<S>(points)
    {
        roots.resize(static_cast<size_t>(points));
        set_roots(roots, points, inverse);
        this->scratch = 2 * room_for<C>(points / 2);
        this->bytes += roots.size() * sizeof(std::complex<T>);
    }
    void run(const C *in, C *out, char *room) const override
    {
        int64_t n = this->n, half = n / 2;
        C *sums = take<C>(room, half), *differences = take<C>(room, half), all = in[0];
        for (int64_t j = 0; j < half; j++) {
            sums[j] = in[j + 1] + in[n - 1 - j];
            differences[j] = in[j + 1] - in[n - 1 - j];
            all += sums[j];
        }
        out[0] = all;
        for (int64_t k = 1; k <= half; k++) {
            C even = in[0], odd(S(0), S(0));
            for (int64_t j = 0, at = k; j < half; j++, at += k) {
                at = at >= n ? at - n : at;
                even += sums[j] * S(roots[static_cast<size_t>(at)].re);
                odd += differences[j] * S(roots[static_cast<size_t>(at)].im);
            }
            C turned(-odd.im, odd.re);
            out[k] = even + turned;
            out[n - k] = even - turned;
        }
    }
};

template <typename S> transform<S> *make(int64_t n, bool inverse, bool is_part);

// Brings up to COUNT sequences of contiguous memory into the lanes of one: number j of sequence b is at [j * step + b *
// along]. Lanes without a sequence are zeros.
template <typename T> void load_one(const T *in, int64_t along, int64_t count, lanes<T> *out)
{
    for (int64_t b = 0; b < count; b++)
        (*out)[b] = in[b * along];
}
template <typename T> void load_one(const std::complex<T> *in, int64_t along, int64_t count, std::complex<lanes<T>> *out)
{
    for (int64_t b = 0; b < count; b++) {
        out->re[b] = in[b * along].re;
        out->im[b] = in[b * along].im;
    }
}
template <typename X, typename L> void load(const X *in, int64_t n, int64_t step, int64_t along, int64_t count, L *out)
{
    const int64_t all = sizeof(L) / sizeof(X);
    for (int64_t j = 0; count == all && j < n; j++)
        load_one(in + j * step, along, all, out + j);
    for (int64_t j = 0; count < all && j < n; j++) {
        memset(static_cast<void *>(out + j), 0, sizeof *out);
        load_one(in + j * step, along, count, out + j);
    }
}

// The reverse.
template <typename T> void store_one(const lanes<T> &in, T *out, int64_t along, int64_t count)
{
    for (int64_t b = 0; b < count; b++)
        out[b * along] = in[b];
}
template <typename T> void store_one(const std::complex<lanes<T>> &in, std::complex<T> *out, int64_t along, int64_t count)
{
    for (int64_t b = 0; b < count; b++)
        out[b * along] = std::complex<T>(in.re[b], in.im[b]);
}
template <typename X, typename L> void store(const L *in, int64_t n, X *out, int64_t step, int64_t along, int64_t count)
{
    const int64_t all = sizeof(L) / sizeof(X);
    for (int64_t j = 0; count == all && along == 1 && j < n; j++)
        store_one(in[j], out + j * step, 1, all);
    for (int64_t j = 0; (count < all || along != 1) && j < n; j++)
        store_one(in[j], out + j * step, along, count);
}

// n = n1 n2. With j = j1 n2 + j2 and k = k1 + k2 n1, w^(jk) is w1^(j1 k1) w^(j2 k1) w2^(j2 k2). Both kinds of shorter
// transforms are run in all lanes: these are the lanes of a number, or as many columns or rows side by side.
template <typename S> struct split : transform<S> {
    typedef std::complex<S> C;
    typedef typename parts<S>::one T;
    typedef std::complex<lanes<T>> L;
    enum { COUNT = lanes<T>::COUNT, WIDTH = 64 / sizeof(T) }; // WIDTH is a multiple of COUNT, and the same for all instruction sets
    owner<transform<lanes<T>>> columns, rows;
    powers<T> steps;                     // w^k
    std::vector<std::complex<T>> within; // w^(k1 b), b < WIDTH
    split(int64_t n1, int64_t n2, bool inverse) : transform<S>(n1 * n2)
    {
        columns.what = make<lanes<T>>(n1, inverse, true);
        rows.what = make<lanes<T>>(n2, inverse, true);
        steps.set(this->n, inverse);
        within.resize(static_cast<size_t>(n1) * WIDTH);
        for (int64_t k = 0; k < n1; k++)
            for (int64_t b = 0; b < WIDTH; b++)
                within[static_cast<size_t>(k * WIDTH + b)] = steps(k * b % this->n);
        size_t longer = room_for<L>(n1 > n2 ? n1 : n2), inside = columns->scratch > rows->scratch ? columns->scratch : rows->scratch;
        this->scratch = room_for<C>(this->n) + room_for<std::complex<T>>(n1) + 2 * longer + inside;
        this->bytes += columns->bytes + rows->bytes + steps.bytes() + within.size() * sizeof(std::complex<T>);
    }

    // The factors of columns j to j + WIDTH - 1 are first[k] within[k, b].
    void set_first(int64_t j, std::complex<T> *first) const
    {
        for (int64_t k = 0, at = 0; k < columns->n; k++, at += j)
            first[k] = steps(at);
    }

    void run(const std::complex<T> *in, std::complex<T> *out, std::complex<T> *matrix, std::complex<T> *first, L *one, L *done, char *room) const
    {
        int64_t n1 = columns->n, n2 = rows->n;
        for (int64_t j = 0; j < n2; j += COUNT) {
            int64_t count = n2 - j < COUNT ? n2 - j : static_cast<int64_t>(COUNT);
            load(in + j, n1, n2, 1, count, one);
            columns->run(one, done, room);
            if (j % WIDTH == 0)
                set_first(j, first);
            for (int64_t k = 0; k < n1; k++) {
                L w;
                load(&within[static_cast<size_t>(k * WIDTH + j % WIDTH)], 1, 0, 1, COUNT, &w);
                done[k] = done[k] * (spread<lanes<T>>(first[k]) * w);
            }
            store(done, n1, matrix + j, n2, 1, count);
        }
        for (int64_t k = 0; k < n1; k += COUNT) {
            int64_t count = n1 - k < COUNT ? n1 - k : static_cast<int64_t>(COUNT);
            load(matrix + k * n2, n2, 1, n2, count, one);
            rows->run(one, done, room);
            store(done, n2, out + k, n1, 1, count);
        }
    }

    void run(const L *in, L *out, L *matrix, std::complex<T> *first, L *one, L *done, char *room) const
    {
        int64_t n1 = columns->n, n2 = rows->n;
        for (int64_t j = 0; j < n2; j++) {
            for (int64_t i = 0; i < n1; i++)
                one[i] = in[i * n2 + j];
            columns->run(one, done, room);
            if (j % WIDTH == 0)
                set_first(j, first);
            for (int64_t k = 0; k < n1; k++)
                matrix[k * n2 + j] = done[k] * spread<lanes<T>>(first[k] * within[static_cast<size_t>(k * WIDTH + j % WIDTH)]);
        }
        for (int64_t k = 0; k < n1; k++) {
            rows->run(matrix + k * n2, done, room);
            for (int64_t i = 0; i < n2; i++)
                out[i * n1 + k] = done[i];
        }
    }

    void run(const C *in, C *out, char *room) const override
    {
        int64_t longer = columns->n > rows->n ? columns->n : rows->n;
        C *matrix = take<C>(room, this->n);
        std::complex<T> *first = take<std::complex<T>>(room, columns->n);
        L *one = take<L>(room, longer), *done = take<L>(room, longer);
        run(in, out, matrix, first, one, done, room);
    }
};

// The smallest number that is not less and has no other prime factors than 2, 3 and 5.
int64_t smooth_from(int64_t least)
{
    int64_t best = INT64_MAX;
    for (int64_t five = 1; five < best; five *= 5)
        for (int64_t three = five; three < best; three *= 3) {
            int64_t two = three;
            while (two < least)
                two *= 2;
            best = two < best ? two : best;
        }
    return best;
}

// jk = (j^2 + k^2 - (k - j)^2) / 2: with c_j = exp(-pi i j^2/n), y_k = c_k sum (x_j c_j) conj(c_(k-j)), a convolution.
template <typename S> struct chirp : transform<S> {
    typedef std::complex<S> C;
    typedef typename parts<S>::one T;
    int64_t m;
    owner<transform<S>> through;             // of m points
    std::vector<std::complex<T>> c, spectrum; // of conj(c), over m
    chirp(int64_t points, bool inverse) : transform<S>(points), m(smooth_from(2 * points - 1))
    {
        through.what = make<S>(m, false, false);
        c.resize(static_cast<size_t>(points));
        powers<T> halves;
        halves.set(2 * points, inverse);
        for (int64_t j = 0, square = 0; j < points; square = (square + 2 * j + 1) % (2 * points), j++)
            c[static_cast<size_t>(j)] = halves(square);
        set_spectrum();
        this->scratch = 2 * room_for<C>(m) + through->scratch;
        this->bytes += through->bytes + (c.size() + spectrum.size()) * sizeof(std::complex<T>);
    }
    void set_spectrum()
    {
        std::vector<C> both;
        std::vector<char> rest;
        both.resize(2 * static_cast<size_t>(m));
        rest.resize(through->scratch);
        C *around = &both[0], *result = around + m;
        for (int64_t j = 0; j < m; j++) {
            int64_t from_either_end = j < m - j ? j : m - j;
            around[j] = from_either_end < this->n ? spread<S>(std::conj(c[static_cast<size_t>(from_either_end)])) : C(S(0), S(0));
        }
        through->run(around, result, &rest[0]);
        spectrum.resize(static_cast<size_t>(m));
        for (int64_t k = 0; k < m; k++)
            spectrum[static_cast<size_t>(k)] = first_lane(result[k]) * (T(1) / static_cast<T>(m));
    }
    static std::complex<T> first_lane(std::complex<T> x) { return x; }
    static std::complex<T> first_lane(std::complex<lanes<T>> x) { return std::complex<T>(x.re[0], x.im[0]); }

    void run(const C *in, C *out, char *room) const override
    {
        C *a = take<C>(room, m), *b = take<C>(room, m);
        for (int64_t j = 0; j < this->n; j++)
            a[j] = in[j] * spread<S>(c[static_cast<size_t>(j)]);
        for (int64_t j = this->n; j < m; j++)
            a[j] = C(S(0), S(0));
        through->run(a, b, room);
        for (int64_t k = 0; k < m; k++)
            b[k] = std::conj(b[k] * spread<S>(spectrum[static_cast<size_t>(k)])); // the transform back is one forth of conjugates
        through->run(b, a, room);
        for (int64_t k = 0; k < this->n; k++)
            out[k] = std::conj(a[k]) * spread<S>(c[static_cast<size_t>(k)]);
    }
};

// ---- which of them ----

int64_t largest_divisor_below_root(int64_t n)
{
    int64_t d = static_cast<int64_t>(sqrt(static_cast<double>(n)));
    while (n % d)
        d--;
    return d;
}

template <typename S> transform<S> *make(int64_t n, bool inverse, bool is_part)
{
    int64_t rest = n, large = 1; // the largest prime factor above 5
    for (int64_t p = 2; p <= 5; p += p == 2 ? 1 : 2)
        while (rest % p == 0)
            rest /= p;
    bool smooth = rest == 1;
    for (int64_t p = 7; p * p <= rest; p += 2)
        while (rest % p == 0) {
            rest /= p;
            large = p;
        }
    large = rest > large ? rest : large;
    if (n == 1)
        return new nothing_to_do<S>;
    if (smooth && n <= KISS_MOST)
        return new kiss<S>(n, inverse);
    if (smooth) {
        int64_t n1 = largest_divisor_below_root(n);
        return new split<S>(n1, n / n1, inverse);
    }
    if (large > PRIME_PART_MOST || (large == n && !is_part && n > PRIME_MOST))
        return new chirp<S>(n, inverse);
    if (large == n)
        return new prime<S>(n, inverse);
    int64_t other = n / large;
    return new split<S>(large < other ? large : other, large < other ? other : large, inverse);
}

// ---- plans: complex transforms, and what is made of those ----

template <typename S> struct plan : ad_fft {
    typedef std::complex<S> C;
    typedef typename parts<S>::one T;
    owner<transform<S>> core; // real transforms of even length are complex ones of half of it
    powers<T> turn;           // w^k, of real transforms of even length
    powers<T> quarter;        // exp(-pi i k/2n), of cosine transforms

    plan(ad_fft_kind of, int64_t points, bool back) : ad_fft()
    {
        kind = of;
        dtype = sizeof(T) == sizeof(double) ? AD_F64 : AD_F32;
        n = points;
        inverse = back;
        lanes = parts<S>::COUNT;
        bool halved = kind != AD_FFT_COMPLEX && n % 2 == 0;
        core.what = make<S>(halved ? n / 2 : n, kind == AD_FFT_FULL ? false : inverse, false);
        if (halved)
            turn.set(n, false);
        if (kind == AD_FFT_COSINE)
            quarter.set(4 * n, false);
        size_t own = kind == AD_FFT_COMPLEX ? 0
                     : halved               ? room_for<C>(n / 2)
                                            : 2 * room_for<C>(n),
               spectrum = kind == AD_FFT_COSINE ? 2 * room_for<C>(n / 2 + 1) : 0;
        scratch = 64 + own + core->scratch + spectrum + (lanes > 1 ? 2 * room_for<C>(n + 1) : 0);
        bytes = sizeof(*this) + core->bytes + turn.bytes() + quarter.bytes();
    }

    // n reals to n/2 + 1 numbers. The even places hold one real sequence and the odd places another: e and o are their
    // transforms.
    void real_to_half(const S *in, C *out, char *room) const
    {
        int64_t half = n / 2;
        C *packed = take<C>(room, n % 2 ? n : half);
        if (n % 2) {
            C *all = take<C>(room, n);
            for (int64_t j = 0; j < n; j++)
                packed[j] = C(in[j], S(0));
            core->run(packed, all, room);
            for (int64_t k = 0; k <= half; k++)
                out[k] = all[k];
            out[0].im = S(0);
            return;
        }
        core->run(reinterpret_cast<const C *>(in), out, room);
        C ends = out[0];
        out[0] = C(ends.re + ends.im, S(0));
        out[half] = C(ends.re - ends.im, S(0));
        for (int64_t k = 1; 2 * k < half; k++) {
            C a = out[k], b = std::conj(out[half - k]), e = (a + b) * S(T(0.5)), o = (a - b) * S(T(0.5));
            C turned = spread<S>(turn(k)) * C(o.im, -o.re);
            out[k] = e + turned;
            out[half - k] = std::conj(e - turned);
        }
        if (half % 2 == 0)
            out[half / 2] = std::conj(out[half / 2]);
    }

    // The reverse, times n. Imaginary parts that are 0 in the transform of a real sequence are ignored.
    void half_to_real(const C *in, S *out, char *room) const
    {
        int64_t half = n / 2;
        C *packed = take<C>(room, n % 2 ? n : half);
        if (n % 2) {
            C *all = take<C>(room, n);
            packed[0] = C(in[0].re, S(0));
            for (int64_t k = 1; k <= half; k++) {
                packed[k] = in[k];
                packed[n - k] = std::conj(in[k]);
            }
            core->run(packed, all, room);
            for (int64_t j = 0; j < n; j++)
                out[j] = all[j].re;
            return;
        }
        packed[0] = C(in[0].re + in[half].re, in[0].re - in[half].re);
        for (int64_t k = 1; 2 * k < half; k++) {
            C a = in[k], b = std::conj(in[half - k]), e = a + b, o = spread<S>(std::conj(turn(k))) * (a - b), turned(-o.im, o.re);
            packed[k] = e + turned;
            packed[half - k] = std::conj(e - turned);
        }
        if (half % 2 == 0)
            packed[half / 2] = std::conj(in[half / 2]) * S(2);
        core->run(packed, reinterpret_cast<C *>(out), room);
    }

    // n reals to n numbers.
    void real_to_full(const S *in, C *out, char *room) const
    {
        real_to_half(in, out, room);
        for (int64_t k = 1; 2 * k < n; k++)
            out[n - k] = std::conj(out[k]);
        for (int64_t k = 1; inverse && k < n; k++)
            out[k] = std::conj(out[k]);
    }

    // Makhoul, "A fast cosine transform in one and two dimensions", 1980: the transform of the even places in order,
    // then the odd ones backwards.
    void cosine(const S *in, S *out, T first, char *room) const
    {
        C *spectrum = take<C>(room, n / 2 + 1);
        S *folded = reinterpret_cast<S *>(take<C>(room, n / 2 + 1));
        for (int64_t j = 0; j < n; j++)
            folded[j % 2 ? n - 1 - j / 2 : j / 2] = in[j];
        real_to_half(folded, spectrum, room);
        for (int64_t k = 1; 2 * k <= n; k++) {
            C y = spectrum[k] * spread<S>(quarter(k)) * S(2);
            out[n - k] = -y.im;
            out[k] = y.re;
        }
        out[0] = S(2 * first) * spectrum[0].re;
    }
    void cosine_back(const S *in, S *out, T first, char *room) const
    {
        C *spectrum = take<C>(room, n / 2 + 1);
        S *folded = reinterpret_cast<S *>(take<C>(room, n / 2 + 1));
        spectrum[0] = C(S(first) * in[0], S(0));
        for (int64_t k = 1; 2 * k <= n; k++)
            spectrum[k] = spread<S>(std::conj(quarter(k))) * C(in[k], -in[n - k]);
        half_to_real(spectrum, folded, room);
        for (int64_t j = 0; j < n; j++)
            out[j] = folded[j % 2 ? n - 1 - j / 2 : j / 2];
    }

    bool takes_reals() const { return kind != AD_FFT_COMPLEX && !(kind == AD_FFT_REAL && inverse); }
    bool gives_reals() const { return kind == AD_FFT_COSINE || (kind == AD_FFT_REAL && inverse); }
    int64_t taken() const { return kind == AD_FFT_REAL && inverse ? n / 2 + 1 : n; }
    int64_t given() const { return kind == AD_FFT_REAL && !inverse ? n / 2 + 1 : n; }

    void run(T factor, T first, const void *in, void *out, char *room) const
    {
        const S *x = static_cast<const S *>(in);
        S *y = static_cast<S *>(out);
        const C *cx = static_cast<const C *>(in);
        C *cy = static_cast<C *>(out);
        switch (kind) {
        case AD_FFT_COMPLEX: core->run(cx, cy, room); break;
        case AD_FFT_REAL: inverse ? half_to_real(cx, y, room) : real_to_half(x, cy, room); break;
        case AD_FFT_FULL: real_to_full(x, cy, room); break;
        case AD_FFT_COSINE: inverse ? cosine_back(x, y, first, room) : cosine(x, y, first, room); break;
        }
        int64_t reals = given() * (gives_reals() ? 1 : 2);
        for (int64_t i = 0; factor != 1 && i < reals; i++)
            y[i] *= S(factor);
    }
};

template <typename T> void run_plan(const plan<T> *p, double factor, double first, ad_fft_memory m, char *room)
{
    p->run(static_cast<T>(factor), static_cast<T>(first), m.in, m.out, room);
}

template <typename T> void run_plan(const plan<lanes<T>> *p, double factor, double first, ad_fft_memory m, char *room)
{
    typedef std::complex<lanes<T>> L;
    L *x = take<L>(room, p->n + 1), *y = take<L>(room, p->n + 1);
    lanes<T> *real_x = reinterpret_cast<lanes<T> *>(x), *real_y = reinterpret_cast<lanes<T> *>(y);
    if (p->takes_reals())
        load(static_cast<const T *>(m.in), p->taken(), m.in_step, m.in_along, m.count, real_x);
    else
        load(static_cast<const std::complex<T> *>(m.in), p->taken(), m.in_step, m.in_along, m.count, x);
    p->run(static_cast<T>(factor), static_cast<T>(first), x, y, room);
    if (p->gives_reals())
        store(real_y, p->given(), static_cast<T *>(m.out), m.out_step, m.out_along, m.count);
    else
        store(y, p->given(), static_cast<std::complex<T> *>(m.out), m.out_step, m.out_along, m.count);
}

// ---- the interface ----

ad_fft *plan_make(ad_fft_kind kind, ad_dtype dtype, int64_t n, bool inverse, bool many)
{
    try {
        if (dtype == AD_F64)
            return many ? static_cast<ad_fft *>(new plan<lanes<double>>(kind, n, inverse)) : new plan<double>(kind, n, inverse);
        return many ? static_cast<ad_fft *>(new plan<lanes<float>>(kind, n, inverse)) : new plan<float>(kind, n, inverse);
    } catch (...) {
        return nullptr;
    }
}

void plan_drop(ad_fft *fft)
{
    if (fft->dtype == AD_F64 && fft->lanes > 1)
        delete static_cast<plan<lanes<double>> *>(fft);
    else if (fft->dtype == AD_F64)
        delete static_cast<plan<double> *>(fft);
    else if (fft->lanes > 1)
        delete static_cast<plan<lanes<float>> *>(fft);
    else
        delete static_cast<plan<float> *>(fft);
}

void plan_run(const ad_fft *fft, double factor, double first, const ad_fft_memory *memory, void *scratch)
{
    char *room = reinterpret_cast<char *>(rounded(reinterpret_cast<size_t>(scratch)));
    if (fft->dtype == AD_F64 && fft->lanes > 1)
        run_plan(static_cast<const plan<lanes<double>> *>(fft), factor, first, *memory, room);
    else if (fft->dtype == AD_F64)
        run_plan(static_cast<const plan<double> *>(fft), factor, first, *memory, room);
    else if (fft->lanes > 1)
        run_plan(static_cast<const plan<lanes<float>> *>(fft), factor, first, *memory, room);
    else
        run_plan(static_cast<const plan<float> *>(fft), factor, first, *memory, room);
}

} // namespace fourier
} // namespace

extern "C" __attribute__((visibility("hidden"))) const struct ad_ffts FOR_ISA(ad_ffts);
const struct ad_ffts FOR_ISA(ad_ffts) = { fourier::plan_make, fourier::plan_drop, fourier::plan_run };
