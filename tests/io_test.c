/* .npy and IDX files: what comes back, what NumPy writes, and files that are damaged in every way. */
#include "files.h"
#include "testing.h"
#include <stdio.h>
#include <unistd.h>
#include <zlib.h>

/* A file of this test's process, overwritten by every use and removed at its end. */
static const char *path_ending_in(const char *suffix)
{
    static char path[64];
    snprintf(path, sizeof path, "io_test_%d%s", (int)getpid(), suffix);
    return path;
}

static const char *file_of(const void *bytes, size_t length)
{
    const char *path = path_ending_in(".data");
    FILE *stream = fopen(path, "wb");
    ck_assert(stream && fwrite(bytes, 1, length, stream) == length && fclose(stream) == 0);
    return path;
}

static const char *gz_file_of(const void *bytes, size_t length)
{
    const char *path = path_ending_in(".gz");
    gzFile stream = gzopen(path, "wb");
    ck_assert(stream && gzwrite(stream, bytes, (unsigned)length) == (int)length && gzclose(stream) == Z_OK);
    return path;
}

/* A .npy file of version 1 with this header and these data; gives its length. */
static size_t npy_of(unsigned char *out, const char *header, const void *data, size_t bytes)
{
    size_t length = strlen(header);
    memcpy(out, "\x93NUMPY\x01\x00", 8);
    out[8] = (unsigned char)length;
    out[9] = (unsigned char)(length >> 8);
    memcpy(out + 10, header, length);
    memcpy(out + 10 + length, data, bytes);
    return 10 + length + bytes;
}

static ad_array *load_npy(const char *header, const void *data, size_t bytes)
{
    unsigned char file[2048];
    return ad_load(file_of(file, npy_of(file, header, data, bytes)));
}

static void remove_files(void)
{
    const char *const suffixes[] = { ".data", ".gz", ".npy", ".idx", ".npy.gz", ".idx.gz" };
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        remove(path_ending_in(suffixes[i]));
}

static void assert_same(ad_array *x, ad_array *y)
{
    ck_assert_msg(y != NULL, "%s", ad_error_message());
    ck_assert_int_eq(ad_dtype_of(x), ad_dtype_of(y));
    ck_assert(ad_shape_equal(ad_shape_of(x), ad_shape_of(y)));
    ck_assert(memcmp(ad_data(x), ad_data(y), (size_t)ad_size(x) * ad_dtype_size(ad_dtype_of(x))) == 0);
}

START_TEST(npy_brings_back_every_dtype_and_shape)
{
    const ad_shape shapes[] = { AD_SCALAR_SHAPE, AD_SHAPE(5), AD_SHAPE(0), AD_SHAPE(2, 3), AD_SHAPE(3, 0, 2), AD_SHAPE(1, 2, 3, 4) };
    const char *const suffixes[] = { ".npy", ".npy.gz" };
    for (int dtype = 0; dtype < AD_DTYPE_COUNT; dtype++)
        for (int i = 0; i < 12; i++) {
            ad_array *x = ad_astype(ad_random_normal(ad_random_key(1), shapes[i / 2], .scale = 100), dtype == AD_U8 ? AD_BOOL : (ad_dtype)dtype);
            if (dtype == AD_U8)
                x = ad_astype(x, AD_U8);
            const char *path = path_ending_in(suffixes[i % 2]);
            ck_assert_msg(ad_save(path, x), "%s", ad_error_message());
            assert_same(x, ad_load(path));
        }
    remove_files();
}
END_TEST

START_TEST(npy_is_written_as_numpy_writes_it)
{
    unsigned char file[256];
    const char header[] = "\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }";
    ck_assert(ad_save(path_ending_in(".npy"), ad_from((double[]){ 1, -2 }, AD_SHAPE(2))));
    ck_assert_uint_eq(contents(path_ending_in(".npy"), file, sizeof file), 128 + 16);
    ck_assert(memcmp(file, header, sizeof header - 1) == 0 && memcmp(file + 128, (double[]){ 1, -2 }, 16) == 0);
    for (size_t i = sizeof header - 1; i < 128; i++)
        ck_assert_int_eq(file[i], i < 127 ? ' ' : '\n');
    remove_files();
}
END_TEST

START_TEST(npy_of_a_view_holds_its_elements)
{
    ad_array *x = ad_transpose(ad_from((double[]){ 1, 2, 3, 4, 5, 6 }, AD_SHAPE(2, 3)));
    ck_assert(ad_save(path_ending_in(".npy"), x));
    assert_array(ad_load(path_ending_in(".npy")), AD_SHAPE(3, 2), 0, 1, 4, 2, 5, 3, 6);
    remove_files();
}
END_TEST

START_TEST(npy_in_other_orders_is_read)
{
    const unsigned char big[] = { 0x3f, 0xf8, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0 };
    assert_array(load_npy("{'descr': '>f8', 'fortran_order': False, 'shape': (2,), }\n", big, 16), AD_SHAPE(2), 0, 1.5, -2);
    ad_array *z = load_npy("{'descr': '>c16', 'fortran_order': False, 'shape': (), }", big, 16);
    ck_assert(z && ad_item_complex(z) == 1.5 - 2.0i);
    const double columns[] = { 1, 4, 2, 5, 3, 6 };
    assert_array(load_npy("{\"shape\": (2L, 3L), \"fortran_order\":True,\"descr\":\"<f8\"}", columns, 48), AD_SHAPE(2, 3), 0, 1, 2, 3, 4, 5, 6);
    assert_array(load_npy("{'descr': '|b1', 'fortran_order': False, 'shape': (3,)}", "\0\1\7", 3), AD_SHAPE(3), 0, 0, 1, 1);
    remove_files();
}
END_TEST

START_TEST(npy_of_versions_2_and_3_is_read)
{
    const char header[] = "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }";
    unsigned char file[128] = "\x93NUMPY\x02\x00";
    file[8] = sizeof header - 1;
    memcpy(file + 12, header, sizeof header - 1);
    memcpy(file + 12 + sizeof header - 1, "\5\6", 2);
    for (int version = 2; version <= 4; version++) {
        file[6] = (unsigned char)version;
        const char *path = file_of(file, 12 + sizeof header - 1 + 2);
        if (version <= 3)
            assert_array(ad_load(path), AD_SHAPE(2), 0, 5, 6);
        else
            assert_fails(ad_load(path), AD_ERROR_FORMAT, "byte 6: version 4");
    }
    remove_files();
}
END_TEST

START_TEST(npy_of_other_dtypes_is_refused_by_name)
{
    const char *const dtypes[] = { "'<i2'", "'<f2'", "'|O'", "'<U3'", "'|i1'", "'<u8'", "''", "[('a', '<f8')]" };
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        char header[128];
        snprintf(header, sizeof header, "{'descr': %s, 'fortran_order': False, 'shape': (2,), }", dtypes[i]);
        assert_fails(load_npy(header, "0123456789abcdef", 16), AD_ERROR_DTYPE, "elements of type");
    }
    remove_files();
}
END_TEST

START_TEST(damaged_npy_headers_are_errors_with_their_offset)
{
    const struct {
        const char *header, *message;
    } cases[] = {
        { "", "byte 10: no {" },
        { "{", "byte 11: no string" },
        { "{'descr': '<f8', 'fortran_order': False, 'shape': (2,)", "byte 64: no comma" },
        { "{'descr': '<f8', 'fortran_order': Maybe, 'shape': (2,)}", "byte 44: no False" },
        { "{'descr': '<f8', 'fortran_order': False, 'shape': (-2,)}", "no length" },
        { "{'descr': '<f8', 'fortran_order': False, 'shape': (2}", "no comma" },
        { "{'descr': '<f8', 'fortran_order': False, 'shape': (2)}", "no tuple" },
        { "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,)}", "too large" },
        { "{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 4611686018427387904)}", "more elements" },
        { "{'descr': '<f8', 'fortran_order': False, 'shape': (9223372036854775807,)}", "more elements" },
        { "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}", "claims 8000000000000 bytes" },
        { "{'descr': '<f8', 'fortran_order': False, 'shape': (3,)}", "claims 24 bytes of data, but has room for at most 16" },
        { "{'descr': '<f8', 'fortran_order': False}", "no descr, fortran_order or shape" },
        { "{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (2,)}", "twice" },
        { "{'descr': '<f8', 'what': 1, 'fortran_order': False, 'shape': (2,)}", "unknown key" },
        { "{'descr': '<f8', 'fortran_order': False, 'shape': (2,)} + 1", "after the dictionary" },
        { "{'descr': '<f8", "not closed" },
        { "{'descr': '<f8', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2)}", "32 axes" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fails(load_npy(cases[i].header, "0123456789abcdef", 16), AD_ERROR_FORMAT, cases[i].message);
    remove_files();
}
END_TEST

typedef ad_array *(*loader)(const char *path);

/* Every beginning of a good file is an error; a good file with a byte changed is an error or an array. */
static void survives_damage(loader load, const unsigned char *file, size_t length, const char *(*store)(const void *, size_t))
{
    unsigned char changed[512];
    ck_assert(length <= sizeof changed);
    for (size_t shorter = 0; shorter < length; shorter++)
        assert_fails(load(store(file, shorter)), AD_ERROR_FORMAT, "is damaged at byte");
    for (size_t at = 0; at < length; at++)
        for (int bit = 0; bit < 8; bit++) {
            memcpy(changed, file, length);
            changed[at] ^= (unsigned char)(1 << bit);
            ad_scope scope = ad_scope_open();
            if (!load(store(changed, length)))
                ck_assert(ad_error_code() == AD_ERROR_FORMAT || ad_error_code() == AD_ERROR_DTYPE);
            ad_clear_error();
            ad_scope_close(scope);
        }
    remove_files();
}

START_TEST(npy_survives_damage)
{
    unsigned char file[256];
    size_t length = npy_of(file, "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 1), }\n", "0123456789abcdef", 16);
    survives_damage(ad_load, file, length, file_of);
    survives_damage(ad_load, file, length, gz_file_of);
    length = contents(gz_file_of(file, length), file, sizeof file);
    survives_damage(ad_load, file, length, file_of);
}
END_TEST

static const unsigned char small_idx[] = { 0, 0, 0x0b, 2, 0, 0, 0, 2, 0, 0, 0, 3, 0, 1, 0, 2, 1, 0, 0xff, 0xff, 0x80, 0, 0x7f, 0xff };

START_TEST(idx_survives_damage)
{
    unsigned char file[256];
    survives_damage(ad_load_idx, small_idx, sizeof small_idx, file_of);
    survives_damage(ad_load_idx, small_idx, sizeof small_idx, gz_file_of);
    size_t length = contents(gz_file_of(small_idx, sizeof small_idx), file, sizeof file);
    survives_damage(ad_load_idx, file, length, file_of);
}
END_TEST

START_TEST(idx_of_every_type_is_read)
{
    ad_array *x = ad_load_idx(file_of(small_idx, sizeof small_idx));
    assert_array(x, AD_SHAPE(2, 3), 0, 1, 2, 256, -1, -32768, 32767);
    ck_assert_int_eq(ad_dtype_of(x), AD_I32);
    assert_array(ad_load_idx(gz_file_of(small_idx, sizeof small_idx)), AD_SHAPE(2, 3), 0, 1, 2, 256, -1, -32768, 32767);
    assert_array(ad_load_idx(file_of("\0\0\x08\1\0\0\0\2\7\xff", 10)), AD_SHAPE(2), 0, 7, 255);
    assert_array(ad_load_idx(file_of("\0\0\x09\1\0\0\0\3\7\xff\x80", 11)), AD_SHAPE(3), 0, 7, -1, -128);
    assert_array(ad_load_idx(file_of("\0\0\x0c\0\xff\xff\xff\xfe", 8)), AD_SCALAR_SHAPE, 0, -2);
    assert_array(ad_load_idx(file_of("\0\0\x0d\1\0\0\0\1\x3f\xc0\0\0", 12)), AD_SHAPE(1), 0, 1.5);
    assert_array(ad_load_idx(file_of("\0\0\x0e\1\0\0\0\1\x3f\xf8\0\0\0\0\0\0", 16)), AD_SHAPE(1), 0, 1.5);
    remove_files();
}
END_TEST

START_TEST(idx_brings_back_what_was_saved)
{
    const ad_dtype dtypes[] = { AD_F64, AD_F32, AD_I32, AD_U8 };
    ad_array *x = ad_random_uniform(ad_random_key(3), AD_SHAPE(40, 5, 7), .low = 0, .high = 200);
    for (int i = 0; i < 8; i++) {
        ad_array *y = ad_astype(x, dtypes[i / 2]);
        const char *path = path_ending_in(i % 2 ? ".idx" : ".idx.gz");
        ck_assert_msg(ad_save_idx(path, y), "%s", ad_error_message());
        assert_same(y, ad_load_idx(path));
    }
    ck_assert(ad_save_idx(path_ending_in(".idx"), ad_greater(ad_from((double[]){ 1, 2 }, AD_SHAPE(2)), 1)));
    assert_array(ad_load_idx(path_ending_in(".idx")), AD_SHAPE(2), 0, 0, 1);
    assert_fails(ad_save_idx(path_ending_in(".idx"), ad_astype(x, AD_I64)), AD_ERROR_DTYPE, "int64");
    remove_files();
}
END_TEST

START_TEST(damaged_idx_files_are_errors_with_their_offset)
{
    assert_fails(ad_load_idx(file_of("\0\1\x08\0\0", 5)), AD_ERROR_FORMAT, "byte 0");
    assert_fails(ad_load_idx(file_of("\0\0\x0a\0\0", 5)), AD_ERROR_FORMAT, "byte 2: 0x0a");
    assert_fails(ad_load_idx(file_of("\0\0\x08\xff\0", 5)), AD_ERROR_FORMAT, "byte 3: 255 axes");
    assert_fails(ad_load_idx(file_of("\0\0\x08\1\0\0\0\1\7\7", 10)), AD_ERROR_FORMAT, "byte 9: there is more");
    assert_fails(ad_load_idx(file_of("\0\0\x0e\1\xff\xff\xff\xff\7\7", 10)), AD_ERROR_FORMAT, "claims 34359738360 bytes");
    assert_fails(ad_load_idx(file_of("\0\0\x0e\3\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16)), AD_ERROR_FORMAT, "more elements");
    assert_fails(ad_load_idx(gz_file_of("\0\0\x0e\1\xff\xff\xff\xff\7\7", 10)), AD_ERROR_FORMAT, "claims 34359738360 bytes");
    remove_files();
}
END_TEST

START_TEST(files_that_cannot_be_opened_are_errors_with_their_name)
{
    assert_fails(ad_load("no/such/file.npy"), AD_ERROR_IO, "no/such/file.npy");
    assert_fails(ad_load_idx("no/such/file.idx"), AD_ERROR_IO, "no/such/file.idx");
    assert_fails(ad_load("."), AD_ERROR_IO, "not a regular file");
    assert_fails(ad_load(NULL), AD_ERROR_VALUE, "NULL");
    assert_fails(ad_save("no/such/file.npy", ad_scalar(1)), AD_ERROR_IO, "no/such/file.npy");
    assert_fails(ad_save_idx("no/such/file.idx", ad_scalar(1)), AD_ERROR_IO, "no/such/file.idx");
    assert_fails(ad_save("unused.npy", NULL), AD_ERROR_VALUE, "ad_save: the array is NULL");
}
END_TEST

START_TEST(a_full_disk_is_an_error)
{
    if (access("/dev/full", W_OK) == 0)
        assert_fails(ad_save("/dev/full", ad_scalar(1)), AD_ERROR_IO, "/dev/full");
}
END_TEST

START_TEST(loading_survives_every_failing_allocation)
{
    ck_assert(ad_save(path_ending_in(".npy"), ad_random_normal(ad_random_key(1), AD_SHAPE(30, 4))));
    for (int64_t n = 1;; n++) {
        AD_SCOPE;
        ad_memory_fail_after(n);
        ad_array *x = ad_load(path_ending_in(".npy"));
        ad_memory_fail_after(0);
        if (x)
            break;
        ck_assert_int_eq(ad_error_code(), AD_ERROR_MEMORY);
        ad_clear_error();
    }
    remove_files();
}
END_TEST

RUN_TESTS("io", npy_brings_back_every_dtype_and_shape, npy_is_written_as_numpy_writes_it, npy_of_a_view_holds_its_elements, npy_in_other_orders_is_read,
          npy_of_versions_2_and_3_is_read, npy_of_other_dtypes_is_refused_by_name, damaged_npy_headers_are_errors_with_their_offset, npy_survives_damage,
          idx_survives_damage, idx_of_every_type_is_read, idx_brings_back_what_was_saved, damaged_idx_files_are_errors_with_their_offset,
          files_that_cannot_be_opened_are_errors_with_their_name, a_full_disk_is_an_error, loading_survives_every_failing_allocation)
