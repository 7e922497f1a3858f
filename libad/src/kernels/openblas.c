/* OpenBLAS keeps to the thread that calls it.
 *
 * Its own threads wait by spinning, hang after a fork, and cut a product by their number, on which the bits then depend. So libad shares large products
 * itself (matmul.c) and holds OpenBLAS to one thread for the time of each call. A build with OpenMP asks that for the number, which is a setting
 * of the calling thread: it is put back after the call, and nobody else sees it. A build with threads of its own has a number for the process only. That
 * is set to 1 by the first call, and stays: other callers of such a build lose its threads. */
#ifdef __linux__
#define _GNU_SOURCE /* RTLD_DEFAULT */
#endif
#include "kernels/kernels.h"
#include <cblas.h>
#include <dlfcn.h>
#include <string.h>

static int (*threads_of_caller)(void);
static void (*set_threads_of_caller)(int);
static bool for_the_process;

int ad_openblas_hold(void)
{
    int threads = threads_of_caller();
    if (threads != 1)
        set_threads_of_caller(1);
    return threads;
}

void ad_openblas_release(int threads)
{
    if (threads != 1 && !for_the_process)
        set_threads_of_caller(threads);
}

__attribute__((constructor)) static void start(void)
{
    void *get = dlsym(RTLD_DEFAULT, "omp_get_max_threads"), *set = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
    for_the_process = openblas_get_parallel() != OPENBLAS_OPENMP || !get || !set;
    threads_of_caller = openblas_get_num_threads;
    set_threads_of_caller = openblas_set_num_threads;
    if (!for_the_process) {
        memcpy(&threads_of_caller, &get, sizeof get);
        memcpy(&set_threads_of_caller, &set, sizeof set);
    }
}
