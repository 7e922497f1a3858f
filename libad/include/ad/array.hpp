/* Arrays, trees, numbers, shapes, indices and errors as C++ values. See ad.hpp. */
#ifndef AD_ARRAY_HPP
#define AD_ARRAY_HPP

#include <ad/ad.h>
#include <complex>
#include <cstdlib>
#include <exception>
#include <initializer_list>
#include <memory>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace ad {

/** What a failing function throws: the sentence is what(). */
class error : public std::runtime_error {
public:
    error(ad_code code, const std::string &sentence) : std::runtime_error(sentence), code_(code) {}
    ad_code code() const noexcept { return code_; }

private:
    ad_code code_;
};

/** A scope of C's, for code that calls the C functions directly: what they make inside goes with it. */
class scope {
public:
    scope() noexcept : scope_(ad_scope_open()) {}
    ~scope() { ad_scope_close(scope_); }
    scope(const scope &) = delete;
    scope &operator=(const scope &) = delete;

private:
    ad_scope scope_;
};

class array;
class index_list;

namespace detail {

/* The exception that left a differentiated function, on its way through the engine as an error with this sentence. */
struct failure {
    std::exception_ptr exception;
    std::string sentence;
};
inline thread_local failure passing;

/* Throws what was recorded, and forgets it: the exception itself if one is on its way. */
[[noreturn]] inline void throw_recorded()
{
    ad_code code = ad_error_code();
    std::string sentence = ad_failed() ? ad_error_message() : "an empty ad::array or ad::tree is used";
    ad_clear_error();
    std::exception_ptr exception = std::exchange(passing.exception, nullptr);
    if (exception && passing.sentence == sentence)
        std::rethrow_exception(exception);
    throw error(code == AD_OK ? AD_ERROR_VALUE : code, sentence);
}

/* A result that tells nothing of success. */
template <class T> T checked(T result)
{
    if (ad_failed())
        throw_recorded();
    return result;
}

inline ad_array *retained(ad_array *x) noexcept { return ad_retain(x); }
inline ad_tree *retained(ad_tree *x) noexcept { return ad_tree_retain(x); }
inline void released(ad_array *x) noexcept { ad_release(x); }
inline void released(ad_tree *x) noexcept { ad_tree_release(x); }

/* A counted reference to an array or a tree of C's. */
template <class C> class handle {
public:
    using c_type = C;

    handle() = default;
    /** Takes a reference to what a C function gave. Throws if that is NULL. */
    explicit handle(C *x) : pointer_(retained(x))
    {
        if (!x)
            throw_recorded();
    }
    handle(const handle &other) noexcept : pointer_(retained(other.pointer_)) {}
    handle(handle &&other) noexcept : pointer_(std::exchange(other.pointer_, nullptr)) {}
    handle &operator=(handle other) noexcept
    {
        std::swap(pointer_, other.pointer_);
        return *this;
    }
    ~handle() { released(pointer_); }

    /** For C functions; valid as long as this value. NULL for an empty one. */
    C *get() const noexcept { return pointer_; }
    /** Whether there is something. */
    explicit operator bool() const noexcept { return pointer_; }

private:
    C *pointer_ = nullptr;
};

/* The result of a C function, without what else it made. */
template <class Result, class Make> Result made(Make make)
{
    scope inner;
    return Result(make());
}

} // namespace detail

/** An immutable array. A copy is another reference to it. */
class array : public detail::handle<ad_array> {
public:
    using handle::handle;
    array() = default;
    /** A 0-d float64 array. In arithmetic and as operands numbers need not become arrays: x + 1. */
    array(double value) : array(detail::made<array>([&] { return ad_scalar(value); })) {}

    /** The value of an array of one element. */
    double item() const { return detail::checked(ad_item(get())); }
    int64_t item_int() const { return detail::checked(ad_item_int(get())); }
    std::complex<double> item_complex() const
    {
        ad_complex value = detail::checked(ad_item_complex(get()));
        return { value.real, value.imag };
    }
    explicit operator double() const { return item(); }

    ad_shape shape() const noexcept { return ad_shape_of(get()); }
    int ndim() const noexcept { return ad_ndim(get()); }
    int64_t dim(int axis) const { return detail::checked(ad_dim(get(), axis)); }
    int64_t size() const noexcept { return ad_size(get()); }
    ad_dtype dtype() const noexcept { return ad_dtype_of(get()); }

    /** The elements in C order as doubles, real parts of complex ones. */
    std::vector<double> to_vector() const
    {
        std::vector<double> values(static_cast<size_t>(size()));
        if (!ad_copy_to(get(), values.data(), size()))
            detail::throw_recorded();
        return values;
    }

    /** A part, x[...] of NumPy: x[0], x["1:3, ::-1"], x[ad::slice(1, n)], x[rows], x[{ 0, ad::slice(1, n) }]. */
    template <class Index> array operator[](const Index &index) const;
    array operator[](const index_list &index) const;
};

/** An operand: an array or a C++ number, which is weakly typed as in C, or nullptr where NULL is allowed. */
class operand {
public:
    operand(const array &x) noexcept : array_(x.get()) {}
    operand(ad_array *x) noexcept : array_(x) {}
    operand(std::nullptr_t) noexcept {}
    template <class T, std::enable_if_t<std::is_arithmetic_v<T> || std::is_enum_v<T>, int> = 0> operand(T value) noexcept
    {
        if constexpr (std::is_floating_point_v<T>)
            kind_ = real, real_ = static_cast<double>(value);
        else if constexpr (std::is_unsigned_v<T>)
            kind_ = whole, whole_ = static_cast<uint64_t>(value);
        else
            kind_ = integer, integer_ = static_cast<int64_t>(value);
    }
    template <class T> operand(std::complex<T> value) noexcept : kind_(complex), real_(value.real()), imag_(value.imag()) {}

    /** The array; a number becomes one, in the innermost scope. */
    ad_array *get() const
    {
        switch (kind_) {
        case real: return ad_weak_real(real_);
        case complex: return ad_weak_complex({ real_, imag_ });
        case integer: return ad_weak_integer(integer_);
        case whole: return ad_weak_unsigned(whole_);
        default: return array_;
        }
    }

private:
    enum { given, real, complex, integer, whole } kind_ = given;
    ad_array *array_ = nullptr;
    double real_ = 0, imag_ = 0;
    int64_t integer_ = 0;
    uint64_t whole_ = 0;
};

/** Integers in a row: a shape { 2, 3 }, a list of axes { 0, -1 }. */
class integers {
public:
    integers(std::initializer_list<int64_t> list) : integers(list.begin(), list.end()) {}
    integers(const std::vector<int64_t> &list) : integers(list.data(), list.data() + list.size()) {}
    integers(const ad_shape &shape) noexcept : shape_(shape) {}
    operator ad_shape() const noexcept { return shape_; }
    operator ad_axes() const noexcept
    {
        ad_axes axes = {};
        axes.count = shape_.ndim;
        for (int i = 0; i < shape_.ndim; i++)
            axes.axis[i] = static_cast<int>(shape_.dim[i]);
        return axes;
    }

private:
    integers(const int64_t *first, const int64_t *last)
    {
        if (last - first > AD_MAX_NDIM)
            throw error(AD_ERROR_SHAPE, "ad: " + std::to_string(last - first) + " axes are more than " + std::to_string(int(AD_MAX_NDIM)));
        for (; first < last; first++)
            shape_.dim[shape_.ndim++] = *first;
    }
    ad_shape shape_ = {};
};

/** start:stop:step of an index; an end that is not given is {}. */
struct slice {
    std::optional<int64_t> start, stop;
    int64_t step;
    slice(std::optional<int64_t> from = {}, std::optional<int64_t> to = {}, int64_t by = 1) : start(from), stop(to), step(by) {}
};
struct new_axis_type {};
struct ellipsis_type {};
/** A new axis of length 1, and as many full slices as are missing. */
inline constexpr new_axis_type newaxis{};
inline constexpr ellipsis_type ellipsis{};

/** One entry of an index: an integer, a slice, newaxis, ellipsis, an array of integers or bools. */
class index {
public:
    template <class T, std::enable_if_t<std::is_integral_v<T>, int> = 0> index(T i) : entry_{ AD_INDEX_INTEGER, static_cast<int64_t>(i), 0, 0, nullptr } {}
    index(const slice &s) : entry_{ AD_INDEX_SLICE, s.start.value_or(AD_NO_INDEX), s.stop.value_or(AD_NO_INDEX), s.step, nullptr } {}
    index(new_axis_type) : entry_{ AD_INDEX_NEW, 0, 0, 0, nullptr } {}
    index(ellipsis_type) : entry_{ AD_INDEX_REST, 0, 0, 0, nullptr } {}
    index(const array &places) : entry_{ AD_INDEX_ARRAY, 0, 0, 0, places.get() }, places_(places) {}
    const ad_index &get() const noexcept { return entry_; }

private:
    ad_index entry_;
    array places_;
};

/** Entries of an index, one for each axis: { 0, ad::slice(1, n) }. */
class index_list {
public:
    index_list(std::initializer_list<index> entries) : index_list(entries.begin(), entries.size()) {}
    template <class Index, std::enable_if_t<std::is_convertible_v<const Index &, index>, int> = 0> index_list(const Index &entry) : index_list({ index(entry) })
    {
    }
    operator const ad_index_list &() const noexcept { return list_; }

private:
    index_list(const index *entries, size_t count) : kept_(entries, entries + count)
    {
        if (count > sizeof list_.index / sizeof *list_.index)
            throw error(AD_ERROR_INDEX, "ad: an index of " + std::to_string(count) + " entries is too long");
        for (const index &entry : kept_)
            list_.index[list_.count++] = entry.get();
    }
    std::vector<index> kept_;
    ad_index_list list_ = {};
};

class tree;

/** What an entry of a tree is given as: an array, a tree or a number. */
class item {
public:
    item(const array &x) : array_(x) {}
    item(const tree &t);
    template <class T, std::enable_if_t<std::is_arithmetic_v<T>, int> = 0>
    item(T value) : array_(detail::made<array>([&] { return ad_asarray(operand(value).get()); }))
    {
    }
    ad_tree_item get() const noexcept
    {
        return tree_ ? ad_tree_item{ ad_tree_item::AD_ITEM_TREE, tree_.get() } : ad_tree_item{ ad_tree_item::AD_ITEM_ARRAY, array_.get() };
    }

private:
    array array_;
    detail::handle<ad_tree> tree_;
};

/** A name and what it names. */
struct entry {
    std::string name;
    item value;
};

/** An ordered, immutable container of arrays and trees. A copy is another reference to it. */
class tree : public detail::handle<ad_tree> {
public:
    using handle::handle;
    tree() = default;
    /** By name: ad::tree{ { "W", W }, { "b", b } }. */
    tree(std::initializer_list<entry> entries)
        : tree(detail::made<tree>([&] {
              std::vector<ad_tree_item> items;
              for (const entry &e : entries) {
                  items.push_back({ ad_tree_item::AD_ITEM_NAME, e.name.c_str() });
                  items.push_back(e.value.get());
              }
              return ad_tree_from(items.data(), static_cast<int>(items.size()));
          }))
    {
    }
    /** The array at a path, "layers/0/W", and the tree. */
    array operator[](const std::string &path) const { return detail::made<array>([&] { return ad_tree_get(get(), path.c_str()); }); }
    tree sub(const std::string &path) const { return detail::made<tree>([&] { return ad_tree_sub(get(), path.c_str()); }); }
    bool has(const std::string &path) const { return ad_tree_has(get(), path.c_str()); }
    /** A new tree with another array or tree there. */
    tree set(const std::string &path, const array &x) const
    {
        return detail::made<tree>([&] { return ad_tree_set(get(), path.c_str(), x.get()); });
    }
    tree set(const std::string &path, const tree &t) const
    {
        return detail::made<tree>([&] { return ad_tree_set_tree(get(), path.c_str(), t.get()); });
    }

    /** Entries of the tree itself, their names, and those that are arrays or trees. */
    int count() const noexcept { return ad_tree_count(get()); }
    std::string name(int i) const
    {
        const char *name = ad_tree_name(get(), i);
        return name ? name : (detail::throw_recorded(), "");
    }
    array array_at(int i) const { return detail::made<array>([&] { return ad_tree_array_at(get(), i); }); }
    tree tree_at(int i) const { return detail::made<tree>([&] { return ad_tree_tree_at(get(), i); }); }

    /** All arrays, depth first, and a tree of this structure with others. */
    std::vector<array> leaves() const
    {
        scope inner;
        std::vector<ad_array *> pointers(static_cast<size_t>(ad_tree_leaf_count(get())));
        ad_tree_leaves(get(), pointers.data(), static_cast<int>(pointers.size()));
        return std::vector<array>(pointers.begin(), pointers.end());
    }
    tree with_leaves(const std::vector<array> &leaves) const
    {
        if (leaves.size() != static_cast<size_t>(ad_tree_leaf_count(get())))
            throw error(AD_ERROR_SHAPE, "ad::tree::with_leaves: " + std::to_string(leaves.size()) + " arrays for a tree of another number of leaves");
        std::vector<ad_array *> pointers;
        for (const array &leaf : leaves)
            pointers.push_back(leaf.get());
        return detail::made<tree>([&] { return ad_tree_with_leaves(get(), pointers.data()); });
    }
    /** f of every leaf. */
    template <class F> tree map(F f) const
    {
        std::vector<array> mapped = leaves();
        for (array &leaf : mapped)
            leaf = f(leaf);
        return with_leaves(mapped);
    }
    /** f of the path of every leaf, "layers/0/W", and the leaf. */
    template <class F> tree map_with_path(F f) const
    {
        std::vector<std::string> paths;
        detail::made<tree>([&] {
            return ad_tree_map_with_path(
                [](const char *path, ad_array *leaf, void *list) {
                    static_cast<std::vector<std::string> *>(list)->push_back(path);
                    return leaf;
                },
                get(), &paths);
        });
        std::vector<array> mapped = leaves();
        for (size_t i = 0; i < mapped.size(); i++)
            mapped[i] = f(paths[i], mapped[i]);
        return with_leaves(mapped);
    }
    template <class F> tree map(F f, const tree &other) const
    {
        if (!ad_tree_same_structure(get(), other.get()))
            throw error(AD_ERROR_SHAPE, "ad::tree::map: trees of different structure");
        std::vector<array> mapped = leaves(), others = other.leaves();
        for (size_t i = 0; i < mapped.size(); i++)
            mapped[i] = f(mapped[i], others[i]);
        return with_leaves(mapped);
    }
};

/** A tree by position: ad::list{ a, b }, or of a vector of arrays. Functions that take several arrays take { a, b }. */
class list : public tree {
public:
    list(std::initializer_list<item> items) : tree(of(items)) {}
    list(const std::vector<array> &items) : tree(of(items)) {}
    list(const tree &t) : tree(t) {}

private:
    template <class Items> static tree of(const Items &values)
    {
        return detail::made<tree>([&] {
            std::vector<ad_tree_item> items;
            for (const auto &value : values)
                items.push_back(item(value).get());
            return ad_list_from(items.data(), static_cast<int>(items.size()));
        });
    }
};

inline item::item(const tree &t) : tree_(t) {}

inline std::ostream &operator<<(std::ostream &stream, const array &x)
{
    std::unique_ptr<char, void (*)(void *)> text(ad_tostring(x.get()), std::free);
    if (!text)
        detail::throw_recorded();
    return stream << text.get();
}

} // namespace ad

#endif
