/* Hostile arguments: every public function with good and bad values of each parameter, one bad at a time and then many.
 *
 * A call gives a result or records an error; it never does both and never crashes, which is for the sanitizers to
 * notice. hostile_calls.h, which is generated, has the operations, and hostile_rows.h what needs other arguments than
 * values of its parameters' types. Each row runs in a process of its own, so that a crash names its row; a failed check
 * prints the values that did it. */
#include "../testing.h"
#include <ad-nn/nn.h>
#include <ctype.h>
#include <hyperopt/hyperopt.h>

enum { ROOM = 1000, DRAWS = 100, MEMORY = 8 << 20 };

/* ---- values ---- */

static double room[ROOM];
static char bytes[16 * ROOM] __attribute__((aligned(64)));
static FILE *nowhere; /* a stream on which every write fails */

/* Elements for a shape that needs no more than there are. */
static void *values_for(ad_shape shape)
{
    return ad_shape_size(shape) <= ROOM ? bytes : NULL;
}

/* A part of a loop. */
static void set_an_error(int64_t part, void *context)
{
    if (context)
        ad_set_error(AD_ERROR_USER, "part %lld", (long long)part);
}

/* An index is a format, as printf's: what a string asks for must be there. */
static const char *plain(const char *index)
{
    return index && strchr(index, '%') ? "0" : index;
}

static const ad_shape shapes[] = {
    { .ndim = 2, .dim = { 2, 3 } }, { .ndim = 0 }, { .ndim = 1, .dim = { 3 } }, { .ndim = 1, .dim = { 0 } }, { .ndim = 1, .dim = { -1 } },
    { .ndim = 1, .dim = { INT64_MIN } }, { .ndim = 1, .dim = { INT64_MAX } }, { .ndim = 2, .dim = { INT64_C(1) << 62, 4 } },
    { .ndim = 3, .dim = { 0, INT64_C(1) << 62, INT64_C(1) << 62 } }, { .ndim = 2, .dim = { -1, -1 } }, { .ndim = 2, .dim = { -3, -2 } },
    { .ndim = 1, .dim = { INT64_C(1) << 40 } }, { .ndim = 3, .dim = { 1, 2, 3 } }, { .ndim = -1 }, { .ndim = INT_MIN }, { .ndim = 33 }, { .ndim = INT_MAX },
    { .ndim = 32, .dim = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 } }, { .ndim = 32 },
};

static const ad_axes lists_of_axes[] = {
    { .count = 0 }, { .count = 1, .axis = { 0 } }, { .count = 2, .axis = { 0, 1 } }, { .count = 2, .axis = { -1, -2 } }, { .count = 2, .axis = { 0, 0 } },
    { .count = 1, .axis = { 32 } }, { .count = 1, .axis = { INT_MIN } }, { .count = 2, .axis = { INT_MAX, -INT_MAX } }, { .count = 3, .axis = { 0, 1, 2 } },
    { .count = 32 }, { .count = 33 }, { .count = INT_MAX }, { .count = -1 }, { .count = INT_MIN },
};

static const int small_integers[] = { 0, 1, -1, 2, AD_NO_AXIS, -2, 3, 31, 32, 33, -32, -33, 64, 255, 256, 65536, INT_MAX, -INT_MAX, INT_MIN };
static const int64_t integers[] = { 2, 0, 1, -1, 3, -2, INT64_C(1) << 40, -(INT64_C(1) << 40), INT64_C(1) << 62, INT64_MAX, INT64_MIN, INT64_MIN + 1, INT_MAX, INT_MIN };
static const double numbers_[] = { 1, 0, -0.0, -1, 0.5, 2, NAN, INFINITY, -INFINITY, 1.7976931348623157e308, 2.2250738585072014e-308, 4.9e-324, 1e300, -1e300, 1e18 };
static const int dtypes[] = { AD_F64, AD_F32, AD_C128, AD_C64, AD_I64, AD_I32, AD_U8, AD_BOOL, -1, 8, 77, INT_MAX, INT_MIN, -2 };
static const int counts[] = { 2, 0, 1, -1, -2, INT_MIN, -INT_MAX };

static char long_text[100000];
static const char *const texts[] = {
    "0", NULL, "", "1", "...", "::", "0:1", ":, 0", "None", "::-1", "::0", "1:2:3:4", "-9223372036854775808", "99999999999999999999", "0,0,0,0,0,0",
    "...,...", "%", "%d", "%s%s%n", "%lld:%", "%99999d", "C", "F", "K", "ij", "xy", "constant", "edge", "reflect", "symmetric", "wrap", "backward", "ortho", "forward", "ij,jk->ik", "ij->ji", "ii", "ii->i", "i,i",
    "i...,...j", "ij,jk->", "->", ",", ",,", "i->", "i->ii", "i->k", "....", "...i...", "I,J", "ijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "a/b", "0/0/0", "/", "//", "/0", "0/",
    "\xff\xfe\x80", "a(a)", "a(a,", "t(t,a,p,i,l,d)", "a(a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a)", "a()", "a", "(a)", "\n\r\t\"'\\", long_text,
};

/* Made in the scope of the row. */
enum { ARRAYS = 30, TREES = 9, TAGGED = 36 };
static ad_array *arrays_[ARRAYS];
static ad_tree *trees[TREES];
static ad_tagged tagged_[TAGGED];

static void make_arrays(void)
{
    const double odd[] = { NAN, INFINITY, -INFINITY, -0.0, 1e300, 4.9e-324 };
    ad_shape most = { .ndim = 32 };
    for (int i = 0; i < 32; i++)
        most.dim[i] = 1;
    ad_array *matrix = counting(AD_SHAPE(2, 3));
    ad_array *made[ARRAYS] = {
        matrix, ad_arange(3.0), ad_arange(2), NULL, ad_scalar(0.5), ad_weak_integer(2), ad_weak_real(NAN), ad_zeros(AD_SHAPE(0)), ad_zeros(AD_SHAPE(2, 0, 3)),
        counting(AD_SHAPE(3, 2, 2)), ad_transpose(matrix), ad_flip(matrix), ad_broadcast_to(ad_scalar(1), AD_SHAPE(3, 3)), ad_ones(most),
        ad_from(odd, AD_SHAPE(2, 3)), ad_astype(matrix, AD_F32), ad_mul(matrix, 1i), ad_astype(ad_mul(matrix, 1i), AD_C64), ad_greater(matrix, 2),
        ad_greater(ad_arange(3), 0), ad_astype(matrix, AD_U8), ad_astype(matrix, AD_I32), ad_full(AD_SHAPE(3), INT64_MIN), ad_full(AD_SHAPE(2), INT64_MAX),
        ad_asarray(-1), ad_zeros(AD_SHAPE(3), .dtype = AD_BOOL), ad_weak_integer(INT64_MIN), ad_weak_integer(INT64_MAX), ad_weak_integer(-1), ad_weak_real(1e300),
    };
    memcpy(arrays_, made, sizeof made);
    ad_tree *deep = ad_list_of(matrix);
    for (int i = 0; i < 900; i++)
        deep = ad_list_of(deep);
    ad_tree *list[TREES] = {
        ad_list_of(matrix, matrix), NULL, ad_tree_empty(), ad_tree_of("a", matrix, "b", ad_tree_of("b", 1, "c", ad_list_of(2))), ad_list_of(matrix, ad_arange(3)),
        deep, ad_tree_of("x", ad_tree_of("w", 1.0), "alpha", 0.1, "beta", 0.5), ad_list_of(1, ad_greater(matrix, 2), ad_mul(matrix, 1i)), ad_list_of(ad_zeros(AD_SHAPE(0))),
    };
    memcpy(trees, list, sizeof list);
}

/* What another language may hand over: every kind, and lists whose counts are wrong. Pointers are good or NULL. */
static void make_tagged(void)
{
    static const int64_t several[80] = { 2, 3, 1 };
    static const ad_index indices[] = { { .kind = AD_INDEX_INTEGER, .start = 1 }, { .kind = (ad_index_kind)77 } };
    static ad_tagged nested = { .kind = AD_KIND_LIST, .count = 1, .list = &nested }, pair[3];
    pair[0] = pair[1] = (ad_tagged){ .kind = AD_KIND_ARRAY, .array = arrays_[0] };
    ad_tagged made[TAGGED] = {
        pair[0], { .kind = AD_KIND_NONE }, { .kind = AD_KIND_ARRAY }, { .kind = AD_KIND_TREE, .tree = trees[0] }, { .kind = AD_KIND_TREE },
        { .kind = AD_KIND_FUNCTION }, { .kind = AD_KIND_POINTER }, { .kind = AD_KIND_BOOL, .integer = 1 }, { .kind = AD_KIND_BOOL, .integer = 77 },
        { .kind = AD_KIND_INTEGER }, { .kind = AD_KIND_INTEGER, .integer = 2 }, { .kind = AD_KIND_INTEGER, .integer = -1 },
        { .kind = AD_KIND_INTEGER, .integer = INT64_MIN }, { .kind = AD_KIND_INTEGER, .integer = INT64_MAX }, { .kind = AD_KIND_REAL, .real = 0.5 },
        { .kind = AD_KIND_REAL, .real = NAN }, { .kind = AD_KIND_REAL, .real = 1e300 }, { .kind = AD_KIND_REAL, .real = -3 },
        { .kind = AD_KIND_COMPLEX, .parts = { 1, INFINITY } }, { .kind = AD_KIND_DTYPE, .integer = 3 }, { .kind = AD_KIND_DTYPE, .integer = INT64_MIN },
        { .kind = AD_KIND_TEXT }, { .kind = AD_KIND_TEXT, .text = "float32" }, { .kind = AD_KIND_TEXT, .text = "%s%n" }, { .kind = AD_KIND_TEXT, .text = long_text },
        { .kind = AD_KIND_KEY, .key = { 1, 2 } }, { .kind = AD_KIND_INTEGERS, .count = 2, .integers = several },
        { .kind = AD_KIND_INTEGERS, .count = 33, .integers = several }, { .kind = AD_KIND_INTEGERS, .count = INT_MIN, .integers = several },
        { .kind = AD_KIND_INTEGERS, .count = 2 }, { .kind = AD_KIND_INDICES, .count = 2, .indices = indices }, { .kind = AD_KIND_INDICES, .count = 99 },
        { .kind = AD_KIND_LIST, .count = 2, .list = pair }, { .kind = AD_KIND_LIST, .count = -1, .list = pair }, nested, { .kind = (ad_kind)77 },
    };
    memcpy(tagged_, made, sizeof made);
}

/* Functions that nothing can be done with but call them: all of their parameters are values, and they neither write
 * files nor change the thread. */
static const char *const functions[] = {
    "ad_sum", "ad_add", "ad_reshape", "ad_where", "ad_clip", "ad_pad", "ad_einsum", "ad_arange", "ad_concatenate", "ad_meshgrid", "ad_at", "ad_at_list", "ad_at_set",
    "ad_astype", "ad_linspace", "ad_logspace", "ad_random_normal", "ad_random_choice", "ad_random_key", "ad_eye", "ad_zeros", "ad_full", "ad_transpose", "ad_moveaxis_axes",
    "ad_roll", "ad_tensordot", "ad_linalg_svd", "ad_linalg_norm", "ad_fft_fftn", "ad_fft_irfft", "ad_take", "ad_one_hot", "ad_tree_from", "ad_list_from", "ad_shape_of",
    "ad_item", "ad_dtype_name", "ad_scope_open", "ad_vjp", "ad_nothing", "", NULL, long_text,
};

static const ad_index_list index_lists[] = {
    { .count = 1, .index = { { .kind = AD_INDEX_INTEGER, .start = 1 } } },
    { .count = 0 }, { .count = -1 }, { .count = 64 }, { .count = 65 }, { .count = INT_MAX }, { .count = INT_MIN },
    { .count = 1, .index = { { .kind = AD_INDEX_INTEGER, .start = INT64_MIN } } },
    { .count = 1, .index = { { .kind = AD_INDEX_SLICE, .start = INT64_MIN + 1, .stop = INT64_MAX, .step = INT64_MAX } } },
    { .count = 1, .index = { { .kind = AD_INDEX_SLICE, .start = INT64_MAX, .stop = INT64_MIN + 1, .step = INT64_MIN } } },
    { .count = 1, .index = { { .kind = AD_INDEX_SLICE, .start = -1, .stop = INT64_MIN, .step = -INT64_MAX } } },
    { .count = 1, .index = { { .kind = AD_INDEX_SLICE, .start = 0, .stop = 1, .step = 0 } } },
    { .count = 1, .index = { { .kind = AD_INDEX_ARRAY } } },
    { .count = 2, .index = { { .kind = AD_INDEX_REST }, { .kind = AD_INDEX_REST } } },
    { .count = 2, .index = { { .kind = AD_INDEX_NEW }, { .kind = AD_INDEX_NEW } } },
    { .count = 1, .index = { { .kind = (ad_index_kind)77 } } },
    { .count = 1, .index = { { .kind = (ad_index_kind)-1, .start = 5, .stop = 3, .step = 1 } } },
};

static const ad_widths pairs_of_widths[] = {
    { .count = 0 }, { .count = 1, .width = { { 1, 2 } } }, { .count = 2, .width = { { 0, 1 }, { 1, 0 } } }, { .count = 1, .width = { { -1, 0 } } },
    { .count = 1, .width = { { INT64_MAX, INT64_MAX } } }, { .count = 1, .width = { { INT64_MIN, 0 } } }, { .count = -1 }, { .count = 33 }, { .count = INT_MAX },
    { .count = 1, .width = { { INT64_C(1) << 40, 0 } } },
};

/* ---- what the rows are written in ---- */

enum field { X, Y, Z, T, U, SHAPE, REPS, AXES, PAIR, AXIS, AXIS2, I, N, M, K, REAL, REAL2, DTYPE, TEXT, WORD, FLAG, INDICES, INDEX, WIDTHS, COUNT, V, W, NAME, FIELDS };

#define SIZE(values) (int)(sizeof(values) / sizeof *(values))

static const struct {
    const char *name;
    int count;
} fields[FIELDS] = {
    [X] = { "x", ARRAYS }, [Y] = { "y", ARRAYS }, [Z] = { "z", ARRAYS }, [T] = { "t", TREES }, [U] = { "u", TREES }, [SHAPE] = { "shape", SIZE(shapes) },
    [REPS] = { "reps", SIZE(shapes) }, [AXES] = { "axes", SIZE(lists_of_axes) }, [PAIR] = { "pair", SIZE(lists_of_axes) }, [AXIS] = { "axis", SIZE(small_integers) },
    [AXIS2] = { "axis2", SIZE(small_integers) }, [I] = { "i", SIZE(small_integers) }, [N] = { "n", SIZE(integers) }, [M] = { "m", SIZE(integers) },
    [K] = { "k", SIZE(integers) }, [REAL] = { "real", SIZE(numbers_) }, [REAL2] = { "real2", SIZE(numbers_) }, [DTYPE] = { "dtype", SIZE(dtypes) },
    [TEXT] = { "text", SIZE(texts) }, [WORD] = { "word", SIZE(texts) }, [FLAG] = { "flag", 2 }, [INDICES] = { "indices", SIZE(index_lists) },
    [INDEX] = { "index", SIZE(index_lists) }, [WIDTHS] = { "widths", SIZE(pairs_of_widths) }, [COUNT] = { "count", SIZE(counts) }, [V] = { "v", TAGGED }, [W] = { "w", TAGGED }, [NAME] = { "name", SIZE(functions) },
};

struct choice {
    int of[FIELDS];
    unsigned given; /* bit i: option i is */
};

OF_X(total, ad_sum(ad_mul(ad_sin(x), x)))

static ad_array *with_value_and_gradient(ad_array *x)
{
    ad_array *gradient = NULL, *value = ad_value_and_grad(total)(x, &gradient);
    return value && gradient ? ad_add(value, gradient) : NULL;
}

static ad_array *pulled_back(ad_array *x, ad_array *g)
{
    ad_pullback *pull = NULL;
    ad_array *y = ad_vjp(ad_sin, x, &pull), *back = y ? ad_vjp_apply(pull, g) : NULL;
    ad_vjp_free(pull);
    return back;
}

static ad_array *leaf_with_path(const char *path, ad_array *leaf, void *context)
{
    (void)context;
    return strlen(path) ? ad_sin(leaf) : NULL;
}

static ad_array *with_context(ad_array *leaf, void *context)
{
    return context ? NULL : ad_sin(leaf);
}

static ad_array *two_with_context(ad_array *a, ad_array *b, void *context)
{
    return context ? NULL : ad_add(a, b);
}

static ad_pullback *pull_of(ad_fn *fn, ad_array *x)
{
    ad_pullback *pull = NULL;
    ad_vjp(fn, x, &pull);
    return pull;
}

static bool apply_and_free(ad_pullback *pull, const ad_tagged *v)
{
    ad_tagged g = ad_vjp_apply_tagged(pull, v);
    ad_vjp_free(pull);
    return g.kind != AD_KIND_NONE;
}

/* A tensor over the room, which nobody deletes. Strides are 0, so that all shapes stay in it, or those of C order. */
static ad_dlpack_versioned *tensor_of(ad_shape shape, int code, int bits, bool strides, int64_t offset)
{
    static int64_t none[AD_MAX_NDIM];
    static ad_dlpack_versioned tensor;
    static ad_shape lengths;
    lengths = shape;
    tensor = (ad_dlpack_versioned){ .major = 1, .tensor = { .data = strides || values_for(shape) ? bytes : NULL, .device = { AD_DLPACK_CPU, 0 },
                                                            .ndim = shape.ndim, .dtype = { (uint8_t)code, (uint8_t)bits, 1 }, .shape = lengths.dim,
                                                            .strides = strides ? none : NULL, .byte_offset = (uint64_t)offset & 15 } };
    return &tensor;
}

static ad_array *norm(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    (void)theta, (void)iteration, (void)context;
    return adnn_squared_norm(x);
}

static ad_array *norm_of_hypers(ad_tree *hypers, ad_key key, void *context)
{
    (void)key, (void)context;
    return adnn_squared_norm(hypers);
}

#define UNUSED __attribute__((unused))
/* What a row may name, as it was chosen for the call: plain values, lists, and arrays with what is made of them. */
#define CHOSEN_VALUES                                                                                                  \
    UNUSED int axis = small_integers[c->of[AXIS]], axis2 = small_integers[c->of[AXIS2]], i = small_integers[c->of[I]], count = counts[c->of[COUNT]]; \
    UNUSED int64_t n = integers[c->of[N]], m = integers[c->of[M]], k = integers[c->of[K]];                             \
    UNUSED double real = numbers_[c->of[REAL]], real2 = numbers_[c->of[REAL2]];                                        \
    UNUSED ad_dtype dtype = (ad_dtype)dtypes[c->of[DTYPE]];                                                            \
    UNUSED const char *text = texts[c->of[TEXT]], *word = texts[c->of[WORD]];                                          \
    UNUSED bool flag = c->of[FLAG];                                                                                    \
    UNUSED ad_key key = { 1, 2 }, keys[2];                                                                             \
    UNUSED const char *name = functions[c->of[NAME]];
#define CHOSEN_LISTS                                                                                                   \
    UNUSED ad_shape shape = shapes[c->of[SHAPE]], reps = shapes[c->of[REPS]];                                          \
    UNUSED ad_axes axes = lists_of_axes[c->of[AXES]], pair = lists_of_axes[c->of[PAIR]];                               \
    UNUSED ad_index_list indices = index_lists[c->of[INDICES]];                                                        \
    UNUSED ad_index index = index_lists[c->of[INDEX]].index[0];                                                        \
    UNUSED ad_widths widths = pairs_of_widths[c->of[WIDTHS]];
#define CHOSEN_ARRAYS                                                                                                  \
    UNUSED ad_array *x = arrays_[c->of[X]], *y = arrays_[c->of[Y]], *z = arrays_[c->of[Z]];                            \
    UNUSED ad_tree *t = trees[c->of[T]], *u = trees[c->of[U]];                                                         \
    UNUSED ad_number numbers[] = { { .is_integer = true, .integer = n, .real = (double)n }, { .real = real } };        \
    UNUSED ad_array *operands[] = { x, y }, *leaves[8] = { NULL };                                                     \
    UNUSED ad_tree_item items[] = { { AD_ITEM_NAME, text }, { AD_ITEM_ARRAY, x } }, arrays[] = { { AD_ITEM_ARRAY, x }, { AD_ITEM_TREE, t } }; \
    UNUSED ad_tagged v = tagged_[c->of[V]], w = tagged_[c->of[W]], values[] = { v, w }, second;                        \
    UNUSED ad_named named[] = { { word, v }, { flag ? "axis" : "dtype", w } };                                         \
    UNUSED adnn_model *layers[] = { NULL, NULL };                                                                      \
    UNUSED ad_tree *parameters = initial;
#define CHOSEN CHOSEN_VALUES CHOSEN_LISTS CHOSEN_ARRAYS

static ad_array *held;
static ad_tree *held_tree;
static adnn_model *model;
static ad_tree *initial;
static ad_fn *sine;

enum kind { AN_ARRAY, A_TREE, ANYTHING };

static struct row {
    const char *text;
    enum kind kind;
    void *(*call)(const struct choice *);
} rows[600];
static int row_count;

/* A function for each row, which puts itself into the table before main. */
#define ROW(kind, text, name, ...)                                                                                     \
    static void *name(const struct choice *c)                                                                          \
    {                                                                                                                  \
        CHOSEN                                                                                                         \
        __VA_ARGS__;                                                                                                   \
    }                                                                                                                  \
    __attribute__((constructor)) static void AD_JOIN_(name, _enters)(void)                                             \
    {                                                                                                                  \
        rows[row_count++] = (struct row){ text, kind, name };                                                          \
    }
static int option_count; /* of the call before */

/* The same with options: those that are chosen are given, the others have their defaults. */
#define ROW_WITH(kind, type, name, call, options_type, defaults, ...)                                                  \
    ROW(kind, #call " with " #__VA_ARGS__, name, options_type options = defaults; int option = 0; __VA_ARGS__ option_count = option; type *result = call; \
        return result)
#define GIVEN(field, word)                                                                                             \
    if (c->given >> option++ & 1)                                                                                      \
        options.field = word;
#define ARRAY_WITH(...) ROW_WITH(AN_ARRAY, ad_array, AD_JOIN_(row_, __COUNTER__), __VA_ARGS__)
#define TREE_WITH(...)  ROW_WITH(A_TREE, ad_tree, AD_JOIN_(row_, __COUNTER__), __VA_ARGS__)
#define ARRAY(...) ROW(AN_ARRAY, #__VA_ARGS__, AD_JOIN_(row_, __COUNTER__), ad_array *result = (__VA_ARGS__); return result)
#define TREE(...)  ROW(A_TREE, #__VA_ARGS__, AD_JOIN_(row_, __COUNTER__), ad_tree *result = (__VA_ARGS__); return result)
#define CALL(...)  ROW(ANYTHING, #__VA_ARGS__, AD_JOIN_(row_, __COUNTER__), (void)(__VA_ARGS__); return NULL)

#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-zero-length"
#pragma GCC diagnostic ignored "-Wnonnull"
#include "hostile_calls.h"
#include "hostile_rows.h"

/* ---- running them ---- */

/* Whether a row is written in this field. */
static bool mentions(const char *text, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = text; (at = strstr(at, name)); at++)
        if ((at == text || !(isalnum((unsigned char)at[-1]) || strchr("_.\"%", at[-1]))) && !isalnum((unsigned char)at[length]) && at[length] != '_')
            return true;
    return strcmp(name, "x") == 0 && (strstr(text, "operands") || strstr(text, "items") || strstr(text, "arrays,"));
}

static void describe(const struct row *row, const struct choice *c, char *out, size_t size)
{
    *out = '\0';
    for (int f = 0; f < FIELDS; f++)
        if (mentions(row->text, fields[f].name))
            snprintf(out + strlen(out), size - strlen(out), " %s[%d]", fields[f].name, c->of[f]);
    if (option_count)
        snprintf(out + strlen(out), size - strlen(out), ", options 0x%x", c->given);
}

/* The result is there, with elements that can be read, or there is an error. */
static void check_call(const struct row *row, const struct choice *c)
{
    AD_SCOPE;
    char values[400];
    describe(row, c, values, sizeof values);
    if (getenv("AD_HOSTILE_VERBOSE"))
        fprintf(stderr, "%s:%s\n", row->text, values);
    void *result = row->call(c);
    ck_assert_msg(!result || !ad_failed(), "%s with%s gives a result and the error \"%s\"", row->text, values, ad_error_message());
    ck_assert_msg(!ad_failed() || *ad_error_message(), "%s with%s gives an error without words", row->text, values);
    ck_assert_msg(row->kind == ANYTHING || result || ad_failed(), "%s with%s gives NULL and no error", row->text, values);
    ad_clear_error();
    if (row->kind == AN_ARRAY && result && ad_size(result) <= 64) {
        char *text = ad_tostring(result);
        ck_assert_msg(text != NULL, "%s with%s gives an array that cannot be printed: %s", row->text, values, ad_error_message());
        free(text);
    }
}

static uint64_t draw(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

/* One bad value at a time. */
static void check_each_value(const struct row *row, struct choice choice)
{
    for (int f = 0; f < FIELDS; f++)
        for (int v = f ? 1 : 0; v < fields[f].count && mentions(row->text, fields[f].name); v++) {
            choice.of[f] = v;
            check_call(row, &choice);
            choice.of[f] = 0;
        }
}

START_TEST(hostile_arguments)
{
    const struct row *row = &rows[_i];
    struct choice choice = { .given = 0 };
    uint64_t state = (uint64_t)_i;
    AD_SCOPE;
    memset(long_text, 'a', sizeof long_text - 1);
    nowhere = fopen("/dev/full", "w");
    setvbuf(nowhere, NULL, _IONBF, 0);
    make_arrays();
    make_tagged();
    model = adnn_sequential(adnn_dense(3), adnn_tanh());
    initial = adnn_init(model, ad_random_key(1), AD_SHAPE(3));
    sine = ad_function(ad_sin, "a(a)");
    ck_assert_msg(!ad_failed() && row_count <= SIZE(rows), "%s", ad_error_message());
    ad_memory_usage usage;
    ad_memory_stats(&usage);
    ad_memory_limit(usage.live + MEMORY);
    check_each_value(row, choice);
    unsigned all = (1U << option_count) - 1; /* with each option alone, then with all */
    for (unsigned given = 1; given <= all; given = given < all && given << 1 >= all ? all : given << 1) {
        choice.given = given;
        check_each_value(row, choice);
    }
    for (int k = 0; k < DRAWS; k++) {
        choice.given = (unsigned)draw(&state) & all;
        for (int f = 0; f < FIELDS; f++)
            choice.of[f] = draw(&state) % 2 ? (int)(draw(&state) % (uint64_t)fields[f].count) : 0;
        check_call(row, &choice);
    }
    ad_memory_limit(0);
    ad_release(held);
    ad_tree_release(held_tree);
    adnn_free(model);
    fclose(nowhere);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hostile");
    for (int i = 0; i < row_count; i++) {
        TCase *row = tcase_create(rows[i].text);
        tcase_set_timeout(row, 60);
        tcase_add_loop_test(row, hostile_arguments, i, i + 1);
        suite_add_tcase(suite, row);
    }
    return run_suite(suite);
}
