/* The operation table: all records that AD_OPERATION entered, as the linker gathered them. */
#include "ops/ops.h"

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
