/* What the files of special functions along axes share. */
#ifndef AD_OPS_SPECIAL_H
#define AD_OPS_SPECIAL_H

#include "ad/special.h"

/* weighted.c: ad_logsumexp with weights. */
ad_array *ad_weighted_logsumexp(ad_array *x, const ad_logsumexp_options *o);

#endif
