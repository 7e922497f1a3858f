/* What eigenvalues of general and of Hermitian matrices share. Each kind has two operations: `both` has the outputs w
 * and v, the values and the vectors, and `alone` the values, for where no derivative is in sight. */
#include "ops/linalg/linalg.h"

bool ad_eigen_eval(const ad_node *node, ad_eigen_scratch *scratch_for, ad_eigen_decompose *decompose, void *w, void *v)
{
    ad_context *c = ad_current();
    const char *a = data_of(node, 0);
    if (!a || !ad_input_size(node, 0))
        return a != NULL;
    size_t bytes = scratch_for(ad_node_dtype(node, 0), ad_matrix_size(node, 0).rows);
    void *scratch = ad_all_finite(node, ad_node_primitive(node)->name) ? ad_allocate(c, bytes) : NULL;
    bool done = scratch && decompose(node, a, w, v, scratch);
    ad_deallocate(c, scratch, bytes);
    return done;
}

bool ad_eigenvalues_infer(const ad_primitive *both, const ad_node *node, ad_spec *output)
{
    ad_spec specs[2];
    if (!both->infer(node, specs))
        return false;
    *output = specs[AD_EIGENVALUES];
    return true;
}

ad_array *ad_eigenvectors_anew(const ad_primitive *both, const ad_node *node)
{
    ad_array *a = ad_node_input(node, 0), *outputs[2];
    return a && ad_call_primitive_many(both, &a, 1, NULL, outputs) ? outputs[AD_EIGENVECTORS] : NULL;
}

ad_tree *ad_eigen_tree(const ad_primitive *both, ad_array *a)
{
    ad_array *outputs[2];
    if (!a || !ad_call_primitive_many(both, &a, 1, NULL, outputs))
        return NULL;
    return ad_tree_of("eigenvalues", outputs[AD_EIGENVALUES], "eigenvectors", outputs[AD_EIGENVECTORS]);
}

ad_array *ad_eigenvalues(const ad_primitive *both, const ad_primitive *alone, ad_array *a)
{
    ad_array *outputs[2];
    if (!a || !ad_is_differentiated(a))
        return a ? ad_call_primitive(alone, &a, 1, NULL) : NULL;
    return ad_call_primitive_many(both, &a, 1, NULL, outputs) ? outputs[AD_EIGENVALUES] : NULL;
}
