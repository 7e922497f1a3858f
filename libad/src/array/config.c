/* What a user sets and asks about the library as a whole: the number of threads, and what it is made of. */
#include "ad/config.h"
#include "ad/version.h"
#include "array/array.h"
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

/* How arrays come by theirs. */
static const char *memory_of(const ad_context *c)
{
#ifdef AD_CHECKED
    (void)c;
    return "checked";
#else
    return c->allocator.uncached ? "each block from malloc, for a memory checker" : "cached";
#endif
}

const char *ad_config(void)
{
    ad_context *c = ad_current();
    if (c->id == AD_NO_THREAD)
        return "version: " AD_VERSION "\n"; /* there is no room for more */
    snprintf(c->config, sizeof c->config,
             "version: %s\n"
             "compiler: %s\n"
             "instruction set: %s\n"
             "threads: %d\n"
             "memory: %s\n"
             "products: %s, kernels for %s\n"
             "LAPACK: that of OpenBLAS\n",
             ad_version(), COMPILER, c->loops->instruction_set, ad_num_threads(), memory_of(c), ad_openblas_build(), ad_openblas_kernels());
    return c->config;
}
