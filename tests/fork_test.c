/* A process that is copied by fork while threads of it work. */
#include "testing.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static bool works(void)
{
    AD_SCOPE;
    ad_array *y = ad_exp(ad_ones(AD_SHAPE(500, 600)));
    return fabs(ad_item(ad_at(ad_matmul(y, ad_matrix_transpose(y)), "499, 499")) - 600 * exp(2)) < 1e-9;
}

/* The address sanitizer of gcc 12 does not mind forks: a child whose parent had a thread in the sanitizer's allocator
 * waits for that thread for ever. */
enum { BUSY_THREADS = WITH_ADDRESS_SANITIZER ? 0 : 2 };

/* A child that is killed if it does not end within ten seconds. Check's handler, which it inherits, would kill its
 * parent too. */
static pid_t fork_for_ten_seconds(void)
{
    pid_t child = fork();
    if (child == 0) {
        signal(SIGALRM, SIG_DFL);
        alarm(10);
    }
    return child;
}

static bool child_works(void)
{
    int status = 0;
    pid_t child = fork_for_ten_seconds();
    if (child == 0) {
        _exit(works() && ad_num_threads() == 1 ? 0 : 1);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

START_TEST(a_child_works_on_one_thread_after_its_parent_shared_loops)
{
    ad_set_num_threads(4);
    ck_assert(works());
    ck_assert(child_works());
    ck_assert(works());
    ck_assert_int_eq(ad_num_threads(), 4);
}
END_TEST

static _Atomic bool enough;

static void *work_till_enough(void *unused)
{
    ad_set_num_threads(3);
    while (!enough && works())
        ;
    return enough ? unused : NULL;
}

static void start_working(pthread_t *threads)
{
    for (int t = 0; t < BUSY_THREADS; t++)
        ck_assert_int_eq(pthread_create(&threads[t], NULL, work_till_enough, threads), 0);
}

static void end_working(const pthread_t *threads)
{
    enough = true;
    for (int t = 0; t < BUSY_THREADS; t++) {
        void *fine;
        pthread_join(threads[t], &fine);
        ck_assert(fine != NULL);
    }
}

START_TEST(a_child_works_while_other_threads_of_its_parent_work)
{
    pthread_t threads[BUSY_THREADS + 1];
    ad_set_num_threads(2);
    ck_assert(works());
    start_working(threads);
    for (int i = 0; i < 20; i++)
        ck_assert_msg(child_works(), "child %d", i);
    end_working(threads);
}
END_TEST

/* The library ends its threads at exit; the child has none, however many its parent had and whatever they did. */
START_TEST(a_child_ends_while_other_threads_of_its_parent_work)
{
    pthread_t threads[BUSY_THREADS + 1];
    start_working(threads);
    for (int i = 0; i < 100; i++) {
        int status = 0;
        pid_t child = fork_for_ten_seconds();
        if (child == 0) {
            close(STDOUT_FILENO); /* what the parent has not written yet */
            close(STDERR_FILENO);
            exit(0);
        }
        ck_assert(child > 0 && waitpid(child, &status, 0) == child);
        ck_assert_msg(!WIFSIGNALED(status), "child %d hangs", i);
    }
    end_working(threads);
}
END_TEST

enum { HANDED_OVER = 200000 };

static ad_array *made_by_main[HANDED_OVER], *made_elsewhere;

static void *make_one(void *unused)
{
    AD_SCOPE;
    made_elsewhere = ad_retain(ad_ones(AD_SHAPE(100)));
    return unused;
}

static void *release_all(void *unused)
{
    for (int i = 0; i < HANDED_OVER; i++)
        ad_release(made_by_main[i]);
    return unused;
}

/* Counting away a block of another thread takes the lock of the list of all threads. */
START_TEST(a_child_may_release_what_another_thread_made)
{
    pthread_t thread;
    pthread_create(&thread, NULL, make_one, NULL);
    pthread_join(thread, NULL);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < HANDED_OVER; i++) {
            AD_SCOPE;
            made_by_main[i] = ad_retain(ad_ones(AD_SHAPE(2)));
        }
        pthread_create(&thread, NULL, release_all, NULL);
        if (!BUSY_THREADS)
            pthread_join(thread, NULL);
        for (int i = 0; i < 20; i++) {
            int status = 0;
            pid_t child = fork_for_ten_seconds();
            if (child == 0) {
                ad_release(made_elsewhere);
                _exit(0);
            }
            ck_assert(child > 0 && waitpid(child, &status, 0) == child);
            ck_assert_msg(status == 0, "round %d: the child hangs", round);
        }
        if (BUSY_THREADS)
            pthread_join(thread, NULL);
    }
    ad_release(made_elsewhere);
}
END_TEST

RUN_TESTS("fork", a_child_works_on_one_thread_after_its_parent_shared_loops,
          a_child_works_while_other_threads_of_its_parent_work, a_child_ends_while_other_threads_of_its_parent_work,
          a_child_may_release_what_another_thread_made)
