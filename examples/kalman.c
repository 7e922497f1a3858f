/* A Kalman filter that learns how far to trust its model and its sensors, by the gradient of the exact likelihood.
 *
 * A mass on a spring is pushed at random. One sensor measures where it is, badly, another one how fast it moves, well.
 * The covariances of the pushes and of the measurements begin far off and are moved downhill by Newton's method on -log
 * p(y), which the filter makes of its prediction errors v_t and their covariances S_t: sum_t (log det S_t + v_t^T
 * S_t^-1 v_t + 2 log 2 pi) / 2 (Schweppe 1965, doi 10.1109/TIT.1965.1053737; Harvey 1989, section 3.4). On the screen:
 * a line a step, then the covariances that were found beside those the data were made with. In the picture: the filter
 * before and after. */
#include "example.h"
#include <math.h>
#include <stdio.h>

enum { STEPS = 400, SHOWN = 80 }; /* of time; the picture has the last of them */

/* What is known: state' = move state + push, measurement = see state + noise. The state is a position and a
 * velocity. */
struct model {
    ad_array *move, *see, *measured;
};

/* Positive definite, for any numbers: l l^T with l = [[e^a, 0], [b, e^c]]. */
static ad_array *covariance(ad_array *a, ad_array *b, ad_array *c)
{
    ad_array *l = ad_reshape(ad_stack(ad_list_of(ad_exp(a), 0, b, ad_exp(c))), AD_SHAPE(2, 2));
    return ad_matmul(l, ad_transpose(l));
}

/* Of the pushes and of the measurements, in six numbers. */
static ad_array *push_covariance(ad_array *numbers)
{
    return covariance(ad_at(numbers, "0"), ad_at(numbers, "1"), ad_at(numbers, "2"));
}

static ad_array *noise_covariance(ad_array *numbers)
{
    return covariance(ad_at(numbers, "3"), ad_at(numbers, "4"), ad_at(numbers, "5"));
}

/* -log p(y). Where `track` is not NULL, it gets the filtered position and its standard deviation at each time. */
static ad_array *filter(ad_array *numbers, const struct model *m, double (*track)[2])
{
    ad_array *pushes = push_covariance(numbers), *noise = noise_covariance(numbers), *total = ad_scalar(0);
    ad_array *mean = ad_zeros(AD_SHAPE(2)), *spread = ad_eye(2);
    for (int t = 0; t < STEPS; t++) {
        mean = ad_matmul(m->move, mean);
        spread = ad_add(ad_matmul(ad_matmul(m->move, spread), ad_transpose(m->move)), pushes);
        ad_array *error = ad_sub(ad_at(m->measured, "%d", t), ad_matmul(m->see, mean)), *seen = ad_matmul(m->see, spread);
        ad_array *s = ad_add(ad_matmul(seen, ad_transpose(m->see)), noise);
        ad_array *solved = ad_linalg_solve(s, ad_concatenate(ad_list_of(seen, ad_expand_dims(error, 1)), .axis = 1), .assume_a = "pos");
        ad_array *weighed = ad_at(solved, ":, 2"); /* S^-1 v */
        ad_array *log_det = ad_tree_get(ad_linalg_slogdet(s), "logabsdet");
        total = ad_add(total, ad_mul(0.5, ad_add(ad_add(log_det, ad_dot(error, weighed)), 2 * log(2 * AD_PI))));
        mean = ad_add(mean, ad_matmul(ad_transpose(seen), weighed));
        spread = ad_sub(spread, ad_matmul(ad_transpose(seen), ad_at(solved, ":, :2")));
        if (track) {
            track[t][0] = ad_item(ad_at(mean, "0"));
            track[t][1] = sqrt(ad_item(ad_at(spread, "0, 0")));
        }
    }
    return total;
}

static ad_array *negative_log_likelihood(ad_array *numbers, void *model)
{
    return filter(numbers, model, NULL);
}

/* Positions that the model moves through with these covariances, and what the sensors say of them. */
static ad_array *make_data(struct model *m, ad_array *pushes, ad_array *noise, uint64_t seed)
{
    ad_key key = ad_random_key(seed);
    ad_array *push = ad_matmul(ad_random_normal(ad_random_fold_in(key, 0), AD_SHAPE(STEPS, 2)), ad_transpose(ad_linalg_cholesky(pushes)));
    ad_array *error = ad_matmul(ad_random_normal(ad_random_fold_in(key, 1), AD_SHAPE(STEPS, 2)), ad_transpose(ad_linalg_cholesky(noise)));
    ad_array *state = ad_zeros(AD_SHAPE(2)), *measured = ad_zeros(AD_SHAPE(STEPS, 2)), *truth = ad_zeros(AD_SHAPE(STEPS));
    for (int t = 0; t < STEPS; t++) {
        state = ad_add(ad_matmul(m->move, state), ad_at(push, "%d", t));
        truth = ad_at_set(truth, ad_at(state, "0"), "%d", t);
        measured = ad_at_set(measured, ad_add(ad_matmul(m->see, state), ad_at(error, "%d", t)), "%d", t);
    }
    m->measured = measured;
    return truth;
}

/* Three columns of the table: the filtered position, and two standard deviations below and above. */
static ad_array *band(ad_array *numbers, const struct model *m)
{
    double track[STEPS][2];
    filter(numbers, m, track);
    ad_array *both = ad_from(track[0], AD_SHAPE(STEPS, 2)), *mean = ad_at(both, ":, 0"), *twice = ad_mul(2, ad_at(both, ":, 1"));
    return ad_stack(ad_list_of(mean, ad_sub(mean, twice), ad_add(mean, twice)));
}

/* At how many of the times the true position lies in a band, in percent. */
static double percent_inside(ad_array *truth, ad_array *band)
{
    ad_array *inside = ad_logical_and(ad_greater_equal(truth, ad_at(band, "1")), ad_less_equal(truth, ad_at(band, "2")));
    return 100 * ad_item(ad_mean(inside));
}

static double root_mean_square(ad_array *x)
{
    return sqrt(ad_item(ad_mean(ad_square(x))));
}

static void print_step(int64_t step, double value, ad_array *numbers)
{
    double of_pushes[4], of_noise[4];
    ad_copy_to(push_covariance(numbers), of_pushes, 4);
    ad_copy_to(noise_covariance(numbers), of_noise, 4);
    printf("%4lld %12.5f %10.4f %10.4f %10.4f %10.4f %10.4f %10.4f\n", (long long)step, value, of_pushes[0], of_pushes[1], of_pushes[3], of_noise[0], of_noise[1],
           of_noise[3]);
}

int main(int argc, char **argv)
{
    struct options options = { .iterations = 50, .seed = 1 };
    read_options(&options, argc, argv, "kalman: covariances of a Kalman filter by the gradient of the likelihood.\nUses --out, --iterations and --seed.\n");

    ad_array *spring = ad_from((double[]){ 0, 1, -0.06, -0.05 }, AD_SHAPE(2, 2));
    struct model model = { .move = ad_linalg_expm(spring), .see = ad_eye(2) };
    ad_array *pushes = ad_from((double[]){ 0.1, 0.05, 0.05, 0.2 }, AD_SHAPE(2, 2)), *noise = ad_from((double[]){ 9, 0.4, 0.4, 0.1 }, AD_SHAPE(2, 2));
    ad_array *truth = make_data(&model, pushes, noise, options.seed);

    ad_array *numbers = ad_from((double[]){ log(0.1), 0, log(0.1), 0, 0, 0 }, AD_SHAPE(6)), *start = numbers;
    printf("%4s %12s %10s %10s %10s %10s %10s %10s\n", "step", "-log p(y)", "push 00", "push 01", "push 11", "noise 00", "noise 01", "noise 11");
    double value = ad_item(negative_log_likelihood(numbers, &model)), before = INFINITY;
    print_step(0, value, numbers);
    for (int64_t step = 1; step <= options.iterations && before - value > 1e-7; step++) {
        before = value;
        numbers = newton_step(negative_log_likelihood, numbers, &model, &value);
        print_step(step, value, numbers);
    }

    ad_array *first = band(start, &model), *last = band(numbers, &model);
    ad_array *table = ad_concatenate(ad_list_of(ad_reshape(ad_arange(STEPS), AD_SHAPE(1, -1)), ad_reshape(truth, AD_SHAPE(1, -1)), ad_transpose(model.measured), first, last));
    write_results(options.out, "", "time,true position,measured position,measured speed,before,before low,before high,after,after low,after high",
                  ad_at(ad_transpose(table), "%d:", STEPS - SHOWN),
                  "set style fill solid 0.25 noborder\nset lmargin 9\nset ylabel 'position'\nset yrange [-20:20]\nunset key\n"
                  "set multiplot layout 2,1\n"
                  "others = \"DATA using 1:3 with points lt 3 pt 7 ps 0.7 title 'measured position', DATA using 1:2 @REFERENCE title 'true position'\"\n"
                  "set title 'Before learning: sure of a wrong model, the filter loses the truth'\n"
                  "plot DATA using 1:6:7 with filledcurves lc rgb FAINT(1), @others, DATA using 1:5 lt 1\n"
                  "set title 'After learning the covariances by the gradient of the likelihood'\nset xlabel 'time'\nset key\n"
                  "plot DATA using 1:9:10 with filledcurves lc rgb FAINT(1) title 'two standard deviations', @others, DATA using 1:8 lt 1 title 'filtered position'\n"
                  "unset multiplot");
    double found[8], made[8];
    ad_copy_to(ad_stack(ad_list_of(push_covariance(numbers), noise_covariance(numbers))), found, 8);
    ad_copy_to(ad_stack(ad_list_of(pushes, noise)), made, 8);
    printf("the position is off by %.2f instead of %.2f, and lies in the band at %.0f %% of the times instead of %.0f %%; "
           "learned covariances [%.3f %.3f; %.3f] of the pushes and [%.2f %.2f; %.2f] of the sensors, made with [%.3f %.3f; %.3f] and [%.2f %.2f; %.2f]\n",
           root_mean_square(ad_sub(ad_at(last, "0"), truth)), root_mean_square(ad_sub(ad_at(first, "0"), truth)), percent_inside(truth, last),
           percent_inside(truth, first), found[0], found[1], found[3], found[4], found[5], found[7], made[0], made[1], made[3], made[4], made[5], made[7]);
    return 0;
}
