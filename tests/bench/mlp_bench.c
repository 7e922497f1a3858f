/* The gradient of a network 784-200-50-10, batch 250, against the same written by hand in C on the same BLAS, and a Hessian-vector product. */
#include "bench.h"
#include <ad-nn/nn.h>
#include <cblas.h>
#include <string.h>

enum { BATCH = 250, LAYERS = 3 };
static const int sizes[LAYERS + 1] = { 784, 200, 50, 10 };

/* ---- libad ---- */

static ad_array *loss(ad_tree *p, ad_array *x, ad_array *labels)
{
    ad_array *h = ad_tanh(ad_add(ad_matmul(x, ad_tree_get(p, "W0")), ad_tree_get(p, "b0")));
    h = ad_tanh(ad_add(ad_matmul(h, ad_tree_get(p, "W1")), ad_tree_get(p, "b1")));
    return adnn_softmax_cross_entropy(ad_add(ad_matmul(h, ad_tree_get(p, "W2")), ad_tree_get(p, "b2")), labels);
}

struct problem {
    ad_tree *p, *v;
    ad_array *x, *labels;
    double value, first; /* of the last gradient */
};

static void libad_value(void *context)
{
    AD_SCOPE;
    struct problem *q = context;
    q->value = ad_item(loss(q->p, q->x, q->labels));
}

static void libad_gradient(void *context)
{
    AD_SCOPE;
    struct problem *q = context;
    ad_tree *g;
    ad_array *value = ad_value_and_grad(loss)(q->p, q->x, q->labels, &g);
    q->value = ad_item(value);
    q->first = ad_item(ad_at(ad_tree_get(g, "W2"), "0, 0"));
}

static void libad_hvp(void *context)
{
    AD_SCOPE;
    struct problem *q = context;
    ad_tree *h = ad_hvp(loss)(q->p, q->x, q->labels, q->v);
    q->first = ad_item(ad_at(ad_tree_get(h, "W2"), "0, 0"));
}

/* ---- by hand ---- */

struct by_hand {
    const double *x;
    const int64_t *labels;
    const double *W[LAYERS], *b[LAYERS];
    double *h[LAYERS], *dh[LAYERS], *dW[LAYERS], *db[LAYERS];
    double value;
};

static void forward(struct by_hand *q)
{
    const double *in = q->x;
    for (int l = 0; l < LAYERS; l++) {
        int n = sizes[l], m = sizes[l + 1];
        for (int i = 0; i < BATCH; i++)
            memcpy(q->h[l] + i * m, q->b[l], (size_t)m * sizeof(double));
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, BATCH, m, n, 1, in, n, q->W[l], m, 1, q->h[l], m);
        for (int i = 0; l + 1 < LAYERS && i < BATCH * m; i++)
            q->h[l][i] = tanh(q->h[l][i]);
        in = q->h[l];
    }
}

static void hand_gradient(void *context)
{
    struct by_hand *q = context;
    forward(q);
    q->value = 0;
    for (int i = 0; i < BATCH; i++) {
        double *row = q->h[LAYERS - 1] + 10 * i, *d = q->dh[LAYERS - 1] + 10 * i, largest = row[0], sum = 0;
        for (int k = 1; k < 10; k++)
            largest = fmax(largest, row[k]);
        for (int k = 0; k < 10; k++)
            sum += d[k] = exp(row[k] - largest);
        q->value -= (row[q->labels[i]] - largest - log(sum)) / BATCH;
        for (int k = 0; k < 10; k++)
            d[k] = (d[k] / sum - (k == q->labels[i])) / BATCH;
    }
    for (int l = LAYERS - 1; l >= 0; l--) {
        int n = sizes[l], m = sizes[l + 1];
        const double *in = l ? q->h[l - 1] : q->x;
        cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, n, m, BATCH, 1, in, n, q->dh[l], m, 0, q->dW[l], m);
        memset(q->db[l], 0, (size_t)m * sizeof(double));
        for (int i = 0; i < BATCH; i++)
            for (int k = 0; k < m; k++)
                q->db[l][k] += q->dh[l][i * m + k];
        if (l == 0)
            break;
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, BATCH, n, m, 1, q->dh[l], m, q->W[l], m, 0, q->dh[l - 1], n);
        for (int i = 0; i < BATCH * n; i++)
            q->dh[l - 1][i] *= 1 - q->h[l - 1][i] * q->h[l - 1][i];
    }
}

int main(int argc, char **argv)
{
    struct bench bench = { 0 };
    printf("%s\n", ad_config());
    struct problem q = { 0 };
    ad_array *W[LAYERS], *b[LAYERS];
    struct by_hand hand = { 0 };
    for (int l = 0; l < LAYERS; l++) {
        int n = sizes[l], m = sizes[l + 1];
        W[l] = ad_random_normal(ad_random_key((uint64_t)l), AD_SHAPE(n, m), .scale = 1 / sqrt(n));
        b[l] = ad_random_normal(ad_random_key((uint64_t)l + 10), AD_SHAPE(m), .scale = 0.1);
        hand.W[l] = ad_data(W[l]);
        hand.b[l] = ad_data(b[l]);
        hand.h[l] = malloc((size_t)(BATCH * m) * sizeof(double));
        hand.dh[l] = malloc((size_t)(BATCH * m) * sizeof(double));
        hand.dW[l] = malloc((size_t)(n * m) * sizeof(double));
        hand.db[l] = malloc((size_t)m * sizeof(double));
    }
    q.p = ad_tree_of("W0", W[0], "b0", b[0], "W1", W[1], "b1", b[1], "W2", W[2], "b2", b[2]);
    q.v = ad_tree_map(ad_sin, q.p);
    q.x = ad_random_uniform(ad_random_key(20), AD_SHAPE(BATCH, sizes[0]));
    q.labels = ad_random_randint(ad_random_key(21), AD_SHAPE(BATCH), 0, 10);
    hand.x = ad_data(q.x);
    hand.labels = ad_data(q.labels);
    if (ad_failed()) {
        fprintf(stderr, "%s\n", ad_error_message());
        return EXIT_FAILURE;
    }
    double by_hand = bench_time(&bench, "by hand, gradient", hand_gradient, &hand);
    bench_time(&bench, "libad, value", libad_value, &q);
    double gradient = bench_time(&bench, "libad, gradient", libad_gradient, &q);
    if (fabs(q.value - hand.value) > 1e-12 || fabs(q.first - hand.dW[2][0]) > 1e-12) {
        fprintf(stderr, "the gradients differ: value %.17g, %.17g; an entry %.17g, %.17g %s\n", q.value, hand.value, q.first, hand.dW[2][0],
                ad_error_message());
        return EXIT_FAILURE;
    }
    double hvp = bench_time(&bench, "libad, Hessian-vector product", libad_hvp, &q);
    printf("\n");
    bench_ratio("gradient / by hand", gradient / by_hand, 1.5);
    bench_ratio("Hessian-vector product / gradient", hvp / gradient, 2.5);
    for (int l = 0; l < LAYERS; l++) {
        free(hand.h[l]);
        free(hand.dh[l]);
        free(hand.dW[l]);
        free(hand.db[l]);
    }
    return bench_end(&bench, argc, argv);
}
