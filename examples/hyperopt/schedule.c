/* The training run whose schedules are learned; see schedule.h. */
#include "schedule.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ad_array *batch_loss(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    (void)theta;
    const struct task *task = context;
    ad_array *batch = ad_random_choice(ad_random_fold_in(task->key, (uint64_t)iteration + 1), ad_dim(task->digits.train_images, 0), AD_SHAPE(task->batch));
    return adnn_softmax_cross_entropy(adnn_apply(task->network, x, ad_take(task->digits.train_images, batch, .axis = 0)),
                                      ad_take(task->digits.train_labels, batch, .axis = 0));
}

ad_array *training_loss(const struct task *task, ad_tree *x)
{
    return adnn_softmax_cross_entropy(adnn_apply(task->network, x, task->digits.train_images), task->digits.train_labels);
}

static bool note_loss(const hyper_progress *progress, void *context)
{
    struct task *task = context;
    if (task->curve && (progress->iteration + 1) % task->every == 0)
        task->curve[progress->iteration / task->every] += ad_item(training_loss(task, progress->x)) / task->seeds;
    return true;
}

static adnn_model *layer(int64_t units)
{
    return adnn_dense(units, .dtype = AD_F32);
}

void start_task(struct task *task, ad_tree *(*descent)(const hyper_training *, ad_tree *), const struct options *options)
{
    *task = (struct task){ .descent = descent, .digits = load_digits(options->data, AD_F32), .batch = options->paper ? 200 : 100, .seeds = 5, .every = 1 };
    task->rates = options->runs ? options->runs : 20;
    ad_array *mean = ad_mean(task->digits.train_images, .axis = 0);
    task->digits.train_images = ad_sub(task->digits.train_images, mean);
    task->digits.test_images = ad_sub(task->digits.test_images, mean);
    task->network = adnn_sequential(layer(50), adnn_tanh(), layer(50), adnn_tanh(), layer(50), adnn_tanh(), layer(10));
    task->parameters = adnn_init(task->network, ad_random_key(0), AD_SHAPE(task->digits.pixels));
    task->training = (hyper_training){ .loss = batch_loss, .context = task, .iterations = ITERATIONS, .observe = note_loss };
}

ad_tree *per_group(const struct task *task, int64_t count, double value)
{
    ad_array *leaves[GROUPS];
    for (int i = 0; i < GROUPS; i++)
        leaves[i] = count ? ad_full(AD_SHAPE(count), value) : ad_scalar(value);
    return ad_tree_with_leaves(task->parameters, leaves);
}

static ad_array *lecun(const char *path, ad_array *leaf, void *biases)
{
    return ad_scalar(strchr(path, 'W') ? 1 / sqrt((double)ad_dim(leaf, 0)) : *(double *)biases);
}

ad_tree *lecun_scale(const struct task *task, double biases)
{
    return ad_tree_map_with_path(lecun, task->parameters, &biases);
}

static ad_array *scaled(ad_array *normal, ad_array *scale)
{
    return ad_astype(ad_mul(normal, scale), AD_F32);
}

ad_tree *train(struct task *task, ad_tree *hypers, ad_key key)
{
    task->key = key;
    ad_tree *normal = adnn_normal_like(ad_random_fold_in(key, 0), task->parameters), *x = ad_tree_map2(scaled, normal, ad_tree_sub(hypers, "scale"));
    return task->descent(&task->training, ad_tree_set_tree(ad_tree_sub(hypers, "run"), "x", x));
}

static void stop(void)
{
    fprintf(stderr, "%s\n", ad_error_message());
    exit(EXIT_FAILURE);
}

ad_array *loss_after_training(ad_tree *hypers, ad_key key, void *context)
{
    return training_loss(context, train(context, hypers, key));
}

ad_tree *constant_hypers(const struct task *task, int64_t iterations, double rate, double momentum, ad_tree *scale)
{
    return ad_tree_of("run", ad_tree_of("alpha", per_group(task, iterations, rate), "beta", per_group(task, iterations, momentum)), "scale", scale);
}

ad_tree *learn_schedule(struct task *task, ad_tree *first, const char *momenta, bool calm, const struct options *options, hyper_optimize_report *report)
{
    ad_on_error(AD_ERROR_RETURN); /* runs that diverge are skipped */
    adnn_optimizer adam = adnn_adam(.step_size = calm ? 0.12 : 0.04);
    ad_tree *learned = hyper_optimize(loss_after_training, first, .optimizer = adam, .anneal = calm, .log = "run/alpha, scale", .logit = momenta, .iterations = options->meta_iterations,
                                      .key = ad_random_key(options->seed), .context = task, .returns = HYPER_LAST, .clip_growth = 5, .skip_failures = 3,
                                      .progress = true, .report = report);
    ad_on_error(AD_ERROR_PRINT_AND_EXIT);
    if (!learned)
        stop();
    return learned;
}

/* A run that diverges is not a mistake: its loss is infinite. */
static double loss_or_infinity(ad_tree *hypers, ad_key key, struct task *task)
{
    ad_on_error(AD_ERROR_RETURN);
    ad_array *loss = loss_after_training(hypers, key, task);
    ad_on_error(AD_ERROR_PRINT_AND_EXIT);
    if (loss)
        return ad_item(loss);
    if (ad_error_code() != AD_ERROR_NUMERIC)
        stop();
    ad_clear_error();
    return INFINITY;
}

double loss_on_fresh_seeds(struct task *task, ad_tree *hypers, ad_key fresh, double *curve)
{
    double sum = 0;
    task->curve = curve;
    for (int i = 0; i < task->seeds; i++) {
        AD_SCOPE;
        sum += loss_or_infinity(hypers, ad_random_fold_in(fresh, (uint64_t)i), task);
    }
    task->curve = NULL;
    return sum / task->seeds;
}

static ad_tree *times(ad_tree *hypers, double factor)
{
    ad_tree *alpha = ad_tree_sub(hypers, "run/alpha");
    return ad_tree_set_tree(hypers, "run/alpha", ad_unflatten(alpha, ad_mul(factor, ad_flatten(alpha))));
}

struct factor best_factor(struct task *task, ad_tree *hypers, double least, double most, ad_key fresh)
{
    struct factor best = { .loss = INFINITY };
    adnn_progress progress = adnn_progress_start("learning rates", task->rates);
    for (int64_t i = 0; i < task->rates; i++) {
        AD_SCOPE;
        double factor = least * pow(most / least, task->rates > 1 ? (double)i / (double)(task->rates - 1) : 0.5);
        double loss = loss_on_fresh_seeds(task, times(hypers, factor), fresh, NULL);
        if (loss < best.loss)
            best = (struct factor){ .value = factor, .loss = loss };
        adnn_progress_update(&progress, i + 1, loss);
    }
    adnn_progress_end(&progress);
    best.hypers = times(hypers, best.value);
    return best;
}

struct factor best_fixed_rate(struct task *task, int64_t iterations, ad_tree *scale, ad_key fresh)
{
    struct factor low = best_factor(task, constant_hypers(task, iterations, 1, 0.5, scale), 0.1, 10, fresh);
    struct factor high = best_factor(task, constant_hypers(task, iterations, 1, 0.9, scale), 0.1, 10, fresh);
    printf("best of %lld fixed rates after %lld iterations: with momentum 0.5 rate %.2f, training loss %.2e; with momentum 0.9 rate %.2f, training loss %.2e\n",
           (long long)task->rates, (long long)iterations, low.value, low.loss, high.value, high.loss);
    return high.loss < low.loss ? high : low;
}

void draw_schedules(const char *out, const char *suffix, const char *title, ad_tree *rates, ad_tree *momenta, double fixed)
{
    enum { WIDTH = 9 }; /* of the running means */
    ad_array *raw = ad_transpose(ad_reshape(ad_concatenate(ad_list_of(ad_flatten(rates), ad_flatten(momenta))), AD_SHAPE(2 * GROUPS, ITERATIONS)));
    ad_array *iteration = ad_expand_dims(ad_astype(ad_arange(ITERATIONS), AD_F64), 1);
    char columns[2500] = "iteration", script[2500];
    for (int i = 0; i < 4 * GROUPS; i++)
        snprintf(columns + strlen(columns), sizeof columns - strlen(columns), ",%s of the %s of layer %d%s", i / GROUPS % 2 ? "momentum" : "learning rate",
                 i % 2 ? "biases" : "weights", i % GROUPS / 2 + 1, i < 2 * GROUPS ? "" : " (running mean)");
    snprintf(script, sizeof script,
             "set multiplot layout 2,2 title '%s' font ',15'\nset xrange [0:%d]\n"
             "curves = 'for [l=0:3] DATA using 1:(column(first+2*l)) lw 1.2 lc rgb FAINT(l+1) notitle, "
             "for [l=0:3] DATA using 1:(column(first+16+2*l)) lt l+1 title sprintf(\"layer %%d\", l+1)'\n"
             "unset key\nset ylabel 'learning rate'\nset yrange [0:*]\nset title 'weights'\nfirst = 2\nplot @curves, %g @REFERENCE\n"
             "set title 'biases'\nfirst = 3\nunset ylabel\nplot @curves, %g @REFERENCE\n"
             "set ylabel 'momentum'\nset yrange [%s]\nunset title\nset xlabel 'iteration'\nfirst = 10\nplot @curves\n"
             "set key inside bottom right vertical maxrows 5 Left reverse samplen 2 opaque\n"
             "first = 11\nunset ylabel\nplot @curves, NaN @REFERENCE title 'best fixed rate'\nunset multiplot",
             title, ITERATIONS, fixed, fixed,
             ad_item(ad_min(ad_flatten(momenta))) > 0.9 ? "*:*" : "0:1" /* second momenta of Adam differ in the third digit */);
    write_results(out, suffix, columns, ad_concatenate(ad_list_of(iteration, raw, running_mean(raw, WIDTH)), .axis = 1), script);
}
