/* The C function types that the transformations know, and the type that each transformation gives for them.
 *
 * The types take one to four arrays, or a tree followed by up to three arrays or trees. Each may have a trailing void *
 * context. They return an array or a tree. A row gives the signature in letters, the types of the first four arguments
 * (ad_array * where there are fewer), and the C argument list. For C only. */
#ifndef AD_SIGNATURE_H
#define AD_SIGNATURE_H

/* clang-format off */
#define AD_ARGUMENT_LISTS_(M, r, R)                                                                                              \
    M(r, R, "a", ad_array *, ad_array *, ad_array *, ad_array *, ad_array *)                                                      \
    M(r, R, "a,p", ad_array *, ad_array *, ad_array *, ad_array *, ad_array *, void *)                                            \
    M(r, R, "a,a", ad_array *, ad_array *, ad_array *, ad_array *, ad_array *, ad_array *)                                        \
    M(r, R, "a,a,p", ad_array *, ad_array *, ad_array *, ad_array *, ad_array *, ad_array *, void *)                              \
    M(r, R, "a,a,a", ad_array *, ad_array *, ad_array *, ad_array *, ad_array *, ad_array *, ad_array *)                          \
    M(r, R, "a,a,a,p", ad_array *, ad_array *, ad_array *, ad_array *, ad_array *, ad_array *, ad_array *, void *)                \
    M(r, R, "a,a,a,a", ad_array *, ad_array *, ad_array *, ad_array *, ad_array *, ad_array *, ad_array *, ad_array *)            \
    M(r, R, "a,a,a,a,p", ad_array *, ad_array *, ad_array *, ad_array *, ad_array *, ad_array *, ad_array *, ad_array *, void *)  \
    M(r, R, "t", ad_tree *, ad_array *, ad_array *, ad_array *, ad_tree *)                                                        \
    M(r, R, "t,p", ad_tree *, ad_array *, ad_array *, ad_array *, ad_tree *, void *)                                              \
    M(r, R, "t,a", ad_tree *, ad_array *, ad_array *, ad_array *, ad_tree *, ad_array *)                                          \
    M(r, R, "t,a,p", ad_tree *, ad_array *, ad_array *, ad_array *, ad_tree *, ad_array *, void *)                                \
    M(r, R, "t,t", ad_tree *, ad_tree *, ad_array *, ad_array *, ad_tree *, ad_tree *)                                            \
    M(r, R, "t,t,p", ad_tree *, ad_tree *, ad_array *, ad_array *, ad_tree *, ad_tree *, void *)                                  \
    M(r, R, "t,a,a", ad_tree *, ad_array *, ad_array *, ad_array *, ad_tree *, ad_array *, ad_array *)                            \
    M(r, R, "t,a,a,p", ad_tree *, ad_array *, ad_array *, ad_array *, ad_tree *, ad_array *, ad_array *, void *)                  \
    M(r, R, "t,a,t", ad_tree *, ad_array *, ad_tree *, ad_array *, ad_tree *, ad_array *, ad_tree *)                              \
    M(r, R, "t,a,t,p", ad_tree *, ad_array *, ad_tree *, ad_array *, ad_tree *, ad_array *, ad_tree *, void *)                    \
    M(r, R, "t,t,a", ad_tree *, ad_tree *, ad_array *, ad_array *, ad_tree *, ad_tree *, ad_array *)                              \
    M(r, R, "t,t,a,p", ad_tree *, ad_tree *, ad_array *, ad_array *, ad_tree *, ad_tree *, ad_array *, void *)                    \
    M(r, R, "t,t,t", ad_tree *, ad_tree *, ad_tree *, ad_array *, ad_tree *, ad_tree *, ad_tree *)                                \
    M(r, R, "t,t,t,p", ad_tree *, ad_tree *, ad_tree *, ad_array *, ad_tree *, ad_tree *, ad_tree *, void *)                      \
    M(r, R, "t,a,a,a", ad_tree *, ad_array *, ad_array *, ad_array *, ad_tree *, ad_array *, ad_array *, ad_array *)              \
    M(r, R, "t,a,a,a,p", ad_tree *, ad_array *, ad_array *, ad_array *, ad_tree *, ad_array *, ad_array *, ad_array *, void *)    \
    M(r, R, "t,a,a,t", ad_tree *, ad_array *, ad_array *, ad_tree *, ad_tree *, ad_array *, ad_array *, ad_tree *)                \
    M(r, R, "t,a,a,t,p", ad_tree *, ad_array *, ad_array *, ad_tree *, ad_tree *, ad_array *, ad_array *, ad_tree *, void *)      \
    M(r, R, "t,a,t,a", ad_tree *, ad_array *, ad_tree *, ad_array *, ad_tree *, ad_array *, ad_tree *, ad_array *)                \
    M(r, R, "t,a,t,a,p", ad_tree *, ad_array *, ad_tree *, ad_array *, ad_tree *, ad_array *, ad_tree *, ad_array *, void *)      \
    M(r, R, "t,a,t,t", ad_tree *, ad_array *, ad_tree *, ad_tree *, ad_tree *, ad_array *, ad_tree *, ad_tree *)                  \
    M(r, R, "t,a,t,t,p", ad_tree *, ad_array *, ad_tree *, ad_tree *, ad_tree *, ad_array *, ad_tree *, ad_tree *, void *)        \
    M(r, R, "t,t,a,a", ad_tree *, ad_tree *, ad_array *, ad_array *, ad_tree *, ad_tree *, ad_array *, ad_array *)                \
    M(r, R, "t,t,a,a,p", ad_tree *, ad_tree *, ad_array *, ad_array *, ad_tree *, ad_tree *, ad_array *, ad_array *, void *)      \
    M(r, R, "t,t,a,t", ad_tree *, ad_tree *, ad_array *, ad_tree *, ad_tree *, ad_tree *, ad_array *, ad_tree *)                  \
    M(r, R, "t,t,a,t,p", ad_tree *, ad_tree *, ad_array *, ad_tree *, ad_tree *, ad_tree *, ad_array *, ad_tree *, void *)        \
    M(r, R, "t,t,t,a", ad_tree *, ad_tree *, ad_tree *, ad_array *, ad_tree *, ad_tree *, ad_tree *, ad_array *)                  \
    M(r, R, "t,t,t,a,p", ad_tree *, ad_tree *, ad_tree *, ad_array *, ad_tree *, ad_tree *, ad_tree *, ad_array *, void *)        \
    M(r, R, "t,t,t,t", ad_tree *, ad_tree *, ad_tree *, ad_tree *, ad_tree *, ad_tree *, ad_tree *, ad_tree *)                    \
    M(r, R, "t,t,t,t,p", ad_tree *, ad_tree *, ad_tree *, ad_tree *, ad_tree *, ad_tree *, ad_tree *, ad_tree *, void *)
/* clang-format on */

#define AD_SIGNATURES_(M) AD_ARGUMENT_LISTS_(M, "a", ad_array *) AD_ARGUMENT_LISTS_(M, "t", ad_tree *)

/* A function's signature as a string: AD_SIGNATURE_(f) is "a(a,p)" for an ad_array *(ad_array *, void *). An ad_fn
 * knows its own. A void * stands for all other types. */
#define AD_SIGNATURE_CASE_(r, R, letters, T0, T1, T2, T3, ...) R (*)(__VA_ARGS__) : r "(" letters ")",
#define AD_SIGNATURE_(f) _Generic((f), AD_SIGNATURES_(AD_SIGNATURE_CASE_) ad_fn *: "", default: (void *)0)

/* What is cast before the transformed function: a null pointer whose type is chosen by f's type. SAME: f's own type.
 * GRADn: returns what argument n is. VALUEn: takes a pointer to that besides. ALONG: takes one more argument like the
 * first and returns one. PULL: takes an array besides and returns what the first argument is. RESULT: what f
 * returns. */
#define AD_SAME_CASE_(r, R, letters, T0, T1, T2, T3, ...)   R (*)(__VA_ARGS__) : (R (*)(__VA_ARGS__))0,
#define AD_GRAD0_CASE_(r, R, letters, T0, T1, T2, T3, ...)  R (*)(__VA_ARGS__) : (T0 (*)(__VA_ARGS__))0,
#define AD_GRAD1_CASE_(r, R, letters, T0, T1, T2, T3, ...)  R (*)(__VA_ARGS__) : (T1 (*)(__VA_ARGS__))0,
#define AD_GRAD2_CASE_(r, R, letters, T0, T1, T2, T3, ...)  R (*)(__VA_ARGS__) : (T2 (*)(__VA_ARGS__))0,
#define AD_GRAD3_CASE_(r, R, letters, T0, T1, T2, T3, ...)  R (*)(__VA_ARGS__) : (T3 (*)(__VA_ARGS__))0,
#define AD_VALUE0_CASE_(r, R, letters, T0, T1, T2, T3, ...) R (*)(__VA_ARGS__) : (R (*)(__VA_ARGS__, T0 *))0,
#define AD_VALUE1_CASE_(r, R, letters, T0, T1, T2, T3, ...) R (*)(__VA_ARGS__) : (R (*)(__VA_ARGS__, T1 *))0,
#define AD_VALUE2_CASE_(r, R, letters, T0, T1, T2, T3, ...) R (*)(__VA_ARGS__) : (R (*)(__VA_ARGS__, T2 *))0,
#define AD_VALUE3_CASE_(r, R, letters, T0, T1, T2, T3, ...) R (*)(__VA_ARGS__) : (R (*)(__VA_ARGS__, T3 *))0,
#define AD_ALONG_CASE_(r, R, letters, T0, T1, T2, T3, ...)  R (*)(__VA_ARGS__) : (T0 (*)(__VA_ARGS__, T0))0,
#define AD_PULL_CASE_(r, R, letters, T0, T1, T2, T3, ...)   R (*)(__VA_ARGS__) : (T0 (*)(__VA_ARGS__, ad_array *))0,
#define AD_RESULT_CASE_(r, R, letters, T0, T1, T2, T3, ...) R (*)(__VA_ARGS__) : (R)0,

#define AD_TYPE_OF_(CASE, f) _Generic((f), AD_SIGNATURES_(CASE) default: (f))

/* The same for an argument number. A constant picks the type; anything else counts as argument 0. */
#define AD_NUMBER_IS_(n, k) (__builtin_constant_p(n) ? (n) == (k) : 0)
#define AD_NUMBERED_TYPE_(CASE, f, n)                                                                                  \
    __builtin_choose_expr(AD_NUMBER_IS_(n, 1), AD_TYPE_OF_(CASE##1_CASE_, f),                                          \
        __builtin_choose_expr(AD_NUMBER_IS_(n, 2), AD_TYPE_OF_(CASE##2_CASE_, f),                                      \
            __builtin_choose_expr(AD_NUMBER_IS_(n, 3), AD_TYPE_OF_(CASE##3_CASE_, f), AD_TYPE_OF_(CASE##0_CASE_, f))))

#endif
