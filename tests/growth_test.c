/* How costs grow: the processor time of what should take time in proportion to its length, at two lengths. */
#include "testing.h"
#include <stdio.h>
#include <time.h>

/* Sixteen times the length takes about sixteen times as long; what is quadratic takes 256 times as long. */
enum { FACTOR = 16, BOUND = 64 };

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The least of some runs, so that what else the machine does is left out. */
static double least(void (*work)(int64_t), int64_t length)
{
    double best = INFINITY;
    for (int run = 0; run < 4; run++) {
        AD_SCOPE;
        double start = seconds();
        work(length);
        best = fmin(best, seconds() - start);
        ck_assert_msg(!ad_failed(), "%s", ad_error_message());
    }
    return best;
}

static void check_growth(const char *what, void (*work)(int64_t), int64_t length)
{
    double once = least(work, length), longer = least(work, FACTOR * length);
    ck_assert_msg(longer < BOUND * once, "%s: %d times as long takes %.0f times the time (%.3g s and %.3g s)", what, (int)FACTOR, longer / once, once, longer);
}

/* ---- loops over parts of an array ---- */

enum { WIDTH = 64 };

static ad_array *sum_of_squares(ad_array *x)
{
    return ad_sum(ad_square(x));
}

/* PARTS(rows, part) defines a function of a matrix: the sum over its rows i of the squares of a part. */
#define PARTS(name, part)                                                                                              \
    static ad_array *name(ad_array *x)                                                                                 \
    {                                                                                                                  \
        ad_array *sum = ad_scalar(0);                                                                                  \
        for (int i = 0; i < ad_dim(x, 0); i++)                                                                         \
            sum = ad_add(sum, sum_of_squares(part));                                                                   \
        return sum;                                                                                                    \
    }

PARTS(rows, ad_at(x, "%d", i))
PARTS(elements, ad_at(x, "%d, 3", i))
PARTS(ends_of_rows, ad_at(x, "%d, :-60:-1", i))
PARTS(slices, ad_slice_axis(x, 0, i, 1, 1))
PARTS(takes, ad_take(x, i, .axis = 0))
PARTS(differences, ad_sub(ad_at(x, "%d", i), ad_at(x, "%d", i / 2)))

static ad_array *unstacked(ad_array *x)
{
    ad_array *sum = ad_scalar(0);
    ad_tree *list = ad_unstack(x);
    for (int i = 0; i < ad_tree_count(list); i++)
        sum = ad_add(sum, sum_of_squares(ad_tree_array_at(list, i)));
    return sum;
}

static ad_array *split(ad_array *x)
{
    ad_array *sum = ad_scalar(0);
    ad_tree *list = ad_split(x, ad_dim(x, 0));
    for (int i = 0; i < ad_tree_count(list); i++)
        sum = ad_add(sum, sum_of_squares(ad_tree_array_at(list, i)));
    return sum;
}

typedef ad_array *function(ad_array *);

static const struct {
    const char *name;
    function *function;
} loops[] = {
    { "rows", rows }, { "elements", elements }, { "ends of rows", ends_of_rows }, { "slices", slices }, { "takes", takes }, { "differences", differences },
    { "unstacked", unstacked }, { "split", split },
};
enum { LOOPS = sizeof loops / sizeof *loops };

static function *loop;

static void gradient_of_loop(int64_t n)
{
    ad_grad(loop)(ad_ones(AD_SHAPE(n, WIDTH)));
}

static void pullback_of_loop(int64_t n)
{
    ad_pullback *pull;
    ad_array *y = ad_vjp(loop, ad_ones(AD_SHAPE(n, WIDTH)), &pull);
    ad_vjp_apply(pull, y);
    ad_vjp_free(pull);
}

static ad_array *checkpointed(ad_array *x)
{
    return ad_checkpoint(loop)(x);
}

static void gradient_of_checkpoint(int64_t n)
{
    ad_grad(checkpointed)(ad_ones(AD_SHAPE(n, WIDTH)));
}

static ad_array *squares_of_gradient(ad_array *x)
{
    return sum_of_squares(ad_grad(loop)(x));
}

static void second_derivative_of_loop(int64_t n)
{
    ad_grad(squares_of_gradient)(ad_ones(AD_SHAPE(n, WIDTH)));
}

static void product_with_hessian(int64_t n)
{
    ad_array *x = ad_ones(AD_SHAPE(n, WIDTH));
    ad_hvp(loop)(x, x);
}

START_TEST(gradients_of_loops_over_parts_are_linear)
{
    for (int i = 0; i < LOOPS; i++) {
        loop = loops[i].function;
        check_growth(loops[i].name, gradient_of_loop, 64);
    }
}
END_TEST

START_TEST(pullbacks_and_checkpoints_of_loops_over_parts_are_linear)
{
    loop = rows;
    check_growth("pullback", pullback_of_loop, 64);
    check_growth("checkpoint", gradient_of_checkpoint, 64);
}
END_TEST

START_TEST(second_derivatives_of_loops_over_parts_are_linear)
{
    for (int i = 0; i < LOOPS; i++) {
        loop = loops[i].function;
        check_growth(loops[i].name, second_derivative_of_loop, 64);
        check_growth(loops[i].name, product_with_hessian, 64);
    }
}
END_TEST

/* ---- loops of updates: the value takes a copy of the whole for each, the sweep does not ---- */

/* UPDATES(sets, update) defines a function of a vector that updates each of its elements. */
#define UPDATES(name, update)                                                                                          \
    static ad_array *name(ad_array *x)                                                                                 \
    {                                                                                                                  \
        for (int i = 0; i < ad_dim(x, 0); i++) {                                                                       \
            AD_SCOPE;                                                                                                  \
            x = ad_escape(update);                                                                                     \
        }                                                                                                              \
        return ad_sin(x);                                                                                              \
    }

UPDATES(sets, ad_at_set(x, ad_cos(ad_at(x, "%d", i)), "%d", i))
UPDATES(adds, ad_at_add(x, ad_cos(ad_at(x, "%d", i / 2)), "%d", i))
UPDATES(products, ad_at_mul(x, ad_cos(ad_at(x, "%d:%d", i, i + 2)), "%d:%d", i, i + 2))
UPDATES(places_set, ad_put_set(x, i, ad_cos(ad_take(x, i))))
UPDATES(places_added_to, ad_put_add(x, i, ad_cos(ad_take(x, i))))

static ad_pullback *pullbacks[2];

static void sweep_of_updates(int64_t n)
{
    ad_vjp_apply(pullbacks[n > 256], ad_ones(AD_SHAPE(n)));
}

START_TEST(sweeps_of_loops_of_updates_are_linear)
{
    function *const updates[] = { sets, adds, products, places_set, places_added_to };
    for (size_t i = 0; i < sizeof updates / sizeof *updates; i++) {
        for (int k = 0; k < 2; k++)
            ck_assert(ad_vjp(updates[i], ad_ones(AD_SHAPE(k ? FACTOR * 256 : 256)), &pullbacks[k]) != NULL);
        check_growth("updates", sweep_of_updates, 256);
        for (int k = 0; k < 2; k++)
            ad_vjp_free(pullbacks[k]);
    }
}
END_TEST

/* ---- finding things by name ---- */

static ad_tree_item names_and_numbers[2 * 16384];

static ad_tree *tree_of_many(int64_t n)
{
    static char names[16384][12];
    ad_array *x = ad_scalar(1);
    for (int64_t i = 0; i < n; i++) {
        snprintf(names[i], sizeof *names, "w%lld", (long long)i);
        names_and_numbers[2 * i] = (ad_tree_item){ AD_ITEM_NAME, names[i] };
        names_and_numbers[2 * i + 1] = (ad_tree_item){ AD_ITEM_ARRAY, x };
    }
    return ad_tree_from(names_and_numbers, 2 * (int)n);
}

static void entries_by_name(int64_t n)
{
    ad_tree *t = tree_of_many(n);
    for (int64_t i = 0; i < n; i++)
        ck_assert(ad_tree_get(t, names_and_numbers[2 * i].value) != NULL);
    ck_assert(!ad_tree_has(t, "w") && !ad_tree_has(t, "w00"));
}

static void entries_by_position(int64_t n)
{
    tree_of_many(n);
    for (int64_t i = 0; i < n; i++)
        names_and_numbers[i] = (ad_tree_item){ AD_ITEM_ARRAY, ad_scalar(1) };
    ad_tree *t = ad_list_from(names_and_numbers, (int)n);
    for (int64_t i = 0; i < n; i++) {
        char name[24];
        snprintf(name, sizeof name, "%lld", (long long)i);
        ck_assert(ad_tree_get(t, name) != NULL);
    }
}

START_TEST(entries_are_found_by_name_in_linear_time)
{
    check_growth("names", entries_by_name, 1024);
    check_growth("positions", entries_by_position, 1024);
}
END_TEST

/* Functions that are never called. */
static void functions_of_many_pointers(int64_t n)
{
    static uintptr_t made = 0x10000;
    for (int64_t i = 0; i < n; i++)
        ck_assert(ad_grad_fn(ad_function_of((void (*)(void))made++, "a(a)"), 0) != NULL);
}

START_TEST(functions_are_found_in_linear_time)
{
    check_growth("functions", functions_of_many_pointers, 512);
}
END_TEST

static ad_array *named_often(ad_array *x, int64_t length)
{
    char name[32];
    for (int64_t i = 0; i < length; i++) {
        snprintf(name, sizeof name, "y%lld", (long long)i);
        x = ad_name(ad_name(ad_add(x, 1), name), "x");
    }
    return x;
}

static void traces_of_names(int64_t length)
{
    FILE *nowhere = fopen("/dev/null", "w");
    ad_fn *fn = ad_function(named_often, "a(a,l)");
    ck_assert(nowhere && ad_fprint_trace(nowhere, fn, ad_zeros(AD_SHAPE(2)), length) && ad_trace_dot(nowhere, fn, ad_zeros(AD_SHAPE(2)), length));
    fclose(nowhere);
}

START_TEST(traces_are_written_in_linear_time)
{
    check_growth("traces", traces_of_names, 512);
}
END_TEST

RUN_TESTS("growth", gradients_of_loops_over_parts_are_linear, pullbacks_and_checkpoints_of_loops_over_parts_are_linear,
          second_derivatives_of_loops_over_parts_are_linear, sweeps_of_loops_of_updates_are_linear,
          entries_are_found_by_name_in_linear_time, functions_are_found_in_linear_time, traces_are_written_in_linear_time)
