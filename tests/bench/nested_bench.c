/* Gradients in a loop in a gradient: two programs of Siskind and Pearlmutter, in all four nestings of modes (the outer
 * one first), against the same programs in plain C with derivatives by hand.
 *
 * particle: minimise over w the squared x at which a particle meets y = 0, that the gradient of a potential pushes in
 * Euler steps. saddle: minimise over p the largest |p|^2 - |q|^2 over q, both by gradient descent from (1, 1); the
 * outer derivative goes through the inner descent.
 *
 * A point is a list of numbers. */
#include "bench.h"
#include <math.h>

typedef ad_array *of_a_point(ad_tree *);

static bool outer_is_forward, inner_is_forward;

/* ---- points of one or two numbers ---- */

enum { MOST_COORDINATES = 2 };

static ad_tree *point_of(int n, ad_array *const *coordinates)
{
    return n == 1 ? ad_list_of(coordinates[0]) : ad_list_of(coordinates[0], coordinates[1]);
}

/* The gradient in forward mode takes a direction for each coordinate. */
static ad_tree *gradient(bool forward, of_a_point *f, ad_tree *p)
{
    if (!forward)
        return ad_grad(f)(p);
    ad_array *partials[MOST_COORDINATES], *along[MOST_COORDINATES];
    int n = ad_tree_count(p);
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < n; k++)
            along[k] = ad_scalar(i == k);
        ad_jvp(f, p, point_of(n, along), &partials[i]);
    }
    return point_of(n, partials);
}

static ad_array *norm_of_difference(ad_tree *p, ad_tree *q)
{
    ad_array *sum = NULL;
    for (int i = 0; i < ad_tree_count(p); i++) {
        ad_array *x = ad_tree_array_at(p, i), *square = ad_square(q ? ad_sub(x, ad_tree_array_at(q, i)) : x);
        sum = sum ? ad_add(sum, square) : square;
    }
    return ad_sqrt(sum);
}

/* p + factor d */
static ad_tree *moved(ad_tree *p, double factor, ad_tree *d)
{
    ad_array *coordinates[MOST_COORDINATES];
    int n = ad_tree_count(p);
    for (int i = 0; i < n; i++)
        coordinates[i] = ad_add(ad_tree_array_at(p, i), ad_mul(factor, ad_tree_array_at(d, i)));
    return point_of(n, coordinates);
}

enum { STEPS_BEFORE_LONGER = 10 };
static const double TOLERANCE = 1e-5, FIRST_STEP = 1e-5;

/* Where f is least, by gradient descent: a step that makes f smaller is taken, one that does not is halved, and after
 * ten in a row it is doubled. */
static ad_tree *argmin(bool forward, of_a_point *f, ad_tree *p)
{
    ad_array *fp = f(p);
    ad_tree *g = gradient(forward, f, p);
    double step = FIRST_STEP;
    for (int taken = 0; ad_item(norm_of_difference(g, NULL)) > TOLERANCE;) {
        if (taken == STEPS_BEFORE_LONGER) {
            step *= 2;
            taken = 0;
            continue;
        }
        ad_tree *q = moved(p, -step, g);
        if (ad_item(norm_of_difference(p, q)) <= TOLERANCE)
            break;
        ad_array *fq = f(q);
        if (ad_item(fq) < ad_item(fp)) {
            p = q;
            fp = fq;
            g = gradient(forward, f, p);
            taken++;
        } else {
            step /= 2;
            taken = 0;
        }
    }
    return p;
}

/* ---- particle ---- */

static const double DT = 0.1, START[2] = { 0, 8 }, PUSH[2] = { 0.75, 0 };
static ad_array *charge_height;

static ad_array *potential(ad_tree *x)
{
    ad_tree *first = ad_list_of(ad_scalar(10), charge_height), *second = ad_list_of(ad_scalar(10), ad_scalar(0));
    return ad_add(ad_reciprocal(norm_of_difference(x, first)), ad_reciprocal(norm_of_difference(x, second)));
}

static ad_array *squared_landing(ad_tree *w)
{
    charge_height = ad_sub(10, ad_tree_array_at(w, 0));
    ad_tree *x = ad_list_of(ad_scalar(START[0]), ad_scalar(START[1])), *velocity = ad_list_of(ad_scalar(PUSH[0]), ad_scalar(PUSH[1]));
    for (;;) {
        ad_tree *force = gradient(inner_is_forward, potential, x), *next = moved(x, DT, velocity);
        if (ad_item(ad_tree_array_at(next, 1)) <= 0)
            break;
        velocity = moved(velocity, -DT, force);
        x = next;
    }
    ad_array *time = ad_neg(ad_div(ad_tree_array_at(x, 1), ad_tree_array_at(velocity, 1)));
    return ad_square(ad_add(ad_tree_array_at(x, 0), ad_mul(time, ad_tree_array_at(velocity, 0))));
}

static ad_array *particle(void)
{
    return ad_tree_array_at(argmin(outer_is_forward, squared_landing, ad_list_of(ad_scalar(0))), 0);
}

/* ---- saddle ---- */

static ad_tree *outer_point;

static ad_array *squared_length(ad_tree *p)
{
    return ad_add(ad_square(ad_tree_array_at(p, 0)), ad_square(ad_tree_array_at(p, 1)));
}

static ad_array *height_below(ad_tree *q)
{
    return ad_sub(squared_length(q), squared_length(outer_point));
}

static ad_tree *corner(void)
{
    return ad_list_of(ad_scalar(1), ad_scalar(1));
}

static ad_array *largest(ad_tree *p)
{
    outer_point = p;
    return ad_neg(height_below(argmin(inner_is_forward, height_below, corner())));
}

static ad_array *saddle(void)
{
    ad_tree *p = argmin(outer_is_forward, largest, corner());
    outer_point = p;
    ad_tree *q = argmin(inner_is_forward, height_below, corner());
    return ad_stack(ad_list_of(ad_tree_array_at(p, 0), ad_tree_array_at(p, 1), ad_tree_array_at(q, 0), ad_tree_array_at(q, 1)));
}

/* ---- the same by hand ---- */

/* The value of a function at p of n numbers, and its gradient. */
typedef double by_hand(const double *p, double *g);

static void argmin_by_hand(by_hand *f, int n, double *p)
{
    double g[MOST_COORDINATES], q[MOST_COORDINATES], gq[MOST_COORDINATES], fp = f(p, g), step = FIRST_STEP;
    for (int taken = 0; n == 1 ? fabs(g[0]) > TOLERANCE : hypot(g[0], g[1]) > TOLERANCE;) {
        if (taken == STEPS_BEFORE_LONGER) {
            step *= 2;
            taken = 0;
            continue;
        }
        double distance = 0;
        for (int i = 0; i < n; i++) {
            q[i] = p[i] - step * g[i];
            distance = hypot(distance, p[i] - q[i]);
        }
        if (distance <= TOLERANCE)
            break;
        double fq = f(q, gq);
        if (fq < fp) {
            for (int i = 0; i < n; i++) {
                p[i] = q[i];
                g[i] = gq[i];
            }
            fp = fq;
            taken++;
        } else {
            step /= 2;
            taken = 0;
        }
    }
}

/* Adds the gradient of 1/|x - (10, height)| to g, and its derivative along (dx, dheight) to dg. */
static void attract(const double *x, const double *dx, double height, double dheight, double *g, double *dg)
{
    double d[2] = { x[0] - 10, x[1] - height }, dd[2] = { dx[0], dx[1] - dheight };
    double r2 = d[0] * d[0] + d[1] * d[1], r3 = r2 * sqrt(r2), dr2 = 2 * (d[0] * dd[0] + d[1] * dd[1]);
    for (int i = 0; i < 2; i++) {
        g[i] -= d[i] / r3;
        dg[i] += 1.5 * d[i] / r3 * (dr2 / r2) - dd[i] / r3;
    }
}

static double landing_by_hand(const double *w, double *slope)
{
    double x[2] = { START[0], START[1] }, v[2] = { PUSH[0], PUSH[1] }, dx[2] = { 0, 0 }, dv[2] = { 0, 0 };
    while (x[1] + DT * v[1] > 0) {
        double g[2] = { 0, 0 }, dg[2] = { 0, 0 };
        attract(x, dx, 10 - w[0], -1, g, dg);
        attract(x, dx, 0, 0, g, dg);
        for (int i = 0; i < 2; i++) {
            x[i] += DT * v[i];
            dx[i] += DT * dv[i];
            v[i] -= DT * g[i];
            dv[i] -= DT * dg[i];
        }
    }
    double time = -x[1] / v[1], dtime = -dx[1] / v[1] - time * dv[1] / v[1], landing = x[0] + time * v[0];
    *slope = 2 * landing * (dx[0] + dtime * v[0] + time * dv[0]);
    return landing * landing;
}

static double bowl_by_hand(const double *q, double *g)
{
    g[0] = 2 * q[0];
    g[1] = 2 * q[1];
    return q[0] * q[0] + q[1] * q[1];
}

/* The least over q depends on p by |p|^2 alone. */
static double largest_by_hand(const double *p, double *g)
{
    double q[2] = { 1, 1 }, unused[2];
    argmin_by_hand(bowl_by_hand, 2, q);
    return bowl_by_hand(p, g) - bowl_by_hand(q, unused);
}

static double found[4];

static void run_particle_by_hand(void *unused)
{
    (void)unused;
    found[0] = 0;
    argmin_by_hand(landing_by_hand, 1, found);
}

static void run_saddle_by_hand(void *unused)
{
    (void)unused;
    for (int i = 0; i < 4; i++)
        found[i] = 1;
    argmin_by_hand(largest_by_hand, 2, found);
    argmin_by_hand(bowl_by_hand, 2, found + 2);
}

static bench_sum sum_particle_by_hand(void *unused)
{
    run_particle_by_hand(unused);
    return bench_sum_values(found, 1);
}

static bench_sum sum_saddle_by_hand(void *unused)
{
    run_saddle_by_hand(unused);
    return bench_sum_values(found, 4);
}

/* ---- rows ---- */

typedef ad_array *program(void);

static void run_program(void *f)
{
    AD_SCOPE;
    (*(program **)f)();
}

static bench_sum sum_program(void *f)
{
    AD_SCOPE;
    return bench_sum_of((*(program **)f)());
}

static double compare_program(bench *b, const char *name, const char *modes, program *f, void (*run)(void *), bench_sum (*sum)(void *))
{
    char row[80];
    bench_piece pieces[] = { { .who = "libad", .run = run_program, .sum = sum_program, .context = &f }, { .who = "plain C, by hand", .run = run, .sum = sum } };
    snprintf(row, sizeof row, "%s, %s", name, modes);
    outer_is_forward = modes[0] == 'f';
    inner_is_forward = modes[1] == 'f';
    bench_compare(b, row, 1e-6, pieces, 2);
    if (pieces[0].seconds > 0)
        bench_figure(b, row, 1e3 * pieces[0].seconds, "ms", 0);
    return pieces[0].seconds;
}

int main(int argc, char **argv)
{
    bench b = bench_begin("nested", argc, argv);
    for (int i = 0; i < 4; i++) {
        const char *modes = (const char *[]){ "rr", "rf", "fr", "ff" }[i];
        double both = compare_program(&b, "particle", modes, particle, run_particle_by_hand, sum_particle_by_hand);
        both += compare_program(&b, "saddle", modes, saddle, run_saddle_by_hand, sum_saddle_by_hand);
        char row[80];
        snprintf(row, sizeof row, "particle and saddle, %s", modes);
        if (bench_wants(&b, row))
            bench_figure(&b, row, 1e3 * both, "ms", 60);
    }
    return bench_end(&b);
}
