/* What test files share: a main function, and comparisons that print what they compared.
 *
 * RUN_TESTS("suite", test_a, test_b) at the end of a file makes its main; results go to standard output as TAP. */
#ifndef AD_TESTING_H
#define AD_TESTING_H

#include <ad/ad.h>
#include "suite.h"
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static inline int run_tests(const char *suite_name, const TTest *const *tests, size_t count, int timeout)
{
    Suite *suite = suite_create(suite_name);
    for (size_t i = 0; i < count; i++) {
        TCase *tests_of_one = tcase_create(tests[i]->name);
        tcase_set_timeout(tests_of_one, timeout);
        tcase_add_test(tests_of_one, tests[i]);
        suite_add_tcase(suite, tests_of_one);
    }
    return run_suite(suite);
}

#define RUN_TESTS(suite, ...)                                                                                          \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        const TTest *tests[] = { __VA_ARGS__ };                                                                        \
        return run_tests(suite, tests, sizeof tests / sizeof *tests, 120);                                             \
    }

/* Whether the library keeps freed memory for reuse, and whether it was built with -Dchecked=true. */
static inline bool is_cached(void)
{
    return strstr(ad_config(), "\nmemory: cached\n");
}

static inline bool is_checked(void)
{
    return strstr(ad_config(), "\nmemory: checked\n");
}

/* VECTOR(0.5, 2): a float64 array of one axis. */
#define VECTOR(...) ad_from((const double[]){ __VA_ARGS__ }, AD_SHAPE(sizeof((double[]){ __VA_ARGS__ }) / sizeof(double)))

/* 0, 1, 2, ... as float64 in the given shape. */
static inline ad_array *counting(ad_shape shape)
{
    return ad_reshape(ad_astype(ad_arange(ad_shape_size(shape)), AD_F64), shape);
}

/* OF_X(cube, ad_pow(x, 3)) defines a function of x, OF_AB one of a and b. */
#define OF_X(name, expression)                                                                                         \
    static ad_array *name(ad_array *x)                                                                                 \
    {                                                                                                                  \
        return expression;                                                                                             \
    }
#define OF_AB(name, expression)                                                                                        \
    static ad_array *name(ad_array *a, ad_array *b)                                                                    \
    {                                                                                                                  \
        return expression;                                                                                             \
    }

/* Within a relative tolerance; equal infinities and NaN beside NaN count as close. */
static inline bool is_close(double a, double b, double tolerance)
{
    if (isnan(a) || isnan(b))
        return isnan(a) && isnan(b);
    return a == b || (isfinite(a) && isfinite(b) && fabs(a - b) <= tolerance * fmax(1, fmax(fabs(a), fabs(b))));
}

#define assert_close(actual, expected, tolerance)                                                                      \
    do {                                                                                                               \
        double actual_ = (actual), expected_ = (expected);                                                             \
        ck_assert_msg(is_close(actual_, expected_, tolerance), "%s = %.17g, expected %.17g (%s)", #actual, actual_, expected_, ad_error_message()); \
    } while (0)

/* Two arrays of one shape, whose elements differ by at most the tolerance, or that part of the largest of b. */
static inline void assert_arrays_near(ad_array *a, ad_array *b, double tolerance)
{
    ck_assert_msg(a && b && ad_shape_equal(ad_shape_of(a), ad_shape_of(b)), "%s", ad_error_message());
    double difference = ad_size(a) ? ad_item(ad_max(ad_abs(ad_sub(a, b)))) : 0, size = ad_size(b) ? ad_item(ad_max(ad_abs(b))) : 0;
    ck_assert_msg(difference <= tolerance * fmax(1, size), "differ by %g", difference);
}

/* assert_array(x, AD_SHAPE(2), tolerance, 1, 2): shape, and the elements in C order. */
#define assert_array(x, shape, tolerance, ...)                                                                         \
    assert_array_(#x, x, shape, tolerance, (const double[]){ __VA_ARGS__ }, (int64_t)(sizeof((double[]){ __VA_ARGS__ }) / sizeof(double)))

static inline void assert_array_(const char *what, const ad_array *x, ad_shape shape, double tolerance, const double *expected, int64_t count)
{
    ck_assert_msg(x != NULL, "%s is NULL: %s", what, ad_error_message());
    char *text = ad_tostring(x);
    ck_assert_msg(ad_shape_equal(ad_shape_of(x), shape) && ad_size(x) == count, "%s has another shape or size: %s", what, text);
    double values[count + 1];
    ck_assert(ad_copy_to(x, values, count));
    for (int64_t i = 0; i < count; i++)
        ck_assert_msg(is_close(values[i], expected[i], tolerance), "%s: element %lld is %.17g, expected %.17g, in\n%s", what, (long long)i, values[i],
                      expected[i], text);
    free(text);
}

/* assert_fails(expression, AD_ERROR_SHAPE, "(3,4)"): it gives NULL and an error with this code and text; the error is
 * cleared. */
#define assert_fails(expression, code, text)                                                                           \
    do {                                                                                                               \
        ck_assert_msg(!(expression), "%s did not fail", #expression);                                                  \
        ck_assert_msg(ad_error_code() == (code) && strstr(ad_error_message(), text), "%s: error %d \"%s\", expected \"%s\"", #expression, \
                      (int)ad_error_code(), ad_error_message(), text);                                                 \
        ad_clear_error();                                                                                              \
    } while (0)

/* Runs f in a thread with a stack of 256 KiB, on which nothing can lie whose size a user chooses. */
static inline void on_a_small_stack(void *(*f)(void *), void *argument)
{
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    ck_assert_int_eq(pthread_attr_setstacksize(&attributes, 256 * 1024), 0);
    ck_assert_int_eq(pthread_create(&thread, &attributes, f, argument), 0);
    pthread_join(thread, NULL);
}

/* f(x) with every allocation failing in turn: an error each time, nothing stays, and in the end it succeeds. */
static inline void assert_every_allocation_may_fail(ad_array *(*f)(ad_array *), ad_array *x)
{
    AD_SCOPE;
    ad_memory_usage before, after;
    bool done = false;
    { /* makes what lives as long as the thread, in a scope of the same depth as those below */
        AD_SCOPE;
        ck_assert_msg(f(x) != NULL, "%s", ad_error_message());
    }
    ad_memory_stats(&before);
    for (int64_t n = 1; !done; n++) {
        {
            AD_SCOPE;
            ad_memory_fail_after(n);
            done = f(x) != NULL;
            ad_memory_fail_after(0);
            ck_assert_msg(done || ad_error_code() == AD_ERROR_MEMORY, "allocation %lld: %s", (long long)n, ad_error_message());
            ad_clear_error();
        }
        ad_memory_stats(&after);
        ck_assert_msg(after.live == before.live, "with allocation %lld failing %lld bytes stay", (long long)n, (long long)(after.live - before.live));
    }
}

#endif
