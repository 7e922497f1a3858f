/* Tagged values to C values of a type, and back. Everything that comes from another language passes through here. So
 * kinds, ranges and counts are checked; only pointers are trusted. */
#include "ad/tree.h"
#include "array/context.h"
#include "bindings/bindings.h"
#include <stdio.h>
#include <string.h>

enum { DEEPEST_LIST = 100 }; /* lists in lists, which become trees */

static const char *const kinds[] = {
    "nothing", "an array", "a tree", "a function", "a pointer", "a bool", "an integer", "a real number", "a complex number", "a dtype", "a text", "a key",
    "integers", "indices", "a list",
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const char *const wanted[] = {
    [AD_TYPE_VOID] = "nothing", [AD_TYPE_ARRAY] = "an array or a number", [AD_TYPE_TREE] = "a tree or a list", [AD_TYPE_FUNCTION] = "a function",
    [AD_TYPE_POINTER] = "a pointer", [AD_TYPE_BOOL] = "a bool", [AD_TYPE_INT] = "an integer of 32 bits", [AD_TYPE_INT64] = "an integer of 64 bits",
    [AD_TYPE_UINT64] = "an integer from 0 on", [AD_TYPE_REAL] = "a real number", [AD_TYPE_COMPLEX] = "a number", [AD_TYPE_DTYPE] = "a dtype or its name",
    [AD_TYPE_TEXT] = "a text", [AD_TYPE_FORMAT] = "a text", [AD_TYPE_KEY] = "a key", [AD_TYPE_SHAPE] = "at most 32 integers",
    [AD_TYPE_AXES] = "at most 32 integers of 32 bits", [AD_TYPE_WIDTHS] = "at most 32 pairs of integers", [AD_TYPE_INDICES] = "at most 64 indices",
    [AD_TYPE_TAGGED] = "anything", [AD_TYPE_ARRAYS] = "a list of arrays or numbers", [AD_TYPE_NUMBERS] = "a list of real numbers",
    [AD_TYPE_ITEMS] = "a list of names, arrays, trees or numbers", [AD_TYPE_VALUES] = "a list", [AD_TYPE_OTHER] = "what no tagged value holds",
};

/* ---- errors ---- */

static const char *place_text(const struct ad_place *p, char *buffer, size_t room)
{
    if (p->number >= 0 && p->name)
        snprintf(buffer, room, "%s: %s %d, %s,", p->operation, p->what, p->number, p->name);
    else if (p->number >= 0)
        snprintf(buffer, room, "%s: %s %d", p->operation, p->what, p->number);
    else
        snprintf(buffer, room, "%s: %s%s%s", p->operation, p->what, p->name ? " " : "", p->name ? p->name : "");
    return buffer;
}

#define PLACE(p) place_text(p, (char[160]){ 0 }, 160)

/* A value as it is shown in a sentence. */
static const char *value_text(const ad_tagged *v, char *buffer, size_t room)
{
    unsigned kind = (unsigned)v->kind;
    if (kind >= KINDS)
        snprintf(buffer, room, "of kind %d, which there is not", (int)v->kind);
    else if (v->kind == AD_KIND_INTEGER)
        snprintf(buffer, room, "the integer %lld", (long long)v->integer);
    else if (v->kind == AD_KIND_REAL)
        snprintf(buffer, room, "the real number %.17g", v->real);
    else if (v->kind == AD_KIND_TEXT && v->text)
        snprintf(buffer, room, "the text \"%.40s\"", v->text);
    else if (v->kind >= AD_KIND_INTEGERS)
        snprintf(buffer, room, "%s (%d of them)", kinds[kind], v->count);
    else
        snprintf(buffer, room, "%s", kinds[kind]);
    return buffer;
}

static bool refuse(const struct ad_place *p, ad_type type, const ad_tagged *v)
{
    char value[100];
    return AD_FAIL(AD_ERROR_VALUE, "%s should be %s and is %s", PLACE(p), wanted[type], value_text(v, value, sizeof value));
}

bool ad_tagged_list_given(const char *operation, const char *what, const void *list, int count)
{
    if (count < 0)
        return AD_FAIL(AD_ERROR_VALUE, "%s: %d %s", operation, count, what);
    return !count || ad_given(list, operation, what);
}

/* ---- numbers ---- */

static bool is_integral(const ad_tagged *v)
{
    return v->kind == AD_KIND_BOOL || v->kind == AD_KIND_INTEGER || v->kind == AD_KIND_DTYPE;
}

/* An integer from low to high. A real number without a fraction counts as one. */
static bool integer_of(const ad_tagged *v, int64_t low, int64_t high, int64_t *integer)
{
    if (is_integral(v))
        *integer = v->integer;
    else if (v->kind == AD_KIND_REAL && v->real >= -0x1p63 && v->real < 0x1p63 && v->real == (double)(int64_t)v->real)
        *integer = (int64_t)v->real;
    else
        return false;
    return *integer >= low && *integer <= high;
}

static bool real_of(const ad_tagged *v, double *real)
{
    if (is_integral(v))
        *real = (double)v->integer;
    else if (v->kind == AD_KIND_REAL)
        *real = v->real;
    else
        return false;
    return true;
}

static bool complex_of(const ad_tagged *v, double parts[2])
{
    parts[1] = 0;
    if (v->kind != AD_KIND_COMPLEX)
        return real_of(v, &parts[0]);
    memcpy(parts, v->parts, sizeof v->parts);
    return true;
}

static bool dtype_of(const ad_tagged *v, ad_dtype *dtype)
{
    int64_t integer = -1;
    if (v->kind == AD_KIND_NONE) {
        *dtype = AD_NO_DTYPE;
        return true;
    }
    for (int i = 0; v->kind == AD_KIND_TEXT && v->text && i < AD_DTYPE_COUNT && integer < 0; i++)
        if (strcmp(v->text, ad_dtype_name((ad_dtype)i)) == 0)
            integer = i;
    if (integer < 0 && (v->kind == AD_KIND_BOOL || !integer_of(v, -1, AD_DTYPE_COUNT - 1, &integer)))
        return false;
    *dtype = (ad_dtype)integer;
    return true;
}

/* ---- arrays and trees ---- */

/* Numbers are weakly typed, as C numbers are. */
static bool array_of(const ad_tagged *v, ad_array **x)
{
    ad_complex z;
    switch (v->kind) {
    case AD_KIND_NONE: *x = NULL; return true;
    case AD_KIND_ARRAY: *x = v->array; return true;
    case AD_KIND_BOOL:
    case AD_KIND_INTEGER: return (*x = ad_weak_integer(v->integer)) != NULL;
    case AD_KIND_REAL: return (*x = ad_weak_real(v->real)) != NULL;
    case AD_KIND_COMPLEX: memcpy(&z, v->parts, sizeof z); return (*x = ad_weak_complex(z)) != NULL;
    default: return false;
    }
}

static bool put_items(const struct ad_place *p, const ad_tagged *values, int count, ad_tree_item *items, int depth);

/* A list as a tree by position, or by name if it begins with a name. */
static ad_tree *tree_of_list(const struct ad_place *p, const ad_tagged *list, int depth)
{
    if (!ad_tagged_list_given(p->operation, "entries of a list", list->list, list->count))
        return NULL;
    if (depth >= DEEPEST_LIST)
        return ad_set_error(AD_ERROR_VALUE, "%s: lists in lists more than %d deep", p->operation, DEEPEST_LIST);
    AD_SCRATCH room = { 0 };
    ad_tree_item *items = ad_scratch_take(ad_current(), &room, list->count, sizeof *items);
    if (!items || !put_items(p, list->list, list->count, items, depth + 1))
        return NULL;
    return list->count && items[0].kind == AD_ITEM_NAME ? ad_tree_from(items, list->count) : ad_list_from(items, list->count);
}

static bool put_item(const struct ad_place *p, const ad_tagged *v, ad_tree_item *item, int depth)
{
    ad_complex z;
    switch (v->kind) {
    case AD_KIND_TEXT: *item = (ad_tree_item){ AD_ITEM_NAME, v->text }; return true;
    case AD_KIND_ARRAY: *item = (ad_tree_item){ AD_ITEM_ARRAY, v->array }; return true;
    case AD_KIND_TREE: *item = (ad_tree_item){ AD_ITEM_TREE, v->tree }; return true;
    case AD_KIND_LIST: *item = (ad_tree_item){ AD_ITEM_TREE, tree_of_list(p, v, depth) }; return item->value != NULL;
    case AD_KIND_BOOL:
    case AD_KIND_INTEGER: *item = ad_item_integer_(v->integer); return item->value != NULL;
    case AD_KIND_REAL: *item = (ad_tree_item){ AD_ITEM_ARRAY, ad_scalar(v->real) }; return item->value != NULL;
    case AD_KIND_COMPLEX:
        memcpy(&z, v->parts, sizeof z);
        *item = ad_item_complex_(z);
        return item->value != NULL;
    default: return refuse(p, AD_TYPE_ITEMS, v);
    }
}

static bool put_items(const struct ad_place *p, const ad_tagged *values, int count, ad_tree_item *items, int depth)
{
    for (int i = 0; i < count; i++)
        if (!put_item(p, &values[i], &items[i], depth))
            return false;
    return true;
}

static bool put_tree(const struct ad_place *p, const ad_tagged *v, ad_tree **t)
{
    const ad_tagged none = { .kind = AD_KIND_LIST };
    *t = v->kind == AD_KIND_TREE ? v->tree : NULL;
    if (v->kind == AD_KIND_LIST)
        return (*t = tree_of_list(p, v, 0)) != NULL;
    if (v->kind == AD_KIND_INTEGERS && v->count == 0) /* a list of no entries is one of nothing else, too */
        return (*t = tree_of_list(p, &none, 0)) != NULL;
    return v->kind == AD_KIND_TREE || v->kind == AD_KIND_NONE || refuse(p, AD_TYPE_TREE, v);
}

/* ---- lists of integers ---- */

/* One integer, which then stands in `one`, is a list, too; nothing is an empty one. */
static bool integers_of(const ad_tagged *v, int most, int64_t *one, const int64_t **integers, int *count)
{
    bool single = (v->kind == AD_KIND_INTEGER || v->kind == AD_KIND_REAL) && integer_of(v, INT64_MIN, INT64_MAX, one);
    *integers = single ? one : v->integers;
    *count = v->kind == AD_KIND_INTEGERS ? v->count : single;
    bool empty = v->kind == AD_KIND_NONE || (v->kind == AD_KIND_LIST && v->count == 0);
    return (v->kind == AD_KIND_INTEGERS || single || empty) && *count >= 0 && *count <= most && (!*count || *integers);
}

static bool shape_of(const ad_tagged *v, ad_shape *shape)
{
    const int64_t *integers;
    int64_t one;
    int count;
    if (!integers_of(v, AD_MAX_NDIM, &one, &integers, &count))
        return false;
    *shape = (ad_shape){ .ndim = count };
    for (int i = 0; i < count; i++)
        shape->dim[i] = integers[i];
    return true;
}

static bool axes_of(const ad_tagged *v, ad_axes *axes)
{
    const int64_t *integers;
    int64_t one;
    int count;
    if (!integers_of(v, AD_MAX_NDIM, &one, &integers, &count))
        return false;
    *axes = (ad_axes){ .count = count };
    for (int i = 0; i < count; i++) {
        if (integers[i] < INT_MIN || integers[i] > INT_MAX)
            return false;
        axes->axis[i] = (int)integers[i];
    }
    return true;
}

static bool widths_of(const ad_tagged *v, ad_widths *widths)
{
    const int64_t *integers;
    int64_t one;
    int count;
    if (!integers_of(v, 2 * AD_MAX_NDIM, &one, &integers, &count) || count % 2)
        return false;
    *widths = (ad_widths){ .count = count / 2 };
    for (int i = 0; i < count; i++)
        widths->width[i / 2][i % 2] = integers[i];
    return true;
}

static bool indices_of(const ad_tagged *v, ad_index_list *list)
{
    enum { MOST = sizeof list->index / sizeof *list->index };
    if (v->kind == AD_KIND_INTEGER) {
        *list = (ad_index_list){ .count = 1, .index = { { .kind = AD_INDEX_INTEGER, .start = v->integer } } };
        return true;
    }
    if (v->kind != AD_KIND_INDICES || v->count < 0 || v->count > MOST || (v->count && !v->indices))
        return false;
    *list = (ad_index_list){ .count = v->count };
    if (v->count)
        memcpy(list->index, v->indices, (size_t)v->count * sizeof *v->indices);
    return true;
}

/* ---- any type ---- */

static bool pointer_of(const ad_tagged *v, void **pointer)
{
    *pointer = v->kind == AD_KIND_POINTER ? v->pointer : NULL;
    return v->kind == AD_KIND_POINTER || v->kind == AD_KIND_NONE;
}

static bool put_integer(ad_type type, const ad_tagged *v, void *at)
{
    int64_t integer = 0;
    bool fits = type == AD_TYPE_INT    ? integer_of(v, INT_MIN, INT_MAX, &integer)
                : type == AD_TYPE_BOOL ? integer_of(v, 0, 1, &integer)
                                       : integer_of(v, type == AD_TYPE_UINT64 ? 0 : INT64_MIN, INT64_MAX, &integer);
    if (type == AD_TYPE_INT)
        *(int *)at = (int)integer;
    else if (type == AD_TYPE_BOOL)
        *(bool *)at = integer;
    else
        *(int64_t *)at = integer;
    return fits;
}

static bool put_value(ad_type type, const ad_tagged *v, void *at)
{
    switch (type) {
    case AD_TYPE_ARRAY: return array_of(v, at);
    case AD_TYPE_FUNCTION: *(ad_fn **)at = v->kind == AD_KIND_FUNCTION ? v->function : NULL; return v->kind == AD_KIND_FUNCTION || v->kind == AD_KIND_NONE;
    case AD_TYPE_POINTER: return pointer_of(v, at);
    case AD_TYPE_BOOL:
    case AD_TYPE_INT:
    case AD_TYPE_INT64:
    case AD_TYPE_UINT64: return put_integer(type, v, at);
    case AD_TYPE_REAL: return real_of(v, at);
    case AD_TYPE_COMPLEX: return complex_of(v, at);
    case AD_TYPE_DTYPE: return dtype_of(v, at);
    case AD_TYPE_TEXT:
    case AD_TYPE_FORMAT: *(const char **)at = v->kind == AD_KIND_TEXT ? v->text : NULL; return v->kind == AD_KIND_TEXT || v->kind == AD_KIND_NONE;
    case AD_TYPE_KEY: *(ad_key *)at = v->key; return v->kind == AD_KIND_KEY;
    case AD_TYPE_SHAPE: return shape_of(v, at);
    case AD_TYPE_AXES: return axes_of(v, at);
    case AD_TYPE_WIDTHS: return widths_of(v, at);
    case AD_TYPE_INDICES: return indices_of(v, at);
    default: return false;
    }
}

bool ad_tagged_put(const struct ad_place *place, ad_type type, const ad_tagged *value, void *at)
{
    if (type == AD_TYPE_TREE)
        return put_tree(place, value, at);
    return put_value(type, value, at) || (ad_failed() ? false : refuse(place, type, value));
}

/* ---- lists ---- */

static bool put_numbers(const struct ad_place *p, const ad_tagged *values, int count, ad_number *numbers)
{
    for (int i = 0; i < count; i++) {
        numbers[i] = (ad_number){ .is_integer = is_integral(&values[i]), .integer = is_integral(&values[i]) ? values[i].integer : 0 };
        if (!real_of(&values[i], &numbers[i].real))
            return refuse(p, AD_TYPE_NUMBERS, &values[i]);
    }
    return true;
}

static bool put_arrays(const struct ad_place *p, const ad_tagged *values, int count, ad_array **arrays)
{
    for (int i = 0; i < count; i++)
        if (!ad_tagged_put(p, AD_TYPE_ARRAY, &values[i], &arrays[i]))
            return false;
    return true;
}

bool ad_tagged_put_list(const struct ad_place *place, ad_type type, const ad_tagged *values, int count, struct ad_scratch *room, void *at)
{
    size_t item = type == AD_TYPE_ARRAYS ? sizeof(ad_array *) : type == AD_TYPE_NUMBERS ? sizeof(ad_number) : sizeof(ad_tree_item);
    if (!ad_tagged_list_given(place->operation, "entries of a list", values, count))
        return false;
    if (type == AD_TYPE_VALUES) {
        *(const ad_tagged **)at = values;
        return true;
    }
    void *block = ad_scratch_take(ad_current(), room, count, item);
    *(void **)at = block;
    if (!block)
        return false;
    return type == AD_TYPE_ARRAYS    ? put_arrays(place, values, count, block)
           : type == AD_TYPE_NUMBERS ? put_numbers(place, values, count, block)
                                     : put_items(place, values, count, block, 0);
}

/* ---- back ---- */

/* A list of integers that the innermost scope holds. */
static ad_tagged integers_from(const int64_t *integers, int count)
{
    ad_context *c = ad_current();
    ad_array *held = ad_array_new(c, AD_I64, 1, (const int64_t[]){ count });
    if (!held)
        return (ad_tagged){ .kind = AD_KIND_NONE };
    if (count)
        memcpy(memory_of(held), integers, (size_t)count * sizeof *integers);
    return (ad_tagged){ .kind = AD_KIND_INTEGERS, .count = count, .integers = (const int64_t *)memory_of(held) };
}

static ad_tagged pointer_from(ad_kind kind, const void *const *at)
{
    void *pointer = (void *)(uintptr_t)*at;
    return pointer ? (ad_tagged){ .kind = kind, .pointer = pointer } : (ad_tagged){ .kind = AD_KIND_NONE };
}

ad_tagged ad_tagged_get(ad_type type, const void *at)
{
    ad_tagged v = { .kind = AD_KIND_NONE };
    switch (type) {
    case AD_TYPE_ARRAY: return pointer_from(AD_KIND_ARRAY, at);
    case AD_TYPE_TREE: return pointer_from(AD_KIND_TREE, at);
    case AD_TYPE_FUNCTION: return pointer_from(AD_KIND_FUNCTION, at);
    case AD_TYPE_POINTER: return pointer_from(AD_KIND_POINTER, at);
    case AD_TYPE_TEXT: return pointer_from(AD_KIND_TEXT, at);
    case AD_TYPE_BOOL: return (ad_tagged){ .kind = AD_KIND_BOOL, .integer = *(const bool *)at };
    case AD_TYPE_INT: return (ad_tagged){ .kind = AD_KIND_INTEGER, .integer = *(const int *)at };
    case AD_TYPE_INT64:
    case AD_TYPE_UINT64: return (ad_tagged){ .kind = AD_KIND_INTEGER, .integer = *(const int64_t *)at };
    case AD_TYPE_REAL: return (ad_tagged){ .kind = AD_KIND_REAL, .real = *(const double *)at };
    case AD_TYPE_COMPLEX: v.kind = AD_KIND_COMPLEX; memcpy(v.parts, at, sizeof v.parts); return v;
    case AD_TYPE_DTYPE: return (ad_tagged){ .kind = AD_KIND_DTYPE, .integer = (int)*(const ad_dtype *)at };
    case AD_TYPE_KEY: return (ad_tagged){ .kind = AD_KIND_KEY, .key = *(const ad_key *)at };
    case AD_TYPE_SHAPE: return integers_from(((const ad_shape *)at)->dim, ((const ad_shape *)at)->ndim);
    case AD_TYPE_TAGGED: return *(const ad_tagged *)at;
    default: return v;
    }
}
