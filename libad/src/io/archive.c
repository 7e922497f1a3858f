/* Zip archives through libzip, for the formats that are several files in one.
 *
 * The invariants: libzip sees only an open descriptor, so file.c decides what happens to paths. The entries of an
 * archive cannot hold more than their compressed bytes can expand to, and these are together no more than the file's.
 * So an archive of n bytes holds at most 1032 n, whatever it claims. libzip's own memory is the system's: some hundred
 * bytes for each entry of the directory, and a few buffers. */
#include "io/io.h"
#include "ad/scope.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zip.h>

enum { MOST_AT_ONCE = 1 << 30, SMALLEST = 22, DIRECTORY_ENTRY = 46, TAIL = 66000 };

/* ---- the file, as libzip sees it ---- */

struct ad_archive_source {
    int descriptor;
    int64_t bytes, at; /* size of the file; position for reading and writing */
    zip_error_t error;
};

static int64_t failed(struct ad_archive_source *s, int code, int reason)
{
    zip_error_set(&s->error, code, reason);
    return -1;
}

/* As the system's pread() and pwrite(), at the position of the source. */
static int64_t transfer(struct ad_archive_source *s, void *data, uint64_t bytes, bool writing)
{
    size_t part = bytes < MOST_AT_ONCE ? (size_t)bytes : MOST_AT_ONCE;
    ssize_t done;
    do
        done = writing ? pwrite(s->descriptor, data, part, s->at) : pread(s->descriptor, data, part, s->at);
    while (done < 0 && errno == EINTR);
    if (done < 0)
        return failed(s, writing ? ZIP_ER_WRITE : ZIP_ER_READ, errno);
    s->at += done;
    return done;
}

static int64_t write_all(struct ad_archive_source *s, char *data, uint64_t bytes)
{
    for (uint64_t done = 0; done < bytes;) {
        int64_t written = transfer(s, data + done, bytes - done, true);
        if (written < 0)
            return -1;
        done += (uint64_t)written;
    }
    s->bytes = s->at > s->bytes ? s->at : s->bytes;
    return (int64_t)bytes;
}

static int64_t seek(struct ad_archive_source *s, void *data, uint64_t length)
{
    zip_int64_t to = zip_source_seek_compute_offset((zip_uint64_t)s->at, (zip_uint64_t)s->bytes, data, length, &s->error);
    if (to < 0)
        return -1;
    s->at = to;
    return 0;
}

static int64_t tell_size(void *data, int64_t bytes)
{
    zip_stat_t *status = data;
    zip_stat_init(status);
    status->size = (zip_uint64_t)bytes;
    status->valid = ZIP_STAT_SIZE;
    return sizeof *status;
}

static zip_int64_t on_file(void *source, void *data, zip_uint64_t length, zip_source_cmd_t command)
{
    struct ad_archive_source *s = source;
    switch (command) {
    case ZIP_SOURCE_SUPPORTS: return ZIP_SOURCE_SUPPORTS_WRITABLE;
    case ZIP_SOURCE_OPEN:
    case ZIP_SOURCE_BEGIN_WRITE: s->at = 0; return 0;
    case ZIP_SOURCE_READ: return transfer(s, data, length, false);
    case ZIP_SOURCE_WRITE: return write_all(s, data, length);
    case ZIP_SOURCE_SEEK:
    case ZIP_SOURCE_SEEK_WRITE: return seek(s, data, length);
    case ZIP_SOURCE_TELL:
    case ZIP_SOURCE_TELL_WRITE: return s->at;
    case ZIP_SOURCE_STAT: return tell_size(data, s->bytes);
    case ZIP_SOURCE_ERROR: return zip_error_to_data(&s->error, data, length);
    case ZIP_SOURCE_CLOSE:
    case ZIP_SOURCE_COMMIT_WRITE:
    case ZIP_SOURCE_ROLLBACK_WRITE:
    case ZIP_SOURCE_REMOVE:
    case ZIP_SOURCE_FREE: return 0;
    default: return failed(s, ZIP_ER_OPNOTSUPP, 0);
    }
}

/* Sets the error of libzip: the file or entry cannot be `what`, or is damaged. NULL. */
static void *refused(const struct ad_file *f, const char *what, zip_error_t *e)
{
    if (zip_error_code_zip(e) == ZIP_ER_MEMORY || (zip_error_system_type(e) == ZIP_ET_ZLIB && zip_error_code_system(e) == Z_MEM_ERROR))
        return ad_set_error(AD_ERROR_MEMORY, "%s: no memory to have %s %s", f->operation, f->path, what);
    if (zip_error_system_type(e) != ZIP_ET_SYS)
        return ad_set_error(AD_ERROR_FORMAT, "%s: %s is damaged: %s", f->operation, f->path, zip_error_strerror(e));
    errno = zip_error_code_system(e);
    ad_file_refused(f, what);
    return NULL;
}

/* libzip's view of the descriptor; NULL and an error. */
static struct zip *open_zip(const struct ad_file *f, struct ad_archive_source **source, int descriptor, int64_t bytes, int flags, const char *what)
{
    struct ad_archive_source *s = *source = ad_allocate(ad_current(), sizeof *s);
    if (!s)
        return NULL;
    *s = (struct ad_archive_source){ .descriptor = descriptor, .bytes = bytes };
    zip_error_t error;
    zip_error_init(&s->error);
    zip_error_init(&error);
    zip_source_t *opened = zip_source_function_create(on_file, s, &error);
    struct zip *zip = opened ? zip_open_from_source(opened, flags, &error) : NULL;
    if (!zip) {
        zip_source_free(opened);
        refused(f, what, &error);
    }
    zip_error_fini(&error);
    return zip;
}

static void free_source(struct ad_archive_source *source)
{
    if (source)
        zip_error_fini(&source->error);
    ad_deallocate(ad_current(), source, sizeof *source);
}

/* ---- reading ---- */

static uint64_t little_endian(const unsigned char *at)
{
    uint64_t number = 0;
    for (int i = 8; i-- > 0;)
        number = number << 8 | at[i];
    return number;
}

/* libzip takes memory for as many entries as the end of a large archive claims, so each such claim is checked first.
 * The locator "PK\6\7", near the end of the file, has the place of the record "PK\6\6" in its bytes 8 to 15. That
 * record has the numbers of entries in its bytes 24 to 39. */
static bool is_number_of_entries_possible(struct ad_archive *a)
{
    unsigned char record[40];
    int64_t tail = a->bytes < TAIL ? a->bytes : TAIL;
    unsigned char *end = ad_allocate(ad_current(), TAIL);
    bool possible = end && pread(a->file.descriptor, end, (size_t)tail, a->bytes - tail) == tail;
    for (int64_t i = 0; possible && i + 16 <= tail; i++) {
        if (memcmp(end + i, "PK\6\7", 4) != 0)
            continue;
        uint64_t place = little_endian(end + i + 8);
        if (place < (uint64_t)a->bytes && pread(a->file.descriptor, record, sizeof record, (off_t)place) == sizeof record && memcmp(record, "PK\6\6", 4) == 0)
            possible = little_endian(record + 24) <= (uint64_t)a->bytes / DIRECTORY_ENTRY && little_endian(record + 32) <= (uint64_t)a->bytes / DIRECTORY_ENTRY;
    }
    ad_deallocate(ad_current(), end, TAIL);
    return possible || ad_set_error(AD_ERROR_FORMAT, "%s: %s is damaged: more entries than it has room for", a->file.operation, a->file.path);
}

/* Entries that share bytes would expand to more than the file can hold. */
static bool entries_are_apart(const struct ad_archive *a)
{
    uint64_t left = (uint64_t)a->bytes;
    for (int64_t i = 0; i < a->count; i++) {
        zip_stat_t status;
        if (zip_stat_index(a->zip, (zip_uint64_t)i, 0, &status) != 0)
            return refused(&a->file, "read", zip_get_error(a->zip)), false;
        if (status.comp_size > left)
            return ad_archive_damaged(a, status.name, "with those before it, it has more bytes than the file"), false;
        left -= status.comp_size;
    }
    return true;
}

bool ad_archive_open(struct ad_archive *a, const char *operation, const char *path)
{
    *a = (struct ad_archive){ .count = 0 };
    if (!ad_file_open(&a->file, operation, path, &a->bytes))
        return false;
    if (a->bytes < SMALLEST)
        return AD_FAIL(AD_ERROR_FORMAT, "%s: %s is not a zip archive: it has %lld bytes", operation, path, (long long)a->bytes);
    if (!is_number_of_entries_possible(a))
        return false;
    a->zip = open_zip(&a->file, &a->source, a->file.descriptor, a->bytes, ZIP_RDONLY, "read");
    a->count = a->zip ? zip_get_num_entries(a->zip, 0) : 0;
    return a->zip && entries_are_apart(a);
}

void ad_archive_close(struct ad_archive *a)
{
    if (a->zip)
        zip_discard(a->zip);
    free_source(a->source);
    ad_file_close(&a->file);
}

const char *ad_archive_name(const struct ad_archive *a, int64_t i)
{
    const char *name = zip_get_name(a->zip, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
    return name ? name : "";
}

void *ad_archive_damaged(const struct ad_archive *a, const char *name, const char *what)
{
    return ad_set_error(AD_ERROR_FORMAT, "%s: entry \"%.200s\" of %s: %s", a->file.operation, name ? name : "", a->file.path, what);
}

bool ad_is_plain_path(const char *path)
{
    do {
        size_t length = strcspn(path, "/");
        if (length == 0 || (length <= 2 && strspn(path, ".") == length))
            return false;
        path += length + (path[length] == '/');
    } while (*path);
    return true;
}

bool ad_archive_open_entry(struct ad_archive *a, int64_t i, struct ad_file *f)
{
    zip_stat_t status;
    const char *name = ad_archive_name(a, i);
    snprintf(a->entry_path, sizeof a->entry_path, "entry \"%.200s\" of %s", name, a->file.path);
    *f = (struct ad_file){ .operation = a->file.operation, .path = a->entry_path, .descriptor = -1, .reading = true };
    if (zip_stat_index(a->zip, (zip_uint64_t)i, 0, &status) != 0)
        return refused(f, "read", zip_get_error(a->zip)), false;
    if (status.encryption_method != ZIP_EM_NONE)
        return ad_archive_damaged(a, name, "it is encrypted"), false;
    if (status.comp_method != ZIP_CM_STORE && status.comp_method != ZIP_CM_DEFLATE)
        return ad_archive_damaged(a, name, "it is neither stored nor deflated"), false;
    f->bound = ad_most_content((int64_t)status.comp_size, status.comp_method == ZIP_CM_DEFLATE);
    if (status.size > (uint64_t)f->bound)
        return AD_FAIL(AD_ERROR_FORMAT, "%s: %s claims %llu bytes, but has room for at most %lld", f->operation, f->path, (unsigned long long)status.size,
                       (long long)f->bound);
    f->bound = (int64_t)status.size;
    f->entry = zip_fopen_index(a->zip, (zip_uint64_t)i, 0);
    return f->entry || (refused(f, "read", zip_get_error(a->zip)), false);
}

void ad_archive_close_entry(struct ad_file *f)
{
    if (f->entry)
        zip_fclose(f->entry);
    f->entry = NULL;
}

int64_t ad_archive_read(struct ad_file *f, void *out, int64_t bytes)
{
    for (int64_t done = 0; done < bytes;) {
        zip_int64_t got = zip_fread(f->entry, (char *)out + done, (zip_uint64_t)(bytes - done));
        if (got < 0)
            return refused(f, "read", zip_file_get_error(f->entry)), -1;
        if (got == 0)
            return done;
        done += got;
    }
    return bytes;
}

/* ---- writing ---- */

/* An array as the bytes of a .npy file. What it takes while libzip reads it is dropped with the scope. */
struct array_source {
    ad_array *x, *plain;
    ad_scope scope;
    char *header;
    int64_t header_bytes, data_bytes, at;
    zip_error_t error;
};

static int64_t open_array(struct array_source *s)
{
    ad_context *c = ad_current();
    s->at = 0;
    s->scope = ad_scope_open();
    s->plain = s->scope.depth == AD_NO_SCOPE ? NULL : ad_array_contiguous(c, s->x);
    s->header = s->plain ? ad_allocate(c, AD_NPY_HEADER) : NULL;
    if (s->header)
        return ad_npy_header(s->header, AD_NPY_HEADER, s->plain), 0;
    ad_scope_close(s->scope);
    zip_error_set(&s->error, ZIP_ER_MEMORY, 0);
    return -1;
}

static void close_array(struct array_source *s)
{
    ad_deallocate(ad_current(), s->header, AD_NPY_HEADER);
    s->header = NULL;
    ad_scope_close(s->scope);
}

static int64_t read_array(struct array_source *s, char *out, uint64_t length)
{
    uint64_t done = 0;
    while (done < length && s->at < s->header_bytes + s->data_bytes) {
        bool in_header = s->at < s->header_bytes;
        const char *from = in_header ? s->header + s->at : memory_of(s->plain) + (s->at - s->header_bytes);
        uint64_t left = (uint64_t)(in_header ? s->header_bytes - s->at : s->header_bytes + s->data_bytes - s->at);
        uint64_t part = left < length - done ? left : length - done;
        memcpy(out + done, from, part);
        done += part;
        s->at += (int64_t)part;
    }
    return (int64_t)done;
}

static zip_int64_t on_array(void *source, void *data, zip_uint64_t length, zip_source_cmd_t command)
{
    struct array_source *s = source;
    switch (command) {
    case ZIP_SOURCE_SUPPORTS: return ZIP_SOURCE_SUPPORTS_READABLE | ZIP_SOURCE_MAKE_COMMAND_BITMASK(ZIP_SOURCE_SUPPORTS);
    case ZIP_SOURCE_OPEN: return open_array(s);
    case ZIP_SOURCE_READ: return read_array(s, data, length);
    case ZIP_SOURCE_CLOSE: close_array(s); return 0;
    case ZIP_SOURCE_STAT: return tell_size(data, s->header_bytes + s->data_bytes);
    case ZIP_SOURCE_ERROR: return zip_error_to_data(&s->error, data, length);
    case ZIP_SOURCE_FREE:
        zip_error_fini(&s->error);
        ad_deallocate(ad_current(), s, sizeof *s);
        return 0;
    default: zip_error_set(&s->error, ZIP_ER_OPNOTSUPP, 0); return -1;
    }
}

/* libzip goes back to headers when it knows their sizes. Where that is impossible, as in a pipe, the archive is written
 * elsewhere and copied. */
bool ad_archive_write_begin(struct ad_archive_writer *w, struct ad_file *f)
{
    *w = (struct ad_archive_writer){ .file = f };
    int descriptor = f->descriptor;
    if (lseek(descriptor, 0, SEEK_CUR) < 0) {
        w->seekable = tmpfile();
        if (!w->seekable)
            return ad_file_refused(f, "written");
        descriptor = fileno(w->seekable);
    }
    w->zip = open_zip(f, &w->source, descriptor, 0, ZIP_CREATE | ZIP_TRUNCATE, "written");
    return w->zip != NULL;
}

/* The time of an entry is always the first that a zip archive can hold, so that the same tree gives the same bytes. */
static bool added(struct ad_archive_writer *w, const char *name, int64_t i)
{
    enum { FIRST_DAY = 1 << 5 | 1 };
    if (i >= 0 && zip_file_set_dostime(w->zip, (zip_uint64_t)i, 0, FIRST_DAY, 0) == 0)
        return true;
    if (i < 0 && zip_error_code_zip(zip_get_error(w->zip)) == ZIP_ER_INVAL)
        return AD_FAIL(AD_ERROR_VALUE, "%s: \"%.200s\" cannot be a name in a zip archive: it is not UTF-8", w->file->operation, name);
    return refused(w->file, "written", zip_get_error(w->zip)), false;
}

bool ad_archive_add_folder(struct ad_archive_writer *w, const char *name)
{
    return added(w, name, zip_dir_add(w->zip, name, ZIP_FL_ENC_UTF_8));
}

bool ad_archive_add_array(struct ad_archive_writer *w, const char *name, ad_array *x)
{
    char header[AD_NPY_HEADER];
    struct array_source *s = ad_allocate(ad_current(), sizeof *s);
    if (!s)
        return false;
    *s = (struct array_source){ .x = x, .header_bytes = ad_npy_header(header, sizeof header, x),
                                .data_bytes = x->size * (int64_t)ad_dtype_size((ad_dtype)x->dtype) };
    zip_error_init(&s->error);
    zip_source_t *source = zip_source_function(w->zip, on_array, s);
    if (!source) {
        ad_deallocate(ad_current(), s, sizeof *s);
        return refused(w->file, "written", zip_get_error(w->zip)), false;
    }
    int64_t i = zip_file_add(w->zip, name, source, ZIP_FL_ENC_UTF_8);
    if (i < 0)
        zip_source_free(source);
    return added(w, name, i) && (zip_set_file_compression(w->zip, (zip_uint64_t)i, ZIP_CM_STORE, 0) == 0 ||
                                 (refused(w->file, "written", zip_get_error(w->zip)), false));
}

static bool copy_to_file(struct ad_archive_writer *w)
{
    char part[1 << 14];
    w->source->at = 0;
    for (;;) {
        int64_t got = transfer(w->source, part, sizeof part, false);
        if (got <= 0)
            return got == 0 || ad_file_refused(w->file, "written");
        if (!ad_file_write(w->file, part, got))
            return false;
    }
}

bool ad_archive_write_end(struct ad_archive_writer *w, bool complete)
{
    if (complete && zip_close(w->zip) != 0) {
        refused(w->file, "written", zip_get_error(w->zip));
        complete = false;
        zip_discard(w->zip);
    } else if (!complete && w->zip) {
        zip_discard(w->zip);
    }
    if (complete && w->seekable)
        complete = copy_to_file(w);
    free_source(w->source);
    if (w->seekable)
        fclose(w->seekable);
    return complete;
}
