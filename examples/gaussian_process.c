/* A Gaussian process whose hyperparameters are found by the gradient of the marginal likelihood, through a Cholesky
 * factor.
 *
 * Forty noisy points of a function, with a gap between them. Amplitude, length scale and noise begin wrong and are
 * moved downhill by Newton's method on -log p(y) = y^T K^-1 y / 2 + log det(K) / 2 + n log(2 pi) / 2 (Rasmussen and
 * Williams 2006, equation 2.30). On the screen: a line a step, then what was found. In the picture: the curve before
 * and after, with two standard deviations, wide where nothing was seen. */
#include "example.h"
#include <math.h>
#include <stdio.h>

enum { POINTS = 40, GRID = 200 };
static const double made_with_noise = 0.15;

struct data {
    ad_array *x, *y;
};

static ad_array *truth(ad_array *x)
{
    return ad_add(ad_sin(ad_mul(1.5, x)), ad_mul(0.3, x));
}

/* Points on both sides of a gap. */
static struct data make_data(uint64_t seed)
{
    ad_key key = ad_random_key(seed);
    ad_array *left = ad_random_uniform(ad_random_fold_in(key, 0), AD_SHAPE(POINTS / 2), .low = -4, .high = 0);
    ad_array *right = ad_random_uniform(ad_random_fold_in(key, 1), AD_SHAPE(POINTS / 2), .low = 2, .high = 4);
    ad_array *x = ad_concatenate(ad_list_of(left, right));
    ad_array *noise = ad_random_normal(ad_random_fold_in(key, 2), AD_SHAPE(POINTS), .scale = made_with_noise);
    return (struct data){ x, ad_add(truth(x), noise) };
}

/* The logarithms of amplitude, length scale and noise, in this order. */
static ad_array *kernel(ad_array *logs, ad_array *a, ad_array *b)
{
    ad_array *amplitude = ad_exp(ad_at(logs, "0")), *length = ad_exp(ad_at(logs, "1"));
    ad_array *distance = ad_div(ad_sub(ad_expand_dims(a, 1), b), length);
    return ad_mul(ad_square(amplitude), ad_exp(ad_mul(-0.5, ad_square(distance))));
}

/* The lower factor of the covariance of what was measured. */
static ad_array *factor(ad_array *logs, ad_array *x)
{
    ad_array *variance = ad_exp(ad_mul(2, ad_at(logs, "2")));
    return ad_linalg_cholesky(ad_add(kernel(logs, x, x), ad_mul(ad_add(variance, 1e-10), ad_eye(ad_size(x)))));
}

static ad_array *negative_log_likelihood(ad_array *logs, void *context)
{
    const struct data *data = context;
    ad_array *l = factor(logs, data->x), *white = ad_linalg_solve_triangular(l, data->y, .lower = true);
    ad_array *half_log_det = ad_sum(ad_log(ad_diagonal(l)));
    return ad_add(ad_add(ad_mul(0.5, ad_sum(ad_square(white))), half_log_det), 0.5 * POINTS * log(2 * AD_PI));
}

/* Mean and standard deviation of the function at the points of a grid, as rows. */
static ad_array *predict(ad_array *logs, const struct data *data, ad_array *grid)
{
    ad_array *l = factor(logs, data->x), *across = kernel(logs, data->x, grid);
    ad_array *mean = ad_matmul(ad_transpose(across), ad_linalg_cho_solve(l, data->y, .lower = true));
    ad_array *known = ad_sum(ad_square(ad_linalg_solve_triangular(l, across, .lower = true)), .axis = 0);
    ad_array *variance = ad_sub(ad_exp(ad_mul(2, ad_at(logs, "0"))), known);
    return ad_stack(ad_list_of(mean, ad_sqrt(ad_maximum(variance, 0))));
}

static void print_step(int64_t step, double value, ad_array *logs)
{
    double at[3];
    ad_copy_to(ad_exp(logs), at, 3);
    printf("%4lld %12.5f %12.5f %12.5f %12.5f\n", (long long)step, value, at[0], at[1], at[2]);
}

int main(int argc, char **argv)
{
    struct options options = { .iterations = 30, .seed = 1 };
    read_options(&options, argc, argv, "gaussian_process: hyperparameters by the gradient of the marginal likelihood.\nUses --out, --iterations and --seed.\n");

    struct data data = make_data(options.seed);
    ad_array *logs = ad_from((double[]){ log(0.3), log(0.2), log(0.5) }, AD_SHAPE(3)), *start = logs;
    printf("%4s %12s %12s %12s %12s\n", "step", "-log p(y)", "amplitude", "length", "noise");
    double value = ad_item(negative_log_likelihood(logs, &data)), before = INFINITY;
    print_step(0, value, logs);
    for (int64_t step = 1; step <= options.iterations && before - value > 1e-10; step++) {
        before = value;
        logs = newton_step(negative_log_likelihood, logs, &data, &value);
        print_step(step, value, logs);
    }

    ad_array *grid = ad_linspace(-4.4, 4.4, .num = GRID), *after = predict(logs, &data, grid), *first = predict(start, &data, grid);
    ad_array *mean = ad_at(after, "0"), *twice = ad_mul(2, ad_at(after, "1")), *truly = truth(grid);
    double inside = ad_item(ad_mean(ad_astype(ad_less_equal(ad_abs(ad_sub(truly, mean)), twice), AD_F64)));
    printf("found noise %.3f where the data were made with %.3f; the true curve lies within two standard deviations at %.0f %% of the grid\n",
           exp(ad_item(ad_at(logs, "2"))), made_with_noise, 100 * inside);
    ad_array *points = ad_tile(ad_stack(ad_list_of(data.x, data.y)), AD_SHAPE(1, GRID / POINTS));
    ad_array *table =
        ad_concatenate(ad_list_of(ad_stack(ad_list_of(grid, mean, ad_sub(mean, twice), ad_add(mean, twice), truly, ad_at(first, "0"))), points), .axis = 0);
    write_results(options.out, "", "x,mean,low,high,truth,before,point_x,point_y", ad_transpose(table),
                  "set title 'A Gaussian process, its hyperparameters learned through a Cholesky factor'\nset xlabel 'x'\nset ylabel 'y'\n"
                  "set style fill solid 0.25 noborder\n"
                  "plot [-4.4:4.4] DATA using 1:3:4 with filledcurves lc rgb FAINT(1) title 'two standard deviations', "
                  "DATA using 1:6 with lines lw 1.5 lc rgb FAINT(2) title 'mean before learning', "
                  "DATA using 1:5 @REFERENCE title 'the true function', "
                  "DATA using 1:2 with lines lt 1 lw 2.5 title 'mean', DATA using 7:8 with points lt 3 pt 7 ps 0.9 title 'measured'");
    return 0;
}
