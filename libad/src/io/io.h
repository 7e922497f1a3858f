/* What the formats share: a file read or written from its first byte to its last, through zlib whether compressed or not.
 *
 * A reader knows how many bytes the file can hold at most, so that a format can refuse a size before it takes memory for it.
 * Every function that fails records an error with the file's name and the offset in the uncompressed content. */
#ifndef AD_IO_INTERNAL_H
#define AD_IO_INTERNAL_H

#include "array/array.h"
#include <zlib.h>

struct ad_file {
    const char *operation, *path;
    gzFile stream;
    int64_t offset, bound;
};

/* What `load` reads from an open file, of which nothing else is left. */
ad_array *ad_file_load(const char *operation, const char *path, ad_array *(*load)(struct ad_file *));
bool ad_file_open_write(struct ad_file *f, const char *operation, const char *path);

/* `what` names the bytes in the error when the file ends too early. */
bool ad_file_read(struct ad_file *f, void *out, int64_t bytes, const char *what);
bool ad_file_write(struct ad_file *f, const void *data, int64_t bytes);

/* 0 if the content ends here, 1 if there is more, -1 and an error if it ends with a checksum that does not fit. */
int ad_file_more(struct ad_file *f);

/* A new array filled from the file, its elements stored with `stored_size` bytes at the end of where they belong. */
ad_array *ad_file_read_array(struct ad_file *f, ad_dtype dtype, const ad_shape *shape, size_t stored_size);

/* Closes; false and an error when what was written did not reach the file. */
bool ad_file_close(struct ad_file *f);

/* An AD_ERROR_FORMAT at the given offset; NULL. */
void *ad_file_damaged(const struct ad_file *f, int64_t offset, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Reverses the bytes of each of count numbers of item bytes. */
void ad_swap_bytes(void *data, size_t item, int64_t count);

#define AD_LITTLE_ENDIAN (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

#endif
