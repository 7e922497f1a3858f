/* libad-nn: layers, losses, optimizers against their formulas, batches. */
#include "testing.h"
#include <ad-nn/nn.h>
#include <unistd.h>

START_TEST(dense_layers_compose)
{
    adnn_model *m = adnn_sequential(adnn_dense(5), adnn_tanh(), adnn_dense(3, .no_bias = true));
    ad_tree *p = adnn_init(m, ad_random_key(1), AD_SHAPE(4));
    ck_assert(ad_shape_equal(ad_shape_of(ad_tree_get(p, "0/W")), AD_SHAPE(4, 5)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_tree_get(p, "0/b")), AD_SHAPE(5)));
    ck_assert(!ad_tree_has(p, "2/b"));
    ad_shape shape = adnn_output_shape(m, AD_SHAPE(4));
    ck_assert(ad_shape_equal(shape, AD_SHAPE(3)));
    ad_array *x = ad_random_normal(ad_random_key(2), AD_SHAPE(7, 4)), *y = adnn_apply(m, p, x);
    ad_array *h = ad_tanh(ad_add(ad_matmul(x, ad_tree_get(p, "0/W")), ad_tree_get(p, "0/b")));
    assert_close(ad_item(ad_max(ad_abs(ad_sub(y, ad_matmul(h, ad_tree_get(p, "2/W")))))), 0, 1e-15);
    assert_fails(adnn_apply(m, p, ad_ones(AD_SHAPE(7, 3))), AD_ERROR_SHAPE, "ad_matmul");
    adnn_free(m);
}
END_TEST

START_TEST(initial_weights_have_the_promised_scale)
{
    adnn_model *models[] = { adnn_dense(400), adnn_dense(400, .init = ADNN_GLOROT), adnn_dense(400, .init = ADNN_HE), adnn_dense(400, .scale = 0.01) };
    double want[] = { 1 / sqrt(200), sqrt(2.0 / 600), sqrt(2.0 / 200), 0.01 };
    for (int i = 0; i < 4; i++) {
        ad_tree *p = adnn_init(models[i], ad_random_key(3), AD_SHAPE(200));
        assert_close(ad_item(ad_std(ad_tree_get(p, "W"))) / want[i], 1, 0.02);
        assert_close(ad_item(ad_sum(ad_abs(ad_tree_get(p, "b")))), 0, 0);
        adnn_free(models[i]);
    }
}
END_TEST

START_TEST(cross_entropy_takes_integers_and_one_hot)
{
    ad_array *logits = ad_from((double[]){ 1, 2, 3, 0, 0, 5 }, AD_SHAPE(2, 3));
    ad_array *labels = ad_from_data(AD_U8, (uint8_t[]){ 2, 0 }, AD_SHAPE(2));
    double a = log(exp(1) + exp(2) + exp(3)) - 3, b = log(2 + exp(5));
    assert_close(ad_item(adnn_softmax_cross_entropy(logits, labels)), (a + b) / 2, 1e-14);
    assert_close(ad_item(adnn_softmax_cross_entropy(logits, ad_one_hot(labels, 3))), (a + b) / 2, 1e-14);
    assert_close(adnn_accuracy(logits, labels), 0.5, 0);
    ck_assert_msg(ad_check_grads(adnn_softmax_cross_entropy, logits, labels), "%s", ad_error_message());
    ad_array *masked = ad_from((double[]){ 1, -INFINITY, 3, 0, 0, -INFINITY }, AD_SHAPE(2, 3)), *g = ad_grad(adnn_softmax_cross_entropy)(masked, labels);
    assert_close(ad_item(adnn_softmax_cross_entropy(masked, labels)), (log1p(exp(-2)) + M_LN2) / 2, 1e-14);
    assert_array(g, AD_SHAPE(2, 3), 1e-14, 0.5 / (1 + exp(2)), 0, -0.5 / (1 + exp(2)), -0.25, 0.25, 0);
    assert_fails(adnn_softmax_cross_entropy(logits, ad_ones(AD_SHAPE(5))), AD_ERROR_SHAPE, "labels of shape (5,); logits of shape (2,3) ask for (2,) or (2,3)");
    assert_fails(adnn_softmax_cross_entropy(logits, ad_ones(AD_SHAPE(2))), AD_ERROR_DTYPE, "adnn_softmax_cross_entropy: labels");
    assert_fails(adnn_softmax_cross_entropy(logits, ad_arange(2, 4)), AD_ERROR_INDEX, "adnn_softmax_cross_entropy: label 3 is not a class of 0 to 2");
    ck_assert(isnan(adnn_accuracy(logits, ad_arange(-1, 1))));
    ck_assert_msg(strstr(ad_error_message(), "adnn_accuracy: label -1"), "%s", ad_error_message());
    ad_clear_error();
}
END_TEST

static ad_array *halved(ad_array *x)
{
    return ad_mul(x, 0.5);
}

START_TEST(elementwise_layers_apply_their_function_and_keep_the_shape)
{
    ad_array *x = ad_from((double[]){ -1, 0, 2, 3 }, AD_SHAPE(2, 2));
    adnn_model *m = adnn_sequential(adnn_sigmoid(), adnn_elementwise(halved));
    ad_tree *p = adnn_init(m, ad_random_key(0), AD_SHAPE(2));
    ck_assert_int_eq(ad_tree_leaf_count(p), 0);
    ck_assert(ad_shape_equal(adnn_output_shape(m, AD_SHAPE(2)), AD_SHAPE(2)));
    assert_array(adnn_apply(m, p, x), AD_SHAPE(2, 2), 1e-15, 0.5 / (1 + exp(1)), 0.25, 0.5 / (1 + exp(-2)), 0.5 / (1 + exp(-3)));
    assert_fails(adnn_elementwise(NULL), AD_ERROR_VALUE, "adnn_elementwise: the function is NULL");
    adnn_free(m);
}
END_TEST

START_TEST(squared_errors_and_norms_follow_their_formulas)
{
    ad_array *x = ad_from((double[]){ 1, 2, 3, 4 }, AD_SHAPE(2, 2)), *target = ad_from((double[]){ 0, 4 }, AD_SHAPE(2));
    assert_close(ad_item(adnn_mean_squared_error(x, target)), (1 + 4 + 9 + 0) / 4.0, 1e-15);
    ck_assert_msg(ad_check_grads(adnn_mean_squared_error, x, target), "%s", ad_error_message());
    assert_fails(adnn_mean_squared_error(x, ad_ones(AD_SHAPE(3))), AD_ERROR_SHAPE, "do not broadcast");
    ad_tree *t = ad_tree_of("x", x, "below", ad_list_of(target, 2.0));
    assert_close(ad_item(adnn_squared_norm(t)), 1 + 4 + 9 + 16 + 16 + 4, 1e-15);
    assert_close(ad_item(adnn_squared_norm(ad_tree_empty())), 0, 0);
    assert_array(ad_tree_get(ad_grad(adnn_squared_norm)(t), "below/0"), AD_SHAPE(2), 0, 0, 8);
    ck_assert(adnn_squared_norm(NULL) == NULL);
    ad_clear_error();
}
END_TEST

/* What a progress line has written so far. */
static const char *written(FILE *stream, char *text, size_t size)
{
    rewind(stream);
    text[fread(text, 1, size - 1, stream)] = '\0';
    return text;
}

static ad_array *weighted_cross_entropy(ad_array *logits, ad_array *labels, ad_array *weights)
{
    return ad_mean(ad_mul(weights, adnn_softmax_cross_entropy(logits, labels, .reduction = ADNN_NONE)));
}

static ad_array *weighted_squared_error(ad_array *prediction, ad_array *target, ad_array *weights)
{
    return ad_mean(ad_mul(weights, adnn_mean_squared_error(prediction, target, .reduction = ADNN_NONE)));
}

START_TEST(losses_of_examples_make_the_mean_and_the_sum)
{
    ad_array *logits = ad_random_normal(ad_random_key(1), AD_SHAPE(4, 3)), *labels = ad_from_data(AD_I64, (int64_t[]){ 2, 0, 1, 1 }, AD_SHAPE(4));
    ad_array *weights = VECTOR(0.5, 0, 2, 1), *one_hot = ad_one_hot(labels, 3), *target = ad_random_normal(ad_random_key(2), AD_SHAPE(3));
    ad_array *entropies = adnn_softmax_cross_entropy(logits, labels, .reduction = ADNN_NONE);
    ad_array *squares = adnn_mean_squared_error(logits, target, .reduction = ADNN_NONE);
    ck_assert(ad_shape_equal(ad_shape_of(entropies), AD_SHAPE(4)) && ad_shape_equal(ad_shape_of(squares), AD_SHAPE(4)));
    for (int i = 0; i < 4; i++) {
        ad_array *row = ad_at(logits, "%d:%d", i, i + 1);
        assert_close(ad_item(ad_at(entropies, "%d", i)), ad_item(adnn_softmax_cross_entropy(row, ad_at(labels, "%d:%d", i, i + 1))), 1e-14);
        assert_close(ad_item(ad_at(squares, "%d", i)), ad_item(adnn_mean_squared_error(row, target)), 1e-14);
    }
    assert_close(ad_item(adnn_softmax_cross_entropy(logits, one_hot, .reduction = ADNN_SUM)), 4 * ad_item(adnn_softmax_cross_entropy(logits, labels)), 1e-14);
    assert_close(ad_item(adnn_softmax_cross_entropy(logits, labels, .reduction = ADNN_MEAN)), ad_item(ad_mean(entropies)), 1e-14);
    assert_close(ad_item(adnn_mean_squared_error(logits, target, .reduction = ADNN_SUM)), 4 * ad_item(adnn_mean_squared_error(logits, target)), 1e-14);
    assert_array(adnn_mean_squared_error(VECTOR(1, 2), VECTOR(0, 5), .reduction = ADNN_NONE), AD_SHAPE(2), 0, 1, 9);
    assert_array(adnn_mean_squared_error(VECTOR(1, 2), 0, .reduction = ADNN_NONE), AD_SHAPE(2), 0, 1, 4);
    ad_array *cube = counting(AD_SHAPE(2, 2, 2));
    assert_array(adnn_mean_squared_error(cube, ad_zeros(AD_SHAPE(2, 2)), .reduction = ADNN_NONE), AD_SHAPE(2), 0, 3.5, 31.5);
    ck_assert_msg(ad_check_grads(weighted_cross_entropy, logits, one_hot, weights), "%s", ad_error_message());
    ck_assert_msg(ad_check_grads(weighted_squared_error, logits, target, weights), "%s", ad_error_message());
    ck_assert_int_eq(ad_dtype_of(adnn_softmax_cross_entropy(ad_astype(logits, AD_F32), labels, .reduction = ADNN_NONE)), AD_F32);
    ad_array *none = ad_zeros(AD_SHAPE(0, 3));
    ck_assert(ad_size(adnn_softmax_cross_entropy(none, ad_zeros(AD_SHAPE(0), .dtype = AD_I64), .reduction = ADNN_NONE)) == 0);
    assert_close(ad_item(adnn_mean_squared_error(none, none, .reduction = ADNN_SUM)), 0, 0);
    assert_fails(adnn_mean_squared_error(ad_scalar(1), ad_scalar(2), .reduction = ADNN_NONE), AD_ERROR_SHAPE, "without an axis of examples");
    assert_fails(adnn_mean_squared_error(logits, target, .reduction = (adnn_reduction)7), AD_ERROR_VALUE, "adnn_mean_squared_error: 7 is not a reduction");
    assert_fails(adnn_softmax_cross_entropy(logits, labels, .reduction = (adnn_reduction)-1), AD_ERROR_VALUE, "-1 is not a reduction");
}
END_TEST

START_TEST(normal_leaves_depend_on_key_position_and_shape)
{
    ad_tree *inner = ad_tree_of("single", ad_zeros(AD_SHAPE(1000), .dtype = AD_F32), "n", 3);
    ad_tree *t = ad_tree_of("W", ad_zeros(AD_SHAPE(300, 200)), "b", inner, "e", ad_zeros(AD_SHAPE(0)));
    ad_tree *u = adnn_normal_like(ad_random_key(1), t), *same = adnn_normal_like(ad_random_key(1), t);
    ck_assert(ad_tree_same_structure(t, u));
    ck_assert_int_eq(ad_dtype_of(ad_tree_get(u, "b/single")), AD_F32);
    ck_assert_int_eq(ad_dtype_of(ad_tree_get(u, "b/n")), AD_F64);
    assert_close(ad_item(ad_mean(ad_tree_get(u, "W"))), 0, 0.02);
    assert_close(ad_item(ad_std(ad_tree_get(u, "W"))), 1, 0.01);
    ck_assert(ad_item(ad_all(ad_equal(ad_flatten(u), ad_flatten(same)))) == 1);
    ck_assert(ad_item(ad_any(ad_equal(ad_flatten(u), ad_flatten(adnn_normal_like(ad_random_key(2), t))))) == 0);
    ad_tree *other = adnn_normal_like(ad_random_key(1), ad_list_of(1, ad_zeros(AD_SHAPE(1000), .dtype = AD_F32)));
    ck_assert(ad_item(ad_all(ad_equal(ad_tree_get(u, "b/single"), ad_tree_get(other, "1")))) == 1);
    ad_array *z = ad_tree_get(adnn_normal_like(ad_random_key(3), ad_list_of(ad_zeros(AD_SHAPE(40000), .dtype = AD_C64))), "0");
    ck_assert_int_eq(ad_dtype_of(z), AD_C64);
    assert_close(ad_item(ad_mean(ad_square(ad_abs(z)))), 1, 0.02);
}
END_TEST

static ad_array *of_scales(ad_tree *scales)
{
    ad_tree *like = ad_tree_of("W", ad_zeros(AD_SHAPE(3, 2)), "b", ad_zeros(AD_SHAPE(2)));
    return adnn_squared_norm(ad_tree_map2(ad_mul, scales, adnn_normal_like(ad_random_key(1), like)));
}

START_TEST(initial_parameters_differentiate_in_their_scales)
{
    ad_tree *scales = ad_tree_of("W", 0.5, "b", 2.0), *g = ad_grad(of_scales)(scales);
    ad_tree *z = adnn_normal_like(ad_random_key(1), ad_tree_of("W", ad_zeros(AD_SHAPE(3, 2)), "b", ad_zeros(AD_SHAPE(2))));
    assert_close(ad_item(ad_tree_get(g, "W")), ad_item(ad_sum(ad_square(ad_tree_get(z, "W")))), 1e-14);
    assert_close(ad_item(ad_tree_get(g, "b")), 4 * ad_item(ad_sum(ad_square(ad_tree_get(z, "b")))), 1e-14);
}
END_TEST

START_TEST(a_progress_line_says_how_far_the_work_is)
{
    char text[500];
    adnn_progress p = adnn_progress_start("training", 10);
    ck_assert(p.stream == NULL || isatty(STDERR_FILENO));
    p.stream = tmpfile();
    adnn_progress_update(&p, 1, 0.25);
    ck_assert_msg(strstr(written(p.stream, text, sizeof text), "training: 1 of 10, ") && strstr(text, ", loss 0.25, "), "%s", text);
    adnn_progress_update(&p, 2, 0.25); /* at most ten times a second */
    ck_assert(!strstr(written(p.stream, text, sizeof text), "2 of 10"));
    adnn_progress_update(&p, 10, NAN); /* but the last one always */
    ck_assert_msg(strstr(written(p.stream, text, sizeof text), "10 of 10"), "%s", text);
    ck_assert(!strstr(strstr(text, "10 of 10"), "loss"));
    adnn_progress_end(&p); /* erases it */
    size_t length = strlen(written(p.stream, text, sizeof text));
    ck_assert(length > 4 && strcmp(text + length - 4, "\r\033[K") == 0);
    fclose(p.stream);
    p.stream = NULL;
    adnn_progress_update(&p, 10, 1);
    adnn_progress_end(&p);
}
END_TEST

START_TEST(sgd_and_adam_follow_their_formulas)
{
    double x = 1, v = 0;
    ad_tree *p = ad_tree_of("x", 1.0), *s = adnn_optimizer_init(adnn_sgd(.momentum = 0.9), p);
    for (int i = 0; i < 5; i++) {
        double g = 2 * x;
        v = 0.9 * v + g;
        x -= 0.1 * v;
        s = adnn_optimizer_update(adnn_sgd(.momentum = 0.9), s, ad_tree_of("x", ad_mul(ad_tree_get(p, "x"), 2)), &p);
        assert_close(ad_item(ad_tree_get(p, "x")), x, 1e-14);
    }
    double m = 0, u = 0, y = 1;
    p = ad_tree_of("x", 1.0);
    adnn_optimizer adam = adnn_adam(.step_size = 0.01);
    s = adnn_optimizer_init(adam, p);
    for (int t = 1; t <= 5; t++) {
        double g = 2 * y;
        m = 0.9 * m + 0.1 * g;
        u = 0.999 * u + 0.001 * g * g;
        y -= 0.01 * (m / (1 - pow(0.9, t))) / (sqrt(u / (1 - pow(0.999, t))) + 1e-8);
        s = adnn_optimizer_update(adam, s, ad_tree_of("x", ad_mul(ad_tree_get(p, "x"), 2)), &p);
        assert_close(ad_item(ad_tree_get(p, "x")), y, 1e-13);
    }
    assert_fails(adnn_optimizer_update(adam, s, ad_tree_of("y", 1.0), &p), AD_ERROR_VALUE, "structure");
    ck_assert(!adnn_optimizer_update(adam, s, p, NULL));
}
END_TEST

/* tests/golden/optimizers.py */
static const struct golden {
    adnn_optimizer optimizer;
    double after_four_steps[3];
} golden[] = {
    { { ADNN_SGD_DEFAULTS_FIELDS_, .momentum = 0.9 }, { 1.0180428766156668, -1.847632032740107, 2.1898162578348339 } },
    { { ADNN_ADAM_DEFAULTS_FIELDS_ }, { 1.0000483567092575, -1.9979770513938939, 0.50126587420517477 } },
    { { ADNN_ADAMW_DEFAULTS_FIELDS_ }, { 1.0000083839131222, -1.9978971021638923, 0.50124584196977939 } },
    { { ADNN_RMSPROP_DEFAULTS_FIELDS_ }, { 1.0918291156404076, -1.8817419977036156, 0.53977098267923296 } },
    { { ADNN_RMSPROP_DEFAULTS_FIELDS_, .momentum = 0.9 }, { 1.0269124493019546, -1.5636027365160234, 0.71418360433483474 } },
    { { ADNN_ADAGRAD_DEFAULTS_FIELDS_ }, { 1.0091138968952453, -1.9881753564123672, 0.50400315741349122 } },
};
enum { GOLDEN = sizeof golden / sizeof *golden };

static ad_array *gradient_of_step(int t)
{
    return ad_mul(ad_cos(ad_mul(t, VECTOR(1, 2, 3))), VECTOR(0.1, 1, 10));
}

START_TEST(optimizers_have_the_defaults_and_formulas_of_pytorch)
{
    for (int i = 0; i < GOLDEN; i++) {
        ad_tree *p = ad_list_of(VECTOR(1, -2, 0.5)), *s = adnn_optimizer_init(golden[i].optimizer, p);
        const double *x = golden[i].after_four_steps;
        for (int t = 1; t <= 4; t++)
            s = adnn_optimizer_update(golden[i].optimizer, s, ad_list_of(gradient_of_step(t)), &p);
        assert_array(ad_tree_get(p, "0"), AD_SHAPE(3), 1e-14, x[0], x[1], x[2]);
    }
    adnn_optimizer decaying = adnn_adamw(.weight_decay = 0.5, .step_size = 0.1);
    ad_tree *p = ad_list_of(VECTOR(1, -2, 0.5)), *s = adnn_optimizer_init(decaying, p);
    for (int t = 1; t <= 4; t++)
        s = adnn_optimizer_update(decaying, s, ad_list_of(gradient_of_step(t)), &p);
    assert_array(ad_tree_get(p, "0"), AD_SHAPE(3), 1e-14, 0.83188737416100988, -1.4505184582493238, 0.51830086687274846);
    assert_fails(adnn_optimizer_init(adnn_adam(.weight_decay = 0.1), p), AD_ERROR_VALUE, "only adnn_adamw takes a weight_decay");
    assert_fails(adnn_optimizer_init((adnn_optimizer){ .rule = (adnn_rule)9 }, p), AD_ERROR_VALUE, "9 is not a rule");
}
END_TEST

/* Three steps of the leaves given, from which the gradients come; the new parameters and the state as one vector. */
static ad_array *three_steps(ad_array *x, void *context)
{
    const adnn_optimizer *optimizer = context;
    ad_tree *p = ad_list_of(x), *s = adnn_optimizer_init(*optimizer, p);
    for (int t = 1; t <= 3 && s; t++)
        s = adnn_optimizer_update(*optimizer, s, ad_list_of(ad_mul(ad_sin(ad_mul(ad_tree_get(p, "0"), t)), x)), &p);
    return s ? ad_concatenate(ad_list_of(ad_flatten(p), ad_flatten(s)), .axis = 0) : NULL;
}

static ad_array *sum_of_three_steps(ad_array *x, void *optimizer)
{
    return ad_sum(ad_square(ad_at(three_steps(x, optimizer), ":%lld", (long long)ad_size(x))));
}

/* Inside a transformation the operations are recorded; outside each leaf is one pass. */
START_TEST(one_pass_gives_the_bits_of_the_operations)
{
    for (int i = 0; i < GOLDEN; i++)
        for (int single = 0; single < 2; single++) {
            ad_array *x = ad_astype(ad_random_normal(ad_random_key(7), AD_SHAPE(1003), .scale = 2), single ? AD_F32 : AD_F64), *tangent = NULL;
            ad_array *plain = three_steps(x, (void *)&golden[i].optimizer);
            ad_array *recorded = ad_jvp(three_steps, x, (void *)&golden[i].optimizer, ad_ones_like(x), &tangent);
            ck_assert_msg(plain && recorded && tangent, "%s", ad_error_message());
            ck_assert_int_eq(ad_dtype_of(plain), ad_dtype_of(recorded));
            ck_assert_msg(memcmp(ad_data(plain), ad_data(recorded), (size_t)ad_size(plain) * ad_dtype_size(ad_dtype_of(plain))) == 0,
                          "optimizer %d, single %d", i, single);
        }
}
END_TEST

START_TEST(steps_of_every_rule_differentiate)
{
    ad_array *x = VECTOR(0.3, -0.7, 1.1);
    for (int i = 0; i < GOLDEN; i++)
        ck_assert_msg(ad_check_grads(sum_of_three_steps, x, (void *)&golden[i].optimizer), "optimizer %d: %s", i, ad_error_message());
}
END_TEST

enum { MANY = 100000 };

static void *update_many(void *unused)
{
    (void)unused;
    AD_SCOPE;
    ad_tree *p = ad_unstack(ad_ones(AD_SHAPE(MANY))), *g = p;
    adnn_optimizer adam = adnn_adam(.step_size = 0.5);
    ad_tree *s = adnn_optimizer_init(adam, p);
    ck_assert_msg(adnn_optimizer_update(adam, s, g, &p) != NULL, "%s", ad_error_message());
    assert_close(ad_item(adnn_squared_norm(p)), MANY * 0.25, 1e-6);
    return NULL;
}

static double gradient_size;
OF_X(tiny_square, ad_mul(gradient_size, ad_square(x)))

static ad_array *after_two_steps(ad_array *x)
{
    adnn_optimizer adam = adnn_adam(.step_size = 0.1);
    ad_tree *p = ad_tree_of("a", x), *s = adnn_optimizer_init(adam, p);
    for (int i = 0; i < 2; i++)
        s = adnn_optimizer_update(adam, s, ad_tree_of("a", ad_grad(tiny_square)(ad_tree_get(p, "a"))), &p);
    return ad_tree_get(p, "a");
}

/* Steps far below epsilon: the parameter stays where it is, and so does its tangent. */
START_TEST(adam_has_a_derivative_where_squared_gradients_underflow)
{
    AD_SCOPE;
    static const struct {
        double size;
        ad_dtype dtype;
    } rows[] = { { 1e-24, AD_F32 }, { 1e-170, AD_F64 }, { 0, AD_F64 } };
    for (int i = 0; i < 3; i++) {
        ad_array *x = ad_astype(ad_scalar(0.5), rows[i].dtype), *t = NULL;
        gradient_size = rows[i].size;
        assert_close(ad_item(ad_jvp(after_two_steps, x, ad_ones_like(x), &t)), 0.5, 0);
        assert_close(ad_item(t), 1, 1e-7);
        assert_close(ad_item(ad_grad(after_two_steps)(x)), 1, 1e-7);
        assert_close(ad_item(ad_grad(ad_grad(after_two_steps))(x)), 0, 1e-7);
    }
}
END_TEST

static ad_array *entropy_of_first(ad_array *z)
{
    return adnn_softmax_cross_entropy(ad_reshape(z, AD_SHAPE(1, 2)), ad_from_data(AD_I64, (int64_t[]){ 0 }, AD_SHAPE(1)));
}

START_TEST(cross_entropy_of_a_sure_answer_keeps_its_digits)
{
    AD_SCOPE;
    ad_array *z = VECTOR(40, 0), *scale = ad_scalar(exp(40));
    assert_close(ad_item(ad_mul(entropy_of_first(z), scale)), 1, 1e-14);
    assert_array(ad_mul(ad_grad(entropy_of_first)(z), scale), AD_SHAPE(2), 1e-14, -1, 1);
    assert_array(ad_mul(ad_hessian(entropy_of_first)(z), scale), AD_SHAPE(2, 2), 1e-14, 1, -1, -1, 1);
}
END_TEST

START_TEST(parameters_of_100000_leaves_on_a_stack_of_256_kib)
{
    on_a_small_stack(update_many, NULL);
}
END_TEST

START_TEST(a_state_without_a_number_of_steps_is_refused)
{
    static const int64_t counts[] = { -1, INT64_MAX };
    for (int i = 0; i < 2; i++) {
        ad_tree *x = ad_tree_of("w", ad_ones(AD_SHAPE(2))),
                *state = ad_tree_set(adnn_optimizer_init(adnn_adam(), x), "t", ad_from_data(AD_I64, &counts[i], AD_SCALAR_SHAPE));
        assert_fails(adnn_optimizer_update(adnn_adam(), state, x, &x), AD_ERROR_VALUE, "not a number of steps");
    }
}
END_TEST

START_TEST(batches_go_through_all_examples_each_epoch)
{
    ad_key key = ad_random_key(5);
    int seen[10] = { 0 };
    for (int i = 0; i < 5; i++) {
        const int64_t *batch = ad_data(adnn_batch(key, 10, 2, i));
        seen[batch[0]]++;
        seen[batch[1]]++;
    }
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(seen[i], 1);
    ck_assert(memcmp(ad_data(adnn_batch(key, 10, 2, 7)), ad_data(adnn_batch(key, 10, 2, 7)), 16) == 0);
    ck_assert(memcmp(ad_data(adnn_batch(key, 100, 50, 0)), ad_data(adnn_batch(key, 100, 50, 2)), 400) != 0);
    assert_fails(adnn_batch(key, 10, 11, 0), AD_ERROR_VALUE, "batch_size of 11 for 10 examples");
}
END_TEST

START_TEST(bad_layers_are_errors)
{
    assert_fails(adnn_dense(0), AD_ERROR_VALUE, "0 units");
    assert_fails(adnn_dense(3, .init = (adnn_initializer)9), AD_ERROR_VALUE, "adnn_dense: 9 is not an initialiser");
    assert_fails(adnn_dense(3, .scale = -1), AD_ERROR_VALUE, "adnn_dense: scales of -1 and 0");
    assert_fails(adnn_sequential_of(NULL, -1), AD_ERROR_VALUE, "adnn_sequential: -1 layers");
    assert_fails(adnn_sequential(adnn_dense(3), adnn_dense(-1)), AD_ERROR_VALUE, "-1 units");
    adnn_model *m = adnn_dense(3);
    assert_fails(adnn_init(m, ad_random_key(0), AD_SCALAR_SHAPE), AD_ERROR_SHAPE, "one axis");
    adnn_free(m);
    adnn_free(NULL);
}
END_TEST

static adnn_model *classifier;

static ad_array *loss(ad_tree *p, ad_array *x, ad_array *labels)
{
    return adnn_softmax_cross_entropy(adnn_apply(classifier, p, x), labels);
}

START_TEST(a_network_learns_to_separate)
{
    classifier = adnn_sequential(adnn_dense(8), adnn_relu(), adnn_dense(2));
    ad_array *x = ad_random_normal(ad_random_key(1), AD_SHAPE(200, 2));
    ad_array *labels = ad_greater(ad_mul(ad_at(x, ":, 0"), ad_at(x, ":, 1")), 0); /* opposite quadrants: no line separates them */
    labels = ad_astype(labels, AD_I64);
    ad_tree *p = adnn_init(classifier, ad_random_key(2), AD_SHAPE(2));
    adnn_optimizer adam = adnn_adam(.step_size = 0.03);
    ad_tree *s = adnn_optimizer_init(adam, p);
    for (int i = 0; i < 300; i++)
        s = adnn_optimizer_update(adam, s, ad_grad(loss)(p, x, labels), &p);
    ck_assert_msg(!ad_failed(), "%s", ad_error_message());
    ck_assert(adnn_accuracy(adnn_apply(classifier, p, x), labels) > 0.95);
    adnn_free(classifier);
}
END_TEST

RUN_TESTS("nn", dense_layers_compose, initial_weights_have_the_promised_scale, cross_entropy_takes_integers_and_one_hot,
          elementwise_layers_apply_their_function_and_keep_the_shape, squared_errors_and_norms_follow_their_formulas,
          losses_of_examples_make_the_mean_and_the_sum, normal_leaves_depend_on_key_position_and_shape,
          initial_parameters_differentiate_in_their_scales, a_progress_line_says_how_far_the_work_is,
          sgd_and_adam_follow_their_formulas, optimizers_have_the_defaults_and_formulas_of_pytorch, one_pass_gives_the_bits_of_the_operations,
          steps_of_every_rule_differentiate, parameters_of_100000_leaves_on_a_stack_of_256_kib,
          adam_has_a_derivative_where_squared_gradients_underflow, cross_entropy_of_a_sure_answer_keeps_its_digits,
          a_state_without_a_number_of_steps_is_refused, batches_go_through_all_examples_each_epoch, bad_layers_are_errors, a_network_learns_to_separate)
