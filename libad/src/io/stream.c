/* The bytes of a file, through zlib if it is compressed.
 *
 * A compressed file is one or more gzip members, one after another. What follows the last one and is not a member is
 * ignored. zlib's memory is libad's, so that a limit holds for it too. Calls that a signal interrupts go on. */
#include "io/io.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { ROOM = 1 << 15, MOST_AT_ONCE = 1 << 30, GZIP = 16 + MAX_WBITS };

static void *zlib_allocate(void *context, unsigned items, unsigned size)
{
    (void)context;
    return ad_memory_take((size_t)items * size);
}

static void zlib_free(void *context, void *block)
{
    (void)context;
    ad_memory_give(block);
}

static bool begin(struct ad_file *f, bool reading)
{
    f->reading = reading;
    f->z = (z_stream){ .zalloc = zlib_allocate, .zfree = zlib_free };
    f->buffer = ad_allocate(ad_current(), ROOM);
    return f->buffer != NULL;
}

void ad_stream_close(struct ad_file *f)
{
    if (f->compressed)
        (f->reading ? inflateEnd : deflateEnd)(&f->z);
    ad_deallocate(ad_current(), f->buffer, ROOM);
    f->buffer = NULL;
}

static bool no_memory(const struct ad_file *f, const char *what)
{
    ad_set_error(AD_ERROR_MEMORY, "%s: no memory to %s %s", f->operation, what, f->path);
    return false;
}

/* ---- reading ---- */

/* As the system's read(): -1 and an error. */
static int64_t read_some(struct ad_file *f, void *out, int64_t bytes)
{
    ssize_t got;
    do
        got = read(f->descriptor, out, (size_t)(bytes < MOST_AT_ONCE ? bytes : MOST_AT_ONCE));
    while (got < 0 && errno == EINTR);
    f->file_ended |= got == 0;
    return got < 0 ? (ad_file_refused(f, "read"), -1) : got;
}

/* Fills the buffer with at least `least` bytes, unless the file ends. */
static bool look_ahead(struct ad_file *f, unsigned least)
{
    if (f->z.avail_in < least && f->z.avail_in > 0)
        memmove(f->buffer, f->z.next_in, f->z.avail_in);
    if (f->z.avail_in < least)
        f->z.next_in = f->buffer;
    while (f->z.avail_in < least && !f->file_ended) {
        int64_t got = read_some(f, f->buffer + f->z.avail_in, ROOM - f->z.avail_in);
        if (got < 0)
            return false;
        f->z.avail_in += (unsigned)got;
    }
    return true;
}

static bool at_gzip_member(const struct ad_file *f)
{
    return f->z.avail_in >= 2 && f->z.next_in[0] == 0x1f && f->z.next_in[1] == 0x8b;
}

bool ad_stream_read_begin(struct ad_file *f)
{
    if (!begin(f, true) || !look_ahead(f, 2))
        return false;
    if (!at_gzip_member(f))
        return true;
    f->compressed = inflateInit2(&f->z, GZIP) == Z_OK;
    return f->compressed || no_memory(f, "decompress");
}

static int64_t read_plain(struct ad_file *f, char *out, int64_t bytes)
{
    int64_t done = bytes < f->z.avail_in ? bytes : f->z.avail_in;
    memcpy(out, f->z.next_in, (size_t)done);
    f->z.next_in += done;
    f->z.avail_in -= (unsigned)done;
    while (done < bytes && !f->file_ended) {
        int64_t got = read_some(f, out + done, bytes - done);
        if (got < 0)
            return -1;
        done += got;
    }
    return done;
}

/* Decompresses into the rest of z's output; false and an error. */
static bool inflate_some(struct ad_file *f)
{
    if (!look_ahead(f, 1))
        return false;
    int64_t before = f->z.avail_out;
    int code = inflate(&f->z, Z_NO_FLUSH);
    int64_t offset = f->offset + before - f->z.avail_out;
    if (code == Z_STREAM_END) {
        if (!look_ahead(f, 2))
            return false;
        f->content_ended = !at_gzip_member(f) || inflateReset(&f->z) != Z_OK;
        return true;
    }
    if (code == Z_MEM_ERROR)
        return no_memory(f, "decompress");
    if (code != Z_OK && code != Z_BUF_ERROR)
        return (ad_file_damaged(f, offset, "%s", f->z.msg ? f->z.msg : "it cannot be decompressed"), false);
    if (f->z.avail_out && !f->z.avail_in && f->file_ended)
        return (ad_file_damaged(f, offset, "the compressed file ends too early"), false);
    return true;
}

int64_t ad_stream_read(struct ad_file *f, void *out, int64_t bytes)
{
    int64_t done = 0;
    if (f->entry)
        return ad_archive_read(f, out, bytes);
    if (!f->compressed)
        return read_plain(f, out, bytes);
    while (done < bytes && !f->content_ended) {
        unsigned room = (unsigned)(bytes - done < MOST_AT_ONCE ? bytes - done : MOST_AT_ONCE);
        f->z.next_out = (unsigned char *)out + done;
        f->z.avail_out = room;
        if (!inflate_some(f))
            return -1;
        done += room - f->z.avail_out;
    }
    return done;
}

/* ---- writing ---- */

bool ad_stream_write_begin(struct ad_file *f)
{
    size_t length = strlen(f->path);
    if (!begin(f, false))
        return false;
    if (length < 3 || strcmp(f->path + length - 3, ".gz") != 0)
        return true;
    f->compressed = deflateInit2(&f->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP, 8, Z_DEFAULT_STRATEGY) == Z_OK;
    return f->compressed || no_memory(f, "compress");
}

static bool write_all(const struct ad_file *f, const void *data, int64_t bytes)
{
    for (int64_t done = 0; done < bytes;) {
        int64_t left = bytes - done;
        ssize_t written = write(f->descriptor, (const char *)data + done, (size_t)(left < MOST_AT_ONCE ? left : MOST_AT_ONCE));
        if (written < 0 && errno != EINTR)
            return ad_file_refused(f, "written");
        done += written > 0 ? written : 0;
    }
    return true;
}

/* Compresses all of z's input. */
static bool deflate_all(struct ad_file *f, int flush)
{
    do {
        f->z.next_out = f->buffer;
        f->z.avail_out = ROOM;
        deflate(&f->z, flush);
        if (!write_all(f, f->buffer, ROOM - f->z.avail_out))
            return false;
    } while (f->z.avail_out == 0);
    return true;
}

bool ad_file_write(struct ad_file *f, const void *data, int64_t bytes)
{
    if (!f->compressed)
        return write_all(f, data, bytes);
    for (int64_t done = 0, part; done < bytes; done += part) {
        part = bytes - done < MOST_AT_ONCE ? bytes - done : MOST_AT_ONCE;
        f->z.next_in = (unsigned char *)(uintptr_t)data + done;
        f->z.avail_in = (unsigned)part;
        if (!deflate_all(f, Z_NO_FLUSH))
            return false;
    }
    return true;
}

bool ad_stream_write_end(struct ad_file *f)
{
    return !f->compressed || deflate_all(f, Z_FINISH);
}
