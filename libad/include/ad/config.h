/* How many threads a call may use, and what the library is and runs on.
 *
 * Large elementwise loops, copies, products of matrices and stacks of products are shared with threads that libad keeps for the whole process; small
 * ones, and everything else, run on the thread that calls. Waiting threads sleep. The bits of a result do not depend on the number of threads; those of
 * products and decompositions do depend on the processor, for which OpenBLAS chooses its kernels, and on its version. Its own threads are not used: it
 * runs on one thread for each part of a product, and for each decomposition. */
#ifndef AD_CONFIG_H
#define AD_CONFIG_H

#include <ad/base.h>

AD_BEGIN_DECLS

/** Sets how many threads calls that are made in this thread may use, itself included; other threads keep their number. As with everything that is set
 * in libad, a new thread starts with the default: OMP_NUM_THREADS, if that was set when the library was loaded, else the number of cores that
 * the thread may run on.
 *
 * @param count  1: the calling thread alone; 0: the default again; more than there are cores is allowed, and slow
 * Errors: a negative number.
 * The child of a process that has shared a loop before the fork runs everything on the thread that calls, whatever is set. */
AD_API void ad_set_num_threads(int count);

/** How many threads calls that are made in this thread may use, itself included. */
AD_API int ad_num_threads(void);

/** What the library is and what it runs on here, one fact a line, for reports and beside measurements:
 *
 *     version: 0.1.0
 *     compiler: gcc 12.2.0
 *     instruction set: avx512
 *     threads: 2
 *     memory: cached
 *     products: OpenBLAS 0.3.21 (OpenMP build), kernels for SkylakeX
 *     LAPACK: that of OpenBLAS
 *
 * Memory is "checked" in a checked build, and "each block from malloc, for a memory checker" with the address sanitizer and under valgrind. The instruction set is that of the elementwise loops and reductions, the threads are ad_num_threads(). The command ad-config prints the same.
 * @return the text, which is the thread's: it is good until the thread asks again, or ends */
AD_API const char *ad_config(void);

AD_END_DECLS

#endif
