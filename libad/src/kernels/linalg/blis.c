/* BLIS in place of OpenBLAS, for products on a processor that OpenBLAS does not know.
 *
 * An OpenBLAS that is older than the processor may take it for a much older one. Its products then use a quarter of the
 * processor. If its kernels use narrower vectors than the processor has, BLIS is searched for, and multiplies if its
 * kernels use wider ones. LAPACK stays OpenBLAS's.
 *
 * BLIS is loaded at run time, where it is of use, and not linked: it has all of BLAS's names too, which must not come
 * before those of OpenBLAS or of a program. For the same reason its own interface is called, whose names nobody else
 * has. It stays on the calling thread, as OpenBLAS does: matmul.c shares products. */
#include "kernels/kernels.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* As in versions 0.9 and 1.0 of blis.h, with its types written out. trans_t and conj_t are enumerations in which 0
 * means neither. dim_t and inc_t have 64 bits. Strides are in items, rows first. */
typedef void gemm_function(unsigned transpose_a, unsigned transpose_b, int64_t m, int64_t n, int64_t k, const void *alpha, const void *a, int64_t a_rows,
                           int64_t a_columns, const void *b, int64_t b_rows, int64_t b_columns, const void *beta, void *c, int64_t c_rows, int64_t c_columns);
typedef void gemv_function(unsigned transpose_a, unsigned conjugate_x, int64_t m, int64_t n, const void *alpha, const void *a, int64_t a_rows,
                           int64_t a_columns, const void *x, int64_t x_step, const void *beta, void *y, int64_t y_step);

/* For each dtype that BLAS knows, in the order of ad_dtype. */
static gemm_function *gemm[AD_C64 + 1];
static gemv_function *gemv[AD_C64 + 1];

static char build[32], kernels[32]; /* "" if it is not loaded */
static bool chosen;
static _Atomic int calls; /* calls of all threads that run now */

/* ---- which of the two ---- */

/* How much of an x86-64 processor kernels use, by the processors that OpenBLAS, BLIS and dispatch.c name them after: 3
 * for vectors of 512 bits, 2 for 256 bits with fused multiplication and addition, 1 for 256 bits without, 0 for
 * narrower ones. */
static int width_of(const char *name)
{
    static const char *const names[][12] = {
        { NULL },
        { "Sandybridge", "Bulldozer", NULL },
        { "avx2", "Haswell", "Zen", "Zen2", "Zen3", "Piledriver", "Steamroller", "Excavator", NULL },
        { "avx512", "SkylakeX", "Cooperlake", "SapphireRapids", "skx", "knl", NULL },
    };
    for (int width = 3; width > 0; width--)
        for (int i = 0; names[width][i]; i++)
            if (strcasecmp(names[width][i], name) == 0)
                return width;
    return 0;
}

/* Writes a function's address to `place`. False if the library has no such name. */
static bool find(void *library, const char *name, void *place)
{
    void *address = dlsym(library, name);
    memcpy(place, &address, sizeof address);
    return address;
}

static bool find_products(void *library)
{
    static const char letters[] = { [AD_F64] = 'd', [AD_F32] = 's', [AD_C128] = 'z', [AD_C64] = 'c' };
    bool found = true;
    for (int dtype = 0; dtype <= AD_C64; dtype++) {
        char name[] = "bli_xgemm";
        name[4] = letters[dtype];
        found = found && find(library, name, &gemm[dtype]);
        name[8] = 'v';
        found = found && find(library, name, &gemv[dtype]);
    }
    return found;
}

/* The 4 in the name is the version of the interface. Debian also has a BLIS whose BLAS counts in 64 bits. Its own
 * interface is the same. */
static bool load(void)
{
    int64_t (*bits_of_integers)(void);
    void (*set_threads)(int64_t count);
    const char *(*version)(void), *(*name_of)(unsigned architecture);
    unsigned (*architecture)(void);
    void *library = dlopen("libblis.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!library)
        library = dlopen("libblis64.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return false;
    if (!find_products(library) || !find(library, "bli_info_get_int_type_size", &bits_of_integers) || !find(library, "bli_info_get_version_str", &version) ||
        !find(library, "bli_arch_query_id", &architecture) || !find(library, "bli_arch_string", &name_of) ||
        !find(library, "bli_thread_set_num_threads", &set_threads) || bits_of_integers() != 64) {
        dlclose(library);
        return false;
    }
    set_threads(1);
    snprintf(kernels, sizeof kernels, "%s", name_of(architecture()));
    snprintf(build, sizeof build, "BLIS %s", version());
    return true;
}

void ad_blis_choose(const char *openblas_kernels)
{
    int width = width_of(openblas_kernels);
    chosen = width < width_of(ad_loops_for_this_cpu()->instruction_set) && (*build || load()) && width < width_of(kernels);
}

/* BLIS locks its memory for moments. A lock that another thread held while the process was copied stays locked. So
 * OpenBLAS multiplies in the copy. */
static void after_fork_in_child(void)
{
    if (calls)
        chosen = false;
}

__attribute__((constructor)) static void start(void)
{
    pthread_atfork(NULL, NULL, after_fork_in_child);
    ad_blis_choose(ad_openblas_kernels());
}

const char *ad_blis_build(void)
{
    return chosen ? build : NULL;
}

const char *ad_blis_kernels(void)
{
    return kernels;
}

/* ---- products ---- */

/* A call of BLIS costs more than one of OpenBLAS, most for complex matrices and small k. Below these sizes OpenBLAS's
 * narrow kernels are faster. */
bool ad_blis_takes(ad_dtype dtype, int64_t m, int64_t n, int64_t k)
{
    bool complex_matrices = ad_dtype_is_complex(dtype) && m > 1 && n > 1;
    double work = (double)m * (double)n * (double)k;
    return chosen && (complex_matrices ? work >= 16384 && k >= 16 : work >= 2048);
}

void ad_blis_multiply(ad_dtype dtype, int64_t m, int64_t n, int64_t k, struct ad_matrix a, struct ad_matrix b, void *c, int64_t width)
{
    static const double one_f64[2] = { 1, 0 }, zero_f64[2];
    static const float one_f32[2] = { 1, 0 }, zero_f32[2];
    bool is_double = dtype == AD_F64 || dtype == AD_C128;
    const void *one = is_double ? (const void *)one_f64 : one_f32, *zero = is_double ? (const void *)zero_f64 : zero_f32;
    int64_t item = ad_item_size(dtype);
    int64_t a_rows = a.row_stride / item, a_columns = a.column_stride / item, b_rows = b.row_stride / item, b_columns = b.column_stride / item;
    calls++;
    if (n == 1)
        gemv[dtype](0, 0, m, k, one, a.data, a_rows, a_columns, b.data, b_rows, zero, c, width);
    else if (m == 1)
        gemv[dtype](0, 0, n, k, one, b.data, b_columns, b_rows, a.data, a_columns, zero, c, 1);
    else
        gemm[dtype](0, 0, m, n, k, one, a.data, a_rows, a_columns, b.data, b_rows, b_columns, zero, c, width, 1);
    calls--;
}
