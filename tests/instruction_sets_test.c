/* Sorts, positions, reductions and moves as they are compiled for each instruction set that this processor has, against
 * those for the plainest one: the same bits, of every dtype, at lengths around what vectors and blocks hold. A unit
 * test of internals: a program cannot choose. And complex products, whose bits may not depend on what the compiler
 * makes of them. */
#include "testing.h"
#include "array/context.h"
#include "array/dtype.h"
#include "kernels/kernels.h"

extern const struct ad_loops ad_loops_baseline;
#ifdef __x86_64__
extern const struct ad_loops ad_loops_avx2, ad_loops_avx512;
#endif

static const struct ad_loops *sets[3];
static int sets_count;

static void find_sets(void)
{
    sets_count = 0;
    sets[sets_count++] = &ad_loops_baseline;
#ifdef __x86_64__
    const struct ad_loops *best = ad_loops_for_this_cpu();
    if (best == &ad_loops_avx512 || best == &ad_loops_avx2)
        sets[sets_count++] = &ad_loops_avx2;
    if (best == &ad_loops_avx512)
        sets[sets_count++] = &ad_loops_avx512;
#endif
}

/* ---- what is compared, of x with two axes ---- */

static ad_array *squares_of_extrema(ad_array *x)
{
    return ad_sum(ad_square(ad_add(ad_max(x, .axis = 1, .keepdims = true), ad_min(x, .axis = 0))));
}

static ad_array *squares_in_order(ad_array *x)
{
    return ad_sum(ad_square(ad_sort(x)));
}

/* Places in x, some of them counted from the end. */
static ad_array *places_in(ad_array *x)
{
    int64_t n = ad_size(x);
    return ad_sub(ad_mod(ad_mul(ad_arange(n), 7), 2 * n), n);
}

static ad_array *only_floats(ad_array *x)
{
    ad_dtype dtype = ad_dtype_of(x);
    return dtype == AD_F64 || dtype == AD_F32 ? x : ad_astype(ad_real(x), AD_F64);
}

/* What moves elements; and what computes with them, where one NaN is as good as another. */
#define MOVES(X)                                                                                                       \
    X(sorted, ad_sort(x))                                                                                              \
    X(sorted_columns, ad_sort(x, .axis = 0))                                                                           \
    X(sorted_all, ad_sort(x, .axis = AD_NO_AXIS))                                                                      \
    X(order, ad_argsort(x))                                                                                            \
    X(order_of_columns, ad_argsort(x, .axis = 0))                                                                      \
    X(order_of_all, ad_argsort(x, .axis = AD_NO_AXIS))                                                                 \
    X(place_of_largest, ad_argmax(x))                                                                                  \
    X(places_of_largest, ad_argmax(x, .axis = 1))                                                                      \
    X(places_of_largest_in_columns, ad_argmax(x, .axis = 0))                                                           \
    X(place_of_smallest, ad_argmin(x))                                                                                 \
    X(places_of_smallest, ad_argmin(x, .axis = 1))                                                                     \
    X(largest, ad_max(x))                                                                                              \
    X(largest_of_rows, ad_max(x, .axis = 1))                                                                           \
    X(largest_of_columns, ad_max(x, .axis = 0))                                                                        \
    X(smallest, ad_min(x))                                                                                             \
    X(smallest_of_rows, ad_min(x, .axis = 1))                                                                          \
    X(smallest_of_columns, ad_min(x, .axis = 0))                                                                       \
    X(any, ad_any(x, .axis = 1))                                                                                       \
    X(all, ad_all(x, .axis = 0))                                                                                       \
    X(true_places, ad_flatnonzero(x))                                                                                  \
    X(true_elements, ad_compress(ad_ravel(x), ad_ravel(x)))                                                            \
    X(taken, ad_take(x, places_in(x)))                                                                                 \
    X(put, ad_put_set(x, places_in(x), ad_ravel(x)))                                                                   \
    X(repeated, ad_repeat(x, 5))
#define SUMS(X)                                                                                                        \
    X(sum, ad_sum(x))                                                                                                  \
    X(sums_of_rows, ad_sum(x, .axis = 1))                                                                              \
    X(sums_of_columns, ad_sum(x, .axis = 0))                                                                           \
    X(product, ad_prod(x))                                                                                             \
    X(variance, ad_var(only_floats(x), .axis = 1))                                                                     \
    X(running_sum, ad_cumsum(x))                                                                                       \
    X(added, ad_put_add(x, places_in(x), ad_ravel(x)))                                                                 \
    X(converted, ad_astype(x, AD_C64))                                                                                 \
    X(gradient_of_extrema, ad_grad(squares_of_extrema)(only_floats(x)))                                                \
    X(gradient_of_order, ad_grad(squares_in_order)(only_floats(x)))

#define DEFINE(name, expression) OF_X(name##_of, expression)
MOVES(DEFINE)
SUMS(DEFINE)

#define MOVE(name, expression) { #name, name##_of, true },
#define SUM(name, expression)  { #name, name##_of, false },
static const struct {
    const char *name;
    ad_array *(*f)(ad_array *);
    bool moves;
} functions[] = { MOVES(MOVE) SUMS(SUM) };
enum { COUNT = sizeof functions / sizeof *functions };

/* ---- the inputs ---- */

static uint64_t noise(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

/* Few different numbers or many; with `special`, zeros of both signs, infinities and NaN of both signs are among
 * them. */
static ad_array *numbers(int64_t rows, int64_t n, uint64_t different, bool special, uint64_t seed)
{
    static const double specials[] = { 0.0, -0.0, INFINITY, -INFINITY, NAN, -NAN };
    double *values = malloc((size_t)(rows * n) * sizeof *values);
    for (int64_t i = 0; i < rows * n; i++) {
        values[i] = (double)(noise(&seed) % different) / 4 - (double)(different / 8);
        if (special && noise(&seed) % 16 == 0)
            values[i] = specials[noise(&seed) % (sizeof specials / sizeof *specials)];
    }
    ad_array *x = ad_from(values, AD_SHAPE(rows, n));
    free(values);
    return x;
}

/* x with every NaN the same. */
static ad_array *one_nan(ad_array *x)
{
    if (!ad_dtype_is_complex(ad_dtype_of(x)))
        return ad_where(ad_equal(x, x), x, NAN);
    return ad_stack(ad_list_of(one_nan(ad_real(x)), one_nan(ad_imag(x))));
}

static bool is_same(ad_array *x, ad_array *y, bool moves)
{
    if (!x || !y)
        return !x && !y; /* some are not defined for every dtype */
    if (!moves && ad_dtype_is_inexact(ad_dtype_of(x))) {
        x = one_nan(x);
        y = one_nan(y);
    }
    return memcmp(ad_data(x), ad_data(y), (size_t)ad_size(x) * ad_dtype_size(ad_dtype_of(x))) == 0;
}

static void check_all(ad_array *x, const char *what)
{
    ad_context *c = ad_current();
    for (int k = 0; k < COUNT; k++) {
        AD_SCOPE;
        ad_array *results[3];
        for (int s = 0; s < sets_count; s++) {
            c->loops = sets[s];
            results[s] = functions[k].f(x);
            ad_clear_error();
        }
        c->loops = ad_loops_for_this_cpu();
        if (!results[0] && ad_dtype_of(x) == AD_F64)
            ck_abort_msg("%s fails", functions[k].name);
        for (int s = 1; s < sets_count; s++)
            if (!is_same(results[s], results[0], functions[k].moves))
                ck_abort_msg("%s of %s, %s, shape (%lld,%lld): %s differs from %s", functions[k].name, ad_dtype_name(ad_dtype_of(x)), what,
                             (long long)ad_dim(x, 0), (long long)ad_dim(x, 1), sets[s]->instruction_set, sets[0]->instruction_set);
    }
}

START_TEST(instruction_sets_give_the_same_bits)
{
    static const int64_t lengths[] = { 1, 2, 7, 15, 16, 17, 31, 33, 64, 65, 127, 255, 257, 500, 1024, 1025, 3000 };
    static const uint64_t different[] = { 2, 40, 1000000 };
    find_sets();
    ad_set_num_threads(1);
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
        for (int kind = 0; kind < 6; kind++)
            for (int dtype = 0; dtype < AD_DTYPE_COUNT; dtype++) {
                AD_SCOPE;
                bool special = kind & 1 && ad_dtype_is_inexact((ad_dtype)dtype);
                ad_array *x = ad_astype(numbers(3, lengths[l], different[kind / 2], special, (uint64_t)(l + 1)), (ad_dtype)dtype);
                if (dtype == AD_C128 || dtype == AD_C64)
                    x = ad_add(x, ad_mul(x, ad_from_data(AD_C64, (const float[]){ 0, 1 }, AD_SHAPE())));
                check_all(x, special ? "with special numbers" : "finite");
                check_all(ad_transpose(x), "transposed");
                check_all(ad_at(x, ":, ::-2"), "backwards, every other");
            }
}
END_TEST

/* ---- complex products ---- */

enum { PRODUCTS = 100 };

/* x y of which each product is rounded, as volatile numbers are. */
static ad_array *rounded_product(ad_array *x, ad_array *y)
{
    int64_t n = ad_size(x);
    const double *a = ad_data(ad_copy(x)), *b = ad_data(ad_copy(y));
    double values[2 * 3 * PRODUCTS];
    for (int64_t i = 0; i < n; i++) {
        volatile double re = a[2 * i] * b[2 * i], im = a[2 * i + 1] * b[2 * i + 1], cross = a[2 * i] * b[2 * i + 1], other = a[2 * i + 1] * b[2 * i];
        values[2 * i] = re - im;
        values[2 * i + 1] = cross + other;
    }
    return ad_from_data(AD_C128, values, ad_shape_of(x));
}

static void assert_same_bits(ad_array *x, ad_array *y, const char *what)
{
    ck_assert_msg(x && y && ad_size(x) == ad_size(y), "%s: %s", what, ad_error_message());
    ck_assert_msg(memcmp(ad_data(ad_copy(x)), ad_data(ad_copy(y)), (size_t)ad_size(x) * 16) == 0, "%s is joined with a sum", what);
}

/* A build for a processor with fused multiply-adds has the same. */
START_TEST(parts_of_complex_products_are_rounded_before_they_are_added)
{
    AD_SCOPE;
    ad_array *parts = ad_random_normal(ad_random_key(5), AD_SHAPE(4, PRODUCTS)), *i = ad_from_data(AD_C64, (const float[]){ 0, 1 }, AD_SHAPE());
    ad_array *x = ad_add(ad_at(parts, "0"), ad_mul(ad_at(parts, "1"), i)), *y = ad_add(ad_at(parts, "2"), ad_mul(ad_at(parts, "3"), i));
    ad_array *product = rounded_product(x, y), *pairs = ad_stack(ad_list_of(x, y));
    assert_same_bits(ad_mul(x, y), product, "mul");
    assert_same_bits(ad_square(x), rounded_product(x, x), "square");
    assert_same_bits(ad_prod(pairs, .axis = 0), product, "prod");
    assert_same_bits(ad_at(ad_cumprod(pairs, .axis = 0), "1"), product, "cumprod");
    ad_array *recurrence = ad_linear_recurrence(ad_stack(ad_list_of(x, x)), ad_stack(ad_list_of(y, ad_zeros_like(y))), .axis = 0);
    assert_same_bits(ad_at(recurrence, "1"), product, "linear_recurrence");
    ad_array *column = ad_at(x, ":, None"), *row = ad_at(y, "None, :3");
    ad_shape shape = AD_SHAPE(PRODUCTS, 3);
    assert_same_bits(ad_matmul(column, row), rounded_product(ad_broadcast_to(column, shape), ad_broadcast_to(row, shape)), "matmul");
}
END_TEST

START_TEST(infinities_are_multiplied_in_a_recurrence_as_by_mul)
{
    AD_SCOPE;
    ad_array *x = ad_from_data(AD_C128, (const double[]){ 1, 0, INFINITY, INFINITY }, AD_SHAPE(2)), *ones = ad_ones_like(x);
    ad_array *y = ad_linear_recurrence(x, ones), *expected = ad_add(ad_mul(x, ones), ones);
    ck_assert(isnan(ad_item(ad_real(ad_at(expected, "1")))) && isnan(ad_item(ad_imag(ad_at(expected, "1")))));
    ck_assert(isnan(ad_item(ad_real(ad_at(y, "1")))) && isnan(ad_item(ad_imag(ad_at(y, "1")))));
}
END_TEST

RUN_TESTS("instruction sets", instruction_sets_give_the_same_bits, parts_of_complex_products_are_rounded_before_they_are_added,
          infinities_are_multiplied_in_a_recurrence_as_by_mul)
