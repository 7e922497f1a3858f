/* The functions of libad in namespace ad, one line each, with C's names and arguments. See ad.hpp; C's headers say what each does.
 *
 * The macros below are the few forms that functions have. An x is an operand: an array or a C++ number. */
#ifndef AD_FUNCTIONS_HPP
#define AD_FUNCTIONS_HPP

#include <ad/array.hpp>

/* C's constants with the default options are compound literals, an extension in C++ that no one else need hear of. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wc++20-extensions"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wformat-security"

namespace ad {

/* ---- Named options: ad::sum(x, axis = 0, keepdims = true). Each sets the field of that name in C's options, and compiles only
 *      where they have one. Lists of axes, shapes and shifts are written { 0, 1 }. ---- */

namespace detail {

template <class Field, class V> void assign(Field &field, const V &value)
{
    if constexpr (std::is_same_v<Field, ad_array *>)
        field = operand(value).get();
    else
        field = static_cast<Field>(value);
}

/* The options of ad::check_grads with their defaults. */
inline ad_check_options check_defaults() { return AD_CHECK_DEFAULTS; }

/* Options with what was named set in them. */
template <class Options, class... Named> Options with(Options options, const Named &...named)
{
    (named(options), ...);
    return options;
}

} // namespace detail

#define AD_CPP_NAMED_(field)                                                                                               \
    struct field##_name {                                                                                              \
        template <class V> struct given {                                                                              \
            V value;                                                                                                   \
            template <class Options> auto operator()(Options &options) const -> decltype(void(options.field))          \
            {                                                                                                          \
                detail::assign(options.field, value);                                                                  \
            }                                                                                                          \
        };                                                                                                             \
        template <class V> given<V> operator=(V value) const { return { value }; }                                     \
        given<integers> operator=(std::initializer_list<int64_t> value) const { return { value }; }                    \
    };                                                                                                                 \
    inline constexpr field##_name field{};

namespace named {
AD_CPP_NAMED_(a_axes)
AD_CPP_NAMED_(assume_a)
AD_CPP_NAMED_(axes)
AD_CPP_NAMED_(axis)
AD_CPP_NAMED_(axis1)
AD_CPP_NAMED_(axis2)
AD_CPP_NAMED_(axisa)
AD_CPP_NAMED_(axisb)
AD_CPP_NAMED_(axisc)
AD_CPP_NAMED_(b_axes)
AD_CPP_NAMED_(base)
AD_CPP_NAMED_(bases)
AD_CPP_NAMED_(columns)
AD_CPP_NAMED_(compute_uv)
AD_CPP_NAMED_(constant_values)
AD_CPP_NAMED_(d)
AD_CPP_NAMED_(ddof)
AD_CPP_NAMED_(deg)
AD_CPP_NAMED_(dtype)
AD_CPP_NAMED_(endpoint)
AD_CPP_NAMED_(exclusive)
AD_CPP_NAMED_(full_matrices)
AD_CPP_NAMED_(high)
AD_CPP_NAMED_(ind)
AD_CPP_NAMED_(indexing)
AD_CPP_NAMED_(indices)
AD_CPP_NAMED_(initial)
AD_CPP_NAMED_(k)
AD_CPP_NAMED_(kths)
AD_CPP_NAMED_(keepdims)
AD_CPP_NAMED_(loc)
AD_CPP_NAMED_(low)
AD_CPP_NAMED_(lower)
AD_CPP_NAMED_(M)
AD_CPP_NAMED_(m)
AD_CPP_NAMED_(mode)
AD_CPP_NAMED_(modes)
AD_CPP_NAMED_(n)
AD_CPP_NAMED_(ndim)
AD_CPP_NAMED_(norm)
AD_CPP_NAMED_(num)
AD_CPP_NAMED_(offset)
AD_CPP_NAMED_(ord)
AD_CPP_NAMED_(order)
AD_CPP_NAMED_(p)
AD_CPP_NAMED_(r)
AD_CPP_NAMED_(rcond)
AD_CPP_NAMED_(replace)
AD_CPP_NAMED_(reverse)
AD_CPP_NAMED_(rows)
AD_CPP_NAMED_(s)
AD_CPP_NAMED_(scale)
AD_CPP_NAMED_(seed)
AD_CPP_NAMED_(shifts)
AD_CPP_NAMED_(sparse)
AD_CPP_NAMED_(step)
AD_CPP_NAMED_(tol)
AD_CPP_NAMED_(tolerance)
AD_CPP_NAMED_(trans)
AD_CPP_NAMED_(type)
AD_CPP_NAMED_(unit_diagonal)
AD_CPP_NAMED_(UPLO)
AD_CPP_NAMED_(upper)
AD_CPP_NAMED_(where)

/* Pairs: widths = { { 1, 2 }, { 0, 3 } }. */
struct widths_name {
    struct given {
        ad_widths value;
        void operator()(ad_pad_options &options) const { options.widths = value; }
    };
    given operator=(std::initializer_list<std::pair<int64_t, int64_t>> pairs) const
    {
        given widths = {};
        if (pairs.size() > AD_MAX_NDIM)
            throw error(AD_ERROR_SHAPE, "ad::pad: " + std::to_string(pairs.size()) + " pairs of widths are more than an array has axes");
        for (const auto &pair : pairs) {
            widths.value.width[widths.value.count][0] = pair.first;
            widths.value.width[widths.value.count++][1] = pair.second;
        }
        return widths;
    }
};
inline constexpr widths_name widths{};
} // namespace named

#undef AD_CPP_NAMED_

/* ---- The forms of functions ---- */

#define AD_F_(Result, name, parameters, ...)                                                                           \
    inline Result name parameters                                                                                      \
    {                                                                                                                  \
        return detail::made<Result>([&] { return __VA_ARGS__; });                                                      \
    }
/* With named options: the call of C's function ends with `options`. */
#define AD_FO_(Result, name, parameters, DEFAULTS, ...)                                                                \
    template <class... Named> Result name parameters                                                                   \
    {                                                                                                                  \
        return detail::made<Result>([&] {                                                                              \
            auto options = detail::with(DEFAULTS, named...);                                                           \
            return __VA_ARGS__;                                                                                        \
        });                                                                                                            \
    }
#define AD_NAMED_OPTIONS_ const Named &...named

#define AD_F1_(name) AD_F_(array, name, (const operand &x), ::ad_##name(x.get()))
#define AD_F2_(name) AD_F_(array, name, (const operand &a, const operand &b), ::ad_##name(a.get(), b.get()))
#define AD_F3_(name) AD_F_(array, name, (const operand &a, const operand &b, const operand &c), ::ad_##name(a.get(), b.get(), c.get()))
#define AD_FO1_(name, DEFAULTS) AD_FO_(array, name, (const operand &x, AD_NAMED_OPTIONS_), DEFAULTS, ::ad_##name##_with(x.get(), options))
#define AD_FO2_(name, DEFAULTS)                                                                                        \
    AD_FO_(array, name, (const operand &a, const operand &b, AD_NAMED_OPTIONS_), DEFAULTS, ::ad_##name##_with(a.get(), b.get(), options))
#define AD_FO3_(name, DEFAULTS)                                                                                        \
    AD_FO_(array, name, (const operand &a, const operand &b, const operand &c, AD_NAMED_OPTIONS_), DEFAULTS,           \
        ::ad_##name##_with(a.get(), b.get(), c.get(), options))

/* ---- ad/math.h ---- */

AD_F1_(neg) AD_F1_(reciprocal) AD_F1_(abs) AD_F1_(fabs) AD_F1_(deg2rad) AD_F1_(rad2deg) AD_F1_(sign) AD_F1_(square) AD_F1_(sqrt) AD_F1_(cbrt)
AD_F1_(exp) AD_F1_(exp2) AD_F1_(expm1) AD_F1_(log) AD_F1_(log2) AD_F1_(log10) AD_F1_(log1p)
AD_F1_(sin) AD_F1_(cos) AD_F1_(tan) AD_F1_(arcsin) AD_F1_(arccos) AD_F1_(arctan)
AD_F1_(sinh) AD_F1_(cosh) AD_F1_(tanh) AD_F1_(arcsinh) AD_F1_(arccosh) AD_F1_(arctanh)
AD_F1_(sigmoid) AD_F1_(log_sigmoid) AD_F1_(softplus) AD_F1_(relu) AD_F1_(erf) AD_F1_(erfc) AD_F1_(gammaln) AD_F1_(digamma)
AD_F1_(real) AD_F1_(imag) AD_F1_(conj) AD_FO1_(angle, AD_ANGLE_DEFAULTS) AD_FO1_(real_if_close, AD_REAL_IF_CLOSE_DEFAULTS)
AD_F1_(floor) AD_F1_(ceil) AD_F1_(trunc) AD_F1_(rint) AD_F1_(isnan) AD_F1_(isinf) AD_F1_(isfinite) AD_F1_(logical_not)
AD_F2_(add) AD_F2_(sub) AD_F2_(mul) AD_F2_(div) AD_F2_(pow) AD_F2_(maximum) AD_F2_(minimum) AD_F2_(mod) AD_F2_(fmod) AD_F2_(floor_divide)
AD_F2_(hypot) AD_F2_(arctan2) AD_F2_(logaddexp) AD_F2_(polygamma) AD_F2_(zmul) AD_F2_(zdiv) AD_F2_(zzmul)
AD_F2_(equal) AD_F2_(not_equal) AD_F2_(less) AD_F2_(less_equal) AD_F2_(greater) AD_F2_(greater_equal)
AD_F2_(logical_and) AD_F2_(logical_or) AD_F2_(logical_xor)
AD_F3_(where)
/** A bound of nullptr bounds nothing. */
AD_F3_(clip)

/* ---- Operators. Comparisons are functions, ad::less(x, y): an array of bools is no condition of an if. ---- */

inline array operator+(const operand &a, const operand &b) { return add(a, b); }
inline array operator-(const operand &a, const operand &b) { return sub(a, b); }
inline array operator*(const operand &a, const operand &b) { return mul(a, b); }
inline array operator/(const operand &a, const operand &b) { return div(a, b); }
inline array operator-(const array &x) { return neg(x); }
inline array operator+(const array &x) { return x; }
inline array &operator+=(array &a, const operand &b) { return a = add(a, b); }
inline array &operator-=(array &a, const operand &b) { return a = sub(a, b); }
inline array &operator*=(array &a, const operand &b) { return a = mul(a, b); }
inline array &operator/=(array &a, const operand &b) { return a = div(a, b); }

/* ---- ad/reduce.h, ad/special.h, ad/sort.h ---- */

AD_FO1_(sum, AD_REDUCE_DEFAULTS) AD_FO1_(mean, AD_REDUCE_DEFAULTS) AD_FO1_(prod, AD_REDUCE_DEFAULTS) AD_FO1_(var, AD_REDUCE_DEFAULTS)
AD_FO1_(std, AD_REDUCE_DEFAULTS) AD_FO1_(max, AD_REDUCE_DEFAULTS) AD_FO1_(min, AD_REDUCE_DEFAULTS) AD_FO1_(ptp, AD_REDUCE_DEFAULTS)
AD_FO1_(argmax, AD_REDUCE_DEFAULTS) AD_FO1_(argmin, AD_REDUCE_DEFAULTS) AD_FO1_(any, AD_REDUCE_DEFAULTS) AD_FO1_(all, AD_REDUCE_DEFAULTS)
AD_FO1_(cumsum, AD_SCAN_DEFAULTS) AD_FO1_(cumprod, AD_SCAN_DEFAULTS) AD_FO2_(linear_recurrence, AD_RECURRENCE_DEFAULTS)
AD_FO1_(logsumexp, AD_REDUCE_DEFAULTS) AD_FO1_(softmax, AD_REDUCE_DEFAULTS) AD_FO1_(log_softmax, AD_REDUCE_DEFAULTS)
AD_FO1_(sort, AD_SORT_DEFAULTS) AD_FO1_(argsort, AD_SORT_DEFAULTS)
AD_FO_(array, partition, (const operand &x, int64_t kth, AD_NAMED_OPTIONS_), AD_PARTITION_DEFAULTS, ad_partition_with(x.get(), kth, options))
AD_FO_(array, argpartition, (const operand &x, int64_t kth, AD_NAMED_OPTIONS_), AD_PARTITION_DEFAULTS, ad_argpartition_with(x.get(), kth, options))

/* ---- ad/linalg.h ---- */

AD_FO1_(linalg_norm, AD_LINALG_NORM_DEFAULTS) AD_FO1_(linalg_vector_norm, AD_LINALG_VECTOR_NORM_DEFAULTS) AD_FO1_(linalg_matrix_norm, AD_LINALG_MATRIX_NORM_DEFAULTS)
 AD_F1_(linalg_svdvals) AD_F1_(linalg_inv) AD_F1_(linalg_det) AD_F1_(linalg_expm)
AD_FO2_(linalg_solve, AD_LINALG_SOLVE_DEFAULTS) AD_FO2_(linalg_solve_triangular, AD_LINALG_SOLVE_TRIANGULAR_DEFAULTS)
AD_FO1_(linalg_cholesky, AD_LINALG_CHOLESKY_DEFAULTS) AD_FO1_(linalg_cho_factor, AD_LINALG_CHO_SOLVE_DEFAULTS)
AD_FO2_(linalg_cho_solve, AD_LINALG_CHO_SOLVE_DEFAULTS) AD_FO1_(linalg_eigvalsh, AD_LINALG_EIGH_DEFAULTS)
AD_FO1_(linalg_pinv, AD_LINALG_RCOND_DEFAULTS) AD_FO1_(linalg_matrix_rank, AD_LINALG_RCOND_DEFAULTS) AD_FO1_(linalg_cond, AD_LINALG_COND_DEFAULTS)
AD_F2_(linalg_outer) AD_FO2_(linalg_cross, AD_LINALG_CROSS_DEFAULTS) AD_FO1_(linalg_diagonal, AD_LINALG_DIAGONAL_DEFAULTS)
AD_FO1_(linalg_trace, AD_LINALG_TRACE_DEFAULTS) AD_FO1_(linalg_toeplitz, AD_LINALG_TOEPLITZ_DEFAULTS)
AD_F_(array, linalg_multi_dot, (const list &arrays), ad_linalg_multi_dot(arrays.get()))
AD_F_(array, linalg_block_diag, (const list &arrays), ad_linalg_block_diag(arrays.get()))
AD_FO2_(linalg_tensorsolve, AD_LINALG_TENSORSOLVE_DEFAULTS) AD_FO1_(linalg_tensorinv, AD_LINALG_TENSORINV_DEFAULTS)
AD_F_(array, linalg_matrix_power, (const operand &x, int64_t n), ::ad_linalg_matrix_power(x.get(), n))
AD_F_(tree, linalg_slogdet, (const operand &x), ::ad_linalg_slogdet(x.get()))
AD_FO_(tree, linalg_eigh, (const operand &x, AD_NAMED_OPTIONS_), AD_LINALG_EIGH_DEFAULTS, ::ad_linalg_eigh_with(x.get(), options))
AD_FO_(tree, linalg_qr, (const operand &x, AD_NAMED_OPTIONS_), AD_LINALG_QR_DEFAULTS, ::ad_linalg_qr_with(x.get(), options))
AD_FO_(tree, linalg_svd, (const operand &x, AD_NAMED_OPTIONS_), AD_LINALG_SVD_DEFAULTS, ::ad_linalg_svd_with(x.get(), options))
AD_FO_(tree, linalg_lstsq, (const operand &a, const operand &b, AD_NAMED_OPTIONS_), AD_LINALG_RCOND_DEFAULTS, ::ad_linalg_lstsq_with(a.get(), b.get(), options))

/* ---- ad/fft.h ---- */

AD_FO1_(fft_fft, AD_FFT_DEFAULTS) AD_FO1_(fft_ifft, AD_FFT_DEFAULTS) AD_FO1_(fft_rfft, AD_FFT_DEFAULTS) AD_FO1_(fft_irfft, AD_FFT_DEFAULTS)
AD_FO1_(fft_fft2, AD_FFTN_DEFAULTS) AD_FO1_(fft_ifft2, AD_FFTN_DEFAULTS) AD_FO1_(fft_rfft2, AD_FFTN_DEFAULTS) AD_FO1_(fft_irfft2, AD_FFTN_DEFAULTS)
AD_FO1_(fft_fftn, AD_FFTN_DEFAULTS) AD_FO1_(fft_ifftn, AD_FFTN_DEFAULTS) AD_FO1_(fft_rfftn, AD_FFTN_DEFAULTS) AD_FO1_(fft_irfftn, AD_FFTN_DEFAULTS)
AD_FO1_(fft_hfft, AD_FFT_DEFAULTS) AD_FO1_(fft_ihfft, AD_FFT_DEFAULTS) AD_FO1_(fft_dct, AD_DCT_DEFAULTS) AD_FO1_(fft_idct, AD_DCT_DEFAULTS)
AD_FO1_(fft_fftshift, AD_AXES_DEFAULTS) AD_FO1_(fft_ifftshift, AD_AXES_DEFAULTS)
AD_FO_(array, fft_fftfreq, (int64_t n, AD_NAMED_OPTIONS_), AD_FFTFREQ_DEFAULTS, ad_fft_fftfreq_with(n, options))
AD_FO_(array, fft_rfftfreq, (int64_t n, AD_NAMED_OPTIONS_), AD_FFTFREQ_DEFAULTS, ad_fft_rfftfreq_with(n, options))

/* ---- ad/create.h ---- */

/** Copies of numbers in C order: ad::from({ 1, 2, 3 }), ad::from({ 1, 2, 3, 4 }, { 2, 2 }), ad::from(vector). */
inline array from(const std::vector<double> &values, const integers &shape)
{
    if (ad_shape_size(shape) != static_cast<int64_t>(values.size()))
        throw error(AD_ERROR_SHAPE, "ad::from: " + std::to_string(values.size()) + " numbers do not fill a shape of " + std::to_string(ad_shape_size(shape)));
    return detail::made<array>([&] { return ad_from(values.data(), shape); });
}
inline array from(const std::vector<double> &values) { return from(values, { static_cast<int64_t>(values.size()) }); }
AD_F_(array, scalar, (double value), ad_scalar(value))
AD_F_(array, from_data, (ad_dtype dtype, const void *data, const integers &shape), ad_from_data(dtype, data, shape))

AD_FO_(array, zeros, (const integers &shape, AD_NAMED_OPTIONS_), AD_CREATE_DEFAULTS, ad_zeros_with(shape, options))
AD_FO_(array, ones, (const integers &shape, AD_NAMED_OPTIONS_), AD_CREATE_DEFAULTS, ad_ones_with(shape, options))
AD_FO_(array, empty, (const integers &shape, AD_NAMED_OPTIONS_), AD_CREATE_DEFAULTS, ad_empty_with(shape, options))
AD_FO_(array, full, (const integers &shape, const operand &value, AD_NAMED_OPTIONS_), AD_LIKE_DEFAULTS, ad_full_with(shape, value.get(), options))
AD_FO1_(zeros_like, AD_LIKE_DEFAULTS) AD_FO1_(ones_like, AD_LIKE_DEFAULTS) AD_FO1_(empty_like, AD_LIKE_DEFAULTS) AD_FO2_(full_like, AD_LIKE_DEFAULTS)
AD_FO_(array, eye, (int64_t n, AD_NAMED_OPTIONS_), AD_EYE_DEFAULTS, ad_eye_with(n, options))
AD_FO_(array, identity, (int64_t n, AD_NAMED_OPTIONS_), AD_CREATE_DEFAULTS, ad_identity_with(n, options))
AD_FO_(array, tri, (int64_t n, AD_NAMED_OPTIONS_), AD_EYE_DEFAULTS, ad_tri_with(n, options))
/** int64 if all numbers are integers, else float64. */
template <class... T, std::enable_if_t<(std::is_arithmetic_v<T> && ...), int> = 0> array arange(T... numbers)
{
    static_assert(sizeof...(T) >= 1 && sizeof...(T) <= 3, "ad::arange takes one to three numbers");
    const ad_number list[] = { ad_number{ std::is_integral_v<T>, std::is_integral_v<T> ? static_cast<int64_t>(numbers) : 0, static_cast<double>(numbers) }... };
    return detail::made<array>([&] { return ad_arange_from(list, sizeof...(T)); });
}
AD_FO2_(linspace, AD_LINSPACE_DEFAULTS) AD_FO2_(logspace, AD_LOGSPACE_DEFAULTS) AD_FO2_(geomspace, AD_LINSPACE_DEFAULTS)
AD_F_(tree, broadcast_arrays, (const list &arrays), ad_broadcast_arrays(arrays.get()))
AD_FO_(tree, meshgrid, (const list &arrays, AD_NAMED_OPTIONS_), AD_MESHGRID_DEFAULTS, ad_meshgrid_with(arrays.get(), options))
AD_FO_(array, indices, (const integers &shape, AD_NAMED_OPTIONS_), AD_INDICES_DEFAULTS, ad_indices_with(shape, options))
AD_FO_(tree, tril_indices, (int64_t n, AD_NAMED_OPTIONS_), AD_TRIANGLE_INDICES_DEFAULTS, ad_tril_indices_with(n, options))
AD_FO_(tree, triu_indices, (int64_t n, AD_NAMED_OPTIONS_), AD_TRIANGLE_INDICES_DEFAULTS, ad_triu_indices_with(n, options))
AD_FO_(tree, diag_indices, (int64_t n, AD_NAMED_OPTIONS_), AD_DIAG_INDICES_DEFAULTS, ad_diag_indices_with(n, options))
AD_FO1_(tril, AD_TRIANGLE_DEFAULTS) AD_FO1_(triu, AD_TRIANGLE_DEFAULTS) AD_FO1_(diag, AD_TRIANGLE_DEFAULTS)
AD_FO1_(diagonal, AD_DIAGONAL_DEFAULTS) AD_FO1_(make_diagonal, AD_MAKE_DIAGONAL_DEFAULTS)
AD_F_(array, astype, (const operand &x, ad_dtype dtype), ad_astype(x.get(), dtype))
AD_FO1_(asarray, AD_LIKE_DEFAULTS) AD_F1_(copy)

/* ---- ad/shape.h ---- */

AD_FO_(array, reshape, (const operand &x, const integers &shape, AD_NAMED_OPTIONS_), AD_RESHAPE_DEFAULTS, ad_reshape_with(x.get(), shape, options))
AD_FO1_(ravel, AD_RESHAPE_DEFAULTS)
AD_F_(array, expand_dims, (const operand &x, int axis), ad_expand_dims(x.get(), axis))
AD_F_(array, expand_dims, (const operand &x, const integers &axes), ad_expand_dims_axes(x.get(), axes))
AD_FO1_(squeeze, AD_AXES_DEFAULTS)
AD_F_(array, broadcast_to, (const operand &x, const integers &shape), ad_broadcast_to(x.get(), shape))
AD_F1_(atleast_1d) AD_F1_(atleast_2d) AD_F1_(atleast_3d)
AD_FO1_(transpose, AD_TRANSPOSE_DEFAULTS) AD_F1_(matrix_transpose)
AD_FO_(array, permute_dims, (const operand &x, AD_NAMED_OPTIONS_), AD_TRANSPOSE_DEFAULTS, ad_transpose_with(x.get(), options))
AD_F_(array, swapaxes, (const operand &x, int axis1, int axis2), ad_swapaxes(x.get(), axis1, axis2))
AD_F_(array, moveaxis, (const operand &x, int source, int destination), ad_moveaxis(x.get(), source, destination))
AD_F_(array, moveaxis, (const operand &x, const integers &sources, const integers &destinations), ad_moveaxis_axes(x.get(), sources, destinations))
AD_FO1_(flip, AD_AXES_DEFAULTS) AD_F1_(fliplr) AD_F1_(flipud) AD_FO1_(rot90, AD_ROT90_DEFAULTS)
AD_FO_(array, roll, (const operand &x, int64_t shift, AD_NAMED_OPTIONS_), AD_ROLL_DEFAULTS, ad_roll_with(x.get(), shift, options))
AD_F_(array, tile, (const operand &x, const integers &reps), ad_tile(x.get(), reps))
AD_FO2_(repeat, AD_REPEAT_DEFAULTS)
AD_FO_(array, pad, (const operand &x, int64_t width, AD_NAMED_OPTIONS_), AD_PAD_DEFAULTS, ad_pad_with(x.get(), width, options))
AD_FO_(array, concatenate, (const list &arrays, AD_NAMED_OPTIONS_), AD_JOIN_DEFAULTS, ad_concatenate_with(arrays.get(), options))
AD_FO_(array, stack, (const list &arrays, AD_NAMED_OPTIONS_), AD_JOIN_DEFAULTS, ad_stack_with(arrays.get(), options))
AD_F_(array, vstack, (const list &arrays), ad_vstack(arrays.get()))
AD_F_(array, hstack, (const list &arrays), ad_hstack(arrays.get()))
AD_FO_(tree, split, (const operand &x, int64_t sections, AD_NAMED_OPTIONS_), AD_SPLIT_DEFAULTS, ad_split_with(x.get(), sections, options))
AD_FO_(tree, array_split, (const operand &x, int64_t sections, AD_NAMED_OPTIONS_), AD_SPLIT_DEFAULTS, ad_array_split_with(x.get(), sections, options))
AD_FO_(tree, unstack, (const operand &x, AD_NAMED_OPTIONS_), AD_JOIN_DEFAULTS, ad_unstack_with(x.get(), options))
AD_F_(array, flatten, (const tree &t), ad_flatten(t.get()))
AD_F_(tree, unflatten, (const tree &t, const operand &vector), ad_unflatten(t.get(), vector.get()))

/* ---- ad/index.h. An index is a string as in C, or a list: ad::at(x, "0, 1:3"), ad::at(x, { 0, ad::slice(1, n) }). ---- */

namespace detail {
/* An index string without C's printf conversions: numbers of the program go into lists. */
inline const std::string &plain(const std::string &index)
{
    if (index.find('%') != std::string::npos)
        throw error(AD_ERROR_INDEX, "ad::at: '" + index + "' has a % in it; write numbers of the program as { i, ad::slice(low, high) }");
    return index;
}
} // namespace detail

#define AD_AT_STRING_ template <class String, std::enable_if_t<std::is_convertible_v<const String &, std::string>, int> = 0>
AD_AT_STRING_ AD_F_(array, at, (const operand &x, const String &index), ad_at(x.get(), detail::plain(index).c_str()))
AD_F_(array, at, (const operand &x, const index_list &index), ad_at_list(x.get(), index))
#define AD_AT_(name)                                                                                                   \
    AD_AT_STRING_ AD_F_(array, name, (const operand &x, const operand &value, const String &index),                    \
        ::ad_##name(x.get(), value.get(), detail::plain(index).c_str()))                                               \
    AD_F_(array, name, (const operand &x, const operand &value, const index_list &index), ::ad_##name##_list(x.get(), value.get(), index))
AD_AT_(at_set) AD_AT_(at_add) AD_AT_(at_mul) AD_AT_(at_min) AD_AT_(at_max)
#undef AD_AT_
#undef AD_AT_STRING_
AD_F_(array, slice_axis, (const operand &x, int axis, int64_t start, int64_t count, int64_t step), ad_slice_axis(x.get(), axis, start, count, step))
AD_FO2_(take, AD_TAKE_DEFAULTS) AD_FO2_(compress, AD_TAKE_DEFAULTS) AD_FO3_(put_add, AD_TAKE_DEFAULTS) AD_FO3_(put_set, AD_TAKE_DEFAULTS)
AD_F_(array, take_along_axis, (const operand &x, const operand &index, int axis), ad_take_along_axis(x.get(), index.get(), axis))
AD_F_(array, put_along_axis, (const operand &x, const operand &index, const operand &value, int axis),
    ad_put_along_axis(x.get(), index.get(), value.get(), axis))
AD_F1_(flatnonzero)
AD_FO_(array, one_hot, (const operand &index, int64_t classes, AD_NAMED_OPTIONS_), AD_ONE_HOT_DEFAULTS, ad_one_hot_with(index.get(), classes, options))

inline array array::operator[](const index_list &index) const { return at(*this, index); }
template <class Index> array array::operator[](const Index &index) const
{
    if constexpr (std::is_convertible_v<const Index &, std::string>)
        return at(*this, std::string(index));
    else
        return at(*this, index_list(index));
}

/* ---- ad/product.h ---- */

AD_F2_(matmul) AD_F2_(dot) AD_F2_(inner) AD_F2_(outer) AD_F2_(vdot) AD_F2_(matvec) AD_F2_(vecmat) AD_F2_(kron)
AD_FO2_(vecdot, AD_VECDOT_DEFAULTS) AD_FO2_(tensordot, AD_TENSORDOT_DEFAULTS) AD_FO1_(trace, AD_TRACE_DEFAULTS) AD_FO2_(cross, AD_CROSS_DEFAULTS)
template <class... T> array einsum(const std::string &subscripts, const T &...operands)
{
    return detail::made<array>([&] {
        ad_array *const list[] = { operand(operands).get()... };
        return ad_einsum_from(subscripts.c_str(), list, sizeof...(T));
    });
}

/* ---- ad/random.h: keys are C's, ad_key key = ad_random_key(1) ---- */

AD_F_(array, random_bits, (ad_key key, const integers &shape), ad_random_bits(key, shape))
AD_FO_(array, random_uniform, (ad_key key, const integers &shape, AD_NAMED_OPTIONS_), AD_UNIFORM_DEFAULTS, ad_random_uniform_with(key, shape, options))
AD_FO_(array, random_normal, (ad_key key, const integers &shape, AD_NAMED_OPTIONS_), AD_NORMAL_DEFAULTS, ad_random_normal_with(key, shape, options))
AD_F_(array, random_randint, (ad_key key, const integers &shape, int64_t low, int64_t high), ad_random_randint(key, shape, low, high))
AD_F_(array, random_bernoulli, (ad_key key, double p, const integers &shape), ad_random_bernoulli(key, p, shape))
AD_F_(array, random_permutation, (ad_key key, int64_t n), ad_random_permutation(key, n))
AD_FO_(array, random_choice, (ad_key key, int64_t n, const integers &shape, AD_NAMED_OPTIONS_), AD_CHOICE_DEFAULTS,
    ad_random_choice_with(key, n, shape, options))

/* ---- ad/io.h ---- */

AD_F_(array, load, (const std::string &path), ad_load(path.c_str()))
AD_F_(array, load_idx, (const std::string &path), ad_load_idx(path.c_str()))
inline tree loadz(const std::string &path) { return detail::made<tree>([&] { return ad_loadz(path.c_str()); }); }
AD_F_(array, load_png, (const std::string &path), ad_load_png(path.c_str()))
/** paths: where the pictures' paths go, if not null. */
inline array load_images(const std::string &path, std::vector<std::string> *paths = nullptr)
{
    char **list = nullptr;
    array x = detail::made<array>([&] { return ad_load_images(path.c_str(), paths ? &list : nullptr); });
    std::unique_ptr<char *, void (*)(void *)> freed(list, std::free);
    if (paths)
        paths->clear();
    for (int64_t i = 0; list && list[i]; i++)
        paths->push_back(list[i]);
    return x;
}
inline void save(const std::string &path, const array &x) { detail::checked(ad_save(path.c_str(), x.get())); }
inline void savez(const std::string &path, const tree &t) { detail::checked(ad_savez(path.c_str(), t.get())); }
inline void save_png(const std::string &path, const array &x) { detail::checked(ad_save_png(path.c_str(), x.get())); }
inline void save_idx(const std::string &path, const array &x) { detail::checked(ad_save_idx(path.c_str(), x.get())); }

AD_F1_(stop_gradient)
inline bool is_traced(const array &x) noexcept { return ad_is_traced(x.get()); }

#undef AD_F_
#undef AD_FO_
#undef AD_F1_
#undef AD_F2_
#undef AD_F3_
#undef AD_FO1_
#undef AD_FO2_
#undef AD_FO3_
#undef AD_NAMED_OPTIONS_

} // namespace ad

#pragma GCC diagnostic pop

#endif
