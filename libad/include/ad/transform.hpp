/* Derivatives of anything that can be called: lambdas, also capturing and generic ones, function objects, functions of
 * C++ and of C. See ad.hpp.
 *
 * A transformation takes a function and gives a function object. What is in its calls an ad::array or an ad::tree goes
 * through libad; all other arguments are handed on as they are. Argument numbers count all of them, and a number given
 * for a differentiated argument is a float64 array.
 *
 * Underneath, a call describes the function to C as one that takes the arrays and a pointer to a frame: the function
 * object and the other arguments. Exceptions wait in the frame's thread while the engine unwinds (detail::passing). */
#ifndef AD_TRANSFORM_HPP
#define AD_TRANSFORM_HPP

#include <ad/functions.hpp>
#include <array>
#include <tuple>

namespace ad {

namespace detail {

template <class T> using bare = std::remove_cv_t<std::remove_reference_t<T>>;
template <class T> inline constexpr bool is_tree = std::is_base_of_v<tree, bare<T>>;
template <class T> inline constexpr bool is_traced = is_tree<T> || std::is_same_v<bare<T>, array>;

/* How a frame holds an argument: arrays and trees as such, the others by reference; in a frame that outlives the call
 * all by value. */
template <bool Differentiated, class T>
using argument = std::conditional_t<is_tree<T>, tree, std::conditional_t<is_traced<T> || Differentiated, array, T &>>;
template <class T> using kept = std::conditional_t<is_tree<T>, tree, bare<T>>;

/* What f gives for arguments of these types. A C function takes pointers and gives one. */
inline ad_array *raw(const array &x) { return x.get(); }
inline ad_tree *raw(const tree &x) { return x.get(); }
template <class T> T &raw(T &x) { return x; }

template <class F, class... Args> decltype(auto) invoke(F &f, Args &&...args)
{
    if constexpr (std::is_invocable_v<F &, Args...>)
        return f(std::forward<Args>(args)...);
    else
        return f(raw(args)...);
}

template <class R>
using result = std::conditional_t<std::is_convertible_v<R, tree> || std::is_same_v<R, ad_tree *>, tree, array>;

/* Makes a value that a handle holds belong to the innermost scope, as what C functions return. */
inline ad_array *give(const array &x)
{
    scope inner;
    return ad_escape(x.get());
}
inline ad_tree *give(const tree &x)
{
    scope inner;
    return ad_tree_escape(x.get());
}

/* In a catch block: the exception becomes an error of libad's, so that the engine unwinds. */
inline void record_exception() noexcept
{
    ad_code code = AD_ERROR_USER;
    std::string sentence = "an exception that is not a std::exception";
    try {
        throw;
    } catch (const error &e) {
        code = e.code();
        sentence = e.what();
    } catch (const std::exception &e) {
        sentence = e.what();
    } catch (...) {
    }
    ad_clear_error();
    ad_set_error(code, "%s", sentence.c_str());
    passing = { std::current_exception(), ad_error_message() };
}

/* How f gets an argument that a frame holds. */
template <class Held> using passed = std::conditional_t<is_traced<Held>, const bare<Held> &, std::remove_reference_t<Held> &>;

/* A function and the arguments of one call of it: Held is how the arguments are held. */
template <class F, class... Held> struct frame {
    F f;
    std::tuple<Held...> arguments;

    /* The arguments that go through libad; value_type: what f makes of them. */
    using handle_tuple = decltype(std::tuple_cat(std::declval<std::conditional_t<is_traced<Held>, std::tuple<bare<Held>>, std::tuple<>>>()...));
    using value_type = result<bare<decltype(invoke(std::declval<std::remove_reference_t<F> &>(), std::declval<passed<Held>>()...))>>;

    static constexpr std::array<bool, sizeof...(Held)> traced = { is_traced<Held>... };

    /* The number of an argument among those that go through libad, and back. */
    static constexpr size_t rank(size_t argument)
    {
        size_t count = 0;
        for (size_t i = 0; i < argument; i++)
            count += traced[i];
        return count;
    }
    static constexpr size_t position(size_t rank)
    {
        size_t i = 0;
        while (!traced[i] || rank-- > 0)
            i++;
        return i;
    }
    template <size_t Rank> using traced_type = std::tuple_element_t<Rank, handle_tuple>;

    template <size_t I> decltype(auto) argument_of(handle_tuple &arrays)
    {
        if constexpr (traced[I])
            return std::as_const(std::get<rank(I)>(arrays));
        else
            return (std::get<I>(arguments));
    }
    template <size_t... I> decltype(auto) call(handle_tuple &arrays, std::index_sequence<I...>) { return invoke(f, argument_of<I>(arrays)...); }
    decltype(auto) call(handle_tuple &arrays) { return call(arrays, std::index_sequence_for<Held...>()); }

    template <size_t... Rank> handle_tuple handles(std::index_sequence<Rank...>) const { return handle_tuple(std::get<position(Rank)>(arguments)...); }
    handle_tuple handles() const { return handles(std::make_index_sequence<std::tuple_size_v<handle_tuple>>()); }
};

/* What C sees of a frame: a function of its arrays, and of the frame as a pointer or in an array (see kept_frame). */
template <class Frame, class Context, class Handles> struct entry;
template <class Frame, class Context, class... T> struct entry<Frame, Context, std::tuple<T...>> {
    using value_type = typename Frame::value_type;

    static Frame &frame_in(void *context) { return *static_cast<Frame *>(context); }
    static Frame &frame_in(ad_array *context) { return **static_cast<Frame *const *>(ad_data(context)); }

    static typename value_type::c_type *call(typename T::c_type *...x, Context *context) noexcept
    {
        try {
            std::tuple<T...> arrays(T{ x }...);
            return give(value_type(frame_in(context).call(arrays)));
        } catch (...) {
            record_exception();
            return nullptr;
        }
    }

    static ad_fn *function()
    {
        std::string signature = is_tree<value_type> ? "t(" : "a(";
        ((signature += is_tree<T> ? "t," : "a,"), ...);
        signature += std::is_same_v<Context, ad_array> ? "a)" : "p)";
        return ad_function_of(reinterpret_cast<void (*)()>(&call), signature.c_str());
    }
};

template <class Frame, class Context> ad_fn *function_of() { return entry<Frame, Context, typename Frame::handle_tuple>::function(); }

/* Calls a function of C's that is made of a frame: its arrays, the frame, and what the transformation adds. */
template <class Result, class Frame, class... Added> Result call_c(ad_fn *fn, const Frame &frame, Added... added)
{
    return std::apply([&](const auto &...x) { return Result(static_cast<typename Result::c_type *>(ad_call(fn, x.get()..., &frame, added...))); },
        frame.handles());
}

/* The frame of one call of f; argument number N is differentiated. */
template <int N, class F, size_t... I, class... Args> auto frame_of(F &f, std::index_sequence<I...>, Args &...args)
{
    static_assert(N < int(sizeof...(Args)), "ad: the function is called without the argument that is differentiated");
    using frame_type = frame<F &, argument<int(I) == N, Args>...>;
    return frame_type{ f, { argument<int(I) == N, Args>(args)... } };
}
template <int N, class F, class... Args> auto frame_of(F &f, Args &...args) { return frame_of<N>(f, std::index_sequence_for<Args...>(), args...); }

/* A function object whose call makes a frame and hands it to Call. */
template <int N, class F, class Call> auto transformed(F f, Call call)
{
    return [f = std::move(f), call](auto &&...args) mutable {
        scope inner;
        return call(frame_of<N>(f, args...));
    };
}

/* The same where the last argument is an addition of the transformation. */
template <class F, class Call, size_t... I, class... Args> auto call_with_added(F &f, Call &call, std::index_sequence<I...>, std::tuple<Args &...> args)
{
    return call(frame_of<0>(f, std::get<I>(args)...), std::get<sizeof...(I)>(args));
}
template <class F, class Call> auto transformed_with_added(F f, Call call)
{
    return [f = std::move(f), call](auto &&...args) mutable {
        static_assert(sizeof...(args) >= 2, "ad: this function takes the function's arguments and one more");
        scope inner;
        return call_with_added(f, call, std::make_index_sequence<sizeof...(args) - 1>(), std::tie(args...));
    };
}

template <class Frame, int N> using type_of_argument = typename Frame::template traced_type<Frame::rank(N)>;

} // namespace detail

/* ---- Derivatives ---- */

/** The gradient of a function with a scalar result in one argument, the first or ad::grad<1>(f). It is an array or tree
 * like that argument. */
template <int N = 0, class F> auto grad(F f)
{
    return detail::transformed<N>(std::move(f), [](const auto &frame) {
        using frame_type = detail::bare<decltype(frame)>;
        ad_fn *fn = ad_grad_fn(detail::function_of<frame_type, void>(), int(frame_type::rank(N)));
        return detail::call_c<detail::type_of_argument<frame_type, N>>(fn, frame);
    });
}

/** Value and gradient: auto [value, gradient] = ad::value_and_grad(f)(x). */
template <int N = 0, class F> auto value_and_grad(F f)
{
    return detail::transformed<N>(std::move(f), [](const auto &frame) {
        using frame_type = detail::bare<decltype(frame)>;
        using gradient_type = detail::type_of_argument<frame_type, N>;
        typename gradient_type::c_type *gradient = nullptr;
        ad_fn *fn = ad_value_and_grad_fn(detail::function_of<frame_type, void>(), int(frame_type::rank(N)));
        array value = detail::call_c<array>(fn, frame, &gradient);
        return std::pair<array, gradient_type>(value, gradient_type(gradient));
    });
}

/* Transformations of the function alone, as C's of the same name. */
#define AD_SAME_(name, Result)                                                                                         \
    template <class F> auto name(F f)                                                                                  \
    {                                                                                                                  \
        return detail::transformed<0>(std::move(f), [](const auto &frame) {                                            \
            using frame_type = detail::bare<decltype(frame)>;                                                          \
            return detail::call_c<Result>(ad_##name##_fn(detail::function_of<frame_type, void>()), frame);             \
        });                                                                                                            \
    }
AD_SAME_(elementwise_grad, array)
AD_SAME_(deriv, typename frame_type::value_type)
AD_SAME_(jacobian, array)
AD_SAME_(hessian, array)
AD_SAME_(holomorphic_grad, array)
AD_SAME_(grad_and_aux, tree)
AD_SAME_(checkpoint, typename frame_type::value_type)
#undef AD_SAME_

/* And those whose last argument is a vector or tensor: ad::hvp(f)(x, ..., v). */
#define AD_ADDED_(name, ...)                                                                                           \
    {                                                                                                                  \
        return detail::transformed_with_added(std::move(f), [](const auto &frame, const auto &added) {                 \
            using frame_type = detail::bare<decltype(frame)>;                                                          \
            using argument_type = detail::type_of_argument<frame_type, 0>;                                             \
            return detail::call_c<argument_type>(__VA_ARGS__, frame, argument_type(added).get());                      \
        });                                                                                                            \
    }
template <class F> auto hvp(F f) AD_ADDED_(hvp, ad_hvp_fn(detail::function_of<frame_type, void>()))
template <class F> auto tensor_jacobian_product(F f) AD_ADDED_(tensor, ad_tensor_jacobian_product_fn(detail::function_of<frame_type, void>()))
template <class F> auto hessian_vector_product(F f) AD_ADDED_(hessian, ad_hessian_vector_product_fn(detail::function_of<frame_type, void>()))
/** With half the sum of squares as outer function. */
template <class F> auto ggnvp(F f) AD_ADDED_(ggnvp, ad_ggnvp_fn(detail::function_of<frame_type, void>(), nullptr))
#undef AD_ADDED_

/** Value and directional derivative in the first argument: auto [y, t] = ad::jvp(f)(x, ..., v). */
template <class F> auto jvp(F f)
{
    return detail::transformed_with_added(std::move(f), [](const auto &frame, const auto &added) {
        using frame_type = detail::bare<decltype(frame)>;
        using value_type = typename frame_type::value_type;
        detail::type_of_argument<frame_type, 0> direction(added);
        typename value_type::c_type *tangent = nullptr;
        value_type value(std::apply(
            [&](const auto &...x) {
                return static_cast<typename value_type::c_type *>(
                    ad_jvp_of(detail::function_of<frame_type, void>(), x.get()..., &frame, direction.get(), &tangent));
            },
            frame.handles()));
        return std::pair<value_type, value_type>(value, value_type(tangent));
    });
}

/** The linear map from cotangents of a value to cotangents of the first argument. Called any number of times, in the
 * thread that made it. */
template <class Argument, class Value> class pullback {
public:
    explicit pullback(ad_pullback *pull) : pull_(pull, ad_vjp_free) {}
    Argument operator()(const Value &cotangent) const
    {
        return detail::made<Argument>([&] { return static_cast<typename Argument::c_type *>(ad_vjp_apply_any(pull_.get(), cotangent.get())); });
    }

private:
    std::unique_ptr<ad_pullback, void (*)(ad_pullback *)> pull_;
};

/** Value and pullback: auto [y, pull] = ad::vjp(f)(x, ...), then pull(ybar). */
template <class F> auto vjp(F f)
{
    return detail::transformed<0>(std::move(f), [](const auto &frame) {
        using frame_type = detail::bare<decltype(frame)>;
        using value_type = typename frame_type::value_type;
        using pull_type = pullback<detail::type_of_argument<frame_type, 0>, value_type>;
        ad_pullback *pull = nullptr;
        auto *y = static_cast<typename value_type::c_type *>(std::apply(
            [&](const auto &...x) { return ad_vjp_of(detail::function_of<frame_type, void>(), x.get()..., &frame, &pull); }, frame.handles()));
        pull_type owned(pull);
        return std::pair<value_type, pull_type>(value_type(y), std::move(owned));
    });
}

/** Compares derivatives with differences, ad::check_grads(f, order = 2)(x, ...); throws an ad::error that shows both
 * numbers where they differ. */
template <class F, class... Named> auto check_grads(F f, const Named &...named)
{
    return detail::transformed<0>(std::move(f), [=](const auto &frame) {
        ad_check_options options = detail::with(detail::check_defaults(), named...);
        std::apply(
            [&](const auto &...x) {
                const void *arguments[] = { x.get()..., &frame };
                for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++)
                    options.arguments[i] = arguments[i];
            },
            frame.handles());
        if (!ad_check_grads_with(detail::function_of<detail::bare<decltype(frame)>, void>(), options))
            detail::throw_recorded();
    });
}

/* ---- A function that is called again after it has returned, when the fixed point is differentiated ---- */

namespace detail {

/* An array that owns a frame: an argument like the others, so it is there as long as the engine may call the function
 * again. */
template <class Frame> array kept_frame(Frame frame)
{
    struct cell {
        Frame *pointer;
        Frame frame;
    };
    auto owned = std::make_unique<cell>(cell{ nullptr, std::move(frame) });
    owned->pointer = &owned->frame;
    array kept = made<array>([&] {
        return ad_wrap(AD_U8, &owned->pointer, integers{ int64_t(sizeof owned->pointer) }, [](void *c) { delete static_cast<cell *>(c); }, owned.get());
    });
    owned.release();
    return kept;
}

/* The frame of a call with copies of f and all arguments, in an array; give the C function and its arguments to
 * `call`. */
template <class F, class Call, class... Args> auto call_kept(const F &f, Call call, Args &...args)
{
    using frame_type = frame<F, kept<Args>...>;
    frame_type first{ f, { kept<Args>(args)... } };
    auto handles = first.handles();
    array context = kept_frame(std::move(first));
    return std::apply(
        [&](const auto &...x) {
            using value_type = typename frame_type::value_type;
            return value_type(static_cast<typename value_type::c_type *>(call(function_of<frame_type, ad_array>(), x.get()..., context.get())));
        },
        handles);
}

} // namespace detail

/** x = f(x, a, ...) by iteration from x0, differentiable in a, ... : ad::fixed_point(f, x0, a, ...). What f captures is
 * constant; f is copied, so a lambda captures by value. */
template <class F, class... Args> auto fixed_point(const F &f, const Args &...args)
{
    scope inner;
    return detail::call_kept(f, [](ad_fn *fn, auto... x) { return ad_fixed_point_of(fn, x...); }, args...);
}

} // namespace ad

#endif
