/* ADBench on its own data: the gradient of a Gaussian mixture, and the Jacobians of all observations of a bundle
 * adjustment, both written for whole arrays, against loops in plain C with derivatives by hand (adbench_by_hand.c).
 * Where the folder has expected numbers, both are compared with them before. */
#include "bench.h"
#include "adbench_by_hand.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double tolerance = 1e-10;

/* ---- files ---- */

static FILE *open_file(const char *folder, const char *part, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s/%s.txt", folder, part, name);
    return fopen(path, "r");
}

/* Reads count numbers; the program ends if they are not there. */
static double *numbers(FILE *file, int64_t count)
{
    double *values = malloc((size_t)count * sizeof *values + 1);
    for (int64_t i = 0; values && i < count; i++)
        if (fscanf(file, "%lf", &values[i]) != 1) {
            free(values);
            values = NULL;
        }
    if (!values) {
        fprintf(stderr, "a file of ADBench has fewer numbers than it says\n");
        exit(EXIT_FAILURE);
    }
    return values;
}

static int integer(FILE *file)
{
    double *value = numbers(file, 1);
    int i = (int)*value;
    free(value);
    return i;
}

/* Compares with numbers [from, from + count) of the file of expected ones, if there is one. */
static void check_expected(bench *b, const char *row, const char *name, int64_t from, int64_t count, const char *who, bench_sum sum)
{
    FILE *file = open_file(b->data, "expected", name);
    if (!file)
        return;
    double *values = numbers(file, from + count);
    bench_equal(b, row, tolerance, "the file", bench_sum_values(values + from, count), who, sum);
    free(values);
    fclose(file);
}

/* ---- Gaussian mixture ---- */

typedef struct {
    gmm_problem p;
    ad_tree *parameters;
    ad_array *x, *places; /* of the entries of Q within (exp(q), the entries below, 0) */
    double *room, *gradient;
} gmm;

static const gmm *current; /* whose constants gmm_loss takes */

/* All points and components at once: Q (x - mu) is one product of (K d, d) with (d, N). */
static ad_array *gmm_loss(ad_tree *parameters, ad_array *x, ad_array *places)
{
    const gmm_problem *p = &current->p;
    int64_t K = p->K, d = p->d;
    ad_array *alpha = ad_tree_get(parameters, "alpha"), *mu = ad_tree_get(parameters, "mu"), *icf = ad_tree_get(parameters, "icf");
    ad_array *q = ad_slice_axis(icf, 1, 0, d, 1), *below = ad_slice_axis(icf, 1, d, d * (d - 1) / 2, 1), *diagonal = ad_exp(q), *log_sum = ad_sum(q, .axis = 1);
    ad_array *entries = ad_concatenate(ad_list_of(diagonal, below, ad_zeros(AD_SHAPE(K, 1))), .axis = 1);
    ad_array *Q = ad_reshape(ad_take(entries, places, .axis = 1), AD_SHAPE(K, d, d));
    ad_array *Qx = ad_reshape(ad_matmul(ad_reshape(Q, AD_SHAPE(K * d, d)), ad_transpose(x)), AD_SHAPE(K, d, -1));
    ad_array *square = ad_sum(ad_square(ad_sub(Qx, ad_matmul(Q, ad_expand_dims(mu, 2)))), .axis = 1);
    ad_array *terms = ad_sub(ad_expand_dims(ad_add(alpha, log_sum), 1), ad_mul(0.5, square));
    ad_array *prior = ad_sub(ad_mul(0.5 * p->gamma * p->gamma, ad_add(ad_sum(ad_square(diagonal)), ad_sum(ad_square(below)))), ad_mul(p->m, ad_sum(q)));
    return ad_add(ad_add(ad_sub(ad_sum(ad_logsumexp(terms, .axis = 0)), ad_mul(p->N, ad_logsumexp(alpha))), prior), gmm_constant(p));
}

static void run_gmm_value(void *context)
{
    AD_SCOPE;
    const gmm *g = context;
    gmm_loss(g->parameters, g->x, g->places);
}

static bench_sum sum_gmm_value(void *context)
{
    AD_SCOPE;
    const gmm *g = context;
    return bench_sum_of(gmm_loss(g->parameters, g->x, g->places));
}

static void run_gmm_gradient(void *context)
{
    AD_SCOPE;
    const gmm *g = context;
    ad_tree *gradient;
    ad_value_and_grad(gmm_loss)(g->parameters, g->x, g->places, &gradient);
}

static bench_sum sum_gmm_gradient(void *context)
{
    AD_SCOPE;
    const gmm *g = context;
    ad_tree *gradient;
    ad_value_and_grad(gmm_loss)(g->parameters, g->x, g->places, &gradient);
    return bench_sum_of(ad_flatten(gradient));
}

static int64_t gmm_size(const gmm_problem *p)
{
    return (int64_t)p->K * (1 + p->d + p->d * (p->d + 1) / 2);
}

static void run_gmm_objective_by_hand(void *context)
{
    gmm *g = context;
    g->gradient[0] = gmm_objective(&g->p, g->room);
}

static bench_sum sum_gmm_objective_by_hand(void *context)
{
    run_gmm_objective_by_hand(context);
    return bench_sum_values(((gmm *)context)->gradient, 1);
}

static void run_gmm_by_hand(void *context)
{
    gmm *g = context;
    gmm_gradient(&g->p, g->room, g->gradient);
}

static bench_sum sum_gmm_by_hand(void *context)
{
    run_gmm_by_hand(context);
    const gmm *g = context;
    return bench_sum_values(g->gradient, gmm_size(&g->p));
}

static ad_array *places_of_Q(int d)
{
    int64_t *places = malloc((size_t)(d * d) * sizeof *places), below = d;
    if (!places)
        exit(EXIT_FAILURE);
    for (int c = 0; c < d; c++)
        for (int r = 0; r < d; r++)
            places[r * d + c] = r < c ? d * (d + 1) / 2 : r == c ? c : below++;
    ad_array *x = ad_from_data(AD_I64, places, AD_SHAPE(d * d));
    free(places);
    return x;
}

static void measure_gmm(bench *b, const char *name)
{
    AD_SCOPE;
    char row[80];
    FILE *file = open_file(b->data, "gmm", name);
    snprintf(row, sizeof row, "ADBench %s, gradient", name);
    if (!file) {
        bench_skip(b, row, "the file is not there");
        return;
    }
    gmm g = { .p = { .d = integer(file), .K = 0 } };
    int64_t d = g.p.d, K = g.p.K = integer(file), N = g.p.N = integer(file);
    g.p.alpha = numbers(file, K);
    g.p.mu = numbers(file, K * d);
    g.p.icf = numbers(file, K * d * (d + 1) / 2);
    g.p.x = numbers(file, N * d);
    double *prior = numbers(file, 2);
    g.p.gamma = prior[0];
    g.p.m = (int)prior[1];
    g.room = gmm_room(&g.p);
    g.gradient = malloc((size_t)gmm_size(&g.p) * sizeof(double));
    if (!g.room || !g.gradient)
        exit(EXIT_FAILURE);
    g.parameters = ad_tree_of("alpha", ad_from(g.p.alpha, AD_SHAPE(K)), "mu", ad_from(g.p.mu, AD_SHAPE(K, d)),
                              "icf", ad_from(g.p.icf, AD_SHAPE(K, d * (d + 1) / 2)));
    g.x = ad_from(g.p.x, AD_SHAPE(N, d));
    g.places = places_of_Q(g.p.d);
    current = &g;
    check_expected(b, row, name, 0, 1, "libad", sum_gmm_value(&g));
    check_expected(b, row, name, 1, gmm_size(&g.p), "libad", sum_gmm_gradient(&g));
    bench_piece gradients[] = { { .who = "libad", .run = run_gmm_gradient, .sum = sum_gmm_gradient, .context = &g },
                                { .who = "C by hand", .run = run_gmm_by_hand, .sum = sum_gmm_by_hand, .context = &g, .aim = 1 } };
    bench_compare(b, row, tolerance, gradients, 2);
    snprintf(row, sizeof row, "ADBench %s, value", name);
    bench_piece values[] = { { .who = "libad", .run = run_gmm_value, .sum = sum_gmm_value, .context = &g },
                             { .who = "C by hand", .run = run_gmm_objective_by_hand, .sum = sum_gmm_objective_by_hand, .context = &g } };
    bench_compare(b, row, tolerance, values, 2);
    void *all[] = { g.p.alpha, g.p.mu, g.p.icf, g.p.x, prior, g.room, g.gradient };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    fclose(file);
}

/* ---- bundle adjustment ---- */

typedef struct {
    int64_t count;
    double *parameters, *features, *errors, *jacobian; /* (count, 15), (count, 2), (count, 2), (count, 2, 15) */
    ad_array *P, *of_first, *of_second;                /* (15, count), cotangents (2, count) */
} ba;

static ad_array *current_features; /* (2, count) */

/* The errors (2, observations) from the parameters (15, observations). */
static ad_array *ba_errors(ad_array *P)
{
    ad_array *p[BA_PARAMETERS];
    for (int i = 0; i < BA_PARAMETERS; i++)
        p[i] = ad_at(P, "%d", i);
    ad_array *r = ad_slice_axis(P, 0, 0, 3, 1), *u = ad_sub(ad_slice_axis(P, 0, BA_CAMERA, 3, 1), ad_slice_axis(P, 0, 3, 3, 1));
    ad_array *square = ad_sum(ad_square(r), .axis = 0), *angle = ad_sqrt(square), *c = ad_cos(angle), *s = ad_div(ad_sin(angle), angle);
    ad_array *along = ad_div(ad_mul(ad_sum(ad_mul(r, u), .axis = 0), ad_sub(1, c)), square);
    ad_array *across = ad_sub(ad_mul(ad_roll(r, -1, .axis = 0), ad_roll(u, -2, .axis = 0)), ad_mul(ad_roll(r, -2, .axis = 0), ad_roll(u, -1, .axis = 0)));
    ad_array *turned = ad_add(ad_add(ad_mul(u, c), ad_mul(across, s)), ad_mul(r, along));
    ad_array *plane = ad_div(ad_slice_axis(turned, 0, 0, 2, 1), ad_at(turned, "2")), *radius = ad_sum(ad_square(plane), .axis = 0);
    ad_array *stretch = ad_add(1, ad_mul(radius, ad_add(p[9], ad_mul(p[10], radius))));
    ad_array *projected = ad_add(ad_mul(plane, ad_mul(p[6], stretch)), ad_slice_axis(P, 0, 7, 2, 1));
    return ad_mul(p[14], ad_sub(projected, current_features));
}

static void run_ba_errors(void *context)
{
    AD_SCOPE;
    ba_errors(((ba *)context)->P);
}

static bench_sum sum_ba_errors(void *context)
{
    AD_SCOPE;
    return bench_sum_of(ba_errors(((ba *)context)->P));
}

/* (2, 15, observations): as observations do not meet, a sweep from all first errors gives the first rows of all
 * Jacobians. */
static ad_array *ba_jacobian(const ba *problem)
{
    ad_pullback *pull;
    ad_vjp(ba_errors, problem->P, &pull);
    ad_array *J = ad_stack(ad_list_of(ad_vjp_apply(pull, problem->of_first), ad_vjp_apply(pull, problem->of_second)));
    ad_vjp_free(pull);
    return J;
}

static void run_ba_jacobian(void *context)
{
    AD_SCOPE;
    ba_jacobian(context);
}

static bench_sum sum_ba_jacobian(void *context)
{
    AD_SCOPE;
    return bench_sum_of(ba_jacobian(context));
}

static void run_ba_by_hand(void *context)
{
    ba *p = context;
    for (int64_t i = 0; i < p->count; i++)
        ba_observation(p->parameters + BA_PARAMETERS * i, p->features + 2 * i, p->errors + 2 * i, p->jacobian + 2 * BA_PARAMETERS * i);
}

static bench_sum sum_ba_by_hand(void *context)
{
    AD_SCOPE;
    run_ba_by_hand(context);
    const ba *p = context;
    return bench_sum_of(ad_moveaxis(ad_from(p->jacobian, AD_SHAPE(p->count, 2, BA_PARAMETERS)), 0, 2));
}

static void run_ba_errors_by_hand(void *context)
{
    ba *p = context;
    for (int64_t i = 0; i < p->count; i++)
        ba_observation(p->parameters + BA_PARAMETERS * i, p->features + 2 * i, p->errors + 2 * i, NULL);
}

static bench_sum sum_ba_errors_by_hand(void *context)
{
    AD_SCOPE;
    run_ba_errors_by_hand(context);
    const ba *p = context;
    return bench_sum_of(ad_transpose(ad_from(p->errors, AD_SHAPE(p->count, 2))));
}

/* The file has one camera, point, weight and feature for all. */
static void fill(ba *p, FILE *file)
{
    double *camera = numbers(file, BA_PARAMETERS), *feature = numbers(file, 2);
    size_t count = (size_t)p->count;
    p->parameters = malloc(count * BA_PARAMETERS * sizeof(double));
    p->features = malloc(count * 2 * sizeof(double));
    p->errors = malloc(count * 2 * sizeof(double));
    p->jacobian = malloc(count * 2 * BA_PARAMETERS * sizeof(double));
    if (!p->parameters || !p->features || !p->errors || !p->jacobian)
        exit(EXIT_FAILURE);
    for (size_t i = 0; i < count; i++) {
        memcpy(p->parameters + BA_PARAMETERS * i, camera, BA_PARAMETERS * sizeof *camera);
        memcpy(p->features + 2 * i, feature, 2 * sizeof *feature);
    }
    free(camera);
    free(feature);
}

/* The file of expected numbers has the errors, the weight's error and its derivative, and the Jacobian column by
 * column. */
static void check_first_observation(bench *b, const char *row, const char *name, ba *p)
{
    AD_SCOPE;
    ad_array *J = ad_at(ba_jacobian(p), ":, :, 0"), *errors = ad_at(ba_errors(p->P), ":, 0");
    check_expected(b, row, name, 0, 2, "libad", bench_sum_of(errors));
    check_expected(b, row, name, 4, 2 * BA_PARAMETERS, "libad", bench_sum_of(ad_transpose(J)));
}

static void measure_ba(bench *b, const char *name, const char *expected)
{
    AD_SCOPE;
    char row[80];
    FILE *file = open_file(b->data, "ba", name);
    snprintf(row, sizeof row, "ADBench %s, Jacobian", name);
    if (!file) {
        bench_skip(b, row, "the file is not there");
        return;
    }
    ba p = { 0 };
    integer(file);
    integer(file);
    p.count = integer(file);
    fill(&p, file);
    p.P = ad_copy(ad_transpose(ad_from(p.parameters, AD_SHAPE(p.count, BA_PARAMETERS))));
    current_features = ad_copy(ad_transpose(ad_from(p.features, AD_SHAPE(p.count, 2))));
    p.of_first = ad_concatenate(ad_list_of(ad_ones(AD_SHAPE(1, p.count)), ad_zeros(AD_SHAPE(1, p.count))));
    p.of_second = ad_flip(p.of_first, .axes = AD_AXES(0));
    check_first_observation(b, row, expected, &p);
    bench_piece jacobians[] = { { .who = "libad", .run = run_ba_jacobian, .sum = sum_ba_jacobian, .context = &p },
                                { .who = "C by hand", .run = run_ba_by_hand, .sum = sum_ba_by_hand, .context = &p, .aim = 0 } };
    bench_compare(b, row, tolerance, jacobians, 2);
    snprintf(row, sizeof row, "ADBench %s, value", name);
    bench_piece values[] = { { .who = "libad", .run = run_ba_errors, .sum = sum_ba_errors, .context = &p },
                             { .who = "C by hand", .run = run_ba_errors_by_hand, .sum = sum_ba_errors_by_hand, .context = &p } };
    bench_compare(b, row, tolerance, values, 2);
    void *all[] = { p.parameters, p.features, p.errors, p.jacobian };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    fclose(file);
}

int main(int argc, char **argv)
{
    static const char *const mixtures[] = { "gmm_d2_K5", "gmm_d10_K25", "gmm_d20_K50" };
    bench b = bench_begin("adbench", argc, argv);
    if (!b.data) {
        bench_skip(&b, "ADBench", "say where its files are: --data DIR or AD_BENCH_DATA=DIR, a folder with gmm, ba and expected in it");
        return bench_end(&b);
    }
    for (size_t i = 0; i < sizeof mixtures / sizeof *mixtures; i++)
        measure_gmm(&b, mixtures[i]);
    measure_ba(&b, "ba1_n49_m7776_p31843", "ba1_first_observation");
    return bench_end(&b);
}
