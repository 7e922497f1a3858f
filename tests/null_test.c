/* NULL in place of an array, a tree, a function or a pointer: every function takes it, gives nothing, and leaves an
 * error.
 *
 * A row says the name of a function and a call of it with `none` or `bare` in place of an array or a tree. What the
 * libraries export and no row names fails the test: a new function needs a row, or a place among those that take
 * nothing of the kind. */
#define _GNU_SOURCE /* for dladdr */
#include "null_calls.h"
#include "testing.h"
#include <ad-nn/nn.h>
#include <dlfcn.h>
#include <hyperopt/hyperopt.h>
#include <stdarg.h>
#include <stdio.h>

static ad_array *none, *x;
static ad_tree *bare, *t;

enum { MOST_NAMES = 1000 };
static const char *named[MOST_NAMES];
static int named_count;
static char report[3500];
static size_t report_length;

__attribute__((format(printf, 1, 2))) static void complain(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    if (report_length < sizeof report - 300)
        report_length += (size_t)vsnprintf(report + report_length, 300, format, list);
    va_end(list);
}

/* What a function gives that has nothing to give. */
static bool is_nothing_pointer(const void *pointer)
{
    return !pointer;
}

static bool is_nothing_number(int64_t number)
{
    return number == 0;
}

static bool is_nothing_real(double number)
{
    return isnan(number);
}

static bool is_nothing_complex(double _Complex number)
{
    double parts[2];
    memcpy(parts, &number, sizeof parts);
    return isnan(parts[0]);
}

static bool is_nothing_shape(ad_shape shape)
{
    return shape.ndim == 0;
}

#define IS_NOTHING(value)                                                                                              \
    _Generic((value), bool: is_nothing_number, int: is_nothing_number, int64_t: is_nothing_number, unsigned: is_nothing_number, double: is_nothing_real, \
        double _Complex: is_nothing_complex, ad_shape: is_nothing_shape, default: is_nothing_pointer)(value)

static void name(const char *function)
{
    ck_assert(named_count < MOST_NAMES);
    named[named_count++] = function;
}

/* Whether the sentence begins with the name of the function, as the program writes it: ad_grad, not ad_grad_fn. */
static bool names_function(const char *sentence, const char *function)
{
    static const char *const ends[] = { "", "_fn", "_of", "_from", "_list", "_axes", "_with", "_any", "_tree", "_tagged" };
    static const char *const of_others[] = { "ad_call_primitive", "ad_checkpoint_fn", "hyper_naive_reversal", "ad_call_named" }; /* the operation's, the function's, hyper_sgd's */
    for (size_t i = 0; i < sizeof of_others / sizeof *of_others; i++)
        if (strcmp(function, of_others[i]) == 0)
            return true;
    char written[100];
    bool of_tree = strncmp(function, "ad_tree_", 8) == 0 && strncmp(sentence, "ad_tree_", 8) != 0;
    snprintf(written, sizeof written, "%s%s", of_tree ? "ad_" : "", function + (of_tree ? 8 : 0));
    function = strcmp(function, "ad_tree_from") == 0 ? "ad_tree_of" : strcmp(function, "ad_list_from") == 0 ? "ad_list_of" : written;
    size_t length = strcspn(sentence, ":");
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (strlen(function) == length + strlen(ends[i]) && strncmp(function, sentence, length) == 0 && strcmp(function + length, ends[i]) == 0)
            return true;
    return false;
}

static void check_row(const char *function, bool nothing, const char *call)
{
    name(function);
    bool of_no_leaves = none && strcmp(function, "adnn_squared_norm") == 0; /* it does not find any in a tree that was dropped */
    if (!nothing && !of_no_leaves)
        complain("%s: %s gives something\n", function, call);
    if (!ad_failed())
        complain("%s: %s leaves no error\n", function, call);
    else if (!none && !names_function(ad_error_message(), function))
        complain("%s: %s leaves the error of another function: %s\n", function, call, ad_error_message());
    ad_clear_error();
}

static void check_older_error(const char *function, const char *call)
{
    if (strcmp(ad_error_message(), "an older error") != 0)
        complain("%s: %s loses the first error: %s\n", function, call, ad_error_message());
    ad_clear_error();
}

/* Once without an error, once with one, which stays. */
#define ROW(function, call)                                                                                            \
    do {                                                                                                               \
        check_row(#function, IS_NOTHING(call), #call);                                                                 \
        ad_set_error(AD_ERROR_USER, "an older error");                                                                 \
        (void)(call);                                                                                                  \
        check_older_error(#function, #call);                                                                           \
    } while (0)

/* Of functions that give nothing. */
#define ROW_VOID(function, call) ROW(function, ((call), (void *)NULL))

/* ---- operations: those of null_calls.h ---- */

static void operations(void)
{
#define R(function, call)                                                                                              \
    check_row(#function, !(call), #call);                                                                              \
    ad_set_error(AD_ERROR_USER, "an older error");                                                                     \
    (void)(call);                                                                                                      \
    check_older_error(#function, #call);
    ad_key key = ad_random_key(1);
    CALLS_WITH_NULL(R)
}

/* ---- the others ---- */

static void reading(void)
{
    double out[4];
    ROW(ad_item, ad_item(none));
    ROW(ad_item_int, ad_item_int(none));
    ROW(ad_item_complex, ad_item_complex(none));
    ROW(ad_shape_of, ad_shape_of(none));
    ROW(ad_ndim, ad_ndim(none));
    ROW(ad_dim, ad_dim(none, 0));
    ROW(ad_size, ad_size(none));
    ROW(ad_dtype_of, ad_dtype_of(none));
    ROW(ad_data, ad_data(none));
    ROW(ad_copy_to, ad_copy_to(none, out, 4));
    ROW(ad_copy_to, ad_copy_to(x, NULL, 4));
    ROW_VOID(ad_print, ad_print(none));
    ROW_VOID(ad_fprint, ad_fprint(stderr, none));
    ROW_VOID(ad_fprint, ad_fprint(NULL, x));
    ROW(ad_tostring, ad_tostring(none));
    ROW(ad_save, ad_save("nowhere.npy", none));
    ROW(ad_save, ad_save(NULL, x));
    ROW(ad_save_idx, ad_save_idx("nowhere.idx", none));
    ROW(ad_save_idx, ad_save_idx(NULL, x));
    ROW(ad_savez, ad_savez("nowhere.npz", bare));
    ROW(ad_savez, ad_savez(NULL, t));
    ROW(ad_loadz, ad_loadz(NULL));
    ROW(ad_save_png, ad_save_png("nowhere.png", none));
    ROW(ad_save_png, ad_save_png(NULL, ad_zeros(AD_SHAPE(2, 2), .dtype = AD_U8)));
    ROW(ad_load_png, ad_load_png(NULL));
    ROW(ad_load_images, ad_load_images(NULL, NULL));
    ROW(ad_load, ad_load(NULL));
    ROW(ad_load_idx, ad_load_idx(NULL));
    ROW(ad_is_traced, ad_is_traced(none));
    ROW(ad_escape, (ad_escape)(none));
    ROW(ad_stop_gradient, (ad_stop_gradient)(none));
}

static void making(void)
{
    ROW(ad_from, ad_from(NULL, AD_SHAPE(2)));
    ROW(ad_from_data, ad_from_data(AD_F32, NULL, AD_SHAPE(2)));
    ROW(ad_wrap, ad_wrap(AD_F32, NULL, AD_SHAPE(2), NULL, NULL));
    ROW(ad_arange_from, ad_arange_from(NULL, 2));
    ROW_VOID(ad_random_split, ad_random_split(ad_random_key(1), NULL, 2));
}

static void shaping(void)
{
}

static void indexing(void)
{
    ROW(ad_at, ad_at(none, "0"));
    ROW(ad_at, (ad_at)(x, NULL));
#define UPDATE(f)                                                                                                      \
    ROW(f, f(none, x, "0"));                                                                                           \
    ROW(f, f(x, none, "0"));                                                                                           \
    ROW(f, (f)(x, x, NULL));                                                                                           \
    ROW(f##_list, f##_list(none, x, AD_INDICES(AD_INTEGER(0))));                                                            \
    ROW(f##_list, f##_list(x, none, AD_INDICES(AD_INTEGER(0))))
    UPDATE(ad_at_set);
    UPDATE(ad_at_add);
    UPDATE(ad_at_mul);
    UPDATE(ad_at_min);
    UPDATE(ad_at_max);
    ad_array *i = ad_arange(1);
#define PUT(f, ...)                                                                                                    \
    ROW(f, (f)(none, i, x, ##__VA_ARGS__));                                                                            \
    ROW(f, (f)(x, none, x, ##__VA_ARGS__));                                                                            \
    ROW(f, (f)(x, i, none, ##__VA_ARGS__))
    PUT(ad_put_add);
    PUT(ad_put_set);
    PUT(ad_put_along_axis, 0);
}

static void computing(void)
{
    ROW(ad_clip, (ad_clip)(none, NULL, NULL));
    ROW(ad_einsum_from, ad_einsum_from("i,i", (ad_array *[]){ x, none }, 2));
    ROW(ad_einsum_from, ad_einsum_from(NULL, (ad_array *[]){ x, x }, 2));
    ROW(ad_call_primitive, ad_call_primitive(NULL, &x, 1, NULL));
    ROW(ad_call_primitive, ad_call_primitive(ad_operation(0), &none, 1, NULL));
    ROW(ad_call_primitive_many, ad_call_primitive_many(NULL, &x, 1, NULL, (ad_array *[8]){ NULL }));
}

static ad_array *leaf_itself(const char *path, ad_array *leaf, void *context)
{
    (void)path, (void)context;
    return leaf;
}

static ad_array *leaf_with_context(ad_array *leaf, void *context)
{
    (void)context;
    return leaf;
}

static ad_array *leaves_with_context(ad_array *a, ad_array *b, void *context)
{
    (void)context, (void)b;
    return a;
}

static void trees(void)
{
    ad_array *leaves[2];
    ROW(ad_tree_from, ad_tree_of("a", none));
    ROW(ad_tree_from, ad_tree_of("a", bare));
    ROW(ad_tree_from, ad_tree_of((char *)NULL, x));
    ROW(ad_list_from, ad_list_of(none));
    ROW(ad_list_from, ad_list_of(bare));
    ROW(ad_tree_escape, ad_tree_escape(bare));
    ROW(ad_tree_get, ad_tree_get(bare, "a"));
    ROW(ad_tree_get, ad_tree_get(t, NULL));
    ROW(ad_tree_sub, ad_tree_sub(bare, "a"));
    ROW(ad_tree_has, ad_tree_has(bare, "a"));
    ROW(ad_tree_has, ad_tree_has(t, NULL));
    ROW(ad_tree_set, ad_tree_set(bare, "a", x));
    ROW(ad_tree_set, ad_tree_set(t, "a", none));
    ROW(ad_tree_set, ad_tree_set(t, NULL, x));
    ROW(ad_tree_set_tree, ad_tree_set_tree(bare, "a", t));
    ROW(ad_tree_set_tree, ad_tree_set_tree(t, "a", bare));
    ROW(ad_tree_count, ad_tree_count(bare));
    ROW(ad_tree_leaf_count, ad_tree_leaf_count(bare));
    ROW(ad_tree_name, ad_tree_name(bare, 0));
    ROW(ad_tree_array_at, ad_tree_array_at(bare, 0));
    ROW(ad_tree_tree_at, ad_tree_tree_at(bare, 0));
    ROW(ad_tree_leaves, ad_tree_leaves(bare, leaves, 2));
    ROW(ad_tree_with_leaves, ad_tree_with_leaves(bare, leaves));
    ROW(ad_tree_with_leaves, ad_tree_with_leaves(t, (ad_array *[]){ none, x }));
    ROW(ad_tree_with_leaves, ad_tree_with_leaves(t, NULL));
    ROW(ad_tree_same_structure, ad_tree_same_structure(bare, t));
    ROW(ad_tree_same_structure, ad_tree_same_structure(t, bare));
    ROW(ad_tree_map, ad_tree_map(ad_sin, bare));
    ROW(ad_tree_map, ad_tree_map(NULL, t));
    ROW(ad_tree_map2, ad_tree_map2(ad_add, bare, t));
    ROW(ad_tree_map2, ad_tree_map2(ad_add, t, bare));
    ROW(ad_tree_map2, ad_tree_map2(NULL, t, t));
    ROW(ad_tree_map_with_path, ad_tree_map_with_path(leaf_itself, bare, NULL));
    ROW(ad_tree_map_with_path, ad_tree_map_with_path(NULL, t, NULL));
    ROW(ad_tree_map_with_context, ad_tree_map_with_context(leaf_with_context, bare, NULL));
    ROW(ad_tree_map_with_context, ad_tree_map_with_context(NULL, t, NULL));
    ROW(ad_tree_map2_with_context, ad_tree_map2_with_context(leaves_with_context, bare, t, NULL));
    ROW(ad_tree_map2_with_context, ad_tree_map2_with_context(leaves_with_context, t, bare, NULL));
    ROW(ad_tree_map2_with_context, ad_tree_map2_with_context(NULL, t, t, NULL));
    ROW(ad_flatten, ad_flatten(bare));
    ROW(ad_unflatten, ad_unflatten(bare, x));
    ROW(ad_unflatten, ad_unflatten(t, none));
    ROW_VOID(ad_tree_print, ad_tree_print(bare));
    ROW_VOID(ad_tree_fprint, ad_tree_fprint(stderr, bare));
    ROW_VOID(ad_tree_fprint, ad_tree_fprint(NULL, t));
    ROW(ad_assign, ad_assign(&(ad_array *){ NULL }, none));
    ROW(ad_assign, ad_assign((ad_array **)NULL, x));
    ROW(ad_tree_assign, ad_tree_assign(&(ad_tree *){ NULL }, bare));
    ROW(ad_tree_assign, ad_tree_assign(NULL, t));
    ROW_VOID(ad_memory_stats, ad_memory_stats(NULL));
}

static ad_array *of_tree(ad_tree *tree)
{
    return ad_sum(ad_flatten(tree));
}

/* Of a tree and its tangent or cotangent where two are given. */
static void transformations(void)
{
    ad_array *tangent, *g;
    ad_pullback *pull;
    ROW(ad_grad_fn, ad_grad(ad_sum)(none));
    ROW(ad_grad_fn, ad_grad(of_tree)(bare));
    ROW(ad_value_and_grad_fn, ad_value_and_grad(ad_sum)(none, &g));
    ROW(ad_elementwise_grad_fn, ad_elementwise_grad(ad_sin)(none));
    ROW(ad_deriv_fn, ad_deriv(ad_sin)(none));
    ROW(ad_jacobian_fn, ad_jacobian(ad_sin)(none));
    ROW(ad_hessian_fn, ad_hessian(ad_sum)(none));
    ROW(ad_holomorphic_grad_fn, ad_holomorphic_grad(ad_sin)(none));
    ROW(ad_hvp_fn, ad_hvp(ad_sum)(none, x));
    ROW(ad_hvp_fn, ad_hvp(ad_sum)(x, none));
    ROW(ad_ggnvp_fn, ad_ggnvp(ad_sin)(none, x));
    ROW(ad_ggnvp_fn, ad_ggnvp(ad_sin)(x, none));
    ROW(ad_tensor_jacobian_product_fn, ad_tensor_jacobian_product(ad_sin)(none, x));
    ROW(ad_tensor_jacobian_product_fn, ad_tensor_jacobian_product(ad_sin)(x, none));
    ROW(ad_hessian_vector_product_fn, ad_hessian_vector_product(ad_sum)(none, x));
    ROW(ad_hessian_vector_product_fn, ad_hessian_vector_product(ad_sum)(x, none));
    ROW(ad_grad_and_aux_fn, ad_grad_and_aux(ad_unstack)(none));
    ROW(ad_checkpoint_fn, ad_checkpoint(ad_sin)(none));
    ROW(ad_vjp_of, ad_vjp(ad_sin, none, &pull));
    ROW(ad_jvp_of, ad_jvp(ad_sin, none, x, &tangent));
    ROW(ad_jvp_of, ad_jvp(ad_sin, x, none, &tangent));
    ROW(ad_fixed_point_of, ad_fixed_point(ad_sin, none));
    ROW(ad_check_grads_with, ad_check_grads(ad_sin, none));
    ROW(ad_fprint_trace_of, ad_fprint_trace(stderr, ad_sin, none));
    ROW(ad_fprint_trace_of, ad_fprint_trace(NULL, ad_sin, x));
    ROW(ad_trace_dot_of, ad_trace_dot(stderr, ad_sin, none));
    ROW(ad_name, ad_name(none, "x"));
    ROW(ad_name, ad_name(x, NULL));
    ROW(ad_call, ad_call(NULL));
    ROW(ad_vjp_apply, ad_vjp_apply(NULL, x));
    ROW(ad_vjp_apply_any, ad_vjp_apply_any(NULL, x));
    ad_vjp(ad_sin, x, &pull);
    ROW(ad_vjp_apply, ad_vjp_apply(pull, none));
    ROW(ad_vjp_apply_any, ad_vjp_apply_any(pull, none));
    ad_vjp_free(pull);
    ROW_VOID(ad_function_of, ad_function(NULL, "a(a)"));
    ROW_VOID(ad_fn_pointer, ad_fn_pointer(NULL));
}

static void bindings(void)
{
    ad_fn *sine = ad_function(ad_sin, "a(a)");
    ad_tagged operands[] = { { .kind = AD_KIND_ARRAY, .array = none }, { .kind = AD_KIND_ARRAY, .array = x } }, second, *place = NULL;
    ad_pullback *pull;
    ROW(ad_call_tagged, ad_call_tagged(NULL, operands + 1, 1).pointer);
    ROW(ad_call_tagged, ad_call_tagged(sine, NULL, 1).pointer);
    ROW(ad_value_and_grad_tagged, ad_value_and_grad_tagged(sine, 0, operands, 1, &second).pointer);
    ROW(ad_value_and_grad_tagged, ad_value_and_grad_tagged(sine, 0, operands + 1, 1, place).pointer);
    ROW(ad_vjp_tagged, ad_vjp_tagged(sine, operands, 1, &pull).pointer);
    ROW(ad_vjp_tagged, ad_vjp_tagged(sine, operands + 1, 1, NULL).pointer);
    ROW(ad_vjp_apply_tagged, ad_vjp_apply_tagged(NULL, operands).pointer);
    ROW(ad_jvp_tagged, ad_jvp_tagged(sine, operands, 2, &second).pointer);
    ROW(ad_jvp_tagged, ad_jvp_tagged(sine, operands, 2, place).pointer);
    ROW(ad_fixed_point_tagged, ad_fixed_point_tagged(sine, operands, 1).pointer);
    ROW(ad_check_grads_tagged, ad_check_grads_tagged(sine, operands, 1, AD_CHECK_DEFAULTS));
    ROW(ad_trace_text, ad_trace_text("sine", sine, operands, 1, false));
    ROW(ad_tree_tostring, ad_tree_tostring(bare));
    ROW(ad_call_named, ad_call_named("ad_sin", operands, 1, NULL, 0).pointer);
    ROW(ad_call_named, ad_call_named(NULL, operands + 1, 1, NULL, 0).pointer);
    ROW(ad_prototype_of, ad_prototype_of(NULL));
    ROW_VOID(ad_function_with_context, ad_function_with_context(NULL, "a(a,p)", NULL, NULL));
    ROW(ad_to_dlpack, ad_to_dlpack(none));
    ROW(ad_to_dlpack_managed, ad_to_dlpack_managed(none));
    ROW(ad_from_dlpack, ad_from_dlpack(NULL));
    ROW(ad_from_dlpack_managed, ad_from_dlpack_managed(NULL));
}

static void networks(void)
{
    adnn_model *model = adnn_dense(2);
    ad_tree *p = adnn_init(model, ad_random_key(1), AD_SHAPE(2)), *state = adnn_optimizer_init(ADNN_SGD_DEFAULTS, p), *nothing = bare;
    ROW(adnn_elementwise, adnn_elementwise(NULL));
    ROW(adnn_elementwise_with_context, adnn_elementwise_with_context(NULL, NULL, NULL));
    ROW(adnn_sequential_of, adnn_sequential((adnn_model *)NULL));
    ROW(adnn_init, adnn_init(NULL, ad_random_key(1), AD_SHAPE(2)));
    ROW(adnn_output_shape, adnn_output_shape(NULL, AD_SHAPE(2)).ndim + 1);
    ROW(adnn_apply, adnn_apply(NULL, p, x));
    ROW(adnn_apply, adnn_apply(model, bare, x));
    ROW(adnn_apply, adnn_apply(model, p, none));
    ROW(adnn_accuracy, adnn_accuracy(none, x));
    ROW(adnn_accuracy, adnn_accuracy(x, none));
    ROW(adnn_optimizer_update, adnn_optimizer_update(ADNN_SGD_DEFAULTS, bare, p, &p));
    ROW(adnn_optimizer_update, adnn_optimizer_update(ADNN_SGD_DEFAULTS, state, bare, &p));
    ROW(adnn_optimizer_update, adnn_optimizer_update(ADNN_SGD_DEFAULTS, state, p, &nothing));
    ROW(adnn_optimizer_update, adnn_optimizer_update(ADNN_SGD_DEFAULTS, state, p, NULL));
    adnn_free(model);
}

static ad_array *no_loss(ad_tree *tree, ad_tree *theta, int64_t iteration, void *context)
{
    (void)theta, (void)iteration, (void)context;
    return of_tree(tree);
}

static void own_loops(void)
{
    ROW_VOID(ad_parallel_for, ad_parallel_for(3, NULL, NULL));
}

static void options_of_calls(void)
{
    static const ad_primitive sized = { .name = "sized", .options_size = 4 };
    ROW(ad_options_keep, ad_options_keep(NULL, &sized));
    ROW(ad_options_keep, ad_options_keep(&sized, NULL));
    ROW(ad_options_equal, ad_options_equal(NULL, &sized, &sized));
    ROW(ad_options_equal, ad_options_equal(&sized, NULL, &sized));
    ROW(ad_options_equal, ad_options_equal(&sized, &sized, NULL));
    ROW(ad_options_hash, ad_options_hash(NULL, &sized) != 0);
    ROW(ad_options_hash, ad_options_hash(&sized, NULL) != 0);
    ROW(ad_options_text, ad_options_text(NULL, &sized));
    ROW(ad_options_text, ad_options_text(&sized, NULL));
}

static ad_array *no_meta_loss(ad_tree *tree, ad_key key, void *context)
{
    (void)key, (void)context;
    return of_tree(tree);
}

static void training(void)
{
    hyper_training run = { .loss = no_loss, .iterations = 1 };
    ROW(hyper_sgd, hyper_sgd(&run, bare));
    ROW(hyper_sgd, hyper_sgd(NULL, t));
    ROW(hyper_sgd_state, hyper_sgd_state(&run, bare));
    ROW(hyper_sgd_state, hyper_sgd_state(NULL, t));
    ROW(hyper_sgd_along, hyper_sgd_along(&run, bare));
    ROW(hyper_sgd_along, hyper_sgd_along(NULL, t));
    ROW(hyper_adam, hyper_adam(&run, bare));
    ROW(hyper_adam, hyper_adam(NULL, t));
    ROW(hyper_adam_state, hyper_adam_state(&run, bare));
    ROW(hyper_adam_state, hyper_adam_state(NULL, t));
    ROW(hyper_adam_along, hyper_adam_along(&run, bare));
    ROW(hyper_adam_along, hyper_adam_along(NULL, t));
    ROW(hyper_naive_reversal, hyper_naive_reversal(&run, bare, AD_F64));
    ROW(hyper_naive_reversal, hyper_naive_reversal(NULL, t, AD_F64));
    ROW(hyper_optimize, hyper_optimize(no_meta_loss, bare, .iterations = 1));
    ROW(hyper_optimize, hyper_optimize_with(NULL, t, HYPER_OPTIMIZE_DEFAULTS));
}

/* ---- all there are ---- */

/* These take no array, tree, function or place of a result, are told that there is none by NULL, or are only called by
 * the library. */
static const char *const others[] = {
    /* from numbers alone */
    "ad_scalar", "ad_weak_integer", "ad_weak_unsigned", "ad_weak_real", "ad_weak_complex", "ad_zeros", "ad_ones", "ad_empty", "ad_eye", "ad_identity",
    "ad_tri", "ad_arange", "ad_fft_fftfreq", "ad_fft_rfftfreq", "ad_indices", "ad_tril_indices", "ad_triu_indices", "ad_diag_indices", "ad_number_complex_", "ad_tree_empty", "ad_item_integer_",
    "ad_item_unsigned_", "ad_item_complex_", "ad_random_key", "ad_random_fold_in", "ad_random_bits", "ad_random_uniform", "ad_random_normal",
    "ad_random_randint", "ad_random_bernoulli", "ad_random_permutation", "ad_random_choice", "adnn_dense", "adnn_tanh", "adnn_relu", "adnn_sigmoid",
    "adnn_batch", "adnn_progress_start",
    /* state */
    "ad_shape_size", "ad_shape_equal", "ad_shape_tostring", "ad_dtype_size", "ad_dtype_name", "ad_dtype_is_inexact",
    "ad_dtype_is_complex", "ad_dtype_is_integer", "ad_failed", "ad_error_code", "ad_error_message", "ad_error_where", "ad_error_context", "ad_clear_error", "ad_is_differentiating",
    "ad_on_error", "ad_on_call", "ad_error_breakpoint", "ad_set_error", "ad_call_site_", "ad_scope_open", "ad_scope_close", "ad_memory_trim", "ad_memory_limit",
    "ad_memory_take", "ad_memory_resize", "ad_memory_give",
    "ad_memory_fail_after", "ad_set_num_threads", "ad_num_threads", "ad_version", "ad_operation_count", "ad_operation", "ad_config",
    "ad_prototype_count", "ad_prototype_at",
    /* NULL is allowed */
    "ad_retain", "ad_tree_retain", "ad_release", "ad_tree_release", "ad_vjp_free", "ad_options_free", "adnn_free", "adnn_progress_update", "adnn_progress_end", "ad_fn_of_",
    /* in the functions of a primitive, with the node that they are given */
    "ad_node_primitive", "ad_node_options", "ad_node_inputs", "ad_node_input", "ad_node_output", "ad_node_shape", "ad_node_dtype", "ad_node_cotangent",
    "ad_node_target", "ad_node_is_number", "ad_node_spec",
    /* other names of functions that have rows: ops/alias.c */
    OTHER_NAMES
};

static bool is_named(const char *function)
{
    char base[100];
    size_t length = strlen(function), tail = strlen("_with");
    bool with = length > tail && strcmp(function + length - tail, "_with") == 0;
    snprintf(base, sizeof base, "%.*s", (int)(with ? length - tail : length), function);
    for (int i = 0; i < named_count; i++)
        if (strcmp(named[i], function) == 0 || strcmp(named[i], base) == 0)
            return true;
    return false;
}

/* Complains of what the library of this function exports and nobody has named. */
static void check_exports_of(void *function)
{
    Dl_info library;
    char command[1200], line[300];
    ck_assert(dladdr(function, &library));
    snprintf(command, sizeof command, "nm -D --defined-only '%s'", library.dli_fname);
    FILE *symbols = popen(command, "r");
    int count = 0;
    while (fgets(line, sizeof line, symbols)) {
        char symbol[200];
        if (sscanf(line, "%*s %*c %199[^@\n]", symbol) != 1 || strncmp(symbol, "AD_", 3) == 0)
            continue;
        count++;
        if (!is_named(symbol))
            complain("%s: has no row in tests/null_test.c\n", symbol);
    }
    ck_assert_int_eq(pclose(symbols), 0);
    ck_assert(count > 0);
}

static void call_everything(void)
{
    AD_SCOPE;
    x = VECTOR(1, 2);
    t = ad_list_of(x, x);
    operations();
    reading();
    making();
    shaping();
    indexing();
    computing();
    trees();
    transformations();
    bindings();
    networks();
    own_loops();
    options_of_calls();
    training();
}

START_TEST(every_function_takes_null_gives_nothing_and_leaves_an_error)
{
    call_everything();
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        name(others[i]);
    check_exports_of((void *)ad_sin);
    check_exports_of((void *)adnn_apply);
    check_exports_of((void *)hyper_sgd);
    ck_assert_msg(!report_length, "\n%s", report);
}
END_TEST

/* The same rows, in a build that notices: `none` and `bare` are what a scope has dropped. */
START_TEST(every_function_of_a_checked_build_refuses_what_was_dropped)
{
    if (!is_checked())
        return;
    {
        AD_SCOPE;
        none = VECTOR(1, 2);
        bare = ad_list_of(none, none);
    }
    call_everything();
    ck_assert_msg(!report_length, "\n%s", report);
    ad_sum(none);
    ck_assert_msg(strstr(ad_error_message(), "ad_sum: the array made at ") && strstr(ad_error_message(), "dropped"), "%s", ad_error_message());
    ad_clear_error();
}
END_TEST

RUN_TESTS("null", every_function_takes_null_gives_nothing_and_leaves_an_error, every_function_of_a_checked_build_refuses_what_was_dropped)
