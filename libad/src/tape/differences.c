/* Central differences at shrinking steps, and their extrapolation (Ridders 1982, "Accurate computation of F'(x) and
 * F'(x) F''(x)").
 *
 * Long steps have truncation errors and may cross kinks; short ones are lost in rounding. Nothing is assumed about
 * either. The step is chosen where three extrapolated values agree best. How far shorter steps scatter around that
 * value shows the rounding errors of the function itself. */
#include "tape/differences.h"
#include <math.h>

enum { MOST_STEPS = 14, LONGER_STEPS = 6, RATIO = 4 };

struct samples {
    int count;
    double step[MOST_STEPS], plus[MOST_STEPS], minus[MOST_STEPS];
    double central[MOST_STEPS];      /* (f(h) - f(-h)) / 2h */
    double extrapolated[MOST_STEPS]; /* from this step and the next one, without the term in h^2; there is one fewer */
    double size;                     /* the largest value seen, or 1: values are sums of terms of that size, which may cancel */
};

double ad_quick_difference(ad_line *f, const void *context, double step)
{
    double wide = f(context, step) - f(context, -step), narrow = f(context, step / 2) - f(context, -step / 2);
    return (4 * narrow / step - wide / (2 * step)) / 3;
}

static void take_samples(struct samples *s, ad_line *f, const void *context, double step, double unit)
{
    s->count = 0;
    s->size = 1;
    for (double h = RATIO * step; s->count < MOST_STEPS && h > 16 * unit; h /= RATIO) {
        int i = s->count++;
        s->step[i] = h;
        s->plus[i] = f(context, h);
        s->minus[i] = f(context, -h);
        s->central[i] = (s->plus[i] - s->minus[i]) / (2 * h);
        s->size = fmax(s->size, fmax(fabs(s->plus[i]), fabs(s->minus[i])));
        if (i)
            s->extrapolated[i - 1] = (RATIO * RATIO * s->central[i] - s->central[i - 1]) / (RATIO * RATIO - 1);
    }
}

/* Where three neighbours among the first `count` agree best, and how well. -1 if no three are finite. */
static int best_of(const struct samples *s, int count, double unit, double *error)
{
    int best = -1;
    const double *y = s->extrapolated;
    for (int i = 1; i + 2 < count; i++) {
        double scatter = fmax(fabs(y[i] - y[i - 1]), fabs(y[i] - y[i + 1])), floor = unit * s->size / s->step[i + 1];
        if (!isfinite(y[i - 1]) || !isfinite(y[i]) || !isfinite(y[i + 1]))
            continue;
        if (best < 0 || fmax(scatter, floor) < *error) {
            best = i;
            *error = fmax(scatter, floor);
        }
    }
    return best;
}

/* The absolute error of f's values, estimated from steps that are shorter than the best one. */
static double noise_of(const struct samples *s, int best)
{
    double noise = 0;
    for (int i = best + 2; i < s->count; i++)
        noise = fmax(noise, fabs(s->central[i] - s->extrapolated[best]) * s->step[i]);
    return noise;
}

/* How many steps there are without the shortest ones, if those see no change. */
static int count_moving(const struct samples *s)
{
    int count = s->count;
    while (count > 0 && s->central[count - 1] == 0)
        count--;
    return count;
}

static struct ad_estimate estimate(const struct samples *s, int count, double unit)
{
    struct ad_estimate y = { NAN, INFINITY, false };
    int best = best_of(s, count, unit, &y.error);
    if (best < 0)
        return y;
    double scatter = noise_of(s, best) / s->step[best + 1];
    y.value = s->extrapolated[best];
    y.error = isnan(scatter) ? INFINITY : fmax(y.error, scatter);
    y.settled = y.error <= fmax(1e-2 * fabs(y.value), fmax(1e-6, 4096 * unit) * s->size);
    return y;
}

/* The straight lines to the left and to the right of 0, each through a step and the next longer one. */
struct sides {
    double left, right, gap; /* the slopes, and the distance between the lines at 0 */
    double rounding;         /* of the slopes */
    bool differ;
};

static struct sides sides_at(const struct samples *s, int i, double unit)
{
    double h = s->step[i], run = s->step[i - 1] - h;
    struct sides x = { .right = (s->plus[i - 1] - s->plus[i]) / run, .left = (s->minus[i] - s->minus[i - 1]) / run, .rounding = 4 * unit * s->size / run };
    x.gap = (s->plus[i] - x.right * h) - (s->minus[i] + x.left * h);
    double turn = fabs(x.right - x.left);
    x.differ = turn > 1e-3 * fmax(fabs(x.left), fabs(x.right)) && turn > 4 * x.rounding;
    return x;
}

/* Slopes are taken near the square root of the unit. A kink is at the point if the shortest steps see it too, and if
 * the lines meet at 0. */
static void find_kink(const struct samples *s, double unit, struct ad_difference *d)
{
    int last = s->count - 1, i = last;
    while (i > 1 && s->step[i] < sqrt(unit))
        i--;
    if (i < 1)
        return;
    struct sides x = sides_at(s, i, unit), shortest = sides_at(s, last, unit);
    d->left = x.left;
    d->right = x.right;
    d->slope_error = x.rounding;
    d->kinked = x.differ;
    double bend = 64 * s->step[last] * s->step[last] * fmax(fabs(x.left), fabs(x.right));
    d->at_point = x.differ && shortest.differ && fabs(shortest.gap) <= 8 * unit * s->size + bend;
}

struct ad_difference ad_difference(ad_line *f, const void *context, double step, double unit)
{
    struct samples s;
    struct ad_difference d = { 0 };
    take_samples(&s, f, context, step, unit);
    int moving = count_moving(&s), longer = s.count < LONGER_STEPS ? s.count : LONGER_STEPS;
    d.best = estimate(&s, s.count, unit);
    d.longer = estimate(&s, longer, unit);
    d.flat = moving > 0 && moving < s.count - 1;
    if (d.flat) { /* the slope is the one that longer steps agree on, otherwise 0 */
        d.longer = estimate(&s, moving < longer ? moving : longer, unit);
        d.best = d.longer.settled ? d.longer : d.best;
    }
    find_kink(&s, unit, &d);
    return d;
}
