/* Which weights should related tasks share? Each of five alphabets is a task, and so is each turned by a quarter; a
 * task has a network that reads its characters. The weights of layer k of all networks are W_k = T_k Z_k: training
 * moves Z_k, which has a row for each task, under a penalty, and the matrix T_k mixes the rows. Three ways are compared
 * (Maclaurin, Duvenaud, Adams 2015, section 3.4):
 *
 *     separate   T is the identity in every layer
 *     tied       all elements are equal in the first layer, so that all tasks share it
 *     learned    T follows the exact gradient of the validation loss after training
 *
 * Drawn are the correlations in T T', which say how strongly the penalty ties each pair of tasks. In the last layer two
 * diagonals appear beside the main one: the program finds out which tasks are the same alphabet. Takes half a minute,
 * on alphabets of four digits; --paper --data DIR (Omniglot) ten minutes a run. */
#include "example.h"
#include <ad-nn/nn.h>
#include <hyperopt/hyperopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS = 3, ALPHABETS = 5, TASKS = 2 * ALPHABETS, WAYS = 3, FIGURES = 4 };
static const char *const ways[WAYS] = { "separate", "tied", "learned" };

struct problem {
    int64_t sizes[LAYERS + 1];    /* of the networks' layers */
    int64_t training, validation; /* drawings of each character: to train on, and how many of these are kept for validation; the rest is for test */
    ad_tree *tasks;               /* a list: for each task "images" (characters, drawings, pixels) and "labels" (characters) */
    ad_tree *data;                /* what is trained on, a list: for each task "images" (examples, pixels) and "labels" (examples) */
    hyper_training run;
};

/* For each task the first `count` drawings of each character, in an order that the key gives. */
static ad_tree *shuffled(ad_tree *tasks, ad_key key, int64_t count)
{
    ad_tree_item items[TASKS];
    for (int i = 0; i < TASKS; i++) {
        ad_tree *task = ad_tree_tree_at(tasks, i);
        ad_array *images = ad_slice_axis(ad_tree_get(task, "images"), 1, 0, count, 1);
        ad_array *order = ad_argsort(ad_random_uniform(ad_random_fold_in(key, (uint64_t)i), AD_SHAPE(ad_dim(images, 0), count)), .axis = 1);
        items[i] = ad_item_tree_(ad_tree_set(task, "images", ad_take_along_axis(images, ad_expand_dims(order, 2), 1)));
    }
    return ad_list_from(items, TASKS);
}

/* For each task `count` drawings of each character, from `from` on, as one set of examples. */
static ad_tree *examples(ad_tree *tasks, int64_t from, int64_t count)
{
    ad_tree_item items[TASKS];
    for (int i = 0; i < TASKS; i++) {
        ad_tree *task = ad_tree_tree_at(tasks, i);
        ad_array *images = ad_slice_axis(ad_tree_get(task, "images"), 1, from, count, 1);
        items[i] =
            ad_item_tree_(ad_tree_of("images", ad_reshape(images, AD_SHAPE(-1, ad_dim(images, 2))), "labels", ad_repeat(ad_tree_get(task, "labels"), count)));
    }
    return ad_list_from(items, TASKS);
}

/* The loss of each task's network on its examples, summed over tasks; in *wrong, unless NULL, the mean part of wrong
 * answers. The last row of a layer's weights are its biases. */
static ad_array *task_loss(ad_tree *z, ad_tree *sharing, ad_tree *data, double *wrong)
{
    ad_tree *w[LAYERS];
    for (int k = 0; k < LAYERS; k++) {
        ad_array *zk = ad_tree_array_at(z, k), *mixed = ad_matmul(ad_tree_array_at(sharing, k), ad_reshape(zk, AD_SHAPE(TASKS, -1)));
        w[k] = ad_unstack(ad_reshape(mixed, ad_shape_of(zk)));
    }
    ad_array *sum = ad_scalar(0);
    double accuracy = 0;
    for (int i = 0; i < TASKS; i++) {
        ad_array *x = ad_tree_get(ad_tree_tree_at(data, i), "images"), *labels = ad_tree_get(ad_tree_tree_at(data, i), "labels");
        for (int k = 0; k < LAYERS; k++) {
            ad_array *wk = ad_tree_array_at(w[k], i);
            x = ad_add(ad_matmul(k > 0 ? ad_tanh(x) : x, ad_at(wk, ":-1")), ad_at(wk, "-1"));
        }
        sum = ad_add(sum, adnn_softmax_cross_entropy(x, labels));
        accuracy += wrong ? adnn_accuracy(x, labels) / TASKS : 0;
    }
    if (wrong)
        *wrong = 1 - accuracy;
    return sum;
}

static ad_array *loss(ad_tree *z, ad_tree *sharing, int64_t iteration, void *context)
{
    (void)iteration;
    const struct problem *p = context;
    return ad_add(task_loss(z, sharing, p->data, NULL), ad_mul(exp(-4), adnn_squared_norm(z)));
}

static ad_tree *trained(ad_tree *sharing, ad_key key, const struct problem *p)
{
    ad_array *z[LAYERS];
    for (int k = 0; k < LAYERS; k++)
        z[k] = ad_mul(exp(-2), ad_random_normal(ad_random_fold_in(key, (uint64_t)k), AD_SHAPE(TASKS, p->sizes[k] + 1, p->sizes[k + 1]), .dtype = AD_F32));
    return hyper_sgd(&p->run, ad_tree_of("x", ad_list_of(z[0], z[1], z[2]), "alpha", 1.0, "beta", 0.9, "theta", sharing));
}

/* After training from another start each time, on drawings without those kept for validation, others each time: the
 * mean loss on these. */
static ad_array *meta_loss(ad_tree *sharing, ad_key key, void *context)
{
    struct problem *p = context;
    ad_tree *tasks = shuffled(p->tasks, key, p->training);
    ad_assign(&p->data, examples(tasks, p->validation, p->training - p->validation));
    ad_tree *z = trained(sharing, ad_random_fold_in(key, TASKS), p);
    return ad_div(task_loss(z, sharing, examples(tasks, 0, p->validation), NULL), TASKS);
}

/* ---- alphabets: (characters, drawings, side, side), ink from 0 to 1 ---- */

/* Four digits each: 0 to 3, 2 to 5, ..., 8 to 1; no drawing is in two alphabets. */
static void load_digit_alphabets(ad_array **alphabets, int64_t drawings)
{
    struct digits d = load_digits(NULL, AD_F32);
    for (int a = 0; a < ALPHABETS; a++) {
        ad_tree_item rows[4];
        for (int k = 0; k < 4; k++) {
            long from = k < 2 ? (long)drawings : 0;
            ad_array *which = ad_at(ad_flatnonzero(ad_equal(d.train_labels, (2 * a + k) % 10)), "%ld:%ld", from, from + (long)drawings);
            rows[k] = ad_item_array_(ad_reshape(ad_take(d.train_images, which, .axis = 0), AD_SHAPE(drawings, 8, 8)));
        }
        alphabets[a] = ad_retain(ad_stack(ad_list_from(rows, 4)));
    }
}

/* Pictures (n, side, side) in black on white as ink on 28x28 pixels: the mean of what each new pixel covers. */
static ad_array *resized(ad_array *pictures)
{
    double side = (double)ad_dim(pictures, 1), step = side / 28;
    ad_array *from = ad_mul(step, ad_expand_dims(ad_arange(28), 1)), *pixel = ad_arange(side);
    ad_array *cover = ad_maximum(0, ad_sub(ad_minimum(ad_add(from, step), ad_add(pixel, 1)), ad_maximum(from, pixel)));
    cover = ad_astype(ad_div(cover, step), AD_F32);
    return ad_matmul(ad_matmul(cover, ad_sub(1, ad_div(ad_astype(pictures, AD_F32), 255))), ad_matrix_transpose(cover));
}

/* Whether two paths have the same folder, or the same folder's folder. */
static bool are_together(const char *a, const char *b, int levels)
{
    size_t same = 0, end = strlen(a);
    while (a[same] && a[same] == b[same])
        same++;
    for (; levels > 0 && end > 0; end--)
        levels -= a[end - 1] == '/';
    return same > end;
}

/* The first five alphabets below the folder: ALPHABET/CHARACTER/DRAWING.png. */
static void load_omniglot(const char *folder, ad_array **alphabets)
{
    AD_SCOPE;
    char **paths;
    ad_array *pictures = ad_load_images(folder, &paths);
    for (int64_t a = 0, next = 0; a < ALPHABETS; a++) {
        int64_t first = next, drawings = 0;
        for (; paths[next] && are_together(paths[first], paths[next], 2); next++)
            drawings += are_together(paths[first], paths[next], 1);
        bool good = next > first && ad_ndim(pictures) == 3 && ad_dim(pictures, 1) == ad_dim(pictures, 2);
        for (int64_t i = first; i < next; i++)
            good = good && are_together(paths[i], paths[i - (i - first) % drawings], 1);
        if (!good) {
            fprintf(stderr, "%s: not five folders of characters, each a folder with as many square grey pictures\n", folder);
            exit(EXIT_FAILURE);
        }
        ad_array *small = resized(ad_slice_axis(pictures, 0, first, next - first, 1));
        alphabets[a] = ad_retain(ad_reshape(small, AD_SHAPE(-1, drawings, 28, 28)));
    }
    free(paths);
}

/* The alphabets, then the same turned, without the mean image. A character has the same label, a random one, in
 * both. */
static ad_tree *make_tasks(ad_array *const *alphabets, int64_t labels, ad_key key)
{
    ad_array *images[TASKS], *sum = ad_scalar(0);
    int64_t count = 0;
    for (int i = 0; i < TASKS; i++) {
        ad_array *x = alphabets[i % ALPHABETS];
        images[i] = ad_reshape(i < ALPHABETS ? x : ad_rot90(x, .k = -1, .axes = AD_AXES(2, 3)), AD_SHAPE(ad_dim(x, 0), ad_dim(x, 1), -1));
        sum = ad_add(sum, ad_sum(images[i], .axes = AD_AXES(0, 1)));
        count += ad_dim(x, 0) * ad_dim(x, 1);
    }
    ad_array *mean = ad_astype(ad_div(sum, count), AD_F32);
    ad_tree_item items[TASKS];
    for (int i = 0; i < TASKS; i++) {
        ad_array *order = ad_random_permutation(ad_random_fold_in(key, (uint64_t)(i % ALPHABETS)), labels);
        items[i] = ad_item_tree_(ad_tree_of("images", ad_sub(images[i], mean), "labels", ad_slice_axis(order, 0, 0, ad_dim(images[i], 0), 1)));
    }
    return shuffled(ad_list_from(items, TASKS), ad_random_fold_in(key, TASKS), ad_dim(images[0], 1));
}

/* ---- results ---- */

static ad_array *mixing(double correlation)
{
    ad_array *one = ad_eye(TASKS, .dtype = AD_F32), *all = ad_full(AD_SHAPE(TASKS, TASKS), 1.0 / TASKS, .dtype = AD_F32);
    return ad_add(ad_mul(1 - correlation, one), ad_mul(correlation, all));
}

static ad_array *correlations(ad_array *t)
{
    ad_array *c = ad_matmul(t, ad_matrix_transpose(t)), *deviation = ad_sqrt(ad_diagonal(c));
    return ad_div(c, ad_mul(deviation, ad_expand_dims(deviation, 1)));
}

static void draw_losses(const char *prefix, ad_array *mean, ad_array *spread, bool paper)
{
    double published[WAYS][2] = { { 0.61, 1.34 }, { 0.90, 1.25 }, { 0.60, 1.13 } };
    ad_array *reference = paper ? ad_from(published[0], AD_SHAPE(WAYS, 2)) : ad_full(AD_SHAPE(WAYS, 2), NAN);
    char *script =
        join("set title 'Ten related tasks: learned sharing against separate networks and a tied first layer'\nset ylabel 'negative log-likelihood'\n"
             "set offsets 0,0,graph 0.06,0\nset yrange [0:*]\nset xrange [0.4:3.6]\n"
             "set xtics ('separate networks' 1, 'first layer tied' 2, 'sharing learned' 3)\n"
             "set boxwidth 0.36\nset style fill solid 0.85 border\nat(k) = column(1) + 0.4 * k - 0.2\nspread(k) = column(k + 6)\n"
             "plot for [k=0:1] DATA using (at(k)):(column(k + 2)) with boxes lt k+1 title (k ? 'test' : 'training'), for [k=0:1] DATA using "
             "(at(k)):(spread(k) > 0 ? column(k + 2) : NaN):(spread(k)) with yerrorbars pt 7 ps 0.3 lw 1.6 lc rgb '#333333' notitle, "
             "for [k=0:1] DATA using (at(k)):(column(k + 2)):(sprintf('%.2f', column(k + 2))) with labels offset 2.4,0.8 notitle",
             !paper ? ""
                    : ", for [k=0:1] DATA using (at(k)):(column(k + 10)):(0.18) with xerrorbars pt 7 ps 0.1 lw 3 lc rgb '#000000' "
                      "title (k ? '' : 'published')");
    write_results(prefix, "",
                  "way,training loss,test loss,training wrong,test wrong,spread of training loss,spread of test loss,spread of training wrong,"
                  "spread of test wrong,published training loss,published test loss",
                  ad_concatenate(ad_list_of(ad_reshape(ad_arange(1.0, WAYS + 1), AD_SHAPE(-1, 1)), mean, spread, reference), .axis = 1), script);
    free(script);
}

int main(int argc, char **argv)
{
    struct options options = { .seed = 1, .meta_iterations = 20, .runs = 3 };
    read_options(&options, argc, argv,
                 "weight_sharing: how strongly related tasks should share weights, learned by the gradient of training.\n"
                 "Uses --out (also PREFIX-matrices.csv and .png), --data (Omniglot), --paper, --meta-iters (20), --runs (3) and --seed.\n");

    struct problem p = { .sizes = { 64, 100, 50, 10 }, .training = 12, .validation = 4 };
    if (options.data)
        p = (struct problem){ .sizes = { 784, options.paper ? 400 : 100, options.paper ? 200 : 50, 55 }, .training = 12, .validation = 2 };
    p.run = (hyper_training){ .loss = loss, .context = &p, .iterations = 50 };
    adnn_optimizer descent = adnn_sgd(.step_size = options.data ? 0.2 : 1);
    ad_array *alphabets[ALPHABETS];
    if (options.data)
        load_omniglot(options.data, alphabets);
    else
        load_digit_alphabets(alphabets, 60);

    double(*figures)[WAYS][FIGURES] = allocate(options.runs, sizeof *figures);
    ad_array *matrices = NULL;
    for (int64_t run = 0; run < options.runs; run++) {
        AD_SCOPE;
        ad_key key = ad_random_fold_in(ad_random_key(options.seed), (uint64_t)run);
        ad_assign(&p.tasks, make_tasks(alphabets, p.sizes[LAYERS], key));
        ad_tree *start = ad_list_of(mixing(0.5), mixing(0.5), mixing(0.5));
        ad_tree *learned = hyper_optimize(meta_loss, start, .optimizer = descent, .iterations = options.meta_iterations, .key = key, .context = &p,
                                          .returns = HYPER_LAST, .progress = true);
        ad_tree *sharing[WAYS] = { ad_list_of(mixing(0), mixing(0), mixing(0)), ad_list_of(mixing(1), mixing(0), mixing(0)), learned };
        ad_tree *test = examples(p.tasks, p.training, ad_dim(alphabets[0], 1) - p.training);
        ad_assign(&p.data, examples(p.tasks, 0, p.training));
        ad_tree_item drawn[WAYS * LAYERS];
        for (int way = 0; way < WAYS; way++) {
            double *f = figures[run][way];
            ad_tree *z = trained(sharing[way], ad_random_fold_in(key, TASKS), &p);
            f[0] = ad_item(task_loss(z, sharing[way], p.data, &f[2])) / TASKS;
            f[1] = ad_item(task_loss(z, sharing[way], test, &f[3])) / TASKS;
            printf("run %lld, %-9s loss in training %.3f, in test %.3f; wrong in training %4.1f %%, in test %4.1f %%\n", (long long)run + 1, ways[way], f[0],
                   f[1], 100 * f[2], 100 * f[3]);
            for (int k = 0; k < LAYERS; k++)
                drawn[LAYERS * way + k] = ad_item_array_(correlations(ad_tree_array_at(sharing[way], k)));
        }
        ad_array *these = ad_stack(ad_list_from(drawn, WAYS * LAYERS));
        ad_assign(&matrices, matrices ? ad_add(matrices, these) : these);
    }

    ad_array *results = ad_from(figures[0][0], AD_SHAPE(options.runs, WAYS, FIGURES)), *mean = ad_mean(results, .axis = 0);
    draw_losses(options.out, mean, options.runs > 1 ? ad_std(results, .axis = 0, .ddof = 1) : ad_zeros_like(mean), options.paper);
    ad_array *correlation = ad_div(matrices, options.runs), *last = ad_at(correlation, "-1"), *turned = ad_roll(ad_eye(TASKS), ALPHABETS, .axis = 1);
    write_images(options.out, "-matrices", correlation,
                 "separate: first layer,second layer,last layer,tied: first layer,second layer,last layer,learned: first layer,second layer,last layer", LAYERS,
                 "set title 'How strongly each pair of tasks shares its weights'\nset cbrange [0:1]\nset cblabel 'correlation'");
    double test[WAYS], with_turned = ad_item(ad_sum(ad_mul(last, turned))) / TASKS,
                       with_others = (ad_item(ad_mean(last)) * TASKS - 1 - with_turned) / (TASKS - 2);
    for (int way = 0; way < WAYS; way++)
        test[way] = ad_item(ad_at(mean, "%d,1", way));
    printf(
        "loss in test, mean of %lld: separate %.3f, tied %.3f, learned %.3f: learned sharing is %s; in the last layer an alphabet's correlation is %.2f with "
        "the same turned, %.2f with others\n",
        (long long)options.runs, test[0], test[1], test[2], test[2] < fmin(test[0], test[1]) ? "best" : "NOT best", with_turned, with_others);
    ad_release(p.tasks);
    ad_release(p.data);
    ad_release(matrices);
    for (int a = 0; a < ALPHABETS; a++)
        ad_release(alphabets[a]);
    free(figures);
    return 0;
}
