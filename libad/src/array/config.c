/* What a user sets and asks about the library as a whole: the number of threads, and what the library is made of. */
#include "ad/config.h"
#include "ad/version.h"
#include "array/error.h"
#include "kernels/kernels.h"
#include <stdio.h>

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

void ad_set_num_threads(int count)
{
    if (count < 0)
        ad_set_error(AD_ERROR_VALUE, "ad_set_num_threads: %d threads; there should be 1 or more, or 0 for the default", count);
    else
        ad_threads_choose(count);
}

int ad_num_threads(void)
{
    return ad_threads();
}

/* Where arrays get their memory from. */
static const char *memory_text(const ad_context *c)
{
#ifdef AD_CHECKED
    (void)c;
    return "checked";
#else
    return c->allocator.uncached ? "each block from malloc, for a memory checker" : "cached";
#endif
}

/* Which library multiplies matrices, and whose LAPACK is used. */
static void describe_algebra(char *text, size_t room)
{
    const char *openblas = ad_openblas_build(), *openblas_kernels = ad_openblas_kernels(), *blis = ad_blis_build();
    if (!blis)
        snprintf(text, room, "products: %s, kernels for %s\nLAPACK: that of OpenBLAS\n", openblas, openblas_kernels);
    else
        snprintf(text, room, "products: %s, kernels for %s\nLAPACK: that of %s, kernels for %s\n", blis, ad_blis_kernels(), openblas, openblas_kernels);
}

const char *ad_config(void)
{
    ad_context *c = ad_current();
    if (c->id == AD_NO_THREAD)
        return "version: " AD_VERSION "\n"; /* there is no room for more */
    int length = snprintf(c->config, sizeof c->config,
                          "version: %s\n"
                          "compiler: %s\n"
                          "instruction set: %s\n"
                          "threads: %d\n"
                          "memory: %s\n",
                          ad_version(), COMPILER, c->loops->instruction_set, ad_num_threads(), memory_text(c));
    if (length > 0 && (size_t)length < sizeof c->config)
        describe_algebra(c->config + length, sizeof c->config - (size_t)length);
    return c->config;
}
