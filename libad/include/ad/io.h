/* Files: .npy and .npz of NumPy, IDX, the format of the MNIST digits, and pictures.
 *
 * What is loaded is a constant. What is saved are values. A gzip-compressed file is recognised by its first bytes when
 * it is read. A file is compressed when it is written if its name ends in ".gz".
 *
 * A damaged or hostile file is an error with the file's name and the byte (of the uncompressed content) at which it
 * went wrong: AD_ERROR_FORMAT. Never is more memory taken than the file can fill. A file that cannot be opened, read or
 * written is AD_ERROR_IO.
 *
 * A file is written beside its place, under a name that begins with ".ad_save-", and renamed when it is complete and on
 * the disk. So the old file or the new one is there, whatever happens: a full disk, an error, the end of the program.
 * This needs permission to make files in the folder. A file that may not be written to is not replaced. The new file
 * keeps the old one's permissions, and its owner where that is allowed. Other hard links keep the old contents. A
 * symbolic link stays, and the file that it names is replaced. What is not a regular file, such as a pipe or
 * /dev/stdout, is written to directly. */
#ifndef AD_IO_H
#define AD_IO_H

#include <ad/array.h>
#include <ad/tree.h>

AD_BEGIN_DECLS

/** Reads a .npy file of version 1, 2 or 3, in either byte order. An array stored in Fortran order has the same shape
 * and elements.
 *
 * dtypes: those of libad (f8 f4 c16 c8 i8 i4 u1 b1). Errors: any other dtype (AD_ERROR_DTYPE). As numpy.load. */
AD_API ad_array *ad_load(const char *path) AD_NOTED_;

/** Writes a .npy file of version 1 in place of the file at path. path is taken as it is. False and an error on failure,
 * and the old file stays. As numpy.save. */
AD_API bool ad_save(const char *path, const ad_array *x) AD_NOTED_;

/** Reads a .npz archive as a tree: the entry "layers/0/W.npy" is the array at "layers/0/W". Reads what ad_savez,
 * numpy.savez and numpy.savez_compressed write.
 *
 * Entries named 0, 1, 2, ... in this order are a list. Others are a tree by name, in the order of the archive. A folder
 * without entries is an empty tree, and so is an archive without entries.
 *
 * Errors: those of ad_load for an array. With the entry's name (AD_ERROR_FORMAT): an archive that is damaged; an entry
 * that is encrypted, neither stored nor deflated, named twice, both an array and a folder, not .npy, absolute, or that
 * has a part "", "." or "..". However much an archive claims to hold, no more memory is taken for arrays than 1032
 * times its size, which is the most that its compression can expand to. As numpy.load. */
AD_API ad_tree *ad_loadz(const char *path) AD_NOTED_;

/** Writes a tree as a .npz archive in place of the file at path, uncompressed as numpy.savez does. The same tree gives
 * the same bytes. path is taken as it is.
 *
 * ad_loadz gives a tree of the same structure and bits. Only a tree whose names are 0, 1, 2, ... comes back as a list.
 * False and an error on failure, and the old file stays. Errors: a name "." or "..", one that is not UTF-8, a path of
 * more than 65531 bytes. */
AD_API bool ad_savez(const char *path, const ad_tree *t) AD_NOTED_;

/** Reads an IDX file: uint8, int32, float32 and float64 as they are; int8 and int16 as int32. */
AD_API ad_array *ad_load_idx(const char *path) AD_NOTED_;

/** Writes an IDX file. dtypes: uint8, bool (as uint8), int32, float32, float64. Errors: another dtype; an axis longer
 * than 2^32 - 1. False and an error on failure, and the old file stays. */
AD_API bool ad_save_idx(const char *path, const ad_array *x) AD_NOTED_;

/** Reads a PNG picture: uint8 from 0 to 255, the first row on top.
 *
 * Samples of 1, 2 and 4 bits are spread over 0 to 255, and those of 16 bits are rounded to 8. A palette becomes its
 * colours, and a transparent colour becomes a channel for opacity. Samples are as they are stored: gamma and colour
 * profiles change nothing. Interlaced files can be read too.
 * @return  (h, w) for grey, (h, w, 2) for grey and opacity, (h, w, 3) for red, green, blue, (h, w, 4) with opacity
 * Errors: a file that is damaged (AD_ERROR_FORMAT). Memory for pixels is taken only if the file, which can expand to
 * 1032 times its size, can hold them. */
AD_API ad_array *ad_load_png(const char *path) AD_NOTED_;

/** Writes a PNG picture in place of the file at path.
 *
 * @param x  uint8, (h, w) or (h, w, channels) with 1 to 4 channels, which mean what they do in ad_load_png
 * False and an error on failure, and the old file stays. Errors: another dtype (AD_ERROR_DTYPE) or shape, an empty
 * picture (AD_ERROR_SHAPE). */
AD_API bool ad_save_png(const char *path, const ad_array *x) AD_NOTED_;

/** Reads every picture of a folder: all files below it whose names end in ".png", in the order that strcmp gives their
 * paths.
 *
 * A .zip archive in it is read as if it were unpacked there, and the path may be that of a .zip archive itself. A file
 * that is both in a folder and in an archive is taken from the folder. Names that begin with '.' are left out. Symbolic
 * links are followed.
 *
 * @param paths  if not NULL: the list of the n paths below the folder, such as "Greek/character01/0394_01.png", from
 *               which labels can be made. NULL follows the last. The caller frees it, by one free(). NULL on failure.
 * @return       (n, h, w) or (n, h, w, channels), uint8, as ad_load_png reads them
 * Errors: no picture (AD_ERROR_IO); pictures of different sizes or numbers of channels (AD_ERROR_SHAPE); two archives
 * with the same picture; those of ad_load_png and ad_loadz for files and archives. */
AD_API ad_array *ad_load_images(const char *path, char ***paths) AD_NOTED_;

#include <ad/macros/io.h>

AD_END_DECLS

#endif
