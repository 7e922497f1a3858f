/* How the macros of the other headers call their functions. Everything but the weakly typed numbers is for C only.
 *
 * A macro is one line, in ad/macros, where libad/tools/generate.py writes it. It says which arguments are operands (A:
 * an array or a C number) and which are plain (P), in their order. Where named options follow, it also gives the name
 * of the constant with their defaults:
 *
 *     #define ad_add(a, b)  AD_CALL_AA_(ad_add, a, b)
 *     #define ad_at(x, ...) AD_CALL_AP_(ad_at, x, __VA_ARGS__)
 *     #define ad_sum(...)   AD_WITH_A_(ad_sum, AD_REDUCE, __VA_ARGS__)
 *     #define ad_item(x)    AD_CALL_P_(ad_item, x)
 *
 * ad_add(x, 1) expands to
 *
 *     __extension__({
 *         __auto_type ad_1_a = (x);
 *         __auto_type ad_1_b = (1);
 *         ad_call_site_ = "file.c:12" "\0" "ad_add";
 *         (ad_add)(ad_operand_array_(ad_1_a), ad_weak_integer(ad_1_b));
 *     })
 *
 * ad_sum(x, .axis = 0) expands to something like it. It declares
 *
 *     ad_reduce_options ad_2_options_are_named = { defaults, .axis = 0, .ad_unused_ = 0 };
 *
 * and calls ad_sum_with. A compiler that refuses ad_sum(x, 0) prints that name, or the line it is in.
 *
 * Every argument appears once, so the text of nested calls grows no faster than what was written. Operands and options
 * are evaluated from left to right, before the place of the call is noted. */
#ifndef AD_CALL_H
#define AD_CALL_H

#include <ad/error.h>

#define AD_JOIN__(a, b) a##b
#define AD_JOIN_(a, b)  AD_JOIN__(a, b)

AD_BEGIN_DECLS

/** A weakly typed 0-d array, which a C number in an expression becomes. It never widens the dtype that it meets. */
AD_API ad_array *ad_weak_integer(int64_t value);
AD_API ad_array *ad_weak_unsigned(uint64_t value); /* Errors: above INT64_MAX */
AD_API ad_array *ad_weak_real(double value);
AD_API ad_array *ad_weak_complex(ad_complex value);

AD_END_DECLS

#ifndef __cplusplus

/* ---- Operands ---- */

/* The type of GNU's constant 1i. */
__extension__ typedef _Complex int ad_complex_integer_;

/* What _Generic chooses for a C number, by its kind. An enumeration counts as the integer that it is compatible
 * with. */
#define AD_NUMBER_CASES_(real, complex, unsigned_integer, integer)                                                     \
    float: real, double: real, long double: real, float _Complex: complex, double _Complex: complex, long double _Complex: complex, \
    ad_complex_integer_: complex, _Bool: integer, char: integer, signed char: integer, unsigned char: integer, short: integer, \
    unsigned short: integer, int: integer, unsigned int: integer, long: integer, long long: integer,                   \
    unsigned long: unsigned_integer, unsigned long long: unsigned_integer

/* What _Generic chooses for an array. NULL counts as an array, and is an error when the program runs. */
#if __STDC_VERSION__ >= 202311L
#define AD_ARRAY_CASES_(array) ad_array *: array, const ad_array *: array, void *: array, nullptr_t: array
#else
#define AD_ARRAY_CASES_(array) ad_array *: array, const ad_array *: array, void *: array
#endif

static inline ad_array *ad_operand_array_(const ad_array *x)
{
    return (ad_array *)(uintptr_t)x;
}

/* What _Generic chooses for everything else: a function that cannot be called with it. */
struct ad_operands_are_arrays_or_C_numbers {
    char nothing;
};
ad_array *ad_operands_are_arrays_or_C_numbers_(struct ad_operands_are_arrays_or_C_numbers operand);

/* The variable v, which holds an array or a C number, as an array. */
#define AD_ARRAY_(v)                                                                                                   \
    _Generic(v, AD_ARRAY_CASES_(ad_operand_array_),                                                                    \
        AD_NUMBER_CASES_(ad_weak_real, ad_weak_complex, ad_weak_unsigned, ad_weak_integer),                            \
        default: ad_operands_are_arrays_or_C_numbers_)(((void)0, v))

/* A name that occurs nowhere else. */
#define AD_UNIQUE_ AD_JOIN_(ad_, AD_JOIN_(__COUNTER__, _))

/* One operand. */
#define AD_OPERAND_(x)       AD_OPERAND_1_(AD_UNIQUE_, x)
#define AD_OPERAND_1_(id, x) AD_OPERAND_2_(id, x)
#define AD_OPERAND_2_(id, x)                                                                                           \
    __extension__({                                                                                                    \
        __auto_type id = (x);                                                                                          \
        AD_ARRAY_(id);                                                                                                 \
    })

/* ---- Options ---- */

/* A positional option is an error: gcc knows a struct marked AD_NAMED_, and clang sees that nothing comes after the
 * last field. (But clang takes a positional option that follows a named one, .axis = 0, 1, for the next field.) What
 * the caller wrote may override the defaults before it. */
#ifdef __clang__
#define AD_STRICT_ _Pragma("clang diagnostic error \"-Wexcess-initializers\"") _Pragma("clang diagnostic ignored \"-Winitializer-overrides\"")
#define AD_AFTER_THE_LAST_FIELD_ .ad_unused_ = 0,
#else
#define AD_STRICT_ _Pragma("GCC diagnostic error \"-Wdesignated-init\"") _Pragma("GCC diagnostic ignored \"-Woverride-init\"")
#define AD_AFTER_THE_LAST_FIELD_
#endif

/* Declares the options o: the defaults of (say) AD_REDUCE, then what the caller wrote. */
#define AD_LET_OPTIONS_(o, DEFAULTS, ...)                                                                              \
    _Pragma("GCC diagnostic push") AD_STRICT_                                                                          \
    __typeof__(DEFAULTS##_DEFAULTS) o = { DEFAULTS##_DEFAULTS_FIELDS_, AD_AFTER_THE_LAST_FIELD_                        \
        __VA_ARGS__ /* options are named: write .axis = 0, not 0 */ };                                                 \
    _Pragma("GCC diagnostic pop")

/* Options as a value. */
#define AD_OPTIONS_(DEFAULTS, ...)       AD_OPTIONS_1_(AD_UNIQUE_, DEFAULTS, __VA_ARGS__)
#define AD_OPTIONS_1_(id, DEFAULTS, ...) AD_OPTIONS_2_(id, DEFAULTS, __VA_ARGS__)
#define AD_OPTIONS_2_(id, DEFAULTS, ...)                                                                               \
    __extension__({                                                                                                    \
        AD_LET_OPTIONS_(id##options_are_named, DEFAULTS, __VA_ARGS__)                                                  \
        id##options_are_named;                                                                                         \
    })

/* ---- The place of the call ---- */

#define AD_TEXT__(x) #x
#define AD_TEXT_(x)  AD_TEXT__(x)

/* Notes the place for ad_error_where. The library's own calls keep the place of the program's call, and its sources see
 * no macros of plain functions. */
#ifdef AD_INTERNAL_
#define AD_SITE_(name) (void)0
#else
#define AD_SITE_(name) ad_call_site_ = __FILE__ ":" AD_TEXT_(__LINE__) "\0" name
#endif

/* ---- Calls without options; after the last operand, P stands for one or more plain arguments ---- */

#define AD_CALL_A_(f, x)       AD_CALL_A_1_(AD_UNIQUE_, f, x)
#define AD_CALL_A_1_(id, f, x) AD_CALL_A_2_(id, f, x)
#define AD_CALL_A_2_(id, f, x)                                                                                         \
    __extension__({                                                                                                    \
        __auto_type id##a = (x);                                                                                       \
        AD_SITE_(#f);                                                                                                  \
        (f)(AD_ARRAY_(id##a));                                                                                         \
    })

#define AD_CALL_AA_(f, x, y)       AD_CALL_AA_1_(AD_UNIQUE_, f, x, y)
#define AD_CALL_AA_1_(id, f, x, y) AD_CALL_AA_2_(id, f, x, y)
#define AD_CALL_AA_2_(id, f, x, y)                                                                                     \
    __extension__({                                                                                                    \
        __auto_type id##a = (x);                                                                                       \
        __auto_type id##b = (y);                                                                                       \
        AD_SITE_(#f);                                                                                                  \
        (f)(AD_ARRAY_(id##a), AD_ARRAY_(id##b));                                                                       \
    })

#define AD_CALL_AAA_(f, x, y, z)       AD_CALL_AAA_1_(AD_UNIQUE_, f, x, y, z)
#define AD_CALL_AAA_1_(id, f, x, y, z) AD_CALL_AAA_2_(id, f, x, y, z)
#define AD_CALL_AAA_2_(id, f, x, y, z)                                                                                 \
    __extension__({                                                                                                    \
        __auto_type id##a = (x);                                                                                       \
        __auto_type id##b = (y);                                                                                       \
        __auto_type id##c = (z);                                                                                       \
        AD_SITE_(#f);                                                                                                  \
        (f)(AD_ARRAY_(id##a), AD_ARRAY_(id##b), AD_ARRAY_(id##c));                                                     \
    })

#define AD_CALL_AP_(f, x, ...)       AD_CALL_AP_1_(AD_UNIQUE_, f, x, __VA_ARGS__)
#define AD_CALL_AP_1_(id, f, x, ...) AD_CALL_AP_2_(id, f, x, __VA_ARGS__)
#define AD_CALL_AP_2_(id, f, x, ...)                                                                                   \
    __extension__({                                                                                                    \
        __auto_type id##a = (x);                                                                                       \
        AD_SITE_(#f);                                                                                                  \
        (f)(AD_ARRAY_(id##a), __VA_ARGS__);                                                                            \
    })

#define AD_CALL_AAP_(f, x, y, ...)       AD_CALL_AAP_1_(AD_UNIQUE_, f, x, y, __VA_ARGS__)
#define AD_CALL_AAP_1_(id, f, x, y, ...) AD_CALL_AAP_2_(id, f, x, y, __VA_ARGS__)
#define AD_CALL_AAP_2_(id, f, x, y, ...)                                                                               \
    __extension__({                                                                                                    \
        __auto_type id##a = (x);                                                                                       \
        __auto_type id##b = (y);                                                                                       \
        AD_SITE_(#f);                                                                                                  \
        (f)(AD_ARRAY_(id##a), AD_ARRAY_(id##b), __VA_ARGS__);                                                          \
    })

#define AD_CALL_AAAP_(f, x, y, z, ...)       AD_CALL_AAAP_1_(AD_UNIQUE_, f, x, y, z, __VA_ARGS__)
#define AD_CALL_AAAP_1_(id, f, x, y, z, ...) AD_CALL_AAAP_2_(id, f, x, y, z, __VA_ARGS__)
#define AD_CALL_AAAP_2_(id, f, x, y, z, ...)                                                                           \
    __extension__({                                                                                                    \
        __auto_type id##a = (x);                                                                                       \
        __auto_type id##b = (y);                                                                                       \
        __auto_type id##c = (z);                                                                                       \
        AD_SITE_(#f);                                                                                                  \
        (f)(AD_ARRAY_(id##a), AD_ARRAY_(id##b), AD_ARRAY_(id##c), __VA_ARGS__);                                        \
    })

/* Functions without operands: of one argument, of several, of any number. The first argument is evaluated before the
 * place is noted, except in the third form, where it may be a compound literal. None of these functions keeps a pointer
 * that it is given, since a compound literal lives only as long as the call. */
#define AD_CALL_P_(f, x)       AD_CALL_P_1_(AD_UNIQUE_, f, x)
#define AD_CALL_P_1_(id, f, x) AD_CALL_P_2_(id, f, x)
#define AD_CALL_P_2_(id, f, x)                                                                                         \
    __extension__({                                                                                                    \
        __auto_type id##a = (x);                                                                                       \
        AD_SITE_(#f);                                                                                                  \
        (f)(id##a);                                                                                                    \
    })

#define AD_CALL_PP_(f, x, ...)       AD_CALL_PP_1_(AD_UNIQUE_, f, x, __VA_ARGS__)
#define AD_CALL_PP_1_(id, f, x, ...) AD_CALL_PP_2_(id, f, x, __VA_ARGS__)
#define AD_CALL_PP_2_(id, f, x, ...)                                                                                   \
    __extension__({                                                                                                    \
        __auto_type id##a = (x);                                                                                       \
        AD_SITE_(#f);                                                                                                  \
        (f)(id##a, __VA_ARGS__);                                                                                       \
    })

#define AD_CALL_V_(f, ...)                                                                                             \
    __extension__({                                                                                                    \
        AD_SITE_(#f);                                                                                                  \
        (f)(__VA_ARGS__);                                                                                              \
    })

/* ---- Calls of f##_with, with options ---- */

#define AD_WITH_A_(f, O, ...)         AD_WITH_1_(AD_UNIQUE_, f, O, AD_ARRAY_, __VA_ARGS__, .ad_unused_ = 0)
#define AD_WITH_P_(f, O, ...)         AD_WITH_1_(AD_UNIQUE_, f, O, AD_PLAIN_, __VA_ARGS__, .ad_unused_ = 0)
#define AD_WITH_AA_(f, O, x, ...)     AD_WITH_2_(AD_UNIQUE_, f, O, AD_ARRAY_, AD_ARRAY_, x, __VA_ARGS__, .ad_unused_ = 0)
#define AD_WITH_AP_(f, O, x, ...)     AD_WITH_2_(AD_UNIQUE_, f, O, AD_ARRAY_, AD_PLAIN_, x, __VA_ARGS__, .ad_unused_ = 0)
#define AD_WITH_PA_(f, O, x, ...)     AD_WITH_2_(AD_UNIQUE_, f, O, AD_PLAIN_, AD_ARRAY_, x, __VA_ARGS__, .ad_unused_ = 0)
#define AD_WITH_PP_(f, O, x, ...)     AD_WITH_2_(AD_UNIQUE_, f, O, AD_PLAIN_, AD_PLAIN_, x, __VA_ARGS__, .ad_unused_ = 0)
#define AD_WITH_AAA_(f, O, x, y, ...) AD_WITH_3_(AD_UNIQUE_, f, O, AD_ARRAY_, AD_ARRAY_, AD_ARRAY_, x, y, __VA_ARGS__, .ad_unused_ = 0)
#define AD_WITH_PPP_(f, O, x, y, ...) AD_WITH_3_(AD_UNIQUE_, f, O, AD_PLAIN_, AD_PLAIN_, AD_PLAIN_, x, y, __VA_ARGS__, .ad_unused_ = 0)

#define AD_PLAIN_(v) v

#define AD_WITH_1_(id, f, O, A, x, ...) AD_WITH_1__(id, f, O, A, x, __VA_ARGS__)
#define AD_WITH_1__(id, f, O, A, x, ...)                                                                               \
    __extension__({                                                                                                    \
        __auto_type id##a = (x);                                                                                       \
        AD_LET_OPTIONS_(id##options_are_named, O, __VA_ARGS__)                                                         \
        AD_SITE_(#f);                                                                                                  \
        f##_with(A(id##a), id##options_are_named);                                                                     \
    })

#define AD_WITH_2_(id, f, O, A, B, x, y, ...) AD_WITH_2__(id, f, O, A, B, x, y, __VA_ARGS__)
#define AD_WITH_2__(id, f, O, A, B, x, y, ...)                                                                         \
    __extension__({                                                                                                    \
        __auto_type id##a = (x);                                                                                       \
        __auto_type id##b = (y);                                                                                       \
        AD_LET_OPTIONS_(id##options_are_named, O, __VA_ARGS__)                                                         \
        AD_SITE_(#f);                                                                                                  \
        f##_with(A(id##a), B(id##b), id##options_are_named);                                                           \
    })

#define AD_WITH_3_(id, f, O, A, B, C, x, y, z, ...) AD_WITH_3__(id, f, O, A, B, C, x, y, z, __VA_ARGS__)
#define AD_WITH_3__(id, f, O, A, B, C, x, y, z, ...)                                                                   \
    __extension__({                                                                                                    \
        __auto_type id##a = (x);                                                                                       \
        __auto_type id##b = (y);                                                                                       \
        __auto_type id##c = (z);                                                                                       \
        AD_LET_OPTIONS_(id##options_are_named, O, __VA_ARGS__)                                                         \
        AD_SITE_(#f);                                                                                                  \
        f##_with(A(id##a), B(id##b), C(id##c), id##options_are_named);                                                 \
    })

#endif

#endif
