/* Names of values in a program: no two values have one, and each is either a word or stands in quotes, as a text of C.
 *
 * A name that is taken gets a number, W_2, W_3. Those that could be taken for a number of the program's own, as v3,
 * stand in quotes as well, so that what stands without them is known by its form. */
#include "tape/names.h"
#include "array/hash.h"
#include <inttypes.h>

/* ---- which are taken ---- */

static uint32_t *entry_of(const struct ad_names *n, const char *name)
{
    uint64_t hash = 0;
    for (const char *byte = name; *byte; byte++)
        hash = ad_hash(hash, (uint64_t)(unsigned char)*byte);
    uint64_t at = hash >> 32;
    while (n->table[at &= n->table_size - 1] && strcmp(n->taken[n->table[at] - 1].text, name) != 0)
        at++;
    return &n->table[at];
}

static bool table_grow(ad_context *c, struct ad_names *n)
{
    uint32_t size = n->table_size ? 2 * n->table_size : 64, *old = n->table, old_size = n->table_size;
    if (2 * (n->count + 1) <= n->table_size)
        return true;
    uint32_t *table = ad_allocate(c, size * sizeof *table);
    if (!table)
        return false;
    memset(table, 0, size * sizeof *table);
    n->table = table;
    n->table_size = size;
    for (uint32_t i = 0; i < n->count; i++)
        *entry_of(n, n->taken[i].text) = i + 1;
    ad_deallocate(c, old, old_size * sizeof *old);
    return true;
}

static bool take(ad_context *c, struct ad_names *n, const char *name, uint32_t *number)
{
    if (!table_grow(c, n) || !ad_grow(c, &n->taken, &n->room, sizeof *n->taken, n->count + 1))
        return false;
    struct ad_taken_name *taken = &n->taken[n->count];
    snprintf(taken->text, sizeof taken->text, "%s", name);
    taken->repeats = 1;
    *entry_of(n, taken->text) = ++n->count;
    *number = n->count;
    return true;
}

bool ad_names_take(ad_context *c, struct ad_names *n, const char *name, uint32_t *number)
{
    char text[AD_TAKEN_NAME_BYTES];
    uint32_t entry = n->count ? *entry_of(n, name) : 0;
    snprintf(text, sizeof text, "%s", name);
    while (entry && *entry_of(n, text))
        snprintf(text, sizeof text, "%s_%" PRIu32, name, ++n->taken[entry - 1].repeats);
    return take(c, n, text, number);
}

void ad_names_free(ad_context *c, struct ad_names *n)
{
    ad_deallocate(c, n->taken, n->room * sizeof *n->taken);
    ad_deallocate(c, n->table, n->table_size * sizeof *n->table);
}

/* ---- how they are written ---- */

/* Bytes of the character of UTF-8 that begins here, if it is one of more than one; 0: it is not. */
static int wide(const unsigned char *at)
{
    int bytes = *at >= 0xf0 && *at < 0xf5 ? 4 : *at >= 0xe0 && *at < 0xf0 ? 3 : *at >= 0xc2 && *at < 0xe0 ? 2 : 0;
    for (int i = 1; i < bytes; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (*at == 0xe0 && at[1] < 0xa0) || (*at == 0xf0 && at[1] < 0x90);
    bool beyond = (*at == 0xed && at[1] > 0x9f) || (*at == 0xf4 && at[1] > 0x8f); /* surrogates, and what is no character */
    return overlong || beyond ? 0 : bytes;
}

static bool is_ascii_letter(unsigned char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
}

static bool is_digit(unsigned char byte)
{
    return byte >= '0' && byte <= '9';
}

/* "v3", "c0" */
static bool is_numbered(const unsigned char *text)
{
    if ((*text != 'v' && *text != 'c') || !is_digit(text[1]))
        return false;
    for (text++; is_digit(*text);)
        text++;
    return !*text;
}

/* Letters, digits, and what stands between the parts of a path. */
static bool is_word(const unsigned char *text)
{
    if ((!is_ascii_letter(*text) && !wide(text)) || is_numbered(text))
        return false;
    for (int bytes; *text; text += bytes) {
        bytes = *text < 0x80 ? is_ascii_letter(*text) || is_digit(*text) || *text == '.' || *text == '/' : wide(text);
        if (!bytes)
            return false;
    }
    return true;
}

void ad_write_quoted(FILE *out, const char *text)
{
    static const char escaped[] = "\n\t\r\"\\", letters[] = "ntr\"\\";
    fputc('"', out);
    for (const unsigned char *at = (const unsigned char *)text, *end; *at; at = end) {
        const char *escape = strchr(escaped, *at);
        int bytes = wide(at);
        end = at + (bytes ? bytes : 1);
        if (escape)
            fprintf(out, "\\%c", letters[escape - escaped]);
        else if (bytes || (*at >= ' ' && *at < 0x7f))
            fprintf(out, "%.*s", (int)(end - at), (const char *)at);
        else
            fprintf(out, "\\%03o", *at);
    }
    fputc('"', out);
}

void ad_names_write(FILE *out, const struct ad_names *n, uint32_t number)
{
    const char *text = n->taken[number - 1].text;
    if (is_word((const unsigned char *)text))
        fprintf(out, "%s", text);
    else
        ad_write_quoted(out, text);
}
