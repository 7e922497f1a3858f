/* Files as the formats see them; see io.h.
 *
 * The invariants: no more memory is taken than the file can fill, which for a compressed file is 1032 times its size,
 * the most that the deflate format can expand to. A regular file is never half written: the new one is made beside it,
 * and renamed when it is complete and on the disk. */
#include "io/io.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MOST_EXPANSION = 1032, MOST_TRIES = 100 };

/* ---- errors ---- */

bool ad_file_refused(const struct ad_file *f, const char *what)
{
    int reason = errno;
    ad_set_error(reason == ENOMEM ? AD_ERROR_MEMORY : AD_ERROR_IO, "%s: %s cannot be %s: %s", f->operation, f->path, what,
                 strerror_l(reason, ad_c_locale()));
    return false;
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

static bool named(struct ad_file *f, const char *operation, const char *path)
{
    *f = (struct ad_file){ .operation = operation, .path = path, .descriptor = -1 };
    return path || ad_set_error(AD_ERROR_VALUE, "%s: the file name is NULL", operation);
}

/* As the system's open(), but it goes on after a signal. */
static int open_file(const char *path, int flags)
{
    int descriptor;
    do
        descriptor = open(path, flags | O_CLOEXEC, 0666);
    while (descriptor < 0 && errno == EINTR);
    return descriptor;
}

/* ---- reading ---- */

bool ad_file_open(struct ad_file *f, const char *operation, const char *path, int64_t *bytes)
{
    struct stat status;
    if (!named(f, operation, path))
        return false;
    if (stat(f->path, &status) != 0)
        return ad_file_refused(f, "read");
    if (!S_ISREG(status.st_mode))
        return AD_FAIL(AD_ERROR_IO, "%s: %s is not a regular file", f->operation, f->path);
    f->descriptor = open_file(f->path, O_RDONLY);
    if (f->descriptor < 0 || fstat(f->descriptor, &status) != 0)
        return ad_file_refused(f, "read");
    *bytes = status.st_size;
    return true;
}

void ad_file_close(struct ad_file *f)
{
    ad_stream_close(f);
    if (f->descriptor >= 0)
        close(f->descriptor);
    f->descriptor = -1;
}

int64_t ad_most_content(int64_t bytes, bool compressed)
{
    int64_t expansion = compressed ? MOST_EXPANSION : 1;
    return bytes > INT64_MAX / expansion ? INT64_MAX : bytes * expansion;
}

ad_array *ad_file_load(const char *operation, const char *path, ad_array *(*load)(struct ad_file *))
{
    struct ad_file f;
    int64_t bytes;
    AD_RUNNING(ad_current(), operation);
    ad_array *x = NULL;
    if (ad_file_open(&f, operation, path, &bytes) && ad_stream_read_begin(&f)) {
        f.bound = ad_most_content(bytes, f.compressed);
        ad_scope scope = ad_scope_open();
        x = scope.depth == AD_NO_SCOPE ? NULL : ad_escape(load(&f));
        ad_scope_close(scope);
    }
    ad_file_close(&f);
    return x;
}

bool ad_file_read(struct ad_file *f, void *out, int64_t bytes, const char *what)
{
    int64_t got = ad_stream_read(f, out, bytes);
    if (got < 0)
        return false;
    f->offset += got;
    return got == bytes || ad_file_damaged(f, f->offset, "it ends within %s, %lld bytes short", what, (long long)(bytes - got));
}

int ad_file_more(struct ad_file *f)
{
    char next;
    return (int)ad_stream_read(f, &next, 1);
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
    if (!x || !ad_file_read(f, memory_of(x) + size * (int64_t)ad_dtype_size(dtype) - bytes, bytes, "its data"))
        return NULL;
    return x;
}

/* ---- writing ---- */

/* Where a file goes. */
struct destination {
    bool beside;           /* it is first written under the temporary name; otherwise in place */
    bool exists;           /* a regular file is there */
    struct stat status;    /* its own */
    char target[PATH_MAX]; /* the path with symbolic links followed, where they lead to something */
    char temporary[PATH_MAX + 64];
};

/* A path that is not a regular file (a pipe, a terminal, /dev/null) is written to directly. A file that its user made
 * read-only is not replaced. */
static bool find_destination(const struct ad_file *f, struct destination *d)
{
    bool found = stat(f->path, &d->status) == 0;
    d->exists = found && S_ISREG(d->status.st_mode);
    d->beside = !found || d->exists;
    if (!d->beside)
        return true;
    if (d->exists && (faccessat(AT_FDCWD, f->path, W_OK, AT_EACCESS) != 0 || !realpath(f->path, d->target)))
        return ad_file_refused(f, "written");
    if (!d->exists && snprintf(d->target, sizeof d->target, "%s", f->path) >= (int)sizeof d->target)
        return errno = ENAMETOOLONG, ad_file_refused(f, "written");
    return true;
}

/* Makes the new file, which gets the permissions and the owner of the old one as far as that is allowed. */
static bool open_beside(struct ad_file *f, struct destination *d)
{
    static _Atomic unsigned made;
    const char *slash = strrchr(d->target, '/');
    int folder = slash ? (int)(slash - d->target) + 1 : 0;
    for (int tries = 0; tries < MOST_TRIES && f->descriptor < 0; tries++) {
        struct timespec now = { 0 };
        clock_gettime(CLOCK_REALTIME, &now);
        snprintf(d->temporary, sizeof d->temporary, "%.*s.ad_save-%lx-%lx-%x", folder, d->target, (long)getpid(), now.tv_nsec,
                 atomic_fetch_add(&made, 1));
        f->descriptor = open_file(d->temporary, O_WRONLY | O_CREAT | O_EXCL);
        if (f->descriptor < 0 && errno != EEXIST)
            break;
    }
    if (f->descriptor < 0)
        return ad_file_refused(f, d->exists ? "replaced by a new file beside it" : "written");
    if (d->exists) {
        bool given = fchown(f->descriptor, d->status.st_uid, d->status.st_gid) == 0;
        fchmod(f->descriptor, d->status.st_mode & (given ? 0777 : 0755));
    }
    return true;
}

static bool open_to_write(struct ad_file *f, struct destination *d)
{
    if (!find_destination(f, d))
        return false;
    if (d->beside)
        return open_beside(f, d);
    f->descriptor = open_file(f->path, O_WRONLY);
    return f->descriptor >= 0 || ad_file_refused(f, "written");
}

/* Brings the file to the disk before it gets its name. Some file systems cannot do that. */
static bool on_disk(const struct ad_file *f)
{
    int code;
    do
        code = fsync(f->descriptor);
    while (code != 0 && errno == EINTR);
    return code == 0 || errno == EINVAL || errno == ENOSYS || errno == EROFS || ad_file_refused(f, "written");
}

/* Closes the file, complete or not, and renames it if it is. */
static bool put_in_place(struct ad_file *f, const struct destination *d, bool complete)
{
    complete = complete && (!d->beside || on_disk(f));
    if (close(f->descriptor) != 0 && errno != EINTR)
        complete = complete && ad_file_refused(f, "written");
    if (d->beside && complete)
        complete = rename(d->temporary, d->target) == 0 || ad_file_refused(f, "written");
    if (d->beside && !complete)
        unlink(d->temporary);
    return complete;
}

bool ad_file_save(const char *operation, const char *path, const void *content, bool (*write)(struct ad_file *, const void *))
{
    struct ad_file f;
    ad_context *c = ad_current();
    if (!named(&f, operation, path))
        return false;
    AD_RUNNING(c, operation);
    struct destination *d = ad_allocate(c, sizeof *d);
    bool saved = d && open_to_write(&f, d);
    if (saved) {
        bool complete = write(&f, content);
        saved = put_in_place(&f, d, complete);
    }
    ad_deallocate(c, d, sizeof *d);
    return saved;
}

/* An array, and the function that writes it through a stream. The stream compresses if the name says so. */
struct streamed {
    const ad_array *x;
    bool (*write)(struct ad_file *, const ad_array *);
};

static bool write_streamed(struct ad_file *f, const void *content)
{
    const struct streamed *s = content;
    bool complete = ad_stream_write_begin(f) && s->write(f, s->x) && ad_stream_write_end(f);
    ad_stream_close(f);
    return complete;
}

bool ad_file_save_array(const char *operation, const char *path, const ad_array *x, bool (*write)(struct ad_file *, const ad_array *))
{
    ad_context *c = ad_current();
    AD_RUNNING(c, operation);
    AD_SCOPE;
    struct streamed s = { ad_array_contiguous(c, (ad_array *)x), write };
    return s.x && ad_file_save(operation, path, &s, write_streamed);
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
