/* The operation table: all records that AD_OPERATION entered, as the linker gathered them. */
#include "ad/ad.h"
#include "ops/ops.h"

/* From a static library the linker takes those files only that something calls. The table calls for every file with operations, by one function of
 * it; tests/ci/install.sh finds one that is missing here. */
typedef void function(void);
static function *const of_each_file[] __attribute__((used)) = {
    (function *)ad_add,            /* math/arithmetic.c */
    (function *)ad_zeros,          /* create/create.c */
    (function *)ad_exp,            /* math/elementwise.c */
    (function *)ad_fft_fft,        /* fft/fft.c */
    (function *)ad_take,           /* index/gather.c */
    (function *)ad_stack,          /* shape/join.c */
    (function *)ad_name,           /* name.c */
    (function *)ad_linalg_toeplitz, /* linalg/blocks.c */
    (function *)ad_linalg_cholesky, /* linalg/cholesky.c */
    (function *)ad_linalg_det,     /* linalg/determinant.c */
    (function *)ad_linalg_eigh,    /* linalg/eigh.c */
    (function *)ad_linalg_norm,    /* linalg/norm.c */
    (function *)ad_linalg_expm,    /* linalg/power.c */
    (function *)ad_linalg_outer,   /* linalg/products.c */
    (function *)ad_linalg_qr,      /* linalg/qr.c */
    (function *)ad_linalg_inv,     /* linalg/solve.c, linalg/stack.c */
    (function *)ad_linalg_svdvals, /* linalg/svd.c */
    (function *)ad_cross,          /* product/cross.c */
    (function *)ad_matmul,         /* product/product.c */
    (function *)ad_sum,            /* reduce/reduce.c */
    (function *)ad_slice_axis,     /* index/region.c */
    (function *)ad_cumsum,         /* reduce/scan.c */
    (function *)ad_reshape,        /* shape/shape.c */
    (function *)ad_sort,           /* sort/sort.c */
    (function *)ad_softmax,        /* special/special.c */
};

int ad_operation_count(void)
{
    return (int)(ad_table_end - ad_table_start);
}

const ad_primitive *ad_operation(int i)
{
    return i >= 0 && i < ad_operation_count() ? ad_table_start[i] : NULL;
}
