/* x[...]: slices, integers, new axes, index arrays and masks, and the functional updates of the same places.
 *
 * This file finds out what an index means. Without arrays in it, an index names a region (region.c). Otherwise the axes
 * with arrays become one, along which places are taken (gather.c). An update finds its places by indexing the numbers 0
 * ... size-1 in x's shape. */
#include "ad/index.h"
#include "ad/array.h"
#include "ad/create.h"
#include "ad/math.h"
#include "ad/shape.h"
#include "ops/ops.h"
#include <string.h>

/* ---- the entries of an index ---- */

/* Python's rule for start:stop:step on an axis of n elements. */
static bool resolve_slice(const char *operation, const ad_index *entry, int64_t n, int64_t *start, int64_t *count)
{
    int64_t step = entry->step, stop = entry->stop;
    if (step == 0 || step < -INT64_MAX)
        return AD_FAIL(AD_ERROR_INDEX, "%s: a slice cannot have the step %lld", operation, (long long)step);
    int64_t lowest = step > 0 ? 0 : -1, highest = step > 0 ? n : n - 1;
    *start = entry->start;
    *start = *start == AD_NO_INDEX ? (step > 0 ? lowest : highest) : *start < 0 ? *start + n : *start;
    stop = stop == AD_NO_INDEX ? (step > 0 ? highest : lowest) : stop < 0 ? stop + n : stop;
    *start = *start < lowest ? lowest : *start > highest ? highest : *start;
    stop = stop < lowest ? lowest : stop > highest ? highest : stop;
    int64_t distance = step > 0 ? stop - *start : *start - stop, by = step > 0 ? step : -step;
    *count = distance > 0 ? (distance - 1) / by + 1 : 0;
    return true;
}

static bool resolve_integer(const char *operation, int64_t i, int64_t n, int axis, int64_t *place)
{
    if (i < -n || i >= n)
        return AD_FAIL(AD_ERROR_INDEX, "%s: index %lld is out of bounds for axis %d of length %lld", operation, (long long)i, axis, (long long)n);
    *place = i < 0 ? i + n : i;
    return true;
}

static int axes_taken(const ad_index *entry)
{
    switch (entry->kind) {
    case AD_INDEX_NEW:
    case AD_INDEX_REST: return 0;
    case AD_INDEX_ARRAY: return entry->array->dtype == AD_BOOL ? entry->array->ndim : 1;
    default: return 1;
    }
}

/* How many axes `...` stands for. Without `...` they are at the end. -1 and an error if the index does not fit x. */
static int axes_left(const char *operation, const ad_array *x, const ad_index_list *indices, bool *has_arrays)
{
    int taken = 0, rests = 0;
    *has_arrays = false;
    if (!ad_count_fits(operation, indices->count, 2 * AD_MAX_NDIM, "entries of an index"))
        return -1;
    for (int i = 0; i < indices->count; i++) {
        const ad_index *entry = &indices->index[i];
        if (entry->kind == AD_INDEX_ARRAY) {
            if (!entry->array)
                return ad_failed() ? -1 : (ad_set_error(AD_ERROR_INDEX, "%s: entry %d of the index is a NULL array", operation, i), -1);
            if (entry->array->dtype == AD_BOOL && entry->array->ndim == 0)
                return ad_set_error(AD_ERROR_INDEX, "%s: entry %d of the index is a bool without axes; a mask has some", operation, i), -1;
            *has_arrays = true;
        }
        taken += axes_taken(entry);
        rests += entry->kind == AD_INDEX_REST;
    }
    if (rests > 1)
        return ad_set_error(AD_ERROR_INDEX, "%s: an index can have only one ...", operation), -1;
    if (taken > x->ndim)
        return ad_set_error(AD_ERROR_INDEX, "%s: %d indices are too many for an array of shape %s", operation, taken, AD_SHAPE_TEXT(x)), -1;
    return x->ndim - taken;
}

/* ---- integers, slices, new axes: a region ---- */

enum { REGION_ROOM = 2 * AD_MAX_NDIM + 1 };

static struct region_axis whole(int64_t axes)
{
    return (struct region_axis){ .kind = REGION_WHOLE, .count = axes };
}

/* Gives the number of entries in the list, -1 and an error. */
static int region_of(const char *operation, const ad_array *x, const ad_index_list *indices, int left, struct region_axis *list)
{
    int64_t start, count;
    int axis = 0, ndim = 0;
    for (int i = 0; i < indices->count; i++) {
        const ad_index *entry = &indices->index[i];
        ndim += entry->kind == AD_INDEX_REST ? left : entry->kind != AD_INDEX_INTEGER;
        switch (entry->kind) {
        case AD_INDEX_NEW:
            list[i] = (struct region_axis){ .kind = REGION_NEW };
            break;
        case AD_INDEX_REST:
            list[i] = whole(left);
            axis += left;
            break;
        case AD_INDEX_INTEGER:
            if (!resolve_integer(operation, entry->start, ad_dims(x)[axis], axis, &start))
                return -1;
            list[i] = ad_region_place(start);
            axis++;
            break;
        default:
            if (!resolve_slice(operation, entry, ad_dims(x)[axis], &start, &count))
                return -1;
            list[i] = count == ad_dims(x)[axis] && (entry->step == 1 || count <= 1) ? whole(1) : ad_region_part(start, count, entry->step);
            axis++;
        }
    }
    if (ndim + x->ndim - axis > AD_MAX_NDIM)
        return ad_set_error(AD_ERROR_SHAPE, "%s: the result has more than %d dimensions", operation, AD_MAX_NDIM), -1;
    list[indices->count] = (struct region_axis){ .kind = REGION_END };
    return indices->count;
}

static ad_array *view_of(const char *operation, ad_array *x, const ad_index_list *indices, int left)
{
    struct region_axis list[REGION_ROOM];
    int count = region_of(operation, x, indices, left, list);
    for (int i = 0; i < count; i++)
        if (list[i].kind != REGION_WHOLE)
            return ad_region(x, list);
    return count < 0 ? NULL : ad_reshape(x, ad_shape_of(x));
}

/* ---- index arrays ---- */

/* x after its slices and new axes are done, and for each axis the places to pick, if any. */
struct picked {
    ad_array *x;
    ad_array *places[AD_MAX_NDIM];
    int named[AD_MAX_NDIM]; /* for each, the number of its axis in errors */
    ad_shape shape;         /* the common shape of the index arrays */
    int added;              /* new axes so far: errors count the axes of the user's array */
    bool part;              /* part of an axis is left out, or its order has changed */
    bool apart;             /* another entry is between two entries that pick, even if it is a ... for no axis */
};

static bool pick(const char *operation, struct picked *p, int axis, ad_array *places)
{
    ad_shape own = ad_shape_of(places);
    if (!places)
        return false;
    if (!ad_shape_broadcast(&p->shape, &own))
        return AD_FAIL(AD_ERROR_SHAPE, "%s: an index array of shape %s does not broadcast with the others", operation, AD_SHAPE_TEXT(places));
    p->places[axis] = places;
    p->named[axis] = axis - p->added;
    return true;
}

/* Turns a mask into the places along each of its axes where it is true. */
static bool pick_mask(const char *operation, struct picked *p, int axis, ad_array *mask)
{
    for (int d = 0; d < mask->ndim; d++)
        if (ad_dims(mask)[d] != ad_dims(p->x)[axis + d])
            return AD_FAIL(AD_ERROR_INDEX, "%s: a mask of shape %s does not fit axis %d, of length %lld", operation, AD_SHAPE_TEXT(mask),
                           axis + d - p->added, (long long)ad_dims(p->x)[axis + d]);
    ad_array *places = ad_flatnonzero(mask);
    for (int d = mask->ndim - 1; d >= 0; d--) {
        if (!pick(operation, p, axis + d, d ? ad_mod(places, ad_dims(mask)[d]) : places))
            return false;
        places = d ? ad_floor_divide(places, ad_dims(mask)[d]) : NULL;
    }
    return true;
}

static bool pick_entries(const char *operation, struct picked *p, const ad_index_list *indices, int left)
{
    int64_t start, count;
    int axis = 0, behind_last = 0;
    for (int i = 0; i < indices->count && p->x; i++) {
        const ad_index *entry = &indices->index[i];
        int64_t n = axis < p->x->ndim ? ad_dims(p->x)[axis] : 0;
        if (entry->kind == AD_INDEX_INTEGER || entry->kind == AD_INDEX_ARRAY) {
            p->apart |= behind_last > 0 && behind_last != i;
            behind_last = i + 1;
        }
        switch (entry->kind) {
        case AD_INDEX_NEW:
            p->x = ad_expand_dims(p->x, axis++);
            p->added++;
            break;
        case AD_INDEX_REST:
            axis += left;
            break;
        case AD_INDEX_INTEGER:
            if (!resolve_integer(operation, entry->start, n, axis - p->added, &start) || !pick(operation, p, axis++, ad_astype(start, AD_I64)))
                return false;
            break;
        case AD_INDEX_ARRAY:
            if (entry->array->dtype == AD_BOOL) {
                if (!pick_mask(operation, p, axis, entry->array))
                    return false;
                axis += entry->array->ndim;
            } else if (!pick(operation, p, axis++, entry->array)) {
                return false;
            }
            break;
        default:
            if (!resolve_slice(operation, entry, n, &start, &count))
                return false;
            p->part |= count != n || entry->step != 1;
            p->x = ad_slice_of(p->x, axis++, start, count, entry->step, true);
        }
    }
    return p->x != NULL;
}

/* Brings the picked axes together: to the front, unless they are neighbours. Gives the first one, and their number. */
static int gather_axes(struct picked *p, int *number)
{
    ad_axes sources = { .count = 0 }, front = { .count = 0 };
    for (int i = 0; i < p->x->ndim; i++)
        if (p->places[i]) {
            sources.axis[sources.count++] = i;
            front.axis[front.count] = front.count;
            front.count++;
        }
    *number = sources.count;
    if (!p->apart)
        return sources.axis[0];
    p->x = ad_moveaxis(p->x, sources, front);
    for (int k = 0; k < sources.count; k++) {
        p->places[k] = p->places[sources.axis[k]];
        p->named[k] = p->named[sources.axis[k]];
    }
    return 0;
}

/* Makes the picked axes one. Gives the places along it, and which axis it is. */
static ad_array *merge_picked(const char *operation, struct picked *p, struct places *at)
{
    int number, first = gather_axes(p, &number);
    if (!p->x)
        return NULL;
    *at = (struct places){ operation, first, p->named[first] };
    if (number == 1)
        return p->places[first];
    ad_shape shape = ad_shape_of(p->x), merged = { .ndim = 0 };
    int64_t length = 1;
    ad_array *places = NULL;
    for (int k = first; k < first + number; k++) {
        ad_array *along = ad_index_within((struct places){ operation, k, p->named[k] }, p->places[k], shape.dim[k]);
        places = places ? ad_add(ad_mul(places, shape.dim[k]), along) : along;
        length *= shape.dim[k];
    }
    for (int i = 0; i < shape.ndim; i++)
        if (i <= first || i >= first + number)
            merged.dim[merged.ndim++] = i == first ? length : shape.dim[i];
    p->x = ad_reshape(p->x, merged);
    return p->x && places ? ad_broadcast_to(places, p->shape) : NULL;
}

static ad_array *take_picked(const char *operation, struct picked *p)
{
    struct places at;
    ad_array *places = merge_picked(operation, p, &at);
    return places ? ad_read_places(at, p->x, places) : NULL;
}

/* ---- reading ---- */

static ad_array *read_at(const char *operation, ad_array *x, const ad_index_list *indices)
{
    bool has_arrays;
    int left = ad_given(x, operation, "array") ? axes_left(operation, x, indices, &has_arrays) : -1;
    if (left < 0)
        return NULL;
    if (!has_arrays)
        return view_of(operation, x, indices, left);
    struct picked p = { .x = x, .shape = { .ndim = 0 } };
    return pick_entries(operation, &p, indices, left) ? take_picked(operation, &p) : NULL;
}

ad_array *(ad_at_list)(ad_array *x, ad_index_list index)
{
    return read_at("ad_at_list", x, &index);
}

ad_array *(ad_at)(ad_array *x, const char *index, ...)
{
    ad_index_list indices;
    va_list arguments;
    if (!ad_given(x, "ad_at", "array"))
        return NULL;
    va_start(arguments, index);
    bool readable = ad_index_parse("ad_at", index, arguments, &indices);
    va_end(arguments);
    return readable ? read_at("ad_at", x, &indices) : NULL;
}

/* ---- updates ---- */

static ad_array *like_before(ad_array *y, const ad_array *x)
{
    return y && !ad_same_shape(y, x) ? ad_reshape(y, ad_shape_of(x)) : y;
}

/* Updates the places that an index with arrays names. They are along the axis that the arrays pick from. If that is
 * only a part of x, they are numbers among all elements. */
static ad_array *update_places(const char *operation, update kind, ad_array *x, ad_array *value, const ad_index_list *indices, int left)
{
    struct places at;
    struct picked p = { .x = x, .shape = { .ndim = 0 } };
    if (!pick_entries(operation, &p, indices, left))
        return NULL;
    if (!p.part && !p.apart && !p.added) {
        ad_array *places = merge_picked(operation, &p, &at);
        return like_before(ad_update_places(kind, at, p.x, places, value), x);
    }
    ad_array *places = read_at(operation, ad_reshape(ad_arange(x->size), ad_shape_of(x)), indices);
    return like_before(ad_update_places(kind, (struct places){ operation, 0, 0 }, ad_ravel(x), places, value), x);
}

static ad_array *update_at(const char *operation, update kind, ad_array *x, ad_array *value, const ad_index_list *indices)
{
    struct region_axis list[REGION_ROOM];
    bool has_arrays;
    if (!ad_given(x, operation, "array") || !ad_given(value, operation, "value"))
        return NULL;
    if ((kind == UPDATE_MIN || kind == UPDATE_MAX) && ad_dtype_is_complex((ad_dtype)x->dtype))
        return ad_set_error(AD_ERROR_DTYPE, "%s: not defined for %s", operation, ad_dtype_name((ad_dtype)x->dtype));
    int left = axes_left(operation, x, indices, &has_arrays);
    if (left >= 0 && has_arrays)
        return update_places(operation, kind, x, value, indices, left);
    if (left < 0 || region_of(operation, x, indices, left, list) < 0)
        return NULL;
    return ad_update_region(kind, x, list, ad_value_like(operation, value, x, ad_region_shape(x, list)));
}

/* The same of an index that is written as text, with numbers and arrays for its conversions. */
static ad_array *update_at_text(const char *operation, update kind, ad_array *x, ad_array *value, const char *index, va_list arguments)
{
    ad_index_list indices;
    if (!ad_given(x, operation, "array") || !ad_given(value, operation, "value") || !ad_index_parse(operation, index, arguments, &indices))
        return NULL;
    return update_at(operation, kind, x, value, &indices);
}

/* UPDATE(set, UPDATE_SET) defines ad_at_set and ad_at_set_list. */
#define UPDATE(name, kind)                                                                                             \
    ad_array *(ad_at_##name##_list)(ad_array * x, ad_array * value, ad_index_list index) { return update_at("ad_at_" #name "_list", kind, x, value, &index); } \
    ad_array *(ad_at_##name)(ad_array * x, ad_array * value, const char *index, ...)                                   \
    {                                                                                                                  \
        va_list arguments;                                                                                             \
        va_start(arguments, index);                                                                                    \
        ad_array *y = update_at_text("ad_at_" #name, kind, x, value, index, arguments);                                \
        va_end(arguments);                                                                                             \
        return y;                                                                                                      \
    }

UPDATE(set, UPDATE_SET)
UPDATE(add, UPDATE_ADD)
UPDATE(mul, UPDATE_MUL)
UPDATE(min, UPDATE_MIN)
UPDATE(max, UPDATE_MAX)
