/* Minibatches as functions of (key, iteration). */
#include "ad-nn/nn.h"

ad_array *adnn_batch(ad_key key, int64_t examples, int64_t batch_size, int64_t iteration)
{
    if (batch_size < 1 || batch_size > examples)
        return ad_set_error(AD_ERROR_VALUE, "adnn_batch: a batch_size of %lld for %lld examples; it should be from 1 to that", (long long)batch_size,
                            (long long)examples);
    if (iteration < 0)
        return ad_set_error(AD_ERROR_VALUE, "adnn_batch: iteration %lld; it should be 0 or more", (long long)iteration);
    AD_SCOPE;
    int64_t batches = examples / batch_size, epoch = iteration / batches, start = iteration % batches * batch_size;
    ad_array *order = ad_random_permutation(ad_random_fold_in(key, (uint64_t)epoch), examples);
    return ad_escape(ad_copy(ad_slice_axis(order, 0, start, batch_size, 1)));
}
