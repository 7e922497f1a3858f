/* How time grows: gradients of loops with their length, where every step takes an operation, an element, a row, or a
 * name, which all should cost the same at any length; and derivatives with their order. Each row "growth: NAME, n = N"
 * is a point; a figure compares an element at the last size with one at 100. */
#include "bench.h"
#include <stdlib.h>

typedef ad_array *function(ad_array *);

static int64_t length;

static ad_array *operations(ad_array *x)
{
    ad_array *first = ad_at(x, "0"), *y = first;
    for (int64_t i = 0; i < length; i++)
        y = i % 2 ? ad_sin(y) : ad_add(y, first);
    return y;
}

static ad_array *elements(ad_array *x)
{
    ad_array *y = ad_scalar(0);
    for (int64_t i = 0; i < length; i++) {
        ad_array *v = ad_at(x, "%lld", (long long)i);
        y = ad_add(y, ad_mul(v, v));
    }
    return y;
}

static ad_array *slices(ad_array *x)
{
    ad_array *y = ad_scalar(0);
    for (int64_t i = 0; i + 1 < length; i++)
        y = ad_add(y, ad_sum(ad_sin(ad_slice_axis(x, 0, i, 2, 1))));
    return y;
}

static ad_array *rows(ad_array *x)
{
    ad_array *m = ad_reshape(x, AD_SHAPE(-1, 4)), *y = ad_scalar(0);
    for (int64_t i = 0; i < length / 4; i++)
        y = ad_add(y, ad_sum(ad_square(ad_at(m, "%lld", (long long)i))));
    return y;
}

static ad_array *unstacked(ad_array *x)
{
    ad_tree *parts = ad_unstack(x);
    ad_array *y = ad_scalar(0);
    for (int i = 0; i < (int)length; i++) {
        ad_array *v = ad_tree_array_at(parts, i);
        y = ad_add(y, ad_mul(v, v));
    }
    return y;
}

/* Arrays are immutable and the loop's scope keeps each of them: a step costs a copy in new memory. */
static ad_array *setting(ad_array *x)
{
    ad_array *y = x;
    for (int64_t i = 0; i < length; i++)
        y = ad_at_set(y, ad_sin(ad_at(x, "%lld", (long long)i)), "%lld", (long long)i);
    return ad_sum(y);
}

/* The same, but each step gives up the array that it replaces, as a loop does that has to set elements. A step still
 * copies the array, since others might see the one before, but into memory that the cache has. */
static ad_array *setting_and_releasing(ad_array *x)
{
    ad_array *y = ad_retain(x);
    for (int64_t i = 0; i < length; i++) {
        AD_SCOPE;
        ad_array *next = ad_retain(ad_at_set(y, ad_sin(ad_at(x, "%lld", (long long)i)), "%lld", (long long)i));
        ad_release(y);
        y = next;
    }
    ad_array *sum = ad_sum(y);
    ad_release(y);
    return sum;
}

/* The same numbers collected and joined once: what a loop writes that makes all elements. */
static ad_array *stacking(ad_array *x)
{
    ad_tree_item *items = calloc((size_t)length, sizeof *items);
    if (!items)
        exit(EXIT_FAILURE);
    for (int64_t i = 0; i < length; i++)
        items[i] = (ad_tree_item){ AD_ITEM_ARRAY, ad_sin(ad_at(x, "%lld", (long long)i)) };
    ad_array *y = ad_stack(ad_list_from(items, (int)length));
    free(items);
    return ad_sum(y);
}

static const ad_tree *named; /* as many numbers as the loop is long, called "0", "1", ... */

static ad_array *names(ad_array *x)
{
    ad_array *y = ad_at(x, "0");
    for (int64_t i = 0; i < length; i++) {
        char name[24];
        snprintf(name, sizeof name, "%lld", (long long)i);
        y = ad_add(y, ad_tree_get(named, name));
    }
    return y;
}

static function *current;

static ad_array *gradient(const bench_call *call)
{
    return ad_grad(current)(call->x);
}

static void make_names(void)
{
    ad_tree_item *items = calloc(2 * (size_t)length, sizeof *items);
    char(*texts)[24] = calloc((size_t)length, sizeof *texts);
    if (!items || !texts)
        exit(EXIT_FAILURE);
    for (int64_t i = 0; i < length; i++) {
        snprintf(texts[i], sizeof texts[i], "%lld", (long long)i);
        items[2 * i] = (ad_tree_item){ AD_ITEM_NAME, texts[i] };
        items[2 * i + 1] = (ad_tree_item){ AD_ITEM_ARRAY, ad_scalar((double)i) };
    }
    named = ad_tree_from(items, 2 * (int)length);
    free(items);
    free(texts);
}

static void loop(bench *b, const char *name, function *f, int64_t last)
{
    double first = 0, seconds = 0;
    char row[100];
    for (length = 100; length <= last; length *= 10) {
        AD_SCOPE;
        if (f == names)
            make_names();
        bench_call call = { .f = gradient, .x = bench_uniform(AD_SHAPE(length), 1) };
        current = f;
        snprintf(row, sizeof row, "growth: %s, n = %lld", name, (long long)length);
        seconds = bench_time(b, row, bench_run_call, &call) / (double)length;
        first = length == 100 ? seconds : first;
    }
    snprintf(row, sizeof row, "%s: a step of %lld over a step of 100", name, (long long)last);
    if (first > 0 && seconds > 0)
        bench_figure(b, row, seconds / first, "x", 2);
}

static ad_array *taylor(ad_array *x)
{
    ad_array *curr = x, *ans = curr;
    for (int i = 0; i < 100; i++) {
        curr = ad_div(ad_mul(ad_neg(curr), ad_pow(x, 2)), (2 * i + 3) * (2 * i + 2));
        ans = ad_add(ans, curr);
    }
    return ans;
}

static ad_array *derivative(const bench_call *call)
{
    return current(call->x);
}

static void orders(bench *b, const char *name, bool forward, int most)
{
    function *f = taylor;
    for (int order = 0; order <= most; order++) {
        char row[100];
        bench_call call = { .f = derivative, .x = ad_scalar(2) };
        current = f;
        snprintf(row, sizeof row, "growth: Taylor's sine, %s, order = %d", name, order);
        bench_time(b, row, bench_run_call, &call);
        f = forward ? ad_deriv(f) : ad_grad(f);
    }
}

int main(int argc, char **argv)
{
    bench b = bench_begin("growth", argc, argv);
    loop(&b, "gradient of a loop of operations", operations, 1000000);
    loop(&b, "gradient of a loop over elements", elements, 10000);
    loop(&b, "gradient of a loop over slices", slices, 10000);
    loop(&b, "gradient of a loop over rows", rows, 10000);
    loop(&b, "gradient of a loop over what was unstacked", unstacked, 10000);
    loop(&b, "gradient of a loop that sets elements", setting, 10000);
    loop(&b, "gradient of a loop that sets elements and releases", setting_and_releasing, 10000);
    loop(&b, "gradient of a loop that stacks elements", stacking, 10000);
    loop(&b, "gradient of a loop over names of a tree", names, 10000);
    orders(&b, "reverse over reverse", false, 5);
    orders(&b, "forward over forward", true, 4);
    return bench_end(&b);
}
