/* The functions of libad in namespace ad, with C's names and arguments. See ad.hpp; C's headers say what each does.
 *
 * The macros below are the few forms that functions have. Most follow from C's declarations: libad/tools/generate.py
 * writes their lines, one for each, into macros/functions.hpp. An x is an operand: an array or a C++ number, in
 * ad::clip nullptr too. Keys of random numbers are C's, ad_key key = ad_random_key(1). */
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

/* ---- Named options: ad::sum(x, axis = 0, keepdims = true) ----
 *
 * Each sets the field of that name in C's options, and compiles only if they have one. Lists of axes, shapes and shifts
 * are written { 0, 1 }. */

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

/* What the name of an option is: axis = 0 makes what sets Field::of(options) in C's options. */
template <class Field> struct name {
    template <class V> struct given {
        V value;
        template <class Options> auto operator()(Options &options) const -> decltype(void(Field::of(options)))
        {
            detail::assign(Field::of(options), value);
        }
    };
    template <class V> given<V> operator=(V value) const { return { value }; }
    given<integers> operator=(std::initializer_list<int64_t> value) const { return { value }; }
};

} // namespace detail

#define AD_CPP_NAMED_(field)                                                                                           \
    struct field##_field {                                                                                             \
        template <class Options> static auto of(Options &options) -> decltype((options.field)) { return options.field; } \
    };                                                                                                                 \
    inline constexpr detail::name<field##_field> field{};

namespace named {
#include <ad/macros/names.hpp>

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

/* ---- All of one form, by C's headers ---- */

#include <ad/macros/functions.hpp>

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

/** int64 if all numbers are integers, else float64. */
template <class... T, std::enable_if_t<(std::is_arithmetic_v<T> && ...), int> = 0> array arange(T... numbers)
{
    static_assert(sizeof...(T) >= 1 && sizeof...(T) <= 3, "ad::arange takes one to three numbers");
    const ad_number list[] = { ad_number{ std::is_integral_v<T>, std::is_integral_v<T> ? static_cast<int64_t>(numbers) : 0, static_cast<double>(numbers) }... };
    return detail::made<array>([&] { return ad_arange_from(list, sizeof...(T)); });
}

/* ---- ad/shape.h ---- */

AD_F_(array, expand_dims, (const operand &x, int axis), ad_expand_dims(x.get(), axis))
AD_F_(array, expand_dims, (const operand &x, const integers &axes), ad_expand_dims_axes(x.get(), axes))
AD_F_(array, moveaxis, (const operand &x, int source, int destination), ad_moveaxis(x.get(), source, destination))
AD_F_(array, moveaxis, (const operand &x, const integers &sources, const integers &destinations), ad_moveaxis_axes(x.get(), sources, destinations))
AD_F_(array, flatten, (const tree &t), ad_flatten(t.get()))
AD_F_(tree, unflatten, (const tree &t, const operand &vector), ad_unflatten(t.get(), vector.get()))

/* ---- ad/index.h ----
 *
 * An index is a string as in C, or a list: ad::at(x, "0, 1:3"), ad::at(x, { 0, ad::slice(1, n) }). */

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

inline array array::operator[](const index_list &index) const { return at(*this, index); }
template <class Index> array array::operator[](const Index &index) const
{
    if constexpr (std::is_convertible_v<const Index &, std::string>)
        return at(*this, std::string(index));
    else
        return at(*this, index_list(index));
}

/* ---- ad/product.h ---- */

template <class... T> array einsum(const std::string &subscripts, const T &...operands)
{
    return detail::made<array>([&] {
        ad_array *const list[] = { operand(operands).get()... };
        return ad_einsum_from(subscripts.c_str(), list, sizeof...(T));
    });
}

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
