/* What a hypergradient costs: the forward and reverse pass of hyper_sgd, or hyper_adam, over plain training of the same network on the same batches with
 * libad-nn's SGD with momentum, or Adam, in process CPU time, one after the other by turns, least of several; and its memory. Build with other BLAS kernels
 * in mind: the first lines say which ran. */
#include <ad-nn/nn.h>
#include <hyperopt/hyperopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EXAMPLES = 2000, CLASSES = 10, ROUNDS = 5 };

typedef struct {
    const char *name;
    int64_t width[4]; /* hidden layers, ended by 0 */
    int64_t inputs, batch, iterations;
    double aim;       /* of the total; 0: none */
    bool adam;
} workload;

typedef struct {
    adnn_model *model;
    ad_array *images, *labels;
    const workload *work;
} problem;

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static ad_array *loss(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    (void)theta;
    const problem *p = context;
    int64_t batch = p->work->batch, at = iteration * batch % (EXAMPLES - batch);
    return adnn_softmax_cross_entropy(adnn_apply(p->model, x, ad_slice_axis(p->images, 0, at, batch, 1)), ad_slice_axis(p->labels, 0, at, batch, 1));
}

static ad_array *loss_now(ad_tree *x, void *context)
{
    const void *const *both = context;
    return loss(x, NULL, *(const int64_t *)both[1], (void *)both[0]);
}

static ad_tree *train_plainly(ad_tree *x, problem *p)
{
    adnn_optimizer optimizer = p->work->adam ? adnn_adam(.step_size = 0.001) : adnn_sgd(.step_size = 0.01, .momentum = 0.9);
    ad_tree *w = ad_retain(x), *state = ad_retain(adnn_optimizer_init(optimizer, w));
    for (int64_t t = 0; t < p->work->iterations; t++) {
        AD_SCOPE;
        void *both[] = { p, &t };
        ad_tree *g = NULL, *next = w;
        ad_value_and_grad(loss_now)(w, (void *)both, &g);
        ad_assign(&state, adnn_optimizer_update(optimizer, state, g, &next));
        ad_assign(&w, next);
    }
    ad_release(state);
    return w;
}

static ad_tree *train(const hyper_training *training, ad_tree *hypers)
{
    const problem *p = training->context;
    return p->work->adam ? hyper_adam(training, hypers) : hyper_sgd(training, hypers);
}

static ad_array *meta_loss(ad_tree *hypers, void *training)
{
    const hyper_training *t = training;
    return loss(train(t, hypers), NULL, 7, t->context);
}

static ad_tree *hypers_of(const workload *w, ad_tree *x)
{
    if (w->adam)
        return ad_tree_of("x", x, "alpha", ad_full(AD_SHAPE(w->iterations), 0.001), "beta1", 0.9, "beta2", 0.999);
    return ad_tree_of("x", x, "alpha", ad_full(AD_SHAPE(w->iterations), 0.1), "beta", 0.9);
}

static adnn_model *model_of(const workload *w)
{
    const adnn_dense_options f32 = { .dtype = AD_F32 };
    adnn_model *layers[8];
    int n = 0;
    for (int i = 0; w->width[i]; i++) {
        layers[n++] = adnn_dense_with(w->width[i], f32);
        layers[n++] = adnn_tanh();
    }
    layers[n++] = adnn_dense_with(CLASSES, f32);
    return adnn_sequential_of(layers, n);
}

static double less(double a, double b)
{
    return a < b ? a : b;
}

static void measure(const workload *w)
{
    AD_SCOPE;
    problem p = { .model = model_of(w), .work = w };
    p.images = ad_astype(ad_random_uniform(ad_random_key(1), AD_SHAPE(EXAMPLES, w->inputs)), AD_F32);
    p.labels = ad_random_randint(ad_random_key(2), AD_SHAPE(EXAMPLES), 0, CLASSES);
    ad_tree *x = adnn_init(p.model, ad_random_key(3), AD_SHAPE(w->inputs));
    int64_t parameters = ad_size(ad_flatten(x));
    hyper_report report = { 0 };
    hyper_training training = { .loss = loss, .context = &p, .iterations = w->iterations, .report = &report };
    double plain = INFINITY, forward = INFINITY, both = INFINITY;
    for (int round = 0; round < ROUNDS; round++) {
        AD_SCOPE;
        ad_tree *hypers = hypers_of(w, x);
        double start = cpu_seconds();
        ad_release(train_plainly(x, &p));
        plain = less(plain, cpu_seconds() - start);
        start = cpu_seconds();
        train(&training, hypers);
        forward = less(forward, cpu_seconds() - start);
        start = cpu_seconds();
        ad_grad(meta_loss)(hypers, (void *)&training);
        both = less(both, cpu_seconds() - start);
    }
    double steps = (double)w->iterations;
    char aim[32] = "";
    if (w->aim > 0)
        snprintf(aim, sizeof aim, "aim %.1f%s", w->aim, both / plain <= w->aim ? "" : " MISSED");
    printf("%-34s %9lld %10.1f us %8.2f %8.2f   %-14s %6.1f bytes a parameter, %s\n", w->name, (long long)parameters, 1e6 * plain / steps, forward / plain,
           both / plain, aim, (double)report.memory_bytes / (double)parameters, report.reversed_exactly ? "exact" : "NOT EXACT");
    adnn_free(p.model);
}

int main(void)
{
    static const workload works[] = {
        { "logistic regression, batch 10", { 0 }, 784, 10, 500, 4.5, false },
        { "784-50-50-50-10, batch 200", { 50, 50, 50, 0 }, 784, 200, 100, 4.0, false },
        { "784-1000-200-10, batch 200", { 1000, 200, 0 }, 784, 200, 50, 4.0, false },
        { "Adam: logistic regression", { 0 }, 784, 10, 500, 0, true },
        { "Adam: 784-50-50-50-10", { 50, 50, 50, 0 }, 784, 200, 100, 0, true },
        { "Adam: 784-1000-200-10", { 1000, 200, 0 }, 784, 200, 20, 0, true },
    };
    ad_on_error(AD_ERROR_PRINT_AND_EXIT);
    printf("%s\n%-34s %9s %13s %8s %8s\n", ad_config(), "over plain training", "parameters", "plain step", "forward", "total");
    for (size_t i = 0; i < sizeof works / sizeof *works; i++)
        measure(&works[i]);
    return ad_failed();
}
