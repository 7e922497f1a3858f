/* Contractions over any axes: ad_tensordot and ad_einsum.
 *
 * Every axis of a factor carries a label, and no two axes of it carry the same one. Two factors are contracted as one
 * stack of matrices. Labels that both have and that are needed later count the stack. Labels that both have and that
 * nothing else needs are summed over. Labels of one factor are its rows or columns. All of it is made of public
 * operations, which brings the derivatives. An axis of length 1 that meets a longer one under its label is taken out
 * before. So in a contraction a label has one length. */
#include "ad/create.h"
#include "ad/math.h"
#include "ad/product.h"
#include "ad/reduce.h"
#include "ad/shape.h"
#include "ops/ops.h"
#include <string.h>

/* Letters in the order of the alphabet, by which NumPy sorts them, then the axes of "...", the last one last. */
enum { LETTERS = 52, LABELS = LETTERS + AD_MAX_NDIM, MOST_OPERANDS = 64 };

struct factor {
    ad_array *x;
    uint8_t label[AD_MAX_NDIM];
};

/* Some labels, in order. */
struct labels {
    int count;
    uint8_t label[LABELS];
};

static const struct labels no_labels = { .count = 0 };

static int axis_of(const struct factor *f, int label)
{
    for (int i = 0; i < f->x->ndim; i++)
        if (f->label[i] == label)
            return i;
    return -1;
}

static bool has(const struct factor *f, int label)
{
    return axis_of(f, label) >= 0;
}

static void append(struct labels *to, const struct labels *labels)
{
    memcpy(to->label + to->count, labels->label, (size_t)labels->count);
    to->count += labels->count;
}

/* ---- one factor ---- */

/* x with its axes in the order of `labels`, which are all labels of x. */
static ad_array *ordered(const struct factor *f, const struct labels *labels)
{
    ad_axes order = { .count = labels->count };
    bool same = true;
    for (int i = 0; i < labels->count; i++) {
        order.axis[i] = axis_of(f, labels->label[i]);
        same = same && order.axis[i] == i;
    }
    return same ? f->x : ad_transpose(f->x, .axes = order);
}

static int64_t length_of(const struct factor *f, const struct labels *labels)
{
    int64_t length = 1;
    for (int i = 0; i < labels->count; i++)
        length *= ad_dims(f->x)[axis_of(f, labels->label[i])];
    return length;
}

/* Whether the last axes are the labels of `first` followed by those of `second`, in that order. */
static bool ends_with(const struct factor *f, const struct labels *first, const struct labels *second)
{
    struct labels all = *first;
    append(&all, second);
    int start = f->x->ndim - all.count;
    return memcmp(f->label + start, all.label, (size_t)all.count) == 0;
}

/* The factor as matrices: the stack's axes, then one axis of all `rows`, then one of all `columns`. Where they lie the
 * other way round it is a transposed view, which a matrix product takes as it is. */
static ad_array *matrices_of(const struct factor *f, const struct labels *stack, const struct labels *rows, const struct labels *columns)
{
    bool swapped = rows->count && columns->count && ends_with(f, columns, rows);
    const struct labels *first = swapped ? columns : rows, *second = swapped ? rows : columns;
    struct labels all = *stack;
    append(&all, first);
    append(&all, second);
    ad_array *x = ordered(f, &all);
    if (first->count != 1 || second->count != 1) {
        ad_shape shape = { .ndim = stack->count + 2 };
        for (int i = 0; i < stack->count; i++)
            shape.dim[i] = ad_dims(f->x)[axis_of(f, stack->label[i])];
        shape.dim[stack->count] = length_of(f, first);
        shape.dim[stack->count + 1] = length_of(f, second);
        x = ad_reshape(x, shape);
    }
    return swapped ? ad_matrix_transpose(x) : x;
}

/* ---- two factors ---- */

/* x with an axis of length 1 for every label that it lacks, in the order given. */
static ad_array *aligned(const struct factor *f, const struct labels *all)
{
    struct labels own = no_labels;
    ad_axes missing = { .count = 0 };
    for (int i = 0; i < all->count; i++) {
        if (has(f, all->label[i]))
            own.label[own.count++] = all->label[i];
        else
            missing.axis[missing.count++] = i;
    }
    ad_array *x = ordered(f, &own);
    return missing.count ? ad_expand_dims(x, missing) : x;
}

/* The product of a and b, with only those labels that are needed. On failure x is NULL, with an error. */
static struct factor contract(const char *operation, const struct factor *a, const struct factor *b, const bool *needed)
{
    struct labels stack = no_labels, rows = no_labels, summed = no_labels, columns = no_labels, *kind;
    for (int i = 0; i < a->x->ndim; i++) {
        kind = !has(b, a->label[i]) ? &rows : needed[a->label[i]] ? &stack : &summed;
        kind->label[kind->count++] = a->label[i];
    }
    for (int i = 0; i < b->x->ndim; i++)
        if (!has(a, b->label[i]))
            columns.label[columns.count++] = b->label[i];

    struct factor product;
    struct labels all = stack;
    append(&all, &rows);
    append(&all, &columns);
    int inner = rows.count > columns.count ? rows.count : columns.count, ndim = stack.count + (inner + summed.count > 2 ? inner + summed.count : 2);
    if (all.count > AD_MAX_NDIM || ndim > AD_MAX_NDIM) {
        product.x = ad_set_error(AD_ERROR_SHAPE, "%s: the product of shapes %s and %s has more than %d axes", operation, AD_SHAPE_TEXT(a->x),
                                 AD_SHAPE_TEXT(b->x), AD_MAX_NDIM);
        return product;
    }
    memcpy(product.label, all.label, (size_t)all.count);
    if (summed.count == 0) {
        product.x = ad_mul(aligned(a, &all), aligned(b, &all));
        return product;
    }
    product.x = ad_matmul(matrices_of(a, &stack, &rows, &summed), matrices_of(b, &stack, &summed, &columns));
    if (!product.x || (rows.count == 1 && columns.count == 1))
        return product;
    ad_shape shape = { .ndim = all.count };
    for (int i = 0; i < all.count; i++) {
        const struct factor *from = has(a, all.label[i]) ? a : b;
        shape.dim[i] = ad_dims(from->x)[axis_of(from, all.label[i])];
    }
    product.x = ad_reshape(product.x, shape);
    return product;
}

/* ---- tensordot ---- */

/* The pairs of axes as lists of the same length, counted from 0; false and an error if they do not fit. */
static bool paired_axes(const ad_array *a, const ad_array *b, const ad_tensordot_options *o, ad_axes *of_a, ad_axes *of_b)
{
    *of_a = o->a_axes;
    *of_b = o->b_axes;
    bool lists = of_a->count || of_b->count, taken_a[AD_MAX_NDIM], taken_b[AD_MAX_NDIM];
    if (lists && o->axes != AD_TENSORDOT_DEFAULTS.axes)
        return AD_FAIL(AD_ERROR_AXIS, "ad_tensordot: takes .axes or the lists .a_axes and .b_axes, not both");
    if (!lists && (o->axes < 0 || o->axes > a->ndim || o->axes > b->ndim))
        return AD_FAIL(AD_ERROR_AXIS, "ad_tensordot: shapes %s and %s do not have %d axes to sum over", AD_SHAPE_TEXT(a), AD_SHAPE_TEXT(b), o->axes);
    if (of_a->count != of_b->count)
        return AD_FAIL(AD_ERROR_AXIS, "ad_tensordot: %d axes of a are paired with %d axes of b", of_a->count, of_b->count);
    for (int i = 0; !lists && i < o->axes; i++) {
        of_a->axis[of_a->count++] = a->ndim - o->axes + i;
        of_b->axis[of_b->count++] = i;
    }
    if (of_a->count &&
        (!ad_axes_resolve("ad_tensordot", AD_NO_AXIS, of_a, a->ndim, taken_a) || !ad_axes_resolve("ad_tensordot", AD_NO_AXIS, of_b, b->ndim, taken_b)))
        return false;
    for (int i = 0; i < of_a->count; i++) {
        int p = of_a->axis[i] += of_a->axis[i] < 0 ? a->ndim : 0, q = of_b->axis[i] += of_b->axis[i] < 0 ? b->ndim : 0;
        if (ad_dims(a)[p] != ad_dims(b)[q])
            return AD_FAIL(AD_ERROR_SHAPE, "ad_tensordot: axis %d of shape %s and axis %d of shape %s do not align (%lld != %lld)", p, AD_SHAPE_TEXT(a), q,
                           AD_SHAPE_TEXT(b), (long long)ad_dims(a)[p], (long long)ad_dims(b)[q]);
    }
    return true;
}

ad_array *ad_tensordot_with(ad_array *a, ad_array *b, ad_tensordot_options options)
{
    ad_axes of_a, of_b;
    if (!ad_both_given(a, b, "ad_tensordot") || !paired_axes(a, b, &options, &of_a, &of_b))
        return NULL;
    AD_SCOPE;
    struct factor left = { .x = a }, right = { .x = b };
    bool needed[LABELS] = { false };
    for (int i = 0; i < a->ndim; i++)
        left.label[i] = (uint8_t)i;
    for (int i = 0; i < b->ndim; i++)
        right.label[i] = (uint8_t)(AD_MAX_NDIM + i);
    for (int i = 0; i < of_a.count; i++)
        right.label[of_b.axis[i]] = (uint8_t)of_a.axis[i];
    return ad_escape(contract("ad_tensordot", &left, &right, needed).x);
}

/* ---- subscripts ---- */

static int label_of(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? letter - 'A' : letter >= 'a' && letter <= 'z' ? 26 + letter - 'a' : -1;
}

static char letter_of(int label)
{
    return (char)(label >= LETTERS ? '.' : label < 26 ? 'A' + label : 'a' + label - 26);
}

/* The letters of one operand or of the output. `ellipsis` is the number of letters before "...", or -1 without one. */
struct term {
    int count, ellipsis;
    uint8_t label[AD_MAX_NDIM];
};

/* Reads letters up to a comma, an arrow or the end. Gives where it stopped, or NULL and an error. */
static const char *read_term(const char *subscripts, const char *at, struct term *term)
{
    *term = (struct term){ .ellipsis = -1 };
    for (; *at && *at != ',' && *at != '-'; at++) {
        if (*at == ' ')
            continue;
        if (*at == '.') {
            if (strncmp(at, "...", 3) != 0 || term->ellipsis >= 0)
                return ad_set_error(AD_ERROR_VALUE, "ad_einsum: \"%s\": dots stand for axes as \"...\", once in an operand", subscripts);
            term->ellipsis = term->count;
            at += 2;
            continue;
        }
        int label = label_of(*at);
        if (label < 0)
            return ad_set_error(AD_ERROR_VALUE, "ad_einsum: \"%s\": '%c' is not a letter", subscripts, *at);
        if (term->count == AD_MAX_NDIM)
            return ad_set_error(AD_ERROR_VALUE, "ad_einsum: \"%s\": an operand has more than %d letters", subscripts, AD_MAX_NDIM);
        term->label[term->count++] = (uint8_t)label;
    }
    return at;
}

/* What the subscripts and the shapes say together. */
struct einsum {
    const char *subscripts;
    int count, dots;          /* operands; the largest number of axes that "..." stands for */
    int seen[LABELS];         /* axes of each label, in all operands */
    int64_t length[LABELS];
    struct labels output;
};

/* Gives a label to every axis of an operand. The axes of "..." count from the last. */
static bool label_axes(struct einsum *e, int operand, const struct term *term, struct factor *f)
{
    int ndim = f->x->ndim, dots = ndim - term->count, at = 0;
    if (dots < 0 || (dots > 0 && term->ellipsis < 0))
        return AD_FAIL(AD_ERROR_SHAPE, "ad_einsum: \"%s\": operand %d has %d letters and the shape %s", e->subscripts, operand, term->count,
                       AD_SHAPE_TEXT(f->x));
    e->dots = dots > e->dots ? dots : e->dots;
    for (int i = 0; i <= term->count; i++) {
        for (int j = 0; i == term->ellipsis && j < dots; j++)
            f->label[at++] = (uint8_t)(LABELS - dots + j);
        if (i < term->count)
            f->label[at++] = term->label[i];
    }
    for (int i = 0; i < ndim; i++) {
        int label = f->label[i], first = (int)((const uint8_t *)memchr(f->label, label, (size_t)ndim) - f->label);
        int64_t *length = &e->length[label], dim = ad_dims(f->x)[i];
        if (ad_dims(f->x)[first] != dim) /* a diagonal does not broadcast */
            return AD_FAIL(AD_ERROR_SHAPE, "ad_einsum: \"%s\": '%c' names axes %d and %d of operand %d, of shape %s, which differ in length (%lld != %lld)",
                           e->subscripts, letter_of(label), first, i, operand, AD_SHAPE_TEXT(f->x), (long long)ad_dims(f->x)[first], (long long)dim);
        if (e->seen[label]++ && *length != dim && *length != 1 && dim != 1)
            return AD_FAIL(AD_ERROR_SHAPE, "ad_einsum: \"%s\": axis %d of operand %d, of shape %s, has length %lld, but '%c' has length %lld before",
                           e->subscripts, i, operand, AD_SHAPE_TEXT(f->x), (long long)dim, letter_of(label), (long long)*length);
        if (e->seen[label] == 1 || *length == 1)
            *length = dim;
    }
    return true;
}

static void output_dots(struct einsum *e)
{
    for (int i = LABELS - e->dots; i < LABELS; i++)
        e->output.label[e->output.count++] = (uint8_t)i;
}

static void implicit_output(struct einsum *e)
{
    output_dots(e);
    for (int label = 0; label < LETTERS; label++)
        if (e->seen[label] == 1)
            e->output.label[e->output.count++] = (uint8_t)label;
}

static bool explicit_output(struct einsum *e, const char *at)
{
    struct term term;
    bool given[LETTERS] = { false };
    if (!(at = read_term(e->subscripts, at, &term)))
        return false;
    if (*at)
        return AD_FAIL(AD_ERROR_VALUE, "ad_einsum: \"%s\": the output ends with '%c'", e->subscripts, *at);
    if (e->dots && term.ellipsis < 0)
        return AD_FAIL(AD_ERROR_VALUE, "ad_einsum: \"%s\": the output lacks the \"...\" that stands for %d axes of the operands", e->subscripts, e->dots);
    for (int i = 0; i <= term.count; i++) {
        if (i == term.ellipsis)
            output_dots(e);
        if (i == term.count)
            break;
        int label = term.label[i];
        if (!e->seen[label] || given[label])
            return AD_FAIL(AD_ERROR_VALUE, "ad_einsum: \"%s\": '%c' is in the output %s", e->subscripts, letter_of(label),
                           given[label] ? "twice" : "but in no operand");
        given[label] = true;
        e->output.label[e->output.count++] = (uint8_t)label;
    }
    if (e->output.count > AD_MAX_NDIM)
        return AD_FAIL(AD_ERROR_SHAPE, "ad_einsum: \"%s\": the result has more than %d axes", e->subscripts, AD_MAX_NDIM);
    return true;
}

/* Labels every axis of the factors and finds what the output is; false and an error if that cannot be. */
static bool read_subscripts(struct einsum *e, struct factor *factors)
{
    const char *at = e->subscripts;
    struct term term;
    for (int i = 0; i < e->count; i++) {
        if (!(at = read_term(e->subscripts, at, &term)) || !label_axes(e, i, &term, &factors[i]))
            return false;
        if ((i + 1 < e->count) != (*at == ','))
            return AD_FAIL(AD_ERROR_VALUE, "ad_einsum: \"%s\" does not describe %d operands", e->subscripts, e->count);
        at += *at == ',';
    }
    if (!*at) {
        implicit_output(e);
        return e->output.count <= AD_MAX_NDIM || AD_FAIL(AD_ERROR_SHAPE, "ad_einsum: \"%s\": the result has more than %d axes", e->subscripts, AD_MAX_NDIM);
    }
    if (at[1] != '>')
        return AD_FAIL(AD_ERROR_VALUE, "ad_einsum: \"%s\": '-' without '>'", e->subscripts);
    return explicit_output(e, at + 2);
}

/* ---- einsum ---- */

static void remove_axis(struct factor *f, int axis, int ndim)
{
    memmove(f->label + axis, f->label + axis + 1, (size_t)(ndim - axis - 1));
}

/* Takes out axes of length 1 whose label is longer elsewhere. */
static bool squeeze_short(const struct einsum *e, struct factor *f)
{
    ad_axes axes = { .count = 0 };
    int ndim = f->x->ndim;
    for (int i = 0; i < ndim; i++)
        if (ad_dims(f->x)[i] == 1 && e->length[f->label[i]] != 1)
            axes.axis[axes.count++] = i;
    for (int i = axes.count - 1; i >= 0; i--)
        remove_axis(f, axes.axis[i], ndim--);
    return axes.count == 0 || (f->x = ad_squeeze(f->x, .axes = axes)) != NULL;
}

/* Replaces two axes with the same label by their diagonal, as long as there are such. The diagonal becomes the last
 * axis. */
static bool take_diagonals(struct factor *f)
{
    for (int i = 0; i < f->x->ndim; i++)
        for (int j = i + 1; j < f->x->ndim; j++)
            if (f->label[i] == f->label[j]) {
                uint8_t label = f->label[i];
                remove_axis(f, j, f->x->ndim);
                remove_axis(f, i, f->x->ndim - 1);
                if (!(f->x = ad_diagonal(f->x, .axis1 = i, .axis2 = j)))
                    return false;
                f->label[f->x->ndim - 1] = label;
                i = -1;
                break;
            }
    return true;
}

/* Sums over the labels that nothing else needs. Integers wrap as their dtype does; sums of bools are true or false. */
static bool sum_unneeded(struct factor *f, const bool *needed, ad_dtype dtype)
{
    ad_axes axes = { .count = 0 };
    int ndim = f->x->ndim;
    for (int i = 0; i < ndim; i++)
        if (!needed[f->label[i]])
            axes.axis[axes.count++] = i;
    if (axes.count == 0)
        return true;
    for (int i = axes.count - 1; i >= 0; i--)
        remove_axis(f, axes.axis[i], ndim--);
    ad_array *x = f->x->dtype == dtype ? f->x : ad_astype(f->x, dtype);
    ad_array *sum = ad_sum(x, .axes = axes);
    return (f->x = ad_dtype_is_inexact(dtype) ? sum : ad_astype(sum, dtype)) != NULL;
}

/* Marks the labels of the output and of all factors but i and j. */
static void mark_needed(const struct einsum *e, const struct factor *factors, int count, int i, int j, bool *needed)
{
    memset(needed, 0, LABELS * sizeof *needed);
    for (int k = 0; k < e->output.count; k++)
        needed[e->output.label[k]] = true;
    for (int k = 0; k < count; k++)
        for (int axis = 0; k != i && k != j && axis < factors[k].x->ndim; axis++)
            needed[factors[k].label[axis]] = true;
}

/* The elements of the product of two factors, less those of the factors. */
static double growth(const struct einsum *e, const struct factor *a, const struct factor *b, const bool *needed)
{
    double product = 1;
    for (int i = 0; i < a->x->ndim; i++)
        if (needed[a->label[i]])
            product *= (double)e->length[a->label[i]];
    for (int i = 0; i < b->x->ndim; i++)
        if (needed[b->label[i]] && !has(a, b->label[i]))
            product *= (double)e->length[b->label[i]];
    return product - (double)a->x->size - (double)b->x->size;
}

/* Multiplies the pair of factors whose product has the fewest elements. The product takes the place of the first. */
static bool contract_pair(const struct einsum *e, struct factor *factors, int count)
{
    bool needed[LABELS];
    int first = 0, second = 1;
    double least = INFINITY;
    for (int i = 0; count > 2 && i < count; i++)
        for (int j = i + 1; j < count; j++) {
            mark_needed(e, factors, count, i, j, needed);
            double this_one = growth(e, &factors[i], &factors[j], needed);
            if (this_one < least) {
                least = this_one;
                first = i;
                second = j;
            }
        }
    mark_needed(e, factors, count, first, second, needed);
    factors[first] = contract("ad_einsum", &factors[first], &factors[second], needed);
    memmove(factors + second, factors + second + 1, (size_t)(count - second - 1) * sizeof *factors);
    return factors[first].x != NULL;
}

/* Converts whole numbers and lower precisions before the products of pairs, in which they would wrap or round. Real
 * factors stay real. */
static bool widen(struct factor *f, ad_dtype dtype)
{
    ad_dtype own = ad_dtype_is_complex((ad_dtype)f->x->dtype) ? dtype : ad_dtype_real(dtype);
    return (f->x = ad_astype(f->x, own)) != NULL;
}

static ad_array *einsum(struct einsum *e, struct factor *factors)
{
    int count = e->count;
    bool needed[LABELS];
    ad_array *operands[MOST_OPERANDS];
    for (int i = 0; i < count; i++)
        operands[i] = factors[i].x;
    ad_dtype dtype = ad_dtype_common(operands, count);
    for (int i = 0; i < count; i++)
        if (!squeeze_short(e, &factors[i]) || !take_diagonals(&factors[i]) || (count > 2 && !widen(&factors[i], dtype)))
            return NULL;
    for (int i = 0; i < count; i++) {
        mark_needed(e, factors, count, i, i, needed);
        if (!sum_unneeded(&factors[i], needed, dtype))
            return NULL;
    }
    for (; count > 1; count--)
        if (!contract_pair(e, factors, count))
            return NULL;
    return ordered(&factors[0], &e->output);
}

ad_array *ad_einsum_from(const char *subscripts, ad_array *const *operands, int count)
{
    if (!subscripts || count < 1 || count > MOST_OPERANDS)
        return ad_set_error(AD_ERROR_VALUE, "ad_einsum: %s and %d operands; there should be subscripts and 1 to %d operands", subscripts ? subscripts : "NULL",
                            count, MOST_OPERANDS);
    if (!ad_given(operands, "ad_einsum", "list of operands"))
        return NULL;
    AD_SCOPE;
    struct factor factors[MOST_OPERANDS];
    for (int i = 0; i < count; i++) {
        if (!operands[i])
            return ad_failed() ? NULL : ad_set_error(AD_ERROR_VALUE, "ad_einsum: operand %d is NULL", i);
        factors[i].x = operands[i];
    }
    struct einsum e = { .subscripts = subscripts, .count = count };
    return read_subscripts(&e, factors) ? ad_escape(einsum(&e, factors)) : NULL;
}
