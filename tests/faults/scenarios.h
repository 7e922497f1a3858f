/* What programs do with the library, each as a small function: malloc.c runs them with failing allocations, stacks.c on
 * a small stack.
 *
 * A scenario gives an array that holds its result, or NULL and an error. It is deterministic and leaves nothing behind
 * but what lives as long as the thread. */
#include "../testing.h"
#include <ad-nn/nn.h>
#include <hyperopt/hyperopt.h>
#include <stdio.h>
#include <unistd.h>

/* A tree's leaves as one vector; drops a NULL through. */
static ad_array *vector_of(ad_tree *t)
{
    return t ? ad_flatten(t) : NULL;
}

/* ---- derivatives ---- */

OF_X(chain, ad_sum(ad_mul(ad_sin(x), ad_exp(ad_div(x, 3)))))
OF_X(wave, ad_mul(ad_tanh(x), x))
OF_X(cubes, ad_sum(ad_mul(x, ad_square(x))))

static ad_array *points(void)
{
    return ad_linspace(0.1, 1.5, .num = 5);
}

static ad_array *gradient(void)
{
    return ad_grad(chain)(points());
}

static ad_array *gradient_of_a_gradient(void)
{
    return ad_grad(ad_grad(cubes))(ad_scalar(2));
}

static ad_array *value_and_gradient(void)
{
    ad_array *g = NULL, *value = ad_value_and_grad(chain)(points(), &g);
    return value && g ? ad_add(value, g) : NULL;
}

static ad_array *jacobian(void)
{
    return ad_jacobian(wave)(points());
}

static ad_array *hessian(void)
{
    return ad_hessian(chain)(points());
}

static ad_array *hessian_vector_product(void)
{
    return ad_hvp(chain)(points(), ad_ones(AD_SHAPE(5)));
}

static ad_array *gauss_newton(void)
{
    return ad_ggnvp(wave)(points(), ad_ones(AD_SHAPE(5)));
}

static ad_array *tangent(void)
{
    ad_array *t = NULL, *y = ad_jvp(wave, points(), ad_ones(AD_SHAPE(5)), &t);
    return y && t ? ad_add(y, t) : NULL;
}

static ad_array *pullback(void)
{
    ad_pullback *pull = NULL;
    ad_array *y = ad_vjp(wave, points(), &pull), *g = y ? ad_vjp_apply(pull, y) : NULL;
    ad_vjp_free(pull);
    return g;
}

OF_X(with_checkpoint, ad_sum(ad_checkpoint(wave)(ad_checkpoint(wave)(x))))

static ad_array *checkpoint(void)
{
    return ad_grad(with_checkpoint)(points());
}

OF_AB(towards_a_root, ad_div(ad_add(a, ad_div(b, a)), 2))

static ad_array *root(ad_array *b)
{
    return ad_sum(ad_fixed_point(towards_a_root, ad_ones(AD_SHAPE(3)), b));
}

static ad_array *fixed_point(void)
{
    return ad_grad(root)(VECTOR(2, 3, 5));
}

static ad_array *checked_gradients(void)
{
    return ad_check_grads(chain, VECTOR(0.3, 0.7), .order = 1) ? ad_scalar(1) : NULL;
}

static ad_array *scaled(ad_array *x, int i, double d)
{
    return ad_sum(ad_mul(ad_mul(x, i), d));
}

static ad_array *own_signature(void)
{
    ad_fn *fn = ad_function(scaled, "a(a,i,d)");
    return fn ? ad_call(ad_grad_fn(fn, 0), points(), 3, 0.5) : NULL;
}

/* ---- trees ---- */

static ad_array *of_a_tree(ad_tree *t)
{
    return ad_sum(ad_mul(ad_tree_get(t, "w"), ad_sin(ad_tree_get(t, "more/b"))));
}

static ad_tree *small_tree(void)
{
    return ad_tree_of("w", ad_ones(AD_SHAPE(2, 3)), "more", ad_tree_of("b", ad_arange(3.0)));
}

static ad_array *gradient_of_a_tree(void)
{
    ad_tree *t = small_tree();
    return t ? vector_of(ad_grad(of_a_tree)(t)) : NULL;
}

static ad_array *trees(void)
{
    ad_tree *t = ad_tree_map(ad_exp, small_tree());
    t = t ? ad_tree_set(t, "more/c", ad_scalar(4)) : NULL;
    t = t ? ad_tree_map2(ad_add, t, t) : NULL;
    return t ? vector_of(ad_unflatten(t, ad_flatten(t))) : NULL;
}

static ad_array *leaf_by_path(const char *path, ad_array *leaf, void *context)
{
    return ad_mul(leaf, strlen(path) + strlen(context));
}

static ad_array *trees_with_paths(void)
{
    ad_tree *t = small_tree();
    return t ? vector_of(ad_tree_map_with_path(leaf_by_path, t, (char[]){ "abc" })) : NULL;
}

static ad_array *long_names(void)
{
    char name[300];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    ad_tree *t = ad_tree_of(name, 1, "other", 2);
    return t ? ad_tree_get(t, name) : NULL;
}

/* ---- operations and their gradients ---- */

#define GRADIENT(name, expression)                                                                                     \
    OF_X(name##_of, ad_sum(ad_mul(expression, expression)))                                                             \
    static ad_array *name(void)                                                                                        \
    {                                                                                                                  \
        return ad_grad(name##_of)(ad_add(ad_mul(counting(AD_SHAPE(3, 4)), 0.3), 0.2));                                  \
    }

GRADIENT(product, ad_matmul(x, ad_transpose(x)))
GRADIENT(einsum, ad_einsum("ij,kj,kl->il", x, x, x))
GRADIENT(tensordot, ad_tensordot(x, x, .axes = 2))
GRADIENT(sorting, ad_sort(ad_sin(x), .axis = 0))
GRADIENT(transforming, ad_fft_irfft(ad_fft_rfft(ad_sin(x), .axis = 0), .n = 14))
GRADIENT(singular_values, ad_linalg_svdvals(ad_sin(x)))
GRADIENT(lu_factors, ad_tree_get(ad_linalg_lu_factor(ad_sin(x)), "lu"))
GRADIENT(eigenvectors, ad_abs(ad_tree_get(ad_linalg_eig(ad_sin(ad_at(x, ":, :3"))), "eigenvectors")))
GRADIENT(square_roots, ad_linalg_sqrtm(ad_add(ad_sin(ad_at(x, ":, :3")), ad_mul(4, ad_eye(3)))))
GRADIENT(band_systems, ad_linalg_solve_banded(x, ad_ones(AD_SHAPE(4)), .l = 1, .u = 1))
GRADIENT(norms, ad_linalg_norm(x, .axis = 0))
GRADIENT(indexing, ad_at_list(x, AD_INDICES(AD_PICK(ad_asarray(2)), AD_SLICE(0, 3))))
GRADIENT(masking, ad_at_list(x, AD_INDICES(AD_PICK(ad_greater(x, 1)))))
GRADIENT(updates, ad_at_add(ad_at_set(x, 1.5, "0"), x, ":"))
GRADIENT(scattering, ad_put_add(x, ad_arange(3), ad_sum(x)))
GRADIENT(joining, ad_concatenate(ad_list_of(x, ad_roll(x, 1), ad_pad(x, 1)), .axis = AD_NO_AXIS))
GRADIENT(splitting, ad_tree_array_at(ad_split(x, 2, .axis = 1), 1))
GRADIENT(reductions, ad_add(ad_std(x, .axis = 0), ad_prod(x, .axis = 0, .where = ad_less(x, 2))))
GRADIENT(scans, ad_add(ad_cumsum(x, .axis = 1), ad_cumprod(x, .axis = 0)))
GRADIENT(recurrence, ad_linear_recurrence(x, x))
GRADIENT(softmax, ad_add(ad_softmax(x, .axis = 1), ad_logsumexp(x, .axis = 1, .keepdims = true)))
GRADIENT(special, ad_polygamma(1, ad_add(ad_erf(x), 1)))
GRADIENT(choosing, ad_where(ad_greater(x, 1), ad_clip(x, 0, 2), ad_maximum(x, 0.5)))
GRADIENT(powers, ad_pow(x, ad_div(x, 2)))
GRADIENT(narrow, ad_astype(ad_sin(ad_astype(x, AD_F32)), AD_F64))
GRADIENT(complex_numbers, ad_real(ad_mul(ad_exp(ad_mul(x, 1i)), ad_conj(ad_mul(x, 2 + 1i)))))
GRADIENT(grids, ad_geomspace(ad_sum(x), ad_add(ad_mean(x), 2), .num = 4))

static ad_array *large_arrays(void)
{
    return ad_grad(chain)(ad_linspace(0, 1, .num = 50000));
}

static ad_array *random_numbers(void)
{
    ad_key key = ad_random_key(1);
    return vector_of(ad_list_of(ad_random_normal(key, AD_SHAPE(3)), ad_random_permutation(key, 5), ad_random_choice(key, 100, AD_SHAPE(3), .replace = false),
                                ad_random_randint(key, AD_SHAPE(2), 0, 9), ad_random_bernoulli(key, 0.5, AD_SHAPE(2))));
}

/* A primitive of the program's own. */

static bool twice_infer(const ad_node *node, ad_spec *output)
{
    *output = (ad_spec){ AD_F64, ad_node_shape(node, 0) };
    return true;
}

static bool twice_eval(const ad_node *node, void *const *outputs)
{
    const double *x = ad_data(ad_node_input(node, 0));
    for (int64_t i = 0; x && i < ad_size(ad_node_input(node, 0)); i++)
        ((double *)outputs[0])[i] = 2 * x[i];
    return x != NULL;
}

static ad_array *twice_vjp(const ad_node *node, int operand, ad_array *g)
{
    (void)node, (void)operand;
    return ad_mul(g, 2);
}

static ad_array *twice(ad_array *x)
{
    static const ad_primitive twice_op = { .name = "twice", .infer = twice_infer, .eval = twice_eval, .vjp = twice_vjp, .linear = AD_LINEAR };
    return ad_sum(ad_call_primitive(&twice_op, &x, 1, NULL));
}

static ad_array *own_primitive(void)
{
    return ad_grad(twice)(points());
}

/* ---- other languages ---- */

static ad_array *by_name(void)
{
    const int64_t shape[] = { 3, 4 };
    ad_tagged x = { .kind = AD_KIND_ARRAY, .array = ad_linspace(0.1, 1.5, .num = 12) };
    ad_tagged operands[] = { x, { .kind = AD_KIND_INTEGERS, .count = 2, .integers = shape } };
    ad_tagged y = ad_call_named("ad_reshape", operands, 2, NULL, 0);
    ad_tagged list[] = { y, { .kind = AD_KIND_REAL, .real = 2 }, y, y, y, y, y, y, y, y, y }, in_list = { .kind = AD_KIND_LIST, .count = 11, .list = list };
    ad_tagged t = ad_call_named("ad_broadcast_arrays", &in_list, 1, NULL, 0), size = ad_call_named("ad_shape_of", &y, 1, NULL, 0);
    const ad_named axis[] = { { "axis", { .kind = AD_KIND_INTEGER, .integer = 0 } } };
    ad_tagged joined = ad_call_named("ad_concatenate", &t, 1, axis, 1);
    return joined.kind == AD_KIND_ARRAY && size.kind == AD_KIND_INTEGERS ? joined.array : NULL;
}

static ad_array *with_tagged_arguments(void)
{
    ad_fn *fn = ad_function(chain, "a(a)");
    ad_tagged x = { .kind = AD_KIND_ARRAY, .array = points() }, both[] = { x, x }, g, t;
    ad_tagged value = ad_value_and_grad_tagged(fn, 0, &x, 1, &g), again = ad_jvp_tagged(fn, both, 2, &t);
    char *text = ad_trace_text("chain", fn, &x, 1, false);
    free(text);
    bool done = value.kind == AD_KIND_ARRAY && again.kind == AD_KIND_ARRAY && text;
    return done ? ad_add(g.array, ad_add(value.array, t.array)) : NULL;
}

static ad_array *with_a_context(ad_array *x, void *context)
{
    return ad_sum(ad_mul(ad_square(x), *(double *)context));
}

static ad_array *closure(void)
{
    static double factor = 3;
    return ad_call(ad_grad_fn(ad_function_with_context((void (*)(void))with_a_context, "a(a,p)", &factor, NULL), 0), points());
}

static ad_array *dlpack(void)
{
    ad_dlpack_versioned *tensor = ad_to_dlpack(ad_transpose(counting(AD_SHAPE(20, 30))));
    ad_array *x = tensor ? ad_from_dlpack(tensor) : NULL;
    if (tensor && !x)
        tensor->deleter(tensor);
    return x ? ad_sum(x, .axis = 0) : NULL;
}

/* ---- text and files ---- */

static ad_array *printing(void)
{
    char *text = ad_tostring(ad_div(counting(AD_SHAPE(4, 30)), 7));
    ad_array *length = text ? ad_asarray((int64_t)strlen(text)) : NULL;
    free(text);
    return length;
}

static ad_array *printing_a_tree(void)
{
    FILE *nowhere = fopen("/dev/null", "w");
    ad_tree *t = small_tree();
    if (nowhere && t)
        ad_tree_fprint(nowhere, t);
    if (nowhere)
        fclose(nowhere);
    return t && !ad_failed() ? ad_scalar(1) : NULL;
}

/* Where a disk need not be waited for. */
static const char *path_ending_in(const char *suffix)
{
    static _Thread_local char path[64];
    snprintf(path, sizeof path, "%sscenario_%d%s", access("/dev/shm", W_OK) == 0 ? "/dev/shm/" : "", (int)getpid(), suffix);
    return path;
}

static ad_array *saved(const char *suffix)
{
    const char *path = path_ending_in(suffix);
    ad_array *x = counting(AD_SHAPE(20, 30)), *loaded = NULL;
    if (strstr(suffix, "idx"))
        loaded = ad_save_idx(path, x) ? ad_load_idx(path) : NULL;
    else
        loaded = ad_save(path, x) ? ad_load(path) : NULL;
    unlink(path);
    return loaded;
}

static ad_array *npz(void)
{
    const char *path = path_ending_in(".npz");
    ad_tree *t = small_tree(), *loaded = t && ad_savez(path, t) ? ad_loadz(path) : NULL;
    unlink(path);
    return vector_of(loaded);
}

static ad_array *png(void)
{
    const char *path = path_ending_in(".png");
    ad_array *x = ad_astype(counting(AD_SHAPE(5, 4, 3)), AD_U8), *loaded = x && ad_save_png(path, x) ? ad_load_png(path) : NULL;
    unlink(path);
    return loaded;
}

static ad_array *npy(void)
{
    return saved(".npy");
}

static ad_array *compressed_npy(void)
{
    return saved(".npy.gz");
}

static ad_array *idx(void)
{
    return saved(".idx");
}

static ad_array *compressed_idx(void)
{
    return saved(".idx.gz");
}

/* ---- libad-nn ---- */

static ad_array *model_loss(ad_tree *parameters, ad_array *x, ad_array *labels, void *model)
{
    return ad_add(adnn_softmax_cross_entropy(adnn_apply(model, parameters, x), labels), ad_mul(adnn_squared_norm(parameters), 0.01));
}

/* A step of each rule, of a leaf that is done in one pass and one that is not. */
static ad_array *steps(void)
{
    const adnn_optimizer optimizers[] = { adnn_sgd(.momentum = 0.9), adnn_rmsprop(), adnn_adamw(), adnn_adagrad() };
    ad_tree *p = ad_tree_of("a", points(), "b", ad_mul(points(), 1i));
    for (int i = 0; i < 4 && p; i++) {
        ad_tree *s = adnn_optimizer_init(optimizers[i], p);
        if (!s || !adnn_optimizer_update(optimizers[i], s, p, &p))
            return NULL;
    }
    return vector_of(p);
}

static ad_array *train(adnn_model *model)
{
    adnn_optimizer adam = adnn_adam(.step_size = 0.1);
    ad_tree *parameters = model ? adnn_init(model, ad_random_key(1), AD_SHAPE(4)) : NULL;
    ad_tree *state = parameters ? adnn_optimizer_init(adam, parameters) : NULL;
    ad_array *x = counting(AD_SHAPE(6, 4)), *batch = adnn_batch(ad_random_key(2), 6, 3, 1);
    for (int step = 0; step < 2 && state; step++) {
        ad_tree *g = ad_grad(model_loss)(parameters, ad_take(x, batch, .axis = 0), ad_mod(batch, 3), model);
        state = g ? adnn_optimizer_update(adam, state, g, &parameters) : NULL;
    }
    return state ? ad_flatten(parameters) : NULL;
}

static ad_array *training(void)
{
    adnn_model *model = adnn_sequential(adnn_dense(5), adnn_tanh(), adnn_dense(3));
    ad_array *trained = train(model);
    adnn_free(model);
    return trained;
}

/* ---- hyperopt ---- */

static ad_array *quartic(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    (void)iteration, (void)context;
    ad_array *w = ad_tree_get(x, "w");
    return ad_sum(ad_mul(ad_tree_get(theta, "scale"), ad_square(ad_sub(ad_square(w), 0.5))));
}

static ad_array *after_training(ad_tree *hypers, void *method)
{
    hyper_training run = { .loss = quartic, .iterations = 2, .method = *(hyper_method *)method };
    ad_tree *x = hyper_sgd(&run, hypers);
    return x ? ad_sum(ad_square(ad_tree_get(x, "w"))) : NULL;
}

static ad_tree *hypers(void)
{
    return ad_tree_of("x", ad_tree_of("w", ad_linspace(0.2, 0.9, .num = 3)), "alpha", ad_full(AD_SHAPE(2), 0.1), "beta", 0.9, "theta",
                      ad_tree_of("scale", 1.5));
}

static ad_array *by_reversal(void)
{
    hyper_method method = HYPER_REVERSE;
    ad_tree *h = hypers();
    return h ? vector_of(ad_grad(after_training)(h, &method)) : NULL;
}

static ad_array *by_storing(void)
{
    hyper_method method = HYPER_STORE;
    ad_tree *h = hypers();
    return h ? vector_of(ad_grad(after_training)(h, &method)) : NULL;
}

static ad_array *along_a_direction(void)
{
    hyper_method method = HYPER_STORE;
    ad_tree *h = hypers();
    return h ? vector_of(ad_hvp(after_training)(h, &method, h)) : NULL;
}

static ad_array *after_adam(ad_tree *hypers, void *method)
{
    hyper_training run = { .loss = quartic, .iterations = 2, .method = *(hyper_method *)method };
    ad_tree *x = hyper_adam(&run, hypers);
    return x ? ad_sum(ad_square(ad_tree_get(x, "w"))) : NULL;
}

static ad_array *gradient_of_adam(hyper_method method)
{
    ad_tree *h = ad_tree_of("x", ad_tree_of("w", ad_linspace(0.2, 0.9, .num = 3)), "alpha", 0.1, "beta1", ad_tree_of("w", ad_linspace(0.5, 0.9, .num = 3)),
                            "beta2", ad_full(AD_SHAPE(2), 0.99), "decay", 0.1, "theta", ad_tree_of("scale", 1.5));
    return h ? vector_of(ad_grad(after_adam)(h, &method)) : NULL;
}

static ad_array *by_reversal_of_adam(void)
{
    return gradient_of_adam(HYPER_REVERSE);
}

static ad_array *by_tangents_of_adam(void)
{
    return gradient_of_adam(HYPER_FORWARD);
}

static ad_array *naive_reversal(void)
{
    ad_tree *h = hypers();
    return h ? vector_of(hyper_naive_reversal(&(hyper_training){ .loss = quartic, .iterations = 2 }, h, AD_F32)) : NULL;
}

static ad_array *distance(ad_tree *hypers, ad_key key, void *context)
{
    (void)context;
    return ad_sum(ad_square(ad_sub(ad_tree_get(hypers, "rates/a"), ad_random_uniform(key, AD_SHAPE(3)))));
}

/* Two meta-iterations, and two more from the file. */
static ad_array *optimising(void)
{
    char path[64];
    ad_tree *h = ad_tree_of("rates", ad_tree_of("a", ad_linspace(0.2, 0.9, .num = 3), "b", 2)), *found = NULL;
    snprintf(path, sizeof path, "%soptimising_%d.npz", access("/dev/shm", W_OK) == 0 ? "/dev/shm/" : "", (int)getpid());
    if (h && hyper_optimize(distance, h, .iterations = 2, .log = "rates", .clip_norm = 0.1, .checkpoint = path))
        found = hyper_optimize(distance, h, .iterations = 4, .log = "rates", .clip_norm = 0.1, .checkpoint = path);
    unlink(path);
    return found ? ad_tree_get(found, "rates/a") : NULL;
}

/* ---- the table ---- */

#define SCENARIO(name) { #name, name }

static const struct scenario {
    const char *name;
    ad_array *(*run)(void);
} scenarios[] = {
    SCENARIO(gradient), SCENARIO(gradient_of_a_gradient), SCENARIO(value_and_gradient), SCENARIO(jacobian), SCENARIO(hessian),
    SCENARIO(hessian_vector_product), SCENARIO(gauss_newton), SCENARIO(tangent), SCENARIO(pullback), SCENARIO(checkpoint), SCENARIO(fixed_point),
    SCENARIO(checked_gradients), SCENARIO(own_signature), SCENARIO(gradient_of_a_tree), SCENARIO(trees), SCENARIO(trees_with_paths),
    SCENARIO(long_names), SCENARIO(product),
    SCENARIO(einsum), SCENARIO(tensordot), SCENARIO(sorting), SCENARIO(transforming), SCENARIO(singular_values),
    SCENARIO(lu_factors), SCENARIO(eigenvectors), SCENARIO(square_roots), SCENARIO(band_systems), SCENARIO(norms), SCENARIO(indexing), SCENARIO(masking),
    SCENARIO(updates), SCENARIO(scattering), SCENARIO(joining), SCENARIO(splitting), SCENARIO(reductions), SCENARIO(scans), SCENARIO(recurrence),
    SCENARIO(softmax), SCENARIO(special), SCENARIO(choosing), SCENARIO(powers), SCENARIO(narrow), SCENARIO(complex_numbers), SCENARIO(grids),
    SCENARIO(large_arrays), SCENARIO(random_numbers), SCENARIO(own_primitive), SCENARIO(by_name), SCENARIO(with_tagged_arguments),
    SCENARIO(closure), SCENARIO(dlpack), SCENARIO(printing), SCENARIO(printing_a_tree), SCENARIO(npy),
    SCENARIO(npz), SCENARIO(png), SCENARIO(compressed_npy), SCENARIO(idx), SCENARIO(compressed_idx), SCENARIO(training), SCENARIO(steps),
    SCENARIO(by_reversal), SCENARIO(by_storing), SCENARIO(along_a_direction), SCENARIO(by_reversal_of_adam),
    SCENARIO(by_tangents_of_adam), SCENARIO(naive_reversal), SCENARIO(optimising),
};
enum { SCENARIOS = sizeof scenarios / sizeof *scenarios };

/* The suite of a test for each scenario, which shows its name. */
static inline int run_for_each_scenario(const char *name, const TTest *test)
{
    Suite *suite = suite_create(name);
    for (int i = 0; i < SCENARIOS; i++) {
        TCase *one = tcase_create(scenarios[i].name);
        tcase_set_timeout(one, 120);
        tcase_add_loop_test(one, test, i, i + 1);
        suite_add_tcase(suite, one);
    }
    return run_suite(suite);
}
