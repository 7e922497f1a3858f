/* The operation table: all records that AD_OPERATION entered, as the linker gathered them. */
#include "ad/ad.h"
#include "ops/ops.h"

/* From a static library the linker takes only those files that something calls. So the table refers to every file with
 * operations, through all public functions that make arrays. */
typedef void function(void);
#define FUNCTION(name) (function *)(name),
static function *const every_function[] __attribute__((used)) = {
#include "ops/functions.inc"
};

int ad_operation_count(void)
{
    return (int)(ad_table_end - ad_table_start);
}

const ad_primitive *ad_operation(int i)
{
    return i >= 0 && i < ad_operation_count() ? ad_table_start[i] : NULL;
}
