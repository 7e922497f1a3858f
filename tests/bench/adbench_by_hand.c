/* The objectives of adbench_by_hand.h. Loops over plain memory; derivatives from the formulas in the comments. */
#include "adbench_by_hand.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Gaussian mixture ---- */

static int icf_size(const gmm_problem *p)
{
    return p->d * (p->d + 1) / 2;
}

double gmm_constant(const gmm_problem *p)
{
    const double pi = 3.14159265358979323846, n = p->d + p->m + 1;
    double log_gamma_d = 0.25 * p->d * (p->d - 1) * log(pi);
    for (int j = 1; j <= p->d; j++)
        log_gamma_d += lgamma(0.5 * n + 0.5 * (1 - j));
    return -0.5 * p->N * p->d * log(2 * pi) - p->K * (n * p->d * (log(p->gamma) - 0.5 * log(2)) - log_gamma_d);
}

/* The diagonals of Q (K, d), their logarithms' sums (K), Q (x - mu) of every component (K, d), x - mu (d), terms
 * (K). */
double *gmm_room(const gmm_problem *p)
{
    return malloc((size_t)(2 * p->K * p->d + 2 * p->K + p->d) * sizeof(double));
}

typedef struct {
    double *diagonal, *log_sum, *Qx, *term, *x;
} gmm_parts;

static gmm_parts parts(const gmm_problem *p, double *room)
{
    return (gmm_parts){ room, room + p->K * p->d, room + p->K * p->d + p->K, room + 2 * p->K * p->d + p->K, room + 2 * p->K * p->d + 2 * p->K };
}

static void prepare(const gmm_problem *p, gmm_parts at)
{
    for (int k = 0; k < p->K; k++) {
        const double *q = p->icf + k * icf_size(p);
        at.log_sum[k] = 0;
        for (int j = 0; j < p->d; j++) {
            at.diagonal[k * p->d + j] = exp(q[j]);
            at.log_sum[k] += q[j];
        }
    }
}

/* The log-density of component k at point i, up to a constant; keeps Q (x - mu). */
static double component(const gmm_problem *p, gmm_parts at, int i, int k)
{
    const int d = p->d;
    const double *x = p->x + i * d, *mu = p->mu + k * d, *below = p->icf + k * icf_size(p) + d;
    double *Qx = at.Qx + k * d, square = 0;
    for (int j = 0; j < d; j++)
        at.x[j] = x[j] - mu[j];
    for (int j = 0; j < d; j++)
        Qx[j] = at.diagonal[k * d + j] * at.x[j];
    for (int j = 0; j < d; j++)
        for (int r = j + 1; r < d; r++)
            Qx[r] += *below++ * at.x[j];
    for (int j = 0; j < d; j++)
        square += Qx[j] * Qx[j];
    return p->alpha[k] + at.log_sum[k] - 0.5 * square;
}

/* log sum exp, and, where wanted, the weights exp(v - lse) in place of v. */
static double log_sum_exp(double *v, int count, int make_weights)
{
    double largest = v[0], sum = 0;
    for (int k = 1; k < count; k++)
        largest = v[k] > largest ? v[k] : largest;
    for (int k = 0; k < count; k++) {
        double e = exp(v[k] - largest);
        sum += e;
        if (make_weights)
            v[k] = e;
    }
    for (int k = 0; make_weights && k < count; k++)
        v[k] /= sum;
    return largest + log(sum);
}

static double prior(const gmm_problem *p, gmm_parts at)
{
    double sum = 0;
    for (int k = 0; k < p->K; k++) {
        const double *icf = p->icf + k * icf_size(p);
        double square = 0;
        for (int j = 0; j < p->d; j++)
            square += at.diagonal[k * p->d + j] * at.diagonal[k * p->d + j];
        for (int j = p->d; j < icf_size(p); j++)
            square += icf[j] * icf[j];
        sum += 0.5 * p->gamma * p->gamma * square - p->m * at.log_sum[k];
    }
    return sum;
}

double gmm_objective(const gmm_problem *p, double *room)
{
    gmm_parts at = parts(p, room);
    prepare(p, at);
    double sum = gmm_constant(p) + prior(p, at);
    for (int i = 0; i < p->N; i++) {
        for (int k = 0; k < p->K; k++)
            at.term[k] = component(p, at, i, k);
        sum += log_sum_exp(at.term, p->K, 0);
    }
    memcpy(at.term, p->alpha, (size_t)p->K * sizeof(double));
    return sum - p->N * log_sum_exp(at.term, p->K, 0);
}

/* Of point i, with the weight w of component k: d/dq_j = w (1 - Qx_j Q_jj x_j), d/dQ_rj = -w Qx_r x_j, d/dmu = w Q^T
 * Qx. */
static void add_component(const gmm_problem *p, gmm_parts at, int i, int k, double w, double *d_mu, double *d_icf)
{
    const int d = p->d;
    const double *Qx = at.Qx + k * d, *below = p->icf + k * icf_size(p) + d;
    double *d_below = d_icf + d;
    for (int j = 0; j < d; j++) {
        double x = p->x[i * d + j] - p->mu[k * d + j], back = at.diagonal[k * d + j] * Qx[j];
        d_icf[j] += w * (1 - back * x);
        for (int r = j + 1; r < d; r++) {
            back += *below++ * Qx[r];
            *d_below++ -= w * Qx[r] * x;
        }
        d_mu[j] += w * back;
    }
}

double gmm_gradient(const gmm_problem *p, double *room, double *gradient)
{
    gmm_parts at = parts(p, room);
    const int d = p->d, K = p->K, size = icf_size(p);
    double *d_alpha = gradient, *d_mu = gradient + K, *d_icf = d_mu + K * d;
    memset(gradient, 0, (size_t)(K * (1 + d + size)) * sizeof(double));
    prepare(p, at);
    double sum = gmm_constant(p) + prior(p, at);
    for (int i = 0; i < p->N; i++) {
        for (int k = 0; k < K; k++)
            at.term[k] = component(p, at, i, k);
        sum += log_sum_exp(at.term, K, 1);
        for (int k = 0; k < K; k++) {
            d_alpha[k] += at.term[k];
            add_component(p, at, i, k, at.term[k], d_mu + k * d, d_icf + k * size);
        }
    }
    memcpy(at.term, p->alpha, (size_t)K * sizeof(double));
    sum -= p->N * log_sum_exp(at.term, K, 1);
    for (int k = 0; k < K; k++) {
        d_alpha[k] -= p->N * at.term[k];
        for (int j = 0; j < d; j++)
            d_icf[k * size + j] += p->gamma * p->gamma * at.diagonal[k * d + j] * at.diagonal[k * d + j] - p->m;
        for (int j = d; j < size; j++)
            d_icf[k * size + j] += p->gamma * p->gamma * p->icf[k * size + j];
    }
    return sum;
}

/* ---- bundle adjustment ---- */

/* The rotation by the vector r, after Rodrigues: cos I + sin [w] + (1 - cos) w w^T, w = r / |r|. */
static void rotation(const double *r, double R[3][3])
{
    double square = r[0] * r[0] + r[1] * r[1] + r[2] * r[2], angle = sqrt(square);
    double c = cos(angle), s = square > 0 ? sin(angle) / angle : 1, t = square > 0 ? (1 - c) / square : 0.5;
    const double skew[3][3] = { { 0, -r[2], r[1] }, { r[2], 0, -r[0] }, { -r[1], r[0], 0 } };
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            R[i][j] = (i == j ? c : 0) + s * skew[i][j] + t * r[i] * r[j];
}

/* d(R u)/dr = -R [u] (r r^T + (R^T - I) [r]) / |r|^2: Gallego and Yezzi (2015), "A compact formula for the derivative
 * of a 3-D rotation in exponential coordinates". */
static void rotation_derivative(const double *r, double R[3][3], const double *u, double d[3][3])
{
    const double square = r[0] * r[0] + r[1] * r[1] + r[2] * r[2];
    const double of_r[3][3] = { { 0, -r[2], r[1] }, { r[2], 0, -r[0] }, { -r[1], r[0], 0 } };
    const double of_u[3][3] = { { 0, -u[2], u[1] }, { u[2], 0, -u[0] }, { -u[1], u[0], 0 } };
    double inner[3][3], Ru[3][3];
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            inner[i][j] = r[i] * r[j] - of_r[i][j];
            Ru[i][j] = 0;
            for (int k = 0; k < 3; k++) {
                inner[i][j] += R[k][i] * of_r[k][j];
                Ru[i][j] += R[i][k] * of_u[k][j];
            }
        }
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            d[i][j] = square > 0 ? -(Ru[i][0] * inner[0][j] + Ru[i][1] * inner[1][j] + Ru[i][2] * inner[2][j]) / square : -of_u[i][j];
}

void ba_observation(const double *parameters, const double *feature, double *err, double *jacobian)
{
    const double *r = parameters, *centre = parameters + 3, f = parameters[6], *principal = parameters + 7, k1 = parameters[9], k2 = parameters[10];
    const double *X = parameters + BA_CAMERA, w = parameters[14];
    double R[3][3], u[3], p[3], plane[2], residual[2];
    rotation(r, R);
    for (int i = 0; i < 3; i++)
        u[i] = X[i] - centre[i];
    for (int i = 0; i < 3; i++)
        p[i] = R[i][0] * u[0] + R[i][1] * u[1] + R[i][2] * u[2];
    plane[0] = p[0] / p[2];
    plane[1] = p[1] / p[2];
    const double square = plane[0] * plane[0] + plane[1] * plane[1], stretch = 1 + k1 * square + k2 * square * square;
    for (int i = 0; i < 2; i++) {
        residual[i] = f * stretch * plane[i] + principal[i] - feature[i];
        err[i] = w * residual[i];
    }
    if (!jacobian)
        return;
    double turned[3][3];
    rotation_derivative(r, R, u, turned);
    const double slope = 2 * k1 + 4 * k2 * square; /* of stretch along plane */
    for (int i = 0; i < 2; i++) {
        double of_plane[2], of_p[3], *row = jacobian + i * BA_PARAMETERS;
        for (int j = 0; j < 2; j++)
            of_plane[j] = w * f * ((i == j ? stretch : 0) + plane[i] * slope * plane[j]);
        of_p[0] = of_plane[0] / p[2];
        of_p[1] = of_plane[1] / p[2];
        of_p[2] = -(of_plane[0] * plane[0] + of_plane[1] * plane[1]) / p[2];
        for (int j = 0; j < 3; j++) {
            row[j] = of_p[0] * turned[0][j] + of_p[1] * turned[1][j] + of_p[2] * turned[2][j];
            row[BA_CAMERA + j] = of_p[0] * R[0][j] + of_p[1] * R[1][j] + of_p[2] * R[2][j];
            row[3 + j] = -row[BA_CAMERA + j];
        }
        row[6] = w * stretch * plane[i];
        row[7] = i == 0 ? w : 0;
        row[8] = i == 1 ? w : 0;
        row[9] = w * f * square * plane[i];
        row[10] = w * f * square * square * plane[i];
        row[14] = residual[i];
    }
}
