/* Which elements a reduction takes, and what it begins with: the options .where and .initial. The reductions are in
 * reduce.c. */
#include "ad/array.h"
#include "ad/create.h"
#include "ad/math.h"
#include "ad/shape.h"
#include "ops/ops.h"

bool ad_reduce_takes(const char *name, const ad_reduce_options *o, unsigned fields)
{
    const struct {
        unsigned field;
        const char *name;
        bool given;
    } all[] = {
        { AD_TAKES_KEEPDIMS, ".keepdims", o->keepdims }, { AD_TAKES_DTYPE, ".dtype", o->dtype != AD_NO_DTYPE }, { AD_TAKES_DDOF, ".ddof", o->ddof != 0 },
        { AD_TAKES_WHERE, ".where", o->where != NULL },  { AD_TAKES_INITIAL, ".initial", o->initial != NULL },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].given && !(fields & all[i].field))
            return AD_FAIL(AD_ERROR_VALUE, "%s: does not take %s", name, all[i].name);
    return true;
}

/* .where, broadcast to the shape of x. */
ad_array *ad_mask_of_where(const char *name, const ad_array *x, ad_array *where)
{
    ad_shape shape = ad_shape_of(x);
    if (!ad_shape_broadcasts_to(where, shape))
        return ad_set_error(AD_ERROR_SHAPE, "%s: .where of shape %s does not broadcast to shape %s", name, AD_SHAPE_TEXT(where), AD_SHAPE_TEXT(x));
    return ad_broadcast_to(ad_not_equal(where, 0), shape);
}

/* x, with `neutral` in place of the elements that .where leaves out. */
ad_array *ad_where_included(const char *name, ad_array *x, const ad_reduce_options *o, ad_array *neutral)
{
    return x ? ad_where(ad_mask_of_where(name, x, o->where), x, ad_astype(neutral, (ad_dtype)x->dtype)) : NULL;
}

/* An .initial that is looked at: whether it can be converted to an integer dtype is known when there is one. */
struct initial {
    const char *operation;
    ad_dtype dtype;
};

static bool initial_infer(const ad_node *node, ad_spec *output)
{
    *output = (ad_spec){ ((const struct initial *)ad_node_options(node))->dtype, AD_SCALAR_SHAPE };
    return true;
}

static bool refuse_initial(const struct initial *o, ad_dtype dtype)
{
    return AD_FAIL(AD_ERROR_VALUE, "%s: .initial, a number of %s, cannot be one of %s", o->operation, ad_dtype_name(dtype), ad_dtype_name(o->dtype));
}

static ad_array *initial_compose(const ad_node *node, const ad_spec *output)
{
    ad_array *x = ad_node_input(node, 0);
    ad_dtype dtype = output->dtype;
    double value = ad_item(x), lowest = dtype == AD_U8 ? 0 : dtype == AD_I32 ? INT32_MIN : -0x1p63;
    bool within = value > lowest - 1 && value < (dtype == AD_U8 ? 256 : dtype == AD_I32 ? 0x1p31 : 0x1p63);
    return within || refuse_initial(ad_node_options(node), ad_node_dtype(node, 0)) ? ad_astype(x, dtype) : NULL;
}

static const ad_field initial_fields[] = { AD_FIELD(struct initial, operation, ASIDE), AD_FIELD(struct initial, dtype, DTYPE), AD_FIELDS_END };
static const ad_primitive initial_op = {
    .name = "ad_initial",
    .infer = initial_infer,
    .compose = initial_compose,
    .constant = true,
    .options_size = sizeof(struct initial),
    .fields = initial_fields,
};
AD_OPERATION(initial_op);

/* .initial in the given dtype. */
ad_array *ad_initial_of(const char *name, const ad_reduce_options *o, ad_dtype dtype)
{
    ad_array *initial = o->initial;
    ad_dtype from = (ad_dtype)initial->dtype;
    if (initial->ndim != 0)
        return ad_set_error(AD_ERROR_SHAPE, "%s: .initial of shape %s; it should be one number", name, AD_SHAPE_TEXT(initial));
    if (ad_dtype_is_complex(from) && !ad_dtype_is_complex(dtype))
        return refuse_initial(&(struct initial){ name, dtype }, from), NULL;
    if (ad_dtype_is_inexact(dtype) || dtype == AD_BOOL || (from == AD_I64 && dtype == AD_I64))
        return ad_astype(initial, dtype);
    return ad_call_primitive(&initial_op, &initial, 1, &(struct initial){ name, dtype });
}
