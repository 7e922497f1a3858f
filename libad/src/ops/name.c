/* Names of values: an operation that changes nothing but the name. */
#include "ad/inspect.h"
#include "ops/ops.h"
#include <string.h>

struct name {
    char text[AD_NAME_BYTES];
};

static ad_array *name_view(const ad_node *node, const ad_spec *output)
{
    (void)output;
    return ad_array_named(ad_current(), ad_node_input(node, 0), ((const struct name *)ad_node_options(node))->text);
}

static ad_array *name_vjp(const ad_node *node, int operand, ad_array *g)
{
    (void)node, (void)operand;
    return g;
}

static ad_array *name_jvp(const ad_node *node, int operand, ad_array *t)
{
    (void)node, (void)operand;
    return t;
}

static const ad_field name_fields[] = { AD_FIELD_UNNAMED(struct name, text, TEXT), AD_FIELDS_END };

/* A tangent of it has no name. */
static const ad_primitive name_op = {
    .name = "ad_name",
    .infer = ad_same_infer,
    .view = name_view,
    .vjp = name_vjp,
    .jvp = name_jvp,
    .linear = AD_LINEAR,
    .options_size = sizeof(struct name),
    .fields = name_fields,
};
AD_OPERATION(name_op);

/* How many bytes of a text count where there is room for so many: none of a character of UTF-8 that is not whole. */
static size_t prefix_of(const char *text, size_t room)
{
    enum { MOST_FURTHER = 3 };
    size_t length = strnlen(text, room + 1), whole = room;
    if (length <= room)
        return length;
    while (room - whole < MOST_FURTHER && whole && ((unsigned char)text[whole] & 0xc0) == 0x80)
        whole--;
    return ((unsigned char)text[whole] & 0xc0) == 0x80 ? room : whole;
}

ad_array *(ad_name)(ad_array *x, const char *name)
{
    struct name options = { { 0 } };
    if (!ad_given(x, "ad_name", "array") || !ad_given(name, "ad_name", "name"))
        return NULL;
    memcpy(options.text, name, prefix_of(name, sizeof options.text - 1));
    return ad_call_primitive(&name_op, &x, 1, &options);
}
