/* What the formats share: a file read or written from its first byte to its last, compressed or not.
 *
 * file.c knows paths, and stream.c the bytes. A reader knows how many bytes the file can hold at most, so that a format
 * can refuse a size before it takes memory for it. Every function that fails sets an error with the file's name and the
 * offset in the uncompressed content. */
#ifndef AD_IO_INTERNAL_H
#define AD_IO_INTERNAL_H

#include "array/error.h"
#include "array/scope.h"
#include "array/shape.h"
#include "array/tree.h"
#include <stdio.h>
#include <zlib.h>

struct ad_file {
    const char *operation, *path;
    int64_t offset, bound;
    int descriptor;
    struct zip_file *entry; /* an entry of an archive, in place of the descriptor */
    bool compressed, reading;
    bool file_ended, content_ended; /* of the bytes of the file; of the last compressed part */
    unsigned char *buffer;          /* of the compressed bytes, or of bytes that are looked at to see whether they are compressed */
    z_stream z;
};

/* ---- file.c ---- */

/* What `load` makes of an open file. The file is closed again. */
ad_array *ad_file_load(const char *operation, const char *path, ad_array *(*load)(struct ad_file *));

/* Opens a regular file and gives its size; false and an error. It has to be closed in both cases. */
bool ad_file_open(struct ad_file *f, const char *operation, const char *path, int64_t *bytes);
void ad_file_close(struct ad_file *f);

/* The most content that a file of so many bytes can hold. */
int64_t ad_most_content(int64_t bytes, bool compressed);

/* Writes what `write` writes to f->descriptor. In the end either all of it is under the path, or what was there
 * before. */
bool ad_file_save(const char *operation, const char *path, const void *content, bool (*write)(struct ad_file *, const void *content));

/* The same for an array, through a stream. The array's elements are contiguous when `write` sees them. */
bool ad_file_save_array(const char *operation, const char *path, const ad_array *x, bool (*write)(struct ad_file *, const ad_array *));

/* `what` names the bytes in the error when the file ends too early. */
bool ad_file_read(struct ad_file *f, void *out, int64_t bytes, const char *what);

/* 0 if the content ends here, 1 if there is more, -1 and an error if it ends with a checksum that does not fit. */
int ad_file_more(struct ad_file *f);

/* A new array filled from the file. Elements of `stored_size` bytes are stored at the end of the array's memory. */
ad_array *ad_file_read_array(struct ad_file *f, ad_dtype dtype, const ad_shape *shape, size_t stored_size);

/* An AD_ERROR_FORMAT at the given offset; NULL. */
void *ad_file_damaged(const struct ad_file *f, int64_t offset, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Sets an AD_ERROR_IO, or an error of memory, with what errno says: the file cannot be `what`. False. */
bool ad_file_refused(const struct ad_file *f, const char *what);

/* ---- stream.c ---- */

/* f->descriptor is open. False and an error. ad_stream_close frees what they took, and leaves the descriptor open. */
bool ad_stream_read_begin(struct ad_file *f);
bool ad_stream_write_begin(struct ad_file *f);
void ad_stream_close(struct ad_file *f);

/* Reads up to `bytes` of content, and fewer only where it ends; -1 and an error. */
int64_t ad_stream_read(struct ad_file *f, void *out, int64_t bytes);

bool ad_file_write(struct ad_file *f, const void *data, int64_t bytes);
bool ad_stream_write_end(struct ad_file *f); /* writes what is still on its way to the file */

/* ---- archive.c ---- */

/* A .zip archive that is open for reading. */
struct ad_archive {
    struct ad_file file;
    int64_t bytes, count; /* size of the file; number of entries */
    struct zip *zip;
    struct ad_archive_source *source;
    char entry_path[600]; /* of the entry that is open, for errors */
};

/* False and an error. It has to be closed in both cases. */
bool ad_archive_open(struct ad_archive *a, const char *operation, const char *path);
void ad_archive_close(struct ad_archive *a);

/* Name of entry i as it is in the archive; valid until the archive is closed. */
const char *ad_archive_name(const struct ad_archive *a, int64_t i);

/* Whether a path names something below where it starts: no part of it is empty, "." or "..". One '/' at the end is
 * allowed. */
bool ad_is_plain_path(const char *path);

/* Opens entry i as a file from which nothing was read. Its errors name entry and archive. One entry is open at a time;
 * false and an error. It has to be closed in both cases. */
bool ad_archive_open_entry(struct ad_archive *a, int64_t i, struct ad_file *f);
void ad_archive_close_entry(struct ad_file *f);

/* As ad_stream_read, for an entry. */
int64_t ad_archive_read(struct ad_file *f, void *out, int64_t bytes);

/* An AD_ERROR_FORMAT about entry i; NULL. */
void *ad_archive_damaged(const struct ad_archive *a, const char *name, const char *what);

/* An archive that is being written to f->descriptor. */
struct ad_archive_writer {
    struct ad_file *file;
    struct zip *zip;
    struct ad_archive_source *source;
    FILE *seekable; /* where it is written first, if the file itself cannot be */
};

bool ad_archive_write_begin(struct ad_archive_writer *w, struct ad_file *f);

/* Adds a folder, whose name ends with '/', or a file with x as .npy. x must exist until the end. */
bool ad_archive_add_folder(struct ad_archive_writer *w, const char *name);
bool ad_archive_add_array(struct ad_archive_writer *w, const char *name, ad_array *x);

/* Writes the archive if it is complete, and drops the writer. */
bool ad_archive_write_end(struct ad_archive_writer *w, bool complete);

/* ---- png.c ---- */

/* The shape of the picture in a file from which nothing was read; and its pixels, if they have that shape, into `out`.
 * False and an error. */
bool ad_png_shape(struct ad_file *f, ad_shape *shape);
bool ad_png_pixels(struct ad_file *f, const ad_shape *wanted, void *out);

/* ---- npy.c ---- */

enum { AD_NPY_HEADER = 128 + 21 * AD_MAX_NDIM + 64 };

/* Writes the header of a .npy file with x into `room` bytes. Gives its length. */
int ad_npy_header(char *out, size_t room, const ad_array *x);

/* An array from a file in this format. */
ad_array *ad_npy_read(struct ad_file *f);

/* Reverses the bytes of each of count numbers of item bytes. */
void ad_swap_bytes(void *data, size_t item, int64_t count);

#define AD_LITTLE_ENDIAN (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

#endif
