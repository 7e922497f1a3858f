/* Files as the formats see them; see io.h.
 *
 * The invariant: no more memory is taken than the file can fill, which for a compressed one is 1032 times its size, the most that the
 * deflate format can expand to. */
#include "io/io.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_EXPANSION = 1032, MOST_AT_ONCE = 1 << 30 };

static bool system_error(const struct ad_file *f, const char *what)
{
    ad_set_error(AD_ERROR_IO, "%s: %s cannot be %s: %s", f->operation, f->path, what, errno ? strerror(errno) : "no memory");
    return false;
}

static bool open_stream(struct ad_file *f, const char *mode, const char *what)
{
    errno = 0;
    f->stream = gzopen(f->path, mode);
    return f->stream || system_error(f, what);
}

static bool named(struct ad_file *f, const char *operation, const char *path)
{
    *f = (struct ad_file){ .operation = operation, .path = path };
    return path || ad_set_error(AD_ERROR_VALUE, "%s: the file name is NULL", operation);
}

static bool open_to_read(struct ad_file *f, const char *operation, const char *path)
{
    struct stat status;
    if (!named(f, operation, path))
        return false;
    if (stat(path, &status) != 0)
        return system_error(f, "read");
    if (!S_ISREG(status.st_mode))
        return ad_set_error(AD_ERROR_IO, "%s: %s is not a regular file", operation, path) != NULL;
    if (!open_stream(f, "rb", "read"))
        return false;
    int64_t expansion = gzdirect(f->stream) ? 1 : MOST_EXPANSION;
    f->bound = status.st_size > INT64_MAX / expansion ? INT64_MAX : status.st_size * expansion;
    return true;
}

ad_array *ad_file_load(const char *operation, const char *path, ad_array *(*load)(struct ad_file *))
{
    struct ad_file f;
    if (!open_to_read(&f, operation, path))
        return NULL;
    ad_scope scope = ad_scope_open();
    ad_array *x = scope.depth == AD_NO_SCOPE ? NULL : ad_escape(load(&f));
    ad_scope_close(scope);
    gzclose(f.stream);
    return x;
}

bool ad_file_open_write(struct ad_file *f, const char *operation, const char *path)
{
    if (!named(f, operation, path))
        return false;
    size_t length = strlen(path);
    bool compressed = length >= 3 && strcmp(path + length - 3, ".gz") == 0;
    return open_stream(f, compressed ? "wb" : "wbT", "written");
}

void *ad_file_damaged(const struct ad_file *f, int64_t offset, const char *format, ...)
{
    char what[300];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return ad_set_error(AD_ERROR_FORMAT, "%s: %s is damaged at byte %lld: %s", f->operation, f->path, (long long)offset, what);
}

/* zlib's account of what went wrong, which begins with the path. */
static bool stream_error(const struct ad_file *f, const char *what)
{
    int code;
    const char *message = gzerror(f->stream, &code);
    size_t length = strlen(f->path);
    if (strncmp(message, f->path, length) == 0 && strncmp(message + length, ": ", 2) == 0)
        message += length + 2;
    if (code == Z_MEM_ERROR)
        ad_set_error(AD_ERROR_MEMORY, "%s: no memory to decompress %s", f->operation, f->path);
    else if (code == Z_ERRNO || code == Z_STREAM_ERROR)
        return system_error(f, what);
    else
        ad_file_damaged(f, f->offset, "%s", message);
    return false;
}

bool ad_file_read(struct ad_file *f, void *out, int64_t bytes, const char *what)
{
    for (int64_t done = 0; done < bytes;) {
        int64_t left = bytes - done;
        errno = 0;
        int got = gzread(f->stream, (char *)out + done, (unsigned)(left < MOST_AT_ONCE ? left : MOST_AT_ONCE));
        if (got < 0)
            return stream_error(f, "read");
        if (got == 0)
            return ad_file_damaged(f, f->offset, "it ends within %s, %lld bytes short", what, (long long)left) != NULL;
        done += got;
        f->offset += got;
    }
    return true;
}

int ad_file_more(struct ad_file *f)
{
    char next;
    int code;
    errno = 0;
    int got = gzread(f->stream, &next, 1);
    if (got > 0)
        return 1;
    gzerror(f->stream, &code);
    return got == 0 && code == Z_OK ? 0 : (stream_error(f, "read"), -1);
}

ad_array *ad_file_read_array(struct ad_file *f, ad_dtype dtype, const ad_shape *shape, size_t stored_size)
{
    int64_t size;
    if (!ad_shape_checked_size(shape->ndim, shape->dim, ad_dtype_size(dtype), &size))
        return ad_file_damaged(f, f->offset, "more elements than can be addressed");
    int64_t bytes = size * (int64_t)stored_size;
    if (bytes > f->bound - f->offset)
        return ad_file_damaged(f, f->offset, "it claims %lld bytes of data, but has room for at most %lld", (long long)bytes,
                               (long long)(f->bound > f->offset ? f->bound - f->offset : 0));
    ad_array *x = ad_array_new(ad_current(), dtype, shape->ndim, shape->dim);
    if (!x || !ad_file_read(f, x->data + size * (int64_t)ad_dtype_size(dtype) - bytes, bytes, "its data"))
        return NULL;
    return x;
}

bool ad_file_write(struct ad_file *f, const void *data, int64_t bytes)
{
    for (int64_t done = 0; done < bytes;) {
        int64_t left = bytes - done;
        errno = 0;
        int written = gzwrite(f->stream, (const char *)data + done, (unsigned)(left < MOST_AT_ONCE ? left : MOST_AT_ONCE));
        if (written <= 0)
            return stream_error(f, "written");
        done += written;
        f->offset += written;
    }
    return true;
}

bool ad_file_close(struct ad_file *f)
{
    errno = 0;
    int code = gzclose(f->stream);
    return code == Z_OK || code == Z_BUF_ERROR || system_error(f, "written");
}

void ad_swap_bytes(void *data, size_t item, int64_t count)
{
    unsigned char *at = data;
    for (int64_t i = 0; i < count; i++, at += item)
        for (size_t j = 0; j < item / 2; j++) {
            unsigned char byte = at[j];
            at[j] = at[item - 1 - j];
            at[item - 1 - j] = byte;
        }
}
