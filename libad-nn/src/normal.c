/* Random trees. */
#include "model.h"

struct drawing {
    ad_key key;
    uint64_t leaf;
};

/* Leaf i is drawn with the key folded with i, so that it does not depend on the shapes of the others. */
static ad_array *draw(const char *path, ad_array *leaf, void *context)
{
    struct drawing *d = context;
    ad_dtype dtype = ad_dtype_of(leaf), part = dtype == AD_F32 || dtype == AD_C64 ? AD_F32 : AD_F64;
    ad_key key = ad_random_fold_in(d->key, d->leaf++);
    (void)path;
    if (!ad_dtype_is_complex(dtype))
        return ad_random_normal(key, ad_shape_of(leaf), .dtype = part);
    ad_array *real = ad_random_normal(ad_random_fold_in(key, 0), ad_shape_of(leaf), .dtype = part, .scale = M_SQRT1_2);
    ad_array *imaginary = ad_random_normal(ad_random_fold_in(key, 1), ad_shape_of(leaf), .dtype = part, .scale = M_SQRT1_2);
    return ad_add(real, ad_mul(imaginary, 1i));
}

ad_tree *adnn_normal_like(ad_key key, const ad_tree *t)
{
    return adnn_given(t, "adnn_normal_like", "tree") ? ad_tree_map_with_path(draw, t, &(struct drawing){ key, 0 }) : NULL;
}
