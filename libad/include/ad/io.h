/* Files: .npy of NumPy, and IDX, the format of the MNIST digits.
 *
 * What is loaded is a constant; what is saved are values. A gzip-compressed file is recognised by its first bytes when read; a file
 * is compressed when written if its name ends in ".gz".
 *
 * A damaged or hostile file is an error with the file's name and the byte (of the uncompressed content) at which it went wrong:
 * AD_ERROR_FORMAT. Never is more memory taken than the file can fill. A file that cannot be opened, read or written is AD_ERROR_IO.
 *
 * A file is written beside its place, under a name that begins with ".ad_save-", and renamed when it is complete and on the disk. So the old file stands
 * there or the new one, whatever happens: a full disk, an error, the end of the program. This needs permission to make files in the folder; a file that
 * may not be written to is not replaced. The new file keeps the old one's permissions, and its owner where that is allowed; other hard links keep the old
 * contents. A symbolic link stays, and the file that it names is replaced. What is no regular file, such as a pipe or /dev/stdout, is written as it is. */
#ifndef AD_IO_H
#define AD_IO_H

#include <ad/array.h>

AD_BEGIN_DECLS

/** Reads a .npy file of version 1, 2 or 3, in either byte order. An array stored in Fortran order has the same shape and elements.
 *
 * dtypes: those of libad (f8 f4 c16 c8 i8 i4 u1 b1). Errors: any other dtype (AD_ERROR_DTYPE). As numpy.load. */
AD_API ad_array *ad_load(const char *path);

/** Writes a .npy file of version 1 in place of what stood there; path is taken as it is. False and an error on failure, and what stood there
 * stays. As numpy.save. */
AD_API bool ad_save(const char *path, const ad_array *x);

/** Reads an IDX file: uint8, int32, float32 and float64 as they are; int8 and int16 as int32. */
AD_API ad_array *ad_load_idx(const char *path);

/** Writes an IDX file. dtypes: uint8, bool (as uint8), int32, float32, float64. Errors: another dtype; an axis longer than 2^32 - 1.
 * False and an error on failure, and what stood there stays. */
AD_API bool ad_save_idx(const char *path, const ad_array *x);

#if !defined __cplusplus && !defined AD_INTERNAL_
#define ad_load(...)     AD_CALL_V_(ad_load, __VA_ARGS__)
#define ad_load_idx(...) AD_CALL_V_(ad_load_idx, __VA_ARGS__)
#define ad_save(...)     AD_CALL_V_(ad_save, __VA_ARGS__)
#define ad_save_idx(...) AD_CALL_V_(ad_save_idx, __VA_ARGS__)
#endif

AD_END_DECLS

#endif
