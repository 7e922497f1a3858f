/* Eight threads at once. The checks of ThreadSanitizer run this (.ci/run): it finds what the results do not show. */
#include "testing.h"

enum { THREADS = 8, ROUNDS = 3 };

/* ---- every thread computes what one does ---- */

/* Shared by all threads: made by the main one, of every kind that a header can be. */
static ad_array *number, *small, *matrix, *large, *view, *whole, *labels;
static ad_tree *parameters;

static void make_shared(void)
{
    matrix = ad_random_normal(ad_random_key(1), AD_SHAPE(40, 30));
    large = ad_random_normal(ad_random_key(2), AD_SHAPE(520, 620));
    number = ad_scalar(0.7);
    small = VECTOR(0.1, 0.2, 0.3);
    view = ad_matrix_transpose(matrix);
    whole = ad_arange(40);
    labels = ad_mod(whole, 5);
    parameters = ad_tree_of("W", ad_random_normal(ad_random_key(3), AD_SHAPE(30, 5)), "b", ad_random_normal(ad_random_key(4), AD_SHAPE(5)));
}

OF_X(wave, ad_sum(ad_mul(ad_sin(x), ad_exp(ad_mul(x, number)))))
OF_X(slope_of_wave, ad_sum(ad_square(ad_grad(wave)(x))))
OF_X(through_checkpoint, ad_sum(ad_square(ad_checkpoint(ad_tanh)(x))))
OF_X(power_of_number, ad_pow(x, 3))

static ad_array *loss(ad_tree *p)
{
    ad_array *scores = ad_add(ad_matmul(matrix, ad_tree_get(p, "W")), ad_tree_get(p, "b"));
    return ad_mean(ad_sub(ad_logsumexp(scores, .axis = 1), ad_squeeze(ad_take_along_axis(scores, ad_expand_dims(labels, 1), 1), .axis = 1)));
}

static ad_array *second_gradient(void)
{
    return ad_grad(slope_of_wave)(matrix);
}

static ad_array *gradient_of_tree(void)
{
    return ad_flatten(ad_grad(loss)(parameters));
}

static ad_array *hessian_vector_product(void)
{
    return ad_hvp(wave)(view, ad_cos(view));
}

static ad_array *pullback(void)
{
    ad_pullback *pull;
    ad_array *y = ad_vjp(ad_sin, view, &pull), *g = ad_vjp_apply(pull, y);
    ad_vjp_free(pull);
    return g;
}

static ad_array *tangent(void)
{
    ad_array *t;
    ad_jvp(ad_linalg_svdvals, matrix, ad_sin(matrix), &t);
    return t;
}

static ad_array *checkpoint(void)
{
    return ad_grad(through_checkpoint)(small);
}

static ad_array *derivative_of_numbers(void)
{
    ad_array *sum = ad_scalar(0);
    for (int i = 0; i < 300; i++)
        sum = ad_add(sum, ad_grad(power_of_number)(ad_add(number, i)));
    return sum;
}

static ad_array *shared_loop(void)
{
    return ad_tanh(ad_add(large, ad_sin(large)));
}

static ad_array *shared_product(void)
{
    return ad_matmul(large, ad_matrix_transpose(large));
}

static ad_array *stack_of_products(void)
{
    ad_array *stack = ad_reshape(large, AD_SHAPE(-1, 26, 31));
    return ad_einsum("bij,bkj->bik", stack, ad_cos(stack));
}

static ad_array *sorted_and_gathered(void)
{
    return ad_cumsum(ad_sort(ad_take(matrix, labels, .axis = 0), .axis = 0));
}

static ad_array *random_numbers(void)
{
    return ad_random_normal(ad_random_fold_in(ad_random_key(5), 6), AD_SHAPE(1000));
}

/* NULL; the caller clears the error. */
static ad_array *an_error(void)
{
    return ad_grad(wave)(ad_matmul(matrix, matrix));
}

static ad_array *in_words(void)
{
    char *text = ad_tostring(matrix);
    ad_array *length = ad_scalar(text && *ad_config() ? (double)strlen(text) : -1);
    free(text);
    return length;
}

typedef ad_array *computation(void);

static computation *const all[] = { second_gradient, gradient_of_tree, hessian_vector_product, pullback,      tangent,
                                    checkpoint,      derivative_of_numbers, shared_loop,       shared_product, stack_of_products,
                                    sorted_and_gathered, random_numbers,   an_error,           in_words };
enum { COUNT = sizeof all / sizeof *all };

static ad_array *expected[COUNT]; /* NULL for an error */

/* In Check's main thread failures may be reported; in others a number is. */
static bool same(int i)
{
    AD_SCOPE;
    ad_array *y = all[i]();
    bool failed = ad_failed();
    ad_clear_error();
    if (!y || !expected[i])
        return !y && !expected[i] && failed;
    return !failed && ad_size(y) == ad_size(expected[i]) && !memcmp(ad_data(y), ad_data(expected[i]), (size_t)ad_size(y) * ad_dtype_size(ad_dtype_of(y)));
}

struct worker {
    int number, wrong; /* wrong: the computation that gave another result, counted from 1; 0: none */
};

static void *compute_all(void *context)
{
    struct worker *me = context;
    ad_set_num_threads(1 + me->number % 3);
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < COUNT; i++) {
            int which = (i + me->number * 5 + round) % COUNT;
            if (!same(which))
                me->wrong = which + 1;
        }
    return NULL;
}

START_TEST(eight_threads_compute_what_one_does)
{
    pthread_t threads[THREADS];
    struct worker workers[THREADS] = { 0 };
    make_shared();
    for (int i = 0; i < COUNT; i++) {
        expected[i] = all[i]();
        ad_clear_error();
        ck_assert_msg((expected[i] == NULL) == (all[i] == an_error), "computation %d: %s", i, ad_error_message());
    }
    for (int t = 0; t < THREADS; t++) {
        workers[t].number = t;
        ck_assert_int_eq(pthread_create(&threads[t], NULL, compute_all, &workers[t]), 0);
    }
    for (int t = 0; t < THREADS; t++) {
        pthread_join(threads[t], NULL);
        ck_assert_msg(workers[t].wrong == 0, "thread %d: computation %d gave another result", t, workers[t].wrong - 1);
    }
}
END_TEST

/* ---- what passes from thread to thread ---- */

/* A place where a thread leaves things for the next one. */
static struct parcel {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool full;
    ad_array *array, *scalar, *slope;
    ad_tree *tree;
    ad_pullback *pull;
} parcels[THREADS];

static void leave(struct parcel *p, int round)
{
    AD_SCOPE;
    pthread_mutex_lock(&p->lock);
    while (p->full)
        pthread_cond_wait(&p->changed, &p->lock);
    ad_array *x = ad_add(ad_arange(1000), round);
    p->array = ad_retain(ad_at(x, "::2"));
    p->scalar = ad_retain(ad_scalar(round));
    p->slope = ad_retain(ad_grad(wave)(ad_scalar(round)));
    p->tree = ad_tree_retain(ad_tree_of("x", x, "inner", ad_list_of(ad_sin(x), small)));
    ad_vjp(ad_square, ad_scalar(round), &p->pull);
    p->full = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

/* Whether everything was as it should be. The pullback stays its maker's. */
static bool fetch(struct parcel *p, int round)
{
    AD_SCOPE;
    pthread_mutex_lock(&p->lock);
    while (!p->full)
        pthread_cond_wait(&p->changed, &p->lock);
    bool refused = !ad_vjp_apply(p->pull, ad_scalar(1)) && ad_error_code() == AD_ERROR_THREAD;
    ad_clear_error();
    bool right = ad_item(ad_sum(p->array)) == 500. * (499 + round) && ad_item(ad_add(p->scalar, 1)) == round + 1 && ad_item(p->slope) == ad_item(ad_grad(wave)(p->scalar)) &&
                 ad_item(ad_sum(ad_tree_get(p->tree, "x"))) == 1000. * round + 499500;
    ad_release(p->array);
    ad_release(p->scalar);
    ad_release(p->slope);
    ad_tree_release(p->tree);
    p->full = false;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    return refused && right && !ad_failed();
}

static void *pass_on(void *context)
{
    struct worker *me = context;
    struct parcel *mine = &parcels[me->number], *before = &parcels[(me->number + THREADS - 1) % THREADS];
    for (int round = 0; round < 30; round++) {
        leave(mine, round);
        if (!fetch(before, round))
            me->wrong = round + 1;
        pthread_mutex_lock(&mine->lock);
        while (mine->full)
            pthread_cond_wait(&mine->changed, &mine->lock);
        pthread_mutex_unlock(&mine->lock);
        AD_SCOPE;
        if (ad_item(ad_vjp_apply(mine->pull, ad_scalar(1))) != 2 * round)
            me->wrong = round + 1;
        ad_vjp_free(mine->pull);
    }
    return NULL;
}

START_TEST(arrays_trees_and_derivatives_pass_from_thread_to_thread)
{
    pthread_t threads[THREADS];
    struct worker workers[THREADS] = { 0 };
    make_shared();
    for (int t = 0; t < THREADS; t++) {
        pthread_mutex_init(&parcels[t].lock, NULL);
        pthread_cond_init(&parcels[t].changed, NULL);
    }
    for (int t = 0; t < THREADS; t++) {
        workers[t].number = t;
        ck_assert_int_eq(pthread_create(&threads[t], NULL, pass_on, &workers[t]), 0);
    }
    for (int t = 0; t < THREADS; t++) {
        pthread_join(threads[t], NULL);
        ck_assert_msg(workers[t].wrong == 0, "thread %d: round %d", t, workers[t].wrong - 1);
    }
}
END_TEST

/* ---- threads that come and go ---- */

static void *work_a_little(void *sum)
{
    AD_SCOPE;
    ad_array *y = ad_grad(wave)(ad_mul(small, 2));
    *(ad_array **)sum = ad_retain(ad_sum(y));
    return NULL;
}

START_TEST(threads_that_end_leave_what_they_made)
{
    ad_array *sums[THREADS];
    make_shared();
    for (int round = 0; round < 10; round++) {
        pthread_t threads[THREADS];
        for (int t = 0; t < THREADS; t++)
            ck_assert_int_eq(pthread_create(&threads[t], NULL, work_a_little, &sums[t]), 0);
        for (int t = 0; t < THREADS; t++) {
            pthread_join(threads[t], NULL);
            assert_close(ad_item(sums[t]), ad_item(sums[0]), 0);
        }
        for (int t = 0; t < THREADS; t++)
            ad_release(sums[t]);
    }
}
END_TEST

RUN_TESTS("concurrency", eight_threads_compute_what_one_does, arrays_trees_and_derivatives_pass_from_thread_to_thread,
          threads_that_end_leave_what_they_made)
