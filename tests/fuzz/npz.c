/* Any bytes as a .npz archive. What can be read is written and read again, to the same tree, but for names that are not
 * UTF-8. */
#include "fuzz.h"

static void require_same(const ad_tree *t, const ad_tree *u)
{
    int count = ad_tree_leaf_count(t);
    ad_array **x = malloc(2 * ((size_t)count + 1) * sizeof *x), **y = x + count + 1;
    REQUIRE(ad_tree_same_structure(t, u));
    ad_tree_leaves(t, x, count);
    ad_tree_leaves(u, y, count);
    for (int i = 0; i < count; i++) {
        REQUIRE(ad_dtype_of(x[i]) == ad_dtype_of(y[i]) && ad_shape_equal(ad_shape_of(x[i]), ad_shape_of(y[i])));
        REQUIRE(memcmp(ad_data(x[i]), ad_data(y[i]), (size_t)ad_size(x[i]) * ad_dtype_size(ad_dtype_of(x[i]))) == 0);
    }
    free(x);
}

void fuzz_input(struct bytes input)
{
    ad_tree *t = ad_loadz(file_of(input));
    REQUIRE_RESULT_OR_ERROR(t);
    if (!t)
        return;
    const char *path = file_to_write(".npz");
    bool saved = ad_savez(path, t);
    REQUIRE(saved || ad_error_code() == AD_ERROR_VALUE);
    if (saved)
        require_same(t, ad_loadz(path));
}
