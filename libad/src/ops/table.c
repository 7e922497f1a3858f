/* The operation table: all records that AD_OPERATION entered, as the linker gathered them. */
#include "ad/ad.h"
#include "ops/ops.h"

/* From a static library the linker takes those files only that something calls. The table calls for every file with operations, by one function of
 * it; tests/ci/install.sh finds one that is missing here. */
typedef void function(void);
static function *const of_each_file[] __attribute__((used)) = {
    (function *)ad_add,            /* arithmetic.c */
    (function *)ad_zeros,          /* create.c */
    (function *)ad_exp,            /* elementwise.c */
    (function *)ad_take,           /* gather.c */
    (function *)ad_stack,          /* join.c */
    (function *)ad_name,           /* name.c */
    (function *)ad_linalg_norm,    /* norm.c */
    (function *)ad_matmul,         /* product.c */
    (function *)ad_sum,            /* reduce.c */
    (function *)ad_slice_axis,     /* region.c */
    (function *)ad_cumsum,         /* scan.c */
    (function *)ad_reshape,        /* shape.c */
    (function *)ad_sort,           /* sort.c */
    (function *)ad_softmax,        /* special.c */
    (function *)ad_linalg_svdvals, /* svd.c */
};

#ifdef __APPLE__
extern const ad_primitive *const table_start[] __asm("section$start$__DATA$ad_operations");
extern const ad_primitive *const table_end[] __asm("section$end$__DATA$ad_operations");
#else
extern const ad_primitive *const __start_ad_operations[] __attribute__((visibility("hidden")));
extern const ad_primitive *const __stop_ad_operations[] __attribute__((visibility("hidden")));
#define table_start __start_ad_operations
#define table_end   __stop_ad_operations
#endif

int ad_operation_count(void)
{
    return (int)(table_end - table_start);
}

const ad_primitive *ad_operation(int i)
{
    return i >= 0 && i < ad_operation_count() ? table_start[i] : NULL;
}
