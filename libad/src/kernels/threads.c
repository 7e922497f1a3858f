/* The threads that share large loops: how many a call may use, and a pool of sleeping ones for the whole process.
 *
 * A loop is cut into parts. The calling thread and threads of the pool take them one by one. A thread that finds none
 * left sleeps, and nobody spins. The caller waits for parts that others have begun and for nothing else, so where the
 * other cores are busy it does the work itself. Which thread runs a part, and when, is chance: what parts compute must
 * not depend on it.
 *
 * The pool and the list of contexts are all that threads share. The pool grows when a loop first asks for more threads
 * than it has, and its threads stay until the library is unloaded. The child of a process that has a pool gets none
 * after fork, and runs every part itself. */
#ifdef __linux__
#define _GNU_SOURCE /* sched_getaffinity */
#include <sched.h>
#endif
#include "kernels/kernels.h"
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- how many ---- */

enum { MOST = 1024 };

static _Thread_local int chosen __attribute__((tls_model("initial-exec"))); /* 0: as many as `standard` gives */
static int from_environment; /* OMP_NUM_THREADS when the library was loaded; 0: not given */

static int cores(void)
{
#ifdef __linux__
    cpu_set_t set; /* too small for the kernel's set beyond 1024 cores */
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return CPU_COUNT(&set);
#endif
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count > MOST ? MOST : (int)count;
}

void ad_threads_choose(int count)
{
    chosen = count > MOST ? MOST : count;
}

/* ---- the pool ---- */

enum { MOST_IN_JOB = 64 };

/* Parts that nobody has taken. */
struct range {
    int64_t next, end;
};

/* A loop that is being shared. It lives on its caller's stack. Each thread has a range of its own, which is the same in
 * every loop of as many parts, so that the thread meets memory that is in its cache. When its range is done, it takes
 * parts from the ends of the others' ranges. */
struct job {
    ad_part *run;
    void *context;
    int threads;         /* threads that take part, and so ranges */
    int room;            /* for threads that may still join */
    int running;         /* parts that were taken and are not finished */
    struct range ranges[MOST_IN_JOB];
    struct job *following;
};

/* `lock` guards the whole struct, and the jobs in the list. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t work, finished;
    struct job *jobs;
    int size; /* of the threads, which are the first ones of `thread` */
    pthread_t thread[MOST];
    bool alone;  /* this is the child of a process that had threads in the pool */
    bool ending; /* the library is being unloaded, and with it the code that the threads run */
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER, .finished = PTHREAD_COND_INITIALIZER };

int ad_threads(void)
{
    return pool.alone || pool.ending ? 1 : chosen ? chosen : from_environment ? from_environment : cores();
}

/* The next part for thread `me`; -1: there is none left. */
static int64_t next_part(struct job *job, int me)
{
    struct range *own = &job->ranges[me % job->threads];
    if (own->next < own->end)
        return own->next++;
    for (int i = 0; i < job->threads; i++)
        if (job->ranges[i].next < job->ranges[i].end)
            return --job->ranges[i].end;
    return -1;
}

/* Runs parts of the job until there are none, and wakes `wake` threads of the pool after taking the first. The lock is
 * held at the start and at the end. It is not held while a part runs, nor while a thread is woken: waking takes so long
 * that the thread would find the lock taken. */
static void run_parts(struct job *job, int me, int wake)
{
    for (int64_t part; (part = next_part(job, me)) >= 0; job->running--) {
        job->running++;
        pthread_mutex_unlock(&pool.lock);
        for (; wake > 0; wake--)
            pthread_cond_signal(&pool.work);
        job->run(job->context, part);
        pthread_mutex_lock(&pool.lock);
    }
}

static bool has_parts(const struct job *job)
{
    for (int i = 0; i < job->threads; i++)
        if (job->ranges[i].next < job->ranges[i].end)
            return true;
    return false;
}

static struct job *job_to_join(void)
{
    struct job *job = pool.jobs;
    while (job && (job->room == 0 || !has_parts(job)))
        job = job->following;
    return job;
}

/* A thread that joins wakes two more. So many are awake soon, although the caller wakes only one. */
static void *live_in_pool(void *number)
{
    chosen = 1;
    pthread_mutex_lock(&pool.lock);
    for (;;) {
        struct job *job = job_to_join();
        if (!job && pool.ending)
            break;
        if (!job) {
            pthread_cond_wait(&pool.work, &pool.lock);
            continue;
        }
        job->room--;
        run_parts(job, (int)(intptr_t)number, job->room < 2 ? job->room : 2);
        if (job->running == 0) {
            pthread_mutex_unlock(&pool.lock); /* from here on the job may be gone */
            pthread_cond_broadcast(&pool.finished);
            pthread_mutex_lock(&pool.lock);
        }
    }
    pthread_mutex_unlock(&pool.lock);
    return NULL;
}

/* If the system does not give a thread, there are fewer; nothing else happens. A thread of the pool handles no signal
 * of the program. */
static void grow(int size)
{
    sigset_t all, before;
    if (pool.size >= size || pool.ending)
        return;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool.size < size && pthread_create(&pool.thread[pool.size], NULL, live_in_pool, (void *)(intptr_t)(pool.size + 1)) == 0)
        pool.size++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void remove_job(const struct job *job)
{
    struct job **link = &pool.jobs;
    while (*link != job)
        link = &(*link)->following;
    *link = job->following;
}

void ad_run_parts(int64_t parts, ad_part *run, void *context)
{
    int64_t most = parts < MOST_IN_JOB ? parts : MOST_IN_JOB;
    int threads = parts > 1 ? ad_threads() : 1;
    if (threads > most)
        threads = (int)most;
    if (threads < 2) {
        for (int64_t p = 0; p < parts; p++)
            run(context, p);
        return;
    }
    struct job job = { .run = run, .context = context, .threads = threads, .room = threads - 1 };
    for (int i = 0; i < threads; i++)
        job.ranges[i] = (struct range){ i * parts / threads, (i + 1) * parts / threads };
    int before = chosen;
    chosen = 1; /* 1 in every thread that runs parts */
    pthread_mutex_lock(&pool.lock);
    grow(threads - 1);
    job.following = pool.jobs;
    pool.jobs = &job;
    run_parts(&job, 0, 1);
    chosen = before;
    remove_job(&job);
    while (job.running)
        pthread_cond_wait(&pool.finished, &pool.lock);
    pthread_mutex_unlock(&pool.lock);
}

/* ---- fork: nobody else holds the lock while the process is copied, and the copy has one thread ---- */

static void before_fork(void)
{
    pthread_mutex_lock(&pool.lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&pool.lock);
}

/* The conditions still count the threads that waited in the parent, and waking them would wait for them in turn. */
static void after_fork_in_child(void)
{
    pool.work = pool.finished = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    pool.alone = pool.alone || pool.size > 0;
    pool.jobs = NULL;
    pool.size = 0;
    pthread_mutex_unlock(&pool.lock);
}

__attribute__((constructor)) static void start(void)
{
    const char *text = getenv("OMP_NUM_THREADS"); /* "4", or a list whose first number is that of the outermost level */
    long count = text ? strtol(text, NULL, 10) : 0;
    from_environment = count < 0 ? 0 : count > MOST ? MOST : (int)count;
    pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

/* Runs where the program ends, or where a plugin with libad.a in it is unloaded. A thread that comes back from its wait
 * needs the code that it waited in. */
__attribute__((destructor)) static void stop(void)
{
    pthread_mutex_lock(&pool.lock);
    pool.ending = true;
    pthread_cond_broadcast(&pool.work);
    pthread_mutex_unlock(&pool.lock);
    for (int i = 0; i < pool.size; i++)
        pthread_join(pool.thread[i], NULL);
    pool.size = 0;
}
