/* Points where rules are conventions: ties, zeros, bounds, empty parts. Both modes give one gradient there, all four
 * nestings of modes one Hessian, and it is symmetric. */
#include "indexing.h"

enum { N = 4 };

typedef ad_array *function(ad_array *);

/* ---- gradients and Hessians by every mode ---- */

static function *tested;
static ad_array *along;

static ad_array *unit(int i)
{
    double e[N] = { 0 };
    e[i] = 1;
    return ad_from(e, AD_SHAPE(N));
}

static ad_array *total(ad_array *x)
{
    return ad_sum(tested(x));
}

static ad_array *tangent(function *f, ad_array *x, ad_array *v)
{
    ad_array *t;
    return ad_jvp(f, x, v, &t) ? t : NULL;
}

static ad_array *slope_in_reverse(ad_array *x)
{
    return ad_vdot(ad_grad(total)(x), along);
}

static ad_array *slope_in_forward(ad_array *x)
{
    return tangent(total, x, along);
}

/* Elements by forward mode. */
static ad_array *gradient_in_forward(function *f, ad_array *x)
{
    ad_tree_item items[N];
    for (int i = 0; i < N; i++)
        items[i] = (ad_tree_item){ AD_ITEM_ARRAY, tangent(f, x, unit(i)) };
    return ad_stack(ad_list_from(items, N));
}

enum nesting { RR, RF, FR, FF, NESTINGS };
static const char *const nesting_names[NESTINGS] = { "reverse over reverse", "reverse over forward", "forward over reverse", "forward over forward" };

static ad_array *hessian_row(enum nesting nesting, ad_array *x, int i)
{
    along = unit(i);
    switch (nesting) {
    case RR: return ad_grad(slope_in_reverse)(x);
    case RF: return ad_grad(slope_in_forward)(x);
    case FR: return gradient_in_forward(slope_in_reverse, x);
    default: return gradient_in_forward(slope_in_forward, x);
    }
}

static void take(ad_array *row, double *values, const char *name)
{
    ck_assert_msg(row && ad_copy_to(row, values, N), "%s: %s", name, ad_error_message());
}

static void check_at(const char *name, function *f, const double *point)
{
    AD_SCOPE;
    double reverse[N], forward[N], h[NESTINGS][N][N];
    ad_array *x = ad_from(point, AD_SHAPE(N));
    tested = f;
    take(ad_grad(total)(x), reverse, name);
    take(gradient_in_forward(total, x), forward, name);
    for (int nesting = 0; nesting < NESTINGS; nesting++)
        for (int i = 0; i < N; i++)
            take(hessian_row((enum nesting)nesting, x, i), h[nesting][i], name);
    for (int i = 0; i < N; i++) {
        ck_assert_msg(is_close(reverse[i], forward[i], 1e-12), "%s at (%g, %g, %g, %g): slope %d is %g in reverse mode, %g in forward mode", name, point[0], point[1],
                      point[2], point[3], i, reverse[i], forward[i]);
        for (int j = 0; j < N; j++)
            for (int nesting = 0; nesting < NESTINGS; nesting++)
                ck_assert_msg(is_close(h[nesting][i][j], h[RR][j][i], 1e-10), "%s at (%g, %g, %g, %g): element (%d, %d) of the Hessian is %g by %s, (%d, %d) is %g by %s",
                              name, point[0], point[1], point[2], point[3], i, j, h[nesting][i][j], nesting_names[nesting], j, i, h[RR][j][i], nesting_names[RR]);
    }
}

/* ---- functions ---- */

#define MATRIX ad_reshape(x, AD_SHAPE(2, 2))
#define A      ad_at(x, ":2")
#define B      ad_at(x, "2:")
#define TWICE  AD_INDICES(AD_PICK(INTEGERS(AD_SHAPE(2), 0, 0)))

/* FUNCTIONS(X): X(name, function of x); A and B are its halves. */
#define FUNCTIONS(X)                                                                                                   \
    X(sum, ad_square(ad_sum(x)))                                                                                       \
    X(product, ad_prod(x))                                                                                             \
    X(products_of_columns, ad_square(ad_prod(MATRIX, .axis = 0)))                                                      \
    X(variance, ad_square(ad_var(x)))                                                                                  \
    X(deviation, ad_std(x))                                                                                            \
    X(squared_deviation, ad_square(ad_std(x)))                                                                         \
    X(deviation_and_sum, ad_mul(ad_std(x), ad_sum(x)))                                                                 \
    X(deviations_of_columns, ad_square(ad_std(MATRIX, .axis = 0)))                                                     \
    X(largest, ad_square(ad_max(x)))                                                                                   \
    X(largest_of_columns, ad_square(ad_max(MATRIX, .axis = 0)))                                                        \
    X(smallest, ad_exp(ad_min(x)))                                                                                     \
    X(largest_square, ad_max(ad_square(x)))                                                                            \
    X(largest_by_smallest, ad_mul(ad_max(x), ad_min(x)))                                                               \
    X(range, ad_square(ad_ptp(x)))                                                                                     \
    X(norm, ad_linalg_norm(x))                                                                                         \
    X(squared_norm, ad_square(ad_linalg_norm(x)))                                                                      \
    X(norm_and_sum, ad_mul(ad_linalg_norm(x), ad_sum(x)))                                                              \
    X(norm_1, ad_square(ad_linalg_norm(x, .ord = 1)))                                                                  \
    X(norm_1_5, ad_square(ad_linalg_norm(x, .ord = 1.5)))                                                              \
    X(norm_3, ad_square(ad_linalg_norm(x, .ord = 3)))                                                                  \
    X(norm_4, ad_square(ad_linalg_norm(x, .ord = 4)))                                                                  \
    X(norm_half, ad_square(ad_linalg_norm(x, .ord = 0.5)))                                                             \
    X(norm_minus_2, ad_square(ad_linalg_norm(x, .ord = -2)))                                                           \
    X(norm_largest, ad_square(ad_linalg_norm(x, .ord = INFINITY)))                                                     \
    X(norm_smallest, ad_square(ad_linalg_norm(x, .ord = -INFINITY)))                                                   \
    X(norm_of_columns, ad_square(ad_linalg_norm(MATRIX, .ord = 1)))                                                    \
    X(norm_frobenius, ad_square(ad_linalg_norm(MATRIX, .ord = AD_NORM_FRO)))                                           \
    X(norm_nuclear, ad_square(ad_linalg_norm(MATRIX, .ord = AD_NORM_NUC)))                                             \
    X(norm_spectral, ad_square(ad_linalg_norm(MATRIX, .ord = 2)))                                                      \
    X(norm_least_singular, ad_square(ad_linalg_norm(MATRIX, .ord = -2)))                                               \
    X(sorted, ad_mul(ad_square(ad_sort(x)), VECTOR(1, 2, -3, 4)))                                                      \
    X(sorted_both_ways, ad_mul(ad_sort(x), ad_flip(ad_sort(x))))                                                       \
    X(running_products, ad_square(ad_cumprod(x)))                                                                      \
    X(running_products_back, ad_cumprod(x, .reverse = true))                                                           \
    X(running_products_of_others, ad_square(ad_cumprod(x, .exclusive = true)))                                         \
    X(running_sums, ad_square(ad_cumsum(x)))                                                                           \
    X(recurrence, ad_square(ad_linear_recurrence(A, B)))                                                               \
    X(recurrence_of_one, ad_square(ad_linear_recurrence(x, x)))                                                        \
    X(recurrence_back, ad_linear_recurrence(x, ad_square(x), .reverse = true))                                         \
    X(clip, ad_square(ad_clip(x, 0, 1)))                                                                               \
    X(clip_to_operand, ad_square(ad_clip(A, B, 2)))                                                                    \
    X(clip_to_itself, ad_square(ad_clip(x, ad_flip(x), 1)))                                                            \
    X(maximum, ad_square(ad_maximum(A, B)))                                                                            \
    X(maximum_of_one, ad_square(ad_maximum(x, x)))                                                                     \
    X(maximum_and_zero, ad_square(ad_maximum(x, 0)))                                                                   \
    X(minimum_by_maximum, ad_mul(ad_minimum(A, B), ad_maximum(A, B)))                                                  \
    X(relu, ad_square(ad_relu(x)))                                                                                     \
    X(where_positive, ad_where(ad_greater(x, 0), ad_square(x), ad_mul(3, x)))                                          \
    X(where_root, ad_where(ad_greater(x, 0), ad_sqrt(x), ad_square(x)))                                                \
    X(absolute, ad_mul(ad_abs(x), x))                                                                                  \
    X(squared_absolute, ad_square(ad_abs(x)))                                                                          \
    X(gathered, ad_square(ad_at_list(x, TWICE)))                                                                       \
    X(set, ad_square(ad_at_set_list(x, B, TWICE)))                                                                     \
    X(added, ad_square(ad_at_add_list(x, B, TWICE)))                                                                   \
    X(multiplied, ad_square(ad_at_mul_list(x, B, TWICE)))                                                              \
    X(raised, ad_square(ad_at_max_list(x, B, TWICE)))                                                                  \
    X(lowered, ad_square(ad_at_min_list(x, B, TWICE)))                                                                 \
    X(sum_of_nothing, ad_mul(ad_add(ad_sum(ad_at(x, "2:2")), x), x))                                                   \
    X(product_of_nothing, ad_mul(ad_prod(ad_at(x, "2:2")), ad_square(x)))                                              \
    X(log_sum_exp, ad_square(ad_logsumexp(x)))                                                                         \
    X(softmax, ad_square(ad_softmax(x)))                                                                               \
    X(squared_hypot, ad_square(ad_hypot(A, B)))                                                                        \
    X(angle, ad_square(ad_arctan2(A, B)))                                                                              \
    X(power_of_small_slope, ad_mul(ad_abs(x), ad_sub(1, ad_pow(ad_abs(x), 1.1))))

#define DEFINE(name, expression) OF_X(name##_of, expression)
FUNCTIONS(DEFINE)

#define ROW(name, expression) { #name, name##_of },
static const struct row {
    const char *name;
    function *f;
} rows[] = { FUNCTIONS(ROW) };
enum { ROWS = sizeof rows / sizeof *rows };

START_TEST(all_nestings_agree_at_ties_zeros_and_bounds)
{
    static const double points[][N] = { { 0, 0, 0, 0 },  { 1, 1, 1, 1 }, { 1, 0, 0, 2 }, { 0, 1, 0, 1 },   { 1, 2, 1, 2 },          { 2, 1, -1, -2 },
                                        { 0, 0, 0, 1 },  { 1, 0, 0, 1 }, { -0.0, 0, 1, 1 }, { -1, -1, 2, 2 }, { 0.5, -0.3, 1.2, 0 }, { 3, 3, 0, 0 } };
    for (size_t i = 0; i < sizeof points / sizeof *points; i++)
        check_at(rows[_i].name, rows[_i].f, points[i]);
}
END_TEST

/* What is 0 with an infinite slope of its own counts as constant, and so does its square. */
START_TEST(norms_and_deviations_of_zero_are_constant_in_every_nesting)
{
    function *const functions[] = { norm_of, squared_norm_of, norm_and_sum_of, norm_frobenius_of, deviation_of, squared_deviation_of };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        for (int nesting = 0; nesting < NESTINGS; nesting++)
            for (int row = 0; row < N; row++) {
                tested = functions[i];
                assert_array(hessian_row((enum nesting)nesting, ad_zeros(AD_SHAPE(N)), row), AD_SHAPE(N), 0, 0, 0, 0, 0);
            }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("edges");
    TCase *tests = tcase_create("edges");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, all_nestings_agree_at_ties_zeros_and_bounds, 0, ROWS);
    tcase_add_test(tests, norms_and_deviations_of_zero_are_constant_in_every_nesting);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
