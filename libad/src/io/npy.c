/* .npy, NumPy's format for one array: "\x93NUMPY", two bytes of version, the length of the header, the header as a
 * Python dictionary, the elements. The specification is NumPy Enhancement Proposal 1.
 *
 * The header is read by a parser for just this dictionary, which knows at every step where in the file it is. */
#include "ad/io.h"
#include "io/io.h"
#include <stdio.h>
#include <string.h>

enum { LONGEST_HEADER = 10000, PREFIX = 10 };

/* ---- reading ---- */

struct header {
    struct ad_file *file;
    int64_t start; /* offset in the file of the text */
    char text[LONGEST_HEADER + 1];
    const char *at;

    ad_shape shape;
    ad_dtype dtype;
    bool fortran, swapped;
};

static bool malformed(const struct header *h, const char *what)
{
    return (ad_file_damaged(h->file, h->start + (h->at - h->text), "%s in the header of a .npy file", what), false);
}

static void skip_blanks(struct header *h)
{
    h->at += strspn(h->at, " \t\r\n");
}

static bool accept(struct header *h, const char *token)
{
    skip_blanks(h);
    size_t length = strlen(token);
    if (strncmp(h->at, token, length) != 0)
        return false;
    h->at += length;
    return true;
}

static bool expect(struct header *h, const char *token)
{
    char what[32];
    snprintf(what, sizeof what, "no %s", token);
    return accept(h, token) || malformed(h, what);
}

static bool read_string(struct header *h, char *out, size_t room)
{
    skip_blanks(h);
    char quote[2] = { *h->at, '\0' };
    if (*quote != '\'' && *quote != '"')
        return malformed(h, "no string");
    size_t length = strcspn(h->at + 1, quote);
    if (length >= room || h->at[1 + length] != *quote)
        return malformed(h, "a string that is too long or not closed");
    memcpy(out, h->at + 1, length);
    out[length] = '\0';
    h->at += length + 2;
    return true;
}

static bool read_length(struct header *h, int64_t *length)
{
    skip_blanks(h);
    const char *first = h->at;
    int64_t n = 0;
    for (; *h->at >= '0' && *h->at <= '9'; h->at++)
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *h->at - '0', &n))
            return malformed(h, "a length that is too large");
    *length = n;
    if (h->at == first)
        return malformed(h, "no length");
    accept(h, "L"); /* as Python 2 wrote it */
    return true;
}

/* Reads a tuple: (), (3,), (3, 4). */
static bool read_shape(struct header *h)
{
    if (!expect(h, "("))
        return false;
    bool comma = true;
    for (h->shape.ndim = 0; !accept(h, ")"); h->shape.ndim++) {
        if (h->shape.ndim == AD_MAX_NDIM)
            return malformed(h, "more than 32 axes");
        if (!comma)
            return malformed(h, "no comma");
        if (!read_length(h, &h->shape.dim[h->shape.ndim]))
            return false;
        comma = accept(h, ",");
    }
    return h->shape.ndim != 1 || comma || malformed(h, "no tuple");
}

static const char *const codes[AD_DTYPE_COUNT] = {
    [AD_F64] = "f8", [AD_F32] = "f4", [AD_C128] = "c16", [AD_C64] = "c8", [AD_I64] = "i8", [AD_I32] = "i4", [AD_U8] = "u1", [AD_BOOL] = "b1",
};

static bool no_such_dtype(const struct header *h, const char *description)
{
    return AD_FAIL(AD_ERROR_DTYPE, "%s: %s has elements of type %s; f8, f4, c16, c8, i8, i4, u1 and b1 are possible", h->file->operation, h->file->path,
                   description);
}

static bool read_dtype(struct header *h)
{
    char description[32];
    skip_blanks(h);
    if (*h->at == '[' || *h->at == '(')
        return no_such_dtype(h, "several fields");
    if (!read_string(h, description, sizeof description))
        return false;
    bool has_order = *description && strchr("<>|=", *description);
    h->swapped = *description == (AD_LITTLE_ENDIAN ? '>' : '<');
    for (int dtype = 0; dtype < AD_DTYPE_COUNT; dtype++)
        if (strcmp(description + has_order, codes[dtype]) == 0) {
            h->dtype = (ad_dtype)dtype;
            return true;
        }
    return no_such_dtype(h, description);
}

static bool read_order(struct header *h)
{
    h->fortran = accept(h, "True");
    return h->fortran || expect(h, "False");
}

static bool parse(struct header *h)
{
    static const struct {
        const char *key;
        bool (*read)(struct header *);
    } entries[] = { { "descr", read_dtype }, { "fortran_order", read_order }, { "shape", read_shape } };
    unsigned seen = 0;
    if (!expect(h, "{"))
        return false;
    while (!accept(h, "}")) {
        char key[16];
        if (!read_string(h, key, sizeof key) || !expect(h, ":"))
            return false;
        int i = 0;
        while (i < 3 && strcmp(key, entries[i].key) != 0)
            i++;
        if (i == 3 || seen & 1u << i)
            return malformed(h, i == 3 ? "an unknown key" : "a key that stands there twice");
        seen |= 1u << i;
        if (!entries[i].read(h))
            return false;
        if (!accept(h, ",") && *h->at != '}')
            return malformed(h, "no comma");
    }
    skip_blanks(h);
    if (*h->at)
        return malformed(h, "something after the dictionary");
    return seen == 7 || malformed(h, "no descr, fortran_order or shape");
}

static bool read_header(struct header *h)
{
    unsigned char head[12];
    if (!ad_file_read(h->file, head, 8, "its header"))
        return false;
    if (memcmp(head, "\x93NUMPY", 6) != 0)
        return (ad_file_damaged(h->file, 0, "it does not begin with \\x93NUMPY as a .npy file does"), false);
    int version = head[6], bytes = version == 1 ? 2 : 4;
    if (version < 1 || version > 3)
        return (ad_file_damaged(h->file, 6, "version %d; versions 1 to 3 are known", version), false);
    if (!ad_file_read(h->file, head + 8, bytes, "its header"))
        return false;
    uint32_t length = head[8] | (uint32_t)head[9] << 8;
    if (bytes == 4)
        length |= (uint32_t)head[10] << 16 | (uint32_t)head[11] << 24;
    if (length > LONGEST_HEADER)
        return (ad_file_damaged(h->file, 8, "a header of %u bytes; at most %d are reasonable", length, LONGEST_HEADER), false);
    h->start = h->file->offset;
    h->at = h->text;
    if (!ad_file_read(h->file, h->text, length, "its header"))
        return false;
    h->text[length] = '\0';
    return strlen(h->text) == length ? parse(h) : (ad_file_damaged(h->file, h->start + (int64_t)strlen(h->text), "a zero byte in the header"), false);
}

static ad_shape reversed(ad_shape shape)
{
    ad_shape r = { .ndim = shape.ndim };
    for (int i = 0; i < shape.ndim; i++)
        r.dim[i] = shape.dim[shape.ndim - 1 - i];
    return r;
}

/* x with its axes in reverse order, on the same memory. */
static ad_array *reverse_axes(const ad_array *x)
{
    ad_shape shape = reversed(ad_shape_make(x->ndim, ad_dims(x))), strides = reversed(ad_shape_make(x->ndim, ad_strides(x)));
    return ad_array_view(ad_current(), x, (ad_dtype)x->dtype, x->ndim, shape.dim, strides.dim, 0);
}

ad_array *ad_npy_read(struct ad_file *f)
{
    struct header h = { .file = f };
    if (!read_header(&h))
        return NULL;
    ad_shape stored = h.fortran ? reversed(h.shape) : h.shape;
    size_t item = ad_dtype_size(h.dtype), parts = ad_dtype_is_complex(h.dtype) ? 2 : 1;
    ad_array *x = ad_file_read_array(f, h.dtype, &stored, item);
    if (!x || ad_file_more(f) < 0) /* more may follow, but a checksum must fit */
        return NULL;
    if (h.swapped)
        ad_swap_bytes(memory_of(x), item / parts, x->size * (int64_t)parts);
    for (int64_t i = 0; h.dtype == AD_BOOL && i < x->size; i++)
        memory_of(x)[i] = memory_of(x)[i] != 0;
    return h.fortran ? reverse_axes(x) : x;
}

ad_array *ad_load(const char *path)
{
    return ad_file_load("ad_load", path, ad_npy_read);
}

/* ---- writing ---- */

/* Writes the header, with blanks and a newline so that the data begin at a multiple of 64 bytes. */
int ad_npy_header(char *out, size_t room, const ad_array *x)
{
    ad_dtype dtype = (ad_dtype)x->dtype;
    char order = ad_dtype_size(dtype) == 1 ? '|' : AD_LITTLE_ENDIAN ? '<' : '>';
    int length = PREFIX + snprintf(out + PREFIX, room - PREFIX, "{'descr': '%c%s', 'fortran_order': False, 'shape': (", order, codes[dtype]);
    for (int i = 0; i < x->ndim; i++)
        length += snprintf(out + length, room - (size_t)length, x->ndim == 1 ? "%lld," : i ? ", %lld" : "%lld", (long long)ad_dims(x)[i]);
    length += snprintf(out + length, room - (size_t)length, "), }");
    for (; length % 64 != 63; length++)
        out[length] = ' ';
    out[length++] = '\n';
    memcpy(out, "\x93NUMPY\x01\x00", 8);
    out[8] = (char)((length - PREFIX) & 0xff);
    out[9] = (char)((length - PREFIX) >> 8);
    return length;
}

static bool write_npy(struct ad_file *f, const ad_array *x)
{
    char header[AD_NPY_HEADER];
    return ad_file_write(f, header, ad_npy_header(header, sizeof header, x)) &&
           ad_file_write(f, memory_of(x), x->size * (int64_t)ad_dtype_size((ad_dtype)x->dtype));
}

bool ad_save(const char *path, const ad_array *x)
{
    return ad_given(x, "ad_save", "array") && ad_file_save_array("ad_save", path, x, write_npy);
}
