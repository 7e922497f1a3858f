/* OpenBLAS is kept to the thread that calls it; and which OpenBLAS it is.
 *
 * Its own threads wait by spinning, hang after a fork, and cut a product by their number, on which the bits then
 * depend. So libad shares large products itself (matmul.c) and holds OpenBLAS to one thread for the time of each call.
 *
 * A build with OpenMP asks OpenMP for the number of threads, which is a setting of the calling thread. It is put back
 * after the call, and nobody else sees it. A build with threads of its own has one number for the process. The first
 * call sets it to 1, and it stays so: other callers of such a build lose its threads. */
#ifdef __linux__
#define _GNU_SOURCE /* RTLD_DEFAULT */
#endif
#include "kernels/kernels.h"
#include <cblas.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* Written when the library is loaded: each call of openblas_get_config makes its text anew, in one place for all
 * threads. */
static char build[80];

/* The number of threads, that of the caller or that of the process. */
static int (*get_threads)(void) = openblas_get_num_threads;
static void (*set_threads)(int) = openblas_set_num_threads;
static bool for_the_process = true;

int ad_openblas_hold(void)
{
    int threads = get_threads();
    if (threads != 1)
        set_threads(1);
    return threads;
}

void ad_openblas_release(int threads)
{
    if (threads != 1 && !for_the_process)
        set_threads(threads);
}

const char *ad_openblas_build(void)
{
    return build;
}

const char *ad_openblas_kernels(void)
{
    return openblas_get_corename();
}

/* "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ...": takes the first two words. */
static void note_build(const char *kind)
{
    char name[32] = "OpenBLAS", version[32] = "";
    sscanf(openblas_get_config(), "%31s %31s", name, version);
    snprintf(build, sizeof build, "%s %s (%s)", name, version, kind);
}

static void use_setting_of_caller(void)
{
    void *get = dlsym(RTLD_DEFAULT, "omp_get_max_threads"), *set = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
    if (!get || !set)
        return;
    memcpy(&get_threads, &get, sizeof get);
    memcpy(&set_threads, &set, sizeof set);
    for_the_process = false;
}

__attribute__((constructor)) static void start(void)
{
    int parallel = openblas_get_parallel();
    note_build(parallel == OPENBLAS_OPENMP ? "OpenMP build" : parallel == OPENBLAS_THREAD ? "build with threads of its own" : "build without threads");
    if (parallel == OPENBLAS_OPENMP)
        use_setting_of_caller();
}
