/* Loading and unloading: a plugin that uses libad is opened, used in threads, closed and opened again, and threads end
 * after it was closed.
 *
 * Its arguments are the plugins: one with the shared libraries behind it, one with libad.a in it. */
#include "../suite.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

static const char *const *plugins;
static int plugin_count;

enum { ROUNDS = 10 };

static int (*opened(const char *path, void **handle))(void)
{
    int (*run)(void);
    *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    ck_assert_msg(*handle != NULL, "%s", dlerror());
    void *symbol = dlsym(*handle, "plugin_run");
    ck_assert_msg(symbol != NULL, "%s", dlerror());
    *(void **)&run = symbol;
    return run;
}

/* ---- closed by the thread that used it ---- */

static void *use_and_close(void *path)
{
    void *handle;
    bool ran = opened(path, &handle)();
    dlclose(handle);
    return ran ? path : NULL;
}

START_TEST(a_thread_may_close_the_library_and_end)
{
    void *path = (void *)plugins[_i], *ran;
    pthread_t thread;
    for (int round = 0; round < ROUNDS; round++) {
        ck_assert_int_eq(pthread_create(&thread, NULL, use_and_close, path), 0);
        pthread_join(thread, &ran);
        ck_assert_ptr_eq(ran, path);
    }
}
END_TEST

/* ---- closed by another thread, while one that used it goes on ---- */

struct user {
    int (*run)(void);
    pthread_barrier_t used, closed;
    int ran;
};

static void *use_and_wait(void *pointer)
{
    struct user *user = pointer;
    user->ran = user->run();
    pthread_barrier_wait(&user->used);
    pthread_barrier_wait(&user->closed);
    return NULL;
}

START_TEST(the_library_may_be_closed_before_the_threads_that_used_it_end)
{
    for (int round = 0; round < ROUNDS; round++) {
        struct user user;
        void *handle;
        pthread_t thread;
        user.run = opened(plugins[_i], &handle);
        pthread_barrier_init(&user.used, NULL, 2);
        pthread_barrier_init(&user.closed, NULL, 2);
        ck_assert_int_eq(pthread_create(&thread, NULL, use_and_wait, &user), 0);
        pthread_barrier_wait(&user.used);
        dlclose(handle);
        pthread_barrier_wait(&user.closed);
        pthread_join(thread, NULL);
        ck_assert_int_eq(user.ran, 1);
    }
}
END_TEST

/* ---- in one thread ---- */

START_TEST(the_library_may_be_opened_again)
{
    void *handle;
    for (int round = 0; round < ROUNDS; round++) {
        ck_assert_int_eq(opened(plugins[_i], &handle)(), 1);
        ck_assert_int_eq(dlclose(handle), 0);
    }
}
END_TEST

START_TEST(a_program_may_leave_it_open)
{
    void *handle;
    ck_assert_int_eq(opened(plugins[_i], &handle)(), 1);
    exit(EXIT_SUCCESS);
}
END_TEST

int main(int argc, char **argv)
{
    plugins = (const char *const *)argv + 1;
    plugin_count = argc - 1;
    Suite *suite = suite_create("loading");
    TCase *tests = tcase_create("loading");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, a_thread_may_close_the_library_and_end, 0, plugin_count);
    tcase_add_loop_test(tests, the_library_may_be_closed_before_the_threads_that_used_it_end, 0, plugin_count);
    tcase_add_loop_test(tests, the_library_may_be_opened_again, 0, plugin_count);
    tcase_add_loop_exit_test(tests, a_program_may_leave_it_open, EXIT_SUCCESS, 0, plugin_count);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
