/* Derivatives of extrema over many elements, which go to places, against those of the mean of the elements that a mask
 * marks: every nesting of modes, over any axes and strides, with one, two and more that attain it, NaN and infinities
 * among them. */
#include "testing.h"

/* Which axes, what of them stays, and which extremum: the functions below are of one array. */
static struct {
    ad_axes axes;
    bool keepdims, min;
} way;

static ad_array *extremum(ad_array *x)
{
    ad_reduce_options options = AD_REDUCE_DEFAULTS;
    options.axes = way.axes;
    options.keepdims = way.keepdims;
    return way.min ? ad_min_with(x, options) : ad_max_with(x, options);
}

static ad_array *mean_of_marked(ad_array *x)
{
    ad_array *constant = ad_stop_gradient(x);
    ad_array *y = way.min ? ad_min(constant, .axes = way.axes, .keepdims = true) : ad_max(constant, .axes = way.axes, .keepdims = true);
    ad_array *marked = ad_logical_or(ad_equal(constant, y), ad_not_equal(constant, constant));
    ad_array *count = ad_astype(ad_sum(marked, .axes = way.axes, .keepdims = way.keepdims), ad_dtype_of(x));
    return ad_div(ad_sum(ad_where(marked, x, 0), .axes = way.axes, .keepdims = way.keepdims), count);
}

/* Not linear, and another function of each element of the result: ad_arange makes them differ. */
static ad_array *weighted(ad_array *x, ad_array *y)
{
    ad_array *weight = ad_reshape(ad_astype(ad_add(1, ad_arange(ad_size(y))), ad_dtype_of(y)), ad_shape_of(y));
    return ad_real(ad_add(ad_sum(ad_mul(ad_sin(y), weight)), ad_mul(ad_sum(ad_square(x)), ad_sum(y))));
}

OF_X(over_places, weighted(x, extremum(ad_mul(x, ad_add(x, 3)))))
OF_X(over_a_mask, weighted(x, mean_of_marked(ad_mul(x, ad_add(x, 3)))))

/* Each takes its differentiation from one of the two functions. */
typedef ad_array *derivative(ad_array *(*f)(ad_array *), ad_array *x);

static ad_array *gradient(ad_array *(*f)(ad_array *), ad_array *x)
{
    return ad_grad(f)(x);
}

static ad_array *along_ones(ad_array *(*f)(ad_array *), ad_array *x)
{
    return ad_deriv(f)(x);
}

static ad_array *reverse_over_reverse(ad_array *(*f)(ad_array *), ad_array *x)
{
    return ad_elementwise_grad(ad_grad(f))(x);
}

static ad_array *forward_over_reverse(ad_array *(*f)(ad_array *), ad_array *x)
{
    return ad_deriv(ad_grad(f))(x);
}

static ad_array *reverse_over_forward(ad_array *(*f)(ad_array *), ad_array *x)
{
    return ad_grad(ad_deriv(f))(x);
}

static ad_array *forward_over_forward(ad_array *(*f)(ad_array *), ad_array *x)
{
    return ad_deriv(ad_deriv(f))(x);
}

static ad_array *third(ad_array *(*f)(ad_array *), ad_array *x)
{
    return ad_elementwise_grad(ad_deriv(ad_grad(f)))(x);
}

static ad_array *of_a_checkpoint(ad_array *(*f)(ad_array *), ad_array *x)
{
    return ad_grad(ad_checkpoint(f))(x);
}

static const struct {
    const char *name;
    derivative *of;
} derivatives[] = {
    { "gradient", gradient }, { "forward", along_ones }, { "reverse over reverse", reverse_over_reverse }, { "forward over reverse", forward_over_reverse },
    { "reverse over forward", reverse_over_forward }, { "forward over forward", forward_over_forward }, { "third", third }, { "checkpoint", of_a_checkpoint },
};

/* The real parts, then the imaginary ones. */
static double *numbers_of(ad_array *x, int64_t *count)
{
    ck_assert_msg(x != NULL, "%s", ad_error_message());
    ad_array *both = ad_astype(ad_stack(ad_list_of(ad_real(x), ad_imag(x))), AD_F64);
    *count = ad_size(both);
    double *numbers = malloc((size_t)*count * sizeof *numbers);
    ck_assert(ad_copy_to(both, numbers, *count));
    return numbers;
}

static void check_derivatives(ad_array *x, const char *what)
{
    bool single = ad_dtype_of(x) == AD_F32 || ad_dtype_of(x) == AD_C64;
    for (size_t k = 0; k < sizeof derivatives / sizeof *derivatives; k++) {
        AD_SCOPE;
        int64_t count, same;
        double *actual = numbers_of(derivatives[k].of(over_places, x), &count), *expected = numbers_of(derivatives[k].of(over_a_mask, x), &same);
        ck_assert_int_eq(count, same);
        int64_t i = 0;
        while (i < count && is_close(actual[i], expected[i], single ? 1e-3 : 1e-10))
            i++;
        ck_assert_msg(i == count, "%s, %s, %s over axes %d: element %lld is %.17g, expected %.17g", what, derivatives[k].name, ad_dtype_name(ad_dtype_of(x)),
                      way.axes.count, (long long)i, actual[i], expected[i]);
        free(actual);
        free(expected);
    }
}

/* Numbers of [-1, 1) in steps of 1 / steps. */
static ad_array *numbers(ad_shape shape, int64_t steps, uint64_t seed)
{
    int64_t n = ad_shape_size(shape);
    double *values = malloc((size_t)n * sizeof *values);
    for (int64_t i = 0; i < n; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        values[i] = (double)((int64_t)(seed >> 33) % (2 * steps) - steps) / (double)steps;
    }
    ad_array *x = ad_from(values, shape);
    free(values);
    return x;
}

static const ad_axes some_axes[] = { { .count = 0 }, { .count = 1, .axis = { 0 } }, { .count = 1, .axis = { 1 } }, { .count = 2, .axis = { 0, 2 } },
                                     { .count = 2, .axis = { 1, 2 } }, { .count = 3, .axis = { 0, 1, 2 } } };

#define FOR_EACH_WAY()                                                                                                 \
    for (int w_ = 0; w_ < 4 * (int)(sizeof some_axes / sizeof *some_axes) &&                                           \
                     (way.axes = some_axes[w_ / 4], way.keepdims = w_ & 1, way.min = w_ & 2, true); w_++)

/* Few steps make many equals. */
START_TEST(derivatives_go_to_what_attains_it)
{
    static const int64_t steps[] = { 1 << 24, 60, 2 };
    static const ad_dtype dtypes[] = { AD_F64, AD_F32 };
    FOR_EACH_WAY()
        for (int k = 0; k < 3; k++)
            for (int d = 0; d < 2; d++) {
                AD_SCOPE;
                check_derivatives(ad_astype(numbers(AD_SHAPE(40, 33, 3), steps[k], (uint64_t)(k + 1)), dtypes[d]), k == 0 ? "all differ" : "some are equal");
            }
}
END_TEST

START_TEST(complex_numbers_are_shared_out_alike)
{
    FOR_EACH_WAY()
        for (int d = 0; d < 2; d++) {
            AD_SCOPE;
            ad_array *real = numbers(AD_SHAPE(34, 33, 2), 40, 5), *imaginary = numbers(AD_SHAPE(34, 33, 2), 2, 6);
            check_derivatives(ad_astype(ad_add(real, ad_mul(imaginary, ad_from_data(AD_C128, (const double[]){ 0, 1 }, AD_SHAPE()))), d ? AD_C64 : AD_C128), "complex");
        }
}
END_TEST

START_TEST(strides_make_no_difference)
{
    FOR_EACH_WAY() {
        AD_SCOPE;
        ad_array *x = numbers(AD_SHAPE(33, 8, 34), 2000, 7);
        check_derivatives(ad_transpose(ad_at(x, ":, ::2, :")), "transposed, every other");
        check_derivatives(ad_flip(ad_at(x, "..., ::7")), "backwards");
        check_derivatives(ad_broadcast_to(ad_at(x, ":, 1:2, :4"), AD_SHAPE(33, 33, 4)), "broadcast");
    }
}
END_TEST

/* Where the result is NaN, the NaN attain it. */
START_TEST(nan_and_infinities_attain_it)
{
    way.keepdims = way.min = false;
    way.axes = some_axes[2];
    ad_array *x = numbers(AD_SHAPE(4, 80), 1 << 20, 9);
    x = ad_at_set(ad_at_set(ad_at_set(x, NAN, "1, 3"), NAN, "1, 70"), NAN, "2, 5");
    ad_array *g = ad_elementwise_grad(extremum)(x), *rows = ad_sum(g, .axis = 1);
    assert_array(rows, AD_SHAPE(4), 0, 1, 1, 1, 1);
    assert_array(ad_take(g, ad_astype(VECTOR(83, 150, 165), AD_I64)), AD_SHAPE(3), 0, 0.5, 0.5, 1);
    x = ad_full(AD_SHAPE(50), -INFINITY);
    way.axes = some_axes[0];
    assert_close(ad_item(ad_sum(ad_grad(extremum)(x))), 1, 1e-15);
    x = ad_at_set(ad_at_set(ad_zeros(AD_SHAPE(50)), INFINITY, "7"), INFINITY, "40");
    assert_close(ad_item(ad_at(ad_grad(extremum)(x), "7")), 0.5, 0);
    assert_close(ad_item(ad_deriv(extremum)(x)), 1, 0);
}
END_TEST

OF_X(log_sum_exp, ad_add(ad_max(x), ad_log(ad_sum(ad_exp(ad_sub(x, ad_max(x)))))))
OF_X(with_initial, ad_sum(ad_square(ad_max(x, .axis = 0, .initial = ad_weak_real(0.9), .where = ad_greater(ad_stop_gradient(x), 0)))))
OF_X(softmax_by_hand, ad_div(ad_exp(ad_sub(x, ad_max(x))), ad_sum(ad_exp(ad_sub(x, ad_max(x))))))

START_TEST(cotangents_of_extrema_join_those_that_are_there)
{
    ad_array *x = ad_mul(numbers(AD_SHAPE(1000), 1 << 20, 11), 5);
    assert_close(ad_item(ad_max(ad_abs(ad_sub(ad_grad(log_sum_exp)(x), softmax_by_hand(x))))), 0, 1e-15);
    ck_assert(ad_check_grads(log_sum_exp, ad_at(x, ":64")));
    ck_assert(ad_check_grads(with_initial, ad_reshape(ad_at(x, ":120"), AD_SHAPE(60, 2))));
}
END_TEST

START_TEST(nothing_is_left_when_memory_fails)
{
    way.keepdims = way.min = false;
    way.axes = some_axes[2];
    assert_every_allocation_may_fail(ad_grad(over_places), numbers(AD_SHAPE(3, 100), 1 << 20, 13));
    assert_every_allocation_may_fail(ad_grad(over_places), numbers(AD_SHAPE(3, 100), 60, 13));
    assert_every_allocation_may_fail(ad_deriv(ad_grad(over_places)), numbers(AD_SHAPE(3, 100), 60, 13));
}
END_TEST

RUN_TESTS("extrema", derivatives_go_to_what_attains_it, complex_numbers_are_shared_out_alike, strides_make_no_difference, nan_and_infinities_attain_it,
          cotangents_of_extrema_join_those_that_are_there, nothing_is_left_when_memory_fails)
