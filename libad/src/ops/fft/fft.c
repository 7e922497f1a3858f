/* Discrete Fourier transforms along an axis, and everything that is made of them.
 *
 * There are five primitives, all linear: the transform of complex numbers and its inverse, the transform of reals and
 * its inverse, and the cosine transform. A transform along several axes, or of another length than the axis, uses other
 * operations beside them.
 *
 * The transpose of rfft is irfft of conj(g)/c, and the transpose of irfft is c times the conjugate of rfft of g, with
 * the norms exchanged. c_k is 1 where the transform of a real sequence has y_k only once, at k = 0 and in the middle of
 * an even length, and 2 elsewhere. */
#include "ad/fft.h"
#include "ad/create.h"
#include "ad/index.h"
#include "ad/math.h"
#include "ops/fft/fft.h"
#include <string.h>

enum norm { BACKWARD, ORTHO, FORWARD, NORMS };
static const char *const norm_names[] = { "backward", "ortho", "forward" };

enum { NORM_BYTES = 9 };

struct along {
    int axis;
    int64_t n; /* length of the sequences on the real side */
    int type;
    char norm[NORM_BYTES];
};

static enum norm norm_of(const char *name)
{
    enum norm norm = BACKWARD;
    while (name && norm < NORMS && strcmp(name, norm_names[norm]) != 0)
        norm++;
    return norm;
}

/* The norm that divides the other direction. */
static enum norm exchanged(enum norm norm)
{
    return norm == BACKWARD ? FORWARD : norm == FORWARD ? BACKWARD : norm;
}

/* ---- the primitives; a code says which ---- */

enum { FFT, IFFT, RFFT, IRFFT, DCT };

static const ad_field along_fields[] = {
    AD_FIELD(struct along, n, ASIDE), AD_FIELD(struct along, type, ASIDE), AD_FIELD(struct along, axis, INT), AD_FIELD(struct along, norm, TEXT), AD_FIELDS_END,
};
static const ad_field irfft_fields[] = {
    AD_FIELD(struct along, n, INT64), AD_FIELD(struct along, type, ASIDE), AD_FIELD(struct along, axis, INT), AD_FIELD(struct along, norm, TEXT), AD_FIELDS_END,
};
static const ad_field dct_fields[] = {
    AD_FIELD(struct along, n, ASIDE), AD_FIELD(struct along, type, INT), AD_FIELD(struct along, axis, INT), AD_FIELD(struct along, norm, TEXT), AD_FIELDS_END,
};

static bool along_infer(const ad_node *node, ad_spec *output)
{
    const struct along *a = ad_node_options(node);
    int code = ad_node_primitive(node)->code;
    ad_same_infer(node, output);
    output->dtype = code == IRFFT || code == DCT ? ad_dtype_real(output->dtype) : ad_dtype_complex(output->dtype);
    if (code == RFFT)
        output->shape.dim[a->axis] = a->n / 2 + 1;
    if (code == IRFFT)
        output->shape.dim[a->axis] = a->n;
    return true;
}

static double factor_of(int code, enum norm norm, double points)
{
    bool is_inverse = code == IFFT || code == IRFFT;
    return norm == ORTHO ? 1 / sqrt(points) : norm == (is_inverse ? BACKWARD : FORWARD) ? 1 / points : 1;
}

static bool along_eval(const ad_node *node, void *const *outputs)
{
    static const ad_fft_kind kinds[] = { [FFT] = AD_FFT_COMPLEX, [IFFT] = AD_FFT_COMPLEX, [RFFT] = AD_FFT_REAL, [IRFFT] = AD_FFT_REAL, [DCT] = AD_FFT_COSINE };
    const struct along *a = ad_node_options(node);
    const ad_array *x = ad_node_input(node, 0);
    int code = ad_node_primitive(node)->code;
    enum norm norm = norm_of(a->norm);
    struct layout l = layout_of(x, a->axis);
    struct ad_transforms t = { .kind = kinds[code], .parts = ad_dtype_real((ad_dtype)x->dtype), .n = a->n, .outer = l.outer, .inner = l.inner, .in_n = l.n };
    t.inverse = code == IFFT || code == IRFFT || (code == DCT && a->type == 3);
    t.in_dtype = (ad_dtype)x->dtype;
    t.out_dtype = ad_output_spec(node, 0)->dtype;
    t.out_n = ad_output_spec(node, 0)->shape.dim[a->axis];
    if (t.kind == AD_FFT_COMPLEX && t.in_dtype == t.parts)
        t.kind = AD_FFT_FULL;
    t.factor = factor_of(code, norm, code == DCT ? 2 * (double)t.n : (double)t.n);
    t.first = code != DCT || norm != ORTHO ? 1 : t.inverse ? sqrt(2) : sqrt(0.5);
    if (x->size == 0)
        return true;
    const void *in = data_of(node, 0);
    return in && ad_transform_all(&t, in, outputs[0]);
}

static const ad_primitive fft_op, ifft_op, rfft_op, irfft_op, dct_op;

static ad_array *apply(const ad_primitive *op, ad_array *x, int axis, int64_t n, enum norm norm, int type)
{
    struct along a = { .axis = axis, .n = n, .type = type };
    strcpy(a.norm, norm_names[norm]);
    return ad_call_primitive(op, &x, 1, &a);
}

/* The numbers f(k), to be multiplied along the axis of x: an array of `count` numbers `others`, except `first` at k =
 * 0, and `last` at the other end if it is not 0. */
static ad_array *weights(const ad_array *x, int axis, int64_t count, double first, double others, double last)
{
    ad_shape shape = { .ndim = x->ndim };
    for (int i = 0; i < x->ndim; i++)
        shape.dim[i] = i == axis ? count : 1;
    ad_array *w = ad_full(shape, others, .dtype = ad_dtype_real((ad_dtype)x->dtype));
    const struct region_axis at_first[] = { { REGION_WHOLE, .count = axis }, ad_region_part(0, 1, 1), { .kind = REGION_END } };
    const struct region_axis at_last[] = { { REGION_WHOLE, .count = axis }, ad_region_part(count - 1, 1, 1), { .kind = REGION_END } };
    shape.dim[axis] = 1;
    if (w)
        w = ad_update_region(UPDATE_SET, w, at_first + (axis == 0), ad_full(shape, first, .dtype = (ad_dtype)w->dtype));
    if (w && last != 0 && count > 1)
        w = ad_update_region(UPDATE_SET, w, at_last + (axis == 0), ad_full(shape, last, .dtype = (ad_dtype)w->dtype));
    return w;
}

static ad_array *fft_transpose(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    const struct along *a = ad_node_options(node);
    return apply(ad_node_primitive(node), g, a->axis, a->n, norm_of(a->norm), 0);
}

static ad_array *rfft_transpose(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    const struct along *a = ad_node_options(node);
    ad_array *w = weights(g, a->axis, a->n / 2 + 1, 1, 0.5, a->n % 2 ? 0 : 1);
    return apply(&irfft_op, ad_mul(ad_conj(g), w), a->axis, a->n, exchanged(norm_of(a->norm)), 0);
}

static ad_array *irfft_transpose(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    const struct along *a = ad_node_options(node);
    ad_array *w = weights(g, a->axis, a->n / 2 + 1, 1, 2, a->n % 2 ? 0 : 1);
    return ad_mul(ad_conj(apply(&rfft_op, g, a->axis, a->n, exchanged(norm_of(a->norm)), 0)), w);
}

/* The transpose is the other type. x_0 counts twice as much in type 2 as in type 3, unless they are orthogonal. */
static ad_array *dct_transpose(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    const struct along *a = ad_node_options(node);
    enum norm norm = norm_of(a->norm);
    if (norm == ORTHO)
        return apply(&dct_op, g, a->axis, a->n, norm, 5 - a->type);
    if (a->type == 2)
        return apply(&dct_op, ad_mul(g, weights(g, a->axis, a->n, 2, 1, 0)), a->axis, a->n, norm, 3);
    return ad_mul(apply(&dct_op, g, a->axis, a->n, norm, 2), weights(g, a->axis, a->n, 0.5, 1, 0));
}

#define ALONG(variable, text, which, transpose, table)                                                                 \
    static const ad_primitive variable = {                                                                             \
        .name = text, .infer = along_infer, .eval = along_eval, .vjp = transpose, .linear = AD_LINEAR, .options_size = sizeof(struct along), .fields = table, \
        .code = which,                                                                                                 \
    };                                                                                                                 \
    AD_OPERATION(variable)

ALONG(fft_op, "ad_fft_fft", FFT, fft_transpose, along_fields);
ALONG(ifft_op, "ad_fft_ifft", IFFT, fft_transpose, along_fields);
ALONG(rfft_op, "ad_fft_rfft", RFFT, rfft_transpose, along_fields);
ALONG(irfft_op, "ad_fft_irfft", IRFFT, irfft_transpose, irfft_fields);
ALONG(dct_op, "ad_fft_dct", DCT, dct_transpose, dct_fields);

/* ---- one axis ---- */

/* What a function was asked for, after it was checked. */
struct request {
    const char *name; /* of the public function */
    enum norm norm;
};

static bool is_request(struct request *r, const char *name, const ad_array *x, const char *norm)
{
    r->name = name;
    r->norm = norm_of(norm);
    return ad_given(x, name, "array") &&
           (r->norm < NORMS || AD_FAIL(AD_ERROR_VALUE, "%s: norm \"%s\"; possible are backward, ortho, forward", name, norm));
}

static bool is_length(const struct request *r, int64_t n)
{
    return n >= 1 || AD_FAIL(AD_ERROR_VALUE, "%s: a transform of %lld points; there should be 1 or more", r->name, (long long)n);
}

/* x with its axis cut off, or continued with zeros. */
static ad_array *with_length(ad_array *x, int axis, int64_t n)
{
    if (ad_dims(x)[axis] >= n)
        return ad_slice_of(x, axis, 0, n, 1, true);
    ad_pad_options options = { AD_PAD_DEFAULTS_FIELDS_ };
    options.widths.count = x->ndim;
    options.widths.width[axis][1] = n - ad_dims(x)[axis];
    return ad_pad_with(x, 0, options);
}

static ad_array *as_float(ad_array *x)
{
    return ad_dtype_is_inexact((ad_dtype)x->dtype) ? x : ad_astype(x, AD_F64);
}

/* x as reals, for functions that take only those. */
static ad_array *as_reals(const struct request *r, ad_array *x)
{
    if (ad_dtype_is_complex((ad_dtype)x->dtype))
        return ad_set_error(AD_ERROR_DTYPE, "%s: takes reals, not %s; ad_fft_fft takes complex numbers, ad_real gives their real parts", r->name,
                            ad_dtype_name((ad_dtype)x->dtype));
    return as_float(x);
}

/* One of fft, ifft and rfft along an axis that is counted from 0. n is a valid length. */
static ad_array *transform(const struct request *r, const ad_primitive *op, ad_array *x, int axis, int64_t n)
{
    x = x ? op->code == RFFT ? as_reals(r, x) : as_float(x) : NULL;
    x = x ? with_length(x, axis, n) : NULL;
    return x ? apply(op, x, axis, n, r->norm, 0) : NULL;
}

static ad_array *back_to_reals(const struct request *r, ad_array *x, int axis, int64_t n)
{
    x = x ? with_length(as_float(x), axis, n / 2 + 1) : NULL;
    return x ? apply(&irfft_op, ad_astype(x, ad_dtype_complex((ad_dtype)x->dtype)), axis, n, r->norm, 0) : NULL;
}

static ad_array *one(const char *name, const ad_primitive *op, ad_array *x, ad_fft_options o)
{
    struct request r;
    int axis;
    if (!is_request(&r, name, x, o.norm) || (axis = ad_axis_resolve(name, o.axis, x->ndim)) < 0)
        return NULL;
    AD_RUNNING(ad_current(), name);
    int64_t n = o.n != -1 ? o.n : op == &irfft_op ? 2 * (ad_dims(x)[axis] - 1) : ad_dims(x)[axis];
    if (!is_length(&r, n))
        return NULL;
    return op == &irfft_op ? back_to_reals(&r, x, axis, n) : transform(&r, op, x, axis, n);
}

ad_array *ad_fft_fft_with(ad_array *x, ad_fft_options options)
{
    return one("ad_fft_fft", &fft_op, x, options);
}

ad_array *ad_fft_ifft_with(ad_array *x, ad_fft_options options)
{
    return one("ad_fft_ifft", &ifft_op, x, options);
}

ad_array *ad_fft_rfft_with(ad_array *x, ad_fft_options options)
{
    return one("ad_fft_rfft", &rfft_op, x, options);
}

ad_array *ad_fft_irfft_with(ad_array *x, ad_fft_options options)
{
    return one("ad_fft_irfft", &irfft_op, x, options);
}

/* The norm of the other direction, by name. An unknown name stays as it is. */
static const char *other_norm(const char *norm)
{
    return norm_of(norm) < NORMS ? norm_names[exchanged(norm_of(norm))] : norm;
}

ad_array *ad_fft_hfft_with(ad_array *x, ad_fft_options options)
{
    options.norm = other_norm(options.norm);
    return ad_given(x, "ad_fft_hfft", "array") ? one("ad_fft_hfft", &irfft_op, ad_conj(x), options) : NULL;
}

ad_array *ad_fft_ihfft_with(ad_array *x, ad_fft_options options)
{
    options.norm = other_norm(options.norm);
    ad_array *y = one("ad_fft_ihfft", &rfft_op, x, options);
    return y ? ad_conj(y) : NULL;
}

/* ---- several axes ---- */

struct axes {
    int count, axis[AD_MAX_NDIM];
    int64_t n[AD_MAX_NDIM];
};

/* The axes, counted from 0, and their lengths. `last`: how many of the last axes are meant if none are given; 0:
 * all. */
static bool axes_of(const struct request *r, const ad_array *x, const ad_fftn_options *o, int last, bool to_reals, struct axes *a)
{
    if (!ad_count_fits(r->name, o->s.ndim, AD_MAX_NDIM, "lengths") || !ad_count_fits(r->name, o->axes.count, AD_MAX_NDIM, "axes"))
        return false;
    a->count = o->axes.count ? o->axes.count : last ? last : o->s.ndim ? o->s.ndim : x->ndim;
    if (o->s.ndim && o->s.ndim != a->count)
        return AD_FAIL(AD_ERROR_SHAPE, "%s: %d lengths for %d axes; there should be one for each", r->name, o->s.ndim, a->count);
    for (int i = 0; i < a->count; i++) {
        a->axis[i] = ad_axis_resolve(r->name, o->axes.count ? o->axes.axis[i] : i - a->count, x->ndim);
        if (a->axis[i] < 0)
            return false;
        bool halved = to_reals && i == a->count - 1;
        a->n[i] = o->s.ndim && o->s.dim[i] != -1 ? o->s.dim[i] : halved && !o->s.ndim ? 2 * (ad_dims(x)[a->axis[i]] - 1) : ad_dims(x)[a->axis[i]];
        if (!is_length(r, a->n[i]))
            return false;
    }
    return true;
}

static ad_array *complex_axes(const struct request *r, const ad_primitive *op, ad_array *x, const struct axes *a, int count)
{
    for (int i = count - 1; i >= 0; i--)
        x = transform(r, op, x, a->axis[i], a->n[i]);
    return x;
}

/* The inverse of rfftn: it transforms along the first axes first. */
static ad_array *axes_to_reals(const struct request *r, ad_array *x, const struct axes *a)
{
    for (int i = 0; i < a->count - 1; i++)
        x = transform(r, &ifft_op, x, a->axis[i], a->n[i]);
    return back_to_reals(r, x, a->axis[a->count - 1], a->n[a->count - 1]);
}

static ad_array *many(const char *name, const ad_primitive *op, int last, ad_array *x, const ad_fftn_options *o)
{
    struct request r;
    struct axes a;
    if (!is_request(&r, name, x, o->norm) || !axes_of(&r, x, o, last, op == &irfft_op, &a))
        return NULL;
    AD_RUNNING(ad_current(), name);
    bool is_complex = op == &fft_op || op == &ifft_op;
    if (is_complex && a.count == 0)
        x = as_float(x);
    if (is_complex)
        return a.count ? complex_axes(&r, op, x, &a, a.count) : x ? ad_astype(x, ad_dtype_complex((ad_dtype)x->dtype)) : NULL;
    if (a.count == 0)
        return ad_set_error(AD_ERROR_AXIS, "%s: a 0-d array has no axis", name);
    if (op == &irfft_op)
        return axes_to_reals(&r, x, &a);
    return complex_axes(&r, &fft_op, transform(&r, op, x, a.axis[a.count - 1], a.n[a.count - 1]), &a, a.count - 1);
}

/* Defines ad_fft_NAMEn_with and ad_fft_NAME2_with. */
#define SEVERAL(name, op, last)                                                                                        \
    ad_array *ad_fft_##name##_with(ad_array *x, ad_fftn_options options)                                               \
    {                                                                                                                  \
        return many("ad_fft_" #name, op, last, x, &options);                                                           \
    }

SEVERAL(fftn, &fft_op, 0)
SEVERAL(fft2, &fft_op, 2)
SEVERAL(ifftn, &ifft_op, 0)
SEVERAL(ifft2, &ifft_op, 2)
SEVERAL(rfftn, &rfft_op, 0)
SEVERAL(rfft2, &rfft_op, 2)
SEVERAL(irfftn, &irfft_op, 0)
SEVERAL(irfft2, &irfft_op, 2)

/* ---- cosine transforms ---- */

/* The inverse of one type is the other type with the norms exchanged. */
static ad_array *cosine(const char *name, ad_array *x, const ad_dct_options *o, bool inverse)
{
    struct request r;
    int axis;
    if (!is_request(&r, name, x, o->norm) || (axis = ad_axis_resolve(name, o->axis, x->ndim)) < 0)
        return NULL;
    AD_RUNNING(ad_current(), name);
    int64_t n = o->n != -1 ? o->n : ad_dims(x)[axis];
    if (o->type != 2 && o->type != 3)
        return ad_set_error(AD_ERROR_VALUE, "%s: type %d; possible are 2 and 3", name, o->type);
    x = is_length(&r, n) ? as_reals(&r, x) : NULL;
    x = x ? with_length(x, axis, n) : NULL;
    return x ? apply(&dct_op, x, axis, n, inverse ? exchanged(r.norm) : r.norm, inverse ? 5 - o->type : o->type) : NULL;
}

ad_array *ad_fft_dct_with(ad_array *x, ad_dct_options options)
{
    return cosine("ad_fft_dct", x, &options, false);
}

ad_array *ad_fft_idct_with(ad_array *x, ad_dct_options options)
{
    return cosine("ad_fft_idct", x, &options, true);
}

/* ---- frequencies ---- */

/* The whole numbers from `first` to the `count`th, divided by nd in NumPy's way. */
static ad_array *steps(int64_t first, int64_t count, double unit)
{
    return ad_mul(ad_arange(first, first + count), unit);
}

static bool is_count(const char *name, int64_t n)
{
    return n >= 1 || AD_FAIL(AD_ERROR_VALUE, "%s: the frequencies of %lld samples; there should be 1 or more", name, (long long)n);
}

ad_array *ad_fft_fftfreq_with(int64_t n, ad_fftfreq_options options)
{
    if (!is_count("ad_fft_fftfreq", n))
        return NULL;
    AD_RUNNING(ad_current(), "ad_fft_fftfreq");
    return ad_fft_ifftshift(steps(-(n / 2), n, 1 / ((double)n * options.d)));
}

ad_array *ad_fft_rfftfreq_with(int64_t n, ad_fftfreq_options options)
{
    if (!is_count("ad_fft_rfftfreq", n))
        return NULL;
    AD_RUNNING(ad_current(), "ad_fft_rfftfreq");
    return steps(0, n / 2 + 1, 1 / ((double)n * options.d));
}

static ad_array *shifted(const char *name, ad_array *x, const ad_axes_options *o, bool back)
{
    if (!ad_given(x, name, "array"))
        return NULL;
    if (o->axis != AD_NO_AXIS && o->axes.count)
        return ad_set_error(AD_ERROR_AXIS, "%s: takes .axis or .axes, not both", name);
    if (!ad_count_fits(name, o->axes.count, AD_MAX_NDIM, "axes"))
        return NULL;
    int64_t shift[AD_MAX_NDIM] = { 0 };
    int count = o->axis != AD_NO_AXIS ? 1 : o->axes.count ? o->axes.count : x->ndim;
    for (int i = 0; i < count; i++) {
        int axis = ad_axis_resolve(name, o->axis != AD_NO_AXIS ? o->axis : o->axes.count ? o->axes.axis[i] : i, x->ndim);
        if (axis < 0)
            return NULL;
        shift[axis] += back ? -(ad_dims(x)[axis] / 2) : ad_dims(x)[axis] / 2;
    }
    ad_roll_options roll = { AD_ROLL_DEFAULTS_FIELDS_ };
    for (int i = 0; i < x->ndim; i++) {
        roll.axes.axis[roll.axes.count++] = i;
        roll.shifts.dim[roll.shifts.ndim++] = shift[i];
    }
    AD_RUNNING(ad_current(), name);
    return x->ndim ? ad_roll_with(x, 0, roll) : ad_roll(x, 0);
}

ad_array *ad_fft_fftshift_with(ad_array *x, ad_axes_options options)
{
    return shifted("ad_fft_fftshift", x, &options, false);
}

ad_array *ad_fft_ifftshift_with(ad_array *x, ad_axes_options options)
{
    return shifted("ad_fft_ifftshift", x, &options, true);
}
