/* Calls by name: operands and options become the C values that the function's prototype asks for, and libffi makes the
 * call.
 *
 * The prototypes and the fields of options are data (table.c), so this file knows no function. */
#include "bindings/bindings.h"
#include <ffi.h>
#include <stdalign.h>
#include <string.h>

/* The most parameters that a function of the public headers has, and the most bytes of the structs that it takes. */
enum { MOST_PARAMETERS = 12, MOST_BYTES = 4096, MOST_WORDS = MOST_BYTES / 4 };

/* The largest struct, in bytes, that may be passed in registers. */
enum { SMALL = 16 };

union slot {
    void *p;
    int i;
    int64_t l;
    double d;
    bool b;
};

struct call {
    const char *name; /* as the caller wrote it */
    const ad_prototype *prototype;
    union slot slots[MOST_PARAMETERS];
    void *at[MOST_PARAMETERS]; /* of the C values: `slots`, or structs in `bytes` */
    ffi_type *types[MOST_PARAMETERS], structs[MOST_PARAMETERS];
    ffi_type *small[SMALL + 2], *words[MOST_WORDS + 1], *halves[MOST_WORDS + 1]; /* elements of structs */
    int count;
    struct ad_scratch list; /* for a list */
    size_t used;
    alignas(16) char bytes[MOST_BYTES]; /* for structs */
};

/* ---- C types for libffi ---- */

static size_t size_of(ad_type type)
{
    switch (type) {
    case AD_TYPE_KEY: return sizeof(ad_key);
    case AD_TYPE_COMPLEX: return sizeof(ad_complex);
    case AD_TYPE_SHAPE: return sizeof(ad_shape);
    case AD_TYPE_AXES: return sizeof(ad_axes);
    case AD_TYPE_WIDTHS: return sizeof(ad_widths);
    case AD_TYPE_INDICES: return sizeof(ad_index_list);
    case AD_TYPE_TAGGED: return sizeof(ad_tagged);
    default: return 0;
    }
}

/* The type of a field of a small struct. The types of its fields, and of the int (ad_unused_) at its end, decide in
 * which registers it is passed. */
static ffi_type *small_field(ad_type type)
{
    switch (type) {
    case AD_TYPE_REAL: return &ffi_type_double;
    case AD_TYPE_INT: return &ffi_type_sint;
    case AD_TYPE_DTYPE: return &ffi_type_uint;
    case AD_TYPE_BOOL: return &ffi_type_uint8;
    case AD_TYPE_INT64: return &ffi_type_sint64;
    case AD_TYPE_UINT64: return &ffi_type_uint64;
    default: return &ffi_type_pointer;
    }
}

/* A larger struct is passed in memory, whatever it contains. It is described as words of its alignment. */
static ffi_type *large_struct(struct call *call, ffi_type *type, size_t size, size_t align)
{
    ffi_type **all = align == 8 ? call->words : call->halves, **elements = all + (MOST_WORDS - size / align);
    for (size_t i = 0; i < size / align; i++)
        elements[i] = align == 8 ? &ffi_type_uint64 : &ffi_type_uint32;
    all[MOST_WORDS] = NULL;
    *type = (ffi_type){ .size = size, .alignment = (unsigned short)align, .type = FFI_TYPE_STRUCT, .elements = elements };
    return type;
}

static ffi_type *type_of(struct call *call, ffi_type *own, ad_type type)
{
    static ffi_type *key[] = { &ffi_type_uint64, &ffi_type_uint64, NULL }, *complex_number[] = { &ffi_type_double, &ffi_type_double, NULL };
    switch (type) {
    case AD_TYPE_VOID: return &ffi_type_void;
    case AD_TYPE_INT: return &ffi_type_sint;
    case AD_TYPE_DTYPE: return &ffi_type_uint;
    case AD_TYPE_BOOL: return &ffi_type_uint8;
    case AD_TYPE_INT64: return &ffi_type_sint64;
    case AD_TYPE_UINT64: return &ffi_type_uint64;
    case AD_TYPE_REAL: return &ffi_type_double;
    case AD_TYPE_KEY: *own = (ffi_type){ .size = sizeof(ad_key), .alignment = 8, .type = FFI_TYPE_STRUCT, .elements = key }; return own;
    case AD_TYPE_COMPLEX: *own = (ffi_type){ .size = 16, .alignment = 8, .type = FFI_TYPE_STRUCT, .elements = complex_number }; return own;
    case AD_TYPE_AXES: return large_struct(call, own, sizeof(ad_axes), alignof(ad_axes));
    case AD_TYPE_SHAPE:
    case AD_TYPE_WIDTHS:
    case AD_TYPE_INDICES:
    case AD_TYPE_TAGGED: return large_struct(call, own, size_of(type), 8);
    default: return &ffi_type_pointer;
    }
}

static ffi_type *options_type(struct call *call, ffi_type *own)
{
    const ad_prototype *p = call->prototype;
    int count = p->option_count;
    if (p->options_size > SMALL || count > SMALL)
        return large_struct(call, own, p->options_size, p->options_align);
    for (int i = 0; i < count; i++)
        call->small[i] = small_field(p->options[i].type);
    call->small[count] = &ffi_type_sint;
    call->small[count + 1] = NULL;
    *own = (ffi_type){ .size = p->options_size, .alignment = (unsigned short)p->options_align, .type = FFI_TYPE_STRUCT, .elements = call->small };
    return own;
}

/* ---- operands ---- */

/* Takes room for the next value. */
static void *place_for(struct call *call, size_t size)
{
    int k = call->count;
    if (size) {
        call->at[k] = call->bytes + call->used;
        call->used += (size + 15) & ~(size_t)15;
    } else {
        call->at[k] = &call->slots[k];
    }
    call->count++;
    return call->at[k];
}

static bool is_list(ad_type type)
{
    return type >= AD_TYPE_ARRAYS && type <= AD_TYPE_VALUES;
}

/* The number of operands that the parameters take: a list and its count are one. */
static int operands_wanted(const ad_prototype *p)
{
    int wanted = p->parameter_count;
    for (int i = 0; i < p->parameter_count; i++)
        wanted -= is_list(p->parameters[i].type);
    return wanted;
}

static const ad_tagged *named(const char *name, const ad_named *options, int count)
{
    for (int i = 0; i < count; i++)
        if (options[i].name && strcmp(options[i].name, name) == 0)
            return &options[i].value;
    return NULL;
}

static bool put_list(struct call *call, const struct ad_place *place, ad_type type, const ad_tagged *values, int count)
{
    void *at = place_for(call, 0);
    *(int *)place_for(call, 0) = count;
    call->types[call->count - 2] = &ffi_type_pointer;
    call->types[call->count - 1] = &ffi_type_sint;
    return ad_tagged_put_list(place, type, values, count, &call->list, at);
}

/* Sets one parameter from its operand, or from the list that stands for it. */
static bool put_operand(struct call *call, int parameter, const struct ad_place *place, const ad_tagged *operand)
{
    ad_type type = call->prototype->parameters[parameter].type;
    ffi_type *own = &call->structs[call->count];
    if (is_list(type) && operand->kind == AD_KIND_LIST)
        return put_list(call, place, type, operand->list, operand->count);
    if (is_list(type))
        return put_list(call, place, type, operand, 1);
    call->types[call->count] = type_of(call, own, type);
    return ad_tagged_put(place, type, operand, place_for(call, size_of(type)));
}

static bool put_operands(struct call *call, const ad_tagged *operands, int count, const ad_named *options, int option_count)
{
    const ad_prototype *p = call->prototype;
    int k = 0, wanted = operands_wanted(p);
    for (int i = 0; i < p->parameter_count; i++, k++) {
        ad_type type = p->parameters[i].type;
        const struct ad_place place = { call->name, "operand", k, p->parameters[i].name };
        bool rest = is_list(type) && k == wanted - 1 && !(count - k == 1 && operands[k].kind == AD_KIND_LIST);
        const ad_tagged *operand = k < count ? &operands[k] : named(p->parameters[i].name, options, option_count);
        if (rest && (k < count || !operand)) {
            if (!put_list(call, &place, type, operands + (k < count ? k : 0), k < count ? count - k : 0))
                return false;
            k = count > k ? count - 1 : k;
        } else if (!operand) {
            return AD_FAIL(AD_ERROR_VALUE, "%s: operand %d, %s, is missing: %s", call->name, k, p->parameters[i].name, p->text);
        } else if (!put_operand(call, i, &place, operand)) {
            return false;
        }
        i += is_list(type);
    }
    return k >= count || AD_FAIL(AD_ERROR_VALUE, "%s: %d operands where there are %d: %s%s", call->name, count, wanted, p->text,
                                 p->option_count ? "; options have names" : "");
}

/* ---- options ---- */

static const ad_option *option_of(const ad_prototype *p, const char *name)
{
    for (int i = 0; i < p->option_count; i++)
        if (strcmp(p->options[i].name, name) == 0)
            return &p->options[i];
    return NULL;
}

/* The number of the operand with this name, a list and its count being one; -1: there is none. */
static int operand_of(const ad_prototype *p, const char *name)
{
    for (int i = 0, k = 0; i < p->parameter_count; i += 1 + is_list(p->parameters[i].type), k++)
        if (p->parameters[i].name && strcmp(p->parameters[i].name, name) == 0)
            return k;
    return -1;
}

static bool no_such_option(const struct call *call, const char *name)
{
    const ad_prototype *p = call->prototype;
    char known[400] = "";
    for (int i = 0; i < p->option_count && strlen(known) + strlen(p->options[i].name) + 3 < sizeof known; i++) {
        strcat(known, i ? ", " : "; there are ");
        strcat(known, p->options[i].name);
    }
    return AD_FAIL(AD_ERROR_VALUE, "%s: there is no option %.60s%s", call->name, name, p->option_count ? known : ", nor any other");
}

/* Several integers for one axis are the option axes. */
static const ad_option *option_for(const ad_prototype *p, const char *name, const ad_tagged *value)
{
    const ad_option *option = option_of(p, name), *axes = option_of(p, "axes");
    return option && axes && value->kind == AD_KIND_INTEGERS && strcmp(name, "axis") == 0 ? axes : option;
}

/* AD_KIND_NONE becomes what C programs write for "not given". */
static bool put_option(const struct call *call, const ad_option *option, const ad_tagged *value, char *at)
{
    static const ad_tagged no_axis = { .kind = AD_KIND_INTEGER, .integer = AD_NO_AXIS };
    const struct ad_place place = { call->name, "option", -1, option->name };
    if (option->type == AD_TYPE_OTHER)
        return AD_FAIL(AD_ERROR_VALUE, "%s: option %s cannot be set by name", call->name, option->name);
    if (value->kind == AD_KIND_NONE && option->type == AD_TYPE_INT && strcmp(option->name, "axis") == 0)
        return ad_tagged_put(&place, option->type, &no_axis, at + option->offset);
    if (value->kind == AD_KIND_NONE && option->type >= AD_TYPE_BOOL && option->type <= AD_TYPE_COMPLEX)
        return true;
    return ad_tagged_put(&place, option->type, value, at + option->offset);
}

static bool put_options(struct call *call, const ad_named *options, int count, int operand_count)
{
    const ad_prototype *p = call->prototype;
    char *at = NULL;
    if (p->option_count) {
        call->types[call->count] = options_type(call, &call->structs[call->count]);
        at = place_for(call, p->options_size);
        memset(at, 0, p->options_size);
    }
    for (int i = 0; i < p->option_count; i++) {
        const struct ad_place place = { call->name, "option", -1, p->options[i].name };
        if (p->options[i].value.kind != AD_KIND_NONE && !ad_tagged_put(&place, p->options[i].type, &p->options[i].value, at + p->options[i].offset))
            return false;
    }
    for (int i = 0; i < count; i++) {
        const char *name = options[i].name;
        if (!ad_given(name, call->name, "name of an option"))
            return false;
        const ad_option *option = option_for(p, name, &options[i].value);
        int operand = option ? -1 : operand_of(p, name);
        if (named(name, options, i))
            return AD_FAIL(AD_ERROR_VALUE, "%s: %s is given twice", call->name, name);
        if (operand >= operand_count)
            continue;
        if (operand >= 0)
            return AD_FAIL(AD_ERROR_VALUE, "%s: %s is given twice, as operand %d and by name", call->name, name, operand);
        if (!option)
            return no_such_option(call, name);
        if (!put_option(call, option, &options[i].value, at))
            return false;
    }
    return true;
}

/* ---- the call ---- */

static bool can_be_called(const char *name, const ad_prototype *p)
{
    size_t bytes = p->options_size + SMALL;
    bool possible = p->result != AD_TYPE_OTHER && p->parameter_count < MOST_PARAMETERS - 1; /* one more parameter for options, or for the text of a format */
    for (int i = 0; i < p->parameter_count; i++) {
        possible = possible && p->parameters[i].type != AD_TYPE_OTHER;
        bytes += size_of(p->parameters[i].type) + SMALL;
    }
    return (possible && bytes <= MOST_BYTES) || AD_FAIL(AD_ERROR_VALUE, "ad_call_named: %s cannot be called by name: %s", name, p->text);
}

/* Passes "%s" and the text in place of a format: the text has no directives. */
static void pass_as_text(struct call *call)
{
    static const char *const directive = "%s";
    union slot *format = call->at[call->count - 1], *text = &call->slots[call->count];
    *text = *format;
    if (!text->p)
        return;
    format->p = (void *)(uintptr_t)directive;
    call->types[call->count] = &ffi_type_pointer;
    call->at[call->count++] = text;
}

/* libffi gives a result that is narrower than a register as a whole register. */
static ad_tagged result_of(ad_type type, const void *result)
{
    ffi_arg whole;
    memcpy(&whole, result, sizeof whole);
    switch (type) {
    case AD_TYPE_BOOL: return ad_tagged_get(type, &(bool){ (unsigned char)whole != 0 });
    case AD_TYPE_INT: return ad_tagged_get(type, &(int){ (int)whole });
    case AD_TYPE_DTYPE: return ad_tagged_get(type, &(ad_dtype){ (ad_dtype)whole });
    default: return ad_tagged_get(type, result);
    }
}

static ad_tagged run(struct call *call)
{
    const ad_prototype *p = call->prototype;
    ffi_type own;
    ffi_cif cif;
    alignas(16) char result[sizeof(ad_shape)] = { 0 };
    bool format = p->parameter_count && p->parameters[p->parameter_count - 1].type == AD_TYPE_FORMAT;
    unsigned fixed = (unsigned)call->count;
    if (format)
        pass_as_text(call);
    ffi_type *type = type_of(call, &own, p->result);
    ffi_status status = format ? ffi_prep_cif_var(&cif, FFI_DEFAULT_ABI, fixed, (unsigned)call->count, type, call->types)
                               : ffi_prep_cif(&cif, FFI_DEFAULT_ABI, fixed, type, call->types);
    if (status != FFI_OK)
        return ad_set_error(AD_ERROR_TRANSFORM, "ad_call_named: libffi cannot call %s", p->text), (ad_tagged){ .kind = AD_KIND_NONE };
    ffi_call(&cif, p->pointer, result, call->at);
    return result_of(p->result, result);
}

ad_tagged ad_call_named(const char *name, const ad_tagged *operands, int operand_count, const ad_named *options, int option_count)
{
    const ad_tagged nothing = { .kind = AD_KIND_NONE };
    const ad_prototype *p = ad_prototype_find("ad_call_named", name, operands, operand_count);
    if (!p || !can_be_called(name, p) || !ad_tagged_list_given(name, "options", options, option_count))
        return nothing;
    struct call call;
    call.name = name;
    call.prototype = p;
    call.count = 0;
    call.used = 0;
    call.list = (struct ad_scratch){ 0 };
    bool ready = put_operands(&call, operands, operand_count, options, option_count) && put_options(&call, options, option_count, operand_count);
    ad_tagged result = ready ? run(&call) : nothing;
    ad_scratch_end(&call.list);
    return result;
}
