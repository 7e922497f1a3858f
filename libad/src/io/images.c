/* Folders of pictures, as one array.
 *
 * First the paths of all pictures are collected, from files and from entries in archives, and put in order. Then every
 * header is read, so that memory is taken only for pictures that exist and have one size. Then the pixels are read,
 * each picture into its place. */
#include "ad/io.h"
#include "ad/scope.h"
#include "io/io.h"
#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { NO_ARCHIVE = -1 };

struct found {
    uint32_t place;   /* position of the path in the text, */
    const char *path; /* and the path, relative to the folder, when all paths are there */
    int32_t archive;  /* the archive that it is in, or NO_ARCHIVE */
    int64_t entry;
};

struct collection {
    const char *root;
    char *text;
    uint32_t used, text_room;
    struct found *found;
    uint32_t count, room;
    uint32_t *archives; /* paths of archives, in the text */
    uint32_t archive_count, archive_room;
    struct ad_archive open; /* the archive from which a picture was read last */
    int32_t opened;
    char *path; /* of the file that is being read */
    uint32_t path_room;
};

static const char operation[] = "ad_load_images";

/* ---- which pictures there are ---- */

static bool ends_in(const char *name, const char *suffix)
{
    size_t length = strlen(name), end = strlen(suffix);
    return length > end && strcasecmp(name + length - end, suffix) == 0;
}

/* Whether a part of the path begins with '.'. */
static bool is_hidden(const char *path)
{
    return *path == '.' || strstr(path, "/.");
}

/* Adds `folder`, up to its last '/', and the name, as the next part of the text. Gives its position; false and an
 * error. */
static bool add_text(struct collection *c, const char *folder, const char *name, uint32_t *place)
{
    const char *slash = strrchr(folder, '/');
    size_t in = slash ? (size_t)(slash - folder) + 1 : 0, length = strlen(name) + 1;
    if (in + length > UINT32_MAX - c->used)
        return AD_FAIL(AD_ERROR_VALUE, "%s: the paths below %s have more than 4 GiB", operation, c->root);
    if (!ad_grow(ad_current(), &c->text, &c->text_room, 1, c->used + (uint32_t)(in + length)))
        return false;
    memcpy(c->text + c->used, folder, in);
    memcpy(c->text + c->used + in, name, length);
    *place = c->used;
    c->used += (uint32_t)(in + length);
    return true;
}

static bool add_picture(struct collection *c, const char *folder, const char *name, int32_t archive, int64_t entry)
{
    struct found f = { .archive = archive, .entry = entry };
    if (c->count == INT32_MAX)
        return AD_FAIL(AD_ERROR_VALUE, "%s: %s has more than %d pictures", operation, c->root, INT32_MAX);
    if (!add_text(c, folder, name, &f.place) || !ad_grow(ad_current(), &c->found, &c->room, sizeof f, c->count + 1))
        return false;
    c->found[c->count++] = f;
    return true;
}

/* The path of a file in the folder, for the system; for "" the root itself. Valid until the next call; NULL and an
 * error. */
static const char *full_path(struct collection *c, const char *relative)
{
    size_t root = strlen(c->root), length = strlen(relative);
    if (root + length + 2 > UINT32_MAX || !ad_grow(ad_current(), &c->path, &c->path_room, 1, (uint32_t)(root + length + 2)))
        return NULL;
    memcpy(c->path, c->root, root + 1);
    if (length) {
        c->path[root] = '/';
        memcpy(c->path + root + 1, relative, length + 1);
    }
    return c->path;
}

static bool open_archive(struct collection *c, int32_t archive)
{
    if (c->opened == archive)
        return true;
    if (c->opened != NO_ARCHIVE)
        ad_archive_close(&c->open);
    c->opened = NO_ARCHIVE;
    const char *path = full_path(c, c->text + c->archives[archive]);
    if (!path)
        return false;
    c->opened = archive;
    return ad_archive_open(&c->open, operation, path);
}

/* Adds the entries of an archive. `relative` is its path below the root, under which the entries are. */
static bool add_archive(struct collection *c, const char *relative)
{
    uint32_t place;
    if (!add_text(c, "", relative, &place) || !ad_grow(ad_current(), &c->archives, &c->archive_room, sizeof place, c->archive_count + 1))
        return false;
    int32_t archive = (int32_t)c->archive_count++;
    c->archives[archive] = place;
    if (!open_archive(c, archive))
        return false;
    for (int64_t i = 0; i < c->open.count; i++) {
        const char *name = ad_archive_name(&c->open, i);
        if (!ends_in(name, ".png"))
            continue;
        if (!ad_is_plain_path(name))
            return ad_archive_damaged(&c->open, name, "a name that is absolute or has a part that is empty, \".\" or \"..\""), false;
        if (!is_hidden(name) && !add_picture(c, relative, name, archive, i))
            return false;
    }
    return true;
}

/* Adds one file or folder, as fts finds it; false and an error. */
static bool add_file(struct collection *c, FTS *tree, FTSENT *file)
{
    const char *relative = file->fts_path + strlen(c->root);
    relative += strspn(relative, "/");
    switch (file->fts_info) {
    case FTS_D:
        if (file->fts_level > 0 && *file->fts_name == '.')
            fts_set(tree, file, FTS_SKIP);
        return true;
    case FTS_DP:
    case FTS_DC: return true;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS: return errno = file->fts_errno, ad_file_refused(&(struct ad_file){ .operation = operation, .path = file->fts_path }, "read");
    default: break;
    }
    if (*file->fts_name == '.')
        return true;
    if (ends_in(relative, ".zip"))
        return add_archive(c, relative);
    return !ends_in(relative, ".png") || add_picture(c, relative, file->fts_name, NO_ARCHIVE, 0);
}

static bool add_folder(struct collection *c)
{
    FTS *tree = fts_open((char *[]){ (char *)c->root, NULL }, FTS_LOGICAL | FTS_NOCHDIR, NULL);
    bool done = tree != NULL;
    FTSENT *file = NULL;
    while (done && (errno = 0, file = fts_read(tree)))
        done = add_file(c, tree, file);
    if (!tree || (done && errno))
        done = ad_file_refused(&(struct ad_file){ .operation = operation, .path = c->root }, "read");
    if (tree)
        fts_close(tree);
    return done;
}

static int compare(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    int order = strcmp(x->path, y->path);
    return order ? order : x->archive < y->archive ? -1 : x->archive > y->archive;
}

/* Puts the pictures in the order of their paths. One that is in a folder and in an archive is taken from the folder. */
static bool put_in_order(struct collection *c)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < c->count; i++)
        c->found[i].path = c->text + c->found[i].place;
    if (c->count)
        qsort(c->found, c->count, sizeof *c->found, compare);
    for (uint32_t i = 0; i < c->count; i++) {
        const struct found *before = kept ? &c->found[kept - 1] : NULL;
        if (!before || strcmp(before->path, c->found[i].path) != 0)
            c->found[kept++] = c->found[i];
        else if (before->archive != NO_ARCHIVE)
            return AD_FAIL(AD_ERROR_FORMAT, "%s: two archives in %s, or one twice, have the picture %s", operation, c->root, before->path);
    }
    c->count = kept;
    return kept || AD_FAIL(AD_ERROR_IO, "%s: there is no .png picture in %s", operation, c->root);
}

static bool collect(struct collection *c)
{
    struct stat status;
    if (stat(c->root, &status) != 0)
        return ad_file_refused(&(struct ad_file){ .operation = operation, .path = c->root }, "read");
    return (S_ISDIR(status.st_mode) ? add_folder(c) : add_archive(c, "")) && put_in_order(c);
}

/* ---- reading it ---- */

/* Reads the shape of picture i, or with `out` its pixels, which have this shape. */
static bool read_picture(struct collection *c, uint32_t i, ad_shape *shape, char *out)
{
    const struct found *found = &c->found[i];
    struct ad_file f;
    int64_t bytes;
    bool opened, done;
    if (found->archive != NO_ARCHIVE) {
        opened = open_archive(c, found->archive) && ad_archive_open_entry(&c->open, found->entry, &f);
        done = opened && (out ? ad_png_pixels(&f, shape, out) : ad_png_shape(&f, shape));
        if (opened)
            ad_archive_close_entry(&f);
        return done;
    }
    const char *path = full_path(c, found->path);
    opened = path && ad_file_open(&f, operation, path, &bytes) && ad_stream_read_begin(&f);
    if (opened)
        f.bound = ad_most_content(bytes, f.compressed);
    done = opened && (out ? ad_png_pixels(&f, shape, out) : ad_png_shape(&f, shape));
    if (path)
        ad_file_close(&f);
    return done;
}

static bool of_one_shape(struct collection *c, ad_shape *shape)
{
    if (!read_picture(c, 0, shape, NULL))
        return false;
    for (uint32_t i = 1; i < c->count; i++) {
        ad_shape other;
        if (!read_picture(c, i, &other, NULL))
            return false;
        if (!ad_shape_equal(other, *shape))
            return AD_FAIL(AD_ERROR_SHAPE, "%s: %s in %s is of %lld by %lld pixels and %lld channels, %s of %lld by %lld and %lld", operation,
                           c->found[i].path, c->root, (long long)other.dim[0], (long long)other.dim[1],
                           (long long)(other.ndim == 3 ? other.dim[2] : 1), c->found[0].path,
                           (long long)shape->dim[0], (long long)shape->dim[1], (long long)(shape->ndim == 3 ? shape->dim[2] : 1));
    }
    return true;
}

static ad_array *read_all(struct collection *c)
{
    ad_shape shape, all = { .ndim = 1, .dim = { c->count } };
    int64_t size;
    if (!of_one_shape(c, &shape))
        return NULL;
    for (int i = 0; i < shape.ndim; i++)
        all.dim[all.ndim++] = shape.dim[i];
    if (!ad_shape_checked_size(all.ndim, all.dim, 1, &size))
        return ad_set_error(AD_ERROR_MEMORY, "%s: the pictures in %s are more than can be addressed", operation, c->root);
    ad_array *x = ad_array_new(ad_current(), AD_U8, all.ndim, all.dim);
    for (uint32_t i = 0; x && i < c->count; i++)
        if (!read_picture(c, i, &shape, memory_of(x) + size / c->count * i))
            x = NULL;
    return x;
}

/* The paths in one block of malloc's, followed by NULL. */
static char **list_of_paths(const struct collection *c)
{
    size_t bytes = ((size_t)c->count + 1) * sizeof(char *);
    for (uint32_t i = 0; i < c->count; i++)
        bytes += strlen(c->found[i].path) + 1;
    char **list = ad_allocation_allowed(ad_current(), bytes) ? malloc(bytes) : NULL;
    if (!list)
        return ad_set_error(AD_ERROR_MEMORY, "%s: no memory for %u paths", operation, c->count);
    char *text = (char *)(list + c->count + 1);
    for (uint32_t i = 0; i < c->count; i++) {
        list[i] = text;
        text = stpcpy(text, c->found[i].path) + 1;
    }
    list[c->count] = NULL;
    return list;
}

ad_array *ad_load_images(const char *path, char ***paths)
{
    ad_context *context = ad_current();
    AD_RUNNING(context, operation);
    if (paths)
        *paths = NULL;
    if (!ad_given(path, operation, "path"))
        return NULL;
    struct collection c = { .root = path, .opened = NO_ARCHIVE };
    ad_scope scope = ad_scope_open();
    ad_array *x = scope.depth != AD_NO_SCOPE && collect(&c) ? read_all(&c) : NULL;
    if (x && paths && !(*paths = list_of_paths(&c)))
        x = NULL;
    if (x && !(x = ad_escape(x)) && paths) {
        free(*paths);
        *paths = NULL;
    }
    ad_scope_close(scope);
    if (c.opened != NO_ARCHIVE)
        ad_archive_close(&c.open);
    ad_deallocate(context, c.text, c.text_room);
    ad_deallocate(context, c.found, c.room * sizeof *c.found);
    ad_deallocate(context, c.archives, c.archive_room * sizeof *c.archives);
    ad_deallocate(context, c.path, c.path_room);
    return x;
}
