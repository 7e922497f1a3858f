/* From NumPy's index notation to a list of ad_index: integers, start:stop:step, None, "...", separated by commas.
 *
 * It reads only text. What the entries mean for an array is found out in index.c. */
#include "ad/index.h"
#include "ops/ops.h"
#include <stdio.h>
#include <string.h>

struct reader {
    const char *operation, *text, *at;
};

static bool refuse(const struct reader *r, const char *why)
{
    return AD_FAIL(AD_ERROR_INDEX, "%s: index \"%s\": %s at \"%s\"", r->operation, r->text, why, r->at);
}

/* For ASCII, whatever the locale says. */
static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void skip_blanks(struct reader *r)
{
    while (*r->at == ' ' || (*r->at >= '\t' && *r->at <= '\r'))
        r->at++;
}

/* Reads a word or a mark, given as a literal, if it comes next. */
AD_ALWAYS_INLINE bool accept(struct reader *r, const char *word)
{
    const size_t length = strlen(word);
    skip_blanks(r);
    if (*r->at != *word)
        return false;
    if (strncmp(r->at, word, length) != 0 || (is_alphanumeric(*word) && is_alphanumeric(r->at[length])))
        return false;
    r->at += length;
    return true;
}

/* Reads an integer. If none comes next, *value is unchanged. false and an error if it has more digits than fit. */
static bool read_integer(struct reader *r, int64_t *value, bool *found)
{
    skip_blanks(r);
    const char *digits = r->at + (*r->at == '-' || *r->at == '+');
    *found = is_digit(*digits);
    if (!*found)
        return true;
    int64_t number = 0, sign = *r->at == '-' ? -1 : 1;
    bool fits = true;
    for (; is_digit(*digits); digits++)
        fits = fits && !__builtin_mul_overflow(number, 10, &number) && !__builtin_add_overflow(number, sign * (*digits - '0'), &number);
    if (!fits || number == AD_NO_INDEX)
        return refuse(r, "an integer out of range");
    r->at = digits;
    *value = number;
    return true;
}

/* One entry: up to a comma or the end. */
static bool read_entry(struct reader *r, ad_index *entry)
{
    bool has_start, has_end;
    if (accept(r, "...")) {
        *entry = AD_REST;
        return true;
    }
    if (accept(r, "None") || accept(r, "newaxis")) {
        *entry = AD_NEW_AXIS;
        return true;
    }
    *entry = AD_SLICE_ALL;
    if (!read_integer(r, &entry->start, &has_start))
        return false;
    if (!accept(r, ":")) {
        entry->kind = AD_INDEX_INTEGER;
        return has_start || refuse(r, "an integer, a slice, None or ... is expected");
    }
    if (!read_integer(r, &entry->stop, &has_end))
        return false;
    return !accept(r, ":") || read_integer(r, &entry->step, &has_end);
}

/* ---- the text ---- */

enum { ROOM = 512, LONGEST_INTEGER = 11 };

/* Writes a decimal number. Gives its end. */
static char *write_integer(char *to, int value)
{
    unsigned rest = value < 0 ? -(unsigned)value : (unsigned)value, digits = 1;
    if (value < 0)
        *to++ = '-';
    for (unsigned power = rest; power >= 10; power /= 10)
        digits++;
    for (char *at = to + digits; at-- > to; rest /= 10)
        *at = (char)('0' + rest % 10);
    return to + digits;
}

/* What vsnprintf gives if the format has no directive other than %d, as most have none. False if it has another one, or
 * if there is no room. */
static bool write_quickly(char *text, const char *format, va_list arguments)
{
    char *to = text;
    for (; *format; format++) {
        if (to + LONGEST_INTEGER >= text + ROOM)
            return false;
        if (*format != '%')
            *to++ = *format;
        else if (*++format == 'd')
            to = write_integer(to, va_arg(arguments, int));
        else
            return false;
    }
    *to = '\0';
    return true;
}

/* False and an error if the text is too long. */
static bool write_text(const char *operation, char *text, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int length = write_quickly(text, format, again) ? 0 : vsnprintf(text, ROOM, format, arguments);
    va_end(again);
    return (length >= 0 && length < ROOM) || AD_FAIL(AD_ERROR_INDEX, "%s: the index is longer than %d characters", operation, ROOM - 1);
}

bool ad_index_parse(const char *operation, const char *format, va_list arguments, ad_index_list *indices)
{
    char text[ROOM];
    indices->count = 0;
    if (!format)
        return AD_FAIL(AD_ERROR_INDEX, "%s: the index is NULL", operation);
    if (!write_text(operation, text, format, arguments))
        return false;
    struct reader r = { operation, text, text };
    skip_blanks(&r);
    if (*r.at == '\0')
        return refuse(&r, "nothing to read");
    for (;;) {
        if (indices->count == (int)(sizeof indices->index / sizeof *indices->index))
            return refuse(&r, "too many entries");
        if (!read_entry(&r, &indices->index[indices->count]))
            return false;
        indices->count++;
        skip_blanks(&r);
        if (*r.at == '\0')
            return true;
        if (!accept(&r, ","))
            return refuse(&r, "a comma is expected");
        skip_blanks(&r);
        if (*r.at == '\0') /* a comma at the end, as in x[0,] */
            return true;
    }
}
