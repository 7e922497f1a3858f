/* What a hypergradient costs: the forward and reverse pass of hyper_sgd, or hyper_adam, over plain training of the same
 * network on the same batches with libad-nn's SGD with momentum, or Adam; and its memory. */
#include "bench.h"
#include <ad-nn/nn.h>
#include <hyperopt/hyperopt.h>

enum { EXAMPLES = 2000, CLASSES = 10 };

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
    ad_tree *x;
    hyper_training training;
} problem;

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

static void run_plain(void *context)
{
    AD_SCOPE;
    problem *p = context;
    ad_release(train_plainly(p->x, p));
}

static void run_forward(void *context)
{
    AD_SCOPE;
    problem *p = context;
    train(&p->training, hypers_of(p->work, p->x));
}

static void run_both(void *context)
{
    AD_SCOPE;
    problem *p = context;
    ad_grad(meta_loss)(hypers_of(p->work, p->x), (void *)&p->training);
}

static void measure(bench *b, const workload *w)
{
    AD_SCOPE;
    char row[100];
    problem p = { .model = model_of(w), .work = w };
    p.images = ad_astype(ad_random_uniform(ad_random_key(1), AD_SHAPE(EXAMPLES, w->inputs)), AD_F32);
    p.labels = ad_random_randint(ad_random_key(2), AD_SHAPE(EXAMPLES), 0, CLASSES);
    p.x = adnn_init(p.model, ad_random_key(3), AD_SHAPE(w->inputs));
    hyper_report report = { 0 };
    p.training = (hyper_training){ .loss = loss, .context = &p, .iterations = w->iterations, .report = &report };
    bench_piece pieces[] = { { .who = "hypergradient", .run = run_both, .context = &p },
                             { .who = "plain training", .run = run_plain, .context = &p, .aim = w->aim },
                             { .who = "forward pass", .run = run_forward, .context = &p } };
    if (bench_compare(b, w->name, 0, pieces, 3)) {
        snprintf(row, sizeof row, "%s: memory", w->name);
        bench_figure(b, row, (double)report.memory_bytes / (double)ad_size(ad_flatten(p.x)), "bytes a parameter", 0);
        bench_equal(b, w->name, 0, "the reversal", (bench_sum){ report.reversed_exactly, 1 }, "an exact one", (bench_sum){ 1, 1 });
    }
    adnn_free(p.model);
}

int main(int argc, char **argv)
{
    static const workload works[] = {
        { "logistic regression, batch 10", { 0 }, 784, 10, 500, 4.5, false },
        { "784-50-50-50-10, batch 200", { 50, 50, 50, 0 }, 784, 200, 100, 4.0, false },
        { "784-1000-200-10, batch 200", { 1000, 200, 0 }, 784, 200, 50, 4.0, false },
        { "Adam: logistic regression", { 0 }, 784, 10, 500, 0, true },
        { "Adam: 784-50-50-50-10", { 50, 50, 50, 0 }, 784, 200, 100, 0, true },
        { "Adam: 784-1000-200-10", { 1000, 200, 0 }, 784, 200, 20, 0, true },
    };
    bench b = bench_begin("hyperopt", argc, argv);
    for (size_t i = 0; i < sizeof works / sizeof *works; i++)
        measure(&b, &works[i]);
    return bench_end(&b);
}
