/* Networks of tanh layers with softmax and cross-entropy: value, gradient and Hessian-vector product, in float64 and
 * float32, against the same written by hand in C on the same BLAS (mlp_by_hand.h). */
#include "bench.h"
#include <ad-nn/nn.h>
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS = 4 };

typedef struct {
    const char *name;
    int batch, layers, size[LAYERS + 1];
} network;

typedef struct {
    const network *net;
    char name[80];
    ad_tree *p, *v;
    ad_array *x, *labels, *W[LAYERS], *b[LAYERS];
} problem;

static ad_array *loss(ad_tree *p, ad_array *x, ad_array *labels)
{
    int layers = ad_tree_count(p);
    ad_array *h = x;
    for (int l = 0; l < layers; l++) {
        char W[16], b[16];
        snprintf(W, sizeof W, "%d/W", l);
        snprintf(b, sizeof b, "%d/b", l);
        h = ad_add(ad_matmul(h, ad_tree_get(p, W)), ad_tree_get(p, b));
        h = l + 1 < layers ? ad_tanh(h) : h;
    }
    return adnn_softmax_cross_entropy(h, labels);
}

static void libad_value(void *context)
{
    AD_SCOPE;
    const problem *q = context;
    loss(q->p, q->x, q->labels);
}

static bench_sum sum_of_value(void *context)
{
    AD_SCOPE;
    const problem *q = context;
    double value = ad_item(loss(q->p, q->x, q->labels));
    return (bench_sum){ value, fabs(value) };
}

static void libad_gradient(void *context)
{
    AD_SCOPE;
    const problem *q = context;
    ad_tree *g;
    ad_value_and_grad(loss)(q->p, q->x, q->labels, &g);
}

static bench_sum sum_of_tree(bench_sum s, const ad_tree *t)
{
    ad_array *leaves[2 * LAYERS];
    int count = ad_tree_leaves(t, leaves, 2 * LAYERS);
    for (int i = 0; i < count; i++)
        s = bench_sum_add(s, bench_sum_of(leaves[i]));
    return s;
}

static bench_sum sum_of_gradient(void *context)
{
    AD_SCOPE;
    const problem *q = context;
    ad_tree *g;
    double value = ad_item(ad_value_and_grad(loss)(q->p, q->x, q->labels, &g));
    return sum_of_tree((bench_sum){ value, fabs(value) }, g);
}

static void libad_hvp(void *context)
{
    AD_SCOPE;
    const problem *q = context;
    ad_hvp(loss)(q->p, q->x, q->labels, q->v);
}

static bench_sum sum_of_hvp(void *context)
{
    AD_SCOPE;
    const problem *q = context;
    return sum_of_tree((bench_sum){ 0, 0 }, ad_hvp(loss)(q->p, q->x, q->labels, q->v));
}

#define REAL float
#define NAME(x) x##_f32
#define GEMM cblas_sgemm
#define TANH tanhf
#define EXP expf
#define SUM bench_sum_floats
#include "mlp_by_hand.h"

#define REAL double
#define NAME(x) x##_f64
#define GEMM cblas_dgemm
#define TANH tanh
#define EXP exp
#define SUM bench_sum_values
#include "mlp_by_hand.h"

/* Uniform numbers around 0, as wide as makes sense for a layer of n inputs. */
static ad_array *parameters(ad_shape shape, uint64_t seed, int n, ad_dtype dtype)
{
    return ad_astype(ad_mul(ad_sub(bench_uniform(shape, seed), 0.5), 2 / sqrt(n)), dtype);
}

static void measure(bench *b, const network *net, ad_dtype dtype)
{
    AD_SCOPE;
    problem p = { .net = net };
    snprintf(p.name, sizeof p.name, "%s, batch %d, %s", net->name, net->batch, dtype == AD_F32 ? "float32" : "float64");
    ad_tree *layers[LAYERS];
    ad_tree *all = ad_tree_empty();
    for (int l = 0; l < net->layers; l++) {
        int n = net->size[l], m = net->size[l + 1];
        p.W[l] = parameters(AD_SHAPE(n, m), 10 + (uint64_t)l, n, dtype);
        p.b[l] = parameters(AD_SHAPE(m), 20 + (uint64_t)l, n, dtype);
        layers[l] = ad_tree_of("W", p.W[l], "b", p.b[l]);
        char name[12];
        snprintf(name, sizeof name, "%d", l);
        all = ad_tree_set_tree(all, name, layers[l]);
    }
    p.p = all;
    p.v = ad_tree_map(ad_sin, p.p);
    p.x = ad_astype(bench_uniform(AD_SHAPE(net->batch, net->size[0]), 30), dtype);
    p.labels = ad_astype(ad_floor(ad_mul(10, bench_uniform(AD_SHAPE(net->batch), 31))), AD_I64);
    if (dtype == AD_F32)
        measure_f32(b, &p, 1e-4);
    else
        measure_f64(b, &p, 1e-10);
}

int main(int argc, char **argv)
{
    static const network networks[] = { { "784-200-50-10", 250, 3, { 784, 200, 50, 10 } }, { "784-50-50-50-10", 200, 4, { 784, 50, 50, 50, 10 } } };
    bench b = bench_begin("mlp", argc, argv);
    openblas_set_num_threads(1);
    for (int i = 0; i < 2; i++) {
        measure(&b, &networks[i], AD_F64);
        measure(&b, &networks[i], AD_F32);
    }
    return bench_end(&b);
}
