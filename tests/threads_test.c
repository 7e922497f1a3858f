/* What is set and asked of the library as a whole. The number of threads changes no bit of any result, children of fork
 * work, and many threads may share loops at once. */
#define _GNU_SOURCE /* RTLD_DEFAULT */
#include "testing.h"
#include <dirent.h>
#include <dlfcn.h>
#include <sched.h>
#include <unistd.h>

/* ---- the setting ---- */

START_TEST(the_number_of_threads_is_that_of_the_thread_and_0_is_the_default)
{
    int standard = ad_num_threads();
    ck_assert_int_ge(standard, 1);
    ad_set_num_threads(3);
    ck_assert_int_eq(ad_num_threads(), 3);
    assert_fails((ad_set_num_threads(-1), !ad_failed()), AD_ERROR_VALUE, "ad_set_num_threads: -1");
    ck_assert_int_eq(ad_num_threads(), 3);
    ad_set_num_threads(0);
    ck_assert_int_eq(ad_num_threads(), standard);
}
END_TEST

static void *number_of_a_new_thread(void *number)
{
    *(int *)number = ad_num_threads();
    ad_set_num_threads(7);
    return NULL;
}

START_TEST(a_new_thread_starts_with_the_default_and_keeps_its_own_number)
{
    int standard = ad_num_threads(), there = 0;
    pthread_t thread;
    ad_set_num_threads(3);
    pthread_create(&thread, NULL, number_of_a_new_thread, &there);
    pthread_join(thread, NULL);
    ck_assert_int_eq(there, standard);
    ck_assert_int_eq(ad_num_threads(), 3);
}
END_TEST

START_TEST(the_configuration_says_what_is_used_one_fact_a_line)
{
    static const char *const facts[] = { "version: " AD_VERSION "\n", "\ncompiler: ", "\ninstruction set: ", "\nthreads: 3\n", "\nproducts: ", "\nLAPACK: that of OpenBLAS" };
    ad_set_num_threads(3);
    const char *text = ad_config();
    for (int i = 0; i < (int)(sizeof facts / sizeof *facts); i++)
        ck_assert_msg(strstr(text, facts[i]), "\"%s\" is not in\n%s", facts[i], text);
    ck_assert_msg(text[strlen(text) - 1] == '\n' && strlen(text) < 479, "it is cut off:\n%s", text);
    ad_set_num_threads(0);
    ck_assert_ptr_eq(ad_config(), text);
    ck_assert(!strstr(text, "threads: 3\n") || ad_num_threads() == 3);
}
END_TEST

/* A program may have set OpenBLAS's number for calls of its own; where that is OpenMP's, it is the caller's. */
START_TEST(products_leave_the_number_of_threads_of_the_callers_own_blas_calls)
{
    AD_SCOPE;
    void *found_get = dlsym(RTLD_DEFAULT, "omp_get_max_threads"), *found_set = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
    int (*get)(void);
    void (*set)(int);
    memcpy(&get, &found_get, sizeof get);
    memcpy(&set, &found_set, sizeof set);
    if (!get || !set)
        return;
    set(5);
    ck_assert(ad_matmul(ad_ones(AD_SHAPE(300, 300)), ad_ones(AD_SHAPE(300, 300))) && ad_linalg_svdvals(ad_ones(AD_SHAPE(30, 20))));
    ck_assert_int_eq(get(), 5);
}
END_TEST

/* ---- the same bits ---- */

typedef ad_array *computation(ad_dtype dtype);

/* Evaluates with several numbers of threads, with each twice, and compares the bits. */
static void assert_same_bits(const char *name, computation *compute, ad_dtype dtype)
{
    static const int counts[] = { 1, 2, 3, 8, 8, 1 };
    ad_array *expected = NULL;
    for (int i = 0; i < (int)(sizeof counts / sizeof *counts); i++) {
        AD_SCOPE;
        ad_set_num_threads(counts[i]);
        ad_array *y = compute(dtype);
        ck_assert_msg(y != NULL, "%s: %s", name, ad_error_message());
        if (i == 0)
            expected = ad_retain(y);
        ck_assert_msg(!memcmp(ad_data(expected), ad_data(y), (size_t)ad_size(y) * ad_dtype_size(dtype)), "%s of %s: other bits with %d threads than with 1",
                      name, ad_dtype_name(dtype), counts[i]);
    }
    ad_release(expected);
    ad_set_num_threads(0);
}

/* BITS(name, expression): `expression` of a dtype. */
#define BITS(name, expression)                                                                                         \
    static ad_array *name(ad_dtype dtype)                                                                              \
    {                                                                                                                  \
        (void)dtype;                                                                                                   \
        return expression;                                                                                             \
    }

static ad_array *normal(ad_dtype dtype, ad_shape shape)
{
    ad_array *sample = ad_random_normal(ad_random_key(1), shape);
    if (dtype == AD_C128 || dtype == AD_C64)
        sample = ad_add(sample, ad_mul(ad_weak_complex(1.0i), ad_random_normal(ad_random_key(2), shape)));
    return ad_astype(dtype == AD_I64 ? ad_mul(sample, 100) : sample, dtype);
}

/* Operands of a dtype: more elements than one thread keeps, in sizes that nothing divides. */
static ad_array *x, *cube, *column, *row, *tall;

static void make_operands(ad_dtype dtype)
{
    x = normal(dtype, AD_SHAPE(611, 457));
    cube = normal(dtype, AD_SHAPE(31, 101, 83));
    column = normal(dtype, AD_SHAPE(611, 1));
    row = normal(dtype, AD_SHAPE(457));
    tall = normal(dtype, AD_SHAPE(457, 611));
}

BITS(functions, ad_mul(ad_add(ad_sin(x), ad_exp(ad_mul(x, 0.1))), ad_sqrt(x)))
BITS(broadcast, ad_div(x, ad_add(column, row)))
BITS(transposed, ad_add(ad_matrix_transpose(ad_cosh(ad_matrix_transpose(x))), ad_matrix_transpose(tall)))
BITS(few_long_rows, ad_tanh(ad_at(normal(dtype, AD_SHAPE(3, 200001)), ":, ::2")))
BITS(converted, ad_mul(ad_astype(ad_mul(ad_real(x), 10), AD_I32), x))
BITS(powers, ad_pow(x, 7))
BITS(sum_of_all, ad_sum(x))
BITS(sum_of_rows, ad_sum(x, .axis = 1))
BITS(sum_of_columns, ad_sum(x, .axis = 0))
BITS(sum_of_middle, ad_sum(cube, .axis = 1))
BITS(sum_of_outer, ad_sum(cube, .axes = AD_AXES(0, 2)))
BITS(variance, ad_astype(ad_var(x, .axis = 1), dtype))
BITS(largest, ad_max(x, .axis = 0))
BITS(logsumexp, ad_logsumexp(x, .axis = 1))
BITS(sorted, ad_sort(x, .axis = 0))
BITS(running_sum, ad_cumsum(x, .axis = 0))
BITS(gathered, ad_take(x, ad_argsort(ad_real(column), .axis = 0), .axis = 0))
BITS(scattered, ad_at_add(x, row, "3:5"))
BITS(random_numbers, ad_astype(ad_random_normal(ad_random_key(3), AD_SHAPE(300001)), dtype))

START_TEST(loops_have_the_same_bits_for_any_number_of_threads)
{
#define OF_EACH(name) { #name, name }
    static const struct {
        const char *name;
        computation *compute;
    } all[] = { OF_EACH(functions),     OF_EACH(broadcast),      OF_EACH(transposed),    OF_EACH(few_long_rows), OF_EACH(converted),
                OF_EACH(powers),        OF_EACH(sum_of_all),     OF_EACH(sum_of_rows),   OF_EACH(sum_of_columns), OF_EACH(sum_of_middle),
                OF_EACH(sum_of_outer),  OF_EACH(variance),       OF_EACH(largest),       OF_EACH(logsumexp),     OF_EACH(sorted),
                OF_EACH(running_sum),   OF_EACH(gathered),       OF_EACH(scattered),     OF_EACH(random_numbers) };
    static const ad_dtype dtypes[] = { AD_F64, AD_F32, AD_C128 };
    for (int d = 0; d < 3; d++) {
        AD_SCOPE;
        make_operands(dtypes[d]);
        for (int i = 0; i < (int)(sizeof all / sizeof *all); i++)
            assert_same_bits(all[i].name, all[i].compute, dtypes[d]);
    }
}
END_TEST

/* Sizes of (m, k) times (k, n): square, edges of kernels, tall, wide, thin, products with vectors, and small. */
static const int64_t sizes[][3] = { { 300, 300, 300 }, { 257, 129, 131 }, { 250, 784, 200 }, { 5000, 20, 33 }, { 33, 20, 5000 }, { 129, 400, 128 },
                                    { 3, 20000, 150 }, { 1, 700, 1001 },  { 1001, 700, 1 },  { 1, 9000, 1 },  { 700, 1, 700 },  { 16, 16, 16 },
                                    { 131, 90, 127 },  { 1501, 37, 151 },  { 40000, 4, 3 },  { 3, 4, 40000 },  { 9001, 17, 15 },  { 20000, 3, 1 },  { 2, 300, 5001 } };

static ad_array *left, *right;

static ad_array *product(ad_dtype dtype)
{
    (void)dtype;
    return ad_matmul(left, right);
}

static ad_array *matrix(ad_dtype dtype, int64_t rows, int64_t columns, bool transposed)
{
    return transposed ? ad_matrix_transpose(normal(dtype, AD_SHAPE(columns, rows))) : normal(dtype, AD_SHAPE(rows, columns));
}

static double greatest(ad_array *of)
{
    return ad_item(ad_astype(ad_max(ad_abs(of)), AD_F64));
}

/* An error counts against the sum of the products' absolute values. */
START_TEST(products_are_right_and_have_the_same_bits_for_any_number_of_threads)
{
    static const ad_dtype dtypes[] = { AD_F64, AD_F32, AD_C128, AD_C64, AD_I64 };
    for (int d = 0; d < 5; d++)
        for (int i = 0; i < (int)(sizeof sizes / sizeof *sizes); i++)
            for (int t = 0; t < 4; t++) {
                AD_SCOPE;
                char name[80];
                const int64_t *size = sizes[i];
                if (dtypes[d] != AD_F64 && t != (i + d) % 4)
                    continue; /* every combination of transposed operands for one dtype, each for all */
                left = matrix(dtypes[d], size[0], size[1], t & 1);
                right = matrix(dtypes[d], size[1], size[2], t & 2);
                snprintf(name, sizeof name, "(%lld,%lld) (%lld,%lld), transposed %d", (long long)size[0], (long long)size[1], (long long)size[1],
                         (long long)size[2], t);
                assert_same_bits(name, product, dtypes[d]);
                ad_array *v = normal(dtypes[d], AD_SHAPE(size[2])), *expected = ad_matmul(left, ad_matmul(right, v));
                double scale = greatest(ad_matmul(ad_abs(left), ad_matmul(ad_abs(right), ad_abs(v))));
                double error = greatest(ad_sub(ad_matmul(product(dtypes[d]), v), expected)) / scale;
                ck_assert_msg(error < (dtypes[d] == AD_F32 || dtypes[d] == AD_C64 ? 1e-6 : 2e-15), "%s of %s: off by %g", name,
                              ad_dtype_name(dtypes[d]), error);
            }
}
END_TEST

BITS(stack, ad_matmul(normal(dtype, AD_SHAPE(40, 60, 70)), normal(dtype, AD_SHAPE(40, 70, 50))))
BITS(stack_of_large, ad_matmul(normal(dtype, AD_SHAPE(2, 260, 200)), normal(dtype, AD_SHAPE(3, 1, 200, 150))))
BITS(stack_by_vector, ad_matvec(normal(dtype, AD_SHAPE(300, 40, 40)), normal(dtype, AD_SHAPE(300, 40))))
BITS(contraction, ad_einsum("ijk,kjl->il", normal(dtype, AD_SHAPE(300, 20, 30)), normal(dtype, AD_SHAPE(30, 20, 310))))
BITS(batched_contraction, ad_einsum("bij,bkj->bik", normal(dtype, AD_SHAPE(50, 40, 30)), normal(dtype, AD_SHAPE(50, 60, 30))))
BITS(outer, ad_outer(normal(dtype, AD_SHAPE(700)), normal(dtype, AD_SHAPE(901))))
BITS(lu_factors, ad_tree_get(ad_linalg_lu_factor(normal(dtype, AD_SHAPE(260, 250))), "lu"))
BITS(square_root, ad_linalg_sqrtm(ad_add(normal(dtype, AD_SHAPE(120, 120)), ad_mul(40, ad_eye(120, .dtype = dtype)))))
BITS(eigenvalues, ad_astype(ad_abs(ad_linalg_eigvals(normal(dtype, AD_SHAPE(90, 90)))), dtype))
BITS(singular_values, ad_astype(ad_linalg_svdvals(normal(dtype, AD_SHAPE(150, 130))), dtype))

START_TEST(stacks_contractions_and_decompositions_have_the_same_bits_for_any_number_of_threads)
{
    static const ad_dtype dtypes[] = { AD_F64, AD_F32, AD_C128, AD_C64 };
    for (int d = 0; d < 4; d++) {
        assert_same_bits("stack", stack, dtypes[d]);
        assert_same_bits("stack_of_large", stack_of_large, dtypes[d]);
        assert_same_bits("stack_by_vector", stack_by_vector, dtypes[d]);
        assert_same_bits("contraction", contraction, dtypes[d]);
        assert_same_bits("batched_contraction", batched_contraction, dtypes[d]);
        assert_same_bits("outer", outer, dtypes[d]);
        assert_same_bits("lu_factors", lu_factors, dtypes[d]);
        assert_same_bits("square_root", square_root, dtypes[d]);
        assert_same_bits("eigenvalues", eigenvalues, dtypes[d]);
        assert_same_bits("singular_values", singular_values, dtypes[d]);
    }
}
END_TEST

static ad_array *loss(ad_array *w)
{
    ad_array *inputs = normal(AD_F64, AD_SHAPE(400, 300));
    return ad_mean(ad_square(ad_tanh(ad_matmul(inputs, ad_matmul(w, ad_matrix_transpose(w))))));
}

BITS(gradient, ad_grad(loss)(normal(dtype, AD_SHAPE(300, 200))))

START_TEST(gradients_have_the_same_bits_for_any_number_of_threads)
{
    assert_same_bits("gradient", gradient, AD_F64);
}
END_TEST

/* ---- who does the work ---- */

#ifdef __linux__
static int threads_of_the_process(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    ck_assert(tasks);
    for (const struct dirent *task; (task = readdir(tasks));)
        count += task->d_name[0] != '.';
    closedir(tasks);
    return count;
}

START_TEST(large_loops_are_shared_and_small_ones_are_not)
{
    AD_SCOPE;
    int before = threads_of_the_process(); /* sanitizers have one of their own */
    ad_set_num_threads(3);
    ck_assert(ad_matmul(ad_ones(AD_SHAPE(100, 100)), ad_ones(AD_SHAPE(100, 100))) && ad_exp(ad_ones(AD_SHAPE(10000))));
    ck_assert_int_eq(threads_of_the_process(), before);
    ck_assert(ad_matmul(ad_ones(AD_SHAPE(400, 400)), ad_ones(AD_SHAPE(400, 400))));
    ck_assert_int_gt(threads_of_the_process(), before);
    ck_assert(ad_exp(ad_ones(AD_SHAPE(1000000))));
    ck_assert_int_eq(threads_of_the_process(), before + 2);
    ad_set_num_threads(1);
    ck_assert(ad_exp(ad_ones(AD_SHAPE(1000000))));
    ck_assert_int_eq(threads_of_the_process(), before + 2);
}
END_TEST
#else
START_TEST(large_loops_are_shared_and_small_ones_are_not)
{
}
END_TEST
#endif

static void *share_loops(void *sum)
{
    AD_SCOPE;
    ad_set_num_threads(4);
    for (int i = 0; i < 10; i++) {
        AD_SCOPE;
        ad_array *y = ad_sin(ad_arange(300000)), *product_of_it = ad_matmul(ad_reshape(y, AD_SHAPE(400, 750)), ad_reshape(y, AD_SHAPE(750, 400)));
        *(double *)sum = ad_item(ad_add(ad_sum(ad_mul(y, y)), ad_sum(product_of_it)));
    }
    return NULL;
}

START_TEST(several_threads_may_share_loops_at_once)
{
    pthread_t threads[4];
    double expected, sums[4];
    share_loops(&expected);
    for (int t = 0; t < 4; t++)
        ck_assert_int_eq(pthread_create(&threads[t], NULL, share_loops, &sums[t]), 0);
    for (int t = 0; t < 4; t++) {
        pthread_join(threads[t], NULL);
        assert_close(sums[t], expected, 0);
    }
}
END_TEST

static _Atomic int held;
static _Atomic bool let_go;

static void hold(int64_t part, void *context)
{
    (void)part, (void)context;
    held++;
    while (!let_go)
        sched_yield();
}

static void *hold_the_pool(void *unused)
{
    ad_set_num_threads(3);
    ad_parallel_for(3, hold, NULL);
    return unused;
}

/* Threads that do not come, for whatever they do or wait for, are not waited for. */
START_TEST(a_loop_ends_without_threads_that_are_busy_elsewhere)
{
    AD_SCOPE;
    pthread_t other;
    ad_set_num_threads(3);
    ck_assert_int_eq(pthread_create(&other, NULL, hold_the_pool, NULL), 0);
    while (held < 3)
        sched_yield();
    ad_array *y = ad_exp(ad_ones(AD_SHAPE(1000, 1000)));
    assert_close(ad_item(ad_sum(y)), 1e6 * exp(1), 1e-12);
    assert_close(ad_item(ad_at(ad_matmul(y, y), "999, 999")), 1e3 * exp(2), 1e-12);
    ck_assert_int_eq(held, 3);
    let_go = true;
    pthread_join(other, NULL);
}
END_TEST

RUN_TESTS("threads", the_number_of_threads_is_that_of_the_thread_and_0_is_the_default,
          a_new_thread_starts_with_the_default_and_keeps_its_own_number,
          the_configuration_says_what_is_used_one_fact_a_line,
          products_leave_the_number_of_threads_of_the_callers_own_blas_calls,
          loops_have_the_same_bits_for_any_number_of_threads,
          products_are_right_and_have_the_same_bits_for_any_number_of_threads,
          stacks_contractions_and_decompositions_have_the_same_bits_for_any_number_of_threads,
          gradients_have_the_same_bits_for_any_number_of_threads, large_loops_are_shared_and_small_ones_are_not,
          several_threads_may_share_loops_at_once, a_loop_ends_without_threads_that_are_busy_elsewhere)
