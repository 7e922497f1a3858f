/* From NumPy's index notation to a list of ad_index: integers, start:stop:step, None, "...", separated by commas.
 *
 * Reads text only; what the entries mean for an array is index.c's concern. */
#include "ad/index.h"
#include "ops/ops.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    const char *operation, *text, *at;
};

static bool refuse(const struct reader *r, const char *why)
{
    return AD_FAIL(AD_ERROR_INDEX, "%s: index \"%s\": %s at \"%s\"", r->operation, r->text, why, r->at);
}

/* Of ASCII, whatever the locale says. */
static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static void skip_blanks(struct reader *r)
{
    while (*r->at && strchr(" \t\n\v\f\r", *r->at))
        r->at++;
}

/* A word or mark, if it comes next. */
static bool accept(struct reader *r, const char *word)
{
    size_t length = strlen(word);
    skip_blanks(r);
    if (strncmp(r->at, word, length) != 0 || (is_alphanumeric(*word) && is_alphanumeric(r->at[length])))
        return false;
    r->at += length;
    return true;
}

/* An integer; leaves *value alone if none comes next. false and an error if it has more digits than fit. */
static bool read_integer(struct reader *r, int64_t *value, bool *found)
{
    skip_blanks(r);
    const char *digits = r->at + (*r->at == '-' || *r->at == '+');
    *found = isdigit((unsigned char)*digits);
    if (!*found)
        return true;
    char *end;
    errno = 0;
    long long number = strtoll(r->at, &end, 10);
    if (errno == ERANGE || number == AD_NO_INDEX)
        return refuse(r, "an integer out of range");
    r->at = end;
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
        return has_start || refuse(r, "an integer, a slice, None or ... should stand");
    }
    if (!read_integer(r, &entry->stop, &has_end))
        return false;
    return !accept(r, ":") || read_integer(r, &entry->step, &has_end);
}

bool ad_index_parse(const char *operation, const char *format, va_list arguments, ad_index_list *indices)
{
    char text[512];
    indices->count = 0;
    if (!format)
        return AD_FAIL(AD_ERROR_INDEX, "%s: the index is NULL", operation);
    int length = vsnprintf(text, sizeof text, format, arguments);
    if (length < 0 || (size_t)length >= sizeof text)
        return AD_FAIL(AD_ERROR_INDEX, "%s: the index is longer than %zu characters", operation, sizeof text - 1);
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
            return refuse(&r, "a comma should stand");
        skip_blanks(&r);
        if (*r.at == '\0') /* a comma at the end, as in x[0,] */
            return true;
    }
}
