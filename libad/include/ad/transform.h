/* Transformations: from a C function to the C function that computes its derivative.
 *
 * Each macro takes a function pointer and gives back one of the same family, which can be called, passed on and
 * transformed again. The pointer is memoised and valid as long as the thread that made it. What a transformation adds
 * to the argument list comes last. Values that the function closes over are differentiated correctly, to any order, in
 * both modes. While an error is set no derivative is taken: the result is NULL.
 *
 * A transformation never gives NULL. A NULL function, an argument number out of range, a signature that does not fit
 * and lack of memory are errors like all others. The transformation then gives a function of the same type that returns
 * NULL. So ad_grad(f)(x) in one expression is safe, and its error is seen at the end. Such a function sets the place of
 * a second result to NULL (ad_value_and_grad). Called after ad_clear_error, it sets its error again. What is made of it
 * fails with the same error.
 *
 * A function whose type has no row in ad/signature.h does not compile. Describe it: ad_grad(ad_function(f, "a(a,i)")).
 * A surplus argument does not compile either.
 *
 * Complex: the gradient of a real-valued function f(x + iy) is df/dx - i df/dy, as in autograd and JAX. */
#ifndef AD_TRANSFORM_H
#define AD_TRANSFORM_H

#include <ad/array.h>
#include <ad/each.h>
#include <ad/signature.h>
#include <ad/tree.h>

AD_BEGIN_DECLS

/** The most arguments of a function, including those that a transformation adds. */
enum { AD_MAX_ARGUMENTS = 16 };

/** A function with a signature. It is opaque, immutable and memoised, and lives as long as the thread that made it. */
typedef struct ad_fn ad_fn;

/** Describes a C function whose type the macros do not know. Never NULL: for a NULL pointer, or a signature that cannot
 * be read, it is a failed function, which returns NULL when it is called.
 *
 * @param pointer    the function
 * @param signature  "a(a,t,p,i,l,d)": the result (a array, t tree), then the arguments (p pointer, i int, l int64_t, d
 *                   double) */
AD_API ad_fn *ad_function_of(void (*pointer)(void), const char *signature);

/** Describes a C function that gets a context as its last argument. The context is a p of its signature, and not an
 * argument of the ad_fn: with "a(a,p)" the ad_fn is a function of one array. It is for closures of other languages. A
 * program in C passes its context with every call.
 *
 * @param release  called with context when the thread ends; may be NULL
 * The same pointer, signature and context give the same ad_fn, which is kept until the thread ends. Where there are
 * many contexts, pass them with the calls.
 * Errors: as ad_function_of; a signature without a p at its end, or with nothing else. release is not called then. */
AD_API ad_fn *ad_function_with_context(void (*pointer)(void), const char *signature, void *context, void (*release)(void *context));

/* The same for what a transformation is asked for. The error of a NULL pointer waits for the transformation's name. */
AD_API ad_fn *ad_fn_of_(void (*pointer)(void), const char *signature);

/** Calls a function with arguments of exactly the types of its signature. Gives an ad_array * or an ad_tree *. */
AD_API void *ad_call(ad_fn *fn, ...);

/** A C function of any type. */
typedef void (*ad_function_pointer)(void);

/** A plain C function pointer for a function with a signature. Never NULL: for NULL, or without memory, it is a
 * function that returns NULL. */
AD_API ad_function_pointer ad_fn_pointer(ad_fn *fn);

/* The transformations of functions with a signature, for other languages and under the macros below, which say what
 * each computes. In the signatures "..." is whatever else the function takes. What they call errors they set at once.
 * They then give a failed function, never NULL. */

/** a(x, ...) to x(x, ...): the gradient in argument argnum, counted from 0, which is an array or a tree. The result is
 * like that argument. Errors: a result that is not an array; argnum out of range, or an argument of another kind. When
 * called: a result that is not a real scalar. */
AD_API ad_fn *ad_grad_fn(ad_fn *fn, int argnum);
/** a(x, ...) to a(x, ..., p): the value. The gradient goes to the address p, or NULL on failure. Errors: as ad_grad_fn.
 * (If there was no memory to make the function, the place is not written to where it follows a double, or more than
 * five arguments.) */
AD_API ad_fn *ad_value_and_grad_fn(ad_fn *fn, int argnum);
/** a(a, ...) to a(a, ...): the sum over the outputs of their gradients. Errors: trees. When called: a complex result
 * for a real argument. */
AD_API ad_fn *ad_elementwise_grad_fn(ad_fn *fn);
/** a(a, ...) or t(a, ...) to the same signature: the tangent along ones, in the shape of the result. Errors: a tree as
 * first argument. */
AD_API ad_fn *ad_deriv_fn(ad_fn *fn);
/** a(a, ...) to a(a, ...): the result's shape, then the argument's. It takes a pullback for each element of the result.
 * Errors: trees. When called: more than AD_MAX_NDIM axes. */
AD_API ad_fn *ad_jacobian_fn(ad_fn *fn);
/** a(a, ...) to a(a, ...): the Jacobian of the gradient. Errors: as ad_jacobian_fn and ad_grad_fn. */
AD_API ad_fn *ad_hessian_fn(ad_fn *fn);
/** a(a, ...) to a(a, ...): ad_elementwise_grad_fn of a complex argument. Errors: trees. When called: an argument that
 * is not complex. */
AD_API ad_fn *ad_holomorphic_grad_fn(ad_fn *fn);
/** a(x, ...) to x(x, ..., x): the Hessian in the first argument times the last one, which is like the first. Errors: as
 * ad_grad_fn. When called: a direction of another structure or shape. */
AD_API ad_fn *ad_hvp_fn(ad_fn *fn);
/** y(x, ...) to x(x, ..., x): the Gauss-Newton product. outer is a(y), or NULL for half the sum of squares. Errors: an
 * outer of another signature. */
AD_API ad_fn *ad_ggnvp_fn(ad_fn *fn, ad_fn *outer);
/** a(a, ...) to a(a, ..., a): the tensor's other axes, then the argument's. It takes a pullback for each index of the
 * other axes. Errors: trees. When called: a tensor whose leading axes are not those of the result. */
AD_API ad_fn *ad_tensor_jacobian_product_fn(ad_fn *fn);
/** a(a, ...) to a(a, ..., a): ad_tensor_jacobian_product_fn of the gradient. Errors: as there and in ad_grad_fn. */
AD_API ad_fn *ad_hessian_vector_product_fn(ad_fn *fn);
/** t(x, ...) to t(x, ...): the result with the gradient of its first entry in place of that entry. Errors: a result
 * that is not a tree. When called: a first entry that is not a real scalar. */
AD_API ad_fn *ad_grad_and_aux_fn(ad_fn *fn);
/** Any signature to the same. Errors: none but a NULL function. */
AD_API ad_fn *ad_checkpoint_fn(ad_fn *fn);

static inline ad_fn *ad_fn_itself_(ad_fn *fn)
{
    return fn;
}

#ifndef __cplusplus

/* Evaluates a function once, into the variable id, and writes its signature as a string. */
#define AD_LET_FUNCTION_(id, name, f)                                                                                  \
    __auto_type id = (f);                                                                                              \
    __attribute__((unused)) __auto_type id##_signature = AD_SIGNATURE_(id);                                            \
    _Static_assert(!__builtin_types_compatible_p(__typeof__(id##_signature), void *),                                  \
        name ": a function of this type has to be described, as by ad_function(f, \"a(a,i,d)\")")

/* The function in the variable id as an ad_fn. */
#define AD_FN_(id) __extension__ _Generic(id, ad_fn *: id, default: ad_fn_of_((void (*)(void))id, id##_signature))

/* Applies `made` to a function, and gives the result the type of `type`. Compilers print only the name of that. */
#define AD_TRANSFORMED_(id, name, f, type, made)                                                                       \
    __extension__({                                                                                                    \
        AD_LET_FUNCTION_(id, name, f);                                                                                 \
        __attribute__((unused)) __auto_type id##_result = (type);                                                      \
        AD_SITE_(name);                                                                                                \
        (__typeof__(id##_result)) _Generic(id, ad_fn *: ad_fn_itself_, default: ad_fn_pointer)(made);                  \
    })

/** Describes any C function: ad_fn *fn = ad_function(f, "a(a,i,d)"). */
#define ad_function(f, signature)                                                                                      \
    __extension__({                                                                                                    \
        AD_SITE_("ad_function");                                                                                       \
        ad_function_of((void (*)(void))(f), signature);                                                                \
    })

/** ad_grad(f) or ad_grad(f, argnum): the gradient of a scalar function in one argument, by default the first. It has
 * the type of f, but returns what that argument is: an array of its shape and dtype, or a tree of its structure.
 * Reverse mode. */
#define ad_grad(...) AD_NUMBERED_TRANSFORMED_(AD_UNIQUE_, ad_grad, AD_GRAD, AD_COUNT_(__VA_ARGS__), __VA_ARGS__, 0, 0)

/** v = ad_value_and_grad(f)(x, ..., &g): value and gradient from one run. */
#define ad_value_and_grad(...) AD_NUMBERED_TRANSFORMED_(AD_UNIQUE_, ad_value_and_grad, AD_VALUE, AD_COUNT_(__VA_ARGS__), __VA_ARGS__, 0, 0)

/* Transformations in one argument, which may be chosen. */
#define AD_NUMBERED_TRANSFORMED_(id, name, CASE, count, f, n, ...) AD_NUMBERED_TRANSFORMED_1_(id, name, CASE, count, f, n)
#define AD_NUMBERED_TRANSFORMED_1_(id, name, CASE, count, f, n)                                                        \
    __extension__({                                                                                                    \
        _Static_assert((count) <= 2, #name " takes a function and at most one argument number, as " #name "(f, 1)");   \
        AD_TRANSFORMED_(id, #name, f, AD_NUMBERED_TYPE_(CASE, id, n), name##_fn(AD_FN_(id), n));                       \
    })

/* Transformations in the first argument. CASE chooses the type of the result. */
#define AD_FIRST_TRANSFORMED_(name, CASE, ...) AD_FIRST_TRANSFORMED_1_(AD_UNIQUE_, name, CASE, AD_COUNT_(__VA_ARGS__), __VA_ARGS__, 0)
#define AD_FIRST_TRANSFORMED_1_(id, name, CASE, count, f, ...) AD_FIRST_TRANSFORMED_2_(id, name, CASE, count, f)
#define AD_FIRST_TRANSFORMED_2_(id, name, CASE, count, f)                                                              \
    __extension__({                                                                                                    \
        _Static_assert((count) <= 1, #name " takes a function and nothing else; a derivative is that in the first argument"); \
        AD_TRANSFORMED_(id, #name, f, AD_TYPE_OF_(CASE, id), name##_fn(AD_FN_(id)));                                   \
    })

/** Derivative of each element of an elementwise function, real for a real argument: the gradient of the sum of its
 * outputs. */
#define ad_elementwise_grad(...) AD_FIRST_TRANSFORMED_(ad_elementwise_grad, AD_SAME_CASE_, __VA_ARGS__)
/** Derivative by forward mode, in the direction of ones. */
#define ad_deriv(...) AD_FIRST_TRANSFORMED_(ad_deriv, AD_SAME_CASE_, __VA_ARGS__)
/** Jacobian in the first argument: shape of the output, then shape of the argument. Complex if the output is. */
#define ad_jacobian(...) AD_FIRST_TRANSFORMED_(ad_jacobian, AD_SAME_CASE_, __VA_ARGS__)
/** Hessian of a scalar function: shape of the argument twice. */
#define ad_hessian(...) AD_FIRST_TRANSFORMED_(ad_hessian, AD_SAME_CASE_, __VA_ARGS__)
/** Derivative of a holomorphic function of a complex argument, element by element. */
#define ad_holomorphic_grad(...) AD_FIRST_TRANSFORMED_(ad_holomorphic_grad, AD_SAME_CASE_, __VA_ARGS__)
/** f, whose operations are computed again in the reverse sweep instead of being remembered. f itself is called once, in
 * a scope of its own, and may close over anything.
 *
 * What depends on an outer reverse differentiation too is remembered. So values are right in every nesting. Memory is
 * saved where the innermost differentiation is the only reverse one, as in ad_grad, ad_value_and_grad and ad_hvp. In a
 * pullback (ad_vjp, ad_jacobian) everything is remembered. */
#define ad_checkpoint(...) AD_FIRST_TRANSFORMED_(ad_checkpoint, AD_SAME_CASE_, __VA_ARGS__)
/** f returns ad_list_of(value, aux, ...); the result is ad_list_of(gradient, aux, ...). */
#define ad_grad_and_aux(...) AD_FIRST_TRANSFORMED_(ad_grad_and_aux, AD_SAME_CASE_, __VA_ARGS__)

/** h = ad_hvp(f)(x, ..., v): the Hessian of a scalar function times v, by forward over reverse mode. v is like x. */
#define ad_hvp(...) AD_FIRST_TRANSFORMED_(ad_hvp, AD_ALONG_CASE_, __VA_ARGS__)
/** t = ad_tensor_jacobian_product(f)(x, ..., tensor). The leading axes of the tensor are those of f's output, and are
 * contracted with those of the Jacobian. The result has the other axes of the tensor, then those of x. */
#define ad_tensor_jacobian_product(...) AD_FIRST_TRANSFORMED_(ad_tensor_jacobian_product, AD_PULL_CASE_, __VA_ARGS__)
/** h = ad_hessian_vector_product(f)(x, ..., v): the Hessian of a scalar function, contracted with v over the axes of x,
 * which are the leading axes of v. The result has the other axes of v, then those of x. For v like x it is ad_hvp,
 * computed by reverse mode twice. */
#define ad_hessian_vector_product(...) AD_FIRST_TRANSFORMED_(ad_hessian_vector_product, AD_PULL_CASE_, __VA_ARGS__)

/* autograd's other names */
#define ad_vector_jacobian_product ad_tensor_jacobian_product
#define ad_hessian_tensor_product  ad_hessian_vector_product

/** h = ad_ggnvp(f)(x, ..., v) or ad_ggnvp(f, outer)(x, ..., v): the generalised Gauss-Newton product J^T H J v, with H
 * the Hessian of outer at f(x). By default outer is half the sum of squares. Schraudolph (2002). */
#define ad_ggnvp(...) AD_GGNVP_1_(AD_UNIQUE_, AD_COUNT_(__VA_ARGS__), __VA_ARGS__, (ad_fn *)0, 0)
#define AD_GGNVP_1_(id, count, f, outer, ...) AD_GGNVP_2_(id, count, f, outer)
#define AD_GGNVP_2_(id, count, f, outer)                                                                               \
    __extension__({                                                                                                    \
        _Static_assert((count) <= 2, "ad_ggnvp takes a function and at most one outer function");                      \
        AD_LET_FUNCTION_(id##o, "ad_ggnvp", outer);                                                                    \
        AD_TRANSFORMED_(id, "ad_ggnvp", f, AD_TYPE_OF_(AD_ALONG_CASE_, id), ad_ggnvp_fn(AD_FN_(id), AD_FN_(id##o)));   \
    })

#endif

/** The reverse half of a differentiation, which can be kept: the linear map from cotangents of the output to cotangents
 * of the input. */
typedef struct ad_pullback ad_pullback;

/** y = ad_vjp(f, x, ..., &pull): the value, and a pullback in the first argument.
 *
 * On failure NULL and an error, and *pull is NULL. This function stands under the macro of that name. If it is called
 * directly with a NULL fn, it cannot tell where pull is. */
AD_API void *ad_vjp_of(ad_fn *fn, ...);

/** Applies a pullback. This may be done any number of times, under any later trace, in the thread that made it.
 *
 * @param ybar  cotangent of the output, in its shape; for functions that return a tree see ad_vjp_apply_any
 * @return      cotangent of the argument (an array; NULL and an error if the argument is a tree) */
AD_API ad_array *ad_vjp_apply(ad_pullback *pull, ad_array *ybar) AD_NOTED_;

/** Applies a pullback with trees: ybar is an ad_array * or ad_tree * like the output, and the result is like the
 * argument. */
AD_API void *ad_vjp_apply_any(ad_pullback *pull, void *ybar) AD_NOTED_;

/** Frees a pullback, in the thread that made it. NULL is allowed. */
AD_API void ad_vjp_free(ad_pullback *pull);

/** y = ad_jvp(f, x, ..., v, &tangent): the value, and the directional derivative in the first argument along v. The
 * tangent has the shape and dtype of the value. For an integer or bool value it is zero. */
AD_API void *ad_jvp_of(ad_fn *fn, ...);

/** x = ad_fixed_point(f, x0, a, ...): iterates x = f(x, a, ...) from x0 until the largest change is at most 1e-12
 * (float32: 1.2e-7) relative to max(1, |x|). After 10,000 iterations it is an AD_ERROR_NUMERIC. The derivative of f in
 * x must have a spectral radius below 1.
 *
 * Derivatives in a, ... come from the implicit function theorem (Christianson 1994). They are zero in x0. What f closes
 * over must be constant. Arguments are arrays or trees. Errors: an order of derivative above (16 - f's arguments)/3,
 * since each order is a fixed point with three arguments more. */
AD_API void *ad_fixed_point_of(ad_fn *fn, ...);

/* Sets the place for a second result to NULL at the start, since a function that could not be described never sees
 * it. */
static inline void *ad_emptied_(void *place)
{
    if (place)
        __builtin_memset(place, 0, sizeof(void *));
    return place;
}

#ifndef __cplusplus
/* What f returns; void * for an ad_fn, as in ad_call. */
#define AD_RESULT_(f) __typeof__(_Generic((f), AD_SIGNATURES_(AD_RESULT_CASE_) default: (void *)0))

#define ad_vjp(f, ...)         ((AD_RESULT_(f))ad_vjp_of(AD_FN_OF_("ad_vjp", f), AD_LAST_(ad_emptied_, __VA_ARGS__)))
#define ad_jvp(f, ...)         ((AD_RESULT_(f))ad_jvp_of(AD_FN_OF_("ad_jvp", f), AD_LAST_(ad_emptied_, __VA_ARGS__)))
#define ad_fixed_point(f, ...) ((AD_RESULT_(f))ad_fixed_point_of(AD_FN_OF_("ad_fixed_point", f), __VA_ARGS__))

/* The arguments stand outside the statement expression. So a context that is a compound literal lives as long as the
 * block of the call. */
#define AD_FN_OF_(name, f)       AD_FN_OF_1_(AD_UNIQUE_, name, f)
#define AD_FN_OF_1_(id, name, f) AD_FN_OF_2_(id, name, f)
#define AD_FN_OF_2_(id, name, f)                                                                                       \
    __extension__({                                                                                                    \
        AD_LET_FUNCTION_(id, name, f);                                                                                 \
        AD_SITE_(name);                                                                                                \
        AD_FN_(id);                                                                                                    \
    })
#endif

/** x as a constant: no derivative passes through it. */
AD_API ad_array *ad_stop_gradient(ad_array *x);

/** Whether x depends on the input of a differentiation that is running. */
AD_API bool ad_is_traced(const ad_array *x);

/** Whether a differentiation is running in this thread, so that arrays that the thread reaches may depend on its input.
 * It is false while a primitive's eval or view runs. */
AD_API bool ad_is_differentiating(void);

enum { AD_REV = 1, AD_FWD = 2 };

/** What ad_check_grads compares, and how closely. Begin with AD_CHECK_DEFAULTS. */
typedef struct ad_check_options {
    int order;                               /**< = 2: highest order of derivative */
    unsigned modes;                          /**< = AD_REV | AD_FWD: AD_REV, AD_FWD or both, in every nesting */
    double tolerance;                        /**< = 1e-6: relative to the derivative; the measured error of the differences is added */
    double step;                             /**< of the differences, relative to each element; default 0: the fifth root of the rounding unit. If it does
                                                  not serve, as near a kink, others are tried */
    uint64_t seed;                           /**< = 1: of the random directions */
    double numbers[AD_MAX_ARGUMENTS];        /**< the i, l and d arguments of an ad_fn, in order: .numbers = { 3, 0.5 } */
    const void *arguments[AD_MAX_ARGUMENTS]; /**< x, ...: the others, in order: each an array, a tree or a pointer */
} ad_check_options;

/** ad_check_grads(f, x, ..., .order = 2, .modes = AD_REV | AD_FWD): compares derivatives in all float arguments with
 * central differences in random directions, and the two modes with each other. True, or false with an error that shows
 * both numbers.
 *
 * Operands and results of every size count alike. The error of the differences is measured, from how well their values
 * at shrinking steps agree, so rounding inside f is not taken for a fault. The modes have to agree to 1e-4 of the
 * tolerance, or within 64 rounding units of the lowest float dtype of arguments and result, or within that error. From
 * order 2 on a rule is also found wrong if it depends on its tangent or cotangent in a wrong way.
 *
 * A kink or a tie near the point is not crossed. At a kink itself there is nothing to compare, and the error says so,
 * unless the derivative is the mean of both sides. For a function that is piecewise constant the error says that. */
AD_API bool ad_check_grads_with(ad_fn *fn, ad_check_options options);

#ifndef __cplusplus
#define ad_check_grads(f, ...)           AD_CHECK_GRADS_1_(AD_UNIQUE_, f, __VA_ARGS__)
#define AD_CHECK_GRADS_1_(id, f, ...)    AD_CHECK_GRADS_2_(id, f, __VA_ARGS__)
#define AD_CHECK_GRADS_2_(id, f, ...)                                                                                  \
    __extension__({                                                                                                    \
        AD_LET_FUNCTION_(id, "ad_check_grads", f);                                                                     \
        _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Woverride-init\"")                           \
        ad_check_options id##o = { AD_CHECK_DEFAULTS_FIELDS_, .arguments[0] = __VA_ARGS__ };                           \
        _Pragma("GCC diagnostic pop")                                                                                  \
        AD_SITE_("ad_check_grads");                                                                                    \
        ad_check_grads_with(AD_FN_(id), id##o);                                                                        \
    })
#endif

#include <ad/macros/transform.h>

AD_END_DECLS

#endif
