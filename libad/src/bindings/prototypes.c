/* The functions that libad exports, found by number and by name. */
#include "bindings/bindings.h"
#include <stdlib.h>
#include <string.h>

/* What C programs leave out at the end of a name: ad_grad(f) is ad_grad_fn, and ad_sum(x, .axis = 0) is ad_sum_with.
 * They are tried in this order. */
static const char *const endings[] = { "_tagged", "_with", "_from", "_fn", "", "_of" };
enum { ENDINGS = sizeof endings / sizeof *endings, LONGEST_NAME = 100 };

int ad_prototype_count(void)
{
    return ad_prototypes_count;
}

const ad_prototype *ad_prototype_at(int i)
{
    if (i < 0 || i >= ad_prototypes_count)
        return ad_set_error(AD_ERROR_INDEX, "ad_prototype_at: there is no function %d; there are %d, counted from 0", i, ad_prototypes_count);
    return &ad_prototypes[i];
}

/* ---- by name ---- */

static int compare_name(const void *name, const void *prototype)
{
    return strcmp(name, ((const ad_prototype *)prototype)->name);
}

static const ad_prototype *exact(const char *name)
{
    return bsearch(name, ad_prototypes, (size_t)ad_prototypes_count, sizeof *ad_prototypes, compare_name);
}

static bool is_variadic(const ad_prototype *p)
{
    return p->parameter_count && p->parameters[p->parameter_count - 1].type == AD_TYPE_OTHER;
}

/* What the operands say about the end of the name: ad_expand_dims with several axes is ad_expand_dims_axes, as in its
 * macro. */
static const char *ending_for(const ad_tagged *operands, int count)
{
    const char *ending = "";
    for (int i = 0; i < count; i++)
        ending = operands[i].kind == AD_KIND_INTEGERS ? "_axes" : operands[i].kind == AD_KIND_INDICES ? "_list" : ending;
    return ending;
}

static const ad_prototype *find(const char *name, const char *first)
{
    size_t length = strlen(name);
    char longer[LONGEST_NAME + 16];
    const ad_prototype *found = NULL;
    if (length > LONGEST_NAME)
        return NULL;
    memcpy(longer, name, length);
    for (int i = *first ? -1 : 0; i < ENDINGS && (!found || is_variadic(found)); i++) {
        strcpy(longer + length, i < 0 ? first : endings[i]);
        found = exact(longer);
    }
    return found;
}

/* ---- the nearest name ---- */

/* How many letters have to be inserted, left out or replaced: Wagner and Fischer (1974), a row at a time. */
static int distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    int row[LONGEST_NAME + 1];
    for (size_t j = 0; j <= b_length; j++)
        row[j] = (int)j;
    for (size_t i = 1; i <= a_length; i++) {
        int diagonal = row[0];
        row[0] = (int)i;
        for (size_t j = 1; j <= b_length; j++) {
            int above = row[j], replaced = diagonal + (a[i - 1] != b[j - 1]), shorter = 1 + (above < row[j - 1] ? above : row[j - 1]);
            row[j] = replaced < shorter ? replaced : shorter;
            diagonal = above;
        }
    }
    return row[b_length];
}

/* The length of a function's name as C programs write it. */
static size_t written_length(const char *name)
{
    size_t length = strlen(name);
    for (int i = 0; i < ENDINGS; i++) {
        size_t end = strlen(endings[i]);
        if (end && length > end && strcmp(name + length - end, endings[i]) == 0)
            return length - end;
    }
    return length;
}

static void *no_such_function(const char *operation, const char *name)
{
    size_t length = strlen(name), shown = 0;
    int least = LONGEST_NAME;
    const char *nearest = "";
    for (int i = 0; length <= LONGEST_NAME && i < ad_prototypes_count; i++) {
        const char *other = ad_prototypes[i].name;
        size_t other_length = written_length(other);
        int d = distance(name, length, other, other_length < LONGEST_NAME ? other_length : LONGEST_NAME);
        if (d < least) {
            least = d;
            nearest = other;
            shown = other_length;
        }
    }
    if (shown && least <= 1 + (int)length / 3)
        return ad_set_error(AD_ERROR_VALUE, "%s: there is no function %s; the nearest is %.*s", operation, name, (int)shown, nearest);
    return ad_set_error(AD_ERROR_VALUE, "%s: there is no function %.100s; names begin with ad_, as in ad_sum", operation, name);
}

const ad_prototype *ad_prototype_find(const char *operation, const char *name, const ad_tagged *operands, int count)
{
    if (!ad_given(name, operation, "name") || !ad_tagged_list_given(name, "operands", operands, count))
        return NULL;
    const ad_prototype *found = find(name, ending_for(operands, count));
    return found ? found : no_such_function(operation, name);
}

const ad_prototype *ad_prototype_of(const char *name)
{
    return ad_prototype_find("ad_prototype_of", name, NULL, 0);
}
