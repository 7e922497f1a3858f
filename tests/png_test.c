/* PNG pictures and folders of them: what comes back, every kind of file that libpng writes, and files that are damaged
 * or hostile. */
#include "files.h"
#include "testing.h"
#include <png.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>
#include <zlib.h>

/* A folder of this test, in which it works and which goes with it. */
static char folder[64];

static void enter_folder(void)
{
    snprintf(folder, sizeof folder, "png_test_%d", (int)getpid());
    ck_assert(mkdir(folder, 0777) == 0 && chdir(folder) == 0);
}

static void leave_folder(void)
{
    char command[100];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert(chdir("..") == 0 && system(command) == 0);
}

/* A picture in which every row is another. */
static ad_array *picture(ad_shape shape)
{
    return ad_astype(ad_mod(ad_mul(counting(shape), 37), 256), AD_U8);
}

static void assert_same(ad_array *x, ad_array *y)
{
    ck_assert_msg(y && ad_dtype_of(y) == AD_U8 && ad_shape_equal(ad_shape_of(x), ad_shape_of(y)), "%s", ad_error_message());
    ck_assert(memcmp(ad_data(x), ad_data(y), (size_t)ad_size(x)) == 0);
}

static void put_file(const char *path, const void *bytes, size_t length)
{
    remove(path);
    FILE *stream = fopen(path, "wb");
    ck_assert(stream && fwrite(bytes, 1, length, stream) == length && fclose(stream) == 0);
}

START_TEST(pictures_come_back)
{
    const ad_shape shapes[] = { AD_SHAPE(1, 1), AD_SHAPE(5, 7), AD_SHAPE(4, 3, 2), AD_SHAPE(3, 5, 3), AD_SHAPE(2, 9, 4), AD_SHAPE(300, 200) };
    for (int i = 0; i < 6; i++) {
        ad_array *x = picture(shapes[i]);
        ck_assert_msg(ad_save_png("x.png", x), "%s", ad_error_message());
        assert_same(x, ad_load_png("x.png"));
    }
    ck_assert(ad_save_png("x.png", picture(AD_SHAPE(4, 3, 1))));
    assert_same(picture(AD_SHAPE(4, 3)), ad_load_png("x.png"));
    ck_assert(ad_save_png("x.png", ad_transpose(picture(AD_SHAPE(4, 3)))));
    assert_same(ad_copy(ad_transpose(picture(AD_SHAPE(4, 3)))), ad_load_png("x.png"));
}
END_TEST

/* A picture of 9 by 5 with these samples in each row, as bytes of the file. */
struct kind {
    int depth, color, interlace;
    bool transparent;
    unsigned char row[72];
};

static void write_kind(const char *path, const struct kind *k)
{
    FILE *stream = fopen(path, "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_color palette[4] = { { 1, 2, 3 }, { 10, 20, 30 }, { 100, 110, 120 }, { 255, 254, 253 } };
    png_color_16 grey = { .gray = 1 };
    png_byte opacity[2] = { 7, 200 };
    unsigned char row[72], *rows[5] = { row, row, row, row, row };
    memcpy(row, k->row, sizeof row);
    png_init_io(png, stream);
    png_set_IHDR(png, info, 9, 5, k->depth, k->color, k->interlace, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_gAMA(png, info, 0.3);
    if (k->color == PNG_COLOR_TYPE_PALETTE)
        png_set_PLTE(png, info, palette, k->depth == 1 ? 2 : 4);
    if (k->transparent && k->color == PNG_COLOR_TYPE_PALETTE)
        png_set_tRNS(png, info, opacity, 2, NULL);
    else if (k->transparent)
        png_set_tRNS(png, info, NULL, 0, &grey);
    png_set_text(png, info, &(png_text){ .compression = PNG_TEXT_COMPRESSION_zTXt, .key = (char[]){ "Comment" }, .text = (char[]){ "nobody reads this" } }, 1);
    png_write_info(png, info);
    png_write_image(png, rows);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    fclose(stream);
}

static void assert_rows(const struct kind *k, int channels, const unsigned char *expected)
{
    write_kind("x.png", k);
    ad_array *x = ad_load_png("x.png");
    ck_assert_msg(x != NULL, "%s", ad_error_message());
    ck_assert(ad_shape_equal(ad_shape_of(x), channels == 1 ? AD_SHAPE(5, 9) : AD_SHAPE(5, 9, channels)));
    for (int row = 0; row < 5; row++)
        ck_assert_msg(memcmp((const unsigned char *)ad_data(x) + row * 9 * channels, expected, (size_t)(9 * channels)) == 0,
                      "row %d, depth %d, colour type %d, interlaced %d", row, k->depth, k->color, k->interlace);
}

START_TEST(every_kind_of_file_becomes_bytes)
{
    for (int interlace = 0; interlace < 2; interlace++) {
        assert_rows(&(struct kind){ 1, PNG_COLOR_TYPE_GRAY, interlace, false, { 0xa5, 0x80 } }, 1,
                    (unsigned char[]){ 255, 0, 255, 0, 0, 255, 0, 255, 255 });
        assert_rows(&(struct kind){ 2, PNG_COLOR_TYPE_GRAY, interlace, false, { 0x1b, 0x1b, 0xc0 } }, 1,
                    (unsigned char[]){ 0, 85, 170, 255, 0, 85, 170, 255, 255 });
        assert_rows(&(struct kind){ 4, PNG_COLOR_TYPE_GRAY, interlace, false, { 0x01, 0x23, 0x45, 0x67, 0xf0 } }, 1,
                    (unsigned char[]){ 0, 17, 34, 51, 68, 85, 102, 119, 255 });
        assert_rows(&(struct kind){ 8, PNG_COLOR_TYPE_GRAY, interlace, false, { 9, 8, 7, 6, 5, 4, 3, 2, 1 } }, 1,
                    (unsigned char[]){ 9, 8, 7, 6, 5, 4, 3, 2, 1 });
        assert_rows(&(struct kind){ 16, PNG_COLOR_TYPE_GRAY, interlace, false,
                                    { 0, 0, 0, 0x7f, 0, 0x81, 0xff, 0x7f, 0xff, 0xff, 0x80, 0x80, 1, 1, 1, 1, 1, 1 } }, 1,
                    (unsigned char[]){ 0, 0, 1, 255, 255, 128, 1, 1, 1 });
        assert_rows(&(struct kind){ 2, PNG_COLOR_TYPE_GRAY, interlace, true, { 0x1b, 0x1b, 0xc0 } }, 2,
                    (unsigned char[]){ 0, 255, 85, 0, 170, 255, 255, 255, 0, 255, 85, 0, 170, 255, 255, 255, 255, 255 });
        assert_rows(&(struct kind){ 2, PNG_COLOR_TYPE_PALETTE, interlace, false, { 0x1b, 0x1b, 0xc0 } }, 3,
                    (unsigned char[]){ 1, 2, 3, 10, 20, 30, 100, 110, 120, 255, 254, 253, 1, 2, 3, 10, 20, 30, 100, 110, 120, 255, 254, 253, 255, 254, 253 });
        assert_rows(&(struct kind){ 1, PNG_COLOR_TYPE_PALETTE, interlace, true, { 0x55, 0x00 } }, 4,
                    (unsigned char[]){ 1, 2, 3, 7, 10, 20, 30, 200, 1, 2, 3, 7, 10, 20, 30, 200, 1, 2, 3, 7, 10, 20, 30, 200, 1, 2, 3, 7, 10, 20, 30, 200,
                                      1, 2, 3, 7 });
    }
}
END_TEST

START_TEST(what_is_no_picture_is_refused)
{
    ad_array *x = picture(AD_SHAPE(4, 3));
    ck_assert(ad_save_png("x.png", x));
    assert_fails(ad_save_png("x.png", ad_ones(AD_SHAPE(4, 3))), AD_ERROR_DTYPE, "a picture of float64; uint8 is wanted");
    assert_fails(ad_save_png("x.png", picture(AD_SHAPE(4))), AD_ERROR_SHAPE, "a picture of shape (4,)");
    assert_fails(ad_save_png("x.png", picture(AD_SHAPE(4, 3, 5))), AD_ERROR_SHAPE, "1 to 4 channels");
    assert_fails(ad_save_png("x.png", picture(AD_SHAPE(4, 3, 0))), AD_ERROR_SHAPE, "channels");
    assert_fails(ad_save_png("x.png", picture(AD_SHAPE(0, 3))), AD_ERROR_SHAPE, "is empty");
    assert_fails(ad_save_png("no/such/x.png", x), AD_ERROR_IO, "ad_save_png: no/such/x.png cannot be written");
    if (access("/dev/full", W_OK) == 0)
        assert_fails(ad_save_png("/dev/full", x), AD_ERROR_IO, "/dev/full");
    assert_same(x, ad_load_png("x.png"));
    assert_fails(ad_load_png("no.png"), AD_ERROR_IO, "ad_load_png: no.png cannot be read");
    assert_fails(ad_load_png("."), AD_ERROR_IO, "not a regular file");
    put_file("x.png", "P5 2 2 255 abcd", 15);
    assert_fails(ad_load_png("x.png"), AD_ERROR_FORMAT, "ad_load_png: x.png is damaged at byte 8: Not a PNG file");
    put_file("x.png", "", 0);
    assert_fails(ad_load_png("x.png"), AD_ERROR_FORMAT, "it ends within a part of a picture");
}
END_TEST

static size_t put_chunk(unsigned char *out, const char *type, const void *data, uint32_t length)
{
    uint32_t numbers[2] = { length, (uint32_t)crc32(crc32(0, (const unsigned char *)type, 4), data, length) };
    for (int i = 0; i < 4; i++) {
        out[i] = (unsigned char)(numbers[0] >> (24 - 8 * i));
        out[8 + length + (uint32_t)i] = (unsigned char)(numbers[1] >> (24 - 8 * i));
    }
    memcpy(out + 4, type, 4);
    memcpy(out + 8, data, length);
    return 12 + length;
}

/* A file that claims this size, of grey bytes, and has a few of them. */
static void put_claim(uint32_t width, uint32_t height, unsigned char depth, unsigned char color)
{
    unsigned char file[400] = "\x89PNG\r\n\x1a\n", header[13] = { 0 }, packed[64];
    unsigned long packed_length = sizeof packed;
    size_t length = 8;
    for (int i = 0; i < 4; i++) {
        header[i] = (unsigned char)(width >> (24 - 8 * i));
        header[4 + i] = (unsigned char)(height >> (24 - 8 * i));
    }
    header[8] = depth;
    header[9] = color;
    ck_assert(compress(packed, &packed_length, (const unsigned char[40]){ 0 }, 40) == Z_OK);
    length += put_chunk(file + length, "IHDR", header, 13);
    length += put_chunk(file + length, "IDAT", packed, (uint32_t)packed_length);
    length += put_chunk(file + length, "IEND", "", 0);
    put_file("x.png", file, length);
}

START_TEST(claims_take_no_memory)
{
    ad_memory_usage usage;
    ad_memory_stats(&usage);
    ad_memory_limit(usage.live + (1 << 20));
    put_claim(3, 4, 8, 0);
    ck_assert_msg(ad_load_png("x.png"), "%s", ad_error_message());
    put_claim(0x7fffffff, 0x7fffffff, 16, 6);
    assert_fails(ad_load_png("x.png"), AD_ERROR_FORMAT, "it claims a picture of 2147483647 by 2147483647, but has room for at most");
    put_claim(1, 0x7fffffff, 1, 0);
    assert_fails(ad_load_png("x.png"), AD_ERROR_FORMAT, "it claims a picture of 2147483647 by 1, but");
    put_claim(0x7fffffff, 1, 1, 0);
    assert_fails(ad_load_png("x.png"), AD_ERROR_FORMAT, "it claims a picture of 1 by 2147483647");
    put_claim(100000, 100000, 8, 0);
    assert_fails(ad_load_png("x.png"), AD_ERROR_FORMAT, "it claims a picture");
    put_claim(300, 200, 8, 0); /* possible, but not there */
    assert_fails(ad_load_png("x.png"), AD_ERROR_FORMAT, "Not enough image data");
    put_claim(0, 4, 8, 0);
    assert_fails(ad_load_png("x.png"), AD_ERROR_FORMAT, "x.png is damaged");
    put_claim(4, 4, 3, 0);
    assert_fails(ad_load_png("x.png"), AD_ERROR_FORMAT, "x.png is damaged");
    put_claim(4, 4, 8, 3); /* no palette */
    assert_fails(ad_load_png("x.png"), AD_ERROR_FORMAT, "x.png is damaged");
    ad_memory_limit(0);
}
END_TEST

/* Every byte of a file changed, and every length it can be cut to: a picture or an error, and never a crash. */
START_TEST(damage_is_survived)
{
    static unsigned char whole[2000], damaged[2000];
    write_kind("whole.png", &(struct kind){ 2, PNG_COLOR_TYPE_PALETTE, 1, true, { 0x1b, 0x1b, 0xc0 } });
    size_t length = contents("whole.png", whole, sizeof whole);
    for (size_t i = 0; i < length; i++)
        for (int cut = 0; cut < 2; cut++) {
            AD_SCOPE;
            memcpy(damaged, whole, length);
            damaged[i] ^= 0xff;
            put_file("x.png", damaged, cut ? i : length);
            ad_array *x = ad_load_png("x.png");
            ck_assert_msg(x ? !ad_failed() : ad_error_code() == AD_ERROR_FORMAT, "byte %zu: %s", i, ad_error_message());
            ad_clear_error();
        }
}
END_TEST

/* ---- folders ---- */

static void put_picture(const char *path, int number)
{
    ck_assert_msg(ad_save_png(path, ad_full(AD_SHAPE(2, 3), number, .dtype = AD_U8)), "%s", ad_error_message());
}

/* An archive with pictures that are filled with the number after their name. */
static void put_archive(const char *path, const char *const *names, const int *numbers, int count)
{
    zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, NULL);
    unsigned char *bytes[8];
    for (int i = 0; i < count; i++) {
        put_picture("part.png", numbers[i]);
        bytes[i] = malloc(1000);
        size_t length = contents("part.png", bytes[i], 1000);
        ck_assert(zip_file_add(zip, names[i], zip_source_buffer(zip, bytes[i], length, 0), 0) >= 0);
    }
    ck_assert_int_eq(zip_close(zip), 0);
    for (int i = 0; i < count; i++)
        free(bytes[i]);
    remove("part.png");
}

/* Pictures of the folder are filled with 0, 1, 2, ... in the order of their paths, which are these. */
static void assert_images(const char *path, const char *const *expected)
{
    char **paths;
    ad_array *x = ad_load_images(path, &paths);
    ck_assert_msg(x != NULL, "%s", ad_error_message());
    int n = 0;
    for (; paths[n]; n++) {
        ck_assert_str_eq(paths[n], expected[n]);
        assert_close(ad_item(ad_min(ad_at(x, "%d", n))), n, 0);
        assert_close(ad_item(ad_max(ad_at(x, "%d", n))), n, 0);
    }
    ck_assert(!expected[n] && ad_shape_equal(ad_shape_of(x), AD_SHAPE(n, 2, 3)));
    free(paths);
    assert_same(x, ad_load_images(path, NULL));
}

static void make_folder(void)
{
    const char *const folders[] = { "data", "data/b", "data/b/c", "data/.hidden" };
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(mkdir(folders[i], 0777), 0);
    put_picture("data/b/c/2.png", 2);
    put_picture("data/b/1.PNG", 0);
    put_picture("data/a.png", 0);
    put_picture("data/b/1.PNG", 1);
    put_picture("data/.hidden/x.png", 77);
    put_picture("data/b/._y.png", 77);
    put_file("data/README.txt", "text", 4);
}

START_TEST(a_folder_becomes_an_array)
{
    const char *const expected[] = { "a.png", "b/1.PNG", "b/c/2.png", NULL };
    make_folder();
    assert_images("data", expected);
    assert_images("data/", expected);
    assert_images("./data//", expected);
    ck_assert(symlink("..", "data/b/loop") == 0 && symlink("data", "link") == 0);
    assert_images("link", expected);
}
END_TEST

START_TEST(archives_are_read_as_if_they_were_unpacked)
{
    const char *const names[] = { "b/c/3.png", "z/4.png", "README.txt", "__MACOSX/z/._4.png", "b/c/2.png" };
    const int numbers[] = { 3, 4, 9, 9, 9 };
    const char *const expected[] = { "a.png", "b/1.PNG", "b/c/2.png", "b/c/3.png", "z/4.png", NULL };
    const char *const below[] = { "a.png", "b/1.PNG", "b/c/2.png", "b/c/3.png", "z/4.png", "z/y/b/5.png", NULL };
    make_folder();
    put_archive("data/more.zip", names, numbers, 5); /* b/c/2.png stands in the folder too, and is taken from there */
    assert_images("data", expected);
    ck_assert_int_eq(mkdir("data/z", 0777), 0);
    put_archive("data/z/in.ZIP", (const char *[]){ "y/b/5.png" }, (int[]){ 5 }, 1);
    assert_images("data", below);
    put_archive("alone.zip", (const char *[]){ "z/1.png", "z/0.png" }, (int[]){ 1, 0 }, 2);
    assert_images("alone.zip", (const char *const[]){ "z/0.png", "z/1.png", NULL });
    put_archive("data/again.zip", (const char *[]){ "z/4.png" }, (int[]){ 4 }, 1);
    assert_fails(ad_load_images("data", NULL), AD_ERROR_FORMAT, "two archives in data, or one twice, have the picture z/4.png");
}
END_TEST

START_TEST(folders_that_are_no_array_are_errors)
{
    char **paths = (char **)folder;
    make_folder();
    assert_fails(ad_load_images("data/.hidden/x.png", NULL), AD_ERROR_FORMAT, "Not a zip archive");
    assert_fails(ad_load_images("nowhere", &paths), AD_ERROR_IO, "ad_load_images: nowhere cannot be read: No such file");
    ck_assert(!paths);
    assert_fails(ad_load_images(NULL, NULL), AD_ERROR_VALUE, "ad_load_images: the path is NULL");
    ck_assert(ad_save_png("data/b/3.png", picture(AD_SHAPE(3, 2))));
    assert_fails(ad_load_images("data", NULL), AD_ERROR_SHAPE, "b/3.png in data is of 3 by 2 pixels and 1 channels, a.png of 2 by 3 and 1");
    ck_assert(ad_save_png("data/b/3.png", picture(AD_SHAPE(2, 3, 2))));
    assert_fails(ad_load_images("data", NULL), AD_ERROR_SHAPE, "2 by 3 pixels and 2 channels");
    put_file("data/b/3.png", "nothing", 7);
    assert_fails(ad_load_images("data", &paths), AD_ERROR_FORMAT, "ad_load_images: data/b/3.png is damaged");
    remove("data/b/3.png");
    put_archive("data/x.zip", (const char *[]){ "../3.png" }, (int[]){ 3 }, 1);
    assert_fails(ad_load_images("data", NULL), AD_ERROR_FORMAT, "entry \"../3.png\" of data/x.zip");
    put_file("data/x.zip", "nothing", 7);
    assert_fails(ad_load_images("data", NULL), AD_ERROR_FORMAT, "data/x.zip is not a zip archive");
    remove("data/x.zip");
    ck_assert(symlink("gone.png", "data/gone.png") == 0);
    assert_fails(ad_load_images("data", NULL), AD_ERROR_IO, "data/gone.png cannot be read");
    ck_assert_int_eq(mkdir("empty", 0777), 0);
    assert_fails(ad_load_images("empty", NULL), AD_ERROR_IO, "there is no .png picture in empty");
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    ad_memory_usage before, after;
    ad_array *x = picture(AD_SHAPE(20, 30, 3)), *loaded = NULL;
    bool saved = false;
    char **paths = NULL;
    make_folder();
    put_archive("data/more.zip", (const char *[]){ "z/4.png" }, (int[]){ 4 }, 1);
    ck_assert(ad_save_png("x.png", picture(AD_SHAPE(2, 2))));
    for (int step = 0; step < 3; step++)
        for (int64_t n = 1; step == 0 ? !saved : !loaded; n++) {
            AD_SCOPE;
            ad_memory_stats(&before);
            ad_memory_fail_after(n);
            if (step == 0)
                saved = ad_save_png("x.png", x);
            else
                loaded = step == 1 ? ad_load_png("x.png") : ad_load_images("data", &paths);
            ad_memory_fail_after(0);
            ad_memory_stats(&after);
            bool done = step == 0 ? saved : loaded != NULL;
            ck_assert_msg(done || ad_error_code() == AD_ERROR_MEMORY, "step %d, allocation %lld: %s", step, (long long)n, ad_error_message());
            ck_assert_msg(done || before.live == after.live, "step %d, allocation %lld: %lld bytes stay", step, (long long)n,
                          (long long)(after.live - before.live));
            ad_clear_error();
            loaded = done && step == 1 ? (assert_same(x, loaded), NULL) : loaded;
            if (done && step > 0)
                break;
        }
    free(paths);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { pictures_come_back, every_kind_of_file_becomes_bytes, what_is_no_picture_is_refused, claims_take_no_memory,
                                   damage_is_survived,
                                   a_folder_becomes_an_array, archives_are_read_as_if_they_were_unpacked, folders_that_are_no_array_are_errors,
                                   every_allocation_may_fail };
    Suite *suite = suite_create("png");
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        TCase *one = tcase_create(tests[i]->name);
        tcase_add_checked_fixture(one, enter_folder, leave_folder);
        tcase_set_timeout(one, 60);
        tcase_add_test(one, tests[i]);
        suite_add_tcase(suite, one);
    }
    return run_suite(suite);
}
