/* Pictures in PNG files, through libpng.
 *
 * libpng leaves a function by longjmp when it finds an error. So every function that calls it is short, has a setjmp of
 * its own, and after that changes nothing but what a pointer leads to. What was made is freed with the struct around.
 * Samples come as they are stored, without regard to gamma or colour profiles. Memory for the pixels is taken when the
 * header is known and the file is large enough to hold so many. libpng's memory is libad's. */
#include "ad/io.h"
#include "io/io.h"
#include <png.h>
#include <string.h>

struct picture {
    struct ad_file *file;
    png_structp png;
    png_infop info;
    bool no_memory;
};

static void *take(png_structp png, png_alloc_size_t bytes)
{
    struct picture *p = png_get_mem_ptr(png);
    void *block = ad_memory_take(bytes);
    p->no_memory |= !block;
    return block;
}

static void give(png_structp png, void *block)
{
    (void)png;
    ad_memory_give(block);
}

/* The first error stays: an error of the file or of memory says more than libpng can. */
static void fail(png_structp png, const char *what)
{
    const struct picture *p = png_get_error_ptr(png);
    ad_file_damaged(p->file, p->file->offset, "%s", what);
    png_longjmp(png, 1);
}

static void ignore(png_structp png, const char *what)
{
    (void)png, (void)what;
}

static bool no_memory(const struct picture *p)
{
    return AD_FAIL(AD_ERROR_MEMORY, "%s: no memory for %s", p->file->operation, p->file->path);
}

/* ---- reading ---- */

static void read_bytes(png_structp png, png_bytep out, size_t bytes)
{
    const struct picture *p = png_get_io_ptr(png);
    if (!ad_file_read(p->file, out, (int64_t)bytes, "a part of a picture"))
        png_longjmp(png, 1);
}

static bool begin_reading(struct picture *p, struct ad_file *f)
{
    *p = (struct picture){ .file = f };
    p->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, p, fail, ignore, p, take, give);
    p->info = p->png ? png_create_info_struct(p->png) : NULL;
    if (!p->info)
        return no_memory(p);
    png_set_read_fn(p->png, p, read_bytes);
    return true;
}

static void end_reading(struct picture *p)
{
    if (p->png)
        png_destroy_read_struct(&p->png, &p->info, NULL);
}

/* Reads everything before the pixels. Chunks that do not change the pixels are skipped. */
static bool read_header(struct picture *p)
{
    static const unsigned char others[] = "bKGD\0cHRM\0gAMA\0hIST\0iCCP\0iTXt\0oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0sPLT\0sRGB\0tEXt\0tIME\0zTXt\0eXIf";
    if (setjmp(png_jmpbuf(p->png)))
        return false;
    png_set_user_limits(p->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_keep_unknown_chunks(p->png, PNG_HANDLE_CHUNK_NEVER, others, sizeof others / 5);
    png_read_info(p->png, p->info);
    return true;
}

/* Whether the file can hold the samples. No memory is taken for them before this is known. */
static bool is_size_possible(const struct picture *p)
{
    uint64_t rows = png_get_image_height(p->png, p->info), row = png_get_rowbytes(p->png, p->info);
    int64_t most = ad_most_content(p->file->bound, true);
    if (row <= (uint64_t)most && rows <= (uint64_t)most / (row ? row : 1))
        return true;
    ad_file_damaged(p->file, p->file->offset, "it claims a picture of %u by %u, but has room for at most %lld bytes", png_get_image_height(p->png, p->info),
                    png_get_image_width(p->png, p->info), (long long)most);
    return false;
}

/* Grey of 1, 2 and 4 bits, palettes and transparent colours become bytes; 16 bits are rounded to 8. */
static bool expand(struct picture *p)
{
    if (setjmp(png_jmpbuf(p->png)))
        return false;
    png_set_expand(p->png);
    png_set_scale_16(p->png);
    png_set_interlace_handling(p->png);
    png_read_update_info(p->png, p->info);
    return true;
}

static bool open_picture(struct picture *p, struct ad_file *f, ad_shape *shape)
{
    if (!begin_reading(p, f) || !read_header(p) || !is_size_possible(p) || !expand(p))
        return false;
    int channels = png_get_channels(p->png, p->info);
    *shape = (ad_shape){ .ndim = channels == 1 ? 2 : 3, .dim = { png_get_image_height(p->png, p->info), png_get_image_width(p->png, p->info), channels } };
    return !p->no_memory || no_memory(p);
}

/* Each pass of an interlaced picture fills in its pixels, in the rows as they are. */
static bool read_rows(struct picture *p, unsigned char *out)
{
    if (setjmp(png_jmpbuf(p->png)))
        return false;
    int passes = png_get_interlace_type(p->png, p->info) == PNG_INTERLACE_ADAM7 ? PNG_INTERLACE_ADAM7_PASSES : 1;
    uint32_t rows = png_get_image_height(p->png, p->info);
    size_t bytes = png_get_rowbytes(p->png, p->info);
    for (int pass = 0; pass < passes; pass++)
        for (uint32_t row = 0; row < rows; row++)
            png_read_row(p->png, out + row * bytes, NULL);
    png_read_end(p->png, NULL);
    return !p->no_memory || no_memory(p);
}

bool ad_png_shape(struct ad_file *f, ad_shape *shape)
{
    struct picture p;
    bool done = open_picture(&p, f, shape);
    end_reading(&p);
    return done;
}

bool ad_png_pixels(struct ad_file *f, const ad_shape *wanted, void *out)
{
    struct picture p;
    ad_shape shape;
    bool done = open_picture(&p, f, &shape);
    if (done && !ad_shape_equal(shape, *wanted))
        done = AD_FAIL(AD_ERROR_SHAPE, "%s: %s changes while it is read", f->operation, f->path);
    done = done && read_rows(&p, out);
    end_reading(&p);
    return done;
}

static ad_array *read_png(struct ad_file *f)
{
    struct picture p;
    ad_shape shape;
    ad_array *x = open_picture(&p, f, &shape) ? ad_array_new(ad_current(), AD_U8, shape.ndim, shape.dim) : NULL;
    bool done = x && read_rows(&p, (unsigned char *)memory_of(x));
    end_reading(&p);
    return done ? x : NULL;
}

ad_array *ad_load_png(const char *path)
{
    return ad_file_load("ad_load_png", path, read_png);
}

/* ---- writing ---- */

static void write_bytes(png_structp png, png_bytep data, size_t bytes)
{
    const struct picture *p = png_get_io_ptr(png);
    if (!ad_file_write(p->file, data, (int64_t)bytes))
        png_longjmp(png, 1);
}

static void flush(png_structp png)
{
    (void)png;
}

static int channels_of(const ad_array *x)
{
    return x->ndim == 2 ? 1 : (int)ad_dims(x)[2];
}

static bool write_picture(struct picture *p, const ad_array *x)
{
    static const int types[] = { PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA };
    uint32_t rows = (uint32_t)ad_dims(x)[0], width = (uint32_t)ad_dims(x)[1];
    if (setjmp(png_jmpbuf(p->png)))
        return false;
    png_set_user_limits(p->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_write_fn(p->png, p, write_bytes, flush);
    png_set_IHDR(p->png, p->info, width, rows, 8, types[channels_of(x) - 1], PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(p->png, p->info);
    for (uint32_t row = 0; row < rows; row++)
        png_write_row(p->png, (png_const_bytep)memory_of(x) + (size_t)row * width * (size_t)channels_of(x));
    png_write_end(p->png, NULL);
    return !p->no_memory || no_memory(p);
}

static bool write_png(struct ad_file *f, const ad_array *x)
{
    struct picture p = { .file = f };
    p.png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &p, fail, ignore, &p, take, give);
    p.info = p.png ? png_create_info_struct(p.png) : NULL;
    bool done = p.info ? write_picture(&p, x) : no_memory(&p);
    if (p.png)
        png_destroy_write_struct(&p.png, &p.info);
    return done;
}

static bool can_be_png(const ad_array *x)
{
    const int64_t *dim = ad_dims(x);
    if (x->dtype != AD_U8)
        return AD_FAIL(AD_ERROR_DTYPE, "ad_save_png: a picture of %s; uint8 is wanted, from 0 to 255: see ad_astype", ad_dtype_name((ad_dtype)x->dtype));
    if ((x->ndim != 2 && x->ndim != 3) || (x->ndim == 3 && (dim[2] < 1 || dim[2] > 4)))
        return AD_FAIL(AD_ERROR_SHAPE, "ad_save_png: a picture of shape %s; (h,w) and (h,w,channels) with 1 to 4 channels are possible", AD_SHAPE_TEXT(x));
    if (x->size == 0 || dim[0] > PNG_UINT_31_MAX || dim[1] > PNG_UINT_31_MAX / 8)
        return AD_FAIL(AD_ERROR_SHAPE, "ad_save_png: a picture of shape %s is %s", AD_SHAPE_TEXT(x), x->size ? "too large for a PNG file" : "empty");
    return true;
}

bool ad_save_png(const char *path, const ad_array *x)
{
    return ad_given(x, "ad_save_png", "array") && can_be_png(x) && ad_file_save_array("ad_save_png", path, x, write_png);
}
