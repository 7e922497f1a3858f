/* AD_DEBUG_NAN: the first operation that makes a NaN or an infinity of finite operands fails.
 *
 * Calls that are part of another one's value are not looked at: log-sum-exp may go through an infinity that nobody
 * sees. Nor are those of no elements at all, whose value is by definition, nor those that were given an infinity as an
 * option. */
#include "ad/create.h"
#include "ad/index.h"
#include "ad/math.h"
#include "ad/reduce.h"
#include "ad/shape.h"
#include "ad/sort.h"
#include "tape/tape.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static bool is_finite(const ad_array *x)
{
    return !x || !ad_dtype_is_inexact((ad_dtype)x->dtype) || x->flags & AD_ABSTRACT || !x->size || ad_item(ad_all(ad_isfinite((ad_array *)(uintptr_t)x))) != 0;
}

/* "-inf at (2,0)": the first element in C order that is not finite. */
static void describe(const ad_array *x, char *text, size_t room)
{
    ad_array *flat = ad_ravel((ad_array *)(uintptr_t)x);
    int64_t at = ad_item_int(ad_argmin(ad_isfinite(flat))), place[AD_MAX_NDIM], rest = at;
    char *value = ad_tostring(ad_at(flat, "%lld", (long long)at));
    for (int i = x->ndim - 1; i >= 0; i--) {
        place[i] = rest % ad_dims(x)[i];
        rest /= ad_dims(x)[i];
    }
    snprintf(text, room, x->ndim ? "%s at %s" : "%s", value ? value : "NaN or infinity",
             ad_shape_text((ad_shape_buffer){ { 0 } }.text, sizeof(ad_shape_buffer), x->ndim, place));
    free(value);
}

/* "x, float64 (3,)" for each operand. */
static void list_operands(const ad_call_event *event, char *text, size_t room)
{
    size_t used = 0;
    for (int i = 0; i < event->inputs_count && used < room; i++) {
        const ad_array *x = event->inputs[i];
        const char *name = ad_name_of(x);
        int more = snprintf(text + used, room - used, "%s%s%s%s %s", i ? "; " : "", name ? name : "", name ? ", " : "", ad_dtype_name((ad_dtype)x->dtype),
                            AD_SHAPE_TEXT(x));
        used += more > 0 ? (size_t)more : 0;
    }
}

/* Whether operands and options are finite, and there is an element among them. */
static bool made_of_finite(const ad_call_event *event)
{
    const ad_primitive *op = event->operation;
    bool any = event->inputs_count == 0;
    for (int i = 0; i < event->inputs_count; i++) {
        if (!is_finite(event->inputs[i]))
            return false;
        any |= event->inputs[i] && event->inputs[i]->size;
    }
    for (const ad_field *f = op->fields; f && f->name && event->options; f++)
        if (f->kind == AD_FIELD_REAL && !isfinite(*(const double *)((const char *)event->options + f->offset)))
            return false;
    return any;
}

bool ad_refuse_not_finite(const ad_call_event *event, void *context)
{
    static const char *const phases[] = { "value", "reverse rule", "tangent" };
    (void)context;
    const ad_array *wrong = NULL;
    if (event->depth)
        return true;
    for (int k = 0; k < event->outputs_count && !wrong; k++)
        wrong = is_finite(event->outputs[k]) ? NULL : event->outputs[k];
    if (!wrong || !made_of_finite(event))
        return true;
    char value[128], operands[256], rule[64] = "";
    describe(wrong, value, sizeof value);
    list_operands(event, operands, sizeof operands);
    if (event->rule_of)
        snprintf(rule, sizeof rule, " of %s", event->rule_of->name);
    return AD_FAIL(AD_ERROR_NUMERIC, "%s: gives %s of finite operands (%s), in the %s%s", event->operation->name, value, operands, phases[event->phase], rule);
}
