/* Evaluations of GradBench (gradbench.dev) that have no rows elsewhere: least squares with polynomials, log-sum-exp, an
 * ordinary differential equation, a determinant by minors, k-means; each against its gradient written by hand in C. */
#include "bench.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static double *room(int64_t count)
{
    double *numbers = calloc((size_t)count, sizeof *numbers);
    if (!numbers)
        exit(EXIT_FAILURE);
    return numbers;
}

/* What a gradient by hand works on: inputs of n and k numbers, and where the gradient goes. */
typedef struct by_hand {
    void (*gradient)(const struct by_hand *);
    const double *x, *y;
    double *g;
    int64_t n, k, d, count; /* count: of g */
} by_hand;

static void run_by_hand(void *context)
{
    const by_hand *h = context;
    h->gradient(h);
}

static bench_sum sum_by_hand(void *context)
{
    const by_hand *h = context;
    h->gradient(h);
    return bench_sum_values(h->g, h->count);
}

#define BY_HAND(...)                                                                                                                                           \
    {                                                                                                                                                          \
        .who = "plain C", .run = run_by_hand, .sum = sum_by_hand, .context = (__VA_ARGS__)                                                                     \
    }

/* ---- llsq: half the sum over i of (sign t_i - sum_j x_j t_i^j)^2, t_i evenly from -1 to 1 ---- */

static ad_array *llsq(ad_array *x, ad_array *t)
{
    int64_t n = ad_size(t), m = ad_size(x);
    ad_array *factors = ad_concatenate(ad_list_of(ad_ones(AD_SHAPE(n, 1)), ad_broadcast_to(ad_expand_dims(t, 1), AD_SHAPE(n, m - 1))), .axis = 1);
    ad_array *residual = ad_sub(ad_sign(t), ad_matmul(ad_cumprod(factors, .axis = 1), x));
    return ad_mul(0.5, ad_sum(ad_square(residual)));
}

static ad_array *llsq_gradient(const bench_call *call)
{
    return ad_grad(llsq)(call->x, call->y);
}

static void llsq_by_hand(const by_hand *h)
{
    memset(h->g, 0, (size_t)h->count * sizeof *h->g);
    for (int64_t i = 0; i < h->n; i++) {
        double t = h->y[i], sum = 0, power = 1;
        for (int64_t j = 0; j < h->k; j++, power *= t)
            sum += h->x[j] * power;
        double residual = (t > 0) - (t < 0) - sum;
        power = 1;
        for (int64_t j = 0; j < h->k; j++, power *= t)
            h->g[j] -= residual * power;
    }
}

static void compare_llsq(bench *b, int64_t n)
{
    AD_SCOPE;
    const int64_t m = 128;
    ad_array *x = bench_uniform(AD_SHAPE(m), 1), *t = ad_linspace(-1, 1, .num = n);
    char row[64];
    snprintf(row, sizeof row, "llsq, n = %lld", (long long)n);
    by_hand h = { llsq_by_hand, ad_data(x), ad_data(t), room(m), n, m, 0, m };
    bench_call call = { .f = llsq_gradient, .x = x, .y = t };
    bench_compare(b, row, 1e-10, (bench_piece[]){ BENCH_LIBAD(&call), BY_HAND(&h) }, 2);
    free(h.g);
}

/* ---- lse: log-sum-exp by the maximum, of elementary operations ---- */

static ad_array *lse(ad_array *x)
{
    ad_array *most = ad_max(x);
    return ad_add(most, ad_log(ad_sum(ad_exp(ad_sub(x, most)))));
}

static ad_array *lse_gradient(const bench_call *call)
{
    return ad_grad(lse)(call->x);
}

static void lse_by_hand(const by_hand *h)
{
    double most = -INFINITY, sum = 0;
    for (int64_t i = 0; i < h->n; i++)
        most = h->x[i] > most ? h->x[i] : most;
    for (int64_t i = 0; i < h->n; i++)
        sum += h->g[i] = exp(h->x[i] - most);
    for (int64_t i = 0; i < h->n; i++)
        h->g[i] /= sum;
}

static void compare_lse(bench *b, int64_t n)
{
    AD_SCOPE;
    ad_array *x = ad_mul(10, bench_uniform(AD_SHAPE(n), 1));
    char row[64];
    snprintf(row, sizeof row, "lse, n = %lld", (long long)n);
    by_hand h = { lse_by_hand, ad_data(x), NULL, room(n), n, 0, 0, n };
    bench_call call = { .f = lse_gradient, .x = x };
    bench_compare(b, row, 1e-10, (bench_piece[]){ BENCH_LIBAD(&call), BY_HAND(&h) }, 2);
    free(h.g);
}

/* ---- ode: y'_0 = x_0, y'_i = x_i y_(i-1), y(0) = 0, Runge-Kutta 4 on [0, 2]: the gradient of the last y ---- */

static ad_array *slope(ad_array *x, ad_array *y)
{
    return ad_mul(x, ad_concatenate(ad_list_of(ad_ones(AD_SHAPE(1)), ad_at(y, ":-1"))));
}

static ad_array *ode(ad_array *x, void *context)
{
    int64_t steps = *(const int64_t *)context;
    double step = 2 / (double)steps;
    ad_array *y = ad_zeros_like(x);
    for (int64_t s = 0; s < steps; s++) {
        ad_array *k1 = slope(x, y), *k2 = slope(x, ad_add(y, ad_mul(step / 2, k1))), *k3 = slope(x, ad_add(y, ad_mul(step / 2, k2)));
        ad_array *k4 = slope(x, ad_add(y, ad_mul(step, k3)));
        y = ad_add(y, ad_mul(step / 6, ad_add(ad_add(k1, ad_mul(2, k2)), ad_add(ad_mul(2, k3), k4))));
    }
    return ad_at(y, "-1");
}

static ad_array *ode_gradient(const bench_call *call)
{
    return ad_grad(ode)(call->x, (void *)&call->n);
}

/* k = x times y moved by one, and back: gx += gk moved y, gy += what gk x says of y. */
static void slope_to(int64_t n, const double *x, const double *y, double *k)
{
    k[0] = x[0];
    for (int64_t i = 1; i < n; i++)
        k[i] = x[i] * y[i - 1];
}

static void slope_back(int64_t n, const double *x, const double *y, const double *gk, double *gx, double *gy)
{
    gx[0] += gk[0];
    gy[n - 1] = 0;
    for (int64_t i = 1; i < n; i++) {
        gx[i] += gk[i] * y[i - 1];
        gy[i - 1] = gk[i] * x[i];
    }
}

/* z = y + a k */
static void move(int64_t n, const double *y, double a, const double *k, double *z)
{
    for (int64_t i = 0; i < n; i++)
        z[i] = y[i] + a * k[i];
}

static void ode_by_hand(const by_hand *h)
{
    const int64_t n = h->n, steps = h->k;
    const double step = 2 / (double)steps, *x = h->x;
    double *kept = room(4 * steps * n), *y = room(n), *k = room(4 * n), *gy = room(n), *gk = room(4 * n), *gz = room(n);
    for (int64_t s = 0; s < steps; s++) { /* keeps the four points where slopes are taken */
        double *at = kept + 4 * s * n;
        memcpy(at, y, (size_t)n * sizeof *y);
        slope_to(n, x, at, k);
        move(n, y, step / 2, k, at + n);
        slope_to(n, x, at + n, k + n);
        move(n, y, step / 2, k + n, at + 2 * n);
        slope_to(n, x, at + 2 * n, k + 2 * n);
        move(n, y, step, k + 2 * n, at + 3 * n);
        slope_to(n, x, at + 3 * n, k + 3 * n);
        for (int64_t i = 0; i < n; i++)
            y[i] += step / 6 * (k[i] + 2 * k[n + i] + 2 * k[2 * n + i] + k[3 * n + i]);
    }
    memset(h->g, 0, (size_t)n * sizeof *h->g);
    gy[n - 1] = 1;
    for (int64_t s = steps - 1; s >= 0; s--) {
        const double *at = kept + 4 * s * n, before[] = { step / 2, step / 2, step }, weight[] = { step / 6, step / 3, step / 3, step / 6 };
        for (int64_t j = 0; j < 4; j++)
            for (int64_t i = 0; i < n; i++)
                gk[j * n + i] = weight[j] * gy[i];
        for (int64_t j = 3; j >= 0; j--) {
            slope_back(n, x, at + j * n, gk + j * n, h->g, gz);
            for (int64_t i = 0; i < n; i++) {
                gy[i] += gz[i];
                if (j > 0)
                    gk[(j - 1) * n + i] += before[j - 1] * gz[i];
            }
        }
    }
    free(kept), free(y), free(k), free(gy), free(gk), free(gz);
}

static void compare_ode(bench *b, int64_t n, int64_t steps)
{
    AD_SCOPE;
    ad_array *x = ad_add(0.5, bench_uniform(AD_SHAPE(n), 1));
    char row[64];
    snprintf(row, sizeof row, "ode, n = %lld, %lld steps", (long long)n, (long long)steps);
    by_hand h = { ode_by_hand, ad_data(x), NULL, room(n), n, steps, 0, n };
    bench_call call = { .f = ode_gradient, .x = x, .n = steps };
    bench_compare(b, row, 1e-10, (bench_piece[]){ BENCH_LIBAD(&call), BY_HAND(&h) }, 2);
    free(h.g);
}

/* ---- det: by minors along the first row, of scalars ---- */

enum { LARGEST = 8 };

/* The determinant of the rows from `row` on with the columns that `used` leaves. */
static ad_array *minors(ad_array *const *a, int64_t n, int64_t row, unsigned used)
{
    ad_array *sum = NULL;
    int sign = 1;
    for (int64_t j = 0; j < n; j++) {
        if (used >> j & 1)
            continue;
        ad_array *term = row == n - 1 ? a[row * n + j] : ad_mul(a[row * n + j], minors(a, n, row + 1, used | 1u << j));
        sum = !sum ? term : sign > 0 ? ad_add(sum, term) : ad_sub(sum, term);
        sign = -sign;
    }
    return sum;
}

static ad_array *det(ad_array *x)
{
    int64_t n = ad_dim(x, 0);
    ad_array *a[LARGEST * LARGEST];
    ad_tree_leaves(ad_unstack(ad_ravel(x)), a, LARGEST * LARGEST);
    return minors(a, n, 0, 0);
}

static ad_array *det_gradient(const bench_call *call)
{
    return ad_grad(det)(call->x);
}

static double minors_by_hand(const double *a, int64_t n, int64_t row, unsigned used, double seed, double *g)
{
    double sum = 0, sign = 1;
    for (int64_t j = 0; j < n; j++) {
        if (used >> j & 1)
            continue;
        double element = a[row * n + j], rest = row == n - 1 ? 1 : minors_by_hand(a, n, row + 1, used | 1u << j, seed * sign * element, g);
        g[row * n + j] += seed * sign * rest;
        sum += sign * element * rest;
        sign = -sign;
    }
    return sum;
}

static void det_by_hand(const by_hand *h)
{
    memset(h->g, 0, (size_t)h->count * sizeof *h->g);
    minors_by_hand(h->x, h->n, 0, 0, 1, h->g);
}

static void compare_det(bench *b, int64_t n)
{
    AD_SCOPE;
    ad_array *x = bench_uniform(AD_SHAPE(n, n), 1);
    char row[64];
    snprintf(row, sizeof row, "det by minors, n = %lld", (long long)n);
    by_hand h = { det_by_hand, ad_data(x), NULL, room(n * n), n, 0, 0, n * n };
    bench_call call = { .f = det_gradient, .x = x };
    bench_compare(b, row, 1e-10, (bench_piece[]){ BENCH_LIBAD(&call), BY_HAND(&h) }, 2);
    free(h.g);
}

/* ---- kmeans: the sum of the least squared distances of n points to k centroids; gradient and diagonal of the Hessian
 * ---- */

static ad_array *kmeans(ad_array *centroids, ad_array *points)
{
    ad_array *products = ad_matmul(points, ad_transpose(centroids)), *squares = ad_sum(ad_square(centroids), .axis = 1);
    ad_array *distances = ad_sub(squares, ad_mul(2, products)); /* but for the points' own squares, which choose nothing */
    return ad_add(ad_sum(ad_min(distances, .axis = 1)), ad_sum(ad_square(points)));
}

/* The Hessian has nothing beside its diagonal: a product with ones gives it. */
static ad_array *kmeans_derivatives(const bench_call *call)
{
    return ad_stack(ad_list_of(ad_grad(kmeans)(call->x, call->y), ad_hvp(kmeans)(call->x, call->y, ad_ones_like(call->x))));
}

static void kmeans_by_hand(const by_hand *h)
{
    const int64_t d = h->d, half = h->count / 2;
    memset(h->g, 0, (size_t)h->count * sizeof *h->g);
    for (int64_t i = 0; i < h->n; i++) {
        const double *point = h->y + i * d;
        int64_t nearest = 0;
        double least = INFINITY;
        for (int64_t c = 0; c < h->k; c++) {
            double distance = 0;
            for (int64_t j = 0; j < d; j++)
                distance += (point[j] - h->x[c * d + j]) * (point[j] - h->x[c * d + j]);
            nearest = distance < least ? c : nearest;
            least = distance < least ? distance : least;
        }
        for (int64_t j = 0; j < d; j++) {
            h->g[nearest * d + j] += 2 * (h->x[nearest * d + j] - point[j]);
            h->g[half + nearest * d + j] += 2;
        }
    }
}

static void compare_kmeans(bench *b, int64_t n, int64_t k, int64_t d)
{
    AD_SCOPE;
    ad_array *points = bench_uniform(AD_SHAPE(n, d), 1), *centroids = bench_uniform(AD_SHAPE(k, d), 2);
    char row[64];
    snprintf(row, sizeof row, "kmeans, n = %lld, k = %lld, d = %lld", (long long)n, (long long)k, (long long)d);
    by_hand h = { kmeans_by_hand, ad_data(centroids), ad_data(points), room(2 * k * d), n, k, d, 2 * k * d };
    bench_call call = { .f = kmeans_derivatives, .x = centroids, .y = points };
    bench_compare(b, row, 1e-10, (bench_piece[]){ BENCH_LIBAD(&call), BY_HAND(&h) }, 2);
    free(h.g);
}

int main(int argc, char **argv)
{
    bench b = bench_begin("gradbench", argc, argv);
    compare_llsq(&b, 1024);
    compare_llsq(&b, 16384);
    compare_lse(&b, 2500);
    compare_lse(&b, 1280000);
    compare_ode(&b, 1000, 1);
    compare_ode(&b, 10000, 10);
    compare_ode(&b, 100000, 10);
    compare_det(&b, 5);
    compare_det(&b, 7);
    compare_det(&b, 8);
    compare_kmeans(&b, 1000, 10, 8);
    compare_kmeans(&b, 10000, 100, 16);
    return bench_end(&b);
}
