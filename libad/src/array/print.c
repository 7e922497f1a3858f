/* Arrays as text: what NumPy 2's str() gives, to the character.
 *
 * An array of numbers is read twice: first to find the form that all shown elements need, then to write each in that
 * form. Digits come from printf in scientific form. Only the digits are taken, so that the decimal point of the user's
 * locale does not show. Text is malloc'ed, since the caller frees it. It is not counted as memory of the thread, but it
 * is refused where an allocation would be. */
#include "ad/array.h"
#include "array/error.h"
#include "array/scope.h"
#include "array/shape.h"
#include "array/tree.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_WIDTH = 75, THRESHOLD = 1000, EDGE_ITEMS = 3, PRECISION = 8, WORD_BYTES = 160 };

/* ---- growing text ---- */

struct text {
    char *data;
    size_t length, room;
    bool failed;
};

static void put(struct text *t, const char *s, size_t length)
{
    if (t->room - t->length < length + 1) {
        size_t room = 2 * t->room + length + 64;
        char *data = t->failed || !ad_allocation_allowed(ad_current(), room) ? NULL : realloc(t->data, room);
        if (!data) {
            t->failed = true;
            return;
        }
        t->data = data;
        t->room = room;
    }
    memcpy(t->data + t->length, s, length);
    t->length += length;
    t->data[t->length] = '\0';
}

static void put_string(struct text *t, const char *s)
{
    put(t, s, strlen(s));
}

static void put_repeated(struct text *t, char letter, int count)
{
    for (int i = 0; i < count; i++)
        put(t, &letter, 1);
}

/* ---- decimal numbers ---- */

/* digits[0] . digits[1] digits[2] ... times 10^exponent, without trailing zeros. */
struct decimal {
    bool negative;
    int count, exponent;
    char digits[24];
};

/* Rounds x correctly to n significant digits, then adds `more` to the last one. Gives whether the result reads back as
 * x. */
static bool round_to_digits(struct decimal *d, double x, bool single, int n, int more)
{
    char text[48];
    snprintf(text, sizeof text, "%.*e", n - 1, x);
    strchr(text, 'e')[-1] += (char)more; /* a 9 becomes a character that is not a digit, which does not read back */
    const char *at = text;
    for (d->count = 0; *at != 'e'; at++)
        if (isdigit((unsigned char)*at))
            d->digits[d->count++] = *at;
    d->exponent = atoi(at + 1);
    while (d->count > 1 && d->digits[d->count - 1] == '0')
        d->count--;
    return single ? strtof(text, NULL) == (float)x : strtod(text, NULL) == x;
}

/* The shortest decimal that reads back as x. For a normal number of at most 15 digits (6 for float32) it is among the
 * first tried. Below a power of two numbers are denser than above it, so the next decimal above may read back where the
 * nearest does not. */
static struct decimal shortest(double x, bool single)
{
    struct decimal d = { .negative = signbit(x) };
    bool normal = single ? fabs(x) >= 0x1p-126 : fabs(x) >= 0x1p-1022;
    int most = single ? 9 : 17;
    for (int n = !normal ? 1 : single ? 6 : 15; n <= most; n++)
        if (round_to_digits(&d, x, single, n, 0) || round_to_digits(&d, x, single, n, 1))
            break;
    return d;
}

/* The shortest decimal, rounded to at most `places` digits after the point. */
static struct decimal rounded(double x, bool single, bool scientific, int places)
{
    struct decimal d = shortest(x, single);
    int keep = scientific ? places + 1 : d.exponent + 1 + places;
    if (keep < d.count && keep > 0)
        round_to_digits(&d, x, single, keep, 0);
    return d;
}

/* Writes sign, digits and point: "-12.5", "12."; the fraction has at least `least` digits. Gives the end of the
 * text. */
static char *write_digits(char *out, const struct decimal *d, bool plus, bool scientific, int least)
{
    int point = scientific ? 1 : d->exponent + 1; /* digits before the point */
    if (d->negative || plus)
        *out++ = d->negative ? '-' : '+';
    if (point <= 0)
        *out++ = '0';
    for (int i = 0; i < point; i++)
        *out++ = i < d->count ? d->digits[i] : '0';
    *out++ = '.';
    for (int i = point, places = 0; i < d->count || places < least; i++, places++)
        *out++ = i >= 0 && i < d->count ? d->digits[i] : '0';
    *out = '\0';
    return out;
}

static char *write_exponent(char *out, const struct decimal *d, int exponent_digits)
{
    return out + sprintf(out, "e%c%0*d", d->exponent < 0 ? '-' : '+', exponent_digits, abs(d->exponent));
}

/* ---- single numbers ---- */

static const char *not_finite(double x, bool plus)
{
    if (isnan(x))
        return plus ? "+nan" : "nan";
    return x < 0 ? "-inf" : plus ? "+inf" : "inf";
}

/* Writes a real scalar as Python does. A part of a complex number has no ".0". */
static void write_scalar(char *out, double x, bool single, bool plus, bool part)
{
    if (!isfinite(x)) {
        strcpy(out, not_finite(x, plus));
        return;
    }
    struct decimal d = shortest(x, single);
    bool scientific = x != 0 && (fabs(x) >= (single ? 1e6 : 1e16) || fabs(x) < 1e-4);
    char *end = write_digits(out, &d, plus, scientific, scientific || part ? 0 : 1);
    if (end[-1] == '.')
        *--end = '\0';
    if (scientific)
        write_exponent(end, &d, 2);
}

static void write_complex_scalar(char *out, const double part[2], bool single)
{
    char real[WORD_BYTES / 2] = "", imaginary[WORD_BYTES / 2];
    bool pure = part[0] == 0 && !signbit(part[0]);
    if (!pure)
        write_scalar(real, part[0], single, false, true);
    write_scalar(imaginary, part[1], single, !pure, true);
    snprintf(out, WORD_BYTES, pure ? "%s%sj" : "(%s%sj)", real, imaginary);
}

/* ---- elements ---- */

/* The element as a real, complex or integer number. */
struct element {
    double part[2];
    long long integer;
};

static struct element element_at(ad_dtype dtype, const char *at)
{
    struct element e = { 0 };
    float parts[2];
    int32_t i32;
    int64_t i64;
    switch (dtype) {
    case AD_F64: memcpy(e.part, at, sizeof(double)); break;
    case AD_C128: memcpy(e.part, at, 2 * sizeof(double)); break;
    case AD_F32: memcpy(parts, at, sizeof(float)); e.part[0] = parts[0]; break;
    case AD_C64: memcpy(parts, at, 2 * sizeof(float)); e.part[0] = parts[0]; e.part[1] = parts[1]; break;
    case AD_I64: memcpy(&i64, at, sizeof i64); e.integer = i64; break;
    case AD_I32: memcpy(&i32, at, sizeof i32); e.integer = i32; break;
    case AD_U8: case AD_BOOL: e.integer = *(const unsigned char *)at; break;
    }
    return e;
}

/* The common form of the real or the imaginary parts of all shown elements. The names are NumPy's. */
struct real_form {
    double smallest, largest; /* of the absolute values, without zeros */
    bool any, any_not_finite, any_minus_infinity;
    bool scientific, plus, single;
    int pad_left, pad_right, fraction, exponent_digits;
};

struct printer {
    const ad_array *x;
    bool summary;
    struct real_form form[2];
    int integer_width;
    struct text text;
    int column; /* of the line that is being written */
};

static void see_size(struct real_form *f, double x)
{
    if (!isfinite(x)) {
        f->any_not_finite = true;
        f->any_minus_infinity |= x < 0;
        return;
    }
    double size = fabs(x);
    if (size == 0)
        return;
    f->smallest = !f->any || size < f->smallest ? size : f->smallest;
    f->largest = !f->any || size > f->largest ? size : f->largest;
    f->any = true;
}

/* A float32 is compared with the float32 nearest to 1e-4, which is another number than 1e-4. */
static bool wants_scientific(const struct real_form *f)
{
    if (!f->any)
        return false;
    if (f->single)
        return f->largest >= 1e6 || (float)f->smallest < 1e-4f || (float)f->largest / (float)f->smallest > 1000.f;
    return f->largest >= 1e8 || f->smallest < 1e-4 || f->largest / f->smallest > 1000;
}

static void see_width(struct real_form *f, double x)
{
    if (!isfinite(x))
        return;
    char word[WORD_BYTES];
    struct decimal d = rounded(x, f->single, f->scientific, PRECISION);
    char *end = write_digits(word, &d, f->plus, f->scientific, 0);
    int left = (int)(strchr(word, '.') - word), fraction = (int)(end - word) - left - 1;
    int exponent_digits = abs(d.exponent) >= 100 ? 3 : 2;
    f->pad_left = left > f->pad_left ? left : f->pad_left;
    f->fraction = fraction > f->fraction ? fraction : f->fraction;
    f->exponent_digits = exponent_digits > f->exponent_digits ? exponent_digits : f->exponent_digits;
    f->pad_right = f->scientific ? f->exponent_digits + 2 + f->fraction : f->fraction;
}

static void make_room_for_not_finite(struct real_form *f)
{
    int wanted = 3 + (f->plus || f->any_minus_infinity) - f->pad_right - 1;
    if (f->any_not_finite && wanted > f->pad_left)
        f->pad_left = wanted;
}

/* Writes one part in the common form. A 'j' goes before the blanks that follow it. */
static void put_real(struct text *t, const struct real_form *f, double x, bool imaginary)
{
    char word[WORD_BYTES];
    int before, after = 0;
    if (!isfinite(x)) {
        strcpy(word, not_finite(x, f->plus));
        before = f->pad_left + f->pad_right + 1 - (int)strlen(word);
    } else {
        struct decimal d = rounded(x, f->single, f->scientific, PRECISION);
        if (f->scientific) /* all have the same number of digits, which may be more than a float32 needs to be told apart */
            round_to_digits(&d, x, f->single, f->fraction + 1, 0);
        char *end = write_digits(word, &d, f->plus, f->scientific, f->scientific ? f->fraction : 0);
        int left = (int)(strchr(word, '.') - word);
        before = f->pad_left - left;
        if (f->scientific)
            write_exponent(end, &d, f->exponent_digits);
        else
            after = f->pad_right - ((int)(end - word) - left - 1);
    }
    put_repeated(t, ' ', before);
    put_string(t, word);
    if (imaginary)
        put_string(t, "j");
    put_repeated(t, ' ', after);
}

static void see_element_size(struct printer *p, const char *at)
{
    ad_dtype dtype = (ad_dtype)p->x->dtype;
    struct element e = element_at(dtype, at);
    see_size(&p->form[0], e.part[0]);
    see_size(&p->form[1], e.part[1]);
    int width = snprintf(NULL, 0, "%lld", e.integer);
    p->integer_width = width > p->integer_width ? width : p->integer_width;
}

static void see_element_width(struct printer *p, const char *at)
{
    struct element e = element_at((ad_dtype)p->x->dtype, at);
    see_width(&p->form[0], e.part[0]);
    see_width(&p->form[1], e.part[1]);
}

static void put_element(struct printer *p, const char *at)
{
    ad_dtype dtype = (ad_dtype)p->x->dtype;
    struct element e = element_at(dtype, at);
    if (dtype == AD_BOOL) {
        put_string(&p->text, e.integer ? " True" : "False");
    } else if (!ad_dtype_is_inexact(dtype)) {
        char word[WORD_BYTES];
        put(&p->text, word, (size_t)snprintf(word, sizeof word, "%*lld", p->integer_width, e.integer));
    } else {
        put_real(&p->text, &p->form[0], e.part[0], false);
        if (ad_dtype_is_complex(dtype))
            put_real(&p->text, &p->form[1], e.part[1], true);
    }
}

/* ---- arrays ---- */

static bool abridged(const struct printer *p, int axis)
{
    return p->summary && ad_dims(p->x)[axis] > 2 * EDGE_ITEMS;
}

/* The index that is shown after i. */
static int64_t next_shown(const struct printer *p, int axis, int64_t i)
{
    return i + 1 == EDGE_ITEMS && abridged(p, axis) ? ad_dims(p->x)[axis] - EDGE_ITEMS : i + 1;
}

static void see_all(struct printer *p, int axis, const char *at, void (*see)(struct printer *, const char *))
{
    if (axis == p->x->ndim) {
        see(p, at);
        return;
    }
    for (int64_t i = 0; i < ad_dims(p->x)[axis]; i = next_shown(p, axis, i))
        see_all(p, axis + 1, at + i * ad_strides(p->x)[axis], see);
}

/* Moves the word that begins at `start` to a new line, if it went over the edge and is not the first of its line. */
static void wrap(struct printer *p, size_t start, int indent, int width)
{
    struct text *t = &p->text;
    int length = (int)(t->length - start);
    if (p->column + length > width && p->column > indent && !t->failed) {
        char word[2 * WORD_BYTES];
        memcpy(word, t->data + start, (size_t)length);
        t->length = start;
        while (t->data[t->length - 1] == ' ')
            t->length--;
        put_string(t, "\n");
        put_repeated(t, ' ', indent);
        put(t, word, (size_t)length);
        p->column = indent;
    }
    p->column += length;
}

static void put_row(struct printer *p, const char *at)
{
    int axis = p->x->ndim - 1, indent = axis + 1, width = LINE_WIDTH - axis - 1;
    p->column = indent;
    for (int64_t i = 0, before = -1; i < ad_dims(p->x)[axis]; before = i, i = next_shown(p, axis, i)) {
        if (i) {
            put_string(&p->text, " ");
            p->column++;
        }
        size_t start = p->text.length;
        if (i != before + 1) {
            put_string(&p->text, "...");
            wrap(p, start, indent, width);
            put_string(&p->text, " ");
            p->column++;
            start = p->text.length;
        }
        put_element(p, at + i * ad_strides(p->x)[axis]);
        wrap(p, start, indent, width);
    }
}

static void put_array(struct printer *p, int axis, const char *at)
{
    int left = p->x->ndim - axis;
    put_string(&p->text, "[");
    if (left == 1)
        put_row(p, at);
    for (int64_t i = 0, before = -1; left > 1 && i < ad_dims(p->x)[axis]; before = i, i = next_shown(p, axis, i)) {
        if (i != before + 1) {
            put_repeated(&p->text, '\n', left - 1);
            put_repeated(&p->text, ' ', axis + 1);
            put_string(&p->text, "...");
        }
        if (i) {
            put_repeated(&p->text, '\n', left - 1);
            put_repeated(&p->text, ' ', axis + 1);
        }
        put_array(p, axis + 1, at + i * ad_strides(p->x)[axis]);
    }
    put_string(&p->text, "]");
}

static void put_scalar(struct text *t, const ad_array *x)
{
    ad_dtype dtype = (ad_dtype)x->dtype;
    struct element e = element_at(dtype, x->data);
    bool single = dtype == AD_F32 || dtype == AD_C64;
    char word[WORD_BYTES];
    if (dtype == AD_BOOL)
        strcpy(word, e.integer ? "True" : "False");
    else if (!ad_dtype_is_inexact(dtype))
        snprintf(word, sizeof word, "%lld", e.integer);
    else if (ad_dtype_is_complex(dtype))
        write_complex_scalar(word, e.part, single);
    else
        write_scalar(word, e.part[0], single, false, false);
    put_string(t, word);
}

static void put_all(struct printer *p)
{
    const ad_array *x = p->x;
    bool single = x->dtype == AD_F32 || x->dtype == AD_C64;
    p->summary = x->size > THRESHOLD;
    p->form[0].single = p->form[1].single = single;
    p->form[1].plus = true;
    see_all(p, 0, x->data, see_element_size);
    for (int part = 0; part < 2; part++)
        p->form[part].scientific = wants_scientific(&p->form[part]);
    if (ad_dtype_is_inexact((ad_dtype)x->dtype))
        see_all(p, 0, x->data, see_element_width);
    for (int part = 0; part < 2; part++)
        make_room_for_not_finite(&p->form[part]);
    put_array(p, 0, x->data);
}

char *ad_tostring(const ad_array *x)
{
    if (!ad_given(x, "ad_tostring", "array"))
        return NULL;
    AD_RUNNING(ad_current(), "ad_tostring");
    struct printer p = { .x = x };
    if (x->ndim == 0)
        put_scalar(&p.text, x);
    else if (x->size == 0)
        put_string(&p.text, "[]");
    else
        put_all(&p);
    if (!p.text.failed)
        return p.text.data;
    free(p.text.data);
    return ad_set_error(AD_ERROR_MEMORY, "ad_tostring: no memory for the text of an array of shape %s", AD_SHAPE_TEXT(x));
}

void ad_fprint(FILE *stream, const ad_array *x)
{
    const char *name = stream == stdout ? "ad_print" : "ad_fprint";
    if (!ad_given(stream, name, "stream") || !ad_given(x, name, "array"))
        return;
    char *text = ad_tostring(x);
    if (text && (fputs(text, stream) == EOF || fputc('\n', stream) == EOF))
        ad_set_error(AD_ERROR_IO, "ad_fprint: the text cannot be written");
    free(text);
}

void ad_print(const ad_array *x)
{
    ad_fprint(stdout, x);
}
