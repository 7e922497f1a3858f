/* How many threads a call may use, and what the library is and runs on.
 *
 * libad keeps threads for the whole process. They share large elementwise loops, copies, products of matrices and
 * stacks of products. Small ones, and everything else, run on the calling thread. Waiting threads sleep.
 *
 * The bits of a result do not depend on the number of threads. Those of products and decompositions do depend on the
 * processor, for which OpenBLAS chooses its kernels, and on the version of OpenBLAS. The threads of OpenBLAS are not
 * used: it runs on one thread for each part of a product, and for each decomposition. */
#ifndef AD_CONFIG_H
#define AD_CONFIG_H

#include <ad/base.h>

AD_BEGIN_DECLS

/** Sets how many threads calls made in this thread may use, including this thread. Other threads keep their number.
 *
 * A new thread starts with the default, as with everything that is set in libad. The default is OMP_NUM_THREADS, if
 * that was set when the library was loaded. Otherwise it is the number of cores that the thread may run on.
 *
 * @param count  1: only the calling thread; 0: the default again. More than there are cores is allowed, and slow
 * Errors: a negative number. The child of a process that has shared a loop before the fork runs everything on the
 * calling thread, whatever is set. */
AD_API void ad_set_num_threads(int count);

/** How many threads calls made in this thread may use, including this thread. */
AD_API int ad_num_threads(void);

/** Runs the parts 0 .. parts - 1 of a loop of your own, each once, on the threads that share libad's loops
 * (ad_set_num_threads), including the calling one. Returns when all parts are done.
 *
 * Parts run in any order and at the same time. Each should write to memory of its own, and no result should depend on
 * which thread runs a part. Cut a loop by its size, not by the number of threads, and make a part take some 10
 * microseconds or more. A loop within a part, libad's own or another ad_parallel_for, runs only on the part's thread,
 * its parts in order. With one thread all parts run in order on the calling thread.
 *
 * A part begins without an error and has a scope of its own. What is made there and not retained is dropped at its end.
 * A part should return, and not leave by longjmp or an exception. It should not use arrays that are being
 * differentiated: in other threads that is an error.
 *
 * @param parts    how many; 0: nothing is done
 * @param run      called with the number of the part and `context`
 * Errors: run is NULL; a negative number of parts. An error in a part, set by libad or with ad_set_error, does not stop
 * other parts. If parts fail, the error of the lowest of them is set in the calling thread after the loop, unless an
 * error was set before the loop; that one stays. Other threads keep no error. What ad_on_error asks for is done once,
 * after the loop. */
AD_API void ad_parallel_for(int64_t parts, void (*run)(int64_t part, void *context), void *context);

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
 * The instruction set is that of the elementwise loops and reductions. The threads are ad_num_threads(). Memory is
 * "checked" in a checked build, and "each block from malloc, for a memory checker" with the address sanitizer and under
 * valgrind.
 *
 * Where OpenBLAS does not know the processor and BLIS is installed, BLIS multiplies, and the last two lines say so:
 * "products: BLIS 0.9.0, kernels for zen3", "LAPACK: that of OpenBLAS 0.3.21 (OpenMP build), kernels for Prescott".
 *
 * The command ad-config prints the same.
 * @return  the text, which belongs to the thread: it is valid until the thread asks again, or ends */
AD_API const char *ad_config(void);

AD_END_DECLS

#endif
