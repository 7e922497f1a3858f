/* Options of calls, as the tables of their fields describe them: kept, dropped, compared, hashed and written as C.
 *
 * What a kind of field is stands in one row of `kinds`, or with the operation that brings its own. Nothing else here
 * knows a kind. Bytes between fields, and those of a field that its value does not need, never count. */
#include "tape/fields.h"
#include "ad/inspect.h"
#include "array/error.h"
#include "array/hash.h"
#include "array/memory.h"
#include "array/shape.h"
#include "tape/names.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- bytes ---- */

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t count)
{
    for (size_t i = 0; i < count; i += sizeof(uint64_t)) {
        uint64_t word = 0;
        memcpy(&word, (const char *)bytes + i, count - i < sizeof word ? count - i : sizeof word);
        hash = ad_hash(hash, word);
    }
    return hash;
}

/* ---- values in place ---- */

static void int_write(const void *field, FILE *out)
{
    fprintf(out, "%d", *(const int *)field);
}

void ad_integer_write(int64_t value, FILE *out)
{
    if (value == INT64_MIN) /* its digits are too large before the sign is applied */
        fprintf(out, "INT64_MIN");
    else
        fprintf(out, "%" PRId64, value);
}

static void int64_write(const void *field, FILE *out)
{
    ad_integer_write(*(const int64_t *)field, out);
}

void ad_real_write(double value, FILE *out)
{
    char text[32];
    if (!isfinite(value)) {
        fprintf(out, isnan(value) ? "NAN" : value < 0 ? "-INFINITY" : "INFINITY");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    fprintf(out, strpbrk(text, ".e") ? "%s" : "%s.0", text);
}

static void real_write(const void *field, FILE *out)
{
    ad_real_write(*(const double *)field, out);
}

/* -0.0 is not 0.0: 1/x tells them apart. */
static uint64_t real_hash(const void *field)
{
    double value = *(const double *)field;
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return isnan(value) ? UINT64_C(0x7ff8) << 48 : bits;
}

static bool real_equal(const void *a, const void *b)
{
    return real_hash(a) == real_hash(b);
}

static void flag_write(const void *field, FILE *out)
{
    fprintf(out, *(const bool *)field ? "true" : "false");
}

const char *ad_dtype_text(ad_dtype dtype)
{
    static const char *const names[AD_DTYPE_COUNT] = {
        [AD_F64] = "AD_F64", [AD_F32] = "AD_F32", [AD_C128] = "AD_C128", [AD_C64] = "AD_C64",
        [AD_I64] = "AD_I64", [AD_I32] = "AD_I32", [AD_U8] = "AD_U8",     [AD_BOOL] = "AD_BOOL",
    };
    return (unsigned)dtype < AD_DTYPE_COUNT ? names[dtype] : "AD_NO_DTYPE";
}

static void dtype_write(const void *field, FILE *out)
{
    fprintf(out, "%s", ad_dtype_text(*(const ad_dtype *)field));
}

static void text_write(const void *field, FILE *out)
{
    ad_write_quoted(out, field);
}

static bool text_equal(const void *a, const void *b)
{
    return strcmp(a, b) == 0;
}

static uint64_t text_hash(const void *field)
{
    return hash_bytes(0, field, strlen(field));
}

/* ---- axes ---- */

static void axes_write(const void *field, FILE *out)
{
    const ad_axes *axes = field;
    fprintf(out, "AD_AXES(");
    for (int i = 0; i < axes->count; i++)
        fprintf(out, "%s%d", i ? ", " : "", axes->axis[i]);
    fprintf(out, ")");
}

static bool axes_equal(const void *a, const void *b)
{
    const ad_axes *one = a, *other = b;
    return one->count == other->count && memcmp(one->axis, other->axis, (size_t)one->count * sizeof *one->axis) == 0;
}

static uint64_t axes_hash(const void *field)
{
    const ad_axes *axes = field;
    return hash_bytes((uint64_t)axes->count, axes->axis, (size_t)axes->count * sizeof *axes->axis);
}

static void axis_bits_write(const void *field, FILE *out)
{
    uint32_t bits = *(const uint32_t *)field;
    ad_axes axes = { .count = 0 };
    for (int i = 0; i < AD_MAX_NDIM; i++)
        if (bits >> i & 1)
            axes.axis[axes.count++] = i;
    axes_write(&axes, out);
}

static void permutation_write(const void *field, FILE *out)
{
    const uint8_t *order = field;
    ad_axes axes = { .count = order[0] };
    for (int i = 0; i < axes.count; i++)
        axes.axis[i] = order[1 + i];
    axes_write(&axes, out);
}

static bool permutation_equal(const void *a, const void *b)
{
    return memcmp(a, b, 1 + (size_t)*(const uint8_t *)a) == 0;
}

static uint64_t permutation_hash(const void *field)
{
    return hash_bytes(0, field, 1 + (size_t)*(const uint8_t *)field);
}

/* ---- aside ---- */

static bool aside_equal(const void *a, const void *b)
{
    (void)a, (void)b;
    return true;
}

static uint64_t aside_hash(const void *field)
{
    (void)field;
    return 0;
}

/* ---- values that a field points to ---- */

static const void *behind(const void *field)
{
    const void *pointer;
    memcpy(&pointer, field, sizeof pointer);
    return pointer;
}

static bool keep_behind(void *field, size_t bytes)
{
    const void *pointer = behind(field);
    void *copy = pointer ? ad_allocate(ad_current(), bytes) : NULL;
    if (pointer && !copy)
        return false;
    if (copy)
        memcpy(copy, pointer, bytes);
    memcpy(field, &copy, sizeof copy);
    return true;
}

void ad_shape_write(const ad_shape *shape, FILE *out)
{
    fprintf(out, shape->ndim ? "AD_SHAPE(" : "AD_SCALAR_SHAPE");
    for (int i = 0; i < shape->ndim; i++)
        fprintf(out, "%s%" PRId64 "%s", i ? ", " : "", shape->dim[i], i == shape->ndim - 1 ? ")" : "");
}

static void shape_write(const void *field, FILE *out)
{
    const ad_shape *shape = behind(field);
    if (shape)
        ad_shape_write(shape, out);
    else
        fprintf(out, "NULL");
}

static bool shape_equal(const void *a, const void *b)
{
    const ad_shape *one = behind(a), *other = behind(b);
    return one && other ? ad_shape_equal(*one, *other) : one == other;
}

static uint64_t shape_hash(const void *field)
{
    const ad_shape *shape = behind(field);
    return shape ? hash_bytes((uint64_t)shape->ndim, shape->dim, (size_t)shape->ndim * sizeof *shape->dim) : 0;
}

static bool shape_keep(void *field)
{
    return keep_behind(field, sizeof(ad_shape));
}

static void shape_drop(const void *field)
{
    ad_deallocate(ad_current(), (void *)behind(field), sizeof(ad_shape));
}

static void widths_write(const void *field, FILE *out)
{
    const ad_widths *widths = behind(field);
    fprintf(out, widths ? "AD_WIDTHS(" : "NULL");
    for (int i = 0; widths && i < widths->count; i++)
        fprintf(out, "%s{%" PRId64 ", %" PRId64 "}", i ? ", " : "", widths->width[i][0], widths->width[i][1]);
    fprintf(out, widths ? ")" : "");
}

static size_t widths_bytes(const ad_widths *widths)
{
    return (size_t)widths->count * sizeof *widths->width;
}

static bool widths_equal(const void *a, const void *b)
{
    const ad_widths *one = behind(a), *other = behind(b);
    if (!one || !other)
        return one == other;
    return one->count == other->count && memcmp(one->width, other->width, widths_bytes(one)) == 0;
}

static uint64_t widths_hash(const void *field)
{
    const ad_widths *widths = behind(field);
    return widths ? hash_bytes((uint64_t)widths->count, widths->width, widths_bytes(widths)) : 0;
}

static bool widths_keep(void *field)
{
    return keep_behind(field, sizeof(ad_widths));
}

static void widths_drop(const void *field)
{
    ad_deallocate(ad_current(), (void *)behind(field), sizeof(ad_widths));
}

/* ---- kinds ---- */

static const ad_field_functions kinds[AD_FIELD_OTHER] = {
    [AD_FIELD_INT] = { .write = int_write },
    [AD_FIELD_INT64] = { .write = int64_write },
    [AD_FIELD_REAL] = { real_write, real_equal, real_hash, NULL, NULL },
    [AD_FIELD_FLAG] = { .write = flag_write },
    [AD_FIELD_DTYPE] = { .write = dtype_write },
    [AD_FIELD_TEXT] = { text_write, text_equal, text_hash, NULL, NULL },
    [AD_FIELD_AXES] = { axes_write, axes_equal, axes_hash, NULL, NULL },
    [AD_FIELD_AXIS_BITS] = { .write = axis_bits_write },
    [AD_FIELD_PERMUTATION] = { permutation_write, permutation_equal, permutation_hash, NULL, NULL },
    [AD_FIELD_ASIDE] = { NULL, aside_equal, aside_hash, NULL, NULL },
    [AD_FIELD_SHAPE] = { shape_write, shape_equal, shape_hash, shape_keep, shape_drop },
    [AD_FIELD_WIDTHS] = { widths_write, widths_equal, widths_hash, widths_keep, widths_drop },
};

static const ad_field_functions *functions_of(const ad_field *f)
{
    static const ad_field_functions bytes;
    const ad_field_functions *functions = f->kind < AD_FIELD_OTHER ? &kinds[f->kind] : f->functions;
    return functions ? functions : &bytes;
}

static const void *field_of(const ad_field *f, const void *options)
{
    return (const char *)options + f->offset;
}

/* ---- keeping ---- */

/* Before the field `end`. */
static void drop_fields(const ad_field *fields, const ad_field *end, const void *copy)
{
    for (const ad_field *f = fields; f && f != end && f->name; f++)
        if (functions_of(f)->drop)
            functions_of(f)->drop(field_of(f, copy));
}

static bool keep_field(const ad_primitive *op, const ad_field *f, void *copy)
{
    const ad_field_functions *functions = functions_of(f);
    if (!functions->keep || functions->keep((void *)field_of(f, copy)))
        return true;
    return ad_failed() ? false : AD_FAIL(AD_ERROR_VALUE, "%s: option %s cannot be kept", op->name, f->name);
}

static bool keep_fields(const ad_primitive *op, void *copy, bool for_rules)
{
    for (const ad_field *f = op->fields; f && f->name; f++) {
        if (f->value_only && for_rules) {
            memset((void *)field_of(f, copy), 0, f->size);
        } else if (!keep_field(op, f, copy)) {
            drop_fields(op->fields, f, copy);
            return false;
        }
    }
    return true;
}

bool ad_options_copy(ad_context *c, const ad_primitive *op, const void *options, bool for_rules, const void **place)
{
    void *copy = place;
    if (op->options_size == 0) {
        *place = options;
        return true;
    }
    if (op->options_size > sizeof *place) {
        if (!(copy = ad_allocate(c, op->options_size)))
            return false;
        *place = copy;
    }
    memcpy(copy, options, op->options_size);
    if (keep_fields(op, copy, for_rules))
        return true;
    if (copy != place)
        ad_deallocate(c, copy, op->options_size);
    return false;
}

void ad_options_drop(ad_context *c, const ad_primitive *op, const void **place)
{
    if (!op->options_size)
        return;
    drop_fields(op->fields, NULL, ad_options_at(op, place));
    if (op->options_size > sizeof *place)
        ad_deallocate(c, (void *)*place, op->options_size);
}

/* Whether options can be read; false and an error. */
static bool is_given(const ad_primitive *op, const void *options, const char *name)
{
    return ad_pointer_given(op, name, "primitive") && (!op->options_size || ad_pointer_given(options, name, "struct of options"));
}

void *ad_options_keep(const ad_primitive *primitive, const void *options)
{
    if (!is_given(primitive, options, "ad_options_keep"))
        return NULL;
    ad_context *c = ad_current();
    void *copy = primitive->options_size ? ad_allocate(c, primitive->options_size) : NULL;
    if (!copy)
        return primitive->options_size ? NULL : (void *)options;
    if (keep_fields(primitive, memcpy(copy, options, primitive->options_size), false))
        return copy;
    ad_deallocate(c, copy, primitive->options_size);
    return NULL;
}

void ad_options_free(const ad_primitive *primitive, void *kept)
{
    if (!primitive || !kept || !primitive->options_size)
        return;
    drop_fields(primitive->fields, NULL, kept);
    ad_deallocate(ad_current(), kept, primitive->options_size);
}

/* ---- comparing ---- */

static bool field_equal(const ad_field *f, const void *a, const void *b)
{
    const ad_field_functions *functions = functions_of(f);
    return functions->equal ? functions->equal(field_of(f, a), field_of(f, b)) : memcmp(field_of(f, a), field_of(f, b), f->size) == 0;
}

bool ad_options_equal(const ad_primitive *primitive, const void *a, const void *b)
{
    if (!is_given(primitive, a, "ad_options_equal") || !is_given(primitive, b, "ad_options_equal"))
        return false;
    if (a == b || !primitive->options_size)
        return a == b;
    if (!primitive->fields)
        return memcmp(a, b, primitive->options_size) == 0;
    for (const ad_field *f = primitive->fields; f->name; f++)
        if (!field_equal(f, a, b))
            return false;
    return true;
}

uint64_t ad_options_hash(const ad_primitive *primitive, const void *options)
{
    uint64_t hash = 0;
    if (!is_given(primitive, options, "ad_options_hash"))
        return 0;
    if (!primitive->options_size)
        return hash_bytes(0, &options, sizeof options);
    if (!primitive->fields)
        return hash_bytes(0, options, primitive->options_size);
    for (const ad_field *f = primitive->fields; f->name; f++) {
        const ad_field_functions *functions = functions_of(f);
        hash = functions->hash ? ad_hash(hash, functions->hash(field_of(f, options))) : hash_bytes(hash, field_of(f, options), f->size);
    }
    return hash;
}

/* ---- writing ---- */

/* Whether the field says what users say by leaving it out: a flag that is not set, and no axes. */
static bool is_default(const ad_field *f, const void *field)
{
    switch (f->kind) {
    case AD_FIELD_FLAG: return !*(const bool *)field;
    case AD_FIELD_AXES: return ((const ad_axes *)field)->count == 0;
    case AD_FIELD_AXIS_BITS: return *(const uint32_t *)field == 0;
    case AD_FIELD_PERMUTATION: return *(const uint8_t *)field == 0;
    default: return false;
    }
}

void ad_options_write(const ad_primitive *op, const void *options, FILE *out, bool comma)
{
    for (const ad_field *f = options ? op->fields : NULL; f && f->name; f++) {
        const ad_field_functions *functions = functions_of(f);
        if (!functions->write || is_default(f, field_of(f, options)))
            continue;
        if (comma)
            fprintf(out, ", ");
        if (*f->name)
            fprintf(out, ".%s = ", f->name);
        functions->write(field_of(f, options), out);
        comma = true;
    }
}

char *ad_options_text(const ad_primitive *primitive, const void *options)
{
    char *text = NULL;
    size_t bytes = 0;
    if (!is_given(primitive, options, "ad_options_text"))
        return NULL;
    FILE *out = open_memstream(&text, &bytes);
    locale_t users = uselocale(ad_c_locale());
    if (out)
        ad_options_write(primitive, options, out, false);
    uselocale(users);
    if (out && fclose(out) == 0)
        return text;
    free(text);
    return ad_set_error(AD_ERROR_MEMORY, "ad_options_text: out of memory");
}
