/* Errors: that they are seen, whatever failed, and what they say. */
#include "testing.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

OF_X(square_sum, ad_sum(ad_square(x)))
OF_X(squares, ad_square(x))
OF_AB(weighted, ad_sum(ad_mul(a, b)))

static ad_tree *halves(ad_tree *t)
{
    return t;
}

/* The error that is there, which is cleared. */
static void assert_error(ad_code code, const char *text)
{
    ck_assert_msg(ad_error_code() == code && strstr(ad_error_message(), text), "error %d \"%s\", expected \"%s\"", (int)ad_error_code(),
                  ad_error_message(), text);
    ad_clear_error();
}

START_TEST(what_the_program_is_doing_is_appended)
{
    ck_assert_ptr_null(ad_error_context("in iteration 3 of training"));
    ck_assert_ptr_null(ad_add(ad_ones(AD_SHAPE(2)), ad_ones(AD_SHAPE(3))));
    ck_assert_msg(strstr(ad_error_message(), "(3,)") && strstr(ad_error_message(), " (in iteration 3 of training)"), "%s", ad_error_message());
    ad_clear_error();
    ck_assert_str_eq(ad_error_context(NULL), "in iteration 3 of training");
    ad_set_error(AD_ERROR_USER, "%s", "a sentence");
    assert_error(AD_ERROR_USER, "a sentence");
    ad_error_context("here");
    char longest[3000];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    ad_set_error(AD_ERROR_USER, "%s", longest);
    ck_assert_int_gt(strlen(ad_error_message()), 100);
    ad_error_context(NULL);
}
END_TEST

/* A function that could not be made fails at once, and again whenever it is called. */
#define assert_stays_failed(f, code, text, ...)                                                                        \
    do {                                                                                                               \
        __auto_type failed_ = (f);                                                                                     \
        assert_error(code, text);                                                                                      \
        for (int i_ = 0; i_ < 2; i_++)                                                                                 \
            assert_fails(failed_(__VA_ARGS__), code, text);                                                            \
    } while (0)

START_TEST(a_transformation_that_fails_gives_a_function_that_fails)
{
    AD_SCOPE;
    ad_array *x = VECTOR(1, 2), *(*nothing)(ad_array *) = NULL;
    ad_tree *t = ad_list_of(x, x);
    assert_stays_failed(ad_grad(square_sum, 3), AD_ERROR_TRANSFORM, "ad_grad: there is no argument 3: the function's signature is a(a)", x);
    assert_stays_failed(ad_grad(square_sum, -1), AD_ERROR_TRANSFORM, "ad_grad: there is no argument -1", x);
    assert_stays_failed(ad_grad(nothing), AD_ERROR_TRANSFORM, "ad_grad: the function is NULL", x);
    assert_stays_failed(ad_hvp(nothing), AD_ERROR_TRANSFORM, "ad_hvp: the function is NULL", x, x);
    assert_stays_failed(ad_checkpoint(nothing), AD_ERROR_TRANSFORM, "ad_checkpoint: the function is NULL", x);
    assert_stays_failed(ad_ggnvp(squares, nothing), AD_ERROR_TRANSFORM, "ad_ggnvp: the function is NULL", x, x);
    assert_stays_failed(ad_ggnvp(squares, weighted), AD_ERROR_TRANSFORM, "ad_ggnvp: signatures a(a) and, for outer, a(a,a) do not fit", x, x);
    assert_stays_failed(ad_grad(halves), AD_ERROR_TRANSFORM, "ad_grad: signature t(t) does not fit", t);
    assert_stays_failed(ad_hessian(halves), AD_ERROR_TRANSFORM, "ad_hessian: signature t(t) does not fit", t);
    assert_stays_failed(ad_jacobian(halves), AD_ERROR_TRANSFORM, "see ad_flatten", t);
    assert_close(ad_item(ad_sum(ad_grad(square_sum)(x))), 6, 0);
}
END_TEST

START_TEST(what_is_made_of_a_failed_function_fails_with_the_first_sentence)
{
    AD_SCOPE;
    ad_array *x = VECTOR(1, 2), *tangent = x;
    ad_pullback *pull = NULL;
    ad_array *(*failed)(ad_array *) = ad_grad(square_sum, 7);
    ad_clear_error();
    ad_array *(*more)(ad_array *) = ad_hessian(ad_checkpoint(failed));
    assert_error(AD_ERROR_TRANSFORM, "ad_grad: there is no argument 7");
    assert_fails(more(x), AD_ERROR_TRANSFORM, "ad_grad: there is no argument 7");
    assert_fails(ad_vjp(failed, x, &pull), AD_ERROR_TRANSFORM, "ad_grad: there is no argument 7");
    assert_fails(ad_jvp(failed, x, x, &tangent), AD_ERROR_TRANSFORM, "ad_grad: there is no argument 7");
    ck_assert(!pull && !tangent);
    assert_fails(ad_fixed_point(failed, x), AD_ERROR_TRANSFORM, "ad_grad: there is no argument 7");
    assert_fails(ad_check_grads(failed, x), AD_ERROR_TRANSFORM, "ad_grad: there is no argument 7");
    ad_set_error(AD_ERROR_USER, "an older one");
    ck_assert(!ad_grad(square_sum, 9)(x));
    assert_error(AD_ERROR_USER, "an older one");
}
END_TEST

START_TEST(places_of_second_results_are_emptied)
{
    AD_SCOPE;
    ad_array *x = VECTOR(1, 2), *g = x, *(*nothing)(ad_array *) = NULL;
    assert_fails(ad_value_and_grad(weighted, 5)(x, x, &g), AD_ERROR_TRANSFORM, "argument 5");
    ck_assert(!g);
    g = x;
    assert_fails(ad_value_and_grad(nothing)(x, &g), AD_ERROR_TRANSFORM, "NULL");
    ck_assert(!g);
    g = x;
    ad_fn *fn = ad_value_and_grad(ad_function(nothing, "a(a)"));
    assert_fails(ad_call(fn, x, &g), AD_ERROR_TRANSFORM, "NULL");
    ck_assert(!g);
    assert_fails(ad_value_and_grad(nothing)(x, NULL), AD_ERROR_TRANSFORM, "NULL");
}
END_TEST

START_TEST(functions_described_to_the_library_fail_the_same_way)
{
    AD_SCOPE;
    ad_array *x = VECTOR(1, 2);
    ad_fn *fn = ad_grad_fn(ad_grad_fn(NULL, 0), 1);
    assert_error(AD_ERROR_TRANSFORM, "ad_grad: the function is NULL");
    ad_function((ad_array * (*)(ad_array *)) NULL, "a(a)");
    assert_error(AD_ERROR_TRANSFORM, "ad_function: the function is NULL");
    assert_fails(ad_call(fn, x), AD_ERROR_TRANSFORM, "ad_grad: the function is NULL");
    ad_array *(*pointer)(ad_array *) = (ad_array * (*)(ad_array *)) ad_fn_pointer(fn);
    assert_fails(pointer(x), AD_ERROR_TRANSFORM, "ad_grad: the function is NULL");
    assert_fails(ad_grad(pointer)(x), AD_ERROR_TRANSFORM, "ad_grad: the function is NULL");
    pointer = (ad_array * (*)(ad_array *)) ad_fn_pointer(NULL);
    assert_error(AD_ERROR_TRANSFORM, "ad_fn_pointer: the function is NULL");
    assert_fails(pointer(x), AD_ERROR_TRANSFORM, "ad_fn_pointer: the function is NULL");
}
END_TEST

/* The memory of a thread after asking for the same functions once more. */
static int64_t live_after_failing(ad_array *x)
{
    ad_memory_usage usage;
    for (int i = 0; i < 10; i++) {
        AD_SCOPE;
        ck_assert(!ad_grad(square_sum, 3)(x) && !ad_value_and_grad(square_sum, 4)(x, NULL));
        ad_clear_error();
    }
    ad_memory_stats(&usage);
    return usage.live;
}

START_TEST(failed_functions_are_remembered)
{
    AD_SCOPE;
    ad_array *x = VECTOR(1, 2);
    int64_t before = live_after_failing(x);
    ck_assert_int_eq(live_after_failing(x), before);
    ck_assert_ptr_eq(ad_grad_fn(ad_function(square_sum, "a(a)"), 3), ad_grad_fn(ad_function(square_sum, "a(a)"), 3));
}
END_TEST

static void *transform_without_memory(void *unused)
{
    AD_SCOPE;
    ad_array *x = VECTOR(1, 2), *g = x;
    ad_memory_fail_after(1);
    ad_array *(*grad)(ad_array *) = ad_grad(square_sum);
    ad_array *(*value)(ad_array *, ad_array **) = ad_value_and_grad(square_sum);
    ad_array *(*value_of_two)(ad_array *, ad_array *, ad_array **) = ad_value_and_grad(weighted);
    ck_assert(!ad_hessian(ad_jacobian(grad))(x) && !ad_hvp(squares)(x, x) && !ad_checkpoint(squares)(x));
    ad_memory_fail_after(0);
    assert_error(AD_ERROR_MEMORY, "out of memory");
    assert_fails(grad(x), AD_ERROR_MEMORY, "ad_call: the function could not be made when it was asked for: out of memory");
    assert_fails(ad_grad(grad)(x), AD_ERROR_MEMORY, "out of memory");
    assert_fails(value(x, &g), AD_ERROR_MEMORY, "out of memory");
    ck_assert(!g);
    g = x;
    assert_fails(value_of_two(x, x, &g), AD_ERROR_MEMORY, "out of memory");
    ck_assert(!g);
    assert_close(ad_item(ad_sum(ad_grad(square_sum)(x))), 6, 0); /* asked for again */
    return unused;
}

START_TEST(transformations_work_without_memory_and_again_with_it)
{
    on_a_small_stack(transform_without_memory, NULL);
}
END_TEST

static ad_array *every_transformation(ad_array *x)
{
    ad_array *g, *sum = ad_add(ad_hvp(square_sum)(x, x), ad_value_and_grad(square_sum)(x, &g));
    return ad_add(sum, ad_hessian(ad_checkpoint(square_sum))(g));
}

/* In a thread of its own, which has no function yet. */
static void *fail_at_each_allocation(void *place)
{
    int64_t n = *(int64_t *)place;
    AD_SCOPE;
    ad_array *x = VECTOR(1, 2);
    ad_memory_fail_after(n);
    bool done = every_transformation(x) != NULL;
    ad_memory_fail_after(0);
    ck_assert_msg(done || ad_error_code() == AD_ERROR_MEMORY, "allocation %lld: %s", (long long)n, ad_error_message());
    *(int64_t *)place = done ? 0 : n + 1;
    return NULL;
}

START_TEST(every_allocation_of_a_transformation_may_fail)
{
    for (int64_t n = 1; n;)
        on_a_small_stack(fail_at_each_allocation, &n);
}
END_TEST

/* ---- what an error does ---- */

static const int line_of_mismatch = __LINE__ + 4;

static ad_array *mismatch(void)
{
    return ad_matmul(ad_ones(AD_SHAPE(3, 4)), ad_ones(AD_SHAPE(5, 6)));
}

static void *fail_twice(void *unused)
{
    mismatch();
    ad_clear_error();
    ad_set_error(AD_ERROR_USER, "mine: %d", 7);
    return unused;
}

/* In a thread of its own, whose context reads AD_ERROR. */
static void fail_as_the_environment_says(void)
{
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, fail_twice, NULL), 0);
    pthread_join(thread, NULL);
}

static void print_errors(void)
{
    ad_on_error(AD_ERROR_PRINT);
    fail_twice(NULL);
    ck_assert(ad_failed());
}

static void abort_on_errors(void)
{
    ad_on_error(AD_ERROR_ABORT);
    fail_twice(NULL);
}

static void exit_on_errors(void)
{
    ad_on_error(AD_ERROR_PRINT_AND_EXIT);
    ad_matmul(ad_ones(AD_SHAPE(3, 4)), ad_ones(AD_SHAPE(5, 6)));
}

/* What becomes of a process that runs `program` with AD_ERROR=word: the status that waitpid gives, and what it wrote to
 * stderr. */
static int run_program(const char *word, void (*program)(void), char *text, size_t size)
{
    FILE *errors = tmpfile();
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit no_core = { 0, 0 };
        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGABRT, SIG_DFL);
        dup2(fileno(errors), STDERR_FILENO);
        word ? setenv("AD_ERROR", word, true) : unsetenv("AD_ERROR");
        program();
        _exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    rewind(errors);
    text[fread(text, 1, size - 1, errors)] = '\0';
    fclose(errors);
    return status;
}

/* Where the printed error of `mismatch` begins in the text; NULL: nowhere. */
static const char *find_mismatch(const char *text)
{
    char line[300];
    snprintf(line, sizeof line, "%s:%d: ad_matmul: shapes (3,4) and (5,6) do not align (4 != 5)\n", __FILE__, line_of_mismatch);
    return strstr(text, line);
}

START_TEST(the_environment_says_what_an_error_does)
{
    char text[600];
    ck_assert_int_eq(run_program(NULL, fail_as_the_environment_says, text, sizeof text), 0);
    ck_assert_str_eq(text, "");
    ck_assert_int_eq(run_program("return", fail_as_the_environment_says, text, sizeof text), 0);
    ck_assert_str_eq(text, "");
    ck_assert_int_eq(run_program("print", fail_as_the_environment_says, text, sizeof text), 0);
    ck_assert_msg(find_mismatch(text) == text && strstr(text, "\nmine: 7\n"), "%s", text);
    int status = run_program("exit", fail_as_the_environment_says, text, sizeof text);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE && find_mismatch(text) == text);
    status = run_program("abort", fail_as_the_environment_says, text, sizeof text);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && find_mismatch(text) == text);
    ck_assert_int_eq(run_program("Print", fail_as_the_environment_says, text, sizeof text), 0);
    ck_assert_msg(strstr(text, "libad: AD_ERROR=Print is none of return, print, exit and abort; errors are printed\n") == text && find_mismatch(text), "%s",
                  text);
}
END_TEST

START_TEST(a_program_says_what_an_error_does)
{
    char text[600];
    ck_assert_int_eq(run_program("exit", print_errors, text, sizeof text), 0);
    ck_assert_msg(find_mismatch(text) == text && strstr(text, "\nmine: 7\n"), "%s", text);
    int status = run_program("return", abort_on_errors, text, sizeof text);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && find_mismatch(text) == text);
    ad_on_error((ad_on_error_action)17);
    assert_error(AD_ERROR_VALUE, "ad_on_error: 17 is not an action");
}
END_TEST

START_TEST(an_error_prints_and_exits_where_that_was_asked_for)
{
    char text[300];
    int status = run_program(NULL, exit_on_errors, text, sizeof text);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE);
    ck_assert_msg(strncmp(text, __FILE__ ":", sizeof __FILE__) == 0 && strstr(text, ": ad_matmul: shapes (3,4) and (5,6) do not align (4 != 5)\n"), "%s",
                  text);
    ad_on_error(AD_ERROR_PRINT_AND_EXIT);
    ad_on_error(AD_ERROR_RETURN);
    assert_fails(ad_matmul(ad_ones(AD_SHAPE(3, 4)), ad_ones(AD_SHAPE(5, 6))), AD_ERROR_SHAPE, "align");
}
END_TEST

START_TEST(an_error_of_a_derivative_has_the_line_of_the_derivative)
{
    AD_SCOPE;
    char here[300];
    ad_grad(squares)(VECTOR(1, 2)), snprintf(here, sizeof here, "%s:%d", __FILE__, __LINE__);
    ck_assert_str_eq(ad_error_where(), here);
    assert_error(AD_ERROR_TRANSFORM, "ad_grad: the function returned shape (2,), not a scalar");
}
END_TEST

/* ---- ad_assign ---- */

START_TEST(an_assigned_value_outlives_its_scope)
{
    AD_SCOPE;
    ad_array *w = NULL;
    ad_tree *t = ad_retain(ad_list_of(1.0));
    for (int i = 0; i < 3; i++) {
        AD_SCOPE;
        ck_assert_ptr_eq(ad_assign(&w, VECTOR(i, 2 * i, 3 * i)), w);
        ck_assert_ptr_eq(ad_assign(&t, ad_tree_of("w", w, "i", i)), t);
        ad_assign(&w, w);
        VECTOR(7, 7, 7); /* would come to lie where w was */
    }
    assert_array(w, AD_SHAPE(3), 0, 2, 4, 6);
    assert_close(ad_item(ad_tree_get(t, "i")), 2, 0);
    ad_release(w);
    ad_release(t);
}
END_TEST

START_TEST(assigning_drops_what_was_held)
{
    ad_array *w = ad_retain(ad_zeros(AD_SHAPE(1000)));
    ad_memory_usage before, after;
    ad_memory_stats(&before);
    for (int i = 0; i < 100; i++) {
        AD_SCOPE;
        ad_assign(&w, ad_add(w, 1));
    }
    ad_memory_stats(&after);
    ck_assert(after.live < before.live + 20000);
    assert_close(ad_item(ad_sum(w)), 1e5, 0);
    ad_release(w);
}
END_TEST

START_TEST(a_failed_assignment_leaves_the_variable)
{
    AD_SCOPE;
    ad_array *w = ad_retain(VECTOR(1, 2)), *held = w, *owned = VECTOR(3, 4), **nowhere = NULL;
    ad_tree *t = ad_list_of(1.0);
    assert_fails(ad_assign(&w, mismatch()), AD_ERROR_SHAPE, "ad_matmul: shapes");
    assert_fails(ad_assign(&w, NULL), AD_ERROR_VALUE, "ad_assign: the new value is NULL");
    assert_fails(ad_assign(nowhere, w), AD_ERROR_VALUE, "ad_assign: the address of the variable is NULL");
    ck_assert_ptr_eq(w, held);
    assert_fails(ad_assign(&owned, w), AD_ERROR_VALUE,
                 "ad_assign: the variable holds an array of shape (2,) that was not retained; let it begin as NULL, or with ad_retain");
    assert_fails(ad_assign(&t, t), AD_ERROR_VALUE, "the variable holds a tree that was not retained");
    assert_array(owned, AD_SHAPE(2), 0, 3, 4);
    ad_release(w);
}
END_TEST

START_TEST(releasing_what_nobody_retained_is_an_error)
{
    AD_SCOPE;
    ad_array *x = ad_retain(VECTOR(1, 2));
    ad_release(x);
    ck_assert(!ad_failed());
    ad_release(x);
    assert_error(AD_ERROR_VALUE, "ad_release: an array of shape (2,) that nobody has retained");
    ad_release(ad_list_of(x));
    assert_error(AD_ERROR_VALUE, "ad_release: a tree that nobody has retained");
    assert_array(x, AD_SHAPE(2), 0, 1, 2);
    ad_release((ad_array *)NULL);
    ck_assert(!ad_failed());
}
END_TEST

/* ---- a checked build says where what is used too late was made ---- */

static ad_array *dropped_number(void)
{
    AD_SCOPE;
    return ad_add(1, 2);
}

static ad_array *dropped_vector(void)
{
    AD_SCOPE;
    return ad_mul(VECTOR(1, 2, 3), 2);
}

static void assert_told(const char *text, int line)
{
    char place[300];
    snprintf(place, sizeof place, "made at %s:%d", __FILE__, line);
    ck_assert_msg(strstr(ad_error_message(), place) && strstr(ad_error_message(), text), "%s", ad_error_message());
    ad_clear_error();
}

START_TEST(a_checked_build_tells_where_a_dropped_array_was_made)
{
    if (!is_checked())
        return;
    const int line_of_number = __LINE__ - 21, line_of_vector = __LINE__ - 15;
    AD_SCOPE;
    ad_array *(*const make[])(void) = { dropped_number, dropped_vector };
    for (int i = 0; i < 2; i++) {
        int line = i ? line_of_vector : line_of_number;
        ad_array *x = make[i]();
        ck_assert(!ad_sum(x));
        assert_told("ad_sum: the array", line);
        ck_assert(isnan(ad_item(x)) && !ad_grad(ad_sum)(x) && !ad_retain(x) && !ad_escape(x) && !ad_list_of(x));
        assert_told("dropped with its scope, opened at", line);
        ad_release(x);
        assert_told("ad_escape, ad_retain and ad_assign let a value outlive its scope", line);
    }
    ad_array *w = NULL;
    {
        AD_SCOPE;
        ad_assign(&w, VECTOR(1, 2));
    }
    ad_array *old = w;
    ad_release(w);
    ad_release(old);
    ck_assert_msg(strstr(ad_error_message(), "was released for the last time at"), "%s", ad_error_message());
    ad_clear_error();
    ad_pullback *pull;
    ad_vjp(ad_sin, VECTOR(1, 2), &pull);
    ad_vjp_free(pull);
    assert_fails(ad_vjp_apply(pull, VECTOR(1, 2)), AD_ERROR_VALUE, "was freed");
}
END_TEST

START_TEST(the_place_for_a_breakpoint_leaves_errors_as_they_are)
{
    ad_error_breakpoint(AD_ERROR_USER, "nothing happened");
    ck_assert(!ad_failed());
    ad_set_error(AD_ERROR_USER, "an error");
    ad_error_breakpoint(AD_ERROR_VALUE, "nothing happened");
    assert_error(AD_ERROR_USER, "an error");
}
END_TEST

RUN_TESTS("errors", what_the_program_is_doing_is_appended, a_transformation_that_fails_gives_a_function_that_fails, what_is_made_of_a_failed_function_fails_with_the_first_sentence,
          places_of_second_results_are_emptied, functions_described_to_the_library_fail_the_same_way, failed_functions_are_remembered,
          transformations_work_without_memory_and_again_with_it, every_allocation_of_a_transformation_may_fail,
          the_environment_says_what_an_error_does, a_program_says_what_an_error_does, an_error_prints_and_exits_where_that_was_asked_for,
          an_error_of_a_derivative_has_the_line_of_the_derivative, an_assigned_value_outlives_its_scope, assigning_drops_what_was_held,
          a_failed_assignment_leaves_the_variable, releasing_what_nobody_retained_is_an_error, a_checked_build_tells_where_a_dropped_array_was_made,
          the_place_for_a_breakpoint_leaves_errors_as_they_are)
