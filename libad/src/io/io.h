/* What the formats share: a file read or written from its first byte to its last, compressed or not.
 *
 * file.c knows paths, stream.c the bytes. A reader knows how many bytes the file can hold at most, so that a format can refuse a size before it takes
 * memory for it. Every function that fails records an error with the file's name and the offset in the uncompressed content. */
#ifndef AD_IO_INTERNAL_H
#define AD_IO_INTERNAL_H

#include "array/array.h"
#include <zlib.h>

struct ad_file {
    const char *operation, *path;
    int64_t offset, bound;
    int descriptor;
    bool compressed, reading;
    bool file_ended, content_ended; /* the bytes of the file; those of the last compressed part */
    unsigned char *buffer;          /* of the compressed bytes, or of those looked at to see whether they are */
    z_stream z;
};

/* ---- file.c ---- */

/* What `load` reads from an open file, of which nothing else is left. */
ad_array *ad_file_load(const char *operation, const char *path, ad_array *(*load)(struct ad_file *));

/* Writes what `write` writes, the elements of x contiguous: all of it stands under the path in the end, or what stood there before. */
bool ad_file_save(const char *operation, const char *path, const ad_array *x, bool (*write)(struct ad_file *, const ad_array *));

/* `what` names the bytes in the error when the file ends too early. */
bool ad_file_read(struct ad_file *f, void *out, int64_t bytes, const char *what);

/* 0 if the content ends here, 1 if there is more, -1 and an error if it ends with a checksum that does not fit. */
int ad_file_more(struct ad_file *f);

/* A new array filled from the file, its elements stored with `stored_size` bytes at the end of where they belong. */
ad_array *ad_file_read_array(struct ad_file *f, ad_dtype dtype, const ad_shape *shape, size_t stored_size);

/* An AD_ERROR_FORMAT at the given offset; NULL. */
void *ad_file_damaged(const struct ad_file *f, int64_t offset, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* An AD_ERROR_IO, or one of memory, with what errno says: the file cannot be `what`. False. */
bool ad_file_refused(const struct ad_file *f, const char *what);

/* ---- stream.c ---- */

/* f->descriptor is open. False and an error. What they took goes with ad_stream_close, which leaves the descriptor open. */
bool ad_stream_read_begin(struct ad_file *f);
bool ad_stream_write_begin(struct ad_file *f);
void ad_stream_close(struct ad_file *f);

/* Up to `bytes` of content, fewer only where it ends; -1 and an error. */
int64_t ad_stream_read(struct ad_file *f, void *out, int64_t bytes);

bool ad_file_write(struct ad_file *f, const void *data, int64_t bytes);
bool ad_stream_write_end(struct ad_file *f); /* what is still on its way to the file */

/* Reverses the bytes of each of count numbers of item bytes. */
void ad_swap_bytes(void *data, size_t item, int64_t count);

#define AD_LITTLE_ENDIAN (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

#endif
