/* Rows for ad/inspect.h: names. row.h says what a row is and how one is added. */
#include "row.h"

WAVE_X(under_a_name, ad_name(x, "x"))

static const struct row inspect_rows[] = {
    ONE("ad_name", under_a_name, -2, 2, COMPLEX),
};
