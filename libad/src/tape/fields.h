/* Options of calls: how they outlast a call, are compared and written. The table of a primitive's fields says it all;
 * fields.c. */
#ifndef AD_FIELDS_INTERNAL_H
#define AD_FIELDS_INTERNAL_H

#include "ad/primitive.h"
#include "array/scope.h"

/* A copy of options for somebody who outlasts the call. Where the primitive says how many bytes they have, they are
 * copied, to `place` itself if they fit there. Otherwise the pointer is kept. for_rules: nobody but rules will read it.
 * False, an error, and nothing to drop. */
bool ad_options_copy(ad_context *c, const ad_primitive *op, const void *options, bool for_rules, const void **place);
void ad_options_drop(ad_context *c, const ad_primitive *op, const void **place);

static inline const void *ad_options_at(const ad_primitive *op, const void *const *place)
{
    return op->options_size && op->options_size <= sizeof *place ? place : *place;
}

/* Whether a copy of the options holds more than its own bytes. */
static inline bool ad_options_refer(const ad_primitive *op)
{
    for (const ad_field *f = op->fields; f && f->name; f++)
        if (f->kind >= AD_FIELD_SHAPE)
            return true;
    return false;
}

/* ".axis = 0, .keepdims = true", with a comma in front where something stands before it. */
void ad_options_write(const ad_primitive *op, const void *options, FILE *out, bool comma);

/* As C: 3, INT64_MIN; 0.5 with as few digits as give the number back, 1.0, NAN, INFINITY. */
void ad_integer_write(int64_t value, FILE *out);
void ad_real_write(double value, FILE *out);
const char *ad_dtype_text(ad_dtype dtype); /* "AD_F64" */
void ad_shape_write(const ad_shape *shape, FILE *out); /* "AD_SHAPE(3, 2)" */

#endif
