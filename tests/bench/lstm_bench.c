/* The LSTM of ADBench on its own data: the gradient in all parameters, step by step over a sequence, against the
 * objective alone in plain C.
 *
 * Srajer, Kukelova, Fitzgibbon, "A benchmark of selected algorithmic differentiation tools on some problems in computer
 * vision and machine learning" (2018). Gates are elementwise: a weight and a bias for each of the `size` inputs, none
 * between them. */
#include "bench.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GATES = 4, LAYERS = 8, EXTRA = 3 };
enum { FORGET, INGATE, OUTGATE, CHANGE };           /* gates */
enum { INPUT_WEIGHT, OUTPUT_WEIGHT, OUTPUT_BIAS }; /* of the extra parameters */

typedef struct lstm {
    int layers, length, size;
    double *main;             /* (layers, 2, GATES, size): weights, biases */
    double *extra;            /* (EXTRA, size) */
    double *state;            /* (layers, 2, size): hidden, cell */
    double *sequence;         /* (length, size) */
    double *expected;         /* the loss, and its derivatives in main and extra */
    double loss;              /* written by plain C */
    ad_tree *parameters, *rows;
    ad_array *first_state;
} lstm;

/* ---- libad ---- */

static ad_array *affine(ad_array *x, ad_array *weight, ad_array *bias)
{
    return ad_add(ad_mul(x, weight), bias);
}

/* One step of a layer: its hidden state and cell become the next ones. */
static void step(ad_array *const *weight, ad_array *const *bias, ad_array *x, ad_array **hidden, ad_array **cell)
{
    ad_array *forget = ad_sigmoid(affine(x, weight[FORGET], bias[FORGET])), *ingate = ad_sigmoid(affine(*hidden, weight[INGATE], bias[INGATE]));
    ad_array *outgate = ad_sigmoid(affine(x, weight[OUTGATE], bias[OUTGATE])), *change = ad_tanh(affine(*hidden, weight[CHANGE], bias[CHANGE]));
    *cell = ad_add(ad_mul(*cell, forget), ad_mul(ingate, change));
    *hidden = ad_mul(outgate, ad_tanh(*cell));
}

static ad_array *loss(ad_tree *p, void *context)
{
    const lstm *q = context;
    ad_array *main = ad_tree_get(p, "main"), *extra = ad_tree_get(p, "extra");
    ad_array *weight[LAYERS][GATES], *bias[LAYERS][GATES], *hidden[LAYERS], *cell[LAYERS], *outer[EXTRA], *total = ad_scalar(0);
    for (int l = 0; l < q->layers; l++) {
        for (int gate = 0; gate < GATES; gate++) {
            weight[l][gate] = ad_at(main, "%d, 0, %d", l, gate);
            bias[l][gate] = ad_at(main, "%d, 1, %d", l, gate);
        }
        hidden[l] = ad_at(q->first_state, "%d, 0", l);
        cell[l] = ad_at(q->first_state, "%d, 1", l);
    }
    for (int i = 0; i < EXTRA; i++)
        outer[i] = ad_at(extra, "%d", i);
    for (int t = 0; t + 1 < q->length; t++) {
        ad_array *x = ad_mul(ad_tree_array_at(q->rows, t), outer[INPUT_WEIGHT]);
        for (int l = 0; l < q->layers; l++) {
            step(weight[l], bias[l], x, &hidden[l], &cell[l]);
            x = hidden[l];
        }
        ad_array *prediction = affine(x, outer[OUTPUT_WEIGHT], outer[OUTPUT_BIAS]), *next = ad_tree_array_at(q->rows, t + 1);
        ad_array *normaliser = ad_log(ad_add(2, ad_sum(ad_exp(prediction))));
        total = ad_add(total, ad_sum(ad_mul(next, ad_sub(prediction, normaliser))));
    }
    return ad_div(total, -(double)(q->length - 1) * q->size);
}

static void gradient(void *context)
{
    AD_SCOPE;
    const lstm *q = context;
    ad_tree *g;
    ad_value_and_grad(loss)(q->parameters, context, &g);
}

static bench_sum sum_of_gradient(void *context)
{
    AD_SCOPE;
    const lstm *q = context;
    ad_tree *g;
    double value = ad_item(ad_value_and_grad(loss)(q->parameters, context, &g));
    bench_sum parts = bench_sum_add(bench_sum_of(ad_tree_get(g, "main")), bench_sum_of(ad_tree_get(g, "extra")));
    return bench_sum_add((bench_sum){ value, fabs(value) }, parts);
}

static void value(void *context)
{
    AD_SCOPE;
    const lstm *q = context;
    loss(q->parameters, context);
}

static bench_sum sum_of_value(void *context)
{
    AD_SCOPE;
    const lstm *q = context;
    double x = ad_item(loss(q->parameters, context));
    return (bench_sum){ x, fabs(x) };
}

/* ---- plain C ---- */

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static void plain_step(const lstm *q, const double *weight, const double *bias, const double *x, double *hidden, double *cell)
{
    int n = q->size;
    for (int i = 0; i < n; i++) {
        double forget = sigmoid(x[i] * weight[FORGET * n + i] + bias[FORGET * n + i]), ingate = sigmoid(hidden[i] * weight[INGATE * n + i] + bias[INGATE * n + i]);
        double outgate = sigmoid(x[i] * weight[OUTGATE * n + i] + bias[OUTGATE * n + i]), change = tanh(hidden[i] * weight[CHANGE * n + i] + bias[CHANGE * n + i]);
        cell[i] = cell[i] * forget + ingate * change;
        hidden[i] = outgate * tanh(cell[i]);
    }
}

static void plain_value(void *context)
{
    lstm *q = context;
    int n = q->size;
    double *state = malloc((size_t)(2 * q->layers + 2) * (size_t)n * sizeof *state), *x = state + 2 * q->layers * n, *prediction = x + n, total = 0;
    memcpy(state, q->state, (size_t)(2 * q->layers * n) * sizeof *state);
    for (int t = 0; t + 1 < q->length; t++) {
        const double *next = q->sequence + (t + 1) * n, *in = x;
        for (int i = 0; i < n; i++)
            x[i] = q->sequence[t * n + i] * q->extra[INPUT_WEIGHT * n + i];
        for (int l = 0; l < q->layers; l++) {
            double *hidden = state + 2 * l * n;
            plain_step(q, q->main + 2 * l * GATES * n, q->main + (2 * l + 1) * GATES * n, in, hidden, hidden + n);
            in = hidden;
        }
        double sum = 2;
        for (int i = 0; i < n; i++) {
            prediction[i] = in[i] * q->extra[OUTPUT_WEIGHT * n + i] + q->extra[OUTPUT_BIAS * n + i];
            sum += exp(prediction[i]);
        }
        for (int i = 0; i < n; i++)
            total += next[i] * (prediction[i] - log(sum));
    }
    q->loss = -total / ((double)(q->length - 1) * n);
    free(state);
}

static bench_sum sum_of_plain_value(void *context)
{
    const lstm *q = context;
    plain_value(context);
    return (bench_sum){ q->loss, fabs(q->loss) };
}

/* ---- data ---- */

static double *read_numbers(FILE *file, int64_t count)
{
    double *x = malloc((size_t)count * sizeof *x);
    for (int64_t i = 0; x && i < count; i++)
        if (fscanf(file, "%lf", &x[i]) != 1) {
            free(x);
            return NULL;
        }
    return x;
}

static FILE *open_file(const bench *b, const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s/%s.txt", b->data, folder, name);
    return fopen(path, "r");
}

static bool read_problem(const bench *b, const char *name, lstm *q)
{
    FILE *file = open_file(b, "lstm", name), *expected = open_file(b, "expected", name);
    bool done = file && expected && fscanf(file, "%d %d %d", &q->layers, &q->length, &q->size) == 3 && q->layers > 0 && q->layers <= LAYERS && q->length > 1 &&
                q->size > 0;
    if (done) {
        int64_t n = q->size, l = q->layers;
        done = (q->main = read_numbers(file, l * 2 * GATES * n)) && (q->extra = read_numbers(file, EXTRA * n)) && (q->state = read_numbers(file, l * 2 * n)) &&
               (q->sequence = read_numbers(file, q->length * n)) && (q->expected = read_numbers(expected, 1 + l * 2 * GATES * n + EXTRA * n));
    }
    if (file)
        fclose(file);
    if (expected)
        fclose(expected);
    return done;
}

int main(int argc, char **argv)
{
    bench b = bench_begin("lstm", argc, argv);
    const char *row = "LSTM, 2 layers, length 1024", *name = "lstm_l2_c1024";
    lstm q = { 0 };
    if (!b.data || !read_problem(&b, name, &q)) {
        bench_skip(&b, row, "say where the files of ADBench are: --data DIR or AD_BENCH_DATA=DIR, a folder with lstm and expected in it");
    } else {
        int64_t n = q.size, main_count = q.layers * 2 * GATES * n;
        q.parameters = ad_tree_of("main", ad_from(q.main, AD_SHAPE(q.layers, 2, GATES, n)), "extra", ad_from(q.extra, AD_SHAPE(EXTRA, n)));
        q.first_state = ad_from(q.state, AD_SHAPE(q.layers, 2, n));
        q.rows = ad_unstack(ad_from(q.sequence, AD_SHAPE(q.length, n)));
        bench_sum expected = bench_sum_add(bench_sum_values(q.expected + 1, main_count), bench_sum_values(q.expected + 1 + main_count, EXTRA * n));
        expected = bench_sum_add((bench_sum){ q.expected[0], fabs(q.expected[0]) }, expected);
        if (bench_equal(&b, row, 1e-10, "libad", sum_of_gradient(&q), "a hand-written derivative", expected)) {
            bench_compare(&b, "LSTM, 2 layers, length 1024, value", 1e-12,
                          (bench_piece[]){ { .who = "libad", .run = value, .sum = sum_of_value, .context = &q },
                                           { .who = "plain C", .run = plain_value, .sum = sum_of_plain_value, .context = &q } },
                          2);
            bench_compare(&b, "LSTM, 2 layers, length 1024, gradient", 1e-12,
                          (bench_piece[]){ { .who = "libad", .run = gradient, .sum = sum_of_gradient, .context = &q },
                                           { .who = "plain C, value", .run = plain_value, .context = &q, .aim = 15 } },
                          2);
        }
    }
    free(q.main);
    free(q.extra);
    free(q.state);
    free(q.sequence);
    free(q.expected);
    return bench_end(&b);
}
