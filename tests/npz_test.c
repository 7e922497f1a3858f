/* .npz archives: trees that come back, what NumPy writes, and archives that are damaged or hostile in every way. */
#include "files.h"
#include "testing.h"
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static const char *path_ending_in(const char *suffix)
{
    static char path[64];
    snprintf(path, sizeof path, "npz_test_%d%s", (int)getpid(), suffix);
    return path;
}

static void remove_files(void)
{
    remove(path_ending_in(".npz"));
    remove(path_ending_in(".zip"));
}

static void assert_same(const ad_tree *t, const ad_tree *u)
{
    int count = ad_tree_leaf_count(t);
    ad_array *x[count + 1], *y[count + 1];
    ck_assert_msg(u && ad_tree_same_structure(t, u), "%s", ad_error_message());
    ad_tree_leaves(t, x, count);
    ad_tree_leaves(u, y, count);
    for (int i = 0; i < count; i++) {
        ck_assert_int_eq(ad_dtype_of(x[i]), ad_dtype_of(y[i]));
        ck_assert(ad_shape_equal(ad_shape_of(x[i]), ad_shape_of(y[i])));
        ck_assert(memcmp(ad_data(x[i]), ad_data(y[i]), (size_t)ad_size(x[i]) * ad_dtype_size(ad_dtype_of(x[i]))) == 0);
    }
}

static void assert_comes_back(const ad_tree *t)
{
    ck_assert_msg(ad_savez(path_ending_in(".npz"), t), "%s", ad_error_message());
    assert_same(t, ad_loadz(path_ending_in(".npz")));
}

/* ---- trees ---- */

static ad_tree *with_everything(void)
{
    ad_tree *dtypes = ad_tree_empty();
    for (int dtype = 0; dtype < AD_DTYPE_COUNT; dtype++)
        dtypes = ad_tree_set(dtypes, ad_dtype_name((ad_dtype)dtype), ad_astype(counting(AD_SHAPE(2, 3)), (ad_dtype)dtype));
    ad_tree *layers = ad_list_of(ad_tree_of("W", counting(AD_SHAPE(3, 2)), "b", VECTOR(1, 2)), ad_tree_empty(), ad_tree_of("W", 3));
    return ad_tree_of("dtypes", dtypes, "layers", layers, "nothing", ad_zeros(AD_SHAPE(2, 0, 3)), "\xc3\xa4 b", 1.5, "x.npy", ad_tree_of("0.5", 1, "...", 2));
}

START_TEST(trees_come_back)
{
    assert_comes_back(with_everything());
    assert_comes_back(ad_list_of(1, 2.5, ad_list_of(VECTOR(1, 2), ad_tree_of("1", 3, "0", 4))));
    assert_comes_back(ad_tree_empty());
    assert_comes_back(ad_tree_of("a", ad_tree_empty(), "b", ad_list_of(ad_tree_empty())));
    remove_files();
}
END_TEST

START_TEST(long_lists_and_deep_trees_come_back)
{
    ad_tree *deep = ad_tree_of("leaf", 7);
    ad_array **leaves = malloc(3000 * sizeof *leaves);
    ad_tree_item *items = malloc(3000 * sizeof *items);
    for (int i = 0; i < 999; i++)
        deep = ad_list_of(deep);
    assert_comes_back(deep);
    for (int i = 0; i < 3000; i++)
        items[i] = (ad_tree_item){ AD_ITEM_ARRAY, leaves[i] = ad_asarray(i) };
    assert_comes_back(ad_list_from(items, 3000));
    free(items);
    free(leaves);
    remove_files();
}
END_TEST

START_TEST(views_are_written_as_their_elements)
{
    ad_tree *t = ad_tree_of("x", ad_transpose(counting(AD_SHAPE(2, 3))), "y", ad_broadcast_to(ad_scalar(2), AD_SHAPE(3)), "z", ad_flip(ad_arange(4)));
    ck_assert(ad_savez(path_ending_in(".npz"), t));
    ad_tree *u = ad_loadz(path_ending_in(".npz"));
    assert_array(ad_tree_get(u, "x"), AD_SHAPE(3, 2), 0, 0, 3, 1, 4, 2, 5);
    assert_array(ad_tree_get(u, "y"), AD_SHAPE(3), 0, 2, 2, 2);
    assert_array(ad_tree_get(u, "z"), AD_SHAPE(4), 0, 3, 2, 1, 0);
    remove_files();
}
END_TEST

START_TEST(the_same_tree_gives_the_same_bytes)
{
    unsigned char bytes[2][8192];
    size_t length[2];
    for (int i = 0; i < 2; i++) {
        ck_assert(ad_savez(path_ending_in(".npz"), with_everything()));
        length[i] = contents(path_ending_in(".npz"), bytes[i], sizeof bytes[i]);
        setenv("TZ", "Asia/Tokyo", 1);
    }
    ck_assert(length[0] == length[1] && memcmp(bytes[0], bytes[1], length[0]) == 0);
    remove_files();
}
END_TEST

START_TEST(archives_of_numpy_are_read)
{
    const char *const files[] = { AD_GOLDEN "/numpy.npz", AD_GOLDEN "/numpy_compressed.npz" };
    for (int i = 0; i < 2; i++) {
        ad_tree *t = ad_loadz(files[i]);
        ck_assert_msg(t != NULL, "%s", ad_error_message());
        assert_array(ad_tree_get(t, "a"), AD_SHAPE(3), 0, 0, 1, 2);
        assert_array(ad_tree_get(t, "layers/0/W"), AD_SHAPE(2, 3), 0, 0, 1, 2, 3, 4, 5);
        assert_array(ad_tree_get(t, "layers/1/b"), AD_SHAPE(2, 3), 0, 0, 1, 2, 3, 4, 5);
        assert_close(ad_item(ad_tree_get(t, "s")), 2.5, 0);
        ck_assert(ad_dtype_of(ad_tree_get(t, "e")) == AD_C128 && ad_shape_equal(ad_shape_of(ad_tree_get(t, "e")), AD_SHAPE(0, 2)));
        ck_assert_str_eq(ad_tree_name(t, 1), "layers");
        ck_assert_int_eq(ad_tree_leaf_count(t), 5);
    }
}
END_TEST

static void *read_all(void *path)
{
    unsigned char bytes[8192];
    FILE *stream = fopen(path, "rb");
    size_t length = fread(bytes, 1, sizeof bytes, stream);
    fclose(stream);
    stream = fopen(path_ending_in(".npz"), "wb");
    fwrite(bytes, 1, length, stream);
    fclose(stream);
    return NULL;
}

START_TEST(a_pipe_takes_an_archive)
{
    pthread_t reader;
    const char *pipe = "npz_test_pipe";
    remove(pipe);
    ck_assert_int_eq(mkfifo(pipe, 0600), 0);
    ck_assert_int_eq(pthread_create(&reader, NULL, read_all, (void *)pipe), 0);
    ck_assert_msg(ad_savez(pipe, with_everything()), "%s", ad_error_message());
    pthread_join(reader, NULL);
    remove(pipe);
    assert_same(with_everything(), ad_loadz(path_ending_in(".npz")));
    remove_files();
}
END_TEST

START_TEST(names_that_would_leave_the_folder_are_refused)
{
    ck_assert(ad_savez(path_ending_in(".npz"), ad_tree_of("x", 1)));
    assert_fails(ad_savez(path_ending_in(".npz"), ad_tree_of("a", ad_tree_of("..", 1))), AD_ERROR_VALUE, "ad_savez: the tree has the path \"a/..\"");
    assert_fails(ad_savez(path_ending_in(".npz"), ad_tree_of(".", ad_tree_empty())), AD_ERROR_VALUE, "cannot be a name");
    assert_fails(ad_savez(path_ending_in(".npz"), ad_tree_of("\xff\xfe", 1)), AD_ERROR_VALUE, "not UTF-8");
    char *name = calloc(1, 70001);
    memset(name, 'n', 70000);
    assert_fails(ad_savez(path_ending_in(".npz"), ad_tree_of(name, 1)), AD_ERROR_VALUE, "a path of 70000 bytes");
    free(name);
    ck_assert_int_eq(ad_tree_leaf_count(ad_loadz(path_ending_in(".npz"))), 1);
    remove_files();
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    ad_tree *old = ad_tree_of("old", 1), *new = with_everything(), *loaded = NULL;
    bool saved = false;
    ck_assert(ad_savez(path_ending_in(".npz"), old));
    for (int64_t n = 1; !saved; n++) {
        AD_SCOPE;
        ad_memory_usage before, after;
        ad_memory_stats(&before);
        ad_memory_fail_after(n);
        saved = ad_savez(path_ending_in(".npz"), new);
        ad_memory_fail_after(0);
        ad_memory_stats(&after);
        ck_assert_msg(saved || ad_error_code() == AD_ERROR_MEMORY, "allocation %lld: %s", (long long)n, ad_error_message());
        ck_assert_int_eq(before.live, after.live);
        ad_clear_error();
        assert_same(saved ? new : old, ad_loadz(path_ending_in(".npz")));
    }
    for (int64_t n = 1; !loaded; n++) {
        AD_SCOPE;
        ad_memory_fail_after(n);
        loaded = ad_loadz(path_ending_in(".npz"));
        ad_memory_fail_after(0);
        ck_assert_msg(loaded || ad_error_code() == AD_ERROR_MEMORY, "allocation %lld: %s", (long long)n, ad_error_message());
        ad_clear_error();
    }
    remove_files();
}
END_TEST

/* ---- hostile archives ---- */

/* An entry as it stands in an archive, with what it claims. */
struct entry {
    const char *name;
    const void *data;
    uint32_t bytes;
    uint16_t method, flags;
    uint32_t wrong_crc, claimed;  /* added to the checksum; in place of the uncompressed size, if not 0 */
    uint64_t huge;                /* in place of it, in an extra field of 64 bits */
    int same_data_as;             /* the entry before, 1 and up, whose data it shares */
};

struct archive {
    unsigned char bytes[1 << 16];
    size_t length;
};

static void put(struct archive *a, uint64_t number, int bytes)
{
    for (int i = 0; i < bytes; i++)
        a->bytes[a->length++] = (unsigned char)(number >> 8 * i);
}

static void put_bytes(struct archive *a, const void *bytes, size_t length)
{
    memcpy(a->bytes + a->length, bytes, length);
    a->length += length;
}

static void put_header(struct archive *a, const struct entry *e, bool central, size_t offset)
{
    size_t name = strlen(e->name);
    uint32_t size = e->huge ? UINT32_MAX : e->claimed ? e->claimed : e->bytes;
    put(a, central ? 0x02014b50 : 0x04034b50, 4);
    if (central)
        put(a, 45, 2);
    put(a, 45, 2), put(a, e->flags, 2), put(a, e->method, 2), put(a, 0x210000, 4);
    put(a, (uint32_t)crc32(0, e->data, e->bytes) + e->wrong_crc, 4), put(a, e->bytes, 4), put(a, size, 4);
    put(a, name, 2), put(a, e->huge ? 12 : 0, 2);
    if (central)
        put(a, 0, 2), put(a, 0, 2), put(a, 0, 2), put(a, 0, 4), put(a, offset, 4);
    put_bytes(a, e->name, name);
    if (e->huge)
        put(a, 1, 2), put(a, 8, 2), put(a, e->huge, 8);
}

static void put_end(struct archive *a, size_t entries, size_t start)
{
    size_t length = a->length - start;
    put(a, 0x06054b50, 4), put(a, 0, 4), put(a, entries, 2), put(a, entries, 2), put(a, length, 4), put(a, start, 4), put(a, 0, 2);
}

static const char *file_of(const struct archive *a)
{
    const char *path = path_ending_in(".zip");
    remove(path); /* some file systems wait for the disk where a file is written over */
    FILE *stream = fopen(path, "wb");
    ck_assert(stream && fwrite(a->bytes, 1, a->length, stream) == a->length && fclose(stream) == 0);
    return path;
}

static const char *archive_of(const struct entry *entries, size_t count)
{
    static struct archive a;
    size_t offset[16] = { 0 };
    a.length = 0;
    for (size_t i = 0; i < count; i++) {
        offset[i] = entries[i].same_data_as ? offset[entries[i].same_data_as - 1] : a.length;
        if (entries[i].same_data_as)
            continue;
        put_header(&a, &entries[i], false, 0);
        put_bytes(&a, entries[i].data, entries[i].bytes);
    }
    size_t start = a.length;
    for (size_t i = 0; i < count; i++)
        put_header(&a, &entries[i], true, offset[i]);
    put_end(&a, count, start);
    return file_of(&a);
}

#define ARCHIVE(...) archive_of((struct entry[]){ __VA_ARGS__ }, sizeof((struct entry[]){ __VA_ARGS__ }) / sizeof(struct entry))

/* A .npy file of the bytes 5 and 6, and its length. */
#define NPY_HEADER "\x93NUMPY\x01\x00\x3b\x00{'descr': '|u1', 'fortran_order': False, 'shape': (2,), } \n"
#define NPY        NPY_HEADER "\5\6"
enum { NPY_BYTES = sizeof NPY - 1 };

/* ENTRY("x.npy", .method = 8) is that file, FILE_OF("x.npy", "abc", 3) any bytes. */
#define FILE_OF(called, content, length, ...) { .name = (called), .data = (content), .bytes = (length), __VA_ARGS__ }
#define ENTRY(called, ...)                    FILE_OF(called, NPY, NPY_BYTES, __VA_ARGS__)

START_TEST(the_archives_of_these_tests_can_be_read)
{
    assert_array(ad_tree_get(ad_loadz(ARCHIVE(ENTRY("a/x.npy"), ENTRY("a/y.npy"), ENTRY("b.npy"))), "a/y"), AD_SHAPE(2), 0, 5, 6);
    ck_assert_int_eq(ad_tree_leaf_count(ad_loadz(ARCHIVE(FILE_OF("a/", "", 0), ENTRY("a/x.npy")))), 1);
    ad_tree *apart = ad_loadz(ARCHIVE(ENTRY("a/x.npy"), ENTRY("b/0.npy"), ENTRY("a/y.npy"), ENTRY("b/1.npy")));
    ad_array *x = ad_tree_get(apart, "a/x");
    assert_same(ad_tree_of("a", ad_tree_of("x", x, "y", x), "b", ad_list_of(x, x)), apart);
    remove_files();
}
END_TEST

START_TEST(hostile_names_are_errors)
{
    const char *const names[] = { "../x.npy", "a/../x.npy", "/x.npy", "a//x.npy", "./x.npy", "a/..", ".npy", "a/.npy", "", "/", "x", "x.npz",
                                  "a//", "..", "../" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char expected[80];
        snprintf(expected, sizeof expected, "ad_loadz: entry \"%s\" of npz_test_", names[i]);
        assert_fails(ad_loadz(ARCHIVE(ENTRY(names[i]))), AD_ERROR_FORMAT, expected);
    }
    assert_fails(ad_loadz(ARCHIVE(ENTRY("x.npy"), ENTRY("x.npy"))), AD_ERROR_FORMAT, "another entry has the same name");
    assert_fails(ad_loadz(ARCHIVE(ENTRY("x.npy"), ENTRY("x/y.npy"))), AD_ERROR_FORMAT, "entry \"x/y.npy\"");
    assert_fails(ad_loadz(ARCHIVE(ENTRY("x/y.npy"), ENTRY("x.npy"))), AD_ERROR_FORMAT, "an array and a folder");
    assert_fails(ad_loadz(ARCHIVE(FILE_OF("x/", "", 0), ENTRY("x.npy"))), AD_ERROR_FORMAT, "entry \"x.npy\"");
    assert_fails(ad_loadz(ARCHIVE(FILE_OF("x/", "", 0), FILE_OF("x/", "", 0))), AD_ERROR_FORMAT, "the same name");
    assert_fails(ad_loadz(ARCHIVE(ENTRY("x/"))), AD_ERROR_FORMAT, "a folder with contents");
    char deep[2100] = "";
    for (int i = 0; i < 1000; i++)
        strcat(deep, "a/");
    ck_assert_int_eq(ad_tree_leaf_count(ad_loadz(ARCHIVE(FILE_OF(deep, "", 0)))), 0);
    strcat(deep, "x.npy");
    assert_fails(ad_loadz(ARCHIVE(ENTRY(deep))), AD_ERROR_FORMAT, "too many folders");
    remove_files();
}
END_TEST

START_TEST(hostile_entries_are_errors)
{
    assert_fails(ad_loadz(ARCHIVE(ENTRY("a/x.npy", .wrong_crc = 1))), AD_ERROR_FORMAT, "entry \"a/x.npy\" of npz_test_");
    assert_fails(ad_loadz(ARCHIVE(ENTRY("x.npy", .wrong_crc = 1))), AD_ERROR_FORMAT, "CRC error");
    assert_fails(ad_loadz(ARCHIVE(ENTRY("x.npy", .flags = 1))), AD_ERROR_FORMAT, "encrypted");
    assert_fails(ad_loadz(ARCHIVE(ENTRY("x.npy", .method = 12))), AD_ERROR_FORMAT, "neither stored nor deflated");
    assert_fails(ad_loadz(ARCHIVE(ENTRY("x.npy", .method = 8))), AD_ERROR_FORMAT, "is damaged");
    assert_fails(ad_loadz(ARCHIVE(ENTRY("x.npy", .huge = UINT64_C(1) << 60))), AD_ERROR_FORMAT,
                 "claims 1152921504606846976 bytes, but has room for at most 71");
    assert_fails(ad_loadz(ARCHIVE(ENTRY("x.npy", .huge = UINT64_MAX))), AD_ERROR_FORMAT, "");
    assert_fails(ad_loadz(ARCHIVE(ENTRY("x.npy", .claimed = 70))), AD_ERROR_FORMAT, "x.npy");
    assert_fails(ad_loadz(ARCHIVE(ENTRY("x.npy", .claimed = 72))), AD_ERROR_FORMAT, "x.npy");
    assert_fails(ad_loadz(ARCHIVE(FILE_OF("x.npy", NPY "\7", NPY_BYTES + 1))), AD_ERROR_FORMAT, "there is more after its data");
    assert_fails(ad_loadz(ARCHIVE(FILE_OF("x.npy", NPY "\7\7\7", NPY_BYTES + 3))), AD_ERROR_FORMAT, "there is more after its data");
    assert_fails(ad_loadz(ARCHIVE(FILE_OF("x.npy", NPY, NPY_BYTES - 1))), AD_ERROR_FORMAT, "claims 2 bytes of data, but has room for at most 1");
    assert_fails(ad_loadz(ARCHIVE(FILE_OF("x.npy", "nothing", 7))), AD_ERROR_FORMAT, "ends within its header");
    assert_fails(ad_loadz(ARCHIVE(FILE_OF("x.npy", "", 0))), AD_ERROR_FORMAT, "ends within its header");
    remove_files();
}
END_TEST

/* A header that claims a gigabyte of zeros, compressed; the archive has room for 60 kB. */
START_TEST(bombs_take_no_memory)
{
    char header[] = "\x93NUMPY\x01\x00\x46\x00{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000,), }    \n";
    unsigned char raw[4096] = { 0 }, packed[4096];
    memcpy(raw, header, sizeof header - 1);
    z_stream z = { .next_in = raw, .avail_in = sizeof raw, .next_out = packed, .avail_out = sizeof packed };
    ck_assert(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK && deflate(&z, Z_FINISH) == Z_STREAM_END);
    deflateEnd(&z);
    uint32_t length = (uint32_t)z.total_out;
    ad_memory_usage usage;
    ad_memory_stats(&usage);
    ad_memory_limit(usage.live + (1 << 20));
    assert_fails(ad_loadz(ARCHIVE(FILE_OF("x.npy", packed, length, .method = 8, .claimed = 4096))), AD_ERROR_FORMAT, "claims 1000000000 bytes of data");
    assert_fails(ad_loadz(ARCHIVE(FILE_OF("x.npy", packed, length, .method = 8, .claimed = 1000000080))), AD_ERROR_FORMAT, "claims 1000000080 bytes");
    assert_fails(ad_loadz(ARCHIVE(ENTRY("x.npy"), ENTRY("y.npy", .same_data_as = 1), ENTRY("z.npy", .same_data_as = 1),
                                  ENTRY("u.npy", .same_data_as = 1),
                                  ENTRY("v.npy", .same_data_as = 1), ENTRY("w.npy", .same_data_as = 1),
                                  ENTRY("1.npy", .same_data_as = 1), ENTRY("2.npy", .same_data_as = 1))),
                 AD_ERROR_FORMAT, "more bytes than the file");
    ad_memory_limit(0);
    remove_files();
}
END_TEST

/* The end of an archive of 64 bits that claims 2^40 entries, in a hundred bytes. */
START_TEST(a_directory_cannot_be_larger_than_the_file)
{
    struct archive a = { .length = 0 };
    put(&a, 0x06064b50, 4), put(&a, 44, 8), put(&a, 45, 2), put(&a, 45, 2), put(&a, 0, 8), put(&a, UINT64_C(1) << 40, 8), put(&a, UINT64_C(1) << 40, 8);
    put(&a, 0, 8), put(&a, 0, 8);
    put(&a, 0x07064b50, 4), put(&a, 0, 4), put(&a, 0, 8), put(&a, 1, 4);
    put(&a, 0x06054b50, 4), put(&a, 0, 4), put(&a, 0xffff, 2), put(&a, 0xffff, 2), put(&a, UINT32_MAX, 4), put(&a, UINT32_MAX, 4), put(&a, 0, 2);
    assert_fails(ad_loadz(file_of(&a)), AD_ERROR_FORMAT, "more entries than it has room for");
    struct archive b = { .length = 0 };
    put(&b, 0x06054b50, 4), put(&b, 0, 4), put(&b, 0xffff, 2), put(&b, 0xffff, 2), put(&b, 46, 4), put(&b, 0, 4), put(&b, 0, 2);
    assert_fails(ad_loadz(file_of(&b)), AD_ERROR_FORMAT, "is damaged");
    remove_files();
}
END_TEST

START_TEST(what_is_no_archive_is_an_error)
{
    struct archive a = { .length = 0 };
    assert_fails(ad_loadz(file_of(&a)), AD_ERROR_FORMAT, "is not a zip archive: it has 0 bytes");
    put_bytes(&a, NPY, NPY_BYTES);
    assert_fails(ad_loadz(file_of(&a)), AD_ERROR_FORMAT, "is damaged: Not a zip archive");
    assert_fails(ad_loadz("no/such/file.npz"), AD_ERROR_IO, "ad_loadz: no/such/file.npz cannot be read: No such file");
    assert_fails(ad_loadz("."), AD_ERROR_IO, "not a regular file");
    assert_fails(ad_loadz(NULL), AD_ERROR_VALUE, "NULL");
    assert_fails(ad_savez(NULL, ad_tree_empty()), AD_ERROR_VALUE, "NULL");
    assert_fails(ad_savez("x.npz", NULL), AD_ERROR_VALUE, "ad_savez: the tree is NULL");
    remove_files();
}
END_TEST

/* Every byte of an archive of NumPy's changed, and every length it can be cut to: a tree or an error, and never a
 * crash. */
START_TEST(damage_is_survived)
{
    static struct archive whole, damaged;
    whole.length = contents(AD_GOLDEN "/numpy_compressed.npz", whole.bytes, sizeof whole.bytes);
    for (size_t i = 0; i < whole.length; i++)
        for (int flip = 1; flip < 3; flip++) {
            AD_SCOPE;
            damaged = whole;
            if (flip == 1)
                damaged.bytes[i] ^= 0xff;
            else
                damaged.length = i;
            ad_tree *t = ad_loadz(file_of(&damaged));
            ck_assert_msg(t ? !ad_failed() : ad_failed() && ad_error_code() != AD_ERROR_MEMORY, "byte %zu: %s", i, ad_error_message());
            ad_clear_error();
        }
    remove_files();
}
END_TEST

RUN_TESTS("npz", trees_come_back, long_lists_and_deep_trees_come_back, views_are_written_as_their_elements, the_same_tree_gives_the_same_bytes,
          archives_of_numpy_are_read, a_pipe_takes_an_archive, names_that_would_leave_the_folder_are_refused, every_allocation_may_fail,
          the_archives_of_these_tests_can_be_read, hostile_names_are_errors, hostile_entries_are_errors, bombs_take_no_memory,
          a_directory_cannot_be_larger_than_the_file, what_is_no_archive_is_an_error, damage_is_survived)
