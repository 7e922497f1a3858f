/* What a user sets and asks about the library as a whole: threads. */
#include "ad/config.h"
#include "array/array.h"
#include "kernels/kernels.h"

void ad_set_num_threads(int count)
{
    if (count < 0)
        ad_set_error(AD_ERROR_VALUE, "ad_set_num_threads: %d threads; there should be 1 or more, or 0 for the default", count);
    else
        ad_threads_choose(count);
}

int ad_num_threads(void)
{
    return ad_threads();
}
